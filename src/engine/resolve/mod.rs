//! From a question to a request: names become catalogue entries, or the refusal says which field is wrong.

mod arn;
mod brief;
mod fields;

use std::{borrow::Cow, collections::BTreeMap};

use super::{Engine, context, ram};
use crate::{
    catalog::{ANY, Action, Named, ResourceType},
    domain::{
        Accessibility, AccountId, Asker, ContextValue, DigitsId, IdRef, Invalid, InvalidKind,
        Principal, PrincipalId, PrincipalKind, Question, Request, Resource, ResourceId,
        WorkspaceId,
    },
};

pub use brief::Brief;

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
        let (principal, action) = self.stated(account, question)?;
        let resource = match question.arn {
            Some(arn) => self.stated_by_arn(account, action, arn, question)?,
            None => self.stated_by_fields(action, question, Resource::from)?,
        };
        self.check_stated_context(question)?;
        let context = Cow::Owned(std::mem::take(&mut question.context));
        Ok(Request { principal, action: action.id, resource, context })
    }

    /// Returns who asks, and for which action.
    #[inline]
    fn stated<'q>(
        &self,
        account: &AccountId,
        question: &Question<'q>,
    ) -> Result<(Asker<'q>, Named), Refusal> {
        Ok((stated_principal(account, question)?, self.action(question)?))
    }

    #[inline]
    fn check_stated_context(&self, question: &Question<'_>) -> Result<(), Refusal> {
        if !question.context.is_empty() {
            self.check_context(&question.context)?;
        }
        Ok(())
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
    fn action(&self, question: &Question<'_>) -> Result<Named, Refusal> {
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
        Ok(self.catalog.named(name).ok_or_else(unknown)?)
    }

    /// Returns all that is known of an action.
    fn action_of(&self, named: Named) -> Result<&'static Action, Refusal> {
        let none =
            || Invalid::value("action", "", "an action of the catalogue", "this is a defect");
        Ok(self.catalog.action(named.id).ok_or_else(none)?)
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

/// Returns the id of a resource, where one is named: what is stated can be any, or the workspace once more.
#[inline]
fn resource_id<'t>(
    resource_type: &ResourceType,
    stated: Option<&'t str>,
    workspace: Option<IdRef<'_, WorkspaceId>>,
) -> Result<Option<&'t str>, Refusal> {
    let Some(id) = stated.filter(|id| *id != ANY) else { return Ok(None) };
    if !ResourceId::accepts(id) {
        let form = ResourceId::FORM;
        return Err(Invalid::value("resource.id", id, form.expected, form.help).into());
    }
    let count = resource_type.id_parts;
    if count == 0 {
        // A workspace is named by its own field; repeating it as the id is natural, another id is a contradiction.
        if workspace.is_some_and(|workspace| workspace.as_str() == id) {
            return Ok(None);
        }
        let help = "leave the field out, or repeat `resource.workspace`";
        return Err(Invalid::value("resource.id", id, "the id of this workspace", help).into());
    }
    if id.split('/').count() != count || id.split('/').any(str::is_empty) {
        let form =
            resource_type.arn.split('/').filter(|p| p.starts_with('{') && *p != "{workspace}");
        let help = format!("give `{}`", form.collect::<Vec<_>>().join("/"));
        let expected = format!("the id of a `{}`", resource_type.name);
        return Err(Invalid::value("resource.id", id, &expected, help).into());
    }
    Ok(Some(id))
}
