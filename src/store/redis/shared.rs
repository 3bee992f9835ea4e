//! What replicas need of the store: how far accounts have come, the changes they lack, and to be woken.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt, future::join_all};
use redis::aio::PubSub;
use tokio::sync::mpsc;

use super::{
    FORMAT, RedisStore,
    connect::{Connection, Connector, Twice},
    fault::{damaged, fault},
    head::{Head, Lineage, mode_letter},
    keys::{CHANNEL, Keys, announced},
    log::{self, Proven},
    quorum::{Invoked, invoke},
    read,
};
use crate::{
    domain::{AccountId, Change, LogEntry, Revision, Timestamp},
    store::{Announcement, Examined, Mode, SharedStore, StoreError, codec},
};

/// Announcements that wait to be heard. Who is that far behind looks at everything anyway.
const WAITING: usize = 4_096;
/// How long until a subscription that ended is made anew.
const RESUBSCRIBE: Duration = Duration::from_millis(100);
/// How often the other side of a subscription is asked whether it is still there, and how long that may take.
const ASK: Duration = Duration::from_secs(2);

#[async_trait]
impl SharedStore for RedisStore {
    async fn revisions(&self, accounts: &[AccountId]) -> Vec<Result<Revision, StoreError>> {
        // Before anything is asked.
        let floors: Vec<_> = accounts.iter().map(|account| self.known.floor(account)).collect();
        let lease = match self.reads.lease().await {
            Ok(lease) => lease,
            Err(error) => return accounts.iter().map(|_| Err(same(&error))).collect(),
        };
        let looks = accounts.iter().map(|account| {
            let mut connection = lease.connection.clone();
            async move { read::head(&mut connection, Keys(account), self.mode).await }
        });
        let heads = join_all(looks).await;
        let compare = |(head, floor): (Result<Head, StoreError>, Option<Head>)| {
            let head = lease.judge(head)?;
            floor.map_or(Ok(()), |floor| floor.precedes(head))?;
            Ok(head.revision)
        };
        heads.into_iter().zip(floors).map(compare).collect()
    }

    async fn follow(
        &self,
        account: &AccountId,
        after: Revision,
        limit: usize,
    ) -> Result<Vec<LogEntry>, StoreError> {
        let keys = Keys(account);
        let Some(known) = self.known.floor(account) else { return Err(StoreError::Gap) };
        let mut reads = Twice::on(&self.reads);
        loop {
            let mut connection = reads.connection().await?;
            let read = follow(&mut connection, keys, self.mode, known, (after, limit)).await;
            let Some(read) = reads.judge(read) else { continue };
            let proven = read?;
            if let Some(head) = proven.head {
                self.known.raise(account, head);
            }
            return Ok(proven.entries);
        }
    }

    async fn suspend(&self, account: &AccountId, known: Revision) -> Result<(), StoreError> {
        let mut lease = self.writes.lease().await?;
        let mut call = self.suspend.key(Keys(account).meta());
        let lineage = self.known.floor(account).filter(|head| head.revision == known);
        call.arg(known.epoch.to_string()).arg(known.counter.to_string());
        call.arg(lineage.unwrap_or(Head::ORIGIN).lineage.as_bytes());
        let said: Result<Vec<String>, _> = call.invoke_async(&mut lease.connection).await;
        let said = lease.judge(said.map_err(|error| fault(&error, true)))?;
        tracing::debug!(%account, ?said, "suspended");
        Ok(())
    }

    async fn resume(
        &self,
        account: &AccountId,
        known: Revision,
        found: Revision,
        change: &Change,
    ) -> Result<Revision, StoreError> {
        let next = Revision {
            epoch: known.epoch.max(found.epoch) + 1,
            counter: found.counter.max(known.counter) + 1,
        };
        let entry = codec::encode_entry(change, &[0; 32], &[0; 32])
            .map_err(|error| damaged(&error.to_string()))?;
        let (keys, lineage) = (Keys(account), Lineage::default().after(&entry));
        let mut lease = self.writes.lease().await?;
        let mut call = self.resume.key(keys.meta());
        call.key(keys.log())
            .arg(format!("{} {}", known.epoch, known.counter))
            .arg(found.epoch.to_string())
            .arg(found.counter.to_string())
            .arg(next.epoch)
            .arg(next.counter)
            .arg(lineage.as_bytes())
            .arg(FORMAT)
            .arg(mode_letter(self.mode))
            .arg(&entry)
            .arg(CHANNEL)
            .arg(account.as_str());
        let said = invoke(&call, self.quorum, &mut lease.connection).await;
        let Invoked { reply, confirmed } = lease.judge(said)?;
        match reply.first().map(String::as_str) {
            Some("resumed") => {
                self.known.raise(account, Head { revision: next, lineage });
                lease.judge(confirmed)?;
                Ok(next)
            }
            _ => Err(StoreError::Conflict { current: found }),
        }
    }

    fn announcements(&self) -> mpsc::Receiver<Announcement> {
        let (sender, receiver) = mpsc::channel(WAITING);
        if let Some(runtime) = &self.runtime {
            runtime.spawn(listen(self.reads.apart(), sender));
        }
        receiver
    }

    async fn examine(&self, now: Timestamp) -> Vec<Examined> {
        self.examine_servers(now).await
    }

    async fn look_around(&self) -> Result<(), StoreError> {
        for connector in [&self.reads, &self.writes] {
            connector.look_around().await.map_err(|error| fault(&error, false))?;
        }
        Ok(())
    }
}

async fn follow(
    connection: &mut Connection,
    keys: Keys<'_>,
    mode: Mode,
    known: Head,
    (after, limit): (Revision, usize),
) -> Result<Proven, StoreError> {
    let proven = log::after(connection, keys, known, after, limit).await?;
    if !proven.entries.is_empty() {
        return Ok(proven);
    }
    let head = read::head(connection, keys, mode).await?;
    known.precedes(head)?;
    if head.revision <= after {
        return Ok(proven);
    }
    // It came between the two looks, or the log lacks it.
    let proven = log::after(connection, keys, known, after, limit).await?;
    if proven.entries.is_empty() { Err(StoreError::Gap) } else { Ok(proven) }
}

/// Returns an error that says the same of another account.
fn same(error: &StoreError) -> StoreError {
    let detail = match error {
        StoreError::Unavailable { detail, .. } => detail.clone(),
        other => other.to_string(),
    };
    StoreError::Unavailable { may_be_applied: false, detail }
}

/// Passes announcements on, as long as somebody listens.
async fn listen(connector: Connector, sender: mpsc::Sender<Announcement>) {
    while !sender.is_closed() {
        match connector.subscribe(CHANNEL).await {
            Ok(subscription) => {
                // Whatever was announced before was not heard.
                if sender.send(Announcement::Missed).await.is_err() {
                    return;
                }
                let ended = pass_on(subscription, &sender).await;
                if !sender.is_closed() {
                    tracing::warn!(
                        ended,
                        "announcements of changes are not heard: subscribing anew"
                    );
                }
            }
            Err(error) => tracing::debug!(%error, "cannot subscribe to announcements"),
        }
        tokio::time::sleep(RESUBSCRIBE).await;
    }
}

/// Passes announcements on until the subscription ends, and returns why it did.
async fn pass_on(subscription: PubSub, sender: &mpsc::Sender<Announcement>) -> &'static str {
    let (mut sink, mut messages) = subscription.split();
    let mut ask = tokio::time::interval(ASK);
    loop {
        tokio::select! {
            message = messages.next() => {
                let Some(message) = message else { return "the connection ended" };
                let Ok(text) = message.get_payload::<String>() else { continue };
                let Some((account, revision)) = announced(&text) else { continue };
                match sender.try_send(Announcement::Changed(account, revision)) {
                    Ok(()) => {}
                    Err(mpsc::error::TrySendError::Full(_)) => {
                        if sender.send(Announcement::Missed).await.is_err() {
                            return "nobody listens";
                        }
                    }
                    Err(mpsc::error::TrySendError::Closed(_)) => return "nobody listens",
                }
            }
            _ = ask.tick() => {
                let asked = sink.ping::<redis::Value>();
                match tokio::time::timeout(ASK, asked).await {
                    Ok(Ok(_)) => {}
                    Ok(Err(_)) => return "the connection broke",
                    Err(_) => return "the server is silent",
                }
            }
            () = sender.closed() => return "nobody listens",
        }
    }
}
