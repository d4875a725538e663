//! A pretended host's power: a thread with its own runtime. When it is cut, every task and socket on it is gone, and
//! nobody has said a word.

use std::thread;

use tokio::sync::oneshot;

use crate::DemoError;

/// The agent's own thread is the main one of its process; this is more than it uses.
const STACK_BYTES: usize = 1 << 20;

/// A host that has power. Dropping it cuts the power too, without waiting.
#[derive(Debug)]
pub(crate) struct Machine {
    power: oneshot::Sender<()>,
    gone: oneshot::Receiver<()>,
}

impl Machine {
    /// Starts a host that lives as long as `live`, at most.
    pub(crate) fn start<F>(name: &str, live: impl FnOnce() -> F + Send + 'static) -> Result<Self, DemoError>
    where
        F: Future<Output = ()>,
    {
        let failed = |source| DemoError::Machine { name: name.to_owned(), source };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let (power, cut) = oneshot::channel::<()>();
        let (alive, gone) = oneshot::channel::<()>();
        let run = move || {
            runtime.block_on(async {
                tokio::select! {
                    () = live() => {}
                    _ = cut => {}
                }
            });
            // What a blocking call still does is not waited for; tasks and sockets end here.
            runtime.shutdown_background();
            drop(alive);
        };
        let thread = thread::Builder::new().name(name.to_owned()).stack_size(STACK_BYTES).spawn(run);
        thread.map_err(failed)?;
        Ok(Self { power, gone })
    }

    /// Cuts the power and waits until everything is gone.
    pub(crate) async fn cut(self) {
        drop(self.power);
        let _ = self.gone.await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    #[tokio::test]
    async fn a_cut_takes_tasks_and_sockets_with_it() {
        let (tell, told) = oneshot::channel();
        let machine = Machine::start("test", move || async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let _ = tell.send(listener.local_addr().unwrap());
            tokio::spawn(async move { while listener.accept().await.is_ok() {} });
            std::future::pending::<()>().await;
        })
        .unwrap();
        let address = told.await.unwrap();
        TcpStream::connect(address).await.unwrap();
        machine.cut().await;
        assert!(TcpStream::connect(address).await.is_err());
    }
}
