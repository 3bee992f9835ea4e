//! What a call is asked on, and under which conditions: the ARNs of the resources it names, and the condition keys that the
//! connection and the clock give.
//!
//! This looks at the raw request, before the operation reads it. What an operation then refuses, as a parameter that
//! stands twice, is refused before anything is asked.

use std::{collections::BTreeMap, net::IpAddr, rc::Rc};

use actix_web::HttpRequest;

use super::{query, route, users};
use crate::{
    catalog::{Operation, ResourceTemplate, catalog},
    domain::{AccountId, ContextValue, PolicyType, PrincipalId, Scalar, Timestamp},
    http::{api::Link, connections::Peer, state::State},
    service::Management,
};

/// Where RAM is: its resources are of no region.
const NO_REGION: &str = "*";
/// The account that the vendor's system policies are of.
const SYSTEM_ACCOUNT: &str = "system";
const RAM: &str = "ram";
const POLICIES: &str = "policy/";

/// Who calls which operation, with what.
pub(super) struct Asked<'c> {
    pub(super) operation: &'static Operation,
    pub(super) account: &'c AccountId,
    pub(super) principal: &'c PrincipalId,
    /// The arguments of the path, decoded.
    pub(super) arguments: &'c [String],
    /// The query, as it was sent.
    pub(super) query: &'c str,
}

impl Asked<'_> {
    /// Returns the ARNs a call is asked on; none where it is not asked on the account.
    pub(super) fn resources(&self, management: &Management, region: &str) -> Vec<String> {
        let action = self.operation.action.and_then(|id| catalog().action(id));
        let Some(code) = action.map(|action| action.ram_code) else { return Vec::new() };
        let region = if code == RAM { NO_REGION } else { region };
        let of_system =
            self.parameter("PolicyType").as_deref() == Some(PolicyType::System.as_str());
        let parameter = |name: &str| {
            if name == ResourceTemplate::CALLER {
                // The name of this moment: a caller who is renamed meanwhile called before.
                let name = management.name_of(self.account, self.principal)?;
                return Some(name.as_str().to_owned());
            }
            self.parameter(name)
        };
        let resources = self.operation.resources.iter();
        let arns = resources.filter_map(|template| template.fill(parameter)).map(|id| {
            let system = code == RAM && of_system && id.starts_with(POLICIES);
            let account = if system { SYSTEM_ACCOUNT } else { self.account.as_str() };
            format!("acs:{code}:{region}:{account}:{id}")
        });
        arns.collect()
    }

    fn parameter(&self, name: &str) -> Option<String> {
        let mut arguments = route::names(self.operation).zip(self.arguments);
        let argument = arguments.find(|(other, _)| *other == name);
        argument.map(|(_, text)| text.clone()).or_else(|| query::first(self.query, name))
    }
}

/// Returns the condition keys of a request.
pub(super) fn context(
    request: &HttpRequest,
    state: &State,
    now: Timestamp,
) -> BTreeMap<String, ContextValue> {
    let peer = request.conn_data::<Rc<Link>>().map(|link| link.connection.peer);
    // Who comes over the Unix socket has no address; what the library may say of it is not one.
    let over_tcp = peer != Some(Peer::Uds);
    let source = request.peer_addr().filter(|_| over_tcp).map(|address| address.ip());
    keys(now, source, over_tcp && state.has_tls)
}

fn keys(now: Timestamp, source: Option<IpAddr>, is_secure: bool) -> BTreeMap<String, ContextValue> {
    let mut keys = vec![
        ("acs:CurrentTime", Scalar::String(users::time(now))),
        ("acs:SecureTransport", Scalar::Bool(is_secure)),
    ];
    // An IPv4 address that came over a socket of both families is written as policies write it.
    let source = source.map(|address| address.to_canonical().to_string());
    keys.extend(source.map(|source| ("acs:SourceIp", Scalar::String(source))));
    keys.into_iter().map(|(key, value)| (key.to_owned(), ContextValue::One(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_the_keys_of_its_time_and_connection() {
        let text = |text: &str| ContextValue::One(Scalar::String(text.to_owned()));
        let flag = |flag| ContextValue::One(Scalar::Bool(flag));
        let now = Timestamp::from_millis(1_751_328_000_999);
        let source = "::ffff:192.0.2.7".parse().ok();
        let over_tls = keys(now, source, true);
        assert_eq!(over_tls["acs:CurrentTime"], text("2025-07-01T00:00:00Z"));
        assert_eq!(over_tls["acs:SourceIp"], text("192.0.2.7"));
        assert_eq!(over_tls["acs:SecureTransport"], flag(true));
        let over_a_socket = keys(now, None, false);
        assert_eq!(over_a_socket.get("acs:SourceIp"), None);
        assert_eq!(over_a_socket["acs:SecureTransport"], flag(false));
        let source = "2001:db8::1".parse().ok();
        assert_eq!(keys(now, source, false)["acs:SourceIp"], text("2001:db8::1"));
    }
}
