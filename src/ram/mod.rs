//! RAM documents: read, checked and put right.
//!
//! A document is read by a JSON parser of our own, which goes on after what it cannot read ([`json`]), and looked at as
//! statements ([`document`]). Each rule ([`rules`]) tells what it finds ([`finding`]); [`lint::lint`] runs them all, and
//! [`fix::fix`] puts right what is certain. Nothing here decides a request: what documents mean is the engine's.

pub mod assistant;
pub mod document;
pub mod finding;
pub mod fix;
pub mod json;
pub mod keys;
pub mod lines;
pub mod lint;
pub mod manual;
pub mod operator;
pub mod rules;
pub mod value;
mod vocabulary;
pub mod wildcard;

/// Returns the actions that may have been meant by one that is not known, in small letters; `None` where it can be one of another service.
#[must_use]
pub fn meant_actions(lower: &str) -> Option<Vec<&'static str>> {
    let known = vocabulary::vocabulary();
    let (code, name) = lower.split_once(':')?;
    if known.is_listed_code(code) {
        return Some(known.nearest(lower));
    }
    let meant = format!("{}:{name}", known.meant_code(code)?);
    let found = known.find(&meant).and_then(|index| known.action(index));
    Some(found.map_or_else(|| known.nearest(&meant), |action| vec![action.action]))
}
