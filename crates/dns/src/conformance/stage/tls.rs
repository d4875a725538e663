//! A certificate of the stage's own making, as cPanel servers have them.

use std::{io, sync::Arc};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use sha2::{Digest as _, Sha256};
use tokio_rustls::TlsAcceptor;

/// What a client needs to trust the stage.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OwnCertificate {
    /// The certificate.
    pub pem: String,
    /// Its SHA-256 with colons, as `openssl x509 -fingerprint -sha256` prints it.
    pub sha256: String,
}

/// Makes one for a host name or an address.
pub(super) fn own_certificate(name: &str) -> io::Result<(OwnCertificate, TlsAcceptor)> {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed([name.to_owned()]).map_err(io::Error::other)?;
    let der: CertificateDer<'static> = cert.der().clone();
    let digits: Vec<_> = Sha256::digest(&der).iter().map(|byte| format!("{byte:02X}")).collect();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).map_err(io::Error::other)?;
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(vec![der], key)
        .map_err(io::Error::other)?;
    Ok((OwnCertificate { pem: cert.pem(), sha256: digits.join(":") }, TlsAcceptor::from(Arc::new(config))))
}
