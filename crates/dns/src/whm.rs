//! cPanel & WHM: a zone file on a cPanel server, by WHM API 1 with an API token.
//!
//! The reader gives the whole zone with its serial and line numbers; the writer takes line edits together with the serial
//! that they were made for, and refuses any other. So the compare-and-set covers every record of the zone: a write reads,
//! compares all of the name with what it expects, and edits by that serial. A restored zone may bear an old serial
//! again, which is why the marker is compared all the same.
//!
//! Every refusal is HTTP 200 with `result: 0` and no code. What it means is found by reading again: another serial means
//! that somebody was faster, the same one that this request is refused for good, and an unreadable zone that nobody
//! knows. An edit of other records in between is no reason to fail: the write is planned anew, a bounded number of times.
//!
//! Servers of a DNS cluster follow on their own; what each name server answers is checked elsewhere. The reference is
//! cPanel's documentation of `parse_dns_zone` and `mass_edit_dns_zone`.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::timeout;

use self::{
    edit::{Conflict, Edits},
    picture::{Picture, Token},
};
use crate::{
    Adoption, DnsError, Fqdn, Move, MoveOutcome, Names, Provider, ProviderFacts, Reading, Release, Sent,
    TtlChange,
    error::ApiFault,
    provider::{Scratch, ScratchWrite, SentFlag},
    web::{Ask, Body, Road, Scheme, Web, form},
};

mod edit;
mod picture;
mod wire;

/// WHM with TLS.
pub const PORT: u16 = 2087;

/// A zone of 20,000 records takes about this.
const ANSWER_SIZE_BYTES_MAX: usize = 4 << 20;
/// How often a write is planned anew because somebody changed other records of the zone.
const TRIES_MAX: usize = 4;
const READING: &str = "reading";
const UPDATE: &str = "an update";

/// Which zone of which server is changed as whom.
pub struct Config {
    /// The server: a host name or an address. With port 443 it is the service subdomain (`whm.example.com`).
    pub host: String,
    /// [`PORT`], or 443 for the service subdomain.
    pub port: u16,
    /// `root` or a reseller.
    pub user: String,
    /// The API token: the right to edit DNS zones is enough.
    pub token: SecretString,
    /// The zone.
    pub zone: Fqdn,
    /// The way to the server; its certificate is often its own and then pinned.
    pub road: Road,
}

/// A server, for the card of the provider.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerFacts {
    /// As the server says it, `11.136.0.4` for release 136.
    pub version: String,
}

/// The provider for cPanel & WHM.
pub struct Whm {
    web: Web,
    zone: Fqdn,
    user: String,
}

impl Whm {
    /// Makes a provider. Nothing is contacted yet.
    ///
    /// # Errors
    ///
    /// [`ApiFault::Setting`] when a setting cannot be used.
    pub fn new(config: Config) -> Result<Self, DnsError> {
        let host = match config.host.parse::<std::net::IpAddr>() {
            Ok(std::net::IpAddr::V6(address)) => format!("[{address}]"),
            Ok(std::net::IpAddr::V4(address)) => address.to_string(),
            Err(_) => Fqdn::new(&config.host)?.to_string(),
        };
        let base = format!("https://{host}:{}/json-api", config.port);
        Self::build(config, &base, Scheme::Https)
    }

    /// As [`Whm::new`] for a double at `http://127.0.0.1:<port>/json-api`; the configured host is not looked at.
    ///
    /// # Errors
    ///
    /// Also when the address is not a loopback address.
    #[cfg(feature = "conformance")]
    pub fn for_double(config: Config, base: &str) -> Result<Self, DnsError> {
        Self::build(config, base, Scheme::PlainLoopback)
    }

    fn build(config: Config, base: &str, scheme: Scheme) -> Result<Self, DnsError> {
        let Config { user, token, zone, road, .. } = config;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let is_user = (1..=64).contains(&user.len()) && user.bytes().all(is_plain);
        let web = Web::new(base, scheme, format!("whm {user}:"), token, &road)?;
        if !is_user {
            let reason = "it has letters, digits, '.', '_' and '-' only";
            return Err(web.error("setting up", ApiFault::Setting { what: "the user's name", reason }));
        }
        Ok(Self { web, zone, user })
    }

    /// Asks the server who it is: the test of the connection.
    ///
    /// # Errors
    ///
    /// [`ApiFault::Credential`], and what every call can end with.
    pub async fn server_facts(&self) -> Result<ServerFacts, DnsError> {
        let data = self.get("version", &[]).await;
        let data = data.map_err(|fault| self.web.error("asking for the version", fault))?;
        let version = data.get("version").and_then(Value::as_str).unwrap_or_default();
        Ok(ServerFacts { version: self.web.scrub(version) })
    }

    fn check_zone(&self, names: &Names) -> Result<(), DnsError> {
        if *names.zone() == self.zone {
            Ok(())
        } else {
            Err(DnsError::OutsideZone { label: names.label().clone(), zone: self.zone.clone() })
        }
    }

    async fn get(&self, function: &str, fields: &[(&str, &str)]) -> Result<Value, ApiFault> {
        let mut query = vec![("api.version", "1")];
        query.extend_from_slice(fields);
        let limit_bytes = ANSWER_SIZE_BYTES_MAX;
        let ask = Ask { path: function, query: &query, body: None, limit_bytes };
        let answer = self.web.send(ask).await?;
        wire::decode(&answer, &|words| self.web.scrub(words))
    }

    async fn picture(&self, names: &Names) -> Result<Picture, ApiFault> {
        match self.get("parse_dns_zone", &[("zone", self.zone.as_str())]).await {
            Ok(data) => Picture::of(&data, names),
            // A reading that is refused without a code: the zone is not there, or not this user's.
            Err(ApiFault::Refused { words, .. }) => {
                Err(ApiFault::NoSuchZone { zone: self.zone.clone(), words })
            }
            Err(fault) => Err(fault),
        }
    }

    /// Reads, plans and edits; again when somebody has changed other records in between.
    async fn change(
        &self,
        names: &Names,
        plan: impl Fn(&Picture) -> Result<Edits, Conflict> + Sync,
        deadline: Duration,
    ) -> MoveOutcome {
        let sent = SentFlag::default();
        let attempt = async {
            let mut seen = match self.picture(names).await {
                Ok(seen) => seen,
                Err(fault) => return self.web.outcome_before(READING, fault),
            };
            for _ in 0..TRIES_MAX {
                let edits = match plan(&seen) {
                    Ok(edits) => edits,
                    Err(conflict) => return MoveOutcome::Conflict(conflict),
                };
                match self.send(&edits, seen.serial, names, &sent).await {
                    Sending::Ended(outcome) => return outcome,
                    Sending::SerialMoved(now) => seen = *now,
                }
            }
            MoveOutcome::Conflict("others keep changing the zone".to_owned())
        };
        self.within(deadline, names, &sent, attempt).await
    }

    /// Holds an attempt to its deadline and to the configured zone.
    async fn within(
        &self,
        deadline: Duration,
        names: &Names,
        sent: &SentFlag,
        attempt: impl Future<Output = MoveOutcome>,
    ) -> MoveOutcome {
        if let Err(error) = self.check_zone(names) {
            return MoveOutcome::Rejected(error);
        }
        timeout(deadline, attempt).await.unwrap_or_else(|_| MoveOutcome::Unknown {
            sent: sent.get(),
            why: format!("{} gave no answer within {} ms", self.web.endpoint(), deadline.as_millis()),
        })
    }

    async fn send(&self, edits: &Edits, serial: u32, names: &Names, sent: &SentFlag) -> Sending {
        if edits.is_empty() {
            return Sending::Ended(MoveOutcome::Conflict("nothing is there to change".to_owned()));
        }
        let serial_text = serial.to_string();
        let fields = edits.fields();
        let mut all =
            vec![("api.version", "1"), ("zone", self.zone.as_str()), ("serial", serial_text.as_str())];
        all.extend(fields.iter().map(|(name, value)| (*name, value.as_str())));
        let ask = Ask {
            path: "mass_edit_dns_zone",
            query: &[],
            body: Some(Body::Form(form(&all))),
            limit_bytes: ANSWER_SIZE_BYTES_MAX,
        };
        sent.set();
        let judged = match self.web.send(ask).await {
            Ok(answer) => wire::decode(&answer, &|words| self.web.scrub(words)),
            Err(fault) => Err(fault),
        };
        match judged {
            Ok(_) => Sending::Ended(MoveOutcome::Accepted),
            Err(fault @ ApiFault::Refused { .. }) => self.understand(fault, serial, names).await,
            Err(fault) => Sending::Ended(self.web.outcome_after(UPDATE, fault)),
        }
    }

    /// Reads again to learn why an edit was refused.
    async fn understand(&self, fault: ApiFault, serial: u32, names: &Names) -> Sending {
        match self.picture(names).await {
            Ok(now) if now.serial != serial => Sending::SerialMoved(Box::new(now)),
            Ok(_) => Sending::Ended(MoveOutcome::Rejected(self.web.error(UPDATE, fault))),
            Err(unreadable) => Sending::Ended(MoveOutcome::Unknown {
                sent: Sent::Maybe,
                why: format!(
                    "{}; then {}",
                    self.web.error(UPDATE, fault).chain(),
                    self.web.error(READING, unreadable).chain()
                ),
            }),
        }
    }
}

/// How one sending went.
enum Sending {
    Ended(MoveOutcome),
    /// Refused, and the zone has another serial now.
    SerialMoved(Box<Picture>),
}

#[async_trait]
impl Provider for Whm {
    fn describe(&self) -> ProviderFacts {
        ProviderFacts {
            kind: "whm".to_owned(),
            endpoint: self.web.endpoint().to_owned(),
            credential: self.user.clone(),
            compares_address: true,
            authenticated_reads: true,
            clock_skew_s: None,
        }
    }

    async fn read(&self, names: &Names) -> Result<Reading, DnsError> {
        self.check_zone(names)?;
        let picture = self.picture(names).await;
        Ok(picture.map_err(|fault| self.web.error(READING, fault))?.into_reading())
    }

    async fn write(&self, names: &Names, change: &Move, deadline: Duration) -> MoveOutcome {
        if let Err(error) = edit::check_text(&change.set_marker) {
            return MoveOutcome::Rejected(error);
        }
        self.change(names, |seen| edit::for_move(names, seen, change), deadline).await
    }

    async fn adopt(&self, names: &Names, adoption: &Adoption, deadline: Duration) -> MoveOutcome {
        if let Err(error) = edit::check_text(&adoption.set_marker) {
            return MoveOutcome::Rejected(error);
        }
        self.change(names, |seen| edit::for_adoption(names, seen, adoption), deadline).await
    }

    async fn set_ttl(&self, names: &Names, change: &TtlChange, deadline: Duration) -> MoveOutcome {
        self.change(names, |seen| edit::for_ttl(names, seen, change), deadline).await
    }

    async fn release(&self, names: &Names, release: &Release, deadline: Duration) -> MoveOutcome {
        self.change(names, |seen| edit::for_release(seen, release), deadline).await
    }

    async fn read_scratch(&self, names: &Names) -> Result<Scratch, DnsError> {
        self.check_zone(names)?;
        let picture = self.picture(names).await;
        Ok(picture.map_err(|fault| self.web.error(READING, fault))?.into_scratch())
    }

    async fn write_scratch(&self, names: &Names, change: &ScratchWrite, deadline: Duration) -> MoveOutcome {
        if let Some(Err(error)) = change.set.iter().map(|text| edit::check_text(text)).find(Result::is_err) {
            return MoveOutcome::Rejected(error);
        }
        let sent = SentFlag::default();
        let known = Token::read(&change.token);
        let (edits, serial) = edit::for_scratch(names, &known, change);
        let attempt = async {
            match self.send(&edits, serial, names, &sent).await {
                Sending::Ended(outcome) => outcome,
                Sending::SerialMoved(now) => MoveOutcome::Conflict(format!(
                    "the zone's serial is {} and not {serial}, so it was refused",
                    now.serial
                )),
            }
        };
        self.within(deadline, names, &sent, attempt).await
    }
}

impl fmt::Debug for Whm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Whm({} as {} at {})", self.zone, self.user, self.web.endpoint())
    }
}

#[cfg(test)]
mod tests;
