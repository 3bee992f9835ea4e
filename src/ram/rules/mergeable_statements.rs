//! # Two statements differ in their actions only
//! zh: 两条语句仅操作不同
//!
//! ## What it does
//! Finds two statements with the same Effect, Resource and Condition, each compared as a set, that differ only in
//! their lists of actions and could be one.
//! zh: 找出 Effect、Resource、Condition（按集合比较）都相同，仅操作列表不同、可以合并的两条语句。
//!
//! ## Why it matters
//! Split in two, a grant is easily changed by half: the resource is narrowed in one statement and stays wide in the
//! other. Merged, the policy is shorter, which counts against its limit of characters.
//! zh: 分成两条时容易只改一半：一条收紧了资源，另一条仍然宽松；合并后策略更短，也更不易超出长度上限。
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
//!       "Resource": "acs:log:*:*:project/web"
//!     },
//!     {
//!       "Effect": "Allow",
//!       "Action": [
//!         "log:UpdateProject"
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
//!         "log:GetProject",
//!         "log:UpdateProject"
//!       ],
//!       "Resource": "acs:log:*:*:project/web"
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! RAM Docs, Policy structure and syntax; RAM Docs, Limits

use std::collections::HashMap;

use super::shared::{Meaning, first};
use crate::ram::{
    document::Statement,
    finding::{Findings, words},
    lint::Subject,
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    let mut known: HashMap<Meaning, (&Statement<'_>, Vec<&str>)> = HashMap::new();
    for (statement, actions, resources) in subject.statements() {
        if statement.is_not_action {
            continue;
        }
        let Some(meaning) = Meaning::of(statement, &[], resources) else { continue };
        let mut names: Vec<&str> = actions.iter().map(|action| &*action.lower).collect();
        names.sort_unstable();
        names.dedup();
        let Some((before, listed)) = known.get(&meaning) else {
            known.insert(meaning, (statement, names));
            continue;
        };
        // The same statement twice is another rule's.
        if *listed != names {
            out.add(
                &first(statement),
                words!("this statement differs in its actions only", "此语句只有操作不同"),
            )
            .label(&first(before), words!("from this one", "与此语句相比"))
            .help(words!("list the actions in one statement", "请将操作合并到一条语句中"));
        }
    }
}
