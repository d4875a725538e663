//! Frames: a length and that many bytes of JSON.

use std::io;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// Room that is taken before a frame's bytes have come; a liar gets no more for its length alone.
const ROOM_FIRST: usize = 64 << 10;

/// The next message; none when the other end has closed between two frames.
///
/// # Errors
/// A frame over the limit, one cut short, or one that is not a message.
pub(crate) async fn read<T: DeserializeOwned>(
    from: &mut (impl AsyncRead + Unpin),
    bytes_max: usize,
) -> io::Result<Option<T>> {
    let mut head = [0; 4];
    if from.read(&mut head[..1]).await? == 0 {
        return Ok(None);
    }
    from.read_exact(&mut head[1..]).await?;
    let length = u32::from_be_bytes(head) as usize;
    if length > bytes_max {
        let words = format!("a frame of {length} bytes; at most {bytes_max} are allowed");
        return Err(io::Error::new(io::ErrorKind::InvalidData, words));
    }
    let mut bytes = Vec::with_capacity(length.min(ROOM_FIRST));
    from.take(length as u64).read_to_end(&mut bytes).await?;
    if bytes.len() < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    // The reader's words could quote a secret out of the frame, so only the place is told.
    serde_json::from_slice(&bytes).map(Some).map_err(|error| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("a frame that is no message (column {})", error.column()),
        )
    })
}

/// Writes one message.
///
/// # Errors
/// A message over the limit; a connection that is gone.
pub(crate) async fn write<T: Serialize>(
    to: &mut (impl AsyncWrite + Unpin),
    message: &T,
    bytes_max: usize,
) -> io::Result<()> {
    let frame = encode(message, bytes_max)?;
    to.write_all(&frame).await?;
    to.flush().await
}

/// One message as a frame.
///
/// # Errors
/// A message over the limit.
pub(crate) fn encode<T: Serialize>(message: &T, bytes_max: usize) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, message)?;
    let length = frame.len() - 4;
    let head = u32::try_from(length).ok().filter(|_| length <= bytes_max).ok_or_else(|| {
        let words = format!("a message of {length} bytes; at most {bytes_max} are allowed");
        io::Error::new(io::ErrorKind::InvalidData, words)
    })?;
    frame[..4].copy_from_slice(&head.to_be_bytes());
    Ok(frame)
}
