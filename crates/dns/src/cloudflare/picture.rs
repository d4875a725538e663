//! The records of one managed name as one list call shows them, each with the id that a batch needs.

use std::net::{Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use super::wire::{Id, Record, undecodable, unquoted};
use crate::{
    ARecord, DnsError, Names, ReadToken, Reading,
    error::ApiFault,
    precondition::Seen,
    provider::{Front, Scratch},
};

/// Everything of one name.
#[derive(Debug, Default)]
pub(super) struct Picture {
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
    pub(super) id: Id,
    pub(super) addr: Ipv4Addr,
    pub(super) ttl_s: u32,
    pub(super) front: Front,
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
    #[serde(rename = "i")]
    pub(super) id: Id,
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl Picture {
    /// Sorts listed records by what they are to us. Records of other names are passed over.
    pub(super) fn of(records: Vec<Record>, names: &Names) -> Result<Self, ApiFault> {
        let external = external_owner(names).unwrap_or_default();
        let mut picture = Self::default();
        for record in records {
            let name = record.name.trim_end_matches('.').to_ascii_lowercase();
            let content = record.content.as_deref().unwrap_or_default();
            match record.kind.as_str() {
                "A" if name == names.label().as_str() => picture.a.push(address(&record, content)?),
                "AAAA" if name == names.label().as_str() => {
                    let addr = content.parse().map_err(|_| undecodable("an AAAA record is no address"))?;
                    picture.aaaa.push(addr);
                }
                "CNAME" if name == names.label().as_str() => picture.cname = Some(content.to_owned()),
                "TXT" => {
                    let text = unquoted(content);
                    if name == names.marker().as_str() {
                        picture.markers.push(Text { text, id: record.id });
                    } else if name == names.adoption().as_str() {
                        picture.adoptions.push(Text { text, id: record.id });
                    } else if name == names.probe().as_str() {
                        picture.probes.push(Text { text, id: record.id });
                    } else if (name == names.label().as_str() || name == external)
                        && text.starts_with("heritage=")
                    {
                        picture.foreign_owners.push(text);
                    }
                }
                _ => {}
            }
        }
        picture.a.sort_unstable_by_key(|address| (address.addr, address.ttl_s));
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
        let proxied = self.a.iter().any(|address| address.front == Front::Proxied);
        Reading {
            a: self.a.iter().map(|one| ARecord { addr: one.addr, ttl_s: one.ttl_s }).collect(),
            aaaa: self.aaaa,
            cname: self.cname,
            markers: self.markers.into_iter().map(|marker| marker.text).collect(),
            foreign_owners: self.foreign_owners,
            serial: None,
            front: if proxied { Front::Proxied } else { Front::Direct },
            // A write reads again and takes the ids from there.
            token: ReadToken::default(),
        }
    }

    /// The texts at the probe's name, with their ids in the token.
    pub(super) fn into_scratch(self) -> Scratch {
        let token = ReadToken(serde_json::to_string(&self.probes).unwrap_or_default());
        Scratch { texts: self.probes.into_iter().map(|probe| probe.text).collect(), token }
    }
}

/// Reads what [`Picture::into_scratch`] wrote. A token of another provider holds nothing.
pub(super) fn scratch_ids(token: &ReadToken) -> Vec<Text> {
    serde_json::from_str(&token.0).unwrap_or_default()
}

/// What to list: one call for all names, since they end alike; at the apex that ending would be the whole zone's.
pub(super) fn filters(names: &Names) -> Vec<(&'static str, String)> {
    if names.label() == names.zone() {
        let own = [names.label(), names.marker(), names.adoption(), names.probe()];
        return own.map(|name| ("name.exact", name.to_string())).to_vec();
    }
    vec![("name.endswith", names.label().to_string())]
}

/// ExternalDNS marks a name either at the name itself or at `a-<name>`.
fn external_owner(names: &Names) -> Result<String, DnsError> {
    let name = names.label().child_prefixed("a-")?.filter(|name| name.is_within(names.zone()));
    Ok(name.map(|name| name.to_string()).unwrap_or_default())
}

fn address(record: &Record, content: &str) -> Result<Address, ApiFault> {
    let addr = content.parse().map_err(|_| undecodable("an A record is no address"))?;
    let front = if record.proxied == Some(true) { Front::Proxied } else { Front::Direct };
    Ok(Address { id: record.id.clone(), addr, ttl_s: record.ttl.unwrap_or_default(), front })
}
