//! The smallest statement that would allow what is denied.

use std::sync::Arc;

use super::Snapshot;
use crate::{
    domain::{Effect, Reason, Request},
    ram::{document::Kind, finding::Class, lint::lint},
};

/// A statement that would allow a request: one action on one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// The action, spelled for RAM.
    pub action: &'static str,
    /// The ARN.
    pub resource: String,
}

impl Suggestion {
    /// Returns the document with this statement alone.
    #[must_use]
    pub fn document(&self) -> String {
        let quoted = |text: &str| {
            let mut out = String::from("\"");
            for c in text.chars() {
                match c {
                    '"' | '\\' => out.extend(['\\', c]),
                    c => out.push(c),
                }
            }
            out.push('"');
            out
        };
        format!(
            r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":{},"Resource":{}}}]}}"#,
            quoted(self.action),
            quoted(&self.resource)
        )
    }
}

/// Why no statement would allow a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoSuggestion {
    /// It is allowed.
    Allowed,
    /// These policies deny it, which no grant changes.
    Denied(Vec<String>),
    /// Principal or workspace are not known, or the resource is of another account or region.
    NotKnown,
    /// The request could not be judged.
    Failed,
    /// The resource cannot be written in a document.
    Unwritable,
}

/// Returns an ARN as RAM takes it in a document: `?` for a character that would be refused there.
fn writable(arn: &str) -> String {
    let mut parts: Vec<String> = arn.splitn(5, ':').map(str::to_owned).collect();
    if let Some(id) = parts.get_mut(4) {
        let mut before = '/';
        let mut rest = id.chars().peekable();
        let mut out = String::with_capacity(id.len());
        while let Some(c) = rest.next() {
            let is_refused = c.is_whitespace()
                || (c == '/' && before == '/')
                || (c == '$' && rest.peek() == Some(&'{'));
            before = if is_refused { '?' } else { c };
            out.push(before);
        }
        *id = out;
    }
    parts.join(":")
}

impl NoSuggestion {
    /// Returns what is told of it.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Allowed => "it is allowed".to_owned(),
            Self::Denied(policies) => format!(
                "denied by `{}`: a denial wins over every grant, so change that",
                policies.join("`, `")
            ),
            Self::NotKnown => "principal or workspace are not known in this account, or the resource is not of it: no grant reaches them".to_owned(),
            Self::Failed => "the request could not be judged: see `errors`".to_owned(),
            Self::Unwritable => "a document cannot name this resource: give a form of it with `*`".to_owned(),
        }
    }
}

impl Snapshot {
    /// Returns the smallest statement that, attached to the principal, would allow a request; it was tried.
    ///
    /// # Errors
    /// Why there is none.
    pub fn suggest(&self, request: &Request<'_>) -> Result<Suggestion, NoSuggestion> {
        let present = self.is_authorized(request);
        match present.reason {
            Reason::ExplicitAllow => return Err(NoSuggestion::Allowed),
            Reason::ExplicitDeny => {
                return Err(NoSuggestion::Denied(present.determining_policies.to_vec()));
            }
            Reason::Error => return Err(NoSuggestion::Failed),
            Reason::ImplicitDeny => {}
        }
        let action = self.engine.catalog.action(request.action);
        let ram = action.and_then(|action| self.engine.catalog.ram_action(action));
        let Some(ram) = ram.filter(|_| self.has_say(request)) else {
            return Err(NoSuggestion::NotKnown);
        };
        let arn = self.engine.arn(&self.account, request.action, &request.resource);
        let resource = writable(&arn);
        let suggestion = Suggestion { action: ram.action, resource };
        let text = suggestion.document();
        let is_error = lint(&text, Kind::Identity).worst() == Some(Class::Error);
        let compiled = self.engine.compile_document("suggestion", "v1", &text);
        let Ok(document) = compiled.map(Arc::new) else { return Err(NoSuggestion::Unwritable) };
        let allowed = self.decide_with(request, &document).effect() == Effect::Allow;
        if is_error || !allowed {
            return Err(NoSuggestion::Unwritable);
        }
        Ok(suggestion)
    }
}
