//! The enrolment secret: 48 lower-case hex characters, 192 random bits.

use std::fmt;

use sha2::{Digest, Sha256};
use thiserror::Error;
use zeroize::{Zeroize, Zeroizing};

use crate::scram::Verifier;

/// Characters of a secret.
const CHARS: usize = 48;

/// An enrolment secret. It is wiped on drop and never shown.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

/// Why a text is not a secret. The text itself is never repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SecretError {
    /// Nothing was given.
    #[error("no secret was given: paste the 48 characters that the console shows once")]
    Empty,
    /// A member id or UUID.
    #[error(
        "this is a member id, not the 48-character secret; enrol again and paste the secret that the console shows once"
    )]
    MemberId,
    /// Another length.
    #[error("this has {0} characters, a secret has 48: paste all of it and nothing else")]
    Length(usize),
    /// Other characters.
    #[error("this is not a secret: a secret has only the characters 0-9 and a-f")]
    Characters,
}

impl Secret {
    /// A new secret from 24 random bytes.
    pub fn from_random(bytes: &[u8; 24]) -> Self {
        Self(Zeroizing::new(hex::encode(bytes)))
    }

    /// Reads what somebody typed or pasted; space around it and capitals do not matter.
    ///
    /// # Errors
    /// See [`SecretError`].
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let mut plain = Zeroizing::new(text.trim().to_ascii_lowercase());
        if plain.is_empty() {
            return Err(SecretError::Empty);
        }
        let is_hex = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
        let undashed = Zeroizing::new(plain.replace('-', ""));
        if undashed.len() == 32 && is_hex(&undashed) {
            return Err(SecretError::MemberId);
        }
        let count = plain.chars().count();
        if count != CHARS {
            plain.zeroize();
            return Err(SecretError::Length(count));
        }
        if !is_hex(&plain) {
            return Err(SecretError::Characters);
        }
        Ok(Self(plain))
    }

    /// The characters: to be shown once, or written to a root-only file.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Eight characters that tell which enrolment the secret belongs to, and nothing of use about the secret.
    pub fn selector(&self) -> String {
        let digest =
            Sha256::new_with_prefix(b"sctl enrol selector v1\0").chain_update(self.0.as_bytes()).finalize();
        hex::encode(&digest[..4])
    }

    /// What the console keeps. One iteration: 192 random bits need no slow hash.
    pub fn verifier(&self, salt: &[u8; 16]) -> Verifier {
        Verifier::of(self.0.as_bytes(), salt, 1)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}
