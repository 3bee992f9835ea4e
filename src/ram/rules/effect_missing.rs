//! # A statement has no Effect
//! zh: 语句缺少 Effect
//!
//! ## What it does
//! Reports a statement without the element Effect. There is no default: each statement says Allow or Deny.
//! zh: 报告没有 Effect 元素的语句。Effect 没有默认值，每条语句都要写明 Allow 或 Deny。
//!
//! ## Why it matters
//! RAM cannot tell whether the statement grants or forbids and refuses the document. A denial that was meant to
//! protect an instance is then not in force at all.
//! zh: RAM 无法判断语句是允许还是拒绝，会拒绝该文档。本来用于保护实例的拒绝语句也就没有生效。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Action": "paidsw:DeleteInstance",
//!       "Resource": "acs:paidsw:*:*:workspace/1001/dswinstance/*"
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

use super::shared::{first, lacking};
use crate::ram::{
    finding::{Findings, words},
    lint::Subject,
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    for statement in lacking(subject, &["Effect"]) {
        out.add(&first(statement), words!("the statement has no `Effect`", "语句缺少 `Effect`"))
            .help(words!(
                "add `\"Effect\": \"Allow\"` or `\"Deny\"`",
                "添加 `\"Effect\": \"Allow\"` 或 `\"Deny\"`"
            ));
    }
}
