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

fn read(routes: &str, own: &[String]) -> u64 {
    let mut gateway = None;
    let mut interfaces = Vec::new();
    for line in routes.lines().skip(1) {
        let mut fields = line.split_whitespace();
        let (Some(interface), Some(destination), Some(via)) = (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        if destination == "00000000" {
            gateway.get_or_insert_with(|| hex_ipv4(via));
        }
        interfaces.push((interface, destination));
    }
    if interfaces.is_empty() {
        return 0;
    }
    let gateway = gateway.flatten();
    let mut hasher = DefaultHasher::new();
    gateway.hash(&mut hasher);
    interfaces.hash(&mut hasher);
    own.hash(&mut hasher);
    hasher.finish().max(1)
}

fn hex_ipv4(hex: &str) -> Option<String> {
    let number = u32::from_str_radix(hex, 16).ok()?;
    // The kernel prints the bytes in host order.
    Some(std::net::Ipv4Addr::from(number.to_ne_bytes()).to_string())
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

    const ROUTES: &str = "Iface\tDestination\tGateway \tFlags\n\
        eth0\t00000000\t01004D0A\t0003\n\
        eth0\t00004D0A\t00000000\t0001\n";

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
    fn own_addresses_are_the_local_hosts_of_the_trie() {
        let trie = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 10.77.0.100\n        /32 host LOCAL\n     |-- 127.0.0.1\n        /32 host LOCAL\n     |-- 10.77.0.255\n        /32 link BROADCAST\n";
        assert_eq!(local_hosts(trie), ["10.77.0.100"]);
    }
}
