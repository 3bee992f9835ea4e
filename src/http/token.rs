//! Who asks: the bearer token of a request, or the account its Unix socket is bound to.

use std::{cell::RefCell, sync::Arc};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{self, HeaderValue},
};
use futures_util::future::LocalBoxFuture;
use subtle::ConstantTimeEq;

use super::{
    connections::{Connection, Peer},
    error::HttpError,
    state::State,
};
use crate::{
    domain::{Scope, Scopes},
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

/// Who sent the last request of a connection: as long as the header and the account are the same, it is sent by the same.
#[derive(Default)]
pub(super) struct LastCaller(RefCell<Option<(HeaderValue, Known)>>);

/// Returns the authenticated caller of a request.
///
/// # Errors
/// As [`Authenticator::authenticate`].
pub(super) async fn caller(request: &HttpRequest, state: &State) -> Result<Pep, Error> {
    let authenticator = &state.services.authenticator;
    let last = request.conn_data::<LastCaller>();
    let mut headers = request.headers().get_all(header::AUTHORIZATION);
    let header = headers.next().filter(|_| headers.next().is_none());
    if let (Some(header), Some(LastCaller(last))) = (header, last)
        && let Some((sent, known)) = &*last.borrow()
        && bool::from(sent.as_bytes().ct_eq(header.as_bytes()))
        && let Some(pep) = authenticator.again(known)
    {
        return Ok(pep);
    }
    let token = match credentials(request, state)? {
        Credentials::Socket(pep) => return Ok(pep),
        Credentials::Token(token) => token,
    };
    if let Some(account) = authenticator.must_attend(token) {
        // Its account is not in memory: the first one who asks waits until it is.
        authenticator.attend(&account).await?;
    }
    let known = authenticator.authenticate(token)?;
    let pep = known.pep.clone();
    if let (Some(header), Some(LastCaller(last))) = (header, last) {
        last.replace(Some((header.clone(), known)));
    }
    Ok(pep)
}

/// By what a caller is known.
enum Credentials<'r> {
    Token(&'r str),
    /// The Unix socket it came over.
    Socket(Pep),
}

fn credentials<'r>(request: &'r HttpRequest, state: &State) -> Result<Credentials<'r>, Error> {
    let mut headers = request.headers().get_all(header::AUTHORIZATION);
    match (headers.next(), headers.next()) {
        // A second header might be meant for another reader: neither is trusted.
        (_, Some(_)) => Err(Authenticator::refusal()),
        (Some(value), None) => {
            let text = value.to_str().map_err(|_| Authenticator::refusal())?;
            let (scheme, token) = text.split_once(' ').ok_or_else(Authenticator::refusal)?;
            if !scheme.eq_ignore_ascii_case("bearer") {
                return Err(Authenticator::refusal());
            }
            Ok(Credentials::Token(token.trim()))
        }
        (None, None) => match (
            &state.uds_account,
            request.conn_data::<Arc<Connection>>().map(|connection| connection.peer),
        ) {
            (Some(account), Some(Peer::Uds)) => {
                let account = account.clone();
                let scopes = Scopes::new(vec![Scope::Decide]);
                Ok(Credentials::Socket(Pep { account, name: Arc::from("uds"), scopes }))
            }
            _ => Err(Authenticator::refusal()),
        },
    }
}
