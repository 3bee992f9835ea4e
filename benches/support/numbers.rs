//! How numbers are shown.

/// The middle of sorted values.
pub(crate) fn median(sorted: &[f64]) -> f64 {
    quantile(sorted, 2)
}

/// The value below which so many quarters of sorted values are.
fn quantile(sorted: &[f64], quarters: usize) -> f64 {
    let place = sorted.len().saturating_sub(1) * quarters;
    let at = |index: usize| sorted.get(index).copied().unwrap_or_default();
    let rest = [0.0, 0.25, 0.5, 0.75].get(place % 4).copied().unwrap_or_default();
    at(place / 4) * (1.0 - rest) + at((place / 4 + 1).min(sorted.len().saturating_sub(1))) * rest
}

/// The median with the quartiles.
pub(crate) fn quartiles(values: &mut [f64], digits: usize) -> String {
    values.sort_by(f64::total_cmp);
    let [low, middle, high] = [1, 2, 3].map(|quarters| quantile(values, quarters));
    format!("{middle:.digits$} ({low:.digits$} – {high:.digits$})")
}
