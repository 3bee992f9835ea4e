//! Names that are nearly the one given, for "did you mean".
//!
//! Bounded: a stranger's long or numerous wrong names must not cost more than right ones.

/// Farthest name that is still suggested, in letters inserted, removed or replaced.
const FARTHEST: usize = 3;
/// Longest name that is looked at, in bytes.
const LONGEST: usize = 64;

/// Returns up to three of `names`, nearest first, at most [`FARTHEST`] letters away; case does not count.
pub(super) fn nearest<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Vec<&'n str> {
    if name.len() > LONGEST {
        return Vec::new();
    }
    let name = name.to_ascii_lowercase();
    let mut found: Vec<(usize, &str)> = names
        .filter(|n| n.len().abs_diff(name.len()) <= FARTHEST)
        .filter_map(|n| Some((distance(name.as_bytes(), n.to_ascii_lowercase().as_bytes())?, n)))
        .collect();
    found.sort_unstable();
    found.into_iter().map(|(_, n)| n).take(3).collect()
}

/// Returns the edit distance when it is at most [`FARTHEST`], looking at that band of the table only.
fn distance(a: &[u8], b: &[u8]) -> Option<usize> {
    let far = FARTHEST + 1;
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, &x) in a.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut best = left;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (j, &y) in b.iter().enumerate() {
            let Some(cell) = row.get_mut(j + 1) else { break };
            let up = *cell;
            // Outside the band every path is too long already.
            left = if i.abs_diff(j) > FARTHEST {
                far
            } else {
                (diagonal + usize::from(x != y)).min(up + 1).min(left + 1)
            };
            diagonal = up;
            *cell = left;
            best = best.min(left);
        }
        if best > FARTHEST {
            return None;
        }
    }
    row.last().copied().filter(|&d| d <= FARTHEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_slips_and_case_and_nothing_far() {
        let names = ["PaiDLC:StopJob", "PaiDLC:GetJob", "PaiDSW:StopInstance"];
        let near = |name| nearest(name, names.into_iter());
        assert_eq!(near("PaiDLC:StopJbo"), ["PaiDLC:StopJob"]);
        assert_eq!(near("paidlc:stopjob"), ["PaiDLC:StopJob"]);
        assert_eq!(near("PaiDLC:SetJob"), ["PaiDLC:GetJob", "PaiDLC:StopJob"]);
        assert!(near("oss:GetObject").is_empty());
        assert!(near(&"x".repeat(100_000)).is_empty());
    }

    #[test]
    fn distance_is_the_textbook_one_within_the_band() {
        assert_eq!(distance(b"", b""), Some(0));
        assert_eq!(distance(b"abc", b""), Some(3));
        assert_eq!(distance(b"abcd", b""), None);
        assert_eq!(distance(b"kitten", b"sitting"), Some(3));
        assert_eq!(distance(b"kitten", b"kitchen"), Some(2));
        assert_eq!(distance(b"flaw", b"lawn"), Some(2));
    }
}
