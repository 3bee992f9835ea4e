//! # A statement of a trust policy has no Principal
//! zh: 信任策略的语句缺少 Principal
//!
//! ## What it does
//! Reports a statement of a trust policy without the element Principal, which says who may assume the role.
//! zh: 报告信任策略中没有 Principal 的语句。该元素说明谁可以扮演角色。
//!
//! ## Why it matters
//! Without it the policy trusts nobody that RAM could name, and it is not accepted. The service or the account that
//! should assume the role is turned away.
//! zh: 缺少它就没有说明信任谁，策略不被接受。应当扮演该角色的服务或账号会被拒绝。
//!
//! ## Example
//! ```json trust
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": "sts:AssumeRole"
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
//!         "RAM": [
//!           "acs:ram::1234567890123456:root"
//!         ]
//!       }
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! RAM Docs, Policy elements, Principal

use super::shared::{first, lacking};
use crate::ram::{
    document::Kind,
    finding::{Findings, words},
    lint::Subject,
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    if subject.document.kind != Kind::Trust {
        return;
    }
    for statement in lacking(subject, &["Principal", "NotPrincipal"]) {
        out.add(
                &first(statement),
                words!("a statement of a trust policy needs a `Principal`", "信任策略的语句必须有 `Principal`"),
            )
            .help(words!(
                "say who may assume the role: `\"Principal\": {{\"RAM\": [\"acs:ram::<account>:root\"]}}`",
                "说明谁可以扮演该角色：`\"Principal\": {{\"RAM\": [\"acs:ram::<账号>:root\"]}}`"
            ));
    }
}
