//! How large a bench is.

/// A number of the environment.
#[expect(clippy::disallowed_methods, reason = "a bench is a program of its own")]
pub(crate) fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}
