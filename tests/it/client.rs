//! The client for services written in Rust, against the real service and against answers nobody should trust.

use std::{
    net::TcpListener,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use pai_authz::client::{Answer, ClientError, Pdp, PdpBuilder, Question};

use crate::{
    load::{answer, answering},
    support::server::{DEV_TOKEN, Place, Server},
};

/// A busy machine needs a small part of it.
const PATIENT: Duration = Duration::from_secs(30);

fn builder(url: &str) -> PdpBuilder {
    Pdp::builder(url).token(DEV_TOKEN).timeout(PATIENT)
}

fn stop(creator: &str) -> Question {
    Question::new("2001", "PaiDLC:StopJob")
        .in_workspace("10001")
        .on("job", "dlc-1")
        .created_by(creator)
        .private()
}

#[tokio::test]
async fn decisions_are_what_the_service_decides() {
    let place = Place::new();
    let socket = place.text("s.sock");
    let server = Server::demo(&["--uds", &socket]);
    let over_tcp = builder(&server.url()).build().unwrap();
    let over_uds = builder("http://localhost").unix_socket(&socket).build().unwrap();
    for pdp in [over_tcp, over_uds] {
        let own = pdp.is_authorized(&stop("2001")).await.unwrap();
        assert!(own.is_allowed() && own.reason() == "explicit_allow" && own.faults().is_empty());
        assert_eq!(own.determining_policies(), ["PAI.AlgoDeveloper/DLC.write.own-private"]);
        let other =
            pdp.is_authorized(&stop("2002").at_least_as_fresh(own.revision())).await.unwrap();
        assert!(!other.is_allowed() && other.reason() == "implicit_deny");
        assert_eq!(other.revision(), own.revision());
        let account = Question::by_account("1000000000000001", "Pai:ListQuotas");
        assert!(pdp.is_authorized(&account).await.unwrap().is_allowed());
        let role = Question::by_ram_role("3001", "PaiWorkspace:ListConfigs").in_workspace("10001");
        assert!(pdp.is_authorized(&role).await.unwrap().is_allowed());
        let key = stop("2001").with("acs:SourceIp", "203.0.113.7");
        assert!(pdp.is_authorized(&key).await.unwrap().is_allowed());

        let wrong = Question::new("2001", "PaiDLC:StopJobs").in_workspace("10001");
        let batch = pdp.batch(&[stop("2001"), stop("2002"), wrong]).await.unwrap();
        let allowed: Vec<bool> = batch.answers().iter().map(Answer::is_allowed).collect();
        assert_eq!(allowed, [true, false, false]);
        assert!(!batch.all_allowed() && batch.revision() == own.revision());
        let fault = &batch.answers()[2].faults()[0];
        assert_eq!(
            (fault.code.as_str(), fault.field.as_deref()),
            ("unknown_action", Some("action"))
        );
        assert_eq!(batch.answers()[2].reason(), "error");
    }
}

#[tokio::test]
async fn what_is_no_decision_is_an_error_that_says_what_to_correct() {
    let server = Server::demo(&[]);
    let pdp = builder(&server.url()).build().unwrap();
    let stranger = builder(&server.url()).token("wrong").build().unwrap();
    let ours = pdp.is_authorized(&stop("2001")).await.unwrap();
    for (error, status, code, field) in [
        (stranger.is_authorized(&stop("2001")).await.unwrap_err(), 401, "unauthenticated", None),
        (stranger.batch(&[stop("2001")]).await.unwrap_err(), 401, "unauthenticated", None),
        (
            pdp.is_authorized(&Question::new("2001", "PaiDLC:StopJobs")).await.unwrap_err(),
            400,
            "unknown_action",
            Some("action"),
        ),
        (
            pdp.is_authorized(&Question::new("2001", "PaiDLC:StopJob")).await.unwrap_err(),
            400,
            "missing_field",
            Some("resource.workspace"),
        ),
        (
            pdp.is_authorized(&stop("2001").at_least_as_fresh("r")).await.unwrap_err(),
            400,
            "invalid_revision",
            Some("atLeastAsFresh"),
        ),
        (pdp.batch(&[]).await.unwrap_err(), 400, "too_many_items", Some("requests")),
    ] {
        let shown = error.to_string();
        let ClientError::Refused { status: s, code: c, field: f, message, help } = error else {
            panic!("{error:?}")
        };
        assert_eq!((s, c.as_str(), f.as_deref()), (status, code, field), "{shown}");
        assert!(shown.contains(&message) && help.is_some(), "{shown}");
    }
    // A token can be replaced while the service runs.
    let token = Arc::new(Mutex::new("old".to_owned()));
    let given = token.clone();
    let provided = builder(&server.url()).token_provider(move || given.lock().unwrap().clone());
    let provided = provided.build().unwrap();
    assert!(matches!(
        provided.is_authorized(&stop("2001")).await,
        Err(ClientError::Refused { status: 401, .. })
    ));
    *token.lock().unwrap() = DEV_TOKEN.to_owned();
    assert_eq!(provided.is_authorized(&stop("2001")).await.unwrap(), ours);
    assert!(!format!("{provided:?}").contains(DEV_TOKEN));
    // Gone.
    server.stop();
    assert!(matches!(pdp.is_authorized(&stop("2001")).await, Err(ClientError::Unreachable { .. })));
    let nowhere = Pdp::builder("http://localhost").unix_socket("/no/such/socket").build().unwrap();
    let error = nowhere.is_authorized(&stop("2001")).await.unwrap_err().to_string();
    assert!(error.contains("/no/such/socket"), "{error}");
    assert!(matches!(Pdp::builder("not a URL").build(), Err(ClientError::Url { .. })));
}

const ALLOWED: &str = r#"{"decision":"Allow","reason":"explicit_allow","determiningPolicies":[],"errors":[],"revision":"r"}"#;

#[tokio::test]
async fn an_answer_of_another_form_is_never_an_allow() {
    for (status, body) in [
        (
            "200 OK",
            r#"{"decision":"ALLOW","reason":"explicit_allow","determiningPolicies":[],"errors":[],"revision":"r"}"#,
        ),
        ("200 OK", r#"{"decision":"Allow"}"#),
        ("200 OK", r#"{"results":[],"revision":"r"}"#),
        ("200 OK", "[true]"),
        ("201 Created", ALLOWED),
    ] {
        let at = answering(move |_| Some(answer(status, "", body)));
        let pdp = builder(&format!("http://{at}")).build().unwrap();
        for error in [
            pdp.is_authorized(&stop("2001")).await.unwrap_err(),
            pdp.batch(&[stop("2001")]).await.unwrap_err(),
        ] {
            assert!(matches!(error, ClientError::Unexpected { .. }), "{body}: {error}");
        }
    }
    for (status, headers, body) in [
        ("200 OK", "", "Allow"),
        ("200 OK", "", ""),
        ("403 Forbidden", "", ALLOWED),
        ("500 Internal Server Error", "", ALLOWED),
        ("302 Found", "Location: /elsewhere\r\n", ALLOWED),
    ] {
        let at = answering(move |_| Some(answer(status, headers, body)));
        let pdp = builder(&format!("http://{at}")).build().unwrap();
        let error = pdp.is_authorized(&stop("2001")).await.unwrap_err();
        assert!(matches!(error, ClientError::Refused { .. }), "{status} {body}: {error}");
    }
}

#[tokio::test]
async fn what_may_pass_is_asked_again_as_often_as_allowed() {
    const BUSY: &str =
        r#"{"code":"unavailable","message":"m","field":null,"value":null,"help":"h"}"#;
    // How often it fails before it answers, how it fails, how often it may be asked again: how often it was asked.
    for (failures, kind, retries, asked, is_answered) in [
        (2, "503", 2, 3, true),
        (2, "503", 1, 2, false),
        (1, "503", 0, 1, false),
        (2, "closed", 2, 3, true),
        (1, "500", 5, 1, false),
        (1, "400", 5, 1, false),
        (1, "other", 5, 1, false),
    ] {
        let count = Arc::new(AtomicUsize::new(0));
        let counted = count.clone();
        let at = answering(move |_| {
            if counted.fetch_add(1, Ordering::Relaxed) >= failures {
                return Some(answer("200 OK", "", ALLOWED));
            }
            match kind {
                "503" => Some(answer("503 Service Unavailable", "", BUSY)),
                "500" => Some(answer("500 Internal Server Error", "", BUSY)),
                "400" => Some(answer("400 Bad Request", "", BUSY)),
                "other" => Some(answer("200 OK", "", "{}")),
                _ => None,
            }
        });
        let pdp = builder(&format!("http://{at}")).with_retries(retries).build().unwrap();
        let answered = pdp.is_authorized(&stop("2001")).await;
        assert_eq!(answered.is_ok(), is_answered, "{kind}: {answered:?}");
        assert_eq!(count.load(Ordering::Relaxed), asked, "{kind} {retries}");
    }
}

#[tokio::test]
async fn who_does_not_answer_in_time_is_not_waited_for() {
    // Connections are accepted by the system, and nobody reads them.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let time = Duration::from_millis(100);
    for retries in [0, 5] {
        let pdp = Pdp::builder(&url).timeout(time).with_retries(retries).build().unwrap();
        let error = pdp.is_authorized(&stop("2001")).await.unwrap_err();
        assert!(matches!(error, ClientError::TimedOut { after, .. } if after == time), "{error:?}");
        assert!(error.to_string().contains("within 100ms"), "{error}");
    }
    // The time holds for all attempts together.
    let at = answering(|_| {
        thread::sleep(Duration::from_millis(20));
        Some(answer("503 Service Unavailable", "", "{}"))
    });
    let pdp = Pdp::builder(format!("http://{at}")).timeout(time).with_retries(1_000);
    let error = pdp.build().unwrap().is_authorized(&stop("2001")).await.unwrap_err();
    assert!(matches!(error, ClientError::TimedOut { .. }), "{error:?}");
}
