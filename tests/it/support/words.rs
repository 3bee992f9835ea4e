//! Random requests of a living account, and random documents about what its roles are about.

use std::collections::BTreeMap;

use pai_authz::domain::{ContextValue, CustomRole, PrincipalKind, Scalar};
use serde_json::{Value, json};

use super::{
    Seeded,
    ask::{Ask, By, On},
    life::{Life, PEOPLE, WORKSPACES},
    naive::{Code, Tables},
    random_ram,
};
use crate::decisions::ACCOUNT;

const REGION: &str = "cn-hangzhou";

fn pick<T: Copy>(seeded: &mut Seeded, of: &[T]) -> T {
    *pick_of(seeded, of)
}

fn pick_of<'t, T>(seeded: &mut Seeded, of: &'t [T]) -> &'t T {
    &of[usize::try_from(seeded.below(u64::try_from(of.len()).unwrap())).unwrap()]
}

/// Draws a document about permission codes, with conditions on what is known of a request by itself.
pub(super) fn document(seeded: &mut Seeded, tables: &Tables) -> String {
    let at = usize::try_from(seeded.below(u64::try_from(tables.codes.len()).unwrap())).unwrap();
    let (service, _) = tables.codes[at].ram_action.split_once(':').unwrap();
    let statements = (0..=seeded.below(3)).map(|_| statement(seeded, tables, service));
    let statements: Vec<Value> = statements.collect();
    json!({ "Version": "1", "Statement": statements }).to_string()
}

fn statement(seeded: &mut Seeded, tables: &Tables, service: &str) -> Value {
    let at = usize::try_from(seeded.below(u64::try_from(tables.codes.len()).unwrap())).unwrap();
    let action = match seeded.below(8) {
        0 => "*".to_owned(),
        1 | 2 => format!("{service}:*"),
        3 => format!("{service}:Get*"),
        4 => format!("{service}:*e*"),
        _ => tables.codes[at].ram_action.clone(),
    };
    let workspace = pick(seeded, &WORKSPACES);
    let resource = match seeded.below(6) {
        0 => format!("acs:*:*:*:workspace/{workspace}/*"),
        1 => format!("acs:*:{REGION}:{ACCOUNT}:*j1"),
        _ => "*".to_owned(),
    };
    let (kind, id) = pick(seeded, &PEOPLE);
    let kind = if kind == PrincipalKind::RamRole { "role" } else { "user" };
    let condition = match seeded.below(10) {
        0 => {
            json!({"StringEquals": {"pai:EntityAccessType": pick(seeded, &["CREATOR", "OTHERS"])}})
        }
        1 => json!({"StringEquals": {"pai:Accessibility": pick(seeded, &["PUBLIC", "PRIVATE"])}}),
        2 => {
            json!({"StringLike": {"acs:PrincipalARN": format!("acs:ram::{ACCOUNT}:{kind}/?{id}")}})
        }
        3 => json!({"StringNotLike": {"acs:PrincipalARN": "acs:ram::*:user/n*"}}),
        4 => json!({"Bool": {"acs:SecureTransport": "false"}}),
        5 => json!({"IpAddress": {"acs:SourceIp": ["10.0.0.0/8", "203.0.113.7"]}}),
        6 => json!({"DateLessThan": {"acs:CurrentTime": "2026-01-31T08:00:00Z"}}),
        _ => Value::Null,
    };
    let effect = if seeded.below(5) < 3 { "Allow" } else { "Deny" };
    let mut drawn = json!({"Effect": effect, "Action": action, "Resource": resource});
    if !condition.is_null() {
        drawn["Condition"] = condition;
    }
    drawn
}

/// Draws a part of the context for such documents.
fn context(seeded: &mut Seeded) -> BTreeMap<String, ContextValue> {
    let mut context = BTreeMap::new();
    let mut state = |key: &str, value: Scalar| {
        context.insert(key.to_owned(), ContextValue::One(value));
    };
    let text = |text: &str| Scalar::String(text.to_owned());
    if seeded.below(2) == 0 {
        state("acs:SourceIp", text(pick(seeded, &["10.1.2.3", "203.0.113.7", "192.0.2.1", "::1"])));
    }
    if seeded.below(2) == 0 {
        state("acs:securetransport", Scalar::Bool(seeded.below(2) == 0));
    }
    if seeded.below(2) == 0 {
        let moments = ["2026-01-31T07:59:59Z", "2026-01-31T16:00:00+08:00"];
        state("acs:CurrentTime", text(pick(seeded, &moments)));
    }
    context
}

/// What requests are drawn from.
pub(super) struct Words {
    /// All actions, as documents name them.
    pub(super) actions: Vec<String>,
    all: Vec<&'static Code>,
    of_account: Vec<&'static Code>,
    flagged: Vec<&'static Code>,
    official: Vec<&'static Code>,
    /// What switches forbid.
    switched: Vec<&'static Code>,
    /// By the name that custom roles have for the module.
    of_modules: BTreeMap<&'static str, Vec<&'static Code>>,
    /// Resource types by module, but for official images.
    types_of: BTreeMap<&'static str, Vec<&'static str>>,
}

impl Words {
    pub(super) fn new(tables: &'static Tables) -> Self {
        let codes = |is: fn(&Code) -> bool| -> Vec<&'static Code> {
            tables.codes.iter().filter(|code| is(code)).collect()
        };
        let mut of_modules: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for code in &tables.codes {
            if let Some(name) = &tables.module(&code.module).api_name {
                of_modules.entry(name.as_str()).or_default().push(code);
            }
        }
        let mut types_of: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (name, modules) in tables.types.iter().filter(|(name, _)| *name != "official-image") {
            for module in modules {
                types_of.entry(module.as_str()).or_default().push(name.as_str());
            }
        }
        let switched = tables.switches.values().flatten();
        Self {
            types_of,
            actions: tables.ram_arns.keys().cloned().collect(),
            all: codes(|_| true),
            of_account: codes(|code| code.scope == "account"),
            flagged: codes(|code| code.allowed_unless_denied),
            official: codes(|code| code.official),
            switched: switched.filter_map(|code| tables.code(code)).collect(),
            of_modules,
        }
    }

    /// Draws an action of a module that a role names.
    fn granted(
        &self,
        seeded: &mut Seeded,
        role: &CustomRole,
    ) -> Option<(&'static str, Option<&'static Code>)> {
        if role.modules.is_empty() {
            return None;
        }
        let module = pick_of(seeded, &role.modules);
        let codes = self.of_modules.get(module.module.as_str())?;
        let listed: Vec<&String> = module.permissions.iter().flat_map(|it| &it.codes).collect();
        let code = if listed.is_empty() {
            *pick_of(seeded, codes)
        } else {
            let name = *pick_of(seeded, &listed);
            codes.iter().find(|code| code.name == *name)?
        };
        Some((code.ram_action.as_str(), Some(code)))
    }
}

impl Life {
    /// Draws a request.
    pub(crate) fn ask(&mut self) -> Ask {
        let (kind, id, of) = self.asker();
        let documents = if self.one_in(4) { self.book.texts_of(&id, "any") } else { Vec::new() };
        let mut ask = if !documents.is_empty() && self.one_in(2) {
            self.about_documents(kind, &id, &documents)
        } else {
            self.about_anything(kind, &id, of)
        };
        // What somebody else would state; mostly nothing.
        if matches!(ask.on, On::Asset { .. } | On::Account | On::Arn(_)) {
            ask.context = match self.seeded.below(8) {
                0..=1 => context(&mut self.seeded),
                2 if !documents.is_empty() => {
                    random_ram::request(&mut self.seeded, &[ask.action.to_owned()], &documents).2
                }
                _ => BTreeMap::new(),
            };
        }
        ask
    }

    /// Draws who asks, and a workspace it may have something to do with.
    fn asker(&mut self) -> (PrincipalKind, String, Option<String>) {
        let (kind, id) = self.one(&PEOPLE);
        let other = match kind {
            PrincipalKind::RamRole => PrincipalKind::User,
            _ => PrincipalKind::RamRole,
        };
        let (kind, id) = match self.seeded.below(40) {
            0 => (PrincipalKind::Account, ACCOUNT.to_owned()),
            1 => (PrincipalKind::User, ACCOUNT.to_owned()),
            2 => (PrincipalKind::Account, id.to_owned()),
            3 => (other, id.to_owned()),
            4 => (PrincipalKind::RamRole, ACCOUNT.to_owned()),
            5 => (PrincipalKind::User, "424242".to_owned()),
            6 => (kind, format!("0{id}")),
            7 => (kind, format!("{}0", id.trim_start_matches('0'))),
            8 => (kind, id.to_owned()),
            n if n < 14 && !self.known.is_empty() => pick_of(&mut self.seeded, &self.known).clone(),
            _ => {
                if self.members.is_empty() {
                    return (kind, id.to_owned(), None);
                }
                let (workspace, id) = pick_of(&mut self.seeded, &self.members).clone();
                let known = self.book.people.get(&id);
                return (known.map_or(kind, |(kind, _)| *kind), id, Some(workspace));
            }
        };
        // Twenty digits are the most.
        (kind, id.chars().take(20).collect(), None)
    }

    /// Draws an action, with its code where it is one.
    fn action(&mut self, id: &str, of: Option<&str>) -> (&'static str, Option<&'static Code>) {
        let mut drawn = self.any_action();
        if self.one_in(2)
            && let Some(workspace) = of
        {
            let contents: Vec<&CustomRole> = self.book.contents_of(workspace, id).collect();
            if !contents.is_empty() {
                let role = *pick_of(&mut self.seeded, &contents);
                drawn = self.words.granted(&mut self.seeded, role).unwrap_or(drawn);
            }
        }
        // Sooner one that a document of the asker names.
        let mut tries = if self.one_in(2) { 0 } else { 5 };
        while tries > 0 && !self.book.has_words_on(&mut self.memo, id, drawn.0) {
            let next = self.any_action();
            if self.book.has_words_on(&mut self.memo, id, next.0) {
                drawn = next;
            }
            tries -= 1;
        }
        drawn
    }

    fn any_action(&mut self) -> (&'static str, Option<&'static Code>) {
        let words = &self.words;
        let from = match self.seeded.below(32) {
            0..=3 => {
                let action: &String = pick_of(&mut self.seeded, &self.tables.ram_only);
                return (action, None);
            }
            4 | 5 => &words.of_account,
            6 | 7 => &words.flagged,
            8 | 9 => &words.official,
            10 | 11 => &words.switched,
            _ => &words.all,
        };
        let code = *pick_of(&mut self.seeded, from);
        (&code.ram_action, Some(code))
    }

    fn about_anything(&mut self, kind: PrincipalKind, id: &str, of: Option<String>) -> Ask {
        let (action, code) = self.action(id, of.as_deref());
        let workspace = match self.seeded.below(24) {
            0 => self.one(&["77777", "0010001", "18446744073709551617"]).to_owned(),
            1..=16 if of.is_some() => of.unwrap_or_default(),
            _ => self.one(&WORKSPACES).to_owned(),
        };
        let (service, _) = action.split_once(':').unwrap();
        let (on, relative) = match code {
            Some(code) if code.scope != "account" => self.asset(code, workspace),
            _ => self.outside(action, code.is_some(), workspace),
        };
        let (mut account, mut region) = (ACCOUNT, REGION);
        let relative = match (&on, relative) {
            (On::Account, _) => {
                let form = self.tables.ram_arns.get(action).map_or("*", String::as_str);
                let parts: Vec<&str> = form.splitn(5, ':').collect();
                if parts.get(2) == Some(&"*") {
                    region = "*";
                }
                parts.get(4).map_or("*".to_owned(), |form| filled(form, None, None))
            }
            (_, relative) => relative.unwrap_or("*".to_owned()),
        };
        let on = match on {
            On::Asset { by: By::Arn, .. } | On::Arn(_) if self.one_in(8) => {
                if self.one_in(2) && !matches!(service, "log" | "ram") {
                    region = "cn-shanghai";
                } else {
                    account = "2000000000000002";
                }
                On::Foreign
            }
            on => on,
        };
        let creator = match self.seeded.below(16) {
            0 => None,
            1..=7 => Some(id.to_owned()),
            8 => Some(format!("0{id}").chars().take(20).collect()),
            _ => Some(self.one(&PEOPLE).1.to_owned()),
        };
        let accessibility = match self.seeded.below(16) {
            0 => None,
            n if n % 2 == 0 => Some("PUBLIC"),
            _ => Some("PRIVATE"),
        };
        // Of what is not judged as an asset nothing need be stated.
        let by_cell = code.is_some_and(|code| code.scope == "own_and_public");
        let states = matches!(on, On::Foreign) || by_cell || self.one_in(2);
        let spelled = match code {
            Some(code) if self.one_in(2) => code.name.as_str(),
            _ => action,
        };
        let is_foreign = matches!(on, On::Foreign);
        Ask {
            kind,
            id: id.to_owned(),
            action,
            spelled,
            code,
            on,
            arn: format!("acs:{service}:{region}:{account}:{relative}"),
            creator: creator.or(is_foreign.then(|| id.to_owned())).filter(|_| states),
            accessibility: accessibility.or(is_foreign.then_some("PUBLIC")).filter(|_| states),
            context: BTreeMap::new(),
        }
    }

    /// Draws what a code is asked about, and its relative id.
    fn asset(&mut self, code: &'static Code, workspace: String) -> (On, Option<String>) {
        let tables = self.tables;
        let kind = if code.official && !self.one_in(3) {
            "official-image"
        } else {
            tables.module(&code.module).main_type.as_deref().expect("it has a main type")
        };
        let is_main = kind != "official-image" && !self.one_in(4);
        let kind = if is_main || kind == "official-image" {
            kind
        } else {
            pick_of(&mut self.seeded, &self.words.types_of[code.module.as_str()])
        };
        let form = &tables.forms[kind];
        let has_workspace = form.contains("{workspace}");
        let count = form.matches('{').count() - usize::from(has_workspace);
        let id = (count > 0 && !self.one_in(3)).then(|| {
            let parts = (0..count).map(|_| self.one(&["j1", "alpha-2", "生产", "a:b"]));
            parts.collect::<Vec<_>>().join("/")
        });
        let workspace = (kind != "official-image" || self.one_in(2)).then_some(workspace);
        let by = match self.seeded.below(6) {
            0 if has_workspace || workspace.is_none() => By::Arn,
            0 => By::ArnAndWorkspace,
            1..=4 if is_main => By::Fields,
            _ => By::Type,
        };
        let relative = filled(form, workspace.as_deref(), id.as_deref());
        (On::Asset { workspace, kind: kind.to_owned(), id, by }, Some(relative))
    }

    /// Draws what an action is asked about that no role grants.
    fn outside(
        &mut self,
        action: &'static str,
        is_code: bool,
        workspace: String,
    ) -> (On, Option<String>) {
        match self.seeded.below(4) {
            0 => (On::Account, None),
            1 if !is_code => {
                let relative = format!("workspace/{workspace}");
                let kind = "workspace".to_owned();
                let on = On::Asset { workspace: Some(workspace), kind, id: None, by: By::Fields };
                (on, Some(relative))
            }
            2 => {
                let relative = format!("workspace/{workspace}/dlcjob/j1");
                let knows_none = action.starts_with("log:");
                (On::Arn((!knows_none).then_some(workspace)), Some(relative))
            }
            _ => {
                let relative = self.one(&["project/p1", "workspace/*/x", "user/n2001", "*"]);
                (On::Arn(None), Some(relative.to_owned()))
            }
        }
    }

    /// Draws a request that documents have something to say about.
    fn about_documents(&mut self, kind: PrincipalKind, id: &str, documents: &[String]) -> Ask {
        let (action, arn, context) =
            random_ram::request(&mut self.seeded, &self.words.actions, documents);
        let (action, _) = self.tables.ram_arns.get_key_value(&action).unwrap();
        let code = self.tables.codes.iter().find(|code| code.ram_action == *action);
        Ask {
            kind,
            id: id.to_owned(),
            action,
            spelled: action,
            code,
            on: On::Bare,
            arn,
            creator: None,
            accessibility: None,
            context,
        }
    }
}

/// Returns the relative id a form leads to; `*` for what is not stated.
fn filled(form: &str, workspace: Option<&str>, id: Option<&str>) -> String {
    let mut parts = id.map(|id| id.split('/'));
    let mut out = String::new();
    let mut rest = form;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').unwrap();
        out += before;
        out += match (name, &mut parts) {
            ("workspace", _) => workspace.unwrap_or("*"),
            (_, Some(parts)) => parts.next().unwrap(),
            (_, None) => "*",
        };
        rest = after;
    }
    out + rest
}
