//! From a statement to a Cedar policy, through the typed tree, and what a request hands over for it.
//!
//! A statement is one policy. Its principal scope is the document as an entity, a parent of whoever holds it; actions are
//! compared by their RAM names in small letters, resources by their ARNs.

use std::{collections::BTreeMap, fmt::Write, sync::Arc};

use cedar_policy::{
    Context, Policy, RestrictedExpression,
    pst::{
        self, ActionConstraint, BinaryOp, Expr, Literal, PatternElem, PrincipalConstraint,
        ResourceConstraint, StaticPolicy, Template, UnaryOp, Var,
    },
};

use super::{
    clause::{Clause, Comparison, Values},
    conditions::Conditions,
    pattern::{Pattern, Reading},
    statement::Statement,
};
use crate::{
    engine::names::Type,
    ram::{document::Effect, keys, operator::Family},
};

/// The attribute of the context that holds the RAM name of the action in small letters.
const ACTION: &str = "action";
/// The attribute of the context that holds what was matched before.
const FACTS: &str = "facts";
/// The attribute of the context that holds the ARN of what is asked about: there it needs no entity.
const ARN: &str = "arn";

/// Returns the type of the context in the schema.
pub(in crate::engine) fn schema_text() -> String {
    let mut out = String::from(
        "  // What a request hands over to policies of RAM documents: the RAM name of its action in small letters, the ARN of what\n  \
         // it is about, what Cedar cannot say and was matched before, and the condition keys of known types it has.\n  \
         type Conditions = {\n    action: String,\n    arn: String,\n    facts: Set<String>,\n",
    );
    for key in keys::TYPED {
        let name = match key.family {
            // Milliseconds since 1970: Cedar reads a text of its own type anew at each evaluation.
            Family::Date => "Long",
            Family::Boolean => "Bool",
            Family::String => "String",
            // Facts: see `is_for_cedar`.
            Family::Ip | Family::Number => continue,
        };
        // Writing to a string cannot fail.
        let _ = writeln!(out, "    \"{}\"?: {name},", key.name);
    }
    out.push_str("  };\n");
    out
}

/// Returns the policy of a statement for holders of the document `policy`.
pub(super) fn policy(policy: &str, statement: &Statement) -> Result<Policy, String> {
    let effect = match statement.effect() {
        Effect::Allow => pst::Effect::Permit,
        Effect::Deny => pst::Effect::Forbid,
    };
    let mut clauses = vec![actions(statement)];
    clauses.push(resources(statement));
    for clause in statement.clauses() {
        clauses
            .push(Some(condition(clause, statement.reading()).ok_or("a moment is out of range")?));
    }
    let template = Template::new(
        statement.id(),
        effect,
        PrincipalConstraint::In(pst::EntityOrSlot::Entity(Type::RamPolicy.pst(policy))),
        ActionConstraint::Any,
        ResourceConstraint::Any,
    )
    .try_with_clauses(clauses.into_iter().flatten().map(|it| pst::Clause::When(Arc::new(it))))
    .map_err(|error| error.to_string())?
    .with_annotations(BTreeMap::from([("id".to_owned(), statement.id().into())]));
    let policy = StaticPolicy::try_from(template).map_err(|error| error.to_string())?;
    Policy::from_pst(pst::Policy::Static(policy)).map_err(|error| error.to_string())
}

/// Returns the condition that the action is one of the statement's; `None` when each is.
fn actions(statement: &Statement) -> Option<Expr> {
    let listed = patterns(statement.actions(), context_attribute(ACTION), action_fact);
    match (listed, statement.is_not_action()) {
        (None, false) => None,
        // Every action is left out: it is about none.
        (None, true) => Some(Expr::Literal(Literal::Bool(false))),
        (Some(listed), false) => Some(listed),
        (Some(listed), true) => Some(not(listed)),
    }
}

/// Returns the condition that the resource is one of the statement's; `None` when each is.
fn resources(statement: &Statement) -> Option<Expr> {
    patterns(statement.resources(), context_attribute(ARN), resource_fact)
}

/// Returns the condition that one of some patterns matches; `None` when one matches everything.
fn patterns(all: &[Pattern], of: Expr, fact: fn(&Pattern) -> String) -> Option<Expr> {
    if all.iter().any(Pattern::is_any) {
        return None;
    }
    let (mut texts, mut terms) = (Vec::new(), Vec::new());
    for pattern in all.iter().filter(|pattern| !pattern.is_never()) {
        if !pattern.is_for_cedar() {
            terms.push(is_fact(&fact(pattern)));
        } else if pattern.weight() > 0 {
            terms.push(like(of.clone(), pattern));
        } else {
            texts.push(pattern.text());
        }
    }
    if !texts.is_empty() {
        terms.insert(0, one_of(of, &texts));
    }
    Some(any(terms))
}

/// Returns the condition of a clause; `None` when a moment in it is beyond what can be said.
fn condition(clause: &Clause, reading: Reading) -> Option<Expr> {
    let negated = clause.operator.is_negated();
    if !is_for_cedar(clause) {
        // What matches is there.
        let matched = is_fact(&clause.fact);
        return Some(match (negated, reading) {
            (false, _) => matched,
            (true, Reading::Narrow) => binary(BinaryOp::And, is_fact(&clause.lower), not(matched)),
            (true, Reading::Wide) => not(matched),
        });
    }
    let key = clause.typed?.name;
    let there = Expr::HasAttr {
        expr: Arc::new(Expr::Var(Var::Context)),
        attrs: pst::NonEmpty::new(key.into()),
    };
    let matched = comparison(&clause.values, context_attribute(key))?;
    Some(match (negated, reading) {
        (false, _) => binary(BinaryOp::And, there, matched),
        (true, Reading::Narrow) => binary(BinaryOp::And, there, not(matched)),
        (true, Reading::Wide) => not(binary(BinaryOp::And, there, matched)),
    })
}

/// Returns whether Cedar says what a clause says, exactly and in time. Addresses it would compare exactly, but parses the name
/// of its function for them at each request, and the block at each evaluation.
fn is_for_cedar(clause: &Clause) -> bool {
    clause.typed.is_some_and(|key| key.family == clause.operator.family())
        && match &clause.values {
            Values::Patterns(patterns) => patterns.iter().all(Pattern::is_for_cedar),
            Values::Texts(_) | Values::Moments(..) | Values::Booleans(_) => true,
            Values::Folded(_) | Values::Numbers(..) | Values::Blocks(_) => false,
        }
}

fn comparison(values: &Values, of: Expr) -> Option<Expr> {
    Some(match values {
        Values::Texts(texts) => one_of(of, &texts.iter().map(String::as_str).collect::<Vec<_>>()),
        // Cedar says all of them: none becomes a fact.
        Values::Patterns(all) => patterns(all, of, resource_fact).unwrap_or_else(always),
        Values::Booleans(all) => any(all
            .iter()
            .map(|it| binary(BinaryOp::Eq, of.clone(), Expr::Literal(Literal::Bool(*it))))
            .collect()),
        Values::Moments(compared, moments) => {
            let op = match compared {
                Comparison::Equal => BinaryOp::Eq,
                Comparison::Less => BinaryOp::Less,
                Comparison::LessEqual => BinaryOp::LessEq,
                Comparison::Greater => BinaryOp::Greater,
                Comparison::GreaterEqual => BinaryOp::GreaterEq,
            };
            any(moments
                .iter()
                .map(|at| binary(op, of.clone(), Expr::Literal(Literal::Long(*at))))
                .collect())
        }
        Values::Folded(_) | Values::Numbers(..) | Values::Blocks(_) => return None,
    })
}

/// Returns the context of a request for some statements.
pub(in crate::engine) fn context<'s>(
    statements: impl Iterator<Item = &'s Statement>,
    action: &str,
    arn: &str,
    conditions: &Conditions<'_>,
) -> Option<Context> {
    let mut facts = Vec::new();
    let mut pairs: Vec<(String, RestrictedExpression)> = Vec::new();
    for statement in statements {
        let matched = |all: &[Pattern], of: &str, fact: fn(&Pattern) -> String| {
            let theirs = all.iter().filter(|it| !it.is_for_cedar() && it.matches(of));
            theirs.map(fact).collect::<Vec<_>>()
        };
        facts.extend(matched(statement.actions(), action, action_fact));
        facts.extend(matched(statement.resources(), arn, resource_fact));
        for clause in statement.clauses() {
            let stated = conditions.of(&clause.key);
            if stated.is_empty() {
                continue;
            }
            let Some(key) = clause.typed.filter(|_| is_for_cedar(clause)) else {
                if clause.operator.is_negated() && statement.reading() == Reading::Narrow {
                    facts.push(clause.lower.clone());
                }
                // What cannot be compared was told before, where the statement is about the request.
                if clause.matched(conditions) == Ok(Some(true)) {
                    facts.push(clause.fact.clone());
                }
                continue;
            };
            if let [one] = stated
                && !pairs.iter().any(|(name, _)| name == key.name)
            {
                let value = match key.family {
                    Family::Date => RestrictedExpression::new_long(one.moment()?),
                    Family::Boolean => RestrictedExpression::new_bool(one.boolean()?),
                    _ => RestrictedExpression::new_string(one.text().to_owned()),
                };
                pairs.push((key.name.to_owned(), value));
            }
        }
    }
    let facts = facts.into_iter().map(RestrictedExpression::new_string);
    pairs.push((FACTS.to_owned(), RestrictedExpression::new_set(facts)));
    for (name, text) in [(ACTION, action), (ARN, arn)] {
        pairs.push((name.to_owned(), RestrictedExpression::new_string(text.to_owned())));
    }
    Context::from_pairs(pairs).ok()
}

fn action_fact(pattern: &Pattern) -> String {
    format!("action is {}", pattern.text())
}

fn resource_fact(pattern: &Pattern) -> String {
    format!("resource is {}", pattern.text())
}

fn context_attribute(name: &str) -> Expr {
    Expr::GetAttr { expr: Arc::new(Expr::Var(Var::Context)), attr: name.into() }
}

fn is_fact(fact: &str) -> Expr {
    binary(BinaryOp::Contains, context_attribute(FACTS), string(fact))
}

fn string(text: &str) -> Expr {
    Expr::Literal(Literal::String(text.into()))
}

fn not(expr: Expr) -> Expr {
    Expr::UnaryOp { op: UnaryOp::Not, expr: Arc::new(expr) }
}

fn always() -> Expr {
    Expr::Literal(Literal::Bool(true))
}

fn binary(op: BinaryOp, left: Expr, right: Expr) -> Expr {
    Expr::BinaryOp { op, left: Arc::new(left), right: Arc::new(right) }
}

fn like(expr: Expr, pattern: &Pattern) -> Expr {
    let element = |c| if c == '*' { PatternElem::Wildcard } else { PatternElem::Char(c) };
    Expr::Like { expr: Arc::new(expr), pattern: pattern.text().chars().map(element).collect() }
}

fn one_of(of: Expr, texts: &[&str]) -> Expr {
    match texts {
        [one] => binary(BinaryOp::Eq, of, string(one)),
        many => {
            let set = Expr::Set(many.iter().map(|it| Arc::new(string(it))).collect());
            binary(BinaryOp::Contains, set, of)
        }
    }
}

/// Returns the condition that one of some holds; it is a balanced tree, for a long list would be too deep to evaluate.
fn any(mut terms: Vec<Expr>) -> Expr {
    while terms.len() > 1 {
        let mut halved = Vec::with_capacity(terms.len().div_ceil(2));
        let mut rest = terms.into_iter();
        while let Some(left) = rest.next() {
            halved.push(match rest.next() {
                Some(right) => binary(BinaryOp::Or, left, right),
                None => left,
            });
        }
        terms = halved;
    }
    // None of none holds.
    terms.pop().unwrap_or(Expr::Literal(Literal::Bool(false)))
}
