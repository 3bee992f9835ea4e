//! Long work on a thread that has others to serve.

use std::{cell::RefCell, collections::HashMap, sync::Arc, time::Duration};

use tokio::{sync::OwnedSemaphorePermit, time::Instant};

use super::queues::{Admitted, Queues};
use crate::{
    domain::AccountId,
    error::{Error, ErrorCode},
};

/// How long a thread works at one thing while others may wait for it.
const LONG: Duration = Duration::from_millis(1);
/// How long a thread works at one thing at all: whoever asks for more, or went away, does not keep it for ever.
const MOST: Duration = Duration::from_secs(20);

/// How much that is long an account may have on a thread, all but one of it waiting: far below the connections there can be, so that
/// others find one.
const QUEUE: usize = 512;

/// How long a decision takes that is long among decisions, and for how long it counts.
const LONG_DECISION: Duration = Duration::from_micros(200);
const OF_LATE: Duration = Duration::from_secs(1);
/// By how many short ones a long one is made up for; two that are not are no chance, as where the system had the processor meanwhile.
const SHORT_ONES: u8 = 8;
const MOST_OWED: u8 = 8 * SHORT_ONES;
/// Most accounts whose decisions are taken to be long before those that were so are forgotten.
const REMEMBERED: usize = 1_000;

thread_local! {
    /// What is long on this thread, by whose it is: one thing of an account at a time, so that much of it does not push others back.
    static LONG_WORK: Arc<Queues<AccountId>> = Queues::new(QUEUE);
    /// Accounts with decisions that were long of late.
    static SLOW: RefCell<HashMap<AccountId, Late>> = RefCell::default();
}

/// Decisions of an account that were long.
#[derive(Debug)]
struct Late {
    /// How many short ones would make up for them.
    owed: u8,
    last: Instant,
}

impl Late {
    fn counts(&self, now: Instant) -> bool {
        now - self.last < OF_LATE
    }
}

/// Why something long is the one of its account that is carried on. The permit goes before the place.
#[derive(Debug)]
pub struct Held {
    _permit: Option<OwnedSemaphorePermit>,
    _place: Admitted<AccountId>,
}

impl Held {
    /// Waits until the account has nothing else that is long carried on.
    async fn of(account: &AccountId) -> Result<Self, Error> {
        let place = LONG_WORK.with(|queues| queues.admit(account))?;
        Ok(Self { _permit: place.turn().await, _place: place })
    }
}

/// Lets others have their turn before a decision of an account whose decisions were long of late, and waits for its own.
///
/// # Errors
/// [`ErrorCode::Throttled`] when the account has too much under way that is long.
pub(super) async fn before_decision(account: &AccountId) -> Result<Option<Held>, Error> {
    if !is_slow(account) {
        return Ok(None);
    }
    let held = Held::of(account).await?;
    tokio::task::yield_now().await;
    Ok(Some(held))
}

/// Returns whether decisions of an account were long of late.
#[inline]
pub(super) fn is_slow(account: &AccountId) -> bool {
    SLOW.with_borrow(|slow| {
        !slow.is_empty()
            && slow.get(account).is_some_and(|it| it.owed > SHORT_ONES && it.counts(Instant::now()))
    })
}

/// Makes a decision, and takes note when it is long.
pub(super) fn noted<T>(account: &AccountId, decide: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let decided = decide();
    let now = Instant::now();
    note(account, now - begun, now);
    decided
}

fn note(account: &AccountId, took: Duration, now: Instant) {
    let is_long = took >= LONG_DECISION;
    SLOW.with_borrow_mut(|slow| match slow.get_mut(account) {
        Some(late) if is_long => {
            let before = if late.counts(now) { late.owed } else { 0 };
            *late = Late { owed: MOST_OWED.min(before + SHORT_ONES), last: now };
        }
        Some(Late { owed: owed @ 2.., .. }) => *owed -= 1,
        Some(_) => _ = slow.remove(account),
        None if is_long => {
            if slow.len() >= REMEMBERED {
                slow.retain(|_, late| late.counts(now));
            }
            slow.insert(account.clone(), Late { owed: SHORT_ONES, last: now });
        }
        None => {}
    });
}

/// What a thread does for an account until others have theirs.
#[derive(Debug)]
pub struct Turn<'a> {
    account: &'a AccountId,
    begun: Instant,
    /// How long it worked before.
    worked: Duration,
    /// Why it is the one of its account that is carried on; `None` while it is short.
    held: Option<Held>,
}

impl<'a> Turn<'a> {
    /// Begins one.
    #[must_use]
    pub fn begin(account: &'a AccountId) -> Self {
        Self { account, begun: Instant::now(), worked: Duration::ZERO, held: None }
    }

    /// Lets others have theirs, where this one has been long enough.
    ///
    /// # Errors
    /// [`ErrorCode::Throttled`] when the account has too much under way that is long.
    pub async fn share(&mut self) -> Result<(), Error> {
        let worked = self.begun.elapsed();
        if worked < LONG {
            return Ok(());
        }
        self.worked += worked;
        self.begun = Instant::now();
        if self.held.is_none() {
            self.held = Some(Held::of(self.account).await?);
        }
        tokio::task::yield_now().await;
        self.begun = Instant::now();
        Ok(())
    }

    /// Returns whether it has worked for as long as anything may.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.worked >= MOST
    }

    /// Returns the error of something that needs more than there is; `field` lists what it is about.
    #[must_use]
    pub fn spent(field: &str) -> Error {
        let message = format!("`{field}` asks for more than {} s of work", MOST.as_secs());
        let error = Error::new(ErrorCode::TooManyItems, message, "ask about fewer at once");
        error.about(field, "…")
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn account(id: &str) -> AccountId {
        AccountId::parse(id).unwrap()
    }

    /// Makes as if it had worked for that time.
    fn work(turn: &mut Turn<'_>, time: Duration) {
        turn.begun -= time;
    }

    #[tokio::test]
    async fn of_an_account_one_long_thing_is_carried_on_at_a_time() {
        let [one, two] = ["1", "2"].map(account);
        let mut turns = [&one, &one, &two].map(Turn::begin);
        for turn in &mut turns {
            work(turn, LONG);
        }
        let [mut first, mut second, mut other] = turns;
        first.share().await.unwrap();
        assert!(second.share().now_or_never().is_none(), "the first is not done");
        other.share().await.unwrap();
        drop(first);
        second.share().await.unwrap();
    }

    #[tokio::test]
    async fn decisions_of_an_account_wait_for_each_other_once_one_was_long() {
        let [slow, other] = ["1", "2"].map(account);
        let decided = |account: &AccountId, took| note(account, took, Instant::now());
        // One of many that are short may be so by chance.
        for _ in 0..5 {
            decided(&slow, LONG_DECISION);
            assert!(before_decision(&slow).await.unwrap().is_none());
            (0..SHORT_ONES).for_each(|_| decided(&slow, Duration::ZERO));
        }
        (0..2).for_each(|_| decided(&slow, LONG_DECISION));
        decided(&other, LONG_DECISION);
        assert!(is_slow(&slow) && !is_slow(&other));
        let first = before_decision(&slow).await.unwrap();
        assert!(first.is_some());
        let mut second = Box::pin(before_decision(&slow));
        assert!(second.as_mut().now_or_never().is_none(), "the first is not done");
        assert!(before_decision(&other).await.unwrap().is_none());
        drop(first);
        assert!(second.await.unwrap().is_some());
    }

    #[tokio::test]
    async fn nothing_is_worked_at_for_ever_and_waiting_is_no_work() {
        let account = account("1");
        let (mut turn, mut waiting) = (Turn::begin(&account), Turn::begin(&account));
        work(&mut turn, MOST / 2);
        turn.share().await.unwrap();
        work(&mut waiting, MOST / 2);
        assert!(waiting.share().now_or_never().is_none());
        work(&mut turn, MOST / 2);
        turn.share().await.unwrap();
        assert!(turn.is_spent());
        drop(turn);
        work(&mut waiting, LONG);
        waiting.share().await.unwrap();
        assert!(!waiting.is_spent());
        assert_eq!(Turn::spent("requests").code, ErrorCode::TooManyItems);
    }
}
