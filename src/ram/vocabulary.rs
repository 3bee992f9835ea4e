//! What documents can name: the catalogue as rules look things up in it, without regard to the case of letters.

use std::{collections::HashMap, sync::LazyLock};

use super::wildcard;
use crate::catalog::{RamAction, catalog, letters_apart};

/// An action of the catalogue, by its place in it.
pub(super) type ActionIndex = u16;

/// The RAM codes whose actions the catalogue has all of that are known; `ram` has those of this service only.
const PARTLY_KNOWN: &str = "ram";

/// RAM codes of other services of the vendor that differ from one of PAI or of Simple Log Service in a letter or two.
const OTHER_SERVICES: [&str; 34] = [
    "acm", "acs", "adb", "alb", "apm", "arms", "bss", "cas", "cdn", "cen", "cms", "cr", "cs",
    "das", "dms", "dns", "drds", "dts", "eci", "ecs", "eds", "eip", "ens", "ess", "fc", "fnf",
    "hbr", "kms", "mns", "nas", "oos", "oss", "rds", "sag",
];
/// The same, continued: names that begin otherwise.
const MORE_SERVICES: [&str; 22] = [
    "ebs", "eais", "emas", "eos", "bas", "rum", "iam", "rm", "sas", "slb", "sms", "sts", "vpc",
    "vod", "yun", "ots", "nlb", "rdc", "ros", "rtc", "edas", "mse",
];

/// What people write for a RAM code that it is not.
const WRITTEN_FOR: [(&str, &str); 14] = [
    ("aiworkspace", "paiworkspace"),
    ("workspace", "paiworkspace"),
    ("paieas", "eas"),
    ("pai-eas", "eas"),
    ("dlc", "paidlc"),
    ("dsw", "paidsw"),
    ("designer", "paidesigner"),
    ("langstudio", "pailangstudio"),
    ("itag", "paiitag"),
    ("paifeaturestore", "featurestore"),
    ("sls", "log"),
    ("logservice", "log"),
    ("paidatasetacc", "datasetacc"),
    ("paistudio", "pai"),
];

/// The vocabulary of documents.
#[derive(Debug)]
pub(super) struct Vocabulary {
    actions: &'static [RamAction],
    by_lower: HashMap<&'static str, ActionIndex>,
    /// The actions of each RAM code, which stand together.
    of_code: HashMap<&'static str, Vec<ActionIndex>>,
    codes: Vec<&'static str>,
}

/// Returns the vocabulary of this program.
pub(super) fn vocabulary() -> &'static Vocabulary {
    static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(Vocabulary::new);
    &VOCABULARY
}

impl Vocabulary {
    fn new() -> Self {
        let actions = catalog().ram_actions();
        let mut by_lower = HashMap::new();
        let mut of_code: HashMap<&'static str, Vec<ActionIndex>> = HashMap::new();
        for (index, action) in (0..).zip(actions) {
            let name = action.lower.as_str();
            by_lower.insert(name, index);
            if let Some((code, _)) = name.split_once(':') {
                of_code.entry(code).or_default().push(index);
            }
        }
        let codes = catalog().ram_codes().iter().map(|code| code.code).collect();
        Self { actions, by_lower, of_code, codes }
    }

    /// Returns an action.
    pub(super) fn action(&self, index: ActionIndex) -> Option<&'static RamAction> {
        self.actions.get(usize::from(index))
    }

    /// Returns how many actions there are.
    pub(super) fn len(&self) -> usize {
        self.actions.len()
    }

    /// Returns the action of a name in small letters.
    pub(super) fn find(&self, lower: &str) -> Option<ActionIndex> {
        self.by_lower.get(lower).copied()
    }

    /// Returns the actions a pattern in small letters stands for; `code` is its RAM code where that is literal.
    pub(super) fn covered(&self, pattern: &str, code: Option<&str>) -> Vec<ActionIndex> {
        let is_covered = |index: &ActionIndex| {
            self.action(*index).is_some_and(|it| wildcard::matches(pattern, &it.lower))
        };
        match code {
            Some(code) => {
                let of_code = self.of_code.get(code).map_or(&[][..], Vec::as_slice);
                of_code.iter().copied().filter(is_covered).collect()
            }
            None => (0..).take(self.actions.len()).filter(is_covered).collect(),
        }
    }

    /// Returns whether a RAM code in small letters is one of PAI, of Simple Log Service or of RAM.
    pub(super) fn is_known_code(&self, code: &str) -> bool {
        self.codes.contains(&code)
    }

    /// Returns whether the actions of a RAM code are all known, so that another is none.
    pub(super) fn is_listed_code(&self, code: &str) -> bool {
        code != PARTLY_KNOWN && self.of_code.contains_key(code)
    }

    /// Returns the RAM codes of PAI and of Simple Log Service, in the order of the catalogue.
    pub(super) fn codes(&self) -> &[&'static str] {
        &self.codes
    }

    /// Returns the known RAM code that was meant by one that is not known; `None` where it can be that of another service.
    pub(super) fn meant_code(&self, code: &str) -> Option<&'static str> {
        if self.is_known_code(code)
            || OTHER_SERVICES.contains(&code)
            || MORE_SERVICES.contains(&code)
        {
            return None;
        }
        if let Some((_, meant)) = WRITTEN_FOR.iter().find(|(written, _)| *written == code) {
            return Some(meant);
        }
        let bare: String = code.chars().filter(|c| !matches!(c, '-' | '_')).collect();
        if bare != code && self.is_known_code(&bare) {
            return self.codes.iter().find(|known| **known == bare).copied();
        }
        let near = |known: &&&'static str| {
            // Two slips in a long name, one in a short one; two letters that changed places are one slip.
            let allowed = if known.len() >= 8 { 2 } else { 1 };
            letters_apart(code, known, allowed).is_some() || is_swapped(code, known)
        };
        self.codes.iter().filter(near).min_by_key(|known| letters_apart(code, known, 2)).copied()
    }

    /// Returns actions of any RAM code that have this name, which is in small letters.
    pub(super) fn elsewhere(&self, name: &str) -> Vec<&'static str> {
        let of_code = |code: &&'static str| self.find(&format!("{code}:{name}"));
        let found = self.codes.iter().filter_map(of_code).filter_map(|index| self.action(index));
        found.map(|action| action.action).take(2).collect()
    }

    /// Returns up to three actions whose names are nearly this one, which is in small letters.
    pub(super) fn nearest(&self, lower: &str) -> Vec<&'static str> {
        let Some((code, name)) = lower.split_once(':') else { return Vec::new() };
        let of_code = self.of_code.get(code).map_or(&[][..], Vec::as_slice);
        let allowed = (name.len() / 3).clamp(2, 4);
        let mut near: Vec<(usize, &'static str)> = Vec::new();
        for index in of_code {
            let Some(known) = self.action(*index) else { continue };
            let known_name = known.lower.get(code.len() + 1..).unwrap_or_default();
            if let Some(far) = letters_apart(name, known_name, allowed) {
                near.push((far, known.action));
            }
        }
        near.sort_unstable();
        near.into_iter().map(|(_, name)| name).take(3).collect()
    }
}

/// Returns which of some names is nearest to one that is none of them, at most two letters away.
pub(super) fn nearest_of<'n>(text: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let lower = text.to_ascii_lowercase();
    names
        .filter(|name| name.len().abs_diff(text.len()) <= 2)
        .filter_map(|name| Some((letters_apart(&lower, &name.to_ascii_lowercase(), 2)?, name)))
        .min_by_key(|(far, _)| *far)
        .map(|(_, name)| name)
}

fn is_swapped(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let Some(at) = a.iter().zip(b).position(|(x, y)| x != y) else { return false };
    a.len() == b.len()
        && a.get(at) == b.get(at + 1)
        && a.get(at + 1) == b.get(at)
        && a.get(at + 2..) == b.get(at + 2..)
}
