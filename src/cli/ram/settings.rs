//! `ram-lint.toml`: which rules are left out where, and which are classed otherwise.

use std::{collections::BTreeMap, fs, io::ErrorKind, path::Path};

use anyhow::{Context, bail};
use serde::Deserialize;

use super::files;
use crate::cli::output::one_line;
use crate::ram::{
    finding::{Class, Finding},
    rules::{RULES, Rule},
    wildcard,
};

/// Where settings are looked for when no file is named.
const USUAL: &str = "ram-lint.toml";
/// What a rule is classed as that is not wanted at all.
const OFF: &str = "off";

/// What the file says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// Class, or `off`, by the code of a rule.
    #[serde(default)]
    classes: BTreeMap<String, String>,
    /// What is left out.
    #[serde(default)]
    ignore: Vec<Ignored>,
}

/// Findings that are left out: those that are all of what is said here.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ignored {
    /// A pattern of paths, with `*` for any text and `?` for a character.
    path: Option<String>,
    /// The code of a rule.
    code: Option<String>,
    /// A JSON pointer: what is there or below.
    pointer: Option<String>,
}

impl Settings {
    /// Reads the settings of a file, or of the usual one where that is there.
    pub(super) fn read(named: Option<&Path>) -> anyhow::Result<Self> {
        let path = named.unwrap_or(Path::new(USUAL));
        if named.is_none()
            && fs::symlink_metadata(path).is_err_and(|it| it.kind() == ErrorKind::NotFound)
        {
            return Ok(Self::default());
        }
        // As bounded as documents are: it may come with somebody else's folder.
        let text =
            files::read(path).with_context(|| format!("`--config`: `{}`", path.display()))?;
        Self::parse(&text).with_context(|| format!("`{}`", path.display()))
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let settings: Self = toml::from_str(text)?;
        for (code, class) in &settings.classes {
            known(code)?;
            if class != OFF && Class::parse(class).is_none() {
                let classes = Class::ALL.map(Class::as_str).join("`, `");
                bail!("classes.{code}: `{class}` is not a class: give `{classes}` or `{OFF}`");
            }
        }
        for ignored in &settings.ignore {
            match ignored {
                Ignored { path: None, code: None, pointer: None } => {
                    bail!("ignore: an entry says nothing: give `path`, `code` or `pointer`")
                }
                Ignored { pointer: Some(it), .. } if !it.is_empty() && !it.starts_with('/') => {
                    bail!("ignore.pointer: `{it}` is not a JSON pointer: it begins with `/`")
                }
                Ignored { code: Some(code), .. } => known(code)?,
                Ignored { .. } => {}
            }
        }
        Ok(settings)
    }

    /// Gives findings of a file the classes they have by the settings, and leaves out those that are not wanted.
    pub(super) fn apply(&self, path: &Path, findings: &mut Vec<Finding>) {
        if self.classes.is_empty() && self.ignore.is_empty() {
            return;
        }
        let path = path.to_string_lossy();
        findings.retain_mut(|finding| {
            match self.classes.get(finding.rule.code).map(String::as_str) {
                Some(OFF) => return false,
                Some(class) => finding.class = Class::parse(class).unwrap_or(finding.class),
                None => {}
            }
            !self.ignore.iter().any(|ignored| ignored.covers(&path, finding))
        });
    }
}

impl Ignored {
    fn covers(&self, path: &str, finding: &Finding) -> bool {
        let is_path = |pattern: &String| {
            let path = path.strip_prefix("./").unwrap_or(path);
            wildcard::matches(pattern.strip_prefix("./").unwrap_or(pattern), path)
        };
        let is_below = |pointer: &String| {
            let rest = finding.pointer.strip_prefix(pointer.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.path.as_ref().is_none_or(is_path)
            && self.code.as_ref().is_none_or(|code| code == finding.rule.code)
            && self.pointer.as_ref().is_none_or(is_below)
    }
}

fn known(code: &str) -> anyhow::Result<()> {
    if Rule::find(code).is_some() {
        return Ok(());
    }
    bail!("{}", unknown(code))
}

/// Says that there is no such rule.
pub(super) fn unknown(code: &str) -> String {
    let code = &one_line(code);
    let near = RULES
        .iter()
        .filter_map(|rule| Some((crate::catalog::letters_apart(rule.code, code, 4)?, rule.code)))
        .min();
    match near {
        Some((_, near)) => format!("there is no rule `{code}`: is `{near}` meant?"),
        None => format!("there is no rule `{code}`: `pai-authz ram rules` lists them"),
    }
}
