//! What happened: incidents and audit.

use api::request::{AuditListRequest, IncidentListRequest, IncidentShow};
use api::view::explain::Entry;
use api::view::incident::{AuditEntry, AuditList, IncidentList, IncidentOutcome, IncidentView, Phase};
use api::{ApiError, names::IncidentRef};
use store::{Incident, IncidentFilter};

use super::{find_pool, stored};
use crate::inner::Inner;

/// Most rows of one answer.
const ROWS_MAX: u32 = 500;

pub(crate) fn list(inner: &Inner, request: &IncidentListRequest) -> Result<IncidentList, ApiError> {
    let pool =
        request.pool.as_ref().map(|pool| find_pool(inner, pool)).transpose()?.map(|policy| policy.pool);
    let filter = IncidentFilter { pool, limit: request.limit.unwrap_or(50).min(ROWS_MAX) };
    let found = inner.store.incidents(filter).map_err(stored)?;
    let incidents =
        found.into_iter().map(|incident| incident_view(inner, incident)).collect::<Result<_, _>>()?;
    Ok(IncidentList { incidents })
}

pub(crate) fn show(inner: &Inner, request: &IncidentShow) -> Result<IncidentView, ApiError> {
    let found = inner.store.incidents(IncidentFilter { pool: None, limit: ROWS_MAX }).map_err(stored)?;
    let means = |incident: &Incident, named: &IncidentRef| named.means(&incident.id, "");
    let found = found.into_iter().find(|incident| means(incident, &request.incident));
    incident_view(inner, found.ok_or_else(|| ApiError::not_found("incident", &request.incident))?)
}

pub(crate) fn incident_view(inner: &Inner, incident: Incident) -> Result<IncidentView, ApiError> {
    let rows = inner.store.incident_entries(incident.id).map_err(stored)?;
    let mut entries: Vec<Entry> =
        rows.iter().filter_map(|row| serde_json::from_str(&row.json).ok()).collect();
    count_from_first(&mut entries);
    let outcome: IncidentOutcome =
        serde_json::from_value(incident.outcome.clone().into()).unwrap_or(IncidentOutcome::Open);
    let policy = inner.fleet.policy(incident.pool);
    Ok(IncidentView {
        id: incident.id,
        pool: incident.pool,
        pool_name: policy.map_or_else(|| incident.pool.short(), |policy| policy.name.clone()),
        cause: incident.cause,
        from: incident.from,
        to: incident.to,
        epoch: incident.epoch,
        began_ms: incident.began_ms,
        ended_ms: incident.ended_ms,
        phases: phases(incident.phases),
        entries,
        evidence: serde_json::from_str(&incident.evidence).unwrap_or_default(),
        held_reason: incident.held_reason.filter(|_| outcome == IncidentOutcome::Held),
        outcome,
    })
}

/// Phases with their lengths: each lasts until the next begins.
fn phases(kept: Vec<store::Phase>) -> Vec<Phase> {
    let starts: Vec<u64> = kept.iter().map(|phase| phase.at_ms).collect();
    let with_next = kept.into_iter().enumerate().map(|(at, phase)| Phase {
        name: phase.name,
        at_ms: phase.at_ms,
        took_ms: phase.took_ms.or_else(|| starts.get(at + 1).map(|next| next.saturating_sub(phase.at_ms))),
    });
    with_next.collect()
}

/// Sets each line's distance from the first.
pub(crate) fn count_from_first(entries: &mut [Entry]) {
    let first = entries.first().and_then(|entry| entry.at_ms).unwrap_or(0);
    for entry in entries {
        entry.after_ms = entry.at_ms.map_or(0, |at| at.saturating_sub(first));
    }
}

pub(crate) fn audit(inner: &Inner, request: &AuditListRequest) -> Result<AuditList, ApiError> {
    let before = request.before.as_deref().map(str::parse).transpose();
    let before = before.map_err(|_| ApiError::invalid("`before` is the id of an audit entry"))?;
    let rows = inner.store.audit(before, request.limit.unwrap_or(100).min(ROWS_MAX)).map_err(stored)?;
    let entries = rows.into_iter().map(|row| AuditEntry {
        id: row.id.to_string(),
        at_ms: row.at_ms,
        by: row.by,
        command: row.command,
        request: serde_json::from_str(&row.request).unwrap_or_default(),
        error: row.error,
    });
    Ok(AuditList { entries: entries.collect() })
}
