//! Reads bodies: JSON only, no longer than the endpoint takes, and in time.

use std::{
    future::Future,
    pin::{Pin, pin},
};

use actix_web::{
    FromRequest, HttpMessage as _, HttpRequest,
    dev::Payload,
    http::header,
    web::{self, Bytes, BytesMut},
};
use futures_util::{StreamExt, future::poll_immediate};

use super::{error::HttpError, request_id::note_read, state::State};
use crate::{
    domain::{Invalid, shortened},
    error::{Error, ErrorCode},
};

/// The body of a request to an endpoint that reads at most `--body-limit`.
pub(super) struct Body(pub(super) Bytes);

impl FromRequest for Body {
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, HttpError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let body = async { single(&request, payload, State::of(&request)?).await };
            body.await.map(Self).map_err(|error| HttpError::new(&request, error))
        })
    }
}

/// Reads the body of a request to an endpoint that reads at most `--body-limit`.
pub(super) async fn single(
    request: &HttpRequest,
    payload: Payload,
    state: &State,
) -> Result<Bytes, Error> {
    check_type(request)?;
    collect(request, payload, state.limits.body, state).await
}

/// Reads the body of a batch, at most `--batch-body-limit`.
pub(super) async fn batch(
    request: &HttpRequest,
    payload: Payload,
    state: &State,
) -> Result<Bytes, Error> {
    check_type(request)?;
    collect(request, payload, state.limits.batch_body, state).await
}

/// Reads the body of a signed call: JSON, or nothing, whatever is said of its type then.
pub(super) async fn any(request: &HttpRequest, payload: web::Payload) -> Result<Bytes, Error> {
    let state = State::of(request)?;
    let body = collect(request, payload.into_inner(), state.limits.batch_body, state).await?;
    if !body.is_empty() {
        check_type(request)?;
    }
    Ok(body)
}

/// Refuses bodies that are not JSON as it is.
fn check_type(request: &HttpRequest) -> Result<(), Error> {
    if !request.content_type().eq_ignore_ascii_case("application/json") {
        return Err(Error {
            field: Some("Content-Type".to_owned()),
            value: Some(shortened(request.content_type(), Invalid::MAX_VALUE)),
            ..Error::new(
                ErrorCode::UnsupportedMediaType,
                "the content type is not `application/json`",
                "send the body with `Content-Type: application/json`",
            )
        });
    }
    if let Some(encoding) = request.headers().get(header::CONTENT_ENCODING)
        && encoding != "identity"
    {
        return Err(Error {
            field: Some("Content-Encoding".to_owned()),
            value: Some(shortened(
                &String::from_utf8_lossy(encoding.as_bytes()),
                Invalid::MAX_VALUE,
            )),
            ..Error::new(
                ErrorCode::UnsupportedMediaType,
                "encoded bodies are not read",
                "send the body as it is, without `Content-Encoding`",
            )
        });
    }
    Ok(())
}

async fn collect(
    request: &HttpRequest,
    mut payload: Payload,
    limit: usize,
    state: &State,
) -> Result<Bytes, Error> {
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > limit as u64) {
        return Err(too_large(limit));
    }
    let mut receiving = pin!(receive(&mut payload, limit));
    // Most bodies are there with the head: then no clock is asked.
    let at_once = poll_immediate(&mut receiving).await;
    let received = if let Some(received) = at_once {
        received
    } else {
        let timed = tokio::time::timeout(state.limits.body_timeout, receiving).await;
        timed.unwrap_or_else(|_| {
            let limit = state.limits.body_timeout.as_millis();
            Err(Error::new(
                ErrorCode::RequestTimeout,
                format!("the body did not arrive within {limit} ms"),
                "send the body without pauses",
            ))
        })
    };
    let body = received?;
    note_read(request);
    Ok(body)
}

/// Reads a body to its end. One that comes in one piece is not copied.
async fn receive(payload: &mut Payload, limit: usize) -> Result<Bytes, Error> {
    let mut first = Bytes::new();
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| {
            tracing::debug!(%error, "the body broke off");
            Error::new(ErrorCode::MalformedBody, "the body broke off", "send it again, whole")
        })?;
        if first.len() + body.len() + chunk.len() > limit {
            return Err(too_large(limit));
        }
        if first.is_empty() && body.is_empty() {
            first = chunk;
            continue;
        }
        body.extend_from_slice(&std::mem::take(&mut first));
        body.extend_from_slice(&chunk);
    }
    Ok(if body.is_empty() { first } else { body.freeze() })
}

fn too_large(limit: usize) -> Error {
    Error::new(
        ErrorCode::PayloadTooLarge,
        format!("the body is larger than {limit} bytes"),
        "send fewer or smaller requests in one body",
    )
}
