//! A strict double of Cloudflare's API: the calls that this product makes, and every refusal that the real API is known
//! to give for them, with its code. What is not documented is refused, so that a client that relies on it is found out.
//!
//! Sources are Cloudflare's documentation of "List DNS Records", "Batch DNS Records", "Error messages" and "Rate
//! limits". Where the real behaviour is not known for sure, a [`Quirk`] shows the other possibility.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use secrecy::SecretString;
use serde_json::{Value, json};

use self::zone::{Zone, row};
use super::{
    Access, Bench, Foreign,
    stage::{Fault, Reply, Request, Site, Stage, When},
};
use crate::{
    Fqdn, Provider,
    cloudflare::{Account, Cloudflare, Config},
    web::Road,
};

mod routes;
mod zone;

/// The token with all rights in the bench's zone.
pub const GOOD_TOKEN: &str = "cfut_GoodGoodGoodGoodGoodGoodGoodGoodGoodGood0a1b2c3d";
const OTHER_TOKEN: &str = "cfut_NobodyKnowsMeNobodyKnowsMeNobodyKnows0a1b2c3d";
/// The account of every zone.
pub const ACCOUNT: &str = "0123456789abcdef0123456789abcdef";

/// What one token may do.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The token.
    pub token: String,
    /// `active`, `disabled` or `expired`.
    pub status: String,
    /// RFC 3339.
    pub expires_on: Option<String>,
    /// A user's token, or an account's own.
    pub owner: Owner,
    /// Zone Read.
    pub zone_read: bool,
    /// DNS Read.
    pub dns_read: bool,
    /// DNS Write.
    pub dns_write: bool,
}

impl Grant {
    /// An active user token with all rights.
    pub fn all(token: &str) -> Self {
        Self {
            token: token.to_owned(),
            status: "active".to_owned(),
            expires_on: None,
            owner: Owner::User,
            zone_read: true,
            dns_read: true,
            dns_write: true,
        }
    }
}

/// Whose a token is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Owner {
    /// Verified at `/user/tokens/verify`.
    User,
    /// Verified at `/accounts/{id}/tokens/verify`, unknown at the other.
    Account,
}

/// Behaviour that the documentation leaves open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Quirk {
    /// A batch that deletes what is not there goes on without it: no compare-and-set any more.
    AcceptsMissingDeletes,
    /// A batch stores all but the last record and says yes.
    DropsLastPost,
    /// The list of zones is not filtered by name.
    IgnoresZoneName,
}

/// What the double knows.
#[derive(Default)]
pub struct World {
    zones: Vec<Zone>,
    grants: Vec<Grant>,
    quirks: Vec<Quirk>,
    ids: u64,
    /// Requests that will be answered with 429.
    blocked: u32,
}

/// The running double with one zone.
pub struct CloudflareDouble {
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
        let reply = routes::answer(&mut self.lock(), request);
        let left = reply.with("ratelimit", "\"default\";r=1100;t=300");
        left.with("ratelimit-policy", "\"default\";q=1200;w=300")
    }

    fn is_write(&self, request: &Request) -> bool {
        request.method != "GET"
    }
}

impl CloudflareDouble {
    /// Serves an active zone of that name with [`GOOD_TOKEN`].
    ///
    /// # Errors
    ///
    /// When no loopback port can be bound.
    pub async fn start(zone: Fqdn) -> io::Result<Self> {
        let world = World::shared(&zone);
        let stage = Stage::start(Arc::clone(&world) as Arc<dyn Site>).await?;
        Ok(Self { world, stage, zone })
    }

    /// As [`CloudflareDouble::start`] with TLS, for the product's own constructor ([`Cloudflare::at`]).
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

    /// Adds a token, or replaces it.
    pub fn grant(&self, grant: Grant) {
        let mut world = self.world.lock();
        world.grants.retain(|known| known.token != grant.token);
        world.grants.push(grant);
    }

    /// Adds another zone, also one of the same name.
    pub fn add_zone(&self, name: &Fqdn, status: &str) {
        self.world.lock().add_zone(name, status);
    }

    /// Gives the zone another id, as deleting and adding it again does; its records stay.
    pub fn renew_zone(&self) {
        let mut world = self.world.lock();
        let id = world.new_id();
        world.zones[0].id = id;
    }

    /// Behaves oddly from now on.
    pub fn behave(&self, quirk: Quirk) {
        self.world.lock().quirks.push(quirk);
    }

    /// Answers so many requests with 429.
    pub fn block(&self, requests: u32) {
        self.world.lock().blocked = requests;
    }

    /// Changes a record in place, as somebody does in the dashboard: it keeps its id.
    pub fn edit_in_place(&self, name: &Fqdn, kind: &str, field: &str, value: &Value) {
        let mut world = self.world.lock();
        for record in &mut world.zones[0].records {
            if record.name == name.as_str() && record.kind == kind {
                record.set(field, value);
            }
        }
    }

    /// Every record at the name, as the API would show it.
    pub fn rows(&self, name: &Fqdn) -> Vec<Value> {
        let world = self.world.lock();
        world.zones[0].records.iter().filter(|record| record.name == name.as_str()).map(row).collect()
    }

    /// A provider's settings with this token.
    pub fn config(&self, token: &str) -> Config {
        Config {
            zone: self.zone.clone(),
            account_id: None,
            credential: "the double's token".to_owned(),
            token: SecretString::from(token.to_owned()),
            road: Road::default(),
            account: Arc::new(Account::new()),
        }
    }

    /// A provider with these settings.
    ///
    /// # Panics
    ///
    /// When the settings cannot be used.
    pub fn open(&self, config: Config) -> Cloudflare {
        Cloudflare::for_double(config, &self.base()).expect("the test's settings are usable")
    }
}

fn base(address: SocketAddr) -> String {
    format!("http://{address}/client/v4")
}

impl World {
    fn shared(zone: &Fqdn) -> Arc<Shared> {
        let mut world = Self { grants: vec![Grant::all(GOOD_TOKEN)], ..Self::default() };
        world.add_zone(zone, "active");
        Arc::new(Shared(Mutex::new(world)))
    }

    fn add_zone(&mut self, name: &Fqdn, status: &str) {
        let id = self.new_id();
        self.zones.push(Zone::new(id, name, status));
    }

    /// Ids look random and never come again.
    fn new_id(&mut self) -> String {
        self.ids += 1;
        let high = self.ids.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        format!("{high:016x}{:016x}", self.ids)
    }

    fn has(&self, quirk: Quirk) -> bool {
        self.quirks.contains(&quirk)
    }
}

#[async_trait]
impl Bench for CloudflareDouble {
    fn zone(&self) -> Fqdn {
        self.zone.clone()
    }

    fn absent_zone(&self) -> Fqdn {
        Fqdn::new("not-served.test").expect("a valid name")
    }

    fn provider(&self, access: Access) -> Arc<dyn Provider> {
        let token = match access {
            Access::UnknownKey => OTHER_TOKEN,
            Access::WrongSecret => "not-even-the-shape-of-a-token",
            Access::Good | Access::WrongZone | Access::LostAnswers => GOOD_TOKEN,
        };
        let mut config = self.config(token);
        if access == Access::WrongZone {
            config.zone = self.absent_zone();
        }
        let address =
            if access == Access::LostAnswers { self.stage.lossy_address() } else { self.stage.address() };
        Arc::new(Cloudflare::for_double(config, &base(address)).expect("the bench's settings are usable"))
    }

    async fn edit(&self, name: &Fqdn, records: Foreign) {
        let rows: Vec<(&str, String, u32)> = match records {
            Foreign::A(addresses, ttl_s) => {
                addresses.iter().map(|address| ("A", address.to_string(), ttl_s)).collect()
            }
            Foreign::Dual(four, six) => vec![("A", four.to_string(), 60), ("AAAA", six.to_string(), 60)],
            Foreign::Cname(target) => vec![("CNAME", target.to_string(), 60)],
            Foreign::Text(texts) => texts.into_iter().map(|text| ("TXT", text, 60)).collect(),
            Foreign::Owned(four, texts) => {
                let texts = texts.into_iter().map(|text| ("TXT", text, 60));
                std::iter::once(("A", four.to_string(), 60)).chain(texts).collect()
            }
            Foreign::Nothing => Vec::new(),
        };
        let mut world = self.world.lock();
        world.zones[0].records.retain(|record| record.name != name.as_str());
        for (kind, content, ttl_s) in rows {
            let id = world.new_id();
            let body = json!({ "type": kind, "name": name.as_str(), "content": content, "ttl": ttl_s });
            let record = zone::Record::posted(id, &body, name).expect("a bench edits with valid records");
            world.zones[0].records.push(record);
        }
    }
}
