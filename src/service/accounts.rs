//! The accounts this process knows: an immutable view of each in memory, and the one way to change one.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use tokio::sync::{Mutex, OwnedMutexGuard, watch};
use tracing::Instrument;

use super::{Keyring, View, random::random_hex};
use crate::{
    domain::{AccessKey, AccountId, Change, Clock, Op, RequestId, Revision, UsedNonce},
    engine::Engine,
    error::{Error, ErrorCode},
    store::{Applied, Store, StoreError},
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

/// One account: its present view, who waits for the next, and the lock of those who change it.
#[derive(Debug)]
struct Place {
    view: ArcSwap<View>,
    revisions: watch::Sender<Revision>,
    writers: Arc<Mutex<()>>,
    /// Whether the store may hold a change that the view lacks, because it could not be read since.
    doubtful: AtomicBool,
}

impl Place {
    fn new(view: View) -> Arc<Self> {
        let revisions = watch::Sender::new(view.revision());
        Arc::new(Self {
            view: ArcSwap::from_pointee(view),
            revisions,
            writers: Arc::default(),
            doubtful: AtomicBool::new(false),
        })
    }

    fn show(&self, view: View) {
        let revision = view.revision();
        self.view.store(Arc::new(view));
        self.doubtful.store(false, Ordering::SeqCst);
        // After the view: whoever is woken by a revision finds a view that has it.
        self.revisions.send_replace(revision);
    }
}

/// All accounts of a store, loaded into memory.
pub struct Accounts {
    engine: Arc<Engine>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    places: ArcSwap<HashMap<AccountId, Arc<Place>>>,
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Accounts({})", self.places.load().len())
    }
}

impl Accounts {
    /// Loads every account of `store` and compiles it.
    ///
    /// `keyring` must be the one the store was filled under: that shows in the access keys, whose secrets open under
    /// no other.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidValue`] when the keyring is another one.
    /// [`ErrorCode::Unavailable`] when the store cannot be read; [`ErrorCode::Internal`] when a record cannot be
    /// trusted: a service must not start on a part of its data.
    pub async fn load(
        engine: Arc<Engine>,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        keyring: &Keyring,
    ) -> Result<Self, Error> {
        let mut places = HashMap::new();
        for account in store.accounts().await? {
            let records = store.load(&account).await?;
            let opens =
                |key: &AccessKey| keyring.open(&account, &key.id, &key.sealed_secret).is_some();
            if !records.access_keys.values().all(opens) {
                return Err(Error::new(
                    ErrorCode::InvalidValue,
                    format!("the master key is not the one account `{account}` was made under"),
                    "give the right `--master-key-file`, and after a rotation the old one as \
                     `--previous-master-key-file`",
                ));
            }
            places.insert(account, Place::new(View::build(&engine, &records)?));
        }
        Ok(Self { engine, store, clock, places: ArcSwap::from_pointee(places) })
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

    /// Returns the known accounts, sorted.
    #[must_use]
    pub fn list(&self) -> Vec<AccountId> {
        let mut accounts: Vec<AccountId> = self.places.load().keys().cloned().collect();
        accounts.sort();
        accounts
    }

    /// Returns the present view of an account; `None` when it was never written.
    #[must_use]
    pub fn view(&self, account: &AccountId) -> Option<Arc<View>> {
        self.places.load().get(account).map(|place| place.view.load_full())
    }

    /// Returns the present view of an account, or waits for one of at least `demanded`, as long as `wait`.
    ///
    /// # Errors
    /// [`ErrorCode::Unavailable`] when the account is not loaded; [`ErrorCode::ReplicaStale`] when the demanded
    /// revision did not come in time.
    pub async fn fresh_view(
        &self,
        account: &AccountId,
        demanded: Option<Revision>,
        wait: Duration,
    ) -> Result<Arc<View>, Error> {
        let unavailable = |message: &str| {
            let help = "nothing was decided; try again in a moment";
            Err(Error::new(ErrorCode::Unavailable, message, help))
        };
        let Some(place) = self.places.load().get(account).cloned() else {
            return unavailable("the account is not loaded");
        };
        if place.doubtful.load(Ordering::SeqCst) {
            return unavailable(
                "the account could not be read after a change of which nobody knows",
            );
        }
        let present = place.view.load_full();
        let Some(revision) = demanded.filter(|revision| present.revision() < *revision) else {
            return Ok(present);
        };
        let mut revisions = place.revisions.subscribe();
        let arrived =
            tokio::time::timeout(wait, revisions.wait_for(|present| *present >= revision)).await;
        if !matches!(arrived, Ok(Ok(_))) {
            return Err(Error::new(
                ErrorCode::ReplicaStale,
                "this replica has not reached the demanded revision",
                "nothing was decided; try again in a moment, or ask another replica",
            ));
        }
        Ok(place.view.load_full())
    }

    /// Makes an account known that was never written, so that it can be decided about and changed.
    pub fn admit(&self, account: &AccountId) {
        // The usual case, without copying the table.
        if self.places.load().contains_key(account) {
            return;
        }
        self.places.rcu(|places| {
            let mut next = HashMap::clone(places);
            next.entry(account.clone())
                .or_insert_with(|| Place::new(View::empty(self.engine.clone(), account.clone())));
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
        &self,
        account: &AccountId,
        actor: &Actor,
        action: &str,
        permit: Permit<'_>,
        decide: impl Fn(&View) -> Result<Vec<Op>, Error>,
    ) -> Result<Changed, Error> {
        self.admit(account);
        let Some(place) = self.places.load().get(account).cloned() else {
            return Err(Error::internal("an admitted account is not there"));
        };
        let mut turn = place.writers.clone().lock_owned().await;
        let permit = |view: &View| permit.map_or(Ok(()), |permit| permit(view));
        if actor.asked.is_some() {
            permit(&place.view.load())?;
            if let Some(first) = self.recall(account, actor).await? {
                self.use_nonce_up(account, &place, actor, action).await?;
                return Ok(first);
            }
        }
        for _ in 0..ATTEMPTS {
            let view = place.view.load_full();
            permit(&view)?;
            let ops = decide(&view)?;
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
                engine: self.engine.clone(),
                store: self.store.clone(),
                place: place.clone(),
                account: account.clone(),
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
                    self.use_nonce_up(account, &place, actor, action).await?;
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
        Err(StoreError::Conflict { current: place.view.load().revision() }.into())
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
        account: &AccountId,
        place: &Place,
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
            let revision = place.view.load().revision();
            match self.store.apply(account, revision, &change).await {
                Ok(_) => return Ok(()),
                Err(StoreError::Conflict { .. }) => {
                    reload(&self.engine, &*self.store, account, place).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Conflict { current: place.view.load().revision() }.into())
    }
}

/// A change on its way into the store, and its view on its way to those who decide.
struct Commit {
    engine: Arc<Engine>,
    store: Arc<dyn Store>,
    place: Arc<Place>,
    account: AccountId,
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
        let Self { engine, store, place, account, expected, change, next } = self;
        let applied = store.apply(&account, expected, &change).await;
        let shown = match &applied {
            Ok(Applied { repeated: false, .. }) => {
                if let Some(next) = next {
                    place.show(next);
                }
                return applied;
            }
            // Another change came first, or this one: or nobody knows whether it did.
            Ok(_)
            | Err(
                StoreError::Conflict { .. } | StoreError::Unavailable { may_be_applied: true, .. },
            ) => reload(&engine, &*store, &account, &place).await,
            Err(_) => return applied,
        };
        if let Err(reload) = shown {
            tracing::error!(%reload, %account, "the account cannot be read after a change that came otherwise");
            if !place.doubtful.swap(true, Ordering::SeqCst) {
                tokio::spawn(clear_up(engine, store, account, place).in_current_span());
            }
        }
        applied
    }
}

/// Reads an account again and again until that succeeds. Until then nothing is decided on it: a change that may be in
/// the store, a revocation perhaps, must not be decided against.
async fn clear_up(
    engine: Arc<Engine>,
    store: Arc<dyn Store>,
    account: AccountId,
    place: Arc<Place>,
) {
    while place.doubtful.load(Ordering::SeqCst) {
        tokio::time::sleep(CLEAR_UP).await;
        let _turn = place.writers.lock().await;
        match reload(&engine, &*store, &account, &place).await {
            Ok(()) => tracing::info!(%account, "the account can be read again"),
            Err(error) => tracing::warn!(%error, %account, "the account still cannot be read"),
        }
    }
}

async fn reload(
    engine: &Arc<Engine>,
    store: &dyn Store,
    account: &AccountId,
    place: &Place,
) -> Result<(), Error> {
    let records = store.load(account).await?;
    place.show(View::build(engine, &records)?);
    Ok(())
}
