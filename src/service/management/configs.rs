//! Configs of a workspace: put, shown, deleted. What most of them mean is their readers' to say; switches decide.

use std::collections::{BTreeMap, BTreeSet};

use super::{Caller, Management, permit_on};
use crate::{
    catalog::{KnownConfig, catalog, letters_apart},
    domain::{Config, ConfigName, Invalid, Op, Revision, WorkspaceId, shortened},
    error::{Error, ErrorCode},
    service::{View, keyring::feed},
};

/// Most configs of a workspace.
const MAX_CONFIGS: usize = 200;
/// Most configs one call puts.
const MAX_PER_CALL: usize = 100;
/// Longest value, in bytes.
const MAX_VALUE: usize = 16 * 1_024;
/// Most bytes of all configs of a workspace: names, labels and values.
const MAX_BYTES: usize = 256 * 1_024;
/// Most labels of a config.
const MAX_LABELS: usize = 20;
/// Longest key or value of a label, in characters.
const MAX_LABEL: usize = 128;
/// Characters of the ids of configs behind what they begin with.
const ID_CHARS: usize = 24;
/// How many letters a category is from our own that is taken for a slip.
const NEAR: usize = 3;
/// How the keys of configs begin that forward logs.
const FORWARDS_LOGS: &str = "slsConfig";
/// What whoever forwards logs must be allowed.
///
/// Source: the guide to log forwarding, by way of the policies it shows.
const FORWARDING: [&str; 4] = [
    "log:ListProject",
    "log:GetProductDataCollection",
    "log:OpenProductDataCollection",
    "log:CloseProductDataCollection",
];

/// A config to put.
#[derive(Debug, Clone)]
pub struct NewConfig {
    /// What its fields begin with as the caller spells them, as `Configs[0].`; empty where they stand alone.
    pub within: String,
    /// What it is known by.
    pub name: ConfigName,
    /// Its value.
    pub value: String,
}

/// Returns the id of a config, as lists tell it: made of what it is known by.
#[must_use]
pub fn config_id(workspace: &WorkspaceId, name: &ConfigName) -> String {
    let ConfigName { category, key, labels } = name;
    let parts = [workspace.as_str(), category.as_str(), key.as_str()];
    let labels = labels.iter().flat_map(|(key, value)| [key.as_str(), value.as_str()]);
    let parts: Vec<&[u8]> = parts.into_iter().chain(labels).map(str::as_bytes).collect();
    let mut hasher = blake3::Hasher::new_derive_key("pai-authz 2026 config id v1");
    feed(&mut hasher, &parts);
    let id = hasher.finalize().to_hex();
    format!("config-{}", id.get(..ID_CHARS).unwrap_or(&id))
}

/// Which configs are listed: those for which all of these hold.
#[derive(Debug, Clone, Default)]
pub struct ConfigFilter {
    /// It is of this category.
    pub category: Option<String>,
    /// It has one of these keys.
    pub keys: Option<BTreeSet<String>>,
    /// It has all of these labels.
    pub labels: BTreeMap<String, String>,
}

impl ConfigFilter {
    fn lets_through(&self, name: &ConfigName) -> bool {
        self.category.as_deref().is_none_or(|category| category == name.category.as_str())
            && self.keys.as_ref().is_none_or(|keys| keys.contains(name.key.as_str()))
            && self.labels.iter().all(|(key, value)| name.labels.get(key) == Some(value))
    }
}

impl Management {
    /// Puts configs: all of them or none.
    ///
    /// # Errors
    /// A category, key, label or value that does not fit; [`ErrorCode::LimitExceeded`]; [`ErrorCode::NoPermission`] where
    /// logs are forwarded by somebody who may not; as every write of [`Management`].
    pub async fn put_configs(
        &self,
        caller: &Caller,
        workspace: &WorkspaceId,
        new: &[NewConfig],
    ) -> Result<Revision, Error> {
        check_all(new)?;
        let decide = |view: &View| {
            for config in new {
                check_forwarding(view, caller, &config.name)?;
            }
            let now = self.now();
            let mut ops = Vec::with_capacity(new.len());
            // Nothing keeps a door from being shut: switches are few, and do not count.
            let mut count = view.configs(workspace).filter(|it| !is_switch(&it.name)).count();
            let mut bytes: usize = view.configs(workspace).map(Config::size).sum();
            for NewConfig { name, value, .. } in new {
                let present = view.config(workspace, name);
                if present.is_some_and(|present| present.value == *value) {
                    continue;
                }
                count += usize::from(present.is_none() && !is_switch(name));
                let created = present.map_or(now, |present| present.created);
                let (name, value) = (name.clone(), value.clone());
                let config = Config { name, value, created, modified: now };
                bytes = bytes + config.size() - present.map_or(0, Config::size);
                ops.push(Op::PutConfig(workspace.clone(), config));
            }
            let too_much = |most: usize, what: &str| {
                let help = "delete those nobody reads: DeleteConfig";
                let message = format!("a workspace has at most {most} {what}");
                Error::new(ErrorCode::LimitExceeded, message, help)
            };
            let only_switches = new.iter().all(|config| is_switch(&config.name));
            if only_switches {
                return Ok(ops);
            }
            if count > MAX_CONFIGS {
                return Err(too_much(MAX_CONFIGS, "configs"));
            }
            if bytes > MAX_BYTES {
                return Err(too_much(MAX_BYTES, "bytes of configs"));
            }
            Ok(ops)
        };
        self.change(caller, Some(workspace), decide).await.map(|changed| changed.revision)
    }

    /// Returns the config of a category and key, that without labels where there are several, and the revision it is of.
    ///
    /// # Errors
    /// [`ErrorCode::ConfigNotFound`]; as [`Management::look`].
    pub async fn config(
        &self,
        caller: &Caller,
        workspace: &WorkspaceId,
        filter: &ConfigFilter,
    ) -> Result<(Revision, Config), Error> {
        let view = self.look(caller, Some(workspace)).await?;
        // Those without labels stand first.
        let found = view.configs(workspace).find(|config| filter.lets_through(&config.name));
        let found = found.cloned().ok_or_else(|| not_found(&view, workspace, filter))?;
        Ok((view.revision(), found))
    }

    /// Returns the configs as far as `filter` lets them through, by category, key and labels, and the revision they are of.
    ///
    /// # Errors
    /// As [`Management::look`].
    pub async fn list_configs(
        &self,
        caller: &Caller,
        workspace: &WorkspaceId,
        filter: &ConfigFilter,
    ) -> Result<(Revision, Vec<Config>), Error> {
        let view = self.look(caller, Some(workspace)).await?;
        let all = view.configs(workspace).filter(|config| filter.lets_through(&config.name));
        Ok((view.revision(), all.cloned().collect()))
    }

    /// Deletes the config of a key with exactly these labels. The category may be left open where only one has the key.
    ///
    /// # Errors
    /// [`ErrorCode::ConfigNotFound`]; a key of several categories; [`ErrorCode::NoPermission`] where logs are forwarded by
    /// it and the caller may not do that; as every write of [`Management`].
    pub async fn delete_config(
        &self,
        caller: &Caller,
        workspace: &WorkspaceId,
        filter: &ConfigFilter,
    ) -> Result<Revision, Error> {
        let decide = |view: &View| {
            let all = view.configs(workspace).map(|config| &config.name);
            let mut named =
                all.filter(|name| filter.lets_through(name) && name.labels == filter.labels);
            let name = named.next().ok_or_else(|| not_found(view, workspace, filter))?;
            if let Some(other) = named.next() {
                let help =
                    format!("name one: it stands in `{}` and `{}`", name.category, other.category);
                return Err(Invalid::missing("CategoryName", help).into());
            }
            check_forwarding(view, caller, name)?;
            Ok(vec![Op::RemoveConfig(workspace.clone(), name.clone())])
        };
        self.change(caller, Some(workspace), decide).await.map(|changed| changed.revision)
    }
}

/// Returns the refusal of a config that is not there, by the field that would have to be another.
fn not_found(view: &View, workspace: &WorkspaceId, filter: &ConfigFilter) -> Error {
    let of_key = ConfigFilter { keys: filter.keys.clone(), ..ConfigFilter::default() };
    let of_category = ConfigFilter { category: filter.category.clone(), ..of_key.clone() };
    let is_there = |filter: &ConfigFilter| {
        view.configs(workspace).any(|config| filter.lets_through(&config.name))
    };
    let keys: Vec<&str> = filter.keys.iter().flatten().map(String::as_str).collect();
    let (keys, category) = (keys.join(","), filter.category.clone());
    let (field, value, help) = if is_there(&of_category) {
        let labels = filter.labels.iter().map(|(key, value)| format!("{key}={value}"));
        let help =
            "the key stands there with other labels, which are told by ListConfigs with `Verbose`";
        ("Labels", labels.collect::<Vec<_>>().join(","), help)
    } else if is_there(&of_key) {
        let stated = category.clone().unwrap_or_default();
        ("CategoryName", stated, "the key stands in another category")
    } else {
        ("ConfigKey", keys.clone(), "see ListConfigs for those there are")
    };
    let category = category.map_or(String::new(), |it| format!(" of category `{it}`"));
    let labels = if field == "Labels" { " with just these labels" } else { "" };
    let named = shortened(&format!("`{keys}`{category}{labels}"), 2 * Invalid::MAX_VALUE);
    let message = format!("workspace {workspace} has no config {named}");
    Error::new(ErrorCode::ConfigNotFound, message, help).about(field, &value)
}

/// Returns whether decisions are made on a config.
fn is_switch(name: &ConfigName) -> bool {
    let (category, key) = (name.category.as_str(), name.key.as_str());
    let mut known = catalog().configs().iter().filter(|it| it.is_switch);
    known.any(|it| it.category == Some(category) && it.key == key)
}

/// Refuses what does not fit, whatever is there.
fn check_all(new: &[NewConfig]) -> Result<(), Invalid> {
    if new.is_empty() {
        let help = "give at least one {\"CategoryName\": …, \"ConfigKey\": …, \"ConfigValue\": …}";
        return Err(Invalid::missing("Configs", help));
    }
    if new.len() > MAX_PER_CALL {
        let (count, help) =
            (new.len().to_string(), format!("give at most {MAX_PER_CALL} in one call"));
        return Err(Invalid::value("Configs", &count, "a number of configs that fits", help));
    }
    let mut names = BTreeSet::new();
    for config in new {
        check(config)?;
        if !names.insert(&config.name) {
            let field = format!("{}ConfigKey", config.within);
            let help = "give each config once";
            return Err(Invalid::value(field, config.name.key.as_str(), "named once", help));
        }
    }
    Ok(())
}

fn check(NewConfig { within, name, value }: &NewConfig) -> Result<(), Invalid> {
    let field = |name: &str| format!("{within}{name}");
    check_labels(&field("Labels"), &name.labels)?;
    if value.len() > MAX_VALUE {
        let (len, help) = (value.len().to_string(), format!("give at most {MAX_VALUE} bytes"));
        return Err(Invalid::value(field("ConfigValue"), &len, "a length that fits", help));
    }
    let Some(known) = place(within, name)? else { return Ok(()) };
    if !known.is_switch {
        return Ok(());
    }
    if let Some(key) = name.labels.keys().next() {
        let help = "a switch is one for the whole workspace: leave the labels out";
        return Err(Invalid::unexpected(field("Labels"), key, help));
    }
    if ![Config::ON, Config::OFF].contains(&value.as_str()) {
        let help = format!("give `{}` or `{}`", Config::ON, Config::OFF);
        return Err(Invalid::value(field("ConfigValue"), value, "the value of a switch", help));
    }
    Ok(())
}

/// Returns what is known of a config; `None` for one that is not known and may be kept. Refused is a known key in another
/// category, another key in a known category, and what is a known name but for the case of letters: whoever states it means
/// what is known, and would be heard by nobody.
fn place(within: &str, name: &ConfigName) -> Result<Option<&'static KnownConfig>, Invalid> {
    let (category, key) = (name.category.as_str(), name.key.as_str());
    let all = || catalog().configs().iter();
    let refused = |field: &str, value: &str, expected: String, right: BTreeSet<&str>| {
        let right = right.into_iter().collect::<Vec<_>>().join("` or `");
        Invalid::value(format!("{within}{field}"), value, &expected, format!("give `{right}`"))
    };
    let alike = |known: &str, stated: &str| known != stated && known.eq_ignore_ascii_case(stated);
    // The vendor's names are close to each other, and not all are known; of our own there is no other.
    let is_meant = |it: &&KnownConfig| {
        it.category.is_some_and(|known| {
            alike(known, category)
                || (it.is_own
                    && known != category
                    && letters_apart(known, category, NEAR).is_some())
        })
    };
    if let Some(known) = all().find(is_meant).and_then(|it| it.category) {
        let expected = "a known category".to_owned();
        return Err(refused("CategoryName", category, expected, [known].into()));
    }
    let here = || all().filter(|it| it.category == Some(category));
    if here().next().is_some() {
        let found = here().find(|it| it.key == key);
        let keys = || here().map(|it| it.key).collect();
        return found
            .map(Some)
            .ok_or_else(|| refused("ConfigKey", key, format!("a key of `{category}`"), keys()));
    }
    if let Some(known) = all().map(|it| it.key).find(|it| alike(it, key)) {
        return Err(refused("ConfigKey", key, "a known key".to_owned(), [known].into()));
    }
    let known = || all().filter(|it| it.key == key);
    let categories: BTreeSet<&str> = known().filter_map(|it| it.category).collect();
    if !categories.is_empty() {
        let expected = format!("the category of `{key}`");
        return Err(refused("CategoryName", category, expected, categories));
    }
    // A key whose category is not known stands in any.
    Ok(known().next())
}

fn check_labels(field: &str, labels: &BTreeMap<String, String>) -> Result<(), Invalid> {
    if labels.len() > MAX_LABELS {
        let (count, help) = (labels.len().to_string(), format!("give at most {MAX_LABELS}"));
        return Err(Invalid::value(field, &count, "a number of labels that fits", help));
    }
    let fits = |text: &str| {
        // As they can be written in a query: `=` and `,` stand between them, and what is around them is cut off.
        text.chars().count() <= MAX_LABEL
            && !text.chars().any(|c| c.is_control() || ['=', ','].contains(&c))
            && text.trim() == text
    };
    for (key, value) in labels {
        for (text, may_be_empty) in [(key, false), (value, true)] {
            if !fits(text) || (text.is_empty() && !may_be_empty) {
                let help = format!(
                    "give at most {MAX_LABEL} characters without `=`, `,`, control characters, and white space around them; a key has at least one"
                );
                return Err(Invalid::value(field, text, "a label that fits", help));
            }
        }
    }
    Ok(())
}

/// Refuses the forwarding of logs to those who may not do that in Simple Log Service.
fn check_forwarding(view: &View, caller: &Caller, name: &ConfigName) -> Result<(), Error> {
    if !name.key.as_str().starts_with(FORWARDS_LOGS) {
        return Ok(());
    }
    let region = view.snapshot.engine().region();
    let arn = format!("acs:log:{region}:{}:project/*", caller.account);
    for action in FORWARDING {
        permit_on(view, caller, action, &arn).map_err(|error| match error.code {
            ErrorCode::NoPermission => Error {
                message: format!(
                    "Modify configuration failed [SLS]: No Privilege error: the caller may not `{action}` on `{arn}`"
                ),
                ..error
            },
            _ => error,
        })?;
    }
    Ok(())
}
