//! HAProxy's statistics for a console's screen: asked when a console asks, sent as HAProxy gave them.

use protocol::Frame;
use protocol::frame::StatPart;
use protocol::limits as wire;

use super::{Event, Node};
use crate::log;
use crate::session::SessionId;

impl Node {
    /// Asks HAProxy on a task of its own. One question at a time: a screen asks once a second, and HAProxy works for
    /// every one.
    pub(super) fn stat_get(&mut self, id: SessionId, number: u64) {
        if self.stat_asked {
            let reason = "another console is being answered; ask again in a moment".to_owned();
            self.send(id, Frame::StatFailed { number, reason });
            return;
        }
        self.stat_asked = true;
        let (asker, events) = (self.parts.stat.clone(), self.events.clone());
        tokio::spawn(async move {
            let answer = match asker.ask().await {
                Some(answer) => answer.map_err(|error| log::chain(&error)),
                None => Err("HAProxy has no runtime socket that this agent knows".to_owned()),
            };
            // Without its node there is nobody to answer.
            let _ = events.send(Event::Stat { id, number, answer }).await;
        });
    }

    pub(super) fn on_stat(&mut self, id: SessionId, number: u64, answer: Result<String, String>) {
        self.stat_asked = false;
        match answer {
            Ok(text) => {
                for part in parts(number, &text) {
                    self.send(id, Frame::StatPart(part));
                }
            }
            Err(reason) => self.send(id, Frame::StatFailed { number, reason }),
        }
    }
}

/// Cuts a text into parts that a frame holds, at characters.
fn parts(number: u64, text: &str) -> Vec<StatPart> {
    let mut rest = text;
    let mut parts = Vec::new();
    loop {
        let end = rest.floor_char_boundary(wire::STAT_PART_BYTES_MAX);
        let (text, after) = rest.split_at(end);
        let more = !after.is_empty();
        parts.push(StatPart { number, text: text.to_owned(), more });
        if !more {
            return parts;
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_make_the_whole_text_again() {
        for text in ["", "a", &"é,\"\n".repeat(30_000)] {
            let parts = parts(7, text);
            assert_eq!(parts.iter().map(|part| part.text.as_str()).collect::<String>(), text);
            assert!(parts.iter().all(|part| part.text.len() <= wire::STAT_PART_BYTES_MAX));
            let more: Vec<bool> = parts.iter().map(|part| part.more).collect();
            assert!(more.iter().rev().skip(1).all(|more| *more) && more.last() == Some(&false));
        }
    }

    #[test]
    fn the_worst_part_fits_a_frame() {
        let text = "\u{1}".repeat(wire::STAT_PART_BYTES_MAX);
        let frame = Frame::StatPart(StatPart { number: u64::MAX, text, more: true });
        assert!(serde_json::to_vec(&frame).unwrap().len() <= wire::FRAME_BYTES_MAX);
    }
}
