//! What the engine's parts share once a profile is made and its vault open.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use evaluator::io::{self, Command, Credential, Input, Setup};
use model::{MemberId, PoolId, Span};
use protocol::docs::SignedDoc;
use protocol::records::Record;
use protocol::sign::{Kind, Signed};
use store::Store;
use vault::Vault;

use crate::events::Events;
use crate::fleet::{Fleet, Keeper};
use crate::level::Level;
use crate::moves::Moves;
use crate::pen::Pen;
use crate::reach::{LinkState, Reach};
use crate::recorder::Recorder;
use crate::register::Register;
use crate::sighting::Sightings;
use crate::stat::Questions;
use crate::story::Story;
use crate::watch::{Ask, Handle, Start, Tools, Watch};
use crate::{clock, providers, random, surroundings};

/// The desk gives a beacon every two seconds; three that are missing are no accident.
const DESK_LATE: Span = Span::from_s(6);

/// Whether this host runs the pools' machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Watching {
    /// It does.
    On,
    /// It only answers questions and carries out what it is asked, once.
    Off,
}

/// The shared parts.
pub(crate) struct Inner {
    pub(crate) store: Arc<Store>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) reach: Arc<Reach>,
    pub(crate) events: Arc<Events>,
    pub(crate) start: Start,
    pub(crate) watching: Watching,
    sightings: Mutex<Sightings>,
    moves: Mutex<Moves>,
    stats: Mutex<Questions>,
    links: Mutex<BTreeMap<MemberId, LinkState>>,
    epochs: Mutex<BTreeMap<PoolId, u64>>,
    pools: Mutex<BTreeMap<PoolId, PoolState>>,
    levels: Mutex<BTreeMap<MemberId, Level>>,
    recorder: Option<Arc<Recorder>>,
    /// This computer's watch, for pools that are opened later.
    watch: Mutex<io::Watch>,
    /// One brings the parts level with the documents at a time: two at once would start a pool's watch twice.
    leveling: Mutex<()>,
    /// Something was signed or taken here since the start.
    documents_kept: AtomicBool,
    /// When the desk took a turn last.
    desk_turn: AtomicU64,
    /// What pools' watches write with, and what comes from relays.
    pub(crate) pen: Arc<Pen>,
}

/// A pool's running parts.
struct PoolState {
    watch: Option<Handle>,
    register: Option<Arc<Register>>,
    credential: Credential,
    /// What the machine was told last, so that it is told changes only.
    roster: io::Roster,
    policy_version: u64,
    managed: Option<protocol::docs::ManagedName>,
    ttl_s: u32,
    held: Option<String>,
}

impl Inner {
    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of a host, each by its name, at the only place that has them"
    )]
    pub(crate) fn new(
        store: Arc<Store>,
        vault: Arc<Vault>,
        fleet: Arc<Fleet>,
        reach: Arc<Reach>,
        events: Arc<Events>,
        start: Start,
        watching: Watching,
        pen: Pen,
    ) -> Self {
        let sightings = Mutex::new(Sightings::new(fleet.console));
        Self {
            store,
            vault,
            fleet,
            reach,
            events,
            start,
            watching,
            sightings,
            moves: Mutex::default(),
            stats: Mutex::default(),
            links: Mutex::default(),
            epochs: Mutex::default(),
            pools: Mutex::default(),
            levels: Mutex::default(),
            recorder: None,
            watch: Mutex::new(io::Watch::On),
            leveling: Mutex::default(),
            documents_kept: AtomicBool::new(false),
            desk_turn: AtomicU64::new(clock::now().as_ms()),
            pen: Arc::new(pen),
        }
    }

    pub(crate) fn sightings(&self) -> MutexGuard<'_, Sightings> {
        self.sightings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn moves(&self) -> MutexGuard<'_, Moves> {
        self.moves.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn stats(&self) -> MutexGuard<'_, Questions> {
        self.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what machines hear.
    pub(crate) fn with_recorder(self, recorder: Option<Arc<Recorder>>) -> Self {
        Self { recorder, ..self }
    }

    pub(crate) fn levels(&self) -> MutexGuard<'_, BTreeMap<MemberId, Level>> {
        self.levels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that the desk takes its turns.
    pub(crate) fn desk_turned(&self) {
        self.desk_turn.store(clock::now().as_ms(), Ordering::Release);
    }

    /// Ends once the desk and every pool's watch have taken a turn.
    pub(crate) async fn pulse(&self) {
        let is_late = || {
            clock::now().as_ms().saturating_sub(self.desk_turn.load(Ordering::Acquire)) > DESK_LATE.as_ms()
        };
        while is_late() {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        let watches = self.watches();
        futures_util::future::join_all(watches.iter().map(Handle::pulse)).await;
    }

    /// Whether this start signed or took documents.
    pub(crate) fn has_new_documents(&self) -> bool {
        self.documents_kept.load(Ordering::Acquire)
    }

    fn pools(&self) -> MutexGuard<'_, BTreeMap<PoolId, PoolState>> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn watch_of(&self, pool: PoolId) -> Option<Handle> {
        self.pools().get(&pool).and_then(|state| state.watch.clone())
    }

    pub(crate) fn watches(&self) -> Vec<Handle> {
        self.pools().values().filter_map(|state| state.watch.clone()).collect()
    }

    pub(crate) fn register_of(&self, pool: PoolId) -> Option<Arc<Register>> {
        self.pools().get(&pool).and_then(|state| state.register.clone())
    }

    pub(crate) fn registers(&self) -> Vec<(PoolId, Arc<Register>)> {
        let pools = self.pools();
        pools.iter().filter_map(|(pool, state)| Some((*pool, state.register.clone()?))).collect()
    }

    pub(crate) fn credential_of(&self, pool: PoolId) -> Option<Credential> {
        self.pools().get(&pool).map(|state| state.credential.clone())
    }

    pub(crate) fn set_link(&self, relay: MemberId, state: LinkState) {
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        // A link that stays down keeps the moment it went down.
        match links.get_mut(&relay) {
            Some(old) if !old.up && !state.up => old.words = state.words,
            Some(old) => *old = state,
            None => drop(links.insert(relay, state)),
        }
    }

    pub(crate) fn link(&self, relay: MemberId) -> Option<LinkState> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner).get(&relay).cloned()
    }

    /// Notes the highest epoch that a relay has seen for a pool.
    pub(crate) fn note_epoch(&self, pool: PoolId, epoch: u64) {
        let mut epochs = self.epochs.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = epochs.entry(pool).or_default();
        *kept = (*kept).max(epoch);
    }

    /// The highest epoch that any relay or this console has seen for a pool.
    pub(crate) fn epoch_max(&self, pool: PoolId) -> u64 {
        let noted =
            self.epochs.lock().unwrap_or_else(PoisonError::into_inner).get(&pool).copied().unwrap_or(0);
        noted.max(self.moves().newest_epoch(pool))
    }

    /// Brings everything that follows from the documents level with them: keys, roads, watches, registers.
    pub(crate) fn documents_changed(self: &Arc<Self>) {
        let leveling = self.leveling.lock().unwrap_or_else(PoisonError::into_inner);
        self.sightings().set_keys(self.fleet.keys());
        let reachable = self.fleet.reachable();
        let stays = |member: &MemberId| reachable.iter().any(|relay| relay.member == *member);
        self.links.lock().unwrap_or_else(PoisonError::into_inner).retain(|member, _| stays(member));
        self.levels().retain(|member, _| stays(member));
        self.reach.keep(reachable);
        let policies = self.fleet.policies();
        for policy in &policies {
            self.bring_level(policy.pool);
        }
        let gone: Vec<_> =
            self.pools().keys().copied().filter(|pool| policies.iter().all(|p| p.pool != *pool)).collect();
        for pool in gone {
            self.drop_pool(pool);
        }
        drop(leveling);
        self.push_documents();
        self.events.host_changed();
    }

    /// This computer's own addresses, or its secrets, may be others now.
    pub(crate) fn surroundings_changed(self: &Arc<Self>) {
        let _leveling = self.leveling.lock().unwrap_or_else(PoisonError::into_inner);
        for policy in self.fleet.policies() {
            self.bring_level(policy.pool);
        }
    }

    /// Whether some pool has a name whose provider could not be opened.
    pub(crate) fn lacks_registers(&self) -> bool {
        self.pools().values().any(|state| state.managed.is_some() && state.register.is_none())
    }

    /// Pauses or resumes this computer's watch, also of pools that come later.
    pub(crate) fn set_watch(&self, watch: io::Watch) {
        *self.watch.lock().unwrap_or_else(PoisonError::into_inner) = watch;
        for handle in self.watches() {
            handle.tell(Ask::Input(Input::Operator(Command::Watch(watch))));
        }
    }

    /// Ends a pool's watch here.
    pub(crate) fn drop_pool(&self, pool: PoolId) {
        let gone = self.pools().remove(&pool);
        if let Some(watch) = gone.and_then(|state| state.watch) {
            watch.tell(Ask::Stop);
        }
        self.moves().forget_pool(pool);
        self.events.pool_removed(pool);
    }

    fn bring_level(self: &Arc<Self>, pool: PoolId) {
        let Some(policy) = self.fleet.policy(pool) else { return };
        let roster = self.fleet.machine_roster(pool, &surroundings::own_addresses());
        let known = self.pools().contains_key(&pool);
        if known {
            self.tell_changes(pool, &policy, roster);
        } else {
            self.open_pool(pool, &policy, roster);
        }
        self.events.pool_changed(pool);
    }

    fn open_pool(self: &Arc<Self>, pool: PoolId, policy: &protocol::docs::Policy, roster: io::Roster) {
        let (register, credential) = self.open_register(policy);
        let held = self.held(pool);
        self.load_moves(pool);
        let watch = match self.watching {
            Watching::On => {
                Some(self.spawn_watch(pool, &roster, register.clone(), &credential, held.clone()))
            }
            Watching::Off => None,
        };
        let state = PoolState {
            watch,
            register,
            credential,
            roster,
            policy_version: policy.version,
            managed: policy.managed.clone(),
            ttl_s: policy.settings.ttl_s,
            held,
        };
        self.pools().insert(pool, state);
    }

    fn spawn_watch(
        &self,
        pool: PoolId,
        roster: &io::Roster,
        register: Option<Arc<Register>>,
        credential: &Credential,
        held: Option<String>,
    ) -> Handle {
        let story =
            Story::new(pool, Arc::clone(&self.store), Arc::clone(&self.fleet), Arc::clone(&self.events));
        let setup = Setup {
            fleet: self.fleet.id,
            pool,
            console: self.fleet.console,
            rank: self.start.rank,
            start_counter: self.start.counter,
            seed: random::number(),
            attachment: surroundings::attachment(),
            roster: roster.clone(),
            policy: self.fleet.machine_policy(pool, clock::wall_ms(), held).unwrap_or_default(),
            credential: credential.clone(),
            // The watch reads it itself, each time its machine starts.
            memory: io::Memory::default(),
        };
        let tools = Tools {
            story,
            pen: Arc::clone(&self.pen),
            reach: Arc::clone(&self.reach),
            register,
            recorder: self.recorder.clone(),
            start: self.start,
        };
        let watch = *self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        let records = self.moves().records(pool, clock::now());
        Watch::spawn(setup, watch, records, tools)
    }

    /// The moves that this console's own disk tells of. Their signatures were checked when they came.
    fn load_moves(&self, pool: PoolId) {
        let kept = match self.store.records(pool) {
            Ok(kept) => kept,
            Err(error) => {
                return tracing::warn!("shared records cannot be read: {}", crate::chain(&error));
            }
        };
        let (now, wall_ms) = (clock::now(), clock::wall_ms());
        let mut moves = self.moves();
        for row in kept {
            let Ok(signed) = serde_json::from_str::<Signed>(&row.json) else { continue };
            let Ok(record) = signed.peek::<Record>(Kind::Record) else { continue };
            let age = Span::from_ms(wall_ms.saturating_sub(row.at_ms));
            moves.note_own(pool, &record, Some(Arc::new(signed)), now, age);
        }
    }

    fn tell_changes(&self, pool: PoolId, policy: &protocol::docs::Policy, mut roster: io::Roster) {
        let reopens = |state: &PoolState| {
            let other = state.managed != policy.managed || state.ttl_s != policy.settings.ttl_s;
            other || state.register.is_none()
        };
        let managed_changed = self.pools().get(&pool).is_some_and(reopens);
        let opened = managed_changed.then(|| self.open_register(policy));
        let held = self.held(pool);
        let mut pools = self.pools();
        let Some(state) = pools.get_mut(&pool) else { return };
        let tell = |ask: Ask| {
            if let Some(watch) = &state.watch {
                watch.tell(ask);
            }
        };
        if let Some((register, credential)) = opened {
            tell(Ask::Register(register.clone()));
            if credential != state.credential {
                tell(Ask::Input(Input::Credential(credential.clone())));
            }
            state.register = register;
            state.credential = credential;
            state.managed.clone_from(&policy.managed);
            state.ttl_s = policy.settings.ttl_s;
        }
        // A newer roster that changes nothing for this pool must not send it through COLD. What changes without one
        // (the policy's order, the addresses of this computer) still needs a number that the machine has not seen.
        if roster.members == state.roster.members {
            roster.version = state.roster.version;
        } else {
            roster.version = roster.version.max(state.roster.version + 1);
            tell(Ask::Input(Input::Roster(roster.clone())));
        }
        let changed = policy.version != state.policy_version || held != state.held;
        let told = self.fleet.machine_policy(pool, clock::wall_ms(), held.clone()).filter(|_| changed);
        if let Some(told) = told {
            tell(Ask::Input(Input::Policy(told)));
        }
        state.roster = roster;
        state.policy_version = policy.version;
        state.held = held;
    }

    fn open_register(&self, policy: &protocol::docs::Policy) -> (Option<Arc<Register>>, Credential) {
        let Some(managed) = &policy.managed else {
            return (None, Credential::Missing("no DNS name is set for this pool".to_owned()));
        };
        match providers::open_register(&self.store, &self.vault, managed, policy.settings.ttl_s) {
            Ok(register) => (Some(Arc::new(register)), Credential::Working),
            Err(error) => (None, Credential::Missing(format!("{error:#}"))),
        }
    }

    /// Why automatic moves of a pool are held on this console, if they are.
    pub(crate) fn held(&self, pool: PoolId) -> Option<String> {
        self.held_by_check(pool).or_else(|| self.forked(pool))
    }

    /// Which failed check holds them.
    pub(crate) fn held_by_check(&self, pool: PoolId) -> Option<String> {
        self.store.setting(&held_key(pool)).ok().flatten().and_then(|json| serde_json::from_str(&json).ok())
    }

    /// Holds automatic moves of a pool, or lets them go on.
    pub(crate) fn set_held(self: &Arc<Self>, pool: PoolId, why: Option<&str>) -> anyhow::Result<()> {
        let json = why.map(serde_json::to_string).transpose()?;
        self.store.set_setting(&held_key(pool), json.as_deref())?;
        let _leveling = self.leveling.lock().unwrap_or_else(PoisonError::into_inner);
        self.bring_level(pool);
        Ok(())
    }
}

fn held_key(pool: PoolId) -> String {
    format!("held-{pool}")
}

impl Keeper for Inner {
    fn keep(&self, doc: &SignedDoc) -> anyhow::Result<()> {
        keep_document(&self.store, doc)?;
        self.documents_kept.store(true, Ordering::Release);
        Ok(())
    }
}

fn keep_document(store: &Store, doc: &SignedDoc) -> anyhow::Result<()> {
    let (kept, document) = crate::profile::document_of(doc)?;
    store.put_document(kept, &document)?;
    Ok(())
}
