//! A host's place on the bridge, and what can be done to it: every fault of the network.
//!
//! Faults are set on the bridge's side of the cable, so the host itself cannot see or undo them. A pulled cable and a
//! silent cut differ (the first takes the carrier away), and both happen in life.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};

use crate::command;
use crate::fabric::{BOUND, Core};

/// What is wrong with a host's network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The cable is pulled: no carrier.
    Cable,
    /// Nothing passes either way; the carrier stays.
    Both,
    /// Nothing leaves the host.
    Mute,
    /// Nothing reaches the host.
    Deaf,
    /// Nothing passes between the host and this address; all else does.
    Pair(Ipv4Addr),
    /// Nothing reaches this TCP port of the host.
    Port(u16),
    /// So many of a hundred packets from the host are lost.
    LossPercent(u8),
}

/// A namespace with one cable to the fabric's bridge.
#[derive(Debug)]
pub(crate) struct Link {
    core: Arc<Core>,
    name: String,
    address: Ipv4Addr,
    netns: String,
    cuts: Mutex<Vec<(Cut, Undo)>>,
}

#[derive(Debug, Clone)]
enum Undo {
    CableUp,
    DropTable { family: &'static str, table: String },
}

impl Link {
    pub(crate) fn plug(core: Arc<Core>, name: &str, address: Ipv4Addr) -> Result<Self> {
        let netns = format!("{}-{name}", core.prefix());
        let port = format!("v-{name}");
        command::must(&["ip", "netns", "add", &netns], BOUND)?;
        core.ip(&["link", "add", &port, "type", "veth", "peer", "name", "eth0", "netns", &netns])?;
        core.ip(&["link", "set", &port, "master", "br0", "up"])?;
        let inside = |argv: &[&str]| {
            let argv: Vec<&str> = ["ip", "-n", &netns].iter().chain(argv).copied().collect();
            command::must(&argv, BOUND)
        };
        inside(&["link", "set", "lo", "up"])?;
        inside(&["addr", "add", &format!("{address}/24"), "dev", "eth0"])?;
        inside(&["link", "set", "eth0", "up"])?;
        inside(&["route", "add", "default", "via", &Core::gateway().to_string()])?;
        Ok(Self { core, name: name.to_owned(), address, netns, cuts: Mutex::new(Vec::new()) })
    }

    pub(crate) fn core(&self) -> &Core {
        &self.core
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn address(&self) -> Ipv4Addr {
        self.address
    }

    pub(crate) fn netns(&self) -> &str {
        &self.netns
    }

    /// Adds a fault; several may hold at once.
    pub(crate) fn cut(&self, cut: Cut) -> Result<()> {
        let mut cuts = self.cuts.lock().unwrap_or_else(PoisonError::into_inner);
        if cuts.iter().any(|(held, _)| *held == cut) {
            return Ok(());
        }
        let undo = self.apply(cut).with_context(|| format!("cutting {} ({cut:?})", self.name))?;
        cuts.push((cut, undo));
        Ok(())
    }

    /// Ends one fault; one that does not hold is no error.
    pub(crate) fn heal(&self, cut: Cut) -> Result<()> {
        let mut cuts = self.cuts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = cuts.iter().position(|(held, _)| *held == cut) {
            self.undo(&cuts[at].1).with_context(|| format!("healing {} ({cut:?})", self.name))?;
            cuts.remove(at);
        }
        Ok(())
    }

    /// Ends every fault.
    pub(crate) fn heal_all(&self) -> Result<()> {
        let held: Vec<Cut> =
            self.cuts.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|(cut, _)| *cut).collect();
        held.into_iter().try_for_each(|cut| self.heal(cut))
    }

    fn apply(&self, cut: Cut) -> Result<Undo> {
        if cut == Cut::Cable {
            self.core.ip(&["link", "set", &format!("v-{}", self.name), "down"])?;
            return Ok(Undo::CableUp);
        }
        let (family, table, chains) = self.rules(cut);
        let script = format!("table {family} {table} {{\n{chains}\n}}\n");
        let argv = ["ip", "netns", "exec", self.core.prefix(), "nft", "-f", "-"];
        command::must_with_input(&argv, script.as_bytes(), BOUND)?;
        Ok(Undo::DropTable { family, table })
    }

    /// The nft table of a fault. The bridge's side receives (`ingress`) what the host sends.
    fn rules(&self, cut: Cut) -> (&'static str, String, String) {
        let chain = |hook: &str, rule: &str| {
            format!(
                "chain {hook} {{ type filter hook {hook} device v-{} priority 0; policy accept; {rule}; }}",
                self.name
            )
        };
        let name = &self.name;
        match cut {
            Cut::Cable | Cut::Both => {
                let chains = [chain("ingress", "drop"), chain("egress", "drop")].join("\n");
                ("netdev", format!("both_{name}"), chains)
            }
            Cut::Mute => ("netdev", format!("mute_{name}"), chain("ingress", "drop")),
            Cut::Deaf => ("netdev", format!("deaf_{name}"), chain("egress", "drop")),
            Cut::Port(port) => {
                let rule = format!("tcp dport {port} drop");
                ("netdev", format!("port_{port}_{name}"), chain("egress", &rule))
            }
            Cut::LossPercent(percent) => {
                // Real members are not on one segment: what is lost between them is IP, not a neighbour's ARP, whose
                // three tries would all be lost now and then and make one second of total silence.
                let rule = format!("meta protocol ip numgen random mod 100 < {percent} drop");
                ("netdev", format!("loss_{percent}_{name}"), chain("ingress", &rule))
            }
            Cut::Pair(other) => {
                let own = self.address;
                let chains = format!(
                    "chain f {{ type filter hook forward priority 0; \
                     ip saddr {own} ip daddr {other} drop; ip saddr {other} ip daddr {own} drop; }}"
                );
                ("bridge", format!("pair_{}_{name}", other.octets()[3]), chains)
            }
        }
    }

    fn undo(&self, undo: &Undo) -> Result<()> {
        match undo {
            Undo::CableUp => self.core.ip(&["link", "set", &format!("v-{}", self.name), "up"]),
            Undo::DropTable { family, table } => {
                self.core.exec(&["nft", "delete", "table", family, table])?;
                Ok(())
            }
        }
    }
}
