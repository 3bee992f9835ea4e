//! `pai-authz token`: bearer tokens of an account, on a running service or in a stopped store.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{
    open::{StoreArgs, actor},
    output::{self, Format, table},
    target::TargetArgs,
};
use crate::{
    client::Method,
    domain::{BundleName, Scope, Scopes, Token, TokenId},
    http,
    service::Tokens,
};

/// What can be done with tokens.
#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Make a token and show it once.
    Create(CreateArgs),
    /// List tokens, without their secrets.
    List(ListArgs),
    /// Revoke a token: the next request with it is refused.
    Revoke(RevokeArgs),
}

/// What `token create` takes.
#[derive(Debug, Args)]
pub(super) struct CreateArgs {
    /// What the token is for.
    #[arg(long)]
    name: String,
    /// What it may be used for; of several, repeat it or part them by `,`.
    #[arg(long = "scope", value_delimiter = ',', value_parser = ["decide", "tokens", "search", "explain"], default_value = "decide")]
    scopes: Vec<String>,
    /// The policy bundle it asks, instead of the account.
    #[arg(long, value_name = "NAME", value_parser = bundle)]
    bundle: Option<BundleName>,
    #[command(flatten)]
    place: Place,
}

/// What `token list` takes.
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    place: Place,
}

/// What `token revoke` takes.
#[derive(Debug, Args)]
pub(super) struct RevokeArgs {
    /// Its id, as `token list` prints it.
    id: String,
    #[command(flatten)]
    place: Place,
}

/// A running service, or a stopped store when `--store` is given.
#[derive(Debug, Args)]
struct Place {
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    store: StoreArgs,
}

/// Runs the command.
pub(super) async fn run(command: &TokenCommand, format: Format) -> anyhow::Result<u8> {
    let place = match command {
        TokenCommand::Create(args) => &args.place,
        TokenCommand::List(args) => &args.place,
        TokenCommand::Revoke(args) => &args.place,
    };
    place.store.only_with_store()?;
    match command {
        TokenCommand::Create(args) => show_created(&create(args).await?, format)?,
        TokenCommand::List(args) => show_list(&list(args).await?, format)?,
        TokenCommand::Revoke(args) => {
            let answer = revoke(args).await?;
            match format {
                Format::Json => output::json(&answer)?,
                Format::Text => output::line(format!("revoked `{}`", args.id))?,
            }
        }
    }
    Ok(0)
}

fn bundle(text: &str) -> Result<BundleName, String> {
    BundleName::parse(text).map_err(|form| format!("not {}: {}", form.expected, form.help))
}

async fn create(args: &CreateArgs) -> anyhow::Result<Value> {
    if args.place.store.store.is_none() {
        let mut body = json!({ "name": args.name, "scopes": args.scopes });
        if let (Some(bundle), Some(object)) = (&args.bundle, body.as_object_mut()) {
            object.insert("bundle".to_owned(), Value::String(bundle.to_string()));
        }
        return args.place.target.send(Method::Post, "/v1/tokens", Some(&body)).await;
    }
    let opened = args.place.store.open(false).await?;
    let tokens = Tokens::new(opened.accounts, opened.keyring.clone());
    let scopes = Scopes::new(args.scopes.iter().filter_map(|scope| Scope::parse(scope)).collect());
    let (actor, bundle) = (actor()?, args.bundle.clone());
    let created =
        tokens.create(&opened.account, &actor, &args.name, (scopes, bundle), None).await?;
    let mut value = as_value(&created.token);
    if let Some(object) = value.as_object_mut() {
        object.insert("token".to_owned(), Value::String(created.text));
        let revision = opened.keyring.revision_token(&opened.account, created.revision);
        object.insert("revision".to_owned(), Value::String(revision));
    }
    Ok(value)
}

async fn list(args: &ListArgs) -> anyhow::Result<Value> {
    if args.place.store.store.is_none() {
        return args.place.target.send(Method::Get, "/v1/tokens", None).await;
    }
    let opened = args.place.store.open(false).await?;
    let tokens = Tokens::new(opened.accounts, opened.keyring).list(&opened.account).await?;
    Ok(json!({ "tokens": tokens.iter().map(as_value).collect::<Vec<_>>() }))
}

async fn revoke(args: &RevokeArgs) -> anyhow::Result<Value> {
    let id = TokenId::parse(&args.id)
        .map_err(|form| anyhow::anyhow!("`{}` is not {}: {}", args.id, form.expected, form.help))?;
    if args.place.store.store.is_none() {
        let path = format!("/v1/tokens/{id}");
        return args.place.target.send(Method::Delete, &path, None).await;
    }
    let opened = args.place.store.open(false).await?;
    let keyring = opened.keyring.clone();
    let revision = Tokens::new(opened.accounts, opened.keyring)
        .revoke(&opened.account, &actor()?, &id)
        .await?;
    Ok(json!({ "revision": keyring.revision_token(&opened.account, revision) }))
}

fn as_value(token: &Token) -> Value {
    json!({
        "id": token.id.as_str(),
        "name": token.name,
        "scopes": token.scopes.iter().map(Scope::as_str).collect::<Vec<_>>(),
        "bundle": token.bundle.as_ref().map(BundleName::as_str),
        "createdAt": http::time(token.created),
    })
}

fn show_created(answer: &Value, format: Format) -> anyhow::Result<()> {
    if format == Format::Json {
        return Ok(output::json(answer)?);
    }
    output::line(text(answer, "token"))?;
    output::note(format!("token `{}` is not shown again", text(answer, "id")))?;
    Ok(())
}

fn show_list(answer: &Value, format: Format) -> anyhow::Result<()> {
    if format == Format::Json {
        return Ok(output::json(answer)?);
    }
    let mut rows = vec![["ID", "SCOPES", "BUNDLE", "CREATED", "NAME"].map(str::to_owned).to_vec()];
    for token in answer.get("tokens").and_then(Value::as_array).into_iter().flatten() {
        let scopes = token.get("scopes").and_then(Value::as_array).into_iter().flatten();
        let scopes: Vec<&str> = scopes.filter_map(Value::as_str).collect();
        rows.push(vec![
            text(token, "id"),
            scopes.join(","),
            text(token, "bundle"),
            text(token, "createdAt"),
            text(token, "name"),
        ]);
    }
    output::line(table(&rows).trim_end())?;
    Ok(())
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}
