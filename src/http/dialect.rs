//! In whose words an answer is given: the vendor's interfaces have forms of their own for errors and ids.

use actix_web::{dev::RequestHead, http::Method};

use super::authzen;

/// In whose words a path speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// This service's own.
    Own,
    /// The vendor's.
    Vendor,
    /// That of OpenID AuthZEN.
    AuthZen,
}

impl Dialect {
    /// Returns the dialect of a request: the vendor's on its paths and for whoever calls as its SDKs do.
    pub(super) fn of(head: &RequestHead) -> Self {
        let path = head.uri.path();
        // First, for `/v1/access/v1/evaluation` asks a bundle as well, though there is none of that name.
        if authzen::is_path(path) {
            return Self::AuthZen;
        }
        if path.starts_with("/v1/") {
            return Self::Own;
        }
        // Whoever only looks what is there calls no operation.
        let is_look =
            matches!(head.method, Method::GET | Method::HEAD) && head.uri.query().is_none();
        let of_vendor = (path == "/" && !is_look)
            || ["/api/", "/resourcegroups/"].iter().any(|start| path.starts_with(start))
            || head.headers.contains_key("x-acs-action");
        if of_vendor { Self::Vendor } else { Self::Own }
    }
}
