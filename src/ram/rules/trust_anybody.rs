//! # A trust policy lets any account assume the role
//! zh: 信任策略允许任意账号扮演该角色
//!
//! ## What it does
//! Finds an Allow in a trust policy whose `RAM` principals have `*`, or a pattern, where the account stands.
//! zh: 找出信任策略的 Allow 中 `RAM` 主体为 `*` 或账号处为通配符的情况。
//!
//! ## Why it matters
//! Whoever knows the name of the role can assume it from an account of their own and has all its rights.
//! zh: 任何知道角色名称的人都可以从自己的账号扮演该角色，并获得其全部权限。
//!
//! ## Example
//! ```json trust
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": "sts:AssumeRole",
//!       "Principal": {
//!         "RAM": ["acs:ram::*:root"]
//!       }
//!     }
//!   ]
//! }
//! ```
//!
//! ## Use instead
//! ```json trust
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": "sts:AssumeRole",
//!       "Principal": {
//!         "RAM": ["acs:ram::1234567890123456:root"]
//!       }
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! RAM Docs, Policy elements (Principal)

use crate::ram::{
    document::{Effect, Kind, members, strings},
    finding::{Findings, words},
    lint::Subject,
    wildcard::is_pattern,
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    if subject.document.kind != Kind::Trust {
        return;
    }
    for (statement, ..) in subject.statements().filter(|(it, ..)| it.effect == Some(Effect::Allow))
    {
        let Some(principal) = statement.element("Principal") else { continue };
        let named = members(&principal.value).iter().filter(|it| it.name != "Service");
        for who in named.flat_map(|it| strings(&it.value)) {
            let account =
                who.text.strip_prefix("acs:ram::").and_then(|rest| rest.split(':').next());
            if is_pattern(account.unwrap_or(who.text)) {
                let text = who.text;
                out.add(
                    &who.span,
                    words!(
                        "`{text}` is anybody, in any account",
                        "`{text}` 表示任意账号中的任何人"
                    ),
                )
                .help(words!(
                    "name the account: `acs:ram::<account>:root`",
                    "请写明账号：`acs:ram::<账号>:root`"
                ));
            }
        }
    }
}
