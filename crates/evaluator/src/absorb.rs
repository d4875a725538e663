//! What each input changes. Nothing is decided here.

use model::settings::COLD;
use model::{MemberId, Nonce, Span, Time};

use crate::claim::Verifying;
use crate::io::{
    Baseline, Command, Credential, DnsFault, Input, LeaseAnswer, Link, Output, OwnFault, Policy, Reading,
    Report, Roster, State, Unrecorded, Watch, WriteOutcome,
};
use crate::machine::Machine;
use crate::order::{ORDER_WAITS, Order};
use crate::plant::Bug;
use crate::register::View;
use crate::sight::Heard;
use crate::state::Rule;

/// A baseline is stored again only when it is this much older, so that memory does not change with every heartbeat.
const BASELINE_STEP: Span = Span::from_s(600);
/// Foreign intents kept at most, and how long one counts after a relay last named it.
const INTENTS_MAX: usize = 32;
const INTENT_NAMED: Span = Span::from_s(10);
/// Characters of a relay's own words.
const REASON_MAX: usize = 120;
/// A pool's pause lasts at most this long.
const PAUSE_MAX: Span = Span::from_s(24 * 60 * 60);

impl Machine {
    pub(crate) fn absorb(&mut self, now: Time, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Tick => self.on_tick(now, out),
            Input::Report(report) => self.on_report(now, report, out),
            Input::Relay { relay, link } => {
                if link == Link::Up {
                    // Somebody new to keep an intent.
                    self.stuck = None;
                }
                self.sight.on_link(now, relay, link);
            }
            Input::Lease { relay, answer } => self.on_lease(now, relay, answer),
            Input::IntentStored { relay, nonce } => self.on_intent_stored(relay, nonce),
            Input::IntentRefused { relay, nonce, reason } => self.on_intent_refused(relay, nonce, &reason),
            Input::Probe { member, answered } => self.sight.on_probe(now, member, answered),
            Input::Anchors { asked, answered } => self.fitness.on_anchors(now, asked, answered),
            Input::DnsRead(result) => self.on_dns_read(now, result),
            Input::DnsWrite { nonce, outcome } => self.on_dns_write(now, nonce, outcome),
            Input::Fault(fault) => self.on_fault(now, fault),
            Input::Operator(command) => self.on_command(now, command, out),
            Input::Policy(policy) => self.take_policy(now, policy),
            Input::Roster(roster) => self.on_roster(roster),
            Input::Records(records) => self.on_records(now, &records),
            Input::Credential(credential) => self.on_credential(credential, out),
            Input::Revived(words) => self.note(now, "revived", words, out),
            Input::FleetGuard(holds) => {
                self.fitness.fleet_guard = holds && !self.planted.has(Bug::FleetGuardIgnored);
            }
            Input::SourceSeen { member, ip, vantages } => {
                if self.active == Some(member) {
                    self.new_address = (vantages >= 2).then_some((member, ip, now));
                }
            }
        }
    }

    fn on_records(&mut self, now: Time, records: &crate::io::Records) {
        self.hold.on_records(now, records);
        let recorded = |left: &mut Unrecorded| records.moves.iter().any(|record| record.epoch == left.epoch);
        if self.memory.unrecorded.take_if(recorded).is_some() {
            self.memory_changes += 1;
        }
    }

    fn on_tick(&mut self, now: Time, out: &mut Vec<Output>) {
        self.fitness.on_tick(now, &self.sight);
        self.register.on_tick(now);
        if self.holds_lease(now)
            && let Some(record) = self.hold.orphaned(now)
        {
            let about = record.from.unwrap_or(record.to);
            if self.memory.unrecorded.take_if(|left| left.epoch == record.epoch).is_some() {
                self.memory_changes += 1;
            }
            out.push(Output::Moved(record, self.incident_of(record.epoch.saturating_sub(1), about)));
        }
        let rests = matches!(self.state, State::Hold | State::Steady) && self.holds_lease(now);
        if rests && self.register.view() == View::Equal && self.register.asked().is_some() {
            // Whoever wrote it may have ended before reading it back: it is read now.
            let left = Verifying { epoch: self.epoch(), is_move: true };
            self.record_verified(now, left, true, out);
        }
        if !self.foreign.is_empty() {
            self.foreign.retain(|_, (_, at)| now - *at <= INTENT_NAMED);
        }
        if self.order.as_ref().is_some_and(|order| now - order.at > ORDER_WAITS) {
            self.order = None;
            let why = "an earlier write has no known outcome yet; nothing was changed";
            self.note(now, crate::claim::outcome::REFUSED, why.to_owned(), out);
        }
    }

    fn on_report(&mut self, now: Time, report: Report, out: &mut Vec<Output>) {
        if !self.roster.members.contains_key(&report.relay) {
            return;
        }
        self.sight.on_contact(now, report.relay);
        for life in report.lives {
            let member = life.member;
            let gap = self.sight.get(member).and_then(|seen| seen.received).map(|at| now - at);
            let heard = self.sight.on_life(now, report.relay, life, &self.planted);
            self.note_streak(now, member, heard, gap);
            if heard == Heard::NewDirect {
                self.note_baseline(now, member);
            }
        }
        for testimony in &report.testimonies {
            self.sight.on_testimony(now, testimony);
        }
        for intent in report.intents.into_iter().take(INTENTS_MAX) {
            self.on_intent(now, intent, out);
        }
        if report.epoch_max > self.epoch_heard {
            self.epoch_heard = report.epoch_max;
            self.hint_tries = 0;
            if self.epoch_heard > self.epoch() {
                self.register.want(now);
            }
        }
    }

    fn on_intent(&mut self, now: Time, intent: crate::io::ForeignIntent, out: &mut Vec<Output>) {
        let claims = [&self.memory.intent, &self.memory.abort];
        if claims.into_iter().flatten().chain(&self.memory.left).any(|claim| claim.nonce == intent.nonce) {
            return;
        }
        if self.closed.contains(&intent.nonce) {
            // A relay that was not reached when it was closed.
            out.push(Output::IntentClose { nonce: intent.nonce, epoch: intent.epoch });
            return;
        }
        // One of this console's name that it does not know is left over from a lost memory or a copy of its disk: its
        // request may still land, so it is consumed like anybody's.
        if intent.epoch <= self.epoch() {
            // Settled by the newest marker; the holder tidies up.
            if self.holds_lease(now) {
                out.push(Output::IntentClose { nonce: intent.nonce, epoch: intent.epoch });
            }
            self.foreign.remove(&intent.nonce);
            return;
        }
        if self.foreign.len() < INTENTS_MAX || self.foreign.contains_key(&intent.nonce) {
            self.foreign.insert(intent.nonce, (intent, now));
        }
    }

    fn note_baseline(&mut self, now: Time, member: MemberId) {
        let attachment = self.attachment;
        let known = self.memory.baselines.get(&member);
        let stands =
            known.is_some_and(|base| base.attachment == attachment && now - base.heard < BASELINE_STEP);
        if !stands {
            self.remember(|memory| {
                memory.baselines.insert(member, Baseline { heard: now, attachment });
            });
        }
    }

    fn on_lease(&mut self, now: Time, relay: MemberId, answer: LeaseAnswer) {
        self.sight.on_contact(now, relay);
        // A grant for a request sent before this console let go does not count.
        if !matches!(self.state, State::Cold | State::Blind | State::Failed) && self.watch == Watch::On {
            self.lease.on_answer(now, relay, answer, &self.roster);
        }
    }

    fn on_intent_stored(&mut self, relay: MemberId, nonce: Nonce) {
        let ours = self.memory.intent.as_ref().is_some_and(|claim| claim.nonce == nonce);
        if let Some(work) = self.work.as_mut().filter(|_| ours && self.roster.members.contains_key(&relay)) {
            work.stored = true;
            self.stuck = None;
        }
    }

    fn on_intent_refused(&mut self, relay: MemberId, nonce: Nonce, reason: &str) {
        let ours = self.memory.intent.as_ref().is_some_and(|claim| claim.nonce == nonce);
        if !ours || !self.roster.members.contains_key(&relay) {
            return;
        }
        let words =
            format!("{} says: {}", self.name(relay), reason.chars().take(REASON_MAX).collect::<String>());
        if let Some(work) = self.work.as_mut() {
            work.refused = Some(words);
        }
    }

    fn on_dns_read(&mut self, now: Time, result: Result<Reading, DnsFault>) {
        if !self.reads() {
            return;
        }
        match result {
            Err(fault) => self.register.on_fault(now, fault),
            Ok(reading) => {
                let mine = self.memory.marker.clone();
                let foreign: Vec<_> =
                    self.foreign.values().map(|(intent, _)| (intent.epoch, intent.target)).collect();
                let own = self.memory.intent.as_ref().map(|claim| (claim.epoch, claim.member));
                let next = self.epoch() + 1;
                let members = &self.roster.members;
                self.register.on_reading(now, reading, mine.as_ref(), |reading| {
                    let mut open = foreign.iter().chain(&own).filter(|(epoch, _)| *epoch == next);
                    open.any(|(_, id)| members.get(id).is_some_and(|member| reading.a == [member.address]))
                });
            }
        }
    }

    fn on_dns_write(&mut self, now: Time, nonce: Nonce, outcome: WriteOutcome) {
        let claims = [&self.memory.intent, &self.memory.abort];
        let ours = claims.into_iter().flatten().any(|claim| claim.nonce == nonce);
        if let Some(work) = self.work.as_mut().filter(|_| ours) {
            work.outcome = Some((nonce, outcome));
            work.deadline = work.deadline.min(now);
        }
    }

    fn on_fault(&mut self, now: Time, fault: OwnFault) {
        let gap = match fault {
            OwnFault::Suspended(gap) | OwnFault::Stalled(gap) => Some(gap),
            OwnFault::NetworkChanged(attachment) => {
                self.attachment = attachment;
                None
            }
        };
        self.on_own_fault(now, gap);
    }

    /// Rule a: everything known becomes unknown, at once and before anything else of this step is believed.
    pub(crate) fn on_own_fault(&mut self, now: Time, _gap: Option<Span>) {
        if self.planted.has(Bug::NoColdAfterSleep) {
            return;
        }
        self.fitness.on_fault(now);
        self.sight.chill(now);
        self.chilled = Some(Rule::OwnFault);
    }

    fn on_roster(&mut self, roster: Roster) {
        if roster.version <= self.roster.version {
            return;
        }
        self.roster = roster;
        self.sight.enrol(&self.roster);
        self.sight.chill(self.now);
        self.find_active();
        let members = &self.roster.members;
        if self.memory.baselines.keys().any(|id| !members.contains_key(id)) {
            self.memory.baselines.retain(|id, _| members.contains_key(id));
            self.memory_changes += 1;
        }
        self.chilled = Some(self.chilled.unwrap_or(Rule::NewRoster));
    }

    /// A policy of the same version may come again with what is left of its pause; an older one is ignored.
    pub(crate) fn take_policy(&mut self, now: Time, policy: Policy) {
        if policy.version < self.policy.version {
            return;
        }
        self.pause_until = policy.pause.as_ref().map(|pause| now + pause.remaining.min(PAUSE_MAX));
        let renamed = self.policy.hostname.is_some() && self.policy.hostname != policy.hostname;
        let pause_aside = Policy { pause: self.policy.pause.clone(), ..policy.clone() };
        self.policy_changed |= pause_aside != self.policy;
        self.policy = policy;
        if renamed {
            // Another name has another record and another marker.
            self.register.chill(now);
            self.work = None;
            self.remember(|memory| {
                memory.marker = None;
                memory.intent = None;
                memory.abort = None;
                memory.drift = None;
                memory.left.clear();
                memory.unrecorded = None;
            });
            self.find_active();
            self.chilled = Some(Rule::OwnFault);
        }
    }

    fn on_credential(&mut self, credential: Credential, out: &mut Vec<Output>) {
        if matches!(credential, Credential::Missing(_)) && self.lease.release(self.now) {
            out.push(Output::LeaseRelease);
        }
        if credential == Credential::Working && self.credential != Credential::Working {
            self.register.want(self.now);
        }
        self.credential = credential;
    }

    fn on_command(&mut self, now: Time, command: Command, out: &mut Vec<Output>) {
        match command {
            Command::Acknowledge { by } => self.acknowledge(now, &by, out),
            Command::Watch(watch) => {
                self.watch = watch;
                if watch == Watch::Off && self.lease.release(self.now) {
                    out.push(Output::LeaseRelease);
                }
            }
            Command::Activate { .. }
            | Command::Cutover { .. }
            | Command::AdoptRecord { .. }
            | Command::RestoreRecord { .. } => self.order = Some(Order { command, at: now }),
        }
    }

    /// A person has seen the moves; the shared records learn it.
    pub(crate) fn acknowledge(&mut self, now: Time, by: &str, out: &mut Vec<Output>) {
        for record in self.hold.acknowledge(now) {
            let about = record.from.unwrap_or(record.to);
            out.push(Output::Moved(record, self.incident_of(record.epoch.saturating_sub(1), about)));
        }
        self.note(now, "acknowledged", format!("{by} has seen the automatic moves"), out);
    }

    /// Whether COLD has lasted long enough.
    pub(crate) fn is_warm(&self, now: Time) -> bool {
        now - self.since >= COLD && !self.fitness.slept(now)
    }
}
