//! HAProxy's runtime socket.
//!
//! One command per connection: HAProxy answers and closes, so the end of the answer is the end of the stream. Answers
//! are bounded in size and time, for the process behind the socket may be stuck or not HAProxy at all.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use haproxy::info::{self, ProcessFacts};
use haproxy::stat::{self, StatError};
use model::haproxy::StatTotals;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

/// How long an answer may take. Below the pulse's second, so that a stuck process cannot hold the next pulse up.
pub const ANSWER_DEADLINE: Duration = Duration::from_millis(900);

/// Why the socket gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Nobody listens there, or we are not let in.
    #[error("could not connect to the runtime socket {path}")]
    Connect {
        /// The socket.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// The stream broke.
    #[error("could not talk to the runtime socket {path}")]
    Talk {
        /// The socket.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// No whole answer in time.
    #[error("the runtime socket {path} gave no answer within {} ms", ANSWER_DEADLINE.as_millis())]
    Silent {
        /// The socket.
        path: PathBuf,
    },
    /// More than is ever read.
    #[error("the runtime socket {path} answered more than {bytes_max} bytes")]
    TooLong {
        /// The socket.
        path: PathBuf,
        /// The bound.
        bytes_max: usize,
    },
    /// The answer to `show stat` is not what it should be; a refusal in words is among them.
    #[error("could not read the answer to show stat")]
    Stat(#[source] StatError),
}

impl SocketError {
    /// Whether the same question may be answered later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Talk { .. } | Self::Silent { .. } => true,
            Self::TooLong { .. } | Self::Stat(_) => false,
        }
    }
}

/// A client of one runtime socket. The buffer is kept: with hundreds of servers an answer is large, and it comes every
/// few seconds.
#[derive(Debug)]
pub struct RuntimeSocket {
    path: PathBuf,
    buffer: Vec<u8>,
}

impl RuntimeSocket {
    /// A client; it connects with each question.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), buffer: Vec::new() }
    }

    /// The socket's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Asks `show stat` and adds it up.
    ///
    /// # Errors
    /// No answer, or one that breaks the rules of [`stat`].
    pub async fn totals(&mut self) -> Result<StatTotals, SocketError> {
        let answer = self.ask("show stat", stat::TEXT_BYTES_MAX).await?;
        stat::summarise(answer).map_err(SocketError::Stat)
    }

    /// Asks `show stat` for a status screen: the text as it is, for whoever asked to read.
    ///
    /// # Errors
    /// No answer.
    pub async fn stat_text(&mut self) -> Result<String, SocketError> {
        let answer = self.ask("show stat", stat::TEXT_BYTES_MAX).await?;
        Ok(String::from_utf8_lossy(answer).into_owned())
    }

    /// Asks `show info`.
    ///
    /// # Errors
    /// No answer.
    pub async fn process(&mut self) -> Result<ProcessFacts, SocketError> {
        Ok(info::read(self.ask("show info", info::TEXT_BYTES_MAX).await?))
    }

    /// Sends one command and reads the whole answer.
    ///
    /// # Errors
    /// No whole answer in time and within `bytes_max`.
    pub async fn ask(&mut self, command: &str, bytes_max: usize) -> Result<&[u8], SocketError> {
        let (path, buffer) = (&self.path, &mut self.buffer);
        match tokio::time::timeout(ANSWER_DEADLINE, exchange(path, command, bytes_max, buffer)).await {
            Ok(result) => result.map(|()| self.buffer.as_slice()),
            Err(_) => Err(SocketError::Silent { path: self.path.clone() }),
        }
    }
}

async fn exchange(
    path: &Path,
    command: &str,
    bytes_max: usize,
    buffer: &mut Vec<u8>,
) -> Result<(), SocketError> {
    let talk = |source| SocketError::Talk { path: path.to_owned(), source };
    let mut stream = UnixStream::connect(path)
        .await
        .map_err(|source| SocketError::Connect { path: path.to_owned(), source })?;
    // One write: a line without its end is ignored. Our half stays open, for old versions drop a half-closed client.
    stream.write_all(format!("{command}\n").as_bytes()).await.map_err(talk)?;
    buffer.clear();
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    stream.take(limit).read_to_end(buffer).await.map_err(talk)?;
    if buffer.len() > bytes_max {
        buffer.clear();
        return Err(SocketError::TooLong { path: path.to_owned(), bytes_max });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::UnixListener;

    const STAT: &str =
        "# pxname,svname,type,status,scur,stot,weight,\nweb,a,2,UP,0,1,1,\nweb,b,2,DOWN,0,1,1,\n\n";

    /// A socket that reads one line and answers with a text, or keeps silent.
    fn answering(answer: Option<String>) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s");
        let listener = UnixListener::bind(&path).unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut line = [0; 64];
            let read = stream.read(&mut line).await.unwrap();
            assert!(line[..read].ends_with(b"\n"));
            match answer {
                Some(text) => {
                    // The client may have enough before all is written.
                    let _ = stream.write_all(text.as_bytes()).await;
                }
                None => std::future::pending().await,
            }
        });
        (directory, path)
    }

    #[tokio::test]
    async fn an_answer_is_read_to_its_end() {
        let (_directory, path) = answering(Some(STAT.into()));
        let totals = RuntimeSocket::new(&path).totals().await.unwrap();
        assert_eq!((totals.servers_up, totals.servers_down), (1, 1));
    }

    #[tokio::test]
    async fn a_refusal_in_words_is_an_error() {
        let (_directory, path) = answering(Some("Permission denied\n\n".into()));
        let error = RuntimeSocket::new(&path).totals().await.unwrap_err();
        assert!(
            matches!(&error, SocketError::Stat(StatError::NoHeader { line }) if line == "Permission denied")
        );
        assert!(!error.is_transient());
    }

    #[tokio::test]
    async fn size_and_time_are_bounded() {
        let (_directory, path) = answering(Some("x".repeat(info::TEXT_BYTES_MAX + 100)));
        let error = RuntimeSocket::new(&path).process().await.unwrap_err();
        assert!(matches!(error, SocketError::TooLong { .. }));
        let (_directory, path) = answering(None);
        let error = RuntimeSocket::new(&path).process().await.unwrap_err();
        assert!(matches!(error, SocketError::Silent { .. }));
        assert!(error.is_transient());
    }

    #[tokio::test]
    async fn a_missing_socket_is_named() {
        let error = RuntimeSocket::new(Path::new("/nonexistent/s")).totals().await.unwrap_err();
        assert_eq!(error.to_string(), "could not connect to the runtime socket /nonexistent/s");
    }
}
