//! Who asks: the bearer token of a request, or the account its Unix socket is bound to.

use std::{
    future::{Ready, ready},
    sync::Arc,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header, web};
use futures_util::future::{Either, LocalBoxFuture};

use super::{
    connections::{Connection, Peer},
    error::HttpError,
    state::State,
};
use crate::{
    domain::{Scope, Scopes},
    error::Error,
    service::{Authenticator, Pep},
};

/// The authenticated caller of a request.
pub(super) struct Caller(pub(super) Pep);

impl FromRequest for Caller {
    type Error = HttpError;
    type Future =
        Either<Ready<Result<Self, HttpError>>, LocalBoxFuture<'static, Result<Self, HttpError>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let found = credentials(request).and_then(|(state, credentials)| {
            let token = match credentials {
                Credentials::Socket(pep) => return Ok(Ok(pep)),
                Credentials::Token(token) => token,
            };
            match state.services.authenticator.must_attend(token) {
                None => state.services.authenticator.authenticate(token).map(Ok),
                Some(account) => Ok(Err((state.clone(), token.to_owned(), account))),
            }
        });
        match found {
            Ok(Ok(pep)) => Either::Left(ready(Ok(Self(pep)))),
            Err(error) => Either::Left(ready(Err(HttpError::new(request, error)))),
            // Its account is not in memory: the first one who asks waits until it is.
            Ok(Err((state, token, account))) => {
                let request = request.clone();
                Either::Right(Box::pin(async move {
                    let authenticator = &state.services.authenticator;
                    let attended = authenticator.attend(&account).await;
                    let pep = attended.and_then(|()| authenticator.authenticate(&token));
                    pep.map(Self).map_err(|error| HttpError::new(&request, error))
                }))
            }
        }
    }
}

/// By what a caller is known.
enum Credentials<'r> {
    Token(&'r str),
    /// The Unix socket it came over.
    Socket(Pep),
}

fn credentials(request: &HttpRequest) -> Result<(&web::Data<State>, Credentials<'_>), Error> {
    let Some(state) = request.app_data::<web::Data<State>>() else {
        return Err(Error::internal("the application has no state"));
    };
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
            Ok((state, Credentials::Token(token.trim())))
        }
        (None, None) => match (
            &state.uds_account,
            request.conn_data::<Arc<Connection>>().map(|connection| connection.peer),
        ) {
            (Some(account), Some(Peer::Uds)) => {
                let account = account.clone();
                let scopes = Scopes::new(vec![Scope::Decide]);
                Ok((state, Credentials::Socket(Pep { account, name: "uds".to_owned(), scopes })))
            }
            _ => Err(Authenticator::refusal()),
        },
    }
}
