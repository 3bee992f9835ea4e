"""Members and their roles, on a workspace where nobody else is at work."""

from client import ANY_4XX, MAIN_ID, check, check_fields, check_matches, check_times, member, refused

OWNER, ADMIN = "PAI.WorkspaceOwner", "PAI.WorkspaceAdmin"
GUEST, LABELLER, DEVELOPER, OPERATOR = (
    "PAI.WorkspaceGuest",
    "PAI.LabelManager",
    "PAI.AlgoDeveloper",
    "PAI.AlgoOperator",
)
NOBODY = "100000000000000001"


def members(account, workspace):
    ann, bob, cem = (account.user(name) for name in ("ann", "bob", "cem"))
    adding(account, workspace, ann, bob, cem)
    getting(account, workspace, ann)
    listing(account, workspace, ann, bob, cem)
    refused_additions(account, workspace, ann)
    changing_roles(account, workspace, ann)
    as_terraform_does(account, workspace, bob)
    owner(account, workspace, ann)
    candidates(account, workspace, ann)
    removing(account, workspace, ann, bob, cem)
    for person in (ann, bob, cem):
        account.dismiss(person)


def adding(account, workspace, ann, bob, cem):
    main = account.main
    [came] = main.call("CreateMember", workspace, members=[member(ann.user_id, GUEST)]).members
    expected = {"user_id": ann.user_id, "member_id": ann.member_id(workspace), "roles": [GUEST]}
    check_fields("CreateMember", {**expected, "display_name": f"ann {account.suffix}"}, came)

    # Who is a member already keeps its roles and gets the others.
    [came] = main.call("CreateMember", workspace, members=[member(ann.user_id, LABELLER, GUEST)]).members
    check("Roles after adding again", sorted([GUEST, LABELLER]), sorted(came.roles))
    check("Roles of the member", sorted([GUEST, LABELLER]), roles_of(account, workspace, ann))

    # UserId may be several ids, ids of members, and come with line breaks, as in the vendor's examples.
    several = f"{bob.user_id},\n{cem.member_id(workspace)}\n"
    came = main.call("CreateMember", workspace, members=[member(several, DEVELOPER)]).members
    check("UserIds added", sorted([bob.user_id, cem.user_id]), sorted(one.user_id for one in came))
    for person in (bob, cem):
        check(f"Roles of {person.name}", [DEVELOPER], roles_of(account, workspace, person))


def roles_of(account, workspace, person):
    return sorted(account.main.call("GetMember", workspace, user_id=person.user_id).roles)


def getting(account, workspace, ann):
    main = account.main
    expected = {
        "user_id": ann.user_id,
        "member_id": ann.member_id(workspace),
        "member_name": ann.user_name,
        "display_name": f"ann {account.suffix}",
        "account_type": "5",
    }
    ways = [
        {"user_id": ann.user_id},
        {"member_id": ann.member_id(workspace)},
        {"user_id": f"{ann.user_id}\n"},
        {"member_id": f"\n{ann.member_id(workspace)}"},
    ]
    for way in ways:
        came = main.call("GetMember", workspace, **way)
        check_fields(f"GetMember by {way}", expected, came)
        check_times("GetMember", came, "gmt_create_time")
    rows = [
        ("MissingParameter", 400, {}),
        ("InvalidParameter", 400, {"user_id": ann.user_id, "member_id": ann.member_id(workspace)}),
        ("EntityNotExist.Member", 404, {"user_id": NOBODY}),
        ("EntityNotExist.Member", 404, {"member_id": f"{workspace}-{NOBODY}"}),
        ("EntityNotExist.Member", 404, {"member_id": f"1-{ann.user_id}"}),
    ]
    for code, status, fields in rows:
        refused(code, status, lambda: main.call("GetMember", workspace, **fields))

    # Whoever made the workspace is in it, with two roles.
    came = main.call("GetMember", workspace, user_id=MAIN_ID)
    check("AccountType of the main account", "1", came.account_type)
    check("Roles of the main account", sorted([OWNER, ADMIN]), sorted(came.roles))


def listing(account, workspace, ann, bob, cem):
    main = account.main
    everybody = [MAIN_ID, ann.user_id, bob.user_id, cem.user_id]
    filters = [
        ({}, everybody),
        ({"member_name": f"b.{account.suffix}"}, [bob.user_id]),
        ({"member_name": account.suffix}, everybody[1:]),
        ({"member_name": "nobody-is-called-so"}, []),
        ({"user_id": cem.user_id}, [cem.user_id]),
        ({"user_id": NOBODY}, []),
        ({"roles": DEVELOPER}, [bob.user_id, cem.user_id]),
        ({"roles": f"{DEVELOPER},{LABELLER}"}, [ann.user_id, bob.user_id, cem.user_id]),
        ({"roles": OWNER}, [MAIN_ID]),
        ({"roles": DEVELOPER, "user_id": ann.user_id}, []),
    ]
    for fields, expected in filters:
        came = main.call("ListMembers", workspace, **fields)
        ids = sorted(one.user_id for one in came.members)
        check(f"ListMembers with {fields}", (sorted(expected), len(expected)), (ids, came.total_count))
    pages = [(1, 3, 3), (2, 3, 1), (3, 3, 0), (99, 20, 0)]
    for number, size, expected in pages:
        came = main.call("ListMembers", workspace, page_number=number, page_size=size)
        check(f"page {number} by {size}", (expected, 4), (len(came.members), came.total_count))
    seen = [
        one.user_id
        for number in (1, 2, 3, 4)
        for one in main.call("ListMembers", workspace, page_number=number, page_size=1).members
    ]
    check("all pages together", sorted(everybody), sorted(seen))
    for fields in ({"page_number": 0}, {"page_size": 0}):
        refused("InvalidParameter", 400, lambda: main.call("ListMembers", workspace, **fields))

    [item] = main.call("ListMembers", workspace, user_id=ann.user_id).members
    expected = {"member_id": ann.member_id(workspace), "member_name": ann.user_name, "account_type": "5"}
    check_fields("an item", {**expected, "display_name": f"ann {account.suffix}"}, item)
    check("Roles of an item", sorted([GUEST, LABELLER]), sorted(item.roles))
    check_matches("AccountName of an item", r".+", item.account_name)
    check_times("an item", item, "gmt_create_time")


def refused_additions(account, workspace, ann):
    """A batch with one wrong entry adds nobody."""
    main = account.main
    late = account.user("late")
    good = member(late.user_id, GUEST)
    rows = [
        ("MissingParameter", 400, None),
        ("MissingParameter", 400, []),
        ("MissingParameter", 400, [good, member(ann.user_id)]),
        ("MissingParameter", 400, [good, member(None, GUEST)]),
        ("InvalidParameter", 400, [good, member("not-an-id", GUEST)]),
        ("InvalidParameter", 400, [good, member(ann.user_id, OWNER)]),
        ("InvalidParameter", 400, [member(late.user_id, GUEST, OWNER)]),
        ("EntityNotExist.Role", 404, [good, member(ann.user_id, "PAI.Nothing")]),
        ("EntityNotExist.Role", 404, [member(late.user_id, GUEST, "no-such-role")]),
        ("EntityNotExist.User", 404, [good, member(NOBODY, GUEST)]),
        ("EntityNotExist.User", 404, [member(f"{late.user_id},{NOBODY}", GUEST)]),
    ]
    for code, status, entries in rows:
        refused(code, status, lambda: main.call("CreateMember", workspace, members=entries))
    check("members after refusals", 4, main.call("ListMembers", workspace).total_count)
    check("Roles after refusals", sorted([GUEST, LABELLER]), roles_of(account, workspace, ann))
    account.dismiss(late)


def changing_roles(account, workspace, ann):
    """Roles come and go one by one; a role that is held may be given again; the last one stays."""
    main, member_id = account.main, ann.member_id(workspace)
    for _ in range(2):
        main.call("AddMemberRole", workspace, member_id, OPERATOR)
        check("Roles", sorted([GUEST, LABELLER, OPERATOR]), roles_of(account, workspace, ann))
    for role, left in ((OPERATOR, [GUEST, LABELLER]), (GUEST, [LABELLER])):
        main.call("RemoveMemberRole", workspace, member_id, role)
        check("Roles", sorted(left), roles_of(account, workspace, ann))
    refused(None, ANY_4XX, lambda: main.call("RemoveMemberRole", workspace, member_id, GUEST))
    nobody = f"{workspace}-{NOBODY}"
    rows = [
        ("OperationDenied.LastRole", 400, "RemoveMemberRole", member_id, LABELLER),
        ("InvalidParameter", 400, "AddMemberRole", member_id, OWNER),
        ("EntityNotExist.Role", 404, "AddMemberRole", member_id, "no-such-role"),
        ("EntityNotExist.Role", 404, "AddMemberRole", member_id, "PAI.Nothing"),
        ("EntityNotExist.Role", 404, "RemoveMemberRole", member_id, "no-such-role"),
        ("EntityNotExist.Member", 404, "AddMemberRole", nobody, GUEST),
        ("EntityNotExist.Member", 404, "RemoveMemberRole", nobody, GUEST),
        ("EntityNotExist.Member", 404, "AddMemberRole", f"1-{ann.user_id}", GUEST),
    ]
    for code, status, operation, of, role in rows:
        refused(code, status, lambda: main.call(operation, workspace, of, role))
    check("Roles after refusals", [LABELLER], roles_of(account, workspace, ann))


def as_terraform_does(account, workspace, bob):
    """Terraform changes roles by removing those that go, then adding those that come.

    Replacing all roles at once therefore meets the rule of the last role; keeping one does not.
    """
    main, member_id = account.main, bob.member_id(workspace)
    refused("OperationDenied.LastRole", 400, lambda: main.call("RemoveMemberRole", workspace, member_id, DEVELOPER))
    main.call("AddMemberRole", workspace, member_id, GUEST)
    for gone, come in ((DEVELOPER, LABELLER), (LABELLER, OPERATOR)):
        main.call("RemoveMemberRole", workspace, member_id, gone)
        main.call("AddMemberRole", workspace, member_id, come)
        check("Roles", sorted([GUEST, come]), roles_of(account, workspace, bob))
    main.call("RemoveMemberRole", workspace, member_id, OPERATOR)
    refused("OperationDenied.LastRole", 400, lambda: main.call("RemoveMemberRole", workspace, member_id, GUEST))


def owner(account, workspace, ann):
    """The owner stays, and nobody goes with it."""
    main, owner_id = account.main, f"{workspace}-{MAIN_ID}"
    refused("100600017", 400, lambda: main.call("RemoveMemberRole", workspace, owner_id, OWNER))
    for ids in (owner_id, f"{ann.member_id(workspace)},{owner_id}", f"{owner_id},{ann.member_id(workspace)}"):
        refused("100600017", 400, lambda: main.call("DeleteMembers", workspace, member_ids=ids))
    check("members after refusals", 4, main.call("ListMembers", workspace).total_count)
    came = main.call("GetMember", workspace, user_id=MAIN_ID)
    check("Roles of the owner", sorted([OWNER, ADMIN]), sorted(came.roles))


def candidates(account, workspace, ann):
    """ListWorkspaceUsers names the users that are not members yet."""
    main = account.main
    free = account.user("free", display_name=account.user_name("free"))
    rows = [
        ({"user_id": free.user_id}, [free.user_id]),
        ({"user_name": free.user_name}, [free.user_id]),
        ({"user_id": ann.user_id}, []),
        ({"user_id": MAIN_ID}, []),
        ({"user_name": "nobody-is-called-so"}, []),
    ]
    for fields, expected in rows:
        came = main.call("ListWorkspaceUsers", workspace, **fields)
        ids = [user.user_id for user in came.users]
        check(f"ListWorkspaceUsers with {fields}", (expected, len(expected)), (ids, came.total_count))
    ids = [user.user_id for user in main.call("ListWorkspaceUsers", workspace).users]
    check("who is listed", (True, False, False), (free.user_id in ids, ann.user_id in ids, MAIN_ID in ids))
    account.dismiss(free)


def removing(account, workspace, ann, bob, cem):
    main = account.main
    refused("DeleteConflict.User.Member", 409, lambda: main.call("DeleteUser", user_name=ann.user_name))
    rows = [
        ("MissingParameter", 400, None),
        ("EntityNotExist.Member", 404, f"{workspace}-{NOBODY}"),
        ("EntityNotExist.Member", 404, f"{ann.member_id(workspace)},{workspace}-{NOBODY}"),
    ]
    for code, status, ids in rows:
        refused(code, status, lambda: main.call("DeleteMembers", workspace, member_ids=ids))
    check("members after refusals", 4, main.call("ListMembers", workspace).total_count)

    several = f"{ann.member_id(workspace)}\n,\n{bob.member_id(workspace)}"
    came = main.call("DeleteMembers", workspace, member_ids=several)
    check_fields("DeleteMembers", {"code": None, "message": None}, came)
    ids = sorted(one.user_id for one in main.call("ListMembers", workspace).members)
    check("who is left", sorted([MAIN_ID, cem.user_id]), ids)
    refused("EntityNotExist.Member", 404, lambda: main.call("GetMember", workspace, user_id=ann.user_id))
    refused("EntityNotExist.Member", 404, lambda: main.call("DeleteMembers", workspace, member_ids=several))
    came = main.call("ListWorkspaceUsers", workspace, user_id=ann.user_id)
    check("who was removed may be added", 1, came.total_count)
    main.call("DeleteMembers", workspace, member_ids=cem.member_id(workspace))
