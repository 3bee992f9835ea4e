//! A part of a workspace's memberships as bytes: there are a million of them where there are a thousand of anything else.
//!
//! One byte, the format (1); the number of memberships; the earliest time of joining in milliseconds; then the
//! memberships. First those of principals whose id is a number without leading zeros that fits 64 bits, sorted, each with
//! the difference to the id before; then how many others there are, each with the length of its id in one byte and the id.
//! After the id stand one byte, a bit for each built-in role in the order of the published table and the highest for
//! custom roles; the milliseconds of joining after the earliest; and where there are custom roles their number, and of
//! each the length in one byte and the id without the `role-` every id begins with. Numbers are LEB128. That is some 14
//! bytes a membership.

use std::collections::BTreeMap;

use crate::{
    domain::{BuiltinRole, CustomRoleId, Member, PrincipalId, RoleRef, Timestamp},
    store::codec::Undecodable,
};

const FORMAT: u8 = 1;
const PREFIX: &str = "role-";
const CUSTOM: u8 = 0x80;

/// Memberships by principal.
pub(super) type Members = BTreeMap<PrincipalId, Member>;

/// Returns memberships as bytes.
pub(super) fn encode(members: &Members) -> Vec<u8> {
    let earliest = members.values().map(|m| m.created.as_millis()).min().unwrap_or_default();
    let mut numbered: Vec<(u64, &Member)> = Vec::with_capacity(members.len());
    let mut others = Vec::new();
    for member in members.values() {
        match member.principal.number() {
            Some(id) => numbered.push((id, member)),
            None => others.push(member),
        }
    }
    numbered.sort_unstable_by_key(|(id, _)| *id);
    let mut out = vec![FORMAT];
    put(&mut out, numbered.len() as u64);
    put(&mut out, earliest);
    let mut before = 0;
    for (id, member) in numbered {
        put(&mut out, id - before);
        before = id;
        put_roles(&mut out, member, earliest);
    }
    put(&mut out, others.len() as u64);
    for member in others {
        put_short(&mut out, member.principal.as_str());
        put_roles(&mut out, member, earliest);
    }
    out
}

/// Returns one membership as bytes, whoever it is of: what digests of the log are made of.
pub(super) fn encode_one(member: &Member) -> Vec<u8> {
    let mut out = vec![FORMAT];
    put_roles(&mut out, member, 0);
    out
}

/// A membership as it is read.
pub(super) enum Found {
    /// Of a principal whose id is this number, with built-in roles alone: a bit for each, and the time of joining.
    Plain(u64, u8, Timestamp),
    /// Any other.
    Other(Member),
}

impl Found {
    /// Returns the membership.
    pub(super) fn member(self) -> Result<Member, Undecodable> {
        match self {
            Self::Other(member) => Ok(member),
            Self::Plain(id, bits, created) => {
                let principal = PrincipalId::parse(&id.to_string()).map_err(|_| wrong())?;
                Ok(Member { principal, roles: builtin(bits), created })
            }
        }
    }
}

/// Adds the memberships of those bytes.
///
/// # Errors
/// [`Undecodable`] when the bytes are not memberships.
pub(super) fn decode(bytes: &[u8], mut add: impl FnMut(Found)) -> Result<(), Undecodable> {
    let mut read = match bytes.split_first() {
        Some((&FORMAT, rest)) => Read(rest),
        other => return Err(Undecodable::ValueFormat(other.map(|(format, _)| *format))),
    };
    let count = read.number()?;
    let earliest = read.number()?;
    let mut id = 0_u64;
    for nth in 0..count {
        let more = read.number()?;
        // Twice the same principal would be a membership that one of two readers does not see.
        id = id.checked_add(more).filter(|_| nth == 0 || more > 0).ok_or_else(wrong)?;
        let (bits, created) = (read.byte()?, read.joined(earliest)?);
        add(if bits & CUSTOM == 0 {
            Found::Plain(id, bits, created)
        } else {
            let principal = PrincipalId::parse(&id.to_string()).map_err(|_| wrong())?;
            Found::Other(Member { principal, roles: read.roles(bits)?, created })
        });
    }
    for _ in 0..read.number()? {
        let principal = PrincipalId::parse(read.short()?).map_err(|_| wrong())?;
        if principal.number().is_some() {
            return Err(wrong());
        }
        let (bits, created) = (read.byte()?, read.joined(earliest)?);
        add(Found::Other(Member { principal, roles: read.roles(bits)?, created }));
    }
    if read.0.is_empty() { Ok(()) } else { Err(wrong()) }
}

fn builtin(bits: u8) -> Vec<RoleRef> {
    let held = |(bit, _): &(u8, BuiltinRole)| bits & (1 << bit) != 0;
    (0..).zip(BuiltinRole::ALL).filter(held).map(|(_, role)| RoleRef::Builtin(role)).collect()
}

fn wrong() -> Undecodable {
    Undecodable::Field("packed".to_owned(), "part of a roster")
}

pub(super) fn put(out: &mut Vec<u8>, mut number: u64) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            out.push(low & 0x7f);
            break;
        }
        out.push(low | 0x80);
    }
}

fn put_short(out: &mut Vec<u8>, text: &str) {
    // Ids are at most 32 characters.
    out.push(u8::try_from(text.len()).unwrap_or_default());
    out.extend_from_slice(text.as_bytes());
}

fn put_roles(out: &mut Vec<u8>, member: &Member, earliest: u64) {
    let mut bits = 0_u8;
    let mut custom = Vec::new();
    for role in &member.roles {
        match role {
            RoleRef::Builtin(role) => {
                bits |=
                    BuiltinRole::ALL.iter().position(|other| other == role).map_or(0, |b| 1 << b);
            }
            RoleRef::Custom(id) => {
                custom.push(id.as_str().strip_prefix(PREFIX).unwrap_or_default());
            }
        }
    }
    out.push(if custom.is_empty() { bits } else { bits | CUSTOM });
    put(out, member.created.as_millis() - earliest);
    if !custom.is_empty() {
        put(out, custom.len() as u64);
        for id in custom {
            put_short(out, id);
        }
    }
}

/// What is still to be read.
pub(super) struct Read<'b>(pub(super) &'b [u8]);

impl<'b> Read<'b> {
    fn byte(&mut self) -> Result<u8, Undecodable> {
        let (&byte, rest) = self.0.split_first().ok_or_else(wrong)?;
        self.0 = rest;
        Ok(byte)
    }

    /// Reads a LEB128 number.
    pub(super) fn number(&mut self) -> Result<u64, Undecodable> {
        let (mut number, mut shift) = (0_u64, 0_u32);
        loop {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7f);
            number |= part.checked_shl(shift).filter(|p| p >> shift == part).ok_or_else(wrong)?;
            shift += 7;
            if byte < 0x80 {
                return Ok(number);
            }
        }
    }

    fn short(&mut self) -> Result<&'b str, Undecodable> {
        let length = usize::from(self.byte()?);
        let (text, rest) = self.0.split_at_checked(length).ok_or_else(wrong)?;
        self.0 = rest;
        std::str::from_utf8(text).map_err(|_| wrong())
    }

    fn joined(&mut self, earliest: u64) -> Result<Timestamp, Undecodable> {
        earliest.checked_add(self.number()?).map(Timestamp::from_millis).ok_or_else(wrong)
    }

    /// Reads the custom roles that may follow, behind the built-in ones of those bits.
    fn roles(&mut self, bits: u8) -> Result<Vec<RoleRef>, Undecodable> {
        let mut roles = builtin(bits & !CUSTOM);
        if bits & CUSTOM != 0 {
            for _ in 0..self.number()? {
                let id = CustomRoleId::parse(&[PREFIX, self.short()?].concat());
                roles.push(RoleRef::Custom(id.map_err(|_| wrong())?));
            }
        }
        Ok(roles)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(id: &str, roles: Vec<RoleRef>, millis: u64) -> Member {
        let principal = PrincipalId::parse(id).unwrap();
        Member { principal, roles, created: Timestamp::from_millis(millis) }
    }

    fn members(list: Vec<Member>) -> Members {
        list.into_iter().map(|m| (m.principal.clone(), m)).collect()
    }

    fn decoded(bytes: &[u8]) -> Result<Members, Undecodable> {
        let mut out = Vec::new();
        let mut fault = None;
        decode(bytes, |found| match found.member() {
            Ok(member) => out.push(member),
            Err(error) => fault = Some(error),
        })?;
        assert!(fault.is_none());
        assert_eq!(members(out.clone()).len(), out.len());
        Ok(members(out))
    }

    fn guest() -> RoleRef {
        RoleRef::Builtin(BuiltinRole::Guest)
    }

    #[test]
    fn every_built_in_role_has_a_bit_beside_the_one_of_custom_roles() {
        assert!(BuiltinRole::ALL.len() <= 7);
    }

    #[test]
    fn memberships_take_few_bytes_and_come_back_whole() {
        let usual = (0..64).map(|n| {
            let id = 200_000_000_000_000_000_u64 + n * 1_234_567_890_123_456;
            member(&id.to_string(), vec![guest()], 1_795_500_000_000 + n * 60_000)
        });
        let usual = members(usual.collect());
        assert!(encode(&usual).len() <= 64 * 13, "{}", encode(&usual).len());
        let custom = |id: &str| RoleRef::Custom(CustomRoleId::parse(id).unwrap());
        let all: Vec<RoleRef> = BuiltinRole::ALL.map(RoleRef::Builtin).into();
        let odd = members(vec![
            member("0", vec![guest()], 0),
            member("00", all.clone(), u64::MAX),
            member("007", vec![custom("role-a1"), custom("role-Z")], 127),
            member("7", [all, vec![custom(&format!("role-{}", "x".repeat(32)))]].concat(), 5),
            member(&u64::MAX.to_string(), vec![guest()], 1),
            member("18446744073709551616", vec![guest()], 1),
            member(&"9".repeat(20), Vec::new(), 1),
        ]);
        for members in [Members::new(), usual, odd] {
            assert_eq!(decoded(&encode(&members)).unwrap(), members);
        }
    }

    #[test]
    fn what_is_no_part_of_a_roster_is_refused() {
        let good = encode(&members(vec![member("5", vec![guest()], 300)]));
        for end in 0..good.len() {
            assert!(decoded(&good[..end]).is_err(), "{end}");
        }
        let with = |bytes: &[u8]| [&[FORMAT], bytes].concat();
        for bad in [
            [&good[..], &[0]].concat(),
            [&[2], &good[1..]].concat(),
            with(&[2, 0, 5, 1, 0, 0, 1, 0, 0]),
            with(&[1, 0, 5, CUSTOM, 0, 1, 1, b'-', 0]),
            with(&[1, 0, 5, CUSTOM, 0, 1, 0, 0]),
            with(&[1, 0, 5, CUSTOM, 0, 1, 1, 0xff, 0]),
            with(&[0, 0, 1, 1, b'x', 1, 0]),
            with(&[0, 0, 1, 1, b'5', 1, 0]),
            with(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]),
        ] {
            assert!(decoded(&bad).is_err(), "{bad:?}");
        }
    }
}
