//! What is allowed and what is denied, and by which policies.

use super::{
    ACCOUNT, account, allowed, ask, codes, custom_role, decide, denied, engine, level, on, records,
    snapshot,
};
use crate::{
    catalog::{ActionScope, PermissionScope},
    domain::{
        AccountRecords, ActionId, Decision, Effect, PermissionType, PrincipalKind, Question,
        Reason, Request, Resource,
    },
    engine::{LookUps, Snapshot},
};

/// 2001 develops, 2002 operates, 2003 visits, 2004 owns, all in 10001; 2005 and 3002 are known and members of
/// nothing; 3001 is a RAM role that develops.
fn acme() -> AccountRecords {
    records(
        &["2001", "2002", "2003", "2004", "2005", "3001", "3002"],
        &["10001", "10002"],
        &[],
        &[
            ("10001", "2001", &["PAI.AlgoDeveloper"]),
            ("10001", "2002", &["PAI.AlgoOperator"]),
            ("10001", "2003", &["PAI.WorkspaceGuest"]),
            ("10001", "2004", &["PAI.WorkspaceOwner"]),
            ("10001", "3001", &["PAI.AlgoDeveloper"]),
        ],
    )
}

const OWNS: &str = "account/owns-everything";

#[test]
fn a_developer_stops_own_private_jobs_and_no_others() {
    let acme = snapshot(&acme());
    let stop =
        |who, creator, accessibility| on(who, "PaiDLC:StopJob", "10001", creator, accessibility);
    let by = ["PAI.AlgoDeveloper/DLC.write.own-private"];
    allowed(&acme, &stop("2001", "2001", "PRIVATE"), &by);
    denied(&acme, &stop("2001", "2001", "PUBLIC"));
    denied(&acme, &stop("2001", "2002", "PRIVATE"));
    denied(&acme, &stop("2001", "2002", "PUBLIC"));
    allowed(&acme, &stop("3001", "3001", "PRIVATE"), &by);
    denied(&acme, &stop("2003", "2003", "PRIVATE"));
}

#[test]
fn look_ups_on_their_way_end_in_their_order_and_none_is_lost() {
    let acme = snapshot(&acme());
    let briefs = ["2001", "2002", "2003", "2004", "2999", "3001"].map(|who| {
        let stop = on(who, "PaiDLC:StopJob", "10001", "2001", "PRIVATE");
        engine().brief(&account(), stop).unwrap()
    });
    for (count, pause) in (0..20).flat_map(|count| [0, 1, 3, 9].map(|pause| (count, pause))) {
        let mut look_ups = LookUps::new(&acme);
        let mut told: Vec<Decision<'_>> = Vec::new();
        let asked = || briefs.iter().cycle().take(count);
        for brief in asked() {
            for _ in 0..=pause {
                look_ups.step(|settled| told.push(settled.into())).unwrap();
            }
            look_ups.begin(brief).unwrap();
            assert!(look_ups.begin(&briefs[0]).is_none(), "it would be in the place of another");
        }
        look_ups.end(|settled| told.push(settled.into())).unwrap();
        let expected: Vec<Decision<'_>> =
            asked().map(|brief| acme.look_up(brief).unwrap().into()).collect();
        assert_eq!(told, expected, "{count}, {pause}");
    }
}

#[test]
fn unknown_principals_and_workspaces_and_foreign_resources_are_denied_alike() {
    let acme = snapshot(&acme());
    let foreign = "acs:paidlc:cn-hangzhou:1000000000000002:workspace/10001/dlcjob/dlc-1";
    let stop = |who| on(who, "PaiDLC:StopJob", "10001", who, "PRIVATE");
    let questions = [
        stop("2999"),
        stop("3999"),
        // Known under another kind.
        Question { principal_type: Some("RamRole"), ..stop("2001") },
        Question { principal_type: Some("User"), ..stop("3001") },
        Question { principal_type: Some("Account"), ..stop("2001") },
        Question { principal_type: Some("RamRole"), ..stop(ACCOUNT) },
        Question { workspace: Some("99999"), ..stop("2001") },
        Question { workspace: Some("99999"), ..stop("2999") },
        Question { workspace: Some("99999"), ..stop(ACCOUNT) },
        Question { workspace: None, arn: Some(foreign), ..stop("2001") },
        Question { workspace: None, arn: Some(foreign), ..stop(ACCOUNT) },
    ];
    for question in questions {
        assert_eq!(decide(&acme, &question), Decision::implicit_deny(), "{question:?}");
    }
}

#[test]
fn the_main_account_does_everything_in_its_account() {
    let acme = snapshot(&acme());
    let main = |who| {
        allowed(
            &acme,
            &Question {
                principal_type: Some(who),
                ..on(ACCOUNT, "PaiDLC:StopJob", "10001", "2001", "PRIVATE")
            },
            &[OWNS],
        );
    };
    main("Account");
    main("User");
    for action in engine().catalog().actions() {
        let question = match action.scope {
            ActionScope::Permission(PermissionScope::Account) | ActionScope::RamOnly => {
                ask(ACCOUNT, action.name)
            }
            ActionScope::Permission(_) => on(ACCOUNT, action.name, "10002", "2001", "PRIVATE"),
        };
        allowed(&acme, &question, &[OWNS]);
    }
    let log = "acs:log:us-west-1:1000000000000001:project/p/logstore/l";
    allowed(&acme, &Question { arn: Some(log), ..ask(ACCOUNT, "log:GetLogStore") }, &[OWNS]);
}

#[test]
fn the_main_account_does_nothing_in_a_workspace_that_is_not_there() {
    let acme = snapshot(&acme());
    denied(&acme, &on(ACCOUNT, "PaiDLC:StopJob", "99999", "2001", "PRIVATE"));
    denied(&acme, &Question { workspace: Some("99999"), ..ask(ACCOUNT, "log:ListProject") });
    let gone = "acs:paiworkspace:cn-hangzhou:1000000000000001:workspace/99999";
    denied(&acme, &Question { arn: Some(gone), ..ask(ACCOUNT, "PaiWorkspace:DeleteWorkspace") });
    let there = "acs:paiworkspace:cn-hangzhou:1000000000000001:workspace/10001";
    let delete = Question { arn: Some(there), ..ask(ACCOUNT, "PaiWorkspace:DeleteWorkspace") };
    allowed(&acme, &delete, &[OWNS]);
}

#[test]
fn a_main_account_that_is_a_member_stands_on_its_own_rights() {
    let mut records = acme();
    let owner = super::member(ACCOUNT, &["PAI.WorkspaceOwner"]);
    records.rosters.entry(super::workspace_id("10001")).or_default().put(&owner);
    let stop = on(ACCOUNT, "PaiDLC:StopJob", "10001", "2001", "PRIVATE");
    allowed(&snapshot(&records), &stop, &[OWNS]);
}

#[test]
fn nobody_but_the_main_account_has_what_no_role_grants() {
    let acme = snapshot(&acme());
    for action in engine().catalog().actions().iter().filter(|a| !a.allowed_unless_denied) {
        let outside = matches!(
            action.scope,
            ActionScope::Permission(PermissionScope::Account) | ActionScope::RamOnly
        );
        if outside {
            denied(&acme, &ask("2004", action.name));
            denied(&acme, &ask("2005", action.name));
        }
    }
    denied(&acme, &Question { workspace: Some("10001"), ..ask("2004", "log:ListProject") });
}

#[test]
fn known_users_have_the_seventeen_codes_unless_denied_and_ram_roles_have_not() {
    let acme = snapshot(&acme());
    let by = ["known-users/allowed-unless-denied"];
    let mut count = 0;
    for action in engine().catalog().actions().iter().filter(|a| a.allowed_unless_denied) {
        count += 1;
        let about = |who| match action.scope {
            ActionScope::Permission(PermissionScope::Account) => ask(who, action.name),
            _ => on(who, action.name, "10001", "2001", "PRIVATE"),
        };
        allowed(&acme, &about("2005"), &by);
        allowed(&acme, &about("2003"), &by);
        // A RAM role stands for a service or another account: it has what a RAM document gives it.
        denied(&acme, &about("3002"));
        denied(&acme, &about("3001"));
        denied(&acme, &about("2999"));
    }
    assert_eq!(count, 17);
}

#[test]
fn known_users_see_official_images_and_only_those() {
    let acme = snapshot(&acme());
    for action in ["PaiImage:GetImage", "PaiImage:ListImages", "PaiImage:GetImagesStatistics"] {
        let official = |who| Question { resource_type: Some("official-image"), ..ask(who, action) };
        allowed(&acme, &official("2005"), &["known-users/official-images"]);
        allowed(&acme, &official(ACCOUNT), &[OWNS]);
        denied(&acme, &official("3002"));
        denied(&acme, &official("2999"));
        let gone = Question { workspace: Some("99999"), ..official("2005") };
        denied(&acme, &gone);
        for accessibility in ["PUBLIC", "PRIVATE"] {
            denied(&acme, &on("2005", action, "10001", "2001", accessibility));
        }
        // The id of an ordinary image cannot pretend.
        let named = Question {
            resource_id: Some("official-image"),
            ..on("2005", action, "10001", "2001", "PUBLIC")
        };
        denied(&acme, &named);
    }
}

/// Returns an account whose member 2001 holds the given roles over one code that reaches the whole workspace.
fn holder(roles: &[&[&str]]) -> Snapshot {
    let custom: Vec<_> = roles
        .iter()
        .enumerate()
        .map(|(i, rules)| {
            let module = codes("DSW", &[(&["PaiDSW:ListAllInstances"], rules)]);
            ("10001", custom_role(&format!("role-{i}"), vec![module]))
        })
        .collect();
    let held: Vec<String> = (0..roles.len()).map(|i| format!("role-{i}")).collect();
    let held: Vec<&str> = held.iter().map(String::as_str).collect();
    snapshot(&records(&["2001"], &["10001"], &custom, &[("10001", "2001", &held)]))
}

#[test]
fn without_both_attributes_only_a_grant_of_all_four_cells_counts() {
    let some = holder(&[&["PRIVATE/ANY"], &["PUBLIC"], &["ANY/CREATOR"]]);
    let all = holder(&[&["PUBLIC", "PRIVATE/ANY"]]);
    let list = |creator, accessibility| Question {
        workspace: Some("10001"),
        creator,
        accessibility,
        ..ask("2001", "PaiDSW:ListAllInstances")
    };
    for absent in [
        list(None, None),
        list(Some("2001"), None),
        list(Some("2002"), None),
        list(None, Some("PUBLIC")),
        list(None, Some("PRIVATE")),
    ] {
        denied(&some, &absent);
        allowed(&all, &absent, &["role-0/DSW.manage.all"]);
    }
    // Stated, they count.
    let by = ["role-1/DSW.manage.public", "role-2/DSW.manage.own"];
    allowed(&some, &list(Some("2001"), Some("PUBLIC")), &by);
    allowed(&some, &list(Some("2002"), Some("PRIVATE")), &["role-0/DSW.manage.private"]);
}

#[test]
fn roles_of_a_member_add_up() {
    let both = records(
        &["2001"],
        &["10001"],
        &[("10001", custom_role("role-1", vec![level("DLC", PermissionType::FullAccess)]))],
        &[("10001", "2001", &["PAI.AlgoDeveloper", "PAI.AlgoOperator", "role-1"])],
    );
    allowed(
        &snapshot(&both),
        &on("2001", "PaiDLC:StopJob", "10001", "2001", "PRIVATE"),
        &[
            "PAI.AlgoDeveloper/DLC.write.own-private",
            "PAI.AlgoOperator/DLC.write.private",
            "role-1/DLC.write.all",
        ],
    );
}

#[test]
fn a_role_of_one_workspace_grants_nothing_in_another() {
    let full = || custom_role("role-1", vec![level("DLC", PermissionType::FullAccess)]);
    let weak = || custom_role("role-1", vec![level("DLC", PermissionType::NoPrivilege)]);
    let two = snapshot(&records(
        &["2001", "2002"],
        &["10001", "10002"],
        // The store keeps role ids apart; even the same id twice must not leak.
        &[("10001", full()), ("10002", weak())],
        &[
            ("10001", "2001", &["role-1"]),
            ("10002", "2001", &["role-1"]),
            ("10002", "2002", &["role-1", "PAI.WorkspaceOwner"]),
        ],
    ));
    let stop = |who, workspace| on(who, "PaiDLC:StopJob", workspace, "2999", "PRIVATE");
    allowed(&two, &stop("2001", "10001"), &["role-1/DLC.write.all"]);
    denied(&two, &stop("2001", "10002"));
    denied(&two, &stop("2002", "10001"));
    allowed(&two, &stop("2002", "10002"), &["PAI.WorkspaceOwner/DLC.write.all"]);
}

#[test]
fn a_role_the_member_holds_but_nobody_recorded_grants_nothing() {
    let dangling = records(&["2001"], &["10001"], &[], &[("10001", "2001", &["role-1"])]);
    denied(&snapshot(&dangling), &on("2001", "PaiDLC:StopJob", "10001", "2001", "PRIVATE"));
}

#[test]
fn a_member_that_is_no_known_identity_is_denied() {
    let orphan = records(&[], &["10001"], &[], &[("10001", "2001", &["PAI.WorkspaceOwner"])]);
    denied(&snapshot(&orphan), &on("2001", "PaiDLC:StopJob", "10001", "2001", "PRIVATE"));
}

#[test]
fn a_request_of_another_catalogue_or_account_is_denied() {
    let acme = snapshot(&acme());
    let sound = on("2004", "PaiDLC:StopJob", "10001", "2001", "PRIVATE");
    let sound = engine().resolve(&account(), sound).unwrap();
    assert_eq!(acme.is_authorized(&sound).effect(), Effect::Allow);
    let unknown = Request { action: ActionId(u16::MAX), ..sound.clone() };
    assert_eq!(acme.is_authorized(&unknown).effect(), Effect::Deny);
    let foreign = Request { resource: Resource::Foreign, ..sound.clone() };
    assert_eq!(acme.is_authorized(&foreign), Decision::implicit_deny());
    let mut other = sound;
    other.principal.kind = PrincipalKind::Account;
    assert_eq!(acme.is_authorized(&other).reason, Reason::ImplicitDeny);
}
