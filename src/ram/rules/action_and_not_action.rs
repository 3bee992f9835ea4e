//! # A statement has both Action and NotAction
//! zh: 语句同时有 Action 和 NotAction
//!
//! ## What it does
//! Reports a statement with the elements Action and NotAction side by side. A statement has exactly one of them.
//! zh: 报告同时写有 Action 和 NotAction 的语句。一条语句只能有其中一个。
//!
//! ## Why it matters
//! The two contradict each other: one names what is meant, the other all the rest. RAM has no rule for the pair, so
//! an exception put in NotAction is either refused or does not protect what it names.
//! zh: 两者含义相反，RAM 没有同时使用的规则。写在 NotAction 里的例外要么被拒绝，要么保护不了所列操作。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": "paidsw:*Instance",
//!       "Resource": "acs:paidsw:*:*:workspace/1001/dswinstance/*",
//!       "NotAction": "paidsw:DeleteInstance"
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
//!       "Action": "paidsw:*Instance",
//!       "Resource": "acs:paidsw:*:*:workspace/1001/dswinstance/*"
//!     },
//!     {
//!       "Effect": "Deny",
//!       "Action": "paidsw:DeleteInstance",
//!       "Resource": "acs:paidsw:*:*:workspace/1001/dswinstance/*"
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! RAM Docs, Policy elements

use crate::ram::{
    finding::{Findings, words},
    lint::Subject,
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    for (statement, ..) in subject.statements() {
        let (Some(action), Some(not_action)) =
            (statement.element("Action"), statement.element("NotAction"))
        else {
            continue;
        };
        out.add(
            &not_action.name_span,
            words!(
                "the statement has `Action` and `NotAction`",
                "语句同时有 `Action` 和 `NotAction`"
            ),
        )
        .label(&action.name_span, words!("`Action` is here", "`Action` 在此"))
        .help(words!(
            "keep one; make two statements where both are meant",
            "只保留一个；若两者都需要，请写成两条语句"
        ));
    }
}
