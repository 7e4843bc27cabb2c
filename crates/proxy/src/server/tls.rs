//! HTTPS by certificate files.
//!
//! Owns reading them, and reading them again when they were renewed.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use arc_swap::ArcSwap;
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
};
use sagewire::credentials::seam::SystemFiles;
use tokio_rustls::TlsAcceptor;

use crate::config::TlsFiles;

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read, or is not PEM.
    #[error("{} cannot be read as PEM", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: pem::Error,
    },
    /// The file holds no certificate.
    #[error("{} contains no certificate", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// Certificate and key do not belong together, or are of a kind that is not supported.
    #[error("the certificate and the private key cannot be used together")]
    Unusable(#[source] rustls::Error),
}

/// Whether a certificate can be used.
pub(crate) fn check(files: &TlsFiles) -> Result<(), TlsError> {
    read(files).map(drop)
}

/// The certificate of the moment.
pub(super) struct Certificates {
    files: TlsFiles,
    current: ArcSwap<ServerConfig>,
}

impl std::fmt::Debug for Certificates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificates").field("files", &self.files).finish_non_exhaustive()
    }
}

impl Certificates {
    pub(super) fn read(files: TlsFiles) -> Result<Self, TlsError> {
        let config = read(&files)?;
        Ok(Self { files, current: ArcSwap::from_pointee(config) })
    }

    /// What the files hold now.
    pub(super) fn read_again(&self) -> Result<ServerConfig, TlsError> {
        read(&self.files)
    }

    /// Serves new connections with this.
    pub(super) fn replace(&self, config: ServerConfig) {
        self.current.store(Arc::new(config));
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.current.load_full())
    }
}

/// The largest file of certificates or of a key, in bytes.
const MAX_BYTES: u64 = 1024 * 1024;

/// What this makes of a regular file within its limit: reading a pipe or a device may never end.
fn parsed<T>(path: &Path, parse: impl FnOnce(&[u8]) -> Result<T, pem::Error>) -> Result<T, TlsError> {
    SystemFiles::read_blocking(path, MAX_BYTES)
        .map_err(pem::Error::Io)
        .and_then(|bytes| parse(&bytes))
        .map_err(|source| TlsError::File { path: path.to_owned(), source })
}

fn read(files: &TlsFiles) -> Result<ServerConfig, TlsError> {
    let path = &files.certificate_file;
    let certificates = parsed(path, |bytes| CertificateDer::pem_slice_iter(bytes).collect::<Result<Vec<_>, _>>())?;
    if certificates.is_empty() {
        return Err(TlsError::NoCertificate { path: path.clone() });
    }
    let key = parsed(&files.private_key_file, PrivateKeyDer::from_pem_slice)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(certificates, key))
        .map_err(TlsError::Unusable)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
