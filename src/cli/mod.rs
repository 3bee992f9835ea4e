//! The command line: a file per command. The only place that wires concrete stores to use cases.

mod bench;
mod bundle;
mod catalog;
mod check;
mod demo;
mod doctor;
mod explain;
mod import;
mod init;
mod migrate;
mod open;
mod output;
mod policy;
mod ram;
mod recover;
mod schema;
mod serve;
mod target;
mod token;

pub use self::open::store as open_store;
use clap::{Parser, Subcommand};

use output::AnyFormat;
pub use output::{plain, told};

/// Policy decision point for Platform for AI workspaces.
#[derive(Debug, Parser)]
#[command(name = "pai-authz", version, about, max_term_width = 100)]
pub struct Cli {
    /// How answers are printed: `text` or `json`; of `ram lint` also `sarif`, `junit` or `github`.
    #[arg(long, global = true, value_enum, default_value = "text", hide_possible_values = true)]
    format: AnyFormat,
    #[command(subcommand)]
    command: Command,
}

impl Cli {
    /// Returns whether what is printed is for a program.
    #[must_use]
    pub const fn prints_json(&self) -> bool {
        matches!(self.format, AnyFormat::Json)
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service.
    Serve(Box<serve::ServeArgs>),
    /// Make a store, its master key, and the first access key and token of an account.
    Init(init::InitArgs),
    /// Make, list and revoke bearer tokens.
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// Ask for one decision; exits with 0 for Allow, 1 for Deny, 2 for no decision.
    Check(check::CheckArgs),
    /// Ask for one decision and why it is that; exits as `check`.
    Explain(check::CheckArgs),
    /// Show roles as Cedar policies.
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// Validate policy bundles.
    #[command(subcommand)]
    Bundle(bundle::BundleCommand),
    /// Print the Cedar schema.
    Schema,
    /// List, search and explain what can be permitted.
    #[command(subcommand)]
    Catalog(catalog::CatalogCommand),
    /// Add users, workspaces, members and custom roles from a file to a stopped store.
    Import(import::ImportArgs),
    /// Manage known users.
    #[command(subcommand)]
    User(import::UserCommand),
    /// Fill a development store with the demonstration, and print questions with answers.
    Demo(demo::DemoArgs),
    /// Measure a running service: latency at a rate, or the rate it can do; exits with 1 when it cannot keep up.
    Bench(Box<bench::BenchArgs>),
    /// Examine a store on Redis; exits with 1 when the service must not run on it as it is.
    Doctor(Box<doctor::RedisArgs>),
    /// Copy every account of a store into another one.
    Migrate(Box<migrate::MigrateArgs>),
    /// RAM policy documents: lint, simulate, suggest, assist, compile.
    #[command(subcommand)]
    Ram(ram::RamCommand),
    /// Show what an account of a store on Redis has lost, and go on without it.
    Recover(Box<recover::RecoverArgs>),
}

/// Runs the command and returns the exit code of the process: 0 done, 1 the answer is no.
///
/// # Errors
/// Why the command could not be run; the process exits with 2.
pub async fn run(cli: Cli) -> anyhow::Result<u8> {
    let format = match (&cli.command, cli.format) {
        // It has more formats than the others.
        (Command::Ram(_), _) => output::Format::Text,
        (_, format) => format.common()?,
    };
    match cli.command {
        Command::Serve(args) => serve::run(*args).await,
        Command::Init(args) => init::run(&args, format).await,
        Command::Token(command) => token::run(&command, format).await,
        Command::Check(args) => check::run(&args, format).await,
        Command::Explain(args) => explain::run(&args, format).await,
        Command::Policy(command) => policy::run(&command, format),
        Command::Bundle(command) => bundle::run(&command, format),
        Command::Schema => schema::run(format),
        Command::Catalog(command) => catalog::run(&command, format),
        Command::Import(args) => import::run(&args, format).await,
        Command::User(command) => import::run_users(&command, format).await,
        Command::Demo(args) => demo::run(&args, format).await,
        Command::Doctor(args) => doctor::run(&args, format).await,
        Command::Migrate(args) => migrate::run(&args, format).await,
        Command::Recover(args) => recover::run(&args, format).await,
        Command::Bench(args) => bench::run(*args, format).await,
        Command::Ram(command) => ram::run(&command, cli.format).await,
    }
}
