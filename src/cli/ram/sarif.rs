//! Findings as SARIF 2.1.0 (OASIS, Static Analysis Results Interchange Format).

use std::{ops::Range, path::PathBuf};

use serde_json::{Value, json};

use super::{lint::Outcome, report::Told};
use crate::cli::output::one_line;
use crate::ram::{
    finding::{Class, Finding, Language},
    lines::Lines,
    rules::{RULES, Rule},
};

/// Returns the log of one run.
pub(super) fn log(outcome: &Outcome, language: Language) -> Value {
    let results: Vec<Value> = Told::all(outcome)
        .flat_map(|told| {
            let results: Vec<Value> =
                told.findings().iter().map(|found| result(&told, found, language)).collect();
            results
        })
        .collect();
    let failed = |(path, error): &(PathBuf, anyhow::Error)| {
        let text = format!("{}: {error:#}", one_line(&path.to_string_lossy()));
        json!({ "level": "error", "message": { "text": text } })
    };
    let failed: Vec<Value> = outcome.failed.iter().map(failed).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "pai-authz ram lint",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": RULES.iter().map(|it| rule(it, language)).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": failed.is_empty(),
                "toolExecutionNotifications": failed,
            }],
            "results": results,
        }],
    })
}

fn rule(rule: &Rule, language: Language) -> Value {
    let page = rule.manual();
    json!({
        "id": rule.code,
        "shortDescription": { "text": page.title.in_language(language) },
        "fullDescription": { "text": page.what.in_language(language) },
        "help": { "text": page.why.in_language(language) },
        "defaultConfiguration": { "level": level(rule.class) },
        "properties": { "class": rule.class.as_str() },
    })
}

fn result(told: &Told<'_>, finding: &Finding, language: Language) -> Value {
    let mut message = finding.message.in_language(language).to_owned();
    if let Some(help) = &finding.help {
        message = format!("{message}\n{}", help.in_language(language));
    }
    let artifact = json!({ "uri": uri(&told.path) });
    let mut result = json!({
        "ruleId": finding.rule.code,
        "ruleIndex": RULES.iter().position(|rule| rule.code == finding.rule.code),
        "level": level(finding.class),
        "message": { "text": message },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": artifact,
                "region": region(&told.lines, &finding.span),
            },
            "logicalLocations": [{ "fullyQualifiedName": finding.pointer }],
        }],
    });
    if let (Some(fix), Value::Object(members)) = (&finding.fix, &mut result) {
        let fixes = json!([{
            "artifactChanges": [{
                "artifactLocation": artifact,
                "replacements": [{
                    "deletedRegion": region(&told.lines, &fix.span),
                    "insertedContent": { "text": fix.text },
                }],
            }],
        }]);
        members.insert("fixes".to_owned(), fixes);
    }
    result
}

const fn level(class: Class) -> &'static str {
    match class {
        Class::Error => "error",
        Class::SecurityWarning | Class::GeneralWarning => "warning",
        Class::Suggestion => "note",
    }
}

fn region(lines: &Lines<'_>, span: &Range<usize>) -> Value {
    let (from, to) = (lines.place(span.start), lines.place(span.end));
    json!({
        "startLine": from.line,
        "startColumn": from.column,
        "endLine": to.line,
        "endColumn": to.column,
    })
}

/// Returns a path as a reference of a URI.
fn uri(path: &str) -> String {
    let letter = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    path.bytes().map(letter).collect()
}
