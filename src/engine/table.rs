//! What roles answer together: looked up, for all it can depend on was asked of Cedar before.
//!
//! [`Judged`] is what Cedar says of one role. A member holds several: a [`Table`] has the answers to a set of roles, put together by
//! the one rule there is, that any forbid denies and else any permit allows. docs/adr/0016 says why tables are filled ahead.

use std::{
    collections::{BTreeSet, HashMap},
    hash::Hash,
    sync::Arc,
};

use super::judged::{Case, Judged};
use crate::domain::{ActionId, Reason, Remembered, RememberedPolicy, soon};

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
    use crate::engine::judged::Rows;

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
            let (one, other) = (
                judged("one", count, Case::ACCOUNT),
                judged("other", count / 2, Case::all().next().unwrap()),
            );
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
