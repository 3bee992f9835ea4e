//! # A wildcard action covers no action of its service
//! zh: 带通配符的操作未覆盖该服务的任何操作
//!
//! ## What it does
//! Finds an action with `*` or `?` whose RAM code is written out and known, and that no catalogued action of this
//! code matches.
//! zh: 找出 RAM 代码已知、含 `*` 或 `?`，但该代码下没有任何目录操作与之匹配的操作。
//!
//! ## Why it matters
//! The pattern grants nothing and forbids nothing. Often a word was misspelt or belongs to another service, and the
//! error shows only when a user is refused or an unwanted call goes through.
//! zh: 这种模式既不授予也不禁止任何操作，多为拼写错误或误用其他服务的动词，直到出事才会发现。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": [
//!         "log:Get*",
//!         "log:Search*"
//!       ],
//!       "Resource": [
//!         "acs:log:*:*:project/web",
//!         "acs:log:*:*:project/web/*"
//!       ]
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
//!         "log:Get*",
//!         "log:List*"
//!       ],
//!       "Resource": [
//!         "acs:log:*:*:project/web",
//!         "acs:log:*:*:project/web/*"
//!       ]
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! RAM Docs, Policy elements (Action); Simple Log Service Docs, RAM authorization

use crate::ram::{
    finding::{Findings, words},
    lint::Subject,
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    for action in subject.actions.iter().flatten() {
        let listed = action.code().is_some_and(|code| subject.vocabulary.is_listed_code(code));
        if listed && action.is_pattern() && action.covered.is_empty() {
            let (text, code) = (action.text.text, action.code().unwrap_or_default());
            let found = out.add(
                &action.text.span,
                words!("no action is like `{text}`", "没有操作与 `{text}` 匹配"),
            );
            if text.contains('?') {
                found.help(words!(
                    "write `*`: nothing documents `?` as a wildcard of actions, so that here it grants nothing",
                    "请写 `*`：没有文档说明 `?` 可用作操作的通配符，因此它不授予任何权限"
                ));
                continue;
            }
            found.help(words!(
                "`pai-authz catalog list ram-actions --module {code}` lists those there are",
                "运行 `pai-authz catalog list ram-actions --module {code}` 可列出已有操作"
            ));
        }
    }
}
