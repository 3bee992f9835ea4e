//! How numbers are drawn and shown.

#![allow(dead_code, reason = "every bench uses some of it")]

/// The middle of sorted values.
pub(crate) fn median(sorted: &[f64]) -> f64 {
    quantile(sorted, 2)
}

/// The value below which so many quarters of sorted values are.
pub(crate) fn quantile(sorted: &[f64], quarters: usize) -> f64 {
    let place = sorted.len().saturating_sub(1) * quarters;
    let at = |index: usize| sorted.get(index).copied().unwrap_or_default();
    let rest = [0.0, 0.25, 0.5, 0.75].get(place % 4).copied().unwrap_or_default();
    at(place / 4) * (1.0 - rest) + at((place / 4 + 1).min(sorted.len().saturating_sub(1))) * rest
}

/// The median with lowest and highest.
pub(crate) fn spread(values: &mut [f64], digits: usize) -> String {
    values.sort_by(f64::total_cmp);
    let (low, high) =
        (values.first().copied().unwrap_or_default(), values.last().copied().unwrap_or_default());
    format!("{:.digits$} ({low:.digits$} to {high:.digits$})", median(values))
}

/// The median with the quartiles.
pub(crate) fn quartiles(values: &mut [f64], digits: usize) -> String {
    values.sort_by(f64::total_cmp);
    let [low, middle, high] = [1, 2, 3].map(|quarters| quantile(values, quarters));
    format!("{middle:.digits$} ({low:.digits$} – {high:.digits$})")
}

/// A number of the environment.
#[expect(clippy::disallowed_methods, reason = "a bench is a program of its own")]
pub(crate) fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// A small seeded generator (SplitMix64).
pub(crate) struct Seeded(pub(crate) u64);

impl Seeded {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}
