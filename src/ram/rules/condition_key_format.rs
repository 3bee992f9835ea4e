//! # A condition key is not of the form prefix:name
//! zh: 条件键不是“前缀:名称”的形式
//!
//! ## What it does
//! Reports a condition key that is not a prefix and a name with a colon between them. Names that take a tag have a
//! slash and the tag key after them.
//! zh: 报告不是“前缀:名称”形式的条件键。带标签的名称后面是斜杠和标签键。
//!
//! ## Why it matters
//! A key that RAM does not find in the request makes the condition fail. The Allow gives nothing, and a Deny that
//! should keep strangers out does not apply.
//! zh: 请求中没有这样的键，条件就不成立：Allow 得不到权限，想挡住外人的 Deny 也不适用。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": "log:GetLogStoreLogs",
//!       "Resource": "acs:log:cn-hangzhou:*:project/train-logs/logstore/*",
//!       "Condition": {
//!         "IpAddress": {
//!           "SourceIp": "203.0.113.0/24"
//!         }
//!       }
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
//!       "Resource": "acs:log:cn-hangzhou:*:project/train-logs/logstore/*",
//!       "Condition": {
//!         "IpAddress": {
//!           "acs:SourceIp": "203.0.113.0/24"
//!         }
//!       }
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! RAM Docs, Policy elements, Condition

use super::shared::clauses;
use crate::ram::{
    finding::{Findings, words},
    lint::Subject,
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    for clause in clauses(subject) {
        let key = clause.key.text;
        if is_key(key) {
            continue;
        }
        out.add(&clause.key.span, words!("`{key}` is not a condition key", "`{key}` 不是条件键"))
            .help(words!(
                "a key is `acs:<name>` or `<RAM code>:<name>`, as `acs:SourceIp`; a tag follows after `/`",
                "条件键的格式为 `acs:<名称>` 或 `<RAM 代码>:<名称>`，例如 `acs:SourceIp`；标签写在 `/` 之后"
            ));
    }
}

fn is_key(key: &str) -> bool {
    let Some((prefix, rest)) = key.split_once(':') else { return false };
    let (name, tag) = match rest.split_once('/') {
        Some((name, tag)) => (name, Some(tag)),
        None => (rest, None),
    };
    let is_part = |part: &str| {
        !part.is_empty()
            && part.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    is_part(prefix) && is_part(name) && tag.is_none_or(|tag| !tag.trim().is_empty())
}
