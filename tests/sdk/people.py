"""The account of a driver: its main account, and the RAM users a run makes in it.

Every run names what it makes with a suffix of its own, so that one server can be asked again and again.
"""

import secrets
from dataclasses import dataclass, field

import catalogue
from client import MAIN_ID, MAIN_KEY, Api, member


@dataclass
class Person:
    """A RAM user."""

    name: str
    user_name: str
    user_id: str
    api: Api = None
    key_id: str = None
    # What the roles of this person in the workspace of the story grant: codes with their cells.
    granted: dict = field(default_factory=dict)

    def member_id(self, workspace):
        return f"{workspace}-{self.user_id}"


class Account:
    """The main account, with what this run made."""

    def __init__(self, mode):
        self.mode = mode
        self.suffix = secrets.token_hex(4)
        self.main = Api("the main account", MAIN_KEY, mode)
        self.user_id = MAIN_ID
        self.people = []

    def workspace_name(self, text):
        """Returns a workspace name of this run; at most 23 characters."""
        return f"{text}_{self.suffix}"

    def user_name(self, text):
        return f"{text}.{self.suffix}"

    def user(self, name, display_name=None):
        """Makes a RAM user."""
        user_name, shown = self.user_name(name), display_name or f"{name} {self.suffix}"
        made = self.main.call("CreateUser", user_name=user_name, display_name=shown).user
        person = Person(name, user_name, made.user_id)
        self.people.append(person)
        return person

    def caller(self, name):
        """Makes a RAM user with an access key."""
        person = self.user(name)
        key = self.main.call("CreateAccessKey", user_name=person.user_name).access_key
        person.key_id = key.access_key_id
        person.api = Api(f"the {name}", (key.access_key_id, key.access_key_secret), self.mode)
        return person

    def workspace(self, text, **fields):
        """Makes a workspace and returns its id."""
        fields = {"description": "made by a test", "env_types": ["prod"], **fields}
        return self.main.call("CreateWorkspace", workspace_name=self.workspace_name(text), **fields).workspace_id

    def join(self, workspace, person, *roles):
        """Makes a person a member."""
        self.main.call("CreateMember", workspace, members=[member(person.user_id, *roles)])

    def dismiss(self, person):
        """Deletes a RAM user with its keys."""
        keys = self.main.call("ListAccessKeys", user_name=person.user_name).access_keys.access_key
        for key in keys:
            self.main.call("DeleteAccessKey", user_name=person.user_name, user_access_key_id=key.access_key_id)
        self.main.call("DeleteUser", user_name=person.user_name)
        self.people.remove(person)


# The callers of the story with the built-in role of each.
BUILTIN = {
    "administrator": "PAI.WorkspaceAdmin",
    "developer": "PAI.AlgoDeveloper",
    "O-and-M-engineer": "PAI.AlgoOperator",
    "labeling-administrator": "PAI.LabelManager",
    "visitor": "PAI.WorkspaceGuest",
    "MaxCompute-developer": "PAI.MaxComputeDeveloper",
}


@dataclass
class Cast:
    """A workspace and one caller of every kind."""

    account: Account
    workspace: str
    callers: dict

    def __getitem__(self, name):
        return self.callers[name]


def cast(account, workspace, custom_role, custom_modules):
    """Makes the callers and gives each its role."""
    callers = {}
    for name, role in BUILTIN.items():
        callers[name] = account.caller(name)
        callers[name].granted = catalogue.of_role(role)
    callers["custom"] = account.caller("custom-role-holder")
    callers["custom"].granted = catalogue.of_modules(custom_modules)
    callers["outsider"] = account.caller("outsider")
    roles = {**BUILTIN, "custom": custom_role}
    members = [member(callers[name].user_id, role) for name, role in roles.items()]
    account.main.call("CreateMember", workspace, members=members)
    return Cast(account, workspace, callers)
