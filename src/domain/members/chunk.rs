//! Where members stand, and how one is found: among a million it costs a few places in memory, no more.

use std::{fmt, sync::Arc};

use super::replaced;
use crate::domain::{Digits, Timestamp};

/// Most members of a chunk.
pub(super) const FULL: usize = 256;
/// How far from where it should be a member is looked for one by one.
const NEAR: usize = 16;
/// How many slots around where it should be are looked at all together: nearly all members stand in such a window.
const WINDOW: usize = 12;
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
struct Slot([u32; 3]);

impl Slot {
    fn new(entry: &Entry) -> Self {
        let (place, high) = entry.place();
        let ([upper @ .., _, _, _, _], [_, _, _, _, lower @ ..]) =
            (place.to_be_bytes(), place.to_be_bytes());
        let packed = u32::from(high) << SET_BITS | entry.set;
        Self([u32::from_be_bytes(upper), u32::from_be_bytes(lower), packed])
    }

    fn place(self) -> u64 {
        let Self([upper, lower, _]) = self;
        u64::from(upper) << 32 | u64::from(lower)
    }

    /// Returns the place with its halves as they stand in memory, so that they are read at once.
    fn word(self) -> u64 {
        let Self([upper, lower, _]) = self;
        u64::from(lower) << 32 | u64::from(upper)
    }

    const fn set(self) -> u32 {
        let Self([.., packed]) = self;
        packed & ((1 << SET_BITS) - 1)
    }

    const fn high(self) -> u8 {
        let Self([.., packed]) = self;
        let [high, ..] = packed.to_be_bytes();
        high
    }
}

/// Returns how many slots stand before a place, looked for from `guess` on.
#[inline]
fn before(slots: &[Slot], guess: usize, place: u64) -> usize {
    let (before, after) = slots.split_at(guess.min(slots.len()));
    // They are spread evenly, so it is near; should somebody have found ids that are not, it is found all the same.
    if before.last().is_some_and(|last| last.place() >= place) {
        let steps = before.iter().rev().take(NEAR).take_while(|it| it.place() >= place).count();
        if steps < NEAR {
            return before.len() - steps;
        }
        return before.partition_point(|it| it.place() < place);
    }
    let steps = after.iter().take(NEAR).take_while(|it| it.place() < place).count();
    if steps < NEAR {
        return before.len() + steps;
    }
    before.len() + after.partition_point(|it| it.place() < place)
}

/// Returns where a principal stands among sorted slots, with its slot, or where it would.
#[inline]
fn find(slots: &[Slot], guess: usize, (place, high): (u64, u8)) -> Result<(usize, Slot), usize> {
    let mut at = before(slots, guess, place);
    while let Some(slot) = slots.get(at).copied().filter(|slot| slot.place() == place) {
        if slot.high() == high {
            return Ok((at, slot));
        }
        if slot.high() > high {
            break;
        }
        at += 1;
    }
    Err(at)
}

/// All that is looked at for a decision, of members that stand together in one chunk.
#[derive(Debug, Clone)]
pub(super) struct Slots(Arc<[Slot]>);

impl Slots {
    /// Returns the number of the set of roles a principal has.
    #[inline]
    pub(super) fn set_of(&self, principal: Digits) -> Option<u32> {
        let place = place(principal);
        // They are all there are, so they are spread over all places.
        let product = u128::from(place.0) * self.0.len() as u128;
        let guess = usize::try_from(product >> 64).unwrap_or_default();
        if let Some(slot) = seen(&self.0, guess, place) {
            return Some(slot.set());
        }
        find(&self.0, guess, place).ok().map(|(_, slot)| slot.set())
    }
}

/// Returns the slot of a principal that stands about where `guess` says, looking at a window of slots as a whole: where in it is
/// not to be foreseen, and a wrong guess of the processor costs more than to look at all. `None` says nothing.
#[inline]
fn seen(slots: &[Slot], guess: usize, (place, high): (u64, u8)) -> Option<Slot> {
    let first = guess.saturating_sub(WINDOW / 2).min(slots.len().checked_sub(WINDOW)?);
    let window: &[Slot; WINDOW] = slots.get(first..)?.first_chunk()?;
    let word = place.rotate_left(32);
    let mut at = WINDOW;
    for (nth, slot) in window.iter().enumerate() {
        at = if slot.word() == word { nth } else { at };
    }
    window.get(at).copied().filter(|slot| slot.high() == high)
}

/// Members that stand together, sorted by place.
#[derive(Clone, Default)]
pub(super) struct Chunk {
    first: u64,
    /// How many of them there are in a distance of one.
    density: f64,
    slots: Arc<[Slot]>,
    first_high: u8,
    /// When each joined.
    created: Arc<[[u8; 6]]>,
}

impl Chunk {
    /// Returns the chunk of entries that are sorted by place.
    pub(super) fn new(entries: &[Entry]) -> Self {
        let place = |entry: Option<&Entry>| entry.map_or((0, 0), Entry::place);
        let (first, first_high) = place(entries.first());
        let distance = place(entries.last()).0 - first;
        #[expect(clippy::cast_precision_loss, reason = "it says where to begin to look")]
        let density =
            if distance == 0 { 0.0 } else { (entries.len() - 1) as f64 / distance as f64 };
        Self {
            first,
            density,
            slots: entries.iter().map(Slot::new).collect(),
            first_high,
            created: entries.iter().map(|entry| entry.created).collect(),
        }
    }

    fn len(&self) -> usize {
        self.slots.len()
    }

    /// Returns about how many stand before a place.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it says where to begin to look; what is beyond the end is cut off"
    )]
    fn guess(&self, place: u64) -> usize {
        (place.saturating_sub(self.first) as f64 * self.density) as usize
    }

    /// Returns where a principal stands, with its slot, or where it would.
    fn find(&self, place: (u64, u8)) -> Result<(usize, Slot), usize> {
        find(&self.slots, self.guess(place.0), place)
    }

    fn entry(&self, at: usize) -> Option<Entry> {
        let slot = *self.slots.get(at)?;
        Some(Entry {
            digits: Digits::of_parts(slot.high(), gathered(slot.place())),
            created: *self.created.get(at)?,
            set: slot.set(),
        })
    }

    fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        (0..self.len()).filter_map(|at| self.entry(at))
    }
}

/// All chunks, sorted; only a single one is ever empty. Most workspaces have one, and it stands where it is looked for.
#[derive(Clone)]
pub(super) enum Chunks {
    One(Chunk),
    Many(Arc<[Chunk]>),
}

impl Default for Chunks {
    fn default() -> Self {
        Self::One(Chunk::default())
    }
}

impl From<Vec<Chunk>> for Chunks {
    fn from(mut chunks: Vec<Chunk>) -> Self {
        if chunks.len() > 1 {
            return Self::Many(chunks.into());
        }
        chunks.pop().map_or_else(Self::default, Self::One)
    }
}

impl fmt::Debug for Chunks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.entries()).finish()
    }
}

impl Chunks {
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
                let begins_before = |chunk: &Chunk| (chunk.first, chunk.first_high) <= place;
                chunks.partition_point(begins_before).saturating_sub(1)
            }
        }
    }

    /// Returns the number of the set of roles a principal has.
    pub(super) fn set_of(&self, principal: Digits) -> Option<u32> {
        let place = place(principal);
        let (_, slot) = self.list().get(self.number(place))?.find(place).ok()?;
        Some(slot.set())
    }

    /// Returns the slots of those who stand in one chunk.
    pub(super) fn slots(&self) -> Option<Slots> {
        match self {
            Self::One(chunk) => Some(Slots(chunk.slots.clone())),
            Self::Many(_) => None,
        }
    }

    pub(super) fn get(&self, principal: Digits) -> Option<Entry> {
        let place = place(principal);
        let chunk = self.list().get(self.number(place))?;
        chunk.entry(chunk.find(place).ok()?.0)
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
        let Some(chunk) = self.list().get(number) else { return (Vec::new(), 0) };
        let at = chunk.find(place).map_or_else(|at| at, |(at, _)| at);
        (chunk.entries().collect(), at)
    }

    fn replace(&mut self, number: usize, made: [&[Entry]; 2]) {
        let made = made.into_iter().filter(|entries| !entries.is_empty()).map(Chunk::new);
        let chunks: Vec<Chunk> = replaced(self.list(), number, made).collect();
        *self = Self::from(chunks);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns members of these ids, each with a set of its own, and their slots.
    fn stood(ids: impl Iterator<Item = Digits>) -> (Vec<Entry>, Slots) {
        let entry = |(digits, set)| Entry::new(digits, Timestamp::from_millis(0), set);
        let mut entries: Vec<Entry> = ids.zip(0..).map(entry).collect();
        entries.sort_by_key(Entry::place);
        let slots = Slots(Chunk::new(&entries).slots);
        (entries, slots)
    }

    #[test]
    fn numbers_are_spread_and_gathered_again() {
        for n in [0, 1, 2, 2_001, u64::MAX, 1 << 63, 200_000_000_000_000_001] {
            assert_eq!(gathered(spread(n)), n);
            assert_ne!(spread(n), spread(n ^ 1));
        }
    }

    #[test]
    fn all_are_found_however_many_they_are_and_nobody_else() {
        for count in 0..3 * WINDOW as u64 {
            let odd = |id: u64| Digits::parse(&format!("0{id}")).unwrap();
            let (entries, slots) =
                stood((0..count).flat_map(|id| [Digits::of_number(id), odd(id)]));
            for entry in &entries {
                assert_eq!(slots.set_of(entry.digits), Some(entry.set), "{entry:?} of {count}");
            }
            for id in count..count + 9 {
                assert_eq!(slots.set_of(Digits::of_number(id)), None);
                assert_eq!(slots.set_of(odd(id)), None);
            }
        }
    }

    #[test]
    fn slots_of_one_place_are_told_apart() {
        // Ids of the same lower bits: the same place, and other highest bits.
        let digits = [0, 3, 200].map(|high| Digits::of_parts(high, 77));
        let crowd = (1_000..1_030).map(Digits::of_number).chain(digits);
        let (entries, slots) = stood(crowd);
        for entry in &entries {
            assert_eq!(slots.set_of(entry.digits), Some(entry.set), "{entry:?}");
        }
        assert_eq!(slots.set_of(Digits::of_parts(4, 77)), None);
    }

    #[test]
    fn somebody_is_found_though_all_stand_at_one_end() {
        // Places that a hostile choice of ids could have: all but one of them together.
        let crowd = (0..255_u64).map(|n| gathered(u64::MAX - 300 + n));
        let ids: Vec<u64> = std::iter::once(gathered(0)).chain(crowd).collect();
        let (entries, slots) = stood(ids.iter().copied().map(Digits::of_number));
        let chunk = Chunk::new(&entries);
        for (set, id) in (0_u32..).zip(&ids) {
            let digits = Digits::of_number(*id);
            let found = chunk.find(place(digits));
            assert_eq!(found.map(|(_, slot)| slot.set()), Ok(set));
            assert_eq!(slots.set_of(digits), Some(set));
        }
        for absent in [gathered(1), gathered(u64::MAX), gathered(u64::MAX - 301)] {
            assert!(chunk.find(place(Digits::of_number(absent))).is_err());
            assert_eq!(slots.set_of(Digits::of_number(absent)), None);
        }
    }
}
