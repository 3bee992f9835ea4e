//! Which actions are allowed on each of a page of resources: as asking about each.

use pai_authz::catalog::catalog;
use serde_json::{Value, json};

use crate::{
    authzen_account::{job, names, place, post, search},
    support::{ram::Ram, server::DEV_TOKEN, wire::Request},
};

#[test]
fn the_actions_of_a_page_of_rows_are_those_that_asking_each_allows() {
    let (_place, server, token) = place();
    let resources = json!([
        {"type": "job", "id": "dlc-1", "workspace": "10001", "creator": "2001", "accessibility": "PRIVATE"},
        {"type": "job", "id": "dlc-2", "workspace": "10001", "creator": "2002", "accessibility": "PRIVATE"},
        {"type": "job", "id": "dlc-3", "workspace": "99", "creator": "2001", "accessibility": "PUBLIC"},
        {"type": "job", "id": "dlc-4", "workspace": "10001"},
        {"type": "workspace", "workspace": "10002"},
    ]);
    let body = |more: Value| {
        let mut body = json!({"principal": {"type": "User", "id": "2001"}, "resources": resources});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let ask = |body: &Value| post(&server, &token, "/v1/allowed-actions", body);
    let answer = ask(&body(json!({})));
    let rows = answer["results"].as_array().unwrap();
    let allowed = |row: usize| -> Vec<&str> {
        rows[row]["actions"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect()
    };
    assert!(allowed(0).contains(&"PaiDLC:StopJob") && !allowed(1).contains(&"PaiDLC:StopJob"));
    assert!(allowed(2).is_empty());
    assert_eq!(rows[3]["errors"][0]["code"], "missing_field");
    for (row, resource) in resources.as_array().unwrap().iter().enumerate() {
        for action in catalog().actions() {
            let asked = json!({"principal": {"type": "User", "id": "2001"}, "action": action.name, "resource": resource}).to_string();
            let one =
                server.send(&Request::post("/v1/is-authorized", asked.as_bytes()).token(&token));
            let allows = one.status == 200 && one.json()["decision"] == "Allow";
            assert_eq!(allowed(row).contains(&action.name), allows, "{row} {}", action.name);
        }
    }
    let named = ask(&body(
        json!({"actions": ["PaiDLC:StopJob", "PaiDLC:GetJob", "PaiWorkspace:ListConfigs"]}),
    ));
    assert_eq!(named["results"][0]["actions"], json!(["PaiDLC:StopJob", "PaiDLC:GetJob"]));
    assert_eq!(named["results"][4]["actions"], json!(["PaiWorkspace:ListConfigs"]));
    for (wrong, field) in [
        (body(json!({"actions": ["PaiDLC:StopJbo"]})), "actions[0]"),
        (body(json!({"actions": []})), "actions"),
        (body(json!({"resources": []})), "resources"),
        (body(json!({"resources": vec![json!({"type": "job"}); 101]})), "resources"),
        (body(json!({"principal": {"type": "User"}})), "principal.id"),
        (body(json!({"principal": {"type": "user", "id": "2001"}})), "principal.type"),
        (body(json!({"colour": 1})), "colour"),
    ] {
        let text = wrong.to_string();
        let refused =
            server.send(&Request::post("/v1/allowed-actions", text.as_bytes()).token(&token));
        assert_eq!((refused.status, &refused.json()["field"]), (400, &json!(field)), "{wrong}");
    }
}

#[test]
fn what_a_policy_cannot_compare_is_told_and_allows_nothing() {
    let (server, mut ram) = Ram::demo();
    let document = json!({"Version": "1", "Statement": [{
        "Effect": "Deny", "Action": "paidlc:StopJob", "Resource": "*",
        "Condition": {"NumericGreaterThan": {"acs:RequestTag/gpus": "8"}},
    }]});
    let document = document.to_string();
    ram.ok("CreatePolicy", &[("PolicyName", "limit"), ("PolicyDocument", &document)]);
    let users = ram.ok("ListUsers", &[("MaxItems", "1000")])["Users"]["User"].clone();
    let mut users = users.as_array().unwrap().iter();
    let name = users.find(|it| it["UserId"] == "2001").unwrap()["UserName"].as_str().unwrap();
    let to = [("PolicyType", "Custom"), ("PolicyName", "limit"), ("UserName", name)];
    ram.ok("AttachPolicyToUser", &to);
    let own = json!({"workspace": "10001", "creator": "2001", "accessibility": "PRIVATE"});
    for (gpus, stops, wrong) in [
        ("8", true, json!(null)),
        ("9", false, json!(null)),
        ("many", false, json!("context.acs:RequestTag/gpus")),
    ] {
        let context = json!({"acs:RequestTag/gpus": gpus});
        let mut row = own.clone();
        row["type"] = json!("job");
        let body = json!({
            "principal": {"type": "User", "id": "2001"}, "resources": [row], "context": context,
            "actions": ["PaiDLC:StopJob", "PaiDLC:GetJob"],
        });
        let answer = post(&server, DEV_TOKEN, "/v1/allowed-actions", &body);
        let row = &answer["results"][0];
        let allowed = if stops {
            json!(["PaiDLC:StopJob", "PaiDLC:GetJob"])
        } else {
            json!(["PaiDLC:GetJob"])
        };
        assert_eq!(
            (&row["actions"], &row["errors"][0]["field"]),
            (&allowed, &wrong),
            "{gpus}: {row}"
        );
        // So in a search.
        let body = json!({
            "subject": {"type": "User", "id": "2001"}, "resource": job("dlc-1", own.clone()), "context": context,
        });
        let answer = search(&server, DEV_TOKEN, "action", &body);
        assert_eq!(names(&answer).contains(&"PaiDLC:StopJob".to_owned()), stops, "{gpus}");
        assert_eq!(answer["context"]["refused"]["field"], wrong, "{gpus}: {answer}");
    }
}

#[test]
fn what_is_wrong_with_a_row_is_told_and_that_most_actions_are_of_others_is_not() {
    let (_place, server, token) = place();
    let own = json!({"workspace": "10001", "creator": "2001", "accessibility": "PRIVATE"});
    let with = |more: Value| {
        let mut resource = own.clone();
        resource.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        resource
    };
    let arn = "acs:paidlc:cn-hangzhou:1000000000000001:workspace/10001/dlcjob/dlc-1";
    let rows = [
        (with(json!({"type": "job"})), None),
        (with(json!({"type": "workspace"})), None),
        (own.clone(), None),
        (json!({"arn": arn, "creator": "2001", "accessibility": "PRIVATE"}), None),
        (with(json!({"type": "job", "accessibility": "SECRET"})), Some("resource.accessibility")),
        (with(json!({"type": "job", "creator": "erin"})), Some("resource.creator")),
        (with(json!({"type": "job", "workspace": "x"})), Some("resource.workspace")),
        (with(json!({"type": "jbo"})), Some("resource.type")),
        (json!({"arn": "acs:x"}), Some("resource.arn")),
        (json!({"type": "job", "workspace": "10001"}), Some("resource.creator")),
    ];
    let resources: Vec<&Value> = rows.iter().map(|(resource, _)| resource).collect();
    for named in [json!(null), json!(["PaiDLC:StopJob", "PaiWorkspace:ListConfigs"])] {
        let body = json!({"principal": {"type": "User", "id": "2001"}, "resources": resources, "actions": named});
        let answer = post(&server, &token, "/v1/allowed-actions", &body);
        for ((resource, wrong), row) in rows.iter().zip(answer["results"].as_array().unwrap()) {
            let found = &row["errors"][0]["field"];
            assert_eq!(found.as_str(), *wrong, "{resource} {named}: {row}");
        }
    }
    // So in a search, where a type that is not known is no error either.
    let secret = job("dlc-1", with(json!({"accessibility": "SECRET"})));
    for (resource, field) in [
        (secret, json!("resource.properties.accessibility")),
        (json!({"type": "jbo", "id": "1", "properties": own}), json!("resource.type")),
        (job("dlc-1", own.clone()), Value::Null),
    ] {
        let subject = json!({"type": "User", "id": "2001"});
        let body = json!({"subject": subject, "resource": resource});
        let answer = search(&server, &token, "action", &body);
        assert_eq!(answer["context"]["refused"]["field"], field, "{resource}: {answer}");
        assert_eq!(names(&answer).is_empty(), !field.is_null(), "{answer}");
    }
}
