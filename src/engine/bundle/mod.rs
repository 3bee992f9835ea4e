//! Policy bundles: the schema, policies and entities of a team's own, beside PAI's.
//!
//! A bundle is files: `schema.cedarschema`, policies in `*.cedar`, `entities.json`, and `bundle.toml`, which says whose it is
//! and what its callers may state. Everything is validated strictly when it is read, and what does not fit is not served. A request
//! is judged by what the bundle knows, and by what the caller states where the bundle lets it; in Cedar's words throughout.

mod declared;
mod load;
mod manifest;
mod query;
mod search;
mod told;

use std::collections::{BTreeMap, HashMap, HashSet};

use cedar_policy::{Entities, EntityTypeName, EntityUid, PolicySet, Schema};

pub use query::{Properties, Query, Thing};
pub use search::{Found, Page, Sought};

use crate::domain::AccountId;
use declared::Declared;
use manifest::Manifest;

/// A file of a bundle: its name within the directory, and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleFile {
    /// As `todo.cedar`.
    pub name: String,
    /// All of it.
    pub text: String,
}

/// Why a bundle cannot be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faulty {
    /// The file.
    pub file: String,
    /// What is wrong with it, on one line or a few.
    pub detail: String,
}

impl Faulty {
    fn of(file: &str, detail: &dyn std::fmt::Display) -> Self {
        Self { file: file.to_owned(), detail: detail.to_string() }
    }
}

impl std::fmt::Display for Faulty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}`: {}", self.file, self.detail)
    }
}

/// What can be done to what.
#[derive(Debug)]
struct ActionFacts {
    uid: EntityUid,
    principals: HashSet<EntityTypeName>,
    resources: HashSet<EntityTypeName>,
    /// What of a context is handed on.
    context: Vec<String>,
    /// What of the properties of the action is handed on, as `context.action`.
    of_action: Vec<String>,
}

/// A bundle, validated and ready to judge.
#[derive(Debug)]
pub struct Bundle {
    manifest: Manifest,
    declared: Declared,
    schema: Schema,
    policies: PolicySet,
    entities: Entities,
    /// The Cedar type of each name of a type that callers use.
    types: BTreeMap<String, EntityTypeName>,
    actions: BTreeMap<String, ActionFacts>,
    /// Of each Cedar type the ids of its entities, sorted.
    ids: HashMap<EntityTypeName, Vec<String>>,
    /// What each entity leads to: those above it, and those its attributes name.
    leads: HashMap<EntityUid, Vec<EntityUid>>,
    /// Those that policies name.
    named: Vec<EntityUid>,
    warnings: Vec<String>,
}

impl Bundle {
    /// Returns the account whose tokens may be bound to it.
    #[must_use]
    pub const fn account(&self) -> &AccountId {
        &self.manifest.account
    }

    /// Returns what Cedar finds suspicious, though valid: policies that can never apply, names easily confused.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Returns how many policies and entities there are.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        (self.policies.policies().count(), self.ids.values().map(Vec::len).sum())
    }

    fn uid(&self, kind: &str, id: &str) -> Option<EntityUid> {
        let kind = self.types.get(kind)?.clone();
        Some(EntityUid::from_type_name_and_id(kind, cedar_policy::EntityId::new(id)))
    }
}

#[cfg(test)]
mod tests;
