//! Names that are nearly the one given, for "did you mean".
//!
//! Bounded: a stranger's long or numerous wrong names must not cost more than right ones.

/// Farthest name that is still suggested, in letters inserted, removed or replaced.
const FARTHEST: usize = 3;
/// Longest name that is looked at, in bytes.
const LONGEST: usize = 64;

/// Names to suggest from, made ready: lower case, by length.
#[derive(Debug, Default)]
pub(super) struct Names(Vec<(String, &'static str)>);

impl Names {
    pub(super) fn new(names: impl Iterator<Item = &'static str>) -> Self {
        let mut names: Vec<_> = names.map(|name| (name.to_ascii_lowercase(), name)).collect();
        names.sort_unstable_by(|a, b| (a.0.len(), a).cmp(&(b.0.len(), b)));
        names.dedup();
        Self(names)
    }

    /// Returns up to `most` names, nearest first, at most [`FARTHEST`] letters away; case does not count.
    pub(super) fn nearest(&self, name: &str, most: usize) -> Vec<&'static str> {
        if name.len() > LONGEST {
            return Vec::new();
        }
        let name = name.to_ascii_lowercase();
        let from = self.0.partition_point(|(n, _)| n.len() + FARTHEST < name.len());
        let near = self.0.iter().skip(from).take_while(|(n, _)| n.len() <= name.len() + FARTHEST);
        let mut row = Vec::with_capacity(LONGEST + FARTHEST + 1);
        let mut found: Vec<(usize, &'static str)> = near
            .filter_map(|(n, shown)| {
                Some((distance(name.as_bytes(), n.as_bytes(), FARTHEST, &mut row)?, *shown))
            })
            .collect();
        found.sort_unstable();
        found.into_iter().map(|(_, n)| n).take(most).collect()
    }
}

/// Returns the question whether one of the names that are near was meant, or what to do `otherwise`, where none is.
#[must_use]
pub fn meant(near: &[&str], otherwise: &str) -> String {
    if near.is_empty() {
        return otherwise.to_owned();
    }
    format!("did you mean `{}`?", near.join("`, `"))
}

/// Returns the question whether a known field was meant, where a reader of JSON or TOML says that it knows one not and which it does.
#[must_use]
pub fn meant_field(said: &str) -> Option<String> {
    let (_, named) = said.split_once("unknown field `")?;
    let (unknown, known) = named.split_once('`')?;
    let known = known.split('`').skip(1).step_by(2);
    // Of a short name little is left when three letters of it are others.
    let most = FARTHEST.min(unknown.len() / 2);
    let near = known.filter_map(|known| Some((letters_apart(unknown, known, most)?, known)));
    Some(meant(&[near.min()?.1], ""))
}

/// Returns how many letters must be inserted, removed or replaced to get from one name to the other; `None` when they are
/// more than `most`.
#[must_use]
pub fn letters_apart(a: &str, b: &str, most: usize) -> Option<usize> {
    let is_near = a.len().abs_diff(b.len()) <= most;
    is_near.then(|| distance(a.as_bytes(), b.as_bytes(), most, &mut Vec::new()))?
}

/// Returns the edit distance when it is at most `most`, looking at that band of the table only.
///
/// `row` is room to work in, so that many names can be compared without asking for memory each time.
fn distance(a: &[u8], b: &[u8], most: usize, row: &mut Vec<usize>) -> Option<usize> {
    let far = most + 1;
    row.clear();
    row.extend(0..=b.len());
    for (i, &x) in a.iter().enumerate() {
        // Outside the band every path is too long already: its neighbours count as too far.
        let (from, to) = (i.saturating_sub(most), (i + most + 1).min(b.len()));
        let mut diagonal = row.get(from).copied().unwrap_or(far);
        let mut left = if from == 0 { i + 1 } else { far };
        if let Some(cell) = row.get_mut(from) {
            *cell = left;
        }
        let mut best = left;
        for (j, &y) in b.iter().enumerate().take(to).skip(from) {
            let Some(cell) = row.get_mut(j + 1) else { break };
            let up = if j == i + most { far } else { *cell };
            left = (diagonal + usize::from(x != y)).min(up + 1).min(left + 1);
            diagonal = *cell;
            *cell = left;
            best = best.min(left);
        }
        if best > most {
            return None;
        }
    }
    row.last().copied().filter(|&d| d <= most)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn within_the_band(a: &str, b: &str) -> Option<usize> {
        letters_apart(a, b, FARTHEST)
    }

    /// The whole table, as a textbook has it.
    fn whole_table(a: &[u8], b: &[u8]) -> usize {
        let mut row: Vec<usize> = (0..=b.len()).collect();
        for (i, x) in a.iter().enumerate() {
            let mut diagonal = row[0];
            row[0] = i + 1;
            for (j, y) in b.iter().enumerate() {
                let up = row[j + 1];
                row[j + 1] = (diagonal + usize::from(x != y)).min(up + 1).min(row[j] + 1);
                diagonal = up;
            }
        }
        row[b.len()]
    }

    #[test]
    fn finds_slips_and_case_and_nothing_far() {
        let names =
            Names::new(["PaiDLC:StopJob", "PaiDLC:GetJob", "PaiDSW:StopInstance"].into_iter());
        assert_eq!(names.nearest("PaiDLC:StopJbo", 3), ["PaiDLC:StopJob"]);
        assert_eq!(names.nearest("paidlc:stopjob", 3), ["PaiDLC:StopJob"]);
        assert_eq!(names.nearest("PaiDLC:SetJob", 3), ["PaiDLC:GetJob", "PaiDLC:StopJob"]);
        assert!(names.nearest("oss:GetObject", 3).is_empty());
        assert!(names.nearest(&"x".repeat(100_000), 3).is_empty());
    }

    #[test]
    fn distance_is_the_textbook_one_within_the_band() {
        assert_eq!(within_the_band("", ""), Some(0));
        assert_eq!(within_the_band("abc", ""), Some(3));
        assert_eq!(within_the_band("abcd", ""), None);
        assert_eq!(within_the_band("kitten", "sitting"), Some(3));
        assert_eq!(within_the_band("kitten", "kitchen"), Some(2));
        assert_eq!(within_the_band("flaw", "lawn"), Some(2));
    }

    proptest! {
        #[test]
        fn the_band_never_changes_an_answer(a in "[abc]{0,9}", b in "[abc]{0,9}") {
            let whole = whole_table(a.as_bytes(), b.as_bytes());
            prop_assert_eq!(within_the_band(&a, &b), (whole <= FARTHEST).then_some(whole));
        }
    }
}
