//! Arguments of `bench` that are no plain numbers.

use std::time::Duration;

use crate::load::{MAX_DURATION, MAX_RATE, workload::Shape};

/// How large a generated workload is.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ShapeArgs {
    /// Workspaces of a generated workload, from id 10001 on [default: 10].
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    workspaces: Option<u32>,
    /// Members of each workspace, beside its owner [default: 50].
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    members: Option<u32>,
    /// Custom roles of each workspace: every second one lists codes, the others have levels [default: 2].
    #[arg(long, value_parser = clap::value_parser!(u32).range(0..=100))]
    roles: Option<u32>,
    /// Questions that are made, and asked in rotation.
    #[arg(long, default_value_t = 4_096, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(super) requests: u32,
    /// Where random numbers begin: the same seed makes the same workload.
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
}

impl ShapeArgs {
    /// Returns the shape; what does not fit into memory was refused when it was read.
    pub(super) fn shape(&self) -> Shape {
        let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        Shape {
            workspaces: count(self.workspaces.unwrap_or(10)),
            members: count(self.members.unwrap_or(50)),
            roles: count(self.roles.unwrap_or(2)),
            requests: count(self.requests),
            seed: self.seed,
        }
    }

    /// Returns an argument that was given and says something of generated workloads alone.
    pub(super) fn of_generated(&self) -> Option<&'static str> {
        let given = [
            ("--workspaces", self.workspaces),
            ("--members", self.members),
            ("--roles", self.roles),
        ];
        given.into_iter().find(|(_, value)| value.is_some()).map(|(name, _)| name)
    }
}

/// Reads a duration such as `10s`, `500ms`, `2m` or `1h`, 0 included.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    let right = "give a number and `ms`, `s`, `m` or `h`, at most a day, as `10s` or `500ms`";
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits).ok_or(right)?;
    let number: u64 = number.parse().map_err(|_| right)?;
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(right.to_owned()),
    };
    let time = Duration::from_millis(number.saturating_mul(milliseconds));
    if time > MAX_DURATION { Err(right.to_owned()) } else { Ok(time) }
}

/// Reads a duration above 0.
pub(super) fn some_time(text: &str) -> Result<Duration, String> {
    match time(text)? {
        Duration::ZERO => Err("give more than 0, as `10s`".to_owned()),
        time => Ok(time),
    }
}

/// Reads a rate.
pub(super) fn rate(text: &str) -> Result<f64, String> {
    let right = || format!("give requests a second, above 0 and up to {MAX_RATE}");
    let rate: f64 = text.parse().map_err(|_| right())?;
    if rate > 0.0 && rate <= MAX_RATE { Ok(rate) } else { Err(right()) }
}

/// Reads the path of a URL.
pub(super) fn path(text: &str) -> Result<String, String> {
    let is_path = text.starts_with('/') && text.chars().all(|c| c.is_ascii_graphic());
    let right = "begin it with `/`, as `/v1/is-authorized`, and encode what is not ASCII";
    if is_path { Ok(text.to_owned()) } else { Err(right.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit_and_end_with_a_day() {
        for (text, millis) in
            [("500ms", 500), ("10s", 10_000), ("2m", 120_000), ("24h", 86_400_000), ("0s", 0)]
        {
            assert_eq!(time(text).unwrap().as_millis(), millis, "{text}");
        }
        for text in ["", "10", "s", "-1s", "1.5s", "25h", "99999999999999999999s", "10 s", "1é"] {
            assert!(time(text).unwrap_err().contains("as `10s`"), "{text}");
        }
        assert!(some_time("0ms").unwrap_err().contains("more than 0"));
        assert_eq!(some_time("1ms").unwrap().as_millis(), 1);
    }

    #[test]
    fn rates_are_above_nothing_and_bounded() {
        for (text, value) in [("0.5", 0.5), ("10000000", 1e7), ("5e3", 5_000.0)] {
            assert!((rate(text).unwrap() - value).abs() < 1e-9, "{text}");
        }
        for text in ["0", "-1", "10000001", "NaN", "inf", "many", ""] {
            assert!(rate(text).unwrap_err().contains("up to 10000000"), "{text}");
        }
    }

    #[test]
    fn a_path_begins_with_a_slash_and_breaks_no_line() {
        assert_eq!(path("/a?b=c").unwrap(), "/a?b=c");
        for text in ["", "a", "/a b", "/a\r\nX: y", "/ü"] {
            assert!(path(text).is_err(), "{text}");
        }
    }
}
