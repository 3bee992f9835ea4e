//! # The region of a resource is not a region id
//! zh: 资源的地域不是地域 ID
//!
//! ## What it does
//! Reports a resource whose third part is not a region id (small letters, digits and hyphens), a pattern with
//! wildcards, or empty.
//! zh: 报告第三段不是地域 ID（小写字母、数字、连字符）、通配模式或空的资源。
//!
//! ## Why it matters
//! No request comes from a region of that name, so the statement never matches: the grant fails, and a Deny lets
//! the request pass.
//! zh: 没有请求来自这样的地域，语句永远不匹配：授权落空，Deny 也会放行请求。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": "paidlc:StopJob",
//!       "Resource": "acs:paidlc:CN_Hangzhou:*:workspace/1001/dlcjob/*"
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
//!       "Action": "paidlc:StopJob",
//!       "Resource": "acs:paidlc:cn-hangzhou:*:workspace/1001/dlcjob/*"
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! RAM Docs, Policy elements, Resource

use super::shared::parts;
use crate::ram::{
    finding::{Findings, words},
    lint::Subject,
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    for (resource, region) in parts(subject, 2) {
        let is_letter =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '*' | '?');
        if !region.chars().all(is_letter) && !region.contains("${") {
            out.add(&resource.text.span, words!("`{region}` is not a region", "`{region}` 不是地域"))
                .help(words!(
                    "write a region id as `cn-hangzhou`, `*` for every region, or nothing for services without regions",
                    "请写地域 ID，例如 `cn-hangzhou`；`*` 表示所有地域；无地域的服务留空"
                ));
        }
    }
}
