use std::io::Write as _;

use model::haproxy::{Down, StatTotals};
use model::time::Span;
use tokio::sync::mpsc::error::TryRecvError;

use super::*;
use crate::sense::clock::SystemClock;
use crate::sense::probe::Finding;

/// The loop with its channels held by the test; nothing is spawned but checks.
struct Bench {
    sense: Loop,
    report: watch::Receiver<Report>,
    orders: watch::Receiver<Orders>,
    read_again: mpsc::Receiver<()>,
    _config: tempfile::NamedTempFile,
}

fn facts(active: &str) -> UnitEvent {
    UnitEvent::Facts(UnitFacts {
        load_state: "loaded".into(),
        active_state: active.into(),
        ..UnitFacts::default()
    })
}

fn bench(config: &str) -> Bench {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(config.as_bytes()).unwrap();
    let (report_sender, report) = watch::channel(Report::default());
    let orders = Arc::new(watch::channel(Orders::default()).0);
    let (read_again_sender, read_again) = mpsc::channel(1);
    let mut sense =
        Loop::new("haproxy.service", Arc::new(SystemClock), report_sender, orders.clone(), read_again_sender);
    let arguments = vec![file.path().to_owned()];
    sense.running = Some(Running { arguments, ..Running::default() });
    Bench { sense, report, orders: orders.subscribe(), read_again, _config: file }
}

impl Bench {
    fn event(&mut self, event: UnitEvent) -> Report {
        self.sense.on_unit(event);
        self.sense.publish();
        self.report.borrow().clone()
    }

    fn found(&mut self, outcome: Outcome) -> Report {
        let started = self.sense.clock.boottime();
        let finding = Finding { target: 0, started, outcome, proven: true };
        self.sense.on_news(News { findings: vec![finding], ..News::default() });
        self.sense.publish();
        self.report.borrow().clone()
    }
}

const CONFIG: &str = "global\n stats socket /run/x.sock level admin\nfrontend web\n mode http\n bind :80\n";

#[tokio::test]
async fn an_active_unit_gives_a_whole_report_and_orders() {
    let mut bench = bench(CONFIG);
    let report = bench.event(facts("active"));
    assert!(report.monitored);
    assert_eq!((report.unit, report.down), (UnitState::Active, Down::None));
    assert_eq!(report.cfg_sha256.len(), 64);
    assert_eq!(report.listeners.len(), 1);
    let orders = bench.orders.borrow_and_update().clone();
    assert!(orders.serving);
    assert_eq!((orders.targets.len(), orders.socket), (1, Some(PathBuf::from("/run/x.sock"))));
}

#[tokio::test]
async fn a_missing_unit_is_not_monitored() {
    let mut bench = bench(CONFIG);
    let missing =
        UnitFacts { load_state: "not-found".into(), active_state: "inactive".into(), ..UnitFacts::default() };
    let report = bench.event(UnitEvent::Facts(missing));
    assert!(!report.monitored);
    assert_eq!((report.unit, report.down), (UnitState::NotFound, Down::None));
}

#[tokio::test]
async fn a_stop_asks_for_a_second_reading_and_is_judged_by_it() {
    let mut bench = bench(CONFIG);
    bench.event(facts("active"));
    assert_eq!(bench.event(facts("inactive")).down, Down::None);
    assert!(!bench.orders.borrow_and_update().serving);
    assert_eq!(bench.read_again.try_recv(), Err(TryRecvError::Empty));
    let at = bench.sense.last.read_again_at.unwrap();
    let left = at - bench.sense.clock.boottime();
    assert!(left <= Span::from_ms(500));
    // Waiting for the clock itself, which the loop reads.
    while bench.sense.clock.boottime() < at {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    bench.sense.on_due();
    assert_eq!(bench.read_again.try_recv(), Ok(()));
    let report = bench.event(facts("inactive"));
    assert_eq!(report.down, Down::Stopped);
    assert_eq!(report.reason, "haproxy.service is inactive and no job is queued to start it");
    assert_eq!(bench.event(facts("active")).down, Down::None);
}

#[tokio::test]
async fn answers_of_listeners_are_reported() {
    let mut bench = bench(CONFIG);
    bench.event(facts("active"));
    assert_eq!(bench.report.borrow().listeners[0].answers, None);
    assert_eq!(bench.found(Outcome::Answered).listeners[0].answers, Some(true));
    assert_eq!(bench.found(Outcome::Silent("x".into())).listeners[0].answers, Some(false));
    assert_eq!(bench.found(Outcome::Nothing).listeners[0].answers, Some(false));
}

#[tokio::test]
async fn a_lost_bus_is_said_and_judges_nothing() {
    let mut bench = bench(CONFIG);
    bench.event(facts("active"));
    let report = bench.event(UnitEvent::Unknown("no such file".into()));
    assert!(report.monitored);
    assert_eq!((report.unit, report.down), (UnitState::Other, Down::None));
    assert_eq!(report.reason, "systemd cannot be asked: no such file");
    assert_eq!(bench.event(facts("active")).reason, "");
}

#[test]
fn moving_figures_are_no_news() {
    let before = Report::default();
    let figures = Report { stat: Some(StatTotals::default()), ..Report::default() };
    assert!(!is_news(&before, &figures));
    assert!(is_news(&before, &Report { down: Down::Hung, ..Report::default() }));
}
