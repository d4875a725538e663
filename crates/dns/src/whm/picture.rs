//! The records of one managed name out of a whole zone file, each with the line that an edit needs.

use std::net::{Ipv4Addr, Ipv6Addr};

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::wire::{number, undecodable};
use crate::{
    ARecord, Fqdn, Names, ReadToken, Reading, error::ApiFault, precondition::Seen, provider::Scratch,
};

/// Padding is not worth a fault.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Everything of one name, and the serial that any edit has to name.
#[derive(Debug, Default)]
pub(super) struct Picture {
    pub(super) serial: u32,
    pub(super) a: Vec<Address>,
    pub(super) aaaa: Vec<Ipv6Addr>,
    pub(super) cname: Option<String>,
    pub(super) markers: Vec<Text>,
    pub(super) adoptions: Vec<Text>,
    pub(super) probes: Vec<Text>,
    pub(super) foreign_owners: Vec<String>,
}

/// One A record.
#[derive(Debug)]
pub(super) struct Address {
    pub(super) line: u64,
    pub(super) addr: Ipv4Addr,
    pub(super) ttl_s: u32,
}

impl From<&Address> for Ipv4Addr {
    fn from(address: &Address) -> Self {
        address.addr
    }
}

/// One TXT record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Text {
    #[serde(rename = "t")]
    pub(super) text: String,
    #[serde(rename = "l")]
    pub(super) line: u64,
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

/// What a write at the probe's name goes by.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Token {
    #[serde(rename = "s")]
    pub(super) serial: u32,
    #[serde(rename = "p")]
    pub(super) probes: Vec<Text>,
}

impl Token {
    /// Reads what [`Picture::into_scratch`] wrote. A token of another provider holds nothing.
    pub(super) fn read(token: &ReadToken) -> Self {
        serde_json::from_str(&token.0).unwrap_or_default()
    }
}

impl Picture {
    /// Sorts the zone's records by what they are to us; all others are passed over.
    pub(super) fn of(data: &Value, names: &Names) -> Result<Self, ApiFault> {
        let payload = data.get("payload").and_then(Value::as_array);
        let payload = payload.ok_or_else(|| undecodable("it holds no zone"))?;
        let external = names.label().child_prefixed("a-").ok().flatten();
        let external = external.filter(|name| name.is_within(names.zone()));
        let external = external.as_ref().map(Fqdn::as_str).unwrap_or_default();
        let mut picture = Self::default();
        let mut serial = None;
        for item in payload {
            if item.get("type").and_then(Value::as_str) != Some("record") {
                continue;
            }
            let Some(record) = Line::read(item, names.zone())? else { continue };
            let name = record.name.as_str();
            match record.kind {
                "SOA" if name == names.zone().as_str() => serial = Some(record.serial()?),
                "A" if name == names.label().as_str() => picture.a.push(record.address()?),
                "AAAA" if name == names.label().as_str() => {
                    let addr = record.fields.first().and_then(|field| field.parse().ok());
                    picture.aaaa.push(addr.ok_or_else(|| undecodable("an AAAA record is no address"))?);
                }
                "CNAME" if name == names.label().as_str() => {
                    picture.cname = Some(record.fields.first().cloned().unwrap_or_default());
                }
                "TXT" => {
                    let text = Text { text: record.fields.concat(), line: record.index };
                    if name == names.marker().as_str() {
                        picture.markers.push(text);
                    } else if name == names.adoption().as_str() {
                        picture.adoptions.push(text);
                    } else if name == names.probe().as_str() {
                        picture.probes.push(text);
                    } else if (name == names.label().as_str() || name == external)
                        && text.text.trim_matches('"').starts_with("heritage=")
                    {
                        picture.foreign_owners.push(text.text);
                    }
                }
                _ => {}
            }
        }
        picture.serial = serial.ok_or_else(|| undecodable("the zone has no SOA record"))?;
        picture.a.sort_unstable_by_key(|address| (address.addr, address.line));
        picture.aaaa.sort_unstable();
        picture.markers.sort_unstable();
        picture.probes.sort_unstable();
        picture.foreign_owners.sort_unstable();
        Ok(picture)
    }

    /// What every write compares.
    pub(super) fn facts(&self) -> Seen<'_, Address, Text> {
        Seen {
            a: &self.a,
            has_aaaa: !self.aaaa.is_empty(),
            cname: self.cname.as_deref(),
            markers: &self.markers,
        }
    }

    /// The same for the trait.
    pub(super) fn into_reading(self) -> Reading {
        Reading {
            a: self.a.iter().map(|one| ARecord { addr: one.addr, ttl_s: one.ttl_s }).collect(),
            aaaa: self.aaaa,
            cname: self.cname,
            markers: self.markers.into_iter().map(|marker| marker.text).collect(),
            foreign_owners: self.foreign_owners,
            serial: Some(self.serial),
            // A write reads again and takes serial and lines from there.
            ..Reading::default()
        }
    }

    /// The texts at the probe's name, with serial and lines in the token.
    pub(super) fn into_scratch(self) -> Scratch {
        let known = Token { serial: self.serial, probes: self.probes };
        let token = ReadToken(serde_json::to_string(&known).unwrap_or_default());
        Scratch { texts: known.probes.into_iter().map(|probe| probe.text).collect(), token }
    }
}

/// One record of the file.
struct Line<'a> {
    index: u64,
    kind: &'a str,
    /// Absolute, in lower case, without the final dot.
    name: String,
    ttl_s: u32,
    fields: Vec<String>,
}

impl<'a> Line<'a> {
    /// `None`: its name is no text, so it is nobody's we know.
    fn read(item: &'a Value, zone: &Fqdn) -> Result<Option<Self>, ApiFault> {
        let text = |name: &str| item.get(name).and_then(Value::as_str);
        let index = item.get("line_index").and_then(number);
        let index = index.ok_or_else(|| undecodable("a record has no line number"))?;
        let kind = text("record_type").ok_or_else(|| undecodable("a record has no type"))?;
        let name = bytes(text("dname_b64").ok_or_else(|| undecodable("a record has no name"))?)?;
        let Ok(name) = String::from_utf8(name) else { return Ok(None) };
        let name = absolute(&name.to_ascii_lowercase(), zone);
        let ttl = item.get("ttl").and_then(number).and_then(|ttl| u32::try_from(ttl).ok());
        let list = item.get("data_b64").and_then(Value::as_array);
        let list = list.ok_or_else(|| undecodable("a record has no content"))?;
        let mut fields = Vec::with_capacity(list.len());
        for field in list {
            let field = field.as_str().ok_or_else(|| undecodable("a record's content is no text"))?;
            fields.push(String::from_utf8_lossy(&bytes(field)?).into_owned());
        }
        Ok(Some(Self { index, kind, name, ttl_s: ttl.unwrap_or_default(), fields }))
    }

    fn address(&self) -> Result<Address, ApiFault> {
        let addr = self.fields.first().and_then(|field| field.parse().ok());
        let addr = addr.ok_or_else(|| undecodable("an A record is no address"))?;
        Ok(Address { line: self.index, addr, ttl_s: self.ttl_s })
    }

    fn serial(&self) -> Result<u32, ApiFault> {
        let serial = self.fields.get(2).and_then(|field| field.trim().parse().ok());
        serial.ok_or_else(|| undecodable("the SOA record has no serial"))
    }
}

/// An owner without a final dot is relative to the zone.
fn absolute(owner: &str, zone: &Fqdn) -> String {
    match owner.strip_suffix('.') {
        Some(name) => name.to_owned(),
        None if owner.is_empty() || owner == "@" => zone.to_string(),
        None => format!("{owner}.{zone}"),
    }
}

fn bytes(text: &str) -> Result<Vec<u8>, ApiFault> {
    BASE64.decode(text.trim()).map_err(|_| undecodable("a record is no base64"))
}
