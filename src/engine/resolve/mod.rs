//! From a question to a request: names become catalogue entries, or the refusal says which field is wrong.

mod arn;
mod brief;
mod fields;

use std::{borrow::Cow, collections::BTreeMap};

use super::{Engine, context, ram};
use crate::{
    catalog::{ANY, Action, Named, ResourceType, meant},
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
    pub fn resolve<'q>(
        &self,
        account: &AccountId,
        question: Question<'q>,
    ) -> Result<Request<'q>, Invalid> {
        Ok(self.resolved(account, question)?)
    }

    fn resolved<'q>(
        &self,
        account: &AccountId,
        question: Question<'q>,
    ) -> Result<Request<'q>, Refusal> {
        let (principal, action) = self.stated::<Refusal>(account, question)?;
        let resource = match question.arn {
            Some(arn) => self.stated_by_arn::<Refusal>(account, action, arn, question)?,
            None => self.stated_by_fields::<_, Refusal>(action, question, Resource::from)?,
        };
        self.check_stated_context::<Refusal>(question.context)?;
        let context = question.context.map_or_else(Cow::default, Cow::Borrowed);
        Ok(Request { principal, action: action.id, resource, context })
    }

    /// Returns who asks, and for which action.
    #[expect(clippy::inline_always, reason = "as for `Digits::parse`")]
    #[inline(always)]
    fn stated<'q, R: Refuse>(
        &self,
        account: &AccountId,
        question: Question<'q>,
    ) -> Result<(Asker<'q>, Named), R> {
        let stated = (question.principal_type, question.principal_id);
        Ok((stated_principal::<R>(account, stated)?, self.action::<R>(question.action)?))
    }

    #[inline]
    fn check_stated_context<R: Refuse>(
        &self,
        context: Option<&BTreeMap<String, ContextValue>>,
    ) -> Result<(), R> {
        match context {
            Some(context) if !context.is_empty() => {
                self.check_context(context).map_err(|invalid| R::because(|| invalid))
            }
            _ => Ok(()),
        }
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
        let stated: Result<_, Refusal> = principal(account, kind, id);
        let Asker { kind, id } = stated?;
        Ok(Principal { kind, id: id.to_id() })
    }

    #[inline]
    fn action<R: Refuse>(&self, name: Option<&str>) -> Result<Named, R> {
        let Some(name) = name else {
            let help =
                "give a permission code or RAM action as catalogued, for example `PaiDLC:StopJob`";
            return Err(R::because(|| Invalid::missing("action", help)));
        };
        let unknown = || {
            let near = self.catalog.nearest_actions(name);
            let help = meant(
                &near,
                "give one of PAI or Simple Log Service: see `pai-authz catalog search` for those that are known",
            );
            Invalid::value("action", name, "a known action", help)
                .with_kind(InvalidKind::UnknownAction)
        };
        self.catalog.named(name).ok_or_else(|| R::because(unknown))
    }

    /// Returns all that is known of an action.
    fn action_of<R: Refuse>(&self, named: Named) -> Result<&'static Action, R> {
        let none =
            || Invalid::value("action", "", "an action of the catalogue", "this is a defect");
        self.catalog.action(named.id).ok_or_else(|| R::because(none))
    }
}

/// What is returned of something that is refused.
trait Refuse {
    /// Refuses something for a reason.
    fn because(reason: impl FnOnce() -> Invalid) -> Self;
}

/// A refusal, behind a pointer: what is returned instead of it is as small as it is itself, and is copied less.
type Refusal = Box<Invalid>;

impl Refuse for Refusal {
    #[cold]
    fn because(reason: impl FnOnce() -> Invalid) -> Self {
        Self::new(reason())
    }
}

/// A refusal whose reason nobody asks for: whatever would make it is not even in the program, and what is looked at for nearly
/// every request is small.
#[derive(Debug)]
struct Unsaid;

impl Refuse for Unsaid {
    #[inline]
    fn because(_: impl FnOnce() -> Invalid) -> Self {
        Self
    }
}

const WORKSPACE_HELP: &str = "name the workspace the resource is in, for example `10001`";

const PRINCIPAL_HELP: &str = "give `User`, `RamRole` or `Account`";

#[inline]
fn stated_principal<'q, R: Refuse>(
    account: &AccountId,
    (kind, id): (Option<&str>, Option<&'q str>),
) -> Result<Asker<'q>, R> {
    let Some(kind) = kind else {
        return Err(R::because(|| Invalid::missing("principal.type", PRINCIPAL_HELP)));
    };
    let Some(id) = id else {
        return Err(R::because(|| Invalid::missing("principal.id", PrincipalId::FORM.help)));
    };
    principal(account, kind, id)
}

#[inline]
fn principal<'q, R: Refuse>(
    account: &AccountId,
    kind: &str,
    text: &'q str,
) -> Result<Asker<'q>, R> {
    let Some(kind) = PrincipalKind::parse(kind) else {
        let wrong = || Invalid::value("principal.type", kind, "a principal type", PRINCIPAL_HELP);
        return Err(R::because(wrong));
    };
    let id = id::<_, R>("principal.id", text)?;
    // Callers that know only ids ask about the main account as a user.
    let kind = if kind == PrincipalKind::User && text == account.as_str() {
        PrincipalKind::Account
    } else {
        kind
    };
    Ok(Asker { kind, id })
}

#[expect(clippy::inline_always, reason = "as for `Digits::parse`")]
#[inline(always)]
fn id<'q, T: DigitsId, R: Refuse>(field: &str, text: &'q str) -> Result<IdRef<'q, T>, R> {
    match IdRef::read(text) {
        Some(id) => Ok(id),
        None => Err(R::because(|| {
            let form = T::ID_FORM;
            Invalid::value(field, text, form.expected, form.help)
        })),
    }
}

#[expect(clippy::inline_always, reason = "as for `Digits::parse`")]
#[inline(always)]
fn attributes<'q, R: Refuse>(
    (creator, accessibility): (Option<&'q str>, Option<&str>),
    required: bool,
) -> Result<(Option<IdRef<'q, PrincipalId>>, Option<Accessibility>), R> {
    let creator = match creator {
        Some(text) => Some(id::<_, R>("resource.creator", text)?),
        None => None,
    };
    let accessibility = match accessibility {
        None => None,
        Some(text) => match Accessibility::parse(text) {
            None => {
                let help = "give `PUBLIC` or `PRIVATE`";
                let field = "resource.accessibility";
                let wrong = || Invalid::value(field, text, "an accessibility", help);
                return Err(R::because(wrong));
            }
            known => known,
        },
    };
    if required && creator.is_none() {
        let help =
            "state who created the asset (for a create: the caller); the answer depends on it";
        return Err(R::because(|| Invalid::missing("resource.creator", help)));
    }
    if required && accessibility.is_none() {
        let help = "state `PUBLIC` or `PRIVATE` (for a create: the one it shall have); the answer depends on it";
        return Err(R::because(|| Invalid::missing("resource.accessibility", help)));
    }
    Ok((creator, accessibility))
}

/// Returns the id of a resource, where one is named: what is stated can be any, or the workspace once more.
#[inline]
fn resource_id<'t, R: Refuse>(
    resource_type: &ResourceType,
    stated: Option<&'t str>,
    workspace: Option<IdRef<'_, WorkspaceId>>,
) -> Result<Option<&'t str>, R> {
    match stated {
        None => Ok(None),
        Some(id) => stated_resource_id(resource_type, id, workspace),
    }
}

fn stated_resource_id<'t, R: Refuse>(
    resource_type: &ResourceType,
    id: &'t str,
    workspace: Option<IdRef<'_, WorkspaceId>>,
) -> Result<Option<&'t str>, R> {
    if id == ANY {
        return Ok(None);
    }
    let wrong = |expected: &str, help: &str| Invalid::value("resource.id", id, expected, help);
    if !ResourceId::accepts(id) {
        let form = ResourceId::FORM;
        return Err(R::because(|| wrong(form.expected, form.help)));
    }
    let count = resource_type.id_parts;
    if count == 0 {
        // A workspace is named by its own field; repeating it as the id is natural, another id is a contradiction.
        if workspace.is_some_and(|workspace| workspace.as_str() == id) {
            return Ok(None);
        }
        let help = "leave the field out, or repeat `resource.workspace`";
        return Err(R::because(|| wrong("the id of this workspace", help)));
    }
    if id.split('/').count() != count || id.split('/').any(str::is_empty) {
        return Err(R::because(|| {
            let form =
                resource_type.arn.split('/').filter(|p| p.starts_with('{') && *p != "{workspace}");
            let help = format!("give `{}`", form.collect::<Vec<_>>().join("/"));
            wrong(&format!("the id of a `{}`", resource_type.name), &help)
        }));
    }
    Ok(Some(id))
}
