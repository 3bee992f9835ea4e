//! `POST /v1/allowed-actions`: which actions may a principal take on each of some resources? One page of a console asks once.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};

use super::{
    answered,
    wire::{WireContext, WirePrincipal, WireResource},
};
use crate::{
    catalog::{catalog, meant},
    domain::{Invalid, InvalidKind, Question, Scope},
    error::{Error, ErrorCode},
    http::{
        body,
        error::{ErrorBody, HttpError, fault},
        object::{self, Object, Text},
        state::State,
        token,
    },
    service::{Seek, Turn},
};

/// Most resources, and most actions that are named.
const RESOURCES: usize = 100;
const ACTIONS: usize = 500;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct AllowedActionsRequest<'a> {
    #[serde(borrow, default)]
    principal: Option<Object<WirePrincipal<Text<'a>>>>,
    #[serde(borrow, default)]
    resources: Option<Vec<Object<WireResource<Text<'a>>>>>,
    #[serde(borrow, default)]
    actions: Option<Vec<Text<'a>>>,
    #[serde(default)]
    context: Option<WireContext>,
    #[serde(borrow, default)]
    at_least_as_fresh: Option<Text<'a>>,
}

#[derive(Serialize)]
struct Answer<'r> {
    results: Vec<Row>,
    revision: &'r str,
}

/// What may be done to one resource, and why something could not be asked about it.
#[derive(Serialize)]
struct Row {
    actions: Vec<String>,
    errors: Vec<serde_json::Value>,
}

/// Answers which actions are allowed on each resource.
pub(in crate::http) async fn allowed_actions(
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, HttpError> {
    answered(&request, allowed(&request, payload).await)
}

async fn allowed(request: &HttpRequest, payload: web::Payload) -> Result<Vec<u8>, Error> {
    let state = State::of(request)?;
    let body = body::single(request, payload.into_inner(), state);
    let (pep, body) = token::caller_with(request, state, body).await?;
    pep.demand(Scope::Search)?;
    let Object(wire): Object<AllowedActionsRequest<'_>> = object::read(&body)?;
    let authorizer = &state.services.authorizer;
    let resources = wire.resources.ok_or_else(|| {
        Invalid::missing(
            "resources",
            "give a list of 1 to 100 resources, as `/v1/is-authorized` takes one",
        )
    })?;
    let named = wire.actions.as_ref().map(|actions| actions.iter().map(Text::as_str).collect());
    let named: Option<Vec<&str>> = named;
    count("resources", resources.len(), RESOURCES)?;
    if let Some(named) = &named {
        count("actions", named.len(), ACTIONS)?;
        check_known(named)?;
    }
    let principal = wire.principal.as_ref().map(|Object(principal)| principal);
    let part = |text: Option<&Option<Text<'_>>>, field: &str| match text {
        Some(Some(text)) => Ok(text.as_str().to_owned()),
        _ => Err(Invalid::missing(field, "say who asks, by type and id")),
    };
    let kind = part(principal.map(|it| &it.kind), "principal.type")?;
    let id = part(principal.map(|it| &it.id), "principal.id")?;
    let context = wire.context.map(|context| context.0).unwrap_or_default();
    let at_least = wire.at_least_as_fresh.as_ref().map(Text::as_str);
    let view = authorizer.view_for(&pep.account, at_least, std::iter::empty()).await?;
    // Who asks is the same for all: what is wrong with that is no row's.
    authorizer.check_asker(&pep.account, (&kind, &id), &context)?;
    let (mut results, mut turn) = (Vec::with_capacity(resources.len()), Turn::begin(&pep.account));
    for Object(resource) in &resources {
        let about = resource.question();
        let seek = match &named {
            Some(named) => Seek::Named(named),
            None => Seek::Actions(about.resource_type),
        };
        let ask = |action| {
            Ok(Question {
                principal_type: Some(&kind),
                principal_id: Some(&id),
                action: Some(action),
                ..about
            })
        };
        let all = (None, usize::MAX);
        let found = authorizer.search(&view, seek, ask, &context, all, &mut turn).await?;
        if turn.is_spent() {
            return Err(Turn::spent("resources"));
        }
        let refused = found.refused.as_ref().map(fault);
        let body = |error: &Error| serde_json::to_value(ErrorBody::from(error));
        let errors: Result<_, _> = refused.iter().map(body).collect();
        let errors = errors.map_err(|error| Error::internal(&error.to_string()))?;
        results.push(Row { actions: found.found, errors });
    }
    let answer = Answer { results, revision: authorizer.revision_of(&view) };
    serde_json::to_vec(&answer).map_err(|error| Error::internal(&error.to_string()))
}

fn count(field: &str, count: usize, most: usize) -> Result<(), Error> {
    if (1..=most).contains(&count) {
        return Ok(());
    }
    let message = format!("`{field}` has 1 to {most} items, this one has {count}");
    let error = Error::new(ErrorCode::TooManyItems, message, format!("give 1 to {most}"));
    Err(error.about(field, &count.to_string()))
}

/// Refuses names that are none: a misspelled one would look like an action that is not allowed.
fn check_known(actions: &[&str]) -> Result<(), Invalid> {
    for (index, name) in actions.iter().enumerate() {
        if catalog().find_action(name).is_none() {
            let near = catalog().nearest_actions(name);
            let help = meant(
                &near,
                "give one of PAI or Simple Log Service: see `pai-authz catalog search` for those that are known",
            );
            let field = format!("actions[{index}]");
            let invalid = Invalid::value(field, name, "a known action", help);
            return Err(invalid.with_kind(InvalidKind::UnknownAction));
        }
    }
    Ok(())
}
