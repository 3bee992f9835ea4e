//! A change of which nobody knows whether it was made: nothing is decided until the store can be read again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use pai_authz::{
    domain::{
        AccountId, AccountRecords, Change, LogEntry, RequestId, Revision, Timestamp, WorkspaceName,
    },
    engine::Engine,
    error::{Error, ErrorCode},
    service::{Accounts, Authorizer, Bounds, Keyring, Management, MasterKey, Residency},
    store::{Applied, Mode, Recalled, RedbStore, Store, StoreError},
    telemetry::SystemClock,
};

use crate::support::{
    calls::{account, call, new_workspace},
    server::PATIENCE,
};

/// A store on a line that breaks: what was sent may have come through, and no answer does.
struct Line {
    store: RedbStore,
    broken: AtomicBool,
    comes_through: bool,
}

impl Line {
    fn new(comes_through: bool) -> Arc<Self> {
        let store = RedbStore::in_memory(Mode::Production).unwrap();
        Arc::new(Self { store, broken: AtomicBool::new(false), comes_through })
    }

    fn answer<T>(&self, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        if self.broken.load(Ordering::SeqCst) {
            let detail = "the line is broken".to_owned();
            return Err(StoreError::Unavailable { may_be_applied: true, detail });
        }
        answer
    }
}

#[async_trait]
impl Store for Line {
    async fn accounts(&self) -> Result<Vec<AccountId>, StoreError> {
        self.answer(self.store.accounts().await)
    }

    async fn load(&self, account: &AccountId) -> Result<AccountRecords, StoreError> {
        self.answer(self.store.load(account).await)
    }

    async fn apply(
        &self,
        account: &AccountId,
        expected: Revision,
        change: &Change,
    ) -> Result<Applied, StoreError> {
        if self.broken.load(Ordering::SeqCst) && !self.comes_through {
            return self.answer(Err(StoreError::Full));
        }
        self.answer(self.store.apply(account, expected, change).await)
    }

    async fn recall(
        &self,
        account: &AccountId,
        request_id: &RequestId,
        at: Timestamp,
    ) -> Result<Option<Recalled>, StoreError> {
        self.answer(self.store.recall(account, request_id, at).await)
    }

    async fn log(
        &self,
        account: &AccountId,
        after: Revision,
        limit: usize,
    ) -> Result<Vec<LogEntry>, StoreError> {
        self.answer(self.store.log(account, after, limit).await)
    }
}

struct Office {
    accounts: Arc<Accounts>,
    management: Management,
    authorizer: Authorizer,
}

impl Office {
    async fn new(store: Arc<dyn Store>) -> Self {
        let keyring = Arc::new(Keyring::new(&MasterKey::development(), None));
        let engine = Engine::new("cn-hangzhou").unwrap();
        let clock = Arc::new(SystemClock);
        let residency = Residency::default();
        let accounts = Arc::new(Accounts::new(engine, store, clock, keyring.clone(), residency));
        accounts.load_all().await.unwrap();
        accounts.admit(&account());
        Self {
            management: Management::new(
                accounts.clone(),
                keyring.clone(),
                Bounds::default(),
                Duration::ZERO,
            ),
            authorizer: Authorizer::new(accounts.clone(), keyring, Duration::ZERO),
            accounts,
        }
    }

    async fn create(&self, name: &str) -> Result<(), ErrorCode> {
        let new = new_workspace(name);
        let made = self.management.create_workspace(&call("CreateWorkspace"), &new).await;
        made.map(|_| ()).map_err(|error| error.code)
    }

    async fn is_taken(&self, name: &str) -> Result<bool, Error> {
        let name = WorkspaceName::parse(name).unwrap();
        let caller = call("ListWorkspaces");
        self.management.workspace_name_taken(&caller, &name).await.map(|(_, taken)| taken)
    }

    /// The code a decision is refused with; `None` when it is made.
    async fn refusal(&self) -> Option<ErrorCode> {
        let view = self.authorizer.view_for(&account(), None, std::iter::empty()).await;
        view.err().map(|error| error.code)
    }
}

/// Breaks the line under a change, looks, mends the line, and returns whether the change was made.
async fn was_made_in_the_end(comes_through: bool) -> bool {
    let line = Line::new(comes_through);
    let office = Office::new(line.clone()).await;
    office.create("first").await.unwrap();
    line.broken.store(true, Ordering::SeqCst);
    assert_eq!(office.create("second").await, Err(ErrorCode::Unavailable));
    // Not even what was true before: the change may have taken it away.
    for name in ["first", "second"] {
        assert_eq!(office.is_taken(name).await.unwrap_err().code, ErrorCode::Unavailable);
    }
    assert_eq!(office.refusal().await, Some(ErrorCode::Unavailable));
    line.broken.store(false, Ordering::SeqCst);
    let cleared = async {
        while office.refusal().await.is_some() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, cleared).await.unwrap();
    assert!(office.is_taken("first").await.unwrap());
    let made = office.is_taken("second").await.unwrap();
    // And what comes next is as if nothing had been.
    office.create("third").await.unwrap();
    let kept = line.store.load(&account()).await.unwrap();
    assert_eq!(office.accounts.view(&account()).unwrap().revision(), kept.revision);
    made
}

#[tokio::test]
async fn nothing_is_decided_while_nobody_knows_what_the_store_holds() {
    assert!(was_made_in_the_end(true).await);
    assert!(!was_made_in_the_end(false).await);
}
