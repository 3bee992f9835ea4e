//! `pai-authz check`: one decision, from a running service or from a stopped store.

use std::{collections::BTreeMap, io, time::Duration};

use clap::Args;
use serde_json::{Map, Value, json};

use super::{
    open::StoreArgs,
    output::{self, Format},
    target::TargetArgs,
};
use crate::{
    client::{ClientError, Method},
    domain::{ContextValue, Invalid, Question, Scalar},
    error::Error,
    http::{self, Beside},
    ram::keys,
    service::Authorizer,
};

/// A question.
#[derive(Debug, Args)]
pub(super) struct QuestionArgs {
    /// Who asks, as `User:2001`, `RamRole:3001` or `Account:1000000000000001`.
    #[arg(long, value_name = "TYPE:ID")]
    principal: String,
    /// Permission code or RAM action, as `PaiDLC:StopJob`.
    #[arg(long)]
    action: String,
    /// ARN of the resource, instead of the fields below.
    #[arg(long)]
    arn: Option<String>,
    /// Workspace the resource is in.
    #[arg(long)]
    workspace: Option<String>,
    /// Type of the resource, as `job` [default: the main type of the action].
    #[arg(long = "type", value_name = "TYPE")]
    resource_type: Option<String>,
    /// Id of the resource [default: any].
    #[arg(long)]
    id: Option<String>,
    /// Who created the resource.
    #[arg(long)]
    creator: Option<String>,
    /// `PUBLIC` or `PRIVATE`.
    #[arg(long)]
    accessibility: Option<String>,
    /// A RAM condition key, as `acs:SourceIp=203.0.113.7`; repeat for several.
    #[arg(long, value_name = "KEY=VALUE")]
    context: Vec<String>,
    /// Decide at this revision or a later one.
    #[arg(long, value_name = "REVISION")]
    at_least_as_fresh: Option<String>,
}

/// What `check` takes.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    question: QuestionArgs,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    store: StoreArgs,
}

/// Asks, prints the answer, and returns 0 for Allow and 1 for Deny.
pub(super) async fn run(args: &CheckArgs, format: Format) -> anyhow::Result<u8> {
    let answer = ask(args, false).await?;
    match format {
        Format::Json => output::json(&answer)?,
        Format::Text => {
            tell_decision(&answer)?;
            for policy in items(&answer, "determiningPolicies") {
                output::line(format!("  by {}", policy.as_str().unwrap_or_default()))?;
            }
            tell_errors(&answer)?;
        }
    }
    Ok(exit_code(&answer))
}

/// Asks a running service, or a stopped store where one is named.
pub(super) async fn ask(args: &CheckArgs, explain: bool) -> anyhow::Result<Value> {
    args.store.only_with_store()?;
    let answer = if args.store.store.is_some() {
        ask_store(args, explain).await
    } else {
        ask_service(args, explain).await
    };
    answer.map_err(by_flag)
}

/// Returns the error in words of the command line where it is about a field: by the flag the field is given by.
pub(super) fn by_flag(error: anyhow::Error) -> anyhow::Error {
    let (field, message, help) = if let Some(Error { field, message, help, .. }) =
        error.downcast_ref()
    {
        (field.as_deref(), message, Some(help))
    } else if let Some(ClientError::Refused { field, message, help, .. }) = error.downcast_ref() {
        (field.as_deref(), message, help.as_ref())
    } else if let Some(Invalid { field, message, help, .. }) = error.downcast_ref() {
        (Some(&**field), message, Some(help))
    } else {
        return error;
    };
    let flag = field.and_then(|field| {
        let name =
            if field.starts_with("context.") { "context" } else { field.split('[').next()? };
        Some((field, FLAGS.iter().find(|(known, _)| *known == name)?.1))
    });
    let (Some((field, flag)), Some(help)) = (flag, help) else { return error };
    if *message == format!("`{field}` is missing") {
        return anyhow::anyhow!("`{flag}` is missing: {help}");
    }
    anyhow::anyhow!("`{flag}`: {message}: {help}")
}

/// The flags that fields of a question are given by.
const FLAGS: [(&str, &str); 15] = [
    ("principal.type", "--principal"),
    ("principal.id", "--principal"),
    ("action", "--action"),
    ("actions", "--action"),
    ("resource.arn", "--arn"),
    ("resource.workspace", "--workspace"),
    ("resource.type", "--type"),
    ("resource.id", "--id"),
    ("resource.creator", "--creator"),
    ("resource.accessibility", "--accessibility"),
    ("resources", "--resource"),
    ("context", "--context"),
    ("atLeastAsFresh", "--at-least-as-fresh"),
    ("project", "--project"),
    ("logstore", "--logstore"),
];

/// Returns a text of an answer; empty where there is none.
pub(super) fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Returns the entries of a list of an answer.
pub(super) fn items<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// Returns 0 for Allow and 1 for everything else.
pub(super) fn exit_code(answer: &Value) -> u8 {
    u8::from(text(answer, "decision") != "Allow")
}

/// Prints the decision and its reason.
pub(super) fn tell_decision(answer: &Value) -> io::Result<()> {
    let decision = if exit_code(answer) == 0 { "Allow" } else { "Deny" };
    output::line(format!("{decision} ({})", text(answer, "reason")))
}

/// Prints what went wrong, where something did.
pub(super) fn tell_errors(answer: &Value) -> io::Result<()> {
    for error in items(answer, "errors") {
        let (field, message, help) =
            (text(error, "field"), text(error, "message"), text(error, "help"));
        let field = if field.is_empty() { String::new() } else { format!("{field}: ") };
        output::line(format!("  {field}{message} ({help})"))?;
    }
    Ok(())
}

/// Returns type and id of a principal.
pub(super) fn typed_id(principal: &str) -> anyhow::Result<(&str, &str)> {
    principal.split_once(':').ok_or_else(|| {
        anyhow::anyhow!("`{principal}` is not a principal: give TYPE:ID, as `User:2001`")
    })
}

/// Returns condition keys that were given as `KEY=VALUE`. Of a key that no statement can rightly name the user is told: a slip in
/// one would otherwise be a condition that is not there.
pub(super) fn condition_keys(pairs: &[String]) -> anyhow::Result<BTreeMap<String, String>> {
    let mut out = BTreeMap::new();
    for pair in pairs {
        let Some((key, value)) = pair.split_once('=') else {
            anyhow::bail!("`{pair}` is not a condition key with a value: give KEY=VALUE");
        };
        if out.insert(key.to_owned(), value.to_owned()).is_some() {
            anyhow::bail!("the condition key `{key}` is given twice");
        }
        // What is nearly a known one is refused.
        let is_refused = keys::known(key).is_err_and(|it| it.near.is_some());
        if let Err(unknown) = keys::stated(key)
            && !is_refused
        {
            let near = match unknown.near {
                Some(near) => format!("is `{near}` meant?"),
                None => "no policy that is known looks at it".to_owned(),
            };
            output::note(format!("warning: there is no condition key `{key}`: {near}"))?;
        }
    }
    Ok(out)
}

impl QuestionArgs {
    /// Returns the question as the service reads it.
    pub(super) fn body(&self) -> anyhow::Result<Value> {
        let (kind, id) = typed_id(&self.principal)?;
        let mut resource = Map::new();
        for (key, value) in [
            ("arn", &self.arn),
            ("workspace", &self.workspace),
            ("type", &self.resource_type),
            ("id", &self.id),
            ("creator", &self.creator),
            ("accessibility", &self.accessibility),
        ] {
            if let Some(value) = value {
                resource.insert(key.to_owned(), Value::String(value.clone()));
            }
        }
        Ok(json!({
            "principal": { "type": kind, "id": id },
            "action": self.action,
            "resource": resource,
            "context": condition_keys(&self.context)?,
            "atLeastAsFresh": self.at_least_as_fresh,
        }))
    }
}

async fn ask_service(args: &CheckArgs, explain: bool) -> anyhow::Result<Value> {
    let mut body = args.question.body()?;
    if let (true, Value::Object(fields)) = (explain, &mut body) {
        fields.insert("explain".to_owned(), json!(true));
    }
    args.target.send(Method::Post, "/v1/is-authorized", Some(&body)).await
}

async fn ask_store(args: &CheckArgs, explain: bool) -> anyhow::Result<Value> {
    let opened = args.store.open(false).await?;
    let args = &args.question;
    let (kind, id) = typed_id(&args.principal)?;
    let authorizer = Authorizer::new(opened.accounts, opened.keyring, Duration::ZERO);
    let scalar = |value| ContextValue::One(Scalar::String(value));
    let context = condition_keys(&args.context)?;
    let context = context.into_iter().map(|(key, value)| (key, scalar(value))).collect();
    let question = Question {
        principal_type: Some(kind),
        principal_id: Some(id),
        action: Some(&args.action),
        arn: args.arn.as_deref(),
        resource_type: args.resource_type.as_deref(),
        resource_id: args.id.as_deref(),
        workspace: args.workspace.as_deref(),
        creator: args.creator.as_deref(),
        accessibility: args.accessibility.as_deref(),
        context: Some(&context),
    };
    let (account, at_least) = (&opened.account, args.at_least_as_fresh.as_deref());
    let (decision, beside, revision) = if explain {
        let judged = authorizer.explain(account, question, at_least).await?;
        let (decision, explained) = judged.answer;
        (decision, Some(Beside::Explanation(Box::new(explained))), judged.revision)
    } else {
        let judged = authorizer.is_authorized(account, question, at_least).await?;
        (judged.answer, None, judged.revision)
    };
    let revision = authorizer.revision_token(account, revision);
    Ok(serde_json::from_slice(&http::render_decision(&decision, &revision, beside)?)?)
}
