//! Where a rule does not hold, and why that is right. One list, so that it is read as a whole.

use super::Breach;

struct Exception {
    rule: &'static str,
    /// The breach's place, exactly.
    at: &'static str,
    reason: &'static str,
}

const EXCEPTIONS: &[Exception] = &[];

/// Takes out what is excepted, and adds a breach for each exception that excepts nothing.
pub(super) fn apply(breaches: Vec<Breach>) -> Vec<Breach> {
    apply_list(breaches, EXCEPTIONS)
}

fn apply_list(breaches: Vec<Breach>, exceptions: &[Exception]) -> Vec<Breach> {
    let meets =
        |exception: &Exception, breach: &Breach| exception.rule == breach.rule && exception.at == breach.at;
    let needless = exceptions
        .iter()
        .filter(|exception| !breaches.iter().any(|breach| meets(exception, breach)))
        .map(|exception| Breach {
            rule: "exceptions",
            at: exception.at.to_owned(),
            words: format!("needs no exception from {} any more ({})", exception.rule, exception.reason),
        })
        .collect::<Vec<_>>();
    let left =
        breaches.into_iter().filter(|breach| !exceptions.iter().any(|exception| meets(exception, breach)));
    left.chain(needless).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_takes_its_own_breach_and_a_needless_one_fails() {
        let breach = |at: &str| Breach { rule: "size", at: at.to_owned(), words: String::new() };
        let exception = |at| Exception { rule: "size", at, reason: "because" };
        let left = apply_list(vec![breach("a.rs"), breach("b.rs")], &[exception("a.rs"), exception("c.rs")]);
        let places: Vec<_> = left.iter().map(|breach| (breach.rule, breach.at.as_str())).collect();
        assert_eq!(places, [("size", "b.rs"), ("exceptions", "c.rs")]);
    }
}
