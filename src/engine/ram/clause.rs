//! One condition: an operator, a key, and the values it is compared with.

use std::cmp::Ordering;

use super::{
    conditions::{Conditions, Stated, Work, WrongType, folded},
    pattern::{Pattern, Reading},
};
use crate::{
    domain::shortened,
    ram::{
        document::Clause as Read,
        keys::{self, Key},
        operator::{Family, Operator, moment},
        value::{Block, Decimal},
    },
};

/// A condition, compiled.
#[derive(Debug)]
pub(in crate::engine) struct Clause {
    pub(super) operator: Operator,
    /// The key as the document has it.
    pub(super) key: String,
    /// The key as all its spellings have it.
    pub(super) lower: String,
    /// The key's entry, where what it holds is known.
    pub(super) typed: Option<&'static Key>,
    pub(super) values: Values,
    /// The values as the document has them, for people.
    texts: Box<[Box<str>]>,
    /// What it says as a text, where it is handed to Cedar as a fact: operator, key and values.
    pub(super) fact: String,
}

/// A condition that does not hold, and what it was asked of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet {
    /// The key, as the document has it.
    pub key: String,
    /// The operator.
    pub operator: &'static str,
    /// The values of the document; of many the first, long ones shortened.
    pub wanted: Vec<String>,
    /// The values of the request, told as those of the document; none where it does not state the key.
    pub given: Vec<String>,
}

/// The values, read. One that matches is enough.
#[derive(Debug)]
pub(super) enum Values {
    Texts(Vec<String>),
    /// In small letters.
    Folded(Vec<String>),
    Patterns(Vec<Pattern>),
    Numbers(Comparison, Vec<Decimal>),
    Moments(Comparison, Vec<i64>),
    Booleans(Vec<bool>),
    Blocks(Vec<Block>),
}

/// How a value of the request stands to one of the statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

impl Comparison {
    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::Less => ordering.is_lt(),
            Self::LessEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterEqual => ordering.is_ge(),
        }
    }

    const fn of(operator: Operator) -> Self {
        match operator {
            Operator::NumericLessThan | Operator::DateLessThan => Self::Less,
            Operator::NumericLessThanEquals | Operator::DateLessThanEquals => Self::LessEqual,
            Operator::NumericGreaterThan | Operator::DateGreaterThan => Self::Greater,
            Operator::NumericGreaterThanEquals | Operator::DateGreaterThanEquals => {
                Self::GreaterEqual
            }
            _ => Self::Equal,
        }
    }
}

impl Clause {
    /// Compiles a condition; `None` when a part of it could not be read.
    pub(super) fn compile(read: &Read<'_>) -> Option<Self> {
        let operator = read.known?;
        let texts: Vec<&str> = read.values.iter().map(|value| value.text).collect();
        if texts.is_empty() || texts.iter().any(|text| text.contains("${")) {
            return None;
        }
        let owned = |convert: fn(&str) -> String| texts.iter().map(|text| convert(text)).collect();
        let compared = Comparison::of(operator);
        let values = match operator.family() {
            Family::String => match operator {
                Operator::StringLike | Operator::StringNotLike => {
                    Values::Patterns(texts.iter().map(|text| Pattern::new(text)).collect())
                }
                Operator::StringEqualsIgnoreCase | Operator::StringNotEqualsIgnoreCase => {
                    Values::Folded(owned(folded))
                }
                _ => Values::Texts(owned(str::to_owned)),
            },
            Family::Number => Values::Numbers(compared, all(&texts, Decimal::parse)?),
            Family::Date => Values::Moments(compared, all(&texts, moment)?),
            Family::Boolean => Values::Booleans(all(&texts, |text| text.parse().ok())?),
            Family::Ip => Values::Blocks(all(&texts, Block::parse)?),
        };
        Some(Self {
            operator,
            key: read.key.text.to_owned(),
            lower: keys::normal(read.key.text),
            typed: keys::typed(read.key.text),
            values,
            texts: texts.iter().map(|text| Box::from(*text)).collect(),
            fact: format!("{operator:?} {} {texts:?}", keys::normal(read.key.text)),
        })
    }

    /// Returns how much a value of the request is compared with.
    pub(super) fn work(&self) -> Work {
        let (values, value_patterns) = match &self.values {
            Values::Patterns(patterns) => {
                let whole = patterns.iter().filter(|it| it.weight() == 0).count();
                (whole, patterns.iter().map(Pattern::weight).sum())
            }
            _ => (self.texts.len(), 0),
        };
        Work { resource_patterns: 0, value_patterns, values }
    }

    /// Returns whether a value of the request matches one of the statement; `None` when the request has none.
    ///
    /// # Errors
    /// A value that the operator cannot compare.
    pub(super) fn matched(&self, conditions: &Conditions<'_>) -> Result<Option<bool>, WrongType> {
        let stated = conditions.of(&self.key);
        if stated.is_empty() {
            return Ok(None);
        }
        let mut matched = false;
        for value in stated {
            matched |= self.matches(value).ok_or_else(|| WrongType {
                key: self.key.clone(),
                value: value.text().to_owned(),
                family: self.operator.family(),
            })?;
        }
        Ok(Some(matched))
    }

    /// Returns whether the condition holds.
    ///
    /// # Errors
    /// A value that the operator cannot compare.
    pub(super) fn holds(
        &self,
        conditions: &Conditions<'_>,
        reading: Reading,
    ) -> Result<bool, WrongType> {
        let negated = self.operator.is_negated();
        Ok(match self.matched(conditions)? {
            Some(matched) => matched != negated,
            None => negated && reading == Reading::Wide,
        })
    }

    /// Returns what is told of it where it does not hold.
    pub(super) fn unmet(&self, conditions: &Conditions<'_>) -> Unmet {
        let given = conditions.of(&self.key);
        Unmet {
            key: self.key.clone(),
            operator: self.operator.name(),
            wanted: told(self.texts.iter().map(|text| &**text)),
            given: told(given.iter().map(Stated::text)),
        }
    }

    /// Returns whether one value matches; `None` for one of the wrong type.
    fn matches(&self, value: &Stated<'_>) -> Option<bool> {
        Some(match &self.values {
            Values::Texts(texts) => texts.iter().any(|it| *it == value.text()),
            Values::Folded(texts) => {
                let folded = value.folded();
                texts.iter().any(|it| it == folded)
            }
            Values::Patterns(patterns) => patterns.iter().any(|it| it.matches(value.text())),
            Values::Numbers(compared, numbers) => {
                let number = value.number()?;
                numbers.iter().any(|it| compared.holds(number.cmp(it)))
            }
            Values::Moments(compared, moments) => {
                let at = value.moment()?;
                moments.iter().any(|it| compared.holds(at.cmp(it)))
            }
            Values::Booleans(booleans) => booleans.contains(&value.boolean()?),
            Values::Blocks(blocks) => {
                let address = value.address()?;
                blocks.iter().any(|it| it.contains(&address))
            }
        })
    }
}

/// Most values that are told of a condition, and the longest, in characters: requests and documents may have hundreds of kilobytes.
const TOLD: usize = 16;
const LONGEST_TOLD: usize = 200;

/// Returns the first of some values, for people: long ones are shortened, and `…` stands for those that are left out.
fn told<'t>(texts: impl ExactSizeIterator<Item = &'t str>) -> Vec<String> {
    let more = texts.len() > TOLD;
    let first = texts.take(TOLD).map(|text| shortened(text, LONGEST_TOLD));
    first.chain(more.then(|| "…".to_owned())).collect()
}

fn all<T>(texts: &[&str], read: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    texts.iter().map(|text| read(text)).collect()
}
