//! A caller of RAM's operations, and documents to give it.

use serde_json::Value;

use super::{
    server::Server,
    signed::{Api, Key, ok, refused},
    wire::Answer,
};

pub(crate) const ALLOW: &str =
    r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"paidlc:GetJob","Resource":"*"}]}"#;
pub(crate) const DENY: &str =
    r#"{"Version":"1","Statement":[{"Effect":"Deny","Action":"paidlc:StopJob","Resource":"*"}]}"#;
pub(crate) const TRUST: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"RAM":["acs:ram::1000000000000001:root"]}}]}"#;
pub(crate) const FULL: &str = "AliyunPAIFullAccess";

/// Parameters of a call.
pub(crate) type Pairs<'p> = &'p [(&'p str, &'p str)];

/// A caller that asks RAM: every parameter is in the query.
pub(crate) struct Ram(pub(crate) Api);

impl Ram {
    pub(crate) fn demo() -> (Server, Self) {
        let server = Server::demo(&[]);
        let ram = Self(Api::new(Key::dev(), server.api));
        (server, ram)
    }

    #[track_caller]
    pub(crate) fn ask(&mut self, operation: &str, query: Pairs<'_>) -> Answer {
        self.0.ask(operation, &[], query)
    }

    #[track_caller]
    pub(crate) fn ok(&mut self, operation: &str, query: Pairs<'_>) -> Value {
        ok(&self.ask(operation, query))
    }

    #[track_caller]
    pub(crate) fn no(
        &mut self,
        operation: &str,
        query: Pairs<'_>,
        status: u16,
        code: &str,
    ) -> String {
        let answer = self.ask(operation, query);
        refused(&answer, status, code);
        answer.json()["Message"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    pub(crate) fn policy(&mut self, name: &str) {
        self.ok("CreatePolicy", &[("PolicyName", name), ("PolicyDocument", ALLOW)]);
    }

    #[track_caller]
    pub(crate) fn role(&mut self, name: &str) -> Value {
        let query = [("RoleName", name), ("AssumeRolePolicyDocument", TRUST)];
        self.ok("CreateRole", &query)["Role"].clone()
    }

    /// The versions of a custom policy, and which of them is in force.
    #[track_caller]
    pub(crate) fn versions(&mut self, name: &str) -> (Vec<String>, String) {
        let query = [("PolicyType", "Custom"), ("PolicyName", name)];
        let body = self.ok("ListPolicyVersions", &query);
        let list = body["PolicyVersions"]["PolicyVersion"].as_array().unwrap().clone();
        let id = |version: &Value| version["VersionId"].as_str().unwrap().to_owned();
        let default: Vec<String> =
            list.iter().filter(|v| v["IsDefaultVersion"] == true).map(id).collect();
        assert_eq!(default.len(), 1, "{body}");
        (list.iter().map(id).collect(), default[0].clone())
    }
}

/// The values of a field of the items of a list.
#[track_caller]
pub(crate) fn column(list: &Value, field: &str) -> Vec<String> {
    let items = list.as_array().unwrap_or_else(|| panic!("{list} is a list"));
    items.iter().map(|item| item[field].as_str().unwrap().to_owned()).collect()
}
