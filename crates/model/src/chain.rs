//! Errors in one line.

use std::error::Error;

/// An error with all its causes, for a log line or an outcome that is kept as text. A cause that an error names already
/// at its own end is not told twice.
pub fn chain(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let more = source.to_string();
        if !words.ends_with(&more) {
            words.push_str(": ");
            words.push_str(&more);
        }
        next = source.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Told(&'static str, Option<Box<Told>>);

    impl std::fmt::Display for Told {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Told {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|cause| cause as _)
        }
    }

    #[test]
    fn every_cause_is_told_once() {
        let cause = || Box::new(Told("no route", None));
        assert_eq!(chain(&Told("dialling lb1", Some(cause()))), "dialling lb1: no route");
        assert_eq!(chain(&Told("dialling lb1: no route", Some(cause()))), "dialling lb1: no route");
        assert_eq!(chain(&Told("nothing more", None)), "nothing more");
    }
}
