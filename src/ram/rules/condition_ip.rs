//! # A value of an IP operator is not an address
//! zh: IP 运算符的值不是地址
//!
//! ## What it does
//! Reports a value below IpAddress or NotIpAddress that is neither an IPv4 or IPv6 address nor a CIDR block.
//! Wildcards do not work in addresses.
//! zh: 报告 IpAddress 或 NotIpAddress 下既不是 IP 地址也不是 CIDR 网段的值。地址中不能用通配符。
//!
//! ## Why it matters
//! The value matches no caller. An Allow below IpAddress shuts out the office it was written for, and a Deny below
//! it lets the blocked network in.
//! zh: 这样的值匹配不到任何来源：IpAddress 的 Allow 会挡住本该放行的办公网，Deny 则会放进要拦的网络。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": "log:GetLogStoreLogs",
//!       "Resource": "acs:log:cn-hangzhou:*:project/train-logs/logstore/*",
//!       "Condition": {
//!         "IpAddress": {
//!           "acs:SourceIp": [
//!             "10.0.0.0/33"
//!           ]
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
//!       "Action": "log:GetLogStoreLogs",
//!       "Resource": "acs:log:cn-hangzhou:*:project/train-logs/logstore/*",
//!       "Condition": {
//!         "IpAddress": {
//!           "acs:SourceIp": [
//!             "10.0.0.0/23"
//!           ]
//!         }
//!       }
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! RAM Docs, Conditional operators, IP address

use super::shared::values_of;
use crate::ram::{
    finding::{Findings, words},
    lint::Subject,
    operator::{Family, ip_block},
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    for value in values_of(subject, Family::Ip) {
        let text = value.text;
        if ip_block(text).is_none() {
            out.add(
                &value.span,
                words!(
                    "`{text}` is neither an address nor a block of addresses",
                    "`{text}` 既不是 IP 地址也不是地址段"
                ),
            )
            .help(words!(
                "write an address as `203.0.113.7`, or a block as `203.0.113.0/24`",
                "请写 IP 地址，例如 `203.0.113.7`，或地址段，例如 `203.0.113.0/24`"
            ));
        }
    }
}
