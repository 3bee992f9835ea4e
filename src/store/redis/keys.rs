//! Names of keys. All of an account's begin with the account in braces, so that they stand on one node.

use crate::domain::{AccountId, Revision, WorkspaceId};

/// Matches the key every account that was ever written has.
pub(super) const EVERY_META: &str = "{*}:meta";
/// Where changes are announced, as `<account> <epoch> <counter>`: a wake-up, never the truth.
pub(super) const CHANNEL: &str = "pai-authz:changes";

/// The keys of one account.
#[derive(Clone, Copy)]
pub(super) struct Keys<'a>(pub(super) &'a AccountId);

impl Keys<'_> {
    fn of(self, what: &str) -> String {
        format!("{{{}}}:{what}", self.0)
    }

    /// Hash: format, mode, epoch, counter, lineage, and while the account is suspended the revision that was lost.
    pub(super) fn meta(self) -> String {
        self.of("meta")
    }

    /// Hash of all records but memberships: kind and ids to the encoded record.
    pub(super) fn records(self) -> String {
        self.of("records")
    }

    /// Hash of the memberships of a workspace, in chunks.
    pub(super) fn roster(self, workspace: &WorkspaceId) -> String {
        self.of(&format!("roster:{workspace}"))
    }

    /// Set of the keys of rosters that have members.
    pub(super) fn rosters(self) -> String {
        self.of("rosters")
    }

    /// Stream of the applied changes; the id of an entry is its revision.
    pub(super) fn log(self) -> String {
        self.of("log")
    }

    /// Hash: request id to epoch, counter, milliseconds and digest; and the same ids by time.
    pub(super) fn requests(self) -> [String; 2] {
        [self.of("requests"), self.of("requests-by-time")]
    }

    /// Hash: access key and nonce to milliseconds and attempt; and the same by time.
    pub(super) fn nonces(self) -> [String; 2] {
        [self.of("nonces"), self.of("nonces-by-time")]
    }

    /// Returns the workspace of a roster's key.
    pub(super) fn workspace_of(self, roster: &str) -> Option<WorkspaceId> {
        WorkspaceId::parse(roster.strip_prefix(&self.of("roster:"))?).ok()
    }

    /// Returns the account of a meta key.
    pub(super) fn account_of(meta: &str) -> Option<AccountId> {
        AccountId::parse(meta.strip_prefix('{')?.strip_suffix("}:meta")?).ok()
    }
}

/// Returns the account and revision of an announcement.
pub(super) fn announced(message: &str) -> Option<(AccountId, Revision)> {
    let parts: Vec<&str> = message.split(' ').collect();
    let [account, epoch, counter] = parts[..] else { return None };
    let revision = Revision { epoch: epoch.parse().ok()?, counter: counter.parse().ok()? };
    Some((AccountId::parse(account).ok()?, revision))
}
