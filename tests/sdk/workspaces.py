"""Workspaces: making, reading, listing and changing them, the default one, and names that stay taken."""

from client import MAIN_ID, check, check_fields, check_matches, check_times, member, module, refused

MISSING = "999999999999"
LIMITS = [
    "MaxCompute_share",
    "MaxCompute_isolate",
    "DLC_share",
    "PAI_isolate",
    "PAI_share",
    "DataWorks_isolate",
    "DataWorks_share",
]


def making_and_reading(account):
    """Makes two workspaces and returns their ids."""
    main = account.main
    simple = account.workspace("simple", description="of the story", display_name="故事 (simple mode)")
    standard = account.workspace("standard", env_types=["dev", "prod"])
    check_matches("WorkspaceId", r"\d+", simple)

    expected = {
        "workspace_id": simple,
        "workspace_name": account.workspace_name("simple"),
        "display_name": "故事 (simple mode)",
        "description": "of the story",
        "env_types": ["prod"],
        "creator": MAIN_ID,
        "status": "ENABLED",
        "is_default": False,
    }
    plain = main.call("GetWorkspace", simple, verbose=False)
    check_fields("GetWorkspace", {**expected, "owner": None}, plain)
    check_times("GetWorkspace", plain, "gmt_create_time", "gmt_modified_time")
    check("AdminNames and ExtraInfos", (list, dict), (type(plain.admin_names), type(plain.extra_infos)))
    check("Owner without Verbose", None, main.call("GetWorkspace", simple).owner)
    verbose = main.call("GetWorkspace", simple, verbose=True)
    check_fields("GetWorkspace with Verbose", expected, verbose)
    check("UserId of the Owner", MAIN_ID, verbose.owner.user_id)

    # Without a DisplayName the name is shown.
    second = main.call("GetWorkspace", standard)
    shown = {"display_name": account.workspace_name("standard"), "env_types": ["dev", "prod"]}
    check_fields("GetWorkspace", shown, second)
    return simple, standard


def wrong_values(account, simple):
    main = account.main
    good = {"workspace_name": account.workspace_name("wrong"), "description": "d", "env_types": ["prod"]}
    rows = [
        ("MissingParameter", {"workspace_name": None}),
        ("MissingParameter", {"description": None}),
        ("MissingParameter", {"env_types": None}),
        ("MissingParameter", {"env_types": []}),
        ("InvalidParameter", {"workspace_name": "ab"}),
        ("InvalidParameter", {"workspace_name": "a" * 24}),
        ("InvalidParameter", {"workspace_name": "1_begins_with_a_digit"}),
        ("InvalidParameter", {"workspace_name": "has-a-hyphen"}),
        ("InvalidParameter", {"workspace_name": "工作空间"}),
        ("InvalidParameter", {"description": "d" * 81}),
        ("InvalidParameter", {"env_types": ["test"]}),
        ("InvalidParameter", {"env_types": ["dev"]}),
        ("100400009", {"workspace_name": account.workspace_name("simple")}),
    ]
    for code, change in rows:
        refused(code, 400, lambda: main.call("CreateWorkspace", **{**good, **change}))
    check("workspaces made by refused calls", 0, exists(main, good["workspace_name"]))
    refused("InvalidParameter", 400, lambda: main.call("UpdateWorkspace", simple, description="d" * 81))
    for fields in ({"option": "GetEverything"}, {"order": "UP"}, {"sort_by": "Name"}, {"page_number": 0}, {"page_size": 0}):
        refused("InvalidParameter", 400, lambda: main.call("ListWorkspaces", **fields))


def missing(account):
    """The main account is told that a workspace is missing, whatever it asks of it."""
    main = account.main
    someone = f"{MISSING}-{MAIN_ID}"
    rows = [
        ("GetWorkspace", [], {}),
        ("UpdateWorkspace", [], {"description": "d"}),
        ("DeleteWorkspace", [], {}),
        ("CreateMember", [], {"members": [member(MAIN_ID, "PAI.WorkspaceGuest")]}),
        ("GetMember", [], {"user_id": MAIN_ID}),
        ("ListMembers", [], {}),
        ("DeleteMembers", [], {"member_ids": someone}),
        ("AddMemberRole", [someone, "PAI.WorkspaceGuest"], {}),
        ("RemoveMemberRole", [someone, "PAI.WorkspaceGuest"], {}),
        ("CreateWorkspaceRole", [], {"role_name": "role", "module_permissions": [module("DLC", "ReadOnly")]}),
        ("GetWorkspaceRole", ["role-none"], {}),
        ("ListWorkspaceRoles", [], {}),
        ("UpdateWorkspaceRole", ["role-none"], {"role_name": "role"}),
        ("DeleteWorkspaceRoles", [], {"role_ids": ["role-none"]}),
        ("ListWorkspaceUsers", [], {}),
        ("ListPermissions", [], {}),
        ("GetPermission", ["PaiWorkspace:GetWorkspace"], {}),
    ]
    for operation, path, fields in rows:
        refused("100400027", 404, lambda: main.call(operation, MISSING, *path, **fields))
    refused("100400027", 404, lambda: main.call("UpdateDefaultWorkspace", workspace_id=MISSING))
    refused("MissingParameter", 400, lambda: main.call("UpdateDefaultWorkspace"))
    refused(None, 404, lambda: main.call("GetInstanceJob", "CreateWorkspaceCustomRole-role-none"))


def updating(account, simple):
    """DisplayName and Description change, each alone; the name and the time of creation never do."""
    main = account.main
    before = main.call("GetWorkspace", simple)
    main.call("UpdateWorkspace", simple, description="d" * 80)
    after = main.call("GetWorkspace", simple)
    kept = ("workspace_name", "display_name", "env_types", "creator", "gmt_create_time", "is_default")
    expected = {name: getattr(before, name) for name in kept}
    check_fields("after UpdateWorkspace", {**expected, "description": "d" * 80}, after)
    check("GmtModifiedTime has moved", True, after.gmt_modified_time > before.gmt_modified_time)
    main.call("UpdateWorkspace", simple, display_name="shown")
    shown = {**expected, "description": "d" * 80, "display_name": "shown"}
    check_fields("after UpdateWorkspace", shown, main.call("GetWorkspace", simple))


def listing(account, simple, standard):
    """Pages, orders, filters, the details of an item, and the other things ListWorkspaces is asked for."""
    main = account.main
    third = account.workspace("third")
    main.call("UpdateWorkspace", simple, description="changed last")
    ours = ",".join([simple, standard, third])

    pages = [(1, 2, 2), (2, 2, 1), (3, 2, 0), (1, 3, 3), (99, 20, 0)]
    for number, size, expected in pages:
        page = main.call("ListWorkspaces", workspace_ids=ours, page_number=number, page_size=size)
        check(f"items of page {number} by {size}", expected, len(page.workspaces))
        check("TotalCount", 3, page.total_count)
    both = [main.call("ListWorkspaces", workspace_ids=ours, page_number=n, page_size=2).workspaces for n in (1, 2)]
    check("all pages together", sorted([simple, standard, third]), sorted(w.workspace_id for page in both for w in page))

    for sort_by, field in (("GmtCreateTime", "gmt_create_time"), ("GmtModifiedTime", "gmt_modified_time")):
        for order in ("ASC", "DESC"):
            items = main.call("ListWorkspaces", workspace_ids=ours, sort_by=sort_by, order=order, verbose=True)
            times = [getattr(item, field) for item in items.workspaces]
            check(f"{sort_by} in the order {order}", sorted(times, reverse=order == "DESC"), times)

    filters = [
        ({"workspace_name": account.workspace_name("third")}, [third]),
        ({"workspace_name": account.workspace_name("none")}, []),
        ({"workspace_ids": f"{third},{MISSING}"}, [third]),
        ({"workspace_ids": ours, "status": "ENABLED"}, [simple, standard, third]),
        ({"workspace_ids": ours, "status": "FROZEN"}, []),
        ({"workspace_ids": ours, "module_list": "PAI", "option": "GetWorkspaces"}, [simple, standard, third]),
    ]
    for fields, expected in filters:
        found = main.call("ListWorkspaces", **fields)
        ids = sorted(item.workspace_id for item in found.workspaces)
        check(f"ListWorkspaces with {fields}", (sorted(expected), len(expected)), (ids, found.total_count))

    details(account, third)
    main.call("DeleteWorkspace", third)


def details(account, workspace):
    main, name = account.main, account.workspace_name("third")
    for verbose in (True, False):
        [item] = main.call("ListWorkspaces", workspace_ids=workspace, verbose=verbose).workspaces
        check_fields(f"an item with Verbose={verbose}", {"workspace_id": workspace, "workspace_name": name}, item)
    [item] = main.call("ListWorkspaces", workspace_ids=workspace, verbose=True).workspaces
    whole = {
        "display_name": name,
        "description": "made by a test",
        "env_types": ["prod"],
        "creator": MAIN_ID,
        "status": "ENABLED",
        "is_default": False,
    }
    check_fields("an item", whole, item)
    check_times("an item", item, "gmt_create_time", "gmt_modified_time")
    [item] = main.call("ListWorkspaces", workspace_ids=workspace, fields="Id").workspaces
    check("an item with Fields=Id", {"WorkspaceId": workspace}, item.to_map())

    limits = main.call("ListWorkspaces", option="GetResourceLimits").resource_limits
    for product in LIMITS:
        check(f"{product} is in the ResourceLimits", True, product in limits)


def exists(api, name):
    """How often a name is taken, also by a workspace that the caller does not see."""
    return api.call("ListWorkspaces", option="CheckWorkspaceExists", workspace_name=name).total_count


def names_stay_taken(account):
    """A name is taken while its workspace lives, and for 14 days after; also for those who see neither."""
    main, name = account.main, account.workspace_name("named")
    outsider = account.caller("name-seeker")
    for api in (main, outsider.api):
        check("CheckWorkspaceExists of a free name", 0, exists(api, name))
    made = account.workspace("named")
    check("the outsider sees workspaces", 0, outsider.api.call("ListWorkspaces").total_count)
    for deleted in (False, True):
        if deleted:
            main.call("DeleteWorkspace", made)
            refused("100400027", 404, lambda: main.call("GetWorkspace", made))
            refused("100400027", 404, lambda: main.call("DeleteWorkspace", made))
            check("ListWorkspaces shows it", 0, main.call("ListWorkspaces", workspace_ids=made).total_count)
        refused("100400009", 400, lambda: account.workspace("named"))
        for api in (main, outsider.api):
            check("CheckWorkspaceExists of a taken name", True, exists(api, name) >= 1)
    account.dismiss(outsider)


def default(account, simple, standard):
    """At most one workspace is the default; a caller is told of it only when it may see it."""
    main = account.main
    outsider = account.caller("default-seeker")
    for workspace, other in ((standard, simple), (simple, standard)):
        main.call("UpdateDefaultWorkspace", workspace_id=workspace)
        came = main.call("GetDefaultWorkspace", verbose=True)
        got = main.call("GetWorkspace", workspace)
        same = ("workspace_id", "workspace_name", "display_name", "description", "env_types", "creator", "status")
        check_fields("GetDefaultWorkspace", {name: getattr(got, name) for name in same}, came)
        check_times("GetDefaultWorkspace", came, "gmt_create_time", "gmt_modified_time")
        check("UserId of the Owner", MAIN_ID, came.owner.user_id)
        check("Codes of the Conditions", {200}, {condition.code for condition in came.conditions})
        check("IsDefault of the two", (True, False), tuple(is_default(main, w) for w in (workspace, other)))
    for fields in ({}, {"verbose": False}):
        check("Conditions without Verbose", False, bool(main.call("GetDefaultWorkspace", **fields).conditions))
    refused("100400027", 404, lambda: outsider.api.call("GetDefaultWorkspace"))
    account.join(simple, outsider, "PAI.WorkspaceGuest")
    check("the default of a member", simple, outsider.api.call("GetDefaultWorkspace").workspace_id)
    main.call("DeleteMembers", simple, member_ids=outsider.member_id(simple))
    account.dismiss(outsider)


def is_default(api, workspace):
    return api.call("GetWorkspace", workspace).is_default
