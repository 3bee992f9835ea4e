//! `pai-authz ram simulate|suggest|assist|compile`, `POST /v1/ram/simulate`, and suggestions beside decisions.

use pai_authz::{
    catalog::catalog,
    domain::{
        AccountId, AccountRecords, Effect, Holder, Op, PolicyRef, PolicyType, PrincipalId,
        PrincipalKind, Question, Reason, Revision, Timestamp, WorkspaceId,
    },
    engine::{Engine, Snapshot},
    ram::{document::Kind, finding::Class, lint::lint},
};
use serde_json::{Value, json};

use crate::{
    decisions::{ACCOUNT, put_identity, put_workspace},
    http_errors::assert_error,
    support::{
        Seeded, full,
        records::custom_policy,
        report,
        server::{DEV_TOKEN, Place, Server, run},
        wire::Request,
    },
};

const SIMULATE: &str = "/v1/ram/simulate";
const SAMPLE: &str = r#"{
  "Version": "1",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": ["log:GetProductDataCollection", "log:CloseProductDataCollection", "log:OpenProductDataCollection"],
      "Resource": "*"
    },
    {
      "Effect": "Deny",
      "Action": "oss:*",
      "Resource": "*",
      "Condition": {"NotIpAddress": {"acs:SourceIp": "10.0.0.0/8"}}
    }
  ]
}
"#;

fn simulated(server: &Server, body: &Value) -> Value {
    let bytes = body.to_string();
    let answer = server.send(&Request::post(SIMULATE, bytes.as_bytes()).token(DEV_TOKEN));
    assert_eq!(answer.status, 200, "{:?}", answer.json());
    answer.json()["results"].clone()
}

#[test]
fn a_simulation_tells_who_decided_and_what_was_not_stated() {
    let server = Server::demo(&[]);
    let body = json!({
        "documents": [SAMPLE],
        "actions": ["log:OpenProductDataCollection", "LOG:listproject", "oss:GetObject"],
        "resources": ["acs:log:cn-hangzhou:1000000000000001:project/p"],
    });
    assert_eq!(
        simulated(&server, &body),
        json!([
            {
                "action": "log:OpenProductDataCollection",
                "resource": "acs:log:cn-hangzhou:1000000000000001:project/p",
                "decision": "allowed",
                "matched": [{ "document": "documents[0]", "statement": 0, "line": 4 }],
                "missingContextKeys": [],
            },
            {
                "action": "log:ListProject",
                "resource": "acs:log:cn-hangzhou:1000000000000001:project/p",
                "decision": "implicitDeny",
                "matched": [],
                "missingContextKeys": [],
                "message": "denied by sts or ram, action: log:ListProject, resource: acs:log:cn-hangzhou:1000000000000001:project/p",
                "accessDeniedDetail": {
                    "AuthAction": "log:ListProject",
                    "NoPermissionType": "ImplicitDeny",
                    "PolicyType": "IdentityBasedPolicy",
                },
            },
            {
                "action": "oss:GetObject",
                "resource": "acs:log:cn-hangzhou:1000000000000001:project/p",
                "decision": "explicitDeny",
                "matched": [{ "document": "documents[0]", "statement": 1, "line": 9 }],
                "missingContextKeys": ["acs:SourceIp"],
                "uncatalogued": true,
                "message": "denied by sts or ram, action: oss:GetObject, resource: acs:log:cn-hangzhou:1000000000000001:project/p",
                "accessDeniedDetail": {
                    "AuthAction": "oss:GetObject",
                    "NoPermissionType": "ExplicitDeny",
                    "PolicyType": "IdentityBasedPolicy",
                },
            },
        ])
    );
    // A resource that the action is never about is told of.
    let forms = |action: &str, resource: &str| {
        let body = json!({ "documents": [SAMPLE], "actions": [action], "resources": [resource] });
        simulated(&server, &body)[0]["resourceForms"].clone()
    };
    let of_jobs = json!([
        "acs:paidlc:{region}:{account}:workspace/{workspace}/dlcjob/{jobId}",
        "acs:paidlc:{region}:{account}:workspace/{workspace}/dlcjob/{jobId}/pod/{podId}",
        "acs:paidlc:{region}:{account}:workspace/{workspace}/tensorboard/{tensorboardId}",
    ]);
    for resource in
        ["workspace/1/job/2", "dlcjob/2", "workspace//dlcjob/2", "workspace/1/dlcjob/2/3"]
    {
        let resource = format!("acs:paidlc:*:*:{resource}");
        assert_eq!(forms("paidlc:StopJob", &resource), of_jobs, "{resource}");
    }
    assert_eq!(forms("paidlc:StopJob", "acs:log:*:*:workspace/10001/dlcjob/dlc-1"), of_jobs);
    for resource in ["*", "acs:paidlc:*:*:workspace/1/*", "acs:paidlc:::workspace/1/dlcjob/2"] {
        assert_eq!(forms("paidlc:StopJob", resource), Value::Null, "{resource}");
    }
    assert_eq!(forms("oss:GetObject", "acs:log:*:*:x"), Value::Null);
    // As the object it is, and with what was missing.
    let body = json!({
        "documents": [serde_json::from_str::<Value>(SAMPLE).unwrap()],
        "actions": ["oss:GetObject"],
        "resources": ["acs:oss:*:*:bucket/key"],
        "context": { "acs:SourceIp": "10.1.2.3" },
    });
    let answer = &simulated(&server, &body)[0];
    assert_eq!(answer["decision"], "implicitDeny");
    let [unmet] = &answer["unmetConditions"].as_array().unwrap()[..] else { panic!("{answer}") };
    assert_eq!((&unmet["document"], &unmet["statement"]), (&json!("documents[0]"), &json!(1)));
    let [condition] = &unmet["conditions"].as_array().unwrap()[..] else { panic!("{answer}") };
    assert_eq!(
        (&condition["key"], &condition["given"]),
        (&json!("acs:SourceIp"), &json!(["10.1.2.3"]))
    );
    assert!(condition["wanted"].as_array().is_some_and(|it| !it.is_empty()), "{answer}");
    // Of whom is asked, what the store holds: nothing yet.
    let body = json!({
        "documents": [SAMPLE], "principal": { "type": "User", "id": "2001" },
        "actions": ["log:GetProject"],
    });
    let detail = &simulated(&server, &body)[0]["accessDeniedDetail"];
    assert_eq!(detail["AuthPrincipalType"], "SubUser");
    assert_eq!(detail["AuthPrincipalOwnerId"], "1000000000000001");
}

#[test]
fn what_cannot_be_simulated_is_refused_by_its_field() {
    let server = Server::demo(&[]);
    let good = json!({ "documents": [SAMPLE], "actions": ["log:GetProject"] });
    let with = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        body.to_string()
    };
    let long = format!("acs:log:*:*:{}", "x".repeat(2_048));
    let wrong = SAMPLE.replace("Deny", "deny");
    for (body, code, field) in [
        (with("documents", json!([wrong])), "invalid_value", "documents[0]"),
        (with("documents", json!([SAMPLE, 7])), "invalid_value", "documents[1]"),
        (with("documents", json!(vec![SAMPLE; 21])), "invalid_value", "documents"),
        (with("actions", json!([])), "missing_field", "actions"),
        (with("actions", json!(["log"])), "invalid_value", "actions[0]"),
        (with("actions", json!(["log:GetProjct"])), "unknown_action", "actions[0]"),
        (json!({ "actions": ["log:GetProject"] }).to_string(), "missing_field", "documents"),
        (
            with("principal", json!({ "type": "Account", "id": "1000000000000001" })),
            "invalid_value",
            "principal",
        ),
        (with("actions", json!(["nothing:*"])), "invalid_value", "actions[0]"),
        (with("actions", json!(["*", "*"])), "invalid_value", "actions"),
        (with("resources", json!(["project/p"])), "invalid_value", "resources[0]"),
        (with("resources", json!(["*", long])), "invalid_value", "resources[1]"),
        (
            with("context", json!({ "acs:SourceIp": "here" })),
            "invalid_value",
            "context.acs:SourceIp",
        ),
        (with("principal", json!({ "type": "User", "id": "9" })), "invalid_value", "principal.id"),
        (with("principal", json!({ "type": "User" })), "missing_field", "principal.id"),
        (with("context", json!({ "oss:k": "x".repeat(2_049) })), "invalid_value", "context.oss:k"),
        (with("document", json!(SAMPLE)), "unexpected_field", "document"),
    ] {
        let answer = server.send(&Request::post(SIMULATE, body.as_bytes()).token(DEV_TOKEN));
        assert_eq!(assert_error(&answer, 400, code)["field"], field);
    }
}

#[test]
fn the_nearest_system_policy_is_proposed() {
    for (slip, near) in [
        ("AliyunPAIFulAccess", "AliyunPAIFullAccess"),
        ("aliyunlogreadonlyaccess", "AliyunLogReadOnlyAccess"),
    ] {
        let done = run(["ram", "simulate", "--system", slip, "--action", "log:GetProject"]);
        assert!(done.err.contains(&format!("did you mean `{near}`?")), "{done:?}");
    }
}

#[test]
fn the_command_tells_what_a_system_policy_covers_and_what_not() {
    let done =
        run(["ram", "simulate", "--system", "AliyunPAIFullAccess", "--action", "*", "--summary"]);
    assert_eq!(done.code, 1, "not everything is allowed");
    let covered: Vec<(&str, &str)> =
        done.out.lines().map(|line| line.split_once(' ').unwrap()).collect();
    let count = |code: &str| {
        let (_, count) = covered.iter().find(|(known, _)| *known == code).unwrap();
        count.trim().split_once(" of ").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap()
    };
    for code in ["pai", "paidlc", "paidsw", "eas", "paiworkspace", "paidataset"] {
        let (allowed, all) = count(code);
        assert_eq!(allowed, all, "{code}");
    }
    // `pai:*` reads as if it covered everything of PAI; it does not.
    let (allowed, all) = count("paitraining");
    assert_eq!(allowed, "0");
    assert_ne!(all, "0");
    assert_eq!(count("log").0, "2");
    assert_eq!(count("ram").0, "0");
    let listed = run([
        "ram",
        "simulate",
        "--system",
        "AliyunPAIFullAccess",
        "--action",
        "paitraining:*",
        "--format",
        "json",
    ]);
    let listed: Value = serde_json::from_str(&listed.out).unwrap();
    let rows = listed["results"].as_array().unwrap();
    let known = catalog().ram_actions().iter().filter(|it| it.action.starts_with("paitraining:"));
    assert_eq!(rows.len(), known.count());
    assert!(rows.iter().all(|row| row["decision"] == "implicitDeny"));
}

#[test]
fn documents_in_files_are_simulated_and_compiled() {
    let place = Place::new();
    let file = place.write("sample.json", SAMPLE);
    let done = run(["ram", "simulate", &file, "--action", "log:*ProductDataCollection"]);
    assert_eq!((done.code, done.out.lines().count()), (0, 6), "{done:?}");
    let done = run([
        "ram",
        "simulate",
        &file,
        "--action",
        "oss:PutObject",
        "--resource",
        "acs:oss:*:*:b/k",
        "--context",
        "acs:SourceIp=192.0.2.1",
    ]);
    assert_eq!(done.code, 1);
    assert!(done.out.starts_with("explicitDeny oss:PutObject on acs:oss:*:*:b/k\n"), "{done:?}");
    let done = run(["ram", "compile", &file]);
    assert!(done.out.contains(r#"["log:getproductdatacollection", "log:closeproductdatacollection", "log:openproductdatacollection"]"#.split(',').next().unwrap()), "{done:?}");
    assert!(done.out.contains("forbid ("), "{done:?}");
    let wrong = place.write("wrong.json", SAMPLE.replace("Version", "Wersion"));
    for arguments in [
        vec!["ram", "simulate", &wrong, "--action", "log:GetProject"],
        vec!["ram", "simulate", "--system", "AliyunNone", "--action", "log:GetProject"],
        vec!["ram", "simulate", "--action", "log:GetProject"],
        vec!["ram", "compile", &wrong],
    ] {
        let done = run(arguments.iter().copied());
        assert!(done.code > 1 && !done.err.is_empty() && done.out.is_empty(), "{done:?}");
    }
}

#[test]
fn the_assistant_makes_what_the_task_needs_and_no_more() {
    let place = Place::new();
    for (task, allowed, denied) in [
        ("read", "log:GetLogStoreLogs", "log:PostLogStoreLogs"),
        ("write", "log:PostLogStoreLogs", "log:GetLogStoreLogs"),
    ] {
        let made = run(["ram", "assist", "--project", "p-1", "--logstore", "l-1", "--task", task]);
        let file = place.write(&format!("{task}.json"), &made.out);
        let on = "acs:log:cn-hangzhou:1000000000000001:project/p-1/logstore/";
        let ask = |action: &str, logstore: &str| {
            run([
                "ram",
                "simulate",
                &file,
                "--action",
                action,
                "--resource",
                &format!("{on}{logstore}"),
            ])
            .code
        };
        assert_eq!((ask(allowed, "l-1"), ask(allowed, "l-2"), ask(denied, "l-1")), (0, 1, 1));
    }
    let made = run(["ram", "assist", "--project", "p-1", "--task", "forward"]);
    let file = place.write("forward.json", &made.out);
    let done = run([
        "ram",
        "simulate",
        &file,
        "--action",
        "log:*ProductDataCollection",
        "--resource",
        "acs:log:cn-hangzhou:1000000000000001:project/p-1",
    ]);
    assert_eq!(done.code, 0);
    let done = run(["ram", "assist", "--project", "p*", "--task", "read"]);
    assert!(done.code > 1 && done.err.contains("project"), "{done:?}");
}

#[test]
fn a_denied_request_is_answered_with_the_statement_that_would_allow_it() {
    let server = Server::demo(&[]);
    let question = json!({
        "principal": { "type": "User", "id": "2001" }, "action": "log:GetProject",
        "resource": { "arn": "acs:log:cn-hangzhou:1000000000000001:project/p" }, "suggest": true,
    });
    let answer = server.decide(DEV_TOKEN, &question);
    assert_eq!(answer["decision"], "Deny");
    assert_eq!(
        answer["suggestion"]["statement"],
        json!({ "Effect": "Allow", "Action": "log:GetProject", "Resource": "acs:log:cn-hangzhou:1000000000000001:project/p" })
    );
    let url = server.url();
    let printed = run([
        "ram",
        "suggest",
        "--principal",
        "User:2001",
        "--action",
        "log:GetProject",
        "--arn",
        "acs:log:cn-hangzhou:1000000000000001:project/p",
        "--url",
        &url,
        "--token",
        DEV_TOKEN,
    ]);
    assert_eq!(printed.code, 0, "{printed:?}");
    let document: Value = serde_json::from_str(&printed.out).unwrap();
    assert_eq!(document["Statement"][0], answer["suggestion"]["statement"]);
    let batch = json!({ "requests": [question] }).to_string();
    let batch = Request::post("/v1/batch-is-authorized", batch.as_bytes()).token(DEV_TOKEN);
    let answer = server.send(&batch).json();
    assert_eq!(answer["results"][0]["errors"][0]["field"], "suggest");
}

#[test]
fn numbers_of_a_context_are_compared_as_they_are_written() {
    let server = Server::demo(&[]);
    for (operator, value, number, applies) in [
        ("NumericEquals", "18446744073709551617", "18446744073709551617", true),
        ("NumericEquals", "18446744073709551617", "18446744073709551616", false),
        ("NumericGreaterThan", "100", "100.00000000000000001", true),
        ("StringEquals", "1.0", "1.0", true),
        ("StringEquals", "1.0", "1", false),
    ] {
        let document = format!(
            r#"{{"Version":"1","Statement":[{{"Effect":"Deny","Action":"log:*","Resource":"*","Condition":{{"{operator}":{{"oss:k":"{value}"}}}}}}]}}"#
        );
        let document = Value::String(document).to_string();
        let body = format!(
            r#"{{"documents":[{document}],"actions":["log:GetProject"],"context":{{"oss:k":{number}}}}}"#
        );
        let answer = server.send(&Request::post(SIMULATE, body.as_bytes()).token(DEV_TOKEN)).json();
        let expected = if applies { "explicitDeny" } else { "implicitDeny" };
        assert_eq!(answer["results"][0]["decision"], expected, "{operator} {number}: {answer}");
    }
}

/// Returns the snapshot with a document attached to a user.
fn attached(snapshot: &Snapshot, user: &str, text: &str) -> Option<Snapshot> {
    let then = Timestamp::from_millis(0);
    let policy = custom_policy("tried", text);
    let name = policy.name.clone();
    let holder = Holder::Principal(PrincipalId::parse(user).unwrap());
    let reference = PolicyRef { policy_type: PolicyType::Custom, name };
    let ops = [Op::PutPolicy(policy), Op::PutAttachment(holder, reference, then)];
    snapshot.with(&ops, Revision { epoch: 1, counter: 2 }).ok()
}

/// Every document with one part less: an element, an entry of a list, or the last letter of a text.
fn without_a_part(document: &Value) -> Vec<Value> {
    let statement = &document["Statement"][0];
    let mut out = vec![json!({ "Version": "1", "Statement": [] })];
    for (name, value) in statement.as_object().unwrap() {
        let mut less = document.clone();
        less["Statement"][0].as_object_mut().unwrap().remove(name);
        out.push(less);
        let text = value.as_str().expect("each element is a text");
        let mut shorter = text.to_owned();
        shorter.pop();
        let mut less = document.clone();
        less["Statement"][0][name.as_str()] = shorter.into();
        out.push(less);
    }
    out
}

#[test]
fn every_suggestion_allows_what_was_denied_and_none_of_its_parts_can_be_left_out() {
    let engine = Engine::new("cn-hangzhou").unwrap();
    let account = AccountId::parse(ACCOUNT).unwrap();
    let mut records = AccountRecords::empty(account.clone());
    for id in ["2001", "2002"] {
        put_identity(&mut records, PrincipalKind::User, id);
    }
    put_workspace(&mut records, &WorkspaceId::parse("10001").unwrap());
    let snapshot = Snapshot::build(engine.clone(), &records).unwrap();
    let mut seeded = Seeded(202_615);
    let (mut tried, mut drawn) = (0, 0);
    let ids = ["dlc-1", "a:b:c", "名 \"x\" \\", "${u}", "*", "j?", "x/y"];
    while tried < full(1_000, 20_000) {
        drawn += 1;
        assert!(drawn < 100 * full(1_000, 20_000), "{tried} of {drawn} were denied");
        let actions = catalog().actions();
        let action = &actions[usize::try_from(seeded.below(actions.len() as u64)).unwrap()];
        let arn = format!(
            "acs:log:cn-hangzhou:{ACCOUNT}:project/p{}/logstore/{}",
            seeded.below(9),
            ids[usize::try_from(seeded.below(7)).unwrap()]
        );
        let is_log = action.ram_code == "log";
        let has_workspace = action.module.is_some();
        let id = ids[usize::try_from(seeded.below(7)).unwrap()];
        let question = Question {
            principal_type: Some("User"),
            principal_id: Some("2001"),
            action: Some(action.name),
            arn: is_log.then_some(arn.as_str()),
            workspace: (!is_log && has_workspace).then_some("10001"),
            resource_id: (!is_log && has_workspace && seeded.below(2) == 0).then_some(id),
            creator: (!is_log)
                .then_some(["2001", "2002"][usize::try_from(seeded.below(2)).unwrap()]),
            accessibility: (!is_log).then_some("PRIVATE"),
            ..Question::default()
        };
        let Ok(request) = engine.resolve(&account, question) else { continue };
        if snapshot.is_authorized(&request).reason != Reason::ImplicitDeny {
            continue;
        }
        let Ok(suggestion) = snapshot.suggest(&request) else {
            panic!("no suggestion for {request:?}");
        };
        tried += 1;
        let text = suggestion.document();
        assert!(lint(&text, Kind::Identity).worst() < Some(Class::Error), "{text}");
        let with = attached(&snapshot, "2001", &text).expect("a document that compiles");
        assert_eq!(with.is_authorized(&request).effect(), Effect::Allow, "{text}");
        for less in without_a_part(&serde_json::from_str(&text).unwrap()) {
            // A document that RAM refuses grants nothing.
            if let Some(with) = attached(&snapshot, "2001", &less.to_string()) {
                assert_eq!(with.is_authorized(&request).effect(), Effect::Deny, "{less}");
            }
        }
    }
    report(&format!(
        "{tried} suggestions tried, each with every part left out; {drawn} requests drawn"
    ));
}
