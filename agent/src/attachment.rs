//! Where in the network this host stands: a number that changes when it is plugged in elsewhere (safety.md 2.3).
//!
//! It is the hash of the gateway's hardware address and the own prefix, read from the kernel's tables. An address
//! that the kernel has not resolved yet is no change: what was known of the same gateway stays.

use std::fs;
use std::net::Ipv4Addr;

use sha2::{Digest, Sha256};

/// Reads the present attachment and remembers gateways that were resolved before.
#[derive(Debug, Default)]
pub struct Attachment {
    resolved: Option<(Route, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Route {
    interface: String,
    gateway: Ipv4Addr,
    network: Ipv4Addr,
    mask: Ipv4Addr,
}

impl Attachment {
    /// The present attachment; 0 without a default route.
    pub fn read(&mut self) -> u64 {
        let table = |path| fs::read_to_string(path).unwrap_or_default();
        self.judge(&table("/proc/net/route"), &table("/proc/net/arp"))
    }

    fn judge(&mut self, routes: &str, neighbours: &str) -> u64 {
        let Some(route) = default_route(routes) else { return 0 };
        if let Some(hardware) = hardware_of(neighbours, &route) {
            self.resolved = Some((route.clone(), hardware));
        }
        let hardware = match &self.resolved {
            Some((of, hardware)) if *of == route => hardware.as_str(),
            Some(_) | None => "",
        };
        let mut hash = Sha256::new_with_prefix(b"sctl attachment v1\0");
        hash.update(route.network.octets());
        hash.update(route.mask.octets());
        hash.update(hardware.as_bytes());
        let digest: [u8; 32] = hash.finalize().into();
        u64::from_be_bytes([
            digest[0], digest[1], digest[2], digest[3], digest[4], digest[5], digest[6], digest[7],
        ])
    }
}

/// The default route of the smallest metric, with the network that its gateway is in.
fn default_route(table: &str) -> Option<Route> {
    struct Row<'a> {
        interface: &'a str,
        destination: Ipv4Addr,
        gateway: Ipv4Addr,
        metric: u32,
        mask: Ipv4Addr,
    }
    let address = |hex: &str| u32::from_str_radix(hex, 16).ok().map(|n| Ipv4Addr::from(n.to_le_bytes()));
    let rows: Vec<Row<'_>> = table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            Some(Row {
                interface: words.first()?,
                destination: address(words.get(1)?)?,
                gateway: address(words.get(2)?)?,
                metric: words.get(6)?.parse().ok()?,
                mask: address(words.get(7)?)?,
            })
        })
        .collect();
    let default = rows
        .iter()
        .filter(|row| row.mask.is_unspecified() && row.destination.is_unspecified())
        .min_by_key(|row| row.metric)?;
    let masked = |ip: Ipv4Addr, mask: Ipv4Addr| Ipv4Addr::from(ip.to_bits() & mask.to_bits());
    let own = rows
        .iter()
        .filter(|row| row.interface == default.interface && row.gateway.is_unspecified())
        .filter(|row| !row.mask.is_unspecified() && masked(default.gateway, row.mask) == row.destination)
        .max_by_key(|row| row.mask.to_bits());
    Some(Route {
        interface: default.interface.to_owned(),
        gateway: default.gateway,
        network: own.map_or(Ipv4Addr::UNSPECIFIED, |row| row.destination),
        mask: own.map_or(Ipv4Addr::UNSPECIFIED, |row| row.mask),
    })
}

fn hardware_of(table: &str, route: &Route) -> Option<String> {
    let gateway = route.gateway.to_string();
    table.lines().skip(1).find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_ours =
            words.first() == Some(&gateway.as_str()) && words.get(5) == Some(&route.interface.as_str());
        let hardware = words.get(3).copied().filter(|hardware| *hardware != "00:00:00:00:00:00")?;
        is_ours.then(|| hardware.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTES: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
        eth0\t00000000\t014D0A0A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
        eth0\t004D0A0A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";
    const NEIGHBOURS: &str = "IP address       HW type     Flags       HW address            Mask     Device\n\
        10.10.77.1       0x1         0x2         02:00:00:00:00:01     *        eth0\n";

    #[test]
    fn another_gateway_or_prefix_is_another_place() {
        let mut attachment = Attachment::default();
        let here = attachment.judge(ROUTES, NEIGHBOURS);
        assert_ne!(here, 0);
        assert_ne!(Attachment::default().judge(ROUTES, &NEIGHBOURS.replace(":01 ", ":02 ")), here);
        assert_ne!(Attachment::default().judge(&ROUTES.replace("00FFFFFF", "0000FFFF"), NEIGHBOURS), here);
    }

    #[test]
    fn a_gateway_that_is_not_resolved_just_now_is_no_move() {
        let mut attachment = Attachment::default();
        let here = attachment.judge(ROUTES, NEIGHBOURS);
        assert_eq!(attachment.judge(ROUTES, ""), here);
        assert_ne!(attachment.judge(&ROUTES.replace("014D0A0A", "024D0A0A"), ""), here);
    }

    #[test]
    fn no_default_route_and_odd_tables_are_no_place() {
        for table in ["", "x", "Iface\neth0\t004D0A0A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"] {
            assert_eq!(Attachment::default().judge(table, NEIGHBOURS), 0);
        }
    }
}
