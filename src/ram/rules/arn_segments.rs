//! # A resource has fewer than five parts
//! zh: 资源不足五段
//!
//! ## What it does
//! Reports a resource that begins with acs: but does not have the five parts acs, RAM code, region, account and
//! relative id. Region and account may be empty; their colons still stand.
//! zh: 报告以 acs: 开头但不足五段的资源。地域和账号可以留空，冒号不能省略。
//!
//! ## Why it matters
//! A part that is left out moves all that follow: the project name is read as the account, and no project matches.
//! The user is denied although the policy seems to name the right project.
//! zh: 少写一段，后面全部错位：项目名被当成账号，匹配不到任何项目。看似写对了，用户仍被拒绝。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": "log:GetProject",
//!       "Resource": "acs:log:cn-hangzhou:project/train-logs"
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
//!       "Action": "log:GetProject",
//!       "Resource": "acs:log:cn-hangzhou:*:project/train-logs"
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! RAM Docs, Policy elements, Resource

use crate::ram::{
    finding::{Findings, words},
    lint::Subject,
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    for resource in subject.resources.iter().flatten() {
        let (text, count) = (resource.text.text, resource.parts.len());
        if resource.parts.first() != Some(&"acs") || count >= 5 {
            continue;
        }
        out.add(
            &resource.text.span,
            words!("`{text}` has {count} parts of five", "`{text}` 只有 {count} 段，应有五段"),
        )
        .help(words!(
            "an ARN is `acs:<RAM code>:<region>:<account>:<relative id>`; `*` stands for any region or account",
            "ARN 的格式为 `acs:<RAM 代码>:<地域>:<账号>:<相对 ID>`；地域和账号可写 `*`"
        ));
    }
}
