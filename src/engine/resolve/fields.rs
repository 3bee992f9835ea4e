//! What is asked about, stated field by field.

use std::borrow::Cow;

use super::{Refuse, WORKSPACE_HELP, attributes, id, resource_id};
use crate::{
    catalog::{Action, ActionScope, Named, PermissionScope, ResourceType, meant},
    domain::{
        Accessibility, IdRef, Invalid, InvalidKind, PrincipalId, Question, Resource, WorkspaceId,
    },
    engine::Engine,
};

/// Something in a workspace, as a question states it; checked.
pub(super) struct Asset<'q> {
    pub(super) workspace: Option<IdRef<'q, WorkspaceId>>,
    pub(super) resource_type: &'static ResourceType,
    pub(super) is_official: bool,
    pub(super) id: Option<&'q str>,
    pub(super) creator: Option<IdRef<'q, PrincipalId>>,
    pub(super) accessibility: Option<Accessibility>,
}

impl<'q> From<Option<Asset<'q>>> for Resource<'q> {
    fn from(asset: Option<Asset<'q>>) -> Self {
        let Some(asset) = asset else { return Self::Account };
        let Asset { workspace, resource_type, id, creator, accessibility, .. } = asset;
        Self::Asset {
            workspace,
            resource_type: resource_type.name,
            id: id.map(Cow::Borrowed),
            creator,
            accessibility,
        }
    }
}

impl Engine {
    /// Makes something of what a question is about, stated field by field: of an asset, or of the account where it is none.
    #[expect(clippy::inline_always, reason = "as for `Digits::parse`")]
    #[inline(always)]
    pub(super) fn stated_by_fields<'q, T, R: Refuse>(
        &self,
        action: Named,
        question: Question<'q>,
        make: impl FnOnce(Option<Asset<'q>>) -> T,
    ) -> Result<T, R> {
        let no_workspace = || Invalid::missing("resource.workspace", WORKSPACE_HELP);
        let stated = (question.creator, question.accessibility);
        let scope = match action.scope {
            ActionScope::Permission(scope) => scope,
            ActionScope::RamOnly if question.workspace.is_none() => {
                self.stated_type::<R>(action, question.resource_type)?;
                if question.resource_type.is_some() || question.resource_id.is_some() {
                    return Err(R::because(no_workspace));
                }
                attributes::<R>(stated, false)?;
                return Ok(make(None));
            }
            ActionScope::RamOnly => PermissionScope::Any,
        };
        if scope == PermissionScope::Account {
            for (field, value) in
                [("resource.workspace", question.workspace), ("resource.id", question.resource_id)]
            {
                if let Some(value) = value {
                    return Err(R::because(|| {
                        let name = self.catalog.action(action.id).map_or("it", |it| it.name);
                        let help = format!("`{name}` is asked on the account: leave the field out");
                        Invalid::unexpected(field, value, help)
                    }));
                }
            }
            self.stated_type::<R>(action, question.resource_type)?;
            attributes::<R>(stated, false)?;
            return Ok(make(None));
        }
        let resource_type = match self.stated_type::<R>(action, question.resource_type)? {
            Some(resource_type) => resource_type,
            None => self.main_type::<R>(action)?,
        };
        // An official image is PAI's own: it stands in no workspace and nobody in the account created it.
        let is_official = resource_type.name == ResourceType::OFFICIAL_IMAGE;
        let workspace = match question.workspace {
            Some(text) => Some(id::<_, R>("resource.workspace", text)?),
            None if is_official => None,
            None => return Err(R::because(no_workspace)),
        };
        let (creator, accessibility) =
            attributes::<R>(stated, scope == PermissionScope::OwnAndPublic && !is_official)?;
        let id = resource_id::<R>(resource_type, question.resource_id, workspace)?;
        Ok(make(Some(Asset { workspace, resource_type, is_official, id, creator, accessibility })))
    }

    /// Returns the stated type, checked to be one of the action's.
    #[inline]
    fn stated_type<R: Refuse>(
        &self,
        action: Named,
        name: Option<&str>,
    ) -> Result<Option<&'static ResourceType>, R> {
        let Some(name) = name else { return Ok(None) };
        let action = self.action_of::<R>(action)?;
        let Some(resource_type) = self.catalog.resource_type(name) else {
            return Err(R::because(|| {
                let near = self.catalog.nearest_types(name);
                let help = meant(&near, &self.types_help(action));
                let refusal = Invalid::value("resource.type", name, "a resource type", help);
                refusal.with_kind(InvalidKind::UnknownType)
            }));
        };
        self.check_type::<R>(action, resource_type, ("resource.type", name))?;
        Ok(Some(resource_type))
    }

    /// Refuses a type that the action is not about, as which a field states it.
    pub(super) fn check_type<R: Refuse>(
        &self,
        action: &Action,
        resource_type: &ResourceType,
        (field, value): (&str, &str),
    ) -> Result<(), R> {
        if self.applies(action, resource_type) {
            return Ok(());
        }
        Err(R::because(|| {
            let expected = format!("a resource type of `{}`", action.name);
            let refusal = Invalid::value(field, value, &expected, self.types_help(action));
            refusal.with_kind(InvalidKind::UnknownType)
        }))
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

    pub(super) fn types_help(&self, action: &Action) -> String {
        let types = self.catalog.types().iter().filter(|t| self.applies(action, t));
        let names: Vec<&str> = types.map(|t| t.name).collect();
        if names.is_empty() {
            format!("`{}` takes no type: leave the field out", action.name)
        } else {
            format!("give one of `{}`, or leave the field out", names.join("`, `"))
        }
    }

    #[inline]
    fn main_type<R: Refuse>(&self, action: Named) -> Result<&'static ResourceType, R> {
        let missing = || Invalid::missing("resource.type", "name the type of the resource");
        self.catalog.main_type_of(action).ok_or_else(|| R::because(missing))
    }
}
