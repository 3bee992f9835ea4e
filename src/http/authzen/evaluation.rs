//! `POST /access/v1/evaluation`: may a subject do something to a resource?

use std::iter::empty;

use actix_web::{HttpRequest, HttpResponse, web};

use super::{
    account::Mapped,
    answer, reached,
    wire::{Complete, Evaluation},
};
use crate::{
    domain::{Decision, Fault, Invalid, Scope},
    error::Error,
    http::{
        body,
        decisions::answered,
        error::HttpError,
        object::{self, Object},
        state::State,
        token,
    },
    service::{Pep, Present, PresentBundle, Properties, Query, Thing, View},
};

/// Answers one request for a decision. A denial is an answer.
pub(super) async fn evaluation(
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, HttpError> {
    answered(&request, evaluated(&request, payload).await)
}

async fn evaluated(request: &HttpRequest, payload: web::Payload) -> Result<Vec<u8>, Error> {
    let state = State::of(request)?;
    let body = body::single(request, payload.into_inner(), state);
    let (pep, body) = token::caller_with(request, state, body).await?;
    let bundle = reached(request, state, &pep, Scope::Decide)?;
    let Object(evaluation): Object<Evaluation<'_>> = object::read(&body)?;
    let defaults = Evaluation::default();
    let asked = evaluation.complete(&defaults)?;
    if let Some(bundle) = bundle {
        return in_bundle(&bundle, &asked);
    }
    let authorizer = &state.services.authorizer;
    let _held = authorizer.turn(&pep.account).await?;
    let view = authorizer.view_for(&pep.account, None, empty()).await?;
    in_account(state, &view, &asked)
}

/// Returns the answer to a request about the account, of somebody who is known on a view of it.
pub(in crate::http) fn at_once(
    state: &State,
    (pep, view): (&Pep, &Present),
    body: &[u8],
) -> Result<Vec<u8>, Error> {
    pep.demand(Scope::Decide)?;
    let Object(evaluation): Object<Evaluation<'_>> = object::read(body)?;
    in_account(state, view, &evaluation.complete(&Evaluation::default())?)
}

fn in_account(
    state: &State,
    view: &std::sync::Arc<View>,
    asked: &Complete<'_, '_>,
) -> Result<Vec<u8>, Error> {
    let authorizer = &state.services.authorizer;
    let mapped = Mapped::of(asked);
    let question = match &mapped {
        Ok(mapped) => mapped.question(view.account()),
        Err(invalid) => Err(invalid.clone()),
    };
    let item = question.as_ref().map(|it| (it, None)).map_err(Clone::clone);
    let revision = authorizer.revision_of(view);
    let answer = |decision: &Decision<'_>| answer::evaluation(decision, revision);
    authorizer.decide_item(view, item, answer)?.0.map_err(unwritten)
}

fn in_bundle(bundle: &PresentBundle, asked: &Complete<'_, '_>) -> Result<Vec<u8>, Error> {
    answer::evaluation(&decided(bundle, asked), bundle.version()).map_err(unwritten)
}

/// Returns the decision of a bundle; what cannot be read is denied with the reason.
pub(super) fn decided(bundle: &PresentBundle, asked: &Complete<'_, '_>) -> Decision<'static> {
    let judged = Maps::of(asked).map(|maps| bundle.decide(&maps.query(asked)));
    judged.unwrap_or_else(|invalid| Decision::error(Fault::Request(Box::new(invalid))))
}

/// What is stated in a request to a bundle.
pub(super) struct Maps {
    subject: Option<Properties>,
    action: Option<Properties>,
    resource: Option<Properties>,
    context: Option<Properties>,
}

impl Maps {
    pub(super) fn of(asked: &Complete<'_, '_>) -> Result<Self, Invalid> {
        let Complete { subject, action, resource, context } = asked;
        let map = |field: &str, members: &Option<super::wire::Members<'_>>| {
            members.map(|members| members.to_map(field)).transpose()
        };
        Ok(Self {
            subject: map("subject.properties", &subject.properties)?,
            action: map("action.properties", &action.properties)?,
            resource: map("resource.properties", &resource.properties)?,
            context: map("context", context)?,
        })
    }

    pub(super) fn query<'m>(&'m self, asked: &'m Complete<'_, '_>) -> Query<'m> {
        Query {
            subject: Thing {
                kind: asked.subject.kind,
                id: asked.subject.id,
                properties: self.subject.as_ref(),
            },
            action: asked.action.name,
            action_properties: self.action.as_ref(),
            resource: Thing {
                kind: asked.resource.kind,
                id: asked.resource.id,
                properties: self.resource.as_ref(),
            },
            context: self.context.as_ref(),
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what an error is mapped by")]
pub(super) fn unwritten(error: serde_json::Error) -> Error {
    Error::internal(&error.to_string())
}
