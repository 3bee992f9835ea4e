//! One account in memory: its present view, whether it may be decided on, and who waits for the next.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::{ArcSwap, ArcSwapOption, Guard};
use tokio::sync::watch;

use super::View;
use crate::{
    domain::{AccountId, Revision},
    error::{Error, ErrorCode},
    store::StoreError,
};

/// A view that is held for a short time.
pub type Present = Guard<Arc<View>>;

/// Why nothing is decided on an account, whatever its view says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The store may hold a change that the view lacks, and cannot be read.
    Doubtful,
    /// The store lacks what was acknowledged; an operator must look.
    Suspended {
        /// How far the account had come.
        known: Revision,
        /// Where the store has it.
        found: Revision,
    },
    /// What the store holds cannot be trusted.
    Quarantined(String),
    /// The account was made under another master key.
    OtherKey(Error),
}

impl Trouble {
    /// Returns what an error of the store means for those who decide; `None` when it means nothing but waiting.
    pub(super) fn of(error: &StoreError) -> Option<Self> {
        match error {
            StoreError::Regressed { known, found } | StoreError::Suspended { known, found } => {
                Some(Self::Suspended { known: *known, found: *found })
            }
            StoreError::Damaged { .. } | StoreError::Format { .. } | StoreError::Mode(_) => {
                Some(Self::Quarantined(error.to_string()))
            }
            _ => None,
        }
    }

    /// Returns what to tell whoever asks.
    fn refusal(&self) -> Error {
        match self {
            Self::Doubtful => Error::new(
                ErrorCode::Unavailable,
                "the account could not be read after a change of which nobody knows",
                "nothing was decided; try again in a moment",
            ),
            Self::Suspended { .. } => Error::new(
                ErrorCode::Suspended,
                "the store has lost changes of the account",
                "nothing is decided until an operator has looked: see `pai-authz recover`",
            ),
            Self::Quarantined(_) | Self::OtherKey(_) => Error::new(
                ErrorCode::Quarantined,
                "what the store holds of the account cannot be trusted",
                "nothing is decided until an operator has looked: the log of the service says what was found",
            ),
        }
    }
}

/// One account in memory.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) account: AccountId,
    view: ArcSwap<View>,
    revisions: watch::Sender<Revision>,
    /// The turn of those who change the account in this process.
    pub(super) writers: Arc<tokio::sync::Mutex<()>>,
    /// The turn of those who bring the view up to the store.
    pub(super) following: tokio::sync::Mutex<()>,
    /// Whether somebody is about to bring it up already.
    pub(super) behind: AtomicBool,
    /// Whether what a sweep found is being dealt with.
    pub(super) settling: AtomicBool,
    showing: Mutex<()>,
    trouble: ArcSwapOption<Trouble>,
    /// When the store was last asked and the view found to be all there is: milliseconds of the monotonic clock.
    confirmed: AtomicU64,
    /// When it was last asked for, so roughly that busy threads do not wait for each other.
    used: AtomicU64,
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl Place {
    pub(super) fn new(view: View, confirmed: Duration) -> Arc<Self> {
        Arc::new(Self {
            account: view.account().clone(),
            revisions: watch::Sender::new(view.revision()),
            view: ArcSwap::from_pointee(view),
            writers: Arc::default(),
            following: tokio::sync::Mutex::default(),
            behind: AtomicBool::new(false),
            settling: AtomicBool::new(false),
            showing: Mutex::default(),
            trouble: ArcSwapOption::empty(),
            confirmed: AtomicU64::new(millis(confirmed)),
            used: AtomicU64::new(millis(confirmed)),
        })
    }

    pub(super) fn view(&self) -> Arc<View> {
        self.view.load_full()
    }

    /// Returns the present view without counting that somebody has it: threads that decide would meet at the count.
    pub(super) fn present(&self) -> Present {
        self.view.load()
    }

    pub(super) fn revision(&self) -> Revision {
        self.view.load().revision()
    }

    /// Shows a view that was made of the one at `from`; whether that is still the present one.
    pub(super) fn follow(&self, from: Revision, next: View) -> bool {
        self.show_if(next, |present| present == from)
    }

    /// Shows a view that was read as a whole, unless a later one is shown already.
    pub(super) fn replace(&self, next: View) {
        let revision = next.revision();
        self.show_if(next, |present| present <= revision);
    }

    fn show_if(&self, next: View, fits: impl FnOnce(Revision) -> bool) -> bool {
        let revision = next.revision();
        // Whoever changes the account and whoever follows the store may both come to a view of it.
        let _turn = self.showing.lock().unwrap_or_else(PoisonError::into_inner);
        if !fits(self.revision()) {
            return false;
        }
        self.view.store(Arc::new(next));
        // After the view: whoever is woken by a revision finds a view that has it.
        self.revisions.send_replace(revision);
        true
    }

    pub(super) fn trouble(&self) -> Option<Arc<Trouble>> {
        self.trouble.load_full()
    }

    /// Notes why nothing is to be decided; whether that is news.
    pub(super) fn set_trouble(&self, trouble: &Trouble) -> bool {
        let before = self.trouble.swap(Some(Arc::new(trouble.clone())));
        before.is_none_or(|before| *before != *trouble)
    }

    pub(super) fn clear_trouble(&self) {
        self.trouble.store(None);
    }

    /// Refuses to decide on an account that is in trouble.
    pub(super) fn check(&self) -> Result<(), Error> {
        match &*self.trouble.load() {
            None => Ok(()),
            Some(trouble) => Err(trouble.refusal()),
        }
    }

    /// Notes that the view was all there was in the store, at that time of the monotonic clock or later.
    pub(super) fn confirm(&self, at: Duration) {
        self.confirmed.fetch_max(millis(at), Ordering::SeqCst);
    }

    /// Returns how long ago the view was known to be all there is.
    pub(super) fn age(&self, now: Duration) -> Duration {
        let confirmed = Duration::from_millis(self.confirmed.load(Ordering::SeqCst));
        now.saturating_sub(confirmed)
    }

    /// Notes that somebody asked for it, to the second.
    pub(super) fn touch(&self, now: Duration) {
        let now = millis(now);
        if now.saturating_sub(self.used.load(Ordering::Relaxed)) > 1_000 {
            self.used.store(now, Ordering::Relaxed);
        }
    }

    pub(super) fn last_used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Waits until the view has come to `revision`, as long as `wait`; whether it has.
    pub(super) async fn reaches(&self, revision: Revision, wait: Duration) -> bool {
        let mut revisions = self.revisions.subscribe();
        let arrived =
            tokio::time::timeout(wait, revisions.wait_for(|present| *present >= revision)).await;
        matches!(arrived, Ok(Ok(_)))
    }
}
