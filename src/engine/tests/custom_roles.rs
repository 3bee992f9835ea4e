//! What a custom role grants, and which roles are refused.

use super::{codes, custom_role, engine, level, on, records, snapshot, workspace_id};
use crate::{
    catalog::{ManagedIn, PermissionScope, catalog},
    domain::{
        Cells, InvalidKind, InvalidKind::InvalidValue, InvalidKind::MissingField,
        InvalidKind::UnexpectedField, ModulePermission, PermissionType, Reason,
    },
};

fn grants(modules: Vec<ModulePermission>) -> Vec<(&'static str, String)> {
    let granted = engine().grants(&custom_role("role-1", modules)).unwrap();
    granted
        .iter()
        .map(|(&id, cells)| (catalog().action(id).unwrap().name, cells.to_string()))
        .collect()
}

#[track_caller]
fn refused(modules: Vec<ModulePermission>, kind: InvalidKind, field: &str) -> String {
    let role = custom_role("role-1", modules);
    let invalid = engine().grants(&role).expect_err("a refusal");
    assert_eq!((invalid.kind, invalid.field.as_str()), (kind, field), "{invalid}");
    let everywhere = [
        engine().check_role(&workspace_id("10001"), &role).unwrap_err(),
        engine().custom_text(&workspace_id("10001"), &role).unwrap_err(),
    ];
    assert!(everywhere.iter().all(|other| *other == invalid), "refused alike wherever it is asked");
    invalid.help
}

#[test]
fn every_module_has_every_level() {
    let mut seen = 0;
    for module in catalog().modules() {
        let Some(api_module) = module.api_module else { continue };
        let holdable: Vec<_> = catalog()
            .points()
            .iter()
            .filter(|p| p.module == module.name && p.managed != ManagedIn::Ram)
            .collect();
        for permission_type in PermissionType::ALL {
            if permission_type == PermissionType::CustomPermissions {
                continue;
            }
            seen += 1;
            let granted = grants(vec![level(api_module, permission_type)]);
            assert!(granted.iter().all(|(code, _)| holdable.iter().any(|p| p.code == *code)));
            match permission_type {
                PermissionType::NoPrivilege => assert!(granted.is_empty()),
                PermissionType::FullAccess => {
                    assert_eq!(granted.len(), holdable.len(), "{api_module}");
                    assert!(granted.iter().all(|(_, cells)| cells == "pPuU"));
                }
                _ => {
                    assert!(!granted.is_empty(), "{api_module}");
                    let open = |p: &&&crate::catalog::PermissionPoint| {
                        p.scope == PermissionScope::OwnAndPublic && module.entities
                    };
                    for (code, cells) in granted {
                        let point = holdable.iter().find(|p| p.code == code).unwrap();
                        let all = cells == "pPuU";
                        assert_eq!(all, !open(&point), "{code}: {cells}");
                    }
                }
            }
            let count = engine()
                .check_role(
                    &workspace_id("10001"),
                    &custom_role("role-1", vec![level(api_module, permission_type)]),
                )
                .unwrap();
            assert_eq!(count == 0, permission_type == PermissionType::NoPrivilege);
        }
    }
    assert_eq!(seen, 13 * 4);
}

#[test]
fn levels_contain_what_the_console_promises() {
    let cells = |permission_type, code: &str| {
        let granted = grants(vec![level("DLC", permission_type)]);
        granted.iter().find(|(name, _)| *name == code).map(|(_, cells)| cells.clone())
    };
    let says = |cells: &str| Some(cells.to_owned());
    assert_eq!(cells(PermissionType::ReadOnly, "PaiDLC:GetJob"), says("p-uU"));
    assert_eq!(cells(PermissionType::ReadOnly, "PaiDLC:StopJob"), None);
    assert_eq!(cells(PermissionType::ReadWrite, "PaiDLC:StopJob"), says("p-u-"));
    assert_eq!(cells(PermissionType::FullAccess, "PaiDLC:StopJob"), says("pPuU"));
}

#[test]
fn every_rule_covers_its_cells_in_a_decision() {
    // A row: the rule, then whether it allows own private, others' private, own public, others' public.
    for (rule, cells) in [
        ("PUBLIC", "--uU"),
        ("PUBLIC/ANY", "--uU"),
        ("PUBLIC/CREATOR", "--uU"),
        ("PRIVATE/CREATOR", "p---"),
        ("PRIVATE/ANY", "pP--"),
        ("ANY/CREATOR", "p-u-"),
        ("ANY/ANY", "pPuU"),
        ("ANY", "pPuU"),
    ] {
        let role = custom_role("role-1", vec![codes("DLC", &[(&["PaiDLC:StopJob"], &[rule])])]);
        let account = snapshot(&records(
            &["2001"],
            &["10001"],
            &[("10001", role)],
            &[("10001", "2001", &["role-1"])],
        ));
        for (letter, creator, accessibility) in [
            ('p', "2001", "PRIVATE"),
            ('P', "2002", "PRIVATE"),
            ('u', "2001", "PUBLIC"),
            ('U', "2002", "PUBLIC"),
        ] {
            let question = on("2001", "PaiDLC:StopJob", "10001", creator, accessibility);
            let reason = super::decide(&account, &question).reason;
            let expected =
                if cells.contains(letter) { Reason::ExplicitAllow } else { Reason::ImplicitDeny };
            assert_eq!(reason, expected, "{rule} {letter}");
        }
        // Nothing but the named code.
        super::denied(&account, &on("2001", "PaiDLC:GetJob", "10001", "2001", "PRIVATE"));
    }
}

#[test]
fn every_set_of_cells_is_decided_exactly() {
    use crate::engine::{condition, policies};
    use cedar_policy::pst::ResourceConstraint;
    let action = catalog().find_action("PaiDLC:StopJob").unwrap();
    for cells in Cells::every().filter(|cells| !cells.is_empty()) {
        let compiled = policies::policies(
            catalog(),
            "r",
            "r",
            &ResourceConstraint::Any,
            &[(action.id, cells)].into(),
        )
        .unwrap();
        assert_eq!(compiled.len(), 1);
        assert_eq!(engine().schemas.validate(&compiled), Ok(()), "{cells}");
        assert_eq!(condition::condition(cells).is_none(), cells == Cells::ALL);
        let mut names: Vec<String> = Cells::every().map(condition::name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 16, "no two sets share a policy id");
    }
}

#[test]
fn entries_and_rules_of_one_code_add_up() {
    let one = codes(
        "DLC",
        &[
            (&["PaiDLC:StopJob", "PaiDLC:GetJob"], &["PRIVATE/CREATOR"]),
            (&["PaiDLC:StopJob"], &["PUBLIC"]),
        ],
    );
    let two = codes("DLC", &[(&["PaiDLC:StopJob"], &["PUBLIC", "PRIVATE/CREATOR"])]);
    let of = |granted: Vec<(&str, String)>, code| {
        granted.into_iter().find(|(name, _)| *name == code).map(|(_, cells)| cells)
    };
    assert_eq!(of(grants(vec![one.clone()]), "PaiDLC:StopJob").as_deref(), Some("p-uU"));
    assert_eq!(of(grants(vec![one]), "PaiDLC:GetJob").as_deref(), Some("p---"));
    assert_eq!(of(grants(vec![two]), "PaiDLC:StopJob").as_deref(), Some("p-uU"));
}

#[test]
fn the_same_role_compiles_to_the_same_text() {
    let role = custom_role(
        "role-1",
        vec![level("DLC", PermissionType::ReadWrite), level("DSW", PermissionType::ReadOnly)],
    );
    let text = engine().custom_text(&workspace_id("10001"), &role).unwrap();
    assert_eq!(engine().custom_text(&workspace_id("10001"), &role).unwrap(), text);
    assert!(text.contains(r#"principal in PAI::Role::"10001/role-1""#), "{text}");
    assert!(text.contains(r#"resource in PAI::Workspace::"10001""#), "{text}");
}

#[test]
fn an_empty_role_grants_nothing() {
    assert!(grants(Vec::new()).is_empty());
    assert_eq!(engine().check_role(&workspace_id("10001"), &custom_role("role-1", vec![])), Ok(0));
}

#[test]
fn a_module_is_a_known_one_and_named_once() {
    let full = PermissionType::FullAccess;
    let named = "ModulePermissions[0].ModuleName";
    for unknown in ["", "dlc", "Nothing", "EAS", "PaiWorkspace", "General"] {
        let help = refused(vec![level(unknown, full)], InvalidValue, named);
        assert!(help.contains("`PaiWorkspace@@Config`"), "{help}");
    }
    let twice = vec![level("DLC", full), level("DSW", full), level("DLC", full)];
    refused(twice, InvalidValue, "ModulePermissions[2].ModuleName");
}

#[test]
fn custom_permissions_have_codes_and_rules() {
    let base = "ModulePermissions[0].Permissions";
    refused(vec![codes("DLC", &[])], MissingField, base);
    let no_rules = codes("DLC", &[(&["PaiDLC:StopJob"], &[])]);
    refused(vec![no_rules], MissingField, &format!("{base}[0].PermissionRules"));
    let no_codes = codes("DLC", &[(&["PaiDLC:StopJob"], &["ANY"]), (&[], &["ANY"])]);
    refused(vec![no_codes], MissingField, &format!("{base}[1].PermissionCodes"));
}

#[test]
fn permissions_go_with_custom_permissions_only() {
    let module = codes("DLC", &[(&["PaiDLC:StopJob"], &["ANY"])]);
    for permission_type in PermissionType::ALL {
        if permission_type != PermissionType::CustomPermissions {
            let module = ModulePermission { permission_type, ..module.clone() };
            refused(vec![module], UnexpectedField, "ModulePermissions[0].Permissions");
        }
    }
}

#[test]
fn a_module_without_assets_takes_the_rule_any_only() {
    let with = |rule| codes("PaiWorkspace@@Config", &[(&["PaiWorkspace:ListConfigs"], &[rule])]);
    for rule in ["PUBLIC", "PRIVATE/CREATOR", "PRIVATE/ANY", "ANY/CREATOR"] {
        let field = "ModulePermissions[0].Permissions[0].PermissionRules[0]";
        refused(vec![with(rule)], InvalidValue, field);
    }
    assert_eq!(grants(vec![with("ANY")]), [("PaiWorkspace:ListConfigs", "pPuU".to_owned())]);
    assert_eq!(grants(vec![with("ANY/ANY")]).len(), 1);
}

#[test]
fn a_code_is_a_permission_code_of_its_module_that_a_role_can_grant() {
    let field = "ModulePermissions[0].Permissions[0].PermissionCodes[1]";
    let with = |code: &str| {
        refused(vec![codes("DLC", &[(&["PaiDLC:GetJob", code], &["ANY"])])], InvalidValue, field)
    };
    assert_eq!(with("PaiDLC:StopJbo"), "did you mean `PaiDLC:StopJob`?");
    assert_eq!(with("paidlc:StopJob"), "did you mean `PaiDLC:StopJob`?");
    assert!(with("paidlc:CreateJobTemplate").contains("codes of a module"), "RAM only");
    assert!(with("log:ListProject").contains("codes of a module"));
    assert!(with("").contains("codes of a module"));
    assert!(with("DLC@Read").contains("codes of a module"));
    assert_eq!(with("PaiDataset:GetDataset"), "it belongs to `Dataset`");
    assert_eq!(with("PaiDSW:GetInstance"), "it belongs to `DSW`");
    let ram_only = |module: &str, code: &str| {
        let field = "ModulePermissions[0].Permissions[0].PermissionCodes[0]";
        let help = refused(vec![codes(module, &[(&[code], &["ANY"])])], InvalidValue, field);
        assert!(help.contains("managed in RAM"), "{help}");
    };
    ram_only("DSW", "PaiDSW:CreateTempFile");
    ram_only("Image", "PaiImage:ListImageLabelKeys");
    ram_only("PaiWorkspace@@Workspace", "PaiWorkspace:CreateWorkspace");
}

#[test]
fn no_code_that_only_ram_manages_can_be_put_in_any_role() {
    for point in catalog().points().iter().filter(|p| p.managed == ManagedIn::Ram) {
        let Some(module) = catalog().module(point.module).and_then(|m| m.api_module) else {
            continue;
        };
        if point.variant.is_none() {
            let role = custom_role("role-1", vec![codes(module, &[(&[point.code], &["ANY"])])]);
            assert!(engine().grants(&role).is_err(), "{}", point.code);
        }
    }
}
