//! # An action is not of the form code:name
//! zh: 操作不是“代码:名称”的形式
//!
//! ## What it does
//! Reports an action that is neither * nor a RAM code and a name with one colon between them. Both parts are of
//! letters, digits and - _ . / and the wildcards * and ?, and neither is empty.
//! zh: 报告既不是 * 也不是“RAM 代码:名称”的操作。两部分都不能为空，不能含空格等其他字符。
//!
//! ## Why it matters
//! Such an action matches no request. In an Allow the user is denied the work; in a Deny the door that should be
//! shut stays open.
//! zh: 这样的操作匹配不到任何请求：写在 Allow 里，用户无法工作；写在 Deny 里，该拦的操作拦不住。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": [
//!         "StopJob",
//!         "paidlc:GetJob"
//!       ],
//!       "Resource": "acs:paidlc:*:*:workspace/1001/dlcjob/*"
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
//!         "paidlc:StopJob",
//!         "paidlc:GetJob"
//!       ],
//!       "Resource": "acs:paidlc:*:*:workspace/1001/dlcjob/*"
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! RAM Docs, Policy elements, Action

use crate::ram::{
    finding::{Findings, words},
    lint::Subject,
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    for action in subject.actions.iter().flatten() {
        let text = action.text.text;
        // Variables have a rule of their own.
        if text == "*" || text.contains("${") {
            continue;
        }
        let is_letter =
            |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '*' | '?');
        let is_part = |part: &str| !part.is_empty() && part.chars().all(is_letter);
        let is_form =
            text.split_once(':').is_some_and(|(code, name)| is_part(code) && is_part(name));
        if !is_form {
            out.add(&action.text.span, words!("`{text}` is not an action", "`{text}` 不是操作"))
                .help(words!(
                    "write `<RAM code>:<name>`, as `paidlc:StopJob`, or `*`",
                    "格式为 `<RAM 代码>:<名称>`，例如 `paidlc:StopJob`，或 `*`"
                ));
        }
    }
}
