//! Which files are meant, and what is in them.

use std::{
    collections::HashSet,
    fs::{self, File},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, fchown},
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
        } else {
            files.push(path.clone());
        }
    }
    // However it is written, a file is one.
    let mut seen = HashSet::new();
    files.retain(|path| seen.insert(fs::canonicalize(path).unwrap_or_else(|_| path.clone())));
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
            // Links are not followed: they can lead in circles, or out of the folder.
            let (path, kind) = entry;
            let is_hidden =
                path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
            if kind.is_dir() {
                // As `.git`.
                open.extend((!is_hidden).then_some(path));
            } else if path.extension().is_some_and(|it| it == "json") && kind.is_file() {
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
        // Before it is opened: opening a pipe waits for who writes into it.
        if !fs::metadata(path)?.is_file() {
            bail!("this is not a file");
        }
        File::open(path)?.take(most).read_to_end(&mut bytes)?;
    }
    if bytes.len() > LONGEST_TEXT {
        bail!("this has more than {LONGEST_TEXT} bytes: it is no RAM document");
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        anyhow::anyhow!("this is not text: byte {} is not UTF-8", at + 1)
    })
}

/// Puts a text in the place of a file, whole or not at all. It stays its owner's, with its mode.
pub(super) fn replace(path: &Path, text: &str) -> anyhow::Result<()> {
    // Behind a link that was named stands the file that is meant.
    let path = fs::canonicalize(path)?;
    let was = fs::metadata(&path)?;
    if was.permissions().readonly() {
        bail!("it is read-only: nothing was put right in it");
    }
    if was.nlink() > 1 {
        bail!("it has several names: nothing was put right in it, or they would differ");
    }
    let folder = path.parent().context("a file stands in a folder")?;
    let name = path.file_name().context("a file has a name")?.to_string_lossy();
    let new = folder.join(format!(".{name}.{}.new", std::process::id()));
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(&new)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| keep_owner(&file, &was))
        .and_then(|()| file.set_permissions(was.permissions()))
        .and_then(|()| fs::rename(&new, &path));
    if written.is_err() {
        drop(fs::remove_file(&new));
    }
    Ok(written?)
}

fn keep_owner(file: &File, was: &fs::Metadata) -> io::Result<()> {
    let is = file.metadata()?;
    if (is.uid(), is.gid()) == (was.uid(), was.gid()) {
        return Ok(());
    }
    fchown(file, Some(was.uid()), Some(was.gid()))
}
