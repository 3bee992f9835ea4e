"""Calls one of this service's own signed operations: a workspace with its members in one step, or users by their ids.

usage: set_up.py ENDPOINT workspaces|users FILE

FILE has the JSON body. The access key is taken from PAI_AUTHZ_ACCESS_KEY_ID and PAI_AUTHZ_ACCESS_KEY_SECRET; without
them it is that of development mode. Nothing but the standard library is needed: this is all there is to a signature.
"""

import hashlib
import hmac
import http.client
import os
import sys
import time
import uuid

ACTIONS = {"workspaces": "SetUpWorkspace", "users": "ImportUsers"}


def signed_headers(key: str, secret: str, host: str, path: str, action: str, body: bytes) -> dict[str, str]:
    payload = hashlib.sha256(body).hexdigest()
    headers = {
        "content-type": "application/json",
        "host": host,
        "x-acs-action": action,
        "x-acs-content-sha256": payload,
        "x-acs-date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "x-acs-signature-nonce": uuid.uuid4().hex,
    }
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    # Method, path, query, headers, their names, the hash of the body.
    canonical = "\n".join(["POST", path, "", lines, names, payload])
    text = "ACS3-HMAC-SHA256\n" + hashlib.sha256(canonical.encode()).hexdigest()
    signature = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    credential = f"Credential={key},SignedHeaders={names},Signature={signature}"
    return headers | {"authorization": f"ACS3-HMAC-SHA256 {credential}"}


def main() -> int:
    if len(sys.argv) != 4 or sys.argv[2] not in ACTIONS:
        print(__doc__)
        return 2
    endpoint, what, file = sys.argv[1:]
    key = os.environ.get("PAI_AUTHZ_ACCESS_KEY_ID", "dev")
    secret = os.environ.get("PAI_AUTHZ_ACCESS_KEY_SECRET", "dev-secret")
    with open(file, "rb") as opened:
        body = opened.read()
    path = f"/v1/{what}"
    connection = http.client.HTTPConnection(endpoint, timeout=10)
    headers = signed_headers(key, secret, endpoint, path, ACTIONS[what], body)
    connection.request("POST", path, body, headers)
    answer = connection.getresponse()
    print(answer.read().decode())
    return 0 if answer.status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
