//! One decision in process, from strings to the answer: what it costs as workspaces and roles grow, and beside Cedar.
//!
//! The cases of a table take turns in one run; a figure is the median of the rounds with the quartiles. Cedar judges the same
//! requests with request and entities built for each, over the policies that name the action and no others.
//! `cargo bench --bench authorize`; `PAI_AUTHZ_BENCH_ROUNDS` and `PAI_AUTHZ_BENCH_WORKSPACES` change its size.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a bench prints, reads the clock, and a failure ends it"
)]

#[path = "support/numbers.rs"]
mod numbers;
#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/settings.rs"]
mod settings;
#[path = "support/world.rs"]
mod world;

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use numbers::{median, quartiles};
use pai_authz::{
    domain::{AccountId, Effect},
    engine::{Engine, Plain, Snapshot},
};
use settings::number;
use world::{ACCOUNT, Asked, MEMBERS, World, Written};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Questions of a round.
const QUESTIONS: usize = 200_000;

fn main() {
    let (rounds, workspaces) =
        (number("PAI_AUTHZ_BENCH_ROUNDS", 11), number("PAI_AUTHZ_BENCH_WORKSPACES", 10_000));
    let engine = Engine::new("cn-hangzhou").unwrap();
    let account = AccountId::parse(ACCOUNT).unwrap();
    let mut cases = Vec::new();
    for (name, workspaces, roles) in [
        ("10 workspaces, 1 to 3 roles", 10, None),
        ("many workspaces, 1 to 3 roles", workspaces as u64, None),
        ("many workspaces, 1 role", workspaces as u64, Some(1)),
        ("many workspaces, 3 roles", workspaces as u64, Some(3)),
        ("many workspaces, 7 roles", workspaces as u64, Some(7)),
    ] {
        let started = Instant::now();
        let world = World::new(workspaces, roles, 2_026);
        let snapshot = Snapshot::build(Arc::clone(&engine), &world.records()).unwrap();
        println!(
            "{name}: {} memberships in {workspaces} workspaces, made in {:.1} s",
            workspaces * MEMBERS,
            started.elapsed().as_secs_f64()
        );
        cases.push(Case { name, asked: world.questions(QUESTIONS), snapshot });
    }
    let mut nanoseconds = vec![Vec::new(); cases.len()];
    let mut cedar = vec![Vec::new(); cases.len()];
    let mut plains: Vec<Plain> = cases.iter().map(|_| Plain::default()).collect();
    for round in 0..=rounds {
        for (index, case) in cases.iter().enumerate() {
            // The others have had the caches meanwhile.
            case.round(QUESTIONS);
            let fast = case.round(QUESTIONS);
            let plain = case.plainly(&engine, &account, plains.get_mut(index).unwrap());
            // The first round warms up.
            if round > 0 {
                nanoseconds.get_mut(index).unwrap().push(fast);
                cedar.get_mut(index).unwrap().push(plain);
            }
        }
    }
    let base = nanoseconds.first().unwrap().clone();
    let one = nanoseconds.get(2).unwrap().clone();
    println!("\n| case | ns | Cedar, µs | Cedar / ours | to 10 workspaces | to 1 role |");
    println!("|---|---|---|---|---|---|");
    for ((case, ours), cedar) in cases.iter().zip(&mut nanoseconds).zip(&mut cedar) {
        let against =
            |other: &[f64]| -> Vec<f64> { ours.iter().zip(other).map(|(a, b)| a / b).collect() };
        let mut by_cedar: Vec<f64> = cedar.iter().zip(&*ours).map(|(b, a)| b / a).collect();
        let (mut to_base, mut to_one) = (against(&base), against(&one));
        let mut micros: Vec<f64> = cedar.iter().map(|ns| ns / 1e3).collect();
        println!(
            "| {} | {} | {} | {} | {} | {} |",
            case.name,
            quartiles(ours, 0),
            quartiles(&mut micros, 1),
            quartiles(&mut by_cedar, 0),
            quartiles(&mut to_base, 2),
            quartiles(&mut to_one, 2)
        );
        assert!(median(ours) > 0.0);
    }
}

/// A snapshot and what it is asked.
struct Case {
    name: &'static str,
    asked: Vec<Asked>,
    snapshot: Snapshot,
}

impl Case {
    /// Returns the nanoseconds of a decision, of as many.
    ///
    /// A caller's strings are where it has just read them: they are written a few at a time, outside the time that counts.
    fn round(&self, count: usize) -> f64 {
        let (mut took, mut allowed) = (Duration::ZERO, 0_usize);
        let mut written = vec![Written::default(); 64];
        for some in self.asked.get(..count).unwrap().chunks(written.len()) {
            for (asked, written) in some.iter().zip(&mut written) {
                written.write(asked);
            }
            let started = Instant::now();
            for written in written.iter().take(some.len()) {
                let decision =
                    black_box(&self.snapshot).ask(black_box(written.question())).unwrap();
                allowed += usize::from(decision.effect() == Effect::Allow);
            }
            took += started.elapsed();
        }
        assert!(allowed > count / 10, "{allowed} of {count} are allowed");
        took.as_nanos() as f64 / count as f64
    }

    /// Returns the nanoseconds of Cedar's decision, of some of them.
    fn plainly(&self, engine: &Engine, account: &AccountId, plain: &mut Plain) -> f64 {
        let mut written = Written::default();
        let mut took = Duration::ZERO;
        let some = || self.asked.iter().step_by(self.asked.len() / 400);
        // The answers: a fast wrong one is worth nothing. And the policies of the custom roles are made, and kept.
        for asked in some() {
            written.write(asked);
            let request = engine.resolve(account, written.question()).unwrap();
            let ours = self.snapshot.ask(written.question()).unwrap();
            let theirs = plain.judge(&self.snapshot, &request);
            assert!(!Plain::differs(&ours, &theirs), "{request:?}");
        }
        for asked in some() {
            written.write(asked);
            let started = Instant::now();
            let request = engine.resolve(account, written.question()).unwrap();
            black_box(plain.judge(&self.snapshot, &request));
            took += started.elapsed();
        }
        took.as_nanos() as f64 / some().count() as f64
    }
}
