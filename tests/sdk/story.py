"""The whole story of an account, told through the official SDKs.

The main account makes users, keys, workspaces, members and roles; every rule of the management API is tried with the
exact code of its refusal; every kind of caller asks for every operation; what is taken away is gone in the next
decision; and all of it is cleaned up. Prints one line at the end, or where it stopped.
"""

import sys

sys.dont_write_bytecode = True

import configs
import members
import permissions
import roles
import users
import workspaces
from client import check, codes_under, decide, module, refused, run
from matrix import matrix
from people import Account, cast

# The role of the custom-role holder: sees the workspace and its roles, adds members, and no more of members.
CUSTOM_ROLE = "greeter"
CUSTOM_MODULES = [
    module("PaiWorkspace@@Workspace", "ReadOnly"),
    module(
        "PaiWorkspace@@MemberRole",
        "CustomPermissions",
        codes_under(
            ["PaiWorkspace:CreateMember", "PaiWorkspace:AddMemberRole", "PaiWorkspace:ListWorkspaceRoles"],
            ("ANY", "ANY"),
        ),
    ),
    module("DLC", "ReadWrite"),
    module("DSW", "ReadOnly"),
]


def story(mode):
    account = Account(mode)
    users.users(account)
    users.access_keys(account)
    users.signatures(account)

    simple, standard = workspaces.making_and_reading(account)
    workspaces.wrong_values(account, simple)
    workspaces.missing(account)
    workspaces.updating(account, simple)
    workspaces.listing(account, simple, standard)
    workspaces.names_stay_taken(account)
    workspaces.default(account, simple, standard)

    members.members(account, standard)
    roles.roles(account, standard)
    configs.configs(account, standard)

    custom_role = roles.make_role(account.main, simple, CUSTOM_ROLE, CUSTOM_MODULES)
    everybody = cast(account, simple, CUSTOM_ROLE, CUSTOM_MODULES)
    permissions.permissions(everybody)
    matrix(everybody)
    taking_away(everybody, custom_role)
    cleaning_up(everybody, standard)


def taking_away(cast, custom_role):
    """What is taken away is refused in the next call and denied in the next decision."""
    main, workspace = cast.account.main, cast.workspace

    def may(person, operation, allowed):
        if allowed:
            person.api.call(operation, workspace)
        else:
            refused("100700008", 404, lambda: person.api.call(operation, workspace))
        came = decide(person.user_id, f"PaiWorkspace:{operation}", workspace)
        check(f"decision on {operation} for the {person.name}", "Allow" if allowed else "Deny", came)

    # A permission leaves a custom role.
    custom = cast["custom"]
    may(custom, "ListWorkspaceRoles", True)
    kept = [part for part in CUSTOM_MODULES if part.module_name != "PaiWorkspace@@MemberRole"]
    main.call("UpdateWorkspaceRole", workspace, custom_role, module_permissions=kept)
    may(custom, "ListWorkspaceRoles", False)
    may(custom, "GetWorkspace", True)

    # A role leaves a member: from visitor to MaxCompute developer, who sees nothing of the workspace.
    visitor, member_id = cast["visitor"], cast["visitor"].member_id(workspace)
    may(visitor, "ListMembers", True)
    main.call("AddMemberRole", workspace, member_id, "PAI.MaxComputeDeveloper")
    main.call("RemoveMemberRole", workspace, member_id, "PAI.WorkspaceGuest")
    may(visitor, "ListMembers", False)

    # Members leave the workspace; an administrator may do that as well as the main account.
    asset = {"creator": cast["developer"].user_id, "accessibility": "PRIVATE"}
    stop_job = (cast["developer"].user_id, "PaiDLC:StopJob", workspace)
    check("decision for the developer", "Allow", decide(*stop_job, **asset))
    for remover, name in ((cast["administrator"].api, "developer"), (main, "administrator")):
        person = cast[name]
        may(person, "GetWorkspace", True)
        remover.call("DeleteMembers", workspace, member_ids=person.member_id(workspace))
        may(person, "GetWorkspace", False)
        may(person, "ListMembers", False)
        check("workspaces of one who left", 0, person.api.call("ListWorkspaces").total_count)
        refused("100400027", 404, lambda: person.api.call("GetDefaultWorkspace"))
    check("decision for the developer", "Deny", decide(*stop_job, **asset))

    # Who comes back is answered again, in a decision as fresh as the change.
    cast.account.join(workspace, cast["developer"], "PAI.AlgoDeveloper")
    check("decision for the developer", "Allow", decide(*stop_job, fresh=main.revision, **asset))
    may(cast["developer"], "GetWorkspace", True)


def cleaning_up(cast, standard):
    """A deleted workspace has no members: its users can go, and so can the default."""
    account, main = cast.account, cast.account.main
    main.call("DeleteWorkspace", cast.workspace)
    refused("100400027", 404, lambda: main.call("GetWorkspace", cast.workspace))
    engineer = cast["O-and-M-engineer"]
    refused("100700008", 404, lambda: engineer.api.call("GetWorkspace", cast.workspace))
    check("decision", "Deny", decide(engineer.user_id, "PaiWorkspace:GetWorkspace", cast.workspace))
    refused("100400027", 404, lambda: main.call("GetDefaultWorkspace"))
    main.call("DeleteWorkspace", standard)
    for person in list(account.people):
        account.dismiss(person)
    left = users.list_users(main, max_items=1000)
    check("users left", False, any(person.user_id in left for person in cast.callers.values()))


if __name__ == "__main__":
    run("story", story)
