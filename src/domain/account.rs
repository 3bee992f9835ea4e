//! What is recorded of an account.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::{
    AccessKeyId, AccountId, Asker, Assumable, BundleName, Config, ConfigName, CustomRole,
    CustomRoleId, Group, GroupId, Holder, Members, Policy, PolicyName, PolicyRef, PrincipalId,
    ResourceGroupId, Revision, RoleRef, Timestamp, TokenId, UserName, WorkspaceId, WorkspaceName,
};

/// The kind of a principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PrincipalKind {
    /// The main account.
    Account,
    /// A RAM user.
    User,
    /// A RAM role.
    RamRole,
}

impl PrincipalKind {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Account, Self::User, Self::RamRole];

    /// Returns the spelling of the interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "Account",
            Self::User => "User",
            Self::RamRole => "RamRole",
        }
    }

    /// Returns the value of that spelling; the case counts.
    #[must_use]
    #[inline]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Principal {
    /// What it is.
    pub kind: PrincipalKind,
    /// Its id: the account id, `UserId` or `RoleId`.
    pub id: PrincipalId,
}

impl Principal {
    /// Returns the principal as one that asks.
    #[must_use]
    pub fn asks(&self) -> Asker<'_> {
        Asker { kind: self.kind, id: self.id.borrowed() }
    }
}

/// A RAM user or RAM role that is known to the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Who it is; never [`PrincipalKind::Account`].
    pub principal: Principal,
    /// Its name, unique in the account among those of its kind.
    pub name: UserName,
    /// What is known of it beside.
    pub profile: Profile,
    /// What a role has beside; `None` of users, and of roles that were only made known.
    pub assumable: Option<Assumable>,
    /// When it was recorded.
    pub created: Timestamp,
    /// When name or profile changed last.
    pub modified: Timestamp,
}

/// What is known of a user beside its name; nothing is decided on it. Empty where nothing was stated.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Profile {
    /// For people, at most 128 characters.
    pub display_name: String,
    /// At most 128 characters.
    pub comments: String,
    /// At most 128 characters.
    pub email: String,
    /// At most 128 characters.
    pub mobile_phone: String,
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Addresses and numbers of people stay out of logs.
        f.debug_struct("Profile").field("display_name", &self.display_name).finish_non_exhaustive()
    }
}

/// How many environments a workspace has; it never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EnvMode {
    /// Production alone: `["prod"]`.
    Simple,
    /// Development and production: `["dev", "prod"]`.
    Standard,
}

impl EnvMode {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Simple, Self::Standard];

    /// Returns the `EnvTypes` of the API.
    #[must_use]
    pub const fn env_types(self) -> &'static [&'static str] {
        match self {
            Self::Simple => &["prod"],
            Self::Standard => &["dev", "prod"],
        }
    }

    /// Returns the mode of these `EnvTypes`, in any order; `None` for any other list.
    #[must_use]
    pub fn parse<T: AsRef<str>>(env_types: &[T]) -> Option<Self> {
        let mut stated: Vec<&str> = env_types.iter().map(AsRef::as_ref).collect();
        stated.sort_unstable();
        Self::ALL.into_iter().find(|mode| mode.env_types() == stated)
    }
}

/// A workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// Its id, unique in the account.
    pub id: WorkspaceId,
    /// Its name, unique in the account.
    pub name: WorkspaceName,
    /// Its name for people, 1 to 80 characters.
    pub display_name: String,
    /// What it is for, at most 80 characters.
    pub description: String,
    /// Which environments it has.
    pub env: EnvMode,
    /// The resource group it was put in, where one was named.
    pub resource_group: Option<ResourceGroupId>,
    /// Who created it, and thereby owns it.
    pub creator: PrincipalId,
    /// When it was created.
    pub created: Timestamp,
    /// When its display name or description changed last.
    pub modified: Timestamp,
}

/// A membership: which roles a principal holds in a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub principal: PrincipalId,
    /// The roles, sorted, at least one.
    pub roles: Vec<RoleRef>,
    /// When the membership began.
    pub created: Timestamp,
}

/// What a token may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Ask for decisions.
    Decide,
    /// Create, list and revoke tokens of the account.
    Tokens,
    /// Ask who may, what is allowed, and where: answers name principals and workspaces that the caller did not.
    Search,
    /// Ask why: answers name roles, policies and what would change a decision.
    Explain,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Decide, Self::Tokens, Self::Search, Self::Explain];

    /// Returns the spelling of the interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Decide => "decide",
            Self::Tokens => "tokens",
            Self::Search => "search",
            Self::Explain => "explain",
        }
    }

    /// Returns the value of that spelling.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text)
    }
}

/// A set of scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scopes(u8);

impl Scopes {
    /// Returns the set of these, without repetition.
    #[must_use]
    pub fn new(scopes: Vec<Scope>) -> Self {
        Self(scopes.into_iter().fold(0, |set, scope| set | Self::bit(scope)))
    }

    /// Returns the set of all scopes.
    #[must_use]
    pub fn all() -> Self {
        Self::new(Scope::ALL.to_vec())
    }

    /// Returns whether `scope` is in the set.
    #[must_use]
    pub const fn contains(self, scope: Scope) -> bool {
        self.0 & Self::bit(scope) != 0
    }

    /// Returns the scopes in a fixed order.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.contains(*scope))
    }

    /// Returns whether no scope is in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    const fn bit(scope: Scope) -> u8 {
        1 << scope as u8
    }
}

/// A keyed digest of a token's secret; the secret itself is never stored. `Debug` does not print it.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenDigest(pub [u8; 32]);

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenDigest(…)")
    }
}

/// A bearer token by which a PEP asks for decisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its public part.
    pub id: TokenId,
    /// What it is for, in the words of whoever made it, at most 128 characters.
    pub name: String,
    /// The keyed digest of its secret.
    pub digest: TokenDigest,
    /// What it may be used for.
    pub scopes: Scopes,
    /// The policy bundle it asks; `None` for the account itself.
    pub bundle: Option<BundleName>,
    /// When it was made.
    pub created: Timestamp,
}

/// Whether an access key may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyStatus {
    /// It may.
    Active,
    /// It may not, for now.
    Inactive,
}

/// An access key of the main account or of a RAM user.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// Its public part.
    pub id: AccessKeyId,
    /// Whose it is.
    pub owner: PrincipalId,
    /// The secret, sealed under the master key with account and id as associated data.
    pub sealed_secret: Vec<u8>,
    /// Whether it may be used.
    pub status: KeyStatus,
    /// When it was made.
    pub created: Timestamp,
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The sealed secret stays out of logs too: whoever holds the master key could open it.
        f.debug_struct("AccessKey")
            .field("id", &self.id)
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}

/// Everything recorded of one account at one revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRecords {
    /// Which account.
    pub account: AccountId,
    /// At which revision.
    pub revision: Revision,
    /// Known RAM users and roles by id.
    pub identities: BTreeMap<PrincipalId, Identity>,
    /// Workspaces by id.
    pub workspaces: BTreeMap<WorkspaceId, Workspace>,
    /// Custom roles by workspace and id.
    pub roles: BTreeMap<(WorkspaceId, CustomRoleId), CustomRole>,
    /// Configs by workspace and what they are known by.
    pub configs: BTreeMap<(WorkspaceId, ConfigName), Config>,
    /// Members by workspace; no workspace without any.
    pub rosters: BTreeMap<WorkspaceId, Members>,
    /// Tokens by id.
    pub tokens: BTreeMap<TokenId, Token>,
    /// Access keys by id.
    pub access_keys: BTreeMap<AccessKeyId, AccessKey>,
    /// Names of deleted workspaces, which stay taken for a while, and when each was deleted.
    pub retired_names: BTreeMap<WorkspaceName, Timestamp>,
    /// The default workspace.
    pub default_workspace: Option<WorkspaceId>,
    /// The account's own policies by name.
    pub policies: BTreeMap<PolicyName, Policy>,
    /// Groups by id.
    pub groups: BTreeMap<GroupId, Group>,
    /// Who is in which group, and since when.
    pub group_members: BTreeMap<(GroupId, PrincipalId), Timestamp>,
    /// Which policies are attached to whom, and since when.
    pub attachments: BTreeMap<(Holder, PolicyRef), Timestamp>,
    /// Workspaces of which something could not be read: what is here of them is not to be trusted.
    pub unreadable: BTreeSet<WorkspaceId>,
}

impl AccountRecords {
    /// Returns an account of which nothing is recorded.
    #[must_use]
    pub const fn empty(account: AccountId) -> Self {
        Self {
            account,
            revision: Revision::ORIGIN,
            identities: BTreeMap::new(),
            workspaces: BTreeMap::new(),
            roles: BTreeMap::new(),
            configs: BTreeMap::new(),
            rosters: BTreeMap::new(),
            tokens: BTreeMap::new(),
            access_keys: BTreeMap::new(),
            retired_names: BTreeMap::new(),
            default_workspace: None,
            policies: BTreeMap::new(),
            groups: BTreeMap::new(),
            group_members: BTreeMap::new(),
            attachments: BTreeMap::new(),
            unreadable: BTreeSet::new(),
        }
    }

    /// Returns how many memberships there are.
    #[must_use]
    pub fn membership_count(&self) -> usize {
        self.rosters.values().map(Members::len).sum()
    }
}
