//! The tables there are, and what stands in a row of each, as the files have it.

use std::collections::HashMap;

use serde::Deserialize;

use super::file::Text;

macro_rules! table {
    ($name:literal) => {
        ($name, include_str!(concat!("../../schema/catalog/", $name, ".json")))
    };
}

pub(super) const MODULES: (&str, &str) = table!("modules");
pub(super) const TYPES: (&str, &str) = table!("types");
pub(super) const LEVELS: (&str, &str) = table!("levels");
pub(super) const ROLES: (&str, &str) = table!("roles");
pub(super) const MARKS: (&str, &str) = table!("marks");
pub(super) const RAM_CODES: (&str, &str) = table!("ram_codes");

pub(super) const PERMISSIONS: [(&str, &str); 21] = [
    table!("permissions/general"),
    table!("permissions/workspace"),
    table!("permissions/memberrole"),
    table!("permissions/resource"),
    table!("permissions/config"),
    table!("permissions/connection"),
    table!("permissions/dlc"),
    table!("permissions/dsw"),
    table!("permissions/designer"),
    table!("permissions/paiflow"),
    table!("permissions/eas"),
    table!("permissions/dataset"),
    table!("permissions/model"),
    table!("permissions/image"),
    table!("permissions/codesource"),
    table!("permissions/experiment"),
    table!("permissions/training"),
    table!("permissions/automl"),
    table!("permissions/langstudio"),
    table!("permissions/artlab"),
    table!("permissions/component"),
];

pub(super) const RAM_ACTIONS: [(&str, &str); 26] = [
    table!("ram/datasetacc"),
    table!("ram/eas"),
    table!("ram/featurestore"),
    table!("ram/log"),
    table!("ram/pai"),
    table!("ram/paiabtest"),
    table!("ram/paiartlab"),
    table!("ram/paiautoml"),
    table!("ram/paicodesource"),
    table!("ram/paicomponentmanagement"),
    table!("ram/paidataset"),
    table!("ram/paidesigner"),
    table!("ram/paidlc"),
    table!("ram/paidsw"),
    table!("ram/paiexperiment"),
    table!("ram/paiflow"),
    table!("ram/paiimage"),
    table!("ram/paiitag"),
    table!("ram/pailangstudio"),
    table!("ram/paillmtrace"),
    table!("ram/paimodel"),
    table!("ram/paiplugin"),
    table!("ram/pairec"),
    table!("ram/ram"),
    table!("ram/paitraining"),
    table!("ram/paiworkspace"),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModuleRow {
    pub(super) module: Text,
    pub(super) title: Text,
    pub(super) api_module: Option<Text>,
    pub(super) ram_code: Text,
    pub(super) entities: bool,
    pub(super) main_type: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TypeRow {
    #[serde(rename = "type")]
    pub(super) name: Text,
    pub(super) modules: Vec<Text>,
    pub(super) arn: Text,
    pub(super) status: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LevelRow {
    pub(super) permission_type: Text,
    pub(super) console: Text,
    pub(super) read: Text,
    pub(super) write: Text,
    pub(super) manage: Text,
    pub(super) workspace_all: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RoleRow {
    pub(super) code: Text,
    pub(super) label: Text,
    #[serde(rename = "type")]
    pub(super) role_type: Text,
    pub(super) column: Text,
    pub(super) shared_with_dataworks: bool,
    #[expect(dead_code, reason = "a fact for the DataWorks connector, kept beside the others")]
    pub(super) dataworks_role_code: Option<Text>,
    pub(super) removable: bool,
    pub(super) note: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MarksRow {
    pub(super) marks: Text,
    #[expect(dead_code, reason = "for the reader: how many rows follow this reading")]
    pub(super) rows: u32,
    pub(super) confidence: Text,
    pub(super) reason: Text,
    pub(super) alternatives: Vec<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RamCodeRow {
    pub(super) code: Text,
    pub(super) covers: Text,
    pub(super) status: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PointRow {
    pub(super) code: Text,
    #[serde(default)]
    pub(super) variant: Option<Text>,
    pub(super) access: Text,
    pub(super) scope: Text,
    pub(super) managed: Text,
    pub(super) grants: HashMap<String, String>,
    #[serde(default)]
    pub(super) published: HashMap<String, String>,
    #[serde(default)]
    pub(super) allowed_unless_denied: bool,
    #[serde(default)]
    pub(super) issues_credentials: bool,
    #[serde(default)]
    pub(super) resource: Option<Text>,
    #[serde(default)]
    pub(super) source_spelling: Option<Text>,
    pub(super) marks: Text,
    pub(super) confidence: Text,
    pub(super) description: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RamRow {
    pub(super) action: Text,
    #[serde(default)]
    pub(super) permission: Option<Text>,
    pub(super) access: Text,
    #[serde(default)]
    #[expect(dead_code, reason = "a fact for the document checks, kept beside the others")]
    pub(super) resource_type: Option<Text>,
    pub(super) arns: Vec<Text>,
    #[serde(default)]
    pub(super) condition_keys: Vec<Text>,
    pub(super) status: Text,
    pub(super) arn_status: Text,
    #[serde(default)]
    pub(super) api: Vec<Text>,
    #[serde(default)]
    pub(super) canonical_action: Option<Text>,
    #[serde(default)]
    pub(super) probable_action: Option<Text>,
    #[serde(default)]
    pub(super) aliases: Vec<Text>,
    #[serde(default)]
    pub(super) alternative_actions: Vec<Text>,
    #[serde(default)]
    pub(super) note: Option<Text>,
    #[expect(dead_code, reason = "for the reader: which pages print the action")]
    pub(super) sources: Vec<Text>,
}
