//! Reads the signature of a request and puts together what was signed, from the raw request.
//!
//! SDKs differ in what they sign and in how they spell the target; what is signed is therefore rebuilt from the parts
//! in their canonical form. Source: Alibaba Cloud, V3 request structure and signature mechanism; observed with the
//! official Python SDK, whose asyncio client sends `:` and `*` as they are after signing them encoded.

use std::{borrow::Cow, collections::BTreeSet};

use actix_web::{
    HttpRequest,
    http::header::{HeaderMap, HeaderName},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

use crate::{
    domain::{Invalid, Nonce, Timestamp, shortened},
    error::{Error, ErrorCode},
    service::{ALGORITHM, Signed, Signer, Signers, payload_hash},
};

/// What canonical forms encode: all but RFC 3986's unreserved characters.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// Headers that begin so must be signed wherever they stand: they say what is asked.
const MUST_BE_SIGNED: [&str; 2] = ["x-acs-", "x-pai-authz-"];
/// Headers of callers with a security token, which this service gives to nobody.
const SECURITY_TOKEN: [&str; 3] =
    ["x-acs-security-token", "x-acs-accesskey-id", "x-acs-bearer-token"];

/// Returns who signed the request with that body.
///
/// # Errors
/// [`ErrorCode::IncompleteSignature`], [`ErrorCode::MissingField`] for a header, [`ErrorCode::TimestampMalformed`],
/// and what [`Signers::verify`] refuses.
pub(super) async fn signer(
    signers: &Signers,
    request: &HttpRequest,
    body: &[u8],
) -> Result<Signer, Error> {
    let headers = request.headers();
    if let Some(name) = SECURITY_TOKEN.into_iter().find(|name| headers.contains_key(*name)) {
        return Err(Error::new(
            ErrorCode::SecurityTokenForeign,
            format!("`{name}` is not read: this service gives out no security tokens"),
            "sign with an access key of the main account or of a RAM user",
        ));
    }
    refuse_token(headers)?;
    let stated = Authorization::parse(single(headers, "authorization")?.ok_or_else(|| {
        incomplete(
            "the request is not signed",
            "sign it with ACS3-HMAC-SHA256, as the vendor's SDKs do",
        )
    })?)?;
    check_signed_headers(headers, &stated)?;
    let at = date(required(headers, "x-acs-date")?)?;
    let nonce = required(headers, "x-acs-signature-nonce")?;
    let nonce = Nonce::parse(nonce)
        .map_err(|form| Invalid::value("x-acs-signature-nonce", nonce, form.expected, form.help))?;
    let payload = payload_hash(body);
    if required(headers, "x-acs-content-sha256")? != payload {
        return Err(Error::new(
            ErrorCode::SignatureMismatch,
            "`x-acs-content-sha256` is not the hash of the body",
            "sign the body as it is sent",
        ));
    }
    let uri = request.uri();
    let canonical = [
        request.method().as_str(),
        &canonical_path(uri.path()),
        &canonical_query(uri.query().unwrap_or_default()),
        &canonical_headers(headers, &stated)?,
        stated.signed_headers,
        &payload,
    ]
    .join("\n");
    let signed = Signed {
        key: stated.credential,
        canonical: &canonical,
        signature: stated.signature,
        at,
        nonce,
    };
    signers.verify(&signed).await
}

fn incomplete(message: impl Into<String>, help: &str) -> Error {
    Error::new(ErrorCode::IncompleteSignature, message, help).about("Authorization", "…")
}

/// Returns the only value of a header; `None` when there is none.
///
/// # Errors
/// When it stands twice or is not text: another reader might take the other one.
pub(super) fn single<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>, Error> {
    let mut values = headers.get_all(name);
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        let help = "send the header once";
        return Err(Invalid::value(name, "…", "a header that stands once", help).into());
    }
    let text = value.to_str().map_err(|_| {
        Invalid::value(name, "…", "a header of visible ASCII characters", "send it as text")
    })?;
    Ok(Some(text.trim()))
}

/// Returns the only value of a header.
///
/// # Errors
/// As [`single`]; [`ErrorCode::MissingField`].
pub(super) fn required<'h>(headers: &'h HeaderMap, name: &str) -> Result<&'h str, Error> {
    single(headers, name)?
        .ok_or_else(|| Invalid::missing(name, "the SDKs send it with every request").into())
}

/// Refuses a bearer token, whatever else is wrong with the call: it will never do.
///
/// # Errors
/// [`ErrorCode::IncompleteSignature`].
pub(super) fn refuse_token(headers: &HeaderMap) -> Result<(), Error> {
    let stated = headers.get("authorization").and_then(|it| it.to_str().ok()).unwrap_or_default();
    let scheme = stated.split(' ').next().unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Ok(());
    }
    let help = "sign it with an access key, as the vendor's SDKs do: examples/set_up.py shows how; tokens are for decisions";
    Err(incomplete("calls to this path are signed, and take no token", help))
}

/// The header `Authorization`.
struct Authorization<'h> {
    credential: &'h str,
    signed_headers: &'h str,
    signature: [u8; 32],
}

impl<'h> Authorization<'h> {
    fn parse(text: &'h str) -> Result<Self, Error> {
        let form = "send `ACS3-HMAC-SHA256 Credential=…,SignedHeaders=…,Signature=…`";
        let (algorithm, rest) = text.split_once(' ').unwrap_or((text, ""));
        if algorithm != ALGORITHM {
            let algorithm = shortened(algorithm, 40);
            return Err(incomplete(format!("`{algorithm}` is not a signature that is read"), form));
        }
        let (mut credential, mut signed_headers, mut signature) = (None, None, None);
        for part in rest.split(',') {
            let (place, value) = match part.trim().split_once('=') {
                Some(("Credential", value)) => (&mut credential, value),
                Some(("SignedHeaders", value)) => (&mut signed_headers, value),
                Some(("Signature", value)) => (&mut signature, value),
                _ => return Err(incomplete("`Authorization` has a part that is not read", form)),
            };
            if place.replace(value).is_some() {
                return Err(incomplete("`Authorization` has a part twice", form));
            }
        }
        let (Some(credential), Some(signed_headers), Some(signature)) =
            (credential, signed_headers, signature)
        else {
            return Err(incomplete("`Authorization` lacks a part", form));
        };
        let signature = digest(signature).ok_or_else(|| {
            incomplete("the signature is not 64 lowercase hexadecimal digits", form)
        })?;
        Ok(Self { credential, signed_headers, signature })
    }
}

/// Returns the bytes of 64 lowercase hexadecimal digits.
fn digest(text: &str) -> Option<[u8; 32]> {
    let nibble = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut out = [0; 32];
    if text.len() != 2 * out.len() {
        return None;
    }
    for (byte, pair) in out.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let [high, low] = <[u8; 2]>::try_from(pair).ok()?;
        *byte = nibble(high)? << 4 | nibble(low)?;
    }
    Some(out)
}

/// Refuses a list of signed headers that leaves out what says what is asked, or could be read in two ways.
fn check_signed_headers(headers: &HeaderMap, stated: &Authorization<'_>) -> Result<(), Error> {
    let help = "sign `host` and every header that begins with `x-acs-` or `x-pai-authz-`";
    let names: Vec<&str> = stated.signed_headers.split(';').collect();
    if !names.is_sorted_by(|a, b| a < b) {
        return Err(incomplete("`SignedHeaders` is not sorted, or names a header twice", help));
    }
    if names.iter().any(|name| name.bytes().any(|b| b.is_ascii_uppercase())) {
        return Err(incomplete("`SignedHeaders` is not in lower case", help));
    }
    let names: BTreeSet<&str> = names.into_iter().collect();
    if !names.contains("host") {
        return Err(incomplete("`host` is not signed", help));
    }
    let unsigned = headers.keys().map(HeaderName::as_str).find(|name| {
        MUST_BE_SIGNED.iter().any(|prefix| name.starts_with(prefix)) && !names.contains(name)
    });
    match unsigned {
        Some(name) => {
            Err(incomplete(format!("the header `{}` is not signed", shortened(name, 60)), help))
        }
        None => Ok(()),
    }
}

/// Reads `YYYY-MM-DDTHH:MM:SSZ`.
fn date(text: &str) -> Result<Timestamp, Error> {
    let form = "dddd-dd-ddTdd:dd:ddZ";
    let fits = text.len() == form.len()
        && text.bytes().zip(form.bytes()).all(|(found, expected)| match expected {
            b'd' => found.is_ascii_digit(),
            other => found == other,
        });
    let time = fits.then(|| text.parse::<jiff::Timestamp>().ok()).flatten();
    let millis = time.and_then(|time| u64::try_from(time.as_millisecond()).ok());
    millis.map(Timestamp::from_millis).ok_or_else(|| {
        let help = "send UTC as `2026-11-24T10:58:16Z`";
        Error::new(ErrorCode::TimestampMalformed, "`x-acs-date` is not a time", help)
            .about("x-acs-date", text)
    })
}

fn encoded(text: &str) -> String {
    let decoded: Cow<'_, [u8]> = percent_decode_str(text).into();
    percent_encode(&decoded, ENCODED).to_string()
}

/// Returns a path with each segment decoded and encoded again, so that every spelling of it becomes one.
fn canonical_path(path: &str) -> String {
    path.split('/').map(encoded).collect::<Vec<_>>().join("/")
}

/// Returns a query sorted by key, each part encoded; `+` is a space.
fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (encoded(&key.replace('+', " ")), encoded(&value.replace('+', " ")))
        })
        .collect();
    pairs.sort();
    pairs.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join("&")
}

/// Returns the signed headers, a line each and an empty one.
fn canonical_headers(headers: &HeaderMap, stated: &Authorization<'_>) -> Result<String, Error> {
    let mut out = String::new();
    for name in stated.signed_headers.split(';') {
        let mut values = Vec::new();
        for value in headers.get_all(name) {
            let text = std::str::from_utf8(value.as_bytes())
                .map_err(|_| incomplete("a signed header is not text", "send headers as UTF-8"))?;
            values.push(text.trim());
        }
        if values.is_empty() {
            let message = format!("the signed header `{}` was not sent", shortened(name, 60));
            return Err(incomplete(message, "a proxy may have removed it"));
        }
        values.sort_unstable();
        out.extend([name, ":", &values.join(","), "\n"]);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_target_becomes_one() {
        let path = "/api/v1/workspaces/1/permissions/PaiDLC%3AGetTensorboard";
        assert_eq!(canonical_path(path), path);
        assert_eq!(canonical_path("/api/v1/workspaces/1/permissions/PaiDLC:GetTensorboard"), path);
        assert_eq!(canonical_path("/a/my%20role%2fx/*"), "/a/my%20role%2Fx/%2A");
        assert_eq!(canonical_path("/"), "/");
        assert_eq!(canonical_path("/a//"), "/a//");
        assert_eq!(canonical_path("/%zz%"), "/%25zz%25");
        assert_eq!(canonical_query(""), "");
        assert_eq!(canonical_query("b=2&a=x+y%2F:"), "a=x%20y%2F%3A&b=2");
        assert_eq!(canonical_query("a&b="), "a=&b=");
        assert_eq!(canonical_query("a=~-_."), "a=~-_.");
    }

    #[test]
    fn a_time_has_one_form() {
        assert_eq!(date("1970-01-01T00:00:01Z").unwrap(), Timestamp::from_millis(1_000));
        for bad in [
            "",
            "1970-01-01T00:00:01",
            "1970-01-01 00:00:01Z",
            "1970-01-01T00:00:01z",
            "1970-01-01T00:00:01.0Z",
            "1970-13-01T00:00:01Z",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:01+00:00",
        ] {
            assert_eq!(date(bad).unwrap_err().code, ErrorCode::TimestampMalformed, "{bad}");
        }
    }

    #[test]
    fn authorization_is_read_with_and_without_spaces_and_nothing_near_it() {
        let signature = "0f".repeat(32);
        let text =
            format!("ACS3-HMAC-SHA256 Credential=k, SignedHeaders=a;host, Signature={signature}");
        let parsed = Authorization::parse(&text).unwrap();
        assert_eq!((parsed.credential, parsed.signed_headers), ("k", "a;host"));
        assert_eq!(parsed.signature, [0x0f; 32]);
        for bad in [
            String::new(),
            "Bearer dev-token".to_owned(),
            text.replace("SHA256", "SM3"),
            text.replace("Signature=0", "Signature=G"),
            text.replace("Signature=0f", "Signature=0F"),
            text.replace("Signature=0f", "Signature=0"),
            text.replace("Credential=k,", ""),
            text.replace("Credential=k", "Credential=k, Credential=k"),
            text.replace("Credential", "credential"),
            format!("{text},x=y"),
        ] {
            let refused = Authorization::parse(&bad).err().map(|error| error.code);
            assert_eq!(refused, Some(ErrorCode::IncompleteSignature), "{bad}");
        }
    }
}
