//! One server that listens for TLS alone and wants a certificate of its clients.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{
    flavour::Flavour,
    one::{Listen, Redis},
    process::must,
};

/// A running server, and certificates that an authority of its own has signed.
pub(crate) struct Tls {
    redis: Redis,
    /// `NAME.pem` and `NAME.key` of `ca`, `server` and `client`.
    directory: TempDir,
}

impl Tls {
    pub(crate) fn start() -> Self {
        let directory = TempDir::new().unwrap();
        let signed = ["-CA", "ca.pem", "-CAkey", "ca.key"];
        certify(directory.path(), "ca", &["CA:TRUE", "-addext", "keyUsage=critical,keyCertSign"]);
        let address = ["CA:FALSE", "-addext", "subjectAltName=IP:127.0.0.1"];
        certify(directory.path(), "server", &[&address[..], &signed].concat());
        certify(directory.path(), "client", &[&["CA:FALSE"][..], &signed].concat());

        let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
        let (ca, cert, key) = (path("ca.pem"), path("server.pem"), path("server.key"));
        let ours = ["--tls-cert-file", &cert, "--tls-key-file", &key];
        let theirs = ["--tls-ca-cert-file", &ca, "--tls-auth-clients", "yes"];
        let settings = [ours, theirs].concat();
        let redis = Redis::launch(Flavour::Redis7, Listen::Tls, None, &settings);
        Self { redis, directory }
    }

    pub(crate) fn url(&self) -> String {
        self.redis.url()
    }

    /// Returns the certificate of the authority.
    pub(crate) fn ca(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    pub(crate) fn client_cert(&self) -> PathBuf {
        self.directory.path().join("client.pem")
    }

    pub(crate) fn client_key(&self) -> PathBuf {
        self.directory.path().join("client.key")
    }
}

/// Makes `NAME.key`, which only its owner can read, and `NAME.pem`. `rest` begins with whether it may sign others;
/// without `-CA` in it the certificate is signed by itself.
fn certify(directory: &Path, name: &str, rest: &[&str]) {
    let (key, cert) = (format!("{name}.key"), format!("{name}.pem"));
    let (subject, constraints) =
        (format!("/CN={name}"), format!("basicConstraints=critical,{}", rest[0]));
    let new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    let named = ["-days", "2", "-subj", &subject, "-keyout", &key, "-out", &cert];
    let arguments = [&new[..], &named, &["-addext", &constraints], &rest[1..]].concat();
    must("openssl", &arguments, directory);
}
