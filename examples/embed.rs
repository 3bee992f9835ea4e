//! A service that decides by itself, without asking anybody: the engine embedded.
//!
//!     cargo run --example embed
//!
//! It keeps an account's records, builds a snapshot of them, asks it, and follows a change. A snapshot is immutable and cheap to
//! clone: hand the present one to every thread (`arc_swap` does), and put the next one in its place.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::{error::Error, sync::Arc};

use pai_authz::{
    domain::{
        AccountId, AccountRecords, BuiltinRole, EnvMode, Identity, Invalid, Member, Op, Principal,
        PrincipalId, PrincipalKind, Profile, Question, RoleRef, Timestamp, UserName, Workspace,
        WorkspaceId, WorkspaceName,
    },
    engine::{Engine, Snapshot},
};

fn main() -> Result<(), Box<dyn Error>> {
    let wrong = |form: pai_authz::domain::IdForm| format!("not {}: {}", form.expected, form.help);
    let then = Timestamp::from_millis(0);
    let account = AccountId::parse("1000000000000001").map_err(wrong)?;
    let dana = PrincipalId::parse("2001").map_err(wrong)?;
    let workspace = WorkspaceId::parse("10001").map_err(wrong)?;

    // What is recorded: a user, a workspace, and that she develops in it.
    let identity = Identity {
        principal: Principal { kind: PrincipalKind::User, id: dana.clone() },
        name: UserName::parse("dana").map_err(wrong)?,
        profile: Profile::default(),
        assumable: None,
        created: then,
        modified: then,
    };
    let mut records = AccountRecords::empty(account.clone());
    records.identities.insert(dana.clone(), identity);
    records.workspaces.insert(
        workspace.clone(),
        Workspace {
            id: workspace.clone(),
            name: WorkspaceName::parse("nlp_research").map_err(wrong)?,
            display_name: String::new(),
            description: String::new(),
            env: EnvMode::Simple,
            resource_group: None,
            creator: PrincipalId::parse(account.as_str()).map_err(wrong)?,
            created: then,
            modified: then,
        },
    );
    let member = Member {
        principal: dana.clone(),
        roles: vec![RoleRef::Builtin(BuiltinRole::Developer)],
        created: then,
    };
    records.rosters.entry(workspace.clone()).or_default().put(&member);

    // One engine for the process, one snapshot for each account and revision.
    let engine = Engine::new("cn-hangzhou")?;
    let snapshot = Snapshot::build(Arc::clone(&engine), &records)?;
    let question = Question {
        principal_type: Some("User"),
        principal_id: Some("2001"),
        action: Some("PaiDLC:StopJob"),
        resource_type: Some("job"),
        resource_id: Some("dlc-1"),
        workspace: Some("10001"),
        creator: Some("2001"),
        accessibility: Some("PRIVATE"),
        ..Question::default()
    };
    show(&snapshot, &question)?;

    // A change: she is no member any more. The snapshot before stays as it is.
    let change = [Op::RemoveMember(workspace, dana)];
    let next = snapshot.with(&change, snapshot.revision().next())?;
    show(&next, &question)?;

    // A wrong question is no denial: it says what is wrong with it.
    let typo = Question { action: Some("PaiDLC:StopJobs"), ..question };
    if let Err(refused) = show(&next, &typo) {
        println!("{refused}");
    }
    Ok(())
}

fn show(snapshot: &Snapshot, question: &Question<'_>) -> Result<(), Invalid> {
    let decision = snapshot.ask(*question)?;
    println!(
        "{} ({}) {:?}",
        decision.effect().as_str(),
        decision.reason.as_str(),
        decision.determining_policies.to_vec()
    );
    Ok(())
}
