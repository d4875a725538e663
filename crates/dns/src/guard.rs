//! What stands between a name and its adoption. Pure: a reading goes in, a plan or one clear refusal comes out.
//!
//! The order of the checks is the order in which a person would fix things: first who else owns the name, then what
//! else answers at it, then whether our own addresses may be published there.

use std::net::{Ipv4Addr, Ipv6Addr};

use model::marker::{Marker, MarkerError, Short8};
use serde::{Deserialize, Serialize};

use crate::{Adoption, Names, Reading, provider::MARKER_TTL_S, special::special_purpose};

/// The TTL that a managed A record gets.
pub const MANAGED_TTL_S: u32 = 60;

/// Which addresses a pool may publish.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Targets {
    /// Only addresses that the public Internet can reach.
    #[default]
    Public,
    /// Any unicast address, for internal zones, tests and the demo.
    Any,
}

/// Whether a marker of another fleet may be consumed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Takeover {
    /// It blocks the adoption.
    #[default]
    Refuse,
    /// A person has said so, knowing whose it is.
    Confirmed,
}

/// What somebody wants to adopt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wanted {
    /// The address to publish from now on; `None` keeps the present one.
    pub publish: Option<Ipv4Addr>,
    /// The addresses of all members that may become active.
    pub members: Vec<Ipv4Addr>,
    /// Which addresses the pool may publish.
    pub targets: Targets,
    /// Our fleet, as in the marker's `f=`.
    pub fleet: Short8,
    /// Whether another fleet's marker may be taken over.
    pub takeover: Takeover,
}

/// What an adoption will do, to be shown before it is done.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AdoptPlan {
    /// The value that A has now and must still have then; `None`: A is created.
    pub expect_a: Option<Ipv4Addr>,
    /// The marker that is there now and will be replaced.
    pub expect_marker: Option<String>,
    /// The address that A will have.
    pub set_a: Ipv4Addr,
    /// A's TTL before.
    pub old_ttl_s: Option<u32>,
    /// A's TTL afterwards.
    pub ttl_s: u32,
    /// For this long after the adoption, caches may still hold the old answer.
    pub old_answers_s: u32,
    /// The published address is no member's: customers go elsewhere until the first move.
    pub foreign_address: Option<Ipv4Addr>,
}

impl AdoptPlan {
    /// The write that carries the plan out.
    pub fn adoption(&self, set_marker: String, reading: &Reading) -> Adoption {
        Adoption {
            expect_a: self.expect_a,
            expect_marker: self.expect_marker.clone(),
            set_a: self.set_a,
            set_marker,
            ttl_s: self.ttl_s,
            comment: String::new(),
            token: reading.token.clone(),
        }
    }
}

/// Why a name is not adopted. Nothing has been written.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdoptRefusal {
    /// Another tool says that it owns the name.
    #[error(
        "{label} is managed by another tool ({mark}): remove it there first, or the two will overwrite each other"
    )]
    ForeignOwner {
        /// The managed name.
        label: String,
        /// Its mark.
        mark: String,
    },
    /// The name is an alias.
    #[error("{label} is a CNAME to {target}: a foreign record stands where the A record belongs")]
    Cname {
        /// The managed name.
        label: String,
        /// Where it points.
        target: String,
    },
    /// Another fleet moves this name.
    #[error("{label} belongs to the fleet {theirs}, not to {ours}: taking it over must be confirmed")]
    ForeignFleet {
        /// The managed name.
        label: String,
        /// The fleet in the marker.
        theirs: Short8,
        /// Our fleet.
        ours: Short8,
    },
    /// The marker's name holds something that is no marker of ours.
    #[error("{marker} holds a TXT record that is not a marker of this product: {text:?}")]
    ForeignMarker {
        /// The marker's name.
        marker: String,
        /// The text there.
        text: String,
    },
    /// It began as a marker and was edited since.
    #[error("{marker} holds a damaged marker ({reason}): replacing it must be confirmed")]
    DamagedMarker {
        /// The marker's name.
        marker: String,
        /// What is wrong with it.
        reason: MarkerError,
    },
    /// More than one marker.
    #[error("{marker} holds {count} TXT records where one marker belongs")]
    SeveralMarkers {
        /// The marker's name.
        marker: String,
        /// How many.
        count: usize,
    },
    /// Clients with IPv6 would stay where they are.
    #[error("{label} also has AAAA {}: IPv6 clients would stay there after a move", list(addresses))]
    AaaaLeftBehind {
        /// The managed name.
        label: String,
        /// The addresses.
        addresses: Vec<Ipv6Addr>,
    },
    /// Resolvers would go on handing out the other one.
    #[error("{label} has {} A records ({}): one name, one active member", addresses.len(), list(addresses))]
    SeveralAddresses {
        /// The managed name.
        label: String,
        /// The addresses.
        addresses: Vec<Ipv4Addr>,
    },
    /// There is nothing to keep and nothing to publish.
    #[error("{label} has no A record and no address was named to create it with")]
    NoAddress {
        /// The managed name.
        label: String,
    },
    /// An address that customers cannot reach.
    #[error("{address} is not a public address ({purpose}), and this pool publishes public ones only")]
    NotPublic {
        /// The address.
        address: Ipv4Addr,
        /// What its block is for.
        purpose: &'static str,
    },
    /// An address that is nobody's.
    #[error("{address} cannot be a member's address ({purpose})")]
    NotUnicast {
        /// The address.
        address: Ipv4Addr,
        /// What its block is for.
        purpose: &'static str,
    },
}

/// Decides whether a name may be adopted as it was read, and with which write.
///
/// # Errors
///
/// The first [`AdoptRefusal`] that holds.
pub fn plan_adopt(names: &Names, reading: &Reading, wanted: &Wanted) -> Result<AdoptPlan, AdoptRefusal> {
    let label = names.label().to_string();
    if let Some(mark) = reading.foreign_owners.first() {
        return Err(AdoptRefusal::ForeignOwner { label, mark: mark.clone() });
    }
    if let Some(target) = &reading.cname {
        return Err(AdoptRefusal::Cname { label, target: target.clone() });
    }
    let expect_marker = own_marker(names, reading, wanted)?;
    if !reading.aaaa.is_empty() {
        return Err(AdoptRefusal::AaaaLeftBehind { label, addresses: reading.aaaa.clone() });
    }
    if reading.a.len() > 1 {
        let addresses = reading.a.iter().map(|record| record.addr).collect();
        return Err(AdoptRefusal::SeveralAddresses { label, addresses });
    }
    let expect_a = reading.single_a();
    let set_a = wanted.publish.or(expect_a).ok_or(AdoptRefusal::NoAddress { label })?;
    for address in wanted.members.iter().chain([&set_a]) {
        check_target(*address, wanted.targets)?;
    }
    let old_ttl_s = reading.a.first().map(|record| record.ttl_s);
    Ok(AdoptPlan {
        expect_a,
        expect_marker,
        set_a,
        old_ttl_s,
        ttl_s: MANAGED_TTL_S,
        old_answers_s: old_ttl_s.unwrap_or(MARKER_TTL_S),
        foreign_address: (!wanted.members.contains(&set_a)).then_some(set_a),
    })
}

/// Says whether an address may be published at all.
///
/// # Errors
///
/// [`AdoptRefusal::NotPublic`] or, whatever the pool allows, [`AdoptRefusal::NotUnicast`].
pub fn check_target(address: Ipv4Addr, targets: Targets) -> Result<(), AdoptRefusal> {
    let Some(purpose) = special_purpose(address) else { return Ok(()) };
    if address.is_multicast() || address.is_broadcast() || address.octets()[0] == 0 {
        return Err(AdoptRefusal::NotUnicast { address, purpose });
    }
    match targets {
        Targets::Public => Err(AdoptRefusal::NotPublic { address, purpose }),
        Targets::Any => Ok(()),
    }
}

fn own_marker(names: &Names, reading: &Reading, wanted: &Wanted) -> Result<Option<String>, AdoptRefusal> {
    let marker = names.marker().to_string();
    let text = match reading.markers.as_slice() {
        [] => return Ok(None),
        [one] => one,
        several => return Err(AdoptRefusal::SeveralMarkers { marker, count: several.len() }),
    };
    match (Marker::parse(text), wanted.takeover) {
        (Err(MarkerError::Foreign), _) => {
            Err(AdoptRefusal::ForeignMarker { marker, text: text.chars().take(100).collect() })
        }
        (Err(reason), Takeover::Refuse) => Err(AdoptRefusal::DamagedMarker { marker, reason }),
        (Ok(found), Takeover::Refuse) if found.fleet != wanted.fleet => Err(AdoptRefusal::ForeignFleet {
            label: names.label().to_string(),
            theirs: found.fleet,
            ours: wanted.fleet,
        }),
        (Ok(_) | Err(_), _) => Ok(Some(text.clone())),
    }
}

fn list<T: ToString>(addresses: &[T]) -> String {
    addresses.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
