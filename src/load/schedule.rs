//! When requests are due, whatever the server does meanwhile.

use super::{Arrivals, random::Random};

const SECOND: f64 = 1e9;
/// Most steps in which a rest is gone past.
const STEPS: u64 = 100_000;

/// The times of an open loop, in nanoseconds since the start of the run.
#[derive(Debug)]
pub(super) struct Schedule {
    rate: f64,
    /// `None` for even distances.
    random: Option<Random>,
    taken: u64,
    next: f64,
    end: u64,
}

impl Schedule {
    /// Returns the schedule of `rate` requests a second until `end`.
    pub(super) fn new(rate: f64, arrivals: Arrivals, seed: u64, end: u64) -> Self {
        let random = match arrivals {
            Arrivals::Uniform => None,
            Arrivals::Poisson => Some(Random::new(seed)),
        };
        let mut schedule = Self { rate, random, taken: 0, next: 0.0, end };
        schedule.next += schedule.pause();
        schedule
    }

    /// Returns when the next request is due; `None` when no more are.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "never negative, and below 2^53 for a hundred days"
    )]
    pub(super) fn next(&self) -> Option<u64> {
        Some(self.next as u64).filter(|due| *due < self.end)
    }

    /// Goes on to the request after the next one.
    pub(super) fn take(&mut self) {
        self.taken += 1;
        if self.random.is_some() {
            self.next += self.pause();
        } else {
            self.next = self.even(self.taken);
        }
    }

    /// Goes past requests that nobody sends any more, all of them in at most a hundred thousand steps, and returns of each
    /// step when its first request was due and how many it has. Of a long step the number is that of the rate.
    pub(super) fn rest(&mut self) -> Vec<(u64, u64)> {
        let step = (self.left() / STEPS).max(1);
        let mut out = Vec::new();
        while let Some(due) = self.next() {
            let count = step.min(self.left()).max(1);
            out.push((due, count));
            if count == 1 {
                self.take();
            } else {
                self.taken += count;
                self.next = if self.random.is_some() {
                    self.next + self.even(count)
                } else {
                    self.even(self.taken)
                };
            }
        }
        out
    }

    /// Returns when evenly spaced requests have their number: from the number, so that a million roundings do not add up.
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    fn even(&self, number: u64) -> f64 {
        number as f64 * SECOND / self.rate
    }

    /// Returns how many requests are due until the end, by the rate.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "never negative once rounded up from there, and far below 2^52"
    )]
    fn left(&self) -> u64 {
        ((self.end as f64 - self.next) * self.rate / SECOND).ceil().max(0.0) as u64
    }

    /// Nothing is due from `end` on.
    pub(super) fn end_at(&mut self, end: u64) {
        self.end = self.end.min(end);
    }

    fn pause(&mut self) -> f64 {
        match &mut self.random {
            // The first of evenly spaced requests is due at once.
            None => 0.0,
            Some(random) => -random.unit().ln() * SECOND / self.rate,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(rate: f64, arrivals: Arrivals, end: u64) -> Vec<u64> {
        let mut schedule = Schedule::new(rate, arrivals, 7, end);
        let mut out = Vec::new();
        while let Some(due) = schedule.next() {
            out.push(due);
            schedule.take();
        }
        out
    }

    #[test]
    fn uniform_requests_are_due_at_their_number_by_the_rate() {
        assert_eq!(
            all(4.0, Arrivals::Uniform, 1_000_000_000),
            [0, 250_000_000, 500_000_000, 750_000_000]
        );
        let odd = all(3_000.0, Arrivals::Uniform, 10_000_000_000);
        assert_eq!(odd.len(), 30_000);
        assert_eq!(odd[29_999], 9_999_666_666);
    }

    #[test]
    fn poisson_requests_have_the_rate_and_distances_of_an_exponential_law() {
        let times = all(1_000.0, Arrivals::Poisson, 100_000_000_000);
        assert_eq!(times, all(1_000.0, Arrivals::Poisson, 100_000_000_000), "one seed, one run");
        // 100,000 are expected; six standard deviations are 1,900.
        assert!((98_100..101_900).contains(&times.len()), "{}", times.len());
        let pauses: Vec<u64> = times.windows(2).map(|two| two[1] - two[0]).collect();
        // A part of 1/e is longer than the mean.
        let long = pauses.iter().filter(|pause| **pause > 1_000_000).count();
        assert!((36_000..37_600).contains(&(long * 100_000 / pauses.len())), "{long}");
    }

    #[test]
    fn a_rest_is_gone_past_in_few_steps_and_none_of_it_is_forgotten() {
        let rest = |rate, arrivals| {
            let mut schedule = Schedule::new(rate, arrivals, 1, 86_400_000_000_000);
            schedule.take();
            let rest = schedule.rest();
            assert_eq!(schedule.next(), None);
            assert!(rest.windows(2).all(|two| two[0].0 < two[1].0));
            (rest.len(), rest.iter().map(|(_, count)| count).sum::<u64>())
        };
        assert_eq!(rest(0.5, Arrivals::Uniform), (43_199, 43_199));
        let (steps, count) = rest(1e7, Arrivals::Uniform);
        assert!(steps <= 100_001 && count == 864_000_000_000 - 1, "{steps} {count}");
        let (steps, count) = rest(1e6, Arrivals::Poisson);
        assert!(steps <= 100_001 && count.abs_diff(86_400_000_000) < 100_000, "{steps} {count}");
    }

    #[test]
    fn an_ended_schedule_has_nothing_more() {
        let mut schedule = Schedule::new(1_000.0, Arrivals::Uniform, 1, 1_000_000_000);
        schedule.take();
        schedule.end_at(1_000_001);
        assert_eq!(schedule.next(), Some(1_000_000));
        schedule.take();
        assert_eq!(schedule.next(), None);
    }
}
