//! What roles answer: asked of Cedar once for each of what an answer can depend on, and looked up afterwards.
//!
//! Policies of roles look at the action, at whether the asset is the principal's own and whether it is public, and at whether
//! it is an official image: a [`Case`]. [`Judged`] is what Cedar says of the policies of one role in each case. A member holds
//! several: a [`Table`] has the answers to a set of roles, put together by the one rule there is, that any forbid denies and
//! else any permit allows. docs/adr/0016 says why tables are filled ahead.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    hash::Hash,
    sync::Arc,
};

use cedar_policy::{Context, Entities, Entity, PolicySet, Request as CedarRequest};

use super::{entities::string, judge::judge, names::Type, ram, slices::Slices};
use crate::{
    catalog::{ANY, ResourceType},
    domain::{
        Accessibility, ActionId, Asker, Cell, Decision, IdRef, PrincipalId, Reason, Remembered,
        RememberedPolicy, Resource, soon,
    },
};

/// What of a resource an answer of roles can depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Case(u8);

impl Case {
    /// An asset is in one of four cells, or its request does not say in which; that for official images and for others.
    const UNSTATED: u8 = 4;
    const OFFICIAL: u8 = Self::UNSTATED + 1;
    /// The account itself.
    pub(super) const ACCOUNT: Self = Self(2 * Self::OFFICIAL);
    const ARN: Self = Self(Self::ACCOUNT.0 + 1);
    pub(super) const COUNT: usize = Self::ARN.place() + 1;

    /// Returns the case of a request; `None` for what is certainly of another account.
    pub(super) fn of(principal: &Asker<'_>, resource: &Resource<'_>) -> Option<Self> {
        match resource {
            Resource::Foreign => None,
            Resource::Account => Some(Self::ACCOUNT),
            Resource::Arn { .. } => Some(Self::ARN),
            Resource::Asset { resource_type, creator, accessibility, .. } => {
                let is_official = *resource_type == ResourceType::OFFICIAL_IMAGE;
                Some(Self::of_asset(principal, is_official, *creator, *accessibility))
            }
        }
    }

    /// Returns the case of an asset, which can be an official image.
    #[inline]
    pub(super) fn of_asset(
        principal: &Asker<'_>,
        is_official: bool,
        creator: Option<IdRef<'_, PrincipalId>>,
        accessibility: Option<Accessibility>,
    ) -> Self {
        let cell = match (creator, accessibility) {
            (Some(creator), Some(accessibility)) => {
                Cell::of(creator == principal.id, accessibility) as u8
            }
            // Only both together tell the cell.
            _ => Self::UNSTATED,
        };
        Self(if is_official { Self::OFFICIAL + cell } else { cell })
    }

    #[inline]
    pub(super) const fn place(self) -> usize {
        self.0 as usize
    }

    fn all() -> impl Iterator<Item = Self> {
        (0..=Self::ARN.0).map(Self)
    }

    /// Returns the cell an asset is in; `None` for what is no asset, or where the request does not say.
    pub(super) fn cell(self) -> Option<Cell> {
        Cell::ALL.get(usize::from(self.0 % Self::OFFICIAL)).copied().filter(|_| self.is_asset())
    }

    /// Returns the case of the same asset in another cell; `None` for what is no asset.
    pub(super) fn in_cell(self, cell: Cell) -> Option<Self> {
        let first = if self.0 < Self::OFFICIAL { 0 } else { Self::OFFICIAL };
        self.is_asset().then_some(Self(first + cell as u8))
    }

    const fn is_asset(self) -> bool {
        self.0 < Self::ACCOUNT.0
    }

    /// Returns a resource that is so, in the workspace [`WORKSPACE`].
    fn resource(self) -> Option<Entity> {
        if self == Self::ACCOUNT {
            let attributes = HashMap::from([string("uid", ME), string(ram::ARN, "")]);
            return Entity::new(Type::Account.uid(ME), attributes, HashSet::new()).ok();
        }
        let kind = match self {
            Self::ARN => "arn",
            Self(official) if official >= Self::OFFICIAL => ResourceType::OFFICIAL_IMAGE,
            _ => "any",
        };
        let (creator, accessibility) = self.cell().map_or(("", ""), |cell| {
            let (own, accessibility) = cell.parts();
            (if own { ME } else { OTHER }, accessibility.as_str())
        });
        let attributes = HashMap::from([
            string("kind", kind),
            string("creator", creator),
            string("accessibility", accessibility),
            string(ram::ARN, ""),
        ]);
        let parents = HashSet::from([Type::Workspace.uid(WORKSPACE)]);
        Entity::new(Type::Asset.uid(&format!("{kind}/{ANY}")), attributes, parents).ok()
    }
}

/// Who asks in the requests that fill tables, somebody else, and the workspace it is asked in.
const ME: &str = "1";
const OTHER: &str = "2";
pub(super) const WORKSPACE: &str = "1";

/// Who has policies.
#[derive(Debug, Clone, Copy)]
pub(super) enum Subject<'a> {
    /// The main account.
    Account,
    /// Every user that is known.
    KnownUser,
    /// Whoever holds the role of this entity.
    Role(&'a str),
}

impl Subject<'_> {
    fn entity(self) -> Option<Entity> {
        let (kind, parents) = match self {
            Self::Account => (Type::Account, HashSet::new()),
            Self::KnownUser => (Type::User, HashSet::new()),
            Self::Role(role) => (Type::User, HashSet::from([Type::Role.uid(role)])),
        };
        let mut attributes = HashMap::from([string("uid", ME)]);
        if matches!(self, Self::Account) {
            attributes.extend([string(ram::ARN, "")]);
        }
        Entity::new(kind.uid(ME), attributes, parents).ok()
    }
}

/// An answer among others: its place in a list of them. The first is that nothing grants.
type Place = u16;

/// What Cedar says of the policies of one subject.
#[derive(Debug)]
pub(super) struct Judged {
    /// Tells it from every other.
    pub(super) number: u64,
    rows: Rows,
    answers: Vec<(Reason, Vec<Arc<str>>)>,
}

/// Places of answers by action and case. Actions that are answered alike in every case share a row.
#[derive(Debug, Default)]
struct Rows {
    /// Short where the last actions have the first row, in which nothing is granted.
    of_action: Box<[u16]>,
    rows: Vec<[Place; Case::COUNT]>,
}

impl Rows {
    fn row(&self, action: ActionId) -> u16 {
        self.of_action.get(usize::from(action.0)).copied().unwrap_or_default()
    }

    fn place(&self, row: u16, case: Case) -> Place {
        let row = self.rows.get(usize::from(row));
        row.and_then(|row| row.get(case.place())).copied().unwrap_or_default()
    }
}

/// Puts something into a list unless it is there already, and returns its place.
fn placed<T: PartialEq>(list: &mut Vec<T>, one: T) -> Result<u16, String> {
    let at = list.iter().position(|other| *other == one).unwrap_or_else(|| {
        list.push(one);
        list.len() - 1
    });
    u16::try_from(at).map_err(|_| "more answers than a table holds".to_owned())
}

impl Judged {
    /// Asks Cedar what the policies of a subject say in every case. `actions` are all there are, as entities; `slices` has
    /// the policies that name each. Actions with the same policies are asked about once: those name each of them.
    ///
    /// # Errors
    /// A policy that fails to evaluate.
    pub(super) fn ask(
        number: u64,
        actions: &[Entity],
        subject: Subject<'_>,
        slices: &Slices,
        name: impl Fn(&str) -> Arc<str>,
    ) -> Result<Self, String> {
        let mut answers = vec![(Reason::ImplicitDeny, Vec::new())];
        let mut rows = vec![[0; Case::COUNT]];
        let mut known: HashMap<u16, u16> = HashMap::new();
        let mut of_action = Vec::with_capacity(actions.len());
        for (id, action) in (0..).map(ActionId).zip(actions) {
            let (Some(slice), Some(set)) = (slices.number_of(id), slices.of(id)) else {
                of_action.push(0);
                continue;
            };
            if let Some(row) = known.get(&slice) {
                of_action.push(*row);
                continue;
            }
            let mut row = [0; Case::COUNT];
            for (case, place) in Case::all().zip(&mut row) {
                // A role is held in a workspace, and the account is in none.
                if matches!(subject, Subject::Role(_)) && case == Case::ACCOUNT {
                    continue;
                }
                let decision = asked(subject, action, case, set)
                    .ok_or_else(|| "a request could not be made".to_owned())?;
                if !decision.faults.is_empty() {
                    return Err(format!("a policy fails: {:?}", decision.faults));
                }
                let policies = decision.determining_policies.iter();
                let names = policies.map(|id| name(&id)).collect();
                *place = placed(&mut answers, (decision.reason, names))?;
            }
            let row = placed(&mut rows, row)?;
            known.insert(slice, row);
            of_action.push(row);
        }
        let used = of_action.iter().rposition(|row| *row != 0).map_or(0, |last| last + 1);
        of_action.truncate(used);
        Ok(Self { number, rows: Rows { of_action: of_action.into(), rows }, answers })
    }

    /// Returns the ids of the policies that permit an action in a case; none where nothing does.
    pub(super) fn permits(&self, action: ActionId, case: Case) -> &[Arc<str>] {
        match self.answer(self.rows.row(action), case) {
            Some((Reason::ExplicitAllow, names)) => names,
            _ => &[],
        }
    }

    fn answer(&self, row: u16, case: Case) -> Option<&(Reason, Vec<Arc<str>>)> {
        self.answers.get(usize::from(self.rows.place(row, case)))
    }
}

/// Asks Cedar one of the questions a table is filled with.
fn asked(
    subject: Subject<'_>,
    action: &Entity,
    case: Case,
    set: &PolicySet,
) -> Option<Decision<'static>> {
    let (principal, resource) = (subject.entity()?, case.resource()?);
    let (who, what) = (principal.uid(), resource.uid());
    let request =
        CedarRequest::new(who.clone(), action.uid(), what.clone(), Context::empty(), None).ok()?;
    // Asked about itself, the main account is principal and resource at once.
    let resource = (who != what).then_some(resource);
    let entities = [Some(principal), resource, Some(action.clone())];
    let entities = Entities::from_entities(entities.into_iter().flatten(), None).ok()?;
    Some(judge(&[set], &request, &entities))
}

/// One of what a table is put together of.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part<'a> {
    /// Policies under their own ids.
    Whole(&'a Judged),
    /// A custom role: its place among those of the member, and what is shared by all that grant the same.
    OfRole(u8, &'a Judged),
}

impl<'a> Part<'a> {
    const fn judged(self) -> &'a Judged {
        match self {
            Self::Whole(judged) | Self::OfRole(_, judged) => judged,
        }
    }

    fn name(self, text: &Arc<str>) -> RememberedPolicy {
        match self {
            Self::Whole(_) => RememberedPolicy::Whole(text.clone()),
            Self::OfRole(place, _) => RememberedPolicy::OfRole(place, text.clone()),
        }
    }
}

/// The answers to whoever holds a set of roles.
///
/// It is small, for there are many, and each decision looks at another one: a number of a row for each action, of an answer for each
/// case of a row, and the answers.
#[derive(Debug, Clone)]
pub(super) struct Table {
    /// The rows of actions, then the rows.
    numbers: Numbers,
    /// How many actions have a number; those beyond have the first row, in which nothing is granted.
    actions: usize,
    answers: Arc<[Arc<Remembered>]>,
}

/// Numbers in as few bytes as they need.
#[derive(Debug, Clone)]
enum Numbers {
    Small(Arc<[u8]>),
    Large(Arc<[u32]>),
}

impl Numbers {
    fn of(numbers: &[usize]) -> Self {
        let small: Result<_, _> = numbers.iter().map(|number| u8::try_from(*number)).collect();
        small.map_or_else(
            |_| {
                // What nothing can be counted to is the number of nothing.
                let large = numbers.iter().map(|it| u32::try_from(*it).unwrap_or(u32::MAX));
                Self::Large(large.collect())
            },
            Self::Small,
        )
    }

    #[inline]
    fn get(&self, at: usize) -> Option<usize> {
        match self {
            Self::Small(numbers) => numbers.get(at).copied().map(usize::from),
            Self::Large(numbers) => numbers.get(at).and_then(|it| usize::try_from(*it).ok()),
        }
    }

    /// Asks for what [`Self::get`] looks at.
    #[inline]
    fn soon(&self, at: usize) {
        match self {
            Self::Small(numbers) => numbers.get(at).into_iter().for_each(soon),
            Self::Large(numbers) => numbers.get(at).into_iter().for_each(soon),
        }
    }
}

/// Things that are different, in the order in which they were first seen.
struct Seen<T> {
    numbers: HashMap<T, usize>,
}

impl<T: Eq + Hash> Seen<T> {
    fn new() -> Self {
        Self { numbers: HashMap::new() }
    }

    /// Returns the number of a thing; whether it is new.
    fn number(&mut self, one: T) -> (usize, bool) {
        let next = self.numbers.len();
        let number = *self.numbers.entry(one).or_insert(next);
        (number, number == next)
    }
}

impl Table {
    /// Puts the answers of several together, for each action: any forbid denies, else any permit allows. `intern` makes one of
    /// all that are the same, whichever tables they stand in: what many look at is near.
    pub(super) fn of(parts: &[Part<'_>], intern: impl Fn(Remembered) -> Arc<Remembered>) -> Self {
        let theirs: Vec<&[u16]> = parts.iter().map(|part| &*part.judged().rows.of_action).collect();
        let count = theirs.iter().map(|list| list.len()).max().unwrap_or_default();
        // Actions that each of them answers alike are put together once. The first are those nobody grants.
        let nothing = std::iter::once(vec![0; theirs.len()]);
        let of_action = |action: usize| {
            theirs.iter().map(|list| list.get(action).copied().unwrap_or_default()).collect()
        };
        let (mut classes, mut answers, mut rows) = (Seen::new(), Seen::new(), Seen::new());
        let (mut row_of_class, mut listed, mut cells) = (Vec::new(), Vec::new(), Vec::new());
        let mut row_of_action = Vec::with_capacity(count);
        for together_in in nothing.chain((0..count).map(of_action)) {
            let (class, is_new) = classes.number(together_in.clone());
            if is_new {
                let row: Vec<usize> = Case::all()
                    .map(|case| {
                        let answer = intern(together(parts, &together_in, case));
                        let (number, is_new) = answers.number(Arc::as_ptr(&answer).addr());
                        if is_new {
                            listed.push(answer);
                        }
                        number
                    })
                    .collect();
                let (number, is_new) = rows.number(row.clone());
                if is_new {
                    cells.extend(row);
                }
                row_of_class.push(number);
            }
            row_of_action.push(row_of_class.get(class).copied().unwrap_or_default());
        }
        let used = row_of_action.iter().rposition(|row| *row != 0).unwrap_or_default();
        let numbers: Vec<usize> =
            row_of_action.into_iter().skip(1).take(used).chain(cells).collect();
        Self { numbers: Numbers::of(&numbers), actions: used, answers: listed.into() }
    }

    /// Asks for what [`Self::row`] looks at.
    #[inline]
    pub(super) fn row_soon(&self, action: ActionId) {
        self.numbers.soon(usize::from(action.0));
    }

    /// Asks for what [`Self::number`] looks at.
    #[inline]
    pub(super) fn number_soon(&self, row: usize, case: Case) {
        self.numbers.soon(self.place(row, case));
    }

    /// Asks for what [`Self::answer`] looks at.
    #[inline]
    pub(super) fn answer_soon(&self, number: usize) {
        self.answers.get(number).into_iter().for_each(soon);
    }

    /// Returns the row of an action.
    #[inline]
    pub(super) fn row(&self, action: ActionId) -> Option<usize> {
        let action = usize::from(action.0);
        if action < self.actions { self.numbers.get(action) } else { Some(0) }
    }

    /// Returns which answer is that to the actions of a row in a case.
    #[inline]
    pub(super) fn number(&self, row: usize, case: Case) -> Option<usize> {
        self.numbers.get(self.place(row, case))
    }

    #[inline]
    const fn place(&self, row: usize, case: Case) -> usize {
        self.actions + row * Case::COUNT + case.place()
    }

    /// Returns the answer of a number.
    #[inline]
    pub(super) fn answer(&self, number: usize) -> Option<&Remembered> {
        self.answers.get(number).map(|answer| &**answer)
    }
}

/// Returns what several answer together.
fn together(parts: &[Part<'_>], rows: &[u16], case: Case) -> Remembered {
    let mut of: [BTreeSet<RememberedPolicy>; 2] = Default::default();
    let [permits, forbids] = &mut of;
    for (part, row) in parts.iter().zip(rows) {
        let Some((reason, names)) = part.judged().answer(*row, case) else { continue };
        let names = names.iter().map(|text| part.name(text));
        match reason {
            Reason::ExplicitAllow => permits.extend(names),
            Reason::ExplicitDeny => forbids.extend(names),
            Reason::ImplicitDeny | Reason::Error => {}
        }
    }
    let [permits, forbids] = of;
    let (reason, names) = if !forbids.is_empty() {
        (Reason::ExplicitDeny, forbids)
    } else if !permits.is_empty() {
        (Reason::ExplicitAllow, permits)
    } else {
        (Reason::ImplicitDeny, BTreeSet::new())
    };
    Remembered::new(reason, names.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns what a role is answered that has a policy of its own for each of so many actions, in one case.
    fn judged(name: &str, count: u16, in_case: Case) -> Judged {
        let row = |answer| Case::all().map(move |case| if case == in_case { answer } else { 0 });
        let rows = (0..=count).map(|answer| {
            let mut row = row(answer);
            std::array::from_fn(|_| row.next().unwrap())
        });
        let granted =
            (1..=count).map(|n| (Reason::ExplicitAllow, vec![Arc::from(format!("{name}/{n}"))]));
        Judged {
            number: 0,
            rows: Rows { of_action: (1..=count).collect(), rows: rows.collect() },
            answers: std::iter::once((Reason::ImplicitDeny, vec![])).chain(granted).collect(),
        }
    }

    #[test]
    fn tables_answer_as_their_parts_together_however_many_answers_there_are() {
        for count in [0, 1, 84, 126, 127, 128, 254, 255, 256, 700] {
            let (one, other) =
                (judged("one", count, Case::ACCOUNT), judged("other", count / 2, Case(0)));
            let parts = [Part::Whole(&one), Part::OfRole(3, &other)];
            let table = Table::of(&parts, Arc::new);
            for action in (0..count + 9).map(ActionId) {
                let rows = [&one, &other].map(|judged| judged.rows.row(action));
                for case in Case::all() {
                    let number = table.number(table.row(action).unwrap(), case).unwrap();
                    let answer = table.answer(number).unwrap();
                    assert_eq!(answer, &together(&parts, &rows, case), "{action:?} of {count}");
                }
            }
        }
    }
}
