//! Which RAM documents a principal has: those attached to it, and those of its groups.

use std::sync::{Arc, OnceLock};

use imbl::HashMap;

use super::{Engine, ram::Document};
use crate::{
    catalog::Catalog,
    domain::{
        GroupId, Holder, Invalid, Op, Policy, PolicyName, PolicyRef, PolicyType, PrincipalId,
        VersionId,
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
    fn of(&self, engine: &Engine, name: &PolicyName) -> Option<Arc<Document>> {
        let all = self.catalog.system_policies();
        let place = all.binary_search_by(|policy| policy.name.cmp(name.as_str())).ok()?;
        let (policy, slot) = (all.get(place)?, self.compiled.get(place)?);
        let compile = || {
            let name = format!("{}/{}", PolicyType::System.as_str(), policy.name);
            // A test compiles each of them; one that did not would be an error to its holders.
            engine.compile_document(&name, policy.version, policy.document).ok().map(Arc::new)
        };
        slot.get_or_init(compile).clone()
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
    policies: HashMap<PolicyName, Kept>,
    policies_of: HashMap<Holder, Arc<Vec<PolicyRef>>>,
    groups_of: HashMap<PrincipalId, Arc<Vec<GroupId>>>,
}

impl Attached {
    /// Follows one op; those of other records change nothing. An attachment changes what one holder has and compiles
    /// nothing.
    pub(super) fn follow(&mut self, engine: &Engine, op: &Op) -> Result<(), Invalid> {
        match op {
            Op::PutPolicy(policy) => self.put_policy(engine, policy)?,
            Op::RemovePolicy(name) => {
                self.policies.remove(name);
            }
            Op::PutAttachment(to, policy, _) => {
                put(&mut self.policies_of, to, policy);
            }
            Op::RemoveAttachment(to, policy) => remove(&mut self.policies_of, to, policy),
            Op::PutGroupMember(group, member, _) => put(&mut self.groups_of, member, group),
            Op::RemoveGroupMember(group, member) => remove(&mut self.groups_of, member, group),
            _ => {}
        }
        Ok(())
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

    /// Returns the documents of a principal, each once.
    ///
    /// # Errors
    /// A policy that is attached and of which no document is known: it might have denied.
    pub(super) fn documents(
        &self,
        engine: &Engine,
        principal: &PrincipalId,
    ) -> Result<Vec<Arc<Document>>, PolicyRef> {
        let own = self.policies_of.get(&Holder::Principal(principal.clone()));
        let groups = self.groups_of.get(principal);
        let of_groups = groups.into_iter().flat_map(|groups| groups.iter());
        let of_groups =
            of_groups.filter_map(|group| self.policies_of.get(&Holder::Group(group.clone())));
        let mut out = Vec::new();
        let mut seen: Vec<&PolicyRef> = Vec::new();
        for policy in own.into_iter().chain(of_groups).flat_map(|policies| policies.iter()) {
            if seen.contains(&policy) {
                continue;
            }
            seen.push(policy);
            out.push(self.document(engine, policy).ok_or_else(|| policy.clone())?);
        }
        Ok(out)
    }

    fn document(&self, engine: &Engine, policy: &PolicyRef) -> Option<Arc<Document>> {
        match policy.policy_type {
            PolicyType::System => engine.system.of(engine, &policy.name),
            PolicyType::Custom => self.policies.get(&policy.name).map(|kept| kept.document.clone()),
        }
    }
}

fn put<K, V>(map: &mut HashMap<K, Arc<Vec<V>>>, key: &K, value: &V)
where
    K: Clone + Eq + std::hash::Hash,
    V: Clone + Ord,
{
    let values = Arc::make_mut(map.entry(key.clone()).or_default());
    if let Err(place) = values.binary_search(value) {
        values.insert(place, value.clone());
    }
}

fn remove<K, V>(map: &mut HashMap<K, Arc<Vec<V>>>, key: &K, value: &V)
where
    K: Clone + Eq + std::hash::Hash,
    V: Clone + Ord,
{
    let Some(values) = map.get_mut(key) else { return };
    let values = Arc::make_mut(values);
    values.retain(|other| other != value);
    if values.is_empty() {
        map.remove(key);
    }
}
