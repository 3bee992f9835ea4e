//! Memberships, packed: there are a million of them where there are a thousand of anything else.
//!
//! One byte, the format (1); one byte, a bit for each built-in role in the order of the published table; the time of
//! joining in milliseconds as a LEB128 number; then each custom role, its length in one byte and its id without the
//! `role-` every id begins with. Today that is 8 bytes and those of the custom roles.

use crate::{
    domain::{BuiltinRole, CustomRoleId, Member, PrincipalId, RoleRef, Timestamp},
    store::codec::Undecodable,
};

const FORMAT: u8 = 1;
const PREFIX: &str = "role-";

/// Returns a membership as bytes; whose it is is its field.
pub(super) fn pack(member: &Member) -> Vec<u8> {
    let mut builtin = 0_u8;
    let mut custom = Vec::new();
    for role in &member.roles {
        match role {
            RoleRef::Builtin(role) => {
                let bit = BuiltinRole::ALL.iter().position(|other| other == role).unwrap_or(7);
                builtin |= 1 << bit;
            }
            RoleRef::Custom(id) => {
                let rest = id.as_str().strip_prefix(PREFIX).unwrap_or_default();
                custom.push(u8::try_from(rest.len()).unwrap_or_default());
                custom.extend_from_slice(rest.as_bytes());
            }
        }
    }
    let mut out = vec![FORMAT, builtin];
    let mut millis = member.created.as_millis();
    loop {
        let [low, ..] = millis.to_le_bytes();
        millis >>= 7;
        if millis == 0 {
            out.push(low & 0x7f);
            break;
        }
        out.push(low | 0x80);
    }
    out.extend(custom);
    out
}

/// Returns the membership of those bytes, its roles sorted.
///
/// # Errors
/// [`Undecodable`] when the bytes are not one.
pub(super) fn unpack(principal: PrincipalId, bytes: &[u8]) -> Result<Member, Undecodable> {
    let wrong = || Undecodable::Field(principal.to_string(), "packed membership");
    let (&[format, builtin], mut rest) =
        bytes.split_first_chunk::<2>().ok_or(Undecodable::ValueFormat(None))?;
    if format != FORMAT {
        return Err(Undecodable::ValueFormat(Some(format)));
    }
    let (mut millis, mut shift) = (0_u64, 0_u32);
    loop {
        let (&byte, after) = rest.split_first().ok_or_else(wrong)?;
        rest = after;
        let part = u64::from(byte & 0x7f);
        millis |= part.checked_shl(shift).filter(|p| p >> shift == part).ok_or_else(wrong)?;
        shift += 7;
        if byte < 0x80 {
            break;
        }
    }
    let mut roles = Vec::new();
    for (bit, role) in (0..8).zip(BuiltinRole::ALL.map(Some).into_iter().chain([None])) {
        if builtin & (1 << bit) != 0 {
            roles.push(RoleRef::Builtin(role.ok_or_else(wrong)?));
        }
    }
    while let Some((&length, after)) = rest.split_first() {
        let (id, after) = after.split_at_checked(usize::from(length)).ok_or_else(wrong)?;
        let id = std::str::from_utf8(id).map_err(|_| wrong())?;
        let id = CustomRoleId::parse(&format!("{PREFIX}{id}")).map_err(|_| wrong())?;
        roles.push(RoleRef::Custom(id));
        rest = after;
    }
    Ok(Member { principal, roles, created: Timestamp::from_millis(millis) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal() -> PrincipalId {
        PrincipalId::parse("2001").unwrap()
    }

    fn member(roles: Vec<RoleRef>, millis: u64) -> Member {
        Member { principal: principal(), roles, created: Timestamp::from_millis(millis) }
    }

    #[test]
    fn a_membership_takes_few_bytes_and_comes_back_whole() {
        let developer = RoleRef::Builtin(BuiltinRole::Developer);
        let usual = member(vec![developer.clone()], 1_795_500_000_000);
        assert_eq!(pack(&usual).len(), 8);
        let custom = |id| RoleRef::Custom(CustomRoleId::parse(id).unwrap());
        let all = BuiltinRole::ALL.map(RoleRef::Builtin).to_vec();
        for (roles, millis) in [
            (vec![developer], 0),
            (all, u64::MAX),
            (vec![custom("role-a1"), custom("role-Z")], 127),
            (
                vec![
                    RoleRef::Builtin(BuiltinRole::Owner),
                    custom(&format!("role-{}", "x".repeat(32))),
                ],
                128,
            ),
            (Vec::new(), 1),
        ] {
            let member = member(roles, millis);
            assert_eq!(unpack(principal(), &pack(&member)).unwrap(), member);
        }
    }

    #[test]
    fn what_is_no_membership_is_refused() {
        let good = pack(&member(vec![RoleRef::Builtin(BuiltinRole::Guest)], 300));
        for bad in [
            &[][..],
            &[1],
            &[2, 0, 0],
            &[1, 0x80, 0],
            &good[..3],
            &[1, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
            &[1, 1, 0, 5, b'a'],
            &[1, 1, 0, 1, b'-'],
            &[1, 1, 0, 0],
            &[1, 1, 0, 1, 0xff],
        ] {
            assert!(unpack(principal(), bad).is_err(), "{bad:?}");
        }
    }
}
