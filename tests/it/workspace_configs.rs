//! Configs of workspaces, and switches among them: decided by at once, on every way to ask, on every replica, and after a start.

use serde_json::{Value, json};

use crate::support::{
    fleet::{Fleet, revision_of},
    ram::Ram,
    redis::Redis,
    server::{DEV_TOKEN, Place, Server},
    signed::{Api, Call, Key, ok, refused},
    wire::Request,
};

const ENTER: &str = "dlcEnterContainer";
const TERMINAL: &str = "PaiDLC:GetWebTerminal";

fn switch(value: &str) -> Value {
    json!({ "CategoryName": "PaiAuthzSwitch", "ConfigKey": ENTER, "ConfigValue": value })
}

fn turn(workspace: &str, value: &str) -> Call {
    Call::new("UpdateConfig", &[workspace]).body(&switch(value))
}

/// May a user have a terminal of its own job?
fn terminal(user: &str, workspace: &str) -> Value {
    let kind = if user == "1000000000000001" { "Account" } else { "User" };
    json!({
        "principal": { "type": kind, "id": user }, "action": TERMINAL,
        "resource": { "workspace": workspace, "creator": user, "accessibility": "PRIVATE" },
    })
}

#[track_caller]
fn post(server: &Server, path: &str, body: &Value) -> Value {
    let text = body.to_string();
    let answer = server.send(&Request::post(path, text.as_bytes()).token(DEV_TOKEN));
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

#[test]
fn what_is_off_is_off_on_every_way_to_ask() {
    let (server, mut ram) = Ram::demo();
    let mut put = |value: &str| drop(ok(&ram.0.send(&turn("10001", value))));
    let ask = |user: &str| {
        let answer = post(&server, "/v1/is-authorized", &terminal(user, "10001"));
        (answer["decision"].clone(), answer["determiningPolicies"].clone())
    };
    let granted = |policy: &str| (json!("Allow"), json!([policy]));
    let off = (json!("Deny"), json!(["switch/dlcEnterContainer"]));
    let before = [
        ("1000000000000001", granted("account/owns-everything")),
        ("2001", granted("PAI.AlgoDeveloper/DLC.write.own-private")),
        ("2009", granted("PAI.WorkspaceAdmin/DLC.write.all")),
    ];
    let subject = |id: &str| json!({ "type": "User", "id": id });
    let resource =
        |properties: Value| json!({ "type": "job", "id": "*", "properties": properties });
    let own = json!({ "workspace": "10001", "creator": "2001", "accessibility": "PRIVATE" });
    for round in 0..2 {
        for (user, expected) in &before {
            assert_eq!(ask(user), *expected, "{user} in round {round}");
        }
        put("false");
        for (user, _) in &before {
            assert_eq!(ask(user), off, "{user} in round {round}");
        }
        // Users nothing was granted to are denied by it as well; elsewhere nothing changed.
        assert_eq!(ask("2005"), off);
        let elsewhere = post(&server, "/v1/is-authorized", &terminal("1000000000000001", "10002"));
        assert_eq!(elsewhere["decision"], "Allow");
        // Batches, on the short way and, for what is wrong in it, on the long one.
        let wrong = json!({ "principal": { "type": "User" } });
        for more in [vec![], vec![wrong]] {
            let questions =
                [vec![terminal("2001", "10001"), terminal("2009", "10001")], more].concat();
            let answer =
                post(&server, "/v1/batch-is-authorized", &json!({ "requests": questions }));
            for result in answer["results"].as_array().unwrap().iter().take(2) {
                assert_eq!(result["reason"], "explicit_deny", "{answer}");
                assert_eq!(result["determiningPolicies"], off.1, "{answer}");
            }
        }
        let evaluation = json!({
            "subject": subject("2001"), "action": { "name": TERMINAL }, "resource": resource(own.clone()),
        });
        let answer = post(&server, "/access/v1/evaluation", &evaluation);
        assert_eq!(answer["decision"], false, "{answer}");
        let asked = json!({
            "principal": subject("2001"), "resources": [own], "actions": [TERMINAL, "PaiDLC:StopJob"],
        });
        let answer = post(&server, "/v1/allowed-actions", &asked);
        assert_eq!(answer["results"][0]["actions"], json!(["PaiDLC:StopJob"]), "{answer}");
        let mut why = terminal("2001", "10001");
        why["explain"] = json!(true);
        let explanation = post(&server, "/v1/is-authorized", &why)["explanation"].clone();
        let source =
            json!({ "kind": "workspace_switch", "category": "PaiAuthzSwitch", "key": ENTER });
        assert_eq!(explanation["policies"][0]["source"], source);
        assert_eq!(explanation["remedies"], json!([]));
        // What a request states changes nothing of it.
        let mut stated = terminal("2001", "10001");
        stated["context"] = json!({ "acs:SourceVpc": "vpc-1", "dlcEnterContainer": "true" });
        let answer = post(&server, "/v1/is-authorized", &stated);
        assert_eq!(answer["determiningPolicies"], off.1, "{answer}");
        put("true");
    }
}

#[test]
fn a_switch_outlasts_the_process() {
    const ACCOUNT: &str = "1000000000000001";
    let place = Place::new();
    let key = place.init_key(ACCOUNT);
    let made = ["token", "create", "--account", ACCOUNT, "--name", "t", "--scope", "decide"];
    let token = place.stopped(&made).out.trim().to_owned();
    let server = place.serve(&[]);
    let mut api = Api::new(key.clone(), server.api);
    let workspace = api.create_workspace("switched");
    let decide = |server: &Server| {
        server.decide(&token, &terminal(ACCOUNT, &workspace))["decision"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(decide(&server), "Allow");
    ok(&api.send(&turn(&workspace, "false")));
    assert_eq!(decide(&server), "Deny");
    let told = ok(&api.call("ListConfigs", &[&workspace]));
    server.stop();
    let server = place.serve(&[]);
    let mut api = Api::new(key, server.api);
    assert_eq!(decide(&server), "Deny");
    let again = ok(&api.call("ListConfigs", &[&workspace]));
    assert_eq!(again["Configs"], told["Configs"]);
    ok(&api.send(&Call::new("DeleteConfig", &[&workspace, ENTER])));
    assert_eq!(decide(&server), "Allow");
}

#[test]
fn a_switch_is_off_on_every_replica() {
    let redis = Redis::tcp(&[]);
    let fleet = Fleet::start(&redis.url(), 2, &[]);
    let mut api = fleet.api(0);
    let workspace = api.create_workspace("switched");
    for (value, expected) in [("false", "Deny"), ("true", "Allow"), ("false", "Deny")] {
        let revision = revision_of(&mut api, &turn(&workspace, value));
        for server in &fleet.servers {
            let mut question = terminal(crate::support::fleet::ACCOUNT, &workspace);
            question["principal"]["type"] = json!("Account");
            question["atLeastAsFresh"] = json!(revision);
            assert_eq!(server.decide(&fleet.token, &question)["decision"], expected);
        }
    }
    // One that starts later reads it from Redis.
    let mut fleet = fleet;
    fleet.add(&[]);
    let mut question = terminal(crate::support::fleet::ACCOUNT, &workspace);
    question["principal"]["type"] = json!("Account");
    assert_eq!(fleet.servers[2].decide(&fleet.token, &question)["decision"], "Deny");
}

#[test]
fn logs_are_forwarded_by_who_may_do_so_in_simple_log_service() {
    let (server, mut ram) = Ram::demo();
    let (admin, key) = ram.0.create_user("forwarder");
    let member = json!({ "Members": [{ "UserId": admin, "Roles": ["PAI.WorkspaceAdmin"] }] });
    ok(&ram.0.put("CreateMember", &["10001"], &member));
    let mut api = Api::new(key, server.api);
    let forward =
        |key: &str| json!({ "CategoryName": "SLS", "ConfigKey": key, "ConfigValue": "{}" });
    let keys = ["slsConfigDLC", "slsConfigDSW"];
    let refuse = |api: &mut Api, action: &str| {
        for key in keys {
            let answer = api.put("UpdateConfig", &["10001"], &forward(key));
            refused(&answer, 403, "NoPermission");
            let message = answer.json()["Message"].as_str().unwrap().to_owned();
            assert!(message.contains("[SLS]") && message.contains(action), "{message}");
        }
    };
    refuse(&mut api, "log:ListProject");
    let document = |statement: &str| format!(r#"{{"Version":"1","Statement":[{statement}]}}"#);
    let attach = |ram: &mut Ram, name: &str, statement: &str| {
        ram.ok("CreatePolicy", &[("PolicyName", name), ("PolicyDocument", &document(statement))]);
        ram.ok(
            "AttachPolicyToUser",
            &[("PolicyType", "Custom"), ("PolicyName", name), ("UserName", "forwarder")],
        );
    };
    let allow = |actions: &str, on: &str| {
        format!(r#"{{"Effect":"Allow","Action":{actions},"Resource":"acs:log:{on}"}}"#)
    };
    attach(&mut ram, "lists", &allow(r#""log:ListProject""#, "*:*:project/*"));
    refuse(&mut api, "log:GetProductDataCollection");
    // Of one project is not of all of them.
    let forwards = r#"["log:GetProductDataCollection","log:OpenProductDataCollection"]"#;
    attach(&mut ram, "one", &allow(forwards, "*:*:project/logs"));
    refuse(&mut api, "log:GetProductDataCollection");
    attach(&mut ram, "gets", &allow(forwards, "*:*:project/*"));
    refuse(&mut api, "log:CloseProductDataCollection");
    attach(&mut ram, "closes", &allow(r#""log:CloseProductDataCollection""#, "*:*:project/*"));
    for key in keys {
        ok(&api.put("UpdateConfig", &["10001"], &forward(key)));
    }
    assert_eq!(ok(&api.call("ListConfigs", &["10001"]))["TotalCount"], 2);
    // Nor is it ended by who may not.
    let detach = [("PolicyType", "Custom"), ("PolicyName", "closes"), ("UserName", "forwarder")];
    ram.ok("DetachPolicyFromUser", &detach);
    refused(&api.call("DeleteConfig", &["10001", keys[0]]), 403, "NoPermission");
    ok(&ram.0.call("DeleteConfig", &["10001", keys[0]]));
    // What forwards no logs needs none of that.
    ok(&api.put("UpdateConfig", &["10001"], &switch("false")));
}

/// Returns a config of a category that is not known.
fn config(key: &str, value: &str, labels: Value) -> Value {
    let mut body = json!({ "CategoryName": "x", "ConfigKey": key, "ConfigValue": value });
    body["Labels"] = labels;
    body
}

#[test]
fn configs_fit_or_are_refused_by_the_field() {
    let server = Server::demo(&[]);
    let mut api = Api::new(Key::dev(), server.api);
    let labels = |count: usize, key: &str, value: &str| -> Value {
        (0..count).map(|n| json!({ "Key": format!("{key}{n}"), "Value": value })).collect()
    };
    let long = |count: usize| "名".repeat(count);
    for (name, body, taken) in [
        ("ConfigValue", config("a", &"x".repeat(16_384), json!([])), true),
        ("ConfigValue", config("a", &"x".repeat(16_385), json!([])), false),
        ("ConfigValue", json!({ "CategoryName": "x", "ConfigKey": "a" }), false),
        ("ConfigKey", json!({ "CategoryName": "x", "ConfigValue": "a" }), false),
        ("CategoryName", json!({ "ConfigKey": "x", "ConfigValue": "a" }), false),
        ("ConfigKey", config(&"k".repeat(64), "", json!([])), true),
        ("ConfigKey", config(&"k".repeat(65), "", json!([])), false),
        ("ConfigKey", config("a/b", "", json!([])), false),
        ("Labels", config("a", "", labels(20, "k", "")), true),
        ("Labels", config("a", "", labels(21, "k", "")), false),
        ("Labels", config("a", "", labels(1, &long(127), &long(128))), true),
        ("Labels", config("a", "", labels(1, &long(128), "")), false),
        ("Labels", config("a", "", labels(1, "k", &long(129))), false),
        ("Labels", config("a", "", labels(1, "k", "a,b")), false),
        ("Labels", config("a", "", labels(1, "k=", "")), false),
        ("Labels", config("a", "", labels(1, " k", "")), false),
        ("Labels", config("a", "", labels(1, "k", "v ")), false),
        ("Labels", config("a", "", labels(1, "k", "a b")), true),
        ("ConfigKey", config("..", "", json!([])), false),
        ("Labels", config("a", "", json!([{ "Key": "", "Value": "" }])), false),
        ("Labels[0].Key", config("a", "", json!([{ "Value": "" }])), false),
        ("Labels[1].Key", config("a", "", json!([{ "Key": "k" }, { "Key": "k" }])), false),
        ("Unknown", json!({ "Unknown": 1 }), false),
    ] {
        let answer = api.put("UpdateConfig", &["10001"], &body);
        if taken {
            ok(&answer);
            continue;
        }
        let message = answer.json()["Message"].as_str().unwrap_or_default().to_owned();
        assert!(answer.status == 400 && message.contains(name), "{body}: {answer:?}");
        // Among others it is named by its place, and none of them is put.
        let several = json!({ "Configs": [config("not-there", "", json!([])), body] });
        let answer = api.put("UpdateConfigs", &["10001"], &several);
        let message = answer.json()["Message"].as_str().unwrap_or_default().to_owned();
        assert!(answer.status == 400 && message.contains(name), "{body}: {answer:?}");
        if name != "Unknown" {
            assert!(message.contains("Configs[1]."), "{message}");
        }
    }
    let found = api.ask("ListConfigs", &["10001"], &[("ConfigKeys", "not-there")]);
    assert_eq!(ok(&found)["TotalCount"], 0);
    for (query, field) in [
        ([("Labels", "a")], "Labels"),
        ([("Labels", "a=b,a=c")], "Labels"),
        ([("Labels", "=b")], "Labels"),
        ([("Labels", ",")], "Labels"),
        ([("Options", "x")], "Options"),
        ([("Verbose", "x")], "Verbose"),
    ] {
        let answer = api.ask("ListConfigs", &["10001"], &query);
        let message = answer.json()["Message"].as_str().unwrap().to_owned();
        assert!(answer.status == 400 && message.contains(field), "{answer:?}");
    }
}

#[test]
fn what_is_nearly_known_or_not_there_is_refused_by_the_field_that_is_wrong() {
    let server = Server::demo(&[]);
    let mut api = Api::new(Key::dev(), server.api);
    // What is nearly known is refused by the field that is wrong, with what would be right.
    for (category, key, field, right) in [
        ("paiauthzswitch", ENTER, "CategoryName", "PaiAuthzSwitch"),
        ("commonresourceconfig", "tempStoragePath", "CategoryName", "CommonResourceConfig"),
        ("Other", ENTER, "CategoryName", "PaiAuthzSwitch"),
        ("PaiAuthSwitches", "dlcEnter", "CategoryName", "PaiAuthzSwitch"),
        ("Other", "priorityConfig", "CategoryName", "DLCPriorityConfig` or `DSWPriorityConfig"),
        ("PaiAuthzSwitch", "dlcentercontainer", "ConfigKey", ENTER),
        ("PaiAuthzSwitch", "other", "ConfigKey", ENTER),
        ("PaiAuthzSwitch", "slsConfigDLC", "ConfigKey", ENTER),
        ("Other", "slsconfigdlc", "ConfigKey", "slsConfigDLC"),
    ] {
        let body = json!({ "CategoryName": category, "ConfigKey": key, "ConfigValue": "true" });
        let answer = api.put("UpdateConfig", &["10001"], &body);
        refused(&answer, 400, "InvalidParameter");
        let message = answer.json()["Message"].as_str().unwrap().to_owned();
        let field = format!("({field}: ");
        assert!(message.contains(&field) && message.contains(right), "{message}");
    }
    // So is what is not there.
    let body = config("found", "", json!([{ "Key": "a", "Value": "b c" }]));
    ok(&api.put("UpdateConfig", &["10001"], &body));
    let delete =
        |key: &str, query: &[(&str, &str)]| Call::new("DeleteConfig", &["10001", key]).query(query);
    for (key, query, field) in [
        ("lost", &[("CategoryName", "x")][..], "ConfigKey"),
        ("found", &[("CategoryName", "y")], "CategoryName"),
        ("found", &[("CategoryName", "x")], "Labels"),
        ("found", &[("CategoryName", "x"), ("Labels", "a=c")], "Labels"),
    ] {
        let answer = api.send(&delete(key, query));
        refused(&answer, 404, "EntityNotExist.Config");
        let message = answer.json()["Message"].as_str().unwrap().to_owned();
        assert!(message.contains(&format!("({field}: ")), "{message}");
    }
    ok(&api.send(&delete("found", &[("Labels", "a=b c")])));
}

#[test]
fn a_call_and_a_workspace_have_as_many_configs_as_they_may_and_no_more() {
    let server = Server::demo(&[]);
    let mut api = Api::new(Key::dev(), server.api);
    // As many as a call and a workspace may have.
    let many = |from: usize, count: usize| {
        let all = from..from + count;
        json!({ "Configs": all.map(|n| config(&format!("n{n}"), "", json!([]))).collect::<Vec<_>>() })
    };
    ok(&api.put("UpdateConfigs", &["10001"], &many(300, 1)));
    let present = ok(&api.call("ListConfigs", &["10001"]))["TotalCount"].as_u64().unwrap();
    let present = usize::try_from(present).unwrap();
    refused(&api.put("UpdateConfigs", &["10001"], &many(0, 101)), 400, "InvalidParameter");
    ok(&api.put("UpdateConfigs", &["10001"], &many(0, 100)));
    refused(&api.put("UpdateConfigs", &["10001"], &many(100, 101 - present)), 409, "LimitExceeded");
    ok(&api.put("UpdateConfigs", &["10001"], &many(100, 100 - present)));
    refused(&api.put("UpdateConfigs", &["10001"], &many(500, 1)), 409, "LimitExceeded");
    // A door is shut however many there are, and those that are there may change.
    ok(&api.send(&turn("10001", "false")));
    let again = json!({ "Configs": [config("n0", "again", json!([]))] });
    ok(&api.put("UpdateConfigs", &["10001"], &again));
    // As many bytes as they may be together, in another workspace.
    let large = |n: usize| json!({ "Configs": [config(&format!("n{n:02}"), &"x".repeat(16_000), json!([]))] });
    for n in 0..16 {
        ok(&api.put("UpdateConfigs", &["10002"], &large(n)));
    }
    refused(&api.put("UpdateConfigs", &["10002"], &large(16)), 409, "LimitExceeded");
    ok(&api.send(&Call::new("DeleteConfig", &["10002", "n00"])));
    ok(&api.put("UpdateConfigs", &["10002"], &large(16)));
}

#[test]
fn what_did_not_change_is_not_written() {
    let server = Server::demo(&[]);
    let mut api = Api::new(Key::dev(), server.api);
    let first = revision_of(&mut api, &turn("10001", "false"));
    let told = ok(&api.call("ListConfigs", &["10001"]));
    assert_eq!(revision_of(&mut api, &turn("10001", "false")), first);
    assert_ne!(revision_of(&mut api, &turn("10001", "true")), first);
    let after = ok(&api.call("ListConfigs", &["10001"]));
    let at = |told: &Value, field: &str| told["Configs"][0][field].clone();
    assert_eq!(at(&after, "GmtCreateTime"), at(&told, "GmtCreateTime"));
    assert_eq!(at(&after, "ConfigId"), at(&told, "ConfigId"));
    assert_ne!(at(&after, "ConfigValue"), at(&told, "ConfigValue"));
}
