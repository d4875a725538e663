//! Notices on the desktop, by its own notification service. A desktop without one shows them in the page only.

use std::collections::BTreeMap;
use std::time::Duration;

use api::glance::{Act, Alert, Level, Show};
use notify_rust::{Hint, Notification, NotificationHandle, NotificationResponse, Timeout, Urgency};
use tauri::AppHandle;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::timeout;

use crate::app;

/// Notices that may wait for the service.
const PLACES: usize = 64;
/// Notices whose buttons are listened to; the oldest are forgotten.
const LISTENED_MAX: usize = 32;
/// How long the service may take; it may have to be started first.
const PATIENCE: Duration = Duration::from_secs(5);

struct Shown {
    id: u32,
    listening: AbortHandle,
}

/// Starts showing; one at a time, in order.
pub(crate) fn start(app: &AppHandle) -> mpsc::Sender<Show> {
    let (shows, mut queue) = mpsc::channel::<Show>(PLACES);
    let app = app.clone();
    tokio::spawn(async move {
        let mut shown: BTreeMap<u64, Shown> = BTreeMap::new();
        let mut plain = None;
        while let Some(Show { slot, alert }) = queue.recv().await {
            if plain.is_none() {
                plain = timeout(PATIENCE, reads_plain_text()).await.ok();
            }
            let before = shown.remove(&slot).map(|before| {
                // Otherwise a click would be heard twice.
                before.listening.abort();
                before.id
            });
            let notification = notification(&alert, before, plain.unwrap_or(false));
            match timeout(PATIENCE, notification.show_async()).await {
                Ok(Ok(handle)) => {
                    let id = handle.id();
                    let listening = tokio::spawn(listen(app.clone(), handle, alert)).abort_handle();
                    shown.insert(slot, Shown { id, listening });
                }
                Ok(Err(error)) => tracing::warn!("a notice could not be shown: {error}"),
                Err(_) => tracing::warn!("a notice could not be shown: the service does not answer"),
            }
            while shown.len() > LISTENED_MAX {
                if let Some((_, oldest)) = shown.pop_first() {
                    oldest.listening.abort();
                }
            }
        }
    });
    shows
}

/// Whether the service takes a body as it is, or reads marks in it.
async fn reads_plain_text() -> bool {
    let asked = tokio::task::spawn_blocking(notify_rust::get_capabilities).await;
    asked.ok().and_then(Result::ok).is_some_and(|all| !all.iter().any(|one| one == "body-markup"))
}

fn notification(alert: &Alert, replaces: Option<u32>, plain: bool) -> Notification {
    let body = if plain { alert.body.clone() } else { escaped(&alert.body) };
    let mut notification = Notification::new();
    notification.appname("ServersCTL").icon("serversctl").summary(&alert.title).body(&body);
    notification.hint(Hint::DesktopEntry("serversctl".to_owned()));
    notification.urgency(match alert.level {
        Level::Quiet => Urgency::Low,
        Level::Normal | Level::High => Urgency::Normal,
        Level::Urgent => Urgency::Critical,
    });
    notification.timeout(if alert.stays { Timeout::Never } else { Timeout::Default });
    // Sounds are off but for what is urgent.
    notification.hint(Hint::SuppressSound(alert.level < Level::Urgent));
    notification.action("default", "Open");
    for (number, button) in alert.buttons.iter().enumerate() {
        notification.action(&number.to_string(), &button.label);
    }
    if let Some(id) = replaces {
        notification.id(id);
    }
    notification.finalize()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

async fn listen(app: AppHandle, handle: NotificationHandle, alert: Alert) {
    let mut meant = None;
    handle
        .wait_for_action_async(|response: &NotificationResponse| {
            meant = match response {
                NotificationResponse::Default => Some(Act::Open { place: alert.place.clone() }),
                NotificationResponse::Action(key) => {
                    let number = key.parse::<usize>().ok();
                    number.and_then(|number| alert.buttons.get(number)).map(|button| button.act.clone())
                }
                NotificationResponse::Reply(_) | NotificationResponse::Closed(_) => None,
            };
        })
        .await;
    if let Some(meant) = meant {
        // Windows are opened on the thread that owns them.
        let on_main = app.clone();
        let _ = app.run_on_main_thread(move || app::act(&on_main, meant));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_in_a_name_are_no_marks() {
        assert_eq!(escaped("<b>a&b</b>"), "&lt;b&gt;a&amp;b&lt;/b&gt;");
    }
}
