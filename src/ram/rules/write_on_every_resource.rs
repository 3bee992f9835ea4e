//! # A writing action is allowed on every resource
//! zh: 写操作被允许用于所有资源
//!
//! ## What it does
//! Finds an Allow of a catalogued action that creates, changes or deletes, on Resource `*` and without Condition,
//! although the action can be limited to a resource.
//! zh: 找出在资源 `*` 上、无 Condition 的写操作 Allow，而该操作本可以限定到具体资源。
//!
//! ## Why it matters
//! The holder changes what belongs to others too: paidlc:DeleteJob on `*` deletes the jobs of every workspace in
//! every region. The ARN of one workspace is usually all that is needed.
//! zh: 持有者也能改动别人的资源：在 `*` 上的 paidlc:DeleteJob 可删除所有空间的任务，通常一个空间即可。
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
//!         "paidlc:DeleteJob"
//!       ],
//!       "Resource": "*"
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
//!         "paidlc:DeleteJob"
//!       ],
//!       "Resource": "acs:paidlc:*:*:workspace/1001/dlcjob/*"
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! RAM Docs, Policy elements (Resource); PAI Docs, RAM authorization

use crate::catalog::as_pattern;
use crate::ram::{
    document::Effect,
    finding::{Findings, words},
    lint::Subject,
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    for (statement, actions, resources) in subject.statements() {
        let everywhere = resources.iter().find(|resource| resource.is_everything());
        let Some(everywhere) =
            everywhere.filter(|_| statement.is(Effect::Allow) && statement.is_unconditional())
        else {
            continue;
        };
        for action in actions.iter().filter(|action| !action.is_pattern()) {
            let known = action.covered.first().and_then(|index| subject.vocabulary.action(*index));
            let Some(known) =
                known.filter(|known| matches!(known.access, "create" | "update" | "delete"))
            else {
                continue;
            };
            let Some(arn) = known.arns.iter().find(|arn| **arn != "*") else { continue };
            let (text, arn) = (action.text.text, as_pattern(arn));
            out.add(
                &action.text.span,
                words!("`{text}` is granted on every resource", "`{text}` 被授予所有资源"),
            )
            .label(&everywhere.text.span, words!("every resource", "所有资源"))
            .help(words!("it can be narrowed down, to `{arn}`", "可限定为 `{arn}`"));
        }
    }
}
