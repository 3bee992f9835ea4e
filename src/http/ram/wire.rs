//! The wire types of RAM documents, and a finding as JSON.

use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use crate::{
    domain::Invalid,
    http::object::Text,
    ram::{
        document::Kind,
        finding::{Edit, Finding, Language},
        lines::Lines,
    },
};

/// `POST /v1/ram/validate`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ValidateRequest<'a> {
    #[serde(borrow, default)]
    document: Option<&'a RawValue>,
    #[serde(borrow, default)]
    kind: Option<Text<'a>>,
    #[serde(borrow, default)]
    lang: Option<Text<'a>>,
}

/// What to check, and how to tell.
pub(super) struct Validate {
    pub(super) document: String,
    pub(super) kind: Kind,
    pub(super) language: Language,
}

impl ValidateRequest<'_> {
    pub(super) fn to_domain(&self) -> Result<Validate, Invalid> {
        let help = "give the document as a string, or as the object it is";
        let raw = self.document.ok_or_else(|| Invalid::missing("document", help))?.get();
        let document = if raw.starts_with('{') {
            raw.to_owned()
        } else {
            serde_json::from_str(raw)
                .map_err(|_| Invalid::value("document", raw, "a string or an object", help))?
        };
        let kind = match self.kind.as_ref().map(Text::as_str) {
            None | Some("identity") => Kind::Identity,
            Some("trust") => Kind::Trust,
            Some(other) => {
                let help = "give `identity` or `trust`";
                return Err(Invalid::value("kind", other, "a kind of document", help));
            }
        };
        let language = match self.lang.as_ref().map(Text::as_str) {
            None => Language::default(),
            Some(tag) => Language::parse(tag)
                .ok_or_else(|| Invalid::value("lang", tag, "a language", "give `en` or `zh-CN`"))?,
        };
        Ok(Validate { document, kind, language })
    }
}

/// Returns a finding of a text as JSON. Lines and columns are counted from 1, columns in characters; the end is the place
/// after the last character.
pub(crate) fn finding(finding: &Finding, lines: &Lines<'_>, language: Language) -> Value {
    let (from, to) = (lines.place(finding.span.start), lines.place(finding.span.end));
    let mut out = json!({
        "code": finding.rule.code,
        "class": finding.class.as_str(),
        "message": finding.message.in_language(language),
        "line": from.line,
        "column": from.column,
        "endLine": to.line,
        "endColumn": to.column,
        "pointer": finding.pointer,
    });
    if let Some(help) = &finding.help {
        put(&mut out, "help", json!(help.in_language(language)));
    }
    if let Some((span, label)) = &finding.label {
        let place = lines.place(span.start);
        let label = json!({
            "line": place.line,
            "column": place.column,
            "message": label.in_language(language),
        });
        put(&mut out, "related", label);
    }
    if let Some(Edit { span, text }) = &finding.fix {
        let (from, to) = (lines.place(span.start), lines.place(span.end));
        let fix = json!({
            "line": from.line,
            "column": from.column,
            "endLine": to.line,
            "endColumn": to.column,
            "text": text,
        });
        put(&mut out, "fix", fix);
    }
    out
}

fn put(object: &mut Value, name: &str, value: Value) {
    if let Value::Object(members) = object {
        members.insert(name.to_owned(), value);
    }
}
