//! The event log of a session: what was run in it, what it showed, what has finished, in true order.
//!
//! Events are numbered from 1, and numbers stay what they are. Memory is bounded: the oldest output is dropped first,
//! and when there are too many events, the oldest ones, so that numbers may be lacking. It knows no bytes but those it is
//! given.

use std::collections::VecDeque;
use std::fmt;

use serde::{Deserialize, Serialize};

/// How many bytes of output are kept.
pub const KEPT_BYTES: usize = 64 * 1024;

/// How many events are kept.
pub const KEPT_EVENTS: usize = 1024;

/// How many bytes of output make one event, if nothing happens in between.
pub const OUTPUT_BYTES: usize = 4096;

/// How many bytes of a command are kept.
const COMMAND_BYTES: usize = 1024;

/// What happens in a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionEvent {
    /// A command was typed, for somebody who waits until it has finished.
    InputRun {
        /// The command; of a long one the beginning.
        command: String,
    },
    /// The terminal showed something.
    Output {
        /// What; bytes that are no text are replaced.
        text: String,
    },
    /// A command has finished.
    RunComplete {
        /// The number of its `input_run`.
        run: u64,
        /// Its exit status; 130 if it was interrupted.
        status: u8,
    },
    /// The shell has ended.
    Exit,
}

/// An event with its number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbered {
    /// Counted from 1 within the session.
    pub number: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: SessionEvent,
}

impl fmt::Display for Numbered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, text) = match &self.event {
            SessionEvent::InputRun { command } => ("input_run", printable(command)),
            SessionEvent::Output { text } => ("output", printable(text)),
            SessionEvent::RunComplete { run, status } => ("run_complete", format!("run {run}, status {status}")),
            SessionEvent::Exit => ("exit", String::new()),
        };
        let lines = text.strip_suffix('\n').unwrap_or(&text).replace('\n', &format!("\n{:20}", ""));
        f.write_str(format!("{:>5}  {name:<13}{lines}", self.number).trim_end_matches(' '))
    }
}

/// Text that does nothing to the terminal on which it is shown.
fn printable(text: &str) -> String {
    let shown = |character: char| match character {
        '\n' | '\t' => character.to_string(),
        _ if character.is_control() => character.escape_default().to_string(),
        _ => character.to_string(),
    };
    text.replace("\r\n", "\n").chars().map(shown).collect()
}

/// What is kept of an event.
#[derive(Debug)]
enum Kept {
    Output(Vec<u8>),
    Other(SessionEvent),
}

/// All that happened, as far as it is kept.
#[derive(Debug, Default)]
pub(super) struct EventLog {
    kept: VecDeque<(u64, Kept)>,
    last: u64,
    output_bytes: usize,
    /// The next output is an event of its own.
    is_apart: bool,
}

impl EventLog {
    /// A command is typed; gives the number of this event.
    pub(super) fn input_run(&mut self, command: &str) -> u64 {
        let end = command.floor_char_boundary(COMMAND_BYTES);
        let dots = if end < command.len() { "…" } else { "" };
        self.add(Kept::Other(SessionEvent::InputRun { command: format!("{}{dots}", &command[..end]) }))
    }

    /// The terminal shows these bytes.
    pub(super) fn output(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = match self.kept.back() {
                Some((_, Kept::Output(before))) if before.len() < OUTPUT_BYTES && !self.is_apart => {
                    OUTPUT_BYTES - before.len()
                }
                _ => {
                    self.add(Kept::Output(Vec::new()));
                    OUTPUT_BYTES
                }
            };
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            if let Some((_, Kept::Output(before))) = self.kept.back_mut() {
                before.extend_from_slice(now);
            }
            self.output_bytes += now.len();
            bytes = later;
        }
        self.drop_oldest();
    }

    /// What is shown from here on is not one event with what was shown before.
    pub(super) fn divide(&mut self) {
        self.is_apart = true;
    }

    /// The run with this number has finished; gives the number of this event.
    pub(super) fn run_complete(&mut self, run: u64, status: u8) -> u64 {
        self.add(Kept::Other(SessionEvent::RunComplete { run, status }))
    }

    /// The shell has ended.
    pub(super) fn exit(&mut self) {
        self.add(Kept::Other(SessionEvent::Exit));
    }

    /// What is kept, oldest first.
    pub(super) fn events(&self) -> Vec<Numbered> {
        let mut events = Vec::new();
        // Bytes of a character that the last event did not have room for.
        let mut begun = Vec::new();
        for (place, (number, kept)) in self.kept.iter().enumerate() {
            let event = match kept {
                Kept::Other(event) => event.clone(),
                Kept::Output(bytes) => {
                    let mut bytes = [std::mem::take(&mut begun), bytes.clone()].concat();
                    if let Some((_, Kept::Output(_))) = self.kept.get(place + 1)
                        && bytes.len() >= OUTPUT_BYTES
                    {
                        begun = bytes.split_off(bytes.len() - unfinished(&bytes));
                    }
                    SessionEvent::Output { text: String::from_utf8_lossy(&bytes).into_owned() }
                }
            };
            events.push(Numbered { number: *number, event });
        }
        events
    }

    fn add(&mut self, kept: Kept) -> u64 {
        self.is_apart = false;
        self.last += 1;
        self.kept.push_back((self.last, kept));
        self.drop_oldest();
        self.last
    }

    fn drop_oldest(&mut self) {
        while self.output_bytes > KEPT_BYTES {
            let oldest = self.kept.iter().position(|(_, kept)| matches!(kept, Kept::Output(_)));
            let Some(oldest) = oldest else { return };
            self.drop_at(oldest);
        }
        while self.kept.len() > KEPT_EVENTS {
            self.drop_at(0);
        }
    }

    fn drop_at(&mut self, place: usize) {
        if let Some((_, Kept::Output(bytes))) = self.kept.remove(place) {
            self.output_bytes -= bytes.len();
        }
    }
}

/// How many bytes at the end begin a character and do not end it.
fn unfinished(bytes: &[u8]) -> usize {
    let last = bytes.utf8_chunks().last().map_or(&[][..], |chunk| chunk.invalid());
    let is_begun = std::str::from_utf8(last).is_err_and(|error| error.error_len().is_none());
    if is_begun { last.len() } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(log: &EventLog) -> Vec<(u64, String)> {
        let text = |numbered: Numbered| match numbered.event {
            SessionEvent::Output { text } => Some((numbered.number, text)),
            _ => None,
        };
        log.events().into_iter().filter_map(text).collect()
    }

    #[test]
    fn output_that_nothing_interrupts_is_one_event() {
        let mut log = EventLog::default();
        log.output(b"one ");
        log.output(b"two");
        assert_eq!(log.input_run("ls"), 2);
        log.output(b"three");
        assert_eq!(log.run_complete(2, 0), 4);
        assert_eq!(texts(&log), [(1, "one two".to_owned()), (3, "three".to_owned())]);
    }

    #[test]
    fn the_oldest_output_is_dropped_and_numbers_stay() {
        let mut log = EventLog::default();
        let run = log.input_run("yes");
        for _ in 0..100 {
            log.output(&[b'y'; OUTPUT_BYTES]);
        }
        let complete = log.run_complete(run, 0);
        assert_eq!(complete, 102);
        let events = log.events();
        assert_eq!(events[0].event, SessionEvent::InputRun { command: "yes".into() });
        assert_eq!(events[1].number, 102 - (KEPT_BYTES / OUTPUT_BYTES) as u64);
        assert_eq!(log.output_bytes, KEPT_BYTES);
    }

    #[test]
    fn not_more_events_are_kept_than_that() {
        let mut log = EventLog::default();
        for number in 1..=3000 {
            assert_eq!(log.run_complete(0, 0), number);
        }
        assert_eq!((log.events().len(), log.events()[0].number), (KEPT_EVENTS, 3001 - KEPT_EVENTS as u64));
    }

    #[test]
    fn the_same_output_in_other_chunks_is_the_same_events() {
        let text = "a line with ümlauts and € ∥ ✓\r\n".repeat(700);
        let mut whole = EventLog::default();
        whole.output(text.as_bytes());
        assert!(!texts(&whole).iter().any(|(_, text)| text.contains('\u{fffd}')), "no character is torn");
        for size in [1, 7, 4095, 4096, 4097] {
            let mut log = EventLog::default();
            text.as_bytes().chunks(size).for_each(|chunk| log.output(chunk));
            assert_eq!(log.events(), whole.events());
        }
    }

    #[test]
    fn what_is_no_text_is_replaced_where_it_is() {
        let mut log = EventLog::default();
        log.output(b"a\xff\xe2\x82");
        log.exit();
        assert_eq!(texts(&log), [(1, "a\u{fffd}\u{fffd}".to_owned())]);
    }

    #[test]
    fn a_long_command_is_cut_at_a_character() {
        let mut log = EventLog::default();
        log.input_run(&"€".repeat(1000));
        let SessionEvent::InputRun { command } = &log.events()[0].event else { panic!("it is the only one") };
        assert_eq!(command.chars().count(), COMMAND_BYTES / 3 + 1);
        assert!(command.ends_with("€…"));
    }

    #[test]
    fn an_event_is_shown_without_doing_anything_to_the_terminal() {
        let text = "one\r\ntwo \x1b[2J\tthree\r\n".to_owned();
        let shown = Numbered { number: 3, event: SessionEvent::Output { text } }.to_string();
        assert_eq!(shown, "    3  output       one\n                    two \\u{1b}[2J\tthree");
        assert_eq!(Numbered { number: 4, event: SessionEvent::Exit }.to_string(), "    4  exit");
    }
}
