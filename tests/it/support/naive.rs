//! The meaning of a decision, written a second time as plainly as possible, to hold the engine against.
//!
//! Reads `schema/catalog` by itself and shares nothing with `catalog` and `engine`: no Cedar, no policies, no
//! groups, no indexes. Cells are strings of letters as the tables write them: `p` own private, `P` others' private,
//! `u` own public, `U` others' public. Rule by rule it follows "What a decision is" of the design.

use std::{collections::BTreeMap, fs, path::PathBuf};

use pai_authz::domain::{
    AccountRecords, ConfigName, CustomRole, Op, PermissionRule, Question, RoleRef,
};
use serde_json::Value;

/// The letters of all cells.
pub(crate) const ALL: &str = "pPuU";

/// What the reference answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The question is incomplete or contradicts itself.
    Refused,
    /// Something grants.
    Allow,
    /// Nothing grants.
    Deny,
}

/// A permission code as the tables have it.
#[derive(Debug)]
pub(crate) struct Code {
    pub(crate) name: String,
    pub(crate) ram_action: String,
    pub(crate) module: String,
    pub(crate) scope: String,
    pub(crate) allowed_unless_denied: bool,
    /// Whether the code has a row for official images.
    pub(crate) official: bool,
    access: String,
    managed: String,
    grants: BTreeMap<String, String>,
}

impl Code {
    /// Returns whether a role can hold the code at all.
    pub(crate) fn is_holdable(&self) -> bool {
        self.managed != "ram" && self.scope != "account"
    }
}

/// A section of the permission table.
#[derive(Debug)]
pub(crate) struct Module {
    pub(crate) name: String,
    /// Its name in custom roles, where it has one.
    pub(crate) api_name: Option<String>,
    /// Whether creator and accessibility matter in it.
    pub(crate) entities: bool,
    /// The type of what a request is about that names none.
    pub(crate) main_type: Option<String>,
}

/// The tables.
#[derive(Debug)]
pub(crate) struct Tables {
    pub(crate) codes: Vec<Code>,
    pub(crate) modules: Vec<Module>,
    /// RAM actions that are no permission code.
    pub(crate) ram_only: Vec<String>,
    levels: BTreeMap<String, BTreeMap<String, String>>,
    columns: BTreeMap<String, String>,
    /// Resource types and the modules they belong to.
    pub(crate) types: BTreeMap<String, Vec<String>>,
    /// Resource types and the form of what follows the account in their ARNs.
    pub(crate) forms: BTreeMap<String, String>,
    /// RAM actions and the first form of an ARN they have.
    pub(crate) ram_arns: BTreeMap<String, String>,
    /// Switches by category and key, with the codes they forbid when they are off.
    pub(crate) switches: BTreeMap<(String, String), Vec<String>>,
}

impl Tables {
    pub(crate) fn read() -> Self {
        let mut modules = Vec::new();
        for row in rows("modules.json") {
            modules.push(Module {
                name: text(&row, "module"),
                api_name: field(&row, "api_module").as_str().map(str::to_owned),
                entities: field(&row, "entities").as_bool().expect("a boolean"),
                main_type: field(&row, "main_type").as_str().map(str::to_owned),
            });
        }
        let mut ram_of = BTreeMap::new();
        let (mut ram_only, mut ram_arns) = (Vec::new(), BTreeMap::new());
        for file in files("ram") {
            for row in rows(&file) {
                let forms = field(&row, "arns").as_array();
                if let Some(form) = forms.and_then(|forms| forms.first()?.as_str()) {
                    ram_arns.insert(text(&row, "action"), form.to_owned());
                }
                match field(&row, "permission").as_str() {
                    Some(code) => {
                        ram_of.insert(code.to_owned(), text(&row, "action"));
                    }
                    None => ram_only.push(text(&row, "action")),
                }
            }
        }
        let mut codes: Vec<Code> = Vec::new();
        let mut official = Vec::new();
        for file in files("permissions") {
            let module = text(&json(&file), "module");
            for row in rows(&file) {
                let name = text(&row, "code");
                if field(&row, "variant").as_str() == Some("official") {
                    official.push(name);
                    continue;
                }
                codes.push(Code {
                    ram_action: ram_of.get(&name).expect("a RAM action").clone(),
                    name,
                    module: module.clone(),
                    scope: text(&row, "scope"),
                    allowed_unless_denied: *field(&row, "allowed_unless_denied")
                        == Value::Bool(true),
                    official: false,
                    access: text(&row, "access"),
                    managed: text(&row, "managed"),
                    grants: strings(field(&row, "grants")),
                });
            }
        }
        for code in &mut codes {
            code.official = official.contains(&code.name);
        }
        Self {
            codes,
            modules,
            ram_only,
            levels: rows("levels.json")
                .iter()
                .map(|row| (text(row, "permission_type"), strings(row)))
                .collect(),
            columns: rows("roles.json")
                .iter()
                .map(|row| (text(row, "code"), text(row, "column")))
                .collect(),
            types: rows("types.json")
                .iter()
                .map(|row| {
                    let modules = field(row, "modules").as_array().expect("a list").iter();
                    let names = modules.map(|m| m.as_str().expect("a string").to_owned());
                    (text(row, "type"), names.collect())
                })
                .collect(),
            forms: rows("types.json")
                .iter()
                .map(|it| (text(it, "type"), text(it, "arn")))
                .collect(),
            ram_arns,
            switches: rows("configs.json")
                .iter()
                .filter(|it| text(it, "kind") == "switch")
                .map(|it| {
                    let forbids = field(it, "forbids").as_array().expect("a list").iter();
                    let names = forbids.map(|code| code.as_str().expect("a string").to_owned());
                    ((text(it, "category"), text(it, "key")), names.collect())
                })
                .collect(),
        }
    }

    /// Returns the codes that a config forbids in its workspace by its value.
    pub(crate) fn forbidden_by(&self, name: &ConfigName, value: &str) -> &[String] {
        let place = (name.category.to_string(), name.key.to_string());
        let forbids = self.switches.get(&place).map_or(&[][..], Vec::as_slice);
        if value == "true" || !name.labels.is_empty() { &[] } else { forbids }
    }

    pub(crate) fn code(&self, name: &str) -> Option<&Code> {
        self.codes.iter().find(|code| code.name == name || code.ram_action == name)
    }

    pub(crate) fn module(&self, name: &str) -> &Module {
        self.modules.iter().find(|module| module.name == name).expect("a known module")
    }

    /// Returns the letters of the cells a built-in role grants on a code.
    pub(crate) fn builtin(&self, role: &str, code: &Code) -> String {
        if code.scope == "account" {
            return String::new();
        }
        let column = self.columns.get(role).expect("a known role");
        letters(code.grants.get(column).map_or("", String::as_str))
    }

    /// Returns the letters of the cells a custom role grants on a code.
    pub(crate) fn custom(&self, role: &CustomRole, code: &Code) -> String {
        let module = self.module(&code.module);
        let entry =
            role.modules.iter().find(|entry| Some(&entry.module) == module.api_name.as_ref());
        let Some(entry) = entry else { return String::new() };
        if !code.is_holdable() {
            return String::new();
        }
        let level = entry.permission_type.as_str();
        if level == "CustomPermissions" {
            let grants = entry.permissions.iter().filter(|g| g.codes.contains(&code.name));
            return grants.flat_map(|grant| &grant.rules).map(|rule| covers(*rule)).collect();
        }
        let row = self.levels.get(level).expect("a known level");
        let part =
            if code.scope == "workspace_all" { "workspace_all" } else { code.access.as_str() };
        let granted = letters(row.get(part).expect("a known part of a level"));
        let by_cell = module.entities && code.scope == "own_and_public";
        if granted.is_empty() || by_cell { granted } else { ALL.to_owned() }
    }

    /// Returns the answer to a question about an account in which no switch is off; of those the book knows.
    pub(crate) fn answer(&self, records: &AccountRecords, question: &Question<'_>) -> Answer {
        let name = question.action.expect("generated questions name an action");
        let code = self.code(name);
        let scope = code.map_or("ram_only", |code| code.scope.as_str());
        let official = question.resource_type == Some("official-image");
        let types_match = match (question.resource_type, code) {
            (Some(stated), Some(code)) => {
                self.types.get(stated).is_some_and(|modules| modules.contains(&code.module))
                    && (!official || code.official)
            }
            (Some(_), None) => false,
            (None, Some(code)) => {
                scope == "account" || self.module(&code.module).main_type.is_some()
            }
            (None, None) => true,
        };
        let placed = match scope {
            "account" => question.workspace.is_none(),
            "ram_only" => true,
            _ => official || question.workspace.is_some(),
        };
        let described = scope != "own_and_public"
            || official
            || (question.creator.is_some() && question.accessibility.is_some());
        if !types_match || !placed || !described {
            return Answer::Refused;
        }
        let granted = is_known(records, question)
            && workspace_exists(records, question)
            && (is_account(records, question)
                || has_unless_denied(question, code)
                || self.has_by_role(records, question, code));
        if granted { Answer::Allow } else { Answer::Deny }
    }

    fn has_by_role(
        &self,
        records: &AccountRecords,
        question: &Question<'_>,
        code: Option<&Code>,
    ) -> bool {
        let (Some(code), Some(workspace)) = (code, question.workspace) else { return false };
        let id = question.principal_id.expect("an id");
        let mut memberships = records
            .ops()
            .filter_map(|op| if let Op::PutMember(at, m) = op { Some((at, m)) } else { None });
        let Some((_, member)) =
            memberships.find(|(w, m)| w.as_str() == workspace && m.principal.as_str() == id)
        else {
            return false;
        };
        member.roles.iter().any(|role| {
            let cells = match role {
                RoleRef::Builtin(role) => self.builtin(role.code(), code),
                RoleRef::Custom(id) => records
                    .roles
                    .iter()
                    .find(|((w, r), _)| w.as_str() == workspace && r == id)
                    .map_or(String::new(), |(_, role)| self.custom(role, code)),
            };
            match (question.creator, question.accessibility) {
                (Some(creator), Some(accessibility)) => cells.contains(letter(
                    creator == question.principal_id.unwrap_or(""),
                    accessibility,
                )),
                _ => ALL.chars().all(|cell| cells.contains(cell)),
            }
        })
    }
}

fn is_known(records: &AccountRecords, question: &Question<'_>) -> bool {
    let (kind, id) = (question.principal_type, question.principal_id.expect("an id"));
    let recorded = records.identities.get(id).map(|i| i.principal.kind.as_str());
    is_account(records, question) || (kind != Some("Account") && recorded == kind)
}

fn workspace_exists(records: &AccountRecords, question: &Question<'_>) -> bool {
    question.workspace.is_none_or(|id| records.workspaces.contains_key(id))
}

fn has_unless_denied(question: &Question<'_>, code: Option<&Code>) -> bool {
    let official = question.resource_type == Some("official-image");
    question.principal_type == Some("User")
        && code.is_some_and(|c| c.allowed_unless_denied || (c.official && official))
}

fn is_account(records: &AccountRecords, question: &Question<'_>) -> bool {
    let id = question.principal_id == Some(records.account.as_str());
    id && matches!(question.principal_type, Some("Account" | "User"))
}

/// Returns the letter of the cell an asset is in.
pub(crate) fn letter(own: bool, accessibility: &str) -> char {
    match (own, accessibility == "PUBLIC") {
        (true, false) => 'p',
        (false, false) => 'P',
        (true, true) => 'u',
        (false, true) => 'U',
    }
}

/// Returns the letters of the cells a rule covers.
fn covers(rule: PermissionRule) -> &'static str {
    match (rule.accessibility.as_str(), rule.entity_access.as_str()) {
        ("PUBLIC", _) => "uU",
        ("PRIVATE", "CREATOR") => "p",
        ("PRIVATE", _) => "pP",
        (_, "CREATOR") => "pu",
        _ => ALL,
    }
}

/// Returns the granted letters of cells as the tables write them.
fn letters(cells: &str) -> String {
    cells.replace('-', "")
}

fn json(file: &str) -> Value {
    let path = catalog().join(file);
    let text = fs::read_to_string(&path).expect("a file of the catalogue");
    serde_json::from_str(&text).expect("a table")
}

fn catalog() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("schema/catalog")
}

fn files(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(catalog().join(folder)).expect("a folder of the catalogue");
    let names = entries.map(|e| e.expect("an entry").file_name().into_string().expect("a name"));
    let mut files: Vec<String> = names.map(|name| format!("{folder}/{name}")).collect();
    files.sort();
    files
}

fn rows(file: &str) -> Vec<Value> {
    field(&json(file), "rows").as_array().expect("rows").clone()
}

/// Returns a field; an absent one is null.
fn field<'v>(row: &'v Value, name: &str) -> &'v Value {
    row.get(name).unwrap_or(&Value::Null)
}

fn text(row: &Value, name: &str) -> String {
    field(row, name).as_str().expect("a string").to_owned()
}

/// Returns the string fields of an object.
fn strings(object: &Value) -> BTreeMap<String, String> {
    let fields = object.as_object().expect("an object").iter();
    fields.filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned()))).collect()
}
