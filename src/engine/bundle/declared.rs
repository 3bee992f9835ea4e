//! Which attributes a schema declares. Cedar says whether a value fits, not which names there are.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// The attributes of entity types and of the contexts of actions, by the full name of the type or the namespace and id of
/// the action.
#[derive(Debug, Default)]
pub(super) struct Declared {
    types: BTreeMap<String, BTreeSet<String>>,
    enumerated: BTreeSet<String>,
    actions: BTreeMap<(String, String), Context>,
}

/// The context of an action.
#[derive(Debug, Default)]
pub(super) struct Context {
    /// Its members.
    pub(super) members: BTreeSet<String>,
    /// The members of its member `action`.
    pub(super) of_action: BTreeSet<String>,
}

impl Declared {
    /// Returns what a schema in Cedar's JSON form declares.
    pub(super) fn of(schema: &Value) -> Self {
        let mut declared = Self::default();
        for (namespace, contents) in schema.as_object().into_iter().flatten() {
            let within = Within { schema, namespace };
            for (name, entity) in members(contents.get("entityTypes")) {
                if entity.get("enum").is_some() {
                    declared.enumerated.insert(qualified(namespace, name));
                }
                let attributes = within.attributes(entity.get("shape"));
                let names = attributes.into_iter().flat_map(|all| all.keys().cloned()).collect();
                declared.types.insert(qualified(namespace, name), names);
            }
            for (name, action) in members(contents.get("actions")) {
                let context = action.get("appliesTo").and_then(|it| it.get("context"));
                let attributes = within.attributes(context);
                let nested = attributes.and_then(|all| within.attributes(all.get("action")));
                let names = |all: Option<&serde_json::Map<String, Value>>| {
                    all.into_iter().flat_map(|all| all.keys().cloned()).collect()
                };
                let context = Context { members: names(attributes), of_action: names(nested) };
                declared.actions.insert((namespace.clone(), name.clone()), context);
            }
        }
        declared
    }

    /// Returns whether a type has an attribute.
    pub(super) fn has(&self, kind: &str, attribute: &str) -> bool {
        self.types.get(kind).is_some_and(|all| all.contains(attribute))
    }

    /// Returns whether the schema lists the ids of a type, which need not be entities of the bundle then.
    pub(super) fn is_enumerated(&self, kind: &str) -> bool {
        self.enumerated.contains(kind)
    }

    /// Returns the context of an action of a namespace.
    pub(super) fn context(&self, namespace: &str, action: &str) -> Option<&Context> {
        self.actions.get(&(namespace.to_owned(), action.to_owned()))
    }

    /// Returns all contexts.
    pub(super) fn contexts(&self) -> impl Iterator<Item = &Context> {
        self.actions.values()
    }
}

/// How many names of a type are followed.
const MOST_ALIASES: usize = 1_000;

/// A namespace of a schema.
struct Within<'s> {
    schema: &'s Value,
    namespace: &'s str,
}

impl<'s> Within<'s> {
    /// Returns the attributes of a record, or of the common type that is one.
    fn attributes(&self, kind: Option<&'s Value>) -> Option<&'s serde_json::Map<String, Value>> {
        let (mut kind, mut namespace) = (kind?, self.namespace);
        // Common types may be defined by others, each in the words of its own namespace; Cedar refuses circles.
        for _ in 0..MOST_ALIASES {
            if let Some(attributes) = kind.get("attributes") {
                return attributes.as_object();
            }
            let name = kind.get("name").or_else(|| kind.get("type"))?.as_str()?;
            (kind, namespace) = self.common(namespace, name)?;
        }
        None
    }

    /// Returns a common type as a namespace names it, and the namespace it is of.
    fn common(&self, namespace: &'s str, name: &'s str) -> Option<(&'s Value, &'s str)> {
        let of = |namespace: &'s str, name: &str| {
            let found = self.schema.get(namespace)?.get("commonTypes")?.get(name)?;
            Some((found, namespace))
        };
        match name.rsplit_once("::") {
            Some((namespace, name)) => of(namespace, name),
            None => of(namespace, name).or_else(|| of("", name)),
        }
    }
}

fn members(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    value.and_then(Value::as_object).into_iter().flatten()
}

fn qualified(namespace: &str, name: &str) -> String {
    if namespace.is_empty() { name.to_owned() } else { format!("{namespace}::{name}") }
}
