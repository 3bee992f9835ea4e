//! The tree of a text, and how reading goes on after what cannot be read.

use super::{
    Member, Node, Parsed, Span, Value,
    lex::{Lexer, Token},
};
use crate::ram::finding::{Edit, Words, words};

/// How deep values may be nested; RAM documents need six.
pub const DEEPEST: usize = 32;

/// Reads a text.
#[must_use]
pub fn parse(text: &str) -> Parsed {
    let mut lexer = Lexer::new(text);
    let (token, span) = lexer.next();
    let mut parser = Parser {
        lexer,
        token,
        span,
        before: 0,
        quiet: false,
        depth: 0,
        inside: Vec::new(),
        ends_within: false,
        unended: Vec::new(),
    };
    let root = if parser.token == Token::End {
        parser.fault(0..text.len(), words!("there is no document", "文档为空"), None);
        Node { span: 0..0, value: Value::Unreadable }
    } else {
        parser.value()
    };
    if parser.token != Token::End {
        let from = parser.span.start;
        parser.fault(
            from..text.trim_end().len().max(from),
            words!("something follows the document", "文档之后还有其他内容"),
            None,
        );
    }
    let mut faults = parser.lexer.faults;
    faults.sort_by_key(|fault| fault.span.start);
    Parsed { root, faults, unended: parser.unended, end: parser.before }
}

/// What a value stands in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Array,
    Object,
}

struct Parser<'t> {
    lexer: Lexer<'t>,
    token: Token,
    span: Span,
    /// Where the token before this one ends.
    before: usize,
    /// Whether what is seen now may follow from what was wrong before: one slip is told once.
    quiet: bool,
    depth: usize,
    inside: Vec<Inside>,
    /// Whether the text ends within what is read.
    ends_within: bool,
    /// Where those begin within which the text ends.
    unended: Vec<usize>,
}

impl Parser<'_> {
    fn advance(&mut self) {
        self.before = self.span.end;
        let known = self.lexer.faults.len();
        (self.token, self.span) = self.lexer.next();
        // A string that is not closed can take its comma along.
        if self.lexer.faults.len() > known && matches!(self.token, Token::String(_)) {
            self.quiet = true;
        }
    }

    fn fault(&mut self, span: Span, message: Words, fix: Option<Edit>) {
        if !self.quiet {
            self.lexer.fault(span, message, fix);
        }
        self.quiet = true;
    }

    fn is(&self, mark: char) -> bool {
        self.token == Token::Mark(mark)
    }

    /// The last character of what comes before the token: where something is missing.
    fn gap(&self) -> Span {
        let before = self.lexer.text.get(..self.before).unwrap_or_default();
        let last = before.chars().next_back().map_or(0, char::len_utf8);
        self.before - last..self.before
    }

    fn value(&mut self) -> Node {
        let span = self.span.clone();
        let value = match &self.token {
            Token::Mark('{') => return self.nested(Inside::Object),
            Token::Mark('[') => return self.nested(Inside::Array),
            Token::String(text) => Value::String(text.clone()),
            Token::Number => Value::Number,
            Token::Word => match self.lexer.text.get(span.clone()) {
                Some("null") => Value::Null,
                Some("true") => Value::Bool(true),
                Some("false") => Value::Bool(false),
                _ => {
                    let word = self.lexer.text.get(span.clone()).unwrap_or_default();
                    let edit = Edit { span: span.clone(), text: format!("\"{word}\"") };
                    let message = words!("strings stand in double quotes", "字符串必须使用双引号");
                    let value = Value::String(word.to_owned());
                    self.fault(span.clone(), message, Some(edit));
                    value
                }
            },
            _ => {
                self.fault(
                    span.clone(),
                    words!("here a value is expected", "此处应为一个值"),
                    None,
                );
                Value::Unreadable
            }
        };
        self.advance();
        Node { span, value }
    }

    fn nested(&mut self, what: Inside) -> Node {
        let start = self.span.start;
        if self.depth >= DEEPEST {
            let message = words!(
                "values are nested more than {DEEPEST} deep here",
                "此处嵌套超过 {DEEPEST} 层"
            );
            self.fault(self.span.clone(), message, None);
            self.skip_nested();
            return Node { span: start..self.before, value: Value::Unreadable };
        }
        self.depth += 1;
        self.inside.push(what);
        let value = match what {
            Inside::Array => Value::Array(self.items()),
            Inside::Object => Value::Object(self.members()),
        };
        self.inside.pop();
        self.depth -= 1;
        if self.ends_within {
            self.unended.push(start);
        }
        Node { span: start..self.before, value }
    }

    /// Leaves out a value with all that is in it.
    fn skip_nested(&mut self) {
        let mut open = 0_usize;
        loop {
            match self.token {
                Token::Mark('{' | '[') => open += 1,
                Token::Mark('}' | ']') => open = open.saturating_sub(1),
                Token::End => return,
                _ => {}
            }
            self.advance();
            if open == 0 {
                return;
            }
        }
    }

    /// Returns whether what is read stands, at some distance, in one of these.
    fn is_within(&self, what: Inside) -> bool {
        self.inside.iter().rev().skip(1).any(|inside| *inside == what)
    }

    /// Returns whether another element of a statement follows the token.
    fn goes_on_in_a_statement(&self) -> bool {
        let rest = self.lexer.text.get(self.span.end..).unwrap_or_default();
        let name = rest.trim_start().strip_prefix(',').map(str::trim_start);
        name.is_some_and(|name| {
            name.starts_with('"')
                && !["\"Version\"", "\"Statement\""].iter().any(|it| name.starts_with(it))
        })
    }

    fn unclosed(&mut self, mark: char) {
        self.ends_within = self.token == Token::End;
        self.fault(self.gap(), words!("`{mark}` is missing after this", "此后缺少 `{mark}`"), None);
    }

    fn stray(&mut self) {
        let found = self.lexer.text.get(self.span.clone()).unwrap_or_default().to_owned();
        let found: String = found.chars().take(20).collect();
        self.fault(
            self.span.clone(),
            words!("`{found}` is one too many", "多余的 `{found}`"),
            None,
        );
        self.advance();
    }

    /// Passes a comma, which must be followed by another entry.
    fn comma(&mut self, end: char) {
        let span = self.span.clone();
        self.quiet = false;
        self.advance();
        if self.is(end) {
            let message = words!("nothing follows this comma", "逗号之后没有内容");
            self.lexer.fault(span.clone(), message, Some(Edit::remove(span)));
        }
    }

    fn missing_comma(&mut self) {
        let fix = Edit::insert(self.before, ",");
        self.fault(self.gap(), words!("`,` is missing after this", "此后缺少 `,`"), Some(fix));
    }

    fn items(&mut self) -> Vec<Node> {
        self.advance();
        let mut items: Vec<Node> = Vec::new();
        loop {
            match self.token {
                Token::Mark(']') => {
                    self.advance();
                    return items;
                }
                Token::End => {
                    self.unclosed(']');
                    return items;
                }
                Token::Mark('}') => {
                    let of_objects =
                        items.last().is_some_and(|item| matches!(item.value, Value::Object(_)));
                    if of_objects || !self.is_within(Inside::Object) {
                        self.stray();
                    } else {
                        self.unclosed(']');
                        return items;
                    }
                }
                Token::Mark(',' | ':') => self.stray(),
                _ => {
                    items.push(self.value());
                    match self.token {
                        Token::Mark(',') => self.comma(']'),
                        Token::Mark(']' | '}' | ':') | Token::End => {}
                        _ => self.missing_comma(),
                    }
                }
            }
        }
    }

    fn members(&mut self) -> Vec<Member> {
        self.advance();
        let mut members = Vec::new();
        loop {
            match &self.token {
                Token::Mark('}') => {
                    self.advance();
                    return members;
                }
                Token::End => {
                    self.unclosed('}');
                    return members;
                }
                // The next statement begins, and this one has no end.
                Token::Mark('{') if self.is_within(Inside::Array) => {
                    self.unclosed('}');
                    return members;
                }
                Token::Mark(']') if self.is_within(Inside::Array) && !self.quiet => {
                    // It ends the list of statements, or a list that has no beginning.
                    if self.goes_on_in_a_statement() {
                        self.stray();
                    } else {
                        self.unclosed('}');
                        return members;
                    }
                }
                Token::String(name) => {
                    let name = name.clone();
                    self.member(name, &mut members);
                }
                Token::Word => {
                    let span = self.span.clone();
                    let name = self.lexer.text.get(span.clone()).unwrap_or_default().to_owned();
                    let edit = Edit { span: span.clone(), text: format!("\"{name}\"") };
                    let message = words!("names stand in double quotes", "名称必须使用双引号");
                    self.fault(span, message, Some(edit));
                    self.member(name, &mut members);
                }
                Token::Mark('{' | '[') => {
                    self.fault(
                        self.span.clone(),
                        words!("here a name is expected", "此处应为名称"),
                        None,
                    );
                    self.skip_nested();
                }
                _ => self.stray(),
            }
        }
    }

    fn member(&mut self, name: String, members: &mut Vec<Member>) {
        let name_span = self.span.clone();
        self.advance();
        if self.is(':') {
            self.quiet = false;
            self.advance();
        } else {
            let fix = matches!(self.token, Token::String(_) | Token::Mark('{' | '['))
                .then(|| Edit::insert(self.before, ":"));
            self.fault(self.gap(), words!("`:` is missing after this", "此后缺少 `:`"), fix);
        }
        let value = match self.token {
            Token::Mark(',' | '}' | ']' | ':') | Token::End => {
                let at = self.before;
                self.fault(self.gap(), words!("a value is missing after this", "此后缺少值"), None);
                Node { span: at..at, value: Value::Unreadable }
            }
            _ => self.value(),
        };
        members.push(Member { name, name_span, value });
        match self.token {
            Token::Mark(',') => self.comma('}'),
            Token::Mark('}' | ']' | '{') | Token::End => {}
            Token::Mark(':') => self.stray(),
            _ => self.missing_comma(),
        }
    }
}
