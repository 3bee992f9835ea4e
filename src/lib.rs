//! pai-authz: a policy decision point for Platform for AI workspaces.

pub mod domain;
pub mod store;
