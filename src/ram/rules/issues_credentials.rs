//! # A shell, a signed URL or a token is handed out for every resource
//! zh: 对所有资源放行终端、签名链接或令牌
//!
//! ## What it does
//! Finds an Allow on Resource `*` without Condition that names or covers an action which returns a way in: a web
//! terminal, an opened notebook, a shared or signed URL, a token.
//! zh: 找出在资源 `*` 上且无 Condition 的 Allow，其操作会返回入口：网页终端、开发机、分享或签名链接、令牌。
//!
//! ## Why it matters
//! Such an answer works without RAM afterwards. Whoever has paidsw:GetToken on `*` enters the notebooks of all
//! workspaces, with the data and the role credentials mounted in them.
//! zh: 返回的入口之后不再经过 RAM；在 `*` 上拥有 paidsw:GetToken，即可进入所有空间的开发机及其数据。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": [
//!         "paidlc:GetJob",
//!         "paidlc:GetWebTerminal"
//!       ],
//!       "Resource": "*"
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
//!         "paidlc:GetWebTerminal"
//!       ],
//!       "Resource": "acs:paidlc:*:*:workspace/1001/dlcjob/*",
//!       "Condition": {
//!         "StringEquals": {
//!           "pai:EntityAccessType": "CREATOR"
//!         }
//!       }
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! PAI Docs, RAM authorization (DLC, DSW, EAS)

use std::sync::LazyLock;

use crate::{
    catalog::{RamAction, catalog},
    ram::{
        document::Effect,
        finding::{Findings, words},
        lint::Subject,
        wildcard::matches,
    },
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    for (statement, actions, resources) in subject.statements() {
        // Of a workspace that nobody has named.
        let everywhere = resources.iter().any(|resource| {
            let id = resource.relative_id();
            resource.is_everything() || id.is_some_and(|id| matches(id, "workspace/0/unnamed/0"))
        });
        if !statement.is(Effect::Allow) || !statement.is_open() || !everywhere {
            continue;
        }
        // Of everything, another rule tells.
        for action in actions.iter().filter(|action| !action.is_everything()) {
            let named = action.covered.iter().filter_map(|index| subject.vocabulary.action(*index));
            let issuing: Vec<&str> =
                named.filter(|action| issues(action)).map(|action| action.action).take(3).collect();
            if issuing.is_empty() {
                continue;
            }
            let (text, list) = (action.text.text, issuing.join("`, `"));
            let message = if action.is_pattern() {
                words!(
                    "`{text}` hands out a shell, a URL or a token of everybody's: `{list}`",
                    "`{text}` 会发放任何人资源的 shell、URL 或令牌：`{list}`"
                )
            } else {
                words!(
                    "`{text}` hands out a shell, a URL or a token of everybody's",
                    "`{text}` 会发放任何人资源的 shell、URL 或令牌"
                )
            };
            out.add(&action.text.span, message).help(words!(
                "name the resources, or grant it for own ones: a `Condition` with `pai:EntityAccessType` `CREATOR`",
                "请指明资源，或用 `Condition` 将 `pai:EntityAccessType` 限定为 `CREATOR`，仅授予自己的资源"
            ));
        }
    }
}

/// Returns whether an action reads by its name, and hands out what opens a door.
fn issues(action: &RamAction) -> bool {
    static ISSUING: LazyLock<Vec<String>> = LazyLock::new(|| {
        let points = catalog().points().iter().filter(|point| point.issues_credentials);
        points.map(|point| point.code.to_ascii_lowercase()).collect()
    });
    ISSUING.iter().any(|code| code.eq_ignore_ascii_case(action.action))
}
