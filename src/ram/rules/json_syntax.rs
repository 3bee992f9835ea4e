//! # The text is not valid JSON
//! zh: 文本不是合法的 JSON
//!
//! ## What it does
//! Reads the text by RFC 8259 and reports each place where it is not JSON: a missing or extra comma, an open string
//! or bracket, single quotes, a comment, a bare word, a bad escape, a byte order mark, or text after the end.
//! zh: 按 RFC 8259 解析文本，报告每处语法错误：逗号、引号、括号、注释、转义、字节序标记或多余文本。
//!
//! ## Why it matters
//! RAM checks the JSON when a policy is created or updated and refuses a broken text. A rollout that carries it
//! stops half way, and the people who wait for the grant have no access.
//! zh: RAM 在创建或更新策略时检查 JSON，文本有误就会拒绝。发布因此中断，等待授权的人得不到权限。
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
//!         "paidlc:ListJobs",
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

use crate::ram::{finding::Findings, lint::Subject};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    for fault in subject.faults {
        out.add(&fault.span, fault.message.clone()).fix_if(fault.fix.clone());
    }
}
