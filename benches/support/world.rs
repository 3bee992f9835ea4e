//! An account of users, workspaces and roles, and what is asked about it, from a seed.

use std::fmt::Write;

use pai_authz::domain::{
    AccountId, AccountRecords, BuiltinRole, CustomRole, CustomRoleId, EnvMode, Identity, Member,
    MembersBuilder, ModulePermission, PermissionType, Principal, PrincipalId, PrincipalKind,
    Profile, Question, RoleName, RoleRef, Timestamp, UserName, Workspace, WorkspaceId,
    WorkspaceName,
};

use crate::seeded::Seeded;

pub(crate) const ACCOUNT: &str = "1000000000000001";
/// Members of each workspace.
pub(crate) const MEMBERS: u64 = 100;
const THEN: Timestamp = Timestamp::from_millis(0);

/// What somebody asks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    user: u64,
    workspace: u64,
    is_own: bool,
    is_public: bool,
    action: usize,
}

const ACTIONS: [&str; 5] = [
    "PaiDLC:StopJob",
    "PaiDLC:GetJob",
    "PaiDSW:StartInstance",
    "PaiDataset:GetDataset",
    "PaiModel:ListModels",
];

/// The same as strings.
#[derive(Clone, Default)]
pub(crate) struct Written {
    user: String,
    workspace: String,
    creator: String,
    action: String,
    is_public: bool,
}

impl Written {
    pub(crate) fn write(&mut self, asked: &Asked) {
        for text in [&mut self.user, &mut self.workspace, &mut self.creator, &mut self.action] {
            text.clear();
        }
        write!(self.user, "{}", asked.user).unwrap();
        write!(self.workspace, "{}", asked.workspace).unwrap();
        write!(self.creator, "{}", if asked.is_own { asked.user } else { 1 }).unwrap();
        self.action.push_str(ACTIONS[asked.action]);
        self.is_public = asked.is_public;
    }

    pub(crate) fn question(&self) -> Question<'_> {
        Question {
            principal_type: Some("User"),
            principal_id: Some(&self.user),
            workspace: Some(&self.workspace),
            creator: Some(&self.creator),
            action: Some(&self.action),
            accessibility: Some(if self.is_public { "PUBLIC" } else { "PRIVATE" }),
            ..Question::default()
        }
    }
}

/// Who is a member where, and of how many roles.
pub(crate) struct World {
    workspaces: u64,
    users: Vec<u64>,
    /// Members of each workspace with the bits of their roles; bit 7 is a custom role of the workspace.
    members: Vec<Vec<(u64, u8)>>,
}

impl World {
    pub(crate) fn new(workspaces: u64, roles: Option<u32>, seed: u64) -> Self {
        let mut seeded = Seeded(seed);
        let users: Vec<u64> =
            (0..10 * workspaces).map(|_| 200_000_000_000_000_000 + seeded.below(1 << 53)).collect();
        let mut members = Vec::new();
        for _ in 0..workspaces {
            let mut of_one: Vec<(u64, u8)> = (0..MEMBERS)
                .map(|_| {
                    let user = users.get(usize::try_from(seeded.below(10 * workspaces)).unwrap());
                    let count =
                        roles.unwrap_or_else(|| 1 + u32::try_from(seeded.below(3)).unwrap());
                    let mut bits = 0_u8;
                    // Never the Owner (bit 0): everybody would be allowed everything.
                    while bits.count_ones() < count {
                        bits |= 2 << seeded.below(7);
                    }
                    (*user.unwrap(), bits)
                })
                .collect();
            of_one.sort_unstable();
            of_one.dedup_by_key(|(user, _)| *user);
            members.push(of_one);
        }
        Self { workspaces, users, members }
    }

    pub(crate) fn records(&self) -> AccountRecords {
        let mut records = AccountRecords::empty(AccountId::parse(ACCOUNT).unwrap());
        for user in &self.users {
            let identity = identity(*user);
            records.identities.insert(identity.principal.id.clone(), identity);
        }
        for (number, members) in (10_001..).zip(&self.members) {
            let workspace = workspace(number);
            let role = custom_role(number);
            let mut builder = MembersBuilder::default();
            for (user, bits) in members {
                builder.add(&Member {
                    principal: principal(*user),
                    roles: held(*bits, &role.id),
                    created: THEN,
                });
            }
            records.roles.insert((workspace.id.clone(), role.id.clone()), role);
            records.rosters.insert(workspace.id.clone(), builder.build());
            records.workspaces.insert(workspace.id.clone(), workspace);
        }
        records
    }

    /// Returns questions of members, evenly over all memberships.
    pub(crate) fn questions(&self, count: usize) -> Vec<Asked> {
        let mut seeded = Seeded(7);
        let mut asked = Vec::with_capacity(count);
        for _ in 0..count {
            let place = usize::try_from(seeded.below(self.workspaces)).unwrap();
            let members = self.members.get(place).unwrap();
            let (user, _) = members[usize::try_from(seeded.below(members.len() as u64)).unwrap()];
            asked.push(Asked {
                user,
                workspace: 10_001 + place as u64,
                is_own: seeded.below(3) == 0,
                is_public: seeded.below(2) == 0,
                action: usize::try_from(seeded.below(5)).unwrap(),
            });
        }
        asked
    }
}

fn held(bits: u8, custom: &CustomRoleId) -> Vec<RoleRef> {
    let roles = BuiltinRole::ALL.into_iter().enumerate();
    let builtin = roles.filter(|(bit, _)| bits >> bit & 1 == 1).map(|(_, r)| RoleRef::Builtin(r));
    builtin.chain((bits >> 7 == 1).then(|| RoleRef::Custom(custom.clone()))).collect()
}

fn principal(id: u64) -> PrincipalId {
    PrincipalId::parse(&id.to_string()).unwrap()
}

fn identity(id: u64) -> Identity {
    Identity {
        principal: Principal { kind: PrincipalKind::User, id: principal(id) },
        name: UserName::parse(&id.to_string()).unwrap(),
        profile: Profile::default(),
        assumable: None,
        created: THEN,
        modified: THEN,
    }
}

fn workspace(number: u64) -> Workspace {
    Workspace {
        id: WorkspaceId::parse(&number.to_string()).unwrap(),
        name: WorkspaceName::parse(&format!("w{number}")).unwrap(),
        display_name: String::new(),
        description: String::new(),
        env: EnvMode::Simple,
        resource_group: None,
        creator: principal(1_000_000_000_000_001),
        created: THEN,
        modified: THEN,
    }
}

/// A role of a workspace; there are ten that differ.
fn custom_role(number: u64) -> CustomRole {
    let level =
        if number.is_multiple_of(2) { PermissionType::ReadOnly } else { PermissionType::ReadWrite };
    let modules = ["DLC", "DSW", "Dataset", "Model", "Image"];
    let modules = modules.iter().take(1 + usize::try_from(number % 5).unwrap());
    let permission = |module: &&str| ModulePermission {
        module: (*module).to_owned(),
        permission_type: level,
        permissions: Vec::new(),
    };
    CustomRole {
        id: CustomRoleId::parse(&format!("role-{number}")).unwrap(),
        name: RoleName::parse("curator").unwrap(),
        modules: modules.map(permission).collect(),
        creator: principal(1_000_000_000_000_001),
        created: THEN,
        modified: THEN,
    }
}
