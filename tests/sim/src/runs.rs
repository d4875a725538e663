//! Many worlds: which seeds, on how many threads, and what is counted.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use evaluator::io::State;
use serde::Serialize;

use crate::plan::{Plan, Profile};
use crate::planted::Planted;
use crate::totals::Totals;
use crate::trace::Fold;
use crate::world::{Failure, Outcome, World};

/// What to run.
#[derive(Clone, Debug)]
pub struct Order {
    /// The first seed.
    pub seed: u64,
    /// How hard worlds are hit.
    pub profile: Profile,
    /// Seeds to run; none: as many as the hours need.
    pub seeds: Option<u64>,
    /// Simulated hours to reach when no number of seeds is given.
    pub pool_hours: f64,
    /// A bug to plant.
    pub planted: Option<Planted>,
    /// Threads to use.
    pub threads: usize,
}

/// A world that broke.
#[derive(Clone, Debug)]
pub struct Broken {
    /// Its seed.
    pub seed: u64,
    /// Its profile.
    pub profile: Profile,
    /// What broke.
    pub failure: Failure,
}

/// The last line of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Simulated pool-hours.
    pub pool_hours: f64,
    /// Simulated pool-hours in a minute of one core.
    pub pool_hours_per_core_minute: f64,
    /// Worlds in which an invariant broke.
    pub violations: u64,
    /// Moves against evidence that some vantage point the holder could read had.
    pub false_promotions: u64,
    /// Moves of an active that served and was silent to every observer.
    pub unavoidable_promotions: u64,
    /// Of these, moves by the documented rule for a lost agent.
    pub agent_lost_promotions: u64,
    /// Moves that were due and possible and did not come.
    pub missed: u64,
    /// Automatic moves.
    pub promotions: u64,
    /// Of those, in time and right.
    pub right: u64,
    /// Right, and later than allowed.
    pub late: u64,
    /// Writes at a person's word.
    pub manual: u64,
    /// Accepted abort claims and adoptions.
    pub housekeeping: u64,
    /// Writes that the register refused.
    pub refused: u64,
    /// Writes without a known outcome.
    pub unknown: u64,
    /// Times a console slept or stood still.
    pub sleeps: u64,
    /// Healed worlds that moved when their active was taken away.
    pub proven_alive: u64,
    /// Faults.
    pub faults: u64,
    /// Events.
    pub events: u64,
    /// Worlds.
    pub seeds: u64,
    /// The profile.
    pub profile: &'static str,
    /// The first seed.
    pub seed: u64,
    /// Over the traces of all worlds, in the order of their seeds.
    pub trace_hash: String,
}

/// How a run ended.
pub struct Ran {
    /// The counts.
    pub totals: Totals,
    /// Over all traces.
    pub hash: u128,
    /// Worlds that broke, in the order of their seeds.
    pub broken: Vec<Broken>,
    /// Ways of the machines' table that were taken.
    pub ways: BTreeSet<(State, State, String)>,
    /// Time spent on cores, in seconds.
    pub core_seconds: f64,
}

std::thread_local! {
    static RUNNING: std::cell::Cell<Option<(u64, Profile)>> = const { std::cell::Cell::new(None) };
}

/// The world that this thread runs now: what a panic's message should name.
pub fn running() -> Option<(u64, Profile)> {
    RUNNING.get()
}

/// Runs one world.
pub fn run_seed(seed: u64, profile: Profile, planted: Option<Planted>) -> Outcome {
    RUNNING.set(Some((seed, profile)));
    let outcome = World::new(Plan::draw(seed, profile), planted).run();
    RUNNING.set(None);
    outcome
}

/// Runs what was ordered. Stops early at the first broken world when a bug is planted.
pub fn run(order: &Order) -> Ran {
    let seeds = seeds_of(order);
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let results: Mutex<Vec<(usize, Outcome)>> = Mutex::new(Vec::with_capacity(seeds.len()));
    let core_seconds = Mutex::new(0.0);
    std::thread::scope(|scope| {
        for _ in 0..order.threads.max(1) {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some(seed) = seeds.get(place) else { break };
                    let outcome = run_seed(*seed, order.profile, order.planted);
                    if outcome.failure.is_some() && order.planted.is_some() {
                        stop.store(true, Ordering::Relaxed);
                    }
                    results
                        .lock()
                        .expect("no thread panics while it holds the results")
                        .push((place, outcome));
                }
                *core_seconds.lock().expect("no thread panics while it holds the clock") += thread_seconds();
            });
        }
    });
    let mut results = results.into_inner().expect("all threads have ended");
    results.sort_by_key(|(place, _)| *place);
    let mut totals = Totals::default();
    let mut fold = Fold::default();
    let mut broken = Vec::new();
    let mut ways = BTreeSet::new();
    for (place, outcome) in results {
        totals += outcome.totals;
        fold.add(outcome.hash);
        ways.extend(outcome.ways);
        if let Some(failure) = outcome.failure {
            broken.push(Broken { seed: seeds[place], profile: order.profile, failure });
        }
    }
    let core_seconds = *core_seconds.lock().expect("all threads have ended");
    Ran { totals, hash: fold.hash(), broken, ways, core_seconds }
}

/// The seeds of an order: one after the other, until their planned lengths reach the hours.
fn seeds_of(order: &Order) -> Vec<u64> {
    let all = (0..).map(|n| order.seed.wrapping_mul(1_000_003).wrapping_add(n));
    if let Some(seeds) = order.seeds {
        return all.take(seeds as usize).collect();
    }
    let mut seeds = Vec::new();
    let mut planned_ms = 0;
    for seed in all {
        if planned_ms as f64 >= order.pool_hours * 3_600_000.0 {
            break;
        }
        planned_ms += Plan::draw(seed, order.profile).chaos_until;
        seeds.push(seed);
    }
    seeds
}

/// Seconds that this thread has spent on a core.
fn thread_seconds() -> f64 {
    let read = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = read.and_then(|text| text.split_ascii_whitespace().next()?.parse::<u64>().ok());
    nanos.map_or(0.0, |nanos| nanos as f64 / 1e9)
}

impl Ran {
    /// The last line.
    pub fn summary(&self, order: &Order) -> Summary {
        let totals = &self.totals;
        let pool_hours = totals.simulated_ms as f64 / 3_600_000.0;
        let per_minute = if self.core_seconds > 0.0 { pool_hours / (self.core_seconds / 60.0) } else { 0.0 };
        Summary {
            pool_hours: (pool_hours * 10.0).round() / 10.0,
            pool_hours_per_core_minute: (per_minute * 10.0).round() / 10.0,
            violations: totals.violations,
            false_promotions: totals.false_promotions,
            unavoidable_promotions: totals.unavoidable,
            agent_lost_promotions: totals.agent_lost,
            missed: totals.missed,
            promotions: totals.promotions,
            right: totals.right,
            late: totals.late,
            manual: totals.manual,
            housekeeping: totals.housekeeping,
            refused: totals.refused,
            unknown: totals.unknown,
            sleeps: totals.sleeps,
            proven_alive: totals.proven_alive,
            faults: totals.faults,
            events: totals.events,
            seeds: totals.seeds,
            profile: order.profile.word(),
            seed: order.seed,
            trace_hash: format!("{:032x}", self.hash),
        }
    }
}
