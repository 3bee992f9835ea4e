//! # An element is not supported by RAM
//! zh: 元素不受 RAM 支持
//!
//! ## What it does
//! Reports Sid, NotResource and NotPrincipal in a statement, and Resource in a statement of a trust policy.
//! Policies of other clouds have them; those of RAM do not.
//! zh: 报告语句中的 Sid、NotResource、NotPrincipal，以及信任策略语句中的 Resource。RAM 没有这些元素。
//!
//! ## Why it matters
//! An exception written in NotResource or NotPrincipal protects nothing in RAM: the document is refused, or the
//! statement reaches what it was meant to spare.
//! zh: 写在 NotResource 或 NotPrincipal 里的例外不起保护作用：文档被拒绝，或者语句仍会涉及想排除的对象。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Sid": "ReadJobs",
//!       "Effect": "Allow",
//!       "Action": [
//!         "paidlc:GetJob",
//!         "paidlc:ListJobs"
//!       ],
//!       "Resource": "acs:paidlc:*:*:workspace/1001/dlcjob/*"
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
//!         "paidlc:ListJobs"
//!       ],
//!       "Resource": "acs:paidlc:*:*:workspace/1001/dlcjob/*"
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! RAM Docs, Policy elements

use super::shared::remove_member;
use crate::ram::{
    document::Kind,
    finding::{Findings, words},
    lint::Subject,
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    let trust = subject.document.kind == Kind::Trust;
    for (statement, ..) in subject.statements() {
        for (index, member) in statement.members.iter().enumerate() {
            let name = member.name.as_str();
            let help = match name {
                "Sid" => words!("leave it out: statements have no names", "请删除：语句没有名称"),
                "NotResource" => words!(
                    "list the resources it is about as `Resource`",
                    "请用 `Resource` 列出资源"
                ),
                "NotPrincipal" => words!(
                    "list who may assume the role as `Principal`",
                    "请用 `Principal` 列出主体"
                ),
                "Resource" if trust => words!(
                    "leave it out: a trust policy is about the role it belongs to",
                    "请删除：信任策略只针对其所属的角色"
                ),
                _ => continue,
            };
            let fix = (name == "Sid").then(|| remove_member(statement.members, index));
            out.add(
                &member.name_span,
                words!("RAM does not support `{name}` here", "RAM 在此不支持 `{name}`"),
            )
            .help(help)
            .fix_if(fix);
        }
    }
}
