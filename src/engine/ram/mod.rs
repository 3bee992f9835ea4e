//! RAM documents as policies: what a document means, as Cedar and as plain questions.
//!
//! Each statement is compiled twice from one reading ([`statement`]): to a Cedar policy ([`cedar`]), which decides, and to
//! matchers, which choose the statements whose action and resource match, so that Cedar evaluates no other. What Cedar cannot
//! say exactly (`?` in a pattern, numbers of any length, the case of letters) is matched here and handed over as a fact.
//! docs/adr/0014 says what is meant where no documentation does.

mod cedar;
mod clause;
mod conditions;
mod matcher;
mod pattern;
mod statement;

pub use clause::Unmet;

pub(super) use cedar::{context, schema_text};
pub(super) use conditions::{
    Conditions, KNOWN, WrongType, check as check_conditions, check_cost, size as context_size,
};
pub(super) use statement::Statement;

use cedar_policy::EntityUid;
use conditions::{Size, Work};

use super::names::Type;
use crate::{
    domain::{ActionId, Invalid},
    ram::{
        document::{Document as Read, Kind},
        json::{self, Value},
        lines::Lines,
    },
};

/// A RAM document, compiled.
#[derive(Debug)]
pub struct Document {
    /// The entity its holders have as a parent, for example `Custom/dev-only`.
    policy: String,
    /// The same entity, who stands for all of them: everything is in itself.
    holder: EntityUid,
    statements: Vec<Statement>,
    /// One bit for each action of the catalogue: whether a statement names it.
    named: Box<[u64]>,
    /// How much what a request says is compared with.
    work: Work,
}

impl Document {
    /// Compiles a document; `policy` names it, and `version` says which text of it this is, in ids of Cedar policies.
    ///
    /// # Errors
    /// What is not a document RAM would accept. What the linter calls an Error never compiles.
    pub(super) fn compile(
        catalog: &crate::catalog::Catalog,
        policy: &str,
        version: &str,
        text: &str,
    ) -> Result<Self, Invalid> {
        let refuse = |detail: &str| {
            let help = format!("{detail}; `pai-authz ram lint` tells all that is wrong with it");
            Invalid::value("PolicyDocument", policy, "a document that compiles", help)
        };
        if text.chars().count() > Kind::Identity.longest() {
            return Err(refuse("it is too long"));
        }
        let json::Parsed { root, faults, .. } = json::parse(text);
        if let Some(fault) = faults.first() {
            return Err(refuse(fault.message.en.as_str()));
        }
        let is_whole = match &root.value {
            Value::Object(members) => statement::names(members, &["Version", "Statement"], 2),
            _ => false,
        };
        let document = Read::new(Kind::Identity, text, &root);
        let version_is_1 = document.members.iter().any(|it| {
            it.name == "Version" && matches!(&it.value.value, Value::String(v) if v == "1")
        });
        let is_list = document
            .members
            .iter()
            .any(|it| it.name == "Statement" && matches!(it.value.value, Value::Array(_)));
        if !is_whole || !version_is_1 || !is_list || document.statements.is_empty() {
            return Err(refuse("it needs Version `1` and a list of statements"));
        }
        let lines = Lines::new(text);
        let mut statements = Vec::with_capacity(document.statements.len());
        for (index, read) in document.statements.iter().enumerate() {
            let id = format!("{policy}/{version}/Statement/{index}");
            let place = (index, lines.place(read.span.start).line);
            let compiled = Statement::compile(catalog, policy, &id, place, read)
                .map_err(|detail| refuse(&format!("statement {index}: {detail}")))?;
            statements.push(compiled);
        }
        let work = statements.iter().map(Statement::work).fold(Work::default(), Work::and);
        let mut named = vec![0; catalog.actions().len().div_ceil(64)].into_boxed_slice();
        for statement in &statements {
            named.iter_mut().zip(statement.named()).for_each(|(all, its)| *all |= its);
        }
        let holder = Type::RamPolicy.uid(policy);
        Ok(Self { policy: policy.to_owned(), holder, statements, named, work })
    }

    /// Returns whether a statement is about an action of the catalogue.
    pub(super) fn names(&self, action: ActionId) -> bool {
        statement::has_bit(&self.named, action)
    }

    /// Returns the entity its holders have as a parent.
    pub(super) fn policy(&self) -> &str {
        &self.policy
    }

    /// Returns who stands for its holders: statements ask only whether somebody is in the policy, and so it is itself.
    pub(super) const fn holder(&self) -> &EntityUid {
        &self.holder
    }

    /// Returns roughly what it costs to ask it, in characters that are looked at.
    pub(super) fn cost(&self, arn: &str, context: Size) -> usize {
        self.work.cost(arn, context)
    }

    /// Returns its statements.
    pub(super) fn statements(&self) -> &[Statement] {
        &self.statements
    }

    /// Returns the statements that are about an action on a resource.
    pub(super) fn about<'d, 'a>(
        &'d self,
        action: ActionId,
        arn: &'a str,
    ) -> impl Iterator<Item = &'d Statement> + use<'d, 'a> {
        self.statements.iter().filter(move |it| it.names(action) && it.is_on(arn))
    }

    /// Returns how many statements it has.
    #[must_use]
    pub fn statement_count(&self) -> usize {
        self.statements.len()
    }

    /// Returns its policies as Cedar text, formatted for people.
    ///
    /// # Errors
    /// A defect: a policy without a text form.
    pub(super) fn text(&self) -> Result<String, String> {
        let policies: Vec<_> = self.statements.iter().flat_map(Statement::policies).collect();
        super::policies::text(&policies)
    }
}
