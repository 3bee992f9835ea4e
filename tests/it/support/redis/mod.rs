//! Real Redis servers of a test's own: one, one behind TLS, a primary with Sentinels, a cluster, other versions, one
//! whose power can be cut, and a proxy to break the network with.
//!
//! Each server has a folder of its own with its socket, data and `log`, is spoken to on 127.0.0.1 only, and is
//! killed by its own id when the test is over.

mod cluster;
mod flavour;
mod one;
mod power;
mod process;
mod proxy;
mod sentinel;
mod tls;

pub(crate) use self::{
    cluster::Cluster, flavour::Flavour, one::Redis, proxy::Proxy, sentinel::Sentinels, tls::Tls,
};
