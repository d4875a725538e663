//! TLS 1.3 where the key alone decides: no CA, no name, no date. Both verifiers take any self-signed Ed25519
//! certificate whose holder signs the handshake; who may come in is then the caller's question, except for a pinned
//! server, which is refused here, before the client shows its own certificate to it.

use std::fmt;
use std::sync::Arc;

use protocol::PublicKey;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, Resumption};
use rustls::crypto::verify_tls13_signature;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, NoServerSessionStorage, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, OtherError,
    ServerConfig, SignatureScheme,
};

use crate::provider::{SIGNATURES, provider};
use crate::{Identity, Pin};

/// What both sides speak above TLS.
const ALPN: &[u8] = b"sctl/1";
/// SubjectPublicKeyInfo of an Ed25519 key (RFC 8410) up to its 32 bytes.
const SPKI_PREFIX: [u8; 10] = [0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// RFC 9266.
const EXPORTER_LABEL: &[u8] = b"EXPORTER-Channel-Binding";

/// A server showed another key than the pinned one.
#[derive(Debug)]
pub(crate) struct OtherKey {
    pub(crate) pinned: PublicKey,
    pub(crate) found: PublicKey,
}

impl fmt::Display for OtherKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key {} instead of {}", self.found.fingerprint(), self.pinned.fingerprint())
    }
}

impl std::error::Error for OtherKey {}

pub(crate) fn client_config(identity: &Identity, pin: &Pin) -> Arc<ClientConfig> {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("the provider has TLS 1.3")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(KeyOnly { pin: pin.clone() }))
        .with_client_cert_resolver(Arc::new(Own(identity.certified())));
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.enable_sni = false;
    config.resumption = Resumption::disabled();
    Arc::new(config)
}

pub(crate) fn server_config(identity: &Identity) -> Arc<ServerConfig> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("the provider has TLS 1.3")
        .with_client_cert_verifier(Arc::new(KeyOnly { pin: Pin::AnyForEnrolment }))
        .with_cert_resolver(Arc::new(Own(identity.certified())));
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Arc::new(config)
}

/// The key that the other side proved, and the bytes that only the two ends of this channel know.
pub(crate) fn facts<S>(stream: &tokio_rustls::TlsStream<S>) -> Result<(PublicKey, [u8; 32]), Error> {
    let (_, connection) = stream.get_ref();
    let certificate = connection.peer_certificates().and_then(<[_]>::first);
    let certificate = certificate.ok_or(Error::NoCertificatesPresented)?;
    let key = key_of(certificate)?;
    let exported = match stream {
        tokio_rustls::TlsStream::Client(client) => {
            client.get_ref().1.export_keying_material([0; 32], EXPORTER_LABEL, Some(&[]))?
        }
        tokio_rustls::TlsStream::Server(server) => {
            server.get_ref().1.export_keying_material([0; 32], EXPORTER_LABEL, Some(&[]))?
        }
    };
    Ok((key, exported))
}

/// The key inside a failed handshake's error, when it failed for the pin.
pub(crate) fn other_key(error: &std::io::Error) -> Option<&OtherKey> {
    let error = error.get_ref()?.downcast_ref::<Error>()?;
    let Error::InvalidCertificate(CertificateError::Other(OtherError(inner))) = error else { return None };
    inner.downcast_ref::<OtherKey>()
}

fn key_of(certificate: &CertificateDer<'_>) -> Result<PublicKey, Error> {
    let parsed = ParsedCertificate::try_from(certificate)?;
    let info = parsed.subject_public_key_info();
    // The outer SEQUENCE (2 bytes) around the fixed inner part.
    let bytes = info.as_ref().get(2..).and_then(|inner| inner.strip_prefix(&SPKI_PREFIX));
    let bytes: [u8; 32] = bytes
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(Error::InvalidCertificate(CertificateError::BadEncoding))?;
    Ok(PublicKey::from_bytes(bytes))
}

#[derive(Debug)]
struct Own(Arc<CertifiedKey>);

impl ResolvesClientCert for Own {
    fn resolve(&self, _hints: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

impl ResolvesServerCert for Own {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

#[derive(Debug)]
struct KeyOnly {
    pin: Pin,
}

impl KeyOnly {
    fn check(&self, certificate: &CertificateDer<'_>) -> Result<(), Error> {
        let found = key_of(certificate)?;
        match self.pin {
            Pin::Key(pinned) if pinned != found => {
                let other = OtherError(Arc::new(OtherKey { pinned, found }));
                Err(Error::InvalidCertificate(CertificateError::Other(other)))
            }
            Pin::Key(_) | Pin::AnyForEnrolment => Ok(()),
        }
    }

    fn check_signature(
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &SIGNATURES)
    }
}

/// TLS 1.2 is never offered; a signature of it proves nothing here.
fn no_tls12() -> Error {
    Error::General("TLS 1.2 is not spoken here".into())
}

impl ServerCertVerifier for KeyOnly {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.check(end_entity)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(no_tls12())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Self::check_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }
}

impl ClientCertVerifier for KeyOnly {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.check(end_entity)?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(no_tls12())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Self::check_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }
}
