//! The forms that random RAM documents and requests are made of, and how often each was drawn: what never was
//! is a hole in the test.

use std::{collections::BTreeMap, fmt};

use pai_authz::domain::{ContextValue, Scalar};
use serde_json::Value;

use super::naive_ram::{Asked, Judged, clauses, spelled, strings};

// Lists, their entries between bars.
pub(super) const ACTION_FORMS: &str = "\
    exact|upper case|lower case|everything|whole code|* first|* in the middle|* last|* for the code|\
    * in the code|* in upper case|?|? and *";
pub(super) const RESOURCE_FORMS: &str = "\
    everything|exact|* for the code|* in the code|? in the code|* for the region|* in the region|\
    ? in the region|no region|other region|* for the account|* in the account|? in the account|\
    no account|other account|* for the id|* first in the id|* in the id|* last in the id|? in the id|\
    other case of the id";
pub(super) const IDS: &str = "\
    project/p1/logstore/l1|project/p2/logstore/l1|project/p1|workspace/10001/dlcjob/j1|\
    workspace/10002/dlcjob/j1|workspace/10001|service/s1|user/alice|a:b:c/d:e::f|项目/日志库/Ä|\
    project/🦀/logstore/e\u{301}";
/// Asked about only: there `*` and `?` are letters.
pub(super) const ODD_IDS: &str = "\
    *|?|project/*/logstore/?|workspace/10001/dlcjob/*|workspace/*/dlcjob/j1";
pub(super) const FAMILIES: &str = "String|Numeric|Date|Bool|Ip";
pub(super) const OPERATORS: &str = "\
    StringEquals|StringNotEquals|StringEqualsIgnoreCase|StringNotEqualsIgnoreCase|StringLike|\
    StringNotLike|NumericEquals|NumericNotEquals|NumericLessThan|NumericLessThanEquals|\
    NumericGreaterThan|NumericGreaterThanEquals|DateEquals|DateNotEquals|DateLessThan|\
    DateLessThanEquals|DateGreaterThan|DateGreaterThanEquals|Bool|IpAddress|NotIpAddress";
/// Keys and what they hold.
const DOCUMENTED: &str = "\
    acs:SourceIp=Ip|acs:VpcSourceIp=Ip|acs:CurrentTime=Date|acs:SecureTransport=Bool|\
    acs:MFAPresent=Bool|acs:SourceVpc=String|log:TLSVersion=String|acs:Service=String|\
    acs:PrincipalARN=Principal";
const UNDOCUMENTED: &str = "\
    acs:RequestTag/env=String|acs:ResourceTag/size=Numeric|oss:Prefix=String|ecs:Limit=Numeric|\
    oss:When=Date|oss:Flag=Bool|oss:From=Ip";
const TEXTS: &str = "\
    prod|Prod|prods|vpc-1|TLSv1.2|pai.aliyuncs.com|Ärger|äRGER|生产||a*b|a?b|true|10";
const PRINCIPALS: &str = "\
    acs:ram::1000000000000001:user/alice|acs:ram::1000000000000001:role/trainer|\
    acs:ram::1000000000000001:root|acs:ram::*:user/*|acs:ram::*:role/*";
const NUMBERS: &str = "\
    10|10.0|+10|-10|-9|0|-0|0.5|00.50|-0.5|9.99|9.99999999999999999999999999999|\
    10000000000000000000000000000001|10000000000000000000000000000002";
const MOMENTS: &str = "\
    2026-01-31T08:00:00Z|2026-01-31T16:00:00+08:00|2026-01-31T08:00Z|2026-01-31T08:00:00.001Z|\
    2026-01-31T08:00:00.5Z|2026-01-31T08:00:00.0009Z|2026-01-31T08:00:00.001999999Z|\
    2024-02-29T23:59:59Z|2024-03-01T05:29:59+05:30|1970-01-01T00:00:00Z|1969-12-31T23:59:59Z|\
    1999-12-31T19:00:00-05:00|2000-01-01T00:00:00Z|2100-03-01T00:00:00Z";
const TRUTHS: &str = "true|false";
const ADDRESSES: &str = "\
    10.0.0.1|10.255.0.7|192.168.1.1|203.0.113.7|0.0.0.0|255.255.255.255|::ffff:10.0.0.1|::FFFF:a00:1|\
    2001:db8::1|2001:0DB8:0:0:0:0:0:1|2001:db9::1|::1";
pub(super) const BLOCKS: &str = "\
    10.0.0.0/8|10.1.2.3/8|10.0.0.1/32|192.168.1.0/31|0.0.0.0/0|::/0|2001:db8::/32|2001:db8::/127|\
    2001:db8::1/128|::ffff:10.0.0.0/104|::ffff:0.0.0.0/96";

/// Returns the entries of a list.
pub(super) fn entries(list: &'static str) -> Vec<&'static str> {
    list.split('|').collect()
}

/// A condition key, what it holds, and whether that is documented.
pub(super) type Key = (&'static str, &'static str, bool);

/// Returns all condition keys.
pub(super) fn keys() -> Vec<Key> {
    let of = |list: &'static str, is_documented: bool| {
        let pairs = entries(list).into_iter().map(|it| it.split_once('=').unwrap());
        pairs.map(move |(name, kind)| (name, kind, is_documented))
    };
    of(DOCUMENTED, true).chain(of(UNDOCUMENTED, false)).collect()
}

/// Returns the condition key of a name in any case, if it is one of ours.
pub(super) fn key(name: &str) -> Option<Key> {
    keys().into_iter().find(|it| it.0.eq_ignore_ascii_case(name))
}

/// Returns the values of what a key holds.
pub(super) fn pool(kind: &str) -> &'static str {
    match kind {
        "String" => TEXTS,
        "Principal" => PRINCIPALS,
        "Numeric" => NUMBERS,
        "Date" => MOMENTS,
        "Bool" => TRUTHS,
        "Ip" => ADDRESSES,
        other => panic!("nothing holds {other}"),
    }
}

/// Returns what an operator compares.
pub(super) fn family(operator: &str) -> &'static str {
    let mut families = entries(FAMILIES).into_iter();
    families.find(|it| operator.contains(it)).expect("a family")
}

/// How often what was drawn, by what it is a form of.
#[derive(Debug, Default)]
pub(crate) struct Coverage(BTreeMap<(&'static str, String), u64>);

impl Coverage {
    pub(super) fn note(&mut self, group: &'static str, form: impl Into<String>) {
        *self.0.entry((group, form.into())).or_default() += 1;
    }

    /// Counts the forms of a statement.
    pub(super) fn note_statement(&mut self, statement: &Value) {
        let effect = statement["Effect"].as_str().unwrap();
        for element in ["Action", "NotAction"].into_iter().filter(|it| statement.get(*it).is_some())
        {
            self.note("element", format!("{element} in {effect}"));
            if strings(&statement[element]).iter().any(|it| it.contains('?')) {
                self.note("?", format!("{element} in {effect}"));
            }
            self.note_list(element, &statement[element]);
        }
        self.note_list("Resource", &statement["Resource"]);
        for resource in strings(&statement["Resource"]) {
            let parts: Vec<&str> = resource.splitn(5, ':').collect();
            if parts.get(2) == Some(&"") {
                let code = if parts[1] == "ram" { "ram" } else { "others" };
                self.note("no region", format!("{code} in {effect}"));
            }
        }
        let clauses = clauses(statement);
        self.note("conditions", clauses.len().to_string());
        for clause in clauses {
            let (name, ..) = key(clause.key).unwrap();
            self.note("key", if clause.key == name { name } else { "other case" });
        }
    }

    /// Counts the form of an element that is one or a list.
    pub(super) fn note_list(&mut self, element: &str, list: &Value) {
        let form = match list.as_array().map(Vec::len) {
            None => "string",
            Some(1) => "list of one",
            Some(_) => "list",
        };
        self.note("list", format!("{element} {form}"));
    }

    /// Counts what came of a request.
    pub(crate) fn note_judged(
        &mut self,
        documents: &[(String, String)],
        asked: &Asked<'_>,
        judged: &Judged,
    ) {
        self.note("verdict", format!("{:?}", judged.verdict));
        for (name, text) in documents {
            let document: Value = serde_json::from_str(text).unwrap();
            for (index, statement) in document["Statement"].as_array().unwrap().iter().enumerate() {
                let decides = judged.matched.contains(&(name.clone(), index));
                let effect = statement["Effect"].as_str().unwrap();
                for clause in clauses(statement) {
                    self.note(if decides { "decides" } else { "decides not" }, clause.operator);
                    if judged.missing.contains(&spelled(clause.key)) {
                        let sign = if clause.is_negated() { "negated" } else { "positive" };
                        self.note("absent", format!("{sign} in {effect}"));
                    }
                }
            }
        }
        for (name, value) in asked.context {
            if key(name).is_none_or(|it| it.0 != name) {
                self.note("asked", "key in other case");
            }
            let form = match value {
                ContextValue::One(Scalar::String(_)) => "string",
                ContextValue::One(Scalar::Bool(_)) => "boolean",
                ContextValue::One(Scalar::Number(_)) => "number",
                ContextValue::Many(values) if values.is_empty() => "no value",
                ContextValue::Many(_) => "list",
            };
            self.note("asked", form);
        }
        for letter in asked.arn.chars().filter(|c| matches!(c, '*' | '?')) {
            self.note("asked", format!("{letter} in the ARN"));
        }
    }

    /// Returns what was never drawn.
    pub(crate) fn holes(&self) -> Vec<String> {
        let in_effects = "Action in Allow|Action in Deny|NotAction in Allow|NotAction in Deny";
        let groups = [
            ("element", in_effects),
            ("?", in_effects),
            ("action", ACTION_FORMS),
            ("resource", RESOURCE_FORMS),
            ("no region", "ram in Allow|ram in Deny|others in Allow|others in Deny"),
            ("list", "Action string|Action list of one|Action list"),
            ("list", "NotAction string|NotAction list of one|NotAction list"),
            ("list", "Resource string|Resource list of one|Resource list"),
            ("list", "values string|values list of one|values list"),
            ("conditions", "0|1|2|3"),
            ("key", "other case"),
            ("value", TEXTS),
            ("value", PRINCIPALS),
            ("value", NUMBERS),
            ("value", MOMENTS),
            ("value", TRUTHS),
            ("value", ADDRESSES),
            ("value", BLOCKS),
            ("value", "pattern with *|pattern with ?"),
            ("decides", OPERATORS),
            ("decides not", OPERATORS),
            ("absent", "positive in Allow|positive in Deny|negated in Allow|negated in Deny"),
            ("asked", "string|boolean|number|list|no value|key in other case"),
            ("asked", "* in the ARN|? in the ARN"),
            ("verdict", "Error|Deny|Allow|Nothing"),
        ];
        let listed = groups.into_iter().flat_map(|(group, list)| {
            entries(list).into_iter().map(move |form| (group, form.to_owned()))
        });
        let names = keys().into_iter().map(|(name, ..)| ("key", name.to_owned()));
        let never = listed.chain(names).filter(|it| !self.0.contains_key(it));
        never.map(|(group, form)| format!("{group}: {form}")).collect()
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = None;
        for ((group, form), count) in &self.0 {
            let before = if last == Some(group) { ", ".to_owned() } else { format!("\n{group}: ") };
            write!(f, "{before}{form} {count}")?;
            last = Some(group);
        }
        Ok(())
    }
}
