//! Judges some decisions anew by Cedar alone, off the path of requests, and raises an alarm when it finds another one.

use std::{
    cell::Cell,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use super::View;
use crate::{
    catalog::catalog,
    domain::{Decision, KeptRequest, Request},
    engine::Plain,
};

/// Decisions that wait to be judged anew; beyond that they go unverified, for nobody waits for this.
const WAITING: usize = 1_024;

/// What was found until now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Verified {
    /// Decisions that were judged anew.
    pub judged: u64,
    /// Those of them that Cedar decides otherwise.
    pub differing: u64,
    /// Decisions that should have been judged anew, and too many were waiting.
    pub skipped: u64,
}

#[derive(Debug, Default)]
struct Counts {
    judged: AtomicU64,
    differing: AtomicU64,
    skipped: AtomicU64,
}

/// A decision, with all it was made from.
struct Sample {
    view: Arc<View>,
    request: KeptRequest,
    decision: Decision<'static>,
}

/// Judges one of so many decisions anew.
#[derive(Debug)]
pub struct Verifier {
    every: u32,
    samples: SyncSender<Sample>,
    counts: Arc<Counts>,
}

thread_local! {
    /// Decisions of this thread until the next one that is judged anew.
    static LEFT: Cell<u32> = const { Cell::new(0) };
}

impl Verifier {
    /// Starts to judge one of `every` decisions anew, on a thread of its own.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn start(every: u32) -> std::io::Result<Self> {
        let (samples, taken) = sync_channel(WAITING);
        let counts = Arc::new(Counts::default());
        let counting = counts.clone();
        thread::Builder::new().name("verify".to_owned()).spawn(move || judge(&taken, &counting))?;
        Ok(Self { every: every.max(1), samples, counts })
    }

    /// Takes note of a decision; one of so many is judged anew.
    pub fn note(&self, view: &Arc<View>, request: &Request<'_>, decision: &Decision<'_>) {
        let left = LEFT.get();
        if left > 0 {
            LEFT.set(left - 1);
            return;
        }
        LEFT.set(self.every - 1);
        let decision = decision.clone().into_owned();
        let sample = Sample { view: view.clone(), request: request.keep(), decision };
        if self.samples.try_send(sample).is_err() {
            self.counts.skipped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Returns what was found until now.
    #[must_use]
    pub fn verified(&self) -> Verified {
        let of = |count: &AtomicU64| count.load(Ordering::Acquire);
        Verified {
            judged: of(&self.counts.judged),
            differing: of(&self.counts.differing),
            skipped: of(&self.counts.skipped),
        }
    }
}

fn judge(samples: &Receiver<Sample>, counts: &Counts) {
    let mut plain = Plain::default();
    while let Ok(Sample { view, request, decision }) = samples.recv() {
        let asked = request.request();
        let judged = plain.judge(&view.snapshot, &asked);
        if Plain::differs(&decision, &judged) {
            counts.differing.fetch_add(1, Ordering::Release);
            tracing::error!(
                account = %view.account(),
                revision = ?view.revision(),
                principal = asked.principal.id.as_str(),
                action = catalog().action(asked.action).map_or("?", |action| action.name),
                resource = ?asked.resource,
                decided = decision.reason.as_str(),
                by = ?decision.determining_policies.to_vec(),
                cedar = judged.reason.as_str(),
                cedar_by = ?judged.determining_policies.to_vec(),
                "a decision is not the one Cedar makes; please report this as a defect"
            );
        }
        counts.judged.fetch_add(1, Ordering::Release);
    }
}
