//! Totals over `show stat` for the heartbeat.

use model::haproxy::StatTotals;

use super::{RowKind, ServerStatus, StatError, Table, bounded_text, row};

/// Adds a `show stat` answer up without building its rows.
///
/// A server counts once, by what it does for traffic: up, in drain, in maintenance, or down. A server that is up
/// with weight 0 gets no new traffic and counts as in drain, which is what it is.
///
/// # Errors
/// The text breaks one of the rules of [`super`].
pub fn summarise(answer: &[u8]) -> Result<StatTotals, StatError> {
    let text = bounded_text(answer)?;
    let mut table = Table::open(&text)?;
    let kind = table.require("type")?;
    let status = table.require("status")?;
    let scur = table.require("scur")?;
    let (rate, weight) = (table.column("rate"), table.column("weight"));
    let mut totals = StatTotals::default();
    while let Some(record) = table.next_record()? {
        let word = ServerStatus::of(record.text(status));
        match row::kind(&record, kind)? {
            RowKind::Frontend => {
                totals.sessions = totals.sessions.saturating_add(record.number(scur)?.unwrap_or(0));
                totals.session_rate = totals.session_rate.saturating_add(record.number(rate)?.unwrap_or(0));
            }
            RowKind::Backend => totals.backends_down += u32::from(word == ServerStatus::Down),
            RowKind::Server => *bucket(&mut totals, word, record.number(weight)? == Some(0)) += 1,
            RowKind::Listener => {}
        }
    }
    Ok(totals)
}

fn bucket(totals: &mut StatTotals, status: ServerStatus, weightless: bool) -> &mut u32 {
    match status {
        ServerStatus::Drain | ServerStatus::NoLoadBalancing => &mut totals.servers_drain,
        ServerStatus::Maintenance => &mut totals.servers_maint,
        ServerStatus::Up | ServerStatus::GoingDown | ServerStatus::Unchecked if weightless => {
            &mut totals.servers_drain
        }
        ServerStatus::Up | ServerStatus::GoingDown | ServerStatus::Unchecked => &mut totals.servers_up,
        // The words of frontends say nothing good about a server, nor does one that we do not know.
        ServerStatus::Down
        | ServerStatus::ComingUp
        | ServerStatus::Open
        | ServerStatus::Full
        | ServerStatus::Waiting
        | ServerStatus::Paused
        | ServerStatus::Stopped
        | ServerStatus::Unknown => &mut totals.servers_down,
    }
}
