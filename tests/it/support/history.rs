//! What was done and what was answered, and whether the answers can be: a model that every operation is replayed on.
//!
//! A user is a member or not. One writer at a time changes that, and says when the change was asked for first and when it
//! was acknowledged; in between it may take effect at any moment. An answer may be of the present or of a past that ended
//! no longer ago than replicas may be stale, and one replica never goes back behind what it has shown.

use std::{
    collections::HashMap,
    sync::Mutex,
    time::{Duration, Instant},
};

/// A change that was acknowledged.
#[derive(Debug, Clone, Copy)]
struct Change {
    member: bool,
    asked: Duration,
    acknowledged: Duration,
}

/// An answer of one replica.
#[derive(Debug, Clone, Copy)]
struct Answer {
    replica: usize,
    member: bool,
    asked: Duration,
    came: Duration,
}

#[derive(Default)]
struct Records {
    changes: HashMap<usize, Vec<Change>>,
    answers: HashMap<usize, Vec<Answer>>,
    refusals: Vec<(Duration, &'static str)>,
}

/// Records operations as they happen.
pub(crate) struct History {
    started: Instant,
    records: Mutex<Records>,
}

/// What was recorded, when it fits.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) changes: usize,
    pub(crate) answers: usize,
    /// Times of checks that got no decision, and their codes.
    pub(crate) refusals: Vec<(Duration, &'static str)>,
}

impl History {
    #[expect(clippy::disallowed_methods, reason = "a test's own clock")]
    pub(crate) fn new() -> Self {
        Self { started: Instant::now(), records: Mutex::default() }
    }

    pub(crate) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// Returns how much time has passed since.
    pub(crate) fn since(&self, then: Duration) -> Duration {
        self.now().saturating_sub(then)
    }

    /// Notes an acknowledged change of a user, asked for at `asked`.
    pub(crate) fn changed(&self, user: usize, member: bool, asked: Duration) {
        let change = Change { member, asked, acknowledged: self.now() };
        self.records.lock().unwrap().changes.entry(user).or_default().push(change);
    }

    /// Notes an answer about a user, asked for at `asked`.
    pub(crate) fn answered(&self, replica: usize, user: usize, member: bool, asked: Duration) {
        let answer = Answer { replica, member, asked, came: self.now() };
        self.records.lock().unwrap().answers.entry(user).or_default().push(answer);
    }

    /// Notes that a check got no decision.
    pub(crate) fn refused(&self, code: &'static str) {
        let now = self.now();
        self.records.lock().unwrap().refusals.push((now, code));
    }

    /// Replays everything.
    ///
    /// # Errors
    /// The first answer that cannot be.
    pub(crate) fn check(self, staleness: Duration) -> Result<Verdict, String> {
        let Records { changes, answers, refusals } = self.records.into_inner().unwrap();
        let mut verdict = Verdict { refusals, ..Verdict::default() };
        verdict.changes = changes.values().map(Vec::len).sum();
        for (user, mut answers) in answers {
            let changes = changes.get(&user).map_or(&[][..], Vec::as_slice);
            answers.sort_by_key(|answer| answer.came);
            let mut shown: HashMap<usize, usize> = HashMap::new();
            for answer in answers {
                verdict.answers += 1;
                let from = shown.entry(answer.replica).or_default();
                *from = explain(changes, *from, answer, staleness).ok_or_else(|| {
                    format!("user {user}: {answer:?} cannot be after {changes:?} with {from} of them shown")
                })?;
            }
        }
        Ok(verdict)
    }
}

/// Returns how many changes a replica may have seen at least that answers so, `from` or more.
fn explain(changes: &[Change], from: usize, answer: Answer, staleness: Duration) -> Option<usize> {
    (from..=changes.len()).find(|&seen| {
        let state = seen > 0 && changes[seen - 1].member;
        // A change cannot be seen before it was asked for.
        let begun = seen == 0 || changes[seen - 1].asked <= answer.came;
        // The state may have ended, but no longer ago than replicas may be stale.
        let lasts =
            changes.get(seen).is_none_or(|next| next.acknowledged + staleness >= answer.asked);
        state == answer.member && begun && lasts
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn fits(changes: &[(bool, u64, u64)], answers: &[(usize, bool, u64, u64)]) -> bool {
        let history = History::new();
        {
            let mut records = history.records.lock().unwrap();
            let change = |&(member, asked, acknowledged)| Change {
                member,
                asked: MS(asked),
                acknowledged: MS(acknowledged),
            };
            records.changes.insert(1, changes.iter().map(change).collect());
            let answer = |&(replica, member, asked, came)| Answer {
                replica,
                member,
                asked: MS(asked),
                came: MS(came),
            };
            records.answers.insert(1, answers.iter().map(answer).collect());
        }
        history.check(MS(50)).is_ok()
    }

    #[test]
    fn what_cannot_be_is_found() {
        let changes = [(true, 100, 110), (false, 300, 310)];
        assert!(fits(&changes, &[(0, false, 0, 10), (0, true, 150, 160), (0, false, 400, 401)]));
        assert!(fits(&changes, &[(0, false, 120, 121)]), "stale, within bounds");
        assert!(fits(&changes, &[(0, true, 101, 105)]), "in effect before it was acknowledged");
        assert!(!fits(&changes, &[(0, true, 50, 99)]), "before anybody asked for it");
        assert!(!fits(&changes, &[(0, false, 161, 170)]), "the grant is older than that");
        assert!(!fits(&changes, &[(0, true, 361, 362)]), "so is the revocation");
        assert!(!fits(&changes, &[(0, false, 315, 316), (0, true, 320, 321)]), "back again");
        assert!(fits(&changes, &[(0, false, 315, 316), (1, true, 320, 321)]), "another replica");
    }
}
