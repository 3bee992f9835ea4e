//! What surrounds every request: its id, its span, and the net under a panic.

use std::{
    future::{Future, Ready, ready},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready as done},
    time::Duration,
};

use actix_http::Request;
use actix_web::{
    HttpResponse,
    dev::{Service, ServiceResponse, Transform, forward_ready},
    http::{ConnectionType, StatusCode},
    web,
};
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};
use tracing::Span;

use super::{
    api::Link,
    authzen,
    decisions::{self, Lane, Way},
    dialect::Dialect,
    error::HttpError,
    head::Head,
    outlet,
    request_id::{self, Note, X_REQUEST_ID},
    state::State,
};
use crate::error::{Error, ErrorCode};

/// Gives each request an id (the caller's, if it sent a sound one), a span, and an answer even when a handler
/// panics. While the service drains, every answer closes its connection.
///
/// It stands around the application, not in it: what the application makes of a request costs as much as a decision, and the short
/// way has no use for it.
pub(super) struct Surround {
    /// That of the API; other endpoints have none.
    pub(super) state: Option<web::Data<State>>,
}

impl<S> Transform<S, Request> for Surround
where
    S: Service<Request, Response = ServiceResponse, Error = actix_web::Error>,
{
    type Response = HttpResponse;
    type Error = actix_web::Error;
    type InitError = ();
    type Transform = Surrounded<S>;
    type Future = Ready<Result<Surrounded<S>, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(Surrounded { inner: Rc::new(inner), state: self.state.clone().map(Rc::new) }))
    }
}

/// What is surrounded.
pub(super) struct Surrounded<S> {
    inner: Rc<S>,
    /// Shared among the requests of this thread: counting those of all threads takes its time.
    state: Option<Rc<web::Data<State>>>,
}

impl<S> Service<Request> for Surrounded<S>
where
    S: Service<Request, Response = ServiceResponse, Error = actix_web::Error>,
{
    type Response = HttpResponse;
    type Error = actix_web::Error;
    type Future = Surrounding<S>;

    forward_ready!(inner);

    fn call(&self, request: Request) -> Self::Future {
        let head = Head::of(request.head());
        let place = match Place::of(&request, &head, self.state.as_ref().map(|state| &****state)) {
            Ok(place) => place,
            // Where no id can be made the answer goes without one.
            Err(error) => return Surrounding::refused(HttpError::without_id(error).into()),
        };
        let lane = self
            .state
            .as_ref()
            .and_then(|state| Some((Lane::entry(&request, &head, state)?, state.clone())));
        match lane {
            Some((entry, state)) => Surrounding {
                inner: Some(self.inner.clone()),
                place: Some(place),
                leaving: None,
                work: Work::Reading { lane: Some(Lane::new(request, entry, state)) },
            },
            None => match handle(&*self.inner, request, &place) {
                Ok(handling) => {
                    let work = Work::Handling { handling };
                    Surrounding { inner: None, place: Some(place), leaving: None, work }
                }
                Err(panicked) => Surrounding::refused(panicked),
            },
        }
    }
}

/// Lets a request be handled. The call itself is inside the net: routing can panic as well as a handler.
fn handle<S>(inner: &S, request: Request, place: &Place) -> Result<S::Future, actix_web::Error>
where
    S: Service<Request>,
{
    request_id::give(&request, place.note.clone());
    let _entered = place.span.enter();
    outlet::write_held();
    let called = catch_unwind(AssertUnwindSafe(|| inner.call(request)));
    called.map_err(|_| place.panicked())
}

pin_project! {
    /// A request that is being answered.
    pub(super) struct Surrounding<S>
    where
        S: Service<Request>,
    {
        inner: Option<Rc<S>>,
        place: Option<Place>,
        // How long it still goes on, once the caller has closed its side.
        leaving: Option<Pin<Box<Sleep>>>,
        #[pin]
        work: Work<S::Future>,
    }
}

pin_project! {
    /// What is being done for it.
    #[project = Doing]
    enum Work<F> {
        /// It is on the short way.
        Reading { lane: Option<Lane> },
        /// It is on the long way.
        Handling { #[pin] handling: F },
        Refused { error: Option<actix_web::Error> },
    }
}

impl<S: Service<Request>> Surrounding<S> {
    fn refused(error: actix_web::Error) -> Self {
        let work = Work::Refused { error: Some(error) };
        Self { inner: None, place: None, leaving: None, work }
    }
}

impl<S> Future for Surrounding<S>
where
    S: Service<Request, Response = ServiceResponse, Error = actix_web::Error>,
{
    type Output = Result<HttpResponse, actix_web::Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Doing::Refused { error } = this.work.as_mut().project() {
            let error = error.take();
            return Poll::Ready(Err(error.unwrap_or_else(polled_again)));
        }
        let Some(place) = this.place.as_ref() else { return Poll::Ready(Err(polled_again())) };
        let polled = {
            let _entered = place.span.enter();
            let inner = this.inner.as_ref();
            catch_unwind(AssertUnwindSafe(|| poll_work(this.work, inner, place, context)))
        };
        let handled = match polled {
            Ok(Poll::Ready(handled)) => Some(handled),
            Ok(Poll::Pending) => {
                done!(place.left(this.leaving, context));
                Some(Err(HttpError::with_id(place.note.header(), place.dialect, left()).into()))
            }
            Err(_) => None,
        };
        Poll::Ready(match this.place.take() {
            Some(place) => place.answered(handled),
            None => Err(polled_again()),
        })
    }
}

fn poll_work<S>(
    mut work: Pin<&mut Work<S::Future>>,
    inner: Option<&Rc<S>>,
    place: &Place,
    context: &mut Context<'_>,
) -> Poll<Result<HttpResponse, actix_web::Error>>
where
    S: Service<Request, Response = ServiceResponse, Error = actix_web::Error>,
{
    if let Doing::Reading { lane: reading } = work.as_mut().project() {
        let (Some(lane), Some(inner)) = (reading.as_mut(), inner) else {
            return Poll::Ready(Err(polled_again()));
        };
        let body = done!(lane.poll(context));
        let Some(lane) = reading.take() else { return Poll::Ready(Err(polled_again())) };
        match lane.end(body, &place.note, place.dialect) {
            Way::Answered(response) => return Poll::Ready(Ok(response)),
            Way::Long(request) => {
                request_id::give(&request, place.note.clone());
                work.set(Work::Handling { handling: inner.call(request) });
            }
        }
    }
    match work.project() {
        Doing::Handling { handling } => {
            // It may be long.
            outlet::write_held();
            handling.poll(context).map_ok(HttpResponse::from)
        }
        Doing::Reading { .. } | Doing::Refused { .. } => Poll::Ready(Err(polled_again())),
    }
}

/// How long a request is still worked at whose caller has closed its side. Some do when they have sent all, and read on; of most
/// nobody is there, and what is long would keep the caller's next requests, and others, from their turn.
const LEAVING: Duration = Duration::from_secs(1);

fn left() -> Error {
    Error::new(
        ErrorCode::RequestTimeout,
        "the caller closed its side of the connection before the answer was there",
        "keep it open until the answer has come",
    )
}

fn polled_again() -> actix_web::Error {
    HttpError::without_id(Error::internal("an answer was asked for twice")).into()
}

/// Where a request stands.
struct Place {
    note: Rc<Note>,
    dialect: Dialect,
    span: Span,
    link: Option<Rc<Link>>,
    has_body: bool,
    /// Whether the connection ends with the answer.
    is_last: bool,
}

impl Place {
    fn of(request: &Request, head: &Head<'_>, state: Option<&State>) -> Result<Self, Error> {
        let dialect = Dialect::of(request.head());
        let note = request_id::note(head.request_id, dialect)?;
        let draining = state.is_some_and(|state| !state.health.is_ready());
        let link = request.conn_data::<Rc<Link>>().cloned();
        let last = link.as_ref().is_some_and(|link| link.connection.begin());
        let has_body = head.has_body();
        // Decisions log nothing but at `debug`, so that a span for each would be made for nothing.
        let span = if decisions::is_path(request.path()) || authzen::is_decision(request.path()) {
            tracing::debug_span!("request", id = note.id())
        } else {
            tracing::error_span!("request", id = note.id())
        };
        let is_last = draining || last;
        Ok(Self { note, dialect, span, link, has_body, is_last })
    }

    /// Is ready when the caller has closed its side and waited long enough.
    fn left(&self, leaving: &mut Option<Pin<Box<Sleep>>>, context: &mut Context<'_>) -> Poll<()> {
        if !self.link.as_ref().is_some_and(|link| link.flow.has_left()) {
            return Poll::Pending;
        }
        leaving.get_or_insert_with(|| Box::pin(sleep(LEAVING))).as_mut().poll(context)
    }

    /// Returns the answer; `handled` is `None` when a handler panicked.
    fn answered(
        self,
        handled: Option<Result<HttpResponse, actix_web::Error>>,
    ) -> Result<HttpResponse, actix_web::Error> {
        let was_read = !self.has_body || (self.note.was_read() && matches!(&handled, Some(Ok(_))));
        if let Some(link) = &self.link {
            link.connection.end(!was_read);
            link.flow.answered(was_read && !self.is_last);
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
            response.head_mut().set_connection_type(ConnectionType::Close);
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
        HttpError::with_id(self.note.header(), self.dialect, Error::internal("a handler panicked"))
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
        HttpError::with_id(self.note.header(), self.dialect, refused).into()
    }
}
