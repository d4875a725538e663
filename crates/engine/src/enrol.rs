//! The console's side of an enrolment: call the invited VM, prove the secret to each other inside TLS, sign the VM into
//! the roster, and wait for its first heartbeat. The proof itself is `protocol::enrol`'s.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "an enrolment takes the few frames of its own turn and no other"
)]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use api::request::Template;
use api::{ApiError, Call, Progress, ProgressState};
use link::{Channel, LinkError, Pin, Timeouts};
use model::{Code, MemberId};
use protocol::check::{Offer, Refusal, Status};
use protocol::docs::{MemberEntry, Part, SignedDoc};
use protocol::enrol::{Admitter, AdmitterStep, AgentCard, ConsoleCard, Door, EnrolMessage, Enrolment, Term};
use protocol::frame::{Frame, Hello, HelloRole};
use store::{Invitation, Spent};

use crate::clock;
use crate::inner::Inner;

/// How long one answer of the agent may take.
const ANSWER: Duration = Duration::from_secs(15);
/// How long a VM is called that does not answer yet.
const CALLING: Duration = Duration::from_mins(1);
/// How long the first heartbeat may take after the secret was accepted.
const FIRST_HEARTBEAT: Duration = Duration::from_mins(1);

/// One enrolment under way.
pub(crate) struct Enrolling<'a> {
    pub(crate) inner: &'a Arc<Inner>,
    pub(crate) call: &'a Call,
    pub(crate) invitation: Invitation,
    pub(crate) enrolment: Enrolment,
    pub(crate) address: SocketAddr,
    pub(crate) patience: Duration,
    began: Instant,
}

impl<'a> Enrolling<'a> {
    pub(crate) fn new(
        inner: &'a Arc<Inner>,
        call: &'a Call,
        invitation: Invitation,
        enrolment: Enrolment,
        address: SocketAddr,
        patience: Option<Duration>,
    ) -> Self {
        let patience = patience.unwrap_or(CALLING);
        Self { inner, call, invitation, enrolment, address, patience, began: Instant::now() }
    }

    /// Runs the whole enrolment and gives the new member's id.
    pub(crate) async fn run(mut self) -> Result<MemberId, ApiError> {
        let channel = self.step("relay-answers", "the agent's relay answers", self.reach_agent()).await?;
        let agent = self.admit(channel).await?;
        let heard = self.wait_for_heartbeat();
        self.step("first-heartbeat", "the first heartbeat arrives", heard).await?;
        tracing::info!(member = %self.enrolment.name, key = %agent.key.fingerprint(), "enrolled");
        Ok(self.enrolment.member)
    }

    async fn step<T>(
        &self,
        name: &str,
        words: &str,
        work: impl Future<Output = Result<T, ApiError>>,
    ) -> Result<T, ApiError> {
        self.report(name, ProgressState::Running, words);
        let result = work.await;
        match &result {
            Ok(_) => self.report(name, ProgressState::Done, words),
            Err(error) => self.report(name, ProgressState::Failed, &error.message),
        }
        result
    }

    fn report(&self, step: &str, state: ProgressState, words: &str) {
        let at_ms = self.began.elapsed().as_millis() as u64;
        self.call.report(Progress { step: step.to_owned(), state, words: words.to_owned(), at_ms });
    }

    /// Calls until somebody answers: the agent may be started after the console began to call.
    async fn reach_agent(&self) -> Result<Channel, ApiError> {
        let identity = link::Identity::new(&self.inner.fleet.key).map_err(|error| unreachable(&error))?;
        let deadline = Instant::now() + self.patience;
        loop {
            let error = match self.greet(&identity).await {
                Ok(channel) => return Ok(channel),
                Err(error) => error,
            };
            let lasting = error.code != Code::Unreachable;
            if lasting || Instant::now() >= deadline {
                return Err(error);
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    async fn greet(&self, identity: &link::Identity) -> Result<Channel, ApiError> {
        let dialled = link::connect(self.address, identity, Pin::AnyForEnrolment, Timeouts::default()).await;
        let mut channel = dialled.map_err(|error| unreachable(&error))?;
        channel.set_limit(protocol::limits::FRAME_BYTES_ENROLLING_MAX);
        let hello = Hello {
            role: HelloRole::Enrol,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            roster_version: 0,
            hostname: None,
        };
        channel.send(&Frame::Hello(hello)).await.map_err(|error| unreachable(&error))?;
        match receive(&mut channel).await? {
            Frame::Welcome(welcome) if welcome.member.is_some() => Err(ApiError::new(
                Code::Conflict,
                format!(
                    "the agent at {} is enrolled already; run `balctl-agent enrol` there to enrol it anew",
                    self.address
                ),
            )),
            Frame::Welcome(_) => Ok(channel),
            Frame::Refused(refusal) => Err(refused(&refusal)),
            _ => Err(out_of_turn()),
        }
    }

    async fn admit(&mut self, mut channel: Channel) -> Result<AgentCard, ApiError> {
        let fleet = &self.inner.fleet;
        let over = clock::wall_ms() >= self.invitation.expires_ms;
        let door = Door {
            binding: channel.exporter(),
            peer_key: channel.peer_key(),
            source: channel.peer_ip().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
            term: if over { Term::Over } else { Term::Open },
        };
        let card = ConsoleCard { fleet: fleet.id, console: fleet.console, key: fleet.key.public() };
        let mut admitter = Admitter::new(self.enrolment.clone(), door, card, &crate::random::bytes());
        self.report("secret-accepted", ProgressState::Running, "both sides prove the secret to each other");
        loop {
            let message = match receive(&mut channel).await? {
                Frame::Enrol(message) => message,
                Frame::Refused(refusal) => return Err(self.failed(&refusal)),
                Frame::Goodbye { reason } => return Err(ApiError::new(Code::Unreachable, reason)),
                _ => continue,
            };
            if let EnrolMessage::Refused(refusal) = &message {
                return Err(self.failed(refusal));
            }
            match admitter.step(message) {
                AdmitterStep::Wait => {}
                AdmitterStep::Send(message) => send(&mut channel, message).await?,
                AdmitterStep::Proven { send: proof, agent } => {
                    self.proven(&mut channel, &mut admitter, proof, &agent).await?;
                }
                AdmitterStep::Done(admitted) => {
                    self.report(
                        "service-started",
                        ProgressState::Done,
                        "the agent has stored everything and starts its service",
                    );
                    return Ok(admitted.agent);
                }
                AdmitterStep::Refuse { send: message, refusal, counted } => {
                    let _ = send(&mut channel, message).await;
                    if counted {
                        self.count_try(admitter.enrolment())?;
                    }
                    return Err(self.failed(&refusal));
                }
            }
        }
    }

    /// The agent proved the secret and passed the checks: spend the secret, sign the agent in, tell it.
    async fn proven(
        &self,
        channel: &mut Channel,
        admitter: &mut Admitter,
        proof: EnrolMessage,
        agent: &AgentCard,
    ) -> Result<(), ApiError> {
        for (name, words) in [
            ("secret-accepted", "the secret is accepted by both sides"),
            ("source-allowed", "the source address is allowed"),
            ("hostname-equal", "the hostname is the enrolled one"),
        ] {
            self.report(name, ProgressState::Done, words);
        }
        send(channel, proof).await?;
        let address = self.published_address(agent)?;
        // Spent before anything is signed: a secret is never good for a second agent, not even for one that proves it
        // at the same moment, and not if we stop right here.
        match self.inner.store.spend_invitation(&self.invitation.id, clock::wall_ms()) {
            Ok(Spent::Now) => self.forget_tries(),
            Ok(Spent::Before | Spent::Unknown) => {
                return Err(ApiError::new(Code::Conflict, "this secret was used already; make a new one"));
            }
            Ok(Spent::Expired) => {
                return Err(ApiError::new(Code::Unauthorized, "this secret is past its 24 hours"));
            }
            Err(error) => {
                return Err(ApiError::internal("the spent secret could not be noted").because(&error));
            }
        }
        let roster = self.sign_in(agent, address)?;
        let admitted = admitter.admit(roster).ok_or_else(out_of_turn)?;
        send(channel, admitted).await?;
        self.inner.documents_changed();
        self.report(
            "service-started",
            ProgressState::Running,
            "the agent stores everything and starts its service",
        );
        Ok(())
    }

    fn count_try(&self, enrolment: &Enrolment) -> Result<(), ApiError> {
        let json = serde_json::to_string(enrolment)
            .map_err(|error| ApiError::internal("the enrolment cannot be written").because(&error))?;
        let kept = self.inner.store.set_setting(&enrolment_key(&self.invitation.id), Some(&json));
        kept.map_err(|error| ApiError::internal("the failed try could not be noted").because(&error))
    }

    /// The counted tries hold the verifier, which goes with the secret.
    fn forget_tries(&self) {
        if let Err(error) = self.inner.store.set_setting(&enrolment_key(&self.invitation.id), None) {
            tracing::warn!("the verifier of a spent secret could not be deleted: {}", crate::chain(&error));
        }
    }

    fn failed(&self, refusal: &Refusal) -> ApiError {
        let step = match refusal.status {
            Status::Forbidden if matches!(refusal.offer, Some(Offer::AcceptHostname(_))) => "hostname-equal",
            Status::Forbidden => "source-allowed",
            _ => "secret-accepted",
        };
        self.report(step, ProgressState::Failed, &refusal.message);
        refused(refusal)
    }

    fn published_address(&self, agent: &AgentCard) -> Result<Ipv4Addr, ApiError> {
        let said = self.invitation.address.as_deref().and_then(|text| text.parse().ok());
        let dialled = match self.address.ip().to_canonical() {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        };
        said.or(agent.ip).or(dialled).ok_or_else(|| {
            ApiError::invalid(
                "the VM's public IPv4 is not known: invite it with an address, or set BALCTL_DECLARE_IP",
            )
        })
    }

    fn sign_in(&self, agent: &AgentCard, address: Ipv4Addr) -> Result<SignedDoc, ApiError> {
        let invitation = &self.invitation;
        let entry = MemberEntry {
            id: invitation.member,
            key: agent.key,
            name: invitation.name.clone(),
            hostname: self.enrolment.hostname.clone(),
            address,
            sources: self.enrolment.sources.clone(),
            pool: invitation.pool,
            part: part_of(&invitation.template),
            priority: invitation.priority,
            relay: Some(self.address),
            witness_for: Vec::new(),
            place: None,
        };
        let signed = self.inner.fleet.change_roster(&**self.inner, |roster| {
            roster.members.retain(|member| member.id != entry.id);
            roster.members.push(entry);
            Ok(())
        });
        signed.map_err(|error| ApiError::internal(format!("the roster could not be signed: {error:#}")))
    }

    async fn wait_for_heartbeat(&self) -> Result<(), ApiError> {
        let deadline = Instant::now() + FIRST_HEARTBEAT;
        while Instant::now() < deadline {
            if self.inner.sightings().seen(self.enrolment.member).is_some() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let link = self.inner.link(self.enrolment.member);
        let why = link.filter(|link| !link.up).map_or_else(String::new, |link| format!(" ({})", link.words));
        Err(ApiError::new(
            Code::Unreachable,
            format!(
                "{} is enrolled, but no heartbeat arrived within 60 s{why}; look at \
                 `journalctl -u balctl-heartbeat.service` there",
                self.enrolment.name
            ),
        ))
    }
}

/// Where the enrolment of an invitation is kept while it is open: the tries that were counted.
pub(crate) fn enrolment_key(invitation: &str) -> String {
    format!("enrolment-{invitation}")
}

/// A template's word in the store.
pub(crate) const fn template_word(template: Template) -> &'static str {
    match template {
        Template::HaproxyEdge => "haproxy_edge",
        Template::GenericLinux => "generic_linux",
        Template::Witness => "witness",
    }
}

fn part_of(template: &str) -> Part {
    if template == template_word(Template::Witness) { Part::Witness } else { Part::Member }
}

async fn send(channel: &mut Channel, message: EnrolMessage) -> Result<(), ApiError> {
    channel.send(&Frame::Enrol(message)).await.map_err(|error| unreachable(&error))
}

async fn receive(channel: &mut Channel) -> Result<Frame, ApiError> {
    match tokio::time::timeout(ANSWER, channel.recv::<Frame>()).await {
        Ok(Ok(frame)) => Ok(frame),
        Ok(Err(error)) => Err(unreachable(&error)),
        Err(_) => Err(ApiError::new(Code::Unreachable, "the agent did not answer within 15 s")),
    }
}

fn unreachable(error: &LinkError) -> ApiError {
    ApiError::new(
        Code::Unreachable,
        "the agent's relay does not answer; if SSH does, port 7443 is likely closed in a firewall or cloud security group",
    )
    .with_detail(crate::chain(error))
}

fn out_of_turn() -> ApiError {
    ApiError::new(Code::Unreachable, "what answers there is no agent that waits to be enrolled")
}

/// A refusal with its own words.
pub(crate) fn refused(refusal: &Refusal) -> ApiError {
    let code = match refusal.status {
        Status::Unknown => Code::Unauthorized,
        Status::Forbidden => Code::Forbidden,
        Status::Conflict => Code::Conflict,
        Status::TooMany => Code::Throttled,
    };
    ApiError::new(code, refusal.message.clone())
}
