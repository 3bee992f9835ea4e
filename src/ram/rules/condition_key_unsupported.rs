//! # A condition key is not supported by any action of the statement
//! zh: 语句中没有操作支持该条件键
//!
//! ## What it does
//! Finds a `pai:` or `log:` condition key that no listed action supports, and an `acs:` key that is not known; for the
//! latter the nearest known name is given.
//! zh: 找出没有任何所列操作支持的 `pai:`、`log:` 条件键，以及未知的 `acs:` 键（并提示最接近的名称）。
//!
//! ## Why it matters
//! The key is absent from the requests, so a positive test never holds: an Allow grants nothing, a Deny blocks
//! nothing. A misspelt acs:SourceIp leaves an address list without any effect.
//! zh: 请求中没有该键，肯定型判断永不成立：Allow 不授予、Deny 不拦截；acs:SourceIp 写错，地址限制就失效。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": [
//!         "log:GetProject"
//!       ],
//!       "Resource": "acs:log:*:*:project/web",
//!       "Condition": {
//!         "StringEquals": {
//!           "pai:Accessibility": "PUBLIC"
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
//!       "Action": [
//!         "log:GetProject"
//!       ],
//!       "Resource": "acs:log:*:*:project/web",
//!       "Condition": {
//!         "IpAddress": {
//!           "acs:SourceIp": "10.0.0.0/8"
//!         }
//!       }
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! PAI Docs, Access permissions based on Condition; Simple Log Service Docs, RAM authorization

use crate::ram::{
    finding::{Findings, words},
    keys::{self, Unknown},
    lint::{ActionUse, Subject},
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    for (statement, actions, _) in subject.statements() {
        for clause in &statement.clauses {
            let key = clause.key.text;
            if let Err(Unknown { near }) = keys::known(key) {
                let draft = out.add(
                    &clause.key.span,
                    words!("there is no condition key `{key}`", "条件键 `{key}` 不存在"),
                );
                if let Some(near) = near {
                    draft.help(words!("is `{near}` meant?", "是否应为 `{near}`？"));
                }
                continue;
            }
            let bare = key.split('/').next().unwrap_or_default();
            let Some((prefix, name)) = bare.split_once(':') else { continue };
            let is_listed = subject.vocabulary.is_listed_code(&prefix.to_ascii_lowercase());
            let is_checked = !name.is_empty() && is_listed && !statement.is_not_action;
            if is_checked && !is_supported(subject, actions, bare) {
                out.add(
                    &clause.key.span,
                    words!("no listed action supports `{key}`", "所列操作都不支持 `{key}`"),
                )
                .help(words!(
                    "requests for them do not have it: a grant never applies, a denial neither",
                    "这些操作的请求不带此键：授权和拒绝都不会生效"
                ));
            }
        }
    }
}

fn is_supported(subject: &Subject<'_>, actions: &[ActionUse<'_>], key: &str) -> bool {
    // What is not known may support anything.
    actions.is_empty()
        || actions.iter().any(|action| {
            let mut named =
                action.covered.iter().filter_map(|index| subject.vocabulary.action(*index));
            named.any(|known| known.condition_keys.contains(&key))
        })
}
