//! Decides: what roles answer is looked up, and where RAM documents have a say, Cedar is asked the statement that settles it.

use std::sync::Arc;

use cedar_policy::{Entities, Request as CedarRequest};

use super::{
    Document, Snapshot,
    applying::Applying,
    judge::judge,
    names::Type,
    ram::{self, Conditions, Statement},
    resolve::Brief,
};
use crate::{
    catalog::ANY,
    domain::{
        Asker, Decision, Digits, Fault, Invalid, Principal, PrincipalKind, Question, Reason,
        Request, Resource, Settled,
    },
    ram::keys,
};

/// What roles answer.
struct ByRoles<'s> {
    decision: Decision<'s>,
    /// Whether the principal may have RAM documents, which deny or grant what roles do not.
    may_have_documents: bool,
}

impl Snapshot {
    /// Returns the decision on a request of this account.
    ///
    /// Reads nothing but this snapshot. An unknown principal and an unknown or foreign workspace are denied alike,
    /// and whatever goes wrong on the way denies.
    #[must_use]
    pub fn is_authorized(&self, request: &Request<'_>) -> Decision<'_> {
        match self.by_roles(&Brief::of(request)) {
            None => no_table(),
            Some(by_roles) if by_roles.may_have_documents => {
                self.by_documents(request, by_roles.decision, None)
            }
            Some(by_roles) => by_roles.decision,
        }
    }

    /// Returns the decision on a question of this account: what [`Engine::resolve`](super::Engine::resolve) and [`Snapshot::is_authorized`] return, and
    /// faster where roles alone decide.
    ///
    /// # Errors
    /// As [`Engine::resolve`](super::Engine::resolve).
    #[inline]
    pub fn ask(&self, question: Question<'_>) -> Result<Decision<'_>, Invalid> {
        if let Some(settled) = self.look_up(&self.engine.brief(&self.account, question)?) {
            return Ok(settled.into());
        }
        Ok(self.is_authorized(&self.engine.resolve(&self.account, question)?))
    }

    /// Returns the decision on a request where its context has no part in it, because no RAM document is about the principal
    /// and the action; `None` where it may have. It is looked up, and costs no allocation.
    #[must_use]
    pub fn settled(&self, request: &Request<'_>) -> Option<Decision<'_>> {
        self.look_up(&Brief::of(request)).map(Decision::from)
    }

    /// Returns the decision on what is asked in brief, as [`Self::settled`].
    #[must_use]
    #[inline]
    pub fn look_up(&self, brief: &Brief) -> Option<Settled<'_>> {
        let begun = self.begin(brief)?;
        if self.documents_have_say(&begun, brief) {
            return None;
        }
        begun.settle()
    }

    /// Returns the decision as if the principal had one document more.
    pub(super) fn decide_with(&self, request: &Request<'_>, more: &Arc<Document>) -> Decision<'_> {
        match self.by_roles(&Brief::of(request)) {
            None => no_table(),
            // Where documents have no say, one more has none.
            Some(by_roles) if !by_roles.may_have_documents && !self.has_say(request) => {
                by_roles.decision
            }
            Some(by_roles) => self.by_documents(request, by_roles.decision, Some(more)),
        }
    }

    /// Returns whether a document of the principal could reach what is asked about.
    pub(super) fn has_say(&self, request: &Request<'_>) -> bool {
        let is_there = match &request.resource {
            Resource::Foreign => false,
            resource => resource.workspace().is_none_or(|id| self.workspace(id.digits()).is_some()),
        };
        let principal = &request.principal;
        is_there && principal.kind != PrincipalKind::Account && self.is_known(principal)
    }

    /// Looks up what roles answer; `None` where there is no table for them, which is a defect.
    #[inline]
    fn by_roles(&self, brief: &Brief) -> Option<ByRoles<'_>> {
        let begun = self.begin(brief)?;
        let settled = begun.settle()?;
        Some(ByRoles { decision: settled.into(), may_have_documents: begun.may_have_documents })
    }

    /// Returns the decision where the principal has documents, or would have one more.
    fn by_documents<'s>(
        &'s self,
        request: &Request<'_>,
        by_roles: Decision<'s>,
        more: Option<&Arc<Document>>,
    ) -> Decision<'s> {
        let digits = request.principal.id.digits();
        let mut documents = match self.attached.documents(&self.engine, digits) {
            Ok(documents) => documents,
            Err(policy) => return Decision::error(Fault::Evaluation(policy.to_string())),
        };
        documents.extend(more);
        let applying = match Applying::of(self, request, &documents) {
            Ok(applying) => applying,
            Err(invalid) => return Decision::error(Fault::Request(Box::new(invalid))),
        };
        // An answer that could not be given denies, whatever else there is.
        let Some((document, statement)) = applying.chosen() else { return by_roles };
        if by_roles.reason == Reason::Error {
            return by_roles;
        }
        let Some(asked) = self.put(request, document, statement, &applying) else {
            return Decision::error(Fault::Evaluation("request".to_owned()));
        };
        applying.agreed(judge(&[statement.set()], &asked, &Entities::empty()), by_roles)
    }

    /// Returns a request as Cedar takes it, for the statement that is put to it: with what statements look at, and no more.
    fn put(
        &self,
        request: &Request<'_>,
        document: &Document,
        statement: &Statement,
        applying: &Applying<'_>,
    ) -> Option<CedarRequest> {
        let name = self.engine.catalog.ram_name(self.engine.catalog.action(request.action)?);
        let statements = std::iter::once(statement);
        let context = ram::context(statements, name, &applying.arn, &applying.conditions)?;
        // All that statements are about is in the context, so that there is an entity neither of who asks nor of what is asked about.
        let action = self.engine.actions.get(usize::from(request.action.0))?.uid();
        let (holder, what) = (document.holder().clone(), Type::Asset.uid(ANY));
        CedarRequest::new(holder, action, what, context, None).ok()
    }

    /// Returns what conditions are compared with: what the request states, and what is known of it beside.
    pub(super) fn conditions<'r>(&self, request: &'r Request<'_>) -> Conditions<'r> {
        let mut conditions = Conditions::new(&request.context);
        if let Some(arn) = self.arn_of(request.principal.kind, request.principal.id.digits()) {
            conditions.know(keys::PRINCIPAL_ARN, arn);
        }
        if let Resource::Asset {
            creator: Some(creator), accessibility: Some(accessibility), ..
        } = &request.resource
        {
            let own = *creator == request.principal.id;
            conditions.know(keys::ACCESSIBILITY, accessibility.as_str());
            conditions.know(keys::ENTITY_ACCESS_TYPE, if own { "CREATOR" } else { "OTHERS" });
        }
        conditions
    }

    /// Returns the RAM documents a principal has; the main account has none.
    ///
    /// # Errors
    /// A policy that is attached and of which no document is known.
    pub fn documents(&self, principal: &Principal) -> Result<Vec<Arc<Document>>, Invalid> {
        let attached = self.attached.documents(&self.engine, principal.id.digits());
        let attached = attached.map_err(|policy| {
            let help = "it is attached, but there is no such policy: detach it";
            Invalid::value("PolicyName", &policy.to_string(), "a policy of the account", help)
        })?;
        Ok(attached.into_iter().cloned().collect())
    }

    /// Returns a principal as RAM names it; `None` for one that is not known.
    #[must_use]
    pub fn principal_arn(&self, principal: &Principal) -> Option<String> {
        self.arn_of(principal.kind, principal.id.digits())
    }

    fn arn_of(&self, kind: PrincipalKind, principal: Digits) -> Option<String> {
        let account = &self.account;
        if kind == PrincipalKind::Account {
            return Some(format!("acs:ram::{account}:root"));
        }
        let (kind, name) = self.names.get(&principal)?;
        let kind = if *kind == PrincipalKind::RamRole { "role" } else { "user" };
        Some(["acs:ram::", account.as_str(), ":", kind, "/", name.as_str()].concat())
    }

    pub(super) fn is_known(&self, principal: &Asker<'_>) -> bool {
        match principal.kind {
            PrincipalKind::Account => principal.id.digits() == self.account_digits,
            kind => self.people.get(principal.id.digits()).is_some_and(|it| it.kind == kind),
        }
    }
}

/// The denial where a set of roles has no table, which is a defect.
#[cold]
fn no_table() -> Decision<'static> {
    Decision::error(Fault::Evaluation("the roles of the principal".to_owned()))
}
