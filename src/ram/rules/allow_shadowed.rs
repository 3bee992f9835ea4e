//! # An Allow is wholly denied by another statement
//! zh: Allow 被另一条语句完全拒绝
//!
//! ## What it does
//! Finds an Allow all of whose actions, on all of whose resources, are covered by one Deny of the same document that
//! has no Condition.
//! zh: 找出其全部操作、全部资源都被同一文档中一条无 Condition 的 Deny 覆盖的 Allow。
//!
//! ## Why it matters
//! A Deny always wins, wherever it stands. The Allow grants nothing, and the users it was written for are refused
//! without a visible reason.
//! zh: Deny 无论写在哪里都优先：该 Allow 不授予任何权限，用户被拒绝却看不出原因。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": [
//!         "paidlc:StopJob"
//!       ],
//!       "Resource": "acs:paidlc:*:*:workspace/1001/dlcjob/*"
//!     },
//!     {
//!       "Effect": "Deny",
//!       "Action": [
//!         "paidlc:*"
//!       ],
//!       "Resource": [
//!         "acs:paidlc:*:*:*"
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
//!         "paidlc:StopJob"
//!       ],
//!       "Resource": "acs:paidlc:*:*:workspace/1001/dlcjob/*"
//!     },
//!     {
//!       "Effect": "Deny",
//!       "Action": [
//!         "paidlc:DeleteJob"
//!       ],
//!       "Resource": [
//!         "acs:paidlc:*:*:*"
//!       ]
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! RAM Docs, Policy evaluation process

use super::shared::first;
use crate::ram::{
    document::Effect,
    finding::{Findings, words},
    lint::{ActionUse, ResourceUse, Subject},
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    let denials: Vec<_> = subject
        .statements()
        .filter(|(it, actions, resources)| {
            it.is(Effect::Deny)
                && it.is_unconditional()
                && !actions.is_empty()
                && !resources.is_empty()
        })
        .collect();
    for (statement, actions, resources) in subject.statements() {
        if !statement.is(Effect::Allow) || actions.is_empty() || resources.is_empty() {
            continue;
        }
        let shadow = denials.iter().find(|(_, denied, on)| {
            let is_denied = |action: &ActionUse<'_>| {
                denied.iter().any(|denial| subject.includes(&denial.lower, &action.lower))
            };
            let is_reached = |resource: &ResourceUse<'_>| {
                on.iter().any(|place| subject.includes(place.text.text, resource.text.text))
            };
            actions.iter().all(is_denied) && resources.iter().all(is_reached)
        });
        if let Some((denial, ..)) = shadow {
            out.add(
                &first(statement),
                words!("nothing of this statement is ever granted", "该语句的授权永远不会生效"),
            )
            .label(&first(denial), words!("this one denies all of it", "此语句拒绝了其全部内容"))
            .help(words!(
                "a Deny wins over every Allow: narrow it, or leave the Allow out",
                "Deny 优先于任何 Allow：请缩小 Deny 的范围，或删除该 Allow"
            ));
        }
    }
}
