//! `pai-authz bench` against the real service, as a person or a script runs it.

use std::{
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use serde_json::Value;

use crate::{
    cli::refused,
    http_listeners::certificate,
    load::{ALLOW, answer, answering},
    support::server::{DEV_TOKEN, Done, Place, Server, command, finish, run, signal, until},
};

const ACCOUNT: &str = "1234567890123456";

/// Runs `bench` for a moment, with the answer as JSON.
fn bench(server: &Server, more: &[&str]) -> Done {
    let url = server.url();
    let place = ["--format", "json", "bench", "--url", &url, "--token", DEV_TOKEN];
    run(place.into_iter().chain(with(more, &["--warmup", "50ms", "--duration", "400ms"])))
}

/// Returns arguments and those of `usual`, in pairs, that they do not have.
fn with<'a>(more: &[&'a str], usual: &[&'a str]) -> Vec<&'a str> {
    let left = usual.chunks(2).filter(|pair| !more.contains(&pair[0])).flatten();
    left.chain(more).copied().collect()
}

/// Returns what was measured. A busy machine may have missed the rate, and nothing else.
#[track_caller]
fn read(done: &Done) -> Value {
    let measured: Value =
        serde_json::from_str(&done.out).unwrap_or_else(|error| panic!("{error}: {done:?}"));
    assert_eq!(done.code, i32::from(measured["saturated"] == true), "{done:?}");
    assert_eq!(done.err.contains("SATURATED"), measured["saturated"] == true, "{done:?}");
    measured
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value}"))
}

/// Asserts that everything was answered with a decision, and returns how many there were.
#[track_caller]
fn assert_whole(measured: &Value, each: u32) -> u64 {
    let requests = &measured["requests"];
    let answered = number(&requests["answered"]);
    assert_eq!(answered, number(&requests["sent"]), "{requests}");
    for lost in ["broken", "malformed", "unanswered", "unsent"] {
        assert_eq!(requests[lost], 0, "{requests}");
    }
    assert_eq!(measured["statuses"]["2xx"], answered, "{}", measured["statuses"]);
    let decisions = &measured["decisions"];
    let [allow, deny, error] = ["allow", "deny", "error"].map(|kind| number(&decisions[kind]));
    assert_eq!((allow + deny, error), (answered * u64::from(each), 0), "{decisions}");
    assert!(allow > 0 && deny > 0, "both are asked for: {decisions}");
    assert_eq!(measured["serviceNanos"]["count"], answered);
    answered
}

#[test]
fn an_open_loop_asks_as_often_as_it_is_told() {
    let server = Server::demo(&[]);
    for arrivals in ["uniform", "poisson"] {
        let done = bench(&server, &["--rate", "500", "--arrivals", arrivals, "--connections", "8"]);
        let measured = read(&done);
        let answered = assert_whole(&measured, 1);
        assert!(if arrivals == "uniform" {
            answered == 200
        } else {
            (115..=285).contains(&answered)
        });
        let latency = &measured["latencyNanos"];
        let times = ["p50", "p90", "p99", "p99.9", "p99.99", "max"].map(|at| number(&latency[at]));
        assert!(times[0] > 0 && times.is_sorted(), "{times:?}");
        let curve = latency["curve"].as_array().unwrap();
        assert_eq!(curve.last().unwrap()[0], 100.0);
        let plan = &measured["plan"];
        assert_eq!((plan["pace"]["rate"].as_f64(), number(&plan["connections"])), (Some(500.0), 8));
        assert_eq!(
            (plan["path"].as_str(), number(&plan["bodies"])),
            (Some("/v1/is-authorized"), 4_096)
        );
    }
    // No connection of the service outlives a thousand requests; that is no error.
    let many = bench(&server, &["--saturate", "--connections", "1", "--duration", "1500ms"]);
    let measured = read(&many);
    let answered = assert_whole(&measured, 1);
    let reconnects = number(&measured["connections"]["reconnects"]);
    assert!(reconnects >= answered / 1_000, "{answered} {reconnects}");
}

#[test]
fn a_closed_loop_takes_batches_and_pipelines_and_chooses_a_rate() {
    let server = Server::demo(&[]);
    for (more, path, each) in [
        (&["--saturate"][..], "/v1/is-authorized", 1),
        (&["--saturate", "--pipeline", "4"], "/v1/is-authorized", 1),
        (&["--saturate", "--batch", "100", "--connections", "4"], "/v1/batch-is-authorized", 100),
    ] {
        let measured = read(&bench(&server, more));
        let answered = assert_whole(&measured, each);
        assert_eq!(measured["plan"]["pace"]["loop"], "closed");
        assert_eq!(measured["plan"]["path"], path);
        assert_eq!(measured["demandedPerSecond"], Value::Null);
        let rate = measured["achievedPerSecond"].as_f64().unwrap();
        assert!(rate > 0.0 && answered > 0);
        let questions = measured["questionsPerSecond"].as_f64().unwrap();
        assert!((questions - rate * f64::from(each)).abs() < 1.0, "{questions} {rate}");
    }
    let url = server.url();
    let place = Place::new();
    let svg = place.text("latency.svg");
    let chosen = run([
        "bench",
        "--url",
        &url,
        "--token",
        DEV_TOKEN,
        "--duration",
        "300ms",
        "--warmup",
        "0s",
        "--svg",
        &svg,
    ]);
    assert!(chosen.code == 0 || chosen.out.contains("SATURATED"), "{chosen:?}");
    for words in [
        "calibration: ",
        "the rate is half of it",
        "open loop: ",
        "p99.99",
        " Allow, ",
        "99 %",
        "* from when it was due",
    ] {
        assert!(chosen.out.contains(words), "`{words}` in {}", chosen.out);
    }
    assert!(chosen.out.lines().all(|line| line.chars().count() <= 100), "{}", chosen.out);
    assert!(!chosen.out.contains('\u{1b}') && chosen.err.is_empty(), "{chosen:?}");
    // A picture any reader of XML reads, with both curves.
    let reader = "import sys, xml.etree.ElementTree as t; r = t.parse(sys.argv[1]).getroot(); n = '{http://www.w3.org/2000/svg}'; \
                print(r.tag == n + 'svg', len(r.findall(n + 'polyline')), [e.text for e in r.findall(n + 'text') if e.get('class') == 'name'])";
    let parsed = Command::new("python3").args(["-c", reader, &svg]).output().unwrap();
    assert_eq!(
        String::from_utf8(parsed.stdout).unwrap(),
        "True 2 ['from when it was due', 'from when it was sent']\n"
    );
}

#[test]
fn a_workload_is_the_same_for_a_seed_and_the_service_knows_it() {
    let place = Place::new();
    let token = place.init(ACCOUNT);
    let write = |data: &str, out: &str, seed: &str| {
        let (data, out) = (place.text(data), place.text(out));
        let shape = shape(seed);
        let files = ["bench", "workload", "--data", &data, "--out", &out];
        assert_eq!(run(files.into_iter().chain(shape)).code, 0);
        [data, out].map(|file| std::fs::read(file).unwrap())
    };
    let first = write("data.json", "questions.jsonl", "7");
    assert_eq!(first, write("data2.json", "questions2.jsonl", "7"));
    let other = write("data3.json", "questions3.jsonl", "8");
    assert!(first[0] != other[0] && first[1] != other[1]);
    let imported = place.stopped(&["import", &place.text("data.json"), "--account", ACCOUNT]);
    assert!(imported.out.contains("4 workspaces, 84 memberships, 16 custom roles"), "{imported:?}");

    let socket = place.text("s.sock");
    let server = place.serve(&["--uds", &socket]);
    let questions = place.text("questions.jsonl");
    let on = |more: &[&str], input: Stdio| {
        let more = with(more, &["--warmup", "0s", "--duration", "300ms", "--rate", "1000"]);
        let target = ["--token", &token, "--uds", &socket];
        let mut command =
            command(["--format", "json", "bench"].into_iter().chain(target).chain(more));
        read(&finish(command.stdin(input)))
    };
    let file = on(&["--workload", &questions], Stdio::null());
    assert_eq!((assert_whole(&file, 1), number(&file["plan"]["bodies"])), (300, 300));
    assert_eq!(file["plan"]["target"], socket.as_str());
    // The same questions from standard input, and made anew from the seed.
    let input = std::fs::File::open(&questions).unwrap();
    let shape = [&["--generate"][..], &shape("7")].concat();
    for same in [on(&["--workload", "-"], input.into()), on(&shape, Stdio::null())] {
        assert_eq!(same["decisions"], file["decisions"]);
        assert_eq!(same["bytes"]["sent"], file["bytes"]["sent"]);
    }
    let batched = on(&["--workload", &questions, "--batch", "7", "--rate", "200"], Stdio::null());
    assert_eq!((assert_whole(&batched, 7), number(&batched["plan"]["bodies"])), (60, 43));
    server.stop();
}

#[test]
fn a_service_that_refuses_is_not_measured_and_one_that_is_slow_is_told_so() {
    let server = Server::demo(&[]);
    let url = server.url();
    let with =
        |more: &[&str]| run(["bench", "--url", &url].into_iter().chain(more.iter().copied()));
    refused(
        &with(&["--token", "wrong", "--rate", "10"]),
        &["401", "unauthenticated", "bearer token is missing or not valid"],
    );
    let body = Place::new();
    let wrong = body
        .write("w.jsonl", r#"{"principal": {"type": "User", "id": "1"}, "action": "PaiDLC:Stop"}"#);
    refused(
        &with(&["--token", DEV_TOKEN, "--workload", &wrong, "--rate", "10"]),
        &["400", "unknown_action", "action: `PaiDLC:Stop`", "did you mean"],
    );
    refused(
        &with(&["--token", DEV_TOKEN, "--path", "/nowhere", "--rate", "10"]),
        &["first request was refused: 404"],
    );
    // Far more than it can do, in a build for tests.
    let flooded =
        bench(&server, &["--rate", "200000", "--connections", "2", "--duration", "200ms"]);
    assert_eq!(flooded.code, 1, "{flooded:?}");
    let measured: Value = serde_json::from_str(&flooded.out).unwrap();
    assert_eq!(measured["saturated"], true);
    assert!(number(&measured["requests"]["unsent"]) > 0);
    assert!(flooded.err.contains("SATURATED: 200,000 requests/s were due, "), "{}", flooded.err);
}

#[test]
fn an_argument_that_does_not_fit_is_named_with_what_would() {
    let place = Place::new();
    let (empty, broken) = (place.write("empty", "\n"), place.write("broken", "{}\n{\n"));
    for (arguments, said) in [
        (&["--rate", "0"][..], &["'0' for '--rate", "up to 10000000"][..]),
        (&["--rate", "10000001"], &["'10000001' for '--rate", "up to 10000000"]),
        (&["--rate", "5", "--saturate"], &["--rate", "--saturate"]),
        (&["--connections", "0"], &["'0' for '--connections", "1..=10000"]),
        (&["--connections", "10001"], &["'10001' for '--connections", "1..=10000"]),
        (&["--duration", "0s"], &["'0s' for '--duration", "more than 0"]),
        (&["--duration", "25h"], &["'25h' for '--duration", "at most a day"]),
        (&["--duration", "10"], &["'10' for '--duration", "as `10s`"]),
        (&["--batch", "1001"], &["'1001' for '--batch", "1..=1000"]),
        (&["--path", "v1"], &["'v1' for '--path", "begin it with `/`"]),
        (&["--workload", "/no/such/file"], &["`--workload`", "`/no/such/file`", "No such file"]),
        (&["--workload", &empty], &["`--workload`", "there are no requests"]),
        (&["--workload", &broken], &["`--workload`", "line 2: not JSON"]),
        (&["--url", "127.0.0.1:1", "--rate", "1"], &["`127.0.0.1:1`", "begin it with `http://`"]),
        (
            &["--url", "http://127.0.0.1:1", "--rate", "1"],
            &["`http://127.0.0.1:1` does not answer", "refused"],
        ),
        (&["--uds", "/no/such/socket", "--rate", "1"], &["`/no/such/socket` does not answer"]),
        (&["--workspaces", "5"], &["`--workspaces`", "give `--generate`"]),
        (&["--workload", &broken, "--roles", "1"], &["`--roles`", "give `--generate`"]),
        (&["--format", "sarif"], &["`--format`"]),
        (&["workload", "--data", "/no/such/d", "--out", "o"], &["`--data`: `/no/such/d`"]),
    ] {
        refused(&run(["bench"].into_iter().chain(arguments.iter().copied())), said);
    }
}

#[test]
fn over_tls_a_trusted_certificate_is_measured_and_another_is_named() {
    let place = Place::new();
    let (cert, key) = certificate(&place);
    let server = Server::demo(&["--tls-cert", &cert, "--tls-key", &key]);
    let url = format!("https://localhost:{}", server.api.port());
    let ask = |more: &[&str]| {
        let fixed = ["--format", "json", "bench", "--url", &url, "--token", DEV_TOKEN];
        command(fixed.into_iter().chain(with(more, &["--warmup", "0s", "--connections", "4"])))
    };
    // More than a thousand on a connection, so that some are made anew in between.
    for more in [
        &["--rate", "500", "--duration", "300ms"][..],
        &["--saturate", "--duration", "2s", "--connections", "1", "--pipeline", "8"],
    ] {
        let trusted = read(&finish(ask(more).env("SSL_CERT_FILE", &cert)));
        let answered = assert_whole(&trusted, 1);
        assert!(number(&trusted["connections"]["reconnects"]) >= answered / 1_001);
    }
    refused(
        &finish(&mut ask(&["--rate", "10"])),
        &["does not answer", "the certificate is not trusted", "SSL_CERT_FILE"],
    );
    let clear = url.replace("https", "http");
    let clear = run(["bench", "--url", &clear, "--rate", "10"]);
    assert_eq!(clear.code, 2, "{clear:?}");
    // Whether its alert arrives before the connection ends is the system's choice.
    assert!(
        clear.err.contains("speaks TLS: try `https://`") || clear.err.contains("does not answer"),
        "{clear:?}"
    );
}

#[test]
fn an_interrupted_run_prints_what_it_has() {
    let answers = Arc::new(AtomicUsize::new(0));
    let counted = answers.clone();
    let at = answering(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        Some(answer("200 OK", "", ALLOW))
    });
    let url = format!("http://{at}");
    let mut long =
        command(["bench", "--url", &url, "--rate", "200", "--duration", "10m", "--warmup", "0s"]);
    let running = long.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until("it measures", || answers.load(Ordering::Relaxed) > 20);
    signal(running.id(), "INT");
    let output = running.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(out.contains("ended early, after ") && out.contains(" Allow, 0 Deny"), "{out}");
}

/// Returns the arguments of a small workload.
fn shape(seed: &str) -> [&str; 10] {
    let [few, some, many] = ["4", "20", "300"];
    ["--workspaces", few, "--members", some, "--roles", few, "--requests", many, "--seed", seed]
}
