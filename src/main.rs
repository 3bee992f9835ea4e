//! The `pai-authz` command: reads its arguments and runs one command.

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;
use pai_authz::{cli, http};

/// Things of a size stand together, in large pages where the system gives them: a look-up among a million members waits less.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let arguments = cli::Cli::parse();
    let as_json = arguments.prints_json();
    // Before anything speaks TLS, and once: two providers in one build would otherwise be a choice at first use.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        return fail("a TLS provider was installed before", as_json);
    }
    match http::run(cli::run(arguments)) {
        Ok(code) => ExitCode::from(code),
        // Whoever reads the output had enough of it.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => fail(cli::told(&error), as_json),
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
}

#[expect(clippy::print_stderr, reason = "the last word of a command that failed")]
fn fail(message: impl std::fmt::Display, as_json: bool) -> ExitCode {
    let message = cli::plain(&message.to_string());
    if as_json {
        eprintln!("{}", serde_json::json!({ "error": message }));
    } else {
        eprintln!("error: {message}");
    }
    ExitCode::from(2)
}
