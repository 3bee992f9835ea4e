//! # An action has another name when it is checked
//! zh: 该操作在鉴权时使用另一个名称
//!
//! ## What it does
//! Finds an action that the catalogue keeps under an operation or older name, where the statement does not also grant
//! the name that is checked today.
//! zh: 找出目录标为旧名称或接口名的操作，且同一语句没有同时授予当前实际鉴权的名称。
//!
//! ## Why it matters
//! The request is asked under the other name: a collector with log:PutLogs alone can be refused when it writes,
//! because log:PostLogStoreLogs is what is checked. Granting both names is safe.
//! zh: 请求按另一个名称鉴权：只有 log:PutLogs 的采集程序写入时可能被拒，因为检查的是 log:PostLogStoreLogs。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": [
//!         "log:GetContextLogs"
//!       ],
//!       "Resource": "acs:log:*:*:project/web/logstore/access"
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
//!         "log:GetContextLogs",
//!         "log:GetLogStoreContextLogs"
//!       ],
//!       "Resource": "acs:log:*:*:project/web/logstore/access"
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! Simple Log Service Docs, Authorization rules; Simple Log Service Docs, Action list

use crate::{
    catalog::RamAction,
    ram::{
        finding::{Findings, words},
        lint::Subject,
        wildcard::matches,
    },
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    for (_, actions, _) in subject.statements() {
        for action in actions.iter().filter(|action| !action.is_pattern()) {
            let known = action.covered.first().and_then(|index| subject.vocabulary.action(*index));
            let Some(checked) = known.and_then(RamAction::checked_as) else { continue };
            let checked_too = checked.to_ascii_lowercase();
            if actions.iter().any(|other| matches(&other.lower, &checked_too)) {
                continue;
            }
            let text = action.text.text;
            out.add(
                &action.text.span,
                words!(
                    "`{text}` is an old or an operation's name: the service asks for `{checked}`",
                    "`{text}` 是旧名称或接口名：服务校验的是 `{checked}`"
                ),
            )
            .help(words!("list both", "请同时列出两者"));
        }
    }
}
