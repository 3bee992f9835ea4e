//! `POST /v1/batch-is-authorized`: up to 1,000 requests, answered in order on one view of the account.

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{answer, wire};
use crate::{
    domain::Scope,
    error::{Error, ErrorCode},
    http::{
        body::BatchBody,
        error::HttpError,
        object::{self, Object, Text},
        state::State,
        token::Caller,
    },
    service::Authorizer,
};

/// The envelope. Items are read one by one, so that a faulty one is denied in its place.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Envelope<'a> {
    #[serde(borrow, default)]
    requests: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    at_least_as_fresh: Option<Text<'a>>,
}

/// Answers a batch of requests for decisions.
pub(in crate::http) async fn batch_is_authorized(
    request: HttpRequest,
    state: web::Data<State>,
    Caller(pep): Caller,
    BatchBody(body): BatchBody,
) -> Result<HttpResponse, HttpError> {
    let refuse = |error: Error| HttpError::new(&request, error);
    pep.demand(Scope::Decide).map_err(refuse)?;
    let Object(envelope): Object<Envelope<'_>> =
        object::read(&body).map_err(|refusal| refuse(refusal.into()))?;
    let items = envelope.requests.ok_or_else(|| {
        refuse(
            crate::domain::Invalid::missing("requests", "give a list of 1 to 1000 requests").into(),
        )
    })?;
    if items.is_empty() || items.len() > Authorizer::MAX_BATCH {
        return Err(refuse(Error {
            field: Some("requests".to_owned()),
            value: Some(items.len().to_string()),
            ..Error::new(
                ErrorCode::TooManyItems,
                format!("a batch has 1 to 1000 requests, this one has {}", items.len()),
                "give at least one request, and split more into batches of 1000",
            )
        }));
    }
    let read: Vec<_> = items
        .into_iter()
        .map(|item| object::read::<Object<wire::IsAuthorizedRequest<'_>>>(item.get().as_bytes()))
        .collect();
    let questions = read.iter().map(|item| match item {
        Ok(Object(wire)) if wire.suggests() => {
            let help = "ask for a suggestion one request at a time: `POST /v1/is-authorized`";
            Err(crate::domain::Invalid::unexpected("suggest", "true", help))
        }
        Ok(Object(wire)) => Ok(wire.to_domain()),
        Err(refusal) => Err(refusal.to_invalid()),
    });
    let at_least = envelope.at_least_as_fresh.as_ref().map(Text::as_str);
    let authorizer = &state.services.authorizer;
    let mut asked =
        authorizer.asked_all(&pep.account, questions, at_least).await.map_err(refuse)?;
    let revision = authorizer.revision_token(&pep.account, asked.revision());
    let decisions = authorizer.decide_all(&mut asked).await;
    let body = answer::batch(&decisions, &revision)
        .map_err(|error| refuse(Error::internal(&error.to_string())))?;
    Ok(HttpResponse::Ok().insert_header((header::CONTENT_TYPE, "application/json")).body(body))
}
