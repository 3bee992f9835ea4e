//! The members of a workspace, packed: there are a million of them where there are a thousand of anything else.
//!
//! A member takes 18 bytes, of which 12 are looked at for a decision, and 9 more for its place in the order of joining. Versions
//! share what did not change: members stand in chunks, and a change makes one or two of them anew, and the list of them.

mod chunk;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, LazyLock},
};

use super::{BuiltinRole, Digits, Member, PrincipalId, RoleRef, Timestamp};
use chunk::{Chunk, Chunks, Entry, FULL, Slots};

/// Sets of built-in roles, each the number whose bits are its roles; larger numbers are sets with custom roles.
const BUILTIN_SETS: u32 = 1 << BuiltinRole::ALL.len();
/// Sets with custom roles that may be kept though nobody holds them.
const UNHELD: usize = 1_000;

/// A principal id: its 72 bits, big-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key([u8; 9]);

impl Key {
    fn of(digits: Digits) -> Self {
        let (high, low) = digits.parts();
        let mut key = [high; 9];
        let [_, rest @ ..] = &mut key;
        *rest = low.to_be_bytes();
        Self(key)
    }

    const fn digits(self) -> Digits {
        let [high, low @ ..] = self.0;
        Digits::of_parts(high, u64::from_be_bytes(low))
    }
}

fn principal(digits: Digits) -> PrincipalId {
    let text = digits.to_string();
    // INVARIANT: digits are packed from 1 to 20 of them.
    PrincipalId::parse(&text).unwrap_or_else(|_| unreachable!("`{text}` is a principal id"))
}

/// Which roles a member holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoleSet {
    /// Built-in roles alone: a bit for each, in the order of [`BuiltinRole::ALL`].
    Builtin(u8),
    /// With custom roles: the place among [`Members::custom_sets`].
    Custom(usize),
}

impl RoleSet {
    fn of(number: u32) -> Self {
        match number.checked_sub(BUILTIN_SETS) {
            None => Self::Builtin(u8::try_from(number).unwrap_or_default()),
            Some(place) => Self::Custom(usize::try_from(place).unwrap_or(usize::MAX)),
        }
    }
}

/// What decisions look at of members that are not many: found at once by whoever keeps it beside.
#[derive(Debug, Clone)]
pub struct Roll(Slots);

impl Roll {
    /// Returns which roles a member holds; `None` for somebody who is none.
    #[must_use]
    #[inline]
    pub fn role_set(&self, principal: Digits) -> Option<RoleSet> {
        self.0.set_of(principal).map(RoleSet::of)
    }
}

/// The members of a workspace, by principal and in the order of joining; cheap to clone and to change.
#[derive(Clone, Default)]
pub struct Members {
    chunks: Chunks,
    len: usize,
    /// The keys in the order of joining; no chunk is empty.
    order: Arc<[Arc<[Key]>]>,
    /// Sets with custom roles.
    custom: Arc<[Arc<[RoleRef]>]>,
}

impl Members {
    /// Returns how many members there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Returns whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns which roles a member holds; `None` for somebody who is none.
    #[must_use]
    pub fn role_set(&self, principal: Digits) -> Option<RoleSet> {
        self.chunks.set_of(principal).map(RoleSet::of)
    }

    /// Returns what [`Self::role_set`] looks at, where that is little; `None` for members that are many.
    #[must_use]
    pub fn roll(&self) -> Option<Roll> {
        self.chunks.slots().map(Roll)
    }

    /// Returns the sets of roles with custom ones among them that members hold, or held.
    #[must_use]
    pub fn custom_sets(&self) -> &[Arc<[RoleRef]>] {
        &self.custom
    }

    /// Returns the roles of a member, sorted as they were given.
    #[must_use]
    pub fn roles(&self, principal: Digits) -> Option<&[RoleRef]> {
        self.chunks.set_of(principal).map(|set| self.set(set))
    }

    /// Returns a member.
    #[must_use]
    pub fn get(&self, principal: Digits) -> Option<Member> {
        self.chunks.get(principal).map(|entry| self.member(&entry))
    }

    /// Returns whether somebody is a member.
    #[must_use]
    pub fn contains(&self, principal: Digits) -> bool {
        self.chunks.set_of(principal).is_some()
    }

    /// Returns the members in the order of joining.
    pub fn joined(&self) -> impl Iterator<Item = Member> + '_ {
        let keys = self.order.iter().flat_map(|chunk| chunk.iter());
        keys.filter_map(|key| self.get(key.digits()))
    }

    /// Returns at most `size` members after the first `skip` in the order of joining.
    #[must_use]
    pub fn page(&self, skip: usize, size: usize) -> Vec<Member> {
        let mut before = skip;
        let mut page = Vec::new();
        for chunk in self.order.iter() {
            if before >= chunk.len() {
                before -= chunk.len();
                continue;
            }
            let keys = chunk.iter().skip(before).take(size - page.len());
            page.extend(keys.filter_map(|key| self.get(key.digits())));
            before = 0;
            if page.len() == size {
                break;
            }
        }
        page
    }

    /// Returns who holds a role, sorted by id. Looks at every member.
    pub fn holders(&self, role: &RoleRef) -> impl Iterator<Item = PrincipalId> + use<> {
        let holds = |entry: &Entry| self.set(entry.set).contains(role);
        let entries = self.chunks.entries().filter(holds);
        let mut holders: Vec<Digits> = entries.map(|entry| entry.digits).collect();
        holders.sort_unstable();
        holders.into_iter().map(principal)
    }

    /// Returns who is a member, in a fixed order.
    pub fn digits(&self) -> impl Iterator<Item = Digits> + '_ {
        self.chunks.entries().map(|entry| entry.digits)
    }

    /// Returns the members, in a fixed order.
    pub fn iter(&self) -> impl Iterator<Item = Member> + '_ {
        self.chunks.entries().map(|entry| self.member(&entry))
    }

    /// Puts a member, in the place of the one who was there.
    pub fn put(&mut self, member: &Member) {
        let digits = member.principal.digits();
        self.take(digits);
        if self.custom.len() > 2 * self.len + UNHELD {
            let held: Vec<Member> = self.iter().collect();
            *self = held.into_iter().collect();
        }
        let set = builtin_set(&member.roles).unwrap_or_else(|| {
            let known = self.custom.iter().position(|set| **set == *member.roles);
            custom_set(known.unwrap_or_else(|| {
                let new = Arc::from(&*member.roles);
                self.custom = self.custom.iter().cloned().chain([new]).collect();
                self.custom.len() - 1
            }))
        });
        let entry = Entry::new(digits, member.created, set);
        self.chunks.insert(entry);
        let (chunk, at) = self.place_in_order(joined(&entry));
        insert_key(&mut self.order, chunk, at, Key::of(digits));
        self.len += 1;
    }

    /// Removes a member; whether there was one.
    pub fn remove(&mut self, principal: &PrincipalId) -> bool {
        self.take(principal.digits())
    }

    fn take(&mut self, digits: Digits) -> bool {
        let Some(entry) = self.chunks.get(digits) else { return false };
        let (chunk, at) = self.place_in_order(joined(&entry));
        remove_key(&mut self.order, chunk, at);
        self.chunks.remove(digits);
        self.len -= 1;
        if self.len == 0 {
            // Sets nobody holds are forgotten with the last member.
            *self = Self::default();
        }
        true
    }

    /// Returns the chunk, and the place in it, of those who joined then.
    fn place_in_order(&self, place: ([u8; 6], Key)) -> (usize, usize) {
        let of = |key: &Key| {
            self.chunks.get(key.digits()).map_or(([0; 6], *key), |entry| joined(&entry))
        };
        let is_before = |chunk: &Arc<[Key]>| chunk.first().is_some_and(|first| of(first) <= place);
        let chunk = self.order.partition_point(is_before).saturating_sub(1);
        let at =
            self.order.get(chunk).map_or(0, |keys| keys.partition_point(|key| of(key) < place));
        (chunk, at)
    }

    fn member(&self, entry: &Entry) -> Member {
        Member {
            principal: principal(entry.digits),
            roles: self.set(entry.set).to_vec(),
            created: entry.created(),
        }
    }

    fn set(&self, number: u32) -> &[RoleRef] {
        static BUILTIN: LazyLock<Vec<Vec<RoleRef>>> = LazyLock::new(|| {
            let held = |set: u32| {
                let roles = BuiltinRole::ALL.into_iter().enumerate();
                let roles = roles.filter(|(bit, _)| set & (1 << bit) != 0);
                roles.map(|(_, role)| RoleRef::Builtin(role)).collect()
            };
            (0..BUILTIN_SETS).map(held).collect()
        });
        let index = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        let set = match number.checked_sub(BUILTIN_SETS) {
            None => BUILTIN.get(index(number)).map(Vec::as_slice),
            Some(number) => self.custom.get(index(number)).map(|set| &**set),
        };
        set.unwrap_or_default()
    }
}

/// Returns what members are sorted by in the order of joining.
fn joined(entry: &Entry) -> ([u8; 6], Key) {
    (entry.created, Key::of(entry.digits))
}

/// Returns the number of a set of built-in roles; `None` for a set of another kind, or in another order than the table's.
fn builtin_set(roles: &[RoleRef]) -> Option<u32> {
    let bit = |role: &RoleRef| match role {
        RoleRef::Builtin(role) => BuiltinRole::ALL.iter().position(|other| other == role),
        RoleRef::Custom(_) => None,
    };
    let bits: Vec<usize> = roles.iter().map(bit).collect::<Option<_>>()?;
    bits.is_sorted_by(|a, b| a < b).then(|| bits.into_iter().fold(0, |set, bit| set | 1 << bit))
}

/// Returns the number of the set that stands at `index` among those with custom roles.
fn custom_set(index: usize) -> u32 {
    // INVARIANT: there are not many more sets than members, and those are fewer than have numbers.
    BUILTIN_SETS + u32::try_from(index).unwrap_or_default()
}

/// Members on their way into [`Members`], all at once.
#[derive(Default)]
pub struct MembersBuilder {
    entries: Vec<Entry>,
    custom: Vec<Arc<[RoleRef]>>,
    known: HashMap<Vec<RoleRef>, u32>,
}

impl MembersBuilder {
    /// Adds a member; of two of the same principal the later one counts.
    pub fn add(&mut self, member: &Member) {
        let set = builtin_set(&member.roles).unwrap_or_else(|| {
            *self.known.entry(member.roles.clone()).or_insert_with(|| {
                self.custom.push(Arc::from(&*member.roles));
                custom_set(self.custom.len() - 1)
            })
        });
        self.entries.push(Entry::new(member.principal.digits(), member.created, set));
    }

    /// Adds a member whose id is this number and who holds built-in roles alone: a bit for each, in the order of
    /// [`BuiltinRole::ALL`].
    pub fn add_plain(&mut self, id: u64, roles: u8, created: Timestamp) {
        let set = u32::from(roles) & (BUILTIN_SETS - 1);
        self.entries.push(Entry::new(Digits::of_number(id), created, set));
    }

    /// Returns the members.
    #[must_use]
    pub fn build(mut self) -> Members {
        // Stable: of two of the same key the later one counts.
        self.entries.sort_by_key(Entry::place);
        self.entries.reverse();
        self.entries.dedup_by_key(|entry| entry.digits);
        self.entries.reverse();
        let chunks: Vec<Chunk> = self.entries.chunks(FULL).map(Chunk::new).collect();
        let (len, chunks) = (self.entries.len(), Chunks::from(chunks));
        self.entries.sort_unstable_by_key(joined);
        let keys: Vec<Key> = self.entries.iter().map(|entry| Key::of(entry.digits)).collect();
        let order = keys.chunks(FULL).map(Arc::from).collect();
        Members { chunks, len, order, custom: self.custom.into() }
    }
}

fn insert_key(order: &mut Arc<[Arc<[Key]>]>, chunk: usize, at: usize, key: Key) {
    let mut list = order.get(chunk).map_or_else(Vec::new, |chunk| chunk.to_vec());
    list.insert(at.min(list.len()), key);
    let halves = if list.len() > FULL { list.split_at(list.len() / 2) } else { (&*list, &[][..]) };
    let made = [halves.0, halves.1].into_iter().filter(|half| !half.is_empty()).map(Arc::from);
    *order = replaced(order, chunk, made).collect();
}

fn remove_key(order: &mut Arc<[Arc<[Key]>]>, chunk: usize, at: usize) {
    let mut list = order.get(chunk).map_or_else(Vec::new, |chunk| chunk.to_vec());
    if at < list.len() {
        list.remove(at);
    }
    let made = (!list.is_empty()).then(|| Arc::from(list));
    *order = replaced(order, chunk, made.into_iter()).collect();
}

/// Returns a list of chunks with others in the place of one.
fn replaced<T: Clone>(
    chunks: &[T],
    at: usize,
    made: impl Iterator<Item = T>,
) -> impl Iterator<Item = T> {
    let before = chunks.iter().take(at).cloned();
    before.chain(made).chain(chunks.iter().skip(at + 1).cloned())
}

impl PartialEq for Members {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.iter().eq(other.iter())
    }
}

impl Eq for Members {}

impl fmt::Debug for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl FromIterator<Member> for Members {
    fn from_iter<I: IntoIterator<Item = Member>>(members: I) -> Self {
        let mut builder = MembersBuilder::default();
        for member in members {
            builder.add(&member);
        }
        builder.build()
    }
}

#[cfg(test)]
mod tests;
