//! Members whose address may change by itself: dynamic DNS (safety.md 4.4).
//!
//! Two sides of one thing. A member that got another address calls every peer anew, before anybody takes it for lost. And
//! a relay that let a member in for heartbeats alone judges that link again, as documents and switches change.

use model::{Span, Time};
use protocol::Frame;
use protocol::check::{self, Refusal, Status, Taken};
use protocol::docs::Roster;
use protocol::relay::serve;

use super::Node;
use super::sessions::Session;
use crate::sense::host;
use crate::session::{DialledBy, Who};

/// A peer link of a member whose address may change is given up after this silence: three heartbeats and a busy moment.
/// The new one must stand before anybody takes the member for lost.
const ROAMER_SILENT: Span = Span::from_s(4);

impl Node {
    /// Judges open links by what is kept now: some end, and one that gave heartbeats alone may give everything.
    pub(super) fn judge_again(&mut self, roster: &Roster, chosen: impl Fn(&Session) -> bool) {
        let now = self.now();
        let core = &self.parts.core;
        let (mut refused, mut widened) = (Vec::new(), Vec::new());
        for (id, session) in self.sessions.iter_mut().filter(|(_, session)| chosen(session)) {
            let allowed = match (session.who, session.dialled_by) {
                (Who::Console(_), _) => match roster.console_by_key(&session.key) {
                    Some(_) => Ok(Taken::All),
                    None => Err(Refusal::new(Status::Unknown, "this console was removed from the fleet")),
                },
                (Who::Peer(_), DialledBy::Us) => {
                    check::known_member(roster, &session.key).map(|_| Taken::All)
                }
                (Who::Peer(_), DialledBy::Them) => {
                    let hostname = session.hostname.as_deref().unwrap_or_default();
                    let follows = |member| core.follows_address(member);
                    let source = session.address.ip();
                    check::check_roaming_member(roster, &session.key, source, hostname, follows)
                        .map(|(_, taken)| taken)
                }
            };
            match allowed {
                Ok(taken) => {
                    if session.taken != Taken::All && taken == Taken::All {
                        widened.push(*id);
                    }
                    session.taken = taken;
                }
                Err(refusal) => refused.push((*id, session.who, refusal)),
            }
        }
        for (id, who, refusal) in refused {
            self.refusals.note(now, self.name_of(who), &refusal);
            self.send(id, Frame::Refused(refusal));
            self.forget(id);
        }
        for id in widened {
            let ask = serve::ask_for_docs(&self.parts.core);
            self.send(id, ask);
        }
    }

    /// Looks after links of members whose address may change: a peer that gives heartbeats alone may no longer when
    /// dynamic DNS was turned off, and links of an own address that is gone would only be found out by their silence.
    pub(super) fn follow_addresses(&mut self, now: Time) {
        if let Some(roster) = self.parts.core.roster().cloned() {
            self.judge_again(&roster, |session| session.taken != Taken::All);
        }
        if !self.parts.core.follows_address(self.parts.identity.member) {
            self.own_address = None;
            return;
        }
        let silent = self.sessions.iter().filter(|(_, session)| {
            matches!(session.who, Who::Peer(_)) && now.since(session.last_frame) > ROAMER_SILENT
        });
        let mut gone: Vec<_> = silent.map(|(id, _)| *id).collect();
        let mut why = "nothing was heard for too long, and this host's address may change".to_owned();
        if let Some(address) = host::default_route_address() {
            let former = self.own_address.replace(address).filter(|former| *former != address);
            if let Some(former) = former {
                why = format!("this host's address changed from {former} to {address}");
                tracing::warn!("{why}: calling every peer anew");
                // As a peer saw the old one, it says nothing of the new one.
                self.seen_from = None;
                gone = self.ids_of(|who| matches!(who, Who::Peer(_)));
            }
        }
        for id in gone {
            self.hang_up(id, &why);
        }
    }
}
