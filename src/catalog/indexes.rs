//! What is looked up beside the tables: made of them once, when they are read.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash},
};

use super::{Action, ActionScope, ByName, Module, RamAction};
use crate::domain::ActionId;

/// The longest name that stands beside its action.
const SHORT: usize = 59;

/// What nearly every request looks at of the action it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named {
    /// The action.
    pub id: ActionId,
    /// On what it is asked.
    pub scope: ActionScope,
    /// The place of its main type among the types; [`Self::NO_TYPE`] where it has none.
    pub(super) main_type: u8,
}

impl Named {
    pub(super) const NO_TYPE: u8 = u8::MAX;
}

/// Actions by their names, for requests: a name and its action stand in one line of the caches, for nothing else of them is near
/// when a service of others asks now and then.
#[derive(Debug)]
pub(super) struct ActionNames {
    /// A power of two of them, some free: a name is at the place its hash says, or behind it with nothing free between.
    places: Box<[Place]>,
    long: ByName<Named>,
    hasher: foldhash::fast::FixedState,
}

#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Place {
    text: [u8; SHORT],
    /// Nothing where it is free, for there is no name without a letter.
    len: u8,
    named: Named,
}

impl Place {
    const FREE: Self = Self {
        text: [0; SHORT],
        len: 0,
        named: Named { id: ActionId(0), scope: ActionScope::RamOnly, main_type: Named::NO_TYPE },
    };
}

/// A name and its action are in one line.
const _: () = assert!(size_of::<Place>() == 64);

impl ActionNames {
    pub(super) fn new(names: &ByName<Named>) -> Self {
        let places = vec![Place::FREE; (2 * names.len() + 1).next_power_of_two()];
        let (long, hasher) = (ByName::default(), foldhash::fast::FixedState::default());
        let mut all = Self { places: places.into(), long, hasher };
        for (name, named) in names {
            let at = all.find(name);
            let (len, short) = (u8::try_from(name.len()), Place::FREE.text.get(..name.len()));
            let (Ok(len), Some(_), Some(place)) = (len, short, all.places.get_mut(at)) else {
                all.long.insert(name, *named);
                continue;
            };
            place.text.iter_mut().zip(name.bytes()).for_each(|(there, byte)| *there = byte);
            (place.len, place.named) = (len, *named);
        }
        all
    }

    /// Returns the action of a name.
    #[inline]
    pub(super) fn get(&self, name: &str) -> Option<Named> {
        if name.len() > SHORT {
            return self.long.get(name).copied();
        }
        self.places.get(self.find(name)).filter(|place| place.len > 0).map(|place| place.named)
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

/// Returns what is looked at of each name.
///
/// # Errors
/// More types than can be counted.
pub(super) fn named(
    names: ByName<ActionId>,
    actions: &[Action],
    main_types: &[Option<usize>],
) -> Result<ByName<Named>, String> {
    let of_action = |id: ActionId| -> Result<Named, String> {
        let action = actions.get(usize::from(id.0)).ok_or("a name of no action")?;
        let main_type = match main_types.get(usize::from(id.0)).copied().flatten() {
            None => Named::NO_TYPE,
            Some(place) => u8::try_from(place).map_err(|_| "more types than can be counted")?,
        };
        Ok(Named { id, scope: action.scope, main_type })
    };
    names.into_iter().map(|(name, id)| Ok((name, of_action(id)?))).collect()
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
        let of_id = |id| Named { id: ActionId(id), ..Place::FREE.named };
        let all: ByName<Named> = (1..=80).zip(0..).map(|(n, id)| (&text[..n], of_id(id))).collect();
        let (every_other, rest): (ByName<Named>, ByName<Named>) =
            all.iter().partition(|(name, _)| name.len() % 2 == 0);
        let names = ActionNames::new(&every_other);
        for (name, named) in &every_other {
            assert_eq!(names.get(name), Some(*named), "{name}");
        }
        for name in rest.keys().chain([&""]) {
            assert_eq!(names.get(name), None, "{name}");
        }
    }
}
