//! What a run came to, as text, JSON and curves.

use std::{fmt::Write as _, time::Duration};

use serde_json::{Value, json};

use crate::{
    cli::output,
    load::{
        Arrivals, Latencies, Pace, Plan, Report,
        plot::{self, Series, time},
    },
};

/// Columns and rows of a plot in a terminal.
const COLUMNS: usize = 98;
const ROWS: usize = 22;
/// The quantiles of the table, with the names of text and JSON.
const QUANTILES: [(&str, f64); 5] =
    [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("p99.99", 0.9999)];

/// A run, and how it came about.
pub(super) struct Measured<'m> {
    pub(super) plan: &'m Plan,
    pub(super) path: &'m str,
    pub(super) batch: Option<u32>,
    /// Bodies that were sent in rotation.
    pub(super) bodies: usize,
    /// Requests a second of the calibration that chose the rate.
    pub(super) calibrated: Option<f64>,
    pub(super) report: &'m Report,
}

/// Returns what makes the numbers worth less than they look.
pub(super) fn warnings(report: &Report) -> Vec<String> {
    let mut out = Vec::new();
    let counts = &report.counts;
    if let Some(demanded) = report.demanded.filter(|_| report.is_saturated()) {
        out.push(format!(
            "SATURATED: {} requests/s were due, {} were answered.\n\
             The server, or this client, is at its limit: latencies grow as long as such a run goes on.",
            rate(demanded),
            rate(report.achieved)
        ));
    }
    if counts.answered == 0 {
        out.push("NOTHING MEASURED: no answer came after the warm-up".to_owned());
    }
    if counts.failed() > 0 {
        out.push(format!(
            "FAILURES: {} of {} requests have no answer with a status from 200 to 299",
            grouped(counts.failed()),
            grouped(counts.sent)
        ));
    }
    if counts.refused_connections > 0 {
        out.push(format!(
            "FAILURES: {} times a connection could not be opened",
            grouped(counts.refused_connections)
        ));
    }
    if let (Some(error), false) = (&report.first_error, out.is_empty()) {
        out.push(format!("the first error: {}", output::one_line(error)));
    }
    out
}

/// Returns what may be meant otherwise, where everything was denied.
pub(super) fn doubt(report: &Report) -> Option<&'static str> {
    let decisions = &report.counts.decisions;
    (decisions.allow == 0 && decisions.deny > 0).then_some(
        "nothing was allowed: are users and workspaces of the questions in this account? Those of the demonstration are there with \
         `serve --dev --demo`, those of `--generate` once what `pai-authz bench workload` writes is imported",
    )
}

/// Returns the curves of a run.
pub(super) fn series(report: &Report) -> Vec<Series> {
    let sent = Series::new("from when it was sent", &report.service);
    match report.demanded {
        Some(_) => vec![Series::new("from when it was due", &report.latency), sent],
        None => vec![sent],
    }
}

/// Returns what was measured, in a line.
pub(super) fn title(measured: &Measured<'_>) -> String {
    let (plan, report) = (measured.plan, measured.report);
    let pace = match plan.pace {
        Pace::Open { .. } => "open loop",
        Pace::Closed => "closed loop",
    };
    format!(
        "{}, {pace}, {} requests/s, {} connections",
        measured.path,
        rate(report.achieved),
        plan.connections
    )
}

/// Returns everything for a person.
pub(super) fn text(measured: &Measured<'_>) -> String {
    let (plan, report, counts) = (measured.plan, measured.report, &measured.report.counts);
    let mut out = String::new();
    let mut line = |text: String| {
        out.push_str(&text);
        out.push('\n');
    };
    line(format!("{} {}", plan.target, measured.path));
    let batch = measured.batch.map(|size| format!(", {size} questions each")).unwrap_or_default();
    line(format!(
        "{} bodies in rotation{batch}; {} connections, pipeline {}; {} after {} of warm-up",
        grouped(measured.bodies as u64),
        plan.connections,
        plan.pipeline,
        time(plan.duration),
        time(plan.warmup)
    ));
    if let Some(reached) = measured.calibrated {
        line(format!(
            "calibration: {} requests/s with every connection busy; the rate is half of it",
            rate(reached)
        ));
    }
    match (plan.pace, report.demanded) {
        (Pace::Open { arrivals, .. }, Some(demanded)) => line(format!(
            "open loop: {} requests/s due, {}; {} answered",
            rate(demanded),
            arrivals_name(arrivals),
            rate(report.achieved)
        )),
        _ => line(format!("closed loop: {} requests/s", rate(report.achieved))),
    }
    let questions = measured.batch.map_or(1.0, f64::from);
    if measured.batch.is_some() {
        line(format!("{} questions/s", rate(report.achieved * questions)));
    }
    if report.ended_early {
        line(format!("ended early, after {:.1} s", report.elapsed.as_secs_f64()));
    }
    line(String::new());
    let mut rows = vec![header()];
    if report.demanded.is_some() {
        rows.push(row("from when it was due", &report.latency));
    }
    rows.push(row("from when it was sent", &report.service));
    line(output::table(&rows));
    let classes = ["2xx", "3xx", "4xx", "5xx"].into_iter().zip(counts.statuses);
    let classes = classes.map(|(class, count)| format!("{} {class}", grouped(count)));
    let mut facts = vec![
        ("requests", format!("{} due, {} sent", grouped(counts.due), grouped(counts.sent))),
        ("answers", classes.collect::<Vec<_>>().join(", ")),
        (
            "decisions",
            format!(
                "{} Allow, {} Deny, {} error",
                grouped(counts.decisions.allow),
                grouped(counts.decisions.deny),
                grouped(counts.decisions.error)
            ),
        ),
        (
            "connections",
            format!(
                "{} made anew, {} not opened",
                grouped(counts.reconnects),
                grouped(counts.refused_connections)
            ),
        ),
        (
            "bytes",
            format!(
                "{} sent, {} received",
                grouped(counts.bytes_sent),
                grouped(counts.bytes_received)
            ),
        ),
    ];
    let lost = counts.broken + counts.malformed + counts.unanswered + counts.unsent;
    if lost > 0 {
        let text = format!(
            "{} broken off, {} unreadable, {} unanswered, {} never sent",
            grouped(counts.broken),
            grouped(counts.malformed),
            grouped(counts.unanswered),
            grouped(counts.unsent)
        );
        facts.push(("lost", text));
    }
    let facts: Vec<Vec<String>> =
        facts.into_iter().map(|(name, text)| vec![name.to_owned(), text]).collect();
    line(output::table(&facts));
    // Writing to a string cannot fail.
    let _ = write!(out, "{}", plot::text(&series(report), COLUMNS, ROWS));
    for warning in warnings(report) {
        let _ = write!(out, "\n{warning}\n");
    }
    out
}

fn header() -> Vec<String> {
    let names = QUANTILES.iter().map(|(name, _)| (*name).to_owned());
    [String::new(), "mean".to_owned()].into_iter().chain(names).chain(["max".to_owned()]).collect()
}

fn row(name: &str, latencies: &Latencies) -> Vec<String> {
    let shown = |value: Duration| if latencies.is_empty() { "-".to_owned() } else { time(value) };
    let quantiles = QUANTILES.iter().map(|(_, quantile)| shown(latencies.quantile(*quantile)));
    [name.to_owned(), shown(latencies.mean())]
        .into_iter()
        .chain(quantiles)
        .chain([shown(latencies.max())])
        .collect()
}

const fn arrivals_name(arrivals: Arrivals) -> &'static str {
    match arrivals {
        Arrivals::Uniform => "uniform",
        Arrivals::Poisson => "poisson",
    }
}

/// Returns everything for a program; docs/bench.md has the fields.
pub(super) fn json(measured: &Measured<'_>) -> Value {
    let (plan, report, counts) = (measured.plan, measured.report, &measured.report.counts);
    let pace = match plan.pace {
        Pace::Open { rate, arrivals, seed } => {
            json!({ "loop": "open", "rate": rate, "arrivals": arrivals_name(arrivals), "seed": seed })
        }
        Pace::Closed => json!({ "loop": "closed" }),
    };
    let [ok, redirected, refused, failed] = counts.statuses;
    json!({
        "plan": {
            "target": plan.target.to_string(),
            "path": measured.path,
            "pace": pace,
            "calibratedPerSecond": measured.calibrated,
            "durationSeconds": plan.duration.as_secs_f64(),
            "warmupSeconds": plan.warmup.as_secs_f64(),
            "connections": plan.connections,
            "pipeline": plan.pipeline,
            "batch": measured.batch,
            "bodies": measured.bodies,
        },
        "elapsedSeconds": report.elapsed.as_secs_f64(),
        "demandedPerSecond": report.demanded,
        "achievedPerSecond": report.achieved,
        "questionsPerSecond": report.achieved * measured.batch.map_or(1.0, f64::from),
        "saturated": report.is_saturated(),
        "endedEarly": report.ended_early,
        "requests": {
            "due": counts.due,
            "sent": counts.sent,
            "answered": counts.answered,
            "broken": counts.broken,
            "malformed": counts.malformed,
            "unanswered": counts.unanswered,
            "unsent": counts.unsent,
        },
        "statuses": { "2xx": ok, "3xx": redirected, "4xx": refused, "5xx": failed },
        "decisions": {
            "allow": counts.decisions.allow,
            "deny": counts.decisions.deny,
            "error": counts.decisions.error,
        },
        "connections": { "reconnects": counts.reconnects, "refused": counts.refused_connections },
        "bytes": { "sent": counts.bytes_sent, "received": counts.bytes_received },
        "firstError": report.first_error,
        "latencyNanos": nanos(&report.latency),
        "serviceNanos": nanos(&report.service),
    })
}

fn nanos(latencies: &Latencies) -> Value {
    let whole = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    let curve: Vec<Value> = latencies
        .curve()
        .into_iter()
        .map(|(quantile, time)| json!([quantile * 100.0, whole(time)]))
        .collect();
    let mut out = json!({
        "count": latencies.len(),
        "mean": whole(latencies.mean()),
        "max": whole(latencies.max()),
        "curve": curve,
    });
    if let Some(fields) = out.as_object_mut() {
        for (name, quantile) in QUANTILES {
            fields.insert(name.to_owned(), json!(whole(latencies.quantile(quantile))));
        }
    }
    out
}

/// Returns a rate: whole above a hundred, with a digit below.
pub(super) fn rate(value: f64) -> String {
    if value < 99.95 {
        return format!("{value:.1}");
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rates are positive and far below 2^53"
    )]
    let rounded = value.round() as u64;
    grouped(rounded)
}

/// Returns a number with a comma between thousands.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        for (number, text) in
            [(0, "0"), (999, "999"), (1_000, "1,000"), (12_345, "12,345"), (1_234_567, "1,234,567")]
        {
            assert_eq!(grouped(number), text);
        }
        assert_eq!(rate(12.34), "12.3");
        assert_eq!(rate(99_999.6), "100,000");
    }
}
