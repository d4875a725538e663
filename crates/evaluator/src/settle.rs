//! The row of UNKNOWN, and what an accepted write or a newer marker settles.

use model::marker::Short8;
use model::settings::INTENT_OLD;
use model::{IncidentId, Marker, MemberId, Span, Time};

use crate::claim::{READING_FRESH, Verifying, Work, outcome};
use crate::io::{Cause, Claim, MoveRecord, NoticeKind, Output, Reach, State, WriteOutcome};
use crate::machine::{Go, Machine};
use crate::plant::Bug;
use crate::register::View;
use crate::state::Rule;

/// Own intents remembered as closed.
const CLOSED_KEPT: usize = 32;

impl Machine {
    /// The row of UNKNOWN: only reads, the identical request again, or the abort claim on the same marker.
    pub(crate) fn row_unknown(&mut self, now: Time, out: &mut Vec<Output>) -> Option<Go> {
        let intent = self.open_claim();
        if now - self.since >= INTENT_OLD {
            let text = "a write has had no known outcome for a minute; look at the record by hand".to_owned();
            self.tell(self.incident, NoticeKind::Failed, text, Reach::Shared, out);
        }
        if let Some(go) = self.late_outcome(now, &intent, out) {
            return Some(go);
        }
        if let Some(words) = self.register.refused() {
            return Some(Go::new(State::Failed, Rule::Refused, format!("the provider refuses: {words}")));
        }
        match self.register.view() {
            View::Newer => self.settle_by_marker(now, &intent, out),
            View::Odd(_) => {
                let odd = self.register.changed()?;
                let why = format!("epoch {}: the record was changed by others", intent.epoch);
                self.note(now, outcome::UNKNOWN, why, out);
                Some(Go::new(State::Drift, Rule::RecordChanged, odd.words()))
            }
            View::Equal => {
                let given_up = self.try_again(now, intent, out);
                given_up.then(|| {
                    let why = "the record was changed by others, and what was decided about it did not land";
                    Go::new(State::Drift, Rule::RecordChanged, why)
                })
            }
            View::Unread | View::Lagging | View::NotAdopted => None,
        }
    }

    pub(crate) fn late_outcome(&mut self, now: Time, intent: &Claim, out: &mut Vec<Output>) -> Option<Go> {
        let (nonce, outcome) = self.work.as_mut().and_then(|work| work.outcome.take())?;
        match outcome {
            WriteOutcome::Accepted => {
                let abort = self.memory.abort.clone().filter(|claim| claim.nonce == nonce);
                let claim = abort.unwrap_or_else(|| intent.clone());
                self.settle_won(now, &claim, "the provider accepted it", out);
                Some(Go::new(State::Verify, Rule::Accepted, claim.reason))
            }
            WriteOutcome::Rejected(words) => Some(Go::new(
                State::Failed,
                Rule::Refused,
                format!("the provider rejects the write: {words}"),
            )),
            WriteOutcome::Throttled(span) => {
                if let Some(work) = self.work.as_mut() {
                    work.not_before = work.not_before.max(now + span);
                }
                None
            }
            // An earlier request of this claim may be under way still.
            WriteOutcome::Conflict | WriteOutcome::Unknown(_) | WriteOutcome::NotSent(_) => {
                self.register.want(now);
                None
            }
        }
    }

    /// The register shows an epoch newer than the one the claim consumes.
    pub(crate) fn settle_by_marker(
        &mut self,
        now: Time,
        intent: &Claim,
        out: &mut Vec<Output>,
    ) -> Option<Go> {
        let marker = self.register.marker()?.clone();
        let claims = [Some(intent.clone()), self.memory.abort.clone()];
        let shown = claims.into_iter().flatten().find(|claim| claim.set_marker == marker);
        if let Some(claim) = shown {
            self.settle_won(now, &claim, "the register shows its nonce", out);
            return Some(Go::new(State::Verify, Rule::Accepted, claim.reason));
        }
        let proven = marker.epoch == intent.epoch + 1 && marker.previous == intent.set_marker.nonce;
        let (word, why) = if marker.epoch == intent.epoch {
            (outcome::LOST, "another nonce stands at this epoch")
        } else if proven {
            (outcome::WON, "the next marker names its nonce as the one before")
        } else if self.planted.has(Bug::ConcludeLostOnLaterEpoch) {
            (outcome::LOST, "a later epoch stands there")
        } else {
            (outcome::UNKNOWN, "a later epoch stands there; nothing proves what became of this one")
        };
        self.note(now, word, format!("epoch {}: {why}", intent.epoch), out);
        if proven && intent.cause.is_move() {
            // It was made and is history already: people and records learn of it all the same.
            let name = self.name_of_move(intent);
            self.record_move(now, intent, name, out);
        }
        Some(Go::new(State::Adopt, Rule::Superseded, format!("epoch {} was decided elsewhere", marker.epoch)))
    }

    /// The old marker still stands: the identical request, or the abort claim, if it is time. Says whether the claim
    /// is given up: a decision about a changed record is not closed by a write nobody decided.
    pub(crate) fn try_again(&mut self, now: Time, intent: Claim, out: &mut Vec<Output>) -> bool {
        let work = self.at_work().clone();
        if now < work.not_before || now < work.deadline {
            return false;
        }
        let read_since = self.register.asked().is_some_and(|asked| asked > work.sent);
        let fresh = self.register.asked().is_some_and(|asked| now - asked <= READING_FRESH);
        if !read_since || !fresh {
            self.register.want(now);
            return false;
        }
        // A waiting person's order closes the way to it: that abort is theirs and needs no lease.
        let may_abort = self.order.is_some() || self.claim_lacks(now, Cause::Abort, intent.member).is_empty();
        if let Some(abort) = self.memory.abort.clone() {
            if may_abort {
                self.send(now, abort, out);
            }
            return false;
        }
        if self.may_resend(now, &work) {
            let claim = self.identical(intent);
            self.send(now, claim, out);
            return false;
        }
        // Once the record is back by itself there is nothing left to decide, and it is closed like any other.
        if intent.cause == Cause::Adopt && self.memory.drift.is_some() {
            return true;
        }
        let active_up =
            self.active.is_some_and(|id| self.verdict(now, id, None) == crate::verdict::Verdict::Up);
        let old = now - work.opened >= INTENT_OLD;
        if may_abort && (self.order.is_some() || active_up || old) {
            self.send_abort(now, &intent, out);
        }
        false
    }

    pub(crate) fn may_resend(&self, now: Time, work: &Work) -> bool {
        if work.by_person() {
            // A person's order does not run an hour later, after a sleep.
            return !work.orphan && now - work.opened < INTENT_OLD && self.claim_refusal(now, work).is_none();
        }
        self.claim_refusal(now, work).is_none()
    }

    pub(crate) fn identical(&mut self, intent: Claim) -> Claim {
        if !self.planted.has(Bug::ResendWithNewNonce) {
            return intent;
        }
        let nonce = self.numbers.nonce();
        let set_marker = Marker { nonce: Short8::of(nonce.as_bytes()), ..intent.set_marker.clone() };
        let claim = Claim { nonce, set_marker, ..intent };
        self.remember(|memory| memory.intent = Some(claim.clone()));
        claim
    }

    /// Consumes the marker that the open intent rests on, A unchanged.
    pub(crate) fn send_abort(&mut self, now: Time, intent: &Claim, out: &mut Vec<Output>) {
        let nonce = self.numbers.nonce();
        // Without one there is nothing to consume: whatever marker stands now refuses the open request.
        let Some(standing) = &intent.expect_marker else { return };
        // A may have been changed and changed back since the claim was made.
        let stands = self.register.latest().and_then(|reading| reading.a.first().copied());
        let stands = stands.unwrap_or(intent.expect_a);
        let abort = Claim {
            nonce,
            epoch: intent.epoch,
            cause: Cause::Abort,
            member: self.active.unwrap_or(intent.member),
            expect_a: stands,
            expect_marker: Some(standing.clone()),
            set_a: stands,
            set_marker: Marker {
                epoch: intent.epoch,
                nonce: Short8::of(nonce.as_bytes()),
                previous: standing.nonce,
                ..standing.clone()
            },
            reason: format!("closes the open claim on epoch {}", intent.epoch),
            incident: None,
        };
        self.remember(|memory| memory.abort = Some(abort.clone()));
        if let Some(work) = self.work.as_mut() {
            work.tries = 0;
        }
        self.send(now, abort, out);
    }

    /// The register holds this claim: believe it, record it, tell people.
    pub(crate) fn settle_won(&mut self, now: Time, claim: &Claim, proof: &str, out: &mut Vec<Output>) {
        let former = self.active;
        let moved_away = self.name_of_move(claim);
        self.note(now, outcome::WON, format!("epoch {}: {proof}", claim.epoch), out);
        self.believe(now, claim.set_marker.clone(), out);
        self.failed_writes = 0;
        self.verifying = Some(Verifying { epoch: claim.epoch, is_move: claim.cause.is_move() });
        if claim.cause == Cause::Ddns {
            self.record_address(now, claim, out);
        }
        if !claim.cause.is_move() {
            return;
        }
        let former = former.filter(|id| *id != claim.member);
        out.push(Output::Role { epoch: claim.epoch, active: claim.member, former });
        if claim.cause == Cause::Manual {
            // Not where the move is learned of when it is history: nobody has seen what came after it.
            self.acknowledge(now, "the operator who moved", out);
        }
        self.record_move(now, claim, moved_away, out);
    }

    /// A claim left open when the record was found changed has landed after all.
    pub(crate) fn note_landed(&mut self, now: Time, claim: &Claim, out: &mut Vec<Output>) {
        self.note(now, outcome::WON, format!("epoch {}: the register shows its nonce", claim.epoch), out);
        if claim.cause.is_move() {
            let name = self.name_of_move(claim);
            self.record_move(now, claim, name, out);
        }
    }

    /// The claim's own name comes first: after a restart the boot of a dead member is not known any more.
    fn name_of_move(&self, claim: &Claim) -> IncidentId {
        let former = self.active.unwrap_or(claim.member);
        let named = claim.incident.or(self.incident);
        named.unwrap_or_else(|| self.incident_of(claim.epoch.saturating_sub(1), former))
    }

    /// A move that was made goes into the shared records and to people.
    fn record_move(&mut self, now: Time, claim: &Claim, moved_away: IncidentId, out: &mut Vec<Output>) {
        let mut members = self.roster.members.iter();
        let from = members.find(|(_, member)| member.address == claim.expect_a).map(|(id, _)| *id);
        let record = MoveRecord {
            epoch: claim.epoch,
            age: Span::ZERO,
            cause: claim.cause,
            from: from.filter(|id| *id != claim.member),
            to: claim.member,
            acknowledged: claim.cause == Cause::Manual,
            verified: false,
        };
        self.hold.add(now, record);
        out.push(Output::Moved(record, moved_away));
        let text = format!("traffic moved to {}: {}", self.name(claim.member), claim.reason);
        self.tell(Some(moved_away), NoticeKind::Moved, text, Reach::Shared, out);
    }

    /// Takes a marker as the newest one; own intents are over.
    pub(crate) fn believe(&mut self, now: Time, marker: Marker, out: &mut Vec<Output>) {
        self.drop_intents(now, out);
        for claim in std::mem::take(&mut self.memory.left) {
            self.memory_changes += 1;
            self.close_intent(&claim, out);
        }
        let before = self.memory.marker.clone();
        self.remember(|memory| {
            memory.marker = Some(marker);
            memory.drift = None;
        });
        self.has_served = false;
        let mine = self.memory.marker.clone();
        self.register.believe(now, before, mine.as_ref());
        self.hint_tries = 0;
        self.find_active();
    }

    pub(crate) fn drop_intents(&mut self, _now: Time, out: &mut Vec<Output>) {
        self.work = None;
        if self.memory.intent.is_none() && self.memory.abort.is_none() {
            return;
        }
        let claims = [self.memory.intent.take(), self.memory.abort.take()];
        self.memory_changes += 1;
        for claim in claims.into_iter().flatten() {
            self.close_intent(&claim, out);
        }
    }

    /// Relays may forget it. Those that are not reached now are told again when they still name it.
    pub(crate) fn close_intent(&mut self, claim: &Claim, out: &mut Vec<Output>) {
        if self.closed.len() == CLOSED_KEPT {
            self.closed.pop_front();
        }
        self.closed.push_back(claim.nonce);
        out.push(Output::IntentClose { nonce: claim.nonce, epoch: claim.epoch });
    }

    /// The incident of a member that was active in an epoch.
    pub(crate) fn incident_of(&self, epoch: u64, member: MemberId) -> IncidentId {
        let boot =
            self.sight.get(member).map_or(model::BootId::from_bytes([0; 16]), crate::sight::Seen::boot);
        crate::rng::incident_id(self.pool, epoch, member, boot)
    }
}
