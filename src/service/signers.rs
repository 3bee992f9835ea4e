//! Tells who signed a request: ACS3-HMAC-SHA256 by an access key, within 15 minutes, and not twice.
//!
//! What is signed is put together where the raw request is known; here are the keys, the clock and the memory of what
//! came before. Source: Alibaba Cloud, V3 request structure and signature mechanism.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, HashSet},
    hash::BuildHasher,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::{Accounts, DEV_ACCESS_KEY, Keyring};
use crate::{
    domain::{AccessKeyId, AccountId, KeyStatus, Nonce, PrincipalId, Timestamp, UsedNonce},
    error::{Error, ErrorCode},
};

/// The only algorithm.
pub const ALGORITHM: &str = "ACS3-HMAC-SHA256";
/// How far the clock of a caller may be off, either way.
const WINDOW: Duration = Duration::from_secs(15 * 60);
/// Most nonces of an access key that are remembered: some 220 requests a second, all the time.
const MAX_NONCES: usize = 200_000;
/// Most nonces of this process. When there are as many, a key that has its share is throttled, so that many busy keys
/// shut out themselves and nobody else.
const MAX_IN_ALL: usize = 2_000_000;
const SHARE: usize = 1_000;
/// How many old nonces of a key are forgotten at once: all others wait meanwhile.
const FORGOTTEN_AT_ONCE: usize = 1_000;

/// A signed request: the parts a signature is checked by.
#[derive(Debug)]
pub struct Signed<'r> {
    /// The access key it names.
    pub key: &'r str,
    /// The canonical request.
    pub canonical: &'r str,
    /// The signature it bears, 64 hexadecimal digits.
    pub signature: [u8; 32],
    /// When it says it was signed.
    pub at: Timestamp,
    /// Its nonce.
    pub nonce: Nonce,
}

/// Who signed a request.
#[derive(Debug, Clone)]
pub struct Signer {
    /// The account the access key is of.
    pub account: AccountId,
    /// Whose it is.
    pub principal: PrincipalId,
    /// The key; `None` for the one of development mode, which is in no store.
    pub key: Option<AccessKeyId>,
    /// The nonce, which a change uses up.
    pub nonce: UsedNonce,
}

/// Tells who signed a request.
pub struct Signers {
    accounts: Arc<Accounts>,
    keyring: Arc<Keyring>,
    dev: Option<AccountId>,
    nonces: Nonces,
}

impl std::fmt::Debug for Signers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signers(…)")
    }
}

impl Signers {
    /// Returns the signers known to `accounts`; with `dev` also the access key of development mode.
    #[must_use]
    pub fn new(accounts: Arc<Accounts>, keyring: Arc<Keyring>, dev: Option<AccountId>) -> Self {
        Self { accounts, keyring, dev, nonces: Nonces::default() }
    }

    /// Returns who signed a request, and remembers its nonce.
    ///
    /// # Errors
    /// [`ErrorCode::TimestampExpired`], [`ErrorCode::AccessKeyUnknown`], [`ErrorCode::AccessKeyInactive`],
    /// [`ErrorCode::SignatureMismatch`], [`ErrorCode::NonceUsed`]; [`ErrorCode::Throttled`] when no more nonces can be
    /// remembered: a request that cannot be told from its repetition is not carried out; [`ErrorCode::Unavailable`],
    /// [`ErrorCode::Suspended`] and [`ErrorCode::Quarantined`] where the account's keys are not known.
    pub async fn verify(&self, signed: &Signed<'_>) -> Result<Signer, Error> {
        let now = self.accounts.clock().now();
        if signed.at.distance(now) > WINDOW {
            return Err(Error::new(
                ErrorCode::TimestampExpired,
                "`x-acs-date` is more than 15 minutes off",
                "set the clock of the caller; times are UTC",
            ));
        }
        let named = AccessKeyId::parse(signed.key).ok().and_then(|id| id.account());
        if let Some(account) = named {
            self.accounts.attend(&account).await?;
        }
        let (key, secret) = self.key(signed.key)?;
        let text = string_to_sign(signed.canonical);
        if !is_signature(&secret, &text, &signed.signature) {
            return Err(Error::new(
                ErrorCode::SignatureMismatch,
                "the signature is not the one this access key makes of the request",
                format!(
                    "check the secret; the string to sign is here: {}",
                    text.replace('\n', "\\n")
                ),
            ));
        }
        // After the signature: only who has the secret learns that the key is switched off, or fills the memory.
        if key.status == KeyStatus::Inactive {
            return Err(Error::new(
                ErrorCode::AccessKeyInactive,
                "the access key is switched off",
                "switch it on with UpdateAccessKey, or sign with another",
            ));
        }
        let nonce = UsedNonce { key: key.id.clone(), nonce: signed.nonce.clone() };
        self.nonces.use_up(&nonce, signed.at, now)?;
        Ok(Signer {
            account: key.account,
            principal: key.owner,
            key: key.stored.then_some(key.id),
            nonce,
        })
    }

    fn key(&self, text: &str) -> Result<(Key, Vec<u8>), Error> {
        let unknown = || {
            Error::new(
                ErrorCode::AccessKeyUnknown,
                "the access key is not known",
                "sign with an access key that `pai-authz init` or CreateAccessKey made",
            )
            .about("Credential", text)
        };
        let id = AccessKeyId::parse(text).map_err(|_| unknown())?;
        if let Some(account) = &self.dev
            && text == DEV_ACCESS_KEY.0
        {
            let owner = PrincipalId::parse(account.as_str()).map_err(|_| unknown())?;
            let key = Key {
                id,
                account: account.clone(),
                owner,
                status: KeyStatus::Active,
                stored: false,
            };
            return Ok((key, DEV_ACCESS_KEY.1.as_bytes().to_vec()));
        }
        let account = id.account().ok_or_else(unknown)?;
        let view = self.accounts.view(&account).ok_or_else(unknown)?;
        let Some(kept) = view.access_key(&id) else {
            return Err(self.accounts.refusal(account.as_str()).unwrap_or_else(unknown));
        };
        let secret = self
            .keyring
            .open(&account, &id, &kept.sealed_secret)
            .ok_or_else(|| Error::internal("the secret of an access key does not open"))?;
        let key = Key { id, account, owner: kept.owner.clone(), status: kept.status, stored: true };
        Ok((key, secret))
    }
}

/// A key that was looked up.
struct Key {
    id: AccessKeyId,
    account: AccountId,
    owner: PrincipalId,
    status: KeyStatus,
    stored: bool,
}

/// Returns what a secret signs for a canonical request.
fn string_to_sign(canonical: &str) -> String {
    format!("{ALGORITHM}\n{}", hex(&Sha256::digest(canonical.as_bytes())))
}

/// Returns the SHA-256 of a body as the signature has it: 64 hexadecimal digits.
#[must_use]
pub fn payload_hash(body: &[u8]) -> String {
    hex(&Sha256::digest(body))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Compares in a time that does not depend on where signatures differ.
fn is_signature(secret: &[u8], text: &str, signature: &[u8; 32]) -> bool {
    // A key of any length is a key of HMAC.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return false };
    mac.update(text.as_bytes());
    mac.verify_slice(signature).is_ok()
}

/// The nonces that were used up in this process, each until its request would be too old anyway.
///
/// A write uses its nonce up in the store as well, in one step with what it changes: that holds across processes and
/// restarts. This memory is what stands between a captured read and its repetition. Each access key has its own, so that
/// whoever holds one cannot shut the others out.
struct Nonces {
    /// Nonces are remembered by a keyed hash: whoever chooses them cannot make them meet.
    hasher: std::hash::RandomState,
    bounds: (usize, usize),
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    keys: HashMap<AccessKeyId, Memory>,
    in_all: usize,
}

/// 128 bits of a nonce, so that two are not taken for one.
type Hash = (u64, u64);

#[derive(Default)]
struct Memory {
    used: HashSet<Hash>,
    /// Earliest first: from that time on the request is too old.
    forget: BinaryHeap<Reverse<(Timestamp, Hash)>>,
}

impl Memory {
    /// Forgets some of what is too old, more than one request adds, and returns how much that was.
    fn forget(&mut self, now: Timestamp) -> usize {
        let before = self.used.len();
        for _ in 0..FORGOTTEN_AT_ONCE {
            match self.forget.peek().copied() {
                Some(Reverse((until, old))) if until < now => {
                    self.forget.pop();
                    self.used.remove(&old);
                }
                _ => break,
            }
        }
        before - self.used.len()
    }
}

impl Default for Nonces {
    fn default() -> Self {
        Self {
            hasher: std::hash::RandomState::new(),
            bounds: (MAX_NONCES, MAX_IN_ALL),
            kept: Mutex::default(),
        }
    }
}

impl Nonces {
    fn use_up(&self, nonce: &UsedNonce, at: Timestamp, now: Timestamp) -> Result<(), Error> {
        let hash = (self.hasher.hash_one((0, nonce)), self.hasher.hash_one((1, nonce)));
        let (of_key, of_all) = self.bounds;
        // What a panic left is sets and heaps: all are sound, one nonce more or less in one of them.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Kept { keys, in_all } = &mut *kept;
        if *in_all >= of_all {
            *in_all -= keys.values_mut().map(|memory| memory.forget(now)).sum::<usize>();
            keys.retain(|_, memory| !memory.used.is_empty());
        }
        let memory = keys.entry(nonce.key.clone()).or_default();
        *in_all -= memory.forget(now);
        if memory.used.contains(&hash) {
            return Err(Error::nonce_used());
        }
        if memory.used.len() >= of_key || (*in_all >= of_all && memory.used.len() >= SHARE) {
            return Err(Error::new(
                ErrorCode::Throttled,
                "the access key has signed more requests in 15 minutes than are remembered",
                "send fewer, or sign with another key",
            ));
        }
        memory.used.insert(hash);
        *in_all += 1;
        // A request of the future is good for longer.
        memory.forget.push(Reverse((at.max(now).plus(WINDOW), hash)));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nonce(key: &str, text: &str) -> UsedNonce {
        UsedNonce { key: AccessKeyId::parse(key).unwrap(), nonce: Nonce::parse(text).unwrap() }
    }

    fn code(result: Result<(), Error>) -> Option<ErrorCode> {
        result.err().map(|error| error.code)
    }

    const MILLISECOND: Duration = Duration::from_millis(1);
    const START: Timestamp = Timestamp::from_millis(1_000_000_000);

    #[test]
    fn a_nonce_is_used_once_while_its_request_is_not_too_old() {
        let nonces = Nonces::default();
        let use_up = |key, text, at| code(nonces.use_up(&nonce(key, text), START, at));
        assert_eq!(use_up("k", "a", START), None);
        assert_eq!(use_up("k", "a", START), Some(ErrorCode::NonceUsed));
        assert_eq!(use_up("k", "b", START), None);
        assert_eq!(use_up("other", "a", START), None);
        let edge = START.plus(WINDOW);
        assert_eq!(use_up("k", "a", edge), Some(ErrorCode::NonceUsed));
        assert_eq!(use_up("k", "a", edge.plus(MILLISECOND)), None, "long forgotten");
    }

    #[test]
    fn a_request_signed_ahead_of_time_is_remembered_longer_and_holds_up_no_other() {
        let nonces = Nonces { bounds: (2, 10), ..Nonces::default() };
        let ahead = START.plus(WINDOW);
        assert_eq!(code(nonces.use_up(&nonce("k", "a"), ahead, START)), None);
        assert_eq!(code(nonces.use_up(&nonce("k", "b"), START, START)), None);
        assert_eq!(code(nonces.use_up(&nonce("k", "c"), START, START)), Some(ErrorCode::Throttled));
        let later = START.plus(WINDOW).plus(MILLISECOND);
        assert_eq!(code(nonces.use_up(&nonce("k", "c"), later, later)), None, "`b` is forgotten");
        // Within the window of its time, which is 30 minutes after it came.
        let late = ahead.plus(WINDOW);
        let again = nonces.use_up(&nonce("k", "a"), ahead, late);
        assert_eq!(code(again), Some(ErrorCode::NonceUsed));
    }

    #[test]
    fn a_key_whose_memory_is_full_is_throttled_and_no_other() {
        let nonces = Nonces { bounds: (5, 100), ..Nonces::default() };
        for n in 0..5 {
            nonces.use_up(&nonce("busy", &n.to_string()), START, START).unwrap();
        }
        let ask = |key, text| code(nonces.use_up(&nonce(key, text), START, START));
        assert_eq!(ask("busy", "x"), Some(ErrorCode::Throttled));
        assert_eq!(ask("busy", "1"), Some(ErrorCode::NonceUsed));
        assert_eq!(ask("main", "x"), None);
    }

    #[test]
    fn when_all_memory_is_full_keys_that_have_their_share_are_throttled() {
        let nonces = Nonces { bounds: (10_000, 3 * SHARE), ..Nonces::default() };
        for key in ["a", "b", "c"] {
            for n in 0..SHARE {
                nonces.use_up(&nonce(key, &n.to_string()), START, START).unwrap();
            }
        }
        let ask = |key, text, at| code(nonces.use_up(&nonce(key, text), at, at));
        assert_eq!(ask("a", "x", START), Some(ErrorCode::Throttled));
        assert_eq!(ask("main", "x", START), None);
        let later = START.plus(WINDOW).plus(MILLISECOND);
        assert_eq!(ask("a", "x", later), None, "what is too old made room");
    }

    #[test]
    fn a_signature_is_hmac_sha256_of_the_hashed_request() {
        // RFC 4231, test case 2.
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        let mut bytes = [0; 32];
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&expected[2 * at..2 * at + 2], 16).unwrap();
        }
        assert!(is_signature(b"Jefe", "what do ya want for nothing?", &bytes));
        bytes[31] ^= 1;
        assert!(!is_signature(b"Jefe", "what do ya want for nothing?", &bytes));
        assert_eq!(
            string_to_sign(""),
            "ACS3-HMAC-SHA256\ne3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }
}
