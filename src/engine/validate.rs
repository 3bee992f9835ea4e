//! Strict validation of policies before anything is stored.
//!
//! Cedar typechecks a policy in every action x principal x resource environment of the schema, so a policy is
//! validated against the slice of the schema that has the actions of its module: at the size of the whole
//! catalogue that would be 30 times the work for the same answer (a test holds the two equal).

use std::sync::OnceLock;

use cedar_policy::{ActionConstraint, Policy, PolicySet, Schema, ValidationMode, Validator};

#[cfg(test)]
use super::schema::schema_text;
use super::schema::{module_text, statement_text};
use crate::catalog::Catalog;

/// The schema, cut by module; a slice is parsed when it is first needed.
#[derive(Debug)]
pub(super) struct SchemaSlices {
    catalog: &'static Catalog,
    slices: Vec<OnceLock<Result<Validator, String>>>,
    statements: OnceLock<Result<Validator, String>>,
}

impl SchemaSlices {
    pub(super) fn new(catalog: &'static Catalog) -> Self {
        let slices = catalog.modules().iter().map(|_| OnceLock::new()).collect();
        Self { catalog, slices, statements: OnceLock::new() }
    }

    /// Validates each policy against the slice of the module its actions belong to.
    pub(super) fn validate(&self, policies: &[Policy]) -> Result<(), String> {
        let mut by_module: Vec<Vec<Policy>> = vec![Vec::new(); self.slices.len()];
        for policy in policies {
            let module = self.module_of(policy)?;
            if let Some(bucket) = by_module.get_mut(module) {
                bucket.push(policy.clone());
            }
        }
        for (module, bucket) in
            by_module.into_iter().enumerate().filter(|(_, bucket)| !bucket.is_empty())
        {
            validate(self.slice(module)?, bucket)?;
        }
        Ok(())
    }

    /// Validates policies of RAM documents, which are about every action alike.
    pub(super) fn validate_statements(&self, policies: Vec<Policy>) -> Result<(), String> {
        let validator = self.statements.get_or_init(|| validator(&statement_text(self.catalog)));
        validate(validator.as_ref().map_err(Clone::clone)?, policies)
    }

    fn slice(&self, index: usize) -> Result<&Validator, String> {
        let (Some(slot), Some(module)) =
            (self.slices.get(index), self.catalog.modules().get(index))
        else {
            return Err("a module that is not in the catalogue".to_owned());
        };
        slot.get_or_init(|| validator(&module_text(self.catalog, module.name)))
            .as_ref()
            .map_err(Clone::clone)
    }

    fn module_of(&self, policy: &Policy) -> Result<usize, String> {
        let first = match policy.action_constraint() {
            ActionConstraint::Any => None,
            ActionConstraint::Eq(uid) => Some(uid),
            ActionConstraint::In(uids) => uids.into_iter().next(),
        };
        let first = first.ok_or("a policy of a role names its actions")?;
        let name: &str = first.id().unescaped();
        let module = match name.split_once('@') {
            Some((module, _)) => Some(module),
            None => self.catalog.find_action(name).and_then(|action| action.module),
        };
        self.catalog
            .modules()
            .iter()
            .position(|m| Some(m.name) == module)
            .ok_or_else(|| format!("`{name}` is of no module"))
    }
}

/// Validates policies against the whole schema, to prove that a slice says the same.
#[cfg(test)]
pub(super) fn validate_whole(catalog: &Catalog, policies: Vec<Policy>) -> Result<(), String> {
    validate(&validator(&schema_text(catalog))?, policies)
}

fn validator(schema: &str) -> Result<Validator, String> {
    let (schema, warnings) =
        Schema::from_cedarschema_str(schema).map_err(|error| error.to_string())?;
    let warnings: Vec<String> = warnings.map(|w| w.to_string()).collect();
    if warnings.is_empty() { Ok(Validator::new(schema)) } else { Err(warnings.join("; ")) }
}

fn validate(validator: &Validator, policies: Vec<Policy>) -> Result<(), String> {
    let set = PolicySet::from_policies(policies).map_err(|error| error.to_string())?;
    let result = validator.validate(&set, ValidationMode::Strict);
    let errors: Vec<String> = result.validation_errors().map(ToString::to_string).collect();
    if result.validation_passed() && errors.is_empty() { Ok(()) } else { Err(errors.join("; ")) }
}
