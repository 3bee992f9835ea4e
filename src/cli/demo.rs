//! `pai-authz demo`: fills a development store with the demonstration and asks it questions.

use std::sync::Arc;

use clap::Args;
use serde_json::json;

use super::{
    open::{StoreArgs, actor},
    output::{self, Format, table},
};
use crate::{
    domain::{AccountId, Question},
    service::{Accounts, DEV_ACCOUNT, Imported, demo, demo_questions, import},
};

/// What `demo` takes.
#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    #[command(flatten)]
    store: StoreArgs,
}

/// Adds the demonstration to an account.
pub(super) async fn seed(
    accounts: &Arc<Accounts>,
    account: &AccountId,
) -> anyhow::Result<Imported> {
    let content = demo(account, accounts.clock().now())
        .map_err(|form| anyhow::anyhow!("the demonstration has a wrong id: {}", form.expected))?;
    Ok(import(accounts, account, &actor()?, &content).await?)
}

/// Fills the store unless it has workspaces, then prints questions with answers.
pub(super) async fn run(args: &DemoArgs, format: Format) -> anyhow::Result<u8> {
    let mut store = args.store.clone();
    store.dev = true;
    if store.account.as_deref().is_some_and(|account| account != DEV_ACCOUNT) {
        anyhow::bail!("the demonstration is of the development account, `{DEV_ACCOUNT}`");
    }
    let opened = store.open(true).await?;
    opened.accounts.admit(&opened.account);
    let blank = opened.accounts.view(&opened.account).is_some_and(|view| view.is_blank());
    let imported = if blank { Some(seed(&opened.accounts, &opened.account).await?) } else { None };
    let answers = answers(&opened.accounts, &opened.account)?;
    if format == Format::Json {
        let answers: Vec<_> = answers
            .iter()
            .map(|a| json!({ "shows": a.shows, "question": a.question, "decision": a.decision, "policies": a.policies }))
            .collect();
        output::json(&json!({ "questions": answers }))?;
        return Ok(0);
    }
    match imported {
        Some(i) => output::line(format!(
            "{} workspaces, {} memberships, {} custom roles, {} users and roles in account {}\n",
            i.workspaces, i.members, i.roles, i.identities, opened.account
        ))?,
        None => output::line("the store has workspaces already: nothing was added\n")?,
    }
    let mut rows = vec![["ANSWER", "QUESTION", "WHAT IT SHOWS"].map(str::to_owned).to_vec()];
    rows.extend(
        answers.into_iter().map(|a| vec![a.decision.to_owned(), a.question, a.shows.to_owned()]),
    );
    output::line(table(&rows).trim_end())?;
    Ok(0)
}

struct Answer {
    shows: &'static str,
    question: String,
    decision: &'static str,
    policies: Vec<String>,
}

fn answers(accounts: &Arc<Accounts>, account: &AccountId) -> anyhow::Result<Vec<Answer>> {
    let Some(view) = accounts.view(account) else { anyhow::bail!("the account is not loaded") };
    let mut out = Vec::new();
    for asked in demo_questions() {
        let question = describe(&asked.question);
        let request = accounts.engine().resolve(account, asked.question)?;
        let decision = view.snapshot.is_authorized(&request);
        out.push(Answer {
            shows: asked.shows,
            question,
            decision: decision.effect().as_str(),
            policies: decision.determining_policies.to_vec(),
        });
    }
    Ok(out)
}

fn describe(question: &Question<'_>) -> String {
    let text = |field: Option<&str>| field.unwrap_or_default().to_owned();
    let asset = match (question.creator, question.accessibility) {
        (Some(creator), Some(accessibility)) => format!(" created by {creator}, {accessibility}"),
        _ => String::new(),
    };
    format!("{} {}{asset}", text(question.principal_id), text(question.action))
}
