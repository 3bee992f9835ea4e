//! What signed callers may do: manage workspaces, members, roles, users, access keys, policies and groups, as far as this
//! service's own decisions allow it.
//!
//! A read is authorized and answered on one view. A write is authorized, checked and compiled on the very view whose
//! revision it is applied at; when another change comes first, all of that happens again.

mod access_keys;
mod attachments;
mod configs;
pub(super) mod documents;
mod groups;
mod members;
mod permissions;
mod policies;
mod policy_versions;
mod ram_roles;
mod roles;
mod users;
mod workspaces;

use std::{borrow::Cow, collections::BTreeMap, sync::Arc, time::Duration};

use arc_swap::Guard;

pub use access_keys::CreatedAccessKey;
pub(super) use access_keys::new_access_key;
pub use attachments::{AttachedPolicy, HolderName, Holders};
pub use configs::{ConfigFilter, NewConfig, config_id};
pub use groups::GroupChange;
pub use members::{MemberFilter, MemberRef, NewMember};
pub use permissions::PermissionFilter;
pub use policies::{NewPolicy, PolicyFacts, VersionFacts};
pub use policy_versions::NewVersion;
pub use ram_roles::{NewRamRole, RamRoleChange};
pub use roles::{RoleFilter, RoleJob};
pub use users::{NewUser, UserChange};
pub use workspaces::{NewWorkspace, WorkspaceFilter};

use super::{Accounts, Actor, Changed, Keyring, View};
use crate::{
    catalog::{AskedOn, Operation, catalog},
    domain::{
        AccessKeyId, Accessibility, AccountId, ActionId, ContextValue, Effect, Invalid, KeyStatus,
        Op, Principal, PrincipalId, PrincipalKind, Reason, Request, Resource, Revision, Timestamp,
        UserName, WorkspaceId, shortened,
    },
    error::{Denied, Error, ErrorCode},
};

/// How large a workspace may become.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Most custom roles.
    pub roles: usize,
    /// Most members.
    pub members: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { roles: super::MAX_ROLES, members: super::MAX_MEMBERS }
    }
}

/// A signed call: who, which operation, in which request.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The account the access key is of.
    pub account: AccountId,
    /// Whose the access key is.
    pub principal: PrincipalId,
    /// The access key; `None` for the one of development mode, which is in no store.
    pub key: Option<AccessKeyId>,
    /// What is called.
    pub operation: &'static Operation,
    /// The ARNs it is asked on, each of them, where it is asked on the account; none for the account itself.
    pub resources: Vec<String>,
    /// What is known of the request beside, by RAM condition keys.
    pub context: BTreeMap<String, ContextValue>,
    /// In which request.
    pub actor: Actor,
    /// The revision the answer must have at least.
    pub at_least: Option<Revision>,
}

/// A part of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The part.
    pub items: Vec<T>,
    /// How many there are in the whole list.
    pub total: usize,
}

/// Which part of a list.
#[derive(Debug, Clone, Copy)]
pub struct Paging {
    /// How many come before it.
    pub skip: usize,
    /// How many it has at most.
    pub size: usize,
}

impl Paging {
    /// Returns the part of a whole list.
    fn of<T>(self, list: Vec<T>) -> Page<T> {
        let total = list.len();
        Page { items: list.into_iter().skip(self.skip).take(self.size).collect(), total }
    }
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sorting {
    /// By the time of the last change instead of that of the creation.
    pub by_modified: bool,
    /// Latest first.
    pub descending: bool,
}

impl Sorting {
    /// Sorts by what `times` says of an item, creation first, and among equals by `id`.
    fn sort<T, I: Ord>(
        self,
        list: &mut [T],
        times: impl Fn(&T) -> (Timestamp, Timestamp),
        id: impl Fn(&T) -> I,
    ) {
        list.sort_by_cached_key(|item| {
            let (created, modified) = times(item);
            (if self.by_modified { modified } else { created }, id(item))
        });
        if self.descending {
            list.reverse();
        }
    }
}

/// The use cases of signed callers.
///
/// Every write can fail as [`Management::look`] does, and with [`ErrorCode::Conflict`] when other changes came first
/// each time, [`ErrorCode::NonceUsed`] for a request sent twice, [`ErrorCode::InvalidValue`] for a request id that was
/// another request's, and [`ErrorCode::StoreFull`]. [`ErrorCode::Unavailable`] alone leaves open whether the change was
/// made; its help says how to find out.
#[derive(Debug, Clone)]
pub struct Management {
    accounts: Arc<Accounts>,
    keyring: Arc<Keyring>,
    bounds: Bounds,
    wait: Duration,
}

impl Management {
    /// Returns the use cases on `accounts`; `wait` is how long a call waits for the revision it demands.
    #[must_use]
    pub const fn new(
        accounts: Arc<Accounts>,
        keyring: Arc<Keyring>,
        bounds: Bounds,
        wait: Duration,
    ) -> Self {
        Self { accounts, keyring, bounds, wait }
    }

    /// Returns the view to answer a call from, which may be about `workspace`.
    ///
    /// # Errors
    /// [`ErrorCode::ReplicaStale`] when the demanded revision does not come in time;
    /// [`ErrorCode::AccessKeyInactive`] when the key was switched off since the signature was checked;
    /// [`ErrorCode::WorkspaceDenied`] for a workspace the caller may not act on, whether it is there or not;
    /// [`ErrorCode::WorkspaceNotFound`] for a missing one to those who may know; [`ErrorCode::NoPermission`];
    /// [`ErrorCode::Unavailable`] while the account is not loaded or nobody knows what the store holds.
    pub async fn look(
        &self,
        caller: &Caller,
        workspace: Option<&WorkspaceId>,
    ) -> Result<Arc<View>, Error> {
        let view = self.view(caller).await?;
        permit(&view, caller, workspace)?;
        Ok(view)
    }

    /// Returns the opaque form of a revision.
    #[must_use]
    pub fn revision_token(&self, account: &AccountId, revision: Revision) -> String {
        self.keyring.revision_token(account, revision)
    }

    /// Returns the revision behind a token; `None` for a text this service did not give out for `account`.
    #[must_use]
    pub fn read_revision(&self, account: &AccountId, token: &str) -> Option<Revision> {
        self.keyring.read_revision(account, token)
    }

    /// Returns the present revision of an account.
    #[must_use]
    pub fn present_revision(&self, account: &AccountId) -> Option<Revision> {
        self.accounts.view(account).map(|view| view.revision())
    }

    /// Returns the opaque form of the place after `place` in the list that `operation` answers.
    #[must_use]
    pub fn page_token(&self, account: &AccountId, operation: &Operation, place: &str) -> String {
        self.keyring.page_token(account, &format!("{}:{place}", operation.name))
    }

    /// Returns the place behind a page token; `None` for a text this service did not give out for `account` and the list of
    /// `operation`.
    #[must_use]
    pub fn read_page_token(
        &self,
        account: &AccountId,
        operation: &Operation,
        token: &str,
    ) -> Option<String> {
        let text = self.keyring.read_page_token(account, token)?;
        let (list, place) = text.split_once(':')?;
        (list == operation.name).then(|| place.to_owned())
    }

    /// Returns the present name of a RAM user or role; `None` for the main account.
    #[must_use]
    pub fn name_of(&self, account: &AccountId, principal: &PrincipalId) -> Option<UserName> {
        let view = self.accounts.view(account)?;
        view.identity(principal).map(|identity| identity.name.clone())
    }

    async fn view(&self, caller: &Caller) -> Result<Arc<View>, Error> {
        self.accounts
            .fresh_view(&caller.account, caller.at_least, self.wait)
            .await
            .map(Guard::into_inner)
    }

    /// Returns the present view, for rendering what a change led to.
    ///
    /// # Errors
    /// [`ErrorCode::Unavailable`] while the account is not loaded or nobody knows what the store holds.
    pub async fn present(&self, caller: &Caller) -> Result<Arc<View>, Error> {
        self.accounts.fresh_view(&caller.account, None, self.wait).await.map(Guard::into_inner)
    }

    /// Returns the present time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.accounts.clock().now()
    }

    /// Makes a change that the caller may make, about `workspace` if it is about one.
    async fn change(
        &self,
        caller: &Caller,
        workspace: Option<&WorkspaceId>,
        decide: impl Fn(&View) -> Result<Vec<Op>, Error>,
    ) -> Result<Changed, Error> {
        // What a caller demands to be seen must be seen before it is decided on. Without that the store tells whether what
        // it is decided on is the present.
        if caller.at_least.is_some() {
            self.view(caller).await?;
        }
        let permit = |view: &View| permit(view, caller, workspace);
        let operation = caller.operation.name;
        self.accounts.change(&caller.account, &caller.actor, operation, Some(&permit), decide).await
    }
}

/// Refuses a call that the caller may not make, now; see [`Management::look`].
pub(super) fn permit(
    view: &View,
    caller: &Caller,
    workspace: Option<&WorkspaceId>,
) -> Result<(), Error> {
    if let Some(id) = &caller.key {
        let sound = view
            .access_key(id)
            .is_some_and(|key| key.status == KeyStatus::Active && key.owner == caller.principal);
        if !sound {
            return Err(Error::new(
                ErrorCode::AccessKeyInactive,
                "the access key was switched off or deleted",
                "sign with an active access key",
            ));
        }
    }
    view.check_readable(workspace.map(WorkspaceId::borrowed))?;
    let Some(kind) = view.kind_of(&caller.principal) else {
        return Err(no_permission(caller, None));
    };
    let denied = |reason: Reason| {
        let name =
            view.identity(&caller.principal).map_or("root", |it| it.name.as_str()).to_owned();
        let action = caller.operation.action.and_then(|id| catalog().action(id));
        let ram = action.and_then(|action| catalog().ram_action(action));
        Some(Box::new(Denied {
            action: ram.map_or(caller.operation.name, |ram| ram.action).to_owned(),
            principal: Principal { kind, id: caller.principal.clone() },
            account: caller.account.clone(),
            name,
            is_explicit: reason == Reason::ExplicitDeny,
        }))
    };
    let principal = Principal { kind, id: caller.principal.clone() };
    let missing = || workspace.filter(|id| view.workspace(id).is_none());
    match caller.operation.on {
        AskedOn::Visible => view.check_whole(),
        AskedOn::Itself => match missing() {
            Some(id) if kind == PrincipalKind::Account => Err(workspace_not_found(id)),
            Some(_) => Err(workspace_denied(&format!("PaiWorkspace:{}", caller.operation.name))),
            None => Ok(()),
        },
        AskedOn::Account => {
            let Some(action) = caller.operation.action else {
                return Err(Error::internal("an operation on an account has no action"));
            };
            let decides = |on: Resource<'_>| decides(view, caller, &principal, action, on);
            if caller.resources.is_empty() {
                let reason = decides(Resource::Account);
                return if reason.effect() == Effect::Allow {
                    Ok(())
                } else {
                    Err(Error { denied: denied(reason), ..no_permission(caller, None) })
                };
            }
            for arn in &caller.resources {
                let reason = decides(Resource::Arn { arn: arn.into(), workspace: None });
                if reason.effect() == Effect::Deny {
                    return Err(Error {
                        denied: denied(reason),
                        ..no_permission(caller, Some(arn))
                    });
                }
            }
            Ok(())
        }
        AskedOn::Workspace => {
            let (Some(id), Some(action)) = (workspace, caller.operation.action) else {
                return Err(Error::internal("an operation on a workspace has none"));
            };
            if kind == PrincipalKind::Account && missing().is_some() {
                return Err(workspace_not_found(id));
            }
            if may(view, caller, &principal, action, id) {
                return Ok(());
            }
            let name = catalog().action(action).map_or("", |action| action.name);
            Err(workspace_denied(name))
        }
    }
}

/// Refuses a call on the account whose body names a workspace that the caller may not take its action on.
fn permit_in(view: &View, caller: &Caller, workspace: &WorkspaceId) -> Result<(), Error> {
    let kind = view.kind_of(&caller.principal).ok_or_else(|| no_permission(caller, None))?;
    let principal = Principal { kind, id: caller.principal.clone() };
    let action = caller.operation.action;
    if action.is_some_and(|action| may(view, caller, &principal, action, workspace)) {
        return Ok(());
    }
    Err(no_permission(caller, None))
}

/// Refuses a call whose body names a resource that the caller may not take an action on.
fn permit_on(view: &View, caller: &Caller, action: &str, arn: &str) -> Result<(), Error> {
    let kind = view.kind_of(&caller.principal).ok_or_else(|| no_permission(caller, None))?;
    let action = catalog().find_action(action);
    let action = action.ok_or_else(|| Error::internal("an action that is asked is not known"))?;
    let principal = Principal { kind, id: caller.principal.clone() };
    let on = Resource::Arn { arn: arn.into(), workspace: None };
    if decides(view, caller, &principal, action.id, on).effect() == Effect::Allow {
        return Ok(());
    }
    Err(no_permission(caller, Some(&arn.to_owned())))
}

/// Returns whether a principal may take an action on a workspace.
fn may(
    view: &View,
    caller: &Caller,
    principal: &Principal,
    action: ActionId,
    workspace: &WorkspaceId,
) -> bool {
    let resource = Resource::Asset {
        workspace: Some(workspace.borrowed()),
        resource_type: "workspace",
        id: None,
        // What is managed here has no creator of its own: the caller stands for it, as for a creation.
        creator: Some(principal.id.borrowed()),
        accessibility: Some(Accessibility::Private),
    };
    decides(view, caller, principal, action, resource).effect() == Effect::Allow
}

fn decides(
    view: &View,
    caller: &Caller,
    principal: &Principal,
    action: ActionId,
    resource: Resource<'_>,
) -> Reason {
    let context = Cow::Borrowed(&caller.context);
    let request = Request { principal: principal.asks(), action, resource, context };
    let decision = view.snapshot.is_authorized(&request);
    tracing::debug!(
        action = catalog().action(action).map_or("?", |action| action.name),
        reason = decision.reason.as_str(),
        "authorized a call"
    );
    decision.reason
}

/// Returns the refusal of a call; `arn` is what it was refused on, where that is not the whole account.
fn no_permission(caller: &Caller, arn: Option<&String>) -> Error {
    let action = caller.operation.action.and_then(|id| catalog().action(id));
    let name = action.map_or(caller.operation.name, |action| action.name);
    Error::new(
        ErrorCode::NoPermission,
        match arn {
            None => format!("the caller may not `{name}` in this account"),
            Some(arn) => {
                format!("the caller may not `{name}` on `{}`", shortened(arn, Invalid::MAX_VALUE))
            }
        },
        "sign with an access key of the main account, or have a policy attached that allows it",
    )
}

fn workspace_denied(code: &str) -> Error {
    Error::new(
        ErrorCode::WorkspaceDenied,
        format!("No permission: denied by RAM and AIWorkspace Rbac {code}"),
        "there is no such workspace, or the caller holds no role in it that grants this",
    )
}

fn workspace_not_found(id: &WorkspaceId) -> Error {
    Error::new(
        ErrorCode::WorkspaceNotFound,
        format!("Workspace not exists {id}"),
        "see ListWorkspaces for those there are",
    )
    .about("WorkspaceId", id.as_str())
}
