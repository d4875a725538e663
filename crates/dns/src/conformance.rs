//! The suite that every provider passes: what a move promises, tried against a real server.
//!
//! A [`Bench`] wraps one running server: it hands out providers with good and bad access, and edits the zone as
//! somebody else would. [`run_all`] panics at the first broken promise, with the case's name. Each case works on its
//! own label, so one zone serves all of them.

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;

use crate::{Adoption, Fqdn, Move, MoveOutcome, Names, Provider, Reading};

mod cases;
pub mod cloudflare_double;
pub mod cutter;
pub mod stage;
pub mod update_bench;
pub mod whm_double;

/// The time each write gets. Far more than any local server needs, so only a hang reaches it.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// How a provider reaches the server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// With all rights.
    Good,
    /// With the right name and another secret.
    WrongSecret,
    /// With a credential that the server does not know.
    UnknownKey,
    /// Good, but for a zone that the server does not serve.
    WrongZone,
    /// Good, but each write's answer is lost after the server has applied it.
    LostAnswers,
}

/// Records as somebody else puts them: everything at the name is replaced.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Foreign {
    /// A records with one TTL.
    A(Vec<Ipv4Addr>, u32),
    /// One A and one AAAA.
    Dual(Ipv4Addr, Ipv6Addr),
    /// An alias.
    Cname(Fqdn),
    /// TXT texts.
    Text(Vec<String>),
    /// An A record and TXT texts beside it.
    Owned(Ipv4Addr, Vec<String>),
    /// Nothing.
    Nothing,
}

/// One running server with one zone.
#[async_trait]
pub trait Bench: Send + Sync {
    /// The zone.
    fn zone(&self) -> Fqdn;
    /// A zone that the server does not serve, for [`Access::WrongZone`].
    fn absent_zone(&self) -> Fqdn;
    /// A provider with this access. Each call gives an independent one, as another console would have.
    fn provider(&self, access: Access) -> Arc<dyn Provider>;
    /// Replaces all records at `name` without asking anybody.
    async fn edit(&self, name: &Fqdn, records: Foreign);
}

/// Runs every case. `race_rounds` is how often eight writers race for one marker.
///
/// # Panics
///
/// At the first promise that the provider breaks.
pub async fn run_all(bench: &dyn Bench, race_rounds: u32) {
    cases::reading_an_empty_name(bench).await;
    cases::adoption(bench).await;
    cases::adoption_is_compare_and_set(bench).await;
    cases::moves(bench).await;
    cases::a_late_move_lands_nowhere(bench).await;
    cases::foreign_edits_win(bench).await;
    cases::an_identical_request_is_harmless(bench).await;
    cases::a_lost_answer_is_unknown_and_can_be_read(bench).await;
    cases::an_abort_claim_consumes_the_marker(bench).await;
    cases::one_winner_per_marker(bench, race_rounds).await;
    cases::bad_keys(bench).await;
    cases::wrong_zone(bench).await;
    cases::label_outside_the_zone(bench).await;
    cases::what_blocks_adoption(bench).await;
    cases::ttl_and_release(bench).await;
    cases::the_probe_passes(bench).await;
    cases::the_probe_leaves_strangers_alone(bench).await;
}

/// A name of one case, cleared of what an earlier run may have left in a zone that lasts.
async fn fresh(bench: &dyn Bench, label: &str) -> Names {
    let names = names(bench, label);
    for name in [names.label(), names.marker(), names.probe()] {
        bench.edit(name, Foreign::Nothing).await;
    }
    names
}

/// A name of one case as it is.
fn names(bench: &dyn Bench, label: &str) -> Names {
    let zone = bench.zone();
    let label = zone.child(label).expect("case labels are short");
    Names::new(label, zone).expect("a child is inside its zone")
}

/// An address of the benches, `203.0.113.<last>`.
fn address(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(203, 0, 113, last)
}

/// A marker text as the engine writes it. Every `nonce` is used once per case.
fn marker(epoch: u64, a: Ipv4Addr, nonce: u32, previous: u32) -> String {
    format!("v=sctl1 f=0a1b2c3d e={epoch} a={a} m=00000001 n={nonce:08x} p={previous:08x}")
}

/// Puts an A record there and adopts it with epoch 1 and nonce 1.
async fn adopted(bench: &dyn Bench, label: &str, a: Ipv4Addr) -> (Names, Arc<dyn Provider>, String) {
    let names = fresh(bench, label).await;
    bench.edit(names.label(), Foreign::A(vec![a], 3_600)).await;
    let provider = bench.provider(Access::Good);
    let reading = read(&*provider, &names).await;
    let first = marker(1, a, 1, 0);
    let outcome = provider.adopt(&names, &adoption(&reading, Some(a), a, &first), DEADLINE).await;
    assert!(outcome.is_accepted(), "adopting {label}: {outcome:?}");
    (names, provider, first)
}

fn adoption(reading: &Reading, expect_a: Option<Ipv4Addr>, set_a: Ipv4Addr, set_marker: &str) -> Adoption {
    Adoption {
        expect_a,
        expect_marker: None,
        set_a,
        set_marker: set_marker.to_owned(),
        ttl_s: 60,
        comment: String::new(),
        token: reading.token.clone(),
    }
}

fn change(reading: &Reading, from: (Ipv4Addr, &str), to: (Ipv4Addr, &str)) -> Move {
    Move {
        expect_a: Some(from.0),
        expect_marker: Some(from.1.to_owned()),
        set_a: to.0,
        set_marker: to.1.to_owned(),
        ttl_s: 60,
        comment: "sctl e=2".to_owned(),
        token: reading.token.clone(),
    }
}

async fn read(provider: &dyn Provider, names: &Names) -> Reading {
    match provider.read(names).await {
        Ok(reading) => reading,
        Err(error) => panic!("reading {}: {}", names.label(), error.chain()),
    }
}

/// Asserts what stands at the name now, as an independent reader sees it.
async fn check_records(bench: &dyn Bench, names: &Names, a: &[Ipv4Addr], markers: &[&str]) {
    let reading = read(&*bench.provider(Access::Good), names).await;
    let addresses: Vec<_> = reading.a.iter().map(|record| record.addr).collect();
    assert_eq!(addresses, a, "A of {}", names.label());
    assert_eq!(reading.markers, markers, "markers of {}", names.label());
}

fn check_conflict(what: &str, outcome: &MoveOutcome) {
    assert!(outcome.is_conflict(), "{what} must be a conflict: {outcome:?}");
}
