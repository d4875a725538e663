//! Judges whether HAProxy is down for good: stopped, crash-looping or hung.
//!
//! A machine without IO. The shell hands in readings of the systemd unit and answers of its own probes, each with the
//! time; the machine answers with the judgement and with two times: when the unit must be read again, and when it
//! wants to be asked again in any case.
//!
//! The rules were measured on HAProxy 2.6 under systemd 252:
//!
//! | judgement | when |
//! |---|---|
//! | stopped | the unit, read again 500 ms after the signal, is `failed`, or `inactive` with no job queued; or it has been starting or stopping for 3 s. It stays so until the unit is active again |
//! | crash-loop | three automatic restarts in 60 s, or 5 s of any 30 s neither active nor reloading; it ends after 60 s without either |
//! | hung | active, but a probe of a listener that had answered before has failed for 3 s |
//!
//! Why the second reading: `failed` flashes on every automatic restart, and `inactive` for 11 ms on every `systemctl
//! restart`. Why a reload never counts: the old worker serves. Acting on the first signal was rejected for that, and
//! so was asking systemd each second, which sees none of the short states and costs more.
//!
//! A clean stop (`inactive`, nobody starts it) is judged by its own row and adds nothing to the 5 s of a crash loop:
//! whoever stops HAProxy for a minute and starts it again has no crash loop.
//!
//! No evidence, no judgement: without a reading everything is `none`, a lost bus freezes the clocks, and a stall of
//! our own process starts them again.

mod restless;
mod silence;
#[cfg(test)]
mod tests;

use model::haproxy::{Down, UnitState};
use model::time::{Span, Time};

use restless::{Cause, Restless};
use silence::Silence;

/// How long after a signal the unit is read again.
pub const READ_AGAIN_AFTER: Span = Span::from_ms(500);
/// How long a unit may be starting or stopping.
pub const TRANSITION_MAX: Span = Span::from_s(3);
/// How long a probe must have failed.
pub const SILENT_MAX: Span = Span::from_s(3);
/// Automatic restarts that make a crash loop.
pub const RESTARTS_MAX: usize = 3;
/// The time within which they do.
pub const RESTARTS_WINDOW: Span = Span::from_s(60);
/// Time away that makes a crash loop.
pub const AWAY_MAX: Span = Span::from_s(5);
/// The time within which it does.
pub const AWAY_WINDOW: Span = Span::from_s(30);
/// Quiet time that ends a crash loop.
pub const CALM: Span = Span::from_s(60);

// A unit that starts for 3 s is judged stopped before the time away could call it a loop.
const _: () = assert!(TRANSITION_MAX.as_ms() < AWAY_MAX.as_ms());
const _: () = assert!(READ_AGAIN_AFTER.as_ms() < TRANSITION_MAX.as_ms());
const _: () = assert!(AWAY_WINDOW.as_ms() <= CALM.as_ms() && RESTARTS_WINDOW.as_ms() <= CALM.as_ms());

/// Whether systemd has a job queued for the unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Job {
    /// None.
    #[default]
    None,
    /// One: somebody starts, stops or restarts it.
    Queued,
}

/// One reading of the unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UnitReading {
    /// Its state.
    pub state: UnitState,
    /// Whether a job is queued.
    pub job: Job,
    /// `NRestarts`: restarts that systemd made by itself since the last start by hand.
    pub restarts: u32,
}

/// What a probe of one listener got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// An answer.
    Answered,
    /// None, and why in words.
    Failed(String),
}

/// What the machine is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The unit was read: after a signal, or because the machine asked for it.
    Unit(UnitReading),
    /// systemd cannot be asked any more.
    UnitUnknown,
    /// A listener was probed. Only listeners that had answered before may be reported as failed.
    Probe {
        /// Its name for people, for example `*:80 (frontend web)`.
        listener: String,
        /// When the probe began.
        started: Time,
        /// What it got.
        answer: Answer,
    },
    /// The set of listeners changed: what is known of the old ones is void.
    ListenersChanged,
    /// Our own process stood still (suspend, stop, starvation): lengths measured across it are void.
    Stalled,
    /// Time went by.
    Tick,
}

/// What the machine thinks, and when it wants to hear again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// The judgement.
    pub down: Down,
    /// The judgement in words, empty when HAProxy is not down.
    pub reason: String,
    /// When the unit must be read again, signal or not.
    pub read_again_at: Option<Time>,
    /// When a [`Input::Tick`] is due at the latest.
    pub wake_at: Option<Time>,
}

/// The machine for one unit.
#[derive(Debug, Clone)]
pub struct Judge {
    unit_name: String,
    unit: Option<UnitReading>,
    restarts_seen: Option<u32>,
    was_loaded: bool,
    /// Since when the readings have been `failed`, `inactive` or gone.
    lifeless_since: Option<Time>,
    /// The state on the way up or down, and since when. A flash of `failed` in between does not end it.
    transition: Option<(UnitState, Time)>,
    stop: Option<Stop>,
    restless: Restless,
    silence: Silence,
    down: Down,
    reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    Lifeless(UnitState),
    Transition(UnitState),
}

impl Judge {
    /// A machine that knows nothing yet; the unit's name is for the reasons.
    #[must_use]
    pub fn new(unit_name: &str) -> Self {
        Self {
            unit_name: unit_name.to_owned(),
            unit: None,
            restarts_seen: None,
            was_loaded: false,
            lifeless_since: None,
            transition: None,
            stop: None,
            restless: Restless::default(),
            silence: Silence::default(),
            down: Down::None,
            reason: String::new(),
        }
    }

    /// Takes one input and answers with the judgement. Nothing else changes the machine.
    pub fn step(&mut self, now: Time, input: Input) -> Judgement {
        match input {
            Input::Unit(reading) => self.on_unit(now, reading),
            Input::UnitUnknown => self.on_unit_unknown(now),
            Input::Probe { listener, started, answer } => {
                let active = self.unit.is_some_and(|unit| unit.state == UnitState::Active);
                self.silence.on_probe(now, listener, started, answer, active);
            }
            Input::ListenersChanged => self.silence.clear(),
            Input::Stalled => self.on_stalled(now),
            Input::Tick => {}
        }
        self.judge(now)
    }

    /// The newest reading of the unit, `None` when systemd cannot be asked.
    #[must_use]
    pub fn unit(&self) -> Option<UnitReading> {
        self.unit
    }

    fn on_unit(&mut self, now: Time, reading: UnitReading) {
        if let Some(seen) = self.restarts_seen {
            // A start by hand sets the counter back, so less than before is no restart.
            self.restless.on_restarts(now, reading.restarts.saturating_sub(seen));
        }
        self.restarts_seen = Some(reading.restarts);
        let before = self.unit.replace(reading);
        self.was_loaded |= reading.state != UnitState::NotFound;
        if !self.was_loaded {
            return;
        }
        match reading.state {
            UnitState::Active | UnitState::Reloading | UnitState::Other => {
                self.lifeless_since = None;
                self.transition = None;
                self.stop = None;
                self.restless.on_present(now);
                if before.is_none_or(|before| !serves(before.state)) {
                    self.silence.on_started(now);
                }
            }
            UnitState::Activating | UnitState::Deactivating => {
                self.lifeless_since = None;
                self.restless.on_away(now);
                if self.transition.is_none_or(|(state, _)| state != reading.state) {
                    self.transition = Some((reading.state, now));
                }
            }
            UnitState::Inactive | UnitState::Failed | UnitState::NotFound => {
                self.restless.on_away(now);
                self.on_lifeless(now, reading);
            }
        }
    }

    fn on_lifeless(&mut self, now: Time, reading: UnitReading) {
        let since = *self.lifeless_since.get_or_insert(now);
        if now - since < READ_AGAIN_AFTER {
            return;
        }
        let for_good = reading.state != UnitState::Inactive || reading.job == Job::None;
        if for_good {
            self.transition = None;
            self.stop = Some(Stop::Lifeless(reading.state));
            if reading.state == UnitState::Inactive {
                self.restless.on_clean_stop();
            }
        }
    }

    fn on_unit_unknown(&mut self, now: Time) {
        self.unit = None;
        self.lifeless_since = None;
        self.transition = None;
        self.restless.on_present(now);
    }

    fn on_stalled(&mut self, now: Time) {
        self.lifeless_since = self.lifeless_since.map(|_| now);
        self.transition = self.transition.map(|(state, _)| (state, now));
        self.restless.on_stalled(now);
        self.silence.clear();
    }

    fn judge(&mut self, now: Time) -> Judgement {
        if self.stop.is_none()
            && let Some((state, since)) = self.transition
            && now - since >= TRANSITION_MAX
        {
            self.stop = Some(Stop::Transition(state));
        }
        let looping = self.restless.judge(now);
        let silent =
            if self.unit.is_some_and(|unit| serves(unit.state)) { self.silence.judge() } else { None };
        let (down, reason) = match (self.stop, looping, silent) {
            (Some(Stop::Lifeless(state)), _, _) => (Down::Stopped, self.lifeless_words(state)),
            // One slow start or stop is what it is, however long; it makes a loop only together with others.
            (Some(Stop::Transition(state)), None | Some((Cause::TimeAway, _)), _) => {
                (Down::Stopped, self.transition_words(state))
            }
            (_, Some((_, words)), _) => (Down::CrashLoop, format!("{} {words}", self.unit_name)),
            (None, None, Some(words)) => (Down::Hung, format!("{} is active, but {words}", self.unit_name)),
            (None, None, None) => (Down::None, String::new()),
        };
        // The words stay as they were said first: a reason that counts seconds would be news each second.
        if down != self.down {
            self.down = down;
            self.reason = reason;
        }
        Judgement {
            down,
            reason: self.reason.clone(),
            read_again_at: self.read_again_at(now),
            wake_at: self.wake_at(now),
        }
    }

    fn read_again_at(&self, now: Time) -> Option<Time> {
        if matches!(self.stop, Some(Stop::Lifeless(_))) {
            return None;
        }
        let first = self.lifeless_since? + READ_AGAIN_AFTER;
        // Later than the first time only for `inactive` with a job; its end is signalled, this is the net below.
        Some(if first > now { first } else { now + READ_AGAIN_AFTER })
    }

    fn wake_at(&self, now: Time) -> Option<Time> {
        let transition = self.transition.map(|(_, since)| since + TRANSITION_MAX).filter(|at| *at > now);
        [transition, self.restless.wake_at(now)].into_iter().flatten().min()
    }

    fn lifeless_words(&self, state: UnitState) -> String {
        let unit = &self.unit_name;
        if state == UnitState::Failed {
            format!("{unit} is failed")
        } else if state == UnitState::NotFound {
            format!("{unit} is gone from this host")
        } else {
            format!("{unit} is inactive and no job is queued to start it")
        }
    }

    fn transition_words(&self, state: UnitState) -> String {
        let way = if state == UnitState::Deactivating { "stopping" } else { "starting" };
        format!("{} has been {way} for more than {TRANSITION_MAX}", self.unit_name)
    }
}

/// Whether HAProxy serves in this state. A word that we do not know proves nothing against it.
fn serves(state: UnitState) -> bool {
    matches!(state, UnitState::Active | UnitState::Reloading | UnitState::Other)
}
