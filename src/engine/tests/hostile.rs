//! Names made to be mistaken for policy: they stay names.

use cedar_policy::{Policy, PolicySet, pst::ResourceConstraint};
use proptest::prelude::*;

use super::{account, allowed, ask, denied, engine, on, records, snapshot};
use crate::{
    catalog::catalog,
    domain::{Cells, Decision, Question},
    engine::{Snapshot, policies},
};

const HOSTILE: [&str; 17] = [
    r#""]; permit(principal, action, resource); //"#,
    r#""]; permit(principal, action, resource);"#,
    r#"" || true || ""#,
    "'; drop table",
    "{}",
    "{{creator}}",
    "*",
    "::",
    r#"PAI::User::"1""#,
    "\\",
    "\\\"",
    "\\u{22}",
    "a\nb",
    "\0",
    "\u{202e}\u{feff}",
    "名\u{1f600}",
    "?principal",
];

fn one_developer() -> Snapshot {
    snapshot(&records(&["2001"], &["10001"], &[], &[("10001", "2001", &["PAI.AlgoDeveloper"])]))
}

#[test]
fn a_hostile_id_changes_no_decision() {
    let acme = one_developer();
    for id in HOSTILE {
        let job = |creator| Question {
            resource_id: Some(id),
            ..on("2001", "PaiDLC:StopJob", "10001", creator, "PRIVATE")
        };
        if is_id(id) {
            allowed(&acme, &job("2001"), &["PAI.AlgoDeveloper/DLC.write.own-private"]);
            denied(&acme, &job("2002"));
        } else {
            let refused = engine().resolve(&account(), job("2001")).unwrap_err();
            assert_eq!(refused.field, "resource.id");
        }
    }
}

#[test]
fn a_hostile_value_elsewhere_is_refused_by_name_on_one_line() {
    for text in HOSTILE {
        let base = || on("2001", "PaiDLC:StopJob", "10001", "2001", "PRIVATE");
        for (question, field) in [
            (Question { principal_id: Some(text), ..base() }, "principal.id"),
            (Question { principal_type: Some(text), ..base() }, "principal.type"),
            (Question { action: Some(text), ..base() }, "action"),
            (Question { workspace: Some(text), ..base() }, "resource.workspace"),
            (Question { resource_type: Some(text), ..base() }, "resource.type"),
            (Question { creator: Some(text), ..base() }, "resource.creator"),
            (Question { accessibility: Some(text), ..base() }, "resource.accessibility"),
            (Question { arn: Some(text), ..ask("2001", "PaiDLC:StopJob") }, "resource.arn"),
        ] {
            let refused = engine().resolve(&account(), question).unwrap_err();
            assert_eq!(refused.field, field);
            assert!(!refused.to_string().contains(char::is_control), "{refused:?}");
        }
    }
}

#[test]
fn a_hostile_arn_changes_no_decision() {
    let acme = one_developer();
    for id in HOSTILE {
        let arn = format!("acs:paidlc:cn-hangzhou:1000000000000001:workspace/10001/dlcjob/{id}");
        let stop = |creator| Question {
            arn: Some(&arn),
            creator: Some(creator),
            accessibility: Some("PRIVATE"),
            ..ask("2001", "PaiDLC:StopJob")
        };
        let log = format!("acs:log:cn-hangzhou:1000000000000001:{id}");
        let log = Question { arn: Some(&log), ..ask("2001", "log:GetProject") };
        if is_id(id) {
            let by = ["PAI.AlgoDeveloper/DLC.write.own-private"];
            allowed(&acme, &stop("2001"), &by);
            denied(&acme, &stop("2002"));
        } else {
            assert!(engine().resolve(&account(), stop("2001")).is_err());
        }
        if id.contains(char::is_control) {
            assert!(engine().resolve(&account(), log).is_err());
        } else {
            denied(&acme, &log);
        }
    }
}

/// Returns whether a text can be the id of a job: no control characters, and no `/`, which parts ids.
fn is_id(text: &str) -> bool {
    !text.contains('/') && !text.contains(char::is_control)
}

/// Compiles one grant of a role of that name, through the typed tree as every role is.
fn compiled(role: &str, cells: Cells) -> Policy {
    let action = catalog().find_action("PaiDLC:StopJob").unwrap().id;
    let grants = [(action, cells)].into();
    let mut policies =
        policies::policies(catalog(), role, role, &ResourceConstraint::Any, &grants).unwrap();
    assert_eq!(policies.len(), 1);
    policies.remove(0)
}

/// Writes a policy as text and reads it back: one policy, of the same id, scope and text.
fn assert_survives(policy: &Policy) {
    let text = policies::text(std::slice::from_ref(policy)).unwrap();
    let set: PolicySet = text.parse().unwrap();
    assert_eq!((set.policies().count(), set.templates().count()), (1, 0), "{text}");
    let read = set.policies().next().unwrap();
    let id = policy.annotation("id").unwrap();
    assert_eq!((read.annotation("id").unwrap(), policy.id().as_ref()), (id, id));
    assert_eq!(read.principal_constraint(), policy.principal_constraint());
    assert_eq!(read.action_constraint(), policy.action_constraint());
    assert_eq!(read.resource_constraint(), policy.resource_constraint());
    assert_eq!(policies::text(std::slice::from_ref(read)).unwrap(), text);
}

#[test]
fn a_hostile_name_is_written_and_read_back_as_one_and_the_same_policy() {
    for name in HOSTILE {
        for cells in Cells::every().filter(|cells| !cells.is_empty()) {
            assert_survives(&compiled(name, cells));
        }
    }
}

proptest! {
    #[test]
    fn any_name_is_written_and_read_back_as_one_and_the_same_policy(name in any::<String>()) {
        assert_survives(&compiled(&name, Cells::OWN));
    }

    #[test]
    fn no_question_panics_or_is_allowed_by_its_words(
        words in prop::array::uniform9(prop::option::of(any::<String>())),
        arn in prop::option::of("acs:[a-z*]{0,6}:[a-z*-]{0,11}:[0-9*]{0,16}:.{0,40}"),
    ) {
        let [kind, id, action, random_arn, resource_type, resource_id, workspace, creator, accessibility] =
            words.each_ref().map(Option::as_deref);
        let question = Question {
            principal_type: kind.or(Some("User")),
            principal_id: id.filter(|id| id.len() < 3).or(Some("2001")),
            action: action.filter(|a| a.len() < 3).or(Some("PaiDLC:StopJob")),
            arn: arn.as_deref().or(random_arn.filter(|a| a.len() < 3)),
            resource_type,
            resource_id,
            workspace,
            creator,
            accessibility,
            context: None,
        };
        if let Ok(request) = engine().resolve(&account(), question) {
            let none = snapshot(&records(&["2001"], &["10001"], &[], &[]));
            prop_assert_eq!(none.is_authorized(&request), Decision::implicit_deny());
        }
    }
}
