//! What crosses links in the simulation: the frames of `protocol::frame`, verified already, so nothing is signed or
//! encoded here.

use std::rc::Rc;

use model::{ConsoleId, MemberId, Nonce, Settings};
use protocol::Beat;
use protocol::intents::{Intent, OpenIntent};
use protocol::lease;
use protocol::records::{AgedRecord, Noted};
use protocol::relay::HeardBeat;

/// The pool's policy document and the roster's version, as relays and consoles keep them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Docs {
    /// The policy's version.
    pub policy_version: u64,
    /// Its settings.
    pub settings: Settings,
    /// True time at which the pause ends.
    pub paused_until: u64,
    /// The preferred member.
    pub preferred: Option<MemberId>,
}

/// What a relay tells a console.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Newer than in the last report.
    pub heard: Vec<HeardBeat>,
    /// All open intents.
    pub intents: Vec<OpenIntent>,
    /// Highest epoch seen.
    pub epoch_max: u64,
    /// Changes whenever the records do.
    pub records_head: u64,
    /// The policy it keeps.
    pub policy_version: u64,
    /// The roster it keeps.
    pub roster_version: u64,
}

/// One message.
#[derive(Clone, Debug)]
pub enum Message {
    /// The sender's own heartbeat, member to member.
    Beat(Beat),
    /// A console's beacon, from itself or passed on.
    Beacon(ConsoleId, Nonce),
    /// The rhythm in which a console wants reports.
    Poll(u32),
    /// A console asks for the lease.
    LeaseRequest(Box<lease::Request>),
    /// It gives the lease back.
    LeaseRelease(Nonce),
    /// It announces a claim.
    IntentPut(Box<Intent>),
    /// The claim is settled.
    IntentClose(u64, Nonce),
    /// A record.
    RecordPut(Noted),
    /// Asks for the records.
    RecordsGet,
    /// A newer policy, or a newer roster's version.
    DocsPut(Rc<Docs>, u64),
    /// Asks for the documents.
    DocsGet,
    /// Who is active now.
    Role(u64, MemberId),
    /// What a relay heard.
    Report(Box<Report>),
    /// The answer to a lease request.
    LeaseAnswer(Box<lease::Answer>),
    /// An intent is on the relay's disk.
    IntentStored(Nonce),
    /// The records, and the head they belong to.
    Records(Box<Vec<AgedRecord>>, u64),
    /// The sender ends the link.
    Goodbye,
}
