//! A TCP proxy that loses answers: it hands each request to the server, waits for the whole answer, and hangs up.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// The running proxy; it ends when dropped.
pub struct Cutter {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Cutter {
    /// Starts a proxy in front of `server` on a free loopback port.
    ///
    /// # Errors
    ///
    /// When no port can be bound.
    pub async fn start(server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // The connection ends either way; how it ended is what the client under test has to cope with.
                let _ = cut_after_answer(client, server).await;
            }
        });
        Ok(Self { address, task })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Cutter {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn cut_after_answer(mut client: TcpStream, server: SocketAddr) -> io::Result<()> {
    let request = read_frame(&mut client).await?;
    let mut upstream = TcpStream::connect(server).await?;
    upstream.write_all(&request).await?;
    read_frame(&mut upstream).await?;
    client.shutdown().await
}

async fn read_frame(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let length = stream.read_u16().await?;
    let mut frame = length.to_be_bytes().to_vec();
    frame.resize(usize::from(length) + 2, 0);
    stream.read_exact(&mut frame[2..]).await?;
    Ok(frame)
}
