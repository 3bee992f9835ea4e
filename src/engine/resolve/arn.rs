//! What is asked about, stated by its ARN, and the ARN of what is stated otherwise.

use std::borrow::Cow;

use super::{Refuse, attributes, id, resource_id};
use crate::{
    catalog::{ANY, Action, ActionScope, Arn, Named, PermissionScope, ResourceType, as_pattern},
    domain::{AccountId, ActionId, IdRef, Invalid, InvalidKind, Question, Resource},
    engine::Engine,
};

/// The RAM code of Simple Log Service.
const LOG: &str = "log";
/// The RAM code of RAM, which has no regions.
const RAM: &str = "ram";
/// Longest ARN, in bytes.
const ARN_BYTES: usize = 2_048;

impl Engine {
    pub(super) fn stated_by_arn<'q, R: Refuse>(
        &self,
        account: &AccountId,
        action: Named,
        text: &'q str,
        question: Question<'q>,
    ) -> Result<Resource<'q>, R> {
        let action = self.action_of::<R>(action)?;
        let form = "give `acs:<ram code>:<region>:<account>:<relative id>`, at most 2048 bytes";
        let wrong =
            |help: String| Invalid::value("resource.arn", text, "an ARN of this action", help);
        let malformed = || R::because(|| wrong(form.to_owned()));
        let says_it = "`resource.arn` says it already: leave one of them out";
        let twice = |field, value| R::because(|| Invalid::unexpected(field, value, says_it));
        if text.len() > ARN_BYTES || text.chars().any(char::is_control) {
            return Err(malformed());
        }
        let arn = Arn::parse(text).ok_or_else(malformed)?;
        for (field, value) in
            [("resource.type", question.resource_type), ("resource.id", question.resource_id)]
        {
            if let Some(value) = value {
                return Err(twice(field, value));
            }
        }
        if arn.ram_code != action.ram_code {
            return Err(R::because(|| {
                let help = format!("the RAM code of `{}` is `{}`", action.name, action.ram_code);
                wrong(help).with_kind(InvalidKind::UnknownType)
            }));
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
                return Err(twice("resource.workspace", workspace));
            }
            attributes::<R>((question.creator, question.accessibility), false)?;
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
                Some(named) => Some(id::<_, R>("resource.arn", named)?),
                None => None,
            };
            return Ok(Resource::Arn { arn: Cow::Borrowed(text), workspace });
        }
        let module = action.module.unwrap_or_default();
        let Some((resource_type, workspace, id_text)) =
            self.catalog.parse_relative_id(module, arn.relative_id)
        else {
            let unknown = || wrong(self.arn_help(action)).with_kind(InvalidKind::UnknownType);
            return Err(R::because(unknown));
        };
        self.check_type::<R>(action, resource_type, ("resource.arn", text))?;
        let workspace = match (workspace, question.workspace) {
            (Some(named), None) => Some(id::<_, R>("resource.arn", named)?),
            (None, Some(stated)) => Some(id::<_, R>("resource.workspace", stated)?),
            (Some(_), Some(stated)) => {
                return Err(twice("resource.workspace", stated));
            }
            (None, None) if resource_type.name == ResourceType::OFFICIAL_IMAGE => None,
            (None, None) => {
                let help = "the ARN has no workspace: state it beside the ARN";
                return Err(R::because(|| Invalid::missing("resource.workspace", help)));
            }
        };
        let official = resource_type.name == ResourceType::OFFICIAL_IMAGE;
        let required =
            action.scope == ActionScope::Permission(PermissionScope::OwnAndPublic) && !official;
        let (creator, accessibility) =
            attributes::<R>((question.creator, question.accessibility), required)?;
        if foreign {
            return Ok(Resource::Foreign);
        }
        let names_one = resource_id::<R>(resource_type, id_text.as_deref(), workspace)?.is_some();
        let id = id_text.filter(|_| names_one).map(Cow::Owned);
        Ok(Resource::Asset {
            workspace,
            resource_type: resource_type.name,
            id,
            creator,
            accessibility,
        })
    }

    /// Returns the ARN of what a request is about, as RAM documents compare it; `*` for what is not stated.
    pub(in crate::engine) fn arn(
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

    fn arn_help(&self, action: &Action) -> String {
        format!("its relative id has one of the forms `{}`", self.forms(action).join("`, `"))
    }

    /// Returns the forms that the relative id of what an action is about has.
    fn forms(&self, action: &Action) -> Vec<&'static str> {
        let is_of_types = !matches!(
            action.scope,
            ActionScope::RamOnly | ActionScope::Permission(PermissionScope::Account)
        );
        let types = self.catalog.types().iter().filter(|t| is_of_types && self.applies(action, t));
        types.map(|t| t.arn).collect()
    }

    /// Returns the forms of ARNs an action is about, where a resource has none of them. One that stands for many resources, and one
    /// of an action whose forms are not known, has none either and is not told of.
    pub(in crate::engine) fn other_forms(&self, action: &Action, resource: &str) -> Vec<String> {
        let Some(arn) = Arn::parse(resource).filter(|arn| !arn.relative_id.contains(ANY)) else {
            return Vec::new();
        };
        let mut forms: Vec<String> = self.forms(action).into_iter().map(str::to_owned).collect();
        if forms.is_empty() {
            let ram = self.catalog.ram_action(action);
            let arns = ram.iter().flat_map(|ram| &ram.arns).filter_map(|form| Arn::parse(form));
            // The vendor writes `{#id}`.
            forms = arns.map(|form| form.relative_id.replace("{#", "{")).collect();
        }
        let has =
            |form: &String| arn.ram_code == action.ram_code && has_form(arn.relative_id, form);
        if forms.iter().any(has) {
            return Vec::new();
        }
        let whole = |form: String| format!("acs:{}:{{region}}:{{account}}:{form}", action.ram_code);
        forms.into_iter().map(whole).collect()
    }
}

/// Returns whether a relative id has a form: in the place of each `{…}` or `*` a part that is not empty.
fn has_form(relative_id: &str, form: &str) -> bool {
    let (mut parts, mut wanted) = (relative_id.split('/'), form.split('/'));
    let fits = |(part, wanted): (&str, &str)| {
        let is_any = wanted == ANY || wanted.starts_with('{');
        if is_any { !part.is_empty() } else { part == wanted }
    };
    form == ANY
        || wanted.by_ref().all(|wanted| parts.next().is_some_and(|part| fits((part, wanted))))
            && parts.next().is_none()
}
