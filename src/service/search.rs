//! Who may, where, and what: by asking about every principal, workspace or action that is known, on one view.
//!
//! What is found is what a request for a decision would allow, for each was asked.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use super::{Authorizer, Turn, View, keyring::feed};
use crate::{
    catalog::catalog,
    domain::{
        AccountId, ContextValue, Effect, Fault, Invalid, InvalidKind, PrincipalKind, Question,
        Reason, UserName, WorkspaceId,
    },
    engine::Engine,
    error::Error,
};

/// What is sought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seek<'v> {
    /// Principals of a kind, in the order of their names.
    Principals(PrincipalKind),
    /// Workspaces, in the order of their ids.
    Workspaces,
    /// Actions, in the order of the catalogue; those that can be about a resource type, where one is named that is known.
    Actions(Option<&'v str>),
    /// Those of these actions.
    Named(&'v [&'v str]),
}

/// A part of what was found.
#[derive(Debug, Default)]
pub struct FoundHere {
    /// Ids of principals or workspaces, or names of actions.
    pub found: Vec<String>,
    /// After which to go on, where there is more to look at: a text for [`Authorizer::search`] alone.
    pub next: Option<String>,
    /// Why something could not be asked or judged, where that is not of the nature of what is sought: an attribute that actions need
    /// and the question does not state, a value that is none, or one of another type than a policy compares it with.
    pub refused: Option<Fault>,
}

/// How many are asked about for one page.
const LOOKED_AT: usize = 20_000;

/// Somebody or something that is asked about: what it is called, and where it stands.
struct Candidate<'v> {
    name: &'v str,
    place: Place<'v>,
}

#[derive(Clone, Copy)]
enum Place<'v> {
    Text(&'v str),
    Number(usize),
}

impl Place<'_> {
    fn text(self) -> String {
        match self {
            Self::Text(text) => text.to_owned(),
            Self::Number(number) => number.to_string(),
        }
    }
}

impl Authorizer {
    /// Returns what goes on behind a place with a search, for that search at that revision alone. `query` is what tells it from
    /// every other.
    #[must_use]
    pub fn page_token(
        &self,
        account: &AccountId,
        query: &[String],
        revision: &str,
        place: &str,
    ) -> String {
        let marks = [digest(query), digest(&[revision.to_owned()])].concat();
        self.keyring().page_token(account, &[&marks, place].concat())
    }

    /// Returns the place behind which a token goes on.
    ///
    /// # Errors
    /// A token that was edited, or is of another search or an older revision.
    pub fn read_page(
        &self,
        account: &AccountId,
        query: &[String],
        revision: &str,
        token: &str,
    ) -> Result<String, Invalid> {
        let refuse =
            |expected: &str, help: &str| Err(Invalid::value("page.token", token, expected, help));
        let help = "give the `next_token` of the page before, unedited";
        let Some(place) = self.keyring().read_page_token(account, token) else {
            return refuse("a token of this service", help);
        };
        let parts = place.split_at_checked(DIGEST).and_then(|(query, rest)| {
            let (at, place) = rest.split_at_checked(DIGEST)?;
            Some((query, at, place))
        });
        match parts {
            Some((of, at, place)) if of == digest(query) => {
                if at == digest(&[revision.to_owned()]) {
                    return Ok(place.to_owned());
                }
                let help = "something was changed since: search again from the first page";
                refuse("a token of the present revision", help)
            }
            _ => {
                refuse("a token of this search", "send the same search with it, and the same limit")
            }
        }
    }

    /// Returns up to `limit` of what is sought, behind the place `after`; fewer where `turn` is spent before. `ask` makes the question
    /// about one of them, which has no context of its own: `context` is that of all.
    ///
    /// # Errors
    /// A workspace that cannot be read now: then nothing is known for sure.
    pub async fn search<'q>(
        &self,
        view: &'q Arc<View>,
        seek: Seek<'q>,
        ask: impl Fn(&'q str) -> Result<Question<'q>, Invalid>,
        context: &BTreeMap<String, ContextValue>,
        (after, limit): (Option<&str>, usize),
        turn: &mut Turn<'_>,
    ) -> Result<FoundHere, Error> {
        let mut out = FoundHere::default();
        // Looked at once, and borrowed by all.
        if let Err(invalid) = view.snapshot.engine().check_context(context) {
            return Ok(FoundHere { refused: Some(Fault::Request(Box::new(invalid))), ..out });
        }
        let mut context = Cow::Borrowed(context);
        self.tell_time(&mut context);
        let mut last = None;
        let engine = view.snapshot.engine();
        for (looked, candidate) in candidates(engine, view, seek, after).enumerate() {
            turn.share().await?;
            if out.found.len() == limit || looked == LOOKED_AT || turn.is_spent() {
                out.next = last.map(Place::text);
                break;
            }
            last = Some(candidate.place);
            let resolved =
                ask(candidate.name).and_then(|question| self.resolve(view.account(), question));
            match resolved {
                Ok(mut request) => {
                    request.context = Cow::Borrowed(&context);
                    view.check_readable(request.resource.workspace())?;
                    let decision = self.judge_quietly(view, &mut request);
                    if decision.effect() == Effect::Allow {
                        out.found.push(candidate.name.to_owned());
                    } else if out.refused.is_none() && decision.reason == Reason::Error {
                        out.refused = decision.faults.first().cloned();
                    }
                }
                Err(invalid) => {
                    let of_actions = matches!(seek, Seek::Actions(_) | Seek::Named(_));
                    if out.refused.is_none() && (!of_actions || is_of_no_action(&invalid)) {
                        out.refused = Some(Fault::Request(Box::new(invalid)));
                    }
                }
            }
        }
        Ok(out)
    }
}

/// Returns whether a refusal says what is wrong with a question, whatever the action. Most actions are of other types or of the
/// account: that is no reason to complain.
fn is_of_no_action(refusal: &Invalid) -> bool {
    match refusal.kind {
        InvalidKind::MissingField | InvalidKind::InvalidValue => true,
        InvalidKind::UnknownType => {
            let is_known = |kind: &str| catalog().resource_type(kind).is_some();
            refusal.field == "resource.type" && !refusal.value.as_deref().is_some_and(is_known)
        }
        _ => false,
    }
}

/// Length of a digest, in characters.
const DIGEST: usize = 32;

fn digest(parts: &[String]) -> String {
    let mut hasher = blake3::Hasher::new();
    let parts: Vec<&[u8]> = parts.iter().map(String::as_bytes).collect();
    feed(&mut hasher, &parts);
    hasher.finalize().to_hex().get(..DIGEST).unwrap_or_default().to_owned()
}

fn candidates<'v>(
    engine: &'v Engine,
    view: &'v View,
    seek: Seek<'v>,
    after: Option<&str>,
) -> Box<dyn Iterator<Item = Candidate<'v>> + 'v> {
    match seek {
        Seek::Principals(PrincipalKind::Account) => {
            let account = view.account().as_str();
            let is_first = after.is_none();
            Box::new(
                is_first
                    .then_some(Candidate { name: account, place: Place::Text(account) })
                    .into_iter(),
            )
        }
        Seek::Principals(kind) => {
            // Tokens carry places that stood here once.
            let after = after.and_then(|name| UserName::parse(name).ok());
            Box::new(view.named_after(kind, after.as_ref()).map(|identity| Candidate {
                name: identity.principal.id.as_str(),
                place: Place::Text(identity.name.as_str()),
            }))
        }
        Seek::Workspaces => {
            let after = after.and_then(|id| WorkspaceId::parse(id).ok());
            Box::new(view.workspaces_after(after.as_ref()).map(|workspace| {
                let id = workspace.id.as_str();
                Candidate { name: id, place: Place::Text(id) }
            }))
        }
        Seek::Actions(about) => {
            let first = after.and_then(|at| at.parse::<usize>().ok()).map_or(0, |at| at + 1);
            let kind = about.and_then(|kind| engine.catalog().resource_type(kind));
            let actions = catalog().actions().iter().enumerate().skip(first);
            let actions =
                actions.filter(move |(_, it)| kind.is_none_or(|kind| engine.applies(it, kind)));
            Box::new(actions.map(|(at, it)| Candidate { name: it.name, place: Place::Number(at) }))
        }
        Seek::Named(names) => Box::new(
            names.iter().enumerate().map(|(at, name)| Candidate { name, place: Place::Number(at) }),
        ),
    }
}
