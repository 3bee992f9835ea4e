//! A random history of an account: what changes, drawn from a seed. Ids, roles and documents come from small pools, so that what
//! was there before comes back, as it was and otherwise.

use std::collections::BTreeMap;

use pai_authz::{
    domain::{
        BuiltinRole, Config, ConfigCategory, ConfigKey, ConfigName, CustomRoleId, EnvMode, GroupId,
        Holder, Identity, Member, ModulePermission, Op, Policy, PolicyName, PolicyRef, PolicyType,
        PolicyVersion, Principal, PrincipalId, PrincipalKind, Profile, RoleRef, UserName,
        VersionId, Workspace, WorkspaceId, WorkspaceName,
    },
    ram::{document::Kind, finding::Class, lint::lint},
};

use super::{
    Seeded,
    book::{Book, Memo, SYSTEM},
    naive::Tables,
    random_ram::{self, Coverage},
    words::{self, Words},
};
use crate::decisions::{ACCOUNT, ModuleDraft, THEN, custom_role};

/// Everybody there may be: ids that are each other's but for leading zeros, and some that fit no 64 bits.
pub(crate) const PEOPLE: [(PrincipalKind, &str); 16] = [
    (PrincipalKind::User, "2001"),
    (PrincipalKind::User, "2002"),
    (PrincipalKind::User, "2003"),
    (PrincipalKind::User, "2004"),
    (PrincipalKind::User, "2005"),
    (PrincipalKind::User, "02001"),
    (PrincipalKind::User, "0"),
    (PrincipalKind::User, "00"),
    (PrincipalKind::User, "18446744073709551615"),
    (PrincipalKind::User, "18446744073709551616"),
    (PrincipalKind::User, "99999999999999999999"),
    (PrincipalKind::RamRole, "3001"),
    (PrincipalKind::RamRole, "3002"),
    (PrincipalKind::RamRole, "3003"),
    (PrincipalKind::RamRole, "0003001"),
    (PrincipalKind::RamRole, "18446744073709551617"),
];
pub(crate) const WORKSPACES: [&str; 5] =
    ["10001", "10002", "10003", "010001", "18446744073709551618"];
/// Role ids of each workspace.
const ROLES: u64 = 20;
/// Custom policies: the first are about this product and its keys, the others about anything.
const POLICIES: [&str; 8] = ["p0", "p1", "p2", "p3", "any0", "any1", "any2", "any3"];
const GROUPS: [&str; 3] = ["g-0", "g-1", "g-2"];

/// Kinds of changes: how often, the name, and how one is drawn. None is drawn where there is nothing to change.
type Drawn = fn(&mut Life) -> Vec<Op>;
pub(crate) const CHANGES: [(u64, &str, Drawn); 22] = [
    (12, "member put", Life::put_member),
    (10, "one role of a member", Life::put_member_again),
    (5, "member removed", Life::remove_member),
    (6, "role made", Life::put_role),
    (10, "role changed", Life::change_role),
    (6, "role removed", Life::remove_role),
    (5, "role put back", Life::put_role_back),
    (5, "identity put", Life::put_identity),
    (4, "identity removed", Life::remove_identity),
    (3, "workspace removed", Life::remove_workspace),
    (2, "workspace removed with all in it", Life::empty_workspace),
    (6, "workspace made", Life::put_workspace),
    (8, "policy put", Life::put_policy),
    (5, "policy version", Life::put_version),
    (4, "version chosen", Life::choose_version),
    (3, "policy removed", Life::remove_policy),
    (17, "attached", Life::attach),
    (6, "detached", Life::detach),
    (5, "group member put", Life::put_group_member),
    (4, "group member removed", Life::remove_group_member),
    (7, "config put", Life::put_config),
    (2, "config removed", Life::remove_config),
];

/// An account that lives.
pub(crate) struct Life {
    pub(super) tables: &'static Tables,
    pub(super) seeded: Seeded,
    pub(crate) book: Book,
    pub(crate) memo: Memo,
    /// What roles grant; many have the same.
    pool: Vec<Vec<ModulePermission>>,
    policies: BTreeMap<String, Policy>,
    coverage: Coverage,
    pub(super) words: Words,
    /// Who is recorded, and who is a member of what: drawn from for every request, so kept as lists.
    pub(super) known: Vec<(PrincipalKind, String)>,
    pub(super) members: Vec<(String, String)>,
}

impl Life {
    pub(crate) fn new(tables: &'static Tables, seed: u64) -> Self {
        let mut life = Self {
            tables,
            seeded: Seeded(seed),
            book: Book::new(tables, ACCOUNT),
            memo: Memo::default(),
            pool: Vec::new(),
            policies: BTreeMap::new(),
            coverage: Coverage::default(),
            words: Words::new(tables),
            known: Vec::new(),
            members: Vec::new(),
        };
        life.pool = (0..8).map(|_| life.content()).collect();
        life.pool.push(Vec::new());
        life
    }

    /// Draws what the account begins with.
    pub(crate) fn begin(&mut self) -> Vec<Op> {
        let mut all = Vec::new();
        let mut draw = |life: &mut Self, times: usize, kind: Drawn| {
            for _ in 0..times {
                let ops = kind(life);
                life.book.follow_all(&ops);
                all.extend(ops);
            }
        };
        draw(self, PEOPLE.len(), Self::put_identity);
        draw(self, WORKSPACES.len(), Self::put_workspace);
        draw(self, 40, Self::put_role);
        draw(self, 40, Self::put_member);
        draw(self, POLICIES.len(), Self::put_policy);
        draw(self, 24, Self::attach);
        draw(self, 3, Self::put_group_member);
        draw(self, 10, Self::put_config);
        self.list();
        all
    }

    fn list(&mut self) {
        let known = self.book.people.iter();
        self.known = known.map(|(id, (kind, _))| (*kind, id.clone())).collect();
        self.members = self.book.members.keys().cloned().collect();
    }

    /// Draws a change, notes it in the book, and returns it with the names of what it does.
    pub(crate) fn change(&mut self) -> (Vec<&'static str>, Vec<Op>) {
        let (mut names, mut all) = (Vec::new(), Vec::new());
        let count = if self.one_in(3) { 1 + self.seeded.below(4) } else { 1 };
        while names.len() < usize::try_from(count).unwrap() {
            let total = CHANGES.iter().map(|(often, ..)| often).sum();
            let mut left = self.seeded.below(total);
            let (_, name, draw) = CHANGES
                .iter()
                .find(|(often, ..)| {
                    let here = left < *often;
                    left = left.wrapping_sub(*often);
                    here
                })
                .unwrap();
            let ops = draw(self);
            if !ops.is_empty() {
                self.book.follow_all(&ops);
                names.push(*name);
                all.extend(ops);
            }
        }
        self.list();
        (names, all)
    }

    pub(super) fn one_in(&mut self, many: u64) -> bool {
        self.seeded.below(many) == 0
    }

    pub(super) fn pick<T: Clone>(&mut self, of: &[T]) -> Option<T> {
        let end = u64::try_from(of.len()).unwrap();
        (end > 0).then(|| of[usize::try_from(self.seeded.below(end)).unwrap()].clone())
    }

    pub(super) fn one<T: Clone>(&mut self, of: &[T]) -> T {
        self.pick(of).unwrap()
    }

    fn number(&mut self) -> usize {
        usize::try_from(self.seeded.next() >> 16).unwrap()
    }

    /// Draws what a role may grant.
    fn content(&mut self) -> Vec<ModulePermission> {
        let numbers = |life: &mut Self, end: u64| -> Vec<usize> {
            (0..=life.seeded.below(end)).map(|_| life.number()).collect()
        };
        let modules: Vec<ModuleDraft> = (0..=self.seeded.below(6))
            .map(|_| ModuleDraft {
                module: self.number(),
                permission_type: self.number(),
                grants: (0..=self.seeded.below(3))
                    .map(|_| (numbers(self, 10), numbers(self, 2)))
                    .collect(),
            })
            .collect();
        custom_role(1, &modules).modules
    }

    fn workspace(&mut self) -> WorkspaceId {
        WorkspaceId::parse(self.one(&WORKSPACES)).unwrap()
    }

    /// Draws a workspace and a role that is in it.
    fn role(&mut self) -> Option<(WorkspaceId, CustomRoleId)> {
        let all: Vec<_> = self.book.roles.keys().cloned().collect();
        let (workspace, role) = self.pick(&all)?;
        Some((WorkspaceId::parse(&workspace).unwrap(), CustomRoleId::parse(&role).unwrap()))
    }

    fn role_op(&mut self, workspace: WorkspaceId, id: CustomRoleId) -> Vec<Op> {
        if self.one_in(4) {
            let content = self.content();
            let at = usize::try_from(self.seeded.below(8)).unwrap();
            self.pool[at] = content;
        }
        let modules = self.one(&self.pool.clone());
        let role = custom_role(u32::try_from(self.seeded.below(1_000)).unwrap(), &[]);
        vec![Op::PutRole(workspace, pai_authz::domain::CustomRole { id, modules, ..role })]
    }

    fn put_role(&mut self) -> Vec<Op> {
        let (workspace, id) = (self.workspace(), role_id(self.seeded.below(ROLES)));
        self.role_op(workspace, id)
    }

    fn change_role(&mut self) -> Vec<Op> {
        let Some((workspace, id)) = self.role() else { return Vec::new() };
        self.role_op(workspace, id)
    }

    fn remove_role(&mut self) -> Vec<Op> {
        self.role().map(|(workspace, id)| Op::RemoveRole(workspace, id)).into_iter().collect()
    }

    /// Puts back a role that members hold though it is gone.
    fn put_role_back(&mut self) -> Vec<Op> {
        let held = self.book.members.iter().flat_map(|((workspace, _), roles)| {
            let custom = roles.iter().filter(|it| matches!(it, RoleRef::Custom(_)));
            custom.map(|it| (workspace.clone(), it.to_string()))
        });
        let gone: Vec<_> = held.filter(|it| !self.book.roles.contains_key(it)).collect();
        let Some((workspace, id)) = self.pick(&gone) else { return Vec::new() };
        let (workspace, id) = (WorkspaceId::parse(&workspace), CustomRoleId::parse(&id));
        self.role_op(workspace.unwrap(), id.unwrap())
    }

    /// Draws roles for somebody in a workspace: mostly few, at most twenty, now and then one that is not there.
    fn roles(&mut self, workspace: &WorkspaceId) -> Vec<RoleRef> {
        let of_workspace = |(it, _): &&(String, String)| *it == workspace.as_str();
        let there = self.book.roles.keys().filter(of_workspace);
        let mut from: Vec<RoleRef> =
            there.map(|(_, id)| RoleRef::Custom(CustomRoleId::parse(id).unwrap())).collect();
        from.push(RoleRef::Custom(role_id(self.seeded.below(ROLES))));
        from.extend(BuiltinRole::ALL.map(RoleRef::Builtin));
        let most = if self.one_in(5) { 20 } else { 4 };
        let mut roles: Vec<RoleRef> =
            (0..=self.seeded.below(most)).map(|_| self.one(&from)).collect();
        // As they are kept, but for some: the order says nothing.
        if !self.one_in(10) {
            roles.sort();
            roles.dedup();
        }
        roles.truncate(20);
        roles
    }

    fn put_member(&mut self) -> Vec<Op> {
        let workspace = self.workspace();
        let account = (PrincipalKind::Account, ACCOUNT);
        let (_, id) = if self.one_in(12) { account } else { self.one(&PEOPLE) };
        let roles = self.roles(&workspace);
        vec![member_op(&workspace, id, roles)]
    }

    /// Gives somebody the roles of another member, but for one custom role.
    fn put_member_again(&mut self) -> Vec<Op> {
        let members: Vec<_> = self.book.members.clone().into_iter().collect();
        let Some(((workspace, id), mut roles)) = self.pick(&members) else { return Vec::new() };
        let id = if self.one_in(2) { id } else { self.one(&PEOPLE).1.to_owned() };
        let custom: Vec<usize> = roles
            .iter()
            .enumerate()
            .filter(|(_, role)| matches!(role, RoleRef::Custom(_)))
            .map(|(at, _)| at)
            .collect();
        let other = RoleRef::Custom(role_id(self.seeded.below(ROLES)));
        match self.pick(&custom) {
            Some(at) => roles[at] = other,
            None => roles.push(other),
        }
        roles.sort();
        roles.dedup();
        vec![member_op(&WorkspaceId::parse(&workspace).unwrap(), &id, roles)]
    }

    fn remove_member(&mut self) -> Vec<Op> {
        let members: Vec<_> = self.book.members.keys().cloned().collect();
        let Some((workspace, id)) = self.pick(&members) else { return Vec::new() };
        vec![Op::RemoveMember(WorkspaceId::parse(&workspace).unwrap(), principal(&id))]
    }

    /// Records somebody who is not, or somebody under another kind or name.
    fn put_identity(&mut self) -> Vec<Op> {
        let unknown = |(_, id): &&(PrincipalKind, &str)| !self.book.people.contains_key(*id);
        let unknown: Vec<_> = PEOPLE.iter().filter(unknown).copied().collect();
        let (kind, id) = match self.pick(&unknown) {
            Some(one) => one,
            None => self.one(&PEOPLE),
        };
        let kind = match kind {
            PrincipalKind::User if self.one_in(8) => PrincipalKind::RamRole,
            PrincipalKind::RamRole if self.one_in(8) => PrincipalKind::User,
            kind => kind,
        };
        let name = format!("{}{id}", self.one(&["n", "m"]));
        vec![Op::PutIdentity(Identity {
            principal: Principal { kind, id: principal(id) },
            name: UserName::parse(&name).unwrap(),
            profile: Profile::default(),
            assumable: None,
            created: THEN,
            modified: THEN,
        })]
    }

    fn remove_identity(&mut self) -> Vec<Op> {
        let known: Vec<String> = self.book.people.keys().cloned().collect();
        self.pick(&known).map(|id| Op::RemoveIdentity(principal(&id))).into_iter().collect()
    }

    /// Records a workspace that is not, where there is one.
    fn put_workspace(&mut self) -> Vec<Op> {
        let unknown = |id: &&&str| !self.book.workspaces.contains(**id);
        let unknown: Vec<&str> = WORKSPACES.iter().filter(unknown).copied().collect();
        let Some(id) = self.pick(&unknown) else { return Vec::new() };
        vec![Op::PutWorkspace(Workspace {
            id: WorkspaceId::parse(id).unwrap(),
            name: WorkspaceName::parse(&format!("w_{id}")).unwrap(),
            display_name: String::new(),
            description: String::new(),
            env: EnvMode::Simple,
            resource_group: None,
            creator: principal(ACCOUNT),
            created: THEN,
            modified: THEN,
        })]
    }

    /// Forgets a workspace and leaves what is in it, which is there again with the next of its id.
    fn remove_workspace(&mut self) -> Vec<Op> {
        let all: Vec<String> = self.book.workspaces.iter().cloned().collect();
        let ids = self.pick(&all).into_iter();
        ids.map(|id| Op::RemoveWorkspace(WorkspaceId::parse(&id).unwrap())).collect()
    }

    /// Forgets a workspace with its roles and members, as the service does.
    fn empty_workspace(&mut self) -> Vec<Op> {
        let mut ops = self.remove_workspace();
        let Some(Op::RemoveWorkspace(id)) = ops.first().cloned() else { return ops };
        let here = |(workspace, _): &&(String, String)| *workspace == id.as_str();
        let roles = self.book.roles.keys().filter(here);
        let roles = roles.map(|(_, it)| CustomRoleId::parse(it).unwrap());
        let members = self.book.members.keys().filter(here).map(|(_, it)| principal(it));
        ops.extend(roles.map(|it| Op::RemoveRole(id.clone(), it)));
        ops.extend(members.map(|it| Op::RemoveMember(id.clone(), it)));
        let configs = self.book.configs.keys().filter(|(workspace, _)| *workspace == id.as_str());
        ops.extend(configs.map(|(_, it)| Op::RemoveConfig(id.clone(), it.clone())));
        ops
    }

    /// Puts a config: mostly a switch, on, off, or with a value it may not have, or what is nearly a switch.
    fn put_config(&mut self) -> Vec<Op> {
        let workspace = self.workspace();
        // Sooner one that forbids something.
        let all = self.tables.switches.iter();
        let is_drawn =
            if self.one_in(4) { |_: &[String]| true } else { |it: &[String]| !it.is_empty() };
        let switches: Vec<&(String, String)> =
            all.filter(|(_, forbids)| is_drawn(forbids)).map(|(name, _)| name).collect();
        let (mut category, mut key) = self.one(&switches).clone();
        let mut labels = BTreeMap::new();
        match self.seeded.below(12) {
            0 => category = category.to_lowercase(),
            1 => key = format!("{key}s"),
            2 => drop(labels.insert("a".to_owned(), "b".to_owned())),
            _ => {}
        }
        let value = self.one(&["false", "false", "false", "true", "true", "True", ""]).to_owned();
        let (category, key) = (ConfigCategory::parse(&category), ConfigKey::parse(&key));
        let name = ConfigName { category: category.unwrap(), key: key.unwrap(), labels };
        let config = Config { name, value, created: THEN, modified: THEN };
        vec![Op::PutConfig(workspace, config)]
    }

    fn remove_config(&mut self) -> Vec<Op> {
        let all: Vec<_> = self.book.configs.keys().cloned().collect();
        let Some((workspace, name)) = self.pick(&all) else { return Vec::new() };
        vec![Op::RemoveConfig(WorkspaceId::parse(&workspace).unwrap(), name)]
    }

    /// Draws a document without errors.
    fn document(&mut self, policy: &str) -> String {
        let text = if policy.starts_with('p') {
            words::document(&mut self.seeded, self.tables)
        } else {
            random_ram::document(&mut self.seeded, &self.words.actions, &mut self.coverage)
        };
        assert!(lint(&text, Kind::Identity).worst() < Some(Class::Error), "{text}");
        text
    }

    /// Records a policy that is not, or, where all are, one that is with another text as its first version.
    fn put_policy(&mut self) -> Vec<Op> {
        let unknown = |name: &&&str| !self.policies.contains_key(**name);
        let unknown: Vec<&str> = POLICIES.iter().filter(unknown).copied().collect();
        let name = match self.pick(&unknown) {
            Some(name) => name,
            None => self.one(&POLICIES),
        };
        let document = self.document(name);
        self.policy_op(super::records::custom_policy(name, &document))
    }

    fn policy_op(&mut self, policy: Policy) -> Vec<Op> {
        self.policies.insert(policy.name.to_string(), policy.clone());
        vec![Op::PutPolicy(policy)]
    }

    fn policy(&mut self) -> Option<Policy> {
        let all: Vec<Policy> = self.policies.values().cloned().collect();
        self.pick(&all)
    }

    fn put_version(&mut self) -> Vec<Op> {
        let Some(mut policy) = self.policy() else { return Vec::new() };
        let document = self.document(policy.name.as_str()).into();
        let id = policy.next;
        policy.versions.push(PolicyVersion { id, document, created: THEN });
        if policy.versions.len() > 5 {
            policy.versions.remove(0);
        }
        policy.next = VersionId(id.0 + 1);
        policy.default = id;
        self.policy_op(policy)
    }

    fn choose_version(&mut self) -> Vec<Op> {
        let Some(mut policy) = self.policy() else { return Vec::new() };
        policy.default = self.one(&policy.versions.clone()).id;
        self.policy_op(policy)
    }

    /// Forgets a policy, attached or not: to those who have it, it is an error.
    fn remove_policy(&mut self) -> Vec<Op> {
        let Some(policy) = self.policy() else { return Vec::new() };
        self.policies.remove(policy.name.as_str());
        vec![Op::RemovePolicy(policy.name)]
    }

    fn attach(&mut self) -> Vec<Op> {
        let group = self.one(&GROUPS);
        let to = match self.seeded.below(3) {
            0 => Holder::Group(GroupId::parse(group).unwrap()),
            _ => Holder::Principal(principal(self.one(&PEOPLE).1)),
        };
        let (policy_type, name) = if self.one_in(10) {
            (PolicyType::System, self.one(&SYSTEM).0.to_owned())
        } else {
            let there: Vec<String> = self.policies.keys().cloned().collect();
            let Some(name) = self.pick(&there) else { return Vec::new() };
            (PolicyType::Custom, name)
        };
        let name = PolicyName::parse(&name).unwrap();
        vec![Op::PutAttachment(to, PolicyRef { policy_type, name }, THEN)]
    }

    /// Detaches a policy, sooner one that is gone: not for ever shall it be an error.
    fn detach(&mut self) -> Vec<Op> {
        let all = self.book.attached.iter();
        let all = all.flat_map(|(from, policies)| policies.iter().map(move |it| (from, it)));
        let all: Vec<_> = all.map(|(from, policy)| (from.clone(), policy.clone())).collect();
        let is_gone = |it: &PolicyRef| {
            it.policy_type == PolicyType::Custom && !self.policies.contains_key(it.name.as_str())
        };
        let gone: Vec<_> = all.iter().filter(|(_, it)| is_gone(it)).cloned().collect();
        let from = if gone.is_empty() || self.one_in(3) { &all } else { &gone };
        let drawn = self.pick(from);
        drawn.map(|(from, policy)| Op::RemoveAttachment(from, policy)).into_iter().collect()
    }

    fn put_group_member(&mut self) -> Vec<Op> {
        let group = GroupId::parse(self.one(&GROUPS)).unwrap();
        vec![Op::PutGroupMember(group, principal(self.one(&PEOPLE).1), THEN)]
    }

    fn remove_group_member(&mut self) -> Vec<Op> {
        let all = self.book.groups_of.iter();
        let all = all.flat_map(|(id, groups)| groups.iter().map(move |it| (it, id)));
        let all: Vec<_> = all.map(|(group, id)| (group.clone(), id.clone())).collect();
        let drawn = self.pick(&all).into_iter();
        drawn.map(|(group, id)| Op::RemoveGroupMember(group, principal(&id))).collect()
    }
}

fn role_id(number: u64) -> CustomRoleId {
    CustomRoleId::parse(&format!("role-{number}")).unwrap()
}

fn principal(id: &str) -> PrincipalId {
    PrincipalId::parse(id).unwrap()
}

fn member_op(workspace: &WorkspaceId, id: &str, roles: Vec<RoleRef>) -> Op {
    let member = Member { principal: principal(id), roles, created: THEN };
    Op::PutMember(workspace.clone(), member)
}
