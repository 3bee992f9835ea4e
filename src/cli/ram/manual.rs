//! `pai-authz ram rules` and `ram explain`: the manual.

use std::fmt::Write as _;

use anyhow::bail;
use serde_json::{Value, json};

use super::settings::unknown;
use crate::{
    cli::output::{self, Format, table},
    ram::{
        document::Kind,
        finding::{Class, Language},
        manual::Manual,
        rules::{RULES, Rule},
    },
};

/// Lists the rules.
pub(super) fn list(language: Language, format: Format) -> anyhow::Result<u8> {
    match format {
        Format::Json => {
            let row = |rule: &Rule| {
                json!({
                    "code": rule.code,
                    "class": rule.class.as_str(),
                    "title": rule.manual().title.in_language(language),
                })
            };
            output::json(&Value::Array(RULES.iter().map(row).collect()))?;
        }
        Format::Text => {
            let head = ["CODE", "CLASS", "FINDS"].map(str::to_owned).to_vec();
            let row = |rule: &Rule| {
                let title = rule.manual().title.in_language(language).to_owned();
                vec![rule.code.to_owned(), rule.class.as_str().to_owned(), title]
            };
            let rows: Vec<_> = std::iter::once(head).chain(RULES.iter().map(row)).collect();
            output::line(table(&rows).trim_end())?;
            output::note(format!(
                "{} rules; `pai-authz ram explain CODE` tells more",
                RULES.len()
            ))?;
        }
    }
    Ok(0)
}

/// Shows the page of a rule.
pub(super) fn page(code: &str, language: Language, format: Format) -> anyhow::Result<u8> {
    let Some(rule) = Rule::find(code) else { bail!("{}", unknown(code)) };
    let page = rule.manual();
    match format {
        Format::Json => output::json(&json!({
            "code": rule.code,
            "class": rule.class.as_str(),
            "kind": page.kind.as_str(),
            "title": page.title.in_language(language),
            "what": page.what.in_language(language),
            "why": page.why.in_language(language),
            "example": page.example,
            "instead": page.instead,
            "source": page.source,
        }))?,
        Format::Text => output::line(markdown(rule, &page, &[language]).trim_end())?,
    }
    Ok(0)
}

/// Prints the manual of all rules, in both languages.
pub(super) fn whole(format: Format) -> anyhow::Result<u8> {
    let mut out = String::from(
        "# Rules of `pai-authz ram lint`\n\n\
         Made from the comments of `src/ram/rules` by `pai-authz ram rules --manual`. The four classes are those of the \
         policy check of the RAM console: RAM refuses a document with an *Error*; a *SecurityWarning* gives away more, a \
         *GeneralWarning* does not do what will have been meant, a *Suggestion* could be said better.\n",
    );
    for class in Class::ALL {
        write!(out, "\n## {class}\n\n")?;
        for rule in RULES.iter().filter(|rule| rule.class == class) {
            let title = rule.manual().title;
            writeln!(out, "- [`{0}`](#{0}): {1} · {2}", rule.code, title.en, title.zh)?;
        }
    }
    for rule in RULES.iter() {
        out.push('\n');
        out.push_str(&markdown(rule, &rule.manual(), &[Language::English, Language::Chinese]));
    }
    match format {
        Format::Text => output::line(out.trim_end())?,
        Format::Json => output::json(&json!({ "markdown": out }))?,
    }
    Ok(0)
}

fn markdown(rule: &Rule, page: &Manual, languages: &[Language]) -> String {
    let told = |language: &Language| {
        let class = rule.class.label(*language);
        let title = page.title.in_language(*language);
        let (what, why) = (page.what.in_language(*language), page.why.in_language(*language));
        let stop = if *language == Language::English { "." } else { "。" };
        format!("**{class}**: {title}{stop}\n\n{what}\n\n{why}\n\n")
    };
    let is_english = languages.first() == Some(&Language::English);
    let (bad, good, source) = if is_english {
        ("Example", "Use instead", "Source")
    } else {
        ("示例", "应改为", "来源")
    };
    let kind = if page.kind == Kind::Trust { " (a trust policy)" } else { "" };
    format!(
        "## {}\n\n{}{bad}{kind}:\n\n```json\n{}```\n\n{good}:\n\n```json\n{}```\n\n{source}: {}\n",
        rule.code,
        languages.iter().map(told).collect::<String>(),
        page.example,
        page.instead,
        page.source
    )
}
