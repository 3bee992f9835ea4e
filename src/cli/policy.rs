//! `pai-authz policy`: roles as Cedar policies.

use std::path::PathBuf;

use anyhow::Context;
use clap::Subcommand;

use super::{
    import::read_role,
    output::{self, Format},
};
use crate::{
    catalog::letters_apart,
    domain::{BuiltinRole, WorkspaceId},
    engine::{Engine, generate_builtin},
};

/// What can be done with policies.
#[derive(Debug, Subcommand)]
pub(super) enum PolicyCommand {
    /// Print a role as Cedar: a built-in role by its code, or a custom role from a JSON file; or the workspace switches.
    Show {
        /// Code of a built-in role, as `PAI.AlgoDeveloper`, a file with RoleName and ModulePermissions, or `switches` for what
        /// workspace switches forbid.
        #[arg(value_name = "ROLE|FILE|switches")]
        role: String,
    },
    /// Print a built-in role as the catalogue says it, to write it into policies/roles.
    Generate {
        /// Code of a built-in role.
        role: String,
    },
}

/// What the policies of workspace switches are shown by.
const SWITCHES: &str = "switches";

/// Runs the command.
pub(super) fn run(command: &PolicyCommand, format: Format) -> anyhow::Result<u8> {
    // The region is of no matter: a policy names no resource by its ARN.
    let engine = Engine::new("cn-hangzhou").map_err(anyhow::Error::msg)?;
    let codes = || BuiltinRole::ALL.map(BuiltinRole::code).join("`, `");
    let text = match command {
        PolicyCommand::Show { role } => {
            if let Some(builtin) = BuiltinRole::parse(role) {
                engine.builtin_text(builtin).to_owned()
            } else if role == SWITCHES {
                engine.switches_text().to_owned()
            } else {
                let path = PathBuf::from(role);
                if !path.exists() {
                    let near =
                        BuiltinRole::ALL.map(BuiltinRole::code).into_iter().filter_map(|code| {
                            let name = code.strip_prefix("PAI.").unwrap_or(code);
                            let far = [code, name]
                                .into_iter()
                                .filter_map(|it| letters_apart(role, it, 3));
                            Some((far.min()?, code))
                        });
                    let near = near.min().map(|(_, code)| format!(": did you mean `{code}`?"));
                    anyhow::bail!(
                        "`{role}` is neither a file nor one of `{}`, `{SWITCHES}`{}",
                        codes(),
                        near.unwrap_or_default()
                    );
                }
                let custom = read_role(&path)?;
                let example =
                    WorkspaceId::parse("10001").map_err(|form| anyhow::anyhow!(form.expected))?;
                engine.check_role(&example, &custom).with_context(|| path.display().to_string())?;
                engine.custom_text(&example, &custom)?
            }
        }
        PolicyCommand::Generate { role } => {
            let builtin = BuiltinRole::parse(role).with_context(|| {
                format!("`{role}` is not a built-in role: give one of `{}`", codes())
            })?;
            generate_builtin(engine.catalog(), builtin).map_err(anyhow::Error::msg)?
        }
    };
    output::cedar(&text, format)?;
    Ok(0)
}
