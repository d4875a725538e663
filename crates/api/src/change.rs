//! What every change has in common: a dry run with its plan, an idempotency key, an outcome.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The part that every changing request carries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
#[ts(optional_fields)]
pub struct Change {
    /// Only say what would be done.
    pub dry_run: bool,
    /// The same key with the same request is done once and answered alike; with another request it is a conflict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

impl Change {
    /// A change that is only planned.
    pub const fn dry() -> Self {
        Self { dry_run: true, idempotency_key: None }
    }
}

/// What a change does, step by step, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// One sentence.
    pub summary: String,
    /// In order.
    pub steps: Vec<PlanStep>,
    /// What a person should know first; none of it forbids the change.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(optional_fields)]
pub struct PlanStep {
    /// What is touched: a member, a record, a document.
    pub object: String,
    /// What happens to it.
    pub action: String,
    /// Its value now, when it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Its value afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

impl Plan {
    /// A plan without steps.
    pub fn new(summary: impl Into<String>) -> Self {
        Self { summary: summary.into(), ..Self::default() }
    }

    /// The same with one more step.
    #[must_use]
    pub fn step(mut self, object: impl Into<String>, action: impl Into<String>) -> Self {
        self.steps.push(PlanStep { object: object.into(), action: action.into(), from: None, to: None });
        self
    }

    /// The same with one more step that replaces a value.
    #[must_use]
    pub fn replace(
        mut self,
        object: impl Into<String>,
        action: impl Into<String>,
        from: impl Into<String>,
        to: impl Into<String>,
    ) -> Self {
        self.steps.push(PlanStep {
            object: object.into(),
            action: action.into(),
            from: Some(from.into()),
            to: Some(to.into()),
        });
        self
    }

    /// The same with one more warning.
    #[must_use]
    pub fn warn(mut self, warning: impl Into<String>) -> Self {
        self.warnings.push(warning.into());
        self
    }
}

/// What became of a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Outcome<T> {
    /// A dry run: nothing was done.
    Planned {
        /// What would be done.
        plan: Plan,
    },
    /// It was done.
    Done {
        /// What was done.
        plan: Plan,
        /// The thing as it stands now.
        result: T,
    },
}

impl<T> Outcome<T> {
    /// A dry run's outcome.
    pub const fn planned(plan: Plan) -> Self {
        Self::Planned { plan }
    }

    /// A finished change.
    pub const fn done(plan: Plan, result: T) -> Self {
        Self::Done { plan, result }
    }

    /// The plan of either.
    pub const fn plan(&self) -> &Plan {
        match self {
            Self::Planned { plan } | Self::Done { plan, .. } => plan,
        }
    }

    /// The result, unless it was a dry run.
    pub fn into_result(self) -> Option<T> {
        match self {
            Self::Planned { .. } => None,
            Self::Done { result, .. } => Some(result),
        }
    }
}
