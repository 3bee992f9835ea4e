//! Condition keys: those there are, and of some what their values are.

use std::{collections::BTreeSet, sync::LazyLock};

use super::{
    operator::Family,
    vocabulary::{nearest_of, vocabulary},
};
use crate::catalog::{catalog, letters_apart};

/// The keys of every service (RAM Docs, Policy elements), of which the name alone tells which is meant.
const TELLING: [&str; 6] = [
    "acs:SecureTransport",
    "acs:SourceIp",
    "acs:MFAPresent",
    "acs:PrincipalARN",
    "acs:SourceVpc",
    "acs:VpcSourceIp",
];
/// The others of every service (the last two as client libraries have them).
const COMMON: [&str; 6] = [
    "acs:CurrentTime",
    "acs:ResourceTag",
    "acs:RequestTag",
    "acs:Service",
    "acs:PrincipalRDId",
    "acs:PrincipalRDPath",
];

/// Returns the keys of every service.
fn of_every_service() -> impl Iterator<Item = &'static str> {
    TELLING.into_iter().chain(COMMON)
}

/// A condition key that is none, of a service whose keys are all known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unknown {
    /// The one that may be meant.
    pub near: Option<&'static str>,
}

/// Looks for a condition key among those of every service, of PAI and of Simple Log Service; `Ok` for one that is known or of
/// another service. What follows a `/`, as the name of a tag, does not count.
///
/// # Errors
/// [`Unknown`] where there is no such key.
pub fn known(key: &str) -> Result<(), Unknown> {
    let bare = key.split('/').next().unwrap_or_default();
    let Some((prefix, _)) = bare.split_once(':').filter(|(_, name)| !name.is_empty()) else {
        return disguised(bare);
    };
    if prefix.eq_ignore_ascii_case("acs") {
        let is_known = of_every_service().any(|known| known.eq_ignore_ascii_case(bare));
        return if is_known { Ok(()) } else { Err(unknown(bare, of_every_service())) };
    }
    if !vocabulary().is_listed_code(&prefix.to_ascii_lowercase()) {
        return disguised(bare);
    }
    if own().contains(bare) { Ok(()) } else { Err(unknown(bare, own().iter().copied())) }
}

/// Looks whether a key of no service that is known is one that is, but for marks and letters that look alike or cannot be seen, or for
/// the `acs:` before a name that only those keys have.
fn disguised(bare: &str) -> Result<(), Unknown> {
    static LETTERS: LazyLock<Vec<(String, &'static str)>> = LazyLock::new(|| {
        let all = of_every_service().chain(own().iter().copied());
        all.map(|known| (letters(known), known)).collect()
    });
    let given = letters(bare);
    // Letters of other alphabets are left out, so that as many are missing.
    let missing = if bare.is_ascii() { 0 } else { 2 };
    let is_it = |(letters, known): &&(String, &'static str)| {
        let name = letters.strip_prefix("acs").filter(|_| TELLING.contains(known));
        letters_apart(&given, letters, missing).is_some() || name == Some(&*given)
    };
    let near = LETTERS.iter().find(is_it).map(|(_, known)| *known);
    near.map_or(Ok(()), |near| Err(Unknown { near: Some(near) }))
}

/// Returns the letters and digits of a key, in small letters.
fn letters(key: &str) -> String {
    key.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// Looks as [`known`] does for a key of which it is certain that it means something: one without a prefix means nothing.
///
/// # Errors
/// [`Unknown`] where there is no such key.
pub fn stated(key: &str) -> Result<(), Unknown> {
    if key.contains(':') {
        return known(key);
    }
    let mut all = of_every_service().chain(own().iter().copied());
    let is_name =
        |known: &&str| known.split(':').nth(1).is_some_and(|it| it.eq_ignore_ascii_case(key));
    Err(Unknown { near: all.find(is_name) })
}

fn unknown(key: &str, known: impl Iterator<Item = &'static str>) -> Unknown {
    let near = nearest_of(key, known);
    Unknown { near: near.or_else(|| disguised(key).err().and_then(|it| it.near)) }
}

/// Returns the keys of PAI and of Simple Log Service.
fn own() -> &'static BTreeSet<&'static str> {
    static KEYS: LazyLock<BTreeSet<&'static str>> = LazyLock::new(|| {
        let actions = catalog().ram_actions().iter();
        actions.flat_map(|action| action.condition_keys.iter().copied()).collect()
    });
    &KEYS
}

/// A condition key of every service, or of PAI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Its name as it is published.
    pub name: &'static str,
    /// What its values are.
    pub family: Family,
}

const fn key(name: &'static str, family: Family) -> Key {
    Key { name, family }
}

/// Who asks, as an ARN.
pub const PRINCIPAL_ARN: &str = "acs:PrincipalARN";
/// When it is asked.
pub const CURRENT_TIME: &str = "acs:CurrentTime";
/// Whether an asset of PAI is shared.
pub const ACCESSIBILITY: &str = "pai:Accessibility";
/// Whether an asset of PAI is the caller's own.
pub const ENTITY_ACCESS_TYPE: &str = "pai:EntityAccessType";

/// The keys of PAI that have one of two values, and these.
pub const VALUES: [(&str, [&str; 2]); 2] =
    [(ACCESSIBILITY, ["PUBLIC", "PRIVATE"]), (ENTITY_ACCESS_TYPE, ["CREATOR", "OTHERS"])];

/// The keys of a known type (RAM Docs, Policy elements); others, as tags, can hold anything.
pub const TYPED: [Key; 10] = [
    key(CURRENT_TIME, Family::Date),
    key("acs:SecureTransport", Family::Boolean),
    key("acs:MFAPresent", Family::Boolean),
    key("acs:SourceIp", Family::Ip),
    key("acs:VpcSourceIp", Family::Ip),
    key("acs:SourceVpc", Family::String),
    key(PRINCIPAL_ARN, Family::String),
    key("acs:Service", Family::String),
    key(ACCESSIBILITY, Family::String),
    key(ENTITY_ACCESS_TYPE, Family::String),
];

/// Returns a key in the one form that all its spellings have: small letters, but for what follows a `/`, which names a tag, and
/// tags are told apart by the case of letters.
#[must_use]
pub fn normal(name: &str) -> String {
    match name.split_once('/') {
        Some((kind, tag)) => format!("{}/{tag}", kind.to_ascii_lowercase()),
        None => name.to_ascii_lowercase(),
    }
}

/// Returns whether two names are spellings of one key: [`normal`] would return the same.
#[must_use]
pub fn is_same(one: &str, other: &str) -> bool {
    // Small letters are as long as capitals, and a `/` is neither.
    let tag = || one.split_once('/').is_none_or(|(_, tag)| other.ends_with(tag));
    // Mostly both are spelt as the manual has it.
    one == other || one.eq_ignore_ascii_case(other) && tag()
}

/// Returns the key of a name, whose case does not count; `None` when what it holds is not known.
#[must_use]
pub fn typed(name: &str) -> Option<&'static Key> {
    TYPED.iter().find(|key| key.name.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_are_the_same_where_their_one_form_is() {
        let mut names = vec![String::new()];
        for _ in 0..3 {
            let longer = names
                .iter()
                .flat_map(|name| "aAb/\u{e9}\u{c9}".chars().map(move |c| format!("{name}{c}")));
            names = names.iter().cloned().chain(longer.collect::<Vec<_>>()).collect();
            names.sort();
            names.dedup();
        }
        for one in &names {
            for other in &names {
                assert_eq!(is_same(one, other), normal(one) == normal(other), "{one} {other}");
            }
        }
    }
}
