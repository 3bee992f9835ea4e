//! What the service answers.

use std::{
    borrow::Cow,
    sync::{Arc, OnceLock},
};

use super::{CustomRoleId, Invalid, Padded, soon};

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
///
/// Whoever gives it looks at one line of the caches, unless there is much to say: many answers are given in turn, and each line
/// more is waited for.
#[derive(Debug)]
#[repr(align(64))]
pub struct Remembered {
    reason: Reason,
    names_roles: bool,
    note: OnceLock<Note>,
    rest: Box<Rest>,
}

#[cfg(target_os = "linux")]
const _: () = assert!(size_of::<Remembered>() == 64);

/// What is looked at of an answer by those few who want more of it.
#[derive(Debug)]
struct Rest {
    policies: Box<[RememberedPolicy]>,
    /// The bytes beside it, where they are many.
    note: OnceLock<Box<[u8]>>,
}

/// Bytes beside an answer, in as much room as there is left in its line; `None` where they are more.
type Note = Option<Padded<46>>;

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
        let rest = Box::new(Rest { policies: policies.into(), note: OnceLock::new() });
        Self { reason, names_roles, note: OnceLock::new(), rest }
    }

    /// Returns why it is what it is.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// Returns the ids of the policies that explain it.
    #[must_use]
    pub fn policies(&self) -> &[RememberedPolicy] {
        &self.rest.policies
    }

    /// Returns whether ids of custom roles are to be put in.
    #[must_use]
    pub const fn names_roles(&self) -> bool {
        self.names_roles
    }

    /// Returns what whoever gives the answer keeps beside it, made by `make` when it is first asked for: always the same.
    #[inline]
    pub fn note(&self, make: impl Fn() -> Vec<u8>) -> &[u8] {
        match self.note.get_or_init(|| Padded::new(&make())) {
            Some(few) => few.bytes(),
            None => self.rest.note.get_or_init(|| make().into()),
        }
    }

    /// Appends what [`Self::note`] returns.
    #[inline]
    pub fn copy_note(&self, out: &mut Vec<u8>, make: impl Fn() -> Vec<u8>) {
        match self.note.get_or_init(|| Padded::new(&make())) {
            Some(few) => few.append_to(out),
            None => out.extend_from_slice(self.rest.note.get_or_init(|| make().into())),
        }
    }
}

impl PartialEq for Remembered {
    fn eq(&self, other: &Self) -> bool {
        (self.reason, self.policies()) == (other.reason, other.policies())
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
            Self::Remembered(settled) => settled.answer.policies().is_empty(),
        }
    }

    /// Returns the ids.
    pub fn iter(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let (list, names, roles): (&[String], &[RememberedPolicy], HeldRoles<'_>) = match self {
            Self::Listed(list) => (list, &[], HeldRoles::NONE),
            Self::Remembered(Settled { answer, roles }) => (&[], answer.policies(), *roles),
        };
        let composed = move |name: &RememberedPolicy| match name {
            RememberedPolicy::Whole(text) => text.to_string(),
            RememberedPolicy::OfRole(place, rest) => {
                let role = roles.get(*place).map_or("", CustomRoleId::as_str);
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
    /// The custom roles.
    pub roles: HeldRoles<'s>,
}

/// The custom roles of each set that members of a workspace hold, sorted.
pub type RoleLists = Arc<[Arc<[CustomRoleId]>]>;

/// The custom roles of a member. They stand far from what a decision looks at, so they are found when they are asked for.
#[derive(Debug, Clone, Copy)]
pub struct HeldRoles<'s>(Option<(&'s RoleLists, usize)>);

impl<'s> HeldRoles<'s> {
    /// Those of whoever holds none.
    pub const NONE: Self = Self(None);

    /// Returns those of the set that has this place.
    #[must_use]
    pub const fn of(lists: &'s RoleLists, place: usize) -> Self {
        Self(Some((lists, place)))
    }

    /// Asks for where the lists stand.
    #[inline]
    pub fn lists_soon(self) {
        self.0.into_iter().for_each(|(lists, _)| soon(lists));
    }

    /// Asks for what is looked at behind that.
    #[inline]
    pub fn list_soon(self) {
        self.0.and_then(|(lists, set)| lists.get(set)).into_iter().for_each(soon);
    }

    /// Returns the one that has this place among them.
    #[must_use]
    pub fn get(self, place: u8) -> Option<&'s CustomRoleId> {
        let (lists, set) = self.0?;
        lists.get(set)?.get(usize::from(place))
    }
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
