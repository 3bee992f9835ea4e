//! Looks up what roles answer, in steps: each looks at what the one before has found, and while that comes from memory other
//! look-ups can take theirs.

use super::{
    Snapshot,
    resolve::Brief,
    snapshot::Door,
    table::{Case, Table},
};
use crate::domain::{ActionId, CustomRoleId, PrincipalKind, RoleSet, Settled};

/// What somebody holds is found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Begun<'s> {
    held: Held<'s>,
    kind: PrincipalKind,
    action: ActionId,
    case: Case,
    /// Whether the principal may have RAM documents, which deny or grant what roles do not.
    pub(super) may_have_documents: bool,
}

/// Whose answers count.
#[derive(Debug, Clone, Copy)]
enum Held<'s> {
    Table(&'s Table),
    /// Those of a set of roles with custom ones, by its place.
    Set(&'s Door, usize),
}

impl<'s> Begun<'s> {
    /// Finds the answers; `None` where there are none, which is a defect.
    #[inline]
    pub(super) fn open(self) -> Option<Opened<'s>> {
        let (table, roles) = match self.held {
            Held::Table(table) => (table, &[][..]),
            Held::Set(door, place) => {
                let set = door.sets.get(place)?;
                (set.table(self.kind), &*set.custom)
            }
        };
        Some(Opened { table, row: table.row(self.action)?, case: self.case, roles })
    }
}

/// The answers are found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opened<'s> {
    table: &'s Table,
    row: usize,
    case: Case,
    roles: &'s [CustomRoleId],
}

impl<'s> Opened<'s> {
    /// Finds where the answer stands; `None` where there is none, which is a defect.
    #[inline]
    pub(super) fn place(self) -> Option<Placed<'s>> {
        let Self { table, row, case, roles } = self;
        Some(Placed { table, number: table.number(row, case)?, roles })
    }
}

/// Where the answer stands is found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placed<'s> {
    table: &'s Table,
    number: usize,
    roles: &'s [CustomRoleId],
}

impl<'s> Placed<'s> {
    /// Finds the answer; `None` where there is none, which is a defect.
    #[inline]
    pub(super) fn settle(self) -> Option<Settled<'s>> {
        Some(Settled { answer: self.table.answer(self.number)?, roles: self.roles })
    }
}

impl Snapshot {
    /// Finds what the principal holds; `None` where there is nothing it is answered by, which is a defect.
    #[expect(
        clippy::inline_always,
        reason = "it is words, else written one by one and then read together, which waits"
    )]
    #[inline(always)]
    pub(super) fn begin(&self, brief: &Brief) -> Option<Begun<'_>> {
        let &Brief { principal, kind, action, .. } = brief;
        let roles = &self.engine.roles;
        let begun = |held, may_have_documents| {
            let case = brief.case.unwrap_or(Case::ACCOUNT);
            Some(Begun { held, kind, action, case, may_have_documents })
        };
        let denied = || begun(Held::Table(roles.nothing()), false);
        let door = match brief.workspace.map(|id| self.door(id)) {
            None => None,
            Some(None) => return denied(),
            Some(known) => known,
        };
        if brief.case.is_none() {
            return denied();
        }
        if kind == PrincipalKind::Account {
            // The main account has everything by being it; roles it may hold as a member add nothing.
            if principal != self.account_digits {
                return denied();
            }
            return begun(Held::Table(roles.of_builtin(kind, 0)?), false);
        }
        let held = door.and_then(|door| Some((door, door.role_set(principal)?)));
        let is_plain = held.is_some()
            && kind == PrincipalKind::User
            && principal != self.account_digits
            && (self.exceptions.is_empty() || self.exceptions.get(principal).is_none());
        let mut may_have_documents = false;
        if !is_plain {
            match self.people.get(principal) {
                Some(person) if person.kind == kind => may_have_documents = person.has_documents,
                _ => return denied(),
            }
        }
        let held = match held {
            Some((door, RoleSet::Custom(place))) => Held::Set(door, place),
            Some((_, RoleSet::Builtin(set))) => Held::Table(roles.of_builtin(kind, set)?),
            None => Held::Table(roles.of_builtin(kind, 0)?),
        };
        begun(held, may_have_documents)
    }

    /// Returns whether RAM documents may have a say beside what roles answer.
    #[inline]
    pub(super) fn documents_have_say(&self, begun: &Begun<'_>, brief: &Brief) -> bool {
        begun.may_have_documents
            && self.attached.are_about(&self.engine, brief.principal, brief.action)
    }
}

/// Look-ups on their way, some at a time, for whoever has many to make: what one waits for comes while the next is read.
#[derive(Debug)]
pub struct LookUps<'s> {
    snapshot: &'s Snapshot,
    begun: Option<Begun<'s>>,
    opened: Option<Opened<'s>>,
    placed: Option<Placed<'s>>,
    settled: Option<Settled<'s>>,
}

impl<'s> LookUps<'s> {
    /// How many are on their way at most.
    const STEPS: usize = 4;

    /// Returns none, on a snapshot.
    #[must_use]
    pub const fn new(snapshot: &'s Snapshot) -> Self {
        Self { snapshot, begun: None, opened: None, placed: None, settled: None }
    }

    /// Begins one, takes those before it a step further, and tells the decision of the one that ends, if one does. They end in
    /// the order they began.
    ///
    /// `None` where one is not settled by a look-up.
    #[must_use]
    #[inline]
    pub fn begin(&mut self, brief: &Brief, tell: impl FnOnce(Settled<'s>)) -> Option<()> {
        let begun = self.snapshot.begin(brief);
        if self.snapshot.documents_have_say(begun.as_ref()?, brief) {
            return None;
        }
        self.step(begun, tell)
    }

    /// Takes all to their end, and tells their decisions.
    ///
    /// `None` where one is not settled by a look-up.
    #[must_use]
    pub fn end(mut self, mut tell: impl FnMut(Settled<'s>)) -> Option<()> {
        for _ in 0..Self::STEPS {
            self.step(None, &mut tell)?;
        }
        Some(())
    }

    #[inline]
    fn step(&mut self, next: Option<Begun<'s>>, tell: impl FnOnce(Settled<'s>)) -> Option<()> {
        if let Some(settled) = self.settled.take() {
            tell(settled);
        }
        if let Some(placed) = self.placed.take() {
            self.settled = Some(placed.settle()?);
        }
        if let Some(opened) = self.opened.take() {
            self.placed = Some(opened.place()?);
        }
        if let Some(begun) = self.begun.take() {
            self.opened = Some(begun.open()?);
        }
        self.begun = next;
        Some(())
    }
}
