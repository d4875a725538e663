//! The agent's side of an enrolment.

use model::{ConsoleId, FleetId, MemberId};

use super::{AgentCard, ConsoleCard, EnrolMessage, Secret, Welcomed};
use crate::check::{Refusal, Status};
use crate::docs::{Shelf, SignedDoc};
use crate::key::PublicKey;
use crate::scram::{Binding, ClientFirst, ClientProven, ScramError};

/// The agent's state. Each message moves it one step; after an end it refuses everything.
pub struct Joiner {
    card: AgentCard,
    peer_key: PublicKey,
    state: State,
}

enum State {
    Challenge(ClientFirst),
    Proof(ClientProven, ConsoleCard),
    Admission(ConsoleCard),
    Ended,
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub enum JoinerStep {
    /// Send this and wait.
    Send(EnrolMessage),
    /// Wait for the next message.
    Wait,
    /// It is in: persist, destroy the secret, then send [`EnrolMessage::Joined`].
    Pinned(Box<Pinned>),
    /// It stays out; the channel ends.
    Refused(Refusal),
}

/// What an enrolled agent keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinned {
    /// Its fleet.
    pub fleet: FleetId,
    /// Its id.
    pub member: MemberId,
    /// The console that let it in.
    pub console: ConsoleId,
    /// That console's key.
    pub console_key: PublicKey,
    /// The roster that lists both, verified.
    pub roster: SignedDoc,
}

impl Joiner {
    /// Starts; gives the first message. `binding` is this channel's exporter, `peer_key` the key that the other side
    /// proved in TLS, `nonce` random.
    pub fn start(
        secret: &Secret,
        binding: [u8; 32],
        peer_key: PublicKey,
        card: AgentCard,
        nonce: &[u8; 18],
    ) -> (Self, EnrolMessage) {
        let binding = Binding::tls_exporter(binding);
        let (client, text) =
            ClientFirst::start(&secret.selector(), secret.expose().as_bytes(), &hex::encode(nonce), binding);
        (Self { card, peer_key, state: State::Challenge(client) }, EnrolMessage::ClientFirst { text })
    }

    /// Takes one message of the console.
    pub fn step(&mut self, message: EnrolMessage) -> JoinerStep {
        let state = std::mem::replace(&mut self.state, State::Ended);
        match (state, message) {
            (State::Ended, _) => refuse("this enrolment has ended"),
            (_, EnrolMessage::Refused(refusal)) => JoinerStep::Refused(refusal),
            (state, EnrolMessage::Unknown) => {
                self.state = state;
                JoinerStep::Wait
            }
            (State::Challenge(client), EnrolMessage::ServerFirst { text }) => {
                self.on_challenge(client, &text)
            }
            (State::Proof(client, card), EnrolMessage::ServerFinal { text }) => {
                match client.on_server_final(&text) {
                    Ok(()) => {
                        self.state = State::Admission(card);
                        JoinerStep::Wait
                    }
                    Err(error) => refuse(format!("the console did not prove the secret: {error}")),
                }
            }
            (State::Admission(console), EnrolMessage::Admitted(welcomed)) => {
                self.on_admitted(&console, welcomed)
            }
            (State::Challenge(_) | State::Proof(..) | State::Admission(_), _) => {
                refuse("the console's message came out of turn")
            }
        }
    }

    fn on_challenge(&mut self, client: ClientFirst, text: &str) -> JoinerStep {
        let (client, extension) = match client.on_server_first(text) {
            Ok(read) => read,
            Err(error) => return refuse(error.to_string()),
        };
        let Ok(console) = serde_json::from_slice::<ConsoleCard>(&extension) else {
            return refuse("the console's card cannot be read");
        };
        if console.key != self.peer_key {
            return refuse(ScramError::Binding.to_string());
        }
        let card = serde_json::to_vec(&self.card).expect("a card has string keys and no failing serializer");
        let (client, text) = client.prove(&card);
        self.state = State::Proof(client, console);
        JoinerStep::Send(EnrolMessage::ClientFinal { text })
    }

    fn on_admitted(&self, console: &ConsoleCard, welcomed: Welcomed) -> JoinerStep {
        let Welcomed { member, roster } = welcomed;
        let shelf = match Shelf::anchored(console.fleet, roster.clone()) {
            Ok(shelf) => shelf,
            Err(error) => return refuse(format!("the console's roster does not hold: {error}")),
        };
        let content = &shelf.roster().expect("an anchored shelf has a roster").content;
        if content.member(member).is_none_or(|entry| entry.key != self.card.key) {
            return refuse("the console's roster does not list this agent's key");
        }
        if content.console(console.console).is_none_or(|entry| entry.key != console.key) {
            return refuse("the console's roster does not list the console itself");
        }
        JoinerStep::Pinned(Box::new(Pinned {
            fleet: console.fleet,
            member,
            console: console.console,
            console_key: console.key,
            roster,
        }))
    }
}

fn refuse(message: impl Into<String>) -> JoinerStep {
    JoinerStep::Refused(Refusal::new(Status::Unknown, message))
}
