//! A change: what is written together or not at all.

use super::{
    AccessKey, AccessKeyId, AccountRecords, Config, ConfigName, CustomRole, CustomRoleId, Group,
    GroupId, Holder, Identity, Member, Nonce, Policy, PolicyName, PolicyRef, PrincipalId,
    RequestId, Revision, Timestamp, Token, TokenId, Workspace, WorkspaceId, WorkspaceName,
};

/// One record put or removed. Putting replaces; removing what is not there is not an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// Records a RAM user or role.
    PutIdentity(Identity),
    /// Forgets a RAM user or role.
    RemoveIdentity(PrincipalId),
    /// Records a workspace.
    PutWorkspace(Workspace),
    /// Forgets a workspace; its roles, members and configs are ops of their own in the same change.
    RemoveWorkspace(WorkspaceId),
    /// Records a custom role of a workspace.
    PutRole(WorkspaceId, CustomRole),
    /// Forgets a custom role of a workspace.
    RemoveRole(WorkspaceId, CustomRoleId),
    /// Records a config of a workspace.
    PutConfig(WorkspaceId, Config),
    /// Forgets a config of a workspace.
    RemoveConfig(WorkspaceId, ConfigName),
    /// Records a membership.
    PutMember(WorkspaceId, Member),
    /// Forgets a membership.
    RemoveMember(WorkspaceId, PrincipalId),
    /// Records a token.
    PutToken(Token),
    /// Forgets a token.
    RemoveToken(TokenId),
    /// Records an access key.
    PutAccessKey(AccessKey),
    /// Forgets an access key.
    RemoveAccessKey(AccessKeyId),
    /// Records that the name of a deleted workspace stays taken, and since when.
    PutRetiredName(WorkspaceName, Timestamp),
    /// Frees the name of a deleted workspace.
    RemoveRetiredName(WorkspaceName),
    /// Makes a workspace the default one.
    PutDefaultWorkspace(WorkspaceId),
    /// Leaves the account without a default workspace.
    RemoveDefaultWorkspace,
    /// Records a policy with all its versions.
    PutPolicy(Policy),
    /// Forgets a policy; what it is attached to is ops of their own in the same change.
    RemovePolicy(PolicyName),
    /// Records a group.
    PutGroup(Group),
    /// Forgets a group; its members and attachments are ops of their own in the same change.
    RemoveGroup(GroupId),
    /// Records who is in a group, and since when.
    PutGroupMember(GroupId, PrincipalId, Timestamp),
    /// Takes somebody out of a group.
    RemoveGroupMember(GroupId, PrincipalId),
    /// Records that a policy is attached, and since when.
    PutAttachment(Holder, PolicyRef, Timestamp),
    /// Detaches a policy.
    RemoveAttachment(Holder, PolicyRef),
}

/// A nonce and the access key that signed with it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UsedNonce {
    /// The key.
    pub key: AccessKeyId,
    /// The nonce.
    pub nonce: Nonce,
}

/// A change of one account: who did what, and the records it touches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Who: a principal id, a token id, or `cli` for a command on a stopped store. At most 128 characters.
    pub actor: String,
    /// What, as an operation name, for example `CreateToken`.
    pub action: String,
    /// The request it came from; the same id applied again writes nothing and answers the first revision.
    pub request_id: RequestId,
    /// Digest of what the caller asked, where a retry must be told by what was asked rather than by its records (a
    /// retried creation would make up other ids). Not kept in the log.
    pub asked: Option<[u8; 32]>,
    /// The nonce it was signed with, used up in the same step. Not kept in the log.
    pub nonce: Option<UsedNonce>,
    /// When it was asked for.
    pub at: Timestamp,
    /// The records, in order. Empty only where there is a nonce to use up.
    pub ops: Vec<Op>,
}

/// An applied change, as the change log keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// The revision it led to.
    pub revision: Revision,
    /// The change.
    pub change: Change,
    /// Digest of the touched records before it.
    pub before: [u8; 32],
    /// Digest of the touched records after it.
    pub after: [u8; 32],
}

impl AccountRecords {
    /// Returns ops that lead from an empty account to these records; members of a workspace in the order of joining.
    pub fn ops(&self) -> impl Iterator<Item = Op> + '_ {
        let members = self.rosters.iter().flat_map(|(at, members)| {
            members.joined().map(move |member| Op::PutMember(at.clone(), member))
        });
        self.ops_but_members().chain(members)
    }

    /// Returns those of [`AccountRecords::ops`] that put no member.
    pub fn ops_but_members(&self) -> impl Iterator<Item = Op> + '_ {
        let roles = self.roles.iter().map(|((at, _), role)| Op::PutRole(at.clone(), role.clone()));
        let configs =
            self.configs.iter().map(|((at, _), config)| Op::PutConfig(at.clone(), config.clone()));
        let retired =
            self.retired_names.iter().map(|(name, at)| Op::PutRetiredName(name.clone(), *at));
        let group_members = self
            .group_members
            .iter()
            .map(|((group, member), at)| Op::PutGroupMember(group.clone(), member.clone(), *at));
        let attachments = self
            .attachments
            .iter()
            .map(|((to, policy), at)| Op::PutAttachment(to.clone(), policy.clone(), *at));
        self.identities
            .values()
            .cloned()
            .map(Op::PutIdentity)
            .chain(self.workspaces.values().cloned().map(Op::PutWorkspace))
            .chain(roles)
            .chain(configs)
            .chain(self.tokens.values().cloned().map(Op::PutToken))
            .chain(self.access_keys.values().cloned().map(Op::PutAccessKey))
            .chain(retired)
            .chain(self.default_workspace.clone().map(Op::PutDefaultWorkspace))
            .chain(self.policies.values().cloned().map(Op::PutPolicy))
            .chain(self.groups.values().cloned().map(Op::PutGroup))
            .chain(group_members)
            .chain(attachments)
    }

    /// Applies one op, as every store does and every replica repeats.
    pub fn apply(&mut self, op: &Op) {
        // Each arm ends in `;`: what a record replaced or removed is of no interest here.
        match op.clone() {
            Op::PutIdentity(identity) => {
                self.identities.insert(identity.principal.id.clone(), identity);
            }
            Op::RemoveIdentity(id) => {
                self.identities.remove(&id);
            }
            Op::PutWorkspace(workspace) => {
                self.workspaces.insert(workspace.id.clone(), workspace);
            }
            Op::RemoveWorkspace(id) => {
                self.workspaces.remove(&id);
            }
            Op::PutRole(workspace, role) => {
                self.roles.insert((workspace, role.id.clone()), role);
            }
            Op::RemoveRole(workspace, id) => {
                self.roles.remove(&(workspace, id));
            }
            Op::PutConfig(workspace, config) => {
                self.configs.insert((workspace, config.name.clone()), config);
            }
            Op::RemoveConfig(workspace, name) => {
                self.configs.remove(&(workspace, name));
            }
            Op::PutMember(workspace, member) => {
                self.rosters.entry(workspace).or_default().put(&member);
            }
            Op::RemoveMember(workspace, id) => {
                if let Some(members) = self.rosters.get_mut(&workspace) {
                    members.remove(&id);
                    if members.is_empty() {
                        self.rosters.remove(&workspace);
                    }
                }
            }
            Op::PutToken(token) => {
                self.tokens.insert(token.id.clone(), token);
            }
            Op::RemoveToken(id) => {
                self.tokens.remove(&id);
            }
            Op::PutAccessKey(key) => {
                self.access_keys.insert(key.id.clone(), key);
            }
            Op::RemoveAccessKey(id) => {
                self.access_keys.remove(&id);
            }
            Op::PutRetiredName(name, since) => {
                self.retired_names.insert(name, since);
            }
            Op::RemoveRetiredName(name) => {
                self.retired_names.remove(&name);
            }
            Op::PutDefaultWorkspace(id) => self.default_workspace = Some(id),
            Op::RemoveDefaultWorkspace => self.default_workspace = None,
            Op::PutPolicy(policy) => {
                self.policies.insert(policy.name.clone(), policy);
            }
            Op::RemovePolicy(name) => {
                self.policies.remove(&name);
            }
            Op::PutGroup(group) => {
                self.groups.insert(group.id.clone(), group);
            }
            Op::RemoveGroup(id) => {
                self.groups.remove(&id);
            }
            Op::PutGroupMember(group, member, at) => {
                self.group_members.insert((group, member), at);
            }
            Op::RemoveGroupMember(group, member) => {
                self.group_members.remove(&(group, member));
            }
            Op::PutAttachment(to, policy, at) => {
                self.attachments.insert((to, policy), at);
            }
            Op::RemoveAttachment(to, policy) => {
                self.attachments.remove(&(to, policy));
            }
        }
    }
}
