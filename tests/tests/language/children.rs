//! `run`: a saga as a step of another. Its end is told by hand here; `families.rs` lets both run.

use std::time::Duration;

use saga_runtime::prelude::*;
use serde_json::{Value, json};

use super::tour::*;
use super::tour::{Command, Event};
use crate::twin::Twin;

saga! {
    pub(super) saga Night(night: u32, guest: String) -> u32 on Tour {
        concurrency queue per night;
        deadline 1m;
        step room -> u32 {
            send Book { night };
            await Booked { room } => room;
            compensate Unbook { room };
        }
        step guide {
            send Hire { guest };
            compensate Dismiss { guest };
        }
        return room;
    }

    /// Its child is unwound.
    saga Weekend(night: u32) -> u32 on Tour {
        concurrency allow;
        deadline 1m;
        step seat -> u32 {
            send Fly { leg: night };
            await Seated { seat } => seat;
            compensate Leave { seat };
        }
        step stay -> u32 {
            run Night { night, guest: format!("seat {seat}") };
            compensate unwind;
        }
        step note {
            send Note { text: stay.to_string() };
            compensate none because "nobody minds";
        }
        return stay;
    }

    /// Its child is undone by a command.
    saga Pension(night: u32) -> u32 on Tour {
        concurrency allow;
        deadline 1m;
        step stay -> u32 {
            run Night { night, guest: "ann".to_owned() };
            compensate Unbook { room: stay };
        }
        step note {
            send Note { text: stay.to_string() };
            compensate none because "nobody minds";
        }
        return stay;
    }

    /// It takes the failure of its child.
    saga Tolerant(night: u32) -> u32 on Tour {
        concurrency allow;
        deadline 1m;
        step stay -> u32 {
            run Night { night, guest: "ann".to_owned() };
            await {
                failed why if why.kind() == CauseKind::Refused => 0,
                failed why => fail format!("no bed: {why}"),
            }
            compensate unwind;
        }
        step note {
            send Note { text: stay.to_string() };
            compensate none because "nobody minds";
        }
        return stay;
    }

    saga Impatient(night: u32) -> u32 on Tour {
        concurrency allow;
        deadline 1h;
        step stay -> u32 {
            run Night { night, guest: "ann".to_owned() };
            within 10s;
            compensate unwind;
        }
        return stay;
    }

    /// Its children are like the last one, but for the night.
    saga Again(last: Night, nights: Vec<u32>) -> Vec<u32> on Tour {
        concurrency allow;
        deadline 1m;
        step stays -> u32 for night in nights.into_iter().filter(|night| *night != last.night) {
            run Night { night, ..last };
            compensate unwind;
        }
        return stays;
    }

    saga Weeks(nights: Vec<u32>) -> Vec<u32> on Tour {
        concurrency allow;
        deadline 1m;
        step stays -> u32 for night in nights, 2 at once {
            run Night { night, guest: "ann".to_owned() };
            compensate unwind;
        }
        step note {
            send Note { text: "stayed".to_owned() };
            compensate none because "nobody minds";
        }
        return stays;
    }

    saga Abreast(night: u32) -> Option<u32> on Tour {
        concurrency allow;
        deadline 1m;
        parallel {
            step stay -> u32 when night > 0 {
                run Night { night, guest: "ann".to_owned() };
                compensate unwind;
            }
            step seat -> u32 {
                send Fly { leg: night };
                await Seated { seat } => seat;
                compensate Leave { seat };
            }
        }
        return stay;
    }
}

fn night(night: u32, guest: &str) -> (String, Value) {
    ("night".to_owned(), json!({ "night": night, "guest": guest }))
}

/// How a night ends whose hotel is full.
pub(super) fn full() -> Outcome<u32> {
    let mut child = SagaTest::start(Night { night: 3, guest: "ann".to_owned() });
    child.refuse(Refusal::Full);
    child.outcome().cloned().expect("it is compensated")
}

/// How a night ends that is cancelled.
fn cancelled() -> Outcome<u32> {
    let mut child = SagaTest::start(Night { night: 3, guest: "ann".to_owned() });
    child.cancel();
    child.settle(Fate::Never);
    child.outcome().cloned().expect("it is compensated")
}

/// How a night ends that an operator ended.
fn ended() -> Outcome<u32> {
    let mut child = SagaTest::start(Night { night: 3, guest: "ann".to_owned() });
    child.cancel();
    child.settle(Fate::Unknown);
    child.operator(Operator::End);
    child.outcome().cloned().expect("it is ended")
}

/// A weekend whose child runs.
fn weekend() -> Twin<Weekend> {
    let mut saga = Twin::start(Weekend { night: 3 });
    assert_eq!(saga.children(), []);
    saga.reply(seated(4));
    assert_eq!((saga.sent(), saga.children()), (vec![], vec![night(3, "seat 4")]));
    saga
}

/// A weekend whose child has completed, and whose note was refused.
fn unwinding() -> Twin<Weekend> {
    let mut saga = weekend();
    saga.child::<Night>(Outcome::Completed(12));
    assert!(!saga.unwinding());
    saga.refuse(Refusal::Full);
    assert!(saga.unwinding() && saga.is_compensating());
    saga
}

/// Rule: steps.run.output
#[test]
fn the_output_of_the_child_is_that_of_the_step() {
    let mut saga = weekend();
    saga.child::<Night>(Outcome::Completed(12));
    assert_eq!((saga.sent(), saga.children()), (vec![note("12")], vec![]));
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(12)));
}

/// Rule: steps.run.failed-by-default
#[test]
fn a_child_that_fails_fails_its_step() {
    for outcome in [full(), ended()] {
        let mut saga = weekend();
        saga.child::<Night>(outcome);
        assert!(!saga.unwinding(), "it has undone itself");
        assert_undone(&mut saga, &[leave(4)]);
        assert_eq!((saga.cause().kind(), saga.cause().step().to_owned()), (CauseKind::Child, "stay".to_owned()));
    }
    let mut saga = weekend();
    saga.child::<Night>(full());
    saga.handled();
    assert!(saga.cause().message().contains("full"), "{}", saga.cause());
}

/// Rule: steps.run.failed-arm
#[test]
fn an_arm_takes_the_failure_of_a_child() {
    let mut saga = Twin::start(Tolerant { night: 3 });
    saga.child::<Night>(full());
    assert_eq!(saga.sent(), [note("0")]);
    saga.refuse(Refusal::Closed);
    assert!(!saga.unwinding(), "the child took no effect");
    assert_eq!(saga.why(), (CauseKind::Refused, "note".to_owned(), "closed".to_owned()));

    let mut saga = Twin::start(Tolerant { night: 3 });
    saga.child::<Night>(cancelled());
    let (kind, step, message) = saga.why();
    assert_eq!((kind, &*step), (CauseKind::Child, "stay"));
    assert!(message.starts_with("no bed: "), "{message}");
}

/// Rule: steps.run.failed-arm
#[test]
fn a_child_that_completes_beside_such_an_arm_gives_its_output() {
    let mut saga = Twin::start(Tolerant { night: 3 });
    saga.child::<Night>(Outcome::Completed(12));
    assert_eq!(saga.sent(), [note("12")]);
    saga.refuse(Refusal::Full);
    assert!(saga.unwinding());
}

/// Rule: undoing.compensate.unwind
#[test]
fn a_completed_child_is_unwound() {
    let mut saga = unwinding();
    assert_eq!((saga.sent(), saga.outcome()), (vec![], None));
    saga.child::<Night>(cancelled());
    assert!(!saga.unwinding());
    assert_undone(&mut saga, &[leave(4)]);
    assert_eq!(saga.why(), (CauseKind::Refused, "note".to_owned(), "full".to_owned()));
}

/// Rule: undoing.compensate.unwind
#[test]
fn unwinding_takes_as_long_as_the_child_takes() {
    let mut saga = unwinding();
    saga.advance(Duration::from_secs(29));
    assert!(saga.unwinding());
    saga.child::<Night>(cancelled());
    assert_eq!(saga.sent(), [leave(4)]);
}

/// Rule: undoing.compensate.took-effect
#[test]
fn a_child_may_be_undone_by_a_command() {
    let mut saga = Twin::start(Pension { night: 3 });
    saga.child::<Night>(Outcome::Completed(12));
    saga.refuse(Refusal::Full);
    assert!(!saga.unwinding());
    assert_eq!((saga.sent(), saga.modes()), (vec![unbook(12)], vec![Mode::Compensation]));
    saga.handled();
    assert_eq!(saga.cause().step(), "note");
}

/// Rule: undoing.doubt.child
#[test]
fn a_child_in_doubt_is_awaited_and_one_that_has_undone_itself_is_not_unwound() {
    let mut saga = weekend();
    saga.cancel();
    assert!(saga.is_compensating());
    assert_eq!((saga.sent(), saga.asked(), saga.outcome()), (vec![], vec![], None), "nothing is undone before");
    saga.child::<Night>(cancelled());
    assert!(!saga.unwinding());
    assert_undone(&mut saga, &[leave(4)]);
    assert_eq!(saga.cause().kind(), CauseKind::Cancelled);
}

/// Rule: undoing.doubt.child
#[test]
fn a_child_in_doubt_that_completes_all_the_same_is_unwound() {
    let mut saga = weekend();
    saga.cancel();
    saga.child::<Night>(Outcome::Completed(12));
    assert!(saga.unwinding());
    saga.child::<Night>(cancelled());
    assert_undone(&mut saga, &[leave(4)]);
}

/// Rule: undoing.doubt.child
/// Rule: undoing.doubt.timed-out
#[test]
fn a_child_that_takes_too_long_is_in_doubt() {
    let mut saga = Twin::start(Impatient { night: 3 });
    saga.advance(Duration::from_secs(10));
    assert!(saga.is_compensating());
    assert_eq!(saga.outcome(), None, "it is awaited");
    saga.child::<Night>(cancelled());
    assert_eq!((saga.cause().kind(), saga.cause().step().to_owned()), (CauseKind::TimedOut, "stay".to_owned()));

    let mut saga = Twin::start(Impatient { night: 3 });
    saga.advance(Duration::from_secs(10));
    saga.child::<Night>(Outcome::Completed(12));
    assert!(saga.unwinding());
    saga.child::<Night>(cancelled());
    assert_eq!(saga.cause().kind(), CauseKind::TimedOut);
}

/// Rule: start.deadline
#[test]
fn a_deadline_passes_while_a_child_runs() {
    let mut saga = weekend();
    saga.advance(Duration::from_secs(60));
    assert!(saga.is_compensating());
    saga.child::<Night>(cancelled());
    assert_undone(&mut saga, &[leave(4)]);
    assert_eq!(saga.cause().kind(), CauseKind::Deadline);
}

/// Rule: steps.for.at-once
/// Rule: steps.run.output
#[test]
fn there_may_be_a_child_for_each_item() {
    let mut saga = Twin::start(Weeks { nights: vec![1, 2, 3] });
    assert_eq!(saga.children(), [night(1, "ann"), night(2, "ann")]);
    saga.child::<Night>(Outcome::Completed(10));
    assert_eq!(saga.children(), [night(2, "ann"), night(3, "ann")]);
    saga.child::<Night>(Outcome::Completed(20));
    saga.child::<Night>(Outcome::Completed(30));
    assert_eq!(saga.sent(), [note("stayed")]);
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(vec![10, 20, 30])));
}

/// Rule: undoing.compensate.unwind
/// Rule: undoing.compensate.reverse-order
#[test]
fn children_are_unwound_one_after_another() {
    let mut saga = Twin::start(Weeks { nights: vec![1, 2] });
    saga.child::<Night>(Outcome::Completed(10));
    saga.child::<Night>(Outcome::Completed(20));
    saga.refuse(Refusal::Full);
    for _ in 0..2 {
        assert!(saga.unwinding() && saga.outcome().is_none());
        saga.child::<Night>(cancelled());
    }
    assert_eq!(saga.cause().step(), "note");
}

/// Rule: steps.for.fails
/// Rule: undoing.doubt.child
#[test]
fn a_child_that_fails_leaves_the_other_in_doubt() {
    let mut saga = Twin::start(Weeks { nights: vec![1, 2, 3] });
    saga.child::<Night>(full());
    assert!(saga.is_compensating() && saga.outcome().is_none());
    assert_eq!(saga.sent(), []);
    saga.child::<Night>(Outcome::Completed(20));
    assert!(saga.unwinding());
    saga.child::<Night>(cancelled());
    assert_eq!((saga.cause().kind(), saga.cause().step().to_owned()), (CauseKind::Child, "stays".to_owned()));
}

/// Rule: steps.parallel.together
/// Rule: steps.when.output
#[test]
fn a_child_runs_beside_a_command_and_may_not_run() {
    let mut saga = Twin::start(Abreast { night: 3 });
    assert_eq!((saga.sent(), saga.children()), (vec![fly(3)], vec![night(3, "ann")]));
    saga.reply(seated(4));
    saga.child::<Night>(Outcome::Completed(12));
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(Some(12))));

    let mut saga = Twin::start(Abreast { night: 0 });
    assert_eq!(saga.children(), []);
    saga.reply(seated(4));
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(None)));
}

/// Rule: steps.parallel.fails-at-once
/// Rule: undoing.doubt.child
#[test]
fn a_sibling_that_fails_leaves_a_child_in_doubt() {
    let mut saga = Twin::start(Abreast { night: 3 });
    saga.refuse(Refusal::Full);
    assert!(saga.is_compensating() && saga.outcome().is_none());
    saga.child::<Night>(Outcome::Completed(12));
    assert!(saga.unwinding());
    saga.child::<Night>(cancelled());
    assert_eq!(saga.cause().step(), "seat");
}

/// Rule: testing.answering-nothing
#[test]
#[should_panic(expected = "child")]
fn ending_a_child_that_does_not_run_is_said() {
    let mut saga = SagaTest::start(Weekend { night: 3 });
    saga.child::<Night>(Outcome::Completed(12));
}

/// Rule: steps.run.output
#[test]
fn a_command_of_the_parent_is_not_the_childs() {
    let mut saga = SagaTest::start(Weekend { night: 3 });
    saga.reply_to(&Command::Fly { leg: 3 }, Event::Seated { seat: 4 });
    assert_eq!(saga.sent(), [], "what the child sends is in its own tests");
    assert_eq!(saga.children().len(), 1);
}

/// Rule: steps.run.output
#[test]
fn a_child_may_take_what_it_is_not_given_from_another_input() {
    let last = Night { night: 2, guest: "ann".to_owned() };
    let mut saga = Twin::start(Again { last, nights: vec![1, 2, 3] });
    for night in [1, 3] {
        assert_eq!(saga.children(), [("night".to_owned(), json!({ "night": night, "guest": "ann" }))]);
        saga.child::<Night>(Outcome::Completed(night));
    }
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(vec![1, 3])));
}
