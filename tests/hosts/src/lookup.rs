//! One DNS question by hand: no cache, no resolver of the system, nothing kept between two questions.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};

/// What UDP answers have at most without EDNS, and room to see that one is too long.
const ANSWER_MAX_BYTES: usize = 1_500;

/// Asks `server` for the A records of `name`, from the network of the calling thread. No record is an empty list.
///
/// # Errors
/// No answer within the bound, or one that says that the server will not answer.
pub fn addresses(server: Ipv4Addr, name: &str, bound: Duration) -> Result<Vec<Ipv4Addr>> {
    let until = Instant::now() + bound;
    let name = Name::from_ascii(format!("{name}.")).with_context(|| format!("reading the name {name}"))?;
    let mut id = [0_u8; 2];
    getrandom::fill(&mut id).context("making a query's id")?;
    let id = u16::from_be_bytes(id);
    let mut question = Message::new(id, MessageType::Query, OpCode::Query);
    question.add_query(Query::query(name.clone(), RecordType::A));
    let question = question.to_vec().context("writing a query")?;

    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).context("opening a socket")?;
    socket.connect(SocketAddr::from((server, 53))).with_context(|| format!("turning to {server}"))?;
    socket.send(&question).with_context(|| format!("asking {server}"))?;
    let mut buffer = [0_u8; ANSWER_MAX_BYTES];
    loop {
        let left = until.saturating_duration_since(Instant::now());
        ensure!(!left.is_zero(), "{server} did not answer within {} ms", bound.as_millis());
        socket.set_read_timeout(Some(left)).context("setting a bound")?;
        let length = match socket.recv(&mut buffer) {
            Ok(length) => length,
            Err(error) if is_timeout(&error) => continue,
            Err(error) => return Err(error).with_context(|| format!("waiting for {server}")),
        };
        // Another question's late answer is passed over.
        let Ok(answer) = Message::from_vec(&buffer[..length]) else { continue };
        if answer.metadata.id != id || answer.metadata.message_type != MessageType::Response {
            continue;
        }
        let code = answer.metadata.response_code;
        ensure!(matches!(code, ResponseCode::NoError | ResponseCode::NXDomain), "{server} answered {code}");
        return Ok(records(&answer, &name));
    }
}

fn records(answer: &Message, name: &Name) -> Vec<Ipv4Addr> {
    let of_name = answer.answers.iter().filter(|record| record.name.eq_ignore_root(name));
    of_name
        .filter_map(|record| if let RData::A(address) = &record.data { Some(address.0) } else { None })
        .collect()
}

fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
}
