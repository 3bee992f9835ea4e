//! Which statements of a principal's RAM documents apply to a request, and which of them Cedar is asked.
//!
//! Any Deny denies and any Allow grants: one that applies settles what the others could add. So Cedar judges one, a Deny
//! where there is one, and what a decision costs does not grow with how many apply. Those that decide alike are named, up to a hundred.

use std::{borrow::Cow, sync::Arc};

use super::{
    Document, Snapshot,
    ram::{self, Conditions, Statement, WrongType},
};
use crate::{
    domain::{Decision, Fault, Invalid, Reason, Request},
    ram::document::Effect,
};

/// How many statements that decide alike are named.
pub(super) const MOST_NAMED: usize = 100;

/// The statements that apply to a request.
#[derive(Default)]
pub(super) struct Applying<'d> {
    /// The one Cedar judges, with the document it is of.
    chosen: Option<(&'d Document, &'d Statement)>,
    /// The ids of those that have its effect, no more than are named.
    alike: Vec<&'d str>,
    /// The ARN they were compared with; empty when the principal has no documents.
    pub(super) arn: String,
    pub(super) conditions: Conditions<'d>,
}

impl<'d> Applying<'d> {
    /// Finds those among `documents` that apply.
    ///
    /// # Errors
    /// A context value that a statement about the action and the resource cannot compare.
    pub(super) fn of(
        snapshot: &Snapshot,
        request: &'d Request<'_>,
        documents: &[&'d Arc<Document>],
    ) -> Result<Self, Invalid> {
        let documents = documents.iter().filter(|document| document.names(request.action));
        if documents.clone().next().is_none() {
            return Ok(Self::default());
        }
        let arn = snapshot.engine.arn(&snapshot.account, request.action, &request.resource);
        let context = ram::context_size(&request.context);
        let cost = documents.clone().map(|document| document.cost(&arn, context));
        ram::check_cost(cost.fold(0, usize::saturating_add))?;
        let mut about = Vec::new();
        for document in documents {
            let statements = document.about(request.action, &arn);
            about.extend(statements.map(|statement| (&***document, statement)));
        }
        if about.is_empty() {
            return Ok(Self::default());
        }
        let conditions = snapshot.conditions(request);
        let (mut denying, mut allowing) = (Vec::new(), Vec::new());
        for (document, statement) in about {
            if statement.holds(&conditions).map_err(WrongType::into_invalid)? {
                match statement.effect() {
                    Effect::Deny => denying.push((document, statement)),
                    Effect::Allow => allowing.push((document, statement)),
                }
            }
        }
        let decisive = if denying.is_empty() { allowing } else { denying };
        Ok(Self {
            chosen: decisive.first().copied(),
            alike: decisive.into_iter().take(MOST_NAMED).map(|(_, it)| it.id()).collect(),
            arn,
            conditions,
        })
    }

    /// Returns the statement Cedar judges, with its document; `None` when none applies.
    pub(super) fn chosen(&self) -> Option<(&'d Document, &'d Statement)> {
        self.chosen
    }

    /// Returns the decision: what Cedar says of the chosen statement, together with what roles answer. Where Cedar does not
    /// find that the chosen one applies, the two readings of it differ: that is an error, for a Deny must not be lost on what
    /// is a defect of this program.
    pub(super) fn agreed<'s>(&self, judged: Decision<'s>, by_roles: Decision<'s>) -> Decision<'s> {
        let Some((_, chosen)) = self.chosen else { return by_roles };
        if judged.reason == Reason::Error {
            return judged;
        }
        // Where roles deny, it is of no interest that this one would grant.
        if by_roles.reason == Reason::ExplicitDeny && chosen.effect() == Effect::Allow {
            return by_roles;
        }
        if !judged.determining_policies.iter().any(|id| id == chosen.id()) {
            return Decision::error(Fault::Evaluation(chosen.id().to_owned()));
        }
        let mut policies: Vec<String> = self.alike.iter().map(|id| (*id).to_owned()).collect();
        if by_roles.reason == judged.reason {
            policies.extend(by_roles.determining_policies.iter().map(Cow::into_owned));
        }
        policies.sort_unstable();
        policies.dedup();
        Decision::listed(judged.reason, policies)
    }
}
