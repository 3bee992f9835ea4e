//! How many decisions were made, by reason: each thread counts its own, and whoever asks adds them up.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use crate::domain::Reason;

/// The reasons that are counted, in the order of their counts.
const REASONS: [Reason; 4] =
    [Reason::ExplicitAllow, Reason::ExplicitDeny, Reason::ImplicitDeny, Reason::Error];

/// The counts of one thread, apart from those of others: nobody waits for a line of memory that another one writes.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Tally([AtomicU64; REASONS.len()]);

/// The tallies of all threads that ever counted.
static ALL: Mutex<Vec<Arc<Tally>>> = Mutex::new(Vec::new());

thread_local! {
    static OWN: Arc<Tally> = {
        let tally = Arc::<Tally>::default();
        ALL.lock().unwrap_or_else(PoisonError::into_inner).push(tally.clone());
        tally
    };
}

/// Counts a decision.
pub(super) fn count(reason: Reason) {
    let place = REASONS.iter().position(|other| *other == reason);
    // A thread that ends counts no more.
    let _ = OWN.try_with(|own| {
        let Tally(counts) = &**own;
        if let Some(count) = place.and_then(|place| counts.get(place)) {
            // Nobody else writes it.
            count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        }
    });
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
