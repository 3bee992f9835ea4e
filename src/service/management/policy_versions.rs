//! Versions of policies: made, shown, put in force, deleted. One of a policy's versions is in force, at most five are kept.

use std::sync::Arc;

use super::{
    Caller, Management, documents,
    policies::{VersionFacts, find, find_system, written},
};
use crate::{
    domain::{Op, Policy, PolicyName, PolicyRef, PolicyType, PolicyVersion, Revision, VersionId},
    error::{Error, ErrorCode},
    ram::document::Kind,
    service::View,
};

/// Most versions of a policy (RAM Docs, Limits).
const MAX_VERSIONS: usize = 5;

/// A version to make.
#[derive(Debug, Clone)]
pub struct NewVersion {
    /// Its document.
    pub document: String,
    /// Whether it is in force from then on.
    pub is_default: bool,
    /// Whether it takes the place of the oldest version that is not in force, when there are as many as may be.
    pub rotates: bool,
}

impl Management {
    /// Makes a version of a policy of the account.
    ///
    /// # Errors
    /// [`ErrorCode::PolicyNotFound`], [`ErrorCode::PolicyVersionLimit`], [`ErrorCode::PolicyMalformed`],
    /// [`ErrorCode::PolicyTooLong`]; as every write of [`Management`].
    pub async fn create_policy_version(
        &self,
        caller: &Caller,
        name: &PolicyName,
        new: &NewVersion,
    ) -> Result<(Revision, VersionFacts), Error> {
        documents::check("PolicyDocument", &new.document, Kind::Identity)?;
        let (now, document): (_, Arc<str>) = (self.now(), new.document.as_str().into());
        let decide = |view: &View| {
            let mut next = find(view, name)?.clone();
            if next.versions.len() >= MAX_VERSIONS {
                let oldest = next.versions.iter().position(|version| version.id != next.default);
                match oldest.filter(|_| new.rotates) {
                    Some(oldest) => drop(next.versions.remove(oldest)),
                    None => return Err(too_many(name)),
                }
            }
            let id = next.next;
            next.next =
                id.0.checked_add(1)
                    .map(VersionId)
                    .ok_or_else(|| Error::internal("a policy has no numbers left"))?;
            next.versions.push(PolicyVersion { id, document: document.clone(), created: now });
            if new.is_default {
                next.default = id;
            }
            next.modified = now;
            Ok(vec![Op::PutPolicy(next)])
        };
        let changed = self.change(caller, None, decide).await?;
        let made = written(&changed.ops)
            .and_then(|policy| Some(VersionFacts::of(policy, policy.versions.last()?)))
            .ok_or_else(|| Error::internal("a created version is not in its change"))?;
        Ok((changed.revision, made))
    }

    /// Returns a version of a policy.
    ///
    /// # Errors
    /// [`ErrorCode::PolicyNotFound`], [`ErrorCode::PolicyVersionNotFound`]; as [`Management::look`].
    pub async fn policy_version(
        &self,
        caller: &Caller,
        policy: &PolicyRef,
        id: VersionId,
    ) -> Result<(Revision, VersionFacts), Error> {
        let (revision, versions) = self.list_policy_versions(caller, policy).await?;
        let found = versions.into_iter().find(|version| version.id == id);
        Ok((revision, found.ok_or_else(|| not_found(&policy.name, id))?))
    }

    /// Returns the versions of a policy, oldest first; of a system policy only the one in force is known.
    ///
    /// # Errors
    /// [`ErrorCode::PolicyNotFound`]; as [`Management::look`].
    pub async fn list_policy_versions(
        &self,
        caller: &Caller,
        policy: &PolicyRef,
    ) -> Result<(Revision, Vec<VersionFacts>), Error> {
        let view = self.look(caller, None).await?;
        let versions = match policy.policy_type {
            PolicyType::System => vec![VersionFacts::of_system(find_system(&policy.name)?)],
            PolicyType::Custom => {
                let policy = find(&view, &policy.name)?;
                policy.versions.iter().map(|it| VersionFacts::of(policy, it)).collect()
            }
        };
        Ok((view.revision(), versions))
    }

    /// Puts a version of a policy in force.
    ///
    /// # Errors
    /// [`ErrorCode::PolicyNotFound`], [`ErrorCode::PolicyVersionNotFound`]; as every write of [`Management`].
    pub async fn set_default_policy_version(
        &self,
        caller: &Caller,
        name: &PolicyName,
        id: VersionId,
    ) -> Result<Revision, Error> {
        let decide = |view: &View| {
            let policy = known(view, name, id)?;
            if policy.default == id {
                return Ok(Vec::new());
            }
            let modified = self.now();
            Ok(vec![Op::PutPolicy(Policy { default: id, modified, ..policy.clone() })])
        };
        self.change(caller, None, decide).await.map(|changed| changed.revision)
    }

    /// Deletes a version of a policy that is not in force; its number is not given again.
    ///
    /// # Errors
    /// [`ErrorCode::PolicyNotFound`], [`ErrorCode::PolicyVersionNotFound`], [`ErrorCode::DefaultVersionStays`]; as every
    /// write of [`Management`].
    pub async fn delete_policy_version(
        &self,
        caller: &Caller,
        name: &PolicyName,
        id: VersionId,
    ) -> Result<Revision, Error> {
        let decide = |view: &View| {
            let mut next = known(view, name, id)?.clone();
            if next.default == id {
                return Err(Error::new(
                    ErrorCode::DefaultVersionStays,
                    format!("the version `{id}` of the policy `{name}` is the default one"),
                    "make another one the default first: SetDefaultPolicyVersion",
                )
                .about("VersionId", &id.to_string()));
            }
            next.versions.retain(|version| version.id != id);
            next.modified = self.now();
            Ok(vec![Op::PutPolicy(next)])
        };
        self.change(caller, None, decide).await.map(|changed| changed.revision)
    }
}

/// Returns the policy that has a version.
fn known<'v>(view: &'v View, name: &PolicyName, id: VersionId) -> Result<&'v Policy, Error> {
    let policy = find(view, name)?;
    policy.version(id).map(|_| policy).ok_or_else(|| not_found(name, id))
}

fn not_found(name: &PolicyName, id: VersionId) -> Error {
    Error::new(
        ErrorCode::PolicyVersionNotFound,
        format!("the policy `{name}` has no version `{id}`"),
        "see ListPolicyVersions",
    )
    .about("VersionId", &id.to_string())
}

fn too_many(name: &PolicyName) -> Error {
    Error::new(
        ErrorCode::PolicyVersionLimit,
        format!("the policy `{name}` has {MAX_VERSIONS} versions, the most it may have"),
        "delete one that is not the default: DeletePolicyVersion; or give `RotateStrategy=DeleteOldestNonDefaultVersionWhenLimitExceeded`",
    )
}
