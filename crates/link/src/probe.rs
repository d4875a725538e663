//! Whether a service port lives: one question from outside, without keys or trust.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The client's preface of HTTP/2 with an empty SETTINGS frame (RFC 9113, 3.4): HAProxy answers it by itself, whatever
/// stands behind it.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// What is known about a port's listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaks {
    /// Plain HTTP: whoever lives there reacts to a request.
    Http,
    /// Something else, or nothing is known: taking the connection has to do.
    Other,
}

/// Whether a port lives, as far as it can be told within `deadline`. A kernel takes connections for a process that hangs;
/// so where HTTP is spoken, somebody has to react: with an answer, or by closing what it did not understand.
pub async fn probe(address: SocketAddr, speaks: Speaks, deadline: Duration) -> bool {
    matches!(tokio::time::timeout(deadline, ask(address, speaks)).await, Ok(Ok(())))
}

async fn ask(address: SocketAddr, speaks: Speaks) -> io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    if speaks == Speaks::Other {
        return Ok(());
    }
    let mut answer = [0; 64];
    let reacted = match stream.write_all(PREFACE).await {
        Ok(()) => stream.read(&mut answer).await.map(drop),
        Err(error) => Err(error),
    };
    match reacted {
        // Somebody took the connection and threw it away: that takes a living process.
        Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) => {
            Ok(())
        }
        reacted => reacted,
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    const DEADLINE: Duration = Duration::from_millis(300);

    #[tokio::test]
    async fn a_port_that_only_the_kernel_answers_does_not_live_if_it_should_speak() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        assert!(probe(address, Speaks::Other, DEADLINE).await);
        assert!(!probe(address, Speaks::Http, DEADLINE).await);
        drop(listener);
        assert!(!probe(address, Speaks::Other, DEADLINE).await);
    }

    #[tokio::test]
    async fn an_answer_and_a_closed_connection_are_signs_of_life() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut answers, _) = listener.accept().await.unwrap();
            answers.write_all(b"HTTP/1.1 400\r\n\r\n").await.unwrap();
            let (closes, _) = listener.accept().await.unwrap();
            drop(closes);
        });
        assert!(probe(address, Speaks::Http, DEADLINE).await);
        assert!(probe(address, Speaks::Http, DEADLINE).await);
    }
}
