//! The way to the register and back: requests that arrive late, twice or never, and answers that get lost.

use std::rc::Rc;

use evaluator::io::{Claim, DnsFault, Input, Reading, WriteOutcome};
use model::{Span, Time};

use crate::console::Pending;
use crate::fault::Weather;
use crate::net::Fate;
use crate::planted::Planted;
use crate::register::{Request, Token};
use crate::trace::Node;

use super::{Event, World};

/// How long a reading may take.
const READ_MS: Span = Span::from_s(4);
/// How long the provider works on a request, at the least.
const WORK_MS: u64 = 25;

/// What the provider does badly at present.
#[derive(Clone, Debug, Default)]
pub(super) struct Skies {
    layers: Vec<(u32, Weather)>,
}

impl Skies {
    /// One more bad thing.
    pub(super) fn gather(&mut self, layer: u32, weather: Weather) {
        self.layers.push((layer, weather));
    }

    /// It is over.
    pub(super) fn clear(&mut self, layer: u32) {
        self.layers.retain(|(id, _)| *id != layer);
    }

    /// Everything is over.
    pub(super) fn clear_all(&mut self) {
        self.layers.clear();
    }

    /// Whether the sky is blue.
    pub(super) fn is_clear(&self) -> bool {
        self.layers.is_empty()
    }

    /// Whether the provider does not answer at all.
    pub(super) fn is_out(&self) -> bool {
        self.layers.iter().any(|(_, weather)| *weather == Weather::Outage)
    }

    fn pick<T>(&self, of: impl Fn(Weather) -> Option<T>) -> Option<T> {
        self.layers.iter().find_map(|(_, weather)| of(*weather))
    }
}

/// A request on its way.
#[derive(Clone, Debug)]
pub struct Ask {
    console: usize,
    life: u32,
    id: u64,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Read(Time),
    Write(Request),
}

/// What comes back.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// A reading, with what the adapter remembers of it.
    Read(Result<(Reading, Token), DnsFault>),
    /// A write.
    Wrote(WriteOutcome),
    /// Nothing within the time.
    Nothing,
}

impl World {
    pub(super) fn read_register(&mut self, console: usize) {
        let asked = self.consoles[console].tb(self.now);
        self.trace.quiet(self.now, Node::Console(console), 3, asked.as_ms());
        if self.consoles[console].credential_lost > 0 {
            let fault = DnsFault::Unreachable("no credential can be used".into());
            self.later(console, Outcome::Read(Err(fault)), None);
            return;
        }
        self.ask(console, What::Read(asked), None, asked + READ_MS);
    }

    pub(super) fn write_register(&mut self, console: usize, claim: &Rc<Claim>, deadline: Time) {
        self.tell(
            Node::Console(console),
            format!("sends epoch {} {:?} to {} nonce {}", claim.epoch, claim.cause, claim.set_a, claim.nonce),
        );
        if self.consoles[console].credential_lost > 0 {
            let outcome = WriteOutcome::Rejected("no credential can be used".into());
            self.later(console, Outcome::Wrote(outcome), Some(claim));
            return;
        }
        let token = self.consoles[console].process.as_ref().and_then(|process| process.token.clone());
        let blind = self.planted == Some(Planted::BlindWrite);
        let request = Request { console, claim: Rc::clone(claim), token, blind };
        self.ask(console, What::Write(request), Some(claim), deadline);
    }

    fn later(&mut self, console: usize, outcome: Outcome, claim: Option<&Rc<Claim>>) {
        let id = self.pend(console, claim);
        let life = self.consoles[console].life;
        self.queue.push(self.now + 5, Event::DnsEnds(console, life, id, Box::new(outcome)));
    }

    fn pend(&mut self, console: usize, claim: Option<&Rc<Claim>>) -> u64 {
        self.oracle.next_ask += 1;
        let id = self.oracle.next_ask;
        if let Some(process) = &mut self.consoles[console].process {
            process.pending.push(Pending { id, nonce: claim.map(|claim| claim.nonce) });
        }
        id
    }

    fn ask(&mut self, console: usize, what: What, claim: Option<&Rc<Claim>>, deadline: Time) {
        let id = self.pend(console, claim);
        let known = &self.consoles[console];
        let (life, node) = (known.life, known.node);
        let over = known.clock.when(self.now, deadline);
        self.queue.push(over, Event::DnsEnds(console, life, id, Box::new(Outcome::Nothing)));
        let ask = Ask { console, life, id, what };
        let late = self.weather.pick(|weather| if let Weather::Late(ms) = weather { Some(ms) } else { None });
        let doubled =
            self.weather.pick(|weather| if let Weather::Doubled(ms) = weather { Some(ms) } else { None });
        let extra = late.filter(|_| self.dice.percent(50)).map_or(0, |ms| self.dice.range(0, ms));
        let fate = self.net.fate(node, self.register_node());
        let (Fate::Once(ms) | Fate::Twice(ms, _)) = fate else { return };
        if let Some(apart) = doubled.filter(|_| self.dice.percent(50)) {
            let second = ms + self.dice.range(1, apart.max(1));
            self.queue.push(self.now + second, Event::DnsArrives(Box::new(ask.clone())));
        }
        if let Fate::Twice(_, second) = fate {
            self.queue.push(self.now + second + extra, Event::DnsArrives(Box::new(ask.clone())));
        }
        self.queue.push(self.now + ms + extra, Event::DnsArrives(Box::new(ask)));
    }

    pub(super) fn on_dns_arrives(&mut self, ask: &Ask) {
        if self.weather.is_out() {
            return;
        }
        let throttled = self.weather.pick(|w| if let Weather::Throttled(s) = w { Some(s) } else { None });
        let refused = self.consoles[ask.console].revoked > 0;
        let outcome = match &ask.what {
            What::Read(_) if refused => Outcome::Read(Err(DnsFault::Refused("403 forbidden".into()))),
            What::Read(_) if throttled.is_some() => {
                Outcome::Read(Err(DnsFault::Unreachable("429 too many requests".into())))
            }
            What::Read(asked) => {
                let lag =
                    self.weather.pick(|w| if let Weather::StaleReads(ms) = w { Some(ms) } else { None });
                let lag = lag.map_or(0, |ms| self.dice.range(0, ms));
                Outcome::Read(Ok(self.register.read(self.now, lag, *asked)))
            }
            What::Write(_) if refused => Outcome::Wrote(WriteOutcome::Rejected("403 forbidden".into())),
            What::Write(_) if let Some(s) = throttled => {
                Outcome::Wrote(WriteOutcome::Throttled(Span::from_s(s)))
            }
            What::Write(request) => Outcome::Wrote(self.apply(request)),
        };
        self.answer(ask, outcome);
    }

    fn apply(&mut self, request: &Request) -> WriteOutcome {
        let outcome = self.register.apply(self.now, request);
        let claim = &request.claim;
        self.tell(
            Node::Register,
            format!(
                "epoch {} nonce {} of console {}: {outcome:?}",
                claim.epoch, claim.nonce, request.console
            ),
        );
        if outcome == WriteOutcome::Accepted {
            self.on_accepted();
        } else {
            self.totals.refused += 1;
        }
        outcome
    }

    fn answer(&mut self, ask: &Ask, outcome: Outcome) {
        let is_write = matches!(outcome, Outcome::Wrote(_));
        let lost = self.weather.pick(|w| (w == Weather::LostAnswers).then_some(())).is_some();
        let errors = self.weather.pick(|w| (w == Weather::ErrorsAfterCommit).then_some(())).is_some();
        let outcome = match outcome {
            Outcome::Wrote(WriteOutcome::Accepted) if errors => {
                Outcome::Wrote(WriteOutcome::Unknown("502 bad gateway".into()))
            }
            other => other,
        };
        if lost && is_write && self.dice.percent(50) {
            return;
        }
        let node = self.consoles[ask.console].node;
        if let Fate::Once(ms) | Fate::Twice(ms, _) = self.net.fate(self.register_node(), node) {
            let slow = self.weather.pick(|w| if let Weather::Slow(ms) = w { Some(ms) } else { None });
            let at = self.now + WORK_MS + ms + slow.map_or(0, |ms| self.dice.range(0, ms));
            self.queue.push(at, Event::DnsEnds(ask.console, ask.life, ask.id, Box::new(outcome)));
        }
    }

    pub(super) fn on_dns_ends(&mut self, console: usize, life: u32, id: u64, outcome: Outcome) {
        if self.consoles[console].life != life {
            return;
        }
        if let Err(until) = self.consoles[console].awake(self.now) {
            // An answer to a sleeping computer is lost with its sockets; its own time limit is seen on waking.
            if self.consoles[console].asleep_until <= self.now || matches!(outcome, Outcome::Nothing) {
                self.queue.push(until, Event::DnsEnds(console, life, id, Box::new(outcome)));
            }
            return;
        }
        let Some(process) = &mut self.consoles[console].process else { return };
        let Some(place) = process.pending.iter().position(|pending| pending.id == id) else { return };
        if !self.look(console) {
            return;
        }
        let Some(process) = &mut self.consoles[console].process else { return };
        if process.pending.get(place).is_none_or(|pending| pending.id != id) {
            return;
        }
        let pending = process.pending.remove(place);
        let input = match (outcome, pending.nonce) {
            (Outcome::Read(Ok((reading, token))), _) => {
                process.token = Some(token);
                self.consoles[console].is_shown(&reading);
                Input::DnsRead(Ok(reading))
            }
            (Outcome::Read(Err(fault)), _) => Input::DnsRead(Err(fault)),
            (Outcome::Wrote(outcome), Some(nonce)) => {
                self.totals.unknown += u64::from(matches!(outcome, WriteOutcome::Unknown(_)));
                Input::DnsWrite { nonce, outcome }
            }
            (Outcome::Nothing, Some(nonce)) => {
                self.totals.unknown += 1;
                Input::DnsWrite { nonce, outcome: WriteOutcome::Unknown("no answer in time".into()) }
            }
            (Outcome::Nothing | Outcome::Wrote(_), None) => {
                Input::DnsRead(Err(DnsFault::Unreachable("no answer in time".into())))
            }
        };
        self.step(console, input);
    }
}
