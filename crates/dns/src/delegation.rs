//! Where the zone lives: the name servers that the parent delegates to, and whether they are the ones we write to.
//!
//! The parent is asked, because that is where resolvers come from; what the zone says about itself may be older or
//! wrong. When no parent server can be asked (an internal zone, a filtered network), the resolver's own answer stands
//! in and [`Source`] says so. Everything found here is unauthenticated: it arms nothing, it only refuses to.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use hickory_proto::{
    op::Message,
    rr::{Name, Record, RecordType},
};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use crate::{
    DnsError, Fqdn, Names, Reading,
    resolve::{Recursion, ask},
    wire,
};

/// Name servers of one zone that are looked at; more add nothing and cost time.
const SERVERS_MAX: usize = 13;
/// Parent servers that are tried before the resolver's answer has to do.
const PARENTS_MAX: usize = 4;
/// Addresses of one name server.
const ADDRESSES_MAX: usize = 8;

/// How questions about delegation are asked.
#[derive(Clone, Debug)]
pub struct Lookup {
    /// The resolvers, tried in order.
    pub resolvers: Vec<SocketAddr>,
    /// The port of authoritative servers: 53, except in tests.
    pub authority_port: u16,
    /// For each question.
    pub patience: Duration,
}

/// Who named the name servers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Source {
    /// A server of the parent zone.
    Parent,
    /// The resolver; no parent server could be asked.
    Resolver,
}

/// One delegated name server.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NameServer {
    /// Its name.
    pub name: Fqdn,
    /// Its addresses, from glue and from the resolver.
    pub addresses: BTreeSet<IpAddr>,
}

/// The delegation of one zone.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delegation {
    /// Who named them.
    pub source: Source,
    /// In order of their names; empty when the zone is not delegated.
    pub servers: Vec<NameServer>,
}

/// Finds the name servers of `zone` as its parent delegates them.
///
/// # Errors
///
/// When no resolver answers at all.
pub async fn find_delegation(lookup: &Lookup, zone: &Fqdn) -> Result<Delegation, DnsError> {
    let apex = zone.to_wire();
    for parent in lookup.parent_servers(&apex).await {
        let Ok(answer) = ask(parent, &apex, RecordType::NS, Recursion::No, lookup.patience).await else {
            continue;
        };
        let delegation = lookup.delegation(Source::Parent, &apex, &answer).await;
        // Not to know the zone is an answer too, but only from a server that has authority over the parent.
        if answer.metadata.authoritative || !delegation.servers.is_empty() {
            return Ok(delegation);
        }
    }
    let answer = lookup.resolve(&apex, RecordType::NS).await?;
    Ok(lookup.delegation(Source::Resolver, &apex, &answer).await)
}

/// A member as far as its addresses go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MemberAddresses {
    /// Its name, for the words.
    pub name: String,
    /// All its addresses.
    pub addresses: Vec<IpAddr>,
}

/// Why a pool's DNS would not survive the pool.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Dependence {
    /// Every name server is a member.
    #[error("DNS for this name runs on {} and dies with it", members.join(" and "))]
    ServersAreMembers {
        /// Which members.
        members: Vec<String>,
    },
    /// Updates go to a member.
    #[error("updates for this name go to {member} and cannot be sent once it is down")]
    EndpointIsMember {
        /// Which member.
        member: String,
    },
    /// Every name server is found only through the record that is to be moved.
    #[error("every name server of the zone hangs on {label} itself")]
    HangsOnLabel {
        /// The managed name.
        label: Fqdn,
    },
    /// Nobody delegates the zone.
    #[error("nobody delegates the zone {zone}: resolvers cannot find it")]
    NotDelegated {
        /// The zone.
        zone: Fqdn,
    },
}

/// Says whether the zone dies with the members; pure.
///
/// A name server counts as lost when all of its addresses are members' or its name is the managed label or below it.
/// One whose addresses are unknown is left out, since nobody could ask it today either.
pub fn zone_dies_with(
    delegation: &Delegation,
    endpoint: Option<IpAddr>,
    names: &Names,
    members: &[MemberAddresses],
) -> Option<Dependence> {
    let owner = |address: IpAddr| {
        let plain = address.to_canonical();
        members.iter().find(|member| member.addresses.iter().any(|own| own.to_canonical() == plain))
    };
    if let Some(member) = endpoint.and_then(owner) {
        return Some(Dependence::EndpointIsMember { member: member.name.clone() });
    }
    if delegation.servers.is_empty() {
        return Some(Dependence::NotDelegated { zone: names.zone().clone() });
    }
    let mut lost_with = BTreeSet::new();
    let mut hangs_on_label = false;
    for server in delegation.servers.iter().filter(|server| !server.addresses.is_empty()) {
        if server.name.is_within(names.label()) {
            hangs_on_label = true;
            continue;
        }
        let owners: Option<Vec<_>> = server.addresses.iter().map(|address| owner(*address)).collect();
        lost_with.extend(owners?.into_iter().map(|member| member.name.clone()));
    }
    if lost_with.is_empty() {
        return hangs_on_label.then(|| Dependence::HangsOnLabel { label: names.label().clone() });
    }
    Some(Dependence::ServersAreMembers { members: lost_with.into_iter().collect() })
}

/// What one delegated server serves for the managed name.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct View {
    /// The server's name.
    pub server: Fqdn,
    /// The address that was asked.
    pub address: IpAddr,
    /// What it answered.
    pub served: Served,
}

/// How a delegated server answered for the zone.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Served {
    /// With authority.
    Records(Seen),
    /// It answered, but does not serve the zone.
    NotServed {
        /// What it said instead.
        reason: String,
    },
    /// It gave no usable answer.
    Silent {
        /// Why.
        reason: String,
    },
}

/// The records that a server serves.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// A addresses, sorted.
    pub a: Vec<std::net::Ipv4Addr>,
    /// Marker texts, sorted.
    pub markers: Vec<String>,
    /// The zone's serial.
    pub serial: Option<u32>,
}

/// Asks every address of every delegated server, all at once.
pub async fn view_servers(lookup: &Lookup, delegation: &Delegation, names: &Names) -> Vec<View> {
    let mut asking = JoinSet::new();
    let all = delegation.servers.iter().flat_map(|server| {
        server.addresses.iter().take(ADDRESSES_MAX).map(move |address| (server.name.clone(), *address))
    });
    for (server, address) in all {
        let (names, patience) = (names.clone(), lookup.patience);
        let socket = SocketAddr::new(address, lookup.authority_port);
        asking.spawn(async move {
            let served = match see(socket, &names, patience).await {
                Ok(seen) => Served::Records(seen),
                Err(error) if error.is_transient() => Served::Silent { reason: error.chain() },
                Err(error) => Served::NotServed { reason: error.chain() },
            };
            View { server, address, served }
        });
    }
    let mut views = asking.join_all().await;
    views.sort_unstable_by(|one, other| (&one.server, one.address).cmp(&(&other.server, other.address)));
    views
}

/// Whether the servers that resolvers ask serve what the provider holds.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Published {
    /// All that answered.
    Everywhere,
    /// Some; the others lag, or serve another copy of the zone.
    Partly {
        /// Those that differ.
        differ: Vec<IpAddr>,
    },
    /// None of those that answered: this zone is not the one resolvers ask.
    Nowhere,
    /// None answered.
    Unknown,
}

/// Compares what delegated servers serve with a reading from the provider; pure.
///
/// With a marker, the marker tells: its nonce exists once in the world. Without one, A and the serial have to do.
pub fn published(views: &[View], reading: &Reading) -> Published {
    let mut wanted: Vec<_> = reading.a.iter().map(|record| record.addr).collect();
    wanted.sort_unstable();
    let same = |seen: &Seen| {
        seen.a == wanted
            && seen.markers == reading.markers
            && (!reading.markers.is_empty() || seen.serial == reading.serial)
    };
    let answered: Vec<_> = views
        .iter()
        .filter_map(|view| match &view.served {
            Served::Records(seen) => Some((view.address, same(seen))),
            Served::NotServed { .. } => Some((view.address, false)),
            Served::Silent { .. } => None,
        })
        .collect();
    let differ: Vec<_> = answered.iter().filter(|(_, same)| !same).map(|(address, _)| *address).collect();
    match (answered.len(), differ.len()) {
        (0, _) => Published::Unknown,
        (_, 0) => Published::Everywhere,
        (all, differing) if all == differing => Published::Nowhere,
        _ => Published::Partly { differ },
    }
}

impl Lookup {
    /// Addresses of servers of the closest enclosing zone that a resolver knows.
    async fn parent_servers(&self, apex: &Name) -> Vec<SocketAddr> {
        let mut above = apex.base_name();
        loop {
            let found = match self.resolve(&above, RecordType::NS).await {
                Ok(answer) => server_names(&answer.answers, &above),
                Err(_) => Vec::new(),
            };
            let mut addresses = Vec::new();
            for name in found.iter().take(PARENTS_MAX) {
                addresses.extend(self.addresses_of(name).await);
                if addresses.len() >= PARENTS_MAX {
                    break;
                }
            }
            if !addresses.is_empty() {
                addresses.truncate(PARENTS_MAX);
                return addresses.into_iter().map(|ip| SocketAddr::new(ip, self.authority_port)).collect();
            }
            if above.is_root() {
                return Vec::new();
            }
            above = above.base_name();
        }
    }

    async fn delegation(&self, source: Source, apex: &Name, answer: &Message) -> Delegation {
        // In the answer when the server serves the zone itself, in the authority section of a referral.
        let mut found = server_names(&answer.answers, apex);
        if found.is_empty() {
            found = server_names(&answer.authorities, apex);
        }
        let mut servers = Vec::new();
        for wire_name in found.iter().take(SERVERS_MAX) {
            let Ok(name) = Fqdn::from_wire(wire_name) else { continue };
            let mut addresses: BTreeSet<IpAddr> = answer
                .additionals
                .iter()
                .filter(|record| record.name == *wire_name)
                .filter_map(address_of)
                .collect();
            if addresses.is_empty() {
                addresses.extend(self.addresses_of(wire_name).await);
            }
            servers.push(NameServer { name, addresses });
        }
        servers.sort_unstable();
        Delegation { source, servers }
    }

    async fn addresses_of(&self, name: &Name) -> Vec<IpAddr> {
        let mut addresses = Vec::new();
        for kind in [RecordType::A, RecordType::AAAA] {
            if let Ok(answer) = self.resolve(name, kind).await {
                addresses.extend(answer.answers.iter().filter_map(address_of).take(ADDRESSES_MAX));
            }
        }
        addresses
    }

    /// Asks the resolvers in order until one answers.
    async fn resolve(&self, name: &Name, kind: RecordType) -> Result<Message, DnsError> {
        let mut last = None;
        for resolver in &self.resolvers {
            match ask(*resolver, name, kind, Recursion::Wanted, self.patience).await {
                Ok(answer) => return Ok(answer),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or(DnsError::Name { name: name.to_ascii(), reason: "no resolver is configured" }))
    }
}

async fn see(server: SocketAddr, names: &Names, patience: Duration) -> Result<Seen, DnsError> {
    let (zone, label, marker) = (names.zone().to_wire(), names.label().to_wire(), names.marker().to_wire());
    let (soa, a, txt) = tokio::join!(
        ask(server, &zone, RecordType::SOA, Recursion::No, patience),
        ask(server, &label, RecordType::A, Recursion::No, patience),
        ask(server, &marker, RecordType::TXT, Recursion::No, patience),
    );
    let (soa, a, txt) = (soa?, a?, txt?);
    for (answer, name) in [(&soa, names.zone()), (&a, names.label()), (&txt, names.marker())] {
        if !answer.metadata.authoritative {
            return Err(DnsError::NotAuthoritative { server, name: name.clone() });
        }
    }
    let mut seen = Seen {
        a: wire::owned(&a, &label).filter_map(|record| wire::as_a(&record.data)).collect(),
        markers: wire::owned(&txt, &marker).filter_map(|record| wire::as_text(&record.data)).collect(),
        serial: wire::owned(&soa, &zone).find_map(|record| wire::as_serial(&record.data)),
    };
    seen.a.sort_unstable();
    seen.markers.sort_unstable();
    Ok(seen)
}

fn server_names(records: &[Record], owner: &Name) -> Vec<Name> {
    records
        .iter()
        .filter(|record| record.name == *owner)
        .filter_map(|record| wire::as_name(&record.data, RecordType::NS).cloned())
        .collect()
}

fn address_of(record: &Record) -> Option<IpAddr> {
    wire::as_a(&record.data).map(IpAddr::V4).or_else(|| wire::as_aaaa(&record.data).map(IpAddr::V6))
}

#[cfg(test)]
mod tests;
