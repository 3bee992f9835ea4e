//! # Version is not "1"
//! zh: Version 的值不是 "1"
//!
//! ## What it does
//! Reports a Version that is a string other than "1", such as the date that policies of another cloud carry.
//! zh: 报告值不是 "1" 的 Version 字符串，例如从其他云的策略中带来的日期。
//!
//! ## Why it matters
//! "1" is the only version of the policy language that RAM has. A document with another one is refused, and is
//! often a policy copied from another cloud whose actions and resources do not fit either.
//! zh: RAM 的策略语言只有版本 "1"。其他值会被拒绝，而且这种文档往往抄自其他云，操作和资源也不适用。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "2012-10-17",
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
//! RAM Docs, Policy elements

use crate::ram::{
    document::member,
    finding::{Findings, words},
    json::Value,
    lint::Subject,
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    let Some(version) = member(subject.document.members, "Version") else { return };
    if let Value::String(text) = &version.value.value
        && text != "1"
    {
        out.add(
            &version.value.span,
            words!("there is no version `{text}`", "版本 `{text}` 不存在"),
        )
        .help(words!("the only version of RAM documents is `1`", "RAM 策略文档只有版本 `1`"));
    }
}
