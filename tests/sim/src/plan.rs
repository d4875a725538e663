//! What one seed means: the shape of its world and the faults that strike it.
//!
//! A seed enables a random part of the kinds of faults and draws its own timers, so that some worlds know only one
//! fault, again and again, and others all of them at once (swarm). Half of the dense worlds end with a time in which
//! everything is healed and the pool must show that it still works.

use std::str::FromStr;

use model::Settings;
use model::settings::{AgentLost, Arming, DoubleFault, Targets};

use crate::clock::RATE_ONE;
use crate::fault::{AgentEnd, Click, Fault, Kind, Lie, Place, Ways, Weather, Whom};
use crate::haproxy::Mishap;
use crate::net::Quality;
use crate::register::{ForeignA, ForeignMarker, Provider};
use crate::rng::Dice;

/// Moves the dice of faults that were added later away from the others.
const LATER_SALT: u64 = 0x1a7e_4fa0_17f0_0001;

/// How hard a world is hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Faults every few seconds to minutes, on top of each other.
    Dense,
    /// The same for a few minutes only: many seeds in little time.
    Short,
    /// Several consoles, a bad provider, deaths in the middle of claims and impatient operators.
    Contested,
    /// A few faults an hour, of the kinds that computers have.
    Realistic,
    /// None at all.
    Calm,
}

/// One computer that could carry traffic or testify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VoterPlan {
    /// Its clock's rate.
    pub rate: u64,
    /// A witness never carries traffic.
    pub witness: bool,
}

/// One console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsolePlan {
    /// Its clock's rate.
    pub rate: u64,
    /// Its wall clock's error.
    pub wall_offset_ms: i64,
    /// Its rank.
    pub rank: u32,
    /// When it starts.
    pub starts_at: u64,
}

/// One world.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The number that it was drawn from.
    pub seed: u64,
    /// How hard it is hit.
    pub profile: Profile,
    /// Which provider.
    pub provider: Provider,
    /// The pool's settings.
    pub settings: Settings,
    /// Members first, then witnesses.
    pub voters: Vec<VoterPlan>,
    /// Consoles.
    pub consoles: Vec<ConsolePlan>,
    /// Member that the policy prefers.
    pub preferred: Option<usize>,
    /// What goes wrong, in order of time.
    pub faults: Vec<(u64, Fault)>,
    /// When the faults end.
    pub chaos_until: u64,
    /// Whether it ends with a check that the pool still works.
    pub liveness: bool,
    /// Seed of the world's own dice.
    pub world_seed: u64,
}

impl Profile {
    /// Whether faults come on top of each other.
    pub const fn is_dense(self) -> bool {
        matches!(self, Self::Dense | Self::Short | Self::Contested)
    }

    /// How long worlds are hit, in minutes.
    const fn minutes(self) -> &'static [u64] {
        match self {
            Self::Dense => &[30, 60, 120, 240],
            Self::Short => &[3, 5, 8],
            Self::Contested => &[5, 10],
            Self::Realistic => &[360, 720, 1_440],
            Self::Calm => &[30],
        }
    }

    /// Its name on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Dense => "dense",
            Self::Short => "short",
            Self::Contested => "contested",
            Self::Realistic => "realistic",
            Self::Calm => "calm",
        }
    }
}

impl FromStr for Profile {
    type Err = String;
    fn from_str(word: &str) -> Result<Self, String> {
        [Self::Dense, Self::Short, Self::Contested, Self::Realistic, Self::Calm]
            .into_iter()
            .find(|profile| profile.word() == word)
            .ok_or_else(|| format!("`{word}` is no profile: dense, short, contested, realistic or calm"))
    }
}

impl Plan {
    /// Draws the world of this seed.
    pub fn draw(seed: u64, profile: Profile) -> Self {
        let mut plan = Self::draw_first(seed, profile);
        plan.add_later_faults();
        plan
    }

    /// The same without what was added later; worlds that broke before that are kept so.
    pub fn draw_first(seed: u64, profile: Profile) -> Self {
        let mut dice = Dice::new(seed);
        let length_ms = dice.pick(profile.minutes()) * 60_000;
        let members = if profile == Profile::Contested {
            dice.pick(&[2, 3, 3])
        } else if profile.is_dense() {
            dice.pick(&[1, 2, 2, 2, 3, 3, 3, 3, 4, 5])
        } else {
            dice.pick(&[2, 2, 3, 3, 3, 4])
        };
        let witnesses = dice.pick(&[0, 0, 0, 1, 1, 2]);
        let consoles = if profile == Profile::Contested {
            dice.pick(&[2, 2, 3, 3])
        } else if profile.is_dense() {
            dice.pick(&[1, 1, 1, 2, 2, 2, 3, 5])
        } else {
            dice.pick(&[1, 1, 2, 2])
        };
        let voters = members + witnesses;
        let settings = draw_settings(&mut dice, profile, voters);
        let sane = !profile.is_dense();
        let mut plan = Self {
            seed,
            profile,
            provider: dice.pick(&[Provider::Rfc2136, Provider::Rfc2136, Provider::Cloudflare, Provider::Whm]),
            settings,
            voters: (0..voters)
                .map(|n| VoterPlan { rate: draw_rate(&mut dice, sane), witness: n >= members })
                .collect(),
            consoles: (0..consoles).map(|n| draw_console(&mut dice, sane, n)).collect(),
            preferred: (dice.percent(10) && members > 1).then(|| dice.below(members)),
            faults: Vec::new(),
            chaos_until: length_ms,
            liveness: !profile.is_dense() || dice.percent(50),
            world_seed: dice.draw(),
        };
        let mut chooser = Chooser::new(&mut dice, &plan);
        plan.faults = chooser.choose();
        plan
    }

    /// Faults that were thought of later, by dice of their own: a world that broke once stays what it was without them.
    fn add_later_faults(&mut self) {
        let mut dice = Dice::new(self.seed ^ LATER_SALT);
        if !self.profile.is_dense() || !dice.percent(30) {
            return;
        }
        for _ in 0..dice.range(1, 4) {
            let at = dice.range(30_000, self.chaos_until - 1);
            let console = dice.below(self.consoles.len());
            let ms = dice.spread(2_000, 180_000);
            let fault = if dice.percent(60) {
                Fault::StoreRefuses(console, ms)
            } else {
                Fault::FleetGuard(console, ms)
            };
            self.faults.push((at, fault));
        }
        self.faults.sort_by_key(|(at, _)| *at);
    }

    /// How much faster than the true time the fastest clock of this world can run, in percent.
    pub fn fastest_percent(&self) -> u64 {
        let rates = self
            .voters
            .iter()
            .map(|voter| voter.rate)
            .chain(self.consoles.iter().map(|console| console.rate));
        // A fault may make any clock run a tenth faster.
        let fastest = rates.max().unwrap_or(RATE_ONE).max(RATE_ONE * 11 / 10);
        (fastest * 100).div_ceil(RATE_ONE)
    }

    /// Members that may carry traffic.
    pub fn members(&self) -> usize {
        self.voters.iter().filter(|voter| !voter.witness).count()
    }
}

fn draw_settings(dice: &mut Dice, profile: Profile, voters: usize) -> Settings {
    let dense = profile.is_dense();
    let rare = |dice: &mut Dice| dense && dice.percent(20);
    Settings {
        delay_s: dice.pick(&[10, 10, 12, 15, 20, 30, 30, 45, 60, 90, 120]),
        voices: if voters >= 5 && rare(dice) { 3 } else { 2 },
        targets: if dice.percent(20) { Targets::Any } else { Targets::Public },
        agent_lost: if rare(dice) { AgentLost::ServiceConfirmed } else { AgentLost::Heartbeat },
        double_fault: if rare(dice) { DoubleFault::Move } else { DoubleFault::Ask },
        arming: if dense && dice.percent(5) { Arming::Shadow } else { Arming::Armed },
        probe_port: dice.percent(50).then_some(443),
        ..Settings::default()
    }
    .check()
    .expect("drawn settings stay inside the ranges")
}

fn draw_rate(dice: &mut Dice, sane: bool) -> u64 {
    if !sane && dice.percent(3) {
        return dice.range(RATE_ONE / 2, RATE_ONE * 2);
    }
    if !sane && dice.percent(30) {
        return dice.range(RATE_ONE * 9 / 10, RATE_ONE * 11 / 10);
    }
    dice.range(RATE_ONE - RATE_ONE / 5_000, RATE_ONE + RATE_ONE / 5_000)
}

fn draw_console(dice: &mut Dice, sane: bool, index: usize) -> ConsolePlan {
    let year_ms = 365 * 24 * 3_600_000;
    ConsolePlan {
        rate: draw_rate(dice, sane),
        wall_offset_ms: dice.range(0, 20 * year_ms) as i64 - 10 * year_ms as i64,
        rank: dice.pick(&[50, 100, 100, 200]),
        starts_at: if index == 0 { 0 } else { dice.range(0, 60_000) },
    }
}

/// Chooses faults for one world.
struct Chooser<'a> {
    dice: &'a mut Dice,
    kinds: Vec<(Kind, u32)>,
    members: usize,
    voters: usize,
    consoles: usize,
    delay_ms: u64,
    gap_ms: u64,
    until: u64,
    contested: bool,
}

impl<'a> Chooser<'a> {
    fn new(dice: &'a mut Dice, plan: &Plan) -> Self {
        let calm = [
            Kind::Cut,
            Kind::OneWay,
            Kind::Isolate,
            Kind::Bad,
            Kind::Stall,
            Kind::Suspend,
            Kind::Crash,
            Kind::NetChange,
            Kind::Power,
            Kind::Shutdown,
            Kind::PlannedReboot,
            Kind::Freeze,
            Kind::Agent,
            Kind::Haproxy,
            Kind::Weather,
        ];
        let contested = [
            (Kind::Stall, 4),
            (Kind::Suspend, 10),
            (Kind::Crash, 4),
            (Kind::CrashBeforeActing, 14),
            (Kind::Credential, 2),
            (Kind::OneWay, 3),
            (Kind::Power, 4),
            (Kind::Haproxy, 16),
            (Kind::BadConfig, 5),
            (Kind::Weather, 24),
            (Kind::Activate, 14),
            (Kind::Operator, 8),
            (Kind::ForeignA, 3),
            (Kind::Clone, 1),
        ];
        let share = dice.pick(&[10, 25, 50, 80, 100]);
        let mut kinds: Vec<_> = match plan.profile {
            Profile::Calm => Vec::new(),
            Profile::Realistic => Kind::ALL.into_iter().filter(|(kind, _)| calm.contains(kind)).collect(),
            Profile::Contested => contested.to_vec(),
            Profile::Dense | Profile::Short => {
                Kind::ALL.into_iter().filter(|_| dice.percent(share)).collect()
            }
        };
        if kinds.is_empty() && plan.profile != Profile::Calm {
            kinds.push((Kind::Power, 1));
        }
        let gap_ms = match plan.profile {
            Profile::Calm => u64::MAX,
            Profile::Realistic => dice.pick(&[600_000, 1_200_000, 2_400_000]),
            Profile::Dense => dice.pick(&[8_000, 20_000, 40_000, 90_000, 180_000]),
            Profile::Short => dice.pick(&[4_000, 8_000, 20_000, 40_000]),
            Profile::Contested => dice.pick(&[3_000, 6_000, 10_000]),
        };
        Self {
            dice,
            kinds,
            members: plan.members(),
            voters: plan.voters.len(),
            consoles: plan.consoles.len(),
            delay_ms: plan.settings.delay().as_ms(),
            gap_ms,
            until: plan.chaos_until,
            contested: plan.profile == Profile::Contested,
        }
    }

    fn choose(&mut self) -> Vec<(u64, Fault)> {
        let mut faults = Vec::new();
        if self.kinds.is_empty() {
            return faults;
        }
        let total: u32 = self.kinds.iter().map(|(_, weight)| weight).sum();
        let mut at = self.dice.pick(&[1_000, 40_000, 120_000, 200_000]);
        loop {
            at += self.dice.range(self.gap_ms / 10, self.gap_ms * 19 / 10);
            if at >= self.until {
                return faults;
            }
            let mut draw = self.dice.range(0, u64::from(total) - 1) as u32;
            let mut chosen = self.kinds[0].0;
            for (kind, weight) in &self.kinds {
                if draw < *weight {
                    chosen = *kind;
                    break;
                }
                draw -= weight;
            }
            let fault = self.fault(chosen);
            // One copy of a console tells what ten would.
            let another_copy = matches!(fault, Fault::Clone(_))
                && faults.iter().any(|(_, before)| matches!(before, Fault::Clone(_)));
            if !another_copy {
                faults.push((at, fault));
            }
        }
    }

    /// A length around the delays that matter, or anything between a blink and ten minutes.
    fn length(&mut self) -> u64 {
        let d = self.delay_ms;
        match self.dice.below(4) {
            0 => self.dice.range(d / 2, d * 2),
            1 => self.dice.range(d * 2, d * 6),
            _ => self.dice.spread(200, 600_000),
        }
    }

    fn whom(&mut self) -> Whom {
        if self.dice.percent(60) { Whom::Active } else { Whom::Voter(self.dice.below(self.voters)) }
    }

    fn console(&mut self) -> usize {
        self.dice.below(self.consoles)
    }

    fn place(&mut self) -> Place {
        match self.dice.below(8) {
            0 => Place::Register,
            1..=3 => Place::Console(self.console()),
            _ => Place::Voter(self.whom()),
        }
    }

    fn ways(&mut self) -> Ways {
        if self.dice.percent(70) { Ways::Both } else { Ways::There }
    }

    fn quality(&mut self) -> Quality {
        Quality {
            loss_ppm: self.dice.pick(&[0, 10_000, 100_000, 300_000]),
            double_ppm: self.dice.pick(&[0, 0, 50_000]),
            delay_ms: self.dice.pick(&[5, 50, 300]),
            jitter_ms: self.dice.pick(&[20, 200, 800, 3_000]),
        }
    }

    fn fault(&mut self, kind: Kind) -> Fault {
        match kind {
            Kind::Cut | Kind::OneWay | Kind::Isolate | Kind::Partition | Kind::Bad | Kind::CaptivePortal => {
                self.network_fault(kind)
            }
            Kind::Power
            | Kind::Shutdown
            | Kind::PlannedReboot
            | Kind::Freeze
            | Kind::AgentStall
            | Kind::Agent
            | Kind::Haproxy
            | Kind::DoublePower
            | Kind::Snapshot
            | Kind::Lying
            | Kind::MemberRate
            | Kind::Maintenance
            | Kind::BadConfig => self.member_fault(kind),
            Kind::Stall
            | Kind::Suspend
            | Kind::DarkWake
            | Kind::Crash
            | Kind::CrashBeforeActing
            | Kind::Clone
            | Kind::Credential
            | Kind::NetChange
            | Kind::ConsoleRate
            | Kind::Wall => self.console_fault(kind),
            Kind::Weather | Kind::ForeignA | Kind::ForeignMarker | Kind::RollBack => {
                self.register_fault(kind)
            }
            Kind::Activate | Kind::Pause | Kind::Operator | Kind::Documents => self.operator_fault(kind),
        }
    }

    fn network_fault(&mut self, kind: Kind) -> Fault {
        let length = self.length();
        match kind {
            Kind::OneWay => Fault::Cut(self.place(), self.place(), Ways::There, length),
            Kind::Isolate if self.dice.percent(35) => {
                Fault::AllButOne(self.place(), self.dice.below(self.voters), length)
            }
            Kind::Isolate => Fault::Isolate(self.place(), self.ways(), length),
            Kind::Partition => Fault::Partition(self.dice.draw() as u32, length),
            Kind::Bad if self.dice.percent(40) => Fault::BadAll(self.quality(), length),
            Kind::Bad => Fault::Bad(self.place(), self.place(), self.ways(), self.quality(), length),
            Kind::CaptivePortal => Fault::CaptivePortal(self.console(), length),
            _ => Fault::Cut(self.place(), self.place(), Ways::Both, length),
        }
    }

    fn member_fault(&mut self, kind: Kind) -> Fault {
        let length = self.length();
        match kind {
            Kind::Shutdown => Fault::Shutdown(self.whom(), length.max(8_000)),
            Kind::PlannedReboot => Fault::PlannedReboot(self.whom(), self.dice.range(15_000, 240_000)),
            Kind::Freeze => Fault::Freeze(self.whom(), length),
            Kind::AgentStall => Fault::AgentStall(self.whom(), length),
            Kind::Agent => {
                let end = self.dice.pick(&[AgentEnd::Kill, AgentEnd::Kill, AgentEnd::Stop]);
                Fault::Agent(self.whom(), end, length)
            }
            Kind::Haproxy => Fault::Haproxy(self.whom(), self.mishap(), length.max(4_000)),
            Kind::DoublePower => {
                Fault::DoublePowerCut(self.whom(), self.dice.below(self.voters), length.max(15_000))
            }
            Kind::Snapshot => Fault::Snapshot(self.whom(), self.dice.range(5_000, 600_000)),
            Kind::Lying => {
                let about = self.dice.below(self.members);
                let lie = match self.dice.below(4) {
                    0 => Lie::Withhold(about),
                    1 => Lie::Delay(self.dice.range(1_000, 60_000)),
                    2 => Lie::Drip(about),
                    _ => Lie::FalseTestimony(about),
                };
                Fault::Lying(self.dice.below(self.voters), lie, self.dice.range(30_000, 900_000))
            }
            Kind::MemberRate => {
                let rate = self.dice.range(RATE_ONE * 9 / 10, RATE_ONE * 11 / 10);
                Fault::MemberRate(self.dice.below(self.voters), rate, length)
            }
            Kind::Maintenance => Fault::Maintenance(self.whom(), length),
            Kind::BadConfig => Fault::BadConfig(self.dice.below(self.members), length),
            _ => Fault::PowerCut(self.whom(), length.max(12_000)),
        }
    }

    fn mishap(&mut self) -> Mishap {
        match self.dice.below(6) {
            0 | 1 => Mishap::Stop,
            2 => Mishap::Restart(self.dice.spread(100, 8_000)),
            3 => Mishap::CrashLoop(self.dice.range(1, 8) as u32),
            _ => Mishap::Hang,
        }
    }

    fn console_fault(&mut self, kind: Kind) -> Fault {
        let (console, length) = (self.console(), self.length());
        match kind {
            Kind::Suspend if self.dice.percent(35) => {
                Fault::SuspendAfterSending(console, self.dice.spread(2_000, 400_000))
            }
            Kind::Suspend if self.contested => Fault::Suspend(console, self.dice.spread(1_500, 120_000)),
            Kind::Suspend => Fault::Suspend(console, self.dice.spread(1_000, 72 * 3_600_000)),
            Kind::DarkWake => Fault::DarkWake(console, self.dice.spread(500, 8_000), length.max(5_000)),
            Kind::Crash => Fault::Crash(console, self.dice.spread(300, 60_000)),
            Kind::CrashBeforeActing => {
                let skip = self.dice.below(5) as u32;
                Fault::CrashBeforeActing(console, skip, self.dice.spread(300, 60_000))
            }
            Kind::Stall if self.dice.percent(25) => {
                Fault::StallBeforeSending(console, self.dice.spread(300, 60_000))
            }
            Kind::Clone => Fault::Clone(console),
            Kind::Credential if self.dice.percent(50) => Fault::CredentialLost(console, length),
            Kind::Credential => Fault::CredentialRevoked(console, length),
            Kind::NetChange => Fault::NetChange(console, self.dice.range(1, 4)),
            Kind::ConsoleRate => {
                let rate = self.dice.range(RATE_ONE * 9 / 10, RATE_ONE * 11 / 10);
                Fault::ConsoleRate(console, rate, length)
            }
            Kind::Wall => Fault::WallStep(console, self.dice.range(0, 1_000_000_000) as i64 - 500_000_000),
            _ => Fault::Stall(console, self.dice.spread(100, 600_000)),
        }
    }

    fn register_fault(&mut self, kind: Kind) -> Fault {
        let length = self.length();
        match kind {
            Kind::ForeignA => {
                Fault::ForeignA(self.dice.pick(&[ForeignA::Edit, ForeignA::Replace, ForeignA::Add]))
            }
            Kind::ForeignMarker => {
                Fault::ForeignMarker(self.dice.pick(&[ForeignMarker::Delete, ForeignMarker::Double]))
            }
            Kind::RollBack => Fault::RollBack,
            _ => {
                let weather = match self.dice.below(8) {
                    6 => Weather::Slow(self.dice.spread(300, 7_000)),
                    0 => Weather::Outage,
                    1 => Weather::StaleReads(self.dice.spread(500, 30_000)),
                    2 => Weather::LostAnswers,
                    3 => Weather::ErrorsAfterCommit,
                    4 => Weather::Late(self.dice.spread(2_000, 600_000)),
                    5 => Weather::Doubled(self.dice.spread(1_000, 600_000)),
                    _ => Weather::Throttled(self.dice.range(1, 60)),
                };
                Fault::Weather(weather, length)
            }
        }
    }

    fn operator_fault(&mut self, kind: Kind) -> Fault {
        let console = self.console();
        let member = self.dice.below(self.members);
        match kind {
            Kind::Activate if self.dice.percent(70) => {
                Fault::Click(console, Click::Activate { member, force: self.dice.percent(30) })
            }
            Kind::Activate => Fault::Click(console, Click::Cutover),
            Kind::Pause if self.dice.percent(30) => Fault::Click(console, Click::Resume),
            Kind::Pause => Fault::Click(console, Click::Pause(self.dice.spread(5_000, 600_000))),
            Kind::Documents if self.dice.percent(50) => Fault::RosterBump,
            Kind::Documents => Fault::PolicyDelay(self.dice.pick(&[10, 15, 30, 60, 120])),
            _ => {
                let watch_off = self.dice.spread(2_000, 300_000);
                let click = self.dice.pick(&[
                    Click::Acknowledge,
                    Click::Acknowledge,
                    Click::Adopt,
                    Click::Restore,
                    Click::WatchOff(watch_off),
                ]);
                Fault::Click(console, click)
            }
        }
    }
}
