//! The console's side of an enrolment.

use super::{AgentCard, ConsoleCard, Door, EnrolMessage, Enrolment, Term, Welcomed};
use crate::check::{self, Refusal, Status};
use crate::docs::SignedDoc;
use crate::limits;
use crate::scram::{Binding, ScramError, ServerChallenged, ServerFirst};

/// The console's state for one try of one enrolment. Each message moves it one step.
pub struct Admitter {
    enrolment: Enrolment,
    door: Door,
    card: ConsoleCard,
    nonce: String,
    state: State,
}

enum State {
    First,
    Proof(Box<ServerChallenged>),
    Signing(Box<AgentCard>),
    Joining(Box<AgentCard>),
    Ended,
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub enum AdmitterStep {
    /// Send this and wait.
    Send(EnrolMessage),
    /// Wait for the next message.
    Wait,
    /// All checks hold: send this, sign the next roster with the agent in it, store it, then call [`Admitter::admit`].
    Proven {
        /// The server's proof.
        send: EnrolMessage,
        /// What the agent says of itself.
        agent: Box<AgentCard>,
    },
    /// The agent has stored everything: spend the secret.
    Done(Box<Admitted>),
    /// It stays out: send this, end the channel, and store the enrolment when the try counts.
    Refuse {
        /// To be sent.
        send: EnrolMessage,
        /// The same, for the console's own screen.
        refusal: Refusal,
        /// Whether [`Admitter::enrolment`] has changed and must be stored.
        counted: bool,
    },
}

/// An agent that got in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// What it says of itself.
    pub agent: AgentCard,
    /// The enrolment as it must be stored: spent, without its verifier.
    pub enrolment: Enrolment,
}

impl Admitter {
    /// Starts; the agent speaks first. `nonce` is random.
    pub fn new(enrolment: Enrolment, door: Door, card: ConsoleCard, nonce: &[u8; 18]) -> Self {
        Self { enrolment, door, card, nonce: hex::encode(nonce), state: State::First }
    }

    /// The enrolment with its tries counted.
    pub fn enrolment(&self) -> &Enrolment {
        &self.enrolment
    }

    /// Takes one message of the agent.
    pub fn step(&mut self, message: EnrolMessage) -> AdmitterStep {
        let state = std::mem::replace(&mut self.state, State::Ended);
        match (state, message) {
            (State::Ended, _) => self.refuse(Refusal::new(Status::Conflict, "this try has ended"), false),
            (state, EnrolMessage::Unknown) => {
                self.state = state;
                AdmitterStep::Wait
            }
            (State::First, EnrolMessage::ClientFirst { text }) => self.on_first(&text),
            (State::Proof(server), EnrolMessage::ClientFinal { text }) => self.on_proof(*server, &text),
            (State::Joining(agent), EnrolMessage::Joined) => {
                let used_by = Some(format!("{} (key {})", agent.hostname, agent.key.fingerprint()));
                let enrolment = Enrolment { verifier: None, used_by, ..self.enrolment.clone() };
                AdmitterStep::Done(Box::new(Admitted { agent: *agent, enrolment }))
            }
            (State::First | State::Proof(_) | State::Signing(_) | State::Joining(_), _) => {
                self.refuse(Refusal::new(Status::Conflict, "the agent's message came out of turn"), false)
            }
        }
    }

    /// Lets the proven agent in with the roster that lists it. None unless [`AdmitterStep::Proven`] came before.
    pub fn admit(&mut self, roster: SignedDoc) -> Option<EnrolMessage> {
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Signing(agent) => {
                self.state = State::Joining(agent);
                Some(EnrolMessage::Admitted(Welcomed { member: self.enrolment.member, roster }))
            }
            other @ (State::First | State::Proof(_) | State::Joining(_) | State::Ended) => {
                self.state = other;
                None
            }
        }
    }

    fn on_first(&mut self, text: &str) -> AdmitterStep {
        let name = &self.enrolment.name;
        if self.enrolment.tries >= limits::ENROL_TRIES_MAX {
            let words =
                format!("the secret of {name} was tried {} times; make a new one", self.enrolment.tries);
            return self.refuse(Refusal::new(Status::TooMany, words), false);
        }
        let first = match ServerFirst::read(text, Binding::tls_exporter(self.door.binding)) {
            Ok(first) => first,
            Err(error) => return self.refuse(Refusal::new(Status::Unknown, error.to_string()), true),
        };
        if first.user != self.enrolment.selector {
            return self.wrong_secret();
        }
        if let Some(used_by) = &self.enrolment.used_by {
            let words = format!("the secret of {name} was already used by {used_by}; make a new one");
            return self.refuse(Refusal::new(Status::Conflict, words), false);
        }
        let Some(verifier) = self.enrolment.verifier.clone() else {
            let words = format!("the enrolment of {name} is closed; make a new secret");
            return self.refuse(Refusal::new(Status::Conflict, words), false);
        };
        let card = serde_json::to_vec(&self.card).expect("a card has string keys and no failing serializer");
        let (server, text) = first.challenge(&verifier, &self.nonce, &card);
        self.state = State::Proof(Box::new(server));
        AdmitterStep::Send(EnrolMessage::ServerFirst { text })
    }

    fn on_proof(&mut self, server: ServerChallenged, text: &str) -> AdmitterStep {
        let (text, extension) = match server.on_client_final(text) {
            Ok(proven) => proven,
            Err(ScramError::Proof) => return self.wrong_secret(),
            Err(error @ (ScramError::Shape(_) | ScramError::Binding)) => {
                return self.refuse(Refusal::new(Status::Unknown, error.to_string()), true);
            }
        };
        let agent = match self.read_card(&extension).and_then(|agent| self.check(&agent).map(|()| agent)) {
            Ok(agent) => Box::new(agent),
            // It knows the secret: what is wrong can be put right, so the try does not count.
            Err(refusal) => return self.refuse(refusal, false),
        };
        self.state = State::Signing(agent.clone());
        AdmitterStep::Proven { send: EnrolMessage::ServerFinal { text }, agent }
    }

    fn read_card(&self, extension: &[u8]) -> Result<AgentCard, Refusal> {
        let unreadable = || Refusal::new(Status::Unknown, "the agent's card cannot be read");
        let agent: AgentCard = serde_json::from_slice(extension).map_err(|_| unreadable())?;
        let fits = (1..=limits::HOSTNAME_BYTES_MAX).contains(&agent.hostname.len())
            && agent.agent_version.len() <= limits::NAME_BYTES_MAX
            && agent.ssh_host_keys.len() <= limits::SSH_KEYS_MAX
            && agent.ssh_host_keys.iter().all(|key| key.len() <= limits::SSH_KEY_BYTES_MAX);
        if !fits {
            return Err(unreadable());
        }
        if agent.key != self.door.peer_key {
            return Err(Refusal::new(Status::Unknown, ScramError::Binding.to_string()));
        }
        Ok(agent)
    }

    fn check(&self, agent: &AgentCard) -> Result<(), Refusal> {
        check::check_source(&self.enrolment.sources, self.door.source, &self.enrolment.name)?;
        check::check_hostname(&self.enrolment.hostname, &agent.hostname)?;
        match self.door.term {
            Term::Open => Ok(()),
            Term::Over => {
                let words = format!(
                    "{} gave the secret of {} after its 24 hours; make a new one",
                    agent.hostname, self.enrolment.name
                );
                Err(Refusal::new(Status::Unknown, words))
            }
        }
    }

    fn wrong_secret(&mut self) -> AdmitterStep {
        let words = format!(
            "the secret given at {} is not the one made for {}; paste the 48 characters that were shown for it, \
             or make a new secret",
            crate::sources::unmapped(self.door.source),
            self.enrolment.name
        );
        self.refuse(Refusal::new(Status::Unknown, words), true)
    }

    fn refuse(&mut self, refusal: Refusal, counted: bool) -> AdmitterStep {
        if counted {
            self.enrolment.tries = self.enrolment.tries.saturating_add(1);
        }
        AdmitterStep::Refuse { send: EnrolMessage::Refused(refusal.clone()), refusal, counted }
    }
}
