//! Putting it together: plugins, states, the start and the end.

use std::error::Error;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use api::glance::{Act, Place};
use demo_fleet::Ground;
use serde_json::Value;
use tauri::{AppHandle, Manager as _, RunEvent, WindowEvent};
use tauri_plugin_window_state::StateFlags;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::border::{self, Streams};
use crate::demo::{self, Demo};
use crate::glimpse::{self, Order};
use crate::preferences::{Keeping, Preferring};
use crate::seat::{self, Seat, Seats};
use crate::tray::{self, Acts, Tray};
use crate::window::{self, Waiting};
use crate::{Arguments, notices, surroundings, updates};

/// How long leaving the profile may take, all together.
const LEAVING: Duration = Duration::from_secs(15);
/// Orders that may wait; they come from clicks.
const ORDERS: usize = 32;

/// What parts of the shell tell each other.
#[derive(Default)]
pub(crate) struct Facts(Mutex<Known>);

#[derive(Default)]
struct Known {
    tray: bool,
    update: Option<String>,
    quit_question: Option<String>,
    leave: Option<(oneshot::Sender<()>, oneshot::Receiver<()>)>,
    is_over: bool,
}

impl Facts {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn has_tray(&self) -> bool {
        self.lock().tray
    }

    pub(crate) fn set_tray(&self, there: bool) {
        self.lock().tray = there;
    }

    pub(crate) fn update(&self) -> Option<String> {
        self.lock().update.clone()
    }

    pub(crate) fn set_update(&self, version: Option<String>) {
        self.lock().update = version;
    }

    /// What quitting would end, as a question.
    pub(crate) fn set_quit_question(&self, question: Option<String>) {
        self.lock().quit_question = question;
    }
}

/// Runs until the program is told to end; with a ground it shows a demo.
pub(crate) fn run(arguments: Arguments, ground: Option<Ground>) -> Result<(), Box<dyn Error>> {
    // The engine's threads; the page's thread is another one and waits for nothing.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("engine")
        .enable_all()
        .build()?;
    tauri::async_runtime::set(runtime.handle().clone());
    let mut builder = tauri::Builder::default()
        // First, so that a second start does nothing else.
        .plugin(tauri_plugin_single_instance::init(|app, argv, _| second_start(app, &argv)));
    let mut context = tauri::generate_context!();
    if ground.is_some() {
        demo::IDENTIFIER.clone_into(&mut context.config_mut().identifier);
    } else {
        let kept = StateFlags::SIZE | StateFlags::POSITION | StateFlags::MAXIMIZED;
        builder = builder.plugin(tauri_plugin_window_state::Builder::new().with_state_flags(kept).build());
    }
    if updates::are_on() && ground.is_none() {
        builder = builder.plugin(tauri_plugin_updater::Builder::new().build());
    }
    let handle = runtime.handle().clone();
    let app = builder
        .manage(Streams::default())
        .manage(Waiting::default())
        .manage(Facts::default())
        .manage(Acts::default())
        .manage(Demo::default())
        .manage(Preferring::read(if ground.is_some() { Keeping::Nothing } else { Keeping::File }))
        .invoke_handler(tauri::generate_handler![
            border::rpc,
            border::subscribe,
            border::unsubscribe,
            border::shell_state,
            border::shell_prefer,
            border::shell_ready,
            border::shell_painted,
            border::shell_quit,
            border::shell_update,
            border::shell_demo_begin,
            border::shell_demo_act,
        ])
        .on_menu_event(|app, event| {
            if let Some(meant) = app.state::<Acts>().meant(event.id().as_ref()) {
                act(app, meant);
            }
        })
        .on_window_event(|window, event| {
            if let WindowEvent::CloseRequested { api, .. } = event {
                api.prevent_close();
                close(window.app_handle());
            }
        })
        .setup(move |app| {
            let _entered = handle.enter();
            start(app.handle(), arguments, ground)
        })
        .build(context)?;
    app.run(|app, event| {
        if let RunEvent::ExitRequested { api, .. } = event
            && !app.state::<Facts>().lock().is_over
        {
            api.prevent_exit();
        }
    });
    // A thread that still waits for the outside (a keychain, a bus) does not keep the program from ending.
    runtime.shutdown_timeout(Duration::from_millis(200));
    Ok(())
}

fn start(app: &AppHandle, arguments: Arguments, ground: Option<Ground>) -> Result<(), Box<dyn Error>> {
    let demo = ground.map(|ground| demo::take().map(|home| (home, ground))).transpose()?;
    let profile = match &demo {
        Some((home, _)) => home.profile(),
        None => surroundings::profile(arguments.profile)?,
    };
    let (leave, told) = oneshot::channel();
    let (left, ended) = oneshot::channel();
    app.state::<Facts>().lock().leave = Some((leave, ended));
    let seats = seat::start(profile, told, left);
    app.manage(seats.clone());
    let is_demo = demo.is_some();
    if let Some((home, ground)) = demo {
        demo::start(app, home, ground);
    }
    window::make(app, arguments.hidden)?;
    if let Some(link) = &arguments.link {
        follow(app, link);
    }
    let (orders, inbox) = mpsc::channel(ORDERS);
    app.manage(orders);
    let (drawn, shown) = if is_demo {
        (Tray::nowhere(), mpsc::channel(1).0)
    } else {
        (tray::start(app)?, notices::start(app))
    };
    tokio::spawn(glimpse::run(app.clone(), seats, inbox, drawn, shown));
    tokio::spawn(end_on_signal(app.clone()));
    if updates::are_on() && !is_demo {
        tokio::spawn(updates::watch(app.clone()));
    }
    Ok(())
}

/// A second start only brings the first one to the front, at the place that it was given.
fn second_start(app: &AppHandle, argv: &[String]) {
    window::show(app);
    if let Some(link) = argv.iter().skip(1).find(|argument| argument.starts_with("serversctl:")) {
        follow(app, link);
    }
}

fn follow(app: &AppHandle, link: &str) {
    match Place::from_link(link) {
        Ok(place) => window::open(app, &place),
        Err(error) => tracing::warn!("a link was not followed: {error}"),
    }
}

/// Does what a row of the tray or a button of a notice means.
pub(crate) fn act(app: &AppHandle, meant: Act) {
    match meant {
        Act::Open { place } => window::open(app, &place),
        Act::Copy { text } => copy(app, text),
        Act::Call { command, payload } => {
            let app = app.clone();
            tauri::async_runtime::spawn(async move { call(&app, &command, payload).await });
        }
        Act::Mute { about, span } => order(app, Order::Mute { about, span }),
        Act::Unmute => order(app, Order::Unmute),
        Act::Dismiss => {}
        Act::Quit => ask_to_quit(app),
    }
}

/// Calls a command for the tray; what goes wrong stands in the log.
pub(crate) async fn call(app: &AppHandle, command: &str, payload: Value) {
    let called = match app.state::<Seats>().inner().clone().client().await {
        Ok(client) => client.call_raw(command, payload, |_| {}).await,
        Err(error) => Err(error),
    };
    if let Err(error) = called {
        tracing::warn!("{command} from the tray: {error}");
    }
}

fn copy(app: &AppHandle, text: String) {
    // The clipboard belongs to the thread of the windows.
    let _ = app.run_on_main_thread(move || {
        gtk::Clipboard::get(&gtk::gdk::SELECTION_CLIPBOARD).set_text(&text);
    });
}

pub(crate) fn order(app: &AppHandle, order: Order) {
    if app.state::<mpsc::Sender<Order>>().try_send(order).is_err() {
        tracing::warn!("too many orders at once; one is dropped");
    }
}

/// Closing hides, but a demo ends: there is nothing in it that goes on.
fn close(app: &AppHandle) {
    if app.state::<Demo>().is_one() { quit(app) } else { window::hide(app) }
}

/// Quitting a host that watches asks first; the page asks, since it is the one with words and keys. Without a page that
/// could ask, what was clicked counts.
fn ask_to_quit(app: &AppHandle) {
    let question = app.state::<Facts>().lock().quit_question.clone();
    let is_host = app.state::<Seats>().seat() == Seat::Hosting;
    match question.filter(|_| is_host && window::page_listens(app)) {
        Some(question) => window::ask_to_quit(app, &question),
        None => quit(app),
    }
}

/// Ends in order: calls under way may end, the profile is freed, then the program ends.
pub(crate) fn quit(app: &AppHandle) {
    let Some((leave, left)) = app.state::<Facts>().lock().leave.take() else { return };
    let app = app.clone();
    window::vanish(&app);
    tauri::async_runtime::spawn(async move {
        drop(leave);
        if timeout(LEAVING, left).await.is_err() {
            tracing::warn!("leaving the profile took too long");
        }
        demo::end(&app).await;
        app.state::<Facts>().lock().is_over = true;
        app.exit(0);
    });
}

async fn end_on_signal(app: AppHandle) {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    quit(&app);
}
