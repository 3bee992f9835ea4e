//! # The document has no Version
//! zh: 文档缺少 Version
//!
//! ## What it does
//! Reports a policy document whose top level does not have the element Version.
//! zh: 报告顶层没有 Version 元素的策略文档。
//!
//! ## Why it matters
//! Version is required by the policy grammar. RAM does not take the document, so none of its statements grants or
//! denies anything.
//! zh: 策略语法要求必须有 Version。RAM 不接受这样的文档，其中的语句都不会生效。
//!
//! ## Example
//! ```json
//! {
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
//! RAM Docs, Policy structure and syntax

use super::shared::is_misspelt;
use crate::ram::{
    document::member,
    finding::{Edit, Findings, words},
    json::Value,
    lint::Subject,
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    let Value::Object(members) = &subject.document.root.value else { return };
    if member(members, "Version").is_some() || is_misspelt(members, "Version") {
        return;
    }
    let start = subject.document.root.span.start;
    let comma = if members.is_empty() { "" } else { "," };
    // As the document is written: each element on a line of its own, or not.
    let rest = subject.document.text.get(start + 1..).unwrap_or_default();
    let indent: String = rest.chars().take_while(|c| c.is_whitespace()).collect();
    out.add(&(start..start + 1), words!("the document has no `Version`", "文档缺少 `Version`"))
        .help(words!("add `\"Version\": \"1\"`", "添加 `\"Version\": \"1\"`"))
        .fix(Edit::insert(start + 1, &format!("{indent}\"Version\": \"1\"{comma}")));
}
