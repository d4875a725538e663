//! Tasks that must not die unnoticed.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;

/// Between a break and the next start.
const BREATH: Duration = Duration::from_secs(1);

/// Runs a task and starts it again when it breaks; ends when it ends by itself.
pub(crate) async fn keep_running<F: Future<Output = ()>>(name: &'static str, mut run: impl FnMut() -> F) {
    while AssertUnwindSafe(run()).catch_unwind().await.is_err() {
        tracing::error!(name, "a part of the engine broke and starts again");
        tokio::time::sleep(BREATH).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_part_that_breaks_starts_again() {
        let mut starts = 0;
        let run = || {
            starts += 1;
            std::future::ready(starts > 2).map(|whole| assert!(whole, "broken on purpose"))
        };
        keep_running("a part", run).await;
        assert_eq!(starts, 3);
    }
}
