//! What several tests need: stores, records, a seeded generator, a disk that fails on demand, real servers.

pub(crate) mod ask;
pub(crate) mod book;
pub(crate) mod calls;
pub(crate) mod disk;
pub(crate) mod documented;
pub(crate) mod fleet;
pub(crate) mod history;
pub(crate) mod life;
pub(crate) mod load;
pub(crate) mod naive;
pub(crate) mod naive_ram;
pub(crate) mod ram;
pub(crate) mod ram_forms;
pub(crate) mod random_ram;
pub(crate) mod records;
pub(crate) mod redis;
pub(crate) mod server;
pub(crate) mod signed;
pub(crate) mod wire;
mod words;

use std::{
    any::Any,
    collections::BTreeMap,
    fs,
    future::{Future, poll_fn},
    path::Path,
    pin::Pin,
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
};

use pai_authz::{
    cli::open_store,
    config::RedisSettings,
    store::{Mode, RedbStore, Store},
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::coop::unconstrained;

/// A store to test, and what must outlive it.
pub(crate) struct Fixture {
    pub(crate) store: Arc<dyn Store>,
    _outlives: Box<dyn Any + Send>,
}

/// Returns the store on Redis at `url`.
pub(crate) fn redis_store(url: &str, settings: &RedisSettings, mode: Mode) -> Arc<dyn Store> {
    open_store(&url.parse().unwrap(), settings, mode, false).unwrap()
}

impl Fixture {
    pub(crate) fn redb_file() -> Self {
        let directory = TempDir::new().unwrap();
        let store =
            RedbStore::create(&directory.path().join("store.redb"), Mode::Production).unwrap();
        Self { store: Arc::new(store), _outlives: Box::new(directory) }
    }

    fn on_redis(url: &str, settings: &RedisSettings, servers: impl Any + Send) -> Self {
        let store = redis_store(url, settings, Mode::Production);
        Self { store, _outlives: Box::new(servers) }
    }

    pub(crate) fn redis() -> Self {
        let server = redis::Redis::start(&[]);
        Self::on_redis(&server.url(), &RedisSettings::default(), server)
    }

    pub(crate) fn redis_tls() -> Self {
        let server = redis::Tls::start();
        let settings = RedisSettings {
            ca: Some(server.ca()),
            cert: Some(server.client_cert()),
            key: Some(server.client_key()),
            ..RedisSettings::default()
        };
        Self::on_redis(&server.url(), &settings, server)
    }

    /// Returns the store at `url`, whose servers somebody else keeps.
    pub(crate) fn at(url: &str) -> Self {
        Self::on_redis(url, &RedisSettings::default(), ())
    }

    pub(crate) fn redis_6() -> Self {
        let server = redis::Redis::of(redis::Flavour::Redis6, &[]);
        Self::on_redis(&server.url(), &RedisSettings::default(), server)
    }

    pub(crate) fn valkey_8() -> Self {
        let server = redis::Redis::of(redis::Flavour::Valkey8, &[]);
        Self::on_redis(&server.url(), &RedisSettings::default(), server)
    }

    pub(crate) fn redb_memory() -> Self {
        let store = RedbStore::in_memory(Mode::Production).unwrap();
        Self { store: Arc::new(store), _outlives: Box::new(()) }
    }
}

/// A small seeded generator (SplitMix64): the same seed, the same test.
pub(crate) struct Seeded(pub(crate) u64);

impl Seeded {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Returns a number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

/// Runs all futures, each begun before any goes on: a store has been asked everything before it answers.
pub(crate) async fn begin_all<F: Future>(futures: impl IntoIterator<Item = F>) -> Begun<F> {
    let mut begun: Vec<_> = futures.into_iter().map(|f| OneBegun::Pending(Box::pin(f))).collect();
    // Unconstrained: tokio would stop letting them on when one task asks for much at once.
    unconstrained(poll_fn(|context| {
        for one in &mut begun {
            if let OneBegun::Pending(future) = one
                && let Poll::Ready(output) = future.as_mut().poll(context)
            {
                *one = OneBegun::Ready(output);
            }
        }
        Poll::Ready(())
    }))
    .await;
    Begun(begun)
}

enum OneBegun<F: Future> {
    Pending(Pin<Box<F>>),
    Ready(F::Output),
}

/// Futures that were begun.
pub(crate) struct Begun<F: Future>(Vec<OneBegun<F>>);

impl<F: Future> Begun<F> {
    /// Returns what they came to, in order.
    pub(crate) async fn finish(self) -> Vec<F::Output> {
        let mut outputs = Vec::new();
        for one in self.0 {
            outputs.push(match one {
                OneBegun::Ready(output) => output,
                OneBegun::Pending(future) => future.await,
            });
        }
        outputs
    }
}

/// Returns how often to kill: `PAI_AUTHZ_CRASH_KILLS`, or `default`.
#[expect(clippy::disallowed_methods, reason = "the one setting of the tests, read here only")]
pub(crate) fn kills(default: u64) -> u64 {
    std::env::var("PAI_AUTHZ_CRASH_KILLS").map_or(default, |text| text.parse().unwrap())
}

/// Returns how often to try: `few`, or with `PAI_AUTHZ_FULL` set `many`.
#[expect(clippy::disallowed_methods, reason = "a setting of the tests, read here only")]
pub(crate) fn full(few: u64, many: u64) -> u64 {
    if std::env::var_os("PAI_AUTHZ_FULL").is_some() { many } else { few }
}

/// Returns what `work` returns and how long it took, for reports; no test depends on it.
#[expect(clippy::disallowed_methods, reason = "measured for a report, never judged")]
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let started = Instant::now();
    let output = work();
    (output, started.elapsed())
}

/// Tells what was measured; shown with `--nocapture`.
#[expect(clippy::print_stderr, reason = "a number for whoever runs the test by hand")]
pub(crate) fn report(text: &str) {
    eprintln!("{text}");
}

/// The rows of the published role table: every code once, without the variants that apply to official images only.
pub(crate) fn permission_rows() -> BTreeMap<String, Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/catalog/permissions");
    let mut rows = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let file: Value =
            serde_json::from_str(&fs::read_to_string(entry.unwrap().path()).unwrap()).unwrap();
        for row in file["rows"].as_array().unwrap() {
            if row.get("variant").is_none() {
                assert!(
                    rows.insert(row["code"].as_str().unwrap().to_owned(), row.clone()).is_none()
                );
            }
        }
    }
    rows
}
