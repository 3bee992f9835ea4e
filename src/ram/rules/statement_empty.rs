//! # Statement is an empty list
//! zh: Statement 是空列表
//!
//! ## What it does
//! Reports a Statement that is an array without any statement.
//! zh: 报告不含任何语句的 Statement 数组。
//!
//! ## Why it matters
//! The grammar wants at least one statement. An empty policy gives nobody anything: a user who holds only this
//! policy is denied every request.
//! zh: 语法要求至少有一条语句。空策略不授予任何权限，只有这条策略的用户，其所有请求都会被拒绝。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": []
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
//!         "log:GetLogStoreLogs",
//!         "log:ListLogStores"
//!       ],
//!       "Resource": "acs:log:cn-hangzhou:*:project/train-logs/logstore/*"
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! RAM Docs, Policy structure and syntax

use crate::ram::{
    document::member,
    finding::{Findings, words},
    json::Value,
    lint::Subject,
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    let Some(statement) = member(subject.document.members, "Statement") else { return };
    if let Value::Array(items) = &statement.value.value
        && items.is_empty()
    {
        out.add(&statement.value.span, words!("`Statement` is empty", "`Statement` 为空"))
            .help(words!("write at least one statement", "至少写一条语句"));
    }
}
