//! Policies of RAM: made, shown, listed, deleted. Those of the vendor are built in and stay as they are.

use std::sync::Arc;

use super::{
    Caller, Management,
    attachments::{HolderKind, first_holder},
    documents,
};
use crate::{
    catalog::{SystemPolicy, catalog},
    domain::{
        Op, Policy, PolicyName, PolicyRef, PolicyType, PolicyVersion, Revision, Timestamp,
        VersionId,
    },
    error::{Error, ErrorCode},
    ram::document::Kind,
    service::{
        View,
        rules::{MAX_DESCRIPTION, check_text},
    },
};

/// Most custom policies of an account (RAM Docs, Limits).
const MAX_POLICIES: usize = 1_500;

/// A policy to make.
#[derive(Debug, Clone)]
pub struct NewPolicy {
    /// Its name.
    pub name: PolicyName,
    /// The document of its first version.
    pub document: String,
    /// What it is for.
    pub description: String,
}

/// A policy of either type, as it is shown.
#[derive(Debug, Clone)]
pub struct PolicyFacts {
    /// Its type and name.
    pub policy: PolicyRef,
    /// What it is for.
    pub description: String,
    /// The version that is in force.
    pub default: VersionFacts,
    /// When it was made; `None` of the vendor's, of which that is not known.
    pub created: Option<Timestamp>,
    /// When it changed last, where that is known.
    pub modified: Option<Timestamp>,
    /// To how many users, groups and roles it is attached.
    pub attachments: usize,
}

/// A version of a policy of either type, as it is shown.
#[derive(Debug, Clone)]
pub struct VersionFacts {
    /// Which one.
    pub id: VersionId,
    /// Whether it is in force.
    pub is_default: bool,
    /// The document.
    pub document: Arc<str>,
    /// When it was made, where that is known.
    pub created: Option<Timestamp>,
}

impl VersionFacts {
    pub(super) fn of(policy: &Policy, version: &PolicyVersion) -> Self {
        Self {
            id: version.id,
            is_default: version.id == policy.default,
            document: version.document.clone(),
            created: Some(version.created),
        }
    }

    pub(super) fn of_system(policy: &SystemPolicy) -> Self {
        Self {
            // A test holds the table against the form.
            id: VersionId::parse(policy.version).unwrap_or(VersionId(1)),
            is_default: true,
            document: policy.document.into(),
            created: policy.updated,
        }
    }
}

impl PolicyFacts {
    pub(super) fn of_custom(view: &View, policy: &Policy) -> Result<Self, Error> {
        let default = policy
            .version(policy.default)
            .ok_or_else(|| Error::internal("a policy has no default version"))?;
        let name = PolicyRef { policy_type: PolicyType::Custom, name: policy.name.clone() };
        Ok(Self {
            attachments: view.grants.holder_count(&name),
            policy: name,
            description: policy.description.clone(),
            default: VersionFacts::of(policy, default),
            created: Some(policy.created),
            modified: Some(policy.modified),
        })
    }

    fn of_system(view: &View, policy: &SystemPolicy) -> Result<Self, Error> {
        let name = PolicyName::parse(policy.name)
            .map_err(|_| Error::internal("a system policy has a wrong name"))?;
        let name = PolicyRef { policy_type: PolicyType::System, name };
        Ok(Self {
            attachments: view.grants.holder_count(&name),
            policy: name,
            description: String::new(),
            default: VersionFacts::of_system(policy),
            created: None,
            modified: policy.updated,
        })
    }

    /// Returns the policy of a type and name.
    pub(super) fn find(view: &View, policy: &PolicyRef) -> Result<Self, Error> {
        match policy.policy_type {
            PolicyType::System => Self::of_system(view, find_system(&policy.name)?),
            PolicyType::Custom => Self::of_custom(view, find(view, &policy.name)?),
        }
    }
}

impl Management {
    /// Makes a policy of the account.
    ///
    /// # Errors
    /// [`ErrorCode::PolicyExists`], [`ErrorCode::PolicyLimit`], [`ErrorCode::PolicyMalformed`],
    /// [`ErrorCode::PolicyTooLong`]; a description that does not fit; as every write of [`Management`].
    pub async fn create_policy(
        &self,
        caller: &Caller,
        new: &NewPolicy,
    ) -> Result<(Revision, PolicyFacts), Error> {
        check_text("Description", &new.description, MAX_DESCRIPTION)?;
        documents::check("PolicyDocument", &new.document, Kind::Identity)?;
        let (now, document): (_, Arc<str>) = (self.now(), new.document.as_str().into());
        let decide = |view: &View| {
            if view.grants.policy(&new.name).is_some() {
                return Err(Error::new(
                    ErrorCode::PolicyExists,
                    format!("there is a policy `{}`", new.name),
                    "give another name, or make a new version: CreatePolicyVersion",
                )
                .about("PolicyName", new.name.as_str()));
            }
            if view.grants.policy_count() >= MAX_POLICIES {
                return Err(Error::new(
                    ErrorCode::PolicyLimit,
                    format!("an account has at most {MAX_POLICIES} policies"),
                    "delete one that is no longer used: DeletePolicy",
                ));
            }
            let first = VersionId(1);
            Ok(vec![Op::PutPolicy(Policy {
                name: new.name.clone(),
                description: new.description.clone(),
                versions: vec![PolicyVersion {
                    id: first,
                    document: document.clone(),
                    created: now,
                }],
                default: first,
                next: VersionId(2),
                created: now,
                modified: now,
            })])
        };
        let changed = self.change(caller, None, decide).await?;
        let made = written(&changed.ops)
            .ok_or_else(|| Error::internal("a created policy is not in its change"))?;
        let view = self.present(caller).await?;
        Ok((changed.revision, PolicyFacts::of_custom(&view, made)?))
    }

    /// Returns a policy.
    ///
    /// # Errors
    /// [`ErrorCode::PolicyNotFound`]; as [`Management::look`].
    pub async fn policy(
        &self,
        caller: &Caller,
        policy: &PolicyRef,
    ) -> Result<(Revision, PolicyFacts), Error> {
        let view = self.look(caller, None).await?;
        Ok((view.revision(), PolicyFacts::find(&view, policy)?))
    }

    /// Returns at most `most` policies, of one type or of both, the vendor's first, then by name: those after `after`, and
    /// whether there are more.
    ///
    /// # Errors
    /// As [`Management::look`].
    pub async fn list_policies(
        &self,
        caller: &Caller,
        of: Option<PolicyType>,
        after: Option<&PolicyRef>,
        most: usize,
    ) -> Result<(Revision, Vec<PolicyFacts>, bool), Error> {
        let view = self.look(caller, None).await?;
        let after_system = after.filter(|after| after.policy_type == PolicyType::System);
        let after_custom = after.filter(|after| after.policy_type == PolicyType::Custom);
        let system = catalog()
            .system_policies()
            .iter()
            .filter(|_| of != Some(PolicyType::Custom) && after_custom.is_none())
            .filter(|policy| after_system.is_none_or(|after| policy.name > after.name.as_str()))
            .map(|policy| PolicyFacts::of_system(&view, policy));
        let custom = view
            .grants
            .policies_after(after_custom.map(|after| &after.name))
            .filter(|_| of != Some(PolicyType::System))
            .map(|policy| PolicyFacts::of_custom(&view, policy));
        let mut policies: Vec<PolicyFacts> =
            system.chain(custom).take(most + 1).collect::<Result<_, _>>()?;
        let more = policies.len() > most;
        policies.truncate(most);
        Ok((view.revision(), policies, more))
    }

    /// Deletes a policy of the account that is attached to nobody; with `cascading`, with all its versions.
    ///
    /// # Errors
    /// [`ErrorCode::PolicyNotFound`]; [`ErrorCode::PolicyHasUsers`], [`ErrorCode::PolicyHasGroups`],
    /// [`ErrorCode::PolicyHasRamRoles`]; [`ErrorCode::PolicyHasVersions`] without `cascading`; as every write of
    /// [`Management`].
    pub async fn delete_policy(
        &self,
        caller: &Caller,
        name: &PolicyName,
        cascading: bool,
    ) -> Result<Revision, Error> {
        let decide = |view: &View| {
            let policy = find(view, name)?;
            check_unattached(view, name)?;
            if policy.versions.len() > 1 && !cascading {
                return Err(Error::new(
                    ErrorCode::PolicyHasVersions,
                    format!("the policy `{name}` has {} versions", policy.versions.len()),
                    "delete those that are not the default first: DeletePolicyVersion; or give `CascadingDelete=true`",
                ));
            }
            Ok(vec![Op::RemovePolicy(name.clone())])
        };
        self.change(caller, None, decide).await.map(|changed| changed.revision)
    }
}

/// Returns the policy a change wrote.
pub(super) fn written(ops: &[Op]) -> Option<&Policy> {
    ops.iter().find_map(|op| match op {
        Op::PutPolicy(policy) => Some(policy),
        _ => None,
    })
}

/// Returns the custom policy of a name.
pub(super) fn find<'v>(view: &'v View, name: &PolicyName) -> Result<&'v Policy, Error> {
    view.grants.policy(name).ok_or_else(|| not_found(PolicyType::Custom, name))
}

/// Returns the system policy of a name.
pub(super) fn find_system(name: &PolicyName) -> Result<&'static SystemPolicy, Error> {
    catalog().system_policy(name.as_str()).ok_or_else(|| not_found(PolicyType::System, name))
}

fn not_found(policy_type: PolicyType, name: &PolicyName) -> Error {
    let (what, kind) = match policy_type {
        PolicyType::System => ("system policy", "System"),
        PolicyType::Custom => ("custom policy", "Custom"),
    };
    let help = format!("see ListPolicies with `PolicyType={kind}`");
    Error::new(ErrorCode::PolicyNotFound, format!("there is no {what} `{name}`"), help)
        .about("PolicyName", name.as_str())
}

/// Refuses to delete what somebody still has, `CascadingDelete` or not: nobody's rights change by a policy going away.
fn check_unattached(view: &View, name: &PolicyName) -> Result<(), Error> {
    let policy = PolicyRef { policy_type: PolicyType::Custom, name: name.clone() };
    let (code, whom, operation) = match first_holder(view, &policy) {
        None => return Ok(()),
        Some(HolderKind::User) => (ErrorCode::PolicyHasUsers, "users", "DetachPolicyFromUser"),
        Some(HolderKind::Group) => (ErrorCode::PolicyHasGroups, "groups", "DetachPolicyFromGroup"),
        Some(HolderKind::Role) => (ErrorCode::PolicyHasRamRoles, "roles", "DetachPolicyFromRole"),
    };
    let help = format!("detach it first: {operation}");
    Err(Error::new(code, format!("the policy `{name}` is attached to {whom}"), help))
}
