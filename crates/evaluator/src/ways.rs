//! What happens when a state is left and when one is entered, and how a line of the story is written.

use model::{IncidentId, Span, Time};

use crate::claim::{Verifying, Work};
use crate::io::{Claim, Entry, Evidence, Notice, NoticeKind, Output, Reach, State, Unrecorded};
use crate::machine::{Blind, Go, Machine};
use crate::rows::CLEAR_FOR;
use crate::sight::TESTIMONY_FRESH;
use crate::state::Rule;

/// Claims left open when the record was found changed: more than one only when an adoption goes wrong as well.
const LEFT_KEPT: usize = 4;
/// Pieces of evidence in one entry at most.
const EVIDENCE_MAX: usize = 12;
/// Notices remembered as sent at most.
const TOLD_MAX: usize = 64;

impl Machine {
    pub(crate) fn leave(&mut self, now: Time, go: &Go, out: &mut Vec<Output>) {
        if self.state == State::Claim && go.to != State::Write {
            self.withdraw(now, &go.reason, out);
        }
        if self.state == State::Verify {
            self.verifying = None;
        }
        if self.state == State::Blind && go.rule == Rule::SeesAgain && self.blind.own_fault {
            self.sight.forget_unheard(now);
        }
    }

    pub(crate) fn enter(&mut self, now: Time, from: State, go: &Go, out: &mut Vec<Output>) {
        match go.to {
            State::Cold => self.chill(now, out),
            State::Blind => {
                // The next reading was planned by the rhythm of the state before: up to 5 min in FOLLOW.
                self.register.want(now + Span::from_s(5));
                self.enter_blind(now, go, out);
            }
            State::Failed => self.enter_failed(now, from, go, out),
            State::Steady => self.enter_steady(out),
            State::Suspect => self.enter_suspect(now),
            State::Confirm => self.enter_confirm(now, from),
            State::Revive => {
                if self.revive_since.is_none() {
                    self.revive_since = Some(now);
                    out.extend(self.active.map(Output::Revive));
                }
            }
            State::Ask => self.alarm(NoticeKind::Ask, &go.reason, out),
            State::NoTarget => self.alarm(NoticeKind::NoTarget, &go.reason, out),
            State::Locked => self.alarm(NoticeKind::Locked, &go.reason, out),
            State::Claim => self.register.want(now),
            State::Write => {
                let claim = self.open_claim();
                self.send(now, claim, out);
            }
            State::Unknown => self.enter_unknown(now, from),
            State::Verify => self.enter_verify(now, from),
            State::Adopt => self.enter_adopt(now, out),
            State::Hold => {
                if from == State::Verify {
                    self.incident = None;
                }
                self.calm();
            }
            State::Drift => self.enter_drift(now, go, out),
            State::Route => {
                if from == State::Cold {
                    self.sight.warm(now);
                }
            }
            State::Follow => {
                self.calm();
                self.register.want(now + Span::from_s(1));
            }
            State::Paused => {}
        }
    }

    /// COLD: sockets are dropped by the runtime; here every verdict, reading and grant is forgotten.
    pub(crate) fn chill(&mut self, now: Time, out: &mut Vec<Output>) {
        self.register.chill(now);
        self.foreign.clear();
        self.revive_since = None;
        self.new_address = None;
        self.policy_changed = false;
        if self.lease.release(now) {
            out.push(Output::LeaseRelease);
        }
        self.lease.next_ask = now;
        // What happened to a request that was under way is unknown now; ROUTE asks about it.
        self.work = None;
    }

    fn enter_blind(&mut self, now: Time, go: &Go, out: &mut Vec<Output>) {
        let own_fault = self.cannot_see().is_some_and(|(_, own)| own);
        self.blind = Blind { why: go.reason.clone(), own_fault, clear_since: None };
        if self.lease.release(now) {
            out.push(Output::LeaseRelease);
        }
        let kind = if own_fault { NoticeKind::Blind } else { NoticeKind::NoProvider };
        self.tell(None, kind, go.reason.clone(), Reach::Here, out);
    }

    fn enter_failed(&mut self, now: Time, from: State, go: &Go, out: &mut Vec<Output>) {
        if matches!(from, State::Write | State::Unknown) {
            self.failed_writes = self.failed_writes.saturating_add(1);
        }
        if from == State::Unknown {
            // The intent stays open on disk; the work starts anew from there.
            self.work = None;
        }
        self.tell(self.incident, NoticeKind::Failed, go.reason.clone(), Reach::Shared, out);
        if self.lease.release(now) {
            out.push(Output::LeaseRelease);
        }
    }

    fn enter_steady(&mut self, out: &mut Vec<Output>) {
        let incident = self.incident.take();
        let told = self.told.iter().any(|(of, kind)| *of == incident && *kind != NoticeKind::Moved);
        if told {
            let name = self.active.map_or_else(String::new, |id| self.name(id));
            self.tell(incident, NoticeKind::Over, format!("{name} serves; it is over"), Reach::Shared, out);
        }
        self.calm();
    }

    /// What a lost member left behind is over; conditions without an incident may be told again.
    fn calm(&mut self) {
        self.revive_since = None;
        self.told.retain(|(of, _)| of.is_some());
    }

    fn enter_suspect(&mut self, now: Time) {
        // A reading that is fresh at the moment of the decision saves one round trip then.
        if let Some(active) = self.active {
            let decision = self.sight.silent_since(active) + self.policy.settings.delay();
            self.register.want(now.max(decision.minus(Span::from_s(1))));
        }
    }

    fn enter_confirm(&mut self, now: Time, from: State) {
        if let Some(active) = self.active {
            self.incident = Some(self.incident_of(self.epoch(), active));
        }
        let fresh = self.register.asked().is_some_and(|asked| now - asked <= Span::from_s(1));
        if !fresh && from != State::Ask {
            self.register.want(now);
        }
    }

    fn enter_unknown(&mut self, now: Time, from: State) {
        if from == State::Route {
            let intent = self.open_claim();
            let work = Work::new(now, intent.cause, intent.member, intent.reason.clone());
            self.work = Some(Work { orphan: true, stored: true, ..work });
        }
        self.register.want(now);
    }

    fn enter_verify(&mut self, now: Time, from: State) {
        if from == State::Adopt && self.verifying.is_none() {
            self.verifying = Some(Verifying { epoch: self.epoch(), is_move: false });
        }
        self.register.want(now);
    }

    fn enter_adopt(&mut self, now: Time, out: &mut Vec<Output>) {
        let marker =
            self.register.marker().cloned().expect("ADOPT follows a reading with one marker of ours");
        let before = self.memory.marker.clone();
        let former = self.active;
        let is_next =
            |claim: &Claim| marker.epoch == claim.epoch + 1 && marker.previous == claim.set_marker.nonce;
        let landed =
            self.memory.left.iter().find(|claim| claim.set_marker == marker || is_next(claim)).cloned();
        let is_mine = landed.as_ref().is_some_and(|claim| claim.set_marker == marker);
        if let Some(claim) = &landed {
            self.note_landed(now, claim, out);
        }
        self.believe(now, marker, out);
        let epoch = self.epoch();
        let moved = !is_mine
            && before
                .is_some_and(|before| Some(before.address) != self.memory.marker.as_ref().map(|m| m.address));
        let adopted = self.active.filter(|_| moved).map(|to| (former.filter(|from| *from != to), to));
        self.verifying = Some(Verifying { epoch, is_move: adopted.is_some() });
        if let Some((former, active)) = adopted {
            self.hold.assume(now, epoch, former, active);
            let unrecorded = Unrecorded { epoch, from: former, to: active };
            self.remember(|memory| memory.unrecorded = Some(unrecorded));
            if self.holds_lease(now) {
                out.push(Output::Role { epoch, active, former });
            }
        }
        self.incident = None;
    }

    fn enter_drift(&mut self, now: Time, go: &Go, out: &mut Vec<Output>) {
        // Whether an open claim lands is not known and not settled by this: it is looked for in the next marker.
        if let Some(intent) = self.memory.intent.take() {
            self.remember(|memory| {
                memory.left.push(intent);
                memory.left.extend(memory.abort.take());
                let surplus = memory.left.len().saturating_sub(LEFT_KEPT);
                memory.left.drain(..surplus);
            });
        }
        self.work = None;
        if self.memory.drift.as_deref() != Some(go.reason.as_str()) {
            let words = go.reason.clone();
            self.remember(|memory| memory.drift = Some(words));
        }
        let text =
            format!("the record was changed by others: {}; automation is off for this pool", go.reason);
        self.tell(None, NoticeKind::Drift, text, Reach::Shared, out);
        self.register.want(now + CLEAR_FOR);
    }

    fn alarm(&mut self, kind: NoticeKind, reason: &str, out: &mut Vec<Output>) {
        let name = self.active.map_or_else(String::new, |id| self.name(id));
        let text = match kind {
            NoticeKind::NoTarget => format!("{name} is lost and nobody can take over: {reason}"),
            NoticeKind::Locked => format!("{name} is lost and automation waits: {reason}"),
            NoticeKind::Ask
            | NoticeKind::Moved
            | NoticeKind::Drift
            | NoticeKind::Failed
            | NoticeKind::Blind
            | NoticeKind::NoProvider
            | NoticeKind::NotReadBack
            | NoticeKind::CannotConfirm
            | NoticeKind::Over => format!("{name} seems lost and a person must decide: {reason}"),
        };
        self.tell(self.incident, kind, text, Reach::Shared, out);
    }

    /// Tells people, once per incident and kind. What concerns everybody is shared by the holder only.
    pub(crate) fn tell(
        &mut self,
        incident: Option<IncidentId>,
        kind: NoticeKind,
        text: String,
        reach: Reach,
        out: &mut Vec<Output>,
    ) {
        if !self.told.insert((incident, kind)) {
            return;
        }
        while self.told.len() > TOLD_MAX {
            self.told.pop_first();
        }
        // A person's move and a refusal are told by the console that did it, whoever watches.
        let duty = self.holds_lease(self.now) || matches!(kind, NoticeKind::Moved | NoticeKind::Failed);
        let reach = if duty { reach } else { Reach::Here };
        out.push(Output::Notify(Notice { incident, kind, text, reach }));
    }

    /// A line of the story that takes no way.
    pub(crate) fn note(&self, now: Time, cause: &str, reason: String, out: &mut Vec<Output>) {
        out.push(Output::Journal(self.entry(now, self.state, self.state, cause, reason)));
    }

    pub(crate) fn entry(&self, at: Time, from: State, to: State, cause: &str, reason: String) -> Entry {
        let evidence = self.active.map_or_else(Vec::new, |active| self.evidence(at, active));
        Entry { at, from, to, cause: cause.to_owned(), reason, evidence, incident: self.incident }
    }

    /// What is known about a member, newest first, each with its age.
    pub(crate) fn evidence(&self, now: Time, member: model::MemberId) -> Vec<Evidence> {
        let about = self.name(member);
        let mut found = Vec::new();
        let mut add = |vantage: String, fact: String, age: Span| {
            found.push(Evidence { vantage, about: about.clone(), fact, age_ms: age.as_ms() });
        };
        if let Some(seen) = self.sight.get(member) {
            if let (Some(age), Some(facts)) = (seen.bounded_age(now), seen.facts.as_ref()) {
                add(about.clone(), format!("signed heartbeat, {}", crate::explain::facts_words(facts)), age);
            }
            if let Some(answered) = self.own_probe(now, member) {
                let age = now - seen.probe_answered.max(seen.probe_failed).unwrap_or(now);
                add(
                    "this console".to_owned(),
                    if answered { "port answers" } else { "port is silent" }.to_owned(),
                    age,
                );
            }
            if let Some(direct) = seen.direct {
                add("this console".to_owned(), "newest heartbeat on its own path".to_owned(), now - direct);
            }
            // While the own path is silent: who hears it for us.
            let own_path = seen.direct.is_some_and(|at| now - at <= crate::sight::HEARD);
            let round = seen.through.filter(|(_, at)| !own_path && now - *at <= TESTIMONY_FRESH);
            if let Some((relay, at)) = round {
                let name = self.name(relay);
                add(name.clone(), format!("seen through {name}"), now - at);
            }
        }
        for (by, said) in self.sight.testimonies(member) {
            let Some(age) = said.made_after.map(|made| now - made).filter(|age| *age <= TESTIMONY_FRESH)
            else {
                continue;
            };
            let valid = if self.may_testify(now, by, said) { "" } else { " (may not testify)" };
            add(self.name(by), format!("silent for {}{valid}", said.silent), age);
        }
        found.sort_by_key(|piece| piece.age_ms);
        found.truncate(EVIDENCE_MAX);
        found
    }
}
