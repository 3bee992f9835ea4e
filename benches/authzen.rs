//! AuthZEN and lists of actions beside `/v1/is-authorized`: the same questions in other words, one service, asked in turn.
//!
//! `cargo bench --bench authzen`; the server is pinned to one core, the load comes from another one.
//! `PAI_AUTHZ_BENCH_ROUNDS` and `PAI_AUTHZ_BENCH_MS` change its size.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
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

use std::time::Duration;

use numbers::median;
use pai_authz::load::{ask, workload};
use serde_json::{Value, json};
use service::{Service, line, saturated};
use settings::number;

/// Decisions of a batch, and rows of a page.
const SIZE: usize = 100;
const ROWS: usize = 25;

fn main() {
    let rounds = number("PAI_AUTHZ_BENCH_ROUNDS", 9);
    let turn = Duration::from_millis(number("PAI_AUTHZ_BENCH_MS", 1_500) as u64);
    pinned::pin_this_to(1);
    let folder = tempfile::TempDir::new().unwrap();
    let made = workload::generate(&workload::Shape::default());
    let service = Service::start(folder.path(), &made.data);
    let tcp = &service.tcp;
    let post = |path: &str, bodies: &[String]| -> Vec<Vec<u8>> {
        bodies.iter().map(|body| service.post(tcp, path, body)).collect()
    };
    let questions: Vec<Value> =
        made.requests.iter().map(|it| serde_json::from_str(it).unwrap()).collect();
    let evaluations: Vec<Value> = questions.iter().map(evaluation).collect();
    let in_words: Vec<String> = evaluations.iter().map(Value::to_string).collect();
    let (singles, evaluation) =
        (post("/v1/is-authorized", &made.requests), post("/access/v1/evaluation", &in_words));
    for (single, evaluation) in singles.iter().zip(&evaluation) {
        let [single, evaluation] = [single, evaluation].map(|request| answer(&service, request));
        assert_eq!(evaluation["context"], single, "in other words the same");
    }
    let batches = post("/v1/batch-is-authorized", &workload::batches(&made.requests, SIZE));
    let many: Vec<String> =
        evaluations.chunks(SIZE).map(|items| json!({ "evaluations": items }).to_string()).collect();
    let many = post("/access/v1/evaluations", &many);
    let page = |rows: &[Value]| {
        let resources: Vec<&Value> = rows.iter().map(|row| &row["resource"]).collect();
        json!({ "principal": rows[0]["principal"], "resources": resources })
    };
    let named = |rows: &[Value]| {
        let mut page = page(rows);
        let actions = ["PaiDLC:GetJob", "PaiDLC:StopJob", "PaiDLC:DeleteJob", "PaiDLC:UpdateJob"];
        page["actions"] = json!(actions);
        page.to_string()
    };
    let jobs = of_jobs(&questions);
    let pages: Vec<String> = jobs.chunks_exact(ROWS).map(|rows| page(rows).to_string()).collect();
    let few: Vec<String> = jobs.chunks_exact(ROWS).map(named).collect();
    let (pages, few) = (post("/v1/allowed-actions", &pages), post("/v1/allowed-actions", &few));
    for request in pages.iter().chain(&few).take(100) {
        assert_eq!(answer(&service, request)["results"].as_array().unwrap().len(), ROWS);
    }

    println!("| case | AuthZEN or list | PAI's own | ratio |\n|---|---|---|---|");
    let [ours, theirs] =
        saturated(rounds, turn, &[(tcp, evaluation.clone()), (tcp, singles.clone())], 64);
    line("requests/s, one decision each, 64 connections", &ours, &theirs, 0);
    let mut ratios: Vec<f64> = ours.iter().zip(&theirs).map(|(a, b)| a / b).collect();
    ratios.sort_by(f64::total_cmp);
    let ratio = median(&ratios);
    let over_uds = [(&service.uds, evaluation), (&service.uds, singles.clone())];
    let [ours, theirs] = saturated(rounds, turn, &over_uds, 64);
    line("the same over the Unix socket", &ours, &theirs, 0);
    let [ours, theirs] = saturated(rounds, turn, &[(tcp, many), (tcp, batches)], 16);
    let decisions = |list: &[f64]| -> Vec<f64> { list.iter().map(|it| it * SIZE as f64).collect() };
    line("decisions/s, 100 each, 16 connections", &decisions(&ours), &decisions(&theirs), 0);
    let rows = |list: &[f64]| -> Vec<f64> { list.iter().map(|it| it * ROWS as f64).collect() };
    for (case, pages) in [("every action of the type", pages), ("4 actions", few)] {
        let [ours, theirs] = saturated(rounds, turn, &[(tcp, pages), (tcp, singles.clone())], 16);
        let case = format!("rows/s, {case}, {ROWS} rows each, beside requests/s, 16 connections");
        line(&case, &rows(&ours), &theirs, 0);
    }
    eprintln!("an evaluation is {ratio:.3} of a request in PAI's words");
}

fn answer(service: &Service, request: &[u8]) -> Value {
    let answer = ask(&service.tcp, request, Duration::from_secs(5)).unwrap();
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    serde_json::from_slice(&answer.body).unwrap()
}

/// Returns a question in AuthZEN's words.
fn evaluation(question: &Value) -> Value {
    let resource = &question["resource"];
    let mut properties = resource.clone();
    let members = properties.as_object_mut().unwrap();
    let (kind, id) = (members.remove("type"), members.remove("id"));
    // Without a type it is anything in the workspace.
    let place = match kind {
        Some(kind) => json!({ "type": kind, "id": id.unwrap_or_else(|| json!("*")) }),
        None => json!({ "type": "workspace", "id": resource["workspace"] }),
    };
    let mut evaluation = json!({
        "subject": question["principal"],
        "action": { "name": question["action"] },
        "resource": place,
    });
    evaluation["resource"]["properties"] = properties;
    if let Some(context) = question.get("context") {
        evaluation["context"] = context.clone();
    }
    evaluation
}

/// Returns the questions as those about jobs.
fn of_jobs(questions: &[Value]) -> Vec<Value> {
    let job = |(number, question): (usize, &Value)| {
        let mut question = question.clone();
        let resource = &question["resource"];
        let own = json!({
            "type": "job",
            "id": format!("dlc-{number}"),
            "workspace": resource["workspace"],
            "creator": question["principal"]["id"],
            "accessibility": if number % 2 == 0 { "PRIVATE" } else { "PUBLIC" },
        });
        question["resource"] = own;
        question
    };
    questions.iter().enumerate().map(job).collect()
}
