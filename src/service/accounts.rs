//! The accounts this process knows: an immutable view of each in memory, and the one way to change one.

use std::{collections::HashMap, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use tokio::sync::{OwnedMutexGuard, mpsc};
use tracing::Instrument;

use super::{
    Keyring, View,
    loading::{Absent, Loading},
    place::{Place, Trouble},
    random::random_hex,
    replica,
};
use crate::{
    domain::{AccountId, Change, Clock, Op, RequestId, Revision, UsedNonce},
    engine::Engine,
    error::Error,
    store::{Applied, SharedStore, Store, StoreError},
};

/// How often a change is decided anew when other changes come first.
const ATTEMPTS: usize = 5;
/// How long until an account that could not be read is read again.
const CLEAR_UP: Duration = Duration::from_millis(200);

/// Who makes a change, and in which request.
#[derive(Debug, Clone)]
pub struct Actor {
    /// A principal id, a token id, or `cli`.
    pub name: String,
    /// The request.
    pub request_id: RequestId,
    /// Digest of what is asked, where the caller chose the request id and may send it again.
    pub asked: Option<[u8; 32]>,
    /// The nonce the request was signed with.
    pub nonce: Option<UsedNonce>,
}

impl Actor {
    /// Returns who makes a change in a request that never comes again.
    #[must_use]
    pub const fn new(name: String, request_id: RequestId) -> Self {
        Self { name, request_id, asked: None, nonce: None }
    }
}

/// What refuses a change that its actor may not make; `None` where it was judged already, or the actor is a command on
/// a stopped store.
pub(super) type Permit<'p> = Option<&'p (dyn Fn(&View) -> Result<(), Error> + Send + Sync)>;

/// Returns the digest of what a caller asks, of its parts in their order.
#[must_use]
pub fn asked(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("pai-authz 2026 what was asked v1");
    super::keyring::feed(&mut hasher, parts);
    hasher.finalize().into()
}

/// A change that is durable.
#[derive(Debug, Clone)]
pub struct Changed {
    /// The revision that has it.
    pub revision: Revision,
    /// What was written: now or, when the request came again, the first time. Empty when there was nothing to write.
    pub ops: Vec<Op>,
}

/// How replicas of a shared store hold accounts.
#[derive(Debug, Clone, Copy)]
pub struct Residency {
    /// How long after the store was last asked an account may be decided on.
    pub max_staleness: Duration,
    /// Most bytes that accounts take in memory, roughly.
    pub memory: usize,
}

impl Default for Residency {
    fn default() -> Self {
        Self { max_staleness: Duration::from_secs(5), memory: 4 << 30 }
    }
}

pub(super) type Places = HashMap<AccountId, Arc<Place>, foldhash::fast::RandomState>;

/// Accounts to look at soon that wait to be.
const NUDGES: usize = 1_024;

/// The accounts of a store, in memory.
pub struct Accounts {
    pub(super) engine: Arc<Engine>,
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) keyring: Arc<Keyring>,
    pub(super) residency: Residency,
    pub(super) places: ArcSwap<Places>,
    pub(super) loading: Loading,
    pub(super) absent: Absent,
    pub(super) contact: replica::Contact,
    nudge: mpsc::Sender<AccountId>,
    nudged: std::sync::Mutex<Option<mpsc::Receiver<AccountId>>>,
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Accounts({})", self.places.load().len())
    }
}

impl Accounts {
    /// Returns the accounts of `store`, none of them loaded.
    #[must_use]
    pub fn new(
        engine: Arc<Engine>,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        keyring: Arc<Keyring>,
        residency: Residency,
    ) -> Self {
        let (nudge, nudged) = mpsc::channel(NUDGES);
        Self {
            engine,
            store,
            clock,
            keyring,
            residency,
            places: ArcSwap::default(),
            loading: Loading::default(),
            absent: Absent::default(),
            contact: replica::Contact::default(),
            nudge,
            nudged: std::sync::Mutex::new(Some(nudged)),
        }
    }

    /// Returns the store when other processes change it as well.
    pub(super) fn shared(&self) -> Option<&dyn SharedStore> {
        self.store.shared()
    }

    /// Returns the accounts that somebody waits for; once.
    pub(super) fn nudged(&self) -> Option<mpsc::Receiver<AccountId>> {
        self.nudged.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take()
    }

    /// Asks for an account to be looked at soon.
    pub(super) fn nudge(&self, account: &AccountId) {
        // When as many wait already, all are looked at within the second.
        drop(self.nudge.try_send(account.clone()));
    }

    /// Returns the engine.
    #[must_use]
    pub const fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Returns the clock.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// Makes an account known that was never written, so that it can be decided about and changed.
    pub fn admit(&self, account: &AccountId) {
        // The usual case, without copying the table.
        if !self.places.load().contains_key(account) {
            let empty = View::empty(self.engine.clone(), account.clone());
            self.keep(&Place::new(empty, self.clock.monotonic()));
        }
    }

    /// Keeps an account in memory, unless it is already.
    pub(super) fn keep(&self, place: &Arc<Place>) {
        self.places.rcu(|places| {
            let mut next = HashMap::clone(places);
            next.entry(place.account.clone()).or_insert_with(|| place.clone());
            next
        });
    }

    /// Changes an account: `decide` says, from a view, which records to write.
    ///
    /// The new view is compiled before the store is asked, and shown after the change is durable. When another
    /// change comes first, `decide` is asked again. No ops means that there is nothing to change. A request that was
    /// carried out before under the same id is answered with what it did then, and `decide` is not asked; `permit` is,
    /// now as then.
    ///
    /// # Errors
    /// What `permit` and `decide` refuse; what does not compile; [`ErrorCode::Conflict`] when other changes came first
    /// every time; [`ErrorCode::NonceUsed`]; what the store says.
    pub(super) async fn change(
        self: &Arc<Self>,
        account: &AccountId,
        actor: &Actor,
        action: &str,
        permit: Permit<'_>,
        decide: impl Fn(&View) -> Result<Vec<Op>, Error>,
    ) -> Result<Changed, Error> {
        self.attend(account).await?;
        self.admit(account);
        let Some(place) = self.places.load().get(account).cloned() else {
            return Err(Error::internal("an admitted account is not there"));
        };
        if let Some(Trouble::Suspended { .. } | Trouble::Quarantined(_) | Trouble::OtherKey(_)) =
            place.trouble().as_deref()
        {
            place.check()?;
        }
        let mut turn = place.writers.clone().lock_owned().await;
        let permit = |view: &View| permit.map_or(Ok(()), |permit| permit(view));
        // What is refused on this view, another process may have made right meanwhile: then it is asked once more.
        let mut may_be_behind = self.shared().is_some();
        if actor.asked.is_some() {
            if permit(&place.view()).is_err() && std::mem::take(&mut may_be_behind) {
                replica::catch_up(self, &place).await?;
            }
            permit(&place.view())?;
            if let Some(first) = self.recall(account, actor).await? {
                self.use_nonce_up(&place, actor, action).await?;
                return Ok(first);
            }
        }
        for _ in 0..ATTEMPTS {
            let view = place.view();
            let ops = match permit(&view).and_then(|()| decide(&view)) {
                Err(_) if std::mem::take(&mut may_be_behind) => {
                    replica::catch_up(self, &place).await?;
                    continue;
                }
                decided => decided?,
            };
            if ops.is_empty() && actor.nonce.is_none() {
                return Ok(Changed { revision: view.revision(), ops });
            }
            let next = match ops.as_slice() {
                [] => None,
                ops => Some(view.with(ops, view.revision().next())?),
            };
            let change = Change {
                actor: actor.name.clone(),
                action: action.to_owned(),
                request_id: actor.request_id.clone(),
                asked: actor.asked,
                nonce: actor.nonce.clone(),
                at: self.clock.now(),
                ops,
            };
            let ops = change.ops.clone();
            let commit = Commit {
                accounts: self.clone(),
                place: place.clone(),
                expected: view.revision(),
                change,
                next,
            };
            let committed;
            (turn, committed) = commit.run(turn).await?;
            match committed {
                Ok(Applied { repeated: true, .. }) => {
                    // It came first by another way, and its records may be unlike those decided on here.
                    let first = self.recall(account, actor).await?;
                    self.use_nonce_up(&place, actor, action).await?;
                    return first.ok_or_else(|| {
                        Error::internal("the store does not recall what it says was repeated")
                    });
                }
                Ok(Applied { revision, .. }) => return Ok(Changed { revision, ops }),
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        drop(turn);
        Err(StoreError::Conflict { current: place.revision() }.into())
    }

    /// Returns what the actor's request did before; `None` when it is new.
    async fn recall(&self, account: &AccountId, actor: &Actor) -> Result<Option<Changed>, Error> {
        let now = self.clock.now();
        let Some(first) = self.store.recall(account, &actor.request_id, now).await? else {
            return Ok(None);
        };
        if actor.asked.is_some_and(|asked| asked != first.asked) {
            return Err(StoreError::RequestReused.into());
        }
        Ok(Some(Changed { revision: first.revision, ops: first.ops }))
    }

    /// Uses the nonce of a request up that is only answered anew: sent once more it must not be answered again.
    async fn use_nonce_up(
        &self,
        place: &Arc<Place>,
        actor: &Actor,
        action: &str,
    ) -> Result<(), Error> {
        let Some(nonce) = &actor.nonce else { return Ok(()) };
        let request_id = RequestId::parse(&random_hex(16)?)
            .map_err(|_| Error::internal("a random request id has a wrong form"))?;
        let change = Change {
            actor: actor.name.clone(),
            action: action.to_owned(),
            request_id,
            asked: None,
            nonce: Some(nonce.clone()),
            at: self.clock.now(),
            ops: Vec::new(),
        };
        for _ in 0..ATTEMPTS {
            match self.store.apply(&place.account, place.revision(), &change).await {
                Ok(_) => return Ok(()),
                Err(StoreError::Conflict { .. }) => replica::catch_up(self, place).await?,
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Conflict { current: place.revision() }.into())
    }
}

/// A change on its way into the store, and its view on its way to those who decide.
struct Commit {
    accounts: Arc<Accounts>,
    place: Arc<Place>,
    expected: Revision,
    change: Change,
    /// The view after the change; `None` when there is nothing to show.
    next: Option<View>,
}

/// The right to change an account, and what came of using it.
type Committed = (OwnedMutexGuard<()>, Result<Applied, StoreError>);

impl Commit {
    /// Applies the change and shows what the account is then.
    ///
    /// Done to its end whether or not somebody waits for it: a caller that goes away must not leave a change in the
    /// store that nobody decides by.
    async fn run(self, turn: OwnedMutexGuard<()>) -> Result<Committed, Error> {
        let work = async move {
            let applied = self.apply().await;
            (turn, applied)
        };
        tokio::spawn(work.in_current_span())
            .await
            .map_err(|error| Error::internal(&format!("a change broke off: {error}")))
    }

    async fn apply(self) -> Result<Applied, StoreError> {
        let Self { accounts, place, expected, change, next } = self;
        let applied = accounts.store.apply(&place.account, expected, &change).await;
        let caught_up = match &applied {
            Ok(Applied { repeated: false, .. }) => {
                if let Some(next) = next {
                    // Unless it came by the log already.
                    place.follow(expected, next);
                }
                return applied;
            }
            // Another change came first, or this one: or nobody knows whether it did.
            Ok(_)
            | Err(
                StoreError::Conflict { .. } | StoreError::Unavailable { may_be_applied: true, .. },
            ) => replica::catch_up(&accounts, &place).await,
            Err(StoreError::Regressed { .. } | StoreError::Suspended { .. }) => {
                accounts.nudge(&place.account);
                return applied;
            }
            Err(_) => return applied,
        };
        let Err(behind) = caught_up else { return applied };
        if accounts.shared().is_some() {
            // The change is other processes' to decide by as well, or nobody's: what is decided meanwhile is as fresh as
            // promised. Whoever follows the store goes on trying.
            tracing::warn!(error = behind.cause(), account = %place.account, "the account is not up to date after a change");
            return match applied {
                Err(StoreError::Conflict { .. }) => Err(behind),
                applied => applied,
            };
        }
        tracing::error!(error = behind.cause(), account = %place.account, "the account cannot be read after a change that came otherwise");
        if place.set_trouble(&Trouble::Doubtful) {
            tokio::spawn(clear_up(accounts, place).in_current_span());
        }
        applied
    }
}

/// Reads an account again and again until that succeeds. Until then nothing is decided on it: a change that may be in
/// the store, a revocation perhaps, must not be decided against.
async fn clear_up(accounts: Arc<Accounts>, place: Arc<Place>) {
    while place.trouble().is_some() {
        tokio::time::sleep(CLEAR_UP).await;
        let _turn = place.writers.lock().await;
        match replica::catch_up(&accounts, &place).await {
            Ok(()) => tracing::info!(account = %place.account, "the account can be read again"),
            Err(error) => {
                tracing::warn!(%error, account = %place.account, "the account still cannot be read");
            }
        }
    }
}
