//! Searches find what asking Cedar about everybody and everything finds: in random accounts, in pages of any size.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use pai_authz::{
    catalog::catalog,
    domain::{
        AccountId, AccountRecords, ContextValue, Effect, Invalid, PrincipalKind, Question, Scalar,
    },
    engine::Plain,
    service::{Accounts, Authorizer, Keyring, MasterKey, Residency, Seek, Turn, View},
    store::{Mode, RedbStore},
};

use crate::{
    decisions::{ACCOUNT, ENGINE, TABLES},
    support::{
        ask::{Ask, By, On},
        life::{Life, PEOPLE, WORKSPACES},
        report, timed,
    },
};

/// Accounts, of five workspaces each.
const ACCOUNTS: u64 = 200;
/// Of how many workspaces one is also searched for actions, which are many.
const ACTIONS: usize = 10;

/// An account, and those who judge.
struct Searched {
    view: Arc<View>,
    plain: Plain,
    authorizer: Authorizer,
}

impl Searched {
    fn new(life: &mut Life, authorizer: Authorizer) -> Self {
        let mut records = AccountRecords::empty(AccountId::parse(ACCOUNT).unwrap());
        for op in life.begin() {
            records.apply(&op);
        }
        let view = Arc::new(View::build(&ENGINE, &records).unwrap());
        Self { view, plain: Plain::default(), authorizer }
    }

    /// Returns whether Cedar alone allows what is asked.
    fn allows(&mut self, question: Question<'_>) -> bool {
        let snapshot = &self.view.snapshot;
        let request = snapshot.engine().resolve(snapshot.account(), question);
        request.is_ok_and(|it| self.plain.judge(snapshot, &it).effect() == Effect::Allow)
    }

    /// Searches page by page.
    fn find<'q>(
        &'q self,
        seek: Seek<'q>,
        limit: usize,
        ask: impl Fn(&'q str) -> Result<Question<'q>, Invalid> + Copy,
        context: &BTreeMap<String, ContextValue>,
    ) -> Vec<String> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let (window, mut turn) = ((after.as_deref(), limit), Turn::begin(self.view.account()));
            let search = self.authorizer.search(&self.view, seek, ask, context, window, &mut turn);
            let page = pai_authz::http::run(search).unwrap();
            assert!(page.found.len() <= limit);
            all.extend(page.found);
            match page.next {
                Some(next) => after = Some(next),
                None => return all,
            }
        }
    }

    #[track_caller]
    fn check(found: &[String], expected: &BTreeSet<String>, ask: &Ask) {
        let once: BTreeSet<String> = found.iter().cloned().collect();
        assert_eq!(once.len(), found.len(), "nothing is found twice: {ask:?}");
        assert_eq!(&once, expected, "{ask:?}");
    }

    fn principals(&mut self, ask: &Ask, limit: usize) -> usize {
        let mut count = 0;
        for kind in PrincipalKind::ALL {
            let about = |id| {
                Ok(Question {
                    principal_type: Some(kind.as_str()),
                    principal_id: Some(id),
                    ..ask.question()
                })
            };
            let everybody = PEOPLE.iter().map(|(_, id)| *id).chain([ACCOUNT]);
            // A `User` with the account's id is the account.
            let everybody =
                everybody.filter(|id| (*id == ACCOUNT) == (kind == PrincipalKind::Account));
            let expected: BTreeSet<String> =
                everybody.filter(|id| self.allows(about(id).unwrap())).map(str::to_owned).collect();
            Self::check(
                &self.find(Seek::Principals(kind), limit, about, &ask.context),
                &expected,
                ask,
            );
            count += expected.len();
        }
        count
    }

    fn workspaces(&mut self, ask: &Ask, limit: usize) -> usize {
        let about = |id| Ok(Question { workspace: Some(id), ..ask.question() });
        let expected: BTreeSet<String> = WORKSPACES
            .iter()
            .filter(|id| self.allows(about(id).unwrap()))
            .map(|it| (*it).to_owned())
            .collect();
        Self::check(&self.find(Seek::Workspaces, limit, about, &ask.context), &expected, ask);
        expected.len()
    }

    fn actions(&mut self, ask: &Ask, limit: usize) -> usize {
        let about = |action| Ok(Question { action: Some(action), ..ask.question() });
        let names = catalog().actions().iter().map(|action| action.name);
        let expected: BTreeSet<String> =
            names.filter(|name| self.allows(about(name).unwrap())).map(str::to_owned).collect();
        let kind = ask.question().resource_type;
        Self::check(&self.find(Seek::Actions(kind), limit, about, &ask.context), &expected, ask);
        let some: Vec<&str> = catalog().actions().iter().map(|it| it.name).step_by(3).collect();
        let of_these: BTreeSet<String> =
            expected.iter().filter(|it| some.contains(&it.as_str())).cloned().collect();
        Self::check(&self.find(Seek::Named(&some), limit, about, &ask.context), &of_these, ask);
        expected.len()
    }
}

/// Draws something to be done in a workspace, by fields.
fn draw(life: &mut Life, workspace: &str) -> Ask {
    loop {
        let mut ask = life.ask();
        let On::Asset { workspace: at @ Some(_), by, .. } = &mut ask.on else { continue };
        *at = Some(workspace.to_owned());
        *by = By::Type;
        if !ask.context.keys().any(|key| key.eq_ignore_ascii_case("acs:CurrentTime")) {
            let now = ContextValue::One(Scalar::String("2026-11-28T00:00:00Z".to_owned()));
            ask.context.insert("acs:CurrentTime".to_owned(), now);
        }
        return ask;
    }
}

fn authorizer() -> Authorizer {
    let store = Arc::new(RedbStore::in_memory(Mode::Production).unwrap());
    let keyring = Arc::new(Keyring::new(&MasterKey::development(), None));
    let clock = Arc::new(pai_authz::telemetry::SystemClock);
    let accounts =
        Accounts::new(ENGINE.clone(), store, clock, keyring.clone(), Residency::default());
    Authorizer::new(Arc::new(accounts), keyring, Duration::ZERO)
}

#[test]
fn searches_find_what_asking_about_everything_finds() {
    let (next, shared) = (AtomicU64::new(0), authorizer());
    let work = || {
        let mut counts = [0; 4];
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= ACCOUNTS {
                return counts;
            }
            let mut life = Life::new(&TABLES, 9_000 + seed);
            let mut searched = Searched::new(&mut life, shared.clone());
            for (place, workspace) in WORKSPACES.iter().enumerate() {
                let ask = draw(&mut life, workspace);
                let limit = 1 + (usize::try_from(seed).unwrap() + place) % 7;
                counts[0] += 1;
                counts[1] += searched.principals(&ask, limit);
                counts[2] += searched.workspaces(&ask, limit);
                if (usize::try_from(seed).unwrap() * WORKSPACES.len() + place)
                    .is_multiple_of(ACTIONS)
                {
                    counts[3] += searched.actions(&ask, 50 * limit);
                }
            }
        }
    };
    let (counts, took) = timed(|| {
        thread::scope(|scope| {
            let others = [scope.spawn(work), scope.spawn(work)];
            others.map(|it| it.join().unwrap()).iter().fold([0; 4], |mut all, counts| {
                for (sum, count) in all.iter_mut().zip(counts) {
                    *sum += count;
                }
                all
            })
        })
    });
    let [workspaces, principals, places, actions] = counts;
    report(&format!(
        "{workspaces} workspaces: {principals} principals, {places} places, {actions} actions found, {:.1} s",
        took.as_secs_f64()
    ));
    assert_eq!(workspaces, 1_000);
    // A test that finds nothing would agree with anything.
    assert!(principals > 1_000 && places > 500 && actions > 500, "{counts:?}");
}
