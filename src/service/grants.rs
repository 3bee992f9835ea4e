//! What RAM holds of an account beside users: policies, groups and attachments, both ways round.

use std::sync::Arc;

use imbl::OrdMap;

use crate::domain::{
    Group, GroupId, GroupName, Holder, Op, Policy, PolicyName, PolicyRef, PrincipalId, Timestamp,
};

/// Policies, groups and attachments at one revision, in the order in which they are listed.
#[derive(Debug, Clone, Default)]
pub struct Grants {
    policies: OrdMap<PolicyName, Arc<Policy>>,
    groups: OrdMap<GroupId, Arc<Group>>,
    group_names: OrdMap<GroupName, GroupId>,
    members: OrdMap<(GroupId, PrincipalId), Timestamp>,
    groups_of: OrdMap<(PrincipalId, GroupId), Timestamp>,
    policies_of: OrdMap<(Holder, PolicyRef), Timestamp>,
    holders_of: OrdMap<(PolicyRef, Holder), Timestamp>,
    holder_counts: OrdMap<PolicyRef, usize>,
}

impl Grants {
    /// Follows one op; those of other records change nothing.
    pub(super) fn follow(&mut self, op: &Op) {
        match op {
            Op::PutPolicy(policy) => {
                self.policies.insert(policy.name.clone(), Arc::new(policy.clone()));
            }
            Op::RemovePolicy(name) => {
                self.policies.remove(name);
            }
            Op::PutGroup(group) => {
                self.forget_group(&group.id);
                self.group_names.insert(group.name.clone(), group.id.clone());
                self.groups.insert(group.id.clone(), Arc::new(group.clone()));
            }
            Op::RemoveGroup(id) => self.forget_group(id),
            Op::PutGroupMember(group, member, since) => {
                self.members.insert((group.clone(), member.clone()), *since);
                self.groups_of.insert((member.clone(), group.clone()), *since);
            }
            Op::RemoveGroupMember(group, member) => {
                self.members.remove(&(group.clone(), member.clone()));
                self.groups_of.remove(&(member.clone(), group.clone()));
            }
            Op::PutAttachment(to, policy, since) => {
                self.policies_of.insert((to.clone(), policy.clone()), *since);
                if self.holders_of.insert((policy.clone(), to.clone()), *since).is_none() {
                    *self.holder_counts.entry(policy.clone()).or_default() += 1;
                }
            }
            Op::RemoveAttachment(to, policy) => {
                self.policies_of.remove(&(to.clone(), policy.clone()));
                if self.holders_of.remove(&(policy.clone(), to.clone())).is_some() {
                    self.count_one_less(policy);
                }
            }
            _ => {}
        }
    }

    fn count_one_less(&mut self, policy: &PolicyRef) {
        match self.holder_counts.get_mut(policy) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                self.holder_counts.remove(policy);
            }
        }
    }

    fn forget_group(&mut self, id: &GroupId) {
        if let Some(before) = self.groups.remove(id)
            && self.group_names.get(&before.name) == Some(id)
        {
            self.group_names.remove(&before.name);
        }
    }

    /// Returns a policy of the account.
    #[must_use]
    pub fn policy(&self, name: &PolicyName) -> Option<&Policy> {
        self.policies.get(name).map(|policy| &**policy)
    }

    /// Returns the policies of the account by name, from the first after `after` on.
    pub fn policies_after<'g>(
        &'g self,
        after: Option<&PolicyName>,
    ) -> impl Iterator<Item = &'g Policy> {
        from(&self.policies, after).map(|(_, policy)| &**policy)
    }

    /// Returns how many policies the account has.
    #[must_use]
    pub fn policy_count(&self) -> usize {
        self.policies.len()
    }

    /// Returns a group.
    #[must_use]
    pub fn group(&self, id: &GroupId) -> Option<&Group> {
        self.groups.get(id).map(|group| &**group)
    }

    /// Returns the group of a name.
    #[must_use]
    pub fn group_named(&self, name: &GroupName) -> Option<&Group> {
        self.group(self.group_names.get(name)?)
    }

    /// Returns the groups by name, from the first after `after` on.
    pub fn groups_after<'g>(
        &'g self,
        after: Option<&GroupName>,
    ) -> impl Iterator<Item = &'g Group> {
        from(&self.group_names, after).filter_map(|(_, id)| self.group(id))
    }

    /// Returns how many groups there are.
    #[must_use]
    pub fn group_count(&self) -> usize {
        self.groups.len()
    }

    /// Returns who is in a group, and since when.
    pub fn members_of<'g>(
        &'g self,
        group: &'g GroupId,
    ) -> impl Iterator<Item = (&'g PrincipalId, Timestamp)> {
        let first = (group.clone(), PrincipalId::least());
        self.members
            .range(first..)
            .take_while(move |((of, _), _)| of == group)
            .map(|((_, member), since)| (member, *since))
    }

    /// Returns whether a user is in a group.
    #[must_use]
    pub fn is_in(&self, group: &GroupId, member: &PrincipalId) -> bool {
        self.members.contains_key(&(group.clone(), member.clone()))
    }

    /// Returns whether a policy is attached to a holder.
    #[must_use]
    pub fn is_attached(&self, holder: &Holder, policy: &PolicyRef) -> bool {
        self.policies_of.contains_key(&(holder.clone(), policy.clone()))
    }

    /// Returns the groups a user is in, and since when.
    pub fn groups_of<'g>(
        &'g self,
        member: &'g PrincipalId,
    ) -> impl Iterator<Item = (&'g Group, Timestamp)> {
        let first = (member.clone(), GroupId::least());
        self.groups_of
            .range(first..)
            .take_while(move |((of, _), _)| of == member)
            .filter_map(|((_, group), since)| Some((self.group(group)?, *since)))
    }

    /// Returns the policies attached to a holder, and since when; not those a user has by its groups.
    pub fn policies_of<'g>(
        &'g self,
        holder: &'g Holder,
    ) -> impl Iterator<Item = (&'g PolicyRef, Timestamp)> {
        let first = (holder.clone(), PolicyRef::least());
        self.policies_of
            .range(first..)
            .take_while(move |((of, _), _)| of == holder)
            .map(|((_, policy), since)| (policy, *since))
    }

    /// Returns whom a policy is attached to, and since when: users and roles before groups.
    pub fn holders_of<'g>(
        &'g self,
        policy: &'g PolicyRef,
    ) -> impl Iterator<Item = (&'g Holder, Timestamp)> {
        let first = (policy.clone(), Holder::Principal(PrincipalId::least()));
        self.holders_of
            .range(first..)
            .take_while(move |((of, _), _)| of == policy)
            .map(|((_, holder), since)| (holder, *since))
    }

    /// Returns to how many holders a policy is attached.
    #[must_use]
    pub fn holder_count(&self, policy: &PolicyRef) -> usize {
        self.holder_counts.get(policy).copied().unwrap_or_default()
    }

    /// Returns how many bytes it takes in memory with the compiled documents, roughly.
    pub(super) fn weight(&self) -> usize {
        const ENTRY: usize = 300;
        // A document in force is policies and matchers beside its text.
        const COMPILED: usize = 40;
        let entries = self.groups.len() + self.members.len() + self.policies_of.len();
        let documents = self.policies.values().flat_map(|policy| &policy.versions);
        ENTRY * (entries + self.policies.len())
            + documents.map(|version| version.document.len()).sum::<usize>()
            + self
                .policies
                .values()
                .filter_map(|policy| policy.version(policy.default))
                .map(|version| COMPILED * version.document.len())
                .sum::<usize>()
    }

    /// Returns whether nothing is recorded.
    pub(super) fn is_empty(&self) -> bool {
        self.policies.is_empty() && self.groups.is_empty() && self.policies_of.is_empty()
    }
}

fn from<'m, K: Ord + Clone, V: Clone>(
    map: &'m OrdMap<K, V>,
    after: Option<&K>,
) -> impl Iterator<Item = (&'m K, &'m V)> {
    use std::ops::Bound::{Excluded, Unbounded};
    map.range((after.cloned().map_or(Unbounded, Excluded), Unbounded))
}
