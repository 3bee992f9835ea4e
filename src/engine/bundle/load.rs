//! Reads a bundle: nothing that does not validate becomes one.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    str::FromStr,
};

use cedar_policy::{
    Entities, EntityId, EntityTypeName, EntityUid, EvalResult, PolicyId, PolicySet, Schema,
    SchemaFragment, ValidationMode, Validator,
};
use miette::Diagnostic;
use serde_json::Value;

use super::{
    ActionFacts, Bundle, BundleFile, Declared, Faulty, Manifest, manifest,
    told::{Origins, Sayings, told, told_of},
};

/// The names of the other files.
const SCHEMA: &str = "schema.cedarschema";
const ENTITIES: &str = "entities.json";
const POLICIES: &str = ".cedar";

impl Bundle {
    /// Most policies of a bundle.
    pub const MAX_POLICIES: usize = 10_000;
    /// Most entities of a bundle.
    pub const MAX_ENTITIES: usize = 100_000;

    /// Returns whether a file of that name is part of a bundle.
    #[must_use]
    pub fn has_file(name: &str) -> bool {
        [SCHEMA, ENTITIES, manifest::FILE].contains(&name)
            || (name.ends_with(POLICIES) && !name.starts_with('.'))
    }

    /// Returns the bundle of these files.
    ///
    /// # Errors
    /// The first thing that is wrong, with the file it is in.
    pub fn load(files: &[BundleFile]) -> Result<Self, Faulty> {
        let text = |name: &str| {
            let found = files.iter().find(|file| file.name == name);
            found.map(|file| file.text.as_str())
        };
        let needed = |name| text(name).ok_or_else(|| Faulty::of(name, &"it is missing"));
        for file in files.iter().filter(|file| file.name.ends_with(POLICIES) || file.name == SCHEMA)
        {
            check_depth(file)?;
        }
        let manifest = Manifest::read(needed(manifest::FILE)?)?;
        let schema_text = needed(SCHEMA)?;
        let in_schema = |error: &dyn std::fmt::Display| Faulty::of(SCHEMA, error);
        let (schema, found) = Schema::from_cedarschema_str(schema_text)
            .map_err(|error| in_schema(&told_of(schema_text, &error)))?;
        let mut warnings: Vec<String> = found.map(|warning| warning.to_string()).collect();
        let declared = Declared::of(&as_json(schema_text).map_err(|error| in_schema(&error))?);
        let (policies, origins) = policies(files)?;
        warnings.extend(validate(&schema, &policies, &origins)?);
        let entities = entities(&schema, text(ENTITIES))?;
        let types = types(&schema, &manifest)?;
        let actions = actions(&schema, &manifest, &declared)?;
        check_assertable(&manifest, &declared, &actions)?;
        let (ids, leads) = graph(&schema, &entities);
        let mut named: Vec<EntityUid> =
            policies.policies().flat_map(cedar_policy::Policy::entity_literals).collect();
        named.sort_by_cached_key(ToString::to_string);
        named.dedup();
        let referred = named.iter().chain(leads.values().flatten());
        warnings.extend(absent(referred, &ids, &entities, &declared));
        if policies.is_empty() {
            warnings.push("there is no policy: every request is denied".to_owned());
        }
        Ok(Self {
            manifest,
            declared,
            schema,
            policies,
            entities,
            types,
            actions,
            ids,
            leads,
            named,
            warnings,
        })
    }
}

/// How deep a policy or a schema may be nested, and how long a policy or a declaration may be, in bytes. Cedar reads by functions
/// that call themselves, and a stack that overflows ends the process, whoever is served.
const MOST_DEEP: usize = 64;
const MOST_LONG: usize = 64 << 10;

/// Refuses what is nested deeper, or longer, than is read. Brackets in texts and comments count as well: few have many.
fn check_depth(file: &BundleFile) -> Result<(), Faulty> {
    let (mut depth, mut length, mut line) = (0_usize, 0_usize, 1_usize);
    for byte in file.text.bytes() {
        length += 1;
        match byte {
            b'(' | b'[' | b'{' | b'<' => depth += 1,
            b')' | b']' | b'}' | b'>' => depth = depth.saturating_sub(1),
            b';' => (depth, length) = (if file.name == SCHEMA { depth } else { 0 }, 0),
            b'\n' => line += 1,
            _ => {}
        }
        let wrong = match (depth > MOST_DEEP, length > MOST_LONG) {
            (true, _) => format!("line {line}: nested deeper than {MOST_DEEP}"),
            (_, true) => format!(
                "line {line}: longer than {MOST_LONG} bytes without a `;`: write more policies, or use groups"
            ),
            _ => continue,
        };
        return Err(Faulty::of(&file.name, &wrong));
    }
    Ok(())
}

fn as_json(schema: &str) -> Result<Value, String> {
    let (fragment, _) = SchemaFragment::from_cedarschema_str(schema).map_err(told)?;
    fragment.to_json_value().map_err(told)
}

/// Reads the policies, each under the id of its `@id`, or its file and its place there.
fn policies(files: &[BundleFile]) -> Result<(PolicySet, Origins<'_>), Faulty> {
    let (mut all, mut origins) = (PolicySet::new(), Origins::new());
    let mut is_there = false;
    for file in files.iter().filter(|file| file.name.ends_with(POLICIES)) {
        is_there = true;
        let wrong = |detail: &dyn std::fmt::Display| Faulty::of(&file.name, detail);
        let read = PolicySet::from_str(&file.text);
        let read = read.map_err(|error| wrong(&told_of(&file.text, &error)))?;
        if read.num_of_templates() > 0 {
            return Err(wrong(
                &"it has a template: write policies without `?principal` and `?resource`",
            ));
        }
        let mut policies: Vec<_> = read.policies().collect();
        // Cedar numbers them as they stand, `policy0` and on, and gives them out in no order.
        policies.sort_by_key(|policy| number(policy.id()));
        for policy in policies {
            let id = match policy.annotation("id") {
                Some(id) if !id.is_empty() => id.to_owned(),
                _ => format!("{}#{}", file.name, number(policy.id())),
            };
            let named = PolicyId::new(&id);
            all.add(policy.new_id(named.clone())).map_err(|_| {
                wrong(&format!(
                    "`@id(\"{id}\")` stands twice in the bundle: give each policy its own"
                ))
            })?;
            origins.insert(named, file);
        }
    }
    if !is_there {
        return Err(Faulty::of("*.cedar", &"there is no file of policies"));
    }
    let count = all.policies().count();
    if count > Bundle::MAX_POLICIES {
        let detail = format!("{count} policies are more than {}", Bundle::MAX_POLICIES);
        return Err(Faulty::of("*.cedar", &detail));
    }
    Ok((all, origins))
}

fn number(id: &PolicyId) -> usize {
    let id: &str = id.as_ref();
    id.strip_prefix("policy").and_then(|number| number.parse().ok()).unwrap_or(usize::MAX)
}

/// Validates policies strictly, and returns what is only suspicious.
fn validate(
    schema: &Schema,
    policies: &PolicySet,
    origins: &Origins<'_>,
) -> Result<Vec<String>, Faulty> {
    let found = Validator::new(schema.clone()).validate(policies, ValidationMode::Strict);
    let errors = found.validation_errors().map(|it| (it as &dyn Diagnostic, it.policy_id()));
    if let Some(fault) = Sayings::of(errors, origins).fault() {
        return Err(fault);
    }
    let warnings = found.validation_warnings().map(|it| (it as &dyn Diagnostic, it.policy_id()));
    Ok(Sayings::of(warnings, origins).each())
}

fn entities(schema: &Schema, text: Option<&str>) -> Result<Entities, Faulty> {
    // Actions and their groups are entities as well; Cedar adds them.
    let read = Entities::from_json_str(text.unwrap_or("[]"), Some(schema));
    let entities = read.map_err(|error| Faulty::of(ENTITIES, &told(error)))?;
    let count = entities.iter().count();
    if count > Bundle::MAX_ENTITIES {
        let detail = format!("{count} entities are more than {}", Bundle::MAX_ENTITIES);
        return Err(Faulty::of(ENTITIES, &detail));
    }
    Ok(entities)
}

/// Returns the Cedar type of each name that callers may use: those the manifest gives, and else Cedar's own, with and without
/// the namespace.
fn types(schema: &Schema, manifest: &Manifest) -> Result<BTreeMap<String, EntityTypeName>, Faulty> {
    let wrong = |detail: String| Faulty::of(manifest::FILE, &detail);
    let known: Vec<&EntityTypeName> = schema.defined_entity_types().collect();
    let mut types = BTreeMap::new();
    for kind in &known {
        types.insert(kind.to_string(), (*kind).clone());
        let short = kind.to_string();
        let short = short.rsplit("::").next().unwrap_or_default();
        if manifest.qualified(short) == kind.to_string() {
            types.insert(short.to_owned(), (*kind).clone());
        }
    }
    for (outside, inside) in manifest.types() {
        let kind = known.iter().find(|kind| kind.to_string() == inside);
        let kind = kind.ok_or_else(|| {
            wrong(format!("`types.\"{outside}\"`: the schema has no entity type `{inside}`"))
        })?;
        let before = types.insert(outside.to_owned(), (*kind).clone());
        if before.is_some_and(|before| before != **kind) {
            return Err(wrong(format!("`types.\"{outside}\"`: that is the name of another type")));
        }
    }
    Ok(types)
}

fn actions(
    schema: &Schema,
    manifest: &Manifest,
    declared: &Declared,
) -> Result<BTreeMap<String, ActionFacts>, Faulty> {
    let action_type = manifest.qualified("Action");
    let mut actions = BTreeMap::new();
    for uid in schema.actions() {
        // Actions of other namespaces cannot be asked for: their ids might be the same.
        if uid.type_name().to_string() != action_type {
            continue;
        }
        let id = uid.id().unescaped();
        let namespace = action_type.rsplit_once("::").map_or("", |(namespace, _)| namespace);
        let context = declared.context(namespace, id);
        let handed = |declared: Option<&BTreeSet<String>>, listed: &BTreeSet<String>| {
            declared.into_iter().flatten().filter(|name| listed.contains(*name)).cloned().collect()
        };
        let principals = schema.principals_for_action(uid).into_iter().flatten().cloned().collect();
        let resources = schema.resources_for_action(uid).into_iter().flatten().cloned().collect();
        let facts = ActionFacts {
            uid: uid.clone(),
            principals,
            resources,
            context: handed(context.map(|it| &it.members), &manifest.assert.context),
            of_action: handed(context.map(|it| &it.of_action), &manifest.assert.action),
        };
        actions.insert(id.to_owned(), facts);
    }
    if actions.is_empty() {
        let detail =
            format!("the schema has no action of the type `{action_type}`: see `namespace`");
        return Err(Faulty::of(manifest::FILE, &detail));
    }
    Ok(actions)
}

/// Refuses names that nothing could be stated of: a misspelled one must not silently be none.
fn check_assertable(
    manifest: &Manifest,
    declared: &Declared,
    actions: &BTreeMap<String, ActionFacts>,
) -> Result<(), Faulty> {
    let assert = &manifest.assert;
    let one_has = |kinds: fn(&ActionFacts) -> &HashSet<EntityTypeName>, name: &str| {
        let mut kinds = actions.values().flat_map(kinds);
        kinds.any(|kind| declared.has(&kind.to_string(), name))
    };
    let of_subject = |name: &String| one_has(|action| &action.principals, name);
    let of_resource = |name: &String| one_has(|action| &action.resources, name);
    let member =
        |name: &String| name != "action" && declared.contexts().any(|it| it.members.contains(name));
    let of_action = |name: &String| declared.contexts().any(|it| it.of_action.contains(name));
    let unknown = [
        (
            "subject",
            assert.subject.iter().find(|name| !of_subject(name)),
            "no type that is the principal of an action has it",
        ),
        (
            "resource",
            assert.resource.iter().find(|name| !of_resource(name)),
            "no type that is the resource of an action has it",
        ),
        (
            "context",
            assert.context.iter().find(|name| !member(name)),
            "no action has it in its context",
        ),
        (
            "action",
            assert.action.iter().find(|name| !of_action(name)),
            "no action has it in the record `action` of its context",
        ),
    ];
    for (place, name, why) in unknown {
        if let Some(name) = name {
            return Err(Faulty::of(manifest::FILE, &format!("`assert.{place}`: `{name}`: {why}")));
        }
    }
    Ok(())
}

type Graph = (HashMap<EntityTypeName, Vec<String>>, HashMap<EntityUid, Vec<EntityUid>>);

/// Returns the ids of each type, and what each entity leads to.
fn graph(schema: &Schema, entities: &Entities) -> Graph {
    let (mut ids, mut leads): Graph = (HashMap::new(), HashMap::new());
    let known: HashSet<&EntityTypeName> = schema.defined_entity_types().collect();
    for entity in entities.iter() {
        let uid = entity.uid();
        if known.contains(uid.type_name()) {
            let of_type = ids.entry(uid.type_name().clone()).or_default();
            of_type.push(EntityId::unescaped(uid.id()).to_owned());
        }
        let mut to: Vec<EntityUid> =
            entities.ancestors(&uid).into_iter().flatten().cloned().collect();
        for (_, value) in entity.attrs().chain(entity.tags()) {
            if let Ok(value) = value {
                note_references(&value, &mut to);
            }
        }
        leads.insert(uid, to);
    }
    for of_type in ids.values_mut() {
        of_type.sort_unstable();
    }
    (ids, leads)
}

/// Says which entities are referred to that are not there, of types of which some are: a misspelled role has nobody in it.
fn absent<'e>(
    referred: impl Iterator<Item = &'e EntityUid>,
    ids: &HashMap<EntityTypeName, Vec<String>>,
    entities: &Entities,
    declared: &Declared,
) -> Option<String> {
    let is_absent = |uid: &&EntityUid| {
        let kind = uid.type_name();
        ids.contains_key(kind)
            && !declared.is_enumerated(&kind.to_string())
            && entities.get(uid).is_none()
    };
    let names: BTreeSet<String> = referred.filter(is_absent).map(ToString::to_string).collect();
    let first: Vec<String> = names.iter().take(3).map(|name| format!("`{name}`")).collect();
    let more = match names.len().saturating_sub(first.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let first = (!first.is_empty()).then(|| first.join(", "))?;
    Some(format!("policies or entities refer to {first}{more}: `{ENTITIES}` has no such entity"))
}

/// Notes the entities that a value names.
pub(super) fn note_references(value: &EvalResult, into: &mut Vec<EntityUid>) {
    match value {
        EvalResult::EntityUid(uid) => into.push(uid.clone()),
        EvalResult::Set(set) => set.iter().for_each(|value| note_references(value, into)),
        EvalResult::Record(record) => {
            record.iter().for_each(|(_, value)| note_references(value, into));
        }
        EvalResult::Bool(_)
        | EvalResult::Long(_)
        | EvalResult::String(_)
        | EvalResult::ExtensionValue(_) => {}
    }
}
