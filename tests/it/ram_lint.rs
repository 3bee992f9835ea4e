//! `pai-authz ram`, run as a person or a script runs it, and `POST /v1/ram/validate`.

use std::{fs, io::Write as _, os::unix::fs::PermissionsExt as _, path::Path, process::Stdio};

use serde_json::{Value, json};

use crate::{
    cli::refused,
    support::{
        server::{DEV_TOKEN, Done, Place, Server, command, run},
        wire::Request,
    },
};

const GOOD: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"paidlc:GetJob","Resource":"acs:paidlc:*:*:workspace/1001/dlcjob/*"}]}"#;
const BAD: &str = r#"{
  "Version": "1",
  "Statement": [
    {
      "Effect": "Alow",
      "Action": ["PaiDLC:StopJob", "oss:GetObject"],
      "Resource": "acs:paidlc:*:*:workspace/1001/dlcjob/*"
    }
  ]
}
"#;

fn lint(arguments: &[&str]) -> Done {
    run(["ram", "lint"].iter().chain(arguments).copied())
}

/// Returns what was printed, whatever was found.
#[track_caller]
fn printed(done: &Done) -> Value {
    serde_json::from_str(&done.out).unwrap_or_else(|error| panic!("{error}: {done:?}"))
}

/// Runs it with a document on standard input.
fn lint_input(arguments: &[&str], input: &[u8]) -> Done {
    let mut command = command(["ram", "lint", "-"].iter().chain(arguments).copied());
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Done { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

#[test]
fn findings_are_shown_with_their_source_and_decide_the_exit_code() {
    let place = Place::new();
    let (good, bad) = (place.write("good.json", GOOD), place.write("bad.json", BAD));
    let clean = lint(&[&good]);
    assert_eq!((clean.code, clean.out.as_str()), (0, ""), "{clean:?}");
    assert!(clean.err.contains("1 file, 1 statement: nothing found"), "{clean:?}");
    let found = lint(&[&good, &bad]);
    assert_eq!(found.code, 1, "{found:?}");
    for part in [
        "error[effect-invalid]: there is no effect `Alow`",
        "bad.json:5:17",
        "5 |       \"Effect\": \"Alow\",\n  |                 ^^^^^^",
        "= help: is `Allow` meant?",
        "suggestion[action-case]",
    ] {
        assert!(found.out.contains(part), "`{part}` in {}", found.out);
    }
    let summary = "2 files, 2 statements: 1 error, 1 suggestion; `--fix` puts 2 right; 1 action of other services checked for form only";
    assert!(found.err.contains(summary), "{found:?}");
    let chinese = lint(&[&bad, "--lang", "zh-CN"]);
    assert!(chinese.out.contains("错误[effect-invalid]: 效力 `Alow` 不存在"), "{chinese:?}");
    assert!(lint(&[&bad, "--color", "always"]).out.contains("\u{1b}["));
    let suggestion = BAD.replace("Alow", "Allow");
    let path = place.write("suggestion.json", suggestion);
    assert_eq!(lint(&[&path]).code, 0, "suggestions do not fail");
    assert_eq!(lint(&[&path, "--fail-level", "Suggestion"]).code, 1);
    assert_eq!(lint(&[&bad, "--fail-level", "Error"]).code, 1);
    refused(&lint(&[&bad, "--fail-level", "Worst"]), &["`Error`, `SecurityWarning`"]);
    refused(&run(["check", "--format", "sarif", "x", "y"]), &["error"]);
}

#[test]
fn standard_input_folders_and_trust_policies_are_checked() {
    assert_eq!(lint_input(&[], GOOD.as_bytes()).code, 0);
    let found = lint_input(&[], BAD.as_bytes());
    assert!(found.code == 1 && found.out.contains("<stdin>:5:17"), "{found:?}");
    let trust = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"RAM":["acs:ram::1234567890123456:root"]}}]}"#;
    assert_eq!(lint_input(&["--trust"], trust.as_bytes()).code, 0);
    assert!(lint_input(&[], trust.as_bytes()).out.contains("principal-in-identity-policy"));

    let place = Place::new();
    fs::create_dir_all(place.path("a/b")).unwrap();
    place.write("a/one.json", BAD);
    place.write("a/b/two.json", BAD);
    place.write("a/b/notes.txt", "not a policy");
    std::os::unix::fs::symlink(place.path("a"), place.path("a/b/circle")).unwrap();
    let folder = place.path("a").display().to_string();
    let found = printed(&lint(&[&folder, "--format", "json"]));
    let paths: Vec<_> =
        found["files"].as_array().unwrap().iter().map(|it| it["path"].as_str().unwrap()).collect();
    assert_eq!(paths, [format!("{folder}/b/two.json"), format!("{folder}/one.json")]);
    assert_eq!(
        found["counts"],
        json!({"Error": 2, "SecurityWarning": 0, "GeneralWarning": 0, "Suggestion": 2})
    );
}

#[test]
fn what_cannot_be_read_is_told_and_the_rest_is_checked() {
    let place = Place::new();
    let bad = place.write("bad.json", BAD);
    let binary = place.write("binary.json", [0x7b, 0xff, 0xfe, 0x7d]);
    let huge = place.path("huge.json");
    fs::File::create(&huge).unwrap().set_len(100 * 1024 * 1024).unwrap();
    let huge = huge.display().to_string();
    fs::create_dir(place.path("empty")).unwrap();
    let empty = place.path("empty").display().to_string();
    let gone = place.path("gone.json").display().to_string();
    let done = lint(&[&binary, &huge, &empty, &gone, &bad]);
    assert_eq!(done.code, 2, "{done:?}");
    for part in [
        "binary.json: this is not text: byte 2 is not UTF-8",
        "huge.json: this has more than 1048576 bytes: it is no RAM document",
        "empty: there is no `*.json` in this folder",
        "gone.json: No such file",
    ] {
        assert!(done.err.contains(part), "`{part}` in {}", done.err);
    }
    assert!(done.out.contains("effect-invalid"), "{done:?}");
    let nothing = lint(&[&gone]);
    assert!(nothing.code == 2 && !nothing.err.contains("0 files"), "{nothing:?}");
    let failed = printed(&lint(&[&gone, &bad, "--format", "json"]));
    assert_eq!(failed["failed"][0]["path"], json!(gone));
    assert_eq!(failed["files"].as_array().unwrap().len(), 1);
    // Standard input has no end in sight.
    let endless = lint_input(&[], &vec![b'['; 3 * 1024 * 1024]);
    assert!(endless.code == 2 && endless.err.contains("more than"), "{endless:?}");
}

#[test]
fn documents_that_are_meant_to_hurt_are_told_of_in_no_time() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let number = format!("{{\"Version\":{}}}", "9".repeat(1_000_000));
    let bomb = format!(
        r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":["paidlc:{}b"],"Resource":"*"}}]}}"#,
        "*a".repeat(2_900)
    );
    let many = format!(
        r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":[{}"paidlc:*"],"Resource":"*"}}]}}"#,
        (0..5_000).map(|n| format!("\"*{n}*\",")).collect::<Vec<_>>().concat()
    );
    let slips = format!(
        "{{\"Version\":\"1\",\"Statement\":[{{{}\"Effect\":\"Allow\"}}]}}",
        "\"Acti\":1,".repeat(40_000)
    );
    for (text, code) in [
        (slips.as_str(), "unknown-element"),
        (deep.as_str(), "json-syntax"),
        (&number, "wrong-type"),
        (&bomb, "wildcard-matches-nothing"),
        (&many, "document-too-long"),
        ("\u{feff}{\"Version\":\"1\"}", "json-syntax"),
        ("{\"Version\":\"1\0\"}", "json-syntax"),
        ("{\"Version\":\"\\ud800\"}", "json-syntax"),
    ] {
        let done = lint_input(&["--format", "json"], text.as_bytes());
        assert_eq!(done.code, 1, "{}", done.err);
        let found = printed(&done)["files"][0]["findings"].to_string();
        assert!(found.contains(code), "{code} in {}", &found[..found.len().min(500)]);
    }
}

#[test]
fn of_a_text_that_ends_too_soon_only_that_is_told() {
    let whole = r#"{"Version": "1", "Statement": [{"Effect": "Allow", "Action": "log:Get*", "Resource": "*", "Condition": {"Bool": {"acs:MFAPresent": "true"}}}]}"#;
    assert_eq!(lint_input(&[], whole.as_bytes()).code, 0);
    let codes = |text: &str| -> Vec<String> {
        let done = lint_input(&["--format", "json"], text.as_bytes());
        let found = printed(&done)["files"][0]["findings"].as_array().unwrap().clone();
        let mut codes: Vec<_> =
            found.iter().map(|it| it["code"].as_str().unwrap().to_owned()).collect();
        codes.dedup();
        codes
    };
    for end in 1..whole.len() {
        assert_eq!(codes(&whole[..end]), ["json-syntax"], "{}", &whole[..end]);
    }
    // What is whole and wrong is told all the same.
    let text = r#"{"Version": "1", "Statement": [{"Effect": "Alow", "Action": "log:Get*"}, {"Eff"#;
    assert_eq!(codes(text), ["resource-missing", "effect-invalid", "json-syntax"]);
}

#[test]
fn fixes_are_made_in_place_or_printed() {
    let place = Place::new();
    let path = place.write("bad.json", BAD);
    fs::set_permissions(place.path("bad.json"), fs::Permissions::from_mode(0o640)).unwrap();
    let done = lint(&[&path, "--fix"]);
    assert!(done.code == 0 && done.err.contains("nothing found; 2 put right"), "{done:?}");
    assert!(
        done.err.contains("put right[effect-invalid]: there is no effect `Alow` ("),
        "{done:?}"
    );
    let right = BAD.replace("Alow", "Allow").replace("PaiDLC:", "paidlc:");
    assert_eq!(fs::read_to_string(place.path("bad.json")).unwrap(), right);
    let mode = fs::metadata(place.path("bad.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    let entries = fs::read_dir(place.path(".")).unwrap().count();
    assert_eq!(entries, 1, "nothing is left behind");
    let printed = lint_input(&["--fix"], BAD.as_bytes());
    assert_eq!((printed.code, printed.out), (0, right));
}

#[test]
fn fixes_do_not_reach_where_nobody_pointed() {
    let place = Place::new();
    fs::create_dir(place.path("repo")).unwrap();
    let outside = place.write("outside.json", BAD);
    std::os::unix::fs::symlink(place.path("outside.json"), place.path("repo/link.json")).unwrap();
    place.write("repo/own.json", BAD);
    let done = lint(&["--fix", &place.path("repo").display().to_string()]);
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(fs::read_to_string(&outside).unwrap(), BAD, "behind a link");
    assert_ne!(fs::read_to_string(place.path("repo/own.json")).unwrap(), BAD);
    // What was named is meant.
    assert_eq!(lint(&["--fix", &place.path("repo/link.json").display().to_string()]).code, 0);
    assert_ne!(fs::read_to_string(&outside).unwrap(), BAD);
    assert!(fs::symlink_metadata(place.path("repo/link.json")).unwrap().is_symlink());

    let twice = place.write("twice.json", BAD);
    fs::hard_link(&twice, place.path("other.json")).unwrap();
    let done = lint(&["--fix", &twice]);
    assert!(done.code == 2 && done.err.contains("several names"), "{done:?}");
    let locked = place.write("locked.json", BAD);
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o444)).unwrap();
    let done = lint(&["--fix", &locked]);
    assert!(done.code == 2 && done.err.contains("read-only"), "{done:?}");
    assert_eq!(fs::read_to_string(&locked).unwrap(), BAD);
    refused(
        &lint_input(&["--fix", "--format", "json"], BAD.as_bytes()),
        &["standard output is the document"],
    );
}

#[test]
fn names_and_contents_begin_no_line_of_their_own() {
    let place = Place::new();
    let name = "a\n::error title=pwn::x.json";
    place.write(name, r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"oss:Get\uffff","Resource":"x\n::stop-commands::t"}]}"#);
    let path = place.path(name).display().to_string();
    let binary = place.write("b\n::error::y.json", [0xff]);
    for format in ["text", "sarif", "junit", "github"] {
        let done = lint(&[&path, &binary, "--format", format]);
        for line in done.out.lines().chain(done.err.lines()) {
            let injected = ["::error title=pwn", "::stop-commands", "::error::y"];
            assert!(
                !injected.iter().any(|it| line.trim_start().starts_with(it)),
                "{format}: {line}"
            );
        }
        assert!(!done.out.contains('\u{ffff}'), "{format}");
    }
    // Named three ways, a file is one.
    let once = place.write("c.json", GOOD);
    let folder = place.path(".").display().to_string();
    let found = printed(&lint(&[&once, &format!("{folder}/c.json"), &once, "--format", "json"]));
    assert_eq!(found["files"].as_array().unwrap().len(), 1, "{found}");
    // Settings that have no end.
    std::os::unix::fs::symlink("/dev/zero", place.path("ram-lint.toml")).unwrap();
    let config = place.path("ram-lint.toml").display().to_string();
    refused(&lint(&[&once, "--config", &config]), &["this is not a file"]);
}

#[test]
fn settings_leave_out_and_class_anew() {
    let place = Place::new();
    fs::create_dir(place.path("legacy")).unwrap();
    let bad = place.write("legacy/bad.json", BAD);
    let config = |text: &str| place.write("ram-lint.toml", text);
    let with = |config: &str| lint(&[&bad, "--config", config, "--format", "json"]);
    let codes = |done: &Done| -> Vec<String> {
        let found = printed(done)["files"][0]["findings"].clone();
        let tell = |it: &Value| {
            format!("{} {}", it["code"].as_str().unwrap(), it["class"].as_str().unwrap())
        };
        found.as_array().unwrap().iter().map(tell).collect()
    };
    let path = config("[classes]\naction-case = \"off\"\neffect-invalid = \"Suggestion\"\n");
    let done = with(&path);
    assert_eq!((codes(&done), done.code), (vec!["effect-invalid Suggestion".to_owned()], 0));
    let path = config(
        "[[ignore]]\npath = \"*/legacy/*\"\ncode = \"action-case\"\npointer = \"/Statement/0\"\n",
    );
    assert_eq!(codes(&with(&path)), ["effect-invalid Error"]);
    let path =
        config("[[ignore]]\npath = \"*/other/*\"\n\n[[ignore]]\npointer = \"/Statement/1\"\n");
    assert_eq!(codes(&with(&path)).len(), 2);
    for (text, said) in [
        ("[classes]\nefect-invalid = \"off\"\n", "is `effect-invalid` meant?"),
        ("[classes]\neffect-invalid = \"Bad\"\n", "`Bad` is not a class"),
        ("[[ignore]]\n", "an entry says nothing"),
        ("[[ignore]]\npointer = \"Statement\"\n", "begins with `/`"),
        ("[[ignore]]\nfile = \"x\"\n", "unknown field `file`"),
    ] {
        refused(&with(&config(text)), &[said, "ram-lint.toml"]);
    }
    refused(&with("gone.toml"), &["--config", "gone.toml"]);
}

#[test]
fn reports_for_other_programs_have_their_form() {
    let place = Place::new();
    let bad = place.write("b%d, 1.json", BAD);
    let gone = place.path("gone.json").display().to_string();
    let junit = lint(&[&bad, &gone, "--format", "junit"]);
    for part in [
        "<testsuites name=\"pai-authz ram lint\" tests=\"3\"",
        "effect-invalid (5:17)",
        "type=\"Error\"",
        "could not be checked",
    ] {
        assert!(junit.out.contains(part), "`{part}` in {}", junit.out);
    }
    let github = lint(&[&bad, "--format", "github"]).out;
    let first = github.lines().next().unwrap();
    assert!(first.starts_with("::error file=") && first.contains("b%25d%2C 1.json,line=5,endLine=5,col=17,endColumn=23,title=effect-invalid::there is no effect `Alow`%0Ais `Allow` meant?"), "{first}");
    let sarif = printed(&lint(&[&bad, &gone, "--format", "sarif"]));
    let schema = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sarif-2.1.0.json"),
    );
    // The published pattern of a language has a bracket too many, which is no regular expression.
    let schema = schema.unwrap().replace("{2}]?$", "{2}$");
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let wrong: Vec<_> =
        validator.iter_errors(&sarif).map(|it| format!("{it} at {}", it.instance_path())).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    // The validator is one.
    assert!(!validator.is_valid(&json!({"version": "2.1.0"})));
    let run = &sarif["runs"][0];
    assert_eq!(run["results"][0]["ruleId"], "effect-invalid");
    assert_eq!(run["results"][0]["locations"][0]["physicalLocation"]["region"]["startColumn"], 17);
    assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    let fix = &run["results"][0]["fixes"][0]["artifactChanges"][0]["replacements"][0];
    assert_eq!(fix["insertedContent"]["text"], "\"Allow\"");
}

#[test]
fn the_manual_is_generated_and_current() {
    let manual = run(["ram", "rules", "--manual"]).out;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ram-rules.md");
    assert_eq!(fs::read_to_string(path).unwrap(), manual, "`make generate` writes it anew");
    let rules = run(["ram", "rules", "--format", "json"]).json();
    assert!(rules.as_array().unwrap().len() >= 56, "{rules}");
    for rule in rules.as_array().unwrap() {
        let code = rule["code"].as_str().unwrap();
        let page = run(["ram", "explain", code, "--format", "json", "--lang", "zh-CN"]).json();
        assert_eq!(page["class"], rule["class"]);
        assert_ne!(page["title"], rule["title"], "{code} is told in Chinese");
    }
    refused(&run(["ram", "explain", "unknown-acton"]), &["is `unknown-action` meant?"]);
}

#[test]
fn the_picture_in_the_readme_is_what_a_terminal_shows() {
    let shown = lint(&["docs/ram-lint/sample.json", "--color", "always"]).out;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ram-lint/sample.svg");
    let picture = anstyle_svg::Term::new().render_svg(&shown);
    assert!(fs::read_to_string(path).unwrap() == picture, "`make generate` draws it anew");
}

#[test]
fn the_examples_of_the_documentation_are_settings() {
    let guide = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ram-lint.md"));
    let guide = guide.unwrap();
    let example = guide.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let place = Place::new();
    let config = place.write("ram-lint.toml", example);
    assert_eq!(lint_input(&["--config", &config], GOOD.as_bytes()).code, 0);
}

#[test]
fn a_bad_document_is_a_good_answer_over_http() {
    let server = Server::demo(&[]);
    let ask = |body: &Value| {
        let body = serde_json::to_vec(body).unwrap();
        server.send(&Request::post("/v1/ram/validate", &body).token(DEV_TOKEN))
    };
    let answer = ask(&json!({"document": BAD, "lang": "zh-CN"}));
    assert_eq!(answer.status, 200);
    let told = answer.json();
    assert_eq!(told["findings"][0]["code"], "effect-invalid");
    assert_eq!(told["findings"][0]["message"], "效力 `Alow` 不存在");
    assert_eq!(told["findings"][0]["pointer"], "/Statement/0/Effect");
    assert_eq!((&told["statements"], &told["foreignActions"]), (&json!(1), &json!(1)));
    let as_object: Value = serde_json::from_str(GOOD).unwrap();
    assert_eq!(ask(&json!({"document": as_object})).json()["findings"], json!([]));
    let trust = ask(&json!({"document": as_object, "kind": "trust"})).json();
    assert!(trust.to_string().contains("principal-missing"), "{trust}");
    assert_eq!(ask(&json!({"document": "{"})).json()["findings"][0]["code"], "json-syntax");
    for (body, field) in [
        (json!({}), "document"),
        (json!({"document": 7}), "document"),
        (json!({"document": GOOD, "kind": "bucket"}), "kind"),
        (json!({"document": GOOD, "lang": "fr"}), "lang"),
        (json!({"document": GOOD, "lnag": "en"}), "lnag"),
    ] {
        let answer = ask(&body);
        assert_eq!(answer.status, 400, "{body}");
        assert_eq!(answer.json()["field"], field, "{body} {}", answer.json());
    }
    // A document that stands where the body should is told where to put it.
    let bare = ask(&as_object).json();
    assert!(bare["help"].as_str().unwrap().contains("put it into `document`"), "{bare}");
    let body = serde_json::to_vec(&json!({"document": GOOD})).unwrap();
    assert_eq!(
        server.send(&Request::post("/v1/ram/validate", &body).without("Authorization")).status,
        401
    );
    assert_eq!(server.send(&Request::get("/v1/ram/validate").token(DEV_TOKEN)).status, 405);
}
