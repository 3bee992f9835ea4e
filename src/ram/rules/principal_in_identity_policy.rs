//! # An identity policy has a Principal
//! zh: 身份策略中有 Principal
//!
//! ## What it does
//! Reports the element Principal in a policy that is attached to users, groups or roles. The holder of such a
//! policy is given by the attachment; Principal is for policies of resources, such as trust policies.
//! zh: 报告身份策略中的 Principal。身份策略的主体由绑定决定，Principal 只用于信任策略等资源策略。
//!
//! ## Why it matters
//! RAM does not take the element here. Whoever counts on it to narrow the policy to one role is wrong: each
//! identity the policy is attached to is meant.
//! zh: 这里不接受该元素。想用它把策略限定到一个角色是行不通的：策略对绑定的每个身份都有效。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Principal": {
//!         "RAM": "acs:ram::1234567890123456:role/trainer"
//!       },
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
//! RAM Docs, Policy elements, Principal

use crate::ram::{
    document::Kind,
    finding::{Findings, words},
    lint::Subject,
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    if subject.document.kind != Kind::Identity {
        return;
    }
    for (statement, ..) in subject.statements() {
        if let Some(principal) = statement.element("Principal") {
            out.add(
                &principal.name_span,
                words!("an identity policy has no `Principal`", "身份策略没有 `Principal`"),
            )
            .help(words!(
                "it speaks of whom it is attached to; a trust policy of a role is checked with `--trust`",
                "身份策略作用于其所附加的身份；若为角色的信任策略，请使用 `--trust` 检查"
            ));
        }
    }
}
