//! Telling what happens, to a person or as JSON lines, and keeping the figures for the end.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Instant;

use hosts::requirements::Lack;
use serde::Serialize;
use serde_json::{Value, json};

/// For whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Voice {
    Human,
    Json,
}

/// A move of the record, in milliseconds since the fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Failover {
    pub(crate) cause: String,
    pub(crate) from: String,
    pub(crate) to: String,
    /// The evaluator decided.
    pub(crate) decided_ms: u64,
    /// The name server accepted the update.
    pub(crate) dns_accepted_ms: u64,
    /// The new record was first seen in an answer.
    pub(crate) dns_served_ms: u64,
    /// The client was first served by the new member.
    pub(crate) client_ms: u64,
}

/// A fault, or the end of one, at which nothing may move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Held {
    pub(crate) what: String,
    /// Where the record stayed.
    pub(crate) at: String,
    pub(crate) watched_ms: u64,
    /// The product's own state and reason.
    pub(crate) state: String,
    pub(crate) why: String,
}

#[derive(Debug)]
pub(crate) struct Narrator {
    voice: Voice,
    start: Instant,
    failovers: Vec<Failover>,
    held: Vec<Held>,
}

impl Narrator {
    pub(crate) fn new(voice: Voice) -> Self {
        Self { voice, start: Instant::now(), failovers: Vec::new(), held: Vec::new() }
    }

    /// One event: a word for programs, a sentence for people.
    pub(crate) fn tell(&self, event: &str, words: &str) {
        self.tell_with(event, words, &Value::Null);
    }

    pub(crate) fn failover(&mut self, failover: Failover) {
        let words = format!(
            "moved {} -> {}: decided after {}, accepted {}, served {}, client {}",
            failover.from,
            failover.to,
            seconds(failover.decided_ms),
            seconds(failover.dns_accepted_ms),
            seconds(failover.dns_served_ms),
            seconds(failover.client_ms)
        );
        self.tell_with("failover", &words, &json!(failover));
        self.failovers.push(failover);
    }

    pub(crate) fn held(&mut self, held: Held) {
        let words = format!(
            "nothing moved for {}, the record stayed at {}; {}: {}",
            seconds(held.watched_ms),
            held.at,
            held.state,
            held.why
        );
        self.tell_with("held", &words, &json!(held));
        self.held.push(held);
    }

    /// The machine cannot do it: what it needs, thing by thing.
    pub(crate) fn lacking(&mut self, lacks: &[Lack]) {
        let needs: Vec<String> = lacks.iter().map(ToString::to_string).collect();
        match self.voice {
            Voice::Json => line(&json!({ "ok": false, "needs": needs }).to_string()),
            Voice::Human => {
                line("Real members cannot be made on this machine. It needs");
                for need in needs {
                    line(&format!("  {need}"));
                }
            }
        }
    }

    /// The last line, and what the process ends with.
    pub(crate) fn end(self, error: Option<&anyhow::Error>) -> ExitCode {
        match self.voice {
            Voice::Json => {
                let mut summary =
                    json!({ "ok": error.is_none(), "failovers": self.failovers, "held": self.held });
                if let Some(error) = error {
                    summary["error"] = json!(format!("{error:#}"));
                }
                line(&summary.to_string());
            }
            Voice::Human => self.table(error),
        }
        if error.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn table(&self, error: Option<&anyhow::Error>) {
        line("");
        line("since the fault         from  to    decided  accepted    served    client");
        for f in &self.failovers {
            line(&format!(
                "{:<22}  {:<4}  {:<4}  {:>7}  {:>8}  {:>8}  {:>8}",
                f.cause,
                f.from,
                f.to,
                seconds(f.decided_ms),
                seconds(f.dns_accepted_ms),
                seconds(f.dns_served_ms),
                seconds(f.client_ms)
            ));
        }
        for held in &self.held {
            line(&format!(
                "{:<22}  {:<4}  nothing moved in {}",
                held.what,
                held.at,
                seconds(held.watched_ms)
            ));
        }
        match error {
            None => line("Everything went as it should."),
            Some(error) => line(&format!("It went wrong: {error:#}")),
        }
    }

    fn tell_with(&self, event: &str, words: &str, figures: &Value) {
        let at_ms = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        match self.voice {
            Voice::Human => line(&format!("[{:>6.1} s] {words}", self.start.elapsed().as_secs_f64())),
            Voice::Json => {
                let mut said = json!({ "at_ms": at_ms, "event": event, "words": words });
                if let (Value::Object(said), Value::Object(figures)) = (&mut said, figures) {
                    said.extend(figures.clone());
                }
                line(&said.to_string());
            }
        }
    }
}

/// A reader that went away ends the demo's words, not the demo.
fn line(words: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{words}");
    let _ = out.flush();
}

fn seconds(ms: u64) -> String {
    format!("{}.{:02} s", ms / 1_000, ms % 1_000 / 10)
}
