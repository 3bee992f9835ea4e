//! Random RAM documents without linter errors, and requests that a good share of their statements match.

use std::{collections::BTreeMap, iter};

use pai_authz::domain::{ContextValue, Scalar};
use serde_json::{Map, Value, json};

pub(crate) use super::ram_forms::Coverage;
use super::{
    Seeded,
    naive_ram::{Clause, clauses, spelled, stands_for, strings},
    ram_forms::{
        ACTION_FORMS, BLOCKS, FAMILIES, IDS, Key, ODD_IDS, OPERATORS, RESOURCE_FORMS, entries,
        family, key, keys, pool,
    },
};

const REGION: &str = "cn-hangzhou";
const ACCOUNT: &str = "1000000000000001";

/// Draws a document without errors, about a few of the actions.
pub(crate) fn document(seeded: &mut Seeded, actions: &[String], coverage: &mut Coverage) -> String {
    let of_ram: Vec<&String> = actions.iter().filter(|it| it.starts_with("ram:")).collect();
    let use_ram = !of_ram.is_empty() && one_in(seeded, 8);
    let topic =
        if use_ram { pick(seeded, &of_ram) } else { &actions[index(seeded, actions.len())] };
    let mut statements = Vec::new();
    for _ in 0..=seeded.below(4) {
        let other = &actions[index(seeded, actions.len())];
        let main = if one_in(seeded, 4) { other } else { topic };
        let drawn = statement(seeded, [main, other], coverage);
        coverage.note_statement(&drawn);
        statements.push(drawn);
    }
    json!({ "Version": "1", "Statement": statements }).to_string()
}

fn statement(seeded: &mut Seeded, [main, other]: [&str; 2], coverage: &mut Coverage) -> Value {
    let effect = if seeded.below(5) < 3 { "Allow" } else { "Deny" };
    let element = if one_in(seeded, 6) { "NotAction" } else { "Action" };
    let (code, _) = main.split_once(':').unwrap();
    let mut patterns = vec![action_pattern(seeded, main, coverage)];
    for _ in 0..seeded.below(3) {
        patterns.push(action_pattern(seeded, other, coverage));
    }
    let resources = (0..=seeded.below(3)).map(|_| resource_pattern(seeded, code, coverage));
    let resources: Vec<String> = resources.collect();
    let mut drawn = json!({
        "Effect": effect,
        element: one_or_list(seeded, &patterns),
        "Resource": one_or_list(seeded, &resources),
    });
    let condition = condition(seeded, coverage);
    if !condition.is_empty() {
        drawn["Condition"] = Value::Object(condition);
    }
    drawn
}

fn action_pattern(seeded: &mut Seeded, action: &str, coverage: &mut Coverage) -> String {
    let (code, name) = action.split_once(':').unwrap();
    let form = pick(seeded, &entries(ACTION_FORMS));
    coverage.note("action", form);
    match form {
        "exact" => action.to_owned(),
        "upper case" => action.to_ascii_uppercase(),
        "lower case" => action.to_ascii_lowercase(),
        "everything" => "*".to_owned(),
        "whole code" => format!("{code}:*"),
        "* for the code" => format!("*:{name}"),
        "* in the code" => format!("{}:{name}", star(seeded, code, form)),
        "* in upper case" => format!("{code}:{}", star(seeded, name, form)).to_ascii_uppercase(),
        "?" => format!("{code}:{}", question(seeded, name)),
        "? and *" => format!("{code}:{}*", question(seeded, name)),
        _ => format!("{code}:{}", star(seeded, name, form)),
    }
}

fn resource_pattern(seeded: &mut Seeded, code: &str, coverage: &mut Coverage) -> String {
    let id = pick(seeded, &entries(IDS));
    let mut parts = [code, REGION, ACCOUNT, id].map(str::to_owned);
    for _ in 0..=seeded.below(2) {
        let form = pick(seeded, &entries(RESOURCE_FORMS));
        coverage.note("resource", form);
        let parts_of_forms = ["code", "region", "account", "id"];
        let Some(at) = parts_of_forms.iter().position(|it| form.ends_with(it)) else {
            if form == "everything" {
                return "*".to_owned();
            }
            continue;
        };
        let part = &mut parts[at];
        *part = match form {
            "other region" => "cn-shanghai".to_owned(),
            "other account" => "2000000000000002".to_owned(),
            "other case of the id" => part.to_ascii_uppercase(),
            _ if form.starts_with("no ") => String::new(),
            _ if form.starts_with("* for") => "*".to_owned(),
            _ if form.starts_with('?') => question(seeded, part),
            _ => star(seeded, part, form),
        };
    }
    format!("acs:{}", parts.join(":"))
}

fn condition(seeded: &mut Seeded, coverage: &mut Coverage) -> Map<String, Value> {
    let mut drawn = Map::new();
    for _ in 0..seeded.below(4) {
        let (name, kind, is_documented) = pick(seeded, &keys());
        let wanted = if kind == "Principal" || one_in(seeded, 6) {
            "String"
        } else if !is_documented && one_in(seeded, 25) {
            pick(seeded, &entries(FAMILIES))
        } else {
            kind
        };
        let mut operators = entries(OPERATORS);
        operators.retain(|it| family(it) == wanted);
        let operator = pick(seeded, &operators);
        // A boolean is compared with one value.
        let count = if wanted == "Bool" { 1 } else { 1 + seeded.below(3) };
        let values = (0..count).map(|_| wanted_value(seeded, operator, kind, coverage));
        let values: Vec<String> = values.collect();
        let values = one_or_list(seeded, &values);
        coverage.note_list("values", &values);
        let spelt = respelt(seeded, name);
        let of_operator = drawn.entry(operator).or_insert_with(|| json!({}));
        // One key in two spellings is refused.
        let is_new =
            |keys: &Map<String, Value>| !keys.keys().any(|it| spelled(it) == spelled(&spelt));
        if of_operator.as_object().is_some_and(is_new) {
            of_operator[spelt] = values;
        }
    }
    drawn
}

fn wanted_value(
    seeded: &mut Seeded,
    operator: &str,
    kind: &str,
    coverage: &mut Coverage,
) -> String {
    let list = match family(operator) {
        "String" => pool(kind),
        "Ip" if one_in(seeded, 2) => BLOCKS,
        other => pool(other),
    };
    let text = pick(seeded, &entries(list));
    coverage.note("value", text);
    if operator.ends_with("Like") && one_in(seeded, 2) {
        let with_star = one_in(seeded, 2);
        coverage.note("value", if with_star { "pattern with *" } else { "pattern with ?" });
        return if with_star { star(seeded, text, "") } else { question(seeded, text) };
    }
    text.to_owned()
}

/// Draws a request about what one of the statements is about, nearly: action, ARN and context. The context always has
/// `acs:CurrentTime`, and never the ARN of the principal. There must be a document.
pub(crate) fn request(
    seeded: &mut Seeded,
    actions: &[String],
    documents: &[String],
) -> (String, String, BTreeMap<String, ContextValue>) {
    let read = |text: &String| serde_json::from_str::<Value>(text).unwrap();
    let documents: Vec<Value> = documents.iter().map(read).collect();
    let lists = documents.iter().map(|it| it["Statement"].as_array().unwrap());
    let statements: Vec<&Value> = lists.flatten().collect();
    let target = pick(seeded, &statements);
    let action = asked_action(seeded, actions, target);
    let (code, _) = action.split_once(':').unwrap();
    let arn = format!("acs:{code}:{REGION}:{ACCOUNT}:{}", asked_id(seeded, target));
    (action.to_owned(), arn, context(seeded, target, &statements))
}

fn asked_action<'a>(seeded: &mut Seeded, actions: &'a [String], target: &Value) -> &'a str {
    let at = index(seeded, actions.len());
    let list = target.get("Action").unwrap_or(&target["NotAction"]);
    let pattern = pick(seeded, &strings(list)).to_ascii_lowercase();
    let of_pattern = target.get("Action").is_some() || one_in(seeded, 3);
    if !of_pattern || one_in(seeded, 8) {
        return &actions[at];
    }
    let start = pattern.split(['*', '?']).next().unwrap();
    let fits = |action: &&String| {
        let begins = action.get(..start.len()).is_some_and(|it| it.eq_ignore_ascii_case(start));
        begins && stands_for(&pattern, &action.to_ascii_lowercase(), true)
    };
    let (before, after) = actions.split_at(at);
    after.iter().chain(before).find(fits).unwrap_or(&actions[at])
}

fn asked_id(seeded: &mut Seeded, target: &Value) -> String {
    let pattern = pick(seeded, &strings(&target["Resource"]));
    let mut id = match pattern.splitn(5, ':').nth(4) {
        Some(id) => filled(seeded, id),
        None if one_in(seeded, 2) => pick(seeded, &entries(ODD_IDS)).to_owned(),
        None => pick(seeded, &entries(IDS)).to_owned(),
    };
    if id.is_empty() || id.starts_with('/') {
        id.insert(0, 'x');
    }
    if one_in(seeded, 6) {
        let at = index(seeded, id.chars().count());
        let other = |c: char| match c {
            'a'..='z' => c.to_ascii_uppercase(),
            'A'..='Z' => c.to_ascii_lowercase(),
            _ => 'z',
        };
        id = id.chars().enumerate().map(|(i, c)| if i == at { other(c) } else { c }).collect();
    }
    id.chars().take(120).collect()
}

fn context(
    seeded: &mut Seeded,
    target: &Value,
    statements: &[&Value],
) -> BTreeMap<String, ContextValue> {
    let mut stated: BTreeMap<&str, (String, ContextValue)> = BTreeMap::new();
    for statement in iter::once(&target).chain(statements) {
        for clause in clauses(statement) {
            let key = key(clause.key).unwrap();
            let (name, kind, _) = key;
            if kind == "Principal" || stated.contains_key(name) || one_in(seeded, 4) {
                continue;
            }
            let as_written = one_in(seeded, 2);
            let spelt = if as_written { clause.key.to_owned() } else { respelt(seeded, name) };
            stated.insert(name, (spelt, stated_value(seeded, key, Some(&clause))));
        }
    }
    for key in keys() {
        let (name, kind, _) = key;
        let is_wanted = name == "acs:CurrentTime" || one_in(seeded, 12);
        if is_wanted && kind != "Principal" && !stated.contains_key(name) {
            stated.insert(name, (respelt(seeded, name), stated_value(seeded, key, None)));
        }
    }
    stated.into_values().collect()
}

/// Draws what a request states for a key, of which a statement may want something. Of a key whose type is documented it
/// is one value of that type.
fn stated_value(seeded: &mut Seeded, key: Key, clause: Option<&Clause<'_>>) -> ContextValue {
    let (.., is_documented) = key;
    if is_documented || !one_in(seeded, 5) {
        return ContextValue::One(scalar(seeded, key, clause));
    }
    let count = seeded.below(4);
    ContextValue::Many((0..count).map(|_| scalar(seeded, key, clause)).collect())
}

fn scalar(seeded: &mut Seeded, key: Key, clause: Option<&Clause<'_>>) -> Scalar {
    let (_, kind, is_documented) = key;
    if !is_documented && kind != "String" && one_in(seeded, 35) {
        return wrong(seeded, kind);
    }
    let clause = clause.filter(|it| family(it.operator) == kind);
    let text = match clause {
        // What a negated operator wants is what the request should seldom have.
        Some(it) if one_in(seeded, 4) == it.is_negated() => matching(seeded, it),
        _ => pick(seeded, &entries(pool(kind))).to_owned(),
    };
    match serde_json::from_str(&text) {
        Ok(Value::Bool(truth)) if (kind == "Bool" || !is_documented) && one_in(seeded, 2) => {
            Scalar::Bool(truth)
        }
        Ok(Value::Number(_)) if !is_documented && one_in(seeded, 2) => Scalar::Number(text),
        _ => Scalar::String(text),
    }
}

/// Draws a value that equals what a statement wants, or is covered by it.
fn matching(seeded: &mut Seeded, clause: &Clause<'_>) -> String {
    let wanted = pick(seeded, &clause.values);
    match clause.operator {
        "StringLike" | "StringNotLike" => filled(seeded, wanted),
        "StringEqualsIgnoreCase" | "StringNotEqualsIgnoreCase" => wanted.to_uppercase(),
        "IpAddress" | "NotIpAddress" => wanted.split('/').next().unwrap().to_owned(),
        _ => wanted.to_owned(),
    }
}

/// Draws a value that is of another type than the key's.
fn wrong(seeded: &mut Seeded, kind: &str) -> Scalar {
    let texts = match kind {
        "Numeric" => "ten|1e3|.5|5.|--1|",
        "Date" => "2026-02-30T00:00:00Z|2026-01-31|2026-01-31T08:00:00|soon|",
        "Bool" => "yes|True|1|",
        _ => "10.0.0.0/8|10.0.0.300|::g|",
    };
    match seeded.below(3) {
        0 => Scalar::Number("1e3".to_owned()),
        1 if kind != "Bool" => Scalar::Bool(true),
        _ => Scalar::String(pick(seeded, &entries(texts)).to_owned()),
    }
}

fn index(seeded: &mut Seeded, end: usize) -> usize {
    usize::try_from(seeded.below(u64::try_from(end).unwrap())).unwrap()
}

fn pick<T: Copy>(seeded: &mut Seeded, of: &[T]) -> T {
    of[index(seeded, of.len())]
}

fn one_in(seeded: &mut Seeded, many: u64) -> bool {
    seeded.below(many) == 0
}

fn one_or_list(seeded: &mut Seeded, texts: &[String]) -> Value {
    if texts.len() == 1 && one_in(seeded, 2) { json!(texts[0]) } else { json!(texts) }
}

/// Writes a name in large letters, in small ones, or mostly as it is.
fn respelt(seeded: &mut Seeded, name: &str) -> String {
    match seeded.below(8) {
        0 => name.to_uppercase(),
        1 => name.to_lowercase(),
        _ => name.to_owned(),
    }
}

/// Puts `*` for a part of a text, as a form has it: the first, the last or any.
fn star(seeded: &mut Seeded, text: &str, form: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let (one, other) = (index(seeded, letters.len() + 1), index(seeded, letters.len() + 1));
    let from = if form.starts_with("* first") { 0 } else { one.min(other) };
    let to = if form.starts_with("* last") { letters.len() } else { one.max(other) };
    letters[..from].iter().chain(&['*']).chain(&letters[to..]).collect()
}

/// Puts `?` for a character of a text.
fn question(seeded: &mut Seeded, text: &str) -> String {
    let at = index(seeded, text.chars().count().max(1));
    text.chars().enumerate().map(|(i, c)| if i == at { '?' } else { c }).collect()
}

/// Puts something for each wildcard of a pattern.
fn filled(seeded: &mut Seeded, pattern: &str) -> String {
    let mut text = String::new();
    for letter in pattern.chars() {
        match letter {
            '*' => text.push_str(pick(seeded, &["", "x", "p1/logstore/l1", "a:b", "*", "生产"])),
            '?' => text.push(pick(seeded, &['a', '1', '生', '?'])),
            other => text.push(other),
        }
    }
    text
}
