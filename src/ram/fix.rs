//! Putting right what can be put right without doubt.

use super::{
    document::Kind,
    finding::{Edit, Finding},
    lint::lint,
};

/// How often a text is checked and edited: an edit can show what was hidden behind it.
const PASSES: usize = 20;

/// A text after its fixes.
#[derive(Debug, PartialEq, Eq)]
pub struct Fixed {
    /// The text.
    pub text: String,
    /// How many fixes were made.
    pub count: usize,
}

/// Makes every fix of the findings that `choose` leaves in the list.
#[must_use]
pub fn fix(text: &str, kind: Kind, choose: impl Fn(&mut Vec<Finding>)) -> Fixed {
    let mut fixed = Fixed { text: text.to_owned(), count: 0 };
    for _ in 0..PASSES {
        let mut findings = lint(&fixed.text, kind).findings;
        choose(&mut findings);
        let edits: Vec<&Edit> = findings.iter().filter_map(|it| it.fix.as_ref()).collect();
        let (text, count) = apply(&fixed.text, edits);
        if count == 0 {
            break;
        }
        fixed = Fixed { text, count: fixed.count + count };
    }
    fixed
}

/// Makes edits, except those that touch an earlier one: they are made in the next pass if they still apply.
fn apply(text: &str, mut edits: Vec<&Edit>) -> (String, usize) {
    edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
    let (mut out, mut at, mut count) = (String::with_capacity(text.len()), 0, 0);
    for edit in edits {
        let touches = count > 0 && edit.span.start <= at;
        let Some(before) = text.get(at..edit.span.start).filter(|_| !touches) else { continue };
        if text.get(edit.span.clone()) == Some(edit.text.as_str()) {
            continue;
        }
        out.push_str(before);
        out.push_str(&edit.text);
        at = edit.span.end;
        count += 1;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    (out, count)
}
