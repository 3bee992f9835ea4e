//! # Bool has more than one value for a key
//! zh: Bool 的一个键有多个值
//!
//! ## What it does
//! Reports a list of two or more values for one key below the operator Bool.
//! zh: 报告 Bool 运算符下同一个键有两个或更多值的列表。
//!
//! ## Why it matters
//! Values of a key are joined with or, so true beside false says that everything is fine. A second factor that was
//! meant as a must is then asked of nobody.
//! zh: 同一个键的值之间是“或”的关系，true 和 false 并列等于没有限制，本来必需的 MFA 就没有人需要了。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": "paidsw:DeleteInstance",
//!       "Resource": "acs:paidsw:*:*:workspace/1001/dswinstance/*",
//!       "Condition": {
//!         "Bool": {
//!           "acs:MFAPresent": [
//!             "true",
//!             "false"
//!           ]
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
//!       "Action": "paidsw:DeleteInstance",
//!       "Resource": "acs:paidsw:*:*:workspace/1001/dswinstance/*",
//!       "Condition": {
//!         "Bool": {
//!           "acs:MFAPresent": [
//!             "true"
//!           ]
//!         }
//!       }
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! RAM Docs, Conditional operators, Boolean

use super::shared::clauses;
use crate::ram::{
    finding::{Findings, words},
    lint::Subject,
    operator::Operator,
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    for clause in clauses(subject) {
        let count = clause.values.len();
        if clause.known == Some(Operator::Bool) && count > 1 {
            let key = clause.key.text;
            out.add(
                &clause.span,
                words!(
                    "`{key}` is compared with {count} booleans",
                    "`{key}` 与 {count} 个布尔值比较"
                ),
            )
            .help(words!(
                "a boolean is compared with one value; with both, the condition says nothing",
                "布尔条件只能与一个值比较；两个值都写等于没有条件"
            ));
        }
    }
}
