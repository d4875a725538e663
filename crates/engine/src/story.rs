//! A pool's story: what its machine said, as it stands on disk and as people read it. Builds incidents out of entries.
//!
//! An incident is a row that entries, phases and outcome are added to; the evaluator names it, so every console gives
//! it the same name. Nothing here decides.

use std::sync::Arc;

use anyhow::Context as _;
use api::view::Evidence;
use api::view::explain::Entry as EntryView;
use api::view::incident::IncidentOutcome;
use evaluator::io::{Entry, Memory, MoveRecord, Notice, Output, State};
use model::{BootId, IncidentId, MemberId, PoolId, Span, Time};
use protocol::docs::Roster;
use protocol::records::{Record, RecordBody, RecordId};
use protocol::sign::Signed;
use serde::{Deserialize, Serialize};
use store::{EntryRow, Incident, IncidentFilter, IncidentPatch, NoticeRow, Phase, Step, Store};

use crate::clock;
use crate::events::Events;
use crate::fleet::Fleet;
use crate::words;

/// A move's incident is among the newest: no more moves than this are told about again.
const INCIDENTS_SEARCHED: u32 = 64;

/// One pool's story, for telling it.
#[derive(Clone)]
pub(crate) struct Story {
    pool: PoolId,
    boot: BootId,
    store: Arc<Store>,
    fleet: Arc<Fleet>,
    events: Arc<Events>,
}

/// One pool's story, for writing it: there is one of these per pool, so that what it writes has an order.
pub(crate) struct Scribe {
    story: Story,
    /// The incident that is under way: entries that name none belong to it until it ends, also after a restart.
    open: Option<OpenIncident>,
}

/// An incident under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct OpenIncident {
    id: IncidentId,
    /// The record was written.
    moved: bool,
}

/// A machine's memory as it lies on disk: with the clock that its times belong to.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    boot: BootId,
    at: Time,
    wall_ms: u64,
    memory: Memory,
}

impl Story {
    pub(crate) fn new(pool: PoolId, store: Arc<Store>, fleet: Arc<Fleet>, events: Arc<Events>) -> Self {
        Self { pool, boot: clock::boot(), store, fleet, events }
    }

    /// Its writer, as the disk left it. Nobody else may write this pool's story meanwhile.
    pub(crate) fn scribe(&self) -> Scribe {
        let open = match left_open(&self.store, self.pool) {
            Ok(open) => open,
            Err(error) => {
                let words = crate::chain(&error);
                tracing::warn!(pool = %self.pool.short(), "open incidents cannot be read: {words}");
                None
            }
        };
        Scribe { story: self.clone(), open }
    }

    /// The memory kept last, its times on this boot's clock; none before the first start.
    pub(crate) fn memory(&self) -> anyhow::Result<Option<Memory>> {
        let json = self.store.memory(self.pool).context("reading the watch's memory")?;
        let Some(json) = json else { return Ok(None) };
        let kept: Kept = serde_json::from_str(&json).context("the watch's memory is damaged")?;
        Ok(Some(on_this_clock(kept, self.boot, clock::now(), clock::wall_ms())))
    }

    /// The incident of the move that wrote this epoch, if this console knows one. Its name stays: the boot that a name
    /// is made of may be another one by now.
    fn known(&self, epoch: u64) -> anyhow::Result<Option<Incident>> {
        let newest = IncidentFilter { pool: Some(self.pool), limit: INCIDENTS_SEARCHED };
        Ok(self.store.incidents(newest)?.into_iter().find(|incident| incident.epoch == Some(epoch)))
    }

    /// The shared record of a move, signed.
    pub(crate) fn moved(&self, record: &MoveRecord, incident: IncidentId) -> Option<Signed> {
        let known = self.known(record.epoch).ok().flatten();
        let incident = known.map_or(incident, |known| known.id);
        let body = RecordBody::Move {
            epoch: record.epoch,
            cause: words::cause(record.cause).to_owned(),
            from: record.from,
            to: record.to,
            acknowledged: record.acknowledged,
            verified: record.verified,
            incident: Some(incident),
        };
        let at_unix_ms = clock::wall_ms().saturating_sub(record.age.as_ms());
        let id = RecordId::of_move(self.pool, record.epoch);
        let record = Record { id, revision: revision(record), pool: self.pool, at_unix_ms, body };
        let noted = record.seal(self.fleet.console, &self.fleet.key);
        noted.signed.map(|signed| (*signed).clone())
    }

    /// Tells listeners what was written.
    pub(crate) fn tell(&self, entry: &Entry) {
        tracing::info!(
            pool = %self.pool.short(),
            from = words::state(entry.from),
            to = words::state(entry.to),
            cause = entry.cause,
            "{}",
            entry.reason
        );
        self.events.pool_changed(self.pool);
        if let Some(incident) = entry.incident {
            self.events.incident_changed(incident);
        }
    }

    /// Tells listeners what people should know.
    pub(crate) fn notify(&self, notice: &Notice) {
        tracing::warn!(pool = %self.pool.short(), topic = words::notice(notice.kind), "{}", notice.text);
        self.events.notice(api::view::incident::NoticeView {
            topic: words::notice(notice.kind).to_owned(),
            pool: Some(self.pool),
            incident: notice.incident,
            text: notice.text.clone(),
            at_ms: clock::wall_ms(),
        });
    }

    /// Tells listeners that something is wrong with this pool's watch itself.
    pub(crate) fn warn(&self, topic: &str, text: &str) {
        self.events.notice(api::view::incident::NoticeView {
            topic: topic.to_owned(),
            pool: Some(self.pool),
            incident: None,
            text: text.to_owned(),
            at_ms: clock::wall_ms(),
        });
        self.events.pool_changed(self.pool);
    }

    fn name(&self, member: MemberId) -> String {
        self.fleet.roster().member(member).map_or_else(|| member.short(), |entry| entry.name.clone())
    }
}

impl Scribe {
    /// Writes memory and what a step said, all or nothing.
    pub(crate) fn keep(&mut self, memory: &Memory, outputs: &[Output]) -> anyhow::Result<()> {
        let kept = Kept {
            boot: self.story.boot,
            at: clock::now(),
            wall_ms: clock::wall_ms(),
            memory: memory.clone(),
        };
        let mut step =
            Step { at_ms: kept.wall_ms, memory: Some(serde_json::to_string(&kept)?), ..Step::default() };
        let before = self.open;
        let noted = outputs.iter().try_for_each(|output| self.note(output, &mut step));
        let written = noted.and_then(|()| Ok(self.story.store.save_step(self.story.pool, &step)?));
        if written.is_err() {
            // The same outputs come again.
            self.open = before;
        }
        written
    }

    fn note(&mut self, output: &Output, step: &mut Step) -> anyhow::Result<()> {
        match output {
            Output::Journal(entry) => {
                let incident = self.belongs_to(entry, step);
                let view = entry_view(entry, step.at_ms);
                step.entries.push(EntryRow { incident, json: serde_json::to_string(&view)? });
                step.incidents.extend(self.patch(incident, entry, step.at_ms)?);
            }
            Output::Notify(notice) => step.notices.push(NoticeRow {
                incident: notice.incident,
                kind: words::notice(notice.kind).to_owned(),
                text: notice.text.clone(),
            }),
            Output::DnsCas { claim, .. } => step.incidents.extend(claim.incident.map(|id| IncidentPatch {
                id: Some(id),
                cause: Some(words::cause(claim.cause).to_owned()),
                to: Some(self.story.name(claim.member)),
                epoch: Some(claim.epoch),
                ..IncidentPatch::default()
            })),
            Output::Moved(record, incident) => {
                let known = self.story.known(record.epoch)?;
                if let Some(signed) = self.story.moved(record, *incident) {
                    let id = RecordId::of_move(self.story.pool, record.epoch).to_string();
                    let json = serde_json::to_string(&signed)?;
                    step.moves.push(store::Record {
                        id,
                        revision: revision(record),
                        at_ms: step.at_ms,
                        json,
                    });
                }
                // What is told about a move again later (read back after a restart, seen by a person) changes no story
                // that another console ended.
                let unread = word(IncidentOutcome::MovedUnverified)?;
                let closes = record.verified && known.as_ref().is_some_and(|known| known.outcome == unread);
                let id = known.as_ref().map_or(*incident, |known| known.id);
                if is_first(record) {
                    self.open = Some(OpenIncident { id, moved: true });
                } else if known.is_none() {
                    // Somebody else's move: its own telling makes the incident.
                    return Ok(());
                }
                step.incidents.push(IncidentPatch {
                    id: Some(id),
                    cause: Some(words::cause(record.cause).to_owned()),
                    from: record.from.map(|member| self.story.name(member)),
                    to: Some(self.story.name(record.to)),
                    epoch: Some(record.epoch),
                    outcome: closes.then(|| word(IncidentOutcome::Moved)).transpose()?,
                    ended_ms: closes.then_some(step.at_ms),
                    ..IncidentPatch::default()
                });
            }
            Output::WakeAt(_)
            | Output::Poll(_)
            | Output::LeaseRequest { .. }
            | Output::LeaseRelease
            | Output::IntentAnnounce(_)
            | Output::IntentClose { .. }
            | Output::DnsRead
            | Output::Role { .. }
            | Output::Revive(_) => {}
        }
        Ok(())
    }

    /// The incident that an entry belongs to; one that opens another ends the one before.
    fn belongs_to(&mut self, entry: &Entry, step: &mut Step) -> Option<IncidentId> {
        if let Some(id) = entry.incident
            && self.open.is_none_or(|open| open.id != id)
        {
            let before = self.open.replace(OpenIncident { id, moved: false });
            step.incidents.extend(before.map(|before| IncidentPatch {
                id: Some(before.id),
                ended_ms: Some(step.at_ms),
                ..IncidentPatch::default()
            }));
        }
        self.open.map(|open| open.id)
    }

    /// What an entry adds to its incident.
    fn patch(
        &mut self,
        incident: Option<IncidentId>,
        entry: &Entry,
        at_ms: u64,
    ) -> anyhow::Result<Option<IncidentPatch>> {
        let Some(id) = incident.filter(|_| entry.from != entry.to) else {
            let names = |id| IncidentPatch { id: Some(id), ..IncidentPatch::default() };
            return Ok(entry.incident.map(names));
        };
        let mut patch = IncidentPatch { id: Some(id), ..IncidentPatch::default() };
        let moved = self.open.is_some_and(|open| open.moved);
        let reached = phase(entry);
        patch.phases.extend(reached.map(|name| Phase { name: name.to_owned(), at_ms, took_ms: None }));
        if let Some(outcome) = outcome(entry, moved) {
            patch.outcome = Some(word(outcome)?);
            patch.held_reason = (outcome == IncidentOutcome::Held).then(|| entry.reason.clone());
        }
        if matches!(entry.to, State::Claim | State::Ask | State::NoTarget) && !entry.evidence.is_empty() {
            let evidence: Vec<_> = entry.evidence.iter().map(evidence_view).collect();
            patch.evidence = Some(serde_json::to_string(&evidence)?);
        }
        if ends(entry, moved) {
            patch.ended_ms = Some(at_ms);
            self.open = None;
        }
        Ok(Some(patch))
    }
}

/// The incident of another console's move, as its shared record tells it, if this console has none of that epoch: a
/// follower shows the same incident under the same name.
pub(crate) fn learn(store: &Store, roster: &Roster, record: &Record) -> anyhow::Result<()> {
    let RecordBody::Move { epoch, cause, from, to, incident: Some(incident), .. } = &record.body else {
        return Ok(());
    };
    let newest = IncidentFilter { pool: Some(record.pool), limit: INCIDENTS_SEARCHED };
    let is_known = |known: &Incident| known.id == *incident || known.epoch == Some(*epoch);
    if store.incidents(newest)?.iter().any(is_known) {
        return Ok(());
    }
    let name =
        |member: MemberId| roster.member(member).map_or_else(|| member.short(), |entry| entry.name.clone());
    let patch = IncidentPatch {
        id: Some(*incident),
        cause: Some(cause.clone()),
        from: from.map(name),
        to: Some(name(*to)),
        epoch: Some(*epoch),
        outcome: Some(word(IncidentOutcome::MovedByOther)?),
        ended_ms: Some(record.at_unix_ms),
        ..IncidentPatch::default()
    };
    let step = Step { at_ms: record.at_unix_ms, incidents: vec![patch], ..Step::default() };
    store.save_step(record.pool, &step)?;
    Ok(())
}

/// A record that says more has a higher revision, whoever writes it.
fn revision(record: &MoveRecord) -> u32 {
    u32::from(record.verified) + 2 * u32::from(record.acknowledged)
}

/// Moves the times of a kept memory onto this boot's clock. Across a reboot only the wall clock is left to tell their
/// age; a wall clock that went backwards makes them look younger by no more than the step, and baselines live 24 h.
fn on_this_clock(kept: Kept, boot: BootId, now: Time, wall_ms: u64) -> Memory {
    let mut memory = kept.memory;
    if kept.boot != boot {
        let since_kept = Span::from_ms(wall_ms.saturating_sub(kept.wall_ms));
        for baseline in memory.baselines.values_mut() {
            baseline.heard = now.minus(since_kept + (kept.at - baseline.heard));
        }
    }
    memory
}

/// An entry as people read it.
pub(crate) fn entry_view(entry: &Entry, at_ms: u64) -> EntryView {
    EntryView {
        at_ms: Some(at_ms),
        after_ms: 0,
        from: words::state(entry.from).to_owned(),
        to: words::state(entry.to).to_owned(),
        cause: entry.cause.clone(),
        reason: entry.reason.clone(),
        evidence: entry.evidence.iter().map(evidence_view).collect(),
    }
}

/// A piece of evidence as people read it.
pub(crate) fn evidence_view(evidence: &evaluator::io::Evidence) -> Evidence {
    Evidence {
        vantage: evidence.vantage.clone(),
        about: evidence.about.clone(),
        fact: evidence.fact.clone(),
        age_ms: evidence.age_ms,
    }
}

/// The newest incident of a pool, if nothing has ended it: a host that was killed left it so.
fn left_open(store: &Store, pool: PoolId) -> Result<Option<OpenIncident>, store::StoreError> {
    let newest = store.incidents(IncidentFilter { pool: Some(pool), limit: 1 })?.into_iter().next();
    let open = newest.filter(|incident| incident.ended_ms.is_none());
    Ok(open.map(|incident| OpenIncident { id: incident.id, moved: incident.outcome == "moved-unverified" }))
}

/// Whether this is a move's first telling; later ones carry more flags, or come from somebody who only watched.
fn is_first(record: &MoveRecord) -> bool {
    let by_person = record.cause == evaluator::io::Cause::Manual;
    record.age == Span::ZERO && !record.verified && record.acknowledged == by_person
}

/// The phase that a transition reaches.
fn phase(entry: &Entry) -> Option<&'static str> {
    match (entry.from, entry.to) {
        (_, State::Suspect) => Some("suspected"),
        (_, State::Confirm) => Some("confirming"),
        (_, State::Revive) => Some("reviving"),
        (_, State::Claim) => Some("decided"),
        (_, State::Write) => Some("sent"),
        (_, State::Verify) => Some("accepted"),
        (State::Verify, State::Hold | State::Route) if was_read_back(entry) => Some("verified"),
        (_, State::Ask | State::NoTarget | State::Locked) => Some("held"),
        _ => None,
    }
}

/// How an incident stands after a transition, if that says so.
fn outcome(entry: &Entry, moved: bool) -> Option<IncidentOutcome> {
    match (entry.from, entry.to) {
        (State::Verify, State::Hold) if moved && was_read_back(entry) => Some(IncidentOutcome::Moved),
        (_, State::Verify) if moved => Some(IncidentOutcome::MovedUnverified),
        (_, State::Adopt) => Some(IncidentOutcome::MovedByOther),
        (_, State::Ask | State::NoTarget | State::Locked) if !moved => Some(IncidentOutcome::Held),
        (_, State::Failed) if !moved => Some(IncidentOutcome::Failed),
        (_, State::Steady) if !moved => Some(IncidentOutcome::Recovered),
        _ => None,
    }
}

/// Whether an incident ends with a transition. One that only looks away (COLD, ROUTE, FOLLOW, BLIND) goes on.
const fn ends(entry: &Entry, moved: bool) -> bool {
    matches!(
        (entry.from, entry.to, moved),
        (State::Verify, State::Hold, _) | (_, State::Adopt | State::Steady, _) | (_, State::Hold, true)
    )
}

fn was_read_back(entry: &Entry) -> bool {
    entry.cause == evaluator::state::Rule::ReadBack.word()
}

fn word(outcome: IncidentOutcome) -> anyhow::Result<String> {
    Ok(serde_json::from_value(serde_json::to_value(outcome)?)?)
}

#[cfg(test)]
mod tests {
    use evaluator::io::Baseline;

    use evaluator::io::Cause;
    use model::ConsoleId;
    use protocol::key::SecretKey;
    use store::Incident;

    use super::*;

    const EDGE: PoolId = PoolId::from_number(5);
    const LOST: IncidentId = IncidentId::from_number(9);

    fn store() -> Arc<Store> {
        Arc::new(Store::open_in_memory().unwrap())
    }

    fn story(store: &Arc<Store>) -> Scribe {
        let key = SecretKey::from_bytes(&[3; 32]);
        let fleet = Fleet::found(ConsoleId::from_number(1), "desk", key).unwrap();
        Story::new(EDGE, Arc::clone(store), Arc::new(fleet), Arc::default()).scribe()
    }

    /// A transition; whether the machine names the incident, and the rule if it matters.
    fn went(from: State, to: State, incident: Option<IncidentId>, cause: &str) -> Output {
        let entry = Entry {
            at: Time::ZERO,
            from,
            to,
            cause: cause.to_owned(),
            reason: "because".to_owned(),
            evidence: Vec::new(),
            incident,
        };
        Output::Journal(entry)
    }

    fn moved(cause: Cause, age: Span, verified: bool) -> Output {
        let to = MemberId::from_number(2);
        let acknowledged = cause == Cause::Manual;
        Output::Moved(MoveRecord { epoch: 5, age, cause, from: None, to, acknowledged, verified }, LOST)
    }

    fn kept(story: &mut Scribe, outputs: &[Output]) -> Incident {
        for output in outputs {
            story.keep(&Memory::default(), std::slice::from_ref(output)).unwrap();
        }
        let filter = IncidentFilter { pool: Some(EDGE), limit: 8 };
        let mut all = story.story.store.incidents(filter).unwrap();
        assert_eq!(all.len(), 1, "one story: {all:?}");
        all.remove(0)
    }

    const READ_BACK: &str = "read-back";

    #[test]
    fn a_move_ends_its_incident_when_it_is_read_back() {
        let store = store();
        let mut story = story(&store);
        let incident = kept(
            &mut story,
            &[
                went(State::Steady, State::Suspect, None, ""),
                went(State::Suspect, State::Confirm, Some(LOST), ""),
                went(State::Confirm, State::Claim, Some(LOST), ""),
                went(State::Claim, State::Write, Some(LOST), ""),
                moved(Cause::Down, Span::ZERO, false),
                went(State::Write, State::Verify, Some(LOST), ""),
            ],
        );
        assert_eq!((incident.outcome.as_str(), incident.ended_ms), ("moved-unverified", None));
        // Entering HOLD, the machine has closed the incident already.
        let incident = kept(&mut story, &[went(State::Verify, State::Hold, None, READ_BACK)]);
        assert_eq!(incident.outcome, "moved");
        assert!(incident.ended_ms.is_some());
        let phases: Vec<_> = incident.phases.iter().map(|phase| phase.name.as_str()).collect();
        assert_eq!(phases, ["confirming", "decided", "sent", "accepted", "verified"]);
        // What is told about the move later opens nothing and reopens nothing.
        let again = kept(&mut story, &[moved(Cause::Down, Span::from_s(60), true)]);
        assert_eq!((again.outcome, again.ended_ms), (incident.outcome, incident.ended_ms));
        kept(
            &mut story,
            &[went(State::Hold, State::Route, None, ""), went(State::Route, State::Steady, None, "")],
        );
    }

    #[test]
    fn a_host_that_was_killed_between_deciding_and_doing_ends_the_incident_after_its_start() {
        let store = store();
        let before = [
            went(State::Suspect, State::Confirm, Some(LOST), ""),
            went(State::Claim, State::Write, Some(LOST), ""),
        ];
        kept(&mut story(&store), &before);
        let mut again = story(&store);
        let incident = kept(
            &mut again,
            &[
                went(State::Cold, State::Route, None, ""),
                went(State::Route, State::Unknown, None, ""),
                moved(Cause::Down, Span::ZERO, false),
                went(State::Unknown, State::Verify, None, ""),
                went(State::Verify, State::Hold, None, READ_BACK),
            ],
        );
        assert_eq!(incident.outcome, "moved");
        assert!(incident.ended_ms.is_some());
        assert_eq!(store.incident_entries(LOST).unwrap().len(), 6, "all of it is one story");
    }

    #[test]
    fn an_incident_that_was_looked_away_from_ends_when_all_is_well() {
        let store = store();
        let mut story = story(&store);
        let open = kept(
            &mut story,
            &[
                went(State::Suspect, State::Confirm, Some(LOST), ""),
                went(State::Confirm, State::Ask, Some(LOST), ""),
                went(State::Ask, State::Cold, Some(LOST), ""),
                went(State::Cold, State::Route, Some(LOST), ""),
            ],
        );
        assert_eq!((open.outcome.as_str(), open.ended_ms), ("held", None));
        let ended = kept(&mut story, &[went(State::Route, State::Steady, None, "")]);
        assert_eq!(ended.outcome, "recovered");
        assert!(ended.ended_ms.is_some());
    }

    #[test]
    fn a_move_by_hand_is_an_incident_with_an_end() {
        let store = store();
        let incident = kept(
            &mut story(&store),
            &[
                went(State::Steady, State::Claim, None, ""),
                went(State::Claim, State::Write, None, ""),
                moved(Cause::Manual, Span::ZERO, false),
                went(State::Write, State::Verify, None, ""),
                went(State::Verify, State::Hold, None, READ_BACK),
            ],
        );
        assert_eq!((incident.outcome.as_str(), incident.cause.as_str()), ("moved", "manual"));
        assert!(incident.ended_ms.is_some());
    }

    #[test]
    fn ages_survive_a_reboot_by_the_wall_clock_alone() {
        let lb1 = MemberId::from_number(1);
        let heard = Baseline { heard: Time::from_ms(900_000), attachment: 7 };
        let memory = Memory { baselines: [(lb1, heard)].into(), ..Memory::default() };
        let kept =
            |boot| Kept { boot, at: Time::from_ms(1_000_000), wall_ms: 5_000_000, memory: memory.clone() };
        let now = Time::from_ms(200_000_000);
        let same = on_this_clock(kept(BootId::from_number(1)), BootId::from_number(1), now, 5_600_000);
        assert_eq!(same.baselines[&lb1].heard, Time::from_ms(900_000));
        let other = on_this_clock(kept(BootId::from_number(2)), BootId::from_number(1), now, 5_600_000);
        assert_eq!(now - other.baselines[&lb1].heard, Span::from_ms(700_000));
    }
}
