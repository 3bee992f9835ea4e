//! Opens what `--store` names, with the keys that go with it.

use std::{
    fs,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, bail};
use clap::Args;

use crate::{
    config::{RedisAddress, RedisServers, RedisSettings, StoreAddress},
    domain::{AccountId, RequestId},
    engine::Engine,
    service::{Accounts, Actor, DEV_ACCOUNT, Keyring, MasterKey, Residency},
    store::{
        Mode, RedbStore, RedisOptions, RedisStore, RedisTls, RedisTopology, RedisUser, Store,
        StoreError,
    },
    telemetry::SystemClock,
};

/// A store to work on directly, and what is needed for it.
#[derive(Debug, Clone, Args)]
pub(super) struct StoreArgs {
    /// Work on this store: a stopped one at `redb:PATH`, or one on Redis, which may be in use. Said here alone: the
    /// variable of the service names a store in use.
    #[arg(long, value_name = "STORE")]
    pub(super) store: Option<StoreAddress>,
    #[command(flatten)]
    pub(super) redis: RedisSettings,
    /// Account to work on; with `--dev` the development account.
    #[arg(long, value_name = "ACCOUNT")]
    pub(super) account: Option<String>,
    /// The store is one of development mode.
    #[arg(long, env = "PAI_AUTHZ_DEV")]
    pub(super) dev: bool,
    /// Master key of the store.
    #[arg(long, env = "PAI_AUTHZ_MASTER_KEY_FILE", value_name = "FILE")]
    pub(super) master_key_file: Option<PathBuf>,
    /// Region of the PAI resources that are decided about.
    #[arg(long, env = "PAI_AUTHZ_REGION", value_name = "REGION", default_value = "cn-hangzhou")]
    pub(super) region: String,
}

/// An opened store with its use cases.
pub(super) struct Opened {
    /// The accounts in it.
    pub(super) accounts: Arc<Accounts>,
    /// The keys that go with it.
    pub(super) keyring: Arc<Keyring>,
    /// The account that was named.
    pub(super) account: AccountId,
}

impl StoreArgs {
    /// Refuses what says something about a store where none is named, so that nobody is answered by another place.
    pub(super) fn only_with_store(&self) -> anyhow::Result<()> {
        if self.store.is_none() && self.account.is_some() {
            bail!(
                "`--account` goes with `--store`: a running service knows the account by the token"
            );
        }
        Ok(())
    }

    fn mode(&self) -> Mode {
        if self.dev { Mode::Development } else { Mode::Production }
    }

    /// Returns the account that was named.
    pub(super) fn account(&self) -> anyhow::Result<AccountId> {
        let text = match &self.account {
            Some(text) => text.as_str(),
            None if self.dev => DEV_ACCOUNT,
            None => bail!("name the account with `--account`"),
        };
        account(text)
    }

    /// Refuses a store that is empty at the beginning of a command and gone at its end.
    pub(super) fn lasting(&self) -> anyhow::Result<()> {
        if matches!(self.store, Some(StoreAddress::Memory)) {
            bail!(
                "`memory:` is empty when a command begins and gone when it ends: give `redb:PATH`"
            );
        }
        Ok(())
    }

    /// Opens the store, making a new one of development mode when `create` allows it.
    pub(super) async fn open(&self, create: bool) -> anyhow::Result<Opened> {
        let Some(address) = &self.store else { bail!("name the store with `--store redb:PATH`") };
        if !create {
            self.lasting()?;
        }
        let account = self.account()?;
        let redis = self.redis.clone().with_environment();
        let store = store(address, &redis, self.mode(), create && self.dev)?;
        reach(&*store, address).await?;
        let keyring = Arc::new(keyring(self.dev, self.master_key_file.as_deref(), None)?);
        let accounts = load_one(&self.region, store, &keyring, &account).await?;
        // An account begins with `init`; a slip in its id must not begin another one.
        if !self.dev && accounts.view(&account).is_none() {
            bail!(
                "account `{account}` is not in this store: make it with `pai-authz init --account {account}`"
            );
        }
        Ok(Opened { accounts, keyring, account })
    }
}

/// Returns the account of that id.
pub(super) fn account(text: &str) -> anyhow::Result<AccountId> {
    AccountId::parse(text)
        .map_err(|form| anyhow::anyhow!("`{text}` is not {}: {}", form.expected, form.help))
}

/// Returns who makes changes from the command line.
pub(super) fn actor() -> anyhow::Result<Actor> {
    let id = uuid::Uuid::now_v7().simple().to_string();
    let request_id = RequestId::parse(&id).map_err(|form| anyhow::anyhow!("{}", form.expected))?;
    Ok(Actor::new("cli".to_owned(), request_id))
}

/// Opens a store, or makes it where there is none and `create` says so. One on Redis is connected to when it is first
/// asked.
///
/// # Errors
/// What the store says, or a file or setting that does not fit.
pub fn store(
    address: &StoreAddress,
    redis: &RedisSettings,
    mode: Mode,
    create: bool,
) -> anyhow::Result<Arc<dyn Store>> {
    let opened = match address {
        StoreAddress::Memory => RedbStore::in_memory(mode),
        StoreAddress::Redb(path) => match RedbStore::open(path, mode) {
            Err(StoreError::Missing { .. }) if create => RedbStore::create(path, mode),
            other => other,
        },
        StoreAddress::Redis(address) => {
            return Ok(Arc::new(RedisStore::new(&redis_options(address, redis)?, mode)?));
        }
    };
    Ok(Arc::new(opened?))
}

/// Returns the error with the driver's words, which whoever works on a store by hand should see.
pub(super) fn explained(error: StoreError) -> anyhow::Error {
    match error {
        StoreError::Unavailable { detail, .. } => {
            anyhow::anyhow!("the store is not available: {detail}")
        }
        other => other.into(),
    }
}

/// Makes sure that a store that others share can be asked, and tells the operator what to do when not.
pub(super) async fn reach(store: &dyn Store, address: &StoreAddress) -> anyhow::Result<()> {
    let (Some(shared), Ok(nobody)) = (store.shared(), AccountId::parse("0")) else { return Ok(()) };
    if let Some(Err(StoreError::Unavailable { detail, .. })) =
        shared.revisions(&[nobody]).await.pop()
    {
        bail!("`store`: `{address}` cannot be asked: {detail}");
    }
    Ok(())
}

/// Refuses a store that others share in which an account is of the other mode: a developer's data and real data never mix.
pub(super) async fn check_mode(store: &dyn Store) -> anyhow::Result<()> {
    let Some(shared) = store.shared() else { return Ok(()) };
    for some in store.accounts().await?.chunks(ASKED_AT_ONCE) {
        for (account, revision) in some.iter().zip(shared.revisions(some).await) {
            if let Err(error @ StoreError::Mode(_)) = revision {
                bail!("account `{account}` is there: {error}");
            }
        }
    }
    Ok(())
}

/// Accounts that are asked for in one go.
const ASKED_AT_ONCE: usize = 256;

/// Returns how to get into Redis, with what the named files hold.
pub(super) fn redis_options(
    address: &RedisAddress,
    settings: &RedisSettings,
) -> anyhow::Result<RedisOptions> {
    let read = |path: &Path, what: &str| {
        fs::read(path).with_context(|| format!("`{what}`: cannot read `{}`", path.display()))
    };
    let user =
        |name: &Option<String>, file: &Option<PathBuf>, given: &Option<String>, what: &str| {
            let password = match file {
                None => given.clone(),
                Some(path) => {
                    let text = String::from_utf8(read(path, what)?).map_err(|_| {
                        anyhow::anyhow!("`{what}`: `{}` is not UTF-8", path.display())
                    })?;
                    Some(text.trim_end_matches(['\r', '\n']).to_owned())
                }
            };
            anyhow::Ok(RedisUser { name: name.clone(), password })
        };
    let tls = if address.tls {
        let client = match (&settings.cert, &settings.key) {
            (Some(cert), Some(key)) => Some((read(cert, "redis-cert")?, read(key, "redis-key")?)),
            (None, None) => None,
            _ => bail!("`redis-cert` and `redis-key` go together: give both or neither"),
        };
        let ca = settings.ca.as_deref().map(|path| read(path, "redis-ca")).transpose()?;
        Some(RedisTls { ca, client })
    } else {
        if settings.ca.is_some() || settings.cert.is_some() || settings.key.is_some() {
            bail!(
                "`redis-ca`, `redis-cert` and `redis-key` go with a `rediss` store: this one is not encrypted"
            );
        }
        None
    };
    let RedisSettings { password_file, password, .. } = settings;
    let at_redis = user(&address.user, password_file, password, "redis-password-file")?;
    let RedisSettings { sentinel_user, sentinel_password_file, sentinel_password, .. } = settings;
    let what = "redis-sentinel-password-file";
    let at_sentinels = user(sentinel_user, sentinel_password_file, sentinel_password, what)?;
    let topology = match &address.servers {
        RedisServers::Single(host, port) => RedisTopology::Single(host.clone(), *port),
        RedisServers::Socket(path) => RedisTopology::Socket(path.clone()),
        RedisServers::Sentinel(nodes, name) => RedisTopology::Sentinel(nodes.clone(), name.clone()),
        RedisServers::Cluster(nodes) => RedisTopology::Cluster(nodes.clone()),
    };
    let wait = Duration::from_millis(settings.write_quorum_timeout_ms.unwrap_or(1_000));
    let quorum = settings.write_quorum.filter(|replicas| *replicas > 0);
    let quorum = quorum.map(|replicas| (replicas, wait));
    let database = address.database;
    let (user, sentinel_user) = (at_redis, at_sentinels);
    Ok(RedisOptions { topology, database, user, sentinel_user, tls, quorum })
}

/// Returns the accounts of a store, none of them loaded.
pub(super) fn accounts(
    region: &str,
    store: Arc<dyn Store>,
    keyring: &Arc<Keyring>,
    residency: Residency,
) -> anyhow::Result<Arc<Accounts>> {
    let engine =
        Engine::new(region).map_err(|detail| anyhow::anyhow!("the built-in policies: {detail}"))?;
    let clock = Arc::new(SystemClock);
    Ok(Arc::new(Accounts::new(engine, store, clock, keyring.clone(), residency)))
}

/// Returns the accounts of a store for work on one of them.
pub(super) async fn load_one(
    region: &str,
    store: Arc<dyn Store>,
    keyring: &Arc<Keyring>,
    account: &AccountId,
) -> anyhow::Result<Arc<Accounts>> {
    let shared = store.shared().is_some();
    let accounts = accounts(region, store, keyring, Residency::default())?;
    if shared {
        accounts.attend(account).await?;
    } else {
        accounts.load_all().await?;
    }
    Ok(accounts)
}

/// Returns the keys of a store.
pub(super) fn keyring(
    dev: bool,
    current: Option<&Path>,
    previous: Option<&Path>,
) -> anyhow::Result<Keyring> {
    if dev {
        return Ok(Keyring::new(&MasterKey::development(), None));
    }
    let Some(path) = current else {
        bail!(
            "name the master key with `--master-key-file`: `pai-authz init` makes one with the store; development (`--dev`) needs none"
        );
    };
    let previous = previous.map(read_key).transpose()?;
    Ok(Keyring::new(&read_key(path)?, previous.as_ref()))
}

/// Reads a master key that nobody but its owner can read.
pub(super) fn read_key(path: &Path) -> anyhow::Result<MasterKey> {
    let shown = path.display();
    // One handle for both: the file that is checked is the file that is read.
    let mut file = fs::File::open(path).with_context(|| format!("master key `{shown}`"))?;
    let found = file.metadata().with_context(|| format!("master key `{shown}`"))?;
    if !found.is_file() {
        bail!("master key `{shown}` is not a file");
    }
    if found.mode() & 0o077 != 0 {
        bail!("master key `{shown}` can be read by others: set its mode with `chmod 600 {shown}`");
    }
    let mut bytes = Vec::with_capacity(33);
    // One byte more than a key has tells a longer file from a key, whatever its length.
    std::io::Read::read_to_end(&mut std::io::Read::take(&mut file, 33), &mut bytes)
        .with_context(|| format!("master key `{shown}`"))?;
    MasterKey::from_bytes(&bytes)
        .with_context(|| format!("master key `{shown}` has not 32 bytes: it is not a master key"))
}

/// Reads the master key at `path`, or makes one there.
pub(super) fn read_or_make_key(path: &Path) -> anyhow::Result<MasterKey> {
    if path.exists() {
        return read_key(path);
    }
    let shown = path.display();
    if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        fs::create_dir_all(parent).with_context(|| format!("folder of master key `{shown}`"))?;
    }
    let key = MasterKey::generate()
        .map_err(|error| anyhow::anyhow!("no randomness for the master key: {error}"))?;
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("master key `{shown}`"))?;
    std::io::Write::write_all(&mut file, key.as_bytes())
        .and_then(|()| file.sync_all())
        .with_context(|| format!("master key `{shown}`"))?;
    Ok(key)
}
