//! What a session shows, what was run in it, and what has finished: the terminal's bytes put in order.
//!
//! A run is registered, awaits its turn, is typed, is begun with by the shell, and ends. Only one is typed or begun with
//! at a time, since a program that reads its standard input would take the next line for its own; but one with which the
//! shell does not begin holds up the others no longer than its owner says ([`Recording::pass_over`]).
//!
//! Pure: it types nothing, reads no clock and waits for nobody.

use std::collections::BTreeMap;

use super::PROMPT;
use super::events::{EventLog, Numbered};
use super::sanitiser::Sanitiser;
use super::scanner::{Marker, Piece, Scanner, Sentinel, Sign};

/// How many bytes of its latest output a terminal keeps.
const KEPT_OUTPUT_BYTES: usize = 64 * 1024;

/// How many runs may be in flight in one session.
pub(super) const MOST_RUNS: usize = 64;

/// The status of a command that was interrupted at the keyboard.
const INTERRUPTED: u8 = 130;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunEnd {
    /// The command has finished.
    Completed {
        /// The number of its `run_complete` in the session's event log.
        sequence: u64,
        /// Its exit status; 130 if it was interrupted.
        status: u8,
    },
    /// The session ended first.
    SessionExited,
}

/// Why a command is not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunRefused {
    /// The session has ended.
    Exited,
    /// Too many runs are in flight.
    TooMany,
    /// A program that was not started by a run has the terminal.
    Busy,
    /// The system does not give what is needed to hand the command over.
    OutOfMemory,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Waits for its turn; the lower goes first.
    Queued(u64),
    /// Typed; the number of its event.
    Typed(u64),
    /// Typed long ago, and the shell does not begin with it. Others are not held up.
    PassedOver(u64),
    /// The shell is at it.
    Begun(u64),
}

/// A run that has not ended.
#[derive(Debug)]
struct Flight {
    stage: Stage,
    /// Somebody will ask how it ended.
    awaited: bool,
}

/// A session's bytes, put in order.
#[derive(Debug, Default)]
pub(super) struct Recording {
    scanner: Scanner,
    sanitiser: Sanitiser,
    log: EventLog,
    latest: Vec<u8>,
    in_flight: BTreeMap<Marker, Flight>,
    /// Of runs whose end somebody will ask for.
    ended: BTreeMap<Marker, RunEnd>,
    runs_ever: u64,
    /// A run that was interrupted. Its last sentinel is known for what it is, should it come after all.
    interrupted: Option<Marker>,
    /// What was shown since an interrupt was typed during a run; as much as shows whether the shell is at its prompt.
    since_interrupt: Option<Vec<u8>>,
    exited: bool,
}

impl Recording {
    /// Takes a run in, under the first marker drawn that no other has.
    ///
    /// # Errors
    /// [`RunRefused::Exited`], [`RunRefused::TooMany`].
    pub(super) fn register(&mut self, mut draw: impl FnMut() -> Marker) -> Result<Marker, RunRefused> {
        if self.exited {
            return Err(RunRefused::Exited);
        }
        if self.in_flight.len() >= MOST_RUNS {
            return Err(RunRefused::TooMany);
        }
        let mut marker = draw();
        while self.is_taken(marker) {
            marker = draw();
        }
        self.runs_ever += 1;
        self.in_flight.insert(marker, Flight { stage: Stage::Queued(self.runs_ever), awaited: true });
        Ok(marker)
    }

    /// Whether the shell is free, as far as runs are concerned.
    pub(super) fn is_idle(&self) -> bool {
        self.in_flight.values().all(|flight| matches!(flight.stage, Stage::PassedOver(_)))
    }

    /// Whether a run is to be typed now, or never any more.
    pub(super) fn is_up(&self, marker: Marker) -> bool {
        let Some(Stage::Queued(number)) = self.stage(marker) else { return true };
        !self.in_flight.values().any(|other| match other.stage {
            Stage::Queued(other) => other < number,
            Stage::Typed(_) | Stage::Begun(_) => true,
            Stage::PassedOver(_) => false,
        })
    }

    /// A run is about to be typed, as this line; false if it is not to be any more.
    pub(super) fn typed(&mut self, marker: Marker, line: &str, command: &str) -> bool {
        let Some(Stage::Queued(_)) = self.stage(marker) else { return false };
        let run = self.log.input_run(command);
        self.enter(marker, Stage::Typed(run));
        self.sanitiser.expect(marker, line);
        true
    }

    /// Whether the shell has not begun with a run that was typed.
    pub(super) fn is_awaiting_shell(&self, marker: Marker) -> bool {
        matches!(self.stage(marker), Some(Stage::Typed(_)))
    }

    /// Whether the shell is at a run.
    #[cfg(test)]
    pub(super) fn is_begun(&self) -> bool {
        self.begun().is_some()
    }

    /// Others may be typed, though the shell has not begun with this one.
    pub(super) fn pass_over(&mut self, marker: Marker) {
        if let Some(Stage::Typed(run)) = self.stage(marker) {
            self.enter(marker, Stage::PassedOver(run));
        }
    }

    /// How the run ended, if it has.
    pub(super) fn end_of(&self, marker: Marker) -> Option<RunEnd> {
        self.ended.get(&marker).copied()
    }

    /// Nobody asks any more how the run ended. It is recorded nevertheless, if it was typed.
    pub(super) fn let_go(&mut self, marker: Marker) {
        self.ended.remove(&marker);
        match self.in_flight.get_mut(&marker) {
            Some(Flight { stage: Stage::Queued(_), .. }) => drop(self.in_flight.remove(&marker)),
            Some(flight) => flight.awaited = false,
            None => {}
        }
    }

    /// The user interrupts what runs.
    pub(super) fn interrupt(&mut self) {
        if self.begun().is_some() {
            self.since_interrupt = Some(Vec::new());
        }
    }

    /// The terminal shows these bytes.
    pub(super) fn hear(&mut self, bytes: &[u8]) {
        self.scanner.extend(bytes);
        while let Some(piece) = self.scanner.next(|sentinel| knows(&self.in_flight, self.interrupted, sentinel)) {
            match piece {
                Piece::Output(bytes) => {
                    let shown = self.sanitiser.feed(&bytes);
                    self.show(&shown);
                }
                Piece::Sentinel(Sentinel { marker, sign }) => {
                    let held = self.sanitiser.flush();
                    self.show(&held);
                    self.sanitiser.forget(marker);
                    self.understand(marker, sign);
                }
            }
        }
    }

    /// The session has ended, and shows nothing more: what was kept back is output, and all runs have ended.
    pub(super) fn exit(&mut self) {
        if self.exited {
            return;
        }
        let last = self.scanner.finish();
        let mut shown = self.sanitiser.feed(&last);
        shown.extend(self.sanitiser.flush());
        self.show(&shown);
        self.exited = true;
        self.log.exit();
        let cut_off = std::mem::take(&mut self.in_flight).into_iter().filter(|(_, flight)| flight.awaited);
        self.ended.extend(cut_off.map(|(marker, _)| (marker, RunEnd::SessionExited)));
    }

    /// Whether the session has ended.
    pub(super) fn has_exited(&self) -> bool {
        self.exited
    }

    /// What happened, as far as it is kept.
    pub(super) fn events(&self) -> Vec<Numbered> {
        self.log.events()
    }

    /// The latest output.
    pub(super) fn latest(&self) -> &[u8] {
        &self.latest
    }

    /// Whether this is in the latest output.
    pub(super) fn shows(&self, text: &str) -> bool {
        holds(&self.latest, text)
    }

    fn is_taken(&self, marker: Marker) -> bool {
        self.in_flight.contains_key(&marker) || self.ended.contains_key(&marker) || self.interrupted == Some(marker)
    }

    fn stage(&self, marker: Marker) -> Option<Stage> {
        self.in_flight.get(&marker).map(|flight| flight.stage)
    }

    fn enter(&mut self, marker: Marker, stage: Stage) {
        if let Some(flight) = self.in_flight.get_mut(&marker) {
            flight.stage = stage;
        }
    }

    fn begun(&self) -> Option<(Marker, u64)> {
        self.in_flight.iter().find_map(|(marker, flight)| match flight.stage {
            Stage::Begun(run) => Some((*marker, run)),
            _ => None,
        })
    }

    fn understand(&mut self, marker: Marker, sign: Sign) {
        // Whatever it says, the one that was interrupted is over.
        self.interrupted = None;
        match (self.stage(marker), sign) {
            (Some(Stage::Typed(run) | Stage::PassedOver(run)), Sign::Begun) => {
                self.enter(marker, Stage::Begun(run));
                self.log.divide();
            }
            (Some(Stage::Begun(run)), Sign::Ended(status)) => self.complete(marker, run, status),
            _ => {}
        }
    }

    fn complete(&mut self, marker: Marker, run: u64, status: u8) {
        self.since_interrupt = None;
        let sequence = self.log.run_complete(run, status);
        if self.in_flight.remove(&marker).is_some_and(|flight| flight.awaited) {
            self.ended.insert(marker, RunEnd::Completed { sequence, status });
        }
    }

    /// Output is recorded; up to the prompt that ends an interrupted run, and then the rest.
    fn show(&mut self, bytes: &[u8]) {
        if self.exited {
            return;
        }
        let until = self.prompt_after_interrupt(bytes).unwrap_or(bytes.len());
        let (before, after) = bytes.split_at(until);
        self.append(before);
        if self.since_interrupt.as_ref().is_some_and(|since| since.ends_with(PROMPT.as_bytes()))
            && let Some((marker, run)) = self.begun()
        {
            self.complete(marker, run, INTERRUPTED);
            self.interrupted = Some(marker);
        }
        self.append(after);
    }

    /// After how many of these bytes the shell shows its prompt, if an interrupt was typed during a run.
    fn prompt_after_interrupt(&mut self, bytes: &[u8]) -> Option<usize> {
        let since = self.since_interrupt.as_mut()?;
        for (place, byte) in bytes.iter().enumerate() {
            since.push(*byte);
            if since.ends_with(PROMPT.as_bytes()) {
                return Some(place + 1);
            }
            let excess = since.len().saturating_sub(PROMPT.len());
            since.drain(..excess);
        }
        None
    }

    fn append(&mut self, bytes: &[u8]) {
        self.log.output(bytes);
        self.latest.extend_from_slice(bytes);
        let excess = self.latest.len().saturating_sub(KEPT_OUTPUT_BYTES);
        self.latest.drain(..excess);
    }
}

/// Whether a sentinel is one that is awaited.
fn knows(in_flight: &BTreeMap<Marker, Flight>, interrupted: Option<Marker>, sentinel: Sentinel) -> bool {
    let stage = in_flight.get(&sentinel.marker).map(|flight| flight.stage);
    match sentinel.sign {
        Sign::Begun => matches!(stage, Some(Stage::Typed(_) | Stage::PassedOver(_))),
        Sign::Ended(_) => matches!(stage, Some(Stage::Begun(_))) || interrupted == Some(sentinel.marker),
    }
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[cfg(test)]
mod tests;
