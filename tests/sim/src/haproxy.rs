//! One member's HAProxy: what it truly does, and what its agent thinks of it.
//!
//! The judgement follows the measured rules (safety.md 2.4): `stopped` 500 ms after the unit failed, or after 3 s of
//! starting and stopping; `crash-loop` at the third restart within 60 s; `hung` after 3 s without an answer.

use model::haproxy::Down;

/// What happens to a HAProxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// It is stopped, or fails for good.
    Stop,
    /// It is restarted and serves again after this many ms.
    Restart(u64),
    /// It dies every 2.5 s, this often, and systemd restarts it each time.
    CrashLoop(u32),
    /// It runs and gives no answer.
    Hang,
    /// It is repaired.
    Repair,
}

/// What is due for a HAProxy; an older generation's dues are void.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// The unit is read again, or a time limit of the judgement has passed.
    Judge,
    /// A restart is over.
    Up,
    /// The next death of a crash loop.
    Crash,
    /// A minute without a crash.
    Calm,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Truth {
    Serving,
    Stopped,
    Starting,
    Looping { left: u32, seen: u32 },
    Hung,
}

/// One member's HAProxy.
#[derive(Clone, Debug)]
pub struct Haproxy {
    truth: Truth,
    judged: Down,
    generation: u32,
}

impl Default for Haproxy {
    fn default() -> Self {
        Self { truth: Truth::Serving, judged: Down::None, generation: 0 }
    }
}

/// What a mishap asks the world to do later: after these many ms, this due.
pub type Later = Vec<(u64, Due)>;

impl Haproxy {
    /// Whether customers get answers from it, while its host runs.
    pub fn serves(&self) -> bool {
        match self.truth {
            Truth::Serving => true,
            Truth::Looping { seen, .. } => seen < 3,
            Truth::Stopped | Truth::Starting | Truth::Hung => false,
        }
    }

    /// Whether its port answers a TCP probe now.
    pub fn answers(&self) -> bool {
        matches!(self.truth, Truth::Serving | Truth::Looping { .. })
    }

    /// What the agent says of it.
    pub fn judged(&self) -> Down {
        self.judged
    }

    /// Dues of another generation are void.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// The host starts again, and with it HAProxy.
    pub fn boot(&mut self) {
        *self = Self { generation: self.generation + 1, ..Self::default() };
    }

    /// Something happens to it.
    pub fn suffer(&mut self, mishap: Mishap) -> Later {
        self.generation += 1;
        match mishap {
            Mishap::Stop => {
                self.truth = Truth::Stopped;
                vec![(500, Due::Judge)]
            }
            Mishap::Restart(ms) => {
                self.truth = Truth::Starting;
                let judged = if ms > 3_000 { vec![(3_000, Due::Judge)] } else { Vec::new() };
                judged.into_iter().chain([(ms, Due::Up)]).collect()
            }
            Mishap::CrashLoop(times) => {
                self.truth = Truth::Looping { left: times, seen: 0 };
                vec![(0, Due::Crash)]
            }
            Mishap::Hang => {
                self.truth = Truth::Hung;
                vec![(3_000, Due::Judge)]
            }
            Mishap::Repair => {
                self.truth = Truth::Serving;
                // A crash loop is believed over only after a calm minute.
                if self.judged == Down::CrashLoop { vec![(60_000, Due::Calm)] } else { vec![(0, Due::Judge)] }
            }
        }
    }

    /// Something is due. Gives what is due next, and whether the judgement changed.
    pub fn on_due(&mut self, due: Due) -> (Later, bool) {
        let before = self.judged;
        let mut later = Vec::new();
        match due {
            Due::Judge => self.judged = self.judge(),
            Due::Up => {
                self.truth = Truth::Serving;
                self.judged = Down::None;
            }
            Due::Crash => later = self.crash(),
            Due::Calm => self.judged = Down::None,
        }
        (later, self.judged != before)
    }

    fn judge(&self) -> Down {
        match self.truth {
            Truth::Serving => Down::None,
            Truth::Stopped | Truth::Starting => Down::Stopped,
            Truth::Looping { seen, .. } => {
                if seen >= 3 {
                    Down::CrashLoop
                } else {
                    Down::None
                }
            }
            Truth::Hung => Down::Hung,
        }
    }

    fn crash(&mut self) -> Later {
        let Truth::Looping { left, seen } = self.truth else { return Vec::new() };
        let (left, seen) = (left.saturating_sub(1), seen + 1);
        self.truth = Truth::Looping { left, seen };
        if seen >= 3 {
            self.judged = Down::CrashLoop;
        }
        if left == 0 {
            self.truth = Truth::Serving;
            return if self.judged == Down::CrashLoop { vec![(60_000, Due::Calm)] } else { Vec::new() };
        }
        vec![(2_500, Due::Crash)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(service: &mut Haproxy, mishap: Mishap) -> Vec<(u64, Down)> {
        let mut due: Vec<(u64, Due)> = service.suffer(mishap);
        let mut seen = Vec::new();
        while !due.is_empty() {
            due.sort_by_key(|(at, _)| *at);
            let (at, next) = due.remove(0);
            let (later, changed) = service.on_due(next);
            due.extend(later.into_iter().map(|(after, due)| (at + after, due)));
            if changed {
                seen.push((at, service.judged()));
            }
        }
        seen
    }

    #[test]
    fn the_judgement_follows_the_measured_rules() {
        let check = |mishap, expect: &[(u64, Down)]| {
            assert_eq!(run(&mut Haproxy::default(), mishap), expect, "{mishap:?}");
        };
        check(Mishap::Stop, &[(500, Down::Stopped)]);
        check(Mishap::Restart(800), &[]);
        check(Mishap::Restart(5_000), &[(3_000, Down::Stopped), (5_000, Down::None)]);
        check(Mishap::CrashLoop(4), &[(5_000, Down::CrashLoop), (67_500, Down::None)]);
        check(Mishap::CrashLoop(2), &[]);
        check(Mishap::Hang, &[(3_000, Down::Hung)]);
    }
}
