//! Where a demo stands: a block of 256 loopback addresses and ports above 1024, found free.
//!
//! Every process of every user may use all of 127.0.0.0/8, so a block is chosen by chance and tried. A program that
//! listens on one of the ports on every address takes it in every block; the ports move up then, all together.

use std::ffi::OsString;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::str::FromStr;
use std::time::Duration;

use crate::DemoError;

/// Where the ground stands in the environment of a demo's process.
const VARIABLE: &str = "SERVERSCTL_DEMO_GROUND";
/// Whom the engine asks as a resolver.
const RESOLVERS: &str = "SERVERSCTL_RESOLVERS";
/// Blocks that are tried before the ports move.
const BLOCKS_PER_SHIFT: u16 = 8;
/// How far the ports move up at most.
const SHIFT_MAX: u16 = 40;
/// A listener on loopback takes a connection in much less.
const ANSWER: Duration = Duration::from_millis(300);
/// Last part of the name server's address.
const DNS_HOST: u8 = 53;
/// Last part of the first member's address; the others follow.
const FIRST_HOST: u8 = 11;
/// Members for which there is room.
pub(crate) const MEMBERS_MAX: u8 = 8;

/// A block of loopback addresses with the ports that the demo uses on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ground {
    block: (u8, u8),
    shift: u16,
}

impl Ground {
    /// Finds a free one.
    ///
    /// # Errors
    /// None of many is free.
    pub fn find() -> Result<Self, DemoError> {
        for number in 0..BLOCKS_PER_SHIFT * SHIFT_MAX {
            let mut bytes = [0; 2];
            getrandom::fill(&mut bytes).map_err(DemoError::Random)?;
            // Low blocks are where people put their own things; 127.0.0 and 127.0.1 above all.
            let block = (64 + bytes[0] % 160, bytes[1]);
            let ground = Self { block, shift: number / BLOCKS_PER_SHIFT };
            if ground.is_free() {
                return Ok(ground);
            }
        }
        Err(DemoError::NoGround)
    }

    fn is_free(self) -> bool {
        let members = (0..MEMBERS_MAX).flat_map(|number| [self.relay(number), self.service(number)]);
        let listeners: Vec<_> =
            members.chain([self.name_server()]).map(|address| TcpListener::bind(address).ok()).collect();
        listeners.iter().all(Option::is_some) && UdpSocket::bind(self.name_server()).is_ok()
    }

    fn host(self, last: u8) -> Ipv4Addr {
        Ipv4Addr::new(127, self.block.0, self.block.1, last)
    }

    /// The name server.
    pub fn name_server(self) -> SocketAddr {
        (self.host(DNS_HOST), 5300 + self.shift).into()
    }

    /// A member's own address.
    pub(crate) fn member(self, number: u8) -> Ipv4Addr {
        self.host(FIRST_HOST + number)
    }

    /// Its relay.
    pub(crate) fn relay(self, number: u8) -> SocketAddr {
        (self.member(number), 7443 + self.shift).into()
    }

    /// What its HAProxy serves.
    pub(crate) fn service(self, number: u8) -> SocketAddr {
        (self.member(number), self.service_port()).into()
    }

    pub(crate) fn service_port(self) -> u16 {
        8080 + self.shift
    }

    /// Whom the engine may ask as a resolver. Its check of the zone asks the servers it finds on port 53; where a
    /// program listens there on every address, that one would answer for us and say that there is no such zone, so
    /// then nobody is named who would answer.
    fn resolver(self) -> SocketAddr {
        let usual = SocketAddr::from((self.host(DNS_HOST), 53));
        match TcpStream::connect_timeout(&usual, ANSWER) {
            Ok(_) => (self.host(DNS_HOST), 9).into(),
            Err(_) => self.name_server(),
        }
    }
}

impl fmt::Display for Ground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "127.{}.{}+{}", self.block.0, self.block.1, self.shift)
    }
}

impl FromStr for Ground {
    type Err = DemoError;

    fn from_str(text: &str) -> Result<Self, DemoError> {
        let read = || {
            let (block, shift) = text.strip_prefix("127.")?.split_once('+')?;
            let (first, second) = block.split_once('.')?;
            let ground = Self {
                block: (first.parse().ok()?, second.parse().ok()?),
                shift: shift.parse().ok().filter(|shift| *shift < SHIFT_MAX)?,
            };
            (ground.to_string() == text).then_some(ground)
        };
        read().ok_or_else(|| DemoError::OddGround { text: text.chars().take(64).collect() })
    }
}

/// Finds the ground of this process. The engine reads from the environment whom to ask as a resolver, and an environment
/// can only be given to a program that starts: so this one starts itself again with it, unless it has it. The pid stays.
///
/// # Errors
/// No ground, or the program cannot be started again.
pub fn prepare(arguments: impl Iterator<Item = OsString>) -> Result<Ground, DemoError> {
    if let Some(ground) = std::env::var_os(VARIABLE) {
        return ground.to_string_lossy().parse();
    }
    let ground = Ground::find()?;
    let own = std::env::current_exe().map_err(DemoError::Restart)?;
    let error = Command::new(own)
        .args(arguments)
        .env(VARIABLE, ground.to_string())
        .env(RESOLVERS, ground.resolver().to_string())
        .exec();
    Err(DemoError::Restart(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ground_is_written_and_read() {
        let ground: Ground = "127.77.3+2".parse().unwrap();
        assert_eq!(ground.to_string(), "127.77.3+2");
        assert_eq!(ground.name_server().to_string(), "127.77.3.53:5302");
        assert_eq!(ground.relay(1).to_string(), "127.77.3.12:7445");
        assert_eq!(ground.service(0).to_string(), "127.77.3.11:8082");
        for odd in ["", "127.77.3", "127.77.3+99", "10.77.3+0", "127.077.3+0", "127.77.3.4+0", "127.300.3+0"]
        {
            assert!(odd.parse::<Ground>().is_err(), "{odd}");
        }
    }

    #[test]
    fn a_ground_where_somebody_listens_is_passed_over() {
        let ground = Ground::find().unwrap();
        assert!(ground.is_free());
        let _taken = TcpListener::bind(ground.relay(MEMBERS_MAX - 1)).unwrap();
        assert!(!ground.is_free());
    }
}
