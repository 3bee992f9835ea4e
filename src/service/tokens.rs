//! Bearer tokens: made, listed, revoked, and checked on every request.

use std::{sync::Arc, time::Duration};

use subtle::ConstantTimeEq;

use super::{Accounts, Actor, Keyring, random::random_hex};
use crate::{
    domain::{
        AccountId, BundleName, Digits, Invalid, Op, Revision, Scope, Scopes, Timestamp, Token,
        TokenDigest, TokenId, shortened,
    },
    error::{Error, ErrorCode},
};

/// The account of development mode.
pub const DEV_ACCOUNT: &str = "1000000000000001";
/// The access key of development mode: id and secret.
pub const DEV_ACCESS_KEY: (&str, &str) = ("dev", "dev-secret");
/// The token of development mode.
pub const DEV_TOKEN: &str = "dev-token";

const PREFIX: &str = "pat_";
const SECRET_BYTES: usize = 32;
const ID_BYTES: usize = 8;
/// Most tokens of an account, and longest name in characters.
const MAX_TOKENS: usize = 1_000;
const MAX_NAME: usize = 128;

/// Who asks: the service behind a token, bound to one account.
#[derive(Debug, Clone)]
pub struct Pep {
    /// The account it is bound to.
    pub account: AccountId,
    /// The token's id, for logs and the change log.
    pub name: Arc<str>,
    /// What it may do.
    pub scopes: Scopes,
    /// What it may ask.
    pub reach: Reach,
}

/// What a caller may ask: its account, or one of the policy bundles that are served beside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// The account.
    Account,
    /// A bundle, and nothing of the account.
    Bundle(BundleName),
    /// The account, and every bundle: the token of development mode.
    All,
}

impl Pep {
    /// Refuses a caller that may not do what `scope` stands for.
    ///
    /// # Errors
    /// [`ErrorCode::Forbidden`].
    pub fn demand(&self, scope: Scope) -> Result<(), Error> {
        if let Reach::Bundle(bundle) = &self.reach {
            return Err(Error::new(
                ErrorCode::Forbidden,
                format!("`{}` is a token of the bundle `{bundle}`", self.name),
                format!(
                    "ask it at `/{bundle}/access/v1/…`, or send a token made without `--bundle`"
                ),
            ));
        }
        self.demand_scope(scope)
    }

    /// Refuses a caller that may not do what `scope` stands for in a bundle of the account `owner`.
    ///
    /// # Errors
    /// [`ErrorCode::Forbidden`], alike for a bundle of another account and for one that is not there.
    pub fn demand_in(
        &self,
        bundle: &str,
        owner: Option<&AccountId>,
        scope: Scope,
    ) -> Result<(), Error> {
        let is_reached = match &self.reach {
            Reach::Account => false,
            Reach::Bundle(bound) => bound.as_str() == bundle && owner == Some(&self.account),
            Reach::All => owner.is_some(),
        };
        if !is_reached {
            let bundle = shortened(bundle, Invalid::MAX_VALUE);
            return Err(Error::new(
                ErrorCode::Forbidden,
                format!("`{}` may not ask the bundle `{bundle}`", self.name),
                "send a token made with `--bundle NAME`, of a bundle that is served and of its account",
            ));
        }
        self.demand_scope(scope)
    }

    fn demand_scope(&self, scope: Scope) -> Result<(), Error> {
        if self.scopes.contains(scope) {
            return Ok(());
        }
        Err(Error::new(
            ErrorCode::Forbidden,
            format!("`{}` has not the scope `{}`", self.name, scope.as_str()),
            format!("send a token made with `--scope {}`", scope.as_str()),
        ))
    }
}

/// Who asked, and until when it is known to be the same.
#[derive(Debug, Clone)]
pub struct Known {
    /// Who it is.
    pub pep: Pep,
    until: Until,
}

#[derive(Debug, Clone, Copy)]
enum Until {
    /// It came by a token: until its account changes after this revision.
    Changed(Revision),
    /// There is nothing to tell by.
    Asked,
    /// It came by a socket, which is that of nobody else.
    Closed,
}

impl Known {
    /// Returns who comes by a socket that is bound to an account.
    #[must_use]
    pub fn by_socket(account: AccountId) -> Self {
        let scopes = Scopes::new(vec![Scope::Decide]);
        let pep = Pep { account, name: Arc::from("uds"), scopes, reach: Reach::Account };
        Self { pep, until: Until::Closed }
    }

    /// Returns whether it is still the same at a revision of its account.
    #[must_use]
    pub fn is_still(&self, revision: Revision) -> bool {
        match self.until {
            Until::Changed(known) => known == revision,
            Until::Asked => false,
            Until::Closed => true,
        }
    }
}

/// Tells who is behind a bearer token.
#[derive(Debug)]
pub struct Authenticator {
    accounts: Arc<Accounts>,
    keyring: Arc<Keyring>,
    dev: Option<(AccountId, blake3::Hash)>,
    /// Compared when there is nothing to compare with, so that an unknown token takes as long as a wrong one.
    nobody: TokenDigest,
}

impl Authenticator {
    /// Returns an authenticator of the tokens in `accounts`; with `dev` also of the development token.
    #[must_use]
    pub fn new(accounts: Arc<Accounts>, keyring: Arc<Keyring>, dev: Option<AccountId>) -> Self {
        let dev = dev.map(|account| (account, blake3::hash(DEV_TOKEN.as_bytes())));
        Self { accounts, keyring, dev, nobody: TokenDigest([0; 32]) }
    }

    /// Returns the account whose tokens must be brought into memory first; `None` when they are there.
    #[must_use]
    pub fn must_attend(&self, token: &str) -> Option<AccountId> {
        let (account, _, _) = split(token)?;
        match self.accounts.present(account) {
            Some(_) => None,
            None => AccountId::parse(account).ok(),
        }
    }

    /// Brings what the tokens of an account are compared with into memory.
    ///
    /// # Errors
    /// [`ErrorCode::Unavailable`] when the store cannot tell.
    pub async fn attend(&self, account: &AccountId) -> Result<(), Error> {
        self.accounts.attend(account).await
    }

    /// Returns who is behind `token`, as far as the accounts in memory tell.
    ///
    /// # Errors
    /// [`ErrorCode::Unauthenticated`], the same for a malformed, an unknown, a wrong and a revoked token;
    /// [`ErrorCode::Suspended`] and [`ErrorCode::Quarantined`] where the account's tokens are not known.
    pub fn authenticate(&self, token: &str) -> Result<Known, Error> {
        if let Some((account, digest)) = &self.dev
            && bool::from(blake3::hash(token.as_bytes()).as_bytes().ct_eq(digest.as_bytes()))
        {
            let (account, name) = (account.clone(), Arc::from(DEV_TOKEN));
            let revision = self.accounts.present(account.as_str()).map(|view| view.revision());
            let until = revision.map_or(Until::Asked, Until::Changed);
            let (scopes, reach) = (Scopes::all(), Reach::All);
            return Ok(Known { pep: Pep { account, name, scopes, reach }, until });
        }
        let (account, id, secret) = split(token).ok_or_else(Self::refusal)?;
        let view = self.accounts.present(account);
        let kept = view.as_ref().and_then(|view| Some((view, view.token(id)?)));
        let digest = kept.map_or(&self.nobody, |(_, kept)| &kept.digest);
        let genuine = self.keyring.verify_token(account, id, secret, digest);
        match kept {
            Some((view, kept)) if genuine => {
                let (account, name) = (view.account().clone(), kept.id.shared());
                let reach = kept.bundle.clone().map_or(Reach::Account, Reach::Bundle);
                let pep = Pep { account, name, scopes: kept.scopes, reach };
                Ok(Known { pep, until: Until::Changed(view.revision()) })
            }
            Some(_) => Err(Self::refusal()),
            None => Err(self.accounts.refusal(account).unwrap_or_else(Self::refusal)),
        }
    }

    /// Returns whether nothing has changed in the account of somebody since it was known.
    #[must_use]
    pub fn is_still(&self, known: &Known) -> bool {
        let present = self.accounts.present(known.pep.account.as_str());
        present.is_some_and(|view| known.is_still(view.revision()))
    }

    /// Returns the refusal of a caller that is nobody.
    #[must_use]
    pub fn refusal() -> Error {
        Error::new(
            ErrorCode::Unauthenticated,
            "the bearer token is missing or not valid",
            "send `Authorization: Bearer <token>` with a token that `pai-authz token create` printed",
        )
    }
}

/// Splits `pat_<account>_<id>_<secret>`.
fn split(token: &str) -> Option<(&str, &str, &str)> {
    let mut parts = token.strip_prefix(PREFIX)?.splitn(3, '_');
    let (account, id, secret) = (parts.next()?, parts.next()?, parts.next()?);
    let sound = secret.len() == SECRET_BYTES * 2
        && secret.bytes().all(|b| b.is_ascii_hexdigit())
        && Digits::parse(account).is_some()
        && TokenId::accepts(id);
    sound.then_some((account, id, secret))
}

/// A token as it was just made; its text is never shown again.
#[derive(Debug)]
pub struct CreatedToken {
    /// The record.
    pub token: Token,
    /// The text to send as bearer token.
    pub text: String,
    /// The revision from which on it is valid.
    pub revision: Revision,
}

/// Makes, lists and revokes tokens.
#[derive(Debug, Clone)]
pub struct Tokens {
    accounts: Arc<Accounts>,
    keyring: Arc<Keyring>,
}

impl Tokens {
    /// Returns the use cases on `accounts`.
    #[must_use]
    pub const fn new(accounts: Arc<Accounts>, keyring: Arc<Keyring>) -> Self {
        Self { accounts, keyring }
    }

    /// Makes a token of `account`; `by` is who asked for it, where that was by a token.
    ///
    /// # Errors
    /// A name or set of scopes that is wrong, too many tokens, or what the store says.
    pub async fn create(
        &self,
        account: &AccountId,
        actor: &Actor,
        name: &str,
        (scopes, bundle): (Scopes, Option<BundleName>),
        by: Option<&Pep>,
    ) -> Result<CreatedToken, Error> {
        let length = name.chars().count();
        if length == 0 || length > MAX_NAME || name.chars().any(char::is_control) {
            let help = "say what the token is for, in 1 to 128 characters";
            return Err(Invalid::value("name", name, "a name of a token", help).into());
        }
        if scopes.is_empty() {
            return Err(Invalid::missing(
                "scopes",
                "give at least one of `decide`, `tokens`, `search`, `explain`",
            )
            .into());
        }
        let of_account =
            [Scope::Tokens, Scope::Explain].into_iter().find(|it| scopes.contains(*it));
        if let (Some(_), Some(scope)) = (&bundle, of_account) {
            let help = "a token of a bundle asks for decisions: give `decide`, `search` or both";
            return Err(
                Invalid::value("scopes", scope.as_str(), "a scope of a bundle", help).into()
            );
        }
        let now = self.accounts.clock().now();
        let (token, text) = new_token(&self.keyring, account, name, scopes, now)?;
        let token = Token { bundle, ..token };
        let decide = |view: &super::View| {
            check_maker(view, by)?;
            if view.token_count() >= MAX_TOKENS {
                return Err(Error::new(
                    ErrorCode::InvalidValue,
                    "the account has 1000 tokens",
                    "revoke those no longer used: `pai-authz token list`, `pai-authz token revoke`",
                ));
            }
            Ok(vec![Op::PutToken(token.clone())])
        };
        let changed = self.accounts.change(account, actor, "CreateToken", None, decide).await?;
        Ok(CreatedToken { token, text, revision: changed.revision })
    }

    /// Returns the tokens of `account`, sorted by id.
    ///
    /// # Errors
    /// Where nothing would be decided: who looks whether a token is gone must not see the past.
    pub async fn list(&self, account: &AccountId) -> Result<Vec<Token>, Error> {
        Ok(self.accounts.fresh_view(account, None, Duration::ZERO).await?.tokens())
    }

    /// Revokes a token of `account`: the next request with it is refused.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] when there is no such token; what the store says.
    pub async fn revoke(
        &self,
        account: &AccountId,
        actor: &Actor,
        id: &TokenId,
    ) -> Result<Revision, Error> {
        let decide = |view: &super::View| match view.token(id.as_str()) {
            Some(_) => Ok(vec![Op::RemoveToken(id.clone())]),
            None => Err(Error {
                field: Some("id".to_owned()),
                value: Some(id.to_string()),
                ..Error::new(
                    ErrorCode::NotFound,
                    format!("there is no token `{id}`"),
                    "see `pai-authz token list`",
                )
            }),
        };
        self.accounts
            .change(account, actor, "RevokeToken", None, decide)
            .await
            .map(|changed| changed.revision)
    }
}

/// Refuses a change by a token that is gone: who has a revoked one must not get another for it.
fn check_maker(view: &super::View, by: Option<&Pep>) -> Result<(), Error> {
    match by {
        // That of development mode is in no store.
        Some(Pep { reach: Reach::All, .. }) | None => Ok(()),
        Some(pep) if view.token(&pep.name).is_some() => Ok(()),
        Some(_) => Err(Authenticator::refusal()),
    }
}

/// Returns a new token, not yet recorded, and the text to send as bearer token.
pub(super) fn new_token(
    keyring: &Keyring,
    account: &AccountId,
    name: &str,
    scopes: Scopes,
    created: Timestamp,
) -> Result<(Token, String), Error> {
    let (id, secret) = (random_hex(ID_BYTES)?, random_hex(SECRET_BYTES)?);
    let id =
        TokenId::parse(&id).map_err(|_| Error::internal("a random token id has a wrong form"))?;
    let text = format!("{PREFIX}{account}_{id}_{secret}");
    let digest = keyring.token_digest(account, &id, &secret);
    Ok((Token { digest, id, name: name.to_owned(), scopes, bundle: None, created }, text))
}
