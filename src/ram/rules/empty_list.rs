//! # A list has no entries
//! zh: 列表为空
//!
//! ## What it does
//! Reports Action, NotAction, Resource, the values of a condition key or a list of principals that is [], and a
//! Condition or a condition operator that is {}.
//! zh: 报告为 [] 的 Action、NotAction、Resource、条件值或主体列表，以及为 {} 的 Condition 或条件运算符。
//!
//! ## Why it matters
//! A statement over nothing matches no request. Often a script left the list empty because a variable was unset:
//! the grant is missing, or the addresses that should limit it are.
//! zh: 空列表不匹配任何请求。常见原因是脚本变量未赋值：授权不存在，或者用来限制它的地址不存在。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": [],
//!       "Resource": "acs:paidlc:*:*:workspace/1001/dlcjob/*"
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
//!         "paidlc:GetJob",
//!         "paidlc:ListJobs"
//!       ],
//!       "Resource": "acs:paidlc:*:*:workspace/1001/dlcjob/*"
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! RAM Docs, Policy structure and syntax

use crate::ram::{
    document::members,
    finding::{Findings, words},
    json::{Member, Value},
    lint::Subject,
};

const LISTS: [&str; 3] = ["Action", "NotAction", "Resource"];

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    for (statement, ..) in subject.statements() {
        for list in LISTS.iter().filter_map(|name| statement.element(name)) {
            look_at(list, out);
        }
        if let Some(condition) = statement.element("Condition") {
            look_at(condition, out);
            for operator in members(&condition.value) {
                look_at(operator, out);
                for key in members(&operator.value) {
                    look_at(key, out);
                }
            }
        }
        if let Some(principal) = statement.element("Principal") {
            look_at(principal, out);
            for kind in members(&principal.value) {
                look_at(kind, out);
            }
        }
    }
}

fn look_at(member: &Member, out: &mut Findings) {
    let is_empty = match &member.value.value {
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    };
    if is_empty {
        let name = &member.name;
        out.add(&member.span(), words!("`{name}` is empty", "`{name}` 为空")).help(words!(
            "name at least one, or leave `{name}` out where it is not needed",
            "至少写一项；若不需要 `{name}`，请删除"
        ));
    }
}
