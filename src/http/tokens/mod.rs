//! Tokens of the caller's account: made, listed, revoked by a caller whose own token has the scope `tokens`.

pub(super) mod create;
pub(super) mod list;
pub(super) mod revoke;
mod wire;
