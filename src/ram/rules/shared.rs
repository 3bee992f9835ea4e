//! What several rules look at in the same way.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::OnceLock,
};

use crate::{
    catalog::{Arn, letters_apart},
    ram::{
        document::{Clause, Effect, Statement, Text, members, strings},
        finding::Edit,
        json::{Member, Node, Span, Value},
        lint::{ActionUse, ResourceUse, Subject},
        operator::{Family, Operator},
        vocabulary::{Vocabulary, nearest_of},
        wildcard::is_pattern,
    },
};

/// Returns the statements that are objects.
fn objects<'s>(subject: &'s Subject<'_>) -> impl Iterator<Item = &'s Statement<'s>> {
    let text = subject.document.text;
    let is_object =
        move |it: &&Statement<'_>| text.get(it.span.clone()).is_some_and(|it| it.starts_with('{'));
    subject.document.statements.iter().filter(is_object)
}

/// Returns the statements that have none of some elements, nor one that is nearly called so.
pub(super) fn lacking<'s>(
    subject: &'s Subject<'_>,
    names: &'static [&'static str],
) -> impl Iterator<Item = &'s Statement<'s>> {
    objects(subject).filter(|statement| {
        let lacks = |name: &&str| {
            statement.element(name).is_none() && !is_misspelt(statement.members, name)
        };
        names.iter().all(lacks)
    })
}

/// Returns the first character of a statement: all of it would be too much to show.
pub(super) const fn first(statement: &Statement<'_>) -> Span {
    statement.span.start..statement.span.start + 1
}

/// Returns the conditions of all statements.
pub(super) fn clauses<'s>(subject: &'s Subject<'_>) -> impl Iterator<Item = &'s Clause<'s>> {
    subject.document.statements.iter().flat_map(|statement| &statement.clauses)
}

/// Returns the values that operators of a family compare with, but variables, which have a rule of their own.
pub(super) fn values_of<'s>(
    subject: &'s Subject<'_>,
    family: Family,
) -> impl Iterator<Item = &'s Text<'s>> {
    let of_family = move |it: &&Clause<'_>| it.known.is_some_and(|known| known.family() == family);
    clauses(subject)
        .filter(of_family)
        .flat_map(|it| &it.values)
        .filter(|it| !it.text.contains("${"))
}

/// Returns the ARNs that have all five parts, each with one of them.
pub(super) fn parts<'s>(
    subject: &'s Subject<'_>,
    which: usize,
) -> impl Iterator<Item = (&'s ResourceUse<'s>, &'s str)> {
    let whole = |it: &&ResourceUse<'_>| it.parts.first() == Some(&"acs") && it.parts.len() == 5;
    let resources = subject.resources.iter().flatten().filter(whole);
    resources.filter_map(move |it| Some((it, *it.parts.get(which)?)))
}

/// Returns a name as a string of JSON.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            // Names that are known have none.
            c if c < ' ' => out.push(' '),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Returns the edit that leaves an element out of an array, with its comma.
pub(super) fn remove_item(items: &[Node], index: usize) -> Edit {
    remove(index, |index| items.get(index).map(|item| item.span.clone()))
}

/// Returns the edit that leaves a member out of an object, with its comma.
pub(super) fn remove_member(members: &[Member], index: usize) -> Edit {
    remove(index, |index| members.get(index).map(Member::span))
}

fn remove(index: usize, span_of: impl Fn(usize) -> Option<Span>) -> Edit {
    let own = span_of(index).unwrap_or(0..0);
    let before = index.checked_sub(1).and_then(&span_of);
    let after = span_of(index + 1);
    Edit::remove(match (before, after) {
        (Some(before), _) => before.end..own.end,
        (None, Some(after)) => own.start..after.start,
        (None, None) => own,
    })
}

/// What a statement says, however it is written.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Meaning {
    effect: Effect,
    is_not_action: bool,
    actions: BTreeSet<String>,
    resources: BTreeSet<String>,
    principals: BTreeSet<(String, String)>,
    condition: BTreeMap<(Operator, String), BTreeSet<String>>,
}

impl Meaning {
    /// Returns what a statement says of these actions; `None` when part of it could not be read, or says what is not looked
    /// at here.
    pub(super) fn of(
        statement: &Statement<'_>,
        actions: &[ActionUse<'_>],
        resources: &[ResourceUse<'_>],
    ) -> Option<Self> {
        let is_known = |name: &str| {
            matches!(
                name,
                "Effect" | "Action" | "NotAction" | "Resource" | "Condition" | "Principal"
            )
        };
        let mut principals = BTreeSet::new();
        if let Some(principal) = statement.element("Principal") {
            for kind in members(&principal.value) {
                for name in strings(&kind.value) {
                    principals.insert((kind.name.clone(), name.text.to_owned()));
                }
            }
        }
        let says_of_what = !resources.is_empty() || !principals.is_empty();
        if !says_of_what
            || !statement.members.iter().all(|member| is_known(&member.name))
            || !statement.members.iter().all(|member| is_wholly_read(&member.value))
            || has_doubles(statement.members)
        {
            return None;
        }
        let mut condition = BTreeMap::new();
        for clause in &statement.clauses {
            let values = clause.values.iter().map(|value| value.text.to_owned()).collect();
            condition.insert((clause.known?, clause.key.text.to_owned()), values);
        }
        if condition.is_empty() && !statement.is_unconditional() {
            return None;
        }
        Some(Self {
            effect: statement.effect?,
            is_not_action: statement.is_not_action,
            actions: actions.iter().map(|action| action.lower.to_string()).collect(),
            resources: resources.iter().map(|it| it.text.text.to_owned()).collect(),
            principals,
            condition,
        })
    }
}

/// Returns whether a value is made of strings, each under a name of its own: nothing of it is left out when it is compared.
fn is_wholly_read(node: &Node) -> bool {
    match &node.value {
        Value::String(_) => true,
        Value::Array(items) => items.iter().all(|item| matches!(item.value, Value::String(_))),
        Value::Object(members) => {
            !has_doubles(members) && members.iter().all(|member| is_wholly_read(&member.value))
        }
        _ => false,
    }
}

fn has_doubles(members: &[Member]) -> bool {
    let mut names = HashSet::new();
    !members.iter().all(|member| names.insert(member.name.as_str()))
}

/// Returns which of some names is certainly meant by one that is none of them: in other letters, or but for one letter. A
/// letter before it can turn its meaning round.
pub(super) fn certain<'n>(text: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let near = nearest_of(text, names)?;
    let starts_alike = text.chars().next()?.eq_ignore_ascii_case(&near.chars().next()?);
    let is_word = text.chars().all(|c| c.is_ascii_alphabetic());
    let (lower, known) = (text.to_ascii_lowercase(), near.to_ascii_lowercase());
    (starts_alike && is_word && letters_apart(&lower, &known, 1).is_some()).then_some(near)
}

/// Returns the types that relative ids of Simple Log Service begin with, as its catalogued ARNs have them.
pub(super) fn sls_types(vocabulary: &Vocabulary) -> &'static BTreeSet<&'static str> {
    static TYPES: OnceLock<BTreeSet<&'static str>> = OnceLock::new();
    TYPES.get_or_init(|| {
        let of_log = vocabulary.covered("log:*", Some("log"));
        let actions = of_log.into_iter().filter_map(|index| vocabulary.action(index));
        let ids = actions.flat_map(|action| &action.arns).filter_map(|arn| Arn::parse(arn));
        ids.filter_map(|arn| arn.relative_id.split('/').next())
            .filter(|it| !is_pattern(it))
            .collect()
    })
}

/// Returns whether one of some elements is nearly called so: a rule tells of its name, and it is not missing.
pub(super) fn is_misspelt(elements: &[Member], name: &str) -> bool {
    elements
        .iter()
        .any(|it| it.name != name && nearest_of(&it.name, std::iter::once(name)).is_some())
}
