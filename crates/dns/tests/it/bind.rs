//! RFC 2136 against a real BIND 9.

use dns::conformance::run_all;

use crate::named::{KEY, Named};

fn full_rights() -> String {
    format!("grant {KEY} zonesub ANY;")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bind_passes_the_suite() {
    let named = Named::start(&full_rights());
    run_all(&named.bench().await, 50).await;
}
