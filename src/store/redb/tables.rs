//! The tables, their keys and the marker that tells a store from any other file.
//!
//! Everything of an account stands together, under keys as a distributed store would spell them. `docs/redb-layout.md`
//! shows the whole layout with examples.

use std::ops::RangeInclusive;

use redb::TableDefinition;

use crate::{
    domain::{AccountId, Revision},
    store::Mode,
};

/// Version of the layout and of every value in it, as the marker states it.
pub(super) const FORMAT: u32 = 2;

/// One row, under [`MARKER_KEY`]: `pai-authz store`, a zero byte, the format as a big-endian `u32`, and from
/// format 1 the mode as one letter. Later formats keep the first 20 bytes.
pub(super) const MARKER: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("marker");
/// The only key of [`MARKER`].
pub(super) const MARKER_KEY: &str = "store";

/// Account to (epoch, counter).
pub(super) const ACCOUNTS: TableDefinition<'_, &str, (u32, u64)> = TableDefinition::new("accounts");

/// Record key to encoded record; see [`crate::store::codec`].
pub(super) const RECORDS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("records");

/// (account, epoch, counter) to encoded log entry.
pub(super) const LOG: TableDefinition<'_, LogKey<'_>, &[u8]> = TableDefinition::new("log");
/// Key of [`LOG`]; its order is the order of the changes.
pub(super) type LogKey<'a> = (&'a str, u32, u64);

/// (account, request id) to (epoch, counter, milliseconds of the change, digest of the change).
pub(super) const REQUESTS: TableDefinition<'_, RequestKey<'_>, Request<'_>> =
    TableDefinition::new("requests");
/// Key of [`REQUESTS`].
pub(super) type RequestKey<'a> = (&'a str, &'a str);
/// Value of [`REQUESTS`].
pub(super) type Request<'a> = (u32, u64, u64, &'a [u8; 32]);

/// (account, milliseconds of the change, request id): [`REQUESTS`] by age, so that pruning reads only what it removes.
pub(super) const REQUESTS_BY_TIME: TableDefinition<'_, (&str, u64, &str), ()> =
    TableDefinition::new("requests-by-time");

/// (account, access key, nonce) to milliseconds of the change that used the nonce up.
pub(super) const NONCES: TableDefinition<'_, NonceKey<'_>, u64> = TableDefinition::new("nonces");
/// Key of [`NONCES`].
pub(super) type NonceKey<'a> = (&'a str, &'a str, &'a str);

/// (account, milliseconds, access key, nonce): [`NONCES`] by age.
pub(super) const NONCES_BY_TIME: TableDefinition<'_, (&str, u64, &str, &str), ()> =
    TableDefinition::new("nonces-by-time");

const MAGIC: &[u8] = b"pai-authz store\0";

/// Returns the marker of a store of this format.
pub(super) fn marker(mode: Mode) -> Vec<u8> {
    let mut marker = MAGIC.to_vec();
    marker.extend_from_slice(&FORMAT.to_be_bytes());
    marker.push(mode_letter(mode));
    marker
}

/// What a marker says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Marked {
    /// A store this program reads.
    Store(Mode),
    /// A store of another format.
    Format(u32),
    /// No marker.
    Nothing,
}

/// Reads a marker.
pub(super) fn read_marker(bytes: &[u8]) -> Marked {
    let Some(rest) = bytes.strip_prefix(MAGIC) else { return Marked::Nothing };
    let Some((format, rest)) = rest.split_first_chunk::<4>() else { return Marked::Nothing };
    let format = u32::from_be_bytes(*format);
    if format != FORMAT {
        return Marked::Format(format);
    }
    [Mode::Production, Mode::Development]
        .into_iter()
        .find(|mode| rest == [mode_letter(*mode)])
        .map_or(Marked::Nothing, Marked::Store)
}

const fn mode_letter(mode: Mode) -> u8 {
    match mode {
        Mode::Production => b'p',
        Mode::Development => b'd',
    }
}

/// Returns the bounds of an account's keys in [`RECORDS`]: from the first, up to but not including the second.
///
/// An account id is digits, so `}` ends it: `{10}` is no prefix of `{100}`. `;` follows `:`.
pub(super) fn record_bounds(account: &AccountId) -> (String, String) {
    (format!("{{{account}}}:"), format!("{{{account}}};"))
}

/// Returns the key of a log entry.
pub(super) fn log_key(account: &AccountId, revision: Revision) -> LogKey<'_> {
    (account.as_str(), revision.epoch, revision.counter)
}

/// Returns the bounds of an account's keys in [`LOG`] from `first` on.
pub(super) fn log_from(account: &AccountId, first: Revision) -> RangeInclusive<LogKey<'_>> {
    log_key(account, first)..=(account.as_str(), u32::MAX, u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_is_read_back_and_nothing_near_it_is_taken_for_one() {
        for mode in [Mode::Production, Mode::Development] {
            assert_eq!(read_marker(&marker(mode)), Marked::Store(mode));
        }
        let mut newer = marker(Mode::Production);
        newer[19] = 3;
        newer.extend_from_slice(b"whatever comes");
        assert_eq!(read_marker(&newer), Marked::Format(3));
        let good = marker(Mode::Production);
        assert_eq!(read_marker(&good[..19]), Marked::Nothing);
        assert_eq!(read_marker(&good[..20]), Marked::Nothing);
        assert_eq!(read_marker(b"pai-authz"), Marked::Nothing);
        assert_eq!(read_marker(b""), Marked::Nothing);
    }
}
