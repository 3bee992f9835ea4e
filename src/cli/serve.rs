//! `pai-authz serve`: runs the service until it is told to stop.

use std::{
    net::TcpListener,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, bail};
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use super::{
    demo,
    open::{self, account},
    output,
};
use crate::{
    catalog::letters_apart,
    config::{Config, Settings, StoreAddress},
    domain::{AccountId, BundleName},
    http::{self, Limits, Listeners, Services, Tls},
    service::{
        Accounts, Authenticator, Authorizer, Bounds, Bundles, DEV_ACCESS_KEY, DEV_ACCOUNT,
        DEV_TOKEN, Management, Replica, Residency, Signers, Tokens, Verifier, Watch,
    },
    store::Mode,
    telemetry,
};

/// What `serve` takes: every setting, and where more of them are.
#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// Settings file, TOML; variables and flags stand over it.
    #[arg(long, env = "PAI_AUTHZ_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print the settings in force and exit.
    #[arg(long)]
    print_config: bool,
    #[command(flatten)]
    settings: Settings,
}

/// Runs the service.
pub(super) async fn run(args: ServeArgs) -> anyhow::Result<u8> {
    let file = args
        .config
        .as_deref()
        .map(Settings::read)
        .transpose()
        .context("`--config`")?
        .unwrap_or_default();
    let config = args.settings.over(file).into_config()?;
    if args.print_config {
        output::line(config.to_toml()?.trim_end())?;
        return Ok(0);
    }
    telemetry::start(&config.log, config.log_format).map_err(anyhow::Error::msg)?;
    let mode = if config.dev { Mode::Development } else { Mode::Production };
    if config.store == StoreAddress::Memory && !config.dev {
        bail!(
            "`store`: `memory:` forgets everything at the end, tokens included: it goes with `dev`"
        );
    }
    let dev_account = config.dev.then(|| account(DEV_ACCOUNT)).transpose()?;
    let uds_account = config.uds_account.as_deref().map(account).transpose()?;
    let keyring = Arc::new(open::keyring(
        config.dev,
        config.master_key_file.as_deref(),
        config.previous_master_key_file.as_deref(),
    )?);
    let store = open::store(&config.store, &config.redis, mode, config.dev)?;
    open::reach(&*store, &config.store).await?;
    open::check_mode(&*store).await?;
    let residency = Residency {
        max_staleness: config.max_staleness,
        memory: config.account_memory_mib.saturating_mul(1 << 20),
    };
    let accounts = open::accounts(&config.region, store, &keyring, residency)?;
    accounts.load_all().await?;
    let _replica = Replica::start(&accounts).context("cannot follow the store")?;
    if let Some(account) = &dev_account {
        accounts.attend(account).await?;
        accounts.admit(account);
        if config.demo && accounts.view(account).is_some_and(|view| view.is_blank()) {
            demo::seed(&accounts, account).await?;
        }
    }
    if let Some(account) = &uds_account {
        attend_socket(&accounts, account).await?;
    }
    let connections = connections(&config)?;
    let listeners = bind(&config)?;
    let socket = match &config.uds {
        Some((path, _)) => Some((path, identity(path).context("Unix socket")?)),
        None => None,
    };
    let bundles = bundles(&config)?;
    let _watch = Watch::start(&bundles).context("cannot watch bundles")?;
    let public_url = public_url(&config, &listeners)?;
    let announcement = announcement(&config, &listeners, dev_account.is_some())?;
    let dev_signer = dev_account.clone();
    let verifier = verifier(config.verify_fast_path)?;
    let services = Services {
        accounts: accounts.clone(),
        authorizer: Authorizer::new(accounts.clone(), keyring.clone(), config.freshness_wait)
            .verified_by(verifier.clone()),
        verifier,
        authenticator: Arc::new(Authenticator::new(accounts.clone(), keyring.clone(), dev_account)),
        tokens: Tokens::new(accounts.clone(), keyring.clone()),
        signers: Arc::new(Signers::new(accounts.clone(), keyring.clone(), dev_signer)),
        management: Management::new(
            accounts.clone(),
            keyring,
            Bounds { roles: config.max_roles, members: config.max_members },
            config.freshness_wait,
        ),
        bundles: bundles.clone(),
        public_url,
        region: config.region.clone(),
    };
    let mut interrupt = signal(SignalKind::interrupt()).context("signals")?;
    let mut terminate = signal(SignalKind::terminate()).context("signals")?;
    let mut running = http::start(listeners, services, limits(&config, connections), uds_account)?;
    output::line(announcement)?;
    log_start(&accounts, &bundles, &config);
    tokio::select! {
        ended = running.ended() => {
            ended?;
            bail!("a server ended by itself");
        }
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    tracing::info!("stopping: requests in flight are answered first");
    running.stop().await?;
    if let Some((path, bound)) = socket {
        remove(path, bound);
    }
    tracing::info!("stopped");
    Ok(0)
}

/// Starts to judge one of so many decisions anew; 0 is none.
fn verifier(every: u32) -> anyhow::Result<Option<Arc<Verifier>>> {
    if every == 0 {
        return Ok(None);
    }
    Ok(Some(Arc::new(Verifier::start(every).context("cannot start to verify")?)))
}

/// Loads the account that whoever asks over the Unix socket without a token is of.
async fn attend_socket(accounts: &Arc<Accounts>, account: &AccountId) -> anyhow::Result<()> {
    accounts.attend(account).await?;
    if accounts.view(account).is_none() {
        bail!(
            "`uds-account`: account `{account}` is not in this store: make it with `pai-authz init --account {account}`"
        );
    }
    Ok(())
}

/// Reads the bundles that are to be served.
fn bundles(config: &Config) -> anyhow::Result<Arc<Bundles>> {
    let named = |(name, path): &(String, PathBuf)| {
        let parsed = BundleName::parse(name).map_err(|form| {
            anyhow::anyhow!("`bundle`: `{name}` is not {}: {}", form.expected, form.help)
        });
        Ok((parsed?, path.clone()))
    };
    let named = config.bundles.iter().map(named).collect::<anyhow::Result<_>>()?;
    Bundles::open(named).map_err(anyhow::Error::msg)
}

/// Returns the address by which callers reach the service; in development they are on this machine.
fn public_url(config: &Config, listeners: &Listeners) -> anyhow::Result<Option<String>> {
    if config.public_url.is_some() || !config.dev {
        return Ok(config.public_url.clone());
    }
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    Ok(Some(format!("{scheme}://{}", listeners.api.local_addr()?)))
}

/// Removes the socket file that was bound.
fn remove(path: &Path, bound: (u64, u64)) {
    // While this one drained it listened no more, and its successor may have put a socket of its own there.
    let removed = identity(path)
        .and_then(|found| if found == bound { std::fs::remove_file(path) } else { Ok(()) });
    if let Err(error) = removed {
        tracing::warn!(%error, path = %path.display(), "the socket file stays");
    }
}

/// Returns what tells the file at `path` from one that took its place: device and inode.
fn identity(path: &Path) -> std::io::Result<(u64, u64)> {
    let found = std::fs::symlink_metadata(path)?;
    Ok((found.dev(), found.ino()))
}

/// Returns how many connections a worker may have: what was asked for, as far as there are file descriptors.
///
/// Without this a crowd of idle connections would take every descriptor, the health listener's included.
fn connections(config: &Config) -> anyhow::Result<usize> {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).context("the limit of open files")?;
    let Some(files) = limit.current else { return Ok(config.max_connections) };
    // A connection takes two: its socket, and the handle by which it is ended.
    let room = usize::try_from(files).unwrap_or(usize::MAX).saturating_sub(RESERVED_FILES)
        / (2 * config.workers);
    if room == 0 {
        bail!(
            "the limit of open files is {files}: allow at least {}",
            RESERVED_FILES + 2 * config.workers
        );
    }
    if room < config.max_connections {
        tracing::warn!(
            files,
            per_worker = room,
            "fewer connections than `max-connections`: raise the limit of open files (`ulimit -n`), or give a smaller `max-connections`"
        );
    }
    Ok(room.min(config.max_connections))
}

/// Open files that connections must leave: store, listeners, health, logs.
const RESERVED_FILES: usize = 100;

/// Regions of the vendor (its list of regions), to tell of a slip: ARNs of another region are denied.
const REGIONS: [&str; 31] = [
    "cn-qingdao",
    "cn-beijing",
    "cn-zhangjiakou",
    "cn-huhehaote",
    "cn-wulanchabu",
    "cn-hangzhou",
    "cn-shanghai",
    "cn-nanjing",
    "cn-fuzhou",
    "cn-wuhan-lr",
    "cn-shenzhen",
    "cn-heyuan",
    "cn-guangzhou",
    "cn-chengdu",
    "cn-hongkong",
    "cn-zhengzhou-jva",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-southeast-1",
    "ap-southeast-3",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "us-east-1",
    "us-west-1",
    "us-southeast-1",
    "na-south-1",
    "eu-west-1",
    "eu-central-1",
    "me-east-1",
    "me-central-1",
];

fn log_start(accounts: &Accounts, bundles: &Bundles, config: &Config) {
    let region = &*config.region;
    let is_near =
        |known: &&&str| letters_apart(known, region, 2).is_some() || known.contains(region);
    let near = REGIONS.iter().find(is_near).filter(|_| !REGIONS.contains(&region));
    if let Some(near) = near {
        tracing::warn!(
            region,
            "`region` is not one that is known: is `{near}` meant? ARNs of other regions are denied"
        );
    }
    let loaded: Vec<AccountId> = accounts.list();
    for (name, account) in bundles.accounts() {
        if !loaded.contains(&account) {
            tracing::warn!(bundle = %name, %account, "no account of this store: nobody has a token for the bundle; is `account` in its `bundle.toml` right?");
        }
    }
    if loaded.is_empty() {
        tracing::warn!("there is no account in this store: make one with `pai-authz init`");
    }
    tracing::info!(accounts = loaded.len(), store = %config.store, region = config.region, "ready");
}

fn limits(config: &Config, max_connections: usize) -> Limits {
    Limits {
        workers: config.workers,
        body: config.body_limit,
        batch_body: config.batch_body_limit,
        head_timeout: config.head_timeout,
        body_timeout: config.body_timeout,
        keep_alive: config.keep_alive,
        max_connections,
        shutdown_timeout: config.shutdown_timeout,
    }
}

fn bind(config: &Config) -> anyhow::Result<Listeners> {
    let tcp = |setting: &str, address| -> anyhow::Result<TcpListener> {
        let bound = TcpListener::bind(address);
        let bound = bound.and_then(|listener| listener.set_nonblocking(true).map(|()| listener));
        bound
            .with_context(|| format!("`{setting}`: cannot listen on `{address}`: give another one"))
    };
    let tls = match &config.tls {
        Some((cert, key)) => {
            Some(Tls::read(cert, key).map_err(|error| anyhow::anyhow!("TLS: {error}"))?)
        }
        None => None,
    };
    let uds = match &config.uds {
        Some((path, mode)) => {
            let bound = http::uds(path, *mode);
            Some(bound.with_context(|| format!("`uds`: cannot listen on `{}`", path.display()))?)
        }
        None => None,
    };
    Ok(Listeners {
        api: tcp("listen", config.listen)?,
        tls,
        uds,
        ops: tcp("ops-listen", config.ops_listen)?,
    })
}

fn announcement(config: &Config, listeners: &Listeners, dev: bool) -> anyhow::Result<String> {
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    let api = listeners.api.local_addr()?;
    let uds =
        config.uds.as_ref().map(|(path, _)| format!(" and {}", path.display())).unwrap_or_default();
    let ops = listeners.ops.local_addr()?;
    let mut lines =
        vec![format!("pai-authz serves on {scheme}://{api}{uds}, health on http://{ops}")];
    if dev {
        let (id, secret) = DEV_ACCESS_KEY;
        lines.push(format!(
            "development mode, for this machine only: account {DEV_ACCOUNT}, token {DEV_TOKEN}, access key {id} / {secret}"
        ));
    }
    Ok(lines.join("\n"))
}
