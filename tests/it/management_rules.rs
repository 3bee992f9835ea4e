//! Rules that need time or sizes no test waits for: names that stay taken, bounds of a workspace, key limits.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use pai_authz::{
    domain::{
        Clock, ConfigCategory, ConfigKey, ConfigName, Identity, Import, ModulePermission,
        PermissionType, Principal, PrincipalId, PrincipalKind, Profile, RoleName, Timestamp,
        UserName, WorkspaceId,
    },
    engine::Engine,
    error::ErrorCode,
    service::{
        Accounts, Bounds, Keyring, Management, MasterKey, MemberFilter, NewConfig, NewMember,
        Paging, Residency, Sorting, WorkspaceFilter,
    },
    store::{Mode, RedbStore, Store as _},
};

use crate::support::{
    calls::{account, call, main_account, new_workspace},
    server::PATIENCE,
};

const DAY: u64 = 24 * 60 * 60 * 1000;

/// A clock that stands still until it is moved.
#[derive(Default)]
struct Hand(AtomicU64);

impl Clock for Hand {
    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

struct Office {
    management: Management,
    clock: Arc<Hand>,
    store: Arc<RedbStore>,
}

impl Office {
    async fn new(bounds: Bounds) -> Self {
        let clock = Arc::new(Hand(AtomicU64::new(1_000 * DAY)));
        let store = Arc::new(RedbStore::in_memory(Mode::Production).unwrap());
        let keyring = Arc::new(Keyring::new(&MasterKey::development(), None));
        let engine = Engine::new("cn-hangzhou").unwrap();
        let residency = Residency::default();
        let accounts =
            Accounts::new(engine, store.clone(), clock.clone(), keyring.clone(), residency);
        accounts.load_all().await.unwrap();
        accounts.admit(&account());
        let wait = std::time::Duration::ZERO;
        Self {
            management: Management::new(Arc::new(accounts), keyring, bounds, wait),
            clock,
            store,
        }
    }

    fn pass(&self, millis: u64) {
        self.clock.0.fetch_add(millis, Ordering::SeqCst);
    }

    async fn create(&self, name: &str) -> Result<WorkspaceId, ErrorCode> {
        let new = new_workspace(name);
        let made = self.management.create_workspace(&call("CreateWorkspace"), &new).await;
        made.map(|(_, id)| id).map_err(|error| error.code)
    }

    async fn know(&self, count: u64) {
        let now = self.clock.now();
        let identity = |n: u64| Identity {
            principal: Principal { kind: PrincipalKind::User, id: id(n) },
            name: UserName::parse(&format!("user-{n}")).unwrap(),
            profile: Profile::default(),
            assumable: None,
            created: now,
            modified: now,
        };
        let identities = (0..count).map(identity).collect();
        let users = Import { identities, workspaces: Vec::new() };
        self.management.import_users(&call("ImportUsers"), &users).await.unwrap();
    }

    async fn join(
        &self,
        workspace: &WorkspaceId,
        users: std::ops::Range<u64>,
    ) -> Result<(), ErrorCode> {
        let new: Vec<NewMember> = users
            .map(|n| NewMember {
                user_field: format!("Members[{n}].UserId"),
                roles_field: format!("Members[{n}].Roles"),
                principal: id(n),
                roles: ["PAI.LabelManager".to_owned()].into(),
            })
            .collect();
        let joined = self.management.create_members(&call("CreateMember"), workspace, &new).await;
        joined.map(|_| ()).map_err(|error| error.code)
    }
}

fn id(number: u64) -> PrincipalId {
    PrincipalId::parse(&format!("{}", 2_000_000 + number)).unwrap()
}

#[tokio::test]
async fn the_name_of_a_deleted_workspace_stays_taken_for_14_days() {
    let office = Office::new(Bounds::default()).await;
    let first = office.create("research").await.unwrap();
    assert_eq!(office.create("research").await, Err(ErrorCode::WorkspaceNameTaken));
    office.management.delete_workspace(&call("DeleteWorkspace"), &first).await.unwrap();
    assert_eq!(office.create("research").await, Err(ErrorCode::WorkspaceNameTaken));
    office.pass(14 * DAY);
    assert_eq!(office.create("research").await, Err(ErrorCode::WorkspaceNameTaken));
    office.pass(1);
    let second = office.create("research").await.unwrap();
    assert_ne!(second, first);
    assert_eq!(office.create("research").await, Err(ErrorCode::WorkspaceNameTaken));
}

#[tokio::test]
async fn a_deleted_workspace_takes_its_configs_with_it() {
    let office = Office::new(Bounds::default()).await;
    let workspace = office.create("research").await.unwrap();
    let config = |key: &str, label: &str| NewConfig {
        within: String::new(),
        name: ConfigName {
            category: ConfigCategory::parse("x").unwrap(),
            key: ConfigKey::parse(key).unwrap(),
            labels: [("a".to_owned(), label.to_owned())].into(),
        },
        value: String::new(),
    };
    let mut bare = config("c", "1");
    bare.name.labels.clear();
    let new = [config("a", "1"), config("a", "2"), config("b", "1"), bare];
    let put = call("UpdateConfigs");
    office.management.put_configs(&put, &workspace, &new).await.unwrap();
    let left = async || {
        let stored = office.store.load(&account()).await.unwrap().configs.len();
        let view = office.management.present(&put).await.unwrap();
        assert_eq!(view.configs(&workspace).count(), stored);
        stored
    };
    assert_eq!(left().await, 4);
    office.management.delete_workspace(&call("DeleteWorkspace"), &workspace).await.unwrap();
    assert_eq!(left().await, 0);
}

#[tokio::test]
async fn configs_count_as_what_an_account_takes_in_memory() {
    let office = Office::new(Bounds::default()).await;
    let workspace = office.create("research").await.unwrap();
    let weight = async || office.management.present(&call("GetConfig")).await.unwrap().weight();
    let before = weight().await;
    let config = |n: usize, bytes: usize| NewConfig {
        within: String::new(),
        name: ConfigName {
            category: ConfigCategory::parse("x").unwrap(),
            key: ConfigKey::parse(&format!("k{n}")).unwrap(),
            labels: [].into(),
        },
        value: "x".repeat(bytes),
    };
    let put = async |new: &[NewConfig]| {
        office.management.put_configs(&call("UpdateConfigs"), &workspace, new).await.unwrap();
    };
    let ten: Vec<NewConfig> = (0..10).map(|n| config(n, 16_000)).collect();
    put(&ten).await;
    assert!(weight().await >= before + 160_000);
    // What is put again, smaller, or deleted is not counted any more.
    let ten: Vec<NewConfig> = (0..10).map(|n| config(n, 1)).collect();
    put(&ten).await;
    assert!((before..before + 10_000).contains(&weight().await));
    office.management.delete_workspace(&call("DeleteWorkspace"), &workspace).await.unwrap();
    assert!(weight().await <= before);
}

#[tokio::test]
async fn a_workspace_has_as_many_members_and_roles_as_it_may_and_no_more() {
    let office = Office::new(Bounds { roles: 3, members: 5 }).await;
    office.know(10).await;
    let workspace = office.create("bounded").await.unwrap();
    // The creator is one of five.
    assert_eq!(office.join(&workspace, 0..5).await, Err(ErrorCode::LimitExceeded));
    office.join(&workspace, 0..4).await.unwrap();
    assert_eq!(office.join(&workspace, 4..5).await, Err(ErrorCode::LimitExceeded));
    office.join(&workspace, 0..4).await.unwrap();
    let role = async |n: u64| {
        let modules = [ModulePermission {
            module: "DLC".to_owned(),
            permission_type: PermissionType::ReadOnly,
            permissions: Vec::new(),
        }];
        let name = RoleName::parse(&format!("r{n}")).unwrap();
        let caller = call("CreateWorkspaceRole");
        office.management.create_role(&caller, &workspace, &name, &modules).await
    };
    for n in 0..3 {
        role(n).await.unwrap();
    }
    assert_eq!(role(3).await.unwrap_err().code, ErrorCode::LimitExceeded);
    assert_eq!(role(0).await.unwrap_err().code, ErrorCode::RoleNameTaken);
}

#[tokio::test]
async fn pages_of_members_follow_the_order_of_joining_and_hold_each_once() {
    let office = Office::new(Bounds::default()).await;
    office.know(500).await;
    let workspace = office.create("paged").await.unwrap();
    for start in (0..500).step_by(50) {
        office.pass(1);
        office.join(&workspace, start..start + 50).await.unwrap();
    }
    let list = async |filter: &MemberFilter, skip, size| {
        let (caller, paging) = (call("ListMembers"), Paging { skip, size });
        office.management.list_members(&caller, &workspace, filter, paging).await.unwrap().1
    };
    let mut seen = Vec::new();
    for skip in (0..520).step_by(40) {
        let page = list(&MemberFilter::default(), skip, 40).await;
        assert_eq!(page.total, 501);
        seen.extend(page.items.into_iter().map(|member| member.principal));
    }
    let expected: Vec<PrincipalId> = [main_account()].into_iter().chain((0..500).map(id)).collect();
    assert_eq!(seen, expected);
    // Out of the middle, and in again at the end.
    let leaving = pai_authz::service::MemberRef::parse(&workspace, id(250).as_str());
    office.management.delete_members(&call("DeleteMembers"), &workspace, &[leaving]).await.unwrap();
    office.pass(1);
    office.join(&workspace, 250..251).await.unwrap();
    let end = list(&MemberFilter::default(), 500, 40).await;
    assert_eq!(end.items.iter().map(|m| m.principal.clone()).collect::<Vec<_>>(), [id(250)]);
    let named = MemberFilter { name: Some("USER-49".to_owned()), ..MemberFilter::default() };
    assert_eq!(list(&named, 0, 3).await.total, 11);
    let admins =
        MemberFilter { roles: ["PAI.WorkspaceAdmin".to_owned()].into(), ..MemberFilter::default() };
    assert_eq!(list(&admins, 0, 9).await.total, 1);
}

#[tokio::test]
async fn a_user_has_two_access_keys_and_the_main_account_keeps_one() {
    let office = Office::new(Bounds::default()).await;
    office.know(1).await;
    let name = UserName::parse("user-0").unwrap();
    let make = async |user: Option<&UserName>| {
        office.management.create_access_key(&call("CreateAccessKey"), user).await
    };
    for _ in 0..2 {
        make(Some(&name)).await.unwrap();
    }
    assert_eq!(make(Some(&name)).await.unwrap_err().code, ErrorCode::AccessKeyLimit);
    let first = make(None).await.unwrap().1.key.id;
    let delete =
        async |id| office.management.delete_access_key(&call("DeleteAccessKey"), None, id).await;
    assert_eq!(delete(&first).await.unwrap_err().code, ErrorCode::LastAccessKey);
    let second = make(None).await.unwrap().1.key.id;
    delete(&first).await.unwrap();
    assert_eq!(delete(&second).await.unwrap_err().code, ErrorCode::LastAccessKey);
}

#[tokio::test]
async fn a_change_whose_caller_goes_away_is_decided_by_as_soon_as_it_is_stored() {
    let office = Office::new(Bounds::default()).await;
    for count in 1..=20 {
        // Polled until the change is on its way into the store, and dropped.
        let name = format!("dropped_{count}");
        let dropped = futures_util::FutureExt::now_or_never(Box::pin(office.create(&name)));
        assert!(dropped.is_none(), "it is not durable at once");
        let listed = async || {
            let all = Paging { skip: 0, size: 100 };
            let (caller, filter) = (call("ListWorkspaces"), WorkspaceFilter::default());
            let list = office.management.list_workspaces(&caller, &filter, Sorting::default(), all);
            list.await.unwrap().1.total
        };
        // Nobody changes anything more: it shows by itself.
        let shown = async {
            while listed().await < count {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, shown).await.expect("the change shows");
    }
}
