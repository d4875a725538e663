//! The marker: one TXT record `_sctl.<label>` that fences every move of the A record beside it.
//!
//! `v=sctl1 f=<fleet8> e=<epoch> a=<IPv4> m=<member8> n=<nonce8> p=<prev nonce8>`, then whatever a later version
//! adds. Each accepted write consumes the marker it read by compare-and-set and leaves the next one, so a stale,
//! paused or doubled request finds its marker gone and is refused by the provider. `a` must equal the A record: a
//! difference means that somebody else moved the record.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use thiserror::Error;

/// Longest marker text that is read or written, in bytes; well under the 255 of one TXT string.
pub const MARKER_BYTES_MAX: usize = 200;

/// Eight lower-case hex digits: the start of an id, as the marker carries it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Short8([u8; 4]);

impl Short8 {
    /// The first four bytes of a longer id.
    pub fn of(bytes: &[u8]) -> Self {
        let mut first = [0; 4];
        for (to, from) in first.iter_mut().zip(bytes) {
            *to = *from;
        }
        Self(first)
    }
}

impl fmt::Display for Short8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl fmt::Debug for Short8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Short8 {
    type Err = MarkerError;
    fn from_str(text: &str) -> Result<Self, MarkerError> {
        let plain = text.len() == 8 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let number = if plain { u32::from_str_radix(text, 16).ok() } else { None };
        number.map(|n| Self(n.to_be_bytes())).ok_or(MarkerError::Field("eight hex digits"))
    }
}

/// The parsed marker.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Marker {
    /// The fleet that owns the name.
    pub fleet: Short8,
    /// Rises by exactly one with every accepted write.
    pub epoch: u64,
    /// The address that the A record must carry.
    pub address: Ipv4Addr,
    /// The member that the address belongs to.
    pub member: Short8,
    /// This write's own single-use number.
    pub nonce: Short8,
    /// The nonce of the marker that this one consumed; zeros for the first.
    pub previous: Short8,
    /// Fields of later versions, kept as they were read: `key=value` words in order.
    pub unknown: Vec<String>,
}

/// Why a TXT text is not a marker.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MarkerError {
    /// The text belongs to something else.
    #[error("not a marker: it does not start with `v=sctl1`")]
    Foreign,
    /// Longer than any marker we write.
    #[error("marker text is longer than {MARKER_BYTES_MAX} bytes")]
    TooLong,
    /// A field is missing, doubled or malformed.
    #[error("marker field is missing, doubled or not {0}")]
    Field(&'static str),
}

impl Marker {
    /// Reads a marker from one TXT string.
    ///
    /// # Errors
    /// [`MarkerError`] says whether the text is foreign, too long or malformed.
    pub fn parse(text: &str) -> Result<Self, MarkerError> {
        if text.len() > MARKER_BYTES_MAX {
            return Err(MarkerError::TooLong);
        }
        let mut words = text.split_ascii_whitespace();
        if words.next() != Some("v=sctl1") {
            return Err(MarkerError::Foreign);
        }
        let mut fields = Fields::default();
        for word in words {
            fields.take(word)?;
        }
        fields.finish()
    }
}

#[derive(Default)]
struct Fields {
    fleet: Option<Short8>,
    epoch: Option<u64>,
    address: Option<Ipv4Addr>,
    member: Option<Short8>,
    nonce: Option<Short8>,
    previous: Option<Short8>,
    unknown: Vec<String>,
}

impl Fields {
    fn take(&mut self, word: &str) -> Result<(), MarkerError> {
        let (key, value) = word.split_once('=').ok_or(MarkerError::Field("`key=value`"))?;
        match key {
            "f" => once(&mut self.fleet, value.parse()?)?,
            "e" => once(&mut self.epoch, read_epoch(value)?)?,
            "a" => {
                once(&mut self.address, value.parse().map_err(|_| MarkerError::Field("an IPv4 address"))?)?;
            }
            "m" => once(&mut self.member, value.parse()?)?,
            "n" => once(&mut self.nonce, value.parse()?)?,
            "p" => once(&mut self.previous, value.parse()?)?,
            "v" => return Err(MarkerError::Field("given once")),
            _ => self.unknown.push(word.to_owned()),
        }
        Ok(())
    }

    fn finish(self) -> Result<Marker, MarkerError> {
        let missing = MarkerError::Field("complete");
        Ok(Marker {
            fleet: self.fleet.ok_or_else(|| missing.clone())?,
            epoch: self.epoch.ok_or_else(|| missing.clone())?,
            address: self.address.ok_or_else(|| missing.clone())?,
            member: self.member.ok_or_else(|| missing.clone())?,
            nonce: self.nonce.ok_or_else(|| missing.clone())?,
            previous: self.previous.ok_or(missing)?,
            unknown: self.unknown,
        })
    }
}

fn once<T>(slot: &mut Option<T>, value: T) -> Result<(), MarkerError> {
    if slot.replace(value).is_some() {
        return Err(MarkerError::Field("given once"));
    }
    Ok(())
}

fn read_epoch(text: &str) -> Result<u64, MarkerError> {
    // Canonical decimal only: two texts of one epoch would break compare-and-set on the text.
    let plain = !text.is_empty()
        && text.len() <= 15
        && text.bytes().all(|b| b.is_ascii_digit())
        && (text == "0" || !text.starts_with('0'));
    if !plain {
        return Err(MarkerError::Field("a decimal epoch"));
    }
    text.parse().map_err(|_| MarkerError::Field("a decimal epoch"))
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "v=sctl1 f={} e={} a={} m={} n={} p={}",
            self.fleet, self.epoch, self.address, self.member, self.nonce, self.previous
        )?;
        self.unknown.iter().try_for_each(|word| write!(f, " {word}"))
    }
}

impl FromStr for Marker {
    type Err = MarkerError;
    fn from_str(text: &str) -> Result<Self, MarkerError> {
        Self::parse(text)
    }
}

impl serde::Serialize for Marker {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Marker {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl serde::Serialize for Short8 {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Short8 {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TEXT: &str = "v=sctl1 f=0a1b2c3d e=42 a=203.0.113.7 m=00000001 n=deadbeef p=00000000";

    #[test]
    fn a_marker_survives_its_own_text() {
        assert_eq!(Marker::parse(TEXT).unwrap().to_string(), TEXT);
    }

    #[test]
    fn fields_of_later_versions_are_kept() {
        let text = format!("{TEXT} z=new q=1");
        assert_eq!(Marker::parse(&text).unwrap().to_string(), text);
    }

    #[test]
    fn what_is_not_a_marker_is_told_apart() {
        assert_eq!(Marker::parse("heritage=external-dns"), Err(MarkerError::Foreign));
        assert_eq!(Marker::parse(&"x".repeat(300)), Err(MarkerError::TooLong));
        for broken in ["e=42 ", "n=deadbeef"] {
            assert!(matches!(Marker::parse(&TEXT.replace(broken, "")), Err(MarkerError::Field(_))));
        }
        for (from, to) in
            [("e=42", "e=042"), ("e=42", "e=-1"), ("n=deadbeef", "n=DEADBEEF"), ("e=42", "e=4 e=2")]
        {
            assert!(matches!(Marker::parse(&TEXT.replace(from, to)), Err(MarkerError::Field(_))), "{to}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_reader(text in "\\PC{0,250}") {
            if let Ok(marker) = Marker::parse(&text) {
                prop_assert_eq!(Marker::parse(&marker.to_string()), Ok(marker));
            }
        }
    }
}
