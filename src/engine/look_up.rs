//! Looks up what roles answer. Of many look-ups each takes a step when the next has begun: what it looks at then was asked for a step
//! before, and has come from memory meanwhile.

use super::{
    Snapshot,
    judged::Case,
    resolve::Brief,
    snapshot::Door,
    switches::{BySwitches, Off},
    table::Table,
};
use crate::domain::{ActionId, HeldRoles, PrincipalKind, Remembered, RoleSet, Settled, soon};

/// What somebody holds is found: whose answers count, which nobody has looked at yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Begun<'s> {
    table: &'s Table,
    /// The custom roles held.
    roles: HeldRoles<'s>,
    action: ActionId,
    case: Case,
    /// Whether the principal may have RAM documents, which deny or grant what roles do not.
    pub(super) may_have_documents: bool,
}

impl<'s> Begun<'s> {
    /// Finds the answer; `None` where there is none, which is a defect.
    #[inline]
    pub(super) fn settle(self) -> Option<Settled<'s>> {
        let Self { table, roles, action, case, .. } = self;
        let answer = table.answer(table.number(table.row(action)?, case)?)?;
        Some(Settled { answer, roles })
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
        let (roles, switches) = (&self.engine.roles, &self.engine.switches);
        let begun = |table, roles, may_have_documents| {
            let case = brief.case.unwrap_or(Case::ACCOUNT);
            Some(Begun { table, roles, action, case, may_have_documents })
        };
        let denied = || begun(roles.nothing(), HeldRoles::NONE, false);
        let door = match brief.workspace.map(|id| self.door(id)) {
            None => None,
            Some(None) => return denied(),
            Some(known) => known,
        };
        if brief.case.is_none() {
            return denied();
        }
        let off = door.map_or_else(Off::default, Door::off);
        if kind == PrincipalKind::Account {
            // The main account has everything by being it; roles it may hold as a member add nothing.
            if principal != self.account_digits {
                return denied();
            }
            let table = match switches.say(off, action)? {
                BySwitches::Denied(table) => table,
                BySwitches::Nothing => roles.of_builtin(kind, 0)?,
            };
            return begun(table, HeldRoles::NONE, false);
        }
        // Where the answers to holders of custom roles stand comes from memory together with the roles they hold.
        if let Some(door) = door {
            door.tables.soon();
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
        if let BySwitches::Denied(table) = switches.say(off, action)? {
            return begun(table, HeldRoles::NONE, may_have_documents);
        }
        let builtin = match held {
            Some((door, RoleSet::Custom(place))) => {
                let table = match kind {
                    PrincipalKind::RamRole => door.workspace.sets.of_ram_roles.get(place)?,
                    PrincipalKind::User | PrincipalKind::Account => door.tables.get(place)?,
                };
                let held = HeldRoles::of(&door.workspace.sets.named, place);
                return begun(table, held, may_have_documents);
            }
            Some((_, RoleSet::Builtin(set))) => set,
            None => 0,
        };
        begun(roles.of_builtin(kind, builtin)?, HeldRoles::NONE, may_have_documents)
    }

    /// Returns whether RAM documents may have a say beside what roles answer.
    #[inline]
    pub(super) fn documents_have_say(&self, begun: &Begun<'_>, brief: &Brief) -> bool {
        begun.may_have_documents
            && self.attached.are_about(&self.engine, brief.principal, brief.action)
    }
}

/// Look-ups on their way, some at a time, for whoever has many to make.
#[derive(Debug)]
pub struct LookUps<'s> {
    snapshot: &'s Snapshot,
    /// Those on their way, each in the place of how many steps were taken before it.
    last: [Option<OnItsWay<'s>>; PLACES],
    /// How many steps were taken.
    count: usize,
}

/// How many steps one takes after it has begun.
const STEPS: usize = 5;
/// A power of two, more than the steps.
const PLACES: usize = 8;

/// A look-up, and what it has come to.
#[derive(Debug, Clone, Copy)]
struct OnItsWay<'s> {
    begun: Begun<'s>,
    /// The row, then the number of the answer.
    at: usize,
    answer: Option<&'s Remembered>,
}

impl<'s> LookUps<'s> {
    /// Returns none, on a snapshot.
    #[must_use]
    pub const fn new(snapshot: &'s Snapshot) -> Self {
        Self { snapshot, last: [None; PLACES], count: 0 }
    }

    /// Begins one.
    ///
    /// `None` where it is not settled by a look-up, or the one before it has taken no step.
    #[must_use]
    #[inline]
    pub fn begin(&mut self, brief: &Brief) -> Option<()> {
        let begun = self.snapshot.begin(brief)?;
        if self.snapshot.documents_have_say(&begun, brief) {
            return None;
        }
        soon(begun.table);
        begun.roles.lists_soon();
        let place = self.before(0);
        if place.is_some() {
            return None;
        }
        *place = Some(OnItsWay { begun, at: 0, answer: None });
        Some(())
    }

    /// Takes all a step further, and tells the decision of the one that ends, if one does. They end in the order they began.
    ///
    /// `None` where one is not settled by a look-up: then all of them are to be asked another way, and nothing is to be done with these.
    #[must_use]
    #[inline]
    pub fn step(&mut self, tell: impl FnOnce(Settled<'s>)) -> Option<()> {
        if let Some(ended) = self.before(STEPS - 1).take() {
            tell(Settled { answer: ended.answer?, roles: ended.begun.roles });
        }
        if let Some(OnItsWay { begun: Begun { table, .. }, at, answer }) = self.before(3) {
            let found = table.answer(*at)?;
            soon(found);
            *answer = Some(found);
        }
        if let Some(OnItsWay { begun: Begun { table, case, roles, .. }, at, .. }) = self.before(2) {
            *at = table.number(*at, *case)?;
            table.answer_soon(*at);
            roles.list_soon();
        }
        if let Some(OnItsWay { begun: Begun { table, action, case, .. }, at, .. }) = self.before(1)
        {
            *at = table.row(*action)?;
            table.number_soon(*at, *case);
        }
        if let Some(OnItsWay { begun: Begun { table, action, .. }, .. }) = self.before(0) {
            table.row_soon(*action);
        }
        self.count = self.count.wrapping_add(1);
        Some(())
    }

    /// Takes all to their end, and tells their decisions.
    ///
    /// `None` where one is not settled by a look-up.
    #[must_use]
    pub fn end(mut self, mut tell: impl FnMut(Settled<'s>)) -> Option<()> {
        for _ in 0..STEPS {
            self.step(&mut tell)?;
        }
        Some(())
    }

    /// Returns the one that began so many steps ago.
    #[expect(clippy::indexing_slicing, reason = "no more bits are taken than there are places")]
    #[inline]
    const fn before(&mut self, steps: usize) -> &mut Option<OnItsWay<'s>> {
        &mut self.last[self.count.wrapping_sub(steps) % PLACES]
    }
}
