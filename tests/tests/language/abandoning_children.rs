//! Steps that end with a value while the saga that they run goes on: that is cancelled, awaited, and undone if it
//! completed all the same.

use std::time::Duration;

use saga_runtime::message::{Answer, SagaId};
use saga_runtime::prelude::*;

use super::children::{Night, full};
use super::stage::Stage;
use super::tour::*;
use super::tour::{Command, Event};
use crate::twin::Twin;

saga! {
    /// It does not wait for its bed for long.
    saga Nap(night: u32) -> u32 on Tour {
        concurrency allow;
        deadline 1h;
        step stay -> u32 {
            run Night { night, guest: "ann".to_owned() };
            await timeout => 0;
            within 10s;
            compensate unwind;
        }
        step note {
            send Note { text: stay.to_string() };
            compensate Forget { guest: stay.to_string() };
        }
        step seat -> u32 {
            send Fly { leg: 1 };
            await Seated { seat } => seat;
            compensate none because "the seat is free";
        }
        finally step bye { send Dismiss { guest: format!("{stay:?}") }; }
        return stay;
    }

    /// What it left behind is undone by a command.
    saga Doze(night: u32) -> u32 on Tour {
        concurrency allow;
        deadline 1h;
        step stay -> u32 {
            run Night { night, guest: "ann".to_owned() };
            await {
                timeout => 0,
                handled => 77,
            }
            within 10s;
            compensate Unbook { room: stay };
        }
        step note {
            send Note { text: stay.to_string() };
            compensate none because "nobody minds";
        }
        return stay;
    }

    /// Somebody else may find a bed first.
    saga Rest(guest: String) -> u32 on Tour {
        concurrency allow;
        deadline 1h;
        step stay -> u32 {
            run Night { night: 3, guest };
            await Arrived { guest: who, gate } where who == guest => gate;
            compensate unwind;
        }
        return stay;
    }

    /// Nothing of its bed is undone.
    saga Camp(night: u32) -> u32 on Tour {
        concurrency allow;
        deadline 1h;
        step stay -> u32 {
            run Night { night, guest: "ann".to_owned() };
            await timeout => 0;
            within 10s;
            compensate none because "a bed for a night";
        }
        finally step bye { send Dismiss { guest: format!("{stay:?}") }; }
        return stay;
    }

    saga Naps(nights: Vec<u32>) -> Vec<u32> on Tour {
        concurrency allow;
        deadline 1h;
        step stays -> u32 for night in nights, all at once {
            run Night { night, guest: "ann".to_owned() };
            await timeout => 0;
            within 10s;
            compensate Unbook { room: stays + night };
        }
        return stays;
    }

    saga Ticket(cents: u64) -> u64 on Tour {
        concurrency allow;
        deadline 1h;
        pivot step payment -> u64 {
            send Pay { cents };
            await {
                Paid { receipt } => receipt,
                Declined => fail "declined",
            }
        }
        return payment;
    }

    /// It does not wait for its ticket, which may be paid by then.
    saga Rush(cents: u64) -> u64 on Tour {
        concurrency allow;
        deadline 1h;
        step ticket -> u64 {
            run Ticket { cents };
            await timeout => 0;
            within 10s;
            compensate Refund { receipt: ticket };
        }
        return ticket;
    }
}

/// How a night ends that is undone.
fn cancelled() -> Outcome<u32> {
    full()
}

/// One that has gone on without its bed.
fn nap() -> Twin<Nap> {
    let mut saga = Twin::start(Nap { night: 3 });
    saga.advance(Duration::from_secs(10));
    assert_eq!((saga.sent(), saga.children().len()), (vec![note("0")], 1));
    assert!(!saga.is_compensating() && !saga.is_stuck());
    saga
}

/// Rule: undoing.abandoned.ends-after
/// Rule: undoing.abandoned.finally-waits
/// Rule: undoing.doubt.child
#[test]
fn a_child_that_undid_itself_leaves_nothing_to_undo() {
    let mut saga = nap();
    saga.handled();
    saga.reply(seated(4));
    assert_eq!((saga.sent(), saga.outcome()), (vec![], None), "it is awaited");
    saga.child::<Night>(cancelled());
    assert!(!saga.unwinding());
    assert_eq!(saga.sent(), [dismiss("Some(0)")]);
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(0)));
}

/// Rule: undoing.abandoned.compensated
/// Rule: undoing.abandoned.keeps-value
/// Rule: undoing.abandoned.not-compensating
#[test]
fn a_child_that_completes_late_is_unwound_beside_the_way_forward() {
    let mut saga = nap();
    saga.child::<Night>(Outcome::Completed(12));
    assert!(saga.unwinding() && !saga.is_compensating());
    saga.handled();
    assert_eq!(saga.sent(), [fly(1)]);
    saga.reply(seated(4));
    assert_eq!((saga.sent(), saga.outcome()), (vec![], None));
    saga.child::<Night>(cancelled());
    assert!(!saga.unwinding());
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(0)));
}

/// Rule: undoing.abandoned.compensated
#[test]
fn it_may_be_unwound_before_the_saga_ends() {
    let mut saga = nap();
    saga.child::<Night>(Outcome::Completed(12));
    saga.child::<Night>(cancelled());
    assert_eq!((saga.sent(), saga.children()), (vec![note("0")], vec![]));
    saga.handled();
    saga.reply(seated(4));
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(0)));
}

/// Rule: undoing.abandoned.compensated
/// Rule: undoing.compensate.reverse-order
#[test]
fn a_saga_that_fails_meanwhile_undoes_what_it_left_behind_too() {
    for completes_first in [true, false] {
        let mut saga = nap();
        saga.handled();
        if completes_first {
            saga.child::<Night>(Outcome::Completed(12));
            assert!(saga.unwinding());
        }
        saga.refuse(Refusal::Full);
        assert!(saga.is_compensating());
        assert_eq!(saga.sent(), [], "nothing is undone before it is settled");
        if !completes_first {
            saga.child::<Night>(Outcome::Completed(12));
        }
        assert!(saga.unwinding());
        saga.child::<Night>(cancelled());
        assert!(!saga.unwinding());
        assert_eq!(saga.sent(), [forget("0")]);
        saga.handled();
        assert_eq!(saga.sent(), [dismiss("Some(0)")]);
        saga.handled();
        assert_eq!(saga.cause().step(), "seat");
    }
}

/// Rule: undoing.abandoned.compensated
#[test]
fn a_saga_that_fails_meanwhile_waits_for_what_it_left_behind() {
    let mut saga = nap();
    saga.cancel();
    saga.settle(Fate::Never);
    assert_eq!((saga.sent(), saga.asked(), saga.outcome()), (vec![], vec![], None));
    saga.child::<Night>(cancelled());
    saga.handled();
    assert_eq!(saga.cause().kind(), CauseKind::Cancelled);
}

/// Rule: undoing.abandoned.sees-late-output
#[test]
fn a_command_undoes_it_with_what_the_arms_give_for_its_end() {
    let mut saga = Twin::start(Doze { night: 3 });
    saga.advance(Duration::from_secs(10));
    saga.child::<Night>(Outcome::Completed(12));
    assert_eq!((saga.sent(), saga.modes()), (vec![note("0"), unbook(77)], vec![Mode::Forward, Mode::Compensation]));
    saga.handled_to(&unbook(77));
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(0)));

    let mut saga = Twin::start(Doze { night: 3 });
    saga.advance(Duration::from_secs(10));
    saga.refuse(Refusal::Full);
    saga.child::<Night>(Outcome::Completed(12));
    assert_undone(&mut saga, &[unbook(77)]);
}

/// Rule: undoing.abandoned.settled
/// Rule: steps.await.where
#[test]
fn an_event_of_anyone_may_end_the_step_too() {
    let mut saga = Twin::start(Rest { guest: "ann".to_owned() });
    saga.event(arrived("ann", 7));
    assert_eq!((saga.outcome(), saga.children().len()), (None, 1));
    saga.child::<Night>(Outcome::Completed(12));
    saga.child::<Night>(cancelled());
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(7)));

    let mut saga = Twin::start(Rest { guest: "ann".to_owned() });
    saga.child::<Night>(Outcome::Completed(12));
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(12)));
}

/// Rule: undoing.doubt.child
/// Rule: undoing.abandoned.finally-waits
#[test]
fn one_that_nothing_undoes_is_awaited_too() {
    for end in [Outcome::Completed(12), cancelled()] {
        let mut saga = Twin::start(Camp { night: 3 });
        saga.advance(Duration::from_secs(10));
        assert_eq!((saga.sent(), saga.children().len(), saga.outcome()), (vec![], 1, None));
        saga.child::<Night>(end);
        assert!(!saga.unwinding());
        assert_eq!(saga.sent(), [dismiss("Some(0)")], "it keeps the value with which its step ended");
        saga.handled();
        assert_eq!(saga.outcome(), Some(&Outcome::Completed(0)));
    }
}

/// Rule: undoing.compensate.own-value
#[test]
fn each_item_is_undone_for_itself() {
    let mut saga = Twin::start(Naps { nights: vec![1, 2] });
    saga.advance(Duration::from_secs(10));
    saga.child::<Night>(Outcome::Completed(10));
    assert_eq!(saga.sent(), [unbook(11)]);
    saga.child::<Night>(Outcome::Completed(20));
    assert_eq!(saga.sent(), [unbook(11), unbook(22)]);
    saga.handled();
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(vec![0, 0])));
}

fn stage() -> Stage<Tour> {
    let stage = Stage::new::<Night>().with::<Nap>().with::<Ticket>().with::<Rush>();
    let mut stage = stage;
    stage.connect();
    stage
}

fn child(stage: &Stage<Tour>, parent: SagaId) -> SagaId {
    let sagas = stage.machine.in_flight().into_iter().map(|saga| saga.saga);
    sagas.into_iter().find(|saga| *saga != parent).expect("its child runs")
}

fn restart(stage: &mut Stage<Tour>) {
    stage.restart();
    stage.connect();
}

/// Rule: undoing.abandoned.ends-after
#[test]
fn both_run_and_the_child_is_undone_before_its_parent_ends() {
    for restarts in 0..4 {
        let mut stage = stage();
        let nap = stage.start(Nap { night: 3 });
        let night = child(&stage, nap);
        stage.answer(night, 0, 1, Answer::Handled(vec![booked(12)]));
        stage.advance(Duration::from_secs(10));
        (0..restarts).for_each(|_| restart(&mut stage));
        stage.answer(nap, 1, 1, Answer::Handled(vec![]));
        stage.answer(nap, 2, 1, Answer::Handled(vec![seated(4)]));
        (1..restarts).for_each(|_| restart(&mut stage));
        stage.settle(night, 1, Fate::Never);
        assert_eq!(stage.ends(), []);
        (2..restarts).for_each(|_| restart(&mut stage));
        stage.undone(night, 0);
        stage.finally_done(nap, 3);
        let ends: Vec<_> = stage.ends().into_iter().map(|(saga, _)| saga).collect();
        assert_eq!(ends, [night, nap]);
        assert!(stage.machine.is_empty());
    }
}

/// Rule: undoing.abandoned.compensated
/// Rule: pivot.cancel-waits
#[test]
fn a_child_whose_pivot_took_effect_completes_and_is_undone_by_a_command() {
    for restarts in [false, true] {
        let mut stage = stage();
        let rush = stage.start(Rush { cents: 5 });
        let ticket = child(&stage, rush);
        stage.advance(Duration::from_secs(10));
        assert_eq!(stage.ends(), []);
        if restarts {
            restart(&mut stage);
        }
        stage.settle(ticket, 0, Fate::Done(vec![paid(9)]));
        assert_eq!(stage.ends(), [(ticket, Outcome::Completed("9".to_owned()))]);
        if restarts {
            restart(&mut stage);
        }
        stage.undone(rush, 0);
        assert_eq!(stage.ends().last(), Some(&(rush, Outcome::Completed("0".to_owned()))));
        assert!(stage.machine.is_empty());
    }
}

/// Rule: undoing.operator.end
#[test]
fn an_operator_ends_it_without_waiting() {
    let mut stage = stage();
    let nap = stage.start(Nap { night: 3 });
    let night = child(&stage, nap);
    stage.advance(Duration::from_secs(10));
    stage.answer(nap, 1, 1, Answer::Broken("it lost its way".to_owned()));
    assert!(stage.is_stuck(nap));
    stage.operate(nap, Operator::End);
    stage.finally_done(nap, 3);
    assert_eq!(stage.ends().len(), 1);
    stage.settle(night, 0, Fate::Never);
    assert!(stage.machine.is_empty());
}

fn said(command: &Command) -> Vec<Event> {
    match command {
        Command::Fly { leg } => vec![seated(leg + 3)],
        Command::Book { night } => vec![booked(night * 4)],
        Command::Pay { .. } => vec![paid(7)],
        _ => vec![],
    }
}

/// Rule: testing.explore
#[test]
fn on_all_paths_what_is_left_behind_is_awaited_and_undone() {
    let explored = explore::<Nap>(Nap { night: 3 }, said);
    for fault in [Fault::Child, Fault::TimedOut, Fault::Cancelled, Fault::Restarted] {
        assert!(explored.count(fault) > 0, "{fault:?}: {:?}", explored.faults());
    }
    explore::<Doze>(Doze { night: 3 }, said);
    explore::<Camp>(Camp { night: 3 }, said);
    explore::<Naps>(Naps { nights: vec![1, 2] }, said);
    let explored = explore_among::<Rest>(Rest { guest: "ann".to_owned() }, said, vec![arrived("ann", 1)]);
    assert!(explored.events().contains_key("taken"), "{:?}", explored.events());
}
