//! JSON of strangers, as a tree with positions: whatever is wrong with it is a fault in a list, and the rest is read
//! nevertheless.
//!
//! Strict as RFC 8259 is. Time and memory are linear in the text; depth and the number of faults are bounded.

mod lex;
mod parse;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub use self::{
    lex::MOST_FAULTS,
    parse::{DEEPEST, parse},
};
use super::finding::{Edit, Words};

/// A part of the text, in bytes.
pub type Span = Range<usize>;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// From its first to after its last byte.
    pub span: Span,
    /// What it is.
    pub value: Value,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, which the text has as it was written.
    Number,
    /// A string, without quotes and escapes.
    String(String),
    /// An array.
    Array(Vec<Node>),
    /// An object, with every member in the order of the text, also those whose names come twice.
    Object(Vec<Member>),
    /// Something that could not be read; a fault tells why.
    Unreadable,
}

/// A name and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// The name.
    pub name: String,
    /// Where the name stands, with its quotes.
    pub name_span: Span,
    /// The value.
    pub value: Node,
}

impl Member {
    /// Returns where name and value stand.
    #[must_use]
    pub const fn span(&self) -> Span {
        self.name_span.start..self.value.span.end
    }
}

/// Something that is not JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// Where it is seen.
    pub span: Span,
    /// What is wrong.
    pub message: Words,
    /// How it is put right; `None` where that is not certain.
    pub fix: Option<Edit>,
}

/// What was read of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The tree, with all that could be read.
    pub root: Node,
    /// What is wrong; without any, the text is JSON and the tree is all of it.
    pub faults: Vec<Fault>,
    /// Where those values begin within which the text ends.
    unended: Vec<usize>,
    /// Where the last of it ends.
    end: usize,
}

impl Parsed {
    /// Returns whether what stands in a part of the text may be otherwise once the text goes on: it is about a value within which the
    /// text ends, or about the last of it, a quote more or less.
    #[must_use]
    pub fn may_go_on(&self, span: &Span) -> bool {
        self.unended.contains(&span.start) || (!self.unended.is_empty() && span.end + 1 >= self.end)
    }
}

impl Value {
    /// Returns what it is called.
    #[must_use]
    pub fn kind(&self) -> Words {
        let (en, zh) = match self {
            Self::Null => ("null", "null"),
            Self::Bool(_) => ("a boolean", "布尔值"),
            Self::Number => ("a number", "数字"),
            Self::String(_) => ("a string", "字符串"),
            Self::Array(_) => ("an array", "数组"),
            Self::Object(_) => ("an object", "对象"),
            Self::Unreadable => ("not readable", "无法读取的内容"),
        };
        Words { en: en.to_owned(), zh: zh.to_owned() }
    }
}

impl Node {
    /// Returns the JSON pointer (RFC 6901) of the innermost value or member at a place of the text.
    #[must_use]
    pub fn pointer(&self, offset: usize) -> String {
        let mut pointer = String::new();
        let mut node = self;
        loop {
            match &node.value {
                Value::Array(items) => {
                    let after = items.partition_point(|item| item.span.start <= offset);
                    let Some(index) = after.checked_sub(1) else { return pointer };
                    let Some(item) = items.get(index).filter(|item| offset < item.span.end) else {
                        return pointer;
                    };
                    pointer.push('/');
                    pointer.push_str(&index.to_string());
                    node = item;
                }
                Value::Object(members) => {
                    let after = members.partition_point(|it| it.name_span.start <= offset);
                    let member = after.checked_sub(1).and_then(|index| members.get(index));
                    let Some(member) = member.filter(|it| offset < it.value.span.end) else {
                        return pointer;
                    };
                    pointer.push('/');
                    pointer.push_str(&member.name.replace('~', "~0").replace('/', "~1"));
                    node = &member.value;
                }
                _ => return pointer,
            }
        }
    }
}
