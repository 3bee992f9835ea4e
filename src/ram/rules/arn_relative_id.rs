//! # The relative id of a resource is malformed
//! zh: 资源的相对 ID 格式有误
//!
//! ## What it does
//! Reports a resource whose last part is empty or has whitespace in it. For PAI and Simple Log Service it also may
//! not begin with / or have // in it.
//! zh: 报告最后一段为空或含空白的资源。PAI 和日志服务的还不能以 / 开头，也不能含 //。
//!
//! ## Why it matters
//! A stray slash or blank makes another text of the path, and resources are compared letter by letter. No project
//! has that path, so the grant or the Deny never matches.
//! zh: 多一个斜杠或空格就是另一个路径，而资源是逐字比较的。没有项目匹配，授权或 Deny 都不会生效。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": "log:GetLogStoreLogs",
//!       "Resource": "acs:log:cn-hangzhou:*:/project/train-logs/logstore/*"
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
//!       "Action": "log:GetLogStoreLogs",
//!       "Resource": "acs:log:cn-hangzhou:*:project/train-logs/logstore/*"
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! RAM Docs, Policy elements, Resource; Simple Log Service Docs, Authorization rules

use super::shared::parts;
use crate::ram::{
    finding::{Findings, words},
    lint::Subject,
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    for (resource, id) in parts(subject, 4) {
        let code = resource.parts.get(1).copied().unwrap_or_default();
        let ours = subject.vocabulary.is_known_code(code);
        let wrong = if id.is_empty() {
            words!("the ARN names no resource", "ARN 没有指明资源")
        } else if ours && id.chars().any(char::is_whitespace) {
            words!("`{id}` has white space in it", "`{id}` 含有空白字符")
        } else if ours && (id.starts_with('/') || id.contains("//")) {
            words!("`{id}` has an empty part", "`{id}` 含有空段")
        } else {
            continue;
        };
        out.add(&resource.text.span, wrong).help(words!(
            "after the fourth `:` stands what the service calls the resource, as `project/p/logstore/l`",
            "第四个 `:` 之后是服务定义的资源路径，例如 `project/p/logstore/l`"
        ));
    }
}
