//! `POST /access/v1/evaluations`: many requests, with what they have in common said once.

use std::{iter::empty, ops::ControlFlow};

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    account::Mapped,
    answer,
    evaluation::{decided, unwritten},
    reached,
    wire::{Action, Complete, Entity, Evaluation, Members},
};
use crate::{
    domain::{AccountId, Decision, Effect, Fault, Invalid, Scope},
    error::{Error, ErrorCode},
    http::{
        body,
        decisions::{answered, write_revision},
        error::HttpError,
        object::{self, Object, Text},
        state::State,
        token,
    },
    service::{Authorizer, PresentBundle, Turn},
};

/// After how many decisions that are looked up the thread serves others.
const FAIR: usize = 64;

/// The defaults, and the items as `I`.
#[derive(Deserialize)]
#[serde(bound(deserialize = "I: Deserialize<'de>"))]
struct Envelope<'a, I> {
    #[serde(borrow, default)]
    subject: Option<Object<Entity<'a>>>,
    #[serde(borrow, default)]
    action: Option<Object<Action<'a>>>,
    #[serde(borrow, default)]
    resource: Option<Object<Entity<'a>>>,
    #[serde(borrow, default)]
    context: Option<Members<'a>>,
    #[serde(default)]
    evaluations: Option<Vec<I>>,
    #[serde(borrow, default)]
    options: Option<Object<Options<'a>>>,
}

#[derive(Default, Deserialize)]
struct Options<'a> {
    #[serde(borrow, default)]
    evaluations_semantic: Option<Text<'a>>,
}

/// When to stop.
#[derive(Clone, Copy)]
enum Semantic {
    ExecuteAll,
    DenyOnFirstDeny,
    PermitOnFirstPermit,
}

impl Semantic {
    fn parse(text: &str) -> Result<Self, Invalid> {
        match text {
            "execute_all" => Ok(Self::ExecuteAll),
            "deny_on_first_deny" => Ok(Self::DenyOnFirstDeny),
            "permit_on_first_permit" => Ok(Self::PermitOnFirstPermit),
            _ => {
                let help = "give `execute_all`, `deny_on_first_deny` or `permit_on_first_permit`";
                Err(Invalid::value("options.evaluations_semantic", text, "a semantic", help))
            }
        }
    }

    /// Returns whether to go on after a decision.
    fn after(self, effect: Effect) -> ControlFlow<()> {
        match (self, effect) {
            (Self::DenyOnFirstDeny, Effect::Deny) | (Self::PermitOnFirstPermit, Effect::Allow) => {
                ControlFlow::Break(())
            }
            _ => ControlFlow::Continue(()),
        }
    }
}

/// Answers many requests, in their order.
pub(super) async fn evaluations(
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, HttpError> {
    answered(&request, evaluated(&request, payload).await)
}

async fn evaluated(request: &HttpRequest, payload: web::Payload) -> Result<Vec<u8>, Error> {
    let state = State::of(request)?;
    let body = body::batch(request, payload.into_inner(), state);
    let (pep, body) = token::caller_with(request, state, body).await?;
    let bundle = reached(request, state, &pep, Scope::Decide)?;
    let Read { defaults, items, options } = read(&body)?;
    let Object(options) = options.unwrap_or_default();
    let semantic = options.evaluations_semantic.as_ref().map(|text| Semantic::parse(text.as_str()));
    let semantic = semantic.transpose()?.unwrap_or(Semantic::ExecuteAll);
    if items.len() > Authorizer::MAX_BATCH {
        let message = format!("there are {} evaluations", items.len());
        let help = format!("give at most {}, and split more", Authorizer::MAX_BATCH);
        let error = Error::new(ErrorCode::TooManyItems, message, help);
        return Err(error.about("evaluations", &items.len().to_string()));
    }
    // Without items it is one request.
    let alone = items.is_empty();
    let items = if alone { vec![Ok(Evaluation::default())] } else { items };
    let asked: Vec<_> = items
        .iter()
        .map(|item| item.as_ref().map_err(Invalid::clone).and_then(|it| it.complete(&defaults)))
        .collect();
    if alone && let Some(Err(invalid)) = asked.first() {
        return Err(invalid.clone().into());
    }
    let answers = Answers::begin(alone, asked.len());
    match bundle {
        Some(bundle) => in_bundle(&bundle, asked, semantic, answers).await,
        None => in_account(state, &pep.account, asked, semantic, answers).await,
    }
}

/// What is asked, or why it could not be read.
type Asked<'e> = Vec<Result<Complete<'e, 'e>, Invalid>>;

async fn in_bundle(
    bundle: &PresentBundle,
    asked: Asked<'_>,
    semantic: Semantic,
    mut answers: Answers,
) -> Result<Vec<u8>, Error> {
    for asked in asked {
        let decision = match asked {
            Ok(asked) => decided(bundle, &asked),
            Err(invalid) => Decision::error(Fault::Request(Box::new(invalid))),
        };
        answers.push(&decision);
        if semantic.after(decision.effect()).is_break() {
            break;
        }
        // What a bundle takes is whoever wrote it to say: others are served between.
        tokio::task::yield_now().await;
    }
    answers.end(bundle.version())
}

async fn in_account(
    state: &State,
    account: &AccountId,
    asked: Asked<'_>,
    semantic: Semantic,
    mut answers: Answers,
) -> Result<Vec<u8>, Error> {
    let authorizer = &state.services.authorizer;
    let view = authorizer.view_for(account, None, empty()).await?;
    let mut turn = Turn::begin(account);
    for (at, asked) in asked.into_iter().enumerate() {
        // One at a time: what they have in common is said once, and would be kept for each.
        let mapped = asked.and_then(|asked| Mapped::of(&asked));
        let question = match &mapped {
            Ok(mapped) => mapped.question(account),
            Err(invalid) => Err(invalid.clone()),
        };
        let is_plain = mapped.as_ref().is_ok_and(Mapped::has_no_context);
        let item = question.as_ref().map(|it| (it, None)).map_err(Clone::clone);
        let (effect, was_looked_up) = authorizer.decide_item(&view, item, |decision| {
            answers.push(decision);
            decision.effect()
        })?;
        if semantic.after(effect).is_break() {
            break;
        }
        if !(is_plain && was_looked_up) || at % FAIR == FAIR - 1 {
            turn.share().await?;
            if turn.is_spent() {
                return Err(Turn::spent("evaluations"));
            }
        }
    }
    answers.end(authorizer.revision_of(&view))
}

/// A body that was read: items that could not be with the reason.
struct Read<'b> {
    defaults: Evaluation<'b>,
    items: Vec<Result<Evaluation<'b>, Invalid>>,
    options: Option<Object<Options<'b>>>,
}

impl<'b> Read<'b> {
    fn of<I>(
        envelope: Envelope<'b, I>,
        item: impl Fn(I) -> Result<Evaluation<'b>, Invalid>,
    ) -> Self {
        let Envelope { subject, action, resource, context, evaluations, options } = envelope;
        let defaults = Evaluation { subject, action, resource, context };
        let items = evaluations.into_iter().flatten().map(item).collect();
        Self { defaults, items, options }
    }
}

fn read(body: &[u8]) -> Result<Read<'_>, Error> {
    // Most are sound, and read at once.
    if let Some(Object(sound)) = object::read_sound::<Object<Envelope<'_, Object<_>>>>(body) {
        return Ok(Read::of(sound, |Object(item)| Ok(item)));
    }
    let Object(envelope): Object<Envelope<'_, &RawValue>> = object::read(body)?;
    Ok(Read::of(envelope, |item| {
        let read = object::read::<Object<Evaluation<'_>>>(item.get().as_bytes());
        read.map(|Object(item)| item).map_err(|refusal| refusal.to_invalid())
    }))
}

/// The answers, as far as they are written.
struct Answers {
    alone: bool,
    out: Vec<u8>,
    failed: Option<serde_json::Error>,
}

impl Answers {
    fn begin(alone: bool, count: usize) -> Self {
        let mut out = Vec::with_capacity(64 + 200 * count);
        if !alone {
            out.extend_from_slice(b"{\"evaluations\":[");
        }
        Self { alone, out, failed: None }
    }

    fn push(&mut self, decision: &Decision<'_>) {
        if self.out.last() == Some(&b'}') {
            self.out.push(b',');
        }
        if let Err(error) = answer::write(&mut self.out, decision, None) {
            self.failed = Some(error);
        }
    }

    /// Returns the answer; the revision stands once, beside them.
    fn end(mut self, revision: &str) -> Result<Vec<u8>, Error> {
        if self.alone {
            // In the context of the only one, as of any single answer.
            self.out.truncate(self.out.len().saturating_sub(2));
            write_revision(&mut self.out, revision);
            self.out.extend_from_slice(b"}}");
        } else {
            self.out.push(b']');
            write_revision(&mut self.out, revision);
            self.out.push(b'}');
        }
        self.failed.map_or(Ok(self.out), |error| Err(unwritten(error)))
    }
}
