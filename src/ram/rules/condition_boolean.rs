//! # A value of Bool is neither true nor false
//! zh: Bool 的值不是 true 或 false
//!
//! ## What it does
//! Reports a value below the operator Bool that is not "true" or "false", in small letters and in double quotes.
//! zh: 报告 Bool 运算符下不是 "true" 或 "false" 的值。要用小写并写在双引号里。
//!
//! ## Why it matters
//! The value of the request is only ever true or false. With yes or 1 the condition never holds: an Allow is dead,
//! and a Deny of plain HTTP lets it through.
//! zh: 请求中的值只有 true 和 false。写 yes 或 1 时条件永不成立：Allow 无效，禁止明文 HTTP 的 Deny 也会放行。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": "paidlc:StopJob",
//!       "Resource": "acs:paidlc:*:*:workspace/1001/dlcjob/*",
//!       "Condition": {
//!         "Bool": {
//!           "acs:SecureTransport": "yes"
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
//!       "Action": "paidlc:StopJob",
//!       "Resource": "acs:paidlc:*:*:workspace/1001/dlcjob/*",
//!       "Condition": {
//!         "Bool": {
//!           "acs:SecureTransport": "true"
//!         }
//!       }
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! RAM Docs, Conditional operators, Boolean

use super::shared::{quoted, values_of};
use crate::ram::{
    finding::{Edit, Findings, words},
    lint::Subject,
    operator::Family,
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    for value in values_of(subject, Family::Boolean) {
        let text = value.text;
        if matches!(text, "true" | "false") {
            continue;
        }
        let lower = text.to_ascii_lowercase();
        let fix = matches!(lower.as_str(), "true" | "false")
            .then(|| Edit { span: value.span.clone(), text: quoted(&lower) });
        out.add(
            &value.span,
            words!("`{text}` is neither true nor false", "`{text}` 既不是 true 也不是 false"),
        )
        .help(words!("write `\"true\"` or `\"false\"`", "请写 `\"true\"` 或 `\"false\"`"))
        .fix_if(fix);
    }
}
