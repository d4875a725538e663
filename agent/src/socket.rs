//! The local socket that `status` asks: one question, one JSON document. Only root can open it.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::io::AsyncWriteExt;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::timeout;

use crate::disk;
use crate::limits::STATUS_CLIENTS_MAX;
use crate::node::Event;

/// How long one answer may take.
const ANSWER_DEADLINE: Duration = Duration::from_secs(2);
/// Pause after a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Opens the socket anew; a leftover of an agent before is replaced.
///
/// # Errors
/// It cannot be made at that place.
pub fn open(path: &Path) -> anyhow::Result<UnixListener> {
    disk::remove(path)?;
    let listener = UnixListener::bind(path).with_context(|| format!("listening on {}", path.display()))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
        .with_context(|| format!("closing {} to others", path.display()))?;
    Ok(listener)
}

/// Answers until dropped.
pub async fn serve(listener: UnixListener, node: mpsc::Sender<Event>) {
    let places = Arc::new(Semaphore::new(STATUS_CLIENTS_MAX));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let node = node.clone();
        tokio::spawn(async move {
            let _ = timeout(ANSWER_DEADLINE, answer(stream, node)).await;
            drop(place);
        });
    }
}

async fn answer(mut stream: UnixStream, node: mpsc::Sender<Event>) -> Option<()> {
    let (asked, told) = oneshot::channel();
    node.send(Event::Overview(asked)).await.ok()?;
    let text = serde_json::to_vec(&told.await.ok()?).ok()?;
    stream.write_all(&text).await.ok()?;
    stream.shutdown().await.ok()
}
