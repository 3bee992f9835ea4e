//! What the tables must say, whoever corrects them.

use super::*;
use crate::domain::{Cell, PermissionType};

fn action(name: &str) -> &'static Action {
    catalog().find_action(name).unwrap_or_else(|| panic!("`{name}` is catalogued"))
}

#[test]
fn the_published_counts_are_complete() {
    let c = catalog();
    assert_eq!(c.points().len(), 483);
    assert_eq!(c.points().iter().filter(|p| p.variant.is_none()).count(), 480);
    assert_eq!(c.ram_actions().iter().filter(|a| a.action.starts_with("log:")).count(), 297);
    assert_eq!(c.ram_actions().iter().filter(|a| a.action.starts_with("ram:")).count(), 42);
    assert_eq!(c.ram_actions().len() - 297 - 42, 1_073);
    assert_eq!(c.ram_actions().iter().filter(|a| a.permission.is_some()).count(), 480);
    assert_eq!(c.actions().len(), 1_412);
    assert_eq!(c.modules().iter().filter(|m| m.api_module.is_some()).count(), 13);
    assert_eq!(c.roles().len(), 7);
    let unless_denied: Vec<_> = c.actions().iter().filter(|a| a.allowed_unless_denied).collect();
    assert_eq!(unless_denied.len(), 17);
    assert_eq!(c.actions().iter().filter(|a| a.official_image).count(), 3);
    assert_eq!(c.points().iter().filter(|p| p.issues_credentials).count(), 8);
    for (confidence, count) in [
        (Confidence::Certain, 86),
        (Confidence::High, 343),
        (Confidence::Medium, 44),
        (Confidence::Low, 10),
    ] {
        assert_eq!(
            c.points().iter().filter(|p| p.confidence == confidence).count(),
            count,
            "{confidence:?}"
        );
    }
}

#[test]
fn a_permission_code_and_its_ram_action_are_one_action() {
    assert_eq!(action("PaiDLC:StopJob").id, action("paidlc:StopJob").id);
    assert_eq!(action("PaiArtLab:CreateService").id, action("paiartlab:CreateAI4DService").id);
    assert!(
        catalog().find_action("PAIDLC:StopJob").is_none(),
        "a request spells an action as catalogued"
    );
    assert_eq!(action("log:ListProject").scope, ActionScope::RamOnly);
}

#[test]
fn builtin_roles_grant_what_the_page_prints() {
    let cells = |role, name| catalog().builtin_cells(role, action(name)).to_string();
    assert_eq!(cells(BuiltinRole::Owner, "PaiDLC:StopJob"), "pPuU");
    assert_eq!(cells(BuiltinRole::Developer, "PaiDLC:StopJob"), "p---");
    assert_eq!(cells(BuiltinRole::Operator, "PaiDLC:StopJob"), "pP--");
    assert_eq!(cells(BuiltinRole::Guest, "PaiDLC:StopJob"), "----");
    assert_eq!(cells(BuiltinRole::Guest, "PaiDataset:ListDatasets"), "--uU");
    assert_eq!(cells(BuiltinRole::MaxComputeDeveloper, "Paiflow:CreatePipelineRun"), "p-uU");
    // Account-scope actions are granted by no role, whatever the page prints.
    assert_eq!(cells(BuiltinRole::Owner, "PaiWorkspace:CreateWorkspace"), "----");
    assert_eq!(cells(BuiltinRole::Owner, "PaiWorkspace:GetDefaultWorkspace"), "----");
}

#[test]
fn levels_grow_and_full_access_is_everything_a_role_can_hold() {
    let c = catalog();
    for action in c.actions() {
        let cells = |t| c.level_cells(t, action);
        assert_eq!(cells(PermissionType::NoPrivilege), Cells::NONE);
        assert_eq!(cells(PermissionType::CustomPermissions), Cells::NONE);
        let (ro, rw, full) = (
            cells(PermissionType::ReadOnly),
            cells(PermissionType::ReadWrite),
            cells(PermissionType::FullAccess),
        );
        for cell in Cell::ALL {
            assert!(!ro.contains(cell) || rw.contains(cell), "{}", action.name);
            assert!(!rw.contains(cell) || full.contains(cell), "{}", action.name);
        }
        assert_eq!(
            full,
            if c.group(action).is_some() { Cells::ALL } else { Cells::NONE },
            "{}",
            action.name
        );
    }
    let cells = |t, name| c.level_cells(t, action(name)).to_string();
    assert_eq!(cells(PermissionType::ReadOnly, "PaiDLC:GetJob"), "p-uU");
    assert_eq!(cells(PermissionType::ReadWrite, "PaiDLC:StopJob"), "p-u-");
    assert_eq!(cells(PermissionType::ReadOnly, "PaiDSW:ListAllInstances"), "----");
    assert_eq!(cells(PermissionType::ReadOnly, "PaiWorkspace:ListConfigs"), "pPuU");
    assert_eq!(cells(PermissionType::FullAccess, "PaiDSW:CreateTempFile"), "----");
}

#[test]
fn groups_partition_the_codes_roles_can_hold() {
    let c = catalog();
    let holdable = c
        .points()
        .iter()
        .filter(|p| p.managed != ManagedIn::Ram && p.scope != PermissionScope::Account);
    assert_eq!(c.actions().iter().filter(|a| c.group(a).is_some()).count(), holdable.count());
}

#[test]
fn every_type_renders_and_parses_its_arn() {
    let c = catalog();
    for t in c.types() {
        let id = (0..t.id_parts).map(|i| format!("id-{i}")).collect::<Vec<_>>().join("/");
        for id in [Some(id.as_str()).filter(|id| !id.is_empty()), None] {
            let relative = t.relative_id("10001", id).unwrap();
            let module = t.modules.first().unwrap();
            let (parsed, workspace, parsed_id) = c.parse_relative_id(module, &relative).unwrap();
            assert_eq!(parsed.name, t.name, "{relative}");
            assert_eq!(parsed_id.as_deref(), id, "{relative}");
            assert_eq!(workspace.is_some(), t.arn.contains("{workspace}"));
        }
        assert_eq!(
            t.relative_id("10001", Some(&"x/".repeat(9))),
            None,
            "a wrong number of ids has no ARN"
        );
    }
    let job = c.resource_type("job").unwrap();
    assert_eq!(
        job.relative_id("10001", Some("dlc-1")).as_deref(),
        Some("workspace/10001/dlcjob/dlc-1")
    );
}

#[test]
fn arns_split_in_five() {
    let arn = Arn::parse("acs:log:cn-hangzhou:1000:project/p:q/logstore/l").unwrap();
    assert_eq!(
        (arn.ram_code, arn.account, arn.relative_id),
        ("log", "1000", "project/p:q/logstore/l")
    );
    for bad in ["", "acs", "acs:log:r:a", "acs:log:r:a:", "acs::r:a:x", "arn:log:r:a:x"] {
        assert_eq!(Arn::parse(bad), None, "{bad}");
    }
}

#[test]
fn every_main_type_is_the_first_of_its_module() {
    let c = catalog();
    for module in c.modules() {
        let first = c.types().iter().find(|t| t.modules.contains(&module.name)).map(|t| t.name);
        assert_eq!(first, module.main_type, "{}", module.name);
    }
}
