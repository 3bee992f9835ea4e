//! # An action has no resource of its service in the statement
//! zh: 语句中没有该操作所属服务的资源
//!
//! ## What it does
//! Finds an action of PAI or Simple Log Service in a statement whose resources all name a RAM code, none of them the
//! code of the action.
//! zh: 找出 PAI 或日志服务的操作：所在语句的资源都写明了 RAM 代码，却没有一个与该操作的代码相同。
//!
//! ## Why it matters
//! A request is asked on a resource of its own service, so the action can never match here. `pai:*` on
//! `acs:paidsw:*:*:*` opens no notebook at all: DSW has the code paidsw in action and resource.
//! zh: 请求总是针对自身服务的资源，此操作永远匹配不上：`pai:*` 配 `acs:paidsw:*:*:*` 打不开任何开发机。
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
//!         "paidlc:ListJobs"
//!       ],
//!       "Resource": "acs:paidsw:*:*:workspace/1001/*"
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
//! RAM Docs, Policy elements (Resource); PAI Docs, RAM authorization

use std::collections::HashSet;

use crate::{
    catalog::{Arn, RamAction},
    ram::{
        finding::{Findings, words},
        lint::{ResourceUse, Subject},
    },
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    for (statement, actions, resources) in subject.statements() {
        let codes: Option<HashSet<&str>> = resources.iter().map(ResourceUse::code).collect();
        let (Some(codes), Some(first)) = (codes, resources.first()) else { continue };
        if statement.is_not_action {
            continue;
        }
        for action in actions {
            let Some(code) = action.code().filter(|code| subject.vocabulary.is_listed_code(code))
            else {
                continue;
            };
            // Some actions are asked on resources of another code.
            let mut others =
                action.covered.iter().filter_map(|index| subject.vocabulary.action(*index));
            let elsewhere = |known: &RamAction| {
                known
                    .arns
                    .iter()
                    .filter_map(|arn| Arn::parse(arn))
                    .any(|arn| codes.contains(arn.ram_code))
            };
            if codes.contains(code) || others.any(elsewhere) {
                continue;
            }
            let text = action.text.text;
            out.add(
                &action.text.span,
                words!("`{text}` has no effect on these resources", "`{text}` 对这些资源不起作用"),
            )
            .label(&first.text.span, words!("a resource of another service", "其他服务的资源"))
            .help(words!(
                "write resources `acs:{code}:…`, or `*`; actions of several services need statements of their own",
                "请写 `acs:{code}:…` 形式的资源或 `*`；不同服务的操作应分别写成语句"
            ));
        }
    }
}
