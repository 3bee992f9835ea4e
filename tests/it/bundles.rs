//! What a directory has is served as soon as it is sound, and what was sound is served until then.

use std::{fs, path::Path, sync::Arc};

use pai_authz::{
    domain::{BundleName, Effect},
    service::{Bundles, Query, Thing},
};
use serde_json::json;

use crate::support::server::{Server, run, until};

const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/authzen");

fn name() -> BundleName {
    BundleName::parse("records").unwrap()
}

fn copied() -> tempfile::TempDir {
    let folder = tempfile::TempDir::new().unwrap();
    for entry in fs::read_dir(FIXTURE).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    folder
}

fn open(path: &Path) -> Result<Arc<Bundles>, String> {
    Bundles::open(vec![(name(), path.to_owned())])
}

fn alice_reads(bundles: &Bundles) -> Effect {
    let present = bundles.get("records").unwrap();
    let (subject, resource) = (Thing::named("user", "alice"), Thing::named("record", "record-1"));
    let asked = Query { subject, action: "read", action_properties: None, resource, context: None };
    present.decide(&asked).effect()
}

fn trouble(bundles: &Bundles) -> Option<String> {
    bundles.health().next().unwrap().1
}

#[test]
fn a_sound_change_is_served_and_an_unsound_one_is_told_of() {
    let folder = copied();
    let bundles = open(folder.path()).unwrap();
    let first = bundles.get("records").unwrap().version().to_owned();
    assert_eq!((alice_reads(&bundles), trouble(&bundles)), (Effect::Allow, None));
    let policies = folder.path().join("records.cedar");
    let before = fs::read_to_string(&policies).unwrap();
    fs::write(&policies, "permit (principal").unwrap();
    bundles.look();
    assert_eq!(alice_reads(&bundles), Effect::Allow, "the last sound one is served on");
    assert!(trouble(&bundles).unwrap().contains("records.cedar"));
    assert_eq!(bundles.get("records").unwrap().version(), first);
    fs::write(&policies, before.replace("\"read\"", "\"write\"")).unwrap();
    bundles.look();
    assert_eq!((alice_reads(&bundles), trouble(&bundles)), (Effect::Deny, None));
    assert_ne!(bundles.get("records").unwrap().version(), first);
    fs::remove_file(folder.path().join("bundle.toml")).unwrap();
    bundles.look();
    assert!(trouble(&bundles).unwrap().contains("bundle.toml"));
    fs::remove_dir_all(folder.path()).unwrap();
    bundles.look();
    assert!(trouble(&bundles).is_some() && alice_reads(&bundles) == Effect::Deny);
}

#[test]
fn what_is_not_of_the_bundle_does_not_count_and_a_missing_directory_is_an_error() {
    let folder = copied();
    fs::write(folder.path().join("README.md"), "words").unwrap();
    fs::write(folder.path().join(".hidden.cedar"), "permit (").unwrap();
    assert!(open(folder.path()).is_ok());
    fs::create_dir(folder.path().join("folder.cedar")).unwrap();
    assert!(open(folder.path()).unwrap_err().contains("no file"));
    let wrong = open(&folder.path().join("elsewhere")).unwrap_err();
    assert!(wrong.contains("bundle `records`") && wrong.contains("elsewhere"), "{wrong}");
}

#[test]
fn a_running_service_follows_a_directory_and_says_when_it_cannot() {
    let folder = copied();
    let server = Server::demo(&["--bundle", &format!("records={}", folder.path().display())]);
    let ask = || {
        let read = json!({"subject": {"type": "user", "id": "alice"}, "action": {"name": "read"}, "resource": {"type": "record", "id": "record-1"}});
        server.post("/records/access/v1/evaluation", read.to_string()).json()
    };
    let told = || server.health("/readyz").json()["bundles"]["records"].clone();
    let gauge = || {
        let metrics = String::from_utf8(server.health("/metrics").body).unwrap();
        let line = metrics.lines().find(|line| line.starts_with("pai_authz_bundle_outdated{"));
        line.unwrap().rsplit(' ').next().unwrap().to_owned()
    };
    let first = ask();
    assert_eq!(
        (&first["decision"], told()["status"].as_str(), gauge().as_str()),
        (&json!(true), Some("current"), "0")
    );
    let policies = folder.path().join("records.cedar");
    let before = fs::read_to_string(&policies).unwrap();
    fs::write(&policies, before.replace("\"read\"", "\"rede\"")).unwrap();
    until("the directory is found unsound", || told()["status"] == "outdated");
    assert!(told()["trouble"].as_str().unwrap().contains("rede"), "{}", told());
    assert_eq!((server.health("/readyz").status, gauge().as_str()), (200, "1"));
    assert_eq!(ask(), first, "the last sound one is served on");
    fs::write(&policies, before.replace("\"read\"", "\"write\"")).unwrap();
    until("the directory is sound again", || told()["status"] == "current");
    assert_eq!(ask()["decision"], false);
    assert_ne!(ask()["context"]["revision"], first["context"]["revision"]);
}

#[test]
fn a_service_does_not_start_with_an_unsound_bundle() {
    let folder = copied();
    fs::write(folder.path().join("records.cedar"), "permit (principal").unwrap();
    let place = folder.path().display().to_string();
    for (bundle, said) in [
        (format!("records={place}"), "records.cedar"),
        (format!("Records={place}"), "`Records` is not a name of a bundle"),
        ("records=/nowhere/at/all".to_owned(), "/nowhere/at/all"),
        ("records".to_owned(), "`bundle`"),
    ] {
        let done = run([
            "serve",
            "--dev",
            "--store",
            "memory:",
            "--listen",
            "127.0.0.1:0",
            "--ops-listen",
            "127.0.0.1:0",
            "--bundle",
            &bundle,
        ]);
        assert_ne!(done.code, 0, "{bundle}");
        assert!(done.err.contains(said), "{bundle}: {}", done.err);
    }
}

#[test]
fn a_directory_is_checked_before_it_is_served() {
    let (sound, broken) = (copied(), copied());
    fs::write(
        broken.path().join("records.cedar"),
        "permit (principal, action, resource) when { principal.rule };",
    )
    .unwrap();
    let more = r#"permit (principal, action == Action::"read", resource) when { resource in Record::"recrod-1" };"#;
    fs::write(sound.path().join("more.cedar"), more).unwrap();
    let paths = [&sound, &broken].map(|it| it.path().display().to_string());
    let done = run(["bundle", "check", &paths[0]]);
    assert!(
        done.code == 0
            && done.out.contains("sound: 5 policies, 4 entities")
            && done.out.contains("warning"),
        "{}",
        done.out
    );
    let done = run(["bundle", "check", &paths[0], &paths[1], "--format", "json"]);
    let told: serde_json::Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!((done.code, &told[0]["sound"], &told[1]["sound"]), (1, &json!(true), &json!(false)));
    assert!(told[1]["error"].as_str().unwrap().contains("rule"), "{told}");
    // What is not there is neither sound nor unsound.
    let done = run(["bundle", "check", "/nowhere", &paths[0]]);
    assert_eq!(done.code, 2);
    assert!(done.out.contains("/nowhere: not sound: it is not a directory"), "{}", done.out);
    assert!(done.out.contains(": sound: "), "{}", done.out);
}

#[test]
fn policies_as_long_and_deep_as_they_may_be_are_read_judged_and_dropped() {
    let chain = "true && ".repeat(8_000);
    let deep = format!("{}true{}", "(".repeat(60), ")".repeat(60));
    let branches = format!("{}true", "if true then true else ".repeat(2_500));
    for text in [format!("{chain}true"), deep, branches] {
        let folder = copied();
        let policy = format!("permit (principal, action, resource) when {{ {text} }};");
        fs::write(folder.path().join("records.cedar"), policy).unwrap();
        // Judged or found too deep to judge: in both cases the process lives.
        alice_reads(&open(folder.path()).unwrap());
        fs::write(
            folder.path().join("records.cedar"),
            format!("permit (principal, action, resource) when {{ {}true }};", "(".repeat(5_000)),
        )
        .unwrap();
        assert!(open(folder.path()).unwrap_err().contains("nested deeper"));
    }
}
