//! Where members stand, and how one is found: among a million it costs a few places in memory, no more.

use std::{fmt, hint::select_unpredictable, sync::Arc};

use super::replaced;
use crate::domain::{Digits, Timestamp};

/// Most members of a chunk.
pub(super) const FULL: usize = 256;
/// How many slots are looked at at once: a line of the caches. Of a hundred members about fourteen stand in another one than where
/// they belong.
const NEAR: usize = 5;
/// Lines behind those where somebody can belong.
const SPARE: usize = 1;
/// The bits of a set's number; above them are the highest bits of the principal.
const SET_BITS: u32 = 24;

/// A member, out of its columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) digits: Digits,
    /// Milliseconds, the lowest 48 bits: enough for 8,900 years.
    pub(super) created: [u8; 6],
    /// Which set of roles.
    pub(super) set: u32,
}

impl Entry {
    pub(super) fn new(digits: Digits, created: Timestamp, set: u32) -> Self {
        let [_, _, created @ ..] = created.as_millis().min((1 << 48) - 1).to_be_bytes();
        Self { digits, created, set: set & ((1 << SET_BITS) - 1) }
    }

    pub(super) fn created(&self) -> Timestamp {
        let millis = self.created.iter().fold(0, |millis, byte| millis << 8 | u64::from(*byte));
        Timestamp::from_millis(millis)
    }

    /// Returns what members are sorted by.
    pub(super) fn place(&self) -> (u64, u8) {
        place(self.digits)
    }
}

/// Returns where a principal stands: its lower bits, spread evenly over all numbers, then the highest.
fn place(digits: Digits) -> (u64, u8) {
    let (high, low) = digits.parts();
    (spread(low), high)
}

/// Spreads numbers, each to another one: the finalizer of MurmurHash3 by Austin Appleby, which is in the public domain.
const fn spread(mut n: u64) -> u64 {
    n ^= n >> 33;
    n = n.wrapping_mul(0xff51_afd7_ed55_8ccd);
    n ^= n >> 33;
    n = n.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    n ^ (n >> 33)
}

/// Returns the number that was spread.
const fn gathered(mut n: u64) -> u64 {
    n ^= n >> 33;
    n = n.wrapping_mul(0x9cb4_b2f8_1293_37db);
    n ^= n >> 33;
    n = n.wrapping_mul(0x4f74_430c_22a5_4005);
    n ^ (n >> 33)
}

/// What is looked for: where a member stands, and the number of the set of roles below the highest bits of the principal.
/// In three words, for what stands beside each other is read at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Slot {
    lower: u32,
    upper: u32,
    packed: u32,
}

impl Slot {
    /// Where nobody stands. INVARIANT: the highest bits of a principal are never all set.
    const FREE: Self = Self { lower: u32::MAX, upper: u32::MAX, packed: u32::MAX };

    fn new(entry: &Entry) -> Self {
        let (place, high) = entry.place();
        let ([lower @ .., _, _, _, _], [_, _, _, _, upper @ ..]) =
            (place.to_le_bytes(), place.to_le_bytes());
        let packed = u32::from(high) << SET_BITS | entry.set;
        Self { lower: u32::from_le_bytes(lower), upper: u32::from_le_bytes(upper), packed }
    }

    fn place(self) -> (u64, u8) {
        (u64::from(self.upper) << 32 | u64::from(self.lower), self.high())
    }

    const fn set(self) -> u32 {
        set_of(self.packed)
    }

    const fn high(self) -> u8 {
        let [high, ..] = self.packed.to_be_bytes();
        high
    }

    const fn is_free(self) -> bool {
        self.packed == u32::MAX
    }

    /// Returns whether somebody stands there, in one step.
    #[inline]
    fn is_of(self, (place, high): (u64, u8)) -> bool {
        let (there, its) = self.place();
        (there ^ place) | u64::from(its ^ high) == 0
    }
}

const fn set_of(packed: u32) -> u32 {
    packed & ((1 << SET_BITS) - 1)
}

/// Slots that are looked at at once, those that are free behind the others.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Line([Slot; NEAR]);

const _: () = assert!(size_of::<Line>() == 64);

impl Line {
    const FREE: Self = Self([Slot::FREE; NEAR]);

    /// Returns whether somebody who belongs here may stand behind it.
    fn is_full(&self) -> bool {
        self.0.last().is_some_and(|slot| !slot.is_free())
    }

    /// Returns who stands there.
    fn taken(&self) -> impl Iterator<Item = &Slot> {
        self.0.iter().take_while(|slot| !slot.is_free())
    }
}

/// Where members of a chunk belong: they are spread over its lines as evenly as over the places they can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    first: u64,
    /// How far what is above the first is shifted, so that its highest bit can be set.
    shift: u32,
    /// In how many lines somebody can belong.
    homes: usize,
}

impl Range {
    /// All places.
    const fn all(homes: usize) -> Self {
        Self { first: 0, shift: 0, homes }
    }

    /// Those from the first to the last of entries that are sorted by place.
    fn between(entries: &[Entry]) -> Self {
        let place = |entry: Option<&Entry>| entry.map_or(0, |entry| entry.place().0);
        let (first, last) = (place(entries.first()), place(entries.last()));
        let shift = (last - first).leading_zeros().min(63);
        Self { first, shift, homes: homes_of(entries) }
    }

    /// Returns where a place belongs.
    #[inline]
    fn home(self, (place, _): (u64, u8)) -> usize {
        // What is outside is not there, wherever it is looked for.
        let within = u128::from(place.wrapping_sub(self.first) << self.shift);
        usize::try_from((within * self.homes as u128) >> 64).unwrap_or_default()
    }
}

/// Returns in how many lines entries shall belong: a quarter of the slots are free.
const fn homes_of(entries: &[Entry]) -> usize {
    entries.len() * 4 / (3 * NEAR) + 1
}

/// Returns entries that are sorted by place, each in the line where it belongs, or behind it where that is full.
fn spread_out(entries: &[Entry], range: Range) -> Arc<[Line]> {
    let mut lines = Vec::with_capacity(range.homes + SPARE);
    for entry in entries {
        let home = range.home(entry.place());
        if lines.len() <= home {
            lines.resize(home + 1, Line::FREE);
        } else if lines.last().is_some_and(Line::is_full) {
            lines.push(Line::FREE);
        }
        let mut slots = lines.last_mut().into_iter().flat_map(|line| &mut line.0);
        if let Some(slot) = slots.find(|slot| slot.is_free()) {
            *slot = Slot::new(entry);
        }
    }
    lines.resize(lines.len().max(range.homes + SPARE), Line::FREE);
    lines.into()
}

/// Returns the number of the set of roles of somebody who belongs to a line, if it is there.
#[inline]
fn find(lines: &[Line], home: usize, place: (u64, u8)) -> Option<u32> {
    let line = lines.get(home)?;
    // Which of them it is is not to be foreseen, and a wrong guess costs more than to look at all.
    let is_there = |found, slot: &Slot| select_unpredictable(slot.is_of(place), slot.packed, found);
    match line.0.iter().fold(Slot::FREE.packed, is_there) {
        packed if packed != Slot::FREE.packed => Some(set_of(packed)),
        _ if line.is_full() => find_behind(lines.get(home + 1..)?, place),
        _ => None,
    }
}

fn find_behind(lines: &[Line], place: (u64, u8)) -> Option<u32> {
    for line in lines {
        if let Some(slot) = line.taken().find(|slot| slot.is_of(place)) {
            return Some(slot.set());
        }
        if !line.is_full() {
            break;
        }
    }
    None
}

/// All that is looked at for a decision, of members that stand together in one chunk. How many they are tells where they belong.
#[derive(Debug, Clone)]
pub(super) struct Slots(Arc<[Line]>);

impl Slots {
    /// Returns the number of the set of roles a principal has.
    #[inline]
    pub(super) fn set_of(&self, principal: Digits) -> Option<u32> {
        let (place, homes) = (place(principal), self.0.len().saturating_sub(SPARE));
        find(&self.0, Range::all(homes).home(place), place)
    }
}

/// Members that stand together, sorted by place.
#[derive(Clone)]
pub(super) struct Chunk {
    range: Range,
    /// The place of the first.
    first: (u64, u8),
    lines: Arc<[Line]>,
    /// When each joined.
    created: Arc<[[u8; 6]]>,
}

impl Chunk {
    /// Returns the chunk of entries that are sorted by place.
    fn new(entries: &[Entry], range: Range) -> Self {
        Self {
            range,
            first: entries.first().map_or((0, 0), Entry::place),
            lines: spread_out(entries, range),
            created: entries.iter().map(|entry| entry.created).collect(),
        }
    }

    fn among_others(entries: &[Entry]) -> Self {
        Self::new(entries, Range::between(entries))
    }

    /// Returns the number of the set of roles of whoever has a place.
    fn find(&self, place: (u64, u8)) -> Option<u32> {
        find(&self.lines, self.range.home(place), place)
    }

    fn entry(&self, place: (u64, u8)) -> Option<Entry> {
        let set = self.find(place)?;
        let before = self.taken().take_while(|slot| slot.place() < place).count();
        Some(Entry { digits: digits_at(place), created: *self.created.get(before)?, set })
    }

    fn taken(&self) -> impl Iterator<Item = &Slot> {
        self.lines.iter().flat_map(Line::taken)
    }

    fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        self.taken().zip(self.created.iter()).map(|(slot, created)| entry(*slot, *created))
    }
}

fn entry(slot: Slot, created: [u8; 6]) -> Entry {
    Entry { digits: digits_at(slot.place()), created, set: slot.set() }
}

/// Returns who has a place.
fn digits_at((place, high): (u64, u8)) -> Digits {
    Digits::of_parts(high, gathered(place))
}

/// All chunks, sorted; only a single one is ever empty. Most workspaces have one, and it stands where it is looked for.
#[derive(Clone)]
pub(super) enum Chunks {
    One(Chunk),
    Many(Arc<[Chunk]>),
}

impl Default for Chunks {
    fn default() -> Self {
        Self::one(&[])
    }
}

impl From<Vec<Chunk>> for Chunks {
    fn from(chunks: Vec<Chunk>) -> Self {
        match &*chunks {
            [] => Self::default(),
            [one] => Self::one(&one.entries().collect::<Vec<_>>()),
            _ => Self::Many(chunks.into()),
        }
    }
}

impl fmt::Debug for Chunks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.entries()).finish()
    }
}

impl Chunks {
    /// Returns the chunks of entries that are sorted by place.
    pub(super) fn new(entries: &[Entry]) -> Self {
        if entries.len() <= FULL {
            return Self::one(entries);
        }
        Self::Many(entries.chunks(FULL).map(Chunk::among_others).collect())
    }

    fn one(entries: &[Entry]) -> Self {
        Self::One(Chunk::new(entries, Range::all(homes_of(entries))))
    }

    fn list(&self) -> &[Chunk] {
        match self {
            Self::One(chunk) => std::slice::from_ref(chunk),
            Self::Many(chunks) => chunks,
        }
    }

    /// Returns which chunk a place is in.
    fn number(&self, place: (u64, u8)) -> usize {
        match self {
            Self::One(_) => 0,
            Self::Many(chunks) => {
                let begins_before = |chunk: &Chunk| chunk.first <= place;
                chunks.partition_point(begins_before).saturating_sub(1)
            }
        }
    }

    /// Returns the number of the set of roles a principal has.
    pub(super) fn set_of(&self, principal: Digits) -> Option<u32> {
        let place = place(principal);
        self.list().get(self.number(place))?.find(place)
    }

    /// Returns the slots of those who stand in one chunk, unless they crowd at the end of it.
    pub(super) fn slots(&self) -> Option<Slots> {
        let Self::One(chunk) = self else { return None };
        let is_even = chunk.range == Range::all(chunk.lines.len().saturating_sub(SPARE));
        is_even.then(|| Slots(chunk.lines.clone()))
    }

    pub(super) fn get(&self, principal: Digits) -> Option<Entry> {
        let place = place(principal);
        self.list().get(self.number(place))?.entry(place)
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        self.list().iter().flat_map(Chunk::entries)
    }

    /// Inserts somebody who is not there.
    pub(super) fn insert(&mut self, entry: Entry) {
        let number = self.number(entry.place());
        let (mut entries, at) = self.taken_apart(number, entry.place());
        entries.insert(at.min(entries.len()), entry);
        let halves = if entries.len() > FULL {
            entries.split_at(entries.len() / 2)
        } else {
            (&*entries, &[][..])
        };
        self.replace(number, [halves.0, halves.1]);
    }

    /// Removes somebody who is there.
    pub(super) fn remove(&mut self, principal: Digits) {
        let place = place(principal);
        let number = self.number(place);
        let (mut entries, at) = self.taken_apart(number, place);
        if entries.get(at).is_some_and(|entry| entry.digits == principal) {
            entries.remove(at);
        }
        self.replace(number, [&entries, &[]]);
    }

    /// Returns the entries of a chunk, and the place of one among them.
    fn taken_apart(&self, number: usize, place: (u64, u8)) -> (Vec<Entry>, usize) {
        let entries: Vec<Entry> =
            self.list().get(number).into_iter().flat_map(Chunk::entries).collect();
        let at = entries.partition_point(|entry| entry.place() < place);
        (entries, at)
    }

    fn replace(&mut self, number: usize, made: [&[Entry]; 2]) {
        if let (Self::One(_), [all, []]) = (&*self, made) {
            *self = Self::one(all);
            return;
        }
        let made = made.into_iter().filter(|it| !it.is_empty()).map(Chunk::among_others);
        let chunks: Vec<Chunk> = replaced(self.list(), number, made).collect();
        *self = Self::from(chunks);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_spread_and_gathered_again() {
        for n in [0, 1, 2, 2_001, u64::MAX, 1 << 63, 200_000_000_000_000_001] {
            assert_eq!(gathered(spread(n)), n);
            assert_ne!(spread(n), spread(n ^ 1));
        }
    }

    /// Chunks of those who have these places, each with a set of its own, over all places and over theirs.
    fn chunks_of(places: &[u64]) -> [(Vec<Entry>, Chunk); 2] {
        let digits = places.iter().map(|place| Digits::of_number(gathered(*place)));
        let then = Timestamp::from_millis(0);
        let mut entries: Vec<Entry> =
            (0..).zip(digits).map(|(set, digits)| Entry::new(digits, then, set)).collect();
        entries.sort_by_key(Entry::place);
        let chunk = |range| (entries.clone(), Chunk::new(&entries, range));
        [chunk(Range::all(homes_of(&entries))), chunk(Range::between(&entries))]
    }

    #[track_caller]
    fn assert_found(places: &[u64], absent: &[u64]) {
        for (entries, chunk) in chunks_of(places) {
            for entry in &entries {
                assert_eq!(chunk.find(entry.place()), Some(entry.set), "{entry:?}");
            }
            for place in absent.iter().filter(|place| !places.contains(place)) {
                assert_eq!(chunk.find((*place, 0)), None, "{place}");
            }
            assert_eq!(chunk.entries().collect::<Vec<_>>(), entries);
            for entry in &entries {
                assert_eq!(chunk.entry(entry.place()), Some(*entry));
            }
            let slots = Chunks::One(chunk).slots();
            for entry in entries.iter().filter(|_| slots.is_some()) {
                assert_eq!(slots.as_ref().unwrap().set_of(entry.digits), Some(entry.set));
            }
        }
    }

    #[test]
    fn somebody_is_found_though_all_stand_at_one_end() {
        // Places that a hostile choice of ids could have: all but one of them together.
        for end in [u64::MAX - 300, u64::MAX - 254, 300, 1, 1 << 63] {
            let crowd: Vec<u64> = std::iter::once(0).chain((0..255).map(|n| end + n)).collect();
            assert_found(&crowd, &[1, u64::MAX, end - 1, end.saturating_add(255)]);
        }
    }

    #[test]
    fn who_has_the_same_lower_bits_is_somebody_else() {
        let then = Timestamp::from_millis(0);
        let same = |high, set| Entry::new(Digits::of_parts(high, 7), then, set);
        let entries = [same(0, 1), same(0x80, 2), same(0x81, 3)];
        let chunk = Chunk::among_others(&entries);
        for entry in &entries {
            assert_eq!(chunk.find(entry.place()), Some(entry.set));
        }
        assert_eq!(chunk.find(same(0x82, 0).place()), None);
    }

    proptest! {
        #[test]
        fn all_are_found_and_nobody_else(
            mut places in prop::collection::vec(any::<u64>(), 0..FULL),
            near in prop::collection::vec(0..2_000_u64, 0..60),
            absent in prop::collection::vec(any::<u64>(), 50),
            about in any::<u64>(),
        ) {
            places.extend(near.iter().map(|distance| about.saturating_add(*distance)));
            places.sort_unstable();
            places.dedup();
            places.truncate(FULL);
            let beside: Vec<u64> = places.iter().map(|place| place.wrapping_add(1)).collect();
            assert_found(&places, &[absent, beside].concat());
        }
    }
}
