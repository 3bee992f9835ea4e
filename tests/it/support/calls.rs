//! Calls of the management service without HTTP, by the main account.

#[path = "../../../benches/support/caller.rs"]
mod caller;

use caller::caller;
use pai_authz::{
    domain::{AccountId, EnvMode, PrincipalId, WorkspaceName},
    service::{Caller, NewWorkspace},
};

const ACCOUNT: &str = "1000";

pub(crate) fn account() -> AccountId {
    AccountId::parse(ACCOUNT).unwrap()
}

pub(crate) fn main_account() -> PrincipalId {
    PrincipalId::parse(ACCOUNT).unwrap()
}

pub(crate) fn call(operation: &str) -> Caller {
    caller(ACCOUNT, operation)
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
