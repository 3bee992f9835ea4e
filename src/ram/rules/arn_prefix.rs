//! # A resource does not begin with acs:
//! zh: 资源不以 acs: 开头
//!
//! ## What it does
//! Reports a resource that is not * and does not begin with acs: in small letters, for instance the ARN of another
//! cloud or a bare path.
//! zh: 报告既不是 * 也不以小写 acs: 开头的资源，例如其他云的 ARN 或只写了路径。
//!
//! ## Why it matters
//! The resource names nothing in Alibaba Cloud. The grant does not reach the logs it is meant for, and a Deny on it
//! keeps nobody away.
//! zh: 这样的资源在阿里云中不指任何东西。授权到不了要访问的日志，写在 Deny 里也拦不住任何人。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": "log:GetLogStoreLogs",
//!       "Resource": "log:cn-hangzhou:*:project/train-logs/logstore/*"
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
//! RAM Docs, Policy elements, Resource

use super::shared::quoted;
use crate::ram::{
    finding::{Edit, Findings, words},
    lint::Subject,
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    for resource in subject.resources.iter().flatten() {
        let text = resource.text.text;
        if text == "*" || text.starts_with("acs:") || text.starts_with("${") {
            continue;
        }
        let head = text.get(..4).filter(|head| head.eq_ignore_ascii_case("acs:"));
        let fix = head.map(|_| Edit {
            span: resource.text.span.clone(),
            text: quoted(&format!("acs:{}", text.get(4..).unwrap_or_default())),
        });
        out.add(
            &resource.text.span,
            words!("`{text}` does not begin with `acs:`", "`{text}` 不以 `acs:` 开头"),
        )
        .help(words!(
            "an ARN is `acs:<RAM code>:<region>:<account>:<relative id>`; everything is `*`",
            "ARN 的格式为 `acs:<RAM 代码>:<地域>:<账号>:<相对 ID>`；全部资源写 `*`"
        ))
        .fix_if(fix);
    }
}
