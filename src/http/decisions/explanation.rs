//! The wire types of explanations.

use serde::Serialize;

use super::answer::StatementBody;
use crate::{
    domain::{PermissionType, RoleName, WorkspaceId},
    service::{
        AttachedTo, Explained, Facts, HeldRole, NearMiss, Remedy, Source, Suggestion, Unmet,
    },
};

/// An explanation, beside the decision.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ExplanationBody<'e> {
    summary: &'e str,
    policies: Vec<PolicyBody<'e>>,
    facts: FactsBody<'e>,
    near_misses: Vec<NearMissBody<'e>>,
    missing_context_keys: &'e [String],
    remedies: Vec<RemedyBody<'e>>,
}

#[derive(Serialize)]
struct PolicyBody<'e> {
    policy: &'e str,
    source: Option<SourceBody<'e>>,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case", rename_all_fields = "camelCase")]
enum SourceBody<'e> {
    BuiltinRole {
        role: &'static str,
    },
    CustomRole {
        role: &'e str,
        name: Option<&'e str>,
        module: Option<&'static str>,
        level: Option<&'static str>,
    },
    Document {
        policy_type: &'static str,
        policy_name: &'e str,
        version: String,
        statement: usize,
        line: usize,
        attached_to: Vec<AttachedBody<'e>>,
    },
    WorkspaceSwitch {
        category: &'static str,
        key: &'static str,
    },
    KnownUsers,
    Account,
}

#[derive(Serialize)]
struct AttachedBody<'e> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'e str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FactsBody<'e> {
    principal_known: bool,
    workspace_known: Option<bool>,
    roles: Vec<HeldBody<'e>>,
    documents: Option<usize>,
}

#[derive(Serialize)]
struct HeldBody<'e> {
    role: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'e str>,
}

#[derive(Serialize)]
struct NearMissBody<'e> {
    policy: &'e str,
    source: SourceBody<'e>,
    differs: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    workspace: Option<&'e str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    conditions: Vec<ConditionBody<'e>>,
    text: &'e str,
}

#[derive(Serialize)]
struct ConditionBody<'e> {
    key: &'e str,
    operator: &'static str,
    wanted: &'e [String],
    given: &'e [String],
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case", rename_all_fields = "camelCase")]
enum RemedyBody<'e> {
    AddRole {
        role: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<&'e str>,
        grants: usize,
        text: &'e str,
    },
    RaiseLevel {
        role: &'e str,
        name: &'e str,
        module: &'static str,
        from: &'static str,
        to: &'static str,
        text: &'e str,
    },
    RamStatement {
        statement: StatementBody,
        text: &'e str,
    },
}

impl<'e> From<&'e Explained> for ExplanationBody<'e> {
    fn from(explained: &'e Explained) -> Self {
        let explanation = &explained.explanation;
        let policies = explanation.policies.iter().map(|(policy, source)| PolicyBody {
            policy,
            source: source.as_ref().map(|it| SourceBody::of(it, explained)),
        });
        let near = explanation.near_misses.iter().map(|near| NearMissBody::of(near, explained));
        Self {
            summary: &explanation.summary,
            policies: policies.collect(),
            facts: FactsBody::from(&explanation.facts),
            near_misses: near.collect(),
            missing_context_keys: &explanation.missing_keys,
            remedies: explanation.remedies.iter().map(RemedyBody::from).collect(),
        }
    }
}

impl<'e> SourceBody<'e> {
    fn of(source: &'e Source, explained: &'e Explained) -> Self {
        match source {
            Source::BuiltinRole(role) => Self::BuiltinRole { role: role.code() },
            Source::CustomRole { id, name, module, level } => Self::CustomRole {
                role: id.as_str(),
                name: name.as_ref().map(RoleName::as_str),
                module: *module,
                level: level.map(PermissionType::as_str),
            },
            Source::Document { policy, version, statement, line } => Self::Document {
                policy_type: policy.policy_type.as_str(),
                policy_name: policy.name.as_str(),
                version: version.to_string(),
                statement: *statement,
                line: *line,
                attached_to: explained
                    .attached
                    .get(policy)
                    .into_iter()
                    .flatten()
                    .map(AttachedBody::from)
                    .collect(),
            },
            Source::Switch { category, key } => Self::WorkspaceSwitch { category, key },
            Source::KnownUsers => Self::KnownUsers,
            Source::Account => Self::Account,
        }
    }
}

impl<'e> From<&'e AttachedTo> for AttachedBody<'e> {
    fn from(to: &'e AttachedTo) -> Self {
        match to {
            AttachedTo::Principal(who) => {
                Self { kind: who.kind.as_str(), id: Some(who.id.as_str()), name: None }
            }
            AttachedTo::Group(name) => Self { kind: "Group", id: None, name: Some(name.as_str()) },
        }
    }
}

impl<'e> From<&'e Facts> for FactsBody<'e> {
    fn from(facts: &'e Facts) -> Self {
        let held = |held: &'e HeldRole| HeldBody {
            role: held.role.to_string(),
            name: held.name.as_ref().map(RoleName::as_str),
        };
        Self {
            principal_known: facts.principal_known,
            workspace_known: facts.workspace_known,
            roles: facts.roles.iter().map(held).collect(),
            documents: facts.documents,
        }
    }
}

impl<'e> NearMissBody<'e> {
    fn of(near: &'e NearMiss, explained: &'e Explained) -> Self {
        let condition = |unmet: &'e Unmet| ConditionBody {
            key: &unmet.key,
            operator: unmet.operator,
            wanted: &unmet.wanted,
            given: &unmet.given,
        };
        Self {
            policy: &near.policy,
            source: SourceBody::of(&near.source, explained),
            differs: near.differs.as_str(),
            workspace: near.workspace.as_ref().map(WorkspaceId::as_str),
            conditions: near.conditions.iter().map(condition).collect(),
            text: &near.text,
        }
    }
}

impl<'e> From<&'e Remedy> for RemedyBody<'e> {
    fn from(remedy: &'e Remedy) -> Self {
        match remedy {
            Remedy::AddRole { role, name, grants, text } => Self::AddRole {
                role: role.to_string(),
                name: name.as_ref().map(RoleName::as_str),
                grants: *grants,
                text,
            },
            Remedy::RaiseLevel { role, name, module, from, to, text } => Self::RaiseLevel {
                role: role.as_str(),
                name: name.as_str(),
                module,
                from: from.as_str(),
                to: to.as_str(),
                text,
            },
            Remedy::RamStatement { statement: Suggestion { action, resource }, text } => {
                let statement = StatementBody::allowing(action, resource.clone());
                Self::RamStatement { statement, text }
            }
        }
    }
}
