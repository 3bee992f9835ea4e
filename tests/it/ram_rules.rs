//! Each rule of the linter, by its fixtures and by its page of the manual.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use pai_authz::ram::{
    document::Kind,
    finding::Class,
    lint::{Report, lint},
    rules::RULES,
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn json_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|it| it == "json")).collect();
    files.sort();
    files
}

fn codes(report: &Report) -> BTreeSet<&'static str> {
    report.findings.iter().map(|finding| finding.rule.code).collect()
}

fn errors(report: &Report) -> Vec<String> {
    let errors = report.findings.iter().filter(|finding| finding.class == Class::Error);
    errors.map(|finding| format!("{}: {}", finding.rule.code, finding.message.en)).collect()
}

#[test]
fn every_rule_finds_what_it_is_for_and_leaves_near_misses_alone() {
    let mut wrong = Vec::new();
    for rule in RULES.iter() {
        let folder = root().join("tests/fixtures/ram").join(rule.code);
        let (mut hits, mut misses) = (0, 0);
        for path in json_files(&folder) {
            let name = path.file_name().unwrap().to_str().unwrap();
            let kind = if name.contains("-trust") { Kind::Trust } else { Kind::Identity };
            let report = lint(&fs::read_to_string(&path).unwrap(), kind);
            let found = codes(&report);
            let is_hit = name.starts_with("hit-");
            assert!(is_hit || name.starts_with("miss-"), "{name}");
            *(if is_hit { &mut hits } else { &mut misses }) += 1;
            if found.contains(rule.code) != is_hit {
                wrong.push(format!("{}/{name}: {found:?}", rule.code));
            }
        }
        assert!(hits >= 3 && misses >= 3, "{}: {hits} hits, {misses} misses", rule.code);
    }
    assert!(wrong.is_empty(), "{} of the fixtures:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_rule_has_a_manual_page_whose_examples_hold() {
    let mut wrong = Vec::new();
    for rule in RULES.iter() {
        let page = rule.manual();
        let texts = [&page.title, &page.what, &page.why].map(|it| [&it.en, &it.zh]);
        let has_han = |text: &str| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
        for [en, zh] in texts {
            assert!(!en.is_empty() && has_han(zh) && !has_han(en), "{}: `{en}` `{zh}`", rule.code);
        }
        assert!(!page.source.is_empty(), "{}", rule.code);
        let (example, instead) = (lint(&page.example, page.kind), lint(&page.instead, page.kind));
        if !codes(&example).contains(rule.code) {
            wrong.push(format!("{}: the example has only {:?}", rule.code, codes(&example)));
        }
        if codes(&instead).contains(rule.code) || !errors(&instead).is_empty() {
            wrong.push(format!(
                "{}: instead has {:?} {:?}",
                rule.code,
                codes(&instead),
                errors(&instead)
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_the_vendor_publishes_has_no_errors() {
    let folder = root().join("schema/catalog/system_policies");
    let mut checked = 0;
    for path in json_files(&folder) {
        if path.ends_with("index.json") {
            continue;
        }
        let report = lint(&fs::read_to_string(&path).unwrap(), Kind::Identity);
        assert_eq!(errors(&report), Vec::<String>::new(), "{}", path.display());
        checked += 1;
    }
    assert_eq!(checked, 25);
    // The sample of the workspace guide, for SLS forwarding.
    let sample = r#"{
        "Version": "1",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": [
                    "log:GetProductDataCollection",
                    "log:CloseProductDataCollection",
                    "log:OpenProductDataCollection"
                ],
                "Resource": "*"
            }
        ]
    }"#;
    assert_eq!(errors(&lint(sample, Kind::Identity)), Vec::<String>::new());
}
