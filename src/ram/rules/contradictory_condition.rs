//! # A Condition can never hold
//! zh: Condition 永远不可能成立
//!
//! ## What it does
//! Finds a Condition whose tests of one key exclude each other: a number below one bound and above a higher one, a
//! date before and after, a string that should equal a value and differ from it.
//! zh: 找出对同一个键的判断互相排斥的 Condition：数值或日期区间为空，字符串既要等于又要不等于某值。
//!
//! ## Why it matters
//! All operators of a Condition must hold together, so the statement never applies. An Allow grants nothing; a Deny,
//! the guard of a maintenance window for instance, guards nothing.
//! zh: 同一 Condition 中各运算符须同时成立，该语句因此永不生效：Allow 不授予，Deny 不拦截。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": [
//!         "paidlc:GetJob"
//!       ],
//!       "Resource": "acs:paidlc:*:*:workspace/1001/dlcjob/*",
//!       "Condition": {
//!         "DateGreaterThan": {
//!           "acs:CurrentTime": "2027-01-01T00:00:00Z"
//!         },
//!         "DateLessThan": {
//!           "acs:CurrentTime": "2026-01-01T00:00:00Z"
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
//!         "paidlc:GetJob"
//!       ],
//!       "Resource": "acs:paidlc:*:*:workspace/1001/dlcjob/*",
//!       "Condition": {
//!         "DateGreaterThan": {
//!           "acs:CurrentTime": "2026-01-01T00:00:00Z"
//!         },
//!         "DateLessThan": {
//!           "acs:CurrentTime": "2027-01-01T00:00:00Z"
//!         }
//!       }
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! RAM Docs, Policy elements (Condition); RAM Docs, Conditional operators

use crate::ram::{
    document::{Clause, Text},
    finding::{Findings, words},
    lint::Subject,
    operator::{Family, Operator, is_number, moment},
    wildcard::matches,
};

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    for (statement, ..) in subject.statements() {
        let mut keys: Vec<&str> = Vec::new();
        for clause in &statement.clauses {
            let key = clause.key.text;
            if keys.contains(&key) {
                continue;
            }
            keys.push(key);
            let of_key: Vec<&Clause<'_>> =
                statement.clauses.iter().filter(|other| other.key.text == key).collect();
            let Some(last) = of_key.last().filter(|_| of_key.len() > 1) else { continue };
            if never_holds(&of_key) {
                out.add(
                    &last.key.span,
                    words!(
                        "no value of `{key}` satisfies this condition",
                        "`{key}` 的任何取值都不满足该条件"
                    ),
                )
                .label(&clause.key.span, words!("together with this", "与此处同时成立"))
                .help(words!(
                    "all operators must hold at once: correct the values, or make two statements",
                    "所有运算符必须同时成立：请修正取值，或拆成两条语句"
                ));
            }
        }
    }
}

/// Returns whether clauses on one key exclude each other.
fn never_holds(clauses: &[&Clause<'_>]) -> bool {
    // Where one names the values, each can be tried.
    let named = clauses.iter().find(|clause| {
        matches!(
            clause.known,
            Some(Operator::StringEquals | Operator::NumericEquals | Operator::DateEquals)
        )
    });
    if let Some(named) = named {
        let possible = |value: &Text<'_>| clauses.iter().all(|clause| may_hold(clause, value.text));
        return !named.values.is_empty() && !named.values.iter().any(possible);
    }
    // Otherwise the bounds are compared: of the values of a clause one is enough.
    let bound = |wanted: fn(Operator) -> bool, pick: fn(f64, f64) -> f64| {
        let of_kind = clauses.iter().filter(|clause| clause.known.is_some_and(wanted));
        of_kind
            .filter_map(|clause| {
                let values = clause.values.iter().filter_map(|value| number(clause, value.text));
                let inclusive = clause.known.is_some_and(is_inclusive);
                values.reduce(pick).map(|value| (value, inclusive))
            })
            .collect::<Vec<_>>()
    };
    let above = bound(
        |it| {
            matches!(
                it,
                Operator::NumericGreaterThan
                    | Operator::NumericGreaterThanEquals
                    | Operator::DateGreaterThan
                    | Operator::DateGreaterThanEquals
            )
        },
        f64::min,
    );
    let below = bound(
        |it| {
            matches!(
                it,
                Operator::NumericLessThan
                    | Operator::NumericLessThanEquals
                    | Operator::DateLessThan
                    | Operator::DateLessThanEquals
            )
        },
        f64::max,
    );
    above.iter().any(|(low, low_in)| {
        below.iter().any(|(high, high_in)| low > high || (low >= high && !(*low_in && *high_in)))
    })
}

const fn is_inclusive(operator: Operator) -> bool {
    matches!(
        operator,
        Operator::NumericGreaterThanEquals
            | Operator::NumericLessThanEquals
            | Operator::DateGreaterThanEquals
            | Operator::DateLessThanEquals
    )
}

/// Returns a number or a moment as a number that can be compared.
fn number(clause: &Clause<'_>, text: &str) -> Option<f64> {
    match clause.known?.family() {
        Family::Number if is_number(text) => text.parse().ok(),
        #[expect(
            clippy::cast_precision_loss,
            reason = "a millisecond in 2^53 is compared exactly enough"
        )]
        Family::Date => moment(text).map(|millis| millis as f64),
        _ => None,
    }
}

/// Returns whether a clause can hold for a value; `true` where that is not known.
fn may_hold(clause: &Clause<'_>, value: &str) -> bool {
    let Some(operator) = clause.known else { return true };
    let any = |is: &dyn Fn(&str) -> bool| clause.values.iter().any(|it| is(it.text));
    let compare = |holds: fn(f64, f64) -> bool| {
        number(clause, value)
            .is_none_or(|own| any(&|it| number(clause, it).is_none_or(|it| holds(own, it))))
    };
    match operator {
        Operator::StringEquals => any(&|it| it == value),
        Operator::StringNotEquals => !any(&|it| it == value),
        Operator::StringEqualsIgnoreCase => any(&|it| it.eq_ignore_ascii_case(value)),
        Operator::StringNotEqualsIgnoreCase => !any(&|it| it.eq_ignore_ascii_case(value)),
        Operator::StringLike => any(&|it| matches(it, value)),
        Operator::StringNotLike => !any(&|it| matches(it, value)),
        Operator::NumericEquals | Operator::DateEquals => {
            compare(|own, it| own.total_cmp(&it).is_eq())
        }
        Operator::NumericNotEquals | Operator::DateNotEquals => {
            number(clause, value).is_none_or(|own| !any(&|it| number(clause, it) == Some(own)))
        }
        Operator::NumericLessThan | Operator::DateLessThan => compare(|own, it| own < it),
        Operator::NumericLessThanEquals | Operator::DateLessThanEquals => {
            compare(|own, it| own <= it)
        }
        Operator::NumericGreaterThan | Operator::DateGreaterThan => compare(|own, it| own > it),
        Operator::NumericGreaterThanEquals | Operator::DateGreaterThanEquals => {
            compare(|own, it| own >= it)
        }
        Operator::Bool | Operator::IpAddress | Operator::NotIpAddress => true,
    }
}
