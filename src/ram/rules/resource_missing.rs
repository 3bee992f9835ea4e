//! # A statement has no Resource
//! zh: 语句缺少 Resource
//!
//! ## What it does
//! Reports a statement of an identity policy without the element Resource. Trust policies have none and are not
//! looked at.
//! zh: 报告身份策略中没有 Resource 的语句。信任策略本来没有该元素，不作检查。
//!
//! ## Why it matters
//! Without Resource the statement says nothing about what may be touched, and RAM does not take it. Whoever expects
//! "every resource" as a default gets no grant at all.
//! zh: 没有 Resource 就不知道可以操作什么，RAM 不接受。以为默认是“全部资源”的人，实际得不到任何授权。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": [
//!         "paidlc:GetJob",
//!         "paidlc:ListJobs"
//!       ]
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

use super::shared::{first, lacking};
use crate::ram::{
    document::Kind,
    finding::{Findings, words},
    lint::Subject,
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    if subject.document.kind == Kind::Trust {
        return;
    }
    for statement in lacking(subject, &["Resource", "NotResource"]) {
        out.add(
            &first(statement),
            words!("the statement has no `Resource`", "语句缺少 `Resource`"),
        )
        .help(words!(
            "name what it is about by ARNs, or everything by `\"Resource\": \"*\"`",
            "用 ARN 指明资源，或用 `\"Resource\": \"*\"` 表示全部"
        ));
    }
}
