//! The world of the demo and of most end-to-end tests: members with HAProxy, a name server, a console, a client.

use anyhow::{Result, ensure};

use crate::demo_dns::DemoDns;
use crate::fabric::Fabric;
use crate::host::Host;
use crate::member::{Boot, Member};

pub const ZONE: &str = "demo.test";
pub const LABEL: &str = "lb";
/// The managed name.
pub const NAME: &str = "lb.demo.test";

/// Members `lb1`, `lb2`, … at .11, .12, …; the embedded name server at .53, consoles from .100, the client at .200.
///
/// Fields are dropped in this order: the server's process before its host, members before the fabric.
#[derive(Debug)]
pub struct World {
    pub dns: DemoDns,
    pub members: Vec<Member>,
    pub dns_host: Host,
    pub console: Host,
    pub client: Host,
    pub fabric: Fabric,
}

impl World {
    /// Boots it; the record points at the first member.
    ///
    /// # Errors
    /// The machine lacks something, or a member is not whole.
    pub fn boot(count: u8) -> Result<Self> {
        let fabric = Fabric::new()?;
        let mut members = (1..=count)
            .map(|number| fabric.member(&format!("lb{number}"), 10 + number))
            .collect::<Result<Vec<_>>>()?;
        members.iter_mut().try_for_each(Member::start)?;
        let dns_host = fabric.host("dns", 53)?;
        let console = fabric.host("console", 100)?;
        let client = fabric.host("client", 200)?;
        for host in [&console, &client] {
            host.set_name_server(dns_host.address())?;
        }
        let dns = DemoDns::start(&dns_host, ZONE, &[(LABEL, Fabric::address(11))])?;
        for member in &mut members {
            let boot = member.wait_booted()?;
            ensure!(boot == Boot::Running, "{} booted with failed units: {boot:?}", member.name());
        }
        Ok(Self { dns, members, dns_host, console, client, fabric })
    }

    /// The ends of every log and journal, for a story that went wrong.
    pub fn last_words(&self) -> String {
        let members = self.members.iter().map(Member::last_words);
        let hosts = [&self.dns_host, &self.console, &self.client].map(Host::last_words);
        members.chain(hosts).collect::<Vec<_>>().join("\n")
    }
}
