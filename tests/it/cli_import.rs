//! Import files: whole or nothing, and what is wrong is said by its field.

use serde_json::{Value, json};

use crate::{
    cli::refused,
    support::server::{Place, run},
};

#[test]
fn what_would_be_gone_at_once_is_not_imported() {
    let place = Place::new();
    let file = place.write("import.json", json!({ "users": [{ "id": "2001" }] }).to_string());
    refused(&run(["import", &file, "--store", "memory:", "--dev"]), &["memory:", "redb:PATH"]);
    let asked = ["check", "--principal", "User:2001", "--action", "PaiDLC:ListJobs"];
    let of = ["--workspace", "10001", "--store", "memory:", "--dev"];
    refused(&run(asked.into_iter().chain(of)), &["memory:", "redb:PATH"]);
}

#[test]
fn an_import_is_whole_or_nothing() {
    let place = Place::new();
    let account = "1000000000000001";
    place.init(account);
    let import = |content: &Value| {
        let file = place.write("import.json", content.to_string());
        place.stopped(&["import", &file, "--account", account])
    };
    let workspace = |change: Value| {
        let mut workspace = json!({"id": "10001", "name": "research", "members": [{"user": "2001", "roles": ["Reviewer"]}],
            "roles": [{"RoleName": "Reviewer", "ModulePermissions": [{"ModuleName": "DLC", "PermissionType": "ReadOnly"}]}]});
        for (key, value) in change.as_object().unwrap() {
            workspace[key] = value.clone();
        }
        json!({"users": [{"id": "2001", "name": "dana"}], "workspaces": [workspace]})
    };
    for (change, said) in [
        (json!({"id": "x"}), ["workspaces[0].id", "`x`"]),
        (json!({"name": "1a"}), ["workspaces[0].name", "`1a`"]),
        (json!({"creator": "2999"}), ["workspaces[0].creator", "`2999`"]),
        (json!({"description": "x".repeat(81)}), ["workspaces[0].description", "at most 80"]),
        (
            json!({"members": [{"user": "2999", "roles": ["PAI.AlgoDeveloper"]}]}),
            ["members[0].user", "`2999`"],
        ),
        (
            json!({"members": [{"user": "2001", "roles": []}]}),
            ["members[0].roles", "at least one role"],
        ),
        (
            json!({"members": [{"user": "2001", "roles": ["PAI.WorkspaceOwner"]}]}),
            ["members[0].roles", "its owner"],
        ),
        (
            json!({"members": [{"user": "2001", "roles": ["Nobody"]}]}),
            ["members[0].roles[0]", "`Nobody`"],
        ),
        (
            json!({"members": [{"user": "2001", "roles": ["Reviewer"]}, {"user": "2001", "roles": ["Reviewer"]}]}),
            ["members[1].user", "named once"],
        ),
        (
            json!({"roles": [{"RoleName": "Reviewer", "ModulePermissions": [{"ModuleName": "DLCC", "PermissionType": "ReadOnly"}]}]}),
            ["roles[0].ModulePermissions[0].ModuleName", "`DLCC`"],
        ),
        (
            json!({"roles": [{"RoleName": "Reviewer", "ModulePermissions": [{"ModuleName": "DLC", "PermissionType": "CustomPermissions",
            "Permissions": [{"PermissionCodes": ["PaiDLC:GetJob"], "PermissionRules": [{"Accessibility": "PRIVATE"}]}]}]}]}),
            ["PermissionRules[0].EntityAccessType", "is missing"],
        ),
        (json!({"surprise": 1}), ["surprise", "unknown field"]),
    ] {
        let content = workspace(change);
        refused(&import(&content), &said);
    }
    // Nothing of all that is there, so the good one still fits; a second time it does not.
    let good = workspace(json!({}));
    let done = import(&good);
    assert_eq!(
        done.out.trim(),
        "added 1 users and roles, 1 workspaces, 2 memberships, 1 custom roles",
        "{done:?}"
    );
    refused(&import(&good), &["workspaces[0].id", "a workspace of this id exists"]);
    let users = place.write("users.json", json!({"users": [{"id": "2002"}]}).to_string());
    assert_eq!(place.stopped(&["user", "import", &users, "--account", account]).code, 0);
    let both = place.write("both.json", good.to_string());
    refused(
        &place.stopped(&["user", "import", &both, "--account", account]),
        &["has workspaces too"],
    );
    let kind = place.write("kind.json", json!({"ramRoles": [{"id": "2001"}]}).to_string());
    refused(
        &place.stopped(&["import", &kind, "--account", account]),
        &["already known as a `User`"],
    );
}

#[test]
fn a_member_holds_twenty_roles_at_most() {
    let place = Place::new();
    let account = "1000000000000001";
    place.init(account);
    let import = |count: usize| {
        let names: Vec<String> = (0..count).map(|number| format!("r{number}")).collect();
        let role = |name: &String| json!({"RoleName": name, "ModulePermissions": []});
        let content = json!({"users": [{"id": "2001"}], "workspaces": [{"id": "10001", "name": "many",
            "roles": names.iter().map(role).collect::<Vec<_>>(), "members": [{"user": "2001", "roles": names}]}]});
        let file = place.write("many.json", content.to_string());
        place.stopped(&["import", &file, "--account", account])
    };
    refused(&import(21), &["members[0].roles", "at most 20 roles"]);
    assert_eq!(import(20).code, 0);
}

#[test]
fn a_file_that_cannot_be_imported_changes_nothing() {
    let place = Place::new();
    let account = "1000000000000001";
    place.init(account);
    let revision = || {
        place
            .stopped(&[
                "--format",
                "json",
                "check",
                "--account",
                account,
                "--principal",
                "Account:1000000000000001",
                "--action",
                "Pai:ListUsers",
            ])
            .json()["revision"]
            .clone()
    };
    let before = revision();
    let user = |id: &str, name: &str| json!({"users": [{"id": id, "name": name}]}).to_string();
    let two = |a: &Value, b: &Value| json!({"workspaces": [a, b]}).to_string();
    let workspace = |id: &str, name: &str| json!({"id": id, "name": name});
    for (content, says) in [
        ("", "line 1 column 0"),
        ("{", "line 1"),
        ("[]", "line 1"),
        ("{} {}", "trailing characters"),
        ("\u{feff}{}", "line 1"),
        ("{\"users\": [], \"users\": []}", "duplicate field `users`"),
        ("{\"users\": [], \"\\u0075sers\": []}", "duplicate field `users`"),
        ("{\"Users\": []}", "unknown field `Users`"),
        ("{\"Users\": []}", "did you mean `users`?"),
        ("{\"users\": [{\"id\": 2001}]}", "users[0].id"),
        ("{\"users\": [{\"name\": \"x\"}]}", "missing field `id`"),
        ("{\"users\": [{\"id\": \"1\", \"role\": \"x\"}]}", "unknown field `role`"),
        ("{\"workspaces\": [{\"id\": \"1\"}]}", "missing field `name`"),
        (&user("x", "n"), "users[0].id: `x`"),
        (&user("２００１", "n"), "users[0].id: `２００１`"),
        (&user("1\"]; permit(principal, action, resource);", "n"), "users[0].id: `1\"]; permit("),
        (&user("{}", "n"), "users[0].id: `{}`"),
        (&user("1", ""), "users[0].name"),
        (&user("1", "a\nb\u{1b}[31m"), "users[0].name: `a\u{fffd}b\u{fffd}[31m`"),
        (&user("1", &"n".repeat(129)), "users[0].name"),
        (&user(account, "n"), "this is the main account"),
        (
            &json!({"users": [{"id": "1"}, {"id": "1"}]}).to_string(),
            "users[1].id: `1` is not named once",
        ),
        (&two(&workspace("1", "one"), &workspace("1", "two")), "workspaces[1].id: `1`"),
        (&two(&workspace("1", "one"), &workspace("2", "one")), "workspaces[1].name: `one`"),
        (&two(&workspace("1", "one"), &workspace("*", "two")), "workspaces[1].id: `*`"),
    ] {
        let file = place.write("bad.json", content);
        let done = place.stopped(&["import", &file, "--account", account]);
        refused(&done, &["bad.json", says]);
        assert_eq!(done.err.lines().count(), 1, "{done:?}");
        assert_eq!(revision(), before, "{content}");
    }
    place.write("bad.json", b"{\"users\": [{\"id\": \"\xff\"}]}");
    refused(
        &place.stopped(&["import", &place.text("bad.json"), "--account", account]),
        &["bad.json"],
    );
    refused(
        &place.stopped(&["import", &place.text("none.json"), "--account", account]),
        &["none.json"],
    );
    refused(&place.stopped(&["import", &place.write("good.json", "{}")]), &["--account"]);
    // Nothing to add is nothing done.
    assert_eq!(place.stopped(&["import", &place.text("good.json"), "--account", account]).code, 0);
    assert_eq!(revision(), before);
    refused(&run(["import", &place.text("good.json"), "--account", account]), &["--store"]);
}
