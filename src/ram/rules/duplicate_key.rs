//! # One object has the same key twice
//! zh: 同一个对象中有重复的键
//!
//! ## What it does
//! Reports a key that occurs a second time in one JSON object: an element of a statement, a condition operator, or
//! a condition key below one operator, whose case of letters does not count but in the name of a tag.
//! zh: 报告同一个 JSON 对象中再次出现的键：语句的元素、条件运算符，或同一运算符下的条件键（条件键不区分大小写，标签名除外）。
//!
//! ## Why it matters
//! Readers of JSON keep only one of the two values, mostly the last. A reviewer who reads the first Effect approves
//! a Deny while the account gets an Allow, or the first list of actions is lost without a word.
//! zh: JSON 解析器只保留一个值，多为后者。审核者看到的是 Deny，账号得到的却是 Allow；或者前一份操作列表丢失。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Deny",
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
//! RFC 8259, Objects; RAM Docs, Policy structure and syntax

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use super::shared::remove_member;
use crate::ram::{
    finding::{Findings, words},
    json::{Member, Value},
    keys,
    lint::Subject,
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    let mut open = vec![subject.document.root];
    while let Some(node) = open.pop() {
        match &node.value {
            Value::Array(items) => open.extend(items),
            Value::Object(members) => {
                open.extend(members.iter().map(|member| &member.value));
                look_at(subject, members, out);
            }
            _ => {}
        }
    }
}

fn look_at(subject: &Subject<'_>, members: &[Member], out: &mut Findings) {
    let mut first: HashMap<Cow<'_, str>, &Member> = HashMap::new();
    let text = |member: &Member| subject.document.text.get(member.value.span.clone());
    let mut differ: HashSet<Cow<'_, str>> = HashSet::new();
    for member in members {
        let before = *first.entry(key(member)).or_insert(member);
        if text(before) != text(member) {
            differ.insert(key(member));
        }
    }
    first.clear();
    for (index, member) in members.iter().enumerate() {
        let Some(before) = first.get(&key(member)) else {
            first.insert(key(member), member);
            continue;
        };
        let name = &member.name;
        let is_same = !differ.contains(&key(member));
        out.add(
            &member.name_span,
            words!("`{name}` stands here a second time", "`{name}` 重复出现"),
        )
        .label(&before.name_span, words!("first here", "首次出现"))
        .help(words!(
            "keep one of them; where both are meant, put the values into one list",
            "只保留一个；若两者都需要，请将值合并为一个列表"
        ))
        .fix_if(is_same.then(|| remove_member(members, index)));
    }
}

/// Returns what makes a member the same as another: its name, however a condition key is spelled.
fn key(member: &Member) -> Cow<'_, str> {
    if member.name.contains(':') {
        keys::normal(&member.name).into()
    } else {
        member.name.as_str().into()
    }
}
