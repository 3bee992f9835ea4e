//! Which policy bundles are served, and by which address callers reach them.

use std::path::PathBuf;

use super::Misconfigured;

/// Returns the names and directories of bundles.
pub(super) fn read(given: Vec<String>) -> Result<Vec<(String, PathBuf)>, Misconfigured> {
    let mut bundles: Vec<(String, PathBuf)> = Vec::with_capacity(given.len());
    for text in given {
        let wrong = |why: &str| Misconfigured(format!("`bundle`: `{text}`: {why}"));
        let parts =
            text.split_once('=').filter(|(name, path)| !name.is_empty() && !path.is_empty());
        let (name, path) =
            parts.ok_or_else(|| wrong("give a name and a directory, as `todo=./todo`"))?;
        if bundles.iter().any(|(other, _)| other == name) {
            return Err(wrong("there is a bundle of that name before"));
        }
        bundles.push((name.to_owned(), PathBuf::from(path)));
    }
    Ok(bundles)
}

/// Returns the address by which callers reach the service, without a slash at its end.
pub(super) fn public_url(text: &str, dev: bool) -> Result<String, Misconfigured> {
    let url = text.strip_suffix('/').unwrap_or(text);
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://").filter(|_| dev));
    let is_sound = rest.is_some_and(|host| {
        !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]".contains(&b))
    });
    if is_sound {
        return Ok(url.to_owned());
    }
    Err(Misconfigured(format!(
        "`public-url`: `{text}` is no address of a service: give `https://`, a host and perhaps a port, without a path"
    )))
}
