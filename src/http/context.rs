//! What surrounds every request: its id, its span, and the net under a panic.

use std::{
    future::{Future, Ready, ready},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, ready as done},
};

use actix_web::{
    body::MessageBody,
    dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
    http::{ConnectionType, StatusCode, header},
    web,
};
use pin_project_lite::pin_project;
use tracing::Span;

use super::{
    connections::Connection,
    decisions,
    dialect::Dialect,
    error::HttpError,
    request_id::{self, Note, X_REQUEST_ID},
    state::State,
};
use crate::error::{Error, ErrorCode};

/// Gives each request an id (the caller's, if it sent a sound one), a span, and an answer even when a handler
/// panics. While the service drains, every answer closes its connection.
pub(super) struct Surround;

impl<S, B> Transform<S, ServiceRequest> for Surround
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error>,
    B: MessageBody,
{
    type Response = ServiceResponse<B>;
    type Error = actix_web::Error;
    type InitError = ();
    type Transform = Surrounded<S>;
    type Future = Ready<Result<Surrounded<S>, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(Surrounded { inner }))
    }
}

/// What is surrounded.
pub(super) struct Surrounded<S> {
    inner: S,
}

impl<S, B> Service<ServiceRequest> for Surrounded<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error>,
    B: MessageBody,
{
    type Response = ServiceResponse<B>;
    type Error = actix_web::Error;
    type Future = Surrounding<S::Future>;

    forward_ready!(inner);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let place = match Place::of(&request) {
            Ok(place) => place,
            // Where no id can be made the answer goes without one.
            Err(error) => return Surrounding::refused(HttpError::without_id(error).into()),
        };
        // The call itself is inside: routing can panic as well as a handler.
        let called = {
            let _entered = place.span.enter();
            catch_unwind(AssertUnwindSafe(|| self.inner.call(request)))
        };
        match called {
            Ok(handling) => {
                Surrounding { handling: Some(handling), place: Some(place), error: None }
            }
            Err(_) => Surrounding::refused(place.panicked()),
        }
    }
}

pin_project! {
    /// A request that is being answered.
    pub(super) struct Surrounding<F> {
        #[pin]
        handling: Option<F>,
        place: Option<Place>,
        error: Option<actix_web::Error>,
    }
}

impl<F> Surrounding<F> {
    fn refused(error: actix_web::Error) -> Self {
        Self { handling: None, place: None, error: Some(error) }
    }
}

impl<F, B> Future for Surrounding<F>
where
    F: Future<Output = Result<ServiceResponse<B>, actix_web::Error>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Some(error) = this.error.take() {
            return Poll::Ready(Err(error));
        }
        let (Some(handling), Some(place)) = (this.handling.as_pin_mut(), this.place.as_ref())
        else {
            return Poll::Ready(Err(HttpError::without_id(polled_again()).into()));
        };
        let polled = {
            let _entered = place.span.enter();
            catch_unwind(AssertUnwindSafe(|| handling.poll(context)))
        };
        let handled = match polled {
            Ok(polled) => Some(done!(polled)),
            Err(_) => None,
        };
        Poll::Ready(match this.place.take() {
            Some(place) => place.answered(handled),
            None => Err(HttpError::without_id(polled_again()).into()),
        })
    }
}

fn polled_again() -> Error {
    Error::internal("an answer was asked for twice")
}

/// Where a request stands.
struct Place {
    note: Rc<Note>,
    dialect: Dialect,
    span: Span,
    connection: Option<Arc<Connection>>,
    has_body: bool,
    /// Whether the connection ends with the answer.
    is_last: bool,
}

impl Place {
    fn of(request: &ServiceRequest) -> Result<Self, Error> {
        let head = request.head();
        let note = request_id::give(request, head)?;
        let state = request.app_data::<web::Data<State>>();
        let draining = state.is_some_and(|state| !state.health.is_ready());
        let connection = request.conn_data::<Arc<Connection>>().cloned();
        let last = connection.as_ref().is_some_and(|connection| connection.begin());
        let has_body = head.headers.contains_key(header::TRANSFER_ENCODING)
            || head
                .headers
                .get(header::CONTENT_LENGTH)
                .is_some_and(|length| length.as_bytes() != b"0");
        // Decisions log nothing but at `debug`, so that a span for each would be made for nothing.
        let span = if decisions::is_path(head.uri.path()) {
            tracing::debug_span!("request", id = note.id())
        } else {
            tracing::error_span!("request", id = note.id())
        };
        let is_last = draining || last;
        Ok(Self { dialect: Dialect::of(head), note, span, connection, has_body, is_last })
    }

    /// Returns the answer; `handled` is `None` when a handler panicked.
    fn answered<B>(
        self,
        handled: Option<Result<ServiceResponse<B>, actix_web::Error>>,
    ) -> Result<ServiceResponse<B>, actix_web::Error> {
        let was_read = !self.has_body || (self.note.was_read() && matches!(&handled, Some(Ok(_))));
        if let Some(connection) = &self.connection {
            connection.end(!was_read);
        }
        let mut response = match handled {
            Some(Ok(response)) => response,
            Some(Err(error)) => {
                self.tell_of(error.as_response_error().status_code());
                return Err(self.json(error));
            }
            None => return Err(self.panicked()),
        };
        self.tell_of(response.status());
        response.headers_mut().insert(X_REQUEST_ID.clone(), self.note.header());
        if self.is_last || !was_read {
            // Not as a header: the HTTP library writes that one itself, from this.
            response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
        }
        Ok(response)
    }

    /// Leaves the id of a request that failed, where what went wrong was told without it, for there was no span.
    fn tell_of(&self, status: StatusCode) {
        if status == StatusCode::INTERNAL_SERVER_ERROR && self.span.is_disabled() {
            tracing::warn!(id = self.note.id(), %status, "a request failed");
        }
    }

    fn panicked(&self) -> actix_web::Error {
        HttpError::with_id(self.note.id(), self.dialect, Error::internal("a handler panicked"))
            .into()
    }

    /// Handlers render their own errors; whatever actix itself refuses becomes one of ours.
    fn json(&self, error: actix_web::Error) -> actix_web::Error {
        if error.as_error::<HttpError>().is_some() {
            return error;
        }
        let status = error.as_response_error().status_code();
        tracing::debug!(%error, %status, "refused before a handler");
        let refused = if status.is_client_error() {
            Error::new(
                ErrorCode::MalformedBody,
                "the request has a form that is not read",
                "see the documentation",
            )
        } else {
            Error::internal(&error.to_string())
        };
        HttpError::with_id(self.note.id(), self.dialect, refused).into()
    }
}
