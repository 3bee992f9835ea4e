//! A decision by roles, from strings to the answer, makes nothing on the heap.
//!
//! A program of its own, for it counts what the whole process allocates.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test a panic is the answer; clippy's own allowance does not reach what tests share"
)]

#[path = "../benches/support/seeded.rs"]
mod seeded;
#[path = "../benches/support/world.rs"]
mod world;

use std::{alloc::System, hint::black_box, sync::Arc};

use pai_authz::{
    domain::Effect,
    engine::{Engine, Snapshot},
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use world::{World, Written};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[test]
fn a_decision_by_roles_allocates_nothing() {
    let engine = Engine::new("cn-hangzhou").unwrap();
    for roles in [None, Some(1), Some(7)] {
        let world = World::new(20, roles, 2_026);
        let snapshot = Snapshot::build(Arc::clone(&engine), &world.records()).unwrap();
        let asked = world.questions(2_000);
        let mut written = Written::default();
        let mut ask = |asked| {
            written.write(asked);
            let region = Region::new(ALLOCATOR);
            let decision = black_box(&snapshot).ask(black_box(written.question())).unwrap();
            let effect = decision.effect();
            (effect, region.change())
        };
        // What built-in roles answer together is put together when it is first asked for.
        let allowed = asked.iter().filter(|asked| ask(asked).0 == Effect::Allow).count();
        assert!(allowed > 200, "{allowed} are allowed");
        for asked in &asked {
            let (_, change) = ask(asked);
            assert_eq!((change.allocations, change.reallocations), (0, 0), "{asked:?}");
        }
    }
}
