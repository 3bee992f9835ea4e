//! How much of the service one caller has at a time: one thing carried out, a few that wait, no more.
//!
//! What a caller asks for is carried out one after another, so that whoever asks for much waits for itself; those of different callers
//! share the threads in turn.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{Error, ErrorCode};

/// Who has how much under way.
#[derive(Debug)]
pub struct Queues<W> {
    most: usize,
    by_whom: Mutex<HashMap<W, Queue>>,
}

#[derive(Debug)]
struct Queue {
    turn: Arc<Semaphore>,
    admitted: usize,
}

/// Something that may be carried out, in its turn. Dropping it makes room for another.
#[derive(Debug)]
pub struct Admitted<W: Eq + Hash> {
    queues: Arc<Queues<W>>,
    who: W,
    turn: Arc<Semaphore>,
}

impl<W: Eq + Hash + Clone> Queues<W> {
    /// Returns queues of which each has `most` at most, that which is carried out among them.
    #[must_use]
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, by_whom: Mutex::default() })
    }

    /// Admits what somebody asks for.
    ///
    /// # Errors
    /// [`ErrorCode::Throttled`] when there is too much under way.
    pub fn admit(self: &Arc<Self>, who: &W) -> Result<Admitted<W>, Error> {
        let mut queues = self.by_whom.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = queues
            .entry(who.clone())
            .or_insert_with(|| Queue { turn: Arc::new(Semaphore::new(1)), admitted: 0 });
        if queue.admitted >= self.most {
            return Err(Error::new(
                ErrorCode::Throttled,
                format!("the caller has {} calls under way", self.most),
                "wait for an answer before asking more",
            ));
        }
        queue.admitted += 1;
        Ok(Admitted { queues: self.clone(), who: who.clone(), turn: queue.turn.clone() })
    }
}

impl<W: Eq + Hash> Admitted<W> {
    /// Waits for the turn of this one; it lasts until what is returned is dropped.
    pub async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        self.turn.clone().acquire_owned().await.ok()
    }
}

impl<W: Eq + Hash> Drop for Admitted<W> {
    fn drop(&mut self) {
        let mut queues = self.queues.by_whom.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = queues.get_mut(&self.who) {
            queue.admitted -= 1;
            if queue.admitted == 0 {
                queues.remove(&self.who);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_has_so_much_under_way_and_no_more_whatever_others_do() {
        let queues = Queues::new(3);
        let mut held: Vec<_> = (0..3).map(|_| queues.admit(&1).unwrap()).collect();
        let refused = queues.admit(&1).err().map(|error| error.code);
        assert_eq!(refused, Some(ErrorCode::Throttled));
        drop(queues.admit(&2).unwrap());
        held.pop();
        held.push(queues.admit(&1).unwrap());
        drop(held);
        assert!(queues.by_whom.lock().unwrap().is_empty(), "nobody is remembered");
    }

    #[tokio::test]
    async fn what_a_caller_asks_for_takes_turns() {
        let queues = Queues::new(2);
        let [first, second] = [1, 1].map(|who| queues.admit(&who).unwrap());
        let turn = first.turn().await;
        let mut waiting = Box::pin(second.turn());
        let poll = futures_util::FutureExt::now_or_never(waiting.as_mut());
        assert!(poll.is_none(), "the first is not done");
        drop(turn);
        assert!(waiting.await.is_some());
    }
}
