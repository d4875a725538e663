//! Questions to members about their HAProxy that wait for their parts.

use std::collections::BTreeMap;

use model::MemberId;
use protocol::frame::StatPart;
use protocol::limits;
use tokio::sync::oneshot;

/// What a member answered: HAProxy's text, or why there is none.
pub(crate) type Answer = Result<String, String>;

/// Open questions, each with what came of its answer.
#[derive(Debug, Default)]
pub(crate) struct Questions {
    newest: u64,
    open: BTreeMap<(MemberId, u64), Open>,
}

#[derive(Debug)]
struct Open {
    text: String,
    answer: oneshot::Sender<Answer>,
}

impl Questions {
    /// Opens a question: its number, and where the answer will come. One that nobody waits for any more is dropped.
    pub(crate) fn ask(&mut self, member: MemberId) -> (u64, oneshot::Receiver<Answer>) {
        self.open.retain(|_, open| !open.answer.is_closed());
        self.newest += 1;
        let (answer, wait) = oneshot::channel();
        self.open.insert((member, self.newest), Open { text: String::new(), answer });
        (self.newest, wait)
    }

    /// Takes a part. A text that grows too long is no answer.
    pub(crate) fn part(&mut self, member: MemberId, part: &StatPart) {
        let Some(open) = self.open.get_mut(&(member, part.number)) else { return };
        if open.text.len() + part.text.len() > limits::STAT_BYTES_MAX {
            let words = format!("its statistics are longer than {} bytes", limits::STAT_BYTES_MAX);
            return self.end(member, part.number, Err(words));
        }
        open.text.push_str(&part.text);
        if !part.more {
            let text = std::mem::take(&mut open.text);
            self.end(member, part.number, Ok(text));
        }
    }

    /// Ends a question.
    pub(crate) fn end(&mut self, member: MemberId, number: u64, answer: Answer) {
        if let Some(open) = self.open.remove(&(member, number)) {
            // Whoever asked may have gone.
            let _ = open.answer.send(answer);
        }
    }

    /// The connection is over: nothing more comes.
    pub(crate) fn forget(&mut self, member: MemberId) {
        let gone: Vec<u64> =
            self.open.keys().filter(|(asked, _)| *asked == member).map(|(_, number)| *number).collect();
        for number in gone {
            self.end(member, number, Err("its relay went away before it had answered".to_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LB1: MemberId = MemberId::from_number(1);
    const LB2: MemberId = MemberId::from_number(2);

    fn part(number: u64, text: &str, more: bool) -> StatPart {
        StatPart { number, text: text.to_owned(), more }
    }

    #[test]
    fn parts_of_the_one_who_was_asked_make_the_answer() {
        let mut questions = Questions::default();
        let (number, mut wait) = questions.ask(LB1);
        questions.part(LB2, &part(number, "a stranger", false));
        questions.part(LB1, &part(number + 1, "another question", false));
        questions.part(LB1, &part(number, "one ", true));
        wait.try_recv().unwrap_err();
        questions.part(LB1, &part(number, "two", false));
        assert_eq!(wait.try_recv().unwrap(), Ok("one two".to_owned()));
    }

    #[test]
    fn a_flood_and_a_lost_road_end_the_question() {
        let mut questions = Questions::default();
        let (number, mut wait) = questions.ask(LB1);
        for _ in 0..=limits::STAT_BYTES_MAX / 1024 {
            questions.part(LB1, &part(number, &"x".repeat(1024), true));
        }
        assert!(wait.try_recv().unwrap().is_err());
        let (_, mut wait) = questions.ask(LB1);
        questions.forget(LB1);
        assert!(wait.try_recv().unwrap().is_err());
        assert!(questions.open.is_empty());
    }
}
