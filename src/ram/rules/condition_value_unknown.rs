//! # A condition key of PAI is compared with a value it never has
//! zh: PAI 条件键与其不可能取的值比较
//!
//! ## What it does
//! Finds values of `pai:Accessibility` other than `PUBLIC` and `PRIVATE`, and of `pai:EntityAccessType` other than `CREATOR`
//! and `OTHERS`, under `StringEquals` and `StringNotEquals`; letter case counts there.
//! zh: 在 `StringEquals` 和 `StringNotEquals` 下，找出 `pai:Accessibility` 的值不是 `PUBLIC`、`PRIVATE`，或 `pai:EntityAccessType` 的值不是 `CREATOR`、`OTHERS` 的情况（区分大小写）。
//!
//! ## Why it matters
//! The comparison is the same for every request: the Allow grants nothing, or the Deny denies nothing.
//! zh: 对所有请求比较结果都相同：Allow 不会授予，Deny 不会拒绝。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": "paidlc:GetJob",
//!       "Resource": "acs:paidlc:*:*:workspace/1001/dlcjob/*",
//!       "Condition": {
//!         "StringEquals": {
//!           "pai:EntityAccessType": "OWNER"
//!         }
//!       }
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
//!       "Action": "paidlc:GetJob",
//!       "Resource": "acs:paidlc:*:*:workspace/1001/dlcjob/*",
//!       "Condition": {
//!         "StringEquals": {
//!           "pai:EntityAccessType": "CREATOR"
//!         }
//!       }
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! PAI Docs, Set access permissions for resources based on the Condition attribute of RAM

use super::shared::clauses;
use crate::ram::{
    finding::{Findings, words},
    keys,
    lint::Subject,
    operator::Operator,
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    for clause in clauses(subject) {
        let (Some(Operator::StringEquals | Operator::StringNotEquals), key) =
            (clause.known, clause.key.text)
        else {
            continue;
        };
        let known = keys::VALUES.iter().find(|(known, _)| known.eq_ignore_ascii_case(key));
        let Some((_, [one, other])) = known else { continue };
        for value in clause.values.iter().filter(|it| it.text != *one && it.text != *other) {
            let text = value.text;
            out.add(
                &value.span,
                words!("`{key}` is never `{text}`", "`{key}` 的值不可能是 `{text}`"),
            )
            .help(words!("it is `{one}` or `{other}`", "其值为 `{one}` 或 `{other}`"));
        }
    }
}
