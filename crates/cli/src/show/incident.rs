//! Incidents, explanations, audit.

use api::view::explain::{Entry, Explanation, WhatIf};
use api::view::incident::{AuditList, IncidentList, IncidentView, NoticeList, NoticeSettings};

use super::pool::phases;
use super::{Table, clock, evidence, moment, span};
use crate::run::outcome_word;

pub(crate) fn incidents(list: &IncidentList) -> String {
    if list.incidents.is_empty() {
        return "No incident".to_owned();
    }
    let mut table = Table::new(&["INCIDENT", "BEGAN", "POOL", "CAUSE", "FROM", "TO", "TOOK", "ENDED"]);
    for incident in &list.incidents {
        let took = incident.ended_ms.map(|end| span(end.saturating_sub(incident.began_ms)));
        table.row([
            incident.id.short(),
            moment(incident.began_ms),
            incident.pool_name.clone(),
            incident.cause.clone(),
            incident.from.clone().unwrap_or_default(),
            incident.to.clone().unwrap_or_default(),
            took.unwrap_or_default(),
            outcome_word(incident.outcome).to_owned(),
        ]);
    }
    table.to_text("")
}

pub(crate) fn incident(incident: &IncidentView) -> String {
    let mut text = format!(
        "{}: {}\n  Pool    {}\n  Began   {}\n  Outcome {}\n",
        incident.id.short(),
        incident.cause,
        incident.pool_name,
        moment(incident.began_ms),
        outcome_word(incident.outcome)
    );
    if let Some(to) = &incident.to {
        let from = incident.from.as_deref().unwrap_or("nobody");
        add!(text, "  Moved   {from} → {to}\n");
    }
    if let Some(why) = &incident.held_reason {
        add!(text, "  Held    {why}\n");
    }
    text.push_str("Phases\n");
    text.push_str(&phases(&incident.phases));
    text.push_str("Evidence\n");
    text.push_str(&evidence(&incident.evidence, "  "));
    text.push_str("Story\n");
    text + &entries(&incident.entries)
}

fn entries(list: &[Entry]) -> String {
    list.iter()
        .map(|entry| {
            let at = entry.at_ms.map_or_else(|| format!("+{}", span(entry.after_ms)), clock);
            let step = if entry.from == entry.to {
                entry.to.clone()
            } else {
                format!("{} → {}", entry.from, entry.to)
            };
            format!("  {at}  {step} [{}]: {}\n", entry.cause, entry.reason)
                + &evidence(&entry.evidence, "      ")
        })
        .collect()
}

pub(crate) fn explanation(explained: &Explanation) -> String {
    let mut text = format!(
        "{} is in {} for {}: {}\n",
        explained.name,
        explained.state,
        span(explained.since_ms),
        explained.reason
    );
    text.push_str(&evidence(&explained.evidence, "  "));
    if let Some(dynamic) = &explained.dynamic_dns {
        add!(text, "{}\n", super::provider::dynamic_dns(dynamic));
    }
    if !explained.missing.is_empty() {
        text.push_str("Missing for an automatic move\n");
        for missing in &explained.missing {
            add!(text, "  {}: {}\n", missing.what, missing.remedy);
        }
    }
    if !explained.next.is_empty() {
        text.push_str("Next\n");
        for next in &explained.next {
            let when = next.in_ms.map_or_else(String::new, |ms| format!(" in {}", span(ms)));
            add!(text, "  {}{when}\n", next.what);
        }
    }
    if !explained.entries.is_empty() {
        text.push_str("Newest first\n");
        text.push_str(&entries(&explained.entries));
    }
    text
}

pub(crate) fn what_if(what_if: &WhatIf) -> String {
    let after =
        what_if.write_after_ms.map_or_else(String::new, |ms| format!(" (written after {})", span(ms)));
    format!("If {}: {}{after}\n{}", what_if.supposed, what_if.conclusion, entries(&what_if.entries))
}

pub(crate) fn notices(list: &NoticeList) -> String {
    if list.notices.is_empty() {
        return "Nothing was told yet".to_owned();
    }
    let mut table = Table::new(&["TOLD", "ABOUT", "INCIDENT", "TEXT"]);
    for notice in &list.notices {
        let incident = notice.incident.map(|id| id.short()).unwrap_or_default();
        table.row([moment(notice.at_ms), notice.topic.clone(), incident, notice.text.clone()]);
    }
    table.to_text("")
}

pub(crate) fn notice_settings(settings: &NoticeSettings) -> String {
    match settings.muted_until_ms {
        0 if settings.shown => "Notices are shown".to_owned(),
        0 => "Notices are not shown on the desktop".to_owned(),
        until => format!("Notices are muted until {}", moment(until)),
    }
}

pub(crate) fn audit(list: &AuditList) -> String {
    let mut table = Table::new(&["ID", "AT", "WHO", "COMMAND", "REQUEST", "ERROR"]);
    for entry in &list.entries {
        table.row([
            entry.id.clone(),
            moment(entry.at_ms),
            entry.by.clone(),
            entry.command.clone(),
            entry.request.to_string(),
            entry.error.clone().unwrap_or_default(),
        ]);
    }
    table.to_text("")
}
