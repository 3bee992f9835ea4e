//! The Cedar schema, written from the catalogue: `schema/pai.cedarschema` is this text, and a test compares.

use std::fmt::Write;

use super::slices::{FLAG_ALLOWED_UNLESS_DENIED, FLAG_OFFICIAL_IMAGE, groups};
use crate::{
    catalog::{Action, ActionScope, Catalog, Group, PermissionScope},
    engine::{policies::group_name, ram},
};

/// The entity types, the same in every slice of the schema.
const ENTITIES: &str = r"  // The tenant. As principal it is the main account, as resource what account-scope actions are asked on.
  entity Account { uid: String };
  // A RAM user or RAM role. Its parents are the roles it holds in the workspace the request is about, and the RAM
  // policies attached to it and to its groups.
  entity User in [Role, RamPolicy] { uid: String };
  entity RamRole in [Role, RamPolicy] { uid: String };
  // A built-in role by its code, or a custom role as <workspace>/<role id>. What it grants is policy, not data.
  entity Role;
  // A RAM policy as <type>/<name>. What it grants and denies is policy, not data.
  entity RamPolicy;
  // A workspace switch by its key: a workspace is in those that are off in it. What is off then is policy, not data.
  entity Off;
  entity Workspace in [Off];
  // Whatever an action is about. kind is a resource type of the catalogue. creator and accessibility
  // (PUBLIC or PRIVATE) are both empty when the request does not state both: no condition on them holds then.
  entity Asset in [Workspace] { kind: String, creator: String, accessibility: String };
";

/// Returns the whole schema as Cedar text.
#[must_use]
pub fn schema_text(catalog: &Catalog) -> String {
    let mut out = String::from(
        "// Generated from schema/catalog by `pai-authz schema`; do not edit. A test compares.\n\
         // An action is one operation: a permission code and its RAM action are two spellings of it.\n",
    );
    write_schema(&mut out, catalog, |_| true);
    out
}

/// Returns the part of the schema that a policy of a RAM document is validated against. Such a policy is about every action
/// alike, so that one stands for all.
pub(super) fn statement_text(catalog: &Catalog) -> String {
    let mut out = String::new();
    let first = catalog.actions().iter().find(|it| it.scope == ActionScope::RamOnly);
    write_schema(&mut out, catalog, |action| first.is_some_and(|it| it.id == action.id));
    out
}

/// Returns the part of the schema that has the actions of one module.
pub(super) fn module_text(catalog: &Catalog, module: &str) -> String {
    let mut out = String::new();
    write_schema(&mut out, catalog, |action| action.module == Some(module));
    out
}

fn write_schema(out: &mut String, catalog: &Catalog, wanted: impl Fn(&Action) -> bool) {
    let actions: Vec<&Action> = catalog.actions().iter().filter(|a| wanted(a)).collect();
    out.push_str("namespace PAI {\n");
    out.push_str(ENTITIES);
    out.push_str(&ram::schema_text());
    out.push_str("\n  // Groups carry the levels of custom roles: Read-only is @Read, Modify/Execute adds @Write,\n");
    out.push_str("  // Full Access adds @Manage. The flags are granted to every known user.\n");
    for flag in [FLAG_ALLOWED_UNLESS_DENIED, FLAG_OFFICIAL_IMAGE] {
        line(out, format_args!("  action \"{flag}\";"));
    }
    for module in catalog.modules() {
        for group in Group::ALL {
            if actions
                .iter()
                .any(|a| a.module == Some(module.name) && catalog.group(a) == Some(group))
            {
                line(out, format_args!("  action \"{}\";", group_name(module.name, group)));
            }
        }
    }
    let mut section = None;
    for action in actions {
        if section != Some((action.module, action.ram_code)) {
            section = Some((action.module, action.ram_code));
            let title =
                action.module.and_then(|m| catalog.module(m)).map_or("RAM only", |m| m.title);
            line(out, format_args!("\n  // {title}: {}", action.ram_code));
        }
        let resources = match action.scope {
            ActionScope::Permission(PermissionScope::Account) | ActionScope::RamOnly => {
                "[Account, Asset]"
            }
            ActionScope::Permission(_) => "[Asset]",
        };
        let groups = groups(catalog, action);
        let parents = if groups.is_empty() {
            String::new()
        } else {
            format!(
                " in [{}]",
                groups.iter().map(|g| format!("\"{g}\"")).collect::<Vec<_>>().join(", ")
            )
        };
        line(
            out,
            format_args!(
                "  action \"{}\"{parents} appliesTo {{ principal: [Account, User, RamRole], resource: {resources}, context: Conditions }};",
                action.name
            ),
        );
    }
    out.push_str("}\n");
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{text}");
}
