//! Steps that end with a value while their command is unanswered: the saga goes on, and the command is settled beside it.

use std::time::Duration;

use saga_runtime::prelude::*;

use super::tour::*;
use super::tour::{Command, Event};
use crate::twin::Twin;

saga! {
    saga Quick(night: u32) -> (Option<u32>, u32) on Tour {
        concurrency allow;
        deadline 1h;
        step guide {
            send Hire { guest: "ann".to_owned() };
            compensate Dismiss { guest: "ann".to_owned() };
        }
        step room -> Option<u32> {
            send Book { night };
            await {
                Booked { room } => Some(room),
                timeout => None,
            }
            within 5s;
            compensate Unbook { room: room.unwrap_or(99) };
        }
        step seat -> u32 {
            send Fly { leg: night };
            await Seated { seat } => seat;
            compensate Leave { seat };
        }
        return (room, seat);
    }

    /// One of its events says that nothing was done.
    saga Picky(room: u32) -> String on Tour {
        concurrency allow;
        deadline 1m;
        step freed -> String {
            send Free { room };
            await {
                Freed { room } => format!("freed {room}"),
                Kept { .. } => fail "kept",
                timeout => "unknown".to_owned(),
            }
            within 5s;
            compensate Note { text: freed };
        }
        step seat -> u32 {
            send Fly { leg: room };
            await Seated { seat } => seat;
            compensate Leave { seat };
        }
        return freed;
    }

    /// Whatever comes first: the answer, or an event of somebody else.
    saga Race(guest: String) -> bool on Tour {
        concurrency allow;
        deadline 1m;
        step guide -> bool {
            send Hire { guest };
            await {
                Arrived { guest: who, .. } where who == guest => false,
                handled => true,
            }
            compensate Dismiss { guest: format!("{guest} {guide}") };
        }
        step note {
            send Note { text: guide.to_string() };
            compensate none because "nobody minds";
        }
        return guide;
    }

    saga Several(nights: Vec<u32>) -> Vec<Option<u32>> on Tour {
        concurrency allow;
        deadline 1m;
        step rooms -> Option<u32> for night in nights, all at once {
            send Book { night };
            await {
                Booked { room } => Some(room),
                timeout => None,
            }
            within 5s;
            compensate Unbook { room: rooms.unwrap_or(99) };
        }
        return rooms;
    }
}

/// A saga that has gone on without its room, and whose flight is out.
fn quick() -> Twin<Quick> {
    let mut saga = Twin::start(Quick { night: 3 });
    saga.handled();
    saga.advance(Duration::from_secs(5));
    assert_eq!((saga.sent(), saga.asked()), (vec![fly(3)], vec![book(3)]), "what is abandoned is not among the sent");
    assert!(!saga.is_compensating() && !saga.is_stuck());
    saga
}

fn without_a_room() -> Outcome<(Option<u32>, u32)> {
    Outcome::Completed((None, 4))
}

/// Rule: undoing.abandoned.settled
#[test]
fn what_was_never_done_is_forgotten() {
    let mut saga = quick();
    saga.settle(Fate::Never);
    assert_eq!((saga.sent(), saga.asked()), (vec![fly(3)], vec![]));
    saga.reply(seated(4));
    assert_eq!(saga.outcome(), Some(&without_a_room()));
}

/// Rule: undoing.abandoned.ends-after
#[test]
fn the_saga_ends_only_when_it_is_settled() {
    let mut saga = quick();
    saga.reply(seated(4));
    assert_eq!((saga.outcome(), saga.asked()), (None, vec![book(3)]));
    assert!(!saga.is_compensating());
    saga.settle(Fate::Never);
    assert_eq!(saga.outcome(), Some(&without_a_room()));
}

/// Rule: undoing.abandoned.compensated
/// Rule: undoing.abandoned.sees-late-output
/// Rule: undoing.abandoned.not-compensating
#[test]
fn what_took_effect_is_undone_beside_the_way_forward() {
    let mut saga = quick();
    saga.settle(Fate::Done(vec![booked(12)]));
    assert_eq!((saga.sent(), saga.modes()), (vec![fly(3), unbook(12)], vec![Mode::Forward, Mode::Compensation]));
    assert!(!saga.is_compensating());
    saga.handled_to(&unbook(12));
    assert_eq!(saga.sent(), [fly(3)]);
    saga.reply(seated(4));
    assert_eq!(saga.outcome(), Some(&without_a_room()), "the saga keeps the value with which the step ended");
}

/// Rule: undoing.abandoned.ends-after
#[test]
fn the_saga_ends_only_when_it_is_undone() {
    let mut saga = quick();
    saga.settle(Fate::Done(vec![booked(12)]));
    saga.reply_to(&fly(3), seated(4));
    assert_eq!((saga.outcome(), saga.sent()), (None, vec![unbook(12)]));
    assert!(!saga.is_compensating());
    saga.handled();
    assert_eq!(saga.outcome(), Some(&without_a_room()));
}

/// Rule: undoing.abandoned.settled
/// Rule: undoing.doubt.handled-late-settles
#[test]
fn a_late_answer_settles_it() {
    let mut saga = quick();
    saga.reply_to(&book(3), booked(12));
    assert_eq!((saga.sent(), saga.asked()), (vec![fly(3), unbook(12)], vec![]));
    saga.handled_to(&unbook(12));
    saga.reply(seated(4));
    assert_eq!(saga.outcome(), Some(&without_a_room()));

    let mut saga = quick();
    saga.refuse_to(&book(3), Refusal::Full);
    assert_eq!((saga.sent(), saga.asked()), (vec![fly(3)], vec![]));
    saga.reply(seated(4));
    assert_eq!(saga.outcome(), Some(&without_a_room()));
}

/// Rule: undoing.abandoned.settled
/// Rule: undoing.doubt.running
#[test]
fn one_that_is_running_is_asked_again() {
    let mut saga = quick();
    saga.settle(Fate::Running);
    assert_eq!(saga.asked(), []);
    saga.reply(seated(4));
    saga.advance(Duration::from_secs(1));
    assert_eq!((saga.asked(), saga.outcome()), (vec![book(3)], None));
    saga.settle(Fate::Done(vec![booked(12)]));
    saga.handled_to(&unbook(12));
    assert_eq!(saga.outcome(), Some(&without_a_room()));
}

/// Rule: undoing.abandoned.sees-late-output
#[test]
fn late_events_whose_arm_says_fail_took_no_effect() {
    let mut saga = Twin::start(Picky { room: 1 });
    saga.advance(Duration::from_secs(5));
    saga.reply_to(&Command::Free { room: 1 }, Event::Kept { room: 1 });
    assert_eq!((saga.sent(), saga.asked()), (vec![fly(1)], vec![]));
    saga.reply(seated(4));
    assert_eq!(saga.outcome(), Some(&Outcome::Completed("unknown".to_owned())));
}

/// Rule: undoing.abandoned.sees-late-output
#[test]
fn its_compensation_sees_the_output_of_the_late_events() {
    let mut saga = Twin::start(Picky { room: 1 });
    saga.advance(Duration::from_secs(5));
    saga.settle(Fate::Done(vec![Event::Freed { room: 8 }]));
    assert_eq!(saga.sent(), [fly(1), note("freed 8")]);
    saga.handled_to(&note("freed 8"));
    saga.reply(seated(4));
    assert_eq!(saga.outcome(), Some(&Outcome::Completed("unknown".to_owned())));
}

/// Rule: undoing.doubt.before-the-first-compensation
/// Rule: undoing.abandoned.compensated
#[test]
fn when_the_saga_fails_meanwhile_it_is_settled_before_anything_is_undone() {
    let mut saga = quick();
    saga.refuse(Refusal::Full);
    assert_eq!((saga.sent(), saga.asked()), (vec![], vec![book(3)]));
    assert!(saga.is_compensating());
    saga.settle(Fate::Done(vec![booked(12)]));
    assert_undone(&mut saga, &[unbook(12), dismiss("ann")]);
    assert_eq!(saga.cause().step(), "seat");
}

/// Rule: undoing.abandoned.compensated
#[test]
fn when_the_saga_fails_while_it_is_being_undone_it_is_undone_once() {
    let mut saga = quick();
    saga.settle(Fate::Done(vec![booked(12)]));
    saga.refuse_to(&fly(3), Refusal::Full);
    assert!(saga.is_compensating());
    assert_undone(&mut saga, &[unbook(12), dismiss("ann")]);
}

/// Rule: undoing.abandoned.compensated
#[test]
fn what_was_undone_before_the_saga_failed_is_not_undone_again() {
    let mut saga = quick();
    saga.settle(Fate::Done(vec![booked(12)]));
    saga.handled_to(&unbook(12));
    saga.refuse(Refusal::Full);
    assert_undone(&mut saga, &[dismiss("ann")]);

    let mut saga = quick();
    saga.settle(Fate::Never);
    saga.refuse(Refusal::Full);
    assert_undone(&mut saga, &[dismiss("ann")]);
}

/// Rule: undoing.doubt.cancelled
#[test]
fn a_cancel_leaves_both_in_doubt() {
    let mut saga = quick();
    saga.cancel();
    assert_eq!((saga.sent(), saga.asked()), (vec![], vec![book(3), fly(3)]));
    saga.settle(Fate::Done(vec![booked(12)]));
    saga.settle(Fate::Done(vec![seated(4)]));
    assert_undone(&mut saga, &[leave(4), unbook(12), dismiss("ann")]);
}

/// Rule: undoing.doubt.unknown
/// Rule: undoing.operator.skip
#[test]
fn an_unknown_fate_is_stuck_and_does_not_hold_up_the_way_forward() {
    let mut saga = quick();
    saga.settle(Fate::Unknown);
    assert!(saga.is_stuck());
    saga.reply_to(&fly(3), seated(4));
    assert_eq!(saga.outcome(), None);
    assert!(saga.operator(Operator::Retry));
    assert_eq!(saga.asked(), [book(3)]);
    saga.settle(Fate::Unknown);
    assert!(saga.operator(Operator::Skip));
    assert_eq!(saga.outcome(), Some(&without_a_room()));
}

/// Rule: undoing.compensate.stuck
/// Rule: undoing.operator.skip
#[test]
fn a_compensation_beside_the_way_forward_that_is_spent_is_stuck() {
    let mut saga = quick();
    saga.settle(Fate::Done(vec![booked(12)]));
    saga.reply_to(&fly(3), seated(4));
    for _ in 0..10 {
        saga.refuse(Refusal::Closed);
        saga.advance(Duration::from_secs(2));
        saga.advance(Duration::from_secs(28));
    }
    assert!(!saga.is_stuck());
    saga.refuse(Refusal::Closed);
    assert!(saga.is_stuck() && !saga.is_compensating());
    assert!(saga.operator(Operator::Skip));
    assert_eq!(saga.outcome(), Some(&without_a_room()));
}

/// Rule: undoing.abandoned.settled
#[test]
fn a_step_that_ended_with_an_event_of_somebody_else_abandons_its_command() {
    let mut saga = Twin::start(Race { guest: "ann".to_owned() });
    saga.event(arrived("ann", 1));
    assert_eq!((saga.sent(), saga.asked()), (vec![note("false")], vec![hire("ann")]));
    saga.handled();
    assert_eq!(saga.outcome(), None);
    saga.settle(Fate::Done(vec![]));
    assert_eq!(saga.sent(), [dismiss("ann true")], "its compensation sees what the arms give for the answer");
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(false)));

    let mut saga = Twin::start(Race { guest: "ann".to_owned() });
    saga.handled();
    assert_eq!((saga.sent(), saga.asked()), (vec![note("true")], vec![]));
}

/// Rule: undoing.abandoned.settled
/// Rule: steps.for.at-once
#[test]
fn items_are_abandoned_each() {
    let mut saga = Twin::start(Several { nights: vec![1, 2, 3] });
    saga.reply_to(&book(2), booked(20));
    saga.advance(Duration::from_secs(5));
    assert_eq!((saga.sent(), saga.asked()), (vec![], vec![book(1), book(3)]));
    saga.settle(Fate::Never);
    saga.settle(Fate::Done(vec![booked(30)]));
    assert_eq!(saga.sent(), [unbook(30)]);
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(vec![None, Some(20), None])));
}

/// Rule: undoing.abandoned.settled
#[test]
fn what_is_abandoned_is_told() {
    let saga = quick();
    let told = saga.notices();
    let abandoned = told.iter().filter(|notice| matches!(notice, Notice::StepAbandoned { step, .. } if step == "room"));
    let ended = |notice: &&Notice| matches!(notice, Notice::StepEnded { step, .. } if step == "room");
    assert_eq!((abandoned.count(), told.iter().find(ended)), (1, None));
}
