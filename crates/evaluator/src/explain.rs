//! The explanation: what the machine believes, why, what is missing and what comes next. Made of the same questions
//! that decide, when somebody asks; nothing is kept for it.

use model::haproxy::Down;
use model::{Health, IncidentId, MemberId, Span, Time};
use serde::Serialize;

use crate::io::{Evidence, Goodbye, Holder, Part, Reading, State};
use crate::machine::Machine;
use crate::sight::Facts;
use crate::verdict::Verdict;

/// Members shown in one explanation at most.
const MEMBERS_MAX: usize = 64;

/// What one machine believes now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The present state.
    pub state: State,
    /// For how long.
    pub since_ms: u64,
    /// The state in one sentence.
    pub sentence: String,
    /// The newest epoch known.
    pub epoch: Option<u64>,
    /// The member that the marker names.
    pub active: Option<MemberId>,
    /// Every member and witness: the active one, then the others in the order in which they would take over.
    pub members: Vec<MemberView>,
    /// Voters heard.
    pub voters: Voters,
    /// Who watches.
    pub lease: LeaseView,
    /// What a move away from the active member lacks now, most telling first.
    pub missing: Vec<String>,
    /// What happens next.
    pub next: String,
    /// When, if time alone brings it.
    pub next_in_ms: Option<u64>,
    /// The address that the newest marker publishes.
    pub published: Option<std::net::Ipv4Addr>,
    /// Why the record does not follow the address that the active member declares; none when nothing is in the way
    /// here, or nobody sees it there.
    pub address_waits: Option<String>,
    /// The record as it was read last; none before the first reading.
    pub record: Option<Reading>,
    /// Why it could not be read again since, if it could not.
    pub record_fault: Option<String>,
    /// The incident that goes on.
    pub incident: Option<IncidentId>,
    /// In BLIND: what it is that cannot see.
    pub blind: Option<Blindness>,
    /// Is traffic on the active member?
    pub serving: Answer,
    /// Can something take over?
    pub takeover: Answer,
    /// Would DNS move if the active member died?
    pub would_move: Answer,
}

/// What stands between a console and a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Blindness {
    /// Its own sight: nothing that it says of members counts.
    OwnSight,
    /// The DNS provider alone: members are seen.
    Provider,
}

/// One member as this console sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MemberView {
    /// Which.
    pub member: MemberId,
    /// For people.
    pub name: String,
    /// Whether it is the active one.
    pub active: bool,
    /// Whether it only testifies.
    pub witness: bool,
    /// What may be claimed about it.
    pub verdict: Verdict,
    /// What a glyph shows.
    pub health: Health,
    /// What keeps it from taking over; none for the active member and when it is ready.
    pub bar: Option<String>,
    /// Remarks that block nothing.
    pub remarks: Vec<String>,
    /// What is known, newest first.
    pub evidence: Vec<Evidence>,
}

/// Voters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Voters {
    /// Heard within 3 s.
    pub heard: usize,
    /// In the roster.
    pub all: usize,
    /// Needed for an automatic move; none when the roster is too small for any.
    pub needed: Option<usize>,
}

/// The watch lease as this console knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LeaseView {
    /// Whether this console holds it.
    pub held: bool,
    /// The holder, if known.
    pub holder: Option<Holder>,
    /// Why this console does not hold it; empty when it does.
    pub reason: String,
}

/// An answer to one of the three questions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// The answer.
    pub says: Says,
    /// Why.
    pub reason: String,
}

/// Yes, no, or nobody can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Says {
    /// Yes.
    Yes,
    /// No.
    No,
    /// It cannot be told from here.
    Unknown,
}

impl Answer {
    fn new(says: Says, reason: impl Into<String>) -> Self {
        Self { says, reason: reason.into() }
    }
}

impl Machine {
    /// What this machine believes now, why, and what comes next.
    pub fn explain(&self, now: Time) -> Explanation {
        let now = now.max(self.now);
        let quorum = self.quorum(now);
        let held = self.holds_lease(now);
        let missing = self.missing(now);
        let (next, next_at) = self.next_words(now);
        Explanation {
            state: self.state,
            since_ms: (now - self.since).as_ms(),
            sentence: self.sentence(now),
            epoch: self.memory.marker.as_ref().map(|marker| marker.epoch),
            active: self.active,
            members: self.in_order(now).map(|id| self.member_view(now, id)).collect(),
            voters: Voters {
                heard: quorum.heard,
                all: quorum.all,
                needed: Some(quorum.needed).filter(|needed| *needed != usize::MAX),
            },
            lease: LeaseView {
                held,
                holder: if held { Some(self.me) } else { self.lease.other(now) },
                reason: if held { String::new() } else { self.why_not_holder(now) },
            },
            published: self.memory.marker.as_ref().map(|marker| marker.address),
            address_waits: self.address_waits(now),
            record: self.register.latest().cloned(),
            record_fault: self.register.fault().map(str::to_owned),
            incident: self.incident,
            blind: (self.state == State::Blind).then_some(if self.blind.own_fault {
                Blindness::OwnSight
            } else {
                Blindness::Provider
            }),
            serving: self.answer_serving(now),
            takeover: self.answer_takeover(now),
            would_move: self.answer_would_move(now),
            missing,
            next,
            next_in_ms: next_at.map(|at| (at - now).as_ms()),
        }
    }

    /// The active member, then the others as they would take over, so that the first ready one is the one that would.
    fn in_order(&self, now: Time) -> impl Iterator<Item = MemberId> {
        let mut ids: Vec<MemberId> = self.roster.members.keys().copied().collect();
        let is_witness =
            |id: &MemberId| self.roster.members.get(id).is_some_and(|entry| entry.part == Part::Witness);
        ids.sort_by_cached_key(|id| (self.active != Some(*id), is_witness(id), self.order(now, *id)));
        ids.into_iter().take(MEMBERS_MAX)
    }

    fn member_view(&self, now: Time, member: MemberId) -> MemberView {
        let active = self.active == Some(member);
        let witness = self.roster.members.get(&member).is_some_and(|entry| entry.part == Part::Witness);
        let bar = self.bar(now, member);
        MemberView {
            member,
            name: self.name(member),
            active,
            witness,
            verdict: self.verdict(now, member, self.best_standby(now)),
            health: self.health(now, member),
            bar: bar.filter(|_| !active && !witness).map(|bar| bar.words().to_owned()),
            remarks: if active { Vec::new() } else { self.remarks(member) },
            evidence: self.evidence(now, member),
        }
    }

    /// Display health: another scale than the verdict; it works in pools of one member too.
    pub fn health(&self, now: Time, member: MemberId) -> Health {
        let Some(seen) = self.sight.get(member) else {
            return Health::Unknown("is not in the roster".to_owned());
        };
        match self.verdict(now, member, None) {
            Verdict::SvcDown => Health::Down(seen.facts.as_ref().map_or_else(String::new, facts_words)),
            Verdict::Down => Health::Down("silent, confirmed by others".to_owned()),
            Verdict::AgentLost => Health::Degraded("agent silent, service answers".to_owned()),
            Verdict::Up => self.health_up(now, member),
            Verdict::Suspect | Verdict::Unknown => {
                let silent = self.sight.silent(member, now);
                if silent > self.policy.settings.delay() {
                    return if self.link_proven(now, member) {
                        Health::Down(format!("silent for {silent}"))
                    } else {
                        Health::Unknown(format!(
                            "silent for {silent}, and this console's own link is not proven"
                        ))
                    };
                }
                match seen.bounded_age(now) {
                    Some(age) => Health::Degraded(format!("late: newest life {age} old")),
                    None => Health::Unknown("not heard since this console can see".to_owned()),
                }
            }
        }
    }

    fn health_up(&self, now: Time, member: MemberId) -> Health {
        let witness = self.roster.members.get(&member).is_some_and(|entry| entry.part == Part::Witness);
        let hung =
            self.sight.get(member).and_then(|seen| seen.facts.as_ref()).is_some_and(|f| f.down == Down::Hung);
        match self.bar(now, member) {
            _ if hung => {
                Health::Degraded("its own listener gives no answer, and nobody else says so".to_owned())
            }
            Some(bar) if !witness => Health::Degraded(bar.words().to_owned()),
            Some(_) | None => Health::Ready,
        }
    }

    /// Whether this console's own link is proven: anchors answer, or another member is heard.
    fn link_proven(&self, now: Time, but: MemberId) -> bool {
        let mut others = self.sight.seen.iter().filter(|(id, _)| **id != but);
        self.fitness.anchors_good == Some(true) || others.any(|(_, seen)| seen.is_heard(now))
    }

    fn missing(&self, now: Time) -> Vec<String> {
        if self.policy.hostname.is_none() {
            return vec!["this pool has no managed name".to_owned()];
        }
        if self.memory.marker.is_none() {
            return vec!["the record has not been adopted yet".to_owned()];
        }
        let Some(active) = self.active else {
            return vec!["the marker names nobody in the roster".to_owned()];
        };
        self.assess(now, active).lacks.iter().map(|lack| self.lack_words(lack)).collect()
    }

    fn sentence(&self, now: Time) -> String {
        let active = self.active.map_or_else(|| "nobody".to_owned(), |id| self.name(id));
        match self.state {
            State::Cold => "looks around after a start, sleep or network change; nothing moves".to_owned(),
            State::Route => match self.missing(now).first() {
                Some(words) if self.active.is_none() => words.clone(),
                _ => format!("waits for word of {active}"),
            },
            State::Blind => format!("cannot see: {}; nothing moves", self.blind.why),
            State::Follow => format!("does not watch: {}", self.why_not_holder(now)),
            State::Steady => format!("{active} is up"),
            State::Suspect => format!("{active} is late"),
            State::Confirm => format!("asks the others about {active}"),
            State::Revive => format!("tries to bring the agent of {active} back"),
            State::Ask => format!("{active} seems lost; a person must decide"),
            State::NoTarget => format!("{active} seems lost; {}", self.nobody_ready(now)),
            State::Claim => "makes sure of everything once more before writing".to_owned(),
            State::Write => "writes the record".to_owned(),
            State::Unknown => "does not know what became of its write; reads back".to_owned(),
            State::Verify => "reads the new record back".to_owned(),
            State::Adopt => "takes over what another console decided".to_owned(),
            State::Hold => {
                let left = self.hold.remaining(now, &self.policy.settings);
                match self.left_by_hand(now) {
                    Some((_, left)) => {
                        format!(
                            "{active} was chosen by hand and has not served since; nothing undoes that for {left}"
                        )
                    }
                    None => format!("{active} took over; hold-down for {left}"),
                }
            }
            State::Failed => "the DNS provider refuses this console".to_owned(),
            State::Drift => format!(
                "automation is off: the record was {}",
                self.memory.drift.as_deref().unwrap_or("changed by others")
            ),
            State::Paused => self.paused(now).unwrap_or_else(|| "the pause is ending".to_owned()),
            State::Locked => "waits until a person has seen the automatic moves".to_owned(),
        }
    }

    fn next_words(&self, now: Time) -> (String, Option<Time>) {
        let settings = &self.policy.settings;
        let silence = || self.active.map(|id| self.sight.silent_since(id) + settings.delay());
        match self.state {
            State::Cold => {
                ("then the active member is judged".to_owned(), Some(self.since + model::settings::COLD))
            }
            State::Route => {
                ("then it may be down, and others are asked".to_owned(), silence().filter(|at| *at > now))
            }
            State::Suspect => ("then its silence is confirmed with the others".to_owned(), silence()),
            State::Confirm => {
                ("then a person is asked".to_owned(), Some(self.since + settings.confirm_window()))
            }
            State::Revive => ("then traffic moves or a person is asked".to_owned(), Some(self.revive_over())),
            State::Hold => ("then hold-down ends".to_owned(), Some(now + self.hold.remaining(now, settings))),
            State::Write => (
                "then the outcome counts as unknown".to_owned(),
                self.work.as_ref().map(|work| work.deadline),
            ),
            State::Paused => ("then the pause ends".to_owned(), self.pause_until.filter(|at| *at > now)),
            State::Steady | State::Follow => ("nothing, as long as this stays so".to_owned(), None),
            State::Ask | State::NoTarget | State::Drift | State::Locked => {
                ("a person decides".to_owned(), None)
            }
            State::Blind | State::Failed => ("it goes on when the view is clear".to_owned(), None),
            State::Claim | State::Unknown | State::Verify | State::Adopt => {
                ("the register is read".to_owned(), None)
            }
        }
    }

    fn answer_serving(&self, now: Time) -> Answer {
        let Some(active) = self.active else {
            return Answer::new(Says::Unknown, "no marker names an active member");
        };
        let name = self.name(active);
        match self.health(now, active) {
            Health::Ready => Answer::new(Says::Yes, format!("{name} is up")),
            Health::Degraded(why) => Answer::new(Says::Yes, format!("{name} is degraded: {why}")),
            Health::Down(why) => Answer::new(Says::No, format!("{name} is down: {why}")),
            Health::Unknown(why) => Answer::new(Says::Unknown, format!("{name}: {why}")),
        }
    }

    fn answer_takeover(&self, now: Time) -> Answer {
        match self.best_standby(now) {
            Some(id) => Answer::new(Says::Yes, format!("{} is ready", self.name(id))),
            None => Answer::new(Says::No, self.nobody_ready(now)),
        }
    }

    /// Would DNS move if the active member died: the machine itself is asked, on a copy.
    fn answer_would_move(&self, now: Time) -> Answer {
        let Some(active) = self.active else { return Answer::new(Says::No, self.missing(now).join("; ")) };
        let story = self.what_if_dies(now, active);
        match story.moved_to {
            Some(to) => Answer::new(Says::Yes, format!("to {} within {}", self.name(to), story.after)),
            None => Answer::new(Says::No, story.reason),
        }
    }
}

/// A heartbeat's word about its service.
pub(crate) fn facts_words(facts: &Facts) -> String {
    match (facts.goodbye, facts.down) {
        (Some(Goodbye::HostShutdown), _) => "the host shuts down".to_owned(),
        (Some(Goodbye::AgentStop), _) => "the agent was stopped".to_owned(),
        (None, Down::None) if facts.monitored => "HAProxy serves".to_owned(),
        (None, Down::None) => "alive".to_owned(),
        (None, Down::Stopped) => "HAProxy is stopped".to_owned(),
        (None, Down::CrashLoop) => "HAProxy crashes again and again".to_owned(),
        (None, Down::Hung) => "HAProxy hangs".to_owned(),
    }
}

/// A span of a story, for [`Explanation`].
pub(crate) const fn no_time() -> Span {
    Span::ZERO
}
