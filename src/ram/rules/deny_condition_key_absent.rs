//! # A Deny depends on a condition key that a request may lack
//! zh: Deny 依赖请求中可能不存在的条件键
//!
//! ## What it does
//! Finds a Deny whose Condition tests, with a positive operator, a key that not every request carries, such as
//! acs:MFAPresent, acs:SourceVpc or a tag. A request without the key does not meet the condition.
//! zh: 找出用肯定型运算符判断可能缺失的键（如 acs:MFAPresent、acs:SourceVpc、标签）的 Deny 语句。
//!
//! ## Why it matters
//! The Deny is skipped exactly where it was wanted: calls signed with a permanent AccessKey carry no
//! acs:MFAPresent, so a Deny on "false" lets them pass. Put the requirement on the Allow instead.
//! zh: 没有该键的请求不受此 Deny 约束：用 AccessKey 的调用不带 acs:MFAPresent，照样通过。应把要求写进 Allow。
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
//!       "Resource": "acs:paidlc:*:*:workspace/1001/dlcjob/*"
//!     },
//!     {
//!       "Effect": "Deny",
//!       "Action": [
//!         "paidlc:StopJob"
//!       ],
//!       "Resource": "acs:paidlc:*:*:workspace/1001/dlcjob/*",
//!       "Condition": {
//!         "Bool": {
//!           "acs:MFAPresent": "false"
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
//!       "Action": [
//!         "paidlc:GetJob",
//!         "paidlc:ListJobs"
//!       ],
//!       "Resource": "acs:paidlc:*:*:workspace/1001/dlcjob/*"
//!     },
//!     {
//!       "Effect": "Allow",
//!       "Action": [
//!         "paidlc:StopJob"
//!       ],
//!       "Resource": "acs:paidlc:*:*:workspace/1001/dlcjob/*",
//!       "Condition": {
//!         "Bool": {
//!           "acs:MFAPresent": "true"
//!         }
//!       }
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! RAM Docs, Policy elements (Condition); RAM Docs, Conditional operators

use crate::{
    catalog::catalog,
    ram::{
        document::{Effect, Statement},
        finding::{Findings, words},
        lint::{ActionUse, Subject},
        wildcard::matches,
    },
};

/// The keys that every request has.
const ALWAYS_THERE: [&str; 4] =
    ["acs:currenttime", "acs:sourceip", "acs:securetransport", "acs:principalarn"];

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    for (statement, actions, resources) in subject.statements() {
        if statement.effect != Some(Effect::Deny) {
            continue;
        }
        for clause in &statement.clauses {
            let key = clause.key.text;
            let holds_only_with_key = clause.known.is_some_and(|operator| !operator.is_negated());
            if !holds_only_with_key || ALWAYS_THERE.contains(&key.to_ascii_lowercase().as_str()) {
                continue;
            }
            let resource = resources.first().map_or("*", |resource| resource.text.text);
            let Some(action) = slips_through(subject, statement, actions) else { continue };
            out.add(
                &clause.key.span,
                words!(
                    "requests without `{key}` are not denied",
                    "不带 `{key}` 的请求不会被拒绝"
                ),
            )
            .help(words!(
                "this one slips through: action `{action}`, resource `{resource}`, context without `{key}`; where it must not, grant with the \
                 condition turned round instead of denying with it",
                "以下请求会漏过：操作 `{action}`，资源 `{resource}`，上下文不含 `{key}`；若不应放行，请在 Allow 中使用相反的条件，而不是用它拒绝"
            ));
        }
    }
}

/// Returns an action that the statement is about, by its name where it has one.
fn slips_through<'d>(
    subject: &Subject<'d>,
    statement: &Statement<'_>,
    actions: &[ActionUse<'d>],
) -> Option<&'d str> {
    if statement.is_not_action {
        let is_listed =
            |name: &&str| actions.iter().any(|it| matches(&it.lower, &name.to_ascii_lowercase()));
        let mut known = catalog().ram_actions().iter().map(|known| known.action);
        return known.find(|name| !is_listed(name));
    }
    let action = actions.first()?;
    let known = action.covered.first().and_then(|index| subject.vocabulary.action(*index));
    Some(known.map_or(action.text.text, |known| known.action))
}
