//! What Redis says when it does not do what it was asked, as the store's own words.

use std::path::PathBuf;

use redis::{RedisError, ServerErrorKind};

use crate::store::StoreError;

/// Returns the store's error for one of the driver's. `sent` says that a change was under way: without an answer it may
/// have been applied.
pub(super) fn fault(error: &RedisError, sent: bool) -> StoreError {
    let unavailable = |may_be_applied, remedy: &str| StoreError::Unavailable {
        may_be_applied,
        detail: if remedy.is_empty() { error.to_string() } else { format!("{error}: {remedy}") },
    };
    // A transaction that is refused tells why for each of its commands.
    let inner = error.clone().into_server_errors();
    let first = inner.as_ref().and_then(|errors| errors.first()).map(|(_, error)| error.code());
    match first.or_else(|| error.code()) {
        Some("OOM") => StoreError::Full,
        Some("MISCONF") => unavailable(false, "Redis cannot write to its disk: see its log"),
        Some("READONLY") => unavailable(false, "this is a replica: give the primary"),
        Some("NOAUTH" | "WRONGPASS") => unavailable(false, "correct user and password"),
        Some("NOPERM") => unavailable(false, "allow the user of this service the command"),
        Some("LOADING") => unavailable(false, "Redis reads its data: wait until it is ready"),
        Some("BUSY") => unavailable(false, "a script runs too long: end it with SCRIPT KILL"),
        Some("NOREPLICAS") => {
            unavailable(false, "too few replicas follow: see min-replicas-to-write")
        }
        Some("WRONGTYPE") => damaged("a key has another type than the store gave it"),
        // The server answered: whatever it says, the script did not run to its end.
        Some(_) if error.kind() == redis::ErrorKind::Server(ServerErrorKind::ResponseError) => {
            unavailable(sent, "")
        }
        Some(_) => unavailable(false, ""),
        None if error.is_connection_refusal() => {
            unavailable(false, "is Redis running, and is this its address?")
        }
        None => unavailable(sent, ""),
    }
}

/// Returns the store's error for one of the driver's while it connects; `encrypted` says how.
pub(super) fn unreached(error: &RedisError, encrypted: bool) -> StoreError {
    let text = error.to_string();
    let has = |part: &str| text.contains(part);
    let remedy = if has("switch database") && has("permissions") {
        "allow the user the command SELECT, or use database 0"
    } else if has("switch database") {
        "give the number of a database that is there"
    } else if has("cluster support disabled") {
        "this server is no cluster: give `redis://`"
    } else if has("Parse error") {
        "this does not speak Redis: see that the address is right"
    } else if has("not valid for name") {
        "the certificate is of another name than the address"
    } else if error.code() == Some("NOAUTH") {
        "give the password by `--redis-password-file` or the variable `PAI_AUTHZ_REDIS_PASSWORD`"
    } else if encrypted && (has("certificate") || has("alert") || has("handshake")) {
        "check `--redis-ca`, `--redis-cert` and `--redis-key`"
    } else if encrypted && (error.is_timeout() || has("corrupt message")) {
        "does the server answer, and is this the port for TLS? without TLS give `redis://`"
    } else if !encrypted && has("reset by peer") {
        "give `rediss://` where the server wants TLS"
    } else {
        return fault(error, false);
    };
    StoreError::Unavailable { may_be_applied: false, detail: format!("{text}: {remedy}") }
}

/// Returns the error of a server that is no primary: what it answers may be of the past.
pub(super) fn not_primary() -> RedisError {
    let detail = "give the primary, or the sentinels that know it";
    (redis::ErrorKind::InvalidClientConfig, "this server is a replica", detail.to_owned()).into()
}

/// Returns the error of a Sentinel that was taken for a server.
pub(super) fn a_sentinel() -> RedisError {
    let detail = "give `redis+sentinel://HOST:PORT,…/NAME`";
    (redis::ErrorKind::InvalidClientConfig, "this is a Sentinel", detail.to_owned()).into()
}

/// Returns the error of a user that may not do what a change needs.
pub(super) fn refused_command(command: &str) -> StoreError {
    let detail = format!("allow the user of this service the command {command}");
    StoreError::Unavailable { may_be_applied: false, detail }
}

/// Returns the error of a store whose content cannot be trusted.
pub(super) fn damaged(detail: &str) -> StoreError {
    StoreError::Damaged { path: PathBuf::from("(redis)"), detail: detail.to_owned() }
}
