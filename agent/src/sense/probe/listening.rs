//! The kernel's table of listening TCP sockets and their accept queues.
//!
//! Asked over netlink, which costs 20 microseconds. Where that is forbidden, `/proc/net/tcp` says the same for the
//! fiftyfold price, since the kernel walks through its table of connections too: it lists listening sockets first, and
//! for those the column `rx_queue` is the number of connections that wait to be accepted.

mod diag;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Listening sockets that are looked at.
const SOCKETS_MAX: usize = 4096;
/// State of a listening socket in the table.
const LISTEN: &str = "0A";
/// State of a connection whose handshake has begun; old kernels list these among the listening ones.
const SYN_RECEIVED: &str = "03";

/// What waits at a listening address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queue {
    /// No socket listens there.
    NobodyListens,
    /// Nothing waits.
    Empty,
    /// So many connections wait.
    Waiting(u32),
}

/// The table at one moment.
#[derive(Debug, Clone, Default)]
pub struct ListenTable {
    sockets: Vec<(SocketAddr, u32)>,
}

/// Reads the table, again and again.
#[derive(Debug, Default)]
pub struct Listening {
    diag: Option<diag::Diag>,
    diag_refused: bool,
}

impl Listening {
    /// The table now; `None` when the kernel does not show it.
    pub fn read(&mut self) -> Option<ListenTable> {
        if !self.diag_refused {
            if let Some(sockets) = self.ask_kernel() {
                return Some(ListenTable { sockets });
            }
            self.diag_refused = true;
            tracing::info!("netlink does not show listening sockets, /proc is read for them");
        }
        ListenTable::from_proc()
    }

    fn ask_kernel(&mut self) -> Option<Vec<(SocketAddr, u32)>> {
        if self.diag.is_none() {
            self.diag = Some(diag::Diag::open()?);
        }
        self.diag.as_mut()?.ask(SOCKETS_MAX)
    }
}

impl ListenTable {
    fn from_proc() -> Option<Self> {
        let mut table = Self::default();
        table.add(BufReader::new(File::open("/proc/net/tcp").ok()?));
        // A kernel without IPv6 has no such file.
        if let Ok(file) = File::open("/proc/net/tcp6") {
            table.add(BufReader::new(file));
        }
        Some(table)
    }

    /// What waits at an address. Sockets that share it are added up.
    #[must_use]
    pub fn queue(&self, bound: SocketAddr) -> Queue {
        let mut queues =
            self.sockets.iter().filter(|(address, _)| *address == bound).map(|(_, waiting)| *waiting);
        let Some(first) = queues.next() else { return Queue::NobodyListens };
        match queues.fold(first, u32::saturating_add) {
            0 => Queue::Empty,
            count => Queue::Waiting(count),
        }
    }

    fn add(&mut self, table: impl BufRead) {
        for line in table.lines().skip(1).map_while(Result::ok) {
            let mut words = line.split_ascii_whitespace().skip(1);
            let (local, state, queues) = (words.next(), words.nth(1), words.next());
            match state {
                Some(LISTEN) if self.sockets.len() < SOCKETS_MAX => {
                    let waiting =
                        queues.and_then(|queues| u32::from_str_radix(queues.split(':').nth(1)?, 16).ok());
                    if let (Some(address), Some(waiting)) = (local.and_then(address), waiting) {
                        self.sockets.push((address, waiting));
                    }
                }
                Some(SYN_RECEIVED) => {}
                _ => return,
            }
        }
    }
}

/// `0100007F:1F90`: words of the address in the machine's byte order, and the port.
fn address(text: &str) -> Option<SocketAddr> {
    let (host, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |at: usize| Some(u32::from_str_radix(host.get(at * 8..at * 8 + 8)?, 16).ok()?.to_ne_bytes());
    let host: IpAddr = match host.len() {
        8 => Ipv4Addr::from(word(0)?).into(),
        32 => {
            let mut bytes = [0; 16];
            for (at, chunk) in bytes.chunks_exact_mut(4).enumerate() {
                chunk.copy_from_slice(&word(at)?);
            }
            Ipv6Addr::from(bytes).into()
        }
        _ => return None,
    };
    Some(SocketAddr::new(host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:01BB 00000000:0000 0A 00000000:00000003 00:00000000 00000000     0        0 95356 2 0 100 0 1 10 0
   1: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 94158 1 0 100 0 0 10 0
   2: 0100007F:0050 0100007F:9000 01 00000000:00000009 00:00000000 00000000     0        0 94159 1 0 100 0 0 10 0
   3: 0100007F:0051 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 94160 1 0 100 0 0 10 0
";

    #[test]
    #[cfg(target_endian = "little")]
    fn the_table_is_read_up_to_the_first_connection() {
        let mut table = ListenTable::default();
        table.add(TABLE.as_bytes());
        assert_eq!(table.queue("0.0.0.0:443".parse().unwrap()), Queue::Waiting(3));
        assert_eq!(table.queue("127.0.0.1:80".parse().unwrap()), Queue::Empty);
        assert_eq!(table.queue("127.0.0.1:81".parse().unwrap()), Queue::NobodyListens);
    }

    fn shows_who_waits(mut read: impl FnMut() -> ListenTable) {
        let v4 = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let v4_address = v4.local_addr().unwrap();
        assert_eq!(read().queue(v4_address), Queue::Empty);
        let _client = std::net::TcpStream::connect(v4_address).unwrap();
        assert_eq!(read().queue(v4_address), Queue::Waiting(1));
        let _accepted = v4.accept().unwrap();
        assert_eq!(read().queue(v4_address), Queue::Empty);
        drop(v4);
        assert_eq!(read().queue(v4_address), Queue::NobodyListens);
        let Ok(v6) = std::net::TcpListener::bind("[::1]:0") else { return };
        assert_eq!(read().queue(v6.local_addr().unwrap()), Queue::Empty);
    }

    #[test]
    fn netlink_shows_who_waits() {
        let mut diag = diag::Diag::open().unwrap();
        shows_who_waits(|| ListenTable { sockets: diag.ask(SOCKETS_MAX).unwrap() });
    }

    #[test]
    fn proc_shows_who_waits() {
        shows_who_waits(|| ListenTable::from_proc().unwrap());
    }

    proptest::proptest! {
        #[test]
        fn any_table_is_survived(text in "([0-9A-F: \n]{0,400})") {
            ListenTable::default().add(text.as_bytes());
        }
    }
}
