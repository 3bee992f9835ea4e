//! Who asks: the bearer token of a request, or the account its Unix socket is bound to.

use std::{
    future::{Ready, ready},
    sync::Arc,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header, web};

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
    type Future = Ready<Result<Self, HttpError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(caller(request).map(Self).map_err(|error| HttpError::new(request, error)))
    }
}

fn caller(request: &HttpRequest) -> Result<Pep, Error> {
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
            state.services.authenticator.authenticate(token.trim())
        }
        (None, None) => match (
            &state.uds_account,
            request.conn_data::<Arc<Connection>>().map(|connection| connection.peer),
        ) {
            (Some(account), Some(Peer::Uds)) => Ok(Pep {
                account: account.clone(),
                name: "uds".to_owned(),
                scopes: Scopes::new(vec![Scope::Decide]),
            }),
            _ => Err(Authenticator::refusal()),
        },
    }
}
