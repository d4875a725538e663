//! The desk: everything that arrives from relays crosses it once. It opens signatures, keeps the beacons, brings
//! documents level and hands each pool's watch what concerns it. It decides nothing, and it never waits for the disk:
//! documents go to the clerk, who judges and keeps them one after the other, and records to the pen.

use std::collections::BTreeMap;
use std::sync::Arc;

use evaluator::io::{ForeignIntent, Input, Link, OwnFault, Report};
use model::{MemberId, PoolId, Span};
use protocol::docs::{Roster, ShelfError, SignedDoc, Stored};
use protocol::frame::{self, Frame};
use protocol::records::{Noted, Record, RecordBody};
use store::Store;
use tokio::sync::mpsc;

use crate::clock;
use crate::inner::Inner;
use crate::random;
use crate::reach::{FromRelay, LinkState};
use crate::sighting::Refused;
use crate::story;
use crate::watch::Ask;

/// Documents that may wait for the clerk; relays offer again what finds no place.
pub(crate) const PAPERS_MAX: usize = 256;
/// Writes that may wait for the pen before records of relays are not kept any more; they stay in memory, and relays
/// have them.
const WRITES_MAX: usize = 256;

/// A document, and the relay that offered it.
pub(crate) type Paper = (MemberId, SignedDoc);

/// Runs until the engine ends.
pub(crate) async fn run(
    inner: Arc<Inner>,
    arrivals: &mut mpsc::Receiver<FromRelay>,
    papers: &mpsc::Sender<Paper>,
) {
    let mut desk = Desk { inner, papers: papers.clone(), heads: BTreeMap::new(), records: BTreeMap::new() };
    let mut beacons = tokio::time::interval(clock::std(evaluator::beacon::BEACON_EVERY));
    beacons.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            arrival = arrivals.recv() => match arrival {
                Some(arrival) => desk.on_arrival(arrival),
                None => return,
            },
            _ = beacons.tick() => {
                desk.inner.desk_turned();
                desk.give_beacon();
            }
        }
    }
}

/// Takes documents that relays offer, each on disk before it counts; runs until the engine ends.
pub(crate) async fn run_clerk(inner: &Arc<Inner>, tray: &mut mpsc::Receiver<Paper>) {
    while let Some((relay, doc)) = tray.recv().await {
        take_doc(inner, relay, &doc);
    }
}

fn take_doc(inner: &Arc<Inner>, relay: MemberId, doc: &SignedDoc) {
    let what = crate::fleet::describe(doc);
    match inner.fleet.take(&**inner, doc) {
        Ok(Stored::Newest) => {
            tracing::info!(relay = %relay.short(), "a newer {what} was taken");
            inner.documents_changed();
        }
        Ok(Stored::Known) => {}
        Err(error) => {
            tracing::warn!(relay = %relay.short(), "a {what} was not taken: {error:#}");
            if matches!(error.downcast_ref(), Some(ShelfError::Forked { .. })) {
                // It holds automatic moves; the machines must know.
                inner.surroundings_changed();
            }
        }
    }
}

struct Desk {
    inner: Arc<Inner>,
    papers: mpsc::Sender<Paper>,
    /// Which records each relay was asked for already.
    heads: BTreeMap<(MemberId, PoolId), u64>,
    /// Answers that come in several frames.
    records: BTreeMap<(MemberId, PoolId), Vec<frame::AgedSigned>>,
}

impl Desk {
    fn on_arrival(&mut self, arrival: FromRelay) {
        match arrival {
            FromRelay::Up(relay, welcome) => {
                tracing::info!(relay = %relay.short(), "connected");
                self.inner.set_link(relay, LinkState::up());
                self.tell_pools_of(relay, &Input::Relay { relay, link: Link::Up });
                self.on_up(relay, &welcome);
            }
            FromRelay::Down(relay, why) => {
                tracing::debug!(relay = %relay.short(), "no connection: {why}");
                self.inner.set_link(relay, LinkState::down(why));
                self.went(relay);
                self.tell_pools_of(relay, &Input::Relay { relay, link: Link::Down });
            }
            FromRelay::WrongKey(relay) => {
                self.went(relay);
                tracing::warn!(relay = %relay.short(), "another key answers at this relay's address");
                self.inner.set_link(relay, LinkState::down("another key answers at its address".to_owned()));
                self.tell_pools_of(relay, &Input::Relay { relay, link: Link::WrongKey });
            }
            FromRelay::Refused(relay, refusal) => {
                tracing::warn!(relay = %relay.short(), "refused: {}", refusal.message);
                self.inner.set_link(relay, LinkState::down(refusal.message));
                self.went(relay);
                self.tell_pools_of(relay, &Input::Relay { relay, link: Link::Down });
            }
            FromRelay::Frame(relay, frame) => self.on_frame(relay, frame),
        }
    }

    fn on_up(&mut self, relay: MemberId, welcome: &frame::Welcome) {
        self.went(relay);
        let newest = self.inner.sightings().beacons.newest();
        if let Some(nonce) = newest {
            self.inner.reach.send(relay, self.beacon(nonce));
        }
        self.inner.reach.poll_again(relay);
        self.inner.reach.roles_again(relay);
        self.inner.relay_came(relay, welcome.roster_version);
    }

    /// A connection is over: what was known through it, and answers that were cut off, are void.
    fn went(&mut self, relay: MemberId) {
        self.heads.retain(|(member, _), _| *member != relay);
        self.records.retain(|(member, _), _| *member != relay);
        self.inner.moves().forget_relay(relay);
        self.inner.stats().forget(relay);
        self.inner.relay_went(relay);
    }

    fn beacon(&self, nonce: model::Nonce) -> Frame {
        Frame::Beacon(frame::Beacon { console: self.inner.fleet.console, nonce })
    }

    fn give_beacon(&self) {
        let nonce = random::nonce();
        // Noted before it leaves: an echo can never be older than its beacon.
        self.inner.sightings().beacons.give(clock::now(), nonce);
        self.inner.reach.send_to_all(&self.beacon(nonce));
    }

    fn on_frame(&mut self, relay: MemberId, frame: Frame) {
        match frame {
            Frame::Report(report) => self.on_report(relay, &report),
            Frame::LeaseAnswer(answer) => {
                if let Some(watch) = self.inner.watch_of(answer.pool) {
                    watch.tell(Ask::LeaseAnswer(relay, answer));
                }
            }
            Frame::IntentStored { pool, nonce } => self.tell(pool, Input::IntentStored { relay, nonce }),
            Frame::IntentRefused { pool, nonce, reason } => {
                tracing::warn!(relay = %relay.short(), pool = %pool.short(), "an intent was refused: {reason}");
                self.tell(pool, Input::IntentRefused { relay, nonce, reason });
            }
            Frame::Docs(docs) => {
                for doc in docs.docs {
                    if self.papers.try_send((relay, doc)).is_err() {
                        tracing::warn!(relay = %relay.short(), "a document found no place at the clerk's");
                    }
                }
            }
            Frame::DocRefused(refused) => {
                tracing::warn!(relay = %relay.short(), "a document was refused: {}", refused.reason);
                if let Some(fork) = &refused.fork {
                    self.inner.look_at_fork(relay, fork);
                }
            }
            Frame::Records(records) => self.on_records(relay, records),
            Frame::DocStored(stored) => self.inner.relay_stored(relay, stored),
            Frame::StatPart(part) => self.inner.stats().part(relay, &part),
            Frame::StatFailed { number, reason } => self.inner.stats().end(relay, number, Err(reason)),
            Frame::Hello(_)
            | Frame::Welcome(_)
            | Frame::Refused(_)
            | Frame::Beacon(_)
            | Frame::Heartbeat(_)
            | Frame::Poll { .. }
            | Frame::LeaseRequest(_)
            | Frame::LeaseRelease { .. }
            | Frame::IntentPut(_)
            | Frame::IntentClose { .. }
            | Frame::DocPut(_)
            | Frame::DocGet(_)
            | Frame::RecordPut(_)
            | Frame::RecordStored { .. }
            | Frame::RecordsGet { .. }
            | Frame::Role(_)
            | Frame::StatGet { .. }
            | Frame::Enrol(_)
            | Frame::Ping { .. }
            | Frame::Pong { .. }
            | Frame::Goodbye { .. }
            | Frame::Unknown => {}
        }
    }

    fn on_report(&mut self, relay: MemberId, report: &frame::Report) {
        let mut pools = self.empty_reports(relay, report);
        self.open_heartbeats(relay, report, &mut pools);
        let mut policies = Vec::new();
        for (pool, mut told) in pools {
            let head = report.pools.get(&pool).copied().unwrap_or_default();
            // A relay's word that others count on from.
            let epoch_max = head.epoch_max.min(protocol::limits::COUNTER_MAX);
            told.epoch_max = epoch_max;
            self.inner.note_epoch(pool, epoch_max);
            self.tell(pool, Input::Report(told));
            policies.push((pool, head.policy_version));
            self.fetch_records(relay, pool, head.records_head);
        }
        self.inner.relay_keeps(relay, report.roster_version, &policies);
        for fork in &report.forks {
            self.inner.look_at_fork(relay, fork);
        }
    }

    fn empty_reports(&self, relay: MemberId, report: &frame::Report) -> BTreeMap<PoolId, Report> {
        let empty = |pool: PoolId| {
            let mine = report.intents.iter().filter(|open| open.intent.pool == pool);
            let intents = mine.map(|open| ForeignIntent {
                console: open.console,
                epoch: open.intent.epoch,
                nonce: open.intent.nonce,
                target: open.intent.target,
                age: Span::from_ms(open.age_ms),
            });
            let intents = intents.collect();
            (pool, Report { relay, lives: Vec::new(), testimonies: Vec::new(), intents, epoch_max: 0 })
        };
        self.inner.reach.pools_of(relay).into_iter().map(empty).collect()
    }

    fn open_heartbeats(&self, relay: MemberId, report: &frame::Report, pools: &mut BTreeMap<PoolId, Report>) {
        let now = clock::now();
        let roster = self.inner.fleet.roster();
        let mut sightings = self.inner.sightings();
        for heard in &report.heartbeats {
            let (life, testimonies) = match sightings.take(now, &heard.signed) {
                Ok(facts) => facts,
                Err(Refused::Stranger) => continue,
                Err(Refused::Forged) => {
                    tracing::warn!(relay = %relay.short(), "a heartbeat without its member's signature was dropped");
                    continue;
                }
            };
            let Some(entry) = roster.member(life.member) else { continue };
            for pool in std::iter::once(entry.pool).chain(entry.witness_for.iter().copied()) {
                if let Some(told) = pools.get_mut(&pool) {
                    told.lives.push(life.clone());
                    told.testimonies.extend(testimonies.iter().cloned());
                }
            }
        }
    }

    fn fetch_records(&mut self, relay: MemberId, pool: PoolId, head: u64) {
        if self.heads.insert((relay, pool), head) != Some(head) {
            self.inner.reach.send(relay, Frame::RecordsGet { pool });
        }
    }

    fn on_records(&mut self, relay: MemberId, part: frame::Records) {
        let pool = part.pool;
        if !self.inner.reach.pools_of(relay).contains(&pool) {
            return;
        }
        let gathered = self.records.entry((relay, pool)).or_default();
        gathered.extend(part.records);
        gathered.truncate(protocol::limits::RECORDS_MAX);
        if part.more {
            return;
        }
        let all = self.records.remove(&(relay, pool)).unwrap_or_default();
        let now = clock::now();
        let roster = self.inner.fleet.roster();
        let (mut kept, mut learned) = (Vec::new(), Vec::new());
        let mut listed = BTreeMap::new();
        for aged in all {
            match Noted::open(aged.signed, &roster) {
                Ok(noted) if noted.record.pool == pool => {
                    kept.extend(as_stored(&noted));
                    if let RecordBody::Move { epoch, .. } = noted.record.body {
                        listed.insert(epoch, noted.record.revision);
                    }
                    let age = Span::from_ms(aged.age_ms);
                    self.inner.moves().note(pool, &noted.record, noted.signed.clone(), now, age);
                    learned.push(noted.record);
                }
                Ok(_) => {}
                Err(error) => tracing::debug!(relay = %relay.short(), "a record was dropped: {error}"),
            }
        }
        let store = Arc::clone(&self.inner.store);
        let keep = move || keep_records(&store, &roster, pool, &kept, &learned);
        if !self.inner.pen.try_write(WRITES_MAX, keep) {
            tracing::warn!("too much waits for the disk: shared records are not kept here");
        }
        self.inner.moves().answered(pool, relay, listed);
        let lacking = self.inner.moves().lacking(pool, now);
        for (relay, signed) in lacking {
            self.inner.reach.send(relay, Frame::RecordPut((*signed).clone()));
        }
        let records = self.inner.moves().records(pool, now);
        self.tell(pool, Input::Records(records));
    }

    fn tell(&self, pool: PoolId, input: Input) {
        if let Some(watch) = self.inner.watch_of(pool) {
            watch.tell(Ask::Input(input));
        }
    }

    fn tell_pools_of(&self, relay: MemberId, input: &Input) {
        for pool in self.inner.reach.pools_of(relay) {
            self.tell(pool, input.clone());
        }
    }
}

fn keep_records(
    store: &Store,
    roster: &Roster,
    pool: PoolId,
    kept: &[store::Record],
    learned: &[Arc<Record>],
) {
    for record in learned {
        if let Err(error) = story::learn(store, roster, record) {
            tracing::warn!("an incident of another console could not be kept: {error:#}");
        }
    }
    if let Err(error) = store.merge_records(pool, kept) {
        tracing::warn!("shared records could not be kept: {}", crate::chain(&error));
    }
}

fn as_stored(noted: &Noted) -> Option<store::Record> {
    let signed = noted.signed.as_ref()?;
    let Record { id, revision, at_unix_ms, .. } = noted.record.as_ref();
    let json = serde_json::to_string(&**signed).ok()?;
    Some(store::Record { id: id.to_string(), revision: *revision, at_ms: *at_unix_ms, json })
}

/// After sleep, a stall or on another network: everything known becomes unknown.
pub(crate) fn own_fault(inner: &Inner, fault: OwnFault) {
    tracing::warn!(?fault, "everything known is void; observing anew");
    inner.sightings().forget_ages();
    inner.reach.drop_all();
    for watch in inner.watches() {
        watch.tell(Ask::Input(Input::Fault(fault)));
    }
}
