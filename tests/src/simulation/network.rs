//! Connections between the coordinator and participants: frames in order, delayed, sometimes lost, doubled or out of
//! order, and cut. It knows what frames look like and not what they mean.

use std::collections::BTreeMap;

use saga_runtime::bus::{Delivery, Horizon, Report};

use saga_runtime::message::ExchangeKey;

use super::reached::Met;
use super::sagas::Shop;
use super::stage::{End, Happening, Stage};

/// One connection of one participant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Wire {
    pub(super) name: &'static str,
    number: u64,
}

/// What passes over a wire: the frames of the pipe, without their bytes.
#[derive(Debug, Clone)]
pub(super) enum Frame {
    Hello(Hello),
    Welcome {
        session: String,
        resumed: bool,
        received: u64,
    },
    /// Without a delivery: it was withdrawn, and only its number counts.
    Delivery {
        number: u64,
        key: ExchangeKey,
        delivery: Option<(Delivery<Shop>, Horizon)>,
    },
    Report {
        number: u64,
        report: Report<Shop>,
    },
    Ack(u64),
}

/// The first frame of whoever connects.
#[derive(Debug, Clone)]
pub(super) struct Hello {
    pub(super) session: String,
    pub(super) acknowledged: u64,
    pub(super) sent: u64,
    pub(super) received: Option<(String, u64)>,
}

/// All wires that are not cut.
#[derive(Debug, Default)]
pub(super) struct Wires {
    opened: u64,
    /// For each, when the last frame in each direction arrives.
    open: BTreeMap<Wire, [u64; 2]>,
}

impl Stage {
    /// A new wire for this participant.
    pub(super) fn open_wire(&mut self, name: &'static str) -> Wire {
        self.wires.opened += 1;
        let wire = Wire { name, number: self.wires.opened };
        self.wires.open.insert(wire, [0, 0]);
        wire
    }

    /// Puts a frame on a wire. On one that is cut it is lost.
    pub(super) fn send(&mut self, to: End, wire: Wire, frame: Frame) {
        let Some(arrived) = self.wires.open.get(&wire).map(|times| times[to as usize]) else { return };
        let is_numbered = matches!(frame, Frame::Delivery { .. } | Frame::Report { .. });
        let rate = if is_numbered { self.rates.frames } else { 0 };
        if self.chance(rate) {
            return self.meet(Met::FrameLost);
        }
        let delay = if self.chance(rate * 2) { self.random.u64(0..=800_000) } else { self.random.u64(50..=3_000) };
        let overtakes = arrived > self.elapsed() + delay && self.chance(rate * 10);
        if overtakes {
            self.meet(Met::FrameReordered);
        }
        let arrives = if overtakes { self.elapsed() + delay } else { arrived.max(self.elapsed() + delay) };
        if let Some(times) = self.wires.open.get_mut(&wire) {
            times[to as usize] = arrived.max(arrives);
        }
        let delay = arrives - self.elapsed();
        if self.chance(rate) {
            self.meet(Met::FrameDoubled);
            self.after(delay, Happening::Arrives { to, wire, frame: frame.clone() });
        }
        self.after(delay, Happening::Arrives { to, wire, frame });
    }

    /// Cuts a wire: what is on its way may still arrive, until each end notices.
    pub(super) fn cut(&mut self, wire: Wire) {
        if self.wires.open.remove(&wire).is_some() {
            for to in [End::Coordinator, End::Participant] {
                self.within(0..=5_000, Happening::Closed { to, wire });
            }
        }
    }

    /// Cuts all wires of this participant.
    pub(super) fn cut_all(&mut self, name: &'static str) -> bool {
        let wires: Vec<_> = self.wires.open.keys().filter(|wire| wire.name == name).copied().collect();
        wires.iter().for_each(|wire| self.cut(*wire));
        !wires.is_empty()
    }
}
