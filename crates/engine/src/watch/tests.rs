use evaluator::io::{Credential, MoveRecord, Policy, Roster, Watch as Switch};
use model::settings::Arming;
use model::{ConsoleId, FleetId, Marker, Settings};
use protocol::key::SecretKey;
use store::Store;

use super::*;
use crate::events::{Events, Happened, Missed};
use crate::fleet::Fleet;

const EDGE: PoolId = PoolId::from_number(5);
const LB2: MemberId = MemberId::from_number(8);

struct Bench {
    store: Arc<Store>,
    events: Arc<Events>,
    watch: Watch,
    inbox: mpsc::Receiver<Ask>,
    _lock: Arc<dyn std::any::Any + Send + Sync>,
    _directory: tempfile::TempDir,
}

fn policy(version: u64, arming: Arming) -> Policy {
    let settings = Settings { arming, ..Settings::default() };
    Policy { version, hostname: Some("www.example.org".into()), settings, ..Policy::default() }
}

fn marker(epoch: u64) -> Marker {
    format!("v=sctl1 f=01020304 e={epoch} a=203.0.113.7 m=01000000 n=0a0b0c0d p=00000000").parse().unwrap()
}

fn roster() -> Roster {
    let member = |last| evaluator::io::Member {
        name: format!("lb{last}"),
        address: [203, 0, 113, last].into(),
        part: evaluator::io::Part::Member,
        priority: 0,
        same_host: false,
    };
    let id = |last| MemberId::from_number(u32::from(last));
    Roster { version: 1, members: [7, 8].map(|last| (id(last), member(last))).into() }
}

fn memory() -> Memory {
    Memory { marker: Some(marker(4)), ..Memory::default() }
}

fn bench() -> Bench {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::open(directory.path()).unwrap());
    let key = SecretKey::from_bytes(&[3; 32]);
    let fleet = Arc::new(Fleet::found(ConsoleId::from_number(1), "desk", key.clone()).unwrap());
    let events = Arc::new(Events::default());
    let story = Story::new(EDGE, Arc::clone(&store), fleet, Arc::clone(&events));
    story.scribe().keep(&memory(), &[]).unwrap();
    let (arrivals, _) = mpsc::channel(1);
    let identity = Arc::new(link::Identity::new(&key).unwrap());
    let setup = Setup {
        fleet: FleetId::from_number(1),
        pool: EDGE,
        console: ConsoleId::from_number(1),
        rank: 200,
        start_counter: 1,
        seed: 1,
        attachment: 1,
        roster: roster(),
        policy: policy(1, Arming::Armed),
        credential: Credential::Working,
        memory: Memory::default(),
    };
    let lock: Arc<dyn std::any::Any + Send + Sync> = Arc::new(());
    let tools = Tools {
        story,
        pen: Arc::new(Pen::start(Arc::downgrade(&lock)).unwrap()),
        reach: Arc::new(Reach::new(identity, arrivals)),
        register: None,
        recorder: None,
        start: Start { counter: 1, nonce: Nonce::from_u64(1), rank: 200 },
    };
    let (own, inbox) = mpsc::channel(64);
    let records = Records { moves: Vec::new(), unreadable: true };
    let watch = Watch::new(setup, Switch::On, records, tools, own);
    Bench { store, events, watch, inbox, _lock: lock, _directory: directory }
}

impl Bench {
    fn told(&mut self, input: Input) {
        self.watch.take(Ask::Input(input));
    }

    /// Takes what the pen has written, and what is written because of it.
    async fn settle(&mut self) {
        while self.watch.writing.is_some() {
            let done = written(&mut self.watch.writing).await;
            self.watch.on_written(done);
            if self.watch.refused_at.is_some() {
                return;
            }
        }
    }

    fn explain(&mut self) -> Option<Explanation> {
        let (answer, mut wait) = oneshot::channel();
        self.watch.take(Ask::Explain(answer));
        wait.try_recv().ok()
    }

    fn notices(&self) -> Vec<String> {
        let Missed::These(these) = self.events.after(0) else { panic!("too many") };
        let topic =
            |(_, happened)| if let Happened::Notice(notice) = happened { Some(notice.topic) } else { None };
        these.into_iter().filter_map(topic).collect()
    }
}

fn claim() -> Claim {
    Claim {
        nonce: Nonce::from_u64(7),
        epoch: 5,
        cause: evaluator::io::Cause::Down,
        member: LB2,
        expect_a: [203, 0, 113, 7].into(),
        expect_marker: Some(marker(4)),
        set_a: [203, 0, 113, 8].into(),
        set_marker: marker(5),
        reason: String::new(),
        incident: None,
    }
}

/// A provider that takes every move and counts them.
#[derive(Default)]
struct Counting {
    writes: std::sync::atomic::AtomicU32,
    adoptions: std::sync::atomic::AtomicU32,
}

#[async_trait::async_trait]
impl dns::Provider for Counting {
    fn describe(&self) -> dns::ProviderFacts {
        unreachable!("a write does not ask")
    }
    async fn read(&self, _: &dns::Names) -> Result<dns::Reading, dns::DnsError> {
        unreachable!("a write does not read")
    }
    async fn write(&self, _: &dns::Names, change: &dns::Move, _: std::time::Duration) -> dns::MoveOutcome {
        assert_eq!(change.expect_marker.as_deref(), Some(marker(4).to_string().as_str()));
        self.writes.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        dns::MoveOutcome::Accepted
    }
    async fn adopt(
        &self,
        _: &dns::Names,
        adoption: &dns::Adoption,
        _: std::time::Duration,
    ) -> dns::MoveOutcome {
        assert_eq!((adoption.expect_a, &adoption.expect_marker), (Some([203, 0, 113, 7].into()), &None));
        self.adoptions.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        dns::MoveOutcome::Accepted
    }
    async fn set_ttl(&self, _: &dns::Names, _: &dns::TtlChange, _: std::time::Duration) -> dns::MoveOutcome {
        unreachable!("a move changes no TTL")
    }
    async fn release(&self, _: &dns::Names, _: &dns::Release, _: std::time::Duration) -> dns::MoveOutcome {
        unreachable!("a move gives nothing up")
    }
    async fn read_scratch(&self, _: &dns::Names) -> Result<dns::provider::Scratch, dns::DnsError> {
        unreachable!("a move is no probe")
    }
    async fn write_scratch(
        &self,
        _: &dns::Names,
        _: &dns::provider::ScratchWrite,
        _: std::time::Duration,
    ) -> dns::MoveOutcome {
        unreachable!("a move is no probe")
    }
}

fn moved() -> Output {
    let record = MoveRecord {
        epoch: 5,
        age: Span::ZERO,
        cause: evaluator::io::Cause::Down,
        from: None,
        to: LB2,
        acknowledged: false,
        verified: false,
    };
    Output::Moved(record, model::IncidentId::from_number(9))
}

#[tokio::test]
async fn a_machine_that_breaks_starts_again_with_what_it_was_told_last() {
    let mut bench = bench();
    bench.told(Input::Tick);
    assert!(!bench.explain().unwrap().missing.iter().any(|lack| lack.starts_with("not-armed")));
    bench.told(Input::Policy(policy(2, Arming::Shadow)));
    bench.told(Input::Operator(Command::Watch(Switch::Off)));
    bench.watch.break_down();
    assert!(bench.explain().is_none(), "nothing is decided meanwhile");
    bench.watch.try_again = Time::ZERO;
    bench.told(Input::Tick);
    let explained = bench.explain().unwrap();
    assert!(explained.missing.iter().any(|lack| lack.starts_with("not-armed")), "{:?}", explained.missing);
    assert!(explained.lease.reason.contains("watch is off"), "{}", explained.lease.reason);
    assert_eq!(explained.epoch, Some(4), "its memory is back");
    assert_eq!(bench.notices(), ["watch-broke"]);
}

#[tokio::test]
async fn without_its_memory_a_machine_is_not_started() {
    let mut bench = bench();
    let step = store::Step { memory: Some("{ damaged".into()), ..store::Step::default() };
    bench.store.save_step(EDGE, &step).unwrap();
    bench.told(Input::Tick);
    assert!(bench.explain().is_none());
    bench.watch.try_again = Time::ZERO;
    bench.told(Input::Tick);
    assert_eq!(bench.notices(), ["watch-down"], "told once");
    assert_eq!(bench.store.memory(EDGE).unwrap().unwrap(), "{ damaged", "nothing is written over it");
}

/// Enough to need a page.
fn long_line() -> Output {
    let text = "x".repeat(20_000);
    Output::Journal(evaluator::io::Entry {
        at: Time::ZERO,
        from: evaluator::io::State::Cold,
        to: evaluator::io::State::Cold,
        cause: text.clone(),
        reason: text,
        evidence: Vec::new(),
        incident: None,
    })
}

fn notice() -> Output {
    let kind = evaluator::io::NoticeKind::CannotConfirm;
    let reach = evaluator::io::Reach::Here;
    Output::Notify(evaluator::io::Notice { kind, incident: None, text: "a word".into(), reach })
}

fn claimed(not_after: Time) -> Output {
    let claim = Claim {
        nonce: Nonce::from_u64(7),
        epoch: 5,
        cause: evaluator::io::Cause::Down,
        member: LB2,
        expect_a: [203, 0, 113, 7].into(),
        expect_marker: marker(4).into(),
        set_a: [203, 0, 113, 8].into(),
        set_marker: marker(5),
        reason: String::new(),
        incident: None,
    };
    Output::DnsCas { claim, deadline: not_after + Span::from_s(8), not_after }
}

async fn outcome_of(bench: &mut Bench) -> WriteOutcome {
    let Some(Ask::Input(Input::DnsWrite { nonce, outcome })) = bench.inbox.recv().await else { panic!() };
    assert_eq!(nonce, Nonce::from_u64(7));
    outcome
}

#[tokio::test]
async fn what_a_full_disk_refused_is_owed_and_the_credential_is_gone_meanwhile() {
    let mut bench = bench();
    bench.told(Input::Tick);
    bench.settle().await;
    bench.store.limit_pages_for_tests(1).unwrap();
    bench.watch.owe(vec![long_line(), moved()]);
    bench.watch.write_owed(clock::now());
    bench.settle().await;
    assert_eq!(bench.watch.owed.iter().filter(|output| matches!(output, Output::Moved(..))).count(), 1);
    let explained = bench.explain().unwrap();
    assert!(
        explained.missing.iter().any(|lack| lack.contains("cannot write")),
        "the lease is for another console: {:?}",
        explained.missing
    );
    // The provider's own news do not lift that.
    bench.told(Input::Credential(Credential::Working));
    assert!(bench.explain().unwrap().missing.iter().any(|lack| lack.contains("cannot write")));
    assert_eq!(bench.store.records(EDGE).unwrap().len(), 0);

    bench.store.limit_pages_for_tests(1 << 30).unwrap();
    bench.watch.refused_at = Some(Time::ZERO);
    bench.told(Input::Tick);
    bench.settle().await;
    assert!(bench.watch.owed.is_empty());
    assert_eq!(bench.store.records(EDGE).unwrap().len(), 1, "what was owed is written");
    assert!(!bench.explain().unwrap().missing.iter().any(|lack| lack.contains("cannot write")));
    assert_eq!(bench.notices(), ["storage"]);
}

#[tokio::test]
async fn a_watch_with_nothing_to_write_asks_a_doubtful_disk_itself() {
    let mut bench = bench();
    bench.told(Input::Tick);
    bench.settle().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let recorder = Arc::new(Recorder::start(elsewhere.path()).unwrap());
    bench.watch.tools.recorder = Some(Arc::clone(&recorder));
    recorder.refuse();
    bench.told(Input::Tick);
    assert!(bench.watch.writing.is_some(), "it asks");
    bench.settle().await;
    assert!(bench.watch.withheld.is_none(), "a disk that takes decisions will do");
    recorder.refuse();
    bench.told(Input::Tick);
    assert!(bench.watch.writing.is_none(), "not at every tick");
}

#[tokio::test]
async fn a_claim_that_the_disk_refused_is_told_as_never_sent() {
    let mut bench = bench();
    bench.told(Input::Tick);
    bench.settle().await;
    bench.store.limit_pages_for_tests(1).unwrap();
    bench.watch.owe(vec![long_line(), claimed(clock::now() + Span::from_s(60))]);
    bench.watch.write_owed(clock::now());
    bench.settle().await;
    assert!(matches!(outcome_of(&mut bench).await, WriteOutcome::NotSent(_)));
    assert!(bench.watch.owed.iter().all(|output| !matches!(output, Output::DnsCas { .. })));
}

#[tokio::test]
async fn nothing_is_carried_out_before_it_is_on_disk_and_the_clock_goes_on_meanwhile() {
    let mut bench = bench();
    bench.told(Input::Tick);
    bench.settle().await;
    let store = Arc::clone(&bench.store);
    store.hold_writes_for_tests(|| {
        bench.watch.owe(vec![notice(), moved()]);
        bench.watch.write_owed(clock::now());
        let ticked = bench.watch.ticked;
        // Later steps neither wait nor overtake.
        bench.watch.owe(vec![long_line()]);
        bench.told(Input::Tick);
        assert!(bench.watch.ticked >= ticked && bench.explain().is_some());
        assert!(bench.watch.scribe.is_none(), "one write at a time");
        assert!(bench.notices().is_empty() && bench.store.records(EDGE).unwrap().is_empty());
        // Longer than a disk may take: it is said, and the lease is for another console.
        bench.watch.writing.as_mut().unwrap().begun_earlier(Span::from_s(3));
        bench.told(Input::Tick);
        let missing = bench.explain().unwrap().missing;
        assert!(missing.iter().any(|lack| lack.contains("disk takes longer")), "{missing:?}");
    });
    bench.settle().await;
    assert_eq!(bench.notices().len(), 2, "the storage notice and what was owed: {:?}", bench.notices());
    assert_eq!(bench.store.records(EDGE).unwrap().len(), 1);
    assert!(bench.watch.owed.is_empty() && bench.watch.withheld.is_none());
    let missing = bench.explain().unwrap().missing;
    assert!(!missing.iter().any(|lack| lack.contains("disk")), "{missing:?}");
}

#[tokio::test]
async fn a_claim_that_the_disk_takes_too_late_is_never_sent() {
    let mut bench = bench();
    bench.told(Input::Tick);
    bench.settle().await;
    let store = Arc::clone(&bench.store);
    store.hold_writes_for_tests(|| {
        bench.watch.owe(vec![claimed(Time::ZERO)]);
        bench.watch.write_owed(clock::now());
        bench.told(Input::Tick);
    });
    let outcome = outcome_of(&mut bench).await;
    assert!(matches!(&outcome, WriteOutcome::NotSent(words) if words.contains("too late")), "{outcome:?}");
    bench.settle().await;
    // There is no register here: sent, it would be told as rejected.
    assert!(bench.inbox.try_recv().is_err(), "told once, and not carried out when the disk came round");
}

#[tokio::test]
async fn a_machine_that_breaks_during_a_write_starts_from_what_that_write_left() {
    let mut bench = bench();
    bench.told(Input::Tick);
    bench.settle().await;
    let store = Arc::clone(&bench.store);
    store.hold_writes_for_tests(|| {
        bench.watch.owe(vec![claimed(clock::now() + Span::from_s(60)), moved()]);
        bench.watch.write_owed(clock::now());
        bench.watch.break_down();
        bench.watch.try_again = Time::ZERO;
        bench.told(Input::Tick);
        assert!(bench.explain().is_none(), "the disk has not said yet what there is to start from");
    });
    bench.settle().await;
    bench.told(Input::Tick);
    assert!(bench.explain().is_some());
    assert!(
        bench.inbox.try_recv().is_err(),
        "its claim was not sent: the new machine finds it open and reads"
    );
}

#[tokio::test]
async fn an_answer_about_an_earlier_name_is_dropped() {
    let mut bench = bench();
    bench.told(Input::Tick);
    let asked = bench.watch.register_number;
    bench.watch.take(Ask::Register(None));
    let reading = Reading { asked: clock::now(), a: vec![], markers: vec![], aaaa: false, cname: false };
    let before = bench.explain().unwrap();
    bench.watch.take(Ask::Read(asked, Ok(reading)));
    assert_eq!(bench.explain().unwrap().epoch, before.epoch);
    assert_ne!(bench.watch.register_number, asked);
}

#[tokio::test]
async fn what_must_arrive_arrives_at_a_watch_that_is_overrun() {
    let (asks, _inbox) = mpsc::channel(1);
    let (urgent, mut first) = mpsc::unbounded_channel();
    let task = tokio::spawn(std::future::ready(())).abort_handle();
    let handle = Handle { asks, urgent, task };
    for _ in 0..5 {
        handle.tell(Ask::Input(Input::Tick));
    }
    handle.tell(Ask::Input(Input::Policy(policy(2, Arming::Shadow))));
    assert!(matches!(first.try_recv(), Ok(Ask::Input(Input::Policy(_)))));
}

#[tokio::test]
async fn an_executor_that_stood_still_drops_the_write_and_says_that_nothing_was_sent() {
    let mut bench = bench();
    let provider = Arc::new(Counting::default());
    let name = |text: &str| dns::Fqdn::new(text).unwrap();
    let names = dns::Names::new(name("www.example.org"), name("example.org")).unwrap();
    let asked: Arc<dyn dns::Provider> = Arc::clone(&provider) as _;
    bench.watch.tools.register = Some(Arc::new(Register::new(asked, names, 60)));
    let written = || provider.writes.load(std::sync::atomic::Ordering::SeqCst);
    let decided = clock::now();
    let (deadline, not_after) = (decided + Span::from_s(8), decided + Span::from_ms(250));
    bench.watch.perform(Output::DnsCas { claim: claim(), deadline, not_after });
    // The task that sends is not run before this one rests: the whole process stands still meanwhile.
    while clock::now() <= not_after {
        std::hint::spin_loop();
    }
    let Some(Ask::Input(Input::DnsWrite { nonce, outcome })) = bench.inbox.recv().await else { panic!() };
    assert_eq!(nonce, claim().nonce);
    assert!(matches!(outcome, WriteOutcome::NotSent(_)), "{outcome:?}");
    assert_eq!(written(), 0);

    let (deadline, not_after) = (clock::now() + Span::from_s(8), clock::now() + Span::from_s(8));
    bench.watch.perform(Output::DnsCas { claim: claim(), deadline, not_after });
    let Some(Ask::Input(Input::DnsWrite { outcome, .. })) = bench.inbox.recv().await else { panic!() };
    assert_eq!((outcome, written()), (WriteOutcome::Accepted, 1), "in time it is sent");

    // Where no marker is left there is none to compare: the provider's adoption demands that there is none.
    let claim = Claim { expect_marker: None, cause: evaluator::io::Cause::Adopt, ..claim() };
    let (deadline, not_after) = (clock::now() + Span::from_s(8), clock::now() + Span::from_s(8));
    bench.watch.perform(Output::DnsCas { claim, deadline, not_after });
    let Some(Ask::Input(Input::DnsWrite { outcome, .. })) = bench.inbox.recv().await else { panic!() };
    assert_eq!((outcome, written()), (WriteOutcome::Accepted, 1));
    assert_eq!(provider.adoptions.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[tokio::test]
async fn relays_that_come_later_are_told_of_claims_that_are_open_also_after_a_restart() {
    let mut bench = bench();
    bench.watch.perform(Output::IntentAnnounce(claim()));
    assert_eq!(bench.watch.announced, [claim()]);
    bench.watch.perform(Output::IntentClose { nonce: claim().nonce, epoch: claim().epoch });
    assert_eq!(bench.watch.announced, []);
    let open = Memory { intent: Some(claim()), ..memory() };
    bench.watch.tools.story.scribe().keep(&open, &[]).unwrap();
    bench.told(Input::Tick);
    assert_eq!(bench.watch.announced, [claim()]);
}
