//! What is looked up beside the tables: made of them once, when they are read.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash},
};

use super::{Action, ByName, Module, RamAction};
use crate::domain::ActionId;

/// The longest name that stands beside its action.
const SHORT: usize = 61;

/// Actions by their names, for requests: a name and its action stand in one line of the caches, for nothing else of them is near
/// when a service of others asks now and then.
#[derive(Debug)]
pub(super) struct ActionNames {
    /// A power of two of them, some free: a name is at the place its hash says, or behind it with nothing free between.
    places: Box<[Place]>,
    long: ByName<ActionId>,
    hasher: foldhash::fast::FixedState,
}

#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Place {
    text: [u8; SHORT],
    /// Nothing where it is free, for there is no name without a letter.
    len: u8,
    id: ActionId,
}

impl Place {
    const FREE: Self = Self { text: [0; SHORT], len: 0, id: ActionId(0) };
}

impl ActionNames {
    pub(super) fn new(names: &ByName<ActionId>) -> Self {
        let places = vec![Place::FREE; (2 * names.len() + 1).next_power_of_two()];
        let (long, hasher) = (ByName::default(), foldhash::fast::FixedState::default());
        let mut all = Self { places: places.into(), long, hasher };
        for (name, id) in names {
            let at = all.find(name);
            let (len, short) = (u8::try_from(name.len()), Place::FREE.text.get(..name.len()));
            let (Ok(len), Some(_), Some(place)) = (len, short, all.places.get_mut(at)) else {
                all.long.insert(name, *id);
                continue;
            };
            place.text.iter_mut().zip(name.bytes()).for_each(|(there, byte)| *there = byte);
            (place.len, place.id) = (len, *id);
        }
        all
    }

    /// Returns the action of a name.
    #[inline]
    pub(super) fn get(&self, name: &str) -> Option<ActionId> {
        if name.len() > SHORT {
            return self.long.get(name).copied();
        }
        self.places.get(self.find(name)).filter(|place| place.len > 0).map(|place| place.id)
    }

    /// Returns where a name is, or the free place that it would have.
    #[inline]
    fn find(&self, name: &str) -> usize {
        let last = self.places.len() - 1;
        #[expect(clippy::cast_possible_truncation, reason = "the lower bits are what is wanted")]
        let mut at = self.hasher.hash_one(Plain(name)) as usize & last;
        while let Some(Place { text, len, .. }) = self.places.get(at)
            && *len > 0
            && text.get(..usize::from(*len)) != Some(name.as_bytes())
        {
            at = (at + 1) & last;
        }
        at
    }
}

/// A text whose hash is that of its bytes and no more.
struct Plain<'t>(&'t str);

impl Hash for Plain<'_> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write(self.0.as_bytes());
    }
}

/// Returns the actions by their RAM names in small letters.
pub(super) fn by_ram_name(
    actions: &[Action],
    ram_actions: &[RamAction],
) -> HashMap<String, ActionId> {
    let name = |action: &Action| Some((ram_actions.get(action.ram)?.lower.clone(), action.id));
    actions.iter().filter_map(name).collect()
}

/// Returns the main type of each action: its module's; that of actions without a module is the workspace.
pub(super) fn main_types(
    actions: &[Action],
    modules: &[Module],
    types: &ByName<usize>,
) -> Vec<Option<usize>> {
    let main_type = |action: &Action| match action.module {
        Some(name) => modules.iter().find(|module| module.name == name)?.main_type,
        None => Some("workspace"),
    };
    actions.iter().map(|action| types.get(main_type(action)?).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_however_long_and_however_many_are_like_them() {
        let text = "x".repeat(80);
        let text: &'static str = text.leak();
        let all: ByName<ActionId> =
            (1..=80).zip(0..).map(|(n, id)| (&text[..n], ActionId(id))).collect();
        let (every_other, rest): (ByName<ActionId>, ByName<ActionId>) =
            all.iter().partition(|(name, _)| name.len() % 2 == 0);
        let names = ActionNames::new(&every_other);
        for (name, id) in &every_other {
            assert_eq!(names.get(name), Some(*id), "{name}");
        }
        for name in rest.keys().chain([&""]) {
            assert_eq!(names.get(name), None, "{name}");
        }
    }
}
