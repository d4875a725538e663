//! Addresses of `bind` and `stats socket` lines.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Where something listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// TCP.
    Tcp {
        /// The address part.
        host: Host,
        /// The port part.
        ports: Ports,
    },
    /// UDP, which is QUIC on a `bind` line.
    Udp {
        /// The address part.
        host: Host,
        /// The port part.
        ports: Ports,
    },
    /// A path in the file system.
    Unix(String),
    /// A name in the abstract namespace.
    Abstract(String),
    /// A descriptor that was inherited, or a pair of sockets.
    Inherited,
    /// Cannot be known from the text: a variable, or a form that this version does not know.
    Unreadable,
}

/// The address part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// All IPv4 addresses.
    AnyV4,
    /// All IPv6 addresses (IPv4 too with `v4v6`, which is a parameter of the line).
    AnyV6,
    /// One IPv4 address.
    V4(Ipv4Addr),
    /// One IPv6 address.
    V6(Ipv6Addr),
    /// A name that HAProxy resolves at its start.
    Name(String),
}

/// The port part: one port, or a range of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    /// The first, or the only one.
    pub first: u16,
    /// The last.
    pub last: u16,
}

#[derive(Clone, Copy, PartialEq)]
enum Family {
    Unsaid,
    V4,
    V6,
}

impl Address {
    /// Reads one address; `prefix` is the one that `unix-bind prefix` puts before paths.
    #[must_use]
    pub fn read(text: &str, prefix: &str) -> Self {
        if text.contains('$') {
            return Self::Unreadable;
        }
        let (scheme, rest) = text.split_once('@').unwrap_or(("", text));
        match scheme {
            "" if rest.starts_with('/') => Self::Unix(format!("{prefix}{rest}")),
            "unix" | "uxst" => Self::Unix(format!("{prefix}{rest}")),
            "abns" | "abnsz" => Self::Abstract(rest.to_owned()),
            "fd" | "sockpair" => Self::Inherited,
            "" => Self::tcp(Family::Unsaid, rest),
            "ipv4" | "tcp" | "tcp4" | "stream+ipv4" | "mptcp4" => Self::tcp(Family::V4, rest),
            "ipv6" | "tcp6" | "stream+ipv6" | "mptcp6" => Self::tcp(Family::V6, rest),
            "quic4" | "udp" | "udp4" => Self::udp(Family::V4, rest),
            "quic6" | "udp6" => Self::udp(Family::V6, rest),
            _ => Self::Unreadable,
        }
    }

    fn tcp(family: Family, text: &str) -> Self {
        match host_and_ports(family, text) {
            Some((host, ports)) => Self::Tcp { host, ports },
            None => Self::Unreadable,
        }
    }

    fn udp(family: Family, text: &str) -> Self {
        match host_and_ports(family, text) {
            Some((host, ports)) => Self::Udp { host, ports },
            None => Self::Unreadable,
        }
    }
}

fn host_and_ports(family: Family, text: &str) -> Option<(Host, Ports)> {
    // The port is behind the last colon, also in `:::443`, which is `::` and 443.
    let (host, ports) = text.rsplit_once(':')?;
    Some((self::host(family, host)?, self::ports(ports)?))
}

fn host(family: Family, text: &str) -> Option<Host> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    match bare {
        "" | "*" if family == Family::V6 => return Some(Host::AnyV6),
        "" | "*" | "0.0.0.0" => return Some(Host::AnyV4),
        "::" => return Some(Host::AnyV6),
        _ => {}
    }
    if let Ok(address) = bare.parse::<Ipv4Addr>() {
        return Some(Host::V4(address));
    }
    // A zone (`fe80::1%eth0`) is not part of the address.
    if let Ok(address) = bare.split('%').next().unwrap_or(bare).parse::<Ipv6Addr>() {
        return Some(Host::V6(address));
    }
    let name = bare.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
    name.then(|| Host::Name(bare.to_owned()))
}

fn ports(text: &str) -> Option<Ports> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let ports = Ports { first: first.parse().ok()?, last: last.parse().ok()? };
    (ports.first > 0 && ports.first <= ports.last).then_some(ports)
}
