//! Callers, publishers and operators: what they want, and when.

use saga_runtime::machine::Operator;

use super::reached::Met;
use super::stage::{Happening, Stage};

/// Until when somebody wants something, in microseconds.
const BUSY: u64 = 15_000_000;

/// A kind of saga that is started by a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Buy,
    Look,
    Insist,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Buy => "buy",
            Self::Look => "look",
            Self::Insist => "insist",
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
    Publish { order: u64 },
    PublishAtDesk { order: u64 },
    Cancel { chosen: usize },
    Operate { chosen: usize, action: Operator },
}

/// Queues all that people will want.
pub(super) fn invite(stage: &mut Stage) {
    for order in 1..=stage.random.u64(3..=8) {
        match stage.random.u32(0..10) {
            0..4 => start(stage, Kind::Buy, order),
            4 => start(stage, Kind::Look, order),
            5..7 => start(stage, Kind::Insist, order),
            7 => wish(stage, Wish::Publish { order }),
            _ => publish_at_desk(stage, order),
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

/// Some say the same thing twice: two events.
fn publish_at_desk(stage: &mut Stage, order: u64) {
    wish(stage, Wish::PublishAtDesk { order });
    if stage.random.u32(0..3) == 0 {
        stage.meet(Met::PublishedTwice);
        wish(stage, Wish::PublishAtDesk { order });
    }
}
