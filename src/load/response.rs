//! Reads answers of HTTP/1.1 that announce their length, and counts the decisions in them.

use memchr::memmem;

/// Longest head, in bytes.
const HEAD_BYTES: usize = 64 * 1024;
/// Longest body, in bytes.
const BODY_BYTES: usize = 64 * 1024 * 1024;
/// What a server of TLS begins to answer what is none (RFC 8446, 5.1: a record with an alert).
const TLS_ALERT: &[u8] = &[21, 3];

/// What is wrong with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
    #[error("the answer is not HTTP/1.1")]
    NotHttp,
    #[error("the server speaks TLS: try `https://`")]
    Tls,
    #[error("the answer has no `Content-Length`: only answers of announced length are read")]
    NoLength,
    #[error("the answer has a `Content-Length` that is no number, or two that differ")]
    Length,
    #[error("the answer comes in chunks: only answers with `Content-Length` are read")]
    Chunked,
    #[error("the answer is too long: at most {HEAD_BYTES} bytes of head and {BODY_BYTES} of body")]
    TooLong,
}

/// The head of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    /// Where the body begins: bytes of head, with the empty line.
    pub(super) body: usize,
    /// Bytes of head and body.
    pub(super) whole: usize,
    /// Whether it is the last of its connection.
    pub(super) closes: bool,
}

/// Returns the head that `bytes` begin with; `None` while it is not there as a whole.
pub(super) fn head(bytes: &[u8]) -> Result<Option<Head>, Malformed> {
    if bytes.starts_with(TLS_ALERT) {
        return Err(Malformed::Tls);
    }
    let Some(end) = memmem::find(bytes, b"\r\n\r\n") else {
        // A server that speaks something else is told by its first bytes, not waited for.
        let start = b"HTTP/1.";
        let seen = bytes.len().min(start.len());
        return match (bytes.get(..seen), bytes.len() > HEAD_BYTES) {
            (_, true) => Err(Malformed::TooLong),
            (seen_bytes, _) if seen_bytes == start.get(..seen) => Ok(None),
            _ => Err(Malformed::NotHttp),
        };
    };
    if end > HEAD_BYTES {
        return Err(Malformed::TooLong);
    }
    let text = bytes.get(..end).unwrap_or_default();
    let mut lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
    let (minor, status) = lines.next().and_then(status_line).ok_or(Malformed::NotHttp)?;
    let (mut length, mut closes) = (None, minor == b'0');
    for line in lines {
        let Some(colon) = memchr::memchr(b':', line) else { return Err(Malformed::NotHttp) };
        let (name, value) = line.split_at(colon);
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        if name.eq_ignore_ascii_case(b"content-length") {
            let stated = number(value).ok_or(Malformed::Length)?;
            if length.is_some_and(|length| length != stated) {
                return Err(Malformed::Length);
            }
            length = Some(stated);
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            return Err(Malformed::Chunked);
        } else if name.eq_ignore_ascii_case(b"connection") {
            closes = closes && !value.eq_ignore_ascii_case(b"keep-alive")
                || value.eq_ignore_ascii_case(b"close");
        }
    }
    let length = match (length, status) {
        (_, 204 | 304) => 0,
        (Some(length), _) => length,
        (None, _) => return Err(Malformed::NoLength),
    };
    if length > BODY_BYTES {
        return Err(Malformed::TooLong);
    }
    Ok(Some(Head { status, body: end + 4, whole: end + 4 + length, closes }))
}

/// Returns minor version and status. Answers before the answer (1xx) were not asked for.
fn status_line(line: &[u8]) -> Option<(u8, u16)> {
    let rest = line.strip_prefix(b"HTTP/1.")?;
    let (&minor, rest) = rest.split_first()?;
    let status = rest.strip_prefix(b" ")?;
    let status = number(status.get(..3)?)?;
    let ends = rest.get(4).is_none_or(|byte| *byte == b' ');
    let known = matches!(minor, b'0' | b'1') && (200..600).contains(&status) && ends;
    known.then_some((minor, u16::try_from(status).ok()?))
}

fn number(text: &[u8]) -> Option<usize> {
    if text.is_empty() || text.len() > 15 || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(text.iter().fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0')))
}

/// How many decisions of which kind there were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Decisions {
    /// `Allow`.
    pub allow: u64,
    /// `Deny` for a reason of its own.
    pub deny: u64,
    /// `Deny` because the question could not be answered.
    pub error: u64,
}

/// Finds decisions in answers, by their text.
#[derive(Debug)]
pub(super) struct Finder(memmem::Finder<'static>);

impl Finder {
    pub(super) fn new() -> Self {
        Self(memmem::Finder::new(r#""decision":""#))
    }

    /// Adds the decisions of a body.
    pub(super) fn count(&self, body: &[u8], decisions: &mut Decisions) {
        for at in self.0.find_iter(body) {
            let rest = body.get(at + self.0.needle().len()..).unwrap_or_default();
            if rest.starts_with(br#"Allow""#) {
                decisions.allow += 1;
            } else if rest.starts_with(br#"Deny","reason":"error""#) {
                decisions.error += 1;
            } else if rest.starts_with(br#"Deny""#) {
                decisions.deny += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_when_it_is_whole_and_never_before() {
        let text = b"HTTP/1.1 200 OK\r\ncontent-LENGTH: 5\r\nx: y\r\n\r\nhello";
        for end in 0..45 {
            assert_eq!(head(&text[..end.min(43)]), Ok(None), "{end}");
        }
        let whole = Head { status: 200, body: 44, whole: 49, closes: false };
        assert_eq!(head(text), Ok(Some(whole)));
        assert_eq!(head(&text[..44]), Ok(Some(whole)));
    }

    #[test]
    fn the_last_answer_of_a_connection_says_so() {
        let closes = |line: &str, header: &str| {
            let text = format!("{line}\r\nContent-Length: 0\r\n{header}\r\n");
            head(text.as_bytes()).unwrap().unwrap().closes
        };
        assert!(!closes("HTTP/1.1 200 OK", ""));
        assert!(closes("HTTP/1.1 200 OK", "Connection: close\r\n"));
        assert!(closes("HTTP/1.1 200 OK", "connection: Close\r\n"));
        assert!(!closes("HTTP/1.1 200 OK", "Connection: keep-alive\r\n"));
        assert!(closes("HTTP/1.0 200 OK", ""));
        assert!(!closes("HTTP/1.0 200 OK", "Connection: keep-alive\r\n"));
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let is = |text: &str, why| assert_eq!(head(text.as_bytes()), Err(why), "{text:?}");
        is("SSH-2.0-x", Malformed::NotHttp);
        is("\u{15}\u{3}\u{3}", Malformed::Tls);
        is("garbage\r\n\r\n", Malformed::NotHttp);
        is("HTTP/2 200 OK\r\nContent-Length: 1\r\n\r\n", Malformed::NotHttp);
        is("HTTP/1.1 2000 OK\r\nContent-Length: 1\r\n\r\n", Malformed::NotHttp);
        is("HTTP/1.1 100 Continue\r\n\r\n", Malformed::NotHttp);
        is("HTTP/1.1 200 OK\r\nno colon\r\n\r\n", Malformed::NotHttp);
        is("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Malformed::Chunked);
        is("HTTP/1.1 200 OK\r\n\r\n", Malformed::NoLength);
        is("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", Malformed::Length);
        is("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", Malformed::Length);
        is("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", Malformed::TooLong);
        is(&format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(HEAD_BYTES)), Malformed::TooLong);
    }

    #[test]
    fn an_answer_without_content_has_none() {
        let empty = head(b"HTTP/1.1 204\r\n\r\n").unwrap().unwrap();
        assert_eq!((empty.status, empty.body, empty.whole), (204, 16, 16));
    }

    #[test]
    fn decisions_are_counted_wherever_they_stand() {
        let mut decisions = Decisions::default();
        let body = r#"{"results":[{"decision":"Allow","reason":"explicit_allow"},{"decision":"Deny","reason":"error"},
            {"decision":"Deny","reason":"implicit_deny"},{"decision":"Allowed"},{"decision":"Allow"}]}"#;
        Finder::new().count(body.as_bytes(), &mut decisions);
        assert_eq!(decisions, Decisions { allow: 2, deny: 1, error: 1 });
    }
}
