//! A bus to test on, and the saga that most tests are about: three steps, each with its compensation.

use saga_runtime::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
#[bus(Travel)]
pub(super) enum Command {
    #[to(Bank)]
    #[replies(Charged)]
    #[refuses(NoFunds, Closed)]
    Charge { cents: u64 },
    #[to(Bank)]
    Refund { receipt: u64 },
    #[to(Hotel)]
    #[replies(Booked)]
    #[refuses(Full, Closed)]
    Book { night: u32 },
    #[to(Hotel)]
    Unbook { room: String },
    #[to(Airline)]
    #[refuses(Full, Closed)]
    Fly,
    #[to(Airline)]
    Ground,
    /// May be answered in more than one way.
    #[to(Hotel)]
    #[replies(Held, Waitlisted)]
    #[refuses(Full, Closed)]
    Hold { night: u32 },
    #[to(Hotel)]
    Release { room: String },
    #[to(Hotel)]
    #[replies(Rooms)]
    #[refuses(Closed)]
    #[query]
    RoomsOf { night: u32 },
    #[to(Hotel)]
    #[live_only]
    RingBell,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[bus(Travel)]
pub(super) enum Event {
    Charged {
        receipt: u64,
    },
    Booked {
        room: String,
    },
    Held {
        room: String,
    },
    Waitlisted {
        place: u32,
    },
    Rooms {
        free: Vec<u32>,
    },
    #[from(Desk)]
    Asked {
        cents: u64,
        night: u32,
        urgent: bool,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub(super) enum Refusal {
    #[error("{missing} cents are missing")]
    NoFunds { missing: u64 },
    #[error("full")]
    Full,
    #[error("closed")]
    Closed,
}

pub(super) struct Travel;
impl Bus for Travel {
    const NAME: &'static str = "travel";
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
}

saga! {
    pub(super) saga Trip(cents: u64, night: u32) -> (u64, String) on Travel {
        trigger Asked { cents, night, urgent } if urgent => { cents, night };
        concurrency allow;
        deadline 1m;

        step charge -> u64 {
            send Charge { cents };
            await Charged { receipt } => receipt;
            compensate Refund { receipt: charge };
        }

        step book -> String {
            send Book { night };
            await Booked { room } => room;
            within 10s;
            retry 1 times every 100ms;
            compensate Unbook { room: book };
        }

        step fly {
            send Fly;
            compensate Ground;
        }

        return (charge, book);
    }
}

pub(super) const CHARGE: Command = Command::Charge { cents: 500 };
pub(super) const REFUND: Command = Command::Refund { receipt: 7 };
pub(super) const BOOK: Command = Command::Book { night: 3 };

pub(super) fn trip() -> Trip {
    Trip { cents: 500, night: 3 }
}

pub(super) fn charged() -> Event {
    Event::Charged { receipt: 7 }
}

pub(super) fn booked() -> Event {
    Event::Booked { room: "12".to_owned() }
}

pub(super) fn held() -> Event {
    Event::Held { room: "12".to_owned() }
}

pub(super) fn unbook() -> Command {
    Command::Unbook { room: "12".to_owned() }
}

pub(super) fn completed() -> Outcome<(u64, String)> {
    Outcome::Completed((7, "12".to_owned()))
}
