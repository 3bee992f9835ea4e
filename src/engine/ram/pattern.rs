//! Patterns of actions, resources and values.

use super::matcher::Matcher;
use crate::ram::wildcard;

/// How what can be read in two ways is read: so that nothing opens (docs/adr/0014).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// In an Allow: what is granted for certain.
    Narrow,
    /// In a Deny: what may be denied.
    Wide,
}

/// A pattern: `*` stands for any text, `?` for one character where it is a wildcard.
#[derive(Debug)]
pub(super) struct Pattern {
    text: String,
    kind: Matching,
}

#[derive(Debug)]
enum Matching {
    /// No wildcard.
    Text,
    /// `*` alone.
    Any,
    Wildcards(Box<Matcher>),
    /// A `?` that stands for itself, which no name of an action has.
    Never,
}

impl Pattern {
    /// Returns the pattern of a resource, or of a value of `StringLike`.
    pub(super) fn new(text: &str) -> Self {
        let kind = match text {
            "*" => Matching::Any,
            text if wildcard::is_pattern(text) => Matching::Wildcards(Box::new(Matcher::new(text))),
            _ => Matching::Text,
        };
        Self { text: text.to_owned(), kind }
    }

    /// Returns the pattern of an action, in small letters.
    pub(super) fn of_action(text: &str, question_mark_is_wildcard: bool) -> Self {
        let pattern = Self::new(&text.to_ascii_lowercase());
        if pattern.text.contains('?') && !question_mark_is_wildcard {
            return Self { kind: Matching::Never, ..pattern };
        }
        pattern
    }

    /// Returns the pattern of a resource as it is meant: without an account it is of any, without a region too, where
    /// the service has none or it is read widely.
    pub(super) fn of_resource(text: &str, reading: Reading) -> Self {
        let mut parts: Vec<&str> = text.splitn(5, ':').collect();
        if let [_, code, region, account, _] = parts.as_mut_slice() {
            if account.is_empty() {
                *account = "*";
            }
            if region.is_empty() && (*code == "ram" || reading == Reading::Wide) {
                *region = "*";
            }
            return Self::new(&parts.join(":"));
        }
        Self::new(text)
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn is_any(&self) -> bool {
        matches!(self.kind, Matching::Any)
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        match &self.kind {
            Matching::Text => self.text == text,
            Matching::Any => true,
            Matching::Wildcards(matcher) => matcher.matches(text),
            Matching::Never => false,
        }
    }

    /// Returns whether Cedar's `like` says the same, and in time: it has no `?`, and goes back to the last `*` after each
    /// text that does not fit.
    pub(super) fn is_for_cedar(&self) -> bool {
        /// Longest text between two `*` that is left to Cedar.
        const LONGEST_PART: usize = 128;
        !self.is_never()
            && !self.text.contains('?')
            && self.text.split('*').skip(1).all(|part| part.len() <= LONGEST_PART)
    }

    /// Returns whether it matches nothing.
    pub(super) const fn is_never(&self) -> bool {
        matches!(self.kind, Matching::Never)
    }

    /// Returns roughly what looking at a character of a text costs; none where the text is compared as a whole.
    pub(super) fn weight(&self) -> usize {
        match &self.kind {
            Matching::Text | Matching::Never => 0,
            Matching::Any => 1,
            Matching::Wildcards(matcher) => matcher.weight(),
        }
    }
}
