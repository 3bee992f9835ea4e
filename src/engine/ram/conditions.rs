//! What a request says for conditions: its context with what is known of it beside, each key once whatever its case.

use std::{borrow::Cow, cell::OnceCell, collections::BTreeMap};

use crate::{
    domain::{ContextValue, Invalid, Scalar},
    ram::{
        keys::{self, typed},
        operator::{Family, moment},
        value::{Block, Decimal},
    },
};

/// A value that an operator cannot compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine) struct WrongType {
    /// The key.
    pub(in crate::engine) key: String,
    /// The value.
    pub(in crate::engine) value: String,
    /// What the operator compares.
    pub(in crate::engine) family: Family,
}

/// The values of a request by key: few, so that they are looked through.
#[derive(Debug, Default)]
pub(in crate::engine) struct Conditions<'r> {
    /// Each in any of its spellings, with where its values end; they begin where those of the one before end.
    keys: Vec<(&'r str, usize)>,
    values: Vec<Stated<'r>>,
}

/// A value of a request, read as what operators compare it as when one first does.
#[derive(Debug)]
pub(super) struct Stated<'r> {
    value: Said<'r>,
    moment: OnceCell<Option<i64>>,
    address: OnceCell<Option<Block>>,
    number: OnceCell<Option<Decimal>>,
    folded: OnceCell<Box<str>>,
}

/// Who says a value.
#[derive(Debug)]
enum Said<'r> {
    /// The request does.
    Here(&'r Scalar),
    /// It is known of it.
    Known(Cow<'r, str>),
}

impl<'r> Stated<'r> {
    const fn new(value: Said<'r>) -> Self {
        Self {
            value,
            moment: OnceCell::new(),
            address: OnceCell::new(),
            number: OnceCell::new(),
            folded: OnceCell::new(),
        }
    }

    /// Returns it as operators on texts read it.
    pub(super) fn text(&self) -> &str {
        match &self.value {
            Said::Here(value) => text(value),
            Said::Known(text) => text,
        }
    }

    /// Returns it as operators read it for which the case of letters does not count.
    pub(super) fn folded(&self) -> &str {
        self.folded.get_or_init(|| folded(self.text()).into())
    }

    /// Returns it as a decimal number.
    pub(super) fn number(&self) -> Option<&Decimal> {
        let read = || match &self.value {
            Said::Here(Scalar::Bool(_)) => None,
            Said::Here(_) | Said::Known(_) => Decimal::parse(self.text()),
        };
        self.number.get_or_init(read).as_ref()
    }

    /// Returns it as milliseconds since 1970.
    pub(super) fn moment(&self) -> Option<i64> {
        *self.moment.get_or_init(|| moment(self.written()?))
    }

    /// Returns it as an address.
    pub(super) fn address(&self) -> Option<Block> {
        *self.address.get_or_init(|| Block::address(self.written()?))
    }

    /// Returns it as a boolean.
    pub(super) fn boolean(&self) -> Option<bool> {
        match &self.value {
            Said::Here(value) => boolean(value),
            Said::Known(text) => text.parse().ok(),
        }
    }

    fn written(&self) -> Option<&str> {
        match &self.value {
            Said::Here(Scalar::Bool(_) | Scalar::Number(_)) => None,
            Said::Here(Scalar::String(text)) => Some(text),
            Said::Known(text) => Some(text),
        }
    }
}

impl WrongType {
    /// Returns what is told of it.
    pub(in crate::engine) fn into_invalid(self) -> Invalid {
        let (expected, help) = match self.family {
            Family::String => ("a text", "give a text"),
            Family::Number => {
                ("a number", "a policy compares it as a decimal number, as `10` or `0.5`")
            }
            Family::Date => {
                ("a moment", "a policy compares it as a moment, as `2026-01-31T08:00:00Z`")
            }
            Family::Boolean => ("true or false", "a policy compares it as `true` or `false`"),
            Family::Ip => ("an IP address", "a policy compares it as an address, as `203.0.113.7`"),
        };
        Invalid::value(format!("context.{}", self.key), &self.value, expected, help)
    }
}

impl<'r> Conditions<'r> {
    /// Returns what a request says.
    pub(in crate::engine) fn new(stated: &'r BTreeMap<String, ContextValue>) -> Self {
        let count = stated.len() + KNOWN.len();
        let mut new = Self { keys: Vec::with_capacity(count), values: Vec::with_capacity(count) };
        for (key, value) in stated {
            let values = match value {
                ContextValue::One(one) => std::slice::from_ref(one),
                ContextValue::Many(many) => many,
            };
            new.values.extend(values.iter().map(|value| Stated::new(Said::Here(value))));
            new.keys.push((key, new.values.len()));
        }
        new
    }

    /// Adds what is known of the request, whatever it says itself.
    pub(in crate::engine) fn know(&mut self, key: &'static str, value: impl Into<Cow<'r, str>>) {
        self.values.push(Stated::new(Said::Known(value.into())));
        self.keys.push((key, self.values.len()));
    }

    /// Returns the values of a key, whatever its spelling; none when it is absent. What came last counts.
    pub(super) fn of(&self, key: &str) -> &[Stated<'r>] {
        let Some(at) = self.keys.iter().rposition(|(it, _)| keys::is_same(it, key)) else {
            return &[];
        };
        let end = |at: usize| self.keys.get(at).map_or(0, |(_, end)| *end);
        let begin = at.checked_sub(1).map_or(0, end);
        self.values.get(begin..end(at)).unwrap_or_default()
    }
}

/// Checks a context: each key is there once, whatever its case; keys whose type is known have one value, of that type; those
/// in `known` are not stated at all.
///
/// # Errors
/// The key that is wrong, and what would be right.
pub(in crate::engine) fn check(
    stated: &BTreeMap<String, ContextValue>,
    known: &[(&str, &str)],
) -> Result<(), Invalid> {
    for (nth, (key, value)) in stated.iter().enumerate() {
        let field = || format!("context.{key}");
        if let Some((_, instead)) = known.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)) {
            return Err(Invalid::unexpected(field(), &shown(value), *instead));
        }
        if let Some(typed) = typed(key) {
            let (expected, help, fits): (_, _, fn(&Scalar) -> bool) = match typed.family {
                Family::Ip => ("an IP address", "give one address, as `203.0.113.7`", is_address),
                Family::Date => {
                    ("a moment", "give one by ISO 8601, as `2026-01-31T08:00:00Z`", is_moment)
                }
                Family::Boolean => {
                    ("true or false", "give `true` or `false`", |it| boolean(it).is_some())
                }
                Family::String | Family::Number => {
                    ("a text", "give one text", |it| matches!(it, Scalar::String(_)))
                }
            };
            let is_right = match value {
                ContextValue::One(one) => fits(one),
                ContextValue::Many(many) => matches!(many.as_slice(), [one] if fits(one)),
            };
            if !is_right {
                return Err(Invalid::value(field(), &shown(value), expected, help));
            }
        }
        if stated.keys().take(nth).any(|before| keys::is_same(before, key)) {
            let help = "the case of letters does not count in keys: give each once";
            return Err(Invalid::unexpected(field(), &shown(value), help));
        }
    }
    Ok(())
}

/// How much a context says.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) struct Size {
    /// How many values it has.
    count: usize,
    /// How many bytes they have.
    bytes: usize,
}

/// Returns how much a context says.
pub(in crate::engine) fn size(stated: &BTreeMap<String, ContextValue>) -> Size {
    let of = |value: &Scalar| match value {
        Scalar::String(text) | Scalar::Number(text) => text.len(),
        Scalar::Bool(_) => 1,
    };
    let mut size = Size { count: 0, bytes: 0 };
    for value in stated.values() {
        let values = match value {
            ContextValue::One(one) => std::slice::from_ref(one),
            ContextValue::Many(many) => many,
        };
        size.count += values.len();
        size.bytes += values.iter().map(of).sum::<usize>();
    }
    size
}

/// How much is compared with what a request says.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::engine) struct Work {
    /// Patterns of resources, each as often as it weighs.
    pub(super) resource_patterns: usize,
    /// Patterns of conditions, each as often as it weighs.
    pub(super) value_patterns: usize,
    /// Other values of conditions.
    pub(super) values: usize,
}

/// How many characters of a pattern cost what comparing a value as a whole does, whatever its length.
const VALUE: usize = 4;
/// How many bytes of values that are compared as a whole cost what one character of a pattern does.
const WIDE: usize = 128;

impl Work {
    /// Returns it together with other work.
    pub(super) const fn and(self, other: Self) -> Self {
        Self {
            resource_patterns: self.resource_patterns + other.resource_patterns,
            value_patterns: self.value_patterns + other.value_patterns,
            values: self.values + other.values,
        }
    }

    /// Returns roughly what it costs, in characters that are looked at by a pattern.
    pub(super) fn cost(self, arn: &str, context: Size) -> usize {
        let value = context.count.saturating_mul(VALUE).saturating_add(context.bytes / WIDE);
        let value_patterns = self.value_patterns.saturating_mul(context.bytes);
        let values = self.values.saturating_mul(value);
        self.resource_patterns
            .saturating_mul(arn.len())
            .saturating_add(value_patterns)
            .saturating_add(values)
    }
}

/// Most characters that are looked at for a decision, patterns times texts: some tens of milliseconds. Ten documents of
/// hundreds of patterns and an ARN of usual length are far below it.
const MOST_WORK: usize = 8_000_000;

/// Refuses to compare more than a decision may take.
///
/// # Errors
/// That it would.
pub(in crate::engine) fn check_cost(cost: usize) -> Result<(), Invalid> {
    if cost <= MOST_WORK {
        return Ok(());
    }
    let help = "the policies of the principal compare with much: state a shorter resource and context, or let the policies have fewer";
    let message = "there is more to compare than a decision may take".to_owned();
    Err(Invalid { message, ..Invalid::value("context", &cost.to_string(), "", help) })
}

/// What a decision knows by itself.
pub(in crate::engine) const KNOWN: [(&str, &str); 3] = [
    (keys::PRINCIPAL_ARN, "it is that of `principal`: leave it out"),
    (keys::ACCESSIBILITY, "it is that of the resource: state `resource.accessibility`"),
    (keys::ENTITY_ACCESS_TYPE, "it follows from `resource.creator`: state that"),
];

fn shown(value: &ContextValue) -> String {
    match value {
        ContextValue::One(one) => text(one).to_owned(),
        ContextValue::Many(many) => many.iter().map(text).collect::<Vec<_>>().join(", "),
    }
}

/// Returns a value as operators on texts read it.
fn text(value: &Scalar) -> &str {
    match value {
        Scalar::String(text) | Scalar::Number(text) => text,
        Scalar::Bool(true) => "true",
        Scalar::Bool(false) => "false",
    }
}

/// Returns a text in small letters, each by itself: a sigma that ends one word is the same letter.
pub(super) fn folded(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

fn boolean(value: &Scalar) -> Option<bool> {
    match value {
        Scalar::Bool(value) => Some(*value),
        Scalar::String(text) => text.parse().ok(),
        Scalar::Number(_) => None,
    }
}

fn is_address(value: &Scalar) -> bool {
    matches!(value, Scalar::String(text) if Block::address(text).is_some())
}

fn is_moment(value: &Scalar) -> bool {
    matches!(value, Scalar::String(text) if moment(text).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts<'c>(conditions: &'c Conditions<'_>, key: &str) -> Vec<&'c str> {
        conditions.of(key).iter().map(Stated::text).collect()
    }

    #[test]
    fn keys_are_found_whatever_their_spelling_and_what_is_known_counts_before_what_is_stated() {
        let scalar = |text: &str| Scalar::String(text.to_owned());
        let many = ContextValue::Many(["a", "b"].map(scalar).to_vec());
        let stated = BTreeMap::from([
            ("acs:PrincipalArn".to_owned(), ContextValue::One(scalar("claimed"))),
            ("acs:ResourceTag/Env".to_owned(), many),
            ("empty".to_owned(), ContextValue::Many(Vec::new())),
            ("flag".to_owned(), ContextValue::One(Scalar::Bool(true))),
        ]);
        let mut conditions = Conditions::new(&stated);
        assert_eq!(texts(&conditions, "acs:principalarn"), ["claimed"]);
        conditions.know(keys::PRINCIPAL_ARN, "acs:ram::1:user/kim");
        conditions.know(keys::ACCESSIBILITY, String::from("PUBLIC"));
        for spelling in ["acs:PrincipalArn", "acs:principalarn", "ACS:PRINCIPALARN"] {
            assert_eq!(texts(&conditions, spelling), ["acs:ram::1:user/kim"]);
        }
        assert_eq!(texts(&conditions, keys::ACCESSIBILITY), ["PUBLIC"]);
        assert_eq!(texts(&conditions, "ACS:RESOURCETAG/Env"), ["a", "b"]);
        assert_eq!(texts(&conditions, "FLAG"), ["true"]);
        assert_eq!(conditions.of("flag").first().and_then(Stated::boolean), Some(true));
        for absent in ["acs:ResourceTag/env", "empty", "fla", "flags", ""] {
            assert_eq!(texts(&conditions, absent), [""; 0], "{absent}");
        }
    }
}
