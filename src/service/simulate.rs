//! What documents say of actions on resources, before anybody has them or beside what somebody has.

use std::{collections::BTreeMap, sync::Arc};

use super::management::documents;
use crate::{
    catalog::{ANY, Arn, as_pattern, catalog, meant},
    domain::{AccountId, ContextValue, Invalid, InvalidKind},
    engine::{Document, Engine, Simulated, Simulation, Verdict, simulation_cost},
    ram::{document::Kind, meant_actions, wildcard},
};

/// What is simulated.
#[derive(Debug, Clone, Default)]
pub struct Simulate {
    /// Documents by name, beside those the principal has.
    pub documents: Vec<(String, String)>,
    /// Actions; a pattern stands for the catalogued actions it matches.
    pub actions: Vec<String>,
    /// ARNs, or `*`. None: for each action the form of its ARN with `*` for what is not known.
    pub resources: Vec<String>,
    /// Condition keys.
    pub context: BTreeMap<String, ContextValue>,
}

/// One answer of a simulation.
#[derive(Debug, Clone)]
pub struct Row {
    /// The action, as it was given or as the catalogue spells it.
    pub action: String,
    /// The resource.
    pub resource: String,
    /// What the documents say.
    pub simulated: Simulated,
}

impl Row {
    /// Returns the vendor's words for a denial; `None` when it is allowed.
    #[must_use]
    pub fn denial(&self) -> Option<String> {
        (self.simulated.verdict != Verdict::Allowed).then(|| {
            format!("denied by sts or ram, action: {}, resource: {}", self.action, self.resource)
        })
    }
}

impl Row {
    /// Returns roughly how much there is to tell, in bytes: a denial says action and resource again.
    fn told(&self) -> usize {
        3 * (self.action.len() + self.resource.len()) + self.simulated.told() + 256
    }
}

impl Simulate {
    /// Most documents.
    pub const MAX_DOCUMENTS: usize = 20;
    /// Most pairs of an action and a resource.
    pub const MAX_ROWS: usize = 2_000;
    /// Most pairs of a question and a statement: a second or so.
    pub const MAX_JUDGED: usize = 100_000;
    /// Most characters that are compared for all questions, as a decision counts them: a second or so.
    pub const MAX_COMPARED: usize = 200_000_000;
    /// Most bytes that the answers to all questions tell, roughly.
    pub const MAX_TOLD: usize = 4 << 20;
    /// Longest ARN or action, in bytes.
    const MAX_TEXT: usize = 2_048;

    /// Returns what the documents, and those that are `held` besides, say of each action on each resource; `whom` is the account
    /// and the ARN of who holds them.
    ///
    /// # Errors
    /// The first document RAM would not accept, and what is wrong with it; a field that is wrong.
    pub fn run(
        &self,
        engine: &Engine,
        held: &[Arc<Document>],
        whom: Option<(&AccountId, &str)>,
    ) -> Result<Vec<Row>, Invalid> {
        let principal_arn = whom.map(|(_, arn)| arn);
        too_many("documents", "documents", self.documents.len(), Self::MAX_DOCUMENTS)?;
        if self.documents.is_empty() && principal_arn.is_none() {
            let either = "give documents, or a principal whose documents are asked";
            return Err(Invalid::missing("documents", either));
        }
        if self.actions.is_empty() {
            return Err(Invalid::missing(
                "actions",
                "give at least one action, as `log:GetProject`",
            ));
        }
        let mut compiled = Vec::with_capacity(self.documents.len());
        for (name, text) in &self.documents {
            check_document(name, text)?;
            compiled.push(engine.compile_document(name, "v1", text)?);
        }
        let all: Vec<&Document> =
            compiled.iter().chain(held.iter().map(|document| &**document)).collect();
        let questions = self.questions()?;
        let statements: usize = all.iter().map(|document| document.statement_count()).sum();
        let pairs = "pairs of a question and a statement";
        too_many("actions", pairs, questions.len().saturating_mul(statements), Self::MAX_JUDGED)?;
        // Where one alone is too much, that is told of the context.
        if questions.len() > 1 {
            let resources = questions.iter().map(|(_, resource)| resource.as_str());
            let cost = simulation_cost(&all, resources, &self.context);
            too_much("characters to compare", cost, Self::MAX_COMPARED)?;
        }
        let (mut rows, mut told) = (Vec::new(), 0);
        for (action, resource) in questions {
            let asked = Simulation {
                action: &action,
                resource: &resource,
                principal_arn,
                context: &self.context,
            };
            let mut simulated = engine.simulate(&all, &asked)?;
            if whom.is_some_and(|(account, _)| is_of_another(account, &resource)) {
                simulated.verdict = Verdict::ImplicitDeny;
                simulated.matched.clear();
            }
            let row = Row { action, resource, simulated };
            told += row.told();
            too_much("bytes of answers", told, Self::MAX_TOLD)?;
            rows.push(row);
        }
        Ok(rows)
    }

    /// Returns the pairs of an action and a resource that are asked.
    fn questions(&self) -> Result<Vec<(String, String)>, Invalid> {
        for (index, resource) in self.resources.iter().enumerate() {
            let is_arn = Arn::parse(resource).is_some();
            let fits = resource.len() <= Self::MAX_TEXT && !resource.chars().any(char::is_control);
            if !fits || !(is_arn || resource == ANY) {
                let help = "give `acs:<RAM code>:<region>:<account>:<relative id>` or `*`";
                let field = format!("resources[{index}]");
                return Err(Invalid::value(field, resource, "an ARN", help));
            }
        }
        let mut out = Vec::new();
        for (index, action) in self.actions.iter().enumerate() {
            let named = expanded(index, action)?;
            for (action, form) in named {
                let code = action.split(':').next().unwrap_or_default();
                let one = match form {
                    Some(form) if form != ANY => as_pattern(form),
                    _ => format!("acs:{code}:*:*:*"),
                };
                let one = [one];
                let resources = if self.resources.is_empty() { &one[..] } else { &self.resources };
                out.extend(resources.iter().map(|resource| (action.clone(), resource.clone())));
                let pairs = "pairs of an action and a resource";
                too_many("actions", pairs, out.len(), Self::MAX_ROWS)?;
            }
        }
        Ok(out)
    }
}

/// An action, and the form of its ARN where that is known.
type Named = (String, Option<&'static str>);

/// Returns the actions one that is given stands for.
fn expanded(index: usize, action: &str) -> Result<Vec<Named>, Invalid> {
    let field = || format!("actions[{index}]");
    let lower = action.to_ascii_lowercase();
    if wildcard::is_pattern(action) {
        let all = catalog().ram_actions().iter();
        let matching = all.filter(|known| wildcard::matches(&lower, &known.lower));
        let named: Vec<Named> =
            matching.map(|known| (known.action.to_owned(), known.arns.first().copied())).collect();
        if named.is_empty() {
            let help = "give one of PAI or Simple Log Service: see `pai-authz catalog search` for those that are known";
            return Err(Invalid::value(field(), action, "a pattern of known actions", help));
        }
        return Ok(named);
    }
    let has_form = action
        .split_once(':')
        .is_some_and(|(code, name)| !code.is_empty() && !name.is_empty() && !name.contains(':'));
    let fits = action.len() <= Simulate::MAX_TEXT
        && action.chars().all(|c| !c.is_control() && !c.is_whitespace());
    if !has_form || !fits {
        let help = "give `<RAM code>:<name>`, as `log:GetProject`";
        return Err(Invalid::value(field(), action, "an action", help));
    }
    let known = catalog().find_ram_name(&lower).or_else(|| catalog().find_action(action));
    let Some(ram) = known.and_then(|known| catalog().ram_action(known)) else {
        // Of a service whose actions are all known it is a slip; of others it is compared as a text.
        if let Some(near) = meant_actions(&lower) {
            let help = meant(
                &near,
                "give one of PAI or Simple Log Service: see `pai-authz catalog search` for those that are known",
            );
            return Err(Invalid::value(field(), action, "a known action", help)
                .with_kind(InvalidKind::UnknownAction));
        }
        return Ok(vec![(action.to_owned(), None)]);
    };
    Ok(vec![(ram.action.to_owned(), ram.arns.first().copied())])
}

/// Returns whether an ARN is of another account, whose resources no document of this one reaches.
fn is_of_another(account: &AccountId, arn: &str) -> bool {
    let of = Arn::parse(arn).map_or("", |arn| arn.account);
    let is_stated = !of.is_empty() && of != ANY;
    is_stated && of != account.as_str()
}

/// Refuses more of something than is answered.
fn too_many(field: &str, what: &str, count: usize, most: usize) -> Result<(), Invalid> {
    if count <= most {
        return Ok(());
    }
    let message = format!("{count} {what}, and at most {most} are answered at once");
    Err(Invalid {
        message,
        ..Invalid::value(field, &count.to_string(), "", format!("give at most {most}"))
    })
}

/// Refuses questions that together are more than is answered.
fn too_much(what: &str, count: usize, most: usize) -> Result<(), Invalid> {
    let help = "ask about fewer actions and resources at once";
    too_many("actions", what, count, most)
        .map_err(|invalid| Invalid { help: help.to_owned(), ..invalid })
}

/// Refuses a document that RAM would not accept, with what is wrong first; `name` is what it is called.
///
/// # Errors
/// What is wrong with it.
pub fn check_document(name: &str, text: &str) -> Result<(), Invalid> {
    let Some(message) = documents::faults(text, Kind::Identity) else { return Ok(()) };
    let help = "`POST /v1/ram/validate` and `pai-authz ram lint` tell all that is wrong with it";
    Err(Invalid { message, ..Invalid::value(name, text, "", help) })
}
