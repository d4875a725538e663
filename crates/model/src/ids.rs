//! Ids: one newtype per noun, from one macro list, so that no two kinds can be mixed up in a signature.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// A text that is not the id it was read as.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{text}` is not a {noun} id: expected {digits} lower-case hex digits")]
pub struct IdError {
    noun: &'static str,
    digits: usize,
    text: String,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident, $noun:literal, $bytes:literal;)+) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $bytes]);

        impl $name {
            /// Bytes in this id.
            pub const BYTES: usize = $bytes;

            /// Wraps raw bytes, usually random ones.
            pub const fn from_bytes(bytes: [u8; $bytes]) -> Self {
                Self(bytes)
            }

            /// The raw bytes.
            pub const fn as_bytes(&self) -> &[u8; $bytes] {
                &self.0
            }

            /// An id from a small number: for tests, simulations and fixtures.
            pub const fn from_number(n: u32) -> Self {
                let mut bytes = [0; $bytes];
                let be = n.to_be_bytes();
                bytes[0] = be[0];
                bytes[1] = be[1];
                bytes[2] = be[2];
                bytes[3] = be[3];
                Self(bytes)
            }

            /// The first eight hex digits: how the id is shown and how it stands in a marker.
            pub fn short(&self) -> String {
                let mut text = self.to_string();
                text.truncate(8);
                text
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}:{}", $noun, self.short())
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                let mut bytes = [0; $bytes];
                if read_hex(text, &mut bytes) {
                    return Ok(Self(bytes));
                }
                Err(IdError { noun: $noun, digits: 2 * $bytes, text: text.chars().take(80).collect() })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+ };
}

fn read_hex(text: &str, bytes: &mut [u8]) -> bool {
    let digits = text.as_bytes();
    if digits.len() != bytes.len() * 2 {
        return false;
    }
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    bytes.iter_mut().zip(digits.chunks_exact(2)).all(|(byte, pair)| match (value(pair[0]), value(pair[1])) {
        (Some(high), Some(low)) => {
            *byte = high << 4 | low;
            true
        }
        (None, _) | (_, None) => false,
    })
}

ids! {
    /// A fleet: the hash of its first roster.
    FleetId, "fleet", 16;
    /// A pool: members that take over from each other behind one hostname.
    PoolId, "pool", 16;
    /// A member (or witness): one enrolled VM.
    MemberId, "member", 16;
    /// A console: one profile on one machine, desktop or headless.
    ConsoleId, "console", 16;
    /// One boot of a host's kernel.
    BootId, "boot", 16;
    /// An incident, made from pool, epoch, member and boot, so that every console gives it the same name.
    IncidentId, "incident", 16;
    /// A number used once: in beacons, claims and lease starts.
    Nonce, "nonce", 8;
}

impl Nonce {
    /// A nonce from a 64-bit random number.
    pub const fn from_u64(n: u64) -> Self {
        Self(n.to_be_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_own_text() {
        let id = MemberId::from_number(0xdead_beef);
        assert_eq!(id.to_string().parse::<MemberId>(), Ok(id));
        assert_eq!(id.short(), "deadbeef");
        assert_eq!(serde_json::from_str::<MemberId>(&format!("\"{id}\"")).unwrap(), id);
    }

    #[test]
    fn other_text_is_refused_with_the_noun() {
        for text in ["", "DEADBEEF", "zz", &"0".repeat(31), &"é".repeat(16)] {
            let error = text.parse::<PoolId>().unwrap_err().to_string();
            assert!(error.contains("pool id"), "{error}");
        }
    }
}
