//! Custom roles of a workspace, and the jobs that made them.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Caller, Management, Page, Paging, Sorting, members::role_not_found, permit, workspace_denied,
};
use crate::{
    domain::{
        CustomRole, CustomRoleId, Invalid, ModulePermission, Op, PrincipalKind, Revision, RoleName,
        RoleRef, Timestamp, WorkspaceId,
    },
    error::{Error, ErrorCode},
    service::{Roster, View, random::random_letters},
};

/// Letters of the ids that are made up.
const ID_CHARS: usize = 16;
/// Most roles one call deletes.
const MAX_PER_CALL: usize = 100;
/// How ids of jobs begin, behind what the job did. Roles are made at once, so a job is known by its role.
const CREATED: &str = "CreateWorkspaceCustomRole-";
const UPDATED: &str = "UpdateWorkspaceCustomRole-";

/// Which custom roles are listed: those for which all of these hold.
#[derive(Debug, Clone, Default)]
pub struct RoleFilter {
    /// It has this name.
    pub name: Option<String>,
    /// It is one of these.
    pub ids: Option<BTreeSet<String>>,
    /// Nothing else would be listed, as for a status no role has.
    pub nothing: bool,
}

/// A job, which was done when it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleJob {
    /// Its id.
    pub id: String,
    /// `CreateWorkspaceCustomRole` or `UpdateWorkspaceCustomRole`.
    pub kind: &'static str,
    /// The role it made or changed.
    pub role: CustomRoleId,
    /// When it was.
    pub at: Timestamp,
}

impl RoleJob {
    /// Returns the id of the job that created a role.
    #[must_use]
    pub fn created(role: &CustomRoleId) -> String {
        format!("{CREATED}{role}")
    }

    /// Returns the id of the job that changed a role last.
    #[must_use]
    pub fn updated(role: &CustomRoleId) -> String {
        format!("{UPDATED}{role}")
    }
}

impl Management {
    /// Makes a custom role and returns its id.
    ///
    /// # Errors
    /// [`ErrorCode::RoleNameTaken`], [`ErrorCode::LimitExceeded`]; permissions that are wrong; as
    /// every write of [`Management`].
    pub async fn create_role(
        &self,
        caller: &Caller,
        workspace: &WorkspaceId,
        name: &RoleName,
        modules: &[ModulePermission],
    ) -> Result<(Revision, CustomRoleId), Error> {
        let id = CustomRoleId::parse(&format!("role-{}", random_letters(ID_CHARS)?))
            .map_err(|_| Error::internal("a made-up role id has a wrong form"))?;
        let now = self.now();
        let role = CustomRole {
            id,
            name: name.clone(),
            modules: modules.to_vec(),
            creator: caller.principal.clone(),
            created: now,
            modified: now,
        };
        let decide = |view: &View| {
            let roster = view.roster(workspace);
            check_name(roster, name, None)?;
            if roster.role_count() >= self.bounds.roles {
                return Err(Error::new(
                    ErrorCode::LimitExceeded,
                    format!("a workspace has at most {} custom roles", self.bounds.roles),
                    "delete those nobody holds: DeleteWorkspaceRoles",
                ));
            }
            view.snapshot.engine().grants(&role)?;
            Ok(vec![Op::PutRole(workspace.clone(), role.clone())])
        };
        let changed = self.change(caller, Some(workspace), decide).await?;
        let id = changed.ops.iter().find_map(|op| match op {
            Op::PutRole(_, role) => Some(role.id.clone()),
            _ => None,
        });
        let id = id.ok_or_else(|| Error::internal("a created role is not in its change"))?;
        Ok((changed.revision, id))
    }

    /// Changes name and permissions of a custom role, where stated, and returns its id.
    ///
    /// # Errors
    /// As [`Management::create_role`]; [`ErrorCode::RoleNotFound`].
    pub async fn update_role(
        &self,
        caller: &Caller,
        workspace: &WorkspaceId,
        named: &str,
        name: Option<&RoleName>,
        modules: Option<&[ModulePermission]>,
    ) -> Result<(Revision, CustomRoleId), Error> {
        let decide = |view: &View| {
            let roster = view.roster(workspace);
            let present = custom(roster, named)?;
            let mut next = present.clone();
            if let Some(name) = name {
                check_name(roster, name, Some(&present.id))?;
                next.name = name.clone();
            }
            if let Some(modules) = modules {
                next.modules = modules.to_vec();
            }
            if next == *present {
                return Ok(Vec::new());
            }
            next.modified = self.now();
            view.snapshot.engine().grants(&next)?;
            Ok(vec![Op::PutRole(workspace.clone(), next)])
        };
        let changed = self.change(caller, Some(workspace), decide).await?;
        let written = changed.ops.iter().find_map(|op| match op {
            Op::PutRole(_, role) => Some(role.id.clone()),
            _ => None,
        });
        let id = match written {
            Some(id) => id,
            // Nothing was to be changed.
            None => custom(self.present(caller).await?.roster(workspace), named)?.id.clone(),
        };
        Ok((changed.revision, id))
    }

    /// Returns a custom role, and the revision it is of.
    ///
    /// # Errors
    /// [`ErrorCode::RoleNotFound`]; as [`Management::look`].
    pub async fn role(
        &self,
        caller: &Caller,
        workspace: &WorkspaceId,
        named: &str,
    ) -> Result<(Revision, CustomRole), Error> {
        let view = self.look(caller, Some(workspace)).await?;
        let role = custom(view.roster(workspace), named)?.clone();
        Ok((view.revision(), role))
    }

    /// Returns the custom roles as far as `filter` lets them through, and the revision they are of.
    ///
    /// # Errors
    /// As [`Management::look`].
    pub async fn list_roles(
        &self,
        caller: &Caller,
        workspace: &WorkspaceId,
        filter: &RoleFilter,
        sorting: Sorting,
        paging: Paging,
    ) -> Result<(Revision, Page<CustomRole>), Error> {
        let view = self.look(caller, Some(workspace)).await?;
        let mut list: Vec<&CustomRole> = view
            .roster(workspace)
            .roles()
            .filter(|_| !filter.nothing)
            .filter(|role| filter.name.as_deref().is_none_or(|name| name == role.name.as_str()))
            .filter(|role| filter.ids.as_ref().is_none_or(|ids| ids.contains(role.id.as_str())))
            .collect();
        sorting.sort(&mut list, |role| (role.created, role.modified), |role| role.id.clone());
        let page = paging.of(list);
        let items = page.items.into_iter().cloned().collect();
        Ok((view.revision(), Page { items, total: page.total }))
    }

    /// Deletes custom roles that nobody holds: all of them or none.
    ///
    /// # Errors
    /// [`ErrorCode::RoleNotFound`], [`ErrorCode::RoleInUse`]; as every write of [`Management`].
    pub async fn delete_roles(
        &self,
        caller: &Caller,
        workspace: &WorkspaceId,
        named: &[String],
    ) -> Result<Revision, Error> {
        if named.is_empty() {
            return Err(Invalid::missing("RoleIds", "give the ids of custom roles").into());
        }
        if named.len() > MAX_PER_CALL {
            let (count, help) = (named.len().to_string(), "give at most 100 in one call");
            return Err(
                Invalid::value("RoleIds", &count, "a number of roles that fits", help).into()
            );
        }
        let decide = |view: &View| {
            let roster = view.roster(workspace);
            let mut ids: Vec<&CustomRoleId> = Vec::with_capacity(named.len());
            for text in named {
                let role = custom(roster, text)?;
                if roster.holders(&RoleRef::Custom(role.id.clone())).next().is_some() {
                    return Err(Error::new(
                        ErrorCode::RoleInUse,
                        format!("members hold the role `{}`", role.name),
                        "take it from them first: RemoveMemberRole",
                    )
                    .about("RoleIds", text));
                }
                if !ids.contains(&&role.id) {
                    ids.push(&role.id);
                }
            }
            Ok(ids.into_iter().map(|id| Op::RemoveRole(workspace.clone(), id.clone())).collect())
        };
        self.change(caller, Some(workspace), decide).await.map(|changed| changed.revision)
    }

    /// Returns the job of an id, and the view it is in. A job of a role that is gone is gone.
    ///
    /// # Errors
    /// [`ErrorCode::JobNotFound`] to those who may know; as [`Management::look`].
    pub async fn job(&self, caller: &Caller, id: &str) -> Result<(Arc<View>, RoleJob), Error> {
        let view = self.view(caller).await?;
        let parsed = [CREATED, UPDATED].into_iter().find_map(|prefix| {
            let role = CustomRoleId::parse(id.strip_prefix(prefix)?).ok()?;
            let place = view.place_of_role(&role)?;
            Some((prefix, place.clone(), view.roster(place).role(&role)?.clone()))
        });
        let Some((prefix, workspace, role)) = parsed else {
            // Whoever may not look into every workspace is told the same as of a workspace it is not in.
            return Err(match view.kind_of(&caller.principal) {
                Some(PrincipalKind::Account) => Error::new(
                    ErrorCode::JobNotFound,
                    "there is no such job",
                    "give an `InstanceJobId` as CreateWorkspaceRole answered it; a job of a deleted role is gone",
                )
                .about("InstanceJobId", id),
                _ => workspace_denied("PaiWorkspace:GetInstanceJob"),
            });
        };
        permit(&view, caller, Some(&workspace))?;
        let job = RoleJob {
            id: id.to_owned(),
            kind: prefix.trim_end_matches('-'),
            at: if prefix == CREATED { role.created } else { role.modified },
            role: role.id,
        };
        Ok((view, job))
    }
}

fn custom<'r>(roster: Roster<'r>, text: &str) -> Result<&'r CustomRole, Error> {
    match roster.find_role(text) {
        Some(RoleRef::Custom(id)) => roster.role(&id),
        _ => None,
    }
    .ok_or_else(|| role_not_found("RoleId", text))
}

/// Refuses a name that another role of the workspace has.
fn check_name(
    roster: Roster<'_>,
    name: &RoleName,
    own: Option<&CustomRoleId>,
) -> Result<(), Error> {
    match roster.role_named(name) {
        Some(other) if Some(&other.id) != own => Err(Error::new(
            ErrorCode::RoleNameTaken,
            format!("the workspace has a role `{name}`"),
            "give another name, or change that role",
        )
        .about("RoleName", name.as_str())),
        _ => Ok(()),
    }
}
