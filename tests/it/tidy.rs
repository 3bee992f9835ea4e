//! The house rules a machine can check: who may import whom, and what no file may contain.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// A room, the rooms below it that it may import, and the crates it may name.
struct Room {
    name: &'static str,
    rooms: &'static [&'static str],
    crates: &'static [&'static str],
}

/// Arrows only go down. CONTRIBUTING.md has the same table for people.
const ROOMS: &[Room] = &[
    Room { name: "domain", rooms: &[], crates: &["proptest", "thiserror"] },
    Room {
        name: "catalog",
        rooms: &["domain"],
        crates: &["foldhash", "proptest", "serde", "serde_json"],
    },
    Room {
        name: "ram",
        rooms: &["catalog", "domain"],
        crates: &["jiff", "proptest", "serde_json", "unicode_security"],
    },
    Room {
        name: "engine",
        rooms: &["catalog", "domain", "ram"],
        crates: &[
            "cedar_policy",
            "cedar_policy_formatter",
            "foldhash",
            "imbl",
            "memchr",
            // Where in a file something is wrong, as Cedar says it.
            "miette",
            "proptest",
            // Bundles are TOML and JSON.
            "serde",
            "serde_json",
            "toml",
        ],
    },
    Room {
        name: "store",
        rooms: &["domain"],
        crates: &[
            "async_trait",
            "base64",
            "blake3",
            "futures_util",
            "redb",
            "redis",
            "serde",
            "serde_json",
            "thiserror",
            "tokio",
            "tracing",
        ],
    },
    Room { name: "error", rooms: &["domain", "store"], crates: &["tracing"] },
    Room {
        name: "service",
        rooms: &["catalog", "domain", "engine", "error", "ram", "store"],
        crates: &[
            "arc_swap",
            "base64",
            "blake3",
            "chacha20poly1305",
            "foldhash",
            "futures_util",
            "getrandom",
            "hmac",
            "imbl",
            "sha2",
            "subtle",
            "thiserror",
            "tokio",
            "tracing",
            "zeroize",
        ],
    },
    // It names a part of the HTTP library whose log is left out.
    Room {
        name: "config",
        rooms: &[],
        crates: &["actix_http", "clap", "serde", "thiserror", "toml"],
    },
    Room {
        name: "telemetry",
        rooms: &["config", "domain"],
        crates: &["rustix", "tracing_subscriber"],
    },
    Room {
        name: "http",
        rooms: &["catalog", "domain", "error", "ram", "service"],
        crates: &[
            "actix_http",
            "actix_server",
            "actix_service",
            "actix_tls",
            "actix_web",
            "futures_util",
            "jiff",
            "memchr",
            "percent_encoding",
            "pin_project_lite",
            "proptest",
            "rustix",
            "rustls",
            "serde",
            "serde_json",
            "serde_path_to_error",
            "subtle",
            "tokio",
            "tracing",
            "uuid",
        ],
    },
    Room {
        name: "client",
        rooms: &[],
        crates: &[
            "hmac",
            "jiff",
            "reqwest",
            "rustls",
            "serde_json",
            "sha2",
            "thiserror",
            "tokio",
            "uuid",
        ],
    },
    Room {
        name: "load",
        rooms: &["catalog", "domain"],
        crates: &[
            "hdrhistogram",
            "memchr",
            "rustix",
            "rustls",
            "rustls_platform_verifier",
            "serde_json",
            "thiserror",
        ],
    },
    Room {
        name: "cli",
        rooms: &[
            "catalog",
            "client",
            "config",
            "domain",
            "engine",
            "error",
            "http",
            "load",
            "ram",
            "service",
            "store",
            "telemetry",
        ],
        crates: &[
            "annotate_snippets",
            "anyhow",
            "clap",
            "hdrhistogram",
            "indicatif",
            "quick_junit",
            "rustix",
            "serde",
            "serde_json",
            "serde_path_to_error",
            "tokio",
            "toml",
            "tracing",
            "uuid",
        ],
    },
];

/// Drivers that one room alone may name, so that replacing one is one room's work.
const ONLY: &[(&str, &str)] = &[
    ("cedar_policy", "src/engine"),
    ("actix_server", "src/http"),
    ("actix_service", "src/http"),
    ("actix_web", "src/http"),
    ("redb", "src/store/redb"),
    ("redis", "src/store/redis"),
    ("reqwest", "src/client"),
    ("safe_arch", "src/domain/soon.rs"),
    ("tracing_subscriber", "src/telemetry.rs"),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below `folder`, by its path from the root of the project.
fn files(folder: &str) -> Vec<(String, String)> {
    fn walk(folder: &Path, out: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                // What a build leaves behind is not ours.
                if !path.ends_with("target") {
                    walk(&path, out);
                }
            } else if path.extension().is_some_and(|e| e == "rs") {
                out.push(path);
            }
        }
    }
    let mut paths = Vec::new();
    walk(&root().join(folder), &mut paths);
    paths.sort();
    let text = |path: &PathBuf| fs::read_to_string(path).unwrap();
    let name = |path: &PathBuf| path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), text(path))).collect()
}

/// The room a file of `src` stands in; `None` for `lib.rs` and `main.rs`, which see every room.
fn room_of(path: &str) -> Option<&'static Room> {
    let first = path.strip_prefix("src/")?.split('/').next()?.trim_end_matches(".rs");
    ROOMS.iter().find(|room| room.name == first)
}

/// Lines of code: without comments, which may speak of anything.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.starts_with("//"))
}

/// First segments of the paths a file names after `crate::`, within `use crate::{…}` lists too.
fn rooms_named(text: &str) -> BTreeSet<String> {
    let flat: String = code(text).collect::<Vec<_>>().join(" ");
    let mut out = BTreeSet::new();
    let name = |text: &str| {
        text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>()
    };
    for after in flat.split("crate::").skip(1) {
        match after.strip_prefix('{') {
            None => drop(out.insert(name(after))),
            Some(list) => {
                let mut depth = 0;
                let mut start = true;
                for (at, c) in list.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => start = true,
                        c if start && !c.is_whitespace() => {
                            out.insert(name(&list[at..]));
                            start = false;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    out
}

/// Crates of Cargo.toml that a file names in a path.
fn crates_named(text: &str, known: &BTreeSet<String>) -> BTreeSet<String> {
    let flat: String = code(text).collect::<Vec<_>>().join("\n");
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    known
        .iter()
        .filter(|name| {
            flat.match_indices(&format!("{name}::")).any(|(at, _)| {
                // A module of our own may be called like a crate: `store::redb::…` names ours.
                !flat[..at].ends_with(is_name) && !flat[..at].ends_with("::")
            })
        })
        .cloned()
        .collect()
}

fn dependencies() -> BTreeSet<String> {
    let manifest: toml::Table =
        fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    ["dependencies", "dev-dependencies"]
        .into_iter()
        .flat_map(|section| {
            manifest[section].as_table().unwrap().keys().map(|name| name.replace('-', "_"))
        })
        .collect()
}

#[test]
fn every_file_of_src_stands_in_a_room() {
    for (path, _) in files("src") {
        assert!(
            room_of(&path).is_some() || matches!(&*path, "src/lib.rs" | "src/main.rs"),
            "{path}"
        );
    }
}

#[test]
fn arrows_between_rooms_only_go_down() {
    let mut wrong = Vec::new();
    for (path, text) in files("src") {
        let Some(room) = room_of(&path) else { continue };
        for named in rooms_named(&text) {
            if named != room.name
                && ROOMS.iter().any(|r| r.name == named)
                && !room.rooms.contains(&&*named)
            {
                wrong.push(format!("{path}: `{}` may not import `{named}`", room.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn rooms_name_only_the_crates_they_may_know() {
    let known = dependencies();
    let mut wrong = Vec::new();
    for (path, text) in files("src") {
        let Some(room) = room_of(&path) else { continue };
        for named in crates_named(&text, &known) {
            if !room.crates.contains(&&*named) {
                wrong.push(format!("{path}: `{}` may not name the crate `{named}`", room.name));
            }
            if let Some((_, place)) = ONLY.iter().find(|(name, _)| *name == named)
                && !path.starts_with(place)
            {
                wrong.push(format!("{path}: only {place} may name `{named}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn domain_and_engine_reach_neither_files_nor_network_nor_time() {
    for (path, text) in files("src") {
        if !["src/domain", "src/catalog", "src/engine"].iter().any(|room| path.starts_with(room)) {
            continue;
        }
        for forbidden in
            ["std::fs", "std::net", "std::env", "std::thread", "SystemTime", "Instant", "async fn"]
        {
            assert!(
                !code(&text).any(|line| line.contains(forbidden)),
                "{path} names `{forbidden}`"
            );
        }
    }
}

#[test]
fn every_file_opens_with_what_it_is_for() {
    for folder in ["src", "tests", "benches"] {
        for (path, text) in files(folder) {
            assert!(text.starts_with("//! "), "{path}");
        }
    }
}

#[test]
fn no_test_is_skipped_and_no_warning_is_waved_through() {
    // Written in two parts so that this file does not contain them.
    let forbidden =
        [["#[ig", "nore"], ["#[al", "low("], ["#![al", "low("], ["to", "do!("], ["FIX", "ME"]]
            .map(|p| p.concat());
    for folder in ["src", "tests", "benches"] {
        for (path, text) in files(folder) {
            for word in &forbidden {
                assert!(!code(&text).any(|line| line.contains(word)), "{path} contains `{word}`");
            }
        }
    }
}

#[test]
fn files_have_one_idea() {
    // Tests beside the code grow with what they hold.
    let long = |path: &str| path.contains("/tests") || path.starts_with("tests/");
    for (path, text) in files("src") {
        let lines = text.lines().count();
        assert!(long(&path) || lines <= 500, "{path} has {lines} lines: what is its second idea?");
    }
}

#[test]
fn the_reader_of_imports_sees_lists_and_nested_paths() {
    let text = "use crate::{\n    catalog::{ANY, Catalog},\n    domain::X,\n};\n// crate::http\nlet x = crate::service::y();";
    assert_eq!(rooms_named(text).into_iter().collect::<Vec<_>>(), ["catalog", "domain", "service"]);
    let known = BTreeSet::from(["redb".to_owned(), "tokio".to_owned()]);
    assert_eq!(
        crates_named("use crate::store::redb::X;\ntokio::spawn(x)", &known),
        BTreeSet::from(["tokio".to_owned()])
    );
}
