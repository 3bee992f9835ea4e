//! # An action is covered by another one beside it
//! zh: 操作已被旁边的另一个操作覆盖
//!
//! ## What it does
//! Finds an action that a wildcard action of the same list covers, or that is listed twice; also where the other one
//! stands in a statement with the same Effect, Resource and Condition.
//! zh: 找出被同一列表（或 Effect、Resource、Condition 相同的语句）中通配操作覆盖或重复的操作。
//!
//! ## Why it matters
//! The name changes nothing and misleads: who takes `paidlc:StopJob` away believes the right is gone, while
//! `paidlc:*` still grants it. It also uses up the length a policy may have.
//! zh: 多余的名称会误导：删掉 `paidlc:StopJob` 以为已收回权限，其实 `paidlc:*` 仍在授予；还占用策略长度。
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
//!         "log:GetProject"
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
//!         "log:Get*"
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
//! RAM Docs, Policy elements (Action)

use std::collections::HashMap;

use super::shared::{Meaning, remove_item};
use crate::ram::{
    document::Statement,
    finding::{Findings, words},
    json::Value,
    lint::{ActionUse, Subject},
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    // Patterns of other statements that differ in their actions only.
    let mut alike: HashMap<Meaning, Vec<&ActionUse<'_>>> = HashMap::new();
    for (statement, actions, resources) in subject.statements().filter(|(it, ..)| !it.is_not_action)
    {
        if let Some(meaning) = Meaning::of(statement, &[], resources) {
            let patterns = actions.iter().filter(|action| action.is_pattern());
            alike.entry(meaning).or_default().extend(patterns);
        }
    }
    for (statement, actions, resources) in subject.statements() {
        let meaning = Meaning::of(statement, &[], resources);
        let elsewhere =
            meaning.and_then(|meaning| alike.get(&meaning)).map_or(&[][..], Vec::as_slice);
        look_at(subject, statement, actions, elsewhere, out);
    }
}

fn look_at(
    subject: &Subject<'_>,
    statement: &Statement<'_>,
    actions: &[ActionUse<'_>],
    elsewhere: &[&ActionUse<'_>],
    out: &mut Findings,
) {
    let list = ["Action", "NotAction"].iter().find_map(|name| statement.element(name));
    let items = match list.map(|list| &list.value.value) {
        Some(Value::Array(items)) => items.as_slice(),
        _ => &[],
    };
    let own: Vec<&ActionUse<'_>> = actions.iter().filter(|action| action.is_pattern()).collect();
    let mut seen: HashMap<&str, &ActionUse<'_>> = HashMap::new();
    for action in actions {
        let includes = |pattern: &&ActionUse<'_>| {
            pattern.lower != action.lower
                // In an Allow `?` may be no wildcard (docs/adr/0014): what it covers is not certain.
                && !pattern.lower.contains('?')
                && subject.includes(&pattern.lower, &action.lower)
                // Of two that say the same with other letters, the first stays.
                && !(pattern.text.span.start > action.text.span.start
                    && subject.includes(&action.lower, &pattern.lower))
        };
        let here = seen.get(&*action.lower).copied().or_else(|| own.iter().copied().find(includes));
        seen.entry(&action.lower).or_insert(action);
        let Some(wider) = here.or_else(|| elsewhere.iter().copied().find(includes)) else {
            continue;
        };
        let (text, by) = (action.text.text, wider.text.text);
        // What covers it here stays here: the list is not emptied.
        let index = items.iter().position(|item| here.is_some() && item.span == action.text.span);
        out.add(
            &action.text.span,
            words!("`{text}` is in `{by}` already", "`{text}` 已包含在 `{by}` 中"),
        )
        .label(&wider.text.span, words!("listed here", "已在此列出"))
        .help(words!("leave it out", "请删除"))
        .fix_if(index.map(|index| remove_item(items, index)));
    }
}
