//! `pai-authz bench store`: how many durable changes a second a store takes, and how long each takes.

use std::{fmt, sync::Arc, time::Duration};

use anyhow::{Context as _, anyhow};
use hdrhistogram::Histogram;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use tokio::{task::JoinSet, time::Instant};

use crate::{
    cli::{
        open,
        output::{self, Format},
    },
    config::{RedisSettings, StoreAddress},
    domain::{
        AccountId, BuiltinRole, Change, Clock, CustomRole, CustomRoleId, EnvMode, IdForm, Identity,
        Member, ModulePermission, Op, PermissionType, Principal, PrincipalId, PrincipalKind,
        Profile, RequestId, Revision, RoleName, RoleRef, UserName, Workspace, WorkspaceId,
        WorkspaceName,
    },
    store::{Mode, Store, StoreError},
    telemetry::SystemClock,
};

/// Members of each workspace that is created.
const MEMBERS: u64 = 3;

/// Arguments of `bench store`.
#[derive(Debug, Clone, clap::Args)]
pub(in crate::cli) struct BenchStoreArgs {
    /// The store, as `redb:PATH`; made there if there is none. An existing development store keeps what is written.
    #[arg(long)]
    pub(super) store: StoreAddress,
    #[command(flatten)]
    pub(super) redis: RedisSettings,
    /// Concurrent writers.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(super) writers: u32,
    /// Accounts the writers are spread over; writers of one account compete for its revisions.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(super) accounts: u32,
    /// How long to write, in seconds.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) seconds: u64,
}

/// Writes to the store for the given time and prints what it measured.
///
/// # Errors
/// When the store cannot be opened, or refuses a change for another reason than a conflict.
pub(super) async fn run(args: &BenchStoreArgs, format: Format) -> anyhow::Result<u8> {
    let store = open::store(&args.store, &args.redis, Mode::Development, true)
        .context("cannot open the store")?;
    let started = Instant::now();
    let until = started + Duration::from_secs(args.seconds);
    let mut writers = JoinSet::new();
    for writer in 0..args.writers {
        let account = parsed(AccountId::parse, &(1000 + writer % args.accounts).to_string())?;
        writers.spawn(write(Arc::clone(&store), account, writer, until));
    }
    let bar = ProgressBar::new(args.seconds).with_message("seconds of writing");
    bar.set_style(ProgressStyle::with_template("{bar:40} {pos}/{len} {msg}")?);
    let ticking = tokio::spawn({
        let bar = bar.clone();
        async move {
            let mut second = tokio::time::interval(Duration::from_secs(1));
            loop {
                second.tick().await;
                bar.set_position(started.elapsed().as_secs());
            }
        }
    });
    let mut total = Tally::new()?;
    while let Some(tally) = writers.join_next().await {
        total.add(&tally??)?;
    }
    let measured = Measured::new(args, &total, started.elapsed());
    drop(store);
    ticking.abort();
    bar.finish_and_clear();
    match format {
        Format::Text => output::line(measured.to_string().trim_end())?,
        Format::Json => output::json(&serde_json::to_value(&measured)?)?,
    }
    Ok(0)
}

/// What one writer, or all of them, came to.
struct Tally {
    latencies_us: Histogram<u64>,
    conflicts: u64,
}

impl Tally {
    fn new() -> anyhow::Result<Self> {
        Ok(Self { latencies_us: Histogram::new_with_bounds(1, 600_000_000, 3)?, conflicts: 0 })
    }

    fn add(&mut self, other: &Self) -> anyhow::Result<()> {
        self.conflicts += other.conflicts;
        Ok(self.latencies_us.add(&other.latencies_us)?)
    }
}

async fn write(
    store: Arc<dyn Store>,
    account: AccountId,
    writer: u32,
    until: Instant,
) -> anyhow::Result<Tally> {
    let mut tally = Tally::new()?;
    // The first conflict tells where the account is.
    let mut at = Revision::ORIGIN;
    let mut started = Instant::now();
    while started < until {
        let change = change(writer, at.next().counter)?;
        match store.apply(&account, at, &change).await {
            Ok(applied) => {
                let micros = u64::try_from(started.elapsed().as_micros())?;
                tally.latencies_us.saturating_record(micros);
                at = applied.revision;
                started = Instant::now();
            }
            Err(StoreError::Conflict { current }) => {
                tally.conflicts += 1;
                at = current;
            }
            Err(error) => return Err(error).context("a change was not applied"),
        }
    }
    Ok(tally)
}

/// Returns a change that creates workspace `number` with a custom role and members, all named after the number.
fn change(writer: u32, number: u64) -> anyhow::Result<Change> {
    let created = SystemClock.now();
    let workspace = parsed(WorkspaceId::parse, &number.to_string())?;
    let role = parsed(CustomRoleId::parse, &format!("role-{number}"))?;
    let creator = parsed(PrincipalId::parse, &format!("{number}0"))?;
    let mut ops = vec![
        Op::PutWorkspace(Workspace {
            id: workspace.clone(),
            name: parsed(WorkspaceName::parse, &format!("w{number:04}"))?,
            display_name: format!("w{number:04}"),
            description: format!("made by writer {writer}"),
            env: EnvMode::Simple,
            resource_group: None,
            creator: creator.clone(),
            created,
            modified: created,
        }),
        Op::PutRole(
            workspace.clone(),
            CustomRole {
                id: role.clone(),
                name: parsed(RoleName::parse, &format!("reader-{number}"))?,
                modules: vec![ModulePermission {
                    module: "DLC".to_owned(),
                    permission_type: PermissionType::ReadOnly,
                    permissions: Vec::new(),
                }],
                creator: creator.clone(),
                created,
                modified: created,
            },
        ),
    ];
    for index in 0..MEMBERS {
        let id = parsed(PrincipalId::parse, &format!("{number}{index}"))?;
        let roles = if id == creator {
            vec![RoleRef::Builtin(BuiltinRole::Owner)]
        } else {
            vec![RoleRef::Builtin(BuiltinRole::Developer), RoleRef::Custom(role.clone())]
        };
        ops.push(Op::PutIdentity(Identity {
            principal: Principal { kind: PrincipalKind::User, id: id.clone() },
            name: parsed(UserName::parse, &format!("user-{number}.{index}"))?,
            profile: Profile::default(),
            assumable: None,
            created,
            modified: created,
        }));
        ops.push(Op::PutMember(workspace.clone(), Member { principal: id, roles, created }));
    }
    Ok(Change {
        actor: "cli".to_owned(),
        action: "BenchStore".to_owned(),
        request_id: parsed(RequestId::parse, &uuid::Uuid::new_v4().to_string())?,
        asked: None,
        nonce: None,
        at: created,
        ops,
    })
}

fn parsed<T>(parse: fn(&str) -> Result<T, IdForm>, text: &str) -> anyhow::Result<T> {
    parse(text).map_err(|form| anyhow!("`{text}` is not {}: {}", form.expected, form.help))
}

/// The result.
#[derive(Debug, Serialize)]
struct Measured {
    writers: u32,
    accounts: u32,
    seconds: f64,
    changes: u64,
    changes_per_second: f64,
    conflicts: u64,
    p50_ms: f64,
    p95_ms: f64,
    p99_ms: f64,
    max_ms: f64,
}

impl Measured {
    #[expect(clippy::cast_precision_loss, reason = "counts and microseconds far below 2^52")]
    fn new(args: &BenchStoreArgs, tally: &Tally, elapsed: Duration) -> Self {
        let latencies = &tally.latencies_us;
        let ms = |micros: u64| micros as f64 / 1_000.0;
        Self {
            writers: args.writers,
            accounts: args.accounts,
            seconds: elapsed.as_secs_f64(),
            changes: latencies.len(),
            changes_per_second: latencies.len() as f64 / elapsed.as_secs_f64(),
            conflicts: tally.conflicts,
            p50_ms: ms(latencies.value_at_quantile(0.5)),
            p95_ms: ms(latencies.value_at_quantile(0.95)),
            p99_ms: ms(latencies.value_at_quantile(0.99)),
            max_ms: ms(latencies.max()),
        }
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "writers        {:>10}  over {} accounts", self.writers, self.accounts)?;
        writeln!(f, "changes        {:>10}  in {:.1} s", self.changes, self.seconds)?;
        writeln!(f, "changes/s      {:>10.0}  each durable", self.changes_per_second)?;
        writeln!(f, "conflicts      {:>10}  tried again", self.conflicts)?;
        for (name, ms) in
            [("p50", self.p50_ms), ("p95", self.p95_ms), ("p99", self.p99_ms), ("max", self.max_ms)]
        {
            writeln!(f, "{name:<14} {ms:>10.1}  ms until durable")?;
        }
        Ok(())
    }
}
