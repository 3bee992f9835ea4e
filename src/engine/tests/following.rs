//! Changes: each leads to the snapshot that building from the records would, and leaves the old one as it was.

use std::sync::Arc;

use proptest::prelude::*;

use super::{
    account, allowed, codes, custom_role, decide, denied, engine, identity, level, member, on,
    principal_id, records, snapshot,
    switches::{ENTER, name, switch},
    workspace, workspace_id,
};
use crate::{
    domain::{
        AccountRecords, CustomRole, CustomRoleId, Effect, Op, PermissionType, PrincipalKind,
        Question, Revision, RuleAccessibility,
    },
    engine::Snapshot,
};

fn full(id: &str) -> CustomRole {
    custom_role(id, vec![level("DLC", PermissionType::FullAccess)])
}

fn one_member() -> Snapshot {
    snapshot(&records(
        &["2001"],
        &["10001"],
        &[("10001", full("role-1"))],
        &[("10001", "2001", &["role-1"])],
    ))
}

fn stop() -> Question<'static> {
    on("2001", "PaiDLC:StopJob", "10001", "2002", "PUBLIC")
}

const BY: [&str; 1] = ["role-1/DLC.write.all"];

#[track_caller]
fn after(before: &Snapshot, ops: &[Op]) -> Snapshot {
    let (old, new) = (before.revision(), before.revision().next());
    let next = before.with(ops, new).unwrap();
    assert_eq!((before.revision(), next.revision()), (old, new));
    next
}

#[test]
fn what_is_removed_counts_in_the_next_snapshot_and_not_in_the_old_one() {
    let role = CustomRoleId::parse("role-1").unwrap();
    for op in [
        Op::RemoveMember(workspace_id("10001"), principal_id("2001")),
        Op::RemoveRole(workspace_id("10001"), role),
        Op::RemoveWorkspace(workspace_id("10001")),
        Op::RemoveIdentity(principal_id("2001")),
        Op::PutMember(workspace_id("10001"), member("2001", &["PAI.WorkspaceGuest"])),
        Op::PutRole(workspace_id("10001"), custom_role("role-1", vec![])),
    ] {
        let before = one_member();
        let next = after(&before, std::slice::from_ref(&op));
        denied(&next, &stop());
        allowed(&before, &stop(), &BY);
        // And what was removed can come back.
        let ops = [
            Op::PutIdentity(identity("2001")),
            Op::PutWorkspace(workspace("10001")),
            Op::PutRole(workspace_id("10001"), full("role-1")),
            Op::PutMember(workspace_id("10001"), member("2001", &["role-1"])),
        ];
        allowed(&after(&before, &[&[op][..], &ops[..]].concat()), &stop(), &BY);
    }
}

#[test]
fn the_order_within_a_change_does_not_matter() {
    let mut ops = vec![
        Op::PutMember(workspace_id("10001"), member("2001", &["role-1"])),
        Op::PutRole(workspace_id("10001"), full("role-1")),
        Op::PutWorkspace(workspace("10001")),
        Op::PutIdentity(identity("2001")),
    ];
    let empty = Snapshot::empty(Arc::clone(engine()), account());
    for _ in 0..ops.len() {
        ops.rotate_left(1);
        allowed(&after(&empty, &ops), &stop(), &BY);
    }
}

#[test]
fn a_workspace_made_again_starts_with_nobody() {
    let gone = [
        Op::RemoveWorkspace(workspace_id("10001")),
        Op::RemoveMember(workspace_id("10001"), principal_id("2001")),
        Op::RemoveRole(workspace_id("10001"), CustomRoleId::parse("role-1").unwrap()),
    ];
    let next = after(&one_member(), &gone);
    assert!(!next.has_workspace(&workspace_id("10001")));
    let again = after(&next, &[Op::PutWorkspace(workspace("10001"))]);
    assert!(again.has_workspace(&workspace_id("10001")));
    denied(&again, &stop());
}

#[test]
fn putting_a_workspace_again_keeps_its_members() {
    let renamed = after(&one_member(), &[Op::PutWorkspace(workspace("10001"))]);
    allowed(&renamed, &stop(), &BY);
}

#[test]
fn a_change_with_a_role_that_does_not_compile_is_refused_whole() {
    let before = one_member();
    let bad = custom_role("role-2", vec![codes("DLC", &[(&["PaiDLC:Nothing"], &["ANY"])])]);
    let ops = [
        Op::RemoveMember(workspace_id("10001"), principal_id("2001")),
        Op::PutRole(workspace_id("10001"), bad.clone()),
    ];
    assert!(before.with(&ops, Revision { epoch: 1, counter: 8 }).is_err());
    allowed(&before, &stop(), &BY);
    let records = records(&["2001"], &["10001"], &[("10001", bad)], &[]);
    assert!(Snapshot::build(Arc::clone(engine()), &records).is_err(), "nor is a part decided on");
}

/// Returns ops over two workspaces, two users and two roles, in any order, sensible or not.
fn any_op() -> impl Strategy<Value = Op> {
    let workspaces = prop::sample::select(vec!["10001", "10002"]);
    let users = prop::sample::select(vec!["2001", "3001"]);
    let roles = prop::sample::select(vec!["role-1", "role-2"]);
    let held = prop::sample::subsequence(vec!["PAI.AlgoDeveloper", "role-1", "role-2"], 1..=3);
    (0..10, workspaces, users, roles, held, any::<bool>()).prop_map(
        |(which, w, user, role, held, strong)| match which {
            0 => Op::PutIdentity(identity(user)),
            1 => Op::RemoveIdentity(principal_id(user)),
            2 => Op::PutWorkspace(workspace(w)),
            3 => Op::RemoveWorkspace(workspace_id(w)),
            4 => {
                let rule = if strong { RuleAccessibility::Any } else { RuleAccessibility::Public };
                let granted = ["PaiDLC:StopJob", "PaiDLC:GetWebTerminal"];
                let module = codes("DLC", &[(&granted, &[rule.as_str()])]);
                Op::PutRole(workspace_id(w), custom_role(role, vec![module]))
            }
            5 => Op::RemoveRole(workspace_id(w), CustomRoleId::parse(role).unwrap()),
            6 => Op::PutMember(workspace_id(w), member(user, &held)),
            7 => switch(w, if strong { "false" } else { "true" }),
            8 => Op::RemoveConfig(workspace_id(w), name("PaiAuthzSwitch", ENTER)),
            _ => Op::RemoveMember(workspace_id(w), principal_id(user)),
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn following_changes_decides_as_building_from_the_records_does(
        ops in prop::collection::vec(any_op(), 0..24),
    ) {
        let mut recorded = AccountRecords::empty(account());
        let mut followed = Snapshot::empty(Arc::clone(engine()), account());
        for op in &ops {
            recorded.apply(op);
            followed = followed.with(std::slice::from_ref(op), Revision::ORIGIN).unwrap();
        }
        let built = snapshot(&recorded);
        for w in ["10001", "10002"] {
            prop_assert_eq!(
                built.has_workspace(&workspace_id(w)),
                followed.has_workspace(&workspace_id(w))
            );
            for who in ["2001", "3001"] {
                for accessibility in ["PUBLIC", "PRIVATE"] {
                    for creator in [who, "2999"] {
                        for action in ["PaiDLC:StopJob", "PaiDLC:GetWebTerminal"] {
                            let asked = on(who, action, w, creator, accessibility);
                            prop_assert_eq!(decide(&built, &asked), decide(&followed, &asked));
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn members_that_are_no_plain_users_are_told_apart_however_many_come_and_go() {
    let mut present = one_member();
    let id = principal_id("2001");
    // Unknown, while still a member.
    let is_allowed = |snapshot: &Snapshot| decide(snapshot, &stop()).effect() == Effect::Allow;
    for round in 0..3 {
        present = after(&present, &[Op::RemoveIdentity(id.clone())]);
        assert!(!is_allowed(&present), "{round}");
        for part in 0..20_u64 {
            let others = (0..100).map(|n| (500_000 + part * 100 + n).to_string());
            let ops: Vec<Op> = others
                .flat_map(|other| {
                    [Op::PutIdentity(identity(&other)), Op::RemoveIdentity(principal_id(&other))]
                })
                .collect();
            present = after(&present, &ops);
            assert!(!is_allowed(&present), "{round} {part}");
        }
        assert!(present.exceptions.len() < 1_100, "{}", present.exceptions.len());
        // Of another kind: it is a RAM role that has the number of the member.
        let mut role = identity("2001");
        role.principal.kind = PrincipalKind::RamRole;
        present = after(&present, &[Op::PutIdentity(role)]);
        assert!(!is_allowed(&present), "{round}");
        let as_role = Question { principal_type: Some("RamRole"), ..stop() };
        assert_eq!(decide(&present, &as_role).effect(), Effect::Allow);
        present = after(&present, &[Op::PutIdentity(identity("2001"))]);
        assert!(is_allowed(&present), "{round}");
        assert_eq!(decide(&present, &as_role).effect(), Effect::Deny);
    }
}
