//! Logs: pretty on a terminal, one JSON object a line otherwise; and the clock of the process.

use std::{
    io::IsTerminal,
    str::FromStr as _,
    time::{Duration, UNIX_EPOCH},
};

use tracing_subscriber::{EnvFilter, filter::LevelFilter, fmt::format::FmtSpan};

use crate::{
    config::LogFormat,
    domain::{Clock, Timestamp},
};

/// Starts logging to standard error.
///
/// # Errors
/// When `filter` is not a filter, or logging was started before.
pub fn start(filter: &str, format: LogFormat) -> Result<(), String> {
    // A word alone is read as the name of a part of some program, of which everything is logged, and of all others nothing.
    let is_slip =
        |part: &&str| !part.contains(['=', '[', ':', '_']) && LevelFilter::from_str(part).is_err();
    if let Some(slip) = filter.split(',').map(str::trim).filter(|it| !it.is_empty()).find(is_slip) {
        return Err(format!(
            "`log`: `{slip}` is not a level: give `error`, `warn`, `info`, `debug`, `trace` or `off`, or `pai_authz=debug`"
        ));
    }
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| format!("`log`: `{filter}` is not a filter: {error}"))?;
    let pretty = match format {
        LogFormat::Auto => std::io::stderr().is_terminal(),
        LogFormat::Pretty => true,
        LogFormat::Json => false,
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_span_events(FmtSpan::NONE);
    let started = if pretty {
        builder.compact().with_target(false).try_init()
    } else {
        builder.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init()
    };
    started.map_err(|error| error.to_string())
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one clock; everything else takes it as a parameter"
    )]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    fn monotonic(&self) -> Duration {
        // Of the clocks that never jump the one that goes on while the machine sleeps: what was known before is old then.
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        Duration::new(
            u64::try_from(now.tv_sec).unwrap_or_default(),
            u32::try_from(now.tv_nsec).unwrap_or_default(),
        )
    }
}
