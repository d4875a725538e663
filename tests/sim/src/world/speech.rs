//! From the relay's words to the machine's and back, as the engine translates them.

use evaluator::beacon::BeaconLog;
use evaluator::io::{Cause, Claim, Goodbye, Life, MoveRecord, Testimony};
use model::{ConsoleId, IncidentId, Span, Time};
use protocol::heartbeat::Heartbeat;
use protocol::intents::Intent;
use protocol::records::{Noted, Record, RecordBody, RecordId};

use crate::console::{Disk, KeptMove};
use crate::ids;

pub(super) fn merge_move(disk: &mut Disk, record: MoveRecord, incident: IncidentId, born: i64) {
    let kept = disk.moves.entry(record.epoch).or_insert(KeptMove { record, incident, born });
    kept.record.acknowledged |= record.acknowledged;
    kept.record.verified |= record.verified;
    kept.born = kept.born.min(born);
    while disk.moves.len() > 500 {
        disk.moves.pop_first();
    }
}

pub(super) fn noted(kept: &KeptMove) -> Noted {
    let record = &kept.record;
    Noted::unsigned(Record {
        id: RecordId::of_move(ids::POOL, record.epoch),
        revision: 1 + u32::from(record.verified) + 2 * u32::from(record.acknowledged),
        pool: ids::POOL,
        at_unix_ms: 0,
        body: RecordBody::Move {
            epoch: record.epoch,
            cause: format!("{:?}", record.cause),
            from: record.from,
            to: record.to,
            acknowledged: record.acknowledged,
            verified: record.verified,
            incident: Some(kept.incident),
        },
    })
}

pub(super) fn cause_of(word: &str) -> Cause {
    let all = [
        Cause::Down,
        Cause::ServiceDown,
        Cause::AgentLost,
        Cause::Manual,
        Cause::Preferred,
        Cause::Ddns,
        Cause::Abort,
        Cause::Adopt,
    ];
    all.into_iter().find(|cause| format!("{cause:?}") == word).expect("records are written by this file")
}

pub(super) fn intent(claim: &Claim) -> Intent {
    Intent {
        pool: ids::POOL,
        epoch: claim.epoch,
        nonce: claim.nonce,
        target: claim.member,
        cause: format!("{:?}", claim.cause),
    }
}

/// The moment after which a heartbeat was certainly made: that of the newest own beacon in it.
pub(super) fn made_after(beacons: &BeaconLog, console: ConsoleId, heartbeat: &Heartbeat) -> Option<Time> {
    let own = heartbeat.beacons.iter().filter(|echo| echo.console == console);
    own.filter_map(|echo| beacons.made_after(echo.nonce)).max()
}

pub(super) fn life(heartbeat: &Heartbeat, time_travel: bool, made_after: Option<Time>) -> Life {
    Life {
        member: heartbeat.member,
        boot: heartbeat.boot_id,
        incarnation: heartbeat.incarnation,
        seq: heartbeat.seq,
        made_after,
        monitored: heartbeat.haproxy.monitored,
        down: heartbeat.haproxy.down,
        cfg: 0,
        cfg_valid: heartbeat.haproxy.cfg_valid,
        ip: heartbeat.ip,
        planned: heartbeat.planned_until_ms.map(Span::from_ms),
        maintenance: heartbeat.maintenance,
        time_travel,
        goodbye: heartbeat.goodbye.map(|goodbye| match goodbye {
            protocol::Goodbye::HostShutdown => Goodbye::HostShutdown,
            protocol::Goodbye::AgentStop => Goodbye::AgentStop,
        }),
        fit: heartbeat.fit,
        up: Span::from_ms(heartbeat.up_ms),
        agent_version: String::new(),
    }
}

pub(super) fn testimony(
    heartbeat: &Heartbeat,
    said: &protocol::Testimony,
    made_after: Option<Time>,
) -> Testimony {
    Testimony {
        by: heartbeat.member,
        about: said.about,
        last: (said.incarnation, said.seq),
        silent: Span::from_ms(said.silent_ms),
        baseline: said.baseline,
        hears_other: said.hears_other,
        service_answers: said.service_answers,
        made_after,
        fit: heartbeat.fit,
        up: Span::from_ms(heartbeat.up_ms),
    }
}
