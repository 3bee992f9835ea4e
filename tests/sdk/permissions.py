"""ListPermissions and GetPermission: what the caller itself may do in a workspace."""

import catalogue
from client import MAIN_ID, check, refused
from workspaces import MISSING

# Accessibility of an asset, whether the caller made it, and the cell that then decides.
ASSETS = [("PRIVATE", True, "p"), ("PRIVATE", False, "P"), ("PUBLIC", True, "u"), ("PUBLIC", False, "U")]
SOMEBODY = "100000000000000001"


def permissions(cast):
    main = cast.account.main
    for name, person in cast.callers.items():
        listing(name, person.api, cast.workspace, person.granted)
        getting(person.api, cast.workspace, person.user_id, person.granted)
        refused("100700008", 404, lambda: person.api.call("ListPermissions", MISSING))
        refused("100700008", 404, lambda: person.api.call("GetPermission", MISSING, "PaiWorkspace:GetWorkspace"))
    listing("the main account", main, cast.workspace, catalogue.of_main_account())
    getting(main, cast.workspace, MAIN_ID, catalogue.of_main_account())
    only_about_itself(cast)


def listing(name, api, workspace, granted):
    """The list has what the roles grant, and beside it nothing but what everybody is granted."""
    came = api.call("ListPermissions", workspace)
    rules = {one.permission_code: catalogue.rules_of(one.permission_rules) for one in came.permissions}
    check(f"TotalCount for {name}", len(came.permissions), came.total_count)
    check(f"codes listed twice for {name}", len(came.permissions), len(rules))
    check(f"codes missing for {name}", [], sorted(granted.keys() - catalogue.OPEN_CODES - rules.keys()))
    check(f"codes too many for {name}", [], sorted(rules.keys() - granted.keys() - catalogue.OPEN_CODES))
    for code, cells in granted.items():
        if code not in catalogue.OPEN_CODES:
            check(f"rules of {code} for {name}", catalogue.RULES[cells], rules[code])


def getting(api, workspace, user_id, granted):
    """One code of every way to be granted is asked for, on assets of every kind."""
    examples = {cells: code for code, cells in sorted(granted.items()) if code not in catalogue.OPEN_CODES}
    for cells, code in examples.items():
        came = api.call("GetPermission", workspace, code)
        check("PermissionCode", code, came.permission_code)
        check(f"rules of {code}", catalogue.RULES[cells], catalogue.rules_of(came.permission_rules))
        for accessibility, own, cell in ASSETS:
            asset = {"accessibility": accessibility, "creator": user_id if own else SOMEBODY}
            if cell in cells:
                came = api.call("GetPermission", workspace, code, **asset)
                check(f"rules of {code} on {asset}", True, bool(came.permission_rules))
            else:
                refused("100700008", 404, lambda: api.call("GetPermission", workspace, code, **asset))

    # What is not granted, not there, or spelt otherwise has one answer.
    others = sorted(catalogue.of_main_account().keys() - granted.keys() - catalogue.OPEN_CODES)
    example = next(iter(examples.values()), "PaiDLC:GetJob")
    for code in [*others[:1], *others[-1:], "PaiDLC:Nothing", "nothing", "Pai/DLC Get", example.lower()]:
        refused("100700008", 404, lambda: api.call("GetPermission", workspace, code))


def only_about_itself(cast):
    """Whoever signs is judged; a request that names another caller is refused, whoever sends it."""
    api, own = cast["developer"].api, cast["developer"].user_id
    code = "PaiDLC:StopJob"
    accepted = [
        {"resource": "job/dlc-1"},
        {"option": "ResourceEmpty"},
        {"option": "DisableRam"},
        {"option": "ResourceEmpty,DisableRam"},
        {"labels": {"team": "a b&c", "size": 3}},
        {"resource": "job/dlc-1", "accessibility": "PRIVATE", "creator": own, "labels": {"k": "v"}},
    ]
    for fields in accepted:
        api.call("GetPermission", cast.workspace, code, **fields)
    asset = {"accessibility": "SECRET", "creator": own}
    refused("InvalidParameter", 400, lambda: api.call("GetPermission", cast.workspace, code, **asset))
    refused("InvalidParameter", 400, lambda: api.call("GetPermission", cast.workspace, code, option="Everything"))
    others = [
        {"caller_uid": cast["administrator"].user_id},
        {"caller_uid": own},
        {"caller_type": "sub"},
        {"caller_access_key_id": cast["administrator"].key_id},
        {"caller_security_token": "token"},
        {"security_token": "token"},
    ]
    for fields in others:
        for caller in (api, cast.account.main):
            refused("NoPermission", 403, lambda: caller.call("GetPermission", cast.workspace, code, **fields))
