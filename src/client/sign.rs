//! Signs a call with an access key, ACS3-HMAC-SHA256, as the vendor's SDKs do.

use std::fmt::Write;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// An access key and its secret.
#[derive(Clone)]
pub struct AccessKey {
    /// Its public part.
    pub id: String,
    /// Its secret.
    pub secret: String,
}

impl std::fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A call to be signed. Path and query must be in their canonical form: encoded, the query sorted by name.
#[derive(Debug, Clone, Copy)]
pub struct Call<'c> {
    /// The operation.
    pub action: &'c str,
    /// Its version; `None` for this service's own operations.
    pub version: Option<&'c str>,
    /// The method.
    pub method: &'c str,
    /// The path.
    pub path: &'c str,
    /// The query, without `?`.
    pub query: &'c str,
    /// The body.
    pub body: &'c [u8],
}

/// Returns the headers of a call to `host`, signed now, `authorization` among them.
#[must_use]
pub fn signed_headers(key: &AccessKey, host: &str, call: &Call<'_>) -> Vec<(&'static str, String)> {
    let Call { action, version, method, path, query, body } = *call;
    let payload = hex(&Sha256::digest(body));
    let at = jiff::Timestamp::now();
    let mut headers = vec![
        ("content-type", "application/json".to_owned()),
        ("host", host.to_owned()),
        ("x-acs-action", action.to_owned()),
        ("x-acs-content-sha256", payload.clone()),
        ("x-acs-date", at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
        ("x-acs-signature-nonce", uuid::Uuid::new_v4().simple().to_string()),
    ];
    headers.extend(version.map(|version| ("x-acs-version", version.to_owned())));
    let names = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let lines: Vec<String> =
        headers.iter().map(|(name, value)| format!("{name}:{value}")).collect();
    // The headers end in a line of their own, which is empty.
    let canonical = [method, path, query, &lines.join("\n"), "", &names, &payload].join("\n");
    let text = format!("ACS3-HMAC-SHA256\n{}", hex(&Sha256::digest(canonical.as_bytes())));
    // A key of any length is a key of HMAC.
    let signature = Hmac::<Sha256>::new_from_slice(key.secret.as_bytes())
        .map(|mut mac| {
            mac.update(text.as_bytes());
            hex(&mac.finalize().into_bytes())
        })
        .unwrap_or_default();
    let authorization = format!(
        "ACS3-HMAC-SHA256 Credential={},SignedHeaders={names},Signature={signature}",
        key.id
    );
    headers.push(("authorization", authorization));
    headers
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
