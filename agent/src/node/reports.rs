//! When each console gets its reports: with the heartbeat, in a rhythm of its own, and at once when something matters.

use model::{Span, Time};

use super::Node;
use super::sessions::Session;
use crate::session::{SessionId, Who};

/// Consoles that want reports about once a second get them with the heartbeat, so that both cost one waking.
const WITH_BEAT: Span = Span::from_ms(750);
/// A report that is due within this is sent along with what is sent now.
const ALONG: Span = Span::from_ms(60);

/// When a console gets its reports.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reports {
    /// Never: a peer.
    None,
    /// With each heartbeat.
    WithBeat,
    /// In its own rhythm.
    Every { every: Span, due: Time },
}

impl Session {
    pub(super) fn report_due(&self) -> Option<Time> {
        match self.reports {
            Reports::Every { due, .. } => Some(due),
            Reports::None | Reports::WithBeat => None,
        }
    }
}

impl Node {
    pub(super) fn set_rhythm(&mut self, id: SessionId, every: Span, now: Time) {
        if let Some(session) = self.sessions.get_mut(&id) {
            let with_beat = every >= WITH_BEAT && every.as_ms() <= 1500;
            session.reports =
                if with_beat { Reports::WithBeat } else { Reports::Every { every, due: now + every } };
        }
    }

    /// Reports to every console now.
    pub(super) fn report_at_once(&mut self, now: Time) {
        for id in self.ids_of(|who| matches!(who, Who::Console(_))) {
            self.report_to(id, now);
        }
    }

    /// Reports to those who get it with the heartbeat.
    pub(super) fn report_with_beat(&mut self, now: Time) {
        self.report_to_those(now, |session| matches!(session.reports, Reports::WithBeat));
    }

    /// Reports to those who are due.
    pub(super) fn send_reports(&mut self, now: Time) {
        self.report_to_those(now, |session| session.report_due().is_some_and(|due| due <= now + ALONG));
    }

    fn report_to_those(&mut self, now: Time, chosen: impl Fn(&Session) -> bool) {
        let due: Vec<_> =
            self.sessions.iter().filter(|(_, session)| chosen(session)).map(|(id, _)| *id).collect();
        for id in due {
            self.report_to(id, now);
        }
    }

    pub(super) fn report_to(&mut self, id: SessionId, now: Time) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Who::Console(console) = session.who else { return };
        if let Reports::Every { every, due } = &mut session.reports {
            *due = now + *every;
        }
        let frame = self.parts.core.dispatch(console, now).into_frame();
        self.send(id, frame);
    }
}
