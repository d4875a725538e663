//! The relay that each member runs, without its sockets: what it heard, what it keeps, what each console still needs.
//!
//! Verified values go in with the time, small values come out; [`serve`] turns frames into these calls. Nothing here
//! is asynchronous and nothing touches a disk: when a call changed something that must survive, [`Core::to_save`]
//! yields it, and the caller writes and syncs it **before** any answer leaves (persist, then act).
//!
//! The core knows a heartbeat as a value with its signed text beside it, so a simulation drives the same code without
//! cryptography ([`Beat::unsigned`]) and hands rosters in with [`Core::on_roster`].

pub mod serve;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use model::settings::DynamicDns;
use model::{BootId, ConsoleId, MemberId, Nonce, PoolId, Span, Time};
use serde::{Deserialize, Serialize};

use crate::docs::{Roster, Shelf, ShelfError, SignedDoc, Stored};
use crate::frame::{self, PoolHead};
use crate::heartbeat::{Beat, Echo, SeenFrom, Testimony};
use crate::intents::{Intent, Intents, KeptIntent, OpenIntent, Put};
use crate::lease::{self, Change, Ledger};
use crate::limits;
use crate::observer::{Heed, KeptBaseline, Observer, Spread, Via};
use crate::records::{AgedRecord, KeptRecord, Merged, Noted, RecordBook};

/// How often baselines go to disk when nothing else does.
const SAVE_EVERY: Span = Span::from_s(600);

/// How a relay is started.
#[derive(Debug)]
pub struct Setup {
    /// Whose relay.
    pub me: MemberId,
    /// This boot.
    pub boot: BootId,
    /// Present network attachment: gateway's hardware address and own prefix, hashed.
    pub attachment: u64,
    /// What was on disk; none at the first start and when the file was lost.
    pub kept: Option<Kept>,
    /// Documents from disk; an empty shelf in a simulation.
    pub shelf: Shelf,
}

/// What a relay keeps on disk, beside its documents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    /// The boot whose clock the times are on.
    pub boot: BootId,
    /// Who was heard when.
    #[serde(default)]
    pub baselines: Vec<KeptBaseline>,
    /// Lease holders.
    #[serde(default)]
    pub leases: lease::KeptLedger,
    /// Highest epoch seen, by pool.
    #[serde(default)]
    pub epochs: BTreeMap<PoolId, u64>,
    /// Who is active, by pool, as far as this member was told.
    #[serde(default)]
    pub roles: Vec<frame::Role>,
    /// Open intents.
    #[serde(default)]
    pub intents: Vec<KeptIntent>,
    /// Records.
    #[serde(default)]
    pub records: Vec<KeptRecord>,
}

/// What must be written and synced before any answer leaves.
#[derive(Debug, Default)]
pub struct ToSave {
    /// The relay's state, if it changed.
    pub state: Option<Kept>,
    /// The documents, if they changed.
    pub docs: Option<Vec<SignedDoc>>,
}

/// What the relay puts into its member's next heartbeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sense {
    /// Beacons to echo.
    pub beacons: Vec<Echo>,
    /// What to say about others.
    pub testimonies: Vec<Testimony>,
    /// From where it gets the heartbeats of others.
    pub seen_from: Vec<SeenFrom>,
    /// No stall within the failover delay.
    pub fit: bool,
    /// How long the agent has been up.
    pub up: Span,
    /// The roster it goes by.
    pub roster_version: u64,
    /// Highest epoch of a role for its own pool.
    pub role_epoch: u64,
}

/// One heartbeat in a dispatch.
#[derive(Clone, Debug, PartialEq)]
pub struct HeardBeat {
    /// The heartbeat.
    pub beat: Beat,
    /// How long ago this relay heard it.
    pub ago: Span,
    /// Its sequence went backwards under one boot.
    pub time_travel: bool,
}

/// A report before it becomes a frame: what one console has not been told yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Dispatch {
    /// Newer than in the last one, at most one per member.
    pub heartbeats: Vec<HeardBeat>,
    /// All open intents.
    pub intents: Vec<OpenIntent>,
    /// By pool.
    pub pools: BTreeMap<PoolId, PoolHead>,
    /// The roster this relay goes by.
    pub roster_version: u64,
    /// Forks that nobody has ended yet.
    pub forks: Vec<crate::docs::Fork>,
}

/// One member's relay.
#[derive(Debug)]
pub struct Core {
    me: MemberId,
    pool: Option<PoolId>,
    boot: BootId,
    observer: Observer,
    ledger: Ledger,
    epochs: BTreeMap<PoolId, u64>,
    roles: BTreeMap<PoolId, frame::Role>,
    intents: Intents,
    records: RecordBook,
    shelf: Shelf,
    roster: Option<Arc<Roster>>,
    /// How far each attached console has been told.
    readers: BTreeMap<ConsoleId, u64>,
    /// What the disk believes about the silence after a lost file.
    silent: bool,
    dirty_state: bool,
    dirty_docs: bool,
    saved: Time,
}

impl Core {
    /// Starts a relay.
    pub fn new(setup: Setup, now: Time) -> Self {
        let mut observer = Observer::new(setup.me, setup.attachment, now);
        let kept = setup.kept;
        let same_boot = kept.as_ref().is_some_and(|kept| kept.boot == setup.boot);
        let ledger = match &kept {
            Some(kept) => Ledger::restored(&kept.leases, now),
            None => Ledger::without_file(now),
        };
        let kept = kept.unwrap_or_else(|| Kept::empty(setup.boot));
        observer.restore(&kept.baselines, now, same_boot);
        let mut core = Self {
            me: setup.me,
            pool: None,
            boot: setup.boot,
            observer,
            ledger,
            epochs: kept.epochs,
            roles: kept.roles.into_iter().take(limits::POOLS_MAX).map(|role| (role.pool, role)).collect(),
            intents: Intents::restored(kept.intents, now, same_boot),
            records: RecordBook::restored(kept.records, now, same_boot),
            shelf: setup.shelf,
            roster: None,
            readers: BTreeMap::new(),
            silent: false,
            // The first save proves that the disk takes it, and ends the silence of the next start.
            dirty_state: true,
            dirty_docs: false,
            saved: now,
        };
        if let Some(shelved) = core.shelf.roster() {
            let roster = Arc::clone(&shelved.content);
            core.on_roster(roster);
        }
        core
    }

    /// Whose relay this is.
    pub fn me(&self) -> MemberId {
        self.me
    }

    /// The roster it goes by.
    pub fn roster(&self) -> Option<&Arc<Roster>> {
        self.roster.as_ref()
    }

    /// The documents it keeps.
    pub fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    /// What it hears.
    pub fn observer(&self) -> &Observer {
        &self.observer
    }

    /// Goes by this roster from now on. Called for every roster that the shelf takes; a simulation calls it itself.
    pub fn on_roster(&mut self, roster: Arc<Roster>) {
        self.observer.on_roster(&roster);
        self.pool = roster.member(self.me).map(|entry| entry.pool);
        let known = |console| roster.console(console).is_some();
        if self.ledger.retain_consoles(known) == Change::Persist {
            self.dirty_state = true;
        }
        self.readers.retain(|console, _| known(*console));
        self.roster = Some(roster);
        self.follow_delay();
    }

    /// How long a stall makes unfit. The shelf's policy of the own pool sets it; a simulation calls it itself.
    pub fn set_delay(&mut self, delay: Span) {
        self.observer.set_delay(delay);
    }

    /// The network attachment changed.
    pub fn on_attachment(&mut self, attachment: u64) {
        self.observer.on_attachment(attachment);
    }

    /// Time passed; to be called every 250 ms.
    pub fn on_tick(&mut self, now: Time) {
        self.observer.on_tick(now);
        if now.since(self.saved) > SAVE_EVERY || self.silent != self.ledger.is_silent(now) {
            self.dirty_state = true;
        }
    }

    /// The process was stopped or the machine slept, by another detector's word.
    pub fn on_stall(&mut self, now: Time) {
        self.observer.on_stall(now);
    }

    /// A probe of a peer's service port ended.
    pub fn on_probe(&mut self, about: MemberId, answered: bool, now: Time) {
        self.observer.on_probe(about, answered, now);
    }

    /// Takes the own heartbeat, or one that a member sent over its own link, in.
    pub fn on_heartbeat(&mut self, beat: Beat, now: Time) -> Heed {
        let first = self.observer.heard(beat.heartbeat.member).is_none();
        let heed = self.observer.on_heartbeat(beat, now);
        if first && heed == Heed::New {
            // A new baseline is worth a write at once, the same one again is not.
            self.dirty_state = true;
        }
        heed
    }

    /// A heartbeat of a peer came over a link whose other end is there.
    pub fn on_source(&mut self, member: MemberId, source: IpAddr, now: Time) {
        self.observer.on_source(member, source, now);
    }

    /// Whether the policy of a member's pool lets its address change: dynamic DNS is on.
    pub fn follows_address(&self, member: MemberId) -> bool {
        let pool = self.roster.as_ref().and_then(|roster| roster.member(member)).map(|entry| entry.pool);
        let policy = pool.and_then(|pool| self.shelf.policy(pool));
        policy.is_some_and(|policy| policy.content.settings.dynamic_dns == DynamicDns::On)
    }

    /// Takes a beacon in.
    pub fn on_beacon(&mut self, via: Via, console: ConsoleId, nonce: Nonce, now: Time) -> Spread {
        self.observer.on_beacon(via, console, nonce, now)
    }

    /// What to put into the next own heartbeat.
    pub fn sense(&self, now: Time) -> Sense {
        Sense {
            beacons: self.observer.echoes(now),
            testimonies: self.observer.testimonies(now),
            seen_from: self
                .observer
                .sources(now)
                .filter(|seen| self.follows_address(seen.member))
                .take(limits::TESTIMONIES_MAX)
                .collect(),
            fit: self.observer.is_fit(now),
            up: self.observer.up(now),
            roster_version: self.roster_version(),
            role_epoch: self.pool.and_then(|pool| self.roles.get(&pool)).map_or(0, |role| role.epoch),
        }
    }

    /// A console came: its next dispatch tells it everything.
    pub fn attach(&mut self, console: ConsoleId) {
        self.readers.insert(console, 0);
    }

    /// A console went.
    pub fn detach(&mut self, console: ConsoleId) {
        self.readers.remove(&console);
    }

    /// What this console has not been told yet. Heartbeats are deltas; they count as told once this returns.
    pub fn dispatch(&mut self, console: ConsoleId, now: Time) -> Dispatch {
        let cursor = self.readers.entry(console).or_insert(0);
        let mut heartbeats = Vec::new();
        let mut bytes = 0;
        for (change, heard) in self.observer.news_since(*cursor) {
            bytes += heard.beat.signed.as_ref().map_or(0, |signed| signed.body.len());
            let full = heartbeats.len() == limits::REPORT_HEARTBEATS_MAX || bytes > limits::REPORT_BYTES_MAX;
            if full && !heartbeats.is_empty() {
                break;
            }
            *cursor = change;
            heartbeats.push(HeardBeat {
                beat: heard.beat.clone(),
                ago: now.since(heard.at),
                time_travel: heard.time_travel,
            });
        }
        Dispatch {
            heartbeats,
            intents: self.intents.open(now),
            pools: self.heads(),
            roster_version: self.roster_version(),
            forks: self.shelf.forks().cloned().collect(),
        }
    }

    /// Judges a lease request. Save before the answer leaves.
    pub fn lease_request(
        &mut self,
        console: ConsoleId,
        request: &lease::Request,
        now: Time,
    ) -> lease::Answer {
        self.note_epoch(request.pool, request.epoch_max);
        let (mut answer, change) = self.ledger.request(console, request, now);
        self.dirty_state |= change == Change::Persist;
        answer.epoch_max = self.epoch_max(request.pool);
        answer
    }

    /// Frees the lease if this start of this console holds it.
    pub fn lease_release(&mut self, console: ConsoleId, pool: PoolId, nonce: Nonce) {
        self.dirty_state |= self.ledger.release(console, pool, nonce) == Change::Persist;
    }

    /// The live holder of a pool's lease, for status.
    pub fn lease_holder(&self, pool: PoolId, now: Time) -> Option<lease::Holder> {
        self.ledger.holder(pool, now)
    }

    /// Keeps an announced intent. Save before the acknowledgement leaves.
    pub fn intent_put(&mut self, console: ConsoleId, intent: Intent, now: Time) -> Put {
        let put = self.intents.put(console, intent, now);
        self.dirty_state |= put == Put::Stored;
        put
    }

    /// Forgets a settled intent.
    pub fn intent_close(&mut self, pool: PoolId, nonce: Nonce) {
        self.dirty_state |= self.intents.close(pool, nonce);
    }

    /// Learns who is active. An older epoch changes nothing.
    pub fn on_role(&mut self, role: frame::Role) {
        self.note_epoch(role.pool, role.epoch);
        if role.epoch > limits::COUNTER_MAX {
            return;
        }
        let newer = self.roles.get(&role.pool).is_none_or(|known| role.epoch > known.epoch);
        let room = self.roles.contains_key(&role.pool) || self.roles.len() < limits::POOLS_MAX;
        if newer && room {
            self.roles.insert(role.pool, role);
            self.dirty_state = true;
        }
        self.dirty_state |= self.intents.settle(role.pool, role.epoch);
    }

    /// Who is active in a pool, as far as this member was told.
    pub fn role(&self, pool: PoolId) -> Option<frame::Role> {
        self.roles.get(&pool).copied()
    }

    /// Highest epoch seen for a pool.
    pub fn epoch_max(&self, pool: PoolId) -> u64 {
        self.epochs.get(&pool).copied().unwrap_or(0)
    }

    /// Takes a document in. Save before the acknowledgement leaves.
    ///
    /// # Errors
    /// See [`ShelfError`].
    pub fn doc_put(&mut self, doc: SignedDoc) -> Result<Stored, ShelfError> {
        let version = self.shelf.roster_version();
        let stored = self.shelf.put(doc)?;
        if stored == Stored::Newest {
            self.dirty_docs = true;
            let newer = self.shelf.roster().filter(|shelved| shelved.content.version != version);
            match newer.map(|shelved| Arc::clone(&shelved.content)) {
                Some(roster) => self.on_roster(roster),
                None => self.follow_delay(),
            }
        }
        Ok(stored)
    }

    /// Takes a record in. Save before the acknowledgement leaves.
    pub fn record_put(&mut self, noted: Noted, now: Time) -> Merged {
        let merged = self.records.put(noted, now);
        self.dirty_state |= merged == Merged::Kept;
        merged
    }

    /// A pool's records, oldest first.
    pub fn records(&self, pool: PoolId, now: Time) -> Vec<AgedRecord> {
        self.records.of_pool(pool, now)
    }

    /// The head of a pool's records: it changes whenever they do.
    pub fn records_head(&self, pool: PoolId) -> u64 {
        self.records.head(pool)
    }

    /// What must be on disk before any answer leaves; taking it counts as written.
    pub fn to_save(&mut self, now: Time) -> ToSave {
        let state = std::mem::take(&mut self.dirty_state).then(|| self.kept(now));
        if let Some(state) = &state {
            self.saved = now;
            self.silent = state.leases.silent;
        }
        let docs = std::mem::take(&mut self.dirty_docs).then(|| self.shelf.kept());
        ToSave { state, docs }
    }

    /// Everything that survives a restart, but the documents.
    pub fn kept(&self, now: Time) -> Kept {
        Kept {
            boot: self.boot,
            baselines: self.observer.baselines(now),
            leases: self.ledger.kept(now),
            epochs: self.epochs.clone(),
            roles: self.roles.values().copied().collect(),
            intents: self.intents.kept(now),
            records: self.records.kept(now),
        }
    }

    fn roster_version(&self) -> u64 {
        self.roster.as_ref().map_or(0, |roster| roster.version)
    }

    fn note_epoch(&mut self, pool: PoolId, epoch: u64) {
        let room = self.epochs.contains_key(&pool) || self.epochs.len() < limits::POOLS_MAX;
        if epoch > self.epoch_max(pool) && epoch <= limits::COUNTER_MAX && room {
            self.epochs.insert(pool, epoch);
            self.dirty_state = true;
        }
    }

    fn heads(&self) -> BTreeMap<PoolId, PoolHead> {
        let mut heads: BTreeMap<PoolId, PoolHead> = BTreeMap::new();
        for (pool, epoch) in &self.epochs {
            heads.entry(*pool).or_default().epoch_max = *epoch;
        }
        for pool in self.records.pools() {
            heads.entry(pool).or_default().records_head = self.records.head(pool);
        }
        for policy in self.shelf.policies() {
            heads.entry(policy.content.pool).or_default().policy_version = policy.content.version;
        }
        heads
    }

    fn follow_delay(&mut self) {
        let policy = self.pool.and_then(|pool| self.shelf.policy(pool));
        if let Some(delay) = policy.map(|policy| policy.content.settings.delay()) {
            self.observer.set_delay(delay);
        }
    }
}

impl Kept {
    /// What a relay that was just enrolled starts from: it knows that no lease was ever granted here, so it need not
    /// keep silent.
    pub fn empty(boot: BootId) -> Self {
        Self {
            boot,
            baselines: Vec::new(),
            leases: lease::KeptLedger::default(),
            epochs: BTreeMap::new(),
            roles: Vec::new(),
            intents: Vec::new(),
            records: Vec::new(),
        }
    }
}

impl Dispatch {
    /// The frame. Heartbeats without a signed text (a simulation's) are left out.
    pub fn into_frame(self) -> frame::Frame {
        let heard = |one: HeardBeat| {
            let signed = (*one.beat.signed?).clone();
            Some(frame::Heard { signed, heard_ms_ago: one.ago.as_ms(), time_travel: one.time_travel })
        };
        frame::Frame::Report(frame::Report {
            heartbeats: self.heartbeats.into_iter().filter_map(heard).collect(),
            intents: self.intents,
            pools: self.pools,
            roster_version: self.roster_version,
            forks: self.forks,
        })
    }
}

#[cfg(test)]
mod tests;
