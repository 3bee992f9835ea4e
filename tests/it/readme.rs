//! The story of README.md: every command, pasted line by line, prints what stands below it.

use std::{fs, net::SocketAddr, os::unix::fs::symlink, path::Path, process::Command};

use tempfile::TempDir;

use crate::{sdk, support::server::Server};

/// A command of a `console` block and what stands below it.
struct Step {
    command: String,
    printed: String,
}

/// Runs the commands of a text in a folder, against a server at `address` in the place of the usual one: each must print what
/// stands below it. Returns how many there are, and everything printed.
#[track_caller]
pub(crate) fn tell(text: &str, address: SocketAddr, folder: &Path) -> (usize, String) {
    let steps = steps(text);
    for Step { command, printed } in &steps {
        let here = command.replace("127.0.0.1:8080", &address.to_string());
        let done = Command::new("bash")
            .args(["-c", &format!("{here} 2>&1")])
            .current_dir(folder)
            .env_remove("PAI_AUTHZ_TOKEN")
            .env("PAI_AUTHZ_URL", format!("http://{address}"))
            .output()
            .unwrap();
        // `curl` ends without a line break, where a terminal shows the prompt.
        let said = String::from_utf8(done.stdout).unwrap();
        assert_eq!(said.trim_end(), printed.trim_end(), "`{command}`");
    }
    (steps.len(), steps.into_iter().map(|step| step.printed).collect())
}

fn steps(readme: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for block in readme.split("```console\n").skip(1) {
        let block = block.split("\n```").next().unwrap();
        for line in block.lines() {
            if let Some(command) = line.strip_prefix("$ ") {
                steps.push(Step { command: command.to_owned(), printed: String::new() });
            } else {
                let printed = &mut steps.last_mut().unwrap().printed;
                printed.push_str(line);
                printed.push('\n');
            }
        }
    }
    steps
}

#[test]
fn the_story_of_the_readme_prints_what_it_says() {
    let story = told(include_str!("../../README.md"), 12);
    assert!(story.contains(r#""decision":"Allow""#) && story.contains(r#""decision":"Deny""#));
}

#[test]
fn the_calls_in_the_manual_of_authzen_are_answered_so() {
    let story = told(include_str!("../../docs/authzen.md"), 3);
    assert!(story.contains(r#""decision":true"#) && story.contains(r#""results""#));
}

/// Runs the commands of a page, `least` of them or more, and returns what they printed, which is what stands below each.
fn told(text: &str, least: usize) -> String {
    // As `make run`, on a store in memory: the same demonstration, at the same revision.
    let server = Server::demo(&[]);
    let folder = TempDir::new().unwrap();
    fs::create_dir_all(folder.path().join("target/release")).unwrap();
    symlink(env!("CARGO_BIN_EXE_pai-authz"), folder.path().join("target/release/pai-authz"))
        .unwrap();
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    symlink(project.join("examples"), folder.path().join("examples")).unwrap();
    // The story installs the SDK; here it is installed already.
    symlink(sdk::python().ancestors().nth(2).unwrap(), folder.path().join("sdk")).unwrap();

    let (count, printed) = tell(text, server.api, folder.path());
    assert!(count >= least, "the story has {count} commands");
    printed
}
