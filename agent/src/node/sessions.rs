//! Links as the node keeps them: who may have one, which of two stays, and what goes out over them.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use model::haproxy::Down;
use model::{MemberId, Span, Time};
use protocol::check::{self, Refusal, Status, Taken};
use protocol::frame::{Hello, HelloRole, Welcome};
use protocol::relay::serve::{self, Reply};
use protocol::{Frame, PublicKey, limits as wire, peers};
use tokio::sync::mpsc;

use super::reports::Reports;
use super::{Admission, Knock, Node};
use crate::limits;
use crate::session::{DialledBy, SessionId, Who};

/// One link.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) who: Who,
    pub(super) dialled_by: DialledBy,
    pub(super) address: SocketAddr,
    pub(super) opened: Time,
    pub(super) key: PublicKey,
    pub(super) hostname: Option<String>,
    /// What is taken from a peer over it.
    pub(super) taken: Taken,
    outbox: mpsc::Sender<Frame>,
    pub(super) last_frame: Time,
    pub(super) reports: Reports,
}

/// What both ends of a new link are known by.
#[derive(Debug)]
pub(super) struct Met {
    pub(super) who: Who,
    pub(super) dialled_by: DialledBy,
    pub(super) address: SocketAddr,
    pub(super) key: PublicKey,
    pub(super) hostname: Option<String>,
    pub(super) taken: Taken,
}

/// A peer link over which nothing came for this long is dead: heartbeats come once a second.
const PEER_SILENT: Span = wire::HEARD_NOW;
impl Node {
    pub(super) fn on_knock(&mut self, knock: Knock) {
        let now = self.now();
        let answer = self.judge(&knock.hello, &knock.key, knock.address, now).map(|(who, taken)| {
            let welcome = self.welcome(knock.address, &taken);
            let met = Met {
                who,
                dialled_by: DialledBy::Them,
                address: knock.address,
                key: knock.key,
                hostname: knock.hello.hostname.clone(),
                taken,
            };
            let (id, outbox) = self.open(met, now);
            Admission { id, welcome, outbox }
        });
        match answer {
            Ok(admission) => {
                let id = admission.id;
                if knock.answer.send(Ok(admission)).is_err() {
                    self.sessions.remove(&id);
                    return;
                }
                self.after_open(id, now);
            }
            Err(refusal) => {
                self.refusals.note(now, knock.address.ip().to_canonical().to_string(), &refusal);
                let _ = knock.answer.send(Err(refusal));
            }
        }
    }

    /// The checks at the door: a console by its key, a member by key, source and hostname. With dynamic DNS a wrong source
    /// is let in for heartbeats alone.
    fn judge(
        &self,
        hello: &Hello,
        key: &PublicKey,
        address: SocketAddr,
        now: Time,
    ) -> Result<(Who, Taken), Refusal> {
        let roster = self.parts.core.roster().ok_or_else(|| {
            Refusal::new(Status::Unknown, "this agent has no roster yet; finish its enrolment")
        })?;
        match hello.role {
            HelloRole::Console => {
                let console = roster.console_by_key(key).ok_or_else(|| {
                    let words = format!(
                        "key {} is no console of fleet {} in roster {}; an owner can add it",
                        key.fingerprint(),
                        self.parts.identity.fleet.short(),
                        roster.version
                    );
                    Refusal::new(Status::Unknown, words)
                })?;
                self.check_room(key)?;
                Ok((Who::Console(console.id), Taken::All))
            }
            HelloRole::Member => {
                let hostname = hello.hostname.as_deref().unwrap_or_default();
                let follows = |member| self.parts.core.follows_address(member);
                let (member, taken) =
                    check::check_roaming_member(roster, key, address.ip(), hostname, follows)?;
                if member.id == self.parts.identity.member {
                    return Err(Refusal::new(
                        Status::Conflict,
                        "this is the agent's own key: it called itself",
                    ));
                }
                self.check_room(key)?;
                self.check_double(member.id, now)?;
                Ok((Who::Peer(member.id), taken))
            }
            HelloRole::Enrol => {
                let words = "this agent is enrolled already; run `balctl-agent enrol` on it to enrol it anew";
                Err(Refusal::new(Status::Conflict, words))
            }
        }
    }

    /// Whoever has a link already may always open another: the older one then gives way.
    fn check_room(&self, key: &PublicKey) -> Result<(), Refusal> {
        let known = self.sessions.values().any(|session| session.key == *key);
        if self.sessions.len() >= limits::SESSIONS_MAX && !known {
            return Err(Refusal::new(Status::TooMany, "too many links are open here; try again in a moment"));
        }
        Ok(())
    }

    /// One link per pair: of two, the one dialled by the smaller id stays, unless it is dead: a peer that lost its
    /// address knows that before this side does.
    fn check_double(&self, peer: MemberId, now: Time) -> Result<(), Refusal> {
        let me = self.parts.identity.member;
        let dialled = self.link_to(peer).is_some_and(|(_, session)| {
            session.dialled_by == DialledBy::Us && now.since(session.last_frame) <= PEER_SILENT
        });
        if dialled && peers::dialler_that_stays(me, peer) == me {
            return Err(Refusal::new(
                Status::Conflict,
                "a link between us is open already, dialled from here",
            ));
        }
        Ok(())
    }

    fn welcome(&self, address: SocketAddr, taken: &Taken) -> Welcome {
        Welcome {
            member: Some(self.parts.identity.member),
            version: env!("CARGO_PKG_VERSION").into(),
            roster_version: self.parts.core.shelf().roster_version(),
            hostname: self.parts.hostname.clone(),
            seen_from: Some(address.ip().to_canonical()),
            heartbeats_alone: match taken {
                Taken::All => None,
                Taken::HeartbeatsAlone(words) => Some(words.clone()),
            },
        }
    }

    /// Registers a link. An older one of the same peer, or the oldest of the same console, gives way to it.
    pub(super) fn open(&mut self, met: Met, now: Time) -> (SessionId, mpsc::Receiver<Frame>) {
        let kept = match met.who {
            Who::Peer(_) => 0,
            Who::Console(_) => limits::SESSIONS_PER_CONSOLE_MAX - 1,
        };
        let mut older = self.ids_of(|who| who == met.who);
        older.truncate(older.len().saturating_sub(kept));
        for id in older {
            self.hang_up(id, "another link between us is open");
        }
        self.sessions_opened += 1;
        let id = SessionId(self.sessions_opened);
        let (outbox, frames) = mpsc::channel(limits::OUTBOX_FRAMES);
        let with = self.name_of(met.who);
        let by = if met.dialled_by == DialledBy::Us { "us" } else { "it" };
        tracing::info!(%with, address = %met.address, "link open with {with} at {}, dialled by {by}", met.address);
        if let Taken::HeartbeatsAlone(words) = &met.taken {
            tracing::warn!(%with, "{words}");
        }
        let session = Session {
            who: met.who,
            dialled_by: met.dialled_by,
            address: met.address,
            opened: now,
            key: met.key,
            hostname: met.hostname,
            taken: met.taken,
            outbox,
            last_frame: now,
            reports: match met.who {
                Who::Peer(_) => Reports::None,
                Who::Console(_) => Reports::WithBeat,
            },
        };
        self.sessions.insert(id, session);
        (id, frames)
    }

    /// What is said on a new link.
    pub(super) fn after_open(&mut self, id: SessionId, now: Time) {
        let Some(session) = self.sessions.get(&id) else { return };
        match session.who {
            Who::Peer(peer) => {
                self.dials.remove(&peer);
                if session.taken == Taken::All {
                    let ask = serve::ask_for_docs(&self.parts.core);
                    self.send(id, ask);
                }
                self.pass_newest_to(id, peer);
                self.beat_soon();
            }
            Who::Console(console) => {
                self.parts.core.attach(console);
                self.beacons.console_came(console);
                self.report_to(id, now);
            }
        }
    }

    pub(super) fn on_frame(&mut self, id: SessionId, frame: Frame) {
        let now = self.now();
        let roster_before = self.parts.core.shelf().roster_version();
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.last_frame = now;
        let (who, source) = (session.who, session.address.ip());
        if let (Who::Console(_), Frame::StatGet { number }) = (who, &frame) {
            return self.stat_get(id, *number);
        }
        let alone = session.taken != Taken::All;
        let (reply, sudden) = match who {
            Who::Console(console) => (serve::console(&mut self.parts.core, console, frame, now), false),
            Who::Peer(peer) => {
                if let Frame::Beacon(beacon) = &frame
                    && !alone
                {
                    self.beacons.passed_by(peer, *beacon);
                }
                let before = self.said_by(peer);
                if let Frame::Refused(refusal) = &frame {
                    let by = format!("{} refused us", self.name_of(who));
                    self.refusals.note(now, by, refusal);
                }
                let beats = matches!(frame, Frame::Heartbeat(_));
                let core = &mut self.parts.core;
                let reply = if alone {
                    serve::heartbeats_alone(core, peer, source, frame, now)
                } else {
                    serve::peer(core, peer, frame, now)
                };
                if beats && !reply.frames.iter().any(|frame| matches!(frame, Frame::Refused(_))) {
                    core.on_source(peer, source, now);
                }
                (reply, self.said_by(peer) != before)
            }
        };
        self.carry_out(id, who, reply, now);
        if self.parts.core.shelf().roster_version() != roster_before {
            self.on_new_roster();
        }
        if sudden {
            self.report_at_once(now);
        }
    }

    fn carry_out(&mut self, id: SessionId, who: Who, reply: Reply, now: Time) {
        if let Some(every_ms) = reply.poll_ms {
            self.set_rhythm(id, Span::from_ms(every_ms.into()), now);
        }
        if let Some(beacon) = reply.pass_on {
            self.pass_on(beacon);
        }
        for frame in &reply.frames {
            if let Frame::Refused(refusal) = frame {
                self.refusals.note(now, self.name_of(who), refusal);
            }
        }
        if reply.close {
            // A refusal confirms nothing, so it need not wait for the disk.
            for frame in reply.frames {
                self.send(id, frame);
            }
            self.forget(id);
        } else {
            self.answer(id, reply.frames, now);
        }
        if reply.news {
            self.report_at_once(now);
        }
    }

    /// What matters at once in a peer's newest heartbeat: its service, its goodbye, whom it testifies about.
    fn said_by(&self, peer: MemberId) -> Option<(Down, bool, Vec<MemberId>)> {
        let heartbeat = &self.parts.core.observer().heard(peer)?.beat.heartbeat;
        let about = heartbeat.testimonies.iter().map(|one| one.about).collect();
        Some((heartbeat.haproxy.down, heartbeat.goodbye.is_some(), about))
    }

    /// Links that the new roster does not allow any more end at once.
    fn on_new_roster(&mut self) {
        let Some(roster) = self.parts.core.roster().cloned() else { return };
        tracing::info!(version = roster.version, "going by roster {} from now on", roster.version);
        if roster.member(self.parts.identity.member).is_none() {
            tracing::error!(
                version = roster.version,
                "this member was removed from the fleet; peers will refuse it"
            );
        }
        self.judge_again(&roster, |_| true);
        self.dials.retain(|peer, _| roster.member(*peer).is_some());
        self.beat_soon();
    }

    pub(super) fn on_ended(&mut self, id: SessionId, words: &str) {
        if let Some(session) = self.sessions.get(&id) {
            let with = self.name_of(session.who);
            tracing::info!(%with, reason = words, "link with {with} ended: {words}");
        }
        self.forget(id);
    }

    /// Puts a frame into a link's outbox. A full one means that the other side does not read: the link ends.
    pub(super) fn send(&mut self, id: SessionId, frame: Frame) {
        let Some(session) = self.sessions.get(&id) else { return };
        if session.outbox.try_send(frame).is_err() {
            let with = self.name_of(session.who);
            tracing::warn!(%with, "link with {with} dropped: its other side does not read");
            self.forget(id);
        }
    }

    pub(super) fn hang_up(&mut self, id: SessionId, reason: &str) {
        self.send(id, Frame::Goodbye { reason: reason.into() });
        self.forget(id);
    }

    /// Says a last word on every link; they stay counted until their tasks have ended.
    pub(super) fn hang_up_all(&mut self, reason: &str) {
        for session in self.sessions.values_mut() {
            let _ = session.outbox.try_send(Frame::Goodbye { reason: reason.into() });
            // The task ends once the outbox is empty and nobody can fill it.
            session.outbox = mpsc::channel(1).0;
        }
    }

    /// Drops a link: its task still sends what is in the outbox.
    pub(super) fn forget(&mut self, id: SessionId) {
        let Some(session) = self.sessions.remove(&id) else { return };
        match session.who {
            Who::Console(console) => {
                if self.ids_of(|who| who == Who::Console(console)).is_empty() {
                    self.parts.core.detach(console);
                    self.beacons.console_went(console);
                }
            }
            Who::Peer(peer) => self.dial_again(peer),
        }
    }

    /// Ends links over which nothing came for long: the other side is gone and did not say so.
    pub(super) fn hang_up_the_silent(&mut self, now: Time) {
        let idle = Span::from_ms(limits::SESSION_IDLE.as_millis() as u64);
        let silent: Vec<_> = self
            .sessions
            .iter()
            .filter(|(_, session)| now.since(session.last_frame) > idle)
            .map(|(id, _)| *id)
            .collect();
        for id in silent {
            self.hang_up(id, "nothing was heard for too long");
        }
        let wanted: BTreeSet<_> = self.wanted(now).into_iter().collect();
        let surplus = |session: &Session| match session.who {
            Who::Peer(peer) => session.dialled_by == DialledBy::Us && !wanted.contains(&peer),
            Who::Console(_) => false,
        };
        let surplus: Vec<_> =
            self.sessions.iter().filter(|(_, session)| surplus(session)).map(|(id, _)| *id).collect();
        for id in surplus {
            self.hang_up(id, "this link is no longer needed");
        }
    }

    /// The link to a peer, if there is one.
    pub(super) fn link_to(&self, peer: MemberId) -> Option<(SessionId, &Session)> {
        self.sessions.iter().find(|(_, session)| session.who == Who::Peer(peer)).map(|(id, one)| (*id, one))
    }

    pub(super) fn ids_of(&self, chosen: impl Fn(Who) -> bool) -> Vec<SessionId> {
        self.sessions.iter().filter(|(_, session)| chosen(session.who)).map(|(id, _)| *id).collect()
    }

    /// Somebody's name in the roster, else the short id.
    pub(super) fn name_of(&self, who: Who) -> String {
        let roster = self.parts.core.roster();
        match who {
            Who::Peer(id) => roster
                .and_then(|roster| roster.member(id))
                .map_or_else(|| id.short(), |entry| entry.name.clone()),
            Who::Console(id) => roster
                .and_then(|roster| roster.console(id))
                .map_or_else(|| id.short(), |entry| entry.name.clone()),
        }
    }
}
