//! Why a decision is what it is, and what would change it.

use super::{ACCOUNT, account, ask, codes, custom_role, engine, level, on, records, snapshot};
use crate::{
    catalog::catalog,
    domain::{
        AccountRecords, BuiltinRole, Cells, CustomRoleId, GroupId, PermissionType, Question,
        Reason, Revision, RoleRef,
    },
    engine::{
        Beside, Differs, Explanation, NearMiss, Remedy, Snapshot, Source, Unmet,
        tests::documents::{attach, document, policy, statement},
    },
};

const MOST_ROLES: usize = 20;

/// 2001 is a developer and reads DLC by a custom role, 2002 is no member, 2003 reviews public jobs, 2004 is a developer elsewhere.
fn people() -> AccountRecords {
    let reads = custom_role("role-reads", vec![level("DLC", PermissionType::ReadOnly)]);
    let codes = codes("DLC", &[(&["PaiDLC:StopJob"], &["PUBLIC"])]);
    let reviews = custom_role("role-reviews", vec![codes]);
    records(
        &["2001", "2002", "2003", "2004", "3001"],
        &["10001", "10002"],
        &[("10001", reads), ("10001", reviews)],
        &[
            ("10001", "2001", &["PAI.AlgoDeveloper", "role-reads"]),
            ("10001", "2003", &["role-reviews"]),
            ("10001", "2004", &["PAI.WorkspaceGuest"]),
            ("10002", "2004", &["PAI.AlgoDeveloper"]),
        ],
    )
}

#[track_caller]
pub(super) fn explain(
    records: &AccountRecords,
    snapshot: &Snapshot,
    question: &Question<'_>,
    reason: Reason,
) -> Explanation {
    let request = engine().resolve(&account(), *question).unwrap();
    assert_eq!(snapshot.is_authorized(&request).reason, reason, "{question:?}");
    let beside = Beside {
        recorded: &|workspace, id| records.roles.get(&(workspace.clone(), id.clone())),
        is_readable: &|_| true,
        most_roles: MOST_ROLES,
    };
    snapshot.explain(&request, &beside).unwrap()
}

#[track_caller]
fn denied(question: &Question<'_>) -> Explanation {
    let records = people();
    explain(&records, &snapshot(&records), question, Reason::ImplicitDeny)
}

fn stop<'a>(who: &'a str, creator: &'a str, accessibility: &'a str) -> Question<'a> {
    on(who, "PaiDLC:StopJob", "10001", creator, accessibility)
}

/// Returns the role to add and the level to raise.
fn changes(explanation: &Explanation) -> (Option<String>, Option<(String, PermissionType)>) {
    let (mut role, mut level) = (None, None);
    for remedy in &explanation.remedies {
        match remedy {
            Remedy::AddRole { role: id, .. } => role = Some(id.to_string()),
            Remedy::RaiseLevel { role, to, .. } => level = Some((role.to_string(), *to)),
            Remedy::RamStatement { .. } => {}
        }
    }
    (role, level)
}

#[track_caller]
fn near(explanation: &Explanation, policy: &str) -> NearMiss {
    let mut all = explanation.near_misses.iter();
    all.find(|near| near.policy == policy).unwrap_or_else(|| panic!("{explanation:?}")).clone()
}

#[test]
fn an_allow_names_what_grants_and_where_it_is_written() {
    let records = people();
    let before = snapshot(&records);
    let grant = statement("Allow", r#""paidlc:Stop*""#, r#""*""#);
    let other = statement("Allow", r#""log:*""#, r#""*""#);
    let text = document(&format!("\n{other},\n{grant}"));
    let ops = [policy("grant", &[&text, &text], 2), attach("2001", "Custom/grant")];
    let after = before.with(&ops, Revision { epoch: 1, counter: 1 }).unwrap();
    let explained =
        explain(&records, &after, &stop("2001", "2001", "PRIVATE"), Reason::ExplicitAllow);
    let [(first, Some(document)), (second, role)] = explained.policies.as_slice() else {
        panic!("{explained:?}");
    };
    assert_eq!(
        (first.as_str(), second.as_str()),
        ("Custom/grant/v2/Statement/1", "PAI.AlgoDeveloper/DLC.write.own-private")
    );
    assert_eq!(*role, Some(Source::BuiltinRole(BuiltinRole::Developer)));
    let Source::Document { policy, version, statement, line } = document else { panic!() };
    assert_eq!(
        (policy.to_string(), version.0, *statement, *line),
        ("Custom/grant".into(), 2, 1, 3)
    );
    let said =
        "allowed: statement 1 of `Custom/grant` and `PAI.AlgoDeveloper` grant `PaiDLC:StopJob`";
    assert_eq!(explained.summary, said);
    assert!(explained.near_misses.is_empty() && explained.remedies.is_empty());
    // A custom role is told with the level it has in the module.
    let explained =
        explain(&records, &before, &stop("2003", "2001", "PUBLIC"), Reason::ExplicitAllow);
    let role = CustomRoleId::parse("role-reviews").unwrap();
    let source = Source::CustomRole {
        name: Some(custom_role("role-reviews", Vec::new()).name),
        id: role,
        module: Some("DLC"),
        level: Some(PermissionType::CustomPermissions),
    };
    let policy = "role-reviews/DLC.write.public".to_owned();
    assert_eq!(explained.policies, [(policy, Some(source))]);
    for (who, source) in [("2002", Source::KnownUsers), (ACCOUNT, Source::Account)] {
        let question = ask(who, "Pai:ListProducts");
        let explained = explain(&records, &before, &question, Reason::ExplicitAllow);
        assert_eq!(explained.policies[0].1, Some(source));
    }
}

#[test]
fn roles_that_grant_it_on_other_assets_or_elsewhere_are_near() {
    let developer = "PAI.AlgoDeveloper/DLC.write.own-private";
    let reviews = "role-reviews/DLC.write.public";
    let grants = "`PAI.AlgoDeveloper` grants this on own private jobs";
    for (question, policy, differs, text) in [
        (
            stop("2001", "2002", "PRIVATE"),
            developer,
            Differs::Creator,
            format!("{grants}; the job was created by 2002"),
        ),
        (
            stop("2001", "2001", "PUBLIC"),
            developer,
            Differs::Accessibility,
            format!("{grants}; the job is PUBLIC"),
        ),
        (
            stop("2001", "2002", "PUBLIC"),
            developer,
            Differs::CreatorAndAccessibility,
            format!("{grants}; the job is PUBLIC and was created by 2002"),
        ),
        (
            stop("2003", "2001", "PRIVATE"),
            reviews,
            Differs::Accessibility,
            "the custom role `role-reviews` grants this on public jobs; the job is PRIVATE".into(),
        ),
        (
            stop("2004", "2004", "PRIVATE"),
            developer,
            Differs::Workspace,
            "`PAI.AlgoDeveloper` grants this in workspace 10002, where User 2004 holds it; the request is about workspace 10001".into(),
        ),
    ] {
        let explained = denied(&question);
        let near = near(&explained, policy);
        assert_eq!((near.differs, near.text.as_str()), (differs, text.as_str()));
        assert!(explained.summary.ends_with(&near.text), "{}", explained.summary);
    }
    // Of a workspace that cannot be trusted nothing is told.
    let records = people();
    let (snapshot, question) = (snapshot(&records), stop("2004", "2004", "PRIVATE"));
    let request = engine().resolve(&account(), question).unwrap();
    let beside = Beside {
        recorded: &|_, _| None,
        is_readable: &|workspace| workspace.as_str() != "10002",
        most_roles: MOST_ROLES,
    };
    assert!(snapshot.explain(&request, &beside).unwrap().near_misses.is_empty());
    // Who has no grant of it at all is near to nothing.
    let explained = denied(&stop("2002", "2001", "PRIVATE"));
    assert!(explained.near_misses.is_empty());
    let said = "denied: nothing grants `PaiDLC:StopJob`: User 2002 is no member of workspace 10001";
    assert_eq!(explained.summary, said);
}

#[test]
fn statements_that_miss_a_condition_or_the_resource_are_near() {
    let records = people();
    let on_job = r#""acs:paidlc:*:*:workspace/10001/dlcjob/*""#;
    let conditional = statement("Allow", r#""paidlc:*""#, on_job).replace(
        r#","Resource""#,
        r#","Condition":{"IpAddress":{"acs:SourceIp":["10.0.0.0/8","192.168.0.0/16"]},"Bool":{"acs:MFAPresent":"true"}},"Resource""#,
    );
    let elsewhere =
        statement("Allow", r#""paidlc:*""#, r#""acs:paidlc:*:*:workspace/10002/dlcjob/*""#);
    let far = statement("Allow", r#""paidlc:*""#, r#""acs:paidlc:cn-beijing:*:*""#);
    let deny = statement("Deny", r#""paidlc:StopJob""#, on_job).replace(
        r#","Resource""#,
        r#","Condition":{"StringEquals":{"acs:SourceVpc":"v"}},"Resource""#,
    );
    let text = document(&[far, elsewhere, conditional, deny].join(","));
    let ops = [
        policy("p", &[&text], 1),
        attach("g-1", "Custom/p"),
        crate::domain::Op::PutGroupMember(
            GroupId::parse("g-1").unwrap(),
            super::principal_id("2002"),
            super::THEN,
        ),
    ];
    let after = snapshot(&records).with(&ops, Revision { epoch: 1, counter: 1 }).unwrap();
    let address =
        crate::domain::ContextValue::One(crate::domain::Scalar::String("203.0.113.7".into()));
    let context = std::collections::BTreeMap::from([("acs:sourceip".to_owned(), address)]);
    let question = Question { context: Some(&context), ..stop("2002", "2001", "PRIVATE") };
    let explained = explain(&records, &after, &question, Reason::ImplicitDeny);
    let order: Vec<_> =
        explained.near_misses.iter().map(|it| (it.policy.as_str(), it.differs)).collect();
    assert_eq!(
        order,
        [
            ("Custom/p/v1/Statement/2", Differs::Condition),
            ("Custom/p/v1/Statement/1", Differs::Resource),
            ("Custom/p/v1/Statement/0", Differs::Resource),
        ]
    );
    let unmet = |key: &str, operator, wanted: &[&str], given: &[&str]| Unmet {
        key: key.to_owned(),
        operator,
        wanted: wanted.iter().map(ToString::to_string).collect(),
        given: given.iter().map(ToString::to_string).collect(),
    };
    assert_eq!(
        explained.near_misses[0].conditions,
        [
            unmet("acs:SourceIp", "IpAddress", &["10.0.0.0/8", "192.168.0.0/16"], &["203.0.113.7"]),
            unmet("acs:MFAPresent", "Bool", &["true"], &[]),
        ]
    );
    assert_eq!(
        explained.near_misses[0].text,
        "statement 2 of `Custom/p` allows this under conditions; `acs:SourceIp` wants `IpAddress` `10.0.0.0/8` or `192.168.0.0/16`, \
         and it is `203.0.113.7`; `acs:MFAPresent` wants `Bool` `true`, and the request does not state it"
    );
    // Of the Deny as well: it might have denied.
    assert_eq!(explained.missing_keys, ["acs:MFAPresent", "acs:SourceVpc"]);
    assert_eq!(explained.facts.documents, Some(1));
}

#[test]
fn a_denial_by_a_statement_is_told_and_no_grant_is_suggested() {
    let records = people();
    let deny = document(&statement("Deny", r#""paidlc:*""#, r#""*""#));
    let ops = [policy("no", &[&deny], 1), attach("2001", "Custom/no")];
    let after = snapshot(&records).with(&ops, Revision { epoch: 1, counter: 1 }).unwrap();
    let question = stop("2001", "2002", "PRIVATE");
    let explained = explain(&records, &after, &question, Reason::ExplicitDeny);
    let said = "denied: statement 0 of `Custom/no` denies `PaiDLC:StopJob`, and a denial wins over every grant";
    assert_eq!(explained.summary, said);
    assert!(explained.near_misses.is_empty() && explained.remedies.is_empty());
}

#[test]
fn what_is_not_known_is_said_plainly_and_nothing_is_suggested() {
    let foreign = "acs:log:cn-hangzhou:2000000000000002:project/p";
    for (question, said, facts) in [
        (
            stop("2009", "2001", "PRIVATE"),
            "User 2009 is not known in this account",
            (false, Some(true)),
        ),
        (
            on("2001", "PaiDLC:StopJob", "10009", "2001", "PRIVATE"),
            "workspace 10009 is not known in this account",
            (true, Some(false)),
        ),
        (
            Question { arn: Some(foreign), ..ask("2001", "log:GetProject") },
            "the resource is of another account or region",
            (true, None),
        ),
    ] {
        let explained = denied(&question);
        assert_eq!(explained.summary, format!("denied: {said}"));
        let Explanation { facts: known, near_misses, remedies, .. } = explained;
        assert_eq!((known.principal_known, known.workspace_known), facts);
        assert!(near_misses.is_empty() && remedies.is_empty(), "{said}");
    }
    // A policy that is attached and gone: the request cannot be judged, and nobody knows how many there are.
    let records = people();
    let ops = [attach("2001", "Custom/gone")];
    let after = snapshot(&records).with(&ops, Revision { epoch: 1, counter: 1 }).unwrap();
    let question = stop("2001", "2001", "PRIVATE");
    let explained = explain(&records, &after, &question, Reason::Error);
    assert_eq!(explained.summary, "denied: the request could not be judged, see `errors`");
    assert_eq!(explained.facts.documents, None);
}

#[test]
fn the_smallest_role_and_the_lowest_level_are_suggested() {
    let (write, full) = (PermissionType::ReadWrite, PermissionType::FullAccess);
    let operator = Some("PAI.AlgoOperator".to_owned());
    let reviews = Some("role-reviews".to_owned());
    let raise = |to| Some(("role-reads".to_owned(), to));
    for (question, role, level) in [
        // The reviewers' role grants one code on public jobs; nothing is smaller.
        (stop("2001", "2002", "PUBLIC"), reviews.clone(), raise(full)),
        (stop("2001", "2001", "PUBLIC"), reviews.clone(), raise(write)),
        (stop("2001", "2002", "PRIVATE"), operator.clone(), raise(full)),
        (stop("2002", "2001", "PUBLIC"), reviews, None),
        // A role that lists its codes itself has no next level.
        (stop("2003", "2001", "PRIVATE"), operator, None),
    ] {
        assert_eq!(changes(&denied(&question)), (role, level), "{question:?}");
    }
    // On the account no role helps, and a statement does.
    let explained = denied(&ask("2001", "PaiWorkspace:CreateWorkspace"));
    assert!(
        matches!(explained.remedies.as_slice(), [Remedy::RamStatement { .. }]),
        "{explained:?}"
    );
    let said = "denied: nothing grants `PaiWorkspace:CreateWorkspace`: outside workspaces only RAM policies do, and no statement User 2001 has is about it";
    assert_eq!(explained.summary, said);
}

#[test]
fn nobody_is_told_to_hold_more_roles_than_may_be_held() {
    let records = people();
    let snapshot = snapshot(&records);
    let question = stop("2001", "2002", "PRIVATE");
    let request = engine().resolve(&account(), question).unwrap();
    let role = |most_roles| {
        let beside = Beside { recorded: &|_, _| None, is_readable: &|_| true, most_roles };
        changes(&snapshot.explain(&request, &beside).unwrap()).0
    };
    assert_eq!((role(2), role(3).as_deref()), (None, Some("PAI.AlgoOperator")));
}

#[test]
fn over_the_whole_catalogue_a_role_is_suggested_where_one_grants_and_never_that_of_the_owner() {
    let records = records(&["2001"], &["10001"], &[], &[("10001", "2001", &["PAI.LabelManager"])]);
    let snapshot = snapshot(&records);
    let (mut suggested, mut owners) = (0, 0);
    for action in catalog().actions().iter().filter(|it| it.module.is_some()) {
        let question = on("2001", action.name, "10001", "2002", "PRIVATE");
        let Ok(request) = engine().resolve(&account(), question) else { continue };
        if snapshot.is_authorized(&request).reason != Reason::ImplicitDeny {
            continue;
        }
        let beside =
            Beside { recorded: &|_, _| None, is_readable: &|_| true, most_roles: MOST_ROLES };
        let explained = snapshot.explain(&request, &beside).unwrap();
        let grants = |role: &BuiltinRole| {
            let cells = catalog().builtin_cells(*role, action);
            cells.contains(crate::domain::Cell::OthersPrivate)
        };
        let size = |role: BuiltinRole| -> usize {
            catalog()
                .actions()
                .iter()
                .map(|it| Cells::count(catalog().builtin_cells(role, it)))
                .sum()
        };
        let others = BuiltinRole::ALL.into_iter().filter(|it| *it != BuiltinRole::Owner);
        let smallest = others.filter(grants).min_by_key(|role| size(*role));
        let role = explained.remedies.iter().find_map(|remedy| match remedy {
            Remedy::AddRole { role, .. } => Some(role.clone()),
            _ => None,
        });
        assert_eq!(role, smallest.map(RoleRef::Builtin), "{}", action.name);
        suggested += usize::from(role.is_some());
        // Where nothing smaller would do, the Owner's would come first among equals.
        let is_admin = role == Some(RoleRef::Builtin(BuiltinRole::Admin));
        let is_next = size(BuiltinRole::Owner) <= size(BuiltinRole::Admin);
        owners += usize::from(is_admin && is_next && grants(&BuiltinRole::Owner));
    }
    assert!(suggested > 100 && owners > 0, "{suggested}, {owners}");
}
