//! What RAM holds beside users: policies with their versions, groups, roles that can be assumed, and what is attached to
//! whom.

use std::{fmt, sync::Arc};

use super::{GroupId, GroupName, PolicyName, PrincipalId, Timestamp};

/// Whose a policy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyType {
    /// The vendor's: built in, the same in every account, never changed.
    System,
    /// The account's own.
    Custom,
}

impl PolicyType {
    /// Both.
    pub const ALL: [Self; 2] = [Self::System, Self::Custom];

    /// Returns the spelling of the interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "System",
            Self::Custom => "Custom",
        }
    }

    /// Returns the value of that spelling; the case counts.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A policy by type and name, which is how RAM names one. Shown as `Custom/dev-only`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyRef {
    /// Whose it is.
    pub policy_type: PolicyType,
    /// Its name, unique among those of its type.
    pub name: PolicyName,
}

impl PolicyRef {
    /// Returns the one before which no other is.
    #[must_use]
    pub fn least() -> Self {
        Self { policy_type: PolicyType::System, name: PolicyName::least() }
    }
}

impl fmt::Display for PolicyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.policy_type.as_str(), self.name)
    }
}

/// The number of a version of a policy, from 1 on and never given twice. Shown as `v1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VersionId(pub u32);

impl VersionId {
    /// Returns the version of that spelling.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('v')?;
        let plain = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
        digits.parse().ok().filter(|_| plain).map(Self)
    }
}

impl fmt::Display for VersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

/// A version of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyVersion {
    /// Which one.
    pub id: VersionId,
    /// The document, as it was given.
    pub document: Arc<str>,
    /// When it was made.
    pub created: Timestamp,
}

/// A policy of the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Its name, unique among the custom policies of the account.
    pub name: PolicyName,
    /// What it is for, at most 1,024 characters.
    pub description: String,
    /// Its versions, oldest first: one to five.
    pub versions: Vec<PolicyVersion>,
    /// The version that is in force.
    pub default: VersionId,
    /// The number the next version gets.
    pub next: VersionId,
    /// When it was made.
    pub created: Timestamp,
    /// When it changed last.
    pub modified: Timestamp,
}

impl Policy {
    /// Returns the version of an id.
    #[must_use]
    pub fn version(&self, id: VersionId) -> Option<&PolicyVersion> {
        self.versions.iter().find(|version| version.id == id)
    }
}

/// A group of RAM users, who have the policies of the group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its id, which stays when it is renamed.
    pub id: GroupId,
    /// Its name, unique in the account.
    pub name: GroupName,
    /// What it is for, at most 128 characters.
    pub comments: String,
    /// When it was made.
    pub created: Timestamp,
    /// When name or comments changed last.
    pub modified: Timestamp,
}

/// What policies are attached to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holder {
    /// A RAM user or RAM role.
    Principal(PrincipalId),
    /// A group.
    Group(GroupId),
}

/// What a RAM role has beside its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assumable {
    /// The document that says who may assume it.
    pub trust_document: Arc<str>,
    /// What it is for, at most 1,024 characters.
    pub description: String,
    /// How long a session may last, 3,600 to 43,200 seconds.
    pub max_session_seconds: u32,
}
