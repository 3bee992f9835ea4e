//! # log:ListProject is allowed on a single project
//! zh: log:ListProject 只授权到单个 Project
//!
//! ## What it does
//! Finds a statement with log:ListProject whose resources of Simple Log Service all name one project, such as
//! `project/web`.
//! zh: 找出含 log:ListProject、而日志服务资源都只写了某个 Project（如 `project/web`）的语句。
//!
//! ## Why it matters
//! The list is asked on `project/*`, which the name of one project never matches. The user gets a refusal and an
//! empty console, although reading the project itself is allowed.
//! zh: 列举操作针对 `project/*` 鉴权，单个 Project 名永远不匹配：调用被拒绝，控制台看不到任何 Project。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": [
//!         "log:ListProject",
//!         "log:GetProject"
//!       ],
//!       "Resource": "acs:log:*:*:project/web"
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
//!         "log:ListProject"
//!       ],
//!       "Resource": "acs:log:*:*:project/*"
//!     },
//!     {
//!       "Effect": "Allow",
//!       "Action": [
//!         "log:GetProject"
//!       ],
//!       "Resource": "acs:log:*:*:project/web"
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! Simple Log Service Docs, API reference (ListProject); Authorization rules

use crate::ram::{
    finding::{Findings, words},
    lint::{ResourceUse, Subject},
    wildcard::matches,
};

const LIST: &str = "log:listproject";

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    for (statement, actions, resources) in subject.statements() {
        let Some(action) = actions.iter().find(|action| &*action.lower == LIST) else { continue };
        let mut of_log =
            resources.iter().filter(|resource| resource.code() == Some("log")).peekable();
        let is_elsewhere = resources.iter().any(|resource| resource.code().is_none());
        if statement.is_not_action || is_elsewhere || of_log.peek().is_none() {
            continue;
        }
        let single = |resource: &&ResourceUse<'_>| {
            let id = resource.relative_id();
            id.is_some_and(|id| id.starts_with("project/") && !matches(id, "project/*"))
        };
        let Some(first) = of_log.clone().find(single) else { continue };
        if of_log.all(|resource| single(&resource)) {
            out.add(
                &action.text.span,
                words!(
                    "`log:ListProject` is asked on all projects at once",
                    "`log:ListProject` 作用于所有项目"
                ),
            )
            .label(&first.text.span, words!("some projects only", "仅部分项目"))
            .help(words!(
                "grant it in a statement of its own on `acs:log:*:*:project/*`",
                "请在单独的语句中授予，资源写 `acs:log:*:*:project/*`"
            ));
        }
    }
}
