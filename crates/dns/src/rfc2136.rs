//! Any name server that takes RFC 2136 updates signed with TSIG.
//!
//! Everything goes over TCP: a datagram may be repeated by the network, and an UPDATE that landed once would look like
//! a conflict to its sender. Reads ask the same server for all records of the names in one batch on one connection,
//! with the zone's SOA first and last; when its serial moved in between, the batch is read again.
//!
//! Who may be believed: an answer is taken only with our key's signature. An unsigned refusal is reported as such and
//! ends the operation, but it proves nothing, so the caller still reads before it concludes. A signed BADTIME carries
//! the server's clock; it corrects the time of signing, once per operation, and nothing else ever uses it.

use std::{
    fmt,
    net::SocketAddr,
    sync::atomic::{AtomicI64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use hickory_proto::{
    op::{Message, OpCode, ResponseCode},
    rr::{Name, RecordType},
};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use self::update::Update;
pub use crate::session::Timeouts;
use crate::{
    ARecord, Adoption, DnsError, Fqdn, Move, MoveOutcome, Names, Provider, ProviderFacts, ReadToken, Reading,
    Release, Sent, TtlChange,
    provider::{Scratch, ScratchWrite, SentFlag},
    session::Session,
    tsig::{SignedRequest, TsigKey},
    wire,
};

mod meaning;
mod update;

/// How often a batch is read again because the zone changed under it.
const TORN_READS_MAX: usize = 3;

/// Whether reads are signed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reads {
    /// Signed, and the answer must be signed. BIND 9.18, Knot 3.2, PowerDNS 4.7 and the demo server do this.
    #[default]
    Signed,
    /// Plain, for servers that do not sign answers to questions. The network in between must be trusted.
    Plain,
}

/// Where one zone is updated and with which key.
pub struct Config {
    /// The primary. An address, not a name: its name might hang on the very record that is being moved.
    pub server: SocketAddr,
    /// The zone.
    pub zone: Fqdn,
    /// The key that may change it.
    pub key: TsigKey,
    /// Whether reads are signed.
    pub reads: Reads,
    /// How long operations may take.
    pub timeouts: Timeouts,
}

/// The provider for RFC 2136.
pub struct Rfc2136 {
    config: Config,
    /// Added to our own clock for signing, learned from signed BADTIME answers.
    clock_offset_s: AtomicI64,
    wall_clock: fn() -> u64,
}

impl Rfc2136 {
    /// Makes a provider. Nothing is contacted yet.
    pub fn new(config: Config) -> Self {
        Self::with_wall_clock(config, unix_time_s)
    }

    /// As [`Rfc2136::new`] with another clock for signing, in Unix seconds.
    pub fn with_wall_clock(config: Config, wall_clock: fn() -> u64) -> Self {
        Self { config, clock_offset_s: AtomicI64::new(0), wall_clock }
    }

    fn signing_time_s(&self) -> u64 {
        (self.wall_clock)().saturating_add_signed(self.clock_offset_s.load(Ordering::Relaxed))
    }

    /// Remembers the server's clock from a signed BADTIME. True when signing again makes sense.
    fn learn_clock(&self, server_time_s: Option<u64>) -> bool {
        let Some(server_time_s) = server_time_s else { return false };
        let offset =
            i64::try_from(server_time_s).unwrap_or(0) - i64::try_from((self.wall_clock)()).unwrap_or(0);
        self.clock_offset_s.store(offset, Ordering::Relaxed);
        tracing::warn!(server = %self.config.server, offset_s = offset, "signing with the server's clock");
        true
    }

    fn check_zone(&self, names: &Names) -> Result<(), DnsError> {
        if *names.zone() == self.config.zone {
            Ok(())
        } else {
            Err(DnsError::OutsideZone { label: names.label().clone(), zone: self.config.zone.clone() })
        }
    }

    fn sign(&self, message: Message, operation: &'static str) -> Result<SignedRequest, DnsError> {
        self.config.key.sign(message, self.signing_time_s()).map_err(|error| DnsError::Protocol {
            server: self.config.server,
            operation,
            reason: format!("the request cannot be encoded: {error}"),
        })
    }

    /// Asks several questions on one connection and returns the answers in the questions' order.
    async fn ask(&self, questions: &[(Name, RecordType)]) -> Result<Vec<Message>, DnsError> {
        for last_try in [false, true] {
            match self.ask_once(questions).await {
                Err(DnsError::BadTime { server_time_s, .. })
                    if !last_try && self.learn_clock(server_time_s) => {}
                result => return result,
            }
        }
        unreachable!("the second round returns whatever it gets")
    }

    async fn ask_once(&self, questions: &[(Name, RecordType)]) -> Result<Vec<Message>, DnsError> {
        const OPERATION: &str = "reading";
        let server = self.config.server;
        let mut asked = Vec::with_capacity(questions.len());
        let first_id = wire::message_id()?;
        for (at, (name, kind)) in questions.iter().enumerate() {
            let id = first_id.wrapping_add(at as u16);
            let message = wire::question(id, name.clone(), *kind);
            asked.push(match self.config.reads {
                Reads::Signed => (id, Asked::Signed(self.sign(message, OPERATION)?)),
                Reads::Plain => {
                    let bytes = message.to_vec().map_err(|error| DnsError::Protocol {
                        server,
                        operation: OPERATION,
                        reason: format!("the question cannot be encoded: {error}"),
                    })?;
                    (id, Asked::Plain(bytes))
                }
            });
        }
        let answer_ms = self.config.timeouts.answer_ms;
        let exchange = async {
            let mut session = Session::open(server, OPERATION, self.config.timeouts.connect_ms).await?;
            session.send(asked.iter().map(|(_, asked)| asked.bytes())).await?;
            let mut answers = vec![None; questions.len()];
            for _ in questions {
                let bytes = session.receive().await?;
                let (at, answer) = self.match_answer(&asked, questions, &bytes)?;
                answers[at] = Some(answer);
            }
            // As many answers as questions arrived; one that is missing was answered twice for another.
            answers.into_iter().collect::<Option<Vec<_>>>().ok_or_else(|| DnsError::Protocol {
                server,
                operation: OPERATION,
                reason: "one question was answered twice".to_owned(),
            })
        };
        timeout(Duration::from_millis(answer_ms), exchange).await.map_err(|_| DnsError::Timeout {
            server,
            operation: OPERATION,
            timeout_ms: answer_ms,
        })?
    }

    fn match_answer(
        &self,
        asked: &[(u16, Asked)],
        questions: &[(Name, RecordType)],
        bytes: &[u8],
    ) -> Result<(usize, Message), DnsError> {
        let unusable =
            |reason: String| DnsError::Protocol { server: self.config.server, operation: "reading", reason };
        let answer = wire::decode(bytes).map_err(unusable)?;
        let at = asked
            .iter()
            .position(|(id, _)| *id == answer.metadata.id)
            .ok_or_else(|| unusable("its id was not asked for".to_owned()))?;
        if let Asked::Signed(request) = &asked[at].1 {
            let seal = self.config.key.judge(request, bytes, &answer);
            self.refusal_of_seal(&seal, &answer, "reading")?;
        }
        let (name, kind) = &questions[at];
        // Servers may leave the question out of a refusal, never out of an answer.
        let refused =
            !matches!(answer.metadata.response_code, ResponseCode::NoError | ResponseCode::NXDomain);
        if !refused
            && (answer.metadata.op_code != OpCode::Query || !wire::answers_question(&answer, name, *kind))
        {
            return Err(unusable("it answers another question".to_owned()));
        }
        if answer.metadata.truncation {
            return Err(unusable("it is truncated, over TCP".to_owned()));
        }
        Ok((at, answer))
    }

    async fn read_once(&self, names: &Names) -> Result<(Reading, bool), DnsError> {
        let zone = names.zone().to_wire();
        let label = names.label().to_wire();
        let marker = names.marker().to_wire();
        // ExternalDNS marks a name either at the name itself or at `a-<name>`.
        let external = names.label().child_prefixed("a-")?.filter(|name| name.is_within(names.zone()));
        let mut questions = vec![
            (zone.clone(), RecordType::SOA),
            (label.clone(), RecordType::A),
            (label.clone(), RecordType::AAAA),
            (marker.clone(), RecordType::TXT),
            (label.clone(), RecordType::TXT),
        ];
        questions.extend(external.iter().map(|name| (name.to_wire(), RecordType::TXT)));
        questions.push((zone.clone(), RecordType::SOA));
        let answers = self.ask(&questions).await?;

        let first = self.serial(&answers[0], &zone)?;
        let last = self.serial(&answers[answers.len() - 1], &zone)?;
        self.check_authority(&answers[1], names.label())?;
        self.check_authority(&answers[2], names.label())?;
        self.check_authority(&answers[3], names.marker())?;
        self.check_authority(&answers[4], names.label())?;

        let mut reading = Reading { serial: Some(last), token: ReadToken::default(), ..Reading::default() };
        for record in wire::owned(&answers[1], &label) {
            if let Some(addr) = wire::as_a(&record.data) {
                reading.a.push(ARecord { addr, ttl_s: record.ttl });
            }
            if let Some(target) = wire::as_name(&record.data, RecordType::CNAME) {
                reading.cname = Some(target.to_ascii());
            }
        }
        reading
            .aaaa
            .extend(wire::owned(&answers[2], &label).filter_map(|record| wire::as_aaaa(&record.data)));
        reading
            .markers
            .extend(wire::owned(&answers[3], &marker).filter_map(|record| wire::as_text(&record.data)));
        for answer in &answers[4..answers.len() - 1] {
            reading.foreign_owners.extend(
                answer
                    .answers
                    .iter()
                    .filter_map(|record| wire::as_text(&record.data))
                    .filter(|text| text.trim_matches('"').starts_with("heritage=")),
            );
        }
        reading.a.sort_unstable();
        reading.aaaa.sort_unstable();
        reading.markers.sort_unstable();
        reading.foreign_owners.sort_unstable();
        Ok((reading, first == last))
    }

    /// Sends one update and judges its answer, within the deadline.
    async fn send_update(
        &self,
        names: &Names,
        build: impl Fn(u16) -> Result<Update, DnsError> + Sync,
        deadline: Duration,
    ) -> MoveOutcome {
        if let Err(error) = self.check_zone(names) {
            return MoveOutcome::Rejected(error);
        }
        let sent = SentFlag::default();
        let attempt = async {
            let outcome = self.send_update_once(names, &build, &sent).await;
            if let MoveOutcome::Rejected(DnsError::BadTime { server_time_s, .. }) = &outcome
                && self.learn_clock(*server_time_s)
            {
                return self.send_update_once(names, &build, &sent).await;
            }
            outcome
        };
        timeout(deadline, attempt).await.unwrap_or_else(|_| MoveOutcome::Unknown {
            sent: sent.get(),
            why: format!("{} gave no answer within {} ms", self.config.server, deadline.as_millis()),
        })
    }

    async fn send_update_once(
        &self,
        names: &Names,
        build: &(impl Fn(u16) -> Result<Update, DnsError> + Sync),
        sent: &SentFlag,
    ) -> MoveOutcome {
        const OPERATION: &str = "an update";
        let server = self.config.server;
        let signed = wire::message_id()
            .and_then(|id| Ok((id, build(id)?)))
            .and_then(|(id, update)| Ok((id, self.sign(update.into_message(), OPERATION)?)));
        let (id, request) = match signed {
            Ok(signed) => signed,
            Err(error) if error.is_transient() => {
                return MoveOutcome::Unknown { sent: Sent::No, why: error.chain() };
            }
            Err(error) => return MoveOutcome::Rejected(error),
        };
        let exchange = async {
            let mut session = Session::open(server, OPERATION, self.config.timeouts.connect_ms).await?;
            sent.set();
            session.send(std::iter::once(request.bytes.as_slice())).await?;
            session.receive().await
        };
        let bytes = match exchange.await {
            Ok(bytes) => bytes,
            Err(error) => return MoveOutcome::Unknown { sent: sent.get(), why: error.chain() },
        };
        let answer = match wire::decode(&bytes) {
            Ok(answer) if answer.metadata.id == id && answer.metadata.op_code == OpCode::Update => answer,
            Ok(_) => return unknown(format!("{server} answered another request")),
            Err(reason) => return unknown(format!("{server} gave an answer that cannot be read: {reason}")),
        };
        let seal = self.config.key.judge(&request, &bytes, &answer);
        match self.refusal_of_seal(&seal, &answer, OPERATION) {
            Ok(()) => self.outcome_of_code(answer.metadata.response_code, names),
            Err(
                error @ (DnsError::WrongKey { .. }
                | DnsError::Unauthenticated { .. }
                | DnsError::BadTime { .. }),
            ) => MoveOutcome::Rejected(error),
            Err(error) => unknown(error.chain()),
        }
    }
}

#[async_trait]
impl Provider for Rfc2136 {
    fn describe(&self) -> ProviderFacts {
        let offset = self.clock_offset_s.load(Ordering::Relaxed);
        ProviderFacts {
            kind: "rfc2136".to_owned(),
            endpoint: self.config.server.to_string(),
            credential: self.config.key.name().to_string(),
            compares_address: true,
            authenticated_reads: self.config.reads == Reads::Signed,
            clock_skew_s: (offset != 0).then_some(-offset),
        }
    }

    async fn read(&self, names: &Names) -> Result<Reading, DnsError> {
        self.check_zone(names)?;
        for _ in 1..TORN_READS_MAX {
            let (reading, whole) = self.read_once(names).await?;
            if whole {
                return Ok(reading);
            }
        }
        // A zone this busy changes for others' sake; a reading that is torn at our own names shows as odd, and no
        // write can succeed on it.
        let (reading, _) = self.read_once(names).await?;
        Ok(reading)
    }

    async fn write(&self, names: &Names, change: &Move, deadline: Duration) -> MoveOutcome {
        self.send_update(names, |id| Update::for_move(id, names, change), deadline).await
    }

    async fn adopt(&self, names: &Names, adoption: &Adoption, deadline: Duration) -> MoveOutcome {
        self.send_update(names, |id| Update::for_adoption(id, names, adoption), deadline).await
    }

    async fn set_ttl(&self, names: &Names, change: &TtlChange, deadline: Duration) -> MoveOutcome {
        self.send_update(names, |id| Update::for_ttl(id, names, change), deadline).await
    }

    async fn release(&self, names: &Names, release: &Release, deadline: Duration) -> MoveOutcome {
        self.send_update(names, |id| Update::for_release(id, names, release), deadline).await
    }

    async fn read_scratch(&self, names: &Names) -> Result<Scratch, DnsError> {
        self.check_zone(names)?;
        let name = names.probe().to_wire();
        let answers = self.ask(&[(name.clone(), RecordType::TXT)]).await?;
        self.check_authority(&answers[0], names.probe())?;
        let mut texts: Vec<_> =
            wire::owned(&answers[0], &name).filter_map(|record| wire::as_text(&record.data)).collect();
        texts.sort_unstable();
        Ok(Scratch { texts, token: ReadToken::default() })
    }

    async fn write_scratch(&self, names: &Names, change: &ScratchWrite, deadline: Duration) -> MoveOutcome {
        self.send_update(names, |id| Update::for_scratch(id, names, change), deadline).await
    }
}

impl fmt::Debug for Rfc2136 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rfc2136({} at {}, {:?})", self.config.zone, self.config.server, self.config.key)
    }
}

enum Asked {
    Signed(SignedRequest),
    Plain(Vec<u8>),
}

impl Asked {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Signed(request) => &request.bytes,
            Self::Plain(bytes) => bytes,
        }
    }
}

fn unknown(why: String) -> MoveOutcome {
    MoveOutcome::Unknown { sent: Sent::Maybe, why }
}

fn unix_time_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
