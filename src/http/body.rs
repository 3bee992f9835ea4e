//! Reads bodies: JSON only, no longer than the endpoint takes, and in time.

use std::{future::Future, pin::Pin};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    http::header,
    web::{self, Bytes, BytesMut},
};
use futures_util::StreamExt;

use super::{error::HttpError, state::State};
use crate::{
    domain::{Invalid, shortened},
    error::{Error, ErrorCode},
};

/// The body of a request to an endpoint that reads at most `--body-limit`.
pub(super) struct Body(pub(super) Bytes);

/// Stands beside a request whose body was read to its end.
pub(super) struct BodyRead;

/// The body of a batch, at most `--batch-body-limit`.
pub(super) struct BatchBody(pub(super) Bytes);

type Reading<T> = Pin<Box<dyn Future<Output = Result<T, HttpError>>>>;

impl FromRequest for Body {
    type Error = HttpError;
    type Future = Reading<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let reading = read(request, payload, |state| state.limits.body);
        Box::pin(async { reading.await.map(Self) })
    }
}

impl FromRequest for BatchBody {
    type Error = HttpError;
    type Future = Reading<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let reading = read(request, payload, |state| state.limits.batch_body);
        Box::pin(async { reading.await.map(Self) })
    }
}

fn read(
    request: &HttpRequest,
    payload: &mut Payload,
    limit: fn(&State) -> usize,
) -> impl Future<Output = Result<Bytes, HttpError>> + use<> {
    let request = request.clone();
    let payload = payload.take();
    async move {
        receive(&request, payload, limit).await.map_err(|error| HttpError::new(&request, error))
    }
}

/// Reads the body of a signed call: JSON, or nothing, whatever is said of its type then.
pub(super) async fn any(request: &HttpRequest, payload: web::Payload) -> Result<Bytes, Error> {
    let body = collect(request, payload.into_inner(), |state| state.limits.batch_body).await?;
    if !body.is_empty() {
        check_type(request)?;
    }
    Ok(body)
}

async fn receive(
    request: &HttpRequest,
    payload: Payload,
    limit: fn(&State) -> usize,
) -> Result<Bytes, Error> {
    check_type(request)?;
    collect(request, payload, limit).await
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
    limit: fn(&State) -> usize,
) -> Result<Bytes, Error> {
    let Some(state) = request.app_data::<web::Data<State>>() else {
        return Err(Error::internal("the application has no state"));
    };
    let limit = limit(state);
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > limit as u64) {
        return Err(too_large(limit));
    }
    let receiving = async {
        let mut body = BytesMut::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|error| {
                tracing::debug!(%error, "the body broke off");
                Error::new(ErrorCode::MalformedBody, "the body broke off", "send it again, whole")
            })?;
            if body.len() + chunk.len() > limit {
                return Err(too_large(limit));
            }
            body.extend_from_slice(&chunk);
        }
        request.extensions_mut().insert(BodyRead);
        Ok(body.freeze())
    };
    tokio::time::timeout(state.limits.body_timeout, receiving).await.unwrap_or_else(|_| {
        let limit = state.limits.body_timeout.as_millis();
        Err(Error::new(
            ErrorCode::RequestTimeout,
            format!("the body did not arrive within {limit} ms"),
            "send the body without pauses",
        ))
    })
}

fn too_large(limit: usize) -> Error {
    Error::new(
        ErrorCode::PayloadTooLarge,
        format!("the body is larger than {limit} bytes"),
        "send fewer or smaller requests in one body",
    )
}
