//! A pool's story: what its machine said, as it stands on disk and as people read it. Builds incidents out of entries.
//!
//! An incident is a row that entries, phases and outcome are added to; the evaluator names it, so every console gives
//! it the same name. Nothing here decides.

use std::sync::Arc;

use api::view::Evidence;
use api::view::explain::Entry as EntryView;
use api::view::incident::IncidentOutcome;
use evaluator::io::{Entry, Memory, MoveRecord, Notice, Output, State};
use model::{BootId, IncidentId, MemberId, PoolId, Span, Time};
use protocol::records::{Record, RecordBody, RecordId};
use protocol::sign::Signed;
use serde::{Deserialize, Serialize};
use store::{EntryRow, IncidentPatch, NoticeRow, Phase, Step, Store};

use crate::clock;
use crate::events::Events;
use crate::fleet::Fleet;
use crate::words;

/// One pool's story.
pub(crate) struct Story {
    pool: PoolId,
    boot: BootId,
    store: Arc<Store>,
    fleet: Arc<Fleet>,
    events: Arc<Events>,
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

    /// The memory kept last, its times on this boot's clock.
    pub(crate) fn memory(&self) -> Option<Memory> {
        let json = match self.store.memory(self.pool) {
            Ok(json) => json?,
            Err(error) => {
                tracing::error!(pool = %self.pool.short(), "the watch's memory cannot be read: {error}");
                return None;
            }
        };
        match serde_json::from_str::<Kept>(&json) {
            Ok(kept) => Some(on_this_clock(kept, self.boot, clock::now(), clock::wall_ms())),
            Err(error) => {
                tracing::error!(pool = %self.pool.short(), "the watch's memory is damaged: {error}");
                None
            }
        }
    }

    /// Writes memory and what a step said, all or nothing.
    pub(crate) fn keep(&self, memory: &Memory, outputs: &[Output]) -> anyhow::Result<()> {
        let kept =
            Kept { boot: self.boot, at: clock::now(), wall_ms: clock::wall_ms(), memory: memory.clone() };
        let mut step =
            Step { at_ms: kept.wall_ms, memory: Some(serde_json::to_string(&kept)?), ..Step::default() };
        for output in outputs {
            self.note(output, &mut step)?;
        }
        self.store.save_step(self.pool, &step)?;
        Ok(())
    }

    fn note(&self, output: &Output, step: &mut Step) -> anyhow::Result<()> {
        match output {
            Output::Journal(entry) => {
                let view = entry_view(entry, step.at_ms);
                step.entries.push(EntryRow { incident: entry.incident, json: serde_json::to_string(&view)? });
                step.incidents.extend(patch(entry, step.at_ms)?);
            }
            Output::Notify(notice) => step.notices.push(NoticeRow {
                incident: notice.incident,
                kind: words::notice(notice.kind).to_owned(),
                text: notice.text.clone(),
            }),
            Output::DnsCas { claim, .. } => step.incidents.extend(claim.incident.map(|id| IncidentPatch {
                id: Some(id),
                cause: Some(words::cause(claim.cause).to_owned()),
                to: Some(self.name(claim.member)),
                epoch: Some(claim.epoch),
                ..IncidentPatch::default()
            })),
            Output::Moved(record, incident) => {
                if let Some(signed) = self.moved(record, *incident) {
                    let id = RecordId::of_move(self.pool, record.epoch).to_string();
                    let json = serde_json::to_string(&signed)?;
                    step.moves.push(store::Record {
                        id,
                        revision: revision(record),
                        at_ms: step.at_ms,
                        json,
                    });
                }
                step.incidents.push(IncidentPatch {
                    id: Some(*incident),
                    cause: Some(words::cause(record.cause).to_owned()),
                    from: record.from.map(|member| self.name(member)),
                    to: Some(self.name(record.to)),
                    epoch: Some(record.epoch),
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

    /// The shared record of a move, signed.
    pub(crate) fn moved(&self, record: &MoveRecord, incident: IncidentId) -> Option<Signed> {
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

    fn name(&self, member: MemberId) -> String {
        self.fleet.roster().member(member).map_or_else(|| member.short(), |entry| entry.name.clone())
    }
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

/// What an entry adds to its incident.
fn patch(entry: &Entry, at_ms: u64) -> anyhow::Result<Option<IncidentPatch>> {
    let Some(id) = entry.incident else { return Ok(None) };
    let mut patch = IncidentPatch { id: Some(id), ..IncidentPatch::default() };
    if entry.from != entry.to {
        let reached = phase(entry.from, entry.to);
        patch.phases.extend(reached.map(|name| Phase { name: name.to_owned(), at_ms, took_ms: None }));
        if let Some(outcome) = outcome(entry.from, entry.to) {
            patch.outcome = Some(word(outcome)?);
            if outcome == IncidentOutcome::Held {
                patch.held_reason = Some(entry.reason.clone());
            }
            if matches!(
                outcome,
                IncidentOutcome::Moved | IncidentOutcome::MovedByOther | IncidentOutcome::Recovered
            ) {
                patch.ended_ms = Some(at_ms);
            }
        }
        if matches!(entry.to, State::Claim | State::Ask | State::NoTarget) && !entry.evidence.is_empty() {
            let evidence: Vec<_> = entry.evidence.iter().map(evidence_view).collect();
            patch.evidence = Some(serde_json::to_string(&evidence)?);
        }
    }
    Ok(Some(patch))
}

/// The phase that a transition reaches.
const fn phase(from: State, to: State) -> Option<&'static str> {
    match (from, to) {
        (_, State::Suspect) => Some("suspected"),
        (_, State::Confirm) => Some("confirming"),
        (_, State::Revive) => Some("reviving"),
        (_, State::Claim) => Some("decided"),
        (_, State::Write) => Some("sent"),
        (_, State::Verify) => Some("accepted"),
        (State::Verify, State::Hold | State::Route) => Some("verified"),
        (_, State::Ask | State::NoTarget) => Some("held"),
        _ => None,
    }
}

/// How an incident stands after a transition, if that says so.
const fn outcome(from: State, to: State) -> Option<IncidentOutcome> {
    match (from, to) {
        (_, State::Verify) => Some(IncidentOutcome::MovedUnverified),
        (State::Verify, State::Hold) => Some(IncidentOutcome::Moved),
        (_, State::Adopt) => Some(IncidentOutcome::MovedByOther),
        (_, State::Ask | State::NoTarget) => Some(IncidentOutcome::Held),
        (_, State::Failed) => Some(IncidentOutcome::Failed),
        (
            State::Confirm | State::Ask | State::NoTarget | State::Revive | State::Suspect,
            State::Route | State::Steady,
        ) => Some(IncidentOutcome::Recovered),
        _ => None,
    }
}

fn word(outcome: IncidentOutcome) -> anyhow::Result<String> {
    Ok(serde_json::from_value(serde_json::to_value(outcome)?)?)
}

#[cfg(test)]
mod tests {
    use evaluator::io::Baseline;

    use super::*;

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
