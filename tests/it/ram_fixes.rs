//! What `--fix` makes of a document: it has nothing left to put right, and means the same.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use pai_authz::ram::{
    document::{Document, Effect, Kind, Statement},
    finding::Class,
    fix::fix,
    json::parse,
    lint::lint,
    wildcard,
};

use crate::support::{Seeded, full};

/// Makes all fixes, and asserts what must be so of every document. Returns the text and how many there were.
#[track_caller]
fn fixed(text: &str, kind: Kind) -> (String, usize) {
    let fixed = fix(text, kind, |_| {});
    let left = lint(&fixed.text, kind);
    let fixable: Vec<_> =
        left.findings.iter().filter(|it| it.fix.is_some()).map(|it| it.rule.code).collect();
    // What stays no JSON is left as it was.
    let is_json = parse(&fixed.text).faults.is_empty();
    assert!(is_json || fixed.text == text, "from {text}\nto {}", fixed.text);
    assert!(fixable.is_empty() || !is_json, "{fixable:?} can still be fixed in {}", fixed.text);
    assert_eq!(fix(&fixed.text, kind, |_| {}).made, [], "{}", fixed.text);
    let errors =
        |text: &str| lint(text, kind).findings.iter().filter(|it| it.class == Class::Error).count();
    assert!(errors(&fixed.text) <= errors(text), "from {text}\nto {}", fixed.text);
    (fixed.text, fixed.made.len())
}

/// What is asked.
struct Request {
    action: &'static str,
    resource: &'static str,
    /// Which conditions hold, by what they say.
    holds: fn(&str) -> bool,
}

/// Decides as the words of the documentation say, and in no way as the program does.
fn decide(text: &str, request: &Request) -> (bool, bool) {
    let root = parse(text).root;
    let document = Document::new(Kind::Identity, text, &root);
    let applies = |statement: &Statement<'_>| {
        let listed = statement
            .actions
            .iter()
            .any(|it| wildcard::matches(&it.text.to_lowercase(), &request.action.to_lowercase()));
        let on = statement.resources.iter().any(|it| wildcard::matches(it.text, request.resource));
        let met = statement.clauses.iter().all(|clause| {
            let values: BTreeSet<_> = clause.values.iter().map(|it| it.text).collect();
            (request.holds)(&format!("{} {} {values:?}", clause.operator.text, clause.key.text))
        });
        listed != statement.is_not_action && on && met
    };
    let any =
        |effect| document.statements.iter().any(|it| it.effect == Some(effect) && applies(it));
    (any(Effect::Deny), any(Effect::Allow))
}

const ACTIONS: [&str; 12] = [
    "paidlc:StopJob",
    "PaiDLC:StopJob",
    "paidlc:Stop*",
    "paidlc:*",
    "PAIDLC:GETJOB",
    "paidlc:GetJob",
    "paidlc:?etJob",
    "log:ListProject",
    "log:*Project",
    "log:*",
    "*",
    "oss:GetObject",
];
const RESOURCES: [&str; 5] = [
    "*",
    "acs:paidlc:*:*:workspace/1001/dlcjob/*",
    "acs:paidlc:cn-hangzhou:*:workspace/1001/dlcjob/j",
    "acs:log:*:*:project/*",
    "acs:log:*:*:project/p",
];
const CONDITIONS: [&str; 5] = [
    "",
    r#""Condition":{"Bool":{"acs:SecureTransport":"true"}}"#,
    r#""Condition":{"Bool":{"acs:SecureTransport":["true"]}}"#,
    r#""Condition":{"StringEquals":{"pai:EntityAccessType":["CREATOR","OTHERS"]}}"#,
    r#""Condition":{"StringEquals":{"pai:EntityAccessType":["OTHERS","CREATOR"]}}"#,
];

fn some_of(all: &[&str], most: u64, seeded: &mut Seeded) -> String {
    let one = |seeded: &mut Seeded| {
        let index = usize::try_from(seeded.below(all.len() as u64)).unwrap();
        format!("\"{}\"", all[index])
    };
    if seeded.below(4) == 0 {
        return one(seeded);
    }
    let many: Vec<_> = (0..=seeded.below(most)).map(|_| one(seeded)).collect();
    let comma = [",", ", ", " ,\n      "][usize::try_from(seeded.below(3)).unwrap()];
    format!("[{}]", many.join(comma))
}

fn document(seeded: &mut Seeded) -> String {
    let mut statements: Vec<String> = Vec::new();
    for _ in 0..=seeded.below(4) {
        // Sometimes the same once more.
        if !statements.is_empty() && seeded.below(4) == 0 {
            let index = usize::try_from(seeded.below(statements.len() as u64)).unwrap();
            statements.push(statements[index].clone());
            continue;
        }
        let effect = ["Allow", "Deny"][usize::from(seeded.below(3) == 0)];
        let action = ["Action", "NotAction"][usize::from(seeded.below(8) == 0)];
        let mut members = vec![
            format!("\"Effect\": \"{effect}\""),
            format!("\"{action}\": {}", some_of(&ACTIONS, 5, seeded)),
            format!("\"Resource\":{}", some_of(&RESOURCES, 2, seeded)),
        ];
        let condition = CONDITIONS[usize::try_from(seeded.below(5)).unwrap()];
        if !condition.is_empty() {
            members.push(condition.to_owned());
        }
        if seeded.below(2) == 0 {
            members.reverse();
        }
        statements.push(format!("{{{}}}", members.join(", ")));
    }
    format!("{{\"Version\": \"1\",\n \"Statement\": [{}]}}", statements.join(",\n  "))
}

#[test]
fn a_document_that_was_put_right_means_the_same() {
    let mut seeded = Seeded(202_611);
    let mut made = 0;
    for _ in 0..full(500, 50_000) {
        let text = document(&mut seeded);
        let (new, count) = fixed(&text, Kind::Identity);
        made += count;
        for action in [
            "paidlc:StopJob",
            "paidlc:GetJob",
            "paidlc:ListJobs",
            "log:ListProject",
            "oss:GetObject",
        ] {
            for resource in [
                "acs:paidlc:cn-hangzhou:1:workspace/1001/dlcjob/j",
                "acs:log:cn-hangzhou:1:project/p",
                "acs:oss:::b",
            ] {
                let holds: [fn(&str) -> bool; 3] =
                    [|_| false, |_| true, |text| text.contains("SecureTransport")];
                for holds in holds {
                    let request = Request { action, resource, holds };
                    let (before, after) = (decide(&text, &request), decide(&new, &request));
                    assert_eq!(before, after, "{action} on {resource}\n{text}\n{new}");
                }
            }
        }
    }
    assert!(made > 300, "{made} fixes were tried");
}

fn fixtures() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ram");
    let folders = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = folders
        .flat_map(|folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()))
        .collect();
    files.sort();
    files
}

#[test]
fn what_would_be_a_guess_is_left_alone() {
    let statement = |text: &str| format!(r#"{{"Version":"1","Statement":[{text}]}}"#);
    let deny = r#"{"Effect":"Deny","Action":"oss:*","Resource":"*"}"#;
    for text in [
        // A comment without end, an ARN without quotes, line ends of another time.
        statement(&format!(r#"{{"Effect":"Allow","Action":"oss:GetObject","Resource":acs:oss:*:*:b/*}},{deny}"#)),
        statement(&format!(" /* old\n{deny}")),
        statement(r#"{"Effect":"!Allow","Action":"oss:GetObject","Resource":"acs:oss:*:*:b"}"#),
        statement(r#"{"Effect":"Unallow","Action":"oss:GetObject","Resource":"acs:oss:*:*:b"}"#),
        statement(r#"{"Effect":"Allow","Action":"oss:GetObject","Resource":"acs:oss:*:*:b","Condition":{"StringUnequals":{"acs:SourceVpc":"v"}}}"#),
        statement(r#"{"Effect":"Allow","Actio":"oss:GetObject","Actions":"oss:PutObject","Resource":"acs:oss:*:*:b"}"#),
        statement(r#"{"Effect":"Deny","Effect":"Allow","Effect":"Deny","Action":"oss:GetObject","Resource":"acs:oss:*:*:b"}"#),
        // Statements that differ in what is no string, or is there twice.
        statement(r#"{"Effect":"Allow","Action":["oss:GetObject",7],"Resource":"acs:oss:*:*:b"},{"Effect":"Allow","Action":["oss:GetObject",["oss:PutObject"]],"Resource":"acs:oss:*:*:b"}"#),
        statement(r#"{"Effect":"Allow","Effect":"Deny","Action":"oss:GetObject","Resource":"acs:oss:*:*:b"},{"Effect":"Allow","Action":"oss:GetObject","Resource":"acs:oss:*:*:b"}"#),
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"oss:GetObject","Resource":"acs:oss:*:*:b"}]}"#.to_owned(),
    ] {
        assert_eq!(fixed(&text, Kind::Identity), (text.clone(), 0), "{text}");
    }
    // Both stay, though their values are put into quotes.
    let limit = |n: u32| {
        format!(
            r#"{{"Effect":"Deny","Action":"oss:*","Resource":"*","Condition":{{"NumericLessThan":{{"oss:k":{n}}}}}}}"#
        )
    };
    let text = statement(&format!("{},{}", limit(10), limit(99)));
    let right = text.replace(":10}", ":\"10\"}").replace(":99}", ":\"99\"}");
    assert_eq!(fixed(&text, Kind::Identity).0, right);
    let comment = format!("{{ // ours\r\"Version\":\"1\",\"Statement\":[{deny}]}}");
    assert!(fixed(&comment, Kind::Identity).0.contains(deny));
}

#[test]
fn what_can_be_put_right_is() {
    let mut made = 0;
    for path in fixtures() {
        let name = path.file_name().unwrap().to_str().unwrap();
        let kind = if name.contains("-trust") { Kind::Trust } else { Kind::Identity };
        made += fixed(&fs::read_to_string(&path).unwrap(), kind).1;
    }
    assert!(made > 50, "{made} fixes were tried");
    for (wrong, right) in [
        (
            r#"{"Statement":{"Effect":"alow","Actions":["log:GetProject",],"Resource":"*"}}"#,
            r#"{"Version": "1","Statement":[{"Effect":"Allow","Action":["log:GetProject"],"Resource":"*"}]}"#,
        ),
        (
            r#"{"Version":1,"Statement":[{"Sid":"a","Effect":"Deny","Action":["PaiDLC:GetJob","paidlc:*"],"Resource":"ACS:paidlc:*:*:*","Condition":{"bool":{"acs:MFAPresent":true}}}]}"#,
            r#"{"Version":"1","Statement":[{"Effect":"Deny","Action":["paidlc:*"],"Resource":"acs:paidlc:*:*:*","Condition":{"Bool":{"acs:MFAPresent":"true"}}}]}"#,
        ),
    ] {
        assert_eq!(fixed(wrong, Kind::Identity).0, right);
    }
}
