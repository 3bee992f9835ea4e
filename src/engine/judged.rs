//! What Cedar says of the policies of one role, asked once for each of what an answer can depend on: whether the asset is the
//! principal's own, whether it is public, and whether it is an official image, a [`Case`]; and the action.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use cedar_policy::{Context, Entities, Entity, PolicySet, Request as CedarRequest};

use super::{entities::string, judge::judge, names::Type, slices::Slices};
use crate::{
    catalog::{ANY, ResourceType},
    domain::{
        Accessibility, ActionId, Asker, Cell, Decision, IdRef, PrincipalId, Reason, Resource,
    },
};

/// What of a resource an answer of roles can depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Case(u8);

impl Case {
    /// An asset is in one of four cells, or its request does not say in which; that for official images and for others.
    const UNSTATED: u8 = 4;
    const OFFICIAL: u8 = Self::UNSTATED + 1;
    /// The account itself.
    pub(super) const ACCOUNT: Self = Self(2 * Self::OFFICIAL);
    const ARN: Self = Self(Self::ACCOUNT.0 + 1);
    pub(super) const COUNT: usize = Self::ARN.place() + 1;

    /// Returns the case of a request; `None` for what is certainly of another account.
    pub(super) fn of(principal: &Asker<'_>, resource: &Resource<'_>) -> Option<Self> {
        match resource {
            Resource::Foreign => None,
            Resource::Account => Some(Self::ACCOUNT),
            Resource::Arn { .. } => Some(Self::ARN),
            Resource::Asset { resource_type, creator, accessibility, .. } => {
                let is_official = *resource_type == ResourceType::OFFICIAL_IMAGE;
                Some(Self::of_asset(principal, is_official, *creator, *accessibility))
            }
        }
    }

    /// Returns the case of an asset, which can be an official image.
    #[inline]
    pub(super) fn of_asset(
        principal: &Asker<'_>,
        is_official: bool,
        creator: Option<IdRef<'_, PrincipalId>>,
        accessibility: Option<Accessibility>,
    ) -> Self {
        let cell = match (creator, accessibility) {
            (Some(creator), Some(accessibility)) => {
                Cell::of(creator == principal.id, accessibility) as u8
            }
            // Only both together tell the cell.
            _ => Self::UNSTATED,
        };
        Self(if is_official { Self::OFFICIAL + cell } else { cell })
    }

    #[inline]
    pub(super) const fn place(self) -> usize {
        self.0 as usize
    }

    pub(super) fn all() -> impl Iterator<Item = Self> {
        (0..=Self::ARN.0).map(Self)
    }

    /// Returns the cell an asset is in; `None` for what is no asset, or where the request does not say.
    pub(super) fn cell(self) -> Option<Cell> {
        Cell::ALL.get(usize::from(self.0 % Self::OFFICIAL)).copied().filter(|_| self.is_asset())
    }

    /// Returns the case of the same asset in another cell; `None` for what is no asset.
    pub(super) fn in_cell(self, cell: Cell) -> Option<Self> {
        let first = if self.0 < Self::OFFICIAL { 0 } else { Self::OFFICIAL };
        self.is_asset().then_some(Self(first + cell as u8))
    }

    const fn is_asset(self) -> bool {
        self.0 < Self::ACCOUNT.0
    }

    /// Returns a resource that is so, in the workspace [`WORKSPACE`].
    fn resource(self) -> Option<Entity> {
        if self == Self::ACCOUNT {
            let attributes = HashMap::from([string("uid", ME)]);
            return Entity::new(Type::Account.uid(ME), attributes, HashSet::new()).ok();
        }
        let kind = match self {
            Self::ARN => "arn",
            Self(official) if official >= Self::OFFICIAL => ResourceType::OFFICIAL_IMAGE,
            _ => "any",
        };
        let (creator, accessibility) = self.cell().map_or(("", ""), |cell| {
            let (own, accessibility) = cell.parts();
            (if own { ME } else { OTHER }, accessibility.as_str())
        });
        let attributes = HashMap::from([
            string("kind", kind),
            string("creator", creator),
            string("accessibility", accessibility),
        ]);
        let parents = HashSet::from([Type::Workspace.uid(WORKSPACE)]);
        Entity::new(Type::Asset.uid(&format!("{kind}/{ANY}")), attributes, parents).ok()
    }
}

/// Who asks in the requests that fill tables, somebody else, and the workspace it is asked in.
const ME: &str = "1";
const OTHER: &str = "2";
pub(super) const WORKSPACE: &str = "1";

/// Who has policies.
#[derive(Debug, Clone, Copy)]
pub(super) enum Subject<'a> {
    /// The main account.
    Account,
    /// Every user that is known.
    KnownUser,
    /// Whoever holds the role of this entity.
    Role(&'a str),
    /// Everybody, in a workspace in which the switch of this key is off. The main account stands for all: everything else
    /// permits it.
    WhereIsOff(&'a str),
}

impl Subject<'_> {
    fn entity(self) -> Option<Entity> {
        let (kind, parents) = match self {
            Self::Account | Self::WhereIsOff(_) => (Type::Account, HashSet::new()),
            Self::KnownUser => (Type::User, HashSet::new()),
            Self::Role(role) => (Type::User, HashSet::from([Type::Role.uid(role)])),
        };
        Entity::new(kind.uid(ME), HashMap::from([string("uid", ME)]), parents).ok()
    }

    const fn is_in_workspace(self) -> bool {
        matches!(self, Self::Role(_) | Self::WhereIsOff(_))
    }

    /// Returns the workspace the questions are about, where policies look at it.
    fn workspace(self) -> Option<Entity> {
        match self {
            Self::WhereIsOff(key) => super::entities::workspace(WORKSPACE, [key]),
            Self::Account | Self::KnownUser | Self::Role(_) => None,
        }
    }
}

/// An answer among others: its place in a list of them. The first is that nothing grants.
pub(super) type Place = u16;

/// What Cedar says of the policies of one subject.
#[derive(Debug)]
pub(super) struct Judged {
    /// Tells it from every other.
    pub(super) number: u64,
    pub(super) rows: Rows,
    pub(super) answers: Vec<(Reason, Vec<Arc<str>>)>,
}

/// Places of answers by action and case. Actions that are answered alike in every case share a row.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// Short where the last actions have the first row, in which nothing is granted.
    pub(super) of_action: Box<[u16]>,
    pub(super) rows: Vec<[Place; Case::COUNT]>,
}

impl Rows {
    pub(super) fn row(&self, action: ActionId) -> u16 {
        self.of_action.get(usize::from(action.0)).copied().unwrap_or_default()
    }

    fn place(&self, row: u16, case: Case) -> Place {
        let row = self.rows.get(usize::from(row));
        row.and_then(|row| row.get(case.place())).copied().unwrap_or_default()
    }
}

/// Puts something into a list unless it is there already, and returns its place.
fn placed<T: PartialEq>(list: &mut Vec<T>, one: T) -> Result<u16, String> {
    let at = list.iter().position(|other| *other == one).unwrap_or_else(|| {
        list.push(one);
        list.len() - 1
    });
    u16::try_from(at).map_err(|_| "more answers than a table holds".to_owned())
}

impl Judged {
    /// Asks Cedar what the policies of a subject say in every case. `actions` are all there are, as entities; `slices` has
    /// the policies that name each. Actions with the same policies are asked about once: those name each of them.
    ///
    /// # Errors
    /// A policy that fails to evaluate.
    pub(super) fn ask(
        number: u64,
        actions: &[Entity],
        subject: Subject<'_>,
        slices: &Slices,
        name: impl Fn(&str) -> Arc<str>,
    ) -> Result<Self, String> {
        let mut answers = vec![(Reason::ImplicitDeny, Vec::new())];
        let mut rows = vec![[0; Case::COUNT]];
        let mut known: HashMap<u16, u16> = HashMap::new();
        let mut of_action = Vec::with_capacity(actions.len());
        for (id, action) in (0..).map(ActionId).zip(actions) {
            let (Some(slice), Some(set)) = (slices.number_of(id), slices.of(id)) else {
                of_action.push(0);
                continue;
            };
            if let Some(row) = known.get(&slice) {
                of_action.push(*row);
                continue;
            }
            let mut row = [0; Case::COUNT];
            for (case, place) in Case::all().zip(&mut row) {
                // A role is held in a workspace, where switches are too, and the account is in none.
                if subject.is_in_workspace() && case == Case::ACCOUNT {
                    continue;
                }
                let decision = asked(subject, action, case, set)
                    .ok_or_else(|| "a request could not be made".to_owned())?;
                if !decision.faults.is_empty() {
                    return Err(format!("a policy fails: {:?}", decision.faults));
                }
                let policies = decision.determining_policies.iter();
                let names = policies.map(|id| name(&id)).collect();
                *place = placed(&mut answers, (decision.reason, names))?;
            }
            let row = placed(&mut rows, row)?;
            known.insert(slice, row);
            of_action.push(row);
        }
        let used = of_action.iter().rposition(|row| *row != 0).map_or(0, |last| last + 1);
        of_action.truncate(used);
        Ok(Self { number, rows: Rows { of_action: of_action.into(), rows }, answers })
    }

    /// Returns the ids of the policies that permit an action in a case; none where nothing does.
    pub(super) fn permits(&self, action: ActionId, case: Case) -> &[Arc<str>] {
        match self.answer(self.rows.row(action), case) {
            Some((Reason::ExplicitAllow, names)) => names,
            _ => &[],
        }
    }

    pub(super) fn answer(&self, row: u16, case: Case) -> Option<&(Reason, Vec<Arc<str>>)> {
        self.answers.get(usize::from(self.rows.place(row, case)))
    }
}

/// Asks Cedar one of the questions a table is filled with.
fn asked(
    subject: Subject<'_>,
    action: &Entity,
    case: Case,
    set: &PolicySet,
) -> Option<Decision<'static>> {
    let (principal, resource) = (subject.entity()?, case.resource()?);
    let (who, what) = (principal.uid(), resource.uid());
    let request =
        CedarRequest::new(who.clone(), action.uid(), what.clone(), Context::empty(), None).ok()?;
    // Asked about itself, the main account is principal and resource at once.
    let resource = (who != what).then_some(resource);
    let entities = [Some(principal), resource, subject.workspace(), Some(action.clone())];
    let entities = Entities::from_entities(entities.into_iter().flatten(), None).ok()?;
    Some(judge(&[set], &request, &entities))
}
