//! How numbers are shown.

/// The middle of sorted values.
pub(crate) fn median(sorted: &[f64]) -> f64 {
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

/// The median with lowest and highest.
pub(crate) fn spread(values: &mut [f64], digits: usize) -> String {
    values.sort_by(f64::total_cmp);
    let (low, high) =
        (values.first().copied().unwrap_or_default(), values.last().copied().unwrap_or_default());
    format!("{:.digits$} ({low:.digits$} to {high:.digits$})", median(values))
}
