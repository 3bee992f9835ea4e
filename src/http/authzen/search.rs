//! `POST /access/v1/search/…`: which subjects may, to which resources, which actions.
//!
//! Everything that is known is asked about, so that what is found is what evaluation allows. Of an account the subjects are its
//! users and roles, the resources its workspaces: assets live in other services, and are found in none.

use std::{iter::empty, sync::Arc};

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    account::{self, About, Stated, WORKSPACE},
    evaluation::unwritten,
    reached,
    wire::{Complete, Evaluation, Named, Whole},
};
use crate::{
    catalog::{ANY, catalog},
    domain::{Fault, Invalid, PrincipalKind, Scope},
    error::Error,
    http::{
        body,
        decisions::answered,
        error::{ErrorBody, HttpError, fault},
        object::{self, Object, Text},
        state::State,
        token,
    },
    service::{FoundHere, Pep, PresentBundle, Properties, Seek, Sought, Thing, Turn},
};

/// Most results of a page.
const MOST: u64 = 1_000;

#[derive(Deserialize)]
struct Paged<'a> {
    #[serde(borrow, default)]
    page: Option<Object<PageRequest<'a>>>,
}

#[derive(Default, Deserialize)]
struct PageRequest<'a> {
    #[serde(borrow, default)]
    token: Option<Text<'a>>,
    #[serde(default)]
    limit: Option<u64>,
}

#[derive(Serialize)]
struct Answer {
    results: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<PageBody>,
    context: Value,
}

#[derive(Serialize)]
struct PageBody {
    next_token: String,
    count: usize,
}

/// What is sought.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Subjects,
    Resources,
    Actions,
}

/// Answers which subjects may do it.
pub(super) async fn subjects(r: HttpRequest, p: web::Payload) -> Result<HttpResponse, HttpError> {
    answered(&r, search(&r, p, Kind::Subjects).await)
}

/// Answers to which resources it may be done.
pub(super) async fn resources(r: HttpRequest, p: web::Payload) -> Result<HttpResponse, HttpError> {
    answered(&r, search(&r, p, Kind::Resources).await)
}

/// Answers which actions may be done.
pub(super) async fn actions(r: HttpRequest, p: web::Payload) -> Result<HttpResponse, HttpError> {
    answered(&r, search(&r, p, Kind::Actions).await)
}

/// A search with all it must have; what is sought stands as anything of its type.
struct Asked<'e> {
    kind: Kind,
    request: Complete<'e, 'e>,
    /// What results are of: the type of subjects or resources.
    of: &'e str,
    limit: usize,
    token: Option<&'e str>,
    is_paged: bool,
}

async fn search(
    request: &HttpRequest,
    payload: web::Payload,
    kind: Kind,
) -> Result<Vec<u8>, Error> {
    let state = State::of(request)?;
    let body = body::single(request, payload.into_inner(), state);
    let (pep, body) = token::caller_with(request, state, body).await?;
    let bundle = reached(request, state, &pep, Scope::Search)?;
    let Object(evaluation): Object<Evaluation<'_>> = object::read(&body)?;
    let Object(paged): Object<Paged<'_>> = object::read(&body)?;
    let page = paged.page.as_ref().map(|Object(page)| page);
    let asked = asked(kind, &evaluation, page)?;
    let answer = match bundle {
        Some(bundle) => in_bundle(state, &pep, request, bundle, &asked).await?,
        None => in_account(state, &pep, &asked).await?,
    };
    serde_json::to_vec(&answer).map_err(unwritten)
}

fn asked<'e>(
    kind: Kind,
    evaluation: &'e Evaluation<'e>,
    page: Option<&'e PageRequest<'e>>,
) -> Result<Asked<'e>, Error> {
    static NOTHING: std::sync::OnceLock<Evaluation<'static>> = std::sync::OnceLock::new();
    let none: &'e Evaluation<'e> = NOTHING.get_or_init(Evaluation::default);
    let any = |kind| Whole { kind, id: ANY, properties: None };
    let subject = match kind {
        Kind::Subjects => any(evaluation.kind(true)?),
        _ => evaluation.subject(none)?,
    };
    let resource = match kind {
        // What is stated of the resources holds of each.
        Kind::Resources => {
            Whole { properties: evaluation.of_resource(), ..any(evaluation.kind(false)?) }
        }
        _ => evaluation.resource(none)?,
    };
    let action = match kind {
        Kind::Actions => Named { name: "", properties: None },
        _ => evaluation.action(none)?,
    };
    let limit = match page.and_then(|page| page.limit) {
        Some(0) => {
            let help = "give 1 to 1000";
            return Err(Invalid::value("page.limit", "0", "a number of results", help).into());
        }
        limit => usize::try_from(limit.unwrap_or(MOST).min(MOST)).unwrap_or_default(),
    };
    let of = if kind == Kind::Resources { resource.kind } else { subject.kind };
    // An empty token is that of the first page.
    let token = page.and_then(|page| page.token.as_ref()).map(Text::as_str);
    let token = token.filter(|token| !token.is_empty());
    let request = Complete { subject, action, resource, context: evaluation.context() };
    Ok(Asked { kind, request, of, limit, token, is_paged: page.is_some() })
}

impl Asked<'_> {
    /// Returns what tells this search from every other: a token goes on with the one that gave it.
    fn parts(&self, tenant: &str) -> Vec<String> {
        let Complete { subject, action, resource, context } = &self.request;
        let text = |members: Option<super::wire::Members<'_>>| {
            members.map_or_else(String::new, |members| members.text().to_owned())
        };
        let kind = match self.kind {
            Kind::Subjects => "subject",
            Kind::Resources => "resource",
            Kind::Actions => "action",
        };
        let own = [tenant, kind, subject.kind, subject.id, action.name, resource.kind, resource.id];
        let mut parts: Vec<String> = own.iter().map(|it| (*it).to_owned()).collect();
        parts.extend(
            [subject.properties, action.properties, resource.properties, *context].map(text),
        );
        parts.push(self.limit.to_string());
        parts
    }

    fn answer(&self, found: Vec<String>, next: Option<String>, context: Value) -> Answer {
        let count = found.len();
        let result = |name: String| match self.kind {
            Kind::Actions => json!({ "name": name }),
            Kind::Subjects | Kind::Resources => json!({ "type": self.of, "id": name }),
        };
        // Where there is more it is said, whether or not pages were asked for.
        let page = (self.is_paged || next.is_some())
            .then(|| PageBody { next_token: next.unwrap_or_default(), count });
        Answer { results: found.into_iter().map(result).collect(), page, context }
    }
}

async fn in_bundle(
    state: &State,
    pep: &Pep,
    request: &HttpRequest,
    bundle: Arc<PresentBundle>,
    asked: &Asked<'_>,
) -> Result<Answer, Error> {
    let authorizer = &state.services.authorizer;
    let parts = asked.parts(request.match_info().get("bundle").unwrap_or_default());
    let version = bundle.version().to_owned();
    let from = match asked.token {
        None => 0,
        Some(token) => {
            let place = authorizer.read_page(&pep.account, &parts, &version, token)?;
            place.parse().map_err(|_| Error::internal("a page token has no place"))?
        }
    };
    let whole = |it: Whole<'_, '_>, field: &str| -> Result<Owned, Invalid> {
        let properties = it.properties.map(|members| members.to_map(field)).transpose()?;
        Ok(Owned { kind: it.kind.to_owned(), id: it.id.to_owned(), properties })
    };
    let map = |members: Option<super::wire::Members<'_>>, field: &str| {
        members.map(|members| members.to_map(field)).transpose()
    };
    let Complete { subject, action, resource, context } = asked.request;
    let subject = whole(subject, "subject.properties")?;
    let resource = whole(resource, "resource.properties")?;
    let (name, properties) = (action.name.to_owned(), map(action.properties, "action.properties")?);
    let (context, kind) = (map(context, "context")?, asked.kind);
    let find = move |bundle: &PresentBundle, window: (usize, usize, usize)| {
        let (action, properties) = (name.as_str(), properties.as_ref());
        let sought = match kind {
            Kind::Subjects => Sought::Subjects {
                kind: &subject.kind,
                action,
                properties,
                resource: resource.thing(),
            },
            // What is stated of all resources of a type is not true of any: each is judged as it is known.
            Kind::Resources => {
                let subject = subject.thing();
                Sought::Resources { kind: &resource.kind, subject, action, properties }
            }
            Kind::Actions => {
                Sought::Actions { subject: subject.thing(), resource: resource.thing() }
            }
        };
        bundle.find(&sought, context.as_ref(), window)
    };
    let found = state.services.bundles.search(bundle, (from, asked.limit), find).await?;
    let next =
        found.next.map(|at| authorizer.page_token(&pep.account, &parts, &version, &at.to_string()));
    let context = told(&version, found.refused, None)?;
    Ok(asked.answer(found.found, next, context))
}

/// Somebody or something, to be looked at on another thread.
struct Owned {
    kind: String,
    id: String,
    properties: Option<Properties>,
}

impl Owned {
    fn thing(&self) -> Thing<'_> {
        Thing { kind: &self.kind, id: &self.id, properties: self.properties.as_ref() }
    }
}

async fn in_account(state: &State, pep: &Pep, asked: &Asked<'_>) -> Result<Answer, Error> {
    let authorizer = &state.services.authorizer;
    let view = authorizer.view_for(&pep.account, None, empty()).await?;
    let revision = authorizer.revision_of(&view).to_owned();
    let parts = asked.parts("");
    let after = asked
        .token
        .map(|token| authorizer.read_page(&pep.account, &parts, &revision, token))
        .transpose()?;
    let Some(seek) = seek(asked) else {
        return Ok(asked.answer(Vec::new(), None, told(&revision, None, Some(note(asked)))?));
    };
    let Complete { subject, action, resource, context } = asked.request;
    let (context, stated) = (account::context(context)?, Stated::of(resource.properties)?);
    let ask = |name| {
        let about = About {
            principal: (subject.kind, if asked.kind == Kind::Subjects { name } else { subject.id }),
            action: if asked.kind == Kind::Actions { name } else { action.name },
            resource: (
                resource.kind,
                if asked.kind == Kind::Resources { name } else { resource.id },
            ),
        };
        stated.question(&about, &pep.account)
    };
    let (window, mut turn) = ((after.as_deref(), asked.limit), Turn::begin(&pep.account));
    let FoundHere { found, next, refused } =
        authorizer.search(&view, seek, ask, &context, window, &mut turn).await?;
    let next = next.map(|place| authorizer.page_token(&pep.account, &parts, &revision, &place));
    Ok(asked.answer(found, next, told(&revision, refused, None)?))
}

/// Returns what is told beside results.
fn told(
    revision: &str,
    refused: Option<Fault>,
    note: Option<&'static str>,
) -> Result<Value, Error> {
    let mut told = json!({ "revision": revision });
    if let Value::Object(told) = &mut told {
        if let Some(refused) = refused {
            let error = match refused {
                Fault::Request(invalid) => account::in_words_of_authzen(*invalid).into(),
                Fault::Evaluation(_) => fault(&refused),
            };
            let body = serde_json::to_value(ErrorBody::from(&error)).map_err(unwritten)?;
            told.insert("refused".to_owned(), body);
        }
        if let Some(note) = note {
            told.insert("note".to_owned(), note.into());
        }
    }
    Ok(told)
}

/// Returns why there is nothing to look for.
fn note(asked: &Asked<'_>) -> &'static str {
    if asked.kind == Kind::Subjects {
        return "subjects of this type are not known: search for `User`, `RamRole` or `Account`";
    }
    match catalog().resource_type(asked.of) {
        Some(_) => {
            "assets live in other services, which alone can list them: search for `workspace`, or ask about those you list"
        }
        None => "resources of this type are not known: search for `workspace`",
    }
}

/// Returns what to look for; `None` where nothing of the kind is known here.
fn seek<'e>(asked: &Asked<'e>) -> Option<Seek<'e>> {
    match asked.kind {
        Kind::Subjects => PrincipalKind::parse(asked.of).map(Seek::Principals),
        Kind::Resources => (asked.of == WORKSPACE).then_some(Seek::Workspaces),
        // To a workspace also what is within it may be done.
        Kind::Actions => {
            Some(Seek::Actions(Some(asked.request.resource.kind).filter(|kind| *kind != WORKSPACE)))
        }
    }
}
