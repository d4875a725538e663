//! A fleet as a small team has one: balancers in three cities, a staging pool of one, hosting servers, a lab; behind the
//! balancers a site with three services.
//!
//! Its servers are real members; what stands in for the site is one more of them, whose HAProxy answers for every server.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, ensure};
use hosts::demo_dns::DemoDns;
use hosts::{Boot, Fabric, Host, Member};

pub const ZONE: &str = "example.com";
pub const EDGE: &str = "production-edge";
/// Who carries the traffic at first.
pub const FIRST: &str = "edge-waw-3";
/// Invited last, before everybody's eyes.
pub const NEWCOMER: &str = "edge-mad-4";
/// Switched off once it was heard.
pub const SILENT: &str = "lab-01";

/// What a server is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Balancer,
    Server,
}

/// A server and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Seat {
    pub name: &'static str,
    pub pool: &'static str,
    pub kind: Kind,
    /// As `member set --place` takes it.
    pub place: &'static str,
    octet: u8,
}

const fn seat(name: &'static str, octet: u8, pool: &'static str, kind: Kind, place: &'static str) -> Seat {
    Seat { name, pool, kind, place, octet }
}

/// In the order of each pool.
pub const SEATS: &[Seat] = &[
    seat("edge-fra-1", 10, EDGE, Kind::Balancer, "Frankfurt, 50.11, 8.68"),
    seat("edge-ams-2", 24, EDGE, Kind::Balancer, "Amsterdam, 52.37, 4.90"),
    seat(FIRST, 61, EDGE, Kind::Balancer, "Warsaw, 52.23, 21.01"),
    seat("edge-stg-1", 40, "staging-edge", Kind::Balancer, "Frankfurt, 50.11, 8.68"),
    seat("host-01", 71, "hosting-eu", Kind::Server, "Falkenstein, 50.48, 12.37"),
    seat("host-02", 72, "hosting-eu", Kind::Server, "Helsinki, 60.17, 24.94"),
    seat(SILENT, 81, "lab", Kind::Server, "Prague, 50.08, 14.44"),
    seat("lab-02", 82, "lab", Kind::Server, "Prague, 50.08, 14.44"),
    seat(NEWCOMER, 87, EDGE, Kind::Balancer, "Madrid, 40.42, -3.70"),
];

const SITE: u8 = 150;
/// Nobody is there.
const NOBODY: u8 = 151;
/// The site's services: name, how they are balanced, server names, first port, what each path begins with.
const SERVICES: &[(&str, &str, &[&str], u16, &str)] = &[
    ("web", "roundrobin", &["web-01", "web-02", "web-03"], 8001, "/"),
    ("api", "leastconn", &["api-01", "api-02"], 8011, "/api"),
    ("admin", "roundrobin", &["adm-01", "adm-02"], 8021, "/admin"),
];
/// The one whose server cannot be reached.
const UNREACHED: &str = "adm-02";
/// A page's bytes; it has to fit into one of HAProxy's buffers.
const PAGE_BYTES: usize = 9_000;

/// The fleet, up. Dropped in this order: the name server before its host, members before the fabric.
pub struct Fleet {
    dns: DemoDns,
    members: Vec<Member>,
    _site: Member,
    _dns_host: Host,
    console: Host,
    client: Host,
    _fabric: Fabric,
}

impl Fleet {
    /// Boots it.
    ///
    /// # Errors
    /// The machine lacks something, or a server is not whole.
    pub fn boot() -> Result<Self> {
        let fabric = Fabric::new()?;
        // A network interface bears the name, which has no room for dashes.
        let member = |name: &str, octet| fabric.member(&name.replace('-', ""), octet);
        let mut members =
            SEATS.iter().map(|seat| member(seat.name, seat.octet)).collect::<Result<Vec<_>>>()?;
        let mut site = member("site", SITE)?;
        for (member, _) in members.iter().zip(SEATS).filter(|(_, seat)| seat.kind == Kind::Balancer) {
            member.write_file("/etc/haproxy/haproxy.cfg", balancer().as_bytes(), 0o644)?;
        }
        site.write_file("/etc/haproxy/haproxy.cfg", answers().as_bytes(), 0o644)?;
        site.write_file("/etc/haproxy/page.html", "<p>\n".repeat(PAGE_BYTES / 4).as_bytes(), 0o644)?;
        members.iter_mut().try_for_each(Member::start)?;
        site.start()?;
        let dns_host = fabric.host("dns", 53)?;
        let console = fabric.host("console", 100)?;
        let client = fabric.host("client", 200)?;
        for host in [&console, &client] {
            host.set_name_server(dns_host.address())?;
        }
        let at =
            |name: &str| SEATS.iter().find(|seat| seat.name == name).map(|seat| Fabric::address(seat.octet));
        let first = at(FIRST).context("somebody is first")?;
        let staged = at("edge-stg-1").context("there is a staging balancer")?;
        let dns = DemoDns::start(&dns_host, ZONE, &[("lb", first), ("stg", staged)])?;
        for member in members.iter_mut().chain([&mut site]) {
            let boot = member.wait_booted()?;
            ensure!(boot == Boot::Running, "{} booted with failed units: {boot:?}", member.name());
        }
        for (member, _) in members.iter().zip(SEATS).filter(|(_, seat)| seat.kind == Kind::Server) {
            member.must(&["systemctl", "disable", "--now", "haproxy.service"])?;
        }
        Ok(Self { dns, members, _site: site, _dns_host: dns_host, console, client, _fabric: fabric })
    }

    /// Its servers, and the hosts around them, apart: the program holds on to its host while servers are changed.
    pub fn parts(&mut self) -> (Servers<'_>, &Host, &DemoDns, &Host) {
        (Servers { members: &mut self.members }, &self.console, &self.dns, &self.client)
    }

    /// The ends of every journal, for pictures that could not be made.
    pub fn last_words(&self) -> String {
        self.members.iter().map(Member::last_words).collect::<Vec<_>>().join("\n")
    }
}

/// The fleet's servers.
pub struct Servers<'a> {
    members: &'a mut [Member],
}

impl Servers<'_> {
    /// A server by its name.
    ///
    /// # Errors
    /// There is none.
    pub fn member(&mut self, name: &str) -> Result<&mut Member> {
        let at = SEATS.iter().position(|seat| seat.name == name).with_context(|| format!("no {name}"))?;
        Ok(&mut self.members[at])
    }

    /// Servers and where they stand.
    pub fn seated(&self) -> impl Iterator<Item = (&'static Seat, &Member)> {
        SEATS.iter().zip(self.members.iter())
    }
}

const HEAD: &str = "global
    chroot /var/lib/haproxy
    stats socket /run/haproxy/admin.sock mode 660 level admin expose-fd listeners
    stats timeout 30s
    user haproxy
    group haproxy
    daemon

defaults
    mode http
    maxconn 2000
    timeout connect 2s
    timeout client 60s
    timeout server 30s
    timeout http-keep-alive 60s
";

/// A balancer's whole configuration.
fn balancer() -> String {
    let mut text = format!(
        "{HEAD}
frontend https-in
    bind :443
    use_backend api if {{ path_beg /api }}
    use_backend admin if {{ path_beg /admin }}
    default_backend web

frontend http-in
    bind :80
    default_backend web
"
    );
    for (name, balance, servers, port, _) in SERVICES {
        let _ = write!(text, "\nbackend {name}\n    balance {balance}\n    option httpchk GET /health\n");
        for (server, port) in servers.iter().zip(*port..) {
            let host = Fabric::address(if *server == UNREACHED { NOBODY } else { SITE });
            let _ = writeln!(text, "    server {server} {host}:{port} weight 100 check inter 2s");
        }
    }
    text
}

/// What stands in for every server of the site.
fn answers() -> String {
    let mut text = format!("{HEAD}\nfrontend site\n");
    for (_, _, servers, port, _) in SERVICES {
        for (_, port) in servers.iter().zip(*port..) {
            let _ = writeln!(text, "    bind :{port}");
        }
    }
    text.push_str(
        "    http-request return status 404 if { path_end /gone }
    http-request return status 503 if { path_end /broken }
    http-request redirect location / if { path_end /moved }
    http-request return status 200 content-type text/html file /etc/haproxy/page.html if { path / }
    http-request return status 200 content-type application/json string \"{}\"
",
    );
    text
}
