//! Workspaces: made, shown, changed, deleted, and which of them is the default one.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Caller, Management, NewMember, Page, Paging, Sorting, may, members, permit_in,
    workspace_not_found,
};
use crate::{
    domain::{
        BuiltinRole, EnvMode, Invalid, Member, Op, Principal, PrincipalId, PrincipalKind,
        ResourceGroupId, Revision, RoleRef, Workspace, WorkspaceId, WorkspaceName,
    },
    error::{Error, ErrorCode},
    service::{View, random::random_digits, rules},
};

/// Digits of the ids that are made up.
const ID_DIGITS: u32 = 12;
/// How many freed names one deletion forgets at most.
const FORGOTTEN_PER_DELETION: usize = 8;

/// A workspace to create.
#[derive(Debug, Clone)]
pub struct NewWorkspace {
    /// Its name, which never changes.
    pub name: WorkspaceName,
    /// Its name for people; by default the name.
    pub display_name: Option<String>,
    /// What it is for, 1 to 80 characters.
    pub description: String,
    /// Its environments.
    pub env: EnvMode,
    /// Its resource group.
    pub resource_group: Option<ResourceGroupId>,
    /// Who else becomes a member, in the same change.
    pub members: Vec<NewMember>,
}

impl NewWorkspace {
    /// Refuses a display name or description that does not fit; `field` is what the caller calls it.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidValue`].
    pub fn check_shown(field: &str, text: &str) -> Result<(), Invalid> {
        rules::check_text(field, text, rules::MAX_SHOWN)
    }

    /// Refuses a description that is missing or does not fit; `field` is what the caller calls it.
    ///
    /// # Errors
    /// [`ErrorCode::MissingField`], [`ErrorCode::InvalidValue`].
    pub fn check_description(field: &str, text: &str) -> Result<(), Invalid> {
        if text.is_empty() {
            let help = "say what the workspace is for, in 1 to 80 characters";
            return Err(Invalid::missing(field, help));
        }
        Self::check_shown(field, text)
    }
}

/// Which workspaces are listed: those for which all of these hold.
#[derive(Debug, Clone, Default)]
pub struct WorkspaceFilter {
    /// It has this name.
    pub name: Option<String>,
    /// It is one of these.
    pub ids: Option<BTreeSet<String>>,
    /// It is in this resource group.
    pub resource_group: Option<String>,
    /// This principal is a member.
    pub member: Option<PrincipalId>,
    /// Nothing else would be listed, as for a status no workspace has.
    pub nothing: bool,
}

impl Management {
    /// Creates a workspace with its members. The caller becomes Owner, the main account also Administrator.
    ///
    /// # Errors
    /// [`ErrorCode::WorkspaceNameTaken`]; a text that does not fit; members that break a rule; as every
    /// write of [`Management`].
    pub async fn create_workspace(
        &self,
        caller: &Caller,
        new: &NewWorkspace,
    ) -> Result<(Revision, WorkspaceId), Error> {
        NewWorkspace::check_description("Description", &new.description)?;
        let display_name = new
            .display_name
            .clone()
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| new.name.to_string());
        NewWorkspace::check_shown("DisplayName", &display_name)?;
        let now = self.now();
        let candidate = random_digits(ID_DIGITS)?;
        let decide = |view: &View| {
            // A name may be taken by what cannot be read.
            view.check_whole()?;
            if !rules::name_is_free(view, &new.name, now) {
                return Err(name_taken(&new.name));
            }
            let id = free_id(view, &candidate)?;
            let workspace = Workspace {
                id: id.clone(),
                name: new.name.clone(),
                display_name: display_name.clone(),
                description: new.description.clone(),
                env: new.env,
                resource_group: new.resource_group.clone(),
                creator: caller.principal.clone(),
                created: now,
                modified: now,
            };
            let mut roles = vec![RoleRef::Builtin(BuiltinRole::Owner)];
            if view.kind_of(&caller.principal) == Some(PrincipalKind::Account) {
                roles.push(RoleRef::Builtin(BuiltinRole::Admin));
            }
            let owner = Member { principal: caller.principal.clone(), roles, created: now };
            let mut ops = Vec::with_capacity(3 + new.members.len());
            // The name of a workspace deleted long ago begins anew.
            if view.retired_since(&new.name).is_some() {
                ops.push(Op::RemoveRetiredName(new.name.clone()));
            }
            ops.push(Op::PutWorkspace(workspace));
            let members =
                members::joined(view, &id, Some(owner), &new.members, self.bounds.members, now)?;
            ops.extend(members.into_iter().map(|member| Op::PutMember(id.clone(), member)));
            Ok(ops)
        };
        let changed = self.change(caller, None, decide).await?;
        let id = changed.ops.iter().find_map(|op| match op {
            Op::PutWorkspace(workspace) => Some(workspace.id.clone()),
            _ => None,
        });
        let id = id.ok_or_else(|| Error::internal("a created workspace is not in its change"))?;
        Ok((changed.revision, id))
    }

    /// Changes display name and description, where stated.
    ///
    /// # Errors
    /// A text that does not fit; as every write of [`Management`].
    pub async fn update_workspace(
        &self,
        caller: &Caller,
        id: &WorkspaceId,
        display_name: Option<&str>,
        description: Option<&str>,
    ) -> Result<Revision, Error> {
        for (field, text) in [("DisplayName", display_name), ("Description", description)] {
            let Some(text) = text else { continue };
            NewWorkspace::check_shown(field, text)?;
            if text.is_empty() {
                let help = "give 1 to 80 characters, or leave the field out";
                return Err(Invalid::value(field, text, "a text to show", help).into());
            }
        }
        let decide = |view: &View| {
            let present = view.workspace(id).ok_or_else(|| workspace_not_found(id))?;
            let mut next = present.clone();
            if let Some(text) = display_name {
                text.clone_into(&mut next.display_name);
            }
            if let Some(text) = description {
                text.clone_into(&mut next.description);
            }
            if next == *present {
                return Ok(Vec::new());
            }
            next.modified = self.now();
            Ok(vec![Op::PutWorkspace(next)])
        };
        self.change(caller, Some(id), decide).await.map(|changed| changed.revision)
    }

    /// Deletes a workspace with its members, roles and configs. Its name stays taken for 14 days.
    ///
    /// # Errors
    /// [`ErrorCode::WorkspaceNotFound`]; as every write of [`Management`].
    pub async fn delete_workspace(
        &self,
        caller: &Caller,
        id: &WorkspaceId,
    ) -> Result<Revision, Error> {
        let decide = |view: &View| {
            let workspace = view.workspace(id).ok_or_else(|| workspace_not_found(id))?;
            let (now, roster) = (self.now(), view.roster(id));
            let mut ops: Vec<Op> = roster
                .members()
                .map(|member| Op::RemoveMember(id.clone(), member.principal))
                .collect();
            ops.extend(roster.roles().map(|role| Op::RemoveRole(id.clone(), role.id.clone())));
            let configs = view.configs(id).map(|config| config.name.clone());
            ops.extend(configs.map(|name| Op::RemoveConfig(id.clone(), name)));
            if view.default_workspace().is_some_and(|default| default.id == *id) {
                ops.push(Op::RemoveDefaultWorkspace);
            }
            ops.push(Op::RemoveWorkspace(id.clone()));
            let freed = view.retired_names().filter(|(_, at)| *at < now.minus(rules::RETIREMENT));
            let freed = freed.map(|(name, _)| Op::RemoveRetiredName(name.clone()));
            ops.extend(freed.take(FORGOTTEN_PER_DELETION));
            ops.push(Op::PutRetiredName(workspace.name.clone(), now));
            Ok(ops)
        };
        self.change(caller, Some(id), decide).await.map(|changed| changed.revision)
    }

    /// Makes a workspace the default one.
    ///
    /// # Errors
    /// [`ErrorCode::WorkspaceNotFound`]; as every write of [`Management`].
    pub async fn set_default_workspace(
        &self,
        caller: &Caller,
        id: &WorkspaceId,
    ) -> Result<Revision, Error> {
        let decide = |view: &View| {
            let workspace = view.workspace(id).ok_or_else(|| workspace_not_found(id))?;
            // The body names it: a policy may be about this one.
            permit_in(view, caller, id)?;
            if view.default_workspace().is_some_and(|default| default.id == workspace.id) {
                return Ok(Vec::new());
            }
            Ok(vec![Op::PutDefaultWorkspace(id.clone())])
        };
        self.change(caller, Some(id), decide).await.map(|changed| changed.revision)
    }
}

/// Returns the workspaces the caller sees, as far as `filter` lets them through.
#[must_use]
pub(super) fn listed(
    view: &View,
    caller: &Caller,
    filter: &WorkspaceFilter,
    sorting: Sorting,
    paging: Paging,
) -> Page<Workspace> {
    let mut list: Vec<&Workspace> = view
        .workspaces()
        .filter(|w| !filter.nothing && filter.name.as_deref().is_none_or(|n| n == w.name.as_str()))
        .filter(|w| filter.ids.as_ref().is_none_or(|ids| ids.contains(w.id.as_str())))
        .filter(|w| {
            let group = w.resource_group.as_ref().map(ResourceGroupId::as_str);
            filter.resource_group.as_deref().is_none_or(|stated| Some(stated) == group)
        })
        .filter(|w| {
            let member = filter.member.as_ref();
            member.is_none_or(|member| view.roster(&w.id).has_member(member))
        })
        .filter(|w| sees(view, caller, &w.id))
        .collect();
    sorting.sort(&mut list, |w| (w.created, w.modified), |w| w.id.clone());
    let page = paging.of(list);
    Page { items: page.items.into_iter().cloned().collect(), total: page.total }
}

/// Returns whether an answer to the caller may hold a workspace.
pub(super) fn sees(view: &View, caller: &Caller, id: &WorkspaceId) -> bool {
    let Some(kind) = view.kind_of(&caller.principal) else { return false };
    let principal = Principal { kind, id: caller.principal.clone() };
    caller.operation.action.is_some_and(|action| may(view, caller, &principal, action, id))
}

impl Management {
    /// Returns the workspaces the caller sees, and the view they are in.
    ///
    /// # Errors
    /// As [`Management::look`].
    pub async fn list_workspaces(
        &self,
        caller: &Caller,
        filter: &WorkspaceFilter,
        sorting: Sorting,
        paging: Paging,
    ) -> Result<(Arc<View>, Page<Workspace>), Error> {
        let view = self.look(caller, None).await?;
        let page = listed(&view, caller, filter, sorting, paging);
        Ok((view, page))
    }

    /// Returns whether a name cannot be given to a new workspace, whoever holds it.
    ///
    /// # Errors
    /// As [`Management::look`].
    pub async fn workspace_name_taken(
        &self,
        caller: &Caller,
        name: &WorkspaceName,
    ) -> Result<(Revision, bool), Error> {
        let view = self.look(caller, None).await?;
        Ok((view.revision(), !rules::name_is_free(&view, name, self.now())))
    }

    /// Returns the default workspace, if the caller sees it, and the view it is in.
    ///
    /// # Errors
    /// [`ErrorCode::WorkspaceNotFound`] when there is none to see; as [`Management::look`].
    pub async fn default_workspace(
        &self,
        caller: &Caller,
    ) -> Result<(Arc<View>, Workspace), Error> {
        let view = self.look(caller, None).await?;
        let found = view.default_workspace().filter(|w| sees(&view, caller, &w.id)).cloned();
        let found = found.ok_or_else(|| {
            Error::new(
                ErrorCode::WorkspaceNotFound,
                "Workspace not exists: there is no default workspace",
                "make one the default with UpdateDefaultWorkspace",
            )
        })?;
        Ok((view, found))
    }

    /// Returns a workspace, and the view it is in.
    ///
    /// # Errors
    /// As [`Management::look`].
    pub async fn workspace(
        &self,
        caller: &Caller,
        id: &WorkspaceId,
    ) -> Result<(Arc<View>, Workspace), Error> {
        let view = self.look(caller, Some(id)).await?;
        let found = view.workspace(id).cloned().ok_or_else(|| workspace_not_found(id))?;
        Ok((view, found))
    }
}

fn name_taken(name: &WorkspaceName) -> Error {
    Error::new(
        ErrorCode::WorkspaceNameTaken,
        format!("Workspace exist error: `{name}` is the name of a workspace, or of one deleted less than 14 days ago"),
        "give another name",
    )
    .about("WorkspaceName", name.as_str())
}

/// Returns the id made up for a workspace, or the next that is free.
fn free_id(view: &View, candidate: &str) -> Result<WorkspaceId, Error> {
    let mut text = candidate.to_owned();
    loop {
        let id = WorkspaceId::parse(&text)
            .map_err(|_| Error::internal("a made-up workspace id has a wrong form"))?;
        if view.workspace(&id).is_none() {
            return Ok(id);
        }
        text = random_digits(ID_DIGITS)?;
    }
}
