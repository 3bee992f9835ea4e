//! # A resource of Simple Log Service does not begin with a project
//! zh: 日志服务资源没有以 project 开头
//!
//! ## What it does
//! Finds an `acs:log` ARN whose last part begins neither with `project/` nor `*`, nor with another top segment that
//! the service documents, such as `app`, `mldataset` or `resource`.
//! zh: 找出末段既不以 `project/`、`*` 开头，也不以 `app`、`mldataset`、`resource` 等开头的 `acs:log` ARN。
//!
//! ## Why it matters
//! Logstores, dashboards and jobs lie below their project. An ARN without it matches no request, so the reader of
//! the logs is refused and a Deny on it protects nothing.
//! zh: Logstore、仪表盘、任务都位于 Project 之下；缺少 Project 的 ARN 不匹配任何请求，授权与 Deny 都无效。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": [
//!         "log:GetLogStoreLogs"
//!       ],
//!       "Resource": "acs:log:*:*:logstore/access"
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
//!         "log:GetLogStoreLogs"
//!       ],
//!       "Resource": "acs:log:*:*:project/web/logstore/access"
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! Simple Log Service Docs, RAM authorization (resource list)

use super::shared::sls_types;
use crate::ram::{
    finding::{Findings, words},
    lint::Subject,
    wildcard::is_pattern,
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    for resource in subject.resources.iter().flatten() {
        let (Some("log"), Some(id)) = (resource.code(), resource.relative_id()) else { continue };
        let first = id.split('/').next().unwrap_or_default();
        if first.is_empty() || is_pattern(first) || sls_types(subject.vocabulary).contains(first) {
            continue;
        }
        let text = resource.text.text;
        out.add(
            &resource.text.span,
            words!("Simple Log Service has no resource `{text}`", "日志服务没有资源 `{text}`"),
        )
        .help(words!(
            "its resources stand below a project, as `project/p/logstore/l`",
            "其资源位于项目之下，例如 `project/p/logstore/l`"
        ));
    }
}
