//! `where` on the way back: the command is sent in any case, and an event of anyone ends the wait for it.

use std::time::Duration;

use saga_runtime::machine::Input;
use saga_runtime::message::Answer;
use saga_runtime::prelude::*;

use super::stage::Stage;
use super::tour::*;
use super::tour::{Command, Event};
use crate::twin::Twin;

saga! {
    /// The guide has gone when somebody has seen it.
    saga Escort(guest: String) on Tour {
        concurrency allow;
        deadline 1h;
        step seat -> u32 {
            send Fly { leg: 1 };
            await Seated { seat } => seat;
            compensate none because "the seat is free";
        }
        step guide {
            send Hire { guest };
            compensate {
                send Dismiss { guest };
                await {
                    Left { guest: who, gate: 0 } where who == guest => fail "nobody leaves by gate 0",
                    Left { guest: who, .. } where who == guest => (),
                }
            }
        }
        step note {
            send Note { text: seat.to_string() };
            compensate none because "nobody minds";
        }
    }

    /// What is awaited is known when the room is.
    saga Lodge(night: u32) on Tour {
        concurrency allow;
        deadline 1h;
        step room -> u32 {
            send Book { night };
            await Booked { room } => room;
            compensate {
                send Unbook { room };
                await {
                    Left { gate, .. } where gate == room => (),
                    handled => (),
                }
            }
        }
        step note {
            send Note { text: room.to_string() };
            compensate none because "nobody minds";
        }
    }

    saga Group(guests: Vec<String>) on Tour {
        concurrency allow;
        deadline 1h;
        step rooms -> u32 for guest in guests, all at once {
            send Hire { guest: guest.clone() };
            await handled => u32::try_from(guest.len()).unwrap_or_default();
            compensate {
                send Dismiss { guest: guest.clone() };
                await Left { guest: who, gate } where who == guest && gate == rooms => ();
            }
        }
        step note {
            send Note { text: "all".to_owned() };
            compensate none because "nobody minds";
        }
    }

    /// It goes on without its guide.
    saga Hurry(guest: String) on Tour {
        concurrency allow;
        deadline 1h;
        step guide {
            send Hire { guest };
            await timeout => ();
            within 5s;
            compensate {
                send Dismiss { guest };
                await Left { guest: who, .. } where who == guest => ();
            }
        }
        step note {
            send Note { text: "gone".to_owned() };
            compensate none because "nobody minds";
        }
    }

    /// Its guide may be dismissed after it has completed.
    saga Inner(guest: String) on Tour {
        concurrency allow;
        deadline 1h;
        step guide {
            send Hire { guest };
            compensate {
                send Dismiss { guest };
                await Left { guest: who, .. } where who == guest => ();
            }
        }
        finally step bye { send Forget { guest }; }
    }

    saga Outer(guest: String) on Tour {
        concurrency allow;
        deadline 1h;
        step inner {
            run Inner { guest };
            compensate unwind;
        }
        step note {
            send Note { text: "in".to_owned() };
            compensate none because "nobody minds";
        }
    }

    saga Fare(guest: String) -> u32 on Tour {
        concurrency allow;
        deadline 1h;
        pivot step payment -> u64 {
            send Pay { cents: 5 };
            await {
                Paid { receipt } => receipt,
                Declined => fail "declined",
            }
        }
        step gate -> u32 {
            await Arrived { guest: who, gate } where who == guest => gate;
        }
        return gate;
    }
}

fn escort() -> Twin<Escort> {
    Twin::start(Escort { guest: "ann".to_owned() })
}

/// One whose guide was hired.
fn escorted() -> Twin<Escort> {
    let mut saga = escort();
    saga.reply(seated(4));
    saga.handled();
    saga
}

/// Rule: steps.await.where
/// Rule: undoing.compensate.block
#[test]
fn an_event_of_anyone_ends_a_compensation() {
    let mut saga = escorted();
    saga.refuse(Refusal::Full);
    assert_eq!((saga.sent(), saga.modes()), (vec![dismiss("ann")], vec![Mode::Compensation]));
    saga.handled();
    saga.event(left("ben", 1));
    assert_eq!((saga.sent(), saga.outcome()), (vec![], None), "it was handled, and is awaited still");
    saga.event(left("ann", 1));
    assert_eq!(saga.cause().step(), "note");
}

/// Rule: steps.await.where
#[test]
fn it_may_come_before_the_compensation_is_handled() {
    let mut saga = escorted();
    saga.refuse(Refusal::Full);
    saga.event(left("ann", 1));
    assert_eq!(saga.cause().step(), "note");
}

/// Rule: steps.await.armed-when-sent
#[test]
fn what_was_said_before_it_is_not_heard_so_its_command_is_sent() {
    let mut saga = escorted();
    saga.event(left("ann", 1));
    saga.event(left("ann", 0));
    assert_eq!((saga.sent(), saga.is_compensating()), (vec![note("4")], false));
    saga.refuse(Refusal::Full);
    assert_eq!((saga.sent(), saga.modes()), (vec![dismiss("ann")], vec![Mode::Compensation]));
    saga.event(left("ann", 1));
    assert_eq!(saga.cause().step(), "note");

    let mut saga = escort();
    saga.reply(seated(4));
    saga.event(left("ann", 1));
    saga.handled();
    saga.refuse(Refusal::Full);
    assert_eq!(saga.sent(), [dismiss("ann")], "so it is with what came while the step was on its way");
}

/// Rule: steps.await.armed-when-sent
/// Rule: undoing.doubt.cancelled
#[test]
fn what_was_said_in_doubt_is_not_heard_either() {
    let mut saga = escort();
    saga.reply(seated(4));
    saga.cancel();
    saga.event(left("ann", 1));
    saga.settle(Fate::Done(vec![]));
    assert_eq!(saga.sent(), [dismiss("ann")]);
}

/// Rule: undoing.compensate.stuck
#[test]
fn a_compensation_that_fails_by_an_event_is_stuck() {
    let mut saga = escorted();
    saga.refuse(Refusal::Full);
    saga.event(left("ann", 0));
    assert!(saga.is_stuck());
    assert!(saga.operator(Operator::Retry));
    assert_eq!(saga.sent(), [dismiss("ann")]);
    saga.event(left("ann", 1));
    assert_eq!(saga.cause().step(), "note");
}

/// Rule: undoing.compensate.limits
#[test]
fn a_compensation_that_nobody_ends_is_tried_again() {
    let mut saga = escorted();
    saga.refuse(Refusal::Full);
    saga.handled();
    saga.advance(Duration::from_secs(31));
    assert_eq!(saga.attempts("guide", Mode::Compensation), [1, 2]);
    saga.event(left("ann", 1));
    assert_eq!(saga.cause().step(), "note");
}

/// Rule: names.compensate
#[test]
fn a_compensation_awaits_what_its_own_step_gave() {
    let mut saga = Twin::start(Lodge { night: 3 });
    saga.event(left("ann", 12));
    saga.reply(booked(12));
    saga.refuse(Refusal::Full);
    assert_eq!(saga.sent(), [unbook(12)]);
    saga.event(left("ann", 11));
    assert_eq!(saga.sent(), [unbook(12)]);
    saga.event(left("ann", 12));
    assert_eq!(saga.cause().step(), "note");
}

/// Rule: undoing.compensate.own-value
/// Rule: steps.await.armed-when-sent
#[test]
fn each_item_awaits_its_own_value() {
    let guests = ["ann", "benny"].map(str::to_owned).to_vec();
    let mut saga = Twin::start(Group { guests });
    saga.handled();
    saga.handled();
    saga.event(left("ann", 3));
    saga.refuse(Refusal::Full);
    saga.event(left("ann", 3));
    saga.event(left("benny", 3));
    assert_eq!(saga.sent(), [dismiss("benny")], "it gave 5");
    saga.event(left("benny", 5));
    assert_eq!(saga.sent(), [dismiss("ann")], "nobody was awaited when she left");
    saga.event(left("ann", 3));
    assert_eq!((saga.sent(), saga.cause().step().to_owned()), (vec![], "note".to_owned()));
}

/// Rule: undoing.abandoned.compensated
/// Rule: steps.await.armed-when-sent
#[test]
fn what_was_abandoned_awaits_events_too() {
    let mut saga = Twin::start(Hurry { guest: "ann".to_owned() });
    saga.advance(Duration::from_secs(5));
    saga.event(left("ann", 1));
    saga.settle(Fate::Done(vec![]));
    assert_eq!(saga.sent(), [note("gone"), dismiss("ann")]);
    saga.handled_to(&dismiss("ann"));
    saga.handled();
    assert_eq!(saga.outcome(), None);
    saga.event(left("ann", 1));
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(())));
}

/// Rule: undoing.compensate.unwind
/// Rule: steps.await.armed-when-sent
#[test]
fn a_completed_child_hears_events_when_it_is_unwound() {
    for (before, restarts) in [(false, 0), (true, 0), (false, 1), (true, 1), (true, 2)] {
        let mut stage: Stage<Tour> = Stage::new::<Inner>().with::<Outer>();
        stage.connect();
        let outer = stage.start(Outer { guest: "ann".to_owned() });
        let inner = stage.machine.in_flight().last().expect("its child runs").saga;
        stage.answer(inner, 0, 1, Answer::Handled(vec![]));
        stage.finally_done(inner, 1);
        if restarts == 2 {
            stage.restart();
            stage.connect();
        }
        if before {
            stage.tell(Input::Publish { event: left("ann", 1), token: 0 });
        }
        if restarts > 0 {
            stage.restart();
            stage.connect();
        }
        stage.answer(outer, 1, 1, Answer::Refused(Refusal::Full));
        assert!(stage.ends().is_empty(), "the guide is dismissed in any case");
        stage.tell(Input::Publish { event: left("ann", 1), token: 0 });
        let ends: Vec<_> = stage.ends().into_iter().map(|(saga, _)| saga).collect();
        assert_eq!(ends, [inner, outer]);
    }
}

/// Rule: pivot.cancel-waits
/// Rule: steps.await.early
#[test]
fn what_comes_while_a_pivot_is_in_doubt_is_kept() {
    let mut saga = Twin::start(Fare { guest: "ann".to_owned() });
    saga.event(arrived("ann", 7));
    saga.cancel();
    saga.event(arrived("ann", 8));
    saga.settle(Fate::Done(vec![paid(1)]));
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(7)));

    let mut saga = Twin::start(Fare { guest: "ann".to_owned() });
    saga.cancel();
    saga.event(arrived("ann", 8));
    saga.settle(Fate::Done(vec![paid(1)]));
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(8)));
}

pub(super) fn said(command: &Command) -> Vec<Event> {
    match command {
        Command::Fly { leg } => vec![seated(leg + 3)],
        Command::Book { night } => vec![booked(night * 4)],
        Command::Pay { .. } => vec![paid(7), Event::Declined],
        _ => vec![],
    }
}

#[track_caller]
pub(super) fn assert_heard(explored: &Explored, heard: &[&str]) {
    for heard in heard.iter().copied() {
        assert!(explored.events().contains_key(heard), "none was {heard}: {:?}", explored.events());
    }
}

/// Rule: testing.explore
#[test]
fn what_others_say_is_explored() {
    let events = vec![left("ann", 1), left("ann", 0), left("ben", 1)];
    let explored = explore_among::<Escort>(Escort { guest: "ann".to_owned() }, said, events);
    assert_heard(&explored, &["taken", "in vain"]);
    assert!(explored.stuck().keys().any(|reason| reason.contains("nobody leaves by gate 0")));
    let explored =
        explore_among::<Fare>(Fare { guest: "ann".to_owned() }, said, vec![arrived("ann", 1), arrived("ben", 1)]);
    assert_heard(&explored, &["taken", "kept", "in vain"]);
}

/// Rule: testing.explore
#[test]
fn what_others_say_to_items_is_explored() {
    let guests = || ["ann", "benny"].map(str::to_owned).to_vec();
    let events = vec![left("ann", 3), left("benny", 5)];
    assert_heard(&explore_among::<Group>(Group { guests: guests() }, said, events), &["taken", "in vain"]);
    let events = vec![left("ann", 1)];
    assert_heard(&explore_among::<Hurry>(Hurry { guest: "ann".to_owned() }, said, events), &["taken", "in vain"]);
}

/// Rule: testing.explore
#[test]
fn alone_a_saga_is_left_where_it_awaits_others() {
    let explored = explore::<Fare>(Fare { guest: "ann".to_owned() }, said);
    assert!(explored.places().contains_key("Gate") && explored.events().is_empty());
}
