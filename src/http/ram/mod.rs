//! `/v1/ram/…`: RAM documents, for whoever writes them.

mod simulate;
mod validate;
mod wire;

pub(in crate::http) use simulate::simulate;
pub(in crate::http) use validate::validate;
pub(crate) use wire::{finding, row};
