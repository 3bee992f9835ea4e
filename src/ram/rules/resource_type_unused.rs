//! # A resource has a type that no action of the statement is asked on
//! zh: 资源类型与语句中的任何操作都不对应
//!
//! ## What it does
//! Finds a resource of PAI or Simple Log Service whose type, such as `logstore` or `dswinstance`, occurs in the ARNs
//! of none of the statement's actions of that service.
//! zh: 找出类型（如 `logstore`、`dswinstance`）不出现在本语句该服务任何操作的 ARN 中的资源。
//!
//! ## Why it matters
//! The pair of action and resource never meets a request. log:GetProject is asked on the project; granted on a
//! Logstore only, it is refused, and the console shows no project.
//! zh: 操作与资源永远对不上请求：log:GetProject 针对 Project 鉴权，只写 Logstore 时调用会被拒绝。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": [
//!         "log:GetProject"
//!       ],
//!       "Resource": "acs:log:*:*:project/web/logstore/access"
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
//!         "log:GetProject"
//!       ],
//!       "Resource": "acs:log:*:*:project/web"
//!     },
//!     {
//!       "Effect": "Allow",
//!       "Action": [
//!         "log:GetLogStore"
//!       ],
//!       "Resource": "acs:log:*:*:project/web/logstore/access"
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! Simple Log Service Docs, Authorization rules; PAI Docs, RAM authorization

use std::collections::BTreeSet;

use super::shared::sls_types;
use crate::catalog::as_pattern;
use crate::{
    catalog::Arn,
    ram::{
        finding::{Findings, words},
        lint::Subject,
        vocabulary::ActionIndex,
        wildcard::{is_pattern, matches},
    },
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    for (statement, actions, resources) in subject.statements() {
        // An action of any code can be meant for any resource.
        if statement.is_not_action || actions.iter().any(|action| action.code().is_none()) {
            continue;
        }
        for resource in resources {
            let (Some(code), Some(id)) = (resource.code(), resource.relative_id()) else {
                continue;
            };
            if !subject.vocabulary.is_listed_code(code) || !has_type(subject, code, id) {
                continue;
            }
            let mut forms: Vec<&str> = Vec::new();
            let of_code = actions.iter().filter(|action| action.code() == Some(code));
            let covered: BTreeSet<ActionIndex> =
                of_code.flat_map(|action| action.covered.iter().copied()).collect();
            for known in covered.iter().filter_map(|index| subject.vocabulary.action(*index)) {
                for arn in &known.arns {
                    forms.push(Arn::parse(arn).map_or(*arn, |arn| arn.relative_id));
                }
            }
            // Unknown actions, mismatched codes and lists of projects have rules of their own.
            if forms.is_empty() || forms == ["project/*"] || forms.iter().any(|form| fits(id, form))
            {
                continue;
            }
            forms.sort_unstable();
            forms.dedup();
            let some =
                forms.iter().take(3).map(|form| as_pattern(form)).collect::<Vec<_>>().join("`, `");
            let text = resource.text.text;
            out.add(
                &resource.text.span,
                words!("no listed action is asked on `{text}`", "所列操作都不作用于 `{text}`"),
            )
            .help(words!("they are asked on `{some}`", "它们作用于 `{some}`"));
        }
    }
}

/// Returns whether a relative id begins with a type, as far as another rule does not tell about it.
fn has_type(subject: &Subject<'_>, code: &str, id: &str) -> bool {
    let first = id.split('/').next().unwrap_or_default();
    !first.is_empty()
        && !is_pattern(first)
        && (code != "log" || sls_types(subject.vocabulary).contains(first))
}

/// Returns whether a relative id, which may have wildcards, can be one of a form as `project/{#ProjectName}/logstore/*`.
fn fits(id: &str, form: &str) -> bool {
    let (mut ids, mut forms) = (id.split('/').peekable(), form.split('/').peekable());
    loop {
        match (ids.next(), forms.next()) {
            (None, None) => return true,
            (Some("*"), Some(_)) if ids.peek().is_none() => return true,
            (_, Some("*")) if forms.peek().is_none() => return true,
            (Some(part), Some(wanted)) => {
                let is_open = wanted.starts_with('{') || wanted == "*";
                if !is_open && !matches(part, wanted) {
                    return false;
                }
                // `*` within a part can stand for further ones.
                if part.contains('*') && ids.peek().is_none() {
                    return true;
                }
            }
            _ => return false,
        }
    }
}
