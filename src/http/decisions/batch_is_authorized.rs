//! `POST /v1/batch-is-authorized`: up to 1,000 requests, answered in order on one view of the account.

use std::fmt;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{answer, answered, wire::IsAuthorizedRequest};
use crate::{
    domain::{Invalid, Scope},
    error::{Error, ErrorCode},
    http::{
        body,
        error::HttpError,
        object::{self, Object, Refusal, Text},
        state::State,
        token,
    },
    service::Authorizer,
};

/// The envelope of items that are read one by one, so that a faulty one is denied in its place.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Envelope<'a> {
    #[serde(borrow, default)]
    requests: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    at_least_as_fresh: Option<Text<'a>>,
}

/// The envelope of items that are all sound, which most are: read at once.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct SoundEnvelope<'a> {
    #[serde(borrow)]
    requests: Items<'a>,
    #[serde(borrow, default)]
    at_least_as_fresh: Option<Text<'a>>,
}

/// No more items than a batch may have.
struct Items<'a>(Vec<Object<IsAuthorizedRequest<'a>>>);

impl<'de: 'a, 'a> Deserialize<'de> for Items<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Vec<Object<IsAuthorizedRequest<'de>>>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of requests")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
                let mut read = Vec::with_capacity(128);
                while let Some(item) = items.next_element()? {
                    if read.len() == Authorizer::MAX_BATCH {
                        return Err(A::Error::custom("more requests than a batch may have"));
                    }
                    read.push(item);
                }
                Ok(read)
            }
        }

        deserializer.deserialize_seq(Reader).map(Self)
    }
}

/// The items of a batch, those that were not read with the reason.
pub(in crate::http) type Read<'b> = Vec<Result<Object<IsAuthorizedRequest<'b>>, Refusal>>;

/// Answers a batch of requests for decisions.
pub(in crate::http) async fn batch_is_authorized(
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, HttpError> {
    answered(&request, decided(&request, payload).await)
}

async fn decided(request: &HttpRequest, payload: web::Payload) -> Result<Vec<u8>, Error> {
    let state = State::of(request)?;
    let body = body::batch(request, payload.into_inner(), state);
    let (pep, body) = token::caller_with(request, state, body).await?;
    pep.demand(Scope::Decide)?;
    let (mut items, at_least) = read(&body)?;
    let authorizer = &state.services.authorizer;
    let view = {
        let beside = items.iter().flatten().filter_map(|Object(wire)| wire.at_least());
        authorizer.view_for(&pep.account, at_least.as_ref().map(Text::as_str), beside).await?
    };
    let mut answer = answer::Batch::new(items.len());
    let questions = items.iter_mut().map(|item| match item {
        Ok(Object(wire)) => wire.check_plain().map(|()| wire.question()),
        Err(refusal) => Err(refusal.to_invalid()),
    });
    authorizer.decide_all(&view, questions, |decision| answer.push(decision)).await?;
    let answer = answer.end(authorizer.revision_of(&view));
    answer.map_err(|error| Error::internal(&error.to_string()))
}

/// Reads a batch.
pub(in crate::http) fn read(body: &[u8]) -> Result<(Read<'_>, Option<Text<'_>>), Error> {
    if let Ok(Object(SoundEnvelope { requests: Items(items), at_least_as_fresh })) =
        serde_json::from_slice(body)
        && !items.is_empty()
    {
        return Ok((items.into_iter().map(Ok).collect(), at_least_as_fresh));
    }
    let Object(envelope): Object<Envelope<'_>> = object::read(body)?;
    let help = "give a list of 1 to 1000 requests";
    let items = envelope.requests.ok_or_else(|| Invalid::missing("requests", help))?;
    if items.is_empty() || items.len() > Authorizer::MAX_BATCH {
        return Err(Error {
            field: Some("requests".to_owned()),
            value: Some(items.len().to_string()),
            ..Error::new(
                ErrorCode::TooManyItems,
                format!("a batch has 1 to 1000 requests, this one has {}", items.len()),
                "give at least one request, and split more into batches of 1000",
            )
        });
    }
    let items = items.into_iter().map(|item| object::read(item.get().as_bytes())).collect();
    Ok((items, envelope.at_least_as_fresh))
}
