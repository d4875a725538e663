//! Plain questions over UDP, with TCP when an answer does not fit: what resolvers and other name servers say.
//!
//! Nothing here is authenticated. It shows what customers get; it never decides what may be written.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use hickory_proto::{
    op::{Message, OpCode, ResponseCode},
    rr::{Name, RecordType},
};
use serde::{Deserialize, Serialize};
use tokio::{net::UdpSocket, task::JoinSet, time::timeout};

use crate::{ARecord, DnsError, Fqdn, session::Session, wire};

/// Most resolvers that are asked at once.
pub const RESOLVERS_MAX: usize = 32;
/// How often a datagram is sent before the server counts as silent.
const TRIES: u32 = 2;
/// Larger than any datagram that answers a question without EDNS.
const DATAGRAM_SIZE_BYTES_MAX: usize = 4_096;

/// What one resolver says about one name.
#[derive(Debug)]
pub struct Observation {
    /// Who was asked.
    pub resolver: SocketAddr,
    /// What it said.
    pub answer: Result<Observed, DnsError>,
}

/// The addresses that a resolver hands out.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Observed {
    /// A records, aliases followed, sorted; the TTL is what is left of it.
    pub a: Vec<ARecord>,
    /// AAAA records, aliases followed, sorted.
    pub aaaa: Vec<Ipv6Addr>,
}

impl Observed {
    /// True when customers of this resolver get exactly this address.
    pub fn is_only(&self, address: Ipv4Addr) -> bool {
        matches!(self.a.as_slice(), [one] if one.addr == address)
    }
}

/// Asks every resolver for the name, all at once. The answers come in the order of the resolvers.
pub async fn observe(name: &Fqdn, resolvers: &[SocketAddr], patience: Duration) -> Vec<Observation> {
    let mut asking = JoinSet::new();
    for (at, resolver) in resolvers.iter().copied().take(RESOLVERS_MAX).enumerate() {
        let name = name.to_wire();
        asking.spawn(async move {
            let answer = addresses(resolver, &name, patience).await;
            (at, Observation { resolver, answer })
        });
    }
    let mut observations = asking.join_all().await;
    observations.sort_unstable_by_key(|(at, _)| *at);
    observations.into_iter().map(|(_, observation)| observation).collect()
}

/// The resolvers that this computer is configured with.
///
/// # Errors
///
/// When `/etc/resolv.conf` cannot be read.
pub fn system_resolvers() -> io::Result<Vec<SocketAddr>> {
    Ok(resolvers_of(&std::fs::read_to_string("/etc/resolv.conf")?))
}

fn resolvers_of(text: &str) -> Vec<SocketAddr> {
    text.lines()
        .filter_map(|line| line.trim_start().strip_prefix("nameserver"))
        // A scoped address (`fe80::1%eth0`) is left out: its scope means nothing to a plain socket address.
        .filter_map(|rest| rest.split_whitespace().next()?.parse().ok())
        .map(|ip| SocketAddr::new(ip, 53))
        .collect()
}

async fn addresses(resolver: SocketAddr, name: &Name, patience: Duration) -> Result<Observed, DnsError> {
    let (four, six) = tokio::join!(
        ask(resolver, name, RecordType::A, Recursion::Wanted, patience),
        ask(resolver, name, RecordType::AAAA, Recursion::Wanted, patience),
    );
    let mut observed = Observed::default();
    // Aliases may have been followed, so the owner is not compared; the type is.
    for record in &four?.answers {
        if let Some(addr) = wire::as_a(&record.data) {
            observed.a.push(ARecord { addr, ttl_s: record.ttl });
        }
    }
    observed.aaaa.extend(six?.answers.iter().filter_map(|record| wire::as_aaaa(&record.data)));
    observed.a.sort_unstable();
    observed.aaaa.sort_unstable();
    Ok(observed)
}

/// Whether the server is to look elsewhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Recursion {
    Wanted,
    No,
}

/// Asks one question; any answer but NOERROR and NXDOMAIN is an error.
pub(crate) async fn ask(
    server: SocketAddr,
    name: &Name,
    kind: RecordType,
    recursion: Recursion,
    patience: Duration,
) -> Result<Message, DnsError> {
    const OPERATION: &str = "a question";
    let silent =
        || DnsError::Timeout { server, operation: OPERATION, timeout_ms: patience.as_millis() as u64 };
    let answer = timeout(patience, exchange(server, name, kind, recursion, patience / (TRIES + 1)))
        .await
        .map_err(|_| silent())??;
    let code = answer.metadata.response_code;
    if matches!(code, ResponseCode::NoError | ResponseCode::NXDomain) {
        return Ok(answer);
    }
    let words = wire::code_words(code);
    if code == ResponseCode::ServFail {
        return Err(DnsError::ServerFailure { server, operation: OPERATION, code: words });
    }
    Err(DnsError::Unsupported { server, operation: OPERATION, code: words })
}

async fn exchange(
    server: SocketAddr,
    name: &Name,
    kind: RecordType,
    recursion: Recursion,
    each: Duration,
) -> Result<Message, DnsError> {
    const OPERATION: &str = "a question";
    let id = wire::message_id()?;
    let mut message = wire::question(id, name.clone(), kind);
    message.metadata.recursion_desired = recursion == Recursion::Wanted;
    let unusable = |reason: String| DnsError::Protocol { server, operation: OPERATION, reason };
    let bytes = message.to_vec().map_err(|error| unusable(error.to_string()))?;
    let matches = |answer: &Message| {
        answer.metadata.id == id
            && answer.metadata.op_code == OpCode::Query
            // Refusals may leave the question out.
            && (wire::answers_question(answer, name, kind) || answer.queries.is_empty())
    };
    let answer = datagram(server, &bytes, each, &matches).await?;
    if !answer.metadata.truncation {
        return Ok(answer);
    }
    let mut session = Session::open(server, OPERATION, each.as_millis() as u64).await?;
    session.send(std::iter::once(bytes.as_slice())).await?;
    let answer = wire::decode(&session.receive().await?).map_err(unusable)?;
    if matches(&answer) { Ok(answer) } else { Err(unusable("it answers another question".to_owned())) }
}

/// Sends the datagram, again when nothing comes, and takes the first answer that fits; forged ones are passed over.
async fn datagram(
    server: SocketAddr,
    bytes: &[u8],
    each: Duration,
    matches: &(impl Fn(&Message) -> bool + Sync),
) -> Result<Message, DnsError> {
    let unreachable = |source| DnsError::Unreachable { server, source };
    let any: SocketAddr =
        if server.is_ipv4() { (Ipv4Addr::UNSPECIFIED, 0).into() } else { (Ipv6Addr::UNSPECIFIED, 0).into() };
    let socket = UdpSocket::bind(any).await.map_err(unreachable)?;
    socket.connect(server).await.map_err(unreachable)?;
    let mut buffer = vec![0; DATAGRAM_SIZE_BYTES_MAX];
    for _ in 0..TRIES {
        socket.send(bytes).await.map_err(unreachable)?;
        let waiting = async {
            loop {
                let length = socket.recv(&mut buffer).await.map_err(unreachable)?;
                if let Ok(answer) = wire::decode(&buffer[..length])
                    && matches(&answer)
                {
                    return Ok(answer);
                }
            }
        };
        if let Ok(answer) = timeout(each, waiting).await {
            return answer;
        }
    }
    let timeout_ms = (each * TRIES).as_millis() as u64;
    Err(DnsError::Timeout { server, operation: "a question", timeout_ms })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolv_conf_is_read_as_written() {
        let text = "# nameserver 9.9.9.9\nsearch lan\nnameserver 192.0.2.53\n nameserver\t2001:db8::53 # x\nnameserver fe80::1%eth0\n";
        let found = resolvers_of(text);
        assert_eq!(found, ["192.0.2.53:53".parse().unwrap(), "[2001:db8::53]:53".parse().unwrap()]);
    }
}
