//! # The document is too long
//! zh: 文档过长
//!
//! ## What it does
//! Reports an identity policy of more than 6,144 characters and a trust policy of more than 2,048. Characters are
//! counted as they are written, with blanks and line ends.
//! zh: 报告超过 6,144 个字符的身份策略和超过 2,048 个字符的信任策略。按原文计数，含空格和换行。
//!
//! ## Why it matters
//! RAM refuses it with InvalidParameter.PolicyDocument.Length. A policy that grows with each project works for
//! months and fails on the day of the next one.
//! zh: RAM 以 InvalidParameter.PolicyDocument.Length 拒绝。随项目增长的策略会在某一天突然更新失败。
//!
//! ## Example
//! ```json trust
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": "sts:AssumeRole",
//!       "Principal": {
//!         "RAM": [
//!           "acs:ram::1234567890123456:role/pai-training-role-of-the-recommendation-team-number-01",
//!           "acs:ram::1234567890123456:role/pai-training-role-of-the-recommendation-team-number-02",
//!           "acs:ram::1234567890123456:role/pai-training-role-of-the-recommendation-team-number-03",
//!           "acs:ram::1234567890123456:role/pai-training-role-of-the-recommendation-team-number-04",
//!           "acs:ram::1234567890123456:role/pai-training-role-of-the-recommendation-team-number-05",
//!           "acs:ram::1234567890123456:role/pai-training-role-of-the-recommendation-team-number-06",
//!           "acs:ram::1234567890123456:role/pai-training-role-of-the-recommendation-team-number-07",
//!           "acs:ram::1234567890123456:role/pai-training-role-of-the-recommendation-team-number-08",
//!           "acs:ram::1234567890123456:role/pai-training-role-of-the-recommendation-team-number-09",
//!           "acs:ram::1234567890123456:role/pai-training-role-of-the-recommendation-team-number-10",
//!           "acs:ram::1234567890123456:role/pai-training-role-of-the-recommendation-team-number-11",
//!           "acs:ram::1234567890123456:role/pai-training-role-of-the-recommendation-team-number-12",
//!           "acs:ram::1234567890123456:role/pai-training-role-of-the-recommendation-team-number-13",
//!           "acs:ram::1234567890123456:role/pai-training-role-of-the-recommendation-team-number-14",
//!           "acs:ram::1234567890123456:role/pai-training-role-of-the-recommendation-team-number-15",
//!           "acs:ram::1234567890123456:role/pai-training-role-of-the-recommendation-team-number-16",
//!           "acs:ram::1234567890123456:role/pai-training-role-of-the-recommendation-team-number-17",
//!           "acs:ram::1234567890123456:role/pai-training-role-of-the-recommendation-team-number-18",
//!           "acs:ram::1234567890123456:role/pai-training-role-of-the-recommendation-team-number-19",
//!           "acs:ram::1234567890123456:role/pai-training-role-of-the-recommendation-team-number-20",
//!           "acs:ram::1234567890123456:role/pai-training-role-of-the-recommendation-team-number-21",
//!           "acs:ram::1234567890123456:role/pai-training-role-of-the-recommendation-team-number-22",
//!           "acs:ram::1234567890123456:role/pai-training-role-of-the-recommendation-team-number-23",
//!           "acs:ram::1234567890123456:role/pai-training-role-of-the-recommendation-team-number-24"
//!         ]
//!       }
//!     }
//!   ]
//! }
//! ```
//!
//! ## Use instead
//! ```json trust
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": "sts:AssumeRole",
//!       "Principal": {
//!         "RAM": [
//!           "acs:ram::1234567890123456:role/pai-training"
//!         ]
//!       }
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! RAM Docs, Limits; RAM Docs, RAM API error messages

use crate::ram::{
    document::Kind,
    finding::{Findings, words},
    json::Span,
    lint::Subject,
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    let (text, kind) = (subject.document.text.trim_end(), subject.document.kind);
    // A character has a byte at least: most documents need not be counted.
    if text.len() <= kind.longest() {
        return;
    }
    if let Some((at, c)) = text.char_indices().nth(kind.longest()) {
        tell(&(at..at + c.len_utf8()), text.chars().count(), kind, out);
    }
}

/// Tells it, also of a text that was not read.
pub(super) fn tell(span: &Span, characters: usize, kind: Kind, out: &mut Findings) {
    let most = kind.longest();
    out.add(
        span,
        words!(
            "the document has {characters} characters, and may have {most}",
            "文档有 {characters} 个字符，最多允许 {most} 个"
        ),
    )
    .help(words!(
        "leave out white space, join statements, or make several policies",
        "删去空白、合并语句，或拆分为多条策略"
    ));
}
