//! The claim probe: does this server, on this zone, with this key, keep the promise that every move rests on?
//!
//! It runs the same compare-and-set that a move uses on the scratch name `_sctlp.<label>`, and reads back every record
//! it wrote. Two texts stand there at a time, so that a server which stores a part of a message and still says
//! NOERROR is found out. Values carry a fresh nonce: leftovers of an earlier probe can never make this one pass.
//!
//! A provider that fails may still be linked for moves by hand; [`ProbeReport::verdict`] says why.

use std::{net::Ipv4Addr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    DnsError, MoveOutcome, Names, Provider, Reading, TtlChange,
    provider::{ReadToken, ScratchWrite},
};

/// What the probe tries, in this order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Step {
    /// Read the scratch name, and clear what an interrupted probe left there.
    Prepare,
    /// Write where nothing is.
    Create,
    /// Read back what was created.
    CreateReadBack,
    /// Replace the known texts.
    Replace,
    /// Read back what replaced it.
    ReplaceReadBack,
    /// Send the same replacement again: it must be refused.
    Repeat,
    /// Send one that expects what never was: it must be refused.
    WrongPrecondition,
    /// Read back that neither of the two changed anything.
    RefusalsReadBack,
    /// Delete by compare-and-set.
    Delete,
    /// Read back that nothing is left.
    DeleteReadBack,
    /// At linking only: write A with its present value, and read it back.
    RewriteAddress,
}

impl Step {
    /// The step in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Prepare => "prepare the probe's name",
            Self::Create => "create a record",
            Self::CreateReadBack => "read the created record back",
            Self::Replace => "replace it by compare-and-set",
            Self::ReplaceReadBack => "read the replacement back",
            Self::Repeat => "have the same request refused",
            Self::WrongPrecondition => "have a wrong precondition refused",
            Self::RefusalsReadBack => "see that refused requests changed nothing",
            Self::Delete => "delete it by compare-and-set",
            Self::DeleteReadBack => "see that nothing is left",
            Self::RewriteAddress => "write A with its present value",
        }
    }
}

/// How one step went.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepResult {
    /// Which one.
    pub step: Step,
    /// Why it failed; `None`: it passed.
    pub failure: Option<String>,
}

/// Whether the provider may serve automatic moves.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Verdict {
    /// Every step passed.
    Automatic,
    /// The provider does not keep the promise: moves by hand only.
    ManualOnly {
        /// Why.
        reason: String,
    },
    /// Something on the way failed; nothing is known about the promise. Try again.
    Inconclusive {
        /// Why.
        reason: String,
    },
}

/// All steps that ran, and what follows from them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProbeReport {
    /// In order; the list ends with the first failure.
    pub steps: Vec<StepResult>,
    /// What follows.
    pub verdict: Verdict,
    /// True when texts of the probe may still stand at its name.
    pub left_behind: bool,
}

/// Whether the probe touches A.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// The scratch name alone: the daily check.
    Scratch,
    /// Also write A with its present value: at linking.
    ScratchAndAddress,
}

/// Runs the probe. `nonce` must be fresh; each write gets `deadline`.
pub async fn run_probe(
    provider: &dyn Provider,
    names: &Names,
    nonce: &str,
    scope: Scope,
    deadline: Duration,
) -> ProbeReport {
    let mut probe = Probe { provider, names, deadline, steps: Vec::new(), token: ReadToken::default() };
    let mut result = probe.run(nonce).await;
    let mut left_behind = false;
    if result.is_err() {
        left_behind = probe.clear().await.is_err();
    } else if scope == Scope::ScratchAndAddress {
        result = probe.rewrite_address().await;
    }
    let verdict = match result {
        Ok(()) => Verdict::Automatic,
        Err((step, fault)) => {
            probe.steps.push(StepResult { step, failure: Some(fault.reason.clone()) });
            let reason = format!("could not {}: {}", step.words(), fault.reason);
            if fault.lasting { Verdict::ManualOnly { reason } } else { Verdict::Inconclusive { reason } }
        }
    };
    ProbeReport { steps: probe.steps, verdict, left_behind }
}

struct Fault {
    reason: String,
    lasting: bool,
}

impl Fault {
    fn lasting(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), lasting: true }
    }
}

impl From<DnsError> for Fault {
    fn from(error: DnsError) -> Self {
        Self { reason: error.chain(), lasting: !error.is_transient() }
    }
}

struct Probe<'a> {
    provider: &'a dyn Provider,
    names: &'a Names,
    deadline: Duration,
    steps: Vec<StepResult>,
    token: ReadToken,
}

impl Probe<'_> {
    async fn run(&mut self, nonce: &str) -> Result<(), (Step, Fault)> {
        let texts = |round: u8| {
            vec![format!("sctlp n={nonce} r={round} part=1"), format!("sctlp n={nonce} r={round} part=2")]
        };
        let (none, first, second, never) = (Vec::new(), texts(1), texts(2), texts(9));

        let cleared = self.clear().await;
        self.pass(Step::Prepare, cleared)?;
        let written = self.accepted(&none, &first).await;
        self.pass(Step::Create, written)?;
        let seen = self.read_back(&first).await;
        self.pass(Step::CreateReadBack, seen)?;
        // A copy of the request as it goes out now, with the token of now: that is what a late packet would be.
        let replacement = self.write(&first, &second);
        let written = self.sent_accepted(&replacement).await;
        self.pass(Step::Replace, written)?;
        let seen = self.read_back(&second).await;
        self.pass(Step::ReplaceReadBack, seen)?;
        let refused = self.sent_refused(&replacement).await;
        self.pass(Step::Repeat, refused)?;
        let wrong = self.write(&never, &first);
        let refused = self.sent_refused(&wrong).await;
        self.pass(Step::WrongPrecondition, refused)?;
        let seen = self.read_back(&second).await;
        self.pass(Step::RefusalsReadBack, seen)?;
        let written = self.accepted(&second, &none).await;
        self.pass(Step::Delete, written)?;
        let seen = self.read_back(&none).await;
        self.pass(Step::DeleteReadBack, seen)
    }

    async fn rewrite_address(&mut self) -> Result<(), (Step, Fault)> {
        let result = self.try_rewrite_address().await;
        self.pass(Step::RewriteAddress, result)
    }

    async fn try_rewrite_address(&self) -> Result<(), Fault> {
        let before = self.provider.read(self.names).await?;
        let (address, ttl_s) = present_address(&before)?;
        let expect_marker = before.single_marker().map(ToOwned::to_owned);
        if expect_marker.is_none() && !before.markers.is_empty() {
            return Err(Fault::lasting("there is more than one marker"));
        }
        let change = TtlChange { expect_a: address, expect_marker, ttl_s, token: before.token.clone() };
        accepted(self.provider.set_ttl(self.names, &change, self.deadline).await)?;
        let after = self.provider.read(self.names).await?;
        if after.a == before.a && after.markers == before.markers {
            return Ok(());
        }
        Err(Fault::lasting(format!("A was {:?} and is {:?} after writing the same value", before.a, after.a)))
    }

    fn pass(&mut self, step: Step, result: Result<(), Fault>) -> Result<(), (Step, Fault)> {
        result.map_err(|fault| (step, fault))?;
        self.steps.push(StepResult { step, failure: None });
        Ok(())
    }

    /// Deletes whatever an earlier, interrupted probe left at the scratch name.
    async fn clear(&mut self) -> Result<(), Fault> {
        let found = self.provider.read_scratch(self.names).await?;
        self.token = found.token;
        if found.texts.is_empty() {
            return Ok(());
        }
        if !found.texts.iter().all(|text| text.starts_with("sctlp ")) {
            return Err(Fault::lasting(format!("{} holds foreign texts", self.names.probe())));
        }
        self.accepted(&found.texts, &[]).await?;
        self.read_back(&[]).await
    }

    async fn read_back(&mut self, expect: &[String]) -> Result<(), Fault> {
        let found = self.provider.read_scratch(self.names).await?;
        self.token = found.token;
        if found.texts == expect {
            return Ok(());
        }
        Err(Fault::lasting(format!(
            "the server said yes to {} records and holds {}: {:?}",
            expect.len(),
            found.texts.len(),
            found.texts
        )))
    }

    fn write(&self, expect: &[String], set: &[String]) -> ScratchWrite {
        ScratchWrite { expect: expect.to_vec(), set: set.to_vec(), token: self.token.clone() }
    }

    async fn accepted(&self, expect: &[String], set: &[String]) -> Result<(), Fault> {
        self.sent_accepted(&self.write(expect, set)).await
    }

    async fn sent_accepted(&self, write: &ScratchWrite) -> Result<(), Fault> {
        accepted(self.provider.write_scratch(self.names, write, self.deadline).await)
    }

    async fn sent_refused(&self, write: &ScratchWrite) -> Result<(), Fault> {
        match self.provider.write_scratch(self.names, write, self.deadline).await {
            MoveOutcome::Conflict(_) => Ok(()),
            MoveOutcome::Accepted => Err(Fault::lasting("the server accepted what it had to refuse")),
            other @ (MoveOutcome::Rejected(_)
            | MoveOutcome::Throttled { .. }
            | MoveOutcome::Unknown { .. }) => accepted(other),
        }
    }
}

fn present_address(reading: &Reading) -> Result<(Ipv4Addr, u32), Fault> {
    match reading.a.as_slice() {
        [one] => Ok((one.addr, one.ttl_s)),
        [] => Err(Fault::lasting("there is no A record to rewrite")),
        _ => Err(Fault::lasting("there is more than one A record")),
    }
}

fn accepted(outcome: MoveOutcome) -> Result<(), Fault> {
    match outcome {
        MoveOutcome::Accepted => Ok(()),
        MoveOutcome::Rejected(error) => Err(error.into()),
        MoveOutcome::Throttled { retry_after_ms } => {
            Err(Fault { reason: format!("the provider asks to wait {retry_after_ms} ms"), lasting: false })
        }
        MoveOutcome::Conflict(why) | MoveOutcome::Unknown { why, .. } => {
            Err(Fault { reason: why, lasting: false })
        }
    }
}
