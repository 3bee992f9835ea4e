"""Gives user 2999 a role in workspace 10001 and takes it away again, with the vendor's official SDK.

usage: story.py ENDPOINT join|leave|members
"""

import sys

from alibabacloud_aiworkspace20210204 import models
from alibabacloud_aiworkspace20210204.client import Client
from alibabacloud_tea_openapi.utils_models import Config

if len(sys.argv) != 3 or sys.argv[2] not in ("join", "leave", "members"):
    sys.exit(__doc__)
endpoint, what = sys.argv[1:]
# Beside the key, endpoint and protocol are all that differs from the cloud.
client = Client(
    Config(
        access_key_id="dev",
        access_key_secret="dev-secret",
        endpoint=endpoint,
        protocol="HTTP",
        region_id="cn-hangzhou",
    )
)

if what == "join":
    member = models.CreateMemberRequestMembers(user_id="2999", roles=["PAI.AlgoDeveloper"])
    answer = client.create_member("10001", models.CreateMemberRequest(members=[member]))
    for member in answer.body.members:
        print(member.member_id, *member.roles)
elif what == "leave":
    client.delete_members("10001", models.DeleteMembersRequest(member_ids="10001-2999"))
    print("10001-2999 has left")
else:
    request = models.ListMembersRequest(roles="PAI.WorkspaceAdmin", page_size=3)
    answer = client.list_members("10001", request).body
    print(answer.total_count, "administrators, the first of them:")
    for member in answer.members:
        print(member.member_id, member.member_name, *member.roles)
