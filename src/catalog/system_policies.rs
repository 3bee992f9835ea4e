//! The vendor's system policies: built in, the same in every account.
//!
//! Their documents are `schema/catalog/system_policies/*.json`, as the vendor publishes them; facts about them are in the
//! `index.json` beside. What a document means is not known here.

use serde::Deserialize;

use super::file::Text;
use crate::domain::Timestamp;

const INDEX: &str = include_str!("../../schema/catalog/system_policies/index.json");

macro_rules! documents {
    ($($name:literal,)+) => {
        /// Names and documents, sorted by name.
        const DOCUMENTS: &[(&str, &str)] = &[$((
            $name,
            include_str!(concat!("../../schema/catalog/system_policies/", $name, ".json")),
        ),)+];
    };
}

documents! {
    "AliyunDatasetAccReadOnlyAccess",
    "AliyunLogFullAccess",
    "AliyunLogReadOnlyAccess",
    "AliyunODPSPAIRolePolicy",
    "AliyunPAIAutoMLReadOnlyAccess",
    "AliyunPAIDatsetDefaultRolePolicy",
    "AliyunPAIEASFullAccess",
    "AliyunPAIEASReadOnlyAccess",
    "AliyunPAIFeatureStoreFullAccess",
    "AliyunPAIFeatureStoreReadOnlyAccess",
    "AliyunPAIFullAccess",
    "AliyunPAIITagReadOnlyAccess",
    "AliyunPAILLMTraceFullAccess",
    "AliyunPAILLMTraceReadOnlyAccess",
    "AliyunPAILangStudioDefaultRolePolicy",
    "AliyunPAILangStudioFullAccess",
    "AliyunPAILangStudioReadOnlyAccess",
    "AliyunPAIReadOnlyAccess",
    "AliyunPAIRecFullAccess",
    "AliyunPAIRecReadOnlyAccess",
    "AliyunPaiPluginFullAccess",
    "AliyunPaiPluginReadOnlyAccess",
    "AliyunServiceRolePolicyForPaiAutoml",
    "AliyunServiceRolePolicyForPaiDlc",
    "AliyunServiceRolePolicyForPaiLLMTrace",
}

/// The version of a policy of which none is known.
const FIRST: &str = "v1";

/// A system policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemPolicy {
    /// Its name, unique among system policies.
    pub name: &'static str,
    /// Its version, as `v6`; `v1` where it is not known.
    pub version: &'static str,
    /// Its document.
    pub document: &'static str,
    /// When that version was published, to the day, the month or the year; `None` where it is not known.
    pub updated: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Index {
    policies: Vec<IndexRow>,
}

#[derive(Deserialize)]
struct IndexRow {
    name: Text,
    version: Option<Text>,
    updated: Option<Text>,
}

/// Reads the index and joins it with the documents; sorted by name.
pub(super) fn read() -> Result<Vec<SystemPolicy>, String> {
    let index: Index = serde_json::from_str(INDEX)
        .map_err(|error| format!("schema/catalog/system_policies/index.json: {error}"))?;
    let mut out = Vec::with_capacity(DOCUMENTS.len());
    for (name, document) in DOCUMENTS {
        let row = index.policies.iter().find(|row| row.name.0 == *name);
        let row = row.ok_or_else(|| format!("`{name}` is not in the index"))?;
        let updated = match row.updated {
            None => None,
            Some(Text(text)) => {
                Some(day(text).ok_or_else(|| format!("`{name}`: `{text}` is not a day"))?)
            }
        };
        let version = row.version.map_or(FIRST, |version| version.0);
        out.push(SystemPolicy { name, version, document, updated });
    }
    if index.policies.len() != out.len() {
        return Err("the index of system policies has one without a document".to_owned());
    }
    Ok(out)
}

/// Days from March of the year 0 to 1970.
const EPOCH: u64 = 719_468;

/// Returns the beginning of a day `2025-07-01`, a month `2025-07` or a year `2025`, in UTC.
fn day(text: &str) -> Option<Timestamp> {
    let parts: Option<Vec<u64>> = text.split('-').map(|part| part.parse().ok()).collect();
    let (year, month, day) = match *parts?.as_slice() {
        [year] => (year, 1, 1),
        [year, month] => (year, month, 1),
        [year, month, day] => (year, month, day),
        _ => return None,
    };
    if !(1970..=9_999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Days of the proleptic Gregorian calendar, in years that begin in March, so that a leap day is the last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let before_year = year * 365 + year / 4 - year / 100 + year / 400;
    let days = before_year + (153 * month + 2) / 5 + day - 1;
    Some(Timestamp::from_millis((days - EPOCH) * 24 * 60 * 60 * 1_000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        catalog::catalog,
        domain::{PolicyName, VersionId},
    };

    #[test]
    fn each_has_a_name_and_a_version_of_the_interface() {
        for policy in catalog().system_policies() {
            assert!(PolicyName::parse(policy.name).is_ok(), "{}", policy.name);
            assert!(VersionId::parse(policy.version).is_some(), "{}", policy.name);
            assert_eq!(catalog().system_policy(policy.name), Some(policy));
        }
        assert!(DOCUMENTS.is_sorted());
        let full = catalog().system_policy("AliyunPAIFullAccess").unwrap();
        assert_eq!(full.version, "v6");
        assert_eq!(full.updated.unwrap().as_millis(), 1_751_328_000_000);
        assert_eq!(catalog().system_policy("AliyunPAIFullAcces"), None);
    }

    #[test]
    fn days_are_counted_as_calendars_count_them() {
        for (text, expected) in [
            ("1970-01-01", Some(0)),
            ("1970-01", Some(0)),
            ("2000-02-29", Some(951_782_400)),
            ("2000-03-01", Some(951_868_800)),
            ("2026-11-27", Some(1_795_737_600)),
            ("2026-13-01", None),
            ("1970", Some(0)),
            ("", None),
            ("2026-01-00", None),
            ("2026-01-01-01", None),
            ("x", None),
        ] {
            assert_eq!(day(text).map(|at| at.as_millis() / 1_000), expected, "{text}");
        }
    }
}
