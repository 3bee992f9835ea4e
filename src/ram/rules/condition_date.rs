//! # A value of a Date operator is not a date-time
//! zh: Date 运算符的值不是日期时间
//!
//! ## What it does
//! Reports a value below a Date operator that is not a date and time of ISO 8601, such as 2026-01-01T00:00:00Z or
//! with an offset such as +08:00. Days and hours that do not exist are found too.
//! zh: 报告 Date 运算符下不是 ISO 8601 日期时间的值。可带 +08:00 等时区，不存在的日期也会报告。
//!
//! ## Why it matters
//! A date that cannot be read does not end anything: access that should run out on a day may stay, or may never
//! begin.
//! zh: 读不懂的日期不能终止权限：应当到期的访问可能一直有效，也可能从未开始。
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
//!         "DateLessThan": {
//!           "acs:CurrentTime": "01/02/2026"
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
//!         "DateLessThan": {
//!           "acs:CurrentTime": "2026-02-01T00:00:00+08:00"
//!         }
//!       }
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! RAM Docs, Conditional operators, Date and time

use super::shared::values_of;
use crate::ram::{
    finding::{Findings, words},
    lint::Subject,
    operator::{Family, moment},
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    for value in values_of(subject, Family::Date) {
        let text = value.text;
        if moment(text).is_none() {
            out.add(&value.span, words!("`{text}` is not a moment", "`{text}` 不是时间")).help(
                words!(
                    "write it by ISO 8601, as `2026-01-31T08:00:00Z` or with an offset `+08:00`",
                    "请按 ISO 8601 书写，例如 `2026-01-31T08:00:00Z`，或带时区 `+08:00`"
                ),
            );
        }
    }
}
