"""Custom roles: made by a job, read, listed, changed, given to members, and deleted when nobody holds them."""

import catalogue
from client import ANY_4XX, MAIN_ID, check, check_fields, check_times, codes_under, member, module, refused

GUEST = "PAI.WorkspaceGuest"
NOTHING = "role-there-is-no-such-role"

# A permission type of every kind; the codes of the last grant all, own, public, and others' private assets.
EVERY_TYPE = [
    module("Dataset", "ReadOnly"),
    module("DSW", "ReadWrite"),
    module("PaiWorkspace@@Workspace", "FullAccess"),
    module(
        "DLC",
        "CustomPermissions",
        codes_under(["PaiDLC:ListJobs", "PaiDLC:GetJob"], ("PRIVATE", "CREATOR"), ("PUBLIC", "ANY")),
        codes_under(["PaiDLC:StopJob"], ("ANY", "CREATOR")),
        codes_under(["PaiDLC:GetJobEvents"], ("PRIVATE", "ANY")),
        codes_under(["PaiDLC:ListJobPods"], ("ANY", "ANY")),
    ),
]


def make_role(api, workspace, name, modules):
    """Makes a role and returns its id: the answer names a job, and only the job names the role."""
    job_id = api.call("CreateWorkspaceRole", workspace, role_name=name, module_permissions=modules).instance_job_id
    job = api.call("GetInstanceJob", job_id)
    expected = {"instance_job_id": job_id, "status": "Successful", "type": "CreateWorkspaceCustomRole"}
    check_fields("GetInstanceJob", expected, job)
    check_times("GetInstanceJob", job, "gmt_create_time")
    return job.instance_id


def roles(account, workspace):
    main = account.main
    made = make_role(main, workspace, "every_type", EVERY_TYPE)
    reading(main, workspace, made)
    wrong_values(main, workspace, made)
    others = [make_role(main, workspace, name, [module("Model", "ReadOnly")]) for name in ("second-role", "3")]
    changing(main, workspace, made)
    listing(main, workspace, made, *others)
    giving(account, workspace, made, *others)
    main.call("DeleteWorkspaceRoles", workspace, role_ids=[made, *others])
    check("roles left", 0, main.call("ListWorkspaceRoles", workspace).total_count)
    refused("EntityNotExist.Role", 404, lambda: main.call("GetWorkspaceRole", workspace, made))


def reading(main, workspace, made):
    came = main.call("GetWorkspaceRole", workspace, made)
    expected = {"role_id": made, "role_name": "every_type", "creator": MAIN_ID, "status": "Succeeded"}
    check_fields("GetWorkspaceRole", expected, came)
    check_times("GetWorkspaceRole", came, "gmt_create_time", "gmt_modified_time")
    check_modules("GetWorkspaceRole", EVERY_TYPE, came.module_permissions)


def check_modules(what, expected, came):
    check(f"{what}, module_permissions", catalogue.modules_of(expected), catalogue.modules_of(came or []))


def wrong_values(main, workspace, made):
    good = [module("DLC", "ReadOnly")]
    rules = [("ANY", "ANY")]

    def custom(codes, rules):
        return [module("DLC", "CustomPermissions", codes_under(codes, *rules))]

    creations = [
        ("MissingParameter", 400, {"role_name": None}),
        ("MissingParameter", 400, {"module_permissions": None}),
        ("InvalidParameter", 400, {"role_name": "a role"}),
        ("InvalidParameter", 400, {"role_name": "PAI.Role"}),
        ("InvalidParameter", 400, {"role_name": "r" * 65}),
        ("InvalidParameter", 400, {"role_name": "角色"}),
        ("InvalidParameter", 400, {"role_type": "builtin"}),
        ("InvalidParameter", 400, {"module_permissions": [module("Nothing", "ReadOnly")]}),
        ("InvalidParameter", 400, {"module_permissions": [module("DLC", "Everything")]}),
        ("InvalidParameter", 400, {"module_permissions": custom(["PaiDLC:Nothing"], rules)}),
        ("InvalidParameter", 400, {"module_permissions": custom(["PaiDSW:GetInstance"], rules)}),
        ("InvalidParameter", 400, {"module_permissions": custom(["PaiDLC:GetJob"], [("SECRET", "ANY")])}),
        ("InvalidParameter", 400, {"module_permissions": custom(["PaiDLC:GetJob"], [("PRIVATE", "FRIENDS")])}),
        (None, 400, {"module_permissions": [module("DLC", "CustomPermissions")]}),
        ("EntityAlreadyExists.Role", 409, {"role_name": "every_type"}),
    ]
    for code, status, change in creations:
        fields = {"role_name": "wrong", "module_permissions": good, **change}
        refused(code, status, lambda: main.call("CreateWorkspaceRole", workspace, **fields))
    changes = [
        ("InvalidParameter", 400, made, {"role_name": "a role"}),
        ("InvalidParameter", 400, made, {"module_permissions": [module("Nothing", "ReadOnly")]}),
        ("EntityNotExist.Role", 404, NOTHING, {"role_name": "other"}),
    ]
    for code, status, role_id, fields in changes:
        refused(code, status, lambda: main.call("UpdateWorkspaceRole", workspace, role_id, **fields))
    refused("EntityNotExist.Role", 404, lambda: main.call("GetWorkspaceRole", workspace, NOTHING))
    refused("MissingParameter", 400, lambda: main.call("DeleteWorkspaceRoles", workspace))
    refused("MissingParameter", 400, lambda: main.call("DeleteWorkspaceRoles", workspace, role_ids=[]))
    refused("EntityNotExist.Role", 404, lambda: main.call("DeleteWorkspaceRoles", workspace, role_ids=[made, NOTHING]))
    reading(main, workspace, made)
    check("roles after refusals", 1, main.call("ListWorkspaceRoles", workspace).total_count)


def changing(main, workspace, made):
    """Name and permissions change, each alone; a change is a job as well."""
    before = main.call("GetWorkspaceRole", workspace, made)
    fewer = [module("Image", "ReadOnly")]
    rows = [
        ({"role_name": "renamed"}, "renamed", EVERY_TYPE),
        ({"module_permissions": fewer}, "renamed", fewer),
        ({"role_name": "every_type", "module_permissions": EVERY_TYPE}, "every_type", EVERY_TYPE),
    ]
    for fields, name, modules in rows:
        job = main.call("GetInstanceJob", main.call("UpdateWorkspaceRole", workspace, made, **fields).instance_job_id)
        expected = {"status": "Successful", "type": "UpdateWorkspaceCustomRole", "instance_id": made}
        check_fields("the job of UpdateWorkspaceRole", expected, job)
        after = main.call("GetWorkspaceRole", workspace, made)
        check_fields(f"after {fields}", {"role_name": name, "gmt_create_time": before.gmt_create_time}, after)
        check_modules(f"after {fields}", modules, after.module_permissions)
        check("GmtModifiedTime has moved", True, after.gmt_modified_time > before.gmt_modified_time)
    taken = {"role_name": "second-role"}
    refused("EntityAlreadyExists.Role", 409, lambda: main.call("UpdateWorkspaceRole", workspace, made, **taken))


def listing(main, workspace, made, second, third):
    """Only custom roles are listed, and their permissions only when asked for."""
    everything = [made, second, third]
    filters = [
        ({}, everything),
        ({"role_name": "second-role"}, [second]),
        ({"role_name": "no-such-role"}, []),
        ({"role_ids": f"{made},{third},{NOTHING}"}, [made, third]),
        ({"role_type": "custom", "status": "Succeeded"}, everything),
        ({"status": "Failed"}, []),
    ]
    for fields, expected in filters:
        came = main.call("ListWorkspaceRoles", workspace, **fields)
        ids = sorted(role.role_id for role in came.roles)
        check(f"ListWorkspaceRoles with {fields}", (sorted(expected), len(expected)), (ids, came.total_count))
    for number, size, expected in [(1, 2, 2), (2, 2, 1), (3, 2, 0)]:
        came = main.call("ListWorkspaceRoles", workspace, page_number=number, page_size=size)
        check(f"page {number} by {size}", (expected, 3), (len(came.roles), came.total_count))
    for sort_by, field in (("GmtCreateTime", "gmt_create_time"), ("GmtModifiedTime", "gmt_modified_time")):
        for order in ("ASC", "DESC"):
            came = main.call("ListWorkspaceRoles", workspace, sort_by=sort_by, order=order)
            times = [getattr(role, field) for role in came.roles]
            check(f"{sort_by} in the order {order}", sorted(times, reverse=order == "DESC"), times)
    last = main.call("ListWorkspaceRoles", workspace, sort_by="GmtModifiedTime", order="DESC", page_size=1).roles
    check("the role changed last", [made], [role.role_id for role in last])
    for fields in ({"sort_by": "RoleName"}, {"order": "UP"}, {"page_number": 0}, {"verbose_fields": "Creator"}):
        refused("InvalidParameter", 400, lambda: main.call("ListWorkspaceRoles", workspace, **fields))

    [plain] = main.call("ListWorkspaceRoles", workspace, role_ids=made).roles
    check_fields("an item", {"role_id": made, "role_name": "every_type", "creator": MAIN_ID}, plain)
    check_times("an item", plain, "gmt_create_time", "gmt_modified_time")
    check("ModulePermissions without VerboseFields", False, bool(plain.module_permissions))
    fields = {"role_ids": made, "verbose_fields": "ModulePermissions"}
    [verbose] = main.call("ListWorkspaceRoles", workspace, **fields).roles
    check_modules("an item with VerboseFields", EVERY_TYPE, verbose.module_permissions)


def giving(account, workspace, made, second, third):
    """Members get custom roles by name or id, show names, and keep a role from being deleted."""
    main = account.main
    holder = account.user("holder")
    member_id = holder.member_id(workspace)

    def held():
        return sorted(main.call("GetMember", workspace, member_id=member_id).roles)

    main.call("CreateMember", workspace, members=[member(holder.user_id, GUEST, "every_type", second)])
    check("Roles", sorted([GUEST, "every_type", "second-role"]), held())
    for way in (third, "3", third):
        main.call("AddMemberRole", workspace, member_id, way)
        check("Roles", sorted([GUEST, "every_type", "second-role", "3"]), held())
    main.call("RemoveMemberRole", workspace, member_id, second)
    main.call("RemoveMemberRole", workspace, member_id, "3")
    check("Roles", sorted([GUEST, "every_type"]), held())
    refused(None, ANY_4XX, lambda: main.call("RemoveMemberRole", workspace, member_id, second))

    main.call("UpdateWorkspaceRole", workspace, made, role_name="renamed")
    check("Roles after renaming", sorted([GUEST, "renamed"]), held())
    found = main.call("ListMembers", workspace, roles="renamed")
    check("members with the role", [holder.user_id], [one.user_id for one in found.members])
    refused("EntityNotExist.Role", 404, lambda: main.call("AddMemberRole", workspace, member_id, "every_type"))

    for batch in ([made], [second, made], [made, second]):
        refused("DeleteConflict.Role.Member", 409, lambda: main.call("DeleteWorkspaceRoles", workspace, role_ids=batch))
    check("roles after refusals", 3, main.call("ListWorkspaceRoles", workspace).total_count)

    main.call("RemoveMemberRole", workspace, member_id, GUEST)
    refused("OperationDenied.LastRole", 400, lambda: main.call("RemoveMemberRole", workspace, member_id, made))
    main.call("DeleteMembers", workspace, member_ids=member_id)
    account.dismiss(holder)
