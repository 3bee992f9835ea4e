//! `pai-authz migrate`: copies every account of a store into another one, and compares what arrived.
//!
//! Records are copied, not their history: revisions begin anew, and neither request ids nor nonces nor the log of changes
//! come along. An interrupted migration is continued: what it wrote is the beginning of what would be written now.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use anyhow::{Context, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::{
    open::{self, actor, explained},
    output::{self, Format},
};
use crate::{
    config::{RedisSettings, StoreAddress},
    domain::{
        AccountId, AccountRecords, Change, Clock, ConfigName, GroupId, Holder, Member, Members, Op,
        PolicyRef, PrincipalId, Revision, WorkspaceId,
    },
    store::{Mode, Store},
    telemetry::SystemClock,
};

/// Records of one change.
const RECORDS: usize = 1_000;
/// Changes that are compared in one go.
const CHANGES: usize = 16;
/// Accounts whose revisions are asked for in one go.
const ASKED_AT_ONCE: usize = 256;
/// Differences that are named.
const NAMED: usize = 10;
/// The action in the log of the copy.
const ACTION: &str = "Migrate";

/// What `migrate` takes.
#[derive(Debug, Args)]
pub(super) struct MigrateArgs {
    /// Store to copy: at `redb:PATH`, or on Redis. Every service that uses it must be stopped.
    #[arg(long, value_name = "STORE")]
    from: StoreAddress,
    /// Store to copy into: at `redb:PATH`, made if there is none, or on Redis. It must have none of the accounts. The
    /// flags of Redis go for both stores: where they differ, migrate by way of a `redb:PATH`.
    #[arg(long, value_name = "STORE")]
    to: StoreAddress,
    #[command(flatten)]
    redis: RedisSettings,
    /// The stores are of development mode.
    #[arg(long, env = "PAI_AUTHZ_DEV")]
    dev: bool,
}

/// What was copied.
#[derive(Default)]
struct Copied {
    /// Of each account that was copied, the revision.
    accounts: Vec<(AccountId, Revision)>,
    /// Records but memberships.
    records: usize,
    memberships: usize,
}

/// What is not as it was.
const AFTER: &str = "\
Start the service on the new store, with the master key of the old one. Revisions begin anew: callers must drop those \
that were given to them before. Request ids, nonces and the log of changes are not in the copy, so a request that was \
sent to the old store must not be repeated.";

/// Copies all accounts.
pub(super) async fn run(args: &MigrateArgs, format: Format) -> anyhow::Result<u8> {
    if args.from == args.to {
        bail!("`--from` and `--to` name the same store");
    }
    let from = open(args, &args.from, &args.to, false)?;
    let names = from.accounts().await.map_err(explained)?;
    if names.is_empty() {
        bail!("`--from`: `{}` has no account", args.from);
    }
    let to = open(args, &args.to, &args.from, true)?;
    refuse_others(&*from, &*to, &names).await.with_context(|| format!("`--to`: `{}`", args.to))?;
    let bar = ProgressBar::new(0);
    bar.set_style(ProgressStyle::with_template("{bar:40} {pos}/{len} records, account {msg}")?);
    let mut copied = Copied::default();
    for account in names {
        bar.set_message(account.to_string());
        let copy = copy(&*from, &*to, &account, &bar).await;
        let records = copy.with_context(|| format!("account `{account}`"))?;
        copied.memberships += records.membership_count();
        copied.records += records.ops().count() - records.membership_count();
        copied.accounts.push((account, records.revision));
    }
    bar.finish_and_clear();
    unmoved(&*from, &copied.accounts)
        .await
        .with_context(|| format!("`--from`: `{}`", args.from))?;
    let Copied { accounts, records, memberships } = copied;
    match format {
        Format::Json => {
            output::json(&json!({
                "accounts": accounts.len(), "records": records, "memberships": memberships,
                "verified": true,
            }))?;
            output::note(AFTER)?;
        }
        Format::Text => output::line(format!(
            "copied and compared {} accounts, {records} records, {memberships} memberships\n\n{AFTER}",
            accounts.len()
        ))?,
    }
    Ok(0)
}

fn open(
    args: &MigrateArgs,
    address: &StoreAddress,
    other: &StoreAddress,
    create: bool,
) -> anyhow::Result<Arc<dyn Store>> {
    let mut redis = args.redis.clone().with_environment();
    match (address, other) {
        (StoreAddress::Memory, _) => {
            bail!("`memory:` is empty at the beginning and gone at the end: give another store")
        }
        // Certificates are then the other's alone.
        (StoreAddress::Redis(one), StoreAddress::Redis(other)) if !one.tls && other.tls => {
            redis = RedisSettings { ca: None, cert: None, key: None, ..redis };
        }
        _ => {}
    }
    let mode = if args.dev { Mode::Development } else { Mode::Production };
    open::store(address, &redis, mode, create).with_context(|| format!("`{address}`"))
}

/// Refuses a target that has one of the accounts, which are sorted, from elsewhere, before anything is written.
async fn refuse_others(
    from: &dyn Store,
    to: &dyn Store,
    names: &[AccountId],
) -> anyhow::Result<()> {
    for account in to.accounts().await.map_err(explained)? {
        if names.binary_search(&account).is_ok() {
            let records = load(from, &account).await;
            let records = records.with_context(|| format!("account `{account}`"))?;
            begun(to, &records).await?;
        }
    }
    Ok(())
}

/// Copies one account and returns what it is.
async fn copy(
    from: &dyn Store,
    to: &dyn Store,
    account: &AccountId,
    bar: &ProgressBar,
) -> anyhow::Result<AccountRecords> {
    let records = load(from, account).await?;
    let ops: Vec<Op> = records.ops().collect();
    let (mut at, done) = begun(to, &records).await?;
    bar.inc_length(u64::try_from(ops.len())?);
    bar.inc(u64::try_from(done)?);
    for some in ops.get(done..).unwrap_or_default().chunks(RECORDS) {
        let change = Change {
            actor: "cli".to_owned(),
            action: ACTION.to_owned(),
            request_id: actor()?.request_id,
            asked: None,
            nonce: None,
            at: SystemClock.now(),
            ops: some.to_vec(),
        };
        at = to.apply(account, at, &change).await.map_err(explained)?.revision;
        bar.inc(u64::try_from(some.len())?);
    }
    let mut arrived = to.load(account).await.map_err(explained)?;
    if arrived.revision != at {
        bail!(
            "the copy was changed meanwhile: stop every service on it, remove it, and migrate again"
        );
    }
    arrived.revision = records.revision;
    if arrived != records {
        let differences = differences(&records, &arrived);
        let named =
            differences.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
        bail!(
            "the copy is not like the original, in {} places ({named}): do not use it, and report this",
            differences.len()
        );
    }
    Ok(records)
}

/// Returns an account of which everything can be read.
async fn load(from: &dyn Store, account: &AccountId) -> anyhow::Result<AccountRecords> {
    let records = from.load(account).await.map_err(explained)?;
    if let Some(workspace) = records.unreadable.first() {
        bail!(
            "workspace `{workspace}` cannot be read whole: restore it, or delete it, before it is copied"
        );
    }
    Ok(records)
}

/// Returns where an earlier migration of these records was interrupted: the revision of the copy, and how many ops led
/// there.
///
/// The log of the copy, from its first change on, is what tells: it must be the beginning of what would be written now.
async fn begun(to: &dyn Store, records: &AccountRecords) -> anyhow::Result<(Revision, usize)> {
    let account = &records.account;
    let mut ops = records.ops();
    let (mut at, mut done) = (Revision::ORIGIN, 0);
    loop {
        let entries = to.log(account, at, CHANGES).await.map_err(explained)?;
        if entries.is_empty() {
            break;
        }
        for entry in entries {
            let wrote = &entry.change.ops;
            let is_ours = entry.revision == at.next() && entry.change.action == ACTION;
            if !is_ours || !wrote.iter().all(|op| ops.next().as_ref() == Some(op)) {
                bail!(
                    "account `{account}` is there already, and not as an interrupted migration of these \
                     records left it: give a store without it, or remove it there, the file of an \
                     embedded store or in Redis the keys `{{{account}}}:*`"
                );
            }
            at = entry.revision;
            done += wrote.len();
        }
    }
    Ok((at, done))
}

/// Makes sure that the accounts are as they were when they were copied.
async fn unmoved(from: &dyn Store, copied: &[(AccountId, Revision)]) -> anyhow::Result<()> {
    // A store that is not shared was ours alone.
    let Some(shared) = from.shared() else { return Ok(()) };
    let moved = "it was changed while it was copied: stop every service on it, remove the copy, and migrate again";
    let names = from.accounts().await.map_err(explained)?;
    if !names.iter().eq(copied.iter().map(|(account, _)| account)) {
        bail!("{moved}");
    }
    for (names, copied) in names.chunks(ASKED_AT_ONCE).zip(copied.chunks(ASKED_AT_ONCE)) {
        for (revision, (account, then)) in shared.revisions(names).await.into_iter().zip(copied) {
            if revision.map_err(explained)? != *then {
                bail!("account `{account}`: {moved}");
            }
        }
    }
    Ok(())
}

/// Returns kind and ids of the records that are not the same.
fn differences(one: &AccountRecords, other: &AccountRecords) -> Vec<String> {
    let mut out = differing("identity", &one.identities, &other.identities, ToString::to_string);
    out.extend(differing("workspace", &one.workspaces, &other.workspaces, ToString::to_string));
    out.extend(differing("role", &one.roles, &other.roles, |(at, id)| format!("{at}/{id}")));
    let name = |(at, name): &(WorkspaceId, ConfigName)| {
        format!("{at}/{}/{} {:?}", name.category, name.key, name.labels)
    };
    out.extend(differing("config", &one.configs, &other.configs, name));
    // Where the members of a workspace differ, one by one.
    let members = |records: &AccountRecords| -> BTreeMap<_, Member> {
        let differ =
            |(at, _): &(&WorkspaceId, &Members)| one.rosters.get(*at) != other.rosters.get(*at);
        let members = records.rosters.iter().filter(differ);
        members
            .flat_map(|(at, m)| m.iter().map(|m| ((at.clone(), m.principal.clone()), m)))
            .collect()
    };
    let name = |(at, id): &(WorkspaceId, PrincipalId)| format!("{at}/{id}");
    out.extend(differing("member", &members(one), &members(other), name));
    out.extend(differing("token", &one.tokens, &other.tokens, ToString::to_string));
    let keys = (&one.access_keys, &other.access_keys);
    out.extend(differing("access key", keys.0, keys.1, ToString::to_string));
    let names = (&one.retired_names, &other.retired_names);
    out.extend(differing("retired name", names.0, names.1, ToString::to_string));
    let policies = (&one.policies, &other.policies);
    out.extend(differing("policy", policies.0, policies.1, ToString::to_string));
    out.extend(differing("group", &one.groups, &other.groups, ToString::to_string));
    let members = (&one.group_members, &other.group_members);
    let name = |(group, member): &(GroupId, PrincipalId)| format!("{group}/{member}");
    out.extend(differing("group member", members.0, members.1, name));
    let attachments = (&one.attachments, &other.attachments);
    let name = |(to, policy): &(Holder, PolicyRef)| format!("{policy} of {to:?}");
    out.extend(differing("attachment", attachments.0, attachments.1, name));
    if one.default_workspace != other.default_workspace {
        out.push("default workspace".to_owned());
    }
    out.extend(other.unreadable.iter().map(|id| format!("unreadable workspace {id}")));
    out
}

fn differing<K: Ord, V: PartialEq>(
    kind: &str,
    one: &BTreeMap<K, V>,
    other: &BTreeMap<K, V>,
    name: impl Fn(&K) -> String,
) -> Vec<String> {
    let all: BTreeSet<&K> = one.keys().chain(other.keys()).collect();
    let differ = all.into_iter().filter(|key| one.get(*key) != other.get(*key));
    differ.map(|key| format!("{kind} {}", name(key))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        CustomRoleId, Member, PrincipalId, RoleRef, Scopes, Timestamp, Token, TokenDigest, TokenId,
        WorkspaceId,
    };

    #[test]
    fn differences_are_named_by_kind_and_ids_and_show_no_secret() {
        let account = AccountId::parse("1000").unwrap();
        let (mut one, mut other) =
            (AccountRecords::empty(account.clone()), AccountRecords::empty(account));
        assert!(differences(&one, &other).is_empty());
        let at = WorkspaceId::parse("7").unwrap();
        let member = |role: &str| Member {
            principal: PrincipalId::parse("2001").unwrap(),
            roles: vec![RoleRef::Custom(CustomRoleId::parse(role).unwrap())],
            created: Timestamp::from_millis(1),
        };
        one.apply(&Op::PutMember(at.clone(), member("role-a")));
        other.apply(&Op::PutMember(at.clone(), member("role-b")));
        one.apply(&Op::PutDefaultWorkspace(at.clone()));
        other.apply(&Op::PutToken(Token {
            id: TokenId::parse("t1").unwrap(),
            name: "secret name".to_owned(),
            digest: TokenDigest([7; 32]),
            scopes: Scopes::all(),
            bundle: None,
            created: Timestamp::from_millis(1),
        }));
        other.unreadable.insert(at);
        let named = ["member 7/2001", "token t1", "default workspace", "unreadable workspace 7"];
        assert_eq!(differences(&one, &other), named);
    }
}
