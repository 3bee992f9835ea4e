//! Keeps the accounts in memory up to a store that other processes change as well.
//!
//! Announcements wake it, the log tells what changed, and four times a second every account's revision is asked for: that
//! finds what no announcement told, and is what makes an account fresh. Nothing here is waited for by a decision.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};

use super::{
    Accounts,
    loading::Unread,
    place::{Place, Trouble},
};
use crate::{
    domain::{AccountId, Op, Revision},
    store::{Announcement, SharedStore, StoreError},
};

/// How often every account's revision is asked for.
const SWEEP: Duration = Duration::from_millis(250);
/// How often sentinels are asked where the primary is.
const LOOK_AROUND: Duration = Duration::from_secs(1);
/// How often an account of which a part cannot be trusted is read again.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// Accounts whose revisions are asked for in one go.
const ASKED_AT_ONCE: usize = 256;
/// Accounts that are brought up at the same time.
const AT_ONCE: usize = 8;
/// Changes that are applied in one step.
const BATCH: usize = 256;

/// When the store was last heard of, and whether it is followed at all.
#[derive(Debug)]
pub(super) struct Contact {
    heard: AtomicU64,
    lost: AtomicBool,
    /// The turns of those who bring accounts up after a sweep.
    settling: Semaphore,
}

impl Default for Contact {
    fn default() -> Self {
        let (heard, lost) = (AtomicU64::default(), AtomicBool::default());
        Self { heard, lost, settling: Semaphore::new(AT_ONCE) }
    }
}

impl Contact {
    fn made(&self, at: Duration) {
        self.heard.fetch_max(u64::try_from(at.as_millis()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    fn age(&self, now: Duration) -> Duration {
        now.saturating_sub(Duration::from_millis(self.heard.load(Ordering::SeqCst)))
    }

    fn lose(&self) {
        self.lost.store(true, Ordering::SeqCst);
    }

    /// Returns whether nobody follows the store any more.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::SeqCst)
    }
}

/// What operators watch of the accounts in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Watched {
    /// Accounts in memory.
    pub accounts: usize,
    /// Bytes they take, roughly.
    pub bytes: usize,
    /// Accounts on which nothing is decided because the store lost changes.
    pub suspended: usize,
    /// Accounts on which nothing is decided because of what the store holds.
    pub quarantined: usize,
    /// Workspaces of other accounts on which nothing is decided because of what the store holds.
    pub quarantined_workspaces: usize,
    /// How long ago the store was heard of; zero where no other process changes it.
    pub since_contact: Duration,
    /// How long ago the stalest account was known to be up to date; zero where no other process changes it.
    pub stalest: Duration,
}

/// Follows a shared store as long as it is kept.
#[derive(Debug)]
pub struct Replica(Option<tokio::runtime::Runtime>);

impl Drop for Replica {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // Waiting for it is forbidden where other tasks run.
            runtime.shutdown_background();
        }
    }
}

impl Replica {
    /// Starts following, on a thread of its own; does nothing where no other process changes the store.
    ///
    /// # Errors
    /// When there can be no thread.
    pub fn start(accounts: &Arc<Accounts>) -> std::io::Result<Self> {
        let (Some(shared), Some(nudged)) = (accounts.shared(), accounts.nudged()) else {
            return Ok(Self(None));
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("replica")
            .enable_all()
            .build()?;
        accounts.contact.made(accounts.clock.monotonic());
        let work = [
            runtime.spawn(listen(accounts.clone(), shared.announcements(), nudged)),
            runtime.spawn(sweep(accounts.clone())),
            runtime.spawn(look_around(accounts.clone())),
        ];
        runtime.spawn(watch(accounts.clone(), work));
        Ok(Self(Some(runtime)))
    }
}

/// Notes when a part of the work ends, which none ever should: what then is decided could be of any age.
async fn watch(accounts: Arc<Accounts>, work: [JoinHandle<()>; 3]) {
    let (ended, _, _) = futures_util::future::select_all(work).await;
    let how = ended.map_or_else(|error| error.to_string(), |()| "it returned".to_owned());
    tracing::error!(
        how,
        "following the store broke off: nothing is decided any more, restart the service"
    );
    accounts.contact.lose();
}

impl Accounts {
    /// Returns whether the store was heard of recently enough to decide.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.shared().is_none()
            || (!self.contact.is_lost()
                && self.contact.age(self.clock.monotonic()) <= self.residency.max_staleness)
    }

    /// Returns what operators watch.
    #[must_use]
    pub fn watched(&self) -> Watched {
        let mut watched = Watched::default();
        for place in self.places.load().values() {
            let view = place.view();
            watched.accounts += 1;
            watched.bytes += view.weight();
            if self.shared().is_some() && place.trouble().is_none() {
                watched.stalest = watched.stalest.max(place.age(self.clock.monotonic()));
            }
            match place.trouble().as_deref() {
                None => watched.quarantined_workspaces += view.unreadable().len(),
                Some(Trouble::Suspended { .. }) => watched.suspended += 1,
                Some(Trouble::Quarantined(_) | Trouble::OtherKey(_)) => watched.quarantined += 1,
                Some(Trouble::Doubtful) => {}
            }
        }
        if self.shared().is_some() {
            watched.since_contact = self.contact.age(self.clock.monotonic());
        }
        watched
    }
}

/// Brings up the accounts that announcements name, and those that somebody waits for.
async fn listen(
    accounts: Arc<Accounts>,
    mut announcements: mpsc::Receiver<Announcement>,
    mut nudged: mpsc::Receiver<AccountId>,
) {
    loop {
        let (account, revision) = tokio::select! {
            Some(announcement) = announcements.recv() => match announcement {
                Announcement::Changed(account, revision) => (account, Some(revision)),
                // The next sweep is soon.
                Announcement::Missed => continue,
            },
            Some(account) = nudged.recv() => (account, None),
            else => return,
        };
        accounts.absent.forget(&account);
        let Some(place) = accounts.places.load().get(&account).cloned() else {
            // A new one, or one that left to make room.
            if revision.is_some_and(|revision| revision.counter == 1) && accounts.has_room() {
                let accounts = accounts.clone();
                tokio::spawn(async move {
                    if let Err(error) = accounts.attend(&account).await {
                        // Whoever asks for it first tries again.
                        tracing::debug!(%error, %account, "cannot load a new account");
                    }
                });
            }
            continue;
        };
        let known = revision.is_some_and(|revision| revision <= place.revision());
        // Who brings it up already finds this change, too.
        if known || place.behind.swap(true, Ordering::SeqCst) {
            continue;
        }
        let accounts = accounts.clone();
        tokio::spawn(async move {
            // Errors are the sweep's: it asks again until it knows.
            if let Err(error) = catch_up(&accounts, &place).await {
                tracing::debug!(error = error.cause(), account = %place.account, "cannot bring the account up");
            }
        });
    }
}

async fn look_around(accounts: Arc<Accounts>) {
    let mut tick = interval(LOOK_AROUND);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while let Some(shared) = accounts.shared() {
        tick.tick().await;
        if let Err(error) = shared.look_around().await {
            tracing::debug!(error = error.cause(), "nobody can tell where the primary is");
        }
    }
}

async fn sweep(accounts: Arc<Accounts>) {
    let mut tick = interval(SWEEP);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut looked_again = accounts.clock.monotonic();
    let (mut answered, mut refusing) = (true, false);
    while let Some(shared) = accounts.shared() {
        tick.tick().await;
        let now = accounts.clock.monotonic();
        let again = now.saturating_sub(looked_again) >= LOOK_AGAIN;
        if again {
            looked_again = now;
        }
        let swept = sweep_once(&accounts, shared, again).await;
        match &swept {
            Err(error) if answered => {
                tracing::warn!(error = error.cause(), "the store cannot be asked");
            }
            Ok(()) if !answered => tracing::info!("the store can be asked again"),
            _ => {}
        }
        answered = swept.is_ok();
        match (accounts.is_fresh(), refusing) {
            (false, false) => {
                tracing::error!("decisions are refused: the store could not be asked for too long");
            }
            (true, true) => tracing::info!("decisions are made again"),
            _ => {}
        }
        refusing = !accounts.is_fresh();
    }
}

/// Asks for every account's revision and brings up those that are behind.
async fn sweep_once(
    accounts: &Arc<Accounts>,
    shared: &dyn SharedStore,
    again: bool,
) -> Result<(), StoreError> {
    let mut places: Vec<Arc<Place>> = accounts.places.load().values().cloned().collect();
    if places.is_empty() {
        // There is nothing to be fresh, and the store is there or not.
        let Ok(nobody) = AccountId::parse("0") else { return Ok(()) };
        let at = accounts.clock.monotonic();
        if let Some(Err(error @ StoreError::Unavailable { .. })) =
            shared.revisions(&[nobody]).await.pop()
        {
            return Err(error);
        }
        accounts.contact.made(at);
        return Ok(());
    }
    places.sort_by(|a, b| a.account.cmp(&b.account));
    let mut unavailable = None;
    for some in places.chunks(ASKED_AT_ONCE) {
        let names: Vec<AccountId> = some.iter().map(|place| place.account.clone()).collect();
        // Before it is asked: what it answers was so then or later.
        let asked = accounts.clock.monotonic();
        for (place, revision) in some.iter().zip(shared.revisions(&names).await) {
            match revision {
                // Others may be well, on another node of a cluster perhaps.
                Err(error @ StoreError::Unavailable { .. }) => {
                    unavailable = Some(error);
                    continue;
                }
                Ok(revision) if revision <= place.revision() && is_sound(place, again) => {
                    place.confirm(asked);
                }
                // What takes longer holds no other account up.
                revision if !place.settling.swap(true, Ordering::SeqCst) => {
                    let (accounts, place) = (accounts.clone(), place.clone());
                    tokio::spawn(async move {
                        let _turn = accounts.contact.settling.acquire().await;
                        settle(&accounts, &place, revision, asked, again).await;
                        place.settling.store(false, Ordering::SeqCst);
                    });
                }
                _ => {}
            }
            accounts.contact.made(asked);
        }
    }
    unavailable.map_or(Ok(()), Err)
}

/// Returns whether an account needs nothing but to be as far as the store.
fn is_sound(place: &Place, again: bool) -> bool {
    place.trouble().is_none() && (!again || place.view().unreadable().is_empty())
}

/// Does what an account's revision in the store calls for.
async fn settle(
    accounts: &Accounts,
    place: &Place,
    revision: Result<Revision, StoreError>,
    asked: Duration,
    again: bool,
) {
    let brought_up = match revision {
        Ok(revision) => {
            let reread = match place.trouble().as_deref() {
                None => again && !place.view().unreadable().is_empty(),
                // Reading it may take long and come to the same.
                Some(Trouble::Quarantined(_) | Trouble::OtherKey(_)) if !again => return,
                Some(_) => true,
            };
            if reread {
                reload(accounts, place).await
            } else if revision > place.revision() {
                catch_up(accounts, place).await
            } else {
                Ok(())
            }
        }
        Err(error) => Err(error),
    };
    let Err(error) = brought_up else { return place.confirm(asked) };
    let Some(trouble) = Trouble::of(&error) else {
        tracing::debug!(error = error.cause(), account = %place.account, "cannot bring the account up");
        return;
    };
    let account = &place.account;
    if place.set_trouble(&trouble) {
        tracing::error!(%error, %account, "nothing is decided on the account until an operator has looked");
    }
    // For all other processes: those that start now cannot know what was lost.
    if let StoreError::Regressed { known, .. } = error
        && let Some(shared) = accounts.shared()
        && let Err(error) = shared.suspend(account, known).await
    {
        tracing::error!(error = error.cause(), %account, "the account cannot be suspended for other processes: trying again");
    }
}

/// Brings the view of an account up to the store.
///
/// # Errors
/// What the store says. The account is then as it was.
pub(super) async fn catch_up(accounts: &Accounts, place: &Place) -> Result<(), StoreError> {
    let Some(shared) = accounts.shared() else { return reload(accounts, place).await };
    let _turn = place.following.lock().await;
    loop {
        // What is announced from here on is seen below, or calls somebody else.
        place.behind.store(false, Ordering::SeqCst);
        let view = place.view();
        let entries = match shared.follow(&place.account, view.revision(), BATCH).await {
            Err(StoreError::Gap) => {
                tracing::info!(account = %place.account, at = %view.revision(), "the log does not lead on: reading the account anew");
                return read_anew(accounts, place).await;
            }
            other => other?,
        };
        let Some(last) = entries.last().map(|entry| entry.revision) else { return Ok(()) };
        let whole = entries.len() < BATCH;
        let ops: Vec<Op> = entries.into_iter().flat_map(|entry| entry.change.ops).collect();
        match view.with(&ops, last) {
            Ok(next) => {
                // Not, when a change of this process came first: then the next round begins behind it.
                if place.follow(view.revision(), next) && whole {
                    return Ok(());
                }
            }
            // Whoever wrote it compiled it. It may have been another version of this program.
            Err(error) => return Err(senseless(place, &error)),
        }
    }
}

async fn reload(accounts: &Accounts, place: &Place) -> Result<(), StoreError> {
    let _turn = place.following.lock().await;
    read_anew(accounts, place).await
}

async fn read_anew(accounts: &Accounts, place: &Place) -> Result<(), StoreError> {
    match accounts.read(&place.account).await {
        Ok(view) => {
            place.replace(view);
            place.clear_trouble();
            Ok(())
        }
        Err(Unread::Store(error)) => Err(error),
        Err(Unread::OtherKey(error) | Unread::Senseless(error)) => Err(senseless(place, &error)),
    }
}

/// Returns the error of what can be read and makes no sense.
fn senseless(place: &Place, error: &crate::error::Error) -> StoreError {
    let detail = format!("account {}: {error}", place.account);
    StoreError::Damaged { path: "(store)".into(), detail }
}
