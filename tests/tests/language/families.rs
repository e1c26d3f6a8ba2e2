//! Parents and children in one machine: cancelled and unwound together, and what they hold of keys.

use std::time::Duration;

use saga_runtime::log::Status;
use saga_runtime::machine::Decision;
use saga_runtime::message::{Answer, SagaId};
use saga_runtime::prelude::*;

use super::children::Night;
use super::stage::Stage;
use super::tour::Event;
use super::tour::*;

saga! {
    saga Root(night: u32) -> u32 on Tour {
        concurrency queue per night;
        deadline 1m;
        step stay -> u32 {
            run Night { night, guest: "ann".to_owned() };
            compensate unwind;
        }
        step note {
            send Note { text: stay.to_string() };
            compensate none because "nobody minds";
        }
        return stay;
    }

    /// Holds nothing that a night needs.
    saga Free(night: u32) -> u32 on Tour {
        concurrency allow;
        deadline 1m;
        step stay -> u32 {
            run Night { night, guest: "ann".to_owned() };
            compensate unwind;
        }
        step note {
            send Note { text: stay.to_string() };
            compensate none because "nobody minds";
        }
        return stay;
    }

    saga Crossing(own: u32, other: u32) -> u32 on Tour {
        concurrency queue per own;
        deadline 1m;
        step seat -> u32 {
            send Fly { leg: own };
            await Seated { seat } => seat;
            compensate Leave { seat };
        }
        step stay -> u32 {
            run Night { night: other, guest: "ann".to_owned() };
            compensate unwind;
        }
        return stay;
    }

    saga Both(first: u32, second: u32) on Tour {
        concurrency queue per first, second;
        deadline 1m;
        step note {
            send Note { text: "both are free".to_owned() };
            compensate none because "nobody minds";
        }
    }

    saga Skipped(night: u32) on Tour {
        concurrency skip per night;
        deadline 1m;
        step note {
            send Note { text: "looked".to_owned() };
            compensate none because "nobody minds";
        }
    }

    saga Looking(night: u32) on Tour {
        concurrency allow;
        deadline 1m;
        step look {
            run Skipped { night };
            compensate none because "it changes nothing";
        }
    }

    saga Top(night: u32) -> u32 on Tour {
        concurrency allow;
        deadline 1m;
        step inner -> u32 {
            run Root { night };
            compensate unwind;
        }
        return inner;
    }
}

fn night(night: u32) -> Night {
    Night { night, guest: "ben".to_owned() }
}

fn stage() -> Stage<Tour> {
    let stage = Stage::new::<Night>().with::<Root>().with::<Free>().with::<Crossing>();
    let mut stage = stage.with::<Skipped>().with::<Looking>().with::<Top>().with::<Both>();
    stage.connect();
    stage
}

/// Those in flight of this kind.
fn all(stage: &Stage<Tour>, kind: &str) -> Vec<SagaId> {
    let in_flight = stage.machine.in_flight().into_iter().map(|saga| saga.saga);
    in_flight.filter(|saga| stage.machine.name_of(*saga) == Some(kind)).collect()
}

#[track_caller]
fn only(stage: &Stage<Tour>, kind: &str) -> SagaId {
    let all = all(stage, kind);
    assert_eq!(all.len(), 1, "sagas of `{kind}`: {all:?}");
    all[0]
}

/// A night comes to its good end.
#[track_caller]
fn sleep(stage: &mut Stage<Tour>, saga: SagaId, room: u32) {
    stage.answer(saga, 0, 1, Answer::Handled(vec![booked(room)]));
    stage.answer(saga, 1, 1, Answer::Handled(vec![]));
}

/// How it ended.
#[track_caller]
fn end(stage: &Stage<Tour>, saga: SagaId) -> Outcome<String> {
    let end = stage.ends().into_iter().rev().find(|(ended, _)| *ended == saga);
    end.map(|(_, outcome)| outcome).expect("it has ended")
}

#[track_caller]
fn cause(stage: &Stage<Tour>, saga: SagaId) -> Cause {
    match end(stage, saga) {
        Outcome::Compensated(cause) => cause,
        other => panic!("it was not compensated: {other:?}"),
    }
}

fn handled() -> Answer<Event, Refusal> {
    Answer::Handled(vec![])
}

/// Rule: steps.run.output
#[test]
fn a_child_is_a_saga_and_its_output_goes_to_its_parent() {
    let mut stage = stage();
    let root = stage.start(Free { night: 3 });
    let child = only(&stage, "night");
    sleep(&mut stage, child, 12);
    stage.answer(root, 1, 1, handled());
    assert_eq!(end(&stage, root), Outcome::Completed("12".to_owned()));
    assert!(stage.machine.is_empty());
}

/// Rule: start.keys.child-needs-less
#[test]
fn a_child_needs_no_key_that_its_root_holds() {
    let mut stage = stage();
    let root = stage.start(Root { night: 3 });
    let child = only(&stage, "night");
    assert_eq!(stage.status(child), Some(Status::Running));
    let other = stage.start(night(3));
    assert_eq!(stage.status(other), Some(Status::Queued), "but others do");
    sleep(&mut stage, child, 12);
    assert_eq!(stage.status(other), Some(Status::Queued), "its root still holds it");
    stage.answer(root, 1, 1, handled());
    assert_eq!(stage.status(other), Some(Status::Running));
}

/// Rule: start.keys.child-needs-less
#[test]
fn a_grandchild_needs_no_key_that_its_parent_holds() {
    let mut stage = stage();
    let top = stage.start(Top { night: 3 });
    let (root, child) = (only(&stage, "root"), only(&stage, "night"));
    assert_eq!((stage.status(root), stage.status(child)), (Some(Status::Running), Some(Status::Running)));
    sleep(&mut stage, child, 12);
    stage.answer(root, 1, 1, handled());
    assert_eq!(end(&stage, top), Outcome::Completed("12".to_owned()));
}

/// Rule: start.keys.pass-to-parent
#[test]
fn the_keys_of_a_completed_child_pass_to_its_parent() {
    let mut stage = stage();
    let root = stage.start(Free { night: 3 });
    let child = only(&stage, "night");
    let other = stage.start(night(3));
    sleep(&mut stage, child, 12);
    assert_eq!(stage.status(other), Some(Status::Queued));
    stage.answer(root, 1, 1, handled());
    assert_eq!(stage.status(other), Some(Status::Running), "they are free when the parent has ended");
}

/// Rule: start.keys.pass-to-parent
/// Rule: undoing.compensate.unwind
#[test]
fn the_keys_of_a_completed_child_are_held_until_it_is_unwound() {
    let mut stage = stage();
    let root = stage.start(Free { night: 3 });
    let child = only(&stage, "night");
    let other = stage.start(night(3));
    sleep(&mut stage, child, 12);
    stage.answer(root, 1, 1, Answer::Refused(Refusal::Full));
    assert_eq!(stage.status(other), Some(Status::Queued));
    stage.undone(child, 1);
    stage.undone(child, 0);
    assert_eq!(stage.status(other), Some(Status::Running));
    assert_eq!(cause(&stage, root).kind(), CauseKind::Refused);
}

/// Rule: undoing.compensate.unwind
#[test]
fn unwinding_is_the_childs_own_compensations_after_a_restart_too() {
    let mut stage = stage();
    let root = stage.start(Free { night: 3 });
    let child = only(&stage, "night");
    sleep(&mut stage, child, 12);
    stage.restart();
    stage.connect();
    stage.answer(root, 1, 1, Answer::Refused(Refusal::Full));
    stage.undone(child, 1);
    stage.restart();
    stage.connect();
    assert!(stage.status(root).is_some());
    stage.undone(child, 0);
    assert_eq!(cause(&stage, root).kind(), CauseKind::Refused);
    assert!(stage.machine.is_empty());
}

/// Rule: start.keys.child-waits
#[test]
fn a_child_waits_for_a_key_that_a_stranger_holds() {
    let mut stage = stage();
    let stranger = stage.start(night(3));
    let root = stage.start(Free { night: 3 });
    let child = all(&stage, "night")[1];
    assert_eq!(stage.status(child), Some(Status::Queued));
    sleep(&mut stage, stranger, 11);
    assert_eq!(stage.status(child), Some(Status::Running));
    sleep(&mut stage, child, 12);
    stage.answer(root, 1, 1, handled());
    assert_eq!(end(&stage, root), Outcome::Completed("12".to_owned()));
}

/// Rule: start.keys.no-circle
#[test]
fn a_wait_that_would_close_a_circle_is_refused() {
    let mut stage = stage();
    let first = stage.start(Crossing { own: 1, other: 2 });
    let second = stage.start(Crossing { own: 2, other: 1 });
    stage.answer(first, 0, 1, Answer::Handled(vec![seated(4)]));
    let child = only(&stage, "night");
    assert_eq!(stage.status(child), Some(Status::Queued), "it waits for what the second holds");
    stage.answer(second, 0, 1, Answer::Handled(vec![seated(5)]));
    stage.undone(second, 0);
    assert_eq!(
        (cause(&stage, second).kind(), cause(&stage, second).step().to_owned()),
        (CauseKind::Child, "stay".to_owned())
    );
    assert_eq!(stage.status(child), Some(Status::Running), "now the first goes on");
    sleep(&mut stage, child, 12);
    assert_eq!(end(&stage, first), Outcome::Completed("12".to_owned()));
}

/// Rule: start.keys.no-circle
#[test]
fn a_child_goes_before_those_who_wait_for_the_saga_that_runs_it() {
    for is_restless in [false, true] {
        let mut stage = stage();
        let parent = stage.start(Crossing { own: 1, other: 2 });
        let both = stage.start(Both { first: 1, second: 2 });
        let behind = stage.start(night(2));
        stage.answer(parent, 0, 1, Answer::Handled(vec![seated(4)]));
        if is_restless {
            stage.restart();
            stage.connect();
        }
        let child = all(&stage, "night")[1];
        let standing = |stage: &Stage<Tour>| [both, behind, child].map(|saga| stage.status(saga));
        assert_eq!(standing(&stage), [Some(Status::Queued), Some(Status::Queued), Some(Status::Running)]);
        sleep(&mut stage, child, 12);
        assert_eq!(end(&stage, parent), Outcome::Completed("12".to_owned()));
        assert_eq!(standing(&stage), [Some(Status::Running), Some(Status::Queued), None], "their order is as it was");
    }
}

/// Rule: start.keys.no-circle
#[test]
fn a_child_waits_behind_those_who_wait_for_others() {
    let mut stage = stage();
    let stranger = stage.start(night(3));
    let both = stage.start(Both { first: 3, second: 2 });
    let parent = stage.start(Crossing { own: 1, other: 2 });
    stage.answer(parent, 0, 1, Answer::Handled(vec![seated(4)]));
    let child = all(&stage, "night")[1];
    assert_eq!(stage.status(child), Some(Status::Queued));
    sleep(&mut stage, stranger, 11);
    assert_eq!([both, child].map(|saga| stage.status(saga)), [Some(Status::Running), Some(Status::Queued)]);
    stage.answer(both, 0, 1, handled());
    assert_eq!(stage.status(child), Some(Status::Running));
}

/// Rule: start.keys.no-circle
#[test]
fn a_child_that_waits_goes_first_when_another_wait_would_close_a_circle() {
    for is_restless in [false, true] {
        let mut stage = stage();
        let first = stage.start(Crossing { own: 1, other: 2 });
        let second = stage.start(Crossing { own: 3, other: 1 });
        let both = stage.start(Both { first: 3, second: 2 });
        stage.answer(first, 0, 1, Answer::Handled(vec![seated(4)]));
        let child = only(&stage, "night");
        assert_eq!(stage.status(child), Some(Status::Queued), "others came before it");
        if is_restless {
            stage.restart();
            stage.connect();
        }
        stage.answer(second, 0, 1, Answer::Handled(vec![seated(5)]));
        let other = all(&stage, "night")[1];
        let standing = |stage: &Stage<Tour>| [child, other, both].map(|saga| stage.status(saga));
        assert_eq!(standing(&stage), [Some(Status::Running), Some(Status::Queued), Some(Status::Queued)]);
        sleep(&mut stage, child, 12);
        assert_eq!(end(&stage, first), Outcome::Completed("12".to_owned()));
        assert_eq!(standing(&stage), [None, Some(Status::Running), Some(Status::Queued)]);
        sleep(&mut stage, other, 13);
        assert_eq!(stage.status(both), Some(Status::Running));
    }
}

/// Rule: undoing.compensate.unwind
#[test]
fn a_child_that_may_still_be_unwound_has_not_ended_and_cannot_be_cancelled() {
    let mut stage = stage();
    let root = stage.start(Root { night: 3 });
    let child = only(&stage, "night");
    sleep(&mut stage, child, 12);
    let cancelled = |stage: &mut Stage<Tour>| {
        stage.cancel(child);
        let Some(Decision::Cancelled { reply, .. }) = stage.decisions.pop() else { panic!("it is replied to last") };
        reply
    };
    assert_eq!(cancelled(&mut stage), Ok(CancelReply::PastPivot));
    assert_eq!(stage.status(child), Some(Status::Running));
    stage.answer(root, 1, 1, handled());
    assert_eq!(end(&stage, child), Outcome::Completed("12".to_owned()));
    assert_eq!(cancelled(&mut stage), Ok(CancelReply::Ended));
}

/// Rule: start.keys.child-not-accepted
#[test]
fn a_child_whose_start_is_not_accepted_fails_its_step() {
    let mut stage = stage();
    let holder = stage.start(Skipped { night: 3 });
    let parent = stage.start(Looking { night: 3 });
    assert_eq!(
        (cause(&stage, parent).kind(), cause(&stage, parent).step().to_owned()),
        (CauseKind::Child, "look".to_owned())
    );
    stage.answer(holder, 0, 1, handled());
    assert!(stage.machine.is_empty());
}

/// Rule: undoing.doubt.child
#[test]
fn a_cancelled_parent_cancels_its_child_and_waits_for_it() {
    let mut stage = stage();
    let root = stage.start(Free { night: 3 });
    let child = only(&stage, "night");
    stage.answer(child, 0, 1, Answer::Handled(vec![booked(12)]));
    stage.cancel(root);
    stage.settle(child, 1, Fate::Never);
    assert!(stage.status(root).is_some());
    stage.undone(child, 0);
    assert_eq!((cause(&stage, child).kind(), cause(&stage, root).kind()), (CauseKind::Cancelled, CauseKind::Cancelled));
    assert!(stage.machine.is_empty());
}

/// Rule: undoing.doubt.child
#[test]
fn a_cancel_goes_down_to_grandchildren() {
    let mut stage = stage();
    let top = stage.start(Top { night: 3 });
    let child = only(&stage, "night");
    stage.restart();
    stage.connect();
    stage.cancel(top);
    stage.settle(child, 0, Fate::Never);
    assert_eq!(cause(&stage, top).kind(), CauseKind::Cancelled);
    assert!(stage.machine.is_empty());
}

/// Rule: undoing.doubt.child
#[test]
fn a_cancelled_parent_whose_child_waits_for_its_key_ends() {
    let mut stage = stage();
    let stranger = stage.start(night(3));
    let root = stage.start(Free { night: 3 });
    stage.cancel(root);
    assert_eq!(cause(&stage, root).kind(), CauseKind::Cancelled);
    assert_eq!(all(&stage, "night"), [stranger]);
}

/// Rule: start.deadline
#[test]
fn the_deadline_of_a_parent_cancels_its_child() {
    let mut stage = stage();
    let root = stage.start(Root { night: 3 });
    let child = only(&stage, "night");
    stage.advance(Duration::from_secs(60));
    stage.settle(child, 0, Fate::Never);
    assert_eq!(cause(&stage, root).kind(), CauseKind::Deadline);
    assert!(stage.machine.is_empty());
}

/// Rule: steps.run.failed-by-default
#[test]
fn a_child_that_fails_fails_its_parent() {
    let mut stage = stage();
    let root = stage.start(Free { night: 3 });
    let child = only(&stage, "night");
    stage.answer(child, 0, 1, Answer::Refused(Refusal::Full));
    assert_eq!(cause(&stage, child).kind(), CauseKind::Refused);
    let of_root = cause(&stage, root);
    assert_eq!((of_root.kind(), of_root.step()), (CauseKind::Child, "stay"));
    assert!(of_root.message().contains("full"), "{of_root}");
}

/// Rule: steps.run.failed-by-default
/// Rule: undoing.operator.end
#[test]
fn a_child_that_an_operator_ends_fails_its_parent() {
    let mut stage = stage();
    let root = stage.start(Free { night: 3 });
    let child = only(&stage, "night");
    stage.answer(child, 0, 1, handled());
    assert!(stage.is_stuck(child) && !stage.is_stuck(root), "it broke its contract");
    stage.operate(child, Operator::End);
    assert_eq!(cause(&stage, root).kind(), CauseKind::Child);
}
