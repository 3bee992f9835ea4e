//! Why a decision is what it is: what decided it, what nearly allowed it, and the least that would.
//!
//! Pure as decisions are, and far from their path: it may take milliseconds. Nothing here decides: what it says of roles was
//! said by Cedar when they were compiled, and what it suggests was asked of [`Snapshot::is_authorized`] on a snapshot with that
//! change made. Whom a policy is attached to, and what groups are called, it does not know: `service/explain.rs` adds that.

mod near;
mod remedy;
mod source;
mod statements;
mod words;

use std::sync::Arc;

use super::{Document, Snapshot, Suggestion, Unmet, judged::Case, snapshot::Workspace};
use crate::{
    catalog::Action,
    domain::{
        CustomRole, CustomRoleId, PermissionType, PolicyRef, Principal, PrincipalKind, Reason,
        Request, RoleName, RoleRef, VersionId, WorkspaceId,
    },
};

/// Most near misses that are told.
const MOST_NEAR: usize = 10;

/// Why a decision is what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The decision in one sentence.
    pub summary: String,
    /// The determining policies, each with where it comes from; `None` where that is not known, which is a defect.
    pub policies: Vec<(String, Option<Source>)>,
    /// What is known of who and what was asked about.
    pub facts: Facts,
    /// What nearly allowed it, the nearest first; only of an implicit deny.
    pub near_misses: Vec<NearMiss>,
    /// Condition keys that statements about this action and resource look at and the request does not state.
    pub missing_keys: Vec<String>,
    /// The least change of each kind that would allow it; only of an implicit deny.
    pub remedies: Vec<Remedy>,
}

/// Where a policy comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A role the product defines.
    BuiltinRole(crate::domain::BuiltinRole),
    /// A custom role.
    CustomRole {
        /// Which one.
        id: CustomRoleId,
        /// What it is called, where that is known.
        name: Option<RoleName>,
        /// The module of the action, as the API calls it.
        module: Option<&'static str>,
        /// The level the role has there.
        level: Option<PermissionType>,
    },
    /// A statement of a RAM document.
    Document {
        /// The policy.
        policy: PolicyRef,
        /// The version of it.
        version: VersionId,
        /// The place of the statement, from 0 on.
        statement: usize,
        /// The line it begins on, from 1 on.
        line: usize,
    },
    /// A switch of the workspace that is off.
    Switch {
        /// The category of its config.
        category: &'static str,
        /// Its key.
        key: &'static str,
    },
    /// What every known user has.
    KnownUsers,
    /// What the main account has.
    Account,
}

/// What is known of who and what was asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Whether the principal is known.
    pub principal_known: bool,
    /// Whether the workspace is; `None` of a request about none.
    pub workspace_known: Option<bool>,
    /// The roles the principal holds there.
    pub roles: Vec<HeldRole>,
    /// How many RAM documents it has; `None` where one that is attached is not there.
    pub documents: Option<usize>,
}

/// A role that is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldRole {
    /// Which one.
    pub role: RoleRef,
    /// What it is called, of a custom role that is known.
    pub name: Option<RoleName>,
}

/// What a grant that nearly allows a request differs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Differs {
    /// It is about what somebody else created.
    Creator,
    /// It is about private assets, or about public ones.
    Accessibility,
    /// Both.
    CreatorAndAccessibility,
    /// It is about some assets, and the request does not say which it is about.
    Unstated,
    /// A condition of it does not hold.
    Condition,
    /// It is held in another workspace.
    Workspace,
    /// It is about other resources.
    Resource,
}

impl Differs {
    /// Returns the spelling of the interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Creator => "creator",
            Self::Accessibility => "accessibility",
            Self::CreatorAndAccessibility => "creator_and_accessibility",
            Self::Unstated => "unstated",
            Self::Condition => "condition",
            Self::Workspace => "workspace",
            Self::Resource => "resource",
        }
    }
}

/// A grant that nearly allows a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearMiss {
    /// The policy.
    pub policy: String,
    /// Where it comes from.
    pub source: Source,
    /// What keeps it from applying.
    pub differs: Differs,
    /// The workspace the role is held in, where that is it.
    pub workspace: Option<WorkspaceId>,
    /// The conditions that do not hold, where that is it.
    pub conditions: Vec<Unmet>,
    /// The same for a person.
    pub text: String,
}

/// A change that would allow a request: of its kind the smallest there is, and tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// The principal gets one more role in the workspace: of those that would do, the one that grants least.
    AddRole {
        /// Which one; never that of the Owner, which nobody is given.
        role: RoleRef,
        /// What it is called, of a custom role that is known.
        name: Option<RoleName>,
        /// How many pairs of an action and a cell it grants.
        grants: usize,
        /// The same for a person.
        text: String,
    },
    /// A custom role the principal holds gets a higher level in a module: of those that would do, the lowest.
    RaiseLevel {
        /// Which role.
        role: CustomRoleId,
        /// What it is called.
        name: RoleName,
        /// The module, as the API calls it.
        module: &'static str,
        /// Its level now.
        from: PermissionType,
        /// The level that would do.
        to: PermissionType,
        /// The same for a person.
        text: String,
    },
    /// The principal gets a policy with one more statement.
    RamStatement {
        /// The statement.
        statement: Suggestion,
        /// The same for a person.
        text: String,
    },
}

impl Remedy {
    /// Returns the same for a person.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::AddRole { text, .. }
            | Self::RaiseLevel { text, .. }
            | Self::RamStatement { text, .. } => text,
        }
    }
}

/// Looks up a custom role as it is recorded: its name and levels, which nothing is decided on.
type Recorded<'r> = dyn Fn(&WorkspaceId, &CustomRoleId) -> Option<&'r CustomRole> + 'r;

/// What an explanation needs and no decision does.
pub struct Beside<'a> {
    /// Looks up a custom role as it is recorded.
    pub recorded: &'a Recorded<'a>,
    /// Returns whether what is known of a workspace can be trusted; of others nothing is told.
    pub is_readable: &'a (dyn Fn(&WorkspaceId) -> bool + 'a),
    /// Most roles a member may hold.
    pub most_roles: usize,
}

/// What is explained, with all that is looked up for it.
struct Asked<'a> {
    snapshot: &'a Snapshot,
    request: &'a Request<'a>,
    action: &'static Action,
    who: Principal,
    /// `None` for a resource that is certainly of another account.
    case: Option<Case>,
    /// The workspace, where there is one of that id.
    workspace: Option<&'a Workspace>,
    /// The roles the principal holds there, each once.
    held: Vec<RoleRef>,
    /// The documents it has; none where one of them is not there.
    documents: Option<Vec<Arc<Document>>>,
    beside: &'a Beside<'a>,
}

impl Snapshot {
    /// Returns why the decision on a request is what it is.
    ///
    /// It decides once more for each change it suggests. `None` is a defect: an action that is not in the catalogue.
    #[must_use]
    pub fn explain<'a>(
        &'a self,
        request: &'a Request<'a>,
        beside: &'a Beside<'a>,
    ) -> Option<Explanation> {
        let decision = self.is_authorized(request);
        let asked = Asked::of(self, request, beside)?;
        let named = decision.determining_policies.iter().map(|id| {
            let source = asked.source(&id);
            (id.into_owned(), source)
        });
        let policies: Vec<_> = named.collect();
        // Where no grant could reach, none is near.
        let is_open = decision.reason == Reason::ImplicitDeny && self.has_say(request);
        let near_misses = if is_open { asked.near_misses() } else { Vec::new() };
        let remedies = if is_open { asked.remedies() } else { Vec::new() };
        let can_be_said = decision.reason != Reason::Error && self.has_say(request);
        let missing_keys = if can_be_said { asked.missing_keys() } else { Vec::new() };
        let summary = asked.summary(decision.reason, &policies, &near_misses);
        Some(Explanation {
            summary,
            policies,
            facts: asked.facts(),
            near_misses,
            missing_keys,
            remedies,
        })
    }
}

impl<'a> Asked<'a> {
    fn of(
        snapshot: &'a Snapshot,
        request: &'a Request<'a>,
        beside: &'a Beside<'a>,
    ) -> Option<Self> {
        let who = Principal { kind: request.principal.kind, id: request.principal.id.to_id() };
        let id = request.resource.workspace();
        let workspace = id.and_then(|id| snapshot.workspace(id.digits()));
        // Roles add nothing to the main account.
        let held = match who.kind {
            PrincipalKind::Account => None,
            _ => workspace.and_then(|it| it.members.roles(who.id.digits())),
        };
        let mut held: Vec<RoleRef> = held.unwrap_or_default().to_vec();
        held.sort();
        held.dedup();
        let documents = match who.kind {
            PrincipalKind::Account => Some(Vec::new()),
            _ => snapshot.documents(&who).ok(),
        };
        Some(Self {
            action: snapshot.engine.catalog.action(request.action)?,
            case: Case::of(&request.principal, &request.resource),
            snapshot,
            request,
            who,
            workspace,
            held,
            documents,
            beside,
        })
    }

    fn facts(&self) -> Facts {
        let asked_in = self.request.resource.workspace();
        let role = |role: &RoleRef| HeldRole { role: role.clone(), name: self.name_of(role) };
        Facts {
            principal_known: self.snapshot.is_known(&self.request.principal),
            workspace_known: asked_in.map(|_| self.workspace.is_some()),
            roles: self.held.iter().map(role).collect(),
            documents: self.documents.as_ref().map(Vec::len),
        }
    }

    /// Returns what a custom role of the workspace is called.
    fn name_of(&self, role: &RoleRef) -> Option<RoleName> {
        match role {
            RoleRef::Builtin(_) => None,
            RoleRef::Custom(id) => {
                Some((self.beside.recorded)(&self.workspace?.id, id)?.name.clone())
            }
        }
    }
}
