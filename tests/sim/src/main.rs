//! `sim`: runs worlds and prints one JSON line at the end.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser;
use sim::plan::Profile;
use sim::planted::Planted;
use sim::runs::{self, Broken, Order};

/// Simulates pools with everything going wrong, and checks that no invariant breaks.
#[derive(Debug, Parser)]
#[command(after_help = "Example: sim --pool-hours 2000 --seed 7919 --json")]
struct Arguments {
    /// Simulated pool-hours to reach.
    #[arg(long, default_value_t = 100.0)]
    pool_hours: f64,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How hard worlds are hit: dense, short, contested, realistic or calm.
    #[arg(long, default_value = "dense")]
    profile: Profile,
    /// Run this many seeds instead of so many hours.
    #[arg(long)]
    seeds: Option<u64>,
    /// Print nothing but the last line.
    #[arg(long)]
    json: bool,
    /// Run this one world, as it was printed, and show its story.
    #[arg(long)]
    replay: Option<u64>,
    /// Plant this bug and stop at the first world in which it is found.
    #[arg(long)]
    plant: Option<Planted>,
    /// Threads; by default one per core.
    #[arg(long)]
    threads: Option<usize>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    name_the_seed_of_a_panic();
    if let Some(seed) = arguments.replay {
        return replay(seed, arguments.profile, arguments.plant);
    }
    let order = Order {
        seed: arguments.seed,
        profile: arguments.profile,
        seeds: arguments.seeds,
        pool_hours: arguments.pool_hours,
        planted: arguments.plant,
        threads: arguments
            .threads
            .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)),
    };
    let ran = runs::run(&order);
    for broken in ran.broken.iter().take(40) {
        say_broken(broken, arguments.json);
    }
    let summary = ran.summary(&order);
    say(&serde_json::to_string(&summary).expect("numbers and words can be written as JSON"));
    verdict(summary.violations + summary.false_promotions + summary.missed)
}

fn name_the_seed_of_a_panic() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        usual(info);
        if let Some((seed, profile)) = runs::running() {
            let words = format!("replay with: sim --replay {seed} --profile {}", profile.word());
            let _ = writeln!(std::io::stderr(), "{words}");
        }
    }));
}

fn replay(seed: u64, profile: Profile, planted: Option<Planted>) -> ExitCode {
    let outcome = runs::run_seed(seed, profile, planted);
    if let Some(failure) = &outcome.failure {
        say_broken(&Broken { seed, profile, failure: failure.clone() }, false);
    }
    say(&format!(
        "seed {seed} {}: {} ms, {:?}, trace {:032x}",
        profile.word(),
        outcome.totals.simulated_ms,
        outcome.totals,
        outcome.hash
    ));
    verdict(u64::from(outcome.failure.is_some()))
}

fn say_broken(broken: &Broken, brief: bool) {
    let failure = &broken.failure;
    let story = if brief { "" } else { &failure.story };
    let head = format!(
        "{story}{:?} broken at {} ms: {}\nreplay with: sim --replay {} --profile {}",
        failure.violation.invariant,
        failure.at,
        failure.violation.text,
        broken.seed,
        broken.profile.word()
    );
    // Stories go to the other stream, so that the last line stays the only one on this.
    let _ = writeln!(std::io::stderr(), "{head}");
}

fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn verdict(bad: u64) -> ExitCode {
    if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
