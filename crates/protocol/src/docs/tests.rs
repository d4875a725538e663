use super::*;

pub(crate) fn console_key(n: u8) -> SecretKey {
    SecretKey::from_bytes(&[100 + n; 32])
}

pub(crate) fn console(n: u8, role: Role) -> ConsoleEntry {
    ConsoleEntry {
        id: ConsoleId::from_number(n.into()),
        key: console_key(n).public(),
        name: format!("console-{n}"),
        role,
    }
}

pub(crate) fn member_key(n: u32) -> SecretKey {
    let mut bytes = [7; 32];
    bytes[..4].copy_from_slice(&n.to_be_bytes());
    SecretKey::from_bytes(&bytes)
}

pub(crate) fn member(n: u32) -> MemberEntry {
    let address = std::net::Ipv4Addr::from(0x0a00_0000 + n);
    MemberEntry {
        id: MemberId::from_number(n),
        key: member_key(n).public(),
        name: format!("edge-{n}"),
        hostname: format!("edge-{n}"),
        address,
        sources: vec![Source::address(address.into())],
        pool: PoolId::from_number(1),
        part: Part::Member,
        priority: n,
        relay: Some(SocketAddr::from((address, 7443))),
        witness_for: vec![],
    }
}

/// A roster of the first version with one owner, console 1.
pub(crate) fn roster_of(members: Vec<MemberEntry>) -> Roster {
    Roster { members, ..Roster::first(console(1, Role::Owner)) }
}
