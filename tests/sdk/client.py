"""One call interface over the official Python SDKs of AIWorkSpace 2021-02-04 and RAM 2015-05-01.

An `Api` holds one access key and calls operations by their names, synchronously or through asyncio. Around it: the
checks of the drivers, the question `POST /v1/is-authorized`, and `run`, which turns a driver into a command. This file
knows nothing of what the server should answer.
"""

import argparse
import asyncio
import json
import os
import re
import sys
import time
import traceback
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

# The SDKs send even loopback requests through these.
for _proxy in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
    os.environ.pop(_proxy, None)
    os.environ.pop(_proxy.lower(), None)

from alibabacloud_aiworkspace20210204 import models as workspace_models
from alibabacloud_aiworkspace20210204.client import Client as WorkspaceClient
from alibabacloud_ram20150501 import models as ram_models
from alibabacloud_ram20150501.client import Client as RamClient
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException, ClientException
from alibabacloud_tea_openapi.utils_models import Config
from darabonba.exceptions import UnretryableException
from darabonba.runtime import ExtendsParameters, RuntimeOptions

# The main account of development mode and its key.
MAIN_ID = "1000000000000001"
MAIN_KEY = ("dev", "dev-secret")
DEV_TOKEN = "dev-token"

# `host:port` of the server under test, for example 127.0.0.1:8080.
ENDPOINT = os.environ.get("PAI_AUTHZ_ENDPOINT", "").removeprefix("http://").rstrip("/")

ANY_4XX = range(400, 500)
REQUEST_ID = r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


class Failure(AssertionError):
    """Something came that was not expected."""


@dataclass
class Tally:
    """How much was asked so far, and what was asked last."""

    calls: int = 0
    refusals: int = 0
    last: str = "nothing"


tally = Tally()
loop = asyncio.new_event_loop()


class Api:
    """Calls operations with one access key.

    `call("GetMember", workspace, user_id=user)`: positional arguments are those of the path, keywords the fields of
    the SDK's request model. Settings beyond the key go into the SDK's `Config`.
    """

    def __init__(self, who, key, mode="sync", endpoint=None, **settings):
        config = Config(
            access_key_id=key[0],
            access_key_secret=key[1],
            endpoint=endpoint or ENDPOINT,
            protocol="HTTP",
            region_id="cn-hangzhou",
            **settings,
        )
        self.who = who
        self.mode = mode
        self.workspace_client = WorkspaceClient(config)
        self.ram_client = RamClient(config)
        self.answer = None

    def call(self, operation, *path, headers=None, **fields):
        """Calls an operation and returns the body of its answer, an object of the SDK."""
        tally.calls += 1
        tally.last = described(self.who, operation, path, fields)
        self.answer = self.send(operation, path, headers or {}, fields)
        if self.answer.body is None:
            # A body whose types are not those of the model is kept by the SDK and shown to nobody.
            raise Failure(f"the SDK cannot read the answer {self.answer._map}")
        check_matches("RequestId", REQUEST_ID, self.answer.body.request_id)
        check("revision in the answer's headers", True, bool(self.revision))
        return self.answer.body

    @property
    def revision(self):
        """The revision of the account that the last answer was given at."""
        return self.answer.headers.get("x-pai-authz-revision")

    def send(self, operation, path, headers, fields):
        """Calls an operation and returns what the SDK made of the answer, unchecked."""
        name = snake(operation) + "_with_options" + ("_async" if self.mode == "asyncio" else "")
        if hasattr(self.workspace_client, name):
            request = getattr(workspace_models, operation + "Request")(**fields)
            sent = getattr(self.workspace_client, name)(*path, request, headers, RuntimeOptions())
        else:
            # The RAM SDK takes no headers of a call; they travel in the runtime options.
            request = getattr(ram_models, operation + "Request")(**fields)
            extra = ExtendsParameters(headers=headers)
            sent = getattr(self.ram_client, name)(request, RuntimeOptions(extends_parameters=extra))
        return loop.run_until_complete(sent) if self.mode == "asyncio" else sent


def snake(operation):
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", operation).lower()


def described(who, operation, path, fields):
    """Says a call in one line, for messages."""
    arguments = [repr(part) for part in path] + [f"{name}={value}" for name, value in fields.items()]
    said = f"{operation}({', '.join(arguments)}) by {who}"
    return said if len(said) < 400 else said[:400] + "…"


# Fields of request models that are lists of objects.


def member(user_id, *roles):
    """One entry of CreateMember's Members."""
    return workspace_models.CreateMemberRequestMembers(user_id=user_id, roles=list(roles))


def module(name, permission_type, *permissions):
    """One entry of CreateWorkspaceRole's and UpdateWorkspaceRole's ModulePermissions."""
    return workspace_models.CreateWorkspaceRoleRequestModulePermissions(
        module_name=name, permission_type=permission_type, permissions=list(permissions) or None
    )


def codes_under(codes, *rules):
    """One entry of a module's Permissions: codes, and (Accessibility, EntityAccessType) pairs."""
    made = workspace_models.CreateWorkspaceRoleRequestModulePermissionsPermissionsPermissionRules
    return workspace_models.CreateWorkspaceRoleRequestModulePermissionsPermissions(
        permission_codes=list(codes),
        permission_rules=[made(accessibility=first, entity_access_type=second) for first, second in rules],
    )


# Checks.


def check(what, expected, came):
    if expected != came:
        raise Failure(f"{what}: expected {expected!r}, came {came!r}")


def check_matches(what, pattern, came):
    if not isinstance(came, str) or not re.fullmatch(pattern, came):
        raise Failure(f"{what}: expected text like {pattern}, came {came!r}")


def check_fields(what, expected, came):
    """Checks the named fields of an SDK object; those not named may be anything."""
    for name, value in expected.items():
        check(f"{what}, {name}", value, getattr(came, name))


def check_times(what, came, *names):
    for name in names:
        check_matches(f"{what}, {name}", TIME, getattr(came, name))


def refused(code, status, fn):
    """Checks that a call is refused with a code and a status, and returns what the SDK raised.

    `code` None is any code; `status` may be a range.
    """
    try:
        came = fn()
    except AlibabaCloudException as refusal:
        tally.refusals += 1
        allowed = status if isinstance(status, range) else [status]
        if refusal.status_code not in allowed or code not in (None, refusal.code):
            expected = f"{status} {code or 'any code'}"
            raise Failure(f"expected the refusal {expected}, came {said(refusal)}") from None
        check("class of the exception", True, isinstance(refusal, ClientException))
        check_matches("RequestId of the refusal", REQUEST_ID, refusal.request_id)
        return refusal
    raise Failure(f"expected the refusal {status} {code or 'with any code'}, came the answer {came}")


def said(refusal):
    return f"{refusal.status_code} {refusal.code} ({refusal.message})"


# What the SDKs do not do.


def http(method, path, body=None, headers=None):
    """Sends a plain request and returns status, headers and body, whatever the status is."""
    tally.calls += 1
    tally.last = f"{method} {path}"
    request = urllib.request.Request(f"http://{ENDPOINT}{path}", body, headers or {}, method=method)
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers, answer.read()


def decide(principal, action, workspace, fresh=None, **resource):
    """Asks for a decision as a service would, and returns `Allow` or `Deny`."""
    kind = "Account" if principal == MAIN_ID else "User"
    question = {
        "principal": {"type": kind, "id": principal},
        "action": action,
        "resource": {"workspace": workspace, **resource},
    }
    if fresh:
        question["atLeastAsFresh"] = fresh
    headers = {"Authorization": f"Bearer {DEV_TOKEN}", "Content-Type": "application/json"}
    status, _, body = http("POST", "/v1/is-authorized", json.dumps(question).encode(), headers)
    check(f"status of the decision {question}, answered {body!r}", 200, status)
    return json.loads(body)["decision"]


# Drivers as commands.


def run(name, script):
    """Runs a driver: `script(mode)`. Prints one line at the end; exits with 1 at the first failure."""
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("--client", choices=["sync", "asyncio"], default="sync")
    mode = parser.parse_args().client
    if not ENDPOINT:
        parser.error("PAI_AUTHZ_ENDPOINT is not set; it names the server, for example 127.0.0.1:8080")
    began = time.monotonic()
    try:
        script(mode)
    except Failure as failure:
        fail(name, mode, failure, str(failure))
    except AlibabaCloudException as refusal:
        fail(name, mode, refusal, f"expected an answer, came the refusal {said(refusal)}")
    except (UnretryableException, OSError) as broken:
        fail(name, mode, broken, f"expected an answer, came none: {broken}")
    except (AttributeError, LookupError, TypeError, ValueError) as surprise:
        fail(name, mode, surprise, f"the answer is not what it should be: {type(surprise).__name__}: {surprise}")
    print(f"{name} took {time.monotonic() - began:.1f} s", file=sys.stderr)
    print(f"{name} ({mode}): {tally.calls} calls, {tally.refusals} refused as they should be")


def fail(name, mode, error, message):
    here = Path(__file__).resolve()
    lines = [
        f"{Path(frame.filename).name}:{frame.lineno}"
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).resolve().parent == here.parent and Path(frame.filename).name != here.name
    ]
    print(f"{name} ({mode}) failed at {' > '.join(lines)}\n  {message}\n  last call: {tally.last}", file=sys.stderr)
    sys.exit(1)
