//! `POST /v1/tokens`: makes a token and shows it once.

use actix_web::{HttpRequest, HttpResponse, web};

use super::wire;
use crate::{
    domain::{Invalid, Scope},
    error::Error,
    http::{
        body::Sent,
        error::HttpError,
        object::{self, Object},
        request_id::change_id,
        state::State,
    },
    service::Actor,
};

/// Makes a token of the caller's account.
pub(in crate::http) async fn create(
    request: HttpRequest,
    state: web::Data<State>,
    Sent(pep, body): Sent,
) -> Result<HttpResponse, HttpError> {
    let refuse = |error: Error| HttpError::new(&request, error);
    pep.demand(Scope::Tokens).map_err(refuse)?;
    let Object(wire): Object<wire::CreateTokenRequest<'_>> =
        object::read(&body).map_err(|refusal| refuse(refusal.into()))?;
    let name = wire.name.as_ref().ok_or_else(|| {
        refuse(Invalid::missing("name", "say what the token is for, in 1 to 128 characters").into())
    })?;
    let scopes = wire.scopes().map_err(|invalid| refuse(invalid.into()))?;
    let bundle = wire.bundle().map_err(|invalid| refuse(invalid.into()))?;
    if let Some(name) = &bundle {
        let served = state.services.bundles.get(name.as_str());
        if served.is_none_or(|served| *served.account() != pep.account) {
            let help = "give one that this service is started with, `--bundle NAME=DIR`, and whose `bundle.toml` names this account";
            let wrong = Invalid::value("bundle", name.as_str(), "a bundle of this account", help);
            return Err(refuse(wrong.into()));
        }
    }
    let actor = Actor::new(pep.name.to_string(), change_id().map_err(refuse)?);
    let created = state
        .services
        .tokens
        .create(&pep.account, &actor, name.as_str(), (scopes, bundle), Some(&pep))
        .await
        .map_err(refuse)?;
    let revision = state.services.authorizer.revision_token(&pep.account, created.revision);
    Ok(HttpResponse::Created().json(wire::CreatedBody {
        token: (&created.token).into(),
        text: &created.text,
        revision: &revision,
    }))
}
