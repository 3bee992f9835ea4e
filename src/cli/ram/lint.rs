//! `pai-authz ram lint`: checks documents, and puts right what is certain.

use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};

use super::{
    LintArgs,
    files::{self, STANDARD_INPUT},
    report,
    settings::Settings,
};
use crate::{
    cli::output::{self, AnyFormat},
    ram::{
        document::Kind,
        finding::{Class, Finding},
        fix::{Made, fix},
        lint::{Report, lint},
    },
};

/// A file that was checked.
pub(super) struct Checked {
    pub(super) path: PathBuf,
    pub(super) text: String,
    pub(super) report: Report,
    /// What was put right in it.
    pub(super) made: Vec<Made>,
}

/// What became of all files.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) checked: Vec<Checked>,
    /// Files that could not be checked, and why.
    pub(super) failed: Vec<(PathBuf, anyhow::Error)>,
}

impl Outcome {
    /// Returns how many findings there are of a class.
    pub(super) fn count(&self, class: Class) -> usize {
        let findings = self.checked.iter().flat_map(|one| &one.report.findings);
        findings.filter(|finding| finding.class == class).count()
    }

    /// Returns how many findings were put right.
    pub(super) fn fixed(&self) -> usize {
        self.checked.iter().map(|one| one.made.len()).sum()
    }

    /// Returns how many findings could be put right: none of a text that would be no JSON even then.
    pub(super) fn fixable(&self) -> usize {
        let is_left = |it: &Finding| it.rule.is_syntax() && it.fix.is_none();
        let files = self.checked.iter().map(|one| &one.report.findings);
        let files = files.filter(|findings| !findings.iter().any(is_left));
        files.flatten().filter(|finding| finding.fix.is_some()).count()
    }
}

/// Runs the command.
pub(super) fn run(args: &LintArgs, format: AnyFormat) -> anyhow::Result<u8> {
    let prints = args.fix && args.files.iter().any(|it| it.as_os_str() == STANDARD_INPUT);
    if prints && format != AnyFormat::Text {
        anyhow::bail!(
            "`--fix`: standard output is the document that was put right: give a file, or no `--format`"
        );
    }
    let settings = Settings::read(args.config.as_deref())?;
    let (paths, failed) = files::find(&args.files);
    let mut outcome = Outcome { failed, ..Outcome::default() };
    // It is drawn on a terminal only.
    let bar = ProgressBar::new(u64::try_from(paths.len())?);
    bar.set_style(ProgressStyle::with_template("{bar:40} {pos}/{len} files")?);
    for path in paths {
        match check(&path, args, &settings) {
            Ok(checked) => {
                // Of thousands of files without findings nothing need be kept.
                let is_told = !checked.report.findings.is_empty() || format != AnyFormat::Text;
                let text = if is_told { checked.text } else { String::new() };
                outcome.checked.push(Checked { text, ..checked });
            }
            Err(error) => outcome.failed.push((path, error)),
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    report::tell(&outcome, args, format)?;
    let worst = outcome.checked.iter().filter_map(|one| one.report.worst()).max();
    Ok(if outcome.failed.is_empty() {
        u8::from(worst.is_some_and(|worst| worst >= args.fail_level))
    } else {
        2
    })
}

/// Checks a file, after it was put right where that is wanted.
fn check(path: &Path, args: &LintArgs, settings: &Settings) -> anyhow::Result<Checked> {
    let kind = if args.trust { Kind::Trust } else { Kind::Identity };
    let mut text = files::read(path)?;
    let mut made = Vec::new();
    if args.fix {
        let fixed = fix(&text, kind, |findings| settings.apply(path, findings));
        if path.as_os_str() == STANDARD_INPUT {
            output::raw(&fixed.text)?;
        } else if !fixed.made.is_empty() {
            files::replace(path, &fixed.text)?;
        }
        (text, made) = (fixed.text, fixed.made);
    }
    let mut report = lint(&text, kind);
    settings.apply(path, &mut report.findings);
    Ok(Checked { path: path.to_owned(), text, report, made })
}
