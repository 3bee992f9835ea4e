//! What was found, in each format.

use std::io::IsTerminal;

use serde_json::{Value, json};

use super::{
    Color, LintArgs, ci,
    files::STANDARD_INPUT,
    lint::{Checked, Outcome},
    sarif,
    snippet::{Shown, renderer},
};
use crate::{
    cli::output::{self, AnyFormat, one_line},
    config::no_color,
    http::ram,
    ram::{
        finding::{Class, Finding, Language},
        fix::Made,
        lines::{Lines, Place},
    },
};

/// Tells everything.
pub(super) fn tell(outcome: &Outcome, args: &LintArgs, format: AnyFormat) -> anyhow::Result<()> {
    let language = args.language.lang;
    match format {
        AnyFormat::Text => text(outcome, args)?,
        AnyFormat::Json => output::json(&in_json(outcome, language))?,
        AnyFormat::Sarif => output::json(&sarif::log(outcome, language))?,
        AnyFormat::Junit => output::raw(&ci::junit(outcome, language)?)?,
        AnyFormat::Github => ci::github(outcome, language)?,
    }
    // Programs that read the answer find them there.
    if format != AnyFormat::Json {
        for (path, error) in &outcome.failed {
            let path = one_line(&path.to_string_lossy());
            output::note(format!("error: {path}: {error:#}"))?;
        }
    }
    Ok(())
}

/// A document, and where its lines are.
pub(super) struct Told<'o> {
    checked: &'o Checked,
    pub(super) lines: Lines<'o>,
    pub(super) path: String,
}

impl<'o> Told<'o> {
    pub(super) fn all(outcome: &'o Outcome) -> impl Iterator<Item = Self> {
        outcome.checked.iter().map(|checked| {
            let path = checked.path.to_string_lossy();
            let path = if path == STANDARD_INPUT { "<stdin>".into() } else { path };
            Self { checked, lines: Lines::new(&checked.text), path: one_line(&path) }
        })
    }

    pub(super) fn findings(&self) -> &'o [Finding] {
        &self.checked.report.findings
    }

    pub(super) fn places(&self, finding: &Finding) -> (Place, Place) {
        (self.lines.place(finding.span.start), self.lines.place(finding.span.end))
    }
}

fn text(outcome: &Outcome, args: &LintArgs) -> anyhow::Result<()> {
    let language = args.language.lang;
    let colored = match args.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => std::io::stdout().is_terminal() && !no_color(),
    };
    // A document that was put right is printed to standard output: what is left to say goes elsewhere.
    let prints_document = args.fix && args.files.iter().any(|it| it.as_os_str() == STANDARD_INPUT);
    let say = |text: &str| -> std::io::Result<()> {
        if prints_document { output::note(text) } else { output::raw(&format!("{text}\n")) }
    };
    let renderer = renderer(colored && !prints_document);
    for told in Told::all(outcome) {
        let shown = Shown {
            path: &told.path,
            text: &told.checked.text,
            lines: &told.lines,
            language,
            renderer: &renderer,
        };
        for made in &told.checked.made {
            let (place, message) = (made.place, made.message.in_language(language));
            let put_right = if language == Language::English { "put right" } else { "已修复" };
            let place = format!("{}:{}:{}", told.path, place.line, place.column);
            output::note(format!("{put_right}[{}]: {message} ({place})", made.code))?;
        }
        for finding in told.findings() {
            say(&shown.show(finding))?;
            say("")?;
        }
        if !told.checked.report.is_complete {
            say(&match language {
                Language::English => format!(
                    "{}: not everything was looked at: the document is too long or has too many findings",
                    told.path
                ),
                Language::Chinese => format!("{}：未检查全部内容：文档过长或问题过多", told.path),
            })?;
        }
    }
    // Where nothing was looked at, nothing was found out.
    if !outcome.checked.is_empty() || outcome.failed.is_empty() {
        output::note(summary(outcome, language))?;
    }
    Ok(())
}

/// Returns what was found, in a line.
fn summary(outcome: &Outcome, language: Language) -> String {
    let english = language == Language::English;
    let sum = |of: fn(&Checked) -> usize| outcome.checked.iter().map(of).sum::<usize>();
    let (files, statements) = (outcome.checked.len(), sum(|one| one.report.statements));
    let foreign = sum(|one| one.report.foreign_actions);
    let (fixed, fixable) = (outcome.fixed(), outcome.fixable());
    let s = |count: usize| if count == 1 { "" } else { "s" };
    let told = |class: &Class| {
        let (count, label) = (outcome.count(*class), class.label(language));
        (count > 0).then(|| {
            if english {
                format!("{count} {label}{}", s(count))
            } else {
                format!("{count} 个{label}")
            }
        })
    };
    let found: Vec<String> = Class::ALL.iter().filter_map(told).collect();
    let mut parts = Vec::new();
    if english {
        let found = if found.is_empty() { "nothing found".to_owned() } else { found.join(", ") };
        parts.push(format!(
            "{files} file{}, {statements} statement{}: {found}",
            s(files),
            s(statements)
        ));
    } else {
        let found = if found.is_empty() { "未发现问题".to_owned() } else { found.join("，") };
        parts.push(format!("{files} 个文件，{statements} 条语句：{found}"));
    }
    let more = [
        (fixed, format!("{fixed} put right"), format!("已修复 {fixed} 个")),
        (fixable, format!("`--fix` puts {fixable} right"), format!("`--fix` 可修复 {fixable} 个")),
        (
            foreign,
            format!("{foreign} action{} of other services checked for form only", s(foreign)),
            format!("{foreign} 个其他服务的操作仅检查格式"),
        ),
    ];
    let more = more.into_iter().filter(|(count, ..)| *count > 0);
    parts.extend(more.map(|(_, en, zh)| if english { en } else { zh }));
    parts.join(if english { "; " } else { "；" })
}

fn in_json(outcome: &Outcome, language: Language) -> Value {
    let made = |made: &Made| {
        json!({
            "code": made.code,
            "message": made.message.in_language(language),
            "line": made.place.line,
            "column": made.place.column,
        })
    };
    let file = |told: Told<'_>| {
        let report = &told.checked.report;
        let tell = |found| ram::finding(found, &told.lines, language);
        json!({
            "path": told.path,
            "findings": report.findings.iter().map(tell).collect::<Vec<_>>(),
            "fixed": told.checked.made.iter().map(made).collect::<Vec<_>>(),
            "statements": report.statements,
            "foreignActions": report.foreign_actions,
            "complete": report.is_complete,
        })
    };
    let failed = |(path, error): &(std::path::PathBuf, anyhow::Error)| json!({ "path": path.to_string_lossy(), "message": format!("{error:#}") });
    let count = |class: &Class| (class.as_str().to_owned(), json!(outcome.count(*class)));
    json!({
        "files": Told::all(outcome).map(file).collect::<Vec<_>>(),
        "failed": outcome.failed.iter().map(failed).collect::<Vec<_>>(),
        "counts": Class::ALL.iter().map(count).collect::<serde_json::Map<_, _>>(),
        "fixable": outcome.fixable(),
        "fixed": outcome.fixed(),
    })
}
