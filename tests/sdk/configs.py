"""Configs of a workspace: put, read, listed and deleted, to the byte; and switches, which decide for everybody."""

import json

from alibabacloud_aiworkspace20210204 import models

from client import MAIN_ID, check, check_fields, check_matches, check_times, decide, refused

STORAGE = ("CommonResourceConfig", "tempStoragePath")
ENTER = ("PaiAuthzSwitch", "dlcEnterContainer")
TERMINAL = "PaiDLC:GetWebTerminal"
# What a value may hold that a careless server would change.
TAGS = json.dumps([{"Type": "Tag", "Key": "Key1", "Value": '{"Products":"DLC,DSW,EAS","Values":"v1,v2 名\\n\\u0000"}'}])


def config(name, value, labels=()):
    """One entry of UpdateConfigs' Configs."""
    category, key = name
    made = models.UpdateConfigsRequestConfigsLabels
    labels = [made(key=label, value=text) for label, text in labels]
    return models.UpdateConfigsRequestConfigs(
        category_name=category, config_key=key, config_value=value, labels=labels or None
    )


def put(api, workspace, name, value):
    category, key = name
    api.call("UpdateConfig", workspace, category_name=category, config_key=key, config_value=value)


def configs(account, workspace):
    main = account.main
    check("configs at first", (0, []), listed(main, workspace))
    values(main, workspace)
    labels(main, workspace)
    wrong_values(main, workspace)
    switches(account, workspace)
    check("configs left", (0, []), listed(main, workspace))


def listed(api, workspace, **fields):
    """Returns how many configs a list tells of, and keys and values."""
    came = api.call("ListConfigs", workspace, **fields)
    for item in came.configs:
        check_matches("ConfigId", "config-[0-9a-f]+", item.config_id)
        check_times("ListConfigs", item, "gmt_create_time", "gmt_modified_time")
    return came.total_count, [(item.config_key, item.config_value) for item in came.configs]


def values(main, workspace):
    main.call(
        "UpdateConfigs",
        workspace,
        configs=[
            config(STORAGE, "oss://test/s/"),
            config(("DLCPriorityConfig", "priorityConfig"), "1"),
            config(("DSWPriorityConfig", "priorityConfig"), "2"),
            config(("CommonTagConfig", "predefinedTags"), TAGS),
        ],
    )
    came = main.call("GetConfig", workspace, category_name="DSWPriorityConfig", config_key="priorityConfig")
    expected = {
        "category_name": "DSWPriorityConfig",
        "config_key": "priorityConfig",
        "config_value": "2",
        "workspace_id": workspace,
    }
    check_fields("GetConfig", expected, came)
    check_times("GetConfig", came, "gmt_create_time", "gmt_modified_time")
    tags = main.call("GetConfig", workspace, category_name="CommonTagConfig", config_key="predefinedTags")
    check("a value to the byte", TAGS, tags.config_value)
    check("one category", (1, [("priorityConfig", "1")]), listed(main, workspace, category_name="DLCPriorityConfig"))
    both = listed(main, workspace, config_keys="priorityConfig,tempStoragePath")
    check("two keys", (3, [("tempStoragePath", "oss://test/s/"), ("priorityConfig", "1"), ("priorityConfig", "2")]), both)
    # A key of two categories is deleted by its category.
    refused("MissingParameter", 400, lambda: main.call("DeleteConfig", workspace, "priorityConfig"))
    for category in ("DLCPriorityConfig", "DSWPriorityConfig"):
        main.call("DeleteConfig", workspace, "priorityConfig", category_name=category)
    gone = lambda: main.call("GetConfig", workspace, category_name="DLCPriorityConfig", config_key="priorityConfig")
    refused("EntityNotExist.Config", 404, gone)
    main.call("DeleteConfig", workspace, "predefinedTags")
    put(main, workspace, STORAGE, "")
    check("an empty value", (1, [("tempStoragePath", "")]), listed(main, workspace))
    main.call("DeleteConfig", workspace, STORAGE[1], category_name=STORAGE[0])


def labels(main, workspace):
    """A config with other labels is another config."""
    main.call(
        "UpdateConfigs",
        workspace,
        configs=[
            config(STORAGE, "all", [("team", "a"), ("site", "x")]),
            config(STORAGE, "team", [("team", "a")]),
            config(STORAGE, "none"),
        ],
    )
    check("GetConfig is that without labels", "none", get(main, workspace).config_value)
    check("with a label", 2, listed(main, workspace, labels="team=a")[0])
    check("with both", [("tempStoragePath", "all")], listed(main, workspace, labels="team=a,site=x")[1])
    verbose = main.call("ListConfigs", workspace, labels="site=x", verbose="true", options="ThrowExceptionOnError")
    told = [(label.key, label.value) for label in verbose.configs[0].labels]
    check("labels", [("site", "x"), ("team", "a")], told)
    main.call("DeleteConfig", workspace, STORAGE[1], category_name=STORAGE[0], labels="team=a")
    check("the others are left", [("tempStoragePath", "none"), ("tempStoragePath", "all")], listed(main, workspace)[1])
    main.call("DeleteConfig", workspace, STORAGE[1])
    main.call("DeleteConfig", workspace, STORAGE[1], labels="site=x,team=a")


def get(api, workspace):
    return api.call("GetConfig", workspace, category_name=STORAGE[0], config_key=STORAGE[1])


def wrong_values(main, workspace):
    for name in (
        ("DLCPriorityConfig", "tempStoragePath"),
        ("CommonResourceConfig", "tempStoragePaths"),
        ("commonresourceconfig", "tempStoragePath"),
        ("PaiAuthzSwitch", "dlcentercontainer"),
        ("Other", "dlcEnterContainer"),
        ("", "x"),
        ("a b", "x"),
        ("x", "a:b"),
    ):
        refused("InvalidParameter", 400, lambda: put(main, workspace, name, "true"))
    for value in ("", "True", "off", "1"):
        refused("InvalidParameter", 400, lambda: put(main, workspace, ENTER, value))
    refused("InvalidParameter", 400, lambda: put(main, workspace, STORAGE, "x" * 16_385))
    # All of them or none.
    good, wrong = config(STORAGE, "x"), config(ENTER, "perhaps")
    refused("InvalidParameter", 400, lambda: main.call("UpdateConfigs", workspace, configs=[good, wrong]))
    refused("InvalidParameter", 400, lambda: main.call("UpdateConfigs", workspace, configs=[good, good]))
    check("nothing was put", 0, listed(main, workspace)[0])
    refused("EntityNotExist.Config", 404, lambda: main.call("DeleteConfig", workspace, STORAGE[1]))


def switches(account, workspace):
    """What is off is off for the developer, the administrator, and the main account; the next decision knows."""
    main = account.main
    people = {role: account.caller(f"config-{role.lower()}") for role in ("AlgoDeveloper", "WorkspaceAdmin")}
    for role, person in people.items():
        account.join(workspace, person, f"PAI.{role}")
    ids = [MAIN_ID, *(person.user_id for person in people.values())]
    admin = people["WorkspaceAdmin"].api

    def decided(action=TERMINAL):
        own = {"accessibility": "PRIVATE", "fresh": admin.revision}
        return [decide(one, action, workspace, creator=one, **own) for one in ids]

    refused("100700008", 404, lambda: put(people["AlgoDeveloper"].api, workspace, ENTER, "false"))
    for value, expected in (("true", "Allow"), ("false", "Deny"), ("true", "Allow"), ("false", "Deny")):
        put(admin, workspace, ENTER, value)
        check(f"terminals with the switch {value}", [expected] * 3, decided())
        check(f"jobs with the switch {value}", ["Allow"] * 3, decided("PaiDLC:StopJob"))
    developer = people["AlgoDeveloper"].api
    check("whoever may list reads it", [("dlcEnterContainer", "false")], listed(developer, workspace)[1])
    held = [entry.permission_code for entry in developer.call("ListPermissions", workspace).permissions]
    check("ListPermissions", (False, True), (TERMINAL in held, "PaiDLC:StopJob" in held))
    for api in (developer, main):
        refusal = refused("100700008", 404, lambda: api.call("GetPermission", workspace, TERMINAL))
        check("the switch is named", True, "switch/dlcEnterContainer" in refusal.message)
    admin.call("DeleteConfig", workspace, ENTER[1], category_name=ENTER[0])
    check("terminals without the config", ["Allow"] * 3, decided())
    for person in people.values():
        main.call("DeleteMembers", workspace, member_ids=person.member_id(workspace))
        account.dismiss(person)
