//! Checked when a console lets a compare-and-set go: what did it have in hand?

use evaluator::io::{Cause, Claim, Goodbye, Holder};
use model::haproxy::Down;
use model::settings::{DoubleFault, LEASE_CONSOLE};
use model::{Span, Time};

use crate::ids;
use crate::invariant::{Check, Invariant, Violation};
use crate::plan::Plan;
use crate::shadow::Shadow;

/// Readiness counts a heartbeat up to this age.
const READY_AGE: Span = Span::from_s(10);
/// A testimony counts up to this age.
const TESTIMONY_AGE: Span = Span::from_s(5);
/// A voter heard within 3 s by its beacon; the bound over-estimates by a beacon's interval and the way there and back.
const HEARD_AGE: Span = Span::from_s(8);

/// An operator's order waits this long for an open claim.
const ORDER_WAITS: Span = Span::from_s(70);

/// One write about to leave.
pub struct Sending<'a> {
    /// Now, on the console's clock.
    pub now: Time,
    /// When the machine decided it.
    pub decided: Time,
    /// Who sends.
    pub me: Holder,
    /// What it was told.
    pub shadow: &'a Shadow,
    /// What it sends.
    pub claim: &'a Claim,
    /// The world's plan.
    pub plan: &'a Plan,
}

impl Sending<'_> {
    fn delay(&self) -> Span {
        self.shadow.policy.0.settings.delay()
    }

    /// The member that is active as the claim sees it.
    fn active(&self) -> Option<usize> {
        ids::by_address(self.claim.expect_a)
    }

    fn target(&self) -> Option<usize> {
        ids::voter(self.claim.member)
    }

    fn is_automatic(&self) -> bool {
        // An order that waits for an open claim is a person's word for closing it.
        let ordered = self.shadow.ordered.is_some_and(|at| self.now - at <= ORDER_WAITS);
        match self.claim.cause {
            Cause::Manual | Cause::Adopt => false,
            Cause::Abort => !ordered,
            Cause::Down | Cause::ServiceDown | Cause::AgentLost | Cause::Preferred | Cause::Ddns => true,
        }
    }

    fn fail(&self, invariant: Invariant, text: impl AsRef<str>) -> Check {
        let claim = self.claim;
        let text = format!(
            "{} (claim of epoch {}, cause {:?}, to {}, nonce {})",
            text.as_ref(),
            claim.epoch,
            claim.cause,
            claim.set_a,
            claim.nonce
        );
        Err(Violation::new(invariant, text))
    }
}

/// Every check of this file.
pub fn all(sending: &Sending<'_>) -> Check {
    i6_one_open_write_at_a_time(sending)?;
    i29_read_at_most_two_seconds_ago(sending)?;
    if !sending.is_automatic() {
        return Ok(());
    }
    i5_only_the_holder_writes(sending)?;
    i9_nothing_in_the_first_five_seconds(sending)?;
    i15_not_while_paused(sending)?;
    fleet_guard_holds_back(sending)?;
    if !sending.claim.cause.is_automatic_move() {
        return Ok(());
    }
    i10_not_from_a_minority(sending)?;
    i4_the_target_is_ready(sending)?;
    i7_voices_of_silence(sending)?;
    i8_nothing_fresh_in_hand(sending)?;
    i14_no_failback_without_policy(sending)?;
    i22_not_inside_planned_work(sending)
}

/// I4: the target is ready at the moment of sending, by what this console was told.
pub fn i4_the_target_is_ready(sending: &Sending<'_>) -> Check {
    let Some(target) = sending.target() else { return sending.fail(Invariant::I4, "target is nobody") };
    let known = &sending.shadow.known[target];
    let age = sending.shadow.age(sending.now, target);
    let limit = READY_AGE.min(sending.delay());
    let why = if sending.plan.voters[target].witness {
        Some("target is a witness".to_owned())
    } else if age.is_none_or(|age| age > limit) {
        Some(format!("target's newest heartbeat is at most {age:?} old, allowed are {limit}"))
    } else if known.monitored && known.down != Down::None {
        Some(format!("target says {:?}", known.down))
    } else if known.monitored && known.cfg_valid != Some(true) {
        Some("target's configuration was not found good".to_owned())
    } else if known.maintenance || known.planned_until.is_some_and(|until| until > sending.now) {
        Some("target is in maintenance or planned work".to_owned())
    } else if known.time_travel || known.goodbye.is_some() {
        Some("target was restored from a snapshot or has said goodbye".to_owned())
    } else if known.ip.is_some_and(|ip| ip != ids::address(target))
        || sending.claim.set_a != ids::address(target)
    {
        Some("target's address is not the enrolled one".to_owned())
    } else {
        None
    };
    match why {
        Some(why) => sending.fail(Invariant::I4, why),
        None => Ok(()),
    }
}

/// I5: no automatic write by a console that does not hold the lease.
pub fn i5_only_the_holder_writes(sending: &Sending<'_>) -> Check {
    let fresh = |sent: Time| sending.now - sent <= LEASE_CONSOLE;
    let words = || sending.shadow.leases.iter().flatten();
    if !words().any(|word| word.answer.granted && fresh(word.answer.sent)) {
        return sending.fail(Invariant::I5, "no relay has granted the lease within 12 s");
    }
    let above = |holder: Holder| holder.console != sending.me.console && holder > sending.me;
    // Asked every 4 s: who has not answered for longer has no say.
    let live = |sent: Time| sending.now - sent < Span::from_s(5);
    let mut others = words().filter(|word| live(word.answer.sent)).filter_map(|word| word.answer.holder);
    if let Some(other) = others.find(|holder| above(*holder)) {
        let heard: Vec<_> =
            words().map(|word| (sending.now - word.answer.sent, word.answer.clone())).collect();
        return sending.fail(Invariant::I5, format!("a relay names {other:?} as the holder: {heard:?}"));
    }
    let stood = sending.now - sending.decided;
    if stood > Span::from_ms(1_250) {
        return sending
            .fail(Invariant::I5, format!("it was decided {stood} ago: this process stood still since"));
    }
    Ok(())
}

/// I6: while an outcome is not known, only the identical request or the abort claim on the same marker.
pub fn i6_one_open_write_at_a_time(sending: &Sending<'_>) -> Check {
    let claim = sending.claim;
    for open in &sending.shadow.open {
        let same = open.claim == *claim;
        let abort = claim.cause == Cause::Abort
            && claim.expect_marker == open.claim.expect_marker
            && claim.set_a == claim.expect_a;
        // The other way round: the abort is open, and the first request is sent again.
        let aborted = open.claim.cause == Cause::Abort && claim.expect_marker == open.claim.expect_marker;
        // A person who settles a changed record consumes whatever stands there.
        let settles = claim.cause == Cause::Adopt;
        if !(same || abort || aborted || settles) {
            let text =
                format!("the outcome of nonce {} (epoch {}) is open", open.claim.nonce, open.claim.epoch);
            return sending.fail(Invariant::I6, text);
        }
    }
    Ok(())
}

/// I7: enough voices of silence, not only the candidate's; SVC_DOWN on the active's own word.
pub fn i7_voices_of_silence(sending: &Sending<'_>) -> Check {
    let Some(active) = sending.active() else { return Ok(()) };
    match sending.claim.cause {
        // A request sent again may rest on the silence that followed the active's own word.
        Cause::ServiceDown => {
            i7_own_word(sending, active).or_else(|first| i7_count(sending, active).map_err(|_| first))
        }
        Cause::Down | Cause::AgentLost => i7_count(sending, active),
        Cause::Manual | Cause::Preferred | Cause::Ddns | Cause::Abort | Cause::Adopt => Ok(()),
    }
}

fn i7_own_word(sending: &Sending<'_>, active: usize) -> Check {
    let known = &sending.shadow.known[active];
    let says = match known.down {
        Down::None => known.goodbye == Some(Goodbye::HostShutdown),
        Down::Stopped | Down::CrashLoop | Down::Hung => true,
    };
    // A goodbye stays until newer life; anything else must be fresh.
    let fresh = known.fresh_at.is_some();
    if says && fresh {
        return Ok(());
    }
    sending.fail(Invariant::I7, format!("the active's newest word is {:?}, fresh: {fresh}", known.down))
}

fn i7_count(sending: &Sending<'_>, active: usize) -> Check {
    let delay = sending.delay();
    let (mut voices, mut remote, mut others) = (0, 0, 0);
    for by in (0..sending.plan.voters.len()).filter(|by| *by != active) {
        let Some(said) = sending.shadow.testimony(by, active) else { continue };
        let fresh = said.made_after.is_some_and(|at| sending.now - at <= TESTIMONY_AGE);
        let up = said.up >= delay + Span::from_s(30);
        if fresh && up && said.fit && said.baseline && said.hears_other && said.silent > delay {
            voices += 1;
            remote += 1;
            others += u32::from(Some(by) != sending.target());
        }
    }
    let silent_here = sending.shadow.known[active].direct.is_none_or(|at| sending.now - at > delay);
    if silent_here && sending.now - sending.shadow.disturbed > delay {
        voices += 1;
        others += 1;
    }
    let needed = sending.shadow.policy.0.settings.voices;
    if voices >= needed && remote >= 1 && others >= 1 {
        return Ok(());
    }
    let said: Vec<_> = (0..sending.plan.voters.len())
        .filter_map(|by| sending.shadow.testimony(by, active).map(|said| (by, said.clone())))
        .collect();
    let counted =
        format!("{voices} voices ({remote} remote, {others} not the candidate's), needed are {needed}");
    sending.fail(Invariant::I7, format!("{counted}; at {}: {said:?}", sending.now))
}

/// I8, as far as this console was told: the active's newest heartbeat is not fresh with HAProxy up.
pub fn i8_nothing_fresh_in_hand(sending: &Sending<'_>) -> Check {
    let Some(active) = sending.active() else { return Ok(()) };
    if sending.claim.cause == Cause::Preferred {
        return Ok(());
    }
    let known = &sending.shadow.known[active];
    let serves = known.down == Down::None && known.goodbye != Some(Goodbye::HostShutdown);
    let fresh = sending.shadow.age(sending.now, active).is_some_and(|age| age <= sending.delay());
    if serves && fresh {
        return sending.fail(Invariant::I8, "the active's newest heartbeat is fresh and says that it serves");
    }
    Ok(())
}

/// I9: no automatic write in the first 5 s after start, wake, network change or stall.
pub fn i9_nothing_in_the_first_five_seconds(sending: &Sending<'_>) -> Check {
    let since = sending.now - sending.shadow.disturbed.max(sending.shadow.late_at);
    if since < Span::from_s(5) {
        return sending.fail(Invariant::I9, format!("only {since} after the last start, wake or stall"));
    }
    Ok(())
}

/// I10: a minority side never writes by itself unless the pool says so; who sees nobody never writes.
pub fn i10_not_from_a_minority(sending: &Sending<'_>) -> Check {
    let voters = sending.plan.voters.len();
    let heard = sending
        .shadow
        .known
        .iter()
        .filter(|known| known.fresh_at.is_some_and(|at| sending.now - at <= HEARD_AGE))
        .count();
    let needed = match voters {
        0..=2 => 1,
        3 => 2,
        n => n / 2 + 1,
    };
    let move_anyway = sending.shadow.policy.0.settings.double_fault == DoubleFault::Move;
    if heard >= needed || (heard >= 1 && move_anyway) {
        return Ok(());
    }
    sending.fail(Invariant::I10, format!("{heard} of {voters} voters heard, needed are {needed}"))
}

/// I14: nothing goes back by itself unless the policy prefers that member.
pub fn i14_no_failback_without_policy(sending: &Sending<'_>) -> Check {
    let preferred = sending.shadow.policy.0.preferred;
    if sending.claim.cause == Cause::Preferred && preferred != Some(sending.claim.member) {
        return sending.fail(Invariant::I14, "the policy does not prefer this member");
    }
    Ok(())
}

/// I15: a paused pool gets no automatic write.
pub fn i15_not_while_paused(sending: &Sending<'_>) -> Check {
    let (policy, received) = &sending.shadow.policy;
    let paused = policy.pause.as_ref().is_some_and(|pause| sending.now - *received < pause.remaining);
    if paused {
        return sending.fail(Invariant::I15, "the pool is paused by the policy this console was given");
    }
    Ok(())
}

/// F21: while the fleet guard holds this console is the likelier culprit.
pub fn fleet_guard_holds_back(sending: &Sending<'_>) -> Check {
    if sending.shadow.fleet_guard {
        return sending.fail(Invariant::FleetGuard, "the fleet guard holds");
    }
    Ok(())
}

/// I22: planned work on the active is no reason inside its window.
pub fn i22_not_inside_planned_work(sending: &Sending<'_>) -> Check {
    let Some(active) = sending.active() else { return Ok(()) };
    let planned = sending.shadow.known[active].planned_until.is_some_and(|until| until > sending.now);
    if planned && sending.claim.cause != Cause::Preferred {
        return sending.fail(Invariant::I22, "the active has said that planned work goes on");
    }
    Ok(())
}

/// I29: what is overwritten was read at most 2 s before, and read as what the claim expects.
pub fn i29_read_at_most_two_seconds_ago(sending: &Sending<'_>) -> Check {
    let Some(reading) = &sending.shadow.reading else {
        return sending.fail(Invariant::I29, "the register was not read since the last start or wake");
    };
    // Decided on a reading at most 2 s old, and sent at most this long after the decision.
    let age = sending.decided - reading.asked;
    if age > Span::from_s(2) || sending.now - sending.decided > Span::from_ms(250) {
        return sending.fail(Invariant::I29, format!("the register was read {age} ago"));
    }
    if sending.claim.cause != Cause::Adopt && reading.a != [sending.claim.expect_a] {
        return sending.fail(Invariant::I29, format!("A was read as {:?}", reading.a));
    }
    Ok(())
}
