//! What waits for one participant: at most a window is out, the rest is keys, and their bytes stay in the log.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;
use serde_json::value::RawValue;
use tokio::sync::mpsc::UnboundedSender;

use crate::bus::{Delivery, Horizon, Payload, ToParticipant};
use crate::definition::Definition;
use crate::message::{Bus, CommandOf, ExchangeKey};

/// Of how many bytes the waiting commands are kept; those behind them are read back from the log.
const KEPT_BYTES: usize = 1 << 20;

/// How many commands are read back at once.
const READ_AT_ONCE: usize = 64;

/// One participant's queue.
pub(super) struct Outbox<B: Bus> {
    line: UnboundedSender<ToParticipant<B>>,
    local: bool,
    connected: bool,
    /// Deliveries that are out and not yet taken over.
    out: usize,
    window: usize,
    /// What waits, with entries that no longer count: only the latest attempt of a key does, until it is withdrawn.
    waiting: VecDeque<Waiting<B>>,
    latest: FxHashMap<ExchangeKey, u32>,
    /// Of the commands that were not left to the log.
    kept_bytes: usize,
    /// How many commands are being read back.
    reading: usize,
}

/// What waits.
enum Waiting<B: Bus> {
    Command(WaitingCommand<B>),
    Settle(ExchangeKey),
}

/// A command that waits.
pub(super) struct WaitingCommand<B: Bus> {
    pub(super) key: ExchangeKey,
    pub(super) attempt: u32,
    pub(super) definition: &'static Definition,
    pub(super) recorded_in: u32,
    /// None: in the log.
    pub(super) command: Option<Payload<CommandOf<B>>>,
    /// How long it is as JSON; 0 for one that is in the log.
    pub(super) bytes: usize,
}

impl<B: Bus> WaitingCommand<B> {
    fn is_live_only(&self) -> bool {
        self.definition.command(self.key.at).is_some_and(|command| command.live_only)
    }
}

/// The bytes of a command are needed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) key: ExchangeKey,
    pub(super) step: &'static str,
    pub(super) recorded_in: u32,
}

impl<B: Bus> Outbox<B> {
    pub(super) fn new(line: UnboundedSender<ToParticipant<B>>, local: bool, window: usize) -> Self {
        Self {
            line,
            local,
            connected: false,
            out: 0,
            window,
            waiting: VecDeque::new(),
            latest: FxHashMap::default(),
            kept_bytes: 0,
            reading: 0,
        }
    }

    /// Whether the participant runs in this process, and takes commands by value.
    pub(super) fn is_local(&self) -> bool {
        self.local
    }

    pub(super) fn is_connected(&self) -> bool {
        self.connected
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.iter().filter(|waiting| counts(&self.latest, waiting)).count()
    }

    /// The participant is there. In another life, everything that it has not answered comes again.
    pub(super) fn connected(&mut self, resumed: bool) {
        self.connected = true;
        if !resumed {
            self.waiting.clear();
            self.latest.clear();
            self.kept_bytes = 0;
            self.out = 0;
            self.reading = 0;
        }
    }

    /// The participant is away. What is worthless later does not wait for it.
    pub(super) fn disconnected(&mut self) {
        self.connected = false;
        self.keep_only(|_, waiting| !matches!(waiting, Waiting::Command(command) if command.is_live_only()));
    }

    pub(super) fn taken(&mut self, count: usize) {
        self.out = self.out.saturating_sub(count);
    }

    /// Tells the participant that its reports are safe. What cannot be told is told when it resumes.
    pub(super) fn recorded(&self, number: u64) {
        let _ = self.line.send(ToParticipant::Recorded(number));
    }

    pub(super) fn command(&mut self, mut command: WaitingCommand<B>) {
        if self.kept_bytes + command.bytes > KEPT_BYTES {
            command.command = None;
            command.bytes = 0;
        }
        self.kept_bytes += command.bytes;
        self.latest.insert(command.key, command.attempt);
        self.waiting.push_back(Waiting::Command(command));
        if self.waiting.len() > 2 * self.latest.len() + READ_AT_ONCE {
            self.keep_only(counts);
        }
    }

    fn keep_only(&mut self, keep: impl Fn(&FxHashMap<ExchangeKey, u32>, &Waiting<B>) -> bool) {
        let latest = &self.latest;
        self.waiting.retain(|waiting| keep(latest, waiting));
        self.kept_bytes = self.waiting.iter().map(Waiting::bytes).sum();
    }

    /// What has not left yet of the command is not wanted any more: it would only be done to be undone.
    pub(super) fn settle(&mut self, key: ExchangeKey) {
        self.withdraw(key);
        self.waiting.push_back(Waiting::Settle(key));
    }

    /// Nobody waits for the answer any more.
    pub(super) fn withdraw(&mut self, key: ExchangeKey) {
        self.latest.remove(&key);
        let _ = self.line.send(ToParticipant::Withdraw(key));
    }

    /// The bytes that were asked for. A command without any is left out.
    pub(super) fn read(&mut self, key: ExchangeKey, bytes: Option<Box<RawValue>>) {
        self.reading = self.reading.saturating_sub(1);
        let Some(bytes) = bytes else {
            self.latest.remove(&key);
            return;
        };
        let waiting = self.waiting.iter_mut().take(2 * READ_AT_ONCE).filter_map(|waiting| match waiting {
            Waiting::Command(command) if command.key == key => Some(command),
            _ => None,
        });
        for command in waiting {
            command.command.get_or_insert_with(|| Payload::Encoded(bytes.clone()));
        }
    }

    /// Sends what may go out; says whose bytes are needed to go on.
    pub(super) fn pump(&mut self, horizon: &Horizon) -> Vec<Read> {
        while self.connected && self.out < self.window {
            match self.waiting.front() {
                Some(first) if counts(&self.latest, first) && first.is_in_log() => return self.read_back(),
                Some(_) => {}
                None => break,
            }
            if let Some(delivery) = self.next() {
                self.out += 1;
                let _ = self.line.send(ToParticipant::Deliver(delivery, horizon.clone()));
            }
        }
        Vec::new()
    }

    /// Takes the first of what waits; none if it does not count any more.
    fn next(&mut self) -> Option<Delivery<B>> {
        let first = self.waiting.pop_front()?;
        self.kept_bytes -= first.bytes();
        if !counts(&self.latest, &first) {
            return None;
        }
        if let Waiting::Command(command) = &first {
            self.latest.remove(&command.key);
        }
        delivery(first)
    }

    /// Those of the first ones whose bytes are in the log, unless some are being read already.
    fn read_back(&mut self) -> Vec<Read> {
        if self.reading > 0 {
            return Vec::new();
        }
        let first = self.waiting.iter().take(READ_AT_ONCE).filter(|waiting| counts(&self.latest, waiting));
        let reads: Vec<_> = first.filter_map(Waiting::read).collect();
        self.reading = reads.len();
        reads
    }
}

/// Whether what waits is still to be delivered.
fn counts<B: Bus>(latest: &FxHashMap<ExchangeKey, u32>, waiting: &Waiting<B>) -> bool {
    match waiting {
        Waiting::Settle(_) => true,
        Waiting::Command(command) => latest.get(&command.key) == Some(&command.attempt),
    }
}

impl<B: Bus> Waiting<B> {
    fn bytes(&self) -> usize {
        match self {
            Self::Settle(_) => 0,
            Self::Command(command) => command.bytes,
        }
    }

    fn is_in_log(&self) -> bool {
        matches!(self, Self::Command(WaitingCommand { command: None, .. }))
    }

    /// What is to be read before it can go out.
    fn read(&self) -> Option<Read> {
        match self {
            Self::Command(WaitingCommand { key, definition, recorded_in, command: None, .. }) => {
                let step = definition.steps[usize::from(key.at.step)].name;
                Some(Read { key: *key, step, recorded_in: *recorded_in })
            }
            Self::Command(_) | Self::Settle(_) => None,
        }
    }
}

fn delivery<B: Bus>(waiting: Waiting<B>) -> Option<Delivery<B>> {
    match waiting {
        Waiting::Settle(key) => Some(Delivery::Settle { key }),
        Waiting::Command(WaitingCommand { key, attempt, definition, command, .. }) => Some(Delivery::Command {
            key,
            attempt,
            saga: definition.name.into(),
            step: definition.steps[usize::from(key.at.step)].name.into(),
            command: command?,
        }),
    }
}
