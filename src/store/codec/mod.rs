//! Records and log entries as bytes, and back.
//!
//! A value is one byte, the format of the value (1), and JSON. The JSON is of the wire types in [`wire`],
//! which are nobody else's; the domain knows nothing of them. What is read back is parsed as strictly as what
//! comes from a stranger, and a record must lie under the key it says it has, so a value that was damaged,
//! swapped or written by something else is refused rather than believed.
//!
//! Record keys, all beginning with the account so that everything of an account is one range:
//!
//! | key | record |
//! |---|---|
//! | `{1000}:identity:2001` | RAM user or role 2001 |
//! | `{1000}:workspace:10001` | workspace 10001 |
//! | `{1000}:role:10001:role-a1` | custom role of workspace 10001 |
//! | `{1000}:config:10001:DLCAutoRecycle:isAutoRecycle:` | config of workspace 10001; behind the last `:` a digest of its labels, where it has some |
//! | `{1000}:member:10001:2001` | membership of 2001 in workspace 10001 |
//! | `{1000}:token:a1b2` | token |
//! | `{1000}:key:LTAI1000x5t` | access key |
//! | `{1000}:retired-name:acme` | name of a deleted workspace |
//! | `{1000}:default:workspace` | which workspace is the default one |
//! | `{1000}:policy:dev-only` | custom policy with its versions |
//! | `{1000}:group:g-a1` | group |
//! | `{1000}:group-member:g-a1:2001` | who is in it |
//! | `{1000}:attachment:principal:2001:Custom:dev-only` | policy attached to a user, role (`principal`) or `group` |
//!
//! Ids, and categories and keys of configs, are letters, digits, `.`, `_` and `-`, so `:` separates them unambiguously.

mod wire;

use std::collections::BTreeMap;

use serde::{Serialize, de::DeserializeOwned};

use crate::domain::{
    AccountId, AccountRecords, Change, ConfigName, Holder, LogEntry, Op, PolicyRef, Revision,
    WorkspaceId,
};
pub(super) use wire::Undecodable;
use wire::{
    WireAccessKey, WireAttachment, WireChange, WireConfig, WireDefault, WireEntry, WireGroup,
    WireGroupMember, WireIdentity, WireMember, WireOp, WirePolicy, WireRetiredName, WireRole,
    WireToken, WireWorkspace,
};

/// Format of every value.
const VALUE_FORMAT: u8 = 1;

/// A record put (`Some`) or removed (`None`), under its key.
pub(super) type Touch = (String, Option<Vec<u8>>);

/// Returns which key an op touches and what it leaves there.
pub(super) fn touch(account: &AccountId, op: &Op) -> Result<Touch, Undecodable> {
    let at = |kind: &str, id: &dyn std::fmt::Display| format!("{{{account}}}:{kind}:{id}");
    let within = |kind: &str, workspace: &dyn std::fmt::Display, id: &dyn std::fmt::Display| {
        format!("{{{account}}}:{kind}:{workspace}:{id}")
    };
    Ok(match op {
        Op::PutIdentity(identity) => {
            (at("identity", &identity.principal.id), Some(encode(&WireIdentity::from(identity))?))
        }
        Op::RemoveIdentity(id) => (at("identity", id), None),
        Op::PutWorkspace(workspace) => {
            (at("workspace", &workspace.id), Some(encode(&WireWorkspace::from(workspace))?))
        }
        Op::RemoveWorkspace(id) => (at("workspace", id), None),
        Op::PutRole(workspace, role) => {
            (within("role", workspace, &role.id), Some(encode(&WireRole::from((workspace, role)))?))
        }
        Op::RemoveRole(workspace, id) => (within("role", workspace, id), None),
        Op::PutConfig(workspace, it) => {
            let value = encode(&WireConfig::from((workspace, it)))?;
            (config(account, workspace, &it.name)?, Some(value))
        }
        Op::RemoveConfig(workspace, name) => (config(account, workspace, name)?, None),
        Op::PutMember(workspace, member) => (
            within("member", workspace, &member.principal),
            Some(encode(&WireMember::from((workspace, member)))?),
        ),
        Op::RemoveMember(workspace, id) => (within("member", workspace, id), None),
        Op::PutToken(token) => (at("token", &token.id), Some(encode(&WireToken::from(token))?)),
        Op::RemoveToken(id) => (at("token", id), None),
        Op::PutAccessKey(key) => (at("key", &key.id), Some(encode(&WireAccessKey::from(key))?)),
        Op::RemoveAccessKey(id) => (at("key", id), None),
        Op::PutRetiredName(name, since) => {
            (at("retired-name", name), Some(encode(&WireRetiredName::from((name, *since)))?))
        }
        Op::RemoveRetiredName(name) => (at("retired-name", name), None),
        Op::PutDefaultWorkspace(id) => {
            (at("default", &"workspace"), Some(encode(&WireDefault::from(id))?))
        }
        Op::RemoveDefaultWorkspace => (at("default", &"workspace"), None),
        Op::PutPolicy(policy) => {
            (at("policy", &policy.name), Some(encode(&WirePolicy::from(policy))?))
        }
        Op::RemovePolicy(name) => (at("policy", name), None),
        Op::PutGroup(group) => (at("group", &group.id), Some(encode(&WireGroup::from(group))?)),
        Op::RemoveGroup(id) => (at("group", id), None),
        Op::PutGroupMember(group, member, since) => (
            within("group-member", group, member),
            Some(encode(&WireGroupMember::from((group, member, *since)))?),
        ),
        Op::RemoveGroupMember(group, member) => (within("group-member", group, member), None),
        Op::PutAttachment(to, policy, since) => (
            attachment(account, to, policy),
            Some(encode(&WireAttachment::from((to, policy, *since)))?),
        ),
        Op::RemoveAttachment(to, policy) => (attachment(account, to, policy), None),
    })
}

fn attachment(account: &AccountId, to: &Holder, policy: &PolicyRef) -> String {
    let (kind, id) = wire::holder(to);
    let PolicyRef { policy_type, name } = policy;
    format!("{{{account}}}:attachment:{kind}:{id}:{}:{name}", policy_type.as_str())
}

fn config(
    account: &AccountId,
    workspace: &WorkspaceId,
    name: &ConfigName,
) -> Result<String, Undecodable> {
    let ConfigName { category, key, labels } = name;
    let labels = if labels.is_empty() {
        String::new()
    } else {
        let bytes = encode(labels)?;
        blake3::Hash::from_bytes(digest("pai-authz labels 1", [bytes.as_slice()])).to_string()
    };
    Ok(format!("{{{account}}}:config:{workspace}:{category}:{key}:{labels}"))
}

/// Adds the record found under `key` to `records`.
///
/// # Errors
/// [`Undecodable`] when the bytes are not a record, or not the one that belongs under `key`.
pub(super) fn decode_record(
    key: &str,
    bytes: &[u8],
    records: &mut AccountRecords,
) -> Result<(), Undecodable> {
    let op = record_op(key, &records.account, bytes)?;
    if touch(&records.account, &op)?.0 != key {
        return Err(Undecodable::Misplaced(key.to_owned()));
    }
    records.apply(&op);
    Ok(())
}

/// Returns the op that puts the record; its own ids say where it belongs.
fn record_op(key: &str, account: &AccountId, bytes: &[u8]) -> Result<Op, Undecodable> {
    let kind = key
        .strip_prefix(&format!("{{{account}}}:"))
        .and_then(|rest| rest.split(':').next())
        .unwrap_or_default();
    match kind {
        "identity" => WireOp::PutIdentity(decode::<WireIdentity>(bytes)?),
        "workspace" => WireOp::PutWorkspace(decode::<WireWorkspace>(bytes)?),
        "role" => WireOp::PutRole(decode::<WireRole>(bytes)?),
        "config" => WireOp::PutConfig(decode::<WireConfig>(bytes)?),
        "member" => WireOp::PutMember(decode::<WireMember>(bytes)?),
        "token" => WireOp::PutToken(decode::<WireToken>(bytes)?),
        "key" => WireOp::PutAccessKey(decode::<WireAccessKey>(bytes)?),
        "retired-name" => WireOp::PutRetiredName(decode::<WireRetiredName>(bytes)?),
        "default" => WireOp::PutDefaultWorkspace(decode::<WireDefault>(bytes)?),
        "policy" => WireOp::PutPolicy(decode::<WirePolicy>(bytes)?),
        "group" => WireOp::PutGroup(decode::<WireGroup>(bytes)?),
        "group-member" => WireOp::PutGroupMember(decode::<WireGroupMember>(bytes)?),
        "attachment" => WireOp::PutAttachment(decode::<WireAttachment>(bytes)?),
        _ => return Err(Undecodable::Field(key.to_owned(), "record key")),
    }
    .try_into()
}

/// Returns a log entry as bytes; its revision is its key.
pub(super) fn encode_entry(
    change: &Change,
    before: &[u8; 32],
    after: &[u8; 32],
) -> Result<Vec<u8>, Undecodable> {
    encode(&WireEntry::new(change, before, after))
}

/// Returns the log entry of those bytes.
///
/// # Errors
/// [`Undecodable`] when the bytes are not one.
pub(super) fn decode_entry(revision: Revision, bytes: &[u8]) -> Result<LogEntry, Undecodable> {
    decode::<WireEntry>(bytes)?.into_domain(revision)
}

/// Returns what makes a change the same change when its request id comes again: who, what and the records.
///
/// When it was asked for is left out, for a retry is asked for later.
pub(super) fn change_digest(change: &Change) -> Result<[u8; 32], Undecodable> {
    let bytes = encode(&WireChange::from(change))?;
    Ok(digest("pai-authz change 1", [bytes.as_slice()]))
}

/// Returns the digest of records: for each key in order its length and bytes, then a byte that tells whether a
/// record is there, then the record's length and bytes. Lengths are little-endian `u64`.
///
/// Two changes that touch the same keys chain: the later one's `before` is the earlier one's `after`.
pub(super) fn record_digest(records: &BTreeMap<String, Option<Vec<u8>>>) -> [u8; 32] {
    let absent: &[u8] = &[0];
    let present: &[u8] = &[1];
    digest(
        "pai-authz records 1",
        records.iter().flat_map(|(key, value)| {
            let (there, bytes) = match value {
                Some(bytes) => (present, bytes.as_slice()),
                None => (absent, [].as_slice()),
            };
            [key.as_bytes(), there, bytes]
        }),
    )
}

/// Hashes `parts`, each behind its length, under a key derived from `purpose`.
fn digest<'a>(purpose: &str, parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key(purpose);
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, Undecodable> {
    let mut bytes = vec![VALUE_FORMAT];
    serde_json::to_writer(&mut bytes, value)?;
    Ok(bytes)
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Undecodable> {
    match bytes.split_first() {
        Some((&VALUE_FORMAT, json)) => Ok(serde_json::from_slice(json)?),
        other => Err(Undecodable::ValueFormat(other.map(|(format, _)| *format))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Member, PrincipalId, RoleRef, Timestamp, WorkspaceId};

    fn account() -> AccountId {
        AccountId::parse("1000").unwrap()
    }

    fn member() -> Op {
        Op::PutMember(
            WorkspaceId::parse("7").unwrap(),
            Member {
                principal: PrincipalId::parse("2001").unwrap(),
                roles: vec![RoleRef::Builtin(crate::domain::BuiltinRole::Guest)],
                created: Timestamp::from_millis(5),
            },
        )
    }

    #[track_caller]
    fn check_refused(key: &str, bytes: &[u8], expected: &str) {
        let mut records = AccountRecords::empty(account());
        let refused = decode_record(key, bytes, &mut records).unwrap_err();
        assert!(refused.to_string().contains(expected), "{refused}");
        assert_eq!(records, AccountRecords::empty(account()));
    }

    #[test]
    fn a_value_is_stored_as_the_layout_says() {
        let (key, value) = touch(&account(), &member()).unwrap();
        assert_eq!(key, "{1000}:member:7:2001");
        let expected = "\u{1}{\"workspace\":\"7\",\"principal\":\"2001\",\"roles\":[\"PAI.WorkspaceGuest\"],\"created_ms\":5}";
        assert_eq!(String::from_utf8(value.unwrap()).unwrap(), expected);
    }

    #[test]
    fn a_value_that_is_not_what_its_key_says_is_refused() {
        let (key, value) = touch(&account(), &member()).unwrap();
        let value = value.unwrap();
        check_refused("{1000}:member:7:2002", &value, "belongs elsewhere");
        check_refused("{1000}:workspace:7", &value, "not what its table holds");
        check_refused("{1000}:wardrobe:7", &value, "not a valid record key");
        check_refused(&key, &value[1..], "format Some(123)");
        check_refused(&key, &[], "format None");
        check_refused(&key, &value[..value.len() - 1], "not what its table holds");
        let hostile = String::from_utf8(value.clone()).unwrap().replace("Guest", "King");
        check_refused(&key, hostile.as_bytes(), "not a valid role");
        let extra = String::from_utf8(value).unwrap().replace('}', ",\"admin\":true}");
        check_refused(&key, extra.as_bytes(), "unknown field");
    }

    #[test]
    fn the_digest_of_records_keeps_keys_and_values_apart() {
        let digest = |rows: &[(&str, Option<&[u8]>)]| {
            record_digest(
                &rows.iter().map(|(k, v)| ((*k).to_owned(), v.map(<[u8]>::to_vec))).collect(),
            )
        };
        let all = [
            digest(&[]),
            digest(&[("a", None)]),
            digest(&[("a", Some(b""))]),
            digest(&[("a", Some(b"b"))]),
            digest(&[("ab", Some(b""))]),
            digest(&[("a", Some(b"b")), ("c", None)]),
            digest(&[("a", None), ("c", Some(b"b"))]),
        ];
        for (i, one) in all.iter().enumerate() {
            assert!(all.iter().skip(i + 1).all(|other| other != one), "{i}");
        }
    }
}
