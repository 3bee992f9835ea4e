//! RAM documents decide together with roles.

use std::{collections::BTreeMap, sync::Arc};

use super::{ACCOUNT, account, allowed, ask, check, decide, engine, on, records, snapshot};
use crate::{
    catalog::catalog,
    domain::{
        AccountRecords, ContextValue, Fault, GroupId, Holder, Op, Policy, PolicyName, PolicyRef,
        PolicyType, PolicyVersion, Question, Reason, Revision, Scalar, Timestamp, VersionId,
    },
    engine::{Document, NoSuggestion, Simulation, Snapshot, ram::Statement, validate},
};

const THEN: Timestamp = Timestamp::from_millis(0);

pub(super) fn policy(name: &str, versions: &[&str], default: u32) -> Op {
    let version = |(number, text): (u32, &&str)| PolicyVersion {
        id: VersionId(number),
        document: Arc::from(*text),
        created: THEN,
    };
    Op::PutPolicy(Policy {
        name: PolicyName::parse(name).unwrap(),
        description: String::new(),
        versions: (1..).zip(versions).map(version).collect(),
        default: VersionId(default),
        next: VersionId(9),
        created: THEN,
        modified: THEN,
    })
}

fn reference(name: &str) -> PolicyRef {
    let (kind, name) = name.split_once('/').unwrap();
    PolicyRef {
        policy_type: PolicyType::parse(kind).unwrap(),
        name: PolicyName::parse(name).unwrap(),
    }
}

fn holder(id: &str) -> Holder {
    match GroupId::parse(id) {
        Ok(group) => Holder::Group(group),
        Err(_) => Holder::Principal(super::principal_id(id)),
    }
}

pub(super) fn attach(to: &str, policy: &str) -> Op {
    Op::PutAttachment(holder(to), reference(policy), THEN)
}

fn detach(to: &str, policy: &str) -> Op {
    Op::RemoveAttachment(holder(to), reference(policy))
}

fn with(snapshot: &Snapshot, ops: &[Op]) -> Snapshot {
    snapshot.with(ops, Revision { epoch: 1, counter: 1 }).unwrap()
}

/// A workspace with a developer; 2002 is known and no member, 3001 is a RAM role.
fn people() -> AccountRecords {
    records(
        &["2001", "2002", "3001"],
        &["10001"],
        &[],
        &[("10001", "2001", &["PAI.AlgoDeveloper"])],
    )
}

pub(super) fn document(statements: &str) -> String {
    format!(r#"{{"Version":"1","Statement":[{statements}]}}"#)
}

pub(super) fn statement(effect: &str, action: &str, resource: &str) -> String {
    format!(r#"{{"Effect":"{effect}","Action":{action},"Resource":{resource}}}"#)
}

fn stop<'a>(who: &'a str, creator: &'a str) -> Question<'a> {
    on(who, "PaiDLC:StopJob", "10001", creator, "PRIVATE")
}

fn denied(snapshot: &Snapshot, question: &Question<'_>) {
    check(snapshot, question, Reason::ImplicitDeny, &[]);
}

#[test]
fn an_allow_grants_without_any_role_and_a_deny_wins_over_one() {
    let before = snapshot(&people());
    denied(&before, &stop("2002", "2001"));
    let grant = document(&statement(
        "Allow",
        r#""paidlc:Stop*""#,
        r#""acs:paidlc:*:*:workspace/10001/dlcjob/*""#,
    ));
    let forbid = document(&format!(
        "{},{}",
        statement("Allow", r#""log:*""#, r#""*""#),
        statement("Deny", r#"["PaiDLC:StopJob"]"#, r#""*""#)
    ));
    let after = with(
        &before,
        &[
            policy("grant", &[&grant], 1),
            policy("forbid", &[&grant, &forbid], 2),
            attach("2002", "Custom/grant"),
            attach("2001", "Custom/forbid"),
        ],
    );
    allowed(&after, &stop("2002", "2001"), &["Custom/grant/v1/Statement/0"]);
    check(&after, &stop("2001", "2001"), Reason::ExplicitDeny, &["Custom/forbid/v2/Statement/1"]);
    // It reaches one action only.
    let get = on("2001", "PaiDLC:GetJob", "10001", "2001", "PRIVATE");
    assert_eq!(decide(&after, &get).reason, Reason::ExplicitAllow);
    // The other version means something else; detached, nothing is left of it.
    let other = with(&after, &[policy("forbid", &[&grant, &forbid], 1)]);
    let both = ["Custom/forbid/v1/Statement/0", "PAI.AlgoDeveloper/DLC.write.own-private"];
    allowed(&other, &stop("2001", "2001"), &both);
    let gone = with(&after, &[detach("2001", "Custom/forbid"), detach("2002", "Custom/grant")]);
    allowed(&gone, &stop("2001", "2001"), &["PAI.AlgoDeveloper/DLC.write.own-private"]);
    denied(&gone, &stop("2002", "2001"));
}

#[test]
fn a_user_has_the_policies_of_its_groups_and_a_ram_role_its_own() {
    let grant = document(&statement("Allow", r#""paidlc:*""#, r#""*""#));
    let group = GroupId::parse("g-1").unwrap();
    let user = super::principal_id("2002");
    let joined = with(
        &snapshot(&people()),
        &[
            policy("grant", &[&grant], 1),
            attach("g-1", "Custom/grant"),
            attach("3001", "Custom/grant"),
            Op::PutGroupMember(group.clone(), user.clone(), THEN),
        ],
    );
    allowed(&joined, &stop("2002", "2001"), &["Custom/grant/v1/Statement/0"]);
    allowed(&joined, &stop("3001", "2001"), &["Custom/grant/v1/Statement/0"]);
    let left = with(&joined, &[Op::RemoveGroupMember(group, user)]);
    denied(&left, &stop("2002", "2001"));
    // Held in two ways it is one policy.
    let twice = with(&joined, &[attach("2002", "Custom/grant")]);
    allowed(&twice, &stop("2002", "2001"), &["Custom/grant/v1/Statement/0"]);
}

#[test]
fn no_document_reaches_the_main_account_nor_another_one() {
    let all = statement("Deny", r#""*""#, r#""*""#);
    let snapshot = with(
        &snapshot(&people()),
        &[
            policy("none", &[&document(&all)], 1),
            policy("all", &[&document(&all.replace("Deny", "Allow"))], 1),
            attach(ACCOUNT, "Custom/none"),
            attach("2002", "Custom/all"),
        ],
    );
    allowed(&snapshot, &stop(ACCOUNT, "2001"), &["account/owns-everything"]);
    allowed(&snapshot, &stop("2002", "2001"), &["Custom/all/v1/Statement/0"]);
    let arn = |account: &str, rest: &str| format!("acs:log:cn-hangzhou:{account}:{rest}");
    for (account, rest, is_own) in [
        (ACCOUNT, "project/p", true),
        (ACCOUNT, "project/p:x:y/z", true),
        ("1000000000000002", "project/p", false),
        ("", "project/p", false),
        ("*", "project/p", false),
    ] {
        let arn = arn(account, rest);
        let question = Question { arn: Some(&arn), ..ask("2002", "log:GetProject") };
        let reason = if is_own { Reason::ExplicitAllow } else { Reason::ImplicitDeny };
        assert_eq!(decide(&snapshot, &question).reason, reason, "{arn}");
    }
    // Nobody knows this user, whatever is attached to its id.
    let stranger = with(&snapshot, &[attach("2009", "Custom/all")]);
    denied(&stranger, &stop("2009", "2001"));
    // There is no such workspace, whatever a policy grants.
    denied(&snapshot, &on("2002", "PaiDLC:StopJob", "10009", "2001", "PRIVATE"));
}

#[test]
fn account_scope_is_granted_by_documents() {
    let before = snapshot(&people());
    let create = ask("2002", "PaiWorkspace:CreateWorkspace");
    denied(&before, &create);
    let after = with(&before, &[attach("2002", "System/AliyunPAIFullAccess")]);
    allowed(&after, &create, &["System/AliyunPAIFullAccess/v6/Statement/0"]);
    denied(&after, &ask("2002", "ram:CreateUser"));
    // What everybody has unless a policy denies it.
    let list = ask("2002", "Pai:ListProducts");
    assert_eq!(decide(&before, &list).reason, Reason::ExplicitAllow);
    let deny = document(&statement("Deny", r#""pai:ListProducts""#, r#""*""#));
    let forbidden = with(&before, &[policy("deny", &[&deny], 1), attach("2002", "Custom/deny")]);
    check(&forbidden, &list, Reason::ExplicitDeny, &["Custom/deny/v1/Statement/0"]);
}

#[test]
fn conditions_on_the_asset_and_the_principal_are_known_here() {
    let conditional = |condition: &str| {
        document(&format!(
            r#"{{"Effect":"Allow","Action":"paidlc:*","Resource":"*","Condition":{condition}}}"#
        ))
    };
    for (condition, question, is_allowed) in [
        (r#"{"StringEquals":{"pai:EntityAccessType":"CREATOR"}}"#, stop("2002", "2002"), true),
        (r#"{"StringEquals":{"pai:EntityAccessType":"CREATOR"}}"#, stop("2002", "2001"), false),
        (r#"{"StringEquals":{"pai:EntityAccessType":["OTHERS"]}}"#, stop("2002", "2001"), true),
        (r#"{"StringEquals":{"pai:Accessibility":"PUBLIC"}}"#, stop("2002", "2002"), false),
        (r#"{"StringEquals":{"PAI:accessibility":"PRIVATE"}}"#, stop("2002", "2002"), true),
        (
            r#"{"StringLike":{"acs:PrincipalArn":"acs:ram::*:user/n2002"}}"#,
            stop("2002", "2001"),
            true,
        ),
        (r#"{"StringLike":{"acs:PrincipalARN":"acs:ram::*:role/*"}}"#, stop("2002", "2001"), false),
    ] {
        let text = conditional(condition);
        let after = with(
            &snapshot(&people()),
            &[policy("some", &[&text], 1), attach("2002", "Custom/some")],
        );
        let reason = if is_allowed { Reason::ExplicitAllow } else { Reason::ImplicitDeny };
        assert_eq!(decide(&after, &question).reason, reason, "{condition}");
    }
}

#[test]
fn what_cannot_be_judged_is_denied_and_says_why() {
    // A policy that is attached and gone: it might have denied.
    let dangling = with(&snapshot(&people()), &[attach("2001", "Custom/gone")]);
    let decision = decide(&dangling, &stop("2001", "2001"));
    assert_eq!(decision.reason, Reason::Error);
    assert_eq!(decision.faults, [Fault::Evaluation("Custom/gone".to_owned())]);
    // A value that a policy compares as something else.
    let limit = document(
        r#"{"Effect":"Deny","Action":"paidlc:*","Resource":"*","Condition":{"NumericGreaterThan":{"acs:RequestTag/gpus":"8"}}}"#,
    );
    let limited = with(
        &snapshot(&people()),
        &[policy("limit", &[&limit], 1), attach("2001", "Custom/limit")],
    );
    for (value, reason) in
        [("9", Reason::ExplicitDeny), ("8", Reason::ExplicitAllow), ("many", Reason::Error)]
    {
        let value = ContextValue::One(Scalar::String(value.to_owned()));
        let context = BTreeMap::from([("acs:RequestTag/gpus".to_owned(), value)]);
        let decision =
            decide(&limited, &Question { context: Some(&context), ..stop("2001", "2001") });
        assert_eq!(decision.reason, reason);
        if reason == Reason::Error {
            let [Fault::Request(invalid)] = &decision.faults[..] else { panic!("{decision:?}") };
            assert_eq!(invalid.field, "context.acs:RequestTag/gpus");
        }
    }
}

#[test]
fn a_policy_that_does_not_compile_is_refused_whole() {
    let before = snapshot(&people());
    for text in [
        "",
        "{}",
        r#"{"Version":"1","Statement":[]}"#,
        r#"{"Version":"2","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#,
        r#"{"Version":"1","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}"#,
        r#"{"Version":"1","Statement":[{"Effect":"deny","Action":"*","Resource":"*"}]}"#,
        r#"{"Version":"1","Statement":[{"Effect":"Deny","Effect":"Allow","Action":"*","Resource":"*"}]}"#,
        r#"{"Version":"1","Statement":[{"Effect":"Deny","Action":["*",1],"Resource":"*"}]}"#,
        r#"{"Version":"1","Statement":[{"Effect":"Deny","Action":"*","NotAction":"*","Resource":"*"}]}"#,
        r#"{"Version":"1","Statement":[{"Effect":"Deny","Action":"*","Resource":[]}]}"#,
        r#"{"Version":"1","Statement":[{"Effect":"Deny","Action":"*","Resource":"acs:log:*:*:${x}"}]}"#,
        r#"{"Version":"1","Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Null":{"k:k":"1"}}}]}"#,
        r#"{"Version":"1","Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"k:k":"1"}}}]}"#,
        r#"{"Version":"1","Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringEquals":{"k:k":[]}}}]}"#,
        r#"{"Version":"1","Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Sid":"x"}]}"#,
    ] {
        let ops = [policy("broken", &[text], 1)];
        assert!(before.with(&ops, Revision { epoch: 1, counter: 1 }).is_err(), "{text}");
        assert!(engine().compile_document("d", "v1", text).is_err(), "{text}");
    }
}

#[test]
fn every_system_policy_compiles_and_is_valid_against_the_whole_schema() {
    for policy in catalog().system_policies() {
        let compiled = engine().compile_document(policy.name, policy.version, policy.document);
        let compiled: Document = compiled.unwrap();
        let policies = compiled.statements().iter().flat_map(Statement::policies).collect();
        if policy.name.starts_with("AliyunLog") || policy.name == "AliyunPAIFullAccess" {
            validate::validate_whole(catalog(), policies).unwrap();
        }
    }
}

#[test]
fn the_sample_of_the_guide_grants_its_three_actions_and_no_other() {
    let three = [
        "log:GetProductDataCollection",
        "log:CloseProductDataCollection",
        "log:OpenProductDataCollection",
    ];
    let text = document(&statement("Allow", &format!("{three:?}"), r#""*""#));
    let document = engine().compile_document("sample", "v1", &text).unwrap();
    let context = BTreeMap::new();
    let mut granted = Vec::new();
    for action in catalog().ram_actions() {
        let asked = Simulation {
            action: action.action,
            resource: "acs:log:cn-hangzhou:1000000000000001:project/p",
            principal_arn: None,
            context: &context,
        };
        let said = engine().simulate(&[&document], &asked).unwrap();
        if said.verdict == crate::engine::Verdict::Allowed {
            granted.push(action.action);
        }
    }
    granted.sort_unstable();
    let mut three = three;
    three.sort_unstable();
    assert_eq!(granted, three);
}

#[test]
fn a_suggestion_is_one_statement_and_there_is_none_where_none_would_help() {
    let before = snapshot(&people());
    let request = |question: Question<'static>| engine().resolve(&account(), question).unwrap();
    let suggestion = before.suggest(&request(stop("2002", "2001"))).unwrap();
    assert_eq!(
        suggestion.document(),
        r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"paidlc:StopJob","Resource":"acs:paidlc:cn-hangzhou:1000000000000001:workspace/10001/dlcjob/*"}]}"#
    );
    let deny = document(&statement("Deny", r#""paidlc:StopJob""#, r#""*""#));
    let forbidden = with(&before, &[policy("deny", &[&deny], 1), attach("2002", "Custom/deny")]);
    let by = vec!["Custom/deny/v1/Statement/0".to_owned()];
    let refused = forbidden.suggest(&request(stop("2002", "2001")));
    assert_eq!(refused, Err(NoSuggestion::Denied(by)));
    assert_eq!(before.suggest(&request(stop("2001", "2001"))), Err(NoSuggestion::Allowed));
    assert_eq!(before.suggest(&request(stop("2009", "2001"))), Err(NoSuggestion::NotKnown));
    let elsewhere = on("2002", "PaiDLC:StopJob", "10009", "2001", "PRIVATE");
    assert_eq!(before.suggest(&request(elsewhere)), Err(NoSuggestion::NotKnown));
    // What a document cannot name, `?` stands for.
    let odd = Question { resource_id: Some("${x} y"), ..stop("2002", "2001") };
    let suggestion = before.suggest(&request(odd)).unwrap();
    assert!(suggestion.resource.ends_with("/dlcjob/?{x}?y"), "{suggestion:?}");
}
