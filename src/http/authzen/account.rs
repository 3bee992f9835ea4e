//! AuthZEN's words and PAI's: which question a request asks of an account.
//!
//! | AuthZEN | PAI |
//! |---|---|
//! | `subject.type`, `subject.id` | `User`, `RamRole` or `Account`, and its id |
//! | `action.name` | a permission code or a RAM action |
//! | `resource.type`, `resource.id` | a resource type and an id, `*` for any; `account` and its id for actions of the account; `workspace` and its id, also for what is done to anything within it; `arn` and an ARN |
//! | `resource.properties` | `workspace`, `creator`, `accessibility`, `arn` |
//! | `context` | members with a `:` in their names are RAM condition keys, others are not looked at |

use std::{borrow::Cow, collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::wire::{Complete, Members};
use crate::{
    catalog::{ANY, catalog},
    domain::{AccountId, ContextValue, Invalid, Question},
    http::{
        decisions::{CONTEXT_KEYS, context_value},
        object::{self, Object, Text, once},
    },
};

/// The resource type of actions of the account, and of what is given by its ARN.
const ACCOUNT: &str = "account";
const ARN: &str = "arn";
/// The resource type of workspaces.
pub(super) const WORKSPACE: &str = "workspace";

/// A request in PAI's words.
#[derive(Debug)]
pub(super) struct Mapped<'e> {
    asked: Complete<'e, 'e>,
    stated: Stated<'e>,
    context: BTreeMap<String, ContextValue>,
}

impl<'e> Mapped<'e> {
    /// Returns a request in PAI's words.
    ///
    /// # Errors
    /// What is stated that has no meaning there.
    pub(super) fn of(asked: &Complete<'e, 'e>) -> Result<Self, Invalid> {
        let (stated, context) = (Stated::of(asked.resource.properties)?, context(asked.context)?);
        Ok(Self { asked: *asked, stated, context })
    }

    /// Returns whether nothing is stated of the context.
    pub(super) fn has_no_context(&self) -> bool {
        self.context.is_empty()
    }

    /// Returns the question.
    ///
    /// # Errors
    /// A resource that contradicts itself.
    pub(super) fn question(&self, account: &AccountId) -> Result<Question<'_>, Invalid> {
        let Complete { subject, action, resource, .. } = &self.asked;
        let about = About {
            principal: (subject.kind, subject.id),
            action: action.name,
            resource: (resource.kind, resource.id),
        };
        Ok(Question { context: Some(&self.context), ..self.stated.question(&about, account)? })
    }
}

/// Who, what and about what, by type and id.
#[derive(Debug, Clone, Copy)]
pub(super) struct About<'e> {
    pub(super) principal: (&'e str, &'e str),
    pub(super) action: &'e str,
    pub(super) resource: (&'e str, &'e str),
}

/// What is stated of a resource.
#[derive(Debug, Default)]
pub(super) struct Stated<'e> {
    workspace: Option<Cow<'e, str>>,
    creator: Option<Cow<'e, str>>,
    accessibility: Option<Cow<'e, str>>,
    arn: Option<Cow<'e, str>>,
}

/// What may be stated of a resource, as it came.
#[derive(Default, Deserialize)]
struct Wire<'a> {
    #[serde(borrow, default)]
    workspace: Option<&'a RawValue>,
    #[serde(borrow, default)]
    creator: Option<&'a RawValue>,
    #[serde(borrow, default)]
    accessibility: Option<&'a RawValue>,
    #[serde(borrow, default)]
    arn: Option<&'a RawValue>,
}

impl<'e> Stated<'e> {
    /// Reads what is stated.
    ///
    /// # Errors
    /// A value that is no string. A null says that there is none.
    pub(super) fn of(properties: Option<Members<'e>>) -> Result<Self, Invalid> {
        let Some(properties) = properties else { return Ok(Self::default()) };
        let Object(wire) = object::read::<Object<Wire<'e>>>(properties.text().as_bytes())
            .map_err(|refusal| refusal.to_invalid().within("resource.properties"))?;
        let text = |name: &str, value: Option<&'e RawValue>| match value.map(RawValue::get) {
            None | Some("null") => Ok(None),
            Some(value) => {
                let Ok(text) = serde_json::from_str::<Text<'e>>(value) else {
                    let help = "give a string, or leave it out";
                    let field = format!("resource.properties.{name}");
                    return Err(Invalid::value(field, value, "a string", help));
                };
                Ok(Some(text.into_inner()))
            }
        };
        Ok(Self {
            workspace: text("workspace", wire.workspace)?,
            creator: text("creator", wire.creator)?,
            accessibility: text("accessibility", wire.accessibility)?,
            arn: text("arn", wire.arn)?,
        })
    }

    /// Returns the question about something, without context.
    ///
    /// # Errors
    /// A resource that contradicts itself, or is another account.
    pub(super) fn question<'s>(
        &'s self,
        about: &About<'s>,
        account: &AccountId,
    ) -> Result<Question<'s>, Invalid> {
        let (principal_type, principal_id) = about.principal;
        let question = Question {
            principal_type: Some(principal_type),
            principal_id: Some(principal_id),
            action: Some(about.action),
            arn: self.arn.as_deref(),
            workspace: self.workspace.as_deref(),
            creator: self.creator.as_deref(),
            accessibility: self.accessibility.as_deref(),
            ..Question::default()
        };
        let (kind, id) = about.resource;
        if let Some(arn) = if kind == ARN { Some(id) } else { question.arn } {
            check_id(arn, &question, id)?;
            return Ok(Question { arn: Some(arn), ..question });
        }
        let whole = Question { resource_type: Some(kind), resource_id: Some(id), ..question };
        match kind {
            ACCOUNT if id == account.as_str() => {
                Ok(Question { resource_type: None, resource_id: None, ..whole })
            }
            ACCOUNT => {
                let help = "actions of an account are asked of the account of the token";
                Err(Invalid::value("resource.id", id, "the account of the token", help))
            }
            WORKSPACE => {
                let workspace = whole.workspace.unwrap_or(id);
                if workspace != id {
                    let help = "leave it out, or repeat `resource.id`";
                    let field = "resource.properties.workspace";
                    return Err(Invalid::value(field, workspace, "this workspace", help));
                }
                let whole = Question { workspace: Some(workspace), ..whole };
                if is_of_workspaces(about.action) {
                    return Ok(whole);
                }
                // Of what is within it, anything.
                Ok(Question { resource_type: None, resource_id: None, ..whole })
            }
            _ => Ok(whole),
        }
    }
}

/// Returns a refusal with the names of AuthZEN for what it is about.
pub(super) fn in_words_of_authzen(mut invalid: Invalid) -> Invalid {
    let within = ["workspace", "creator", "accessibility", "arn"];
    let named = match invalid.field.as_str() {
        "action" => "action.name".to_owned(),
        field => match field.split_once('.') {
            Some(("principal", name)) => format!("subject.{name}"),
            Some(("resource", name)) if within.contains(&name) => {
                format!("resource.properties.{name}")
            }
            _ => return invalid,
        },
    };
    invalid.message =
        invalid.message.replace(&format!("`{}`", invalid.field), &format!("`{named}`"));
    invalid.help = invalid.help.replace(&format!("`{}`", invalid.field), &format!("`{named}`"));
    invalid.field = named;
    invalid
}

/// Refuses an id that says something else than the ARN, which alone is looked at.
fn check_id(arn: &str, question: &Question<'_>, id: &str) -> Result<(), Invalid> {
    if question.arn.is_some_and(|stated| stated != arn) {
        let help = "leave it out: `resource.id` is the ARN";
        return Err(Invalid::unexpected("resource.properties.arn", id, help));
    }
    let ends_so = |arn: &str| arn.strip_suffix(id).is_some_and(|it| it.ends_with(['/', ':']));
    if id == ANY || arn == id || (!id.is_empty() && ends_so(arn)) {
        return Ok(());
    }
    let help = "give how `resource.properties.arn` ends, or `*`";
    Err(Invalid::value("resource.id", id, "the id in the ARN", help))
}

/// Returns whether an action is about workspaces themselves; what is not known is, so that the refusal names the action.
fn is_of_workspaces(action: &str) -> bool {
    let module = catalog().find_action(action).and_then(|action| action.module);
    let kind = catalog().resource_type(WORKSPACE);
    module.is_none_or(|module| kind.is_some_and(|kind| kind.modules.contains(&module)))
}

/// Returns the condition keys among the members of a context.
pub(super) fn context(
    members: Option<Members<'_>>,
) -> Result<BTreeMap<String, ContextValue>, Invalid> {
    let Some(members) = members else { return Ok(BTreeMap::new()) };
    let read = object::read::<ConditionKeys>(members.text().as_bytes());
    read.map(|keys| keys.0).map_err(|refusal| refusal.to_invalid().within("context"))
}

struct ConditionKeys(BTreeMap<String, ContextValue>);

impl<'de> Deserialize<'de> for ConditionKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = BTreeMap<String, ContextValue>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut keys = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<Cow<'_, str>, &RawValue>()? {
                    // All of RAM's have one, `acs:SourceIp`; others are somebody else's, and a null says that there is none.
                    if !name.contains(':') || value.get() == "null" {
                        continue;
                    }
                    once(&name, keys.contains_key(&*name))?;
                    if keys.len() >= CONTEXT_KEYS {
                        return Err(serde::de::Error::custom("more keys than a context may have"));
                    }
                    keys.insert(name.into_owned(), context_value(value.get())?);
                }
                Ok(keys)
            }
        }

        deserializer.deserialize_map(Reader).map(Self)
    }
}
