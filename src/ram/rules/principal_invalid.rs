//! # A Principal is malformed
//! zh: Principal 格式有误
//!
//! ## What it does
//! Reports a Principal of a trust policy that is not an object, has a key other than RAM, Service and Federated, or
//! has a value that is not of the form of its key: a root, user or role of RAM or *, a service name that ends in
//! .aliyuncs.com, an identity provider.
//! zh: 报告不是对象、键不是 RAM、Service 或 Federated，或值不符合相应形式的 Principal。
//!
//! ## Why it matters
//! RAM cannot resolve whom the role trusts. Nobody can assume it, and a job or service that runs under the role
//! stops at its first call.
//! zh: RAM 无法确定角色信任谁，没有人能扮演它。以该角色运行的任务或服务在第一次调用时就会失败。
//!
//! ## Example
//! ```json trust
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": "sts:AssumeRole",
//!       "Principal": {
//!         "Service": [
//!           "pai"
//!         ]
//!       }
//!     }
//!   ]
//! }
//! ```
//!
//! ## Use instead
//! ```json trust
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": "sts:AssumeRole",
//!       "Principal": {
//!         "Service": [
//!           "pai.aliyuncs.com"
//!         ]
//!       }
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! RAM Docs, Policy elements, Principal

use crate::ram::{
    document::{Kind, one_or_many},
    finding::{Findings, Words, words},
    json::{Member, Value},
    lint::Subject,
    vocabulary::nearest_of,
};

const KINDS: [&str; 3] = ["RAM", "Service", "Federated"];

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    if subject.document.kind != Kind::Trust {
        return;
    }
    for (statement, ..) in subject.statements() {
        let Some(principal) = statement.element("Principal") else { continue };
        match &principal.value.value {
            Value::Object(kinds) => kinds.iter().for_each(|kind| look_at(kind, out)),
            Value::Unreadable => {}
            other => {
                let Words { en, zh } = other.kind();
                out.add(
                    &principal.value.span,
                    words!(
                        "`Principal` is {en}, and must be an object",
                        "`Principal` 是{zh}，必须是对象"
                    ),
                )
                .help(words!("write `{{\"RAM\": […]}}`", "请写 `{{\"RAM\": […]}}`"));
            }
        }
    }
}

fn look_at(kind: &Member, out: &mut Findings) {
    let name = kind.name.as_str();
    if !KINDS.contains(&name) {
        let near = nearest_of(name, KINDS.into_iter());
        out.add(
            &kind.name_span,
            words!("there is no kind of principal `{name}`", "没有主体类型 `{name}`"),
        )
        .help(match near {
            Some(near) => words!("is `{near}` meant?", "是否应为 `{near}`？"),
            None => words!(
                "write `RAM`, `Service` or `Federated`",
                "请写 `RAM`、`Service` 或 `Federated`"
            ),
        });
        return;
    }
    for node in one_or_many(&kind.value) {
        let form = match &node.value {
            Value::Unreadable => continue,
            Value::String(text) => (!is_principal(name, text)).then_some(text.as_str()),
            _ => Some(""),
        };
        let Some(text) = form else { continue };
        let wanted = match name {
            "RAM" => "acs:ram::<account>:root",
            "Service" => "<service>.aliyuncs.com",
            _ => "acs:ram::<account>:saml-provider/<name>",
        };
        out.add(
            &node.span,
            words!(
                "`{text}` is not a principal of kind `{name}`",
                "`{text}` 不是 `{name}` 类型的主体"
            ),
        )
        .help(words!("write it as `{wanted}`", "格式为 `{wanted}`"));
    }
}

fn is_principal(kind: &str, text: &str) -> bool {
    if kind == "Service" {
        // A service that acts for another account is `<account>@<service>.aliyuncs.com`.
        let (account, service) = text.split_once('@').unwrap_or(("1", text));
        let is_account = !account.is_empty() && account.chars().all(|c| c.is_ascii_digit());
        let name = service.strip_suffix(".aliyuncs.com").filter(|_| is_account).unwrap_or_default();
        return !name.is_empty()
            && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'));
    }
    if kind == "RAM" && text == "*" {
        return true;
    }
    let Some((account, what)) =
        text.strip_prefix("acs:ram::").and_then(|rest| rest.split_once(':'))
    else {
        return false;
    };
    let is_account = !account.is_empty() && account.chars().all(|c| c.is_ascii_digit() || c == '*');
    let is_named = |prefix: &str| what.strip_prefix(prefix).is_some_and(|name| !name.is_empty());
    is_account
        && match kind {
            "RAM" => what == "root" || is_named("user/") || is_named("role/"),
            _ => is_named("saml-provider/") || is_named("oidc-provider/"),
        }
}
