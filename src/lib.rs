//! pai-authz: a policy decision point for Platform for AI workspaces.
//!
//! In reading order:
//! - [`domain`]: the values everything speaks in.
//! - [`catalog`]: what can be permitted.
//! - [`ram`]: RAM documents, read and checked.
//! - [`engine`]: roles as Cedar policies, and decisions by them.
//! - [`store`]: where accounts are kept.
//! - [`service`]: the use cases.
//! - [`error`]: what callers can be told.
//! - [`http`]: the interface over the network; [`client`] asks it.
//! - [`load`]: load for a server, and what it measures.
//! - [`config`], [`telemetry`], [`cli`]: the process and its command line.

pub mod catalog;
pub mod cli;
pub mod client;
pub mod config;
pub mod domain;
pub mod engine;
pub mod error;
pub mod http;
pub mod load;
pub mod ram;
pub mod service;
pub mod store;
pub mod telemetry;
