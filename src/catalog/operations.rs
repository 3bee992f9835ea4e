//! The operations of the management interface: route, the action a caller needs, and on what that is asked.

use serde::Deserialize;

use super::{
    ANY, Action,
    file::{File, Text, file, unknown},
};
use crate::domain::ActionId;

const OPERATIONS: (&str, &str) =
    ("operations", include_str!("../../schema/catalog/operations.json"));

/// Which interface an operation belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// AIWorkSpace 2021-02-04, routed by method and path.
    AiWorkspace,
    /// RAM 2015-05-01, all at `/`, told apart by the name in `x-acs-action`.
    Ram,
    /// This service's own, beside the vendor's.
    Own,
}

impl Api {
    const ALL: [Self; 3] = [Self::AiWorkspace, Self::Ram, Self::Own];

    /// Returns the spelling of the table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AiWorkspace => "aiworkspace",
            Self::Ram => "ram",
            Self::Own => "own",
        }
    }

    /// Returns the version a caller states in `x-acs-version`; `None` where there is none to state.
    #[must_use]
    pub const fn version(self) -> Option<&'static str> {
        match self {
            Self::AiWorkspace => Some("2021-02-04"),
            Self::Ram => Some("2015-05-01"),
            Self::Own => None,
        }
    }
}

/// On what the action of an operation is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskedOn {
    /// On the workspace the call is about.
    Workspace,
    /// On the account.
    Account,
    /// On each workspace that would be answered: any known user may call it and sees those on which it has the
    /// action.
    Visible,
    /// On nothing: any known user may ask about itself.
    Itself,
}

impl AskedOn {
    const ALL: [Self; 4] = [Self::Workspace, Self::Account, Self::Visible, Self::Itself];

    /// Returns the spelling of the table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Workspace => "workspace",
            Self::Account => "account",
            Self::Visible => "visible",
            Self::Itself => "self",
        }
    }
}

/// A resource that an operation is asked on: a relative id with places for what the call names.
///
/// `{Name}` is a parameter of the call, `*` where the call has none. `{Name?}`: where it has none, the resource is not asked
/// about. `{Name|Other}`: where it has none, the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResourceTemplate(&'static str);

impl ResourceTemplate {
    /// The parameter that is the name of the caller.
    pub const CALLER: &'static str = "Caller";

    fn read(text: &'static str) -> Option<Self> {
        let closed = text.split('{').skip(1).all(|part| part.contains('}'));
        (closed && !text.is_empty()).then_some(Self(text))
    }

    /// Returns the relative id for a call; `None` where the call does not name this resource.
    pub fn fill(self, parameter: impl Fn(&str) -> Option<String>) -> Option<String> {
        let mut out = String::new();
        let mut rest = self.0;
        while let Some((before, after)) = rest.split_once('{') {
            let (place, behind) = after.split_once('}')?;
            out.push_str(before);
            let value = match place.strip_suffix('?') {
                Some(name) => parameter(name)?,
                None => place.split('|').find_map(&parameter).unwrap_or_else(|| ANY.to_owned()),
            };
            out.push_str(&value);
            rest = behind;
        }
        out.push_str(rest);
        Some(out)
    }
}

/// An operation.
#[derive(Debug)]
pub struct Operation {
    /// Its name, as the caller states it in `x-acs-action`.
    pub name: &'static str,
    /// The interface it belongs to.
    pub api: Api,
    /// `GET`, `POST`, `PUT` or `DELETE`.
    pub method: &'static str,
    /// Its path; `{Name}` is one segment that the caller fills.
    pub path: &'static str,
    /// The action a caller needs; `None` where anybody known may call it.
    pub action: Option<ActionId>,
    /// On what that is asked.
    pub on: AskedOn,
    /// The resources it is asked on, each of them, where it is asked on the account; none for the account itself.
    pub resources: Vec<ResourceTemplate>,
    /// Whether it changes something.
    pub writes: bool,
}

impl Operation {
    /// Returns the arguments of a path, in the order of the pattern; `None` when the path has another form.
    ///
    /// `segments` is the path split at `/` before anything was decoded; an argument may be empty.
    #[must_use]
    pub fn arguments<'p>(&self, segments: &[&'p str]) -> Option<Vec<&'p str>> {
        let pattern: Vec<&str> = self.path.split('/').collect();
        if pattern.len() != segments.len() {
            return None;
        }
        let mut arguments = Vec::new();
        for (expected, found) in pattern.into_iter().zip(segments) {
            if expected.starts_with('{') {
                arguments.push(*found);
            } else if expected != *found {
                return None;
            }
        }
        Some(arguments)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OperationRow {
    operation: Text,
    api: Text,
    method: Text,
    path: Text,
    action: Option<Text>,
    on: Text,
    #[serde(default)]
    resources: Vec<Text>,
    writes: bool,
}

/// Reads the table and joins it with the actions.
pub(super) fn read<'a>(
    action: impl Fn(&str) -> Option<&'a Action>,
) -> Result<Vec<Operation>, String> {
    let mut out: Vec<Operation> = Vec::new();
    let table: File<OperationRow> = file(OPERATIONS)?;
    for row in table.rows {
        let what = row.operation.0;
        if out.iter().any(|other| other.name == what) {
            return Err(format!("`{what}` stands twice"));
        }
        out.push(Operation {
            name: what,
            api: unknown(Api::ALL.into_iter().find(|a| a.as_str() == row.api.0), what, row.api.0)?,
            method: unknown(
                ["GET", "POST", "PUT", "DELETE"].into_iter().find(|m| *m == row.method.0),
                what,
                row.method.0,
            )?,
            path: row.path.0,
            action: row
                .action
                .map(|name| unknown(action(name.0), what, name.0).map(|action| action.id))
                .transpose()?,
            on: unknown(AskedOn::ALL.into_iter().find(|o| o.as_str() == row.on.0), what, row.on.0)?,
            resources: row
                .resources
                .into_iter()
                .map(|text| unknown(ResourceTemplate::read(text.0), what, text.0))
                .collect::<Result<_, _>>()?,
            writes: row.writes,
        });
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::catalog;

    #[test]
    fn what_is_asked_on_the_account_names_its_resources_and_nothing_else_does() {
        for operation in catalog().operations() {
            let named = !operation.resources.is_empty();
            assert_eq!(named, operation.on == AskedOn::Account, "{}", operation.name);
        }
    }

    #[test]
    fn a_resource_is_filled_with_what_the_call_names() {
        let filled = |operation: &str, call: &[(&str, &str)]| -> Vec<String> {
            let parameter = |name: &str| {
                call.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned())
            };
            let operation = catalog().operation(operation).unwrap();
            operation.resources.iter().filter_map(|it| it.fill(parameter)).collect()
        };
        let both = [("UserName", "kim"), ("NewUserName", "lee"), ("PolicyName", "p")];
        assert_eq!(filled("UpdateUser", &both), ["user/kim", "user/lee"]);
        assert_eq!(filled("UpdateUser", &both[..1]), ["user/kim"]);
        assert_eq!(filled("AttachPolicyToUser", &both), ["user/kim", "policy/p"]);
        assert_eq!(filled("AttachPolicyToUser", &[]), ["user/*", "policy/*"]);
        assert_eq!(filled("CreateAccessKey", &[("Caller", "me")]), ["user/me"]);
        assert_eq!(filled("CreateAccessKey", &[("Caller", "me"), both[0]]), ["user/kim"]);
        assert_eq!(filled("CreateAccessKey", &[]), ["user/*"]);
        assert_eq!(filled("ListUsers", &both), ["user/*"]);
        // What a caller writes is never read as a place.
        assert_eq!(filled("GetUser", &[("UserName", "{Caller}")]), ["user/{Caller}"]);
    }
}
