//! OpenID AuthZEN Authorization API 1.0: evaluation, evaluations, search, and what says where they are.
//!
//! Without a bundle in the path the account of the token is asked, in PAI's words (`account.rs`); with one, that bundle. Bodies
//! are read as the specification has it: what is not known is ignored, and what Cedar has no type for is no mistake.

mod account;
mod answer;
mod discovery;
mod evaluation;
mod evaluations;
mod search;
mod wire;

use std::sync::Arc;

use actix_web::{HttpRequest, web::ServiceConfig};

use super::{routes::resource, state::State};
use crate::{
    domain::Scope,
    error::Error,
    service::{Pep, PresentBundle},
};

pub(super) use evaluation::at_once;

/// The paths, each also with the name of a bundle before it.
pub(super) const EVALUATION: &str = "/access/v1/evaluation";
const EVALUATIONS: &str = "/access/v1/evaluations";
const SEARCH_SUBJECT: &str = "/access/v1/search/subject";
const SEARCH_RESOURCE: &str = "/access/v1/search/resource";
const SEARCH_ACTION: &str = "/access/v1/search/action";
const DISCOVERY: &str = "/.well-known/authzen-configuration";

/// What they all begin with.
const API: &str = "/access/v1/";

/// Returns whether a path is one that speaks as AuthZEN has it.
pub(super) fn is_path(path: &str) -> bool {
    let (first, rest) =
        path.split_at(path.get(1..).and_then(|it| it.find('/')).map_or(0, |at| at + 1));
    path.starts_with(API)
        || (!first.is_empty() && rest.starts_with(API))
        || path.starts_with(DISCOVERY)
}

/// Returns whether a path asks for decisions.
pub(super) fn is_decision(path: &str) -> bool {
    path.ends_with(EVALUATION) || path.ends_with(EVALUATIONS)
}

/// The routes.
pub(super) fn routes(config: &mut ServiceConfig) {
    use actix_web::web::{get, post};
    for tenant in ["", "/{bundle}"] {
        let at = |path: &str| resource(&format!("{tenant}{path}"), "POST");
        config
            .service(at(EVALUATION).route(post().to(evaluation::evaluation)))
            .service(at(EVALUATIONS).route(post().to(evaluations::evaluations)))
            .service(at(SEARCH_SUBJECT).route(post().to(search::subjects)))
            .service(at(SEARCH_RESOURCE).route(post().to(search::resources)))
            .service(at(SEARCH_ACTION).route(post().to(search::actions)))
            .service(
                resource(&format!("{DISCOVERY}{tenant}"), "GET")
                    .route(get().to(discovery::discovery)),
            );
    }
}

/// Returns the bundle a request is to, where it is to one, for a caller that may ask it.
fn reached(
    request: &HttpRequest,
    state: &State,
    pep: &Pep,
    scope: Scope,
) -> Result<Option<Arc<PresentBundle>>, Error> {
    let Some(name) = request.match_info().get("bundle") else {
        pep.demand(scope)?;
        return Ok(None);
    };
    let bundle = state.services.bundles.get(name);
    pep.demand_in(name, bundle.as_ref().map(|bundle| bundle.account()), scope)?;
    Ok(bundle)
}
