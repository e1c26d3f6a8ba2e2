//! What is done once it is recorded: deliveries, notices, replies, and the hopes of handles.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use serde_json::value::RawValue;
use tokio::sync::{broadcast, oneshot, watch};

use super::calls::LookUp;
use super::handle::Progress;
use super::outbox::{Outbox, Read, WaitingCommand};
use super::past::{self, Past};
use super::stream::{Missed, Stream};
use crate::bus::{Horizon, Payload};
use crate::definition::Definition;
use crate::machine::{Change, InFlight, Record};
use crate::message::{Bus, ExchangeKey, LogId, SagaId};
use crate::notice::{Notice, Position, Snapshot};
use crate::operator::ParticipantStatus;
use crate::pipe::{SubscribeRequest, Subscription};
use crate::time::Timestamp;

/// Something to do after a commit.
pub(super) enum Act<B: Bus> {
    /// Everything that follows from a record.
    Record(Recorded<B>),
    Send(&'static str, WaitingCommand<B>),
    Settle(&'static str, ExchangeKey),
    Recorded(&'static str, u64),
    Connected {
        participant: &'static str,
        resumed: bool,
        time: Timestamp,
    },
    Disconnected {
        participant: &'static str,
        reason: String,
        time: Timestamp,
    },
    Notice(Notice),
    Subscribe {
        request: SubscribeRequest,
        sagas: Vec<InFlight>,
    },
    /// Tells who asked.
    Reply(Box<dyn FnOnce() + Send>),
    /// The engine asks the journal.
    LookUp(LookUp),
}

/// A record, once it is in the log.
pub(super) struct Recorded<B: Bus> {
    pub(super) record: Record<B>,
    /// The bytes of the commands that it sends for the first time.
    pub(super) commands: Vec<Option<Box<RawValue>>>,
    /// The saga as it is after it, if subscribers are to be told.
    pub(super) now: Option<Box<InFlight>>,
}

impl<B: Bus> Act<B> {
    /// Tells who asked, if they still listen.
    pub(super) fn reply<T: Send + 'static>(to: oneshot::Sender<T>, value: T) -> Self {
        Self::Reply(Box::new(move || drop(to.send(value))))
    }
}

/// Everything that is reached outside.
pub(super) struct Acts<B: Bus> {
    log: LogId,
    outboxes: BTreeMap<&'static str, Outbox<B>>,
    notices: broadcast::Sender<Notice>,
    /// The same notices for subscribers in other processes.
    stream: Stream,
    /// The log, for those of them who missed something.
    past: Past,
    watched: FxHashMap<SagaId, watch::Sender<Progress>>,
}

impl<B: Bus> Acts<B> {
    pub(super) fn new(
        log: LogId,
        outboxes: BTreeMap<&'static str, Outbox<B>>,
        notices: broadcast::Sender<Notice>,
        stream: Stream,
        past: Past,
    ) -> Self {
        Self { log, outboxes, notices, stream, past, watched: FxHashMap::default() }
    }

    /// Does what follows from a record, and tells of it.
    fn record(&mut self, recorded: Recorded<B>) {
        let Recorded { record, commands, now } = recorded;
        if self.is_watched() {
            self.tell_of(&record, now);
        }
        if !record.is_ephemeral() {
            self.stream.recorded();
        }
        let Record { saga, definition, then, .. } = record;
        let mut commands = commands.into_iter();
        for change in then {
            let first = matches!(change, Change::Sent { command: Some(_), .. });
            let bytes = if first { commands.next().flatten() } else { None };
            self.change(saga, definition, change, bytes);
        }
    }

    fn change(
        &mut self,
        saga: SagaId,
        definition: Option<&'static Definition>,
        change: Change<B>,
        bytes: Option<Box<RawValue>>,
    ) {
        let key = |at| ExchangeKey { log: self.log, saga, at };
        match change {
            Change::Sent { at, attempt, participant, recorded_in, command } => {
                // A command without bytes could not be written: its saga is told so.
                let Some(definition) = definition.filter(|_| command.is_none() || bytes.is_some()) else { return };
                let length = bytes.as_ref().map_or(0, |bytes| bytes.get().len());
                let typed = command.filter(|_| self.is_local(participant)).map(Payload::Typed);
                let command = typed.or(bytes.map(Payload::Encoded));
                let waiting = WaitingCommand { key: key(at), attempt, definition, recorded_in, command, bytes: length };
                self.with(participant, |outbox| outbox.command(waiting));
            }
            Change::Asked { at, participant } => {
                let key = key(at);
                self.with(participant, |outbox| outbox.settle(key));
            }
            Change::Withdrawn { at, participant } => {
                let key = key(at);
                self.with(participant, |outbox| outbox.withdraw(key));
            }
            Change::Stuck { reason } => self.progress(saga, Progress::Stuck(reason)),
            Change::Unstuck => self.progress(saga, Progress::Going),
            Change::Ended(outcome) => {
                self.progress(saga, Progress::Ended(outcome));
                self.watched.remove(&saga);
            }
            Change::Queued { .. }
            | Change::Waiting { .. }
            | Change::Sleeping { .. }
            | Change::Ran { .. }
            | Change::Unwinding { .. }
            | Change::Complete { .. }
            | Change::Done { .. }
            | Change::Kept { .. }
            | Change::Abandoned { .. }
            | Change::Assumed { .. }
            | Change::DoneLate { .. }
            | Change::Undone { .. }
            | Change::Skipped { .. }
            | Change::Failed(_) => {}
        }
    }

    /// Tells everybody of a record; subscribers also where its saga is then.
    fn tell_of(&mut self, record: &Record<B>, mut now: Option<Box<InFlight>>) {
        let notices = Notice::of(record);
        if notices.is_empty() && now.is_some() {
            self.stream.tell(Notice::moved(record), now.take());
        }
        let last = notices.len().saturating_sub(1);
        for (index, notice) in notices.into_iter().enumerate() {
            let now = if index == last { now.take() } else { None };
            if record.is_ephemeral() {
                self.stream.tell(notice.clone(), now);
            } else {
                self.stream.tell_recorded(notice.clone(), now);
            }
            drop(self.notices.send(notice));
        }
    }

    /// Whether anybody would hear a notice.
    fn is_watched(&self) -> bool {
        self.notices.receiver_count() > 0 || self.is_told_elsewhere()
    }

    /// Whether subscribers in other processes are told what happens now.
    pub(super) fn is_told_elsewhere(&self) -> bool {
        self.stream.has_begun()
    }

    /// Begins to tell a subscriber: what it missed, then everything, then each change.
    fn subscribe(&mut self, request: SubscribeRequest, sagas: Vec<InFlight>) {
        let changes = self.stream.subscribe();
        let snapshot = Snapshot { position: self.stream.position(), sagas, missing: None };
        let asked = request.position.as_deref().map(str::parse::<Position>);
        let missed = match asked {
            None => Missed::Kept(Vec::new()),
            Some(Ok(position)) => self.stream.since(position),
            Some(Err(error)) => Missed::Unknown(error.to_string()),
        };
        let resumed = request.position.is_some() && !matches!(missed, Missed::Unknown(_));
        let opening = match missed {
            Missed::Kept(kept) => past::at_once(kept, &snapshot),
            Missed::Unknown(reason) => past::at_once(Vec::new(), &Snapshot { missing: Some(reason), ..snapshot }),
            Missed::Recorded(from) => self.past.tell(from, snapshot),
        };
        drop(request.reply.send(Subscription { resumed, opening, changes }));
    }

    /// Whether the participant runs in this process.
    pub(super) fn is_local(&self, participant: &str) -> bool {
        self.outboxes.get(participant).is_some_and(Outbox::is_local)
    }

    /// How far a saga in flight is, from `now` on.
    pub(super) fn watch(&mut self, saga: SagaId, now: Progress) -> watch::Receiver<Progress> {
        self.watched.entry(saga).or_insert_with(|| watch::channel(now).0).subscribe()
    }

    /// Closes every line: participants in this process end, with what they still have to say.
    pub(super) fn close(&mut self) {
        self.outboxes.clear();
    }

    pub(super) fn participants(&self) -> Vec<ParticipantStatus> {
        let status = |(name, outbox): (&&'static str, &Outbox<B>)| ParticipantStatus {
            name: (*name).to_owned(),
            connected: outbox.is_connected(),
            waiting: outbox.waiting(),
        };
        self.outboxes.iter().map(status).collect()
    }

    pub(super) fn taken(&mut self, participant: &str, count: usize) {
        if let Some(outbox) = self.outboxes.get_mut(participant) {
            outbox.taken(count);
        }
    }

    pub(super) fn read(&mut self, participant: &str, key: ExchangeKey, bytes: Option<Box<RawValue>>) {
        if let Some(outbox) = self.outboxes.get_mut(participant) {
            outbox.read(key, bytes);
        }
    }

    /// Sends what may go out; gives what must be read from the log to go on.
    pub(super) fn pump(&mut self, horizon: &Horizon) -> Vec<(&'static str, Read)> {
        let reads = |(name, outbox): (&&'static str, &mut Outbox<B>)| {
            let name = *name;
            outbox.pump(horizon).into_iter().map(move |read| (name, read)).collect::<Vec<_>>()
        };
        self.outboxes.iter_mut().flat_map(reads).collect()
    }

    /// Does one thing. What is the engine's own (a look-up) is not for here.
    pub(super) fn perform(&mut self, act: Act<B>) {
        match act {
            Act::Record(recorded) => self.record(recorded),
            Act::Send(participant, command) => self.with(participant, |outbox| outbox.command(command)),
            Act::Settle(participant, key) => self.with(participant, |outbox| outbox.settle(key)),
            Act::Recorded(participant, number) => self.with(participant, |outbox| outbox.recorded(number)),
            Act::Connected { participant, resumed, time } => {
                self.with(participant, |outbox| outbox.connected(resumed));
                self.tell(Notice::ParticipantConnected { time, participant: participant.into(), resumed });
            }
            Act::Disconnected { participant, reason, time } => {
                self.with(participant, Outbox::disconnected);
                self.tell(Notice::ParticipantDisconnected { time, participant: participant.into(), reason });
            }
            Act::Notice(notice) => self.tell(notice),
            Act::Subscribe { request, sagas } => self.subscribe(request, sagas),
            Act::Reply(reply) => reply(),
            Act::LookUp(_) => {}
        }
    }

    /// Tells everybody. Nobody need listen.
    pub(super) fn tell(&mut self, notice: Notice) {
        self.stream.tell(notice.clone(), None);
        drop(self.notices.send(notice));
    }

    fn with(&mut self, participant: &str, act: impl FnOnce(&mut Outbox<B>)) {
        if let Some(outbox) = self.outboxes.get_mut(participant) {
            act(outbox);
        }
    }

    fn progress(&mut self, saga: SagaId, progress: Progress) {
        if let Some(watched) = self.watched.get(&saga) {
            watched.send_replace(progress);
        }
    }
}
