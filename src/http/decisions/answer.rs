//! Answers, as the service writes them: by hand, for they are written far more often than anything else.
//!
//! What is remembered of a decision is written once and copied from then on; beside it stand the revision and no more.

use serde::Serialize;
use serde_json::Value;

use super::explanation::ExplanationBody;
use crate::{
    domain::{
        CustomRoleId, Decision, Fault, Padded, Policies, Reason, Remembered, RememberedPolicy,
        Settled,
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
        Policies::Remembered(settled) => {
            beginning(decision.reason).len() + listed(settled.answer).len() + END.len()
        }
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
        match write(&mut self.out, decision) {
            Ok(()) => self.out.extend_from_slice(b"},"),
            Err(error) => self.failed = Some(error),
        }
    }

    /// Writes the next decision, which was looked up.
    #[inline]
    pub(super) fn push_settled(&mut self, settled: Settled<'_>) {
        write_settled(&mut self.out, settled, &END_OF_ITEM);
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

/// Writes a decision; the object is left open.
pub(in crate::http) fn write(
    out: &mut Vec<u8>,
    decision: &Decision<'_>,
) -> Result<(), serde_json::Error> {
    match &decision.determining_policies {
        Policies::Remembered(settled) => {
            write_settled(out, *settled, &END);
            Ok(())
        }
        Policies::Listed(_) => write_anew(out, decision),
    }
}

/// How an answer with nothing wrong ends behind its policies; the object is left open.
static END: Padded<16> = text(b"],\"errors\":[]");
/// The same of an item of a batch, with others behind it.
static END_OF_ITEM: Padded<16> = text(b"],\"errors\":[]},");

/// How answers begin, up to their policies, by reason.
static BEGINNINGS: [Padded<72>; 4] = [
    text(br#"{"decision":"Allow","reason":"explicit_allow","determiningPolicies":["#),
    text(br#"{"decision":"Deny","reason":"explicit_deny","determiningPolicies":["#),
    text(br#"{"decision":"Deny","reason":"implicit_deny","determiningPolicies":["#),
    text(br#"{"decision":"Deny","reason":"error","determiningPolicies":["#),
];

const fn text<const ROOM: usize>(bytes: &[u8]) -> Padded<ROOM> {
    // INVARIANT: looked at when the program is compiled.
    #[expect(clippy::panic, reason = "it ends the compilation")]
    match Padded::new(bytes) {
        Some(text) => text,
        None => panic!("more text than room"),
    }
}

#[inline]
const fn beginning(reason: Reason) -> &'static Padded<72> {
    let [explicit_allow, explicit_deny, implicit_deny, error] = &BEGINNINGS;
    match reason {
        Reason::ExplicitAllow => explicit_allow,
        Reason::ExplicitDeny => explicit_deny,
        Reason::ImplicitDeny => implicit_deny,
        Reason::Error => error,
    }
}

/// Stands in what is written once where the id of a custom role belongs; behind it its place among those of the member. JSON
/// has no such byte.
const ROLE: u8 = 0;

/// Writes a decision that was looked up.
#[inline]
fn write_settled(out: &mut Vec<u8>, settled: Settled<'_>, end: &Padded<16>) {
    let answer = settled.answer;
    beginning(answer.reason()).append_to(out);
    if answer.names_roles() {
        list_with_roles(out, settled);
    } else {
        answer.copy_note(out, || list(answer));
    }
    end.append_to(out);
}

fn list_with_roles(out: &mut Vec<u8>, settled: Settled<'_>) {
    let mut rest = listed(settled.answer);
    while let Some(at) = memchr::memchr(ROLE, rest) {
        let (before, behind) = rest.split_at(at);
        let [_, place, after @ ..] = behind else { break };
        out.extend_from_slice(before);
        // Letters, digits and `-`: nothing of it is escaped.
        let role = settled.roles.get(*place).map_or("", CustomRoleId::as_str);
        out.extend_from_slice(role.as_bytes());
        rest = after;
    }
    out.extend_from_slice(rest);
}

/// Returns the policies of an answer as they are written, with [`ROLE`] for the ids of custom roles: made once.
#[inline]
fn listed(answer: &Remembered) -> &[u8] {
    answer.note(|| list(answer))
}

fn list(answer: &Remembered) -> Vec<u8> {
    let mut out = Vec::new();
    for (index, policy) in answer.policies().iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let quoted = |text: &str| Value::from(text).to_string().into_bytes();
        match policy {
            RememberedPolicy::Whole(id) => out.extend(quoted(id)),
            RememberedPolicy::OfRole(place, rest) => {
                out.extend_from_slice(&[b'"', ROLE, *place, b'/']);
                out.extend(quoted(rest).into_iter().skip(1));
            }
        }
    }
    out
}

fn write_anew(out: &mut Vec<u8>, decision: &Decision<'_>) -> Result<(), serde_json::Error> {
    out.extend_from_slice(beginning(decision.reason).bytes());
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::{HeldRoles, RoleLists};

    #[test]
    fn answers_begin_and_end_as_they_are_said() {
        for reason in
            [Reason::ExplicitAllow, Reason::ExplicitDeny, Reason::ImplicitDeny, Reason::Error]
        {
            let (effect, said) = (reason.effect().as_str(), reason.as_str());
            let begun = format!(
                "{{\"decision\":\"{effect}\",\"reason\":\"{said}\",\"determiningPolicies\":["
            );
            assert_eq!(beginning(reason).bytes(), begun.as_bytes());
        }
        assert_eq!(END_OF_ITEM.bytes(), [END.bytes(), b"},"].concat());
    }

    #[test]
    fn what_is_remembered_is_written_as_what_is_listed() {
        let whole = |text: &str| RememberedPolicy::Whole(text.into());
        let held: [CustomRoleId; 2] =
            ["role-1", "role-22"].map(|id| CustomRoleId::parse(id).unwrap());
        let lists: RoleLists = [Arc::default(), Arc::from(held)].into();
        let roles = HeldRoles::of(&lists, 1);
        let of_role = |place, rest: &str| RememberedPolicy::OfRole(place, rest.into());
        for policies in [
            vec![],
            vec![whole("short")],
            vec![whole("one \"quoted\" \\ \u{1}"), whole("two")],
            vec![whole(&"long".repeat(60)), whole("two")],
            vec![of_role(0, "Module.read"), of_role(1, "Module.\"write\""), whole("whole")],
            vec![of_role(1, &"long".repeat(60))],
        ] {
            let answer = Remembered::new(Reason::ExplicitAllow, policies);
            let settled: Decision<'_> = Settled { answer: &answer, roles }.into();
            let listed =
                Decision::listed(Reason::ExplicitAllow, settled.determining_policies.to_vec());
            for _ in 0..2 {
                let mut out = [Vec::new(), Vec::new()];
                for (out, decision) in out.iter_mut().zip([&settled, &listed]) {
                    write(out, decision).unwrap();
                }
                let [of_settled, of_listed] = out.map(|out| String::from_utf8(out).unwrap());
                assert_eq!(of_settled, of_listed);
            }
        }
    }
}
