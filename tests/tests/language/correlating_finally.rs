//! `where` on the way out: a command is sent in any case; where there is none, an event from before is kept.

use saga_runtime::prelude::*;

use super::correlating_back::{assert_heard, said};
use super::tour::*;
use crate::twin::Twin;

saga! {
    /// It says goodbye to who has not left.
    saga Farewell(guest: String) -> u32 on Tour {
        concurrency allow;
        deadline 1h;
        step room -> u32 {
            send Book { night: 3 };
            await Booked { room } => room;
            compensate Unbook { room };
        }
        finally step bye {
            send Dismiss { guest };
            await {
                Left { guest: who, .. } where who == guest => (),
                handled => (),
            }
        }
        finally step lock {
            send Note { text: format!("{room:?}") };
            await Left { gate, .. } where gate == room.unwrap_or_default() => ();
        }
        finally step tell {
            send Note { text: "why".to_owned() };
            await Left { guest: why, .. } where why == cause.map_or_else(String::new, |cause| cause.step().to_owned()) => ();
        }
        return room;
    }

    /// It waits until all have left.
    saga Parting(guest: String) -> u32 on Tour {
        concurrency allow;
        deadline 1h;
        step room -> u32 {
            send Book { night: 3 };
            await Booked { room } => room;
            compensate Unbook { room };
        }
        finally step bye {
            await Left { guest: who, .. } where who == guest => ();
        }
        finally step lock {
            await Left { gate, .. } where gate == room.unwrap_or_default() => ();
        }
        finally step tell {
            await Left { guest: why, .. } where why == cause.map_or_else(String::new, |cause| cause.step().to_owned()) => ();
        }
        return room;
    }

    saga Farewells(guests: Vec<String>) on Tour {
        concurrency allow;
        deadline 1h;
        step note {
            send Note { text: "hello".to_owned() };
            compensate none because "nobody minds";
        }
        finally step byes for guest in guests, all at once {
            send Dismiss { guest: guest.clone() };
            await Left { guest: who, .. } where who == guest => ();
        }
    }
}

fn farewell() -> Twin<Farewell> {
    Twin::start(Farewell { guest: "ann".to_owned() })
}

fn parting() -> Twin<Parting> {
    Twin::start(Parting { guest: "ann".to_owned() })
}

/// Rule: finally.value-arm-ends
/// Rule: steps.await.where
#[test]
fn an_event_of_anyone_ends_a_step_on_the_way_out() {
    let mut saga = farewell();
    saga.reply(booked(12));
    assert_eq!((saga.sent(), saga.modes()), (vec![dismiss("ann")], vec![Mode::Finally]));
    saga.event(left("ben", 1));
    assert_eq!(saga.sent(), [dismiss("ann")]);
    saga.event(left("ann", 1));
    assert_eq!(saga.sent(), [note("Some(12)")]);
    saga.handled();
    saga.event(left("ann", 11));
    saga.event(left("ann", 12));
    assert_eq!(saga.sent(), [note("why")]);
    saga.event(left("", 3));
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(12)));
}

/// Rule: steps.await.armed-when-sent
#[test]
fn what_comes_before_the_way_out_keeps_no_command_from_being_sent() {
    let mut saga = farewell();
    saga.event(left("ann", 12));
    saga.reply(booked(12));
    assert_eq!(saga.sent(), [dismiss("ann")]);
    saga.event(left("ann", 12));
    assert_eq!(saga.sent(), [note("Some(12)")], "it had left when the room was to be locked");
}

/// Rule: steps.await.early
/// Rule: steps.await.armed-when-known
#[test]
fn what_comes_before_the_way_out_is_kept_for_what_only_waits() {
    let mut saga = parting();
    saga.event(left("ann", 12));
    saga.event(left("", 3));
    saga.reply(booked(12));
    assert_eq!(saga.outcome(), None, "the room was not known then");
    saga.event(left("ben", 12));
    assert_eq!(saga.outcome(), None, "nor was the cause");
    saga.event(left("", 3));
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(12)));
}

/// Rule: finally.sees
/// Rule: steps.await.armed-when-known
#[test]
fn on_the_way_out_what_is_not_there_is_known() {
    let mut saga = parting();
    saga.event(left("room", 0));
    saga.refuse(Refusal::Full);
    saga.event(left("room", 0));
    assert_eq!(saga.outcome(), None);
    saga.event(left("ann", 5));
    assert_eq!(
        saga.cause().step(),
        "room",
        "there is no room, and the one that left had gate 0; the cause is known too"
    );
}

/// Rule: finally.takes-for-and-when
/// Rule: undoing.compensate.own-value
#[test]
fn each_item_on_the_way_out_awaits_its_own_value() {
    let guests = ["ann", "ben"].map(str::to_owned).to_vec();
    let mut saga = Twin::start(Farewells { guests });
    saga.event(left("ann", 1));
    saga.handled();
    assert_eq!(saga.sent(), [dismiss("ann"), dismiss("ben")], "the items are known when their step begins");
    saga.event(left("ben", 1));
    assert_eq!(saga.sent(), [dismiss("ann")]);
    saga.event(left("ann", 1));
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(())));
}

/// Rule: testing.explore
#[test]
fn what_others_say_on_the_way_out_is_explored() {
    let events = vec![left("", 12), left("room", 0)];
    let farewell = Farewell { guest: "ann".to_owned() };
    assert_heard(&explore_among::<Farewell>(farewell, said, events.clone()), &["taken", "in vain"]);
    let parting = Parting { guest: "ann".to_owned() };
    let events = [events, vec![left("ann", 5)]].concat();
    assert_heard(&explore_among::<Parting>(parting, said, events), &["taken", "kept", "in vain"]);
    let farewells = Farewells { guests: vec!["ann".to_owned()] };
    let explored = explore_among::<Farewells>(farewells, said, vec![left("ann", 1)]);
    assert!(explored.events().contains_key("taken"), "{:?}", explored.events());
}
