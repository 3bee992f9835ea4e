//! One statement, compiled: which actions it is about, on which resources, under which conditions, and its Cedar policy.

use cedar_policy::{Policy, PolicySet};

use super::{
    cedar,
    clause::{Clause, Unmet},
    conditions::{Conditions, Work, WrongType},
    pattern::{Pattern, Reading},
};
use crate::{
    catalog::Catalog,
    domain::ActionId,
    ram::{
        document::{Effect, Statement as Read, members, one_or_many},
        json::{Member, Node, Value},
        keys,
    },
};

/// A statement, compiled.
#[derive(Debug)]
pub(in crate::engine) struct Statement {
    id: String,
    /// Its place in the document, from 0 on, and the line it begins on, from 1 on.
    index: usize,
    line: usize,
    effect: Effect,
    is_not_action: bool,
    actions: Vec<Pattern>,
    /// One bit for each action of the catalogue: whether the statement names it.
    named: Box<[u64]>,
    resources: Vec<Pattern>,
    clauses: Vec<Clause>,
    /// The one policy it is.
    set: PolicySet,
}

/// The elements a statement has.
const ELEMENTS: [&str; 5] = ["Effect", "Action", "NotAction", "Resource", "Condition"];

/// Returns whether members have names of these, each once, at least `least` of them.
pub(super) fn names(members: &[Member], names: &[&str], least: usize) -> bool {
    let once = |member: &Member| members.iter().filter(|it| it.name == member.name).count() == 1;
    members.len() >= least
        && members.iter().all(|member| names.contains(&member.name.as_str()) && once(member))
}

impl Statement {
    /// Compiles a statement under an id, for holders of `policy`.
    pub(super) fn compile(
        catalog: &Catalog,
        policy: &str,
        id: &str,
        (index, line): (usize, usize),
        read: &Read<'_>,
    ) -> Result<Self, String> {
        if !names(read.members, &ELEMENTS, 3) || !is_wholly_read(read) {
            return Err("an element is unknown, there twice, or not what it must be".to_owned());
        }
        if read.actions.iter().chain(&read.resources).any(|it| it.text.contains("${")) {
            return Err("policy variables are not supported".to_owned());
        }
        let effect = read.effect.ok_or("it has no Effect")?;
        let reading = match effect {
            Effect::Allow => Reading::Narrow,
            Effect::Deny => Reading::Wide,
        };
        // What is listed is what is left out in a NotAction: there it is the other way round.
        let question_mark = (reading == Reading::Wide) != read.is_not_action;
        let actions: Vec<Pattern> =
            read.actions.iter().map(|it| Pattern::of_action(it.text, question_mark)).collect();
        let resources: Vec<Pattern> =
            read.resources.iter().map(|it| Pattern::of_resource(it.text, reading)).collect();
        let clauses: Option<Vec<Clause>> = read.clauses.iter().map(Clause::compile).collect();
        let clauses = clauses.ok_or("a condition could not be read")?;
        let mut statement = Self {
            id: id.to_owned(),
            index,
            line,
            effect,
            is_not_action: read.is_not_action,
            actions,
            named: Box::default(),
            resources,
            clauses,
            set: PolicySet::new(),
        };
        statement.named = named(catalog, &statement);
        let compiled = cedar::policy(policy, &statement)?;
        statement.set = PolicySet::from_policies([compiled]).map_err(|error| error.to_string())?;
        Ok(statement)
    }

    /// Returns the id of its policy.
    pub(in crate::engine) fn id(&self) -> &str {
        &self.id
    }

    /// Returns its place in the document, from 0 on.
    pub(in crate::engine) const fn index(&self) -> usize {
        self.index
    }

    /// Returns the line it begins on, from 1 on.
    pub(in crate::engine) const fn line(&self) -> usize {
        self.line
    }

    pub(in crate::engine) const fn effect(&self) -> Effect {
        self.effect
    }

    pub(super) const fn reading(&self) -> Reading {
        match self.effect {
            Effect::Allow => Reading::Narrow,
            Effect::Deny => Reading::Wide,
        }
    }

    pub(super) const fn is_not_action(&self) -> bool {
        self.is_not_action
    }

    pub(super) fn actions(&self) -> &[Pattern] {
        &self.actions
    }

    pub(super) fn resources(&self) -> &[Pattern] {
        &self.resources
    }

    pub(super) fn clauses(&self) -> &[Clause] {
        &self.clauses
    }

    /// Returns whether it is about an action of the catalogue.
    pub(in crate::engine) fn names(&self, action: ActionId) -> bool {
        has_bit(&self.named, action)
    }

    /// Returns one bit for each action of the catalogue: whether it is about it.
    pub(super) const fn named(&self) -> &[u64] {
        &self.named
    }

    /// Returns whether it is about an action, by its RAM name in small letters.
    pub(in crate::engine) fn lists(&self, lower: &str) -> bool {
        self.actions.iter().any(|it| it.matches(lower)) != self.is_not_action
    }

    /// Returns whether it is about a resource.
    pub(in crate::engine) fn is_on(&self, arn: &str) -> bool {
        self.resources.iter().any(|it| it.matches(arn))
    }

    /// Returns how much what a request says is compared with.
    pub(in crate::engine) fn work(&self) -> Work {
        let resource_patterns = self.resources.iter().map(Pattern::weight).sum();
        let of_resource = Work { resource_patterns, ..Work::default() };
        self.clauses.iter().map(Clause::work).fold(of_resource, Work::and)
    }

    /// Returns whether its conditions hold.
    ///
    /// # Errors
    /// A value that an operator cannot compare, wherever in the statement it is.
    pub(in crate::engine) fn holds(&self, conditions: &Conditions<'_>) -> Result<bool, WrongType> {
        let mut holds = true;
        for clause in &self.clauses {
            holds &= clause.holds(conditions, self.reading())?;
        }
        Ok(holds)
    }

    /// Returns the conditions that do not hold.
    ///
    /// # Errors
    /// As [`Statement::holds`].
    pub(in crate::engine) fn unmet(
        &self,
        conditions: &Conditions<'_>,
    ) -> Result<Vec<Unmet>, WrongType> {
        let mut out = Vec::new();
        for clause in &self.clauses {
            if !clause.holds(conditions, self.reading())? {
                out.push(clause.unmet(conditions));
            }
        }
        Ok(out)
    }

    /// Returns the resources it is about, as patterns.
    pub(in crate::engine) fn resource_texts(&self) -> impl Iterator<Item = &str> {
        self.resources.iter().map(Pattern::text)
    }

    /// Returns the keys of its conditions that a request does not have, as the document has them.
    pub(in crate::engine) fn missing<'s>(
        &'s self,
        conditions: &'s Conditions<'_>,
    ) -> impl Iterator<Item = &'s str> {
        let missing = self.clauses.iter().filter(|it| conditions.of(&it.key).is_empty());
        missing.map(|it| it.key.as_str())
    }

    /// Returns its policy as a set.
    pub(in crate::engine) const fn set(&self) -> &PolicySet {
        &self.set
    }

    /// Returns its policy.
    pub(in crate::engine) fn policies(&self) -> impl Iterator<Item = Policy> {
        self.set.policies().cloned()
    }
}

/// Returns whether the bit of an action is set.
pub(super) fn has_bit(bits: &[u64], action: ActionId) -> bool {
    let word = bits.get(usize::from(action.0) / 64);
    word.is_some_and(|word| word >> (action.0 % 64) & 1 == 1)
}

/// Returns one bit for each action of the catalogue: whether a statement is about it.
fn named(catalog: &Catalog, statement: &Statement) -> Box<[u64]> {
    let mut bits = vec![0; catalog.actions().len().div_ceil(64)].into_boxed_slice();
    let mut set = |id: ActionId| {
        if let Some(word) = bits.get_mut(usize::from(id.0) / 64) {
            *word |= 1_u64 << (id.0 % 64);
        }
    };
    if statement.is_not_action {
        for action in catalog.actions().iter().filter(|it| statement.lists(catalog.ram_name(it))) {
            set(action.id);
        }
        return bits;
    }
    for pattern in &statement.actions {
        if pattern.weight() > 0 {
            let all = catalog.actions().iter();
            all.filter(|it| pattern.matches(catalog.ram_name(it))).for_each(|it| set(it.id));
        } else if let Some(action) = catalog.find_ram_name(pattern.text()) {
            set(action.id);
        }
    }
    bits
}

/// Returns whether each element was read as what it must be, none in part.
fn is_wholly_read(read: &Read<'_>) -> bool {
    let strings = |node: &Node| match &node.value {
        Value::String(_) => true,
        Value::Array(items) => {
            !items.is_empty() && items.iter().all(|it| matches!(it.value, Value::String(_)))
        }
        _ => false,
    };
    let one_of_each = |node: &Node| {
        let own = members(node);
        let once = |name: &str| {
            let name = keys::normal(name);
            own.iter().filter(|it| keys::normal(&it.name) == name).count() == 1
        };
        matches!(node.value, Value::Object(_)) && own.iter().all(|it| once(&it.name))
    };
    let has_one_list = read.element("Action").is_some() != read.element("NotAction").is_some();
    let has_rest = read.element("Effect").is_some() && read.element("Resource").is_some();
    has_one_list && has_rest && read.members.iter().all(|member| match member.name.as_str() {
        "Effect" => {
            matches!(&member.value.value, Value::String(text) if text == "Allow" || text == "Deny")
        }
        "Condition" => {
            one_of_each(&member.value)
                && members(&member.value).iter().all(|operator| {
                    one_of_each(&operator.value)
                        && members(&operator.value)
                            .iter()
                            .all(|key| !one_or_many(&key.value).is_empty() && strings(&key.value))
                })
        }
        _ => strings(&member.value),
    })
}
