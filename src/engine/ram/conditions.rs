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

/// Values by key in small letters.
#[derive(Debug, Default)]
pub(in crate::engine) struct Conditions(BTreeMap<String, Vec<Stated>>);

/// A value of a request, read as what operators compare it as when one first does.
#[derive(Debug)]
pub(super) struct Stated {
    value: Scalar,
    moment: OnceCell<Option<i64>>,
    address: OnceCell<Option<Block>>,
}

impl Stated {
    fn new(value: Scalar) -> Self {
        Self { value, moment: OnceCell::new(), address: OnceCell::new() }
    }

    /// Returns it as operators on texts read it.
    pub(super) fn text(&self) -> Cow<'_, str> {
        text(&self.value)
    }

    /// Returns it as a decimal number.
    pub(super) fn number(&self) -> Option<Decimal> {
        match &self.value {
            Scalar::String(text) | Scalar::Number(text) => Decimal::parse(text),
            Scalar::Bool(_) => None,
        }
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
        boolean(&self.value)
    }

    fn written(&self) -> Option<&str> {
        match &self.value {
            Scalar::String(text) => Some(text),
            Scalar::Bool(_) | Scalar::Number(_) => None,
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

impl Conditions {
    /// Returns what a request says.
    pub(in crate::engine) fn new(stated: &BTreeMap<String, ContextValue>) -> Self {
        let read = |(key, value): (&String, &ContextValue)| {
            let values = match value {
                ContextValue::One(one) => vec![Stated::new(one.clone())],
                ContextValue::Many(many) => many.iter().cloned().map(Stated::new).collect(),
            };
            (keys::normal(key), values)
        };
        Self(stated.iter().map(read).collect())
    }

    /// Adds what is known of the request, whatever it says itself.
    pub(in crate::engine) fn know(&mut self, key: &str, value: &str) {
        let value = Stated::new(Scalar::String(value.to_owned()));
        self.0.insert(keys::normal(key), vec![value]);
    }

    /// Returns the values of a key in small letters; none when it is absent.
    pub(super) fn of(&self, key: &str) -> &[Stated] {
        self.0.get(key).map_or(&[], Vec::as_slice)
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

/// Returns how many bytes the values of a context have.
pub(in crate::engine) fn size(stated: &BTreeMap<String, ContextValue>) -> usize {
    let of = |value: &Scalar| match value {
        Scalar::String(text) | Scalar::Number(text) => text.len(),
        Scalar::Bool(_) => 1,
    };
    let of_key = |value: &ContextValue| match value {
        ContextValue::One(one) => of(one),
        ContextValue::Many(many) => many.iter().map(of).sum(),
    };
    stated.values().map(of_key).sum()
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
    let help = "the policies of the principal have many patterns: state a shorter resource and context, or let the policies have fewer";
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
        ContextValue::One(one) => text(one).into_owned(),
        ContextValue::Many(many) => many.iter().map(text).collect::<Vec<_>>().join(", "),
    }
}

/// Returns a value as operators on texts read it.
fn text(value: &Scalar) -> Cow<'_, str> {
    match value {
        Scalar::String(text) | Scalar::Number(text) => text.into(),
        Scalar::Bool(true) => "true".into(),
        Scalar::Bool(false) => "false".into(),
    }
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
