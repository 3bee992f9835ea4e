"""Every kind of caller asks for every operation, and is answered or refused as the tables of the catalogue say.

An operation that is answered changes nothing that a later one needs: what it takes away is put there before, and what
it adds is taken away at the end. `POST /v1/is-authorized` is asked the same questions and must agree.
"""

import secrets
from dataclasses import dataclass
from typing import Callable

from client import MAIN_ID, check, decide, member, module, refused
from configs import STORAGE, config, get, put
from people import Account, Cast, Person
from roles import make_role
from workspaces import MISSING

GUEST, LABELLER = "PAI.WorkspaceGuest", "PAI.LabelManager"
MODEL_READER = [module("Model", "ReadOnly")]


@dataclass
class Operation:
    name: str
    # The code a role must grant in the workspace.
    code: str
    # `call(api, workspace)`: `workspace` may be one that does not exist.
    call: Callable
    # Puts there what the call takes away.
    before: Callable = lambda: None


class Stage:
    """What the operations are tried on."""

    def __init__(self, account: Account, workspace: str):
        self.account, self.workspace = account, workspace
        self.spare: Person = account.user("spare")
        self.leaver: Person = account.user("leaver")
        self.role_id = make_role(account.main, workspace, "matrix-kept", MODEL_READER)
        request = {"role_name": "matrix-job", "module_permissions": MODEL_READER}
        self.job_id = account.main.call("CreateWorkspaceRole", workspace, **request).instance_job_id
        self.doomed_role = None
        account.join(workspace, self.spare, GUEST, LABELLER)

    def give_role(self):
        self.account.join(self.workspace, self.spare, LABELLER)

    def join_leaver(self):
        self.account.join(self.workspace, self.leaver, GUEST)

    def put_config(self):
        put(self.account.main, self.workspace, STORAGE, "oss://matrix/")

    def make_doomed_role(self):
        self.doomed_role = make_role(self.account.main, self.workspace, unique(), MODEL_READER)

    def clear(self):
        main = self.account.main
        roles = main.call("ListWorkspaceRoles", self.workspace, page_size=100).roles
        ids = [role.role_id for role in roles if role.role_name.startswith("matrix-")]
        main.call("DeleteWorkspaceRoles", self.workspace, role_ids=ids)
        members = main.call("ListMembers", self.workspace, page_size=100).members
        for person in (self.spare, self.leaver):
            if person.user_id in [one.user_id for one in members]:
                main.call("DeleteMembers", self.workspace, member_ids=person.member_id(self.workspace))
            self.account.dismiss(person)


def unique():
    return f"matrix-{secrets.token_hex(4)}"


def in_workspaces(stage):
    """The operations of a workspace. Those that add a role or member ask for one of low privilege."""
    spare, leaver = stage.spare, stage.leaver

    def row(name, call, code=None, before=lambda: None):
        return Operation(name, f"PaiWorkspace:{code or name}", call, before)

    return [
        row("GetWorkspace", lambda api, at: api.call("GetWorkspace", at, verbose=True)),
        row("UpdateWorkspace", lambda api, at: api.call("UpdateWorkspace", at, description="of the matrix")),
        row("CreateMember", lambda api, at: api.call("CreateMember", at, members=[member(spare.user_id, GUEST)])),
        row("GetMember", lambda api, at: api.call("GetMember", at, user_id=spare.user_id)),
        row("ListMembers", lambda api, at: api.call("ListMembers", at)),
        row("AddMemberRole", lambda api, at: api.call("AddMemberRole", at, spare.member_id(at), LABELLER)),
        row(
            "RemoveMemberRole",
            lambda api, at: api.call("RemoveMemberRole", at, spare.member_id(at), LABELLER),
            before=stage.give_role,
        ),
        row(
            "DeleteMembers",
            lambda api, at: api.call("DeleteMembers", at, member_ids=leaver.member_id(at)),
            before=stage.join_leaver,
        ),
        row(
            "CreateWorkspaceRole",
            lambda api, at: api.call(
                "CreateWorkspaceRole", at, role_name=unique(), module_permissions=MODEL_READER
            ),
            code="AddWorkspaceRole",
        ),
        row("GetWorkspaceRole", lambda api, at: api.call("GetWorkspaceRole", at, stage.role_id)),
        row("ListWorkspaceRoles", lambda api, at: api.call("ListWorkspaceRoles", at)),
        row(
            "UpdateWorkspaceRole",
            lambda api, at: api.call("UpdateWorkspaceRole", at, stage.role_id, module_permissions=MODEL_READER),
        ),
        row(
            "DeleteWorkspaceRoles",
            lambda api, at: api.call("DeleteWorkspaceRoles", at, role_ids=[stage.doomed_role]),
            code="RemoveWorkspaceRole",
            before=stage.make_doomed_role,
        ),
        row("ListWorkspaceUsers", lambda api, at: api.call("ListWorkspaceUsers", at)),
        row("GetInstanceJob", lambda api, at: api.call("GetInstanceJob", stage.job_id)),
        row("UpdateConfigs", lambda api, at: api.call("UpdateConfigs", at, configs=[config(STORAGE, unique())])),
        row("UpdateConfig", lambda api, at: put(api, at, STORAGE, unique()), code="UpdateConfigs"),
        row("ListConfigs", lambda api, at: api.call("ListConfigs", at)),
        row("GetConfig", get, code="ListConfigs", before=stage.put_config),
        row(
            "DeleteConfig",
            lambda api, at: api.call("DeleteConfig", at, STORAGE[1], category_name=STORAGE[0]),
            before=stage.put_config,
        ),
    ]


def matrix(cast: Cast):
    stage = Stage(cast.account, cast.workspace)
    operations = in_workspaces(stage)
    for person in cast.callers.values():
        workspace_operations(cast, operations, person)
        open_operations(cast, person)
    main = cast.account.main
    for operation in operations:
        operation.before()
        operation.call(main, cast.workspace)
        check("decision for the main account", "Allow", decision(MAIN_ID, operation, cast.workspace))
    operations_of_the_main_account(cast)
    stage.clear()


def workspace_operations(cast, operations, person):
    """A refusal says the same whether there is such a workspace or not."""
    for operation in operations:
        granted = "p" in person.granted.get(operation.code, "----")
        operation.before()
        if granted:
            operation.call(person.api, cast.workspace)
        else:
            here = refused("100700008", 404, lambda: operation.call(person.api, cast.workspace))
        check(
            f"decision on {operation.code} for the {person.name}",
            "Allow" if granted else "Deny",
            decision(person.user_id, operation, cast.workspace),
        )
        if operation.name != "GetInstanceJob":
            there = refused("100700008", 404, lambda: operation.call(person.api, MISSING))
            if not granted:
                check("what a refusal says", words(there, MISSING), words(here, cast.workspace))


def decision(user_id, operation, workspace):
    return decide(user_id, operation.code, workspace, creator=user_id, accessibility="PRIVATE")


def words(refusal, workspace):
    """Returns the body of a refusal without what must differ."""
    body = {name: value for name, value in refusal.data.items() if name not in ("RequestId", "HostId")}
    return {name: str(value).replace(workspace, "<workspace>") for name, value in body.items()}


def open_operations(cast, person):
    """Every known user is answered, about the workspaces it may see and about itself."""
    api, workspace = person.api, cast.workspace
    sees = "p" in person.granted.get("PaiWorkspace:GetWorkspace", "----")
    came = api.call("ListWorkspaces")
    ids = [item.workspace_id for item in came.workspaces]
    check(f"workspaces of the {person.name}", ([workspace] * sees, int(sees)), (ids, came.total_count))
    limits = api.call("ListWorkspaces", option="GetResourceLimits").resource_limits
    check("ResourceLimits", True, bool(limits))
    if sees:
        check("the default workspace", workspace, api.call("GetDefaultWorkspace").workspace_id)
        api.call("GetPermission", workspace, "PaiWorkspace:GetWorkspace")
    else:
        refused("100400027", 404, lambda: api.call("GetDefaultWorkspace"))
        refused("100700008", 404, lambda: api.call("GetPermission", workspace, "PaiWorkspace:GetWorkspace"))
    api.call("ListPermissions", workspace)


def operations_of_the_main_account(cast):
    """What is done to the account is for the main account alone; it comes last, and does what the others may not."""
    account = cast.account
    doomed_workspace = account.workspace("doomed")
    doomed, keyed = account.caller("doomed"), account.caller("keyed")
    name, new_user = account.workspace_name("new"), account.user_name("new")
    key = {"user_name": doomed.user_name, "user_access_key_id": doomed.key_id}
    new_workspace = {"workspace_name": name, "description": "d", "env_types": ["prod"]}
    rows = [
        ("CreateWorkspace", [], new_workspace),
        ("DeleteWorkspace", [doomed_workspace], {}),
        ("UpdateDefaultWorkspace", [], {"workspace_id": cast.workspace}),
        ("CreateUser", [], {"user_name": new_user}),
        ("GetUser", [], {"user_name": doomed.user_name}),
        ("ListUsers", [], {}),
        ("CreateAccessKey", [], {"user_name": keyed.user_name}),
        ("ListAccessKeys", [], {"user_name": doomed.user_name}),
        ("UpdateAccessKey", [], {**key, "status": "Active"}),
        ("DeleteAccessKey", [], key),
        ("DeleteUser", [], {"user_name": doomed.user_name}),
    ]
    made = {}
    for caller in [*(person.api for person in cast.callers.values()), account.main]:
        for operation, path, fields in rows:
            if caller is account.main:
                made[operation] = caller.call(operation, *path, **fields)
            else:
                refused("NoPermission", 403, lambda: caller.call(operation, *path, **fields))
    for caller in [person.api for person in cast.callers.values()]:
        refused("NoPermission", 403, lambda: caller.call("DeleteWorkspace", MISSING))
        refused("NoPermission", 403, lambda: caller.call("ListAccessKeys"))
    account.people.remove(doomed)
    account.dismiss(keyed)
    account.main.call("DeleteUser", user_name=new_user)
    account.main.call("DeleteWorkspace", made["CreateWorkspace"].workspace_id)
