//! What settings become, and which are refused.

use super::*;

fn settings(toml: &str) -> Settings {
    toml::from_str(toml).unwrap()
}

#[track_caller]
fn refused(toml: &str, names: &str) {
    let error = settings(toml).into_config().unwrap_err().to_string();
    assert!(error.starts_with(&format!("`{names}`")), "{error}");
}

#[test]
fn flags_stand_over_the_file_and_the_file_over_defaults() {
    let flags = Settings { workers: Some(3), ..Settings::default() };
    let config = flags.over(settings("workers = 1\nbody-limit = 10")).into_config().unwrap();
    assert_eq!((config.workers, config.body_limit, config.batch_body_limit), (3, 10, 1024 * 1024));
    assert_eq!(config.store, StoreAddress::Redb("./data/pai-authz.redb".into()));
}

#[test]
fn what_is_printed_reads_back_as_the_same() {
    let toml = "workers = 3\nuds = \"s\"\nuds-mode = \"0660\"\nbody-timeout-ms = 1500\ndev = true";
    let printed = settings(toml).into_config().unwrap().to_toml().unwrap();
    assert_eq!(settings(&printed).into_config().unwrap().to_toml().unwrap(), printed);
    for line in [
        "workers = 3",
        "uds-mode = \"0660\"",
        "body-timeout-ms = 1500",
        "listen = \"127.0.0.1:8080\"",
    ] {
        assert!(printed.contains(line), "{printed}");
    }
}

#[test]
fn an_unknown_key_is_an_error() {
    let error = toml::from_str::<Settings>("body-limits = 10").unwrap_err().to_string();
    assert!(error.contains("body-limits"), "{error}");
}

#[test]
fn what_would_be_unsafe_or_useless_is_refused() {
    refused("listen = \"0.0.0.0:8080\"", "listen");
    refused("listen = \"0.0.0.0:8080\"\ndev = true\ninsecure-listen = true", "listen");
    refused("ops-listen = \"0.0.0.0:8080\"", "ops-listen");
    refused("tls-cert = \"a\"", "tls-cert");
    refused("uds-account = \"1\"", "uds-account");
    refused("uds-mode = \"9\"\nuds = \"s\"", "uds-mode");
    refused("demo = true", "demo");
    refused("store = \"sqlite:x\"", "store");
    refused("store = \"redis://user:secret@x\"", "store");
    refused("max-staleness-ms = 0", "max-staleness-ms");
    refused("workers = 0", "workers");
    refused("workers = 100000", "workers");
    refused("head-timeout-ms = 0", "head-timeout-ms");
    refused("region = \"a:b\"", "region");
    assert!(settings("listen = \"0.0.0.0:1\"\ninsecure-listen = true").into_config().is_ok());
    assert!(
        settings("listen = \"0.0.0.0:1\"\ntls-cert = \"a\"\ntls-key = \"b\"").into_config().is_ok()
    );
}

#[test]
fn bundles_are_named_once_and_addresses_have_no_path() {
    let config =
        settings("bundle = [\"todo=./a=b\"]\npublic-url = \"https://pdp.example.com:8443/\"")
            .into_config()
            .unwrap();
    assert_eq!(config.bundles, [("todo".to_owned(), PathBuf::from("./a=b"))]);
    assert_eq!(config.public_url.as_deref(), Some("https://pdp.example.com:8443"));
    refused("bundle = [\"todo\"]", "bundle");
    refused("bundle = [\"=a\"]", "bundle");
    refused("bundle = [\"todo=\"]", "bundle");
    refused("bundle = [\"todo=a\", \"todo=b\"]", "bundle");
    for url in [
        "pdp.example.com",
        "http://a",
        "https://",
        "https://a/b",
        "https://a?b",
        "https://a#b",
        "https://u@a",
    ] {
        refused(&format!("public-url = \"{url}\""), "public-url");
    }
    assert!(settings("public-url = \"http://127.0.0.1:1\"\ndev = true").into_config().is_ok());
}
