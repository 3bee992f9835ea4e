//! `pai-authz ram`: RAM documents, checked on the command line.

mod ci;
mod files;
mod lint;
mod manual;
mod report;
mod sarif;
mod settings;
mod simulate;
mod snippet;
mod suggest;

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use clap::{Args, Subcommand};

use self::{
    simulate::SimulateArgs,
    suggest::{AssistArgs, SuggestArgs},
};
use super::output::{self, AnyFormat};
use crate::{
    engine::Engine,
    ram::finding::{Class, Language},
    service::check_document,
};

/// What can be done with RAM documents.
#[derive(Debug, Subcommand)]
pub(super) enum RamCommand {
    /// Check documents; exits with 0 when nothing is found, 1 when something is, 2 when a file could not be checked.
    Lint(LintArgs),
    /// Say what documents allow and deny; exits with 0 when all is allowed, 1 when something is not, 2 when it cannot be said.
    Simulate(SimulateArgs),
    /// Print the smallest document that would allow what a running service denies; exits with 1 when there is none.
    Suggest(SuggestArgs),
    /// Print the document for a task in a project of Simple Log Service.
    Assist(AssistArgs),
    /// Print the Cedar policies a document becomes.
    Compile {
        /// The document; `-` for standard input.
        #[arg(value_name = "FILE", required_unless_present = "system")]
        file: Option<PathBuf>,
        /// A system policy instead, as `AliyunPAIFullAccess`.
        #[arg(long, value_name = "NAME", conflicts_with = "file")]
        system: Option<String>,
    },
    /// List the rules.
    Rules {
        /// Print the whole manual, in Markdown.
        #[arg(long)]
        manual: bool,
        #[command(flatten)]
        language: LanguageArg,
    },
    /// Show the manual page of a rule.
    Explain {
        /// Its code, as `unknown-action`.
        code: String,
        #[command(flatten)]
        language: LanguageArg,
    },
}

/// In which language findings are told.
#[derive(Debug, Args)]
pub(super) struct LanguageArg {
    /// The language of findings: `en` or `zh-CN`.
    #[arg(long, default_value = "en", value_parser = parse_language)]
    lang: Language,
}

fn parse_language(tag: &str) -> Result<Language, String> {
    Language::parse(if tag == "zh" { "zh-CN" } else { tag })
        .ok_or_else(|| "give `en` or `zh-CN`".to_owned())
}

fn parse_class(name: &str) -> Result<Class, String> {
    Class::parse(name).ok_or_else(|| {
        "give `Error`, `SecurityWarning`, `GeneralWarning` or `Suggestion`".to_owned()
    })
}

/// When text is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    Always,
    Never,
}

/// What to check, and how to tell.
#[derive(Debug, Args)]
pub(super) struct LintArgs {
    /// Files, folders (every `*.json` in them), or `-` for standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// They are trust policies of roles.
    #[arg(long)]
    trust: bool,
    /// The least class that makes the command exit with 1: `Error`, `SecurityWarning`, `GeneralWarning` or `Suggestion`.
    #[arg(long, value_name = "CLASS", default_value = "GeneralWarning", value_parser = parse_class)]
    fail_level: Class,
    /// Put right what can be put right without doubt, in the files. Standard input is printed anew.
    #[arg(long)]
    fix: bool,
    /// Which rules to leave out, or to class otherwise [default: `ram-lint.toml`, where there is one].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// When text is coloured.
    #[arg(long, value_enum, default_value = "auto")]
    color: Color,
    #[command(flatten)]
    language: LanguageArg,
}

/// Runs the command.
pub(super) async fn run(command: &RamCommand, format: AnyFormat) -> anyhow::Result<u8> {
    match command {
        RamCommand::Lint(args) => lint::run(args, format),
        RamCommand::Simulate(args) => simulate::run(args, format.common()?).await,
        RamCommand::Suggest(args) => suggest::suggest(args, format.common()?).await,
        RamCommand::Assist(args) => suggest::assist(args),
        RamCommand::Compile { file, system } => compile(file.as_deref(), system.as_deref()),
        RamCommand::Rules { manual: true, .. } => manual::whole(format.common()?),
        RamCommand::Rules { language, .. } => manual::list(language.lang, format.common()?),
        RamCommand::Explain { code, language } => {
            manual::page(code, language.lang, format.common()?)
        }
    }
}

fn compile(file: Option<&Path>, system: Option<&str>) -> anyhow::Result<u8> {
    let (name, version, text) = match (file, system) {
        (_, Some(name)) => {
            let policy = simulate::system_policy(name)?;
            (format!("System/{name}"), policy.version, policy.document.to_owned())
        }
        (Some(file), None) => {
            let name = file.display().to_string();
            let text = files::read(file).with_context(|| format!("`{name}`"))?;
            (name, "v1", text)
        }
        (None, None) => anyhow::bail!("give a FILE or `--system`"),
    };
    check_document(&name, &text)?;
    // No ARN is composed here: the region does not matter.
    let engine = Engine::new("cn-hangzhou").map_err(anyhow::Error::msg)?;
    output::raw(&engine.document_text(&name, version, &text)?)?;
    Ok(0)
}
