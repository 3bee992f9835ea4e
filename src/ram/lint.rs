//! Checking a document: it is read once, what its actions and resources name is looked up once, and every rule looks at
//! that.

use std::{cell::Cell, collections::HashMap, rc::Rc};

use super::{
    document::{Document, Effect, Kind, Text},
    finding::{Class, Finding, Findings},
    json::{self, Fault},
    rules,
    vocabulary::{ActionIndex, Vocabulary, vocabulary},
    wildcard,
};

/// The longest text that is read at all, in bytes.
pub const LONGEST_TEXT: usize = 1024 * 1024;
/// The longest text of which more is asked than whether RAM accepts it, in bytes: no character has more than four.
const LONGEST_JUDGED: usize = 4 * 6_144;
/// How many different patterns of actions of any service are looked up in the whole catalogue.
const WIDE_PATTERNS: u32 = 1_000;
/// How many pairs of patterns are compared for a document, all rules together.
const COMPARISONS: u32 = 400_000;

/// What was found in a document.
#[derive(Debug)]
pub struct Report {
    /// The findings, in the order of the text.
    pub findings: Vec<Finding>,
    /// How many statements there are.
    pub statements: usize,
    /// How many different actions were named of services that are not, or not wholly, known here: they are checked for form
    /// only.
    pub foreign_actions: usize,
    /// Whether everything was looked at; a document that RAM would refuse for its length may not be.
    pub is_complete: bool,
}

impl Report {
    /// Returns the worst class among the findings; `None` when there are none.
    #[must_use]
    pub fn worst(&self) -> Option<Class> {
        self.findings.iter().map(|finding| finding.class).max()
    }
}

/// An action that a statement lists.
#[derive(Debug, Clone)]
pub(super) struct ActionUse<'d> {
    /// As it is written.
    pub(super) text: Text<'d>,
    /// In small letters.
    pub(super) lower: Rc<str>,
    /// Where the name begins in it, after the colon; `None` when it is not of the form `code:name`.
    name_at: Option<usize>,
    /// The actions of the catalogue it stands for.
    pub(super) covered: Rc<[ActionIndex]>,
}

impl ActionUse<'_> {
    /// Returns its RAM code in small letters, where that is literal.
    pub(super) fn code(&self) -> Option<&str> {
        let code = self.lower.get(..self.name_at?.checked_sub(1)?)?;
        (!wildcard::is_pattern(code)).then_some(code)
    }

    /// Returns its name in small letters; empty when it has none.
    pub(super) fn name(&self) -> &str {
        self.name_at.and_then(|at| self.lower.get(at..)).unwrap_or_default()
    }

    /// Returns whether it stands for more than itself.
    pub(super) fn is_pattern(&self) -> bool {
        wildcard::is_pattern(&self.lower)
    }

    /// Returns whether it stands for every action there is: for all that are known, and for one that is not.
    pub(super) fn is_everything(&self) -> bool {
        self.is_pattern()
            && wildcard::matches(&self.lower, "a-service:a-name")
            && self.covered.len() == vocabulary().len()
    }
}

/// A pattern in small letters and the actions it stands for, shared by all who list it.
type Covered = (Rc<str>, Rc<[ActionIndex]>);

/// A resource that a statement lists, with its parts; those it does not have are empty.
#[derive(Debug, Clone)]
pub(super) struct ResourceUse<'d> {
    /// As it is written.
    pub(super) text: Text<'d>,
    /// `acs`, RAM code, region, account and relative id, as many as there are.
    pub(super) parts: Vec<&'d str>,
}

impl<'d> ResourceUse<'d> {
    /// Returns its RAM code where that is literal.
    pub(super) fn code(&self) -> Option<&'d str> {
        self.code_part().filter(|code| !wildcard::is_pattern(code))
    }

    fn code_part(&self) -> Option<&'d str> {
        if self.parts.first() == Some(&"acs") { self.parts.get(1).copied() } else { None }
    }

    /// Returns the part that names the resource; `None` when there is none.
    pub(super) fn relative_id(&self) -> Option<&'d str> {
        self.code_part().and(self.parts.get(4).copied())
    }

    /// Returns whether it can be a resource of a RAM code.
    pub(super) fn can_be_of(&self, code: &str) -> bool {
        match self.parts.get(1) {
            Some(part) => wildcard::matches(part, code),
            None => self.is_everything(),
        }
    }

    /// Returns whether it stands for every resource there is, be it of one account: there is no other to its holder.
    pub(super) fn is_everything(&self) -> bool {
        const UNLIKE: [&str; 3] = [
            "acs:oss:cn-hangzhou:1:b",
            "acs:paidlc:us-west-1:1:workspace/2/dlcjob/j",
            "acs:ram::1:user/u",
        ];
        let mut parts = self.parts.clone();
        if let Some(account) = parts.get_mut(3)
            && !account.is_empty()
            && account.bytes().all(|byte| byte.is_ascii_digit())
        {
            *account = "*";
        }
        let pattern = parts.join(":");
        UNLIKE.iter().all(|arn| wildcard::matches(&pattern, arn))
    }
}

/// A document with what its statements name looked up: what rules look at.
pub(super) struct Subject<'d> {
    /// The document.
    pub(super) document: &'d Document<'d>,
    /// What is wrong with its JSON.
    pub(super) faults: &'d [Fault],
    /// The vocabulary.
    pub(super) vocabulary: &'static Vocabulary,
    /// The actions of each statement.
    pub(super) actions: Vec<Vec<ActionUse<'d>>>,
    /// The resources of each statement.
    pub(super) resources: Vec<Vec<ResourceUse<'d>>>,
    comparisons: Cell<u32>,
}

impl<'d> Subject<'d> {
    fn new(document: &'d Document<'d>, faults: &'d [Fault], judged: bool) -> Self {
        let vocabulary = vocabulary();
        let mut known: HashMap<(String, bool), Covered> = HashMap::new();
        let mut wide = 0;
        let mut look_up = |text: &Text<'d>, is_narrow: bool| {
            let key = text.text.to_ascii_lowercase();
            let name_at = key.find(':').map(|at| at + 1);
            // Where it grants less, `?` is no wildcard (docs/adr/0014).
            let is_literal = is_narrow && key.contains('?');
            let (lower, covered) = known
                .entry((key, is_literal))
                .or_insert_with_key(|(key, is_literal)| {
                    let covered = if !judged || *is_literal {
                        Vec::new()
                    } else if wildcard::is_pattern(key) {
                        let code = key.split_once(':').map(|(code, _)| code);
                        let code = code.filter(|code| !wildcard::is_pattern(code));
                        wide += u32::from(code.is_none());
                        let is_one_too_many = code.is_none() && wide > WIDE_PATTERNS;
                        if is_one_too_many { Vec::new() } else { vocabulary.covered(key, code) }
                    } else {
                        vocabulary.find(key).into_iter().collect()
                    };
                    (key.as_str().into(), covered.into())
                })
                .clone();
            ActionUse { text: text.clone(), lower, name_at, covered }
        };
        let statements = &document.statements;
        let actions = statements
            .iter()
            .map(|it| {
                let is_narrow = (it.effect == Some(Effect::Allow)) != it.is_not_action;
                it.actions.iter().map(|text| look_up(text, is_narrow)).collect()
            })
            .collect();
        let resource = |text: &Text<'d>| ResourceUse {
            text: text.clone(),
            parts: text.text.splitn(5, ':').collect(),
        };
        let resources =
            statements.iter().map(|it| it.resources.iter().map(resource).collect()).collect();
        let comparisons = Cell::new(if wide > WIDE_PATTERNS { COMPARISONS + 1 } else { 0 });
        Self { document, faults, vocabulary, actions, resources, comparisons }
    }

    /// Returns each statement with its actions and resources.
    pub(super) fn statements(
        &self,
    ) -> impl Iterator<Item = (&'d super::document::Statement<'d>, &[ActionUse<'d>], &[ResourceUse<'d>])>
    {
        let statements = self.document.statements.iter();
        statements
            .zip(&self.actions)
            .zip(&self.resources)
            .map(|((it, actions), resources)| (it, actions.as_slice(), resources.as_slice()))
    }

    /// Returns whether one pattern stands for all that another does. When too many were compared it is always `false`, and
    /// the report says that it is not complete.
    pub(super) fn includes(&self, pattern: &str, other: &str) -> bool {
        let so_far = self.comparisons.get();
        self.comparisons.set(so_far.saturating_add(1));
        so_far < COMPARISONS && wildcard::includes(pattern, other)
    }

    /// Returns how many different actions of unknown services are named.
    fn foreign_actions(&self) -> usize {
        let is_foreign = |action: &&ActionUse<'_>| {
            action.code().is_some_and(|code| {
                let is_known = self.vocabulary.is_known_code(code);
                // Of RAM, only some actions are known.
                (code == "ram" && action.covered.is_empty())
                    || (!is_known && self.vocabulary.meant_code(code).is_none())
            })
        };
        let foreign = self.actions.iter().flatten().filter(is_foreign);
        foreign.map(|action| &*action.lower).collect::<std::collections::HashSet<_>>().len()
    }
}

/// Checks a document.
#[must_use]
pub fn lint(text: &str, kind: Kind) -> Report {
    if text.len() > LONGEST_TEXT {
        return too_long(text, kind);
    }
    let parsed = json::parse(text);
    let (root, faults) = (&parsed.root, &parsed.faults);
    let document = Document::new(kind, text, root);
    let judged = text.len() <= LONGEST_JUDGED;
    let subject = Subject::new(&document, faults, judged);
    let mut findings = Vec::new();
    let mut left_out = 0;
    for rule in rules::RULES.iter() {
        if judged || rule.class == Class::Error {
            let mut found = Findings::of(rule);
            (rule.check)(&subject, &mut found);
            left_out += found.left_out;
            // Where the text ends too soon, that is what is wrong, not what it has not come to.
            found.found.retain(|it| rule.is_syntax() || !parsed.may_go_on(&it.span));
            findings.append(&mut found.found);
        }
    }
    findings.sort_by_key(|finding| {
        (finding.span.start, std::cmp::Reverse(finding.class), finding.span.end)
    });
    for finding in &mut findings {
        finding.pointer = root.pointer(finding.span.start);
    }
    Report {
        findings,
        statements: document.statements.len(),
        foreign_actions: subject.foreign_actions(),
        is_complete: judged
            && left_out == 0
            && faults.len() < json::MOST_FAULTS
            && subject.comparisons.get() <= COMPARISONS,
    }
}

/// What is said of a text that is not even read.
fn too_long(text: &str, kind: Kind) -> Report {
    let found = rules::tell_too_long(text.chars().count(), kind);
    Report { findings: found.found, statements: 0, foreign_actions: 0, is_complete: false }
}
