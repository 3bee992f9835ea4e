//! Judges some decisions anew by Cedar alone, off the path of requests, and raises an alarm when it finds another one.

use std::{
    cell::Cell,
    collections::VecDeque,
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
    domain::{Decision, KeptRequest, Request, Settled},
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
#[derive(Debug)]
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

    /// Returns whether the next decision is to be judged anew; one of so many is.
    #[inline]
    #[must_use]
    pub fn is_due(&self) -> bool {
        let (is_due, left) = self.next(LEFT.get());
        LEFT.set(left);
        is_due
    }

    /// Has a decision judged anew.
    pub fn take(&self, view: &Arc<View>, request: &Request<'_>, decision: &Decision<'_>) {
        self.send(Sample::new(view, request, decision));
    }

    /// Begins a batch of decisions of which nothing counts before its end.
    pub(super) fn samples(&self) -> Samples<'_> {
        let (asked, taken) = (VecDeque::new(), Vec::new());
        Samples { verifier: self, left: LEFT.get(), begun: 0, told: 0, asked, taken }
    }

    #[inline]
    const fn next(&self, left: u32) -> (bool, u32) {
        if left > 0 { (false, left - 1) } else { (true, self.every - 1) }
    }

    fn send(&self, sample: Sample) {
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

impl Sample {
    fn new(view: &Arc<View>, request: &Request<'_>, decision: &Decision<'_>) -> Self {
        let decision = decision.clone().into_owned();
        Self { view: view.clone(), request: request.keep(), decision }
    }
}

/// Those of a batch that are to be judged anew.
#[derive(Debug)]
pub(super) struct Samples<'v> {
    verifier: &'v Verifier,
    left: u32,
    /// How many requests of the batch have begun, and how many decisions were told. They are told in the order they begin.
    begun: usize,
    told: usize,
    /// What was asked of those that are due and not told yet, each with how many had begun before it.
    asked: VecDeque<(usize, KeptRequest)>,
    taken: Vec<Sample>,
}

impl Samples<'_> {
    /// Takes note that one begins; of one whose decision is to be judged anew, what is asked is kept. `None` where there is nothing
    /// to keep.
    #[inline]
    pub(super) fn begin(&mut self, asked: impl FnOnce() -> Option<KeptRequest>) -> Option<()> {
        let (is_due, left) = self.verifier.next(self.left);
        self.left = left;
        if is_due {
            self.asked.push_back((self.begun, asked()?));
        }
        self.begun += 1;
        Some(())
    }

    /// Takes note of the next decision as it is told.
    #[inline]
    pub(super) fn tell(&mut self, view: &Arc<View>, settled: Settled<'_>) {
        let told = self.told;
        self.told += 1;
        if self.asked.front().is_some_and(|(begun, _)| *begun == told)
            && let Some((_, request)) = self.asked.pop_front()
        {
            let decision = Decision::from(settled).into_owned();
            self.taken.push(Sample { view: view.clone(), request, decision });
        }
    }

    /// Ends the batch: its decisions were made.
    pub(super) fn end(self) {
        LEFT.set(self.left);
        self.taken.into_iter().for_each(|sample| self.verifier.send(sample));
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
