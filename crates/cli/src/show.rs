//! Answers in words, for people. Programs take `--json`.

/// Adds to a text.
macro_rules! add {
    ($text:ident, $($words:tt)+) => {
        $crate::show::add_to(&mut $text, format_args!($($words)+))
    };
}

mod host;
mod incident;
mod member;
mod pool;
mod provider;
mod stat;
mod table;

pub(crate) use host::{card, consoles, host, joined, vault};
pub(crate) use incident::{audit, explanation, incident, incidents, notice_settings, notices, what_if};
pub(crate) use member::{invitation, member, members};
pub(crate) use pool::{moved, pool, pools, rehearsal, status, statuses};
pub(crate) use provider::{dns, provider, providers, report};
pub(crate) use stat::{is_trouble, stat};
use table::Table;

use std::fmt::{self, Write as _};

use api::view::{Check, CheckOutcome, Evidence, Removed, YesNo};

/// A length of time, as the whole product says it.
pub(crate) fn span(ms: u64) -> String {
    model::Span::from_ms(ms).to_string()
}

/// A moment in UTC.
fn moment(ms: u64) -> String {
    let text = i64::try_from(ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    text.map_or_else(
        || "at an impossible time".to_owned(),
        |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
    )
}

/// The time of day in UTC with milliseconds, for lines of one story.
fn clock(ms: u64) -> String {
    let text = i64::try_from(ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    text.map_or_else(|| "??:??:??".to_owned(), |at| at.strftime("%H:%M:%S%.3f").to_string())
}

const fn yes_no(answer: YesNo) -> &'static str {
    match answer {
        YesNo::Yes => "yes",
        YesNo::No => "no",
        YesNo::Unknown => "unknown",
    }
}

fn add_to(text: &mut String, words: fmt::Arguments<'_>) {
    text.write_fmt(words).expect("writing to a text never fails");
}

fn evidence(list: &[Evidence], indent: &str) -> String {
    let mut text = String::new();
    for one in list {
        add!(text, "{indent}{}: {} ({}, {} ago)\n", one.about, one.fact, one.vantage, span(one.age_ms));
    }
    text
}

fn checks(list: &[Check]) -> String {
    let mut text = String::new();
    for check in list {
        let mark = match check.outcome {
            CheckOutcome::Passed => "✓",
            CheckOutcome::Warned => "!",
            CheckOutcome::Failed => "✗",
            CheckOutcome::Skipped => "-",
        };
        add!(text, "  {mark} {}: {} ({})\n", check.name, check.words, span(check.took_ms));
    }
    text
}

/// What stays behind after something was removed.
pub(crate) fn removed(removed: &Removed) -> String {
    if removed.left_behind.is_empty() {
        return "Removed".to_owned();
    }
    format!("Removed. Left behind:\n  {}", removed.left_behind.join("\n  "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_utc_and_never_panic() {
        assert_eq!(moment(1_795_170_097_123), "2026-11-20 10:21:37 UTC");
        assert_eq!(clock(1_795_170_097_123), "10:21:37.123");
        assert_eq!(moment(u64::MAX), "at an impossible time");
    }
}
