//! Judges a request by a bundle.

use std::collections::{BTreeSet, HashMap, HashSet};

use cedar_policy::{Context, Entities, Entity, EntityUid, Request};
use serde_json::{Map, Value};

use super::{ActionFacts, Bundle, load::note_references, told::told};
use crate::{
    domain::{Decision, Fault, Invalid, InvalidKind, Reason, shortened},
    engine::judge::judge,
};

/// What a caller states of something: attributes by name, of any JSON type.
pub type Properties = Map<String, Value>;

/// Somebody who asks, or something that is asked about.
#[derive(Debug, Clone, Copy)]
pub struct Thing<'q> {
    /// The name of its type: one of the manifest's, or Cedar's.
    pub kind: &'q str,
    /// Its id.
    pub id: &'q str,
    /// What is stated of it.
    pub properties: Option<&'q Properties>,
}

impl<'q> Thing<'q> {
    /// Returns a thing of which nothing is stated.
    #[must_use]
    pub const fn named(kind: &'q str, id: &'q str) -> Self {
        Self { kind, id, properties: None }
    }
}

/// A request to a bundle.
#[derive(Debug, Clone, Copy)]
pub struct Query<'q> {
    /// Who asks.
    pub subject: Thing<'q>,
    /// The name of the action.
    pub action: &'q str,
    /// What is stated of the action.
    pub action_properties: Option<&'q Properties>,
    /// About what.
    pub resource: Thing<'q>,
    /// What is stated beside.
    pub context: Option<&'q Properties>,
}

/// The parts of a request that are the same for all who are sought.
pub(super) struct Prepared<'b> {
    bundle: &'b Bundle,
    pub(super) action: &'b ActionFacts,
    context: Context,
    /// What the context names.
    references: Vec<EntityUid>,
}

impl Bundle {
    /// Returns the decision on a request.
    ///
    /// What does not fit the schema (a type or action that is not there, a stated value of another type than the attribute's) is
    /// denied with the reason, and so is whatever a policy fails on.
    #[must_use]
    pub fn is_authorized(&self, query: &Query<'_>) -> Decision<'static> {
        let judged = self
            .prepare(query.action, query.action_properties, query.context)
            .and_then(|prepared| prepared.judge(query.subject, query.resource));
        judged.unwrap_or_else(|invalid| Decision::error(Fault::Request(Box::new(invalid))))
    }

    pub(super) fn prepare(
        &self,
        action: &str,
        properties: Option<&Properties>,
        context: Option<&Properties>,
    ) -> Result<Prepared<'_>, Invalid> {
        let facts = self.actions.get(action).ok_or_else(|| {
            let help = one_of(self.actions.keys());
            Invalid::value("action.name", action, "an action of this bundle", help)
                .with_kind(InvalidKind::UnknownAction)
        })?;
        if facts.principals.is_empty() || facts.resources.is_empty() {
            let help = "it is a group of actions, or applies to nothing: ask for one that is in it";
            let refusal = Invalid::value("action.name", action, "an action to be taken", help);
            return Err(refusal.with_kind(InvalidKind::UnknownAction));
        }
        let mut members = stated(context, &facts.context);
        let of_action = stated(properties, &facts.of_action);
        if !of_action.is_empty() {
            members.insert("action".to_owned(), Value::Object(of_action));
        }
        if members.is_empty() {
            let (context, references) = (Context::empty(), Vec::new());
            return Ok(Prepared { bundle: self, action: facts, context, references });
        }
        let read =
            Context::from_json_value(Value::Object(members), Some((&self.schema, &facts.uid)));
        let context = read.map_err(|error| misfit("context", "the context", &told(error)))?;
        let mut references = Vec::new();
        for (name, _) in context.clone() {
            if let Some(value) = context.get(&name) {
                note_references(&value, &mut references);
            }
        }
        Ok(Prepared { bundle: self, action: facts, context, references })
    }

    /// Returns an entity as it is known and as it is stated; `None` where nothing is stated that may be.
    fn with_stated(
        &self,
        field: &str,
        known: Option<&Entity>,
        uid: &EntityUid,
        properties: Option<&Properties>,
        assertable: &BTreeSet<String>,
    ) -> Result<Option<Entity>, Invalid> {
        let kind = uid.type_name().to_string();
        let is_stated =
            |name: &&String| assertable.contains(*name) && self.declared.has(&kind, name);
        let (stated, left_out): (Vec<_>, Vec<_>) =
            properties.into_iter().flatten().partition(|(name, _)| is_stated(name));
        if stated.is_empty() {
            return Ok(None);
        }
        let failed = |said: String| {
            let mut invalid = misfit(field, "what is known and stated together", &said);
            if known.is_none() {
                invalid.help += "; of what `entities.json` does not have, all that is required";
            }
            if !left_out.is_empty() {
                let names: Vec<&str> = left_out.iter().map(|(name, _)| name.as_str()).collect();
                let names = shortened(&names.join("`, `"), Invalid::MAX_VALUE);
                invalid.help += "; `bundle.toml` does not let callers state `";
                invalid.help.push_str(&names);
                invalid.help.push('`');
            }
            invalid
        };
        let mut entity = match known {
            Some(known) => known.to_json_value().map_err(|error| failed(told(error)))?,
            None => serde_json::json!({
                "uid": { "type": kind, "id": uid.id().unescaped() }, "attrs": {}, "parents": []
            }),
        };
        if let Some(attributes) = entity.get_mut("attrs").and_then(Value::as_object_mut) {
            for (name, value) in stated {
                match value {
                    // Cedar has no null: who states that there is none is taken at their word.
                    Value::Null => attributes.remove(name),
                    value => attributes.insert(name.clone(), value.clone()),
                };
            }
        }
        let read = Entity::from_json_value(entity, Some(&self.schema));
        read.map(Some).map_err(|error| failed(told(error)))
    }

    /// Returns those of the known entities that `roots` lead to, with `stated` in the places of their own.
    fn reached(
        &self,
        stated: &HashMap<EntityUid, Entity>,
        roots: Vec<EntityUid>,
    ) -> Result<Entities, String> {
        let mut waiting = roots;
        let mut reached: HashSet<EntityUid> = HashSet::new();
        let mut slice = Vec::new();
        while let Some(uid) = waiting.pop() {
            if !reached.insert(uid.clone()) {
                continue;
            }
            waiting.extend(self.leads.get(&uid).into_iter().flatten().cloned());
            if let Some(entity) = stated.get(&uid) {
                for (_, value) in entity.attrs() {
                    note_references(&value.map_err(|error| error.to_string())?, &mut waiting);
                }
                slice.push(entity.clone());
            } else {
                slice.extend(self.entities.get(&uid).cloned());
            }
        }
        Entities::from_entities(slice, None).map_err(|error| error.to_string())
    }
}

impl Prepared<'_> {
    /// Returns the decision on whether a subject may do it to a resource.
    pub(super) fn judge(
        &self,
        subject: Thing<'_>,
        resource: Thing<'_>,
    ) -> Result<Decision<'static>, Invalid> {
        let bundle = self.bundle;
        let uid = |field: &str, thing: &Thing<'_>, fitting: &HashSet<_>| {
            let uid = bundle.uid(thing.kind, thing.id);
            uid.filter(|uid| fitting.contains(uid.type_name())).ok_or_else(|| {
                let of_action = bundle.types.iter().filter(|(_, kind)| fitting.contains(*kind));
                let help = one_of(of_action.map(|(name, _)| name));
                Invalid::value(field, thing.kind, "a type of this action", help)
                    .with_kind(InvalidKind::UnknownType)
            })
        };
        let who = uid("subject.type", &subject, &self.action.principals)?;
        let what = uid("resource.type", &resource, &self.action.resources)?;
        let assert = &bundle.manifest.assert;
        let mut stated = HashMap::new();
        for (field, uid, thing, assertable) in [
            ("subject.properties", &who, &subject, &assert.subject),
            ("resource.properties", &what, &resource, &assert.resource),
        ] {
            if thing.properties.is_none() {
                continue;
            }
            // Who asks about itself may state something of both.
            let known = stated.get(uid).or_else(|| bundle.entities.get(uid));
            let entity = bundle.with_stated(field, known, uid, thing.properties, assertable)?;
            if let Some(entity) = entity {
                stated.insert(uid.clone(), entity);
            }
        }
        let action = self.action.uid.clone();
        let context = self.context.clone();
        let request =
            Request::new(who.clone(), action, what.clone(), context, Some(&bundle.schema));
        let request = request.map_err(|error| misfit("context", "the request", &told(error)))?;
        let unknown = [("subject.id", &who, subject.id), ("resource.id", &what, resource.id)]
            .into_iter()
            .filter(|(_, uid, _)| !stated.contains_key(uid) && bundle.entities.get(uid).is_none())
            .map(|(field, _, id)| (field, id));
        if stated.is_empty() {
            let decision = judge(&[&bundle.policies], &request, &bundle.entities);
            return Ok(with_unknown(decision, unknown));
        }
        let mut roots = vec![who.clone(), what.clone(), self.action.uid.clone()];
        roots.extend(self.references.iter().chain(&bundle.named).cloned());
        let entities = bundle.reached(&stated, roots);
        let entities = entities.map_err(|error| misfit("subject", "what is stated", &error))?;
        Ok(with_unknown(judge(&[&bundle.policies], &request, &entities), unknown))
    }
}

/// Says of a decision that failed what nothing is known of: policies mostly fail by looking at what that has not.
fn with_unknown<'q>(
    mut decision: Decision<'static>,
    unknown: impl Iterator<Item = (&'q str, &'q str)>,
) -> Decision<'static> {
    if decision.reason == Reason::Error {
        let help = "a policy looks at what is known of it: give an id that the bundle has, or state what may be stated";
        let told = unknown.map(|(field, id)| {
            Fault::Request(Box::new(Invalid::value(field, id, "known to this bundle", help)))
        });
        decision.faults = told.chain(std::mem::take(&mut decision.faults)).collect();
    }
    decision
}

/// Names up to a dozen of what would have been right.
fn one_of<'n>(names: impl Iterator<Item = &'n String>) -> String {
    let names: Vec<&str> = names.map(String::as_str).take(12).collect();
    format!("give one of those in the schema: `{}`", names.join("`, `"))
}

/// Returns what is stated of these names, but for nulls, which Cedar has not.
fn stated(properties: Option<&Properties>, names: &[String]) -> Properties {
    let of = |name: &String| {
        let value = properties?.get(name)?;
        (!value.is_null()).then(|| (name.clone(), value.clone()))
    };
    names.iter().filter_map(of).collect()
}

/// Says that something stated does not fit the schema, in Cedar's words.
fn misfit(field: &str, what: &str, said: &str) -> Invalid {
    let message = format!("{what} does not fit the schema of the bundle: {said}");
    Invalid {
        kind: InvalidKind::InvalidValue,
        field: field.to_owned(),
        value: None,
        message: shortened(&message, 500),
        help: "state values of the types that the schema declares".to_owned(),
    }
}
