//! # Effect is neither Allow nor Deny
//! zh: Effect 既不是 Allow 也不是 Deny
//!
//! ## What it does
//! Reports an Effect that is a string other than Allow or Deny. The two words are case-sensitive, so allow and DENY
//! are found as well.
//! zh: 报告值不是 Allow 或 Deny 的 Effect。这两个词区分大小写，因此 allow 和 DENY 也会报告。
//!
//! ## Why it matters
//! RAM answers MalformedPolicyDocument to a value such as Alow. The policy is not created, and the users who need
//! it stay without access.
//! zh: 对 Alow 这样的值，RAM 返回 MalformedPolicyDocument。策略不会创建，需要它的用户得不到权限。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Alow",
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
//! RAM Docs, Policy elements; RAM Docs, RAM API error messages

use super::shared::{certain, quoted};
use crate::ram::{
    finding::{Edit, Findings, words},
    json::Value,
    lint::Subject,
    vocabulary::nearest_of,
};

const EFFECTS: [&str; 2] = ["Allow", "Deny"];

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    for (statement, ..) in subject.statements() {
        let Some(effect) = statement.element("Effect") else { continue };
        let Value::String(text) = &effect.value.value else { continue };
        if statement.effect.is_some() {
            continue;
        }
        let near = nearest_of(text, EFFECTS.into_iter());
        out.add(&effect.value.span, words!("there is no effect `{text}`", "效力 `{text}` 不存在"))
            .help(match near {
                Some(near) => words!("is `{near}` meant?", "是否应为 `{near}`？"),
                None => words!("write `Allow` or `Deny`", "请写 `Allow` 或 `Deny`"),
            })
            .fix_if(
                certain(text, EFFECTS.into_iter())
                    .map(|near| Edit { span: effect.value.span.clone(), text: quoted(near) }),
            );
    }
}
