//! RAM roles: made, shown, changed, deleted. Nobody assumes one here, for there are no sessions (STS); they are members of
//! workspaces and have policies, and decisions are asked about them.

use std::sync::Arc;

use super::{
    Caller, Management, documents,
    users::{free_id, page, written},
};
use crate::{
    domain::{
        Assumable, Holder, Identity, Invalid, Op, Principal, PrincipalKind, Profile, Revision,
        UserName,
    },
    error::{Error, ErrorCode},
    ram::document::Kind,
    service::{
        View,
        rules::{self, MAX_DESCRIPTION, check_text},
    },
};

/// Most RAM roles that can be assumed (RAM Docs, Limits); those only made known do not count.
const MAX_ROLES: usize = 1_000;
/// How long a session may last, in seconds.
const SESSION: std::ops::RangeInclusive<u32> = 3_600..=43_200;

/// A role to make.
#[derive(Debug, Clone)]
pub struct NewRamRole {
    /// Its name.
    pub name: UserName,
    /// Who may assume it.
    pub trust_document: String,
    /// What it is for.
    pub description: String,
    /// How long a session may last, in seconds; an hour unless it is said.
    pub max_session_seconds: Option<u32>,
}

/// What shall be different about a role; `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct RamRoleChange {
    /// Who may assume it.
    pub trust_document: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// How long a session may last, in seconds.
    pub max_session_seconds: Option<u32>,
}

impl Management {
    /// Makes a RAM role.
    ///
    /// # Errors
    /// [`ErrorCode::RamRoleExists`], [`ErrorCode::RamRoleLimit`], [`ErrorCode::PolicyMalformed`],
    /// [`ErrorCode::PolicyTooLong`]; a description or duration that does not fit; as every write of [`Management`].
    pub async fn create_ram_role(
        &self,
        caller: &Caller,
        new: &NewRamRole,
    ) -> Result<(Revision, Identity), Error> {
        check_text("Description", &new.description, MAX_DESCRIPTION)?;
        check_session("MaxSessionDuration", new.max_session_seconds)?;
        documents::check("AssumeRolePolicyDocument", &new.trust_document, Kind::Trust)?;
        let (now, trust_document): (_, Arc<str>) = (self.now(), new.trust_document.as_str().into());
        let decide = |view: &View| {
            if view.named(PrincipalKind::RamRole, &new.name).is_some() {
                return Err(Error::new(
                    ErrorCode::RamRoleExists,
                    format!("there is a role `{}`", new.name),
                    "give another name",
                )
                .about("RoleName", new.name.as_str()));
            }
            check_room(view)?;
            rules::check_room_for_users(view, 1)?;
            let display_name = new.name.as_str().to_owned();
            Ok(vec![Op::PutIdentity(Identity {
                principal: Principal { kind: PrincipalKind::RamRole, id: free_id(view)? },
                name: new.name.clone(),
                profile: Profile { display_name, ..Profile::default() },
                assumable: Some(Assumable {
                    trust_document: trust_document.clone(),
                    description: new.description.clone(),
                    max_session_seconds: new.max_session_seconds.unwrap_or(*SESSION.start()),
                }),
                created: now,
                modified: now,
            })])
        };
        let changed = self.change(caller, None, decide).await?;
        let made = written(changed.ops)
            .ok_or_else(|| Error::internal("a created role is not in its change"))?;
        Ok((changed.revision, made))
    }

    /// Returns a RAM role.
    ///
    /// # Errors
    /// [`ErrorCode::RamRoleNotFound`]; as [`Management::look`].
    pub async fn ram_role(
        &self,
        caller: &Caller,
        name: &UserName,
    ) -> Result<(Revision, Identity), Error> {
        let view = self.look(caller, None).await?;
        Ok((view.revision(), find(&view, name)?.clone()))
    }

    /// Returns at most `most` RAM roles by name, those after `after`, and whether there are more; those only made known are
    /// among them.
    ///
    /// # Errors
    /// As [`Management::look`].
    pub async fn list_ram_roles(
        &self,
        caller: &Caller,
        after: Option<&UserName>,
        most: usize,
    ) -> Result<(Revision, Vec<Identity>, bool), Error> {
        let view = self.look(caller, None).await?;
        let (roles, more) = page(&view, PrincipalKind::RamRole, after, most);
        Ok((view.revision(), roles, more))
    }

    /// Changes a RAM role. One that was only made known can be assumed once it has a trust policy.
    ///
    /// # Errors
    /// [`ErrorCode::RamRoleNotFound`], [`ErrorCode::PolicyMalformed`], [`ErrorCode::PolicyTooLong`],
    /// [`ErrorCode::RamRoleLimit`]; a description or duration that does not fit; [`ErrorCode::MissingField`] for a role that was
    /// only made known and gets no trust policy; as every write of [`Management`].
    pub async fn update_ram_role(
        &self,
        caller: &Caller,
        name: &UserName,
        change: &RamRoleChange,
    ) -> Result<(Revision, Identity), Error> {
        check_text(
            "NewDescription",
            change.description.as_deref().unwrap_or_default(),
            MAX_DESCRIPTION,
        )?;
        check_session("NewMaxSessionDuration", change.max_session_seconds)?;
        if let Some(document) = &change.trust_document {
            documents::check("NewAssumeRolePolicyDocument", document, Kind::Trust)?;
        }
        let decide = |view: &View| {
            let present = find(view, name)?;
            let next = changed(view, present, change)?;
            if next == present.assumable {
                return Ok(Vec::new());
            }
            let modified = self.now();
            Ok(vec![Op::PutIdentity(Identity { assumable: next, modified, ..present.clone() })])
        };
        let changed = self.change(caller, None, decide).await?;
        let role = match written(changed.ops) {
            Some(role) => role,
            // Nothing was to be changed.
            None => find(&*self.present(caller).await?, name)?.clone(),
        };
        Ok((changed.revision, role))
    }

    /// Deletes a RAM role that is in no workspace and has no policies.
    ///
    /// # Errors
    /// [`ErrorCode::RamRoleNotFound`], [`ErrorCode::RamRoleIsMember`], [`ErrorCode::RamRoleHasPolicies`]; as every write
    /// of [`Management`].
    pub async fn delete_ram_role(
        &self,
        caller: &Caller,
        name: &UserName,
    ) -> Result<Revision, Error> {
        let decide = |view: &View| {
            // The role may be a member of what cannot be read.
            view.check_whole()?;
            let id = &find(view, name)?.principal.id;
            if let Some(workspace) = view.memberships_of(id).next() {
                return Err(Error::new(
                    ErrorCode::RamRoleIsMember,
                    format!("the role `{name}` is a member of workspace `{workspace}`"),
                    "remove it from its workspaces first: DeleteMembers",
                ));
            }
            let holder = Holder::Principal(id.clone());
            if let Some((policy, _)) = view.grants.policies_of(&holder).next() {
                return Err(Error::new(
                    ErrorCode::RamRoleHasPolicies,
                    format!("the policy `{policy}` is attached to the role `{name}`"),
                    "detach its policies first: DetachPolicyFromRole",
                ));
            }
            Ok(vec![Op::RemoveIdentity(id.clone())])
        };
        self.change(caller, None, decide).await.map(|changed| changed.revision)
    }
}

/// Returns what a role has after a change.
fn changed(
    view: &View,
    role: &Identity,
    change: &RamRoleChange,
) -> Result<Option<Assumable>, Error> {
    let mut next = match (&role.assumable, &change.trust_document) {
        (Some(present), _) => present.clone(),
        (None, Some(document)) => {
            check_room(view)?;
            Assumable {
                trust_document: document.as_str().into(),
                description: String::new(),
                max_session_seconds: *SESSION.start(),
            }
        }
        (None, None) if change.description.is_none() && change.max_session_seconds.is_none() => {
            return Ok(None);
        }
        (None, None) => {
            let help = "the role was only made known: say who may assume it";
            return Err(Invalid::missing("NewAssumeRolePolicyDocument", help).into());
        }
    };
    if let Some(document) = &change.trust_document {
        next.trust_document = document.as_str().into();
    }
    if let Some(description) = &change.description {
        description.clone_into(&mut next.description);
    }
    if let Some(seconds) = change.max_session_seconds {
        next.max_session_seconds = seconds;
    }
    Ok(Some(next))
}

/// Returns the role of a name.
pub(super) fn find<'v>(view: &'v View, name: &UserName) -> Result<&'v Identity, Error> {
    view.named(PrincipalKind::RamRole, name).ok_or_else(|| {
        let message = format!("there is no role `{name}`");
        Error::new(ErrorCode::RamRoleNotFound, message, "see ListRoles")
            .about("RoleName", name.as_str())
    })
}

fn check_room(view: &View) -> Result<(), Error> {
    if view.assumable_count() < MAX_ROLES {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::RamRoleLimit,
        format!("an account has at most {MAX_ROLES} roles that can be assumed"),
        "delete one that is no longer used: DeleteRole",
    ))
}

fn check_session(field: &str, seconds: Option<u32>) -> Result<(), Invalid> {
    match seconds {
        Some(seconds) if !SESSION.contains(&seconds) => {
            let help = "give 3600 to 43200 seconds";
            Err(Invalid::value(field, &seconds.to_string(), "a duration that is taken", help))
        }
        _ => Ok(()),
    }
}
