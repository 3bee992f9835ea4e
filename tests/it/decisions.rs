//! The engine against the naive reading of the design: every cell of the tables, then random accounts.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use pai_authz::{
    domain::{
        AccountId, AccountRecords, BuiltinRole, CustomRole, CustomRoleId, EnvMode, Identity,
        Member, ModulePermission, PermissionGrant, PermissionRule, PermissionType, Principal,
        PrincipalId, PrincipalKind, Profile, Question, Reason, RoleName, RoleRef, Timestamp,
        UserName, Workspace, WorkspaceId, WorkspaceName,
    },
    engine::{Engine, Plain, Snapshot},
};
use proptest::{
    prelude::*,
    test_runner::{Config, FileFailurePersistence, TestCaseError, TestRunner},
};

use crate::support::naive::{Answer, Code, Tables};

pub(crate) const ACCOUNT: &str = "1000000000000001";
pub(crate) const THEN: Timestamp = Timestamp::from_millis(0);

pub(crate) static TABLES: LazyLock<Tables> = LazyLock::new(Tables::read);
thread_local! {
    static PLAIN: RefCell<Plain> = RefCell::default();
}
pub(crate) static ENGINE: LazyLock<Arc<Engine>> =
    LazyLock::new(|| Engine::new("cn-hangzhou").expect("the shipped policies are sound"));

/// Returns what the engine answers, with its determining policies; `None` for what the reference never answers.
fn engine_answer(snapshot: &Snapshot, question: &Question<'_>) -> (Option<Answer>, Vec<String>) {
    let asked = snapshot.ask(*question);
    let request = match ENGINE.resolve(snapshot.account(), *question) {
        Ok(request) => request,
        Err(refused) => {
            assert_eq!(asked, Err(refused), "{question:?}");
            return (Some(Answer::Refused), Vec::new());
        }
    };
    let decision = snapshot.is_authorized(&request);
    assert_eq!(asked.as_ref(), Ok(&decision), "{question:?}");
    let plain = PLAIN.with_borrow_mut(|plain| plain.judge(snapshot, &request));
    assert!(!Plain::differs(&decision, &plain), "{question:?}: {decision:?}, Cedar {plain:?}");
    assert_eq!(snapshot.settled(&request), Some(decision.clone()), "nobody has a document");
    let answer = match decision.reason {
        Reason::ExplicitAllow => Some(Answer::Allow),
        Reason::ImplicitDeny => Some(Answer::Deny),
        // Roles forbid nothing and no policy of theirs may fail.
        Reason::ExplicitDeny | Reason::Error => None,
    };
    (answer, decision.determining_policies.to_vec())
}

#[test]
fn every_code_and_built_in_role_and_cell_is_decided_as_the_table_says() {
    let workspace = workspace_id("10001");
    let mut records = AccountRecords::empty(AccountId::parse(ACCOUNT).expect("an account id"));
    put_workspace(&mut records, &workspace);
    let mut members = Vec::new();
    for (index, role) in BuiltinRole::ALL.into_iter().enumerate() {
        // RAM roles: a user would have the codes that are allowed unless denied whatever its role.
        let id = (3_001 + index).to_string();
        put_identity(&mut records, PrincipalKind::RamRole, &id);
        put_member(&mut records, &workspace, &id, vec![RoleRef::Builtin(role)]);
        members.push((id, role));
    }
    let snapshot = Snapshot::build(Arc::clone(&ENGINE), &records).expect("nothing to compile");
    let (mut asked, mut allows) = (0, 0);
    for code in &TABLES.codes {
        for (id, role) in &members {
            let granted = TABLES.builtin(role.code(), code);
            for (letter, creator, accessibility) in [
                ('p', id.as_str(), "PRIVATE"),
                ('P', "2999", "PRIVATE"),
                ('u', id.as_str(), "PUBLIC"),
                ('U', "2999", "PUBLIC"),
            ] {
                let on_account = code.scope == "account";
                let question = Question {
                    principal_type: Some("RamRole"),
                    principal_id: Some(id),
                    action: Some(&code.name),
                    workspace: (!on_account).then_some("10001"),
                    creator: Some(creator),
                    accessibility: Some(accessibility),
                    ..Question::default()
                };
                let expected = if granted.contains(letter) { Answer::Allow } else { Answer::Deny };
                let (answer, policies) = engine_answer(&snapshot, &question);
                assert_eq!(answer, Some(expected), "{} {role} {letter}", code.name);
                assert_eq!(expected, TABLES.answer(&records, &question), "{} {role}", code.name);
                assert_eq!(policies.is_empty(), expected == Answer::Deny);
                // What explains it is a policy of that role.
                assert!(policies.iter().all(|p| p.starts_with(&format!("{}/", role.code()))));
                asked += 1;
                allows += usize::from(expected == Answer::Allow);
            }
        }
    }
    assert_eq!(asked, 480 * 7 * 4);
    assert!(allows * 5 > asked, "{allows} of {asked} allow");
}

/// Accounts and questions per account of the random comparison. About a sixth of the questions is refused before it
/// is judged; what remains is more than 100,000.
pub(crate) const ACCOUNTS: u32 = 130;
const QUESTIONS: usize = 1_000;

#[test]
fn a_hundred_thousand_random_requests_are_decided_as_the_design_says() {
    let config = Config {
        cases: ACCOUNTS,
        source_file: Some(file!()),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "tests/proptest-regressions/decisions.txt",
        ))),
        max_shrink_iters: 2_000,
        ..Config::default()
    };
    let counts: [Cell<usize>; 3] = Default::default();
    let strategy = (any_account(), prop::collection::vec(any_question(), QUESTIONS));
    let outcome = TestRunner::new(config).run(&strategy, |(draft, questions)| {
        let records = draft.records();
        let snapshot = Snapshot::build(Arc::clone(&ENGINE), &records)
            .map_err(|invalid| TestCaseError::fail(invalid.to_string()))?;
        for draft in &questions {
            let question = draft.question();
            let expected = TABLES.answer(&records, &question);
            let (answer, policies) = engine_answer(&snapshot, &question);
            prop_assert_eq!(answer, Some(expected), "{:?}", question);
            prop_assert_eq!(policies.is_empty(), expected != Answer::Allow, "{:?}", question);
            let [refused, allowed, denied] = &counts;
            let count = match expected {
                Answer::Refused => refused,
                Answer::Allow => allowed,
                Answer::Deny => denied,
            };
            count.set(count.get() + 1);
        }
        Ok(())
    });
    assert!(outcome.is_ok(), "{}", outcome.expect_err("a difference"));
    let [refused, allowed, denied] = counts.map(|count| count.get());
    report(&format!("{allowed} allow, {denied} deny, {refused} refused"));
    let judged = allowed + denied;
    assert!(judged >= 100_000, "{judged}");
    for (count, share) in [(allowed, 10), (denied, 10), (refused, 100)] {
        assert!(count * share >= judged, "{count} beside {judged} is too few to compare anything");
    }
}

#[expect(clippy::print_stderr, reason = "how much was compared is worth reading with --nocapture")]
fn report(text: &str) {
    eprintln!("{text}");
}

/// Users and RAM roles of every random account; which of them are recorded or members is random.
const PRINCIPALS: [(PrincipalKind, &str); 6] = [
    (PrincipalKind::User, "2001"),
    (PrincipalKind::User, "2002"),
    (PrincipalKind::User, "2003"),
    (PrincipalKind::User, "2004"),
    (PrincipalKind::RamRole, "3001"),
    (PrincipalKind::RamRole, "3002"),
];
const WORKSPACES: [&str; 3] = ["10001", "10002", "10003"];

/// A random account, as plain numbers so that it shrinks; they are taken modulo what there is to choose from.
#[derive(Debug, Clone)]
struct AccountDraft {
    known: u8,
    workspaces: Vec<WorkspaceDraft>,
}

#[derive(Debug, Clone)]
struct WorkspaceDraft {
    roles: Vec<Vec<ModuleDraft>>,
    /// A principal and the roles it holds.
    members: Vec<(usize, Vec<usize>)>,
}

#[derive(Debug, Clone)]
pub(crate) struct ModuleDraft {
    pub(crate) module: usize,
    pub(crate) permission_type: usize,
    /// Codes and rules, for `CustomPermissions`.
    pub(crate) grants: Vec<(Vec<usize>, Vec<usize>)>,
}

fn any_account() -> impl Strategy<Value = AccountDraft> {
    use prop::collection::vec;
    let grant = (vec(any::<usize>(), 1..12), vec(any::<usize>(), 1..3));
    let module = (any::<usize>(), any::<usize>(), vec(grant, 1..4)).prop_map(
        |(module, permission_type, grants)| ModuleDraft { module, permission_type, grants },
    );
    let member = (any::<usize>(), vec(any::<usize>(), 1..8));
    let workspace = (vec(vec(module, 0..8), 0..4), vec(member, 0..8))
        .prop_map(|(roles, members)| WorkspaceDraft { roles, members });
    (any::<u8>(), vec(workspace, 1..=WORKSPACES.len()))
        .prop_map(|(known, workspaces)| AccountDraft { known, workspaces })
}

impl AccountDraft {
    fn records(&self) -> AccountRecords {
        let mut records = AccountRecords::empty(AccountId::parse(ACCOUNT).expect("an account id"));
        for (index, (kind, id)) in PRINCIPALS.into_iter().enumerate() {
            // Most are known: two bits decide, for an unknown one is denied everything.
            if self.known >> index & 1 == 1 || index % 3 != 2 {
                put_identity(&mut records, kind, id);
            }
        }
        let mut number = 0;
        for (draft, id) in self.workspaces.iter().zip(WORKSPACES) {
            let workspace = workspace_id(id);
            put_workspace(&mut records, &workspace);
            let mut holdable: Vec<RoleRef> =
                BuiltinRole::ALL.into_iter().map(RoleRef::Builtin).collect();
            for modules in &draft.roles {
                number += 1;
                let role = custom_role(number, modules);
                holdable.push(RoleRef::Custom(role.id.clone()));
                records.roles.insert((workspace.clone(), role.id.clone()), role);
            }
            for (principal, roles) in &draft.members {
                let (_, id) = pick(&PRINCIPALS, *principal);
                let mut held: Vec<RoleRef> =
                    roles.iter().map(|&role| pick(&holdable, role).clone()).collect();
                held.sort();
                held.dedup();
                put_member(&mut records, &workspace, id, held);
            }
        }
        records
    }
}

pub(crate) fn custom_role(number: u32, drafts: &[ModuleDraft]) -> CustomRole {
    let modules: Vec<_> = TABLES.modules.iter().filter(|m| m.api_name.is_some()).collect();
    let mut entries: BTreeMap<String, ModulePermission> = BTreeMap::new();
    for draft in drafts {
        let module = pick(&modules, draft.module);
        let permission_type = *pick(&PermissionType::ALL, draft.permission_type);
        let codes: Vec<&Code> = TABLES
            .codes
            .iter()
            .filter(|code| code.module == module.name && code.is_holdable())
            .collect();
        let custom = permission_type == PermissionType::CustomPermissions;
        let grants =
            draft.grants.iter().filter(|_| custom).map(|(chosen, rules)| PermissionGrant {
                codes: once(chosen.iter().map(|&code| pick(&codes, code).name.clone())),
                rules: once(rules.iter().map(|&chosen| rule(chosen, module.entities))),
            });
        let name = module.api_name.clone().expect("a module of custom roles");
        entries.insert(
            name.clone(),
            ModulePermission { module: name, permission_type, permissions: grants.collect() },
        );
    }
    CustomRole {
        id: CustomRoleId::parse(&format!("role-{number}")).expect("a role id"),
        name: RoleName::parse(&format!("r{number}")).expect("a role name"),
        modules: entries.into_values().collect(),
        creator: principal_id(ACCOUNT),
        created: THEN,
        modified: THEN,
    }
}

/// Returns the values, each once: what a role says twice is refused.
fn once<T: PartialEq>(values: impl Iterator<Item = T>) -> Vec<T> {
    values.fold(Vec::new(), |mut kept, value| {
        if !kept.contains(&value) {
            kept.push(value);
        }
        kept
    })
}

fn rule(chosen: usize, entities: bool) -> PermissionRule {
    let (accessibility, entity_access) = if entities {
        *pick(
            &[
                ("PUBLIC", None),
                ("PRIVATE", Some("CREATOR")),
                ("PRIVATE", Some("ANY")),
                ("ANY", Some("CREATOR")),
                ("ANY", Some("ANY")),
            ],
            chosen,
        )
    } else {
        ("ANY", None)
    };
    PermissionRule::parse(accessibility, entity_access).expect("a rule")
}

/// A random question, as plain numbers.
#[derive(Debug, Clone)]
struct QuestionDraft {
    who: u8,
    action: usize,
    kind_of_action: u8,
    workspace: u8,
    creator: u8,
    accessibility: u8,
    odd: u8,
}

fn any_question() -> impl Strategy<Value = QuestionDraft> {
    let bytes = any::<[u8; 6]>();
    (any::<usize>(), bytes).prop_map(
        |(action, [who, kind_of_action, workspace, creator, accessibility, odd])| QuestionDraft {
            who,
            action,
            kind_of_action,
            workspace,
            creator,
            accessibility,
            odd,
        },
    )
}

impl QuestionDraft {
    fn question(&self) -> Question<'static> {
        let (kind, id) = match self.who % 16 {
            0 => (PrincipalKind::Account, ACCOUNT),
            1 => (PrincipalKind::User, ACCOUNT),
            2 => (PrincipalKind::User, "2999"),
            // An id under the wrong kind.
            3 => (PrincipalKind::RamRole, "2001"),
            4 => *pick(
                &[(PrincipalKind::Account, "2001"), (PrincipalKind::RamRole, ACCOUNT)],
                self.action,
            ),
            who => *pick(&PRINCIPALS, usize::from(who)),
        };
        let code = match self.kind_of_action % 32 {
            0 => None,
            1 | 2 => {
                let flagged: Vec<&Code> =
                    TABLES.codes.iter().filter(|c| c.allowed_unless_denied).collect();
                Some(*pick(&flagged, self.action))
            }
            3 | 4 => {
                let official: Vec<&Code> = TABLES.codes.iter().filter(|c| c.official).collect();
                Some(*pick(&official, self.action))
            }
            _ => Some(pick(&TABLES.codes, self.action)),
        };
        let action = match code {
            None => pick(&TABLES.ram_only, self.action),
            Some(code) if self.odd & 1 == 1 => &code.ram_action,
            Some(code) => &code.name,
        };
        let on_account = code.is_none_or(|code| code.scope == "account");
        let workspace = match self.workspace % 32 {
            // Now and then one too many or too few, or one that is not there.
            0 => None,
            1 => Some("99999"),
            2 => Some(WORKSPACES[0]),
            _ if on_account => None,
            n => Some(*pick(&WORKSPACES, usize::from(n))),
        };
        let creator = match self.creator % 16 {
            0 => None,
            1..=7 => Some(id),
            n => Some(*pick(&["2001", "2002", "3001", "2999", ACCOUNT], usize::from(n))),
        };
        let accessibility = match self.accessibility % 16 {
            0 => None,
            n if n % 2 == 0 => Some("PUBLIC"),
            _ => Some("PRIVATE"),
        };
        let resource_type = match (self.odd % 16, code) {
            (0..=3, Some(code)) if code.official => Some("official-image"),
            (4, Some(_)) => {
                TABLES.types.keys().nth(self.action % TABLES.types.len()).map(String::as_str)
            }
            _ => None,
        };
        Question {
            principal_type: Some(kind.as_str()),
            principal_id: Some(id),
            action: Some(action),
            resource_type,
            workspace,
            creator,
            accessibility,
            ..Question::default()
        }
    }
}

/// Returns one of `of`, whatever the number.
fn pick<T>(of: &[T], number: usize) -> &T {
    of.get(number % of.len()).expect("a remainder is in range")
}

fn workspace_id(id: &str) -> WorkspaceId {
    WorkspaceId::parse(id).expect("a workspace id")
}

fn principal_id(id: &str) -> PrincipalId {
    PrincipalId::parse(id).expect("a principal id")
}

pub(crate) fn put_workspace(records: &mut AccountRecords, id: &WorkspaceId) {
    let workspace = Workspace {
        id: id.clone(),
        name: WorkspaceName::parse(&format!("w_{id}")).expect("a workspace name"),
        display_name: String::new(),
        description: String::new(),
        env: EnvMode::Simple,
        resource_group: None,
        creator: principal_id(ACCOUNT),
        created: THEN,
        modified: THEN,
    };
    records.workspaces.insert(id.clone(), workspace);
}

pub(crate) fn put_identity(records: &mut AccountRecords, kind: PrincipalKind, id: &str) {
    let principal = Principal { kind, id: principal_id(id) };
    let name = UserName::parse(&format!("n{id}")).expect("a user name");
    let profile = Profile::default();
    let identity =
        Identity { principal, name, profile, assumable: None, created: THEN, modified: THEN };
    records.identities.insert(principal_id(id), identity);
}

fn put_member(
    records: &mut AccountRecords,
    workspace: &WorkspaceId,
    id: &str,
    roles: Vec<RoleRef>,
) {
    let member = Member { principal: principal_id(id), roles, created: THEN };
    records.rosters.entry(workspace.clone()).or_default().put(&member);
}
