//! A bus as the derives would write it: `host` takes commands and publishes, `srv` takes commands, `clock` publishes.

use serde::{Deserialize, Serialize};

use crate::bus::{Delivery, Payload, Report};
use crate::message::{Answer, At, Bus, Command, CommandInfo, Event, EventInfo, ExchangeKey, LogId, SagaId};

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shop;

impl Bus for Shop {
    const NAME: &'static str = "shop";
    type Command = Ask;
    type Event = Say;
    type Refusal = No;
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Ask {
    Spawn {
        label: String,
    },
    Store,
    /// Worthless later.
    Ring,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Say {
    Spawned { label: String },
    Stored,
    Promoted { label: String },
    Ticked,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub(super) enum No {
    #[error("full")]
    Full,
}

const fn command(name: &'static str, to: &'static str, replies: &'static [&'static str]) -> CommandInfo {
    CommandInfo {
        name,
        doc: "",
        fields: "",
        to,
        replies,
        refuses: &[],
        query: false,
        live_only: false,
        harmless: false,
        redacted: &[],
    }
}

const fn event(name: &'static str, from: Option<&'static str>) -> EventInfo {
    EventInfo { name, doc: "", fields: "", from, redacted: &[] }
}

impl Command for Ask {
    type Bus = Shop;
    const COMMANDS: &'static [CommandInfo] = &[
        command("Spawn", "host", &["Spawned"]),
        command("Store", "srv", &["Stored"]),
        CommandInfo { live_only: true, ..command("Ring", "host", &[]) },
    ];

    fn index(&self) -> usize {
        match self {
            Self::Spawn { .. } => 0,
            Self::Store => 1,
            Self::Ring => 2,
        }
    }
}

impl Event for Say {
    type Bus = Shop;
    const EVENTS: &'static [EventInfo] = &[
        event("Spawned", None),
        event("Stored", None),
        event("Promoted", Some("host")),
        event("Ticked", Some("clock")),
    ];

    fn index(&self) -> usize {
        match self {
            Self::Spawned { .. } => 0,
            Self::Stored => 1,
            Self::Promoted { .. } => 2,
            Self::Ticked => 3,
        }
    }
}

/// The same words under a name of its own.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mall;

impl Bus for Mall {
    const NAME: &'static str = "mall";
    type Command = MallAsk;
    type Event = MallSay;
    type Refusal = No;
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct MallAsk;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct MallSay;

impl Command for MallAsk {
    type Bus = Mall;
    const COMMANDS: &'static [CommandInfo] = &[command("MallAsk", "host", &[])];

    fn index(&self) -> usize {
        0
    }
}

impl Event for MallSay {
    type Bus = Mall;
    const EVENTS: &'static [EventInfo] = &[event("MallSay", Some("host"))];

    fn index(&self) -> usize {
        0
    }
}

pub(super) const PARTICIPANTS: &[&str] = &["host", "srv", "clock"];

pub(super) fn key(saga: u64) -> ExchangeKey {
    ExchangeKey { log: LogId::from_bits(7), saga: SagaId::new(saga).expect("not zero"), at: At::step(0) }
}

pub(super) fn spawn(saga: u64) -> Delivery<Shop> {
    let command = Payload::Typed(Ask::Spawn { label: format!("w{saga}") });
    Delivery::Command { key: key(saga), attempt: 1, saga: "respawn".into(), step: "refill".into(), command }
}

pub(super) fn ring(saga: u64) -> Delivery<Shop> {
    let command = Payload::Typed(Ask::Ring);
    Delivery::Command { key: key(saga), attempt: 1, saga: "call".into(), step: "ring".into(), command }
}

pub(super) fn spawned(saga: u64) -> Report<Shop> {
    let answer = Answer::Handled(vec![Say::Spawned { label: format!("w{saga}") }]);
    Report::Answered { key: key(saga), attempt: 1, answer }
}

pub(super) fn promoted(label: &str) -> Say {
    Say::Promoted { label: label.to_owned() }
}
