//! What is decided on: the present view of an account, if it may be decided on.

use std::{sync::Arc, time::Duration};

use super::{
    Accounts, View,
    place::{Place, Present},
};
use crate::{
    domain::{AccountId, Revision},
    error::{Error, ErrorCode},
};

impl Accounts {
    /// Returns the accounts in memory, sorted.
    #[must_use]
    pub fn list(&self) -> Vec<AccountId> {
        let mut accounts: Vec<AccountId> = self.places.load().keys().cloned().collect();
        accounts.sort();
        accounts
    }

    /// Returns the present view of an account; `None` when it was never written, or is not in memory.
    #[must_use]
    pub fn view(&self, account: &AccountId) -> Option<Arc<View>> {
        self.places.load().get(account).map(|place| place.view())
    }

    /// Returns the present view of the account of that id, to be held for a short time; `None` as for [`Self::view`].
    #[must_use]
    pub(super) fn present(&self, account: &str) -> Option<Present> {
        self.places.load().get(account).map(|place| place.present())
    }

    /// Makes sure that an account is in memory if there is one.
    ///
    /// # Errors
    /// [`ErrorCode::Unavailable`] when the store cannot tell.
    pub async fn attend(&self, account: &AccountId) -> Result<(), Error> {
        // The usual case, without more ado.
        if self.places.load().contains_key(account) {
            return Ok(());
        }
        self.place(account).await.map(drop)
    }

    /// Returns what to tell somebody unknown where nobody can be known, because the account is in trouble: no more than
    /// that; `None` where it is not.
    #[must_use]
    pub(super) fn refusal(&self, account: &str) -> Option<Error> {
        self.places.load().get(account)?.check().err()?;
        let help = "nothing was decided; try again later, or ask who runs this service";
        Some(Error::new(ErrorCode::Unavailable, "nobody can be told from anybody at present", help))
    }

    /// Returns the present view of an account, or waits for one of at least `demanded`, as long as `wait`.
    ///
    /// # Errors
    /// - [`ErrorCode::Unavailable`]: the account is not loaded, or nobody knows what the store holds.
    /// - [`ErrorCode::ReplicaStale`]: the demanded revision did not come in time, or the store could not be asked for
    ///   too long.
    /// - [`ErrorCode::Suspended`], [`ErrorCode::Quarantined`].
    pub async fn fresh_view(
        &self,
        account: &AccountId,
        demanded: Option<Revision>,
        wait: Duration,
    ) -> Result<Present, Error> {
        // The usual case, in which nobody waits.
        let seen = self.places.load().get(account.as_str()).map(|place| {
            let present = self.fresh(place)?;
            let is_behind = demanded.is_some_and(|revision| present.revision() < revision);
            Ok::<_, Error>((!is_behind).then_some(present))
        });
        match seen.transpose()? {
            Some(Some(present)) => return Ok(present),
            Some(None) => {}
            None => drop(self.place(account).await?),
        }
        let place = self.places.load().get(account).cloned().ok_or_else(|| {
            let help = "nothing was decided; try again in a moment";
            Error::new(ErrorCode::Unavailable, "the account is not loaded", help)
        })?;
        let present = self.fresh(&place)?;
        let Some(revision) = demanded.filter(|revision| present.revision() < *revision) else {
            return Ok(present);
        };
        drop(present);
        if self.shared().is_some() {
            self.nudge(account);
        }
        if !place.reaches(revision, wait).await {
            return Err(Error::new(
                ErrorCode::ReplicaStale,
                "this replica has not reached the demanded revision",
                "nothing was decided; try again in a moment, or ask another replica",
            ));
        }
        place.check()?;
        Ok(place.present())
    }

    /// Returns the present view of an account, where there is one that may be decided on now.
    #[must_use]
    pub fn view_at_once(&self, account: &AccountId) -> Option<Present> {
        self.places.load().get(account.as_str()).and_then(|place| self.fresh(place).ok())
    }

    /// Returns the present view of an account, if it may be decided on.
    fn fresh(&self, place: &Place) -> Result<Present, Error> {
        place.check()?;
        if self.shared().is_some() {
            let now = self.clock.monotonic();
            place.touch(now);
            let (most, age) = (self.residency.max_staleness, place.age(now));
            if self.contact.is_lost() || age > most {
                return Err(Error::new(
                    ErrorCode::ReplicaStale,
                    format!("this replica could not ask the store for more than {most:?}"),
                    "nothing was decided; try again in a moment, or ask another replica",
                ));
            }
        }
        Ok(place.present())
    }
}
