//! Users and RAM roles under given ids, as import files and `POST /v1/users` spell them.

use serde::Deserialize;

use super::object::Object;
use crate::domain::{
    IdForm, Identity, Invalid, Principal, PrincipalId, PrincipalKind, Profile, Timestamp, UserName,
};

/// A user or RAM role.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct WireIdentity {
    id: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    display_name: Option<String>,
}

impl WireIdentity {
    /// Returns the identities of a list, recorded at `now`. Without a name the id is the name.
    ///
    /// # Errors
    /// The first field that has no known form, named as in the list.
    pub fn all(
        kind: PrincipalKind,
        list: &[Object<Self>],
        now: Timestamp,
    ) -> Result<Vec<Identity>, Invalid> {
        let title = if kind == PrincipalKind::RamRole { "ramRoles" } else { "users" };
        let identity = |(index, Object(wire)): (usize, &Object<Self>)| {
            wire.identity(kind, now).map_err(|i| i.within(&format!("{title}[{index}]")))
        };
        list.iter().enumerate().map(identity).collect()
    }

    fn identity(&self, kind: PrincipalKind, now: Timestamp) -> Result<Identity, Invalid> {
        let wrong = |field: &str, text: &str, form: IdForm| {
            Invalid::value(field, text, form.expected, form.help)
        };
        let id = PrincipalId::parse(&self.id).map_err(|form| wrong("id", &self.id, form))?;
        let name = self.name.as_deref().unwrap_or(&self.id);
        let name = UserName::parse(name).map_err(|form| wrong("name", name, form))?;
        let display_name = self.display_name.clone().unwrap_or_default();
        Ok(Identity {
            principal: Principal { kind, id },
            name,
            profile: Profile { display_name, ..Profile::default() },
            assumable: None,
            created: now,
            modified: now,
        })
    }
}
