//! Who may, what may be done, and to what: by asking about everything a bundle knows.

use super::{Bundle, Properties, Thing};
use crate::domain::{Decision, Effect, Fault, Invalid, InvalidKind, Reason};

/// What is sought, and what of the request is given.
#[derive(Debug, Clone, Copy)]
pub enum Sought<'q> {
    /// Subjects of a type that may do the action to the resource.
    Subjects {
        /// The type.
        kind: &'q str,
        /// The action.
        action: &'q str,
        /// What is stated of the action.
        properties: Option<&'q Properties>,
        /// The resource.
        resource: Thing<'q>,
    },
    /// Resources of a type that the subject may do the action to.
    Resources {
        /// The type.
        kind: &'q str,
        /// The subject.
        subject: Thing<'q>,
        /// The action.
        action: &'q str,
        /// What is stated of the action.
        properties: Option<&'q Properties>,
    },
    /// Actions that the subject may do to the resource.
    Actions {
        /// The subject.
        subject: Thing<'q>,
        /// The resource.
        resource: Thing<'q>,
    },
}

/// What was found: the id of a subject or resource, or the name of an action.
pub type Found = String;

/// A part of what is found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// In the order of their bytes.
    pub found: Vec<Found>,
    /// How many of all were looked at, where there are more to look at.
    pub next: Option<usize>,
    /// Why something could not be asked or judged.
    pub refused: Option<Fault>,
}

impl Page {
    fn refused(invalid: Invalid) -> Self {
        Self { refused: Some(Fault::Request(Box::new(invalid))), ..Self::default() }
    }
}

impl Bundle {
    /// Returns up to `limit` of what is sought, from the one at the place `from` on, after asking about no more than `most`.
    ///
    /// Who or what is not known is not found, and finds nothing: not everything that a policy would permit can be listed.
    #[must_use]
    pub fn search(
        &self,
        sought: &Sought<'_>,
        context: Option<&Properties>,
        (from, limit, most): (usize, usize, usize),
    ) -> Page {
        let is_known = |thing: &Thing<'_>| {
            let uid = self.uid(thing.kind, thing.id);
            uid.is_some_and(|uid| self.entities.get(&uid).is_some())
        };
        let of_kind = |kind: &str| {
            let ids = self.types.get(kind).and_then(|kind| self.ids.get(kind));
            ids.map_or(&[][..], Vec::as_slice).iter().map(String::as_str).collect::<Vec<_>>()
        };
        let window = (from, limit, most);
        match *sought {
            Sought::Subjects { kind, action, properties, resource } if is_known(&resource) => {
                let prepared = match self.prepare(action, properties, context) {
                    Ok(prepared) => prepared,
                    Err(invalid) => return Page::refused(invalid),
                };
                let may = |id: &str| prepared.judge(Thing::named(kind, id), resource);
                page(&of_kind(kind), window, may)
            }
            Sought::Resources { kind, subject, action, properties } if is_known(&subject) => {
                let prepared = match self.prepare(action, properties, context) {
                    Ok(prepared) => prepared,
                    Err(invalid) => return Page::refused(invalid),
                };
                let may = |id: &str| prepared.judge(subject, Thing::named(kind, id));
                page(&of_kind(kind), window, may)
            }
            Sought::Actions { subject, resource } if is_known(&subject) && is_known(&resource) => {
                let names: Vec<&str> = self.actions.keys().map(String::as_str).collect();
                let may = |name: &str| self.prepare(name, None, context)?.judge(subject, resource);
                page(&names, window, may)
            }
            Sought::Subjects { .. } | Sought::Resources { .. } | Sought::Actions { .. } => {
                Page::default()
            }
        }
    }
}

fn page(
    all: &[&str],
    (from, limit, most): (usize, usize, usize),
    may: impl Fn(&str) -> Result<Decision<'static>, Invalid>,
) -> Page {
    let (mut found, mut refused) = (Vec::new(), None);
    for (at, name) in all.iter().enumerate().skip(from) {
        if found.len() == limit || at - from == most {
            return Page { found, next: Some(at), refused };
        }
        match may(name) {
            Ok(decision) if decision.effect() == Effect::Allow => found.push((*name).to_owned()),
            Ok(decision) if decision.reason == Reason::Error && refused.is_none() => {
                refused = decision.faults.first().cloned();
            }
            Ok(_) => {}
            // Most actions are for other types, and groups for none: that is no reason to complain.
            Err(invalid) if invalid.kind != InvalidKind::InvalidValue => {}
            Err(invalid) => {
                refused.get_or_insert(Fault::Request(Box::new(invalid)));
            }
        }
    }
    Page { found, next: None, refused }
}
