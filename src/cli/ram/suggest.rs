//! `pai-authz ram suggest` and `ram assist`: the document that is missing.

use clap::Args;
use serde_json::{Value, json};

use crate::{
    cli::{
        check::{QuestionArgs, by_flag},
        output::{self, Format},
        target::TargetArgs,
    },
    client::Method,
    ram::assistant::{Task, policy},
};

/// The request that is denied.
#[derive(Debug, Args)]
pub(in crate::cli) struct SuggestArgs {
    #[command(flatten)]
    question: QuestionArgs,
    #[command(flatten)]
    target: TargetArgs,
}

/// Asks a running service for the smallest statement that would allow a request, prints the document, and returns 0. When there
/// is none, 1: why not is told beside.
pub(super) async fn suggest(args: &SuggestArgs, format: Format) -> anyhow::Result<u8> {
    let mut body = args.question.body()?;
    if let Value::Object(fields) = &mut body {
        fields.insert("suggest".to_owned(), json!(true));
    }
    let answer = args.target.send(Method::Post, "/v1/is-authorized", Some(&body)).await;
    let answer = answer.map_err(by_flag)?;
    let suggestion = answer.get("suggestion").cloned().unwrap_or(Value::Null);
    let statement = suggestion.get("statement").filter(|it| !it.is_null());
    match (format, statement) {
        (Format::Json, _) => output::json(&suggestion)?,
        (Format::Text, Some(statement)) => {
            let part = |name: &str| statement.get(name).cloned().unwrap_or_default();
            // In the order in which documents are written.
            output::raw(&format!(
                "{{\n  \"Version\": \"1\",\n  \"Statement\": [\n    {{\n      \"Effect\": {},\n      \"Action\": {},\n      \"Resource\": {}\n    }}\n  ]\n}}\n",
                part("Effect"),
                part("Action"),
                part("Resource")
            ))?;
        }
        (Format::Text, None) => {
            let why = suggestion.get("why").and_then(Value::as_str).unwrap_or_default();
            // Standard output is for the document.
            output::note(format!("no statement would help: {why}"))?;
        }
    }
    Ok(u8::from(statement.is_none()))
}

/// What somebody shall be able to do in Simple Log Service.
#[derive(Debug, Args)]
pub(in crate::cli) struct AssistArgs {
    /// The project.
    #[arg(long)]
    project: String,
    /// The logstore [default: every one of the project].
    #[arg(long)]
    logstore: Option<String>,
    /// `read`: see and search logs; `write`: write them; `forward`: switch the forwarding of a product's logs.
    #[arg(long, value_parser = parse_task)]
    task: Task,
}

fn parse_task(name: &str) -> Result<Task, String> {
    Task::parse(name).ok_or_else(|| "give `read`, `write` or `forward`".to_owned())
}

/// Prints the document for a task.
pub(super) fn assist(args: &AssistArgs) -> anyhow::Result<u8> {
    let made = policy(args.task, &args.project, args.logstore.as_deref());
    output::raw(&made.map_err(|error| by_flag(error.into()))?)?;
    Ok(0)
}
