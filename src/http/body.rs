//! Reads bodies: JSON only, no longer than the endpoint takes, and in time.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use actix_web::{
    FromRequest, HttpMessage as _, HttpRequest,
    dev::Payload,
    http::header,
    web::{self, Bytes, BytesMut},
};
use futures_util::StreamExt;
use tokio::time::Sleep;

use super::{error::HttpError, request_id::note_read, state::State, token};
use crate::{
    domain::{Invalid, shortened},
    error::{Error, ErrorCode},
    service::Pep,
};

/// The caller of a request to an endpoint that reads at most `--body-limit`, and its body.
pub(super) struct Sent(pub(super) Pep, pub(super) Bytes);

impl FromRequest for Sent {
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, HttpError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let sent = async {
                let state = State::of(&request)?;
                token::caller_with(&request, state, single(&request, payload, state)).await
            };
            let sent = sent.await.map_err(|error| HttpError::new(&request, error));
            sent.map(|(pep, body)| Self(pep, body))
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
    payload: Payload,
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
    let body = Reading::new(payload, limit, state.limits.body_timeout).await?;
    note_read(request);
    Ok(body)
}

/// A body that is being read to its end. One that comes in one piece is not copied.
pub(super) struct Reading {
    payload: Payload,
    limit: usize,
    first: Bytes,
    rest: BytesMut,
    timeout: Duration,
    was_asked: bool,
    clock: Option<Pin<Box<Sleep>>>,
}

impl Reading {
    pub(super) fn new(payload: Payload, limit: usize, timeout: Duration) -> Self {
        let (first, rest) = (Bytes::new(), BytesMut::new());
        Self { payload, limit, first, rest, timeout, was_asked: false, clock: None }
    }

    fn take(&mut self, chunk: Bytes) -> Result<(), Error> {
        if self.first.len() + self.rest.len() + chunk.len() > self.limit {
            return Err(too_large(self.limit));
        }
        if self.first.is_empty() && self.rest.is_empty() {
            self.first = chunk;
            return Ok(());
        }
        self.rest.extend_from_slice(&std::mem::take(&mut self.first));
        self.rest.extend_from_slice(&chunk);
        Ok(())
    }

    /// Returns the body that was read, once there is no more of it.
    fn end(&mut self) -> Bytes {
        if self.rest.is_empty() {
            return std::mem::take(&mut self.first);
        }
        std::mem::take(&mut self.rest).freeze()
    }
}

impl Future for Reading {
    type Output = Result<Bytes, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match self.payload.poll_next_unpin(context) {
                Poll::Ready(Some(Ok(chunk))) => self.take(chunk)?,
                Poll::Ready(Some(Err(error))) => {
                    tracing::debug!(%error, "the body broke off");
                    let help = "send it again, whole";
                    let error = Error::new(ErrorCode::MalformedBody, "the body broke off", help);
                    return Poll::Ready(Err(error));
                }
                Poll::Ready(None) => return Poll::Ready(Ok(self.end())),
                Poll::Pending => break,
            }
        }
        // Handlers are asked once before anything of a body is read. Most bodies came with the head: then there is no second
        // time, and no clock.
        if !std::mem::replace(&mut self.was_asked, true) {
            return Poll::Pending;
        }
        let timeout = self.timeout;
        let clock = self.clock.get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
        clock.as_mut().poll(context).map(|()| {
            let limit = timeout.as_millis();
            Err(Error::new(
                ErrorCode::RequestTimeout,
                format!("the body did not arrive within {limit} ms"),
                "send the body without pauses",
            ))
        })
    }
}

fn too_large(limit: usize) -> Error {
    Error::new(
        ErrorCode::PayloadTooLarge,
        format!("the body is larger than {limit} bytes"),
        "send fewer or smaller requests in one body",
    )
}
