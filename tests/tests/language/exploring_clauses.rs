//! `explore` over a saga of many clauses.

use saga_runtime::prelude::*;

use super::tour::*;
use super::tour::{Command, Event};

saga! {
    saga Whole(nights: Vec<u32>, guest: String) -> usize on Tour {
        concurrency allow;
        deadline 1m;
        step rooms -> u32 for night in nights, all at once {
            send Book { night };
            await Booked { room } => room;
            within 10s;
            retry 1 times every 100ms;
            compensate Unbook { room: rooms };
        }
        step guide when rooms.len() > 1 {
            send Hire { guest };
            compensate Dismiss { guest };
        }
        pivot step payment -> u64 {
            send Pay { cents: 5 };
            await {
                Paid { receipt } => receipt,
                Declined => fail "declined",
            }
        }
        finally step note {
            send Note { text: format!("{payment:?}") };
        }
        return rooms.len();
    }

    /// It rests for longer than its step before that might have taken.
    saga Rested(guest: String) on Tour {
        concurrency allow;
        deadline 60s;
        step guide {
            send Hire { guest };
            within 5s;
            compensate Dismiss { guest };
        }
        step rest { sleep 30s; }
    }

    /// It goes on without a guide, whom it may forget in any case.
    saga Forgetful(guest: String) on Tour {
        concurrency allow;
        deadline 1h;
        step guide {
            send Hire { guest };
            await timeout => ();
            within 5s;
            compensate Forget { guest };
        }
        step room -> u32 {
            send Book { night: 3 };
            await Booked { room } => room;
            within 5s;
            compensate Unbook { room };
        }
    }

    /// Three steps share what undoes them, beside others.
    saga Shared(night: u32, guest: String) on Tour {
        concurrency allow;
        deadline 1m;
        step room -> u32 {
            send Book { night };
            await Booked { room } => room;
            within 10s;
            compensate Unbook { room: night };
        }
        step guide {
            send Hire { guest };
            compensate Dismiss { guest };
        }
        parallel {
            step second -> u32 {
                send Book { night: night + 1 };
                await Booked { room } => room;
                within 10s;
                compensate with room;
            }
            step seat -> u32 {
                send Fly { leg: 1 };
                await Seated { seat } => seat;
                compensate Leave { seat };
            }
        }
        step note {
            send Note { text: guest };
            compensate none because "nobody minds";
        }
    }
}

fn toured(command: &Command) -> Vec<Event> {
    match command {
        Command::Book { night } => vec![booked(night * 10)],
        Command::Pay { .. } => vec![paid(7), Event::Declined],
        Command::Fly { leg } => vec![seated(leg + 3)],
        _ => vec![],
    }
}

/// Rule: testing.explore
#[test]
fn all_clauses_can_be_explored() {
    let explored = explore::<Whole>(Whole { nights: vec![1, 2], guest: "ann".to_owned() }, toured);
    let shown = format!("{explored:?}");
    for state in ["Rooms", "Guide", "Payment", "CompensateRooms", "CompensateGuide"] {
        assert!(shown.contains(state), "{state} was not reached: {shown}");
    }
}

/// Rule: testing.explore
/// Rule: undoing.compensate.with
#[test]
fn what_several_steps_share_is_explored() {
    let explored = explore::<Shared>(Shared { night: 1, guest: "ann".to_owned() }, toured);
    assert!(explored.places().contains_key("CompensateRoom"), "{:?}", explored.places());
}

/// Rule: testing.explore
#[test]
fn a_timer_that_is_not_wanted_any_more_does_not_stop_time() {
    let explored = explore::<Rested>(Rested { guest: "ann".to_owned() }, toured);
    assert!(explored.outcomes().contains_key("Completed"), "{:?}", explored.outcomes());
}

/// Rule: testing.explore
/// Rule: undoing.doubt.harmless
#[test]
fn what_nobody_knows_and_is_undone_stays_so_when_an_operator_acts_on_something_else() {
    let explored = explore::<Forgetful>(Forgetful { guest: "ann".to_owned() }, toured);
    assert!(explored.count(Fault::Unknown) > 0 && explored.count(Fault::Operated) > 0);
}
