//! Which RAM documents a principal has: those attached to it, and those of its groups.

use std::sync::{Arc, OnceLock};

use super::{
    Engine,
    ram::Document,
    snapshot::{ById, ByRecorded},
};
use crate::{
    catalog::Catalog,
    domain::{
        ActionId, Digits, GroupId, Holder, Invalid, Op, Policy, PolicyName, PolicyRef, PolicyType,
        PrincipalId, VersionId,
    },
};

/// The vendor's documents, each compiled when it is first needed.
#[derive(Debug)]
pub(super) struct SystemDocuments {
    catalog: &'static Catalog,
    compiled: Vec<OnceLock<Option<Arc<Document>>>>,
}

impl SystemDocuments {
    pub(super) fn new(catalog: &'static Catalog) -> Self {
        let compiled = catalog.system_policies().iter().map(|_| OnceLock::new()).collect();
        Self { catalog, compiled }
    }

    /// Returns the document of a system policy; `None` where there is none of the name.
    fn of(&self, engine: &Engine, name: &PolicyName) -> Option<&Arc<Document>> {
        let all = self.catalog.system_policies();
        let place = all.binary_search_by(|policy| policy.name.cmp(name.as_str())).ok()?;
        let (policy, slot) = (all.get(place)?, self.compiled.get(place)?);
        let compile = || {
            let name = format!("{}/{}", PolicyType::System.as_str(), policy.name);
            // A test compiles each of them; one that did not would be an error to its holders.
            engine.compile_document(&name, policy.version, policy.document).ok().map(Arc::new)
        };
        slot.get_or_init(compile).as_ref()
    }
}

/// A custom policy as it is in force.
#[derive(Debug, Clone)]
struct Kept {
    version: VersionId,
    text: Arc<str>,
    document: Arc<Document>,
}

/// Custom policies and what is attached to whom, at one revision.
#[derive(Debug, Clone, Default)]
pub(super) struct Attached {
    policies: ByRecorded<PolicyName, Kept>,
    policies_of: ById<Arc<Vec<PolicyRef>>>,
    policies_of_groups: ByRecorded<GroupId, Arc<Vec<PolicyRef>>>,
    groups_of: ById<Arc<Vec<GroupId>>>,
}

impl Attached {
    /// Follows one op; those of other records change nothing. An attachment changes what one holder has and compiles
    /// nothing. Returns the principal for whom [`Self::may_have`] may be another now.
    pub(super) fn follow<'o>(
        &mut self,
        engine: &Engine,
        op: &'o Op,
    ) -> Result<Option<&'o PrincipalId>, Invalid> {
        match op {
            Op::PutPolicy(policy) => self.put_policy(engine, policy)?,
            Op::RemovePolicy(name) => {
                self.policies.remove(name);
            }
            Op::PutAttachment(Holder::Principal(to), policy, _) => {
                put(self.policies_of.entry(to.digits()).or_default(), policy);
                return Ok(Some(to));
            }
            Op::PutAttachment(Holder::Group(to), policy, _) => {
                put(self.policies_of_groups.entry(to.clone()).or_default(), policy);
            }
            Op::RemoveAttachment(Holder::Principal(from), policy) => {
                if let Some(policies) = self.policies_of.get_mut(&from.digits())
                    && remove(policies, policy)
                {
                    self.policies_of.remove(&from.digits());
                }
                return Ok(Some(from));
            }
            Op::RemoveAttachment(Holder::Group(from), policy) => {
                if let Some(policies) = self.policies_of_groups.get_mut(from)
                    && remove(policies, policy)
                {
                    self.policies_of_groups.remove(from);
                }
            }
            Op::PutGroupMember(group, member, _) => {
                put(self.groups_of.entry(member.digits()).or_default(), group);
                return Ok(Some(member));
            }
            Op::RemoveGroupMember(group, member) => {
                if let Some(groups) = self.groups_of.get_mut(&member.digits())
                    && remove(groups, group)
                {
                    self.groups_of.remove(&member.digits());
                }
                return Ok(Some(member));
            }
            _ => {}
        }
        Ok(None)
    }

    /// Returns whether documents may be attached to a principal, or to a group it is in.
    pub(super) fn may_have(&self, principal: Digits) -> bool {
        self.policies_of.contains_key(&principal) || self.groups_of.contains_key(&principal)
    }

    fn put_policy(&mut self, engine: &Engine, policy: &Policy) -> Result<(), Invalid> {
        let Some(version) = policy.version(policy.default) else {
            let (id, help) = (policy.default.to_string(), "name a version that is there");
            return Err(Invalid::value("VersionId", &id, "a version of the policy", help));
        };
        let is_same = |kept: &Kept| kept.version == version.id && kept.text == version.document;
        if self.policies.get(&policy.name).is_some_and(is_same) {
            return Ok(());
        }
        let name = format!("{}/{}", PolicyType::Custom.as_str(), policy.name);
        let document =
            engine.compile_document(&name, &version.id.to_string(), &version.document)?;
        let (text, document) = (version.document.clone(), Arc::new(document));
        self.policies.insert(policy.name.clone(), Kept { version: version.id, text, document });
        Ok(())
    }

    /// Returns the policies a principal has, each as often as it has it.
    fn refs(&self, principal: Digits) -> impl Iterator<Item = &PolicyRef> {
        let own = self.policies_of.get(&principal);
        let groups = self.groups_of.get(&principal).into_iter().flat_map(|groups| groups.iter());
        let of_groups = groups.filter_map(|group| self.policies_of_groups.get(group));
        own.into_iter().chain(of_groups).flat_map(|policies| policies.iter())
    }

    /// Returns the documents of a principal, each once.
    ///
    /// # Errors
    /// A policy that is attached and of which no document is known: it might have denied.
    pub(super) fn documents<'s>(
        &'s self,
        engine: &'s Engine,
        principal: Digits,
    ) -> Result<Vec<&'s Arc<Document>>, PolicyRef> {
        let mut out: Vec<&Arc<Document>> = Vec::new();
        for policy in self.refs(principal) {
            let document = self.document(engine, policy).ok_or_else(|| policy.clone())?;
            if !out.iter().any(|other| Arc::ptr_eq(other, document)) {
                out.push(document);
            }
        }
        Ok(out)
    }

    /// Returns whether a document of a principal may have something to say about an action, also when it is not known.
    pub(super) fn are_about(&self, engine: &Engine, principal: Digits, action: ActionId) -> bool {
        let is_about =
            |policy| self.document(engine, policy).is_none_or(|document| document.names(action));
        self.refs(principal).any(is_about)
    }

    fn document<'s>(&'s self, engine: &'s Engine, policy: &PolicyRef) -> Option<&'s Arc<Document>> {
        match policy.policy_type {
            PolicyType::System => engine.system.of(engine, &policy.name),
            PolicyType::Custom => self.policies.get(&policy.name).map(|kept| &kept.document),
        }
    }
}

/// Puts a value into a sorted list of them.
fn put<V: Clone + Ord>(values: &mut Arc<Vec<V>>, value: &V) {
    let values = Arc::make_mut(values);
    if let Err(place) = values.binary_search(value) {
        values.insert(place, value.clone());
    }
}

/// Takes a value out of a list; whether none is left.
fn remove<V: Clone + Ord>(values: &mut Arc<Vec<V>>, value: &V) -> bool {
    let values = Arc::make_mut(values);
    values.retain(|other| other != value);
    values.is_empty()
}
