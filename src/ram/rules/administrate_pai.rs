//! # A statement allows the administration of all of PAI
//! zh: 语句允许管理整个 PAI
//!
//! ## What it does
//! Finds an Allow of pai:AdministratePAI, by its name or by a pattern of the code `pai` that covers it, such as
//! `pai:*` or `pai:Admin*`.
//! zh: 找出对 pai:AdministratePAI 的 Allow，包括写出全名或用 `pai:*`、`pai:Admin*` 等模式覆盖它。
//!
//! ## Why it matters
//! The action lifts its holder above workspace roles: members, jobs and data of every workspace of the account are
//! open to it. It is often granted by accident together with quota actions through `pai:*`.
//! zh: 持有者不再受空间角色限制，账号内所有空间的成员、任务、数据都可管理；常因写 `pai:*` 被顺带授予。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": [
//!         "pai:ListQuotas",
//!         "pai:AdministratePAI"
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
//!         "pai:ListQuotas",
//!         "pai:GetQuota"
//!       ],
//!       "Resource": "acs:pai:*:*:quota/*"
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! PAI Docs, RAM authorization (AIWorkspace)

use crate::ram::{
    document::Effect,
    finding::{Findings, words},
    lint::Subject,
    wildcard::matches,
};

const ADMINISTRATE: &str = "pai:administratepai";

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    for (statement, actions, resources) in subject.statements() {
        if !statement.is(Effect::Allow) {
            continue;
        }
        for action in actions {
            // Of an action of any service, everything on everything tells.
            let is_of_pai = match action.code() {
                Some(code) => code == "pai",
                None => !action.is_everything() && resources.iter().any(|it| it.can_be_of("pai")),
            };
            if is_of_pai && matches(&action.lower, ADMINISTRATE) {
                let text = action.text.text;
                out.add(
                    &action.text.span,
                    words!(
                        "`{text}` makes its holder administrator of PAI in the whole account: `pai:AdministratePAI`",
                        "`{text}` 使持有者成为整个账号的 PAI 管理员：`pai:AdministratePAI`"
                    ),
                )
                .help(words!("list the actions that are needed", "请列出所需的操作"));
            }
        }
    }
}
