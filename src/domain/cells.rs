//! The truth of a role: for each permission code, which of four cells it grants.
//!
//! The cells are {own, others'} x {private, public}. The API's `PermissionRules` are a rendering of them:
//! not every set of cells has one (own private and own public alone have, "own public only" has not).

use std::fmt;

use super::Invalid;

/// Whether an asset is shared with its workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Accessibility {
    /// Published to the workspace.
    Public,
    /// Kept by its creator.
    Private,
}

impl Accessibility {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Public, Self::Private];

    /// Returns the spelling of the API: `PUBLIC` or `PRIVATE`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "PUBLIC",
            Self::Private => "PRIVATE",
        }
    }

    /// Returns the value of that spelling; the case counts.
    #[must_use]
    #[inline]
    pub fn parse(text: &str) -> Option<Self> {
        const ENDS: [u64; 2] =
            [known_ends(Accessibility::Public), known_ends(Accessibility::Private)];
        // Which of the two it is is not to be foreseen, and a wrong guess is dear: its length says what it must be.
        let place = text.len().wrapping_sub(Self::Public.as_str().len());
        let (value, its_ends) = (Self::ALL.get(place)?, ENDS.get(place)?);
        (ends(text)? == *its_ends).then_some(*value)
    }
}

/// INVARIANT: the lengths of the two are those of their places, from the shorter one on.
const _: () = assert!(
    Accessibility::ALL[0].as_str().len() + 1 == Accessibility::ALL[1].as_str().len()
        && Accessibility::ALL[1].as_str().len() <= 8
);

const fn known_ends(of: Accessibility) -> u64 {
    match ends(of.as_str()) {
        Some(ends) => ends,
        None => 0,
    }
}

/// Returns the first four bytes of a text and the last four: all there is of one of four to eight, together with its length.
#[inline]
const fn ends(text: &str) -> Option<u64> {
    let bytes = text.as_bytes();
    match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        (Some(first), Some(last)) => {
            Some((u32::from_le_bytes(*first) as u64) << 32 | u32::from_le_bytes(*last) as u64)
        }
        _ => None,
    }
}

/// One of the four cells an asset can be in, seen from one principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cell {
    /// Private and created by the principal.
    OwnPrivate,
    /// Private and created by somebody else.
    OthersPrivate,
    /// Public and created by the principal.
    OwnPublic,
    /// Public and created by somebody else.
    OthersPublic,
}

impl Cell {
    /// All four, in the order in which [`Cells`] prints them.
    pub const ALL: [Self; 4] =
        [Self::OwnPrivate, Self::OthersPrivate, Self::OwnPublic, Self::OthersPublic];

    /// Returns the cell of an asset.
    #[must_use]
    pub const fn of(own: bool, accessibility: Accessibility) -> Self {
        let is_public = matches!(accessibility, Accessibility::Public);
        match (is_public as u8) << 1 | !own as u8 {
            0 => Self::OwnPrivate,
            1 => Self::OthersPrivate,
            2 => Self::OwnPublic,
            _ => Self::OthersPublic,
        }
    }

    /// Returns whether it is the principal's own, and whether it is shared.
    #[must_use]
    pub const fn parts(self) -> (bool, Accessibility) {
        match self {
            Self::OwnPrivate => (true, Accessibility::Private),
            Self::OthersPrivate => (false, Accessibility::Private),
            Self::OwnPublic => (true, Accessibility::Public),
            Self::OthersPublic => (false, Accessibility::Public),
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::OwnPrivate => 1,
            Self::OthersPrivate => 2,
            Self::OwnPublic => 4,
            Self::OthersPublic => 8,
        }
    }

    const fn letter(self) -> char {
        match self {
            Self::OwnPrivate => 'p',
            Self::OthersPrivate => 'P',
            Self::OwnPublic => 'u',
            Self::OthersPublic => 'U',
        }
    }
}

/// A set of cells, written like file permissions: `pPuU`, with `-` for a cell that is not granted.
///
/// `p` own private, `P` others' private, `u` own public, `U` others' public.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Cells(u8);

impl Cells {
    /// No cell.
    pub const NONE: Self = Self(0);
    /// All four cells: accessibility and creator do not matter.
    pub const ALL: Self = Self(15);
    /// What the principal created, private or public.
    pub const OWN: Self = Self(1 | 4);
    /// What is public, and what the principal created.
    pub const OWN_AND_PUBLIC: Self = Self(1 | 4 | 8);

    /// Returns the set of one cell.
    #[must_use]
    pub const fn only(cell: Cell) -> Self {
        Self(cell.bit())
    }

    /// Returns whether `cell` is in the set.
    #[must_use]
    pub const fn contains(self, cell: Cell) -> bool {
        self.0 & cell.bit() != 0
    }

    /// Returns whether no cell is in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns the cells of either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns how many cells are in the set.
    #[must_use]
    pub const fn count(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Returns all sixteen sets.
    pub fn every() -> impl Iterator<Item = Self> {
        (0..16).map(Self)
    }

    /// Returns the set written as four characters, each its letter or `-`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut chars = text.chars();
        let mut cells = Self::NONE;
        for cell in Cell::ALL {
            match chars.next()? {
                '-' => {}
                c if c == cell.letter() => cells = cells.union(Self::only(cell)),
                _ => return None,
            }
        }
        chars.next().is_none().then_some(cells)
    }

    /// Returns the rules that say the same in the API's words; `None` where no rules can.
    ///
    /// Own private = PRIVATE/CREATOR; all private = PRIVATE/ANY; all public = PUBLIC; own = ANY/CREATOR;
    /// everything = ANY/ANY; unions of these are several rules.
    #[must_use]
    pub fn rules(self) -> Option<Vec<PermissionRule>> {
        use EntityAccess::{Any, Creator};
        use RuleAccessibility as A;
        let candidates = [
            PermissionRule { accessibility: A::Any, entity_access: Any },
            PermissionRule { accessibility: A::Private, entity_access: Any },
            PermissionRule { accessibility: A::Any, entity_access: Creator },
            PermissionRule { accessibility: A::Private, entity_access: Creator },
            PermissionRule { accessibility: A::Public, entity_access: Any },
        ];
        let mut rules: Vec<PermissionRule> = Vec::new();
        let mut covered = Self::NONE;
        for rule in candidates {
            let cells = rule.cells();
            let within = cells.0 & !self.0 == 0;
            // Own + public is said as PRIVATE/CREATOR + PUBLIC: ANY/CREATOR would say own public twice.
            let redundant =
                rule.accessibility == A::Any && rule.entity_access == Creator && self != Self::OWN;
            if within && !redundant && cells.0 & !covered.0 != 0 {
                covered = covered.union(cells);
                rules.push(rule);
            }
        }
        // What remains is own public beside more than own (`pPu-`): ANY/CREATOR says it exactly.
        if covered != self {
            let own = PermissionRule { accessibility: A::Any, entity_access: Creator };
            if own.cells().0 & !self.0 == 0 {
                covered = covered.union(own.cells());
                rules.push(own);
            }
        }
        (covered == self).then_some(rules)
    }
}

impl fmt::Display for Cells {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for cell in Cell::ALL {
            write!(f, "{}", if self.contains(cell) { cell.letter() } else { '-' })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Cells {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cells({self})")
    }
}

/// The `Accessibility` of a permission rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RuleAccessibility {
    /// Public assets, whoever made them.
    Public,
    /// Private assets.
    Private,
    /// Both, and operations without an asset.
    Any,
}

impl RuleAccessibility {
    /// Returns the spelling of the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "PUBLIC",
            Self::Private => "PRIVATE",
            Self::Any => "ANY",
        }
    }

    /// Returns the value of that spelling; the case counts.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Public, Self::Private, Self::Any].into_iter().find(|a| a.as_str() == text)
    }
}

/// The `EntityAccessType` of a permission rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntityAccess {
    /// Assets the principal created.
    Creator,
    /// Assets of anybody.
    Any,
}

impl EntityAccess {
    /// Returns the spelling of the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Creator => "CREATOR",
            Self::Any => "ANY",
        }
    }

    /// Returns the value of that spelling; the case counts.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Creator, Self::Any].into_iter().find(|a| a.as_str() == text)
    }
}

/// One rule of a custom role: for which assets its codes are granted.
///
/// Source: AIWorkSpace 2021-02-04, ModulePermissions. PUBLIC ignores the entity access type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PermissionRule {
    /// Which assets by accessibility.
    pub accessibility: RuleAccessibility,
    /// Which assets by creator; [`EntityAccess::Any`] when the API carried none.
    pub entity_access: EntityAccess,
}

impl PermissionRule {
    /// Returns the rule the API's two fields say.
    ///
    /// `PUBLIC` is public assets whoever made them, with or without `EntityAccessType`. `ANY` alone is everything.
    ///
    /// # Errors
    /// An unknown value of either field; `PRIVATE` without `EntityAccessType`, which could mean one's own or all.
    pub fn parse(accessibility: &str, entity_access: Option<&str>) -> Result<Self, Invalid> {
        let accessible = RuleAccessibility::parse(accessibility).ok_or_else(|| {
            let help = "give `PUBLIC`, `PRIVATE` or `ANY`";
            Invalid::value("Accessibility", accessibility, "an accessibility of a rule", help)
        })?;
        let help = "give `CREATOR` or `ANY`";
        let stated = entity_access
            .map(|text| {
                EntityAccess::parse(text).ok_or_else(|| {
                    Invalid::value("EntityAccessType", text, "an entity access type", help)
                })
            })
            .transpose()?;
        let entity_access = match (accessible, stated) {
            (RuleAccessibility::Public, _) | (RuleAccessibility::Any, None) => EntityAccess::Any,
            (_, Some(stated)) => stated,
            (RuleAccessibility::Private, None) => {
                return Err(Invalid::missing("EntityAccessType", help));
            }
        };
        Ok(Self { accessibility: accessible, entity_access })
    }

    /// Returns the cells the rule covers.
    #[must_use]
    pub const fn cells(self) -> Cells {
        match (self.accessibility, self.entity_access) {
            (RuleAccessibility::Public, _) => Cells(4 | 8),
            (RuleAccessibility::Private, EntityAccess::Creator) => Cells(1),
            (RuleAccessibility::Private, EntityAccess::Any) => Cells(1 | 2),
            (RuleAccessibility::Any, EntityAccess::Creator) => Cells::OWN,
            (RuleAccessibility::Any, EntityAccess::Any) => Cells::ALL,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_prints_and_parses_back() {
        for cells in Cells::every() {
            assert_eq!(Cells::parse(&cells.to_string()), Some(cells));
        }
        for bad in ["", "p", "pPu", "pPuUx", "PpuU", "rwx-", "uUpP"] {
            assert_eq!(Cells::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_accessibility_has_one_spelling() {
        for value in Accessibility::ALL {
            assert_eq!(Accessibility::parse(value.as_str()), Some(value));
        }
        for bad in [
            "",
            "P",
            "PUBL",
            "PUBLI",
            "PRIVA",
            "public",
            "PUBLIK",
            "QUBLIC",
            "PRIVAT",
            "PUBLICE",
            "PRIVATe",
            "QRIVATE",
            "PUB LIC",
            "PRIVATES",
            "ÖUBLI",
            "PUBLIC ",
            " PUBLIC",
            "PRIV\0ATE",
        ] {
            assert_eq!(Accessibility::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn rules_say_exactly_their_cells_or_nothing() {
        let mut expressible = Vec::new();
        for cells in Cells::every() {
            if let Some(rules) = cells.rules() {
                let back = rules.iter().fold(Cells::NONE, |acc, rule| acc.union(rule.cells()));
                assert_eq!(back, cells);
                expressible.push(cells.to_string());
            }
        }
        // Others' assets without one's own, or own public without own private, have no rule in the API.
        assert_eq!(expressible, ["----", "p---", "pP--", "p-u-", "pPu-", "--uU", "p-uU", "pPuU"]);
    }

    #[test]
    fn rules_are_the_ones_the_design_names() {
        let say = |text: &str| {
            let rules = Cells::parse(text).unwrap().rules().unwrap();
            rules
                .iter()
                .map(|r| format!("{}/{}", r.accessibility.as_str(), r.entity_access.as_str()))
                .collect::<Vec<_>>()
                .join(" + ")
        };
        assert_eq!(say("p---"), "PRIVATE/CREATOR");
        assert_eq!(say("pP--"), "PRIVATE/ANY");
        assert_eq!(say("--uU"), "PUBLIC/ANY");
        assert_eq!(say("p-u-"), "ANY/CREATOR");
        assert_eq!(say("p-uU"), "PRIVATE/CREATOR + PUBLIC/ANY");
        assert_eq!(say("pPuU"), "ANY/ANY");
        assert_eq!(say("----"), "");
    }

    #[test]
    fn a_rule_is_read_from_the_two_fields_of_the_api() {
        let read = |accessibility, entity_access| {
            PermissionRule::parse(accessibility, entity_access).map(|rule| {
                (rule.accessibility.as_str(), rule.entity_access.as_str(), rule.cells().to_string())
            })
        };
        let says = |a, e, cells: &str| Ok((a, e, cells.to_owned()));
        for ignored in [None, Some("ANY"), Some("CREATOR")] {
            assert_eq!(read("PUBLIC", ignored), says("PUBLIC", "ANY", "--uU"));
        }
        assert_eq!(read("PRIVATE", Some("CREATOR")), says("PRIVATE", "CREATOR", "p---"));
        assert_eq!(read("PRIVATE", Some("ANY")), says("PRIVATE", "ANY", "pP--"));
        assert_eq!(read("ANY", Some("CREATOR")), says("ANY", "CREATOR", "p-u-"));
        assert_eq!(read("ANY", Some("ANY")), says("ANY", "ANY", "pPuU"));
        assert_eq!(read("ANY", None), says("ANY", "ANY", "pPuU"));
    }

    #[test]
    fn a_rule_that_could_mean_two_things_or_nothing_is_refused() {
        use crate::domain::InvalidKind::{InvalidValue, MissingField};
        for (accessibility, entity_access, kind, field) in [
            ("PRIVATE", None, MissingField, "EntityAccessType"),
            ("", Some("ANY"), InvalidValue, "Accessibility"),
            ("public", None, InvalidValue, "Accessibility"),
            ("CREATOR", Some("ANY"), InvalidValue, "Accessibility"),
            ("PRIVATE", Some(""), InvalidValue, "EntityAccessType"),
            ("ANY", Some("any"), InvalidValue, "EntityAccessType"),
            ("PUBLIC", Some("OWNER"), InvalidValue, "EntityAccessType"),
        ] {
            let refused = PermissionRule::parse(accessibility, entity_access).unwrap_err();
            assert_eq!((refused.kind, refused.field.as_str()), (kind, field), "{accessibility}");
        }
    }
}
