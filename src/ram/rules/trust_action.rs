//! # A trust policy is about an action that assumes no role
//! zh: 信任策略中的操作与扮演角色无关
//!
//! ## What it does
//! Finds actions of a trust policy that are none of `sts:AssumeRole`, `sts:AssumeRoleWithSAML` and `sts:AssumeRoleWithOIDC`, nor a
//! pattern of one of them.
//! zh: 找出信任策略中不属于 `sts:AssumeRole`、`sts:AssumeRoleWithSAML`、`sts:AssumeRoleWithOIDC` 的操作。
//!
//! ## Why it matters
//! A trust policy says who may assume the role; any other action in it is never asked, so the role cannot be assumed.
//! zh: 信任策略说明谁可以扮演角色；其中的其他操作永远不会被校验，角色因此无法被扮演。
//!
//! ## Example
//! ```json trust
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": "sts:AsumeRole",
//!       "Principal": {
//!         "Service": ["pai.aliyuncs.com"]
//!       }
//!     }
//!   ]
//! }
//! ```
//!
//! ## Use instead
//! ```json trust
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": "sts:AssumeRole",
//!       "Principal": {
//!         "Service": ["pai.aliyuncs.com"]
//!       }
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! RAM Docs, Policy elements (trust policies)

use crate::ram::{
    document::Kind,
    finding::{Findings, words},
    lint::Subject,
    vocabulary::nearest_of,
    wildcard::matches,
};

const ASSUME: [&str; 3] = ["sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithOIDC"];

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    if subject.document.kind != Kind::Trust {
        return;
    }
    for action in subject.actions.iter().flatten() {
        if ASSUME.iter().any(|known| matches(&action.lower, &known.to_ascii_lowercase())) {
            continue;
        }
        let text = action.text.text;
        let near = nearest_of(text, ASSUME.into_iter()).unwrap_or("sts:AssumeRole");
        out.add(&action.text.span, words!("`{text}` assumes no role", "`{text}` 与扮演角色无关"))
            .help(words!("is `{near}` meant?", "是否应为 `{near}`？"));
    }
}
