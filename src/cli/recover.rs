//! `pai-authz recover`: shows what an account of a store on Redis has lost, and ends its suspension once an operator
//! accepts that.
//!
//! It brings nothing back. Whether the lost changes still are somewhere only an operator can tell.

use anyhow::{Context, bail};
use clap::Args;
use serde_json::json;

use super::{
    doctor::RedisArgs,
    open::{account, actor, explained},
    output::{self, Format},
};
use crate::{
    domain::{AccountId, Change, Clock, Revision},
    store::{SharedStore, StoreError},
    telemetry::SystemClock,
};

/// What `recover` takes.
#[derive(Debug, Args)]
pub(super) struct RecoverArgs {
    #[command(flatten)]
    store: RedisArgs,
    /// The account to look at.
    #[arg(long, value_name = "ACCOUNT")]
    account: String,
    /// Go on with what is there: the changes that are missing are lost for good.
    #[arg(long)]
    accept_loss: bool,
}

/// What is to be done about an account that lost changes.
const CHOICES: &str = "\
If the changes still are somewhere, put that data in place: an old primary before it follows the new one and drops \
them, its append-only file or snapshot, a backup. The suspension is noted in the data that lacks the changes: with the \
right data in its place the account goes on by itself, and this command says so.

Otherwise accept the loss: give `--accept-loss`. The account goes on with what is there, in a new epoch, so that \
nothing of the lost history is taken for known. A lost change may have taken something away: afterwards look at its \
tokens, access keys and members. The logs of the service name who changed what.";

/// Shows the state of an account, and ends its suspension if that is wanted; 1 when it is suspended after all.
pub(super) async fn run(args: &RecoverArgs, format: Format) -> anyhow::Result<u8> {
    let account = account(&args.account)?;
    let store = args.store.open()?;
    let shared = store.shared().context("the store is not a shared one")?;
    let present = shared.revisions(std::slice::from_ref(&account)).await.pop();
    let (known, found) = match present.context("the store says nothing of the account")? {
        Ok(Revision::ORIGIN) => bail!("account `{account}` is not in this store"),
        Ok(revision) => {
            going_on(&account, revision, "is not suspended: it is", format)?;
            return Ok(0);
        }
        Err(StoreError::Suspended { known, found }) => (known, found),
        Err(error) => return Err(explained(error)),
    };
    if args.accept_loss {
        let revision = accept(shared, &account, known, found).await?;
        going_on(&account, revision, "goes on", format)?;
        if format == Format::Text {
            output::line(
                "if nothing was left of it, not even a key to sign with, `pai-authz init` makes its first ones \
                 anew; look at tokens, keys and members: what was taken away may be back",
            )?;
        }
        return Ok(0);
    }
    match format {
        Format::Json => output::json(&json!({
            "account": account.as_str(), "suspended": true, "known": known.to_string(),
            "found": found.to_string(),
        }))?,
        Format::Text => output::line(format!(
            "account {account} is suspended: nothing is decided on it, and nothing changes it\n  \
             had come to  {known}\n  is at        {found}: {}\n\n{CHOICES}",
            difference(known, found)
        ))?,
    }
    Ok(1)
}

/// Ends the suspension as the operator saw it.
async fn accept(
    shared: &dyn SharedStore,
    account: &AccountId,
    known: Revision,
    found: Revision,
) -> anyhow::Result<Revision> {
    let change = Change {
        actor: "cli".to_owned(),
        action: "AcceptLoss".to_owned(),
        request_id: actor()?.request_id,
        asked: None,
        nonce: None,
        at: SystemClock.now(),
        ops: Vec::new(),
    };
    match shared.resume(account, known, found, &change).await {
        Ok(revision) => Ok(revision),
        Err(StoreError::Conflict { .. }) => {
            bail!("account `{account}` is not as it was a moment ago: look again, and decide anew")
        }
        Err(error @ StoreError::Unavailable { may_be_applied: true, .. }) => {
            Err(explained(error).context("the suspension may have ended or not: look again"))
        }
        Err(error) => Err(explained(error)),
    }
}

fn going_on(
    account: &AccountId,
    revision: Revision,
    how: &str,
    format: Format,
) -> anyhow::Result<()> {
    match format {
        Format::Json => output::json(&json!({
            "account": account.as_str(), "suspended": false, "revision": revision.to_string(),
        }))?,
        Format::Text => output::line(format!("account {account} {how} at revision {revision}"))?,
    }
    Ok(())
}

/// Returns what two revisions, of which the second is where the first should be, tell of the loss.
fn difference(known: Revision, found: Revision) -> String {
    if found.epoch < known.epoch {
        return "of an earlier history".to_owned();
    }
    match known.counter.checked_sub(found.counter) {
        Some(1) => "one change is missing".to_owned(),
        Some(missing) if missing > 1 => format!("{missing} changes are missing"),
        _ => "as many changes or more, and others, unless the right data has come back".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_told_as_far_as_revisions_tell_it() {
        let at = |epoch, counter| Revision { epoch, counter };
        for (known, found, says) in [
            (at(1, 9), at(1, 8), "one change"),
            (at(1, 9), at(1, 0), "9 changes"),
            (at(1, 9), at(1, 9), "and others"),
            (at(1, 9), at(1, 12), "and others"),
            (at(2, 9), at(1, 20), "earlier history"),
        ] {
            let told = difference(known, found);
            assert!(told.contains(says), "{known} {found}: {told}");
        }
    }
}
