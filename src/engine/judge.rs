//! Puts policies to Cedar and combines what it says.

use std::collections::BTreeSet;

use cedar_policy::{
    Authorizer, Decision as CedarDecision, Entities, PolicyId, PolicySet, Request as CedarRequest,
};

use crate::domain::{Decision, Fault, Reason};

/// Combines the answers of the slices: any error denies, else any forbid denies, else any permit allows.
pub(super) fn judge(
    slices: &[&PolicySet],
    request: &CedarRequest,
    entities: &Entities,
) -> Decision<'static> {
    let authorizer = Authorizer::new();
    let (mut permits, mut forbids, mut faults) =
        (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for slice in slices {
        let response = authorizer.is_authorized(request, slice, entities);
        let diagnostics = response.diagnostics();
        // Cedar skips a policy that fails, also a forbid: a request with any failure must not be allowed.
        faults.extend(diagnostics.errors().map(policy_of));
        let reasons = diagnostics.reason().map(text_of);
        match response.decision() {
            CedarDecision::Allow => permits.extend(reasons),
            CedarDecision::Deny => forbids.extend(reasons),
        }
    }
    if !faults.is_empty() {
        let faults = faults.into_iter().map(Fault::Evaluation).collect();
        return Decision { faults, ..Decision::listed(Reason::Error, Vec::new()) };
    }
    let (reason, policies) = if !forbids.is_empty() {
        (Reason::ExplicitDeny, forbids)
    } else if !permits.is_empty() {
        (Reason::ExplicitAllow, permits)
    } else {
        (Reason::ImplicitDeny, BTreeSet::new())
    };
    Decision::listed(reason, policies.into_iter().collect())
}

fn policy_of(error: &cedar_policy::AuthorizationError) -> String {
    match error {
        cedar_policy::AuthorizationError::PolicyEvaluationError(error) => {
            text_of(error.policy_id())
        }
    }
}

/// Returns a policy id as it was given; its `Display` escapes.
fn text_of(id: &PolicyId) -> String {
    let text: &str = id.as_ref();
    text.to_owned()
}
