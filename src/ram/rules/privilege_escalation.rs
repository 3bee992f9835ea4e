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
    lint::{ActionUse, ResourceUse, Subject},
    wildcard::matches,
};

/// Actions by which whoever has them gets further rights; of `ram` see below.
const GIVE_RIGHTS: [&str; 7] = [
    "pai:AssumeUser",
    "paiworkspace:AddMemberRole",
    "paiworkspace:AddWorkspaceRole",
    "paiworkspace:CreateMember",
    "paiworkspace:CreateWorkspaceRole",
    "paiworkspace:UpdateWorkspaceRole",
    "sts:AssumeRole",
];
/// Actions of RAM that patterns are tried on: each way to get rights.
const GIVE_RIGHTS_IN_RAM: [&str; 12] = [
    "ram:AddUserToGroup",
    "ram:AttachPolicyToGroup",
    "ram:AttachPolicyToRole",
    "ram:AttachPolicyToUser",
    "ram:CreateAccessKey",
    "ram:CreateLoginProfile",
    "ram:CreatePolicyVersion",
    "ram:PassRole",
    "ram:SetDefaultPolicyVersion",
    "ram:UpdateAccessKey",
    "ram:UpdateLoginProfile",
    "ram:UpdateRole",
];
/// Those that are harmless for a role that is named.
const FOR_A_ROLE: [&str; 2] = ["ram:PassRole", "sts:AssumeRole"];

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    for (statement, actions, resources) in subject.statements() {
        if !statement.is(Effect::Allow) {
            continue;
        }
        // A role that nobody has named.
        let everywhere = resources.iter().any(|resource| {
            resource.is_everything()
                || resource.relative_id().is_some_and(|id| matches(id, "role/zq-0-unnamed"))
        });
        for action in actions {
            // Everything on everything is another rule's.
            let all = action.is_everything() && resources.iter().any(ResourceUse::is_everything);
            if all && statement.is_open() {
                continue;
            }
            let reached: Vec<&str> = GIVE_RIGHTS
                .iter()
                .chain(&GIVE_RIGHTS_IN_RAM)
                .copied()
                .filter(|name| matches(&action.lower, &name.to_ascii_lowercase()))
                .filter(|name| everywhere || !FOR_A_ROLE.contains(name))
                .filter(|name| action.code().is_some() || is_within(name, resources))
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

/// Returns whether an action can be asked on one of these resources: those of STS are roles of RAM.
fn is_within(action: &str, resources: &[ResourceUse<'_>]) -> bool {
    let code = action.split(':').next().unwrap_or_default().replace("sts", "ram");
    resources.iter().any(|resource| resource.can_be_of(&code))
}

/// Returns whether it can change something in RAM. To look, to look after one's own password or device, to take keys and users
/// away, and a role for a service of the vendor are harmless; a policy that is taken away may have been a denial.
fn changes_ram(action: &ActionUse<'_>) -> bool {
    const HARMLESS: [&str; 10] = [
        "bindmfadevice",
        "changepassword",
        "createservicelinkedrole",
        "createvirtualmfadevice",
        "deleteaccesskey",
        "deleteservicelinkedrole",
        "deleteuser",
        "deletevirtualmfadevice",
        "passrole",
        "unbindmfadevice",
    ];
    let name = action.name();
    action.code() == Some("ram")
        && !HARMLESS.contains(&name)
        && !name.starts_with("get")
        && !name.starts_with("list")
}
