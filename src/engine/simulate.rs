//! What documents say of an action on a resource, before anybody has them.

use std::collections::BTreeMap;

use cedar_policy::{Entities, Entity, Request as CedarRequest};

use super::{
    Document, Engine, context,
    judge::judge,
    names::Type,
    ram::{self, Conditions, Statement, Unmet, WrongType},
};
use crate::{
    catalog::Action,
    domain::{ContextValue, Decision, Fault, Invalid, Reason},
    ram::{document::Effect, keys},
};

/// What documents say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// One grants and none denies.
    Allowed,
    /// One denies.
    ExplicitDeny,
    /// None grants.
    ImplicitDeny,
}

impl Verdict {
    /// Returns the spelling of the interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::ExplicitDeny => "explicitDeny",
            Self::ImplicitDeny => "implicitDeny",
        }
    }
}

/// A statement that decided.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Matched {
    /// The document it is of.
    pub document: String,
    /// Its place among the document's statements, from 0 on.
    pub statement: usize,
    /// The line it begins on, from 1 on.
    pub line: usize,
}

/// The answer to one question of a simulation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Simulated {
    /// What the documents say.
    pub verdict: Verdict,
    /// The statements that say so; none for an implicit deny.
    pub matched: Vec<Matched>,
    /// Keys that statements about the action and resource look at and the request does not have, as they spell them.
    pub missing_context_keys: Vec<String>,
    /// Statements about the action and resource whose conditions do not hold, with those; of many the first.
    pub unmet: Vec<(Matched, Vec<Unmet>)>,
    /// Statements about the action that were passed over, for they are about other resources.
    pub on_other_resources: Vec<Matched>,
    /// The forms of ARNs the action is about, where the resource has none of them: perhaps another one was meant.
    pub other_forms: Vec<String>,
    /// Whether the action is of the catalogue. Others are compared as texts, and Cedar knows nothing of them.
    pub is_catalogued: bool,
}

/// How many statements are told of whose conditions do not hold, and how much of them in bytes, but for the last.
const MOST_UNMET: usize = 20;
const MOST_TOLD: usize = 16 * 1024;

impl Simulated {
    /// Returns roughly how much there is to tell, in bytes.
    #[must_use]
    pub fn told(&self) -> usize {
        let statements = self.matched.iter().chain(&self.on_other_resources);
        let statements = statements.map(|it| it.document.len() + 48).sum::<usize>();
        let texts = self.missing_context_keys.iter().chain(&self.other_forms);
        let unmet = self.unmet.iter().map(|(it, unmet)| it.document.len() + told(unmet));
        statements + texts.map(String::len).sum::<usize>() + unmet.sum::<usize>()
    }
}

fn told(unmet: &[Unmet]) -> usize {
    let one = |it: &Unmet| {
        let values = it.wanted.iter().chain(&it.given);
        it.key.len() + it.operator.len() + values.map(|it| it.len() + 3).sum::<usize>() + 48
    };
    unmet.iter().map(one).sum()
}

/// One question of a simulation.
#[derive(Debug, Clone, Copy)]
pub struct Simulation<'a> {
    /// The action, as `log:GetProject`; the case of letters counts in none.
    pub action: &'a str,
    /// The ARN of the resource, or `*`.
    pub resource: &'a str,
    /// Who asks, as RAM names it, where that is known.
    pub principal_arn: Option<&'a str>,
    /// Condition keys.
    pub context: &'a BTreeMap<String, ContextValue>,
}

/// Returns roughly what simulating so many questions costs, in characters that are looked at by a pattern.
pub fn simulation_cost<'r>(
    documents: &[&Document],
    resources: impl IntoIterator<Item = &'r str>,
    context: &BTreeMap<String, ContextValue>,
) -> usize {
    let size = ram::context_size(context);
    let costs = resources
        .into_iter()
        .flat_map(|resource| documents.iter().map(move |document| document.cost(resource, size)));
    costs.fold(0, usize::saturating_add)
}

/// A verdict, and the statements it is by.
type Deciding<'d> = (Verdict, Vec<(&'d Document, &'d Statement)>);

impl Engine {
    /// Returns what documents say, with no role and no workspace looked at.
    ///
    /// # Errors
    /// A context that is wrong in itself, or holds a value that a statement cannot compare; nothing is decided then.
    pub fn simulate(
        &self,
        documents: &[&Document],
        asked: &Simulation<'_>,
    ) -> Result<Simulated, Invalid> {
        let known: &[(&str, &str)] = match asked.principal_arn {
            Some(_) => &[(keys::PRINCIPAL_ARN, "it is that of `principal`: leave it out")],
            None => &[],
        };
        context::check(asked.context)?;
        ram::check_conditions(asked.context, known)?;
        context::check_values(asked.context)?;
        ram::check_cost(simulation_cost(documents, [asked.resource], asked.context))?;
        let mut conditions = Conditions::new(asked.context);
        if let Some(arn) = asked.principal_arn {
            conditions.know(keys::PRINCIPAL_ARN, arn);
        }
        let lower = asked.action.to_ascii_lowercase();
        let action = self.catalog.find_ram_name(&lower);
        let action = action.or_else(|| self.catalog.find_action(asked.action));
        let name = action.map_or(lower.as_str(), |action| self.catalog.ram_name(action));
        let (mut about, mut elsewhere) = (Vec::new(), Vec::new());
        for document in documents {
            for statement in document.statements().iter().filter(|it| it.lists(name)) {
                if statement.is_on(asked.resource) {
                    about.push((*document, statement));
                } else {
                    elsewhere.push(matched(document, statement));
                }
            }
        }
        let (mut holding, mut unmet, mut size) = (Vec::new(), Vec::new(), 0);
        let mut missing = BTreeMap::new();
        for (document, statement) in &about {
            if statement.holds(&conditions).map_err(WrongType::into_invalid)? {
                holding.push((*document, *statement));
            } else if unmet.len() < MOST_UNMET && size < MOST_TOLD {
                let conditions = statement.unmet(&conditions).map_err(WrongType::into_invalid)?;
                size += told(&conditions);
                unmet.push((matched(document, statement), conditions));
            }
            for key in statement.missing(&conditions) {
                missing.entry(keys::normal(key)).or_insert_with(|| key.to_owned());
            }
        }
        let (verdict, deciding) = match action {
            Some(action) => {
                let all: Vec<_> = documents
                    .iter()
                    .flat_map(|document| document.statements().iter().map(|it| (*document, it)))
                    .collect();
                let decided = self.by_cedar(action, asked.resource, &all, &conditions)?;
                // Nobody waits here as for a decision: Cedar is asked all of them, and must say what the words say.
                let same = |(_, a): &(&Document, &Statement), (_, b): &(&Document, &Statement)| {
                    a.id() == b.id()
                };
                let (verdict, deciding) = in_words(&holding);
                let agree = decided.0 == verdict
                    && decided.1.len() == deciding.len()
                    && decided.1.iter().zip(&deciding).all(|(a, b)| same(a, b));
                if !agree {
                    let help = "this is a defect of pai-authz, please report it";
                    return Err(Invalid::value(
                        "documents",
                        asked.action,
                        "decided in one way",
                        help,
                    ));
                }
                decided
            }
            None => in_words(&holding),
        };
        let mut matched: Vec<Matched> =
            deciding.into_iter().map(|(document, it)| matched(document, it)).collect();
        matched.sort();
        Ok(Simulated {
            verdict,
            matched,
            unmet,
            on_other_resources: elsewhere,
            other_forms: action
                .map(|action| self.other_forms(action, asked.resource))
                .unwrap_or_default(),
            missing_context_keys: missing.into_values().collect(),
            is_catalogued: action.is_some(),
        })
    }

    fn by_cedar<'d>(
        &self,
        action: &Action,
        arn: &str,
        about: &[(&'d Document, &'d Statement)],
        conditions: &Conditions<'_>,
    ) -> Result<Deciding<'d>, Invalid> {
        let decision = self.judged(action, arn, about, conditions);
        let verdict = match decision.reason {
            Reason::ExplicitAllow => Verdict::Allowed,
            Reason::ExplicitDeny => Verdict::ExplicitDeny,
            Reason::ImplicitDeny => Verdict::ImplicitDeny,
            Reason::Error => {
                let help = "this is a defect of pai-authz, please report it";
                return Err(Invalid::value("context", action.name, "evaluated", help));
            }
        };
        let decides = |statement: &Statement| {
            decision.determining_policies.iter().any(|id| id == statement.id())
        };
        Ok((verdict, about.iter().filter(|(_, it)| decides(it)).copied().collect()))
    }

    fn judged(
        &self,
        action: &Action,
        arn: &str,
        about: &[(&Document, &Statement)],
        conditions: &Conditions<'_>,
    ) -> Decision<'static> {
        let fault = || Decision::error(Fault::Evaluation("request".to_owned()));
        let statements = || about.iter().map(|(_, statement)| *statement);
        let name = self.catalog.ram_name(action);
        let Some(context) = ram::context(statements(), name, arn, conditions) else {
            return fault();
        };
        let parents = about.iter().map(|(it, _)| Type::RamPolicy.uid(it.policy())).collect();
        // Statements look at no attribute of whom or what they are about, only at which policies somebody holds.
        let holder = Entity::new_no_attrs(Type::User.uid("simulated"), parents);
        let Some(action) = self.actions.get(usize::from(action.id.0)) else { return fault() };
        let resource = Type::Asset.uid("simulated");
        let asked = CedarRequest::new(holder.uid(), action.uid(), resource, context, None);
        let entities = Entities::from_entities([holder], None);
        let (Ok(asked), Ok(entities)) = (asked, entities) else { return fault() };
        let sets: Vec<_> = statements().map(Statement::set).collect();
        judge(&sets, &asked, &entities)
    }
}

fn matched(document: &Document, statement: &Statement) -> Matched {
    Matched {
        document: document.policy().to_owned(),
        statement: statement.index(),
        line: statement.line(),
    }
}

/// Decides among statements that apply: any Deny, else any Allow.
fn in_words<'d>(applying: &[(&'d Document, &'d Statement)]) -> Deciding<'d> {
    let of = |effect| -> Vec<_> {
        applying.iter().filter(|(_, it)| it.effect() == effect).copied().collect()
    };
    let (denying, allowing) = (of(Effect::Deny), of(Effect::Allow));
    if !denying.is_empty() {
        (Verdict::ExplicitDeny, denying)
    } else if !allowing.is_empty() {
        (Verdict::Allowed, allowing)
    } else {
        (Verdict::ImplicitDeny, Vec::new())
    }
}
