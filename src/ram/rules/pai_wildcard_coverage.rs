//! # pai:* does not cover the other RAM codes of PAI
//! zh: pai:* 不覆盖 PAI 的其他 RAM 代码
//!
//! ## What it does
//! Finds `pai:*` in a document whose statements of the same Effect do not list every other RAM code of PAI as
//! `<code>:*`, and names the codes that stay uncovered.
//! zh: 找出写了 `pai:*`、但同一 Effect 的语句没有逐一列出 PAI 其他代码的文档，并列出未覆盖的代码。
//!
//! ## Why it matters
//! The code `pai` holds quotas and account-wide settings only. A Deny of `pai:*` meant to lock PAI leaves jobs,
//! notebooks and services open; an Allow of it starts no job.
//! zh: 代码 `pai` 只含配额与账号级设置：Deny `pai:*` 锁不住任务、开发机与服务，Allow 它也无法提交任务。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": [
//!         "log:Get*"
//!       ],
//!       "Resource": "acs:log:*:*:*"
//!     },
//!     {
//!       "Effect": "Deny",
//!       "Action": [
//!         "pai:*"
//!       ],
//!       "Resource": "*"
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
//!         "log:Get*"
//!       ],
//!       "Resource": "acs:log:*:*:*"
//!     },
//!     {
//!       "Effect": "Deny",
//!       "Action": [
//!         "pai:*",
//!         "paiworkspace:*",
//!         "paidlc:*",
//!         "paidsw:*",
//!         "eas:*",
//!         "paidataset:*",
//!         "paimodel:*",
//!         "paiimage:*",
//!         "paicodesource:*",
//!         "paiexperiment:*",
//!         "paiservicetemplate:*",
//!         "paiconnection:*",
//!         "paiflow:*",
//!         "paidesigner:*",
//!         "paitraining:*",
//!         "paitrainingservice:*",
//!         "paiartlab:*",
//!         "paicomponentmanagement:*",
//!         "paiautoml:*",
//!         "paillmtrace:*",
//!         "pailangstudio:*",
//!         "paiitag:*",
//!         "paiplugin:*",
//!         "featurestore:*",
//!         "paiabtest:*",
//!         "pairec:*",
//!         "datasetacc:*",
//!         "modelservice:*",
//!         "agenticpai:*"
//!       ],
//!       "Resource": "*"
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! PAI Docs, RAM authorization; PAI Docs, System policies

use crate::ram::{
    finding::{Findings, words},
    lint::{ActionUse, Subject},
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    for (statement, actions, _) in subject.statements() {
        let Some(action) = actions.iter().find(|action| &*action.lower == "pai:*") else {
            continue;
        };
        let same = subject.statements().filter(|(it, ..)| it.effect == statement.effect);
        let listed: Vec<&ActionUse<'_>> = same.flat_map(|(_, actions, _)| actions).collect();
        let is_left_out = |code: &&&str| {
            let all = format!("{code}:*");
            !matches!(**code, "pai" | "ram" | "log")
                && !listed.iter().any(|action| subject.includes(&action.lower, &all))
        };
        let left_out: Vec<&str> =
            subject.vocabulary.codes().iter().filter(is_left_out).copied().collect();
        if left_out.is_empty() || statement.is_not_action {
            continue;
        }
        let list = left_out.iter().map(|code| format!("{code}:*")).collect::<Vec<_>>().join("`, `");
        out.add(
            &action.text.span,
            words!(
                "`pai:*` is quotas and resource groups, not all of PAI",
                "`pai:*` 只包含配额和资源组等操作，并非 PAI 的全部"
            ),
        )
        .help(words!("it does not cover `{list}`", "它不包含 `{list}`"));
        // Once is enough for a document.
        return;
    }
}
