//! The claim: one compare-and-set per epoch, its intent kept first on disk and on a relay, its outcome never guessed.

use std::net::Ipv4Addr;

use model::marker::Short8;
use model::settings::WRITE_DEADLINE;
use model::{Marker, MemberId, Nonce, Span, Time};

use crate::io::{Cause, Claim, NoticeKind, Output, Reach, State, WriteOutcome};
use crate::machine::{Go, Machine};
use crate::plant::Bug;
use crate::register::View;
use crate::state::Rule;

/// A write rests on a reading at most this old.
pub(crate) const READING_FRESH: Span = Span::from_s(2);
/// A claim that is not ready to be sent after this long is given up. Without any reading in it the API counts as silent.
const CLAIM_WITHIN: Span = Span::from_s(8);
/// A claim that was given up is begun again after this long at the earliest, and never before a person was asked.
const STUCK_REST: Span = Span::from_s(10);
/// A write is sent within this span of its decision or not at all: the guards are as old as that.
pub const SEND_WITHIN: Span = Span::from_ms(250);
/// An intent that no relay acknowledged is announced again after this long.
const ANNOUNCE_AGAIN: Span = Span::from_s(1);
/// Longest wait between two sends of the identical request.
const BACKOFF_MAX_S: u64 = 30;

/// Words in [`crate::io::Entry::cause`] that say what became of an own claim.
pub mod outcome {
    /// The register shows this console's nonce at the epoch, or the provider accepted the request.
    pub const WON: &str = "claim-won";
    /// The register shows another nonce at the epoch.
    pub const LOST: &str = "claim-lost";
    /// A later epoch stands there and nothing proves what became of the own one.
    pub const UNKNOWN: &str = "claim-unknown";
    /// Nothing was sent; the intent is taken back.
    pub const WITHDRAWN: &str = "claim-withdrawn";
    /// An operator's order was not followed; the reason says why.
    pub const REFUSED: &str = "order-refused";
}

/// A claim on its way.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    pub(crate) cause: Cause,
    pub(crate) target: MemberId,
    pub(crate) reason: String,
    /// An operator confirmed a target that is not ready.
    pub(crate) forced: bool,
    /// The operator puts the record back instead of taking it as it stands.
    pub(crate) restore: bool,
    pub(crate) opened: Time,
    pub(crate) announced: Option<Time>,
    pub(crate) stored: bool,
    pub(crate) deadline: Time,
    pub(crate) sent: Time,
    pub(crate) tries: u32,
    pub(crate) not_before: Time,
    pub(crate) outcome: Option<(Nonce, WriteOutcome)>,
    /// Why the last send was dropped before it left, if it was.
    pub(crate) unsent: Option<String>,
    /// What a relay said that does not keep the intent.
    pub(crate) refused: Option<String>,
    /// Found on disk after a start or a sleep: what happened to it is not known.
    pub(crate) orphan: bool,
}

impl Work {
    pub(crate) fn new(now: Time, cause: Cause, target: MemberId, reason: String) -> Self {
        Self {
            cause,
            target,
            reason,
            forced: false,
            restore: false,
            opened: now,
            announced: None,
            stored: false,
            deadline: now,
            sent: now,
            tries: 0,
            not_before: now,
            outcome: None,
            unsent: None,
            refused: None,
            orphan: false,
        }
    }

    /// A person asked for it: it needs no lease and waits for no relay.
    pub(crate) const fn by_person(&self) -> bool {
        matches!(self.cause, Cause::Manual | Cause::Adopt)
    }
}

/// Why the last claim was given up, and until when none is begun.
#[derive(Clone, Debug)]
pub(crate) struct Stuck {
    pub(crate) until: Time,
    pub(crate) words: String,
}

/// What a claim still waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waits {
    /// A reading fresh enough to write on.
    Reading,
    /// A reading that shows what the newest epoch says.
    Settling,
    /// One relay that keeps the intent.
    Relay,
}

/// A write that is being read back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verifying {
    pub(crate) epoch: u64,
    pub(crate) is_move: bool,
}

impl Machine {
    /// The row of CLAIM.
    pub(crate) fn row_claim(&mut self, now: Time, out: &mut Vec<Output>) -> Option<Go> {
        let work = self.at_work().clone();
        if let Some(words) = self.register.refused() {
            return Some(Go::new(State::Failed, Rule::Refused, format!("the provider refuses: {words}")));
        }
        if let Some(reason) = self.claim_refusal(now, &work) {
            return Some(Go::new(State::Route, Rule::GuardFalse, reason));
        }
        let Some(waits) = self.claim_waits(now, &work) else {
            if self.memory.intent.is_none() && !self.open_intent(now, out) {
                let why = "no single marker of ours stands beside the record";
                return Some(Go::new(State::Route, Rule::GuardFalse, why));
            }
            let work = self.at_work();
            if work.stored || work.by_person() {
                return Some(Go::new(State::Write, Rule::GuardsHold, work.reason.clone()));
            }
            self.announce_again(now, out);
            return self.claim_over(now, Waits::Relay);
        };
        self.claim_over(now, waits)
    }

    /// What has to be read before the claim can be built or sent.
    fn claim_waits(&mut self, now: Time, work: &Work) -> Option<Waits> {
        let asked = self.register.asked();
        // After a send that never left the register is read again: others had time to act.
        let unread = work.unsent.is_some() && asked.is_none_or(|asked| asked <= work.sent);
        let stale = asked.is_none_or(|asked| now - asked > READING_FRESH) || unread;
        if stale && !self.planted.has(Bug::OldReadingTrusted) {
            self.register.want(now);
            return Some(Waits::Reading);
        }
        if self.may_claim_on_view() {
            return None;
        }
        self.register.want(asked.unwrap_or(now) + Span::from_s(1));
        Some(Waits::Settling)
    }

    /// An intent that nobody keeps yet is announced again from time to time.
    fn announce_again(&mut self, now: Time, out: &mut Vec<Output>) {
        let again =
            self.work.as_mut().filter(|work| work.announced.is_some_and(|at| now - at >= ANNOUNCE_AGAIN));
        if let Some(work) = again {
            work.announced = Some(now);
            out.extend(self.memory.intent.clone().map(Output::IntentAnnounce));
        }
    }

    /// A claim does not wait for ever. One that ends here was never sent; what was missing keeps the next one back, so
    /// that a person is asked before it is tried again.
    fn claim_over(&mut self, now: Time, waits: Waits) -> Option<Go> {
        let work = self.at_work();
        if now - work.opened < CLAIM_WITHIN {
            return None;
        }
        let silent = self.register.asked().is_none_or(|asked| now - asked >= CLAIM_WITHIN);
        if waits == Waits::Reading && silent {
            return Some(Go::new(State::Blind, Rule::ApiSilent, "the DNS provider does not answer"));
        }
        let work = self.at_work();
        let words = match (waits, &work.unsent, &work.refused) {
            (_, Some(late), _) => format!("too slow to send what was decided: {late}"),
            (Waits::Reading, ..) => format!("the DNS provider needs more than {READING_FRESH} to answer"),
            (Waits::Settling, ..) => "the register does not settle".to_owned(),
            (Waits::Relay, _, None) => format!("no relay stored the intent within {CLAIM_WITHIN}"),
            (Waits::Relay, _, Some(said)) => format!("no relay stores the intent: {said}"),
        };
        let rest = STUCK_REST.max(self.policy.settings.confirm_window() + Span::from_s(1));
        self.stuck = Some(Stuck { until: now + rest, words: words.clone() });
        Some(Go::new(State::Route, Rule::ClaimStuck, words))
    }

    /// Why no claim is begun now: the last one did not get ready.
    pub(crate) fn stuck(&self, now: Time) -> Option<&Stuck> {
        self.stuck.as_ref().filter(|stuck| now < stuck.until)
    }

    /// Why this claim may not go on, looked at with every guard again.
    pub(crate) fn claim_refusal(&self, now: Time, work: &Work) -> Option<String> {
        if work.by_person() {
            return self.order_refusal(now, work.target, work.forced || work.cause == Cause::Adopt);
        }
        let mut lacks = self.claim_lacks(now, work.cause, work.target);
        if self.planted.has(Bug::ReadyNotRechecked) {
            lacks.retain(|lack| !matches!(lack, crate::guard::Lack::NotReady(..)));
        }
        if self.planted.has(Bug::LeaseNotCheckedAtSend) {
            lacks.retain(|lack| *lack != crate::guard::Lack::NotHolder);
        }
        lacks.first().map(|lack| self.lack_words(lack))
    }

    pub(crate) fn may_claim_on_view(&self) -> bool {
        let adopts = self.work.as_ref().is_some_and(|work| work.cause == Cause::Adopt);
        let settles = || adopts && self.register.settleable().is_ok();
        let overwrites = || self.planted.has(Bug::ForeignEditOverwritten) && self.register.marker().is_some();
        match self.register.view() {
            View::Equal => true,
            View::Odd(_) => settles() || overwrites(),
            // An intent that was not sent yet is no explanation of what it is to settle.
            View::Lagging => self.memory.drift.is_some() && settles(),
            View::Unread | View::Newer | View::NotAdopted => false,
        }
    }

    /// Builds the claim, keeps it, announces it.
    pub(crate) fn open_intent(&mut self, now: Time, out: &mut Vec<Output>) -> bool {
        let Some(claim) = self.build_claim(now) else { return false };
        if let Some(work) = self.work.as_mut() {
            work.announced = Some(now);
        }
        self.remember(|memory| memory.intent = Some(claim.clone()));
        out.push(Output::IntentAnnounce(claim));
        true
    }

    pub(crate) fn build_claim(&mut self, now: Time) -> Option<Claim> {
        let work = self.work.clone()?;
        let (expect_a, expect_marker) = self.replaceable(work.cause)?;
        let mine = self.memory.marker.clone()?;
        let set_a = match work.cause {
            Cause::Adopt if work.restore => mine.address,
            Cause::Adopt | Cause::Abort => expect_a,
            Cause::Ddns => self.seen_address(now, work.target)?,
            Cause::Down | Cause::ServiceDown | Cause::AgentLost | Cause::Manual | Cause::Preferred => {
                self.roster.members.get(&work.target)?.address
            }
        };
        let standing = expect_marker.as_ref().map_or(0, |marker| marker.epoch);
        // Whoever has seen a higher one than stands there must never see it fall.
        let known = if work.cause == Cause::Adopt { mine.epoch.max(self.epoch_heard) } else { 0 };
        let epoch = standing.max(known) + 1;
        let before = expect_marker.as_ref().unwrap_or(&mine);
        let incident = self.incident.filter(|_| work.cause.is_move() || work.cause == Cause::Ddns);
        let nonce = self.numbers.nonce();
        Some(Claim {
            nonce,
            epoch,
            cause: work.cause,
            member: work.target,
            expect_a,
            set_a,
            set_marker: Marker {
                fleet: before.fleet,
                epoch,
                address: set_a,
                member: Short8::of(work.target.as_bytes()),
                nonce: Short8::of(nonce.as_bytes()),
                previous: before.nonce,
                unknown: before.unknown.clone(),
            },
            expect_marker,
            reason: work.reason,
            incident,
        })
    }

    /// What stands there and may be replaced for this cause: a person's decision about a changed record may also put
    /// a marker where none is left.
    fn replaceable(&self, cause: Cause) -> Option<(Ipv4Addr, Option<Marker>)> {
        if cause == Cause::Adopt {
            let (address, marker) = self.register.settleable().ok()?;
            return Some((address, marker.cloned()));
        }
        let marker = self.register.marker()?.clone();
        Some((*self.register.latest()?.a.first()?, Some(marker)))
    }

    /// Sends the claim, or the identical one again.
    pub(crate) fn send(&mut self, now: Time, claim: Claim, out: &mut Vec<Output>) {
        let deadline = now + WRITE_DEADLINE;
        if let Some(work) = self.work.as_mut() {
            let backoff = (1_u64 << work.tries.min(5)).min(BACKOFF_MAX_S);
            work.tries = work.tries.saturating_add(1);
            work.sent = now;
            work.deadline = deadline;
            work.not_before = now + Span::from_s(backoff);
            work.outcome = None;
        }
        out.push(Output::DnsCas { claim, deadline, not_after: now + SEND_WITHIN });
    }

    /// Nothing was sent: the intent is taken back.
    pub(crate) fn withdraw(&mut self, now: Time, why: &str, out: &mut Vec<Output>) {
        if self.work.take().is_some_and(|work| work.cause == Cause::Ddns) {
            self.ddns_withdrawn(now);
        }
        if let Some(claim) = self.memory.intent.clone() {
            self.remember(|memory| memory.intent = None);
            self.close_intent(&claim, out);
            self.note(now, outcome::WITHDRAWN, format!("nothing was sent: {why}"), out);
        }
    }

    /// The row of WRITE: exactly one request is in flight.
    pub(crate) fn row_write(&mut self, now: Time, out: &mut Vec<Output>) -> Option<Go> {
        let work = self.at_work();
        let unknown = |why: String| Some(Go::new(State::Unknown, Rule::OutcomeUnknown, why));
        let Some((_, outcome)) = work.outcome.take() else {
            return if now >= work.deadline { unknown("no answer within 8 s".to_owned()) } else { None };
        };
        match outcome {
            WriteOutcome::Accepted => {
                let claim = self.open_claim();
                self.settle_won(now, &claim, "the provider accepted it", out);
                Some(Go::new(State::Verify, Rule::Accepted, claim.reason))
            }
            WriteOutcome::Rejected(words) => {
                self.drop_intents(now, out);
                Some(Go::new(
                    State::Failed,
                    Rule::Refused,
                    format!("the provider rejects the write: {words}"),
                ))
            }
            WriteOutcome::Conflict => unknown("the provider reports a conflict; reading back".to_owned()),
            WriteOutcome::Throttled(span) => {
                work.not_before = now + span;
                let text =
                    format!("the DNS provider asks to wait {span}; the record can be set by hand meanwhile");
                self.tell(self.incident, NoticeKind::Failed, text, Reach::Shared, out);
                unknown(format!("the provider asks to wait {span}"))
            }
            WriteOutcome::Unknown(words) => unknown(words),
            WriteOutcome::NotSent(words) => {
                // WRITE is entered from CLAIM only, with the first request of its intent: nothing of it is under way.
                work.unsent = Some(words.clone());
                work.tries = 0;
                Some(Go::new(State::Claim, Rule::NotSent, format!("nothing was sent: {words}")))
            }
        }
    }
}
