//! The stored form of tokens and access keys, field by field.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};

use super::{Undecodable, WireAccessKey, WireToken, all, digest, id, named};
use crate::domain::{
    AccessKey, AccessKeyId, BundleName, KeyStatus, PrincipalId, Scope, Scopes, Timestamp, Token,
    TokenDigest, TokenId,
};

impl From<&Token> for WireToken {
    fn from(token: &Token) -> Self {
        Self {
            id: token.id.to_string(),
            name: token.name.clone(),
            digest: BASE64.encode(token.digest.0),
            scopes: token.scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
            created_ms: token.created.as_millis(),
            bundle: token.bundle.as_ref().map(ToString::to_string),
        }
    }
}

impl From<&AccessKey> for WireAccessKey {
    fn from(key: &AccessKey) -> Self {
        Self {
            id: key.id.to_string(),
            owner: key.owner.to_string(),
            sealed_secret: BASE64.encode(&key.sealed_secret),
            active: key.status == KeyStatus::Active,
            created_ms: key.created.as_millis(),
        }
    }
}

impl TryFrom<WireToken> for Token {
    type Error = Undecodable;

    fn try_from(wire: WireToken) -> Result<Self, Undecodable> {
        Ok(Self {
            id: id(&wire.id, TokenId::parse)?,
            name: wire.name,
            digest: TokenDigest(digest(&wire.digest)?),
            scopes: Scopes::new(all(wire.scopes, |text| named(&text, "scope", Scope::parse))?),
            bundle: wire.bundle.map(|name| id(&name, BundleName::parse)).transpose()?,
            created: Timestamp::from_millis(wire.created_ms),
        })
    }
}

impl TryFrom<WireAccessKey> for AccessKey {
    type Error = Undecodable;

    fn try_from(wire: WireAccessKey) -> Result<Self, Undecodable> {
        let sealed_secret = BASE64
            .decode(&wire.sealed_secret)
            // The value stays out of the message: it is a sealed secret.
            .map_err(|_| Undecodable::Field("…".to_owned(), "sealed secret"))?;
        Ok(Self {
            id: id(&wire.id, AccessKeyId::parse)?,
            owner: id(&wire.owner, PrincipalId::parse)?,
            sealed_secret,
            status: if wire.active { KeyStatus::Active } else { KeyStatus::Inactive },
            created: Timestamp::from_millis(wire.created_ms),
        })
    }
}
