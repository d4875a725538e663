//! A small authoritative name server with exact compare-and-set, for tests and the demo.
//!
//! Hickory answers the questions from its in-memory zone; updates are ours, because hickory's own store checks
//! "contains" where the RFC says "equals" and holds no lock between check and change. One update at a time: signature,
//! zone, conditions, changes on a copy, serial, file (synced and renamed), and only then do readers see it. An update
//! that was answered is on disk; one that was not is there as a whole or not at all, whenever the process is killed.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use hickory_proto::rr::{
    LowerName, RData, RecordType,
    rdata::{A, NS, SOA},
};
use hickory_server::{
    Server,
    store::in_memory::InMemoryZoneHandler,
    zone_handler::{AxfrPolicy, Catalog, ZoneHandler, ZoneType},
};
use tokio::{
    net::{TcpListener, TcpSocket, UdpSocket},
    sync::Mutex,
};

use self::{
    answer::{Answers, SignedZone},
    file::ZoneFile,
    zone::{Records, Zone},
};
use crate::{DnsError, Fqdn, tsig::TsigKey};

mod answer;
mod file;
mod seal;
mod zone;

/// A connection that asks nothing for this long is closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Answers that may wait for a slow reader, per connection.
const ANSWERS_QUEUED_MAX: usize = 64;

/// What the server serves, and where.
pub struct DemoConfig {
    /// UDP and TCP; port 0 picks a free one for both.
    pub listen: SocketAddr,
    /// The one zone.
    pub zone: Fqdn,
    /// The one key, with all rights in the zone.
    pub key: TsigKey,
    /// Where the zone is kept. A zone that is there wins over `addresses`.
    pub directory: PathBuf,
    /// A records of a new zone.
    pub addresses: Vec<(Fqdn, Ipv4Addr)>,
    /// Their TTL.
    pub ttl_s: u32,
}

/// Why the demo server does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DemoError {
    /// The key cannot be used.
    #[error("the demo server's key")]
    Key(#[source] DnsError),
    /// A first record is not in the zone.
    #[error("{name} is not inside the zone {zone}")]
    OutsideZone {
        /// The record's name.
        name: Fqdn,
        /// The zone.
        zone: Fqdn,
    },
    /// The stored zone cannot be read.
    #[error("reading the zone from {}", path.display())]
    Load {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The zone cannot be stored.
    #[error("storing the zone in {}", path.display())]
    Save {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The address cannot be listened on.
    #[error("listening on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The server ended by itself.
    #[error("serving: {0}")]
    Serve(String),
}

/// The running server. It ends when dropped.
pub struct DemoServer {
    server: Server<Answers>,
    address: SocketAddr,
}

impl DemoServer {
    /// Loads or makes the zone, binds UDP and TCP, and serves.
    ///
    /// # Errors
    ///
    /// [`DemoError`], before anything is served.
    pub async fn start(config: DemoConfig) -> Result<Self, DemoError> {
        let origin = LowerName::new(&config.zone.to_wire());
        let file = ZoneFile::new(&config.directory);
        let records = if let Some(records) = file.load(&origin)? {
            records
        } else {
            let records = first_records(&config, &origin)?;
            file.save(&records)?;
            records
        };
        let signer = config.key.server_signer().map_err(DemoError::Key)?;
        let memory: Arc<InMemoryZoneHandler> = Arc::new(InMemoryZoneHandler::empty(
            config.zone.to_wire(),
            ZoneType::Primary,
            AxfrPolicy::Deny,
            None,
        ));
        *memory.records_mut().await = records;
        let zone = Arc::new(SignedZone { memory, signer, file, updating: Mutex::new(()) });
        let mut catalog = Catalog::new();
        catalog.upsert(origin, vec![Arc::clone(&zone) as Arc<dyn ZoneHandler>]);
        let (tcp, udp, address) = bind(config.listen).await?;
        let mut server = Server::new(Answers { catalog, zone });
        server.register_socket(udp);
        server.register_listener(tcp, IDLE_TIMEOUT, ANSWERS_QUEUED_MAX);
        Ok(Self { server, address })
    }

    /// Where it serves.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` resolves or the server fails.
    ///
    /// # Errors
    ///
    /// [`DemoError::Serve`] when a socket breaks.
    pub async fn run_until(mut self, stop: impl Future<Output = ()>) -> Result<(), DemoError> {
        let token = self.server.shutdown_token().clone();
        tokio::select! {
            () = stop => token.cancel(),
            ended = self.server.block_until_done() => {
                return ended.map_err(|error| DemoError::Serve(error.to_string()));
            }
        }
        Ok(())
    }
}

fn first_records(config: &DemoConfig, origin: &LowerName) -> Result<Records, DemoError> {
    let mut zone = Zone { origin: origin.clone(), records: Records::new() };
    let apex = config.zone.to_wire();
    let outside = |name: &Fqdn| DemoError::OutsideZone { name: name.clone(), zone: config.zone.clone() };
    let server = config.zone.child("ns1").map_err(DemoError::Key)?;
    let contact = config.zone.child("hostmaster").map_err(DemoError::Key)?;
    let soa = SOA::new(server.to_wire(), contact.to_wire(), 1, 3_600, 600, 86_400, 60);
    zone.put(origin, RecordType::SOA, 300, vec![RData::SOA(soa)]);
    zone.put(&LowerName::new(&apex), RecordType::NS, 300, vec![RData::NS(NS(server.to_wire()))]);
    if let IpAddr::V4(address) = config.listen.ip()
        && !address.is_unspecified()
    {
        zone.put(&LowerName::new(&server.to_wire()), RecordType::A, 300, vec![RData::A(A(address))]);
    }
    for (name, _) in &config.addresses {
        if !name.is_within(&config.zone) {
            return Err(outside(name));
        }
        let all = config.addresses.iter().filter(|(other, _)| other == name);
        let all = all.map(|(_, address)| RData::A(A(*address))).collect();
        zone.put(&LowerName::new(&name.to_wire()), RecordType::A, config.ttl_s, all);
    }
    Ok(zone.records)
}

/// Binds TCP, then UDP on the same port; with port 0 another process may hold that UDP port, so it is tried again.
async fn bind(address: SocketAddr) -> Result<(TcpListener, UdpSocket, SocketAddr), DemoError> {
    let failed = |source| DemoError::Listen { address, source };
    let mut tries = if address.port() == 0 { 16 } else { 1 };
    loop {
        let tcp = listen(address).map_err(failed)?;
        let bound = tcp.local_addr().map_err(failed)?;
        tries -= 1;
        match UdpSocket::bind(bound).await {
            Ok(udp) => return Ok((tcp, udp, bound)),
            Err(error) if tries == 0 => return Err(failed(error)),
            Err(_) => {}
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restarted server must get its port back while old connections still linger.
    socket.set_reuseaddr(true)?;
    // Accepted connections inherit this; hickory does not set it, and small answers would wait 40 ms for an ACK.
    socket.set_nodelay(true)?;
    socket.bind(address)?;
    socket.listen(128)
}
