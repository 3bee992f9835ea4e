//! What is asked: first as the caller stated it, then as the engine judges it.

use std::{borrow::Cow, collections::BTreeMap};

use super::{Accessibility, IdRef, PrincipalId, PrincipalKind, WorkspaceId};

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
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
    /// `context`; `None` is as an empty one.
    pub context: Option<&'a BTreeMap<String, ContextValue>>,
}

/// An action, as an index into the catalogue that gave it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActionId(pub u16);

/// Who asks, as a request states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asker<'q> {
    /// What kind of principal. A `User` with the account's id has become the `Account`.
    pub kind: PrincipalKind,
    /// Its id.
    pub id: IdRef<'q, PrincipalId>,
}

/// What a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resource<'q> {
    /// The account itself, for account-scope actions.
    Account,
    /// Something in a workspace.
    Asset {
        /// The workspace; `None` for official images, which are in none.
        workspace: Option<IdRef<'q, WorkspaceId>>,
        /// The resource type, as the catalogue spells it.
        resource_type: &'static str,
        /// Its id; `None` for any (`*`).
        id: Option<Cow<'q, str>>,
        /// Who created it, where stated.
        creator: Option<IdRef<'q, PrincipalId>>,
        /// Whether it is shared, where stated.
        accessibility: Option<Accessibility>,
    },
    /// Something by its ARN, for actions that no role grants.
    Arn {
        /// The ARN as stated.
        arn: Cow<'q, str>,
        /// The workspace it names, if it names one.
        workspace: Option<IdRef<'q, WorkspaceId>>,
    },
    /// Something that is certainly not of this account or region: nothing can be granted on it.
    Foreign,
}

impl<'q> Resource<'q> {
    /// Returns the workspace it is in, if it is in one.
    #[must_use]
    pub const fn workspace(&self) -> Option<IdRef<'q, WorkspaceId>> {
        match self {
            Self::Asset { workspace, .. } | Self::Arn { workspace, .. } => *workspace,
            Self::Account | Self::Foreign => None,
        }
    }
}

/// A request with texts of its own, to be looked at later.
#[derive(Debug, Clone)]
pub struct KeptRequest {
    kind: PrincipalKind,
    principal: PrincipalId,
    action: ActionId,
    resource: KeptResource,
    context: BTreeMap<String, ContextValue>,
}

#[derive(Debug, Clone)]
enum KeptResource {
    Account,
    Asset {
        workspace: Option<WorkspaceId>,
        resource_type: &'static str,
        id: Option<String>,
        creator: Option<PrincipalId>,
        accessibility: Option<Accessibility>,
    },
    Arn {
        arn: String,
        workspace: Option<WorkspaceId>,
    },
    Foreign,
}

impl KeptRequest {
    /// Returns the request.
    #[must_use]
    pub fn request(&self) -> Request<'_> {
        let resource = match &self.resource {
            KeptResource::Account => Resource::Account,
            KeptResource::Asset { workspace, resource_type, id, creator, accessibility } => {
                Resource::Asset {
                    workspace: workspace.as_ref().map(WorkspaceId::borrowed),
                    resource_type,
                    id: id.as_deref().map(Cow::Borrowed),
                    creator: creator.as_ref().map(PrincipalId::borrowed),
                    accessibility: *accessibility,
                }
            }
            KeptResource::Arn { arn, workspace } => Resource::Arn {
                arn: Cow::Borrowed(arn),
                workspace: workspace.as_ref().map(WorkspaceId::borrowed),
            },
            KeptResource::Foreign => Resource::Foreign,
        };
        Request {
            principal: Asker { kind: self.kind, id: self.principal.borrowed() },
            action: self.action,
            resource,
            context: Cow::Borrowed(&self.context),
        }
    }
}

impl Request<'_> {
    /// Returns the request with texts of its own.
    #[must_use]
    pub fn keep(&self) -> KeptRequest {
        let resource = match &self.resource {
            Resource::Account => KeptResource::Account,
            Resource::Asset { workspace, resource_type, id, creator, accessibility } => {
                KeptResource::Asset {
                    workspace: workspace.map(IdRef::to_id),
                    resource_type,
                    id: id.as_deref().map(str::to_owned),
                    creator: creator.map(IdRef::to_id),
                    accessibility: *accessibility,
                }
            }
            Resource::Arn { arn, workspace } => {
                KeptResource::Arn { arn: arn.to_string(), workspace: workspace.map(IdRef::to_id) }
            }
            Resource::Foreign => KeptResource::Foreign,
        };
        KeptRequest {
            kind: self.principal.kind,
            principal: self.principal.id.to_id(),
            action: self.action,
            resource,
            context: self.context.clone().into_owned(),
        }
    }
}

/// A checked request: every name is known, every required attribute is there. Its texts are still the caller's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request<'q> {
    /// Who asks.
    pub principal: Asker<'q>,
    /// The action.
    pub action: ActionId,
    /// About what.
    pub resource: Resource<'q>,
    /// RAM condition keys.
    pub context: Cow<'q, BTreeMap<String, ContextValue>>,
}
