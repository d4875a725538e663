//! What is counted over worlds.

use std::ops::AddAssign;

/// Counts of one world, or of many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Worlds.
    pub seeds: u64,
    /// Simulated time.
    pub simulated_ms: u64,
    /// Events.
    pub events: u64,
    /// Broken invariants.
    pub violations: u64,
    /// Automatic moves that the register accepted.
    pub promotions: u64,
    /// Of those: the former active truly did not serve, and it was in time.
    pub right: u64,
    /// Right, but later than the delay and its allowance.
    pub late: u64,
    /// The former active served, and a vantage point that the writer could read knew it.
    pub false_promotions: u64,
    /// Moves because only the agent stayed silent: the documented rule, whether or not the service still answers.
    pub agent_lost: u64,
    /// The former active served, and nobody who could be read knew it.
    pub unavoidable: u64,
    /// Times at which a move was possible and due, and did not come.
    pub missed: u64,
    /// Writes that a person asked for.
    pub manual: u64,
    /// Accepted abort claims and adoptions.
    pub housekeeping: u64,
    /// Writes that the register refused.
    pub refused: u64,
    /// Writes whose outcome their writer did not learn from the answer.
    pub unknown: u64,
    /// Faults that struck.
    pub faults: u64,
    /// Times a console slept or stood still.
    pub sleeps: u64,
    /// Worlds that ended with a check that the pool still works, and passed it.
    pub proven_alive: u64,
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.simulated_ms += other.simulated_ms;
        self.events += other.events;
        self.violations += other.violations;
        self.promotions += other.promotions;
        self.right += other.right;
        self.late += other.late;
        self.false_promotions += other.false_promotions;
        self.agent_lost += other.agent_lost;
        self.unavoidable += other.unavoidable;
        self.missed += other.missed;
        self.manual += other.manual;
        self.housekeeping += other.housekeeping;
        self.refused += other.refused;
        self.unknown += other.unknown;
        self.faults += other.faults;
        self.sleeps += other.sleeps;
        self.proven_alive += other.proven_alive;
    }
}
