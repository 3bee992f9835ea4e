//! Every documented limit and form of the management interface: at its bound it is taken, beyond it refused by name.

use serde_json::{Value, json};

use crate::support::{
    Seeded,
    server::Server,
    signed::{Api, Call, Key, ok},
    wire::Answer,
};

fn demo() -> (Server, Api) {
    let server = Server::demo(&[]);
    let api = Api::new(Key::dev(), server.api);
    (server, api)
}

/// Asserts that a value is taken, or refused with status 400 and a message that names the field.
#[track_caller]
fn check(answer: &Answer, taken: bool, field: &str) {
    if taken {
        ok(answer);
        return;
    }
    let body = answer.json();
    let code = body["Code"].as_str().unwrap();
    assert_eq!(answer.status, 400, "{answer:?}");
    assert!(["InvalidParameter", "MissingParameter"].contains(&code), "{answer:?}");
    assert!(body["Message"].as_str().unwrap().contains(field), "{answer:?}");
}

fn x(count: usize) -> String {
    "x".repeat(count)
}

#[test]
fn names_and_texts_of_workspaces_fit_or_are_refused() {
    let (_server, mut api) = demo();
    let mut create = |field: &str, value: Value, taken: bool| {
        // Names are taken once: the others get one each.
        let name =
            format!("w_{}", uuid::Uuid::new_v4().simple()).chars().take(20).collect::<String>();
        let mut body = json!({ "WorkspaceName": name, "Description": "d", "EnvTypes": ["prod"] });
        body[field] = value;
        check(&api.put("CreateWorkspace", &[], &body), taken, field);
    };
    for (name, taken) in [
        ("abc", true),
        ("ab", false),
        (&*x(23), true),
        (&*x(24), false),
        ("a_1", true),
        ("1ab", false),
        ("_ab", false),
        ("a-b", false),
        ("a b", false),
        ("åbc", false),
        ("", false),
    ] {
        create("WorkspaceName", json!(name), taken);
    }
    for field in ["Description", "DisplayName"] {
        create(field, json!("名".repeat(80)), true);
        create(field, json!("🐼".repeat(80)), true);
        create(field, json!("名".repeat(81)), false);
        create(field, json!("a\nb"), false);
    }
    create("Description", json!(""), false);
    create("Description", Value::Null, false);
    for (types, taken) in [
        (json!(["prod"]), true),
        (json!(["dev", "prod"]), true),
        (json!(["prod", "dev"]), true),
        (json!(["dev"]), false),
        (json!(["prod", "prod"]), false),
        (json!([]), false),
        (json!("prod"), false),
    ] {
        create("EnvTypes", types, taken);
    }
    create("ResourceGroupId", json!(x(64)), true);
    create("ResourceGroupId", json!(x(65)), false);
    create("ResourceGroupId", json!("rg:1"), false);
    create("Colour", json!("red"), false);
}

#[test]
fn users_fit_or_are_refused() {
    let (_server, mut api) = demo();
    for (name, taken) in [
        (&*x(64), true),
        (&*x(65), false),
        ("a.b_c-1", true),
        ("a b", false),
        ("a@b", false),
        ("", false),
    ] {
        check(&api.ask("CreateUser", &[], &[("UserName", name)]), taken, "UserName");
    }
    for field in ["DisplayName", "Comments", "Email", "MobilePhone"] {
        let renamed = format!("New{field}");
        for (text, taken) in [("名".repeat(128), true), (x(129), false), ("a\nb".to_owned(), false)]
        {
            let answer = api.ask("UpdateUser", &[], &[("UserName", "dana"), (&renamed, &text)]);
            check(&answer, taken, field);
        }
    }
    for (most, taken) in [("1", true), ("1000", true), ("0", false), ("1001", false), ("x", false)]
    {
        check(&api.ask("ListUsers", &[], &[("MaxItems", most)]), taken, "MaxItems");
    }
    for marker in ["x", "AAAA", &*x(10_000)] {
        check(&api.ask("ListUsers", &[], &[("Marker", marker)]), false, "Marker");
    }
}

#[test]
fn roles_fit_or_are_refused() {
    let (_server, mut api) = demo();
    let mut create = |name: &str, modules: Value, taken: bool, field: &str| {
        let body = json!({ "RoleName": name, "ModulePermissions": modules });
        check(&api.put("CreateWorkspaceRole", &["10001"], &body), taken, field);
    };
    let level =
        |module: &str, level: &str| json!([{ "ModuleName": module, "PermissionType": level }]);
    for (name, taken) in
        [("a", true), (&*x(64), true), (&*x(65), false), ("a b", false), ("名", false), ("", false)]
    {
        create(name, level("DLC", "ReadOnly"), taken, "RoleName");
    }
    create("r1", level("DLC", "FullAccess"), true, "");
    create("r2", level("PaiWorkspace@@Config", "NoPrivilege"), true, "");
    create("r3", level("Coffee", "ReadOnly"), false, "ModulePermissions[0].ModuleName");
    create("r4", level("DLC", "readonly"), false, "ModulePermissions[0].PermissionType");
    create("r5", level("DLC", "CustomPermissions"), false, "ModulePermissions[0].Permissions");
    create("r6", json!([]), false, "ModulePermissions");
    let custom = |code: &str, rule: Value| {
        json!([{
            "ModuleName": "DLC", "PermissionType": "CustomPermissions",
            "Permissions": [{ "PermissionCodes": [code], "PermissionRules": [rule] }],
        }])
    };
    create("r7", custom("PaiDLC:GetJob", json!({ "Accessibility": "PUBLIC" })), true, "");
    let codes = "ModulePermissions[0].Permissions[0].PermissionCodes[0]";
    create("r8", custom("PaiDSW:GetInstance", json!({ "Accessibility": "PUBLIC" })), false, codes);
    create("r9", custom("PaiDLC:getjob", json!({ "Accessibility": "PUBLIC" })), false, codes);
    let public = json!({ "Accessibility": "PUBLIC" });
    let repeated = |codes: usize, rules: usize, grants: usize| {
        let grant = json!({
            "PermissionCodes": vec!["PaiDLC:GetJob"; codes], "PermissionRules": vec![&public; rules],
        });
        json!([{
            "ModuleName": "DLC", "PermissionType": "CustomPermissions",
            "Permissions": vec![grant; grants],
        }])
    };
    create("r11", repeated(2, 1, 2), true, "");
    create("r12", repeated(1, 2, 1), false, "PermissionRules[1]");
    create("r13", repeated(1_000, 1, 1), false, "ModulePermissions[0].Permissions");
    create("r14", repeated(1, 1, 1_000), false, "ModulePermissions[0].Permissions");
    create("r15", repeated(0, 1, 1_000), false, "ModulePermissions[0].Permissions");
    create(
        "r10",
        custom("PaiDLC:GetJob", json!({ "Accessibility": "SECRET" })),
        false,
        "Accessibility",
    );
}

#[test]
fn calls_hold_as_many_as_they_may() {
    let (server, mut api) = demo();
    let users: Vec<Value> = (0..1_001).map(|n| json!({ "id": format!("5{n:06}") })).collect();
    ok(&api.put("ImportUsers", &[], &json!({ "users": users })));
    let members = |count: usize| {
        let member =
            |n: usize| json!({ "UserId": format!("5{n:06}"), "Roles": ["PAI.LabelManager"] });
        json!({ "Members": (0..count).map(member).collect::<Vec<_>>() })
    };
    check(&api.put("CreateMember", &["10001"], &members(1_001)), false, "Members");
    let ids =
        |count: usize| (0..count).map(|n| format!("10001-5{n:06}")).collect::<Vec<_>>().join(",");
    let before = ok(&api.call("ListMembers", &["10001"]))["TotalCount"].as_u64().unwrap();
    check(&api.put("CreateMember", &["10001"], &members(1_000)), true, "");
    let after = ok(&api.call("ListMembers", &["10001"]))["TotalCount"].as_u64().unwrap();
    assert_eq!(after, before + 1_000);
    check(&api.ask("DeleteMembers", &["10001"], &[("MemberIds", &ids(1_001))]), false, "MemberIds");
    check(&api.ask("DeleteMembers", &["10001"], &[("MemberIds", &ids(1_000))]), true, "");
    check(&api.ask("DeleteMembers", &["10001"], &[("MemberIds", ",")]), false, "MemberIds");
    let roles: Vec<String> = (0..101).map(|n| format!("role-{n}")).collect();
    let answer = api.put("DeleteWorkspaceRoles", &["10001"], &json!({ "RoleIds": roles }));
    check(&answer, false, "RoleIds");
    for (id, longest) in [(x(100), 100), (x(101), 100), (x(128), 128), (x(129), 128)] {
        let taken = id.len() <= longest;
        if longest == 100 {
            let call = Call::new("UpdateWorkspace", &["10001"])
                .body(&json!({ "Description": format!("{} characters", id.len()) }))
                .with("x-pai-authz-request-id", &id);
            check(&api.send(&call), taken, "x-pai-authz-request-id");
        } else {
            let now = crate::support::signed::now();
            let signed = Call::new("ListUsers", &[]).sign_at(&api.key, server.api, &now, &id);
            check(&signed.send(&mut server.connect()), taken, "x-acs-signature-nonce");
        }
    }
}

/// Values no parameter, argument or field is made for.
fn odd(seeded: &mut Seeded) -> String {
    let odd: [&str; 16] = [
        "",
        " ",
        "-1",
        "0",
        "18446744073709551616",
        "null",
        "{}",
        "\"",
        "a\0b",
        "\u{202e}",
        "名前👩‍🚀",
        "../..",
        "%2F",
        "permit(principal, action, resource);",
        "{1000000000000001}:member:10001:2001",
        "10001",
    ];
    match seeded.below(20) {
        0 => x(5_000),
        at => odd[usize::try_from(at).unwrap() % odd.len()].to_owned(),
    }
}

fn odd_json(seeded: &mut Seeded, depth: u64) -> Value {
    let keys = [
        "Members",
        "UserId",
        "Roles",
        "RoleName",
        "ModulePermissions",
        "Description",
        "users",
        "id",
    ];
    match seeded.below(if depth > 3 { 5 } else { 7 }) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(seeded.next()),
        3 | 4 => json!(odd(seeded)),
        5 => (0..seeded.below(4)).map(|_| odd_json(seeded, depth + 1)).collect(),
        _ => (0..seeded.below(4))
            .map(|_| {
                let key = keys[usize::try_from(seeded.below(8)).unwrap()];
                (key.to_owned(), odd_json(seeded, depth + 1))
            })
            .collect::<serde_json::Map<_, _>>()
            .into(),
    }
}

#[test]
fn signed_nonsense_is_refused_and_breaks_nothing() {
    let (server, api) = demo();
    let mut seeded = Seeded(20_261_124);
    let operations = crate::support::signed::operations();
    let mut refused = 0;
    for _ in 0..3_000 {
        let row = &operations[usize::try_from(seeded.below(operations.len() as u64)).unwrap()];
        let arguments: Vec<String> = row["path"]
            .as_str()
            .unwrap()
            .split('/')
            .filter(|part| part.starts_with('{'))
            .map(|_| if seeded.below(2) == 0 { "10001".to_owned() } else { odd(&mut seeded) })
            .collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let names =
            ["UserName", "PageNumber", "Verbose", "MemberIds", "UserId", "Option", "Labels", "X"];
        let pairs: Vec<(&str, String)> = (0..seeded.below(3))
            .map(|_| (names[usize::try_from(seeded.below(8)).unwrap()], odd(&mut seeded)))
            .collect();
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(k, v)| (*k, v.as_str())).collect();
        let mut call = Call::new(row["operation"].as_str().unwrap(), &arguments).query(&pairs);
        if seeded.below(2) == 0 {
            call.body = odd_json(&mut seeded, 0).to_string().into_bytes();
            if seeded.below(4) == 0 {
                call.body.truncate(call.body.len() / 2);
            }
        }
        let answer = call.sign(&api.key, server.api).send(&mut server.connect());
        assert!(answer.status < 500, "{call:?} {answer:?}");
        assert!(answer.json().is_object(), "{call:?} {answer:?}");
        refused += u32::from(answer.status >= 400);
    }
    assert!(refused > 2_000, "{refused}");
    // Over a connection of its own: that of the beginning may have been closed meanwhile, for nothing came over it.
    let last = Call::new("ListWorkspaces", &[]).sign(&api.key, server.api);
    ok(&last.send(&mut server.connect()));
    assert!(!server.log().contains("panicked"), "{}", server.log());
}
