//! The roles there are and what they answer, each kind of role once however many workspaces have it.
//!
//! Custom roles that grant the same are compiled, validated and put to Cedar once, under a name of their own, and share what
//! comes of it; so do sets of roles. What is shared is known by what it grants, and forgotten with the last that has it.

use std::{
    collections::HashMap,
    convert::Infallible,
    hash::Hash,
    sync::{
        Arc, Mutex, OnceLock, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use cedar_policy::{
    Entity,
    pst::{EntityOrSlot, ResourceConstraint},
};

use super::{
    builtin::BuiltinPolicies,
    judged::{Judged, Subject, WORKSPACE},
    names::Type,
    policies::{self, Grants},
    slices::Slices,
    table::{Part, Table},
    validate::SchemaSlices,
};
use crate::{
    catalog::Catalog,
    domain::{
        BuiltinRole, CustomRoleId, PrincipalKind, Reason, Remembered, RememberedPolicy, RoleRef,
    },
};

/// The entity of a custom role while Cedar is asked what all that grant the same are answered, and the beginning of the ids
/// of its policies.
const NEUTRAL: &str = "role";

/// What custom roles grant, compiled.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) grants: Grants,
    /// What it is answered; the ids of its policies are without that of the role.
    pub(super) judged: Judged,
}

impl Content {
    /// Returns what tells it from every other.
    pub(super) const fn number(&self) -> u64 {
        self.judged.number
    }
}

/// The answers to whoever holds a set of roles with custom ones among them, in one workspace. What is looked at for a user stands in
/// one line of the caches.
#[derive(Debug, Clone)]
#[repr(C, align(64))]
pub(super) struct BoundSet {
    /// The custom roles of it that there are, sorted.
    pub(super) custom: Arc<[CustomRoleId]>,
    of_user: Table,
    /// The set, as members hold it.
    roles: Arc<[RoleRef]>,
    of_ram_role: Arc<Table>,
    /// Whoever has the same roles shares it.
    _of_user: Arc<Table>,
}

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Arc<[CustomRoleId]>>() + size_of::<Table>() == 64);

impl BoundSet {
    /// Returns whether these are the answers to this set, and to no other of the same roles.
    pub(super) fn is_of(&self, roles: &Arc<[RoleRef]>) -> bool {
        Arc::ptr_eq(&self.roles, roles)
    }

    /// Returns whether a custom role is of the set, be it there or not.
    pub(super) fn names(&self, role: &CustomRoleId) -> bool {
        self.roles.iter().any(|held| matches!(held, RoleRef::Custom(id) if id == role))
    }

    pub(super) fn table(&self, kind: PrincipalKind) -> &Table {
        match kind {
            PrincipalKind::RamRole => &self.of_ram_role,
            PrincipalKind::User | PrincipalKind::Account => &self.of_user,
        }
    }
}

/// What a set is known by: whether it is a user's, its built-in roles, and the contents of its custom roles.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct SetKey {
    is_user: bool,
    builtin: u8,
    contents: Vec<u64>,
}

/// Things that are the same for all who have them, as long as somebody does.
#[derive(Debug)]
struct Shared<K, V: ?Sized>(Mutex<HashMap<K, Weak<V>>>);

impl<K, V: ?Sized> Default for Shared<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V: ?Sized> Shared<K, V> {
    /// Returns what is known by `key`, made by `make` where nobody has it.
    fn get<E>(&self, key: K, make: impl FnOnce(&K) -> Result<Arc<V>, E>) -> Result<Arc<V>, E> {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(&key).and_then(Weak::upgrade) {
            return Ok(known);
        }
        // Not under the lock: making takes milliseconds.
        let fresh = make(&key)?;
        let mut all = lock();
        if all.len() == all.capacity() {
            all.retain(|_, one| one.strong_count() > 0);
        }
        if let Some(meanwhile) = all.get(&key).and_then(Weak::upgrade) {
            return Ok(meanwhile);
        }
        all.insert(key, Arc::downgrade(&fresh));
        Ok(fresh)
    }
}

/// Answers by what they say.
type Answers = Shared<(Reason, Box<[RememberedPolicy]>), Remembered>;

impl Answers {
    /// Makes one of all that are the same.
    fn intern(&self, answer: Remembered) -> Arc<Remembered> {
        let key = (answer.reason(), Box::from(answer.policies()));
        let Ok::<_, Infallible>(known) = self.get(key, |_| Ok(Arc::new(answer)));
        known
    }
}

/// The roles of this program, and those of workspaces by what they grant.
#[derive(Debug)]
pub(super) struct Roles {
    builtin: Vec<Judged>,
    known_users: Judged,
    /// The answers to whoever is granted nothing.
    nothing: Table,
    /// The custom roles of whoever holds none.
    none: Arc<[CustomRoleId]>,
    account: Table,
    /// By set of built-in roles, each when it is first asked for.
    of_people: Vec<OnceLock<Table>>,
    of_assumed: Vec<OnceLock<Table>>,
    contents: Shared<Grants, Content>,
    tables: Shared<SetKey, Table>,
    answers: Answers,
    /// Numbers of contents; those of built-in policies come first.
    numbers: AtomicU64,
}

impl Roles {
    /// Puts the policies of this program to Cedar. `actions` are all there are, as entities.
    pub(super) fn new(builtin: &BuiltinPolicies, actions: &[Entity]) -> Result<Self, String> {
        let numbers = AtomicU64::new(0);
        let ask = |subject: Subject<'_>, slices: &Slices| {
            let number = numbers.fetch_add(1, Ordering::Relaxed);
            Judged::ask(number, actions, subject, slices, |id| id.into())
        };
        let mut roles = Vec::with_capacity(BuiltinRole::ALL.len());
        for role in BuiltinRole::ALL {
            let slices = builtin.role(role).ok_or("a role without policies")?;
            roles.push(ask(Subject::Role(role.code()), slices)?);
        }
        let account = ask(Subject::Account, &builtin.account)?;
        let known_users = ask(Subject::KnownUser, &builtin.known_users)?;
        let answers = Answers::default();
        let account = Table::of(&[Part::Whole(&account)], |answer| answers.intern(answer));
        let sets = || (0..1 << BuiltinRole::ALL.len()).map(|_| OnceLock::new()).collect();
        Ok(Self {
            builtin: roles,
            known_users,
            none: Arc::default(),
            nothing: Table::of(&[], |answer| answers.intern(answer)),
            account,
            of_people: sets(),
            of_assumed: sets(),
            contents: Shared::default(),
            tables: Shared::default(),
            answers,
            numbers,
        })
    }

    /// Returns what a built-in role by itself is answered.
    pub(super) fn builtin(&self, role: BuiltinRole) -> Option<&Judged> {
        let place = BuiltinRole::ALL.iter().position(|other| *other == role)?;
        self.builtin.get(place)
    }

    /// Returns the answers to whoever is granted nothing.
    pub(super) const fn nothing(&self) -> &Table {
        &self.nothing
    }

    /// Returns no custom roles.
    pub(super) const fn none(&self) -> &Arc<[CustomRoleId]> {
        &self.none
    }

    /// Returns the answers to whoever holds these built-in roles, a bit for each; roles add nothing to the main account.
    pub(super) fn of_builtin(&self, kind: PrincipalKind, set: u8) -> Option<&Table> {
        let tables = match kind {
            PrincipalKind::Account => return Some(&self.account),
            PrincipalKind::User => &self.of_people,
            PrincipalKind::RamRole => &self.of_assumed,
        };
        let table = tables.get(usize::from(set))?;
        let is_user = kind == PrincipalKind::User;
        Some(table.get_or_init(|| self.table(&self.parts(is_user, set))))
    }

    fn table(&self, parts: &[Part<'_>]) -> Table {
        Table::of(parts, |answer| self.answers.intern(answer))
    }

    fn parts(&self, is_user: bool, builtin: u8) -> Vec<Part<'_>> {
        let held = self.builtin.iter().enumerate().filter(|(bit, _)| builtin >> bit & 1 == 1);
        let held = held.map(|(_, judged)| Part::Whole(judged));
        is_user.then_some(Part::Whole(&self.known_users)).into_iter().chain(held).collect()
    }

    /// Returns what a custom role with these grants is answered. Where no role grants the same, its policies are validated
    /// strictly and put to Cedar.
    ///
    /// # Errors
    /// A defect of this program: grants compile to policies that are valid and can be evaluated.
    pub(super) fn content(
        &self,
        catalog: &Catalog,
        schemas: &SchemaSlices,
        actions: &[Entity],
        grants: Grants,
    ) -> Result<Arc<Content>, String> {
        self.contents.get(grants, |grants| {
            let within =
                ResourceConstraint::In(EntityOrSlot::Entity(Type::Workspace.pst(WORKSPACE)));
            let policies = policies::policies(catalog, NEUTRAL, NEUTRAL, &within, grants)?;
            schemas.validate(&policies)?;
            let slices = Slices::new(catalog, &policies)?;
            let number = self.numbers.fetch_add(1, Ordering::Relaxed);
            let rest = |id: &str| {
                let rest = id.strip_prefix(NEUTRAL).and_then(|id| id.strip_prefix('/'));
                Arc::from(rest.unwrap_or(id))
            };
            let judged = Judged::ask(number, actions, Subject::Role(NEUTRAL), &slices, rest)?;
            Ok(Arc::new(Content { grants: grants.clone(), judged }))
        })
    }

    /// Returns the answers to the members of a workspace that hold custom roles, by the sets they hold. Those of `before`
    /// that `is_as_before` are taken from there.
    ///
    /// # Errors
    /// A set that no table can be made for.
    pub(super) fn bind(
        &self,
        sets: &[Arc<[RoleRef]>],
        content: impl Fn(&CustomRoleId) -> Option<Arc<Content>>,
        before: &[BoundSet],
        is_as_before: impl Fn(&BoundSet) -> bool,
    ) -> Result<Arc<[BoundSet]>, String> {
        let mut bound = Vec::with_capacity(sets.len());
        for (place, roles) in sets.iter().enumerate() {
            let known = before.get(place).filter(|set| set.is_of(roles));
            bound.push(match known.filter(|set| is_as_before(set)) {
                Some(known) => known.clone(),
                None => self.bound(roles, &content)?,
            });
        }
        Ok(bound.into())
    }

    fn bound(
        &self,
        roles: &Arc<[RoleRef]>,
        content: impl Fn(&CustomRoleId) -> Option<Arc<Content>>,
    ) -> Result<BoundSet, String> {
        let mut builtin = 0;
        let mut custom: Vec<(CustomRoleId, Arc<Content>)> = Vec::new();
        for role in roles.iter() {
            match role {
                RoleRef::Builtin(role) => {
                    let bit = BuiltinRole::ALL.iter().position(|other| other == role);
                    builtin |= bit.map_or(0, |bit| 1 << bit);
                }
                // A role that is not there grants nothing.
                RoleRef::Custom(id) => custom.extend(content(id).map(|it| (id.clone(), it))),
            }
        }
        custom.sort_by(|(a, _), (b, _)| a.cmp(b));
        custom.dedup_by(|(a, _), (b, _)| a == b);
        let contents: Vec<u64> = custom.iter().map(|(_, content)| content.number()).collect();
        let table = |is_user: bool| {
            let contents = contents.clone();
            self.tables.get(SetKey { is_user, builtin, contents }, |_| {
                let mut parts = self.parts(is_user, builtin);
                for (place, (_, content)) in custom.iter().enumerate() {
                    let place = u8::try_from(place)
                        .map_err(|_| "a member holds more roles than can be told apart")?;
                    parts.push(Part::OfRole(place, &content.judged));
                }
                Ok::<_, String>(Arc::new(self.table(&parts)))
            })
        };
        let (of_user, of_ram_role) = (table(true)?, table(false)?);
        let custom = custom.into_iter().map(|(id, _)| id).collect();
        Ok(BoundSet {
            custom,
            of_user: Table::clone(&of_user),
            roles: roles.clone(),
            of_ram_role,
            _of_user: of_user,
        })
    }
}
