//! Calls of the management service without HTTP, by the main account.

use std::collections::BTreeMap;

use pai_authz::{
    catalog::catalog,
    domain::{AccountId, EnvMode, PrincipalId, RequestId, WorkspaceName},
    service::{Actor, Caller, NewWorkspace},
};

const ACCOUNT: &str = "1000";

pub(crate) fn account() -> AccountId {
    AccountId::parse(ACCOUNT).unwrap()
}

pub(crate) fn main_account() -> PrincipalId {
    PrincipalId::parse(ACCOUNT).unwrap()
}

pub(crate) fn call(operation: &str) -> Caller {
    let request = RequestId::parse(&uuid::Uuid::new_v4().to_string()).unwrap();
    Caller {
        account: account(),
        principal: main_account(),
        key: None,
        operation: catalog().operation(operation).unwrap(),
        resources: Vec::new(),
        context: BTreeMap::new(),
        actor: Actor::new(ACCOUNT.to_owned(), request),
        at_least: None,
    }
}

pub(crate) fn new_workspace(name: &str) -> NewWorkspace {
    NewWorkspace {
        name: WorkspaceName::parse(name).unwrap(),
        display_name: None,
        description: "d".to_owned(),
        env: EnvMode::Simple,
        resource_group: None,
        members: Vec::new(),
    }
}
