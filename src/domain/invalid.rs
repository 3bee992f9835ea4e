//! Why an input was refused: one shape for every border, so a message always names field, value and remedy.

use std::fmt;

/// What is wrong with an input, as far as a caller can branch on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidKind {
    /// A required field is absent.
    MissingField,
    /// A field is present where the rest of the input does not allow it.
    UnexpectedField,
    /// A value has the wrong form, length or characters.
    InvalidValue,
    /// An action that is not in the catalogue.
    UnknownAction,
    /// A resource type that is not in the catalogue, or not one of the action's module.
    UnknownType,
    /// A revision that was not given out for this account, or was edited.
    InvalidRevision,
    /// Text that is not of the form that is read at all.
    Malformed,
}

/// A refused input: which field, which value, what would be right.
///
/// The message is lowercase without a full stop and quotes input in backticks; `help` tells what to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// What is wrong, for branching.
    pub kind: InvalidKind,
    /// Path of the field as the caller spells it, for example `resource.accessibility`.
    pub field: String,
    /// The value that was refused, shortened to [`Invalid::MAX_VALUE`] characters; `None` when it was absent.
    pub value: Option<String>,
    /// One sentence for a person.
    pub message: String,
    /// What would be right.
    pub help: String,
}

impl From<Box<Self>> for Invalid {
    fn from(invalid: Box<Self>) -> Self {
        *invalid
    }
}

impl Invalid {
    /// Longest refused value that is echoed, in characters; the rest is replaced by `…`.
    pub const MAX_VALUE: usize = 100;

    /// Returns the refusal of an absent field.
    #[must_use]
    #[cold]
    pub fn missing(field: impl Into<String>, help: impl Into<String>) -> Self {
        let field = field.into();
        let message = format!("`{field}` is missing");
        Self { kind: InvalidKind::MissingField, field, value: None, message, help: help.into() }
    }

    /// Returns the refusal of a field that does not belong there.
    #[must_use]
    #[cold]
    pub fn unexpected(field: impl Into<String>, value: &str, help: impl Into<String>) -> Self {
        let field = field.into();
        let message = format!("`{field}` does not belong here");
        Self {
            kind: InvalidKind::UnexpectedField,
            field,
            value: Some(shortened(value, Self::MAX_VALUE)),
            message,
            help: help.into(),
        }
    }

    /// Returns the refusal of a value; `expected` completes "… is not …".
    #[must_use]
    #[cold]
    pub fn value(
        field: impl Into<String>,
        value: &str,
        expected: &str,
        help: impl Into<String>,
    ) -> Self {
        let value = shortened(value, Self::MAX_VALUE);
        let message = format!("`{value}` is not {expected}");
        Self {
            kind: InvalidKind::InvalidValue,
            field: field.into(),
            value: Some(value),
            message,
            help: help.into(),
        }
    }

    /// Returns the same refusal under another kind.
    #[must_use]
    pub fn with_kind(mut self, kind: InvalidKind) -> Self {
        self.kind = kind;
        self
    }

    /// Returns the same refusal with `prefix` before the field, for an input that was part of a larger one.
    #[must_use]
    pub fn within(mut self, prefix: &str) -> Self {
        self.field = if self.field.is_empty() {
            prefix.to_owned()
        } else {
            format!("{prefix}.{}", self.field)
        };
        self
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.field, self.message, self.help)
    }
}

impl std::error::Error for Invalid {}

/// Returns at most `most` characters of a stranger's text, `…` for the rest, and no control characters: a message,
/// a log line and a terminal stay one line.
#[must_use]
pub fn shortened(text: &str, most: usize) -> String {
    let plain = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let mut out: String = text.chars().take(most).map(plain).collect();
    if text.chars().nth(most).is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_or_dirty_value_is_shortened_and_kept_on_one_line() {
        let invalid = Invalid::value("f", &format!("a\n\0{}", "x".repeat(1_000)), "a name", "");
        let value = invalid.value.unwrap();
        assert_eq!(value.chars().count(), Invalid::MAX_VALUE + 1);
        assert!(value.starts_with("a\u{fffd}\u{fffd}x") && value.ends_with('…'));
    }

    #[test]
    fn the_field_of_a_part_is_named_from_the_whole() {
        assert_eq!(Invalid::missing("id", "").within("members[3]").field, "members[3].id");
    }
}
