//! Findings as services that run tests take them: JUnit's XML, and annotations of GitHub's workflows.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::{lint::Outcome, report::Told, snippet::harmless};
use crate::{
    cli::output::{self, one_line},
    ram::finding::{Class, Language},
};

/// Returns JUnit's XML: a file is a suite, a finding a test that failed.
pub(super) fn junit(outcome: &Outcome, language: Language) -> anyhow::Result<String> {
    let mut report = Report::new("pai-authz ram lint");
    for told in Told::all(outcome) {
        let mut suite = TestSuite::new(&*told.path);
        if told.findings().is_empty() {
            suite.add_test_case(TestCase::new("no findings", TestCaseStatus::success()));
        }
        for finding in told.findings() {
            let (from, _) = told.places(finding);
            let message = harmless(finding.message.in_language(language));
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_type(finding.class.as_str()).set_message(&*message);
            let help = finding.help.as_ref().map_or("", |help| help.in_language(language));
            let place = format!("{}:{}:{}", told.path, from.line, from.column);
            status.set_description(format!("{place}: {message}\n{}", harmless(help)));
            let name = format!("{} ({}:{})", finding.rule.code, from.line, from.column);
            suite.add_test_case(TestCase::new(name, status));
        }
        report.add_test_suite(suite);
    }
    for (path, error) in &outcome.failed {
        let mut suite = TestSuite::new(one_line(&path.to_string_lossy()));
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_message(harmless(&format!("{error:#}")));
        suite.add_test_case(TestCase::new("could not be checked", status));
        report.add_test_suite(suite);
    }
    Ok(report.to_string()?)
}

/// Prints a line for each finding (GitHub Docs, Workflow commands).
pub(super) fn github(outcome: &Outcome, language: Language) -> anyhow::Result<()> {
    let escaped = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| escaped(text).replace(':', "%3A").replace(',', "%2C");
    for told in Told::all(outcome) {
        for finding in told.findings() {
            let (from, to) = told.places(finding);
            let command = match finding.class {
                Class::Error => "error",
                Class::SecurityWarning | Class::GeneralWarning => "warning",
                Class::Suggestion => "notice",
            };
            let mut message = finding.message.in_language(language).to_owned();
            if let Some(help) = &finding.help {
                message = format!("{message}\n{}", help.in_language(language));
            }
            output::line(format!(
                "::{command} file={},line={},endLine={},col={},endColumn={},title={}::{}",
                property(&told.path),
                from.line,
                to.line,
                from.column,
                to.column,
                property(finding.rule.code),
                escaped(&message),
            ))?;
        }
    }
    Ok(())
}
