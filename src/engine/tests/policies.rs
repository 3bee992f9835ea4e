//! The policies that come with the program, and what validation lets through.

use cedar_policy::{Policy, PolicyId};

use super::{codes, custom_role, engine, level, workspace_id};
use crate::{
    catalog::catalog,
    domain::{BuiltinRole, PermissionType},
    engine::{
        builtin, custom_role::policies as compile, generate_builtin, schema_text,
        validate::validate_whole,
    },
};

#[test]
fn the_checked_in_schema_is_what_the_catalogue_says() {
    let same = include_str!("../../../schema/pai.cedarschema") == schema_text(catalog());
    assert!(same, "schema/pai.cedarschema differs from schema/catalog: run `make generate`");
}

#[test]
fn the_checked_in_roles_are_what_the_catalogue_says() {
    for role in BuiltinRole::ALL {
        let same = engine().builtin_text(role) == generate_builtin(catalog(), role).unwrap();
        assert!(
            same,
            "policies/roles/{role}.cedar differs from schema/catalog: run `make generate`"
        );
    }
}

#[test]
fn every_shipped_policy_passes_strict_validation_against_the_whole_schema() {
    let all = builtin::all().unwrap();
    assert!(all.len() > 100, "{}", all.len());
    assert_eq!(validate_whole(catalog(), all), Ok(()));
}

#[test]
fn every_policy_of_the_program_has_an_id_of_its_own() {
    let mut ids: Vec<_> = builtin::all().unwrap().iter().map(|p| p.id().to_string()).collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count);
}

#[test]
fn a_slice_of_the_schema_accepts_the_built_in_roles_as_the_whole_does() {
    for role in BuiltinRole::ALL {
        let policies = builtin::parse(builtin::text(role)).unwrap();
        assert_eq!(engine().schemas.validate(&policies), Ok(()), "{role}");
    }
}

#[test]
fn a_slice_of_the_schema_accepts_custom_roles_as_the_whole_does() {
    let mut whole = Vec::new();
    let mut number = 0;
    for module in catalog().modules().iter().filter_map(|m| m.api_module) {
        for permission_type in PermissionType::ALL {
            number += 1;
            let id = format!("role-{number}");
            let content = match permission_type {
                PermissionType::CustomPermissions => every_code(module),
                other => level(module, other),
            };
            let role = custom_role(&id, vec![content]);
            let compiled = compile(catalog(), &workspace_id("10001"), &role).unwrap();
            assert_eq!(engine().validate(&compiled), Ok(()), "{module} {permission_type:?}");
            whole.extend(compiled.policies);
        }
    }
    assert_eq!(number, 13 * 5);
    assert_eq!(validate_whole(catalog(), whole), Ok(()));
}

/// Returns every code of a module a role can grant, under a rule that needs a condition where one may be.
fn every_code(module: &str) -> crate::domain::ModulePermission {
    let facts = catalog().api_module(module).unwrap();
    let names: Vec<&str> = catalog()
        .actions()
        .iter()
        .filter(|a| a.module == Some(facts.name) && catalog().group(a).is_some())
        .map(|a| a.name)
        .collect();
    let rule = if facts.entities { "PRIVATE/CREATOR" } else { "ANY" };
    codes(module, &[(&names, &[rule])])
}

#[test]
fn a_slice_of_the_schema_refuses_wrong_policies_as_the_whole_does() {
    let when = |condition: &str| {
        format!(
            r#"permit(principal in PAI::Role::"r", action == PAI::Action::"PaiDLC:StopJob", resource) when {{ {condition} }};"#
        )
    };
    let good = when(r#"resource.accessibility == "PUBLIC""#);
    let wrong = [
        when(r#"resource.acessibility == "PUBLIC""#),
        when("resource.accessibility == 1"),
        when("resource.creator"),
        when("resource.owner == principal.uid"),
        when("principal.name == resource.creator"),
        when("context.ip == \"1\""),
        when(r#"resource in PAI::Project::"1""#),
        when("resource.accessibility > 1"),
        r#"permit(principal in PAI::Role::"r", action == PAI::Action::"PaiDLC:StopJbo", resource);"#
            .to_owned(),
        r#"permit(principal in PAI::Role::"r", action in [PAI::Action::"DLC@Reed"], resource);"#
            .to_owned(),
        r#"permit(principal in PAI::Group::"r", action == PAI::Action::"PaiDLC:StopJob", resource);"#
            .to_owned(),
    ];
    let both = |text: &str| {
        let policy = Policy::parse(Some(PolicyId::new("p")), text).unwrap();
        let slice = engine().schemas.validate(std::slice::from_ref(&policy));
        (slice.is_ok(), validate_whole(catalog(), vec![policy]).is_ok())
    };
    assert_eq!(both(&good), (true, true));
    for text in wrong {
        assert_eq!(both(&text), (false, false), "{text}");
    }
}

#[test]
fn a_role_policy_that_names_no_action_or_actions_of_two_modules_is_refused() {
    for text in [
        "permit(principal, action, resource);",
        r#"permit(principal, action in [PAI::Action::"DLC@Read", PAI::Action::"DSW@Read"], resource);"#,
        r#"permit(principal, action in [PAI::Action::"Flag@OfficialImage"], resource);"#,
    ] {
        let policy = Policy::parse(Some(PolicyId::new("p")), text).unwrap();
        assert!(engine().schemas.validate(&[policy]).is_err(), "{text}");
    }
}
