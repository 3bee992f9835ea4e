//! The wire types of requests for decisions.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::{
    domain::{ContextValue, Invalid, Question, Scalar},
    http::object::{Object, Text, once},
};

/// Most keys of a context that are read at all; the engine sets the real limit and names it.
pub(in crate::http) const CONTEXT_KEYS: usize = 1_000;

/// `POST /v1/is-authorized`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(in crate::http) struct IsAuthorizedRequest<'a> {
    #[serde(borrow, default)]
    principal: Option<Object<WirePrincipal<'a>>>,
    #[serde(borrow, default)]
    action: Option<Text<'a>>,
    #[serde(borrow, default)]
    resource: Option<Object<WireResource<'a>>>,
    #[serde(default)]
    context: Option<WireContext>,
    #[serde(borrow, default)]
    at_least_as_fresh: Option<Text<'a>>,
    #[serde(default)]
    suggest: bool,
    #[serde(default)]
    explain: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct WirePrincipal<'a> {
    #[serde(borrow, default, rename = "type")]
    pub(in crate::http) kind: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(in crate::http) id: Option<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireResource<'a> {
    #[serde(borrow, default)]
    arn: Option<Text<'a>>,
    #[serde(borrow, default, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow, default)]
    id: Option<Text<'a>>,
    #[serde(borrow, default)]
    workspace: Option<Text<'a>>,
    #[serde(borrow, default)]
    creator: Option<Text<'a>>,
    #[serde(borrow, default)]
    accessibility: Option<Text<'a>>,
}

impl WireResource<'_> {
    /// Returns the question about it, which nobody asks yet.
    pub(super) fn question(&self) -> Question<'_> {
        Question {
            arn: self.arn.as_ref().map(Text::as_str),
            resource_type: self.kind.as_ref().map(Text::as_str),
            resource_id: self.id.as_ref().map(Text::as_str),
            workspace: self.workspace.as_ref().map(Text::as_str),
            creator: self.creator.as_ref().map(Text::as_str),
            accessibility: self.accessibility.as_ref().map(Text::as_str),
            ..Question::default()
        }
    }
}

impl IsAuthorizedRequest<'_> {
    /// Returns the question, and the revision it demands.
    #[inline]
    pub(super) fn question(&self) -> (Question<'_>, Option<&str>) {
        fn text<'t>(text: Option<&'t Text<'_>>) -> Option<&'t str> {
            text.map(Text::as_str)
        }
        let principal = self.principal.as_ref().map(|object| &object.0);
        let resource = self.resource.as_ref().map(|object| &object.0);
        let question = Question {
            principal_type: principal.and_then(|p| text(p.kind.as_ref())),
            principal_id: principal.and_then(|p| text(p.id.as_ref())),
            action: text(self.action.as_ref()),
            arn: resource.and_then(|r| text(r.arn.as_ref())),
            resource_type: resource.and_then(|r| text(r.kind.as_ref())),
            resource_id: resource.and_then(|r| text(r.id.as_ref())),
            workspace: resource.and_then(|r| text(r.workspace.as_ref())),
            creator: resource.and_then(|r| text(r.creator.as_ref())),
            accessibility: resource.and_then(|r| text(r.accessibility.as_ref())),
            context: self.context.as_ref().map(|context| &context.0),
        };
        (question, self.at_least_as_fresh.as_ref().map(Text::as_str))
    }
}

impl IsAuthorizedRequest<'_> {
    /// Returns the revision it demands.
    pub(super) fn at_least(&self) -> Option<&str> {
        self.at_least_as_fresh.as_ref().map(Text::as_str)
    }

    /// Returns whether a statement that would allow a denied request is asked for.
    pub(super) const fn suggests(&self) -> bool {
        self.suggest
    }

    /// Returns whether an explanation of the decision is asked for.
    pub(super) const fn explains(&self) -> bool {
        self.explain
    }

    /// Returns whether nothing is asked for beside the decision.
    pub(super) const fn is_plain(&self) -> bool {
        !self.suggest && !self.explain
    }

    /// Refuses what is answered one request at a time.
    ///
    /// # Errors
    /// The field that asks for it.
    pub(super) fn check_plain(&self) -> Result<(), Invalid> {
        let asked = [("suggest", self.suggest), ("explain", self.explain)];
        asked.into_iter().find(|(_, asked)| *asked).map_or(Ok(()), |(field, _)| {
            let help = "ask for that one request at a time: `POST /v1/is-authorized`";
            Err(Invalid::unexpected(field, "true", help))
        })
    }
}

/// Condition keys with strings, booleans, numbers, or lists of them; nothing deeper.
#[derive(Debug, Default)]
pub(in crate::http) struct WireContext(pub(in crate::http) BTreeMap<String, ContextValue>);

impl<'de> Deserialize<'de> for WireContext {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = BTreeMap<String, ContextValue>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of condition keys")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut out = BTreeMap::new();
                while let Some((key, WireValue(value))) = map.next_entry::<String, WireValue>()? {
                    once(&key, out.contains_key(&key))?;
                    if out.len() >= CONTEXT_KEYS {
                        return Err(serde::de::Error::custom("more keys than a context may have"));
                    }
                    out.insert(key, value);
                }
                Ok(out)
            }
        }

        deserializer.deserialize_map(Reader).map(Self)
    }
}

/// A value of a context, read from its text: numbers keep it, for no number type of this program holds all of them.
struct WireValue(ContextValue);

impl<'de> Deserialize<'de> for WireValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        context_value(<&RawValue>::deserialize(deserializer)?.get()).map(Self)
    }
}

/// Returns the value of a condition key that a JSON text is.
pub(in crate::http) fn context_value<E: serde::de::Error>(raw: &str) -> Result<ContextValue, E> {
    if !raw.starts_with('[') {
        return scalar(raw).map(ContextValue::One);
    }
    let items: Vec<&RawValue> = serde_json::from_str(raw).map_err(E::custom)?;
    if items.len() > CONTEXT_KEYS {
        return Err(E::custom("more values than a condition key may have"));
    }
    let values = items.iter().map(|item| scalar(item.get())).collect::<Result<_, _>>()?;
    Ok(ContextValue::Many(values))
}

fn scalar<E: serde::de::Error>(raw: &str) -> Result<Scalar, E> {
    match raw.as_bytes().first() {
        Some(b'"') => serde_json::from_str(raw).map(Scalar::String).map_err(E::custom),
        Some(b't') => Ok(Scalar::Bool(true)),
        Some(b'f') => Ok(Scalar::Bool(false)),
        Some(b'-' | b'0'..=b'9') => Ok(Scalar::Number(raw.to_owned())),
        Some(b'[') => Err(E::custom("a list within a list")),
        Some(b'{') => Err(E::custom("an object where a string, boolean, number or list belongs")),
        _ => Err(E::custom("null where a string, boolean, number or list belongs")),
    }
}
