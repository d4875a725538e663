//! Cloudflare: DNS records by its API v4, with a token.
//!
//! Every write reads the name, compares all of it with what the write expects, and sends one batch ([`batch`]), which is
//! one transaction: the marker's record is consumed by its id, A is changed in place, the new marker is put. The reading
//! before costs a round trip and makes a foreign edit of A visible up to that moment. What the outcome of a batch means
//! is decided by the API's codes; a lost answer, a 5xx and anything that is not the API's own answer leave it unknown.
//!
//! The zone is looked up by its name, never taken from a setting: with a foreign zone's id the API would quietly append
//! that zone to our names. Calls are counted in a [`RateBudget`] that all pools with one token share.
//!
//! Publication to the edge is not atomic and not ours to see; the API says what is stored. The reference for all of it
//! is Cloudflare's own documentation of "Batch DNS Records", "Zones" and "Verify Token".

use std::{fmt, net::Ipv4Addr, sync::Arc, time::Duration};

use async_trait::async_trait;
use secrecy::SecretString;
use tokio::time::timeout;

pub use self::{
    account::{Account, TokenFacts, TokenState, ZoneFacts},
    budget::{Purpose, RateBudget},
};
use self::{
    batch::{Batch, Conflict},
    picture::{Picture, scratch_ids},
    wire::{Id, Reply},
};
use crate::{
    Adoption, DnsError, Fqdn, Move, MoveOutcome, Names, Provider, ProviderFacts, Reading, Release, TtlChange,
    error::ApiFault,
    provider::{Front, Scratch, ScratchWrite, SentFlag},
    web::{Answer, Ask, Body, Road, Scheme, Web},
};

mod account;
mod batch;
mod budget;
mod pages;
mod picture;
mod wire;

/// The API's address.
pub const API: &str = "https://api.cloudflare.com/client/v4";

/// A page of records takes about 60 KB.
const ANSWER_SIZE_BYTES_MAX: usize = 1 << 20;
const READING: &str = "reading";
const UPDATE: &str = "an update";

/// Which zone is changed with which token.
pub struct Config {
    /// The zone.
    pub zone: Fqdn,
    /// The account that holds it, where the token sees several zones of that name; also where an account's own token
    /// is verified.
    pub account_id: Option<String>,
    /// What people call the token; never the token.
    pub credential: String,
    /// The token: Zone Read and DNS Edit on this zone.
    pub token: SecretString,
    /// The way to the API.
    pub road: Road,
    /// Every provider with this token gets the same.
    pub account: Arc<Account>,
}

/// Puts a name behind the proxy, or takes it out, without changing address or marker.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FrontChange {
    /// A must be this address and stays so.
    pub expect_a: Ipv4Addr,
    /// The marker must be this text and stays so; `None`: there must be none.
    pub expect_marker: Option<String>,
    /// What customers shall get.
    pub front: Front,
    /// The TTL, in seconds, of a name that is not proxied.
    pub ttl_s: u32,
}

/// The provider for Cloudflare.
pub struct Cloudflare {
    web: Web,
    zone: Fqdn,
    account_id: Option<Id>,
    credential: String,
    account: Arc<Account>,
}

impl Cloudflare {
    /// Makes a provider. Nothing is contacted yet.
    ///
    /// # Errors
    ///
    /// [`ApiFault::Setting`] when a setting cannot be used.
    pub fn new(config: Config) -> Result<Self, DnsError> {
        Self::build(config, API, Scheme::Https)
    }

    /// As [`Cloudflare::new`] for another address, such as a gateway of one's own: HTTPS, and with the API below it.
    ///
    /// # Errors
    ///
    /// Also when the address is not HTTPS.
    pub fn at(config: Config, base: &str) -> Result<Self, DnsError> {
        Self::build(config, base, Scheme::Https)
    }

    /// As [`Cloudflare::new`] for a double at `http://127.0.0.1:<port>/client/v4`.
    ///
    /// # Errors
    ///
    /// Also when the address is not a loopback address.
    #[cfg(feature = "conformance")]
    pub fn for_double(config: Config, base: &str) -> Result<Self, DnsError> {
        Self::build(config, base, Scheme::PlainLoopback)
    }

    fn build(config: Config, base: &str, scheme: Scheme) -> Result<Self, DnsError> {
        let Config { zone, account_id, credential, token, road, account } = config;
        let web = Web::new(base, scheme, "Bearer ".to_owned(), token, &road)?;
        let account_id = account_id.filter(|id| !id.trim().is_empty()).map(Id::try_from).transpose();
        let account_id = account_id.map_err(|reason| {
            web.error("setting up", ApiFault::Setting { what: "the account's id", reason })
        })?;
        Ok(Self { web, zone, account_id, credential, account })
    }

    /// Switches the proxy for the name. Raw TCP ports do not pass it, and DNS cannot show the address behind it.
    pub async fn set_front(&self, names: &Names, change: &FrontChange, deadline: Duration) -> MoveOutcome {
        self.change(names, |seen| batch::for_front(names, seen, change), deadline).await
    }

    fn check_zone(&self, names: &Names) -> Result<(), DnsError> {
        if *names.zone() == self.zone {
            Ok(())
        } else {
            Err(DnsError::OutsideZone { label: names.label().clone(), zone: self.zone.clone() })
        }
    }

    /// One call within the budget.
    async fn call(&self, ask: Ask<'_>, purpose: Purpose) -> Result<Reply, ApiFault> {
        self.account.budget.take(purpose).map_err(|retry_after_ms| ApiFault::Throttled { retry_after_ms })?;
        let answer = self.web.send(ask).await?;
        self.judge(&answer)
    }

    fn judge(&self, answer: &Answer) -> Result<Reply, ApiFault> {
        if let Some((calls, window_s)) = answer.calls_left {
            self.account.budget.heed(calls, window_s);
        }
        let judged = wire::decode(answer, &|words| self.web.scrub(words));
        match &judged {
            Err(ApiFault::Throttled { retry_after_ms }) => self.account.budget.block(*retry_after_ms),
            // The zone may have been deleted and made anew: its name is looked up again.
            Err(ApiFault::Refused { code: 7_003, .. }) => self.forget_zone(),
            _ => {}
        }
        judged
    }

    async fn get(&self, path: &str, query: &[(&str, &str)], purpose: Purpose) -> Result<Reply, ApiFault> {
        let limit_bytes = ANSWER_SIZE_BYTES_MAX;
        self.call(Ask { path, query, body: None, limit_bytes }, purpose).await
    }

    /// Reads, plans and sends one batch, within the deadline.
    async fn change(
        &self,
        names: &Names,
        plan: impl Fn(&Picture) -> Result<Batch, Conflict> + Sync,
        deadline: Duration,
    ) -> MoveOutcome {
        let sent = SentFlag::default();
        let attempt = async {
            let seen = match self.picture(names, Purpose::Write).await {
                Ok(seen) => seen,
                Err(fault) => return self.web.outcome_before(READING, fault),
            };
            match plan(&seen) {
                Ok(batch) => self.send_batch(&batch, &sent).await,
                Err(conflict) => MoveOutcome::Conflict(conflict),
            }
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

    async fn send_batch(&self, batch: &Batch, sent: &SentFlag) -> MoveOutcome {
        if batch.is_empty() {
            return MoveOutcome::Conflict("nothing is there to change".to_owned());
        }
        let zone_id = match self.zone_id(Purpose::Write).await {
            Ok(zone_id) => zone_id,
            Err(fault) => return self.web.outcome_before(READING, fault),
        };
        let path = format!("zones/{}/dns_records/batch", zone_id.as_str());
        let body = Some(Body::Json(serde_json::to_vec(batch).unwrap_or_default()));
        if let Err(retry_after_ms) = self.account.budget.take(Purpose::Write) {
            return MoveOutcome::Throttled { retry_after_ms };
        }
        sent.set();
        let ask = Ask { path: &path, query: &[], body, limit_bytes: ANSWER_SIZE_BYTES_MAX };
        let judged = match self.web.send(ask).await {
            Ok(answer) => self.judge(&answer),
            Err(fault) => Err(fault),
        };
        self.outcome_of(judged)
    }

    fn outcome_of(&self, judged: Result<Reply, ApiFault>) -> MoveOutcome {
        match judged {
            Ok(reply) if reply.result.is_object() => MoveOutcome::Accepted,
            Ok(_) => {
                let fault = wire::undecodable("it says success and shows no records");
                self.web.outcome_after(UPDATE, fault)
            }
            Err(fault) => self.web.outcome_after(UPDATE, fault),
        }
    }
}

#[async_trait]
impl Provider for Cloudflare {
    fn describe(&self) -> ProviderFacts {
        ProviderFacts {
            kind: "cloudflare".to_owned(),
            endpoint: self.web.endpoint().to_owned(),
            credential: self.credential.clone(),
            compares_address: false,
            authenticated_reads: true,
            clock_skew_s: None,
        }
    }

    async fn read(&self, names: &Names) -> Result<Reading, DnsError> {
        self.check_zone(names)?;
        let picture = self.picture(names, Purpose::Read).await;
        Ok(picture.map_err(|fault| self.web.error(READING, fault))?.into_reading())
    }

    async fn write(&self, names: &Names, change: &Move, deadline: Duration) -> MoveOutcome {
        self.change(names, |seen| batch::for_move(names, seen, change), deadline).await
    }

    async fn adopt(&self, names: &Names, adoption: &Adoption, deadline: Duration) -> MoveOutcome {
        self.change(names, |seen| batch::for_adoption(names, seen, adoption), deadline).await
    }

    async fn set_ttl(&self, names: &Names, change: &TtlChange, deadline: Duration) -> MoveOutcome {
        self.change(names, |seen| batch::for_ttl(names, seen, change), deadline).await
    }

    async fn release(&self, names: &Names, release: &Release, deadline: Duration) -> MoveOutcome {
        self.change(names, |seen| batch::for_release(seen, release), deadline).await
    }

    async fn read_scratch(&self, names: &Names) -> Result<Scratch, DnsError> {
        self.check_zone(names)?;
        let picture = self.picture(names, Purpose::Read).await;
        Ok(picture.map_err(|fault| self.web.error(READING, fault))?.into_scratch())
    }

    async fn write_scratch(&self, names: &Names, change: &ScratchWrite, deadline: Duration) -> MoveOutcome {
        let sent = SentFlag::default();
        let batch = batch::for_scratch(names, &scratch_ids(&change.token), change);
        self.within(deadline, names, &sent, self.send_batch(&batch, &sent)).await
    }
}

impl fmt::Debug for Cloudflare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cloudflare({} at {})", self.zone, self.web.endpoint())
    }
}

#[cfg(test)]
mod tests;
