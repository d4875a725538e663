//! Where answers and progress go: data to stdout, the rest to stderr.

use std::io::{self, Write as _};

use api::{ApiError, Outcome, Plan, Progress, ProgressState};
use serde::Serialize;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Screen {
    /// Words for people.
    Words,
    /// One JSON document per answer.
    Json,
}

impl Screen {
    /// Prints an answer.
    pub(crate) fn answer<T: Serialize>(
        self,
        value: &T,
        words: impl FnOnce(&T) -> String,
    ) -> Result<(), ApiError> {
        match self {
            Self::Words => out(&words(value)),
            Self::Json => out(&json(value)?),
        }
    }

    /// Prints what became of a change: the plan of a dry run, else the result.
    pub(crate) fn outcome<T: Serialize>(
        self,
        outcome: &Outcome<T>,
        words: impl FnOnce(&T) -> String,
    ) -> Result<(), ApiError> {
        self.answer(outcome, |outcome| match outcome {
            Outcome::Planned { plan } => plan_words(plan),
            Outcome::Done { plan, result } => {
                for warning in &plan.warnings {
                    err(&format!("warning: {warning}"));
                }
                words(result)
            }
        })
    }

    /// Shows one line of progress.
    pub(crate) fn progress(self, progress: &Progress) {
        match self {
            Self::Words => {
                let mark = match progress.state {
                    ProgressState::Running => "…",
                    ProgressState::Done => "✓",
                    ProgressState::Failed => "✗",
                };
                err(&format!("{mark} {} ({})", progress.words, crate::show::span(progress.at_ms)));
            }
            Self::Json => {
                if let Ok(line) = json(&serde_json::json!({ "progress": progress })) {
                    err(&line);
                }
            }
        }
    }

    /// Says something that is not data; silent when the output is for a program.
    pub(crate) fn note(self, words: &str) {
        match self {
            Self::Words => err(words),
            Self::Json => {}
        }
    }
}

fn plan_words(plan: &Plan) -> String {
    let mut lines = vec![format!("Dry run: {}", plan.summary)];
    for step in &plan.steps {
        lines.push(match (&step.from, &step.to) {
            (Some(from), Some(to)) => format!("  {}: {} ({from} → {to})", step.object, step.action),
            (None, Some(to)) => format!("  {}: {} ({to})", step.object, step.action),
            (Some(from), None) => format!("  {}: {} (now {from})", step.object, step.action),
            (None, None) => format!("  {}: {}", step.object, step.action),
        });
    }
    lines.extend(plan.warnings.iter().map(|warning| format!("  warning: {warning}")));
    lines.join("\n")
}

fn json<T: Serialize>(value: &T) -> Result<String, ApiError> {
    serde_json::to_string(value).map_err(|error| ApiError::internal("writing the answer").because(&error))
}

/// Writes one piece of data.
pub(crate) fn out(text: &str) -> Result<(), ApiError> {
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{}", text.trim_end_matches('\n')).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(()),
        // The reader has seen enough, as in `serversctl status | head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(ApiError::internal("writing to standard output").because(&error)),
    }
}

fn err(text: &str) {
    // With stderr gone there is nobody left to tell.
    let _ = writeln!(io::stderr().lock(), "{text}");
}
