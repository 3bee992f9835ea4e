//! RAM users: made, shown, changed, deleted.

use super::{Caller, Management, permit_on};
use crate::{
    domain::{
        Holder, Identity, Import, Op, Principal, PrincipalId, PrincipalKind, Profile, Revision,
        UserName,
    },
    error::{Error, ErrorCode},
    service::{
        Imported, View, import,
        random::random_digits,
        rules::{self, check_profile},
    },
};

/// Digits of the ids that are made up, and the first of them, as RAM has it.
const ID_DIGITS: u32 = 17;
const ID_BEGIN: char = '2';

/// A user to make.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// Its login name.
    pub name: UserName,
    /// What is known of it beside.
    pub profile: Profile,
}

/// What shall be different about a user; `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct UserChange {
    /// The login name.
    pub name: Option<UserName>,
    /// The display name.
    pub display_name: Option<String>,
    /// The comments.
    pub comments: Option<String>,
    /// The email address.
    pub email: Option<String>,
    /// The phone number.
    pub mobile_phone: Option<String>,
}

impl Management {
    /// Makes a RAM user.
    ///
    /// # Errors
    /// [`ErrorCode::UserExists`]; a profile that does not fit; as every write of [`Management`].
    pub async fn create_user(
        &self,
        caller: &Caller,
        new: &NewUser,
    ) -> Result<(Revision, Identity), Error> {
        check_profile(&new.profile, ["DisplayName", "Comments", "Email", "MobilePhone"])?;
        let now = self.now();
        let decide = |view: &View| {
            check_free(view, &new.name)?;
            rules::check_room_for_users(view, 1)?;
            let mut profile = new.profile.clone();
            if profile.display_name.is_empty() {
                new.name.as_str().clone_into(&mut profile.display_name);
            }
            Ok(vec![Op::PutIdentity(Identity {
                principal: Principal { kind: PrincipalKind::User, id: free_id(view)? },
                name: new.name.clone(),
                profile,
                assumable: None,
                created: now,
                modified: now,
            })])
        };
        let changed = self.change(caller, None, decide).await?;
        let made = written(changed.ops)
            .ok_or_else(|| Error::internal("a created user is not in its change"))?;
        Ok((changed.revision, made))
    }

    /// Returns a RAM user.
    ///
    /// # Errors
    /// [`ErrorCode::UserNotFound`]; as [`Management::look`].
    pub async fn user(
        &self,
        caller: &Caller,
        name: &UserName,
    ) -> Result<(Revision, Identity), Error> {
        let view = self.look(caller, None).await?;
        Ok((view.revision(), find(&view, name)?.clone()))
    }

    /// Returns at most `most` RAM users by name, those after `after`, and whether there are more.
    ///
    /// # Errors
    /// As [`Management::look`].
    pub async fn list_users(
        &self,
        caller: &Caller,
        after: Option<&UserName>,
        most: usize,
    ) -> Result<(Revision, Vec<Identity>, bool), Error> {
        let view = self.look(caller, None).await?;
        let (users, more) = page(&view, PrincipalKind::User, after, most);
        Ok((view.revision(), users, more))
    }

    /// Changes a RAM user.
    ///
    /// # Errors
    /// [`ErrorCode::UserNotFound`], [`ErrorCode::UserExists`]; a profile that does not fit; as every
    /// write of [`Management`].
    pub async fn update_user(
        &self,
        caller: &Caller,
        name: &UserName,
        change: &UserChange,
    ) -> Result<(Revision, Identity), Error> {
        let decide = |view: &View| {
            let present = find(view, name)?;
            let mut next = present.clone();
            if let Some(other) = change.name.as_ref().filter(|other| *other != name) {
                check_free(view, other)?;
                next.name = other.clone();
            }
            for (place, text) in [
                (&mut next.profile.display_name, &change.display_name),
                (&mut next.profile.comments, &change.comments),
                (&mut next.profile.email, &change.email),
                (&mut next.profile.mobile_phone, &change.mobile_phone),
            ] {
                if let Some(text) = text {
                    text.clone_into(place);
                }
            }
            let fields = ["NewDisplayName", "NewComments", "NewEmail", "NewMobilePhone"];
            check_profile(&next.profile, fields)?;
            if next == *present {
                return Ok(Vec::new());
            }
            next.modified = self.now();
            Ok(vec![Op::PutIdentity(next)])
        };
        let changed = self.change(caller, None, decide).await?;
        let user = match written(changed.ops) {
            Some(user) => user,
            // Nothing was to be changed.
            None => find(&*self.present(caller).await?, name)?.clone(),
        };
        Ok((changed.revision, user))
    }

    /// Deletes a RAM user that is in no workspace and no group, and has neither access keys nor policies.
    ///
    /// # Errors
    /// [`ErrorCode::UserNotFound`], [`ErrorCode::UserIsMember`], [`ErrorCode::UserHasAccessKeys`],
    /// [`ErrorCode::UserHasPolicies`], [`ErrorCode::UserHasGroups`]; as every write of [`Management`].
    pub async fn delete_user(&self, caller: &Caller, name: &UserName) -> Result<Revision, Error> {
        let decide = |view: &View| {
            // The user may be a member of what cannot be read.
            view.check_whole()?;
            let id = &find(view, name)?.principal.id;
            if let Some(workspace) = view.memberships_of(id).next() {
                return Err(Error::new(
                    ErrorCode::UserIsMember,
                    format!("the user `{name}` is a member of workspace `{workspace}`"),
                    "remove it from its workspaces first: DeleteMembers",
                ));
            }
            if view.access_keys_of(id).next().is_some() {
                return Err(Error::new(
                    ErrorCode::UserHasAccessKeys,
                    format!("the user `{name}` has access keys"),
                    "delete them first: DeleteAccessKey",
                ));
            }
            let holder = Holder::Principal(id.clone());
            if let Some((policy, _)) = view.grants.policies_of(&holder).next() {
                return Err(Error::new(
                    ErrorCode::UserHasPolicies,
                    format!("the policy `{policy}` is attached to the user `{name}`"),
                    "detach its policies first: DetachPolicyFromUser",
                ));
            }
            if let Some((group, _)) = view.grants.groups_of(id).next() {
                return Err(Error::new(
                    ErrorCode::UserHasGroups,
                    format!("the user `{name}` is in the group `{}`", group.name),
                    "take it out of its groups first: RemoveUserFromGroup",
                ));
            }
            Ok(vec![Op::RemoveIdentity(id.clone())])
        };
        self.change(caller, None, decide).await.map(|changed| changed.revision)
    }

    /// Makes users and RAM roles known under given ids: all of them or none.
    ///
    /// # Errors
    /// The first field that is wrong, as [`import`]; as every write of [`Management`].
    pub async fn import_users(&self, caller: &Caller, users: &Import) -> Result<Imported, Error> {
        let decide = |view: &View| {
            let ops = import::ops(view, &caller.account, users, self.now())?;
            // The body names whom it makes known: each is asked as if it were made alone.
            for identity in ops.iter().filter_map(|op| match op {
                Op::PutIdentity(identity) => Some(identity),
                _ => None,
            }) {
                let (action, kind) = match identity.principal.kind {
                    PrincipalKind::RamRole => ("ram:CreateRole", "role"),
                    _ => ("ram:CreateUser", "user"),
                };
                let arn = format!("acs:ram:*:{}:{kind}/{}", caller.account, identity.name);
                permit_on(view, caller, action, &arn)?;
            }
            Ok(ops)
        };
        let changed = self.change(caller, None, decide).await?;
        Ok(Imported::of(&changed))
    }
}

/// Returns the user or role a change wrote.
pub(super) fn written(ops: Vec<Op>) -> Option<Identity> {
    ops.into_iter().find_map(|op| match op {
        Op::PutIdentity(identity) => Some(identity),
        _ => None,
    })
}

/// Returns at most `most` users or roles by name, those after `after`, and whether there are more.
pub(super) fn page(
    view: &View,
    kind: PrincipalKind,
    after: Option<&UserName>,
    most: usize,
) -> (Vec<Identity>, bool) {
    let mut page: Vec<Identity> = view.named_after(kind, after).take(most + 1).cloned().collect();
    let more = page.len() > most;
    page.truncate(most);
    (page, more)
}

/// Returns the user of a name.
pub(super) fn find<'v>(view: &'v View, name: &UserName) -> Result<&'v Identity, Error> {
    view.user(name).ok_or_else(|| {
        Error::new(ErrorCode::UserNotFound, format!("there is no user `{name}`"), "see ListUsers")
            .about("UserName", name.as_str())
    })
}

fn check_free(view: &View, name: &UserName) -> Result<(), Error> {
    if view.user(name).is_none() {
        return Ok(());
    }
    Err(Error::new(ErrorCode::UserExists, format!("there is a user `{name}`"), "give another name")
        .about("UserName", name.as_str()))
}

/// Returns an id nobody has.
pub(super) fn free_id(view: &View) -> Result<PrincipalId, Error> {
    loop {
        let id = PrincipalId::parse(&format!("{ID_BEGIN}{}", random_digits(ID_DIGITS)?))
            .map_err(|_| Error::internal("a made-up id has a wrong form"))?;
        if view.kind_of(&id).is_none() {
            return Ok(id);
        }
    }
}
