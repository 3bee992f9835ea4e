//! Where a policy comes from: its id says it, and the role or document it names is looked up.

use super::{Asked, Source};
use crate::{
    domain::{
        BuiltinRole, CustomRoleId, PolicyName, PolicyRef, PolicyType, VersionId, WorkspaceId,
    },
    engine::{Document, ram::Statement, switches},
};

impl Asked<'_> {
    /// Returns where a determining policy comes from. Their ids begin with the role, the type of the document, or what they
    /// are about, and none of these begins as another does.
    pub(super) fn source(&self, policy: &str) -> Option<Source> {
        let (first, _) = policy.split_once('/')?;
        if let Some(role) = BuiltinRole::parse(first) {
            return Some(Source::BuiltinRole(role));
        }
        if PolicyType::parse(first).is_some() {
            let documents = self.documents.as_ref()?.iter();
            let all = documents.flat_map(|it| it.statements().iter().map(move |s| (it, s)));
            let mut named = all.filter(|(_, statement)| statement.id() == policy);
            return named.next().and_then(|(document, statement)| of(document, statement));
        }
        match first {
            switches::PREFIX => {
                let switch = self.snapshot.engine.switches.of_policy(policy)?;
                Some(Source::Switch { category: switch.category?, key: switch.key })
            }
            "account" => Some(Source::Account),
            "known-users" => Some(Source::KnownUsers),
            role => Some(self.custom(&self.workspace?.id, &CustomRoleId::parse(role).ok()?)),
        }
    }

    /// Returns a custom role as the source of what is granted on the action.
    pub(super) fn custom(&self, workspace: &WorkspaceId, id: &CustomRoleId) -> Source {
        let recorded = (self.beside.recorded)(workspace, id);
        let module = self.api_module();
        let level = recorded.zip(module).and_then(|(role, module)| {
            let modules = role.modules.iter();
            let mut of_module = modules.filter(|permission| permission.module == module);
            of_module.next().map(|permission| permission.permission_type)
        });
        Source::CustomRole {
            id: id.clone(),
            name: recorded.map(|role| role.name.clone()),
            module,
            level,
        }
    }

    /// Returns the module of the action, as custom roles name it; `None` for one they cannot grant.
    pub(super) fn api_module(&self) -> Option<&'static str> {
        self.snapshot.engine.catalog.module(self.action.module?)?.api_module
    }
}

/// Returns a statement of a document as a source.
pub(super) fn of(document: &Document, statement: &Statement) -> Option<Source> {
    let (policy_type, name) = document.policy().split_once('/')?;
    let rest = statement.id().strip_prefix(document.policy())?.strip_prefix('/')?;
    let policy = PolicyRef {
        policy_type: PolicyType::parse(policy_type)?,
        name: PolicyName::parse(name).ok()?,
    };
    Some(Source::Document {
        policy,
        version: VersionId::parse(rest.split('/').next()?)?,
        statement: statement.index(),
        line: statement.line(),
    })
}
