//! How many decisions were made, by reason: each thread counts its own, and whoever asks adds them up.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use crate::domain::Reason;

/// The reasons that are counted, in the order of their counts.
const REASONS: [Reason; 4] =
    [Reason::ExplicitAllow, Reason::ExplicitDeny, Reason::ImplicitDeny, Reason::Error];

/// Decisions of one caller, by reason, that are counted together.
#[derive(Debug, Default)]
pub(super) struct Tally([u64; REASONS.len()]);

impl Tally {
    /// Takes note of a decision.
    #[inline]
    pub(super) fn count(&mut self, reason: Reason) {
        if let Some(count) = self.0.get_mut(place(reason)) {
            *count += 1;
        }
    }

    /// Counts its decisions.
    pub(super) fn add(&self) {
        of_this_thread(|own| own.iter().zip(self.0).for_each(|(count, more)| add(count, more)));
    }

    /// Counts a decision.
    #[inline]
    pub(super) fn add_one(reason: Reason) {
        of_this_thread(|own| own.get(place(reason)).into_iter().for_each(|count| add(count, 1)));
    }
}

/// Returns the place of a reason among [`REASONS`].
const fn place(reason: Reason) -> usize {
    match reason {
        Reason::ExplicitAllow => 0,
        Reason::ExplicitDeny => 1,
        Reason::ImplicitDeny => 2,
        Reason::Error => 3,
    }
}

/// The counts of one thread, apart from those of others: nobody waits for a line of memory that another one writes.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Counts([AtomicU64; REASONS.len()]);

/// The counts of all threads that ever counted.
static ALL: Mutex<Vec<Arc<Counts>>> = Mutex::new(Vec::new());

thread_local! {
    static OWN: Arc<Counts> = {
        let counts = Arc::<Counts>::default();
        ALL.lock().unwrap_or_else(PoisonError::into_inner).push(counts.clone());
        counts
    };
}

#[inline]
fn of_this_thread(count: impl FnOnce(&[AtomicU64])) {
    // A thread that ends counts no more.
    let _ = OWN.try_with(|own| count(&own.0));
}

#[inline]
fn add(count: &AtomicU64, more: u64) {
    // Nobody else writes it.
    count.store(count.load(Ordering::Relaxed) + more, Ordering::Relaxed);
}

/// Returns how many decisions this process has made, by reason.
#[must_use]
pub fn decisions_made() -> Vec<(&'static str, u64)> {
    let all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
    let sum = |place: usize| {
        let counts = all.iter().filter_map(|own| own.0.get(place));
        counts.map(|count| count.load(Ordering::Relaxed)).sum()
    };
    REASONS.iter().enumerate().map(|(place, reason)| (reason.as_str(), sum(place))).collect()
}
