//! Allowed source addresses: IPv4, IPv6 and CIDR, compared after unmapping v4-in-v6.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// One address or network.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source {
    net: IpAddr,
    bits: u8,
}

/// A text that is neither an address nor a network.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is neither an IP address nor a network like 10.0.1.0/24")]
pub struct SourceError(String);

/// The address as it counts everywhere: IPv4 in IPv6 clothes is IPv4.
pub fn unmapped(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

impl Source {
    /// A single address.
    pub fn address(address: IpAddr) -> Self {
        let net = unmapped(address);
        Self { net, bits: width(net) }
    }

    /// Whether `address` lies inside.
    pub fn covers(&self, address: IpAddr) -> bool {
        match (self.net, unmapped(address)) {
            (IpAddr::V4(net), IpAddr::V4(address)) => {
                prefix4(net.to_bits(), self.bits) == prefix4(address.to_bits(), self.bits)
            }
            (IpAddr::V6(net), IpAddr::V6(address)) => {
                prefix6(net.to_bits(), self.bits) == prefix6(address.to_bits(), self.bits)
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn prefix4(address: u32, bits: u8) -> u32 {
    address.checked_shr(32 - u32::from(bits)).unwrap_or(0)
}

fn prefix6(address: u128, bits: u8) -> u128 {
    address.checked_shr(128 - u32::from(bits)).unwrap_or(0)
}

/// The list in words: `10.0.0.7, 10.0.1.0/24`, or `no address`.
pub fn in_words(sources: &[Source]) -> String {
    if sources.is_empty() {
        return "no address".into();
    }
    sources.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl FromStr for Source {
    type Err = SourceError;
    fn from_str(text: &str) -> Result<Self, SourceError> {
        let text = text.trim();
        let error = || SourceError(text.chars().take(80).collect());
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| error())?;
        let Some(bits) = bits else { return Ok(Self::address(address)) };
        let bits: u8 = bits.parse().map_err(|_| error())?;
        if bits > width(address) {
            return Err(error());
        }
        // A mapped network names IPv4 only when its prefix lies wholly inside the mapping.
        let (net, bits) = match (address, unmapped(address)) {
            (IpAddr::V6(_), net @ IpAddr::V4(_)) if bits >= 96 => (net, bits - 96),
            (plain, _) => (plain, bits),
        };
        let net = match net {
            IpAddr::V4(net) => IpAddr::V4(
                (prefix4(net.to_bits(), bits).checked_shl(32 - u32::from(bits)).unwrap_or(0)).into(),
            ),
            IpAddr::V6(net) => IpAddr::V6(
                (prefix6(net.to_bits(), bits).checked_shl(128 - u32::from(bits)).unwrap_or(0)).into(),
            ),
        };
        Ok(Self { net, bits })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.bits == width(self.net) {
            write!(f, "{}", self.net)
        } else {
            write!(f, "{}/{}", self.net, self.bits)
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Source {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, address: &str, covered: bool) {
        let source: Source = source.parse().unwrap();
        assert_eq!(source.covers(address.parse().unwrap()), covered, "{source} and {address}");
    }

    #[test]
    fn addresses_and_networks_cover_what_they_should() {
        check("10.0.0.7", "10.0.0.7", true);
        check("10.0.0.7", "::ffff:10.0.0.7", true);
        check("::ffff:10.0.0.7", "10.0.0.7", true);
        check("::ffff:10.0.1.0/120", "10.0.1.9", true);
        check("10.0.0.7", "10.0.0.4", false);
        check("10.0.1.77/24", "10.0.1.1", true);
        check("10.0.1.0/24", "10.0.2.1", false);
        check("0.0.0.0/0", "203.0.113.1", true);
        check("0.0.0.0/0", "2001:db8::1", false);
        check("2001:db8::/32", "2001:db8:1::1", true);
        check("::/0", "2001:db8::1", true);
        check("::/0", "10.0.0.1", false);
    }

    #[test]
    fn a_source_reads_back_in_its_shortest_form() {
        for (text, shown) in [("10.0.1.77/24", "10.0.1.0/24"), ("10.0.0.4/32", "10.0.0.4"), (" ::1 ", "::1")]
        {
            assert_eq!(text.parse::<Source>().unwrap().to_string(), shown);
        }
        for text in ["", "10.0.0", "10.0.0.0/33", "::/129", "10.0.0.1/-1", "web-1"] {
            assert!(text.parse::<Source>().is_err(), "{text}");
        }
    }
}
