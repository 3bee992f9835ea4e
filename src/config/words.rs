//! What the reader of a settings file says, in the words of settings.

use super::RedisSettings;

/// What the reader calls the types of settings, and how such values are written.
const FORMS: [(&str, &str); 5] = [
    ("expected socket address", "expected an address and a port, as `\"127.0.0.1:8080\"`"),
    ("invalid socket address syntax", "give an address and a port, as `127.0.0.1:8080`"),
    ("expected usize", "expected a whole number, as `4`"),
    ("expected u64", "expected a whole number, as `5000`"),
    ("expected a sequence", "expected a list, as `[\"todo=examples/todo\"]`"),
];

/// Returns what is told of an error: with forms of values, and where a setting of Redis stands.
pub(super) fn told(said: &str) -> String {
    let told = FORMS.iter().fold(said.to_owned(), |told, (name, form)| told.replace(name, form));
    let unknown = said.split_once("unknown field `").and_then(|(_, rest)| rest.split_once('`'));
    match unknown.map(|(name, _)| name.strip_prefix("redis-").unwrap_or(name)) {
        Some(name) if is_of_redis(name) => {
            format!("{}\nit stands in the table `[redis]`, as `{name}`", told.trim_end())
        }
        _ => told,
    }
}

fn is_of_redis(name: &str) -> bool {
    let read = toml::from_str::<RedisSettings>(&format!("{name} = []"));
    read.is_err_and(|error| !error.message().starts_with("unknown field"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    #[test]
    fn what_is_wrong_is_told_in_words_of_settings() {
        for (text, says) in [
            ("workers = \"2\"", "a whole number, as `4`"),
            ("listen = 7", "an address and a port, as `\"127.0.0.1:8080\"`"),
            ("listen = \"here\"", "give an address and a port"),
            ("bundle = \"todo=x\"", "a list, as `[\"todo="),
            ("redis-password-file = \"x\"", "in the table `[redis]`, as `password-file`"),
            ("write-quorum = 1", "in the table `[redis]`, as `write-quorum`"),
        ] {
            let error = toml::from_str::<Settings>(text).unwrap_err().to_string();
            assert!(told(&error).contains(says), "{}", told(&error));
        }
        let error = toml::from_str::<Settings>("redis-x = 1").unwrap_err().to_string();
        assert!(!told(&error).contains("[redis]"));
    }
}
