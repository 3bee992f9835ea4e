//! The accounts this process knows: an immutable view of each in memory, and the one way to change one.

use std::{collections::HashMap, sync::Arc};

use arc_swap::ArcSwap;
use imbl::HashMap as SharedMap;
use tokio::sync::{Mutex, watch};

use super::Keyring;
use crate::{
    domain::{
        AccessKey, AccountId, AccountRecords, Change, Clock, CustomRoleId, Identity, Op,
        PrincipalId, RequestId, Revision, RoleName, Token, TokenId, WorkspaceId, WorkspaceName,
    },
    engine::{Engine, Snapshot},
    error::{Error, ErrorCode},
    store::{Store, StoreError},
};

/// How often a change is decided anew when other changes come first.
const ATTEMPTS: usize = 5;

/// Who makes a change, and in which request.
#[derive(Debug, Clone)]
pub struct Actor {
    /// A principal id, a token id, or `cli`.
    pub name: String,
    /// The request.
    pub request_id: RequestId,
}

/// What is known of an account at one revision: what decides, who may ask, and what new records must respect.
#[derive(Debug, Clone)]
pub struct View {
    /// What decides.
    pub snapshot: Snapshot,
    tokens: SharedMap<TokenId, Arc<Token>>,
    identities: SharedMap<PrincipalId, Arc<Identity>>,
    workspace_names: SharedMap<WorkspaceName, WorkspaceId>,
    role_names: SharedMap<CustomRoleId, (WorkspaceId, RoleName)>,
}

impl View {
    fn build(engine: &Arc<Engine>, records: &AccountRecords) -> Result<Self, Error> {
        let snapshot = Snapshot::build(engine.clone(), records).map_err(|invalid| {
            Error::internal(&format!(
                "account {} has a role that does not compile: {invalid}",
                records.account
            ))
        })?;
        let mut view = Self {
            snapshot,
            tokens: SharedMap::new(),
            identities: SharedMap::new(),
            workspace_names: SharedMap::new(),
            role_names: SharedMap::new(),
        };
        let tokens = records.tokens.values().cloned().map(Op::PutToken);
        let identities = records.identities.values().cloned().map(Op::PutIdentity);
        let workspaces = records.workspaces.values().cloned().map(Op::PutWorkspace);
        let roles = records.roles.iter().map(|((w, _), role)| Op::PutRole(w.clone(), role.clone()));
        for op in tokens.chain(identities).chain(workspaces).chain(roles) {
            view.follow(&op);
        }
        Ok(view)
    }

    fn with(&self, ops: &[Op], revision: Revision) -> Result<Self, Error> {
        let mut next = Self { snapshot: self.snapshot.with(ops, revision)?, ..self.clone() };
        for op in ops {
            next.follow(op);
        }
        Ok(next)
    }

    fn follow(&mut self, op: &Op) {
        match op {
            Op::PutToken(token) => {
                self.tokens.insert(token.id.clone(), Arc::new(token.clone()));
            }
            Op::RemoveToken(id) => {
                self.tokens.remove(id);
            }
            Op::PutIdentity(identity) => {
                self.identities.insert(identity.principal.id.clone(), Arc::new(identity.clone()));
            }
            Op::RemoveIdentity(id) => {
                self.identities.remove(id);
            }
            Op::PutWorkspace(workspace) => {
                self.workspace_names.insert(workspace.name.clone(), workspace.id.clone());
            }
            Op::RemoveWorkspace(id) => self.workspace_names.retain(|_, named| named != id),
            Op::PutRole(workspace, role) => {
                self.role_names.insert(role.id.clone(), (workspace.clone(), role.name.clone()));
            }
            Op::RemoveRole(_, id) => {
                self.role_names.remove(id);
            }
            Op::PutMember(..)
            | Op::RemoveMember(..)
            | Op::PutAccessKey(_)
            | Op::RemoveAccessKey(_) => {}
        }
    }

    /// Returns the revision.
    #[must_use]
    pub const fn revision(&self) -> Revision {
        self.snapshot.revision()
    }

    /// Returns a token.
    #[must_use]
    pub fn token(&self, id: &TokenId) -> Option<&Token> {
        self.tokens.get(id).map(|token| &**token)
    }

    /// Returns how many tokens there are.
    #[must_use]
    pub fn token_count(&self) -> usize {
        self.tokens.len()
    }

    /// Returns the tokens, sorted by id.
    #[must_use]
    pub fn tokens(&self) -> Vec<Token> {
        let mut tokens: Vec<Token> =
            self.tokens.values().map(|token| Token::clone(token)).collect();
        tokens.sort_by(|a, b| a.id.cmp(&b.id));
        tokens
    }

    /// Returns a known RAM user or role.
    #[must_use]
    pub fn identity(&self, id: &PrincipalId) -> Option<&Identity> {
        self.identities.get(id).map(|identity| &**identity)
    }

    /// Returns whether a workspace of that name exists.
    #[must_use]
    pub fn has_workspace_name(&self, name: &WorkspaceName) -> bool {
        self.workspace_names.contains_key(name)
    }

    /// Returns whether a custom role of that id exists, in any workspace.
    #[must_use]
    pub fn has_role(&self, id: &CustomRoleId) -> bool {
        self.role_names.contains_key(id)
    }

    /// Returns whether nothing but credentials was ever recorded.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.identities.is_empty() && self.workspace_names.is_empty()
    }
}

/// One account: its present view, who waits for the next, and the lock of those who change it.
#[derive(Debug)]
struct Place {
    view: ArcSwap<View>,
    revisions: watch::Sender<Revision>,
    writers: Mutex<()>,
}

impl Place {
    fn new(view: View) -> Arc<Self> {
        let revisions = watch::Sender::new(view.revision());
        Arc::new(Self { view: ArcSwap::from_pointee(view), revisions, writers: Mutex::new(()) })
    }

    fn show(&self, view: View) {
        let revision = view.revision();
        self.view.store(Arc::new(view));
        // After the view: whoever is woken by a revision finds a view that has it.
        self.revisions.send_replace(revision);
    }
}

/// All accounts of a store, loaded into memory.
pub struct Accounts {
    engine: Arc<Engine>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    places: ArcSwap<HashMap<AccountId, Arc<Place>>>,
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Accounts({})", self.places.load().len())
    }
}

impl Accounts {
    /// Loads every account of `store` and compiles it.
    ///
    /// `keyring` must be the one the store was filled under: that shows in the access keys, whose secrets open under
    /// no other.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidValue`] when the keyring is another one.
    /// [`ErrorCode::Unavailable`] when the store cannot be read; [`ErrorCode::Internal`] when a record cannot be
    /// trusted: a service must not start on a part of its data.
    pub async fn load(
        engine: Arc<Engine>,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        keyring: &Keyring,
    ) -> Result<Self, Error> {
        let mut places = HashMap::new();
        for account in store.accounts().await? {
            let records = store.load(&account).await?;
            let opens =
                |key: &AccessKey| keyring.open(&account, &key.id, &key.sealed_secret).is_some();
            if !records.access_keys.values().all(opens) {
                return Err(Error::new(
                    ErrorCode::InvalidValue,
                    format!("the master key is not the one account `{account}` was made under"),
                    "give the right `--master-key-file`, and after a rotation the old one as \
                     `--previous-master-key-file`",
                ));
            }
            places.insert(account, Place::new(View::build(&engine, &records)?));
        }
        Ok(Self { engine, store, clock, places: ArcSwap::from_pointee(places) })
    }

    /// Returns the engine.
    #[must_use]
    pub const fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Returns the clock.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// Returns the known accounts, sorted.
    #[must_use]
    pub fn list(&self) -> Vec<AccountId> {
        let mut accounts: Vec<AccountId> = self.places.load().keys().cloned().collect();
        accounts.sort();
        accounts
    }

    /// Returns the present view of an account; `None` when it was never written.
    #[must_use]
    pub fn view(&self, account: &AccountId) -> Option<Arc<View>> {
        self.places.load().get(account).map(|place| place.view.load_full())
    }

    /// Returns a view of at least `revision`; `None` when none has come before `wait` is over.
    pub async fn view_at_least(
        &self,
        account: &AccountId,
        revision: Revision,
        wait: std::time::Duration,
    ) -> Option<Arc<View>> {
        let place = self.places.load().get(account).cloned()?;
        let mut revisions = place.revisions.subscribe();
        let arrived =
            tokio::time::timeout(wait, revisions.wait_for(|present| *present >= revision)).await;
        matches!(arrived, Ok(Ok(_))).then(|| place.view.load_full())
    }

    /// Makes an account known that was never written, so that it can be decided about and changed.
    pub fn admit(&self, account: &AccountId) {
        self.places.rcu(|places| {
            let mut next = HashMap::clone(places);
            next.entry(account.clone()).or_insert_with(|| {
                let empty = AccountRecords::empty(account.clone());
                let snapshot = Snapshot::empty(self.engine.clone(), empty.account);
                Place::new(View {
                    snapshot,
                    tokens: SharedMap::new(),
                    identities: SharedMap::new(),
                    workspace_names: SharedMap::new(),
                    role_names: SharedMap::new(),
                })
            });
            next
        });
    }

    /// Changes an account: `decide` says, from a view, which records to write and what to answer.
    ///
    /// The new view is compiled before the store is asked, and shown after the change is durable. When another
    /// change comes first, `decide` is asked again. No ops means that there is nothing to change.
    ///
    /// # Errors
    /// What `decide` refuses; what does not compile; [`ErrorCode::Conflict`] when other changes came first every
    /// time; what the store says.
    pub async fn change<T>(
        &self,
        account: &AccountId,
        actor: &Actor,
        action: &str,
        decide: impl Fn(&View) -> Result<(Vec<Op>, T), Error>,
    ) -> Result<(Revision, T), Error> {
        self.admit(account);
        let Some(place) = self.places.load().get(account).cloned() else {
            return Err(Error::internal("an admitted account is not there"));
        };
        let _turn = place.writers.lock().await;
        for _ in 0..ATTEMPTS {
            let view = place.view.load_full();
            let (ops, answer) = decide(&view)?;
            if ops.is_empty() {
                return Ok((view.revision(), answer));
            }
            let next = view.with(&ops, view.revision().next())?;
            let change = Change {
                actor: actor.name.clone(),
                action: action.to_owned(),
                request_id: actor.request_id.clone(),
                at: self.clock.now(),
                ops,
            };
            match self.store.apply(account, view.revision(), &change).await {
                Ok(revision) if revision == next.revision() => {
                    place.show(next);
                    return Ok((revision, answer));
                }
                // A repeated request: it was applied before, at a revision this view already has or lacks.
                Ok(revision) => {
                    self.reload(account, &place).await?;
                    return Ok((revision, answer));
                }
                Err(StoreError::Conflict { .. }) => self.reload(account, &place).await?,
                Err(error @ StoreError::Unavailable { may_be_applied: true, .. }) => {
                    // The change may be there: show what the store has, or say nothing new if it cannot tell.
                    if let Err(reload) = self.reload(account, &place).await {
                        tracing::warn!(%reload, "the account could not be read after an uncertain change");
                    }
                    return Err(error.into());
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::new(
            ErrorCode::Conflict,
            "other changes of this account came first",
            "nothing was changed; repeat the request",
        ))
    }

    async fn reload(&self, account: &AccountId, place: &Place) -> Result<(), Error> {
        let records = self.store.load(account).await?;
        place.show(View::build(&self.engine, &records)?);
        Ok(())
    }
}
