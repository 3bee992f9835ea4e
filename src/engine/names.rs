//! How the entities of the schema are called, in the two forms Cedar wants: for policies and for requests.

use std::sync::LazyLock;

use cedar_policy::{EntityId, EntityTypeName, EntityUid, pst};

use crate::domain::PrincipalKind;

/// The entity types of namespace `PAI`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Account,
    User,
    RamRole,
    Role,
    RamPolicy,
    Workspace,
    Off,
    Asset,
    Action,
}

impl Type {
    const ALL: [(Self, &'static str); 9] = [
        (Self::Account, "Account"),
        (Self::User, "User"),
        (Self::RamRole, "RamRole"),
        (Self::Role, "Role"),
        (Self::RamPolicy, "RamPolicy"),
        (Self::Workspace, "Workspace"),
        (Self::Off, "Off"),
        (Self::Asset, "Asset"),
        (Self::Action, "Action"),
    ];

    /// Returns the type of a principal.
    pub(super) const fn of(kind: PrincipalKind) -> Self {
        match kind {
            PrincipalKind::Account => Self::Account,
            PrincipalKind::User => Self::User,
            PrincipalKind::RamRole => Self::RamRole,
        }
    }

    fn names(self) -> &'static (EntityTypeName, pst::EntityType) {
        static NAMES: LazyLock<Vec<(EntityTypeName, pst::EntityType)>> =
            LazyLock::new(|| Type::ALL.iter().map(|(_, name)| parse(name)).collect());
        // INVARIANT: `ALL` lists the variants in the order in which they are declared.
        #[expect(clippy::indexing_slicing, reason = "one entry per variant")]
        &NAMES[self as usize]
    }

    /// Returns the entity of that id for a request.
    pub(super) fn uid(self, id: &str) -> EntityUid {
        EntityUid::from_type_name_and_id(self.names().0.clone(), EntityId::new(id))
    }

    /// Returns the entity of that id for a policy.
    pub(super) fn pst(self, id: &str) -> pst::EntityUID {
        pst::EntityUID { ty: self.names().1.clone(), eid: id.into() }
    }
}

#[expect(clippy::expect_used, reason = "literal names; every test of the engine reads them")]
fn parse(name: &str) -> (EntityTypeName, pst::EntityType) {
    let full = format!("PAI::{name}");
    let qualified = pst::Name::qualified(["PAI"], name).expect("a valid identifier");
    (full.parse().expect("a valid type name"), pst::EntityType::from_name(qualified))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_its_own_name() {
        for (index, (t, name)) in Type::ALL.into_iter().enumerate() {
            assert_eq!(t as usize, index);
            assert_eq!(t.uid("1").to_string(), format!("PAI::{name}::\"1\""));
            assert_eq!(t.pst("1").to_string(), format!("PAI::{name}::\"1\""));
        }
    }
}
