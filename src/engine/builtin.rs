//! The policies that come with the program: built-in roles, the main account, known users, workspace switches.
//!
//! `policies/` is what is evaluated and what a security reviewer reads. The role files are written from the
//! catalogue by `pai-authz policy generate`; a test holds the two equal.

use cedar_policy::{Policy, PolicyId, PolicySet, pst::ResourceConstraint};

use super::{
    policies::{self, Grants},
    slices::Slices,
};
use crate::{catalog::Catalog, domain::BuiltinRole};

const ACCOUNT: &str = include_str!("../../policies/account.cedar");
const KNOWN_USERS: &str = include_str!("../../policies/known-users.cedar");
pub(super) const SWITCHES: &str = include_str!("../../policies/switches.cedar");

/// Returns the text of a built-in role.
pub(super) const fn text(role: BuiltinRole) -> &'static str {
    match role {
        BuiltinRole::Owner => include_str!("../../policies/roles/PAI.WorkspaceOwner.cedar"),
        BuiltinRole::Admin => include_str!("../../policies/roles/PAI.WorkspaceAdmin.cedar"),
        BuiltinRole::Developer => include_str!("../../policies/roles/PAI.AlgoDeveloper.cedar"),
        BuiltinRole::Operator => include_str!("../../policies/roles/PAI.AlgoOperator.cedar"),
        BuiltinRole::LabelManager => include_str!("../../policies/roles/PAI.LabelManager.cedar"),
        BuiltinRole::Guest => include_str!("../../policies/roles/PAI.WorkspaceGuest.cedar"),
        BuiltinRole::MaxComputeDeveloper => {
            include_str!("../../policies/roles/PAI.MaxComputeDeveloper.cedar")
        }
    }
}

/// The compiled policies of the program.
#[derive(Debug)]
pub(super) struct BuiltinPolicies {
    /// What the main account may do.
    pub(super) account: Slices,
    /// What every known user may do.
    pub(super) known_users: Slices,
    /// What nobody may do where a switch is off.
    pub(super) switches: Slices,
    roles: Vec<(BuiltinRole, Slices)>,
}

impl BuiltinPolicies {
    pub(super) fn load(catalog: &Catalog) -> Result<Self, String> {
        let mut roles = Vec::with_capacity(BuiltinRole::ALL.len());
        for role in BuiltinRole::ALL {
            roles.push((role, Slices::new(catalog, &parse(text(role))?)?));
        }
        Ok(Self {
            account: Slices::new(catalog, &parse(ACCOUNT)?)?,
            known_users: Slices::new(catalog, &parse(KNOWN_USERS)?)?,
            switches: Slices::new(catalog, &parse(SWITCHES)?)?,
            roles,
        })
    }

    pub(super) fn role(&self, role: BuiltinRole) -> Option<&Slices> {
        self.roles.iter().find(|(r, _)| *r == role).map(|(_, slices)| slices)
    }
}

/// Parses policies that carry their ids as annotations.
pub(super) fn parse(text: &str) -> Result<Vec<Policy>, String> {
    let set: PolicySet =
        text.parse().map_err(|error: cedar_policy::ParseErrors| error.to_string())?;
    let mut out = Vec::new();
    for policy in set.policies() {
        let id =
            policy.annotation("id").ok_or_else(|| format!("a policy without @id: {policy}"))?;
        out.push(policy.new_id(PolicyId::new(id)));
    }
    out.sort_by(|a, b| a.id().cmp(b.id()));
    Ok(out)
}

/// Returns every policy of the program, for validation.
#[cfg(test)]
pub(super) fn all() -> Result<Vec<Policy>, String> {
    let mut out = parse(ACCOUNT)?;
    out.extend(parse(KNOWN_USERS)?);
    out.extend(parse(SWITCHES)?);
    for role in BuiltinRole::ALL {
        out.extend(parse(text(role))?);
    }
    Ok(out)
}

/// Returns the text of a built-in role as the catalogue says it.
///
/// # Errors
/// What keeps the catalogue from being said in policies.
pub fn generate_builtin(catalog: &Catalog, role: BuiltinRole) -> Result<String, String> {
    let grants: Grants =
        catalog.actions().iter().map(|a| (a.id, catalog.builtin_cells(role, a))).collect();
    let code = role.code();
    let policies = policies::policies(catalog, code, code, &ResourceConstraint::Any, &grants)?;
    let facts =
        catalog.roles().iter().find(|facts| facts.role == role).ok_or("a role without facts")?;
    Ok(format!(
        "// {}: {}\n// Written from schema/catalog by `pai-authz policy generate {code}`; a test compares.\n\
         // A `when` tells on which assets: the creator's own, public ones, private ones; without it, on all.\n\n{}",
        facts.label,
        facts.note,
        policies::text(&policies)?.trim_end()
    ) + "\n")
}
