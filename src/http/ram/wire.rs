//! The wire types of RAM documents, and a finding as JSON.

use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use crate::{
    domain::{Invalid, PrincipalKind},
    error::Error,
    http::{
        decisions::wire::{WireContext, WirePrincipal},
        error::AccessDeniedDetail,
        object::{Object, Refusal, Text},
    },
    ram::{
        document::Kind,
        finding::{Edit, Finding, Language},
        lines::Lines,
    },
    service::{Matched, Row, Simulate, Unmet, Verdict},
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
        let missing = || Invalid::missing("document", DOCUMENT_HELP);
        let document = document("document", self.document.ok_or_else(missing)?.get())?;
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

/// `POST /v1/ram/simulate`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SimulateRequest<'a> {
    #[serde(borrow, default)]
    documents: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    principal: Option<Object<WirePrincipal<Text<'a>>>>,
    #[serde(borrow, default)]
    actions: Vec<Text<'a>>,
    #[serde(borrow, default)]
    resources: Vec<Text<'a>>,
    #[serde(default)]
    context: Option<WireContext>,
}

impl SimulateRequest<'_> {
    pub(super) fn to_domain(&self) -> Result<Simulate, Invalid> {
        let mut documents = Vec::with_capacity(self.documents.len());
        for (index, raw) in self.documents.iter().enumerate() {
            let name = format!("documents[{index}]");
            let text = document(&name, raw.get())?;
            documents.push((name, text));
        }
        let owned =
            |texts: &[Text<'_>]| texts.iter().map(|text| text.as_str().to_owned()).collect();
        Ok(Simulate {
            documents,
            actions: owned(&self.actions),
            resources: owned(&self.resources),
            context: self.context.as_ref().map(|it| it.0.clone()).unwrap_or_default(),
        })
    }

    /// Returns type and id of the principal, where one is named.
    pub(super) fn principal(&self) -> Result<Option<(&str, &str)>, Invalid> {
        let Some(Object(principal)) = &self.principal else { return Ok(None) };
        let missing = |field: &str| Invalid::missing(field, "name the principal by type and id");
        let kind = principal.kind.as_ref().ok_or_else(|| missing("principal.type"))?;
        let id = principal.id.as_ref().ok_or_else(|| missing("principal.id"))?;
        Ok(Some((kind.as_str(), id.as_str())))
    }
}

/// Returns why a body was not read. A document that stands where the body should is told where to put it.
pub(super) fn refused(refusal: Refusal) -> Error {
    let error = Error::from(refusal);
    if !matches!(error.field.as_deref(), Some("Version" | "Statement")) {
        return error;
    }
    let help = "this is a document itself: put it into `document`, for a simulation into the list `documents`";
    Error { help: help.to_owned(), ..error }
}

/// Returns a document that is a string, or the object it is.
fn document(field: &str, raw: &str) -> Result<String, Invalid> {
    if raw.starts_with('{') {
        return Ok(raw.to_owned());
    }
    serde_json::from_str(raw)
        .map_err(|_| Invalid::value(field, raw, "a string or an object", DOCUMENT_HELP))
}

const DOCUMENT_HELP: &str = "give the document as a string, or as the object it is";

/// Returns one answer of a simulation as JSON. A denial has the vendor's words; `whom` is the account, type and id of the
/// principal, where one is named.
pub(crate) fn row(row: &Row, whom: Option<(&str, &str, &str)>) -> Value {
    let simulated = &row.simulated;
    let one = |it: &Matched| json!({ "document": it.document, "statement": it.statement, "line": it.line });
    let statements = |list: &[Matched]| list.iter().map(one).collect::<Vec<Value>>();
    let unmet = |(statement, conditions): &(Matched, Vec<Unmet>)| {
        let condition = |it: &Unmet| json!({ "key": it.key, "operator": it.operator, "wanted": it.wanted, "given": it.given });
        let mut told = one(statement);
        put(&mut told, "conditions", conditions.iter().map(condition).collect());
        told
    };
    let mut out = json!({
        "action": row.action,
        "resource": row.resource,
        "decision": simulated.verdict.as_str(),
        "matched": statements(&simulated.matched),
        "missingContextKeys": simulated.missing_context_keys,
    });
    if !simulated.unmet.is_empty() {
        put(&mut out, "unmetConditions", simulated.unmet.iter().map(unmet).collect());
    }
    if !simulated.on_other_resources.is_empty() {
        put(&mut out, "onOtherResources", json!(statements(&simulated.on_other_resources)));
    }
    if !simulated.other_forms.is_empty() {
        put(&mut out, "resourceForms", json!(simulated.other_forms));
    }
    if !simulated.is_catalogued {
        put(&mut out, "uncatalogued", json!(true));
    }
    if let Some(message) = row.denial() {
        let explicit = simulated.verdict == Verdict::ExplicitDeny;
        let whom =
            whom.and_then(|(account, kind, id)| Some((PrincipalKind::parse(kind)?, account, id)));
        let detail = AccessDeniedDetail::new(&row.action, explicit, whom);
        put(&mut out, "message", json!(message));
        put(&mut out, "accessDeniedDetail", json!(detail));
    }
    out
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
