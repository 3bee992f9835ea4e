//! The query of a call: each parameter once, none that is not read.

use std::{borrow::Cow, collections::BTreeSet};

use percent_encoding::percent_decode_str;

use crate::{
    domain::{Invalid, PrincipalId, shortened},
    service::{Paging, Sorting},
};

/// Most items of a page; more are not given, as the field does it.
const MAX_PAGE: usize = 100;
const DEFAULT_PAGE: usize = 20;
/// What some clients add to every call.
const IGNORED: &str = "RegionId";

/// The parameters of a query, decoded; an empty value is an absent one.
#[derive(Debug, Default)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a raw query that may have the parameters `known`.
    ///
    /// # Errors
    /// A parameter that is not known, stands twice, or is not UTF-8.
    pub(super) fn parse(raw: &str, known: &[&str]) -> Result<Self, Invalid> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let not_text =
                |_| Invalid::value(shortened(key, 60), "…", "UTF-8", "send percent-encoded UTF-8");
            let (key, value) = (decode(key).map_err(not_text)?, decode(value).map_err(not_text)?);
            if key == IGNORED || value.is_empty() {
                continue;
            }
            if !known.contains(&key.as_str()) {
                let help = match known {
                    [] => "this operation reads no parameters".to_owned(),
                    known => format!("this operation reads `{}`", known.join("`, `")),
                };
                return Err(Invalid::unexpected(shortened(&key, 60), &value, help));
            }
            if pairs.iter().any(|(other, _)| *other == key) {
                return Err(Invalid::unexpected(key, &value, "give the parameter once"));
            }
            pairs.push((key, value));
        }
        Ok(Self(pairs))
    }

    /// Returns a parameter.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Returns a parameter that must be there.
    pub(super) fn required(&self, name: &str, help: &str) -> Result<&str, Invalid> {
        self.get(name).ok_or_else(|| Invalid::missing(name, help))
    }

    /// Returns a parameter that is true or false; the case of letters does not count, for SDKs differ in it.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Invalid> {
        match self.get(name) {
            None => Ok(None),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(text) => {
                Err(Invalid::value(name, text, "true or false", "give `true` or `false`"))
            }
        }
    }

    /// Returns a parameter that is one of a few words.
    pub(super) fn one_of(
        &self,
        name: &str,
        words: &[&'static str],
    ) -> Result<Option<&'static str>, Invalid> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let found = words.iter().copied().find(|word| *word == text);
        found.map(Some).ok_or_else(|| {
            let help = format!("give one of `{}`", words.join("`, `"));
            Invalid::value(name, text, "a value that is read", help)
        })
    }

    /// Returns the parts of a parameter that is a list with commas, each once.
    pub(super) fn set(&self, name: &str) -> Option<BTreeSet<String>> {
        self.get(name).map(|text| separated(text).into_iter().collect())
    }

    /// Returns a parameter that is the id of a principal.
    pub(super) fn principal(&self, name: &str) -> Result<Option<PrincipalId>, Invalid> {
        let parse = |text: &str| {
            PrincipalId::parse(text.trim())
                .map_err(|form| Invalid::value(name, text, form.expected, form.help))
        };
        self.get(name).map(parse).transpose()
    }

    /// Returns which page is asked for.
    pub(super) fn paging(&self) -> Result<Paging, Invalid> {
        let number = self.number("PageNumber")?.unwrap_or(1);
        let size = self.number("PageSize")?.unwrap_or(DEFAULT_PAGE).min(MAX_PAGE);
        Ok(Paging { skip: (number - 1).saturating_mul(size), size })
    }

    /// Returns a parameter that is a number from 1 on.
    pub(super) fn number(&self, name: &str) -> Result<Option<usize>, Invalid> {
        let Some(text) = self.get(name) else { return Ok(None) };
        // As numbers are written, without signs: `usize` would read `+1`.
        let digits = text.len() <= 9 && text.bytes().all(|b| b.is_ascii_digit());
        match text.parse() {
            Ok(number) if digits && number > 0 => Ok(Some(number)),
            _ => Err(Invalid::value(name, text, "a number from 1 on", "give digits, as `20`")),
        }
    }

    /// Returns the order that is asked for.
    pub(super) fn sorting(&self) -> Result<Sorting, Invalid> {
        let by = self.one_of("SortBy", &["GmtCreateTime", "GmtModifiedTime"])?;
        let order = self.one_of("Order", &["ASC", "DESC"])?;
        Ok(Sorting {
            by_modified: by == Some("GmtModifiedTime"),
            descending: order == Some("DESC"),
        })
    }
}

fn decode(text: &str) -> Result<String, std::str::Utf8Error> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().map(Cow::into_owned)
}

/// Returns a parameter of a raw query, the first of that name that is not empty; of what [`Query::parse`] takes there is no
/// other.
pub(super) fn first(raw: &str, name: &str) -> Option<String> {
    let pairs = raw.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs
        .filter(|(key, value)| !value.is_empty() && decode(key).as_deref() == Ok(name))
        .find_map(|(_, value)| decode(value).ok())
}

/// Returns the parts of a list with commas, without the spaces around them; empty parts are none.
pub(super) fn separated(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["PageNumber", "PageSize", "Verbose", "Name"];

    #[track_caller]
    fn refused(raw: &str, field: &str) {
        let invalid = Query::parse(raw, KNOWN).and_then(|query| {
            query.paging()?;
            query.flag("Verbose")?;
            Ok(())
        });
        assert_eq!(invalid.unwrap_err().field, field, "{raw}");
    }

    #[test]
    fn a_query_is_read_as_sdks_send_it() {
        let query =
            Query::parse("Verbose=True&Name=a+b%2C%20c&PageSize=&RegionId=x", KNOWN).unwrap();
        assert_eq!(query.flag("Verbose").unwrap(), Some(true));
        assert_eq!(query.set("Name").unwrap(), ["a b", "c"].map(str::to_owned).into());
        assert_eq!((query.paging().unwrap().skip, query.paging().unwrap().size), (0, 20));
        let query = Query::parse("PageNumber=3&PageSize=1000", KNOWN).unwrap();
        assert_eq!((query.paging().unwrap().skip, query.paging().unwrap().size), (200, 100));
        assert_eq!(
            Query::parse("Verbose=FALSE", KNOWN).unwrap().flag("Verbose").unwrap(),
            Some(false)
        );
    }

    #[test]
    fn one_parameter_is_found_as_the_whole_query_is_read() {
        let raw = "A=&Name=&N%61me=a+b%2C&Name=other&X=%ff&Bare";
        assert_eq!(first(raw, "Name").as_deref(), Some("a b,"));
        for absent in ["A", "X", "Bare", "name", ""] {
            assert_eq!(first(raw, absent), None, "{absent}");
        }
    }

    #[test]
    fn what_is_not_read_is_refused_by_its_name() {
        refused("Nmae=x", "Nmae");
        refused("Name=x&Name=y", "Name");
        refused("Name=%ff", "Name");
        refused("Verbose=yes", "Verbose");
        for number in ["0", "-1", "+1", "1.0", "x", "9999999999", "١"] {
            refused(&format!("PageNumber={number}"), "PageNumber");
            refused(&format!("PageSize={number}"), "PageSize");
        }
    }
}
