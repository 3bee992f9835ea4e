//! From a question to a request: names become catalogue entries, or the refusal says which field is wrong.

use std::{borrow::Cow, collections::BTreeMap};

use super::{Engine, context, ram};
use crate::{
    catalog::{ANY, Action, ActionScope, Arn, PermissionScope, ResourceType, as_pattern},
    domain::{
        Accessibility, AccountId, ActionId, Asker, ContextValue, DigitsId, IdRef, Invalid,
        InvalidKind, Principal, PrincipalId, PrincipalKind, Question, Request, Resource,
        ResourceId, WorkspaceId,
    },
};

/// The RAM code of Simple Log Service.
const LOG: &str = "log";
/// The RAM code of RAM, which has no regions.
const RAM: &str = "ram";
/// Longest ARN, in bytes.
const ARN_BYTES: usize = 2_048;

impl Engine {
    /// Returns the request a question asks in `account`.
    ///
    /// Whether principal and workspace exist is not looked up: that is the snapshot's to say, as a decision.
    ///
    /// # Errors
    /// The first field that is missing or wrong, with its value and what would be right.
    #[inline]
    pub fn resolve<'q>(
        &self,
        account: &AccountId,
        mut question: Question<'q>,
    ) -> Result<Request<'q>, Invalid> {
        self.resolve_taking(account, &mut question)
    }

    /// Returns the request a question asks in `account`, as [`Engine::resolve`] does, and takes the context out of the
    /// question, which is large and else stays where it is.
    ///
    /// # Errors
    /// As there.
    pub fn resolve_taking<'q>(
        &self,
        account: &AccountId,
        question: &mut Question<'q>,
    ) -> Result<Request<'q>, Invalid> {
        let principal = stated_principal(account, question)?;
        let action = self.action(question)?;
        let resource = match question.arn {
            Some(arn) => self.stated_by_arn(account, action, arn, question)?,
            None => self.stated_by_fields(action, question)?,
        };
        if !question.context.is_empty() {
            self.check_context(&question.context)?;
        }
        let context = Cow::Owned(std::mem::take(&mut question.context));
        Ok(Request { principal, action: action.id, resource, context })
    }

    /// Refuses a context that says too much, or something of the wrong type, or what a decision knows by itself.
    ///
    /// # Errors
    /// The key that is wrong.
    pub fn check_context(&self, context: &BTreeMap<String, ContextValue>) -> Result<(), Invalid> {
        context::check(context)?;
        ram::check_conditions(context, &ram::KNOWN)
    }

    /// Returns the principal of that type and id.
    ///
    /// # Errors
    /// Which of them is wrong.
    pub fn principal(
        &self,
        account: &AccountId,
        kind: &str,
        id: &str,
    ) -> Result<Principal, Invalid> {
        let Asker { kind, id } = principal(account, kind, id)?;
        Ok(Principal { kind, id: id.to_id() })
    }

    #[inline]
    fn action(&self, question: &Question<'_>) -> Result<&'static Action, Refusal> {
        let help =
            "give a permission code or RAM action as catalogued, for example `PaiDLC:StopJob`";
        let name = question.action.ok_or_else(|| Invalid::missing("action", help))?;
        let unknown = || {
            let near = self.catalog.nearest_actions(name);
            let help = if near.is_empty() {
                "see `pai-authz catalog search` for the known actions".to_owned()
            } else {
                format!("did you mean `{}`?", near.join("`, `"))
            };
            Invalid::value("action", name, "a known action", help)
                .with_kind(InvalidKind::UnknownAction)
        };
        Ok(self.catalog.find_action(name).ok_or_else(unknown)?)
    }

    #[inline]
    fn stated_by_fields<'q>(
        &self,
        action: &Action,
        question: &Question<'q>,
    ) -> Result<Resource<'q>, Refusal> {
        let scope = match action.scope {
            ActionScope::Permission(scope) => scope,
            ActionScope::RamOnly if question.workspace.is_none() => {
                self.stated_type(action, question)?;
                if question.resource_type.is_some() || question.resource_id.is_some() {
                    return Err(Invalid::missing("resource.workspace", WORKSPACE_HELP).into());
                }
                attributes(question, false)?;
                return Ok(Resource::Account);
            }
            ActionScope::RamOnly => PermissionScope::Any,
        };
        if scope == PermissionScope::Account {
            let help = format!("`{}` is asked on the account: leave the field out", action.name);
            for (field, value) in
                [("resource.workspace", question.workspace), ("resource.id", question.resource_id)]
            {
                if let Some(value) = value {
                    return Err(Invalid::unexpected(field, value, help).into());
                }
            }
            self.stated_type(action, question)?;
            attributes(question, false)?;
            return Ok(Resource::Account);
        }
        let resource_type = match self.stated_type(action, question)? {
            Some(resource_type) => resource_type,
            None => self.main_type(action)?,
        };
        // An official image is PAI's own: it stands in no workspace and nobody in the account created it.
        let official = resource_type.name == ResourceType::OFFICIAL_IMAGE;
        let workspace = match question.workspace {
            Some(text) => Some(id("resource.workspace", text)?),
            None if official => None,
            None => return Err(Invalid::missing("resource.workspace", WORKSPACE_HELP).into()),
        };
        let (creator, accessibility) =
            attributes(question, scope == PermissionScope::OwnAndPublic && !official)?;
        let id = resource_id(resource_type, question.resource_id.map(Cow::Borrowed), workspace)?;
        Ok(Resource::Asset {
            workspace,
            resource_type: resource_type.name,
            id,
            creator,
            accessibility,
        })
    }

    fn stated_by_arn<'q>(
        &self,
        account: &AccountId,
        action: &Action,
        text: &'q str,
        question: &Question<'q>,
    ) -> Result<Resource<'q>, Invalid> {
        let form = "give `acs:<ram code>:<region>:<account>:<relative id>`, at most 2048 bytes";
        let refuse =
            |help: String| Invalid::value("resource.arn", text, "an ARN of this action", help);
        if text.len() > ARN_BYTES || text.chars().any(char::is_control) {
            return Err(refuse(form.to_owned()));
        }
        let arn = Arn::parse(text).ok_or_else(|| refuse(form.to_owned()))?;
        for (field, value) in
            [("resource.type", question.resource_type), ("resource.id", question.resource_id)]
        {
            if let Some(value) = value {
                return Err(Invalid::unexpected(
                    field,
                    value,
                    "`resource.arn` says it already: leave one of them out",
                ));
            }
        }
        if arn.ram_code != action.ram_code {
            let help = format!("the RAM code of `{}` is `{}`", action.name, action.ram_code);
            return Err(refuse(help).with_kind(InvalidKind::UnknownType));
        }
        // Simple Log Service has regions of its own, RAM has none; PAI resources are those of this deployment's region.
        let is_region = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let elsewhere = match action.ram_code {
            RAM => false,
            LOG => {
                arn.region != ANY && (arn.region.is_empty() || !arn.region.chars().all(is_region))
            }
            _ => arn.region != self.region,
        };
        let foreign = arn.account != account.as_str() || elsewhere;
        let outside = matches!(
            action.scope,
            ActionScope::RamOnly | ActionScope::Permission(PermissionScope::Account)
        );
        if outside {
            if let Some(workspace) = question.workspace {
                let help = "`resource.arn` says it already: leave one of them out";
                return Err(Invalid::unexpected("resource.workspace", workspace, help));
            }
            attributes(question, false)?;
            if foreign {
                return Ok(Resource::Foreign);
            }
            // What Simple Log Service calls its resources is its own affair: it knows no workspaces.
            let workspace = match arn
                .relative_id
                .strip_prefix("workspace/")
                .filter(|_| action.ram_code != LOG)
                .and_then(|rest| rest.split('/').next())
            {
                Some(any) if any == crate::catalog::ANY => None,
                Some(named) => Some(id("resource.arn", named)?),
                None => None,
            };
            return Ok(Resource::Arn { arn: Cow::Borrowed(text), workspace });
        }
        let module = action.module.unwrap_or_default();
        let Some((resource_type, workspace, id_text)) =
            self.catalog.parse_relative_id(module, arn.relative_id)
        else {
            return Err(refuse(self.arn_help(action)).with_kind(InvalidKind::UnknownType));
        };
        self.check_type(action, resource_type, "resource.arn", text)?;
        let workspace = match (workspace, question.workspace) {
            (Some(named), None) => Some(id("resource.arn", named)?),
            (None, Some(stated)) => Some(id("resource.workspace", stated)?),
            (Some(_), Some(stated)) => {
                let help = "`resource.arn` says it already: leave one of them out";
                return Err(Invalid::unexpected("resource.workspace", stated, help));
            }
            (None, None) if resource_type.name == ResourceType::OFFICIAL_IMAGE => None,
            (None, None) => {
                return Err(Invalid::missing(
                    "resource.workspace",
                    "the ARN has no workspace: state it beside the ARN",
                ));
            }
        };
        let official = resource_type.name == ResourceType::OFFICIAL_IMAGE;
        let required =
            action.scope == ActionScope::Permission(PermissionScope::OwnAndPublic) && !official;
        let (creator, accessibility) = attributes(question, required)?;
        if foreign {
            return Ok(Resource::Foreign);
        }
        let id = resource_id(resource_type, id_text.map(Cow::Owned), workspace)?;
        Ok(Resource::Asset {
            workspace,
            resource_type: resource_type.name,
            id,
            creator,
            accessibility,
        })
    }

    /// Returns the stated type, checked to be one of the action's.
    #[inline]
    fn stated_type(
        &self,
        action: &Action,
        question: &Question<'_>,
    ) -> Result<Option<&'static ResourceType>, Refusal> {
        let Some(name) = question.resource_type else { return Ok(None) };
        let Some(resource_type) = self.catalog.resource_type(name) else {
            let near = self.catalog.nearest_types(name);
            let help = if near.is_empty() {
                self.types_help(action)
            } else {
                format!("did you mean `{}`?", near.join("`, `"))
            };
            let refusal = Invalid::value("resource.type", name, "a resource type", help);
            return Err(refusal.with_kind(InvalidKind::UnknownType).into());
        };
        self.check_type(action, resource_type, "resource.type", name)?;
        Ok(Some(resource_type))
    }

    fn check_type(
        &self,
        action: &Action,
        resource_type: &ResourceType,
        field: &str,
        value: &str,
    ) -> Result<(), Invalid> {
        if self.applies(action, resource_type) {
            return Ok(());
        }
        let expected = format!("a resource type of `{}`", action.name);
        let refusal = Invalid::value(field, value, &expected, self.types_help(action));
        Err(refusal.with_kind(InvalidKind::UnknownType))
    }

    /// Returns whether an action can be about resources of a type.
    #[inline]
    #[must_use]
    pub fn applies(&self, action: &Action, resource_type: &ResourceType) -> bool {
        let belongs = |module: &str| match action.module {
            Some(own) => module == own,
            None => self.catalog.module(module).is_some_and(|m| m.ram_code == action.ram_code),
        };
        // Official images are outside every workspace: only the three codes that are granted on them apply.
        let official = resource_type.name != ResourceType::OFFICIAL_IMAGE || action.official_image;
        official && resource_type.modules.iter().any(|module| belongs(module))
    }

    /// Returns the ARN of what a request is about, as RAM documents compare it; `*` for what is not stated.
    pub(super) fn arn(
        &self,
        account: &AccountId,
        action: ActionId,
        resource: &Resource<'_>,
    ) -> String {
        let of_catalog = self.catalog.action(action);
        let code = of_catalog.map_or("", |action| action.ram_code);
        let compose =
            |relative_id: &str| format!("acs:{code}:{}:{account}:{relative_id}", self.region);
        match resource {
            Resource::Arn { arn, .. } => arn.to_string(),
            Resource::Asset { workspace, resource_type, id, .. } => {
                let workspace = workspace.map_or(ANY, IdRef::as_str);
                let found = self.catalog.resource_type(resource_type);
                let relative_id = found.and_then(|it| it.relative_id(workspace, id.as_deref()));
                compose(relative_id.as_deref().unwrap_or(ANY))
            }
            Resource::Account | Resource::Foreign => {
                let ram = of_catalog.and_then(|action| self.catalog.ram_action(action));
                let form = ram.and_then(|ram| ram.arns.first()).and_then(|form| Arn::parse(form));
                match form {
                    // Services without regions stay without.
                    Some(form) if form.region == ANY => {
                        format!("acs:{code}:{ANY}:{account}:{}", as_pattern(form.relative_id))
                    }
                    Some(form) => compose(&as_pattern(form.relative_id)),
                    None => compose(ANY),
                }
            }
        }
    }

    fn types_help(&self, action: &Action) -> String {
        let types = self.catalog.types().iter().filter(|t| self.applies(action, t));
        let names: Vec<&str> = types.map(|t| t.name).collect();
        if names.is_empty() {
            format!("`{}` takes no type: leave the field out", action.name)
        } else {
            format!("give one of `{}`, or leave the field out", names.join("`, `"))
        }
    }

    fn arn_help(&self, action: &Action) -> String {
        let types = self.catalog.types().iter().filter(|t| self.applies(action, t));
        format!(
            "its relative id has one of the forms `{}`",
            types.map(|t| t.arn).collect::<Vec<_>>().join("`, `")
        )
    }

    #[inline]
    fn main_type(&self, action: &Action) -> Result<&'static ResourceType, Refusal> {
        let main = self.catalog.main_type(action);
        let missing = || Invalid::missing("resource.type", "name the type of the resource");
        Ok(main.ok_or_else(missing)?)
    }
}

/// A refusal, behind a pointer: what is returned instead of it is as small as it is itself, and is copied less.
type Refusal = Box<Invalid>;

const WORKSPACE_HELP: &str = "name the workspace the resource is in, for example `10001`";

const PRINCIPAL_HELP: &str = "give `User`, `RamRole` or `Account`";

#[inline]
fn stated_principal<'q>(
    account: &AccountId,
    question: &Question<'q>,
) -> Result<Asker<'q>, Refusal> {
    let Some(kind) = question.principal_type else {
        return Err(Invalid::missing("principal.type", PRINCIPAL_HELP).into());
    };
    let Some(id) = question.principal_id else {
        return Err(Invalid::missing("principal.id", PrincipalId::FORM.help).into());
    };
    principal(account, kind, id)
}

#[inline]
fn principal<'q>(account: &AccountId, kind: &str, text: &'q str) -> Result<Asker<'q>, Refusal> {
    let Some(kind) = PrincipalKind::parse(kind) else {
        let field = "principal.type";
        return Err(Invalid::value(field, kind, "a principal type", PRINCIPAL_HELP).into());
    };
    let id = id("principal.id", text)?;
    // Callers that know only ids ask about the main account as a user.
    let kind = if kind == PrincipalKind::User && text == account.as_str() {
        PrincipalKind::Account
    } else {
        kind
    };
    Ok(Asker { kind, id })
}

#[inline]
fn id<'q, T: DigitsId>(field: &str, text: &'q str) -> Result<IdRef<'q, T>, Refusal> {
    match IdRef::parse(text) {
        Ok(id) => Ok(id),
        Err(form) => Err(Invalid::value(field, text, form.expected, form.help).into()),
    }
}

#[inline]
fn attributes<'q>(
    question: &Question<'q>,
    required: bool,
) -> Result<(Option<IdRef<'q, PrincipalId>>, Option<Accessibility>), Refusal> {
    let creator = match question.creator {
        Some(text) => Some(id("resource.creator", text)?),
        None => None,
    };
    let help = "give `PUBLIC` or `PRIVATE`";
    let accessibility = match question.accessibility {
        None => None,
        Some(text) => match Accessibility::parse(text) {
            None => {
                let field = "resource.accessibility";
                return Err(Invalid::value(field, text, "an accessibility", help).into());
            }
            known => known,
        },
    };
    if required && creator.is_none() {
        let help =
            "state who created the asset (for a create: the caller); the answer depends on it";
        return Err(Invalid::missing("resource.creator", help).into());
    }
    if required && accessibility.is_none() {
        let help = "state `PUBLIC` or `PRIVATE` (for a create: the one it shall have); the answer depends on it";
        return Err(Invalid::missing("resource.accessibility", help).into());
    }
    Ok((creator, accessibility))
}

#[inline]
fn resource_id<'q>(
    resource_type: &ResourceType,
    stated: Option<Cow<'q, str>>,
    workspace: Option<IdRef<'_, WorkspaceId>>,
) -> Result<Option<Cow<'q, str>>, Refusal> {
    let Some(id) = stated.filter(|id| id != ANY) else { return Ok(None) };
    if !ResourceId::accepts(&id) {
        let form = ResourceId::FORM;
        return Err(Invalid::value("resource.id", &id, form.expected, form.help).into());
    }
    let count = resource_type.id_parts;
    if count == 0 {
        // A workspace is named by its own field; repeating it as the id is natural, another id is a contradiction.
        if workspace.is_some_and(|workspace| workspace.as_str() == id) {
            return Ok(None);
        }
        let help = "leave the field out, or repeat `resource.workspace`";
        return Err(Invalid::value("resource.id", &id, "the id of this workspace", help).into());
    }
    if id.split('/').count() != count || id.split('/').any(str::is_empty) {
        let form =
            resource_type.arn.split('/').filter(|p| p.starts_with('{') && *p != "{workspace}");
        let help = format!("give `{}`", form.collect::<Vec<_>>().join("/"));
        let expected = format!("the id of a `{}`", resource_type.name);
        return Err(Invalid::value("resource.id", &id, &expected, help).into());
    }
    Ok(Some(id))
}
