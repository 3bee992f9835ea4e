//! `pai-authz explain`: one decision and why it is that, for a person.

use serde_json::Value;

use super::{
    check::{CheckArgs, ask, exit_code, items, tell_decision, tell_errors, text},
    output::{self, Format, one_line},
};

/// Asks, prints the answer and what explains it, and returns as `check` does.
pub(super) async fn run(args: &CheckArgs, format: Format) -> anyhow::Result<u8> {
    let answer = ask(args, true).await?;
    match format {
        Format::Json => output::json(&answer)?,
        Format::Text => tell(&answer)?,
    }
    Ok(exit_code(&answer))
}

fn tell(answer: &Value) -> anyhow::Result<()> {
    let explanation = answer.get("explanation").unwrap_or(&Value::Null);
    tell_decision(answer)?;
    output::line(one_line(&format!("  {}", text(explanation, "summary"))))?;
    tell_errors(answer)?;
    let policies = items(explanation, "policies");
    section(
        "Decided by",
        policies.map(|it| {
            let source = it.get("source").map(source).unwrap_or_default();
            format!("{}: {source}", text(it, "policy"))
        }),
    )?;
    section("Known", explanation.get("facts").into_iter().flat_map(facts))?;
    let near = items(explanation, "nearMisses");
    section("Nearly", near.map(|it| format!("{}: {}", text(it, "policy"), text(it, "text"))))?;
    let keys = items(explanation, "missingContextKeys").filter_map(Value::as_str);
    section("Not stated, though statements look at it", keys.map(str::to_owned))?;
    let remedies = items(explanation, "remedies");
    section("Any one of these would allow it", remedies.map(|it| text(it, "text").to_owned()))?;
    Ok(())
}

/// Prints a title and what stands below it, where something does.
fn section(title: &str, lines: impl Iterator<Item = String>) -> anyhow::Result<()> {
    for (place, line) in lines.enumerate() {
        if place == 0 {
            output::line(format!("{title}:"))?;
        }
        output::line(one_line(&format!("  {line}")))?;
    }
    Ok(())
}

/// Returns where a policy comes from.
fn source(source: &Value) -> String {
    match text(source, "kind") {
        "builtin_role" => format!("built-in role {}", text(source, "role")),
        "custom_role" => format!(
            "custom role {} ({}), {} {}",
            text(source, "name"),
            text(source, "role"),
            text(source, "module"),
            text(source, "level")
        ),
        "document" => {
            let number = |name: &str| source.get(name).cloned().unwrap_or_default();
            let attached = items(source, "attachedTo").map(|to| {
                let name =
                    if text(to, "id").is_empty() { text(to, "name") } else { text(to, "id") };
                format!("{} {name}", text(to, "type"))
            });
            format!(
                "statement {} (line {}) of {}/{} {}, attached to {}",
                number("statement"),
                number("line"),
                text(source, "policyType"),
                text(source, "policyName"),
                text(source, "version"),
                attached.collect::<Vec<_>>().join(", ")
            )
        }
        "workspace_switch" => {
            let (category, key) = (text(source, "category"), text(source, "key"));
            format!("the config {category} {key} of the workspace is off; UpdateConfig puts it on")
        }
        "known_users" => "what every known user has".to_owned(),
        "account" => "what the main account has".to_owned(),
        _ => "not known".to_owned(),
    }
}

/// Returns what is known of who and what was asked about.
fn facts(facts: &Value) -> Vec<String> {
    let mut out = Vec::new();
    if facts.get("principalKnown") == Some(&Value::Bool(false)) {
        out.push("the principal is not known in this account".to_owned());
    }
    if facts.get("workspaceKnown") == Some(&Value::Bool(false)) {
        out.push("the workspace is not known in this account".to_owned());
    }
    let roles = items(facts, "roles").map(|it| match text(it, "name") {
        "" => text(it, "role").to_owned(),
        name => format!("{name} ({})", text(it, "role")),
    });
    let roles: Vec<String> = roles.collect();
    if !roles.is_empty() {
        out.push(format!("roles there: {}", roles.join(", ")));
    }
    if let Some(count) = facts.get("documents").and_then(Value::as_u64).filter(|it| *it > 0) {
        out.push(format!("RAM documents: {count}"));
    }
    out
}
