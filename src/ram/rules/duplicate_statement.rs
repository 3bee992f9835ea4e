//! # Two statements say the same
//! zh: 两条语句内容相同
//!
//! ## What it does
//! Finds a statement that repeats an earlier one of the document. The order of lists, the case of actions and a
//! string in place of a list with one string make no difference.
//! zh: 找出与文档中先前语句内容相同的语句；列表顺序、操作大小写、单元素列表与字符串视为相同。
//!
//! ## Why it matters
//! The copy grants nothing more. Who later narrows one of the two leaves the other in force, and the right that was
//! meant to go stays.
//! zh: 副本不增加任何权限；以后只收紧其中一条时，另一条仍然有效，本应收回的权限依旧存在。
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
//!         "paidlc:ListJobs"
//!       ],
//!       "Resource": "acs:paidlc:*:*:workspace/1001/dlcjob/*"
//!     },
//!     {
//!       "Effect": "Allow",
//!       "Action": [
//!         "paidlc:ListJobs",
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
//!         "paidlc:GetJob",
//!         "paidlc:ListJobs"
//!       ],
//!       "Resource": "acs:paidlc:*:*:workspace/1001/dlcjob/*"
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! RAM Docs, Policy structure and syntax

use std::collections::HashMap;

use super::shared::{Meaning, first, remove_item};
use crate::ram::{
    document::{Statement, member},
    finding::{Findings, words},
    json::Value,
    lint::Subject,
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    let mut known: HashMap<Meaning, &Statement<'_>> = HashMap::new();
    let items = match member(subject.document.members, "Statement").map(|it| &it.value.value) {
        Some(Value::Array(items)) => items.as_slice(),
        _ => &[],
    };
    for (index, (statement, actions, resources)) in subject.statements().enumerate() {
        let Some(meaning) = Meaning::of(statement, actions, resources) else { continue };
        let Some(before) = known.get(&meaning) else {
            known.insert(meaning, statement);
            continue;
        };
        out.add(&first(statement), words!("this statement was made before", "此语句重复"))
            .label(&first(before), words!("the same is said here", "相同的语句在此"))
            .help(words!("leave it out", "请删除"))
            .fix_if(subject.faults.is_empty().then(|| remove_item(items, index)));
    }
}
