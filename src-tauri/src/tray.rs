//! The tray, on a thread of its own: `TrayIcon` may not change threads, and a slow host of trays must not hold the page.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::{io, thread};

use api::glance::{Act, Picture, Row, TrayShape, TrayView};
use futures_util::StreamExt as _;
use tauri::{AppHandle, Manager as _};
use tray_icon::menu::{IsMenuItem, Menu, MenuItem, PredefinedMenuItem, Submenu};
use tray_icon::{Icon, MouseButton, MouseButtonState, TrayIcon, TrayIconBuilder, TrayIconEvent};
use zbus::fdo::DBusProxy;

use crate::app::{self, Facts};
use crate::border::ShellState;
use crate::glimpse::Order;
use crate::preferences::Preferring;
use crate::surroundings::now;
use crate::{icons, window};

/// The bus name of whoever shows trays.
const WATCHER: &str = "org.kde.StatusNotifierWatcher";
/// Menus whose clicks still count: one may be open while the next is made.
const MENUS_KEPT: usize = 3;

/// What the rows of the newest menus mean.
#[derive(Default)]
pub(crate) struct Acts(Mutex<VecDeque<(u64, Vec<Act>)>>);

impl Acts {
    /// What a clicked row means.
    pub(crate) fn meant(&self, id: &str) -> Option<Act> {
        let (menu, row) = id.split_once('/')?;
        let (menu, row): (u64, usize) = (menu.parse().ok()?, row.parse().ok()?);
        let menus = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        menus.iter().find(|(number, _)| *number == menu).and_then(|(_, acts)| acts.get(row).cloned())
    }

    fn keep(&self, menu: u64, acts: Vec<Act>) {
        let mut menus = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        menus.push_back((menu, acts));
        while menus.len() > MENUS_KEPT {
            menus.pop_front();
        }
    }
}

/// The tray's thread.
pub(crate) struct Tray {
    orders: Sender<Ask>,
}

enum Ask {
    Draw(TrayView),
    /// Somebody who shows trays has come, or gone.
    Watcher(bool),
}

impl Tray {
    /// One that nobody sees.
    pub(crate) fn nowhere() -> Self {
        Self { orders: channel().0 }
    }

    /// Draws it so from now on.
    pub(crate) fn draw(&self, view: TrayView) {
        // The thread ends with the program.
        let _ = self.orders.send(Ask::Draw(view));
    }
}

/// Starts the thread, and the look for somebody who shows trays.
pub(crate) fn start(app: &AppHandle) -> io::Result<Tray> {
    let (orders, queue) = channel();
    let on_click = app.clone();
    TrayIconEvent::set_event_handler(Some(move |event| {
        if let TrayIconEvent::Click {
            button: MouseButton::Left, button_state: MouseButtonState::Up, ..
        } = event
        {
            let app = on_click.clone();
            let _ = on_click.run_on_main_thread(move || window::toggle(&app));
        }
    }));
    let own = app.clone();
    thread::Builder::new()
        .name("tray".to_owned())
        .spawn(move || Drawn { app: own, icon: None, view: None, menus: 0 }.run(&queue))?;
    let again = orders.clone();
    tokio::spawn(async move {
        if let Err(error) = watch_for_watcher(&again).await {
            tracing::info!("no session bus to find a tray on: {error}");
        }
    });
    Ok(Tray { orders })
}

async fn watch_for_watcher(again: &Sender<Ask>) -> zbus::Result<()> {
    let connection = zbus::Connection::session().await?;
    let bus = DBusProxy::new(&connection).await?;
    let mut changes = bus.receive_name_owner_changed_with_args(&[(0, WATCHER)]).await?;
    while let Some(change) = changes.next().await {
        if again.send(Ask::Watcher(change.args()?.new_owner().is_some())).is_err() {
            break;
        }
    }
    Ok(())
}

struct Drawn {
    app: AppHandle,
    icon: Option<TrayIcon>,
    view: Option<TrayView>,
    menus: u64,
}

impl Drawn {
    fn run(mut self, queue: &Receiver<Ask>) {
        while let Ok(ask) = queue.recv() {
            let view = match ask {
                Ask::Draw(view) => Some(view),
                Ask::Watcher(true) => self.view.take_if(|_| self.icon.is_none()),
                Ask::Watcher(false) => {
                    if self.icon.take().is_some() {
                        self.found(false);
                    }
                    None
                }
            };
            let Some(view) = view else { continue };
            let is_first = self.view.is_none();
            if self.view.as_ref() == Some(&view) {
                continue;
            }
            match &self.icon {
                Some(icon) => self.change(icon, &view),
                // Without somebody who shows trays only the first view and a newcomer are worth a try.
                None if is_first => self.build(&view),
                None => {}
            }
            self.menus += 1;
            self.view = Some(view);
        }
    }

    fn build(&mut self, view: &TrayView) {
        let built = TrayIconBuilder::new()
            .with_id("serversctl")
            .with_title("ServersCTL")
            .with_tooltip(&view.tooltip)
            .with_icon(self.image(view.shape))
            .with_menu(Box::new(self.menu(&view.rows)))
            .build();
        match built {
            Ok(icon) => {
                self.icon = Some(icon);
                self.found(true);
            }
            Err(error) => {
                tracing::info!("there is no tray: {error}");
                self.found(false);
            }
        }
    }

    fn found(&self, there: bool) {
        self.app.state::<Facts>().set_tray(there);
        ShellState::tell(&self.app);
        if !there {
            let app = self.app.clone();
            let _ = self.app.run_on_main_thread(move || window::keep(&app));
        }
        let preferring = self.app.state::<Preferring>();
        let mut preferences = preferring.get();
        if !there && !preferences.told_no_tray {
            preferences.told_no_tray = true;
            app::order(&self.app, Order::Tell(Box::new(Picture::no_tray(now().unix_ms))));
            if let Err(error) = preferring.set(preferences) {
                tracing::warn!("{error}");
            }
        }
    }

    fn change(&self, icon: &TrayIcon, view: &TrayView) {
        let before = self.view.as_ref();
        if before.is_none_or(|before| before.shape != view.shape) {
            drop(icon.set_icon(Some(self.image(view.shape))));
        }
        if before.is_none_or(|before| before.tooltip != view.tooltip) {
            drop(icon.set_tooltip(Some(&view.tooltip)));
        }
        if before.is_none_or(|before| before.rows != view.rows) {
            icon.set_menu(Some(Box::new(self.menu(&view.rows))));
        }
    }

    fn image(&self, shape: TrayShape) -> Icon {
        let panel = self.app.get_webview_window(window::LABEL).and_then(|own| own.theme().ok());
        let picture = icons::tray(shape, panel != Some(tauri::Theme::Light));
        let (width, height) = (picture.width(), picture.height());
        Icon::from_rgba(picture.rgba().to_vec(), width, height)
            .expect("a picture has four bytes for each of its pixels")
    }

    fn menu(&self, rows: &[Row]) -> Menu {
        let (menu, mut acts) = (Menu::new(), Vec::new());
        for item in items(self.menus, rows, &mut acts) {
            drop(menu.append(&*item));
        }
        self.app.state::<Acts>().keep(self.menus, acts);
        menu
    }
}

fn items(menu: u64, rows: &[Row], acts: &mut Vec<Act>) -> Vec<Box<dyn IsMenuItem>> {
    rows.iter()
        .map(|row| -> Box<dyn IsMenuItem> {
            match row {
                Row::Separator => Box::new(PredefinedMenuItem::separator()),
                Row::Words(text) => Box::new(MenuItem::new(label(text), false, None)),
                Row::Item { text, act } => {
                    acts.push(act.clone());
                    Box::new(MenuItem::with_id(format!("{menu}/{}", acts.len() - 1), label(text), true, None))
                }
                Row::Menu { text, rows } => {
                    let below = Submenu::new(label(text), true);
                    for item in items(menu, rows, acts) {
                        drop(below.append(&*item));
                    }
                    Box::new(below)
                }
            }
        })
        .collect()
}

/// A single `&` would mark a letter.
fn label(text: &str) -> String {
    text.replace('&', "&&")
}
