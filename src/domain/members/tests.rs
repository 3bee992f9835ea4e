//! Packed members behave as those of a plain map.

use std::collections::BTreeMap;

use super::*;
use crate::domain::CustomRoleId;

fn id(text: &str) -> PrincipalId {
    PrincipalId::parse(text).unwrap()
}

/// A small seeded generator (SplitMix64).
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    fn member(&mut self, ids: u64) -> Member {
        let custom = |n: u64| RoleRef::Custom(CustomRoleId::parse(&format!("role-{n}")).unwrap());
        let sets = [
            vec![RoleRef::Builtin(BuiltinRole::Guest)],
            BuiltinRole::ALL.map(RoleRef::Builtin).to_vec(),
            vec![RoleRef::Builtin(BuiltinRole::Admin), custom(self.below(9))],
            vec![custom(self.below(9))],
        ];
        let set = usize::try_from(self.below(4)).unwrap();
        let (text, created) = (self.below(ids).to_string(), self.below(50));
        Member {
            principal: id(&text),
            roles: sets[set].clone(),
            created: Timestamp::from_millis(created),
        }
    }
}

/// The same by the plainest means.
type Naive = BTreeMap<PrincipalId, Member>;

#[track_caller]
fn assert_same(members: &Members, naive: &Naive) {
    assert_eq!(members.len(), naive.len());
    let order = |member: &Member| member.principal.number();
    let mut all: Vec<Member> = naive.values().cloned().collect();
    all.sort_by_key(order);
    let mut found: Vec<Member> = members.iter().collect();
    found.sort_by_key(order);
    assert_eq!(found, all);
    let mut joined = all.clone();
    joined.sort_by_key(|member| (member.created, order(member)));
    assert!(members.joined().eq(joined.iter().cloned()));
    for (skip, size) in [(0, 0), (0, 10), (3, 300), (joined.len() / 2, 7), (joined.len(), 5)] {
        let page: Vec<Member> = joined.iter().skip(skip).take(size).cloned().collect();
        assert_eq!(members.page(skip, size), page);
    }
    let admin = RoleRef::Builtin(BuiltinRole::Admin);
    let holders = all.iter().filter(|member| member.roles.contains(&admin));
    assert!(members.holders(&admin).eq(holders.map(|member| member.principal.clone())));
    let all: Members = naive.values().rev().cloned().collect();
    assert_eq!(*members, all);
}

#[test]
fn members_come_go_and_change_as_in_a_plain_map() {
    for ids in [5, 300, 3_000] {
        let mut seeded = Seeded(ids);
        let (mut members, mut naive) = (Members::default(), Naive::new());
        for step in 0..6_000 {
            let member = seeded.member(ids);
            let was = naive.get(&member.principal).cloned();
            assert_eq!(members.get(member.principal.digits()), was);
            assert_eq!(members.roles(member.principal.digits()), was.as_ref().map(|m| &*m.roles));
            if step > 3_000 && seeded.below(3) > 0 {
                assert_eq!(members.remove(&member.principal), was.is_some());
                naive.remove(&member.principal);
            } else {
                members.put(&member);
                naive.insert(member.principal.clone(), member);
            }
            if step % 500 == 0 {
                assert_same(&members, &naive);
            }
        }
        let (before, version) = (naive.clone(), members.clone());
        for _ in 0..50 {
            let member = seeded.member(ids);
            members.put(&member);
            naive.insert(member.principal.clone(), member);
        }
        assert_same(&members, &naive);
        assert_same(&version, &before);
        for principal in naive.keys() {
            assert!(members.remove(principal));
        }
        assert_eq!(members, Members::default());
    }
}

#[test]
fn ids_of_every_form_keep_their_text() {
    let long = ["9".repeat(20), "0".repeat(20), u64::MAX.to_string()];
    let texts = ["0", "00", "7", "07", "70", "9", "10", "18446744073709551616"].map(str::to_owned);
    let texts: Vec<String> = texts.into_iter().chain(long).collect();
    let keys: std::collections::BTreeSet<Key> =
        texts.iter().map(|text| Key::of(id(text).digits())).collect();
    assert_eq!(keys.len(), texts.len());
    let mut members = Members::default();
    for (text, created) in texts.iter().zip(0..) {
        assert_eq!(principal(Key::of(id(text).digits()).digits()).as_str(), text);
        let roles = vec![RoleRef::Builtin(BuiltinRole::Guest)];
        let created = Timestamp::from_millis(created);
        members.put(&Member { principal: id(text), roles, created });
    }
    let joined: Vec<String> = members.joined().map(|it| it.principal.to_string()).collect();
    assert_eq!(joined, texts);
}

#[test]
fn members_by_number_and_bits_are_those_by_id_and_roles() {
    let (mut plain, mut whole) = (MembersBuilder::default(), MembersBuilder::default());
    for (n, bits) in (0..500).zip((0..128).cycle()) {
        let roles =
            BuiltinRole::ALL.into_iter().enumerate().filter(|(bit, _)| bits & (1 << bit) != 0);
        whole.add(&Member {
            principal: id(&n.to_string()),
            roles: roles.map(|(_, role)| RoleRef::Builtin(role)).collect(),
            created: Timestamp::from_millis(n % 7),
        });
        plain.add_plain(n, bits, Timestamp::from_millis(n % 7));
    }
    assert_eq!(plain.build(), whole.build());
}

#[test]
fn sets_of_roles_that_nobody_holds_any_more_are_forgotten() {
    let mut members = Members::default();
    let member = |id_: &str, n: u64| Member {
        principal: id(id_),
        roles: vec![RoleRef::Custom(CustomRoleId::parse(&format!("role-{n}")).unwrap())],
        created: Timestamp::from_millis(n),
    };
    members.put(&member("1", 0));
    for n in 0..5_000 {
        members.put(&member("7", n));
        assert_eq!(members.get(id("7").digits()), Some(member("7", n)));
    }
    assert_eq!(members.get(id("1").digits()), Some(member("1", 0)));
    assert!(members.custom.len() < 2 * UNHELD, "{}", members.custom.len());
}
