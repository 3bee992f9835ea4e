//! The members of a workspace, packed: there are a million of them where there are a thousand of anything else.
//!
//! A member takes 18 bytes, and 9 more for its place in the order of joining. Versions share what did not change: members
//! stand in sorted chunks, and a change makes one or two of them anew, and the list of them.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, LazyLock},
};

use super::{BuiltinRole, Member, PrincipalId, RoleRef, Timestamp};

/// Most members of a chunk.
const FULL: usize = 256;
/// Digits of the longest principal id, and what a place of them can be: nothing or one of ten.
const PLACES: usize = 20;
const SYMBOLS: u128 = 11;
/// Sets of built-in roles, each the number whose bits are its roles; larger numbers are sets with custom roles.
const BUILTIN_SETS: u32 = 1 << BuiltinRole::ALL.len();
/// Sets with custom roles that may be kept though nobody holds them.
const UNHELD: usize = 1_000;

/// A principal id. Nearly all are numbers without leading zeros that fit 64 bits: a zero and the number, big-endian. The
/// others are their digits as 20 places of base 11, behind the highest bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key([u8; 9]);

impl Key {
    /// The bit that tells an id that is no number.
    const ODD: u128 = 1 << 71;

    fn of(principal: &PrincipalId) -> Self {
        if let Some(number) = principal.number() {
            return Self::of_number(number);
        }
        let digits = principal.as_str().as_bytes();
        let value = (0..PLACES).fold(0_u128, |value, place| {
            let symbol = digits.get(place).map_or(0, |digit| u128::from(digit - b'0') + 1);
            value * SYMBOLS + symbol
        });
        // 11^20 is less than 2^71.
        Self::of_value(value | Self::ODD)
    }

    fn of_number(number: u64) -> Self {
        Self::of_value(u128::from(number))
    }

    fn of_value(value: u128) -> Self {
        let mut key = [0; 9];
        key.copy_from_slice(value.to_be_bytes().last_chunk::<9>().unwrap_or(&[0; 9]));
        Self(key)
    }

    fn principal(self) -> PrincipalId {
        let value = self.0.iter().fold(0, |value, byte| value << 8 | u128::from(*byte));
        let text = if value & Self::ODD == 0 {
            value.to_string()
        } else {
            let mut rest = value & !Self::ODD;
            let mut digits = Vec::with_capacity(PLACES);
            for _ in 0..PLACES {
                let symbol = u8::try_from(rest % SYMBOLS).unwrap_or_default();
                rest /= SYMBOLS;
                if symbol > 0 {
                    digits.push(b'0' + symbol - 1);
                }
            }
            digits.reverse();
            String::from_utf8_lossy(&digits).into_owned()
        };
        // INVARIANT: a key was made of a principal id, 1 to 20 digits.
        PrincipalId::parse(&text).unwrap_or_else(|_| unreachable!("`{text}` is a principal id"))
    }
}

/// A member as it stands in a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    key: Key,
    /// Milliseconds, the lowest 48 bits: enough for 8,900 years.
    created: [u8; 6],
    /// Which set of roles.
    roles: [u8; 3],
}

impl Entry {
    fn new(key: Key, created: Timestamp, set: u32) -> Self {
        let [_, _, created @ ..] = created.as_millis().min((1 << 48) - 1).to_be_bytes();
        let [_, roles @ ..] = set.to_be_bytes();
        Self { key, created, roles }
    }

    fn created(&self) -> Timestamp {
        let millis = self.created.iter().fold(0, |millis, byte| millis << 8 | u64::from(*byte));
        Timestamp::from_millis(millis)
    }

    /// What members are sorted by in the order of joining.
    const fn joined(&self) -> ([u8; 6], Key) {
        (self.created, self.key)
    }
}

/// The members of a workspace, by principal and in the order of joining; cheap to clone and to change.
#[derive(Clone, Default)]
pub struct Members {
    len: usize,
    /// Sorted by key; no chunk is empty.
    chunks: Arc<[Arc<[Entry]>]>,
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

    /// Returns the roles of a member, sorted as they were given.
    #[must_use]
    pub fn roles(&self, principal: &PrincipalId) -> Option<&[RoleRef]> {
        self.find(Key::of(principal)).map(|entry| self.set(entry.roles))
    }

    /// Returns a member.
    #[must_use]
    pub fn get(&self, principal: &PrincipalId) -> Option<Member> {
        self.find(Key::of(principal)).map(|entry| self.member(entry))
    }

    /// Returns whether somebody is a member.
    #[must_use]
    pub fn contains(&self, principal: &PrincipalId) -> bool {
        self.find(Key::of(principal)).is_some()
    }

    /// Returns the members in the order of joining.
    pub fn joined(&self) -> impl Iterator<Item = Member> + '_ {
        let keys = self.order.iter().flat_map(|chunk| chunk.iter());
        keys.filter_map(|key| self.find(*key)).map(|entry| self.member(entry))
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
            page.extend(keys.filter_map(|key| self.find(*key)).map(|entry| self.member(entry)));
            before = 0;
            if page.len() == size {
                break;
            }
        }
        page
    }

    /// Returns who holds a role, in a fixed order.
    pub fn holders<'m>(&'m self, role: &'m RoleRef) -> impl Iterator<Item = PrincipalId> + 'm {
        let holds = move |entry: &&Entry| self.set(entry.roles).contains(role);
        self.entries().filter(holds).map(|entry| entry.key.principal())
    }

    /// Returns the members, in a fixed order.
    pub fn iter(&self) -> impl Iterator<Item = Member> + '_ {
        self.entries().map(|entry| self.member(entry))
    }

    /// Puts a member, in the place of the one who was there.
    pub fn put(&mut self, member: &Member) {
        self.take(Key::of(&member.principal));
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
        let entry = Entry::new(Key::of(&member.principal), member.created, set);
        insert(&mut self.chunks, entry, |entry| entry.key);
        let place = entry.joined();
        let position = self.place_in_order(place);
        insert_at(&mut self.order, position, entry.key);
        self.len += 1;
    }

    /// Removes a member; whether there was one.
    pub fn remove(&mut self, principal: &PrincipalId) -> bool {
        self.take(Key::of(principal))
    }

    fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }

    fn find(&self, key: Key) -> Option<&Entry> {
        let chunk = self.chunks.get(chunk_of(&self.chunks, |first| first.key <= key)?)?;
        let at = chunk.binary_search_by(|entry| entry.key.cmp(&key)).ok()?;
        chunk.get(at)
    }

    fn take(&mut self, key: Key) -> bool {
        let Some(entry) = self.find(key).copied() else { return false };
        let (chunk, at) = self.place_in_order(entry.joined());
        remove_at(&mut self.order, chunk, at);
        if let Some(chunk) = chunk_of(&self.chunks, |first| first.key <= key)
            && let Some(Ok(at)) =
                self.chunks.get(chunk).map(|c| c.binary_search_by(|entry| entry.key.cmp(&key)))
        {
            remove_at(&mut self.chunks, chunk, at);
        }
        self.len -= 1;
        if self.len == 0 {
            // Sets nobody holds are forgotten with the last member.
            *self = Self::default();
        }
        true
    }

    /// Returns the chunk, and the place in it, of those who joined then.
    fn place_in_order(&self, joined: ([u8; 6], Key)) -> (usize, usize) {
        let of = |key: &Key| self.find(*key).map_or(([0; 6], *key), Entry::joined);
        let chunk = chunk_of(&self.order, |first| of(first) <= joined).unwrap_or_default();
        let at =
            self.order.get(chunk).map_or(0, |keys| keys.partition_point(|key| of(key) < joined));
        (chunk, at)
    }

    fn member(&self, entry: &Entry) -> Member {
        Member {
            principal: entry.key.principal(),
            roles: self.set(entry.roles).to_vec(),
            created: entry.created(),
        }
    }

    fn set(&self, [high, middle, low]: [u8; 3]) -> &[RoleRef] {
        static BUILTIN: LazyLock<Vec<Vec<RoleRef>>> = LazyLock::new(|| {
            let held = |set: u32| {
                let roles = BuiltinRole::ALL.into_iter().enumerate();
                let roles = roles.filter(|(bit, _)| set & (1 << bit) != 0);
                roles.map(|(_, role)| RoleRef::Builtin(role)).collect()
            };
            (0..BUILTIN_SETS).map(held).collect()
        });
        let number = u32::from_be_bytes([0, high, middle, low]);
        let index = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        let set = match number.checked_sub(BUILTIN_SETS) {
            None => BUILTIN.get(index(number)).map(Vec::as_slice),
            Some(number) => self.custom.get(index(number)).map(|set| &**set),
        };
        set.unwrap_or_default()
    }
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
        self.entries.push(Entry::new(Key::of(&member.principal), member.created, set));
    }

    /// Adds a member whose id is this number and who holds built-in roles alone: a bit for each, in the order of
    /// [`BuiltinRole::ALL`].
    pub fn add_plain(&mut self, id: u64, roles: u8, created: Timestamp) {
        let set = u32::from(roles) & (BUILTIN_SETS - 1);
        self.entries.push(Entry::new(Key::of_number(id), created, set));
    }

    /// Returns the members.
    #[must_use]
    pub fn build(mut self) -> Members {
        // Stable: of two of the same key the later one counts.
        self.entries.sort_by_key(|entry| entry.key);
        self.entries.reverse();
        self.entries.dedup_by_key(|entry| entry.key);
        self.entries.reverse();
        let (len, chunks) = (self.entries.len(), chunked(&self.entries));
        self.entries.sort_unstable_by_key(Entry::joined);
        let keys: Vec<Key> = self.entries.iter().map(|entry| entry.key).collect();
        Members { len, chunks, order: chunked(&keys), custom: self.custom.into() }
    }
}

/// Returns the last chunk whose first element is so; the first chunk where none is.
fn chunk_of<T>(chunks: &[Arc<[T]>], is_before: impl Fn(&T) -> bool) -> Option<usize> {
    if chunks.is_empty() {
        return None;
    }
    let after = chunks.partition_point(|chunk| chunk.first().is_some_and(&is_before));
    Some(after.saturating_sub(1))
}

/// Cuts a list into chunks with room to grow.
fn chunked<T: Copy>(list: &[T]) -> Arc<[Arc<[T]>]> {
    list.chunks(FULL).map(Arc::from).collect()
}

fn insert<T: Copy>(chunks: &mut Arc<[Arc<[T]>]>, one: T, key: impl Fn(&T) -> Key) {
    let chunk = chunk_of(chunks, |first| key(first) <= key(&one)).unwrap_or_default();
    let at = chunks.get(chunk).map_or(0, |c| c.partition_point(|other| key(other) < key(&one)));
    insert_at(chunks, (chunk, at), one);
}

fn insert_at<T: Copy>(chunks: &mut Arc<[Arc<[T]>]>, (chunk, at): (usize, usize), one: T) {
    let mut list = chunks.get(chunk).map_or_else(Vec::new, |chunk| chunk.to_vec());
    list.insert(at.min(list.len()), one);
    let halves = if list.len() > FULL { list.split_at(list.len() / 2) } else { (&*list, &[][..]) };
    let made = [halves.0, halves.1].into_iter().filter(|half| !half.is_empty()).map(Arc::from);
    replace(chunks, chunk, made);
}

fn remove_at<T: Copy>(chunks: &mut Arc<[Arc<[T]>]>, chunk: usize, at: usize) {
    let mut list = chunks.get(chunk).map_or_else(Vec::new, |chunk| chunk.to_vec());
    if at < list.len() {
        list.remove(at);
    }
    replace(chunks, chunk, (!list.is_empty()).then(|| Arc::from(list)).into_iter());
}

/// Puts chunks in the place of one.
fn replace<T>(chunks: &mut Arc<[Arc<[T]>]>, at: usize, made: impl Iterator<Item = Arc<[T]>>) {
    let before = chunks.iter().take(at).cloned();
    let after = chunks.iter().skip(at + 1).cloned();
    *chunks = before.chain(made).chain(after).collect();
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
