//! Seeds: fresh ones, the same twice, with other wall clocks, and those that broke once.

use std::collections::BTreeSet;

use evaluator::state::TABLE;
use sim::fault::Fault;
use sim::plan::{Plan, Profile};
use sim::runs::{self, Order, Ran};
use sim::world::World;

fn order(profile: Profile, seed: u64, seeds: u64) -> Order {
    Order { seed, profile, seeds: Some(seeds), pool_hours: 0.0, planted: None, threads: 2 }
}

fn check(ran: &Ran) {
    let told: Vec<_> = ran
        .broken
        .iter()
        .take(3)
        .map(|broken| {
            let failure = &broken.failure;
            format!(
                "{}{:?} broken: {}\nreplay with: sim --replay {} --profile {}",
                failure.story,
                failure.violation.invariant,
                failure.violation.text,
                broken.seed,
                broken.profile.word()
            )
        })
        .collect();
    assert!(ran.broken.is_empty(), "{} worlds broke\n{}", ran.broken.len(), told.join("\n\n"));
    assert_eq!((ran.totals.false_promotions, ran.totals.missed), (0, 0));
}

/// Rows of the table that these worlds cannot reach, each for its reason.
const OUT_OF_REACH: [(&str, &str); 1] = [("address-changed", "no world here uses dynamic DNS")];

#[test]
fn short_and_contested_worlds_keep_every_invariant_and_reach_every_rule() {
    let short = runs::run(&order(Profile::Short, 100, 7_000));
    check(&short);
    assert!(short.totals.promotions > 4_200, "{:?}", short.totals);
    assert!(short.totals.proven_alive > 2_100, "{:?}", short.totals);
    let contested = runs::run(&order(Profile::Contested, 100, 3_000));
    check(&contested);
    assert!(contested.totals.refused > 750, "claims are contested: {:?}", contested.totals);
    assert!(contested.totals.unknown > 750, "outcomes are unknown: {:?}", contested.totals);
    let reached: BTreeSet<&str> =
        short.ways.iter().chain(&contested.ways).map(|(_, _, rule)| rule.as_str()).collect();
    let rules = TABLE.iter().map(|way| way.rule.word());
    let missing: BTreeSet<&str> = rules.filter(|rule| !reached.contains(rule)).collect();
    let expected: BTreeSet<&str> = OUT_OF_REACH.into_iter().map(|(rule, _)| rule).collect();
    assert_eq!(missing, expected, "rules that no world took");
}

#[test]
fn dense_worlds_keep_every_invariant() {
    check(&runs::run(&order(Profile::Dense, 200, 30)));
}

#[test]
fn realistic_worlds_keep_every_invariant() {
    check(&runs::run(&order(Profile::Realistic, 300, 4)));
}

#[test]
fn a_calm_world_moves_once_when_its_active_is_taken_away() {
    let ran = runs::run(&order(Profile::Calm, 400, 12));
    check(&ran);
    assert_eq!(ran.totals.promotions, 12, "{:?}", ran.totals);
    assert_eq!(ran.totals.proven_alive, 12, "{:?}", ran.totals);
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in 0..20 {
        let (one, two) =
            (runs::run_seed(seed, Profile::Short, None), runs::run_seed(seed, Profile::Short, None));
        assert_eq!(one.hash, two.hash, "seed {seed}");
    }
    let on_one_thread = Order { threads: 1, ..order(Profile::Short, 7, 60) };
    let (one, two) = (runs::run(&on_one_thread), runs::run(&order(Profile::Short, 7, 60)));
    assert_eq!(one.hash, two.hash, "the number of threads changes nothing");
    assert_ne!(one.hash, runs::run(&order(Profile::Short, 8, 60)).hash);
}

/// I11: wall-clock values never change a decision.
#[test]
fn other_wall_clocks_give_the_same_trace() {
    for seed in 0..25 {
        let plan = Plan::draw(seed, Profile::Short);
        let mut other = plan.clone();
        for (n, console) in (1..).zip(&mut other.consoles) {
            console.wall_offset_ms = -console.wall_offset_ms / 3 + n * 86_400_000;
        }
        for (_, fault) in &mut other.faults {
            if let Fault::WallStep(_, ms) = fault {
                *ms = -*ms * 7;
            }
        }
        let (one, two) = (World::new(plan, None).run(), World::new(other, None).run());
        assert_eq!(one.hash, two.hash, "seed {seed}");
    }
}

#[test]
fn what_once_broke_stays_whole() {
    let list = include_str!("../../regressions.txt");
    let lines = list.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let mut worlds = 0;
    for line in lines {
        let mut words = line.split_ascii_whitespace();
        let seed: u64 = words.next().and_then(|word| word.parse().ok()).expect("a line begins with its seed");
        let word = words.next().expect("then its profile");
        let profile: Profile = word.trim_end_matches('+').parse().expect("a profile");
        let plan =
            if word.ends_with('+') { Plan::draw(seed, profile) } else { Plan::draw_first(seed, profile) };
        let outcome = World::new(plan, None).run();
        assert!(outcome.failure.is_none(), "{line}\n{:?}", outcome.failure);
        worlds += 1;
    }
    assert!(worlds >= 10, "{worlds}");
}
