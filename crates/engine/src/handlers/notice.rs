//! What people were told, and how this console tells them.

use api::request::{NoticeListRequest, NoticeSettingsSet};
use api::view::incident::{NoticeList, NoticeSettings, NoticeView, QuietHours};
use api::{ApiError, Outcome, Plan};

use super::stored;
use crate::clock;
use crate::host::Host;

const KEY: &str = "notices";
/// Most rows of one answer.
const ROWS_MAX: u32 = 500;
const MUTE_MAX_MS: u64 = 7 * 24 * 3_600_000;
const DAY_MINUTES: u16 = 24 * 60;

pub(crate) fn list(host: &Host, request: &NoticeListRequest) -> Result<NoticeList, ApiError> {
    let found = host.store.notices(request.limit.unwrap_or(50).min(ROWS_MAX)).map_err(stored)?;
    let view = |row: store::StoredNotice| NoticeView {
        topic: row.kind,
        pool: Some(row.pool),
        incident: row.incident,
        text: row.text,
        at_ms: row.at_ms,
    };
    Ok(NoticeList { notices: found.into_iter().map(view).collect() })
}

pub(crate) fn settings(host: &Host) -> Result<NoticeSettings, ApiError> {
    let json = host.store.setting(KEY).map_err(stored)?;
    // A text that cannot be read mutes nothing: people are told rather once too often.
    Ok(json.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default())
}

pub(crate) fn set(host: &Host, request: &NoticeSettingsSet) -> Result<Outcome<NoticeSettings>, ApiError> {
    let mut settings = settings(host)?;
    if let Some(mute_ms) = request.mute_ms {
        if mute_ms > MUTE_MAX_MS {
            return Err(ApiError::invalid("notices are muted for 7 days at most"));
        }
        settings.muted_until_ms = if mute_ms == 0 { 0 } else { clock::wall_ms() + mute_ms };
    }
    if let Some(quiet) = request.quiet {
        settings.quiet = check(quiet)?;
    }
    settings.shown = request.shown.unwrap_or(settings.shown);
    let plan = Plan::new("change how this console tells people").step("settings", "kept on this computer");
    if request.change.dry_run {
        return Ok(Outcome::planned(plan));
    }
    let json = serde_json::to_string(&settings)
        .map_err(|error| ApiError::internal("the settings cannot be written").because(&error))?;
    host.store.set_setting(KEY, Some(&json)).map_err(stored)?;
    Ok(Outcome::done(plan, settings))
}

fn check(quiet: QuietHours) -> Result<QuietHours, ApiError> {
    if quiet.from_minute < DAY_MINUTES && quiet.to_minute < DAY_MINUTES {
        return Ok(quiet);
    }
    Err(ApiError::invalid(format!("a minute of the day is 0 to {}", DAY_MINUTES - 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_1440_minutes() {
        let night = QuietHours { from_minute: 22 * 60, to_minute: 7 * 60 };
        assert_eq!(check(night).unwrap(), night);
        check(QuietHours { from_minute: 0, to_minute: 1440 }).unwrap_err();
    }
}
