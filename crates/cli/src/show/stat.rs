//! HAProxy's statistics.

use api::view::stat::{StatKind, StatRow, StatState, StatView};

use super::{Table, span};

pub(crate) fn stat(view: &StatView) -> String {
    if view.rows.is_empty() {
        return "No row".to_owned();
    }
    let mut table =
        Table::new(&["PROXY", "NAME", "STATUS", "SINCE", "SESSIONS", "RATE", "QUEUE", "ERRORS", "CHECK"]);
    for row in &view.rows {
        table.row([
            row.proxy.clone(),
            row.name.clone(),
            row.status.clone(),
            row.changed_s.map(|seconds| span(seconds.saturating_mul(1000))).unwrap_or_default(),
            row.sessions.to_string(),
            row.session_rate.to_string(),
            row.queued.to_string(),
            row.errors.to_string(),
            row.check.clone(),
        ]);
    }
    table.to_text("")
}

/// What somebody who looks for trouble wants to see: whatever does not serve as it should.
pub(crate) const fn is_trouble(row: &StatRow) -> bool {
    match row.state {
        StatState::Up | StatState::Unchecked => false,
        StatState::Shaky | StatState::Down | StatState::Drain | StatState::Maintenance => true,
        StatState::Unknown => matches!(row.kind, StatKind::Server),
    }
}
