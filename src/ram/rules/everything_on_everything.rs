//! # A statement allows every action on every resource
//! zh: 一条语句允许对所有资源执行所有操作
//!
//! ## What it does
//! Finds an Allow whose actions include `*` or `*:*`, whose resources include `*` or `acs:*:*:*:*`, and which has
//! no Condition.
//! zh: 找出操作含 `*` 或 `*:*`、资源含 `*` 或 `acs:*:*:*:*` 且没有 Condition 的 Allow 语句。
//!
//! ## Why it matters
//! Its holder is an administrator of the account: one leaked AccessKey is enough to delete every workspace, read
//! every log and create new users. Other statements of the document no longer narrow anything but a Deny.
//! zh: 持有者等同于账号管理员：泄露一个 AccessKey，就能删除全部工作空间、读取全部日志、新建用户。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": "*",
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
//!         "paidlc:GetJob",
//!         "paidlc:ListJobs",
//!         "paidlc:StopJob"
//!       ],
//!       "Resource": "acs:paidlc:*:*:workspace/1001/dlcjob/*"
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! RAM Docs, Policy elements; RAM Docs, Security suggestions on least privilege

use crate::ram::{
    document::Effect,
    finding::{Findings, words},
    lint::Subject,
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    for (statement, actions, resources) in subject.statements() {
        let all = actions.iter().find(|action| action.is_everything());
        let anywhere = resources.iter().find(|resource| resource.is_everything());
        let (Some(action), Some(resource)) = (all, anywhere) else { continue };
        if statement.is(Effect::Allow) && statement.is_open() {
            out.add(
                &action.text.span,
                words!("the statement grants everything on everything", "该语句授予对所有资源的所有操作"),
            )
            .label(&resource.text.span, words!("on every resource", "所有资源"))
            .help(words!(
                "list the actions that are needed, as `paidlc:*`, and the resources they are needed on",
                "请列出所需的操作（例如 `paidlc:*`）及其资源"
            ));
        }
    }
}
