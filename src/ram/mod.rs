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

/// Returns whether all actions of the RAM code of an action, which is in small letters, are known.
#[must_use]
pub fn has_listed_code(action: &str) -> bool {
    let code = action.split(':').next().unwrap_or_default();
    vocabulary::vocabulary().is_listed_code(code)
}
