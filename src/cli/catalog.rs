//! `pai-authz catalog`: lists, searches and explains what can be permitted.

use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::output::{self, Format, table};
use crate::{
    catalog::{
        Action, ActionScope, Catalog, KnownConfig, PermissionPoint, RamAction, ResourceType,
        catalog, letters_apart, meant,
    },
    domain::{BuiltinRole, PermissionType},
};

/// What can be done with the catalogue.
#[derive(Debug, Subcommand)]
pub(super) enum CatalogCommand {
    /// List entries.
    List {
        /// Which entries.
        #[arg(value_enum, default_value = "permissions")]
        kind: Kind,
        /// Only of this module, as `DLC`, or RAM code, as `log`.
        #[arg(long)]
        module: Option<String>,
        /// Only entries whose cells are at most this sure.
        #[arg(long, value_parser = ["low", "medium", "high", "certain"])]
        confidence: Option<String>,
    },
    /// Find actions by a part of their name or description.
    Search {
        /// What to look for; case does not count. Several words are looked for as they stand, with a space between.
        #[arg(required = true, value_name = "TEXT")]
        text: Vec<String>,
    },
    /// Tell everything about an action, a resource type, a module, a built-in role or a config.
    Explain {
        /// Its name, as `PaiDLC:StopJob`, `paidlc:StopJob`, `job`, `DLC` or `PAI.AlgoDeveloper`.
        name: String,
    },
}

/// The kinds of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    /// Permission points with the cells each built-in role has.
    Permissions,
    /// RAM actions.
    RamActions,
    /// Modules.
    Modules,
    /// Resource types.
    Types,
    /// Built-in roles.
    Roles,
    /// Configs of workspaces, and what switches forbid when they are off.
    Configs,
}

/// Runs the command.
pub(super) fn run(command: &CatalogCommand, format: Format) -> anyhow::Result<u8> {
    let c = catalog();
    match command {
        CatalogCommand::List { kind, module, confidence } => {
            let has_modules = matches!(kind, Kind::Permissions | Kind::RamActions | Kind::Types);
            if let Some(module) = module {
                check_applies("--module", has_modules, "`permissions`, `ram-actions` or `types`")?;
                check_module(c, module)?;
            }
            if confidence.is_some() {
                check_applies("--confidence", *kind == Kind::Permissions, "`permissions`")?;
            }
            let rows = match kind {
                Kind::Permissions => permissions(c, module.as_deref(), confidence.as_deref()),
                Kind::RamActions => ram_actions(c, module.as_deref(), ""),
                Kind::Modules => modules(c),
                Kind::Types => types(c, module.as_deref()),
                Kind::Roles => roles(c),
                Kind::Configs => configs(c),
            };
            show(&rows, format)
        }
        CatalogCommand::Search { text } => {
            let text = text.join(" ");
            let rows = search(c, &text.to_lowercase());
            let found = show(&rows, format)?;
            let near = c.nearest_actions(&text);
            if found != 0 && !near.is_empty() {
                output::note(meant(&near, ""))?;
            }
            Ok(found)
        }
        CatalogCommand::Explain { name } => explain(c, name, format),
    }
}

/// Refuses an argument that says nothing of the kind that is listed: what is listed would look as if it had been heeded.
fn check_applies(argument: &str, applies: bool, kinds: &str) -> anyhow::Result<()> {
    anyhow::ensure!(applies, "`{argument}` is about {kinds}: list one of these, or leave it out");
    Ok(())
}

/// Refuses a module or RAM code that is not there: an empty list would look like an answer.
fn check_module(c: &Catalog, name: &str) -> anyhow::Result<()> {
    let is_known = c.module(name).or_else(|| c.api_module(name)).is_some()
        || c.ram_codes().iter().any(|r| r.code == name);
    if is_known {
        return Ok(());
    }
    let modules: Vec<&str> = c.modules().iter().map(|m| m.name).collect();
    let codes = c.ram_codes().iter().map(|r| r.code);
    let lower = name.to_lowercase();
    let far = |known: &str| letters_apart(&lower, &known.to_lowercase(), 1);
    let near = modules.iter().copied().chain(codes).filter_map(|it| Some((far(it)?, it))).min();
    if let Some((_, near)) = near {
        anyhow::bail!("`{name}` is neither a module nor a RAM code: {}", meant(&[near], ""));
    }
    anyhow::bail!(
        "`{name}` is neither a module nor a RAM code: give one of `{}`, or as `paidlc`",
        modules.join("`, `")
    );
}

fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}

fn show(rows: &[Vec<String>], format: Format) -> anyhow::Result<u8> {
    let Some((head, entries)) = rows.split_first() else { return Ok(1) };
    if format == Format::Json {
        let entry = |row: &Vec<String>| {
            let pairs = head
                .iter()
                .zip(row)
                .map(|(name, cell)| (name.to_lowercase().replace(' ', "_"), json!(cell)));
            Value::Object(pairs.collect())
        };
        output::json(&Value::Array(entries.iter().map(entry).collect()))?;
    } else {
        output::line(table(rows).trim_end())?;
        output::note(format!("{} entries", entries.len()))?;
    }
    Ok(u8::from(entries.is_empty()))
}

fn grants(c: &Catalog, action: &Action) -> Vec<String> {
    BuiltinRole::ALL.iter().skip(1).map(|role| c.builtin_cells(*role, action).to_string()).collect()
}

const GRANT_COLUMNS: [&str; 6] = ["ADMIN", "DEVELOPER", "OPERATOR", "LABEL", "GUEST", "MAXCOMPUTE"];

fn permissions(c: &Catalog, module: Option<&str>, confidence: Option<&str>) -> Vec<Vec<String>> {
    let mut head = row(["CODE", "MODULE", "ACCESS", "SCOPE"]);
    head.extend(GRANT_COLUMNS.map(str::to_owned));
    head.push("CONFIDENCE".to_owned());
    let order = ["low", "medium", "high", "certain"];
    let limit =
        confidence.and_then(|text| order.iter().position(|o| *o == text)).unwrap_or(order.len());
    let mut rows = vec![head];
    for action in c.actions() {
        let Some(point) = c.point(action) else { continue };
        let sure = order.iter().position(|o| *o == point.confidence.as_str()).unwrap_or(0);
        if module.is_some_and(|m| m != point.module && Some(m) != api_name(c, point))
            || sure > limit
        {
            continue;
        }
        let mut cells =
            row([point.code, point.module, point.access.as_str(), point.scope.as_str()]);
        cells.extend(grants(c, action));
        cells.push(point.confidence.as_str().to_owned());
        rows.push(cells);
    }
    rows
}

fn api_name(c: &Catalog, point: &PermissionPoint) -> Option<&'static str> {
    c.module(point.module).and_then(|m| m.api_module)
}

fn ram_actions(c: &Catalog, code: Option<&str>, text: &str) -> Vec<Vec<String>> {
    let mut rows = vec![row(["ACTION", "ACCESS", "PERMISSION", "STATUS", "ARN"])];
    for action in c.ram_actions() {
        let of_code = code.is_none_or(|code| action.action.split(':').next() == Some(code));
        if of_code && action.action.to_lowercase().contains(text) {
            rows.push(row([
                action.action,
                action.access,
                action.permission.unwrap_or("-"),
                action.status.as_str(),
                action.arns.first().copied().unwrap_or("-"),
            ]));
        }
    }
    rows
}

fn modules(c: &Catalog) -> Vec<Vec<String>> {
    let mut rows =
        vec![row(["MODULE", "MODULE NAME", "RAM CODE", "MAIN TYPE", "ASSETS", "CODES", "TITLE"])];
    for module in c.modules() {
        let codes =
            c.actions().iter().filter(|a| a.module == Some(module.name)).count().to_string();
        let assets = if module.entities { "yes" } else { "no" };
        rows.push(row([
            module.name,
            module.api_module.unwrap_or("-"),
            module.ram_code,
            module.main_type.unwrap_or("-"),
            assets,
            &codes,
            module.title,
        ]));
    }
    rows
}

fn types(c: &Catalog, module: Option<&str>) -> Vec<Vec<String>> {
    let mut rows = vec![row(["TYPE", "MODULES", "STATUS", "ARN"])];
    for t in c.types().iter().filter(|t| module.is_none_or(|m| t.modules.contains(&m))) {
        rows.push(row([t.name, &t.modules.join(","), t.status.as_str(), t.arn]));
    }
    rows
}

fn roles(c: &Catalog) -> Vec<Vec<String>> {
    let mut rows = vec![row(["CODE", "NAME", "TYPE", "DATAWORKS", "REMOVABLE", "NOTE"])];
    let yes = |value| if value { "yes" } else { "no" };
    for role in c.roles() {
        let (shared, removable) = (yes(role.shared_with_dataworks), yes(role.removable));
        rows.push(row([
            role.role.code(),
            role.label,
            role.role_type,
            shared,
            removable,
            role.note,
        ]));
    }
    rows
}

fn configs(c: &Catalog) -> Vec<Vec<String>> {
    let mut rows =
        vec![row(["CATEGORY", "KEY", "VALUE", "NAMED BY", "FORBIDS WHEN OFF", "DESCRIPTION"])];
    for config in c.configs() {
        rows.push(row([
            category(config),
            config.key,
            value(config),
            if config.is_own { "pai-authz" } else { "vendor" },
            &forbidden(c, config),
            config.description,
        ]));
    }
    rows
}

fn category(config: &KnownConfig) -> &'static str {
    config.category.unwrap_or("(one of your own)")
}

const fn value(config: &KnownConfig) -> &'static str {
    if config.is_switch { "true|false" } else { "text" }
}

fn forbidden(c: &Catalog, config: &KnownConfig) -> String {
    let forbidden = config.forbids.iter().filter_map(|id| c.action(*id)).map(|it| it.name);
    match (config.is_switch, forbidden.collect::<Vec<_>>().join(",")) {
        (false, _) => "-".to_owned(),
        (true, nothing) if nothing.is_empty() => "nothing".to_owned(),
        (true, forbidden) => forbidden,
    }
}

fn search(c: &Catalog, text: &str) -> Vec<Vec<String>> {
    let mut rows = vec![row(["ACTION", "RAM ACTION", "MODULE", "DESCRIPTION"])];
    for action in c.actions() {
        let ram = c.ram_action(action).map_or("", |r| r.action);
        let description = c.point(action).map_or("", |p| p.description);
        if [action.name, ram, description].iter().any(|t| t.to_lowercase().contains(text)) {
            rows.push(row([action.name, ram, action.module.unwrap_or("-"), description]));
        }
    }
    rows
}

fn explain(c: &Catalog, name: &str, format: Format) -> anyhow::Result<u8> {
    let facts = if let Some(action) = c.find_action(name) {
        action_facts(c, action)
    } else if let Some(resource_type) = c.resource_type(name) {
        type_facts(resource_type)
    } else if let Some(module) = c.module(name).or_else(|| c.api_module(name)) {
        let codes: Vec<&str> =
            c.actions().iter().filter(|a| a.module == Some(module.name)).map(|a| a.name).collect();
        vec![
            ("module", module.name.to_owned()),
            ("title", module.title.to_owned()),
            (
                "ModuleName",
                module.api_module.unwrap_or("none: no custom role can name it").to_owned(),
            ),
            ("RAM code", module.ram_code.to_owned()),
            (
                "assets",
                if module.entities { "creator and accessibility matter" } else { "none" }
                    .to_owned(),
            ),
            ("codes", codes.join(", ")),
        ]
    } else if let Some(role) = c.roles().iter().find(|r| r.role.code() == name) {
        vec![
            ("role", name.to_owned()),
            ("name", role.label.to_owned()),
            ("type", role.role_type.to_owned()),
            ("note", role.note.to_owned()),
            ("policies", format!("pai-authz policy show {name}")),
        ]
    } else if let Some(config) = c.configs().iter().find(|it| it.key == name) {
        let categories = c.configs().iter().filter(|it| it.key == name).map(category);
        vec![
            ("config", name.to_owned()),
            ("category", categories.collect::<Vec<_>>().join(", ")),
            ("value", value(config).to_owned()),
            ("forbids when off", forbidden(c, config)),
            ("description", config.description.to_owned()),
        ]
    } else {
        let near = [c.nearest_actions(name), c.nearest_types(name)].concat();
        let hint = meant(&near, "`pai-authz catalog search` finds by a part of a name");
        anyhow::bail!("`{name}` is not in the catalogue: {hint}");
    };
    if format == Format::Json {
        output::json(&Value::Object(
            facts.into_iter().map(|(k, v)| (k.to_owned(), json!(v))).collect(),
        ))?;
    } else {
        let rows: Vec<Vec<String>> =
            facts.into_iter().map(|(k, v)| vec![k.to_owned(), v]).collect();
        output::line(table(&rows).trim_end())?;
    }
    Ok(0)
}

fn type_facts(t: &ResourceType) -> Vec<(&'static str, String)> {
    vec![
        ("type", t.name.to_owned()),
        ("modules", t.modules.join(", ")),
        ("ARN", format!("acs:<ram code>:<region>:<account>:{}", t.arn)),
        ("ids", t.id_parts.to_string()),
        ("status", t.status.as_str().to_owned()),
    ]
}

fn action_facts(c: &Catalog, action: &Action) -> Vec<(&'static str, String)> {
    let mut out = vec![("action", action.name.to_owned())];
    let switches = c.configs().iter().filter(|it| it.forbids.contains(&action.id)).map(|it| it.key);
    let switches: Vec<&str> = switches.collect();
    if !switches.is_empty() {
        out.push(("forbidden by switches", switches.join(", ")));
    }
    if let Some(point) = c.point(action) {
        out.extend(point_facts(c, action, point));
    }
    if let Some(ram) = c.ram_action(action) {
        out.extend(ram_facts(ram));
    }
    if action.scope == ActionScope::RamOnly {
        out.push(("granted by", "the main account, and RAM documents".to_owned()));
    }
    out
}

fn point_facts(
    c: &Catalog,
    action: &Action,
    point: &PermissionPoint,
) -> Vec<(&'static str, String)> {
    let mut out = vec![
        ("description", point.description.to_owned()),
        ("module", point.module.to_owned()),
        ("access", point.access.as_str().to_owned()),
        ("scope", point.scope.as_str().to_owned()),
        ("managed in", point.managed.as_str().to_owned()),
    ];
    for role in BuiltinRole::ALL {
        out.push((role.code(), c.builtin_cells(role, action).to_string()));
    }
    for level in [PermissionType::ReadOnly, PermissionType::ReadWrite, PermissionType::FullAccess] {
        let cells = if api_name(c, point).is_some() {
            c.level_cells(level, action).to_string()
        } else {
            "-".to_owned()
        };
        out.push((level.as_str(), cells));
    }
    if action.allowed_unless_denied {
        out.push(("flag", "allowed to every known user unless denied".to_owned()));
    }
    if action.official_image {
        out.push(("flag", "allowed to every known user on official images".to_owned()));
    }
    if point.issues_credentials {
        out.push(("flag", "hands out a shell, URL or token".to_owned()));
    }
    if !point.published.is_empty() {
        let cells: Vec<String> =
            point.published.iter().map(|(column, cells)| format!("{column} {cells}")).collect();
        out.push((
            "published",
            format!("{}; no role can hold it outside a workspace", cells.join(", ")),
        ));
    }
    if let Some(spelling) = point.source_spelling {
        out.push(("page spells", spelling.to_owned()));
    }
    out.push(("confidence", point.confidence.as_str().to_owned()));
    if let Some(marks) = c.marks(point.marks) {
        out.push(("reading", format!("{}: {}", marks.marks, marks.reason)));
        if !marks.alternatives.is_empty() {
            out.push(("could be", marks.alternatives.join("; ")));
        }
    }
    out
}

fn ram_facts(ram: &RamAction) -> Vec<(&'static str, String)> {
    let mut out = vec![
        ("RAM action", format!("{} ({}, {})", ram.action, ram.access, ram.status.as_str())),
        ("ARN", format!("{} ({})", ram.arns.join(", "), ram.arn_status.as_str())),
    ];
    if !ram.condition_keys.is_empty() {
        out.push(("conditions", ram.condition_keys.join(", ")));
    }
    for (kind, names) in &ram.also {
        out.push((kind, names.join(", ")));
    }
    if let Some(note) = ram.note {
        out.push(("note", note.to_owned()));
    }
    out
}
