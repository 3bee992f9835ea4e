//! # A value has a policy variable
//! zh: 值中有策略变量
//!
//! ## What it does
//! Reports ${...} in an action, a resource or the value of a condition. RAM does not put anything in its place.
//! zh: 报告操作、资源或条件值中的 ${...}。RAM 不会替换它。
//!
//! ## Why it matters
//! The text is compared as it stands, so no user has a folder of that name. Each user is denied their own folder; a
//! Deny on it guards nobody's.
//! zh: 文本按原样比较，没有用户拥有这个名字的目录。用户访问不了自己的目录，Deny 也保护不了任何目录。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": "oss:GetObject",
//!       "Resource": "acs:oss:*:*:train-data/home/${acs:UserName}/*"
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
//!       "Action": "oss:GetObject",
//!       "Resource": "acs:oss:*:*:train-data/home/alice/*"
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
    for (statement, ..) in subject.statements() {
        let values = statement.clauses.iter().flat_map(|clause| &clause.values);
        for text in statement.actions.iter().chain(&statement.resources).chain(values) {
            if text.text.contains("${") {
                out.add(&text.span, words!("RAM has no policy variables", "RAM 不支持策略变量"))
                    .help(words!(
                        "`${{…}}` would be compared as it stands: write the value itself, or a pattern",
                        "`${{…}}` 会按字面比较：请直接写值或通配模式"
                    ));
            }
        }
    }
}
