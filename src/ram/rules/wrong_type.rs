//! # An element has the wrong JSON type
//! zh: 元素的 JSON 类型不对
//!
//! ## What it does
//! Reports an element whose JSON type the grammar does not allow, such as a number as Action or an array as Effect.
//! Numbers and true or false as condition values are found too: RAM wants them in double quotes.
//! zh: 报告类型不符合语法的元素，如数字形式的 Action。条件值中的数字和布尔值也要写在双引号里。
//!
//! ## Why it matters
//! RAM refuses the document, or a program that expects text skips the value. A condition lost in this way leaves a
//! delete action open to sessions without a second factor.
//! zh: RAM 会拒绝文档，期望文本的程序会跳过该值。条件一旦这样丢失，没有 MFA 的会话也能执行删除。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": "paidsw:DeleteInstance",
//!       "Resource": "acs:paidsw:*:*:workspace/1001/dswinstance/*",
//!       "Condition": {
//!         "Bool": {
//!           "acs:MFAPresent": true
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
//!       "Action": "paidsw:DeleteInstance",
//!       "Resource": "acs:paidsw:*:*:workspace/1001/dswinstance/*",
//!       "Condition": {
//!         "Bool": {
//!           "acs:MFAPresent": "true"
//!         }
//!       }
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! RAM Docs, Policy elements

use super::shared::quoted;
use crate::ram::{
    document::{member, members, one_or_many},
    finding::{Edit, Findings, Words, words},
    json::{Member, Node, Value},
    lint::Subject,
};

/// Nobody means a longer one.
const LONGEST_NUMBER: usize = 40;

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    let document = subject.document;
    if !matches!(document.root.value, Value::Object(_) | Value::Unreadable) {
        expected(
            document.root,
            &words!("the document", "文档"),
            &words!("an object", "对象"),
            None,
            out,
        );
    }
    if let Some(version) = member(document.members, "Version") {
        string(subject, version, out);
    }
    if let Some(Value::Array(statements)) =
        member(document.members, "Statement").map(|it| &it.value.value)
    {
        for statement in statements {
            if !matches!(statement.value, Value::Object(_) | Value::Unreadable) {
                expected(
                    statement,
                    &words!("a statement", "语句"),
                    &words!("an object", "对象"),
                    None,
                    out,
                );
            }
        }
    }
    for (statement, ..) in subject.statements() {
        if let Some(effect) = statement.element("Effect") {
            string(subject, effect, out);
        }
        for list in
            ["Action", "NotAction", "Resource"].iter().filter_map(|name| statement.element(name))
        {
            values(subject, list, false, out);
        }
        if let Some(condition) = statement.element("Condition") {
            self::condition(subject, condition, out);
        }
    }
}

fn condition(subject: &Subject<'_>, condition: &Member, out: &mut Findings) {
    object(condition, out);
    for operator in members(&condition.value) {
        object(operator, out);
        for key in members(&operator.value) {
            values(subject, key, true, out);
        }
    }
}

fn object(member: &Member, out: &mut Findings) {
    if !matches!(member.value.value, Value::Object(_) | Value::Unreadable) {
        expected(&member.value, &named(member), &words!("an object", "对象"), None, out);
    }
}

fn string(subject: &Subject<'_>, member: &Member, out: &mut Findings) {
    let node = &member.value;
    if !matches!(node.value, Value::String(_) | Value::Unreadable) {
        let fix = if member.name == "Version" { in_quotes(subject, node) } else { None };
        expected(node, &named(member), &words!("a string", "字符串"), fix, out);
    }
}

/// Looks at an element that is a string or an array of them. Values of conditions that lack their quotes can be given them.
fn values(subject: &Subject<'_>, member: &Member, quote: bool, out: &mut Findings) {
    for node in one_or_many(&member.value) {
        if !matches!(node.value, Value::String(_) | Value::Unreadable) {
            let fix = if quote { in_quotes(subject, node) } else { None };
            let wanted = words!("a string or an array of strings", "字符串或字符串数组");
            expected(node, &named(member), &wanted, fix, out);
        }
    }
}

fn in_quotes(subject: &Subject<'_>, node: &Node) -> Option<Edit> {
    let text = subject.document.text.get(node.span.clone())?;
    let plain =
        matches!(node.value, Value::Number | Value::Bool(_)) && text.len() <= LONGEST_NUMBER;
    plain.then(|| Edit { span: node.span.clone(), text: quoted(text) })
}

fn named(member: &Member) -> Words {
    let name = &member.name;
    words!("`{name}`", "`{name}`")
}

fn expected(node: &Node, what: &Words, wanted: &Words, fix: Option<Edit>, out: &mut Findings) {
    let kind = node.value.kind();
    let message = Words {
        en: format!("{} is {}, and must be {}", what.en, kind.en, wanted.en),
        zh: format!("{}是{}，必须是{}", what.zh, kind.zh, wanted.zh),
    };
    // A whole object is shown by its beginning.
    let span = match node.value {
        Value::Object(_) | Value::Array(_) => node.span.start..node.span.start + 1,
        _ => node.span.clone(),
    };
    out.add(&span, message).fix_if(fix);
}
