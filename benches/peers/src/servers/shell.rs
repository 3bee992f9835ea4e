//! The server around the libraries: the same actix-web with one worker, the wire of pai-authz, and nothing else.
//!
//! It checks no token, knows no revision, tells no reasons and logs nothing: what it costs is a lower bound of what a
//! service around such a library costs.

use std::{borrow::Cow, net::TcpListener, time::Duration};

use actix_web::{App, HttpResponse, HttpServer, web};
use anyhow::Context as _;
use serde::Deserialize;
use serde_json::json;

use crate::{
    client::post,
    workload::{Check, Workspace},
};

/// How long a client may be silent.
const PATIENCE: Duration = Duration::from_secs(75);

/// What decides.
pub(crate) trait Judge: Send + Sync + Sized + 'static {
    /// Loads who is in which workspace, and the policies.
    ///
    /// # Errors
    /// The library refuses its policies.
    async fn load(workspaces: &[Workspace]) -> anyhow::Result<Self>;

    /// Returns whether a question is allowed.
    ///
    /// # Errors
    /// No decision could be made.
    fn is_allowed(&self, question: &Question<'_>) -> anyhow::Result<bool>;
}

/// The question of pai-authz, as much of it as is asked here.
#[derive(Debug, Deserialize)]
pub(crate) struct Question<'a> {
    #[serde(borrow)]
    pub(crate) principal: Principal<'a>,
    #[serde(borrow)]
    pub(crate) action: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) resource: Resource<'a>,
}

/// Who asks; users only.
#[derive(Debug, Deserialize)]
pub(crate) struct Principal<'a> {
    #[serde(borrow)]
    pub(crate) id: Cow<'a, str>,
}

/// What it is about.
#[derive(Debug, Deserialize)]
pub(crate) struct Resource<'a> {
    #[serde(borrow, rename = "type")]
    pub(crate) kind: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) id: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) workspace: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) creator: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) accessibility: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Batch<'a> {
    #[serde(borrow)]
    requests: Vec<Question<'a>>,
}

/// Returns a check as a request.
pub(super) fn one(check: &Check) -> Vec<u8> {
    post("/v1/is-authorized", "", &question(check).to_string())
}

/// Returns checks as one request.
pub(super) fn batch(checks: &[Check]) -> Vec<u8> {
    let requests: Vec<_> = checks.iter().map(question).collect();
    post("/v1/batch-is-authorized", "", &json!({ "requests": requests }).to_string())
}

/// Returns a check as a question of the wire.
pub(super) fn question(check: &Check) -> serde_json::Value {
    json!({
        "principal": {"type": "User", "id": check.member.user},
        "action": check.action,
        "resource": {
            "type": check.resource_type,
            "id": check.asset,
            "workspace": check.workspace,
            "creator": check.creator,
            "accessibility": check.accessibility.as_str(),
        },
    })
}

/// Serves `J` on a free port until the process is told to end.
///
/// # Errors
/// The library refuses its policies, or no port is free.
pub(crate) fn serve<J: Judge>(workspaces: &[Workspace]) -> anyhow::Result<()> {
    actix_web::rt::System::new().block_on(async {
        let judge = web::Data::new(J::load(workspaces).await?);
        let listener = TcpListener::bind("127.0.0.1:0").context("no port is free")?;
        let address = listener.local_addr()?;
        let server = HttpServer::new(move || {
            App::new()
                .app_data(judge.clone())
                .app_data(web::PayloadConfig::new(1024 * 1024))
                .route("/v1/is-authorized", web::post().to(answer_one::<J>))
                .route("/v1/batch-is-authorized", web::post().to(answer_batch::<J>))
        });
        // On a machine that stalls no connection may end by time: a run with an error is no measurement.
        let server = server.workers(1).keep_alive(PATIENCE).client_request_timeout(PATIENCE);
        let server = server.listen(listener)?.run();
        #[expect(clippy::print_stdout, reason = "who started this process reads where it listens")]
        {
            println!("serves on http://{address}");
        }
        server.await?;
        Ok(())
    })
}

async fn answer_one<J: Judge>(judge: web::Data<J>, body: web::Bytes) -> HttpResponse {
    let decided = serde_json::from_slice(&body)
        .map_err(Into::into)
        .and_then(|question| judge.is_allowed(&question));
    match decided {
        Ok(is_allowed) => ok(decision(is_allowed).to_owned()),
        Err(error) => HttpResponse::BadRequest().body(error.to_string()),
    }
}

async fn answer_batch<J: Judge>(judge: web::Data<J>, body: web::Bytes) -> HttpResponse {
    let decided = serde_json::from_slice(&body).map_err(Into::into).and_then(|batch: Batch<'_>| {
        let mut text = String::with_capacity(24 * batch.requests.len() + 16);
        text.push_str("{\"results\":[");
        for (number, question) in batch.requests.iter().enumerate() {
            if number > 0 {
                text.push(',');
            }
            text.push_str(decision(judge.is_allowed(question)?));
        }
        text.push_str("]}");
        anyhow::Ok(text)
    });
    match decided {
        Ok(text) => ok(text),
        Err(error) => HttpResponse::BadRequest().body(error.to_string()),
    }
}

fn ok(body: String) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(body)
}

const fn decision(is_allowed: bool) -> &'static str {
    if is_allowed { r#"{"decision":"Allow"}"# } else { r#"{"decision":"Deny"}"# }
}
