//! Workspace switches: what is off in a workspace is off for everybody there.
//!
//! A switch is policy (`policies/switches.cedar`), that it is off is data: the workspace is in `PAI::Off` of that switch. What Cedar
//! says of the switches that are off stands in a table for each set of them, beside the tables of roles: a denial there is the answer, for a
//! forbid wins over every grant and is all that determines it.

use std::sync::Arc;

use cedar_policy::Entity;

use super::{
    builtin::BuiltinPolicies,
    judged::{Case, Judged, Subject},
    table::{Part, Table},
};
use crate::{
    catalog::{Catalog, KnownConfig},
    domain::{ActionId, Config, ConfigName, Reason},
};

/// How the ids of policies of switches begin.
pub(super) const PREFIX: &str = "switch";

/// Most switches that forbid something: there is a table for each set of them.
const MOST: usize = 6;

/// Which switches are off in a workspace, of those that forbid something: a bit for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Off(u8);

impl Off {
    /// Returns whether all are on.
    #[inline]
    pub(super) const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// Returns the same with one switch on or off.
    const fn with(self, place: usize, is_off: bool) -> Self {
        let bit = 1 << place;
        Self(if is_off { self.0 | bit } else { self.0 & !bit })
    }

    const fn has(self, place: usize) -> bool {
        self.0 >> place & 1 == 1
    }
}

/// What switches say of an action.
#[derive(Debug, Clone, Copy)]
pub(super) enum BySwitches<'t> {
    /// Nothing: it is as where they are on.
    Nothing,
    /// Everybody is denied it, as the table has it.
    Denied(&'t Table),
}

/// The switches that forbid something, and what each set of them is answered.
#[derive(Debug)]
pub(super) struct Switches {
    known: Vec<&'static KnownConfig>,
    tables: Box<[Table]>,
}

impl Switches {
    /// Puts the policies of switches to Cedar. `actions` are all there are, as entities.
    pub(super) fn new(
        catalog: &'static Catalog,
        builtin: &BuiltinPolicies,
        actions: &[Entity],
    ) -> Result<Self, String> {
        let forbids = |config: &&KnownConfig| !config.forbids.is_empty();
        let known: Vec<&KnownConfig> = catalog.configs().iter().filter(forbids).collect();
        if known.len() > MOST {
            return Err(format!("more than {MOST} switches forbid something"));
        }
        let ask = |(number, switch): (u64, &&KnownConfig)| {
            let subject = Subject::WhereIsOff(switch.key);
            Judged::ask(number, actions, subject, &builtin.switches, |id| id.into())
        };
        let judged: Vec<Judged> = (0..).zip(&known).map(ask).collect::<Result<_, _>>()?;
        for (switch, judged) in known.iter().zip(&judged) {
            check(catalog, switch, judged)?;
        }
        let table = |off: Off| {
            let parts = judged.iter().enumerate().filter(|(place, _)| off.has(*place));
            let parts: Vec<Part<'_>> = parts.map(|(_, judged)| Part::Whole(judged)).collect();
            Table::of(&parts, Arc::new)
        };
        let tables = (0..1 << known.len()).map(|bits| table(Off(bits))).collect();
        Ok(Self { known, tables })
    }

    /// Returns what is said of an action where these are off; `None` where there is no table for them, which is a defect.
    #[inline]
    pub(super) fn say(&self, off: Off, action: ActionId) -> Option<BySwitches<'_>> {
        if off.is_none() {
            return Some(BySwitches::Nothing);
        }
        let table = self.tables.get(usize::from(off.0))?;
        // In the first row nothing is denied.
        Some(if table.row(action)? == 0 { BySwitches::Nothing } else { BySwitches::Denied(table) })
    }

    /// Returns which are off after a config was put, or removed: then it forbids nothing any more.
    pub(super) fn after(&self, off: Off, name: &ConfigName, value: Option<&str>) -> Off {
        let is_it = |switch: &&KnownConfig| {
            switch.category == Some(name.category.as_str())
                && switch.key == name.key.as_str()
                && name.labels.is_empty()
        };
        match self.known.iter().position(is_it) {
            // What is neither on nor off was not written by this program: it forbids.
            Some(place) => off.with(place, value.is_some_and(|value| value != Config::ON)),
            None => off,
        }
    }

    /// Returns the keys of those that are off.
    pub(super) fn keys(&self, off: Off) -> impl Iterator<Item = &'static str> {
        let all = self.known.iter().enumerate();
        all.filter(move |(place, _)| off.has(*place)).map(|(_, switch)| switch.key)
    }

    /// Returns the switch of a policy.
    pub(super) fn of_policy(&self, policy: &str) -> Option<&'static KnownConfig> {
        let key = policy.strip_prefix(PREFIX)?.strip_prefix('/')?;
        self.known.iter().find(|switch| switch.key == key).copied()
    }
}

/// Refuses policies that do not forbid what the catalogue says a switch forbids, all of it whatever the asset, and nothing else: what
/// is looked up rests on that.
fn check(catalog: &Catalog, switch: &KnownConfig, judged: &Judged) -> Result<(), String> {
    for action in catalog.actions() {
        let row = judged.rows.row(action.id);
        let mut reasons = Case::all()
            .filter(|case| *case != Case::ACCOUNT)
            .map(|case| judged.answer(row, case).map(|(reason, _)| *reason));
        let is_right = if switch.forbids.contains(&action.id) {
            reasons.all(|reason| reason == Some(Reason::ExplicitDeny))
        } else {
            reasons.all(|reason| reason == Some(Reason::ImplicitDeny))
        };
        if !is_right {
            return Err(format!(
                "policies/switches.cedar and the catalogue differ: `{}` of the switch `{}`",
                action.name, switch.key
            ));
        }
    }
    Ok(())
}
