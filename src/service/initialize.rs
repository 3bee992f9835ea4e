//! The first keys of an account: everything else is done with them.

use std::sync::Arc;

use super::{Accounts, Actor, Keyring, management::new_access_key, tokens::new_token};
use crate::{
    domain::{AccessKey, AccessKeyId, AccountId, KeyStatus, Op, PrincipalId, Scopes},
    error::{Error, ErrorCode},
};

/// The first keys of an account as they were just made; their secrets are never shown again.
pub struct FirstKeys {
    /// The access key's public part.
    pub access_key_id: AccessKeyId,
    /// The access key's secret.
    pub access_key_secret: String,
    /// The text of a token with every scope.
    pub token: String,
}

/// Makes the first access key of the main account of `account`, and its first token, in one change.
///
/// # Errors
/// When the account was initialized before; what the store says.
pub async fn initialize(
    accounts: &Arc<Accounts>,
    keyring: &Keyring,
    account: &AccountId,
    actor: &Actor,
) -> Result<FirstKeys, Error> {
    let owner = PrincipalId::parse(account.as_str())
        .map_err(|_| Error::internal("an account id is a principal id"))?;
    let (id, secret) = new_access_key(account)?;
    let sealed_secret = keyring
        .seal(account, &id, secret.as_bytes())
        .map_err(|error| Error::internal(&error.to_string()))?;
    let created = accounts.clock().now();
    let key = AccessKey {
        id: id.clone(),
        owner: owner.clone(),
        sealed_secret,
        status: KeyStatus::Active,
        created,
    };
    let (token, text) =
        new_token(keyring, account, "first token, made by init", Scopes::all(), created)?;
    let decide = |view: &super::View| {
        // An account that lost everything has no key to sign with, and is made anew.
        if view.access_keys_of(&owner).next().is_some() || view.token_count() > 0 {
            return Err(Error::new(
                ErrorCode::Conflict,
                format!("account `{account}` was initialized before"),
                "its first access key and token were shown then; make further tokens with `pai-authz token create`",
            ));
        }
        Ok(vec![Op::PutAccessKey(key.clone()), Op::PutToken(token.clone())])
    };
    accounts.change(account, actor, "Initialize", None, decide).await?;
    Ok(FirstKeys { access_key_id: id, access_key_secret: secret, token: text })
}
