//! Adds identities and workspaces to an account in one change, under the rules of members and roles.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    Accounts, Actor, Changed, View,
    rules::{self, MAX_MEMBERS, MAX_ROLES, MAX_ROLES_HELD},
};
use crate::{
    domain::{
        AccountId, BuiltinRole, Import, ImportedWorkspace, Invalid, Member, Op, PrincipalKind,
        Revision, RoleRef, Timestamp,
    },
    error::Error,
};

/// What an import added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Imported {
    /// Identities that were not known before.
    pub identities: usize,
    /// Workspaces.
    pub workspaces: usize,
    /// Memberships.
    pub members: usize,
    /// Custom roles.
    pub roles: usize,
    /// The revision that has them.
    pub revision: Revision,
}

impl Imported {
    /// Returns what a change added.
    pub(super) fn of(changed: &Changed) -> Self {
        let count = |is: fn(&Op) -> bool| changed.ops.iter().filter(|op| is(op)).count();
        Self {
            identities: count(|op| matches!(op, Op::PutIdentity(_))),
            workspaces: count(|op| matches!(op, Op::PutWorkspace(_))),
            members: count(|op| matches!(op, Op::PutMember(..))),
            roles: count(|op| matches!(op, Op::PutRole(..))),
            revision: changed.revision,
        }
    }
}

/// Adds `import` to `account`: all of it or, when anything is wrong, nothing.
///
/// The creator of a workspace becomes its Owner. An identity that is already known under the same kind is left as
/// it is.
///
/// # Errors
/// The first field that breaks a rule, named as in an import file; what the store says.
pub async fn import(
    accounts: &Arc<Accounts>,
    account: &AccountId,
    actor: &Actor,
    import: &Import,
) -> Result<Imported, Error> {
    let now = accounts.clock().now();
    let decide = |view: &View| ops(view, account, import, now);
    let changed = accounts.change(account, actor, "Import", None, decide).await?;
    Ok(Imported::of(&changed))
}

/// Returns the records of an import.
pub(super) fn ops(
    view: &View,
    account: &AccountId,
    import: &Import,
    now: Timestamp,
) -> Result<Vec<Op>, Error> {
    let (mut ops, known) = identities(view, account, import)?;
    rules::check_room_for_users(view, ops.len())?;
    let (mut ids, mut names, mut role_ids) = (HashSet::new(), HashSet::new(), HashSet::new());
    for (index, imported) in import.workspaces.iter().enumerate() {
        let field = format!("workspaces[{index}]");
        let workspace = &imported.workspace;
        if view.snapshot.has_workspace(&workspace.id) || !ids.insert(&workspace.id) {
            let help = "a workspace of this id exists; give another id";
            return Err(Invalid::value(
                format!("{field}.id"),
                workspace.id.as_str(),
                "a new workspace id",
                help,
            )
            .into());
        }
        if !rules::name_is_free(view, &workspace.name, now) || !names.insert(&workspace.name) {
            let help = "a workspace has this name, or had it less than 14 days ago; give another";
            return Err(Invalid::value(
                format!("{field}.name"),
                workspace.name.as_str(),
                "a new name",
                help,
            )
            .into());
        }
        for (name, text) in
            [("description", &workspace.description), ("displayName", &workspace.display_name)]
        {
            rules::check_text(name, text, rules::MAX_SHOWN).map_err(|i| i.within(&field))?;
        }
        let is_known =
            |id: &str| id == account.as_str() || known.contains_key(id) || knows(view, id);
        if !is_known(workspace.creator.as_str()) {
            let help = "add it to `users` first, or name the main account";
            let creator = workspace.creator.as_str();
            return Err(Invalid::value(
                format!("{field}.creator"),
                creator,
                "a known principal",
                help,
            )
            .into());
        }
        ops.push(Op::PutWorkspace(workspace.clone()));
        check_roles(view, &field, imported, &mut role_ids)?;
        ops.extend(
            imported.roles.iter().map(|role| Op::PutRole(workspace.id.clone(), role.clone())),
        );
        let listed = members_of(&field, imported, is_known)?;
        ops.extend(listed.into_iter().map(|member| Op::PutMember(workspace.id.clone(), member)));
    }
    Ok(ops)
}

/// Returns the records of identities that are new, and the kind of every one that is named.
fn identities<'i>(
    view: &View,
    account: &AccountId,
    import: &'i Import,
) -> Result<(Vec<Op>, HashMap<&'i str, PrincipalKind>), Error> {
    let mut known: HashMap<&str, PrincipalKind> = HashMap::new();
    let mut names_of_users = HashSet::new();
    let mut ops = Vec::new();
    let users =
        import.identities.iter().filter(|i| i.principal.kind == PrincipalKind::User).count();
    for (index, identity) in import.identities.iter().enumerate() {
        // As the file has them: users first, then RAM roles, each list counted from 0.
        let field = match identity.principal.kind {
            PrincipalKind::RamRole => format!("ramRoles[{}]", index.saturating_sub(users)),
            _ => format!("users[{index}]"),
        };
        let id = identity.principal.id.as_str();
        if id == account.as_str() {
            return Err(Invalid::value(
                format!("{field}.id"),
                id,
                "the id of a RAM user",
                "this is the main account",
            )
            .into());
        }
        rules::check_profile(
            &identity.profile,
            ["displayName", "comments", "email", "mobilePhone"],
        )
        .map_err(|invalid| invalid.within(&field))?;
        if known.insert(id, identity.principal.kind).is_some() {
            return Err(Invalid::value(
                format!("{field}.id"),
                id,
                "named once",
                "give each identity one entry",
            )
            .into());
        }
        let named = (identity.principal.kind, &identity.name);
        let same_name =
            view.named(named.0, named.1).filter(|other| other.principal.id.as_str() != id);
        if !names_of_users.insert(named) || same_name.is_some() {
            let help = "another one has this name; give another name";
            let name = identity.name.as_str();
            return Err(Invalid::value(format!("{field}.name"), name, "a new name", help).into());
        }
        match view.identity(&identity.principal.id) {
            None => ops.push(Op::PutIdentity(identity.clone())),
            // An entry without a name has its id for one: it says that the id is known, not how it is called.
            Some(present)
                if present.principal.kind == identity.principal.kind
                    && (present.name == identity.name || identity.name.as_str() == id) => {}
            Some(present) if present.principal.kind == identity.principal.kind => {
                let help =
                    format!("the id is known as `{}`: change that with UpdateUser", present.name);
                let name = identity.name.as_str();
                return Err(Invalid::value(format!("{field}.name"), name, "its name", help).into());
            }
            Some(present) => {
                let kind = present.principal.kind.as_str();
                let help =
                    format!("the id is already known as a `{kind}`: ids are unique in an account");
                return Err(Invalid::value(format!("{field}.id"), id, "a new id", help).into());
            }
        }
    }
    Ok((ops, known))
}

fn knows(view: &View, id: &str) -> bool {
    crate::domain::PrincipalId::parse(id).is_ok_and(|id| view.identity(&id).is_some())
}

fn check_roles<'i>(
    view: &View,
    field: &str,
    imported: &'i ImportedWorkspace,
    role_ids: &mut HashSet<&'i crate::domain::CustomRoleId>,
) -> Result<(), Invalid> {
    if imported.roles.len() > MAX_ROLES {
        let count = imported.roles.len().to_string();
        let help = format!("a workspace has at most {MAX_ROLES} custom roles");
        return Err(Invalid::value(
            format!("{field}.roles"),
            &count,
            "a number of roles that fits",
            help,
        ));
    }
    let mut names = HashSet::new();
    for (index, role) in imported.roles.iter().enumerate() {
        let field = format!("{field}.roles[{index}]");
        if view.place_of_role(&role.id).is_some() || !role_ids.insert(&role.id) {
            let help = "a custom role of this id exists; give another id";
            return Err(Invalid::value(
                format!("{field}.id"),
                role.id.as_str(),
                "a new role id",
                help,
            ));
        }
        if !names.insert(&role.name) {
            let help = "names of custom roles are unique in a workspace";
            return Err(Invalid::value(
                format!("{field}.name"),
                role.name.as_str(),
                "a new role name",
                help,
            ));
        }
        view.snapshot.engine().grants(role).map_err(|invalid| invalid.within(&field))?;
    }
    Ok(())
}

/// Returns the members of a workspace with the creator as Owner.
fn members_of(
    field: &str,
    imported: &ImportedWorkspace,
    is_known: impl Fn(&str) -> bool,
) -> Result<Vec<Member>, Invalid> {
    let creator = &imported.workspace.creator;
    let owner = RoleRef::Builtin(BuiltinRole::Owner);
    let mut seen = HashSet::new();
    let mut out = Vec::with_capacity(imported.members.len() + 1);
    for (index, member) in imported.members.iter().enumerate() {
        let field = format!("{field}.members[{index}]");
        let id = member.principal.as_str();
        if !is_known(id) {
            let help = "add it to `users` first: only known users of the account become members";
            return Err(Invalid::value(format!("{field}.user"), id, "a known principal", help));
        }
        if !seen.insert(&member.principal) {
            let help = "give each member one entry with all its roles";
            return Err(Invalid::value(format!("{field}.user"), id, "named once", help));
        }
        let mut roles = member.roles.clone();
        if &member.principal == creator {
            roles.push(owner.clone());
        } else if roles.contains(&owner) {
            let help = "the creator of a workspace is its owner; nobody else holds the role";
            return Err(Invalid::value(
                format!("{field}.roles"),
                BuiltinRole::Owner.code(),
                "a role to grant",
                help,
            ));
        }
        for role in &roles {
            if let RoleRef::Custom(id) = role
                && !imported.roles.iter().any(|r| &r.id == id)
            {
                let help = "name a role of `roles` of the same workspace, or a built-in role";
                return Err(Invalid::value(
                    format!("{field}.roles"),
                    id.as_str(),
                    "a role of this workspace",
                    help,
                ));
            }
        }
        roles.sort();
        roles.dedup();
        if roles.len() > MAX_ROLES_HELD {
            let count = roles.len().to_string();
            let help = "a member holds at most 20 roles; make one custom role of several";
            return Err(Invalid::value(
                format!("{field}.roles"),
                &count,
                "a number of roles that fits",
                help,
            ));
        }
        if roles.is_empty() {
            return Err(Invalid::missing(
                format!("{field}.roles"),
                "every member holds at least one role",
            ));
        }
        out.push(Member { principal: member.principal.clone(), roles, created: member.created });
    }
    if !seen.contains(creator) {
        out.push(Member {
            principal: creator.clone(),
            roles: vec![owner],
            created: imported.workspace.created,
        });
    }
    if out.len() > MAX_MEMBERS {
        let (count, help) =
            (out.len().to_string(), format!("a workspace has at most {MAX_MEMBERS} members"));
        let field = format!("{field}.members");
        return Err(Invalid::value(field, &count, "a number of members that fits", help));
    }
    Ok(out)
}
