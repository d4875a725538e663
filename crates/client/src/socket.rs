//! A profile's socket.

use std::fs::{File, Permissions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

use crate::ClientError;

/// The socket's name inside a profile.
pub const SOCKET: &str = "host.sock";
/// Longest socket address that every Unix takes (Linux: 108 with the final zero).
const ADDRESS_BYTES_MAX: usize = 100;

/// Who may connect to a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peers {
    /// Processes of this user only.
    Uid(u32),
    /// Whoever holds the other end: for a pipe inside one process.
    Any,
}

impl Peers {
    pub(crate) fn admit(self, stream: &UnixStream) -> Result<(), String> {
        let Self::Uid(own) = self else { return Ok(()) };
        let peer =
            stream.peer_cred().map_err(|error| format!("the caller's user cannot be read: {error}"))?.uid();
        if peer == own {
            return Ok(());
        }
        Err(format!("this host belongs to user {own}; user {peer} may not use it"))
    }
}

/// Makes the profile's socket, 0600, and says who may use it. Only the process that holds the profile's lock may call
/// this: a socket that a dead host left behind is replaced.
///
/// # Errors
/// A directory that cannot be written.
pub fn bind(profile: &Path) -> Result<(UnixListener, Peers), ClientError> {
    let path = profile.join(SOCKET);
    let failed = |action| {
        let path = path.clone();
        move |source| ClientError::Socket { action, path, source }
    };
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(failed("replacing the socket")(error));
        }
        Ok(()) | Err(_) => {}
    }
    let address = Address::of(profile).map_err(failed("opening the directory of the socket"))?;
    let listener = UnixListener::bind(&address.path).map_err(failed("making the socket"))?;
    // The profile's directory is 0700, so nobody else comes between these two lines.
    std::fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(failed("guarding the socket"))?;
    let own = std::fs::symlink_metadata(&path).map_err(failed("reading the socket's owner"))?.uid();
    Ok((listener, Peers::Uid(own)))
}

pub(crate) async fn connect(profile: &Path) -> Result<UnixStream, ClientError> {
    let failed = |source: io::Error| {
        if matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) {
            return ClientError::NoHost { profile: profile.to_owned() };
        }
        ClientError::Socket { action: "connecting to", path: profile.join(SOCKET), source }
    };
    let address = Address::of(profile).map_err(failed)?;
    UnixStream::connect(&address.path).await.map_err(failed)
}

/// A socket address is at most 108 bytes long. A longer path is reached through the open directory.
struct Address {
    path: PathBuf,
    _directory: Option<File>,
}

impl Address {
    fn of(profile: &Path) -> io::Result<Self> {
        let path = profile.join(SOCKET);
        if path.as_os_str().len() <= ADDRESS_BYTES_MAX {
            return Ok(Self { path, _directory: None });
        }
        let directory = File::open(profile)?;
        let path = PathBuf::from(format!("/proc/self/fd/{}/{SOCKET}", directory.as_raw_fd()));
        Ok(Self { path, _directory: Some(directory) })
    }
}
