//! Those who call while the agent waits to be enrolled. Each is spoken with on its own, so that one who stalls keeps
//! nobody out.

use std::sync::Arc;

use link::{Acceptor, Channel, Timeouts};
use protocol::check::{Offer, Refusal, Status};
use protocol::enrol::{AgentCard, EnrolMessage, Joiner, JoinerStep, Pinned, Secret};
use protocol::frame::{HelloRole, Welcome};
use protocol::{Frame, limits as wire};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::limits::{
    ENROL_CALL_DEADLINE, HANDSHAKE_DEADLINE, HANDSHAKES_MAX, HANDSHAKES_PER_ADDRESS_MAX, HANDSHAKES_RATE,
    PACED_ADDRESSES_MAX,
};
use crate::pace::{Crowd, Paces};
use crate::sense::clock::{Clock, SystemClock};

/// What came of a call.
#[derive(Debug)]
pub(super) enum Heard {
    /// Somebody called to enrol this agent.
    Called(String),
    /// The call led nowhere.
    Refused {
        /// Who called.
        from: String,
        /// What held before it.
        accepted: Vec<&'static str>,
        /// Why.
        refusal: Refusal,
    },
    /// The console has proven the secret and let the agent in.
    Pinned {
        /// What to keep.
        pinned: Box<Pinned>,
        /// To be told once it is kept.
        confirm: Confirm,
    },
}

/// The open call of the console that let the agent in.
#[derive(Debug)]
pub(super) struct Confirm(Channel);

impl Confirm {
    /// Tells the console that everything is kept. Should the word get lost, the console finds the agent running.
    pub(super) async fn confirm(mut self) {
        let said = self.0.send(&Frame::Enrol(EnrolMessage::Joined)).await;
        if said.is_ok() {
            // The console closes; until then the word may still be on its way.
            let _ = timeout(HANDSHAKE_DEADLINE, self.0.recv::<Frame>()).await;
        }
    }
}

/// Listens and speaks with every caller.
pub(super) struct Callers {
    heard: mpsc::Receiver<Heard>,
    card: AgentCard,
    /// Aborted when dropped, and with them every copy of the secret.
    tasks: JoinSet<()>,
}

#[derive(Clone)]
struct Desk {
    acceptor: Acceptor,
    secret: Secret,
    card: AgentCard,
    heard: mpsc::Sender<Heard>,
}

impl Callers {
    pub(super) fn listen(
        listeners: Vec<TcpListener>,
        identity: &link::Identity,
        secret: Secret,
        card: AgentCard,
    ) -> Self {
        let timeouts = Timeouts { connect: HANDSHAKE_DEADLINE, handshake: HANDSHAKE_DEADLINE };
        let (sender, heard) = mpsc::channel(HANDSHAKES_MAX);
        let desk =
            Desk { acceptor: Acceptor::new(identity, timeouts), secret, card: card.clone(), heard: sender };
        let mut tasks = JoinSet::new();
        for listener in listeners {
            tasks.spawn(desk.clone().listen(listener));
        }
        Self { heard, card, tasks }
    }

    pub(super) fn card(&self) -> &AgentCard {
        &self.card
    }

    /// Stops listening. An aborted task gives its socket back only once it has been dropped, and the service that
    /// starts next needs the port.
    pub(super) async fn end(mut self) {
        self.tasks.shutdown().await;
    }

    pub(super) async fn next(&mut self) -> Heard {
        match self.heard.recv().await {
            Some(heard) => heard,
            // The listening tasks hold senders for as long as `self` lives.
            None => std::future::pending().await,
        }
    }
}

impl Desk {
    async fn listen(self, listener: TcpListener) {
        let places = Arc::new(Semaphore::new(HANDSHAKES_MAX));
        let mut paces = Paces::new(HANDSHAKES_RATE, PACED_ADDRESSES_MAX);
        let crowd = Crowd::new(HANDSHAKES_PER_ADDRESS_MAX);
        // Its tasks end with this one.
        let mut calls = JoinSet::new();
        loop {
            let Ok((stream, address)) = listener.accept().await else {
                tokio::time::sleep(HANDSHAKE_DEADLINE).await;
                continue;
            };
            while calls.try_join_next().is_some() {}
            if !paces.take(address.ip(), SystemClock.boottime()) {
                continue;
            }
            let place = Arc::clone(&places).try_acquire_owned();
            let (Ok(place), Some(inside)) = (place, crowd.enter(address.ip())) else { continue };
            let desk = self.clone();
            calls.spawn(async move {
                let _ = timeout(ENROL_CALL_DEADLINE, desk.speak(stream)).await;
                drop((place, inside));
            });
        }
    }

    async fn speak(&self, stream: TcpStream) -> Option<()> {
        let mut link = self.acceptor.accept(stream).await.ok()?;
        let from = link.peer_ip()?.to_string();
        let Frame::Hello(hello) = link.recv::<Frame>().await.ok()? else { return None };
        if hello.role != HelloRole::Enrol {
            let refusal =
                Refusal::new(Status::Conflict, "this agent waits to be enrolled and does nothing else");
            link.send(&Frame::Refused(refusal)).await.ok()?;
            return None;
        }
        link.set_limit(wire::FRAME_BYTES_ENROLLING_MAX);
        link.send(&Frame::Welcome(self.welcome(&link))).await.ok()?;
        self.heard.send(Heard::Called(from.clone())).await.ok()?;
        let heard = match self.join(&mut link).await {
            Ok(pinned) => Heard::Pinned { pinned, confirm: Confirm(link) },
            Err(refusal) => Heard::Refused { from, accepted: accepted_before(&refusal), refusal },
        };
        self.heard.send(heard).await.ok()
    }

    fn welcome(&self, link: &Channel) -> Welcome {
        Welcome {
            member: None,
            version: env!("CARGO_PKG_VERSION").into(),
            roster_version: 0,
            hostname: self.card.hostname.clone(),
            seen_from: link.peer_ip(),
            heartbeats_alone: None,
        }
    }

    async fn join(&self, link: &mut Channel) -> Result<Box<Pinned>, Refusal> {
        let broke = |error: link::LinkError| {
            Refusal::new(Status::Conflict, format!("the call broke off: {}", crate::log::chain(&error)))
        };
        let mut nonce = [0; 18];
        getrandom::fill(&mut nonce)
            .map_err(|error| Refusal::new(Status::Conflict, format!("no random numbers here: {error}")))?;
        let (mut joiner, first) =
            Joiner::start(&self.secret, link.exporter(), link.peer_key(), self.card.clone(), &nonce);
        link.send(&Frame::Enrol(first)).await.map_err(broke)?;
        loop {
            let frame = link.recv::<Frame>().await.map_err(broke)?;
            if let Frame::Refused(refusal) = frame {
                return Err(refusal);
            }
            let Frame::Enrol(message) = frame else {
                let words = "the caller said something else than enrolment";
                return Err(Refusal::new(Status::Conflict, words));
            };
            match joiner.step(message) {
                JoinerStep::Send(message) => link.send(&Frame::Enrol(message)).await.map_err(broke)?,
                JoinerStep::Wait => {}
                JoinerStep::Pinned(pinned) => return Ok(pinned),
                JoinerStep::Refused(refusal) => return Err(refusal),
            }
        }
    }
}

/// The checks come in a fixed order, so a refusal tells what held before it.
fn accepted_before(refusal: &Refusal) -> Vec<&'static str> {
    match &refusal.offer {
        Some(Offer::AllowSource(_)) => vec!["secret accepted"],
        Some(Offer::AcceptHostname(_)) => vec!["secret accepted", "source allowed"],
        None => Vec::new(),
    }
}
