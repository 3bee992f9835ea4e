//! What is wrong with a file, as those who wrote it are told.

use std::fmt;

use cedar_policy::PolicyId;
use miette::Diagnostic;

use super::BundleFile;

/// Returns what an error of Cedar says: more stands in its sources than in itself.
pub(super) fn told(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        source = cause.source();
    }
    text
}

/// Returns what errors of Cedar say of a text, one to a line, each with its place and what may be done.
pub(super) fn told_of(text: &str, error: &dyn Diagnostic) -> String {
    let mut all = format!("{}{}", place(text, error), helped(error));
    for other in error.related().into_iter().flatten() {
        all.push('\n');
        all.push_str(&told_of(text, other));
    }
    all
}

/// Returns where in a text something is, to stand before what is said of it.
fn place(text: &str, error: &dyn Diagnostic) -> String {
    let Some(before) = offset(error).and_then(|offset| text.get(..offset)) else {
        return String::new();
    };
    let line = before.rsplit('\n').next().unwrap_or_default();
    format!("line {}, column {}: ", before.matches('\n').count() + 1, line.chars().count() + 1)
}

/// Returns where something is, in bytes.
fn offset(error: &dyn Diagnostic) -> Option<usize> {
    error.labels()?.next().map(|label| label.offset())
}

/// Returns what is said, what is said of the place, and what may be done about it.
fn helped(error: &dyn Diagnostic) -> String {
    let mut labels = error.labels().into_iter().flatten();
    let of_place = labels.next().and_then(|label| Some(format!(": {}", label.label()?)));
    let help = error.help().map(|help| format!(" ({help})"));
    [Some(told(error)), of_place, help].into_iter().flatten().collect()
}

/// What is said of a policy; sorted by where it stands.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Said {
    pub(super) file: String,
    offset: Option<usize>,
    pub(super) text: String,
}

impl Said {
    /// Says something of a policy that is in a file.
    pub(super) fn of(what: &dyn Diagnostic, policy: &PolicyId, file: Option<&BundleFile>) -> Self {
        let (name, text) = file.map_or(("*.cedar", ""), |file| (&*file.name, &*file.text));
        let (offset, place, what) = (offset(what), place(text, what), helped(what));
        let id: &str = policy.as_ref();
        // Not everything that is said names it.
        let of = if what.contains(id) { String::new() } else { format!("for policy `{id}`, ") };
        Self { file: name.to_owned(), offset, text: format!("{place}{of}{what}") }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.file, self.text)
    }
}
