//! Configs of workspaces, as AIWorkSpace 2021-02-04 has them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Call, parse, query::Query, query::separated, time, with};
use crate::{
    domain::{Config, ConfigCategory, ConfigKey, ConfigName, Invalid},
    error::Error,
    http::object::Object,
    service::{ConfigFilter, NewConfig, config_id},
};

/// A config as it is stated.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase", default)]
struct Stated {
    category_name: Option<String>,
    config_key: Option<String>,
    config_value: Option<String>,
    labels: Vec<Object<Label>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase", default)]
struct Label {
    key: Option<String>,
    value: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase", default)]
struct UpdateBody {
    configs: Vec<Object<Stated>>,
}

impl Stated {
    /// Returns the config; its fields begin with `within`.
    fn into_domain(self, within: String) -> Result<NewConfig, Invalid> {
        let field = |name: &str| format!("{within}{name}");
        let missing = |name: &str, help: &str| Invalid::missing(field(name), help);
        let category =
            self.category_name.ok_or_else(|| missing("CategoryName", ConfigCategory::FORM.help))?;
        let key = self.config_key.ok_or_else(|| missing("ConfigKey", ConfigKey::FORM.help))?;
        let help = "give a text, of a switch `true` or `false`; DeleteConfig deletes";
        let value = self.config_value.ok_or_else(|| missing("ConfigValue", help))?;
        let mut labels = BTreeMap::new();
        for (index, Object(label)) in self.labels.into_iter().enumerate() {
            let field = field(&format!("Labels[{index}].Key"));
            let key = label.key.ok_or_else(|| Invalid::missing(&field, "name the label"))?;
            if labels.insert(key.clone(), label.value.unwrap_or_default()).is_some() {
                return Err(Invalid::value(field, &key, "named once", "give each label once"));
            }
        }
        let name = ConfigName {
            category: parse(&field("CategoryName"), &category, ConfigCategory::parse)?,
            key: parse(&field("ConfigKey"), &key, ConfigKey::parse)?,
            labels,
        };
        Ok(NewConfig { within, name, value })
    }
}

/// `UpdateConfigs`.
pub(super) async fn update_all(call: Call) -> Result<Answer, Error> {
    call.query(&[])?;
    let workspace = call.workspace()?;
    let body: UpdateBody = call.body()?;
    let stated = body.configs.into_iter().enumerate();
    let new = stated.map(|(index, Object(it))| it.into_domain(format!("Configs[{index}].")));
    let new: Vec<NewConfig> = new.collect::<Result<_, _>>()?;
    call.management.put_configs(&call.caller, &workspace, &new).await.map(Answer::done)
}

/// `UpdateConfig`.
pub(super) async fn update(call: Call) -> Result<Answer, Error> {
    call.query(&[])?;
    let workspace = call.workspace()?;
    let new = call.body::<Stated>()?.into_domain(String::new())?;
    call.management.put_configs(&call.caller, &workspace, &[new]).await.map(Answer::done)
}

/// `GetConfig`.
pub(super) async fn get(call: Call) -> Result<Answer, Error> {
    let workspace = call.workspace()?;
    let query = call.query(&["CategoryName", "ConfigKey", "Verbose"])?;
    call.no_body()?;
    query.flag("Verbose")?;
    let category = query.required("CategoryName", ConfigCategory::FORM.help)?;
    let key = query.required("ConfigKey", ConfigKey::FORM.help)?;
    let filter = ConfigFilter {
        category: Some(category.to_owned()),
        keys: Some([key.to_owned()].into()),
        labels: BTreeMap::new(),
    };
    let (revision, config) = call.management.config(&call.caller, &workspace, &filter).await?;
    let mut body = common(&config);
    body = with(body, "CategoryName", config.name.category.as_str());
    body = with(body, "Labels", labels(&config.name));
    body = with(body, "WorkspaceId", workspace.as_str());
    Answer::new(revision, body)
}

/// `ListConfigs`.
pub(super) async fn list(call: Call) -> Result<Answer, Error> {
    let workspace = call.workspace()?;
    let query = call.query(&["CategoryName", "ConfigKeys", "Labels", "Verbose", "Options"])?;
    call.no_body()?;
    let is_verbose = query.flag("Verbose")?.unwrap_or(false);
    // What it asks for is what is done anyhow: an error is told.
    query.one_of("Options", &["ThrowExceptionOnError"])?;
    let filter = ConfigFilter {
        category: query.get("CategoryName").map(str::to_owned),
        keys: query.set("ConfigKeys"),
        labels: stated_labels(&query)?,
    };
    let (revision, configs) =
        call.management.list_configs(&call.caller, &workspace, &filter).await?;
    let item = |config: &Config| {
        let mut body = with(common(config), "ConfigId", config_id(&workspace, &config.name));
        if is_verbose {
            body = with(body, "Labels", labels(&config.name));
        }
        body
    };
    let items: Vec<Value> = configs.iter().map(item).collect();
    Answer::new(revision, json!({ "TotalCount": items.len(), "Configs": items }))
}

/// `DeleteConfig`.
pub(super) async fn delete(call: Call) -> Result<Answer, Error> {
    let workspace = call.workspace()?;
    let query = call.query(&["CategoryName", "Labels"])?;
    call.no_body()?;
    let filter = ConfigFilter {
        category: query.get("CategoryName").map(str::to_owned),
        keys: Some([call.argument(1)?.to_owned()].into()),
        labels: stated_labels(&query)?,
    };
    call.management.delete_config(&call.caller, &workspace, &filter).await.map(Answer::done)
}

/// Returns the labels of a query, as `k1=v1,k2=v2`.
fn stated_labels(query: &Query) -> Result<BTreeMap<String, String>, Invalid> {
    let Some(text) = query.get("Labels") else { return Ok(BTreeMap::new()) };
    let help = "give labels as `key=value`, with commas between them, each key once";
    let wrong = || Invalid::value("Labels", text, "a list of labels", help);
    let mut labels = BTreeMap::new();
    let parts = separated(text);
    if parts.is_empty() {
        return Err(wrong());
    }
    for part in parts {
        let (key, value) = part.split_once('=').ok_or_else(wrong)?;
        if key.is_empty() || labels.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(wrong());
        }
    }
    Ok(labels)
}

fn labels(name: &ConfigName) -> Vec<Value> {
    let labels = name.labels.iter();
    labels.map(|(key, value)| json!({ "Key": key, "Value": value })).collect()
}

fn common(config: &Config) -> Value {
    json!({
        "ConfigKey": config.name.key.as_str(),
        "ConfigValue": config.value,
        "GmtCreateTime": time(config.created),
        "GmtModifiedTime": time(config.modified),
    })
}
