//! Decisions: one request or a batch.

pub(super) mod batch_is_authorized;
pub(super) mod is_authorized;
pub(super) mod wire;

pub use wire::decision as render_decision;
