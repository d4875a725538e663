//! Signed messages: the exact text that was signed travels beside its signature, so no two encoders must agree.

use model::{ConsoleId, MemberId};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::bytes::hex_bytes;
use crate::key::{PublicKey, SecretKey, Signature};
use crate::limits;

/// What a signature is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A member's heartbeat.
    Heartbeat,
    /// A fleet's roster.
    Roster,
    /// A pool's policy.
    Policy,
    /// A shared record.
    Record,
    /// A job for a member.
    Job,
    /// A snapshot's manifest.
    Manifest,
}

impl Kind {
    /// The bytes put before the message when it is signed.
    pub const fn context(self) -> &'static [u8] {
        match self {
            Self::Heartbeat => b"sctl heartbeat v1\0",
            Self::Roster => b"sctl roster v1\0",
            Self::Policy => b"sctl policy v1\0",
            Self::Record => b"sctl record v1\0",
            Self::Job => b"sctl job v1\0",
            Self::Manifest => b"sctl manifest v1\0",
        }
    }

    /// The word for people.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Heartbeat => "heartbeat",
            Self::Roster => "roster",
            Self::Policy => "policy",
            Self::Record => "record",
            Self::Job => "job",
            Self::Manifest => "manifest",
        }
    }

    const fn bytes_max(self) -> usize {
        match self {
            Self::Heartbeat => limits::HEARTBEAT_BYTES_MAX,
            Self::Roster | Self::Policy | Self::Manifest => limits::DOC_BYTES_MAX,
            Self::Record => limits::RECORD_BYTES_MAX,
            Self::Job => limits::FRAME_BYTES_MAX / 4,
        }
    }
}

/// Who signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signer {
    /// A member or witness.
    Member(MemberId),
    /// A console.
    Console(ConsoleId),
}

/// The SHA-256 of a signed body.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BodyHash([u8; 32]);
hex_bytes!(BodyHash, 32, "hash");

/// A signed message: who, the signature, and the exact JSON text that was signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Signed {
    /// Who says that he signed; the reader looks his key up.
    pub by: Signer,
    /// Over the context of its kind and `body`.
    pub sig: Signature,
    /// The JSON text.
    pub body: String,
}

/// Why a signed message was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SignError {
    /// Longer than its kind allows.
    #[error("{} of {bytes} bytes is longer than {max}", kind.word())]
    TooLong {
        /// Which kind.
        kind: Kind,
        /// Its length.
        bytes: usize,
        /// Longest allowed.
        max: usize,
    },
    /// The signature does not fit the key, the kind or the text.
    #[error("{} is not signed by the key that its sender is known by", kind.word())]
    Signature {
        /// Which kind.
        kind: Kind,
    },
    /// The text is not what its kind says.
    #[error("{} cannot be read: {detail}", kind.word())]
    Shape {
        /// Which kind.
        kind: Kind,
        /// Where it broke, without the content.
        detail: String,
    },
    /// A count, a length or a number is out of bounds.
    #[error("{}: {field} is out of bounds", kind.word())]
    Bounds {
        /// Which kind.
        kind: Kind,
        /// Which field.
        field: &'static str,
    },
    /// The content names another signer than the envelope.
    #[error("{} speaks for somebody else than its signer", kind.word())]
    OtherSigner {
        /// Which kind.
        kind: Kind,
    },
}

impl Signed {
    /// Writes `message` as JSON and signs that text.
    pub fn seal<T: Serialize>(kind: Kind, by: Signer, key: &SecretKey, message: &T) -> Self {
        let body =
            serde_json::to_string(message).expect("wire types have string keys and no failing serializer");
        let sig = key.sign(kind, body.as_bytes());
        Self { by, sig, body }
    }

    /// Checks length and signature, then reads the text.
    ///
    /// # Errors
    /// Too long, not signed by `key`, or not a `T`.
    pub fn open<T: DeserializeOwned>(&self, kind: Kind, key: &PublicKey) -> Result<T, SignError> {
        self.check_length(kind)?;
        if !key.verifies(kind, self.body.as_bytes(), &self.sig) {
            return Err(SignError::Signature { kind });
        }
        self.peek(kind)
    }

    /// Reads the text without checking the signature: to learn whose key is needed, or after it was checked.
    ///
    /// # Errors
    /// Too long, or not a `T`.
    pub fn peek<T: DeserializeOwned>(&self, kind: Kind) -> Result<T, SignError> {
        self.check_length(kind)?;
        serde_json::from_str(&self.body).map_err(|error| SignError::Shape {
            kind,
            detail: format!("line {} column {}", error.line(), error.column()),
        })
    }

    /// The hash of the text: how documents name their predecessor.
    pub fn hash(&self) -> BodyHash {
        BodyHash(Sha256::digest(self.body.as_bytes()).into())
    }

    fn check_length(&self, kind: Kind) -> Result<(), SignError> {
        let (bytes, max) = (self.body.len(), kind.bytes_max());
        if bytes > max {
            return Err(SignError::TooLong { kind, bytes, max });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_and_nothing_else_does() {
        let key = SecretKey::from_bytes(&[1; 32]);
        let by = Signer::Member(MemberId::from_number(1));
        let signed = Signed::seal(Kind::Record, by, &key, &vec![1, 2]);
        assert_eq!(signed.open::<Vec<u8>>(Kind::Record, &key.public()), Ok(vec![1, 2]));
        let text = serde_json::to_string(&signed).unwrap();
        assert_eq!(serde_json::from_str::<Signed>(&text).unwrap(), signed);

        let mut changed = signed.clone();
        changed.body = "[1,3]".into();
        let refused = changed.open::<Vec<u8>>(Kind::Record, &key.public());
        assert_eq!(refused, Err(SignError::Signature { kind: Kind::Record }));
        assert_eq!(
            signed.open::<Vec<u8>>(Kind::Job, &key.public()),
            Err(SignError::Signature { kind: Kind::Job })
        );

        let long = Signed { body: " ".repeat(limits::RECORD_BYTES_MAX + 1), ..signed };
        assert!(matches!(long.open::<u8>(Kind::Record, &key.public()), Err(SignError::TooLong { .. })));
    }
}
