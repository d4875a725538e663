//! The handle of a running demo.

use std::sync::Arc;

use client::Client;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::ground::Ground;
use crate::home::Home;
use crate::story::{Order, Story};
use crate::{DemoError, Picture, Stage};

/// Orders that may wait; they come from clicks.
const ORDERS: usize = 8;

/// A demo that is being made or stands. Dropping it ends everything at once.
#[derive(Debug)]
pub struct Fleet {
    told: watch::Receiver<Picture>,
    orders: mpsc::Sender<Order>,
    end: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Fleet {
    /// Starts making a fleet through the client of an engine that hosts [`Home::profile`] and nothing else yet.
    pub fn start(home: Arc<Home>, ground: Ground, client: Client) -> Self {
        let (tell, told) = watch::channel(Picture::default());
        let (orders, inbox) = mpsc::channel(ORDERS);
        let (end, ended) = oneshot::channel();
        let task = tokio::spawn(Story::new(home, ground, client, tell).run(inbox, ended));
        Self { told, orders, end, task }
    }

    /// How it stands, and a notice whenever that changes.
    pub fn picture(&self) -> watch::Receiver<Picture> {
        self.told.clone()
    }

    /// Does one of the picture's acts.
    ///
    /// # Errors
    /// It cannot be done now, and why.
    pub fn act(&self, id: &str) -> impl Future<Output = Result<(), DemoError>> + Send + use<> {
        let ordered = self.order(id);
        async move { ordered?.await.map_err(|_| not_now("the demo ends"))? }
    }

    fn order(&self, id: &str) -> Result<oneshot::Receiver<Result<(), DemoError>>, DemoError> {
        // Orders given before the fleet stands would all be carried out in the moment it does.
        if self.told.borrow().stage != Stage::Ready {
            return Err(not_now("the demo fleet does not stand yet"));
        }
        let (done, answer) = oneshot::channel();
        let order = Order { act: id.to_owned(), done };
        self.orders.try_send(order).map_err(|_| not_now("the demo is busy"))?;
        Ok(answer)
    }

    /// Cuts the power of every pretended host and waits until all of them are gone.
    pub async fn end(self) {
        drop(self.end);
        let _ = self.task.await;
    }
}

fn not_now(why: &str) -> DemoError {
    DemoError::NotNow { why: why.to_owned() }
}
