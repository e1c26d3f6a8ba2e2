//! What subscribers in other processes are told: numbered, and kept for a while for those who come back.
//!
//! It knows no saga, no connection and no log: only where in the log what it tells is recorded.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::broadcast;

use crate::machine::InFlight;
use crate::message::LogId;
use crate::notice::{Life, Notice, Position, Told};

/// Everything that is told in one life of a coordinator.
pub(super) struct Stream {
    /// Where what is told next stands.
    next: Position,
    life: Life,
    /// The last ones.
    kept: VecDeque<Arc<str>>,
    /// How many are kept at most.
    capacity: usize,
    changes: broadcast::Sender<Arc<str>>,
    /// Somebody has come for it: until then nothing need be told, and nothing be kept.
    has_begun: bool,
}

/// What a subscriber missed since it was away.
#[derive(Debug, PartialEq)]
pub(super) enum Missed {
    /// These changes.
    Kept(Vec<Arc<str>>),
    /// What the log has since this position.
    Recorded(Position),
    /// Nobody knows, for this reason.
    Unknown(String),
}

impl Stream {
    /// Nothing is told yet. The last record of the log has this position; a subscriber may be so far behind as `backlog`
    /// says, and may come back so long as no more than `capacity` was told since.
    pub(super) fn new(log: LogId, last_record: u64, backlog: usize, capacity: usize) -> Self {
        Self {
            next: Position { log, record: last_record.saturating_add(1), told: 0, life: None },
            life: Life { id: fastrand::u64(..), number: 0 },
            kept: VecDeque::new(),
            capacity,
            changes: broadcast::channel(backlog).0,
            has_begun: false,
        }
    }

    /// Whether anybody may ever hear what is told now.
    pub(super) fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// What was told up to here.
    pub(super) fn position(&self) -> Position {
        Position { life: Some(self.life), ..self.next }
    }

    /// All that is told from now on.
    pub(super) fn subscribe(&mut self) -> broadcast::Receiver<Arc<str>> {
        self.has_begun = true;
        self.changes.subscribe()
    }

    /// Tells what is in no record.
    pub(super) fn tell(&mut self, notice: Notice, now: Option<Box<InFlight>>) {
        if !self.has_begun {
            return;
        }
        self.life.number += 1;
        match serde_json::to_string(&Told { position: self.position(), now, notice }) {
            Ok(told) => self.keep(told.into()),
            Err(error) => tracing::error!(%error, "a notice cannot be written as JSON"),
        }
    }

    /// Tells a notice of the record that is next in the log.
    pub(super) fn tell_recorded(&mut self, notice: Notice, now: Option<Box<InFlight>>) {
        self.next.told += 1;
        self.tell(notice, now);
    }

    /// All notices of a record that is in the log have been told.
    pub(super) fn recorded(&mut self) {
        self.next = Position { record: self.next.record + 1, told: 0, ..self.next };
    }

    /// What was told since this position.
    pub(super) fn since(&self, position: Position) -> Missed {
        if position.log != self.next.log {
            return Missed::Unknown(format!("position {position} is of another log than this, {}", self.next.log));
        }
        if position.is_after(&self.position()) {
            return Missed::Unknown(format!(
                "position {position} is further than this log has come: {}",
                self.position()
            ));
        }
        match position.life {
            Some(life) if life.id == self.life.id => {
                let missed = usize::try_from(self.life.number - life.number).unwrap_or(usize::MAX);
                match self.kept.len().checked_sub(missed) {
                    Some(first) => Missed::Kept(self.kept.range(first..).cloned().collect()),
                    None => Missed::Recorded(position),
                }
            }
            _ => Missed::Recorded(position),
        }
    }

    fn keep(&mut self, told: Arc<str>) {
        // Nobody need listen.
        drop(self.changes.send(told.clone()));
        self.kept.push_back(told);
        if self.kept.len() > self.capacity {
            self.kept.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    fn notice(number: u64) -> Notice {
        let time = Timestamp::from_micros(number);
        Notice::ParticipantConnected { time, participant: "host".into(), resumed: false }
    }

    /// A log with nine records, of which nothing was told.
    fn stream() -> Stream {
        let mut stream = Stream::new(LogId::from_bits(7), 9, 4, 4);
        drop(stream.subscribe());
        stream
    }

    /// The times of the notices that are kept since a position.
    fn kept(stream: &Stream, since: Position) -> Vec<u64> {
        let Missed::Kept(kept) = stream.since(since) else { panic!("{:?}", stream.since(since)) };
        let told = kept.iter().map(|told| serde_json::from_str::<Told>(told).expect("it is JSON"));
        told.map(|told| told.notice.time().expect("it has one").as_micros()).collect()
    }

    #[test]
    fn what_was_told_since_a_position_is_kept_each_once_and_in_order() {
        let mut stream = stream();
        let positions: Vec<_> = (1..=4)
            .map(|number| {
                stream.tell(notice(number), None);
                stream.position()
            })
            .collect();
        for (missed, position) in positions.into_iter().enumerate() {
            assert_eq!(kept(&stream, position), (missed as u64 + 2..=4).collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_is_no_longer_kept_is_in_the_log() {
        let mut stream = stream();
        let before = stream.position();
        (1..=4).for_each(|number| stream.tell(notice(number), None));
        assert_eq!(kept(&stream, before), [1, 2, 3, 4]);
        stream.tell(notice(5), None);
        assert_eq!(stream.since(before), Missed::Recorded(before));
    }

    #[test]
    fn a_position_says_how_much_of_which_record_was_told() {
        let mut stream = stream();
        let at = |stream: &Stream| (stream.position().record, stream.position().told);
        assert_eq!(at(&stream), (10, 0));
        stream.tell_recorded(notice(1), None);
        stream.tell_recorded(notice(2), None);
        assert_eq!(at(&stream), (10, 2));
        stream.recorded();
        stream.tell(notice(3), None);
        assert_eq!(at(&stream), (11, 0));
    }

    #[test]
    fn another_life_goes_on_from_the_log() {
        let mut first = stream();
        first.tell_recorded(notice(1), None);
        first.tell_recorded(notice(2), None);
        let before = first.position();
        let mut second = Stream::new(LogId::from_bits(7), 10, 4, 4);
        assert_eq!(second.since(before), Missed::Recorded(before));
        second.recorded();
        assert_eq!(second.since(before), Missed::Recorded(before));
    }

    #[test]
    fn a_position_of_nowhere_is_told_so() {
        let unknown = |missed| match missed {
            Missed::Unknown(reason) => reason,
            other => panic!("{other:?}"),
        };
        let stream = stream();
        let other = Position { log: LogId::from_bits(8), ..stream.position() };
        assert!(unknown(stream.since(other)).contains("another log"));
        let ahead = Position { life: None, record: 11, ..stream.position() };
        assert!(unknown(stream.since(ahead)).contains("further than this log"));
        let Some(life) = stream.position().life else { panic!("it has one") };
        let ahead = Position { life: Some(Life { number: life.number + 1, ..life }), ..stream.position() };
        assert!(unknown(stream.since(ahead)).contains("further than this log"));
    }

    #[test]
    fn before_anybody_came_nothing_is_kept() {
        let mut stream = Stream::new(LogId::from_bits(7), 0, 4, 4);
        stream.tell_recorded(notice(1), None);
        stream.recorded();
        drop(stream.subscribe());
        assert_eq!(kept(&stream, stream.position()), Vec::<u64>::new());
        assert_eq!((stream.position().record, stream.position().told), (2, 0));
    }
}
