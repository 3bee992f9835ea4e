//! What commands print: text for a person, or JSON for a program.

use std::{
    fmt::Display,
    io::{self, Write},
};

use serde_json::Value;

use crate::catalog::meant_field;

/// How a command prints its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// For a person.
    Text,
    /// One JSON value.
    Json,
}

/// What can be asked for: formats of every command, and those of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum AnyFormat {
    /// For a person.
    Text,
    /// One JSON value.
    Json,
    /// SARIF 2.1.0, of `ram lint`.
    Sarif,
    /// JUnit's XML, of `ram lint`.
    Junit,
    /// Annotations of GitHub's workflows, of `ram lint`.
    Github,
}

impl AnyFormat {
    /// Returns the format of a command that has no findings.
    ///
    /// # Errors
    /// When it is one of findings.
    pub(super) fn common(self) -> anyhow::Result<Format> {
        match self {
            Self::Text => Ok(Format::Text),
            Self::Json => Ok(Format::Json),
            _ => anyhow::bail!("`--format`: this command prints `text` or `json`"),
        }
    }
}

/// Prints a line to standard output.
///
/// # Errors
/// When standard output cannot be written.
pub(super) fn line(text: impl Display) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{}", plain(&text.to_string()))
}

/// Prints a line to standard error, for what accompanies an answer.
///
/// # Errors
/// When standard error cannot be written.
pub(super) fn note(text: impl Display) -> io::Result<()> {
    writeln!(io::stderr().lock(), "{}", plain(&text.to_string()))
}

/// Returns what a command that failed has to say, with the name that was meant where a file has one that is nearly known.
#[must_use]
pub fn told(error: &anyhow::Error) -> String {
    let text = format!("{error:#}");
    match meant_field(&text) {
        // Some readers draw the place on lines of their own.
        Some(meant) if text.contains('\n') => format!("{}\n{meant}", text.trim_end()),
        Some(meant) => format!("{text}: {meant}"),
        None => text,
    }
}

/// Returns the text without what a terminal obeys or what makes it show another order than is there: names and
/// answers come from strangers.
#[must_use]
pub fn plain(text: &str) -> String {
    let obeyed = |c: char| c.is_control() && c != '\n' && c != '\t';
    let reorders = |c| matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    text.chars().map(|c| if obeyed(c) || reorders(c) { '\u{fffd}' } else { c }).collect()
}

/// Returns what [`plain`] does, in one line: names of files can have several.
#[must_use]
pub(super) fn one_line(text: &str) -> String {
    let breaks =
        |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{fffe}' | '\u{ffff}');
    plain(text).chars().map(|c| if breaks(c) { '\u{fffd}' } else { c }).collect()
}

/// Prints text to standard output that was made by this program for what it is printed to, colours included.
///
/// # Errors
/// When standard output cannot be written.
pub(super) fn raw(text: &str) -> io::Result<()> {
    io::stdout().lock().write_all(text.as_bytes())
}

/// Prints a JSON value.
///
/// # Errors
/// When standard output cannot be written.
pub(super) fn json(value: &Value) -> io::Result<()> {
    line(serde_json::to_string_pretty(value).unwrap_or_default())
}

/// Prints Cedar text as it is, or as the one string `cedar` of a JSON object.
///
/// # Errors
/// When standard output cannot be written.
pub(super) fn cedar(text: &str, format: Format) -> io::Result<()> {
    match format {
        Format::Text => line(text.trim_end()),
        Format::Json => json(&serde_json::json!({ "cedar": text })),
    }
}

/// Returns rows as a table with aligned columns, the first row being the head.
#[must_use]
pub(super) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut out = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        out.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_or_reorders_is_not_printed() {
        assert_eq!(
            plain("a\u{1b}[31mb\u{7}\r\u{202e}c\u{200b}"),
            "a\u{fffd}[31mb\u{fffd}\u{fffd}\u{fffd}c\u{fffd}"
        );
        assert_eq!(plain("two lines\n\tand 名前"), "two lines\n\tand 名前");
    }

    #[test]
    fn columns_stand_under_each_other() {
        let rows = [["A", "BB"], ["AAA", "B"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(table(&rows), "A    BB\nAAA  B\n");
    }
}
