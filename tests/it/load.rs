//! The generator of load against servers that do one thing each, most of them wrong.

use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use pai_authz::load::{Arrivals, Decisions, LoadError, Pace, Plan, Report, Target, ask, post, run};

pub(crate) const ALLOW: &str = r#"{"decision":"Allow","reason":"explicit_allow"}"#;
const DENY: &str = r#"{"decision":"Deny","reason":"implicit_deny"}"#;

/// One connection of a server.
struct Peer {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Peer {
    /// Returns the body of the next request; `None` when the client is gone.
    fn next(&mut self) -> Option<String> {
        let head = loop {
            match self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                Some(at) => break at + 4,
                None => self.more()?,
            }
        };
        let text = String::from_utf8(self.read[..head].to_ascii_lowercase()).unwrap();
        let length = text.split_once("content-length: ").unwrap().1;
        let whole = head + length.lines().next().unwrap().parse::<usize>().unwrap();
        while self.read.len() < whole {
            self.more()?;
        }
        let request: Vec<u8> = self.read.drain(..whole).collect();
        Some(String::from_utf8(request[head..].to_vec()).unwrap())
    }

    fn more(&mut self) -> Option<()> {
        let mut buffer = [0; 16 * 1024];
        let count = self.stream.read(&mut buffer).ok().filter(|count| *count > 0)?;
        self.read.extend_from_slice(&buffer[..count]);
        Some(())
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }
}

pub(crate) fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
        .into_bytes()
}

/// Starts a server that gives every connection to `serve`; it is there until the tests end.
fn server(serve: impl Fn(Peer) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let serve = serve.clone();
            stream.set_nodelay(true).unwrap();
            thread::spawn(move || serve(Peer { stream, read: Vec::new() }));
        }
    });
    address
}

/// Starts a server that answers every request with what `say` makes of its body, for as long as that is something.
pub(crate) fn answering(
    say: impl Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static,
) -> SocketAddr {
    server(move |mut peer| {
        while let Some(bytes) = peer.next().and_then(|body| say(&body)) {
            if peer.send(&bytes).is_err() {
                return;
            }
        }
    })
}

/// Returns a plan without warm-up.
fn plan(at: SocketAddr, pace: Pace, millis: u64) -> Plan {
    let target = Target::url(&format!("http://{at}")).unwrap();
    Plan {
        duration: Duration::from_millis(millis),
        warmup: Duration::ZERO,
        connections: 4,
        patience: Duration::from_secs(30),
        ..Plan::new(target, pace)
    }
}

fn open(rate: f64) -> Pace {
    Pace::Open { rate, arrivals: Arrivals::Uniform, seed: 1 }
}

fn go(plan: &Plan) -> Report {
    let requests = ["A", "D"].map(|body| post("/", None, plan.target.host(), body));
    run(plan, &requests, &mut |_| {}).unwrap()
}

#[test]
fn a_server_that_stalls_once_delays_everybody_who_was_due_meanwhile() {
    let (asked, turn) = (AtomicUsize::new(0), Mutex::new(()));
    let at = answering(move |_| {
        let _turn = turn.lock().unwrap();
        if asked.fetch_add(1, Ordering::Relaxed) == 200 {
            thread::sleep(Duration::from_millis(300));
        }
        Some(answer("200 OK", "", ALLOW))
    });
    let report = go(&plan(at, open(1_000.0), 1_000));
    let slow = Duration::from_millis(250);
    assert_eq!((report.counts.due, report.counts.answered), (1_000, 1_000));
    // 300 requests were due during the stall, and 50 of them in its first 50 ms.
    let felt = report.latency.at_least(slow);
    assert!(felt >= 40, "{felt}");
    assert!(report.latency.quantile(0.99) >= slow);
    // Who asks again only when it is answered sees one slow answer on each of four connections.
    let seen = report.service.at_least(slow);
    assert!(seen >= 1 && felt >= 5 * seen, "{felt} {seen}");
}

#[test]
fn requests_are_sent_when_they_are_due() {
    let at = answering(|_| Some(answer("200 OK", "", ALLOW)));
    for arrivals in [Arrivals::Uniform, Arrivals::Poisson] {
        let report = go(&plan(at, Pace::Open { rate: 500.0, arrivals, seed: 3 }, 500));
        let counts = report.counts;
        assert!((190..=310).contains(&counts.due), "{counts:?}");
        assert_eq!((counts.answered, counts.statuses), (counts.due, [counts.due, 0, 0, 0]));
        assert_eq!(counts.decisions, Decisions { allow: counts.due, deny: 0, error: 0 });
        // Half of them: the machine may be busy for a while.
        assert!(report.latency.quantile(0.5) < Duration::from_millis(20), "{report:?}");
        let due = f64::from(u32::try_from(counts.due).unwrap());
        assert!((report.demanded.unwrap() - due * 2.0).abs() < 1e-6);
    }
}

#[test]
fn a_warm_up_is_sent_and_not_counted() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    let at = answering(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        Some(answer("200 OK", "", DENY))
    });
    let warm = Plan { warmup: Duration::from_millis(300), ..plan(at, open(1_000.0), 200) };
    assert_eq!(go(&warm).counts.answered, 200);
    assert_eq!(asked.load(Ordering::Relaxed), 500);
}

#[test]
fn connections_that_the_server_ends_are_made_anew_and_nothing_is_lost() {
    for (pipeline, pace) in
        [(1, open(2_000.0)), (8, open(2_000.0)), (1, Pace::Closed), (8, Pace::Closed)]
    {
        let at = server(|mut peer| {
            for turn in 1..=10 {
                let last = if turn == 10 { "connection: close\r\n" } else { "" };
                let Some(body) = peer.next() else { return };
                let said = if body == "A" { ALLOW } else { DENY };
                if peer.send(&answer("200 OK", last, said)).is_err() {
                    return;
                }
            }
            // What was sent already stays unread. The client closes when it has seen the announcement.
            while peer.next().is_some() {}
        });
        let report = go(&Plan { pipeline, ..plan(at, pace, 300) });
        let counts = report.counts;
        assert_eq!((counts.failed(), counts.unsent), (0, 0), "{counts:?}");
        assert_eq!(counts.answered, counts.sent, "{counts:?}");
        assert!(
            counts.reconnects >= counts.answered / 10 - 4 && counts.reconnects > 5,
            "{counts:?}"
        );
        assert_eq!(counts.decisions.allow + counts.decisions.deny, counts.answered);
        assert!(counts.decisions.allow.abs_diff(counts.decisions.deny) <= 1, "{counts:?}");
        assert_eq!(report.first_error, None);
    }
}

#[test]
fn answers_may_come_in_single_bytes_or_many_at_once() {
    let bytewise = server(|mut peer| {
        while let Some(body) = peer.next() {
            let said = if body == "A" { ALLOW } else { DENY };
            if answer("200 OK", "", said).iter().any(|byte| peer.send(&[*byte]).is_err()) {
                return;
            }
        }
    });
    // It answers when it has three requests, all at once.
    let threes = server(|mut peer| {
        loop {
            let mut said = Vec::new();
            for _ in 0..3 {
                let Some(body) = peer.next() else { return };
                said.extend(answer("200 OK", "", if body == "A" { ALLOW } else { DENY }));
            }
            if peer.send(&said).is_err() {
                return;
            }
        }
    });
    for (at, pipeline) in [(bytewise, 1), (threes, 3), (threes, 6)] {
        let report = go(&Plan { pipeline, ..plan(at, Pace::Closed, 200) });
        let counts = report.counts;
        assert!(counts.answered > 20 && counts.answered == counts.sent, "{counts:?}");
        assert_eq!(counts.decisions.allow + counts.decisions.deny, counts.answered);
        assert_eq!(counts.failed(), 0, "{counts:?}");
    }
}

#[test]
fn a_long_answer_is_read_whole_and_its_decisions_counted() {
    let long = format!("[{}]", vec![ALLOW; 10_000].join(","));
    let bytes = answer("200 OK", "", &long);
    let whole = bytes.len() as u64;
    let at = answering(move |_| Some(bytes.clone()));
    let counts = go(&plan(at, Pace::Closed, 200)).counts;
    assert!(counts.answered > 0 && counts.failed() == 0, "{counts:?}");
    assert_eq!(counts.decisions.allow, counts.answered * 10_000);
    assert_eq!(counts.bytes_received, counts.answered * whole);
}

#[test]
fn what_fails_is_counted_by_how_it_failed() {
    type Row = (&'static str, Box<dyn Fn(&str) -> Option<Vec<u8>> + Send + Sync>);
    let rows: [Row; 5] = [
        ("status", Box::new(|_| Some(answer("500 Internal Server Error", "", "{}")))),
        ("closed", Box::new(|_| None)),
        ("garbage", Box::new(|_| Some(b"SSH-2.0-OpenSSH_9.9\r\n\r\n".to_vec()))),
        (
            "chunked",
            Box::new(|_| {
                Some(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_vec())
            }),
        ),
        ("some", Box::new(|body| (body == "A").then(|| answer("200 OK", "", ALLOW)))),
    ];
    for (name, say) in rows {
        let report = go(&plan(answering(say), open(200.0), 200));
        let counts = report.counts;
        let all = counts.due;
        assert_eq!((all, counts.sent, counts.unsent), (40, 40, 0), "{name} {counts:?}");
        let error = report.first_error.unwrap_or_default();
        match name {
            "status" => assert_eq!((counts.statuses, error.as_str()), ([0, 0, 0, all], "")),
            "closed" => {
                assert_eq!(counts.broken, all, "{counts:?}");
                assert!(error.contains("ended the connection before it answered"), "{error}");
            }
            "some" => assert_eq!((counts.statuses[0], counts.broken), (20, 20), "{counts:?}"),
            _ => {
                assert_eq!(counts.malformed, all, "{counts:?}");
                assert!(
                    error.contains(if name == "garbage" { "not HTTP/1.1" } else { "in chunks" }),
                    "{error}"
                );
            }
        }
        assert_eq!(counts.failed(), if name == "some" { 20 } else { 40 }, "{name}");
    }
}

#[test]
fn a_rate_the_server_cannot_do_shows_as_such() {
    let at = answering(|_| {
        thread::sleep(Duration::from_millis(20));
        Some(answer("200 OK", "", ALLOW))
    });
    // Four connections of fifty answers a second each.
    let impatient = Duration::from_millis(300);
    let report = go(&Plan { patience: impatient, ..plan(at, open(2_000.0), 500) });
    assert!(report.is_saturated());
    assert!(report.achieved < 250.0, "{}", report.achieved);
    let counts = report.counts;
    assert_eq!((counts.due, counts.sent + counts.unsent), (1_000, 1_000));
    assert!(counts.unsent > 700, "{counts:?}");
    // Those that never went out waited too, and are not left out.
    assert_eq!(report.latency.len(), 1_000);
    assert!(report.latency.quantile(0.9) > Duration::from_millis(500));
    assert!(report.service.quantile(0.5) < Duration::from_millis(60));
}

#[test]
fn a_server_that_goes_away_leaves_a_report_of_what_was_before() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let one = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        // Nobody else is let in.
        drop(listener);
        let mut peer = Peer { stream, read: Vec::new() };
        for _ in 0..50 {
            peer.next().unwrap();
            peer.send(&answer("200 OK", "", ALLOW)).unwrap();
        }
    });
    let patience = Duration::from_millis(300);
    let report = go(&Plan { connections: 1, patience, ..plan(at, open(500.0), 300) });
    one.join().unwrap();
    let counts = report.counts;
    assert_eq!((counts.due, counts.answered), (150, 50), "{counts:?}");
    assert_eq!(counts.broken + counts.unanswered + counts.unsent, 100, "{counts:?}");
    assert!(counts.refused_connections > 0 && report.is_saturated());
    assert!(report.first_error.is_some());
}

#[test]
fn a_run_is_ended_early_by_whoever_watches_it() {
    let at = answering(|_| Some(answer("200 OK", "", ALLOW)));
    let plan = Plan { stop: Arc::new(AtomicBool::new(false)), ..plan(at, open(1_000.0), 60_000) };
    let mut seen = Vec::new();
    let request = [post("/", None, "h", "A")];
    let report = run(&plan, &request, &mut |progress| {
        seen.push(progress);
        plan.stop.store(seen.len() == 2, Ordering::Relaxed);
    })
    .unwrap();
    assert!(report.ended_early && report.elapsed < Duration::from_secs(30));
    assert!(report.counts.answered >= 400 && report.counts.failed() == 0, "{report:?}");
    let demanded = report.demanded.unwrap();
    assert!((demanded - 1_000.0).abs() < 10.0, "of the time it ran: {demanded}");
    assert!(seen[0].elapsed < seen[1].elapsed && seen[1].rate > 500.0 && !seen[0].is_warm_up);
    assert_eq!(seen[0].total, Duration::from_secs(60));
}

#[test]
fn a_plan_that_cannot_be_carried_out_says_which_field() {
    let at = answering(|_| None);
    let good = plan(at, Pace::Closed, 100);
    let request = [post("/", None, "h", "A")];
    for (plan, field) in [
        (Plan { pace: open(0.0), ..good.clone() }, "`rate` is 0"),
        (Plan { pace: open(f64::NAN), ..good.clone() }, "`rate` is NaN"),
        (Plan { pace: open(2e7), ..good.clone() }, "`rate` is 20000000"),
        (Plan { duration: Duration::ZERO, ..good.clone() }, "`duration` is 0"),
        (Plan { warmup: Duration::from_secs(90_000), ..good.clone() }, "`warmup` is 90000s"),
        (Plan { connections: 0, ..good.clone() }, "`connections` is 0"),
        (Plan { connections: 10_001, ..good.clone() }, "`connections` is 10001"),
        (Plan { pipeline: 0, ..good.clone() }, "`pipeline` is 0"),
    ] {
        let error = run(&plan, &request, &mut |_| {}).unwrap_err();
        assert!(
            matches!(error, LoadError::Plan { .. }) && error.to_string().contains(field),
            "{error}"
        );
    }
    assert!(matches!(run(&good, &[], &mut |_| {}), Err(LoadError::NoRequests)));
    // Nobody listens on a port that was given back.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = run(&plan(free, Pace::Closed, 100), &request, &mut |_| {}).unwrap_err();
    assert!(
        matches!(&error, LoadError::Unreachable { target, .. } if target.contains(&free.to_string()))
    );
}

#[test]
fn one_request_is_answered_or_says_why_not() {
    let asked = |at: SocketAddr| {
        let target = Target::url(&format!("http://{at}")).unwrap();
        ask(&target, &post("/", None, "h", "A"), Duration::from_millis(200))
    };
    let answered = asked(answering(|_| Some(answer("404 Not Found", "", "nothing")))).unwrap();
    assert_eq!((answered.status, answered.body.as_slice()), (404, &b"nothing"[..]));
    for (at, words) in [
        (answering(|_| None), "the connection ended before the answer"),
        (answering(|_| Some(b"HTTP/1.1 200 OK\r\n\r\n".to_vec())), "no `Content-Length`"),
        (
            answering(|_| {
                thread::sleep(Duration::from_secs(1));
                None
            }),
            "no answer within 200ms",
        ),
    ] {
        let error = asked(at).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}
