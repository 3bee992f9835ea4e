//! Latency by percentile, drawn: for a terminal, and as a picture.
//!
//! Percentiles stand at powers of what is left above them (90 %, 99 %, 99.9 % at even distances), latencies at powers of ten,
//! so that the slowest requests are seen as well as the usual ones.

use std::{fmt::Write, time::Duration};

use super::Latencies;

/// Marks of series in a terminal, in their order.
const MARKS: [char; 6] = ['*', 'o', '+', 'x', '#', '@'];
/// Columns of labels left of a plot in a terminal.
const LABELS: usize = 9;
/// Colours of series for light and dark, in their order; told apart with little colour vision as well (Okabe and Ito).
const COLOURS: [(&str, &str); 6] = [
    ("#0072b2", "#56b4e9"),
    ("#d55e00", "#f08a4b"),
    ("#007a5a", "#2cc79a"),
    ("#b1447f", "#e58fbd"),
    ("#8a6d00", "#f0e442"),
    ("#444444", "#cccccc"),
];

/// A curve with a name.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// What it shows, for people.
    pub name: String,
    /// Quantiles from 0 to 1 and the time at each, rising.
    pub points: Vec<(f64, Duration)>,
}

impl Series {
    /// Returns the curve of what was measured.
    #[must_use]
    pub fn new(name: &str, latencies: &Latencies) -> Self {
        Self { name: name.to_owned(), points: latencies.curve() }
    }

    /// Returns the points where they stand: powers of ten left above, and of nanoseconds.
    fn placed(&self) -> Vec<(f64, f64)> {
        let mut out: Vec<(f64, f64)> = Vec::with_capacity(self.points.len());
        for (quantile, time) in &self.points {
            // All of the requests are as far right as one of them can be told.
            let last = out.last().map_or(0.0, |(x, _)| *x);
            let x = if *quantile < 1.0 { -(1.0 - quantile).log10() } else { last + 0.05 };
            let nanos = time.as_secs_f64() * 1e9;
            out.push((x, nanos.max(1.0).log10()));
        }
        out
    }
}

/// What the axes reach over.
struct Axes {
    right: f64,
    low: f64,
    high: f64,
}

impl Axes {
    fn of(placed: &[Vec<(f64, f64)>]) -> Option<Self> {
        let all = || placed.iter().flatten();
        let low = all().map(|(_, y)| *y).reduce(f64::min)?;
        let high = all().map(|(_, y)| *y).reduce(f64::max)?;
        let right = all().map(|(x, _)| *x).reduce(f64::max)?;
        // Room above and below, and something to see where everything took as long.
        Some(Self { right: right.max(0.5), low: low - 0.05, high: high.max(low + 0.2) + 0.05 })
    }

    /// Returns the times labelled: 1, 2 and 5 of each power of ten, or only 1 where there are many powers.
    fn times(&self) -> Vec<(f64, String)> {
        let steps: &[f64] = if self.high - self.low > 2.5 { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let mut out = Vec::new();
        for power in 0..15 {
            for step in steps {
                let nanos = step * 10_f64.powi(power);
                let y = nanos.log10();
                if y >= self.low && y <= self.high {
                    out.push((y, time(Duration::from_secs_f64(nanos / 1e9))));
                }
            }
        }
        out
    }

    /// Returns the percentiles labelled.
    fn percentiles(&self) -> Vec<(f64, String)> {
        let mut out = vec![(0.5_f64.log10().abs(), "50 %".to_owned())];
        let mut label = "90".to_owned();
        for nines in 1..12 {
            out.push((f64::from(nines), format!("{label} %")));
            label = match nines {
                1 => "99".to_owned(),
                2 => "99.9".to_owned(),
                _ => label + "9",
            };
        }
        out.retain(|(x, _)| *x <= self.right);
        out
    }
}

/// Returns a time with three digits and its unit.
#[must_use]
pub fn time(time: Duration) -> String {
    let nanos = time.as_secs_f64() * 1e9;
    let (value, unit) = match nanos {
        n if n < 999.5 => (n, "ns"),
        n if n < 999.5e3 => (n / 1e3, "µs"),
        n if n < 999.5e6 => (n / 1e6, "ms"),
        n => (n / 1e9, "s"),
    };
    let digits = match value {
        v if v >= 99.95 || (v - v.round()).abs() < 1e-6 => 0,
        v if v >= 9.995 => 1,
        _ => 2,
    };
    format!("{value:.digits$} {unit}")
}

/// Returns the curves drawn in characters, `columns` wide and `rows` high, the axes included; nothing when there is
/// nothing to draw or no room.
#[must_use]
pub fn text(series: &[Series], columns: usize, rows: usize) -> String {
    let placed: Vec<_> = series.iter().map(Series::placed).collect();
    let (width, height) = (columns.saturating_sub(LABELS + 2), rows.saturating_sub(3));
    let Some(axes) = Axes::of(&placed).filter(|_| width >= 20 && height >= 5) else {
        return String::new();
    };
    let mut cells = vec![vec![' '; width]; height];
    let row = |y: f64| cell(1.0 - (y - axes.low) / (axes.high - axes.low), height);
    // The first series on top.
    for (index, points) in placed.iter().enumerate().rev() {
        let mark = mark(index);
        for column in 0..width {
            let x = (whole(column) + 0.5) / whole(width) * axes.right;
            let found = value_at(points, x).and_then(|y| cells.get_mut(row(y))?.get_mut(column));
            if let Some(found) = found {
                *found = mark;
            }
        }
    }
    let mut labels = vec![String::new(); height];
    for (y, label) in axes.times() {
        if let Some(place) = labels.get_mut(row(y)) {
            *place = label;
        }
    }
    let mut out = String::new();
    for (label, line) in labels.iter().zip(&cells) {
        let line: String = line.iter().collect();
        let tick = if label.is_empty() { '|' } else { '+' };
        out += format!("{label:>LABELS$} {tick}{line}").trim_end();
        out.push('\n');
    }
    let mut ruler = vec!['-'; width];
    let mut under = vec![' '; width];
    let mut free = 0;
    for (x, label) in axes.percentiles() {
        let at = cell(x / axes.right, width);
        if let Some(place) = ruler.get_mut(at) {
            *place = '+';
        }
        let start = at.saturating_sub(label.chars().count() / 2);
        if start >= free && start + label.chars().count() <= width {
            for (place, c) in under.iter_mut().skip(start).zip(label.chars()) {
                *place = c;
            }
            free = start + label.chars().count() + 2;
        }
    }
    let line = |cells: &[char]| cells.iter().collect::<String>();
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{:>LABELS$} +{}", "", line(&ruler));
    let _ = writeln!(out, "{}", format!("{:>LABELS$}  {}", "", line(&under)).trim_end());
    let legend: Vec<String> = series
        .iter()
        .enumerate()
        .map(|(index, series)| format!("{} {}", mark(index), series.name))
        .collect();
    let _ = writeln!(out, "{:>LABELS$}  {}", "", legend.join("   "));
    out
}

/// Returns the curves as a picture, an SVG that needs nothing else and follows a reader's choice of light or dark.
#[must_use]
pub fn svg(title: &str, series: &[Series]) -> String {
    const WIDTH: f64 = 860.0;
    const HEIGHT: f64 = 460.0;
    const LEFT: f64 = 86.0;
    const TOP: f64 = 46.0;
    const RIGHT: f64 = 24.0;
    const BOTTOM: f64 = 66.0;
    let full = HEIGHT + 22.0 * whole(series.len());
    let placed: Vec<_> = series.iter().map(Series::placed).collect();
    let axes = Axes::of(&placed).unwrap_or(Axes { right: 3.0, low: 3.0, high: 9.0 });
    let at_x = |x: f64| LEFT + x / axes.right * (WIDTH - LEFT - RIGHT);
    let at_y = |y: f64| TOP + (axes.high - y) / (axes.high - axes.low) * (HEIGHT - TOP - BOTTOM);
    let floor = at_y(axes.low);
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {full}\" role=\"img\" \
         aria-label=\"{title}\">\n<style>\n{}</style>\n\
         <rect class=\"page\" width=\"{WIDTH}\" height=\"{full}\"/>\n\
         <text class=\"title\" x=\"{LEFT}\" y=\"26\">{title}</text>\n",
        style(series.len()),
        title = escaped(title),
    );
    for (y, label) in axes.times() {
        let y = at_y(y);
        let _ = writeln!(
            out,
            "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{:.1}\" y2=\"{y:.1}\"/>\
             <text class=\"label\" text-anchor=\"end\" x=\"{:.1}\" y=\"{:.1}\">{label}</text>",
            WIDTH - RIGHT,
            LEFT - 8.0,
            y + 4.0,
        );
    }
    for (x, label) in axes.percentiles() {
        let x = at_x(x);
        let _ = writeln!(
            out,
            "<line class=\"grid\" x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{floor:.1}\"/>\
             <text class=\"label\" text-anchor=\"middle\" x=\"{x:.1}\" y=\"{:.1}\">{label}</text>",
            floor + 18.0,
        );
    }
    let middle = f64::midpoint(LEFT, WIDTH - RIGHT);
    let _ = writeln!(
        out,
        "<text class=\"label\" text-anchor=\"middle\" x=\"{middle:.1}\" y=\"{:.1}\">percentile of requests</text>\n\
         <text class=\"label\" text-anchor=\"middle\" transform=\"translate(18 {:.1}) rotate(-90)\">latency, on a scale of powers of ten</text>",
        floor + 40.0,
        f64::midpoint(TOP, floor),
    );
    for (index, (points, series)) in placed.iter().zip(series).enumerate() {
        let colour = index % COLOURS.len();
        let line: Vec<String> =
            points.iter().map(|(x, y)| format!("{:.1},{:.1}", at_x(*x), at_y(*y))).collect();
        let y = floor + 62.0 + 22.0 * whole(index);
        let _ = writeln!(
            out,
            "<polyline class=\"series s{colour}\" points=\"{}\"/>\n\
             <line class=\"series s{colour}\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{:.1}\" y2=\"{y:.1}\"/>\
             <text class=\"name\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            line.join(" "),
            LEFT + 26.0,
            LEFT + 34.0,
            y + 4.0,
            escaped(&series.name),
        );
    }
    out.push_str("</svg>\n");
    out
}

fn mark(index: usize) -> char {
    MARKS.get(index % MARKS.len()).copied().unwrap_or('*')
}

fn style(series: usize) -> String {
    let mut light = String::new();
    let mut dark = String::new();
    for (index, (on_light, on_dark)) in COLOURS.iter().take(series).enumerate() {
        // Writing to a string cannot fail.
        let _ = writeln!(light, ".s{index} {{ stroke: {on_light}; }}");
        let _ = writeln!(dark, "  .s{index} {{ stroke: {on_dark}; }}");
    }
    format!(
        "text {{ font-family: system-ui, sans-serif; font-size: 13px; fill: #222222; }}\n\
         .title {{ font-size: 15px; font-weight: 600; }}\n\
         .label {{ font-size: 12px; fill: #555555; }}\n\
         .page {{ fill: #ffffff; }}\n\
         .grid {{ stroke: #d8d8d8; stroke-width: 1; }}\n\
         .series {{ fill: none; stroke-width: 2; stroke-linejoin: round; }}\n\
         {light}@media (prefers-color-scheme: dark) {{\n\
         \x20 text {{ fill: #e6e6e6; }}\n  .label {{ fill: #aaaaaa; }}\n  .page {{ fill: #16181c; }}\n  \
         .grid {{ stroke: #3a3d44; }}\n{dark}}}\n"
    )
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // What XML 1.0 cannot have at all.
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// Returns the value of a curve at `x`, on the straight line between its points; `None` outside.
fn value_at(points: &[(f64, f64)], x: f64) -> Option<f64> {
    let after = points.partition_point(|(at, _)| *at <= x);
    let (x0, y0) = *points.get(after.checked_sub(1)?)?;
    let Some((x1, y1)) = points.get(after) else {
        return (x <= x0 + 0.1).then_some(y0);
    };
    Some(y0 + (y1 - y0) * (x - x0) / (x1 - x0).max(f64::MIN_POSITIVE))
}

/// Returns which of `count` cells a part from 0 to 1 falls into.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the cells there are"
)]
fn cell(part: f64, count: usize) -> usize {
    let last = count.saturating_sub(1);
    (part.clamp(0.0, 1.0) * whole(last)).round() as usize
}

#[expect(clippy::cast_precision_loss, reason = "counts of cells")]
const fn whole(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(name: &str, micros: &[u64]) -> Series {
        let mut latencies = Latencies::new().unwrap();
        for micros in micros {
            latencies.record(micros * 1_000);
        }
        Series::new(name, &latencies)
    }

    /// Most requests take 1 ms, one in a hundred 100 ms.
    fn two_plateaus() -> Series {
        let micros: Vec<u64> =
            (0..10_000).map(|i| if i % 100 == 0 { 100_000 } else { 1_000 }).collect();
        series("from due <&>", &micros)
    }

    #[test]
    fn times_have_three_digits_and_a_unit() {
        for (nanos, text) in [
            (0, "0 ns"),
            (999, "999 ns"),
            (1_000, "1 µs"),
            (1_234, "1.23 µs"),
            (56_789, "56.8 µs"),
            (999_400, "999 µs"),
            (999_600, "1.00 ms"),
            (123_456_789, "123 ms"),
            (61_000_000_000, "61 s"),
        ] {
            assert_eq!(time(Duration::from_nanos(nanos)), text);
        }
    }

    #[test]
    fn a_terminal_shows_where_the_curve_rises() {
        let drawn = text(&[two_plateaus(), series("service", &[1_000; 100])], 100, 20);
        let lines: Vec<&str> = drawn.lines().collect();
        assert_eq!(lines.len(), 20, "{drawn}");
        assert!(lines.iter().all(|line| line.chars().count() <= 100), "{drawn}");
        let line = |label: &str| {
            *lines.iter().find(|line| line.contains(label)).unwrap_or_else(|| panic!("{drawn}"))
        };
        // The fast ones are left, at 1 ms; the slow ones right, at 100 ms.
        let (fast, slow) = (line(" 1 ms +"), line("100 ms +"));
        assert!(fast.find('*') < slow.find('*') && slow.ends_with("****"), "{drawn}");
        assert!(line("50 %").contains("90 %") && line("50 %").contains("99.9 %"), "{drawn}");
        assert!(line("* from due").contains("o service"), "{drawn}");
    }

    #[test]
    fn nothing_measured_draws_nothing_and_one_value_does() {
        assert_eq!(text(&[series("none", &[])], 100, 20), "");
        assert_eq!(text(&[two_plateaus()], 20, 20), "", "no room");
        assert!(text(&[series("one", &[5])], 100, 20).contains('*'));
        assert!(svg("none", &[]).ends_with("</svg>\n"));
    }

    #[test]
    fn a_picture_has_every_series_and_only_its_own_markup() {
        let names = ["a", "b", "c", "d", "e", "f", "g"];
        let mut all: Vec<Series> = names.map(|name| series(name, &[10, 20, 3_000])).to_vec();
        all.push(two_plateaus());
        let picture = svg("p & \"q\" <r>\u{7}", &all);
        assert_eq!(picture.matches("<polyline").count(), 8);
        assert!(picture.contains(">from due &lt;&amp;&gt;<"), "{picture}");
        assert!(picture.contains("p &amp; &quot;q&quot; &lt;r&gt;\u{fffd}"), "{picture}");
        assert!(picture.contains("percentile of requests") && picture.contains("prefers-color"));
        assert!(!picture.contains("NaN") && !picture.contains("inf"), "{picture}");
    }
}
