//! A measured figure and the limit it is held to.

use serde::Serialize;

/// One figure. `limit` is inclusive.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
    #[serde(flatten)]
    pub(crate) limit: Limit,
    /// How it came about: how many, and how they were spread.
    pub(crate) how: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Limit {
    AtMost(f64),
    AtLeast(f64),
}

impl Figure {
    pub(crate) fn holds(&self) -> bool {
        match self.limit {
            Limit::AtMost(limit) => self.value <= limit,
            Limit::AtLeast(limit) => self.value >= limit,
        }
    }

    pub(crate) fn line(&self, json: bool) -> String {
        if json {
            let mut line = serde_json::json!(self);
            line["ok"] = serde_json::json!(self.holds());
            return line.to_string();
        }
        let (word, limit) = match self.limit {
            Limit::AtMost(limit) => ("at most", limit),
            Limit::AtLeast(limit) => ("at least", limit),
        };
        let verdict = if self.holds() { "ok " } else { "NOT" };
        format!(
            "{verdict} {:<44} {:>10.3} {:<18} {word} {limit} ({})",
            self.name, self.value, self.unit, self.how
        )
    }
}

/// Median and maximum of milliseconds, and a sentence about the spread.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median_ms: f64,
    pub(crate) max_ms: f64,
    pub(crate) words: String,
}

impl Spread {
    /// Of at least one value.
    pub(crate) fn of(values_ms: &[u64]) -> Option<Self> {
        let mut sorted = values_ms.to_vec();
        sorted.sort_unstable();
        let (least, most) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median_ms = if sorted.len() % 2 == 1 {
            sorted[middle] as f64
        } else {
            (sorted[middle - 1] + sorted[middle]) as f64 / 2.0
        };
        let words = format!("{} times, {least} to {most} ms, median {median_ms} ms", sorted.len());
        Some(Self { median_ms, max_ms: most as f64, words })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_inclusive_and_has_a_side() {
        let figure = |value, limit| Figure { name: "x".into(), value, unit: "ms", limit, how: String::new() };
        assert!(figure(2.0, Limit::AtMost(2.0)).holds() && !figure(2.1, Limit::AtMost(2.0)).holds());
        assert!(figure(2.0, Limit::AtLeast(2.0)).holds() && !figure(1.9, Limit::AtLeast(2.0)).holds());
        let line = figure(3.0, Limit::AtMost(2.0)).line(true);
        assert!(line.contains("\"at_most\":2.0") && line.contains("\"ok\":false"), "{line}");
        assert!(figure(3.0, Limit::AtMost(2.0)).line(false).starts_with("NOT"));
    }

    #[test]
    fn the_middle_of_an_even_number_is_between_two() {
        assert_eq!(Spread::of(&[]), None);
        let spread = Spread::of(&[4, 1, 3, 2]).unwrap();
        assert!((spread.median_ms - 2.5).abs() < f64::EPSILON && (spread.max_ms - 4.0).abs() < f64::EPSILON);
        assert!((Spread::of(&[9, 1, 5]).unwrap().median_ms - 5.0).abs() < f64::EPSILON);
    }
}
