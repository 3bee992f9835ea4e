//! The bundles of `examples`, scenarios of the AuthZEN interoperability events: every decision of their tables, single and in
//! batches, every search against asking about everything, and what their READMEs show.

use std::{collections::BTreeSet, fs, net::SocketAddr, path::Path};

use serde_json::{Value, json};

use crate::{
    readme,
    support::server::{Server, command},
};

const PROJECT: &str = env!("CARGO_MANIFEST_DIR");

/// Serves both bundles.
fn serve() -> Server {
    let bundle = |name: &str| format!("{name}={PROJECT}/examples/{name}");
    let server = Server::demo(&["--bundle", &bundle("todo"), "--bundle", &bundle("search")]);
    assert!(!server.log().contains("suspicious"), "{}", server.log());
    server
}

/// Asks a bundle; it must answer.
#[track_caller]
fn ask(server: &Server, bundle: &str, path: &str, body: &Value) -> Value {
    let answer = server.post(&format!("/{bundle}/access/v1/{path}"), body.to_string());
    assert_eq!(answer.status, 200, "{body}: {answer:?}");
    answer.json()
}

fn decision(server: &Server, bundle: &str, request: &Value) -> bool {
    ask(server, bundle, "evaluation", request)["decision"].as_bool().unwrap()
}

/// Asks many at once.
#[track_caller]
fn decisions(server: &Server, bundle: &str, body: &Value) -> Vec<bool> {
    let answer = ask(server, bundle, "evaluations", body);
    let decided = answer["evaluations"].as_array().unwrap();
    decided.iter().map(|it| it["decision"].as_bool().unwrap()).collect()
}

/// Checks a table: its rows one by one, all at once, and all of each subject under defaults and every semantic.
#[track_caller]
fn check(server: &Server, bundle: &str, table: &[(Value, bool)]) {
    let expected: Vec<bool> = table.iter().map(|(_, expected)| *expected).collect();
    for (request, expected) in table {
        assert_eq!(decision(server, bundle, request), *expected, "{request}");
    }
    let all: Vec<&Value> = table.iter().map(|(request, _)| request).collect();
    assert_eq!(decisions(server, bundle, &json!({ "evaluations": all })), expected);
    let mut subjects: Vec<&Value> = all.iter().map(|it| &it["subject"]).collect();
    subjects.dedup();
    for subject in subjects {
        let own: Vec<&(Value, bool)> =
            table.iter().filter(|(request, _)| request["subject"] == *subject).collect();
        let items: Vec<Value> = own
            .iter()
            .map(|(it, _)| json!({ "action": it["action"], "resource": it["resource"] }))
            .collect();
        let expected: Vec<bool> = own.iter().map(|(_, expected)| *expected).collect();
        let until = |last: bool| {
            let end =
                expected.iter().position(|it| *it == last).map_or(expected.len(), |at| at + 1);
            expected.get(..end).unwrap().to_vec()
        };
        for (semantic, expected) in [
            ("execute_all", expected.clone()),
            ("deny_on_first_deny", until(false)),
            ("permit_on_first_permit", until(true)),
        ] {
            // The application of the events sends a resource without anything as default.
            let body = json!({
                "subject": subject, "resource": {}, "context": {}, "evaluations": items,
                "options": { "evaluations_semantic": semantic },
            });
            assert_eq!(decisions(server, bundle, &body), expected, "{semantic} {subject}");
        }
    }
}

/// The subject of a person of the todo list: the id is the one that the identity provider of the events gives.
fn person(name: &str) -> Value {
    let number = match name {
        "rick" => 'A',
        "morty" => 'E',
        "summer" => 'I',
        "beth" => 'M',
        "jerry" => 'Q',
        _ => panic!("who is {name}?"),
    };
    json!({"type": "user", "id": format!("CiRmZD{number}2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs")})
}

fn email(name: &str) -> String {
    let house = if ["rick", "morty"].contains(&name) { "citadel" } else { "smiths" };
    format!("{name}@the-{house}.com")
}

/// A todo of which its owner is stated, and nothing known.
fn todo_of(owner: &str) -> Value {
    json!({"type": "todo", "id": "7240d0db-8ff0-41ec-98b2-34a096273b9f", "properties": {"ownerID": email(owner)}})
}

fn request(subject: &Value, action: &str, resource: &Value) -> Value {
    json!({"subject": subject, "action": {"name": action}, "resource": resource})
}

/// The table of the scenario: who, what, and to whose todo or about whom. The events ask about Beth and Beth twice; here the second is
/// Jerry.
const TODO: [(&str, &str, &str, bool); 40] = [
    ("rick", "can_read_user", "beth", true),
    ("rick", "can_read_user", "rick", true),
    ("rick", "can_read_todos", "", true),
    ("rick", "can_create_todo", "", true),
    ("rick", "can_update_todo", "rick", true),
    ("rick", "can_update_todo", "morty", true),
    ("rick", "can_delete_todo", "rick", true),
    ("rick", "can_delete_todo", "morty", true),
    ("morty", "can_read_user", "beth", true),
    ("morty", "can_read_user", "morty", true),
    ("morty", "can_read_todos", "", true),
    ("morty", "can_create_todo", "", true),
    ("morty", "can_update_todo", "rick", false),
    ("morty", "can_update_todo", "morty", true),
    ("morty", "can_delete_todo", "rick", false),
    ("morty", "can_delete_todo", "morty", true),
    ("summer", "can_read_user", "beth", true),
    ("summer", "can_read_user", "summer", true),
    ("summer", "can_read_todos", "", true),
    ("summer", "can_create_todo", "", true),
    ("summer", "can_update_todo", "rick", false),
    ("summer", "can_update_todo", "summer", true),
    ("summer", "can_delete_todo", "rick", false),
    ("summer", "can_delete_todo", "summer", true),
    ("beth", "can_read_user", "beth", true),
    ("beth", "can_read_user", "jerry", true),
    ("beth", "can_read_todos", "", true),
    ("beth", "can_create_todo", "", false),
    ("beth", "can_update_todo", "rick", false),
    ("beth", "can_update_todo", "beth", false),
    ("beth", "can_delete_todo", "rick", false),
    ("beth", "can_delete_todo", "beth", false),
    ("jerry", "can_read_user", "beth", true),
    ("jerry", "can_read_user", "jerry", true),
    ("jerry", "can_read_todos", "", true),
    ("jerry", "can_create_todo", "", false),
    ("jerry", "can_update_todo", "rick", false),
    ("jerry", "can_update_todo", "jerry", false),
    ("jerry", "can_delete_todo", "rick", false),
    ("jerry", "can_delete_todo", "jerry", false),
];

#[test]
fn the_todo_list_decides_as_the_scenario_has_it() {
    let server = serve();
    let table = TODO.map(|(who, action, whose, expected)| {
        let resource = match action {
            "can_read_user" => json!({"type": "user", "id": email(whose)}),
            "can_read_todos" | "can_create_todo" => json!({"type": "todo", "id": "todo-1"}),
            _ => todo_of(whose),
        };
        (request(&person(who), action, &resource), expected)
    });
    check(&server, "todo", &table);
}

#[test]
fn the_todo_list_takes_nobodys_word_but_for_owners() {
    let server = serve();
    let known = |digit: char| json!({"type": "todo", "id": format!("7240d0db-8ff0-41ec-98b2-34a096273b9{digit}")});
    let stated = |mut todo: Value, owner: Value| {
        todo["properties"] = json!({ "ownerID": owner });
        todo
    };
    let claiming = |name: &str, properties: Value| {
        let mut subject = person(name);
        subject["properties"] = properties;
        subject
    };
    let nobody = json!({"type": "user", "id": "nobody"});
    let admin = json!({"roles": ["admin"], "email": email("rick"), "parents": [{"type": "Role", "id": "admin"}]});
    check(
        &server,
        "todo",
        &[
            // Morty's and Summer's, as they are known; what is stated stands over that.
            (request(&person("morty"), "can_update_todo", &known('1')), true),
            (request(&person("morty"), "can_update_todo", &known('3')), false),
            (
                request(
                    &person("morty"),
                    "can_update_todo",
                    &stated(known('3'), json!(email("morty"))),
                ),
                true,
            ),
            (
                request(
                    &person("morty"),
                    "can_update_todo",
                    &stated(known('1'), json!(email("summer"))),
                ),
                false,
            ),
            // Whose nobody says it is, and what fits nothing.
            (request(&person("morty"), "can_update_todo", &stated(known('1'), Value::Null)), false),
            (request(&person("morty"), "can_update_todo", &known('f')), false),
            (request(&person("morty"), "can_update_todo", &stated(known('1'), json!(7))), false),
            (request(&person("rick"), "can_update_todo", &stated(known('1'), Value::Null)), true),
            (request(&person("rick"), "can_update_todo", &stated(known('1'), json!(7))), false),
            (request(&claiming("beth", admin.clone()), "can_delete_todo", &todo_of("rick")), false),
            (
                request(&claiming("morty", admin.clone()), "can_delete_todo", &todo_of("rick")),
                false,
            ),
            (request(&nobody, "can_read_todos", &known('1')), false),
            (request(&nobody, "can_read_user", &person("rick")), false),
            (request(&person("rick"), "can_read_todos", &person("rick")), false),
            (request(&person("rick"), "can_read_user", &known('1')), false),
            (request(&known('1'), "can_read_todos", &known('1')), false),
            (request(&person("rick"), "can_fly", &known('1')), false),
        ],
    );
}

const RECORDS: std::ops::RangeInclusive<u32> = 101..=120;
const SEARCHERS: [&str; 6] = ["alice", "bob", "carol", "dan", "erin", "felix"];

/// The table of the scenario: who may do what to which records.
const SEARCH: [(&str, &str, &[u32]); 18] = [
    (
        "alice",
        "view",
        &[
            101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 114, 115, 116, 117,
            118, 119, 120,
        ],
    ),
    ("alice", "edit", &[101, 107, 110, 113, 119]),
    ("alice", "delete", &[101, 107, 113, 119]),
    ("bob", "view", &[101, 102, 103, 105, 108, 112, 114, 116, 117, 119, 120]),
    ("bob", "edit", &[102, 108, 114, 120]),
    ("bob", "delete", &[102, 108, 114, 120]),
    ("carol", "view", &[101, 102, 103, 105, 108, 109, 112, 115, 116, 117, 119]),
    ("carol", "edit", &[103, 109, 115]),
    ("carol", "delete", &[103, 109, 115]),
    (
        "dan",
        "view",
        &[
            101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 114, 115, 116, 117,
            118, 119, 120,
        ],
    ),
    ("dan", "edit", &[104, 110, 115, 116]),
    ("dan", "delete", &[104, 110, 116]),
    ("erin", "view", &[105, 111, 115, 117]),
    ("erin", "edit", &[105, 111, 117]),
    ("erin", "delete", &[105, 111, 117]),
    ("felix", "view", &[104, 106, 109, 111, 112, 114, 118, 120]),
    ("felix", "edit", &[106, 112, 118]),
    ("felix", "delete", &[106, 112, 118]),
];

fn user(id: &str) -> Value {
    json!({"type": "user", "id": id})
}

fn record(id: u32) -> Value {
    json!({"type": "record", "id": id.to_string()})
}

#[test]
fn the_records_are_decided_on_as_the_scenario_has_it() {
    let server = serve();
    let table: Vec<(Value, bool)> = SEARCH
        .iter()
        .flat_map(|(who, action, records)| {
            RECORDS.map(|id| (request(&user(who), action, &record(id)), records.contains(&id)))
        })
        .collect();
    assert_eq!(table.len(), 360);
    check(&server, "search", &table);
}

#[test]
fn the_records_are_found_as_the_scenario_has_it() {
    let server = serve();
    let found = |what: &str, body: Value, name: &str| -> Vec<String> {
        let answer = ask(&server, "search", &format!("search/{what}"), &body);
        let results = answer["results"].as_array().unwrap().iter();
        results.map(|it| it[name].as_str().unwrap().to_owned()).collect()
    };
    let may = |who: &str, action: &str, id: u32| {
        SEARCH.iter().any(|row| (row.0, row.1) == (who, action) && row.2.contains(&id))
    };
    for (who, action, records) in SEARCH {
        let body = request(&user(who), action, &json!({"type": "record"}));
        let ids: Vec<String> = records.iter().map(u32::to_string).collect();
        assert_eq!(found("resource", body, "id"), ids, "{who} {action}");
    }
    for id in RECORDS {
        // In the order of their letters.
        for action in ["delete", "edit", "view"] {
            let body = request(&json!({"type": "user"}), action, &record(id));
            let ids: Vec<&str> = SEARCHERS.into_iter().filter(|who| may(who, action, id)).collect();
            assert_eq!(found("subject", body, "id"), ids, "{action} {id}");
        }
        for who in SEARCHERS {
            let body = json!({"subject": user(who), "resource": record(id)});
            let actions = ["delete", "edit", "view"].into_iter();
            let names: Vec<&str> = actions.filter(|action| may(who, action, id)).collect();
            assert_eq!(found("action", body, "name"), names, "{who} {id}");
        }
    }
    for (what, body) in [
        ("subject", request(&json!({"type": "user"}), "view", &record(121))),
        ("subject", request(&json!({"type": "user"}), "sign", &record(101))),
        ("resource", request(&user("grace"), "view", &json!({"type": "record"}))),
        ("resource", request(&user("alice"), "view", &json!({"type": "book"}))),
        ("action", json!({"subject": user("grace"), "resource": record(101)})),
    ] {
        assert_eq!(found(what, body, "id"), Vec::<String>::new(), "{what}");
    }
    // The events compare results as text: the type comes first.
    let body = request(&json!({"type": "user"}), "edit", &record(110)).to_string();
    let answer = server.post("/search/access/v1/search/subject", body);
    let text = String::from_utf8(answer.body).unwrap();
    let start = r#"{"results":[{"type":"user","id":"alice"},{"type":"user","id":"dan"}]"#;
    assert!(text.starts_with(start), "{text}");
}

#[test]
fn nothing_that_is_stated_counts_for_the_records() {
    let server = serve();
    let subject = json!({"type": "user", "id": "felix", "properties": {"role": "manager", "department": "Sales"}});
    let resource = json!({"type": "record", "id": "110", "properties": {"department": "Accounting", "owner": {"type": "User", "id": "felix"}}});
    let actions = ["view", "edit", "delete"];
    check(&server, "search", &actions.map(|action| (request(&subject, action, &resource), false)));
    check(
        &server,
        "search",
        &[
            (request(&user("grace"), "view", &record(101)), false),
            (request(&user("alice"), "view", &record(121)), false),
        ],
    );
}

/// Everything that a bundle knows of these types, by what they are called outside, as its file has it.
fn known(bundle: &str, types: &[(&str, &str)]) -> Vec<Value> {
    let path = format!("{PROJECT}/examples/{bundle}/entities.json");
    let entities: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let all = entities.as_array().unwrap().iter().map(|entity| &entity["uid"]);
    let outside = |uid: &Value| {
        let name = types.iter().find(|(_, inside)| uid["type"] == *inside)?;
        Some(json!({"type": name.0, "id": uid["id"]}))
    };
    all.filter_map(outside).collect()
}

/// Returns everything a search finds, page by page of three.
#[track_caller]
fn search(server: &Server, bundle: &str, what: &str, mut body: Value) -> Vec<Value> {
    let mut found = Vec::new();
    body["page"] = json!({"limit": 3});
    loop {
        let answer = ask(server, bundle, &format!("search/{what}"), &body);
        let results = answer["results"].as_array().unwrap();
        assert!(results.len() <= 3, "{answer}");
        found.extend(results.iter().cloned());
        let next = answer["page"]["next_token"].as_str().unwrap();
        if next.is_empty() {
            return found;
        }
        body["page"]["token"] = json!(next);
    }
}

/// Compares every search of a bundle with evaluations of everything there is, of which so many are true.
#[track_caller]
fn exhaust(bundle: &str, types: &[(&str, &str)], actions: &[&str], count: usize) {
    let server = serve();
    let mut things = known(bundle, types);
    things.sort_by_key(|it| it["id"].as_str().unwrap().to_owned());
    let of_type = |kind: &str| things.iter().filter(|it| it["type"] == kind).collect::<Vec<_>>();
    let mut allowed: BTreeSet<(String, &str, String)> = BTreeSet::new();
    for subject in of_type("user") {
        let asked: Vec<(&str, &Value)> =
            actions.iter().flat_map(|action| things.iter().map(|it| (*action, it))).collect();
        let items: Vec<Value> =
            asked.iter().map(|(action, it)| request(subject, action, it)).collect();
        let decided = decisions(&server, bundle, &json!({ "evaluations": items }));
        assert_eq!(decided.len(), asked.len());
        for ((action, it), _) in asked.iter().zip(decided).filter(|(_, decision)| *decision) {
            allowed.insert((subject.to_string(), action, it.to_string()));
        }
    }
    assert_eq!(allowed.len(), count);
    let may = |subject: &Value, action: &&str, resource: &Value| {
        allowed.contains(&(subject.to_string(), *action, resource.to_string()))
    };
    let kinds: BTreeSet<&str> = types.iter().map(|(outside, _)| *outside).collect();
    for action in actions {
        for resource in &things {
            let mut expected = of_type("user");
            expected.retain(|subject| may(subject, action, resource));
            let body = request(&json!({"type": "user"}), action, resource);
            let found = search(&server, bundle, "subject", body);
            assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{action} {resource}");
        }
        for (subject, kind) in
            of_type("user").into_iter().flat_map(|it| kinds.iter().map(move |kind| (it, kind)))
        {
            let mut expected = of_type(kind);
            expected.retain(|resource| may(subject, action, resource));
            let body = request(subject, action, &json!({ "type": kind }));
            let found = search(&server, bundle, "resource", body);
            assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{subject} {action} {kind}");
        }
    }
    let mut sorted = actions.to_vec();
    sorted.sort_unstable();
    for subject in of_type("user") {
        for resource in &things {
            let names = sorted.iter().filter(|action| may(subject, action, resource));
            let expected: Vec<Value> = names.map(|name| json!({ "name": name })).collect();
            let body = json!({ "subject": subject, "resource": resource });
            assert_eq!(search(&server, bundle, "action", body), expected, "{subject} {resource}");
        }
    }
}

#[test]
fn searches_of_the_todo_list_find_what_evaluations_permit() {
    let actions = [
        "can_read_user",
        "can_read_todos",
        "can_create_todo",
        "can_update_todo",
        "can_delete_todo",
    ];
    // Rick may do everything, Morty and Summer change one each, Beth and Jerry read: of five people and six todos.
    exhaust("todo", &[("user", "User"), ("todo", "Todo")], &actions, 29 + 2 * 19 + 2 * 11);
}

#[test]
fn searches_of_the_records_find_what_evaluations_permit() {
    let count = SEARCH.iter().map(|(_, _, records)| records.len()).sum();
    exhaust(
        "search",
        &[("user", "User"), ("record", "Record")],
        &["view", "edit", "delete"],
        count,
    );
}

/// Starts the server as a README says, but for where it listens and stores, and runs what stands there.
#[track_caller]
fn tell(readme: &str) {
    let start = readme.lines().find_map(|line| line.strip_prefix("    pai-authz ")).unwrap();
    assert!(start.starts_with("serve --dev --bundle "), "{start}");
    let here = ["--store", "memory:", "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"];
    let mut command = command(start.split(' ').chain(here));
    let server = Server::spawn(command.current_dir(PROJECT));
    let address: SocketAddr = server.api;
    let (count, printed) = readme::tell(readme, address, Path::new(PROJECT));
    assert!(count == 3 && printed.contains(r#""revision":""#), "{count}: {printed}");
}

#[test]
fn the_readme_of_the_todo_list_shows_what_is_answered() {
    tell(include_str!("../../examples/todo/README.md"));
}

#[test]
fn the_readme_of_the_records_shows_what_is_answered() {
    tell(include_str!("../../examples/search/README.md"));
}
