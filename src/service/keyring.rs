//! Keys derived from the master key: they seal secrets, and mark what this service alone could have given out.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead, KeyInit, Payload},
};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::domain::{AccessKeyId, AccountId, Revision, TokenDigest, TokenId};

/// The key everything else is derived from: 32 random bytes, shared by all replicas, never stored with the data.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct MasterKey([u8; 32]);

impl MasterKey {
    /// Returns the key of these bytes; `None` unless there are exactly 32.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Returns a new random key.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// Returns the key of development mode: well known, so that a developer's store can be read again.
    #[must_use]
    pub fn development() -> Self {
        Self(*blake3::hash(b"pai-authz development mode: not a secret").as_bytes())
    }

    /// Returns the bytes, to be written to a file only its owner can read.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// The keys for one purpose each, derived from one master key.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
struct Subkeys {
    tokens: [u8; 32],
    revisions: [u8; 32],
    secrets: [u8; 32],
    pages: [u8; 32],
}

impl Subkeys {
    fn derive(master: &MasterKey) -> Self {
        let derive = |purpose| blake3::derive_key(purpose, master.as_bytes());
        Self {
            tokens: derive("pai-authz 2026 token digests v1"),
            revisions: derive("pai-authz 2026 revision tokens v1"),
            secrets: derive("pai-authz 2026 sealed access key secrets v1"),
            pages: derive("pai-authz 2026 page tokens v1"),
        }
    }
}

/// The keys of a service: the present ones, and those before a rotation, which still verify and open.
pub struct Keyring {
    current: Subkeys,
    previous: Option<Subkeys>,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyring(…, previous: {})", self.previous.is_some())
    }
}

const REVISION_VERSION: u8 = 1;
const MAC_BYTES: usize = 16;
const NONCE_BYTES: usize = 24;
/// Longest revision token: 49 bytes with an account of 20 digits.
const MAX_REVISION_TOKEN: usize = 66;
/// Longest page token: the name of a list, a name of 128 bytes with its type, and their MAC.
const MAX_PAGE_TOKEN: usize = 256;

impl Keyring {
    /// Returns the keys of `current`; what was made under `previous` is still accepted.
    #[must_use]
    pub fn new(current: &MasterKey, previous: Option<&MasterKey>) -> Self {
        Self { current: Subkeys::derive(current), previous: previous.map(Subkeys::derive) }
    }

    /// Returns the digest under which a token's secret is kept.
    #[must_use]
    pub fn token_digest(&self, account: &AccountId, id: &TokenId, secret: &str) -> TokenDigest {
        digest(&self.current, account.as_str(), id.as_str(), secret)
    }

    /// Returns whether `secret` is the one behind `kept`, in a time that does not depend on where they differ.
    #[must_use]
    pub fn verify_token(&self, account: &str, id: &str, secret: &str, kept: &TokenDigest) -> bool {
        std::iter::once(&self.current)
            .chain(&self.previous)
            .any(|keys| bool::from(digest(keys, account, id, secret).0.ct_eq(&kept.0)))
    }

    /// Returns the opaque form of a revision: base64url of version, account, epoch, counter and MAC.
    #[must_use]
    pub fn revision_token(&self, account: &AccountId, revision: Revision) -> String {
        let mut bytes = revision_bytes(account, revision);
        bytes.extend_from_slice(&revision_mac(&self.current, &bytes));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Returns the revision of a token this service gave out for `account`; `None` for any other text.
    #[must_use]
    pub fn read_revision(&self, account: &AccountId, token: &str) -> Option<Revision> {
        if token.len() > MAX_REVISION_TOKEN {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (body, mac) = bytes.split_at_checked(bytes.len().checked_sub(MAC_BYTES)?)?;
        let genuine = std::iter::once(&self.current)
            .chain(&self.previous)
            .any(|keys| bool::from(revision_mac(keys, body).ct_eq(mac)));
        let (named, numbers) = body.split_at_checked(body.len().checked_sub(12)?)?;
        let (epoch, counter) = numbers.split_at_checked(4)?;
        let revision = Revision {
            epoch: u32::from_be_bytes(epoch.try_into().ok()?),
            counter: u64::from_be_bytes(counter.try_into().ok()?),
        };
        let (&version, owner) = named.split_first()?;
        (genuine && version == REVISION_VERSION && owner == account.as_str().as_bytes())
            .then_some(revision)
    }

    /// Returns the opaque form of the place where the next page of a list begins.
    #[must_use]
    pub fn page_token(&self, account: &AccountId, place: &str) -> String {
        let mac = page_mac(&self.current, account, place.as_bytes());
        URL_SAFE_NO_PAD.encode([place.as_bytes(), &mac].concat())
    }

    /// Returns the place of a page token this service gave out for `account`; `None` for any other text.
    #[must_use]
    pub fn read_page_token(&self, account: &AccountId, token: &str) -> Option<String> {
        if token.len() > MAX_PAGE_TOKEN {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (place, mac) = bytes.split_at_checked(bytes.len().checked_sub(MAC_BYTES)?)?;
        let genuine = std::iter::once(&self.current)
            .chain(&self.previous)
            .any(|keys| bool::from(page_mac(keys, account, place).ct_eq(mac)));
        genuine.then(|| String::from_utf8(place.to_vec()).ok()).flatten()
    }

    /// Seals an access key's secret for `account` and `id`: it opens for no other.
    ///
    /// # Errors
    /// When the operating system gives no randomness or the cipher refuses; nothing was sealed.
    pub fn seal(
        &self,
        account: &AccountId,
        id: &AccessKeyId,
        secret: &[u8],
    ) -> Result<Vec<u8>, SealFailed> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|_| SealFailed)?;
        let aad = associated(account, id);
        let sealed = XChaCha20Poly1305::new((&self.current.secrets).into())
            .encrypt(XNonce::from_slice(&nonce), Payload { msg: secret, aad: &aad })
            .map_err(|_| SealFailed)?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// Opens a sealed secret; `None` when it was not sealed by this service for `account` and `id`.
    #[must_use]
    pub fn open(&self, account: &AccountId, id: &AccessKeyId, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_BYTES)?;
        let aad = associated(account, id);
        std::iter::once(&self.current).chain(&self.previous).find_map(|keys| {
            XChaCha20Poly1305::new((&keys.secrets).into())
                .decrypt(XNonce::from_slice(nonce), Payload { msg: sealed, aad: &aad })
                .ok()
        })
    }
}

/// A secret could not be sealed.
#[derive(Debug, thiserror::Error)]
#[error("the secret could not be sealed")]
pub struct SealFailed;

/// Feeds `parts` so that no two lists of parts feed the same bytes.
pub(super) fn feed(hasher: &mut blake3::Hasher, parts: &[&[u8]]) {
    for part in parts {
        hasher.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(part);
    }
}

fn digest(keys: &Subkeys, account: &str, id: &str, secret: &str) -> TokenDigest {
    let mut hasher = blake3::Hasher::new_keyed(&keys.tokens);
    feed(&mut hasher, &[account.as_bytes(), id.as_bytes(), secret.as_bytes()]);
    TokenDigest(*hasher.finalize().as_bytes())
}

fn revision_bytes(account: &AccountId, revision: Revision) -> Vec<u8> {
    let mut bytes = vec![REVISION_VERSION];
    bytes.extend_from_slice(account.as_str().as_bytes());
    bytes.extend_from_slice(&revision.epoch.to_be_bytes());
    bytes.extend_from_slice(&revision.counter.to_be_bytes());
    bytes
}

fn revision_mac(keys: &Subkeys, bytes: &[u8]) -> [u8; MAC_BYTES] {
    let mut hasher = blake3::Hasher::new_keyed(&keys.revisions);
    hasher.update(bytes);
    let mut mac = [0; MAC_BYTES];
    hasher.finalize_xof().fill(&mut mac);
    mac
}

fn page_mac(keys: &Subkeys, account: &AccountId, place: &[u8]) -> [u8; MAC_BYTES] {
    let mut hasher = blake3::Hasher::new_keyed(&keys.pages);
    feed(&mut hasher, &[account.as_str().as_bytes(), place]);
    let mut mac = [0; MAC_BYTES];
    hasher.finalize_xof().fill(&mut mac);
    mac
}

fn associated(account: &AccountId, id: &AccessKeyId) -> Vec<u8> {
    // Neither form contains a zero byte, so the two cannot be split in another way.
    [account.as_str().as_bytes(), id.as_str().as_bytes()].join(&0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(id: &str) -> AccountId {
        AccountId::parse(id).unwrap()
    }

    #[test]
    fn a_revision_reads_back_only_unedited_and_for_its_account() {
        let keys = Keyring::new(&MasterKey::development(), None);
        let revision = Revision { epoch: 7, counter: 123_456 };
        let token = keys.revision_token(&account("1"), revision);
        assert_eq!(keys.read_revision(&account("1"), &token), Some(revision));
        assert_eq!(keys.read_revision(&account("2"), &token), None);
        for i in 0..token.len() {
            let mut edited = token.clone().into_bytes();
            edited[i] = if edited[i] == b'A' { b'B' } else { b'A' };
            let edited = String::from_utf8(edited).unwrap();
            if edited != token {
                assert_eq!(keys.read_revision(&account("1"), &edited), None, "{i}");
            }
        }
        for bad in ["", "AA", "{}", &"A".repeat(10_000)] {
            assert_eq!(keys.read_revision(&account("1"), bad), None);
        }
    }

    #[test]
    fn a_page_token_reads_back_only_unedited_and_for_its_account() {
        let keys = Keyring::new(&MasterKey::development(), None);
        let token = keys.page_token(&account("1"), "dana");
        assert_eq!(keys.read_page_token(&account("1"), &token).as_deref(), Some("dana"));
        assert_eq!(keys.read_page_token(&account("2"), &token), None);
        for bad in ["", "AA", "dana", &token[1..], &"A".repeat(10_000)] {
            assert_eq!(keys.read_page_token(&account("1"), bad), None);
        }
    }

    #[test]
    fn a_secret_opens_only_for_the_account_and_key_it_was_sealed_for() {
        let keys = Keyring::new(&MasterKey::development(), None);
        let id = |id| AccessKeyId::parse(id).unwrap();
        let sealed = keys.seal(&account("1"), &id("LTAI1"), b"secret").unwrap();
        assert!(!sealed.windows(6).any(|w| w == b"secret"));
        assert_eq!(
            keys.open(&account("1"), &id("LTAI1"), &sealed).as_deref(),
            Some(&b"secret"[..])
        );
        assert_eq!(keys.open(&account("2"), &id("LTAI1"), &sealed), None);
        assert_eq!(keys.open(&account("1"), &id("LTAI2"), &sealed), None);
        assert_eq!(keys.open(&account("1"), &id("LTAI1"), &sealed[..20]), None);
        let again = keys.seal(&account("1"), &id("LTAI1"), b"secret").unwrap();
        assert_ne!(sealed, again, "the same secret is never sealed the same way twice");
    }

    #[test]
    fn after_a_rotation_the_old_still_verifies_and_the_new_is_made_under_the_new_key() {
        let (old, new) = (MasterKey::development(), MasterKey::generate().unwrap());
        let before = Keyring::new(&old, None);
        let after = Keyring::new(&new, Some(&old));
        let (a, token) = (account("1"), TokenId::parse("t1").unwrap());
        let kept = before.token_digest(&a, &token, "s3cret");
        assert!(after.verify_token(a.as_str(), token.as_str(), "s3cret", &kept));
        assert!(!after.verify_token(a.as_str(), token.as_str(), "s3creT", &kept));
        assert!(!Keyring::new(&new, None).verify_token(
            a.as_str(),
            token.as_str(),
            "s3cret",
            &kept
        ));
        assert_ne!(after.token_digest(&a, &token, "s3cret"), kept);
        let revision = Revision { epoch: 1, counter: 1 };
        assert_eq!(after.read_revision(&a, &before.revision_token(&a, revision)), Some(revision));
        let id = AccessKeyId::parse("LTAI1").unwrap();
        let sealed = before.seal(&a, &id, b"x").unwrap();
        assert!(after.open(&a, &id, &sealed).is_some());
    }

    #[test]
    fn keys_do_not_print_themselves() {
        let printed = format!(
            "{:?} {:?}",
            MasterKey::development(),
            Keyring::new(&MasterKey::development(), None)
        );
        assert_eq!(printed, "MasterKey(…) Keyring(…, previous: false)");
    }
}
