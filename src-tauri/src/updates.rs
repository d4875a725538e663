//! Newer versions: asked for once a day, installed when a person says so. A build without a key has none of it.

use std::time::Duration;

use api::ApiError;
use tauri::{AppHandle, Manager as _, Url};
use tauri_plugin_updater::{Update, UpdaterExt as _};

use crate::app::Facts;
use crate::border::ShellState;

/// The key that releases are signed with, and where they are announced; both come from the build.
const KEY: Option<&str> = option_env!("SERVERSCTL_UPDATE_KEY");
const FEED: Option<&str> = option_env!("SERVERSCTL_UPDATE_URL");
const EVERY: Duration = Duration::from_hours(24);

/// Whether this build can be updated by itself.
pub(crate) const fn are_on() -> bool {
    KEY.is_some() && FEED.is_some()
}

/// Looks now and daily. A look that fails is tried again the next day.
pub(crate) async fn watch(app: AppHandle) {
    let mut ticks = tokio::time::interval(EVERY);
    loop {
        ticks.tick().await;
        match look(&app).await {
            Ok(found) => {
                app.state::<Facts>().set_update(found.map(|update| update.version));
                ShellState::tell(&app);
            }
            Err(error) => tracing::warn!("looking for a newer version: {error}"),
        }
    }
}

async fn look(app: &AppHandle) -> Result<Option<Update>, ApiError> {
    let (Some(key), Some(feed)) = (KEY, FEED) else { return Ok(None) };
    let failed = |error: tauri_plugin_updater::Error| {
        ApiError::internal("asking for a newer version").with_detail(model::chain(&error))
    };
    let feed =
        Url::parse(feed).map_err(|error| ApiError::internal("the address of updates").because(&error))?;
    let updater =
        app.updater_builder().pubkey(key).endpoints(vec![feed]).map_err(failed)?.build().map_err(failed)?;
    updater.check().await.map_err(failed)
}

/// Fetches, checks and installs the newer version; it runs from the next start.
pub(crate) async fn install(app: &AppHandle) -> Result<(), ApiError> {
    let update = look(app).await?.ok_or_else(|| ApiError::refused("there is no newer version"))?;
    update
        .download_and_install(|_, _| {}, || {})
        .await
        .map_err(|error| ApiError::internal("installing the newer version").with_detail(model::chain(&error)))
}
