//! What a service asks: may this principal take this action on this resource?

use serde_json::{Map, Value, json};

/// A question, of which only principal and action are always there.
///
/// ```
/// use pai_authz::client::Question;
///
/// // May user 2001 stop a training job of her own?
/// let question = Question::new("2001", "PaiDLC:StopJob")
///     .in_workspace("10001")
///     .on("job", "dlc-1")
///     .created_by("2001")
///     .private();
/// # drop(question);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    kind: &'static str,
    principal: String,
    action: String,
    resource: Map<String, Value>,
    context: Map<String, Value>,
    at_least: Option<String>,
}

impl Question {
    /// Returns the question whether a user may take an action, a permission code or a RAM action.
    #[must_use]
    pub fn new(user: impl Into<String>, action: impl Into<String>) -> Self {
        Self::of("User", user.into(), action.into())
    }

    /// Returns the question whether a RAM role may take an action.
    #[must_use]
    pub fn by_ram_role(role: impl Into<String>, action: impl Into<String>) -> Self {
        Self::of("RamRole", role.into(), action.into())
    }

    /// Returns the question whether the main account may take an action.
    #[must_use]
    pub fn by_account(account: impl Into<String>, action: impl Into<String>) -> Self {
        Self::of("Account", account.into(), action.into())
    }

    fn of(kind: &'static str, principal: String, action: String) -> Self {
        let (resource, context) = (Map::new(), Map::new());
        Self { kind, principal, action, resource, context, at_least: None }
    }

    /// Asks in a workspace; actions on the account are asked without.
    #[must_use]
    pub fn in_workspace(self, workspace: impl Into<String>) -> Self {
        self.resource("workspace", workspace.into())
    }

    /// Asks on one resource. Without it the question is about the main type of the action's module.
    #[must_use]
    pub fn on(self, resource_type: impl Into<String>, id: impl Into<String>) -> Self {
        self.resource("type", resource_type.into()).resource("id", id.into())
    }

    /// Asks on resources of a type, none in particular.
    #[must_use]
    pub fn on_type(self, resource_type: impl Into<String>) -> Self {
        self.resource("type", resource_type.into())
    }

    /// Asks on the resource of an ARN, which says type, id and workspace.
    #[must_use]
    pub fn on_arn(self, arn: impl Into<String>) -> Self {
        self.resource("arn", arn.into())
    }

    /// States who created the resource. Creator and accessibility are stated both or neither.
    #[must_use]
    pub fn created_by(self, creator: impl Into<String>) -> Self {
        self.resource("creator", creator.into())
    }

    /// States that the resource is private.
    #[must_use]
    pub fn private(self) -> Self {
        self.resource("accessibility", "PRIVATE".to_owned())
    }

    /// States that the resource is public in its workspace.
    #[must_use]
    pub fn public(self) -> Self {
        self.resource("accessibility", "PUBLIC".to_owned())
    }

    /// States a condition key, for example `acs:SourceIp`: a string, a number, a boolean, or a list of one of them.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.context.insert(key.into(), value.into());
        self
    }

    /// Demands an answer at a revision or later, one that an earlier answer or change carried.
    #[must_use]
    pub fn at_least_as_fresh(mut self, revision: impl Into<String>) -> Self {
        self.at_least = Some(revision.into());
        self
    }

    fn resource(mut self, field: &str, value: String) -> Self {
        self.resource.insert(field.to_owned(), Value::String(value));
        self
    }

    /// Returns the question as the wire has it; what was not stated is absent.
    pub(super) fn to_json(&self) -> Value {
        let mut out = json!({
            "principal": { "type": self.kind, "id": self.principal },
            "action": self.action,
        });
        if let Some(fields) = out.as_object_mut() {
            for (name, object) in [("resource", &self.resource), ("context", &self.context)] {
                if !object.is_empty() {
                    fields.insert(name.to_owned(), Value::Object(object.clone()));
                }
            }
            if let Some(revision) = &self.at_least {
                fields.insert("atLeastAsFresh".to_owned(), Value::String(revision.clone()));
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stated_is_asked_and_nothing_else() {
        assert_eq!(
            Question::new("2001", "Pai:ListQuotas").to_json(),
            json!({ "principal": { "type": "User", "id": "2001" }, "action": "Pai:ListQuotas" })
        );
        let full = Question::by_ram_role("3001", "PaiDLC:StopJob")
            .in_workspace("10001")
            .on("job", "dlc-1")
            .created_by("2001")
            .public()
            .with("acs:SourceIp", "203.0.113.7")
            .with("acs:MFAPresent", true)
            .at_least_as_fresh("r1");
        assert_eq!(
            full.to_json(),
            json!({
                "principal": { "type": "RamRole", "id": "3001" },
                "action": "PaiDLC:StopJob",
                "resource": { "workspace": "10001", "type": "job", "id": "dlc-1", "creator": "2001", "accessibility": "PUBLIC" },
                "context": { "acs:SourceIp": "203.0.113.7", "acs:MFAPresent": true },
                "atLeastAsFresh": "r1",
            })
        );
        assert_eq!(Question::by_account("1", "a").on_arn("x").to_json()["resource"]["arn"], "x");
        assert_eq!(Question::new("1", "a").on_type("job").to_json()["resource"]["type"], "job");
    }
}
