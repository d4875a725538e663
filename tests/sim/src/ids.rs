//! Places in the world's lists, and the ids that stand for them.

use std::net::Ipv4Addr;

use model::marker::Short8;
use model::{ConsoleId, FleetId, Marker, MemberId, Nonce, PoolId};

/// The one fleet.
pub const FLEET: FleetId = FleetId::from_number(0xf1ee_7001);
/// The one pool.
pub const POOL: PoolId = PoolId::from_number(0x0b00_0001);

const FIRST_MEMBER: u32 = 0xaa00_0000;
const FIRST_CONSOLE: u32 = 0xcc00_0000;

/// The id of the member or witness at this place.
pub const fn member(voter: usize) -> MemberId {
    MemberId::from_number(FIRST_MEMBER + voter as u32)
}

/// The place of a member or witness.
pub fn voter(id: MemberId) -> Option<usize> {
    let bytes = id.as_bytes();
    let number = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    number.checked_sub(FIRST_MEMBER).map(|place| place as usize).filter(|place| *place < 64)
}

/// The id of the console at this place.
pub const fn console(place: usize) -> ConsoleId {
    ConsoleId::from_number(FIRST_CONSOLE + place as u32)
}

/// The public address of the member at this place.
pub const fn address(voter: usize) -> Ipv4Addr {
    Ipv4Addr::new(45, 76, 10, 10 + voter as u8)
}

/// The member that an address belongs to.
pub fn by_address(address: Ipv4Addr) -> Option<usize> {
    let [45, 76, 10, last] = address.octets() else { return None };
    last.checked_sub(10).map(usize::from)
}

/// The marker of the adoption.
pub fn first_marker() -> Marker {
    Marker {
        fleet: Short8::of(FLEET.as_bytes()),
        epoch: 1,
        address: address(0),
        member: Short8::of(member(0).as_bytes()),
        nonce: Short8::of(Nonce::from_u64(0x5eed_0001_0000_0000).as_bytes()),
        previous: Short8::of(&[0; 4]),
        unknown: Vec::new(),
    }
}
