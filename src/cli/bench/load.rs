//! `pai-authz bench`: sends load to a running service and shows what it measured.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
    sync::atomic::Ordering,
    time::Duration,
};

use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};

use super::{
    arguments::{ShapeArgs, path, rate, some_time, time},
    show::{self, Measured},
};
use crate::{
    cli::{
        output::{self, Format},
        target::TargetArgs,
    },
    load::{self, Arrivals, Pace, Plan, Progress, Report, plot, workload},
};

/// How long the server is driven to its limit to choose a rate, and before that unmeasured.
const CALIBRATION: Duration = Duration::from_secs(2);
const CALIBRATION_WARMUP: Duration = Duration::from_millis(500);
/// How long the first request may take.
const FIRST: Duration = Duration::from_secs(10);
/// Open files beside connections.
const OTHER_FILES: u64 = 64;

/// What `bench` takes.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct LoadArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// Requests a second, due at their times whatever the service does. Without it and `--saturate`: half of what a
    /// calibration reaches.
    #[arg(long, value_name = "N", value_parser = rate, conflicts_with = "saturate")]
    rate: Option<f64>,
    /// Keep every connection busy and see how many requests a second that makes.
    #[arg(long)]
    saturate: bool,
    /// How long to measure, as `10s` or `500ms`.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = some_time)]
    duration: Duration,
    /// How long to send before anything is measured.
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = time)]
    warmup: Duration,
    /// Connections, all open from the start.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    connections: u32,
    /// Most requests in flight on one connection.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pipeline: u32,
    /// Questions in each request, sent to `/v1/batch-is-authorized`.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    batch: Option<u32>,
    /// Path to post to, by default `/v1/is-authorized` or, with `--batch`, `/v1/batch-is-authorized`.
    #[arg(long, value_parser = path)]
    path: Option<String>,
    /// File with one JSON body a line, or `-` for standard input; by default questions about the demonstration.
    #[arg(long, value_name = "FILE", conflicts_with = "generate")]
    workload: Option<PathBuf>,
    /// Ask what `bench workload` makes with the same `--workspaces`, `--members`, `--roles`, `--requests` and `--seed`.
    #[arg(long)]
    generate: bool,
    #[command(flatten)]
    shape: ShapeArgs,
    /// How requests are spread over time.
    #[arg(long, value_enum, default_value = "uniform", conflicts_with = "saturate")]
    arrivals: ArrivalsArg,
    /// File to draw latency by percentile into, as SVG.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum ArrivalsArg {
    /// At even distances.
    Uniform,
    /// As many independent callers do.
    Poisson,
}

/// Measures and shows what was measured.
///
/// # Errors
/// When nothing can be measured: the workload is none, the service is not reached or refuses the first request.
pub(super) async fn run(args: LoadArgs, format: Format) -> anyhow::Result<u8> {
    let bodies = bodies(&args)?;
    let target = args.target.load()?;
    let default =
        if args.batch.is_some() { "/v1/batch-is-authorized" } else { "/v1/is-authorized" };
    let path = args.path.as_deref().unwrap_or(default);
    let token = args.target.token();
    let requests: Vec<Vec<u8>> =
        bodies.iter().map(|body| load::post(path, token, target.host(), body)).collect();
    drop(bodies);
    more_files(args.connections)?;
    let first = requests.first().cloned().unwrap_or_default();
    let asked = target.clone();
    let first = tokio::task::spawn_blocking(move || load::ask(&asked, &first, FIRST)).await??;
    if first.status != 200 {
        bail!("the first request was refused: {}", refusal(&first));
    }
    let mut plan = Plan::new(target, Pace::Closed);
    plan.connections = usize::try_from(args.connections)?;
    plan.pipeline = usize::try_from(args.pipeline)?;
    let (mut requests, mut calibrated) = (requests, None);
    if !args.saturate {
        let rate = if let Some(rate) = args.rate {
            rate
        } else {
            (plan.duration, plan.warmup) = (CALIBRATION, CALIBRATION_WARMUP);
            let (report, back) = drive(&plan, requests, "calibrating").await?;
            requests = back;
            if report.counts.answered == 0 {
                let error = report.first_error.unwrap_or_else(|| "no answer came".to_owned());
                bail!("the calibration reached nothing: {error}");
            }
            if report.ended_early {
                bail!("ended while calibrating: nothing was measured");
            }
            *calibrated.insert(report.achieved) / 2.0
        };
        let arrivals = match args.arrivals {
            ArrivalsArg::Uniform => Arrivals::Uniform,
            ArrivalsArg::Poisson => Arrivals::Poisson,
        };
        plan.pace = Pace::Open { rate, arrivals, seed: args.shape.seed };
    }
    (plan.duration, plan.warmup) = (args.duration, args.warmup);
    let bodies = requests.len();
    let (report, _) = drive(&plan, requests, "measuring").await?;
    let measured =
        Measured { plan: &plan, path, batch: args.batch, bodies, calibrated, report: &report };
    if let Some(file) = &args.svg {
        let picture = plot::svg(&show::title(&measured), &show::series(&report));
        std::fs::write(file, picture).with_context(|| format!("`--svg`: `{}`", file.display()))?;
    }
    match format {
        Format::Text => output::line(show::text(&measured).trim_end())?,
        Format::Json => {
            output::json(&show::json(&measured))?;
            for warning in show::warnings(&report) {
                output::note(warning)?;
            }
        }
    }
    if let Some(doubt) = show::doubt(&report) {
        output::note(doubt)?;
    }
    Ok(u8::from(!show::warnings(&report).is_empty()))
}

/// Returns the bodies to post.
fn bodies(args: &LoadArgs) -> anyhow::Result<Vec<String>> {
    if let (false, Some(argument)) = (args.generate, args.shape.of_generated()) {
        bail!("`{argument}` says how large a generated workload is: give `--generate` as well");
    }
    let questions = if let Some(file) = &args.workload {
        let shown = file.display();
        let named = || format!("`--workload`: `{shown}`");
        let text = read(file).with_context(named)?;
        workload::given(&text).with_context(named)?
    } else if args.generate {
        workload::generate(&args.shape.shape()).requests
    } else {
        workload::demo(usize::try_from(args.shape.requests)?, args.shape.seed)
    };
    Ok(match args.batch {
        Some(size) => workload::batches(&questions, usize::try_from(size)?),
        None => questions,
    })
}

fn read(file: &Path) -> std::io::Result<String> {
    if file != Path::new("-") {
        return std::fs::read_to_string(file);
    }
    let mut text = String::new();
    std::io::stdin().lock().read_to_string(&mut text)?;
    Ok(text)
}

/// Returns what a server says for refusing, in words.
fn refusal(answer: &load::Answer) -> String {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let text = |key: &str| body.get(key).and_then(Value::as_str);
    let status = answer.status;
    let Some(message) = text("message") else {
        let shown: String = String::from_utf8_lossy(&answer.body).chars().take(200).collect();
        return format!("{status}: {}", output::one_line(&shown));
    };
    let field = text("field").map(|field| format!("{field}: ")).unwrap_or_default();
    let help = text("help").map(|help| format!(" ({help})")).unwrap_or_default();
    let code = text("code").map(|code| format!("{code}: ")).unwrap_or_default();
    format!("{status}: {code}{field}{message}{help}")
}

/// Allows as many open files as the connections need, as far as the system lets it.
fn more_files(connections: u32) -> anyhow::Result<()> {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    let needed = u64::from(connections) + OTHER_FILES;
    if limit.current.is_none_or(|files| files >= needed) {
        return Ok(());
    }
    if let Some(most) = limit.maximum.filter(|most| *most < needed) {
        bail!("`--connections`: {connections} need {needed} open files and the limit is {most}");
    }
    limit.current = Some(needed);
    setrlimit(Resource::Nofile, limit).context("the limit of open files")
}

/// Runs a plan on a thread of its own, shows how far it is, and ends it early on Ctrl-C.
async fn drive(
    plan: &Plan,
    requests: Vec<Vec<u8>>,
    doing: &'static str,
) -> anyhow::Result<(Report, Vec<Vec<u8>>)> {
    let (tell, mut told) = tokio::sync::watch::channel(None::<Progress>);
    let stop = plan.stop.clone();
    let plan = plan.clone();
    let mut interrupts = signal(SignalKind::interrupt()).context("Ctrl-C")?;
    let mut running = tokio::task::spawn_blocking(move || {
        // Drawing is not the business of the thread that keeps the times.
        let report = load::run(&plan, &requests, &mut |progress| {
            tell.send_replace(Some(progress));
        });
        report.map(|report| (report, requests))
    });
    let bar = ProgressBar::new(1);
    bar.set_style(ProgressStyle::with_template("{bar:40} {msg}")?);
    let mut is_told = true;
    loop {
        tokio::select! {
            done = &mut running => {
                bar.finish_and_clear();
                return Ok(done??);
            }
            changed = told.changed(), if is_told => {
                is_told = changed.is_ok();
                if let Some(progress) = *told.borrow_and_update() {
                    draw(&bar, &progress, doing);
                }
            }
            _ = interrupts.recv() => stop.store(true, Ordering::Relaxed),
        }
    }
}

fn draw(bar: &ProgressBar, progress: &Progress, doing: &str) {
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    bar.set_length(millis(progress.total));
    bar.set_position(millis(progress.elapsed));
    let doing = if progress.is_warm_up { "warming up" } else { doing };
    let errors = match progress.errors {
        0 => String::new(),
        errors => format!(", {} errors", show::grouped(errors)),
    };
    bar.set_message(format!(
        "{doing}: {}/s, p99 {}{errors}",
        show::rate(progress.rate),
        plot::time(progress.p99)
    ));
}
