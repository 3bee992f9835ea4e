//! From a question to a request: one row per refusal, and what is understood.

use std::collections::BTreeMap;

use super::{ACCOUNT, account, ask, engine, on};
use crate::domain::{
    Accessibility, ContextValue, IdRef, Invalid,
    InvalidKind::{self, InvalidValue, MissingField, UnexpectedField, UnknownAction, UnknownType},
    PrincipalKind, Question, Request, Resource, Scalar,
};
use crate::engine::Brief;

/// Returns the request a question asks; in brief it is the same, or refused alike.
#[track_caller]
fn resolve<'q>(question: &Question<'q>) -> Result<Request<'q>, Invalid> {
    let resolved = engine().resolve(&account(), *question);
    let brief = engine().brief(&account(), *question).map_err(|refusal| *refusal);
    assert_eq!(resolved.as_ref().map(Brief::of).map_err(Clone::clone), brief, "{question:?}");
    resolved
}

#[track_caller]
fn refused(question: &Question<'_>, kind: InvalidKind, field: &str) -> Invalid {
    let invalid = resolve(question).expect_err("a refusal");
    assert_eq!((invalid.kind, invalid.field.as_str()), (kind, field), "{question:?}: {invalid}");
    assert!(!invalid.help.is_empty(), "a refusal tells what would be right");
    invalid
}

/// Returns workspace, type, id, creator and accessibility of what a question is about; `-` where there is none.
#[track_caller]
fn asset(question: &Question<'_>) -> String {
    match resolve(question).unwrap().resource {
        Resource::Asset { workspace, resource_type, id, creator, accessibility } => [
            workspace.map_or("-", IdRef::as_str).to_owned(),
            resource_type.to_owned(),
            id.map_or("-".to_owned(), |id| id.to_string()),
            creator.map_or("-", IdRef::as_str).to_owned(),
            accessibility.map_or("-", Accessibility::as_str).to_owned(),
        ]
        .join(" "),
        other => format!("{other:?}"),
    }
}

/// A question that is answered, for rows that spoil one field each.
fn stop_job() -> Question<'static> {
    on("2001", "PaiDLC:StopJob", "10001", "2001", "PRIVATE")
}

/// A question by ARN, likewise.
fn by_arn(action: &'static str, arn: &'static str) -> Question<'static> {
    Question {
        arn: Some(arn),
        creator: Some("2001"),
        accessibility: Some("PUBLIC"),
        ..ask("2001", action)
    }
}

#[test]
fn a_missing_field_is_named() {
    let missing = |question, field| refused(&question, MissingField, field);
    missing(Question { principal_type: None, ..stop_job() }, "principal.type");
    missing(Question { principal_id: None, ..stop_job() }, "principal.id");
    missing(Question { action: None, ..stop_job() }, "action");
    missing(Question { workspace: None, ..stop_job() }, "resource.workspace");
    missing(Question { creator: None, ..stop_job() }, "resource.creator");
    missing(Question { accessibility: None, ..stop_job() }, "resource.accessibility");
}

#[test]
fn an_ill_formed_value_is_named() {
    let wrong = |question, field| refused(&question, InvalidValue, field);
    for bad in ["", "user", "Group", "USER", "User "] {
        wrong(Question { principal_type: Some(bad), ..stop_job() }, "principal.type");
    }
    for bad in ["", "erin", "2001 ", "-1", "１", "123456789012345678901"] {
        wrong(Question { principal_id: Some(bad), ..stop_job() }, "principal.id");
        wrong(Question { creator: Some(bad), ..stop_job() }, "resource.creator");
        wrong(Question { workspace: Some(bad), ..stop_job() }, "resource.workspace");
    }
    for bad in ["", "public", "ANY", "PRIVATE "] {
        wrong(Question { accessibility: Some(bad), ..stop_job() }, "resource.accessibility");
    }
    for bad in ["", "a\nb", "a\0", "dlc-1/extra"] {
        wrong(Question { resource_id: Some(bad), ..stop_job() }, "resource.id");
    }
}

#[test]
fn an_unknown_action_is_refused_with_the_nearest_names() {
    let near = |action: &'static str| {
        refused(&Question { action: Some(action), ..stop_job() }, UnknownAction, "action").help
    };
    assert!(near("PaiDLC:StopJbo").contains("`PaiDLC:StopJob`"));
    assert!(near("PAIDLC:STOPJOB").contains("`PaiDLC:StopJob`"), "a request spells as catalogued");
    assert!(near("oss:GetObject").contains("catalog search"));
    assert!(near("").contains("catalog search"));
    refused(&Question { action: Some("*"), ..stop_job() }, UnknownAction, "action");
    refused(&Question { action: Some("DLC@Read"), ..stop_job() }, UnknownAction, "action");
}

#[test]
fn the_ram_spelling_is_the_same_action() {
    let plain = resolve(&stop_job()).unwrap();
    let ram = resolve(&Question { action: Some("paidlc:StopJob"), ..stop_job() }).unwrap();
    assert_eq!(plain, ram);
}

#[test]
fn a_type_is_one_of_the_actions_module() {
    let typed = |resource_type| Question { resource_type: Some(resource_type), ..stop_job() };
    for other in ["dataset", "workspace", "service", "instance"] {
        let help = refused(&typed(other), UnknownType, "resource.type").help;
        assert!(help.contains("`job`"), "{help}");
    }
    let help = refused(&typed("jbo"), UnknownType, "resource.type").help;
    assert!(help.contains("`job`"), "{help}");
    refused(&typed(""), UnknownType, "resource.type");
    refused(&typed("Job"), UnknownType, "resource.type");
    assert_eq!(asset(&typed("tensorboard")), "10001 tensorboard - 2001 PRIVATE");
}

#[test]
fn official_images_are_for_their_three_codes_and_in_no_workspace() {
    let typed = |action, workspace| Question {
        resource_type: Some("official-image"),
        resource_id: Some("img-1"),
        workspace,
        ..ask("2001", action)
    };
    for action in ["PaiImage:GetImage", "PaiImage:ListImages", "PaiImage:GetImagesStatistics"] {
        assert_eq!(asset(&typed(action, None)), "- official-image img-1 - -");
        assert_eq!(asset(&typed(action, Some("10001"))), "10001 official-image img-1 - -");
    }
    for action in ["PaiImage:RemoveImage", "PaiImage:AddImage", "PaiDLC:GetJob"] {
        refused(&typed(action, None), UnknownType, "resource.type");
    }
    let arn = "acs:paiimage:cn-hangzhou:1000000000000001:provider/pai/image/img-1";
    let named = |action| Question { arn: Some(arn), ..ask("2001", action) };
    assert_eq!(asset(&named("PaiImage:GetImage")), "- official-image img-1 - -");
    refused(&named("PaiImage:RemoveImage"), UnknownType, "resource.arn");
}

#[test]
fn creator_and_accessibility_are_required_whoever_asks() {
    for who in ["2001", "3001", ACCOUNT] {
        let none = Question { workspace: Some("10001"), ..ask(who, "PaiDLC:GetJob") };
        refused(&none, MissingField, "resource.creator");
        let half = Question { creator: Some("2001"), ..none };
        refused(&half, MissingField, "resource.accessibility");
    }
}

#[test]
fn creator_and_accessibility_may_be_absent_for_other_actions() {
    for action in ["PaiDSW:ListAllInstances", "eas:CreateService"] {
        let question = Question { workspace: Some("10001"), ..ask("2001", action) };
        assert!(asset(&question).ends_with(" - - -"), "{}", asset(&question));
        let bad = Question { accessibility: Some("ANY"), ..question };
        refused(&bad, InvalidValue, "resource.accessibility");
    }
}

#[test]
fn account_scope_actions_are_asked_on_the_account() {
    let create = || ask("2001", "PaiWorkspace:CreateWorkspace");
    assert_eq!(resolve(&create()).unwrap().resource, Resource::Account);
    let with = |workspace, resource_id| Question { resource_id, workspace, ..create() };
    refused(&with(Some("10001"), None), UnexpectedField, "resource.workspace");
    refused(&with(None, Some("10001")), UnexpectedField, "resource.id");
    let typed = Question { resource_type: Some("job"), ..create() };
    refused(&typed, UnknownType, "resource.type");
    let bad = Question { creator: Some("erin"), ..create() };
    refused(&bad, InvalidValue, "resource.creator");
}

#[test]
fn a_ram_only_action_is_asked_on_the_account_or_a_workspace() {
    let list = || ask("2001", "log:ListProject");
    assert_eq!(resolve(&list()).unwrap().resource, Resource::Account);
    assert_eq!(asset(&Question { workspace: Some("10001"), ..list() }), "10001 workspace - - -");
    let template = Question { resource_id: Some("t-1"), ..ask("2001", "paidlc:CreateJobTemplate") };
    refused(&template, MissingField, "resource.workspace");
    let typed =
        Question { resource_type: Some("dataset"), ..ask("2001", "paidlc:CreateJobTemplate") };
    refused(&typed, UnknownType, "resource.type");
}

#[test]
fn the_id_of_a_sub_type_has_its_parts() {
    let pod = |id| Question { resource_type: Some("pod"), resource_id: Some(id), ..stop_job() };
    assert_eq!(asset(&pod("dlc-1/pod-1")), "10001 pod dlc-1/pod-1 2001 PRIVATE");
    for bad in ["dlc-1", "dlc-1/", "/pod-1", "dlc-1/pod-1/x", "/"] {
        let help = refused(&pod(bad), InvalidValue, "resource.id").help;
        assert!(help.contains("{jobId}/{podId}"), "{help}");
    }
}

#[test]
fn a_star_or_no_id_is_any() {
    for id in [None, Some("*")] {
        let job = Question { resource_id: id, ..stop_job() };
        assert_eq!(asset(&job), "10001 job - 2001 PRIVATE");
    }
}

#[test]
fn a_workspace_is_named_once_or_twice_alike() {
    let get = |id| Question {
        workspace: Some("10001"),
        resource_id: id,
        ..ask("2001", "PaiWorkspace:GetMember")
    };
    for id in [None, Some("*"), Some("10001")] {
        assert_eq!(asset(&get(id)), "10001 workspace - - -");
    }
    refused(&get(Some("10002")), InvalidValue, "resource.id");
}

#[test]
fn an_arn_is_the_same_as_its_fields() {
    let fields = |resource_type, id| Question {
        resource_type: Some(resource_type),
        resource_id: Some(id),
        accessibility: Some("PUBLIC"),
        ..stop_job()
    };
    for (arn, resource_type, id) in [
        ("acs:paidlc:cn-hangzhou:1000000000000001:workspace/10001/dlcjob/dlc-1", "job", "dlc-1"),
        ("acs:paidlc:cn-hangzhou:1000000000000001:workspace/10001/dlcjob/*", "job", "*"),
        ("acs:paidlc:cn-hangzhou:1000000000000001:workspace/10001/dlcjob/a/pod/b", "pod", "a/b"),
        (
            "acs:paidlc:cn-hangzhou:1000000000000001:workspace/10001/tensorboard/t",
            "tensorboard",
            "t",
        ),
        ("acs:paidlc:cn-hangzhou:1000000000000001:workspace/10001/dlcjob/x:y", "job", "x:y"),
    ] {
        let by_fields = resolve(&fields(resource_type, id)).unwrap();
        assert_eq!(resolve(&by_arn("PaiDLC:StopJob", arn)).unwrap(), by_fields, "{arn}");
        assert_eq!(resolve(&by_arn("paidlc:StopJob", arn)).unwrap(), by_fields, "{arn}");
    }
}

#[test]
fn an_arn_needs_the_attributes_its_fields_would() {
    let arn = "acs:paidlc:cn-hangzhou:1000000000000001:workspace/10001/dlcjob/dlc-1";
    let question = by_arn("PaiDLC:StopJob", arn);
    refused(&Question { creator: None, ..question }, MissingField, "resource.creator");
    let half = Question { accessibility: None, ..question };
    refused(&half, MissingField, "resource.accessibility");
}

#[test]
fn an_arn_of_another_account_or_region_is_foreign() {
    for arn in [
        "acs:paidlc:cn-hangzhou:1000000000000002:workspace/10001/dlcjob/dlc-1",
        "acs:paidlc:cn-hangzhou:*:workspace/10001/dlcjob/dlc-1",
        "acs:paidlc:cn-hangzhou::workspace/10001/dlcjob/dlc-1",
        "acs:paidlc:cn-shanghai:1000000000000001:workspace/10001/dlcjob/dlc-1",
        "acs:paidlc:*:1000000000000001:workspace/10001/dlcjob/dlc-1",
        "acs:paidlc::1000000000000001:workspace/10001/dlcjob/dlc-1",
    ] {
        let request = resolve(&by_arn("PaiDLC:StopJob", arn)).unwrap();
        assert_eq!(request.resource, Resource::Foreign, "{arn}");
    }
    for (action, arn) in [
        ("log:GetProject", "acs:log:cn-hangzhou:1000000000000002:project/p"),
        ("log:GetProject", "acs:log:cn-hangzhou:*:project/p"),
        // No region is written so: a Deny on the region must not be slipped.
        ("log:GetProject", "acs:log::1000000000000001:project/p"),
        ("log:GetProject", "acs:log:CN-Hangzhou:1000000000000001:project/p"),
        (
            "PaiWorkspace:DeleteWorkspace",
            "acs:paiworkspace:cn-shanghai:1000000000000001:workspace/1",
        ),
    ] {
        let request = resolve(&by_arn(action, arn)).unwrap();
        assert_eq!(request.resource, Resource::Foreign, "{arn}");
    }
}

#[test]
fn an_arn_that_is_not_of_the_action_is_refused() {
    for (arn, kind) in [
        ("acs:paidsw:cn-hangzhou:1000000000000001:workspace/10001/dlcjob/dlc-1", UnknownType),
        ("acs:log:cn-hangzhou:1000000000000001:project/p", UnknownType),
        ("acs:PaiDLC:cn-hangzhou:1000000000000001:workspace/10001/dlcjob/dlc-1", UnknownType),
        ("acs:paidlc:cn-hangzhou:1000000000000001:workspace/10001/dataset/d", UnknownType),
        ("acs:paidlc:cn-hangzhou:1000000000000001:workspace/10001/dlcjob", UnknownType),
        ("acs:paidlc:cn-hangzhou:1000000000000001:workspace/10001/dlcjob/a/b", UnknownType),
        ("acs:paidlc:cn-hangzhou:1000000000000001:*", UnknownType),
        ("acs:paidlc:cn-hangzhou:1000000000000001:workspace/abc/dlcjob/dlc-1", InvalidValue),
        ("acs:paidlc:cn-hangzhou:1000000000000001:", InvalidValue),
        ("acs:paidlc:cn-hangzhou", InvalidValue),
        ("arn:paidlc:cn-hangzhou:1000000000000001:workspace/10001/dlcjob/dlc-1", InvalidValue),
        ("acs:paidlc:cn-hangzhou:1000000000000001:workspace/10001/dlcjob/a\nb", InvalidValue),
        ("*", InvalidValue),
        ("", InvalidValue),
    ] {
        refused(&by_arn("PaiDLC:StopJob", arn), kind, "resource.arn");
    }
    let long = format!("acs:log:r:{ACCOUNT}:project/{}", "x".repeat(2_048));
    let question = Question { arn: Some(&long), ..ask("2001", "log:GetProject") };
    refused(&question, InvalidValue, "resource.arn");
}

#[test]
fn an_arn_goes_without_the_fields_it_says() {
    let arn = "acs:paidlc:cn-hangzhou:1000000000000001:workspace/10001/dlcjob/dlc-1";
    let question = || by_arn("PaiDLC:StopJob", arn);
    let typed = Question { resource_type: Some("job"), ..question() };
    refused(&typed, UnexpectedField, "resource.type");
    let named = Question { resource_id: Some("dlc-1"), ..question() };
    refused(&named, UnexpectedField, "resource.id");
    let placed = Question { workspace: Some("10001"), ..question() };
    refused(&placed, UnexpectedField, "resource.workspace");
    let log = by_arn("log:GetProject", "acs:log:cn-hangzhou:1000000000000001:project/p");
    let placed = Question { workspace: Some("10001"), ..log };
    refused(&placed, UnexpectedField, "resource.workspace");
}

#[test]
fn an_arn_without_a_workspace_needs_one_beside_it() {
    let arn = "acs:eas:cn-hangzhou:1000000000000001:service/s-1";
    let action = engine().catalog().actions().iter().find(|a| a.module == Some("EAS")).unwrap();
    let question = Question { arn: Some(arn), ..ask("2001", action.name) };
    refused(&question, MissingField, "resource.workspace");
    let placed = Question { workspace: Some("10001"), ..question };
    assert_eq!(asset(&placed), "10001 service s-1 - -");
    let bad = Question { workspace: Some("x"), ..placed };
    refused(&bad, InvalidValue, "resource.workspace");
}

#[test]
fn a_log_arn_is_taken_as_it_is_in_any_region() {
    for (arn, action) in [
        ("acs:log:cn-hangzhou:1000000000000001:project/p/logstore/l", "log:GetLogStore"),
        ("acs:log:us-west-1:1000000000000001:project/p", "log:GetProject"),
        ("acs:log:*:1000000000000001:*", "log:GetProject"),
        // Not a workspace of PAI, whatever it is.
        ("acs:log:cn-hangzhou:1000000000000001:workspace/abc", "log:GetProject"),
        ("acs:log:cn-hangzhou:1000000000000001:workspace/10001/x", "log:GetProject"),
    ] {
        let request = resolve(&by_arn(action, arn)).unwrap();
        assert_eq!(request.resource, Resource::Arn { arn: arn.into(), workspace: None });
    }
}

#[test]
fn a_pai_arn_outside_every_role_still_names_its_workspace() {
    let workspace = |action, arn| match resolve(&by_arn(action, arn)).unwrap().resource {
        Resource::Arn { workspace, .. } => workspace.map(|w| w.as_str().to_owned()),
        other => Some(format!("{other:?}")),
    };
    let delete = "PaiWorkspace:DeleteWorkspace";
    let in_account = "acs:paiworkspace:cn-hangzhou:1000000000000001:workspace/";
    let named: &'static str = "acs:paiworkspace:cn-hangzhou:1000000000000001:workspace/10001";
    let any: &'static str = "acs:paiworkspace:cn-hangzhou:1000000000000001:workspace/*";
    assert_eq!(workspace(delete, named).as_deref(), Some("10001"));
    assert_eq!(workspace(delete, any), None);
    refused(&by_arn(delete, in_account), InvalidValue, "resource.arn");
}

#[test]
fn the_context_is_bounded() {
    let with = |pairs: Vec<(String, ContextValue)>| pairs.into_iter().collect::<BTreeMap<_, _>>();
    let text = |bytes: usize| Scalar::String("v".repeat(bytes));
    let one = |key: &str, value| with(vec![(key.to_owned(), ContextValue::One(value))]);
    let keys = |count: usize| {
        with((0..count).map(|i| (format!("k{i}"), ContextValue::One(text(1)))).collect())
    };
    let many =
        |count: usize| with(vec![("k".to_owned(), ContextValue::Many(vec![text(1); count]))]);
    for fits in [
        keys(64),
        one(&"k".repeat(128), text(2_048)),
        many(64),
        many(0),
        one("k", Scalar::Bool(true)),
    ] {
        assert!(resolve(&Question { context: Some(&fits), ..stop_job() }).is_ok());
    }
    for (wrong, field) in [
        (keys(65), "context"),
        (one("", text(1)), "context"),
        (one("a\nb", text(1)), "context"),
        (one(&"k".repeat(129), text(1)), "context"),
        (one("k", text(2_049)), "context.k"),
        (one("k", Scalar::Number("1".repeat(2_049))), "context.k"),
        (many(65), "context.k"),
    ] {
        refused(&Question { context: Some(&wrong), ..stop_job() }, InvalidValue, field);
    }
}

#[test]
fn a_user_with_the_accounts_id_is_the_account() {
    let kind = |principal_type| {
        let question = Question {
            principal_type: Some(principal_type),
            principal_id: Some(ACCOUNT),
            ..stop_job()
        };
        resolve(&question).unwrap().principal.kind
    };
    assert_eq!(kind("User"), PrincipalKind::Account);
    assert_eq!(kind("Account"), PrincipalKind::Account);
    assert_eq!(kind("RamRole"), PrincipalKind::RamRole, "a RAM role cannot be the account");
}

#[test]
fn the_context_goes_with_the_request() {
    let context =
        context(&[("acs:SourceIp", text("203.0.113.7")), ("oss:Prefix", Scalar::Bool(true))]);
    let question = Question { context: Some(&context), ..stop_job() };
    assert_eq!(*resolve(&question).unwrap().context, context);
}

#[test]
fn a_context_that_contradicts_what_is_known_of_its_keys_is_refused_by_its_key() {
    for (stated, field) in [
        (vec![("acs:SourceIp", text("10.0.0.0/8"))], "context.acs:SourceIp"),
        (vec![("acs:sourceip", Scalar::Bool(true))], "context.acs:sourceip"),
        (vec![("acs:CurrentTime", text("yesterday"))], "context.acs:CurrentTime"),
        (vec![("acs:MFAPresent", Scalar::Number("1".to_owned()))], "context.acs:MFAPresent"),
        (vec![("acs:SourceVpc", Scalar::Bool(true))], "context.acs:SourceVpc"),
        (vec![("acs:PrincipalArn", text("acs:ram::1:root"))], "context.acs:PrincipalArn"),
        (vec![("pai:Accessibility", text("PUBLIC"))], "context.pai:Accessibility"),
        (vec![("pai:EntityAccessType", text("CREATOR"))], "context.pai:EntityAccessType"),
        (vec![("oss:k", text("1")), ("oss:K", text("2"))], "context.oss:k"),
    ] {
        let context = context(&stated);
        let question = Question { context: Some(&context), ..stop_job() };
        assert_eq!(resolve(&question).unwrap_err().field, field);
    }
    let two = ContextValue::Many(vec![text("10.0.0.1"), text("10.0.0.2")]);
    let context = BTreeMap::from([("acs:SourceIp".to_owned(), two)]);
    let refused = resolve(&Question { context: Some(&context), ..stop_job() }).unwrap_err();
    assert_eq!(refused.field, "context.acs:SourceIp");
}

fn text(text: &str) -> Scalar {
    Scalar::String(text.to_owned())
}

fn context(stated: &[(&str, Scalar)]) -> BTreeMap<String, ContextValue> {
    let one = |(key, value): &(&str, Scalar)| ((*key).to_owned(), ContextValue::One(value.clone()));
    stated.iter().map(one).collect()
}
