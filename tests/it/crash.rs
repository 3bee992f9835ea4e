//! `kill -9` at random moments under eight signed writers: nothing acknowledged is lost, nothing is half there.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use pai_authz::{
    domain::{Op, Revision},
    store::{Mode, RedbStore, Store as _},
};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};

use crate::support::{
    self, Seeded, kills,
    records::{account, assert_log_leads_to},
    server::{Place, Server, until},
    signed::{Call, Key},
    timed,
    wire::Connection,
};

const ACCOUNTS: [&str; 2] = ["1000000000000077", "1000000000000078"];
const WRITERS: u64 = 8;
/// Members of each workspace that is set up, beside its Owner.
const MEMBERS: usize = 3;

/// Sets workspaces up, one after another, until the service is gone; notes each that was acknowledged.
fn write(server: &Server, key: &Key, writer: &str, told: &Mutex<Vec<String>>, count: &AtomicU64) {
    let mut connection = Connection::tcp(server.api);
    for number in 0.. {
        let id = format!("{writer}_{number}");
        let members: Vec<_> = (0..MEMBERS)
            .map(|n| json!({ "userId": format!("200{n}"), "roles": ["PAI.AlgoDeveloper"] }))
            .collect();
        let body = json!({
            "workspaceName": id, "description": "d", "envTypes": ["prod"], "members": members,
        });
        let call = Call::new("SetUpWorkspace", &[]).body(&body).with("x-pai-authz-request-id", &id);
        let signed = call.sign(key, server.api);
        if connection.push(&signed.bytes()).is_err() {
            return;
        }
        let Ok(answer) = connection.answer("POST") else { return };
        assert_eq!(answer.status, 200, "{answer:?}");
        told.lock().unwrap().push(id);
        count.fetch_add(1, Ordering::SeqCst);
    }
}

/// Serves the place, lets all writers write, kills the service at a random moment and returns what was acknowledged.
fn serve_and_kill(place: &Place, keys: &[Key], round: u64, seeded: &mut Seeded) -> Vec<String> {
    let server = place.serve(&[]);
    let (told, count) = (Mutex::new(Vec::new()), AtomicU64::new(0));
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let key = &keys[usize::try_from(writer).unwrap() % keys.len()];
            let (server, told, count) = (&server, &told, &count);
            scope.spawn(move || write(server, key, &format!("w{round}_{writer}"), told, count));
        }
        let enough = 1 + seeded.below(30);
        until("changes are acknowledged", || count.load(Ordering::SeqCst) >= enough);
        // Not a wait for anything: the moment of the kill.
        thread::sleep(Duration::from_micros(seeded.below(20_000)));
        support::server::signal(server.id(), "KILL");
    });
    server.kill();
    told.into_inner().unwrap()
}

/// Opens the store and asserts that it holds what was acknowledged, and only whole changes.
///
/// Returns how many workspaces it holds and how long opening took.
fn check(runtime: &Runtime, path: &Path, acknowledged: &BTreeSet<String>) -> (usize, Duration) {
    let (store, took) = timed(|| RedbStore::open(path, Mode::Production).unwrap());
    let mut found = BTreeSet::new();
    for id in ACCOUNTS.map(account) {
        let records = runtime.block_on(store.load(&id)).unwrap();
        let log = runtime.block_on(store.log(&id, Revision::ORIGIN, usize::MAX)).unwrap();
        // Every op of every entry is in the records, and nothing else is.
        assert_log_leads_to(&log, &records);
        assert_eq!(records.membership_count(), (1 + MEMBERS) * records.workspaces.len());
        for entry in log {
            let [Op::PutWorkspace(workspace), members @ ..] = &entry.change.ops[..] else {
                continue;
            };
            assert_eq!(members.len(), 1 + MEMBERS, "{entry:?}");
            // Request ids are kept behind the id of their caller.
            let request = entry.change.request_id.as_str();
            assert!(request.ends_with(&format!("/{}", workspace.name)), "{request}");
            assert!(found.insert(workspace.name.to_string()));
        }
    }
    let lost: Vec<_> = acknowledged.difference(&found).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    (found.len(), took)
}

#[test]
fn a_killed_service_loses_nothing_it_acknowledged_and_needs_no_help_to_start() {
    let kills = kills(25);
    let runtime = Builder::new_current_thread().build().unwrap();
    let place = Place::new();
    let keys = ACCOUNTS.map(|account| place.init_key(account));
    let users: Vec<_> = (0..MEMBERS).map(|n| json!({ "id": format!("200{n}") })).collect();
    for account in ACCOUNTS {
        place.import(account, &json!({ "users": users }));
    }
    let (path, copy) = (place.path("store.redb"), place.path("copy.redb"));
    let mut seeded = Seeded(20_261_123);
    let mut acknowledged = BTreeSet::new();
    let mut recoveries = Vec::new();
    let mut applied = 0;
    let ((), took) = timed(|| {
        for kill in 0..kills {
            acknowledged.extend(serve_and_kill(&place, &keys, kill, &mut seeded));
            // Every other time the next service finds the file as the kill left it.
            let checked = if kill % 2 == 0 { &path } else { &copy };
            if kill % 2 == 1 {
                fs::copy(&path, &copy).unwrap();
            }
            let (total, recovery) = check(&runtime, checked, &acknowledged);
            applied = total;
            recoveries.push(recovery);
        }
    });
    recoveries.sort_unstable();
    let report = format!(
        "{kills} kills in {took:.1?}: {} signed changes acknowledged, {applied} found, 0 lost, 0 halved; \
         opening took {:.1?} in the median and {:.1?} at most, {} KiB at the end",
        acknowledged.len(),
        recoveries[recoveries.len() / 2],
        recoveries[recoveries.len() - 1],
        fs::metadata(&path).unwrap().len() / 1024,
    );
    support::report(&report);
}
