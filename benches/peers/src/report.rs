//! The numbers: medians with quartiles, ratios round by round, as a table or as JSON.

use std::{collections::BTreeMap, fs};

use clap::ValueEnum;
use serde_json::{Value, json};

use crate::{
    RunArgs,
    client::Round,
    servers::{Kind, Peer},
    workload::{CHECKS, Workload},
};

/// How the numbers are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Tables.
    Text,
    /// One JSON object, with every round.
    Json,
}

/// What was measured of a peer.
#[derive(Debug)]
pub(crate) struct Measured {
    kind: Kind,
    version: String,
    start_ms: f64,
    resident_before_load: u64,
    /// Bytes of resident memory after everything.
    pub(crate) resident_after_load: u64,
    /// Rounds of single checks.
    pub(crate) singles: Vec<Round>,
    /// Rounds of batches.
    pub(crate) batches: Vec<Round>,
}

impl Measured {
    /// Begins with a peer that has answered every check once and is not under load yet.
    ///
    /// # Errors
    /// The peer has ended.
    pub(crate) fn new(peer: &Peer) -> anyhow::Result<Self> {
        Ok(Self {
            kind: peer.kind,
            version: peer.version.clone(),
            start_ms: peer.process.start.as_secs_f64() * 1e3,
            resident_before_load: peer.process.resident()?,
            resident_after_load: 0,
            singles: Vec::new(),
            batches: Vec::new(),
        })
    }
}

/// Everything a run found.
#[derive(Debug)]
pub(crate) struct Report {
    machine: Vec<(&'static str, String)>,
    /// Name in JSON, name for people, value.
    setting: Vec<(&'static str, &'static str, Value)>,
    batch: u16,
    /// The peers, pai-authz first.
    pub(crate) peers: Vec<Measured>,
}

impl Report {
    /// Begins with the machine as it is before any load.
    pub(crate) fn new(args: &RunArgs, workload: &Workload) -> Self {
        let members: usize = workload.workspaces.iter().map(|w| w.members.len()).sum();
        let percent = (workload.allowed_percent() * 10.0).round() / 10.0;
        Self {
            machine: machine(),
            setting: vec![
                ("workspaces", "workspaces", json!(args.workspaces)),
                ("memberships", "memberships", json!(members)),
                ("codes", "permission codes asked about", json!(workload.codes)),
                ("checks", "checks in turn", json!(CHECKS)),
                ("allowedPercent", "% of them allowed", json!(percent)),
                ("rounds", "rounds", json!(args.rounds)),
                ("turnMilliseconds", "ms for a peer in each", json!(args.turn_ms)),
                ("connections", "connections", json!(args.connections)),
                ("batchConnections", "for batches", json!(args.batch_connections)),
                ("batch", "checks in a batch", json!(args.batch)),
            ],
            batch: args.batch,
            peers: Vec::new(),
        }
    }

    /// Prints it on standard output.
    ///
    /// # Errors
    /// Numbers that JSON cannot say.
    #[expect(clippy::print_stdout, reason = "this is the result")]
    pub(crate) fn print(&self, format: Format) -> anyhow::Result<()> {
        match format {
            Format::Text => println!("{}", self.text()),
            Format::Json => println!("{}", serde_json::to_string_pretty(&self.json())?),
        }
        Ok(())
    }

    fn text(&self) -> String {
        let mut lines = vec![String::new()];
        lines.extend(self.machine.iter().map(|(name, value)| format!("{name}: {value}")));
        let setting = self.setting.iter().map(|(_, name, value)| format!("{value} {name}"));
        lines.push(setting.collect::<Vec<_>>().join(", "));
        for (title, is_batch) in [("one check a request", false), ("batches", true)] {
            let (checks, columns) = if is_batch {
                (f64::from(self.batch), "checks/s, quartiles")
            } else {
                (1.0, "requests/s, quartiles")
            };
            lines.push(format!("\n{title}"));
            lines.push(format!(
                "  {:<12} {columns:<30} {:>8} {:>8} {:>12} {:>7} {:>7}  {:<24}by CPU",
                "", "p50 ms", "p99 ms", "CPU us/check", "server", "client", "pai-authz / peer"
            ));
            for (peer, rounds, ratios) in self.compared(is_batch) {
                let of = |value: &dyn Fn(&Round) -> f64| Quartiles::of(rounds.iter().map(value));
                let rates = of(&|round| round.rate * checks);
                let shown = |of: Quartiles| match peer.kind {
                    Kind::PaiAuthz => "1".to_owned(),
                    _ => format!("{:.2} ({:.2} to {:.2})", of.middle, of.low, of.high),
                };
                let (by_rate, by_cpu) = (shown(ratios.by_rate), shown(ratios.by_cpu));
                lines.push(format!(
                    "  {:<12} {:<30} {:>8.2} {:>8.2} {:>12.1} {:>5.0} % {:>5.0} %  {by_rate:<24}{by_cpu}",
                    peer.kind.name(),
                    format!(
                        "{} ({} to {})",
                        grouped(rates.middle),
                        grouped(rates.low),
                        grouped(rates.high)
                    ),
                    of(&|round| round.p50 / 1e3).middle,
                    of(&|round| round.p99 / 1e3).middle,
                    of(&|round| round.cost() / checks).middle,
                    of(&|round| round.server * 100.0).middle,
                    of(&|round| round.client * 100.0).middle,
                ));
            }
        }
        lines.push("\nprocess".to_owned());
        lines.push(format!(
            "  {:<12} {:<10} {:>10} {:>16} {:>16}",
            "", "version", "start ms", "MiB before load", "MiB after load"
        ));
        for peer in &self.peers {
            lines.push(format!(
                "  {:<12} {:<10} {:>10.0} {:>16.1} {:>16.1}",
                peer.kind.name(),
                peer.version,
                peer.start_ms,
                mebibytes(peer.resident_before_load),
                mebibytes(peer.resident_after_load)
            ));
        }
        lines.join("\n")
    }

    fn json(&self) -> Value {
        let machine: BTreeMap<_, _> =
            self.machine.iter().map(|(name, value)| (*name, value)).collect();
        let setting: BTreeMap<_, _> =
            self.setting.iter().map(|(name, _, value)| (*name, value)).collect();
        let of = |is_batch: bool| {
            self.compared(is_batch).map(move |(_, rounds, ratios)| {
                let checks = if is_batch { f64::from(self.batch) } else { 1.0 };
                let of =
                    |value: &dyn Fn(&Round) -> f64| Quartiles::of(rounds.iter().map(value)).json();
                json!({
                    "checksPerSecond": of(&|round| round.rate * checks),
                    "p50Microseconds": of(&|round| round.p50),
                    "p99Microseconds": of(&|round| round.p99),
                    "serverMicrosecondsPerCheck": of(&|round| round.cost() / checks),
                    "serverBusy": of(&|round| round.server),
                    "clientBusy": of(&|round| round.client),
                    "paiAuthzToPeer": ratios.by_rate.json(),
                    "paiAuthzToPeerByCpu": ratios.by_cpu.json(),
                    "requestsPerSecondByRound":
                        rounds.iter().map(|round| round.rate).collect::<Vec<_>>(),
                })
            })
        };
        let peers = self.peers.iter().zip(of(false).zip(of(true)));
        let peers = peers.map(|(peer, (singles, batches))| {
            json!({
                "name": peer.kind.name(),
                "version": peer.version,
                "startMilliseconds": peer.start_ms,
                "residentBytesBeforeLoad": peer.resident_before_load,
                "residentBytesAfterLoad": peer.resident_after_load,
                "singleChecks": singles,
                "batches": batches,
            })
        });
        json!({
            "machine": machine,
            "setting": setting,
            "peers": peers.collect::<Vec<_>>(),
        })
    }

    /// Returns each peer with its rounds and how it compares.
    fn compared(&self, is_batch: bool) -> impl Iterator<Item = (&Measured, &[Round], Ratios)> {
        let rounds = move |peer: &Measured| -> Vec<Round> {
            if is_batch { peer.batches.clone() } else { peer.singles.clone() }
        };
        let ours = self.peers.first().map(rounds).unwrap_or_default();
        self.peers.iter().map(move |peer| {
            let theirs = if is_batch { &peer.batches } else { &peer.singles };
            let pairs = || ours.iter().zip(theirs);
            let ratios = Ratios {
                by_rate: Quartiles::of(pairs().map(|(ours, theirs)| ours.rate / theirs.rate)),
                by_cpu: Quartiles::of(pairs().map(|(ours, theirs)| theirs.cost() / ours.cost())),
            };
            (peer, theirs.as_slice(), ratios)
        })
    }
}

/// How many times as fast pai-authz was as a peer in the same round; below 1 the peer was faster.
#[derive(Debug, Clone, Copy)]
struct Ratios {
    /// By requests a second.
    by_rate: Quartiles,
    /// By the work of its core a request.
    by_cpu: Quartiles,
}

/// The middle half of some values.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Quartiles {
    low: f64,
    middle: f64,
    high: f64,
}

impl Quartiles {
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = values.collect();
        sorted.sort_by(f64::total_cmp);
        // Between two values, the part of the way that the rank says.
        let at = |quarter: usize| {
            let rank = quarter * sorted.len().saturating_sub(1);
            let value = |index: usize| sorted.get(index).copied();
            let low = value(rank / 4).unwrap_or_default();
            let high = value(rank / 4 + 1).unwrap_or(low);
            low + (high - low) * f64::from(u8::try_from(rank % 4).unwrap_or(0)) / 4.0
        };
        Self { low: at(1), middle: at(2), high: at(3) }
    }

    fn json(self) -> Value {
        json!({"median": self.middle, "quartiles": [self.low, self.high]})
    }
}

/// Returns the version of a package of this build.
pub(crate) fn locked(package: &str) -> &'static str {
    let lock = include_str!("../Cargo.lock");
    let (_, rest) =
        lock.split_once(&format!("name = \"{package}\"\nversion = \"")).unwrap_or_default();
    rest.split('"').next().unwrap_or_default()
}

fn machine() -> Vec<(&'static str, String)> {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let info = read("/proc/cpuinfo");
    let model = info.lines().find_map(|line| line.strip_prefix("model name\t: "));
    let cores = info.lines().filter(|line| line.starts_with("processor\t")).count();
    let load = read("/proc/loadavg");
    vec![
        ("processor", format!("{cores} cores of {}", model.unwrap_or("an unknown model"))),
        ("kernel", read("/proc/sys/kernel/osrelease").trim().to_owned()),
        ("load", load.split(' ').next().unwrap_or_default().to_owned()),
    ]
}

#[expect(clippy::cast_precision_loss, reason = "memory is far below 2^52 bytes")]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// Returns a whole number with commas.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut out = String::new();
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
    fn quartiles_lie_between_values() {
        let five = Quartiles::of([5.0, 1.0, 4.0, 2.0, 3.0].into_iter());
        assert_eq!(five, Quartiles { low: 2.0, middle: 3.0, high: 4.0 });
        let four = Quartiles::of([1.0, 2.0, 3.0, 4.0].into_iter());
        assert_eq!(four, Quartiles { low: 1.75, middle: 2.5, high: 3.25 });
        let one = Quartiles::of([7.0].into_iter());
        assert_eq!(one, Quartiles { low: 7.0, middle: 7.0, high: 7.0 });
    }

    #[test]
    fn versions_are_read_from_the_lock_file() {
        assert_eq!((locked("cedar-policy"), locked("casbin")), ("4.14.1", "2.20.0"));
    }

    #[test]
    fn numbers_are_grouped_by_three() {
        let shown = [0.0, 999.4, 1_000.0, 123_456.0, 1_234_567.0].map(grouped);
        assert_eq!(shown, ["0", "999", "1,000", "123,456", "1,234,567"]);
    }
}
