//! The wire types of requests for decisions.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::{
    domain::{ContextValue, Invalid, Question, Scalar},
    http::object::{Object, once},
};

/// Most keys of a context that are read at all; the engine sets the real limit and names it.
pub(in crate::http) const CONTEXT_KEYS: usize = 1_000;

/// `POST /v1/is-authorized`. Its texts are `T`: [`Text`](crate::http::object::Text), or `&str`, which is not read where a text has
/// escapes, and is quicker.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", bound(deserialize = "T: Deserialize<'de>"))]
pub(in crate::http) struct IsAuthorizedRequest<T> {
    #[serde(default)]
    principal: Option<Object<WirePrincipal<T>>>,
    #[serde(default)]
    action: Option<T>,
    #[serde(default)]
    resource: Option<Object<WireResource<T>>>,
    #[serde(default)]
    context: Option<WireContext>,
    #[serde(default)]
    at_least_as_fresh: Option<T>,
    #[serde(default)]
    suggest: bool,
    #[serde(default)]
    explain: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, bound(deserialize = "T: Deserialize<'de>"))]
pub(in crate::http) struct WirePrincipal<T> {
    #[serde(default, rename = "type")]
    pub(in crate::http) kind: Option<T>,
    #[serde(default)]
    pub(in crate::http) id: Option<T>,
}

impl<T> Default for WirePrincipal<T> {
    fn default() -> Self {
        Self { kind: None, id: None }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, bound(deserialize = "T: Deserialize<'de>"))]
pub(super) struct WireResource<T> {
    #[serde(default)]
    arn: Option<T>,
    #[serde(default, rename = "type")]
    kind: Option<T>,
    #[serde(default)]
    id: Option<T>,
    #[serde(default)]
    workspace: Option<T>,
    #[serde(default)]
    creator: Option<T>,
    #[serde(default)]
    accessibility: Option<T>,
}

impl<T: AsRef<str>> WireResource<T> {
    /// Returns the question about it, which nobody asks yet.
    #[inline]
    pub(super) fn question(&self) -> Question<'_> {
        Question {
            arn: text(self.arn.as_ref()),
            resource_type: text(self.kind.as_ref()),
            resource_id: text(self.id.as_ref()),
            workspace: text(self.workspace.as_ref()),
            creator: text(self.creator.as_ref()),
            accessibility: text(self.accessibility.as_ref()),
            ..Question::default()
        }
    }
}

#[inline]
fn text<T: AsRef<str>>(text: Option<&T>) -> Option<&str> {
    text.map(AsRef::as_ref)
}

impl<T: AsRef<str>> IsAuthorizedRequest<T> {
    /// Returns the question, and the revision it demands.
    #[inline]
    pub(super) fn question(&self) -> (Question<'_>, Option<&str>) {
        let principal = self.principal.as_ref().map(|object| &object.0);
        let about = match &self.resource {
            Some(Object(resource)) => resource.question(),
            None => Question::default(),
        };
        let question = Question {
            principal_type: principal.and_then(|p| text(p.kind.as_ref())),
            principal_id: principal.and_then(|p| text(p.id.as_ref())),
            action: text(self.action.as_ref()),
            context: self.context.as_ref().map(|context| &context.0),
            ..about
        };
        (question, self.at_least())
    }

    /// Returns the revision it demands.
    #[inline]
    pub(super) fn at_least(&self) -> Option<&str> {
        text(self.at_least_as_fresh.as_ref())
    }
}

impl<T> IsAuthorizedRequest<T> {
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
