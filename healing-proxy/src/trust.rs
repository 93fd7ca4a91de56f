//! Who may vouch for the certificates of https addresses.
//!
//! Mozilla's list is compiled in, so that it is there in a container without a file. An address of one's own company has
//! another authority; it is named as for other programs, by `SSL_CERT_FILE`, which holds in place of the list.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring::default_provider,
    pki_types::{
        CertificateDer,
        pem::{self, PemObject},
    },
};

/// The variable that names a file of authorities.
pub(crate) const VARIABLE: &str = "SSL_CERT_FILE";

/// Who may vouch for an https address.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trust(Option<Arc<ClientConfig>>);

/// Why a file of authorities cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{VARIABLE}: {} {what}; name a file of certificates in PEM, or take the variable out", file.display())]
pub(crate) struct TrustError {
    file: PathBuf,
    what: String,
}

// === impl Trust ===

impl Trust {
    /// The authorities of a file of certificates in PEM, and nobody else.
    ///
    /// # Errors
    /// When it cannot be read, or holds none that can be used.
    pub(crate) fn of(file: &Path) -> Result<Self, TrustError> {
        let wrong = |what: String| TrustError {
            file: file.to_owned(),
            what,
        };
        let unread = |error: pem::Error| {
            if let pem::Error::Io(error) = error {
                return wrong(format!("cannot be read: {error}"));
            }
            wrong(format!("is not in PEM: {error:?}"))
        };
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(file).map_err(unread)? {
            let added = roots.add(certificate.map_err(unread)?);
            added.map_err(|error| wrong(format!("holds a certificate of no use: {error}")))?;
        }
        if roots.is_empty() {
            return Err(wrong("holds no certificate".to_owned()));
        }
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()));
        let config = config
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong(format!("cannot be used: {error}")))?;
        let config = config.with_root_certificates(roots).with_no_client_auth();
        Ok(Self(Some(Arc::new(config))))
    }

    /// Connects to http and https addresses, and speaks HTTP/1.1 with them.
    pub(crate) fn connector(&self, tcp: HttpConnector) -> HttpsConnector<HttpConnector> {
        let connector = HttpsConnectorBuilder::new();
        let connector = match &self.0 {
            Some(config) => connector.with_tls_config(ClientConfig::clone(config)),
            None => connector.with_webpki_roots(),
        };
        connector.https_or_http().enable_http1().wrap_connector(tcp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_vouches_for_nobody_is_told_with_the_way_out() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("authority.pem");
        let told = |file: &Path| Trust::of(file).unwrap_err().to_string();
        assert!(told(&file).contains("cannot be read: No such file"));
        for (text, what) in [
            ("", "holds no certificate"),
            (
                "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
                "is not in PEM",
            ),
            (
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                "of no use",
            ),
        ] {
            std::fs::write(&file, text).unwrap();
            let told = told(&file);
            assert!(told.contains(what), "{told}");
            for part in ["SSL_CERT_FILE", "authority.pem", "; name a file"] {
                assert!(told.contains(part), "{told}");
            }
        }
    }
}
