//! The published role table, asked cell by cell over HTTP.
//!
//! The expected answers are read from `schema/catalog/permissions` as plain JSON: nothing of the program is used
//! to know them.

use serde_json::{Value, json};

use crate::support::{
    permission_rows, report,
    server::{Place, Server},
    wire::Request,
};

const ACCOUNT: &str = "1000000000000077";
/// A member per role: user id, role, and the column of the table that says what the role grants.
const MEMBERS: [(&str, &str, &str); 7] = [
    ("2001", "PAI.WorkspaceOwner", "owner_admin"),
    ("2002", "PAI.WorkspaceAdmin", "owner_admin"),
    ("2003", "PAI.AlgoDeveloper", "algo_developer"),
    ("2004", "PAI.AlgoOperator", "algo_operator"),
    ("2005", "PAI.LabelManager", "label_manager"),
    ("2006", "PAI.WorkspaceGuest", "visitor"),
    ("2007", "PAI.MaxComputeDeveloper", "maxcompute_developer"),
];
/// Somebody else, who creates the others' assets.
const OTHER: &str = "2099";

/// A workspace with one member per built-in role; the Owner is its creator, as everywhere.
fn workspace() -> Value {
    let users: Vec<Value> =
        MEMBERS.iter().map(|m| m.0).chain([OTHER]).map(|id| json!({ "id": id })).collect();
    let members: Vec<Value> = MEMBERS
        .iter()
        .skip(1)
        .map(|(id, role, _)| json!({ "user": id, "roles": [role] }))
        .collect();
    json!({
        "users": users,
        "workspaces": [{ "id": "10001", "name": "table", "creator": MEMBERS[0].0, "members": members }],
    })
}

/// Cells as the table writes them, in the order in which they are asked below.
const CELLS: [(char, bool, &str); 4] = [
    ('p', true, "PRIVATE"),
    ('P', false, "PRIVATE"),
    ('u', true, "PUBLIC"),
    ('U', false, "PUBLIC"),
];

#[test]
fn every_cell_of_the_role_table_is_answered_as_published() {
    let place = Place::new();
    let token = place.init(ACCOUNT);
    place.import(ACCOUNT, &workspace());
    let server = place.serve(&[]);

    let mut asked: Vec<(Value, bool, String)> = Vec::new();
    let rows = permission_rows();
    assert_eq!(rows.len(), 480);
    for (code, row) in &rows {
        let on_account = row["scope"] == "account";
        let flagged = row.get("allowed_unless_denied").is_some_and(|flag| flag == true);
        for (user, role, column) in MEMBERS {
            let granted = row["grants"][column].as_str().unwrap_or("----");
            for (letter, own, accessibility) in CELLS {
                let creator = if own { user } else { OTHER };
                let mut resource = json!({ "creator": creator, "accessibility": accessibility });
                if !on_account {
                    resource["workspace"] = json!("10001");
                }
                let question = json!({
                    "principal": { "type": "User", "id": user }, "action": code, "resource": resource,
                });
                let expected = flagged || granted.contains(letter);
                asked.push((question, expected, format!("{role} {code} {letter}")));
            }
        }
    }
    assert_eq!(asked.len(), 480 * 7 * 4);

    let mut wrong = Vec::new();
    let mut allowed = 0;
    for batch in asked.chunks(1_000) {
        let questions: Vec<&Value> = batch.iter().map(|(question, ..)| question).collect();
        let body = json!({ "requests": questions }).to_string();
        let answer =
            server.send(&Request::post("/v1/batch-is-authorized", body.as_bytes()).token(&token));
        assert_eq!(answer.status, 200, "{answer:?}");
        let answer = answer.json();
        let results = answer["results"].as_array().unwrap();
        assert_eq!(results.len(), batch.len());
        for (result, (_, expected, what)) in results.iter().zip(batch) {
            let is_allowed = result["decision"] == "Allow";
            allowed += usize::from(is_allowed);
            // A wrong question would be denied as well: an error is never the expected denial.
            if is_allowed != *expected || result["reason"] == "error" {
                wrong.push(format!("{what}: {result}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), asked.len(), wrong.join("\n"));
    report(&format!("{} cells asked over HTTP, {allowed} allowed, 0 differences", asked.len()));
}

#[test]
fn an_official_image_is_read_by_everybody_and_changed_by_nobody_but_the_main_account() {
    let server = Server::demo(&[]);
    let ask = |user: &str, action: &str| {
        let question = json!({
            "principal": { "type": "User", "id": user }, "action": action,
            "resource": { "type": "official-image", "id": "image-1" },
        });
        server.post("/v1/is-authorized", question.to_string())
    };
    for action in ["PaiImage:GetImage", "PaiImage:ListImages", "PaiImage:GetImagesStatistics"] {
        assert_eq!(ask("2999", action).json()["decision"], "Allow", "{action}");
        assert_eq!(ask("404", action).json()["decision"], "Deny", "{action}");
    }
    let refused = ask("2001", "PaiImage:RemoveImage");
    assert_eq!(
        (refused.status, &refused.json()["code"]),
        (400, &json!("unknown_type")),
        "{refused:?}"
    );
}
