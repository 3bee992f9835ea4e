//! Policy bundles that are served: read from their directories, kept up to date, asked.

mod directory;
mod watch;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwap;
use tokio::sync::Semaphore;

pub use crate::engine::bundle::{Properties, Query, Sought, Thing};
pub use watch::Watch;

use super::tally::Tally;
use crate::{
    domain::{AccountId, BundleName, Decision, Fault},
    engine::bundle::{Bundle, Faulty},
    error::Error,
};
use directory::{Directory, Stamp};

/// Policy bundles by their names.
#[derive(Debug, Default)]
pub struct Bundles {
    served: BTreeMap<BundleName, Served>,
    searches: Option<Arc<Semaphore>>,
}

/// One bundle: the last that was sound, and what is wrong with what its directory has now.
#[derive(Debug)]
struct Served {
    directory: Directory,
    present: ArcSwap<Present>,
    looked: Mutex<Looked>,
}

/// What was seen when the directory was last looked at.
#[derive(Debug)]
struct Looked {
    stamp: Option<Stamp>,
    trouble: Option<String>,
}

/// A bundle, and which one it is.
#[derive(Debug)]
pub struct Present {
    bundle: Bundle,
    version: String,
}

/// What a sound directory has.
#[derive(Debug)]
pub struct Checked {
    /// The account whose tokens may be bound to it.
    pub account: AccountId,
    /// Which one it is: a digest of its files.
    pub version: String,
    /// How many policies.
    pub policies: usize,
    /// How many entities.
    pub entities: usize,
    /// What is valid, but suspicious.
    pub warnings: Vec<String>,
}

/// A part of what was found.
#[derive(Debug)]
pub struct FoundInBundle {
    /// Ids of subjects or resources, or names of actions, in the order of their bytes.
    pub found: Vec<String>,
    /// Where to go on, where there is more to look at.
    pub next: Option<usize>,
    /// Why something could not be asked or judged.
    pub refused: Option<Fault>,
}

/// Room for reading a bundle, in bytes.
const STACK: usize = 64 << 20;
/// How many searches run at once: they look at everything.
const SEARCHES: usize = 2;
/// How many are asked about for one page.
const LOOKED_AT: usize = 2_000;

impl Bundles {
    /// Reads the bundles of these directories.
    ///
    /// # Errors
    /// The first that is not sound: a service that starts has something to serve.
    pub fn open(directories: Vec<(BundleName, PathBuf)>) -> Result<Arc<Self>, String> {
        let mut served = BTreeMap::new();
        for (name, path) in directories {
            let directory = Directory::new(path);
            let wrong = |fault: &dyn std::fmt::Display| format!("bundle `{name}`: {fault}");
            let stamp = directory.stamp().map_err(|fault| wrong(&fault))?;
            let present = load(&directory, &stamp).map_err(|fault| wrong(&fault))?;
            told(&name, &present);
            let looked = Mutex::new(Looked { stamp: Some(stamp), trouble: None });
            let present = ArcSwap::from_pointee(present);
            served.insert(name, Served { directory, present, looked });
        }
        Ok(Arc::new(Self { served, searches: Some(Arc::new(Semaphore::new(SEARCHES))) }))
    }

    /// Looks at a directory as [`Bundles::open`] would.
    ///
    /// # Errors
    /// What is not sound.
    pub fn check(path: PathBuf) -> Result<Checked, String> {
        let directory = Directory::new(path);
        let loaded = directory.stamp().and_then(|stamp| load(&directory, &stamp));
        let Present { bundle, version } = loaded.map_err(|fault| fault.to_string())?;
        let (account, (policies, entities)) = (bundle.account().clone(), bundle.size());
        let warnings = bundle.warnings().to_vec();
        Ok(Checked { account, version, policies, entities, warnings })
    }

    /// Returns the bundle of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Arc<Present>> {
        self.served.get(name).map(|served| served.present.load_full())
    }

    /// Returns the account of each, whose tokens may be bound to it.
    pub fn accounts(&self) -> impl Iterator<Item = (&BundleName, AccountId)> {
        self.served.iter().map(|(name, it)| (name, it.present.load().account().clone()))
    }

    /// Returns the names of all, and of those that are not what their directories have now, why not.
    pub fn health(&self) -> impl Iterator<Item = (&BundleName, Option<String>)> {
        self.served.iter().map(|(name, served)| (name, served.looked().trouble.clone()))
    }

    /// Looks whether the directories have changed, and serves what they have where that is sound.
    pub fn look(&self) {
        for (name, served) in &self.served {
            served.look(name);
        }
    }

    /// Returns a part of what is sought in a bundle, from the place `from` on.
    ///
    /// # Errors
    /// A defect.
    pub async fn search(
        &self,
        present: Arc<Present>,
        (from, limit): (usize, usize),
        search: impl FnOnce(&Present, (usize, usize, usize)) -> FoundInBundle + Send + 'static,
    ) -> Result<FoundInBundle, Error> {
        let failed = |error: &dyn std::fmt::Display| Error::internal(&format!("a search: {error}"));
        let permit = match &self.searches {
            Some(searches) => Some(searches.clone().acquire_owned().await.map_err(|e| failed(&e))?),
            None => None,
        };
        let run = move || {
            let _permit = permit;
            search(&present, (from, limit, LOOKED_AT))
        };
        tokio::task::spawn_blocking(run).await.map_err(|error| failed(&error))
    }
}

impl Present {
    /// Returns the account whose tokens may be bound to it.
    #[must_use]
    pub const fn account(&self) -> &AccountId {
        self.bundle.account()
    }

    /// Returns which one it is: a digest of its files.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Returns the decision on a request.
    #[must_use]
    pub fn decide(&self, query: &Query<'_>) -> Decision<'static> {
        let decision = self.bundle.is_authorized(query);
        Tally::add_one(decision.reason);
        decision
    }

    /// Returns a part of what is sought: from a place on, so many, after asking about so many at most.
    #[must_use]
    pub fn find(
        &self,
        sought: &Sought<'_>,
        context: Option<&Properties>,
        window: (usize, usize, usize),
    ) -> FoundInBundle {
        let page = self.bundle.search(sought, context, window);
        FoundInBundle { found: page.found, next: page.next, refused: page.refused }
    }
}

impl Served {
    fn looked(&self) -> std::sync::MutexGuard<'_, Looked> {
        // It is set whole: who died while holding it left nothing half done.
        self.looked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self, name: &BundleName) {
        let stamp = self.directory.stamp();
        if let (Ok(stamp), Looked { stamp: Some(seen), .. }) = (&stamp, &*self.looked())
            && stamp == seen
        {
            return;
        }
        // What could not be read is read again; what was read and is not sound is not, until it changes.
        let loaded = stamp.map_err(|fault| (None, fault)).and_then(|stamp| {
            let (files, version) = self.directory.read(&stamp).map_err(|fault| (None, fault))?;
            match deeply(move || Bundle::load(&files)) {
                Ok(bundle) => Ok((stamp, Present { bundle, version })),
                Err(fault) => Err((Some(stamp), fault)),
            }
        });
        match loaded {
            Ok((stamp, present)) => {
                // While it was read it may have been written: what was read may be half of each.
                if self.directory.stamp().is_ok_and(|now| now == stamp) {
                    let before = self.present.load();
                    if before.version != present.version {
                        told(name, &present);
                        if before.account() != present.account() {
                            tracing::warn!(bundle = %name, account = %present.account(), "the account is another one: tokens of the one before are refused");
                        }
                        self.present.store(Arc::new(present));
                    }
                    let mut looked = self.looked();
                    if looked.trouble.is_some() {
                        tracing::info!(bundle = %name, "the directory is sound again");
                    }
                    *looked = Looked { stamp: Some(stamp), trouble: None };
                }
            }
            Err((stamp, fault)) => {
                let trouble = fault.to_string();
                let mut looked = self.looked();
                if looked.trouble.as_ref() != Some(&trouble) {
                    tracing::error!(bundle = %name, %trouble, "the last sound bundle is served on");
                }
                *looked = Looked { stamp, trouble: Some(trouble) };
            }
        }
    }
}

fn load(directory: &Directory, stamp: &Stamp) -> Result<Present, Faulty> {
    let (files, version) = directory.read(stamp)?;
    Ok(Present { bundle: deeply(move || Bundle::load(&files))?, version })
}

/// Runs what calls itself often on a stack that has room for it.
fn deeply<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Faulty> + Send + 'static,
) -> Result<T, Faulty> {
    let failed = |detail: &str| Faulty { file: "bundle".to_owned(), detail: detail.to_owned() };
    let thread = std::thread::Builder::new().name("bundle".to_owned()).stack_size(STACK);
    let running = thread.spawn(work).map_err(|error| failed(&error.to_string()))?;
    running.join().unwrap_or_else(|_| Err(failed("reading it failed, which is a defect")))
}

fn told(name: &BundleName, present: &Present) {
    let (policies, entities) = present.bundle.size();
    tracing::info!(bundle = %name, version = present.version, policies, entities, "serves a bundle");
    for warning in present.bundle.warnings() {
        tracing::warn!(bundle = %name, warning, "valid, but suspicious");
    }
}
