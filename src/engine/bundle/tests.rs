//! A bundle is judged by what it knows and by what may be stated, and one that does not fit is none.

use serde_json::{Value, json};

use super::{Bundle, BundleFile, Page, Properties, Query, Sought, Thing};
use crate::domain::{Fault, Reason};

const SCHEMA: &str = include_str!("../../../tests/fixtures/authzen/schema.cedarschema");
const POLICIES: &str = include_str!("../../../tests/fixtures/authzen/records.cedar");
const ENTITIES: &str = include_str!("../../../tests/fixtures/authzen/entities.json");
const MANIFEST: &str = include_str!("../../../tests/fixtures/authzen/bundle.toml");

fn files(changed: &[(&str, &str)]) -> Vec<BundleFile> {
    let usual = [
        ("schema.cedarschema", SCHEMA),
        ("records.cedar", POLICIES),
        ("entities.json", ENTITIES),
        ("bundle.toml", MANIFEST),
    ];
    let mut files: Vec<(&str, &str)> = usual
        .into_iter()
        .filter(|(name, _)| !changed.iter().any(|(other, _)| other == name))
        .collect();
    files.extend(changed.iter().filter(|(_, text)| !text.is_empty()));
    files
        .into_iter()
        .map(|(name, text)| BundleFile { name: name.to_owned(), text: text.to_owned() })
        .collect()
}

fn fixture() -> Bundle {
    Bundle::load(&files(&[])).unwrap()
}

/// Asks in the form `{"subject": [type, id, properties?], "action": [name, properties?], "resource": …, "context": …}`.
fn ask(bundle: &Bundle, request: &Value) -> (Reason, Vec<String>) {
    let text = |of: &str, at: usize| request[of][at].as_str().unwrap_or_default();
    let properties = |of: &str, at: usize| request[of].get(at).and_then(Value::as_object);
    let thing = |of| Thing { kind: text(of, 0), id: text(of, 1), properties: properties(of, 2) };
    let decision = bundle.is_authorized(&Query {
        subject: thing("subject"),
        action: text("action", 0),
        action_properties: properties("action", 1),
        resource: thing("resource"),
        context: request["context"].as_object(),
    });
    (decision.reason, decision.determining_policies.to_vec())
}

#[track_caller]
fn check(bundle: &Bundle, request: &Value, reason: Reason, policies: &[&str]) {
    let (found, by) = ask(bundle, request);
    assert_eq!(
        (found, by),
        (reason, policies.iter().map(|it| (*it).to_owned()).collect()),
        "{request}"
    );
}

const ALLOW: Reason = Reason::ExplicitAllow;
const DENY: Reason = Reason::ImplicitDeny;

#[test]
fn what_may_be_stated_stands_over_what_is_known_and_nothing_else_does() {
    let bundle = fixture();
    let alice = |action: Value, resource: Value| json!({"subject": ["user", "alice"], "action": action, "resource": resource});
    let record = |id: &str, status: Value| json!(["record", id, {"status": status}]);
    check(
        &bundle,
        &alice(json!(["write"]), json!(["record", "record-1"])),
        ALLOW,
        &["alice-writes-active"],
    );
    check(&bundle, &alice(json!(["write"]), record("record-1", json!("archived"))), DENY, &[]);
    check(
        &bundle,
        &alice(json!(["write"]), record("record-2", json!("active"))),
        ALLOW,
        &["alice-writes-active"],
    );
    // Of a record nobody knows, the status is what is stated.
    check(
        &bundle,
        &alice(json!(["write"]), record("record-9", json!("active"))),
        ALLOW,
        &["alice-writes-active"],
    );
    check(
        &bundle,
        &alice(json!(["delete", {"soft": true}]), json!(["record", "record-1"])),
        ALLOW,
        &["alice-deletes-softly"],
    );
    check(
        &bundle,
        &alice(json!(["delete", {"soft": false}]), json!(["record", "record-1"])),
        DENY,
        &[],
    );
    check(&bundle, &alice(json!(["delete"]), json!(["record", "record-1"])), DENY, &[]);
    let admin = json!({"subject": ["user", "alice", {"role": "admin", "department": 7}], "action": ["write"], "resource": ["record", "record-2"]});
    check(&bundle, &admin, ALLOW, &["admins-write-archived"]);
    let manifest = MANIFEST.replace("subject = [\"role\"]", "");
    let silent = Bundle::load(&files(&[("bundle.toml", &manifest)])).unwrap();
    check(&silent, &admin, DENY, &[]);
    // A stated null is the statement that there is none.
    let no_admin = json!({"subject": ["user", "bob", {"role": null}], "action": ["write"], "resource": ["record", "record-2"]});
    check(&bundle, &no_admin, DENY, &[]);
}

#[test]
fn what_does_not_fit_the_schema_is_denied_with_the_reason() {
    let bundle = fixture();
    for request in [
        json!({"subject": ["robot", "alice"], "action": ["read"], "resource": ["record", "record-1"]}),
        json!({"subject": ["record", "record-1"], "action": ["read"], "resource": ["record", "record-1"]}),
        json!({"subject": ["user", "alice"], "action": ["fly"], "resource": ["record", "record-1"]}),
        json!({"subject": ["user", "alice"], "action": ["read"], "resource": ["record", "record-1", {"status": 1}]}),
        json!({"subject": ["user", "alice"], "action": ["read"], "resource": ["record", "record-1", {"status": 1.5}]}),
        json!({"subject": ["user", "alice"], "action": ["read"], "resource": ["record", "record-1", {"status": null}]}),
        json!({"subject": ["user", "alice"], "action": ["delete", {"soft": "yes"}], "resource": ["record", "record-1"]}),
        json!({"subject": ["user", "alice", {"role": {"__extn": {"fn": "decimal", "arg": "1.0"}}}], "action": ["read"], "resource": ["record", "record-1"]}),
    ] {
        check(&bundle, &request, Reason::Error, &[]);
    }
    // A policy that fails denies, also where another would permit.
    let policies = format!(
        "{POLICIES}\npermit (principal, action, resource) when {{ 9223372036854775807 + 1 == 0 }};"
    );
    let failing = Bundle::load(&files(&[("records.cedar", &policies)])).unwrap();
    let read = json!({"subject": ["user", "alice"], "action": ["read"], "resource": ["record", "record-1"]});
    check(&failing, &read, Reason::Error, &[]);
}

/// Returns the messages about a request that could not be judged.
fn messages(bundle: &Bundle, request: &Value) -> Vec<String> {
    let text = |of: &str, at: usize| request[of][at].as_str().unwrap();
    let properties = |of: &str| request[of].get(2).and_then(Value::as_object);
    let thing = |of| Thing { kind: text(of, 0), id: text(of, 1), properties: properties(of) };
    let (subject, action, resource) = (thing("subject"), text("action", 0), thing("resource"));
    let asked = Query { subject, action, action_properties: None, resource, context: None };
    let said = |fault: &Fault| match fault {
        Fault::Request(invalid) => format!("{}: {}", invalid.field, invalid.message),
        Fault::Evaluation(policy) => policy.clone(),
    };
    bundle.is_authorized(&asked).faults.iter().map(said).collect()
}

#[test]
fn what_is_wrong_with_a_request_is_said() {
    let bundle = fixture();
    let write = |record: Value| json!({"subject": ["user", "alice"], "action": ["write"], "resource": record});
    let said = messages(&bundle, &write(json!(["record", "record-1", {"status": 7}])));
    assert!(said.len() == 1 && said[0].starts_with("resource.properties: "), "{said:?}");
    assert!(said[0].contains("`status`") && said[0].contains("type string"), "{said:?}");
    // Policies fail on what is not known; that is said first, and not of what is stated or known.
    let unknown = "resource.id: `record-9` is not known to this bundle";
    let said = messages(&bundle, &write(json!(["record", "record-9"])));
    assert_eq!(said, [unknown, "alice-writes-active"]);
    let role = json!({"role": "admin"});
    let stranger = |properties: Option<&Value>| {
        let mut asked = write(json!(["record", "record-9"]));
        asked["subject"] = json!(["user", "eve", properties]);
        messages(&bundle, &asked)
    };
    assert_eq!(stranger(Some(&role)), [unknown, "admins-write-archived"]);
    assert_eq!(stranger(None), [] as [String; 0], "no policy looks at what eve has not");
    let read =
        json!({"subject": ["user", "eve"], "action": ["read"], "resource": ["record", "record-9"]});
    assert_eq!(messages(&bundle, &read), [] as [String; 0]);
}

#[test]
fn stated_values_reach_what_they_lead_to() {
    let schema = "entity Team { open: Bool }; entity User in Team { lead?: User, level: Long }; entity Doc { owner: User };
        action see appliesTo { principal: User, resource: Doc, context: { via?: User } };";
    let policies = r#"@id("owner-of-higher") permit (principal, action, resource) when { resource.owner has lead && resource.owner.lead.level > principal.level };
        @id("team") permit (principal in Team::"a", action, resource) when { Team::"b".open };
        @id("via") permit (principal, action, resource) when { context has via && context.via.level > 8 };"#;
    let entities = json!([
        {"uid": {"type": "Team", "id": "a"}, "attrs": {"open": false}, "parents": []},
        {"uid": {"type": "Team", "id": "b"}, "attrs": {"open": true}, "parents": []},
        {"uid": {"type": "User", "id": "boss"}, "attrs": {"level": 9}, "parents": []},
        {"uid": {"type": "User", "id": "erin"}, "attrs": {"level": 3, "lead": {"type": "User", "id": "boss"}}, "parents": []},
        {"uid": {"type": "User", "id": "ravi"}, "attrs": {"level": 1}, "parents": [{"type": "Team", "id": "a"}]},
        {"uid": {"type": "Doc", "id": "plan"}, "attrs": {"owner": {"type": "User", "id": "erin"}}, "parents": []},
    ])
    .to_string();
    let manifest = "account = \"7\"\n[assert]\nsubject = [\"level\"]\nresource = [\"owner\"]\ncontext = [\"via\"]";
    let bundle = Bundle::load(&files(&[
        ("schema.cedarschema", schema),
        ("records.cedar", policies),
        ("entities.json", &entities),
        ("bundle.toml", manifest),
    ]))
    .unwrap();
    let see = |level: i64| json!({"subject": ["User", "erin", {"level": level}], "action": ["see"], "resource": ["Doc", "plan"]});
    check(&bundle, &see(8), ALLOW, &["owner-of-higher"]);
    check(&bundle, &see(9), DENY, &[]);
    check(
        &bundle,
        &json!({"subject": ["User", "ravi", {"level": 99}], "action": ["see"], "resource": ["Doc", "plan"]}),
        ALLOW,
        &["team"],
    );
    let mut via = see(9);
    via["context"] = json!({"via": {"type": "User", "id": "boss"}, "unheard": [1.5]});
    check(&bundle, &via, ALLOW, &["via"]);
    let owned = json!({"subject": ["User", "erin"], "action": ["see"], "resource": ["Doc", "new", {"owner": {"type": "User", "id": "erin"}}]});
    check(&bundle, &owned, ALLOW, &["owner-of-higher"]);
}

#[test]
fn what_is_wrong_with_a_bundle_is_said_with_the_file() {
    let cyclic = r#"[{"uid":{"type":"User","id":"a"},"attrs":{},"parents":[{"type":"User","id":"b"}]},{"uid":{"type":"User","id":"b"},"attrs":{},"parents":[{"type":"User","id":"a"}]}]"#;
    for (file, text, named, said) in [
        ("bundle.toml", "", "bundle.toml", "missing"),
        ("schema.cedarschema", "", "schema.cedarschema", "missing"),
        ("records.cedar", "", "*.cedar", "no file of policies"),
        ("bundle.toml", "account = \"x\"", "bundle.toml", "`account`"),
        ("bundle.toml", "account = \"1\"\nacount = 1", "bundle.toml", "acount"),
        ("bundle.toml", "account = \"1\"\n[assert]\nsubject = [\"rule\"]", "bundle.toml", "`rule`"),
        // Records have it, and are nobody's subject; users are not asked about.
        (
            "bundle.toml",
            "account = \"1\"\n[assert]\nsubject = [\"status\"]",
            "bundle.toml",
            "principal",
        ),
        (
            "bundle.toml",
            "account = \"1\"\n[assert]\nresource = [\"role\"]",
            "bundle.toml",
            "resource of",
        ),
        ("bundle.toml", "account = \"1\"\n[assert]\naction = [\"hard\"]", "bundle.toml", "`hard`"),
        ("bundle.toml", "account = \"1\"\n[assert]\ncontext = [\"soft\"]", "bundle.toml", "`soft`"),
        ("bundle.toml", "account = \"1\"\n[types]\nuser = \"Person\"", "bundle.toml", "`Person`"),
        ("bundle.toml", "account = \"1\"\nnamespace = \"Other\"", "bundle.toml", "Other::Action"),
        ("bundle.toml", "account = \"1\"\n[types]\n\"\" = \"User\"", "bundle.toml", "needs a name"),
        (
            "schema.cedarschema",
            "entity User;\nentity User {",
            "schema.cedarschema",
            "line 2, column 14: error parsing schema: unexpected end of input: expected",
        ),
        (
            "schema.cedarschema",
            "entity User;\naction see appliesTo { principal: Usr, resource: User };",
            "schema.cedarschema",
            "line 2, column 35: ",
        ),
        (
            "records.cedar",
            "permit (principal, action, resource)\n    when { principal.rule == 1 };",
            "records.cedar",
            "line 2, column 12: for policy `records.cedar#0`",
        ),
        // Of incompatible types Cedar does not say whose they are.
        (
            "records.cedar",
            "@id(\"mistyped\") permit (principal, action, resource) when { resource.status == 1 };",
            "records.cedar",
            "for policy `mistyped`",
        ),
        (
            "records.cedar",
            "permit (principal == ?principal, action, resource);",
            "records.cedar",
            "template",
        ),
        (
            "more.cedar",
            "@id(\"everybody-reads\") permit (principal, action == Action::\"read\", resource);",
            "more.cedar",
            "twice",
        ),
        ("more.cedar", "\n\n permit (é", "more.cedar", "line 3, column 10: invalid token"),
        (
            "entities.json",
            "[{\"uid\":{\"type\":\"User\",\"id\":\"a\"},\"attrs\":{\"role\":1},\"parents\":[]}]",
            "entities.json",
            "role",
        ),
        (
            "entities.json",
            "[{\"uid\":{\"type\":\"Cat\",\"id\":\"a\"},\"attrs\":{},\"parents\":[]}]",
            "entities.json",
            "Cat",
        ),
        ("entities.json", cyclic, "entities.json", ""),
        ("entities.json", "{", "entities.json", ""),
    ] {
        let faulty = Bundle::load(&files(&[(file, text)])).unwrap_err();
        assert!(faulty.file == named && faulty.detail.contains(said), "{file} {text}: {faulty}");
    }
}

#[test]
fn all_that_is_wrong_with_policies_is_said_in_the_order_of_the_files() {
    let more = "permit (principal, action, resource) when { principal.one == 1 };\npermit (principal, action, resource) when { principal.two == 1 };";
    let records = "permit (principal, action, resource) when { principal.three == 1 };";
    let faulty = Bundle::load(&files(&[("records.cedar", records), ("more.cedar", more)]));
    let said = faulty.unwrap_err().to_string();
    let [first, second, third] = *said.lines().collect::<Vec<_>>() else { panic!("{said}") };
    assert!(first.starts_with("`more.cedar`: line 1, column 45: ") && first.contains("`one`"));
    assert!(second.starts_with("line 2, column 45: ") && second.contains("`two`"), "{second}");
    assert!(third.starts_with("`records.cedar`: line 1, column 45: ") && third.contains("`three`"));
}

#[test]
fn of_very_many_things_the_first_are_said() {
    let wrong = "permit (principal, action, resource) when { principal.one == 1 };\n".repeat(30);
    let never = "permit (principal, action, resource) when { false };\n".repeat(30);
    let read = |text: &str| Bundle::load(&files(&[("more.cedar", text)]));
    let faulty = read(&wrong).unwrap_err();
    let lines: Vec<&str> = faulty.detail.lines().collect();
    assert!(lines.iter().take(20).zip(1..).all(|(it, n)| it.starts_with(&format!("line {n}, "))));
    assert_eq!(lines.iter().skip(20).collect::<Vec<_>>(), [&"and 10 more"], "{faulty}");
    let bundle = read(&never).unwrap();
    assert_eq!(
        (bundle.warnings().len(), bundle.warnings().last().unwrap().as_str()),
        (21, "and 10 more")
    );
}

#[test]
fn what_is_only_suspicious_is_said_with_its_place() {
    let never = "@id(\"never\")\npermit (principal, action, resource) when { false };";
    let bundle = Bundle::load(&files(&[("more.cedar", never)])).unwrap();
    let [warning] = bundle.warnings() else { panic!("{:?}", bundle.warnings()) };
    assert!(warning.starts_with("`more.cedar`: line 1, column 1: for policy `never`"), "{warning}");
}

#[test]
fn entities_that_are_not_there_are_told_of() {
    assert_eq!(fixture().warnings(), [] as [String; 0]);
    let schema = r#"entity Role; entity Colour enum ["red", "blue"]; entity Team; entity User in [Role] { lead?: User };
        action see appliesTo { principal: User, resource: Colour };"#;
    let policies = r#"permit (principal in Role::"vewer", action, resource == Colour::"red") unless { principal == User::"x" };
        permit (principal, action, resource) when { principal == User::"boss" && !(Team::"a" == Team::"b") };"#;
    let entities = r#"[{"uid": {"type": "Role", "id": "viewer"}, "attrs": {}, "parents": []},
        {"uid": {"type": "Colour", "id": "blue"}, "attrs": {}, "parents": []},
        {"uid": {"type": "User", "id": "boss"}, "attrs": {"lead": {"type": "User", "id": "bos"}}, "parents": [{"type": "Role", "id": "veiwer"}]}]"#;
    let manifest = "account = \"1\"";
    let with = |entities: &str| {
        let changed = [
            ("schema.cedarschema", schema),
            ("records.cedar", policies),
            ("entities.json", entities),
            ("bundle.toml", manifest),
        ];
        Bundle::load(&files(&changed)).unwrap().warnings().to_vec()
    };
    let told = r#"policies or entities refer to `Role::"veiwer"`, `Role::"vewer"`, `User::"bos"` and 1 more: `entities.json` has no such entity"#;
    assert_eq!(with(entities), [told]);
    // Where nobody is known, whoever policies name is known elsewhere.
    assert_eq!(with(""), [] as [String; 0]);
}

#[test]
fn names_are_those_of_the_namespace() {
    let schema = format!(
        "namespace Todo {{ {SCHEMA} }} namespace Other {{ entity User; action fly appliesTo {{ principal: User, resource: User }}; }}"
    );
    let policies = r#"permit (principal, action == Todo::Action::"read", resource);"#;
    let manifest = "account = \"1\"\nnamespace = \"Todo\"\n[types]\nperson = \"User\"";
    let bundle = Bundle::load(&files(&[
        ("schema.cedarschema", &schema),
        ("records.cedar", policies),
        ("entities.json", ""),
        ("bundle.toml", manifest),
    ]))
    .unwrap();
    for kind in ["person", "User", "Todo::User"] {
        let read = json!({"subject": [kind, "a"], "action": ["read"], "resource": ["Record", "r"]});
        check(&bundle, &read, ALLOW, &["records.cedar#0"]);
    }
    for (kind, action) in [("Other::User", "read"), ("Todo::User", "fly"), ("user", "read")] {
        let other =
            json!({"subject": [kind, "a"], "action": [action], "resource": ["Record", "r"]});
        check(&bundle, &other, Reason::Error, &[]);
    }
}

#[test]
fn searches_find_what_evaluating_everything_finds() {
    let bundle = fixture();
    let archived: Properties = serde_json::from_value(json!({"status": "archived"})).unwrap();
    let thing = |kind, id| Thing { kind, id, properties: None };
    let all = (0, 100, 100);
    let subjects = |action, resource| {
        bundle.search(
            &Sought::Subjects { kind: "user", action, properties: None, resource },
            None,
            all,
        )
    };
    assert_eq!(subjects("read", thing("record", "record-1")).found, ["alice", "bob"]);
    assert_eq!(subjects("write", thing("record", "record-1")).found, ["alice"]);
    let stated = Thing { properties: Some(&archived), ..thing("record", "record-1") };
    assert_eq!(subjects("write", stated).found, ["bob"]);
    for unknown in [thing("record", "record-9"), thing("cat", "record-1")] {
        assert_eq!(subjects("read", unknown), Page::default());
    }
    let unknown = subjects("fly", thing("record", "record-1"));
    assert!(
        unknown.found.is_empty()
            && unknown
                .refused
                .is_some_and(|it| matches!(it, Fault::Request(it) if it.field == "action.name"))
    );
    let resources = |id, action, kind| {
        let subject = thing("user", id);
        bundle
            .search(&Sought::Resources { kind, subject, action, properties: None }, None, all)
            .found
    };
    assert_eq!(resources("alice", "read", "record"), ["record-1", "record-2"]);
    assert_eq!(resources("bob", "write", "record"), ["record-2"]);
    assert!(
        resources("eve", "read", "record").is_empty()
            && resources("alice", "read", "cat").is_empty()
    );
    let actions = |id, record| {
        let (subject, resource) = (thing("user", id), thing("record", record));
        bundle.search(&Sought::Actions { subject, resource }, None, all).found
    };
    assert_eq!(actions("alice", "record-1"), ["read", "write"]);
    assert_eq!(actions("bob", "record-1"), ["read"]);
    // In pages of one, and after looking at one.
    let sought = Sought::Subjects {
        kind: "user",
        action: "read",
        properties: None,
        resource: thing("record", "record-1"),
    };
    let first = bundle.search(&sought, None, (0, 1, 100));
    assert_eq!((first.found.as_slice(), first.next), (&["alice".to_owned()][..], Some(1)));
    let second = bundle.search(&sought, None, (1, 1, 100));
    assert_eq!((second.found.as_slice(), second.next), (&["bob".to_owned()][..], None));
    assert_eq!(bundle.search(&sought, None, (0, 100, 1)).next, Some(1));
}

#[test]
fn what_is_nested_too_deep_or_too_long_is_refused_before_it_is_read() {
    let nested = |count: usize, open: &str, close: &str| {
        format!(
            "permit (principal, action, resource) when {{ {}true{} }};",
            open.repeat(count),
            close.repeat(count)
        )
    };
    let chain = |count: usize| {
        format!("permit (principal, action, resource) when {{ {}true }};", "true && ".repeat(count))
    };
    for (file, text, said) in [
        ("records.cedar", nested(20_000, "(", ")"), "nested deeper"),
        ("records.cedar", nested(20_000, "[", "]"), "nested deeper"),
        ("records.cedar", chain(20_000), "longer than"),
        ("records.cedar", nested(20_000, "if true then true else ", ""), "longer than"),
        (
            "schema.cedarschema",
            format!("entity E {{ a: {}String{} }};", "Set<".repeat(20_000), ">".repeat(20_000)),
            "nested deeper",
        ),
    ] {
        let faulty = Bundle::load(&files(&[(file, &text)])).unwrap_err();
        assert!(faulty.file == file && faulty.detail.contains(said), "{faulty}");
    }
}

#[test]
fn common_types_are_followed_into_their_namespaces() {
    let schema = r#"namespace A { type X = B::T; entity U {r?: Long}; action "a" appliesTo {principal: U, resource: U, context: X}; }
        namespace B { type T = X; type X = {n?: Long}; }"#;
    let bundle = Bundle::load(&files(&[
        ("schema.cedarschema", schema),
        (
            "records.cedar",
            "permit (principal, action, resource) when { context has n && context.n == 1 };",
        ),
        ("entities.json", ""),
        ("bundle.toml", "account = \"1\"\nnamespace = \"A\"\n[assert]\ncontext = [\"n\"]"),
    ]))
    .unwrap();
    let asked = |n: i64| json!({"subject": ["U", "a"], "action": ["a"], "resource": ["U", "b"], "context": {"n": n}});
    check(&bundle, &asked(1), ALLOW, &["records.cedar#0"]);
    check(&bundle, &asked(2), DENY, &[]);
}
