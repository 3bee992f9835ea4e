//! # StringEquals compares a wildcard literally
//! zh: StringEquals 按字面比较通配符
//!
//! ## What it does
//! Finds `*` or `?` in a value of StringEquals, StringNotEquals or their IgnoreCase forms. These operators compare
//! character by character; only StringLike and StringNotLike know wildcards.
//! zh: 找出 StringEquals、StringNotEquals 及其 IgnoreCase 形式的值中的 `*` 或 `?`；它们按字面比较。
//!
//! ## Why it matters
//! "vpc-*" equals no VPC id: an Allow stays closed for everybody. With StringNotEquals the condition holds for every
//! request instead, and a Deny shuts out the users it should let through.
//! zh: "vpc-*" 不等于任何 VPC ID：Allow 对谁都不生效；换成 StringNotEquals 的 Deny 则会拦住所有人。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": [
//!         "log:GetLogStoreLogs"
//!       ],
//!       "Resource": "acs:log:*:*:project/web/logstore/*",
//!       "Condition": {
//!         "StringEquals": {
//!           "acs:SourceVpc": "vpc-test-*"
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
//!       "Action": [
//!         "log:GetLogStoreLogs"
//!       ],
//!       "Resource": "acs:log:*:*:project/web/logstore/*",
//!       "Condition": {
//!         "StringLike": {
//!           "acs:SourceVpc": "vpc-test-*"
//!         }
//!       }
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! RAM Docs, Conditional operators (String)

use super::shared::clauses;
use crate::ram::{
    finding::{Findings, words},
    lint::Subject,
    operator::Operator,
    wildcard::is_pattern,
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    for clause in clauses(subject) {
        let like = match clause.known {
            Some(Operator::StringEquals | Operator::StringEqualsIgnoreCase) => "StringLike",
            Some(Operator::StringNotEquals | Operator::StringNotEqualsIgnoreCase) => {
                "StringNotLike"
            }
            _ => continue,
        };
        let operator = clause.operator.text;
        for value in clause.values.iter().filter(|value| is_pattern(value.text)) {
            let text = value.text;
            out.add(
                &value.span,
                words!(
                    "`{operator}` compares `{text}` letter by letter",
                    "`{operator}` 会逐字比较 `{text}`"
                ),
            )
            .label(
                &clause.operator.span,
                words!("this operator knows no wildcards", "该运算符不支持通配符"),
            )
            .help(words!("write `{like}` where a pattern is meant", "若需通配，请使用 `{like}`"));
        }
    }
}
