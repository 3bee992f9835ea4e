"""Sends one request of each kind and ignores the answers: whoever listens gets what the SDKs really sign."""

import argparse

from client import MAIN_KEY, Api, member

CALLS = [
    ("GetWorkspace", ["10001"], {"verbose": True}),
    ("ListWorkspaces", [], {"workspace_ids": "10001,10002", "order": "DESC"}),
    ("GetPermission", ["10001", "PaiDLC:GetTensorboard"], {"option": "ResourceEmpty"}),
    ("UpdateWorkspace", ["10001"], {"description": "研究 research"}),
    ("CreateMember", ["10001"], {"members": [member("2002", "PAI.WorkspaceGuest")]}),
    ("AddMemberRole", ["10001", "10001-2001", "PAI.LabelManager"], {}),
    ("RemoveMemberRole", ["10001", "10001-2001", "PAI.LabelManager"], {}),
    ("ListUsers", [], {"max_items": 3}),
]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--client", choices=["sync", "asyncio"], default="sync")
    api = Api("the main account", MAIN_KEY, options.parse_args().client)
    for operation, path, fields in CALLS:
        api.send(operation, path, {}, fields)


if __name__ == "__main__":
    main()
