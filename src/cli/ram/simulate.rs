//! `pai-authz ram simulate`: what documents say, before anybody has them.

use std::{
    collections::{BTreeMap, HashSet},
    path::PathBuf,
};

use anyhow::Context as _;
use clap::Args;
use serde_json::{Value, json};

use super::files;
use crate::{
    catalog::{SystemPolicy, catalog, letters_apart},
    cli::{
        check::{by_flag, condition_keys, items, text, typed_id},
        output::{self, Format},
        target::TargetArgs,
    },
    client::Method,
    domain::{ContextValue, Scalar},
    engine::Engine,
    http,
    service::Simulate,
};

/// What is simulated.
#[derive(Debug, Args)]
pub(in crate::cli) struct SimulateArgs {
    /// Documents; `-` for standard input.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// A system policy, as `AliyunPAIFullAccess`; repeat for several.
    #[arg(long = "system", value_name = "NAME")]
    system: Vec<String>,
    /// An action, as `log:GetProject`, or a pattern of actions, as `paidlc:*`; repeat for several.
    #[arg(long = "action", value_name = "ACTION", required = true)]
    actions: Vec<String>,
    /// The ARN of a resource; repeat for several [default: for each action the form of its ARN with `*`, compared as a text:
    /// a statement on one workspace does not match it].
    #[arg(long = "resource", value_name = "ARN")]
    resources: Vec<String>,
    /// A RAM condition key, as `acs:SourceIp=203.0.113.7`; repeat for several.
    #[arg(long, value_name = "KEY=VALUE")]
    context: Vec<String>,
    /// Print for each RAM code how many of its actions are allowed.
    #[arg(long)]
    summary: bool,
    /// Add what is attached to this user or role of a running service, as `User:2001`.
    #[arg(long, value_name = "TYPE:ID")]
    principal: Option<String>,
    #[command(flatten)]
    target: TargetArgs,
}

/// Simulates, prints the answers, and returns 0 when everything is allowed, and 1 when something is not or a resource is one that no
/// action asked is about: it may be misspelt.
pub(super) async fn run(args: &SimulateArgs, format: Format) -> anyhow::Result<u8> {
    let mut documents = Vec::new();
    for path in &args.files {
        let name = path.display().to_string();
        let text = files::read(path).with_context(|| format!("`{name}`"))?;
        documents.push((name, text));
    }
    for name in &args.system {
        let policy = system_policy(name)?;
        documents.push((format!("System/{name}"), policy.document.to_owned()));
    }
    if documents.is_empty() && args.principal.is_none() {
        anyhow::bail!("there is nothing to simulate: give a FILE, `--system` or `--principal`");
    }
    let context = condition_keys(&args.context)?;
    let answer = match &args.principal {
        None => offline(args, documents, context).map_err(by_flag)?,
        Some(principal) => {
            let (kind, id) = typed_id(principal)?;
            let texts: Vec<&String> = documents.iter().map(|(_, text)| text).collect();
            let body = json!({
                "documents": texts,
                "principal": { "type": kind, "id": id },
                "actions": args.actions,
                "resources": args.resources,
                "context": context,
            });
            let mut answer = args
                .target
                .send(Method::Post, "/v1/ram/simulate", Some(&body))
                .await
                .map_err(by_flag)?;
            name_documents(&mut answer, &documents);
            answer
        }
    };
    let rows = answer.get("results").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    match format {
        Format::Json if args.summary => output::json(&json!({ "codes": summary(rows) }))?,
        Format::Json => output::json(&answer)?,
        Format::Text if args.summary => summarize(rows)?,
        Format::Text => rows.iter().try_for_each(tell)?,
    }
    let is_allowed = |row: &Value| text(row, "decision") == "allowed";
    let has_form = |row: &&Value| row.get("resourceForms").is_none();
    let fitting: HashSet<&str> =
        rows.iter().filter(has_form).map(|row| text(row, "resource")).collect();
    let is_fitting = |row: &Value| fitting.contains(text(row, "resource"));
    Ok(u8::from(!rows.iter().all(|row| is_allowed(row) && is_fitting(row))))
}

fn offline(
    args: &SimulateArgs,
    documents: Vec<(String, String)>,
    context: BTreeMap<String, String>,
) -> anyhow::Result<Value> {
    let value = |value| ContextValue::One(Scalar::String(value));
    let asked = Simulate {
        documents,
        actions: args.actions.clone(),
        resources: args.resources.clone(),
        context: context.into_iter().map(|(key, text)| (key, value(text))).collect(),
    };
    // No ARN is composed here: the region does not matter.
    let engine = Engine::new("cn-hangzhou").map_err(anyhow::Error::msg)?;
    let rows = asked.run(&engine, &[], None)?;
    let rows: Vec<Value> = rows.iter().map(|row| http::ram::row(row, None)).collect();
    Ok(json!({ "results": rows }))
}

/// Returns for each RAM code how many of the actions that were asked are allowed on some resource, and how many there are.
fn summary(rows: &[Value]) -> BTreeMap<&str, (usize, usize)> {
    let mut codes: BTreeMap<&str, BTreeMap<&str, bool>> = BTreeMap::new();
    for row in rows {
        let action = text(row, "action");
        let code = action.split(':').next().unwrap_or_default();
        let allowed = codes.entry(code).or_default().entry(action).or_default();
        *allowed |= text(row, "decision") == "allowed";
    }
    let count = |actions: BTreeMap<&str, bool>| {
        (actions.values().filter(|allowed| **allowed).count(), actions.len())
    };
    codes.into_iter().map(|(code, actions)| (code, count(actions))).collect()
}

fn summarize(rows: &[Value]) -> anyhow::Result<()> {
    for (code, (allowed, all)) in summary(rows) {
        output::line(format!("{code:<24} {allowed} of {all}"))?;
    }
    Ok(())
}

/// Calls documents by the names of their files, where the service calls them by number.
fn name_documents(answer: &mut Value, documents: &[(String, String)]) {
    let rows = answer.get_mut("results").and_then(Value::as_array_mut);
    for row in rows.into_iter().flatten() {
        for list in ["matched", "unmetConditions", "onOtherResources"] {
            let list = row.get_mut(list).and_then(Value::as_array_mut);
            for document in list.into_iter().flatten().filter_map(|it| it.get_mut("document")) {
                let place = document.as_str().and_then(|name| {
                    name.strip_prefix("documents[")?.strip_suffix(']')?.parse::<usize>().ok()
                });
                if let Some((name, _)) = place.and_then(|place| documents.get(place)) {
                    *document = name.clone().into();
                }
            }
        }
    }
}

/// Returns the system policy of a name.
pub(super) fn system_policy(name: &str) -> anyhow::Result<&'static SystemPolicy> {
    catalog().system_policy(name).ok_or_else(|| {
        let names: Vec<&str> = catalog().system_policies().iter().map(|it| it.name).collect();
        let lower = name.to_ascii_lowercase();
        let far = |known: &&&str| letters_apart(&lower, &known.to_ascii_lowercase(), 2);
        match names.iter().filter(|it| far(it).is_some()).min_by_key(far) {
            Some(near) => {
                anyhow::anyhow!("there is no system policy `{name}`: did you mean `{near}`?")
            }
            None => anyhow::anyhow!(
                "there is no system policy `{name}`: those there are\n  {}",
                names.join("\n  ")
            ),
        }
    })
}

/// Prints one answer.
fn tell(row: &Value) -> anyhow::Result<()> {
    output::line(format!(
        "{:<12} {} on {}",
        text(row, "decision"),
        text(row, "action"),
        text(row, "resource")
    ))?;
    for matched in items(row, "matched") {
        output::line(format!("             by {}", statement(matched)))?;
    }
    for unmet in items(row, "unmetConditions") {
        for condition in items(unmet, "conditions") {
            let values = |name: &str| {
                items(condition, name).filter_map(Value::as_str).collect::<Vec<_>>().join("`, `")
            };
            let given = match values("given") {
                given if given.is_empty() => "it is not stated".to_owned(),
                given => format!("it is `{given}`"),
            };
            output::line(format!(
                "             condition not met: {}: {} {} `{}`, and {given}",
                statement(unmet),
                text(condition, "operator"),
                text(condition, "key"),
                values("wanted"),
            ))?;
        }
    }
    for passed_over in items(row, "onOtherResources") {
        output::line(format!("             not on this resource: {}", statement(passed_over)))?;
    }
    let missing: Vec<&str> = items(row, "missingContextKeys").filter_map(Value::as_str).collect();
    if !missing.is_empty() {
        output::line(format!("             not stated: {}", missing.join(", ")))?;
    }
    let forms: Vec<&str> = items(row, "resourceForms").filter_map(Value::as_str).collect();
    if !forms.is_empty() {
        output::line(format!(
            "             this action is about resources of another form: {}",
            forms.join(", ")
        ))?;
    }
    if row.get("uncatalogued").is_some() {
        output::line("             an action of another service: compared as text")?;
    }
    Ok(())
}

/// Returns which statement is told of.
fn statement(told: &Value) -> String {
    let number = |name: &str| told.get(name).and_then(Value::as_u64).unwrap_or_default();
    let (statement, line) = (number("statement"), number("line"));
    format!("{}, statement {statement} (line {line})", text(told, "document"))
}
