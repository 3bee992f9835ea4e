//! What is looked up beside the tables: made of them once, when they are read.

use std::collections::HashMap;

use super::{Action, ActionScope, ByName, Module, RamAction};
use crate::domain::{ActionId, soon};

/// The longest name that has a place in a line of the caches, beside what is known of it.
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

/// Actions by their names, for requests: most are found in the first line of the caches that is looked at.
#[derive(Debug)]
pub(super) struct ActionNames {
    /// A power of two of them, most free: a name is at the place its hash says, or behind it with nothing free between.
    short: Box<[Name]>,
    long: ByName<Named>,
}

/// A name and what is known of it, in one line of the caches.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Name {
    named: Named,
    /// 0 where the place is free.
    len: u8,
    bytes: [u8; SHORT],
}

const _: () = assert!(size_of::<Name>() == 64);

impl Name {
    const FREE: Self = Self {
        named: Named { id: ActionId(0), scope: ActionScope::RamOnly, main_type: Named::NO_TYPE },
        len: 0,
        bytes: [0; SHORT],
    };

    fn of(name: &str, named: Named) -> Option<Self> {
        let len = u8::try_from(name.len()).ok().filter(|len| *len > 0)?;
        let mut bytes = [0; SHORT];
        bytes.get_mut(..name.len())?.copy_from_slice(name.as_bytes());
        Some(Self { named, len, bytes })
    }

    const fn is_free(&self) -> bool {
        self.len == 0
    }

    #[inline]
    fn is(&self, name: &str) -> bool {
        self.bytes.get(..usize::from(self.len)) == Some(name.as_bytes())
    }
}

impl ActionNames {
    /// # Errors
    /// Never: there are more places than names; kept so that nothing panics.
    pub(super) fn new(names: &ByName<Named>) -> Result<Self, String> {
        let mut short = vec![Name::FREE; (4 * names.len() + 1).next_power_of_two()];
        let mut long = ByName::default();
        for (text, named) in names {
            let Some(name) = Name::of(text, *named) else {
                long.insert(*text, *named);
                continue;
            };
            let mut places = places(short.len(), text);
            let free = places.find(|place| short.get(*place).is_some_and(Name::is_free));
            *free.and_then(|place| short.get_mut(place)).ok_or("no place is free")? = name;
        }
        Ok(Self { short: short.into(), long })
    }

    /// Asks for what [`Self::get`] looks at.
    #[inline]
    pub(super) fn soon(&self, name: &str) {
        let first = places(self.short.len(), name).next();
        first.and_then(|place| self.short.get(place)).into_iter().for_each(soon);
    }

    /// Returns the action of a name.
    #[inline]
    pub(super) fn get(&self, name: &str) -> Option<Named> {
        if name.is_empty() || name.len() > SHORT {
            return self.long.get(name).copied();
        }
        for place in places(self.short.len(), name) {
            let there = self.short.get(place)?;
            if there.is(name) {
                return Some(there.named);
            }
            if there.is_free() {
                return None;
            }
        }
        None
    }
}

/// Returns the places a name can have among so many, a power of two: where its hash says, and then those behind.
#[inline]
fn places(count: usize, name: &str) -> impl Iterator<Item = usize> + use<> {
    let (first, last) = (hash(name.as_bytes()), count - 1);
    (0..count).map(move |nth| first.wrapping_add(nth) & last)
}

/// Returns a hash of a name: of its beginning, its middle and its end, which tell those there are apart. Names of requests that
/// share it are of no action, and cost the look at one or two.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the halves of a product, of which some bits are wanted"
)]
#[inline]
fn hash(name: &[u8]) -> usize {
    let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
    let middle = name.get(name.len() / 2 - (name.len() / 2).min(4)..).and_then(<[u8]>::first_chunk);
    let (Some(first), Some(middle), Some(last)) = (name.first_chunk(), middle, name.last_chunk())
    else {
        return name.iter().fold(name.len(), |hash, byte| hash.rotate_left(5) ^ usize::from(*byte));
    };
    let (first, middle, last) = (word(first), word(middle), word(last));
    let mixed = first ^ middle.rotate_left(23) ^ (name.len() as u64) << 59;
    let product = u128::from(mixed) * u128::from(last ^ 0x9e37_79b9_7f4a_7c15);
    ((product >> 64) as u64 ^ product as u64) as usize
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
        let of_id =
            |id| Named { id: ActionId(id), scope: ActionScope::RamOnly, main_type: Named::NO_TYPE };
        let all: ByName<Named> = (1..=80).zip(0..).map(|(n, id)| (&text[..n], of_id(id))).collect();
        let (every_other, rest): (ByName<Named>, ByName<Named>) =
            all.iter().partition(|(name, _)| name.len() % 2 == 0);
        for (some, others) in [(&every_other, &rest), (&rest, &every_other)] {
            let names = ActionNames::new(some).unwrap();
            for (name, named) in some {
                assert_eq!(names.get(name), Some(*named), "{name}");
            }
            for name in others.keys().chain([&""]) {
                assert_eq!(names.get(name), None, "{name}");
            }
        }
    }

    #[test]
    fn nearly_all_names_of_actions_are_where_their_hashes_say() {
        let names = &crate::catalog::catalog().by_name;
        let taken = || names.short.iter().zip(0..).filter(|(name, _)| !name.is_free());
        let is_there = |(name, place): &(&Name, usize)| {
            let bytes = &name.bytes[..usize::from(name.len)];
            hash(bytes) & (names.short.len() - 1) == *place
        };
        let (count, there) = (taken().count(), taken().filter(is_there).count());
        assert!(there * 100 > count * 85, "{there} of {count} among {}", names.short.len());
    }
}
