//! A compiled-in table as a file: a head for the reader, then one entry a line.

use serde::{Deserialize, de::DeserializeOwned};

/// Says that the entry `what` has a value that is not one of its kind.
pub(super) fn unknown<T>(found: Option<T>, what: &str, value: &str) -> Result<T, String> {
    found.ok_or_else(|| format!("`{what}`: `{value}` is not known"))
}

/// A file: a head for the reader, then the rows.
#[derive(Deserialize)]
pub(super) struct File<R> {
    #[serde(default)]
    pub(super) module: Option<Text>,
    #[serde(default)]
    pub(super) ram_code: Option<Text>,
    pub(super) rows: Vec<R>,
}

/// Reads a file of that name under `schema/catalog`.
pub(super) fn file<R: DeserializeOwned>((name, text): (&str, &str)) -> Result<File<R>, String> {
    serde_json::from_str(text).map_err(|error| format!("schema/catalog/{name}.json: {error}"))
}

/// A string of the compiled-in tables. Leaked on purpose: read once, used until the program ends.
#[derive(Clone, Copy)]
pub(super) struct Text(pub(super) &'static str);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Box::leak(text.into_boxed_str())))
    }
}

impl Text {
    /// Returns the strings.
    pub(super) fn all(texts: Vec<Self>) -> Vec<&'static str> {
        texts.into_iter().map(|t| t.0).collect()
    }
}
