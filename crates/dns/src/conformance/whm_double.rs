//! A strict double of WHM API 1 for DNS: a zone file with line numbers and a serial, and every refusal that a real server
//! is known to give. Numbers come as text now and then, as they do there.
//!
//! Sources are cPanel's documentation of `parse_dns_zone`, `mass_edit_dns_zone` and of API authentication, and what
//! users recorded of live servers (bad tokens, `@`, a bare `+`).

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use secrecy::SecretString;

use self::file::{File, Record};
use super::{
    Access, Bench, Foreign,
    stage::{Fault, Reply, Request, Site, Stage, When},
};
use crate::{
    Fqdn, Provider,
    web::Road,
    whm::{Config, Whm},
};

mod calls;
mod file;

/// The token of `root`.
pub const GOOD_TOKEN: &str = "ROOTROOTROOTROOTROOTROOTROOT1234";
const OTHER_TOKEN: &str = "NOBODYNOBODYNOBODYNOBODYNOBODY12";

/// Behaviour of servers that must be found out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Quirk {
    /// Takes any serial: no compare-and-set any more.
    IgnoresSerial,
    /// Refuses every edit, whatever it is.
    RefusesEdits,
}

/// What the double knows.
struct World {
    file: File,
    quirks: Vec<Quirk>,
    answers: u64,
}

/// The running double with one zone.
pub struct WhmDouble {
    world: Arc<Shared>,
    stage: Stage,
    zone: Fqdn,
}

struct Shared(Mutex<World>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Site for Shared {
    fn answer(&self, request: &Request) -> Reply {
        calls::answer(&mut self.lock(), request)
    }

    fn is_write(&self, request: &Request) -> bool {
        request.path.ends_with("/mass_edit_dns_zone")
    }
}

impl WhmDouble {
    /// Serves a zone of that name to `root` with [`GOOD_TOKEN`].
    ///
    /// # Errors
    ///
    /// When no loopback port can be bound.
    pub async fn start(zone: Fqdn) -> io::Result<Self> {
        let world = World::shared(&zone);
        let stage = Stage::start(Arc::clone(&world) as Arc<dyn Site>).await?;
        Ok(Self { world, stage, zone })
    }

    /// As [`WhmDouble::start`] with TLS, for the product's own constructor ([`Whm::new`]).
    ///
    /// # Errors
    ///
    /// As [`Stage::start_tls`].
    pub async fn start_tls(zone: Fqdn, listen: SocketAddr, name: &str) -> io::Result<Self> {
        let world = World::shared(&zone);
        let stage = Stage::start_tls(Arc::clone(&world) as Arc<dyn Site>, listen, name).await?;
        Ok(Self { world, stage, zone })
    }

    /// The base address.
    pub fn base(&self) -> String {
        base(self.stage.address())
    }

    /// The stage: its addresses, its certificate, its script.
    pub fn stage(&self) -> &Stage {
        &self.stage
    }

    /// Puts a fault at the end of the script.
    pub fn then(&self, when: When, fault: Fault) {
        self.stage.then(when, fault);
    }

    /// Takes all requests that came so far.
    pub fn take_requests(&self) -> Vec<Request> {
        self.stage.take_requests()
    }

    /// Behaves oddly from now on.
    pub fn behave(&self, quirk: Quirk) {
        self.world.lock().quirks.push(quirk);
    }

    /// Sets the serial back, as a restored backup does.
    pub fn set_serial(&self, serial: u32) {
        self.world.lock().file.serial = serial;
    }

    /// The zone's serial.
    pub fn serial(&self) -> u32 {
        self.world.lock().file.serial
    }

    /// A provider's settings with this token.
    pub fn config(&self, token: &str) -> Config {
        Config {
            host: "127.0.0.1".to_owned(),
            port: self.stage.address().port(),
            user: "root".to_owned(),
            token: SecretString::from(token.to_owned()),
            zone: self.zone.clone(),
            road: Road::default(),
        }
    }

    /// A provider with these settings.
    ///
    /// # Panics
    ///
    /// When the settings cannot be used.
    pub fn open(&self, config: Config) -> Whm {
        Whm::for_double(config, &self.base()).expect("the test's settings are usable")
    }
}

fn base(address: SocketAddr) -> String {
    format!("http://{address}/json-api")
}

impl World {
    fn shared(zone: &Fqdn) -> Arc<Shared> {
        Arc::new(Shared(Mutex::new(Self { file: File::new(zone), quirks: Vec::new(), answers: 0 })))
    }

    fn has(&self, quirk: Quirk) -> bool {
        self.quirks.contains(&quirk)
    }
}

#[async_trait]
impl Bench for WhmDouble {
    fn zone(&self) -> Fqdn {
        self.zone.clone()
    }

    fn absent_zone(&self) -> Fqdn {
        Fqdn::new("not-served.test").expect("a valid name")
    }

    fn provider(&self, access: Access) -> Arc<dyn Provider> {
        let mut config = self.config(GOOD_TOKEN);
        match access {
            Access::WrongSecret => config.token = SecretString::from(OTHER_TOKEN),
            Access::UnknownKey => "nobody".clone_into(&mut config.user),
            Access::WrongZone => config.zone = self.absent_zone(),
            Access::Good | Access::LostAnswers => {}
        }
        let address =
            if access == Access::LostAnswers { self.stage.lossy_address() } else { self.stage.address() };
        Arc::new(Whm::for_double(config, &base(address)).expect("the bench's settings are usable"))
    }

    async fn edit(&self, name: &Fqdn, records: Foreign) {
        let rows: Vec<(&str, String, u32)> = match records {
            Foreign::A(addresses, ttl_s) => {
                addresses.iter().map(|address| ("A", address.to_string(), ttl_s)).collect()
            }
            Foreign::Dual(four, six) => vec![("A", four.to_string(), 60), ("AAAA", six.to_string(), 60)],
            Foreign::Cname(target) => vec![("CNAME", format!("{target}."), 60)],
            Foreign::Text(texts) => texts.into_iter().map(|text| ("TXT", text, 60)).collect(),
            Foreign::Owned(four, texts) => {
                let texts = texts.into_iter().map(|text| ("TXT", text, 60));
                std::iter::once(("A", four.to_string(), 60)).chain(texts).collect()
            }
            Foreign::Nothing => Vec::new(),
        };
        let rows = rows.into_iter().map(|(kind, data, ttl_s)| Record {
            owner: format!("{name}."),
            kind: kind.to_owned(),
            ttl_s,
            data: vec![data],
        });
        self.world.lock().file.replace(name, rows.collect());
    }
}
