//! An identity key dressed as a certificate.

use std::sync::Arc;

use protocol::{PublicKey, SecretKey};
use rustls::crypto::aws_lc_rs::sign::any_eddsa_type;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::sign::CertifiedKey;
use zeroize::Zeroizing;

use crate::{LinkError, certificate};

/// PKCS #8 around the 32 secret bytes of an Ed25519 key (RFC 8410).
const PKCS8_PREFIX: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// One side's own key with its self-signed certificate. Cheap to clone.
#[derive(Clone)]
pub struct Identity {
    key: PublicKey,
    certified: Arc<CertifiedKey>,
}

impl Identity {
    /// Makes the certificate of a key. The certificate says nothing but the key.
    ///
    /// # Errors
    /// [`LinkError::Identity`] when the TLS library does not take the key.
    pub fn new(secret: &SecretKey) -> Result<Self, LinkError> {
        let key = secret.public();
        let mut der = Zeroizing::new(PKCS8_PREFIX.to_vec());
        der.extend_from_slice(&*secret.to_bytes());
        let refused = |error: rustls::Error| LinkError::Identity { detail: error.to_string() };
        let signer = any_eddsa_type(&PrivatePkcs8KeyDer::from(der.as_slice())).map_err(refused)?;
        let certificate = certificate::self_signed(key, &*signer).map_err(refused)?;
        let certified = Arc::new(CertifiedKey::new(vec![certificate], signer));
        Ok(Self { key, certified })
    }

    /// The public half.
    pub fn key(&self) -> PublicKey {
        self.key
    }

    pub(crate) fn certified(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.certified)
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Identity({:?})", self.key)
    }
}
