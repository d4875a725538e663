//! A bench for any server that takes RFC 2136 updates over TCP on loopback.

use std::{net::SocketAddr, sync::Arc};

use async_trait::async_trait;
use hickory_proto::{
    op::{Message, MessageType, OpCode, Query, ResponseCode},
    rr::{
        DNSClass, RData, Record, RecordType,
        rdata::{A, AAAA, CNAME, TXT},
    },
};
use secrecy::SecretString;

use super::{Access, Bench, Foreign, cutter::Cutter};
use crate::{
    Fqdn, Provider,
    rfc2136::{Config, Reads, Rfc2136, Timeouts},
    session::Session,
    tsig::{Algorithm, TsigKey},
    wire,
};

/// A secret that is valid base64 and never the right one.
const WRONG_SECRET: &str = "d3Jvbmcgd3Jvbmcgd3Jvbmcgd3Jvbmcgd3Jvbmcgd3I=";

/// One server, one zone, one key with all rights.
pub struct UpdateBench {
    server: SocketAddr,
    zone: Fqdn,
    key_name: String,
    secret_base64: String,
    cutter: Cutter,
}

impl UpdateBench {
    /// Wraps a running server. The key needs the right to change every name of the zone.
    ///
    /// # Panics
    ///
    /// When no loopback port is free for the proxy that loses answers.
    pub async fn new(server: SocketAddr, zone: Fqdn, key_name: &str, secret_base64: &str) -> Self {
        Self {
            server,
            zone,
            key_name: key_name.to_owned(),
            secret_base64: secret_base64.to_owned(),
            cutter: Cutter::start(server).await.expect("a free loopback port"),
        }
    }

    /// A provider as [`Bench::provider`] gives it, with all its settings open.
    pub fn config(&self, access: Access) -> Config {
        let (name, secret) = match access {
            Access::UnknownKey => ("unknown-key", self.secret_base64.as_str()),
            Access::WrongSecret => (self.key_name.as_str(), WRONG_SECRET),
            Access::Good | Access::WrongZone | Access::LostAnswers => {
                (self.key_name.as_str(), self.secret_base64.as_str())
            }
        };
        Config {
            server: if access == Access::LostAnswers { self.cutter.address() } else { self.server },
            zone: if access == Access::WrongZone { self.absent_zone() } else { self.zone.clone() },
            key: TsigKey::new(name, Algorithm::HmacSha256, &SecretString::from(secret.to_owned()))
                .expect("the bench's keys are well formed"),
            reads: Reads::Signed,
            timeouts: Timeouts::default(),
        }
    }
}

#[async_trait]
impl Bench for UpdateBench {
    fn zone(&self) -> Fqdn {
        self.zone.clone()
    }

    fn absent_zone(&self) -> Fqdn {
        Fqdn::new("not-served.test").expect("a valid name")
    }

    fn provider(&self, access: Access) -> Arc<dyn Provider> {
        Arc::new(Rfc2136::new(self.config(access)))
    }

    async fn edit(&self, name: &Fqdn, records: Foreign) {
        let owner = name.to_wire();
        let mut message = Message::new(0x5c71, MessageType::Query, OpCode::Update);
        message.add_query(Query::query(self.zone.to_wire(), RecordType::SOA));
        let mut clear = Record::update0(owner.clone(), 0, RecordType::ANY);
        clear.dns_class = DNSClass::ANY;
        message.add_authority(clear);
        for (data, ttl_s) in data_of(records) {
            message.add_authority(Record::from_rdata(owner.clone(), ttl_s, data));
        }
        let key = self.config(Access::Good).key;
        let now_s = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .expect("the test machine's clock is after 1970")
            .as_secs();
        let request = key.sign(message, now_s).expect("an edit can be encoded");
        let mut session = Session::open(self.server, "an edit", 5_000).await.expect("the server accepts");
        session.send(std::iter::once(request.bytes.as_slice())).await.expect("the server reads");
        let answer = session.receive().await.expect("the server answers");
        let answer = wire::decode(&answer).expect("the answer is a message");
        assert_eq!(answer.metadata.response_code, ResponseCode::NoError, "editing {name}");
    }
}

fn data_of(records: Foreign) -> Vec<(RData, u32)> {
    let text = |text: &String| (RData::TXT(TXT::from_bytes(vec![text.as_bytes()])), 60);
    match records {
        Foreign::A(addresses, ttl_s) => addresses.into_iter().map(|a| (RData::A(A(a)), ttl_s)).collect(),
        Foreign::Dual(four, six) => vec![(RData::A(A(four)), 60), (RData::AAAA(AAAA(six)), 60)],
        Foreign::Cname(target) => vec![(RData::CNAME(CNAME(target.to_wire())), 60)],
        Foreign::Text(texts) => texts.iter().map(text).collect(),
        Foreign::Owned(four, texts) => {
            let mut data = vec![(RData::A(A(four)), 60)];
            data.extend(texts.iter().map(text));
            data
        }
        Foreign::Nothing => Vec::new(),
    }
}
