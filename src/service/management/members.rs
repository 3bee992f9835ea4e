//! Members: added, shown, removed, and which roles they hold.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{Caller, Management, Page, Paging};
use crate::{
    domain::{
        BuiltinRole, Invalid, Member, Op, PrincipalId, PrincipalKind, Revision, RoleRef, Timestamp,
        UserName, WorkspaceId,
    },
    error::{Error, ErrorCode},
    service::{Roster, View, rules::MAX_ROLES_HELD},
};

/// Most members of one call.
const MAX_PER_CALL: usize = 1_000;
/// Most users of the list that has no pages.
const MAX_USERS_LISTED: usize = 10_000;
const OWNER: RoleRef = RoleRef::Builtin(BuiltinRole::Owner);

/// A principal that shall become a member, or hold more roles.
#[derive(Debug, Clone)]
pub struct NewMember {
    /// Where the caller states who it is, for messages.
    pub user_field: String,
    /// Where the caller states its roles, for messages.
    pub roles_field: String,
    /// Who.
    pub principal: PrincipalId,
    /// Names or ids of roles.
    pub roles: Arc<[String]>,
}

impl NewMember {
    /// Refuses more members than one call takes.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidValue`].
    pub fn check_count(field: &str, count: usize) -> Result<(), Error> {
        if count <= MAX_PER_CALL {
            return Ok(());
        }
        let help = format!("give at most {MAX_PER_CALL} in one call");
        let count = count.to_string();
        Err(Invalid::value(field, &count, "a number of members that fits", help).into())
    }

    /// Refuses more roles than a member can hold.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidValue`].
    pub fn check_roles(field: &str, count: usize) -> Result<(), Error> {
        if count <= MAX_ROLES_HELD {
            return Ok(());
        }
        let help = format!("a member holds at most {MAX_ROLES_HELD} roles");
        let count = count.to_string();
        Err(Invalid::value(field, &count, "a number of roles that fits", help).into())
    }
}

/// A member, as a caller names it: by user, or by the member id, which is workspace and user.
#[derive(Debug, Clone)]
pub struct MemberRef {
    /// Who, where the text had the form of one; a member of another workspace is nobody here.
    principal: Option<PrincipalId>,
    text: String,
}

impl MemberRef {
    /// Returns the member of `workspace` that a text names: `<workspace>-<user>`, or the user alone.
    #[must_use]
    pub fn parse(workspace: &WorkspaceId, text: &str) -> Self {
        let user = match text.split_once('-') {
            Some((of, user)) => (of == workspace.as_str()).then_some(user),
            None => Some(text),
        };
        let principal = user.and_then(|user| PrincipalId::parse(user).ok());
        Self { principal, text: text.to_owned() }
    }

    fn find(&self, roster: Roster<'_>) -> Result<Member, Error> {
        self.principal.as_ref().and_then(|id| roster.member(id)).ok_or_else(|| {
            Error::new(
                ErrorCode::MemberNotFound,
                format!(
                    "`{}` is not a member of the workspace",
                    crate::domain::shortened(&self.text, 100)
                ),
                "see ListMembers",
            )
            .about("MemberId", &self.text)
        })
    }
}

/// Which members are listed: those for which all of these hold.
#[derive(Debug, Clone, Default)]
pub struct MemberFilter {
    /// Its name or display name has this in it, whatever the case of letters.
    pub name: Option<String>,
    /// It holds one of these roles.
    pub roles: BTreeSet<String>,
    /// It is this one.
    pub principal: Option<PrincipalId>,
}

impl MemberFilter {
    fn is_empty(&self) -> bool {
        self.name.is_none() && self.roles.is_empty() && self.principal.is_none()
    }
}

impl Management {
    /// Adds members, or roles to those who are members: all of them or none. Returns whom it was about, once each.
    ///
    /// # Errors
    /// [`ErrorCode::UserNotFound`], [`ErrorCode::RoleNotFound`], [`ErrorCode::LimitExceeded`]; the role of the Owner;
    /// as every write of [`Management`].
    pub async fn create_members(
        &self,
        caller: &Caller,
        workspace: &WorkspaceId,
        new: &[NewMember],
    ) -> Result<(Arc<View>, Vec<Member>), Error> {
        if new.is_empty() {
            let help = "give at least one {\"UserId\": …, \"Roles\": […]}";
            return Err(Invalid::missing("Members", help).into());
        }
        let now = self.now();
        let decide = |view: &View| {
            let members = joined(view, workspace, None, new, self.bounds.members, now)?;
            let roster = view.roster(workspace);
            let changed =
                members.into_iter().filter(|m| roster.member(&m.principal).as_ref() != Some(m));
            Ok(changed.map(|member| Op::PutMember(workspace.clone(), member)).collect())
        };
        let changed = self.change(caller, Some(workspace), decide).await?;
        let view = self.present(caller).await?;
        // What was written, now or the first time; who had all the roles already is shown as it is.
        let mut members: BTreeMap<&PrincipalId, Member> = new
            .iter()
            .filter_map(|one| {
                Some((&one.principal, view.roster(workspace).member(&one.principal)?))
            })
            .collect();
        members.extend(changed.ops.iter().filter_map(|op| match op {
            Op::PutMember(_, member) => Some((&member.principal, member.clone())),
            _ => None,
        }));
        let named = new.iter().filter_map(|one| members.remove(&one.principal)).collect();
        Ok((view, named))
    }

    /// Returns a member, and the view it is in.
    ///
    /// # Errors
    /// [`ErrorCode::MemberNotFound`]; as [`Management::look`].
    pub async fn member(
        &self,
        caller: &Caller,
        workspace: &WorkspaceId,
        named: &MemberRef,
    ) -> Result<(Arc<View>, Member), Error> {
        let view = self.look(caller, Some(workspace)).await?;
        let member = named.find(view.roster(workspace))?;
        Ok((view, member))
    }

    /// Returns the members as far as `filter` lets them through, in the order in which they joined, and the view they
    /// are in. A page of all members costs the same wherever it is; a filter looks at each member it may let through.
    ///
    /// # Errors
    /// As [`Management::look`].
    pub async fn list_members(
        &self,
        caller: &Caller,
        workspace: &WorkspaceId,
        filter: &MemberFilter,
        paging: Paging,
    ) -> Result<(Arc<View>, Page<Member>), Error> {
        let view = self.look(caller, Some(workspace)).await?;
        let roster = view.roster(workspace);
        let page = if filter.is_empty() {
            Page { items: roster.page(paging.skip, paging.size), total: roster.member_count() }
        } else {
            paging.of(filtered(&view, roster, filter))
        };
        Ok((view, page))
    }

    /// Removes members: all of them or none.
    ///
    /// # Errors
    /// [`ErrorCode::MemberNotFound`], [`ErrorCode::OwnerStays`]; as every write of [`Management`].
    pub async fn delete_members(
        &self,
        caller: &Caller,
        workspace: &WorkspaceId,
        named: &[MemberRef],
    ) -> Result<Revision, Error> {
        if named.is_empty() {
            let help = "give the ids of members, separated by commas";
            return Err(Invalid::missing("MemberIds", help).into());
        }
        NewMember::check_count("MemberIds", named.len())?;
        let decide = |view: &View| {
            let roster = view.roster(workspace);
            let mut leaving = BTreeSet::new();
            for one in named {
                let member = one.find(roster)?;
                if member.roles.contains(&OWNER) {
                    return Err(owner_stays(&one.text));
                }
                leaving.insert(member.principal);
            }
            let remove = |id: PrincipalId| Op::RemoveMember(workspace.clone(), id);
            Ok(leaving.into_iter().map(remove).collect())
        };
        self.change(caller, Some(workspace), decide).await.map(|changed| changed.revision)
    }

    /// Gives a member a role; one it holds already changes nothing.
    ///
    /// # Errors
    /// [`ErrorCode::MemberNotFound`], [`ErrorCode::RoleNotFound`], [`ErrorCode::LimitExceeded`]; the role of the Owner; as
    /// every write of [`Management`].
    pub async fn add_member_role(
        &self,
        caller: &Caller,
        workspace: &WorkspaceId,
        named: &MemberRef,
        role: &str,
    ) -> Result<Revision, Error> {
        let decide = |view: &View| {
            let roster = view.roster(workspace);
            let member = named.find(roster)?;
            let roles = [role.to_owned()];
            let next = with_roles(
                roster,
                Some(member.clone()),
                &member.principal,
                &roles,
                "RoleName",
                self.now(),
            )?;
            Ok(if next == member {
                Vec::new()
            } else {
                vec![Op::PutMember(workspace.clone(), next)]
            })
        };
        self.change(caller, Some(workspace), decide).await.map(|changed| changed.revision)
    }

    /// Takes a role from a member.
    ///
    /// # Errors
    /// [`ErrorCode::MemberNotFound`], [`ErrorCode::RoleNotFound`] also when the member does not hold it,
    /// [`ErrorCode::OwnerStays`], [`ErrorCode::LastRole`]; as every write of [`Management`].
    pub async fn remove_member_role(
        &self,
        caller: &Caller,
        workspace: &WorkspaceId,
        named: &MemberRef,
        role: &str,
    ) -> Result<Revision, Error> {
        let decide = |view: &View| {
            let roster = view.roster(workspace);
            let member = named.find(roster)?;
            let found = roster.find_role(role).ok_or_else(|| role_not_found("RoleName", role))?;
            if !member.roles.contains(&found) {
                let held: Vec<String> = member.roles.iter().map(|r| roster.role_title(r)).collect();
                return Err(Error::new(
                    ErrorCode::RoleNotFound,
                    format!("the member does not hold `{}`", roster.role_title(&found)),
                    format!("it holds `{}`", held.join("`, `")),
                )
                .about("RoleName", role));
            }
            if found == OWNER {
                return Err(owner_stays(&named.text));
            }
            let mut next = member.clone();
            next.roles.retain(|held| *held != found);
            if next.roles.is_empty() {
                return Err(Error::new(
                    ErrorCode::LastRole,
                    format!("`{role}` is the only role of the member"),
                    "add another role first, or remove the member with DeleteMembers",
                )
                .about("RoleName", role));
            }
            Ok(vec![Op::PutMember(workspace.clone(), next)])
        };
        self.change(caller, Some(workspace), decide).await.map(|changed| changed.revision)
    }

    /// Returns the RAM users that are not members, by name, at most 10,000, how many there are, and the revision they
    /// are of.
    ///
    /// # Errors
    /// As [`Management::look`].
    pub async fn list_workspace_users(
        &self,
        caller: &Caller,
        workspace: &WorkspaceId,
        user: Option<&PrincipalId>,
        name: Option<&str>,
    ) -> Result<(Revision, Page<(PrincipalId, UserName)>), Error> {
        let view = self.look(caller, Some(workspace)).await?;
        let roster = view.roster(workspace);
        let name = name.map(str::to_lowercase);
        let others = view
            .named_after(PrincipalKind::User, None)
            .filter(|identity| user.is_none_or(|id| *id == identity.principal.id))
            .filter(|identity| {
                let has = |part: &String| identity.name.as_str().to_lowercase().contains(part);
                name.as_ref().is_none_or(has)
            })
            .filter(|identity| !roster.has_member(&identity.principal.id))
            .map(|identity| (&identity.principal.id, &identity.name));
        let (mut items, mut total) = (Vec::new(), 0);
        for (id, name) in others {
            total += 1;
            if items.len() < MAX_USERS_LISTED {
                items.push((id.clone(), name.clone()));
            }
        }
        Ok((view.revision(), Page { items, total }))
    }
}

fn filtered(view: &View, roster: Roster<'_>, filter: &MemberFilter) -> Vec<Member> {
    let wanted: BTreeSet<RoleRef> =
        filter.roles.iter().filter_map(|text| roster.find_role(text)).collect();
    let part = filter.name.as_deref().map(str::to_lowercase);
    let matches = |member: &Member| {
        let by_role =
            filter.roles.is_empty() || member.roles.iter().any(|role| wanted.contains(role));
        by_role && part.as_deref().is_none_or(|part| is_called(view, &member.principal, part))
    };
    match &filter.principal {
        Some(id) => roster.member(id).into_iter().filter(matches).collect(),
        None => roster.members().filter(matches).collect(),
    }
}

fn is_called(view: &View, id: &PrincipalId, part: &str) -> bool {
    match view.identity(id) {
        Some(identity) => [identity.name.as_str(), &identity.profile.display_name]
            .into_iter()
            .any(|name| name.to_lowercase().contains(part)),
        // The main account goes by its id.
        None => id.as_str().contains(part),
    }
}

/// Returns the members a workspace has after `new` have joined: those that were named, and `owner` when it is new.
pub(super) fn joined(
    view: &View,
    workspace: &WorkspaceId,
    owner: Option<Member>,
    new: &[NewMember],
    most: usize,
    now: Timestamp,
) -> Result<Vec<Member>, Error> {
    NewMember::check_count("Members", new.len())?;
    let roster = view.roster(workspace);
    let mut out: Vec<Member> = owner.into_iter().collect();
    let mut places: BTreeMap<PrincipalId, usize> =
        out.iter().enumerate().map(|(at, member)| (member.principal.clone(), at)).collect();
    let mut joining = out.len();
    for NewMember { user_field, roles_field, principal, roles } in new {
        if view.kind_of(principal).is_none() {
            return Err(Error::new(
                ErrorCode::UserNotFound,
                format!("`{principal}` is not a known user of the account"),
                "make it known first: CreateUser, or `pai-authz user import`",
            )
            .about(user_field, principal.as_str()));
        }
        let at = places.get(principal).copied();
        let present = at.and_then(|at| out.get(at)).cloned().or_else(|| roster.member(principal));
        joining += usize::from(present.is_none());
        let next = with_roles(roster, present, principal, roles, roles_field, now)?;
        if let Some(place) = at.and_then(|at| out.get_mut(at)) {
            *place = next;
        } else {
            places.insert(principal.clone(), out.len());
            out.push(next);
        }
    }
    if roster.member_count() + joining > most {
        return Err(Error::new(
            ErrorCode::LimitExceeded,
            format!("a workspace has at most {most} members"),
            "remove those who need no access any more: DeleteMembers",
        ));
    }
    Ok(out)
}

/// Returns a member with more roles.
fn with_roles(
    roster: Roster<'_>,
    present: Option<Member>,
    principal: &PrincipalId,
    roles: &[String],
    field: &str,
    now: Timestamp,
) -> Result<Member, Error> {
    if roles.is_empty() {
        return Err(Invalid::missing(field, "every member holds at least one role").into());
    }
    let mut next = present.unwrap_or_else(|| Member {
        principal: principal.clone(),
        roles: Vec::new(),
        created: now,
    });
    for text in roles {
        let role = roster.find_role(text).ok_or_else(|| role_not_found(field, text))?;
        if next.roles.contains(&role) {
            continue;
        }
        if role == OWNER {
            let help = "the creator of a workspace is its Owner; nobody is given that role";
            return Err(Invalid::value(field, text, "a role to grant", help).into());
        }
        next.roles.push(role);
    }
    next.roles.sort();
    if next.roles.len() > MAX_ROLES_HELD {
        return Err(Error::new(
            ErrorCode::LimitExceeded,
            format!("a member holds at most {MAX_ROLES_HELD} roles"),
            "make one custom role of several",
        )
        .about(field, &next.roles.len().to_string()));
    }
    Ok(next)
}

fn owner_stays(text: &str) -> Error {
    Error::new(
        ErrorCode::OwnerStays,
        "Owner not allowed to delete",
        "whoever created a workspace stays its Owner",
    )
    .about("MemberId", text)
}

pub(super) fn role_not_found(field: &str, text: &str) -> Error {
    let shown = crate::domain::shortened(text, Invalid::MAX_VALUE);
    Error::new(
        ErrorCode::RoleNotFound,
        format!("`{shown}` is not a role here"),
        "give the code of a built-in role, or the name or id of a role of the workspace",
    )
    .about(field, text)
}
