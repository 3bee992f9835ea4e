//! Calls past the signatures.

use std::collections::BTreeMap;

use pai_authz::{
    catalog::catalog,
    domain::{AccountId, PrincipalId, RequestId},
    service::{Actor, Caller},
};

/// Returns an account that calls an operation as itself.
pub(crate) fn caller(account: &str, operation: &str) -> Caller {
    let request = RequestId::parse(&uuid::Uuid::new_v4().to_string()).unwrap();
    Caller {
        account: AccountId::parse(account).unwrap(),
        principal: PrincipalId::parse(account).unwrap(),
        key: None,
        operation: catalog().operation(operation).unwrap(),
        resources: Vec::new(),
        context: BTreeMap::new(),
        actor: Actor::new(account.to_owned(), request),
        at_least: None,
    }
}
