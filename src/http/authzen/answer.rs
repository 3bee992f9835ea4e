//! Answers: `decision`, and as `context` what `/v1/is-authorized` would say of it.

use serde::Serialize;

use super::account::in_words_of_authzen;
use crate::{
    domain::{Decision, Effect, Fault, Invalid},
    http::decisions::{write_decision, write_revision},
};

/// What stands in the place of a decision that could not be made.
#[derive(Serialize)]
struct ErrorBody<'e> {
    status: u16,
    message: &'e str,
}

/// Writes a decision, and the revision it was made at where that is not said elsewhere.
///
/// # Errors
/// Never for a decision of the engine; kept so that nothing panics.
pub(super) fn write(
    out: &mut Vec<u8>,
    decision: &Decision<'_>,
    revision: Option<&str>,
) -> Result<(), serde_json::Error> {
    let allows = decision.effect() == Effect::Allow;
    let begin: &[u8] = if allows {
        b"{\"decision\":true,\"context\":"
    } else {
        b"{\"decision\":false,\"context\":"
    };
    out.extend_from_slice(begin);
    if decision.faults.is_empty() {
        write_decision(out, decision)?;
    } else {
        let mut named = decision.clone();
        for fault in &mut named.faults {
            if let Fault::Request(invalid) = fault {
                **invalid = in_words_of_authzen(Invalid::clone(invalid));
            }
        }
        write_decision(out, &named)?;
        write_error(out, &named)?;
    }
    if let Some(revision) = revision {
        write_revision(out, revision);
    }
    out.extend_from_slice(b"}}");
    Ok(())
}

/// Writes the first of what went wrong in the form that AuthZEN has for it.
fn write_error(out: &mut Vec<u8>, decision: &Decision<'_>) -> Result<(), serde_json::Error> {
    if let Some(fault) = decision.faults.first() {
        let error = match fault {
            Fault::Request(invalid) => ErrorBody { status: 400, message: &invalid.message },
            Fault::Evaluation(_) => {
                ErrorBody { status: 500, message: "a policy failed to evaluate" }
            }
        };
        out.extend_from_slice(b",\"error\":");
        serde_json::to_writer(&mut *out, &error)?;
    }
    Ok(())
}

/// Returns the answer to one request.
///
/// # Errors
/// As [`write`].
pub(super) fn evaluation(
    decision: &Decision<'_>,
    revision: &str,
) -> Result<Vec<u8>, serde_json::Error> {
    let mut out = Vec::with_capacity(320);
    write(&mut out, decision, Some(revision))?;
    Ok(out)
}
