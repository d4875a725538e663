//! The claim: one compare-and-set per epoch, its intent kept first on disk and on a relay, its outcome never guessed.

use model::marker::Short8;
use model::settings::{INTENT_OLD, WRITE_DEADLINE};
use model::{IncidentId, Marker, MemberId, Nonce, Span, Time};

use crate::io::{
    Cause, Claim, Command, Credential, MoveRecord, NoticeKind, Output, Part, Reach, State, WriteOutcome,
};
use crate::machine::{Go, Machine};
use crate::plant::Bug;
use crate::register::View;
use crate::state::Rule;

/// A write rests on a reading at most this old.
pub(crate) const READING_FRESH: Span = Span::from_s(2);
/// An operator's move waits this long for an outcome that must be learned first.
pub(crate) const ORDER_WAITS: Span = Span::from_s(60);
/// Without any reading for this long the API counts as silent.
const API_SILENT: Span = Span::from_s(8);
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

/// What an operator wants.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) command: Command,
    pub(crate) at: Time,
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
            orphan: false,
        }
    }

    /// A person asked for it: it needs no lease and waits for no relay.
    pub(crate) const fn by_person(&self) -> bool {
        matches!(self.cause, Cause::Manual | Cause::Adopt)
    }
}

/// A write that is being read back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verifying {
    pub(crate) epoch: u64,
    pub(crate) is_move: bool,
    /// Adopted from another console: from and to, if the member changed.
    pub(crate) adopted: Option<(Option<MemberId>, MemberId)>,
}

impl Machine {
    /// The row of CLAIM.
    pub(crate) fn row_claim(&mut self, now: Time, out: &mut Vec<Output>) -> Option<Go> {
        let work = self.work.as_ref().expect("CLAIM is entered with work to do");
        if let Some(words) = self.register.refused() {
            return Some(Go::new(State::Failed, Rule::Refused, format!("the provider refuses: {words}")));
        }
        if let Some(reason) = self.claim_refusal(now, work) {
            return Some(Go::new(State::Route, Rule::GuardFalse, reason));
        }
        let stale = self.register.asked().is_none_or(|asked| now - asked > READING_FRESH);
        if stale && !self.planted.has(Bug::OldReadingTrusted) {
            self.register.want(now);
            let silent = now - work.opened >= API_SILENT
                && self.register.asked().is_none_or(|asked| now - asked >= API_SILENT);
            return silent
                .then(|| Go::new(State::Blind, Rule::ApiSilent, "the DNS provider does not answer"));
        }
        if !self.may_claim_on_view() {
            self.register.want(self.register.asked().unwrap_or(now) + Span::from_s(1));
            let over = now - work.opened >= API_SILENT;
            return over.then(|| Go::new(State::Route, Rule::GuardFalse, "the register does not settle"));
        }
        if self.memory.intent.is_none() && !self.open_intent(now, out) {
            return Some(Go::new(
                State::Route,
                Rule::GuardFalse,
                "no single marker of ours stands beside the record",
            ));
        }
        let work = self.work.as_mut().expect("CLAIM is entered with work to do");
        if work.stored || work.by_person() {
            return Some(Go::new(State::Write, Rule::GuardsHold, work.reason.clone()));
        }
        if work.announced.is_some_and(|at| now - at >= ANNOUNCE_AGAIN) {
            work.announced = Some(now);
            out.extend(self.memory.intent.clone().map(Output::IntentAnnounce));
        }
        None
    }

    /// Why this claim may not go on, looked at with every guard again.
    fn claim_refusal(&self, now: Time, work: &Work) -> Option<String> {
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

    fn may_claim_on_view(&self) -> bool {
        let adopts = self.work.as_ref().is_some_and(|work| work.cause == Cause::Adopt);
        match self.register.view() {
            View::Equal => true,
            View::Odd(_) => {
                self.register.marker().is_some() && (adopts || self.planted.has(Bug::ForeignEditOverwritten))
            }
            View::Unread | View::Lagging | View::Newer | View::NotAdopted => false,
        }
    }

    /// Builds the claim, keeps it, announces it.
    fn open_intent(&mut self, now: Time, out: &mut Vec<Output>) -> bool {
        let Some(claim) = self.build_claim(now) else { return false };
        if let Some(work) = self.work.as_mut() {
            work.announced = Some(now);
        }
        self.remember(|memory| memory.intent = Some(claim.clone()));
        out.push(Output::IntentAnnounce(claim));
        true
    }

    fn build_claim(&mut self, now: Time) -> Option<Claim> {
        let work = self.work.clone()?;
        let expect_marker = self.register.marker()?.clone();
        let expect_a = *self.register.latest()?.a.first()?;
        let mine = self.memory.marker.clone()?;
        let set_a = match work.cause {
            Cause::Abort => expect_a,
            Cause::Adopt if work.restore => mine.address,
            Cause::Adopt => expect_a,
            Cause::Ddns => self.sight.get(work.target)?.facts.as_ref()?.ip?,
            Cause::Down | Cause::ServiceDown | Cause::AgentLost | Cause::Manual | Cause::Preferred => {
                self.roster.members.get(&work.target)?.address
            }
        };
        let epoch = expect_marker.epoch.max(if work.cause == Cause::Adopt { mine.epoch } else { 0 }) + 1;
        let incident = self.incident.filter(|_| work.cause.is_move());
        let nonce = self.numbers.nonce();
        let _ = now;
        Some(Claim {
            nonce,
            epoch,
            cause: work.cause,
            member: work.target,
            expect_a,
            set_a,
            set_marker: Marker {
                fleet: expect_marker.fleet,
                epoch,
                address: set_a,
                member: Short8::of(work.target.as_bytes()),
                nonce: Short8::of(nonce.as_bytes()),
                previous: expect_marker.nonce,
                unknown: expect_marker.unknown.clone(),
            },
            expect_marker,
            reason: work.reason,
            incident,
        })
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
        out.push(Output::DnsCas { claim, deadline });
    }

    /// Nothing was sent: the intent is taken back.
    pub(crate) fn withdraw(&mut self, now: Time, why: &str, out: &mut Vec<Output>) {
        self.work = None;
        if let Some(claim) = self.memory.intent.clone() {
            self.remember(|memory| memory.intent = None);
            out.push(Output::IntentClose { nonce: claim.nonce, epoch: claim.epoch });
            self.note(now, outcome::WITHDRAWN, format!("nothing was sent: {why}"), out);
        }
    }

    /// The row of WRITE: exactly one request is in flight.
    pub(crate) fn row_write(&mut self, now: Time, out: &mut Vec<Output>) -> Option<Go> {
        let work = self.work.as_mut().expect("WRITE has a claim in flight");
        let unknown = |why: String| Some(Go::new(State::Unknown, Rule::OutcomeUnknown, why));
        let Some((_, outcome)) = work.outcome.take() else {
            return if now >= work.deadline { unknown("no answer within 8 s".to_owned()) } else { None };
        };
        match outcome {
            WriteOutcome::Accepted => {
                let claim = self.memory.intent.clone().expect("the intent of a claim in flight is kept");
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
                unknown(format!("the provider asks to wait {span}"))
            }
            WriteOutcome::Unknown(words) => unknown(words),
        }
    }

    /// The row of UNKNOWN: only reads, the identical request again, or the abort claim on the same marker.
    pub(crate) fn row_unknown(&mut self, now: Time, out: &mut Vec<Output>) -> Option<Go> {
        let intent = self.memory.intent.clone().expect("UNKNOWN is entered with an open intent");
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
                self.note(now, outcome::UNKNOWN, "the record was changed by others".to_owned(), out);
                Some(Go::new(State::Drift, Rule::RecordChanged, odd.words()))
            }
            View::Equal => {
                self.try_again(now, intent, out);
                None
            }
            View::Unread | View::Lagging | View::NotAdopted => None,
        }
    }

    fn late_outcome(&mut self, now: Time, intent: &Claim, out: &mut Vec<Output>) -> Option<Go> {
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
            WriteOutcome::Conflict | WriteOutcome::Unknown(_) => {
                self.register.want(now);
                None
            }
        }
    }

    /// The register shows an epoch newer than the one the claim consumes.
    fn settle_by_marker(&mut self, now: Time, intent: &Claim, out: &mut Vec<Output>) -> Option<Go> {
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
        Some(Go::new(State::Adopt, Rule::Superseded, format!("epoch {} was decided elsewhere", marker.epoch)))
    }

    /// The old marker still stands: the identical request, or the abort claim, if it is time.
    fn try_again(&mut self, now: Time, intent: Claim, out: &mut Vec<Output>) {
        let Some(work) = self.work.clone() else { return };
        let read_since = self.register.asked().is_some_and(|asked| asked > work.sent);
        if now < work.not_before || now < work.deadline {
            return;
        }
        let fresh = self.register.asked().is_some_and(|asked| now - asked <= READING_FRESH);
        if !read_since || !fresh {
            self.register.want(now);
            return;
        }
        if let Some(abort) = self.memory.abort.clone() {
            if self.claim_lacks(now, Cause::Abort, intent.member).is_empty() {
                self.send(now, abort, out);
            }
            return;
        }
        if self.may_resend(now, &work) {
            let claim = self.identical(intent);
            self.send(now, claim, out);
            return;
        }
        let active_up =
            self.active.is_some_and(|id| self.verdict(now, id, None) == crate::verdict::Verdict::Up);
        let old = now - work.opened >= INTENT_OLD;
        let waited_for = self.order.is_some();
        let lacks = self.claim_lacks(now, Cause::Abort, intent.member);
        if waited_for || ((active_up || old) && lacks.is_empty()) {
            self.send_abort(now, &intent, out);
        }
    }

    fn may_resend(&self, now: Time, work: &Work) -> bool {
        if work.by_person() {
            // A person's order does not run an hour later, after a sleep.
            return !work.orphan && now - work.opened < INTENT_OLD && self.claim_refusal(now, work).is_none();
        }
        self.claim_refusal(now, work).is_none()
    }

    fn identical(&mut self, intent: Claim) -> Claim {
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
    fn send_abort(&mut self, now: Time, intent: &Claim, out: &mut Vec<Output>) {
        let nonce = self.numbers.nonce();
        let standing = &intent.expect_marker;
        let abort = Claim {
            nonce,
            epoch: intent.epoch,
            cause: Cause::Abort,
            member: self.active.unwrap_or(intent.member),
            expect_a: intent.expect_a,
            expect_marker: standing.clone(),
            set_a: intent.expect_a,
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
        let moved_away = self
            .incident
            .unwrap_or_else(|| self.incident_of(claim.expect_marker.epoch, former.unwrap_or(claim.member)));
        self.note(now, outcome::WON, format!("epoch {}: {proof}", claim.epoch), out);
        self.believe(now, claim.set_marker.clone(), out);
        self.failed_writes = 0;
        self.verifying =
            Some(Verifying { epoch: claim.epoch, is_move: claim.cause.is_move(), adopted: None });
        if !claim.cause.is_move() {
            return;
        }
        let record = MoveRecord {
            epoch: claim.epoch,
            age: Span::ZERO,
            cause: claim.cause,
            from: former.filter(|id| *id != claim.member),
            to: claim.member,
            acknowledged: claim.cause == Cause::Manual,
            verified: false,
        };
        if claim.cause == Cause::Manual {
            self.acknowledge(now, "the operator who moved", out);
        }
        self.hold.add(now, record);
        out.push(Output::Moved(record, moved_away));
        out.push(Output::Role { epoch: claim.epoch, active: claim.member, former: record.from });
        let text = format!("traffic moved to {}: {}", self.name(claim.member), claim.reason);
        self.tell(Some(moved_away), NoticeKind::Moved, text, Reach::Shared, out);
    }

    /// Takes a marker as the newest one; own intents are over.
    pub(crate) fn believe(&mut self, now: Time, marker: Marker, out: &mut Vec<Output>) {
        self.drop_intents(now, out);
        let before = self.memory.marker.clone();
        self.remember(|memory| {
            memory.marker = Some(marker);
            memory.drift = None;
        });
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
            out.push(Output::IntentClose { nonce: claim.nonce, epoch: claim.epoch });
        }
    }

    /// Rule e: an operator's order, if it may run now. Gives the work, or says why not.
    pub(crate) fn take_order(&mut self, now: Time, out: &mut Vec<Output>) -> Option<Work> {
        let open = self.memory.intent.is_some() && self.state != State::Claim;
        if open || matches!(self.state, State::Write | State::Unknown | State::Adopt) {
            return None;
        }
        let order = self.order.take()?;
        match self.work_of(now, &order.command) {
            Ok(work) => Some(work),
            Err(why) => {
                self.note(now, outcome::REFUSED, why, out);
                None
            }
        }
    }

    fn work_of(&self, now: Time, command: &Command) -> Result<Work, String> {
        let drifted = self.state == State::Drift || self.memory.drift.is_some();
        let settled = || {
            if drifted { Err("the record was changed by others: adopt or restore it first") } else { Ok(()) }
        };
        match command {
            Command::Activate { member, even_if_not_ready, by } => {
                settled()?;
                self.move_work(now, *member, *even_if_not_ready, by)
            }
            Command::Cutover { by } => {
                settled()?;
                let target = self.best_standby(now).ok_or("no standby is ready")?;
                self.move_work(now, target, false, by)
            }
            Command::AdoptRecord { by } | Command::RestoreRecord { by } => {
                if self.state != State::Drift {
                    return Err("the record is not in DRIFT".to_owned());
                }
                let restore = matches!(command, Command::RestoreRecord { .. });
                self.drift_work(now, restore, by)
            }
            Command::Acknowledge { .. } | Command::Watch(_) => Err("not a move".to_owned()),
        }
    }

    fn move_work(&self, now: Time, target: MemberId, forced: bool, by: &str) -> Result<Work, String> {
        if self.active == Some(target) {
            return Err(format!("{} is the active member already", self.name(target)));
        }
        if let Some(why) = self.order_refusal(now, target, forced) {
            return Err(why);
        }
        let reason = format!("{by} moved traffic to {}", self.name(target));
        Ok(Work { forced, ..Work::new(now, Cause::Manual, target, reason) })
    }

    fn drift_work(&self, now: Time, restore: bool, by: &str) -> Result<Work, String> {
        let reading = self.register.latest().ok_or("the record has not been read yet")?;
        let address = *reading.a.first().ok_or("no A record stands at the name")?;
        self.register.marker().ok_or("no single marker of this fleet stands there: link the name again")?;
        let mine = self.memory.marker.as_ref().ok_or("this console knows no epoch of this name")?;
        let wanted = if restore { mine.address } else { address };
        let found = self.roster.members.iter().find(|(_, entry)| entry.address == wanted);
        let target = match (found, restore) {
            (Some((id, _)), _) => *id,
            (None, true) => self.active.ok_or("the former active member is not in the roster")?,
            (None, false) => return Err(format!("{address} is not the address of any member")),
        };
        let verb = if restore { "put the record back" } else { "took the record over as it stands" };
        Ok(Work { restore, ..Work::new(now, Cause::Adopt, target, format!("{by} {verb}")) })
    }

    /// Why an operator's move may not run now.
    fn order_refusal(&self, now: Time, target: MemberId, forced: bool) -> Option<String> {
        if let Credential::Missing(words) = &self.credential {
            return Some(format!("no usable DNS credential: {words}"));
        }
        if self.policy.hostname.is_none() {
            return Some("this pool has no managed name".to_owned());
        }
        if self.memory.marker.is_none() {
            return Some("the record has not been adopted yet".to_owned());
        }
        match self.roster.members.get(&target) {
            None => return Some(format!("{} is not in the roster", target.short())),
            Some(entry) if entry.part == Part::Witness => {
                return Some(format!("{} is a witness and carries no traffic", entry.name));
            }
            Some(_) => {}
        }
        let bar = self.bar(now, target).filter(|_| !forced)?;
        Some(format!("{} {}", self.name(target), bar.words()))
    }

    /// The incident of a member that was active in an epoch.
    pub(crate) fn incident_of(&self, epoch: u64, member: MemberId) -> IncidentId {
        let boot =
            self.sight.get(member).map_or(model::BootId::from_bytes([0; 16]), crate::sight::Seen::boot);
        crate::rng::incident_id(self.pool, epoch, member, boot)
    }
}
