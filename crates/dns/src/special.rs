//! IPv4 addresses that no customer on the Internet can reach.
//!
//! The list is IANA's special-purpose registry with multicast and the reserved block. The three anycast blocks that the
//! registry calls reachable (AS112, AMT) are here too: they can never be somebody's own member.

use std::net::Ipv4Addr;

/// Network, prefix length, what it is for.
const SPECIAL: [(Ipv4Addr, u8, &str); 20] = [
    (Ipv4Addr::UNSPECIFIED, 8, "this network"),
    (Ipv4Addr::new(10, 0, 0, 0), 8, "private"),
    (Ipv4Addr::new(100, 64, 0, 0), 10, "shared by carriers"),
    (Ipv4Addr::new(127, 0, 0, 0), 8, "loopback"),
    (Ipv4Addr::new(169, 254, 0, 0), 16, "link-local"),
    (Ipv4Addr::new(172, 16, 0, 0), 12, "private"),
    (Ipv4Addr::new(192, 0, 0, 0), 24, "protocol assignments"),
    (Ipv4Addr::new(192, 0, 2, 0), 24, "documentation"),
    (Ipv4Addr::new(192, 31, 196, 0), 24, "AS112 anycast"),
    (Ipv4Addr::new(192, 52, 193, 0), 24, "AMT anycast"),
    (Ipv4Addr::new(192, 88, 99, 0), 24, "6to4 anycast, withdrawn"),
    (Ipv4Addr::new(192, 168, 0, 0), 16, "private"),
    (Ipv4Addr::new(192, 175, 48, 0), 24, "AS112 anycast"),
    (Ipv4Addr::new(198, 18, 0, 0), 15, "benchmarks"),
    (Ipv4Addr::new(198, 51, 100, 0), 24, "documentation"),
    (Ipv4Addr::new(203, 0, 113, 0), 24, "documentation"),
    (Ipv4Addr::new(224, 0, 0, 0), 4, "multicast"),
    (Ipv4Addr::new(233, 252, 0, 0), 24, "documentation"),
    (Ipv4Addr::new(240, 0, 0, 0), 4, "reserved"),
    (Ipv4Addr::BROADCAST, 32, "broadcast"),
];

/// Says what an address is for when the public Internet cannot reach it; `None` for a public one.
pub fn special_purpose(address: Ipv4Addr) -> Option<&'static str> {
    SPECIAL
        .iter()
        .filter(|(network, prefix, _)| {
            let mask = u32::MAX << (32 - u32::from(*prefix));
            address.to_bits() & mask == network.to_bits() & mask
        })
        .max_by_key(|(_, prefix, _)| *prefix)
        .map(|(_, _, purpose)| *purpose)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(address: &str, expect: Option<&str>) {
        assert_eq!(special_purpose(address.parse().unwrap()), expect, "{address}");
    }

    #[test]
    fn borders_of_each_block() {
        check("0.255.255.255", Some("this network"));
        check("1.0.0.0", None);
        check("9.255.255.255", None);
        check("10.0.0.0", Some("private"));
        check("11.0.0.0", None);
        check("100.63.255.255", None);
        check("100.64.0.0", Some("shared by carriers"));
        check("100.127.255.255", Some("shared by carriers"));
        check("100.128.0.0", None);
        check("126.255.255.255", None);
        check("127.0.0.1", Some("loopback"));
        check("169.254.1.1", Some("link-local"));
        check("172.15.255.255", None);
        check("172.31.255.255", Some("private"));
        check("172.32.0.0", None);
        check("192.0.0.9", Some("protocol assignments"));
        check("192.0.1.0", None);
        check("192.0.2.255", Some("documentation"));
        check("192.167.255.255", None);
        check("192.168.0.1", Some("private"));
        check("198.17.255.255", None);
        check("198.19.255.255", Some("benchmarks"));
        check("198.51.100.7", Some("documentation"));
        check("203.0.113.7", Some("documentation"));
        check("203.0.114.0", None);
        check("223.255.255.255", None);
        check("224.0.0.1", Some("multicast"));
        check("233.252.0.1", Some("documentation"));
        check("240.0.0.1", Some("reserved"));
        check("255.255.255.255", Some("broadcast"));
        check("8.8.8.8", None);
    }
}
