//! # An action is written in other case than the catalogue has it
//! zh: 操作大小写与目录不一致
//!
//! ## What it does
//! Finds an action without wildcards that the catalogue has with the same letters in other case, such as
//! `PaiDLC:StopJob` for `paidlc:StopJob`.
//! zh: 找出字母相同但大小写与目录不同的操作，如将 `paidlc:StopJob` 写成 `PaiDLC:StopJob`。
//!
//! ## Why it matters
//! Actions are compared without case in most services, not in all. The exact spelling also lets a search over all
//! policies answer who may stop jobs, without missing some of them.
//! zh: 多数服务比较操作时不分大小写，但并非全部；写法统一也便于检索全部策略、查清谁有某项权限。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": [
//!         "PaiDLC:StopJob"
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
//!         "paidlc:StopJob"
//!       ],
//!       "Resource": "acs:paidlc:*:*:workspace/1001/dlcjob/*"
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! RAM Docs, Policy elements (Action)

use super::shared::quoted;
use crate::ram::{
    finding::{Edit, Findings, words},
    lint::Subject,
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    for action in subject.actions.iter().flatten().filter(|action| !action.is_pattern()) {
        let known = action.covered.first().and_then(|index| subject.vocabulary.action(*index));
        let Some(known) = known.map(|known| known.action) else { continue };
        let text = action.text.text;
        if text != known {
            out.add(
                &action.text.span,
                words!("`{text}` is written `{known}`", "`{text}` 应写作 `{known}`"),
            )
            .help(words!(
                "letters may differ in case, but names are found by their right spelling",
                "大小写不影响效果，但正确的拼写便于查找"
            ))
            .fix(Edit { span: action.text.span.clone(), text: quoted(known) });
        }
    }
}
