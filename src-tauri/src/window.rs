//! The one window: made early, painted in its own colour, hidden instead of closed.

use std::sync::Mutex;
use std::sync::PoisonError;

use api::glance::Place;
use tauri::webview::PageLoadEvent;
use tauri::window::Color;
use tauri::{AppHandle, Emitter as _, Manager as _, WebviewUrl, WebviewWindow, WebviewWindowBuilder};

use crate::app::Facts;
use crate::border::Streams;
use crate::demo::Demo;
use crate::preferences::{Preferring, Theme};
use crate::surroundings;

pub(crate) const LABEL: &str = "main";
/// The page's ground in both themes (`--app` of its tokens), so that nothing flashes before the first paint.
const LIGHT: Color = Color(0xF5, 0xF6, 0xF8, 0xFF);
const DARK: Color = Color(0x0B, 0x0D, 0x10, 0xFF);

/// What waits for the page to listen.
#[derive(Default)]
pub(crate) struct Waiting(Mutex<Page>);

#[derive(Default)]
struct Page {
    listens: bool,
    place: Option<Place>,
}

/// Makes the window; hidden when it was started for the tray.
pub(crate) fn make(app: &AppHandle, hidden: bool) -> tauri::Result<WebviewWindow> {
    let theme = theme(app);
    let is_demo = app.state::<Demo>().is_one();
    let window = WebviewWindowBuilder::new(app, LABEL, WebviewUrl::default())
        .title(if is_demo { "ServersCTL demo" } else { "ServersCTL" })
        .inner_size(1440.0, 900.0)
        .min_inner_size(960.0, 640.0)
        .decorations(false)
        .visible(false)
        .theme(theme)
        .background_color(ground(theme))
        // A demo's page keeps nothing either. A page without a memory cannot be driven from outside.
        .incognito(is_demo && !surroundings::is_driven())
        .on_navigation(is_own)
        // A file of a name that is taken gets another one; without a word here it would not be written at all.
        .on_download(|_, _| true)
        .on_page_load(|window, load| {
            if load.event() == PageLoadEvent::Started {
                window.state::<Streams>().end_all();
                let waiting = window.state::<Waiting>();
                waiting.0.lock().unwrap_or_else(PoisonError::into_inner).listens = false;
            }
        })
        .build()?;
    if theme.is_none() {
        window.set_background_color(Some(ground(window.theme().ok())))?;
    }
    if !hidden {
        show(app);
    }
    Ok(window)
}

/// The page stays the page: nothing it shows can lead the window elsewhere.
fn is_own(url: &tauri::Url) -> bool {
    // What the page saves is a blob of its own.
    let is_blob = url.scheme() == "blob" && url.path().starts_with("tauri://localhost/");
    let is_local = is_blob || url.scheme() == "tauri" || matches!(url.host_str(), Some("tauri.localhost"));
    let is_development = cfg!(not(feature = "custom-protocol")) && url.host_str() == Some("127.0.0.1");
    is_local || is_development
}

fn theme(app: &AppHandle) -> Option<tauri::Theme> {
    match app.state::<Preferring>().get().theme {
        Theme::System => None,
        Theme::Light => Some(tauri::Theme::Light),
        Theme::Dark => Some(tauri::Theme::Dark),
    }
}

fn ground(theme: Option<tauri::Theme>) -> Color {
    if theme == Some(tauri::Theme::Dark) { DARK } else { LIGHT }
}

/// Shows the window in the theme that is preferred now.
pub(crate) fn apply_theme(app: &AppHandle) {
    let Some(window) = app.get_webview_window(LABEL) else { return };
    let _ = window.set_theme(theme(app));
    let _ = window.set_background_color(Some(ground(window.theme().ok())));
}

/// Brings the window to the front.
pub(crate) fn show(app: &AppHandle) {
    let Some(window) = app.get_webview_window(LABEL) else { return };
    let _ = window.show();
    let _ = window.unminimize();
    let _ = window.set_focus();
}

/// Hides to the tray; without one the window stays in the list of windows.
pub(crate) fn hide(app: &AppHandle) {
    let Some(window) = app.get_webview_window(LABEL) else { return };
    let _ = if app.state::<Facts>().has_tray() { window.hide() } else { window.minimize() };
}

/// Without a tray a hidden window could not be found again: it stands in the list of windows.
pub(crate) fn keep(app: &AppHandle) {
    if let Some(window) = app.get_webview_window(LABEL).filter(|own| !own.is_visible().unwrap_or(true)) {
        let _ = window.minimize().and_then(|()| window.show());
    }
}

/// Hides the window that is seen, shows the one that is not.
pub(crate) fn toggle(app: &AppHandle) {
    let Some(window) = app.get_webview_window(LABEL) else { return };
    let is_seen = window.is_visible().unwrap_or(false) && window.is_focused().unwrap_or(false);
    if is_seen { hide(app) } else { show(app) }
}

/// Shows the window at a place.
pub(crate) fn open(app: &AppHandle, place: &Place) {
    show(app);
    if place.is_here() {
        return;
    }
    let waiting = app.state::<Waiting>();
    let mut page = waiting.0.lock().unwrap_or_else(PoisonError::into_inner);
    if page.listens {
        let _ = app.emit("open", place.to_string());
    } else {
        page.place = Some(place.clone());
    }
}

/// The page listens; it gets what waited for it.
pub(crate) fn page_is_ready(app: &AppHandle) {
    let waiting = app.state::<Waiting>();
    let place = {
        let mut page = waiting.0.lock().unwrap_or_else(PoisonError::into_inner);
        page.listens = true;
        page.place.take()
    };
    if let Some(place) = place {
        let _ = app.emit("open", place.to_string());
    }
}

/// Whether the page can be asked something.
pub(crate) fn page_listens(app: &AppHandle) -> bool {
    app.state::<Waiting>().0.lock().unwrap_or_else(PoisonError::into_inner).listens
}

/// Lets the page ask whether to quit.
pub(crate) fn ask_to_quit(app: &AppHandle, question: &str) {
    show(app);
    let _ = app.emit("quit-asked", question);
}

/// Takes the window away before the end, which may take a moment.
pub(crate) fn vanish(app: &AppHandle) {
    let _ = app.get_webview_window(LABEL).map(|window| window.hide());
}
