//! Who asks: the bearer token of a request, or the account its Unix socket is bound to.

use std::{cell::RefCell, rc::Rc};

use actix_http::Request;
use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{self, HeaderValue},
};
use futures_util::future::LocalBoxFuture;
use subtle::ConstantTimeEq;

use super::{api::Link, connections::Peer, error::HttpError, state::State};
use crate::{
    error::Error,
    service::{Authenticator, Known, Pep},
};

/// The authenticated caller of a request.
pub(super) struct Caller(pub(super) Pep);

impl FromRequest for Caller {
    type Error = HttpError;
    type Future = LocalBoxFuture<'static, Result<Self, HttpError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let pep = async { caller(&request, State::of(&request)?).await };
            pep.await.map(Self).map_err(|error| HttpError::new(&request, error))
        })
    }
}

/// Who sent the last request of a connection, with its `Authorization`: as long as the header and the account are the same, it
/// is sent by the same.
#[derive(Default)]
pub(super) struct LastCaller(RefCell<Option<(Option<HeaderValue>, Rc<Known>)>>);

impl LastCaller {
    /// Returns who sent the last request, where the next one has the same header.
    fn sent(&self, header: Option<&HeaderValue>) -> Option<Rc<Known>> {
        let last = self.0.borrow();
        let (sent, known) = last.as_ref()?;
        let is_same = match (sent, header) {
            (Some(sent), Some(header)) => is_same(sent.as_bytes(), header.as_bytes()),
            (None, None) => true,
            _ => false,
        };
        is_same.then(|| known.clone())
    }
}

/// Compares secrets in a time that says nothing of where they differ: eight bytes at a time, for it is done for every request.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    let ((one_words, one_rest), (words, rest)) = (one.as_chunks(), other.as_chunks());
    let word = |bytes: &[u8; 8]| u64::from_ne_bytes(*bytes);
    let pairs = one_words.iter().zip(words);
    let differing = pairs.fold(0, |all, (one, other)| all | (word(one) ^ word(other)));
    one.len() == other.len() && bool::from(differing.ct_eq(&0) & one_rest.ct_eq(rest))
}

/// Returns who sent the last request of a connection, where the next one has the same `Authorization`. Whether it is still
/// known is for the account to say.
pub(super) fn last(request: &Request, authorization: Option<&HeaderValue>) -> Option<Rc<Known>> {
    request.conn_data::<Rc<Link>>()?.last.sent(authorization)
}

/// Returns the authenticated caller of a request with a body, once that is read: a token may be revoked while it comes.
///
/// # Errors
/// As [`Authenticator::authenticate`], and what is wrong with the body.
pub(super) async fn caller_with<B>(
    request: &HttpRequest,
    state: &State,
    body: impl Future<Output = Result<B, Error>>,
) -> Result<(Pep, B), Error> {
    // Of somebody unknown nothing is read.
    caller(request, state).await?;
    let body = body.await?;
    Ok((caller(request, state).await?, body))
}

/// Returns the authenticated caller of a request.
///
/// # Errors
/// As [`Authenticator::authenticate`].
pub(super) async fn caller(request: &HttpRequest, state: &State) -> Result<Pep, Error> {
    let authenticator = &state.services.authenticator;
    let last = request.conn_data::<Rc<Link>>().map(|link| &link.last);
    let mut headers = request.headers().get_all(header::AUTHORIZATION);
    // A second header might be meant for another reader: neither is trusted.
    let (header, None) = (headers.next(), headers.next()) else {
        return Err(Authenticator::refusal());
    };
    if let Some(known) = last.and_then(|last| last.sent(header))
        && authenticator.is_still(&known)
    {
        return Ok(known.pep.clone());
    }
    let known = match header {
        Some(header) => {
            let token = bearer(header)?;
            if let Some(account) = authenticator.must_attend(token) {
                // Its account is not in memory: the first one who asks waits until it is.
                authenticator.attend(&account).await?;
            }
            authenticator.authenticate(token)?
        }
        None => by_socket(request, state)?,
    };
    let pep = known.pep.clone();
    if let Some(LastCaller(last)) = last {
        last.replace(Some((header.cloned(), Rc::new(known))));
    }
    Ok(pep)
}

fn bearer(header: &HeaderValue) -> Result<&str, Error> {
    let text = header.to_str().map_err(|_| Authenticator::refusal())?;
    let (scheme, token) = text.split_once(' ').ok_or_else(Authenticator::refusal)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Authenticator::refusal());
    }
    Ok(token.trim())
}

/// Returns the account the socket of a request is bound to, as its caller.
fn by_socket(request: &HttpRequest, state: &State) -> Result<Known, Error> {
    let peer = request.conn_data::<Rc<Link>>().map(|link| link.connection.peer);
    match (&state.uds_account, peer) {
        (Some(account), Some(Peer::Uds)) => Ok(Known::by_socket(account.clone())),
        _ => Err(Authenticator::refusal()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_the_same_when_every_byte_is() {
        let secret: Vec<u8> = (0..90).collect();
        for length in 0..secret.len() {
            let one = &secret[..length];
            assert!(is_same(one, &Vec::from(one)));
            assert!(!is_same(one, &secret[..=length]) && !is_same(&secret[..=length], one));
            for at in 0..length {
                let mut other = one.to_vec();
                other[at] ^= 1 << (at % 8);
                assert!(!is_same(one, &other), "{at} of {length}");
            }
        }
    }
}
