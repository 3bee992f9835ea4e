//! What documents say of actions on resources, before anybody has them or beside what somebody has.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    catalog::{ANY, Arn, as_pattern, catalog},
    domain::{ContextValue, Invalid},
    engine::{Document, Engine, Simulated, Simulation, Verdict},
    ram::{document::Kind, finding::Class, lines::Lines, lint::lint, wildcard},
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

impl Simulate {
    /// Most documents.
    pub const MAX_DOCUMENTS: usize = 20;
    /// Most pairs of an action and a resource.
    pub const MAX_ROWS: usize = 2_000;
    /// Longest ARN or action, in bytes.
    const MAX_TEXT: usize = 2_048;

    /// Returns what the documents, and those that are `held` besides, say of each action on each resource.
    ///
    /// # Errors
    /// The first document RAM would not accept, and what is wrong with it; a field that is wrong.
    pub fn run(
        &self,
        engine: &Engine,
        held: &[Arc<Document>],
        principal_arn: Option<&str>,
    ) -> Result<Vec<Row>, Invalid> {
        if self.documents.len() > Self::MAX_DOCUMENTS {
            let most = format!("give at most {}", Self::MAX_DOCUMENTS);
            let count = self.documents.len().to_string();
            return Err(Invalid::value("documents", &count, "a number that is read", most));
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
        let mut rows = Vec::new();
        for (action, resource) in self.questions()? {
            let asked = Simulation {
                action: &action,
                resource: &resource,
                principal_arn,
                context: &self.context,
            };
            let simulated = engine.simulate(&all, &asked)?;
            rows.push(Row { action, resource, simulated });
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
                if out.len() > Self::MAX_ROWS {
                    let help = format!("ask at most {} at once", Self::MAX_ROWS);
                    let count = out.len().to_string();
                    return Err(Invalid::value(
                        "actions",
                        &count,
                        "a number of pairs of an action and a resource that is answered",
                        help,
                    ));
                }
            }
        }
        Ok(out)
    }
}

/// Returns the actions one that is given stands for, each with the form of its ARN where that is known.
fn expanded(index: usize, action: &str) -> Result<Vec<(String, Option<&'static str>)>, Invalid> {
    let field = || format!("actions[{index}]");
    let lower = action.to_ascii_lowercase();
    if wildcard::is_pattern(action) {
        let all = catalog().ram_actions().iter();
        let matching = all.filter(|known| wildcard::matches(&lower, &known.lower));
        let named: Vec<_> =
            matching.map(|known| (known.action.to_owned(), known.arns.first().copied())).collect();
        if named.is_empty() {
            let help = "see `pai-authz catalog search` for the known actions";
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
    let ram = known.and_then(|known| catalog().ram_action(known));
    Ok(vec![(
        ram.map_or(action, |ram| ram.action).to_owned(),
        ram.and_then(|ram| ram.arns.first().copied()),
    )])
}

/// Refuses a document that RAM would not accept, with the first thing that is wrong.
fn check_document(name: &str, text: &str) -> Result<(), Invalid> {
    let report = lint(text, Kind::Identity);
    let errors: Vec<_> = report.findings.iter().filter(|it| it.class == Class::Error).collect();
    let Some(first) = errors.first() else { return Ok(()) };
    let place = Lines::new(text).place(first.span.start);
    let more = match errors.len() - 1 {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let found =
        format!("{}:{} {}: {}{more}", place.line, place.column, first.rule.code, first.message.en);
    let help = "`POST /v1/ram/validate` and `pai-authz ram lint` tell all that is wrong with it";
    Err(Invalid::value(name, &found, "a document RAM accepts", help))
}
