//! Which certificates are believed. Verification is never switched off: a server whose certificate is its own is pinned.

use std::{fmt, sync::Arc};

use reqwest::{Certificate, Client, ClientBuilder};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Which certificates an API may show.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Trust {
    /// Those that this computer's own store vouches for.
    #[default]
    Platform,
    /// Those, and what this authority has signed.
    AlsoRoot {
        /// The authority's certificate in PEM.
        pem: String,
    },
    /// Exactly one certificate, whoever signed it and whatever name and date it bears: cPanel servers often have one
    /// of their own making.
    Pinned {
        /// The SHA-256 of the certificate, as `openssl x509 -fingerprint -sha256` shows it, with or without colons.
        sha256: String,
    },
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Platform => f.write_str("Platform"),
            Self::AlsoRoot { .. } => f.write_str("AlsoRoot"),
            Self::Pinned { sha256 } => write!(f, "Pinned({sha256})"),
        }
    }
}

/// Starts a client that believes exactly these.
pub(super) fn client_builder(trust: &Trust) -> Result<ClientBuilder, &'static str> {
    // The tree has one provider of cryptography; whoever installs it first, it is the same. The error only says that
    // somebody was first.
    let _ = aws_lc_rs::default_provider().install_default();
    match trust {
        Trust::Platform => Ok(Client::builder()),
        Trust::AlsoRoot { pem } => {
            let roots = Certificate::from_pem_bundle(pem.as_bytes()).map_err(|_| "it is not PEM")?;
            if roots.is_empty() {
                return Err("it holds no certificate");
            }
            Ok(Client::builder().tls_certs_merge(roots))
        }
        Trust::Pinned { sha256 } => {
            let pin = read_fingerprint(sha256).ok_or("its fingerprint is not 64 hexadecimal digits")?;
            let provider = Arc::new(aws_lc_rs::default_provider());
            let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
                .with_safe_default_protocol_versions()
                .map_err(|_| "this computer has no TLS version for it")?
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Pinned { pin, provider }))
                .with_no_client_auth();
            Ok(Client::builder().tls_backend_preconfigured(config))
        }
    }
}

fn read_fingerprint(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b':').collect();
    if digits.len() != 64 {
        return None;
    }
    let mut pin = [0; 32];
    for (byte, pair) in pin.iter_mut().zip(digits.chunks_exact(2)) {
        let high = char::from(pair[0]).to_digit(16)?;
        let low = char::from(pair[1]).to_digit(16)?;
        *byte = u8::try_from(high * 16 + low).ok()?;
    }
    Some(pin)
}

/// Takes one certificate; the handshake's signature proves that the server holds its key.
#[derive(Debug)]
struct Pinned {
    pin: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let found: [u8; 32] = Sha256::digest(end_entity).into();
        if found == self.pin {
            return Ok(ServerCertVerified::assertion());
        }
        Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_as_openssl_prints_it() {
        let plain = "ab".repeat(32);
        let colons = vec!["AB"; 32].join(":");
        assert_eq!(read_fingerprint(&plain), Some([0xab; 32]));
        assert_eq!(read_fingerprint(&colons), Some([0xab; 32]));
        assert_eq!(read_fingerprint(&plain[1..]), None);
        assert_eq!(read_fingerprint(&plain.replace('a', "g")), None);
    }
}
