//! Every limit of policies, groups and RAM roles: at its bound it is taken, beyond it refused by its code.

use serde_json::{Value, json};

use crate::support::{
    ram::{ALLOW, DENY, Pairs, Ram, TRUST, column},
    signed::{ok, refused},
};

const ROTATE: &str = "DeleteOldestNonDefaultVersionWhenLimitExceeded";

/// Returns a document of so many characters.
fn padded(characters: usize) -> String {
    let padding = " ".repeat(characters - ALLOW.chars().count());
    ALLOW.replacen('{', &format!("{{{padding}"), 1)
}

#[test]
fn a_document_is_kept_as_it_is_given_or_refused_with_its_findings() {
    let (_server, mut ram) = Ram::demo();
    for (name, document) in [
        ("exact", padded(6_144)),
        ("wide", ALLOW.replace("Version\"", "Version\" ").replace('*', "acs:paidlc:*:*:名👩‍🚀/*")),
        (
            "lines",
            serde_json::to_string_pretty(&serde_json::from_str::<Value>(ALLOW).unwrap()).unwrap(),
        ),
        ("escaped", ALLOW.replace("paidlc", "paid\\u006cc")),
    ] {
        ram.ok("CreatePolicy", &[("PolicyName", name), ("PolicyDocument", &document)]);
        let got = ram.ok("GetPolicy", &[("PolicyType", "Custom"), ("PolicyName", name)]);
        assert_eq!(got["DefaultPolicyVersion"]["PolicyDocument"], document, "{name}");
    }
    let length = "InvalidParameter.PolicyDocument.Length";
    for document in [padded(6_145), format!("{ALLOW}{}", " ".repeat(6_144))] {
        let query = [("PolicyName", "q"), ("PolicyDocument", document.as_str())];
        let message = ram.no("CreatePolicy", &query, 400, length);
        assert!(message.contains("may have 6144"), "{message}");
    }
    let fill = |characters: usize| {
        let padding = " ".repeat(characters - TRUST.chars().count());
        TRUST.replacen('{', &format!("{{{padding}"), 1)
    };
    for (name, document, taken) in [("short", fill(2_048), true), ("long", fill(2_049), false)] {
        let query = [("RoleName", name), ("AssumeRolePolicyDocument", document.as_str())];
        let answer = ram.ask("CreateRole", &query);
        if taken { drop(ok(&answer)) } else { refused(&answer, 400, length) }
    }
    // Places and codes of the first five findings, and how many more there are.
    let statement = r#"{"Effect":"Alow","Action":"paidlc:GetJob","Resource":"*"}"#;
    for (count, shown, more) in [(1, 1, None), (5, 5, None), (7, 5, Some("; and 2 more"))] {
        let document = format!(
            "{{\"Version\":\"1\",\"Statement\":[\n{}]}}",
            [statement].repeat(count).join(",\n")
        );
        let query = [("PolicyName", "q"), ("PolicyDocument", document.as_str())];
        let message = ram.no("CreatePolicy", &query, 400, "MalformedPolicyDocument");
        assert_eq!(message.matches(":11 effect-invalid ").count(), shown, "{message}");
        assert!(message.contains("2:11 effect-invalid "), "{message}");
        assert_eq!(message.contains("more ("), more.is_some(), "{message}");
        assert!(message.contains(more.unwrap_or_default()), "{message}");
    }
    for hostile in [
        "null",
        "[]",
        "\"x\"",
        "{",
        "{}",
        "{\"Version\":\"1\"}",
        "\u{feff}{}",
        "permit(principal, action, resource);",
        "{\"Version\":\"1\",\"Version\":\"1\",\"Statement\":[]}",
        "{\"Version\":1,\"Statement\":{}}",
        &"[".repeat(6_000),
    ] {
        let query = [("PolicyName", "q"), ("PolicyDocument", hostile)];
        ram.no("CreatePolicy", &query, 400, "MalformedPolicyDocument");
    }
    // Warnings refuse nothing: what is dangerous may be meant.
    let dangerous =
        r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    ram.ok("CreatePolicy", &[("PolicyName", "q"), ("PolicyDocument", dangerous)]);
}

#[test]
fn five_versions_are_kept_and_numbers_never_come_again() {
    let (_server, mut ram) = Ram::demo();
    ram.policy("p");
    let (p, document) = (("PolicyName", "p"), ("PolicyDocument", DENY));
    for _ in 2..=5 {
        ram.ok("CreatePolicyVersion", &[p, document, ("RotateStrategy", "None")]);
    }
    let limit = "LimitExceeded.Policy.Version";
    ram.no("CreatePolicyVersion", &[p, document], 409, limit);
    ram.no("CreatePolicyVersion", &[p, document, ("RotateStrategy", "None")], 409, limit);
    assert_eq!(ram.versions("p").0, ["v1", "v2", "v3", "v4", "v5"]);
    // The default stays, though it is the oldest.
    let rotate = ("RotateStrategy", ROTATE);
    ram.ok("CreatePolicyVersion", &[p, document, rotate]);
    let expected = ["v1", "v3", "v4", "v5", "v6"].map(str::to_owned).to_vec();
    assert_eq!(ram.versions("p"), (expected, "v1".to_owned()));
    let made = ram.ok("CreatePolicyVersion", &[p, document, rotate, ("SetAsDefault", "true")]);
    assert_eq!(made["PolicyVersion"]["IsDefaultVersion"], true);
    let expected = ["v1", "v4", "v5", "v6", "v7"].map(str::to_owned).to_vec();
    assert_eq!(ram.versions("p"), (expected, "v7".to_owned()));
    // A number that is free is not given again, and rotation takes nothing while there is room.
    ram.ok("SetDefaultPolicyVersion", &[p, ("VersionId", "v4")]);
    ram.ok("DeletePolicyVersion", &[p, ("VersionId", "v7")]);
    ram.ok("CreatePolicyVersion", &[p, document, rotate]);
    let expected = ["v1", "v4", "v5", "v6", "v8"].map(str::to_owned).to_vec();
    assert_eq!(ram.versions("p"), (expected, "v4".to_owned()));
    ram.no("DeletePolicy", &[p], 409, "DeleteConflict.Policy.Version");
    ram.ok("DeletePolicy", &[p, ("CascadingDelete", "True")]);
}

#[test]
fn lists_come_in_parts_and_a_marker_is_of_one_list() {
    let (_server, mut ram) = Ram::demo();
    for n in 0..7 {
        let name = format!("n-{n}");
        ram.policy(&name);
        ram.role(&name);
        ram.ok("CreateGroup", &[("GroupName", &name)]);
        ram.ok("CreateUser", &[("UserName", &name)]);
        ram.ok("AddUserToGroup", &[("UserName", &name), ("GroupName", "n-0")]);
    }
    let lists: [(&str, Pairs<'_>, [&str; 2], &str); 6] = [
        ("ListPolicies", &[], ["Policies", "Policy"], "PolicyName"),
        ("ListPolicies", &[("PolicyType", "System")], ["Policies", "Policy"], "PolicyName"),
        ("ListPolicies", &[("PolicyType", "Custom")], ["Policies", "Policy"], "PolicyName"),
        ("ListGroups", &[], ["Groups", "Group"], "GroupName"),
        ("ListRoles", &[], ["Roles", "Role"], "RoleName"),
        ("ListUsersForGroup", &[("GroupName", "n-0")], ["Users", "User"], "UserName"),
    ];
    let mut markers = Vec::new();
    for (operation, filter, [outer, inner], field) in lists {
        let whole = column(&ram.ok(operation, filter)[outer][inner], field);
        for size in ["1", "3", "7", "32"] {
            let (mut seen, mut marker) = (Vec::new(), None::<String>);
            loop {
                let mut query = filter.to_vec();
                query.push(("MaxItems", size));
                query.extend(marker.as_deref().map(|marker| ("Marker", marker)));
                let part = ram.ok(operation, &query);
                let names = column(&part[outer][inner], field);
                assert!(names.len() <= size.parse::<usize>().unwrap(), "{part}");
                seen.extend(names);
                marker = part["Marker"].as_str().map(str::to_owned);
                assert_eq!(part["IsTruncated"], marker.is_some(), "{part}");
                match &marker {
                    Some(marker) => markers.push((operation, marker.clone())),
                    None => break,
                }
            }
            assert_eq!(seen, whole, "{operation} {filter:?} by {size}");
        }
    }
    assert_eq!(column(&ram.ok("ListPolicies", &[])["Policies"]["Policy"], "PolicyName").len(), 32);
    // A marker of one list is none of another's, edited it is nobody's.
    for (of, marker) in &markers {
        for (other, filter, ..) in lists.iter().filter(|(other, ..)| other != of) {
            let query = [*filter, &[("Marker", marker.as_str())]].concat();
            ram.no(other, &query, 400, "InvalidParameter");
        }
        ram.no("ListUsers", &[("Marker", marker)], 400, "InvalidParameter");
        ram.no(of, &[("GroupName", "n-0"), ("Marker", &marker[1..])], 400, "InvalidParameter");
    }
    for most in ["0", "1001", "x"] {
        ram.no("ListPolicies", &[("MaxItems", most)], 400, "InvalidParameter");
    }
}

#[test]
fn holders_have_as_many_policies_and_groups_as_they_may_and_no_more() {
    let (_server, mut ram) = Ram::demo();
    ram.ok("CreateUser", &[("UserName", "u")]);
    ram.role("r");
    let group = |n: usize| format!("g{n}");
    for n in 0..=50 {
        ram.ok("CreateGroup", &[("GroupName", &group(n))]);
    }
    for n in 0..50 {
        ram.ok("AddUserToGroup", &[("UserName", "u"), ("GroupName", &group(n))]);
    }
    let query = [("UserName", "u"), ("GroupName", "g50")];
    ram.no("AddUserToGroup", &query, 409, "LimitExceeded.User.Group");
    let system = ram.ok("ListPolicies", &[("PolicyType", "System")]);
    let system = column(&system["Policies"]["Policy"], "PolicyName");
    for n in 0..=10 {
        ram.policy(&format!("p{n}"));
    }
    for (kind, field, name, most) in [
        ("User", "UserName", "u", 10),
        ("Group", "GroupName", "g0", 5),
        ("Role", "RoleName", "r", 5),
    ] {
        let attach = format!("AttachPolicyTo{kind}");
        let limit = format!("LimitExceeded.{kind}.Policy");
        for n in 0..=most {
            let policy = format!("p{n}");
            let query = [("PolicyType", "Custom"), ("PolicyName", &policy), (field, name)];
            let answer = ram.ask(&attach, &query);
            if n < most { drop(ok(&answer)) } else { refused(&answer, 409, &limit) }
        }
        // The vendor's are counted apart.
        for (n, policy) in system.iter().take(21).enumerate() {
            let query = [("PolicyType", "System"), ("PolicyName", policy), (field, name)];
            let answer = ram.ask(&attach, &query);
            if n < 20 { drop(ok(&answer)) } else { refused(&answer, 409, &limit) }
        }
        let listed = ram.ok(&format!("ListPoliciesFor{kind}"), &[(field, name)]);
        assert_eq!(listed["Policies"]["Policy"].as_array().unwrap().len(), 20 + most);
        // One that is detached makes room.
        let query = [("PolicyType", "Custom"), ("PolicyName", "p0"), (field, name)];
        ram.ok(&format!("DetachPolicyFrom{kind}"), &query);
        let last = format!("p{most}");
        ram.ok(&attach, &[("PolicyType", "Custom"), ("PolicyName", &last), (field, name)]);
    }
}

#[test]
fn an_account_has_as_many_policies_groups_and_roles_as_it_may_and_no_more() {
    let (_server, mut ram) = Ram::demo();
    for n in 0..1_500 {
        ram.policy(&format!("p{n}"));
    }
    let query = [("PolicyName", "one-more"), ("PolicyDocument", ALLOW)];
    ram.no("CreatePolicy", &query, 409, "LimitExceeded.Policy");
    for n in 0..300 {
        ram.ok("CreateGroup", &[("GroupName", &format!("g{n}"))]);
    }
    ram.no("CreateGroup", &[("GroupName", "one-more")], 409, "LimitExceeded.Group");
    // Roles that were only made known do not count.
    let known: Vec<Value> = (0..50)
        .map(|n| json!({ "id": format!("77{n:03}"), "name": format!("known-{n}") }))
        .collect();
    ok(&ram.0.put("ImportUsers", &[], &json!({ "ramRoles": known })));
    for n in 0..1_000 {
        ram.role(&format!("r{n}"));
    }
    let one_more = [("RoleName", "one-more"), ("AssumeRolePolicyDocument", TRUST)];
    ram.no("CreateRole", &one_more, 409, "LimitExceeded.Role");
    let trusted = [("RoleName", "known-0"), ("NewAssumeRolePolicyDocument", TRUST)];
    ram.no("UpdateRole", &trusted, 409, "LimitExceeded.Role");
    ram.ok("DeleteRole", &[("RoleName", "r0")]);
    ram.ok("UpdateRole", &trusted);
    ram.no("CreateRole", &one_more, 409, "LimitExceeded.Role");
    ram.ok("DeleteRole", &trusted[..1]);
    ram.ok("CreateRole", &one_more);
}
