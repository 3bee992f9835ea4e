//! Patterns of RAM: `*` stands for any text, `?` for one character.

/// Returns whether a pattern has wildcards.
#[must_use]
pub fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// Returns whether a text is one that a pattern stands for. Time grows with the text times the longest part of the
/// pattern between two `*`, never with the number of `*`.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    covers(pattern, text, false)
}

/// Returns whether a pattern stands for everything another one stands for. `true` is certain; `false` may be given for
/// pairs whose relation only shows when all texts are looked at, as `?*` and `*?`.
#[must_use]
pub fn includes(pattern: &str, other: &str) -> bool {
    covers(pattern, other, true)
}

/// Matches a text, or another pattern as if it were a text of which `*` is a letter that only `*` stands for, and `?` one
/// that `*` and `?` stand for.
fn covers(pattern: &str, text: &str, text_is_pattern: bool) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let literals = pattern.iter().filter(|byte| **byte != b'*').count();
    // `?` stands for one character, which can be several bytes.
    if !pattern.contains(&b'?') && literals > text.len() {
        return false;
    }
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while let Some(&letter) = text.get(t) {
        let matched = match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p, t));
                p += 1;
                continue;
            }
            Some(b'?') if !(text_is_pattern && letter == b'*') => Some(character_at(text, t)),
            Some(&byte) if byte == letter && !(text_is_pattern && letter == b'*') => Some(1),
            _ => None,
        };
        match (matched, retry) {
            (Some(length), _) => {
                p += 1;
                t += length;
            }
            (None, Some((star, from))) => {
                let next = from + character_at(text, from);
                retry = Some((star, next));
                p = star + 1;
                t = next;
            }
            (None, None) => return false,
        }
    }
    pattern.get(p..).is_none_or(|rest| rest.iter().all(|byte| *byte == b'*'))
}

/// Returns how many bytes the character at a place has.
fn character_at(text: &[u8], at: usize) -> usize {
    let continues = |byte: &&u8| **byte & 0b1100_0000 == 0b1000_0000;
    1 + text.get(at + 1..).unwrap_or_default().iter().take_while(continues).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What the words of the documentation say, without any thought of speed.
    fn naive(pattern: &[char], text: &[char]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            (['*', rest @ ..], _) => {
                naive(rest, text) || (!text.is_empty() && naive(pattern, &text[1..]))
            }
            (['?', rest @ ..], [_, tail @ ..]) => naive(rest, tail),
            ([a, rest @ ..], [b, tail @ ..]) => a == b && naive(rest, tail),
            _ => false,
        }
    }

    #[test]
    fn wildcards_stand_for_what_the_documentation_says() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("log:*", "log:GetProject", true),
            ("log:Get?roject", "log:GetProject", true),
            ("log:Get?", "log:Get", false),
            ("a?c", "a日c", true),
            ("*jobs", "paidlc:stopjob", false),
            ("a*b*c", "aXbYbZc", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
        assert!(includes("log:Get*", "log:GetLog*"));
        assert!(includes("log:*", "log:?et"));
        assert!(!includes("log:Get*", "log:*"));
        assert!(!includes("log:Ge?", "log:Ge*"));
    }

    #[test]
    fn a_bomb_of_wildcards_takes_no_time() {
        let pattern = format!("{}b", "*a".repeat(100_000));
        assert!(!matches(&pattern, &"a".repeat(100_000)));
    }

    proptest! {
        #[test]
        fn patterns_match_as_the_naive_matcher_does(pattern in "[ab*?日]{0,7}", text in "[ab日]{0,9}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(matches(&pattern, &text), naive(&chars(&pattern), &chars(&text)));
        }

        #[test]
        fn what_a_pattern_includes_it_matches(
            pattern in "[ab*?]{0,5}", other in "[ab*?]{0,5}", text in "[ab]{0,6}",
        ) {
            if includes(&pattern, &other) && matches(&other, &text) {
                prop_assert!(matches(&pattern, &text));
            }
        }
    }
}
