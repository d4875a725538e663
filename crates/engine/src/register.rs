//! The DNS register of one pool: turns the evaluator's claims into a provider's compare-and-set, and its answers into
//! what the evaluator knows. Nothing is decided here.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dns::{Adoption, DnsError, Move, MoveOutcome, Names, Provider, ReadToken};
use evaluator::io::{Claim, DnsFault, MarkerText, Reading, WriteOutcome};
use model::{Marker, Span, Time};

use crate::clock;

/// A managed name at a provider.
pub(crate) struct Register {
    provider: Arc<dyn Provider>,
    names: Names,
    ttl_s: u32,
    /// What the provider wants to see again with the next write.
    token: Mutex<ReadToken>,
}

impl Register {
    pub(crate) fn new(provider: Arc<dyn Provider>, names: Names, ttl_s: u32) -> Self {
        Self { provider, names, ttl_s, token: Mutex::default() }
    }

    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    pub(crate) fn provider(&self) -> &Arc<dyn Provider> {
        &self.provider
    }

    /// Reads A and marker in one go, for the machine alone: its next write rests on this very reading.
    pub(crate) async fn read(&self) -> Result<Reading, DnsFault> {
        let (asked, reading) = self.ask().await?;
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = reading.token.clone();
        Ok(evaluators_reading(asked, &reading))
    }

    /// The same for everybody else: the machine's next write does not rest on it.
    pub(crate) async fn look(&self) -> Result<Reading, DnsFault> {
        let (asked, reading) = self.ask().await?;
        Ok(evaluators_reading(asked, &reading))
    }

    async fn ask(&self) -> Result<(Time, dns::Reading), DnsFault> {
        let asked = clock::now();
        let reading = self.provider.read(&self.names).await.map_err(|error| fault(&error))?;
        Ok((asked, reading))
    }

    /// Sends the claim once, or not at all: what was decided is as old as its decision, and this process, its disk or
    /// the whole computer may have stood still since.
    pub(crate) async fn write(&self, claim: &Claim, deadline: Time, not_after: Time) -> WriteOutcome {
        let now = clock::now();
        if now > not_after {
            return WriteOutcome::NotSent(format!("{} too late after the decision", now - not_after));
        }
        let left = deadline - now;
        let deadline = Duration::from_millis(left.as_ms());
        let expect_a = Some(claim.expect_a);
        let (set_a, set_marker, ttl_s) = (claim.set_a, claim.set_marker.to_string(), self.ttl_s);
        let comment = format!("sctl e={} m={}", claim.epoch, claim.member.short());
        let token = self.token.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(expected) = &claim.expect_marker else {
            // No marker to consume: not every provider can compare that in a move, and each can in an adoption.
            let expect_marker = None;
            let first = Adoption { expect_a, expect_marker, set_a, set_marker, ttl_s, comment, token };
            return outcome(self.provider.adopt(&self.names, &first, deadline).await);
        };
        let expect_marker = Some(expected.to_string());
        let change = Move { expect_a, expect_marker, set_a, set_marker, ttl_s, comment, token };
        outcome(self.provider.write(&self.names, &change, deadline).await)
    }
}

/// The provider's reading in the evaluator's words.
pub(crate) fn evaluators_reading(asked: Time, reading: &dns::Reading) -> Reading {
    Reading {
        asked,
        a: reading.a.iter().map(|record| record.addr).collect(),
        markers: reading.markers.iter().map(|text| read_marker(text)).collect(),
        aaaa: !reading.aaaa.is_empty(),
        cname: reading.cname.is_some(),
    }
}

fn read_marker(text: &str) -> MarkerText {
    Marker::parse(text)
        .map_or_else(|_| MarkerText::Foreign(text.chars().take(200).collect()), MarkerText::Marker)
}

fn fault(error: &DnsError) -> DnsFault {
    if error.is_transient() { DnsFault::Unreachable(error.chain()) } else { DnsFault::Refused(error.chain()) }
}

fn outcome(outcome: MoveOutcome) -> WriteOutcome {
    match outcome {
        MoveOutcome::Accepted => WriteOutcome::Accepted,
        MoveOutcome::Conflict(_) => WriteOutcome::Conflict,
        // Anybody on the way can forge an unsigned refusal: it proves nothing, so the machine reads.
        MoveOutcome::Rejected(error @ DnsError::Unauthenticated { .. }) => {
            WriteOutcome::Unknown(error.chain())
        }
        MoveOutcome::Rejected(error) => WriteOutcome::Rejected(error.chain()),
        MoveOutcome::Throttled { retry_after_ms } => WriteOutcome::Throttled(Span::from_ms(retry_after_ms)),
        MoveOutcome::Unknown { why, .. } => WriteOutcome::Unknown(why),
    }
}
