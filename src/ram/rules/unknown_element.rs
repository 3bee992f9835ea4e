//! # An element is not known to RAM
//! zh: 出现 RAM 没有的元素
//!
//! ## What it does
//! Reports a key at the top level or in a statement that the policy grammar does not have, and names the nearest
//! one that it does. Element names are case-sensitive.
//! zh: 报告顶层或语句中语法没有的键，并给出最接近的元素名。元素名区分大小写。
//!
//! ## Why it matters
//! A misspelt element does not do its work. In the example the word Conditions keeps nobody out: if it were passed
//! over, jobs could be stopped from any address.
//! zh: 写错的元素不起作用。示例中的 Conditions 拦不住任何人：若被忽略，任何地址都能停止任务。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": "paidlc:StopJob",
//!       "Resource": "acs:paidlc:*:*:workspace/1001/dlcjob/*",
//!       "Conditions": {
//!         "IpAddress": {
//!           "acs:SourceIp": "203.0.113.0/24"
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
//!       "Action": "paidlc:StopJob",
//!       "Resource": "acs:paidlc:*:*:workspace/1001/dlcjob/*",
//!       "Condition": {
//!         "IpAddress": {
//!           "acs:SourceIp": "203.0.113.0/24"
//!         }
//!       }
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! RAM Docs, Policy elements

use std::collections::HashMap;

use super::shared::{certain, quoted};
use crate::ram::{
    finding::{Edit, Findings, words},
    json::Member,
    lint::Subject,
    vocabulary::nearest_of,
};

const OF_DOCUMENT: [&str; 2] = ["Version", "Statement"];
const OF_STATEMENT: [&str; 6] =
    ["Effect", "Action", "NotAction", "Resource", "Condition", "Principal"];
/// What other rules tell about.
const TOLD_ELSEWHERE: [&str; 3] = ["Sid", "NotResource", "NotPrincipal"];

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    look_at(subject.document.members, &OF_DOCUMENT, out);
    for (statement, ..) in subject.statements() {
        look_at(statement.members, &OF_STATEMENT, out);
    }
}

fn look_at(members: &[Member], known: &[&'static str], out: &mut Findings) {
    // Names that are taken, or meant by several.
    let mut taken: HashMap<&str, usize> = HashMap::new();
    for found in members {
        let meant = certain(&found.name, known.iter().copied());
        *taken.entry(meant.unwrap_or(&found.name)).or_default() += 1;
    }
    for found in members {
        let name = &found.name;
        if known.contains(&name.as_str()) || TOLD_ELSEWHERE.contains(&name.as_str()) {
            continue;
        }
        let near = nearest_of(name, known.iter().copied());
        let free =
            certain(name, known.iter().copied()).filter(|meant| taken.get(meant) == Some(&1));
        let list = known.join("`, `");
        out.add(
            &found.name_span,
            words!("there is no element `{name}` here", "此处没有元素 `{name}`"),
        )
        .help(match near {
            Some(near) => words!("is `{near}` meant?", "是否应为 `{near}`？"),
            None => words!("known here are `{list}`", "此处可用的元素有 `{list}`"),
        })
        .fix_if(free.map(|near| Edit { span: found.name_span.clone(), text: quoted(near) }));
    }
}
