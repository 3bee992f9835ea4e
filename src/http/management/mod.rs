//! Signed calls: the vendor's AIWorkSpace and RAM interfaces, and this service's own beside them.
//!
//! One door for all: the operation is found in the catalogue by method and path, the signature is checked over the
//! raw request, the operation is carried out, the answer gets its request id and revision. Routing happens on the raw
//! path, split before it is decoded, for `%2F` may stand in a role name.

mod access_keys;
mod asked;
mod attachments;
mod configs;
mod groups;
mod marker;
mod members;
mod own;
mod permissions;
mod policies;
mod query;
mod ram_roles;
mod roles;
mod route;
mod users;
mod workspaces;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{HeaderName, HeaderValue},
    web::{self, Bytes, Payload},
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio::task::JoinHandle;
use tracing::Instrument;

use self::query::Query;
use super::{
    body,
    error::HttpError,
    object::{self, Object},
    request_id::{change_id, request_id},
    signature,
    state::State,
};
use crate::{
    catalog::{Api, Operation},
    domain::{
        AccountId, IdForm, Invalid, PrincipalId, RequestId, Revision, Timestamp, WorkspaceId,
        shortened,
    },
    error::{Error, ErrorCode},
    service::{Actor, Admitted, Caller, Management, Signer},
};

/// The header that carries the revision of an answer.
static X_REVISION: HeaderName = HeaderName::from_static("x-pai-authz-revision");
/// The header that demands a revision.
const X_AT_LEAST: &str = "x-pai-authz-at-least";
/// The header that makes a retry safe.
const X_REQUEST_ID: &str = "x-pai-authz-request-id";
/// Longest value of it; stored behind the id of its caller.
const MAX_REQUEST_ID: usize = 100;
/// The header that names the version.
const X_VERSION: &str = "x-acs-version";

/// A call whose signature was checked.
struct Call {
    management: Management,
    caller: Caller,
    /// The arguments of the path, decoded, in its order.
    arguments: Vec<String>,
    query: String,
    body: Bytes,
}

/// What an operation answers: an object, and the revision it is of.
struct Answer {
    body: Map<String, Value>,
    revision: Revision,
}

impl Answer {
    fn new(revision: Revision, body: Value) -> Result<Self, Error> {
        match body {
            Value::Object(body) => Ok(Self { body, revision }),
            _ => Err(Error::internal("an answer is no object")),
        }
    }

    /// Returns the answer of an operation that has nothing to tell.
    fn done(revision: Revision) -> Self {
        Self { body: Map::new(), revision }
    }
}

macro_rules! operations {
    ($($name:literal => $carry_out:path;)+) => {
        /// The operations that are carried out here; a test holds them against the catalogue.
        #[cfg(test)]
        const CARRIED_OUT: &[&str] = &[$($name),+];

        async fn carry_out(call: Call) -> Result<Answer, Error> {
            match call.caller.operation.name {
                $($name => $carry_out(call).await,)+
                other => Err(Error::internal(&format!("nothing carries out `{other}`"))),
            }
        }
    };
}

operations! {
    "CreateWorkspace" => workspaces::create;
    "ListWorkspaces" => workspaces::list;
    "GetWorkspace" => workspaces::get;
    "UpdateWorkspace" => workspaces::update;
    "DeleteWorkspace" => workspaces::delete;
    "GetDefaultWorkspace" => workspaces::get_default;
    "UpdateDefaultWorkspace" => workspaces::update_default;
    "ListWorkspaceUsers" => members::list_users;
    "CreateMember" => members::create;
    "GetMember" => members::get;
    "ListMembers" => members::list;
    "DeleteMembers" => members::delete;
    "AddMemberRole" => members::add_role;
    "RemoveMemberRole" => members::remove_role;
    "CreateWorkspaceRole" => roles::create;
    "GetWorkspaceRole" => roles::get;
    "ListWorkspaceRoles" => roles::list;
    "UpdateWorkspaceRole" => roles::update;
    "DeleteWorkspaceRoles" => roles::delete;
    "GetInstanceJob" => roles::job;
    "UpdateConfigs" => configs::update_all;
    "UpdateConfig" => configs::update;
    "GetConfig" => configs::get;
    "ListConfigs" => configs::list;
    "DeleteConfig" => configs::delete;
    "ListPermissions" => permissions::list;
    "GetPermission" => permissions::get;
    "CreateUser" => users::create;
    "GetUser" => users::get;
    "ListUsers" => users::list;
    "UpdateUser" => users::update;
    "DeleteUser" => users::delete;
    "CreateAccessKey" => access_keys::create;
    "ListAccessKeys" => access_keys::list;
    "UpdateAccessKey" => access_keys::update;
    "DeleteAccessKey" => access_keys::delete;
    "CreatePolicy" => policies::create;
    "GetPolicy" => policies::get;
    "ListPolicies" => policies::list;
    "DeletePolicy" => policies::delete;
    "CreatePolicyVersion" => policies::create_version;
    "GetPolicyVersion" => policies::get_version;
    "ListPolicyVersions" => policies::list_versions;
    "SetDefaultPolicyVersion" => policies::set_default_version;
    "DeletePolicyVersion" => policies::delete_version;
    "CreateGroup" => groups::create;
    "GetGroup" => groups::get;
    "ListGroups" => groups::list;
    "UpdateGroup" => groups::update;
    "DeleteGroup" => groups::delete;
    "AddUserToGroup" => groups::add_user;
    "RemoveUserFromGroup" => groups::remove_user;
    "ListUsersForGroup" => groups::list_users;
    "ListGroupsForUser" => groups::list_of_user;
    "CreateRole" => ram_roles::create;
    "GetRole" => ram_roles::get;
    "ListRoles" => ram_roles::list;
    "UpdateRole" => ram_roles::update;
    "DeleteRole" => ram_roles::delete;
    "AttachPolicyToUser" => attachments::attach_to_user;
    "DetachPolicyFromUser" => attachments::detach_from_user;
    "ListPoliciesForUser" => attachments::list_of_user;
    "AttachPolicyToGroup" => attachments::attach_to_group;
    "DetachPolicyFromGroup" => attachments::detach_from_group;
    "ListPoliciesForGroup" => attachments::list_of_group;
    "AttachPolicyToRole" => attachments::attach_to_role;
    "DetachPolicyFromRole" => attachments::detach_from_role;
    "ListPoliciesForRole" => attachments::list_of_role;
    "ListEntitiesForPolicy" => attachments::list_entities;
    "SetUpWorkspace" => own::set_up_workspace;
    "ImportUsers" => own::import_users;
}

/// Carries out a signed call.
///
/// Signatures are checked on the thread that reads the request. What follows may look at each of a hundred thousand
/// members or compile roles, so it is done on threads of its own: a decision never waits for it.
pub(super) async fn call(
    request: HttpRequest,
    state: web::Data<State>,
    payload: Payload,
) -> Result<HttpResponse, HttpError> {
    let refuse = |error: Error| HttpError::new(&request, error);
    let (operation, arguments) = route::find(&request).map_err(|refusal| *refusal)?;
    let body = body::any(&request, payload).await.map_err(refuse)?;
    let signer =
        signature::signer(&state.services.signers, &request, &body).await.map_err(refuse)?;
    let management = state.services.management.clone();
    let (account, principal) = (signer.account.clone(), signer.principal.clone());
    let answered = match read_call(&request, &state, operation, signer, arguments, body) {
        Ok(call) => {
            let id = request_id(&request);
            let admitted = state.admission.admit(&(account.clone(), principal.clone()));
            match admitted {
                Ok(admitted) => carry_out_in_turn(&state, admitted, id, call).await,
                Err(error) => Err(error),
            }
        }
        Err(error) => Err(error),
    };
    note(&request, operation, (&account, &principal), answered.as_ref().err());
    let revision = match &answered {
        Ok((_, revision)) => Some(*revision),
        Err(_) => management.present_revision(&account),
    };
    let revision = revision.map(|revision| management.revision_token(&account, revision));
    let mut response = match answered {
        Ok((body, _)) => HttpResponse::Ok().content_type("application/json").body(body),
        Err(error) => actix_web::ResponseError::error_response(&refuse(error)),
    };
    if let Some(value) = revision.and_then(|text| HeaderValue::from_str(&text).ok()) {
        response.headers_mut().insert(X_REVISION.clone(), value);
    }
    Ok(response)
}

/// Carries a call out when it is its turn, on the threads for calls of its kind, and returns its answer as bytes.
///
/// A caller that goes away before its turn is forgotten; what has begun is done.
async fn carry_out_in_turn(
    state: &State,
    admitted: Admitted<(AccountId, PrincipalId)>,
    id: Option<String>,
    call: Call,
) -> Result<(Vec<u8>, Revision), Error> {
    let operation = call.caller.operation;
    let begun = Arc::new(AtomicBool::new(false));
    let work = {
        let begun = begun.clone();
        async move {
            let turn = admitted.turn().await;
            begun.store(true, Ordering::Relaxed);
            let done = render(operation, id, carry_out(call).await?);
            drop(turn);
            done
        }
    };
    let office = if operation.writes { &state.offices.changes } else { &state.offices.reads };
    let mut task = GivenUp { task: office.spawn(work.in_current_span()), begun };
    let done = (&mut task.task).await;
    done.unwrap_or_else(|error| Err(Error::internal(&format!("a signed call: {error}"))))
}

/// A call whose caller waits for it. Dropped before its turn has come, it is not carried out.
struct GivenUp<T> {
    task: JoinHandle<T>,
    begun: Arc<AtomicBool>,
}

impl<T> Drop for GivenUp<T> {
    fn drop(&mut self) {
        if !self.begun.load(Ordering::Relaxed) {
            self.task.abort();
        }
    }
}

/// Reads what a request says beside what its operation reads.
fn read_call(
    request: &HttpRequest,
    state: &State,
    operation: &'static Operation,
    signer: Signer,
    arguments: Vec<String>,
    body: Bytes,
) -> Result<Call, Error> {
    check_version(request, operation)?;
    let management = state.services.management.clone();
    let query = request.uri().query().unwrap_or_default().to_owned();
    let asked_on = asked::Asked {
        operation,
        account: &signer.account,
        principal: &signer.principal,
        arguments: &arguments,
        query: &query,
    };
    let resources = asked_on.resources(&management, &state.services.region);
    let (request_id, asked) = match signature::single(request.headers(), X_REQUEST_ID)? {
        Some(text) => retriable(request, operation, &signer, text, &body)?,
        None => (change_id()?, None),
    };
    let at_least = signature::single(request.headers(), X_AT_LEAST)?
        .map(|text| {
            management.read_revision(&signer.account, text).ok_or_else(|| {
                let help = "give the `x-pai-authz-revision` of an earlier answer, unedited";
                Error::new(ErrorCode::InvalidRevision, "not a revision of this account", help)
                    .about(X_AT_LEAST, text)
            })
        })
        .transpose()?;
    let caller = Caller {
        account: signer.account,
        key: signer.key,
        operation,
        resources,
        context: asked::context(request, state, management.now()),
        actor: Actor {
            name: signer.principal.to_string(),
            request_id,
            asked,
            nonce: Some(signer.nonce),
        },
        principal: signer.principal,
        at_least,
    };
    Ok(Call { management, caller, arguments, query, body })
}

/// Returns an answer as bytes, with the id of its request where the interface has it.
fn render(
    operation: &Operation,
    id: Option<String>,
    answer: Answer,
) -> Result<(Vec<u8>, Revision), Error> {
    let Answer { mut body, revision } = answer;
    if operation.api != Api::Own {
        body.insert("RequestId".to_owned(), id.into());
    }
    let bytes = serde_json::to_vec(&body).map_err(|error| Error::internal(&error.to_string()))?;
    Ok((bytes, revision))
}

/// Leaves one line about a call; the request id stands on the span around it. Changes and refusals are for the record,
/// for the vendor's codes hide from the caller whether it was not allowed or there was nothing.
fn note(
    request: &HttpRequest,
    operation: &Operation,
    (account, principal): (&AccountId, &PrincipalId),
    refused: Option<&Error>,
) {
    let operation_name = operation.name;
    // It names the workspace, and who or what in it.
    let path = shortened(request.path(), Invalid::MAX_VALUE);
    match refused {
        Some(error) => tracing::info!(
            operation = operation_name, path, %account, %principal, code = error.code.as_str(), "call refused"
        ),
        None if operation.writes => {
            tracing::info!(operation = operation_name, path, %account, %principal, "call carried out");
        }
        None => {
            tracing::debug!(operation = operation_name, path, %account, %principal, "call answered");
        }
    }
}

fn check_version(request: &HttpRequest, operation: &Operation) -> Result<(), Error> {
    let Some(version) = operation.api.version() else { return Ok(()) };
    let stated = signature::required(request.headers(), X_VERSION)?;
    if stated == version {
        return Ok(());
    }
    let help = format!("send `{version}` with `{}`", operation.name);
    Err(Error::new(ErrorCode::UnknownVersion, "this version is not served", help)
        .about(X_VERSION, stated))
}

/// Returns the id of a request that may come again, and the digest by which it is told then: of all it asks, but nothing
/// of when and how it was signed. Ids are each caller's own.
fn retriable(
    request: &HttpRequest,
    operation: &Operation,
    signer: &Signer,
    text: &str,
    body: &[u8],
) -> Result<(RequestId, Option<[u8; 32]>), Error> {
    let help = "give 1 to 100 visible ASCII characters";
    let refused = || Invalid::value(X_REQUEST_ID, text, "a request id", help);
    if text.is_empty() || text.len() > MAX_REQUEST_ID {
        return Err(refused().into());
    }
    let id = RequestId::parse(&format!("{}/{text}", signer.principal)).map_err(|_| refused())?;
    let uri = request.uri();
    let parts: [&[u8]; 5] = [
        signer.principal.as_str().as_bytes(),
        operation.name.as_bytes(),
        uri.path().as_bytes(),
        uri.query().unwrap_or_default().as_bytes(),
        body,
    ];
    Ok((id, Some(crate::service::asked(&parts))))
}

fn parse<T>(field: &str, text: &str, parse: fn(&str) -> Result<T, IdForm>) -> Result<T, Invalid> {
    parse(text).map_err(|form| Invalid::value(field, text, form.expected, form.help))
}

impl Call {
    fn argument(&self, index: usize) -> Result<&str, Error> {
        self.arguments
            .get(index)
            .map(String::as_str)
            .ok_or_else(|| Error::internal("an operation reads an argument its path has not"))
    }

    /// Returns the workspace of the path, its first argument.
    fn workspace(&self) -> Result<WorkspaceId, Error> {
        Ok(parse("WorkspaceId", self.argument(0)?, WorkspaceId::parse)?)
    }

    fn query(&self, known: &[&str]) -> Result<Query, Error> {
        Ok(Query::parse(&self.query, known)?)
    }

    /// Reads the body, which may be empty where nothing in it is required.
    fn body<T: DeserializeOwned + Default>(&self) -> Result<T, Error> {
        if self.body.is_empty() {
            return Ok(T::default());
        }
        let Object(body) = object::read(&self.body).map_err(Error::from)?;
        Ok(body)
    }

    /// Refuses parameters and a body, for operations that read neither.
    fn nothing_more(&self) -> Result<(), Error> {
        self.query(&[])?;
        self.no_body()
    }

    /// Refuses a body that says something, for operations that read none.
    fn no_body(&self) -> Result<(), Error> {
        let text = std::str::from_utf8(&self.body).unwrap_or("…").trim();
        if text.is_empty() || text == "{}" {
            return Ok(());
        }
        Err(Invalid::unexpected("body", text, "this operation reads no body").into())
    }
}

/// Returns a time as these interfaces have it: UTC, milliseconds.
fn time(at: Timestamp) -> String {
    super::time(at)
}

/// Returns an object with one field more.
fn with(mut body: Value, name: &str, value: impl Into<Value>) -> Value {
    if let Value::Object(fields) = &mut body {
        fields.insert(name.to_owned(), value.into());
    }
    body
}

/// Returns a list for a message.
fn shown(list: &[String]) -> String {
    shortened(&list.join(", "), Invalid::MAX_VALUE)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::catalog::catalog;

    #[test]
    fn every_operation_of_the_catalogue_is_carried_out_and_no_other() {
        let catalogued: BTreeSet<&str> =
            catalog().operations().iter().map(|operation| operation.name).collect();
        let carried_out: BTreeSet<&str> = CARRIED_OUT.iter().copied().collect();
        assert_eq!(catalogued, carried_out);
        assert_eq!(carried_out.len(), CARRIED_OUT.len(), "none stands twice");
    }

    #[test]
    fn no_two_operations_share_method_and_path() {
        let mut seen = BTreeSet::new();
        for operation in catalog().operations() {
            let told_apart = if operation.api == Api::Ram { operation.name } else { "" };
            // Arguments fill whatever stands there: their names do not tell paths apart.
            let form: Vec<&str> = operation
                .path
                .split('/')
                .map(|part| if part.starts_with('{') { "{}" } else { part })
                .collect();
            assert!(seen.insert((operation.method, form, told_apart)), "{}", operation.name);
        }
    }
}
