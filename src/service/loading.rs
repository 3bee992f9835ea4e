//! Brings accounts into memory: all that fit when the service starts, others when they are first asked for.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{StreamExt, stream};
use tokio::sync::Semaphore;

use super::{
    Accounts, View,
    accounts::Places,
    place::{Place, Trouble},
};
use crate::{
    domain::{AccessKey, AccountId, AccountRecords, Revision},
    error::{Error, ErrorCode},
    store::StoreError,
};

/// Accounts that are loaded at the same time.
const AT_ONCE: usize = 4;
/// Accounts that are brought into memory at the same time because somebody asked for them.
const ASKED_FOR: usize = 64;
/// How long an account that was not there is taken not to be, and how many are looked for in that time: whoever makes
/// account ids up must not make the store busy.
const ABSENT: Duration = Duration::from_secs(1);
const LOOKED_FOR: usize = 2_000;

/// The accounts that are being loaded: who asks for one of them waits for it.
#[derive(Debug)]
pub(super) struct Loading {
    turns: Mutex<HashMap<AccountId, Arc<tokio::sync::Mutex<()>>>>,
    /// Few are read whole at a time, each may be large.
    whole: Semaphore,
}

impl Default for Loading {
    fn default() -> Self {
        Self { turns: Mutex::default(), whole: Semaphore::new(AT_ONCE) }
    }
}

/// The turn of those who want an account; it ends also when nobody waits for it any more.
struct Turn<'l> {
    loading: &'l Loading,
    account: &'l AccountId,
    lock: Arc<tokio::sync::Mutex<()>>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.loading.turns().remove(self.account);
    }
}

impl Loading {
    fn turns(&self) -> MutexGuard<'_, HashMap<AccountId, Arc<tokio::sync::Mutex<()>>>> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the turn of an account; `None` when too many are loaded.
    fn turn<'l>(&'l self, account: &'l AccountId) -> Option<Turn<'l>> {
        let mut turns = self.turns();
        if !turns.contains_key(account) && turns.len() >= ASKED_FOR {
            return None;
        }
        let lock = turns.entry(account.clone()).or_default().clone();
        Some(Turn { loading: self, account, lock })
    }
}

/// The accounts that were not there, of the last moments.
#[derive(Debug, Default)]
pub(super) struct Absent(Mutex<(Duration, HashSet<AccountId>)>);

impl Absent {
    /// Returns the accounts that were looked for in vain, having forgotten what is too long ago.
    fn recent(&self, now: Duration) -> MutexGuard<'_, (Duration, HashSet<AccountId>)> {
        let mut absent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_sub(absent.0) >= ABSENT {
            *absent = (now, HashSet::new());
        }
        absent
    }

    fn is(&self, account: &AccountId, now: Duration) -> bool {
        self.recent(now).1.contains(account)
    }

    fn note(&self, account: &AccountId, now: Duration) {
        self.recent(now).1.insert(account.clone());
    }

    /// Returns whether too many were looked for in vain just now.
    fn is_full(&self, now: Duration) -> bool {
        self.recent(now).1.len() >= LOOKED_FOR
    }

    /// Forgets that an account was not there.
    pub(super) fn forget(&self, account: &AccountId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.remove(account);
    }
}

impl Accounts {
    /// Loads the accounts of the store and compiles them; of a shared store as many as fit, the others when they are first
    /// asked for.
    ///
    /// The keyring must be the one the store was filled under: that shows in the access keys, whose secrets open under
    /// no other.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidValue`] when the keyring is another one.
    /// [`ErrorCode::Unavailable`] when the store cannot be read; [`ErrorCode::Quarantined`] when a record of a store that
    /// is not shared cannot be trusted: a service must not start on a part of its data. Of a shared store the account is
    /// set aside, and the others are served.
    pub async fn load_all(&self) -> Result<(), Error> {
        let names = self.store.accounts().await?;
        let whole = names.len();
        let mut loads = stream::iter(names)
            .map(|account| async move { self.load_one(&account).await })
            .buffer_unordered(if self.shared().is_some() { AT_ONCE } else { 1 });
        let mut places = Places::default();
        let mut weight = 0;
        while let Some(place) = loads.next().await {
            let place = place?;
            weight += place.view().weight();
            places.insert(place.account.clone(), place);
            if self.shared().is_some() && weight > self.residency.memory {
                tracing::warn!(
                    loaded = places.len(),
                    of = whole,
                    "the memory for accounts is full: the others are loaded when they are asked for"
                );
                break;
            }
        }
        drop(loads);
        // One account of another key is set aside; where no other is sound, it is the key that is wrong.
        let troubles: Vec<_> = places.values().map(|place| place.trouble()).collect();
        if troubles.iter().all(Option::is_some)
            && let Some(Trouble::OtherKey(error)) = troubles
                .iter()
                .flatten()
                .map(|trouble| &**trouble)
                .find(|trouble| matches!(trouble, Trouble::OtherKey(_)))
        {
            return Err(error.clone());
        }
        self.places.store(Arc::new(places));
        Ok(())
    }

    /// Returns an account, loading it when it is not in memory; `None` when there is none.
    pub(super) async fn place(&self, account: &AccountId) -> Result<Option<Arc<Place>>, Error> {
        let present = || self.places.load().get(account).cloned();
        if self.shared().is_none() || present().is_some() {
            return Ok(present());
        }
        let busy = || {
            let help = "nothing was decided; try again in a moment";
            Error::new(ErrorCode::Unavailable, "too many accounts are loaded at present", help)
        };
        let now = self.clock.monotonic();
        if self.absent.is(account, now) {
            return Ok(None);
        }
        if self.absent.is_full(now) {
            return Err(busy());
        }
        let turn = self.loading.turn(account).ok_or_else(busy)?;
        let _turn = turn.lock.lock().await;
        // Whoever came first may have loaded it, or found that there is none.
        if present().is_some() || self.absent.is(account, self.clock.monotonic()) {
            return Ok(present());
        }
        if self.is_absent(account).await? {
            self.absent.note(account, self.clock.monotonic());
            return Ok(None);
        }
        let _whole = self.loading.whole.acquire().await;
        let place = self.load_one(account).await?;
        self.make_room(place.view().weight());
        self.keep(&place);
        Ok(present())
    }

    /// Returns whether an account was never written, by one look.
    async fn is_absent(&self, account: &AccountId) -> Result<bool, Error> {
        let Some(shared) = self.shared() else { return Ok(true) };
        match shared.revisions(std::slice::from_ref(account)).await.pop() {
            Some(Ok(revision)) => Ok(revision == Revision::ORIGIN),
            Some(Err(error @ StoreError::Unavailable { .. })) => Err(error.into()),
            // What is wrong with it is found when it is loaded.
            _ => Ok(false),
        }
    }

    /// Returns whether one more account fits into memory, as far as accounts are alike.
    pub(super) fn has_room(&self) -> bool {
        let places = self.places.load();
        let weight: usize = places.values().map(|place| place.view().weight()).sum();
        weight + weight / places.len().max(1) <= self.residency.memory
    }

    async fn load_one(&self, account: &AccountId) -> Result<Arc<Place>, Error> {
        let before = self.clock.monotonic();
        match self.read(account).await {
            Ok(view) => Ok(Place::new(view, before)),
            Err(Unread::Store(error))
                if self.shared().is_some() && Trouble::of(&error).is_some() =>
            {
                tracing::error!(%error, %account, "an account is set aside");
                let place = Place::new(View::empty(self.engine.clone(), account.clone()), before);
                if let Some(trouble) = Trouble::of(&error) {
                    place.set_trouble(&trouble);
                }
                Ok(place)
            }
            Err(Unread::Store(error)) => Err(error.into()),
            Err(Unread::OtherKey(error)) if self.shared().is_some() => {
                tracing::error!(%error, %account, "an account is set aside");
                Ok(self.set_aside(account, before, &Trouble::OtherKey(error)))
            }
            Err(Unread::Senseless(error)) if self.shared().is_some() => {
                tracing::error!(%error, %account, "an account is set aside");
                Ok(self.set_aside(account, before, &Trouble::Quarantined(error.to_string())))
            }
            Err(Unread::OtherKey(error) | Unread::Senseless(error)) => Err(error),
        }
    }

    fn set_aside(&self, account: &AccountId, at: Duration, trouble: &Trouble) -> Arc<Place> {
        let place = Place::new(View::empty(self.engine.clone(), account.clone()), at);
        place.set_trouble(trouble);
        place
    }

    /// Reads an account whole and compiles it.
    pub(super) async fn read(&self, account: &AccountId) -> Result<View, Unread> {
        let records = self.store.load(account).await.map_err(Unread::Store)?;
        let opens =
            |key: &AccessKey| self.keyring.open(account, &key.id, &key.sealed_secret).is_some();
        if !records.access_keys.values().all(opens) {
            return Err(Unread::OtherKey(Error::new(
                ErrorCode::InvalidValue,
                format!("the master key is not the one account `{account}` was made under"),
                "give the right `--master-key-file`; after a rotation `serve` takes the old one as \
                 `--previous-master-key-file`",
            )));
        }
        self.compile(records).await.map_err(Unread::Senseless)
    }

    /// Compiles an account, apart from those who wait for other things on this thread.
    async fn compile(&self, records: AccountRecords) -> Result<View, Error> {
        if self.shared().is_none() {
            return View::build(&self.engine, &records);
        }
        let engine = self.engine.clone();
        let built = tokio::task::spawn_blocking(move || View::build(&engine, &records)).await;
        built.map_err(|error| Error::internal(&format!("compiling broke off: {error}")))?
    }

    /// Takes accounts out of memory that were not asked for the longest time, until so many bytes fit.
    fn make_room(&self, bytes: usize) {
        let places = self.places.load_full();
        let mut present: Vec<(&Arc<Place>, usize)> =
            places.values().map(|place| (place, place.view().weight())).collect();
        let mut weight: usize = present.iter().map(|(_, weight)| weight).sum::<usize>() + bytes;
        if weight <= self.residency.memory {
            return;
        }
        present.sort_by_key(|(place, _)| place.last_used());
        let mut leaving = Vec::new();
        for (place, bytes) in present {
            if weight <= self.residency.memory {
                break;
            }
            weight -= bytes;
            leaving.push(place.account.clone());
        }
        tracing::info!(accounts = leaving.len(), "accounts leave memory to make room for another");
        self.places.rcu(|places| {
            let mut next = HashMap::clone(places);
            for account in &leaving {
                next.remove(account);
            }
            next
        });
    }
}

/// Why an account could not be read.
pub(super) enum Unread {
    /// The store says so.
    Store(StoreError),
    /// It was made under another master key.
    OtherKey(Error),
    /// What it holds makes no sense here.
    Senseless(Error),
}
