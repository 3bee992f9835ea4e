//! # An Allow uses NotAction
//! zh: Allow 语句使用了 NotAction
//!
//! ## What it does
//! Finds an Allow statement that names its actions with NotAction. Such a statement allows every action that the
//! list leaves out, of every service, including actions that do not exist yet.
//! zh: 找出用 NotAction 写操作的 Allow 语句：列表之外的所有操作都被允许，包括将来新增的操作。
//!
//! ## Why it matters
//! "All but deleting projects" also allows creating AccessKeys, reading billing data and stopping jobs of other
//! teams. With each new service of the cloud the grant grows, and nobody has to change the policy for that.
//! zh: 写“除删除 Project 外都可以”，同时也放行了创建 AccessKey、停止他人任务；云上每增服务，授权随之扩大。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "NotAction": [
//!         "log:DeleteProject",
//!         "log:DeleteLogStore"
//!       ],
//!       "Resource": "*"
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
//!         "log:Get*",
//!         "log:List*"
//!       ],
//!       "Resource": [
//!         "acs:log:*:*:*"
//!       ]
//!     },
//!     {
//!       "Effect": "Deny",
//!       "Action": [
//!         "log:DeleteProject",
//!         "log:DeleteLogStore"
//!       ],
//!       "Resource": [
//!         "acs:log:*:*:*"
//!       ]
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! RAM Docs, Policy elements (NotAction)

use crate::ram::{
    document::Effect,
    finding::{Findings, words},
    lint::Subject,
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    for (statement, ..) in subject.statements() {
        let Some(listed) = statement.element("NotAction") else { continue };
        if statement.effect == Some(Effect::Allow) && statement.is_not_action {
            out.add(
                &listed.name_span,
                words!(
                    "everything but the listed actions is granted, also of services that come later",
                    "除所列操作外的一切都被授予，包括将来新增的服务"
                ),
            )
            .help(words!("list as `Action` what is needed", "请用 `Action` 列出所需的操作"));
        }
    }
}
