//! pai-authz: a policy decision point for Platform for AI workspaces.

pub mod catalog;
pub mod domain;
pub mod engine;
pub mod store;
