//! Waiting for a state, with a bound. A test that waits for "some time" is either slow or wrong, mostly both.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// Between two looks. Small against anything measured here, large against the cost of a look.
const PACE: Duration = Duration::from_millis(10);

/// What one look saw.
#[derive(Debug)]
pub enum Seen<T> {
    /// The awaited state, with what was read from it.
    Yes(T),
    /// Not there; the words stand in the error if the bound passes.
    NotYet(String),
}

impl Seen<()> {
    /// Turns a condition into a look.
    pub fn when(condition: bool, otherwise: impl Into<String>) -> Self {
        if condition { Self::Yes(()) } else { Self::NotYet(otherwise.into()) }
    }
}

/// Looks again and again until the state is there.
///
/// # Errors
/// The bound passed: the error names what was awaited, for how long, and what was seen last. An error of `look` itself
/// ends the wait at once.
pub fn until<T>(what: &str, bound: Duration, mut look: impl FnMut() -> Result<Seen<T>>) -> Result<T> {
    let start = Instant::now();
    loop {
        let last = match look()? {
            Seen::Yes(value) => return Ok(value),
            Seen::NotYet(last) => last,
        };
        if start.elapsed() >= bound {
            bail!("waited {:.1} s for {what}; last seen: {last}", bound.as_secs_f64());
        }
        thread::sleep(PACE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_what_was_awaited_and_last_seen() {
        let error = until::<()>("the moon", Duration::from_millis(20), || Ok(Seen::NotYet("clouds".into())))
            .unwrap_err()
            .to_string();
        assert!(error.contains("the moon") && error.contains("clouds"), "{error}");
    }

    #[test]
    fn returns_the_value_once_it_is_there() {
        let mut looks = 0;
        let value = until("three looks", Duration::from_secs(5), || {
            looks += 1;
            Ok(if looks == 3 { Seen::Yes(looks) } else { Seen::NotYet(format!("{looks}")) })
        });
        assert_eq!(value.unwrap(), 3);
    }
}
