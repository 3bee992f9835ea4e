//! What is wrong with a file, as those who wrote it are told.

use std::collections::HashMap;

use cedar_policy::PolicyId;
use miette::Diagnostic;

use super::{BundleFile, Faulty};

/// Most things that are said at once.
const MOST: usize = 20;

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
    let others: Vec<&dyn Diagnostic> = error.related().into_iter().flatten().collect();
    let said = |error: &&dyn Diagnostic| format!("{}{}", place(text, *error), helped(*error));
    let mut lines: Vec<String> =
        std::iter::once(&error).chain(&others).take(MOST).map(said).collect();
    lines.extend(more(1 + others.len()));
    lines.join("\n")
}

/// Says how many of so many things are not said.
fn more(count: usize) -> Option<String> {
    count.checked_sub(MOST).filter(|more| *more > 0).map(|more| format!("and {more} more"))
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

/// Which file each policy is in.
pub(super) type Origins<'f> = HashMap<PolicyId, &'f BundleFile>;

/// What is said of policies, in the order of the files.
pub(super) struct Sayings<'f>(Vec<(&'f str, String)>, Option<String>);

impl<'f> Sayings<'f> {
    /// Returns all that is said, each of the policy of that id.
    pub(super) fn of<'e>(
        all: impl Iterator<Item = (&'e dyn Diagnostic, &'e PolicyId)>,
        origins: &Origins<'f>,
    ) -> Self {
        let stood = |(what, id): (&'e dyn Diagnostic, &'e PolicyId)| {
            let file = origins.get(id);
            let (name, text) = file.map_or(("*.cedar", ""), |file| (&*file.name, &*file.text));
            (name, text, offset(what), what, id)
        };
        let mut all: Vec<_> = all.map(stood).collect();
        all.sort_by_key(|(name, _, offset, ..)| (*name, *offset));
        let said = all.iter().take(MOST).map(|&(name, text, _, what, id)| {
            let (place, what, id) = (place(text, what), helped(what), AsRef::<str>::as_ref(id));
            // Not everything that is said names it.
            let of = if what.contains(id) { String::new() } else { format!("for policy `{id}`, ") };
            (name, format!("{place}{of}{what}"))
        });
        Self(said.collect(), more(all.len()))
    }

    /// Returns them as what is wrong with the first file; `None` where nothing is.
    pub(super) fn fault(self) -> Option<Faulty> {
        let Self(said, more) = self;
        let (first, _) = *said.first()?;
        let line = |(file, text): (&str, String)| {
            if file == first { text } else { of_file(file, &text) }
        };
        let lines: Vec<String> = said.into_iter().map(line).chain(more).collect();
        Some(Faulty { file: first.to_owned(), detail: lines.join("\n") })
    }

    /// Returns them one by one.
    pub(super) fn each(self) -> Vec<String> {
        let Self(said, more) = self;
        said.iter().map(|(file, text)| of_file(file, text)).chain(more).collect()
    }
}

fn of_file(file: &str, text: &str) -> String {
    format!("`{file}`: {text}")
}
