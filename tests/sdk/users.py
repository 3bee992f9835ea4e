"""RAM users, their access keys, and the signatures made with them."""

import secrets
from datetime import datetime, timedelta, timezone

from client import MAIN_KEY, Api, check, check_fields, check_matches, refused

RAM_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z"


def users(account):
    main = account.main
    name = account.user_name("first")
    made = main.call("CreateUser", user_name=name, display_name="a first user", comments="of the story").user
    check_fields("CreateUser", {"user_name": name, "display_name": "a first user", "comments": "of the story"}, made)
    check_matches("UserId", r"\d{16,18}", made.user_id)
    check_matches("CreateDate", RAM_TIME, made.create_date)

    got = main.call("GetUser", user_name=name).user
    check_fields("GetUser", {"user_name": name, "user_id": made.user_id, "display_name": "a first user"}, got)
    refused("EntityAlreadyExists.User", 409, lambda: main.call("CreateUser", user_name=name))

    # A list comes in parts until IsTruncated is false; Marker asks for the next part.
    second = account.user("second")
    listed = list_users(main, max_items=7)
    for user_id in (made.user_id, second.user_id):
        check(f"times that ListUsers says {user_id}", 1, listed.count(user_id))
    account.dismiss(second)

    nobody = account.user_name("nobody")
    rows = [
        ("MissingParameter", 400, "CreateUser", {}),
        ("InvalidParameter", 400, "CreateUser", {"user_name": "no spaces"}),
        ("InvalidParameter", 400, "CreateUser", {"user_name": "n" * 65}),
        ("InvalidParameter", 400, "CreateUser", {"user_name": nobody, "display_name": "d" * 129}),
        ("MissingParameter", 400, "GetUser", {}),
        ("EntityNotExist.User", 404, "GetUser", {"user_name": nobody}),
        ("EntityNotExist.User", 404, "DeleteUser", {"user_name": nobody}),
        ("EntityNotExist.User", 404, "CreateAccessKey", {"user_name": nobody}),
        ("EntityNotExist.User", 404, "ListAccessKeys", {"user_name": nobody}),
        ("InvalidParameter", 400, "ListUsers", {"max_items": 0}),
        ("InvalidParameter", 400, "ListUsers", {"max_items": 1001}),
    ]
    for code, status, operation, fields in rows:
        refused(code, status, lambda: main.call(operation, **fields))

    main.call("DeleteUser", user_name=name)
    refused("EntityNotExist.User", 404, lambda: main.call("GetUser", user_name=name))


def list_users(api, max_items):
    """Returns the ids of all users, asked for part by part."""
    ids, marker = [], None
    while True:
        part = api.call("ListUsers", max_items=max_items, marker=marker)
        check("users in one part, at most", True, len(part.users.user) <= max_items)
        ids += [user.user_id for user in part.users.user]
        if not part.is_truncated:
            return ids
        marker = part.marker


def access_keys(account):
    main = account.main
    holder = account.caller("key-holder")
    second = main.call("CreateAccessKey", user_name=holder.user_name).access_key
    check("Status of a new key", "Active", second.status)
    check("secret of a new key", True, bool(second.access_key_secret))
    refused("LimitExceeded.User.AccessKey", 409, lambda: main.call("CreateAccessKey", user_name=holder.user_name))
    expected = {holder.key_id: "Active", second.access_key_id: "Active"}
    check("ListAccessKeys", expected, keys_of(account, holder))
    refused("DeleteConflict.User.AccessKey", 409, lambda: main.call("DeleteUser", user_name=holder.user_name))

    # What is done to a key holds from the next call on.
    one = {"user_name": holder.user_name, "user_access_key_id": holder.key_id}
    holder.api.call("ListWorkspaces")
    main.call("UpdateAccessKey", status="Inactive", **one)
    check("ListAccessKeys", expected | {holder.key_id: "Inactive"}, keys_of(account, holder))
    refused("InvalidAccessKeyId.Inactive", 400, lambda: holder.api.call("ListWorkspaces"))
    main.call("UpdateAccessKey", status="Active", **one)
    holder.api.call("ListWorkspaces")
    refused("InvalidParameter", 400, lambda: main.call("UpdateAccessKey", status="Asleep", **one))
    main.call("DeleteAccessKey", **one)
    refused("InvalidAccessKeyId.NotFound", 404, lambda: holder.api.call("ListWorkspaces"))
    refused(None, 404, lambda: main.call("DeleteAccessKey", **one))
    refused(None, 404, lambda: main.call("UpdateAccessKey", status="Active", **one))

    other = Api("the second key", (second.access_key_id, second.access_key_secret), account.mode)
    other.call("ListWorkspaces")
    account.dismiss(holder)
    refused("InvalidAccessKeyId.NotFound", 404, lambda: other.call("ListWorkspaces"))


def keys_of(account, person):
    keys = account.main.call("ListAccessKeys", user_name=person.user_name).access_keys.access_key
    return {key.access_key_id: key.status for key in keys}


def signatures(account):
    main, mode = account.main, account.mode
    for secret in ("dev-Secret", "dev-secret-", "x"):
        forger = Api("a forger", (MAIN_KEY[0], secret), mode)
        refused("SignatureDoesNotMatch", 400, lambda: forger.call("ListWorkspaces"))
        refused("SignatureDoesNotMatch", 400, lambda: forger.call("ListUsers"))
    stranger = Api("a stranger", ("nobody-has-this-key", "dev-secret"), mode)
    refused("InvalidAccessKeyId.NotFound", 404, lambda: stranger.call("ListWorkspaces"))
    refused("InvalidAccessKeyId.NotFound", 404, lambda: stranger.call("ListUsers"))

    # A signed request is taken once: a nonce belongs to one request of one key.
    for operation in ("ListWorkspaces", "ListUsers"):
        nonce = {"x-acs-signature-nonce": secrets.token_hex(16)}
        main.call(operation, headers=nonce)
        refused("SignatureNonceUsed", 400, lambda: main.call(operation, headers=nonce))
    other = account.caller("nonce-holder")
    other.api.call("ListWorkspaces", headers=nonce)
    account.dismiss(other)

    # And within 15 minutes of its time.
    for minutes in (-14, 14):
        main.call("ListWorkspaces", headers=at(minutes))
    for minutes in (-16, 16, -60 * 24 * 365):
        refused("InvalidTimeStamp.Expired", 400, lambda: main.call("ListWorkspaces", headers=at(minutes)))
        refused("InvalidTimeStamp.Expired", 400, lambda: main.call("ListUsers", headers=at(minutes)))
    refused(None, 400, lambda: main.call("ListWorkspaces", headers={"x-acs-date": "yesterday"}))


def at(minutes):
    """Returns the header of a request signed so many minutes from now."""
    moment = datetime.now(timezone.utc) + timedelta(minutes=minutes)
    return {"x-acs-date": moment.strftime("%Y-%m-%dT%H:%M:%SZ")}
