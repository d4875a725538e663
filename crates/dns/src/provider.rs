//! The one door to a DNS provider.
//!
//! A provider holds two records of ours: the A record of the managed label and one TXT marker `_sctl.<label>`. The marker
//! is single-use: every [`Move`] names the marker that it expects and puts a new one in its place, in one atomic write
//! together with A. That makes the identical move safe to send again: if the first one landed, the second finds another
//! marker and ends as [`MoveOutcome::Conflict`], and reading shows the sender's own new marker.
//!
//! What no outcome proves: after anything but `Accepted` the caller reads before it concludes. `Accepted` is read back
//! too, since some servers drop single records silently and still say yes.

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{DnsError, Names};

/// A DNS provider whose writes are compare-and-set.
#[async_trait]
pub trait Provider: Send + Sync {
    /// Says what this provider is and what its compare-and-set covers.
    fn describe(&self) -> ProviderFacts;

    /// Reads all records of the names from the primary (or the API), never through a resolver.
    async fn read(&self, names: &Names) -> Result<Reading, DnsError>;

    /// Moves A and consumes the marker, both or neither, within `deadline`.
    async fn write(&self, names: &Names, change: &Move, deadline: Duration) -> MoveOutcome;

    /// Puts the first marker at a name that has none, provided that A is still as shown.
    async fn adopt(&self, names: &Names, adoption: &Adoption, deadline: Duration) -> MoveOutcome;

    /// Gives A another TTL without changing its value or the marker.
    async fn set_ttl(&self, names: &Names, change: &TtlChange, deadline: Duration) -> MoveOutcome;

    /// Deletes our own `_sctl*` records, provided that the marker is the expected one, and leaves A alone.
    async fn release(&self, names: &Names, release: &Release, deadline: Duration) -> MoveOutcome;

    /// Reads the texts at the probe's name.
    async fn read_scratch(&self, names: &Names) -> Result<Scratch, DnsError>;

    /// Writes one text at the probe's name by the same kind of compare-and-set that a move uses.
    async fn write_scratch(&self, names: &Names, change: &ScratchWrite, deadline: Duration) -> MoveOutcome;

    /// Reads back and compares every record that was written.
    async fn verify(&self, names: &Names, expected: &Expected) -> Result<Result<(), Mismatch>, DnsError> {
        let reading = self.read(names).await?;
        Ok(expected.compare(&reading))
    }
}

/// What a provider is, for the pool page and for the rules that depend on it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProviderFacts {
    /// `rfc2136`, `cloudflare`, `whm`.
    pub kind: String,
    /// Where writes go, for people.
    pub endpoint: String,
    /// The credential's public name (a TSIG key name), never a secret.
    pub credential: String,
    /// True when a move compares the A record itself, not only the marker.
    pub compares_address: bool,
    /// True when answers to reads are authenticated end to end.
    pub authenticated_reads: bool,
    /// This computer's clock minus the server's, once the server has complained about it.
    pub clock_skew_s: Option<i64>,
}

/// One A record.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ARecord {
    /// Its address.
    pub addr: Ipv4Addr,
    /// Its time to live in seconds.
    pub ttl_s: u32,
}

/// Everything that was read about one managed name.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reading {
    /// A records at the label, sorted.
    pub a: Vec<ARecord>,
    /// AAAA records at the label, sorted.
    pub aaaa: Vec<Ipv6Addr>,
    /// The target when the label is a CNAME.
    pub cname: Option<String>,
    /// TXT texts at `_sctl.<label>`, sorted.
    pub markers: Vec<String>,
    /// Marks of other tools that say they own the name, for example an ExternalDNS TXT.
    pub foreign_owners: Vec<String>,
    /// The zone's SOA serial.
    pub serial: Option<u32>,
    /// What customers get when they ask for the label.
    #[serde(default)]
    pub front: Front,
    /// What the provider itself needs again for a write after this reading.
    pub token: ReadToken,
}

impl Reading {
    /// The address, when there is exactly one A record.
    pub fn single_a(&self) -> Option<Ipv4Addr> {
        match self.a.as_slice() {
            [one] => Some(one.addr),
            _ => None,
        }
    }

    /// The marker text, when there is exactly one.
    pub fn single_marker(&self) -> Option<&str> {
        match self.markers.as_slice() {
            [one] => Some(one),
            _ => None,
        }
    }
}

/// What a provider gives out for the label.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Front {
    /// The A record itself.
    #[default]
    Direct,
    /// The provider's own addresses, which forward to the A record. Resolvers never see A, and the TTL is the
    /// provider's, so neither can be checked by asking DNS.
    Proxied,
}

/// Provider-private text from a reading (record ids, a serial). It is stored with an intent and sent back unchanged.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReadToken(pub String);

/// A compare-and-set of A and marker.
///
/// Abort claims are moves too: `set_a` equals `expect_a`, the marker keeps its epoch and gets a new nonce.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Move {
    /// The whole A record set must be this one address; `None`: there must be none.
    pub expect_a: Option<Ipv4Addr>,
    /// The whole marker set must be this one text; `None`: there must be none.
    pub expect_marker: Option<String>,
    /// The new address.
    pub set_a: Ipv4Addr,
    /// The new marker.
    pub set_marker: String,
    /// TTL of the new A record. The marker's TTL is always [`MARKER_TTL_S`].
    pub ttl_s: u32,
    /// For people, where a provider has room for a comment.
    pub comment: String,
    /// From the reading that this move is based on.
    pub token: ReadToken,
}

/// The TTL of the marker; nobody but us reads it, and we read it at the primary.
pub const MARKER_TTL_S: u32 = 60;

/// Takes a name under management.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Adoption {
    /// The value that was shown to the person; `None`: there was no A record and one is created.
    pub expect_a: Option<Ipv4Addr>,
    /// `None`: nothing may exist at the marker's name. Otherwise the marker that is taken over.
    pub expect_marker: Option<String>,
    /// The address to publish; usually the shown one.
    pub set_a: Ipv4Addr,
    /// The first marker.
    pub set_marker: String,
    /// The new TTL of A.
    pub ttl_s: u32,
    /// For people, where a provider has room for a comment.
    pub comment: String,
    /// From the reading that this adoption is based on.
    pub token: ReadToken,
}

/// Gives A another TTL.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TtlChange {
    /// A must be this address and stays so.
    pub expect_a: Ipv4Addr,
    /// The marker must be this text and stays so; `None`: there must be none.
    pub expect_marker: Option<String>,
    /// The new TTL.
    pub ttl_s: u32,
    /// From the reading that this change is based on.
    pub token: ReadToken,
}

/// Gives a name up.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Release {
    /// The marker must be this text.
    pub expect_marker: String,
    /// From the reading that this release is based on.
    pub token: ReadToken,
}

/// The texts at the probe's name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Scratch {
    /// TXT texts, sorted.
    pub texts: Vec<String>,
    /// For the write that follows.
    pub token: ReadToken,
}

/// A compare-and-set of the texts at the probe's name. Nothing in `expect` means that the name must be unused;
/// nothing in `set` deletes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScratchWrite {
    /// The complete set that must be there.
    pub expect: Vec<String>,
    /// The complete set to put in its place.
    pub set: Vec<String>,
    /// From the last reading of the scratch name.
    pub token: ReadToken,
}

/// How a write ended.
#[derive(Debug)]
pub enum MoveOutcome {
    /// The provider says that all of it is done. Read back before telling anybody.
    Accepted,
    /// A precondition did not hold and nothing was written by this request. Read: it may be our own earlier send.
    Conflict(String),
    /// Refused for a reason that will not pass by itself; nothing was written.
    Rejected(DnsError),
    /// The provider asks to wait.
    Throttled {
        /// How long, by its own words.
        retry_after_ms: u64,
    },
    /// Nobody knows. Only reading, sending the identical request again, or an abort claim is allowed now.
    Unknown {
        /// Whether the request can have left this computer.
        sent: Sent,
        /// Why it is unknown.
        why: String,
    },
}

impl MoveOutcome {
    /// True for [`MoveOutcome::Accepted`].
    pub fn is_accepted(&self) -> bool {
        matches!(self, Self::Accepted)
    }

    /// True for [`MoveOutcome::Conflict`].
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict(_))
    }
}

/// Whether a request with an unknown outcome can have reached the provider.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sent {
    /// It never left.
    No,
    /// Some or all of it left.
    Maybe,
}

/// Set just before the first octet of a change can leave; read when the deadline ends an attempt from outside.
#[derive(Default)]
pub(crate) struct SentFlag(AtomicBool);

impl SentFlag {
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> Sent {
        if self.0.load(Ordering::Relaxed) { Sent::Maybe } else { Sent::No }
    }
}

/// The records that a write should have left behind.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Expected {
    /// Exactly this one A record; `None`: not looked at.
    pub a: Option<Ipv4Addr>,
    /// A's TTL; `None`: not looked at.
    pub ttl_s: Option<u32>,
    /// Exactly this one marker; `None`: not looked at.
    pub marker: Option<String>,
}

impl Expected {
    /// What a move leaves behind.
    pub fn after(change: &Move) -> Self {
        Self { a: Some(change.set_a), ttl_s: Some(change.ttl_s), marker: Some(change.set_marker.clone()) }
    }

    /// What an adoption leaves behind.
    pub fn after_adoption(adoption: &Adoption) -> Self {
        Self {
            a: Some(adoption.set_a),
            ttl_s: Some(adoption.ttl_s),
            marker: Some(adoption.set_marker.clone()),
        }
    }

    /// Compares with a reading, record by record.
    ///
    /// # Errors
    ///
    /// The first record that differs, in words.
    pub fn compare(&self, reading: &Reading) -> Result<(), Mismatch> {
        if let Some(cname) = &reading.cname {
            return Err(Mismatch(format!("the name is a CNAME to {cname}")));
        }
        if let Some(a) = self.a
            && reading.single_a() != Some(a)
        {
            return Err(Mismatch(format!("A should be {a} alone and is {}", addresses(reading))));
        }
        if let Some(ttl_s) = self.ttl_s
            && reading.front == Front::Direct
            && reading.a.iter().any(|record| record.ttl_s != ttl_s)
        {
            let found = reading.a.first().map_or(0, |record| record.ttl_s);
            return Err(Mismatch(format!("the TTL of A should be {ttl_s} and is {found}")));
        }
        if let Some(marker) = &self.marker
            && reading.single_marker() != Some(marker.as_str())
        {
            return Err(Mismatch(format!(
                "the marker should be {marker:?} alone and is {:?}",
                reading.markers
            )));
        }
        Ok(())
    }
}

/// What reading back found to be different.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Mismatch(pub String);

fn addresses(reading: &Reading) -> String {
    if reading.a.is_empty() {
        return "missing".to_owned();
    }
    reading.a.iter().map(|record| record.addr.to_string()).collect::<Vec<_>>().join(", ")
}
