"""What roles of workspaces and policies of RAM decide together.

`PAI_AUTHZ_SECOND` may name a second replica (`host:port`) of the same store, which is then asked too.

A user may nothing; a policy of the vendor's lets it make a workspace, which it owns. Another user, a developer in that
workspace, may stop its own job until a policy of the account denies it, whatever its role grants; detached, the denial is
gone on every replica that is as fresh. Prints one line at the end, or where it stopped.
"""

import json
import os
import sys

sys.dont_write_bytecode = True

import client
from client import DEV_TOKEN, Failure, check, member, refused, run
from people import Account
from policies import FULL, document

SECOND = os.environ.get("PAI_AUTHZ_SECOND", "").removeprefix("http://").rstrip("/")


def together(mode):
    account = Account(mode)
    main, kim, lee = account.main, account.caller("kim"), account.caller("lee")
    workspace = making_a_workspace(account, kim)
    kim.api.call("CreateMember", workspace, members=[member(lee.user_id, "PAI.AlgoDeveloper")])
    denying(account, lee, workspace)
    cleaning_up(account, workspace, kim, lee)


def making_a_workspace(account, kim):
    """Who has the vendor's policy may do what the main account may, and what it makes is its own."""
    main, full = account.main, {"policy_type": "System", "policy_name": FULL, "user_name": kim.user_name}
    new = {"workspace_name": account.workspace_name("kim"), "description": "of kim", "env_types": ["prod"]}
    refused("NoPermission", 403, lambda: kim.api.call("CreateWorkspace", **new))
    main.call("AttachPolicyToUser", **full)
    workspace = kim.api.call("CreateWorkspace", **new).workspace_id
    owner = kim.api.call("GetMember", workspace, user_id=kim.user_id)
    check("kim is the Owner", True, "PAI.WorkspaceOwner" in owner.roles)
    # What was attached is not needed for what the role grants, and grants nothing of RAM.
    refused("NoPermission", 403, lambda: kim.api.call("ListUsers"))
    main.call("DetachPolicyFromUser", **full)
    kim.api.call("GetWorkspace", workspace)
    again = {**new, "workspace_name": account.workspace_name("again")}
    refused("NoPermission", 403, lambda: kim.api.call("CreateWorkspace", **again))
    return workspace


def denying(account, lee, workspace):
    """A denial counts more than any role, for whom it is attached to, while it is attached."""
    main, name = account.main, f"no-stopping-{account.suffix}"
    main.call("CreatePolicy", policy_name=name, policy_document=document("Deny", "paidlc:StopJob"))
    this = {"policy_type": "Custom", "policy_name": name}
    own = {"creator": lee.user_id, "accessibility": "PRIVATE"}

    def decided(fresh=None, endpoint=None):
        return decide_in_full(lee.user_id, "PaiDLC:StopJob", workspace, fresh, endpoint, **own)

    check("decision before", "Allow", decided(main.revision)["decision"])
    main.call("AttachPolicyToUser", **this, user_name=lee.user_name)
    denied(decided(main.revision), name)
    main.call("DetachPolicyFromUser", **this, user_name=lee.user_name)
    freed = main.revision
    check("decision after", "Allow", decided(freed)["decision"])
    if SECOND:
        check("decision of the second replica", "Allow", decided(freed, SECOND)["decision"])

    # By a group it is the same; a user who joins is denied, and one who leaves is not any more.
    group = f"careful.{account.suffix}"
    main.call("CreateGroup", group_name=group)
    main.call("AttachPolicyToGroup", **this, group_name=group)
    check("decision outside the group", "Allow", decided(main.revision)["decision"])
    main.call("AddUserToGroup", user_name=lee.user_name, group_name=group)
    denied(decided(main.revision), name)
    if SECOND:
        denied(decided(main.revision, SECOND), name)
    main.call("RemoveUserFromGroup", user_name=lee.user_name, group_name=group)
    check("decision after the group", "Allow", decided(main.revision)["decision"])
    main.call("DetachPolicyFromGroup", **this, group_name=group)
    main.call("DeleteGroup", group_name=group)
    main.call("DeletePolicy", policy_name=name)


def denied(answer, name):
    check("decision", "Deny", answer["decision"])
    check("reason", "explicit_deny", answer["reason"])
    said = json.dumps(answer["determiningPolicies"])
    if f"Custom/{name}" not in said:
        raise Failure(f"determining policies: expected one of Custom/{name}, came {said}")


def decide_in_full(principal, action, workspace, fresh, endpoint, **resource):
    """Asks for a decision of a replica and returns all of the answer."""
    question = {
        "principal": {"type": "User", "id": principal},
        "action": action,
        "resource": {"workspace": workspace, **resource},
    }
    if fresh:
        question["atLeastAsFresh"] = fresh
    headers = {"Authorization": f"Bearer {DEV_TOKEN}", "Content-Type": "application/json"}
    first = client.ENDPOINT
    client.ENDPOINT = endpoint or first
    try:
        status, _, body = client.http("POST", "/v1/is-authorized", json.dumps(question).encode(), headers)
    finally:
        client.ENDPOINT = first
    check(f"status of the decision {question}, answered {body!r}", 200, status)
    return json.loads(body)


def cleaning_up(account, workspace, *people):
    account.main.call("DeleteWorkspace", workspace)
    for person in people:
        account.dismiss(person)


if __name__ == "__main__":
    run("together", together)
