//! Explanations over the wire and on the command line: who may have one, what it says, and that what it suggests, done over the
//! management API, turns the same request into an Allow.

use serde_json::{Value, json};

use crate::{
    http_errors::assert_error,
    support::{
        ram::Ram,
        server::{DEV_TOKEN, Done, Place, Server, run},
        signed::ok,
        wire::{Answer, Request},
    },
};

const ONE: &str = "/v1/is-authorized";

/// May a user stop a job in the demonstration's first workspace? With why.
fn stop(user: &str, creator: &str, accessibility: &str) -> Value {
    json!({
        "principal": { "type": "User", "id": user }, "action": "PaiDLC:StopJob",
        "resource": { "workspace": "10001", "id": "dlc-1", "creator": creator, "accessibility": accessibility },
        "explain": true,
    })
}

fn send(server: &Server, token: &str, body: &Value) -> Answer {
    server.send(&Request::post(ONE, body.to_string().as_bytes()).token(token))
}

/// Returns the remedy of a kind.
#[track_caller]
fn remedy(answer: &Value, kind: &str) -> Value {
    let remedies = answer["explanation"]["remedies"].as_array().unwrap();
    let found = remedies.iter().find(|it| it["kind"] == kind);
    found.unwrap_or_else(|| panic!("{kind}: {answer}")).clone()
}

#[test]
fn only_a_token_with_the_scope_is_told_why() {
    let place = Place::new();
    let account = "1000000000000001";
    let first = place.init(account);
    place.import(account, &json!({
        "users": [{ "id": "2001" }, { "id": "2002" }],
        "workspaces": [{ "id": "10001", "name": "w_name", "members": [{ "user": "2001", "roles": ["PAI.AlgoDeveloper"] }] }],
    }));
    let server = place.serve(&[]);
    let token = |scopes: &Value| {
        let body = json!({ "name": "made", "scopes": scopes }).to_string();
        let answer = server.send(&Request::post("/v1/tokens", body.as_bytes()).token(&first));
        answer.json()["token"].as_str().unwrap().to_owned()
    };
    let (decides, explains) = (token(&json!(["decide"])), token(&json!(["decide", "explain"])));
    let only_explains = token(&json!(["explain"]));
    let why = stop("2001", "2002", "PRIVATE");
    for refused in [&decides, &only_explains] {
        assert_error(&send(&server, refused, &why), 403, "forbidden");
    }
    let answer = send(&server, &explains, &why);
    assert_eq!((answer.status, &answer.json()["decision"]), (200, &json!("Deny")));
    assert_eq!(answer.json()["explanation"]["nearMisses"][0]["differs"], "creator");
    // What is not asked for needs no scope and is not told, on a connection where it was told before as well.
    let mut plain = why.clone();
    plain["explain"] = json!(false);
    let mut connection = server.connect();
    for (body, token, is_told) in [
        (&why, &explains, true),
        (&plain, &explains, false),
        (&why, &explains, true),
        (&plain, &decides, false),
    ] {
        let text = body.to_string();
        let answer = connection.ask(&Request::post(ONE, text.as_bytes()).token(token)).json();
        assert_eq!(answer.get("explanation").is_some(), is_told, "{answer}");
        assert_eq!(answer["decision"], "Deny");
    }
    let text = why.to_string();
    let refused = connection.ask(&Request::post(ONE, text.as_bytes()).token(&decides));
    assert_error(&refused, 403, "forbidden");
}

#[test]
fn an_explanation_stands_alone() {
    let server = Server::demo(&[]);
    let mut both = stop("2001", "2002", "PRIVATE");
    both["suggest"] = json!(true);
    let error = assert_error(&send(&server, DEV_TOKEN, &both), 400, "unexpected_field");
    assert_eq!(error["field"], "suggest");
    let mut text = stop("2001", "2002", "PRIVATE");
    text["explain"] = json!("yes");
    assert_eq!(send(&server, DEV_TOKEN, &text).status, 400);
    // In a batch it is refused in its place, and the others are answered.
    let mut plain = stop("2001", "2001", "PRIVATE");
    plain.as_object_mut().unwrap().remove("explain");
    let batch = json!({ "requests": [plain, stop("2001", "2001", "PRIVATE"), plain] }).to_string();
    let batch = Request::post("/v1/batch-is-authorized", batch.as_bytes()).token(DEV_TOKEN);
    let answer = server.send(&batch).json();
    let results = answer["results"].as_array().unwrap();
    let reasons: Vec<&Value> = results.iter().map(|it| &it["reason"]).collect();
    assert_eq!(reasons, ["explicit_allow", "error", "explicit_allow"]);
    assert_eq!(results[1]["errors"][0]["field"], "explain");
    // What is wrong with a question is told as without.
    let mut wrong = stop("2001", "2002", "PRIVATE");
    wrong["action"] = json!("PaiDLC:StopJbo");
    assert_eq!(send(&server, DEV_TOKEN, &wrong).status, 400);
}

#[test]
fn an_allow_names_role_document_and_group() {
    let (server, mut ram) = Ram::demo();
    let allow = r#"{"Version":"1","Statement":[
        {"Effect":"Allow","Action":"log:*","Resource":"*"},
        {"Effect":"Allow","Action":"paidlc:StopJob","Resource":"*"}]}"#;
    ram.ok("CreatePolicy", &[("PolicyName", "stops"), ("PolicyDocument", allow)]);
    ram.ok("CreateGroup", &[("GroupName", "operators")]);
    let names = [("PolicyType", "Custom"), ("PolicyName", "stops")];
    ram.ok("AttachPolicyToGroup", &[names[0], names[1], ("GroupName", "operators")]);
    let users = ram.ok("ListUsers", &[("MaxItems", "1000")])["Users"]["User"].clone();
    let name = |id: &str| {
        let mut all = users.as_array().unwrap().iter();
        all.find(|it| it["UserId"] == id).unwrap()["UserName"].as_str().unwrap().to_owned()
    };
    let developer = name("2001");
    ram.ok("AddUserToGroup", &[("UserName", &developer), ("GroupName", "operators")]);
    ram.ok("AttachPolicyToUser", &[names[0], names[1], ("UserName", &developer)]);
    let answer = server.decide(DEV_TOKEN, &stop("2001", "2001", "PRIVATE"));
    assert_eq!(answer["decision"], "Allow");
    assert_eq!(
        answer["explanation"],
        json!({
            "summary": "allowed: statement 1 of `Custom/stops` and `PAI.AlgoDeveloper` grant `PaiDLC:StopJob`",
            "policies": [
                { "policy": "Custom/stops/v1/Statement/1", "source": {
                    "kind": "document", "policyType": "Custom", "policyName": "stops", "version": "v1", "statement": 1, "line": 3,
                    "attachedTo": [{ "type": "User", "id": "2001" }, { "type": "Group", "name": "operators" }],
                } },
                { "policy": "PAI.AlgoDeveloper/DLC.write.own-private",
                  "source": { "kind": "builtin_role", "role": "PAI.AlgoDeveloper" } },
            ],
            "facts": { "principalKnown": true, "workspaceKnown": true, "roles": [{ "role": "PAI.AlgoDeveloper" }], "documents": 1 },
            "nearMisses": [], "missingContextKeys": [], "remedies": [],
        })
    );
    let answer = server.decide(DEV_TOKEN, &stop("2007", "2001", "PUBLIC"));
    assert_eq!(
        answer["explanation"]["policies"][0]["source"],
        json!({ "kind": "custom_role", "role": "role-jobreviewer", "name": "JobReviewer", "module": "DLC", "level": "CustomPermissions" })
    );
    let account = json!({ "principal": { "type": "Account", "id": "1000000000000001" }, "action": "Pai:ListQuotas", "explain": true });
    let answer = server.decide(DEV_TOKEN, &account);
    assert_eq!(answer["explanation"]["policies"][0]["source"], json!({ "kind": "account" }));
    assert_eq!(answer["explanation"]["facts"]["workspaceKnown"], Value::Null);
}

#[test]
fn the_role_it_suggests_allows_when_it_is_given() {
    let (server, mut ram) = Ram::demo();
    for user in ["2001", "2999"] {
        let question = stop(user, "2002", "PRIVATE");
        let answer = server.decide(DEV_TOKEN, &question);
        assert_eq!(answer["reason"], "implicit_deny");
        let role = remedy(&answer, "add_role")["role"].clone();
        assert_eq!(role, "PAI.AlgoOperator");
        let members = json!({ "Members": [{ "UserId": user, "Roles": [role] }] });
        ok(&ram.0.put("CreateMember", &["10001"], &members));
        let answer = server.decide(DEV_TOKEN, &question);
        assert_eq!(answer["decision"], "Allow");
        assert_eq!(
            answer["explanation"]["policies"][0]["policy"],
            "PAI.AlgoOperator/DLC.write.private"
        );
    }
}

#[test]
fn the_level_it_suggests_allows_when_the_role_has_it() {
    let (server, mut ram) = Ram::demo();
    let reads = json!([{ "ModuleName": "DLC", "PermissionType": "ReadOnly" }]);
    let made = json!({ "RoleName": "Reader", "ModulePermissions": reads });
    ok(&ram.0.put("CreateWorkspaceRole", &["10001"], &made));
    let members = json!({ "Members": [{ "UserId": "2999", "Roles": ["Reader"] }] });
    ok(&ram.0.put("CreateMember", &["10001"], &members));
    // What was not enough before: each is tried from Read-only on.
    for (creator, level) in [("2999", "ReadWrite"), ("2001", "FullAccess")] {
        let question = stop("2999", creator, "PRIVATE");
        let answer = server.decide(DEV_TOKEN, &question);
        let raise = remedy(&answer, "raise_level");
        assert_eq!((&raise["name"], &raise["module"]), (&json!("Reader"), &json!("DLC")));
        assert_eq!(raise["to"], level);
        let modules = json!([{ "ModuleName": raise["module"], "PermissionType": raise["to"] }]);
        let role = raise["role"].as_str().unwrap();
        let change = json!({ "ModulePermissions": modules });
        ok(&ram.0.put("UpdateWorkspaceRole", &["10001", role], &change));
        let answer = server.decide(DEV_TOKEN, &question);
        assert_eq!(answer["decision"], "Allow");
        assert_eq!(answer["explanation"]["policies"][0]["source"]["level"], level);
    }
}

#[test]
fn the_statement_it_suggests_allows_when_it_is_attached_and_a_denial_has_no_remedy() {
    let (server, mut ram) = Ram::demo();
    let question = stop("2001", "2002", "PRIVATE");
    let statement =
        remedy(&server.decide(DEV_TOKEN, &question), "ram_statement")["statement"].clone();
    let users = ram.ok("ListUsers", &[("MaxItems", "1000")])["Users"]["User"].clone();
    let mut all = users.as_array().unwrap().iter();
    let name = all.find(|it| it["UserId"] == "2001").unwrap()["UserName"].as_str().unwrap();
    let mut attach = |policy: &str, statement: &Value| {
        let document = json!({ "Version": "1", "Statement": [statement] }).to_string();
        ram.ok("CreatePolicy", &[("PolicyName", policy), ("PolicyDocument", &document)]);
        let names = [("PolicyType", "Custom"), ("PolicyName", policy), ("UserName", name)];
        ram.ok("AttachPolicyToUser", &names);
    };
    attach("remedy", &statement);
    assert_eq!(server.decide(DEV_TOKEN, &question)["decision"], "Allow");
    // The statement names one job, and is near for another.
    let mut other = question.clone();
    other["resource"]["id"] = json!("dlc-2");
    let near = server.decide(DEV_TOKEN, &other)["explanation"]["nearMisses"].clone();
    let differs: Vec<&Value> = near.as_array().unwrap().iter().map(|it| &it["differs"]).collect();
    assert_eq!(differs, ["creator", "resource"]);
    attach(
        "no-stopping",
        &json!({ "Effect": "Deny", "Action": "paidlc:StopJob", "Resource": "*" }),
    );
    let answer = server.decide(DEV_TOKEN, &question);
    assert_eq!(answer["reason"], "explicit_deny");
    let explanation = &answer["explanation"];
    assert_eq!(explanation["policies"][0]["source"]["policyName"], "no-stopping");
    assert_eq!((&explanation["remedies"], &explanation["nearMisses"]), (&json!([]), &json!([])));
    assert!(explanation["summary"].as_str().unwrap().ends_with("a denial wins over every grant"));
}

#[test]
fn conditions_that_do_not_hold_are_told_with_what_they_want() {
    let (server, mut ram) = Ram::demo();
    let (user, _) = ram.0.create_user("kim");
    let document = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"paidlc:*","Resource":"*",
        "Condition":{"IpAddress":{"acs:SourceIp":"10.0.0.0/8"},"DateLessThan":{"acs:CurrentTime":"2020-01-01T00:00:00Z"}}}]}"#;
    ram.ok("CreatePolicy", &[("PolicyName", "inside"), ("PolicyDocument", document)]);
    let names = [("PolicyType", "Custom"), ("PolicyName", "inside"), ("UserName", "kim")];
    ram.ok("AttachPolicyToUser", &names);
    let question = stop(&user, "2001", "PRIVATE");
    let explanation = server.decide(DEV_TOKEN, &question)["explanation"].clone();
    // The service knows what time it is.
    assert_eq!(explanation["missingContextKeys"], json!(["acs:SourceIp"]));
    let near = &explanation["nearMisses"][0];
    assert_eq!(near["differs"], "condition");
    assert_eq!(
        near["conditions"][0],
        json!({ "key": "acs:SourceIp", "operator": "IpAddress", "wanted": ["10.0.0.0/8"], "given": [] })
    );
    assert_eq!(near["conditions"][1]["key"], "acs:CurrentTime");
    assert_eq!(near["conditions"][1]["given"].as_array().unwrap().len(), 1);
    let mut stated = question;
    stated["context"] =
        json!({ "acs:SourceIp": "10.1.2.3", "acs:CurrentTime": "2019-12-31T00:00:00Z" });
    assert_eq!(server.decide(DEV_TOKEN, &stated)["decision"], "Allow");
}

#[test]
fn the_command_explains_from_a_service_and_from_a_stopped_store() {
    let server = Server::demo(&[]);
    let url = server.url();
    let explain = |user: &str, creator: &str, format: &str| -> Done {
        run([
            "explain",
            "--format",
            format,
            "--url",
            &url,
            "--token",
            DEV_TOKEN,
            "--principal",
            user,
            "--action",
            "PaiDLC:StopJob",
            "--workspace",
            "10001",
            "--creator",
            creator,
            "--accessibility",
            "PRIVATE",
        ])
    };
    let done = explain("User:2001", "2002", "text");
    assert_eq!(done.code, 1);
    // As the manual shows it.
    let manual = include_str!("../../docs/explain.md");
    let shown = manual.split("```console\n").nth(1).unwrap().split("```").next().unwrap();
    assert_eq!(shown.split_once('\n').unwrap().1, done.out);
    let allowed = explain("User:2001", "2001", "text");
    assert!(
        allowed.code == 0 && allowed.out.starts_with("Allow (explicit_allow)\n"),
        "{allowed:?}"
    );
    let json: Value = serde_json::from_str(&explain("User:2001", "2002", "json").out).unwrap();
    assert_eq!(remedy(&json, "add_role")["role"], "PAI.AlgoOperator");
    let wrong = run([
        "explain",
        "--url",
        &url,
        "--token",
        DEV_TOKEN,
        "--principal",
        "User:2001",
        "--action",
        "x",
    ]);
    assert_eq!(wrong.code, 2);

    let place = Place::new();
    let account = "1000000000000001";
    place.init(account);
    place.import(account, &json!({
        "users": [{ "id": "2001" }, { "id": "2002" }],
        "workspaces": [{ "id": "10001", "name": "w_name", "members": [{ "user": "2001", "roles": ["PAI.AlgoDeveloper"] }] }],
    }));
    let on_store = |more: &[&str]| {
        let base = [
            "explain",
            "--account",
            account,
            "--principal",
            "User:2001",
            "--action",
            "PaiDLC:StopJob",
            "--workspace",
            "10001",
            "--creator",
            "2002",
            "--accessibility",
            "PRIVATE",
        ];
        place.stopped(&[&base[..], more].concat())
    };
    let (text, json) = (on_store(&[]), on_store(&["--format", "json"]));
    assert_eq!((text.code, json.code), (1, 1));
    assert_eq!(text.out, done.out);
    let json: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json["explanation"]["nearMisses"][0]["differs"], "creator");
}
