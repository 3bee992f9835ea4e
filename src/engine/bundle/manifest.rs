//! `bundle.toml`: whose a bundle is, how its types are called outside, and what its callers may state.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::Faulty;
use crate::{catalog::meant_field, domain::AccountId};

/// The name of the file.
pub(super) const FILE: &str = "bundle.toml";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    account: String,
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    types: BTreeMap<String, String>,
    #[serde(default)]
    assert: Assertable,
}

/// What callers may state, by where they state it. What is not listed is not looked at.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Assertable {
    /// Attributes of whoever asks, from `subject.properties`.
    pub(super) subject: BTreeSet<String>,
    /// Attributes of what is asked about, from `resource.properties`.
    pub(super) resource: BTreeSet<String>,
    /// Members of `context.action`, from `action.properties`, for Cedar's actions have no attributes.
    pub(super) action: BTreeSet<String>,
    /// Members of `context`.
    pub(super) context: BTreeSet<String>,
}

/// The contents of `bundle.toml`.
#[derive(Debug)]
pub(super) struct Manifest {
    pub(super) account: AccountId,
    namespace: String,
    types: BTreeMap<String, String>,
    pub(super) assert: Assertable,
}

impl Manifest {
    /// Reads the file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(text: &str) -> Result<Self, Faulty> {
        let wire: Wire = toml::from_str(text).map_err(|error| {
            let told = error.to_string();
            let meant = meant_field(&told).map(|meant| format!("\n{meant}"));
            Faulty::of(FILE, &format_args!("{}{}", told.trim_end(), meant.unwrap_or_default()))
        })?;
        let account = AccountId::parse(&wire.account).map_err(|form| {
            let wrong =
                format!("`account`: `{}` is not {}: {}", wire.account, form.expected, form.help);
            Faulty::of(FILE, &wrong)
        })?;
        if wire.types.contains_key("") {
            let wrong = "`types.\"\"`: a type needs a name: as `user = \"User\"`";
            return Err(Faulty::of(FILE, &wrong));
        }
        Ok(Self { account, namespace: wire.namespace, types: wire.types, assert: wire.assert })
    }

    /// Returns the name of a type outside, and the one that it has in Cedar.
    pub(super) fn types(&self) -> impl Iterator<Item = (&str, String)> {
        self.types.iter().map(|(outside, inside)| (outside.as_str(), self.qualified(inside)))
    }

    /// Returns a name with the namespace before it, unless it has one.
    pub(super) fn qualified(&self, name: &str) -> String {
        if self.namespace.is_empty() || name.contains("::") {
            return name.to_owned();
        }
        format!("{}::{name}", self.namespace)
    }
}
