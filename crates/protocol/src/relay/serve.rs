//! Frames in, frames out: the relay's answers to a console and to a peer, for whoever holds the sockets.

use std::net::IpAddr;

use model::{ConsoleId, MemberId, Time};

use super::Core;
use crate::check::{Refusal, Status};
use crate::docs::{DocKind, Policy, ShelfError, SignedDoc, Stored};
use crate::frame::{AgedSigned, Beacon, DocGet, DocRefused, DocStored, Docs, Frame, Records};
use crate::heartbeat::Beat;
use crate::intents::Put;
use crate::limits;
use crate::observer::{Heed, Spread, Via};
use crate::records::{Merged, Noted};
use crate::sign::Signed;
use crate::sources::unmapped;

/// What a frame leads to. Everything in `frames` waits until [`Core::to_save`] is on disk.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply {
    /// To be sent back on the same link, in this order.
    pub frames: Vec<Frame>,
    /// To be passed to every peer link.
    pub pass_on: Option<Beacon>,
    /// The rhythm of reports that the console wants from now on.
    pub poll_ms: Option<u32>,
    /// News came: dispatch to all consoles now instead of at the next beat of their rhythm.
    pub news: bool,
    /// The link ends, after the frames are sent.
    pub close: bool,
}

impl Reply {
    fn one(frame: Frame) -> Self {
        Self { frames: vec![frame], ..Self::default() }
    }

    fn refused(status: Status, words: impl Into<String>) -> Self {
        Self { close: true, ..Self::one(Frame::Refused(Refusal::new(status, words))) }
    }
}

/// Serves one frame of a console whose key the link has proven.
pub fn console(core: &mut Core, console: ConsoleId, frame: Frame, now: Time) -> Reply {
    match frame {
        Frame::Beacon(beacon) if beacon.console == console => beacon_from(core, Via::Console, beacon, now),
        Frame::Beacon(_) => Reply::refused(Status::Forbidden, "a console gives out its own beacons only"),
        Frame::Poll { every_ms } => {
            let (min, max) = limits::POLL_MS;
            Reply { poll_ms: Some(every_ms.clamp(min, max)), ..Reply::default() }
        }
        Frame::LeaseRequest(request) => {
            Reply::one(Frame::LeaseAnswer(core.lease_request(console, &request, now)))
        }
        Frame::LeaseRelease { pool, nonce } => {
            core.lease_release(console, pool, nonce);
            Reply::default()
        }
        Frame::IntentPut(intent) => {
            let (pool, nonce) = (intent.pool, intent.nonce);
            Reply::one(match core.intent_put(console, intent, now) {
                Put::Stored | Put::Known => Frame::IntentStored { pool, nonce },
                Put::Refused(reason) => Frame::IntentRefused { pool, nonce, reason: reason.into() },
            })
        }
        Frame::IntentClose { pool, nonce, epoch: _ } => {
            core.intent_close(pool, nonce);
            Reply::default()
        }
        Frame::RecordPut(signed) => record_put(core, signed, now),
        Frame::RecordsGet { pool } => Reply { frames: records(core, pool, now), ..Reply::default() },
        Frame::Role(role) => {
            core.on_role(role);
            Reply::default()
        }
        Frame::DocPut(doc) => doc_put(core, doc),
        Frame::DocGet(get) => Reply { frames: docs(core, &get), ..Reply::default() },
        Frame::Ping { number } => Reply::one(Frame::Pong { number }),
        Frame::Goodbye { .. } => Reply { close: true, ..Reply::default() },
        // The member itself answers a question for statistics: what HAProxy says is no business of the relay's.
        Frame::StatGet { .. } | Frame::Pong { .. } | Frame::Unknown => Reply::default(),
        Frame::Hello(_)
        | Frame::Welcome(_)
        | Frame::Refused(_)
        | Frame::Heartbeat(_)
        | Frame::Report(_)
        | Frame::LeaseAnswer(_)
        | Frame::IntentStored { .. }
        | Frame::IntentRefused { .. }
        | Frame::DocStored(_)
        | Frame::DocRefused(_)
        | Frame::Docs(_)
        | Frame::RecordStored { .. }
        | Frame::Records(_)
        | Frame::StatPart(_)
        | Frame::StatFailed { .. }
        | Frame::Enrol(_) => Reply::refused(Status::Conflict, "a console sends no such frame to a relay"),
    }
}

/// Serves one frame of a peer whose key and source the link has checked.
pub fn peer(core: &mut Core, peer: MemberId, frame: Frame, now: Time) -> Reply {
    match frame {
        Frame::Heartbeat(signed) => heartbeat(core, peer, signed, now),
        Frame::Beacon(beacon) => beacon_from(core, Via::Peer(peer), beacon, now),
        Frame::DocGet(get) => Reply { frames: docs(core, &get), ..Reply::default() },
        Frame::Docs(answer) => {
            // A peer only passes on what consoles signed: each document is judged as if its signer had brought it.
            let newest =
                answer.docs.into_iter().filter(|doc| core.doc_put(doc.clone()) == Ok(Stored::Newest)).count();
            Reply { news: newest > 0, ..Reply::default() }
        }
        Frame::Ping { number } => Reply::one(Frame::Pong { number }),
        Frame::Goodbye { .. } => Reply { close: true, ..Reply::default() },
        Frame::Pong { .. } | Frame::Unknown | Frame::Refused(_) => Reply::default(),
        Frame::Hello(_)
        | Frame::Welcome(_)
        | Frame::Report(_)
        | Frame::Poll { .. }
        | Frame::LeaseRequest(_)
        | Frame::LeaseAnswer(_)
        | Frame::LeaseRelease { .. }
        | Frame::IntentPut(_)
        | Frame::IntentStored { .. }
        | Frame::IntentRefused { .. }
        | Frame::IntentClose { .. }
        | Frame::DocPut(_)
        | Frame::DocStored(_)
        | Frame::DocRefused(_)
        | Frame::RecordPut(_)
        | Frame::RecordStored { .. }
        | Frame::RecordsGet { .. }
        | Frame::Records(_)
        | Frame::Role(_)
        | Frame::StatGet { .. }
        | Frame::StatPart(_)
        | Frame::StatFailed { .. }
        | Frame::Enrol(_) => Reply::refused(Status::Forbidden, "a member sends no such frame to a peer"),
    }
}

/// Serves one frame of a member that calls from a source outside its list while dynamic DNS is on: its heartbeats are
/// taken, and the link's own words; whatever else it sends has no effect.
///
/// A heartbeat has to declare the very source that it comes from. Else nothing would ever follow it there, and a member
/// that is no longer where the record points would look well.
pub fn heartbeats_alone(core: &mut Core, member: MemberId, source: IpAddr, frame: Frame, now: Time) -> Reply {
    match frame {
        Frame::Heartbeat(signed) => {
            let beat = match own_beat(core, member, signed) {
                Ok(beat) => beat,
                Err(refused) => return *refused,
            };
            let source = unmapped(source);
            if beat.heartbeat.ip.map(IpAddr::V4) != Some(source) {
                let declared =
                    beat.heartbeat.ip.map_or_else(|| "no IPv4 address".to_owned(), |ip| ip.to_string());
                let words = format!(
                    "source {source} is not among its allowed ones, and it declares {declared}: dynamic DNS follows a \
                     member only to the address that it declares itself"
                );
                return Reply { close: false, ..Reply::refused(Status::Forbidden, words) };
            }
            // Documents would not be taken over this link, so none are asked for.
            Reply { frames: Vec::new(), ..take(core, beat, now) }
        }
        Frame::Ping { number } => Reply::one(Frame::Pong { number }),
        Frame::Goodbye { .. } => Reply { close: true, ..Reply::default() },
        Frame::Hello(_)
        | Frame::Welcome(_)
        | Frame::Refused(_)
        | Frame::Beacon(_)
        | Frame::Report(_)
        | Frame::Poll { .. }
        | Frame::LeaseRequest(_)
        | Frame::LeaseAnswer(_)
        | Frame::LeaseRelease { .. }
        | Frame::IntentPut(_)
        | Frame::IntentStored { .. }
        | Frame::IntentRefused { .. }
        | Frame::IntentClose { .. }
        | Frame::DocPut(_)
        | Frame::DocStored(_)
        | Frame::DocRefused(_)
        | Frame::DocGet(_)
        | Frame::Docs(_)
        | Frame::RecordPut(_)
        | Frame::RecordStored { .. }
        | Frame::RecordsGet { .. }
        | Frame::Records(_)
        | Frame::Role(_)
        | Frame::StatGet { .. }
        | Frame::StatPart(_)
        | Frame::StatFailed { .. }
        | Frame::Enrol(_)
        | Frame::Pong { .. }
        | Frame::Unknown => Reply::default(),
    }
}

/// What to send on a peer link when it opens, and whenever the other side's heartbeat names a newer roster.
pub fn ask_for_docs(core: &Core) -> Frame {
    let policies_since = core.shelf().policies().map(|one| (one.content.pool, one.content.version)).collect();
    Frame::DocGet(DocGet { roster_since: core.shelf().roster_version(), policies_since })
}

/// A heartbeat that its member signed and sends itself, or the refusal.
fn own_beat(core: &Core, peer: MemberId, signed: Signed) -> Result<Beat, Box<Reply>> {
    let refused = |status, words: String| Box::new(Reply::refused(status, words));
    let key = core.roster().and_then(|roster| roster.member(peer)).map(|entry| entry.key);
    let key = key.ok_or_else(|| refused(Status::Unknown, "this member is not in the roster".into()))?;
    let beat = Beat::open(signed, &key).map_err(|error| refused(Status::Forbidden, error.to_string()))?;
    if beat.heartbeat.member != peer {
        return Err(refused(Status::Forbidden, "a member sends its own heartbeats only".into()));
    }
    Ok(beat)
}

fn heartbeat(core: &mut Core, peer: MemberId, signed: Signed, now: Time) -> Reply {
    match own_beat(core, peer, signed) {
        Ok(beat) => take(core, beat, now),
        Err(refused) => *refused,
    }
}

fn take(core: &mut Core, beat: Beat, now: Time) -> Reply {
    let theirs = beat.heartbeat.roster_version;
    let sudden = beat.heartbeat.says_down() || beat.heartbeat.goodbye.is_some();
    let news = match core.on_heartbeat(beat, now) {
        Heed::New | Heed::TimeTravel => sudden,
        Heed::Old | Heed::Stranger => false,
    };
    let behind = core.roster().is_some_and(|roster| roster.version < theirs);
    let frames = if behind { vec![ask_for_docs(core)] } else { Vec::new() };
    Reply { frames, news, ..Reply::default() }
}

fn beacon_from(core: &mut Core, via: Via, beacon: Beacon, now: Time) -> Reply {
    let spread = core.on_beacon(via, beacon.console, beacon.nonce, now);
    Reply { pass_on: (spread == Spread::Pass).then_some(beacon), ..Reply::default() }
}

fn record_put(core: &mut Core, signed: Signed, now: Time) -> Reply {
    let opened = core.roster().map(|roster| Noted::open(signed, roster));
    match opened {
        None => Reply::refused(Status::Conflict, "no roster is kept here yet"),
        Some(Err(error)) => Reply::refused(Status::Forbidden, error.to_string()),
        Some(Ok(noted)) => {
            let (pool, id) = (noted.record.pool, noted.record.id.clone());
            match core.record_put(noted, now) {
                Merged::Kept | Merged::Known => Reply::one(Frame::RecordStored { pool, id }),
                Merged::Refused => {
                    Reply::refused(Status::TooMany, "records of too many pools are kept already")
                }
            }
        }
    }
}

fn doc_put(core: &mut Core, doc: SignedDoc) -> Reply {
    let kind = doc.doc;
    let pool = match kind {
        DocKind::Roster => None,
        DocKind::Policy => doc.signed.peek::<Policy>(kind.kind()).ok().map(|policy| policy.pool),
    };
    let outcome = core.doc_put(doc);
    let kept_version = match (kind, pool) {
        (DocKind::Policy, Some(pool)) => core.shelf().policy(pool).map_or(0, |policy| policy.content.version),
        (DocKind::Policy, None) => 0,
        (DocKind::Roster, _) => core.shelf().roster_version(),
    };
    match outcome {
        Ok(stored) => {
            let frame = Frame::DocStored(DocStored { doc: kind, pool, version: kept_version });
            Reply { news: stored == Stored::Newest, ..Reply::one(frame) }
        }
        Err(error) => {
            let reason = error.to_string();
            let fork = if let ShelfError::Forked { fork, .. } = error { Some(*fork) } else { None };
            Reply::one(Frame::DocRefused(DocRefused { doc: kind, pool, kept_version, reason, fork }))
        }
    }
}

fn docs(core: &Core, get: &DocGet) -> Vec<Frame> {
    let rosters = core.shelf().rosters_since(get.roster_since).into_iter().map(|doc| (*doc).clone());
    let since = |pool| get.policies_since.get(&pool).copied().unwrap_or(0);
    let newer = core.shelf().policies().filter(|policy| policy.content.version > since(policy.content.pool));
    let all = rosters.chain(newer.map(|policy| (*policy.signed).clone()));
    let parts = in_parts(all.collect(), |doc: &SignedDoc| doc.signed.body.len());
    let last = parts.len().saturating_sub(1);
    let frame = |(n, docs)| Frame::Docs(Docs { docs, more: n != last });
    parts.into_iter().enumerate().map(frame).collect()
}

fn records(core: &Core, pool: model::PoolId, now: Time) -> Vec<Frame> {
    let aged = core.records(pool, now).into_iter().filter_map(|one| {
        let signed = (*one.noted.signed?).clone();
        Some(AgedSigned { signed, age_ms: one.age.as_ms() })
    });
    let parts = in_parts(aged.collect(), |one: &AgedSigned| one.signed.body.len() + 200);
    let (last, head) = (parts.len().saturating_sub(1), core.records_head(pool));
    let frame = |(n, records)| Frame::Records(Records { pool, head, records, more: n != last });
    parts.into_iter().enumerate().map(frame).collect()
}

/// Cuts a list into parts that fit a frame; at least one part, so that an empty answer is an answer.
fn in_parts<T>(items: Vec<T>, bytes_of: impl Fn(&T) -> usize) -> Vec<Vec<T>> {
    let mut parts = vec![Vec::new()];
    let mut bytes = 0;
    for item in items {
        let size = bytes_of(&item);
        if bytes + size > limits::REPORT_BYTES_MAX && bytes > 0 {
            parts.push(Vec::new());
            bytes = 0;
        }
        bytes += size;
        parts.last_mut().expect("it starts with one part").push(item);
    }
    parts
}
