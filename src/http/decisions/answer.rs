//! Answers, as the service writes them: by hand, for they are written far more often than anything else.
//!
//! What is remembered of a decision is written once and copied from then on; beside it stand the revision and no more.

use serde::Serialize;

use super::explanation::ExplanationBody;
use crate::{
    domain::{
        CustomRoleId, Decision, Fault, Policies, Reason, Remembered, RememberedPolicy, Settled,
    },
    http::error::{ErrorBody, fault},
    service::{Explained, NoSuggestion, Suggestion},
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
pub(super) struct StatementBody {
    effect: &'static str,
    action: &'static str,
    resource: String,
}

impl StatementBody {
    pub(super) const fn allowing(action: &'static str, resource: String) -> Self {
        Self { effect: "Allow", action, resource }
    }
}

/// What is answered beside a decision.
pub enum Beside {
    /// A statement that would allow it, or why there is none.
    Suggestion(Result<Suggestion, NoSuggestion>),
    /// Why it is what it is.
    Explanation(Box<Explained>),
}

impl From<Result<Suggestion, NoSuggestion>> for SuggestionBody {
    fn from(suggested: Result<Suggestion, NoSuggestion>) -> Self {
        match suggested {
            Ok(Suggestion { action, resource }) => {
                Self { statement: Some(StatementBody::allowing(action, resource)), why: None }
            }
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
    beside: Option<Beside>,
) -> Result<Vec<u8>, serde_json::Error> {
    // With no more room than is needed what is sent is this list itself, and not one that counts who has it.
    let known = match &decision.determining_policies {
        Policies::Remembered(settled) => written(*settled).len(),
        Policies::Listed(_) => 256,
    };
    let room = known + REVISION + revision.len();
    let mut out = Vec::with_capacity(room);
    write(&mut out, decision)?;
    write_revision(&mut out, revision);
    match beside {
        None => {}
        Some(Beside::Suggestion(suggested)) => {
            out.extend_from_slice(b",\"suggestion\":");
            serde_json::to_writer(&mut out, &SuggestionBody::from(suggested))?;
        }
        Some(Beside::Explanation(explained)) => {
            out.extend_from_slice(b",\"explanation\":");
            serde_json::to_writer(&mut out, &ExplanationBody::from(&*explained))?;
        }
    }
    out.push(b'}');
    Ok(out)
}

/// The answer to a batch, as far as it is written.
pub(super) struct Batch {
    out: Vec<u8>,
    failed: Option<serde_json::Error>,
}

impl Batch {
    /// Begins the answer to so many requests.
    pub(super) fn new(count: usize) -> Self {
        let mut out = Vec::with_capacity(64 + 160 * count);
        out.extend_from_slice(b"{\"results\":[");
        Self { out, failed: None }
    }

    /// Writes the next decision.
    pub(super) fn push(&mut self, decision: &Decision<'_>) {
        let written = write(&mut self.out, decision);
        self.pushed(written);
    }

    /// Writes the next decision, which was looked up.
    #[inline]
    pub(super) fn push_settled(&mut self, settled: Settled<'_>) {
        let written = write_settled(&mut self.out, settled);
        self.pushed(written);
    }

    #[inline]
    fn pushed(&mut self, written: Result<(), serde_json::Error>) {
        match written {
            Ok(()) => self.out.extend_from_slice(b"},"),
            Err(error) => self.failed = Some(error),
        }
    }

    /// Returns the answer.
    ///
    /// # Errors
    /// As [`decision`].
    pub(super) fn end(mut self, revision: &str) -> Result<Vec<u8>, serde_json::Error> {
        self.out.pop_if(|last| *last == b',');
        self.out.push(b']');
        write_revision(&mut self.out, revision);
        self.out.push(b'}');
        self.failed.map_or(Ok(self.out), Err)
    }
}

/// How much an answer is longer than what is remembered of it and its revision.
const REVISION: usize = ",\"revision\":\"\"}".len();

/// Writes the opaque form of a revision, of which nothing is escaped.
pub(in crate::http) fn write_revision(out: &mut Vec<u8>, revision: &str) {
    out.extend_from_slice(b",\"revision\":\"");
    out.extend_from_slice(revision.as_bytes());
    out.push(b'"');
}

/// Stands in what is written once where the id of a custom role belongs; behind it its place among those of the member. JSON
/// has no such byte.
const ROLE: u8 = 0;

/// Writes a decision; the object is left open.
pub(in crate::http) fn write(
    out: &mut Vec<u8>,
    decision: &Decision<'_>,
) -> Result<(), serde_json::Error> {
    match &decision.determining_policies {
        Policies::Remembered(settled) => write_settled(out, *settled),
        Policies::Listed(_) => write_anew(out, decision),
    }
}

/// Writes a decision that was looked up; the object is left open.
#[inline]
fn write_settled(out: &mut Vec<u8>, settled: Settled<'_>) -> Result<(), serde_json::Error> {
    let answer = settled.answer;
    if answer.names_roles() {
        return write_with_roles(out, settled);
    }
    let before = out.len();
    answer.copy_note(out, || remembered(answer));
    // Without a note there was nothing to copy.
    if out.len() == before { write_anew(out, &settled.into()) } else { Ok(()) }
}

fn write_with_roles(out: &mut Vec<u8>, settled: Settled<'_>) -> Result<(), serde_json::Error> {
    let mut rest = written(settled);
    if rest.is_empty() {
        return write_anew(out, &settled.into());
    }
    while let Some(at) = memchr::memchr(ROLE, rest) {
        let (before, behind) = rest.split_at(at);
        let [_, place, after @ ..] = behind else { return write_anew(out, &settled.into()) };
        out.extend_from_slice(before);
        // Letters, digits and `-`: nothing of it is escaped.
        let role = settled.roles.get(usize::from(*place)).map_or("", CustomRoleId::as_str);
        out.extend_from_slice(role.as_bytes());
        rest = after;
    }
    out.extend_from_slice(rest);
    Ok(())
}

/// Returns what is remembered of how an answer is written; nothing where that is not to be remembered.
#[inline]
fn written(settled: Settled<'_>) -> &[u8] {
    settled.answer.note(|| remembered(settled.answer))
}

fn remembered(answer: &Remembered) -> Vec<u8> {
    note(answer).unwrap_or_default()
}

/// Returns what [`write_anew`] writes, with [`ROLE`] for the ids of custom roles.
fn note(answer: &Remembered) -> Result<Vec<u8>, serde_json::Error> {
    let mut out = Vec::new();
    begin(&mut out, answer.reason());
    for (index, policy) in answer.policies().iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        match policy {
            RememberedPolicy::Whole(id) => serde_json::to_writer(&mut out, &**id)?,
            RememberedPolicy::OfRole(place, rest) => {
                out.extend_from_slice(&[b'"', ROLE, *place, b'/']);
                let text = serde_json::to_vec(&**rest)?;
                out.extend_from_slice(text.get(1..).unwrap_or_default());
            }
        }
    }
    out.extend_from_slice(b"],\"errors\":[]");
    Ok(out)
}

fn begin(out: &mut Vec<u8>, reason: Reason) {
    for part in [
        "{\"decision\":\"",
        reason.effect().as_str(),
        "\",\"reason\":\"",
        reason.as_str(),
        "\",\"determiningPolicies\":[",
    ] {
        out.extend_from_slice(part.as_bytes());
    }
}

fn write_anew(out: &mut Vec<u8>, decision: &Decision<'_>) -> Result<(), serde_json::Error> {
    begin(out, decision.reason);
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
