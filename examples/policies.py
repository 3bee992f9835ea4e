"""Denies user 2001 to stop training jobs by a RAM policy, and takes the policy away again, with the vendor's official RAM SDK.

usage: policies.py ENDPOINT attach|detach
"""

import json
import sys

from alibabacloud_ram20150501 import models
from alibabacloud_ram20150501.client import Client
from alibabacloud_tea_openapi.utils_models import Config

if len(sys.argv) != 3 or sys.argv[2] not in ("attach", "detach"):
    sys.exit(__doc__)
endpoint, what = sys.argv[1:]
client = Client(
    Config(access_key_id="dev", access_key_secret="dev-secret", endpoint=endpoint, protocol="HTTP")
)
# RAM calls users by name.
users = client.list_users(models.ListUsersRequest()).body.users.user
name = next(user.user_name for user in users if user.user_id == "2001")
policy = {"policy_type": "Custom", "policy_name": "no-stopping"}

if what == "attach":
    statement = {"Effect": "Deny", "Action": "paidlc:StopJob", "Resource": "*"}
    document = json.dumps({"Version": "1", "Statement": [statement]})
    client.create_policy(
        models.CreatePolicyRequest(policy_name="no-stopping", policy_document=document)
    )
    client.attach_policy_to_user(models.AttachPolicyToUserRequest(**policy, user_name=name))
    print("no-stopping is attached to", name)
else:
    client.detach_policy_from_user(models.DetachPolicyFromUserRequest(**policy, user_name=name))
    client.delete_policy(models.DeletePolicyRequest(policy_name="no-stopping"))
    print("no-stopping is gone")
