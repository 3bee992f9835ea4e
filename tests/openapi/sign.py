"""Signs the operations that want it, as the last thing before a request is sent: loaded by schemathesis.

What the document says of the headers of a signature is generated and thrown away again, for hardly any of it would be one.
"""

import importlib.util
import pathlib
import urllib.parse

import requests.auth
import schemathesis

# The example that users are shown is the only signature there is in Python here.
_example = pathlib.Path(__file__).parents[2] / "examples" / "set_up.py"
_spec = importlib.util.spec_from_file_location("set_up", _example)
set_up = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(set_up)

ACTIONS = {"/v1/workspaces": "SetUpWorkspace", "/v1/users": "ImportUsers"}


class Signature(requests.auth.AuthBase):
    def __call__(self, request):
        url = urllib.parse.urlsplit(request.url)
        if url.path not in ACTIONS or request.method != "POST" or url.query:
            return request
        for name in list(request.headers):
            if name.lower().startswith(("x-acs-", "x-pai-authz-")):
                del request.headers[name]
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body
        signed = set_up.signed_headers("dev", "dev-secret", url.netloc, url.path, ACTIONS[url.path], body)
        # The type of the body is what was generated; it is signed only where it is the right one.
        if request.headers.get("Content-Type", "").lower() == "application/json":
            request.headers.update(signed)
        return request


schemathesis.auth.set_from_requests(Signature()).apply_to(path=list(ACTIONS))
