//! The service as a process of its own, and two servers asked in turn: the ratio is taken round by round, so that it holds while
//! the machine's speed drifts.

use std::{path::Path, time::Duration};

use pai_authz::load::{self, Pace, Plan, Report, Target, post};
use serde_json::Value;

use crate::{
    numbers::quartiles,
    pinned::{Pinned, run_to_end},
};

/// The program that is measured: `PAI_AUTHZ_BENCH_BINARY`, or the one built beside the benches.
#[expect(clippy::disallowed_methods, reason = "a setting of the bench")]
pub(crate) fn binary() -> String {
    std::env::var("PAI_AUTHZ_BENCH_BINARY")
        .unwrap_or_else(|_| env!("CARGO_BIN_EXE_pai-authz").to_owned())
}

/// The service with a store of its own, and where it listens.
pub(crate) struct Service {
    token: String,
    pub(crate) tcp: Target,
    pub(crate) uds: Target,
    _process: Pinned,
}

impl Service {
    /// Starts the service in production mode, with a token from the store: what is measured is what is run.
    pub(crate) fn start(folder: &Path, data: &str) -> Self {
        let binary = &binary();
        let path = |name: &str| folder.join(name).display().to_string();
        let (store, key) = (format!("redb:{}", path("store.redb")), path("master.key"));
        let common = ["--store", &store, "--master-key-file", &key];
        let account = ["--account", "1000000000000001"];
        let made =
            run_to_end(binary, &["init", "--format", "json"], &[&common[..], &account].concat());
        let made: Value = serde_json::from_str(&made).unwrap();
        let token = made.get("token").and_then(Value::as_str).unwrap().to_owned();
        std::fs::write(folder.join("data.json"), data).unwrap();
        run_to_end(binary, &["import", &path("data.json")], &[&common[..], &account].concat());
        let socket = path("service.sock");
        let serve = ["serve", "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"];
        let rest = ["--workers", "1", "--uds", &socket];
        let process = Pinned::start(binary, &[&serve[..], &rest, &common].concat(), 0);
        let tcp = Target::url(&process.url).unwrap();
        Self { token, tcp, uds: Target::unix(Path::new(&socket)), _process: process }
    }

    pub(crate) fn post(&self, target: &Target, path: &str, body: &str) -> Vec<u8> {
        post(path, Some(&self.token), target.host(), body)
    }
}

/// A server and what it is asked.
pub(crate) type Asked<'t> = (&'t Target, Vec<Vec<u8>>);

pub(crate) fn run(of: &Asked<'_>, pace: Pace, turn: Duration, connections: usize) -> Report {
    let (target, requests) = of;
    let warmup = turn / 5;
    let plan = Plan { duration: turn, warmup, connections, ..Plan::new((*target).clone(), pace) };
    let report = load::run(&plan, requests, &mut |_| {}).unwrap();
    assert_eq!(report.counts.failed(), 0, "{:?}", report.counts);
    report
}

/// Returns the requests a second of each, round by round.
pub(crate) fn saturated(
    rounds: usize,
    turn: Duration,
    of: &[Asked<'_>; 2],
    connections: usize,
) -> [Vec<f64>; 2] {
    let mut rates = [Vec::new(), Vec::new()];
    for round in 0..=rounds {
        eprint!("\rround {round} of {rounds}  ");
        for (asked, rates) in of.iter().zip(&mut rates) {
            let report = run(asked, Pace::Closed, turn, connections);
            // The first round warms up.
            if round > 0 {
                rates.push(report.achieved);
            }
        }
    }
    eprint!("\r");
    rates
}

pub(crate) fn line(case: &str, ours: &[f64], theirs: &[f64], digits: usize) {
    let mut ratios: Vec<f64> = ours.iter().zip(theirs).map(|(a, b)| a / b).collect();
    println!(
        "| {case} | {} | {} | {} |",
        quartiles(&mut ours.to_vec(), digits),
        quartiles(&mut theirs.to_vec(), digits),
        quartiles(&mut ratios, 3)
    );
}
