//! The memberships of a workspace, spread over chunks of a few dozen, so that a change rewrites few bytes however many
//! members there are, and no member costs an entry of its own.
//!
//! Linear hashing (Litwin, 1980): a principal's chunk follows from the hash of its id and the number of chunks; when
//! there are too many members for the chunks, one chunk is divided and no other is touched.

use std::collections::{BTreeMap, BTreeSet};

use super::chunk::{self, Found, Members, Read};
use crate::{
    domain::{self, Member, MembersBuilder, PrincipalId},
    store::codec::Undecodable,
};

/// Members a chunk has on the average, at most.
const FULL: u64 = 48;
/// Chunks that no roster has: a shape that says so was not written here.
const TOO_MANY: u64 = 1 << 20;
const FORMAT: u8 = 1;

/// The field of a roster that has its shape.
pub(super) const SHAPE: &str = "n";

/// How many chunks a roster has, and how many members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    chunks: u64,
    members: u64,
}

impl Shape {
    const NONE: Self = Self { chunks: 1, members: 0 };

    /// Returns the shape of those bytes; of a roster that is not there when there are none.
    ///
    /// # Errors
    /// [`Undecodable`].
    pub(super) fn decode(bytes: Option<&[u8]>) -> Result<Self, Undecodable> {
        let Some(bytes) = bytes else { return Ok(Self::NONE) };
        let mut read = match bytes.split_first() {
            Some((&FORMAT, rest)) => Read(rest),
            other => return Err(Undecodable::ValueFormat(other.map(|(format, _)| *format))),
        };
        let shape = Self { chunks: read.number()?, members: read.number()? };
        // Chunks grow with the members, and never shrink.
        let sound = (1..TOO_MANY).contains(&shape.chunks)
            && (1..=shape.chunks * FULL).contains(&shape.members)
            && read.0.is_empty();
        if sound { Ok(shape) } else { Err(wrong("shape")) }
    }

    fn encode(self) -> Vec<u8> {
        let mut out = vec![FORMAT];
        chunk::put(&mut out, self.chunks);
        chunk::put(&mut out, self.members);
        out
    }

    /// Returns the chunk of a principal.
    fn chunk_of(self, principal: &PrincipalId) -> u64 {
        self.chunk_of_number(principal.number().unwrap_or_else(|| {
            let digits = principal.as_str().bytes();
            digits.fold(0, |number: u64, digit| number.wrapping_mul(31).wrapping_add(digit.into()))
        }))
    }

    fn chunk_of_number(self, number: u64) -> u64 {
        // The last steps of SplitMix64 (Steele and others, 2014): every bit of the number matters to every bit.
        let mut hash = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        hash ^= hash >> 31;
        let mask = self.chunks.next_power_of_two() - 1;
        let place = hash & mask;
        if place < self.chunks { place } else { place & (mask >> 1) }
    }

    /// Returns the shape for that many members: chunks are added, never taken away.
    fn grown(self, members: u64) -> Self {
        Self { chunks: self.chunks.max(members.div_ceil(FULL)), members }
    }

    /// Returns which chunk the added one at `place` takes its members from.
    fn parent(place: u64) -> u64 {
        // The highest bit cleared.
        place & !(1 << place.checked_ilog2().unwrap_or_default())
    }
}

fn wrong(what: &'static str) -> Undecodable {
    Undecodable::Field("roster".to_owned(), what)
}

/// What becomes of principals of one workspace: a membership, or none.
pub(super) type Touched = BTreeMap<PrincipalId, Option<Member>>;

/// Returns the chunks that must be known to change those principals.
pub(super) fn needed(shape: Shape, touched: &Touched) -> BTreeSet<u64> {
    let joining = touched.values().flatten().count() as u64;
    let chunks = shape.grown(shape.members.saturating_add(joining)).chunks;
    let divided = (shape.chunks..chunks).map(|place| {
        let mut parent = Shape::parent(place);
        while parent >= shape.chunks {
            parent = Shape::parent(parent);
        }
        parent
    });
    touched.keys().map(|principal| shape.chunk_of(principal)).chain(divided).collect()
}

/// A roster after a change: what was there of those it touches, and the fields to write, `None` to remove.
pub(super) struct Changed {
    pub(super) before: BTreeMap<PrincipalId, Option<Member>>,
    pub(super) fields: BTreeMap<String, Option<Vec<u8>>>,
}

/// Returns what a change makes of a roster of that shape, of which the needed chunks were read.
///
/// # Errors
/// [`Undecodable`]: a chunk is not one, or does not belong where it stands.
pub(super) fn change(
    shape: Shape,
    read: &BTreeMap<u64, Option<Vec<u8>>>,
    touched: &Touched,
) -> Result<Changed, Undecodable> {
    let mut known = Members::new();
    for (place, bytes) in read {
        let mut members = Vec::new();
        members_of(shape, *place, bytes.as_deref(), |found| members.push(found))?;
        for found in members {
            let member = found.member()?;
            known.insert(member.principal.clone(), member);
        }
    }
    let mut before = BTreeMap::new();
    let mut members = shape.members;
    for (principal, after) in touched {
        let replaced = match after {
            Some(member) => known.insert(principal.clone(), member.clone()),
            None => known.remove(principal),
        };
        match (&replaced, after) {
            (None, Some(_)) => members = members.saturating_add(1),
            (Some(_), None) => members = members.checked_sub(1).ok_or_else(|| wrong("shape"))?,
            _ => {}
        }
        before.insert(principal.clone(), replaced);
    }
    let next = shape.grown(members);
    let mut chunks: BTreeMap<u64, Members> = read
        .keys()
        .copied()
        .chain(shape.chunks..next.chunks)
        .map(|c| (c, Members::new()))
        .collect();
    for (principal, member) in known {
        chunks.entry(next.chunk_of(&principal)).or_default().insert(principal, member);
    }
    let written = |(place, members): (u64, Members)| {
        let bytes = (!members.is_empty()).then(|| chunk::encode(&members));
        (place.to_string(), bytes)
    };
    let mut fields: BTreeMap<String, Option<Vec<u8>>> = chunks.into_iter().map(written).collect();
    fields.insert(SHAPE.to_owned(), (members > 0).then(|| next.encode()));
    Ok(Changed { before, fields })
}

/// Returns the members in the fields of a roster.
///
/// # Errors
/// [`Undecodable`]: a field is not one of a roster, or members are missing.
pub(super) fn decode(fields: &[(Vec<u8>, Vec<u8>)]) -> Result<domain::Members, Undecodable> {
    let mut members = MembersBuilder::default();
    if fields.is_empty() {
        return Ok(members.build());
    }
    let shape = fields.iter().find(|(field, _)| field == SHAPE.as_bytes()).map(|(_, v)| &**v);
    let shape = Shape::decode(Some(shape.ok_or_else(|| wrong("shape"))?))?;
    let mut found = 0;
    for (field, bytes) in fields.iter().filter(|(field, _)| field != SHAPE.as_bytes()) {
        let place = std::str::from_utf8(field).ok().and_then(|text| text.parse::<u64>().ok());
        let place = place.filter(|place| place.to_string().as_bytes() == field);
        let place = place.filter(|place| *place < shape.chunks).ok_or_else(|| wrong("chunk"))?;
        members_of(shape, place, Some(bytes), |one| {
            found += 1;
            match one {
                Found::Plain(id, roles, created) => members.add_plain(id, roles, created),
                Found::Other(member) => members.add(&member),
            }
        })?;
    }
    // A chunk that went missing must not look like members who left.
    if found == shape.members { Ok(members.build()) } else { Err(wrong("number of members")) }
}

/// Adds the members of the chunk at `place`.
fn members_of(
    shape: Shape,
    place: u64,
    bytes: Option<&[u8]>,
    mut add: impl FnMut(Found),
) -> Result<(), Undecodable> {
    let Some(bytes) = bytes else { return Ok(()) };
    let mut misplaced = false;
    chunk::decode(bytes, |found| {
        misplaced |= place
            != match &found {
                Found::Plain(id, ..) => shape.chunk_of_number(*id),
                Found::Other(member) => shape.chunk_of(&member.principal),
            };
        add(found);
    })?;
    if misplaced { Err(wrong("place of a member")) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{BuiltinRole, RoleRef, Timestamp};

    fn id(n: u64) -> PrincipalId {
        PrincipalId::parse(&n.to_string()).unwrap()
    }

    fn member(n: u64) -> Member {
        Member {
            principal: id(n),
            roles: vec![RoleRef::Builtin(BuiltinRole::Guest)],
            created: Timestamp::from_millis(n),
        }
    }

    /// A hash of Redis that holds a roster.
    #[derive(Default)]
    struct Hash(BTreeMap<String, Vec<u8>>);

    impl Hash {
        fn shape(&self) -> Shape {
            Shape::decode(self.0.get(SHAPE).map(Vec::as_slice)).unwrap()
        }

        fn change(&mut self, touched: &Touched) -> Changed {
            let shape = self.shape();
            let read = needed(shape, touched);
            let read = read.into_iter().map(|c| (c, self.0.get(&c.to_string()).cloned())).collect();
            let changed = change(shape, &read, touched).unwrap();
            for (field, value) in &changed.fields {
                match value {
                    Some(value) => self.0.insert(field.clone(), value.clone()),
                    None => self.0.remove(field),
                };
            }
            changed
        }

        fn members(&self) -> Result<Vec<u64>, Undecodable> {
            let fields: Vec<_> =
                self.0.iter().map(|(f, v)| (f.clone().into_bytes(), v.clone())).collect();
            let members = decode(&fields)?;
            let mut out: Vec<u64> = members.iter().map(|m| m.created.as_millis()).collect();
            out.sort_unstable();
            Ok(out)
        }
    }

    #[test]
    fn members_come_and_go_one_by_one_and_in_crowds() {
        let mut hash = Hash::default();
        let crowd = |range: std::ops::Range<u64>, there: bool| -> Touched {
            range.map(|n| (id(n), there.then(|| member(n)))).collect()
        };
        for n in 0..200 {
            hash.change(&crowd(n..n + 1, true));
        }
        hash.change(&crowd(200..5_000, true));
        assert_eq!(hash.members().unwrap(), (0..5_000).collect::<Vec<_>>());
        let largest = hash.0.values().map(Vec::len).max().unwrap();
        assert!(largest < 2_000, "{largest}");
        // Again the same, and some who were never there: nothing changes.
        let again = hash.change(&crowd(100..200, true));
        assert_eq!(again.before, crowd(100..200, true));
        let nobody = hash.change(&crowd(9_000..9_100, false));
        assert!(nobody.before.values().all(Option::is_none));
        assert_eq!(hash.shape().members, 5_000);
        for n in 0..4_000 {
            hash.change(&crowd(n..n + 1, false));
        }
        assert_eq!(hash.members().unwrap(), (4_000..5_000).collect::<Vec<_>>());
        hash.change(&crowd(4_000..5_000, false));
        assert!(hash.0.is_empty(), "{:?}", hash.0.keys());
    }

    #[test]
    fn a_change_of_one_member_rewrites_few_bytes_however_many_there_are() {
        let mut hash = Hash::default();
        hash.change(&(0..20_000).map(|n| (id(n), Some(member(n)))).collect());
        for n in 20_000..20_100 {
            let changed = hash.change(&Touched::from([(id(n), Some(member(n)))]));
            let written: usize = changed.fields.values().flatten().map(Vec::len).sum();
            assert!(written < 4_000, "{written}");
        }
    }

    #[test]
    fn a_roster_of_which_something_is_missing_or_misplaced_is_refused() {
        let mut hash = Hash::default();
        hash.change(&(0..500).map(|n| (id(n), Some(member(n)))).collect());
        let fields: Vec<String> = hash.0.keys().cloned().collect();
        for field in fields {
            let kept = hash.0.remove(&field).unwrap();
            assert!(hash.members().is_err(), "{field}");
            hash.0.insert(field, kept);
        }
        let one = hash.0.get("1").cloned().unwrap();
        let two = hash.0.insert("2".to_owned(), one).unwrap();
        assert!(hash.members().is_err(), "the chunk of another place");
        hash.0.insert("2".to_owned(), two);
        for field in ["99", "01", "x", ""] {
            hash.0.insert(field.to_owned(), Vec::new());
            assert!(hash.members().is_err(), "{field}");
            hash.0.remove(field);
        }
        for shape in [
            &[][..],
            &[1],
            &[1, 0, 5],
            &[1, 11, 0],
            &[2, 11, 5],
            &[1, 11, 5, 0],
            &[1, 1, 255, 255, 255, 255, 255, 1],
        ] {
            hash.0.insert(SHAPE.to_owned(), shape.to_vec());
            assert!(hash.members().is_err(), "{shape:?}");
        }
    }
}
