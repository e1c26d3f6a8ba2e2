//! What waits for one participant: at most a window is out, the rest is keys, and their bytes stay in the log.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;
use serde_json::value::RawValue;
use tokio::sync::mpsc::UnboundedSender;

use crate::bus::{Delivery, Horizon, Payload, ToParticipant};
use crate::definition::Definition;
use crate::message::{Bus, CommandOf, ExchangeKey};

/// How many waiting commands are kept with their bytes; those behind them are read back from the log.
const KEPT: usize = 256;

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
    /// The bytes of the first one are being read.
    reading: bool,
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
            reading: false,
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
            self.out = 0;
            self.reading = false;
        }
    }

    /// The participant is away. What is worthless later does not wait for it.
    pub(super) fn disconnected(&mut self) {
        self.connected = false;
        self.reading &= !matches!(self.waiting.front(), Some(Waiting::Command(first)) if first.is_live_only());
        self.waiting.retain(|waiting| !matches!(waiting, Waiting::Command(command) if command.is_live_only()));
    }

    pub(super) fn taken(&mut self, count: usize) {
        self.out = self.out.saturating_sub(count);
    }

    /// Tells the participant that its reports are safe. What cannot be told is told when it resumes.
    pub(super) fn recorded(&self, number: u64) {
        let _ = self.line.send(ToParticipant::Recorded(number));
    }

    pub(super) fn command(&mut self, mut command: WaitingCommand<B>) {
        if self.waiting.len() >= KEPT {
            command.command = None;
        }
        self.latest.insert(command.key, command.attempt);
        self.waiting.push_back(Waiting::Command(command));
        if self.waiting.len() > 2 * self.latest.len() + KEPT {
            let latest = &self.latest;
            self.waiting.retain(|waiting| counts(latest, waiting));
            self.reading = false;
        }
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

    /// The bytes that were asked for. A command without any is left out: its record is gone, so is its saga.
    pub(super) fn read(&mut self, key: ExchangeKey, bytes: Option<Box<RawValue>>) {
        if !std::mem::take(&mut self.reading) {
            return;
        }
        let Some(Waiting::Command(first)) = self.waiting.front_mut().filter(|first| first.key() == key) else { return };
        match bytes {
            Some(bytes) => first.command = Some(Payload::Encoded(bytes)),
            None => drop(self.waiting.pop_front()),
        }
    }

    /// Sends what may go out; says whose bytes are needed to go on.
    pub(super) fn pump(&mut self, horizon: &Horizon) -> Option<Read> {
        while self.connected && !self.reading && self.out < self.window {
            if self.waiting.front().is_some_and(|first| !counts(&self.latest, first)) {
                self.waiting.pop_front();
                continue;
            }
            if let Some(Waiting::Command(WaitingCommand { key, definition, recorded_in, command: None, .. })) =
                self.waiting.front()
            {
                self.reading = true;
                let step = definition.steps[usize::from(key.at.step)].name;
                return Some(Read { key: *key, step, recorded_in: *recorded_in });
            }
            let delivery = self.waiting.pop_front().and_then(delivery)?;
            self.latest.remove(&delivery.key());
            self.out += 1;
            let _ = self.line.send(ToParticipant::Deliver(delivery, horizon.clone()));
        }
        None
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
    fn key(&self) -> ExchangeKey {
        match self {
            Self::Settle(key) | Self::Command(WaitingCommand { key, .. }) => *key,
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
