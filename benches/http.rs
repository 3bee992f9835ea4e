//! The service over HTTP beside the floor: the same server and the same readers with an answer that is always the same.
//!
//! Both are processes of their own, pinned to one core; the load comes from another one. They are asked in turn, and the
//! ratio is taken round by round, so that it holds while the machine's speed drifts. `make bench-http`;
//! `PAI_AUTHZ_BENCH_ROUNDS` and `PAI_AUTHZ_BENCH_MS` change its size.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::cast_precision_loss,
    reason = "a bench prints, and a failure ends it"
)]

#[path = "support/numbers.rs"]
mod numbers;
#[path = "support/pinned.rs"]
mod pinned;
#[path = "support/service.rs"]
mod service;
#[path = "support/settings.rs"]
mod settings;

use std::{path::Path, time::Duration};

use numbers::median;
use pai_authz::load::{Arrivals, Latencies, Pace, Target, ask, plot, workload};
use pinned::Pinned;
use serde_json::{Value, json};
use service::{Asked, Service, binary, line, run, saturated};
use settings::number;

const SINGLE: &str = "/v1/is-authorized";
const BATCH: &str = "/v1/batch-is-authorized";
/// Decisions of a batch.
const SIZE: usize = 100;
/// Into how many parts each turn is cut for latencies. Shared machines stand still for some milliseconds about once a second, so that
/// these are the slowest hundredth of a longer turn, whoever is asked; of short turns, most are free of them.
const CUTS: u32 = 8;

fn main() {
    let rounds = number("PAI_AUTHZ_BENCH_ROUNDS", 9);
    let turn = Duration::from_millis(number("PAI_AUTHZ_BENCH_MS", 1_500) as u64);
    pinned::pin_this_to(1);
    let folder = tempfile::TempDir::new().unwrap();
    let made = workload::generate(&workload::Shape::default());
    let service = Service::start(folder.path(), &made.data);
    let single = |of: &Target| -> Vec<Vec<u8>> {
        made.requests.iter().map(|body| service.post(of, SINGLE, body)).collect()
    };
    let batches = workload::batches(&made.requests, SIZE);
    let batch = |of: &Target| -> Vec<Vec<u8>> {
        batches.iter().map(|body| service.post(of, BATCH, body)).collect()
    };
    let floor = floor(&service, folder.path(), &single(&service.tcp), &batch(&service.tcp));

    println!("| case | pai-authz | floor | ratio |\n|---|---|---|---|");
    let tcp = [&service.tcp, &floor.tcp];
    let [ours, theirs] = saturated(rounds, turn, &tcp.map(|of| (of, single(of))), 64);
    line("requests/s, 64 connections", &ours, &theirs, 0);
    let rate = median(&sorted(&theirs)) / 2.0;
    latencies(CUTS as usize * rounds, turn / CUTS, &tcp.map(|of| (of, single(of))), rate);
    let uds = [&service.uds, &floor.uds];
    let [ours, theirs] = saturated(rounds, turn, &uds.map(|of| (of, single(of))), 64);
    line("requests/s, 64 connections, Unix socket", &ours, &theirs, 0);
    let [ours, theirs] = saturated(rounds, turn, &tcp.map(|of| (of, batch(of))), 16);
    let decisions = |list: &[f64]| -> Vec<f64> { list.iter().map(|it| it * SIZE as f64).collect() };
    line("decisions/s, batches of 100, 16 connections", &decisions(&ours), &decisions(&theirs), 0);
}

/// The floor.
struct Floor {
    tcp: Target,
    uds: Target,
    _process: Pinned,
}

/// Starts the floor, which answers as long as the service does on the average.
fn floor(service: &Service, folder: &Path, singles: &[Vec<u8>], batches: &[Vec<u8>]) -> Floor {
    let files = [("single", singles), ("batch", batches)].map(|(name, requests)| {
        let answers: Vec<String> = requests
            .iter()
            .take(64)
            .map(|request| {
                let answer = ask(&service.tcp, request, Duration::from_secs(5)).unwrap();
                let body = String::from_utf8(answer.body).unwrap();
                assert_eq!(answer.status, 200, "{body}");
                body
            })
            .collect();
        let mean = answers.iter().map(String::len).sum::<usize>() / answers.len();
        // The first that is as long as the average, filled up where it is shorter.
        let mut answer = answers.into_iter().max_by_key(|it| (it.len() <= mean, it.len())).unwrap();
        answer.extend(std::iter::repeat_n(' ', mean.saturating_sub(answer.len())));
        let file = folder.join(name);
        std::fs::write(&file, answer).unwrap();
        file.display().to_string()
    });
    let [single, batch] = files;
    let socket = folder.join("floor.sock").display().to_string();
    let arguments = ["bench", "floor", "--listen", "127.0.0.1:0", "--uds", &socket];
    let answers = ["--single", &single, "--batch", &batch];
    let process = Pinned::start(&binary(), &[&arguments[..], &answers].concat(), 0);
    let tcp = Target::url(&process.url).unwrap();
    Floor { tcp, uds: Target::unix(Path::new(&socket)), _process: process }
}

/// Prints the latencies of both at a rate, from when requests were due, and draws them.
fn latencies(rounds: usize, turn: Duration, of: &[Asked<'_>; 2], rate: f64) {
    let mut of_quantile: Vec<(&str, f64, [Vec<f64>; 2])> =
        [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)]
            .map(|(name, quantile)| (name, quantile, Default::default()))
            .into();
    let mut together: [Option<Latencies>; 2] = [None, None];
    let mut behind = [0; 2];
    for round in 0..=rounds {
        eprint!("\rround {round} of {rounds}  ");
        for (index, (asked, together)) in of.iter().zip(&mut together).enumerate() {
            let pace = Pace::Open { rate, arrivals: Arrivals::Uniform, seed: round as u64 };
            let report = run(asked, pace, turn, 64);
            // A pause of the machine: it is in the latencies, which count from when requests were due.
            *behind.get_mut(index).unwrap() += usize::from(report.is_saturated());
            for (_, quantile, lists) in &mut of_quantile {
                if round > 0 {
                    let micros = report.latency.quantile(*quantile).as_secs_f64() * 1e6;
                    lists.get_mut(index).unwrap().push(micros);
                }
            }
            match together {
                Some(together) => together.add(&report.latency),
                None => *together = Some(report.latency),
            }
        }
    }
    eprint!("\r");
    for (name, _, [ours, theirs]) in &of_quantile {
        line(&format!("{name}, µs, at {rate:.0} requests/s"), ours, theirs, 0);
    }
    if behind != [0; 2] {
        let [ours, theirs] = behind;
        eprintln!(
            "rounds that fell behind the rate: {ours} of ours, {theirs} of the floor's, of {rounds}"
        );
    }
    let [Some(ours), Some(theirs)] = together else { return };
    let title = format!("Latency at {rate:.0} requests a second, from when each was due");
    let series = [("pai-authz", &ours), ("floor", &theirs)];
    let drawn = series.map(|(name, latencies)| plot::Series::new(name, latencies));
    let data: Vec<Value> = series
        .iter()
        .map(|(name, latencies)| {
            let point = |(quantile, time): (f64, Duration)| json!([quantile, time.as_secs_f64()]);
            let curve: Vec<Value> = latencies.curve().into_iter().map(point).collect();
            json!({ "name": name, "quantiles and seconds": curve })
        })
        .collect();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(folder.join("http.svg"), plot::svg(&title, &drawn)).unwrap();
    let data = json!({ "title": title, "series": data });
    std::fs::write(folder.join("http.json"), data.to_string()).unwrap();
    eprintln!("plot and its data: {}/http.svg, http.json", folder.display());
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}
