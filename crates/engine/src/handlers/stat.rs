//! A member's HAProxy statistics, read when somebody looks at them.

use std::time::Duration;

use api::ApiError;
use api::request::MemberStat;
use api::view::stat::{StatKind, StatRow, StatState, StatView};
use haproxy::stat::{Row, RowKind, ServerStatus};
use model::Code;
use protocol::Frame;

use super::find_member;
use crate::clock;
use crate::inner::Inner;

/// How long an answer may take: an agent gives HAProxy 0.9 s.
const PATIENCE: Duration = Duration::from_secs(4);

pub(crate) async fn read(inner: &Inner, request: &MemberStat) -> Result<StatView, ApiError> {
    let member = find_member(inner, &request.member)?;
    let unreachable = |words: &str| {
        let words = format!("{} gave no statistics: {words}", member.name);
        ApiError::new(Code::Unreachable, words)
    };
    let began = clock::now();
    let (number, answer) = inner.stats().ask(member.id);
    inner.reach.send(member.id, Frame::StatGet { number });
    let text = match tokio::time::timeout(PATIENCE, answer).await {
        Ok(Ok(Ok(text))) => text,
        Ok(Ok(Err(reason))) => return Err(unreachable(&reason)),
        Ok(Err(_)) => return Err(unreachable("this host is closing")),
        Err(_) => {
            return Err(unreachable("no answer within 4 s; its relay may be down or its agent too old"));
        }
    };
    let rows = haproxy::stat::rows(text.as_bytes()).map_err(|error| unreachable(&error.to_string()))?;
    let took_ms = (clock::now() - began).as_ms();
    Ok(StatView { member: member.id, took_ms, rows: rows.into_iter().map(view).collect() })
}

fn view(row: Row) -> StatRow {
    let responses = row.responses.map_or_else(Vec::new, |all| {
        vec![all.informational, all.ok, all.redirect, all.client_error, all.server_error, all.other]
    });
    let check_ms = row.check.as_ref().and_then(|check| check.duration_ms);
    StatRow {
        kind: match row.kind {
            RowKind::Frontend => StatKind::Frontend,
            RowKind::Backend => StatKind::Backend,
            RowKind::Server => StatKind::Server,
            RowKind::Listener => StatKind::Listener,
        },
        state: state(row.status),
        status: row.status_text,
        mode: row.mode,
        address: row.address,
        sessions: row.sessions,
        sessions_max: row.sessions_max,
        sessions_limit: row.sessions_limit,
        sessions_total: row.sessions_total,
        session_rate: row.session_rate,
        request_rate: row.request_rate,
        requests_total: row.requests_total,
        queued: row.queued,
        in_bytes: row.in_bytes,
        out_bytes: row.out_bytes,
        errors: row.request_errors.saturating_add(row.connect_errors).saturating_add(row.response_errors),
        retries: row.retries,
        weight: row.weight,
        backup: row.kind == RowKind::Server && row.backup > 0,
        downs: row.downs,
        changed_s: row.changed_s,
        downtime_s: row.downtime_s,
        responses,
        check: row.check.map_or_else(String::new, |check| check_words(&check)),
        check_ms,
        proxy: row.proxy,
        name: row.name,
    }
}

const fn state(status: ServerStatus) -> StatState {
    match status {
        ServerStatus::Open | ServerStatus::Up => StatState::Up,
        ServerStatus::Full | ServerStatus::Waiting | ServerStatus::GoingDown => StatState::Shaky,
        ServerStatus::Down | ServerStatus::ComingUp | ServerStatus::Stopped => StatState::Down,
        ServerStatus::Drain | ServerStatus::NoLoadBalancing => StatState::Drain,
        ServerStatus::Maintenance | ServerStatus::Paused => StatState::Maintenance,
        ServerStatus::Unchecked => StatState::Unchecked,
        ServerStatus::Unknown => StatState::Unknown,
    }
}

/// `L7STS 503: HTTP status check returned code 503`, as far as HAProxy says it.
fn check_words(check: &haproxy::stat::Check) -> String {
    let code = check.code.map_or_else(String::new, |code| format!(" {code}"));
    let said = [check.last.as_str(), check.description.as_str()].into_iter().find(|words| !words.is_empty());
    said.map_or_else(|| format!("{}{code}", check.status), |said| format!("{}{code}: {said}", check.status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_told_in_haproxys_words() {
        let mut check = haproxy::stat::Check { status: "L4OK".to_owned(), ..Default::default() };
        assert_eq!(check_words(&check), "L4OK");
        check.status = "L7STS".to_owned();
        check.code = Some(503);
        check.description = "Layer7 wrong status".to_owned();
        assert_eq!(check_words(&check), "L7STS 503: Layer7 wrong status");
    }
}
