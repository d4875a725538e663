//! Names: absolute, lower case, inside their zone. What is not a plain host name is refused here, once.

use std::fmt;

use hickory_proto::rr::Name;
use serde::{Deserialize, Serialize};

use crate::DnsError;

/// A fully qualified domain name: lower case ASCII, without the final dot in text, labels of letters, digits, `-`, `_`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fqdn(String);

impl Fqdn {
    /// Reads a name as people write it, with or without the final dot, in any case.
    ///
    /// # Errors
    ///
    /// [`DnsError::Name`] when it is empty, too long, or holds a label that is not a plain host label.
    pub fn new(text: &str) -> Result<Self, DnsError> {
        let refused =
            |reason: &'static str| DnsError::Name { name: text.chars().take(260).collect(), reason };
        let bare = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        if bare.is_empty() {
            return Err(refused("it is empty"));
        }
        // 255 octets on the wire are the text's length and two more: the first length octet and the root.
        if bare.len() > 253 {
            return Err(refused("it is longer than 253 characters"));
        }
        for label in bare.split('.') {
            if label.is_empty() || label.len() > 63 {
                return Err(refused("each label must have 1 to 63 characters"));
            }
            if !label.bytes().all(|byte| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_'
            }) {
                return Err(refused("only letters, digits, '-' and '_' are allowed in a label"));
            }
            if label.starts_with('-') || label.ends_with('-') {
                return Err(refused("a label may not begin or end with '-'"));
            }
        }
        Ok(Self(bare))
    }

    /// The text without the final dot.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True when this name is the zone's apex or below it.
    pub fn is_within(&self, zone: &Self) -> bool {
        self.0 == zone.0 || self.0.strip_suffix(zone.0.as_str()).is_some_and(|head| head.ends_with('.'))
    }

    /// The name one label up, if there is one.
    pub fn parent(&self) -> Option<Self> {
        self.0.split_once('.').map(|(_, rest)| Self(rest.to_owned()))
    }

    /// The name with one more label in front.
    ///
    /// # Errors
    ///
    /// [`DnsError::Name`] when the result would be too long.
    pub fn child(&self, label: &str) -> Result<Self, DnsError> {
        Self::new(&format!("{label}.{}", self.0))
    }

    /// The name with text put in front of its first label, or `None` when that label would be too long.
    pub(crate) fn child_prefixed(&self, prefix: &str) -> Result<Option<Self>, DnsError> {
        let text = format!("{prefix}{}", self.0);
        if text.len() > 253 || text.split('.').next().is_some_and(|first| first.len() > 63) {
            return Ok(None);
        }
        Self::new(&text).map(Some)
    }

    pub(crate) fn to_wire(&self) -> Name {
        Name::from_ascii(format!("{}.", self.0)).expect("a checked name is a valid wire name")
    }

    pub(crate) fn from_wire(name: &Name) -> Result<Self, DnsError> {
        Self::new(&name.to_ascii())
    }
}

impl fmt::Display for Fqdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Fqdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Fqdn {
    type Error = DnsError;

    fn try_from(text: String) -> Result<Self, DnsError> {
        Self::new(&text)
    }
}

impl std::str::FromStr for Fqdn {
    type Err = DnsError;

    fn from_str(text: &str) -> Result<Self, DnsError> {
        Self::new(text)
    }
}

impl From<Fqdn> for String {
    fn from(name: Fqdn) -> Self {
        name.0
    }
}

/// The names of one managed record: the label, its zone, and our own names beside the label.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "LabelInZone", into = "LabelInZone")]
pub struct Names {
    label: Fqdn,
    zone: Fqdn,
    marker: Fqdn,
    probe: Fqdn,
    adoption: Fqdn,
}

impl Names {
    /// Builds the names of `label` in `zone`.
    ///
    /// # Errors
    ///
    /// [`DnsError::OutsideZone`] when the label is not in the zone, [`DnsError::Name`] when `_sctlp.<label>` would be
    /// too long.
    pub fn new(label: Fqdn, zone: Fqdn) -> Result<Self, DnsError> {
        if !label.is_within(&zone) {
            return Err(DnsError::OutsideZone { label, zone });
        }
        Ok(Self {
            marker: label.child("_sctl")?,
            probe: label.child("_sctlp")?,
            adoption: label.child("_sctla")?,
            label,
            zone,
        })
    }

    /// The name that customers resolve.
    pub fn label(&self) -> &Fqdn {
        &self.label
    }

    /// The zone that holds it.
    pub fn zone(&self) -> &Fqdn {
        &self.zone
    }

    /// Where the single-use marker lives.
    pub fn marker(&self) -> &Fqdn {
        &self.marker
    }

    /// Where the claim probe writes.
    pub fn probe(&self) -> &Fqdn {
        &self.probe
    }

    /// Where providers without prerequisites keep their constant adoption record.
    pub fn adoption(&self) -> &Fqdn {
        &self.adoption
    }
}

/// What is stored of [`Names`]; the rest follows from it, and its rule is checked again on the way in.
#[derive(Serialize, Deserialize)]
struct LabelInZone {
    label: Fqdn,
    zone: Fqdn,
}

impl TryFrom<LabelInZone> for Names {
    type Error = DnsError;

    fn try_from(stored: LabelInZone) -> Result<Self, DnsError> {
        Self::new(stored.label, stored.zone)
    }
}

impl From<Names> for LabelInZone {
    fn from(names: Names) -> Self {
        Self { label: names.label, zone: names.zone }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_folded_and_held_to_their_zone() {
        let zone = Fqdn::new("Example.COM.").unwrap();
        let names = Names::new(Fqdn::new("LB.example.com").unwrap(), zone.clone()).unwrap();
        assert_eq!(names.marker().as_str(), "_sctl.lb.example.com");
        assert_eq!(names.probe().as_str(), "_sctlp.lb.example.com");
        let outside = Names::new(Fqdn::new("lb.badexample.com").unwrap(), zone.clone());
        assert!(matches!(outside, Err(DnsError::OutsideZone { .. })), "{outside:?}");
        assert!(zone.is_within(&zone));
    }

    #[test]
    fn odd_names_are_refused() {
        let long_label = format!("{}.example.com", "a".repeat(64));
        let long_name = vec!["abcdefg"; 40].join(".");
        for text in [
            "",
            ".",
            "a..b",
            "-a.com",
            "a b.com",
            "a\\.com",
            "*.example.com",
            "ä.com",
            &long_label,
            &long_name,
        ] {
            assert!(matches!(Fqdn::new(text), Err(DnsError::Name { .. })), "{text}");
        }
    }

    #[test]
    fn stored_names_are_checked_again() {
        let text = r#"{"label":"lb.example.com","zone":"example.com"}"#;
        let names: Names = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&names).unwrap(), text);
        assert!(serde_json::from_str::<Names>(&text.replace("lb.example", "lb.other")).is_err());
    }
}
