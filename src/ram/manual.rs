//! The manual page of a rule: the comment at the head of its file, which the program carries along.

use super::{document::Kind, finding::Words};

/// A manual page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manual {
    /// What is found.
    pub title: Words,
    /// What it does.
    pub what: Words,
    /// Why it matters.
    pub why: Words,
    /// A document that has the finding.
    pub example: String,
    /// The same, put right.
    pub instead: String,
    /// Of which kind the documents are.
    pub kind: Kind,
    /// Where the facts come from.
    pub source: String,
}

impl Manual {
    /// Reads the page at the head of a file; parts it lacks are empty, which a test refuses.
    #[must_use]
    pub fn read(file: &str) -> Self {
        let lines: Vec<&str> = file
            .lines()
            .map_while(|line| line.strip_prefix("//!"))
            .map(|line| line.strip_prefix(' ').unwrap_or(line))
            .collect();
        let section = |head: &str| -> Vec<&str> {
            let from = lines.iter().position(|line| *line == head).map_or(lines.len(), |at| at + 1);
            let rest = lines.get(from..).unwrap_or_default();
            let mut fenced = false;
            let within = rest.iter().take_while(|line| {
                fenced ^= line.starts_with("```");
                fenced || !line.starts_with('#')
            });
            within.copied().collect()
        };
        let title = lines.iter().find_map(|line| line.strip_prefix("# ")).unwrap_or_default();
        let title_zh = lines.iter().find_map(|line| line.strip_prefix("zh: ")).unwrap_or_default();
        let example = section("## Example");
        Self {
            title: Words { en: title.to_owned(), zh: title_zh.to_owned() },
            what: prose(&section("## What it does")),
            why: prose(&section("## Why it matters")),
            kind: if example.contains(&"```json trust") { Kind::Trust } else { Kind::Identity },
            example: code(&example),
            instead: code(&section("## Use instead")),
            source: prose(&section("## Source")).en,
        }
    }
}

fn prose(lines: &[&str]) -> Words {
    let (zh, en): (Vec<&str>, Vec<&str>) = lines.iter().partition(|line| line.starts_with("zh: "));
    let en = en.join(" ");
    let zh: String = zh.iter().filter_map(|line| line.strip_prefix("zh: ")).collect();
    Words { en: en.trim().to_owned(), zh: zh.trim().to_owned() }
}

fn code(lines: &[&str]) -> String {
    let after = lines.iter().skip_while(|line| !line.starts_with("```")).skip(1);
    let inside: Vec<&str> = after.take_while(|line| !line.starts_with("```")).copied().collect();
    inside.join("\n") + "\n"
}
