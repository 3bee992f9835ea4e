//! # A value of a Numeric operator is not a number
//! zh: Numeric 运算符的值不是数字
//!
//! ## What it does
//! Reports a value below a Numeric operator that is not a decimal number in double quotes.
//! zh: 报告 Numeric 运算符下不是十进制数字的值。数字写在双引号里。
//!
//! ## Why it matters
//! Text cannot be compared as a number, so the condition does not hold as it was meant: an Allow gives nothing, and
//! a Deny above a threshold never takes hold.
//! zh: 文本无法按数字比较，条件不会按预期成立：Allow 得不到权限，按阈值的 Deny 也不会触发。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": "paidlc:UpdateJob",
//!       "Resource": "acs:paidlc:*:*:workspace/1001/dlcjob/*",
//!       "Condition": {
//!         "NumericLessThanEquals": {
//!           "acs:ResourceTag/gpus": "ten"
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
//!       "Action": "paidlc:UpdateJob",
//!       "Resource": "acs:paidlc:*:*:workspace/1001/dlcjob/*",
//!       "Condition": {
//!         "NumericLessThanEquals": {
//!           "acs:ResourceTag/gpus": "10"
//!         }
//!       }
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! RAM Docs, Conditional operators, Number

use super::shared::values_of;
use crate::ram::{
    finding::{Findings, words},
    lint::Subject,
    operator::{Family, is_number},
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    for value in values_of(subject, Family::Number) {
        let text = value.text;
        if !is_number(text) {
            out.add(&value.span, words!("`{text}` is not a number", "`{text}` 不是数字")).help(
                words!(
                    "write a decimal number in quotes, as `10` or `0.5`",
                    "请在引号中写十进制数，例如 `10` 或 `0.5`"
                ),
            );
        }
    }
}
