//! How the demo's fleet is made: the calls that a person makes, one after the other, through the client alone.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use api::request::{
    DnsAdopt, DnsSet, DnsTest, ForeignMarker, MemberEnrol, MemberInvite, MemberUpdate, PoolArm, PoolCreate,
    PoolRehearse, ProfileInit, ProviderAdd, ProviderLink, Set, SettingsPatch, Template, VaultChoice,
};
use api::view::CheckOutcome;
use api::view::pool::Rehearsal;
use api::{Change, MemberRef, Outcome, PoolRef, ProviderName, Request, SecretText};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use client::Client;
use dns::Fqdn;
use dns::demo::{DemoConfig, DemoServer};
use dns::tsig::TsigKey;
use model::settings::{Preset, Targets};
use secrecy::SecretString;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep};

use crate::ground::{Ground, MEMBERS_MAX};
use crate::home::Home;
use crate::machine::Machine;
use crate::member::{Duty, Member, Site};
use crate::{DemoError, Picture};

/// The pool that fails over.
pub(crate) const EDGE: &str = "demo-edge";
/// The one beside it.
const APPS: &str = "demo-apps";
const ZONE: &str = "demo.test";
/// Each pool and its label in the zone.
const NAMES: [(&str, &str); 2] = [(EDGE, "lb"), (APPS, "app")];
const PROVIDER: &str = "demo-dns";
const KEY_NAME: &str = "updates";
const KEY_ALGORITHM: &str = "hmac-sha256";
/// The least that a pool may be set to: nobody wants to wait for a demo.
const DELAY_S: u32 = 10;
const TTL_S: u32 = 1;
/// Where all of loopback comes from: members dial each other from 127.0.0.1, whatever address they listen on.
const SOURCES: &str = "127.0.0.0/8";
/// How long a rehearsal may stay red: members that were just enrolled have to be heard by each other first.
const GREEN: Duration = Duration::from_mins(1);
const AGAIN: Duration = Duration::from_millis(500);

/// A member of the demo, as the script names it.
struct Part {
    name: &'static str,
    pool: &'static str,
    duty: Duty,
    place: &'static str,
}

const fn part(name: &'static str, pool: &'static str, duty: Duty, place: &'static str) -> Part {
    Part { name, pool, duty, place }
}

const CAST: [Part; 5] = [
    part("edge-ams-1", EDGE, Duty::Haproxy, "Amsterdam, 52.37, 4.90"),
    part("edge-fra-2", EDGE, Duty::Haproxy, "Frankfurt, 50.11, 8.68"),
    part("edge-mad-3", EDGE, Duty::Haproxy, "Madrid, 40.42, -3.70"),
    part("app-hel-1", APPS, Duty::Plain, "Helsinki, 60.17, 24.94"),
    part("app-waw-2", APPS, Duty::Plain, "Warsaw, 52.23, 21.01"),
];
const _: () = assert!(CAST.len() <= MEMBERS_MAX as usize);

/// The steps that [`Setup::run`] tells.
pub(crate) const STEPS: u32 = 6 + CAST.len() as u32;

/// The members, without power yet.
pub(crate) fn members(home: &Home, ground: Ground) -> Vec<Member> {
    let site = |number: u8, name: &str| Site {
        address: ground.member(number),
        relay: ground.relay(number),
        service: ground.service(number),
        root: home.member(name),
    };
    (0..)
        .zip(&CAST)
        .map(|(number, part)| Member::new(part.name, part.duty, site(number, part.name)))
        .collect()
}

/// The name server: its power and its key.
pub(crate) struct NameServer {
    pub(crate) machine: Machine,
    address: SocketAddr,
    secret: SecretText,
}

impl NameServer {
    /// Starts it; the records point at the first member of each pool.
    pub(crate) async fn start(home: &Home, ground: Ground) -> Result<Self, DemoError> {
        let secret = random_secret()?;
        let zone = Fqdn::new(ZONE).map_err(DemoError::Zone)?;
        let key = format!("{KEY_NAME}:{KEY_ALGORITHM}:{}", secret.expose());
        let config = DemoConfig {
            listen: ground.name_server(),
            key: TsigKey::parse(&SecretString::from(key)).map_err(DemoError::Zone)?,
            directory: home.zone(),
            addresses: first_records(&zone, ground)?,
            ttl_s: TTL_S,
            zone,
        };
        let directory = home.zone();
        std::fs::create_dir_all(&directory).map_err(|source| DemoError::Directory {
            action: "making",
            path: directory,
            source,
        })?;
        let (tell, told) = oneshot::channel();
        let machine = Machine::start("dns", move || async move {
            match DemoServer::start(config).await {
                Ok(server) => {
                    let _ = tell.send(Ok(()));
                    if let Err(error) = server.run_until(std::future::pending()).await {
                        tracing::error!("the name server of the demo broke: {error}");
                    }
                }
                Err(error) => drop(tell.send(Err(error))),
            }
        })?;
        match told.await {
            Ok(Ok(())) => Ok(Self { machine, address: ground.name_server(), secret }),
            Ok(Err(error)) => Err(DemoError::Dns(error)),
            Err(_) => Err(late("the name server", "its thread ended")),
        }
    }
}

/// The name of each pool, at its first member.
fn first_records(zone: &Fqdn, ground: Ground) -> Result<Vec<(Fqdn, Ipv4Addr)>, DemoError> {
    let mut records = Vec::new();
    for (pool, label) in NAMES {
        let first = (0..).zip(&CAST).find(|(_, part)| part.pool == pool);
        let name = zone.child(label).map_err(DemoError::Zone)?;
        records.extend(first.map(|(number, _)| (name, ground.member(number))));
    }
    Ok(records)
}

/// The set-up under way.
pub(crate) struct Setup<'a> {
    pub(crate) client: &'a Client,
    pub(crate) ground: Ground,
    pub(crate) members: &'a mut [Member],
    pub(crate) tell: &'a watch::Sender<Picture>,
}

impl Setup<'_> {
    /// Makes everything, and arms the pool.
    pub(crate) async fn run(&mut self, server: &NameServer) -> Result<(), DemoError> {
        self.make_profile().await?;
        self.step("Linking the name server of the demo");
        self.link(server).await?;
        self.step("Creating two pools");
        self.create_pools().await?;
        for (number, part) in CAST.iter().enumerate() {
            self.step(&format!("Enrolling {}", part.name));
            self.enrol(number, part).await?;
        }
        self.step("Taking the records over");
        for (pool, label) in NAMES {
            self.adopt(pool, label).await?;
        }
        self.step("Proving that a move is a compare-and-set");
        let test = DnsTest { change: Change::default(), pool: EDGE.into() };
        self.change("testing the zone", test).await?;
        self.step("Rehearsing a failover");
        self.rehearse().await?;
        let arm = PoolArm { change: Change::default(), pool: EDGE.into() };
        self.change("turning automatic failover on", arm).await?;
        Ok(())
    }

    /// Says that a step begins; the one before is done.
    fn step(&self, words: &str) {
        tracing::info!("{words}");
        self.tell.send_modify(|picture| {
            picture.done += 1;
            words.clone_into(&mut picture.words);
        });
    }

    async fn make_profile(&self) -> Result<(), DemoError> {
        // Nobody needs to open this vault again: it goes with the demo.
        let init = ProfileInit {
            change: Change::default(),
            name: "demo-console".to_owned(),
            vault: VaultChoice::File,
            secret: Some(random_secret()?),
        };
        self.change("making the profile", init).await.map(drop)
    }

    async fn link(&self, server: &NameServer) -> Result<(), DemoError> {
        let add = ProviderAdd {
            change: Change::default(),
            name: ProviderName(PROVIDER.to_owned()),
            link: ProviderLink::Rfc2136 {
                server: server.address.to_string(),
                zone: ZONE.to_owned(),
                key_name: KEY_NAME.to_owned(),
                algorithm: KEY_ALGORITHM.to_owned(),
            },
            secret: server.secret.clone(),
        };
        self.change("linking the name server", add).await.map(drop)
    }

    async fn create_pools(&self) -> Result<(), DemoError> {
        let common = SettingsPatch {
            delay_s: Some(DELAY_S),
            ttl_s: Some(TTL_S),
            targets: Some(Targets::Any),
            ..SettingsPatch::default()
        };
        let edge = SettingsPatch {
            preset: Some(Preset::Haproxy),
            probe_port: Set::To(self.ground.service_port()),
            ..common.clone()
        };
        let apps = SettingsPatch { preset: Some(Preset::Generic), ..common };
        for (name, settings) in [(EDGE, edge), (APPS, apps)] {
            let create = PoolCreate { change: Change::default(), name: name.to_owned(), settings };
            self.change("creating a pool", create).await?;
        }
        Ok(())
    }

    async fn enrol(&mut self, number: usize, part: &Part) -> Result<(), DemoError> {
        let member = &mut self.members[number];
        let invite = MemberInvite {
            change: Change::default(),
            pool: part.pool.into(),
            hostname: part.name.to_owned(),
            name: None,
            sources: vec![SOURCES.to_owned()],
            address: Some(member.address.to_string()),
            template: match part.duty {
                Duty::Haproxy => Template::HaproxyEdge,
                Duty::Plain => Template::GenericLinux,
            },
            priority: number as u32,
        };
        let invited = change(self.client, &format!("inviting {}", part.name), invite).await?;
        member.join(&invited.secret)?;
        let enrol = MemberEnrol {
            change: Change::default(),
            invitation: invited.invitation.id,
            address: member.relay.to_string(),
            via: None,
            timeout_ms: None,
        };
        change(self.client, &format!("enrolling {}", part.name), enrol).await?;
        let update = MemberUpdate {
            change: Change::default(),
            member: MemberRef(part.name.to_owned()),
            name: None,
            sources: None,
            address: None,
            priority: None,
            place: Some(part.place.to_owned()),
        };
        change(self.client, &format!("placing {}", part.name), update).await.map(drop)
    }

    async fn adopt(&self, pool: &str, label: &str) -> Result<(), DemoError> {
        let set = DnsSet {
            change: Change::default(),
            pool: pool.into(),
            provider: ProviderName(PROVIDER.to_owned()),
            label: label.to_owned(),
            ttl_s: None,
        };
        self.change("setting the name", set).await?;
        let adopt = DnsAdopt {
            change: Change::default(),
            pool: PoolRef(pool.to_owned()),
            member: None,
            shown: None,
            foreign_marker: ForeignMarker::Respect,
        };
        self.change("taking the record over", adopt).await.map(drop)
    }

    /// Rehearses until it is green: members that were just enrolled may not testify yet.
    async fn rehearse(&self) -> Result<(), DemoError> {
        let began = Instant::now();
        loop {
            let ask = PoolRehearse { change: Change::default(), pool: EDGE.into() };
            let rehearsal = self.change("rehearsing a failover", ask).await?;
            if rehearsal.green {
                return Ok(());
            }
            let seen = red(&rehearsal);
            tracing::debug!("not green yet: {seen}");
            if began.elapsed() > GREEN {
                return Err(late("a green rehearsal", &seen));
            }
            sleep(AGAIN).await;
        }
    }

    async fn change<R, T>(&self, what: &str, request: R) -> Result<T, DemoError>
    where
        R: Request<Answer = Outcome<T>>,
    {
        change(self.client, what, request).await
    }
}

/// Calls a command that changes something.
pub(crate) async fn change<R, T>(client: &Client, what: &str, request: R) -> Result<T, DemoError>
where
    R: Request<Answer = Outcome<T>>,
{
    let refused = |source| DemoError::Refused { what: what.to_owned(), source };
    let outcome = client.call(request).await.map_err(refused)?;
    outcome.into_result().ok_or_else(|| late(what, "it was planned only"))
}

fn red(rehearsal: &Rehearsal) -> String {
    let failed = rehearsal.checks.iter().filter(|check| check.outcome == CheckOutcome::Failed);
    let lines: Vec<_> = failed.map(|check| format!("{}: {}", check.name, check.words)).collect();
    lines.join("; ")
}

fn late(what: &str, seen: &str) -> DemoError {
    DemoError::Late { what: what.to_owned(), seen: seen.to_owned() }
}

fn random_secret() -> Result<SecretText, DemoError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(DemoError::Random)?;
    Ok(SecretText::new(STANDARD.encode(bytes)))
}
