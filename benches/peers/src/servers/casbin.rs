//! casbin: roles by grouping policies with the workspace as domain, rights as policies by role and module.
//!
//! A policy stands for the codes of a module that a role has on the same assets, as the other peers have it; `g2` says which
//! codes those are. A policy for each role and code would be fourteen times as many, and casbin tries them one after another.

use std::{collections::HashMap, fmt::Write as _};

use anyhow::Context as _;
use casbin::{CoreApi as _, DefaultModel, Enforcer, StringAdapter};
use pai_authz::catalog::catalog;

use super::shell::{Judge, Question};
use crate::workload::{Reach, Workspace, rules};

/// What excludes most policies stands first: casbin evaluates from the left.
const MODEL: &str = r#"
[request_definition]
r = sub, dom, mod, act, acc, creator

[policy_definition]
p = sub, mod, set, private, public

[role_definition]
g = _, _, _
g2 = _, _

[policy_effect]
e = some(where (p.eft == allow))

[matchers]
m = r.mod == p.mod && g(r.sub, p.sub, r.dom) && g2(r.act, p.set) && (r.acc == "PUBLIC" && (p.public == "all" || p.public == "own" && r.creator == r.sub) || r.acc == "PRIVATE" && (p.private == "all" || p.private == "own" && r.creator == r.sub))
"#;

/// casbin with its data in memory.
pub(crate) struct Casbin {
    enforcer: Enforcer,
    /// The module of an action, which casbin is told.
    modules: HashMap<&'static str, &'static str>,
}

impl Judge for Casbin {
    async fn load(workspaces: &[Workspace]) -> anyhow::Result<Self> {
        let model = DefaultModel::from_str(MODEL).await?;
        let enforcer = Enforcer::new(model, StringAdapter::new(policies(workspaces)?)).await?;
        let actions = catalog().actions().iter();
        let modules = actions.filter_map(|action| Some((action.name, action.module?))).collect();
        Ok(Self { enforcer, modules })
    }

    fn is_allowed(&self, question: &Question<'_>) -> anyhow::Result<bool> {
        let (resource, action) = (&question.resource, &*question.action);
        let module = self.modules.get(action).context("an unknown action")?;
        Ok(self.enforcer.enforce((
            &*question.principal.id,
            &*resource.workspace,
            *module,
            action,
            &*resource.accessibility,
            &*resource.creator,
        ))?)
    }
}

/// Returns policies and groupings as casbin's lines of CSV.
fn policies(workspaces: &[Workspace]) -> anyhow::Result<String> {
    let word = |reach| match reach {
        Reach::Nothing => "no",
        Reach::Own => "own",
        Reach::All => "all",
    };
    let mut csv = String::new();
    for rule in rules() {
        let (private, public) = rule.reach()?;
        let (role, module) = (rule.role.code(), rule.module);
        let set = format!("{role}/{module}/{}", rule.cells);
        writeln!(csv, "p, {role}, {module}, {set}, {}, {}", word(private), word(public))?;
        for action in rule.actions {
            writeln!(csv, "g2, {action}, {set}")?;
        }
    }
    for workspace in workspaces {
        for member in &workspace.members {
            for role in member.roles {
                writeln!(csv, "g, {}, {}, {}", member.user, role.code(), workspace.id)?;
            }
        }
    }
    Ok(csv)
}
