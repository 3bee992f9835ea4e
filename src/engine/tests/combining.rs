//! How the answers of slices become one decision.

use cedar_policy::{Context, Entities, Policy, PolicyId, PolicySet, Request};

use crate::{
    domain::{Decision, Effect, Fault, Reason},
    engine::{judge::judge, names::Type},
};

/// Returns a slice of policies given as id and text.
fn slice(policies: &[(&str, &str)]) -> PolicySet {
    let policy = |&(id, text): &(&str, &str)| Policy::parse(Some(PolicyId::new(id)), text).unwrap();
    PolicySet::from_policies(policies.iter().map(policy)).unwrap()
}

fn decision(slices: &[&PolicySet]) -> Decision<'static> {
    let request = Request::new(
        Type::User.uid("2001"),
        Type::Action.uid("PaiDLC:StopJob"),
        Type::Asset.uid("job/*"),
        Context::empty(),
        None,
    )
    .unwrap();
    judge(slices, &request, &Entities::empty())
}

const PERMIT: &str = "permit(principal, action, resource);";
const FORBID: &str = "forbid(principal, action, resource);";
const NOT_THIS: &str = r#"permit(principal == PAI::User::"9", action, resource);"#;
const FAILING_FORBID: &str = "forbid(principal, action, resource) when { resource.missing };";
const FAILING_PERMIT: &str = "permit(principal, action, resource) when { 1 + true > 0 };";

#[test]
fn an_error_beside_a_permit_denies_whatever_failed() {
    for failing in [FAILING_FORBID, FAILING_PERMIT] {
        let together = slice(&[("a", PERMIT), ("broken", failing)]);
        let (apart, permit) = (slice(&[("broken", failing)]), slice(&[("a", PERMIT)]));
        for slices in [vec![&together], vec![&apart, &permit], vec![&permit, &apart]] {
            let decision = decision(&slices);
            assert_eq!((decision.reason, decision.effect()), (Reason::Error, Effect::Deny));
            assert_eq!(decision.faults, [Fault::Evaluation("broken".to_owned())]);
            assert!(
                decision.determining_policies.is_empty(),
                "an error is not explained by a permit"
            );
        }
    }
}

#[test]
fn every_failing_policy_is_named_once() {
    let one = slice(&[("b", FAILING_FORBID), ("a", FAILING_PERMIT)]);
    let fault = |id: &str| Fault::Evaluation(id.to_owned());
    assert_eq!(decision(&[&one, &one]).faults, [fault("a"), fault("b")]);
}

#[test]
fn a_forbid_of_one_slice_beats_the_permits_of_others() {
    let (permit, forbid) = (slice(&[("p", PERMIT)]), slice(&[("f", FORBID), ("g", FORBID)]));
    for slices in [[&permit, &forbid], [&forbid, &permit]] {
        let decision = decision(&slices);
        assert_eq!(decision.reason, Reason::ExplicitDeny);
        assert_eq!(decision.determining_policies.to_vec(), ["f", "g"]);
    }
}

#[test]
fn permits_of_several_slices_are_all_named_in_order() {
    let (z, a) = (slice(&[("z", PERMIT), ("n", NOT_THIS)]), slice(&[("b", PERMIT), ("a", PERMIT)]));
    let decision = decision(&[&z, &a]);
    assert_eq!(decision.reason, Reason::ExplicitAllow);
    assert_eq!(decision.determining_policies.to_vec(), ["a", "b", "z"]);
}

#[test]
fn a_policy_is_named_by_the_id_it_was_given() {
    let odd = slice(&[("a\"b\\c 名", PERMIT)]);
    assert_eq!(decision(&[&odd]).determining_policies.to_vec(), ["a\"b\\c 名"]);
}

#[test]
fn nothing_that_applies_is_an_implicit_deny() {
    assert_eq!(decision(&[]), Decision::implicit_deny());
    assert_eq!(decision(&[&slice(&[("n", NOT_THIS)])]), Decision::implicit_deny());
}
