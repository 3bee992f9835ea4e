//! What a policy document must be to be kept: one that RAM accepts.

use std::fmt::Write;

use crate::{
    error::{Error, ErrorCode},
    ram::{
        document::Kind,
        finding::{Class, Finding},
        lines::Lines,
        lint,
    },
};

/// How many findings a refusal tells.
const MOST_TOLD: usize = 5;

/// Refuses a document that RAM would refuse; `field` is it as the caller spells it.
///
/// # Errors
/// [`ErrorCode::PolicyTooLong`]; [`ErrorCode::PolicyMalformed`], with the first findings and their places.
pub(super) fn check(field: &str, text: &str, kind: Kind) -> Result<(), Error> {
    let (characters, most) = (text.chars().count(), kind.longest());
    // Stricter than the rule of the linter, which does not count what stands behind the document: it is kept as well.
    if characters > most {
        return Err(Error::new(
            ErrorCode::PolicyTooLong,
            format!("the document has {characters} characters, and may have {most}"),
            "leave out white space, join statements, or make several policies",
        )
        .about(field, text));
    }
    let Some(message) = faults(text, kind) else { return Ok(()) };
    let help = "`pai-authz ram lint` shows each place, `pai-authz ram explain` says why";
    Err(Error::new(ErrorCode::PolicyMalformed, message, help).about(field, text))
}

/// Returns what is wrong with a document that RAM would refuse: the first findings and their places.
pub(in crate::service) fn faults(text: &str, kind: Kind) -> Option<String> {
    let report = lint::lint(text, kind);
    let faults: Vec<&Finding> =
        report.findings.iter().filter(|finding| finding.class == Class::Error).collect();
    if faults.is_empty() {
        return None;
    }
    let lines = Lines::new(text);
    let mut message = "the document is not accepted: ".to_owned();
    for (index, fault) in faults.iter().take(MOST_TOLD).enumerate() {
        let place = lines.place(fault.span.start);
        let joint = if index == 0 { "" } else { "; " };
        let (line, column, code) = (place.line, place.column, fault.rule.code);
        // Writing to a string cannot fail.
        let _ = write!(message, "{joint}{line}:{column} {code} {}", fault.message.en);
    }
    if let Some(more) = faults.len().checked_sub(MOST_TOLD).filter(|more| *more > 0) {
        let _ = write!(message, "; and {more} more");
    }
    Some(message)
}
