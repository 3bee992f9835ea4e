//! An account as plain maps, and what is right to answer about it: by the tables and by the documents, without Cedar,
//! without the engine, without anything that was compiled.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt::Write as _,
    fs,
    path::Path,
    sync::Arc,
};

use pai_authz::domain::{
    ConfigName, ContextValue, CustomRole, Decision, GroupId, Holder, Op, PolicyRef, PolicyType,
    PrincipalKind, Reason, RoleRef, Scalar,
};
use serde_json::Value;

use super::{
    ask::{Ask, On},
    naive::{ALL, Code, Tables, letter},
    naive_ram::{self, Asked, Verdict},
};

/// System policies that are attached, and their versions.
pub(crate) const SYSTEM: [(&str, &str); 2] =
    [("AliyunDatasetAccReadOnlyAccess", "v1"), ("AliyunPAIReadOnlyAccess", "v5")];

/// What is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Right {
    pub(crate) reason: Reason,
    /// What grants but documents: the ids of policies up to the first `/`. Where a switch is off, its policy.
    pub(crate) grants: BTreeSet<String>,
    /// The ids of the statements that decide.
    pub(crate) statements: BTreeSet<String>,
}

impl Right {
    fn only(reason: Reason) -> Self {
        Self { reason, grants: BTreeSet::new(), statements: BTreeSet::new() }
    }

    /// Returns whether a decision says this.
    pub(crate) fn fits(&self, decision: &Decision<'_>) -> bool {
        let ids = decision.determining_policies.to_vec();
        let is_statement = |id: &&String| id.starts_with("Custom/") || id.starts_with("System/");
        let (statements, others): (Vec<&String>, Vec<&String>) = ids.iter().partition(is_statement);
        let begins = |id: &String| match id.split_once('/') {
            // Of switches the whole id, which is all there is.
            Some(("switch", _)) | None => id.clone(),
            Some((first, _)) => first.to_owned(),
        };
        let grants: BTreeSet<String> = others.into_iter().map(begins).collect();
        self.reason == decision.reason
            && (decision.reason == Reason::Error) != decision.faults.is_empty()
            && ids.is_sorted_by(|a, b| a < b)
            && self.statements.iter().eq(statements)
            && self.grants == grants
    }
}

/// A policy as it is in force.
#[derive(Clone)]
struct InForce {
    version: String,
    /// The place of its text among all texts.
    text: usize,
}

/// A document.
pub(crate) struct Text {
    pub(crate) text: Arc<str>,
    statements: Vec<Value>,
}

/// What was worked out about contents and texts, which never change.
#[derive(Default)]
pub(crate) struct Memo {
    cells: HashMap<(usize, &'static str), String>,
    names: HashMap<(usize, &'static str), Vec<usize>>,
}

/// An account.
#[derive(Clone)]
pub(crate) struct Book {
    tables: &'static Tables,
    account: String,
    pub(crate) people: BTreeMap<String, (PrincipalKind, String)>,
    pub(crate) workspaces: BTreeSet<String>,
    /// Roles by workspace and id, each the place of its content.
    pub(crate) roles: BTreeMap<(String, String), usize>,
    pub(crate) members: BTreeMap<(String, String), Vec<RoleRef>>,
    /// Configs by workspace and name.
    pub(crate) configs: BTreeMap<(String, ConfigName), String>,
    policies: BTreeMap<String, InForce>,
    pub(crate) attached: BTreeMap<Holder, BTreeSet<PolicyRef>>,
    /// The same of people, by id.
    own: BTreeMap<String, BTreeSet<PolicyRef>>,
    pub(crate) groups_of: BTreeMap<String, BTreeSet<GroupId>>,
    /// Everything roles and policies ever contained.
    contents: Vec<Arc<CustomRole>>,
    texts: Vec<Arc<Text>>,
}

impl Book {
    /// Returns the book of an account of which nothing is recorded.
    pub(crate) fn new(tables: &'static Tables, account: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/catalog/system_policies");
        let read = |(name, _)| {
            let text = fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
            Arc::new(Text::read(&text))
        };
        Self {
            tables,
            account: account.to_owned(),
            people: BTreeMap::new(),
            workspaces: BTreeSet::new(),
            roles: BTreeMap::new(),
            members: BTreeMap::new(),
            configs: BTreeMap::new(),
            policies: BTreeMap::new(),
            attached: BTreeMap::new(),
            own: BTreeMap::new(),
            groups_of: BTreeMap::new(),
            contents: Vec::new(),
            texts: SYSTEM.map(read).into(),
        }
    }

    /// Notes ops.
    pub(crate) fn follow_all(&mut self, ops: &[Op]) {
        for op in ops {
            self.follow(op);
        }
    }

    fn follow(&mut self, op: &Op) {
        let key =
            |workspace: &dyn ToString, id: &dyn ToString| (workspace.to_string(), id.to_string());
        match op {
            Op::PutIdentity(it) => {
                let known = (it.principal.kind, it.name.to_string());
                self.people.insert(it.principal.id.to_string(), known);
            }
            Op::RemoveIdentity(id) => {
                self.people.remove(id.as_str());
            }
            Op::PutWorkspace(it) => {
                self.workspaces.insert(it.id.to_string());
            }
            Op::RemoveWorkspace(id) => {
                self.workspaces.remove(id.as_str());
            }
            Op::PutRole(workspace, role) => {
                self.roles.insert(key(workspace, &role.id), self.contents.len());
                self.contents.push(Arc::new(role.clone()));
            }
            Op::RemoveRole(workspace, id) => {
                self.roles.remove(&key(workspace, id));
            }
            Op::PutMember(workspace, member) => {
                self.members.insert(key(workspace, &member.principal), member.roles.clone());
            }
            Op::RemoveMember(workspace, id) => {
                self.members.remove(&key(workspace, id));
            }
            Op::PutConfig(workspace, it) => {
                self.configs.insert((workspace.to_string(), it.name.clone()), it.value.clone());
            }
            Op::RemoveConfig(workspace, name) => {
                self.configs.remove(&(workspace.to_string(), name.clone()));
            }
            Op::PutPolicy(policy) => {
                let document = &policy.version(policy.default).unwrap().document;
                let in_force =
                    InForce { version: policy.default.to_string(), text: self.texts.len() };
                self.policies.insert(policy.name.to_string(), in_force);
                self.texts.push(Arc::new(Text::read(document)));
            }
            Op::RemovePolicy(name) => {
                self.policies.remove(name.as_str());
            }
            Op::PutGroupMember(group, member, _) => {
                self.groups_of.entry(member.to_string()).or_default().insert(group.clone());
            }
            Op::RemoveGroupMember(group, member) => {
                self.groups_of.entry(member.to_string()).or_default().remove(group);
            }
            Op::PutAttachment(to, policy, _) => {
                self.attached.entry(to.clone()).or_default().insert(policy.clone());
                if let Holder::Principal(id) = to {
                    self.own.entry(id.to_string()).or_default().insert(policy.clone());
                }
            }
            Op::RemoveAttachment(from, policy) => {
                self.attached.entry(from.clone()).or_default().remove(policy);
                if let Holder::Principal(id) = from {
                    self.own.entry(id.to_string()).or_default().remove(policy);
                }
            }
            // Nothing is decided on the others.
            _ => {}
        }
    }

    /// Returns the policies somebody has, by itself and by its groups.
    fn policies_of(&self, id: &str) -> BTreeSet<&PolicyRef> {
        let groups = self.groups_of.get(id).into_iter().flatten();
        let of_groups = groups.filter_map(|it| self.attached.get(&Holder::Group(it.clone())));
        of_groups.chain(self.own.get(id)).flatten().collect()
    }

    /// Returns the document of a policy with what ids of its statements begin with; `None` where there is none.
    fn document(&self, policy: &PolicyRef) -> Option<(String, usize)> {
        let (version, text) = match policy.policy_type {
            PolicyType::Custom => {
                let in_force = self.policies.get(policy.name.as_str())?;
                (in_force.version.as_str(), in_force.text)
            }
            PolicyType::System => {
                let at = SYSTEM.iter().position(|(name, _)| *name == policy.name.as_str())?;
                (SYSTEM[at].1, at)
            }
        };
        Some((format!("{policy}/{version}"), text))
    }

    /// Returns the documents somebody has of custom policies whose names begin so.
    pub(crate) fn texts_of(&self, id: &str, begin: &str) -> Vec<String> {
        let policies = self.policies_of(id).into_iter();
        let custom = policies.filter(|it| it.name.as_str().starts_with(begin));
        let texts = custom.filter_map(|it| self.document(it));
        texts.map(|(_, text)| self.texts[text].text.to_string()).collect()
    }

    /// Returns what custom roles grant that somebody holds in a workspace.
    pub(crate) fn contents_of<'b>(
        &'b self,
        workspace: &'b str,
        id: &str,
    ) -> impl Iterator<Item = &'b CustomRole> {
        let held = self.members.get(&(workspace.to_owned(), id.to_owned()));
        held.into_iter().flatten().filter_map(move |role| {
            let content = self.roles.get(&(workspace.to_owned(), role.to_string()))?;
            Some(&*self.contents[*content])
        })
    }

    /// Returns whether somebody has a document with a statement that names an action.
    pub(crate) fn has_words_on(&self, memo: &mut Memo, id: &str, action: &'static str) -> bool {
        let documents = self.policies_of(id).into_iter().filter_map(|it| self.document(it));
        documents.into_iter().any(|(_, text)| !self.naming(memo, text, action).is_empty())
    }

    /// Returns the places of the statements of a text that name an action.
    fn naming<'m>(&self, memo: &'m mut Memo, text: usize, action: &'static str) -> &'m [usize] {
        let statements = &self.texts[text].statements;
        memo.names.entry((text, action)).or_insert_with(|| {
            let all = statements.iter().enumerate();
            all.filter(|(_, it)| naive_ram::names(it, action)).map(|(at, _)| at).collect()
        })
    }

    /// Returns what is right to answer.
    pub(crate) fn right(&self, memo: &mut Memo, ask: &Ask) -> Right {
        let is_account = ask.id == self.account
            && matches!(ask.kind, PrincipalKind::Account | PrincipalKind::User);
        let is_recorded = self.people.get(&ask.id).is_some_and(|(kind, _)| *kind == ask.kind);
        let is_there = match &ask.on {
            On::Foreign => false,
            on => on.workspace().is_none_or(|it| self.workspaces.contains(it)),
        };
        if !is_there || !(is_account || is_recorded) {
            return Right::only(Reason::ImplicitDeny);
        }
        let off = self.off(ask);
        if is_account {
            if !off.is_empty() {
                return Right { grants: off, ..Right::only(Reason::ExplicitDeny) };
            }
            let grants = BTreeSet::from(["account".to_owned()]);
            return Right { grants, ..Right::only(Reason::ExplicitAllow) };
        }
        let grants = self.granting(memo, ask);
        let Some((verdict, statements)) = self.by_documents(memo, ask) else {
            return Right::only(Reason::Error);
        };
        let by_roles = if grants.is_empty() { Reason::ImplicitDeny } else { Reason::ExplicitAllow };
        match verdict {
            Verdict::Error => Right::only(Reason::Error),
            Verdict::Deny => Right { reason: Reason::ExplicitDeny, grants: off, statements },
            _ if !off.is_empty() => Right { grants: off, ..Right::only(Reason::ExplicitDeny) },
            Verdict::Allow => Right { reason: Reason::ExplicitAllow, grants, statements },
            Verdict::Nothing => Right { reason: by_roles, grants, statements },
        }
    }

    /// Returns the policies of switches of the workspace that are off and forbid what is asked.
    pub(crate) fn off(&self, ask: &Ask) -> BTreeSet<String> {
        let (Some(code), Some(workspace)) = (ask.code, ask.on.workspace()) else {
            return BTreeSet::new();
        };
        let here = self.configs.iter().filter(|((at, _), _)| at == workspace);
        here.filter(|((_, name), value)| self.tables.forbidden_by(name, value).contains(&code.name))
            .map(|((_, name), _)| format!("switch/{}", name.key))
            .collect()
    }

    /// Returns what documents say, and by which statements; `None` where one is missing.
    fn by_documents(&self, memo: &mut Memo, ask: &Ask) -> Option<(Verdict, BTreeSet<String>)> {
        let mut about: Vec<(String, usize, usize)> = Vec::new();
        for policy in self.policies_of(&ask.id) {
            let (name, text) = self.document(policy)?;
            let naming = self.naming(memo, text, ask.action);
            about.extend(naming.iter().map(|at| (name.clone(), text, *at)));
        }
        if about.is_empty() {
            return Some((Verdict::Nothing, BTreeSet::new()));
        }
        let context = self.context(ask);
        let asked = Asked { action: ask.action, arn: &ask.arn, context: &context };
        let statements = about
            .iter()
            .map(|(name, text, at)| (name.as_str(), *at, &self.texts[*text].statements[*at]));
        let judged = naive_ram::judge_statements(statements, &asked);
        let ids = judged.matched.iter().map(|(name, at)| format!("{name}/Statement/{at}"));
        Some((judged.verdict, ids.collect()))
    }

    /// Returns what is stated and what is known beside.
    fn context(&self, ask: &Ask) -> BTreeMap<String, ContextValue> {
        let mut context = ask.context.clone();
        let mut know = |key: &str, value: &str| {
            let value = ContextValue::One(Scalar::String(value.to_owned()));
            context.insert(key.to_owned(), value);
        };
        let (kind, name) = &self.people[&ask.id];
        let kind = if *kind == PrincipalKind::RamRole { "role" } else { "user" };
        know("acs:PrincipalARN", &format!("acs:ram::{}:{kind}/{name}", self.account));
        if let (On::Asset { .. }, Some(creator), Some(accessibility)) =
            (&ask.on, &ask.creator, ask.accessibility)
        {
            know("pai:Accessibility", accessibility);
            let own = *creator == ask.id;
            know("pai:EntityAccessType", if own { "CREATOR" } else { "OTHERS" });
        }
        context
    }

    /// Returns the roles that grant, and what every known user has.
    fn granting(&self, memo: &mut Memo, ask: &Ask) -> BTreeSet<String> {
        let mut grants = BTreeSet::new();
        let Some(code) = ask.code else { return grants };
        let is_official = ask.on.is_official() && code.official;
        if ask.kind == PrincipalKind::User && (code.allowed_unless_denied || is_official) {
            grants.insert("known-users".to_owned());
        }
        let Some(workspace) = ask.on.workspace() else { return grants };
        let roles = self.members.get(&(workspace.to_owned(), ask.id.clone()));
        for role in roles.into_iter().flatten() {
            let cells = match role {
                RoleRef::Builtin(role) => self.tables.builtin(role.code(), code),
                RoleRef::Custom(id) => {
                    let content = self.roles.get(&(workspace.to_owned(), id.to_string()));
                    content.map_or(String::new(), |it| self.cells(memo, *it, code).to_owned())
                }
            };
            let is_granted = match (&ask.creator, ask.accessibility) {
                (Some(creator), Some(shared)) => cells.contains(letter(*creator == ask.id, shared)),
                // Only both tell the cell.
                _ => ALL.chars().all(|cell| cells.contains(cell)),
            };
            if is_granted {
                grants.insert(role.to_string());
            }
        }
        grants
    }

    fn cells<'m>(&self, memo: &'m mut Memo, content: usize, code: &'static Code) -> &'m str {
        let (tables, role) = (self.tables, &self.contents[content]);
        memo.cells.entry((content, code.name.as_str())).or_insert_with(|| tables.custom(role, code))
    }

    /// Tells what there is about who asks, where it asks: what a difference can be found again with.
    pub(crate) fn tell(&self, ask: &Ask) -> String {
        let mut text = format!("{ask:?}\nrecorded: {:?}", self.people.get(&ask.id));
        if let Some(workspace) = ask.on.workspace() {
            let held = self.members.get(&(workspace.to_owned(), ask.id.clone()));
            write!(text, "\nholds there: {held:?}").unwrap();
            for role in held.into_iter().flatten() {
                let content = self.roles.get(&(workspace.to_owned(), role.to_string()));
                if let Some(content) = content {
                    write!(text, "\n{role}: {:?}", self.contents[*content].modules).unwrap();
                }
            }
        }
        write!(text, "\nconfigs: {:?}", self.configs).unwrap();
        for policy in self.policies_of(&ask.id) {
            let document = self.document(policy).map(|(_, text)| &self.texts[text].text);
            write!(text, "\n{policy}: {document:?}").unwrap();
        }
        text
    }
}

impl Text {
    fn read(text: &str) -> Self {
        let document: Value = serde_json::from_str(text).unwrap();
        let statements = document["Statement"].as_array().unwrap().clone();
        Self { text: text.into(), statements }
    }
}
