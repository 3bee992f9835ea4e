"""What the catalogue of this project (`schema/catalog`) says that roles are granted.

The drivers compare the server with these tables, read here and nowhere copied. Cells are written as in the catalogue:
`p` own private, `P` others' private, `u` own public, `U` others' public, `-` not granted.
"""

import json
from pathlib import Path

CATALOGUE = Path(__file__).resolve().parents[2] / "schema" / "catalog"
ALL_CELLS = "pPuU"
NO_CELLS = "----"

# Cells as the PermissionRules that say the same: (Accessibility, EntityAccessType).
RULES = {
    "p---": {("PRIVATE", "CREATOR")},
    "pP--": {("PRIVATE", "ANY")},
    "--uU": {("PUBLIC", None)},
    "p-u-": {("ANY", "CREATOR")},
    "p-uU": {("PRIVATE", "CREATOR"), ("PUBLIC", None)},
    "pPuU": {("ANY", "ANY")},
}


def read(name):
    return json.loads((CATALOGUE / name).read_text(encoding="utf-8"))["rows"]


COLUMNS = {row["code"]: row["column"] for row in read("roles.json")}
LEVELS = {row["permission_type"]: row for row in read("levels.json")}
MODULES = {row["api_module"]: row for row in read("modules.json") if row["api_module"]}
ROWS = [
    {"module": table["module"], **row}
    for path in sorted((CATALOGUE / "permissions").glob("*.json"))
    for table in [json.loads(path.read_text(encoding="utf-8"))]
    for row in table["rows"]
]

# Granted to every known user, whatever its roles; and what answers about the caller itself.
OPEN_CODES = {row["code"] for row in ROWS if row.get("allowed_unless_denied")} | {"PaiWorkspace:ListPermissions"}


def of_role(role):
    """Returns the codes a built-in role is granted, each with its cells."""
    column = COLUMNS[role]
    return {row["code"]: row["grants"][column] for row in ROWS if column in row["grants"]}


def of_modules(modules):
    """Returns the codes that ModulePermissions of a custom role grant, each with its cells."""
    granted = {}
    for entry in modules:
        if entry.permission_type == "CustomPermissions":
            for permission in entry.permissions:
                cells = cells_of(rules_of(permission.permission_rules))
                granted.update(dict.fromkeys(permission.permission_codes, cells))
        else:
            granted.update(of_level(MODULES[entry.module_name], LEVELS[entry.permission_type]))
    return granted


def of_level(module, level):
    granted = {}
    for row in ROWS:
        if row["module"] != module["module"] or row["scope"] == "account" or row["code"] in OPEN_CODES:
            continue
        cells = level["workspace_all" if row["scope"] == "workspace_all" else row["access"]]
        if cells != NO_CELLS:
            granted[row["code"]] = cells if module["entities"] else ALL_CELLS
    return granted


def of_main_account():
    """Returns every code of workspaces: the main account may do everything."""
    return {row["code"]: ALL_CELLS for row in ROWS if row["scope"] != "account"}


def rules_of(permission_rules):
    """Returns an SDK list of PermissionRules as a set; what is published has no EntityAccessType that matters."""
    return {
        (rule.accessibility, None if rule.accessibility == "PUBLIC" else rule.entity_access_type or "ANY")
        for rule in permission_rules
    }


def cells_of(rules):
    return next(cells for cells, same in RULES.items() if same == rules)


def modules_of(module_permissions):
    """Returns an SDK list of ModulePermissions in a form that two of them can be compared in."""
    return {
        entry.module_name: (
            entry.permission_type,
            {
                code: rules_of(permission.permission_rules)
                for permission in entry.permissions or []
                for code in permission.permission_codes
            },
        )
        for entry in module_permissions
    }
