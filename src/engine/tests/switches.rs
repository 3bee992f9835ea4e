//! Workspace switches: what is off is off for everybody in the workspace, and for nobody else.

use cedar_policy::{ActionConstraint, Effect, PrincipalConstraint, ResourceConstraint};

use super::{
    ACCOUNT, allowed, ask, check, custom_role, denied, level, on, principal_id, records, snapshot,
    workspace, workspace_id,
};
use crate::{
    catalog::catalog,
    domain::{
        AccountRecords, Config, ConfigCategory, ConfigKey, ConfigName, Op, PermissionType,
        Question, Reason, Revision, Timestamp,
    },
    engine::{
        Snapshot, Source, builtin,
        tests::{
            documents::{attach, document, policy, statement},
            explain::explain,
        },
    },
};

const HERE: &str = "10001";
const TERMINAL: &str = "PaiDLC:GetWebTerminal";
pub(super) const ENTER: &str = "dlcEnterContainer";
const OPEN: &str = "dswOpenFromInternet";
const BY: [&str; 1] = ["switch/dlcEnterContainer"];

pub(super) fn name(category: &str, key: &str) -> ConfigName {
    ConfigName {
        category: ConfigCategory::parse(category).unwrap(),
        key: ConfigKey::parse(key).unwrap(),
        labels: [].into(),
    }
}

fn config(name: ConfigName, value: &str) -> Op {
    config_of(HERE, name, value)
}

fn config_of(workspace: &str, name: ConfigName, value: &str) -> Op {
    let then = Timestamp::from_millis(0);
    let config = Config { name, value: value.to_owned(), created: then, modified: then };
    Op::PutConfig(workspace_id(workspace), config)
}

/// Turns the switch of terminals in a workspace.
pub(super) fn switch(workspace: &str, value: &str) -> Op {
    config_of(workspace, name("PaiAuthzSwitch", ENTER), value)
}

fn put(key: &str, value: &str) -> Op {
    config(name("PaiAuthzSwitch", key), value)
}

fn with(snapshot: &Snapshot, ops: &[Op]) -> Snapshot {
    snapshot.with(ops, Revision { epoch: 1, counter: 1 }).unwrap()
}

/// 2001 is an Administrator, 2002 has a custom role, 2003 is no member, 3001 is a RAM role with a custom role; all of this
/// in two workspaces.
fn people() -> AccountRecords {
    let role = || custom_role("role-1", vec![level("DLC", PermissionType::FullAccess)]);
    let members = |workspace| {
        [
            (workspace, "2001", &["PAI.WorkspaceAdmin"][..]),
            (workspace, "2002", &["role-1"]),
            (workspace, "3001", &["role-1", "PAI.AlgoOperator"]),
        ]
    };
    let members = [members(HERE), members("10002")].concat();
    let roles = [(HERE, role()), ("10002", role())];
    records(&["2001", "2002", "2003", "3001"], &[HERE, "10002"], &roles, &members)
}

/// Returns a question about a terminal of a job of one's own.
fn terminal<'a>(who: &'a str, workspace: &'a str) -> Question<'a> {
    on(who, TERMINAL, workspace, who, "PRIVATE")
}

#[test]
fn policies_forbid_what_the_catalogue_says_and_nothing_else() {
    let text = include_str!("../../../policies/switches.cedar");
    let said = builtin::parse(text).unwrap().into_iter().map(|policy| {
        let (ActionConstraint::In(actions), ResourceConstraint::In(place)) =
            (policy.action_constraint(), policy.resource_constraint())
        else {
            panic!("{policy}")
        };
        assert_eq!(policy.effect(), Effect::Forbid);
        assert_eq!(policy.principal_constraint(), PrincipalConstraint::Any);
        assert!(!policy.to_string().contains("when") && !policy.to_string().contains("unless"));
        let actions = actions.iter().map(|it| catalog().find_action(it.id().unescaped()).unwrap());
        assert_eq!(place.type_name().to_string(), "PAI::Off");
        (
            policy.id().to_string(),
            place.id().unescaped().to_owned(),
            actions.map(|it| it.id).collect(),
        )
    });
    let known = catalog().configs().iter().filter(|config| !config.forbids.is_empty());
    let mut known: Vec<_> = known
        .map(|it| (format!("switch/{}", it.key), it.key.to_owned(), it.forbids.clone()))
        .collect();
    known.sort();
    assert_eq!(said.collect::<Vec<(_, _, Vec<_>)>>(), known);
    assert_eq!(known.len(), 2);
}

#[test]
fn what_is_off_is_off_for_everybody_in_that_workspace_alone() {
    let on_for_all = snapshot(&people());
    let off = with(&on_for_all, &[put(ENTER, "false")]);
    let by =
        ["account/owns-everything", "PAI.WorkspaceAdmin/DLC.write.all", "role-1/DLC.write.all"];
    for (who, by) in [(ACCOUNT, by[0]), ("2001", by[1]), ("2002", by[2])] {
        allowed(&on_for_all, &terminal(who, HERE), &[by]);
        check(&off, &terminal(who, HERE), Reason::ExplicitDeny, &BY);
        allowed(&off, &terminal(who, "10002"), &[by]);
        // By the name RAM has for it, and for whatever asset.
        let ram = on(who, "paidlc:CheckWebTerminalToken", HERE, "2009", "PUBLIC");
        check(&off, &ram, Reason::ExplicitDeny, &BY);
        // What stands beside it is what it was.
        allowed(&off, &on(who, "PaiDLC:StopJob", HERE, who, "PRIVATE"), &[by]);
        let back = with(&off, &[put(ENTER, "true")]);
        allowed(&back, &terminal(who, HERE), &[by]);
        let gone = Op::RemoveConfig(workspace_id(HERE), name("PaiAuthzSwitch", ENTER));
        allowed(&with(&off, &[gone]), &terminal(who, HERE), &[by]);
    }
    check(&off, &terminal("3001", HERE), Reason::ExplicitDeny, &BY);
    // To whom nothing was granted it is denied as well; who is not known, and where nothing is, hears nothing of switches.
    check(&off, &terminal("2003", HERE), Reason::ExplicitDeny, &BY);
    denied(&off, &terminal("2009", HERE));
    denied(&off, &terminal("2001", "10009"));
    // The account itself is in no workspace.
    allowed(&off, &ask(ACCOUNT, "PaiWorkspace:CreateWorkspace"), &["account/owns-everything"]);
}

#[test]
fn each_switch_forbids_its_own_and_several_forbid_together() {
    let off = |ops: &[Op]| with(&snapshot(&people()), ops);
    let open = on("2001", "PaiDSW:OpenInstance", HERE, "2001", "PRIVATE");
    let token = on("2001", "PaiDSW:GetToken", HERE, "2001", "PRIVATE");
    let one = off(&[put(OPEN, "false")]);
    for question in [&open, &token] {
        check(&one, question, Reason::ExplicitDeny, &["switch/dswOpenFromInternet"]);
    }
    allowed(&one, &terminal("2001", HERE), &["PAI.WorkspaceAdmin/DLC.write.all"]);
    let both = with(&one, &[put(ENTER, "false")]);
    check(&both, &open, Reason::ExplicitDeny, &["switch/dswOpenFromInternet"]);
    check(&both, &terminal("2001", HERE), Reason::ExplicitDeny, &BY);
    // What forbids nothing by itself.
    let others = off(&[put("dswSshFromInternet", "false"), put("dswLimitBandwidth", "false")]);
    allowed(&others, &open, &["PAI.WorkspaceAdmin/DSW.write.all"]);
    assert_eq!(both.revision(), Revision { epoch: 1, counter: 1 });
}

#[test]
fn only_on_is_on_and_only_the_switch_is_the_switch() {
    for value in ["", "True", "TRUE", "1", "on", " true", "true "] {
        let off = with(&snapshot(&people()), &[put(ENTER, value)]);
        check(&off, &terminal("2001", HERE), Reason::ExplicitDeny, &BY);
    }
    let mut labelled = name("PaiAuthzSwitch", ENTER);
    labelled.labels.insert("a".to_owned(), "b".to_owned());
    for other in
        [labelled, name("paiauthzswitch", ENTER), name("PaiAuthzSwitch", "dlcEntercontainer")]
    {
        let on = with(&snapshot(&people()), &[config(other.clone(), "false")]);
        allowed(&on, &terminal("2002", HERE), &["role-1/DLC.write.all"]);
        // Nor is it put on by another.
        let off = with(&on, &[put(ENTER, "false"), config(other, "true")]);
        check(&off, &terminal("2002", HERE), Reason::ExplicitDeny, &BY);
    }
}

#[test]
fn documents_allow_nothing_against_a_switch_and_deny_beside_it() {
    let about = |effect| document(&statement(effect, r#""paidlc:GetWebTerminal""#, r#""*""#));
    let ops = [
        put(ENTER, "false"),
        policy("yes", &[&about("Allow")], 1),
        policy("no", &[&about("Deny")], 1),
        attach("2001", "Custom/yes"),
        attach("2002", "Custom/no"),
        attach("2003", "Custom/yes"),
    ];
    let off = with(&snapshot(&people()), &ops);
    for who in ["2001", "2003"] {
        check(&off, &terminal(who, HERE), Reason::ExplicitDeny, &BY);
    }
    let both = ["Custom/no/v1/Statement/0", BY[0]];
    check(&off, &terminal("2002", HERE), Reason::ExplicitDeny, &both);
    let on = with(&off, &[put(ENTER, "true")]);
    allowed(&on, &terminal("2003", HERE), &["Custom/yes/v1/Statement/0"]);
    check(&on, &terminal("2002", HERE), Reason::ExplicitDeny, &both[..1]);
}

#[test]
fn building_from_records_knows_what_following_changes_does() {
    let mut records = people();
    let ops = [put(ENTER, "false"), put(OPEN, "true")];
    for op in &ops {
        records.apply(op);
    }
    check(&snapshot(&records), &terminal("2001", HERE), Reason::ExplicitDeny, &BY);
    // What is left of a workspace that is not recorded is there with the next of its id.
    let gone = with(&snapshot(&records), &[Op::RemoveWorkspace(workspace_id(HERE))]);
    denied(&gone, &terminal("2001", HERE));
    let again = with(&gone, &[Op::PutWorkspace(workspace(HERE))]);
    check(&again, &terminal("2001", HERE), Reason::ExplicitDeny, &BY);
    // Also where nothing else is.
    let bare = with(&snapshot(&super::records(&["2001"], &[], &[], &[])), &[put(ENTER, "false")]);
    let made = with(&bare, &[Op::PutWorkspace(workspace(HERE))]);
    check(&made, &terminal("2001", HERE), Reason::ExplicitDeny, &BY);
    let removed = Op::RemoveConfig(workspace_id(HERE), name("PaiAuthzSwitch", ENTER));
    let empty = with(&bare, &[removed, Op::PutWorkspace(workspace(HERE))]);
    denied(&empty, &terminal("2001", HERE));
}

#[test]
fn an_explanation_names_the_switch() {
    let records = people();
    let off = with(&snapshot(&records), &[put(ENTER, "false")]);
    let explained = explain(&records, &off, &terminal("2001", HERE), Reason::ExplicitDeny);
    let source = Source::Switch { category: "PaiAuthzSwitch", key: "dlcEnterContainer" };
    assert_eq!(explained.policies, [(BY[0].to_owned(), Some(source))]);
    assert_eq!(
        explained.summary,
        "denied: the workspace switch `dlcEnterContainer`, which is off, denies `PaiDLC:GetWebTerminal`, and a denial wins over every grant"
    );
    assert!(explained.remedies.is_empty() && explained.near_misses.is_empty());
    // A role that is held where the switch is off would not allow it there.
    let elsewhere = Op::RemoveMember(workspace_id("10002"), principal_id("2002"));
    let off = with(&off, &[elsewhere]);
    let question = terminal("2002", "10002");
    let near = |snapshot| explain(&records, snapshot, &question, Reason::ImplicitDeny).near_misses;
    assert_eq!(near(&off), []);
    assert_eq!(near(&with(&off, &[put(ENTER, "true")])).len(), 1);
}
