//! Renders errors: always JSON. Our own have five fields and the request id, the vendor's the three its SDKs read.

use std::fmt;

use actix_web::{
    HttpRequest, HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use serde::Serialize;

use super::{
    dialect::Dialect,
    request_id::{self, X_REQUEST_ID},
};
use crate::{
    domain::{Fault, Invalid, PrincipalKind, shortened},
    error::{Error, ErrorCode, Retry},
};

/// An error as the wire has it. Every field is always there; `null` says that it does not apply.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ErrorBody<'e> {
    code: &'e str,
    message: &'e str,
    field: Option<&'e str>,
    value: Option<&'e str>,
    help: &'e str,
}

impl<'e> From<&'e Error> for ErrorBody<'e> {
    fn from(error: &'e Error) -> Self {
        Self {
            code: error.code.as_str(),
            message: &error.message,
            field: error.field.as_deref(),
            value: error.value.as_deref(),
            help: &error.help,
        }
    }
}

/// Returns the error a fault of a decision is, for the `errors` of an answer.
pub(super) fn fault(fault: &Fault) -> Error {
    match fault {
        Fault::Request(invalid) => Invalid::clone(invalid).into(),
        Fault::Evaluation(policy) => Error::new(
            ErrorCode::Internal,
            format!("policy `{policy}` failed to evaluate"),
            "the request is denied, for a policy that fails might have forbidden it",
        ),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Response<'e> {
    #[serde(flatten)]
    error: ErrorBody<'e>,
    request_id: Option<&'e str>,
}

/// An error as the vendor's SDKs read it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct VendorResponse<'e> {
    request_id: Option<&'e str>,
    code: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_denied_detail: Option<AccessDeniedDetail<'e>>,
}

/// What the vendor tells of a call that was not allowed.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AccessDeniedDetail<'e> {
    auth_action: &'e str,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_principal_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_principal_owner_id: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_principal_display_name: Option<&'e str>,
    no_permission_type: &'static str,
    policy_type: &'static str,
}

impl<'e> AccessDeniedDetail<'e> {
    /// Returns what is told of an action; `whom` is the kind, account and name of the principal, where one is known.
    pub(super) fn new(
        action: &'e str,
        is_explicit: bool,
        whom: Option<(PrincipalKind, &'e str, &'e str)>,
    ) -> Self {
        let kind = |kind| match kind {
            PrincipalKind::RamRole => "AssumedRoleUser",
            PrincipalKind::User | PrincipalKind::Account => "SubUser",
        };
        Self {
            auth_action: action,
            auth_principal_type: whom.map(|(of, ..)| kind(of)),
            auth_principal_owner_id: whom.map(|(_, account, _)| account),
            auth_principal_display_name: whom.map(|(.., name)| name),
            no_permission_type: if is_explicit { "ExplicitDeny" } else { "ImplicitDeny" },
            policy_type: "IdentityBasedPolicy",
        }
    }
}

/// How long a throttled caller of the vendor's SDKs shall wait.
const X_ACS_RETRY_AFTER: &str = "x-acs-retry-after";
const RETRY_AFTER_MS: &str = "1000";

/// An error on its way out.
#[derive(Debug)]
pub(super) struct HttpError {
    error: Error,
    dialect: Dialect,
    request_id: Option<header::HeaderValue>,
    headers: Vec<(header::HeaderName, String)>,
}

impl HttpError {
    /// Returns the answer to `request` that says `error`.
    pub(super) fn new(request: &HttpRequest, error: impl Into<Error>) -> Self {
        let (request_id, dialect) = (request_id::header(request), Dialect::of(request.head()));
        Self { dialect, request_id, ..Self::without_id(error) }
    }

    /// Returns the answer to the request of that id.
    pub(super) fn with_id(
        id: header::HeaderValue,
        dialect: Dialect,
        error: impl Into<Error>,
    ) -> Self {
        Self { request_id: Some(id), dialect, ..Self::without_id(error) }
    }

    /// Returns the answer to a request that has no id.
    pub(super) fn without_id(error: impl Into<Error>) -> Self {
        let error = error.into();
        let mut headers = Vec::new();
        if error.code == ErrorCode::Unauthenticated {
            headers.push((header::WWW_AUTHENTICATE, "Bearer realm=\"pai-authz\"".to_owned()));
        }
        if error.code.retry() == Retry::Later {
            headers.push((header::RETRY_AFTER, "1".to_owned()));
        }
        if error.code == ErrorCode::Throttled {
            let name = header::HeaderName::from_static(X_ACS_RETRY_AFTER);
            headers.push((name, RETRY_AFTER_MS.to_owned()));
        }
        Self { error, dialect: Dialect::Own, request_id: None, headers }
    }

    /// Returns the refusal of a method a path does not take.
    pub(super) fn wrong_method(request: &HttpRequest, allowed: &str) -> Self {
        let pattern = request.match_pattern().unwrap_or_else(|| shortened(request.path(), 100));
        let error = Error::new(
            ErrorCode::MethodNotAllowed,
            format!("`{pattern}` does not take this method"),
            format!("use {allowed}"),
        );
        Self::new(request, error.about("method", request.method().as_str()))
            .with_header(header::ALLOW, allowed.to_owned())
    }

    /// Returns the same answer with another header.
    fn with_header(mut self, name: header::HeaderName, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl ResponseError for HttpError {
    fn status_code(&self) -> StatusCode {
        let status = match (self.dialect, self.error.code) {
            // AuthZEN, Transport: a body of another type is a bad request.
            (Dialect::AuthZen, ErrorCode::UnsupportedMediaType) => 400,
            (_, code) => code.status(),
        };
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        for (name, value) in &self.headers {
            response.insert_header((name.clone(), value.as_str()));
        }
        if let Some(id) = &self.request_id {
            response.insert_header((X_REQUEST_ID.clone(), id.clone()));
        }
        let request_id = self.request_id.as_ref().map(request_id::shown);
        match self.dialect {
            Dialect::Own => response.json(Response { error: (&self.error).into(), request_id }),
            Dialect::AuthZen => response.json(self.error.to_string()),
            Dialect::Vendor => {
                let Error { message, field, help, .. } = &self.error;
                let remedy =
                    field.as_ref().map_or_else(|| help.clone(), |f| format!("{f}: {help}"));
                let code = self.error.code.vendor();
                let message = format!("{message} ({remedy})");
                let denied = self.error.denied.as_deref();
                let access_denied_detail = denied.map(|denied| {
                    let whom =
                        (denied.principal.kind, denied.account.as_str(), denied.name.as_str());
                    AccessDeniedDetail::new(&denied.action, denied.is_explicit, Some(whom))
                });
                response.json(VendorResponse { request_id, code, message, access_denied_detail })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{body::MessageBody, test::TestRequest};

    use super::*;

    fn answer(path: &str, code: ErrorCode) -> (HttpResponse, serde_json::Value) {
        let request = TestRequest::with_uri(path).to_http_request();
        let error = Error::new(code, "`x` is wrong", "give `y`").about("Field", "x");
        let response = HttpError::new(&request, error).error_response();
        let (head, body) = response.into_parts();
        let bytes = body.try_into_bytes().unwrap_or_default();
        (head.set_body(actix_web::body::BoxBody::new(())), serde_json::from_slice(&bytes).unwrap())
    }

    #[test]
    fn on_the_vendors_paths_every_code_has_the_vendors_form() {
        for code in ErrorCode::ALL {
            let (head, body) = answer("/api/v1/workspaces/1", *code);
            assert_eq!(head.status().as_u16(), code.status());
            assert_eq!(body["Code"], code.vendor());
            assert_eq!(body["Message"], "`x` is wrong (Field: give `y`)");
            let throttled = head.headers().get("x-acs-retry-after").is_some();
            assert_eq!(throttled, *code == ErrorCode::Throttled, "{code:?}");
        }
        let (_, own) = answer("/v1/workspaces", ErrorCode::Throttled);
        assert_eq!((&own["code"], &own["field"]), (&"throttled".into(), &"Field".into()));
    }
}
