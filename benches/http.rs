//! Requests a second over HTTP: this service beside the same actix server with a constant answer.
//!
//! Both run in one process, are asked in turn (A B A B …) by the same client over keep-alive connections, and the
//! ratio is taken round by round, so that it holds while the machine's speed drifts. Run it with
//! `cargo bench --bench http`; `PAI_AUTHZ_BENCH_ROUNDS` and `PAI_AUTHZ_BENCH_CONNECTIONS` change its size.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench prints, reads the clock, and a failure ends it"
)]

mod support;

use std::{
    net::SocketAddr,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use actix_web::{App, HttpResponse, HttpServer, web};
use pai_authz::{
    config::LogFormat,
    domain::AccountId,
    service::{DEV_ACCOUNT, DEV_TOKEN, demo},
    store::{Mode, RedbStore},
    telemetry,
};
use tokio::net::TcpStream;

use support::{exchange, listener, median, spread, start_service};

const ALLOWED: &str = r#"{"principal":{"type":"User","id":"2001"},"action":"PaiDLC:StopJob","resource":{"type":"job","id":"dlc-1","workspace":"10001","creator":"2001","accessibility":"PRIVATE"}}"#;
const DENIED: &str = r#"{"principal":{"type":"User","id":"2001"},"action":"PaiDLC:StopJob","resource":{"type":"job","id":"dlc-1","workspace":"10001","creator":"2002","accessibility":"PRIVATE"}}"#;

fn main() {
    let number = |name: &str, default| {
        std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default)
    };
    let rounds: usize = number("PAI_AUTHZ_BENCH_ROUNDS", 9);
    let connections: usize = number("PAI_AUTHZ_BENCH_CONNECTIONS", 64);
    telemetry::start("info", LogFormat::Json).unwrap();
    let store = RedbStore::in_memory(Mode::Development).unwrap();
    let account = AccountId::parse(DEV_ACCOUNT).unwrap();
    let ours = start_service(store, move |now| demo(&account, now).unwrap());
    let client = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let request = |path: &str, body: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {DEV_TOKEN}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    };
    let (allowed, denied) =
        (request("/v1/is-authorized", ALLOWED), request("/v1/is-authorized", DENIED));
    let batch = format!("{{\"requests\":[{}]}}", [ALLOWED, DENIED].repeat(50).join(","));
    let batch = request("/v1/batch-is-authorized", &batch);

    // The answers first: a fast wrong answer is worth nothing.
    let answer = client.block_on(ask(ours, &allowed));
    assert!(answer.contains("\"decision\":\"Allow\""), "{answer}");
    assert!(client.block_on(ask(ours, &denied)).contains("\"decision\":\"Deny\""));
    let answers = client.block_on(ask(ours, &batch));
    assert_eq!(answers.matches("\"Allow\"").count(), 50);
    assert_eq!(answers.matches("\"Deny\"").count(), 50);
    let body = |answer: &str| answer.split_once("\r\n\r\n").unwrap().1.to_owned();
    let (single_floor, batch_floor) = (start_floor(body(&answer)), start_floor(body(&answers)));

    println!(
        "{connections} connections, {rounds} rounds of 1 s each, server and client on the same cores"
    );
    for (name, floor, request, decisions) in [
        ("one decision a request", single_floor, &allowed, 1),
        ("100 decisions a request", batch_floor, &batch, 100),
    ] {
        let (mut a, mut b, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..=rounds {
            let ours = client.block_on(load(ours, request, connections));
            let floor = client.block_on(load(floor, request, connections));
            // The first round warms up.
            if round > 0 {
                a.push(ours);
                b.push(floor);
                ratios.push(ours / floor);
            }
        }
        println!("{name}");
        println!(
            "  pai-authz        {} requests/s, {:.0} decisions/s",
            spread(&mut a, 0),
            median(&a) * f64::from(decisions)
        );
        println!("  constant answer  {} requests/s", spread(&mut b, 0));
        println!("  ratio            {}", spread(&mut ratios, 3));
    }
}

/// Starts the floor: the same server, which reads the body and answers `answer`.
fn start_floor(answer: String) -> SocketAddr {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        actix_web::rt::System::new().block_on(async {
            let (listener, address) = listener();
            let answer = web::Data::new(answer);
            let server = HttpServer::new(move || {
                let answer = answer.clone();
                App::new().app_data(web::PayloadConfig::new(1024 * 1024)).default_service(web::to(
                    move |_body: web::Bytes| {
                        let answer = answer.clone();
                        async move {
                            HttpResponse::Ok()
                                .content_type("application/json")
                                .body(String::clone(&answer))
                        }
                    },
                ))
            });
            tell.send(address).unwrap();
            server.workers(1).disable_signals().listen(listener).unwrap().run().await.unwrap();
        });
    });
    told.recv().unwrap()
}

/// One request on a connection of its own, as text.
async fn ask(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut buffer = Vec::new();
    exchange(&mut stream, request, &mut buffer).await;
    String::from_utf8(buffer).unwrap()
}

/// Keeps every connection busy for a second and returns the requests a second.
async fn load(address: SocketAddr, request: &[u8], connections: usize) -> f64 {
    let started = Instant::now();
    let until = started + Duration::from_secs(1);
    let request: Arc<[u8]> = request.into();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..connections {
        let request = request.clone();
        tasks.spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let (mut buffer, mut count) = (Vec::with_capacity(64 * 1024), 0_u32);
            while Instant::now() < until {
                if !exchange(&mut stream, &request, &mut buffer).await {
                    stream = TcpStream::connect(address).await.unwrap();
                    stream.set_nodelay(true).unwrap();
                }
                count += 1;
            }
            count
        });
    }
    let counts = tasks.join_all().await;
    f64::from(counts.into_iter().sum::<u32>()) / started.elapsed().as_secs_f64()
}
