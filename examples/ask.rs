//! Asks a running service for decisions, as a service written in Rust would.
//!
//! Start one with `make run`, then in another terminal `cargo run --example ask`. `PAI_AUTHZ_URL`, `PAI_AUTHZ_UDS` and
//! `PAI_AUTHZ_TOKEN` name another one. It prints a decision a line; whatever goes wrong is an error and no Allow.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "an example prints and reads its settings"
)]

use std::{env, error::Error};

use pai_authz::client::{Answer, ClientError, Pdp, Question};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let setting = |name: &str, default: &str| env::var(name).unwrap_or_else(|_| default.to_owned());
    let mut builder = Pdp::builder(setting("PAI_AUTHZ_URL", "http://127.0.0.1:8080"))
        .token(setting("PAI_AUTHZ_TOKEN", "dev-token"))
        .with_retries(2);
    if let Ok(path) = env::var("PAI_AUTHZ_UDS") {
        builder = builder.unix_socket(path);
    }
    // Keep it for as long as the process runs: it keeps its connections.
    let pdp = builder.build()?;

    let stop = |creator: &str| {
        Question::new("2001", "PaiDLC:StopJob")
            .in_workspace("10001")
            .on("job", "dlc-1")
            .created_by(creator)
            .private()
    };
    let own = pdp.is_authorized(&stop("2001")).await?;
    show("2001 stops a job of her own", &own);
    let other = pdp.is_authorized(&stop("2002")).await?;
    show("2001 stops a job of 2002", &other);

    // Many at once are one request. A list shows what may be seen.
    let jobs = ["2001", "2002", "2003"];
    let batch = pdp.batch(&jobs.map(stop)).await?;
    for (creator, answer) in jobs.iter().zip(batch.answers()) {
        show(&format!("in a batch: a job of {creator}"), answer);
    }

    // What was just changed is decided on when its revision is demanded.
    let fresh = stop("2001").at_least_as_fresh(own.revision());
    show("at that revision or a later one", &pdp.is_authorized(&fresh).await?);

    // A question that is wrong has no answer, and says what to correct.
    match pdp.is_authorized(&Question::new("2001", "PaiDLC:StopJobs")).await {
        Err(ClientError::Refused { code, field, message, .. }) => {
            println!("{code} at {}: {message}", field.unwrap_or_default());
        }
        other => drop(other?),
    }
    Ok(())
}

fn show(what: &str, answer: &Answer) {
    let decision = if answer.is_allowed() { "Allow" } else { "Deny" };
    println!("{decision}  {what} ({})", answer.reason());
}
