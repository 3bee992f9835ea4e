//! The one thread that writes.
//!
//! A sync to disk takes milliseconds and does not get slower by carrying more. So changes queue up while one is
//! under way, and what has queued up is committed together: each is decided on its own, in order, and all of
//! them are answered after the sync.
//!
//! When a commit fails, nobody is told it succeeded, and the store stops writing: after a failed sync the
//! operating system may have dropped the written pages and report success the next time, so only opening the
//! file anew can tell what is there. Reads go on from a view that never writes. A disk that was full before
//! anything was synced is the one failure that passes: the next change tries again.

use std::{
    collections::HashSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread::{self, JoinHandle},
};

use redb::{Database, Durability};
use tokio::sync::{
    mpsc::{self, Receiver, Sender},
    oneshot,
};

use super::{
    apply::{GiveUp, Outcome, Prepared, Tables},
    medium::Guarded,
    open::{self, Opened},
};
use crate::{
    domain::{AccountId, RequestId},
    store::{Applied, StoreError},
};

/// How many changes share a commit at most.
const BATCH: usize = 256;
/// How many changes wait at most; further ones wait to be let into the queue.
const QUEUE: usize = 1024;

type Answer = Result<Applied, StoreError>;

struct Job {
    prepared: Prepared,
    answer: oneshot::Sender<Answer>,
}

/// The queue and the thread; dropping it writes what is queued and ends the thread.
#[derive(Debug)]
pub(super) struct Writer {
    queue: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread.
    ///
    /// # Errors
    /// What the operating system says when it starts no more threads.
    pub(super) fn start(
        opened: Arc<Opened>,
        view: Guarded,
        is_lasting: bool,
    ) -> std::io::Result<Self> {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let thread = thread::Builder::new().name("store-writer".to_owned()).spawn(move || {
            let (health, in_doubt) = (Health::Sound, HashSet::new());
            Thread { opened, view, health, in_doubt, is_lasting }.run(jobs);
        })?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Queues a change and waits until it is durable or refused.
    pub(super) async fn apply(&self, prepared: Prepared) -> Answer {
        let gone = |may_be_applied| StoreError::Unavailable {
            may_be_applied,
            detail: "the writer has ended".to_owned(),
        };
        let (answer, answered) = oneshot::channel();
        let Some(queue) = &self.queue else { return Err(gone(false)) };
        queue.send(Job { prepared, answer }).await.map_err(|_| gone(false))?;
        answered.await.unwrap_or_else(|_| Err(gone(true)))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            // A writer that panicked has told everybody by dropping their answers.
            drop(thread.join());
        }
    }
}

/// Whether the store takes changes.
enum Health {
    Sound,
    /// There was no room and nothing was synced: writing may go on when there is.
    Full,
    /// It must be opened anew; why.
    Failed(String),
}

struct Thread {
    opened: Arc<Opened>,
    view: Guarded,
    health: Health,
    /// Requests whose commit failed half-way: asked again, they may still be there after a restart.
    in_doubt: HashSet<(AccountId, RequestId)>,
    is_lasting: bool,
}

impl Thread {
    fn run(&mut self, mut jobs: Receiver<Job>) {
        while let Some(first) = jobs.blocking_recv() {
            let mut batch = vec![first];
            while batch.len() < BATCH
                && let Ok(job) = jobs.try_recv()
            {
                batch.push(job);
            }
            self.serve(batch);
        }
    }

    fn serve(&mut self, batch: Vec<Job>) {
        if matches!(self.health, Health::Full) && self.view.release().is_ok() {
            self.health = Health::Sound;
        }
        match &self.health {
            Health::Full => return answer_each(batch, |_| StoreError::Full),
            Health::Failed(why) => {
                return answer_each(batch, |job| StoreError::Unavailable {
                    may_be_applied: self.in_doubt.contains(&job.request()),
                    detail: why.clone(),
                });
            }
            Health::Sound => {}
        }
        let synced = self.view.syncs();
        let database = self.opened.database();
        let outcomes =
            catch_unwind(AssertUnwindSafe(|| commit(&database, &batch, self.is_lasting)))
                .unwrap_or_else(|_| Err(GiveUp("redb panicked".to_owned())));
        match outcomes {
            Ok(outcomes) => {
                for (job, outcome) in batch.into_iter().zip(outcomes) {
                    // Whoever no longer waits for the answer does not get one.
                    drop(job.answer.send(match outcome {
                        Outcome::Written(revision) => Ok(Applied { revision, repeated: false }),
                        Outcome::Repeated(revision) => Ok(Applied { revision, repeated: true }),
                        Outcome::Refused(error) => Err(error),
                    }));
                }
            }
            Err(GiveUp(why)) => {
                drop(database);
                self.fail(batch, self.view.syncs() > synced, why);
            }
        }
    }

    /// Answers a batch whose commit failed, and stops writing.
    ///
    /// A commit has two phases: everything is synced before the one byte that makes it count is written and
    /// synced in turn. So `past_first_sync` tells whether the batch may be found applied.
    fn fail(&mut self, batch: Vec<Job>, past_first_sync: bool, why: String) {
        let failure = self.view.failure();
        let why = failure.as_ref().map_or(why, |failure| failure.detail.clone());
        let full = !past_first_sync && failure.is_some_and(|f| f.is_full() && !f.syncing);
        tracing::error!(may_be_applied = past_first_sync, full, error = %why, "a commit failed");
        if past_first_sync {
            self.in_doubt.extend(batch.iter().map(|job| job.prepared.request()));
        }
        self.health = if full { Health::Full } else { Health::Failed(why.clone()) };
        // Before anybody is answered: a caller that now reads must be able to.
        self.view.sever();
        match open::view_again(&self.view, &self.opened) {
            Ok(view) => self.view = view,
            // Reads go on as far as the cache reaches.
            Err(error) => {
                tracing::error!(%error, "the store cannot be read any more");
                self.health = Health::Failed(why.clone());
            }
        }
        answer_each(batch, |_| {
            if full {
                StoreError::Full
            } else {
                StoreError::Unavailable { may_be_applied: past_first_sync, detail: why.clone() }
            }
        });
    }
}

fn answer_each(batch: Vec<Job>, error: impl Fn(&Prepared) -> StoreError) {
    for job in batch {
        let error = error(&job.prepared);
        drop(job.answer.send(Err(error)));
    }
}

/// Applies a batch in one transaction and makes it durable.
fn commit(database: &Database, batch: &[Job], is_lasting: bool) -> Result<Vec<Outcome>, GiveUp> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate)?;
    transaction.set_two_phase_commit(true);
    let outcomes = {
        let mut tables = Tables::open(&transaction, is_lasting)?;
        batch.iter().map(|job| tables.apply(&job.prepared)).collect::<Result<Vec<_>, _>>()?
    };
    if outcomes.iter().any(|outcome| matches!(outcome, Outcome::Written(_))) {
        transaction.commit()?;
    } else {
        transaction.abort()?;
    }
    Ok(outcomes)
}
