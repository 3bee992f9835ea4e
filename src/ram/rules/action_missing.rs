//! # A statement has neither Action nor NotAction
//! zh: 语句既没有 Action 也没有 NotAction
//!
//! ## What it does
//! Reports a statement that does not say which actions it is about: it has no Action and no NotAction.
//! zh: 报告没有说明操作的语句：既没有 Action，也没有 NotAction。
//!
//! ## Why it matters
//! RAM refuses such a document with MalformedPolicyDocument and asks for one of the two. Until it is added the
//! whole policy, not only this statement, is missing.
//! zh: RAM 以 MalformedPolicyDocument 拒绝这样的文档，要求补上其中之一。补上之前，整条策略都不存在。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Resource": "acs:eas:*:*:service/*"
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
//!         "eas:DescribeService",
//!         "eas:ListServices"
//!       ],
//!       "Resource": "acs:eas:*:*:service/*"
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! RAM Docs, Policy elements; RAM Docs, RAM API error messages

use super::shared::{first, lacking};
use crate::ram::{
    finding::{Findings, words},
    lint::Subject,
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    for statement in lacking(subject, &["Action", "NotAction"]) {
        out.add(
            &first(statement),
            words!(
                "the statement has neither `Action` nor `NotAction`",
                "语句既没有 `Action` 也没有 `NotAction`"
            ),
        )
        .help(words!(
            "list the actions it is about as `Action`",
            "用 `Action` 列出该语句涉及的操作"
        ));
    }
}
