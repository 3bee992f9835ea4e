//! # The document has no Statement
//! zh: 文档缺少 Statement
//!
//! ## What it does
//! Reports a policy document whose top level does not have the element Statement.
//! zh: 报告顶层没有 Statement 元素的策略文档。
//!
//! ## Why it matters
//! All grants and denials stand in Statement. A document without it is refused, and if it replaces a working
//! version in a deployment, the deployment fails there.
//! zh: 所有允许和拒绝都写在 Statement 里。缺少它的文档会被拒绝，用它更新已有策略的部署也会失败。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1"
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
    finding::{Findings, words},
    json::Value,
    lint::Subject,
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    let root = subject.document.root;
    if matches!(root.value, Value::Object(_))
        && member(subject.document.members, "Statement").is_none()
        && !is_misspelt(subject.document.members, "Statement")
    {
        let span = root.span.start..root.span.start + 1;
        out.add(&span, words!("the document has no `Statement`", "文档缺少 `Statement`"))
            .help(words!("add `\"Statement\": [ … ]`", "添加 `\"Statement\": [ … ]`"));
    }
}
