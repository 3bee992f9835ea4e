//! # A statement allows its holder to obtain more rights
//! zh: 语句允许持有者获得更多权限
//!
//! ## What it does
//! Finds an Allow that names, or covers by a pattern of one RAM code, an action by which a holder can widen its own
//! rights: writes of RAM, taking any role, adding workspace members or roles, acting as another user.
//! zh: 找出可让持有者扩大自身权限的 Allow：RAM 写操作、扮演任意角色、添加空间成员或角色、代替他人操作。
//!
//! ## Why it matters
//! A user who may call ram:AttachPolicyToUser gives itself administrator rights in a single call. One who may call
//! paiworkspace:AddMemberRole makes itself owner of a workspace and reads its data.
//! zh: 能调用 ram:AttachPolicyToUser 的用户一次调用就可成为管理员；能调用 AddMemberRole 的可成为空间所有者。
//!
//! ## Example
//! ```json
//! {
//!   "Version": "1",
//!   "Statement": [
//!     {
//!       "Effect": "Allow",
//!       "Action": [
//!         "paiworkspace:ListMembers",
//!         "paiworkspace:AddMemberRole"
//!       ],
//!       "Resource": "acs:paiworkspace:*:*:workspace/1001"
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
//!         "paiworkspace:ListMembers",
//!         "paiworkspace:GetMember"
//!       ],
//!       "Resource": "acs:paiworkspace:*:*:workspace/1001"
//!     }
//!   ]
//! }
//! ```
//!
//! ## Source
//! RAM Docs, Policy elements; PAI Docs, List of roles and permissions

use crate::ram::{
    document::Effect,
    finding::{Findings, words},
    lint::{ActionUse, Subject},
    wildcard::matches,
};

/// Actions by which whoever has them gets further rights, in small letters; of `ram` see below.
const GIVE_RIGHTS: [&str; 7] = [
    "pai:assumeuser",
    "paiworkspace:addmemberrole",
    "paiworkspace:addworkspacerole",
    "paiworkspace:createmember",
    "paiworkspace:createworkspacerole",
    "paiworkspace:updateworkspacerole",
    "sts:assumerole",
];
/// Actions of RAM that patterns are tried on: each way to get rights.
const GIVE_RIGHTS_IN_RAM: [&str; 12] = [
    "ram:addusertogroup",
    "ram:attachpolicytogroup",
    "ram:attachpolicytorole",
    "ram:attachpolicytouser",
    "ram:createaccesskey",
    "ram:createloginprofile",
    "ram:createpolicyversion",
    "ram:passrole",
    "ram:setdefaultpolicyversion",
    "ram:updateaccesskey",
    "ram:updateloginprofile",
    "ram:updaterole",
];
/// Those that are harmless for a role that is named.
const FOR_A_ROLE: [&str; 2] = ["ram:passrole", "sts:assumerole"];

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    for (statement, actions, resources) in subject.statements() {
        if !statement.is(Effect::Allow) {
            continue;
        }
        let everywhere = resources.iter().any(|resource| {
            resource.relative_id().unwrap_or(resource.text.text).trim_end_matches('*').is_empty()
                || resource.relative_id() == Some("role/*")
        });
        for action in actions {
            if action.code().is_none() {
                continue;
            }
            let reached: Vec<&str> = GIVE_RIGHTS
                .iter()
                .chain(&GIVE_RIGHTS_IN_RAM)
                .copied()
                .filter(|name| matches(&action.lower, name))
                .filter(|name| everywhere || !FOR_A_ROLE.contains(name))
                .collect();
            if reached.is_empty() && !changes_ram(action) {
                continue;
            }
            let text = action.text.text;
            let first = reached.first().filter(|_| action.is_pattern());
            out.add(
                &action.text.span,
                match first {
                    Some(name) => words!(
                        "`{text}` lets its holder get further rights, by `{name}` for one",
                        "`{text}` 允许持有者提升自身权限，例如通过 `{name}`"
                    ),
                    None => words!(
                        "`{text}` lets its holder get further rights",
                        "`{text}` 允许持有者提升自身权限"
                    ),
                },
            )
            .help(words!(
                "grant it to administrators alone, on the resources they look after",
                "仅授予管理员，并限定其管理的资源"
            ));
        }
    }
}

/// Returns whether it is a single action of RAM that changes something; a role for a service of the vendor is harmless.
fn changes_ram(action: &ActionUse<'_>) -> bool {
    let harmless =
        ["get", "list", "createservicelinkedrole", "deleteservicelinkedrole", "passrole"];
    action.code() == Some("ram")
        && !action.is_pattern()
        && !harmless.iter().any(|start| action.name().starts_with(start))
}
