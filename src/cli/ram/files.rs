//! Which files are meant, and what is in them.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};

use crate::ram::lint::LONGEST_TEXT;

/// Stands for standard input.
pub(super) const STANDARD_INPUT: &str = "-";

/// Returns the files that are meant, each once: those that were named, and every `*.json` below the folders that were, in
/// the order of their names. What cannot be looked into is told beside them.
pub(super) fn find(named: &[PathBuf]) -> (Vec<PathBuf>, Vec<(PathBuf, anyhow::Error)>) {
    let (mut files, mut failed) = (Vec::new(), Vec::new());
    for path in named {
        if path.as_os_str() != STANDARD_INPUT && path.is_dir() {
            let before = files.len();
            walk(path, &mut files, &mut failed);
            if files.len() == before && failed.is_empty() {
                let error = anyhow::anyhow!("there is no `*.json` in this folder");
                failed.push((path.clone(), error));
            }
        } else if !files.contains(path) {
            files.push(path.clone());
        }
    }
    (files, failed)
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>, failed: &mut Vec<(PathBuf, anyhow::Error)>) {
    let mut open = vec![folder.to_owned()];
    let from = files.len();
    while let Some(folder) = open.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) => {
                failed.push((folder, error.into()));
                continue;
            }
        };
        for entry in entries {
            let entry = match entry.and_then(|entry| Ok((entry.path(), entry.file_type()?))) {
                Ok(entry) => entry,
                Err(error) => {
                    failed.push((folder.clone(), error.into()));
                    continue;
                }
            };
            // Links to folders are not followed: they can lead in circles.
            let (path, kind) = entry;
            if kind.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|it| it == "json") && path.is_file() {
                files.push(path);
            }
        }
    }
    if let Some(found) = files.get_mut(from..) {
        found.sort();
    }
}

/// Reads a document; no more of it than is looked at.
pub(super) fn read(path: &Path) -> anyhow::Result<String> {
    // A byte too many shows that there is more.
    let most = u64::try_from(LONGEST_TEXT)? + 1;
    let mut bytes = Vec::new();
    if path.as_os_str() == STANDARD_INPUT {
        io::stdin().lock().take(most).read_to_end(&mut bytes).context("standard input")?;
    } else {
        let file = File::open(path)?;
        if !file.metadata()?.is_file() {
            bail!("this is not a file");
        }
        file.take(most).read_to_end(&mut bytes)?;
    }
    if bytes.len() > LONGEST_TEXT {
        bail!("this has more than {LONGEST_TEXT} bytes: it is no RAM document");
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        anyhow::anyhow!("this is not text: byte {} is not UTF-8", at + 1)
    })
}

/// Puts a text in the place of a file, whole or not at all.
pub(super) fn replace(path: &Path, text: &str) -> anyhow::Result<()> {
    // Behind a link stands the file that is meant.
    let path = fs::canonicalize(path)?;
    let folder = path.parent().context("a file stands in a folder")?;
    let name = path.file_name().context("a file has a name")?.to_string_lossy();
    let new = folder.join(format!(".{name}.{}.new", std::process::id()));
    let written = fs::write(&new, text)
        .and_then(|()| fs::set_permissions(&new, fs::metadata(&path)?.permissions()))
        .and_then(|()| fs::rename(&new, &path));
    if written.is_err() {
        drop(fs::remove_file(&new));
    }
    Ok(written?)
}
