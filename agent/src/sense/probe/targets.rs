//! From the configuration to what can be probed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use haproxy::config::{Address, Bind, Certainty, Facts, Host, Mode, Proxy};
use model::haproxy::Listener;

/// Most listeners that are probed or reported.
const TARGETS_MAX: usize = 64;

/// What a listener speaks, as far as a probe is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Plain HTTP, with the path that HAProxy answers by itself if there is one.
    Http {
        /// The path.
        monitor_uri: Option<String>,
    },
    /// TLS of any kind.
    Tls,
    /// Plain TCP.
    Tcp,
}

/// Who can reach a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Others.
    Public,
    /// This host alone, for example a page of statistics.
    Loopback,
}

/// One listener that can be probed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its name for people.
    pub name: String,
    /// Where it is bound.
    pub bound: SocketAddr,
    /// Where it is probed.
    pub connect: SocketAddr,
    /// What it speaks.
    pub kind: Kind,
    /// Who can reach it.
    pub reach: Reach,
    /// Whether a PROXY header must come first.
    pub accept_proxy: bool,
    /// Its place among the reported listeners.
    pub listener: usize,
}

impl Target {
    /// Whether two sets mean the same listener, wherever each lists it.
    pub(super) fn is_same_place(&self, other: &Self) -> bool {
        Self { listener: other.listener, ..self.clone() } == *other
    }
}

/// Listeners to report, and those among them to probe, the best first: one that answers with bytes, then TLS, then
/// plain TCP, public ones before those of this host alone. Of a range of ports the first stands for all.
#[must_use]
pub fn targets(facts: &Facts) -> (Vec<Listener>, Vec<Target>) {
    let mut listeners = Vec::new();
    let mut targets = Vec::new();
    for proxy in facts.proxies.iter().filter(|proxy| !proxy.disabled) {
        for bind in &proxy.binds {
            if listeners.len() == TARGETS_MAX {
                break;
            }
            targets.extend(target(proxy, bind, listeners.len()));
            listeners.push(listener(proxy, bind));
        }
    }
    targets.sort_by_key(|target| {
        let kind = match target.kind {
            Kind::Http { .. } => 0,
            Kind::Tls => 1,
            Kind::Tcp => 2,
        };
        (target.reach == Reach::Loopback, kind, target.listener)
    });
    (listeners, targets)
}

fn listener(proxy: &Proxy, bind: &Bind) -> Listener {
    let port = match &bind.address {
        Address::Tcp { ports, .. } | Address::Udp { ports, .. } => Some(ports.first),
        Address::Unix(_) | Address::Abstract(_) | Address::Inherited | Address::Unreadable => None,
    };
    Listener {
        section: shortened(&proxy.name),
        address: shortened(&bind.text),
        port,
        http: proxy.mode == Mode::Http,
        tls: bind.tls,
        answers: None,
    }
}

/// Names come from a file that anybody may have written, and travel in every heartbeat.
fn shortened(text: &str) -> String {
    text.chars().filter(|char| !char.is_control()).take(64).collect()
}

fn target(proxy: &Proxy, bind: &Bind, listener: usize) -> Option<Target> {
    let Address::Tcp { host, ports } = &bind.address else { return None };
    if bind.certainty == Certainty::Conditional {
        return None;
    }
    let (bound, connect): (IpAddr, IpAddr) = match host {
        Host::AnyV4 => (Ipv4Addr::UNSPECIFIED.into(), Ipv4Addr::LOCALHOST.into()),
        Host::AnyV6 => (Ipv6Addr::UNSPECIFIED.into(), Ipv6Addr::LOCALHOST.into()),
        Host::V4(address) => ((*address).into(), (*address).into()),
        // A link-local address needs its interface, which is not known here.
        Host::V6(address) if address.is_unicast_link_local() => return None,
        Host::V6(address) => ((*address).into(), (*address).into()),
        Host::Name(_) => return None,
    };
    let kind = match (bind.tls, proxy.mode) {
        (true, _) => Kind::Tls,
        (false, Mode::Http) => {
            Kind::Http { monitor_uri: proxy.monitor_uri.clone().filter(|uri| is_path(uri)) }
        }
        (false, Mode::Tcp | Mode::Other) => Kind::Tcp,
    };
    Some(Target {
        name: format!("{} ({})", shortened(&bind.text), shortened(&proxy.name)),
        bound: SocketAddr::new(bound, ports.first),
        connect: SocketAddr::new(connect, ports.first),
        kind,
        reach: if bound.is_loopback() { Reach::Loopback } else { Reach::Public },
        accept_proxy: bind.accept_proxy,
        listener,
    })
}

/// Whether a path can stand in a request line as it is.
fn is_path(uri: &str) -> bool {
    uri.starts_with('/') && uri.len() <= 256 && uri.bytes().all(|byte| byte.is_ascii_graphic())
}
