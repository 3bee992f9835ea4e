//! Decisions: one request or a batch.

mod answer;
pub(super) mod batch_is_authorized;
pub(super) mod is_authorized;
pub(super) mod wire;

pub use answer::decision as render_decision;
