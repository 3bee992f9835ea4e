//! What is asked: first as the caller stated it, then as the engine judges it.

use std::collections::BTreeMap;

use super::{Accessibility, Principal, PrincipalId, ResourceId, WorkspaceId};

/// A value of the request context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContextValue {
    /// One value.
    One(Scalar),
    /// Several values of one key.
    Many(Vec<Scalar>),
}

/// A single context value. Numbers keep their text, for RAM compares them as it reads them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scalar {
    /// A string.
    String(String),
    /// A boolean.
    Bool(bool),
    /// A number, as written.
    Number(String),
}

/// A request as the caller stated it: strings, nothing looked up, `None` where nothing was stated.
///
/// The engine turns it into a [`Request`] or says which field is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Question<'a> {
    /// `principal.type`.
    pub principal_type: Option<&'a str>,
    /// `principal.id`.
    pub principal_id: Option<&'a str>,
    /// `action`, as permission code or RAM action.
    pub action: Option<&'a str>,
    /// `resource.arn`.
    pub arn: Option<&'a str>,
    /// `resource.type`.
    pub resource_type: Option<&'a str>,
    /// `resource.id`.
    pub resource_id: Option<&'a str>,
    /// `resource.workspace`.
    pub workspace: Option<&'a str>,
    /// `resource.creator`.
    pub creator: Option<&'a str>,
    /// `resource.accessibility`.
    pub accessibility: Option<&'a str>,
    /// `context`.
    pub context: BTreeMap<String, ContextValue>,
}

/// An action, as an index into the catalogue that gave it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActionId(pub u16);

/// What a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resource {
    /// The account itself, for account-scope actions.
    Account,
    /// Something in a workspace.
    Asset {
        /// The workspace; `None` for official images, which are in none.
        workspace: Option<WorkspaceId>,
        /// The resource type, as the catalogue spells it.
        resource_type: &'static str,
        /// Its id; `None` for any (`*`).
        id: Option<ResourceId>,
        /// Who created it, where stated.
        creator: Option<PrincipalId>,
        /// Whether it is shared, where stated.
        accessibility: Option<Accessibility>,
    },
    /// Something by its ARN, for actions that no role grants.
    Arn {
        /// The ARN as stated.
        arn: String,
        /// The workspace it names, if it names one.
        workspace: Option<WorkspaceId>,
    },
    /// Something that is certainly not of this account or region: nothing can be granted on it.
    Foreign,
}

impl Resource {
    /// Returns the workspace it is in, if it is in one.
    #[must_use]
    pub const fn workspace(&self) -> Option<&WorkspaceId> {
        match self {
            Self::Asset { workspace, .. } | Self::Arn { workspace, .. } => workspace.as_ref(),
            Self::Account | Self::Foreign => None,
        }
    }
}

/// A checked request: every name is known, every required attribute is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Who asks. A `User` with the account's id has become the `Account`.
    pub principal: Principal,
    /// The action.
    pub action: ActionId,
    /// About what.
    pub resource: Resource,
    /// RAM condition keys.
    pub context: BTreeMap<String, ContextValue>,
}
