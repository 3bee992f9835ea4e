//! The stored form of what RAM holds: policies, groups, roles that can be assumed, attachments.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Undecodable, all, id, named};
use crate::domain::{
    Assumable, Group, GroupId, GroupName, Holder, Policy, PolicyName, PolicyRef, PolicyType,
    PolicyVersion, PrincipalId, Timestamp, VersionId,
};

wire! {
    WirePolicy { name: String, description: String, versions: Vec<WireVersion>, default: u32, next: u32, created_ms: u64, modified_ms: u64 }
    WireVersion { id: u32, document: String, created_ms: u64 }
    WireGroup { id: String, name: String, comments: String, created_ms: u64, modified_ms: u64 }
    WireGroupMember { group: String, principal: String, since_ms: u64 }
    WireInGroup { group: String, principal: String }
    WireAttachment { to: WireHolding, since_ms: u64 }
    WireHolding { holder: String, id: String, policy_type: String, policy: String }
    WireAssumable { trust_document: String, description: String, max_session_seconds: u32 }
}

const PRINCIPAL: &str = "principal";
const GROUP: &str = "group";

/// Returns kind and id of a holder.
pub(in crate::store) fn holder(holder: &Holder) -> (&'static str, &str) {
    match holder {
        Holder::Principal(id) => (PRINCIPAL, id.as_str()),
        Holder::Group(id) => (GROUP, id.as_str()),
    }
}

impl From<&Policy> for WirePolicy {
    fn from(policy: &Policy) -> Self {
        let version = |version: &PolicyVersion| WireVersion {
            id: version.id.0,
            document: version.document.to_string(),
            created_ms: version.created.as_millis(),
        };
        Self {
            name: policy.name.to_string(),
            description: policy.description.clone(),
            versions: policy.versions.iter().map(version).collect(),
            default: policy.default.0,
            next: policy.next.0,
            created_ms: policy.created.as_millis(),
            modified_ms: policy.modified.as_millis(),
        }
    }
}

impl TryFrom<WirePolicy> for Policy {
    type Error = Undecodable;

    fn try_from(wire: WirePolicy) -> Result<Self, Undecodable> {
        let version = |version: WireVersion| {
            Ok(PolicyVersion {
                id: VersionId(version.id),
                document: Arc::from(version.document),
                created: Timestamp::from_millis(version.created_ms),
            })
        };
        let policy = Self {
            name: id(&wire.name, PolicyName::parse)?,
            description: wire.description,
            versions: all(wire.versions, version)?,
            default: VersionId(wire.default),
            next: VersionId(wire.next),
            created: Timestamp::from_millis(wire.created_ms),
            modified: Timestamp::from_millis(wire.modified_ms),
        };
        match policy.version(policy.default) {
            Some(_) => Ok(policy),
            None => Err(Undecodable::Field(policy.default.to_string(), "default version")),
        }
    }
}

impl From<&Group> for WireGroup {
    fn from(group: &Group) -> Self {
        Self {
            id: group.id.to_string(),
            name: group.name.to_string(),
            comments: group.comments.clone(),
            created_ms: group.created.as_millis(),
            modified_ms: group.modified.as_millis(),
        }
    }
}

impl TryFrom<WireGroup> for Group {
    type Error = Undecodable;

    fn try_from(wire: WireGroup) -> Result<Self, Undecodable> {
        Ok(Self {
            id: id(&wire.id, GroupId::parse)?,
            name: id(&wire.name, GroupName::parse)?,
            comments: wire.comments,
            created: Timestamp::from_millis(wire.created_ms),
            modified: Timestamp::from_millis(wire.modified_ms),
        })
    }
}

impl From<(&GroupId, &PrincipalId, Timestamp)> for WireGroupMember {
    fn from((group, principal, since): (&GroupId, &PrincipalId, Timestamp)) -> Self {
        Self {
            group: group.to_string(),
            principal: principal.to_string(),
            since_ms: since.as_millis(),
        }
    }
}

impl TryFrom<WireGroupMember> for (GroupId, PrincipalId, Timestamp) {
    type Error = Undecodable;

    fn try_from(wire: WireGroupMember) -> Result<Self, Undecodable> {
        let group = id(&wire.group, GroupId::parse)?;
        let principal = id(&wire.principal, PrincipalId::parse)?;
        Ok((group, principal, Timestamp::from_millis(wire.since_ms)))
    }
}

impl From<(&GroupId, &PrincipalId)> for WireInGroup {
    fn from((group, principal): (&GroupId, &PrincipalId)) -> Self {
        Self { group: group.to_string(), principal: principal.to_string() }
    }
}

impl TryFrom<WireInGroup> for (GroupId, PrincipalId) {
    type Error = Undecodable;

    fn try_from(wire: WireInGroup) -> Result<Self, Undecodable> {
        Ok((id(&wire.group, GroupId::parse)?, id(&wire.principal, PrincipalId::parse)?))
    }
}

impl From<(&Holder, &PolicyRef)> for WireHolding {
    fn from((to, policy): (&Holder, &PolicyRef)) -> Self {
        let (kind, id) = holder(to);
        Self {
            holder: kind.to_owned(),
            id: id.to_owned(),
            policy_type: policy.policy_type.as_str().to_owned(),
            policy: policy.name.to_string(),
        }
    }
}

impl TryFrom<WireHolding> for (Holder, PolicyRef) {
    type Error = Undecodable;

    fn try_from(wire: WireHolding) -> Result<Self, Undecodable> {
        let holder = match wire.holder.as_str() {
            PRINCIPAL => Holder::Principal(id(&wire.id, PrincipalId::parse)?),
            GROUP => Holder::Group(id(&wire.id, GroupId::parse)?),
            _ => return Err(Undecodable::Field(wire.holder, "kind of holder")),
        };
        let policy_type = named(&wire.policy_type, "policy type", PolicyType::parse)?;
        Ok((holder, PolicyRef { policy_type, name: id(&wire.policy, PolicyName::parse)? }))
    }
}

impl From<(&Holder, &PolicyRef, Timestamp)> for WireAttachment {
    fn from((to, policy, since): (&Holder, &PolicyRef, Timestamp)) -> Self {
        Self { to: (to, policy).into(), since_ms: since.as_millis() }
    }
}

impl TryFrom<WireAttachment> for (Holder, PolicyRef, Timestamp) {
    type Error = Undecodable;

    fn try_from(wire: WireAttachment) -> Result<Self, Undecodable> {
        let (holder, policy) = wire.to.try_into()?;
        Ok((holder, policy, Timestamp::from_millis(wire.since_ms)))
    }
}

impl From<&Assumable> for WireAssumable {
    fn from(role: &Assumable) -> Self {
        Self {
            trust_document: role.trust_document.to_string(),
            description: role.description.clone(),
            max_session_seconds: role.max_session_seconds,
        }
    }
}

impl From<WireAssumable> for Assumable {
    fn from(wire: WireAssumable) -> Self {
        Self {
            trust_document: Arc::from(wire.trust_document),
            description: wire.description,
            max_session_seconds: wire.max_session_seconds,
        }
    }
}
