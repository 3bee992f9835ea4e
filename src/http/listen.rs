//! Where the service listens: TCP, TLS, a Unix socket.

use std::{
    io,
    net::TcpListener,
    os::unix::{
        fs::{FileTypeExt, PermissionsExt},
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
};

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

/// The listeners of a service, already bound.
#[derive(Debug)]
pub struct Listeners {
    /// The API over TCP.
    pub api: TcpListener,
    /// TLS on that listener.
    pub tls: Option<Tls>,
    /// The API over a Unix socket.
    pub uds: Option<UnixListener>,
    /// Health.
    pub ops: TcpListener,
}

/// A certificate chain and its key.
#[derive(Debug, Clone)]
pub struct Tls(ServerConfig);

impl Tls {
    /// Reads certificate chain and private key from PEM files.
    ///
    /// # Errors
    /// What is wrong, with the file it is in.
    pub fn read(certificates: &Path, key: &Path) -> Result<Self, String> {
        let chain = CertificateDer::pem_file_iter(certificates)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| format!("`{}`: {error}", certificates.display()))?;
        if chain.is_empty() {
            return Err(format!("`{}` has no certificate", certificates.display()));
        }
        let exposed = |error| format!("`{}`: {error}", key.display());
        if std::fs::metadata(key).map_err(exposed)?.permissions().mode() & 0o077 != 0 {
            return Err(format!(
                "`{0}` can be read by others: set its mode with `chmod 600 {0}`",
                key.display()
            ));
        }
        let private = PrivateKeyDer::from_pem_file(key)
            .map_err(|error| format!("`{}`: {error}", key.display()))?;
        ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(chain, private)
            .map(Self)
            .map_err(|error| {
                format!("`{}` and `{}`: {error}", certificates.display(), key.display())
            })
    }

    pub(super) fn into_config(self) -> ServerConfig {
        self.0
    }
}

/// Binds a Unix socket that only those may connect to whom `mode` allows to write it.
///
/// The socket appears under its name with its mode already set: it is bound inside a directory only the owner
/// can enter and then moved. A socket nobody listens on any more is replaced; anything else is not.
///
/// # Errors
/// When the path is taken by a live socket or something that is no socket, or cannot be written.
pub fn uds(path: &Path, mode: u32) -> io::Result<UnixListener> {
    match std::fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "there is a file that is no socket",
            ));
        }
        Ok(_) if UnixStream::connect(path).is_ok() => {
            return Err(io::Error::new(io::ErrorKind::AddrInUse, "another process listens on it"));
        }
        Ok(_) | Err(_) => {}
    }
    let private = private_directory(path)?;
    let inner = private.join("s");
    let bound = UnixListener::bind(&inner).and_then(|listener| {
        std::fs::set_permissions(&inner, std::fs::Permissions::from_mode(mode))?;
        std::fs::rename(&inner, path)?;
        Ok(listener)
    });
    let removed = std::fs::remove_dir_all(&private);
    let listener = bound?;
    removed?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn private_directory(path: &Path) -> io::Result<PathBuf> {
    use std::os::unix::fs::DirBuilderExt;
    let parent =
        path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let private = parent.join(format!(".pai-authz-{}", uuid::Uuid::new_v4().simple()));
    std::fs::DirBuilder::new().mode(0o700).create(&private)?;
    Ok(private)
}
