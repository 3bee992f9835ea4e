//! # A character outside ASCII stands in a name
//! zh: 名称中含有非 ASCII 字符
//!
//! ## What it does
//! Finds a character outside ASCII in an element name, an Effect, an action, the first four parts of a resource, an
//! operator or a condition key. Names of resources, tags and values may have any letters.
//! zh: 找出元素名、Effect、操作、资源前四段、运算符或条件键中的非 ASCII 字符；资源名、标签与取值不限。
//!
//! ## Why it matters
//! A Cyrillic letter or a zero-width space looks right on the screen and matches nothing. A Deny copied from a chat
//! or a document can thus be without effect, and no reviewer sees it.
//! zh: 西里尔字母或零宽空格看上去正常，却匹配不上任何请求；从聊天或文档复制来的 Deny 可能因此失效。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": [
//!         "paidlc:GetJob"
//!       ],
//!       "Resource": [
//!         "acs:pаidlc:*:*:workspace/1001/dlcjob/*",
//!         "acs:paidlc:*:*:workspace/1002/dlcjob/*"
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
//!         "paidlc:GetJob"
//!       ],
//!       "Resource": [
//!         "acs:paidlc:*:*:workspace/1001/dlcjob/*",
//!         "acs:paidlc:*:*:workspace/1002/dlcjob/*"
//!       ]
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! RAM Docs, Policy structure and syntax; Unicode Technical Standard 39, Confusable detection

use unicode_security::confusable_detection::skeleton;

use crate::ram::{
    finding::{Findings, words},
    json::{Member, Span, Value},
    lint::Subject,
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    elements(subject.document.members, out);
    for (statement, actions, resources) in subject.statements() {
        elements(statement.members, out);
        if let Some(Value::String(effect)) = statement.element("Effect").map(|it| &it.value.value) {
            let span = statement.element("Effect").map_or(0..0, |it| it.value.span.clone());
            look_at(effect, &span, out);
        }
        for action in actions {
            look_at(action.text.text, &action.text.span, out);
        }
        for resource in resources {
            // What a resource is called is its owner's affair.
            let named = resource.relative_id().map_or(0, str::len);
            let head = resource.text.text.len() - named;
            look_at(resource.text.text.get(..head).unwrap_or_default(), &resource.text.span, out);
        }
        for clause in &statement.clauses {
            look_at(clause.operator.text, &clause.operator.span, out);
            let name = clause.key.text.split('/').next().unwrap_or_default();
            look_at(name, &clause.key.span, out);
        }
    }
}

fn elements(members: &[Member], out: &mut Findings) {
    for member in members {
        look_at(&member.name, &member.name_span, out);
    }
}

fn look_at(text: &str, span: &Span, out: &mut Findings) {
    let Some(strange) = text.chars().find(|c| !c.is_ascii()) else { return };
    let code = u32::from(strange);
    // What is a letter of RAM already stays: the skeleton of `1` is `l`.
    let plain_of = |c: char| {
        let mut buffer = [0; 4];
        let alike =
            if c.is_ascii() { vec![c] } else { skeleton(c.encode_utf8(&mut buffer)).collect() };
        alike.into_iter().filter(|c| !c.is_whitespace() && !is_invisible(*c))
    };
    let plain: String = text.chars().flat_map(plain_of).collect();
    let draft = out.add(
        span,
        words!(
            "U+{code:04X} is not a letter of RAM: this is not the name it looks like",
            "U+{code:04X} 不是 RAM 使用的字符：此名称与看上去的不同"
        ),
    );
    if plain.is_ascii() && plain != text {
        draft.help(words!("type it anew: `{plain}`", "请重新输入：`{plain}`"));
    }
}

/// Returns whether a character takes no place.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}
