//! What is looked up is what plain Cedar and the naive evaluators say: accounts live through random histories, and between
//! their changes random requests are asked of all of them.

use std::{
    collections::BTreeMap,
    ops::AddAssign,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use pai_authz::{
    domain::{AccountId, AccountRecords, Decision, Fault, Op, PrincipalKind, Reason},
    engine::{LookUps, Plain, Snapshot},
};

use crate::{
    decisions::{ACCOUNT, ENGINE, TABLES},
    support::{
        ask::{Ask, On},
        book::{Book, Memo, Right},
        full,
        life::{CHANGES, Life},
        report, timed,
    },
};

/// Histories that once showed a difference: they come first.
const AGAIN: &[u64] = &[];
/// Changes of a history, requests before each, and of how many of them the account built anew and the one before the
/// change are asked.
const STEPS: u64 = 50;
const REQUESTS: u64 = 500;
const SAMPLE: u64 = 20;

/// All that is said to one request.
struct Said<'s> {
    decision: Decision<'s>,
    settled: Option<Decision<'s>>,
    asked: Option<Decision<'s>>,
    plain: Decision<'static>,
    right: Right,
}

impl Said<'_> {
    /// Returns who says otherwise.
    fn difference(&self) -> Option<&'static str> {
        if self.settled.as_ref().is_some_and(|it| *it != self.decision) {
            return Some("what is settled is not what is decided");
        }
        if self.asked.as_ref().is_some_and(|it| *it != self.decision) {
            return Some("what is answered to the question is not what is decided");
        }
        if Plain::differs(&self.decision, &self.plain) {
            return Some("Cedar alone decides otherwise");
        }
        (!self.right.fits(&self.decision)).then_some("tables and documents say otherwise")
    }
}

/// Asks everybody.
fn said<'s>(
    snapshot: &'s Snapshot,
    plain: &mut Plain,
    (book, memo): (&Book, &mut Memo),
    ask: &Ask,
) -> Said<'s> {
    let request = ask.request(snapshot);
    let request = request.unwrap_or_else(|invalid| panic!("{invalid}: {}", book.tell(ask)));
    Said {
        decision: snapshot.is_authorized(&request),
        settled: snapshot.settled(&request),
        asked: ask.asked(snapshot),
        plain: plain.judge(snapshot, &request),
        right: book.right(memo, ask),
    }
}

/// How often what was met.
#[derive(Default)]
struct Counts(BTreeMap<&'static str, u64>);

impl Counts {
    fn note(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    fn of(&self, what: &'static str) -> u64 {
        self.0.get(what).copied().unwrap_or_default()
    }

    fn note_said(&mut self, ask: &Ask, said: &Said<'_>) {
        self.note("requests");
        self.note(match said.decision.reason {
            Reason::ExplicitAllow => "allow",
            Reason::ExplicitDeny => "explicit deny",
            Reason::ImplicitDeny => "implicit deny",
            Reason::Error => "error",
        });
        self.note(if said.settled.is_some() { "settled" } else { "with documents" });
        self.note(if said.asked.is_some() { "asked as questions" } else { "asked as requests" });
        if said.settled.is_none() && !said.right.statements.is_empty() {
            self.note("decided by documents");
            if !said.right.grants.is_empty() {
                self.note("by documents and roles");
            }
        }
        if said.right.grants.iter().any(|it| it.starts_with("switch/")) {
            self.note("switched off");
            if said.settled.is_some() {
                self.note("switched off and settled");
            }
            if !said.right.statements.is_empty() {
                self.note("by a switch and documents");
            }
        }
        if said.right.grants.iter().any(|it| it.starts_with("role-")) {
            self.note("by custom roles");
            if said.right.grants.len() > 3 {
                self.note("by more than three roles");
            }
        }
        self.note(match ask.kind {
            PrincipalKind::Account => "account",
            PrincipalKind::User => "user",
            PrincipalKind::RamRole => "RAM role",
        });
        self.note(match &ask.on {
            on if on.is_official() => "official image",
            On::Asset { .. } if ask.code.is_none() => "RAM-only in a workspace",
            On::Asset { .. } if ask.lacks_cell() => "no cell",
            On::Asset { .. } => "asset",
            On::Account => "on the account",
            On::Arn(_) => "by ARN",
            On::Bare => "by ARN as documents have it",
            On::Foreign => "foreign",
        });
        if !ask.context.is_empty() {
            self.note("with context");
        }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        for (what, count) in other.0 {
            *self.0.entry(what).or_default() += count;
        }
    }
}

/// Decisions that were asked one by one, and those that the same look-ups come to when they are on their way together.
struct Together<'s> {
    look_ups: LookUps<'s>,
    expected: Vec<Decision<'s>>,
    told: Vec<Decision<'s>>,
}

impl<'s> Together<'s> {
    fn new(snapshot: &'s Snapshot) -> Self {
        let look_ups = LookUps::new(snapshot);
        Self { look_ups, expected: Vec::new(), told: Vec::new() }
    }

    fn begin(&mut self, snapshot: &Snapshot, ask: &Ask, said: &Said<'s>) {
        let Some(asked) = &said.asked else { return };
        let brief = ENGINE.brief(snapshot.account(), ask.question()).unwrap();
        let told = &mut self.told;
        self.look_ups.step(|settled| told.push(settled.into())).unwrap();
        let begun = self.look_ups.begin(&brief);
        assert_eq!(begun.is_some(), said.settled.is_some(), "{ask:?}");
        if begun.is_some() {
            self.expected.push(asked.clone());
        }
    }

    /// Returns how many there were.
    fn end(mut self) -> usize {
        self.look_ups.end(|settled| self.told.push(settled.into())).unwrap();
        assert_eq!(self.told, self.expected);
        self.told.len()
    }
}

/// Lives a history and asks between its changes.
fn live(seed: u64) -> Counts {
    let mut counts = Counts::default();
    let mut life = Life::new(&TABLES, seed);
    let mut plain = Plain::default();
    let account = AccountId::parse(ACCOUNT).unwrap();
    let mut records = AccountRecords::empty(account.clone());
    let first = life.begin();
    let mut snapshot = follow(&Snapshot::empty(Arc::clone(&ENGINE), account), &mut records, &first);
    for step in 0..STEPS {
        let built = Snapshot::build(Arc::clone(&ENGINE), &records).unwrap();
        let mut together = Together::new(&snapshot);
        for number in 0..REQUESTS {
            let ask = life.ask();
            let said = said(&snapshot, &mut plain, (&life.book, &mut life.memo), &ask);
            let at = || format!("seed {seed}, step {step}, request {number}");
            check(&at, &life.book, &ask, &said);
            counts.note_said(&ask, &said);
            together.begin(&snapshot, &ask, &said);
            if number < SAMPLE {
                let anew = built.is_authorized(&ask.request(&built).unwrap());
                assert_eq!(anew, said.decision, "built anew: {}: {}", at(), life.book.tell(&ask));
                counts.note("of the account built anew");
            }
        }
        *counts.0.entry("together").or_default() += together.end() as u64;
        let (old, old_book) = (snapshot, life.book.clone());
        let (names, ops) = life.change();
        for name in names {
            counts.note(name);
        }
        snapshot = follow(&old, &mut records, &ops);
        // The account before the change is still what it was.
        for number in 0..SAMPLE {
            let ask = life.ask();
            let said = said(&old, &mut plain, (&old_book, &mut life.memo), &ask);
            let at = || format!("seed {seed}, after step {step}, request {number} of what was");
            check(&at, &old_book, &ask, &said);
            counts.note("of the account before a change");
        }
    }
    counts
}

fn follow(before: &Snapshot, records: &mut AccountRecords, ops: &[Op]) -> Snapshot {
    for op in ops {
        records.apply(op);
    }
    records.revision = records.revision.next();
    before.with(ops, records.revision).unwrap()
}

fn check(at: &dyn Fn() -> String, book: &Book, ask: &Ask, said: &Said<'_>) {
    if let Some(difference) = said.difference() {
        let Said { decision, settled, asked, plain, right } = said;
        panic!(
            "{}: {difference}\n{}\ndecided: {decision:?}\nsettled: {settled:?}\nasked: {asked:?}\nCedar: {plain:?}\nright: {right:?}",
            at(),
            book.tell(ask)
        );
    }
}

#[test]
fn random_histories_are_decided_as_cedar_the_tables_and_the_documents_say() {
    let histories = full(500_000, 10_000_000) / (STEPS * REQUESTS);
    let seeds: Vec<u64> = AGAIN.iter().copied().chain(1..=histories).collect();
    let next = AtomicU64::new(0);
    let work = || {
        let mut counts = Counts::default();
        while let Some(seed) = usize::try_from(next.fetch_add(1, Ordering::Relaxed))
            .ok()
            .and_then(|place| seeds.get(place))
        {
            counts += live(*seed);
        }
        counts
    };
    let (counts, took) = timed(|| {
        thread::scope(|scope| {
            let mut counts = Counts::default();
            for worker in [scope.spawn(work), scope.spawn(work)] {
                counts += worker.join().unwrap();
            }
            counts
        })
    });
    report(&format!("{:?}, {:.1} s, 0 differences", counts.0, took.as_secs_f64()));
    let requests = counts.of("requests");
    assert!(requests >= full(500_000, 10_000_000));
    // One in so many at least, or nothing is compared.
    for (what, one_in) in [
        ("allow", 5),
        ("explicit deny", 50),
        ("implicit deny", 5),
        ("error", 100),
        ("settled", 3),
        ("asked as questions", 2),
        ("together", 3),
        ("with documents", 8),
        ("decided by documents", 15),
        ("by documents and roles", 100),
        ("switched off", 100),
        ("switched off and settled", 200),
        ("by a switch and documents", 20_000),
        ("by custom roles", 25),
        ("by more than three roles", 250),
        ("account", 30),
        ("user", 3),
        ("RAM role", 5),
        ("official image", 40),
        ("RAM-only in a workspace", 50),
        ("no cell", 50),
        ("asset", 4),
        ("on the account", 40),
        ("by ARN", 40),
        ("by ARN as documents have it", 50),
        ("foreign", 100),
        ("with context", 10),
        ("of the account built anew", 30),
        ("of the account before a change", 30),
    ] {
        let count = counts.of(what);
        assert!(count * one_in >= requests, "{what}: {count} of {requests} are too few");
    }
    for (_, change, _) in CHANGES {
        let count = counts.of(change);
        assert!(count * 50_000 >= requests, "{change}: {count} are too few");
    }
}

/// A decision as it is right: by two roles of a member, one of them its own, and a document.
fn right() -> (Vec<String>, Right) {
    let grants = ["PAI.AlgoDeveloper", "role-7"].map(str::to_owned);
    let statement = "Custom/p1/v2/Statement/0".to_owned();
    let ids = [&statement, "PAI.AlgoDeveloper/DLC.write.own", "role-7/DLC.write.all"];
    let ids = ids.map(|id: &str| id.to_owned()).to_vec();
    let reason = Reason::ExplicitAllow;
    (ids, Right { reason, grants: grants.into(), statements: [statement].into() })
}

#[test]
fn a_decision_that_is_not_the_right_one_is_noticed() {
    let (ids, right) = right();
    let allowed = |ids: &[String]| Decision::listed(Reason::ExplicitAllow, ids.to_vec());
    let same = |decision: Decision<'static>| Said {
        settled: Some(decision.clone()),
        asked: Some(decision.clone()),
        plain: decision.clone(),
        decision,
        right: right.clone(),
    };
    assert_eq!(same(allowed(&ids)).difference(), None);
    let mut tampered: Vec<Decision<'static>> =
        [Reason::ExplicitDeny, Reason::ImplicitDeny, Reason::Error]
            .map(|reason| Decision::listed(reason, ids.clone()))
            .into();
    // One id less, one more, one of another role, version or place, one twice.
    tampered.extend((0..ids.len()).map(|at| allowed(&[&ids[..at], &ids[at + 1..]].concat())));
    for (at, other) in [
        (0, "Custom/p1/v1/Statement/0"),
        (0, "Custom/p1/v2/Statement/1"),
        (0, "Custom/p2/v2/Statement/0"),
        (1, "PAI.AlgoOperator/DLC.write.own"),
        (2, "role-70/DLC.write.all"),
        (2, "role-1/DLC.write.all"),
        (2, "10001/role-7/DLC.write.all"),
    ] {
        let mut changed = ids.clone();
        changed[at] = other.to_owned();
        tampered.push(allowed(&changed));
        let mut more = ids.clone();
        more.push(other.to_owned());
        more.sort_unstable();
        tampered.push(allowed(&more));
    }
    tampered.push(allowed(&[&ids[..], &ids[2..]].concat()));
    tampered.push(allowed(&[&ids[1..], &ids[..1]].concat()));
    tampered.push(Decision { faults: vec![Fault::Evaluation("x".to_owned())], ..allowed(&ids) });
    for wrong in tampered {
        // All by Cedar go wrong alike.
        let naive = same(wrong.clone()).difference();
        assert_eq!(naive, Some("tables and documents say otherwise"), "{wrong:?}");
        // What is looked up goes wrong alone.
        let alone = Said { settled: Some(wrong.clone()), ..same(allowed(&ids)) };
        assert_eq!(alone.difference(), Some("what is settled is not what is decided"), "{wrong:?}");
        let alone = Said { asked: Some(wrong.clone()), ..same(allowed(&ids)) };
        let difference = Some("what is answered to the question is not what is decided");
        assert_eq!(alone.difference(), difference, "{wrong:?}");
        let decided =
            Said { settled: None, asked: None, decision: wrong.clone(), ..same(allowed(&ids)) };
        assert!(decided.difference().is_some(), "{wrong:?}");
    }
    // A policy that is another one of the same role is nothing the tables can tell; Cedar can.
    let mut other = ids.clone();
    other[2] = "role-7/DLC.write.own".to_owned();
    let other = Said { plain: allowed(&other), ..same(allowed(&ids)) };
    assert_eq!(other.difference(), Some("Cedar alone decides otherwise"));
    // A fault of another policy is another error.
    let failed = |policy: &str| Decision::error(Fault::Evaluation(policy.to_owned()));
    let right = Right { reason: Reason::Error, grants: [].into(), statements: [].into() };
    let error = |plain: &str| Said {
        settled: None,
        asked: None,
        decision: failed("Custom/p1"),
        plain: failed(plain),
        right: right.clone(),
    };
    assert_eq!(error("Custom/p1").difference(), None);
    assert_eq!(error("Custom/p2").difference(), Some("Cedar alone decides otherwise"));
}
