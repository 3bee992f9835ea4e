//! Writers and checkers at work on a fleet while something goes wrong, every operation recorded.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use super::{
    fleet::{Fleet, Said, grant, revoke},
    history::{History, Verdict},
    server::until,
};

/// Writers, each with a user of its own.
const WRITERS: usize = 2;

/// A fleet under load.
pub(crate) struct Load<'f> {
    fleet: &'f Fleet,
    workspace: String,
    users: Vec<String>,
    history: History,
    over: AtomicBool,
    acknowledged: AtomicUsize,
    failed: AtomicUsize,
    slowest: Mutex<Duration>,
}

/// What the load saw.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) verdict: Verdict,
    /// Writes that were refused or left open, and sent again under the same request id until they were acknowledged.
    pub(crate) failed: usize,
    /// The longest that a write took to be answered.
    pub(crate) slowest: Duration,
}

impl<'f> Load<'f> {
    /// Lets writers and checkers work on every service of the fleet while `faults` happen, and replays what they saw.
    /// `staleness` is how old an answer may be.
    #[track_caller]
    pub(crate) fn run(fleet: &'f Fleet, staleness: Duration, faults: impl FnOnce(&Self)) -> Seen {
        let mut api = fleet.api(0);
        let workspace = api.create_workspace("contested");
        let users = (0..WRITERS).map(|n| api.create_user(&format!("user-{n}")).0).collect();
        let load = Self {
            fleet,
            workspace,
            users,
            history: History::new(),
            over: AtomicBool::new(false),
            acknowledged: AtomicUsize::new(0),
            failed: AtomicUsize::new(0),
            slowest: Mutex::default(),
        };
        thread::scope(|scope| {
            let end = End(&load.over);
            for writer in 0..WRITERS {
                let load = &load;
                scope.spawn(move || load.write(writer));
            }
            for replica in 0..fleet.servers.len() {
                let load = &load;
                scope.spawn(move || load.check(replica));
            }
            load.wait_for_writes();
            faults(&load);
            load.wait_for_writes();
            drop(end);
        });
        for server in &fleet.servers {
            assert!(!server.log().contains("panicked"), "{}", server.log());
        }
        let verdict = load.history.check(staleness).unwrap_or_else(|wrong| panic!("{wrong}"));
        let (failed, slowest) = (load.failed.into_inner(), load.slowest.into_inner().unwrap());
        Seen { verdict, failed, slowest }
    }

    /// Waits until more writes are acknowledged, and returns how long that took.
    #[track_caller]
    pub(crate) fn wait_for_writes(&self) -> Duration {
        let (before, began) = (self.acknowledged.load(Ordering::SeqCst), self.history.now());
        let goal = before + 2 * WRITERS;
        until("writes are acknowledged", || self.acknowledged.load(Ordering::SeqCst) >= goal);
        self.history.since(began)
    }

    fn write(&self, writer: usize) {
        let service = writer % self.fleet.servers.len();
        let mut api = self.fleet.api(service);
        let user = &self.users[writer];
        let mut member = false;
        for number in 0.. {
            member = !member;
            let call =
                if member { grant(&self.workspace, user) } else { revoke(&self.workspace, user) };
            let call = call.with("x-pai-authz-request-id", &format!("w{writer}-{number}"));
            let asked = self.history.now();
            loop {
                if self.over.load(Ordering::SeqCst) {
                    return;
                }
                let sent = self.history.now();
                let answer = api.send(&call);
                let took = self.history.since(sent);
                let mut slowest = self.slowest.lock().unwrap();
                *slowest = took.max(*slowest);
                drop(slowest);
                match answer.status {
                    200 => break,
                    409 => {}
                    503 => {
                        self.failed.fetch_add(1, Ordering::SeqCst);
                        // As a client does that was told to come back later.
                        thread::sleep(Duration::from_millis(20));
                    }
                    _ => panic!("{answer:?}"),
                }
            }
            self.history.changed(writer, member, asked);
            self.acknowledged.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn check(&self, replica: usize) {
        let mut caller = self.fleet.asker(replica);
        while !self.over.load(Ordering::SeqCst) {
            for (number, user) in self.users.iter().enumerate() {
                let asked = self.history.now();
                match caller.may(user, &self.workspace, None) {
                    Said::Allow => self.history.answered(replica, number, true, asked),
                    Said::Deny => self.history.answered(replica, number, false, asked),
                    Said::Refused(code) => self.history.refused(code),
                }
            }
        }
    }
}

/// Ends the load, also when a test fails: its threads are waited for.
struct End<'o>(&'o AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// How long a fault lasts: not a wait for anything.
pub(crate) fn last(time: Duration) {
    thread::sleep(time);
}
