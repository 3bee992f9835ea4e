//! Slips a person makes: a quote, a comma, a letter. Each must be told of, on its line.

use std::{collections::BTreeMap, fs, ops::Range, path::Path};

use pai_authz::{
    catalog::catalog,
    ram::{
        document::{Document, Kind, Statement, Text},
        json::{Parsed, parse},
        lines::Lines,
        lint::lint,
        rules::{RULES, Rule},
        wildcard,
    },
};

use crate::support::{Seeded, full, report};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Slip {
    Quote,
    Comma,
    Element,
    Effect,
    Operator,
    ArnSegment,
    ArnCode,
    ActionLetter,
}

const SLIPS: [Slip; 8] = [
    Slip::Quote,
    Slip::Comma,
    Slip::Element,
    Slip::Effect,
    Slip::Operator,
    Slip::ArnSegment,
    Slip::ArnCode,
    Slip::ActionLetter,
];

/// The system policies, and what the manual says to write.
fn documents() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/catalog/system_policies");
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths.filter(|path| !path.ends_with("index.json")).collect();
    paths.sort();
    let published = paths.iter().map(|path| fs::read_to_string(path).unwrap());
    let manuals = RULES.iter().map(Rule::manual);
    let ours = manuals.filter(|page| page.kind == Kind::Identity).map(|page| page.instead);
    // On one line as well, where a slip can hide more.
    let minified = |text: String| {
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        [text, value.to_string()]
    };
    published.chain(ours).flat_map(minified).collect()
}

/// Known to the catalogue, with all its actions.
fn is_listed(code: &str) -> bool {
    let mut actions = catalog().ram_actions().iter();
    code != "ram" && actions.any(|it| it.action.split(':').next() == Some(code))
}

fn is_known(code: &str) -> bool {
    catalog().ram_codes().iter().any(|it| it.code == code)
}

/// Changes one letter: another, none, twice, or in another place.
fn other_letter(text: &str, seeded: &mut Seeded) -> Option<String> {
    let letters: Vec<char> = text.chars().collect();
    let at = usize::try_from(seeded.below(letters.len() as u64)).unwrap();
    if !letters[at].is_ascii_alphabetic() {
        return None;
    }
    let mut new = letters.clone();
    match seeded.below(4) {
        0 => new[at] = char::from(b'a' + u8::try_from(seeded.below(26)).unwrap()),
        1 => drop(new.remove(at)),
        2 => new.insert(at, letters[at]),
        _ if at + 1 < new.len() => new.swap(at, at + 1),
        _ => return None,
    }
    let new: String = new.into_iter().collect();
    (!new.eq_ignore_ascii_case(text)).then_some(new)
}

/// Returns one of the places of a text that satisfy a test.
fn pick<T>(mut places: Vec<T>, seeded: &mut Seeded) -> Option<T> {
    if places.is_empty() {
        return None;
    }
    let index = usize::try_from(seeded.below(places.len() as u64)).unwrap();
    Some(places.swap_remove(index))
}

/// Returns the change that a slip makes in a document, if it has a place for it.
fn slip(text: &str, kind: Slip, seeded: &mut Seeded) -> Option<(Range<usize>, String)> {
    let Parsed { root, faults, .. } = parse(text);
    assert!(faults.is_empty());
    let document = Document::new(Kind::Identity, text, &root);
    let statements: &[Statement<'_>] = &document.statements;
    let inside = |span: &Range<usize>| span.start + 1..span.end - 1;
    let changed = |spans: Vec<Range<usize>>, seeded: &mut Seeded| {
        let span = pick(spans, seeded)?;
        let new = other_letter(&text[span.clone()], seeded)?;
        Some((span, new))
    };
    match kind {
        Slip::Quote | Slip::Comma => {
            let mark = if kind == Slip::Quote { '"' } else { ',' };
            let at = pick(text.match_indices(mark).collect(), seeded)?.0;
            // Commas in strings are none.
            (kind == Slip::Quote
                || parse(&text[..at]).faults.iter().all(|it| !it.message.en.contains("not closed")))
            .then(|| (at..at + 1, String::new()))
        }
        Slip::Element => {
            let own = document.members.iter();
            let all = own.chain(statements.iter().flat_map(|statement| statement.members));
            changed(all.map(|member| inside(&member.name_span)).collect(), seeded)
        }
        Slip::Effect => {
            let effects = statements.iter().filter_map(|it| it.element("Effect"));
            changed(effects.map(|member| inside(&member.value.span)).collect(), seeded)
        }
        Slip::Operator => {
            let clauses = statements.iter().flat_map(|statement| &statement.clauses);
            changed(clauses.map(|clause| inside(&clause.operator.span)).collect(), seeded)
        }
        Slip::ArnSegment | Slip::ArnCode => {
            let is_arn = |it: &&Text<'_>| {
                it.text.starts_with("acs:") && is_known(it.text.split(':').nth(1).unwrap())
            };
            let arns = statements.iter().flat_map(|it| &it.resources).filter(is_arn);
            let arn = pick(arns.collect(), seeded)?;
            let mut parts: Vec<String> = arn.text.splitn(5, ':').map(str::to_owned).collect();
            if kind == Slip::ArnCode {
                parts[1] = other_letter(&parts[1].clone(), seeded)?;
            } else {
                match seeded.below(4) {
                    0 => drop(parts.remove(2)),
                    1 => parts[0] = other_letter("acs", seeded)?,
                    2 => "CN_Hangzhou".clone_into(&mut parts[2]),
                    _ => "my-account".clone_into(&mut parts[3]),
                }
            }
            Some((inside(&arn.span), parts.join(":")))
        }
        Slip::ActionLetter => {
            let is_ours = |it: &&Text<'_>| is_listed(it.text.split(':').next().unwrap());
            let actions = statements.iter().flat_map(|it| &it.actions).filter(is_ours);
            changed(actions.map(|action| inside(&action.span)).collect(), seeded)
        }
    }
}

/// Returns whether what a slip made is something else that exists: nobody can know that it was not meant.
fn is_valid(kind: Slip, new: &str) -> bool {
    // Codes of other services that differ in a letter from ours.
    let is_other_service = |code: &str| {
        let other = format!(
            r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"{code}:X","Resource":"*"}}]}}"#
        );
        let found = lint(&other, Kind::Identity);
        !is_known(code) && found.findings.is_empty()
    };
    match kind {
        Slip::ActionLetter => {
            let (code, _) = new.split_once(':').unwrap_or((new, ""));
            let lower = new.to_ascii_lowercase();
            let mut actions = catalog().ram_actions().iter();
            let exists =
                actions.any(|it| wildcard::matches(&lower, &it.action.to_ascii_lowercase()));
            exists
                || is_other_service(&code.to_ascii_lowercase())
                || (is_known(code) && !is_listed(code))
        }
        Slip::ArnCode => {
            let code = new.split(':').nth(1).unwrap();
            is_known(code) || is_other_service(code)
        }
        Slip::Element => matches!(new, "Action" | "NotAction"),
        _ => false,
    }
}

/// What is found, by line.
fn told(text: &str) -> Vec<(usize, usize, String)> {
    let lines = Lines::new(text);
    let shown = lint(text, Kind::Identity).findings.into_iter().map(|finding| {
        let line = |offset| lines.place(offset).line;
        let text = format!("{}: {}", finding.rule.code, finding.message.en);
        (line(finding.span.start), line(finding.span.end), text)
    });
    shown.collect()
}

#[test]
fn every_slip_is_told_of_on_its_line() {
    let (documents, mutations) = (documents(), full(1_000, 30_000));
    let mut seeded = Seeded(5_202_611);
    let mut caught: BTreeMap<Slip, u64> = BTreeMap::new();
    let (mut valid, mut missed) = (0, Vec::new());
    while caught.values().sum::<u64>() + (missed.len() as u64) < mutations {
        let text = &documents[usize::try_from(seeded.below(documents.len() as u64)).unwrap()];
        let kind = SLIPS[usize::try_from(seeded.below(SLIPS.len() as u64)).unwrap()];
        let Some((span, new)) = slip(text, kind, &mut seeded) else { continue };
        if is_valid(kind, &new) {
            valid += 1;
            continue;
        }
        let mut broken = text.clone();
        broken.replace_range(span.clone(), &new);
        let line = Lines::new(text).place(span.start).line;
        let before = told(text);
        let is_new = |it: &&(usize, usize, String)| !before.contains(it);
        let found = told(&broken);
        if found.iter().filter(is_new).any(|(from, to, _)| (*from..=*to).contains(&line)) {
            *caught.entry(kind).or_default() += 1;
        } else {
            missed.push(format!("{kind:?} line {line} `{new}` for `{}`: {found:?}", &text[span]));
        }
    }
    report(&format!(
        "slips caught, on their lines: {caught:?}; {valid} made another valid document"
    ));
    assert!(missed.is_empty(), "{} of {mutations}:\n{}", missed.len(), missed.join("\n"));
}
