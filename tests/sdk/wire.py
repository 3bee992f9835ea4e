"""The wire under the SDKs: endpoints, headers, retries, odd paths, and the shape of every error.

The story asks what the server decides; this asks whether a client of the vendor's can talk to it at all, also when it
is set up unusually or sends what it should not. Prints one line at the end, or where it stopped.
"""

import sys

sys.dont_write_bytecode = True

import json
import time
import uuid

from client import (
    ANY_4XX,
    DEV_TOKEN,
    ENDPOINT,
    MAIN_KEY,
    REQUEST_ID,
    Api,
    Failure,
    check,
    check_matches,
    decide,
    http,
    member,
    refused,
    run,
)
from darabonba.policy.retry import RetryOptions
from people import Account
from workspaces import MISSING

GUEST = "PAI.WorkspaceGuest"
AT_LEAST = "x-pai-authz-at-least"
REQUEST = "x-pai-authz-request-id"


def wire(mode):
    account = Account(mode)
    workspace = account.workspace("wire")
    ann = account.caller("ann")
    account.join(workspace, ann, GUEST)

    endpoints(account, workspace)
    other_credentials(account)
    retries(account, workspace)
    revisions(account, workspace, ann)
    request_ids(account)
    actions_and_paths(account, workspace)
    role_names(account, workspace, ann)
    empty_path_arguments(account, workspace, ann)
    descriptions(account, workspace)
    ten_thousand_members(account, workspace)
    exceptions(account, ann)
    errors_without_the_sdk()

    account.main.call("DeleteWorkspace", workspace)
    account.dismiss(ann)


def endpoints(account, workspace):
    """An endpoint with a scheme goes into the Host header as it is, and is signed so."""
    api = Api("the main account", MAIN_KEY, account.mode, endpoint=f"http://{ENDPOINT}")
    check("WorkspaceId", workspace, api.call("GetWorkspace", workspace).workspace_id)
    api.call("ListWorkspaces", workspace_name="with a space & a+plus/slash:colon", verbose=True)
    api.call("ListUsers")
    agent = Api("the main account", MAIN_KEY, account.mode, user_agent="terraform  of somebody/1.0")
    agent.call("ListWorkspaces")


def other_credentials(account):
    """Temporary credentials, the old signatures and bearer tokens are refused, of both APIs."""
    settings = [{"security_token": "a-token"}, {"signature_algorithm": "v2"}]
    for extra in settings:
        api = Api(f"the main account with {extra}", MAIN_KEY, account.mode, **extra)
        refused(None, ANY_4XX, lambda: api.call("ListWorkspaces"))
        refused(None, ANY_4XX, lambda: api.call("ListUsers"))
    bearer = Api("a bearer", ("", ""), account.mode, bearer_token=DEV_TOKEN)
    refused(None, ANY_4XX, lambda: bearer.call("ListWorkspaces"))
    refused(None, ANY_4XX, lambda: bearer.call("ListUsers"))


def retries(account, workspace):
    """Every attempt of the SDK is signed anew, with headers that say which it is; the last refusal is the answer."""
    period, attempts = 0.2, 3
    condition = {
        "maxAttempts": attempts,
        "errorCode": ["100400027", "EntityNotExist.User"],
        "backoff": {"policy": "Fixed", "period": int(period * 1000)},
    }
    options = RetryOptions({"retryable": True, "retryCondition": [condition]})
    api = Api("the main account", MAIN_KEY, account.mode, retry_options=options)
    api.call("GetWorkspace", workspace)
    api.call("ListUsers")
    began = time.monotonic()
    refused("100400027", 404, lambda: api.call("GetWorkspace", MISSING))
    refused("EntityNotExist.User", 404, lambda: api.call("GetUser", user_name=account.user_name("nobody")))
    waited = time.monotonic() - began
    check(f"retries happened within {waited} s", True, waited >= 2 * (attempts - 1) * period)


def revisions(account, workspace, ann):
    """Every answer names a revision, and a reader may ask for one at least as new."""
    main = account.main
    before = None
    for roles in (["PAI.LabelManager"], ["PAI.AlgoDeveloper"]):
        account.join(workspace, ann, *roles)
        after = main.revision
        check("the revision moves with a change", False, after == before)
        fresh = {AT_LEAST: after}
        found = ann.api.call("GetMember", workspace, user_id=ann.user_id, headers=fresh).roles
        check("the change is seen", True, roles[0] in found)
        check("decision", "Allow", decide(ann.user_id, "PaiWorkspace:GetMember", workspace, fresh=after))
        before = after
    main.call("ListUsers", headers={AT_LEAST: before})
    middle = len(before) // 2
    edited = before[:middle] + ("A" if before[middle] != "A" else "B") + before[middle + 1 :]
    for wrong in ("nonsense", edited, before + "A"):
        refused(None, 400, lambda: main.call("GetWorkspace", workspace, headers={AT_LEAST: wrong}))


def request_ids(account):
    """A change sent again under its request id is answered as the first time and done once."""
    main = account.main
    name = account.workspace_name("retried")
    fields = {"workspace_name": name, "description": "d", "env_types": ["prod"]}
    under = new_request()
    ids = {main.call("CreateWorkspace", headers=under, **fields).workspace_id for _ in range(3)}
    check("WorkspaceIds answered", 1, len(ids))
    found = main.call("ListWorkspaces", workspace_name=name)
    check("workspaces made", sorted(ids), [item.workspace_id for item in found.workspaces])
    refused("100400009", 400, lambda: main.call("CreateWorkspace", headers=new_request(), **fields))
    other = {**fields, "workspace_name": account.workspace_name("other")}
    refused(None, 400, lambda: main.call("CreateWorkspace", headers=under, **other))
    user = {"user_name": account.user_name("retried")}
    refused(None, 400, lambda: main.call("CreateUser", headers=under, **user))
    [workspace] = ids
    main.call("DeleteWorkspace", workspace)

    under = new_request()
    ids = {main.call("CreateUser", headers=under, **user).user.user_id for _ in range(2)}
    check("UserIds answered", 1, len(ids))
    under = new_request()
    keys = [main.call("CreateAccessKey", headers=under, **user).access_key for _ in range(3)]
    check("AccessKeyIds answered", 1, len({key.access_key_id for key in keys}))
    listed = main.call("ListAccessKeys", **user).access_keys.access_key
    check("access keys made", [keys[0].access_key_id], [key.access_key_id for key in listed])
    pair = (keys[0].access_key_id, keys[0].access_key_secret)
    Api("the retried", pair, account.mode).call("ListWorkspaces")
    main.call("DeleteAccessKey", user_access_key_id=pair[0], **user)
    main.call("DeleteUser", **user)


def new_request():
    return {REQUEST: str(uuid.uuid4())}


def actions_and_paths(account, workspace):
    """A request whose action is not that of its path is refused, though it is signed."""
    for action in ("DeleteWorkspace", "ListMembers", "Nothing", "getworkspace"):
        headers = {"x-acs-action": action}
        refused(None, ANY_4XX, lambda: account.main.call("GetWorkspace", workspace, headers=headers))
    for version in ("2015-05-01", "2021-02-05"):
        headers = {"x-acs-version": version}
        refused(None, ANY_4XX, lambda: account.main.call("GetWorkspace", workspace, headers=headers))
    for action in ("CreateGroup", "Nothing"):
        headers = {"x-acs-action": action}
        refused(None, ANY_4XX, lambda: account.main.call("ListUsers", headers=headers))


def role_names(account, workspace, ann):
    """Whatever a role is called in the path, the signature holds and the answer is about the role."""
    main, member_id = account.main, ann.member_id(workspace)
    odd = ["a/b", "a role", "a%2Fb", "a%b", "a+b", "a?b=c&d#e", "角色", "*", "~", "a:b@c", "r" * 300, "'\"<>\\", " "]
    for name in odd:
        for operation in ("AddMemberRole", "RemoveMemberRole"):
            refusal = refused(None, ANY_4XX, lambda: main.call(operation, workspace, member_id, name))
            if refusal.status_code != 400:
                came = (refusal.status_code, refusal.code)
                check(f"refusal of the role {name!r}, unless it is 400", (404, "EntityNotExist.Role"), came)
    # The libraries under the SDKs take these for steps in the path, after signing them as names.
    for name in (".", ".."):
        refused(None, ANY_4XX, lambda: main.call("AddMemberRole", workspace, member_id, name))
        refused(None, ANY_4XX, lambda: main.call("RemoveMemberRole", workspace, member_id, name))
    for code in ("PaiDLC:Get/Job", "PaiDLC%3AGetJob", "*", "作业"):
        refused("100700008", 404, lambda: main.call("GetPermission", workspace, code))
    came = main.call("GetPermission", workspace, "PaiDLC:GetJob")
    check("PermissionCode", "PaiDLC:GetJob", came.permission_code)


def empty_path_arguments(account, workspace, ann):
    """An argument left empty is not another operation: not the list, and never everything."""
    main = account.main
    rows = [
        ("GetWorkspace", [""], {}),
        ("DeleteWorkspace", [""], {}),
        ("UpdateWorkspace", [""], {"description": "d"}),
        ("ListMembers", [""], {}),
        ("DeleteMembers", [""], {"member_ids": ann.member_id(workspace)}),
        ("DeleteMembers", [workspace], {"member_ids": ""}),
        ("DeleteMembers", [workspace], {"member_ids": ","}),
        ("AddMemberRole", [workspace, "", GUEST], {}),
        ("AddMemberRole", [workspace, ann.member_id(workspace), ""], {}),
        ("RemoveMemberRole", [workspace, ann.member_id(workspace), ""], {}),
        ("GetWorkspaceRole", [workspace, ""], {}),
        ("UpdateWorkspaceRole", [workspace, ""], {"role_name": "r"}),
        ("GetPermission", [workspace, ""], {}),
        ("GetInstanceJob", [""], {}),
        ("GetWorkspace", [" "], {}),
        ("GetWorkspace", ["0"], {}),
        ("GetWorkspace", [f"{workspace}/members"], {}),
    ]
    for operation, path, fields in rows:
        refused(None, ANY_4XX, lambda: main.call(operation, *path, **fields))
    check("members", 2, main.call("ListMembers", workspace).total_count)


def descriptions(account, workspace):
    """A description has up to 80 characters, however many bytes they are."""
    main = account.main
    for letter in ("d", "é", "述", "🐼"):
        main.call("UpdateWorkspace", workspace, description=letter * 80)
        check("Description", letter * 80, main.call("GetWorkspace", workspace).description)
        longer = letter * 81
        refused("InvalidParameter", 400, lambda: main.call("UpdateWorkspace", workspace, description=longer))
        fields = {"workspace_name": account.workspace_name("longer"), "env_types": ["prod"]}
        refused("InvalidParameter", 400, lambda: main.call("CreateWorkspace", description=longer, **fields))
    made = account.workspace("panda", description="🐼" * 80, display_name="熊猫 / a & b = \"c\" \\ d")
    came = main.call("GetWorkspace", made)
    expected = ("🐼" * 80, "熊猫 / a & b = \"c\" \\ d")
    check("what was made", expected, (came.description, came.display_name))
    main.call("DeleteWorkspace", made)


def ten_thousand_members(account, workspace):
    """A batch that is too long is refused whole, also where its first entries are good."""
    first = account.user("first-of-many")
    members = [member(first.user_id, GUEST)] + [member(str(10**17 + n), GUEST) for n in range(9_999)]
    refused("InvalidParameter", 400, lambda: account.main.call("CreateMember", workspace, members=members))
    many = [member(",".join([first.user_id] * 10_000), GUEST)]
    refused("InvalidParameter", 400, lambda: account.main.call("CreateMember", workspace, members=many))
    check("members", 2, account.main.call("ListMembers", workspace).total_count)
    account.dismiss(first)


def exceptions(account, ann):
    """The exception of the SDK says what the body of the error says."""
    main = account.main
    rows = [
        ("100400027", 404, lambda: main.call("GetWorkspace", MISSING)),
        ("100700008", 404, lambda: ann.api.call("GetWorkspace", MISSING)),
        ("NoPermission", 403, lambda: ann.api.call("ListUsers")),
        ("EntityNotExist.User", 404, lambda: main.call("GetUser", user_name="no.such.user")),
    ]
    for code, status, call in rows:
        refusal = refused(code, status, call)
        check("type of the code", str, type(refusal.code))
        check("Code of the body", code, refusal.data["Code"])
        check("RequestId of the body", refusal.request_id, refusal.data["RequestId"])
        message = refusal.data["Message"]
        check_matches("Message of the body", r".+", message)
        check("message of the exception has it", True, message in refusal.message)


def errors_without_the_sdk():
    """What never reaches an operation is refused in the same shape: JSON, with RequestId, Code and Message."""
    signed_badly = {"Authorization": "ACS3-HMAC-SHA256 Credential=dev,SignedHeaders=host,Signature=00"}
    body = json.dumps({"WorkspaceName": "unsigned"}).encode()
    rows = [
        ("GET", "/api/v1/workspaces", None, {}, [400]),
        ("POST", "/api/v1/workspaces", body, {"Content-Type": "application/json"}, [400]),
        ("GET", "/api/v1/workspaces", None, signed_badly, [400]),
        ("GET", "/api/v1/workspaces", None, {"Authorization": "Basic ZGV2OmRldg=="}, [400]),
        ("GET", "/api/v1/workspaces", None, {"Authorization": f"Bearer {DEV_TOKEN}"}, [400]),
        ("GET", "/api/v1/workspaces", None, {"Authorization": ""}, [400]),
        ("POST", "/", None, {}, [400]),
        ("POST", "/?Action=ListUsers&Version=2015-05-01", None, {}, [400]),
        ("POST", "/", None, {"x-acs-action": "ListUsers", "x-acs-version": "2015-05-01"}, [400]),
        ("GET", "/api/v1/nothing", None, {}, ANY_4XX),
        ("GET", "/api/v1/workspaces/", None, {}, ANY_4XX),
        ("GET", "/api/v1/workspaces/1/nothing", None, {}, ANY_4XX),
        ("PATCH", "/api/v1/workspaces", body, {}, ANY_4XX),
        ("DELETE", "/api/v1/workspaces", None, {}, ANY_4XX),
        ("GET", "/api/v1/workspaces/%FF", None, {}, ANY_4XX),
        ("GET", "/api/v1/workspaces?Verbose=%FF&=&&a", None, {}, ANY_4XX),
    ]
    for method, path, sent, headers, statuses in rows:
        check_error(*http(method, path, sent, headers), statuses)


def check_error(status, headers, body, statuses):
    check(f"status, one of {statuses}", True, status in statuses or status)
    check_matches("Content-Type", r"application/json(;.*)?", headers.get("Content-Type"))
    try:
        error = json.loads(body)
    except ValueError:
        raise Failure(f"body of an error: expected JSON, came {body[:200]!r}") from None
    check_matches("RequestId", REQUEST_ID, error.get("RequestId"))
    check_matches("Code", r"[A-Za-z0-9.]+", error.get("Code"))
    check_matches("Message", r"(?s).+", error.get("Message"))


if __name__ == "__main__":
    run("wire", wire)
