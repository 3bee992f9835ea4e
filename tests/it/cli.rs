//! The commands, run as a person or a script runs them.

use serde_json::{Value, json};

use crate::support::server::{DEV_TOKEN, Done, Place, Server, command, finish, run};

/// Asserts that a command fails and says those things.
#[track_caller]
pub(crate) fn refused(done: &Done, said: &[&str]) {
    assert_eq!(done.code, 2, "{done:?}");
    for part in said {
        assert!(done.err.contains(part), "`{part}` in {done:?}");
    }
}

fn role(modules: &Value) -> String {
    json!({"RoleName": "Reviewer", "ModulePermissions": modules}).to_string()
}

#[test]
fn an_account_is_initialized_once_and_its_master_key_is_kept() {
    let place = Place::new();
    let first =
        place.stopped(&["--format", "json", "init", "--account", "1000000000000001"]).json();
    let key = std::fs::read(place.path("master.key")).unwrap();
    assert_eq!(key.len(), 32);
    for part in ["accessKeyId", "accessKeySecret", "token"] {
        assert!(first[part].as_str().unwrap().len() > 16, "{part}");
    }
    assert_eq!(first["storeMade"], true);
    refused(
        &place.stopped(&["init", "--account", "1000000000000001"]),
        &["was initialized before"],
    );
    let second = place.stopped(&["init", "--account", "1000000000000002"]);
    assert!(second.code == 0 && second.out.contains("not shown again"), "{second:?}");
    assert!(second.out.contains("(was there, and has one more account)"), "{second:?}");
    assert_eq!(std::fs::read(place.path("master.key")).unwrap(), key);
    refused(&place.stopped(&["init", "--account", "x"]), &["`x` is not an account id"]);
}

#[test]
fn tokens_are_managed_in_a_stopped_store_and_on_a_running_service() {
    let place = Place::new();
    let account = "1000000000000001";
    let first = place.init(account);
    let made = place
        .stopped(&["--format", "json", "token", "create", "--name", "cli", "--account", account])
        .json();
    let scopes = ["--scope", "decide,search", "--scope", "explain"];
    let create = ["--format", "json", "token", "create", "--name", "several", "--account", account];
    let several = place.stopped(&[&create[..], &scopes[..]].concat()).json();
    assert_eq!(several["scopes"], json!(["decide", "search", "explain"]));
    let server = place.serve(&[]);
    let url = server.url();
    let on = |arguments: &[&str]| {
        run(arguments.iter().copied().chain(["--url", &url, "--token", &first]))
    };
    let listed = on(&["--format", "json", "token", "list"]).json();
    assert_eq!(listed["tokens"].as_array().unwrap().len(), 3);
    assert!(on(&["token", "list"]).out.contains("cli"));
    let id = made["id"].as_str().unwrap();
    assert_eq!(on(&["token", "revoke", id]).code, 0);
    refused(&on(&["token", "revoke", id]), &["404", "there is no token"]);
    refused(&on(&["token", "revoke", "a-b"]), &["`a-b` is not a token id"]);
    let created =
        on(&["token", "create", "--name", "web", "--scope", "decide", "--scope", "tokens"]);
    assert!(created.code == 0 && created.out.starts_with("pat_1000000000000001_"), "{created:?}");
    refused(&run(["token", "list", "--url", "http://127.0.0.1:1"]), &["does not answer"]);
}

#[test]
fn check_exits_with_the_decision() {
    let server = Server::demo(&[]);
    let url = server.url();
    let check = |user: &str, action: &str, more: &[&str]| {
        let base =
            ["check", "--url", &url, "--token", DEV_TOKEN, "--principal", user, "--action", action];
        run(base.into_iter().chain(more.iter().copied()))
    };
    let place = ["--workspace", "10001"];
    assert_eq!(check("User:2001", "PaiWorkspace:ListConfigs", &place).code, 0);
    let denied = check("User:2999", "PaiWorkspace:ListConfigs", &place);
    assert_eq!((denied.code, denied.out.trim()), (1, "Deny (implicit_deny)"));
    refused(
        &check("User:2001", "PaiWorkspace:ListConfig", &place),
        &["did you mean", "PaiWorkspace:ListConfigs"],
    );
    refused(&check("2001", "PaiWorkspace:ListConfigs", &place), &["give TYPE:ID"]);
    refused(
        &check("User:2001", "PaiDLC:StopJob", &place),
        &["error: `--creator` is missing: state who created the asset"],
    );
    refused(
        &check("User:x", "PaiDLC:StopJob", &place),
        &["error: `--principal`: `x` is not a principal id"],
    );
    refused(
        &check("User:2001", "PaiWorkspace:ListConfigs", &["--context", "x"]),
        &["give KEY=VALUE"],
    );
    refused(
        &check("User:2001", "ListConfigs", &place),
        &["did you mean `PaiWorkspace:ListConfigs`"],
    );
}

#[test]
fn a_condition_key_that_is_none_is_refused_or_told_of() {
    let server = Server::demo(&[]);
    let url = server.url();
    let check = |key: &str| {
        let about = ["--action", "PaiWorkspace:ListConfigs", "--workspace", "10001"];
        let from = ["check", "--url", &url, "--token", DEV_TOKEN, "--principal", "User:2001"];
        run(from.into_iter().chain(about).chain(["--context", key]))
    };
    let slip = check("acs:SourcIp=203.0.113.7");
    refused(&slip, &["`--context`: `acs:SourcIp` is not", "did you mean `acs:SourceIp`?"]);
    let bare = check("SourceIp=203.0.113.7");
    refused(&bare, &["`--context`: `SourceIp` is not", "did you mean `acs:SourceIp`?"]);
    let bare = check("CurrentTime=2026-11-29T12:00:00Z");
    assert_eq!((bare.code, bare.out.lines().next()), (0, Some("Allow (explicit_allow)")));
    assert!(bare.err.contains("`CurrentTime`: is `acs:CurrentTime` meant?"), "{bare:?}");
    assert!(check("mine=a").err.contains("`mine`: no policy that is known looks at it"));
    for known in ["acs:SourceIp=203.0.113.7", "acs:ResourceTag/team=a", "oss:Prefix=a"] {
        assert_eq!(check(known).err, "", "{known}");
    }
}

#[test]
fn without_a_token_it_is_said_where_one_is_given() {
    let server = Server::demo(&[]);
    let url = server.url();
    let list = |more: &[&str]| {
        run(["token", "list", "--url", &url].into_iter().chain(more.iter().copied()))
    };
    refused(&list(&[]), &["wants a token", "PAI_AUTHZ_TOKEN", "--token"]);
    refused(&list(&["--token", "wrong"]), &["refuses the token", "PAI_AUTHZ_TOKEN"]);
    let place = server.api.to_string();
    for url in [&*place, "ftp://127.0.0.1"] {
        refused(
            &run(["token", "list", "--url", url]),
            &["is not the URL of a service", "http://127.0.0.1:8080"],
        );
    }
}

#[test]
fn what_goes_wrong_is_json_for_a_program() {
    let done = run(["--format", "json", "catalog", "explain", "StopJob"]);
    let error: Value = serde_json::from_str(&done.err).unwrap();
    let said = error["error"].as_str().unwrap();
    assert!(done.code == 2 && done.out.is_empty(), "{done:?}");
    assert!(said.contains("did you mean `PaiDLC:StopJob`"), "{said}");
}

#[test]
fn the_demonstration_answers_its_questions() {
    let place = Place::new();
    let store = format!("redb:{}", place.text("demo.redb"));
    let done = run(["demo", "--store", &store]);
    assert!(done.out.starts_with("3 workspaces, 200 memberships, 6 custom roles"), "{done:?}");
    let again = run(["--format", "json", "demo", "--store", &store]).json();
    let answers = again["questions"].as_array().unwrap();
    assert!(answers.len() >= 10);
    for answer in answers {
        let allowed = answer["decision"] == "Allow";
        assert_eq!(allowed, !answer["policies"].as_array().unwrap().is_empty(), "{answer}");
        let shows = answer["shows"].as_str().unwrap();
        let says_no = ["does not", "no part", "no private", "only owner", "may not"]
            .iter()
            .any(|no| shows.contains(no));
        assert_eq!(allowed, !says_no, "{answer}");
    }
}

#[test]
fn a_role_is_shown_as_the_policies_it_becomes() {
    let place = Place::new();
    for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/policies/roles")).unwrap() {
        let path = file.unwrap().path();
        let code = path.file_stem().unwrap().to_str().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(run(["policy", "show", code]).out, text, "{code}");
        assert_eq!(run(["policy", "generate", code]).out, text, "{code}");
    }
    let file = place
        .write("role.json", role(&json!([{"ModuleName": "DLC", "PermissionType": "ReadWrite"}])));
    let shown = run(["policy", "show", &file]).out;
    assert!(
        shown.contains("PAI::Action::\"DLC@Read\"")
            && shown.contains("resource.creator == principal.uid"),
        "{shown}"
    );
    refused(&run(["policy", "show", "PAI.Nobody"]), &["`PAI.Nobody` is neither a file nor one of"]);
    for slip in ["PAI.AlgoDevelopr", "AlgoDeveloper"] {
        refused(&run(["policy", "show", slip]), &["did you mean `PAI.AlgoDeveloper`?"]);
    }
    for (modules, said) in [
        (
            json!([{"ModuleName": "DLC", "PermissionType": "ReadOnly"}, {"ModuleName": "DLC", "PermissionType": "ReadOnly"}]),
            ["ModulePermissions[1].ModuleName", "named once"],
        ),
        (
            json!([{"ModuleName": "DLC", "PermissionType": "Reader"}]),
            ["ModulePermissions[0].PermissionType", "`Reader`"],
        ),
        (
            json!([{"ModuleName": "DLC", "PermissionType": "CustomPermissions"}]),
            ["ModulePermissions[0].Permissions", "is missing"],
        ),
    ] {
        let file = place.write("wrong.json", role(&modules));
        refused(&run(["policy", "show", &file]), &said);
    }
    let broken = place.write("broken.json", "{");
    refused(&run(["policy", "show", &broken]), &["broken.json"]);
}

#[test]
fn the_catalogue_lists_finds_and_explains() {
    let rows = |arguments: &[&str]| {
        let done = run(["--format", "json"].into_iter().chain(arguments.iter().copied()));
        done.json().as_array().unwrap().len()
    };
    assert_eq!(rows(&["catalog", "list"]), 480);
    assert_eq!(rows(&["catalog", "list", "permissions", "--module", "DLC"]), 42);
    assert_eq!(rows(&["catalog", "list", "permissions", "--confidence", "low"]), 10);
    assert_eq!(rows(&["catalog", "list", "ram-actions", "--module", "log"]), 297);
    assert_eq!(rows(&["catalog", "list", "modules"]), 21);
    assert_eq!(rows(&["catalog", "list", "roles"]), 7);
    assert!(rows(&["catalog", "list", "types"]) > 16);
    for (list, argument, value) in [
        ("modules", "--module", "DLC"),
        ("roles", "--module", "DLC"),
        ("configs", "--module", "DLC"),
        ("types", "--confidence", "low"),
        ("ram-actions", "--confidence", "low"),
    ] {
        let refusal = run(["catalog", "list", list, argument, value]);
        refused(&refusal, &[&format!("`{argument}`"), "`permissions`"]);
    }
    assert!(rows(&["catalog", "search", "stopjob"]) >= 1);
    assert_eq!(run(["catalog", "search", "no such thing"]).code, 1);
    for name in [
        "PaiDLC:StopJob",
        "paidlc:StopJob",
        "log:ListProject",
        "pod",
        "DLC",
        "PaiWorkspace@@Config",
        "PAI.AlgoDeveloper",
    ] {
        assert_eq!(run(["catalog", "explain", name]).code, 0, "{name}");
    }
    refused(&run(["catalog", "explain", "PaiDLC:StopJbo"]), &["did you mean `PaiDLC:StopJob`"]);
    let schema =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/schema/pai.cedarschema"))
            .unwrap();
    assert_eq!(run(["schema"]).out, schema);
}

#[test]
fn every_command_that_answers_speaks_json() {
    let place = Place::new();
    let account = "1000000000000001";
    place.init(account);
    let file = place.write("users.json", json!({"users": [{"id": "2001"}]}).to_string());
    let dev = format!("redb:{}", place.text("dev.redb"));
    let asked = ["--principal", "User:2001", "--action", "Pai:ListUsers", "--account", account];
    for (arguments, keys) in [
        (
            vec!["import", &file, "--account", account],
            &["identities", "members", "revision", "roles", "workspaces"][..],
        ),
        (vec!["user", "import", &file, "--account", account], &["identities", "revision"]),
        (
            vec!["token", "create", "--name", "n", "--account", account],
            &["createdAt", "id", "name", "revision", "scopes", "token"],
        ),
        (vec!["token", "list", "--account", account], &["tokens"]),
        (
            [&["check"][..], &asked].concat(),
            &["decision", "determiningPolicies", "errors", "reason", "revision"],
        ),
    ] {
        let done = place.stopped(&[&["--format", "json"][..], &arguments].concat());
        let answer = done.json();
        for key in keys {
            assert!(answer.get(key).is_some(), "`{key}`: {done:?}");
        }
    }
    for arguments in [
        &["demo", "--store", &dev][..],
        &["schema"],
        &["policy", "show", "PAI.WorkspaceGuest"],
        &["policy", "generate", "PAI.WorkspaceGuest"],
        &["catalog", "list"],
        &["catalog", "search", "stop"],
        &["catalog", "explain", "PaiDLC:StopJob"],
        &["catalog", "explain", "job"],
        &["catalog", "explain", "DLC"],
        &["catalog", "explain", "PAI.WorkspaceGuest"],
    ] {
        // The setting stands before the command or after it.
        let before = run(["--format", "json"].into_iter().chain(arguments.iter().copied())).json();
        let after = run(arguments.iter().copied().chain(["--format", "json"])).json();
        assert_eq!(before, after, "{arguments:?}");
    }
    let text = run(["schema"]).out;
    assert_eq!(run(["--format", "json", "schema"]).json(), json!({ "cedar": text }));
    // Nothing found is an empty list, and the exit code says so.
    let none = run(["--format", "json", "catalog", "search", "no such thing"]);
    assert_eq!((none.code, none.out.trim()), (1, "[]"));
    let slip = run(["catalog", "search", "StopJbo"]);
    assert_eq!(slip.code, 1);
    assert!(
        slip.err.contains("did you mean `PaiDLC:StopJob`, `PaiDesigner:StopJob`?"),
        "{}",
        slip.err
    );
}

#[test]
fn a_further_account_needs_the_key_the_store_was_made_with() {
    let place = Place::new();
    place.init("1000000000000001");
    let store = place.store();
    let other = place.text("other.key");
    let init =
        ["init", "--store", &store, "--account", "2000000000000002", "--master-key-file", &other];
    refused(&run(init), &["this store exists", "--master-key-file", "other.key"]);
    assert!(!place.path("other.key").exists(), "no key is made beside the right one");
    // Nothing was written: with the right key the account is still a new one.
    assert_eq!(place.stopped(&["init", "--account", "2000000000000002"]).code, 0);
    // A refused init leaves nothing behind.
    let empty = Place::new();
    refused(&empty.stopped(&["init", "--account", "x"]), &["`x` is not an account id"]);
    refused(&run(["init", "--account", "1", "--store", "memory:"]), &["memory:"]);
    assert_eq!(std::fs::read_dir(empty.directory.path()).unwrap().count(), 0);
    // Nor does one whose key is unfit.
    let short = empty.write("master.key", "short");
    std::fs::set_permissions(&short, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    refused(&empty.stopped(&["init", "--account", "1"]), &["has not 32 bytes"]);
    assert!(!empty.path("store.redb").exists());
    assert_eq!(std::fs::read(&short).unwrap(), b"short");
}

#[test]
fn secrets_are_printed_once_and_apart_from_the_rest() {
    let place = Place::new();
    let account = "1000000000000001";
    let done = place.stopped(&["init", "--account", account]);
    assert_eq!((done.out.matches("pat_").count(), done.out.matches("LTAI").count()), (1, 1));
    assert!(done.err.is_empty(), "{done:?}");
    let made = place.stopped(&["token", "create", "--name", "n", "--account", account]);
    // Standard output is the token alone, for scripts; the warning is beside it.
    assert_eq!(made.out.lines().count(), 1);
    assert!(
        made.out.starts_with("pat_1000000000000001_") && made.err.contains("not shown again"),
        "{made:?}"
    );
    let secret = made.out.trim().rsplit('_').next().unwrap();
    let listed = place.stopped(&["token", "list", "--account", account]).out;
    assert!(!listed.contains(secret) && !listed.contains("pat_"), "{listed}");
    let server = place.serve(&[]);
    let url = server.url();
    // A token by its variable, and not in the help that shows variables.
    let mut check =
        command(["check", "--principal", "Account:1000000000000001", "--action", "Pai:ListUsers"]);
    let checked = finish(check.env("PAI_AUTHZ_TOKEN", made.out.trim()).env("PAI_AUTHZ_URL", &url));
    assert_eq!(checked.code, 0, "{checked:?}");
    let help = finish(command(["check", "--help"]).env("PAI_AUTHZ_TOKEN", made.out.trim()));
    assert!(help.code == 0 && !help.out.contains(secret), "{help:?}");
}

#[test]
fn check_asks_a_stopped_store_and_a_service_the_same() {
    let place = Place::new();
    let account = "1000000000000001";
    let token = place.init(account);
    place.import(account, &json!({
        "users": [{"id": "2001"}, {"id": "2002"}],
        "workspaces": [{"id": "10001", "name": "one", "members": [{"user": "2001", "roles": ["PAI.AlgoDeveloper"]}]}],
    }));
    let questions: [&[&str]; 8] = [
        &[
            "--principal",
            "User:2001",
            "--action",
            "PaiDLC:StopJob",
            "--workspace",
            "10001",
            "--creator",
            "2001",
            "--accessibility",
            "PRIVATE",
        ],
        &[
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
        ],
        &[
            "--principal",
            "User:2001",
            "--action",
            "paidlc:StopJob",
            "--creator",
            "2001",
            "--accessibility",
            "PRIVATE",
            "--arn",
            "acs:paidlc:cn-hangzhou:1000000000000001:workspace/10001/dlcjob/x",
        ],
        &[
            "--principal",
            "User:2002",
            "--action",
            "PaiWorkspace:ListConfigs",
            "--workspace",
            "10001",
            "--context",
            "acs:SourceIp=203.0.113.7",
        ],
        &["--principal", "User:2001", "--action", "PaiDLC:StopJob", "--workspace", "10001"],
        &["--principal", "User:2001", "--action", "PaiDLC:StopJbo", "--workspace", "10001"],
        &["--principal", "User:x", "--action", "PaiDLC:StopJob"],
        &["--principal", "User:2001", "--action", "Pai:ListUsers", "--at-least-as-fresh", "x"],
    ];
    let stopped = questions.map(|question| {
        place
            .stopped(&[&["--format", "json", "check", "--account", account][..], question].concat())
    });
    let server = place.serve(&[]);
    let url = server.url();
    for (question, stopped) in questions.iter().zip(stopped) {
        let service = ["--format", "json", "check", "--url", &url, "--token", &token];
        let asked = run(service.into_iter().chain(question.iter().copied()));
        assert_eq!(
            (asked.code, &asked.out),
            (stopped.code, &stopped.out),
            "{question:?}: {asked:?} {stopped:?}"
        );
        assert_eq!(asked.err.is_empty(), asked.code < 2, "{asked:?}");
        if asked.code < 2 {
            let answer: Value = serde_json::from_str(&asked.out).unwrap();
            assert_eq!(answer["decision"] == "Allow", asked.code == 0);
        }
    }
}
