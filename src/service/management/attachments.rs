//! What is attached to whom: policies to users, groups and roles.

use super::{
    Caller, Management,
    groups::find as find_group,
    policies::{PolicyFacts, find as find_policy, find_system},
    ram_roles::find as find_role,
    users::find as find_user,
};
use crate::{
    domain::{
        Group, GroupName, Holder, Identity, Op, PolicyRef, PolicyType, PrincipalKind, Revision,
        Timestamp, UserName,
    },
    error::{Error, ErrorCode},
    service::View,
};

/// Most system policies of a user, group or role (RAM Docs, Limits).
const MAX_SYSTEM: usize = 20;
/// Most custom policies of a user.
const MAX_OF_USER: usize = 10;
/// Most custom policies of a group or role.
const MAX_OF_OTHERS: usize = 5;
/// Most of each kind that are listed of a policy: the interface has no pages for them.
const MAX_LISTED: usize = 10_000;

/// Whom a policy is attached to, by name.
#[derive(Debug, Clone)]
pub enum HolderName {
    /// A RAM user.
    User(UserName),
    /// A group.
    Group(GroupName),
    /// A RAM role.
    Role(UserName),
}

/// A policy of a holder.
#[derive(Debug, Clone)]
pub struct AttachedPolicy {
    /// The policy.
    pub policy: PolicyFacts,
    /// Since when it is attached.
    pub since: Timestamp,
}

/// Whom a policy is attached to, each with since when.
#[derive(Debug, Clone, Default)]
pub struct Holders {
    /// Users.
    pub users: Vec<(Identity, Timestamp)>,
    /// Groups.
    pub groups: Vec<(Group, Timestamp)>,
    /// RAM roles.
    pub roles: Vec<(Identity, Timestamp)>,
}

impl HolderName {
    fn find(&self, view: &View) -> Result<Holder, Error> {
        Ok(match self {
            Self::User(name) => Holder::Principal(find_user(view, name)?.principal.id.clone()),
            Self::Group(name) => Holder::Group(find_group(view, name)?.id.clone()),
            Self::Role(name) => Holder::Principal(find_role(view, name)?.principal.id.clone()),
        })
    }

    /// Returns what is said of it, and the codes of what can be wrong: attached already, not attached, as many as may be.
    fn words(&self) -> (String, [ErrorCode; 3]) {
        match self {
            Self::User(name) => (
                format!("user `{name}`"),
                [
                    ErrorCode::UserPolicyExists,
                    ErrorCode::UserPolicyNotFound,
                    ErrorCode::UserPolicyLimit,
                ],
            ),
            Self::Group(name) => (
                format!("group `{name}`"),
                [
                    ErrorCode::GroupPolicyExists,
                    ErrorCode::GroupPolicyNotFound,
                    ErrorCode::GroupPolicyLimit,
                ],
            ),
            Self::Role(name) => (
                format!("role `{name}`"),
                [
                    ErrorCode::RamRolePolicyExists,
                    ErrorCode::RamRolePolicyNotFound,
                    ErrorCode::RamRolePolicyLimit,
                ],
            ),
        }
    }

    const fn most(&self, of: PolicyType) -> usize {
        match (of, self) {
            (PolicyType::System, _) => MAX_SYSTEM,
            (PolicyType::Custom, Self::User(_)) => MAX_OF_USER,
            (PolicyType::Custom, Self::Group(_) | Self::Role(_)) => MAX_OF_OTHERS,
        }
    }

    const fn list_operation(&self) -> &'static str {
        match self {
            Self::User(_) => "see ListPoliciesForUser",
            Self::Group(_) => "see ListPoliciesForGroup",
            Self::Role(_) => "see ListPoliciesForRole",
        }
    }
}

impl Management {
    /// Attaches a policy.
    ///
    /// # Errors
    /// [`ErrorCode::PolicyNotFound`]; [`ErrorCode::UserNotFound`], [`ErrorCode::UserPolicyExists`],
    /// [`ErrorCode::UserPolicyLimit`], and those of groups and roles; as every write of [`Management`].
    pub async fn attach_policy(
        &self,
        caller: &Caller,
        to: &HolderName,
        policy: &PolicyRef,
    ) -> Result<Revision, Error> {
        let now = self.now();
        let decide = |view: &View| {
            let holder = to.find(view)?;
            check_known(view, policy)?;
            let (whom, [exists, _, limit]) = to.words();
            if view.grants.is_attached(&holder, policy) {
                return Err(Error::new(
                    exists,
                    format!("the policy `{policy}` is attached to the {whom} already"),
                    to.list_operation(),
                )
                .about("PolicyName", policy.name.as_str()));
            }
            let alike = view
                .grants
                .policies_of(&holder)
                .filter(|(other, _)| other.policy_type == policy.policy_type);
            let most = to.most(policy.policy_type);
            if alike.count() >= most {
                let kind = policy.policy_type.as_str();
                return Err(Error::new(
                    limit,
                    format!("the {whom} has {most} policies of type {kind}, the most it may have"),
                    "detach one first, or join statements into fewer policies",
                ));
            }
            Ok(vec![Op::PutAttachment(holder, policy.clone(), now)])
        };
        self.change(caller, None, decide).await.map(|changed| changed.revision)
    }

    /// Detaches a policy.
    ///
    /// # Errors
    /// [`ErrorCode::PolicyNotFound`]; [`ErrorCode::UserNotFound`], [`ErrorCode::UserPolicyNotFound`], and those of groups
    /// and roles; as every write of [`Management`].
    pub async fn detach_policy(
        &self,
        caller: &Caller,
        from: &HolderName,
        policy: &PolicyRef,
    ) -> Result<Revision, Error> {
        let decide = |view: &View| {
            let holder = from.find(view)?;
            if view.grants.is_attached(&holder, policy) {
                return Ok(vec![Op::RemoveAttachment(holder, policy.clone())]);
            }
            check_known(view, policy)?;
            let (whom, [_, not_found, _]) = from.words();
            let message = format!("the policy `{policy}` is not attached to the {whom}");
            Err(Error::new(not_found, message, from.list_operation())
                .about("PolicyName", policy.name.as_str()))
        };
        self.change(caller, None, decide).await.map(|changed| changed.revision)
    }

    /// Returns the policies that are attached to a holder, system policies first, then by name; not those a user has by its
    /// groups.
    ///
    /// # Errors
    /// [`ErrorCode::UserNotFound`], [`ErrorCode::GroupNotFound`], [`ErrorCode::RamRoleNotFound`]; as
    /// [`Management::look`].
    pub async fn list_policies_of(
        &self,
        caller: &Caller,
        holder: &HolderName,
    ) -> Result<(Revision, Vec<AttachedPolicy>), Error> {
        let view = self.look(caller, None).await?;
        let holder = holder.find(&view)?;
        let attached = view.grants.policies_of(&holder);
        let shown = attached.map(|(policy, since)| {
            Ok(AttachedPolicy { policy: PolicyFacts::find(&view, policy)?, since })
        });
        Ok((view.revision(), shown.collect::<Result<_, Error>>()?))
    }

    /// Returns whom a policy is attached to: users, groups and roles, each in the order of ids, at most 10,000 of each.
    ///
    /// # Errors
    /// [`ErrorCode::PolicyNotFound`]; as [`Management::look`].
    pub async fn list_holders(
        &self,
        caller: &Caller,
        policy: &PolicyRef,
    ) -> Result<(Revision, Holders), Error> {
        let view = self.look(caller, None).await?;
        check_known(&view, policy)?;
        let mut out = Holders::default();
        for (holder, since) in view.grants.holders_of(policy) {
            match holder {
                Holder::Group(id) => {
                    out.groups.extend(view.grants.group(id).cloned().map(|it| (it, since)));
                }
                Holder::Principal(id) => {
                    let Some(identity) = view.identity(id) else { continue };
                    let list = if identity.principal.kind == PrincipalKind::RamRole {
                        &mut out.roles
                    } else {
                        &mut out.users
                    };
                    if list.len() < MAX_LISTED {
                        list.push((identity.clone(), since));
                    }
                }
            }
        }
        Ok((view.revision(), out))
    }
}

fn check_known(view: &View, policy: &PolicyRef) -> Result<(), Error> {
    match policy.policy_type {
        PolicyType::System => find_system(&policy.name).map(|_| ()),
        PolicyType::Custom => find_policy(view, &policy.name).map(|_| ()),
    }
}

/// A kind of what policies are attached to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HolderKind {
    User,
    Group,
    Role,
}

/// Returns the kind of a holder of a policy: a user where there is one, else a group, else a role.
pub(super) fn first_holder(view: &View, policy: &PolicyRef) -> Option<HolderKind> {
    let mut found = None;
    for (holder, _) in view.grants.holders_of(policy) {
        match holder {
            Holder::Group(_) => return Some(HolderKind::Group),
            Holder::Principal(id) if view.kind_of(id) == Some(PrincipalKind::RamRole) => {
                found = Some(HolderKind::Role);
            }
            Holder::Principal(_) => return Some(HolderKind::User),
        }
    }
    found
}
