//! Explains decisions: what the engine says of one, and what it cannot know of names and attachments.

use std::collections::BTreeMap;

use super::{Asked, Authorizer, Judged, View, rules::MAX_ROLES_HELD};
use crate::{
    domain::{AccountId, Decision, GroupName, Holder, PolicyRef, Principal, Question},
    engine::{Beside, Explanation, Source},
    error::Error,
};

/// Why a decision is what it is.
#[derive(Debug, Clone)]
pub struct Explained {
    /// What the engine says.
    pub explanation: Explanation,
    /// By policy named in it: to which of the principal and its groups it is attached.
    pub attached: BTreeMap<PolicyRef, Vec<AttachedTo>>,
}

/// What a policy is attached to, so that the principal has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttachedTo {
    /// The principal.
    Principal(Principal),
    /// A group it is in.
    Group(GroupName),
}

impl Authorizer {
    /// Returns the decision on one request as [`Authorizer::is_authorized`], and why it is that.
    ///
    /// # Errors
    /// As [`Authorizer::is_authorized`].
    pub async fn explain(
        &self,
        account: &AccountId,
        question: Question<'_>,
        at_least: Option<&str>,
    ) -> Result<Judged<(Decision<'static>, Explained)>, Error> {
        let mut asked = self.asked(account, question, at_least).await?;
        let decision = self.decide(&mut asked).0.into_owned();
        let Asked { mut request, view, .. } = asked;
        self.tell_time(&mut request.context);
        let (kept, revision) = (request.keep(), view.revision());
        // Changes are tried, for which roles are compiled: no decision waits for that.
        let view = std::sync::Arc::clone(&view);
        let explained = self.apart(account, move || {
            let request = kept.request();
            let beside = Beside {
                recorded: &|workspace, id| view.roster(workspace).role(id),
                is_readable: &|workspace| !view.unreadable().contains(workspace),
                most_roles: MAX_ROLES_HELD,
            };
            let explanation = view.snapshot.explain(&request, &beside)?;
            let who = Principal { kind: request.principal.kind, id: request.principal.id.to_id() };
            let attached = attached(&view, &who, &explanation);
            Some(Explained { explanation, attached })
        });
        let explained = explained.await?.ok_or_else(|| Error::internal("an unknown action"))?;
        Ok(Judged { answer: (decision, explained), revision })
    }
}

/// Returns to what the policies an explanation names are attached, as far as the principal has them by it.
fn attached(
    view: &View,
    who: &Principal,
    explanation: &Explanation,
) -> BTreeMap<PolicyRef, Vec<AttachedTo>> {
    let determining = explanation.policies.iter().filter_map(|(_, source)| source.as_ref());
    let near = explanation.near_misses.iter().map(|near| &near.source);
    let named = determining.chain(near).filter_map(|source| match source {
        Source::Document { policy, .. } => Some(policy),
        _ => None,
    });
    let mut out = BTreeMap::new();
    for policy in named {
        out.entry(policy.clone()).or_insert_with(|| {
            let own = Holder::Principal(who.id.clone());
            let is_own = view.grants.is_attached(&own, policy);
            let groups = view.grants.groups_of(&who.id).map(|(group, _)| group);
            let by_group = groups
                .filter(|group| view.grants.is_attached(&Holder::Group(group.id.clone()), policy))
                .map(|group| AttachedTo::Group(group.name.clone()));
            let own = is_own.then(|| AttachedTo::Principal(who.clone()));
            own.into_iter().chain(by_group).collect()
        });
    }
    out
}
