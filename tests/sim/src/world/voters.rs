//! The agents' side: heartbeats, peer links, and the real relay core behind each.

use std::sync::Arc;

use model::BootId;
use protocol::docs::{self, ConsoleEntry, MemberEntry, Part, Role};
use protocol::frame;
use protocol::intents::Put;
use protocol::observer::{Heed, Spread, Via};
use protocol::{Beat, Goodbye, SecretKey, peers};

use crate::clock::Clock;
use crate::haproxy::{Due, Haproxy};
use crate::ids;
use crate::link::End;
use crate::member::{Member, MemberDisk};
use crate::plan::Plan;
use crate::trace::Node;
use crate::wire::{Docs, Message, Report};

use super::traffic::Party;
use super::{Event, LinkId, World};

/// A peer link on which nothing comes is dialled anew after this.
const PEER_IDLE_MS: u64 = 5_000;
/// A console link on which nothing comes is closed by the relay after this.
const CONSOLE_IDLE_MS: u64 = 15_000;

/// The roster as relays go by it. Nothing is verified in here, so that one key serves all.
pub(super) fn signed_roster(plan: &Plan) -> Arc<docs::Roster> {
    let key = SecretKey::from_bytes(&[7; 32]).public();
    let member = |place: usize| MemberEntry {
        id: ids::member(place),
        key,
        name: format!("m{place}"),
        hostname: format!("m{place}"),
        address: ids::address(place),
        sources: Vec::new(),
        pool: ids::POOL,
        part: if plan.voters[place].witness { Part::Witness } else { Part::Member },
        priority: place as u32,
        relay: Some(std::net::SocketAddr::from((ids::address(place), 7443))),
        witness_for: Vec::new(),
        place: None,
    };
    let console = |place: usize| ConsoleEntry {
        id: ids::console(place),
        key,
        name: format!("c{place}"),
        role: Role::Owner,
    };
    Arc::new(docs::Roster {
        fleet: Some(ids::FLEET),
        version: 2,
        prev: None,
        members: (0..plan.voters.len()).map(member).collect(),
        consoles: (0..plan.consoles.len()).map(console).collect(),
        removed: Vec::new(),
    })
}

impl World {
    pub(super) fn found_members(&mut self, docs: &std::rc::Rc<Docs>) {
        for (place, plan) in self.plan.voters.iter().enumerate() {
            let start = 14_400_000 + self.dice.range(0, 1_000_000);
            let kept = protocol::relay::Kept::empty(BootId::from_number((place as u32) << 20 | 1));
            self.members.push(Member {
                place,
                clock: Clock::new(0, start, plan.rate, 0),
                powered: true,
                boots: 1,
                life: 0,
                agent: None,
                disk: MemberDisk {
                    incarnation: 0,
                    kept: Some(kept),
                    records: Vec::new(),
                    docs: std::rc::Rc::clone(docs),
                    roster_version: 1,
                },
                service: Haproxy::default(),
                frozen_until: 0,
                stalled_until: 0,
                planned_until: 0,
                maintenance: 0,
                bad_config: 0,
                lie: None,
                set_back: false,
                revivable: true,
            });
        }
        let roster = Arc::clone(&self.roster);
        self.oracle.peers = (0..self.members.len()).map(|place| peer_order(&roster, place)).collect();
        for place in 0..self.members.len() {
            self.start_agent(place);
        }
    }

    pub(super) fn start_agent(&mut self, place: usize) {
        if !self.members[place].powered || self.members[place].agent.is_some() {
            return;
        }
        let delay = self.members[place].disk.docs.settings.delay();
        let roster = Arc::clone(&self.roster);
        self.members[place].start_agent(self.now, &roster, delay);
        let life = self.members[place].life;
        let jitter = self.dice.range(0, 900);
        self.queue.push(self.now + 50 + jitter, Event::Beat(place, life));
    }

    pub(super) fn on_agent_start(&mut self, place: usize, life: u32) {
        if self.members[place].life == life {
            self.start_agent(place);
        }
    }

    pub(super) fn on_beat(&mut self, place: usize, life: u32) {
        if self.members[place].life != life {
            return;
        }
        if let Err(until) = self.members[place].awake(self.now) {
            self.queue.push(until, Event::Beat(place, life));
            return;
        }
        self.trace.quiet(self.now, Node::Member(place), 1, 0);
        self.beat_now(place, None);
        let pause = 900 + self.dice.range(0, 200);
        let next = self.members[place].clock.true_ms(model::Span::from_ms(pause));
        self.queue.push(self.now + next, Event::Beat(place, life));
    }

    /// Makes a heartbeat now and sends it everywhere.
    pub(super) fn beat_now(&mut self, place: usize, goodbye: Option<Goodbye>) {
        self.probe_peers(place);
        let witness = self.plan.voters[place].witness;
        let Some(beat) = self.members[place].beat(self.now, witness, goodbye) else { return };
        self.keep_peer_links(place);
        let urgent = is_sudden(&beat);
        for other in 0..self.members.len() {
            if other == place {
                continue;
            }
            let (link, end) = (self.peer_link(place, other), Self::end_of_voter(place, other));
            if self.links[link].is_open(end) {
                self.send(link, end, Message::Beat(beat.clone()));
            }
        }
        if urgent {
            self.report_at_once(place);
        }
    }

    fn probe_peers(&mut self, place: usize) {
        if self.plan.settings.probe_port.is_none() {
            return;
        }
        let tb = self.members[place].tb(self.now);
        let Some(agent) = &self.members[place].agent else { return };
        let due: Vec<_> = agent.core.observer().to_probe(tb).filter_map(ids::voter).collect();
        for about in due {
            let answered = self.probe(place, about);
            if let Some(agent) = &mut self.members[place].agent {
                agent.core.on_probe(ids::member(about), answered, tb);
            }
        }
    }

    /// Whether a TCP probe from a node reaches the port of a member.
    pub(super) fn probe(&self, from: usize, member: usize) -> bool {
        from == member && self.members[member].answers(self.now)
            || self.net.open(from, member)
                && self.net.open(member, from)
                && self.members[member].answers(self.now)
    }

    fn keep_peer_links(&mut self, place: usize) {
        for other in 0..self.members.len() {
            if other == place {
                continue;
            }
            let (link, end) = (self.peer_link(place, other), Self::end_of_voter(place, other));
            let idle = self.now - self.links[link].heard_at[end as usize] > PEER_IDLE_MS;
            if self.links[link].is_open(end) && idle {
                self.links[link].close(end);
            }
            let closed = !self.links[link].is_open(end) && !self.links[link].dialling;
            if end == End::Dialler
                && closed
                && self.links[link].next_dial <= self.now
                && self.is_linked(place, other)
            {
                self.dial(link);
            }
        }
        for console in 0..self.consoles.len() {
            let link = self.console_link(console, place);
            let idle = self.now - self.links[link].heard_at[End::Acceptor as usize] > CONSOLE_IDLE_MS;
            if self.links[link].is_open(End::Acceptor) && idle {
                self.links[link].close(End::Acceptor);
            }
        }
    }

    /// Whether either of two members has chosen the other as a peer.
    fn is_linked(&self, one: usize, other: usize) -> bool {
        self.members.len() <= 1 + peers::PEERS
            || self.chosen(one).contains(&other)
            || self.chosen(other).contains(&one)
    }

    fn chosen(&self, place: usize) -> Vec<usize> {
        let tb = self.members[place].tb(self.now);
        let Some(agent) = &self.members[place].agent else { return Vec::new() };
        let lost = |peer| {
            let heard = agent.core.observer().heard(peer).map(|heard| heard.at);
            let up = agent.core.observer().up(tb);
            heard.map_or(up, |at| tb - at) > protocol::limits::PEER_REPLACED
        };
        peers::chosen(&self.oracle.peers[place], lost).into_iter().filter_map(ids::voter).collect()
    }

    /// A console came to a relay: it is told everything, soon and then in its rhythm.
    pub(super) fn relay_accepts(&mut self, place: usize, console: usize, link: LinkId, generation: u32) {
        let id = self.consoles[console].id;
        // One link per console id: the newer one replaces the older.
        for other in 0..self.consoles.len() {
            let older = self.console_link(other, place);
            if other != console && self.consoles[other].id == id && self.links[older].is_open(End::Acceptor) {
                self.hang_up(older, End::Acceptor);
            }
        }
        if let Some(agent) = &mut self.members[place].agent {
            agent.core.attach(id);
        }
        self.oracle.poll_ms[link] = 1_000;
        self.queue.push(self.now + 20, Event::Report(link, generation));
    }

    pub(super) fn on_report_due(&mut self, link: LinkId, generation: u32) {
        if self.links[link].generation != generation || !self.links[link].is_open(End::Acceptor) {
            return;
        }
        let Party::Voter(place) = self.party(link, End::Acceptor) else { return };
        if let Err(until) = self.members[place].awake(self.now) {
            self.queue.push(until, Event::Report(link, generation));
            return;
        }
        self.report(place, link);
        let pause = u64::from(self.oracle.poll_ms[link]);
        self.queue.push(self.now + pause, Event::Report(link, generation));
    }

    fn report_at_once(&mut self, place: usize) {
        for console in 0..self.consoles.len() {
            let link = self.console_link(console, place);
            if self.links[link].is_open(End::Acceptor) {
                self.report(place, link);
            }
        }
    }

    fn report(&mut self, place: usize, link: LinkId) {
        let Party::Console(console) = self.party(link, End::Dialler) else { return };
        let id = self.consoles[console].id;
        let now = self.now;
        let member = &mut self.members[place];
        let tb = member.tb(now);
        let (policy_version, roster_version) = (member.disk.docs.policy_version, member.disk.roster_version);
        let Some(agent) = &mut member.agent else { return };
        let dispatch = agent.core.dispatch(id, tb);
        let head = dispatch.pools.get(&ids::POOL).copied().unwrap_or_default();
        let heard = member.distort(now, dispatch.heartbeats);
        let report = Report {
            heard,
            intents: dispatch.intents,
            epoch_max: head.epoch_max,
            records_head: head.records_head,
            policy_version,
            roster_version,
        };
        self.send(link, End::Acceptor, Message::Report(Box::new(report)));
    }

    pub(super) fn voter_hears(&mut self, place: usize, link: LinkId, end: End, message: Message) {
        match self.party(link, end.other()) {
            Party::Voter(peer) => self.peer_says(place, peer, link, end, message),
            Party::Console(console) => self.console_says(place, console, link, message),
        }
    }

    fn peer_says(&mut self, place: usize, peer: usize, link: LinkId, end: End, message: Message) {
        let tb = self.members[place].tb(self.now);
        let Some(agent) = &mut self.members[place].agent else { return };
        match message {
            Message::Beat(beat) => {
                let heed = agent.core.on_heartbeat(beat.clone(), tb);
                if matches!(heed, Heed::New | Heed::TimeTravel) && is_sudden(&beat) {
                    self.report_at_once(place);
                }
            }
            Message::Beacon(console, nonce) => {
                agent.core.on_beacon(Via::Peer(ids::member(peer)), console, nonce, tb);
            }
            Message::Goodbye => self.links[link].close(end),
            _ => {}
        }
    }

    fn console_says(&mut self, place: usize, console: usize, link: LinkId, message: Message) {
        let id = self.consoles[console].id;
        let tb = self.members[place].tb(self.now);
        let Some(agent) = &mut self.members[place].agent else { return };
        let core = &mut agent.core;
        match message {
            Message::Beacon(_, nonce) => {
                if core.on_beacon(Via::Console, id, nonce, tb) == Spread::Pass {
                    self.pass_beacon(place, &Message::Beacon(id, nonce));
                }
            }
            Message::Poll(every_ms) => self.oracle.poll_ms[link] = every_ms.clamp(250, 10_000),
            Message::LeaseRequest(request) => {
                let answer = core.lease_request(id, &request, tb);
                self.send(link, End::Acceptor, Message::LeaseAnswer(Box::new(answer)));
            }
            Message::LeaseRelease(nonce) => core.lease_release(id, ids::POOL, nonce),
            Message::IntentPut(intent) => {
                let nonce = intent.nonce;
                if matches!(core.intent_put(id, *intent, tb), Put::Stored | Put::Known) {
                    self.send(link, End::Acceptor, Message::IntentStored(nonce));
                }
            }
            Message::IntentClose(_, nonce) => core.intent_close(ids::POOL, nonce),
            Message::RecordPut(noted) => {
                core.record_put(noted, tb);
            }
            Message::RecordsGet => {
                let records = core.records(ids::POOL, tb);
                let head = core.records_head(ids::POOL);
                self.send(link, End::Acceptor, Message::Records(Box::new(records), head));
            }
            Message::DocsPut(docs, roster_version) => self.relay_takes_docs(place, &docs, roster_version),
            Message::DocsGet => {
                let disk = &self.members[place].disk;
                let answer = Message::DocsPut(std::rc::Rc::clone(&disk.docs), disk.roster_version);
                self.send(link, End::Acceptor, answer);
            }
            Message::Role(epoch, active) => core.on_role(frame::Role { pool: ids::POOL, epoch, active }),
            Message::Goodbye => {
                self.links[link].close(End::Acceptor);
                core.detach(id);
            }
            Message::Beat(_)
            | Message::Report(_)
            | Message::LeaseAnswer(_)
            | Message::IntentStored(_)
            | Message::Records(..) => {}
        }
    }

    fn relay_takes_docs(&mut self, place: usize, docs: &std::rc::Rc<Docs>, roster_version: u64) {
        let disk = &mut self.members[place].disk;
        if docs.policy_version > disk.docs.policy_version {
            disk.docs = std::rc::Rc::clone(docs);
        }
        disk.roster_version = disk.roster_version.max(roster_version);
        let delay = disk.docs.settings.delay();
        if let Some(agent) = &mut self.members[place].agent {
            agent.core.set_delay(delay);
        }
    }

    fn pass_beacon(&mut self, place: usize, beacon: &Message) {
        for other in 0..self.members.len() {
            if other == place {
                continue;
            }
            let (link, end) = (self.peer_link(place, other), Self::end_of_voter(place, other));
            if self.links[link].is_open(end) {
                self.send(link, end, beacon.clone());
            }
        }
    }

    pub(super) fn on_service(&mut self, place: usize, generation: u32, due: Due) {
        if self.members[place].service.generation() != generation || !self.members[place].powered {
            return;
        }
        // A frozen host's HAProxy is frozen as well; a stopped agent sees it later.
        if let Err(until) = self.members[place].awake(self.now) {
            self.queue.push(until, Event::Service(place, generation, due));
            return;
        }
        let (later, changed) = self.members[place].service.on_due(due);
        for (ms, due) in later {
            self.queue.push(self.now + ms, Event::Service(place, generation, due));
        }
        if changed {
            let judged = self.members[place].service.judged();
            self.tell(Node::Member(place), format!("HAProxy judged {judged:?}"));
            self.beat_now(place, None);
        }
    }

    /// The newest heartbeat of `about` that a relay holds.
    pub(super) fn held(&self, relay: usize, about: usize) -> Option<&Beat> {
        let agent = self.members[relay].agent.as_ref()?;
        agent.core.observer().heard(ids::member(about)).map(|heard| &heard.beat)
    }
}

/// News that a relay tells at once instead of in its rhythm.
fn is_sudden(beat: &Beat) -> bool {
    beat.heartbeat.says_down() || beat.heartbeat.goodbye.is_some()
}

fn peer_order(roster: &docs::Roster, place: usize) -> Vec<model::MemberId> {
    peers::order(roster, ids::member(place))
}
