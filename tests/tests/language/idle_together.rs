//! `for` and `parallel` with steps that sleep or only await.

use std::time::Duration;

use saga_runtime::prelude::*;

use super::tour::*;
use super::tour::{Command, Event};
use crate::twin::Twin;

saga! {
    saga Naps(naps: Vec<u64>) on Tour {
        concurrency allow;
        deadline 1h;
        step nap for seconds in naps {
            sleep { Duration::from_secs(seconds) };
        }
    }

    saga Meets(guests: Vec<String>) -> Vec<u32> on Tour {
        concurrency allow;
        deadline 1h;
        step gates -> u32 for guest in guests, all at once {
            await Arrived { guest: who, gate } where who == guest => gate;
        }
        return gates;
    }

    /// What a failure of `guide` drops, since nothing comes of it.
    saga Idle(guest: String) on Tour {
        concurrency allow;
        deadline 1m;
        parallel {
            step look -> Vec<u32> {
                query RoomsOf { night: 1 };
                await Rooms { free } => free;
            }
            step rest {
                sleep 10s;
            }
            step meet -> u32 {
                await Arrived { guest: who, gate } where who == guest => gate;
            }
            step ring {
                send Note { text: guest };
                compensate none because "nobody minds";
            }
            step guide {
                send Hire { guest };
                compensate none because "it is paid by the hour";
            }
        }
    }
}

/// Rule: steps.for.empty
#[test]
fn no_items_to_wait_for_are_no_exchange() {
    let saga = Twin::start(Naps { naps: vec![] });
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(())));
    let saga = Twin::start(Meets { guests: vec![] });
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(vec![])));
}

/// Rule: steps.sleep
#[test]
fn items_may_sleep() {
    let mut saga = Twin::start(Naps { naps: vec![5, 10] });
    saga.advance(Duration::from_millis(14_999));
    assert_eq!(saga.outcome(), None);
    saga.advance(Duration::from_millis(1));
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(())));
}

/// Rule: steps.await.where
#[test]
fn each_item_awaits_its_own_event() {
    let mut saga = Twin::start(Meets { guests: vec!["ann".to_owned(), "ben".to_owned()] });
    saga.event(arrived("ben", 2));
    saga.event(arrived("ben", 3));
    saga.event(arrived("cid", 4));
    assert_eq!(saga.outcome(), None);
    saga.event(arrived("ann", 1));
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(vec![1, 2])));
}

/// Rule: steps.parallel.waits-dropped
#[test]
fn waits_sleeps_and_queries_are_dropped_when_a_sibling_fails() {
    let mut saga = Twin::start(Idle { guest: "ann".to_owned() });
    assert_eq!(saga.sent(), [Command::RoomsOf { night: 1 }, note("ann"), hire("ann")]);
    saga.refuse_to(&hire("ann"), Refusal::Full);
    assert_eq!((saga.sent(), saga.asked()), (vec![], vec![]), "a note that nothing undoes need not be settled");
    assert_eq!(saga.cause().step(), "guide");
}

/// Rule: steps.parallel.ends-with-all
#[test]
fn steps_of_every_kind_stand_side_by_side() {
    let mut saga = Twin::start(Idle { guest: "ann".to_owned() });
    saga.handled_to(&hire("ann"));
    saga.event(arrived("ann", 7));
    saga.handled_to(&note("ann"));
    saga.advance(Duration::from_secs(10));
    assert_eq!(saga.outcome(), None);
    saga.reply(Event::Rooms { free: vec![] });
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(())));
}
