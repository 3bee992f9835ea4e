//! # A RAM code is not known and looks like a known one
//! zh: RAM 代码未知，但与已知代码相近
//!
//! ## What it does
//! Finds a RAM code, in an action or in a resource, that no service of the catalogue has and that is close to one of
//! PAI or Simple Log Service. Codes of other cloud services are left alone.
//! zh: 找出操作或资源中与 PAI、日志服务代码相近但并不存在的 RAM 代码；其他云服务的代码不受影响。
//!
//! ## Why it matters
//! Product names and RAM codes differ: Simple Log Service is `log`, not `sls`; EAS is `eas`, not `paieas`. A
//! statement under the wrong code never applies, so its users get a refusal or its Deny protects nothing.
//! zh: 产品名与 RAM 代码不同：日志服务是 `log` 而非 `sls`，EAS 是 `eas`。代码写错的语句永远不生效。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": [
//!         "sls:GetLogStoreLogs"
//!       ],
//!       "Resource": "acs:sls:*:*:project/web/logstore/access"
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
//!         "log:GetLogStoreLogs"
//!       ],
//!       "Resource": "acs:log:*:*:project/web/logstore/access"
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! RAM Docs, Services that work with RAM; PAI Docs, RAM authorization

use crate::ram::{
    document::Text,
    finding::{Findings, words},
    lint::Subject,
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    for action in subject.actions.iter().flatten() {
        if let Some(code) = action.code()
            && let Some(meant) = subject.vocabulary.meant_code(code)
        {
            tell(code, meant, &action.text, out);
        }
    }
    for resource in subject.resources.iter().flatten() {
        let Some(code) = resource.code() else { continue };
        let lower = code.to_ascii_lowercase();
        // The case of letters counts in ARNs.
        let known =
            subject.vocabulary.codes().iter().find(|known| **known == lower && **known != code);
        if let Some(meant) = known.copied().or_else(|| subject.vocabulary.meant_code(&lower)) {
            tell(code, meant, &resource.text, out);
        }
    }
}

fn tell(code: &str, meant: &str, text: &Text<'_>, out: &mut Findings) {
    out.add(
        &text.span,
        words!("`{code}` is not known as a RAM code", "`{code}` 不是已知的 RAM 代码"),
    )
    .help(words!("is `{meant}` meant?", "是否应为 `{meant}`？"));
}
