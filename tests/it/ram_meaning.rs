//! What RAM documents mean: the corners of ADR 14 pinned, and the engine held against the independent evaluator.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use pai_authz::{
    catalog::catalog,
    domain::{
        AccountId, AccountRecords, Asker, ContextValue, Holder, IdRef, Identity, PolicyRef,
        PolicyType, Principal, PrincipalId, PrincipalKind, Profile, Reason, Request, Resource,
        Scalar, Timestamp, UserName,
    },
    engine::{Document, Engine, Plain, Simulation, Snapshot, Verdict as Said},
    ram::{document::Kind, finding::Class, lint::lint},
};

use crate::support::{
    Seeded, full,
    naive_ram::{Asked, Judged, Verdict, judge, spelled},
    random_ram::{self, Coverage},
    records::custom_policy,
    report,
};

const ACCOUNT: &str = "1000000000000001";
const ALICE: &str = "2001";
const ARN: &str = "acs:log:cn-hangzhou:1000000000000001:project/p1";

/// What the only statement says, in an Allow and in a Deny, and whether it applies there. The request is for
/// `log:GetProject` on [`ARN`] and states some keys.
type Row = (&'static str, [bool; 2]);

const ROWS: &[Row] = &[
    (r#""Action":"LOG:get*","Resource":"*""#, [true, true]),
    (r#""Action":"*","Resource":"acs:log:*:*:Project/p1""#, [false, false]),
    (r#""Action":"*","Resource":"acs:log:*:*:project/p?""#, [true, true]),
    (r#""Action":"log:Get?roject","Resource":"*""#, [false, true]),
    (r#""NotAction":"log:Get?roject","Resource":"*""#, [false, true]),
    (r#""NotAction":["log:ListProject","ram:*"],"Resource":"*""#, [true, true]),
    (r#""Action":"*","Resource":"acs:log::*:project/p1""#, [false, true]),
    (r#""Action":"*","Resource":"acs:log:*::project/p1""#, [true, true]),
    (
        r#""Action":"*","Resource":"*","Condition":{"StringNotEquals":{"oss:Other":"x"}}"#,
        [false, true],
    ),
    (
        r#""Action":"*","Resource":"*","Condition":{"StringNotLike":{"oss:None":"x"}}"#,
        [false, true],
    ),
    (
        r#""Action":"*","Resource":"*","Condition":{"StringEquals":{"oss:Other":"x"}}"#,
        [false, false],
    ),
    (
        r#""Action":"*","Resource":"*","Condition":{"StringEquals":{"OSS:MANY":["b","c"]}}"#,
        [true, true],
    ),
    (
        r#""Action":"*","Resource":"*","Condition":{"StringNotEquals":{"oss:Many":["b","c"]}}"#,
        [false, false],
    ),
    (
        r#""Action":"*","Resource":"*","Condition":{"StringEqualsIgnoreCase":{"oss:Text":"äRGER"}}"#,
        [true, true],
    ),
    (
        r#""Action":"*","Resource":"*","Condition":{"NumericEquals":{"oss:Number":"+10.0"}}"#,
        [true, true],
    ),
    (
        r#""Action":"*","Resource":"*","Condition":{"NumericLessThan":{"oss:Number":"10.000000000000000000001"}}"#,
        [true, true],
    ),
    (
        r#""Action":"*","Resource":"*","Condition":{"DateEquals":{"oss:When":"2026-02-01T00:00:00.0001+08:00"}}"#,
        [true, true],
    ),
    (
        r#""Action":"*","Resource":"*","Condition":{"DateLessThan":{"oss:When":"2026-01-31T16:00:00.001Z"}}"#,
        [true, true],
    ),
    (
        r#""Action":"*","Resource":"*","Condition":{"IpAddress":{"oss:From":"10.0.0.0/8"}}"#,
        [true, true],
    ),
    (
        r#""Action":"*","Resource":"*","Condition":{"IpAddress":{"oss:From":"::/0"}}"#,
        [false, false],
    ),
    (r#""Action":"*","Resource":"*","Condition":{"Bool":{"oss:Flag":"true"}}"#, [true, true]),
];

fn context() -> BTreeMap<String, ContextValue> {
    let text = |text: &str| Scalar::String(text.to_owned());
    let many = ["a", "b"].map(text).to_vec();
    let stated = [
        ("oss:Many", ContextValue::Many(many)),
        ("oss:None", ContextValue::Many(Vec::new())),
        ("oss:Text", ContextValue::One(text("Ärger"))),
        ("oss:Number", ContextValue::One(Scalar::Number("10".to_owned()))),
        ("oss:When", ContextValue::One(text("2026-01-31T16:00Z"))),
        ("oss:From", ContextValue::One(text("::ffff:10.0.0.1"))),
        ("oss:Flag", ContextValue::One(Scalar::Bool(true))),
    ];
    stated.map(|(key, value)| (key.to_owned(), value)).into()
}

fn verdict(statement: &str, effect: &str) -> Verdict {
    let text = format!(r#"{{"Version":"1","Statement":[{{"Effect":"{effect}",{statement}}}]}}"#);
    let asked = Asked { action: "log:GetProject", arn: ARN, context: &context() };
    judge(&[("p".to_owned(), text)], &asked).verdict
}

#[test]
fn the_corners_are_read_as_the_page_has_them() {
    for (statement, [in_allow, in_deny]) in ROWS {
        let expected = if *in_allow { Verdict::Allow } else { Verdict::Nothing };
        assert_eq!(verdict(statement, "Allow"), expected, "{statement}");
        let expected = if *in_deny { Verdict::Deny } else { Verdict::Nothing };
        assert_eq!(verdict(statement, "Deny"), expected, "{statement}");
    }
}

#[test]
fn a_value_of_the_wrong_type_is_an_error_whatever_else_holds() {
    let wrong = r#""Action":"*","Resource":"*","Condition":{"Bool":{"oss:Flag":"false"},"DateLessThan":{"oss:Text":"2026-01-31T16:00:00Z"}}"#;
    assert_eq!(["Allow", "Deny"].map(|effect| verdict(wrong, effect)), [Verdict::Error; 2]);
    assert_eq!(verdict(&wrong.replacen('*', "log:ListProject", 1), "Deny"), Verdict::Nothing);
}

/// What the engine says, in the words of the evaluator.
fn said(
    engine: &Engine,
    documents: &[Document],
    simulation: &Simulation<'_>,
) -> (Verdict, Vec<(String, usize)>, Vec<String>) {
    let documents: Vec<&Document> = documents.iter().collect();
    let Ok(said) = engine.simulate(&documents, simulation) else {
        return (Verdict::Error, Vec::new(), Vec::new());
    };
    let verdict = match said.verdict {
        Said::Allowed => Verdict::Allow,
        Said::ExplicitDeny => Verdict::Deny,
        Said::ImplicitDeny => Verdict::Nothing,
    };
    let matched = said.matched.into_iter().map(|it| (it.document, it.statement)).collect();
    let missing = said.missing_context_keys.iter().map(|key| spelled(key)).collect();
    (verdict, matched, missing)
}

/// Returns an account whose user `alice` has these documents as policies.
fn account_with(engine: &Arc<Engine>, texts: &[(String, String)]) -> Snapshot {
    let then = Timestamp::from_millis(0);
    let mut records = AccountRecords::empty(AccountId::parse(ACCOUNT).unwrap());
    let user = PrincipalId::parse(ALICE).unwrap();
    let identity = Identity {
        principal: Principal { kind: PrincipalKind::User, id: user.clone() },
        name: UserName::parse("alice").unwrap(),
        profile: Profile::default(),
        assumable: None,
        created: then,
        modified: then,
    };
    records.identities.insert(user.clone(), identity);
    for (name, text) in texts {
        let policy = custom_policy(name, text);
        let name = policy.name.clone();
        records.policies.insert(name.clone(), policy);
        let reference = PolicyRef { policy_type: PolicyType::Custom, name };
        records.attachments.insert((Holder::Principal(user.clone()), reference), then);
    }
    Snapshot::build(engine.clone(), &records).unwrap()
}

/// Holds a decision of an account against what the documents say.
#[track_caller]
fn check_decision(snapshot: &Snapshot, simulation: &Simulation<'_>, expected: &Judged) {
    let action = catalog().find_action(simulation.action).unwrap();
    let request = Request {
        principal: Asker { kind: PrincipalKind::User, id: IdRef::parse(ALICE).unwrap() },
        action: action.id,
        resource: Resource::Arn { arn: simulation.resource.into(), workspace: None },
        context: Cow::Borrowed(simulation.context),
    };
    let decision = snapshot.is_authorized(&request);
    let plain = Plain::default().judge(snapshot, &request);
    assert!(!Plain::differs(&decision, &plain), "{simulation:?} {decision:?} {plain:?}");
    if let Some(settled) = snapshot.settled(&request) {
        assert_eq!(settled, decision, "{simulation:?}");
    }
    // What every known user has unless a document denies it.
    let granted = action.allowed_unless_denied;
    let reason = match expected.verdict {
        Verdict::Error => Reason::Error,
        Verdict::Deny => Reason::ExplicitDeny,
        Verdict::Allow => Reason::ExplicitAllow,
        Verdict::Nothing if granted => Reason::ExplicitAllow,
        Verdict::Nothing => Reason::ImplicitDeny,
    };
    assert_eq!(decision.reason, reason, "{simulation:?} {expected:?} {decision:?}");
    let mut named = decision.determining_policies.to_vec();
    named.retain(|id| id.starts_with("Custom/"));
    let mut matched: Vec<_> = expected
        .matched
        .iter()
        .map(|(name, index)| format!("Custom/{name}/v1/Statement/{index}"))
        .collect();
    matched.sort_unstable();
    assert_eq!(named, matched, "{simulation:?}");
}

#[test]
fn cedar_and_the_independent_evaluator_say_the_same_of_random_documents() {
    let engine = Engine::new("cn-hangzhou").unwrap();
    let actions: Vec<String> =
        catalog().ram_actions().iter().map(|it| it.action.to_owned()).collect();
    let (mut seeded, mut coverage) = (Seeded(202_614), Coverage::default());
    let alice = "acs:ram::1000000000000001:user/alice";
    let principals = [
        alice,
        alice,
        alice,
        "acs:ram::1000000000000001:role/trainer",
        "acs:ram::1000000000000001:root",
    ];
    let (mut documents, mut requests, mut decisions) = (0, 0, 0);
    while documents < full(500, 10_000) {
        let texts: Vec<(String, String)> = (0..=seeded.below(3))
            .map(|n| {
                let text = random_ram::document(&mut seeded, &actions, &mut coverage);
                let worst = lint(&text, Kind::Identity).worst();
                assert!(worst < Some(Class::Error), "{text}");
                (format!("d{n}"), text)
            })
            .collect();
        let compiled: Vec<Document> = texts
            .iter()
            .map(|(name, text)| engine.compile_document(name, "v1", text).unwrap())
            .collect();
        let snapshot = account_with(&engine, &texts);
        let only: Vec<String> = texts.iter().map(|(_, text)| text.clone()).collect();
        documents += texts.len() as u64;
        for _ in 0..100 * texts.len() {
            let (action, arn, context) = random_ram::request(&mut seeded, &actions, &only);
            let principal_arn = principals.get(usize::try_from(seeded.below(6)).unwrap()).copied();
            let simulation =
                Simulation { action: &action, resource: &arn, principal_arn, context: &context };
            // The engine knows the principal by itself; the evaluator is told.
            let mut context = context.clone();
            if let Some(arn) = principal_arn {
                let value = ContextValue::One(Scalar::String(arn.to_owned()));
                context.insert("acs:PrincipalARN".to_owned(), value);
            }
            let asked = Asked { action: &action, arn: &arn, context: &context };
            let expected = judge(&texts, &asked);
            coverage.note_judged(&texts, &asked, &expected);
            let (verdict, matched, missing) = said(&engine, &compiled, &simulation);
            let context = || format!("{action} on {arn}\n{context:#?}\n{}", only.join("\n"));
            assert_eq!(verdict, expected.verdict, "{}", context());
            assert_eq!(matched, expected.matched, "{}", context());
            if verdict != Verdict::Error {
                assert!(missing.iter().eq(&expected.missing), "{missing:?}\n{}", context());
            }
            if principal_arn == Some(alice) {
                check_decision(&snapshot, &simulation, &expected);
                decisions += 1;
            }
            requests += 1;
        }
    }
    assert_eq!(coverage.holes(), Vec::<String>::new());
    report(&format!(
        "{documents} documents, {requests} requests, {decisions} of them decisions, 0 differences\n{coverage}"
    ));
}
