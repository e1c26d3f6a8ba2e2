//! A second bus to test on, for sagas with many parts: each command says in its fields which exchange it is.

use saga_runtime::prelude::*;
use serde::{Deserialize, Serialize};

use crate::twin::Twin;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
#[bus(Tour)]
pub(super) enum Command {
    #[to(Hotel)]
    #[replies(Booked)]
    #[refuses(Full, Closed)]
    Book { night: u32 },
    #[to(Hotel)]
    Unbook { room: u32 },
    /// May be answered in more than one way.
    #[to(Hotel)]
    #[replies(Freed, Kept)]
    #[refuses(Full, Closed)]
    Free { room: u32 },
    #[to(Hotel)]
    #[replies(Rooms)]
    #[refuses(Closed)]
    #[query]
    RoomsOf { night: u32 },
    #[to(Airline)]
    #[replies(Seated)]
    #[refuses(Full, Closed)]
    Fly { leg: u32 },
    #[to(Airline)]
    Leave { seat: u32 },
    #[to(Bank)]
    #[replies(Paid, Declined)]
    #[refuses(Full, Closed)]
    Pay { cents: u64 },
    #[to(Bank)]
    Refund { receipt: u64 },
    /// Has no reply: it is handled, and that is all.
    #[to(Guide)]
    #[refuses(Full, Closed)]
    Hire { guest: String },
    #[to(Guide)]
    Dismiss { guest: String },
    /// Safe when nothing was done.
    #[to(Guide)]
    #[harmless]
    Forget { guest: String },
    #[to(Desk)]
    #[refuses(Full, Closed)]
    Note { text: String },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[bus(Tour)]
pub(super) enum Event {
    Booked {
        room: u32,
    },
    Freed {
        room: u32,
    },
    Kept {
        room: u32,
    },
    Rooms {
        free: Vec<u32>,
    },
    Seated {
        seat: u32,
    },
    Paid {
        receipt: u64,
    },
    Declined,
    #[from(Gate)]
    Arrived {
        guest: String,
        gate: u32,
    },
    #[from(Gate)]
    Left {
        guest: String,
        gate: u32,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub(super) enum Refusal {
    #[error("full")]
    Full,
    #[error("closed")]
    Closed,
}

pub(super) struct Tour;
impl Bus for Tour {
    const NAME: &'static str = "tour";
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
}

pub(super) fn book(night: u32) -> Command {
    Command::Book { night }
}

pub(super) fn unbook(room: u32) -> Command {
    Command::Unbook { room }
}

pub(super) fn fly(leg: u32) -> Command {
    Command::Fly { leg }
}

pub(super) fn leave(seat: u32) -> Command {
    Command::Leave { seat }
}

pub(super) fn pay(cents: u64) -> Command {
    Command::Pay { cents }
}

pub(super) fn hire(guest: &str) -> Command {
    Command::Hire { guest: guest.to_owned() }
}

pub(super) fn dismiss(guest: &str) -> Command {
    Command::Dismiss { guest: guest.to_owned() }
}

pub(super) fn forget(guest: &str) -> Command {
    Command::Forget { guest: guest.to_owned() }
}

pub(super) fn note(text: &str) -> Command {
    Command::Note { text: text.to_owned() }
}

pub(super) fn booked(room: u32) -> Event {
    Event::Booked { room }
}

pub(super) fn seated(seat: u32) -> Event {
    Event::Seated { seat }
}

pub(super) fn paid(receipt: u64) -> Event {
    Event::Paid { receipt }
}

pub(super) fn arrived(guest: &str, gate: u32) -> Event {
    Event::Arrived { guest: guest.to_owned(), gate }
}

pub(super) fn left(guest: &str, gate: u32) -> Event {
    Event::Left { guest: guest.to_owned(), gate }
}

/// Undone are exactly these, in this order, each ended before the next; then the saga has ended.
#[track_caller]
pub(super) fn assert_undone<S: Saga<Bus = Tour>>(saga: &mut Twin<S>, undoing: &[Command]) {
    for command in undoing {
        assert_eq!(saga.sent(), std::slice::from_ref(command));
        assert_eq!(saga.modes(), [Mode::Compensation]);
        assert_eq!(saga.outcome().map(|_| "ended"), None);
        saga.handled();
    }
    assert_eq!((saga.sent(), saga.asked()), (vec![], vec![]));
    assert!(matches!(saga.outcome(), Some(Outcome::Compensated(_))), "it is not undone: {:?}", saga.notices().last());
}
