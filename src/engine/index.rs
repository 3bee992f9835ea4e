//! What decisions look up by id: a map of which a look-up waits for one place in memory, however much there is in it.
//!
//! Values stand beside their keys in leaves, each a table with free places. Which leaf a key is in is told by two lists above
//! them, a hundredth of their size, so that these stay in the caches. Versions share leaves and lists: a change makes one of
//! each anew. It keeps no order, and is not for values that are large.

use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

use imbl::HashMap;

use crate::domain::Digits;

/// About as many leaves as a branch has in a large index.
const FANOUT: usize = 64;

/// A map by ids, cheap to clone and to change. A leaf has about `LEAF` values at most: the more, the less stands above the
/// leaves, and the dearer is a change.
///
/// Its keys are ids that were recorded. Where they stand depends on a secret, so that nobody can record ids that crowd.
#[derive(Debug, Clone)]
pub(super) struct Index<V, const LEAF: usize> {
    secret: u64,
    len: usize,
    /// A power of two of them, each with an equal part of all hashes.
    branches: Arc<[Branch<V>]>,
    /// The few ids that are no numbers.
    odd: HashMap<Digits, V>,
}

#[derive(Debug, Clone)]
struct Branch<V> {
    len: usize,
    /// A power of two of them, each with an equal part of the hashes of the branch.
    leaves: Arc<[Leaf<V>]>,
}

#[derive(Debug, Clone)]
struct Leaf<V> {
    len: usize,
    /// INVARIANT: some are free.
    places: Arc<[Place<V>]>,
}

/// Where a value can be: at the place its hash says, or behind it, with nothing free between.
#[derive(Debug, Clone)]
struct Place<V> {
    key: u64,
    value: Option<V>,
}

/// Returns in which of `count` equal parts of all hashes a hash is, and where in it, as a hash again.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the halves of a product, of which the upper is below `count`"
)]
#[inline]
const fn part(hash: u64, count: usize) -> (usize, u64) {
    let product = hash as u128 * count as u128;
    ((product >> 64) as usize, product as u64)
}

/// Returns a hash of which every bit depends on all of a number, the same only for those who know the secret.
#[expect(clippy::cast_possible_truncation, reason = "the halves of a product")]
#[inline]
const fn hash(number: u64, secret: u64) -> u64 {
    let product = (number ^ secret) as u128 * 0x9e37_79b9_7f4a_7c15;
    (product >> 64) as u64 ^ product as u64
}

impl<V> Default for Leaf<V> {
    fn default() -> Self {
        Self { len: 0, places: [Place { key: 0, value: None }].into() }
    }
}

impl<V> Default for Branch<V> {
    fn default() -> Self {
        Self { len: 0, leaves: [Leaf::default()].into() }
    }
}

impl<V, const LEAF: usize> Default for Index<V, LEAF> {
    fn default() -> Self {
        Self::with_secret(RandomState::new().hash_one(LEAF))
    }
}

impl<V, const LEAF: usize> Index<V, LEAF> {
    fn with_secret(secret: u64) -> Self {
        Self { secret, len: 0, branches: [Branch::default()].into(), odd: HashMap::new() }
    }

    /// Returns the value of a key.
    #[inline]
    pub(super) fn get(&self, key: Digits) -> Option<&V> {
        let Some(number) = key.number() else { return self.odd.get(&key) };
        let (branch, within) = part(hash(number, self.secret), self.branches.len());
        let leaves = &self.branches.get(branch)?.leaves;
        let (leaf, within) = part(within, leaves.len());
        leaves.get(leaf)?.get(number, within)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many there are.
    pub(super) fn len(&self) -> usize {
        self.len + self.odd.len()
    }

    /// Returns the values, in no order.
    pub(super) fn values(&self) -> impl Iterator<Item = &V> {
        let leaves = self.branches.iter().flat_map(|branch| branch.leaves.iter());
        let places = leaves.flat_map(|leaf| leaf.places.iter());
        places.filter_map(|place| place.value.as_ref()).chain(self.odd.values())
    }
}

impl<V: Clone, const LEAF: usize> Index<V, LEAF> {
    /// Puts a value, in the place of the one that was there.
    pub(super) fn put(&mut self, key: Digits, value: V) {
        let Some(number) = key.number() else {
            self.odd.insert(key, value);
            return;
        };
        self.change(number, |leaf, within| leaf.put(number, within, value));
        self.make_room(number);
    }

    /// Removes what is there of a key.
    pub(super) fn remove(&mut self, key: Digits) {
        let Some(number) = key.number() else {
            self.odd.remove(&key);
            return;
        };
        if self.get(key).is_some() {
            self.change(number, |leaf, within| leaf.remove(number, within));
        }
        if self.len == 0 {
            *self = Self { odd: std::mem::take(&mut self.odd), ..Self::with_secret(self.secret) };
        }
    }

    /// Changes the leaf of a number, by a function that is given where in the leaf a number belongs.
    fn change(&mut self, number: u64, change: impl FnOnce(&mut Leaf<V>, &dyn Fn(u64) -> u64)) {
        let (secret, branches) = (self.secret, self.branches.len());
        let (branch, within) = part(hash(number, secret), branches);
        let Some(branch) = Arc::make_mut(&mut self.branches).get_mut(branch) else { return };
        let leaves = branch.leaves.len();
        let (leaf, _) = part(within, leaves);
        let Some(leaf) = Arc::make_mut(&mut branch.leaves).get_mut(leaf) else { return };
        let before = leaf.len;
        change(leaf, &|number| part(part(hash(number, secret), branches).1, leaves).1);
        branch.len = branch.len - before + leaf.len;
        self.len = self.len - before + leaf.len;
    }

    /// Makes more branches, or more leaves of the branch of a number, where one more has come.
    fn make_room(&mut self, number: u64) {
        let (secret, count) = (self.secret, self.branches.len());
        let within = |number| part(hash(number, secret), count).1;
        if self.len > count * FANOUT * LEAF {
            self.branches = self.branches.iter().flat_map(|it| it.halves(within)).collect();
            return;
        }
        let (branch, _) = part(hash(number, secret), count);
        let Some(branch) = Arc::make_mut(&mut self.branches).get_mut(branch) else { return };
        // That of all branches together is what counts: one that is crowded by chance does not grow for ever.
        if branch.len > branch.leaves.len() * LEAF && branch.leaves.len() < 2 * FANOUT {
            *branch = branch.with_twice_the_leaves(within);
        }
    }
}

impl<V: Clone> Branch<V> {
    fn with_twice_the_leaves(&self, within: impl Fn(u64) -> u64) -> Self {
        let count = self.leaves.len();
        let halves = |leaf: &Leaf<V>| {
            let part_of = |number| part(within(number), 2 * count);
            let mut halves = [Vec::new(), Vec::new()];
            for place in leaf.places.iter().filter(|place| place.value.is_some()) {
                let [even, odd] = &mut halves;
                let half = if part_of(place.key).0 % 2 == 0 { even } else { odd };
                half.push(place.clone());
            }
            halves.map(|places| Leaf::of(places, &|number| part_of(number).1))
        };
        Self { len: self.len, leaves: self.leaves.iter().flat_map(halves).collect() }
    }

    fn halves(&self, within: impl Fn(u64) -> u64) -> [Self; 2] {
        if self.leaves.len() < 2 {
            return self.with_twice_the_leaves(&within).halves(within);
        }
        let (lower, upper) = self.leaves.split_at(self.leaves.len() / 2);
        [lower, upper].map(|leaves| Self {
            len: leaves.iter().map(|leaf| leaf.len).sum(),
            leaves: leaves.into(),
        })
    }
}

impl<V> Leaf<V> {
    #[inline]
    fn get(&self, number: u64, within: u64) -> Option<&V> {
        let (home, _) = part(within, self.places.len());
        let (before, behind) = self.places.split_at_checked(home)?;
        for place in behind.iter().chain(before) {
            let value = place.value.as_ref()?;
            if place.key == number {
                return Some(value);
            }
        }
        None
    }

    /// Returns where a number is, or the free place that it would have.
    fn find(&self, number: u64, within: u64) -> usize {
        let (home, _) = part(within, self.places.len());
        let is_there = |at: &usize| {
            self.places.get(*at).is_none_or(|place| place.value.is_none() || place.key == number)
        };
        (home..self.places.len()).chain(0..home).find(is_there).unwrap_or_default()
    }
}

impl<V: Clone> Leaf<V> {
    /// Returns a leaf of values that are not free, with as many free places.
    fn of(taken: Vec<Place<V>>, within: &dyn Fn(u64) -> u64) -> Self {
        let free = Place { key: 0, value: None };
        let places = vec![free; 2 * taken.len() + 1];
        let mut leaf = Self { len: taken.len(), places: places.into() };
        for place in taken {
            leaf.set(leaf.find(place.key, within(place.key)), place);
        }
        leaf
    }

    fn set(&mut self, at: usize, place: Place<V>) {
        if let Some(there) = Arc::make_mut(&mut self.places).get_mut(at) {
            *there = place;
        }
    }

    fn put(&mut self, number: u64, within: &dyn Fn(u64) -> u64, value: V) {
        let at = self.find(number, within(number));
        let place = Place { key: number, value: Some(value) };
        if self.places.get(at).is_some_and(|there| there.value.is_some()) {
            self.set(at, place);
        } else if 4 * (self.len + 1) <= 3 * self.places.len() {
            self.set(at, place);
            self.len += 1;
        } else {
            *self = Self::of(self.taken().chain([place]).collect(), within);
        }
    }

    /// Removes a number that is there.
    fn remove(&mut self, number: u64, within: &dyn Fn(u64) -> u64) {
        // Those behind it may stand there because of it.
        *self = Self::of(self.taken().filter(|place| place.key != number).collect(), within);
    }

    fn taken(&self) -> impl Iterator<Item = Place<V>> + '_ {
        self.places.iter().filter(|place| place.value.is_some()).cloned()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    type Small<V> = Index<V, 2>;

    #[track_caller]
    fn assert_same<V, const LEAF: usize>(index: &Index<V, LEAF>, plain: &BTreeMap<Digits, V>)
    where
        V: Clone + Ord + std::fmt::Debug,
    {
        for (key, value) in plain {
            assert_eq!(index.get(*key), Some(value), "{key:?}");
        }
        let mut values: Vec<&V> = index.values().collect();
        values.sort();
        let mut theirs: Vec<&V> = plain.values().collect();
        theirs.sort();
        assert_eq!(values, theirs);
        let numbers = plain.keys().filter(|key| key.number().is_some()).count();
        let lens = index.branches.iter().map(|branch| {
            let leaves = branch.leaves.iter();
            let taken = leaves.map(|leaf| {
                let taken = leaf.places.iter().filter(|place| place.value.is_some()).count();
                assert!(taken < leaf.places.len(), "a search must end");
                assert_eq!(taken, leaf.len);
                taken
            });
            let len = taken.sum::<usize>();
            assert_eq!(len, branch.len);
            len
        });
        assert_eq!((lens.sum::<usize>(), index.len), (numbers, numbers));
    }

    #[test]
    fn a_hundred_thousand_come_and_go_as_in_a_plain_map() {
        let (mut index, mut plain) = (Index::<u64, 16>::default(), BTreeMap::new());
        for n in 0..100_000 {
            let key = Digits::of_number(200_000_000_000_000_000 + n * 1_000_003);
            index.put(key, n);
            plain.insert(key, n);
        }
        assert_same(&index, &plain);
        assert!(index.branches.len() > 1);
        // What stands above the values is small, and no leaf is much larger than others.
        let leaves: Vec<usize> =
            index.branches.iter().flat_map(|b| b.leaves.iter().map(|leaf| leaf.len)).collect();
        assert!(leaves.len() < 100_000 / 4, "{}", leaves.len());
        assert!(leaves.iter().all(|len| *len < 64), "{:?}", leaves.iter().max());
        assert_same(&index, &plain);
        let before = index.clone();
        for key in plain.keys() {
            index.remove(*key);
            assert_eq!(index.get(*key), None);
        }
        assert_same(&index, &BTreeMap::new());
        assert_same(&before, &plain);
    }

    #[test]
    fn keys_that_stand_together_for_one_who_knows_the_secret_are_all_found() {
        let secret = 17;
        let crowd = (0_u64..).filter(|number| hash(*number, secret) >> 54 == 0);
        let (mut index, mut plain) = (Small::with_secret(secret), BTreeMap::new());
        for (number, n) in crowd.take(1_000).chain(0..1_000).zip(0..) {
            index.put(Digits::of_number(number), n);
            plain.insert(Digits::of_number(number), n);
        }
        assert_same(&index, &plain);
        for key in plain.keys().copied().collect::<Vec<_>>() {
            index.remove(key);
            plain.remove(&key);
            if plain.len() % 100 == 0 {
                assert_same(&index, &plain);
            }
        }
    }

    #[test]
    fn small_ones_are_small() {
        let mut index = Index::<u8, 128>::default();
        for n in 0..10 {
            index.put(Digits::of_number(n), 0);
        }
        let places = |index: &Index<u8, 128>| {
            let leaves = index.branches.iter().flat_map(|branch| branch.leaves.iter());
            leaves.map(|leaf| leaf.places.len()).sum::<usize>()
        };
        assert!(places(&index) <= 30, "{}", places(&index));
        for n in 0..10 {
            index.remove(Digits::of_number(n));
        }
        assert_eq!(places(&index), 1);
    }

    /// What is done to an index: a key, and the value it gets, if it does not go.
    fn changes() -> impl Strategy<Value = Vec<(Digits, Option<u16>)>> {
        let ids = ["0", "00", "007", "7", "18446744073709551615", "18446744073709551616"];
        let odd = prop::sample::select(ids.to_vec());
        let key = prop_oneof![
            6 => (0..400_u64).prop_map(Digits::of_number),
            1 => any::<u64>().prop_map(Digits::of_number),
            1 => odd.prop_map(|id| Digits::parse(id).unwrap()),
        ];
        prop::collection::vec((key, prop::option::weighted(0.7, any::<u16>())), 0..600)
    }

    fn follow<const LEAF: usize>(
        index: &mut Index<u16, LEAF>,
        plain: &mut BTreeMap<Digits, u16>,
        changes: &[(Digits, Option<u16>)],
    ) {
        for (key, value) in changes {
            assert_eq!(index.get(*key), plain.get(key));
            if let Some(value) = value {
                index.put(*key, *value);
                plain.insert(*key, *value);
            } else {
                index.remove(*key);
                plain.remove(key);
            }
        }
    }

    proptest! {
        #[test]
        fn versions_go_their_own_ways(
            common in changes(), one in changes(), other in changes(), secret in any::<u64>(),
        ) {
            let (mut index, mut plain) = (Small::with_secret(secret), BTreeMap::new());
            follow(&mut index, &mut plain, &common);
            let (first, first_plain) = (index.clone(), plain.clone());
            let (mut second, mut second_plain) = (index.clone(), plain.clone());
            follow(&mut index, &mut plain, &one);
            follow(&mut second, &mut second_plain, &other);
            assert_same(&index, &plain);
            assert_same(&second, &second_plain);
            assert_same(&first, &first_plain);
        }
    }
}
