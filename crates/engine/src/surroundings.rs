//! Where this computer is: its network attachment (gateway, routes and own addresses), as one number.
//!
//! A change of the number means another network, and everything heard through the old one is void. Only equality is
//! ever asked, so a hash will do; it never leaves this computer. The gateway's hardware address is left out: it comes
//! and goes in the kernel's neighbour table, and each flicker would look like a move to another network.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;

/// The present attachment; 0 when there is no network, so that losing the network is a change too.
pub(crate) fn attachment() -> u64 {
    read(
        &std::fs::read_to_string("/proc/net/route").unwrap_or_default(),
        &std::fs::read_to_string("/proc/net/fib_trie").map(|text| local_hosts(&text)).unwrap_or_default(),
    )
}

/// A line of the kernel's routing table, numbers in its own byte order.
struct Route<'a> {
    interface: &'a str,
    destination: u32,
    gateway: u32,
    metric: u32,
    mask: u32,
}

impl<'a> Route<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let fields: Vec<_> = line.split_whitespace().collect();
        let hex = |at: usize| u32::from_str_radix(fields.get(at)?, 16).ok();
        Some(Self {
            interface: fields.first()?,
            destination: hex(1)?,
            gateway: hex(2)?,
            metric: fields.get(6)?.parse().ok()?,
            mask: hex(7)?,
        })
    }

    fn is_default(&self) -> bool {
        self.destination == 0 && self.mask == 0
    }

    /// Whether an address lies in the network of this very interface.
    fn is_home_of(&self, address: &str) -> bool {
        let Ok(address) = address.parse::<std::net::Ipv4Addr>() else { return false };
        let number = u32::from_ne_bytes(address.octets());
        self.gateway == 0 && self.mask != 0 && number & self.mask == self.destination
    }
}

/// The way out, and what this computer is called there. Networks of its own making (containers, bridges, tunnels that
/// are no way out) come and go without it being anywhere else; only without a way out do all of them count.
fn read(routes: &str, own: &[String]) -> u64 {
    let routes: Vec<_> = routes.lines().skip(1).filter_map(Route::read).collect();
    if routes.is_empty() {
        return 0;
    }
    let out = routes.iter().filter(|route| route.is_default()).min_by_key(|route| route.metric);
    let counts = |route: &&Route<'_>| out.is_none_or(|out| out.interface == route.interface);
    let mut hasher = DefaultHasher::new();
    out.map(|out| out.gateway).hash(&mut hasher);
    for route in routes.iter().filter(counts) {
        (route.interface, route.destination, route.mask).hash(&mut hasher);
    }
    let at_home = |address: &&String| routes.iter().filter(counts).any(|route| route.is_home_of(address));
    for address in own.iter().filter(|address| out.is_none() || at_home(address)) {
        address.hash(&mut hasher);
    }
    hasher.finish().max(1)
}

/// This computer's own IPv4 addresses other than loopback.
pub(crate) fn own_addresses() -> Vec<IpAddr> {
    let trie = std::fs::read_to_string("/proc/net/fib_trie").unwrap_or_default();
    local_hosts(&trie).iter().filter_map(|text| text.parse().ok()).collect()
}

/// The addresses of this computer, out of `fib_trie`.
fn local_hosts(trie: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut last = None;
    for line in trie.lines() {
        if let Some(address) = line.trim_start().strip_prefix("|-- ") {
            last = Some(address.to_owned());
        } else if line.contains("/32 host LOCAL") {
            found.extend(last.take().filter(|address| !address.starts_with("127.")));
        }
    }
    found.sort();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTES: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
        eth0\t00000000\t01004D0A\t0003\t0\t0\t100\t00000000\t0\t0\t0\n\
        eth0\t00004D0A\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n";
    const CONTAINERS: &str = "docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n";

    #[test]
    fn no_route_is_no_network() {
        assert_eq!(read("Iface\tDestination\n", &[]), 0);
    }

    #[test]
    fn another_gateway_or_address_is_another_attachment() {
        let own = ["10.77.0.100".to_owned()];
        let here = read(ROUTES, &own);
        assert_eq!(here, read(ROUTES, &own));
        assert_ne!(here, read(&ROUTES.replace("01004D0A", "FE004D0A"), &own));
        assert_ne!(here, read(ROUTES, &["10.77.0.101".to_owned()]));
        assert_ne!(here, 0);
    }

    #[test]
    fn containers_come_and_go_without_this_computer_moving() {
        let own = ["10.77.0.100".to_owned()];
        let with_containers = [own[0].clone(), "172.17.0.1".to_owned()];
        let here = read(ROUTES, &own);
        assert_eq!(here, read(&format!("{ROUTES}{CONTAINERS}"), &with_containers));
        let without_way_out =
            ROUTES.lines().filter(|line| !line.contains("01004D0A")).collect::<Vec<_>>().join("\n");
        assert_ne!(here, read(&without_way_out, &own));
        assert_ne!(read(&without_way_out, &own), read(&format!("{without_way_out}\n{CONTAINERS}"), &own));
    }

    #[test]
    fn own_addresses_are_the_local_hosts_of_the_trie() {
        let trie = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 10.77.0.100\n        /32 host LOCAL\n     |-- 127.0.0.1\n        /32 host LOCAL\n     |-- 10.77.0.255\n        /32 link BROADCAST\n";
        assert_eq!(local_hosts(trie), ["10.77.0.100"]);
    }
}
