//! # The account of a resource is not an account id
//! zh: 资源的账号不是账号 ID
//!
//! ## What it does
//! Reports a resource whose fourth part is neither digits, with wildcards or without, nor * nor empty. Names and
//! aliases of accounts do not stand there.
//! zh: 报告第四段不是数字（可带通配符）、* 或空的资源。账号名称和别名不能写在这里。
//!
//! ## Why it matters
//! RAM compares this part with the numeric id of the owner. With an alias it matches no resource: the user is
//! denied, or a Deny that should guard the service does nothing.
//! zh: RAM 用这一段与所有者的数字 ID 比较。写别名匹配不到任何资源：用户被拒绝，或者 Deny 不起作用。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": "eas:DescribeService",
//!       "Resource": "acs:eas:cn-shanghai:my-account:service/*"
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
//!       "Action": "eas:DescribeService",
//!       "Resource": "acs:eas:cn-shanghai:1234567890123456:service/*"
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
    for (resource, account) in parts(subject, 3) {
        let is_digit = |c: char| c.is_ascii_digit() || matches!(c, '*' | '?');
        if !account.chars().all(is_digit) && !account.contains("${") {
            out.add(
                &resource.text.span,
                words!("`{account}` is not an account", "`{account}` 不是账号"),
            )
            .help(words!(
                "write the id of an account in digits, `*` for any, or nothing",
                "请写账号的数字 ID；`*` 表示任意账号；也可留空"
            ));
        }
    }
}
