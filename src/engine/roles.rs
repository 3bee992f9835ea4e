//! The roles there are and what they answer, each kind of role once however many workspaces have it.
//!
//! Custom roles that grant the same are compiled, validated and put to Cedar once, under a name of their own, and share what
//! comes of it; so do sets of roles. What is shared is known by what it grants, and forgotten with the last that has it.

use std::{
    collections::{HashMap, HashSet},
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
        BuiltinRole, CustomRoleId, PrincipalKind, Reason, Remembered, RememberedPolicy, RoleLists,
        RoleRef, soon,
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

/// The answers to whoever holds a set of roles with custom ones among them, by the place of the set in its workspace.
///
/// Nearly all who hold custom roles are users, and a decision looks at theirs: lists of no more than tables, which all who have the same
/// roles share.
#[derive(Debug, Clone, Default)]
pub(super) struct Tables(Arc<[Arc<Table>]>);

impl Tables {
    /// Lines of the caches that are asked for ahead, each with as many tables.
    const LINES: usize = 4;
    const OF_A_LINE: usize = 8;

    /// Returns the answers to those who hold a set.
    #[inline]
    pub(super) fn get(&self, place: usize) -> Option<&Table> {
        self.0.get(place).map(|table| &**table)
    }

    /// Asks for what [`Self::get`] looks at, whichever set it will be, unless they are many.
    #[inline]
    pub(super) fn soon(&self) {
        for line in self.0.chunks(Self::OF_A_LINE).take(Self::LINES) {
            line.first().into_iter().for_each(soon);
        }
        self.0.last().into_iter().for_each(soon);
    }
}

/// The sets of roles with custom ones among them that members of a workspace hold, and what they are answered.
#[derive(Debug, Clone, Default)]
pub(super) struct Sets {
    /// The sets, as members hold them.
    roles: Arc<[Arc<[RoleRef]>]>,
    /// The custom roles of each that there are, sorted.
    pub(super) named: RoleLists,
    pub(super) of_users: Tables,
    pub(super) of_ram_roles: Tables,
}

impl Sets {
    /// Returns whether these are the answers to these sets, and to no others of the same roles.
    pub(super) fn are_of(&self, sets: &[Arc<[RoleRef]>]) -> bool {
        sets.len() == self.roles.len()
            && sets.iter().zip(self.roles.iter()).all(|(set, known)| Arc::ptr_eq(set, known))
    }
}

/// Returns whether a custom role is of a set, be it there or not.
fn names(set: &[RoleRef], role: &CustomRoleId) -> bool {
    set.iter().any(|held| matches!(held, RoleRef::Custom(id) if id == role))
}

/// What is known of a set of roles.
struct BoundSet {
    named: Arc<[CustomRoleId]>,
    of_users: Arc<Table>,
    of_ram_roles: Arc<Table>,
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

    /// Returns what members of a workspace that hold custom roles are answered, by the sets they hold. What is known of those of
    /// `before` that do not name the role `changed` is taken from there.
    ///
    /// # Errors
    /// A set that no table can be made for.
    pub(super) fn bind(
        &self,
        sets: &[Arc<[RoleRef]>],
        content: impl Fn(&CustomRoleId) -> Option<Arc<Content>>,
        before: &Sets,
        changed: Option<&CustomRoleId>,
    ) -> Result<Sets, String> {
        let is_as_before = |place: usize, set: &Arc<[RoleRef]>| {
            before.roles.get(place).is_some_and(|known| Arc::ptr_eq(known, set))
                && changed.is_none_or(|role| !names(set, role))
        };
        let known = |place: usize| {
            Some(BoundSet {
                named: before.named.get(place)?.clone(),
                of_users: before.of_users.0.get(place)?.clone(),
                of_ram_roles: before.of_ram_roles.0.get(place)?.clone(),
            })
        };
        let mut lists = HashSet::new();
        let bound = sets.iter().enumerate().map(|(place, set)| {
            let known = is_as_before(place, set).then(|| known(place)).flatten();
            let mut bound = known.map_or_else(|| self.bound(set, &content), Ok)?;
            // Most sets of a workspace have the same few custom roles.
            match lists.get(&bound.named) {
                Some(same) => bound.named = Arc::clone(same),
                None => _ = lists.insert(bound.named.clone()),
            }
            Ok(bound)
        });
        let bound: Vec<BoundSet> = bound.collect::<Result<_, String>>()?;
        Ok(Sets {
            roles: sets.into(),
            named: bound.iter().map(|set| set.named.clone()).collect(),
            of_users: Tables(bound.iter().map(|set| set.of_users.clone()).collect()),
            of_ram_roles: Tables(bound.into_iter().map(|set| set.of_ram_roles).collect()),
        })
    }

    fn bound(
        &self,
        roles: &[RoleRef],
        content: impl Fn(&CustomRoleId) -> Option<Arc<Content>>,
    ) -> Result<BoundSet, String> {
        let mut builtin = 0;
        let mut custom: Vec<(CustomRoleId, Arc<Content>)> = Vec::new();
        for role in roles {
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
        let (of_users, of_ram_roles) = (table(true)?, table(false)?);
        Ok(BoundSet {
            named: custom.into_iter().map(|(id, _)| id).collect(),
            of_users,
            of_ram_roles,
        })
    }
}
