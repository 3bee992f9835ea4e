"""Policies, groups, RAM roles and what is attached to whom, told through the official RAM SDK.

The main account makes a user, a policy with versions, a group and a role, attaches the policy and one of the vendor's to
each, sees it from every side, and takes all of it away again. Prints one line at the end, or where it stopped.
"""

import json
import sys

sys.dont_write_bytecode = True

from client import MAIN_ID, check, check_fields, check_matches, refused, run
from people import Account

RAM_DATE = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
FULL = "AliyunPAIFullAccess"
ROTATE = "DeleteOldestNonDefaultVersionWhenLimitExceeded"
TRUST = {
    "Version": "1",
    "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": [f"acs:ram::{MAIN_ID}:root"]}}
    ],
}


def document(effect, action, resource="*"):
    """Returns a policy of one statement."""
    return json.dumps({"Version": "1", "Statement": [{"Effect": effect, "Action": action, "Resource": resource}]})


ALLOW, DENY = document("Allow", "paidlc:GetJob"), document("Deny", "paidlc:StopJob")


def policies(mode):
    account = Account(mode)
    main, name = account.main, f"dev-only-{account.suffix}"
    made = main.call("CreatePolicy", policy_name=name, policy_document=ALLOW, description="of the story").policy
    expected = {"policy_name": name, "policy_type": "Custom", "default_version": "v1", "description": "of the story"}
    check_fields("CreatePolicy", expected, made)
    check_matches("CreateDate", RAM_DATE, made.create_date)
    versions(main, name)
    system(main)
    parts(main, account)
    user = account.user("kim")
    group = f"makers.{account.suffix}"
    groups(main, user.user_name, group)
    role = f"trainer.{account.suffix}"
    roles(main, role)
    holders = {"User": user.user_name, "Group": group, "Role": role}
    attached(main, name, holders)
    wrong(main, name, holders)
    for kind, holder in holders.items():
        detach(main, kind, holder, "Custom", name)
    refused("DeleteConflict.Policy.Version", 409, lambda: main.call("DeletePolicy", policy_name=name))
    main.call("DeletePolicy", policy_name=name, cascading_delete=True)
    gone = {"policy_type": "Custom", "policy_name": name}
    refused("EntityNotExist.Policy", 404, lambda: main.call("GetPolicy", **gone))
    refused("DeleteConflict.Group.User", 409, lambda: main.call("DeleteGroup", group_name=group))
    refused("DeleteConflict.User.Group", 409, lambda: main.call("DeleteUser", user_name=user.user_name))
    main.call("RemoveUserFromGroup", user_name=user.user_name, group_name=group)
    main.call("DeleteGroup", group_name=group)
    main.call("DeleteRole", role_name=role)
    account.dismiss(user)


def versions(main, name):
    """Five versions are kept; the one in force stays, the oldest of the others makes room."""
    this = {"policy_type": "Custom", "policy_name": name}
    for number in range(2, 6):
        made = main.call("CreatePolicyVersion", policy_name=name, policy_document=DENY).policy_version
        check_fields("CreatePolicyVersion", {"version_id": f"v{number}", "is_default_version": False}, made)
    more = {"policy_name": name, "policy_document": DENY}
    refused("LimitExceeded.Policy.Version", 409, lambda: main.call("CreatePolicyVersion", **more))
    made = main.call("CreatePolicyVersion", **more, set_as_default=True, rotate_strategy=ROTATE).policy_version
    check_fields("CreatePolicyVersion", {"version_id": "v6", "is_default_version": True}, made)
    listed = main.call("ListPolicyVersions", **this).policy_versions.policy_version
    in_force = [version.version_id for version in listed if version.is_default_version]
    check("versions", ["v1", "v3", "v4", "v5", "v6"], [version.version_id for version in listed])
    check("versions in force", ["v6"], in_force)
    main.call("SetDefaultPolicyVersion", policy_name=name, version_id="v1")
    got = main.call("GetPolicy", **this)
    check_fields("GetPolicy", {"default_version": "v1", "attachment_count": 0}, got.policy)
    check_fields("GetPolicy", {"policy_document": ALLOW, "version_id": "v1"}, got.default_policy_version)
    one = main.call("GetPolicyVersion", **this, version_id="v6").policy_version
    check_fields("GetPolicyVersion", {"policy_document": DENY, "is_default_version": False}, one)
    default = {"policy_name": name, "version_id": "v1"}
    code = "DeleteConflict.Policy.Version.Default"
    refused(code, 409, lambda: main.call("DeletePolicyVersion", **default))
    main.call("DeletePolicyVersion", policy_name=name, version_id="v6")
    gone = {**this, "version_id": "v6"}
    refused("EntityNotExist.Policy.Version", 404, lambda: main.call("GetPolicyVersion", **gone))


def system(main):
    """The vendor's policies are there and cannot be changed."""
    got = main.call("GetPolicy", policy_type="System", policy_name=FULL)
    check_fields("GetPolicy", {"policy_type": "System", "default_version": "v6"}, got.policy)
    check("Version of the document", "1", json.loads(got.default_policy_version.policy_document)["Version"])
    refused("EntityNotExist.Policy", 404, lambda: main.call("DeletePolicy", policy_name=FULL))
    listed = list_policies(main, 4, policy_type="System")
    check("system policies", 25, len(listed))
    check("system policies in order", sorted(listed), listed)


def list_policies(main, size, **fields):
    """Returns the names of all policies, asked for part by part."""
    names, marker = [], None
    while True:
        part = main.call("ListPolicies", max_items=size, marker=marker, **fields)
        check("policies in one part, at most", True, len(part.policies.policy) <= size)
        names += [policy.policy_name for policy in part.policies.policy]
        if not part.is_truncated:
            return names
        marker = part.marker


def parts(main, account):
    """A marker of one list is none of another's."""
    marker = main.call("ListPolicies", max_items=1).marker
    refused("InvalidParameter", 400, lambda: main.call("ListUsers", marker=marker))
    refused("InvalidParameter", 400, lambda: main.call("ListGroups", marker=marker))
    every = list_policies(main, 7)
    check("system policies come first", True, every.index(FULL) < every.index(f"dev-only-{account.suffix}"))


def groups(main, user, group):
    made = main.call("CreateGroup", group_name=f"{group}-", comments="of the story").group
    check_fields("CreateGroup", {"group_name": f"{group}-", "comments": "of the story"}, made)
    renamed = main.call("UpdateGroup", group_name=f"{group}-", new_group_name=group).group
    check_fields("UpdateGroup", {"group_name": group, "group_id": made.group_id}, renamed)
    main.call("AddUserToGroup", user_name=user, group_name=group)
    again = {"user_name": user, "group_name": group}
    refused("EntityAlreadyExists.User.Group", 409, lambda: main.call("AddUserToGroup", **again))
    listed = main.call("ListUsersForGroup", group_name=group).users.user
    check("users of the group", [user], [member.user_name for member in listed])
    check_matches("JoinDate", RAM_DATE, listed[0].join_date)
    listed = main.call("ListGroupsForUser", user_name=user).groups.group
    check("groups of the user", [group], [group.group_name for group in listed])
    check_fields("GetGroup", {"comments": "of the story"}, main.call("GetGroup", group_name=group).group)
    names = [group.group_name for group in main.call("ListGroups", max_items=1000).groups.group]
    check("times that ListGroups says it", 1, names.count(group))


def roles(main, role):
    trust = json.dumps(TRUST)
    made = main.call("CreateRole", role_name=role, assume_role_policy_document=trust).role
    expected = {"role_name": role, "arn": f"acs:ram::{MAIN_ID}:role/{role}", "max_session_duration": 3600}
    check_fields("CreateRole", {**expected, "assume_role_policy_document": trust}, made)
    check_matches("RoleId", r"\d{16,18}", made.role_id)
    change = {"new_max_session_duration": 7200, "new_description": "trains"}
    main.call("UpdateRole", role_name=role, **change)
    expected = {"role_id": made.role_id, "max_session_duration": 7200, "description": "trains"}
    check_fields("GetRole", expected, main.call("GetRole", role_name=role).role)
    listed = main.call("ListRoles", max_items=1000).roles.role
    check("times that ListRoles says it", 1, [role.role_name for role in listed].count(role))
    again = {"role_name": role, "assume_role_policy_document": trust}
    refused("EntityAlreadyExists.Role", 409, lambda: main.call("CreateRole", **again))
    wrong = {"role_name": role, "new_assume_role_policy_document": ALLOW}
    refused("MalformedPolicyDocument", 400, lambda: main.call("UpdateRole", **wrong))


def attach(main, kind, holder, policy_type, name):
    fields = {f"{kind.lower()}_name": holder, "policy_type": policy_type, "policy_name": name}
    main.call(f"AttachPolicyTo{kind}", **fields)


def detach(main, kind, holder, policy_type, name):
    fields = {f"{kind.lower()}_name": holder, "policy_type": policy_type, "policy_name": name}
    main.call(f"DetachPolicyFrom{kind}", **fields)


def attached(main, name, holders):
    """A policy of each type is attached to each kind of holder; the vendor's is detached again."""
    for kind, holder in holders.items():
        for policy_type, policy in (("System", FULL), ("Custom", name)):
            attach(main, kind, holder, policy_type, policy)
            again = (main, kind, holder, policy_type, policy)
            refused(f"EntityAlreadyExists.{kind}.Policy", 409, lambda: attach(*again))
        listed = main.call(f"ListPoliciesFor{kind}", **{f"{kind.lower()}_name": holder}).policies.policy
        check(f"policies of the {kind}", [FULL, name], [policy.policy_name for policy in listed])
        check_matches("AttachDate", RAM_DATE, listed[0].attach_date)
    this = {"policy_type": "Custom", "policy_name": name}
    entities = main.call("ListEntitiesForPolicy", **this)
    check("users of the policy", [holders["User"]], [user.user_name for user in entities.users.user])
    check("groups of the policy", [holders["Group"]], [group.group_name for group in entities.groups.group])
    check("roles of the policy", [holders["Role"]], [role.role_name for role in entities.roles.role])
    check("AttachmentCount", 3, main.call("GetPolicy", **this).policy.attachment_count)
    for kind, holder in holders.items():
        detach(main, kind, holder, "System", FULL)


def wrong(main, name, holders):
    user = holders["User"]
    new = {"policy_name": f"{name}-2", "policy_document": ALLOW}
    this = {"policy_type": "Custom", "policy_name": name}
    rows = [
        ("EntityAlreadyExists.Policy", 409, "CreatePolicy", {**new, "policy_name": name}),
        ("InvalidParameter.PolicyName.InvalidChars", 400, "CreatePolicy", {**new, "policy_name": "no spaces"}),
        ("InvalidParameter.PolicyName.Length", 400, "CreatePolicy", {**new, "policy_name": "n" * 129}),
        ("InvalidParameter.PolicyDocument.Length", 400, "CreatePolicy", {**new, "policy_document": " " * 6145}),
        ("MalformedPolicyDocument", 400, "CreatePolicy", {**new, "policy_document": document("Alow", "*")}),
        ("MissingParameter", 400, "CreatePolicy", {"policy_name": name}),
        ("InvalidParameter.PolicyType", 400, "GetPolicy", {**this, "policy_type": "Mine"}),
        ("InvalidParameter", 400, "AttachPolicyToUser", {**this, "user_name": user, "resource_group_id": "rg-1"}),
        ("EntityNotExist.User", 404, "AttachPolicyToUser", {**this, "user_name": "nobody"}),
        ("EntityNotExist.Policy", 404, "AttachPolicyToUser", {**this, "policy_name": "none", "user_name": user}),
        ("EntityNotExist.User.Policy", 404, "DetachPolicyFromUser",
         {"policy_type": "System", "policy_name": FULL, "user_name": user}),
        ("DeleteConflict.Policy.User", 409, "DeletePolicy", {"policy_name": name, "cascading_delete": True}),
        ("DeleteConflict.User.Policy", 409, "DeleteUser", {"user_name": user}),
        ("DeleteConflict.Role.Policy", 409, "DeleteRole", {"role_name": holders["Role"]}),
        ("EntityNotExist.Group", 404, "GetGroup", {"group_name": "none"}),
        ("EntityNotExist.Role", 404, "GetRole", {"role_name": "none"}),
    ]
    for code, status, operation, fields in rows:
        refused(code, status, lambda: main.call(operation, **fields))
    listed = main.call("ListPolicies", policy_type="Custom", max_items=1000).policies.policy
    check("refused policies that are listed", [], [p for p in listed if p.policy_name == new["policy_name"]])


if __name__ == "__main__":
    run("policies", policies)
