//! Groups of RAM users: made, shown, changed, deleted, filled and emptied.

use super::{Caller, Management, users::find as find_user};
use crate::{
    domain::{Group, GroupId, GroupName, Holder, Identity, Op, Revision, Timestamp, UserName},
    error::{Error, ErrorCode},
    service::{
        View,
        random::random_letters,
        rules::{MAX_COMMENTS, check_text},
    },
};

/// Most groups of an account, and of a user (RAM Docs, Limits).
const MAX_GROUPS: usize = 300;
const MAX_GROUPS_OF_USER: usize = 50;
/// Letters and digits of the ids that are made up, behind `g-`.
const ID_CHARS: usize = 16;

/// What shall be different about a group; `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct GroupChange {
    /// The name.
    pub name: Option<GroupName>,
    /// The comments.
    pub comments: Option<String>,
}

impl Management {
    /// Makes a group.
    ///
    /// # Errors
    /// [`ErrorCode::GroupExists`], [`ErrorCode::GroupLimit`]; comments that do not fit; as every write of
    /// [`Management`].
    pub async fn create_group(
        &self,
        caller: &Caller,
        name: &GroupName,
        comments: &str,
    ) -> Result<(Revision, Group), Error> {
        check_text("Comments", comments, MAX_COMMENTS)?;
        let now = self.now();
        let decide = |view: &View| {
            check_free(view, name, "GroupName")?;
            if view.grants.group_count() >= MAX_GROUPS {
                return Err(Error::new(
                    ErrorCode::GroupLimit,
                    format!("an account has at most {MAX_GROUPS} groups"),
                    "delete one that is no longer used: DeleteGroup",
                ));
            }
            Ok(vec![Op::PutGroup(Group {
                id: free_id(view)?,
                name: name.clone(),
                comments: comments.to_owned(),
                created: now,
                modified: now,
            })])
        };
        let changed = self.change(caller, None, decide).await?;
        let made = written(changed.ops)
            .ok_or_else(|| Error::internal("a created group is not in its change"))?;
        Ok((changed.revision, made))
    }

    /// Returns a group.
    ///
    /// # Errors
    /// [`ErrorCode::GroupNotFound`]; as [`Management::look`].
    pub async fn group(
        &self,
        caller: &Caller,
        name: &GroupName,
    ) -> Result<(Revision, Group), Error> {
        let view = self.look(caller, None).await?;
        Ok((view.revision(), find(&view, name)?.clone()))
    }

    /// Returns at most `most` groups by name, those after `after`, and whether there are more.
    ///
    /// # Errors
    /// As [`Management::look`].
    pub async fn list_groups(
        &self,
        caller: &Caller,
        after: Option<&GroupName>,
        most: usize,
    ) -> Result<(Revision, Vec<Group>, bool), Error> {
        let view = self.look(caller, None).await?;
        let mut groups: Vec<Group> =
            view.grants.groups_after(after).take(most + 1).cloned().collect();
        let more = groups.len() > most;
        groups.truncate(most);
        Ok((view.revision(), groups, more))
    }

    /// Changes name or comments of a group; who is in it and what is attached to it stays.
    ///
    /// # Errors
    /// [`ErrorCode::GroupNotFound`], [`ErrorCode::GroupExists`]; comments that do not fit; as every write of
    /// [`Management`].
    pub async fn update_group(
        &self,
        caller: &Caller,
        name: &GroupName,
        change: &GroupChange,
    ) -> Result<(Revision, Group), Error> {
        check_text("NewComments", change.comments.as_deref().unwrap_or_default(), MAX_COMMENTS)?;
        let decide = |view: &View| {
            let present = find(view, name)?;
            let mut next = present.clone();
            if let Some(other) = change.name.as_ref().filter(|other| *other != name) {
                check_free(view, other, "NewGroupName")?;
                next.name = other.clone();
            }
            if let Some(comments) = &change.comments {
                comments.clone_into(&mut next.comments);
            }
            if next == *present {
                return Ok(Vec::new());
            }
            next.modified = self.now();
            Ok(vec![Op::PutGroup(next)])
        };
        let changed = self.change(caller, None, decide).await?;
        let group = match written(changed.ops) {
            Some(group) => group,
            // Nothing was to be changed.
            None => find(&*self.present(caller).await?, name)?.clone(),
        };
        Ok((changed.revision, group))
    }

    /// Deletes a group that nobody is in and nothing is attached to.
    ///
    /// # Errors
    /// [`ErrorCode::GroupNotFound`], [`ErrorCode::GroupHasUsers`], [`ErrorCode::GroupHasPolicies`]; as every write of
    /// [`Management`].
    pub async fn delete_group(&self, caller: &Caller, name: &GroupName) -> Result<Revision, Error> {
        let decide = |view: &View| {
            let id = &find(view, name)?.id;
            if view.grants.members_of(id).next().is_some() {
                return Err(Error::new(
                    ErrorCode::GroupHasUsers,
                    format!("there are users in the group `{name}`"),
                    "take them out first: RemoveUserFromGroup",
                ));
            }
            let holder = Holder::Group(id.clone());
            if let Some((policy, _)) = view.grants.policies_of(&holder).next() {
                return Err(Error::new(
                    ErrorCode::GroupHasPolicies,
                    format!("the policy `{policy}` is attached to the group `{name}`"),
                    "detach its policies first: DetachPolicyFromGroup",
                ));
            }
            Ok(vec![Op::RemoveGroup(id.clone())])
        };
        self.change(caller, None, decide).await.map(|changed| changed.revision)
    }

    /// Puts a user in a group.
    ///
    /// # Errors
    /// [`ErrorCode::UserNotFound`], [`ErrorCode::GroupNotFound`], [`ErrorCode::UserInGroup`],
    /// [`ErrorCode::UserGroupLimit`]; as every write of [`Management`].
    pub async fn add_user_to_group(
        &self,
        caller: &Caller,
        user: &UserName,
        group: &GroupName,
    ) -> Result<Revision, Error> {
        let now = self.now();
        let decide = |view: &View| {
            let member = &find_user(view, user)?.principal.id;
            let id = &find(view, group)?.id;
            if view.grants.is_in(id, member) {
                return Err(Error::new(
                    ErrorCode::UserInGroup,
                    format!("the user `{user}` is in the group `{group}` already"),
                    "see ListGroupsForUser",
                )
                .about("GroupName", group.as_str()));
            }
            if view.grants.groups_of(member).count() >= MAX_GROUPS_OF_USER {
                return Err(Error::new(
                    ErrorCode::UserGroupLimit,
                    format!(
                        "the user `{user}` is in {MAX_GROUPS_OF_USER} groups, the most it may be in"
                    ),
                    "take it out of one first: RemoveUserFromGroup",
                ));
            }
            Ok(vec![Op::PutGroupMember(id.clone(), member.clone(), now)])
        };
        self.change(caller, None, decide).await.map(|changed| changed.revision)
    }

    /// Takes a user out of a group.
    ///
    /// # Errors
    /// [`ErrorCode::UserNotFound`], [`ErrorCode::GroupNotFound`], [`ErrorCode::UserNotInGroup`]; as every write of
    /// [`Management`].
    pub async fn remove_user_from_group(
        &self,
        caller: &Caller,
        user: &UserName,
        group: &GroupName,
    ) -> Result<Revision, Error> {
        let decide = |view: &View| {
            let member = &find_user(view, user)?.principal.id;
            let id = &find(view, group)?.id;
            if !view.grants.is_in(id, member) {
                return Err(Error::new(
                    ErrorCode::UserNotInGroup,
                    format!("the user `{user}` is not in the group `{group}`"),
                    "see ListGroupsForUser",
                )
                .about("GroupName", group.as_str()));
            }
            Ok(vec![Op::RemoveGroupMember(id.clone(), member.clone())])
        };
        self.change(caller, None, decide).await.map(|changed| changed.revision)
    }

    /// Returns at most `most` users of a group by name, those after `after`, each with since when it is in it, and whether
    /// there are more. Looks at each user of the group.
    ///
    /// # Errors
    /// [`ErrorCode::GroupNotFound`]; as [`Management::look`].
    pub async fn list_users_for_group(
        &self,
        caller: &Caller,
        group: &GroupName,
        after: Option<&UserName>,
        most: usize,
    ) -> Result<(Revision, Vec<(Identity, Timestamp)>, bool), Error> {
        let view = self.look(caller, None).await?;
        let id = &find(&view, group)?.id;
        let members = view.grants.members_of(id);
        let mut users: Vec<(&Identity, Timestamp)> = members
            .filter_map(|(member, since)| Some((view.identity(member)?, since)))
            .filter(|(user, _)| after.is_none_or(|after| user.name > *after))
            .collect();
        users.sort_unstable_by(|(a, _), (b, _)| a.name.cmp(&b.name));
        let more = users.len() > most;
        let page = users.into_iter().take(most).map(|(user, since)| (user.clone(), since));
        Ok((view.revision(), page.collect(), more))
    }

    /// Returns the groups a user is in by name, each with since when.
    ///
    /// # Errors
    /// [`ErrorCode::UserNotFound`]; as [`Management::look`].
    pub async fn list_groups_for_user(
        &self,
        caller: &Caller,
        user: &UserName,
    ) -> Result<(Revision, Vec<(Group, Timestamp)>), Error> {
        let view = self.look(caller, None).await?;
        let id = &find_user(&view, user)?.principal.id;
        let groups = view.grants.groups_of(id);
        let mut groups: Vec<(Group, Timestamp)> =
            groups.map(|(group, since)| (group.clone(), since)).collect();
        groups.sort_unstable_by(|(a, _), (b, _)| a.name.cmp(&b.name));
        Ok((view.revision(), groups))
    }
}

fn written(ops: Vec<Op>) -> Option<Group> {
    ops.into_iter().find_map(|op| match op {
        Op::PutGroup(group) => Some(group),
        _ => None,
    })
}

/// Returns the group of a name.
pub(super) fn find<'v>(view: &'v View, name: &GroupName) -> Result<&'v Group, Error> {
    view.grants.group_named(name).ok_or_else(|| {
        let message = format!("there is no group `{name}`");
        Error::new(ErrorCode::GroupNotFound, message, "see ListGroups")
            .about("GroupName", name.as_str())
    })
}

fn check_free(view: &View, name: &GroupName, field: &str) -> Result<(), Error> {
    if view.grants.group_named(name).is_none() {
        return Ok(());
    }
    let message = format!("there is a group `{name}`");
    Err(Error::new(ErrorCode::GroupExists, message, "give another name")
        .about(field, name.as_str()))
}

/// Returns an id no group has.
fn free_id(view: &View) -> Result<GroupId, Error> {
    loop {
        let id = GroupId::parse(&format!("g-{}", random_letters(ID_CHARS)?))
            .map_err(|_| Error::internal("a made-up group id has a wrong form"))?;
        if view.grants.group(&id).is_none() {
            return Ok(id);
        }
    }
}
