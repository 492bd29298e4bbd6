//! TLS from a certificate and a key in PEM files.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::server::TlsStream;

use crate::config::TlsFiles;

/// Why TLS could not start.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is missing, unreadable, or no PEM.
    #[error("{} is no readable PEM file with a {what}: check --tls-cert and --tls-key", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
        /// What was wrong.
        #[source]
        source: pem::Error,
    },
    /// The certificate file holds none.
    #[error("{} holds no certificate: give --tls-cert the PEM chain, the server's own first", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// Certificate and key do not fit, or are of an unknown kind.
    #[error("certificate and key cannot be used together: check that they belong to each other")]
    Unusable(#[from] rustls::Error),
}

/// Accepts TLS connections; clones share the certificate.
#[derive(Clone)]
pub struct TlsAcceptor {
    acceptor: tokio_rustls::TlsAcceptor,
}

fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(bad_file(path, "certificate"))?;
    if certificates.is_empty() {
        return Err(TlsError::NoCertificate { path: path.to_owned() });
    }
    Ok(certificates)
}

fn bad_file(path: &Path, what: &'static str) -> impl FnOnce(pem::Error) -> TlsError {
    move |source| TlsError::File { path: path.to_owned(), what, source }
}

impl TlsAcceptor {
    /// Reads both files.
    pub fn load(files: &TlsFiles) -> Result<Self, TlsError> {
        let certificates = read_certificates(&files.certificates)?;
        let key = PrivateKeyDer::from_pem_file(&files.key).map_err(bad_file(&files.key, "private key"))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(certificates, key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { acceptor: Arc::new(config).into() })
    }

    pub(super) async fn accept<S>(&self, stream: S) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        self.acceptor.accept(stream).await
    }
}

impl fmt::Debug for TlsAcceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsAcceptor")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::pki_types::ServerName;
    use rustls::{ClientConfig, RootCertStore};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    fn testdata(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/front/testdata").join(name)
    }

    fn files(certificates: &str, key: &str) -> TlsFiles {
        TlsFiles { certificates: testdata(certificates), key: testdata(key) }
    }

    fn client() -> tokio_rustls::TlsConnector {
        let mut roots = RootCertStore::empty();
        for certificate in
            read_certificates(&testdata("localhost.cert.pem")).expect("the test certificate is PEM")
        {
            roots.add(certificate).expect("the test certificate is a trust anchor");
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider knows TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        Arc::new(config).into()
    }

    #[tokio::test]
    async fn loaded_certificate_serves_a_client_that_trusts_it_and_offers_http2() {
        let acceptor = TlsAcceptor::load(&files("localhost.cert.pem", "localhost.key.pem")).expect("a pair");
        let (near, far) = tokio::io::duplex(64 * 1024);
        let server = tokio::spawn(async move {
            let mut stream = acceptor.accept(far).await.expect("the handshake succeeds");
            stream.write_all(b"hello").await.expect("the client reads");
            stream.shutdown().await.expect("the client listens");
        });
        let name = ServerName::try_from("localhost").expect("a host name");
        let mut stream = client().connect(name, near).await.expect("the certificate is trusted");
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let mut text = String::new();
        stream.read_to_string(&mut text).await.expect("the server answers");
        server.await.expect("the server ends");
        assert_eq!(text, "hello");
    }

    #[test]
    fn files_that_are_missing_or_swapped_are_named() {
        let missing =
            TlsAcceptor::load(&files("nowhere.pem", "localhost.key.pem")).expect_err("no such file");
        assert!(missing.to_string().contains("nowhere.pem"), "{missing}");
        let swapped =
            TlsAcceptor::load(&files("localhost.key.pem", "localhost.key.pem")).expect_err("no certificate");
        assert!(matches!(swapped, TlsError::NoCertificate { .. }), "{swapped:?}");
        let no_key =
            TlsAcceptor::load(&files("localhost.cert.pem", "localhost.cert.pem")).expect_err("no key");
        assert!(matches!(no_key, TlsError::File { what: "private key", .. }), "{no_key:?}");
    }
}
