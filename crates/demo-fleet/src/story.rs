//! What happens in a demo and when: the set-up, then whatever the person does to the pretended hosts. One task owns the
//! members; what it knows of the pool it knows from the engine's own events.

use std::sync::Arc;

use api::request::{PoolAcknowledge, PoolStatusRequest};
use api::view::YesNo;
use api::view::pool::PoolStatus;
use api::{Change, EventBody, Subscribe, Topic};
use client::{Client, Events};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Duration, Instant, MissedTickBehavior, interval, sleep};

use crate::balancer::Wanted;
use crate::ground::Ground;
use crate::home::Home;
use crate::machine::Machine;
use crate::member::Member;
use crate::setup::{self, EDGE, NameServer, Setup};
use crate::stat::Traffic;
use crate::{Act, DemoError, Picture, Stage};

const STOP_SERVICE: &str = "stop-service";
const CUT_POWER: &str = "cut-power";
const RESTORE: &str = "restore";
/// Before a stream of events that ended is opened again.
const BREATH: Duration = Duration::from_secs(1);

/// How long the engine may work on a loss before its reason not to move is told as one.
const SETTLING: Duration = Duration::from_secs(30);
/// How often the engine is asked how the pool stands.
const LOOK: Duration = Duration::from_secs(1);

/// What a person wants done.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) act: String,
    pub(crate) done: oneshot::Sender<Result<(), DemoError>>,
}

/// What was done to the active member, until the record follows.
#[derive(Debug)]
struct Fault {
    from: String,
    at: Instant,
}

/// Everything that stands while the demo runs.
pub(crate) struct Story {
    home: Arc<Home>,
    ground: Ground,
    client: Client,
    tell: watch::Sender<Picture>,
    members: Vec<Member>,
    server: Option<Machine>,
    status: Option<PoolStatus>,
    active: Option<String>,
    fault: Option<Fault>,
}

impl Story {
    pub(crate) fn new(home: Arc<Home>, ground: Ground, client: Client, tell: watch::Sender<Picture>) -> Self {
        let members = setup::members(&home, ground);
        Self { home, ground, client, tell, members, server: None, status: None, active: None, fault: None }
    }

    /// Plays until told to end; then every pretended host is without power.
    pub(crate) async fn run(mut self, mut orders: mpsc::Receiver<Order>, end: oneshot::Receiver<()>) {
        tokio::select! {
            () = self.play(&mut orders) => {}
            _ = end => {}
        }
        for member in &mut self.members {
            member.power_off().await;
        }
        if let Some(server) = self.server.take() {
            server.cut().await;
        }
    }

    async fn play(&mut self, orders: &mut mpsc::Receiver<Order>) {
        if let Err(error) = self.set_up().await {
            let words = error.chain();
            tracing::error!("the demo could not be made: {words}");
            self.tell.send_modify(|picture| (picture.stage, picture.words) = (Stage::Failed, words));
            return std::future::pending().await;
        }
        self.say("Automatic failover is on. Take the active member away and watch the record follow");
        let mut events = self.listen().await;
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.draw();
            tokio::select! {
                // What would happen may change without anything that happens.
                _ = looks.tick() => drop(self.look().await),
                order = orders.recv() => match order {
                    Some(Order { act, done }) => drop(done.send(self.act(&act).await)),
                    None => return,
                },
                event = next(&mut events) => match event.map(|event| event.body) {
                    Some(EventBody::Pool(status)) if status.name == EDGE => self.saw(*status),
                    Some(EventBody::Resync) | None => events = self.listen().await,
                    Some(_) => {}
                },
            }
        }
    }

    async fn set_up(&mut self) -> Result<(), DemoError> {
        let server = NameServer::start(&self.home, self.ground).await?;
        let mut setup =
            Setup { client: &self.client, ground: self.ground, members: &mut self.members, tell: &self.tell };
        let made = setup.run(&server).await;
        self.server = Some(server.machine);
        made
    }

    /// Opens the stream of events, and looks at how the pool stands.
    async fn listen(&mut self) -> Option<Events> {
        let Some(since_revision) = self.look().await else {
            sleep(BREATH).await;
            return None;
        };
        self.client.subscribe(Subscribe { topics: vec![Topic::Pools], since_revision }).await.ok()
    }

    /// Looks at how the pool stands; the revision of what was seen.
    async fn look(&mut self) -> Option<u64> {
        let request = PoolStatusRequest { pool: Some(EDGE.into()) };
        let read = self.client.call(request).await.ok()?;
        if let Some(status) = read.pools.into_iter().next() {
            self.saw(status);
        }
        Some(read.revision)
    }

    fn saw(&mut self, status: PoolStatus) {
        let name_of = |id| status.members.iter().find(|member| member.id == id).map(|one| one.name.clone());
        let active = status.active.and_then(name_of);
        if active != self.active {
            if let (Some(fault), Some(to)) = (&self.fault, &active)
                && fault.from != *to
            {
                let took = fault.at.elapsed().as_secs_f64();
                self.say(&format!("The record moved from {} to {to} after {took:.1} s", fault.from));
                self.fault = None;
            }
            self.active = active;
        }
        for member in &self.members {
            let here = self.active.as_ref() == Some(&member.name);
            member.send_traffic(if here { Traffic::Here } else { Traffic::Elsewhere });
        }
        self.status = Some(status);
    }

    async fn act(&mut self, act: &str) -> Result<(), DemoError> {
        // What a person was shown may be a second old.
        self.look().await;
        let offered = self.acts().into_iter().find(|offered| offered.id == act);
        let offered = offered
            .ok_or_else(|| DemoError::NotNow { why: format!("a demo has no act called {act:.40}") })?;
        if let Some(why) = offered.why_not {
            return Err(DemoError::NotNow { why });
        }
        if act == RESTORE {
            return self.restore().await;
        }
        let active = self.active.clone().unwrap_or_default();
        let Some(member) = self.members.iter_mut().find(|member| member.name == active) else {
            return Err(DemoError::NotNow { why: "the record points at no member".to_owned() });
        };
        // The move is measured from the first thing that was done to this member.
        if self.fault.as_ref().is_none_or(|fault| fault.from != active) {
            self.fault = Some(Fault { from: active.clone(), at: Instant::now() });
        }
        if act == STOP_SERVICE {
            member.want(Wanted::Stopped);
            self.say(&format!("HAProxy on {active} is stopped. Its agent says so, and the record follows"));
        } else {
            member.power_off().await;
            self.say(&format!(
                "{active} is without power. The record follows once it was silent for long enough"
            ));
        }
        Ok(())
    }

    /// Everything runs again, and the moves so far are acknowledged: otherwise the third one waits for a person.
    async fn restore(&mut self) -> Result<(), DemoError> {
        let mut broke = None;
        for member in &mut self.members {
            member.want(Wanted::Running);
            if !member.has_power()
                && let Err(error) = member.power_on()
            {
                broke.get_or_insert(error);
            }
        }
        self.fault = None;
        let acknowledge = PoolAcknowledge { change: Change::default(), pool: EDGE.into() };
        // Nothing may wait for it.
        let _ = setup::change(&self.client, "acknowledging the moves", acknowledge).await;
        if let Some(error) = broke {
            return Err(error);
        }
        self.say("Everything runs again. Nothing moves back by itself");
        Ok(())
    }

    fn acts(&self) -> Vec<Act> {
        let active = self.active.as_ref().and_then(|name| self.members.iter().find(|one| one.name == *name));
        let name = active.map_or("the active member", |member| member.name.as_str());
        let why_not_cut = match active {
            None => Some("the record points at no member".to_owned()),
            Some(member) if !member.has_power() => Some(format!("{name} has no power already")),
            Some(_) => None,
        };
        let why_not_stop = why_not_cut.clone().or_else(|| {
            let stopped = active.is_some_and(|member| !member.serves());
            stopped.then(|| format!("HAProxy on {name} is stopped already"))
        });
        // Nobody learns from a loss that cannot be proven yet: members have to know each other for a while.
        let why_not_cut =
            why_not_cut.or_else(|| self.held().map(|why| format!("the record would stay: {why}")));
        let whole = self.members.iter().all(Member::is_whole);
        vec![
            Act { id: STOP_SERVICE, title: format!("Stop HAProxy on {name}"), why_not: why_not_stop },
            Act { id: CUT_POWER, title: format!("Cut the power of {name}"), why_not: why_not_cut },
            Act {
                id: RESTORE,
                title: "Bring everything back".to_owned(),
                why_not: whole.then(|| "everything runs".to_owned()),
            },
        ]
    }

    /// Why the record would not follow a loss of power now. While one is under way the question is answered soon.
    fn held(&self) -> Option<String> {
        if self.fault.as_ref().is_some_and(|fault| fault.at.elapsed() < SETTLING) {
            return None;
        }
        let would = &self.status.as_ref()?.would_move;
        (would.verdict != YesNo::Yes).then(|| without_code(&would.reason).to_owned())
    }

    fn say(&self, words: &str) {
        tracing::info!("{words}");
        self.tell.send_modify(|picture| words.clone_into(&mut picture.words));
    }

    fn draw(&self) {
        let (acts, held) = (self.acts(), self.held());
        self.tell.send_if_modified(|picture| {
            let before = picture.clone();
            (picture.stage, picture.done) = (Stage::Ready, picture.steps);
            (picture.acts, picture.held) = (acts, held);
            *picture != before
        });
    }
}

/// The engine's reason without the word before it that programs know it by, as in `one-voice: 1 of 2 voices`.
fn without_code(reason: &str) -> &str {
    let is_code =
        |word: &str| word.contains('-') && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    reason.split_once(": ").filter(|(code, _)| is_code(code)).map_or(reason, |(_, words)| words)
}

/// The next event; after a pause the end, so that the stream is opened again.
async fn next(events: &mut Option<Events>) -> Option<api::Event> {
    if let Some(events) = events {
        return events.next().await;
    }
    sleep(BREATH).await;
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_the_reason_without_its_code() {
        assert_eq!(without_code("one-voice: 1 of 2 voices: late"), "1 of 2 voices: late");
        assert_eq!(without_code("edge-1 says: no"), "edge-1 says: no");
        assert_eq!(without_code("nothing is known"), "nothing is known");
    }
}
