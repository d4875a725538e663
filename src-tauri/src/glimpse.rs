//! The shell's own eye on the host: keeps the picture, draws the tray, tells people.

use std::time::Duration;

use api::glance::{Alert, Desk, Hosting, Mute, Picture, Show};
use api::{Event, Subscribe};
use client::{Client, Events};
use serde_json::{Value, json};
use tauri::{AppHandle, Emitter as _, Manager as _};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::app::{self, Facts};
use crate::border::ShellState;
use crate::seat::{Seat, Seats};
use crate::surroundings::now;
use crate::tray::Tray;

/// How often what changes without an event is asked for.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How long one look may take.
const PATIENCE: Duration = Duration::from_secs(4);
/// Nothing waits to be told: the next wake is far away.
const LONG: Duration = Duration::from_hours(1);

/// What clicks ask of it.
#[derive(Clone, Debug)]
pub(crate) enum Order {
    Mute { about: Option<String>, span: Mute },
    Unmute,
    Tell(Box<Alert>),
}

struct Glimpse {
    app: AppHandle,
    picture: Picture,
    desk: Desk,
    client: Option<Client>,
    events: Option<Events>,
    tray: Tray,
    shown: mpsc::Sender<Show>,
}

/// Runs as long as the program.
pub(crate) async fn run(
    app: AppHandle,
    mut seats: Seats,
    mut orders: mpsc::Receiver<Order>,
    tray: Tray,
    shown: mpsc::Sender<Show>,
) {
    let (picture, desk) = (Picture::default(), Desk::default());
    let mut own = Glimpse { app, picture, desk, client: None, events: None, tray, shown };
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    own.seat(&seats).await;
    loop {
        own.tell();
        own.draw();
        let wake =
            own.desk.next_due().map_or(LONG, |due| Duration::from_millis(due.saturating_sub(now().unix_ms)));
        tokio::select! {
            there = seats.changed() => {
                if !there {
                    return;
                }
                own.seat(&seats).await;
            }
            event = next(&mut own.events) => own.hear(event).await,
            _ = ticks.tick() => {
                own.look().await;
                own.listen().await;
            }
            Some(order) = orders.recv() => own.obey(order).await,
            () = sleep(wake) => {}
        }
    }
}

/// The next event; for ever without a host.
async fn next(events: &mut Option<Events>) -> Option<Event> {
    match events {
        Some(events) => events.next().await,
        None => std::future::pending().await,
    }
}

impl Glimpse {
    /// Somebody else hosts, or nobody.
    async fn seat(&mut self, seats: &Seats) {
        (self.client, self.events) = (seats.present(), None);
        let hosting = match (seats.seat(), &self.client) {
            (Seat::Absent { why }, _) => Hosting::Absent { why },
            (_, Some(_)) => Hosting::Present,
            (_, None) => Hosting::Opening,
        };
        // Nothing that another host said counts any more.
        self.picture.set_hosting(Hosting::Opening);
        self.picture.set_hosting(hosting);
        ShellState::tell(&self.app);
        self.look().await;
        self.listen().await;
    }

    /// Opens the stream of events, unless it is open: without one nobody would be told anything.
    async fn listen(&mut self) {
        let Some(client) = self.client.as_ref().filter(|_| self.events.is_none()) else { return };
        let everything = Subscribe { topics: Vec::new(), since_revision: self.picture.revision() };
        match client.subscribe(everything).await {
            Ok(events) => self.events = Some(events),
            Err(error) => tracing::warn!("the host gives no events: {error}"),
        }
    }

    async fn hear(&mut self, event: Option<Event>) {
        let Some(event) = event else {
            self.events = None;
            return;
        };
        if let Some((ask, payload)) = Picture::asks_first(&event) {
            self.ask(ask, payload).await;
        }
        let heard = self.picture.hear(&event, now().unix_ms);
        self.take(heard.alerts);
        if heard.is_stale {
            self.look().await;
        }
    }

    async fn look(&mut self) {
        for ask in Picture::ASKS {
            // Without a profile most questions have no answer yet.
            if !self.ask(ask, json!({})).await {
                return;
            }
        }
    }

    /// Says whether there was an answer.
    async fn ask(&mut self, ask: &str, payload: Value) -> bool {
        let Some(client) = self.client.clone() else { return false };
        let Ok(Ok(answer)) = timeout(PATIENCE, client.call_raw(ask, payload, |_| {})).await else {
            return false;
        };
        match self.picture.answered(ask, answer, now().unix_ms) {
            Ok(alerts) => self.take(alerts),
            Err(error) => tracing::warn!("the answer to {ask} cannot be read: {error}"),
        }
        true
    }

    fn take(&mut self, alerts: Vec<Alert>) {
        for alert in alerts {
            // The page shows the same words under its bell.
            let _ = self.app.emit("alert", &alert);
            self.desk.hear(alert, now());
        }
    }

    async fn obey(&mut self, order: Order) {
        match order {
            Order::Mute { about: Some(about), span } => self.desk.mute(about, span, now()),
            Order::Mute { about: None, span } => self.mute_everything(span).await,
            Order::Unmute => {
                self.desk.unmute();
                self.mute_everything(Mute::For { ms: 0 }).await;
            }
            Order::Tell(alert) => self.take(vec![*alert]),
        }
    }

    async fn mute_everything(&mut self, span: Mute) {
        let (command, payload) = span.everything(now());
        app::call(&self.app, command, payload).await;
        self.look().await;
    }

    fn tell(&mut self) {
        self.desk.set(self.picture.settings());
        for show in self.desk.due(now()) {
            // Closed where nothing is shown on the desktop.
            if !self.shown.is_closed() && self.shown.try_send(show).is_err() {
                tracing::warn!("the notification service does not take what it is told");
            }
        }
    }

    fn draw(&self) {
        self.app.state::<Facts>().set_quit_question(self.picture.quit_question());
        self.tray.draw(self.picture.tray(now()));
    }
}
