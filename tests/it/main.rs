//! The one integration test binary: a file per behaviour.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "in a test a panic is the answer; clippy's own allowance does not reach what tests share"
)]

mod allowed_actions;
mod authzen;
mod authzen_account;
mod bench;
mod bundle_tokens;
mod bundles;
mod cli;
mod cli_import;
mod client;
mod cold_start;
mod crash;
mod decisions;
mod doctor;
mod doubt;
mod durability;
mod examples_authzen;
mod explain;
mod explain_random;
mod fast_path;
mod hostile;
mod http_auth;
mod http_decisions;
mod http_errors;
mod http_listeners;
mod http_operations;
mod http_pipelining;
mod http_table;
mod load;
mod management;
mod management_limits;
mod management_rules;
mod management_table;
mod migrate;
mod openapi;
mod ram_compared;
mod ram_corpus;
mod ram_delegated;
mod ram_fixes;
mod ram_lint;
mod ram_management;
mod ram_management_limits;
mod ram_meaning;
mod ram_mutations;
mod ram_rules;
mod ram_simulate;
mod readme;
mod recover;
mod redis_faults;
mod replicas;
mod residency;
mod sdk;
mod search;
mod serve_start;
mod signature;
mod store;
mod store_model;
mod store_redb;
mod store_redb_damage;
mod store_redb_faults;
mod store_redis;
mod store_retries;
mod support;
mod tidy;
mod verify;
mod workspace_configs;
