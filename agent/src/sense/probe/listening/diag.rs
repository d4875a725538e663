//! The kernel's answer to "which TCP sockets listen", asked over netlink (`sock_diag(7)`).
//!
//! One question per family; the answer is complete when the question returns, so nothing is waited for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::OwnedFd;

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with,
};

/// `SOCK_DIAG_BY_FAMILY`, the type of question and answer.
const BY_FAMILY: u16 = 20;
/// `NLM_F_REQUEST | NLM_F_DUMP`.
const REQUEST_DUMP: u16 = 0x301;
/// `NLMSG_ERROR` and `NLMSG_DONE`.
const ERROR: u16 = 2;
const DONE: u16 = 3;
const IPPROTO_TCP: u8 = 6;
/// A mask with the bit of `TCP_LISTEN`, which is 10.
const LISTENING: u32 = 1 << 10;
const FAMILY_V4: u8 = 2;
const FAMILY_V6: u8 = 10;
/// A header, and the question behind it.
const HEADER_BYTES: usize = 16;
const QUESTION_BYTES: usize = HEADER_BYTES + 56;
/// The kernel fills at most this much per message.
const ANSWER_BYTES: usize = 32 << 10;
/// Messages that are read per question: far more than [`super::SOCKETS_MAX`] sockets need.
const MESSAGES_MAX: usize = 64;

/// An open line to the kernel.
#[derive(Debug)]
pub(super) struct Diag {
    line: OwnedFd,
    buffer: Vec<u8>,
}

impl Diag {
    /// Opens the line; `None` where it is forbidden or the kernel lacks it.
    pub(super) fn open() -> Option<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let line =
            socket_with(AddressFamily::NETLINK, SocketType::DGRAM, flags, Some(netlink::SOCK_DIAG)).ok()?;
        Some(Self { line, buffer: vec![0; ANSWER_BYTES] })
    }

    /// All listening TCP sockets with the number of connections that wait at each.
    pub(super) fn ask(&mut self, sockets_max: usize) -> Option<Vec<(SocketAddr, u32)>> {
        let mut sockets = Vec::new();
        for family in [FAMILY_V4, FAMILY_V6] {
            send(&self.line, &question(family), SendFlags::empty()).ok()?;
            if !self.read_answer(&mut sockets, sockets_max)? && family == FAMILY_V4 {
                return None;
            }
        }
        Some(sockets)
    }

    /// Reads to the end of one answer; says whether the kernel knew the family. `None` when the line is out of step.
    fn read_answer(&mut self, sockets: &mut Vec<(SocketAddr, u32)>, sockets_max: usize) -> Option<bool> {
        for _ in 0..MESSAGES_MAX {
            let (length, _) = recv(&self.line, self.buffer.as_mut_slice(), RecvFlags::DONTWAIT).ok()?;
            let mut rest = self.buffer.get(..length)?;
            while let Some((kind, body, next)) = message(rest) {
                match kind {
                    DONE => return Some(true),
                    ERROR => return Some(false),
                    BY_FAMILY if sockets.len() < sockets_max => sockets.extend(socket(body)),
                    _ => {}
                }
                rest = next;
            }
        }
        None
    }
}

fn question(family: u8) -> [u8; QUESTION_BYTES] {
    let mut question = [0; QUESTION_BYTES];
    question[0..4].copy_from_slice(&(QUESTION_BYTES as u32).to_ne_bytes());
    question[4..6].copy_from_slice(&BY_FAMILY.to_ne_bytes());
    question[6..8].copy_from_slice(&REQUEST_DUMP.to_ne_bytes());
    question[HEADER_BYTES] = family;
    question[HEADER_BYTES + 1] = IPPROTO_TCP;
    question[HEADER_BYTES + 4..HEADER_BYTES + 8].copy_from_slice(&LISTENING.to_ne_bytes());
    question
}

/// Takes one message off: its type, its body and what follows.
fn message(text: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let length = u32::from_ne_bytes(text.get(0..4)?.try_into().ok()?) as usize;
    let kind = u16::from_ne_bytes(text.get(4..6)?.try_into().ok()?);
    let body = text.get(HEADER_BYTES..length)?;
    let next = text.get(length.next_multiple_of(4)..).unwrap_or_default();
    Some((kind, body, next))
}

/// Reads one `inet_diag_msg`: family, four bytes on the local port (big endian), four on the local address, and
/// behind the 52 bytes of identity and the timer the queue.
fn socket(body: &[u8]) -> Option<(SocketAddr, u32)> {
    let port = u16::from_be_bytes(body.get(4..6)?.try_into().ok()?);
    let address: IpAddr = match *body.first()? {
        FAMILY_V4 => Ipv4Addr::from(<[u8; 4]>::try_from(body.get(8..12)?).ok()?).into(),
        FAMILY_V6 => Ipv6Addr::from(<[u8; 16]>::try_from(body.get(8..24)?).ok()?).into(),
        _ => return None,
    };
    let waiting = u32::from_ne_bytes(body.get(56..60)?.try_into().ok()?);
    Some((SocketAddr::new(address, port), waiting))
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn any_message_is_survived(text in proptest::collection::vec(0_u8.., 0..200)) {
            if let Some((_, body, _)) = message(&text) {
                let _ = socket(body);
            }
        }
    }
}
