//! What RAM documents cost: compiling one, and deciding with ten attached, beside plain Cedar over the same policies.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    hint::black_box,
    str::FromStr,
    sync::Arc,
};

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityUid, PolicySet, Request,
    RestrictedExpression,
};
use criterion::{Criterion, criterion_group, criterion_main};
use pai_authz::{
    domain::{
        AccountId, AccountRecords, ContextValue, Effect, Holder, Identity, Policy, PolicyName,
        PolicyRef, PolicyType, PolicyVersion, Principal, PrincipalId, PrincipalKind, Profile,
        Question, Scalar, Timestamp, UserName, VersionId,
    },
    engine::{Engine, Snapshot},
};

const ACCOUNT: &str = "1000000000000001";
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

fn principal() -> PrincipalId {
    PrincipalId::parse(USER).expect("a principal id")
}

/// Returns an account whose user has these documents.
fn snapshot(engine: &Arc<Engine>, documents: &[String]) -> Snapshot {
    let mut records = AccountRecords::empty(AccountId::parse(ACCOUNT).expect("an account id"));
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

fn question<'a>(arn: &'a str, action: &'a str) -> Question<'a> {
    let text = |text: &str| ContextValue::One(Scalar::String(text.to_owned()));
    Question {
        principal_type: Some("User"),
        principal_id: Some(USER),
        action: Some(action),
        arn: Some(arn),
        context: BTreeMap::from([
            ("acs:SourceIp".to_owned(), text("10.0.3.4")),
            ("acs:CurrentTime".to_owned(), text("2026-11-27T08:00:00Z")),
        ]),
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
    let attributes = attributes.into_iter().chain([("arn".to_owned(), string(ARN))]).collect();
    let entities = Entities::from_entities(
        [
            Entity::new(user.clone(), HashMap::from([("uid".to_owned(), string(USER))]), parents)
                .expect("an entity"),
            Entity::new(asset.clone(), attributes, HashSet::new()).expect("an entity"),
            Entity::new_no_attrs(action.clone(), HashSet::new()),
        ],
        None,
    )
    .expect("entities");
    // Half of the conditions are compared before Cedar: they are free here.
    let facts = ["acs:sourceip", r#"IpAddress acs:sourceip ["10.0.0.0/16"]"#].map(&string);
    let context = Context::from_pairs([
        ("action".to_owned(), string("log:getlogstorelogs")),
        ("facts".to_owned(), RestrictedExpression::new_set(facts)),
        ("acs:CurrentTime".to_owned(), RestrictedExpression::new_long(1_795_766_400_000)),
    ])
    .expect("a context");
    let request = Request::new(user, action, asset, context, None).expect("a request");
    Authorizer::new().is_authorized(&request, policies, &entities).decision()
}

fn bench(criterion: &mut Criterion) {
    let engine = Engine::new("cn-hangzhou").expect("an engine");
    let account = AccountId::parse(ACCOUNT).expect("an account id");
    let mut group = criterion.benchmark_group("ram documents");

    let long: String = {
        let mut listed: Vec<String> = Vec::new();
        for action in pai_authz::catalog::catalog().ram_actions() {
            listed.push(format!(r#"{{"Effect":"Allow","Action":["{}","log:Get*"],"Resource":["acs:log:*:*:project/p/*"],"Condition":{{"IpAddress":{{"acs:SourceIp":"10.0.0.0/8"}}}}}}"#, action.action));
            if listed.iter().map(|it| it.len() + 1).sum::<usize>() > 5_900 {
                break;
            }
        }
        format!(r#"{{"Version":"1","Statement":[{}]}}"#, listed.join(","))
    };
    assert!((5_800..=6_144).contains(&long.len()), "{}", long.len());
    group.bench_function(format!("compile {} bytes", long.len()), |bencher| {
        bencher.iter(|| engine.compile_document("Custom/p", "v1", black_box(&long)));
    });

    for (name, near) in [("one statement of 30 is about it", false), ("all 30 are about it", true)]
    {
        let documents: Vec<String> = (0..DOCUMENTS).map(|n| document(n, near)).collect();
        let snapshot = snapshot(&engine, &documents);
        let question = || question(ARN, "log:GetLogStoreLogs");
        let decision =
            snapshot.is_authorized(&engine.resolve(&account, question()).expect("a request"));
        assert_eq!(decision.effect(), Effect::Allow, "{decision:?}");
        group.bench_function(format!("{name}: decide"), |bencher| {
            let request = engine.resolve(&account, question()).expect("a request");
            bencher.iter(|| snapshot.is_authorized(black_box(&request)));
        });
        let text: String = (0..)
            .zip(&documents)
            .map(|(n, text)| engine.document_text(&format!("Custom/p{n}"), "v1", text))
            .map(|text| text.expect("a text"))
            .collect();
        // Texts name no ids: Cedar numbers the policies.
        let policies = PolicySet::from_str(&text).expect("policies");
        assert_eq!(policies.policies().count(), 30);
        assert_eq!(plain(&policies), Decision::Allow);
        group.bench_function(format!("{name}: plain Cedar"), |bencher| {
            bencher.iter(|| plain(black_box(&policies)));
        });
    }

    for (name, part) in [
        ("short parts", "a*".repeat(40)),
        ("long parts", "a".repeat(900)),
        ("long parts with ?", "a?".repeat(450)),
    ] {
        let documents = vec![wildcards(&part); DOCUMENTS];
        let snapshot = snapshot(&engine, &documents);
        let arn = format!("acs:log:cn-hangzhou:{ACCOUNT}:{}", "a".repeat(1_900));
        let request =
            engine.resolve(&account, question(&arn, "log:GetLogStoreLogs")).expect("a request");
        group.bench_function(format!("10 documents of wildcards, {name}: decide"), |bencher| {
            bencher.iter(|| snapshot.is_authorized(black_box(&request)));
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
