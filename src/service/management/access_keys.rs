//! Access keys: made, shown once, listed, switched off and on, deleted.

use super::{Caller, Management, users::find};
use crate::{
    domain::{AccessKey, AccessKeyId, KeyStatus, Op, PrincipalId, Revision, UserName},
    error::{Error, ErrorCode},
    service::{View, random::random_letters},
};

/// Letters of the distinguishing part of an id, and letters and digits of a secret: 178 bits.
const ID_CHARS: usize = 16;
const SECRET_CHARS: usize = 30;
/// Most access keys of a RAM user and of the main account.
const MAX_OF_USER: usize = 2;
const MAX_OF_ACCOUNT: usize = 5;

/// An access key as it was just made; its secret is never shown again.
#[derive(Debug)]
pub struct CreatedAccessKey {
    /// The record.
    pub key: AccessKey,
    /// The secret.
    pub secret: String,
}

impl Management {
    /// Makes an access key of a RAM user, or of the caller when no user is named.
    ///
    /// # Errors
    /// [`ErrorCode::UserNotFound`], [`ErrorCode::UserAccessKeyNotFound`] for a key of this request that is gone since,
    /// [`ErrorCode::AccessKeyLimit`]; as every write of [`Management`].
    pub async fn create_access_key(
        &self,
        caller: &Caller,
        user: Option<&UserName>,
    ) -> Result<(Revision, CreatedAccessKey), Error> {
        let (id, secret) = new_access_key(&caller.account)?;
        let sealed_secret = self
            .keyring
            .seal(&caller.account, &id, secret.as_bytes())
            .map_err(|error| Error::internal(&error.to_string()))?;
        let created = self.now();
        let decide = |view: &View| {
            let owner = owner(view, caller, user)?;
            let most = if owner.as_str() == caller.account.as_str() {
                MAX_OF_ACCOUNT
            } else {
                MAX_OF_USER
            };
            if view.access_keys_of(&owner).count() >= most {
                return Err(Error::new(
                    ErrorCode::AccessKeyLimit,
                    format!("the user has {most} access keys"),
                    "delete one that is no longer used: DeleteAccessKey",
                ));
            }
            Ok(vec![Op::PutAccessKey(AccessKey {
                id: id.clone(),
                owner,
                sealed_secret: sealed_secret.clone(),
                status: KeyStatus::Active,
                created,
            })])
        };
        let changed = self.change(caller, None, decide).await?;
        // From what was written: a request that came again is shown the key it made the first time.
        let key = changed.ops.into_iter().find_map(|op| match op {
            Op::PutAccessKey(key) => Some(key),
            _ => None,
        });
        let key = key.ok_or_else(|| Error::internal("a created key is not in its change"))?;
        // A request that comes again may find the key deleted, or its secret under a master key that is gone.
        let present = self.present(caller).await?;
        let secret = present
            .access_key(&key.id)
            .and_then(|key| self.keyring.open(&caller.account, &key.id, &key.sealed_secret))
            .and_then(|secret| String::from_utf8(secret).ok());
        let secret = secret.ok_or_else(|| {
            Error::new(
                ErrorCode::UserAccessKeyNotFound,
                "the access key that this request made cannot be shown again",
                "delete it, if it is still there, and make another under a new request id",
            )
            .about("UserAccessKeyId", key.id.as_str())
        })?;
        Ok((changed.revision, CreatedAccessKey { key, secret }))
    }

    /// Returns the access keys of a RAM user, or of the caller when no user is named.
    ///
    /// # Errors
    /// [`ErrorCode::UserNotFound`]; as [`Management::look`].
    pub async fn list_access_keys(
        &self,
        caller: &Caller,
        user: Option<&UserName>,
    ) -> Result<(Revision, Vec<AccessKey>), Error> {
        let view = self.look(caller, None).await?;
        let owner = owner(&view, caller, user)?;
        Ok((view.revision(), view.access_keys_of(&owner).cloned().collect()))
    }

    /// Switches an access key off or on.
    ///
    /// # Errors
    /// [`ErrorCode::UserNotFound`], [`ErrorCode::UserAccessKeyNotFound`], [`ErrorCode::LastAccessKey`]; as
    /// every write of [`Management`].
    pub async fn update_access_key(
        &self,
        caller: &Caller,
        user: Option<&UserName>,
        id: &AccessKeyId,
        status: KeyStatus,
    ) -> Result<Revision, Error> {
        let decide = |view: &View| {
            let key = owned(view, caller, user, id)?;
            if key.status == status {
                return Ok(Vec::new());
            }
            if status == KeyStatus::Inactive {
                check_not_last(view, key)?;
            }
            Ok(vec![Op::PutAccessKey(AccessKey { status, ..key.clone() })])
        };
        self.change(caller, None, decide).await.map(|changed| changed.revision)
    }

    /// Deletes an access key.
    ///
    /// # Errors
    /// As [`Management::update_access_key`].
    pub async fn delete_access_key(
        &self,
        caller: &Caller,
        user: Option<&UserName>,
        id: &AccessKeyId,
    ) -> Result<Revision, Error> {
        let decide = |view: &View| {
            let key = owned(view, caller, user, id)?;
            check_not_last(view, key)?;
            Ok(vec![Op::RemoveAccessKey(id.clone())])
        };
        self.change(caller, None, decide).await.map(|changed| changed.revision)
    }
}

/// Returns whose keys a call is about.
fn owner(view: &View, caller: &Caller, user: Option<&UserName>) -> Result<PrincipalId, Error> {
    match user {
        Some(name) => Ok(find(view, name)?.principal.id.clone()),
        None => Ok(caller.principal.clone()),
    }
}

fn owned<'v>(
    view: &'v View,
    caller: &Caller,
    user: Option<&UserName>,
    id: &AccessKeyId,
) -> Result<&'v AccessKey, Error> {
    let owner = owner(view, caller, user)?;
    view.access_key(id).filter(|key| key.owner == owner).ok_or_else(|| {
        Error::new(
            ErrorCode::UserAccessKeyNotFound,
            format!("the user has no access key `{id}`"),
            "see ListAccessKeys",
        )
        .about("UserAccessKeyId", id.as_str())
    })
}

/// Refuses to take the main account its last way in.
fn check_not_last(view: &View, key: &AccessKey) -> Result<(), Error> {
    let of_account = key.owner.as_str() == view.account().as_str();
    let others = view
        .access_keys_of(&key.owner)
        .filter(|other| other.id != key.id && other.status == KeyStatus::Active);
    if !of_account || key.status == KeyStatus::Inactive || others.count() > 0 {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::LastAccessKey,
        "this is the only active access key of the main account",
        "make another one first: CreateAccessKey",
    )
    .about("UserAccessKeyId", key.id.as_str()))
}

/// Returns a new access key: id and secret.
pub(in crate::service) fn new_access_key(
    account: &crate::domain::AccountId,
) -> Result<(AccessKeyId, String), Error> {
    // A letter first: it ends the account.
    let unique = format!("x{}", random_letters(ID_CHARS)?);
    let id = AccessKeyId::of(account, &unique)
        .map_err(|_| Error::internal("a random access key id has a wrong form"))?;
    Ok((id, random_letters(SECRET_CHARS)?))
}
