//! What every test stands on: an armed pool, and questions about the record that go past the product.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hosts::customer::Customer;
use hosts::demo_dns::DemoDns;
use hosts::product::Console;
use hosts::{Fabric, Host, Member, Process, Seen, World, wait, world};
use serde_json::Value;

pub(crate) const DELAY: Duration = Duration::from_secs(10);
/// A move that HAProxy's own word causes takes half a second; a busy machine may need more.
pub(crate) const SOON: Duration = Duration::from_secs(15);
/// The delay, its confirmation, and the patience of safety.md's I17.
pub(crate) const MOVE_BOUND: Duration = Duration::from_secs(40);
pub(crate) const READY_BOUND: Duration = Duration::from_secs(90);
/// The first console's name.
pub(crate) const CONSOLE: &str = "console-a";
const ASK_BOUND: Duration = Duration::from_secs(10);

/// A world whose pool is armed, with the first watch at work. Dropped in this order: the watch before its host.
pub(crate) struct Stage<'a> {
    pub(crate) customer: Customer,
    pub(crate) watch: Option<Process>,
    pub(crate) console: Console<'a>,
    pub(crate) members: &'a mut Vec<Member>,
    pub(crate) dns: &'a DemoDns,
    pub(crate) dns_host: &'a Host,
    pub(crate) network: &'a Host,
    pub(crate) client: &'a Host,
    pub(crate) fabric: &'a Fabric,
}

/// The marker at the managed name, as anybody can ask for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Marker {
    pub(crate) epoch: u64,
    pub(crate) address: Ipv4Addr,
    pub(crate) text: String,
}

/// Boots a world with so many members, arms it with this delay, and plays `act` on it once it is steady.
pub(crate) fn armed_world(members: u8, delay: Duration, act: impl FnOnce(&mut Stage<'_>) -> Result<()>) {
    in_world(members, delay, |stage| {
        stage.arm()?;
        act(stage)
    });
}

/// As [`armed_world`], but only enrolled: nothing is adopted or armed yet.
pub(crate) fn in_world(members: u8, delay: Duration, act: impl FnOnce(&mut Stage<'_>) -> Result<()>) {
    with_pool(members, delay, |stage| {
        stage.enrol_all()?;
        act(stage)
    });
}

/// As [`in_world`], but nobody is enrolled.
pub(crate) fn with_pool(members: u8, delay: Duration, act: impl FnOnce(&mut Stage<'_>) -> Result<()>) {
    let mut world = World::boot(members).unwrap();
    let played = play(&mut world, delay, act);
    if let Err(error) = played {
        panic!("{error:#}\n{}", world.last_words());
    }
}

/// Plays `act` on a world as it is, from the console on its plain host.
pub(crate) fn play(
    world: &mut World,
    delay: Duration,
    act: impl FnOnce(&mut Stage<'_>) -> Result<()>,
) -> Result<()> {
    let customer = Customer::begin(&world.client, world.dns.address(), world::NAME)?;
    let console = Console::init(&world.console, CONSOLE)?;
    let watch = console.watch()?;
    console.create_pool(world.dns.address(), world.dns.key(), u32::try_from(delay.as_secs())?)?;
    let mut stage = Stage {
        customer,
        watch: Some(watch),
        console,
        members: &mut world.members,
        dns: &world.dns,
        dns_host: &world.dns_host,
        network: &world.console,
        client: &world.client,
        fabric: &world.fabric,
    };
    act(&mut stage)
}

impl Stage<'_> {
    pub(crate) fn enrol_all(&self) -> Result<()> {
        let enrol = |member: &Member| {
            self.console.enrol(member).with_context(|| format!("enrolling {}", member.name()))
        };
        self.members.iter().try_for_each(enrol)
    }

    /// Arms the pool and waits until it is steady.
    pub(crate) fn arm(&self) -> Result<()> {
        self.console.arm()?;
        self.console.wait_state(&["STEADY"], READY_BOUND)?;
        self.wait_standbys()
    }

    pub(crate) fn member(&mut self, name: &str) -> &mut Member {
        let found = self.members.iter_mut().find(|member| member.name() == name);
        found.unwrap_or_else(|| panic!("no member is called {name}"))
    }

    /// The member at an address.
    pub(crate) fn at(&self, address: Ipv4Addr) -> &Member {
        let found = self.members.iter().find(|member| member.address() == address);
        found.unwrap_or_else(|| panic!("no member is at {address}"))
    }

    /// The member that the marker names.
    pub(crate) fn active(&self) -> Result<&Member> {
        Ok(self.at(self.marker()?.address))
    }

    pub(crate) fn dig(&self, name: &str, kind: &str) -> Result<Vec<String>> {
        let server = format!("@{}", self.dns.address());
        let argv = ["dig", "+short", "+tries=3", "+time=2", &server, name, kind];
        let said = self.client.must(&argv, ASK_BOUND)?;
        Ok(said.lines().map(|line| line.trim().to_owned()).collect())
    }

    /// The one marker, read from the name server itself.
    pub(crate) fn marker(&self) -> Result<Marker> {
        let texts = self.dig(&format!("_sctl.{}", world::NAME), "TXT")?;
        ensure!(texts.len() == 1, "one marker belongs there, not {texts:?}");
        let text = texts[0].trim_matches('"').to_owned();
        let field = |key: &str| {
            let found = text.split(' ').find_map(|word| word.strip_prefix(key));
            found.with_context(|| format!("no {key} in {text}"))
        };
        Ok(Marker { epoch: field("e=")?.parse()?, address: field("a=")?.parse()?, text: text.clone() })
    }

    /// The zone's serial: it rises with every accepted write, ours or not.
    pub(crate) fn serial(&self) -> Result<u64> {
        let soa = self.dig(world::ZONE, "SOA")?.join(" ");
        let serial = soa.split(' ').nth(2).with_context(|| format!("no serial in `{soa}`"))?;
        Ok(serial.parse()?)
    }

    /// The record and its marker, which have to agree.
    pub(crate) fn record(&self) -> Result<Marker> {
        let marker = self.marker()?;
        let record = self.dig(world::NAME, "A")?;
        ensure!(record == [marker.address.to_string()], "A is {record:?}, the marker {}", marker.text);
        Ok(marker)
    }

    /// Waits until another member than `from` is published; gives the new marker, which has to be the next epoch.
    pub(crate) fn wait_moved(&self, from: &Marker, bound: Duration) -> Result<Marker> {
        let to = wait::until(&format!("the record to leave {}", from.address), bound, || {
            let now = self.marker()?;
            Ok(if now.address == from.address { Seen::NotYet(now.text) } else { Seen::Yes(now) })
        })?;
        self.one_write_after(from)?;
        Ok(to)
    }

    /// Exactly one write was accepted since `before`.
    pub(crate) fn one_write_after(&self, before: &Marker) -> Result<Marker> {
        let now = self.record()?;
        ensure!(now.epoch == before.epoch + 1, "epoch {} became {}, not one more", before.epoch, now.epoch);
        Ok(now)
    }

    /// Nothing was written since `before`.
    pub(crate) fn unwritten_since(&self, before: &Marker) -> Result<()> {
        let now = self.record()?;
        ensure!(now == *before, "`{}` became `{}`", before.text, now.text);
        Ok(())
    }

    /// Watches for a while that nothing is written.
    pub(crate) fn stays(&self, before: &Marker, during: Duration) -> Result<()> {
        self.customer.must_stay(before.address, during)?;
        self.unwritten_since(before)
    }

    /// Ends the watch as a power cut would: no goodbye, nothing saved.
    pub(crate) fn kill_watch(&mut self) -> Result<()> {
        self.watch.take().context("the watch runs")?.kill()?;
        Ok(())
    }

    pub(crate) fn start_watch(&mut self) -> Result<()> {
        self.watch = Some(self.console.watch()?);
        Ok(())
    }

    /// Waits until every member but the active one is a ready standby.
    pub(crate) fn wait_standbys(&self) -> Result<()> {
        let active = self.marker()?.address;
        for member in self.members.iter().filter(|member| member.address() != active) {
            self.console.wait_standby(member.name(), READY_BOUND)?;
        }
        Ok(())
    }

    pub(crate) fn stop_haproxy(&self, address: Ipv4Addr) -> Result<()> {
        self.at(address).must(&["systemctl", "stop", "haproxy.service"])?;
        Ok(())
    }

    pub(crate) fn start_haproxy(&self, address: Ipv4Addr) -> Result<()> {
        self.at(address).must(&["systemctl", "start", "haproxy.service"])?;
        Ok(())
    }
}

/// The one incident of this console that wrote this epoch, whole.
pub(crate) fn incident_of(console: &Console<'_>, epoch: u64) -> Result<Value> {
    let all = console.incidents()?;
    let of_epoch: Vec<_> = all.iter().filter(|incident| incident["epoch"] == epoch).collect();
    ensure!(of_epoch.len() == 1, "epoch {epoch} has {} incidents: {all:?}", of_epoch.len());
    console.incident(text(of_epoch[0], "id"))
}

/// A field's text; empty when there is none.
pub(crate) fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

/// The states that a story's lines lead to, oldest first (an explanation has the newest first).
pub(crate) fn states(entries: &Value) -> Vec<&str> {
    let mut lines: Vec<&Value> = entries.as_array().into_iter().flatten().collect();
    lines.sort_by_key(|line| line["atMs"].as_u64());
    let moved = lines.into_iter().filter(|line| line["from"] != line["to"]);
    moved.map(|line| text(line, "to")).collect()
}

/// The names of an incident's phases, in order.
pub(crate) fn phases(incident: &Value) -> Vec<&str> {
    incident["phases"].as_array().into_iter().flatten().map(|phase| text(phase, "name")).collect()
}
