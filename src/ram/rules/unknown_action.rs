//! # An action is not in the catalogue of its service
//! zh: 操作不在其服务的目录中
//!
//! ## What it does
//! Finds an action without wildcards whose RAM code belongs to PAI or Simple Log Service, but whose name the
//! catalogue does not hold.
//! zh: 找出 RAM 代码属于 PAI 或日志服务、但名称不在目录中的操作（不含通配符）。
//!
//! ## Why it matters
//! A misspelt name matches no request. In an Allow the user is refused although the policy looks right; in a Deny
//! the action that should be blocked stays open.
//! zh: 写错的名称不匹配任何请求：在 Allow 中用户仍被拒绝，在 Deny 中应拦住的操作仍可调用。
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
//!         "paidlc:StopJobs"
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
//!         "paidlc:StopJob"
//!       ],
//!       "Resource": "acs:paidlc:*:*:workspace/1001/dlcjob/*"
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! PAI Docs, RAM authorization; Simple Log Service Docs, RAM authorization

use crate::ram::{
    finding::{Findings, words},
    lint::Subject,
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    for action in subject.actions.iter().flatten() {
        let listed = action.code().is_some_and(|code| subject.vocabulary.is_listed_code(code));
        // What is not of the form of an action has a rule of its own.
        if !listed || action.is_pattern() || !action.covered.is_empty() || action.name().is_empty()
        {
            continue;
        }
        let text = action.text.text;
        let mut near = subject.vocabulary.elsewhere(action.name());
        near.extend(subject.vocabulary.nearest(&action.lower));
        near.truncate(3);
        let list = near.join("`, `");
        out.add(&action.text.span, words!("there is no action `{text}`", "操作 `{text}` 不存在"))
            .help(if near.is_empty() {
                let code = action.code().unwrap_or_default();
                words!(
                    "`pai-authz catalog list ram-actions --module {code}` lists those there are",
                    "运行 `pai-authz catalog list ram-actions --module {code}` 可列出已有操作"
                )
            } else {
                words!("is `{list}` meant?", "是否应为 `{list}`？")
            });
    }
}
