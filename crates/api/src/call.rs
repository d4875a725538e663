//! What a host knows about a call besides its request: who asks, and where progress goes.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// One line of progress of a long command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// A stable name, for example `secret-accepted`.
    pub step: String,
    /// How far it is.
    pub state: ProgressState,
    /// What is happening, for people.
    pub words: String,
    /// Since the command began.
    pub at_ms: u64,
}

/// How far one step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum ProgressState {
    /// Begun.
    Running,
    /// Finished well.
    Done,
    /// Ended badly; the error follows as the command's answer.
    Failed,
}

/// Where progress goes. Never blocks: what nobody reads is dropped.
pub type ProgressSink = Arc<dyn Fn(Progress) + Send + Sync>;

/// Who calls, and where progress goes.
#[derive(Clone)]
pub struct Call {
    /// Who asks, for the audit: for example `root through the command line`.
    pub by: String,
    sink: ProgressSink,
}

impl Call {
    /// A call whose progress goes to `sink`.
    pub fn new(by: impl Into<String>, sink: ProgressSink) -> Self {
        Self { by: by.into(), sink }
    }

    /// A call whose progress nobody reads.
    pub fn quiet(by: impl Into<String>) -> Self {
        Self::new(by, Arc::new(|_| {}))
    }

    /// Reports one line of progress.
    pub fn report(&self, progress: Progress) {
        (self.sink)(progress);
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("by", &self.by).finish_non_exhaustive()
    }
}
