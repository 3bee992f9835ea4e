//! `kill -9` at random moments under eight writers: nothing acknowledged is lost, nothing is half there.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use pai_authz::{
    domain::{AccountId, Revision},
    store::{Mode, RedbStore, Store as _},
};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::support::{
    self, Seeded, kills,
    records::{account, assert_log_leads_to},
    timed,
};

/// What was acknowledged: by account and counter, the request.
type Acknowledged = BTreeMap<(AccountId, u64), String>;

#[derive(serde::Deserialize)]
struct Ack {
    account: String,
    counter: u64,
    request_id: String,
}

/// A writing process; killed by its own id at the latest when the test is over.
struct Writing(Child);

impl Writing {
    fn start(path: &Path) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_pai-authz"))
            .args([
                "bench",
                "store",
                "--acks",
                "--writers",
                "8",
                "--accounts",
                "4",
                "--seconds",
                "600",
                "--store",
            ])
            .arg(format!("redb:{}", path.display()))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self(child)
    }

    /// Waits for an acknowledgement, kills at a random moment after it, and returns everything acknowledged.
    fn kill_at_random(mut self, seeded: &mut Seeded) -> Vec<Ack> {
        let mut out = BufReader::new(self.0.stdout.take().unwrap());
        let mut text = String::new();
        let mut line = |text: &mut String| assert_ne!(out.read_line(text).unwrap(), 0, "it ended");
        line(&mut text);
        if seeded.below(2) == 0 {
            (0..seeded.below(60)).for_each(|_| line(&mut text));
        } else {
            // Not a wait for anything: the moment of the kill.
            thread::sleep(Duration::from_micros(seeded.below(50_000)));
        }
        self.0.kill().unwrap();
        self.0.wait().unwrap();
        out.read_to_string(&mut text).unwrap();
        // A line without its end was not told to the end.
        let told = text.rfind('\n').map_or("", |end| &text[..end]);
        told.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Opens the store and asserts that it holds what was acknowledged, and only whole changes.
///
/// Returns how many changes it holds and how long opening took.
fn check(runtime: &Runtime, path: &Path, acknowledged: &Acknowledged) -> (u64, Duration) {
    let (store, took) = timed(|| RedbStore::open(path, Mode::Development).unwrap());
    let mut total = 0;
    let mut found = BTreeMap::new();
    for id in runtime.block_on(store.accounts()).unwrap() {
        let records = runtime.block_on(store.load(&id)).unwrap();
        let log = runtime.block_on(store.log(&id, Revision::ORIGIN, usize::MAX)).unwrap();
        // Every op of every entry is in the records, and nothing else is.
        assert_log_leads_to(&log, &records);
        let changes = log.len();
        assert_eq!(records.workspaces.len(), changes);
        assert_eq!(records.roles.len(), changes);
        assert_eq!(records.members.len(), 3 * changes);
        assert_eq!(records.identities.len(), 3 * changes);
        total += log.len() as u64;
        for entry in log {
            let request = entry.change.request_id.to_string();
            found.insert((id.clone(), entry.revision.counter), request);
        }
    }
    for (change, request) in acknowledged {
        assert_eq!(found.get(change), Some(request), "{change:?} was acknowledged");
    }
    (total, took)
}

#[test]
fn a_killed_process_loses_nothing_it_acknowledged_and_needs_no_help_to_start() {
    let kills = kills(25);
    let runtime = Builder::new_current_thread().build().unwrap();
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("store.redb");
    let copy = directory.path().join("copy.redb");
    let mut seeded = Seeded(20_261_123);
    let mut acknowledged = Acknowledged::new();
    let mut recoveries = Vec::new();
    let mut applied = 0;
    let ((), took) = timed(|| {
        for kill in 0..kills {
            for ack in Writing::start(&path).kill_at_random(&mut seeded) {
                let told =
                    acknowledged.insert((account(&ack.account), ack.counter), ack.request_id);
                assert!(told.is_none(), "a revision was acknowledged twice");
            }
            // Every other time the next process finds the file as the kill left it.
            let checked = if kill % 2 == 0 { &path } else { &copy };
            if kill % 2 == 1 {
                fs::copy(&path, &copy).unwrap();
            }
            let (total, recovery) = check(&runtime, checked, &acknowledged);
            assert!(total >= acknowledged.len() as u64);
            applied = total;
            recoveries.push(recovery);
        }
    });
    recoveries.sort_unstable();
    let report = format!(
        "{kills} kills in {took:.1?}: {} changes acknowledged, {applied} found, 0 lost, 0 halved; \
         opening took {:.1?} in the median and {:.1?} at most, {} KiB at the end",
        acknowledged.len(),
        recoveries[recoveries.len() / 2],
        recoveries[recoveries.len() - 1],
        fs::metadata(&path).unwrap().len() / 1024,
    );
    support::report(&report);
}
