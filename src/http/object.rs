//! Strict JSON: an object is an object, a key stands once, and text is borrowed where it can be.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::error::Category;

use crate::{
    catalog::meant_field,
    domain::{Invalid, InvalidKind, shortened},
    error::{Error, ErrorCode},
};

/// A `T` written as a JSON object. The derived reader of a struct would take an array of its fields as well.
#[derive(Debug, Clone, Default)]
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Reader<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map))
            }
        }

        deserializer.deserialize_map(Reader(PhantomData)).map(Self)
    }
}

/// A string, borrowed from the body unless it has escapes.
#[derive(Debug)]
pub(super) struct Text<'a>(Cow<'a, str>);

impl<'a> Text<'a> {
    pub(super) fn into_inner(self) -> Cow<'a, str> {
        self.0
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Text<'_> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    // What is returned is three words, which are else written by halves and read together, and that waits.
    #[inline(always)]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Cow<'de, str>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            #[inline]
            fn visit_borrowed_str<E: serde::de::Error>(
                self,
                text: &'de str,
            ) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(text))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Cow::Owned(text.to_owned()))
            }
        }

        deserializer.deserialize_str(Reader).map(Self)
    }
}

/// Refuses a key that stands twice, for maps whose keys are the caller's.
pub(super) fn once<E: serde::de::Error>(key: &str, seen: bool) -> Result<(), E> {
    if seen { Err(E::custom(format_args!("duplicate key `{key}`"))) } else { Ok(()) }
}

/// Reads `bytes` as one JSON value and nothing after it; `None` where something is wrong.
///
/// That it is UTF-8 is looked at once, for all texts in it together.
pub(super) fn read_sound<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Option<T> {
    serde_json::from_str(std::str::from_utf8(bytes).ok()?).ok()
}

/// Reads `bytes` as one JSON value and nothing after it.
///
/// # Errors
/// What is wrong, with the field where there is one.
pub(super) fn read<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, Refusal> {
    // Where something is wrong, is only looked for once something is.
    if let Some(value) = read_sound(bytes) {
        return Ok(value);
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let field = error.path().to_string();
        Refusal::new(if field == "." { "" } else { &field }, &error.into_inner())
    })?;
    deserializer.end().map_err(|error| Refusal::new("", &error))?;
    Ok(value)
}

/// Longest message of the JSON reader that is passed on, in characters.
const MAX_MESSAGE: usize = 300;

/// Why a body was not read.
#[derive(Debug)]
pub(super) struct Refusal {
    code: ErrorCode,
    field: Option<String>,
    value: Option<String>,
    message: String,
    /// What to do about it, where the message tells.
    help: Option<String>,
}

/// Returns what to do about what the JSON reader says, where that tells: the name that was meant, or a number as the string it should be.
fn remedy(said: &str) -> Option<String> {
    let expected = said.strip_prefix("invalid type").and_then(|said| said.rsplit_once("expected "));
    match expected.map(|(_, expected)| expected) {
        Some("an object") => return Some("give an object, as `{…}`".to_owned()),
        Some("a sequence") => return Some("give a list, as `[…]`".to_owned()),
        Some("a boolean") => return Some("give `true` or `false`".to_owned()),
        _ => {}
    }
    if said.starts_with("unknown field") {
        return meant_field(said);
    }
    let first = said.split('`').nth(1)?;
    let is_number = first.parse::<f64>().is_ok();
    let is_text = said.starts_with("invalid type") && said.ends_with("expected a string");
    (is_number && is_text).then(|| format!("write it as a string: `\"{first}\"`"))
}

impl Refusal {
    fn new(path: &str, error: &serde_json::Error) -> Self {
        // The reader's message repeats what the stranger sent, at any length.
        let text = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        let said = text.strip_suffix(&place).unwrap_or(&text);
        let message = shortened(said, MAX_MESSAGE);
        let path = &shortened(path, Invalid::MAX_VALUE);
        let within =
            |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        if error.classify() == Category::Data {
            let name = said
                .split('`')
                .nth(1)
                .map(|n| shortened(n, Invalid::MAX_VALUE))
                .unwrap_or_default();
            if message.starts_with("unknown field") {
                // The path already ends in the field when the reader had looked at it.
                let field = if path.ends_with(&name) { path.to_owned() } else { within(&name) };
                return Self {
                    code: ErrorCode::UnexpectedField,
                    field: Some(field),
                    value: None,
                    message,
                    help: remedy(said),
                };
            }
            if message.starts_with("duplicate") {
                let field = if path.ends_with(&name) { path.to_owned() } else { within(&name) };
                return Self {
                    code: ErrorCode::MalformedBody,
                    field: Some(field),
                    value: None,
                    message,
                    help: None,
                };
            }
            let code =
                if path.is_empty() { ErrorCode::MalformedBody } else { ErrorCode::InvalidValue };
            let field = Some(path.to_owned()).filter(|path| !path.is_empty());
            return Self {
                code,
                field,
                value: Some(name).filter(|name| !name.is_empty()),
                help: remedy(said),
                message,
            };
        }
        Self {
            code: ErrorCode::MalformedBody,
            field: None,
            value: None,
            message: format!("not JSON: {message}{place}"),
            help: None,
        }
    }

    /// Returns the refusal of an item of a batch, as the reason of its denial.
    pub(super) fn to_invalid(&self) -> Invalid {
        let kind = match self.code {
            ErrorCode::UnexpectedField => InvalidKind::UnexpectedField,
            ErrorCode::MalformedBody => InvalidKind::Malformed,
            _ => InvalidKind::InvalidValue,
        };
        let documented =
            "see the documentation of `/v1/is-authorized` for the fields and their types";
        let help = self.help.clone().unwrap_or_else(|| documented.to_owned());
        let field = self.field.clone().unwrap_or_default();
        Invalid { kind, field, value: self.value.clone(), message: self.message.clone(), help }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let documented = "send a JSON object of the documented fields, each once";
        Self {
            code: refusal.code,
            message: refusal.message,
            field: refusal.field,
            value: refusal.value,
            help: refusal.help.unwrap_or_else(|| documented.to_owned()),
            denied: None,
        }
    }
}
