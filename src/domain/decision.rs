//! What the service answers.

use std::{
    borrow::Cow,
    sync::{Arc, OnceLock},
};

use super::{CustomRoleId, Invalid};

/// `Allow` or `Deny`; there is no third answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// The request is granted.
    Allow,
    /// The request is refused.
    Deny,
}

impl Effect {
    /// Returns the spelling of the interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "Allow",
            Self::Deny => "Deny",
        }
    }
}

/// Why a decision is what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// A policy permits and none forbids.
    ExplicitAllow,
    /// A policy forbids.
    ExplicitDeny,
    /// No policy permits, or the principal or workspace is not known.
    ImplicitDeny,
    /// The request could not be judged, which denies it.
    Error,
}

impl Reason {
    /// Returns the spelling of the interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ExplicitAllow => "explicit_allow",
            Self::ExplicitDeny => "explicit_deny",
            Self::ImplicitDeny => "implicit_deny",
            Self::Error => "error",
        }
    }

    /// Returns the effect that goes with it: only an explicit allow allows.
    #[must_use]
    pub const fn effect(self) -> Effect {
        match self {
            Self::ExplicitAllow => Effect::Allow,
            Self::ExplicitDeny | Self::ImplicitDeny | Self::Error => Effect::Deny,
        }
    }
}

/// What went wrong while a request was judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The request itself is wrong; alone it would have been refused.
    Request(Box<Invalid>),
    /// A policy failed to evaluate; its id, without the engine's words.
    Evaluation(String),
}

/// An answer that is made once and given many times.
#[derive(Debug)]
pub struct Remembered {
    reason: Reason,
    names_roles: bool,
    policies: Box<[RememberedPolicy]>,
    note: OnceLock<Note>,
}

/// Bytes beside an answer: if they are few they stand in it, for it is just being looked at, and another place would be waited for.
#[derive(Debug)]
enum Note {
    Here(u8, [u8; HERE]),
    There(Box<[u8]>),
}

/// Bytes that stand in an answer: with them it fills three lines of the caches, counts of an [`Arc`] included.
const HERE: usize = 132;

impl Note {
    fn new(bytes: Vec<u8>) -> Self {
        let mut here = [0; HERE];
        match (u8::try_from(bytes.len()), here.get_mut(..bytes.len())) {
            (Ok(len), Some(place)) => {
                place.copy_from_slice(&bytes);
                Self::Here(len, here)
            }
            _ => Self::There(bytes.into()),
        }
    }

    #[inline]
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Here(len, bytes) => bytes.get(..usize::from(*len)).unwrap_or_default(),
            Self::There(bytes) => bytes,
        }
    }

    #[inline]
    fn copy_to(&self, out: &mut Vec<u8>) {
        match self {
            Self::Here(len, bytes) => {
                // All of them, and then fewer: a copy whose length is known takes no guess at it.
                let end = out.len() + usize::from(*len);
                out.extend_from_slice(bytes);
                out.truncate(end);
            }
            Self::There(bytes) => out.extend_from_slice(bytes),
        }
    }
}

/// The id of a policy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RememberedPolicy {
    /// As it is.
    Whole(Arc<str>),
    /// `<role>/<rest>`, of a custom role: its place among those of the member, and the rest. What such roles are answered is
    /// shared by all that grant the same, and their ids are not.
    OfRole(u8, Arc<str>),
}

impl Remembered {
    /// Returns an answer with the ids of the policies that explain it, in their order.
    #[must_use]
    pub fn new(reason: Reason, policies: Vec<RememberedPolicy>) -> Self {
        let names_roles = policies.iter().any(|it| matches!(it, RememberedPolicy::OfRole(..)));
        Self { reason, names_roles, policies: policies.into(), note: OnceLock::new() }
    }

    /// Returns why it is what it is.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// Returns the ids of the policies that explain it.
    #[must_use]
    pub const fn policies(&self) -> &[RememberedPolicy] {
        &self.policies
    }

    /// Returns whether ids of custom roles are to be put in.
    #[must_use]
    pub const fn names_roles(&self) -> bool {
        self.names_roles
    }

    /// Returns what whoever gives the answer keeps beside it, made by `make` when it is first asked for.
    #[inline]
    pub fn note(&self, make: impl FnOnce() -> Vec<u8>) -> &[u8] {
        self.note.get_or_init(|| Note::new(make())).bytes()
    }

    /// Appends what [`Self::note`] returns.
    #[inline]
    pub fn copy_note(&self, out: &mut Vec<u8>, make: impl FnOnce() -> Vec<u8>) {
        self.note.get_or_init(|| Note::new(make())).copy_to(out);
    }
}

impl PartialEq for Remembered {
    fn eq(&self, other: &Self) -> bool {
        (self.reason, &self.policies) == (other.reason, &other.policies)
    }
}

impl Eq for Remembered {}

/// The ids of the policies that explain a decision, sorted; none for an implicit deny.
#[derive(Debug, Clone)]
pub enum Policies<'s> {
    /// A list of its own.
    Listed(Vec<String>),
    /// Those of an answer that was given before.
    Remembered(Settled<'s>),
}

impl Policies<'_> {
    /// Returns whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Listed(list) => list.is_empty(),
            Self::Remembered(settled) => settled.answer.policies.is_empty(),
        }
    }

    /// Returns the ids.
    pub fn iter(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let (list, names, roles): (&[String], &[RememberedPolicy], &[CustomRoleId]) = match self {
            Self::Listed(list) => (list, &[], &[]),
            Self::Remembered(Settled { answer, roles }) => (&[], &answer.policies, roles),
        };
        let composed = move |name: &RememberedPolicy| match name {
            RememberedPolicy::Whole(text) => text.to_string(),
            RememberedPolicy::OfRole(place, rest) => {
                let role = roles.get(usize::from(*place)).map_or("", CustomRoleId::as_str);
                format!("{role}/{rest}")
            }
        };
        let listed = list.iter().map(|id| Cow::Borrowed(id.as_str()));
        listed.chain(names.iter().map(move |name| Cow::Owned(composed(name))))
    }

    /// Returns the ids as a list of their own.
    #[must_use]
    pub fn to_vec(&self) -> Vec<String> {
        self.iter().map(Cow::into_owned).collect()
    }
}

impl Default for Policies<'_> {
    fn default() -> Self {
        Self::Listed(Vec::new())
    }
}

impl PartialEq for Policies<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Policies<'_> {}

/// A decision that was looked up: an answer that was given before, to a member with these custom roles.
#[derive(Debug, Clone, Copy)]
pub struct Settled<'s> {
    /// The answer.
    pub answer: &'s Remembered,
    /// The custom roles, sorted.
    pub roles: &'s [CustomRoleId],
}

/// The answer to one request. Its effect follows from the reason, so that the two cannot disagree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision<'s> {
    /// Why.
    pub reason: Reason,
    /// What explains it.
    pub determining_policies: Policies<'s>,
    /// What went wrong; not empty only with [`Reason::Error`].
    pub faults: Vec<Fault>,
}

impl<'s> From<Settled<'s>> for Decision<'s> {
    #[inline]
    fn from(settled: Settled<'s>) -> Self {
        let determining_policies = Policies::Remembered(settled);
        Self { reason: settled.answer.reason, determining_policies, faults: Vec::new() }
    }
}

impl Decision<'_> {
    /// Returns the denial nothing explains.
    #[must_use]
    pub const fn implicit_deny() -> Self {
        Self::listed(Reason::ImplicitDeny, Vec::new())
    }

    /// Returns a decision with a list of policies of its own.
    #[must_use]
    pub const fn listed(reason: Reason, policies: Vec<String>) -> Self {
        Self { reason, determining_policies: Policies::Listed(policies), faults: Vec::new() }
    }

    /// Returns the denial of a request that could not be judged.
    #[must_use]
    pub fn error(fault: Fault) -> Self {
        Self { faults: vec![fault], ..Self::listed(Reason::Error, Vec::new()) }
    }

    /// Returns `Allow` or `Deny`.
    #[must_use]
    pub const fn effect(&self) -> Effect {
        self.reason.effect()
    }

    /// Returns the decision by itself, to be kept longer than what it was made by.
    #[must_use]
    pub fn into_owned(self) -> Decision<'static> {
        let determining_policies = Policies::Listed(match self.determining_policies {
            Policies::Listed(list) => list,
            remembered @ Policies::Remembered(_) => remembered.to_vec(),
        });
        Decision { reason: self.reason, determining_policies, faults: self.faults }
    }
}
