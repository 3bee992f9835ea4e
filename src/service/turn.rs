//! Long work on a thread that has others to serve.

use std::{sync::Arc, time::Duration};

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

thread_local! {
    /// What is long on this thread, by whose it is: one thing of an account at a time, so that much of it does not push others back.
    static LONG_WORK: Arc<Queues<AccountId>> = Queues::new(QUEUE);
}

/// What a thread does for an account until others have theirs.
#[derive(Debug)]
pub struct Turn<'a> {
    account: &'a AccountId,
    begun: Instant,
    /// How long it worked before.
    worked: Duration,
    /// Why it is the one of its account that is carried on; `None` while it is short. The permit goes before the place.
    held: Option<(Option<OwnedSemaphorePermit>, Admitted<AccountId>)>,
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
            let admitted = LONG_WORK.with(|queues| queues.admit(self.account))?;
            self.held = Some((admitted.turn().await, admitted));
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
