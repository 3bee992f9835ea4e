//! Answers, as the service writes them: by hand, for they are written far more often than anything else.
//!
//! What is remembered of a decision is written once and copied from then on; beside it stand the revision and no more.

use serde::Serialize;

use crate::{
    domain::{Decision, Fault, Policies, RememberedPolicy},
    http::error::{ErrorBody, fault},
    service::{NoSuggestion, Suggestion},
};

/// A statement that would allow what was denied, or why there is none.
#[derive(Serialize)]
struct SuggestionBody {
    statement: Option<StatementBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// A statement as RAM has it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct StatementBody {
    effect: &'static str,
    action: &'static str,
    resource: String,
}

impl From<Result<Suggestion, NoSuggestion>> for SuggestionBody {
    fn from(suggested: Result<Suggestion, NoSuggestion>) -> Self {
        match suggested {
            Ok(Suggestion { action, resource }) => Self {
                statement: Some(StatementBody { effect: "Allow", action, resource }),
                why: None,
            },
            Err(why) => Self { statement: None, why: Some(why.text()) },
        }
    }
}

/// Returns the answer to one request, as the service writes it.
///
/// # Errors
/// Never for a decision of the engine; kept so that nothing panics.
pub fn decision(
    decision: &Decision<'_>,
    revision: &str,
    suggested: Option<Result<Suggestion, NoSuggestion>>,
) -> Result<Vec<u8>, serde_json::Error> {
    let mut out = Vec::with_capacity(256);
    write(&mut out, decision)?;
    out.extend_from_slice(b",\"revision\":");
    serde_json::to_writer(&mut out, revision)?;
    if let Some(suggested) = suggested {
        out.extend_from_slice(b",\"suggestion\":");
        serde_json::to_writer(&mut out, &SuggestionBody::from(suggested))?;
    }
    out.push(b'}');
    Ok(out)
}

/// Returns the answer to a batch.
///
/// # Errors
/// As [`decision`].
pub(super) fn batch(
    decisions: &[Decision<'_>],
    revision: &str,
) -> Result<Vec<u8>, serde_json::Error> {
    let mut out = Vec::with_capacity(64 + 160 * decisions.len());
    out.extend_from_slice(b"{\"results\":[");
    for (index, decision) in decisions.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(&mut out, decision)?;
        out.push(b'}');
    }
    out.extend_from_slice(b"],\"revision\":");
    serde_json::to_writer(&mut out, revision)?;
    out.push(b'}');
    Ok(out)
}

/// Writes a decision; the object is left open.
fn write(out: &mut Vec<u8>, decision: &Decision<'_>) -> Result<(), serde_json::Error> {
    let Policies::Remembered(answer, _) = &decision.determining_policies else {
        return write_anew(out, decision);
    };
    let names_roles = answer.policies().iter().any(|it| matches!(it, RememberedPolicy::OfRole(..)));
    if names_roles {
        return write_anew(out, decision);
    }
    let written = answer.note(|| {
        let mut note = Vec::new();
        // Without a note there is nothing to copy, and the answer is written anew.
        if write_anew(&mut note, decision).is_err() {
            note.clear();
        }
        note
    });
    if written.is_empty() {
        return write_anew(out, decision);
    }
    out.extend_from_slice(written);
    Ok(())
}

fn write_anew(out: &mut Vec<u8>, decision: &Decision<'_>) -> Result<(), serde_json::Error> {
    for part in [
        "{\"decision\":\"",
        decision.effect().as_str(),
        "\",\"reason\":\"",
        decision.reason.as_str(),
        "\",\"determiningPolicies\":[",
    ] {
        out.extend_from_slice(part.as_bytes());
    }
    for (index, id) in decision.determining_policies.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        serde_json::to_writer(&mut *out, &*id)?;
    }
    out.extend_from_slice(b"],\"errors\":");
    write_faults(out, &decision.faults)
}

fn write_faults(out: &mut Vec<u8>, faults: &[Fault]) -> Result<(), serde_json::Error> {
    let faults: Vec<_> = faults.iter().map(fault).collect();
    let bodies: Vec<_> = faults.iter().map(ErrorBody::from).collect();
    serde_json::to_writer(out, &bodies)
}
