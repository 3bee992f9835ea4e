//! Matching a text with a pattern in time that grows with the text, whatever the pattern.
//!
//! A pattern is cut at its `*` into parts. The first must begin the text and the last end it; those between are found
//! one after the other, each as early as possible, which finds them whenever they can be found. A part without `?` is
//! searched for in linear time; one with `?` with a bit for each of its characters, all of which are moved on at once.

use memchr::memmem::Finder;

/// Characters of a part whose bits stand in one word.
const BITS: usize = 64;

/// A pattern with wildcards, prepared.
#[derive(Debug)]
pub(super) struct Matcher {
    first: Part,
    between: Vec<Part>,
    /// `None` for a pattern without `*`.
    last: Option<Part>,
}

/// What stands between two `*`.
#[derive(Debug)]
enum Part {
    Text(Box<Finder<'static>>),
    Holes(Box<Holes>),
}

/// A part with `?`.
#[derive(Debug)]
struct Holes {
    /// `None` for a `?`.
    letters: Vec<Option<char>>,
    /// The longest text without `?`: where it is not, the part is not.
    longest: Finder<'static>,
    words: usize,
    /// For each letter that occurs, sorted, a bit for each place where it fits.
    masks: Vec<(char, Box<[u64]>)>,
    /// The places where every character fits.
    any: Box<[u64]>,
}

impl Matcher {
    pub(super) fn new(pattern: &str) -> Self {
        let mut parts = pattern.split('*');
        let first = Part::new(parts.next().unwrap_or_default());
        let mut between: Vec<&str> = parts.collect();
        let last = between.pop().map(Part::new);
        let between = between.into_iter().filter(|part| !part.is_empty()).map(Part::new).collect();
        Self { first, between, last }
    }

    /// Returns roughly what looking at a character of a text costs, beside what it costs a part without `?`: by measurement, that
    /// is a nanosecond.
    pub(super) fn weight(&self) -> usize {
        // Each character is looked at by one part, or by a few.
        self.between.iter().map(Part::weight).max().unwrap_or(1)
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        let Some(rest) = self.first.strip_start(text) else { return false };
        let Some(last) = &self.last else { return rest.is_empty() };
        let Some(mut rest) = last.strip_end(rest) else { return false };
        for part in &self.between {
            match part.after(rest) {
                Some(after) => rest = after,
                None => return false,
            }
        }
        true
    }
}

impl Part {
    fn new(part: &str) -> Self {
        if part.contains('?') {
            Self::Holes(Box::new(Holes::new(part)))
        } else {
            Self::Text(Box::new(Finder::new(part.as_bytes()).into_owned()))
        }
    }

    fn weight(&self) -> usize {
        match self {
            Self::Text(_) => 1,
            Self::Holes(part) if part.words == 1 => 4 + part.masks.len() / 3,
            Self::Holes(part) => 8 + part.words,
        }
    }

    /// Returns what follows this part at the beginning of a text.
    fn strip_start<'t>(&self, text: &'t str) -> Option<&'t str> {
        match self {
            Self::Text(part) => text
                .as_bytes()
                .starts_with(part.needle())
                .then(|| text.get(part.needle().len()..))?,
            Self::Holes(part) => {
                let mut rest = text.chars();
                let is_there = part.letters.iter().all(|letter| fits(*letter, rest.next()));
                is_there.then_some(rest.as_str())
            }
        }
    }

    /// Returns what stands before this part at the end of a text.
    fn strip_end<'t>(&self, text: &'t str) -> Option<&'t str> {
        match self {
            Self::Text(part) => {
                let before = text.len().checked_sub(part.needle().len())?;
                text.as_bytes().ends_with(part.needle()).then(|| text.get(..before))?
            }
            Self::Holes(part) => {
                let mut rest = text.chars();
                let mut letters = part.letters.iter().rev();
                let is_there = letters.all(|letter| fits(*letter, rest.next_back()));
                is_there.then_some(rest.as_str())
            }
        }
    }

    /// Returns what follows the first place where this part stands in a text.
    fn after<'t>(&self, text: &'t str) -> Option<&'t str> {
        match self {
            Self::Text(part) => {
                let at = part.find(text.as_bytes())?;
                text.get(at + part.needle().len()..)
            }
            Self::Holes(part) => part.after(text),
        }
    }
}

fn fits(letter: Option<char>, c: Option<char>) -> bool {
    c.is_some() && (letter.is_none() || letter == c)
}

impl Holes {
    fn new(part: &str) -> Self {
        let letters: Vec<Option<char>> = part.chars().map(|c| (c != '?').then_some(c)).collect();
        let words = letters.len().div_ceil(BITS);
        let longest = part.split('?').max_by_key(|text| text.len()).unwrap_or_default();
        let longest = Finder::new(longest.as_bytes()).into_owned();
        let places = |fits: &dyn Fn(Option<char>) -> bool| {
            let mut mask = vec![0_u64; words].into_boxed_slice();
            for (place, letter) in letters.iter().enumerate() {
                if fits(*letter)
                    && let Some(word) = mask.get_mut(place / BITS)
                {
                    *word |= 1 << (place % BITS);
                }
            }
            mask
        };
        let any = places(&|letter| letter.is_none());
        let mut known: Vec<char> = letters.iter().flatten().copied().collect();
        known.sort_unstable();
        known.dedup();
        let masks = known
            .into_iter()
            .map(|c| (c, places(&|letter| letter.is_none_or(|letter| letter == c))))
            .collect();
        Self { letters, longest, words, masks, any }
    }

    /// The same where a word holds all of the part: nearly always. `text` is given as characters and where each ends.
    fn after_in_one_word(
        &self,
        any: u64,
        text: impl Iterator<Item = (usize, char)>,
    ) -> Option<usize> {
        let done = 1_u64 << (self.letters.len() - 1);
        let mut state = 0_u64;
        for (end, c) in text {
            let mut mask = any;
            for (letter, fits) in &self.masks {
                if *letter == c
                    && let [fits] = &**fits
                {
                    mask = *fits;
                }
            }
            state = ((state << 1) | 1) & mask;
            if state & done != 0 {
                return Some(end);
            }
        }
        None
    }

    fn after<'t>(&self, text: &'t str) -> Option<&'t str> {
        if text.len() < self.letters.len() {
            return None;
        }
        self.longest.find(text.as_bytes())?;
        if let [any] = &*self.any {
            let end = if text.is_ascii() {
                let bytes = text.bytes().enumerate();
                self.after_in_one_word(*any, bytes.map(|(at, byte)| (at + 1, char::from(byte))))
            } else {
                let characters = text.char_indices();
                self.after_in_one_word(*any, characters.map(|(at, c)| (at + c.len_utf8(), c)))
            };
            return text.get(end?..);
        }
        let last = self.letters.len() - 1;
        // A bit is set where the characters so far end a beginning of the part of that length.
        let mut state = vec![0_u64; self.words];
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            let found = self.masks.binary_search_by_key(&c, |(known, _)| *known);
            let mask = found.ok().and_then(|at| self.masks.get(at)).map_or(&self.any, |(_, m)| m);
            // At each character the part may begin.
            let mut carry = 1;
            for (word, mask) in state.iter_mut().zip(mask) {
                let next = *word >> (BITS - 1);
                *word = ((*word << 1) | carry) & mask;
                carry = next;
            }
            if state.get(last / BITS).is_some_and(|word| word >> (last % BITS) & 1 == 1) {
                return Some(rest.as_str());
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ram::wildcard;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn it_matches_as_the_plain_matcher_does(pattern in "[ab*?日é]{0,9}", text in "[ab日é]{0,12}") {
            prop_assert_eq!(Matcher::new(&pattern).matches(&text), wildcard::matches(&pattern, &text));
        }

        #[test]
        fn long_parts_are_found(before in "[ab]{0,200}", part in "[ab?]{60,140}", after in "[ab]{0,9}") {
            let inside = part.replace('?', "b");
            let pattern = format!("*{part}*");
            let whole = format!("{before}{inside}{after}");
            prop_assert!(Matcher::new(&pattern).matches(&whole));
            let other = format!("{before}{after}");
            prop_assert_eq!(Matcher::new(&pattern).matches(&other), wildcard::matches(&pattern, &other));
        }
    }
}
