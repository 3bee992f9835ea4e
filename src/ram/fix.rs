//! Putting right what can be put right without doubt.

use super::{
    document::Kind,
    finding::{Finding, Words},
    json::parse,
    lines::{Lines, Place},
    lint::lint,
};

/// How often a text is checked and edited: an edit can show what was hidden behind it.
const PASSES: usize = 200;

/// A text after its fixes.
#[derive(Debug, PartialEq, Eq)]
pub struct Fixed {
    /// The text.
    pub text: String,
    /// What was put right, in the order in which that was done.
    pub made: Vec<Made>,
}

/// Something that was put right.
#[derive(Debug, PartialEq, Eq)]
pub struct Made {
    /// The code of the rule that found it.
    pub code: &'static str,
    /// Where it was, in the text as it was then.
    pub place: Place,
    /// What was wrong.
    pub message: Words,
}

/// Makes every fix of the findings that `choose` leaves in the list. A text that is no JSON even then is left as it was: what
/// was guessed of it may be wrong.
#[must_use]
pub fn fix(text: &str, kind: Kind, choose: impl Fn(&mut Vec<Finding>)) -> Fixed {
    let mut fixed = Fixed { text: text.to_owned(), made: Vec::new() };
    for _ in 0..PASSES {
        let mut findings = lint(&fixed.text, kind).findings;
        choose(&mut findings);
        let (text, mut made) = apply(&fixed.text, &findings);
        if made.is_empty() {
            break;
        }
        fixed.text = text;
        fixed.made.append(&mut made);
    }
    if !fixed.made.is_empty() && !parse(&fixed.text).faults.is_empty() {
        return Fixed { text: text.to_owned(), made: Vec::new() };
    }
    fixed
}

/// Makes edits, except those that touch an earlier one: they are made in the next pass if they still apply.
fn apply(text: &str, findings: &[Finding]) -> (String, Vec<Made>) {
    let lines = Lines::new(text);
    let mut edits: Vec<_> =
        findings.iter().filter_map(|found| Some((found.fix.as_ref()?, found))).collect();
    edits.sort_by_key(|(edit, _)| (edit.span.start, edit.span.end));
    let (mut out, mut at, mut made) = (String::with_capacity(text.len()), 0, Vec::new());
    for (edit, found) in edits {
        let touches = !made.is_empty() && edit.span.start <= at;
        let Some(before) = text.get(at..edit.span.start).filter(|_| !touches) else { continue };
        if text.get(edit.span.clone()) == Some(edit.text.as_str()) {
            continue;
        }
        out.push_str(before);
        out.push_str(&edit.text);
        at = edit.span.end;
        made.push(Made {
            code: found.rule.code,
            place: lines.place(found.span.start),
            message: found.message.clone(),
        });
    }
    out.push_str(text.get(at..).unwrap_or_default());
    (out, made)
}
