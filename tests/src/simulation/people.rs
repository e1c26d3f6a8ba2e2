//! Callers, publishers and operators: what they want, and when.

use saga_runtime::machine::Operator;

use super::reached::Met;
use super::sagas::Event;
use super::stage::{Happening, Stage};

/// Until when somebody wants something, in microseconds.
const BUSY: u64 = 15_000_000;

/// A kind of saga that is started by a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Buy,
    Look,
    Insist,
    Assemble,
    Seal,
    Approve,
    Family,
    Errand,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Buy => "buy",
            Self::Look => "look",
            Self::Insist => "insist",
            Self::Assemble => "assemble",
            Self::Seal => "seal",
            Self::Approve => "approve",
            Self::Family => "family",
            Self::Errand => "errand",
        }
    }
}

/// A start. No two have the same order, but for those with the same key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) kind: Kind,
    pub(super) order: u64,
    pub(super) key: Option<String>,
}

/// What somebody wants.
#[derive(Debug, Clone)]
pub(super) enum Wish {
    Start(Start),
    Publish(Event),
    PublishAtDesk(Event),
    Cancel { chosen: usize },
    Operate { chosen: usize, action: Operator },
}

/// Queues all that people will want.
pub(super) fn invite(stage: &mut Stage) {
    for order in 1..=stage.random.u64(3..=8) {
        match stage.random.u32(0..20) {
            0..5 => start(stage, Kind::Buy, order),
            5 => start(stage, Kind::Look, order),
            6..8 => start(stage, Kind::Insist, order),
            8 => wish(stage, Wish::Publish(Event::Ordered { order })),
            9..11 => publish_at_desk(stage, order),
            11..13 => start(stage, Kind::Assemble, order),
            13..15 => start(stage, Kind::Seal, order),
            15..17 => start_and_approve(stage, order),
            17..19 => start(stage, Kind::Family, order),
            _ => start(stage, Kind::Errand, order),
        }
    }
    for _ in 0..stage.random.u32(0..=2) {
        let chosen = stage.random.usize(0..8);
        wish(stage, Wish::Cancel { chosen });
    }
    for _ in 0..stage.random.u32(0..=4) {
        let chosen = stage.random.usize(0..8);
        let action = [Operator::Retry, Operator::Skip, Operator::End][stage.random.usize(0..3)];
        stage.within(BUSY / 3..=BUSY * 2, Happening::Wish(Wish::Operate { chosen, action }));
    }
}

fn wish(stage: &mut Stage, wish: Wish) {
    stage.within(0..=BUSY, Happening::Wish(wish));
}

/// Some are started with a key, and some of those more than once.
fn start(stage: &mut Stage, kind: Kind, order: u64) {
    let key = stage.random.bool().then(|| format!("order-{order}"));
    let times = if key.is_some() { stage.random.u32(1..=3) } else { 1 };
    for _ in 0..times {
        wish(stage, Wish::Start(Start { kind, order, key: key.clone() }));
    }
}

/// Some orders are approved, at the desk or by a caller, soon or late or never.
fn start_and_approve(stage: &mut Stage, order: u64) {
    let start = Start { kind: Kind::Approve, order, key: None };
    let begins = stage.random.u64(0..=BUSY);
    stage.after(begins, Happening::Wish(Wish::Start(start)));
    for _ in 0..stage.random.u32(0..=2) {
        let event = Event::Approved { order };
        let approve = if stage.random.bool() { Wish::Publish(event) } else { Wish::PublishAtDesk(event) };
        let micros = begins + stage.random.u64(0..=3_000_000);
        stage.after(micros, Happening::Wish(approve));
    }
}

/// Some say the same thing twice: two events.
fn publish_at_desk(stage: &mut Stage, order: u64) {
    wish(stage, Wish::PublishAtDesk(Event::Ordered { order }));
    if stage.random.u32(0..3) == 0 {
        stage.meet(Met::PublishedTwice);
        wish(stage, Wish::PublishAtDesk(Event::Ordered { order }));
    }
}
