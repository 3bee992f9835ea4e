//! A change: what is written together or not at all.

use super::{
    AccessKey, AccessKeyId, AccountRecords, CustomRole, CustomRoleId, Identity, Member,
    PrincipalId, RequestId, Revision, Timestamp, Token, TokenId, Workspace, WorkspaceId,
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
    /// Forgets a workspace; its roles and members are ops of their own in the same change.
    RemoveWorkspace(WorkspaceId),
    /// Records a custom role of a workspace.
    PutRole(WorkspaceId, CustomRole),
    /// Forgets a custom role of a workspace.
    RemoveRole(WorkspaceId, CustomRoleId),
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
    /// When it was asked for.
    pub at: Timestamp,
    /// The records, in order. Never empty.
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
            Op::PutMember(workspace, member) => {
                self.members.insert((workspace, member.principal.clone()), member);
            }
            Op::RemoveMember(workspace, id) => {
                self.members.remove(&(workspace, id));
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
        }
    }
}
