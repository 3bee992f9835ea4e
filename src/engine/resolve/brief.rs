//! What roles answer by: a question in few words.

use super::{Refusal, Refuse, Unsaid};
use crate::{
    domain::{AccountId, ActionId, Digits, IdRef, PrincipalKind, Question, Request},
    engine::{Engine, judged::Case},
};

/// What answers of roles depend on of a question that is sound. Most decisions look at no more, and it is small where a
/// [`Request`] is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Brief {
    pub(in crate::engine) principal: Digits,
    /// `None` for what is in none.
    pub(in crate::engine) workspace: Option<Digits>,
    pub(in crate::engine) action: ActionId,
    pub(in crate::engine) kind: PrincipalKind,
    /// `None` for what is certainly of another account.
    pub(in crate::engine) case: Option<Case>,
}

impl Brief {
    /// Returns the action.
    #[must_use]
    pub const fn action(&self) -> ActionId {
        self.action
    }

    /// Returns what a request is in brief.
    pub(in crate::engine) fn of(request: &Request<'_>) -> Self {
        let (principal, resource) = (&request.principal, &request.resource);
        Self {
            principal: principal.id.digits(),
            workspace: resource.workspace().map(IdRef::digits),
            action: request.action,
            kind: principal.kind,
            case: Case::of(principal, resource),
        }
    }
}

impl Engine {
    /// Returns in brief what a question asks in `account`: it is refused where [`Engine::resolve`] refuses it, and alike.
    ///
    /// # Errors
    /// As there.
    #[inline]
    pub fn brief(&self, account: &AccountId, question: Question<'_>) -> Result<Brief, Refusal> {
        self.sound_brief(account, question)
            .map_or_else(|| self.brief_or_reason(account, question), Ok)
    }

    #[cold]
    fn brief_or_reason(
        &self,
        account: &AccountId,
        question: Question<'_>,
    ) -> Result<Brief, Refusal> {
        self.brief_or(account, question)
    }

    /// Asks for what a question is looked up by, for whoever has something to do before.
    #[inline]
    pub fn soon(&self, question: &Question<'_>) {
        if let Some(name) = question.action {
            self.catalog.named_soon(name);
        }
    }

    /// Returns what [`Engine::brief`] returns; `None` where that refuses it.
    #[expect(
        clippy::inline_always,
        reason = "it is words, else written one by one and then read together, which waits"
    )]
    #[inline(always)]
    #[must_use]
    pub fn sound_brief(&self, account: &AccountId, question: Question<'_>) -> Option<Brief> {
        self.brief_or::<Unsaid>(account, question).ok()
    }

    #[expect(clippy::inline_always, reason = "as for `sound_brief`")]
    #[inline(always)]
    fn brief_or<R: Refuse>(&self, account: &AccountId, question: Question<'_>) -> Result<Brief, R> {
        let (principal, action) = self.stated::<R>(account, question)?;
        let (workspace, case) = match question.arn {
            None => self.stated_by_fields::<_, R>(action, question, |asset| match asset {
                None => (None, Some(Case::ACCOUNT)),
                Some(it) => {
                    let case =
                        Case::of_asset(&principal, it.is_official, it.creator, it.accessibility);
                    (it.workspace.map(IdRef::digits), Some(case))
                }
            })?,
            Some(arn) => {
                let resource = self.stated_by_arn::<R>(account, action, arn, question)?;
                (resource.workspace().map(IdRef::digits), Case::of(&principal, &resource))
            }
        };
        self.check_stated_context::<R>(question.context)?;
        let (action, kind) = (action.id, principal.kind);
        Ok(Brief { principal: principal.id.digits(), workspace, action, kind, case })
    }
}
