//! One question to one listener.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Kind, Outcome, Target};

/// The client's preface of HTTP/2 with an empty SETTINGS frame (RFC 9113, 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
/// The PROXY header that claims nothing about the client (version 1).
const PROXY: &[u8] = b"PROXY UNKNOWN\r\n";

pub(super) enum Asked {
    Outcome(Outcome),
    /// A TLS listener's connection, which is looked for in the accept queue later.
    Connected(TcpStream),
}

pub(super) async fn ask(target: &Target, deadline: Duration) -> Asked {
    match tokio::time::timeout(deadline, exchange(target)).await {
        Ok(Ok(asked)) => asked,
        Ok(Err(error)) => Asked::Outcome(failed(&error)),
        Err(_) => Asked::Outcome(Outcome::Silent(format!("no answer within {} ms", deadline.as_millis()))),
    }
}

async fn exchange(target: &Target) -> io::Result<Asked> {
    let question = match &target.kind {
        Kind::Http { monitor_uri: Some(uri) } => format!("GET {uri} HTTP/1.0\r\n\r\n").into_bytes(),
        Kind::Http { monitor_uri: None } => PREFACE.to_vec(),
        Kind::Tls | Kind::Tcp => return Ok(Asked::Connected(TcpStream::connect(target.connect).await?)),
    };
    let mut stream = TcpStream::connect(target.connect).await?;
    // One write, so that one packet carries all of it.
    let prefix: &[u8] = if target.accept_proxy { PROXY } else { b"" };
    stream.write_all(&[prefix, &question].concat()).await?;
    let mut answer = [0; 64];
    Ok(Asked::Outcome(match stream.read(&mut answer).await? {
        0 => Outcome::Silent("the connection was closed without an answer".into()),
        _ => Outcome::Answered,
    }))
}

fn failed(error: &io::Error) -> Outcome {
    let by_the_listener = matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::TimedOut
    );
    // Else our own host has no such address, or we are out of descriptors: that is not the listener's silence.
    if by_the_listener { Outcome::Silent(error.to_string()) } else { Outcome::Nothing }
}
