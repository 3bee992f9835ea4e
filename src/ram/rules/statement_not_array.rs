//! # Statement is not an array
//! zh: Statement 不是数组
//!
//! ## What it does
//! Reports a Statement that is a single object or a string. Statement is an array, also when it has one statement
//! only.
//! zh: 报告值为单个对象或字符串的 Statement。即使只有一条语句，也要写成数组。
//!
//! ## Why it matters
//! The published grammar has an array only; that a lone object is taken is not documented. A policy that depends on
//! it may be refused, and programs that walk the list of statements miss the grant.
//! zh: 公布的语法中只有数组，没有说明可以写单个对象。这样的策略可能被拒绝，遍历语句的程序也会漏掉它。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": {
//!     "Effect": "Allow",
//!     "Action": [
//!       "log:GetLogStoreLogs",
//!       "log:ListLogStores"
//!     ],
//!     "Resource": "acs:log:cn-hangzhou:*:project/train-logs/logstore/*"
//!   }
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
    finding::{Edit, Findings, Words, words},
    json::Value,
    lint::Subject,
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    let Some(statement) = member(subject.document.members, "Statement") else { return };
    let span = &statement.value.span;
    let fix = match &statement.value.value {
        Value::Array(_) | Value::Unreadable => return,
        Value::Object(_) => subject.document.text.get(span.clone()),
        _ => None,
    };
    let Words { en, zh } = statement.value.value.kind();
    // A whole statement is shown by its beginning.
    let shown = if fix.is_some() { span.start..span.start + 1 } else { span.clone() };
    out.add(
        &shown,
        words!("`Statement` is {en}, and must be an array", "`Statement` 是{zh}，必须是数组"),
    )
    .help(words!(
        "put statements into `[` and `]`, also a single one",
        "即使只有一条语句，也须放在 `[` 与 `]` 中"
    ))
    .fix_if(fix.map(|text| Edit { span: span.clone(), text: format!("[{text}]") }));
}
