//! What RAM documents cost: compiling one, and deciding with ten attached, beside plain Cedar over the same policies and beside
//! decisions by roles.
//!
//! From strings to the answer; the cases take turns in one run. `cargo bench --bench documents`; `PAI_AUTHZ_BENCH_ROUNDS` changes
//! its size.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a bench prints, reads the clock, and a failure ends it"
)]

#[path = "support/numbers.rs"]
mod numbers;
#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/settings.rs"]
mod settings;
#[path = "support/world.rs"]
mod world;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    hint::black_box,
    str::FromStr,
    sync::Arc,
    time::{Duration, Instant},
};

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityUid, PolicySet, Request,
    RestrictedExpression,
};
use numbers::{median, quartiles};
use pai_authz::{
    domain::{
        AccountId, ContextValue, Effect, Holder, Identity, Policy, PolicyName, PolicyRef,
        PolicyType, PolicyVersion, Principal, PrincipalId, PrincipalKind, Profile, Question,
        Scalar, Timestamp, UserName, VersionId,
    },
    engine::{Engine, Snapshot},
};
use settings::number;
use world::{ACCOUNT, World, Written};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USER: &str = "2001";
const ARN: &str = "acs:log:cn-hangzhou:1000000000000001:project/p7/logstore/access";
const THEN: Timestamp = Timestamp::from_millis(0);
/// Ten documents, as many as RAM attaches to a user.
const DOCUMENTS: usize = 10;

/// Three statements with two conditions each. Of document 7 one is about the request where `near` is none, of each all
/// three are where it is.
fn document(number: usize, near: bool) -> String {
    let statement = |index: usize, action: &str, resource: &str| {
        let (effect, prefix) = if index == 2 { ("Deny", "192.168") } else { ("Allow", "10.0") };
        format!(
            r#"{{"Effect":"{effect}","Action":["{action}"],"Resource":["{resource}"],"Condition":{{"IpAddress":{{"acs:SourceIp":"{prefix}.0.0/16"}},"DateLessThan":{{"acs:CurrentTime":"2099-01-01T00:00:00Z"}}}}}}"#
        )
    };
    let actions = if near {
        ["log:Get*", "log:*", "log:GetLog*"]
    } else {
        ["log:GetLog*", "paidlc:*", "log:Put*"]
    };
    let project = if near { 7 } else { number };
    let statements: Vec<String> = actions
        .iter()
        .enumerate()
        .map(|(index, action)| {
            let resource = format!("acs:log:*:*:project/p{project}/*");
            statement(index, action, &resource)
        })
        .collect();
    format!(r#"{{"Version":"1","Statement":[{}]}}"#, statements.join(","))
}

/// A document as long as RAM takes them, of patterns that go on matching for long and do not match in the end.
fn wildcards(part: &str) -> String {
    let one = format!(r#""acs:log:*:*:*{part}x*""#);
    let resources = vec![one.as_str(); 5_900 / (one.len() + 1)].join(",");
    format!(
        r#"{{"Version":"1","Statement":[{{"Effect":"Deny","Action":["log:*e*t*L*","*:*o*g*s"],"Resource":[{resources}]}}]}}"#
    )
}

/// A key as long as a context may have, one of many that differ in their last letters.
fn long_key(number: usize) -> String {
    format!("{}{number:03}", "k".repeat(125))
}

/// A document nearly as long as RAM takes them, with conditions on such keys.
fn conditions() -> String {
    let one = |number: usize| format!(r#""{}":"v""#, long_key(500 + number));
    let all: Vec<String> = (0..42).map(one).collect();
    format!(
        r#"{{"Version":"1","Statement":[{{"Effect":"Deny","Action":"log:*","Resource":"*","Condition":{{"StringNotEquals":{{{}}}}}}}]}}"#,
        all.join(",")
    )
}

fn principal() -> PrincipalId {
    PrincipalId::parse(USER).expect("a principal id")
}

/// Returns an account with a user more who has these documents.
fn snapshot(engine: &Arc<Engine>, world: &World, documents: &[String]) -> Snapshot {
    let mut records = world.records();
    let identity = Identity {
        principal: Principal { kind: PrincipalKind::User, id: principal() },
        name: UserName::parse("kim").expect("a user name"),
        profile: Profile::default(),
        assumable: None,
        created: THEN,
        modified: THEN,
    };
    records.identities.insert(principal(), identity);
    for (number, text) in documents.iter().enumerate() {
        let name = PolicyName::parse(&format!("p{number}")).expect("a policy name");
        let document = Arc::from(text.as_str());
        let version = PolicyVersion { id: VersionId(1), document, created: THEN };
        let policy = Policy {
            name: name.clone(),
            description: String::new(),
            versions: vec![version],
            default: VersionId(1),
            next: VersionId(2),
            created: THEN,
            modified: THEN,
        };
        records.policies.insert(name.clone(), policy);
        let reference = PolicyRef { policy_type: PolicyType::Custom, name };
        records.attachments.insert((Holder::Principal(principal()), reference), THEN);
    }
    Snapshot::build(engine.clone(), &records).expect("documents that compile")
}

/// What is known of every request.
fn context() -> BTreeMap<String, ContextValue> {
    let text = |text: &str| ContextValue::One(Scalar::String(text.to_owned()));
    BTreeMap::from([
        ("acs:SourceIp".to_owned(), text("10.0.3.4")),
        ("acs:CurrentTime".to_owned(), text("2026-11-27T08:00:00Z")),
    ])
}

fn question<'a>(
    arn: &'a str,
    action: &'a str,
    context: &'a BTreeMap<String, ContextValue>,
) -> Question<'a> {
    Question {
        principal_type: Some("User"),
        principal_id: Some(USER),
        action: Some(action),
        arn: Some(arn),
        context: Some(context),
        ..Question::default()
    }
}

fn uid(text: &str) -> EntityUid {
    EntityUid::from_str(text).expect("a uid")
}

/// Judges the same request with Cedar as it comes: one set, everything built for each request.
fn plain(policies: &PolicySet) -> Decision {
    let string = |text: &str| RestrictedExpression::new_string(text.to_owned());
    let parents: HashSet<EntityUid> =
        (0..DOCUMENTS).map(|n| uid(&format!("PAI::RamPolicy::\"Custom/p{n}\""))).collect();
    let user = uid("PAI::User::\"2001\"");
    let asset = uid("PAI::Asset::\"arn\"");
    let action = uid("PAI::Action::\"log:GetLogStoreLogs\"");
    let attributes = ["kind", "creator", "accessibility"].map(|name| (name.to_owned(), string("")));
    let entities = Entities::from_entities(
        [
            Entity::new(user.clone(), HashMap::from([("uid".to_owned(), string(USER))]), parents)
                .expect("an entity"),
            Entity::new(asset.clone(), HashMap::from(attributes), HashSet::new())
                .expect("an entity"),
            Entity::new_no_attrs(action.clone(), HashSet::new()),
        ],
        None,
    )
    .expect("entities");
    // Half of the conditions are compared before Cedar: they are free here.
    let facts = [r#"IpAddress acs:sourceip ["10.0.0.0/16"]"#].map(&string);
    let context = Context::from_pairs([
        ("action".to_owned(), string("log:getlogstorelogs")),
        ("arn".to_owned(), string(ARN)),
        ("facts".to_owned(), RestrictedExpression::new_set(facts)),
        ("acs:CurrentTime".to_owned(), RestrictedExpression::new_long(1_795_766_400_000)),
    ])
    .expect("a context");
    let request = Request::new(user, action, asset, context, None).expect("a request");
    Authorizer::new().is_authorized(&request, policies, &entities).decision()
}

/// What takes turns with others: its name, and what does it so many times and returns how long that took.
type Case<'c> = (String, Box<dyn FnMut(usize) -> Duration + 'c>);

fn main() {
    let rounds = number("PAI_AUTHZ_BENCH_ROUNDS", 11);
    let engine = Engine::new("cn-hangzhou").unwrap();
    let account = AccountId::parse(ACCOUNT).unwrap();
    let long = long_document();
    let world = World::new(10, None, 2_026);
    let near: Vec<String> = (0..DOCUMENTS).map(|n| document(n, true)).collect();
    let far: Vec<String> = (0..DOCUMENTS).map(|n| document(n, false)).collect();
    let snapshots = [("one statement of 30 is about it", &far), ("all 30 are about it", &near)]
        .map(|(name, documents)| (name, documents, snapshot(&engine, &world, documents)));
    let mut written: Vec<Written> = Vec::new();
    for asked in world.questions(1_000) {
        let mut one = Written::default();
        one.write(&asked);
        written.push(one);
    }
    let hostile = [
        ("short parts", "a*".repeat(40)),
        ("long parts", "a".repeat(900)),
        ("long parts with ?", "a?".repeat(450)),
    ]
    .map(|(name, part)| (name, snapshot(&engine, &world, &vec![wildcards(&part); DOCUMENTS])));
    let long_arn = format!("acs:log:cn-hangzhou:{ACCOUNT}:{}", "a".repeat(1_900));

    let of_hostile = context();
    let conditional = snapshot(&engine, &world, &vec![conditions(); DOCUMENTS]);
    let stated = ContextValue::One(Scalar::String("v".to_owned()));
    let of_long_keys = (0..64).map(|number| (long_key(number), stated.clone())).collect();
    let mut cases: Vec<Case<'_>> = Vec::new();
    cases.push(timed(format!("compile {} bytes", long.len()), || {
        black_box(engine.compile_document("Custom/p", "v1", black_box(&long))).unwrap();
    }));
    for (name, documents, snapshot) in &snapshots {
        let ask = || {
            let context = context();
            let asked = question(ARN, "log:GetLogStoreLogs", &context);
            let request = engine.resolve(&account, asked).unwrap();
            snapshot.is_authorized(black_box(&request)).effect()
        };
        assert_eq!(ask(), Effect::Allow);
        cases.push(timed(format!("{name}: decide"), move || {
            black_box(ask());
        }));
        let texts = (0..)
            .zip(*documents)
            .map(|(n, text)| engine.document_text(&format!("Custom/p{n}"), "v1", text).unwrap());
        // Texts name no ids: Cedar numbers the policies.
        let policies = PolicySet::from_str(&texts.collect::<String>()).unwrap();
        assert_eq!(policies.policies().count(), 30);
        assert_eq!(plain(&policies), Decision::Allow);
        cases.push(timed(format!("{name}: plain Cedar"), move || {
            black_box(plain(black_box(&policies)));
        }));
    }

    // Four in five are members who ask about an asset, one in five has the documents and asks about logs.
    let [(_, _, mixed), _] = &snapshots;
    for (name, of_documents) in [("by roles alone", 0), ("mixed, 20 % by documents", 20)] {
        let (mut next, engine, account, written) = (0, &engine, &account, &written);
        cases.push(timed(format!("{name}: decide"), move || {
            next += 1;
            let known;
            let asked = if next % 100 < of_documents {
                known = context();
                question(ARN, "log:GetLogStoreLogs", &known)
            } else {
                written.get(next % written.len()).unwrap().question()
            };
            let request = engine.resolve(account, asked).unwrap();
            black_box(mixed.is_authorized(black_box(&request)).effect());
        }));
    }

    for (name, snapshot) in &hostile {
        let asked = question(&long_arn, "log:GetLogStoreLogs", &of_hostile);
        let request = engine.resolve(&account, asked).unwrap();
        cases.push(timed(format!("10 documents of wildcards, {name}: decide"), move || {
            black_box(snapshot.is_authorized(black_box(&request)));
        }));
    }
    let asked = question(ARN, "log:GetLogStoreLogs", &of_long_keys);
    let request = engine.resolve(&account, asked).unwrap();
    cases.push(timed("10 documents of conditions, 64 long keys: decide".to_owned(), move || {
        black_box(conditional.is_authorized(black_box(&request)));
    }));
    take_turns(rounds, cases);
}

fn timed<'c>(name: String, mut once: impl FnMut() + 'c) -> Case<'c> {
    let run = move |count: usize| {
        let started = Instant::now();
        (0..count).for_each(|_| once());
        started.elapsed()
    };
    (name, Box::new(run))
}

/// Runs all in turn whose names have what is said on the command line, each for about 20 ms, and prints what one of it takes.
fn take_turns(rounds: usize, mut cases: Vec<Case<'_>>) {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|it| !it.starts_with('-')).collect();
    cases.retain(|(name, _)| wanted.iter().all(|part| name.contains(part.as_str())));
    let counts: Vec<usize> = cases
        .iter_mut()
        .map(|(_, run)| {
            let mut count = 1;
            while run(count) < Duration::from_millis(20) {
                count *= 2;
            }
            count
        })
        .collect();
    let mut times = vec![Vec::new(); cases.len()];
    for _ in 0..rounds {
        for (((_, run), count), times) in cases.iter_mut().zip(&counts).zip(&mut times) {
            times.push(run(*count).as_secs_f64() * 1e6 / *count as f64);
        }
    }
    println!("| case | µs |\n|---|---|");
    for ((name, _), times) in cases.iter().zip(&mut times) {
        println!("| {name} | {} |", quartiles(times, 2));
        assert!(median(times) > 0.0);
    }
}

/// A document nearly as long as RAM takes them.
fn long_document() -> String {
    let mut listed: Vec<String> = Vec::new();
    for action in pai_authz::catalog::catalog().ram_actions() {
        listed.push(format!(
            r#"{{"Effect":"Allow","Action":["{}","log:Get*"],"Resource":["acs:log:*:*:project/p/*"],"Condition":{{"IpAddress":{{"acs:SourceIp":"10.0.0.0/8"}}}}}}"#,
            action.action
        ));
        if listed.iter().map(|it| it.len() + 1).sum::<usize>() > 5_900 {
            break;
        }
    }
    let long = format!(r#"{{"Version":"1","Statement":[{}]}}"#, listed.join(","));
    assert!((5_800..=6_144).contains(&long.len()), "{}", long.len());
    long
}
