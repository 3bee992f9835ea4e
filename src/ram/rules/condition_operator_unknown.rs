//! # A condition operator is not known
//! zh: 条件运算符不存在
//!
//! ## What it does
//! Reports a condition operator that is not one of the 21 of RAM and names the nearest one. Operators of other
//! clouds, such as those that end in IfExists, Null, ForAnyValue: and ArnLike, are not among them.
//! zh: 报告不在 RAM 的 21 个运算符之内的名称，并给出最接近的。IfExists、Null、ArnLike 等都不支持。
//!
//! ## Why it matters
//! RAM refuses the document; for IfExists and Null it says that they are not supported. The limit on addresses or
//! on a second factor is then not in force.
//! zh: RAM 会拒绝文档，对 IfExists 和 Null 会提示不支持。想要的来源地址或 MFA 限制因此没有生效。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": "paidlc:StopJob",
//!       "Resource": "acs:paidlc:*:*:workspace/1001/dlcjob/*",
//!       "Condition": {
//!         "BoolIfExists": {
//!           "acs:MFAPresent": "true"
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
//!       "Action": "paidlc:StopJob",
//!       "Resource": "acs:paidlc:*:*:workspace/1001/dlcjob/*",
//!       "Condition": {
//!         "Bool": {
//!           "acs:MFAPresent": "true"
//!         }
//!       }
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! RAM Docs, Conditional operators

use std::collections::HashMap;

use super::shared::{certain, quoted};
use crate::ram::{
    document::members,
    finding::{Edit, Findings, words},
    lint::Subject,
    operator::Operator,
    vocabulary::nearest_of,
};

fn known() -> impl Iterator<Item = &'static str> {
    Operator::ALL.iter().map(|(known, _)| *known)
}

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    for (statement, ..) in subject.statements() {
        let Some(condition) = statement.element("Condition") else { continue };
        // Names that are taken, or meant by several.
        let mut taken: HashMap<&str, usize> = HashMap::new();
        for operator in members(&condition.value) {
            let name = operator.name.as_str();
            let meant = if Operator::parse(name).is_some() { None } else { certain(name, known()) };
            *taken.entry(meant.unwrap_or(name)).or_default() += 1;
        }
        for operator in members(&condition.value) {
            let name = operator.name.as_str();
            if Operator::parse(name).is_some() {
                continue;
            }
            let near = nearest_of(name, known());
            let free = certain(name, known()).filter(|meant| taken.get(meant) == Some(&1));
            let help = match (name, near) {
                (_, Some(near)) => words!("is `{near}` meant?", "是否应为 `{near}`？"),
                (name, None) if name.ends_with("IfExists") || name == "Null" => words!(
                    "RAM cannot ask whether a key is there: `IfExists` and `Null` are refused",
                    "RAM 无法判断条件键是否存在：不支持 `IfExists` 和 `Null`"
                ),
                (name, None) if name.starts_with("Arn") => {
                    words!("RAM compares ARNs by `StringLike`", "RAM 使用 `StringLike` 比较 ARN")
                }
                _ => words!(
                    "RAM has `StringLike`, `NumericLessThan`, `DateGreaterThan`, `Bool`, `IpAddress` and their like",
                    "RAM 支持 `StringLike`、`NumericLessThan`、`DateGreaterThan`、`Bool`、`IpAddress` 等运算符"
                ),
            };
            out.add(
                &operator.name_span,
                words!("there is no operator `{name}`", "运算符 `{name}` 不存在"),
            )
            .help(help)
            .fix_if(free.map(|near| Edit { span: operator.name_span.clone(), text: quoted(near) }));
        }
    }
}
