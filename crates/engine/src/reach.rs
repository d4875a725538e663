//! The roads to the relays: one connection each, kept up, redialled with patience, dropped at once when this computer
//! slept or changed networks. Frames in, frames out; what they mean is the [`desk`](crate::desk)'s business.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use link::{Identity, LinkError, Pin, Timeouts};
use model::{MemberId, PoolId, Span};
use protocol::check::Refusal;
use protocol::frame::{Frame, Hello, HelloRole, Role, Welcome};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

use crate::clock;
use crate::fleet::Reachable;

/// A dial that takes longer is a failed one.
const DIAL: Duration = Duration::from_secs(3);
/// A relay reports at least every second: this much silence is a dead connection.
const SILENCE: Duration = Duration::from_secs(5);
/// Waits between dials.
const PATIENCE: [Duration; 4] =
    [Duration::from_millis(250), Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];
/// Frames waiting for a relay that does not read.
const WAITING: usize = 256;

/// What comes from a relay's road.
#[derive(Debug)]
pub(crate) enum FromRelay {
    /// The hello was accepted.
    Up(MemberId, Welcome),
    /// No connection, and why.
    Down(MemberId, String),
    /// Something answered with another key.
    WrongKey(MemberId),
    /// The relay refused this console.
    Refused(MemberId, Refusal),
    /// A frame.
    Frame(MemberId, Frame),
}

struct Road {
    facts: Reachable,
    frames: mpsc::Sender<Frame>,
    again: Arc<Notify>,
    polls: BTreeMap<PoolId, Span>,
    places: Arc<Mutex<Places>>,
    task: JoinHandle<()>,
}

/// Where a relay may be, and where it is.
#[derive(Debug, Default)]
struct Places {
    /// The member's address changed and the roster does not say so yet: it is tried there, too.
    elsewhere: Option<IpAddr>,
    /// Where its key answers now.
    reached: Option<IpAddr>,
}

fn locked(places: &Mutex<Places>) -> MutexGuard<'_, Places> {
    places.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All roads.
pub(crate) struct Reach {
    identity: Arc<Identity>,
    arrivals: mpsc::Sender<FromRelay>,
    roads: Mutex<BTreeMap<MemberId, Road>>,
    /// Who is active by this console's newest word, for relays that come back later.
    roles: Mutex<BTreeMap<PoolId, Role>>,
}

impl Reach {
    pub(crate) fn new(identity: Arc<Identity>, arrivals: mpsc::Sender<FromRelay>) -> Self {
        Self { identity, arrivals, roads: Mutex::default(), roles: Mutex::default() }
    }

    /// Keeps roads to exactly these relays.
    pub(crate) fn keep(&self, wanted: Vec<Reachable>) {
        let mut roads = self.roads();
        roads.retain(|member, road| {
            let stays = wanted.iter().any(|facts| facts.member == *member && *facts == road.facts);
            if !stays {
                road.task.abort();
            }
            stays
        });
        for facts in wanted {
            let Some(address) = facts.relay else { continue };
            roads.entry(facts.member).or_insert_with(|| self.open(facts, address));
        }
    }

    fn open(&self, facts: Reachable, address: SocketAddr) -> Road {
        let (frames, inbox) = mpsc::channel(WAITING);
        let again = Arc::new(Notify::new());
        let places = Arc::<Mutex<Places>>::default();
        let driver = Driver {
            member: facts.member,
            address,
            places: Arc::clone(&places),
            pin: Pin::Key(facts.key),
            identity: Arc::clone(&self.identity),
            arrivals: self.arrivals.clone(),
            again: Arc::clone(&again),
        };
        Road { facts, frames, again, polls: BTreeMap::new(), places, task: tokio::spawn(driver.run(inbox)) }
    }

    /// Has a member's relay tried at another address as well, or at none but the roster's.
    pub(crate) fn try_elsewhere(&self, member: MemberId, address: Option<IpAddr>) {
        if let Some(road) = self.roads().get(&member) {
            locked(&road.places).elsewhere = address;
        }
    }

    /// At which address a member's key answers this console now.
    pub(crate) fn reached_at(&self, member: MemberId) -> Option<IpAddr> {
        self.roads().get(&member).and_then(|road| locked(&road.places).reached)
    }

    /// Sends to one relay; lost if there is no connection.
    pub(crate) fn send(&self, member: MemberId, frame: Frame) {
        if let Some(road) = self.roads().get(&member) {
            let _ = road.frames.try_send(frame);
        }
    }

    /// Sends to every relay of a pool.
    pub(crate) fn send_to_pool(&self, pool: PoolId, frame: &Frame) {
        for road in self.roads().values().filter(|road| road.facts.pools.contains(&pool)) {
            let _ = road.frames.try_send(frame.clone());
        }
    }

    /// Tells every relay of a pool who is active, also those that are connected later.
    pub(crate) fn send_role(&self, role: Role) {
        self.roles.lock().unwrap_or_else(PoisonError::into_inner).insert(role.pool, role);
        self.send_to_pool(role.pool, &Frame::Role(role));
    }

    /// What a relay that has just been connected may have missed. An epoch that it knows changes nothing there.
    pub(crate) fn roles_again(&self, member: MemberId) {
        let pools = self.pools_of(member);
        let roles: Vec<_> = {
            let roles = self.roles.lock().unwrap_or_else(PoisonError::into_inner);
            pools.iter().filter_map(|pool| roles.get(pool).copied()).collect()
        };
        for role in roles {
            self.send(member, Frame::Role(role));
        }
    }

    /// Sends to every relay.
    pub(crate) fn send_to_all(&self, frame: &Frame) {
        for road in self.roads().values() {
            let _ = road.frames.try_send(frame.clone());
        }
    }

    /// Sets the rhythm that a pool wants; a relay of several pools keeps the quickest.
    pub(crate) fn poll(&self, pool: PoolId, every: Span) {
        for road in self.roads().values_mut().filter(|road| road.facts.pools.contains(&pool)) {
            if road.polls.insert(pool, every) != Some(every) {
                let _ = road.frames.try_send(poll_frame(&road.polls));
            }
        }
    }

    /// The rhythm for a relay that has just been connected.
    pub(crate) fn poll_again(&self, member: MemberId) {
        if let Some(road) = self.roads().get(&member) {
            let _ = road.frames.try_send(poll_frame(&road.polls));
        }
    }

    /// Drops every connection and dials anew: after sleep, or on another network.
    pub(crate) fn drop_all(&self) {
        for road in self.roads().values() {
            road.again.notify_one();
        }
    }

    pub(crate) fn pools_of(&self, member: MemberId) -> Vec<PoolId> {
        self.roads().get(&member).map(|road| road.facts.pools.clone()).unwrap_or_default()
    }

    fn roads(&self) -> MutexGuard<'_, BTreeMap<MemberId, Road>> {
        self.roads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Reach {
    fn drop(&mut self) {
        for road in self.roads().values() {
            road.task.abort();
        }
    }
}

fn poll_frame(polls: &BTreeMap<PoolId, Span>) -> Frame {
    let quickest = polls.values().min().copied().unwrap_or(Span::from_s(1));
    Frame::Poll { every_ms: quickest.as_ms().clamp(250, 10_000) as u32 }
}

struct Driver {
    member: MemberId,
    address: SocketAddr,
    places: Arc<Mutex<Places>>,
    pin: Pin,
    identity: Arc<Identity>,
    arrivals: mpsc::Sender<FromRelay>,
    again: Arc<Notify>,
}

/// Why a connection ended, and whether it had been up.
struct Ended {
    was_up: bool,
    why: FromRelay,
}

impl Driver {
    async fn run(self, mut inbox: mpsc::Receiver<Frame>) {
        let mut failures = 0;
        loop {
            let elsewhere = locked(&self.places).elsewhere.filter(|_| failures % 2 == 0);
            let address = elsewhere.map_or(self.address, |ip| SocketAddr::new(ip, self.address.port()));
            let ended = tokio::select! {
                ended = self.connection(address, &mut inbox) => ended,
                () = self.again.notified() => {
                    Ended { was_up: true, why: self.down("dropped: this computer slept or changed networks") }
                }
            };
            locked(&self.places).reached = None;
            failures = if ended.was_up { 0 } else { failures + 1 };
            if self.arrivals.send(ended.why).await.is_err() {
                return;
            }
            // What was meant for the old connection is stale.
            while inbox.try_recv().is_ok() {}
            let wait = PATIENCE[failures.min(PATIENCE.len() - 1)];
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.again.notified() => {}
            }
        }
    }

    fn down(&self, why: impl Into<String>) -> FromRelay {
        FromRelay::Down(self.member, why.into())
    }

    async fn connection(&self, address: SocketAddr, inbox: &mut mpsc::Receiver<Frame>) -> Ended {
        let early = |why| Ended { was_up: false, why };
        let (mut reader, mut writer) = match tokio::time::timeout(DIAL, self.greet(address)).await {
            Ok(Ok(pair)) => pair,
            Ok(Err(why)) => return early(why),
            Err(_) => return early(self.down(format!("no answer from {address} within 3 s"))),
        };
        locked(&self.places).reached = Some(address.ip().to_canonical());
        let ended = |why| Ended { was_up: true, why };
        let arrivals = &self.arrivals;
        let reading = async {
            loop {
                match tokio::time::timeout(SILENCE, reader.recv::<Frame>()).await {
                    Ok(Ok(Frame::Refused(refusal))) => return FromRelay::Refused(self.member, refusal),
                    Ok(Ok(Frame::Goodbye { reason })) => return self.down(reason),
                    Ok(Ok(frame)) => {
                        if arrivals.send(FromRelay::Frame(self.member, frame)).await.is_err() {
                            return self.down("the engine is ending");
                        }
                    }
                    Ok(Err(error)) => return self.failed(&error),
                    Err(_) => return self.down("silent for 5 s"),
                }
            }
        };
        let writing = async {
            while let Some(frame) = inbox.recv().await {
                match tokio::time::timeout(SILENCE, writer.send(&frame)).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => return self.failed(&error),
                    Err(_) => return self.down("takes nothing for 5 s"),
                }
            }
            self.down("the engine is ending")
        };
        tokio::select! {
            why = reading => ended(why),
            why = writing => ended(why),
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "whatever else answers a hello is named in the words")]
    async fn greet(&self, address: SocketAddr) -> Result<(link::Receiver, link::Sender), FromRelay> {
        let connection = link::connect(address, &self.identity, self.pin.clone(), Timeouts::default()).await;
        let (mut writer, mut reader) = connection.map_err(|error| self.failed(&error))?.split();
        let hello = Hello {
            role: HelloRole::Console,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            roster_version: 0,
            hostname: None,
        };
        writer.send(&Frame::Hello(hello)).await.map_err(|error| self.failed(&error))?;
        match reader.recv::<Frame>().await.map_err(|error| self.failed(&error))? {
            Frame::Welcome(welcome) => {
                // Strangers get little; reports, records and rosters of the relay that was pinned may be long.
                reader.set_limit(protocol::limits::FRAME_BYTES_MAX);
                let _ = self.arrivals.send(FromRelay::Up(self.member, welcome)).await;
                Ok((reader, writer))
            }
            Frame::Refused(refusal) => Err(FromRelay::Refused(self.member, refusal)),
            other => Err(self.down(format!("answered the hello with {}", frame_word(&other)))),
        }
    }

    fn failed(&self, error: &LinkError) -> FromRelay {
        if matches!(error, LinkError::WrongKey { .. }) {
            return FromRelay::WrongKey(self.member);
        }
        self.down(crate::chain(error))
    }
}

fn frame_word(frame: &Frame) -> String {
    let value = serde_json::to_value(frame).unwrap_or_default();
    value.get("kind").and_then(|kind| kind.as_str()).unwrap_or("something else").to_owned()
}

/// The link's present state, for anchors and lights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LinkState {
    pub(crate) up: bool,
    pub(crate) since: model::Time,
    pub(crate) words: String,
}

impl LinkState {
    pub(crate) fn up() -> Self {
        Self { up: true, since: clock::now(), words: "connected".to_owned() }
    }

    pub(crate) fn down(words: String) -> Self {
        Self { up: false, since: clock::now(), words }
    }
}
