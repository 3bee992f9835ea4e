//! The HTTP interface, on actix-web: listeners, routes, and the wire types of each endpoint.
//!
//! Only this room names actix. A handler turns bytes into a question, asks a use case, and renders the answer;
//! it decides nothing.

mod api;
mod authzen;
mod body;
mod connections;
mod context;
mod decisions;
mod dialect;
mod docs;
mod error;
mod floor;
mod gate;
mod head;
mod listen;
mod management;
mod object;
mod ops;
mod outlet;
pub(crate) mod ram;
mod request_id;
mod routes;
mod serve;
mod signature;
mod state;
mod token;
mod tokens;

pub mod identity;
pub mod role;

pub use decisions::{Beside, render_decision};
pub use floor::{Constant, floor};
pub use listen::{Listeners, Tls, uds};
pub use object::Object;
pub use serve::{Running, start};
pub use state::{Limits, Services};

/// Runs `work` to its end in the runtime the servers need; other commands share it.
pub fn run<F: Future>(work: F) -> F::Output {
    actix_web::rt::System::new().block_on(work)
}

/// Returns a time as the wire has it: UTC, ISO 8601, milliseconds.
pub(crate) fn time(at: crate::domain::Timestamp) -> String {
    i64::try_from(at.as_millis())
        .ok()
        .and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok())
        .map_or_else(String::new, |time| format!("{time:.3}"))
}
