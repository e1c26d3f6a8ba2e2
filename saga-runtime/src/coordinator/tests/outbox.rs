//! What waits for one participant: the window, the latest attempt only, and bytes that stay in the log.

use serde_json::value::RawValue;
use tokio::sync::mpsc::{self, UnboundedReceiver};

use super::super::outbox::{Outbox, Read, WaitingCommand};
use super::shop::{Command, Sell, Shop};
use crate::bus::{Delivery, Horizon, Payload, ToParticipant};
use crate::message::{At, ExchangeKey, LogId, SagaId};
use crate::saga::Saga;

type Line = UnboundedReceiver<ToParticipant<Shop>>;

fn outbox(window: usize) -> (Outbox<Shop>, Line) {
    let (line, sent) = mpsc::unbounded_channel();
    let mut outbox = Outbox::new(line, false, window);
    outbox.connected(false);
    (outbox, sent)
}

fn key(saga: u64) -> ExchangeKey {
    let saga = SagaId::new(saga).expect("ids in tests are not zero");
    ExchangeKey { log: LogId::from_bits(1), saga, at: At::step(0) }
}

fn bytes() -> Box<RawValue> {
    serde_json::value::to_raw_value(&Command::Reserve { item: "hat".to_owned() }).expect("it is JSON")
}

fn command(saga: u64, attempt: u32, length: usize) -> WaitingCommand<Shop> {
    let command = Some(Payload::Encoded(bytes()));
    WaitingCommand { key: key(saga), attempt, definition: Sell::DEFINITION, recorded_in: 1, command, bytes: length }
}

/// What has left since the last look: saga and attempt of commands, saga and 0 of settles.
fn left(line: &mut Line) -> Vec<(u64, u32)> {
    let mut left = Vec::new();
    while let Ok(sent) = line.try_recv() {
        match sent {
            ToParticipant::Deliver(Delivery::Command { key, attempt, .. }, _) => left.push((key.saga.get(), attempt)),
            ToParticipant::Deliver(Delivery::Settle { key }, _) => left.push((key.saga.get(), 0)),
            ToParticipant::Recorded(_) | ToParticipant::Withdraw(_) => {}
        }
    }
    left
}

fn keys(reads: &[Read]) -> Vec<u64> {
    reads.iter().map(|read| read.key.saga.get()).collect()
}

#[test]
fn no_more_than_a_window_is_out() {
    let (mut outbox, mut line) = outbox(2);
    (1..=3).for_each(|saga| outbox.command(command(saga, 1, 10)));
    assert_eq!(outbox.pump(&Horizon::ALL), []);
    assert_eq!(left(&mut line), [(1, 1), (2, 1)]);
    outbox.taken(1);
    assert_eq!(outbox.pump(&Horizon::ALL), []);
    assert_eq!(left(&mut line), [(3, 1)]);
}

#[test]
fn only_the_latest_attempt_leaves_and_nothing_that_was_withdrawn() {
    let (mut outbox, mut line) = outbox(64);
    outbox.disconnected();
    (1..=3).for_each(|saga| outbox.command(command(saga, 1, 10)));
    outbox.command(command(1, 2, 10));
    outbox.withdraw(key(2));
    outbox.settle(key(3));
    assert_eq!(outbox.waiting(), 2);
    outbox.connected(true);
    assert_eq!(outbox.pump(&Horizon::ALL), []);
    assert_eq!(left(&mut line), [(1, 2), (3, 0)]);
}

#[test]
fn attempts_that_pile_up_while_it_is_away_take_no_room() {
    let (mut outbox, mut line) = outbox(64);
    outbox.disconnected();
    (1..=10_000).for_each(|attempt| outbox.command(command(1, attempt, 10)));
    outbox.connected(true);
    outbox.pump(&Horizon::ALL);
    assert_eq!(left(&mut line), [(1, 10_000)]);
}

#[test]
fn what_exceeds_the_bytes_is_read_back_many_at_once_in_order() {
    let (mut outbox, mut line) = outbox(1000);
    outbox.command(command(1, 1, 1 << 20));
    (2..=100).for_each(|saga| outbox.command(command(saga, 1, 10)));
    let reads = outbox.pump(&Horizon::ALL);
    assert_eq!(left(&mut line), [(1, 1)]);
    assert_eq!(keys(&reads), (2..=65).collect::<Vec<_>>());
    assert_eq!(outbox.pump(&Horizon::ALL), [], "they are being read");
    for read in reads {
        outbox.read(read.key, (read.key != key(3)).then(bytes));
    }
    let next = outbox.pump(&Horizon::ALL);
    let sent: Vec<_> = left(&mut line).into_iter().map(|(saga, _)| saga).collect();
    assert_eq!(sent, [2].into_iter().chain(4..=65).collect::<Vec<_>>(), "3 has no bytes");
    assert_eq!(keys(&next), (66..=100).collect::<Vec<_>>());
}

#[test]
fn another_life_gets_everything_anew() {
    let (mut outbox, mut line) = outbox(1);
    (1..=2).for_each(|saga| outbox.command(command(saga, 1, 10)));
    outbox.pump(&Horizon::ALL);
    assert_eq!(left(&mut line), [(1, 1)]);
    outbox.disconnected();
    outbox.connected(false);
    assert_eq!((outbox.pump(&Horizon::ALL), outbox.waiting()), (Vec::new(), 0));
    outbox.command(command(1, 1, 10));
    outbox.pump(&Horizon::ALL);
    assert_eq!(left(&mut line), [(1, 1)]);
}
