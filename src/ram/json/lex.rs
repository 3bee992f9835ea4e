//! The tokens of JSON, and of what people write instead.

use super::{Fault, Span};
use crate::ram::finding::{Edit, Words, words};

/// A token.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// One of `{}[]:,`.
    Mark(char),
    /// A string, without quotes and escapes.
    String(String),
    /// A number.
    Number,
    /// Letters without quotes.
    Word,
    /// Anything else.
    Other,
    /// After the last.
    End,
}

/// How many faults are kept of a text.
pub const MOST_FAULTS: usize = 100;

/// Reads tokens off a text.
pub(super) struct Lexer<'t> {
    pub(super) text: &'t str,
    at: usize,
    pub(super) faults: Vec<Fault>,
    /// Up to where it was looked for a quote that ends a word.
    unquoted: usize,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let mut lexer = Self { text, at: 0, faults: Vec::new(), unquoted: 0 };
        let mark = '\u{feff}'.len_utf8();
        if text.starts_with('\u{feff}') {
            lexer.at = mark;
            let message = words!(
                "a byte order mark stands before the document",
                "文档前有字节顺序标记（BOM）"
            );
            lexer.fault(0..mark, message, Some(Edit::remove(0..mark)));
        }
        lexer
    }

    pub(super) fn fault(&mut self, span: Span, message: Words, fix: Option<Edit>) {
        if self.faults.len() < MOST_FAULTS {
            self.faults.push(Fault { span, message, fix });
        }
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at..)?.chars().next()
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Takes as much as `is` holds of, and returns whether that was anything.
    fn take(&mut self, is: impl Fn(char) -> bool) -> bool {
        let rest = self.rest();
        let length = rest.find(|c| !is(c)).unwrap_or(rest.len());
        self.at += length;
        length > 0
    }

    /// Returns the next token and where it stands.
    pub(super) fn next(&mut self) -> (Token, Span) {
        self.skip();
        let start = self.at;
        let Some(first) = self.peek() else { return (Token::End, start..start) };
        let token = match first {
            '{' | '}' | '[' | ']' | ':' | ',' => {
                self.at += 1;
                Token::Mark(first)
            }
            '"' => self.string(),
            '\'' | '‘' | '’' | '“' | '”' => self.other_quotes(first),
            '-' | '0'..='9' => self.number(),
            c if is_word(c) => self.word(),
            c => {
                self.at += c.len_utf8();
                Token::Other
            }
        };
        (token, start..self.at)
    }

    /// Skips white space, and comments, which JSON has none of.
    fn skip(&mut self) {
        loop {
            self.take(|c| matches!(c, ' ' | '\t' | '\n' | '\r'));
            let (start, rest) = (self.at, self.rest());
            let mut ends = true;
            if rest.starts_with("//") {
                self.take(|c| !matches!(c, '\n' | '\r'));
            } else if rest.starts_with("/*") {
                let end = rest.get(2..).and_then(|rest| rest.find("*/"));
                ends = end.is_some();
                self.at += end.map_or(rest.len(), |end| end + 4);
            } else {
                return;
            }
            let span = start..self.at;
            // What follows a comment without end may be all of the document.
            let fix = ends.then(|| Edit { span: span.clone(), text: " ".to_owned() });
            self.fault(span, words!("JSON has no comments", "JSON 不支持注释"), fix);
        }
    }

    fn string(&mut self) -> Token {
        let start = self.at;
        self.at += 1;
        let mut value = String::new();
        loop {
            let plain = self.at;
            self.take(|c| c != '"' && c != '\\' && c >= ' ');
            value.push_str(self.text.get(plain..self.at).unwrap_or_default());
            match self.peek() {
                Some('"') => {
                    if self.opens_another(&value) {
                        return self.cut_short(start, start + 1, value);
                    }
                    self.at += 1;
                    return Token::String(value);
                }
                Some('\\') => self.escape(&mut value),
                Some('\n' | '\r') | None => return self.cut_short(start, start + 1, value),
                Some(c) => {
                    let span = self.at..self.at + c.len_utf8();
                    self.at = span.end;
                    value.push(c);
                    let code = u32::from(c);
                    self.fault(
                        span,
                        words!(
                            "control character U+{code:04X} in a string",
                            "字符串中有控制字符 U+{code:04X}"
                        ),
                        None,
                    );
                }
            }
        }
    }

    /// Returns whether the quote here begins the next string, because the end of this one is missing: what follows it is
    /// no mark, and what came before it is one.
    fn opens_another(&self, value: &str) -> bool {
        let next = self.text.get(self.at + 1..).and_then(|rest| rest.chars().next());
        let before = value.trim_end().chars().last();
        next.is_some_and(|c| c.is_alphanumeric() || c == '*')
            && before.is_some_and(|c| matches!(c, ',' | ':' | '[' | '{'))
    }

    /// Ends a string that begins at `start`, and its value at `from`, and whose closing quote is missing: before the marks that were not meant to be part of it.
    fn cut_short(&mut self, start: usize, from: usize, value: String) -> Token {
        let kept = value.trim_end_matches(|c: char| {
            c.is_whitespace() || matches!(c, ',' | ':' | '[' | ']' | '{' | '}')
        });
        // Where there were escapes, lengths differ: then the text stays as it is.
        let cut = value.len() - kept.len();
        let written = self.at - from == value.len();
        let kept = if written { kept.to_owned() } else { value };
        if written {
            self.at -= cut;
        }
        let end = self.at;
        self.fault(
            start..end,
            words!("this string is not closed", "字符串没有结束引号"),
            written.then(|| Edit::insert(end, "\"")),
        );
        Token::String(kept)
    }

    fn escape(&mut self, value: &mut String) {
        let start = self.at;
        self.at += 1;
        let Some(c) = self.peek() else { return };
        self.at += c.len_utf8();
        let plain = match c {
            '"' | '\\' | '/' => c,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                if let Some(c) = self.unicode() {
                    value.push(c);
                } else {
                    value.push(char::REPLACEMENT_CHARACTER);
                    self.fault(
                        start..self.at,
                        words!(
                            "this escape stands for no character: four hexadecimal digits, and surrogates in pairs",
                            "该转义不表示任何字符：应为四位十六进制数，代理项须成对出现"
                        ),
                        None,
                    );
                }
                return;
            }
            c => {
                // A line that ends inside an escape ends the string.
                if matches!(c, '\n' | '\r') {
                    self.at -= 1;
                }
                self.fault(
                    start..self.at,
                    words!("JSON has no such escape", "JSON 没有这种转义"),
                    None,
                );
                c
            }
        };
        value.push(plain);
    }

    /// Reads what follows `\u`.
    fn unicode(&mut self) -> Option<char> {
        let high = self.hex()?;
        if !(0xd800..0xdc00).contains(&high) {
            return char::from_u32(high);
        }
        if !self.rest().starts_with("\\u") {
            return None;
        }
        let before = self.at;
        self.at += 2;
        match self.hex() {
            Some(low) if (0xdc00..0xe000).contains(&low) => {
                char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00))
            }
            _ => {
                self.at = before;
                None
            }
        }
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.rest().get(..4)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).ok()
    }

    /// Reads a string in single quotes, or in those of a text processor.
    fn other_quotes(&mut self, open: char) -> Token {
        let start = self.at;
        let is_close = |c: char| match open {
            '\'' => c == '\'',
            _ => matches!(c, '‘' | '’' | '“' | '”' | '"'),
        };
        self.at += open.len_utf8();
        let from = self.at;
        self.take(|c| !is_close(c) && !matches!(c, '"' | '\n' | '\r' | '\\'));
        let value = self.text.get(from..self.at).unwrap_or_default().to_owned();
        let Some(close) = self.peek().filter(|c| is_close(*c)) else {
            return self.cut_short(start, from, value);
        };
        self.at += close.len_utf8();
        let plain = value.bytes().all(|byte| byte >= b' ');
        let fix = plain.then(|| Edit { span: start..self.at, text: format!("\"{value}\"") });
        let message = if open == '\'' {
            words!("strings stand in double quotes", "字符串必须使用双引号")
        } else {
            words!(
                "these are quotes of a text processor: strings stand in straight double quotes",
                "这是文字处理软件的引号：字符串必须使用直双引号"
            )
        };
        self.fault(start..self.at, message, fix);
        Token::String(value)
    }

    fn number(&mut self) -> Token {
        let start = self.at;
        self.take(|c| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E'));
        let text = self.text.get(start..self.at).unwrap_or_default();
        // A word that begins like a number, as `1a`, or an id whose quote is missing.
        if self.peek().is_some_and(is_word) {
            self.at = start;
            return self.word();
        }
        if self.rest().starts_with('"') {
            return self.half_quoted(start);
        }
        if !is_number(text) {
            self.fault(
                start..self.at,
                words!("JSON has no such number", "JSON 没有这种数字写法"),
                None,
            );
        }
        Token::Number
    }

    fn word(&mut self) -> Token {
        let start = self.at;
        // Looked at once: a run of words is one long word to this.
        if start >= self.unquoted {
            self.take(|c| is_word(c) || c.is_ascii_digit() || matches!(c, ':' | '/' | '-' | '.'));
            self.unquoted = self.at;
        }
        if self.unquoted == self.at && self.rest().starts_with('"') {
            let word = self.text.get(start..self.at).unwrap_or_default();
            // `Effect:"Allow"` is a word and a string, `Allow"` a string whose first quote is missing.
            if !word.ends_with(':') {
                return self.half_quoted(start);
            }
        }
        self.at = start;
        self.take(|c| is_word(c) || c.is_ascii_digit() || matches!(c, '-' | '.'));
        Token::Word
    }

    /// Reads the end of a string whose first quote is missing.
    fn half_quoted(&mut self, start: usize) -> Token {
        let value = self.text.get(start..self.at).unwrap_or_default().to_owned();
        self.at += 1;
        self.fault(
            start..self.at,
            words!("this string has no quote before it", "字符串缺少开始引号"),
            Some(Edit::insert(start, "\"")),
        );
        Token::String(value)
    }
}

fn is_word(c: char) -> bool {
    c.is_alphabetic() || matches!(c, '_' | '$' | '*' | '?')
}

/// Returns whether a text is a number of JSON.
fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (text.get(..at).unwrap_or_default(), text.get(at + 1..)),
        None => (text, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|text| digits(text.strip_prefix(['+', '-']).unwrap_or(text)))
}
