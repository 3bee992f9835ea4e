//! The policy decision point: compiles roles into Cedar policies and judges requests by them.
//!
//! Pure: no files, no network, no clock, no async. This is the only room that names Cedar. A question is answered by
//! [`Snapshot::ask`], on one account's data at one revision, immutable: names become catalogue entries, or there is a refusal that
//! says which field is wrong. In two steps, for those who keep the request, it is [`Engine::resolve`] and
//! [`Snapshot::is_authorized`]. The path of a change is [`Snapshot::with`], which compiles what the change brings before anybody
//! commits it.
//!
//! Services that embed it hold one [`Engine`], and of each account the present [`Snapshot`]; `examples/embed.rs` has members,
//! a change, and what is said of a wrong question.
//!
//! ```
//! use pai_authz::{
//!     domain::{AccountId, AccountRecords, Effect, Question},
//!     engine::{Engine, Snapshot},
//! };
//!
//! let account = AccountId::parse("1000000000000001").map_err(|form| form.expected)?;
//! let engine = Engine::new("cn-hangzhou")?;
//! let snapshot = Snapshot::build(engine, &AccountRecords::empty(account))?;
//! let decision = snapshot.ask(Question {
//!     principal_type: Some("Account"),
//!     principal_id: Some("1000000000000001"),
//!     action: Some("PaiWorkspace:CreateWorkspace"),
//!     ..Question::default()
//! })?;
//! assert_eq!(decision.effect(), Effect::Allow);
//! assert_eq!(decision.determining_policies.to_vec(), ["account/owns-everything"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod applying;
mod attached;
mod builtin;
pub mod bundle;
mod condition;
mod context;
mod custom_role;
mod decide;
mod entities;
mod explain;
mod index;
mod judge;
mod judged;
mod look_up;
mod names;
mod plain;
mod policies;
mod ram;
mod resolve;
mod roles;
mod schema;
mod simulate;
mod slices;
mod snapshot;
mod suggest;
mod switches;
mod table;
mod validate;

use std::sync::Arc;

pub use builtin::generate_builtin;
pub use custom_role::RolePolicies;
pub use explain::{Beside, Differs, Explanation, Facts, HeldRole, NearMiss, Remedy, Source};
pub use look_up::LookUps;
pub use plain::Plain;
pub use policies::Grants;
pub use ram::{Document, Unmet};
pub use resolve::Brief;
pub use schema::schema_text;
pub use simulate::{Matched, Simulated, Simulation, Verdict, simulation_cost};
pub use snapshot::Snapshot;
pub use suggest::{NoSuggestion, Suggestion};

use crate::{
    catalog::{Catalog, catalog},
    domain::{BuiltinRole, CustomRole, Invalid, WorkspaceId},
};
use attached::SystemDocuments;
use builtin::BuiltinPolicies;
use roles::{Content, Roles};
use switches::Switches;
use validate::SchemaSlices;

/// What all snapshots share: the catalogue, the built-in policies, the schema to validate against.
#[derive(Debug)]
pub struct Engine {
    catalog: &'static Catalog,
    region: String,
    builtin: BuiltinPolicies,
    roles: Roles,
    switches: Switches,
    actions: Vec<cedar_policy::Entity>,
    schemas: SchemaSlices,
    system: SystemDocuments,
}

impl Engine {
    /// Returns an engine for resources of `region`, for example `cn-hangzhou`.
    ///
    /// # Errors
    /// What is wrong with the policies compiled into the program; the tests let no such program out.
    pub fn new(region: &str) -> Result<Arc<Self>, String> {
        let catalog = catalog();
        let (builtin, actions) = (BuiltinPolicies::load(catalog)?, entities::actions(catalog));
        Ok(Arc::new(Self {
            catalog,
            region: region.to_owned(),
            roles: Roles::new(&builtin, &actions)?,
            switches: Switches::new(catalog, &builtin, &actions)?,
            builtin,
            actions,
            schemas: SchemaSlices::new(catalog),
            system: SystemDocuments::new(catalog),
        }))
    }

    /// Returns the catalogue.
    #[must_use]
    pub const fn catalog(&self) -> &'static Catalog {
        self.catalog
    }

    /// Returns the region resources are in.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Returns the Cedar text of a built-in role, the very text that is evaluated.
    #[must_use]
    pub fn builtin_text(&self, role: BuiltinRole) -> &'static str {
        builtin::text(role)
    }

    /// Returns the Cedar text of the workspace switches, the very text that is evaluated.
    #[must_use]
    pub const fn switches_text(&self) -> &'static str {
        builtin::SWITCHES
    }

    /// Returns what a custom role grants, code by code.
    ///
    /// # Errors
    /// The first thing that is wrong with the role, named as the API names the field.
    pub fn grants(&self, role: &CustomRole) -> Result<Grants, Invalid> {
        custom_role::grants(self.catalog, role)
    }

    /// Returns the Cedar text of a custom role of a workspace, formatted for people.
    ///
    /// # Errors
    /// As [`Engine::grants`].
    pub fn custom_text(
        &self,
        workspace: &WorkspaceId,
        role: &CustomRole,
    ) -> Result<String, Invalid> {
        let compiled = self.role_policies(workspace, role)?;
        policies::text(&compiled.policies).map_err(|detail| compiled.defect(&detail))
    }

    /// Returns the policies of a custom role of a workspace, not yet validated.
    ///
    /// # Errors
    /// As [`Engine::grants`].
    pub fn role_policies(
        &self,
        workspace: &WorkspaceId,
        role: &CustomRole,
    ) -> Result<RolePolicies, Invalid> {
        custom_role::policies(self.catalog, workspace, role)
    }

    /// Validates the policies of a role strictly against the schema.
    ///
    /// # Errors
    /// A defect of this program: a role that [`Engine::grants`] accepts compiles to valid policies.
    pub fn validate(&self, role: &RolePolicies) -> Result<(), Invalid> {
        self.schemas.validate(&role.policies).map_err(|detail| role.defect(&detail))
    }

    /// Compiles a custom role: its policies, validated strictly against the schema, put to Cedar.
    fn compile(&self, role: &CustomRole) -> Result<Arc<Content>, Invalid> {
        let grants = self.grants(role)?;
        let content = self.roles.content(self.catalog, &self.schemas, &self.actions, grants);
        content.map_err(|detail| custom_role::uncompilable(&role.name, &detail))
    }

    /// Compiles a RAM document and validates its policies strictly. `policy` names it, as `Custom/dev-only`, and `version`
    /// says which text of it this is.
    ///
    /// # Errors
    /// What RAM would not accept.
    pub fn compile_document(
        &self,
        policy: &str,
        version: &str,
        text: &str,
    ) -> Result<Document, Invalid> {
        let document = Document::compile(self.catalog, policy, version, text)?;
        let policies = document.statements().iter().flat_map(ram::Statement::policies).collect();
        self.schemas.validate_statements(policies).map_err(|detail| {
            let help = format!("this is a defect of pai-authz, please report it: {detail}");
            Invalid::value("PolicyDocument", policy, "a document that compiles", help)
        })?;
        Ok(document)
    }

    /// Returns the Cedar text of a RAM document, formatted for people.
    ///
    /// # Errors
    /// As [`Engine::compile_document`].
    pub fn document_text(
        &self,
        policy: &str,
        version: &str,
        text: &str,
    ) -> Result<String, Invalid> {
        let document = self.compile_document(policy, version, text)?;
        document.text().map_err(|detail| {
            Invalid::value("PolicyDocument", policy, "a document with a text form", detail)
        })
    }

    /// Compiles a custom role, validates it strictly and returns how many policies it became.
    ///
    /// # Errors
    /// As [`Engine::grants`].
    pub fn check_role(&self, workspace: &WorkspaceId, role: &CustomRole) -> Result<usize, Invalid> {
        let compiled = self.role_policies(workspace, role)?;
        self.validate(&compiled)?;
        self.compile(role)?;
        Ok(compiled.policies.len())
    }
}

#[cfg(test)]
mod tests;
