//! Identity keys: Ed25519, one per member and per console, for its TLS certificate and for its signatures.
//!
//! Every signature is made over a context prefix and the message, so that a signature of one kind never passes for
//! another. TLS signs its own transcript prefix of 64 spaces, so a handshake cannot be confused with a message.

use std::fmt;

use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::bytes::hex_bytes;
use crate::sign::Kind;

/// The public half of an identity.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);
hex_bytes!(PublicKey, 32, "key");

/// A signature.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature([u8; 64]);
hex_bytes!(Signature, 64, "signature");

/// The secret half of an identity. It is wiped on drop and never shown.
#[derive(Clone)]
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// The key with these 32 secret bytes (from the operating system's random numbers).
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(bytes))
    }

    /// The secret bytes, to be stored where only the owner reads.
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Signs `message` as one of `kind`.
    pub fn sign(&self, kind: Kind, message: &[u8]) -> Signature {
        Signature(self.0.sign(&in_context(kind, message)).to_bytes())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(of {:?})", self.public())
    }
}

impl PublicKey {
    /// Whether `signature` was made by this key over `message` as one of `kind`. Strict: no malleable forms, no weak
    /// keys.
    pub fn verifies(&self, kind: Kind, message: &[u8], signature: &Signature) -> bool {
        let Ok(key) = VerifyingKey::from_bytes(&self.0) else { return false };
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        key.verify_strict(&in_context(kind, message), &signature).is_ok()
    }

    /// How people compare keys: sixteen hex digits of the key's SHA-256 in groups of four.
    pub fn fingerprint(&self) -> String {
        let digest = hex::encode(Sha256::digest(self.0));
        [&digest[0..4], &digest[4..8], &digest[8..12], &digest[12..16]].join("-")
    }
}

fn in_context(kind: Kind, message: &[u8]) -> Vec<u8> {
    let context = kind.context();
    let mut bytes = Vec::with_capacity(context.len() + message.len());
    bytes.extend_from_slice(context);
    bytes.extend_from_slice(message);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_holds_for_its_kind_key_and_message_alone() {
        let key = SecretKey::from_bytes(&[7; 32]);
        let other = SecretKey::from_bytes(&[8; 32]);
        let signature = key.sign(Kind::Heartbeat, b"alive");
        assert!(key.public().verifies(Kind::Heartbeat, b"alive", &signature));
        assert!(!key.public().verifies(Kind::Policy, b"alive", &signature));
        assert!(!key.public().verifies(Kind::Heartbeat, b"alivE", &signature));
        assert!(!other.public().verifies(Kind::Heartbeat, b"alive", &signature));
    }

    #[test]
    fn nothing_secret_is_shown() {
        let key = SecretKey::from_bytes(&[7; 32]);
        assert!(!format!("{key:?}").contains(&hex::encode([7; 4])));
    }

    #[test]
    fn a_weak_key_verifies_nothing() {
        let weak = PublicKey::from_bytes([0; 32]);
        assert!(!weak.verifies(Kind::Heartbeat, b"", &Signature::from_bytes([0; 64])));
    }
}
