//! Decisions judged anew by Cedar alone while a service runs: how many were, and that one that is not Cedar's is found.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use pai_authz::{
    domain::{
        AccountId, AccountRecords, Decision, Fault, PrincipalKind, Question, Reason, WorkspaceId,
    },
    service::{Verified, Verifier, View},
};
use serde_json::{Value, json};

use crate::{
    decisions::{ACCOUNT, ENGINE, put_identity, put_workspace},
    http_errors::{BATCH, ONE, good},
    support::{
        Seeded, permission_rows,
        ram::{DENY, Ram},
        report,
        server::{DEV_TOKEN, Server, command, finish, until},
        signed::{Api, Key, ok},
        wire::Request,
    },
};

const VERIFIED: &str = "pai_authz_verified_decisions_total";
const DIFFERING: &str = "pai_authz_differing_decisions_total";
const SKIPPED: &str = "pai_authz_unverified_decisions_total";

/// Returns the sum of a metric over its labels; `None` where there is none of the name.
fn metric(server: &Server, name: &str) -> Option<u64> {
    let answer = server.health("/metrics");
    assert_eq!(answer.status, 200, "{answer:?}");
    let text = String::from_utf8(answer.body).unwrap();
    let lines = text.lines().filter_map(|line| line.strip_prefix(name)?.rsplit_once(' '));
    let of_name = lines.filter(|(labels, _)| labels.is_empty() || labels.starts_with('{'));
    let values: Vec<u64> = of_name.map(|(_, value)| value.parse().unwrap()).collect();
    (!values.is_empty()).then(|| values.iter().sum())
}

/// Waits until every decision made was judged anew, and asserts that none was found to be another.
#[track_caller]
fn assert_verified(server: &Server, decisions: u64) {
    until("every decision is judged anew", || metric(server, VERIFIED) == Some(decisions));
    assert_eq!(metric(server, "pai_authz_decisions_total"), Some(decisions));
    assert_eq!(metric(server, DIFFERING), Some(0));
    assert_eq!(metric(server, SKIPPED), Some(0));
}

/// Draws a question about the demonstration that is answered.
fn question(seeded: &mut Seeded, codes: &[(String, bool)]) -> Value {
    let at = usize::try_from(seeded.below(u64::try_from(codes.len()).unwrap())).unwrap();
    let (code, on_account) = &codes[at];
    let user = (2_001 + seeded.below(12)).to_string();
    let principal = match seeded.below(12) {
        0 => json!({"type": "Account", "id": ACCOUNT}),
        1 => json!({"type": "RamRole", "id": "3001"}),
        2 => json!({"type": "User", "id": "424242"}),
        _ => json!({"type": "User", "id": user}),
    };
    let own = seeded.below(2) == 0;
    let creator = if own { principal["id"].clone() } else { json!("2002") };
    let shared = if seeded.below(2) == 0 { "PUBLIC" } else { "PRIVATE" };
    let mut resource = json!({"creator": creator, "accessibility": shared});
    if !on_account {
        resource["workspace"] = json!((10_001 + seeded.below(4)).to_string());
    }
    let mut question = json!({"principal": principal, "action": code, "resource": resource});
    if seeded.below(3) == 0 {
        question["context"] = json!({"acs:SourceIp": "10.1.2.3", "acs:MFAPresent": true});
    }
    question
}

/// Asks so many questions, some alone and some in batches, and returns how many decisions that were, all of requests that
/// could be read.
fn ask(server: &Server, seeded: &mut Seeded, codes: &[(String, bool)], count: usize) -> u64 {
    let mut connection = server.connect();
    let mut asked = 0;
    while asked < count {
        let size = usize::try_from(1 + seeded.below(40)).unwrap();
        if seeded.below(2) == 0 {
            let body = question(seeded, codes).to_string();
            assert_eq!(connection.ask(&Request::post(ONE, body.as_bytes())).status, 200);
            asked += 1;
            continue;
        }
        let questions: Vec<Value> = (0..size).map(|_| question(seeded, codes)).collect();
        let body = json!({"requests": questions}).to_string();
        let answer = connection.ask(&Request::post(BATCH, body.as_bytes()));
        assert_eq!(answer.status, 200, "{answer:?}");
        let reasons: Vec<Value> = answer.json()["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["reason"].clone())
            .collect();
        assert!(!reasons.contains(&json!("error")), "{answer:?}");
        asked += size;
    }
    u64::try_from(asked).unwrap()
}

#[test]
fn every_decision_of_a_running_service_is_judged_anew_while_roles_and_documents_change() {
    let server = Server::demo(&["--verify-fast-path", "1"]);
    let codes: Vec<(String, bool)> = permission_rows()
        .into_iter()
        .map(|(code, row)| (code, row["scope"] == "account"))
        .collect();
    let mut seeded = Seeded(2_026);
    assert_verified(&server, 0);
    let mut decisions = ask(&server, &mut seeded, &codes, 600);
    assert_verified(&server, decisions);
    // Documents that deny, allow, and look at what a request states.
    let mut ram = Ram(Api::new(Key::dev(), server.api));
    let looks = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":["pai*:*","eas:*"],"Resource":"*","Condition":{"IpAddress":{"acs:SourceIp":"10.0.0.0/8"},"StringEquals":{"pai:EntityAccessType":"CREATOR"}}},{"Effect":"Deny","Action":"*","Resource":"acs:*:*:*:workspace/10002/*","Condition":{"DateLessThan":{"acs:CurrentTime":"2100-01-01T00:00:00Z"}}}]}"#;
    for (name, document) in [("denies", DENY), ("looks", looks)] {
        ram.ok("CreatePolicy", &[("PolicyName", name), ("PolicyDocument", document)]);
        for user in ["dana", "petra", "rosa"] {
            let query = [("PolicyType", "Custom"), ("PolicyName", name), ("UserName", user)];
            ram.ok("AttachPolicyToUser", &query);
        }
    }
    decisions += ask(&server, &mut seeded, &codes, 600);
    assert_verified(&server, decisions);
    // A decision stands with the view it was made on, whatever came after it.
    let mut api = Api::new(Key::dev(), server.api);
    for round in 0..6 {
        let held = ["2001", "PAI.AlgoOperator"];
        let member = ["10001", &format!("10001-{}", held[0]), held[1]];
        let operation = if round % 2 == 0 { "AddMemberRole" } else { "RemoveMemberRole" };
        std::thread::scope(|scope| {
            let asking = scope.spawn(|| ask(&server, &mut seeded, &codes, 300));
            ok(&api.call(operation, &member));
            let level = if round % 2 == 0 { "FullAccess" } else { "ReadOnly" };
            let body =
                json!({"ModulePermissions": [{"ModuleName": "DLC", "PermissionType": level}]});
            ok(&api.put("UpdateWorkspaceRole", &["10001", "role-jobreviewer"], &body));
            decisions += asking.join().unwrap();
        });
        assert_verified(&server, decisions);
    }
    report(&format!("{decisions} decisions, all judged anew, 0 differ"));
    let log = server.stop();
    assert!(!log.contains("not the one Cedar makes"), "{log}");
}

#[test]
fn one_of_so_many_decisions_is_judged_anew_and_none_where_it_is_not_asked_for() {
    let server = Server::demo(&["--workers", "1", "--verify-fast-path", "10"]);
    let body = json!({"requests": vec![good(); 100]}).to_string();
    assert_eq!(server.post(BATCH, &body).status, 200);
    until("ten are judged anew", || metric(&server, VERIFIED) == Some(10));
    assert_eq!(server.post(BATCH, &body).status, 200);
    until("twenty are judged anew", || metric(&server, VERIFIED) == Some(20));
    assert_eq!((metric(&server, DIFFERING), metric(&server, SKIPPED)), (Some(0), Some(0)));
    for more in [&[][..], &["--verify-fast-path", "0"]] {
        let server = Server::demo(more);
        assert_eq!(server.post(BATCH, &body).status, 200);
        assert_eq!(metric(&server, "pai_authz_decisions_total"), Some(100));
        for name in [VERIFIED, DIFFERING, SKIPPED] {
            assert_eq!(metric(&server, name), None);
        }
    }
}

#[test]
fn a_wrong_number_of_decisions_to_judge_anew_is_refused() {
    for wrong in ["x", "", "-1", "1.5", "4294967296"] {
        let flag = format!("--verify-fast-path={wrong}");
        let serve = ["serve", "--dev", "--store", "memory:"];
        let by_flag = finish(&mut command(serve.into_iter().chain([flag.as_str()])));
        let mut by_variable = command(serve);
        let by_variable = finish(by_variable.env("PAI_AUTHZ_VERIFY_FAST_PATH", wrong));
        for done in [by_flag, by_variable] {
            assert_eq!(done.code, 2, "{wrong}: {done:?}");
            assert!(done.err.contains("--verify-fast-path <N>"), "{wrong}: {}", done.err);
            assert!(done.err.contains(&format!("'{wrong}'")) || wrong.is_empty(), "{}", done.err);
            assert_eq!(done.out, "");
        }
    }
}

/// What is logged as an error.
static LOGGED: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOGGED.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_decision_that_is_not_cedars_is_counted_and_logged_as_an_error() {
    // For the whole process: the verifier has a thread of its own. No other test listens.
    tracing_subscriber::fmt()
        .with_env_filter("off,pai_authz::service::verify=error")
        .with_ansi(false)
        .with_writer(|| Log)
        .init();
    let mut records = AccountRecords::empty(AccountId::parse(ACCOUNT).unwrap());
    put_workspace(&mut records, &WorkspaceId::parse("10001").unwrap());
    put_identity(&mut records, PrincipalKind::User, "2001");
    let view = Arc::new(View::build(&ENGINE, &records).unwrap());
    let question = Question {
        principal_type: Some("User"),
        principal_id: Some("2001"),
        action: Some("PaiDSW:ListTempFiles"),
        workspace: Some("10001"),
        creator: Some("2001"),
        accessibility: Some("PRIVATE"),
        ..Question::default()
    };
    let request = ENGINE.resolve(view.account(), question).unwrap();
    let right = view.snapshot.settled(&request).unwrap();
    let by = right.determining_policies.to_vec();
    assert_eq!((right.reason, by.len()), (Reason::ExplicitAllow, 1));
    let verifier = Verifier::start(1).unwrap();
    let found = |judged, differing| {
        let expected = Verified { judged, differing, skipped: 0 };
        until("it is judged anew", || verifier.verified() == expected);
    };
    verifier.take(&view, &request, &right);
    found(1, 0);
    assert_eq!(*LOGGED.lock().unwrap(), b"");
    let wrong = [
        Decision::implicit_deny(),
        Decision::listed(Reason::ExplicitDeny, by.clone()),
        Decision::listed(Reason::ExplicitAllow, Vec::new()),
        Decision::listed(Reason::ExplicitAllow, [&by[..], &["role-1/x".to_owned()]].concat()),
        Decision::listed(Reason::ExplicitAllow, vec![format!("10001/{}", by[0])]),
        Decision::error(Fault::Evaluation("account".to_owned())),
    ];
    for (count, wrong) in (1..).zip(&wrong) {
        verifier.take(&view, &request, wrong);
        verifier.take(&view, &request, &right);
        found(1 + 2 * count, count);
        let logged = String::from_utf8(std::mem::take(&mut *LOGGED.lock().unwrap())).unwrap();
        assert_eq!(logged.lines().count(), 1, "{logged}");
        for part in [
            "ERROR",
            "a decision is not the one Cedar makes",
            ACCOUNT,
            "2001",
            "PaiDSW:ListTempFiles",
            "10001",
            &format!("decided=\"{}\"", wrong.reason.as_str()),
            "cedar=\"explicit_allow\"",
            &by[0],
        ] {
            assert!(logged.contains(part), "`{part}` is not in {logged}");
        }
    }
}

#[test]
fn a_token_that_may_not_decide_leaves_nothing_to_judge_anew() {
    let server = Server::demo(&["--verify-fast-path", "1"]);
    let body = good().to_string();
    let request = Request::post(ONE, body.as_bytes());
    assert_eq!(server.send(&request.clone().token("wrong")).status, 401);
    assert_eq!(server.post(ONE, "{}").status, 400);
    assert_eq!(server.send(&request.token(DEV_TOKEN)).status, 200);
    assert_verified(&server, 1);
}
