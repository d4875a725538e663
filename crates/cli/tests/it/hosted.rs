//! Against a scripted host: what is asked, what is printed where, and how it ends.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use api::fake::FakeHost;
use api::view::host::{ConsoleCard, HostKind, HostStatus, ProfileState, VaultState, VaultView, WatchView};
use api::view::pool::{MoveOutcome, MoveView, PoolList, PoolStatuses};
use api::view::provider::TestReport;
use api::{ApiError, Call, Outcome, Plan, Progress, ProgressState};
use model::{Code, ConsoleId, PoolId};
use serde::Serialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{code, json, serversctl, stderr, stdout};

struct Hosted {
    directory: TempDir,
    asked: Arc<Mutex<Vec<(String, Value)>>>,
    _runtime: tokio::runtime::Runtime,
}

impl Hosted {
    fn new(script: impl Fn(&str) -> Result<Value, ApiError> + Send + Sync + 'static) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&asked);
        let host = FakeHost::new(move |call: &Call, command, request| {
            noted.lock().unwrap().push((command.to_owned(), request));
            call.report(Progress {
                step: "s".to_owned(),
                state: ProgressState::Done,
                words: "the relay answers".to_owned(),
                at_ms: 1_200,
            });
            let result = script(command);
            Box::pin(async move { result })
        });
        let directory = TempDir::new().unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (listener, peers) = {
            let _inside = runtime.enter();
            client::bind(directory.path()).unwrap()
        };
        runtime.spawn(client::serve(listener, peers, Arc::new(host)));
        Self { directory, asked, _runtime: runtime }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        serversctl(self.directory.path(), arguments)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn asked(&self) -> (String, Value) {
        self.asked.lock().unwrap().pop().expect("the host was asked")
    }
}

fn value(of: &impl Serialize) -> Value {
    serde_json::to_value(of).unwrap()
}

#[expect(clippy::unnecessary_wraps, reason = "it is what a script gives back")]
fn done(of: &impl Serialize) -> Result<Value, ApiError> {
    Ok(value(&Outcome::done(Plan::new("p").warn("clients follow within 60 s"), value(of))))
}

fn moved(outcome: MoveOutcome) -> MoveView {
    MoveView {
        pool: PoolId::from_number(1),
        epoch: 43,
        from: Some("edge-1".to_owned()),
        to: "edge-2".to_owned(),
        outcome,
        phases: Vec::new(),
        evidence: Vec::new(),
        incident: None,
    }
}

#[test]
fn data_goes_to_stdout_and_everything_else_to_stderr() {
    let hosted = Hosted::new(|_| done(&moved(MoveOutcome::Verified)));
    let output = hosted.run(&["activate", "web", "edge-2", "--key", "k1"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(stdout(&output), "edge-1 → edge-2 (epoch 43): accepted and read back\n");
    assert_eq!(stderr(&output), "✓ the relay answers (1.2 s)\nwarning: clients follow within 60 s\n");
    let (command, request) = hosted.asked();
    assert_eq!(command, "member_activate");
    assert_eq!(
        request,
        json!({ "change": { "dryRun": false, "idempotencyKey": "k1" }, "pool": "web", "member": "edge-2",
                "readiness": "required" })
    );
}

#[test]
fn json_is_one_document_of_the_wire_and_progress_is_json_lines() {
    let hosted = Hosted::new(|_| done(&moved(MoveOutcome::Verified)));
    let output = hosted.run(&["--json", "cutover", "web"]);
    assert_eq!(json(&output)["result"], value(&moved(MoveOutcome::Verified)));
    for line in stderr(&output).lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["progress"]["words"], json!("the relay answers"));
    }
}

#[test]
fn a_dry_run_prints_the_plan() {
    let plan =
        Plan::new("the record would move").replace("lb.example.com A", "replace", "192.0.2.1", "192.0.2.2");
    let hosted = Hosted::new(move |_| Ok(value(&Outcome::<()>::planned(plan.clone()))));
    let output = hosted.run(&["cutover", "web", "--dry-run"]);
    assert_eq!(
        stdout(&output),
        "Dry run: the record would move\n  lb.example.com A: replace (192.0.2.1 → 192.0.2.2)\n"
    );
    assert_eq!(hosted.asked().1["change"]["dryRun"], json!(true));
}

#[test]
fn exit_codes_are_those_of_the_help() {
    for (error_code, exit) in [
        (Code::Internal, 1),
        (Code::Unauthorized, 1),
        (Code::Forbidden, 1),
        (Code::Throttled, 1),
        (Code::Invalid, 2),
        (Code::NotFound, 2),
        (Code::Refused, 3),
        (Code::Conflict, 3),
        (Code::VaultLocked, 3),
        (Code::Unreachable, 4),
        (Code::NoHost, 4),
    ] {
        let told = ApiError::new(error_code, "no standby is ready").with_detail("edge-2: silent");
        let error = told.clone();
        let hosted = Hosted::new(move |_| Err(told.clone()));
        let output = hosted.run(&["pool", "list"]);
        assert_eq!(code(&output), exit, "{error_code:?}");
        assert_eq!(stdout(&output), "");
        assert!(
            stderr(&output).ends_with("serversctl: no standby is ready\n  edge-2: silent\n"),
            "{}",
            stderr(&output)
        );
        let output = hosted.run(&["pool", "list", "--json"]);
        let last: Value = serde_json::from_str(stderr(&output).lines().last().unwrap()).unwrap();
        assert_eq!(last["error"], value(&error));
    }
    let output = Hosted::new(|_| Ok(Value::Null)).run(&["pool", "explode"]);
    assert_eq!(code(&output), 2);
}

#[test]
fn a_move_that_is_lost_or_unknown_and_a_failed_test_do_not_exit_with_zero() {
    for (outcome, exit) in [(MoveOutcome::Accepted, 0), (MoveOutcome::Lost, 3), (MoveOutcome::Unknown, 4)] {
        let hosted = Hosted::new(move |_| done(&moved(outcome)));
        assert_eq!(code(&hosted.run(&["cutover", "web"])), exit, "{outcome:?}");
    }
    let report =
        TestReport { passed: false, at_ms: 0, summary: "the key is wrong".to_owned(), checks: Vec::new() };
    let hosted =
        Hosted::new(move |command| if command == "dns_test" { done(&report) } else { Ok(value(&report)) });
    for arguments in [&["provider", "test", "office"][..], &["dns", "test", "web"]] {
        let output = hosted.run(arguments);
        assert_eq!(code(&output), 3, "{arguments:?}");
        assert!(stdout(&output).starts_with("the key is wrong"), "the report is printed all the same");
    }
}

#[test]
fn a_key_comes_from_a_private_file_or_stdin_and_is_never_shown() {
    let hosted = Hosted::new(|_| Err(ApiError::refused("later")));
    let file = hosted.directory.path().join("tsig.key");
    fs::write(&file, "Y2FuYXJ5\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let add = |secret: &str| {
        let link = ["--server", "ns1", "--zone", "example.com", "--key-name", "sctl", "--secret-file"];
        let mut command = hosted.command(&["provider", "add", "office"]);
        command.args(link).arg(secret);
        command
    };
    let output = add(file.to_str().unwrap()).output().unwrap();
    assert_eq!(code(&output), 3, "{}", stderr(&output));
    assert_eq!(hosted.asked().1["secret"], json!("Y2FuYXJ5"));
    assert!(!stderr(&output).contains("Y2FuYXJ5"));

    let input = fs::File::open(&file).unwrap();
    assert_eq!(code(&add("-").stdin(input).output().unwrap()), 3);
    assert_eq!(hosted.asked().1["secret"], json!("Y2FuYXJ5"));

    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let output = add(file.to_str().unwrap()).output().unwrap();
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("mode 0600"), "{}", stderr(&output));
    assert!(hosted.asked.lock().unwrap().is_empty(), "the host was not asked");
}

#[test]
fn a_card_alone_goes_to_stdout() {
    let card = ConsoleCard {
        console: ConsoleId::from_number(1),
        name: "desk".to_owned(),
        card: "sctl-card-1 abc".to_owned(),
        fingerprint: "f00d".to_owned(),
    };
    let hosted = Hosted::new(move |_| Ok(value(&card)));
    let output = hosted.run(&["console", "id"]);
    assert_eq!(stdout(&output), "sctl-card-1 abc\n");
    assert!(stderr(&output).contains("f00d"));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let hosted = Hosted::new(|_| Ok(value(&PoolList { pools: Vec::new() })));
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = hosted.command(&["pool", "list"]).stdout(writer).output().unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
}

#[test]
fn a_status_that_watches_ends_when_the_host_goes() {
    let hosted = Hosted::new(|_| Ok(value(&PoolStatuses { revision: 1, pools: Vec::new() })));
    let Hosted { directory, _runtime: runtime, .. } = hosted;
    let mut watching = serversctl(directory.path(), &["status", "--watch", "--json"]);
    let mut watching =
        watching.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    let mut lines = std::io::BufReader::new(watching.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut lines, &mut first).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&first).unwrap()["revision"], json!(1));
    runtime.shutdown_background();
    assert_eq!(watching.wait().unwrap().code(), Some(4), "the other side went away");
}

#[test]
fn profile_show_says_who_hosts() {
    let status = HostStatus {
        version: "0.1.0".to_owned(),
        profile: ProfileState::Ready,
        console: Some(ConsoleId::from_number(0xdead_beef)),
        name: "desk".to_owned(),
        fleet: None,
        kind: HostKind::Headless,
        pid: 42,
        up_ms: 5_000,
        watch: WatchView::On,
        vault: VaultView { choice: None, state: VaultState::Absent, words: "no Secret Service".to_owned() },
        revision: 1,
    };
    let hosted = Hosted::new(move |_| Ok(value(&status)));
    let text = stdout(&hosted.run(&["profile", "show"]));
    for part in ["desk (deadbeef)", "serversctl watch, process 42", "up 5.0 s", "absent: no Secret Service"] {
        assert!(text.contains(part), "{text}");
    }
}
