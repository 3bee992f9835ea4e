//! How much of the service one signed caller has at a time: one call carried out, a few that wait, no more.
//!
//! Calls of one caller are carried out one after another, so that whoever asks for much waits for itself; those of
//! different callers share the threads in turn.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    domain::{AccountId, PrincipalId},
    error::{Error, ErrorCode},
};

/// Most calls of a caller that are carried out or wait.
const MOST: usize = 64;

type Who = (AccountId, PrincipalId);

/// Who has how many calls under way.
#[derive(Debug, Default)]
pub(super) struct Admission(Mutex<HashMap<Who, Queue>>);

#[derive(Debug)]
struct Queue {
    turn: Arc<Semaphore>,
    admitted: usize,
}

/// A call that may be carried out, in its turn. Dropping it makes room for another.
pub(super) struct Admitted {
    admission: Arc<Admission>,
    who: Who,
    turn: Arc<Semaphore>,
}

impl Admission {
    /// Admits a call.
    ///
    /// # Errors
    /// [`ErrorCode::Throttled`] when the caller has too many under way.
    pub(super) fn admit(
        self: &Arc<Self>,
        account: &AccountId,
        principal: &PrincipalId,
    ) -> Result<Admitted, Error> {
        let who = (account.clone(), principal.clone());
        let mut queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = queues
            .entry(who.clone())
            .or_insert_with(|| Queue { turn: Arc::new(Semaphore::new(1)), admitted: 0 });
        if queue.admitted >= MOST {
            return Err(Error::new(
                ErrorCode::Throttled,
                format!("the caller has {MOST} calls under way"),
                "wait for an answer before asking more",
            ));
        }
        queue.admitted += 1;
        Ok(Admitted { admission: self.clone(), who, turn: queue.turn.clone() })
    }
}

impl Admitted {
    /// Waits for the turn of this call; it lasts until what is returned is dropped.
    pub(super) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        self.turn.clone().acquire_owned().await.ok()
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut queues = self.admission.0.lock().unwrap_or_else(PoisonError::into_inner);
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
    fn a_caller_has_so_many_calls_under_way_and_no_more_whatever_others_do() {
        let admission = Arc::new(Admission::default());
        let account = AccountId::parse("1").unwrap();
        let [one, two] = ["2001", "2002"].map(|id| PrincipalId::parse(id).unwrap());
        let mut held: Vec<Admitted> =
            (0..MOST).map(|_| admission.admit(&account, &one).unwrap()).collect();
        let refused = admission.admit(&account, &one).err().map(|error| error.code);
        assert_eq!(refused, Some(ErrorCode::Throttled));
        drop(admission.admit(&account, &two).unwrap());
        held.pop();
        held.push(admission.admit(&account, &one).unwrap());
        drop(held);
        assert!(admission.0.lock().unwrap().is_empty(), "nobody is remembered");
    }

    #[tokio::test]
    async fn calls_of_a_caller_take_turns() {
        let admission = Arc::new(Admission::default());
        let account = AccountId::parse("1").unwrap();
        let who = PrincipalId::parse("2001").unwrap();
        let (first, second) =
            (admission.admit(&account, &who).unwrap(), admission.admit(&account, &who).unwrap());
        let turn = first.turn().await;
        let mut waiting = Box::pin(second.turn());
        let poll = futures_util::FutureExt::now_or_never(waiting.as_mut());
        assert!(poll.is_none(), "the first is not done");
        drop(turn);
        assert!(waiting.await.is_some());
    }
}
