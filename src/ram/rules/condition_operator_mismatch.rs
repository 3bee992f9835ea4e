//! # An operator compares something else than its key holds
//! zh: 运算符与条件键的类型不符
//!
//! ## What it does
//! Finds a documented condition key under an operator of another family: `acs:SourceIp` under `StringEquals`, `acs:MFAPresent`
//! under `StringLike`, `acs:SourceVpc` under `IpAddress`.
//! zh: 找出条件键与其运算符类型不符的情况，例如 `acs:SourceIp` 使用 `StringEquals`，`acs:SourceVpc` 使用 `IpAddress`。
//!
//! ## Why it matters
//! The comparison is never what it looks like: as a text, no address equals `10.0.0.0/8`. An Allow grants nothing, a Deny
//! denies nothing.
//! zh: 比较的结果与表面含义不同：按文本比较时，没有地址等于 `10.0.0.0/8`。Allow 不会授予，Deny 也不会拒绝。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": "log:GetProject",
//!       "Resource": "acs:log:*:*:project/web",
//!       "Condition": {
//!         "StringEquals": {
//!           "acs:SourceIp": "10.0.0.0/8"
//!         }
//!       }
//!     }
//!   ]
//! }
//! ```
//!
//! ## Use instead
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": "log:GetProject",
//!       "Resource": "acs:log:*:*:project/web",
//!       "Condition": {
//!         "IpAddress": {
//!           "acs:SourceIp": "10.0.0.0/8"
//!         }
//!       }
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! RAM Docs, Conditional operators; RAM Docs, Policy elements (common condition keys)

use super::shared::clauses;
use crate::ram::{
    finding::{Findings, words},
    keys::typed,
    lint::Subject,
    operator::Family,
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    for clause in clauses(subject) {
        let Some(operator) = clause.known else { continue };
        let key = clause.key.text;
        let held = typed(key).map(|key| key.family);
        let Some(held) = held.filter(|held| *held != operator.family()) else { continue };
        let (use_instead, name) = (instead(held), clause.operator.text);
        out.add(
            &clause.key.span,
            words!("`{name}` does not compare what `{key}` holds", "`{name}` 不适用于 `{key}`"),
        )
        .label(&clause.operator.span, words!("this operator", "此运算符"))
        .help(words!("use `{use_instead}`", "请使用 `{use_instead}`"));
    }
}

const fn instead(family: Family) -> &'static str {
    match family {
        Family::String => "StringEquals",
        Family::Number => "NumericEquals",
        Family::Date => "DateLessThan",
        Family::Boolean => "Bool",
        Family::Ip => "IpAddress",
    }
}
