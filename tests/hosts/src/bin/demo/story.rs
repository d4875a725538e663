//! The story, act by act. Each act makes one fault and looks at what the record, the client and the product say.

use std::io::Write as _;
use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hosts::customer::{Customer, unix_ms};
use hosts::product::Console;
use hosts::{Cut, Host, Member, Process, World, world};

use crate::narrator::{Failover, Held, Narrator};
use crate::window::Window;

/// The least that a pool may be set to.
const DELAY_S: u32 = 10;
/// A power cut is decided after the delay and a second of confirmation; four times that is a failure, not slowness.
const MOVE_BOUND: Duration = Duration::from_secs(45);
/// The client asks once a second.
const CLIENT_BOUND: Duration = Duration::from_secs(5);
const READY_BOUND: Duration = Duration::from_secs(90);
/// A restart is over in half a second; whatever were to follow from it would within this.
const RESTART_WATCHED: Duration = Duration::from_secs(8);
/// Longer than the delay and its confirmation: a console that decided on its own blindness would have moved.
const BLIND_WATCHED: Duration = Duration::from_secs(18);
const RETURN_WATCHED: Duration = Duration::from_secs(8);

/// Everything that stands while the story is told. Dropped in this order: client and watch before the world.
struct Stage<'a> {
    narrator: &'a mut Narrator,
    customer: Customer,
    console: Console<'a>,
    watch: Process,
    network: &'a Host,
}

pub(crate) fn tell(narrator: &mut Narrator, with_window: bool) -> Result<()> {
    narrator.tell("begin", "booting three members, a name server, a console and a client");
    let mut world = World::boot(3)?;
    narrator.tell("booted", "three members are up; each runs systemd, HAProxy and sshd");
    let told = act_in(&mut world, narrator, with_window);
    if told.is_err() {
        // The world is about to go; this is what is left to read.
        let _ = writeln!(std::io::stderr(), "{}", world.last_words());
    }
    told
}

fn act_in(world: &mut World, narrator: &mut Narrator, with_window: bool) -> Result<()> {
    let customer = Customer::begin(&world.client, world.dns.address(), world::NAME)?;
    customer.wait_served_by("lb1", 0, READY_BOUND)?;
    narrator
        .tell("client", &format!("the client asks for {} once a second and is served by lb1", world::NAME));

    let console = Console::init(&world.console, "demo-console")?;
    let watch = console.watch()?;
    narrator.tell("watch", "the console has a profile; its watch runs");
    console.create_pool(world.dns.address(), world.dns.key(), DELAY_S)?;
    let window = with_window.then(|| Window::open(&world.console, &console)).transpose()?;
    if window.is_some() {
        narrator.tell("window", "the desktop is attached to the watch; its window shows all of this");
    }
    for member in &world.members {
        console.enrol(member).with_context(|| format!("enrolling {}", member.name()))?;
        narrator.tell("enrolled", &format!("{} is enrolled: secret spent, keys pinned", member.name()));
    }
    console.arm()?;
    narrator
        .tell("armed", "the record is taken over, compare-and-set is proven, the rehearsal is green, armed");
    let mut stage = Stage { narrator, customer, console, watch, network: &world.console };
    stage.acts(&mut world.members)?;
    if let Some(window) = window {
        stage.narrator.tell("window", "the window stays until you quit it or press Enter here");
        window.linger();
    }
    Ok(())
}

impl Stage<'_> {
    fn acts(&mut self, members: &mut [Member]) -> Result<()> {
        self.steady()?;
        let first = by_name(members, "lb1")?;
        self.narrator.tell("act", "HAProxy is restarted on lb1");
        first.must(&["systemctl", "restart", "haproxy.service"])?;
        self.stays("HAProxy restarted", "lb1", first.address(), RESTART_WATCHED)?;

        self.ready()?;
        self.narrator.tell("act", "HAProxy is stopped on lb1");
        let taken_over = self.failover("HAProxy stopped", first, |active| {
            active.must(&["systemctl", "stop", "haproxy.service"])?;
            Ok(())
        })?;
        first.must(&["systemctl", "start", "haproxy.service"])?;
        self.console.wait_standby("lb1", READY_BOUND)?;

        self.ready()?;
        self.narrator.tell("act", &format!("{taken_over} loses its power"));
        let active = self.failover("power cut", by_name(members, &taken_over)?, Member::power_cut)?;
        let address = by_name(members, &active)?.address();
        // A third automatic move would wait for a person, so the pool says no to that question from here on.
        self.console.wait_traffic(READY_BOUND)?;
        let (state, why) = self.console.reason()?;
        self.narrator.tell("steady", &format!("{state}: {why}"));

        self.narrator.tell("act", "the console loses every connection");
        self.network.cut(Cut::Both)?;
        let blind = self.stays("console cut off", &active, address, BLIND_WATCHED);
        self.network.heal_all()?;
        blind?;
        // Two good rounds of anchors, then it looks around anew.
        self.console.wait_state(&["HOLD", "STEADY"], READY_BOUND)?;
        self.console.wait_traffic(READY_BOUND)?;
        let (state, why) = self.console.reason()?;
        self.narrator.tell("healed", &format!("the console is connected again; {state}: {why}"));

        self.narrator.tell("act", &format!("{taken_over} gets its power back"));
        by_name(members, &taken_over)?.boot()?;
        self.console.wait_standby(&taken_over, READY_BOUND)?;
        self.stays("old member returned", &active, address, RETURN_WATCHED)
    }

    /// Loses the active member by `fault`, and measures until the client is served again.
    fn failover(
        &mut self,
        cause: &str,
        active: &mut Member,
        fault: impl FnOnce(&mut Member) -> Result<()>,
    ) -> Result<String> {
        let from = active.name().to_owned();
        let fault_ms = unix_ms();
        fault(active).with_context(|| format!("{cause} on {from}"))?;
        let served = self.customer.wait_moved(active.address(), fault_ms, MOVE_BOUND)?;
        let incident = self.console.wait_moved(fault_ms, MOVE_BOUND)?;
        let to = incident.to.clone().context("the incident names no new member")?;
        let visit = self.customer.wait_served_by(&to, fault_ms, CLIENT_BOUND)?;
        let after = |at_ms: u64| at_ms.saturating_sub(fault_ms);
        self.narrator.failover(Failover {
            cause: cause.to_owned(),
            from,
            to: to.clone(),
            decided_ms: after(incident.decided_at_ms.context("the incident has no time of decision")?),
            dns_accepted_ms: after(
                incident.accepted_at_ms.context("the incident has no time of acceptance")?,
            ),
            dns_served_ms: after(served.since_ms),
            client_ms: after(visit.at_ms),
        });
        self.watch.must_run()?;
        Ok(to)
    }

    /// Watches that the record stays, and keeps the product's reason.
    fn stays(&mut self, what: &str, at: &str, address: Ipv4Addr, during: Duration) -> Result<()> {
        self.customer.must_stay(address, during).with_context(|| what.to_owned())?;
        self.watch.must_run()?;
        let (state, why) = self.console.reason()?;
        ensure!(!why.is_empty(), "{what}: nothing moved, and the product does not say why");
        self.narrator.held(Held {
            what: what.to_owned(),
            at: at.to_owned(),
            watched_ms: u64::try_from(during.as_millis()).unwrap_or(u64::MAX),
            state,
            why,
        });
        Ok(())
    }

    fn ready(&self) -> Result<()> {
        self.console.wait_ready(READY_BOUND)
    }

    fn steady(&self) -> Result<()> {
        self.ready()?;
        let (state, why) = self.console.reason()?;
        self.narrator.tell("steady", &format!("{state}: {why}"));
        Ok(())
    }
}

fn by_name<'a>(members: &'a mut [Member], name: &str) -> Result<&'a mut Member> {
    members
        .iter_mut()
        .find(|member| member.name() == name)
        .with_context(|| format!("no member is called {name}"))
}
