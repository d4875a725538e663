use super::*;

/// A judge with a clock: each call is "at this time, this happened".
struct Case {
    judge: Judge,
    restarts: u32,
    last: Judgement,
}

impl Case {
    fn active() -> Self {
        let mut judge = Judge::new("haproxy.service");
        let reading = UnitReading { state: UnitState::Active, ..UnitReading::default() };
        let last = judge.step(Time::ZERO, Input::Unit(reading));
        Self { judge, restarts: 0, last }
    }

    fn unit(&mut self, ms: u64, state: UnitState) -> Down {
        self.unit_with(ms, state, Job::None)
    }

    fn unit_with(&mut self, ms: u64, state: UnitState, job: Job) -> Down {
        self.step(ms, Input::Unit(UnitReading { state, job, restarts: self.restarts }))
    }

    fn tick(&mut self, ms: u64) -> Down {
        self.step(ms, Input::Tick)
    }

    fn probe(&mut self, ms: u64, took_ms: u64, answer: Answer) -> Down {
        let started = Time::from_ms(ms - took_ms);
        self.step(ms, Input::Probe { listener: "*:80 (web)".into(), started, answer })
    }

    fn fails(&mut self, ms: u64) -> Down {
        self.probe(ms, 0, Answer::Failed("timed out".into()))
    }

    /// What systemd shows when the main process dies and `Restart=always` brings it back.
    fn crash_and_restart(&mut self, ms: u64) -> Down {
        self.unit(ms, UnitState::Failed);
        self.restarts += 1;
        self.unit(ms + 1, UnitState::Activating);
        self.unit(ms + 110, UnitState::Activating);
        self.unit(ms + 150, UnitState::Active)
    }

    fn step(&mut self, ms: u64, input: Input) -> Down {
        self.last = self.judge.step(Time::from_ms(ms), input);
        self.last.down
    }
}

fn at(ms: u64) -> Time {
    Time::from_ms(ms)
}

#[test]
fn a_stop_is_judged_at_the_second_reading() {
    let mut case = Case::active();
    assert_eq!(case.unit_with(1_000, UnitState::Deactivating, Job::Queued), Down::None);
    assert_eq!(case.unit_with(1_020, UnitState::Inactive, Job::Queued), Down::None);
    assert_eq!(case.last.read_again_at, Some(at(1_520)));
    assert_eq!(case.unit(1_021, UnitState::Inactive), Down::None);
    assert_eq!(case.tick(1_519), Down::None);
    assert_eq!(case.unit(1_520, UnitState::Inactive), Down::Stopped);
    assert_eq!(case.last.reason, "haproxy.service is inactive and no job is queued to start it");
    assert_eq!(case.last.read_again_at, None);
}

#[test]
fn it_stays_stopped_until_it_is_active_again_and_is_no_crash_loop() {
    let mut case = Case::active();
    case.unit(1_000, UnitState::Inactive);
    assert_eq!(case.unit(1_500, UnitState::Inactive), Down::Stopped);
    assert_eq!(case.tick(20_000), Down::Stopped);
    assert_eq!(case.unit_with(21_000, UnitState::Activating, Job::Queued), Down::Stopped);
    assert_eq!(case.unit(21_100, UnitState::Active), Down::None);
    assert_eq!(case.last.reason, "");
}

#[test]
fn a_restart_by_hand_is_nothing() {
    let mut case = Case::active();
    case.unit_with(1_000, UnitState::Deactivating, Job::Queued);
    case.unit_with(1_040, UnitState::Inactive, Job::Queued);
    case.unit_with(1_051, UnitState::Activating, Job::Queued);
    assert_eq!(case.unit(1_120, UnitState::Active), Down::None);
    assert_eq!((case.last.read_again_at, case.last.wake_at), (None, None));
    assert_eq!(case.unit(1_540, UnitState::Active), Down::None);
}

#[test]
fn inactive_with_a_job_is_read_again_until_the_job_is_done() {
    let mut case = Case::active();
    case.unit_with(1_000, UnitState::Inactive, Job::Queued);
    assert_eq!(case.unit_with(1_500, UnitState::Inactive, Job::Queued), Down::None);
    assert_eq!(case.last.read_again_at, Some(at(2_000)));
    assert_eq!(case.unit(1_700, UnitState::Inactive), Down::Stopped);
}

#[test]
fn an_automatic_restart_flashes_failed_and_is_nothing() {
    let mut case = Case::active();
    assert_eq!(case.crash_and_restart(1_000), Down::None);
    assert_eq!(case.tick(10_000), Down::None);
    assert_eq!(case.last.wake_at, None);
}

#[test]
fn failed_is_judged_at_the_second_reading() {
    let mut case = Case::active();
    assert_eq!(case.unit(1_000, UnitState::Failed), Down::None);
    assert_eq!(case.unit(1_500, UnitState::Failed), Down::Stopped);
    assert_eq!(case.last.reason, "haproxy.service is failed");
}

#[test]
fn starting_gets_three_seconds() {
    let mut case = Case::active();
    case.unit(1_000, UnitState::Activating);
    assert_eq!(case.last.wake_at, Some(at(4_000)));
    assert_eq!(case.tick(3_999), Down::None);
    assert_eq!(case.tick(4_000), Down::Stopped);
    assert_eq!(case.last.reason, "haproxy.service has been starting for more than 3.0 s");
}

#[test]
fn a_flash_of_failed_does_not_give_starting_new_time() {
    let mut case = Case::active();
    case.unit(1_000, UnitState::Activating);
    case.unit(2_000, UnitState::Failed);
    case.unit(2_001, UnitState::Activating);
    assert_eq!(case.tick(4_000), Down::Stopped);
}

#[test]
fn stopping_gets_three_seconds() {
    let mut case = Case::active();
    case.unit_with(1_000, UnitState::Deactivating, Job::Queued);
    assert_eq!(case.tick(3_990), Down::None);
    assert_eq!(case.tick(4_010), Down::Stopped);
}

#[test]
fn a_long_reload_is_nothing() {
    let mut case = Case::active();
    case.unit_with(1_000, UnitState::Reloading, Job::Queued);
    assert_eq!(case.last.wake_at, None);
    assert_eq!(case.tick(9_000), Down::None);
    assert_eq!(case.unit(9_500, UnitState::Active), Down::None);
}

#[test]
fn the_third_restart_within_a_minute_is_a_crash_loop() {
    let mut case = Case::active();
    assert_eq!(case.crash_and_restart(10_000), Down::None);
    assert_eq!(case.crash_and_restart(30_000), Down::None);
    assert_eq!(case.crash_and_restart(60_000), Down::CrashLoop);
    assert_eq!(case.last.reason, "haproxy.service restarted 3 times within 60 s");
}

#[test]
fn three_restarts_in_more_than_a_minute_are_not() {
    let mut case = Case::active();
    case.crash_and_restart(10_000);
    case.crash_and_restart(40_000);
    assert_eq!(case.crash_and_restart(71_000), Down::None);
}

#[test]
fn restarts_that_came_between_two_readings_count() {
    let mut case = Case::active();
    case.restarts = 3;
    assert_eq!(case.unit(5_000, UnitState::Active), Down::CrashLoop);
}

#[test]
fn restarts_from_before_the_first_reading_do_not() {
    let mut judge = Judge::new("haproxy.service");
    let reading = UnitReading { state: UnitState::Active, job: Job::None, restarts: 9 };
    assert_eq!(judge.step(Time::ZERO, Input::Unit(reading)).down, Down::None);
}

#[test]
fn restarts_by_hand_set_the_counter_back_and_do_not_count() {
    let mut case = Case::active();
    case.restarts = 2;
    case.unit(1_000, UnitState::Active);
    for ms in [2_000, 3_000, 4_000] {
        case.restarts = 0;
        case.unit(ms, UnitState::Deactivating);
        case.unit(ms + 40, UnitState::Inactive);
        assert_eq!(case.unit(ms + 60, UnitState::Active), Down::None);
    }
}

#[test]
fn five_seconds_away_within_thirty_are_a_crash_loop() {
    let mut case = Case::active();
    for ms in [1_000, 10_000] {
        case.unit(ms, UnitState::Activating);
        case.unit(ms + 2_000, UnitState::Active);
    }
    case.unit(20_000, UnitState::Activating);
    assert_eq!(case.last.wake_at, Some(at(21_000)));
    assert_eq!(case.tick(20_999), Down::None);
    assert_eq!(case.tick(21_000), Down::CrashLoop);
    assert_eq!(
        case.last.reason,
        "haproxy.service was neither active nor reloading for 5.0 s of the last 30 s"
    );
}

#[test]
fn a_slow_stop_by_hand_leaves_no_crash_loop_behind() {
    let mut case = Case::active();
    case.unit_with(1_000, UnitState::Deactivating, Job::Queued);
    assert_eq!(case.tick(4_000), Down::Stopped);
    assert_eq!(case.tick(7_000), Down::Stopped);
    case.unit(8_000, UnitState::Inactive);
    assert_eq!(case.unit(8_500, UnitState::Inactive), Down::Stopped);
    case.unit_with(9_000, UnitState::Activating, Job::Queued);
    assert_eq!(case.unit(9_100, UnitState::Active), Down::None);
}

#[test]
fn a_crash_loop_keeps_the_words_it_was_judged_with() {
    let mut case = Case::active();
    case.unit(1_000, UnitState::Activating);
    assert_eq!(case.tick(4_000), Down::Stopped);
    case.tick(6_500);
    assert_eq!(case.unit(7_000, UnitState::Active), Down::CrashLoop);
    let words = case.last.reason.clone();
    assert_eq!(words, "haproxy.service was neither active nor reloading for 6.0 s of the last 30 s");
    case.tick(60_000);
    assert_eq!((case.last.down, &case.last.reason), (Down::CrashLoop, &words));
    assert_eq!(case.tick(67_000), Down::None);
}

#[test]
fn time_away_longer_ago_does_not_count() {
    let mut case = Case::active();
    case.unit(1_000, UnitState::Activating);
    case.unit(3_900, UnitState::Active);
    case.unit(33_000, UnitState::Activating);
    assert_eq!(case.unit(35_900, UnitState::Active), Down::None);
}

#[test]
fn a_crash_loop_ends_after_a_calm_minute() {
    let mut case = Case::active();
    for ms in [10_000, 12_500, 15_000] {
        case.crash_and_restart(ms);
    }
    assert_eq!(case.last.down, Down::CrashLoop);
    assert_eq!(case.last.wake_at, Some(at(75_150)));
    assert_eq!(case.tick(75_149), Down::CrashLoop);
    assert_eq!(case.tick(75_150), Down::None);
}

#[test]
fn one_more_restart_begins_the_calm_again() {
    let mut case = Case::active();
    for ms in [10_000, 12_500, 15_000] {
        case.crash_and_restart(ms);
    }
    assert_eq!(case.crash_and_restart(70_000), Down::CrashLoop);
    assert_eq!(case.tick(100_000), Down::CrashLoop);
    assert_eq!(case.tick(130_150), Down::None);
}

#[test]
fn a_crash_loop_that_ends_failed_is_stopped() {
    let mut case = Case::active();
    for ms in [10_000, 12_500, 15_000] {
        case.crash_and_restart(ms);
    }
    case.unit(17_000, UnitState::Failed);
    assert_eq!(case.unit(17_500, UnitState::Failed), Down::Stopped);
}

#[test]
fn three_seconds_without_an_answer_are_hung() {
    let mut case = Case::active();
    assert_eq!(case.probe(10_000, 1, Answer::Answered), Down::None);
    assert_eq!(case.probe(11_900, 900, Answer::Failed("timed out".into())), Down::None);
    assert_eq!(case.probe(12_900, 900, Answer::Failed("timed out".into())), Down::None);
    assert_eq!(case.probe(14_000, 900, Answer::Failed("timed out".into())), Down::Hung);
    assert_eq!(
        case.last.reason,
        "haproxy.service is active, but *:80 (web) has given no answer for more than 3.0 s: timed out"
    );
    assert_eq!(case.probe(15_000, 1, Answer::Answered), Down::None);
}

#[test]
fn one_failure_however_long_is_not_hung() {
    let mut case = Case::active();
    assert_eq!(case.probe(10_000, 9_000, Answer::Failed("timed out".into())), Down::None);
}

#[test]
fn silence_counts_from_the_start_of_the_unit_only_and_while_active() {
    let mut case = Case::active();
    case.fails(1_000);
    case.fails(2_000);
    case.unit(2_500, UnitState::Deactivating);
    case.unit(2_600, UnitState::Active);
    assert_eq!(case.probe(4_100, 1_600, Answer::Failed("timed out".into())), Down::None);
    case.fails(4_500);
    assert_eq!(case.fails(5_600), Down::None);
    case.unit(7_000, UnitState::Reloading);
    assert_eq!(case.fails(8_000), Down::None);
    case.unit(8_100, UnitState::Active);
    assert_eq!(case.fails(8_200), Down::Hung);
}

#[test]
fn another_set_of_listeners_voids_the_silence() {
    let mut case = Case::active();
    case.fails(1_000);
    case.fails(2_000);
    case.step(2_100, Input::ListenersChanged);
    assert_eq!(case.fails(4_200), Down::None);
}

#[test]
fn our_own_stall_starts_all_clocks_again() {
    let mut case = Case::active();
    case.fails(1_000);
    case.fails(2_000);
    case.unit(2_100, UnitState::Activating);
    case.step(60_000, Input::Stalled);
    assert_eq!(case.tick(62_900), Down::None);
    assert_eq!(case.tick(63_000), Down::Stopped);

    let mut case = Case::active();
    case.unit(1_000, UnitState::Failed);
    case.step(60_000, Input::Stalled);
    assert_eq!(case.unit(60_100, UnitState::Failed), Down::None);
    assert_eq!(case.unit(60_500, UnitState::Failed), Down::Stopped);
}

#[test]
fn without_a_reading_nothing_is_judged() {
    let mut judge = Judge::new("haproxy.service");
    assert_eq!(judge.step(Time::from_ms(9_000), Input::Tick).down, Down::None);
    let mut case = Case::active();
    case.unit(1_000, UnitState::Activating);
    case.step(1_100, Input::UnitUnknown);
    assert_eq!(case.tick(60_000), Down::None);
}

#[test]
fn a_lost_bus_does_not_take_a_stop_back() {
    let mut case = Case::active();
    case.unit(1_000, UnitState::Failed);
    case.unit(1_500, UnitState::Failed);
    assert_eq!(case.step(2_000, Input::UnitUnknown), Down::Stopped);
    assert_eq!(case.unit(3_000, UnitState::Active), Down::None);
}

#[test]
fn a_unit_that_never_was_is_not_judged_and_one_that_vanished_is() {
    let mut judge = Judge::new("haproxy.service");
    for ms in [0, 500, 9_000] {
        let input = Input::Unit(UnitReading::default());
        assert_eq!(judge.step(Time::from_ms(ms), input).down, Down::None);
    }
    let mut case = Case::active();
    case.unit(1_000, UnitState::NotFound);
    assert_eq!(case.unit(1_500, UnitState::NotFound), Down::Stopped);
    assert_eq!(case.last.reason, "haproxy.service is gone from this host");
}

proptest::proptest! {
    /// Whatever comes in whichever order, the wake times lie ahead and a serving unit is never judged stopped.
    #[test]
    fn any_story_keeps_the_promises(
        story in proptest::collection::vec((0_u64..4_000, 0_u8..14, 0_u32..5), 0..200)
    ) {
        let mut judge = Judge::new("haproxy.service");
        let mut now = Time::ZERO;
        for (ms, what, restarts) in story {
            now += Span::from_ms(ms);
            let job = if what % 2 == 0 { Job::None } else { Job::Queued };
            let unit = |state| Input::Unit(UnitReading { state, job, restarts });
            let input = match what {
                0 | 1 => unit(UnitState::Active),
                2 | 3 => unit(UnitState::Inactive),
                4 => unit(UnitState::Failed),
                5 => unit(UnitState::Activating),
                6 => unit(UnitState::Deactivating),
                7 => unit(UnitState::Reloading),
                8 => unit(UnitState::NotFound),
                9 => Input::UnitUnknown,
                10 => Input::Stalled,
                11 => Input::Probe { listener: "a".into(), started: now, answer: Answer::Failed("no".into()) },
                12 => Input::Probe { listener: "a".into(), started: now, answer: Answer::Answered },
                _ => Input::Tick,
            };
            let serving = matches!(&input, Input::Unit(unit) if unit.state == UnitState::Active);
            let judgement = judge.step(now, input);
            for at in [judgement.read_again_at, judgement.wake_at].into_iter().flatten() {
                proptest::prop_assert!(at > now);
            }
            proptest::prop_assert!(!(serving && judgement.down == Down::Stopped));
            proptest::prop_assert_eq!(judgement.down == Down::None, judgement.reason.is_empty());
        }
    }
}
